// What the scripts beside this share: a browser, a page that fails on errors, and waiting.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { once } from "node:events";
import { createInterface } from "node:readline";
import assert from "node:assert/strict";

const rig = createRequire(`${process.env.EDGED_BROWSER_RIG}/`);
const puppeteer = rig("puppeteer-core");
const axe = readFileSync(rig.resolve("axe-core/axe.min.js"), "utf8");

export const [name, url] = process.argv.slice(2);
const QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const PREFERS = { light: 1, dark: 0 };

/** A browser with a page at *url* in the theme and size, in which `before` ran first; `problems` are what its console reported as errors. */
export async function open({ theme = "light", width = 1280, height = 900, before = null } = {}) {
  const browser = await puppeteer.launch(name === "chromium"
    ? { executablePath: "/usr/bin/chromium", args: QUIET }
    : { browser: "firefox", executablePath: "/usr/bin/firefox-esr", extraPrefsFirefox: { "layout.css.prefers-color-scheme.content-override": PREFERS[theme] } });
  const page = await browser.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error.stack ?? error)));
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  await page.setViewport({ width, height });
  if (name === "chromium") await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
  if (before) await page.evaluateOnNewDocument(before);
  await page.goto(url);
  await page.waitForSelector("h1");
  return { browser, page, problems };
}

export const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until `probe()` is truthy, and returns that. */
export async function until(what, probe, ms = 20_000) {
  const end = performance.now() + ms;
  for (;;) {
    const found = await probe();
    if (found) return found;
    assert.ok(performance.now() < end, `waited ${ms} ms until ${what}`);
    await wait(30);
  }
}

/** Goes to a view, and waits until `selector` is there. */
export async function visit(page, view, selector) {
  await page.evaluate((to) => { location.hash = to; }, view);
  await page.waitForSelector(selector, { timeout: 20_000 });
}

/** The violations that axe finds, one line each. */
export async function violations(page) {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations: found } = await globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] });
    return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).slice(0, 3).join(", ")}`);
  });
}

/** Elements that reach out of the window to the right, but for those that may scroll. */
export const cut = (page) => page.evaluate(() => [...document.querySelectorAll("#page *")]
  .filter((element) => element.getBoundingClientRect().right > innerWidth + 1 && !element.closest(".scroll, svg, .u-over, .unseen"))
  .map((element) => `${element.tagName}.${element.className}`).slice(0, 5));

/** Whether the element is wholly in the window. */
export const isInWindow = (page, selector) => page.$eval(selector, (element) => {
  const { top, bottom } = element.getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight;
});

/** Runs `scenario(opened)` and closes the browser, however it ends. */
export async function run(scenario, options) {
  const opened = await open(options);
  try {
    await scenario(opened);
    assert.deepEqual(opened.problems, []);
  } finally {
    await opened.browser.close();
  }
}

/** Has the test do something outside of the browser, and waits until that is done. */
export async function outside(what) {
  const answers = createInterface({ input: process.stdin });
  const answered = once(answers, "line");
  console.log(`do ${what}`);
  await answered;
  answers.close(); // else this process would wait for more
}

/** The button with that text. */
export const button = (page, text) => page.waitForSelector(`::-p-xpath(//button[starts-with(normalize-space(.), "${text}")])`, { timeout: 20_000 });

/** The decided state of street/path by the demo's own set, as the page has learned it. */
export const decided = (page) => page.evaluate(async () => {
  const { decisions } = await import(new URL("connection.js", location.href));
  return decisions.value["street/path/path"]?.state;
});

/** Drags the lower right corner of the selected region; returns where its right edge is then. */
export async function dragCorner(page, dx, dy) {
  const right = () => page.$eval("[data-field=right]", (input) => Number(input.value));
  const before = await right();
  const box = await (await page.$("[data-handle=se]")).boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + dx / 3, y + dy / 3, { steps: 3 });
  await page.mouse.move(x + dx, y + dy, { steps: 3 });
  await page.mouse.up();
  await until("the drag has moved the edge", async () => Math.abs((await right()) - before) > 0.01);
  return right();
}
