// The UI in a real browser against a real shop: sign-in, every page in both languages, themes and widths without a fault of
// accessibility, without overflow, and what people do most. node ui/test/ui.mjs build/src/cli/relance [part of a test's name]
import { chromium } from "playwright-core";
import { readFileSync } from "node:fs";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import assert from "node:assert/strict";
import { CHROMIUM, OWNER, PAGES, PASSWORD, empty, living, mailLink, owner, serve } from "./serve.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const only = process.argv[3];
const browser = await chromium.launch(CHROMIUM);
const faults = [];
let passed = 0;
const db = living(), shop = await serve(db), bare = await serve(empty());
const cookies = { shop: null, bare: null };

/** options.of: which shop; options.in: signed in (yes unless said); options.lang: chosen on this device. */
async function test(name, options, body) {
	if (only && !name.includes(only)) return;
	const { of = "shop", signed = true, lang, ...rest } = options;
	const server = of === "shop" ? shop : bare;
	const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "fr-FR", reducedMotion: "reduce", acceptDownloads: true, ...rest });
	if (signed) await context.addCookies([(cookies[of] ??= await owner(server))]);
	if (lang) await context.addInitScript((l) => { try { localStorage.setItem("relance.locale", l); } catch { /* a preview in its sandbox */ } }, lang);
	const page = await context.newPage();
	page.setDefaultTimeout(10000);
	const errors = [];
	page.on("pageerror", (e) => errors.push(e.message));
	page.on("console", (m) => m.type() === "error" && !/status of 4\d\d|sandboxed/.test(m.text()) && errors.push(m.text()));
	try {
		await body(page, server.url, context);
		assert.deepEqual(errors, [], "errors in the browser's console");
		passed++;
		console.log("ok   " + name);
	} catch (e) {
		faults.push(name);
		console.log(`FAIL ${name}\n     ${String(e.message).split("\n").slice(0, 30).join("\n     ")}`);
	}
	await context.close();
}
const settle = (page) => page.waitForFunction(() => document.querySelector("main h1") && !document.querySelector(".ghosts"), null, { timeout: 10000 });
async function open(page, url, to) {
	await page.goto(url + "/#" + to);
	await settle(page);
}
const until = (page, fn, arg) => page.waitForFunction(fn, arg);
async function violations(page) {
	await page.evaluate(axe);
	return page.evaluate(async () => {
		const r = await window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"], iframes: false });
		return r.violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(" ") + " " + (n.any[0]?.message ?? "")).join(" | ")}`);
	});
}
/** The six digits an authenticator app would show (RFC 6238). */
function totp(secret) {
	const bits = [...secret].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
	const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
	const count = Buffer.alloc(8);
	count.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30000)));
	const mac = createHmac("sha1", key).update(count).digest(), at = mac[19] & 15;
	return String((mac.readUInt32BE(at) & 0x7fffffff) % 1000000).padStart(6, "0");
}
const digits = (s) => Number(s.replace(/[^\d]/g, ""));
/** The page where a customer who got this mail is. */
const places = (id) => PAGES.map(([name, to]) => [name, to.replace("{id}", id)]);

await test("first run: the owner is made with the link; a French shop speaks French to an English browser", { of: "bare", signed: false, locale: "en-GB" }, async (page, url) => {
	await page.goto(`${url}/setup?token=${await bare.token()}`);
	await page.fill("[name=name]", OWNER);
	await page.fill("[name=password]", PASSWORD);
	await page.click("button.main");
	await page.waitForSelector("nav.nav");
	await settle(page);
	assert.match(await page.textContent("h1"), /Ce qui part aujourd’hui/);
	assert.equal(await page.getAttribute("html", "lang"), "fr");
	const [cookie] = await page.context().cookies();
	cookies.bare = { name: cookie.name, value: cookie.value, url };
});
cookies.shop = await owner(shop);
await test("sign-in: a wrong password is refused in words, a right one enters", { signed: false }, async (page, url) => {
	await page.goto(url);
	await page.fill("[name=name]", OWNER);
	await page.fill("[name=password]", "court et faux");
	await page.click("button.main");
	await until(page, () => /ce nom et ce mot de passe ne vont pas ensemble/.test(document.querySelector(".refused")?.textContent));
	assert.deepEqual(await violations(page), []);
	await page.fill("[name=password]", PASSWORD);
	await page.click("button.main");
	await page.waitForSelector(".leave");
	assert.match(await page.textContent(".answer"), /messages? part(ent)? aujourd’hui/);
});
await test("the first view holds within 80 kB, fonts aside", {}, async (page, url) => {
	let bytes = 0;
	page.on("response", async (r) => { if (/\.(js|css)$|\/$/.test(new URL(r.url()).pathname) && !r.url().includes("/api/")) bytes += Number(r.headers()["content-length"] ?? 0); });
	await open(page, url, "/");
	await page.waitForSelector(".uplot");
	assert.ok(bytes > 30000 && bytes < 80 * 1024, `${bytes} bytes`);
});
const reader = mailLink(db, "winback-1", "u").customer;
for (const lang of ["fr", "en"]) for (const colorScheme of ["light", "dark"]) {
	await test(`every page, ${lang}, ${colorScheme}: no accessibility fault`, { lang, colorScheme }, async (page, url) => {
		const found = [];
		for (const [name, to] of places(reader)) {
			await open(page, url, to);
			if (await page.getAttribute("html", "lang") !== lang) found.push(name + ": wrong language");
			for (const v of await violations(page)) if (!found.some((f) => f.endsWith(v))) found.push(`${name}: ${v}`);
		}
		assert.deepEqual(found, []);
	});
}
await test("every page at 390 px: nothing wider than the screen, nothing raw", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, async (page, url) => {
	const found = [];
	for (const [name, to] of places(reader)) {
		await open(page, url, to);
		const wide = await page.evaluate(() => document.documentElement.scrollWidth);
		if (wide > 390) found.push(`${name}: ${wide} px`);
		if (/undefined|NaN|\[object|\{\w+\}|\d{4}-\d\d-\d\dT/.test((await page.innerText("main")).replace(/\{[^}]*\}[^]*?(?=\n)/g, ""))) found.push(name + ": raw value shown");
	}
	assert.deepEqual(found, []);
});
await test("requests at 390 px: within the screen, answered under the thumb, the dialog in the middle", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, async (page, url) => {
	const { csrf } = await (await page.request.get(url + "/api/v1/session")).json();
	assert.ok((await page.request.post(url + "/api/v1/requests", { data: { kind: "access", customer: 2, came_by: "counter" }, headers: { "X-CSRF-Token": csrf } })).ok());
	await open(page, url, "/compliance");
	await page.waitForSelector("#requests tbody button");
	assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 390);
	const box = await page.locator("#requests tbody button").first().boundingBox();
	assert.ok(box.x + box.width <= 390 && box.height >= 40, JSON.stringify(box));
	await page.locator("#requests tbody button").first().click();
	const dialog = await page.locator("dialog[open]").boundingBox();
	assert.ok(dialog.x >= 0 && dialog.x + dialog.width <= 390, JSON.stringify(dialog));
});
await test("an empty shop teaches on every page", { of: "bare" }, async (page, url) => {
	for (const to of ["/", "/customers", "/figures", "/figures/kpi", "/figures/value", "/figures/next", "/figures/case", "/compliance"]) {
		await open(page, url, to);
		await page.waitForSelector(".empty h2");
		assert.deepEqual(await violations(page), [], to);
	}
});
await test("an empty shop says the first steps, each with its button; one with customers goes on to the next", { of: "bare" }, async (page, url) => {
	await open(page, url, "/");
	assert.equal(await page.locator(".first li").count(), 3);
	assert.equal(await page.locator(".first .main").count(), 1);
	assert.match(await page.innerText(".first li:nth-child(1)"), /Brancher la boutique/);
	assert.doesNotMatch(await page.textContent(".answer"), /0 message|0 commande/);
});
await test("on a phone what is pressed is 40 px high, and More closes by a tap beside it", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }, async (page, url) => {
	const small = [];
	for (const [name, to] of places(reader)) {
		if (!/^(today|customer|dupl|plan|behind)/.test(name)) continue;
		await open(page, url, to);
		small.push(...(await page.evaluate((name) => [...document.querySelectorAll("button:not(.open):not(.sort), summary, select, input:not([type=radio]):not([type=checkbox]), a.btn, .lnk, .nav li a")]
			.filter((x) => { const r = x.getBoundingClientRect(); return r.width && r.height < 39.5; }).map((x) => `${name}: ${x.tagName} ${x.className} ${x.textContent.slice(0, 30)}`), name)));
	}
	assert.deepEqual(small, []);
	await page.click(".nav li.m button");
	await page.waitForSelector(".sheet a");
	await page.mouse.click(200, 120);
	await until(page, () => !document.querySelector(".sheet"));
});
await test("search: / opens it, a name finds the customer, Enter goes there", {}, async (page, url) => {
	const rows = (await (await page.request.get(url + "/api/v1/customers?limit=9&sort=-spend")).json()).items;
	await open(page, url, "/");
	await page.keyboard.press("/");
	await page.keyboard.type(rows[0].email.slice(0, -4));
	await until(page, (s) => document.querySelector("#hits li")?.textContent.includes(s), rows[0].name);
	await page.keyboard.press("Enter");
	await until(page, (s) => document.querySelector("h1")?.textContent.includes(s), rows[0].name);
});
await test("keyboard: g then a letter, ? for help, Escape closes", {}, async (page, url) => {
	await open(page, url, "/");
	for (const [key, title] of [["c", "Qui sont vos clients"], ["p", "Ce qui tourne tout seul"], ["f", "Ce que les plans rapportent"], ["t", "Ce qui part aujourd’hui"]]) {
		await page.keyboard.press("g");
		await page.keyboard.press(key);
		await until(page, (s) => document.querySelector("h1")?.textContent === s, title);
	}
	await page.keyboard.press("?");
	await page.waitForSelector("dialog[open] dl.keys");
	await page.keyboard.press("Escape");
	await until(page, () => !document.querySelector("dialog[open]"));
});
await test("a number opens: a count of a plan, its customers, one of them, the message and its reason", {}, async (page, url) => {
	await open(page, url, "/plans/anti-churn");
	const count = page.locator(".msg dd a").nth(1);
	const n = digits(await count.textContent());
	assert.ok(n > 0);
	await count.click();
	await until(page, (s) => document.querySelector(".answer b") && Number(document.querySelector(".answer b").textContent.replace(/\D/g, "")) === s, n);
	await page.locator(".cust tbody tr a").first().click();
	await page.waitForSelector(".tl .n");
	await settle(page);
	assert.match(await page.innerText(".tl"), /Réveil des inactifs/);
	assert.match(await page.innerText("#tl"), /Achat/);
	assert.ok((await page.innerText("#why")).length > 20);
});
await test("a customer's day is told once, in words", {}, async (page, url) => {
	await open(page, url, "/customers/" + reader);
	await page.waitForSelector(".tl .n");
	const text = await page.innerText(".tl");
	assert.doesNotMatch(text, /accepted|granted|sim:|winback|step_condition|email marketing/);
	assert.match(await page.getAttribute(".tl time", "title"), /\d{2}:\d{2}:\d{2}/);
});
await test("look-alikes: two records side by side are merged from the keyboard, undone from the person's page, and told apart", {}, async (page, url) => {
	await open(page, url, "/customers");
	await page.click("main a[href$='/customers/duplicates']");
	await page.waitForSelector("article.dup");
	const before = await page.locator("article.dup").count(), first = page.locator("article.dup").first();
	assert.deepEqual(await violations(page), []);
	const [, one, other] = (await first.locator("h2").getAttribute("id")).split("-");
	await first.locator("input[type=radio]").nth(1).focus();
	await page.keyboard.press("Space"); // the second one stays
	const stays = (await first.locator("thead a").nth(1).textContent()).trim().split(/\s/).pop();
	assert.match(await first.locator(".will").textContent(), new RegExp("n°\\s" + stays + " reste"));
	await first.locator(".btn.main").focus();
	await page.keyboard.press("Enter");
	await until(page, (n) => document.querySelectorAll("article.dup").length === n - 1, before);
	await open(page, url, `/customers/${other}`);
	await page.waitForSelector(".merged li");
	assert.deepEqual(await violations(page), []);
	await page.click(".merged button");
	await until(page, () => !document.querySelector(".merged li"));
	await open(page, url, "/customers/duplicates");
	await page.locator(`#dup-${one}-${other}`).waitFor();
	await page.locator("article.dup", { has: page.locator(`#dup-${one}-${other}`) }).locator(".do .btn").first().click();
	await until(page, (id) => !document.getElementById(id), `dup-${one}-${other}`);
	await page.locator(".toast", { hasText: "proposées" }).locator("button").first().click();
	await page.locator(`#dup-${one}-${other}`).waitFor();
});

await test("segment: live count, and the error stands under its character", {}, async (page, url) => {
	await open(page, url, "/customers");
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
	await input.fill("lifecycle = loyal");
	await until(page, (s) => document.querySelector(".counted b") && document.querySelector(".counted b")?.textContent !== s, all);
	await input.fill("lifec");
	await page.click(".hints button");
	assert.equal(await input.inputValue(), "lifecycle");
});
await test("the table: sorted by the server, more rows on scroll, columns chosen, CSV of exactly these", {}, async (page, url) => {
	await open(page, url, "/customers");
	await page.click(".cust th .sort >> nth=3");
	await until(page, () => document.querySelector("th[aria-sort=descending]"));
	await page.waitForTimeout(300);
	const spend = await page.$$eval(".cust tbody tr", (rows) => rows.map((r) => Number(r.children[4].textContent.replace(/[^\d]/g, ""))));
	assert.equal(spend.length, 50);
	assert.deepEqual(spend, [...spend].sort((a, b) => b - a));
	await page.mouse.wheel(0, 9000);
	await until(page, () => document.querySelectorAll(".cust tbody tr").length >= 100);
	await page.mouse.wheel(0, -20000);
	await page.click(".menu summary");
	await page.click(".pop label:first-child");
	await page.click(".menu summary");
	const [download] = await Promise.all([page.waitForEvent("download"), page.click(".tools > .lnk")]);
	const lines = readFileSync(await download.path(), "utf8").replace(/^\ufeff/, "").trim().split("\r\n");
	assert.equal(lines.length - 1, (await (await page.request.get(url + "/api/v1/customers?limit=1&sort=-spend")).json()).total); // the whole list, not what was scrolled to
	const names = await page.$$eval(".cust tbody tr td:first-child", (cells) => cells.slice(0, 100).map((c) => c.textContent));
	assert.deepEqual(lines.slice(1, names.length + 1).map((l) => l.split(",")[0]), names);
	await page.click(".cust th .sort >> nth=0");
	await until(page, () => document.querySelector(".cust th:first-child")?.getAttribute("aria-sort") === "ascending");
	assert.equal(lines[0].split(",").length, await page.locator(".cust th").count());
	assert.match(lines[0], /^Client,Numéro,/);
});
await test("a list is come back to where it was left, its people and its place; Escape is enough", {}, async (page, url) => {
	await open(page, url, "/customers?segment=" + encodeURIComponent("orders >= 1") + "&sort=-spend");
	await page.waitForSelector(".cust tbody tr:nth-child(50)");
	await page.mouse.wheel(0, 9000);
	await page.waitForSelector(".cust tbody tr:nth-child(100)");
	const row = page.locator(".cust tbody tr:nth-child(90) a"), name = await row.textContent();
	await row.scrollIntoViewIfNeeded();
	const y = await page.evaluate(() => scrollY);
	assert.ok(y > 1000);
	await row.click();
	await until(page, (s) => document.querySelector("h1")?.textContent.includes(s), name);
	await page.waitForSelector(".tl .n");
	assert.equal(await page.evaluate(() => scrollY), 0, "a new page starts at its top");
	await page.keyboard.press("Escape");
	await page.waitForSelector(".cust tbody tr:nth-child(100)");
	await until(page, (y) => Math.abs(scrollY - y) < 4, y);
	assert.equal(await page.inputValue(".code.field input"), "orders >= 1");
	assert.match(page.url(), /sort=-spend/);
});
await test("a message opens what decided it, an order its lines, a consent its proof", {}, async (page, url) => {
	await open(page, url, "/customers/" + reader);
	const line = page.locator(".tl li", { has: page.locator("a[href*='/messages/fr/winback-1']") }).last();
	await line.locator(".open", { hasText: "Pourquoi" }).click();
	const said = line.locator(".because");
	await said.locator("li", { hasText: "Envoyé" }).waitFor();
	await until(page, () => /Entré dans le plan\u00a0: 6 mois sans commande/.test(document.querySelector(".because")?.textContent));
	assert.deepEqual(await violations(page), []);
	await page.click(".cons .open >> nth=0");
	await until(page, () => document.querySelector(".chips input:checked")?.parentElement.textContent === "Accords");
	assert.match(await page.innerText("#tl"), /accord|opposition/i);
	await page.click(".strip2 .open >> nth=0");
	await page.click(".tl .amt .open >> nth=0");
	assert.ok(await page.locator(".tl .goods >> nth=0").locator("li").count() > 1);
});
await test("a segment is kept, forgotten, and back from the notice", {}, async (page, url) => {
	await open(page, url, "/customers?segment=" + encodeURIComponent("orders = 2"));
	await page.click(".chips2 .lnk >> text=Garder");
	await page.fill(".inl input", "Deux achats");
	await page.click(".inl .btn");
	const chip = page.locator(".chip", { hasText: "Deux achats" });
	await chip.waitFor();
	await page.click(".chips2 .lnk >> text=Oublier");
	await chip.waitFor({ state: "detached" });
	await page.click(".toast:has-text('oublié') button >> nth=0");
	await chip.waitFor();
	await page.click(".chips2 .lnk >> text=Oublier");
	await chip.waitFor({ state: "detached" });
	await page.fill(".code.field input", "lifec");
	assert.match(await page.innerText(".hints"), /étape/, "words explained in the reader's language");
});
await test("who will buy: each with a band, the model held against what came; a number opens its people", {}, async (page, url) => {
	await open(page, url, "/figures/next");
	await page.waitForSelector(".next tbody tr:nth-child(20) svg .band");
	await page.waitForSelector(".holdout tbody tr");
	assert.match(await page.textContent(".answer"), /annonçait/);
	await page.click(".next tbody a >> nth=0");
	await until(page, () => document.querySelector(".tl, #tl"));
	await open(page, url, "/figures/value");
	const n = digits(await page.textContent(".rfm tbody tr:first-child td.num a"));
	await page.click(".rfm tbody tr:first-child td.num a");
	await until(page, (n) => Number(document.querySelector(".counted")?.textContent.match(/^[\d\s\u202f]+/)?.[0].replace(/\D/g, "")) === n, n);
});
await test("plan: no switch without a replay, then on with what it would have done, and back", {}, async (page, url) => {
	await open(page, url, "/plans/renewal");
	const on = page.locator(".before .do .btn");
	assert.ok(await on.isDisabled());
	await page.click(".before .two button");
	await page.waitForSelector(".replayed .uplot", { timeout: 60000 });
	assert.ok(await on.isEnabled());
	await on.click();
	assert.match(await page.innerText("dialog[open]"), /messages?/);
	await page.click("dialog[open] .main");
	await until(page, () => /en marche/.test(document.querySelector(".sub .badge")?.textContent));
	await page.click(".toast button >> nth=0");
	await until(page, () => /à l’arrêt/.test(document.querySelector(".sub .badge")?.textContent));
});
await test("plan file: a mistake is shown at its line as typed and cannot be saved; mended, it is a draft", {}, async (page, url) => {
	await open(page, url, "/plans/anti-churn?tab=file");
	const text = await page.inputValue(".edit textarea");
	await page.fill(".edit textarea", text.replace("priority: 40", "prioritie: 40"));
	await until(page, () => /priority/.test(document.querySelector(".issues")?.textContent));
	assert.equal(await page.textContent(".edit .ln .e"), String(text.split("\n").findIndex((l) => l === "priority: 40") + 1));
	assert.ok(await page.locator(".edacts .main").isDisabled());
	await page.fill(".edit textarea", text.replace("priority: 40", "priority: 45"));
	await until(page, () => !document.querySelector(".edacts .main").disabled);
	await page.click(".edacts .main");
	await page.waitForSelector(".toast");
	await until(page, () => document.querySelector(".edacts .main")?.disabled);
	await page.click(".before .two button"); // seen first, then on, as the next version
	await page.waitForSelector(".replayed .uplot", { timeout: 60000 });
	await page.click(".before .do .btn");
	await page.click("dialog[open] .main");
	await until(page, () => /version 2 en marche/.test(document.querySelector(".sub .badge")?.textContent));
	await page.click(".tabs button:nth-child(4)");
	await until(page, () => /\+ priority: 45/.test(document.querySelector(".diff")?.textContent));
});
await test("plan form: a delay and the control group are changed, the file says it, the picture shows it", {}, async (page, url) => {
	await open(page, url, "/plans/birthday?tab=form");
	await page.fill("[name=control]", "25");
	await page.fill("[name=step-2]", "17");
	await until(page, () => /J\+17/.test(document.querySelector(".formplan .mini")?.textContent));
	await page.click(".tabs button:nth-child(3)");
	const text = await page.inputValue(".edit textarea");
	assert.match(text, /^control: 25 ?%/m);
	assert.match(text, /at: J\+17/);
	assert.match(text, /#/, "the comments of the file stay");
});
await test("message: the preview follows the text for a real customer, in three views; a test leaves", {}, async (page, url) => {
	await open(page, url, "/messages/fr/winback-2");
	const text = await page.inputValue(".edit textarea");
	await page.fill(".edit textarea", text.replace(/^# .*$/m, "# Un mot pour vous"));
	await page.frameLocator(".frame iframe").locator("h1", { hasText: "Un mot pour vous" }).waitFor();
	await page.fill(".edit textarea", text.replace(/^# .*$/m, "# Un mot pour {{ vous"));
	await page.waitForSelector(".issues .wrong, .issues li");
	await until(page, () => document.querySelector(".edacts .main").disabled);
	assert.match(await page.frameLocator(".frame iframe").locator("h1").innerText(), /Un mot pour vous/, "a mistake does not blank the preview");
	await page.fill(".edit textarea", text.replace(/^# .*$/m, "# Un mot pour vous"));
	await page.click(".pvbar .seg button:nth-child(3)");
	await until(page, () => /Un mot pour vous/i.test(document.querySelector(".frame pre")?.textContent));
	await page.click(".head .btns button");
	await page.fill("dialog[open] input", "claire@example.com");
	await page.click("dialog[open] .main");
	await until(page, () => /Essai/.test(document.querySelector(".toasts")?.textContent));
});
await test("messages: those of plans come first, with the plan's name", {}, async (page, url) => {
	await open(page, url, "/messages");
	const rows = await page.$$eval(".rows tbody tr:not(.grp)", (l) => l.map((r) => r.children[1].textContent));
	assert.deepEqual(await page.$$eval(".rows tr.grp", (l) => l.length), 2);
	assert.ok(rows.findIndex((s) => s === "–") > rows.findLastIndex((s) => s !== "–"), rows.join("|"));
});
await test("emergency stop: asked once with what is in the queue, then undone", {}, async (page, url) => {
	await open(page, url, "/");
	await page.click(".nav .stop");
	const text = await page.innerText("dialog[open]");
	assert.match(text, /messages? dev/);
	assert.equal(await page.locator(".queue li").count() > 0, await page.locator(".leave tbody tr").count() > 0);
	await page.click("dialog[open] .danger");
	await page.waitForSelector(".halt");
	await page.click(".halt button");
	await until(page, () => !document.querySelector(".halt"));
});
await test("message: saved in the shop and given back", {}, async (page, url) => {
	await open(page, url, "/messages/fr/birthday-2");
	const text = await page.inputValue(".edit textarea");
	await page.fill(".edit textarea", text.replace(/^# .*$/m, "# Toujours pour vous"));
	await until(page, () => !document.querySelector(".edacts .main").disabled);
	await page.click(".edacts .main");
	await until(page, () => /Texte de la boutique/.test(document.querySelector(".duo .note")?.textContent));
	await page.reload();
	await settle(page);
	assert.match(await page.inputValue(".edit textarea"), /# Toujours pour vous/);
	await page.click(".edacts .btn:not(.main)");
	await until(page, () => /livré avec relance/.test(document.querySelector(".duo .note")?.textContent));
});
await test("settings: a cap is changed, kept, and undone from the notice", {}, async (page, url) => {
	await open(page, url, "/settings?tab=sends");
	const first = page.locator(".cap input").first();
	await first.fill("5");
	await page.click(".edacts .main");
	await page.waitForSelector(".toast");
	const read = async () => (await (await page.request.get(url + "/api/v1/settings")).json()).items.find((i) => i.name === "pressure.email").value;
	assert.equal(await read(), "5 in 7 days");
	await page.click(".toast button >> nth=0");
	await page.waitForTimeout(500);
	assert.equal(await read(), "2 in 7 days");
});
await test("settings: a cost is typed with a comma and kept as a number; each setting has its place and its name", {}, async (page, url) => {
	const items = async () => (await (await page.request.get(url + "/api/v1/settings")).json()).items;
	await open(page, url, "/settings");
	await page.fill("[name='cost.sms']", "0,07");
	await page.click(".edacts .main");
	await page.waitForSelector(".toast");
	assert.equal((await items()).find((i) => i.name === "cost.sms").value, "0.07");
	assert.equal(await page.inputValue("[name='cost.sms']"), "0,07");
	await page.click(".toast button >> nth=0");
	const shown = await page.$$eval("main label, main .field[role=group]", (l) => l.length);
	const named = await page.$$eval("main label.field > span:first-child", (l) => l.map((e) => e.textContent));
	await open(page, url, "/settings?tab=sends");
	assert.equal(shown + await page.$$eval("main label, main .field[role=group]", (l) => l.length), (await items()).length);
	assert.deepEqual(named.filter((s) => /\b(the|of|what|where)\b/.test(s)), []);
});
await test("second factor: set up with the code of the key shown, asked at the next sign-in, taken off", {}, async (page, url, context) => {
	await open(page, url, "/settings?tab=account");
	await page.click("text=Activer le second facteur");
	const secret = (await page.textContent(".enrol code")).replace(/\s/g, "");
	await page.fill(".enrol input >> nth=0", totp(secret));
	await page.fill(".enrol input >> nth=1", PASSWORD);
	await page.click(".enrol .main");
	await page.waitForSelector(".once .many");
	const codes = (await page.textContent(".once .many")).trim().split(/\s+/);
	const guest = await (await context.browser().newContext({ locale: "fr-FR" })).newPage();
	await guest.goto(url);
	await guest.fill("[name=name]", OWNER);
	await guest.fill("[name=password]", PASSWORD);
	await guest.click("button.main");
	await guest.fill("[autocomplete=one-time-code]", codes[0]);
	await guest.click("button.main");
	await guest.waitForSelector("nav.nav");
	await guest.context().close();
	await page.click("text=Ôter le second facteur");
	await page.fill(".addrow input", PASSWORD);
	await page.click(".addrow .danger");
	await page.waitForSelector("text=Activer le second facteur");
});
await test("an invitation's link makes a colleague, with their role", {}, async (page, url, context) => {
	await open(page, url, "/settings?tab=team");
	await page.fill(".addrow input >> nth=0", "Inès, le samedi");
	await page.selectOption(".addrow select", "seller");
	await page.click(".addrow .btn >> nth=0");
	const link = await page.textContent(".once code");
	const guest = await (await context.browser().newContext({ locale: "fr-FR" })).newPage();
	await guest.goto(link.replace(/^https?:\/\/[^/]+/, url));
	await guest.fill("[name=name]", "Inès");
	await guest.fill("[name=password]", "un autre mot de passe");
	await guest.click("button.main");
	await guest.waitForSelector("nav.nav");
	assert.match(await guest.innerText(".nav .foot"), /Inès, vente/);
	await guest.context().close();
});
await test("a request is recorded, shown with its day due, and answered", {}, async (page, url) => {
	await open(page, url, "/customers/" + reader);
	await page.click("text=Noter une demande");
	await page.click("dialog[open] .main");
	await page.waitForSelector(".toast");
	await open(page, url, "/compliance");
	await page.click("#requests tbody button >> nth=0");
	await page.fill("dialog[open] textarea", "Archive remise en main propre.");
	await page.click("dialog[open] .main");
	await until(page, () => /traitée/.test(document.querySelector("#requests")?.textContent));
});
await test("indicators: a number opens the rows it was counted from; an objective is set and shows where it stands", {}, async (page, url) => {
	await open(page, url, "/figures/kpi");
	await page.click(".kpit .open >> nth=0");
	await page.waitForSelector("dialog[open] tbody tr");
	const name = (await page.innerText("dialog[open] tbody td >> nth=0")).trim();
	assert.match(name, /\p{L}/u); // people by their name, on the screen and in the file
	const csv = await page.evaluate(async () => (await fetch(document.querySelector("dialog[open] a[download]").href)).text());
	assert.ok(csv.split("\r\n")[1].includes(name), csv.slice(0, 200));
	await page.keyboard.press("Escape");
	await page.click(".kpit td.w .open >> nth=0"); // the period before opens too
	await page.waitForSelector("dialog[open] tbody tr");
	await page.keyboard.press("Escape");
	await open(page, url, "/figures/kpi?split=channel");
	await page.click("td.num .open >> nth=0");
	await page.waitForSelector("dialog[open] tbody tr");
	await open(page, url, "/figures/case");
	await page.click("td.num .open >> nth=0");
	await page.waitForSelector("dialog[open] tbody tr");
	await open(page, url, "/compliance?tab=consents");
	const opposed = await page.$$eval("#consents tbody a", (l) => l.map((a) => [a.textContent, a.hash]));
	assert.ok(opposed.length);
	await page.goto(url + "/" + opposed.at(-1)[1]);
	await until(page, (n) => document.querySelector(".answer")?.textContent.replace(/\s/g, "").includes(n), opposed.at(-1)[0].replace(/\s/g, ""));
	await open(page, url, "/figures/kpi");
	await page.fill("#objectives input", "5000");
	await page.click("#objectives .addrow .btn");
	await page.waitForSelector(".goals svg[role=img]");
	assert.match(await page.innerText(".goals"), /5\s000/);
});
await test("business case: a slider moves the gain", {}, async (page, url) => {
	await open(page, url, "/figures/case?from=reference");
	const before = await page.textContent(".answer");
	assert.match(before, /8\s262\s500/);
	await page.fill(".slides input >> nth=1", "2");
	await until(page, (s) => document.querySelector(".answer").textContent !== s, before);
});
await test("unsubscribe: the link of a real mail shows, one press acts, the customer's page says so", {}, async (page, url, context) => {
	const mail = mailLink(db, "winback-1", "u");
	const guest = await (await context.browser().newContext({ locale: "fr-FR" })).newPage();
	await guest.goto(url + mail.path);
	let person = await (await page.request.get(`${url}/api/v1/customers/${mail.customer}`)).json();
	assert.ok(person.consents.some((c) => c.channel === "email" && c.purpose === "marketing" && c.may), "opening the page must not unsubscribe");
	await guest.click("form button");
	await guest.waitForLoadState();
	await guest.context().close();
	await open(page, url, "/customers/" + mail.customer);
	await until(page, () => /retiré/i.test(document.querySelector("ul.cons")?.textContent ?? ""));
	assert.match(await page.innerText(".tl"), /désabonné|retiré/i);
});
await test("survey: the answer is chosen by the mail's link, one press records it, the timeline shows it", {}, async (page, url, context) => {
	const mail = mailLink(db, "survey-1", "s");
	const guest = await (await context.browser().newContext({ locale: "fr-FR" })).newPage();
	await guest.goto(url + mail.path);
	await guest.click("form button");
	await guest.waitForLoadState();
	await guest.context().close();
	await open(page, url, "/customers/" + mail.customer);
	await until(page, () => /a répondu/i.test(document.querySelector(".tl")?.textContent ?? ""));
});
await test("shop page: another origin's basket gets cards, a new basket others, a page that is not listed none", {}, async (page, url, context) => {
	const { csrf } = await (await page.request.get(url + "/api/v1/session")).json();
	const tell = async (method, path, data) => {
		const a = await page.request[method](url + "/api/v1" + path, { data, headers: { "X-CSRF-Token": csrf } });
		assert.ok(a.ok(), await a.text());
		return a.json();
	};
	const { key } = await tell("post", "/keys", { name: "boutique", scopes: "recommend" });
	const own = '<template><article><b data-field="name"></b><i data-field="price"></i><p data-field="why"></p></article></template>';
	const pages = createServer((r, answer) => answer.setHeader("Content-Type", "text/html; charset=utf-8").end(`<!doctype html><html lang="fr"><title>Panier</title><h1>Panier</h1>
		<div id="proposals">${r.url === "/own" ? own : ""}</div><script src="${url}/recommend.js" data-key="${key}" data-into="#proposals" data-n="3" async></script>`));
	await new Promise((done) => pages.listen(0, "127.0.0.1", done));
	const at = "http://127.0.0.1:" + pages.address().port;
	try {
		await tell("put", "/settings", { "recommend.origins": at });
		const guest = await (await context.browser().newContext()).newPage();
		const asked = [];
		guest.on("request", (r) => r.url().includes("/public/") && asked.push(r.headers()));
		await guest.goto(at);
		await guest.waitForSelector(".relance-card >> nth=2");
		const cards = guest.locator(".relance-card");
		assert.equal(await cards.count(), 3);
		assert.match(await cards.first().innerText(), /\d,\d\d\s€/);
		const before = await guest.innerText("#proposals");
		const basket = await (await page.request.get(`${url}/api/v1/public/recommendations?key=${key}&n=1`, { headers: { Origin: at } })).json();
		await guest.evaluate((sku) => window.relance.update([sku]), basket.items[0].sku);
		await until(guest, (s) => document.querySelector("#proposals").innerText !== s, before);
		assert.ok(!(await guest.innerText("#proposals")).split("\n").includes(basket.items[0].name), "what is in the basket is not proposed");
		assert.ok(asked.every((h) => !h.cookie));
		await guest.goto(at + "/own");
		await guest.waitForSelector("#proposals article >> nth=2");
		assert.equal(await guest.locator("#proposals .relance-card").count(), 0);
		await guest.evaluate(() => window.relance.update([]));
		assert.equal(await guest.locator("#proposals article").count(), 3);
		await tell("put", "/settings", { "recommend.origins": "https://www.example.com" });
		const other = await (await context.browser().newContext()).newPage();
		await other.goto(at);
		await until(other, () => window.relance);
		await other.evaluate(() => window.relance.update([]));
		assert.equal(await other.innerText("#proposals"), "");
		await tell("put", "/settings", { "recommend.origins": at, "recommend.cross_percent": "1" });
		await other.evaluate((sku) => window.relance.update([sku, "x"]), basket.items[0].sku);
		await until(other, () => document.querySelector("#proposals").hidden);
		await tell("put", "/settings", { "recommend.cross_percent": "25" });
		await guest.context().close();
		await other.context().close();
	} finally {
		pages.close();
	}
});
await test("U+202F shows at 0.2 em, so that thousands part", {}, async (page, url) => {
	await open(page, url, "/");
	const em = await page.evaluate(async () => {
		await document.fonts.ready;
		const measure = (s) => { const x = document.createElement("span"); x.style.cssText = "position:absolute;white-space:pre;font-size:100px"; x.textContent = s; document.body.append(x); const w = x.getBoundingClientRect().width; x.remove(); return w; };
		measure("1\u202f0");
		await document.fonts.load('100px "Narrow"', "\u202f");
		return (measure("1\u202f0") - measure("10")) / 100;
	});
	assert.ok(Math.abs(em - 0.2) < 0.02, `${em} em`);
});
await test("CSV of the figures holds exactly the rows shown", {}, async (page, url) => {
	await open(page, url, "/figures");
	const [download] = await Promise.all([page.waitForEvent("download"), page.click("#results .lnk")]);
	const lines = readFileSync(await download.path(), "utf8").trim().split("\r\n");
	assert.equal(lines.length - 1, await page.locator("#results tbody tr").count());
	assert.ok(lines.some((l) => /^anti-churn,\d+/.test(l)));
});

await browser.close();
await shop.stop();
await bare.stop();
console.log(`${passed} passed, ${faults.length} failed`);
process.exit(faults.length ? 1 : 0);
