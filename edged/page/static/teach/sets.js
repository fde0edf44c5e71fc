// The sets of states as the daemon reports them, and those that somebody has just begun.
import { signal } from "../ui.js";
import { request, status } from "../connection.js";

export const sets = signal(null);
export const problem = signal(null);

/** Places of sets that have no example yet, by name. */
export const started = new Map();

export async function loadSets() {
  try {
    sets.value = (await request("states")).sets;
    problem.value = null;
  } catch (error) {
    problem.value = error;
  }
}

/** A set that nobody knows but this tab. */
export const asReport = (name) => ({
  name, origin: "enrolled", places: [], states: [], counts: {}, learned: false, objection: null, summary: "", advice: null, examples: [],
});

/** The regions of all cameras, and those where a set decides. */
export const allPlaces = () => (status.value?.cameras ?? []).flatMap(({ name, regions }) => regions.map((region) => `${name}/${region}`));
export const decidesAt = (set, place) => set.places.some((where) => where === place || where === place.split("/")[0]);

/** The regions where a set can be taught, first those where it decides. One that is enrolled comes to decide wherever it is taught. */
export function placesOf(set) {
  const own = allPlaces().filter((place) => decidesAt(set, place));
  if (set.origin === "config") return own;
  return [...own, ...allPlaces().filter((place) => !own.includes(place))];
}

const named = signal({}); // set → states that somebody has named, which may have no example yet
const orders = new Map(); // set → its states in the order in which they came

/** Has a set one state more, although it has no example. */
export function nameState(set, state) {
  named.value = { ...named.value, [set.name]: [...(named.value[set.name] ?? []), state] };
}

/** The states of a set with those that are only named. One that is there keeps its place: it is a button that is pressed again and again. */
export function statesOf(set) {
  const states = new Set([...set.states, ...(named.value[set.name] ?? [])]);
  const order = [...new Set([...(orders.get(set.name) ?? []), ...states])].filter((state) => states.has(state));
  orders.set(set.name, order);
  return order;
}

const thumbnails = new Map();

/** Resolves to the PNG of an example or reference, as base64; each is asked for once. */
export function thumbnail(example) {
  if (!thumbnails.has(example)) {
    thumbnails.set(example, request("thumbnail", { example }).then(({ pictures }) => pictures[0], () => (thumbnails.delete(example), null)));
  }
  return thumbnails.get(example);
}
