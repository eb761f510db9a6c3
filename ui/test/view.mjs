// How soon a page shows its content in a browser that knows nothing of it: node ui/test/view.mjs build/src/cli/relance [--json]
// Ten visits, each in a context of its own (empty cache, new connections), to the first page, lists, a customer and the figures; from the start
// of the navigation until the heading is there and nothing is still loading. The baseline is the same browser with a page of
// one line from the same server (/healthz): what the browser itself takes.
import { chromium } from "playwright-core";
import { CHROMIUM, living, owner, serve } from "./serve.mjs";

const VISITS = 10, GOAL = "300 ms";
const json = process.argv.includes("--json");
const server = await serve(living());
const cookie = await owner(server);
const browser = await chromium.launch(CHROMIUM);

async function visit(path, app) {
	const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "fr-FR", reducedMotion: "reduce" });
	await context.addCookies([cookie]);
	const page = await context.newPage();
	await page.addInitScript((app) => {
		const there = () => {
			if (app ? document.querySelector("main h1") && !document.querySelector(".ghosts") : document.body?.textContent.length > 1) window.__shown = performance.now();
			else requestAnimationFrame(there);
		};
		requestAnimationFrame(there);
	}, app);
	await page.goto(server.url + path);
	const took = await page.waitForFunction(() => window.__shown, null, { timeout: 10000 }).then((h) => h.jsonValue());
	await context.close();
	return took;
}
async function median(path, app) {
	const all = [];
	for (let i = 0; i < VISITS; i++) all.push(await visit(path, app));
	return all.sort((a, b) => a - b)[VISITS >> 1];
}
const baseline = await median("/healthz", false);
for (const [name, path] of [["first page", "/"], ["customers", "/#/customers"], ["a customer", "/#/customers/1"], ["plans", "/#/plans"], ["figures", "/#/figures"]]) {
	const ours = await median(path, true);
	const work = `cold browser to content, ${name}`;
	console.log(json ? JSON.stringify({ work, ours, baseline, unit: "ms, median of " + VISITS, goal: GOAL })
		: `${work.padEnd(70)} ${ours.toFixed(1).padStart(12)} ${baseline.toFixed(0).padStart(12)} ${(ours / baseline).toFixed(2).padStart(7)}x  ms, median of ${VISITS}; goal ${GOAL}`);
}
await browser.close();
await server.stop();
process.exit(0);
