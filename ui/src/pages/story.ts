// What the server tells of a person, as a person would tell it: one line per thing that happened. What became of a message is
// told with it; that it was decided is told by its having left.
import type { Happening } from "../api";
import { money, spoken } from "../fmt";
import { locale, t, word, type Word } from "../i18n";
import { planTitle, subjectOf } from "../live";

export type Kind = "all" | "orders" | "messages" | "decisions" | "consents";
export interface Note { icon: string; text: string; at?: string; bad?: boolean }
export interface Line {
	at: string; group: Kind; mark: "disc" | "ring" | "square" | "diamond";
	tone?: "bad" | "wait" | "quiet"; bold: string; rest?: string; small?: string; quote?: string; amount?: number; plan?: string; notes: Note[];
	message?: string; step?: string; web?: string | null; times?: number; held?: string; channel?: string; run?: number;
	/** What was bought, line by line, and how many lines the sentence leaves out. */
	lines?: Happening["lines"]; others?: number;
}

const colon = () => (locale() === "fr" ? "\u00a0:" : ":");
const inQuotes = (s: string) => (locale() === "fr" ? `«\u00a0${s}\u00a0»` : `“${s}”`);
const theme = (name: string) => inQuotes(planTitle(name));
const SAID = 3; // lines of an order that its sentence names
export const piece = (l: { sku: string; name: string; quantity: number }) => (l.name || l.sku) + (Math.abs(l.quantity) > 1 ? `\u00a0×\u00a0${Math.abs(l.quantity)}` : "");
const goods = (h: Happening) => {
	const lines = (h.lines ?? []).filter((l) => l.quantity || l.amount);
	return { rest: lines.slice(0, SAID).map(piece).join(", "), lines, others: Math.max(0, lines.length - SAID) };
};
const unhappy = (s: string | undefined) => /^(unsatisfied|dissatisfied|very_dissatisfied)$/.test(s ?? "");

function order(h: Happening): Line {
	const back = h.returned ?? (h.amount ?? 0) < 0;
	return { at: h.at, group: "orders", mark: back ? "square" : "disc", bold: t(back ? "story_return" : "story_order") + colon(), ...goods(h), amount: h.amount,
		small: [h.channel && h.channel !== "unknown" ? word("sale", h.channel) : "", h.detail].filter(Boolean).join(", "), notes: [] };
}
function cart(h: Happening): Line {
	return { at: h.at, group: "orders", mark: "square", tone: "quiet", bold: word("cart", h.state ?? "changed") + colon(), ...goods(h), amount: h.state === "paid" ? undefined : h.amount, notes: [] };
}
function consent(h: Happening): Line {
	const named = !/\s/.test(h.wording ?? ""); // a version, not the sentence itself
	const what = h.purpose === "tracking" ? t("story_tracking") : word("channel", h.channel);
	return { at: h.at, group: "consents", mark: "square", tone: h.state === "withdrawn" || h.state === "opposed" ? "wait" : undefined, bold: word("said", h.state ?? "granted"), rest: what,
		small: [word("event", h.source || h.detail), named && h.wording ? t("consent_wording", { name: h.wording }) : ""].filter(Boolean).join(", "), quote: named ? undefined : h.wording || undefined, notes: [] };
}
function message(h: Happening): Line {
	const notes: Note[] = [];
	if (h.clicked_at) notes.push({ icon: "hand", text: t("story_clicked"), at: h.clicked_at });
	if (h.opened_at) notes.push({ icon: "eye", text: t("story_opened"), at: h.opened_at });
	const bad = h.state === "refused" || h.state === "uncertain";
	const rest = h.state === "accepted" ? "" : word("mstate", h.state ?? "");
	return { at: h.at, group: "messages", mark: "ring", tone: bad ? "bad" : undefined, bold: inQuotes(h.subject || (h.step && subjectOf(h.step)) || h.title), rest, plan: h.plan, message: h.step, step: h.step, run: h.run, web: h.web, channel: h.channel, notes };
}
function decision(h: Happening): Line {
	const step = h.step || undefined, why = h.reason && h.reason !== "none" ? spoken(h.detail ?? "") || word("reason", h.reason).toLocaleLowerCase() : "";
	const subject = step && subjectOf(step), plan = theme(h.plan ?? ""), what = !step ? plan : subject ? inQuotes(subject) : word("step", step);
	const line: Line = { at: h.at, group: "decisions", mark: "diamond", bold: "", small: why, plan: h.plan, notes: [], times: h.times, run: h.run, step };
	if (step && !subject && (h.verdict === "skipped" || h.verdict === "dropped")) return { ...line, tone: "quiet", bold: t("story_step"), rest: what };
	switch (h.verdict) {
		case "entered": return { ...line, tone: "quiet", bold: t("story_entered"), rest: plan };
		case "ended": return { ...line, tone: "quiet", bold: t("story_ended"), rest: plan, small: "" };
		case "exited": return { ...line, bold: t("story_exited"), rest: plan };
		case "control": return { ...line, bold: t("story_control"), rest: plan, small: t("story_control_why") };
		case "held": return { ...line, tone: "wait", bold: t("story_held") + colon(), rest: what, held: h.reason, small: [why, word("then", h.reason)].filter(Boolean).join(colon() + " ") };
		case "skipped": return { ...line, tone: "quiet", bold: t("story_skipped") + colon(), rest: what };
		default: return { ...line, tone: "wait", bold: t("story_dropped_step") + colon(), rest: what };
	}
}

/** Newest first, as they came. */
export function story(items: Happening[]): Line[] {
	const out: Line[] = [];
	for (const h of items) switch (h.kind) {
		case "order": case "return": out.push(order(h)); break;
		case "cart": out.push(cart(h)); break;
		case "consent": out.push(consent(h)); break;
		case "message": out.push(message(h)); break;
		case "decision": if (h.verdict !== "send") out.push(decision(h)); break; // a send is told by its message
		case "profile": out.push({ at: h.at, group: "all", mark: "square", tone: "quiet", bold: h.title, notes: [] }); break;
		case "answer": out.push({ at: h.at, group: "messages", mark: "square", tone: unhappy(h.answer) ? "bad" : undefined, bold: h.title + colon(), rest: h.detail, plan: h.plan, notes: [] }); break;
		case "unsubscribed": out.push({ at: h.at, group: "consents", mark: "square", tone: "wait", bold: h.title, plan: h.plan, notes: [] }); break;
		case "complaint": case "hard_bounce": case "soft_bounce":
			out.push({ at: h.at, group: "messages", mark: "square", tone: "bad", bold: h.title, plan: h.plan, notes: [] }); break;
		default: out.push({ at: h.at, group: "all", mark: "square", tone: unhappy(h.text) ? "bad" : undefined, bold: word("event", h.title) + (h.detail ? colon() : ""), rest: h.detail, notes: [] });
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
