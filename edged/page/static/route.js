// The view that the address names: #/cameras, #/camera/NAME, #/teach, #/teach/SET, #/board.
import { signal } from "./ui.js";

const VIEWS = ["cameras", "camera", "teach", "board"];

export const route = signal(read());

function read() {
  const [, view, name] = location.hash.split("/");
  return VIEWS.includes(view) ? { view, name: name ? decoded(name) : null } : { view: "cameras", name: null };
}

function decoded(name) {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

addEventListener("hashchange", () => {
  route.value = read();
});

/** Reads the address again, after it was replaced without an event. */
export function reread() {
  route.value = read();
}
