// One camera: aim it, draw its regions and masks, see what the model is given and what follows from it.
import { html, useEffect, useMemo, useState } from "../ui.js";
import { cameras, status } from "../connection.js";
import { newestPicture, useScores } from "../pictures.js";
import { CameraState, CameraTrouble, Decisions, Heading, mayChange, Pace, PictureTrouble } from "../parts.js";
import { t } from "../words.js";
import { openDraft } from "../editor/draft.js";
import { Editor } from "../editor/editor.js";
import { Choice, Input, Numbers, Outcome, Rotation } from "../editor/panel.js";
import { Latency } from "./latency.js";
import { Lines } from "./lines.js";

export default function CameraView({ name }) {
  const draft = useMemo(() => openDraft(name), [name]);
  useEffect(() => draft.close, [draft]);
  const report = status.value?.cameras.find((camera) => camera.name === name);
  if (status.value && !report) {
    return html`<${Heading}>${name}</${Heading}><p class="note bad">${t("camera.unknown")} <a href="#/cameras">${t("nav.cameras")}</a></p>`;
  }
  return html`
    <p class="back"><a href="#/cameras">‹ ${t("nav.cameras")}</a></p>
    <div class="line wrap head"><${Heading}>${name}</${Heading}><${CameraState} state=${cameras.value[name]?.state ?? report?.state} />
      <span class="push"><${Pace} name=${name} picture=${newestPicture(name).value} /></span></div>
    <${PictureTrouble} picture=${cameras.value[name]?.picture} />
    ${draft.shown.value ? html`<${Opened} draft=${draft} report=${report} />` : html`<p class="quiet" aria-busy="true">${t("waiting")}</p>`}
  `;
}

function Opened({ draft, report }) {
  const { name } = draft;
  const [isTurned, setTurned] = useState(false);
  const { regions, rotation } = draft.shown.value;
  const selected = draft.selected.value;
  const region = selected?.kind === "region" && selected.name in regions ? selected.name : Object.keys(regions)[0];
  const format = cameras.value[name]?.format;
  const picture = newestPicture(name).value;
  const size = format ? [format.width, format.height] : picture ? [picture.width, picture.height] : [640, 480];
  useScores(name, region);
  return html`
    <div class="work">
      <div class="look">
        <${Choice} draft=${draft} />
        <${Editor} draft=${draft} size=${size} view=${isTurned ? rotation : 0} editable=${mayChange()}
          trouble=${html`<${CameraTrouble} name=${name} report=${report} />`} />
        <p class="line wrap under">
          <span class="number quiet">${size[0]} × ${size[1]}</span>
          ${report.mirror && report.mirror !== "none" && html`<span class="quiet">${t(`mirror.${report.mirror}`)}</span>`}
          ${rotation !== 0 && html`<label><input type="checkbox" checked=${isTurned} onChange=${(event) => setTurned(event.target.checked)} /> ${t("turn.view")}</label>`}
          ${mayChange() && html`<span class="hint">${t("editor.hint")}</span>`}
        </p>
      </div>
      <div class="side">
        <${Outcome} draft=${draft} />
        <${Decisions} camera=${name} />
        ${region && html`<${Input} camera=${name} region=${region} rotation=${rotation} key=${region} />`}
        <${Numbers} draft=${draft} size=${size} />
        <${Rotation} draft=${draft} />
      </div>
    </div>
    ${region && html`<section class="block" aria-labelledby="why"><h2 id="why">${t("lines", { region })}</h2><${Lines} camera=${name} region=${region} key=${region} /></section>
    <section class="block" aria-labelledby="latency"><h2 id="latency">${t("latency")}</h2><${Latency} camera=${name} region=${region} key=${region} /></section>`}
  `;
}
