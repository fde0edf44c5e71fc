// All cameras: what each shows now, and what is decided about it.
import { html } from "../ui.js";
import { cameras, status } from "../connection.js";
import { newestPicture, Picture } from "../pictures.js";
import { CameraState, CameraTrouble, ConfigTrouble, Decisions, Heading, Pace, PictureTrouble } from "../parts.js";
import { t } from "../words.js";

export function CamerasView() {
  const reports = status.value?.cameras;
  return html`
    <${Heading}>${t("nav.cameras")}</${Heading}>
    ${!reports && html`<p class="quiet" aria-busy="true">${t("waiting")}</p>`}
    <${ConfigTrouble} />
    ${reports && !reports.length && html`<p class="note">${t("cameras.none")}</p>`}
    ${reports && html`<ul class="grid">
      ${reports.map((report) => html`<${Card} key=${report.name} report=${report} fps=${pace(reports.length)} />`)}
    </ul>`}
  `;
}

/** Pictures per second of each camera: many together cost the board no more than a few. */
const pace = (count) => (count <= 4 ? 5 : count <= 9 ? 2 : 1);

function Card({ report, fps }) {
  const { name } = report;
  const newest = cameras.value[name];
  const format = newest?.format;
  const shape = format ? `${format.width} / ${format.height}` : "4 / 3";
  return html`<li class="card">
    <div class="frame" style=${{ aspectRatio: shape }}>
      <${Picture} camera=${name} fps=${fps} label=${t("picture.of", { name })} />
      <${CameraTrouble} name=${name} report=${report} />
    </div>
    <div class="about">
      <div class="line"><h2><a class="whole" href=${`#/camera/${encodeURIComponent(name)}`}>${name}</a></h2><${CameraState} state=${newest?.state ?? report.state} /></div>
      <${Decisions} camera=${name} />
      <${Pace} name=${name} picture=${newestPicture(name).value} />
      <${PictureTrouble} picture=${newest?.picture ?? report.picture} />
    </div>
  </li>`;
}
