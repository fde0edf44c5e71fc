// Twelve cameras in one tab, through one connection: each shows new pictures, and nothing is cut.
import assert from "node:assert/strict";
import { cut, run, until } from "./browser.mjs";

await run(async ({ page }) => {
  await page.waitForFunction(() => document.querySelectorAll(".card canvas[data-frame]").length === 12, { timeout: 60_000 });
  const frames = () => page.$$eval(".card canvas", (all) => all.map(({ dataset }) => dataset.frame));
  const first = await frames();
  await until("each shows another picture", async () => (await frames()).every((frame, at) => frame !== first[at]), 60_000);
  assert.deepEqual(await cut(page), []);
}, { height: 4000 });
