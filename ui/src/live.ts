// What the frame and the first page share: the day, asked again on every tick of the server.
import { createEffect, createResource, createRoot, onCleanup } from "solid-js";
import { events, get, session, type MessageRow, type Page, type PlanRow, type Today } from "./api";
import { shop } from "./fmt";
import { locale, word } from "./i18n";
import { shell } from "./words/shell";

/** What a stop or a resume said last: the server's next turn, a moment later, is the first that knows it. */
let told: { by: string | null; until: number } = { by: null, until: 0 };
const shared = createRoot(() => {
	const [today, { refetch, mutate }] = createResource(() => session()?.user?.name, () => get<Today>("/today").then((d) => (Date.now() < told.until ? { ...d, held_by: told.by } : d)));
	createEffect(() => {
		if (!session()?.user) return;
		let last = 0;
		const close = events((kind, data) => {
			if (kind === "tick" && data && "held_by" in data) hold(data.held_by as string | null);
			if (kind === "job" || kind === "backup" || Date.now() - last < 5000 || document.hidden) return;
			last = Date.now();
			void refetch();
		});
		onCleanup(close);
	});
	const [plans] = createResource(() => session()?.user?.name, () => get<Page<PlanRow>>("/plans").catch(() => ({ items: [], next: null })));
	const [messages] = createResource(() => session()?.user?.name, () => get<Page<MessageRow>>("/messages?limit=500").catch(() => ({ items: [], next: null })));
	/** Stopped or resumed: shown at once, then as the server sees it after its next turn. */
	const hold = (by: string | null) => {
		told = { by, until: Date.now() + 2400 };
		if (today.latest) mutate({ ...today.latest, held_by: by });
		setTimeout(() => void refetch(), 2500);
	};
	return { today, plans, messages, hold, refresh: async () => { await refetch(); } };
});
export const today = shared.today;
/** How many things wait for a person: those kept too long are one, however many they are. */
export const waiting = (of: Today | undefined) => of?.needs_you.reduce((n, x) => n + (x.kind === "retention" ? 1 : x.count), 0) ?? 0;
export const holdToday = shared.hold;
export const refreshToday = shared.refresh;
/** What people read for a plan: its title. */
export const planTitle = (name: string) => shared.plans.latest?.items.find((p) => p.name === name)?.title || name;
export const plansLike = (text: string) => (shared.plans.latest?.items ?? []).filter((p) => plainly(p.title || p.name).includes(plainly(text)));
const plainly = (s: string) => s.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
/** The subject of a message in the reader's language, to show instead of its name. */
export function subjectOf(name: string): string | undefined {
	const rows = shared.messages.latest?.items.filter((m) => m.name === name) ?? [];
	const subject = (rows.find((m) => m.locale === locale()) ?? rows[0])?.subject;
	return subject && plain(subject);
}
/** A step by the subject of its message. */
export const stepTitle = (name: string) => {
	const s = subjectOf(name);
	return !s ? word("step", name) : locale() === "fr" ? `«\u00a0${s}\u00a0»` : `“${s}”`;
};
/** A subject to be read in a list: what is filled in for each person is an ellipsis. */
export const plain = (subject: string, as: string = locale()) => subject.replace(/\{%-?\s*if[^%]*%\}(.*?)(?:\{%-?\s*else[^%]*%\}.*?)?\{%-?\s*endif\s*-?%\}/g, "$1")
	.replace(/\{\{\s*customer\.first_name[^}]*\}\}/g, shell.a_first_name[as === "fr" ? 0 : 1]).replace(/\{\{\s*shop\.name[^}]*\}\}/g, shop().name).replace(/\{\{.*?\}\}|\{%.*?%\}/g, "…").replace(/(…\s*)+/g, "… ").replace(/ ([,.])/g, "$1").trim().replace(/ …$/, "\u00a0…");
