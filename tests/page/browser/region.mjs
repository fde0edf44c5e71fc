// A region that is dragged is tried: the model sees it within a second, and the trial takes itself back.
import assert from "node:assert/strict";
import { button, dragCorner, isInWindow, run, until, violations, visit } from "./browser.mjs";

await run(async ({ page }) => {
  await visit(page, "#/camera/street", "[data-handle=se]");
  await page.waitForSelector(".stage canvas[data-frame]", { timeout: 30_000 });
  const drag = async (dx, dy) => {
    const edge = String(await dragCorner(page, dx, dy));
    // The line names the edge that the model saw, so that one of an earlier drag does not count.
    const line = await page.waitForSelector(`[data-first][data-right="${edge}"]`, { timeout: 20_000 });
    return line.evaluate((element) => Number(element.dataset.first));
  };

  // What else this machine does only adds to the time: the best of some drags is that of the page and the daemon.
  const seconds = [];
  while (seconds.length < 5 && !(Math.min(...seconds) <= 1)) seconds.push(await drag(24, 12));
  console.log(`the first vector came ${seconds.join(", ")} s after a drag`);
  assert.ok(Math.min(...seconds) <= 1, `the first vector came ${seconds.join(", ")} s after a drag`);
  await page.waitForSelector("[data-trial=ended]", { timeout: 60_000 });
  await (await button(page, "Take back")).click();

  // On a small screen, a region is added and kept without scrolling. What is selected can be read under the pointer.
  await page.setViewport({ width: 1280, height: 720 });
  for (const what of [".choice", ".outcome", ".stage"]) assert.ok(await isInWindow(page, what), `${what} is not in the window`);
  await (await button(page, "+ Region")).click();
  await page.waitForSelector("[data-trial=running]", { timeout: 20_000 });
  assert.ok(await isInWindow(page, "button.main"), "Keep is not in the window");
  await page.hover(".chip[aria-pressed=true]");
  await until("the colours under the pointer are there", async () => (await violations(page)).length === 0, 3000);
  await page.click(".numbers .field input", { count: 3 });
  await page.keyboard.type("Left Bay");
  await page.keyboard.press("Enter");
  await page.waitForSelector("[data-region=left-bay]", { timeout: 20_000 });
  await (await button(page, "Take back")).click();
  await page.waitForSelector("[data-trial=none]", { timeout: 20_000 });
});
