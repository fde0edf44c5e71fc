// Takes the pictures of docs/page.md; see draw_page.py. Arguments: chromium URL FOLDER
import { run, visit, wait } from "../tests/page/browser/browser.mjs";

const folder = process.argv[4];
const SETTLED_MS = 4000; // scores, thumbnails and ages have come

await run(async ({ page }) => {
  const shoot = async (name, { fullPage = true } = {}) => {
    await wait(SETTLED_MS);
    await page.evaluate(() => document.activeElement?.blur());
    await page.screenshot({ path: `${folder}/${name}.png`, fullPage });
  };
  await page.setViewport({ width: 1280, height: 640 });
  await visit(page, "#/cameras", ".card canvas[data-frame]");
  await shoot("cameras");
  await page.setViewport({ width: 1280, height: 900 });
  await visit(page, "#/camera/street", ".legend .number");
  await shoot("camera");
  await visit(page, "#/teach/path", ".review canvas[width]");
  await shoot("teach");
  await page.setViewport({ width: 390, height: 844, deviceScaleFactor: 1, isMobile: true, hasTouch: true });
  await visit(page, "#/camera/street", ".stage canvas[data-frame]");
  await shoot("phone", { fullPage: false });
});
