// The UI in a real browser against mock.mjs: sign-in, every page in both languages, themes and widths without a fault of
// accessibility, without overflow, and what people do most. node test/ui.mjs (after build.sh)
import { chromium } from "playwright-core";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import assert from "node:assert/strict";
import { start, PAGES, CHROMIUM } from "./serve.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch(CHROMIUM);
const faults = [];
let passed = 0;

async function test(name, flags, options, body) {
	const { url, stop } = await start(flags);
	const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "fr-FR", reducedMotion: "reduce", acceptDownloads: true, ...options });
	const page = await context.newPage();
	page.setDefaultTimeout(8000);
	const errors = [];
	page.on("pageerror", (e) => errors.push(e.message));
	page.on("console", (m) => m.type() === "error" && !/status of 4\d\d/.test(m.text()) && errors.push(m.text()));
	try {
		await body(page, url, errors);
		assert.deepEqual(errors, [], "errors in the browser's console");
		passed++;
		console.log("ok   " + name);
	} catch (e) {
		faults.push(name);
		console.log(`FAIL ${name}\n     ${String(e.message).split("\n").slice(0, 30).join("\n     ")}`);
	}
	await context.close();
	stop();
}
const settle = (page) => page.waitForFunction(() => document.querySelector("main h1") && !document.querySelector(".ghosts"), null, { timeout: 8000 });
async function violations(page) {
	await page.evaluate(axe);
	return page.evaluate(async () => {
		const r = await window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"], iframes: false });
		return r.violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(" ") + " " + (n.any[0]?.message ?? "")).join(" | ")}`);
	});
}

await test("first run: the owner is made with the code of the link", ["--first-run"], {}, async (page, url) => {
	await page.goto(url + "/#/setup?token=premier-jour");
	await page.fill("[name=name]", "Claire Moreau");
	await page.fill("[name=password]", "une phrase qui se retient");
	await page.click("button.main");
	await page.waitForSelector("nav.nav");
	assert.match(await page.textContent("h1"), /Ce qui part aujourd’hui/);
});
await test("sign-in: a wrong password is refused in words, a right one enters", [], {}, async (page, url) => {
	await page.goto(url);
	await page.fill("[name=name]", "Claire Moreau");
	await page.fill("[name=password]", "court");
	await page.click("button.main");
	await page.waitForFunction(() => document.querySelector(".refused").textContent.includes("réessayez"));
	assert.deepEqual(await violations(page), []);
	await page.fill("[name=password]", "une phrase qui se retient");
	await page.click("button.main");
	await page.waitForSelector(".leave");
	assert.match(await page.textContent(".answer"), /219\s*messages partent aujourd’hui, 31 sont retenus/);
});
for (const locale of ["fr-FR", "en-GB"]) for (const colorScheme of ["light", "dark"]) {
	await test(`every page, ${locale}, ${colorScheme}: no accessibility fault`, ["--signed-in"], { locale, colorScheme }, async (page, url) => {
		const found = [];
		for (const [name, to] of PAGES) {
			await page.goto(url + "/#" + to);
			await settle(page);
			if (await page.getAttribute("html", "lang") !== locale.slice(0, 2)) found.push(name + ": wrong language");
			for (const v of await violations(page)) if (!found.some((f) => f.endsWith(v))) found.push(`${name}: ${v}`);
		}
		assert.deepEqual(found, []);
	});
}
await test("every page at 390 px: nothing wider than the screen, nothing untranslated", ["--signed-in"], { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, async (page, url) => {
	const found = [];
	for (const [name, to] of PAGES) {
		await page.goto(url + "/#" + to);
		await settle(page);
		const wide = await page.evaluate(() => document.documentElement.scrollWidth);
		if (wide > 390) found.push(`${name}: ${wide} px`);
		if (/undefined|NaN|\[object|\{n\}/.test(await page.innerText("main"))) found.push(name + ": raw value shown");
	}
	assert.deepEqual(found, []);
});
await test("an empty shop teaches on every page", ["--signed-in", "--empty"], {}, async (page, url) => {
	for (const to of ["/", "/customers", "/plans", "/messages", "/figures", "/compliance"]) {
		await page.goto(url + "/#" + to);
		await settle(page);
		await page.waitForSelector(".empty h2");
		assert.deepEqual(await violations(page), [], to);
	}
});
await test("search: / opens it, a name finds the customer, Enter goes there", ["--signed-in"], {}, async (page, url) => {
	await page.goto(url);
	await settle(page);
	await page.keyboard.press("/");
	await page.keyboard.type("odile garn");
	await page.waitForFunction(() => document.querySelector("#hits li")?.textContent.includes("Odile Garnier"));
	await page.keyboard.press("Enter");
	await page.waitForFunction(() => document.querySelector("h1")?.textContent === "Odile Garnier");
	assert.match(await page.innerText(".tl"), /Retenu\s*: pression du canal/);
	assert.match(await page.innerText("#why"), /il en faut 6 mois/);
});
await test("keyboard: g then a letter, ? for help, Escape closes", ["--signed-in"], {}, async (page, url) => {
	await page.goto(url);
	await settle(page);
	for (const [key, title] of [["c", "Qui sont vos clients"], ["p", "Ce qui tourne tout seul"], ["f", "Ce que les plans rapportent"], ["t", "Ce qui part aujourd’hui"]]) {
		await page.keyboard.press("g");
		await page.keyboard.press(key);
		await page.waitForFunction((s) => document.querySelector("h1")?.textContent === s, title);
	}
	await page.keyboard.press("?");
	await page.waitForSelector("dialog[open] dl.keys");
	await page.keyboard.press("Escape");
	await page.waitForFunction(() => !document.querySelector("dialog[open]"));
});
await test("segment: live count, and the error stands under its character", ["--signed-in"], {}, async (page, url) => {
	await page.goto(url + "/#/customers");
	await settle(page);
	const input = page.locator(".segbar input").first();
	await input.fill("lifecycle in (lapsing, former)");
	await page.waitForSelector(".counted b");
	const all = await page.textContent(".counted b");
	await input.fill("lifecycle = lapsed");
	await page.waitForSelector(".fault");
	assert.match(await page.textContent(".fault"), /lapsing/);
	const [caret, box, ch] = await page.evaluate(() => {
		const pre = document.querySelector(".fault .pre"), range = document.createRange();
		range.selectNode(pre.lastChild);
		const input = document.querySelector(".segbar input"), s = getComputedStyle(input), c = document.createElement("canvas").getContext("2d");
		c.font = `${s.fontSize} ${s.fontFamily}`;
		return [range.getBoundingClientRect().left, input.getBoundingClientRect().left + parseFloat(s.borderLeftWidth) + parseFloat(s.paddingLeft), c.measureText("lifecycle = ").width];
	});
	assert.ok(Math.abs(caret - (box + ch)) < 2, `caret at ${caret}, character at ${box + ch}`);
	await input.fill("lifecycle = lapsing");
	await page.waitForFunction((s) => document.querySelector(".counted b") && document.querySelector(".counted b").textContent !== s, all);
});
await test("plan: no switch without a replay, then on, with what it would have done", ["--signed-in"], {}, async (page, url) => {
	await page.goto(url + "/#/plans/renewal");
	await settle(page);
	const on = page.locator(".before .do .btn");
	assert.ok(await on.isDisabled());
	await page.click(".before .two button");
	await page.waitForSelector(".replayed .uplot");
	assert.ok(await on.isEnabled());
	await on.click();
	assert.match(await page.innerText("dialog[open]"), /6\s870 messages/);
	await page.click("dialog[open] .main");
	await page.waitForFunction(() => /en marche/.test(document.querySelector(".sub .badge").textContent));
});
await test("plan file: a mistake is shown at its line as typed and cannot be saved; mended, it is a new version", ["--signed-in"], {}, async (page, url) => {
	await page.goto(url + "/#/plans/anti-churn?tab=file");
	await settle(page);
	const text = await page.inputValue(".edit textarea");
	await page.fill(".edit textarea", text.replace("priority: 40", "prioritie: 40"));
	await page.waitForFunction(() => /priority/.test(document.querySelector(".issues").textContent));
	assert.equal(await page.textContent(".edit .ln .e"), String(text.split("\n").findIndex((l) => l === "priority: 40") + 1));
	assert.ok(await page.locator(".edacts .main").isDisabled());
	await page.fill(".edit textarea", text.replace("priority: 40", "priority: 45"));
	await page.waitForFunction(() => !document.querySelector(".edacts .main").disabled);
	await page.click(".edacts .main");
	await page.waitForFunction(() => /version 4/.test(document.querySelector(".sub .badge").textContent));
});
await test("message: the preview follows the text, in three views; a test leaves", ["--signed-in"], {}, async (page, url) => {
	await page.goto(url + "/#/messages/fr/winback-2");
	await settle(page);
	await page.fill(".edit textarea", '---\nsubject: "Un mot pour vous"\n---\nBonjour');
	await page.waitForFunction(() => document.querySelector(".inbox b").textContent === "Un mot pour vous");
	await page.frameLocator(".frame iframe").locator("h1", { hasText: "Un mot pour vous" }).waitFor();
	await page.click(".pvbar .seg button:nth-child(3)");
	assert.match(await page.textContent(".frame pre"), /Un mot pour vous/);
	await page.click(".head .btns button");
	await page.fill("dialog[open] input", "claire@exemple.fr");
	await page.click("dialog[open] .main");
	await page.waitForFunction(() => /Essai envoyé/.test(document.querySelector(".toasts").textContent));
});
await test("emergency stop: asked once with the number, then undone", ["--signed-in"], {}, async (page, url) => {
	await page.goto(url);
	await settle(page);
	await page.click(".nav .stop");
	assert.match(await page.innerText("dialog[open]"), /217 messages devaient partir/);
	await page.click("dialog[open] .danger");
	await page.waitForSelector(".halt");
	await page.click(".halt button");
	await page.waitForFunction(() => !document.querySelector(".halt"));
});
await test("U+202F shows at 0.2 em, so that thousands part", ["--signed-in"], {}, async (page, url) => {
	await page.goto(url);
	await settle(page);
	const em = await page.evaluate(async () => {
		await document.fonts.ready;
		const measure = (s) => { const x = document.createElement("span"); x.style.cssText = "position:absolute;white-space:pre;font-size:100px"; x.textContent = s; document.body.append(x); const w = x.getBoundingClientRect().width; x.remove(); return w; };
		measure("1\u202f0");
		await document.fonts.load('100px "Narrow"', "\u202f");
		return (measure("1\u202f0") - measure("10")) / 100;
	});
	assert.ok(Math.abs(em - 0.2) < 0.02, `${em} em`);
});
await test("CSV holds exactly the rows shown", ["--signed-in"], {}, async (page, url) => {
	await page.goto(url + "/#/figures");
	await settle(page);
	const [download] = await Promise.all([page.waitForEvent("download"), page.click("#results .lnk")]);
	const lines = readFileSync(await download.path(), "utf8").trim().split("\r\n");
	assert.equal(lines.length - 1, await page.locator("#results tbody tr").count());
	assert.match(lines[1], /^abandoned-cart,2210,221,1154,688,226,161,19204,1180,640,1730$/);
});

await browser.close();
console.log(`${passed} passed, ${faults.length} failed`);
process.exit(faults.length ? 1 : 0);
