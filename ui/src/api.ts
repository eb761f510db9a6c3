// The server's API (doc/api.md) and the shapes the pages read. Every refusal is a problem whose detail says what to do.
import { createSignal } from "solid-js";
import { setShop, type Shop } from "./fmt";
import { french, locale, offerLocale, t } from "./i18n";

export interface Page<T> { items: T[]; next: string | null; total?: number | null }
export interface User { name: string; role: string; locale: string; may?: string[] }
export interface Session { user: User | null; shop: Shop; csrf: string; first_run: boolean }
export interface Leaving { plan: string; title: string; channel: string; count: number; next_at?: string }
export interface Held { reason: string; text: string; count: number; plan?: string; until?: string }
export interface Need { kind: string; count: number; text: string; link: string }
export type Phases = Record<"prospect" | "new" | "loyal" | "ambassador" | "lapsing" | "former", number>;
export interface Today {
	now: string; held_by: string | null; leaving: Leaving[]; sent_today: { plan: string; channel: string; count: number }[];
	held: Held[]; needs_you: Need[]; brought: { orders: number; revenue: number; since: string }; lifecycle: Phases;
}
export interface CustomerRow {
	id: number; ref: string; name: string; email: string; phone?: string; city?: string; phase: string; orders: number; spend: number; last_order: string | null;
}
export interface Consent { channel: string; purpose: string; state: string; at: string | null; source: string | null; may: boolean }
export interface Customer {
	id: number; ref: string; person: Record<string, string>; phase: string; orders: number; spend: number; spend_12m: number;
	first_order: string | null; last_order: string | null; average_basket: number; zone: string; locale: string;
	born: string | null; tags: string[]; interests: string[]; consents: Consent[];
	runs: { plan: string; run: number; entered_at: string; step: string; control: boolean; state: string }[];
	plans: { plan: string; now: string }[]; merged: { id: number; ref: string; name: string; email: string; at: string | null }[];
}
export interface Happening {
	at: string; kind: string; title: string; detail?: string; amount?: number; plan?: string; verdict?: string; reason?: string;
	lines?: { sku: string; name: string; quantity: number; amount: number }[]; channel?: string; purpose?: string; state?: string; wording?: string;
	answer?: string; times?: number; returned?: boolean; source?: string; step?: string; subject?: string; web?: string | null; text?: string;
	opened_at?: string | null; clicked_at?: string | null; run?: number;
}
export interface Decision {
	at: string; plan: string; version: number; run: number; step: string; verdict: string; channel: string; reason: string; text?: string; times: number;
}
export interface Reco { sku: string; name: string; price: number; why: string }
export interface PlanRow {
	name: string; title: string; version: number; state: string; on_since: string | null; entered: number; active: number;
	control: number; messages_30d: number; waiting: number; priority: number;
}
export interface Step {
	name: string; action?: string; at: string; after_days: number; after_s?: number; channels: string[]; condition?: string; until?: string;
	message?: string; waiting: number;
	sent: number; knowable: number; opened: number; clicked: number;
}
export interface Issue { level: string; line: number; column: number; text: string }
export interface Picture {
	name: string; title: string; trigger: string; who?: string; steps: Step[]; exits: (string | { kind: string; text: string })[]; goal: unknown; control: number;
}
export interface Plan extends Picture {
	text: string; version: number; versions: { version: number; at?: string; by?: string; note?: string }[] | number[];
	state: string; draft?: boolean; on_since?: string | null; counts: Record<string, number>; issues: Issue[];
}
export interface Job { state: "running" | "done" | "failed"; progress: number; result?: Replay; detail?: string }
export interface Replay {
	plans: Record<string, Record<"entered" | "messages" | "held" | "skipped" | "control" | "exited", number>>;
	days: { day: string; messages: number; held: number }[]; pressure: { per_week: number; customers: number }[]; cost: number;
}
export interface MessageRow { name: string; locale: string; subject: string; channel: string; purpose: string; plans: string[] }
export interface Finding { level: string; line?: number; column?: number; text: string }
export interface Preview { subject: string; preheader: string; html: string; text: string; findings: Finding[] }
export interface Uplift { value: number; low: number; high: number; verdict: string; text?: string }
export interface PlanFigures {
	name: string; title?: string; entered: number; control: number; sent: number; knowable: number; opened: number; clicked: number; orders: number;
	revenue: number; uplift?: Uplift;
}
export interface Figures {
	plans: PlanFigures[]; months: { month: string; orders: number; revenue: number; new_customers: number; mean_basket: number }[];
	kpis: { name: string; value: number | null; unit: string; formula: string; unknown_because?: string }[];
}
export type LifeDay = Phases & { day: string };
export interface Compliance {
	consents: Record<string, { granted: number; soft: number; withdrawn: number; opposed: number }>; suppressions: number;
	requests: { id: number; kind: string; customer: string | number; asked_at: string; due_at: string; state: string }[];
}
export type Settings = Record<string, unknown>;

export class Problem extends Error {
	constructor(readonly status: number, message: string, readonly body: Record<string, unknown>) { super(locale() === "fr" ? french(message) : message); }
}

const [session, setSession] = createSignal<Session | null>(null);
export { session };
let csrf = "";

export async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
	const headers: Record<string, string> = { Accept: "application/json", "Accept-Language": locale() };
	if (body !== undefined) headers["Content-Type"] = "application/json";
	if (method !== "GET" && csrf) headers["X-CSRF-Token"] = csrf;
	let answer: Response;
	try {
		answer = await fetch("/api/v1" + path, {
			method, headers, signal, credentials: "same-origin", body: body === undefined ? undefined : JSON.stringify(body),
		});
	} catch (e) {
		if (signal?.aborted) throw e;
		throw new Problem(0, t("offline"), {});
	}
	const text = await answer.text();
	let data: any = null;
	try {
		data = text ? JSON.parse(text) : null;
	} catch {
		throw new Problem(answer.status, t("bad_answer", { status: answer.status }), {});
	}
	if (answer.ok) return data as T;
	if (answer.status === 401 && path !== "/session") setSession((s) => s && { ...s, user: null });
	throw new Problem(answer.status, data?.detail ?? data?.title ?? t("bad_answer", { status: answer.status }), data ?? {});
}
export const get = <T>(path: string, signal?: AbortSignal) => call<T>("GET", path, undefined, signal);

export function adopt(s: Session) {
	csrf = s.csrf;
	setShop(s.shop);
	offerLocale(s.user?.locale ?? s.shop.locale);
	setSession(s);
}
export async function openSession(): Promise<void> {
	adopt(await get<Session>("/session"));
}
/** Roles that may not switch, write or see people; the server refuses anyway, this hides what would be refused. */
export function may(what: "plans" | "people" | "admin" | "privacy"): boolean {
	const granted = session()?.user?.may;
	if (granted) return granted.includes(what);
	const role = session()?.user?.role ?? "read-only";
	if (what === "admin") return role === "owner";
	if (what === "privacy") return role === "owner" || role === "privacy";
	if (what === "plans") return role === "owner" || role === "marketer";
	return role !== "read-only";
}

/** Server-sent events: calls back on each named event until closed. */
export function events(on: (kind: string, data: any) => void): () => void {
	const source = new EventSource("/api/v1/events");
	for (const kind of ["tick", "job", "facts", "backup"])
		source.addEventListener(kind, (e) => {
			let data = null;
			try { data = JSON.parse((e as MessageEvent).data); } catch { return; }
			on(kind, data);
		});
	return () => source.close();
}
/** Follows a job to its end, telling its progress; polls, for the server keeps it when the page is left. */
export async function follow(id: string, progress: (share: number) => void, left: () => boolean): Promise<Replay | null> {
	for (let wait = 120; !left(); wait = Math.min(wait * 1.3, 1500)) {
		const job = await get<Job>(`/jobs/${id}`);
		progress(job.progress);
		if (job.state === "done") return job.result ?? null;
		if (job.state === "failed") throw new Problem(500, job.detail ?? t("job_failed"), {});
		await new Promise((r) => setTimeout(r, wait));
	}
	return null;
}
