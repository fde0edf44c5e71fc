// Every view, wide and narrow, light and dark: axe finds nothing, and nothing is cut.
import assert from "node:assert/strict";
import { cut, run, violations, visit, wait } from "./browser.mjs";

const VIEWS = [["#/cameras", ".card canvas[data-frame]"], ["#/camera/street", ".legend .number"], ["#/teach", ".card .counts"], ["#/teach/path", ".scene canvas[data-frame]"], ["#/board", "table"]];

for (const theme of ["light", "dark"]) {
  await run(async ({ page }) => {
    for (const [width, height] of [[1280, 900], [390, 844]]) {
      await page.setViewport({ width, height });
      for (const [view, selector] of VIEWS) {
        await visit(page, view, selector);
        await wait(300); // what is loaded when needed comes
        const where = `${view} at ${width} px, ${theme}`;
        assert.equal(await page.evaluate(() => matchMedia("(prefers-color-scheme: dark)").matches), theme === "dark");
        assert.deepEqual(await violations(page), [], where);
        assert.deepEqual(await cut(page), [], where);
      }
    }
  }, { theme });
}
