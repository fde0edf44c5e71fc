// Regions and masks as numbers, in 0…1 of the frame as captured. Pure.

export const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];

/** `value` to the nearest of 10,000 steps, within 0…1: finer than a pixel, and short in the configuration. */
export const rounded = (value) => Math.round(Math.min(1, Math.max(0, value)) * 10_000) / 10_000;

/** The region moved by (dx, dy), of the same size, as far as the frame goes. */
export function moved(region, dx, dy) {
  const x = Math.min(1 - region.right, Math.max(-region.left, dx));
  const y = Math.min(1 - region.bottom, Math.max(-region.top, dy));
  return {
    left: rounded(region.left + x), top: rounded(region.top + y), right: rounded(region.right + x), bottom: rounded(region.bottom + y),
  };
}

/** The region with the edges of `handle` moved by (dx, dy), at least `least` = [width, height] large. */
export function resized(region, handle, dx, dy, least) {
  const to = { ...region };
  if (handle.includes("w")) to.left = rounded(Math.min(region.left + dx, region.right - least[0]));
  if (handle.includes("e")) to.right = rounded(Math.max(region.right + dx, region.left + least[0]));
  if (handle.includes("n")) to.top = rounded(Math.min(region.top + dy, region.bottom - least[1]));
  if (handle.includes("s")) to.bottom = rounded(Math.max(region.bottom + dy, region.top + least[1]));
  return to;
}

/** Where a handle is: [x, y]. */
export function handleAt({ left, top, right, bottom }, handle) {
  const x = handle.includes("w") ? left : handle.includes("e") ? right : (left + right) / 2;
  const y = handle.includes("n") ? top : handle.includes("s") ? bottom : (top + bottom) / 2;
  return [x, y];
}

/** A point of the frame that is shown turned clockwise by `rotation`: where it is seen, in 0…1 of what is shown. */
export function turned([x, y], rotation) {
  return { 0: [x, y], 90: [1 - y, x], 180: [1 - x, 1 - y], 270: [y, 1 - x] }[rotation];
}

/** The opposite of `turned`: the point of the frame that is seen there. */
export const turnedBack = (point, rotation) => turned(point, (360 - rotation) % 360);

/** A way of the arrow keys, as it is seen, as a way in the frame. */
export function wayBack([dx, dy], rotation) {
  return { 0: [dx, dy], 90: [dy, -dx], 180: [-dx, -dy], 270: [-dy, dx] }[rotation];
}

/** The polygon with its point `index` at (x, y). */
export const withPoint = (polygon, index, x, y) => polygon.map((point, at) => (at === index ? [rounded(x), rounded(y)] : point));

/** The polygon with a new point in the middle of the edge after point `index`. */
export function withMiddle(polygon, index) {
  const [x, y] = middle(polygon, index);
  return [...polygon.slice(0, index + 1), [rounded(x), rounded(y)], ...polygon.slice(index + 1)];
}

/** The middle of the edge after point `index`. */
export function middle(polygon, index) {
  const [[x, y], [u, v]] = [polygon[index], polygon[(index + 1) % polygon.length]];
  return [(x + u) / 2, (y + v) / 2];
}

/** A name for a new region that no other has. */
export function freeName(names, stem) {
  for (let number = 1; ; number++) {
    const name = `${stem}-${number}`;
    if (!names.includes(name)) return name;
  }
}
