// The one WebSocket of this tab: what the daemon reports, requests with their replies, and pictures.
import { batch, signal } from "./ui.js";
import { reread } from "./route.js";

export const link = signal("opening"); // opening, open, lost (the page process), refused (no or another token)
export const hello = signal(null);
export const daemon = signal({ up: true, text: "" });
export const status = signal(null); // the newest StatusResult of the control socket
export const cameras = signal({}); // the newest status message of each camera, by its name
export const decisions = signal({}); // the newest state message, by camera/region/set
export const events = signal({}); // the open events, by their id
export const changes = signal([]); // lines of the log, the newest last
export const cameraNames = () => (status.value?.cameras ?? []).map((camera) => camera.name);

const CHANGES_KEPT = 200;
const REPLY_MS = 660_000; // the page itself gives up before that
const PAUSES_MS = [300, 1000, 2000, 5000];

let socket = null;
let failures = 0;
let requests = 0;
const waiting = new Map(); // id → {resolve, reject, timer}
const scoreReaders = new Set();
let drawPicture = async () => {};
let wantedLook = null;

/** Exchanges the token of the address for a cookie, removes it from the address, and connects. */
export async function start() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token !== null) {
    history.replaceState(null, "", `${location.pathname}${location.search}#/cameras`);
    reread();
    const reply = await session({ Authorization: `Bearer ${token}` });
    if (reply === "refused") return;
  }
  connect();
}

/** Opens the page with a password, or with the key of a link. Resolves to `granted`, `refused`, `many` or `lost`. */
export async function logIn(secret) {
  const bytes = new TextEncoder().encode(`:${secret}`);
  const reply = await session({ Authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` });
  if (reply === "granted") {
    link.value = "opening";
    connect();
  }
  return reply;
}

/** What is to be done with each picture: `draw(header, bytes)`, after which the next one may come. */
export function onPicture(draw) {
  drawPicture = draw;
}

/** Calls `read` with each message of scores until the returned function is called. */
export function onScores(read) {
  scoreReaders.add(read);
  return () => scoreReaders.delete(read);
}

/** What this tab looks at from now on. */
export function look(wanted) {
  wantedLook = wanted;
  send(wanted);
}

/** Resolves to the result of `op`. Rejects with `{code, text, yaml?}`. */
export function request(op, keys = {}) {
  if (socket?.readyState !== WebSocket.OPEN) return Promise.reject({ code: "no-page", text: "" });
  const id = `r${++requests}`;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(id, (waiter) => waiter.reject({ code: "no-answer", text: "" })), REPLY_MS);
    waiting.set(id, { resolve, reject, timer });
    send({ type: "request", id, op, ...keys });
  });
}

async function session(headers = {}) {
  try {
    const reply = await fetch("session", { headers, cache: "no-store", credentials: "same-origin" });
    if (reply.status === 401 || reply.status === 403) {
      link.value = "refused";
      return "refused";
    }
    return reply.status === 429 ? "many" : "granted"; // too many wrong passwords
  } catch {
    return "lost";
  }
}

function connect() {
  const address = new URL("ws", location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  address.hash = "";
  socket = new WebSocket(address);
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => (typeof data === "string" ? receive(JSON.parse(data)) : picture(data));
  socket.onclose = lost;
}

async function lost() {
  for (const id of [...waiting.keys()]) settle(id, (waiter) => waiter.reject({ code: "no-page", text: "" }));
  link.value = link.value === "opening" ? "opening" : "lost";
  if ((await session()) === "refused") return; // a browser does not say why it could not connect
  link.value = "lost";
  setTimeout(connect, PAUSES_MS[Math.min(failures++, PAUSES_MS.length - 1)]);
}

function send(message) {
  if (message && socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

function settle(id, how) {
  const waiter = waiting.get(id);
  if (!waiter) return;
  clearTimeout(waiter.timer);
  waiting.delete(id);
  how(waiter);
}

async function picture(data) {
  const length = new DataView(data).getUint32(0);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  await drawPicture(header, new Uint8Array(data, 4 + length));
  send({ type: "ack", number: header.number });
}

function receive(message) {
  const read = READERS[message.type];
  if (read) batch(() => read(message));
}

const READERS = {
  hello(message) {
    failures = 0;
    hello.value = message;
    link.value = "open";
    if (message.daemon !== undefined) daemon.value = { up: message.daemon, text: "" };
    events.value = {};
    decisions.value = {};
    send(wantedLook);
  },
  daemon({ up, text }) {
    daemon.value = { up, text };
    if (!up) events.value = {};
  },
  status(message) {
    status.value = { ...message.status, received: performance.now() };
  },
  camera(message) {
    cameras.value = { ...cameras.value, [message.camera]: message.status };
  },
  state({ state }) {
    decisions.value = { ...decisions.value, [`${state.camera}/${state.region}/${state.set}`]: state };
  },
  event({ event }) {
    const open = { ...events.value, [event.event_id]: event };
    if (event.phase === "end") delete open[event.event_id];
    events.value = open;
  },
  scores(message) {
    for (const read of scoreReaders) read(message);
  },
  changes({ lines }) {
    changes.value = [...changes.value, ...lines].slice(-CHANGES_KEPT);
  },
  reply({ id, ok, result, error }) {
    settle(id, (waiter) => (ok ? waiter.resolve(result) : waiter.reject(error)));
  },
};
