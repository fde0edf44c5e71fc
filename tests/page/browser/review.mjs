// Three questions are answered by keys alone: each answer brings the next one.
import { run, until, visit } from "./browser.mjs";

await run(async ({ page }) => {
  await visit(page, "#/teach/path", ".review canvas[width]");
  const question = () => page.evaluate(() => document.querySelector(".review .number-text")?.textContent ?? "none");
  await page.focus(".review");
  for (const key of ["1", "2", "1"]) {
    const before = await question();
    await page.keyboard.press(key);
    await until("the next one is asked", async () => (await question()) !== before, 60_000);
  }
});
