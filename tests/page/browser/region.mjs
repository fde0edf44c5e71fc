// A region that is dragged is tried: the model sees it within a second, and the trial takes itself back.
import assert from "node:assert/strict";
import { run, until, visit } from "./browser.mjs";

await run(async ({ page }) => {
  await visit(page, "#/camera/street", "[data-handle=se]");
  await page.waitForSelector(".stage canvas[data-frame]", { timeout: 30_000 });
  const right = () => page.$eval("[data-field=right]", (input) => Number(input.value));
  const before = await right();
  const box = await (await page.$("[data-handle=se]")).boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x + 20, y + 10, { steps: 3 });
  await page.mouse.move(x + 60, y + 30, { steps: 3 });
  await page.mouse.up();
  await until("the drag has moved the edge", async () => (await right()) > before + 0.03);
  const seconds = await page.waitForSelector("[data-first]", { timeout: 15_000 }).then((line) => line.evaluate((element) => Number(element.dataset.first)));
  console.log(`the first vector came ${seconds} s after the drag`);
  assert.ok(seconds <= 1, `the first vector came ${seconds} s after the drag`);
  await page.waitForSelector("[data-trial=ended]", { timeout: 45_000 });
});
