// The daemon ends and comes back: the page says so, and goes on by itself, in the same view.
import assert from "node:assert/strict";
import { outside, run, visit } from "./browser.mjs";

await run(async ({ page }) => {
  await visit(page, "#/camera/street", ".stage canvas[data-frame]");
  await outside("stop_daemon");
  await page.waitForSelector("main.stale [role=alert]", { timeout: 30_000 });
  const frame = await page.$eval(".stage canvas", (canvas) => canvas.dataset.frame);
  await outside("start_daemon");
  await page.waitForFunction(() => !document.querySelector("main.stale, [role=alert]"), { timeout: 60_000 });
  await page.waitForFunction((before) => document.querySelector(".stage canvas").dataset.frame !== before, { timeout: 60_000 }, frame);
  assert.equal(await page.evaluate(() => location.hash), "#/camera/street");
});
