import { chromium } from "playwright-core";
import { CHROMIUM, owner, serve } from "./serve.mjs";
const s = await serve("/tmp/rshot/s.db"), cookie = await owner(s), browser = await chromium.launch(CHROMIUM);
for (const [lang, scheme, w] of [["fr", "light", 1280], ["en", "dark", 1280], ["fr", "light", 390]]) {
	const c = await browser.newContext({ viewport: { width: w, height: 900 }, locale: "fr-FR", colorScheme: scheme, reducedMotion: "reduce" });
	await c.addCookies([cookie]); await c.addInitScript((l) => localStorage.setItem("relance.locale", l), lang);
	const p = await c.newPage();
	const go = async (to) => { await p.goto(s.url + "/#" + to); await p.waitForFunction(() => document.querySelector("main h1") && !document.querySelector(".ghosts")); await p.waitForTimeout(400); };
	await go("/compliance?tab=retention"); await p.screenshot({ path: `/tmp/rshot/ret-${lang}-${w}.png` });
	await p.click("#retention .open >> nth=0"); await p.waitForSelector("dialog[open] tbody tr"); await p.waitForTimeout(300); await p.screenshot({ path: `/tmp/rshot/rows-${lang}-${w}.png` });
	await go("/figures/kpi"); await p.click(".kpit .open >> nth=0"); await p.waitForSelector("dialog[open] tbody tr"); await p.waitForTimeout(300); await p.screenshot({ path: `/tmp/rshot/kpi-${lang}-${w}.png` });
	await go("/"); await p.screenshot({ path: `/tmp/rshot/today-${lang}-${w}.png` });
	await c.close();
}
await browser.close(); await s.stop(); process.exit(0);
