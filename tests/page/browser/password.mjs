// A browser without a link: a wrong password is refused with the reason, and the right one opens the page.
import assert from "node:assert/strict";
import { cut, run, url, violations } from "./browser.mjs";

await run(async ({ browser }) => {
  const stranger = await browser.createBrowserContext();
  const page = await stranger.newPage();
  await page.setViewport({ width: 390, height: 800 });
  await page.goto(url.split("#")[0]);
  const field = await page.waitForSelector("input[type=password]", { timeout: 20_000 });
  assert.deepEqual(await violations(page), []);
  assert.deepEqual(await cut(page), []);
  await field.type("wrong é");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("form [role=status]").textContent.includes("wrong"), { timeout: 20_000 });
  await field.evaluate((input) => { input.value = ""; });
  await field.type(new URLSearchParams(new URL(url).hash.slice(1)).get("token")); // what a link has counts, too
  await page.keyboard.press("Enter");
  await page.waitForSelector("canvas[data-frame]", { timeout: 20_000 });
  assert.equal(await page.$("input[type=password]"), null);
});
