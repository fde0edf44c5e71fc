// Takes the pictures of docs/page.md; see draw_page.py. Arguments: chromium URL FOLDER
import { run, visit, wait } from "../tests/page/browser/browser.mjs";

const folder = process.argv[4];
const SETTLED_MS = 4000; // scores, thumbnails and ages have come
const bottom = () => Math.ceil(document.querySelector("footer").getBoundingClientRect().bottom) + 16;

await run(async ({ page }) => {
  // As high as the view is: what is drawn for the picture only, beyond the window, may not be there yet.
  const shoot = async (name, width, height = 0) => {
    await page.setViewport({ width, height: height || 900, isMobile: width < 600, hasTouch: width < 600 });
    await wait(SETTLED_MS);
    if (!height) await page.setViewport({ width, height: await page.evaluate(bottom) });
    await wait(SETTLED_MS);
    await page.evaluate(() => document.activeElement?.blur());
    await page.screenshot({ path: `${folder}/${name}.png` });
  };
  await visit(page, "#/cameras", ".card canvas[data-frame]");
  await shoot("cameras", 1280, 560);
  await visit(page, "#/camera/street", ".legend .number");
  await shoot("camera", 1280);
  await shoot("top", 1280, 845); // without the scores, for the README
  await visit(page, "#/teach/path", ".review canvas[width]");
  await shoot("teach", 1280);
  await visit(page, "#/camera/street", ".stage canvas[data-frame]");
  await shoot("phone", 390, 844);
});
