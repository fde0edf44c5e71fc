// Beside the picture: what is selected, in numbers, and what becomes of the changes.
import { html, useEffect, useState } from "../ui.js";
import { hello } from "../connection.js";
import { newestPicture, Picture } from "../pictures.js";
import { asName, mayChange, NameField, Problem } from "../parts.js";
import { now } from "../clock.js";
import { t } from "../words.js";
import { freeName, rounded, withMiddle, withPoint } from "./geometry.js";

const NEW_REGION = { left: 0.3, top: 0.3, right: 0.7, bottom: 0.7 };
const NEW_MASK = [[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6]];

/** The regions and masks of the camera, to select one or add one. */
export function Choice({ draft }) {
  const { regions, mask } = draft.shown.value;
  const selected = draft.selected.value;
  const addRegion = () => {
    const name = freeName(Object.keys(regions), "region");
    draft.selected.value = { kind: "region", name };
    draft.change({ regions: { ...regions, [name]: NEW_REGION } });
  };
  const addMask = () => {
    draft.selected.value = { kind: "mask", index: mask.length, point: null };
    draft.change({ mask: [...mask, NEW_MASK] });
  };
  const is = (kind, which) => selected?.kind === kind && (selected.name ?? selected.index) === which;
  return html`<div class="choice" role="group" aria-label=${t("choice")}>
    ${Object.keys(regions).map((name) => html`<button type="button" key=${name} class="chip" aria-pressed=${is("region", name)}
      onClick=${() => (draft.selected.value = { kind: "region", name })}>${name}</button>`)}
    ${mask.map((_, index) => html`<button type="button" key=${`mask ${index}`} class="chip" aria-pressed=${is("mask", index)}
      onClick=${() => (draft.selected.value = { kind: "mask", index, point: null })}>${t("mask.name", { number: index + 1 })}</button>`)}
    ${mayChange() && html`<button type="button" class="plain" onClick=${addRegion}>+ ${t("region.add")}</button>
      <button type="button" class="plain" onClick=${addMask}>+ ${t("mask.add")}</button>`}
  </div>`;
}

/** The numbers of what is selected. */
export function Numbers({ draft, size }) {
  const { regions, mask } = draft.shown.value;
  const selected = draft.selected.value;
  if (selected?.kind === "region" && regions[selected.name]) return html`<${RegionNumbers} draft=${draft} size=${size} name=${selected.name} />`;
  if (selected?.kind === "mask" && mask[selected.index]) return html`<${MaskNumbers} draft=${draft} size=${size} ...${selected} />`;
  return null;
}

function RegionNumbers({ draft, size, name }) {
  const { regions } = draft.shown.value;
  const region = regions[name];
  const put = (edge) => (value) => draft.change({ regions: { ...regions, [name]: { ...region, [edge]: value } } });
  const [w, h] = size;
  const limits = {
    left: [0, region.right - 1 / w], right: [region.left + 1 / w, 1], top: [0, region.bottom - 1 / h], bottom: [region.top + 1 / h, 1],
  };
  const remove = () => {
    const rest = Object.fromEntries(Object.entries(regions).filter(([other]) => other !== name));
    draft.selected.value = { kind: "region", name: Object.keys(rest)[0] };
    draft.change({ regions: rest });
  };
  return html`<fieldset class="numbers">
    <legend>${name}</legend>
    ${mayChange() && !(name in (draft.configured.value?.regions ?? {})) && html`<${Rename} draft=${draft} name=${name} />`}
    ${["left", "top", "right", "bottom"].map((edge) => html`<${Coordinate} key=${edge} label=${t(`edge.${edge}`)} id=${edge} value=${region[edge]}
      pixels=${edge === "left" || edge === "right" ? w : h} limits=${limits[edge]} put=${put(edge)} />`)}
    ${mayChange() && Object.keys(regions).length > 1 && html`<button type="button" class="plain" onClick=${remove}>${t("region.remove", { name })}</button>`}
  </fieldset>`;
}

/** The name of a region that is not configured yet. */
function Rename({ draft, name }) {
  const rename = (event) => {
    const to = asName(event.target.value);
    const { regions } = draft.shown.peek();
    event.target.value = to;
    if (to === name || to in regions || !/^[a-z0-9][a-z0-9_-]{0,63}$/.test(to)) {
      event.target.value = name;
      return;
    }
    draft.selected.value = { kind: "region", name: to };
    draft.change({ regions: Object.fromEntries(Object.entries(regions).map(([other, at]) => [other === name ? to : other, at])) });
  };
  return html`<label class="field">${t("name")} <${NameField} value=${name} onChange=${rename} /></label>
    <p class="hint">${t("name.hint")}</p>`;
}

function MaskNumbers({ draft, size, index, point }) {
  const { mask } = draft.shown.value;
  const polygon = mask[index];
  const put = (to) => draft.change({ mask: mask.map((other, at) => (at === index ? to : other)) });
  const at = Math.min(point ?? 0, polygon.length - 1);
  const select = (to) => (draft.selected.value = { kind: "mask", index, point: to });
  const remove = () => {
    draft.selected.value = { kind: "region", name: Object.keys(draft.shown.peek().regions)[0] };
    draft.change({ mask: mask.filter((_, other) => other !== index) });
  };
  const [x, y] = polygon[at];
  return html`<fieldset class="numbers">
    <legend>${t("mask.name", { number: index + 1 })}</legend>
    <label class="field">${t("point")} <select value=${at} onChange=${(event) => select(Number(event.target.value))}>
      ${polygon.map((_, number) => html`<option key=${number} value=${number}>${number + 1}</option>`)}
    </select></label>
    <${Coordinate} label=${t("edge.left")} id="x" value=${x} pixels=${size[0]} limits=${[0, 1]} put=${(value) => put(withPoint(polygon, at, value, y))} />
    <${Coordinate} label=${t("edge.top")} id="y" value=${y} pixels=${size[1]} limits=${[0, 1]} put=${(value) => put(withPoint(polygon, at, x, value))} />
    ${mayChange() && html`<div class="line wrap">
      <button type="button" class="plain" onClick=${() => (put(withMiddle(polygon, at)), select(at + 1))}>${t("point.add")}</button>
      <button type="button" class="plain" disabled=${polygon.length <= 3} onClick=${() => (put(polygon.filter((_, other) => other !== at)), select(0))}>${t("point.remove")}</button>
      <button type="button" class="plain" onClick=${remove}>${t("mask.remove")}</button>
    </div>`}
  </fieldset>`;
}

/** One number in 0…1 and in pixels of the frame. A value out of its limits is refused with the reason. */
function Coordinate({ label, id, value, pixels, limits: [least, most], put }) {
  const [misfit, setMisfit] = useState(null);
  useEffect(() => setMisfit(null), [value]);
  const read = (event, scale) => {
    const wanted = Number(event.target.value) / scale;
    if (event.target.value === "" || !Number.isFinite(wanted) || wanted < least - 1e-9 || wanted > most + 1e-9) {
      setMisfit(t("misfit", { least: (least * scale).toFixed(scale === 1 ? 4 : 0), most: (most * scale).toFixed(scale === 1 ? 4 : 0) }));
      return;
    }
    setMisfit(null);
    put(rounded(wanted));
  };
  const state = { disabled: !mayChange(), "aria-invalid": misfit ? "true" : null, "aria-describedby": misfit ? `misfit-${id}` : null };
  return html`<div class="coordinate">
    <span class="label" aria-hidden="true">${label}</span>
    <input type="number" class="number" min="0" max="1" step="0.0001" value=${value.toFixed(4)} aria-label=${label} data-field=${id} ...${state} onChange=${(event) => read(event, 1)} />
    <input type="number" class="number" min="0" max=${pixels} step="1" value=${Math.round(value * pixels)} aria-label=${t("in.pixels", { label })} ...${state} onChange=${(event) => read(event, pixels)} />
    <span class="unit" aria-hidden="true">px</span>
    ${misfit && html`<p class="misfit" id=${`misfit-${id}`}>${misfit}</p>`}
  </div>`;
}

/** How the picture of every region is turned before the model sees it. */
export function Rotation({ draft }) {
  const { rotation } = draft.shown.value;
  return html`<fieldset class="segments">
    <legend>${t("rotation")}</legend>
    ${[0, 90, 180, 270].map((degrees) => html`<label key=${degrees}><input type="radio" name="rotation" value=${degrees} checked=${rotation === degrees}
      disabled=${!mayChange()} onChange=${() => draft.change({ rotation: degrees })} /><span>${degrees}°</span></label>`)}
  </fieldset>`;
}

/** Exactly what the model is given of a region. */
export function Input({ camera, region, rotation }) {
  const picture = newestPicture(camera, region).value;
  return html`<figure class="input">
    <div class="given"><${Picture} camera=${camera} region=${region} label=${t("input.of", { name: `${camera}/${region}` })} /></div>
    <figcaption>${t("input")}<span class="number quiet">${picture ? `${picture.width} × ${picture.height}` : "–"}${rotation ? ` · ${rotation}°` : ""}</span></figcaption>
  </figure>`;
}

/** What becomes of the changes: tried, taken back, kept. */
export function Outcome({ draft }) {
  const [keeping, setKeeping] = useState(false);
  const { edited, trial, ended, problem, kept } = draft;
  const running = trial.value;
  const left = running ? Math.max(0, Math.ceil((running.until - Math.max(now.value, Date.now())) / 1000)) : null;
  useEffect(() => {
    if (running && left === 0) draft.end();
  }, [running, left === 0]);
  const keep = async () => {
    setKeeping(true);
    await draft.keep();
    setKeeping(false);
  };
  return html`<section class="outcome" aria-label=${t("changes.yours")} data-trial=${running ? "running" : ended.value ? "ended" : "none"}>
    ${!edited.value && !kept.value && !problem.value && html`<p class="hint">${t(mayChange() ? "draft.none" : "role.look.cure")}</p>`}
    ${running && html`<p><span class="strong">${t("trial.running")}</span> <span class="number wide">${t("trial.left", { seconds: String(left).padStart(2, "\u2007") })}</span>
      ${running.firstAfter !== null && html`<br /><span class="quiet" data-first=${running.firstAfter.toFixed(3)} data-right=${running.right}>${t("trial.first", { seconds: running.firstAfter.toFixed(1) })}</span>`}</p>`}
    ${ended.value && html`<p class="note warn">${t("trial.ended")}</p>`}
    <${Problem} error=${problem.value} />
    ${kept.value && html`<p class="note good" role="status">${t("kept.in", { file: kept.value.file ?? "" })}${kept.value.backup && html`<br /><span class="quiet">${t("kept.backup", { file: kept.value.backup })}</span>`}<br /><a href="#/teach">${t("teach.states")}</a></p>`}
    ${edited.value && mayChange() && html`<div class="line wrap">
      <button type="button" class="main" disabled=${keeping} aria-busy=${keeping ? "true" : null} onClick=${keep}>${t(keeping ? "keeping" : "keep")}</button>
      ${!running && !keeping && html`<button type="button" onClick=${draft.attempt}>${t("try.again")}</button>`}
      ${!keeping && html`<button type="button" onClick=${draft.takeBack}>${t("take.back")}</button>`}
    </div>
    ${hello.value?.writable === false && html`<p class="hint">${t("not.writable")}</p>`}`}
  </section>`;
}
