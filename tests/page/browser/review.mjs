// Three questions are answered by keys alone: each answer brings the next one.
import assert from "node:assert/strict";
import { run, until, visit } from "./browser.mjs";

await run(async ({ page }) => {
  await visit(page, "#/teach/path", ".review canvas[width]");
  const question = () => page.evaluate(() => document.querySelector(".review .number-text")?.textContent ?? "none");
  await page.focus(".review");
  const notes = [];
  for (const key of ["1", "2", "1"]) {
    const before = await question();
    await page.keyboard.press(key);
    await until("the next one is asked", async () => (await question()) !== before, 60_000);
    notes.push(await page.$$eval("[aria-labelledby=review] > .note", (shown) => shown.map(({ textContent }) => textContent)));
  }
  // Why an answer waits is said as long as it does, after the page is opened again, too.
  const waits = "1 answered empty: kept, not learned yet. Answers of one state alone make a set worse, so they are learned with the next answer of people.";
  assert.deepEqual(notes, [[waits], ["2 answers are learned."], [waits]]);
  await page.reload();
  await page.waitForFunction((text) => document.body.textContent.includes(text), { timeout: 20_000 }, waits);
});
