// Live pictures: what the tab looks at follows from the canvases that are on the screen.
import { html, signal, useEffect, useRef, useState } from "./ui.js";
import { look, onPicture } from "./connection.js";

const WIDTHS = [320, 480, 640, 960, 1280, 1920]; // few, because viewers of the same width share one encoding
const wanted = new Map(); // a symbol of each thing that is looked at → {kind, camera, region, width, fps}
const canvases = new Map(); // camera or camera/region → a set of canvases
const newest = new Map(); // camera or camera/region → a signal of the newest picture's header

const keyOf = (camera, region) => (region ? `${camera}/${region}` : camera);

/** A signal of the newest picture: its header, and `at`, its moment of capture on performance.now(). */
export function newestPicture(camera, region) {
  const key = keyOf(camera, region);
  if (!newest.has(key)) newest.set(key, signal(null));
  return newest.get(key);
}

/** Looks at the scores of a region while the component is on the screen. */
export function useScores(camera, region) {
  useEffect(() => (region ? want({ kind: "scores", camera, region }) : undefined), [camera, region]);
}

/** A canvas with the live picture of a camera, or with what the model is given of a region. */
export function Picture({ camera, region = null, fps = 5, maxWidth = 640, label }) {
  const canvas = useRef(null);
  const [width, setWidth] = useState(null);
  const shown = newestPicture(camera, region).value;

  useEffect(() => {
    const element = canvas.current;
    const set = canvases.get(keyOf(camera, region)) ?? new Set();
    canvases.set(keyOf(camera, region), set.add(element));
    return () => set.delete(element);
  }, [camera, region]);

  useEffect(() => {
    // Only what is on the screen is looked at, and no wider than it is shown.
    const element = canvas.current;
    let visible = false;
    const measure = () => {
      const pixels = element.clientWidth * devicePixelRatio;
      const fitting = WIDTHS.find((step) => step >= pixels) ?? WIDTHS.at(-1);
      setWidth(visible && pixels > 0 ? Math.min(fitting, maxWidth) : null);
    };
    const seen = new IntersectionObserver((entries) => {
      visible = entries.at(-1).isIntersecting; // a busy browser reports several changes at once, the newest last
      measure();
    });
    const sized = new ResizeObserver(measure);
    seen.observe(element);
    sized.observe(element);
    return () => (seen.disconnect(), sized.disconnect());
  }, [camera, region, maxWidth]);

  useEffect(() => {
    if (width === null) return undefined;
    return want(region ? { kind: "inputs", camera, region } : { kind: "cameras", camera, width, fps });
  }, [camera, region, width, fps]);

  return html`<canvas ref=${canvas} role="img" aria-label=${label} data-frame=${shown?.frame_seq}></canvas>`;
}

/** Draws a picture that came with a reply, as base64 of a PNG. */
export function Still({ png, label, className }) {
  const canvas = useRef(null);
  useEffect(() => {
    let gone = false;
    if (png) {
      const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
      createImageBitmap(new Blob([bytes], { type: "image/png" })).then((bitmap) => {
        if (!gone) paint(canvas.current, bitmap);
        bitmap.close();
      }, () => {}); // a picture that cannot be read stays empty
    }
    return () => (gone = true);
  }, [png]);
  return html`<canvas ref=${canvas} class=${className} role="img" aria-label=${label}></canvas>`;
}

function paint(canvas, bitmap) {
  if (!canvas) return;
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
  }
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
}

onPicture(async (header, bytes) => {
  const key = keyOf(header.camera, header.region);
  try {
    const bitmap = await createImageBitmap(new Blob([bytes], { type: header.media_type }));
    for (const canvas of canvases.get(key) ?? []) paint(canvas, bitmap);
    bitmap.close();
    newestPicture(header.camera, header.region).value = { ...header, at: performance.now() - (header.age_ms ?? 0) };
  } catch {
    // A picture that cannot be decoded is as good as none; the next one may be drawn.
  }
});

function want(thing) {
  const id = Symbol(thing.kind);
  wanted.set(id, thing);
  schedule();
  return () => {
    wanted.delete(id);
    schedule();
  };
}

let scheduled = false;

function schedule() {
  if (scheduled) return;
  scheduled = true;
  queueMicrotask(() => {
    scheduled = false;
    look(wantedLook());
  });
}

function wantedLook() {
  const message = { type: "look", cameras: [], inputs: [], scores: [] };
  if (document.hidden) return message;
  const taken = new Map();
  for (const { kind, camera, region, width, fps } of wanted.values()) {
    const key = `${kind} ${keyOf(camera, region)}`;
    const other = taken.get(key);
    if (other) {
      if (width > other.width) Object.assign(other, { width, fps: Math.max(fps, other.fps) });
      continue;
    }
    const entry = kind === "cameras" ? { camera, width, fps } : { camera, region };
    taken.set(key, entry);
    message[kind].push(entry);
  }
  return message;
}

document.addEventListener("visibilitychange", schedule);
