// Keys alone: to a camera, a region moved and resized, taken back, and to the other views.
import assert from "node:assert/strict";
import { run, until } from "./browser.mjs";

await run(async ({ page }) => {
  const focused = () => page.evaluate(() => {
    const { tagName, dataset, textContent } = document.activeElement;
    return { tagName, region: dataset.region, handle: dataset.handle, text: textContent };
  });
  const tabTo = async (what, isIt) => {
    for (let count = 0; count < 60; count++) {
      await page.keyboard.press("Tab");
      if (isIt(await focused())) return;
    }
    assert.fail(`no Tab reaches ${what}`);
  };
  const value = (edge) => page.$eval(`[data-field=${edge}]`, (input) => Number(input.value));

  await page.waitForSelector(".card a");
  await tabTo("the camera", ({ tagName, text }) => tagName === "A" && text === "street");
  await page.keyboard.press("Enter");
  await page.waitForSelector("[data-region=path]", { timeout: 20_000 });
  await tabTo("the region", ({ region }) => region === "path");
  const [left, right, bottom] = [await value("left"), await value("right"), await value("bottom")];
  await page.keyboard.down("Shift");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.up("Shift");
  await until("the region has moved", async () => (await value("left")) > left && (await value("right")) > right);
  await tabTo("its lower right handle", ({ handle }) => handle === "se");
  await page.keyboard.press("ArrowDown");
  await until("it has grown", async () => (await value("bottom")) > bottom);
  await page.waitForSelector("[data-trial=running]");
  await tabTo("the button that takes it back", ({ text }) => text === "Take back");
  await page.keyboard.press("Enter");
  await until("it is as before", async () => (await value("left")) === left && (await value("bottom")) === bottom);
  await page.waitForSelector("[data-trial=none]");

  for (const [view, heading] of [["Teach", "Teach"], ["Board", "Board"]]) {
    await page.keyboard.down("Control");
    await page.keyboard.press("Home");
    await page.keyboard.up("Control");
    await page.evaluate(() => document.activeElement.blur());
    await tabTo(view, ({ tagName, text }) => tagName === "A" && text === view);
    await page.keyboard.press("Enter");
    await until(`${view} is there`, () => page.$eval("h1", (title, to) => title.textContent === to, heading).catch(() => false));
  }
});
