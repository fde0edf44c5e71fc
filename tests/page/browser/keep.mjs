// A region that is dragged and kept; the test looks at the file.
import { button, dragCorner, run, visit } from "./browser.mjs";

await run(async ({ page }) => {
  await visit(page, "#/camera/street", "[data-handle=se]");
  await page.waitForSelector(".stage canvas[data-frame]", { timeout: 30_000 });
  await dragCorner(page, 24, 12);
  await page.waitForSelector("[data-first]", { timeout: 20_000 });
  await (await button(page, "Keep")).click();
  await page.waitForSelector(".outcome .note", { timeout: 60_000 });
  const seen = await page.evaluate(() => ({
    note: document.querySelector(".outcome .note").textContent,
    yaml: document.querySelector(".outcome textarea")?.value,
    trial: document.querySelector("[data-trial]").dataset.trial,
    edges: Object.fromEntries([...document.querySelectorAll("[data-field]")].map(({ dataset, value }) => [dataset.field, Number(value)])),
  }));
  console.log(`saw ${JSON.stringify(seen)}`);
});
