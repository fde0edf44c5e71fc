// A region that is dragged is tried: the model sees it within a second, and the trial takes itself back.
import assert from "node:assert/strict";
import { run, until, visit } from "./browser.mjs";

await run(async ({ page }) => {
  await visit(page, "#/camera/street", "[data-handle=se]");
  await page.waitForSelector(".stage canvas[data-frame]", { timeout: 30_000 });
  const right = () => page.$eval("[data-field=right]", (input) => Number(input.value));

  const drag = async (dx, dy) => {
    const before = await right();
    const box = await (await page.$("[data-handle=se]")).boundingBox();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + dx / 3, y + dy / 3, { steps: 3 });
    await page.mouse.move(x + dx, y + dy, { steps: 3 });
    await page.mouse.up();
    await until("the drag has moved the edge", async () => (await right()) > before + 0.01);
    const edge = String(await right());
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
});
