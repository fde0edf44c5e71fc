// Teaching sets of states: by what the scene shows now, by frames of the last minutes, and by answers.
import { html, useEffect, useState } from "../ui.js";
import { decisions, request, status } from "../connection.js";
import { Picture, useScores } from "../pictures.js";
import { Heading, mayChange, NameField, Problem, say, Verbatim } from "../parts.js";
import { score } from "../figures.js";
import { t } from "../words.js";
import { Examples } from "../teach/examples.js";
import { Recent } from "../teach/recent.js";
import { Review } from "../teach/review.js";
import { allPlaces, asReport, decidesAt, loadSets, nameState, placesOf, problem, sets, started, statesOf } from "../teach/sets.js";

export default function TeachView({ name }) {
  useEffect(() => {
    loadSets(); // again with each status while it fails, such as when the daemon is just starting
  }, [name, status.value?.sets?.join(), problem.value && status.value]);
  return name ? html`<${SetView} name=${name} />` : html`<${AllSets} />`;
}

function AllSets() {
  return html`
    <${Heading}>${t("nav.teach")}</${Heading}>
    <p class="lead">${t("teach.lead")}</p>
    <${Problem} error=${problem.value} />
    ${!sets.value && !problem.value && html`<p class="quiet" aria-busy="true">${t("waiting")}</p>`}
    ${sets.value && html`<ul class="grid narrow">
      ${sets.value.map((set) => html`<li class="card about" key=${set.name}>
        <h2><a class="whole" href=${`#/teach/${encodeURIComponent(set.name)}`}>${set.name}</a></h2>
        <p class="quiet">${set.places.join(", ")}</p>
        <${Counts} set=${set} />
        <p><${Verbatim} text=${set.summary} /></p>
      </li>`)}
    </ul>`}
    ${sets.value && !sets.value.length && html`<p class="note">${t("teach.none")}</p>`}
    ${mayChange() && status.value && sets.value && html`<${NewSet} />`}
  `;
}

function NewSet() {
  const places = allPlaces();
  const untaught = places.find((place) => !sets.value?.some((set) => decidesAt(set, place)));
  const create = (event) => {
    event.preventDefault();
    const { name, place } = Object.fromEntries(new FormData(event.target));
    started.set(name, place);
    location.hash = `#/teach/${encodeURIComponent(name)}`;
  };
  return html`<form class="panel" onSubmit=${create}>
    <h2>${t("set.new")}</h2>
    <div class="line wrap end">
      <label class="field">${t("name")} <${NameField} name="name" aria-describedby="set-hint" /></label>
      <label class="field">${t("place")} <select name="place">${places.map((place) => html`<option key=${place} selected=${place === untaught}>${place}</option>`)}</select></label>
      <button type="submit" class="main">${t("set.begin")}</button>
    </div>
    <p class="hint" id="set-hint">${t("name.hint")}</p>
  </form>`;
}

function Counts({ set }) {
  return html`<dl class="counts">${set.states.map((state) => html`<div key=${state}><dt>${state}</dt><dd class="number">${set.counts[state] ?? 0}</dd></div>`)}</dl>`;
}

function SetView({ name }) {
  const set = sets.value?.find((other) => other.name === name) ?? asReport(name);
  const places = placesOf(set);
  const [chosen, setChosen] = useState(null);
  const place = chosen ?? started.get(name) ?? places[0];
  const [camera, region] = (place ?? "/").split("/");
  useScores(camera, region);
  return html`
    <p class="back"><a href="#/teach">‹ ${t("nav.teach")}</a></p>
    <${Heading}>${name}</${Heading}>
    <${Problem} error=${problem.value} />
    ${sets.value && !place && html`<p class="note bad">${t("teach.no.place")}</p>`}
    ${!sets.value && !problem.value && html`<p class="quiet" aria-busy="true">${t("waiting")}</p>`}
    ${sets.value && place && html`<div class="work">
      <div class="look">
        ${places.length > 1 && html`<label class="field">${t("place")} <select value=${place} onChange=${(event) => setChosen(event.target.value)}>
          ${places.map((other) => html`<option key=${other} value=${other}>${other}</option>`)}</select></label>`}
        <div class="now">
          <div><div class="scene"><${Picture} camera=${camera} region=${region} label=${t("input.of", { name: place })} key=${place} /></div>
            <p class="line wrap"><span class="quiet">${t("now")}</span> <${Decided} place=${place} set=${name} /></p></div>
          ${mayChange() && html`<${Teach} set=${set} camera=${camera} region=${region} />`}
        </div>
      </div>
      <div class="side"><${Learned} set=${set} /></div>
    </div>
    ${mayChange() && html`<${Recent} set=${set} camera=${camera} region=${region} key=${`recent ${place}`} />`}
    ${set.origin === "config" && mayChange() && html`<${Review} set=${set} />`}
    <${Examples} set=${set} />`}
  `;
}

function Decided({ place, set }) {
  const state = decisions.value[`${place}/${set}`];
  if (!state || state.state === "unknown") return html`<span class="decided unsure">${t("unknown")}</span>`;
  return html`<span class="decided">${state.state}</span> <span class="number">${score(state.p)}</span>`;
}

/** A button for each state: pressed while the scene shows it, the view becomes an example of it. */
function Teach({ set, camera, region }) {
  const [busy, setBusy] = useState(null);
  const [outcome, setOutcome] = useState(null);
  const [error, setError] = useState(null);
  const states = statesOf(set);
  const teach = async (state) => {
    setBusy(state);
    setError(null);
    setOutcome(null);
    try {
      const result = await request("enroll", { name: set.name, camera, region, state });
      setOutcome({ state, outliers: result.outliers.length, frames: result.similarities.length });
      say(t("teach.done", { state }));
    } catch (problem) {
      setError(problem);
    }
    setBusy(null);
    loadSets();
  };
  const add = (event) => {
    event.preventDefault();
    const state = new FormData(event.target).get("state").trim();
    if (state && state !== "unknown" && !states.includes(state)) nameState(set, state);
    event.target.reset();
  };
  return html`<div class="panel">
    <h2>${t("teach.now")}</h2>
    <p class="hint">${t(states.length < 2 ? "teach.name.first" : "teach.now.hint")}</p>
    <div class="states">${states.map((state) => html`<button type="button" key=${state} class="state" disabled=${busy !== null} aria-busy=${busy === state ? "true" : null}
      onClick=${() => teach(state)}><span>${state}</span><span class="number quiet">${set.counts[state] ?? 0}</span></button>`)}</div>
    ${set.origin !== "config" && html`<form class="line wrap end" onSubmit=${add}>
      <label class="field">${t("state.new")} <${NameField} name="state" /></label><button type="submit">${t("state.add")}</button>
    </form>`}
    <div class="result" aria-live="polite">
      ${busy && html`<p class="quiet">${t("teach.busy", { state: busy })}</p>`}
      ${outcome && html`<p class="note good">${t("teach.done", { state: outcome.state })}${outcome.outliers > 0 && ` ${t("teach.outliers", { outliers: outcome.outliers, frames: outcome.frames })}`}</p>`}
    </div>
    <${Problem} error=${error} />
  </div>`;
}

/** What was learned, what it proves, and what to do next. */
function Learned({ set }) {
  const missing = set.origin === "config" ? [] : statesOf(set).filter((state) => !set.counts[state]); // the daemon does not know them yet
  return html`<section class="panel" aria-labelledby="learned"><h2 id="learned">${t("learned")}</h2>
    <${Counts} set=${set} />
    ${set.summary && html`<p><${Verbatim} text=${set.summary} /></p>`}
    ${set.objection && html`<p class="note warn"><${Verbatim} text=${set.objection} /></p>`}
    ${(missing.length > 0 || set.advice) && html`<p class="note"><span class="strong">${t("next")}</span> ${missing.length ? t("teach.missing", { states: missing.join(", ") }) : html`<${Verbatim} text=${set.advice} />`}</p>`}
    ${!set.learned && !set.objection && html`<p class="hint">${t("learned.not")}</p>`}
  </section>`;
}
