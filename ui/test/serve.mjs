// Starts mock.mjs on a free port for the tests.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const CHROMIUM = {
	executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
	args: ["--no-sandbox", "--headless", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
};
export const PAGES = [
	["today", "/"], ["customers", "/customers?segment=lifecycle%20in%20(lapsing%2C%20former)%20and%20may(email)"], ["customer", "/customers/1"],
	["plans", "/plans"], ["plan", "/plans/anti-churn"], ["plan-file", "/plans/anti-churn?tab=file"], ["plan-versions", "/plans/anti-churn?tab=versions"],
	["messages", "/messages"], ["message", "/messages/fr/winback-1"], ["figures", "/figures"], ["compliance", "/compliance"], ["settings", "/settings"],
];
export async function start(flags = []) {
	const child = spawn(process.execPath, [fileURLToPath(new URL("../mock.mjs", import.meta.url)), "0", ...flags], { stdio: ["ignore", "pipe", "inherit"] });
	const url = await new Promise((done, fail) => {
		child.stdout.on("data", (d) => { const m = /http\S+/.exec(String(d)); if (m) done(m[0]); });
		child.on("exit", (code) => fail(new Error("mock server ended with " + code)));
	});
	return { url, stop: () => child.kill() };
}
