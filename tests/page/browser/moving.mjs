// The token opens the page and leaves the address; pictures move.
import assert from "node:assert/strict";
import { run, until } from "./browser.mjs";

await run(async ({ page }) => {
  assert.ok(!(await page.evaluate(() => location.href)).includes("token"), "the token stands in the address");
  await page.waitForSelector(".card canvas[data-frame]", { timeout: 30_000 });
  const look = () => page.$eval(".card canvas", (canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let sum = 0;
    for (let at = 0; at < data.length; at += 64) sum = (sum * 31 + data[at]) % 1_000_003;
    return { frame: canvas.dataset.frame, sum, width: canvas.width };
  });
  const first = await look();
  assert.ok(first.width >= 300);
  const frames = new Set([first.frame]);
  const pictures = new Set([first.sum]);
  await until("five pictures came", async () => {
    const { frame, sum } = await look();
    frames.add(frame);
    pictures.add(sum);
    return frames.size >= 5 && pictures.size >= 5;
  });
});
