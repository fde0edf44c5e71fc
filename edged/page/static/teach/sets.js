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

/** The regions where a set decides; all regions of all cameras for a set that decides nowhere yet. */
export function placesOf(set) {
  const all = (status.value?.cameras ?? []).flatMap(({ name, regions }) => regions.map((region) => `${name}/${region}`));
  if (!set?.places.length) return all;
  return all.filter((place) => set.places.some((where) => where === place || where === place.split("/")[0]));
}

const thumbnails = new Map();

/** Resolves to the PNG of an example or reference, as base64; each is asked for once. */
export function thumbnail(example) {
  if (!thumbnails.has(example)) {
    thumbnails.set(example, request("thumbnail", { example }).then(({ pictures }) => pictures[0], () => (thumbnails.delete(example), null)));
  }
  return thumbnails.get(example);
}
