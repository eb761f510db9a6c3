// What the server tells of a person, as a person would tell it: one line per thing that happened. What became of a message
// (gone, opened, clicked, answered) is told with it, and with the decision that sent it.
import type { Happening } from "../api";
import { money, spoken } from "../fmt";
import { locale, t, word, type Word } from "../i18n";
import { planTitle, subjectOf } from "../live";

export type Kind = "all" | "orders" | "messages" | "decisions" | "consents";
export interface Note { icon: string; text: string; at?: string; bad?: boolean }
export interface Line {
	at: string; group: Kind; mark: "disc" | "ring" | "square" | "diamond";
	tone?: "bad" | "wait" | "quiet"; bold: string; rest?: string; small?: string; quote?: string; amount?: number; plan?: string; notes: Note[];
	message?: string; times?: number; held?: string; channel?: string;
}

const colon = () => (locale() === "fr" ? "\u00a0:" : ":");
const goods = (h: Happening) => {
	const lines = (h.lines ?? []).filter((l) => l.quantity || l.amount);
	const names = lines.slice(0, 3).map((l) => (l.name || l.sku) + (Math.abs(l.quantity) > 1 ? ` × ${Math.abs(l.quantity)}` : ""));
	return names.join(", ") + (lines.length > 3 ? " " + t("story_others", { n: lines.length - 3 }) : "");
};
const quoted = (name: string) => { const s = subjectOf(name) ?? name; return locale() === "fr" ? `«\u00a0${s}\u00a0»` : `“${s}”`; };
const theme = (name: string) => { const s = planTitle(name); return locale() === "fr" ? `«\u00a0${s}\u00a0»` : `“${s}”`; };
const unhappy = (h: Happening) => h.kind === "complaint" || h.answer === "unsatisfied" || /unsatisf|dissatisf|insatisf/i.test(h.detail ?? "") && h.kind === "event";

function order(h: Happening): Line {
	const back = (h.amount ?? 0) < 0 || (h.lines ?? []).some((l) => l.quantity < 0);
	return { at: h.at, group: "orders", mark: back ? "square" : "disc", bold: t(back ? "story_return" : "story_order") + colon(), rest: goods(h), amount: h.amount, notes: [] };
}
function cart(h: Happening): Line {
	const state = h.state ?? h.detail ?? "changed";
	return { at: h.at, group: "orders", mark: "square", tone: "quiet", bold: word("cart", state) + colon(), rest: goods(h), amount: state === "paid" ? undefined : h.amount, notes: [] };
}
function consent(h: Happening): Line {
	const [channel, purpose, state] = h.channel && h.state ? [h.channel, h.purpose ?? "marketing", h.state] : h.title.replace(":", "").split(" ");
	const what = purpose === "tracking" ? t("story_tracking") : word("channel", channel);
	return { at: h.at, group: "consents", mark: "square", tone: state === "withdrawn" || state === "opposed" ? "wait" : undefined, bold: word("said", state), rest: what,
		small: word("event", h.detail), quote: h.wording || undefined, notes: [] };
}
function event(h: Happening): Line {
	return { at: h.at, group: "all", mark: "square", tone: unhappy(h) ? "bad" : undefined, bold: word("event", h.title), small: word("event", h.detail), notes: [] };
}
const OUTCOME: Record<string, [icon: string, word: Word, bad?: boolean]> = {
	opened: ["eye", "story_opened"], clicked: ["hand", "story_clicked"], answered: ["ok", "story_answered"], unsubscribed: ["no", "story_unsubscribed", true],
	hard_bounce: ["warn", "story_bounced", true], soft_bounce: ["warn", "story_soft", true], complaint: ["warn", "story_complaint", true],
	refused: ["warn", "story_refused", true], uncertain: ["ask", "story_uncertain", true], dropped: ["no", "story_dropped", true],
};
function decision(h: Happening): Line {
	const step = h.title === h.plan ? undefined : h.title, why = h.reason && h.reason !== "none" ? spoken(h.detail ?? "") || word("reason", h.reason).toLocaleLowerCase() : "";
	const line: Line = { at: h.at, group: "decisions", mark: "diamond", bold: "", small: why, plan: h.plan, notes: [], times: h.times, message: step };
	const plan = theme(h.plan ?? ""), silent = step && !subjectOf(step), what = !step ? plan : silent ? word("step", step) : quoted(step);
	if (silent && (h.verdict === "skipped" || h.verdict === "dropped")) return { ...line, tone: "quiet", bold: t("story_step"), rest: what };
	switch (h.verdict) {
		case "entered": return { ...line, tone: "quiet", bold: t("story_entered"), rest: plan };
		case "ended": return { ...line, tone: "quiet", bold: t("story_ended"), rest: plan, small: "" };
		case "exited": return { ...line, bold: t("story_exited"), rest: plan };
		case "control": return { ...line, bold: t("story_control"), rest: plan, small: t("story_control_why") };
		case "held": return { ...line, tone: "wait", bold: t("story_held"), rest: what, held: h.reason, small: sentence(why, word("then", h.reason)) };
		case "skipped": return { ...line, tone: "quiet", bold: t("story_skipped"), rest: what };
		case "dropped": return { ...line, tone: "wait", bold: t("story_dropped_step"), rest: what };
		default: return { ...line, group: "messages", mark: "ring", bold: t("story_decided"), rest: what };
	}
}
/** "pression du canal jusqu'au …" is the reason; what comes next is a sentence of its own. */
const sentence = (why: string, then: string) => [why, then].filter(Boolean).join(locale() === "fr" ? "\u00a0: " : ": ");

/** Newest first, as they came. */
export function story(items: Happening[]): Line[] {
	const out: Line[] = [], gone = new Map<string, Line>();
	const key = (h: Happening) => `${h.plan} ${h.title}`;
	for (const h of items) // the message itself, before what became of it
		if (h.kind === "message" && h.detail === "accepted" && !gone.has(key(h) + h.at))
			gone.set(key(h) + h.at, { at: h.at, group: "messages", mark: "ring", bold: quoted(h.title), plan: h.plan, message: h.title, notes: [], channel: h.channel });
	const of = (h: Happening) => [...gone.entries()].filter(([k, l]) => k.startsWith(key(h)) && l.at <= h.at).sort((a, b) => b[1].at.localeCompare(a[1].at))[0]?.[1];
	for (const h of items) {
		if (h.kind === "message") {
			const line = gone.get(key(h) + h.at);
			if (h.detail === "accepted") { if (line && !out.includes(line)) out.push(line); continue; }
			const what = OUTCOME[h.detail ?? ""], message = of(h);
			const text = what ? t(what[1]) + (h.answer ? " : " + word("event", h.answer) : "") : h.detail ?? "";
			if (message) message.notes.unshift({ icon: what?.[0] ?? "ask", text, at: h.at, bad: what?.[2] });
			else out.push({ at: h.at, group: "messages", mark: "ring", bold: quoted(h.title), rest: text, plan: h.plan, message: h.title, notes: [], channel: h.channel, tone: what?.[2] ? "bad" : undefined });
			if (unhappy(h)) out.push({ at: h.at, group: "messages", mark: "square", tone: "bad", bold: t("story_unhappy"), small: word("event", h.answer), plan: h.plan, notes: [] });
		} else if (h.kind === "decision") {
			if (h.verdict === "send" && of(h)) continue; // told by the message
			out.push(decision(h));
		} else if (h.kind === "order" || h.kind === "return") out.push(order(h));
		else if (h.kind === "cart") out.push(cart(h));
		else if (h.kind === "consent") out.push(consent(h));
		else if (h.kind === "profile") out.push({ at: h.at, group: "all", mark: "square", tone: "quiet", bold: t("story_profile"), notes: [] });
		else out.push(event(h));
	}
	return joined(out);
}
/** Entering and leaving a plan at the same instant is one thing that happened. */
function joined(lines: Line[]): Line[] {
	const out: Line[] = [];
	for (const l of lines) {
		const last = out[out.length - 1], pair = last && l.group === "decisions" && last.at === l.at && last.plan === l.plan;
		const is = (x: Line, w: Word) => x.bold === t(w);
		if (pair && is(l, "story_exited") && is(last, "story_entered")) out[out.length - 1] = { ...l, tone: "quiet", bold: t("story_again") };
		else if (pair && (is(last, "story_exited") || is(last, "story_ended")) && is(l, "story_entered")) out[out.length - 1] = { ...last, tone: "quiet", bold: t("story_through") };
		else out.push(l);
	}
	return out;
}
export const amountOf = (l: Line) => (l.amount ? money(l.amount) : "");
