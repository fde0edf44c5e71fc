// Measures the page in Chromium; see page_figures.py. Prints a JSON object. Arguments: chromium URL SECONDS
import { open, run, visit, wait } from "../tests/page/browser/browser.mjs";

const seconds = Number(process.argv[4]);
const LOADS = 7;

/** Milliseconds from the begin of the navigation to the first picture, in a browser that has nothing cached. */
async function firstPicture() {
  const { browser, page } = await open();
  try {
    await page.setCacheEnabled(false);
    await page.evaluateOnNewDocument(() => {
      const watch = () => {
        if (document.querySelector("canvas[data-frame]")) globalThis.usableAt = performance.now();
        else requestAnimationFrame(watch);
      };
      watch();
    });
    await page.reload();
    await page.waitForFunction(() => globalThis.usableAt, { timeout: 60_000 });
    return await page.evaluate(() => globalThis.usableAt);
  } finally {
    await browser.close();
  }
}

const usable = [];
while (usable.length < LOADS) usable.push(await firstPicture());

await run(async ({ page }) => {
  await visit(page, "#/camera/street", ".stage canvas[data-frame]");
  await page.evaluate(async () => {
    const { newestPicture } = await import(new URL("pictures.js", location.href));
    globalThis.ages = [];
    newestPicture("street").subscribe((header) => header && globalThis.ages.push(Date.now() - header.t_wall_us / 1000));
  });
  await wait(1000 * seconds);
  console.log(`saw ${JSON.stringify({ usable, ages: await page.evaluate(() => globalThis.ages.slice(1)) })}`);
});
