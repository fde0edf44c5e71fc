// A browser that is too busy to report at once that a picture has left the screen and come back: it goes on.
import assert from "node:assert/strict";
import { run, until, wait } from "./browser.mjs";

const LATE_MS = 1000;

/** Has observers report what has changed only every second: all at once, the newest last, as browsers do. */
function reportLate(late) {
  const Prompt = globalThis.IntersectionObserver;
  globalThis.IntersectionObserver = class extends Prompt {
    constructor(report, options) {
      const changes = [];
      super((entries, observer) => {
        if (!changes.length) setTimeout(() => report(changes.splice(0), observer), late);
        changes.push(...entries);
      }, options);
    }
  };
}

await run(async ({ page }) => {
  const frame = () => page.$eval(".card canvas", (canvas) => canvas.dataset.frame);
  const comes = async (what) => {
    const before = await frame();
    await until(what, async () => (await frame()) !== before);
  };
  await page.waitForSelector(".card canvas[data-frame]", { timeout: 30_000 });
  await page.evaluate(() => { document.querySelector("#page").style.paddingTop = "2000px"; });
  await wait(2 * LATE_MS);
  await page.evaluate(() => scrollTo(0, 9999));
  await comes("a picture that is on the screen comes");
  await page.evaluate(async () => { // shorter than the observer takes
    scrollTo(0, 0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    scrollTo(0, 9999);
  });
  await wait(2 * LATE_MS);
  await comes("it comes still");
  assert.ok(await page.$eval(".card canvas", (canvas) => canvas.getBoundingClientRect().top < innerHeight));
}, { before: `(${reportLate})(${LATE_MS})` });
