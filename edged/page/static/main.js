// The page starts: words, the view, the connection.
import { html, render } from "./ui.js";
import { preferred, speak } from "./words.js";
import { start } from "./connection.js";
import { Shell } from "./shell.js";

await speak(preferred());
render(html`<${Shell} />`, document.getElementById("page"));
await start();
