// The frame of every view: name, navigation, what is wrong with the connection, language.
import { Fragment, html, useEffect, useState } from "./ui.js";
import { daemon, hello, link, logIn, status } from "./connection.js";
import { route } from "./route.js";
import { announcement, Verbatim } from "./parts.js";
import { language, LANGUAGES, speak, t } from "./words.js";
import { CamerasView } from "./views/cameras.js";

const LAZY = {
  camera: () => import("./views/camera.js"),
  teach: () => import("./views/teach.js"),
  board: () => import("./views/board.js"),
};

export function Shell() {
  const { view, name } = route.value;
  language.value;
  useEffect(() => {
    document.title = [name ?? t(`nav.${view}`), hello.value?.node, "edged"].filter(Boolean).join(" · ");
  }, [view, name, hello.value?.node, language.value]);
  return html`
    <a class="skip" href="#main" onClick=${skip}>${t("skip")}</a>
    <${Bar} view=${view} />
    <main id="main" tabindex="-1" class=${link.value === "open" && daemon.value.up ? "" : "stale"}>
      <${Connection} />
      ${link.value !== "refused" && hello.value && html`<${View} view=${view} name=${name} key=${`${view}/${name}`} />`}
    </main>
    <${Foot} />
    <div class="unseen" role="status">${announcement}</div>
  `;
}

function skip(event) {
  event.preventDefault(); // the address names the view
  document.getElementById("main").focus();
}

function Bar({ view }) {
  const current = view === "camera" ? "cameras" : view;
  const tabs = ["cameras", "teach", "board"];
  return html`<header class="bar">
    <span class="brand"><${Mark} />edged${hello.value?.node && html`<span class="node">${hello.value.node}</span>`}</span>
    <nav aria-label=${t("nav")}>
      ${tabs.map((tab) => html`<a key=${tab} href=${`#/${tab}`} aria-current=${tab === current ? "page" : null}>${t(`nav.${tab}`)}</a>`)}
    </nav>
  </header>`;
}

const Mark = () => html`<svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
  <rect width="32" height="32" rx="7" class="mark-ground" />
  <path d="M8 12V8h4M20 8h4v4M24 20v4h-4M12 24H8v-4" class="mark-line" /><circle cx="16" cy="16" r="4" class="mark-dot" />
</svg>`;

function Connection() {
  if (link.value === "refused") return html`<${Trouble} what="refused"><code>sudo edged page --show-url --token-file /var/lib/edged-page/tokens</code></${Trouble}><${LogIn} />`;
  if (link.value === "lost") return html`<${Trouble} what="lost"><code>edged page</code></${Trouble}>`;
  if (link.value === "opening") return html`<p class="quiet" aria-busy="true">${t("link.opening")}</p>`;
  if (!daemon.value.up) {
    return html`<${Trouble} what="daemon"><code>systemctl status edged</code>
      ${daemon.value.text && html`<p><${Verbatim} text=${daemon.value.text} /></p>`}</${Trouble}>`;
  }
  return null;
}

function LogIn() {
  const [outcome, setOutcome] = useState(null);
  const submit = async (event) => {
    event.preventDefault();
    setOutcome("asked");
    const reply = await logIn(new FormData(event.target).get("secret"));
    if (reply !== "granted") setOutcome(reply);
  };
  return html`<form class="panel" onSubmit=${submit}>
    <h1>${t("password.title")}</h1>
    <div class="line wrap end">
      <label class="field">${t("password")} <input type="password" name="secret" autocomplete="current-password" required /></label>
      <button type="submit" class="main" disabled=${outcome === "asked"}>${t("password.open")}</button>
    </div>
    <p class="hint" role="status">${outcome && outcome !== "asked" && t(`password.${outcome}`)}</p>
  </form>`;
}

function Trouble({ what, children }) {
  return html`<div class="note bad" role="alert"><p class="strong">${t(`link.${what}`)}</p><p>${t(`cure.link.${what}`)} ${children}</p></div>`;
}

function View({ view, name }) {
  const [loaded, setLoaded] = useState(null);
  useEffect(() => {
    LAZY[view]?.().then((module) => setLoaded(() => module.default));
  }, [view]);
  if (view === "cameras") return html`<${CamerasView} />`;
  return loaded && html`<${loaded} name=${name} />`;
}

function Foot() {
  const version = status.value?.version ?? hello.value?.version;
  return html`<footer class="foot">
    <label>${t("language")} <select value=${language.value} onChange=${(event) => speak(event.target.value, true)}>
      ${Object.entries(LANGUAGES).map(([code, name]) => html`<option key=${code} value=${code} lang=${code}>${name}</option>`)}
    </select></label>
    <${Fragment}>${hello.value?.role === "look" && html`<span>${t("role.look")}</span>`}</${Fragment}>
    ${version && html`<span class="quiet">edged ${version}</span>`}
  </footer>`;
}
