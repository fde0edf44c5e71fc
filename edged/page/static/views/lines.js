// Why edged decides as it does: scores and probabilities as lines, with thresholds, events and decided states.
import { html, signal, useEffect, useRef, useState } from "../ui.js";
import { decisions, events, onScores, request } from "../connection.js";
import { now } from "../clock.js";
import { score } from "../figures.js";
import { Problem } from "../parts.js";
import { t } from "../words.js";
import { bands, begin, forward, makeSeries, newest, put, putEvent, putState, SECONDS } from "./series.js";

const COLOURS = 8;
const STRIP = 9; // pixels of the band of decided states
const LEAST_SECONDS = 60; // drawn, however short the history is
let library = null;

/** uPlot, loaded when the first line is drawn. */
function loadPlot() {
  library ??= new Promise((resolve, reject) => {
    const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: "vendor/uplot.css" });
    const script = Object.assign(document.createElement("script"), { src: "vendor/uplot.js" });
    script.onload = () => resolve(globalThis.uPlot);
    script.onerror = () => reject({ code: "no-page", text: "" });
    document.head.append(style, script);
  });
  return library;
}

export function Lines({ camera, region }) {
  const [state, setState] = useState(null);
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    let gone = false;
    request("history", { camera, region }).then(
      (history) => !gone && setState(makeSeries(history, Date.now() * 1000)),
      (error) => !gone && (setProblem(error), setState(makeSeries(null, Date.now() * 1000))),
    );
    return () => (gone = true);
  }, [camera, region]);
  useEffect(() => state && onScores((message) => message.camera === camera && message.region === region && put(state, message)), [state]);
  if (!state) return html`<p class="quiet plot-room" aria-busy="true">${t("waiting")}</p>`;
  takeDecisions(state, camera, region);
  return html`<${Problem} error=${problem} /><${Drawn} state=${state} name=${`${camera}/${region}`} />`;
}

/** Reading the signals here draws the lines again when something is decided. */
function takeDecisions(state, camera, region) {
  for (const event of Object.values(events.value)) {
    if (event.camera === camera && event.region === region) putEvent(state, event);
  }
  for (const [id, event] of state.events) {
    if (event.to === null && !(id in events.value)) event.to = Date.now() / 1000; // its end came
  }
  for (const decided of Object.values(decisions.value)) {
    const isNew = !state.states.some((other) => other.set === decided.set && other.t_since_us >= decided.t_since_us);
    if (decided.camera === camera && decided.region === region && isNew) putState(state, decided);
  }
}

function Drawn({ state, name }) {
  const room = useRef(null);
  const plot = useRef(null);
  const [pointed, setPointed] = useState(null);
  const lines = [...state.lines.values()];
  const sets = [...new Set(lines.filter(({ kind }) => kind === "p").map(({ set }) => set))];
  const signature = lines.map((line) => `${line.kind}${line.set}${line.name}`).join();

  useEffect(() => {
    if (!lines.length) return undefined;
    const element = room.current;
    let gone = false;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const build = () => loadPlot().then((uPlot) => {
      if (gone) return;
      plot.current?.destroy();
      plot.current = new uPlot(options(state, sets, element, setPointed), dataOf(state), element);
    }, () => {});
    const sized = new ResizeObserver(() => plot.current?.setSize(sizeOf(element, sets)));
    build();
    sized.observe(element);
    dark.addEventListener("change", build);
    return () => {
      gone = true;
      sized.disconnect();
      dark.removeEventListener("change", build);
      plot.current?.destroy();
      plot.current = null;
    };
  }, [state, signature]);

  useEffect(() => {
    forward(state, Math.floor(now.value / 1000));
    plot.current?.setData(dataOf(state));
  }, [state, now.value]);

  const at = pointed ?? null;
  return html`
    ${lines.length > 0 && html`<div class="plot" ref=${room} role="img" aria-label=${t("plot.of", { name })}></div>`}
    ${!lines.length && html`<p class="quiet">${t("lines.none")} <a href="#/teach">${t("teach.states")}</a></p>`}
    <ul class="legend">
      ${lines.map((line, index) => html`<li key=${`${line.kind} ${line.set} ${line.name}`}>
        <svg class="swatch c${index % COLOURS}" viewBox="0 0 24 8" aria-hidden="true"><path d="M0 4H24" stroke-dasharray=${line.kind === "ref" ? "5 3" : null} /></svg>
        <span class="who">${line.set ? `${line.set}: ` : ""}${line.name}</span>
        <span class="number">${score(at === null ? newest(line) : line.values[at])}</span>
        ${thresholdOf(state, line) && html`<span class="quiet number-text">${t("threshold", { enter: score(thresholdOf(state, line).enter), leave: score(thresholdOf(state, line).leave) })}</span>`}
      </li>`)}
    </ul>
    ${lines.length > 0 && html`<p class="hint">${t("lines.hint")}</p>`}
  `;
}

const thresholdOf = (state, line) => (line.kind === "ref" ? state.thresholds.find(({ ref }) => ref === line.name) : null);
const sizeOf = (room, sets) => ({ width: Math.max(200, room.clientWidth), height: (room.clientWidth < 500 ? 190 : 240) + sets.length * (STRIP + 3) });
const dataOf = (state) => [Array.from({ length: SECONDS }, (_, index) => state.first + index), ...[...state.lines.values()].map(({ values }) => values)];
/** Where the lines begin to be drawn: a tenth below the lowest value, and below 0 only for similarities that are. */
const lowest = (least) => Math.max((least ?? 0) < 0 ? -1 : 0, Math.min(0.5, Math.floor(((least ?? 0) - 0.02) * 10) / 10));
const clock = (seconds) => new Date(seconds * 1000).toTimeString().slice(0, seconds % 60 ? 8 : 5);

function options(state, sets, room, setPointed) {
  const css = getComputedStyle(document.documentElement);
  const colour = (name) => css.getPropertyValue(name).trim();
  const lines = [...state.lines.values()];
  const colourOf = (index) => colour(`--line-${index % COLOURS}`);
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  return {
    ...sizeOf(room, sets),
    padding: [8, 8, sets.length * (STRIP + 3), 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    scales: { x: { time: false, range: (_, first, last) => [Math.max(first, Math.min(begin(state), last - LEAST_SECONDS)), last] }, y: { range: (_, least) => [lowest(least), 1] } },
    axes: [{ ...axis, size: 26, values: (_, splits) => splits.map(clock), space: 90, incrs: [10, 20, 30, 60, 120, 180, 300] }, { ...axis, size: 44, values: (_, splits) => splits.map((value) => value.toFixed(1)) }],
    series: [{}, ...lines.map((line, index) => ({ stroke: colourOf(index), width: 1.75, dash: line.kind === "ref" ? [6, 4] : undefined, points: { show: false }, spanGaps: false }))],
    hooks: {
      drawClear: [(u) => drawEvents(u, state, lines, colourOf)],
      draw: [(u) => drawThresholds(u, state, lines, colourOf), (u) => drawStates(u, state, sets, lines, colourOf, colour("--rule"))],
      setCursor: [(u) => setPointed(u.cursor.idx ?? null)],
    },
  };
}

function drawEvents(u, state, lines, colourOf) {
  const { left, top, width, height } = u.bbox;
  u.ctx.save();
  u.ctx.beginPath();
  u.ctx.rect(left, top, width, height);
  u.ctx.clip();
  for (const { ref, state: name, from, to } of state.events.values()) {
    const index = lines.findIndex((line) => (name ? line.set === ref && line.name === name : line.kind === "ref" && line.name === ref));
    if (index < 0) continue;
    u.ctx.globalAlpha = 0.14;
    u.ctx.fillStyle = colourOf(index);
    const [x, end] = [u.valToPos(from, "x", true), u.valToPos(to ?? state.first + SECONDS, "x", true)];
    u.ctx.fillRect(x, top, Math.max(2, end - x), height);
  }
  u.ctx.restore();
}

function drawThresholds(u, state, lines, colourOf) {
  const { left, width } = u.bbox;
  u.ctx.save();
  u.ctx.lineWidth = devicePixelRatio;
  for (const [index, line] of lines.entries()) {
    const threshold = thresholdOf(state, line);
    if (!threshold) continue;
    u.ctx.strokeStyle = colourOf(index);
    for (const [value, dash] of [[threshold.enter, [2, 3]], [threshold.leave, [1, 5]]]) {
      if (value == null) continue;
      const y = Math.round(u.valToPos(value, "y", true)) + 0.5;
      u.ctx.setLineDash(dash.map((length) => length * devicePixelRatio));
      u.ctx.beginPath();
      u.ctx.moveTo(left, y);
      u.ctx.lineTo(left + width, y);
      u.ctx.stroke();
    }
  }
  u.ctx.restore();
}

/** Below the lines, a band for each set: the colour of the state that was decided, grey where it was unknown. */
function drawStates(u, state, sets, lines, colourOf, unknown) {
  const { left, width } = u.bbox;
  const ratio = devicePixelRatio;
  u.ctx.save();
  u.ctx.beginPath();
  u.ctx.rect(left, 0, width, u.ctx.canvas.height);
  u.ctx.clip();
  const decided = bands(state);
  for (const [row, set] of sets.entries()) {
    const y = u.ctx.canvas.height - (sets.length - row) * (STRIP + 3) * ratio;
    for (const { state: name, from, to } of decided[set] ?? []) {
      const index = lines.findIndex((line) => line.set === set && line.name === name);
      u.ctx.fillStyle = index < 0 ? unknown : colourOf(index);
      const x = u.valToPos(from, "x", true);
      u.ctx.fillRect(x, y, Math.max(1, u.valToPos(to, "x", true) - x), STRIP * ratio);
    }
  }
  u.ctx.restore();
}
