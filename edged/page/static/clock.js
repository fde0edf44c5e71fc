// A tick a second, for ages and durations: one timer for all of them, which rests while the tab is hidden.
import { signal } from "./ui.js";

/** Milliseconds since 1970, of this browser. */
export const now = signal(Date.now());

setInterval(() => {
  if (!document.hidden) now.value = Date.now();
}, 1000);
