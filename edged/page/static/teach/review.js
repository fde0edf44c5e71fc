// The pictures that a set was least sure of, one after the other: which state is it? One key per answer.
import { html, useEffect, useRef, useState } from "../ui.js";
import { request } from "../connection.js";
import { Still } from "../pictures.js";
import { Problem, say, Verbatim } from "../parts.js";
import { score, time } from "../figures.js";
import { t } from "../words.js";
import { loadSets } from "./sets.js";

export function Review({ set }) {
  const [entries, setEntries] = useState(null);
  const [off, setOff] = useState(null); // why the set is not reviewed
  const [skipped, setSkipped] = useState([]);
  const [png, setPng] = useState(null);
  const [learned, setLearned] = useState(0); // answers, by the last one
  const [error, setError] = useState(null);
  const busy = useRef(false);

  const load = () => request("review", { name: set.name }).then(
    ({ entries: found }) => setEntries(found),
    (problem) => (problem.code === "invalid" ? setOff(problem.text) : setError(problem)),
  );
  useEffect(() => {
    load();
  }, [set.name]);

  const open = (entries ?? []).filter(({ id, answer }) => answer == null && !skipped.includes(id));
  const entry = open[0];
  const waiting = (entries ?? []).filter(({ answer }) => answer != null); // all of one state: with a second one they are learned
  useEffect(() => {
    setPng(null);
    if (!entry) return undefined;
    let gone = false;
    request("review", { name: set.name, picture: entry.id }).then(({ pictures }) => !gone && setPng(pictures[0]), () => {});
    return () => (gone = true);
  }, [entry?.id]);

  const answer = async (keys, said) => {
    if (busy.current) return;
    busy.current = true;
    setError(null);
    try {
      const result = await request("answer", { picture: entry.id, ...keys });
      setLearned(result.changed.length);
      say(said);
    } catch (problem) {
      setError(problem);
    }
    await load();
    loadSets();
    busy.current = false;
  };
  const skip = () => setSkipped([...skipped, entry.id]);
  const discard = () => answer({ discard: true }, t("review.discarded"));
  const choose = (state) => answer({ state }, t("review.answered", { state }));
  const press = (event) => {
    if (!entry || event.ctrlKey || event.metaKey || event.altKey) return;
    const state = set.states[Number(event.key) - 1];
    if (state) choose(state);
    else if (event.key === "s") skip();
    else if (event.key === "d") discard();
    else return;
    event.preventDefault();
  };

  return html`<section class="block" aria-labelledby="review"><h2 id="review">${t("review")}</h2>
    ${off && html`<p class="quiet">${t("review.off")} <${Verbatim} text=${off} /></p>`}
    <${Problem} error=${error} />
    ${learned > 0 && html`<p class="note good">${t("review.learned", { count: learned })}</p>`}
    ${waiting.length > 0 && html`<p class="note">${t("review.waits", { count: waiting.length, state: waiting[0].answer, states: set.states.filter((state) => state !== waiting[0].answer).join(", ") })}</p>`}
    ${entries && !entry && html`<p class="quiet">${t("review.none")}</p>`}
    ${entry && html`<div class="review" tabindex="0" role="group" aria-label=${t("review.question", { count: open.length })} onKeyDown=${press}>
      <div class="small-picture large"><${Still} png=${png} label=${t("review.picture", { when: time(entry.t_wall_us), place: `${entry.camera}/${entry.region}` })} /></div>
      <div class="side">
        <p class="strong">${t("review.question", { count: open.length })}</p>
        <p class="quiet">${t("review.guess", { guess: entry.guess })} <span class="number">${score(entry.p)}</span><br /><span class="number-text small">${entry.camera}/${entry.region}, ${time(entry.t_wall_us)}</span></p>
        <div class="states">${set.states.map((state, index) => html`<button type="button" key=${state} class="state" onClick=${() => choose(state)}><span>${state}</span><kbd>${index + 1}</kbd></button>`)}</div>
        <div class="line wrap"><button type="button" class="plain" onClick=${skip}>${t("review.skip")} <kbd>s</kbd></button><button type="button" class="plain" onClick=${discard}>${t("review.discard")} <kbd>d</kbd></button></div>
        <p class="hint">${t("review.hint")}</p>
      </div>
    </div>`}
  </section>`;
}
