// Small parts that several views show.
import { html, signal, useEffect, useRef, useState } from "./ui.js";
import { cameras, daemon, decisions, hello } from "./connection.js";
import { duration, rate, score } from "./figures.js";
import { now } from "./clock.js";
import { has, t } from "./words.js";

/** What screen readers announce; see `say`. */
export const announcement = signal("");

/** Has a screen reader announce `text`. */
export function say(text) {
  announcement.value = text;
}

export const mayChange = () => hello.value?.role === "change";

/** A text of the daemon. It is in English in every language of the page. */
export const Verbatim = ({ text }) => html`<span lang="en">${text}</span>`;

/** An error with what helps against it, and the lines to paste where the daemon may not write. */
export function Problem({ error }) {
  if (!error || (error.code === "no-daemon" && !daemon.value.up)) return null; // that is above every view already
  const cure = `cure.${error.code}`;
  return html`<div class="note bad" role="alert">
    <p>${error.text ? html`<${Verbatim} text=${error.text} />` : t(`error.${error.code}`)}</p>
    ${has(cure) && html`<p>${t(cure)}</p>`}
    ${error.yaml && html`<${Paste} text=${error.yaml} />`}
  </div>`;
}

/** Lines to copy. */
export function Paste({ text }) {
  const [copied, setCopied] = useState(false);
  const area = useRef(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      area.current.select(); // without https a browser lets nobody else write to the clipboard
      document.execCommand("copy");
    }
    setCopied(true);
    say(t("copied"));
  };
  return html`<div class="paste">
    <textarea ref=${area} readonly rows=${Math.min(16, text.split("\n").length)} aria-label=${t("yaml")} lang="en" spellcheck="false">${text}</textarea>
    <button type="button" onClick=${copy}>${copied ? t("copied") : t("copy")}</button>
  </div>`;
}

/** What somebody typed as a name in the way configurations have it; as it is if nothing would be left. */
export function asName(text) {
  const bare = text.trim().toLowerCase().normalize("NFD").replace(/\p{M}/gu, "");
  return bare.replace(/\s+/g, "-").replace(/[^a-z0-9_-]|^[_-]+/g, "") || text;
}

/** A field for a name. */
export const NameField = (props) => html`<input required maxlength="64" pattern="[a-z0-9][a-z0-9_\\-]*" title=${t("name.hint")} autocapitalize="none" spellcheck="false"
  onChange=${(event) => (event.target.value = asName(event.target.value))} ...${props} />`;

/** The state of a camera as a dot and a word. */
export function CameraState({ state }) {
  const tone = { running: "good", starting: "calm", stopped: "calm" }[state] ?? "bad";
  return html`<span class="badge ${tone}">${t(`camera.${state ?? "unseen"}`)}</span>`;
}

/** The newest status message of any camera: what it has about the board is true of all. */
export const newestStatus = () => Object.values(cameras.value).sort((one, other) => other.t_wall_us - one.t_wall_us)[0];

/** What is wrong with the configuration file, and where. Null if nothing is. */
export function ConfigTrouble() {
  const problem = newestStatus()?.config_problem;
  if (!problem) return null;
  return html`<div class="note bad" role="alert"><p class="strong">${t("config.problem")}</p><pre lang="en">${problem}</pre><p>${t("cure.config")}</p></div>`;
}

/** Why there is no picture, and what helps. Null if there is nothing to say. */
export function CameraTrouble({ name, report }) {
  const state = cameras.value[name]?.state ?? report?.state;
  const reason = cameras.value[name]?.reason ?? report?.reason;
  if (!state || state === "running") return null;
  return html`<div class="trouble">
    <p class="strong">${t(`camera.${state}`)}${reason && html`: <${Verbatim} text=${reason} />`}</p>
    <p>${t(`cure.camera.${state}`)}</p>
  </div>`;
}

/** Whether the picture is what the examples were. Null if it is. */
export function PictureTrouble({ picture }) {
  if (!picture || picture === "ok") return null;
  return html`<p class="note warn"><span class="strong">${t(`picture.${picture}`)}</span> ${t(`cure.picture.${picture}`)}</p>`;
}

/** The decided states of a camera, one line for each set and region. */
export function Decisions({ camera }) {
  const lines = decisionsOf(camera);
  if (!lines.length) return null;
  return html`<ul class="decisions">
    ${lines.map((line) => html`<li key=${line.key}>
      <span class="set">${line.set}</span>
      <span class="decided ${line.state === "unknown" ? "unsure" : ""}">${line.state === "unknown" ? t("unknown") : line.state}</span>
      <span class="number">${score(line.p)}</span>
      <span class="number since">${line.seconds == null ? "" : duration(line.seconds)}</span>
    </li>`)}
  </ul>`;
}

function decisionsOf(camera) {
  const known = Object.entries(decisions.value).filter(([, state]) => state.camera === camera);
  const lines = known.map(([key, state]) => ({
    key, set: state.set, state: state.state, p: state.state === "unknown" ? null : state.p, seconds: (now.value * 1000 - state.t_since_us) / 1e6,
  }));
  const decided = new Set(lines.map(({ set }) => set));
  for (const { name } of cameras.value[camera]?.sets ?? []) {
    if (!decided.has(name)) lines.push({ key: name, set: name, state: "unknown", p: null, seconds: null });
  }
  return lines.sort((one, other) => (one.key < other.key ? -1 : 1));
}

/** Frames per second, and how old the newest picture is. */
export function Pace({ name, picture }) {
  now.value; // an age grows while nothing comes
  const age = picture ? (performance.now() - picture.at) / 1000 : null;
  return html`<dl class="pace">
    <div><dt>${t("rate")}</dt><dd class="number">${rate(cameras.value[name]?.fps_captured)}</dd></div>
    <div><dt>${t("age")}</dt><dd class="number">${duration(age)}</dd></div>
  </dl>`;
}

/** Moves the focus to the heading of a view that was just opened, as a new page would. */
export function Heading({ children }) {
  const heading = useRef(null);
  useEffect(() => {
    if (document.activeElement === document.body) heading.current.focus({ preventScroll: true });
  }, []);
  return html`<h1 ref=${heading} tabindex="-1">${children}</h1>`;
}
