// The live picture with regions and masks to drag, by pointer and by keyboard.
import { html, useEffect, useRef, useState } from "../ui.js";
import { Picture } from "../pictures.js";
import { t } from "../words.js";
import { HANDLES, handleAt, middle, moved, resized, turned, turnedBack, wayBack, withMiddle, withPoint } from "./geometry.js";

const HIGHEST_VH = 70; // of the picture, in hundredths of the window: the numbers below it stay in reach
const LEAST_PIXELS = 8; // of a region that is dragged
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const FAR = 10; // pixels for an arrow with shift

/** `size` is [width, height] of the frame; `view` is how far the picture is shown turned. */
export function Editor({ draft, size, view, editable, trouble }) {
  const stage = useRef(null);
  const [[width, height], setShown] = useState([0, 0]);
  const [frameWidth, frameHeight] = size;
  const isUpright = view % 180 === 0;

  useEffect(() => {
    const element = stage.current;
    const sized = new ResizeObserver(() => setShown([element.clientWidth, element.clientHeight]));
    sized.observe(element);
    return () => sized.disconnect();
  }, []);

  const seen = { width, height, view, at: (point) => { const [x, y] = turned(point, view); return [x * width, y * height]; } };
  const pointAt = (event) => {
    const box = stage.current.getBoundingClientRect();
    return turnedBack([(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height], view);
  };
  const tools = { draft, seen, pointAt, editable, pixel: [1 / frameWidth, 1 / frameHeight] };
  const turn = isUpright ? [width, height] : [height, width];
  const { regions, mask } = draft.shown.value ?? { regions: {}, mask: [] };
  const selected = draft.selected.value;
  const region = selected?.kind === "region" ? regions[selected.name] : undefined;
  const polygon = selected?.kind === "mask" ? mask[selected.index] : undefined;
  const ratio = isUpright ? frameWidth / frameHeight : frameHeight / frameWidth;
  return html`<div class="stage" ref=${stage} style=${{ aspectRatio: String(ratio), width: `min(100%, ${(HIGHEST_VH * ratio).toFixed(2)}vh)` }}>
    <div class="turn" style=${{ width: `${turn[0]}px`, height: `${turn[1]}px`, transform: `translate(-50%, -50%) rotate(${view}deg)` }}>
      <${Picture} camera=${draft.name} fps=${5} maxWidth=${1280} label=${t("picture.of", { name: draft.name })} />
    </div>
    ${width > 0 && html`<svg class="overlay" width=${width} height=${height} role="group" aria-label=${t("editor")}>
      ${region && html`<${Shade} region=${region} seen=${seen} />`}
      ${smallestLast(regions, mask).map(({ name, index }) => (name !== undefined
        ? html`<${Region} key=${`region ${name}`} name=${name} region=${regions[name]} isSelected=${selected?.name === name} ...${tools} />`
        : html`<${Mask} key=${`mask ${index}`} polygon=${mask[index]} index=${index} isSelected=${polygon !== undefined && selected.index === index} ...${tools} />`))}
      ${region && editable && html`<${RegionHandles} key=${selected.name} name=${selected.name} region=${region} ...${tools} />`}
      ${polygon && editable && html`<${MaskHandles} key=${selected.index} polygon=${polygon} index=${selected.index} ...${tools} />`}
    </svg>`}
    ${trouble}
  </div>`;
}

/** All regions and masks, the largest first: what is drawn later is what a pointer finds. */
function smallestLast(regions, mask) {
  const areas = [
    ...Object.entries(regions).map(([name, { left, top, right, bottom }]) => ({ name, area: (right - left) * (bottom - top) })),
    ...mask.map((polygon, index) => ({ index, area: extent(polygon) })),
  ];
  return areas.sort((one, other) => other.area - one.area);
}

function extent(polygon) {
  const [xs, ys] = [polygon.map(([x]) => x), polygon.map(([, y]) => y)];
  return (Math.max(...xs) - Math.min(...xs)) * (Math.max(...ys) - Math.min(...ys));
}

function box(region, seen) {
  const [[x, y], [u, v]] = [seen.at([region.left, region.top]), seen.at([region.right, region.bottom])];
  return { x: Math.min(x, u), y: Math.min(y, v), width: Math.abs(u - x), height: Math.abs(v - y) };
}

/** Everything but the selected region, a little darker: that is what the model does not see. */
function Shade({ region, seen }) {
  const { x, y, width, height } = box(region, seen);
  return html`<path class="shade" fill-rule="evenodd" d=${`M0 0H${seen.width}V${seen.height}H0ZM${x} ${y}h${width}v${height}h${-width}Z`} />`;
}

const putRegion = (draft, name) => (to, when) => draft.change({ regions: { ...draft.shown.peek().regions, [name]: to } }, when);
const putMask = (draft, index) => (to, when) => draft.change({ mask: draft.shown.peek().mask.map((other, at) => (at === index ? to : other)) }, when);

function Region({ name, region, isSelected, ...tools }) {
  const { draft, seen, editable } = tools;
  const { x, y, width, height } = box(region, seen);
  const put = putRegion(draft, name);
  const select = () => (draft.selected.value = { kind: "region", name });
  const move = useDrag(tools, region, (from, dx, dy) => moved(from, dx, dy), put);
  return html`<g class="region ${isSelected ? "selected" : ""}">
    <rect class="casing" x=${x} y=${y} width=${width} height=${height} />
    <rect class="edge" x=${x} y=${y} width=${width} height=${height} tabindex="0" role="button" data-region=${name}
      aria-pressed=${isSelected} aria-label=${t(editable ? "region.label" : "region.seen", { name, ...asText(region) })}
      onFocus=${select} onPointerDown=${(event) => (select(), editable && move.start(event))} ...${move.going}
      onKeyDown=${editable && ((event) => arrows(event, tools, (dx, dy) => put(moved(region, dx, dy), "typing")))} />
    <text class="name" x=${x + 6} y=${y < 22 ? y + 17 : y - 7} aria-hidden="true">${name}</text>
  </g>`;
}

function RegionHandles({ name, region, ...tools }) {
  const { draft, seen, pixel } = tools;
  const least = pixel.map((side) => side * LEAST_PIXELS);
  return HANDLES.map((handle) => html`<${Handle} key=${handle} at=${seen.at(handleAt(region, handle))} value=${region} id=${handle} tools=${tools}
    label=${t("handle.label", { name, edge: t(`handle.${handle}`) })} change=${(from, dx, dy) => resized(from, handle, dx, dy, least)} put=${putRegion(draft, name)} />`);
}

const asText = (region) => Object.fromEntries(Object.entries(region).map(([edge, value]) => [edge, value.toFixed(2)]));

function Handle({ at: [x, y], value, label, change, put, id, tools, onKey }) {
  const drag = useDrag(tools, value, change, put);
  return html`<g class="handle" tabindex="0" role="button" aria-label=${label} data-handle=${id} transform=${`translate(${x} ${y})`}
    onPointerDown=${drag.start} ...${drag.going}
    onKeyDown=${(event) => (onKey?.(event), arrows(event, tools, (dx, dy) => put(change(value, dx, dy), "typing")))}>
    <rect class="hit" x="-12" y="-12" width="24" height="24" /><rect class="knob" x="-5" y="-5" width="10" height="10" rx="2" />
  </g>`;
}

function Mask({ polygon, index, isSelected, ...tools }) {
  const { draft, seen, editable } = tools;
  const put = putMask(draft, index);
  const select = () => isSelected || (draft.selected.value = { kind: "mask", index, point: null });
  const move = useDrag(tools, polygon, shifted, put);
  return html`<g class="mask ${isSelected ? "selected" : ""}">
    <polygon class="edge" points=${polygon.map(seen.at).map(([x, y]) => `${x},${y}`).join(" ")} tabindex="0" role="button" data-mask=${index}
      aria-pressed=${isSelected} aria-label=${t("mask.label", { number: index + 1, points: polygon.length })}
      onFocus=${select} onPointerDown=${(event) => (select(), editable && move.start(event))} ...${move.going}
      onKeyDown=${editable && ((event) => arrows(event, tools, (dx, dy) => put(shifted(polygon, dx, dy), "typing")))} />
  </g>`;
}

function MaskHandles({ polygon, index, ...tools }) {
  const { draft, seen } = tools;
  const put = putMask(draft, index);
  const select = (point) => (draft.selected.value = { kind: "mask", index, point });
  const remove = (point) => (event) => {
    if ((event.key === "Delete" || event.key === "Backspace") && polygon.length > 3) put(polygon.filter((_, at) => at !== point));
  };
  return html`
    ${polygon.map((_, edge) => html`<${Middle} key=${`middle ${edge}`} polygon=${polygon} edge=${edge} seen=${seen} put=${put} select=${select} />`)}
    ${polygon.map((corner, point) => html`<g key=${`point ${point}`} onFocusIn=${() => select(point)}>
      <${Handle} at=${seen.at(corner)} value=${polygon} label=${t("point.label", { number: point + 1, mask: index + 1 })} id=${`point ${point}`}
        change=${(from, dx, dy) => withPoint(from, point, from[point][0] + dx, from[point][1] + dy)} put=${put} tools=${tools} onKey=${remove(point)} />
    </g>`)}
  `;
}

/** A small cross on an edge of a mask: a press adds a point there. Too short edges have none. */
function Middle({ polygon, edge, seen, put, select }) {
  const [x, y] = seen.at(middle(polygon, edge));
  const [[a, b], [c, d]] = [seen.at(polygon[edge]), seen.at(polygon[(edge + 1) % polygon.length])];
  if (Math.hypot(c - a, d - b) < 56) return null;
  const add = () => (put(withMiddle(polygon, edge)), select(edge + 1));
  return html`<g class="middle" tabindex="0" role="button" aria-label=${t("point.add.after", { number: edge + 1 })} transform=${`translate(${x} ${y})`}
    onClick=${add} onKeyDown=${(event) => (event.key === "Enter" || event.key === " ") && (event.preventDefault(), add())}>
    <rect class="hit" x="-12" y="-12" width="24" height="24" /><path class="cross" d="M-5 0H5M0-5V5" />
  </g>`;
}

/** The polygon moved as a whole, as far as the frame goes. */
function shifted(polygon, dx, dy) {
  const [xs, ys] = [polygon.map(([x]) => x), polygon.map(([, y]) => y)];
  const x = Math.min(1 - Math.max(...xs), Math.max(-Math.min(...xs), dx));
  const y = Math.min(1 - Math.max(...ys), Math.max(-Math.min(...ys), dy));
  return polygon.reduce((to, [u, v], index) => withPoint(to, index, u + x, v + y), polygon);
}

/** A drag from where the pointer went down: `change(value then, dx, dy)` while it lasts, tried when it ends. */
function useDrag({ pointAt }, value, change, put) {
  const held = useRef(null);
  const start = (event) => {
    if (event.button !== 0) return;
    event.stopPropagation();
    event.currentTarget.setPointerCapture(event.pointerId);
    held.current = { from: pointAt(event), value, hasMoved: false };
  };
  const to = (event) => {
    const [x, y] = pointAt(event);
    return change(held.current.value, x - held.current.from[0], y - held.current.from[1]);
  };
  const going = {
    onPointerMove: (event) => {
      if (!held.current) return;
      held.current.hasMoved = true;
      put(to(event), "dragging");
    },
    onPointerUp: (event) => {
      if (held.current?.hasMoved) put(to(event), "now");
      held.current = null;
    },
    onPointerCancel: () => {
      if (held.current?.hasMoved) put(held.current.value, "now");
      held.current = null;
    },
  };
  return { start, going };
}

function arrows(event, { pixel, seen }, move) {
  const way = ARROWS[event.key];
  if (!way) return;
  event.preventDefault();
  const [dx, dy] = wayBack(way, seen.view);
  const far = event.shiftKey ? FAR : 1;
  move(dx * far * pixel[0], dy * far * pixel[1]);
}
