// Frames of the last minutes, to tick those that show a state. The daemon keeps them only while somebody asks.
import { html, useEffect, useRef, useState } from "../ui.js";
import { request } from "../connection.js";
import { Still } from "../pictures.js";
import { Problem, say } from "../parts.js";
import { time } from "../figures.js";
import { t } from "../words.js";
import { loadSets, statesOf } from "./sets.js";

const EVERY_MS = 5000;

export function Recent({ set, camera, region }) {
  const [open, setOpen] = useState(false);
  return html`<details class="block" open=${open} onToggle=${(event) => setOpen(event.target.open)}>
    <summary>${t("recent")}</summary>
    ${open && html`<${Frames} set=${set} camera=${camera} region=${region} />`}
  </details>`;
}

function Frames({ set, camera, region }) {
  const [entries, setEntries] = useState(null);
  const [ticked, setTicked] = useState([]);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const pictures = useRef(new Map());
  const [, drawn] = useState(0);

  useEffect(() => {
    let gone = false;
    const ask = async () => {
      try {
        const { entries: found } = await request("recent", { camera, region });
        if (gone) return;
        setEntries(found);
        for (const { id } of found) {
          if (gone || pictures.current.has(id)) continue;
          const { pictures: [png] } = await request("recent", { camera, region, picture: id });
          pictures.current.set(id, png);
          drawn((count) => count + 1);
        }
      } catch (problem) {
        if (!gone && problem.code !== "not-found") setError(problem); // a view may have gone meanwhile
      }
    };
    ask();
    const timer = setInterval(ask, EVERY_MS);
    return () => (gone = true, clearInterval(timer));
  }, [camera, region]);

  const teach = async (state) => {
    setBusy(true);
    setError(null);
    let count = 0;
    for (const id of ticked) {
      try {
        await request("enroll", { name: set.name, camera, region, state, picture: id });
        count++;
        setTicked((left) => left.filter((other) => other !== id));
      } catch (problem) {
        setError(problem);
        break;
      }
    }
    if (count) say(t("recent.done", { count, state }));
    setBusy(false);
    loadSets();
  };
  const tick = (id) => setTicked(ticked.includes(id) ? ticked.filter((other) => other !== id) : [...ticked, id]);

  return html`
    <p class="hint">${t("recent.hint")}</p>
    <${Problem} error=${error} />
    ${!entries?.length && !error && html`<p class="quiet">${t("recent.none")}</p>`}
    <ul class="thumbs">${[...(entries ?? [])].sort((one, other) => other.t_wall_us - one.t_wall_us).map(({ id, t_wall_us: at, set_states: states }) => html`<li class="thumb" key=${id}>
      <label class="tick"><span class="small-picture"><${Still} png=${pictures.current.get(id)} label="" /></span>
        <span class="line"><input type="checkbox" checked=${ticked.includes(id)} onChange=${() => tick(id)} /><span class="number-text small">${time(at)}</span></span></label>
      <span class="quiet small">${states?.[set.name] ?? ""}</span>
    </li>`)}</ul>
    ${entries?.length > 0 && html`<div class="line wrap"><span>${t("recent.show", { count: ticked.length })}</span>
      ${statesOf(set).map((state) => html`<button type="button" key=${state} disabled=${busy || !ticked.length} onClick=${() => teach(state)}>${state}</button>`)}</div>`}
  `;
}
