// The scores of a region over the last 15 minutes: a value a second of each line, events and decided states. Pure.

export const SECONDS = 900;

/** Lines of a history, which grow by `put`. Without a history they begin empty, and end at `now_us`. */
export function makeSeries(history, now_us) {
  const lines = new Map();
  const state = {
    first: history?.series.length ? Math.round(history.t0_wall_us / 1e6) : Math.floor(now_us / 1e6) - SECONDS + 1,
    lines,
    events: new Map(),
    states: history?.states ?? [],
    thresholds: history?.thresholds ?? [],
  };
  for (const { kind, set, name, values } of history?.series ?? []) lines.set(keyOf(kind, set, name), { kind, set, name, values: fitted(values) });
  for (const event of history?.events ?? []) putEvent(state, event);
  return state;
}

const keyOf = (kind, set, name) => `${kind} ${set ?? ""} ${name}`;
const fitted = (values) => Array.from({ length: SECONDS }, (_, index) => values[index] ?? null);

/** Adds the scores of one frame. */
export function put(state, message) {
  const second = Math.floor(message.t_wall_us / 1e6);
  if (second < state.first || second - state.first > 10 * SECONDS) return; // a clock was set: the history is asked for again
  forward(state, second);
  const at = second - state.first;
  const best = new Map();
  for (const { ref, s } of message.sims) best.set(ref, Math.max(s, best.get(ref) ?? -1));
  for (const [ref, s] of best) line(state, "ref", null, ref).values[at] = s;
  for (const { set, p } of message.states) for (const [name, value] of Object.entries(p)) line(state, "p", set, name).values[at] = value;
}

/** Moves the window so that it ends at `second` or later. */
export function forward(state, second) {
  const by = Math.min(SECONDS, second - state.first - SECONDS + 1);
  if (by <= 0) return;
  for (const { values } of state.lines.values()) values.splice(0, by), values.push(...Array(by).fill(null));
  state.first = second - SECONDS + 1;
}

export function putEvent(state, event) {
  const known = state.events.get(event.event_id) ?? { ref: event.ref, state: event.state, from: event.t_begin_us / 1e6, to: null };
  if (event.phase === "end") known.to = event.t_wall_us / 1e6;
  state.events.set(event.event_id, known);
}

export function putState(state, message) {
  if (message.reason !== "repeat" || !state.states.some(({ set }) => set === message.set)) state.states = [...state.states, message].slice(-400);
}

function line(state, kind, set, name) {
  const key = keyOf(kind, set, name);
  if (!state.lines.has(key)) state.lines.set(key, { kind, set, name, values: Array(SECONDS).fill(null) });
  return state.lines.get(key);
}

/** The first second with a score: of what was before, nothing is known. Without any, the window's first. */
export function begin(state) {
  const seen = Math.min(...[...state.lines.values()].map(({ values }) => values.findIndex((value) => value !== null)).filter((at) => at >= 0));
  return state.first + (Number.isFinite(seen) ? seen : 0);
}

/** The decided states of each set as bands: {set: [{state, from, to}]}, in seconds. */
export function bands(state) {
  const last = state.first + SECONDS - 1;
  const known = begin(state);
  const result = {};
  for (const { set, state: name, was, t_since_us: since } of state.states) {
    const list = (result[set] ??= was ? [{ state: was, from: known, to: since / 1e6 }] : []);
    if (list.length) list.at(-1).to = since / 1e6;
    list.push({ state: name, from: Math.max(known, since / 1e6), to: last });
  }
  return result;
}

/** The newest value of a line within the last three seconds. */
export const newest = ({ values }) => values.slice(-3).findLast((value) => value != null) ?? null;
