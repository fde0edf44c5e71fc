// Regions, masks and rotation of one camera as somebody changes them: tried at once, kept when told.
import { computed, effect, signal } from "../ui.js";
import { onScores, request, status } from "../connection.js";
import { say } from "../parts.js";
import { t } from "../words.js";

const TRIAL_SECONDS = 30;
const TYPING_MS = 300;
const STATUS_MS = 3000; // after so long a status is newer than the trial

/** The changes of camera `name`. Call `close` when nobody looks at them any more. */
export function openDraft(name) {
  const configured = signal(null); // as it runs without a trial
  const edited = signal(null); // null: nothing is changed
  const selected = signal(null); // {kind: "region", name} or {kind: "mask", index, point}
  const trial = signal(null); // {until, started, firstAfter}, in milliseconds
  const ended = signal(false); // a trial has taken itself back
  const problem = signal(null);
  const kept = signal(null);
  const shown = computed(() => edited.value ?? configured.value);
  let timer = null;
  let asking = false;
  let again = false;
  let lastChange = -Infinity; // when something was tried or taken back last
  let attempts = 0; // that were begun or taken back: the reply to an earlier one does not count

  const stopReading = effect(() => {
    const report = status.value?.cameras.find((camera) => camera.name === name);
    if (!report?.regions_at) return;
    const now = asConfigured(report);
    const isTrying = asking || trial.peek() !== null;
    // A status can be older than what was tried or taken back, or just before that is noted.
    const isNew = performance.now() - lastChange > STATUS_MS;
    if (report.trial_s == null) {
      const isSure = !isTrying || isNew;
      if (isSure && JSON.stringify(configured.peek()) !== JSON.stringify(now)) configured.value = now;
      if (isSure && trial.peek()) end();
    } else if (!isTrying && !edited.peek() && isNew) {
      edited.value = now; // a trial of another tab, or of this one before it was loaded again; what is configured is not known
      trial.value = { until: Date.now() + report.trial_s * 1000, started: performance.now(), firstAfter: null };
    }
    selected.value ??= Object.keys(now.regions).length ? { kind: "region", name: Object.keys(now.regions)[0] } : null;
  });

  const stopScores = onScores((message) => {
    const running = trial.peek();
    if (message.camera !== name || !running || running.firstAfter !== null) return;
    const region = edited.peek()?.regions[message.region];
    if (region && isAt(region, message.roi)) {
      trial.value = { ...running, firstAfter: (performance.now() - running.started) / 1000, right: region.right };
    }
  });

  function end() {
    trial.value = null;
    if (edited.peek()) {
      ended.value = true;
      say(t("trial.ended"));
    }
  }

  /** Shows `next`, and tries it: at once after a drag, else when the typing has paused. */
  function change(next, when = "now") {
    edited.value = { ...shown.peek(), ...next };
    kept.value = null;
    ended.value = false;
    clearTimeout(timer);
    if (when !== "dragging") timer = setTimeout(attempt, when === "now" ? 0 : TYPING_MS);
  }

  async function attempt() {
    clearTimeout(timer);
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    again = false;
    const own = ++attempts;
    const started = (lastChange = performance.now());
    try {
      const result = await request("try", { camera: name, ...differences(true), seconds: TRIAL_SECONDS });
      lastChange = performance.now();
      if (own === attempts) trial.value = { until: Date.now() + result.seconds * 1000, started, firstAfter: null };
      problem.value = null;
      ended.value = false;
    } catch (error) {
      if (own === attempts) problem.value = error;
    }
    asking = false;
    if (again) attempt();
  }

  /** What differs from the configuration; with `all`, null for what does not. */
  function differences(all = false) {
    const differing = {};
    for (const key of ["regions", "mask", "rotation"]) {
      const same = JSON.stringify(edited.peek()?.[key]) === JSON.stringify(configured.peek()?.[key]);
      if (!same) differing[key] = edited.peek()[key];
      else if (all) differing[key] = null;
    }
    return differing;
  }

  async function keep() {
    const drawn = differences();
    if (!Object.keys(drawn).length) return takeBack(); // it is where it was
    clearTimeout(timer);
    attempts++;
    trial.value = null; // the daemon ends it before it reads the file
    ended.value = false;
    try {
      const result = await request("keep", { camera: name, ...drawn });
      configured.value = edited.peek();
      forget();
      kept.value = result;
      say(t("kept"));
    } catch (error) {
      problem.value = error;
    }
  }

  async function takeBack() {
    clearTimeout(timer);
    again = false;
    attempts++;
    const wasRunning = asking || trial.peek();
    forget();
    if (!wasRunning) return;
    lastChange = performance.now();
    try {
      await request("try", { camera: name, regions: null, mask: null, rotation: null, seconds: 0 });
      lastChange = performance.now();
    } catch (error) {
      problem.value = error;
    }
  }

  function forget() {
    edited.value = null;
    trial.value = null;
    ended.value = false;
    problem.value = null;
    const { kind, name: region, index } = selected.peek() ?? {};
    const gone = kind === "region" ? !(region in (configured.peek()?.regions ?? {})) : !(configured.peek()?.mask ?? [])[index];
    const [first] = Object.keys(configured.peek()?.regions ?? {});
    if (gone) selected.value = first === undefined ? null : { kind: "region", name: first };
  }

  function close() {
    clearTimeout(timer);
    stopReading();
    stopScores();
  }

  return { name, configured, shown, edited, selected, trial, ended, problem, kept, change, attempt, keep, takeBack, end, close };
}

function asConfigured({ regions_at: regions, mask, rotation }) {
  const edges = ([left, top, right, bottom]) => ({ left, top, right, bottom });
  return {
    regions: Object.fromEntries(Object.entries(regions).map(([region, at]) => [region, edges(at)])), mask: mask ?? [], rotation: rotation ?? 0,
  };
}

const isAt = ({ left, top, right, bottom }, roi) => [left, top, right, bottom].every((edge, index) => Math.abs(edge - roi[index]) < 1e-3);
