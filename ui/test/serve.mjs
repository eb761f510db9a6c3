// A real shop for the tests: an invented one that lived some weeks with its plans on, or an empty one, served by the program.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const RELANCE = process.argv[2] ?? "build/src/cli/relance";
export const OWNER = "Claire Moreau", PASSWORD = "une phrase qui se retient";
export const CHROMIUM = {
	executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
	args: ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
};
export const PAGES = [
	["today", "/"], ["customers", "/customers?segment=lifecycle%20in%20(lapsing%2C%20former)%20and%20may(email)"], ["behind a count", "/customers?is=sent&plan=anti-churn&sort=-spend"],
	["duplicates", "/customers/duplicates"], ["customer", "/customers/{id}"], ["plans", "/plans"], ["plan", "/plans/anti-churn"], ["plan, welcome", "/plans/welcome"], ["plan as a form", "/plans/anti-churn?tab=form"],
	["plan as a file", "/plans/anti-churn?tab=file"], ["plan's versions", "/plans/anti-churn?tab=versions"], ["messages", "/messages"], ["message", "/messages/fr/winback-1"],
	["figures", "/figures"], ["indicators", "/figures/kpi"], ["indicators, split", "/figures/kpi?split=channel"], ["value", "/figures/value"], ["who will buy", "/figures/next"], ["business case", "/figures/case"], ["reference case", "/figures/case?from=reference"],
	["compliance", "/compliance"], ["consents", "/compliance?tab=consents"], ["suppressions", "/compliance?tab=suppressions"], ["retention", "/compliance?tab=retention"], ["log", "/compliance?tab=audit"],
	["settings", "/settings"], ["sending", "/settings?tab=sends"], ["team", "/settings?tab=team"], ["account", "/settings?tab=account"],
];
const run = (...args) => execFileSync(RELANCE, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const dirs = [];
function folder() {
	const dir = mkdtempSync(join(tmpdir(), "relance-ui-"));
	dirs.push(dir);
	return dir;
}
process.on("exit", () => dirs.forEach((d) => rmSync(d, { recursive: true, force: true })));

const DAYS = 40;
const day = (back) => new Date(Date.now() - back * 86400000).toISOString().slice(0, 10);
/** Forty days of a shop: who got what, as files of mails beside it. */
export function living() {
	const db = join(folder(), "shop.db");
	run("simulate", db, "--customers", "1200", "--years", "2", "--seed", "7", "--until", day(0));
	run("plan", "on", db, "anti-churn", "abandoned-cart", "welcome", "birthday", "cross-sell", "survey", "--at", day(DAYS) + "T06:00");
	for (let i = DAYS; i > 0; i--) run("tick", db, "--at", day(i) + "T12:00");
	return db;
}
export function empty() {
	const db = join(folder(), "shop.db");
	run("init", db, "--timezone", "Europe/Paris", "--currency", "EUR", "--locale", "fr", "--name", "Chez Léa");
	return db;
}
/** The path behind a link of a mail in the folder, as a customer would press it; kind: "u" unsubscribe, "s" survey. */
export function mailLink(db, name, kind) {
	const box = db + ".outbox";
	const files = readdirSync(box).filter((f) => f.includes(`.${name}.`) && f.endsWith(".eml"));
	const file = files[files.length - 1];
	const text = readFileSync(join(box, file), "utf8").replace(/=\r?\n/g, "").replace(/=3D/g, "=");
	const found = new RegExp(`/${kind}/[A-Za-z0-9_-]+`).exec(text);
	return { customer: Number(file.split(".")[0]), path: found[0] };
}
export async function serve(db) {
	const child = spawn(RELANCE, ["serve", db, "--listen", "127.0.0.1:0"], { stdio: ["ignore", "pipe", "inherit"] });
	let text = "";
	const url = await new Promise((done, fail) => {
		child.stdout.on("data", (d) => { text += d; const m = /http:\/\/127\.0\.0\.1:\d+/.exec(text); if (m) done(m[0]); });
		child.on("exit", (code) => fail(new Error("relance serve ended with " + code)));
	});
	const token = async () => { for (let i = 0; i < 100; i++) { const m = /token=(\w+)/.exec(text); if (m) return m[1]; await new Promise((r) => setTimeout(r, 50)); } throw new Error("no setup link"); };
	return { url, token, stop: () => new Promise((done) => { child.removeAllListeners("exit"); child.on("exit", done); child.kill(); }) };
}
/** Makes the owner; the cookie of the session, for browsers. */
export async function owner(server) {
	const answer = await fetch(server.url + "/api/v1/setup", { method: "POST", headers: { "Content-Type": "application/json" },
		body: JSON.stringify({ token: await server.token(), name: OWNER, password: PASSWORD, locale: "fr" }) });
	if (!answer.ok) throw new Error(await answer.text());
	const [name, value] = answer.headers.get("set-cookie").split(";")[0].split("=");
	return { name, value, url: server.url };
}
