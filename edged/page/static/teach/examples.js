// The enrolled examples of a set as thumbnails, to relabel and to forget. Likely mislabelled ones come first.
import { html, useEffect, useRef, useState } from "../ui.js";
import { request } from "../connection.js";
import { Still } from "../pictures.js";
import { mayChange, Problem, say } from "../parts.js";
import { time } from "../figures.js";
import { t } from "../words.js";
import { loadSets, statesOf, thumbnail } from "./sets.js";

export function Examples({ set }) {
  const [error, setError] = useState(null);
  if (!set.examples.length) {
    return html`<section class="block" aria-labelledby="examples"><h2 id="examples">${t("examples")}</h2><p class="quiet">${t("examples.none")}</p></section>`;
  }
  const ordered = [...set.examples].sort((one, other) => isDoubtful(other) - isDoubtful(one) || other.t_wall_us - one.t_wall_us);
  const change = async (op, keys, said) => {
    setError(null);
    try {
      await request(op, keys);
      say(said);
    } catch (problem) {
      setError(problem);
    }
    loadSets();
  };
  return html`<section class="block" aria-labelledby="examples">
    <h2 id="examples">${t("examples")}</h2>
    <${Problem} error=${error} />
    <ul class="thumbs">${ordered.map((example) => html`<${Example} key=${example.id} example=${example} set=${set} change=${change} />`)}</ul>
  </section>`;
}

/** Whether the other examples teach another state for its picture. */
const isDoubtful = ({ looks_like: other, state }) => (other != null && other !== state ? 1 : 0);

function Example({ example, set, change }) {
  const [sure, setSure] = useState(false);
  const { id, state } = example;
  const when = time(example.t_wall_us);
  return html`<li class="thumb">
    <${Thumbnail} id=${id} label=${t("example.of", { state, when })} />
    <div class="line"><span class="strong">${state}</span></div>
    <span class="quiet number-text small">${when}</span>
    ${isDoubtful(example) > 0 && html`<span class="badge bad">${t("looks.like", { state: example.looks_like })}</span>`}
    ${mayChange() && html`<label class="small relabel">${t("relabel")} <select value=${state} aria-label=${t("relabel.label", { state, when })}
        onChange=${(event) => change("relabel", { example: id, state: event.target.value }, t("relabelled", { state: event.target.value }))}>
        ${statesOf(set).map((other) => html`<option key=${other} value=${other}>${other}</option>`)}</select></label>
      <button type="button" class="plain small ${sure ? "danger" : ""}" onBlur=${() => setSure(false)} aria-label=${t(sure ? "forget.sure.label" : "forget.label", { state, when })}
        onClick=${() => (sure ? change("forget", { name: set.name, example: id }, t("forgotten")) : setSure(true))}>${t(sure ? "forget.sure" : "forget")}</button>`}
  </li>`;
}

/** A thumbnail that is loaded once it comes near the screen. */
function Thumbnail({ id, label }) {
  const place = useRef(null);
  const [png, setPng] = useState(null);
  useEffect(() => {
    const seen = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      seen.disconnect();
      thumbnail(id).then(setPng);
    }, { rootMargin: "200px" });
    seen.observe(place.current);
    return () => seen.disconnect();
  }, [id]);
  return html`<div class="small-picture" ref=${place}><${Still} png=${png} label=${label} /></div>`;
}
