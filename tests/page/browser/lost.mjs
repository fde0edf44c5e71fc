// The daemon ends and comes back: the page says so, and goes on by itself, in the same view.
import assert from "node:assert/strict";
import { outside, run, visit, wait } from "./browser.mjs";

await run(async ({ browser, page }) => {
  await visit(page, "#/camera/street", ".stage canvas[data-frame]");
  const other = await browser.newPage();
  await other.goto(new URL("#/board", await page.evaluate(() => location.href)).href);
  await outside("stop_daemon");
  await page.bringToFront();
  await page.waitForSelector("main.stale [role=alert]", { timeout: 30_000 });
  await other.bringToFront();
  await visit(other, "#/teach", "main.stale [role=alert]");
  await wait(1000); // its request for the sets fails
  assert.equal(await other.$$eval("[role=alert]", ({ length }) => length), 1, "the same is said twice");
  const frame = await page.$eval(".stage canvas", (canvas) => canvas.dataset.frame);
  await outside("start_daemon");
  await other.waitForSelector("form input[name=name]", { timeout: 60_000 });
  await other.waitForSelector("[role=alert]", { hidden: true, timeout: 60_000 });
  await page.bringToFront();
  await page.waitForFunction(() => !document.querySelector("main.stale, [role=alert]"), { timeout: 60_000 });
  await page.waitForFunction((before) => document.querySelector(".stage canvas").dataset.frame !== before, { timeout: 60_000 }, frame);
  assert.equal(await page.evaluate(() => location.hash), "#/camera/street");
});
