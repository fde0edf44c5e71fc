// A configuration file that cannot be loaded: the first view says what is wrong and where, until that is mended.
import assert from "node:assert/strict";
import { outside, run } from "./browser.mjs";

await run(async ({ page }) => {
  await page.waitForSelector(".card canvas[data-frame]", { timeout: 30_000 });
  await outside("spoil");
  const note = await page.waitForSelector("[role=alert] pre", { timeout: 30_000 });
  const text = await note.evaluate((element) => element.textContent);
  assert.match(text, /edged\.yaml:\d+:\d+: cameras\.street\.polcy: unknown key; did you mean 'policy'/);
  await outside("mend");
  await page.waitForSelector("[role=alert]", { hidden: true, timeout: 30_000 });
});
