// The board and the daemon: what limits them, what is wrong, and what has changed lately.
import { html, useState } from "../ui.js";
import { cameras, changes, status } from "../connection.js";
import { now } from "../clock.js";
import { duration, mebibytes, time } from "../figures.js";
import { ConfigTrouble, Heading, newestStatus, Verbatim } from "../parts.js";
import { t } from "../words.js";

const CHANGES_SHOWN = 20;
const NOW = { 1: "under-voltage", 2: "capped", 4: "throttled", 8: "soft-limit" };

export default function BoardView() {
  const report = status.value;
  const newest = newestStatus();
  now.value;
  const since = report ? (performance.now() - report.received) / 1000 : 0;
  const off = report?.t_wall_us ? Math.abs(Date.now() / 1000 - since - report.t_wall_us / 1e6) : null;
  return html`
    <${Heading}>${t("nav.board")}</${Heading}>
    ${!report && html`<p class="quiet" aria-busy="true">${t("waiting")}</p>`}
    <${ConfigTrouble} />
    ${newest?.insecure && html`<p class="note warn">${t("insecure")}</p>`}
    ${report && html`<div class="columns">
      <section aria-labelledby="b-board"><h2 id="b-board">${t("board")}</h2><dl class="facts">
        <${Fact} name="temperature">${newest?.temp_c == null ? "–" : `${newest.temp_c.toFixed(1)} °C`}</${Fact}>
        <${Fact} name="throttling"><${Throttling} bits=${newest?.throttled} /></${Fact}>
        <${Fact} name="memory">${mebibytes(newest?.rss_bytes)}</${Fact}>
        ${newest?.cma_free_bytes != null && html`<${Fact} name="cma">${mebibytes(newest.cma_free_bytes)}</${Fact}>`}
        <${Fact} name="clock">${off === null ? "–" : off < 2 ? t("clock.agrees") : t("clock.off", { by: duration(off) })}</${Fact}>
      </dl></section>
      <section aria-labelledby="b-daemon"><h2 id="b-daemon">${t("daemon")}</h2><dl class="facts">
        <${Fact} name="node">${report.node}</${Fact}>
        <${Fact} name="version">${report.version}</${Fact}>
        <${Fact} name="uptime">${duration(report.uptime_s + since)}</${Fact}>
        <${Fact} name="subscribers">${report.subscribers ?? "–"}</${Fact}>
        <${Fact} name="config">${report.config}</${Fact}>
      </dl></section>
      <section aria-labelledby="b-model"><h2 id="b-model">${t("model")}</h2><dl class="facts">
        <${Fact} name="model">${report.model}</${Fact}>
        <${Fact} name="delegate">${report.delegate}</${Fact}>
        <${Fact} name="engine">${report.engine}</${Fact}>
        <${Fact} name="space">${report.space_id}</${Fact}>
        <${Fact} name="references">${`${report.references} (${t("enrolled", { count: report.enrolled })})`}</${Fact}>
        <${Fact} name="sets">${(report.sets ?? []).join(", ") || "–"}</${Fact}>
      </dl></section>
    </div>
    <section class="block" aria-labelledby="b-cameras"><h2 id="b-cameras">${t("nav.cameras")}</h2><${CameraTable} reports=${report.cameras} /></section>`}
    <section class="block" aria-labelledby="b-changes"><h2 id="b-changes">${t("changes")}</h2>
      <${Changes} />
    </section>
  `;
}

/** The last changes, the newest first: as many as one reads, or all that are known. */
function Changes() {
  const [isLong, setLong] = useState(false);
  const lines = [...changes.value].reverse();
  if (!lines.length) return html`<p class="quiet">${t("changes.none")}</p>`;
  return html`<ol class="log">${(isLong ? lines : lines.slice(0, CHANGES_SHOWN)).map((line, index) => html`<li key=${lines.length - index}><time class="number">${time(line.t_wall_us)}</time> <${Verbatim} text=${line.text} /></li>`)}</ol>
    ${!isLong && lines.length > CHANGES_SHOWN && html`<button type="button" onClick=${() => setLong(true)}>${t("changes.all", { count: lines.length })}</button>`}`;
}

const Fact = ({ name, children }) => html`<div><dt>${t(`fact.${name}`)}</dt><dd class="number-text">${children}</dd></div>`;

function Throttling({ bits }) {
  if (bits == null) return "–";
  const at = (shift) => Object.entries(NOW).filter(([bit]) => bits & (bit << shift)).map(([, name]) => t(`limit.${name}`));
  const [present, past] = [at(0), at(16)];
  if (present.length) return html`<span class="badge bad">${present.join(", ")}</span>`;
  return past.length ? `${t("limit.none")} (${t("limit.past", { what: past.join(", ") })})` : t("limit.none");
}

function CameraTable({ reports }) {
  return html`<div class="scroll" tabindex="0" role="group" aria-labelledby="b-cameras"><table>
    <thead><tr>${["camera", "state", "format", "rate", "published", "dropped", "reopens"].map((column) => html`<th key=${column} scope="col" class=${column === "camera" || column === "state" || column === "format" ? "" : "number"}>${t(`column.${column}`)}</th>`)}</tr></thead>
    <tbody>${reports.map(({ name, state }) => {
      const newest = cameras.value[name];
      const { format, dropped } = newest ?? {};
      return html`<tr key=${name}>
        <th scope="row"><a href=${`#/camera/${encodeURIComponent(name)}`}>${name}</a></th><td>${t(`camera.${newest?.state ?? state}`)}</td>
        <td class="number-text">${format ? `${format.width} × ${format.height} ${format.codec ?? format.pixels}` : "–"}</td>
        <td class="number">${newest?.fps_captured?.toFixed(1) ?? "–"}</td><td class="number">${newest?.fps_published?.toFixed(1) ?? "–"}</td>
        <td class="number">${dropped ? dropped.capture + dropped.ring + dropped.publish : "–"}</td><td class="number">${newest?.reopens ?? "–"}</td>
      </tr>`;
    })}</tbody>
  </table></div>`;
}
