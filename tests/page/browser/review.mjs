// Three questions are answered by keys alone: each answer brings the next one.
import { run, until, visit } from "./browser.mjs";

await run(async ({ page }) => {
  await visit(page, "#/teach/path", ".review canvas[width]");
  const question = () => page.$eval(".review .number-text", ({ textContent }) => textContent).catch(() => "none");
  await page.focus(".review");
  for (const key of ["1", "2", "1"]) {
    const before = await question();
    await page.waitForFunction(() => document.querySelector(".review canvas")?.width > 1, { timeout: 20_000 });
    await page.keyboard.press(key);
    await until("the next one is asked", async () => (await question()) !== before, 60_000);
  }
});
