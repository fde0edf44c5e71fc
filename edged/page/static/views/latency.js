// Where the time of a frame goes, by stage: the mean of the last frames.
import { html, useEffect, useRef } from "../ui.js";
import { onScores } from "../connection.js";
import { now } from "../clock.js";
import { milliseconds } from "../figures.js";
import { t } from "../words.js";

const FRAMES = 50;
const STAGES = ["decode", "wait", "pre", "infer", "sim", "send"];

export function Latency({ camera, region }) {
  const kept = useRef([]);
  useEffect(() => onScores((message) => {
    if (message.camera === camera && message.region === region && message.lat_us) kept.current = [...kept.current.slice(1 - FRAMES), message.lat_us];
  }), [camera, region]);
  now.value; // a figure a second is as much as one can read
  const frames = kept.current;
  const mean = (of) => (frames.length ? frames.reduce((sum, lat) => sum + of(lat), 0) / frames.length : null);
  const decode = (lat) => lat.decode ?? 0;
  const means = {
    decode: mean(decode), wait: mean((lat) => Math.max(0, lat.wait - decode(lat))), pre: mean((lat) => lat.pre), infer: mean((lat) => lat.infer),
    sim: mean((lat) => lat.sim), send: mean((lat) => Math.max(0, lat.total - lat.wait - lat.pre - lat.infer - lat.sim)),
  };
  const total = mean((lat) => lat.total);
  return html`<div class="latency">
    <div class="bar-of" aria-hidden="true">${STAGES.map((stage, index) => html`<span key=${stage} class="c${index}" style=${{ width: `${total ? (100 * means[stage]) / total : 0}%` }}></span>`)}</div>
    <dl class="stages">
      ${STAGES.map((stage, index) => html`<div key=${stage}><dt><span class="dot c${index}" aria-hidden="true"></span>${t(`stage.${stage}`)}</dt><dd class="number">${milliseconds(means[stage])} ms</dd></div>`)}
      <div class="sum"><dt>${t("stage.total")}</dt><dd class="number">${milliseconds(total)} ms</dd></div>
    </dl>
  </div>`;
}
