// Money, dates and counts as people say them. Money comes as minor units of the shop's currency, instants in UTC; days
// and hours are those of the shop's zone.
import { createSignal } from "solid-js";
import { french, locale, t } from "./i18n";

export interface Shop {
	name: string; zone: string; currency: string; exponent: number; locale: string; now: string;
}
const [shop, setShopSignal] = createSignal<Shop>({
	name: "", zone: "Europe/Paris", currency: "EUR", exponent: 2, locale: "fr", now: new Date().toISOString(),
});
export { shop };
let skew = 0; // the server's clock less ours, ms: a demo shop lives at another date
export function setShop(s: Shop) {
	skew = Date.parse(s.now) - Date.now();
	setShopSignal(s);
}
export const now = () => new Date(Date.now() + skew);

const tag = () => (locale() === "fr" ? "fr-FR" : "en-GB");
const cache = new Map<string, Intl.DateTimeFormat>();
function dateFormat(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
	const key = tag() + shop().zone + JSON.stringify(options);
	let f = cache.get(key);
	if (!f) cache.set(key, (f = new Intl.DateTimeFormat(tag(), { timeZone: shop().zone, ...options })));
	return f;
}

const minus = (s: string) => s.replace("-", "−");
export const num = (v: number, digits = 0, least = 0) =>
	minus(v.toLocaleString(tag(), { maximumFractionDigits: digits, minimumFractionDigits: least }));
export const pct = (share: number, digits = 0) =>
	minus((share * 100).toLocaleString(tag(), { maximumFractionDigits: digits })) + (locale() === "fr" ? "\u202f%" : "%");
/** Minor units to money; whole: without cents, for large sums. */
export function money(minor: number, whole = false): string {
	const digits = whole ? 0 : shop().exponent;
	return minus((minor / 10 ** shop().exponent).toLocaleString(tag(), {
		style: "currency", currency: shop().currency, currencyDisplay: "narrowSymbol", minimumFractionDigits: digits, maximumFractionDigits: digits,
	}));
}

/** Day number in the shop's zone, to compare days. */
function dayNumber(d: Date): number {
	const p = dateFormat({ year: "numeric", month: "2-digit", day: "2-digit" }).formatToParts(d);
	const get = (k: string) => Number(p.find((x) => x.type === k)?.value);
	return Date.UTC(get("year"), get("month") - 1, get("day")) / 86400000;
}
export function hour(iso: string | Date): string {
	const s = dateFormat({ hour: "numeric", minute: "2-digit", hour12: false }).format(new Date(iso));
	if (locale() !== "fr") return s;
	const [h, m] = s.split(":");
	return `${Number(h)}\u00a0h${m === "00" ? "" : "\u00a0" + m}`;
}
const isDay = (iso: string) => iso.length === 10;
/** "hier", "mar. 12 mai", "20 oct. 2025": the day as people say it. */
export function day(iso: string): string {
	const d = new Date(isDay(iso) ? iso + "T12:00:00Z" : iso);
	const diff = dayNumber(d) - dayNumber(now());
	if (diff === 0) return t("today_word");
	if (diff === -1) return t("yesterday_word");
	if (diff === 1) return t("tomorrow_word");
	const year = dateFormat({ year: "numeric" });
	if (Math.abs(diff) < 60 || year.format(d) === year.format(now()))
		return first(dateFormat({ weekday: "short", day: "numeric", month: "short" }).format(d).replace(",", ""));
	return first(dateFormat({ day: "numeric", month: "short", year: "numeric" }).format(d));
}
/** The day after "since" or "before": French takes its article. */
export function theDay(iso: string): string {
	const s = day(iso);
	return locale() === "fr" && /\d/.test(s) ? "le " + s : s;
}
/** "du 1er oct. au 30 nov.", "d’hier à aujourd’hui". */
export const fromTo = (a: string, b: string) => (locale() !== "fr" ? `from ${day(a)} to ${day(b)}`
	: (/\d/.test(day(a)) ? "du " : "d’") + day(a) + (/\d/.test(day(b)) ? " au " : " à ") + day(b));
const first = (s: string) => (locale() === "fr" ? s.replace(/\b1 (?=\p{L})/u, "1er ") : s);
export const when = (iso: string) => (isDay(iso) ? day(iso) : `${day(iso)}${locale() === "fr" ? ", " : ", "}${hour(iso)}`);
/** A sentence of the server with the instants it holds said as people say them. */
export const spoken = (s: string) => said(s).replace(/(jusqu’)?(à |au |le )?(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::\d\d)?(Z|[+-]\d\d:\d\d)?(?: [A-Z]\w+\/[A-Za-z_/]+)?/g,
	(_all, until, article, d, h, zone) => {
		const at = zone ? `${d}T${h}:00${zone}` : local(d, h);
		return (until ? "jusqu’" + (/^[ha]|^dem/.test(day(at)) ? "à " : "au ") : article && /\d/.test(day(at)) ? article : "") + when(at);
	});
/** What the server says in French comes with plain spaces here and there. */
const said = (s: string) => (locale() === "fr" ? french(s) : s);
/** "jusqu’à demain, 10 h", "jusqu’au lun. 23 nov., 10 h": what follows jusqu’. */
export const toWhen = (iso: string) => (locale() === "fr" ? (/\d/.test(day(iso)) ? "au " : "à ") : "") + when(iso);
/** A civil minute of the shop's zone as an instant, near enough for words. */
function local(d: string, h: string): string {
	const guess = Date.parse(`${d}T${h}:00Z`), seen = dateFormat({ hour: "2-digit", minute: "2-digit", day: "2-digit", hour12: false }).formatToParts(new Date(guess));
	const part = (k: string) => Number(seen.find((x) => x.type === k)?.value);
	let off = (part("hour") % 24) * 60 + part("minute") - (Number(h.slice(0, 2)) * 60 + Number(h.slice(3)));
	if (part("day") !== Number(d.slice(8))) off += off < 0 ? 1440 : -1440;
	return new Date(guess - off * 60000).toISOString();
}
export const longDay = (iso: string) =>
	dateFormat({ weekday: "long", day: "numeric", month: "long" }).format(new Date(iso));
/** The exact instant, for the hover. */
export function exact(iso: string): string {
	if (isDay(iso)) return iso;
	return dateFormat({ dateStyle: "full", timeStyle: "medium" }).format(new Date(iso)) + ` (${shop().zone})`;
}
export const month = (iso: string, long = false) =>
	dateFormat({ month: long ? "long" : "short", year: "numeric" }).format(new Date(iso.slice(0, 7) + "-15T12:00:00Z"));
export const dayOf = (d: Date) => new Date(dayNumber(d) * 86400000).toISOString().slice(0, 10);
/** "2026-02", 1 month later: "2026-03-01..2026-03-31", as a condition takes it. */
export function monthSpan(ym: string, later: number): string {
	const [y, m] = ym.split("-").map(Number), d = (month: number, day: number) => new Date(Date.UTC(y, month, day)).toISOString().slice(0, 10);
	return `${d(m - 1 + later, 1)}..${d(m + later, 0)}`;
}
/** A delay in a plan: J, J+8 (French), D, D+8 (English). */
export function spacing(days: number): string {
	const hours = Math.round(days * 1440) / 60;
	if (days > 0 && days < 3 && hours % 24) return hours < 1 ? `+${num(hours * 60)}\u00a0min` : `+${num(hours, 1)}\u00a0h`;
	const j = locale() === "fr" ? "J" : "D";
	return days === 0 ? j : days > 0 ? `${j}+${num(days, 1)}` : `${j}−${num(-days, 1)}`;
}
/** Where a count leads: its people. */
export const people = (is: string, of: Record<string, string | undefined> = {}) => {
	const q = new URLSearchParams({ is });
	for (const [k, v] of Object.entries(of)) if (v) q.set(k, v);
	return "/customers?" + q.toString();
};
export const list = (items: string[]) => new Intl.ListFormat(tag(), { type: "conjunction" }).format(items);
