// Figures as text. Each has as many digits always, so that nothing moves while they change.

/** 0.97, -0.02: a score or a probability. */
export const score = (value) => (value == null ? "–" : value.toFixed(2));

/** 9.9/s */
export const rate = (value) => (value == null ? "–" : `${value.toFixed(value < 99.95 ? 1 : 0)}/s`);

/** Milliseconds of a time in microseconds. */
export const milliseconds = (us) => (us == null ? "–" : (us / 1000).toFixed(1));

/** 0.4 s, 12 s, 5 min, 3 h, 2 d */
export function duration(seconds) {
  if (seconds == null || !Number.isFinite(seconds)) return "–";
  const s = Math.max(0, seconds);
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 120) return `${Math.floor(s)} s`;
  if (s < 7200) return `${Math.floor(s / 60)} min`;
  return s < 172800 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} d`;
}

/** 14:03:07 of a wall clock in microseconds, with the date if it is not today's. */
export function time(us) {
  const at = new Date(us / 1000);
  const clock = [at.getHours(), at.getMinutes(), at.getSeconds()].map((n) => String(n).padStart(2, "0")).join(":");
  if (at.toDateString() === new Date().toDateString()) return clock;
  return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, "0")}-${String(at.getDate()).padStart(2, "0")} ${clock}`;
}

/** 71.3 MiB */
export const mebibytes = (bytes) => (bytes == null ? "–" : `${(bytes / 1048576).toFixed(1)} MiB`);
