// Screenshots of every page, both widths and themes, into a directory: node test/shots.mjs DIR [page…]
import { chromium } from "playwright-core";
import { mkdirSync } from "node:fs";
import { start, PAGES, CHROMIUM } from "./serve.mjs";

const dir = process.argv[2] ?? "shots", only = process.argv.slice(3);
mkdirSync(dir, { recursive: true });
const { url, stop } = await start(["--signed-in"]);
const browser = await chromium.launch(CHROMIUM);
for (const width of [1280, 390]) for (const theme of ["light", "dark"]) {
	const context = await browser.newContext({ viewport: { width, height: width === 390 ? 844 : 900 }, colorScheme: theme, locale: "fr-FR", reducedMotion: "reduce" });
	const page = await context.newPage();
	page.on("console", (m) => ["error", "warning"].includes(m.type()) && console.log(theme, width, m.text()));
	page.on("pageerror", (e) => console.log(theme, width, e.message));
	for (const [name, to] of PAGES) {
		if (only.length && !only.includes(name)) continue;
		await page.goto(url + "/#" + to);
		await page.waitForTimeout(700);
		await page.screenshot({ path: `${dir}/${name}-${width}-${theme}.png`, fullPage: true });
	}
	await context.close();
}
await browser.close();
stop();
