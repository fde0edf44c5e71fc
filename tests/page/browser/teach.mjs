// A new set is taught two states: by what the path shows now, and by a frame of the last minutes. Then it decides.
import assert from "node:assert/strict";
import { button, decided, run, until, visit } from "./browser.mjs";

const TAUGHT = { empty: "free", people: "taken" }; // what the demo's own set decides → the state to teach
const WALK = "street/path/walk";

await run(async ({ page }) => {
  await visit(page, "#/teach", "form input[name=name]");
  await page.type("form input[name=name]", "Wálk"); // a configuration would refuse it
  await (await button(page, "Begin")).click();
  assert.equal(await page.evaluate(() => location.hash), "#/teach/walk");
  for (const state of Object.values(TAUGHT)) {
    await page.waitForSelector("form input[name=state]", { timeout: 20_000 });
    await page.type("form input[name=state]", state);
    await (await button(page, "Add")).click();
    await page.waitForFunction((text) => [...document.querySelectorAll("button.state span")].some((span) => span.textContent === text), {}, state);
  }
  const count = (state) => page.$$eval("button.state", (buttons, text) => Number(
    buttons.find((each) => each.firstElementChild.textContent === text)?.lastElementChild.textContent,
  ), state);
  const learned = async (state, times) => {
    await until(`${times} of ${state} are learned`, async () => (await count(state)) >= times, 60_000);
    await page.waitForFunction(() => !document.querySelector("button.state:disabled"), { timeout: 60_000 });
  };

  const buttons = () => page.$$eval("button.state", (all) => all.map((each) => ({ state: each.firstElementChild.textContent, x: each.getBoundingClientRect().x, y: each.getBoundingClientRect().y })));
  const named = await buttons();
  assert.deepEqual(named.map(({ state }) => state), ["free", "taken"]);

  // While the path shows it, so that all examples of a state are right; the clip shows each for seconds.
  for (let times = 1; times <= 3; times++) {
    for (const [shown, state] of Object.entries(TAUGHT).reverse()) {
      await until(`the path is ${shown}`, async () => (await decided(page)) === shown, 120_000);
      await (await button(page, state)).click();
      await learned(state, times);
      assert.deepEqual(await buttons(), named, "the buttons have changed their places");
      assert.deepEqual(await page.$$eval(".thumb select", ([first]) => [...first.options].map(({ value }) => value)), ["free", "taken"]);
    }
  }

  await page.click("details summary");
  await page.waitForSelector(".tick input", { timeout: 60_000 });
  await page.click(".tick input");
  const before = await count("free");
  const [choice] = await page.$$(`::-p-xpath(//details//button[. = "free"])`);
  await choice.click();
  await learned("free", before + 1);

  const walk = () => page.evaluate(async (key) => {
    const { decisions } = await import(new URL("connection.js", location.href));
    return decisions.value[key]?.state;
  }, WALK);
  for (const [shown, state] of Object.entries(TAUGHT)) {
    await until(`${state} is decided while the path is ${shown}`, async () => (await walk()) === state && (await decided(page)) === shown, 120_000);
    assert.ok(["free", "taken", "unknown"].includes(await page.$eval(".decided", (element) => element.textContent)));
  }
  await page.waitForFunction(() => document.querySelectorAll(".thumb canvas[width]").length >= 6, { timeout: 60_000 });
});
