// Words in French and English from one typed dictionary. An entry is [French, English]; "one|many" is a plural, {n} a
// value. French is written with plain spaces here; french() sets the narrow and no-break ones.
import { createSignal } from "solid-js";
import { shell } from "./words/shell";
import { today } from "./words/today";
import type { customers } from "./words/customers";
import type { plans } from "./words/plans";
import type { messages } from "./words/messages";
import type { figures } from "./words/figures";
import type { compliance } from "./words/compliance";
import type { settings } from "./words/settings";

export type Locale = "fr" | "en";
export type Entry = readonly [fr: string, en: string];

/** Those of the first page; the others come with their page, by learn(). */
const WORDS: Record<string, Entry> = { ...shell, ...today };
export type Word = keyof typeof shell | keyof typeof today | keyof typeof customers | keyof typeof plans | keyof typeof messages
	| keyof typeof figures | keyof typeof compliance | keyof typeof settings;
export const learn = (words: Record<string, Entry>) => void Object.assign(WORDS, words);
type Values = Record<string, string | number>;

const saved = localStorage.getItem("relance.locale");
const [locale, setLocale] = createSignal<Locale>(saved === "fr" || saved === "en" ? saved
	: navigator.language.startsWith("fr") ? "fr" : "en");
export { locale };

/** Nobody chose on this device: the person's own language, or the shop's, comes before the browser's. */
export function offerLocale(to: string | undefined) {
	if (!localStorage.getItem("relance.locale") && (to === "fr" || to === "en")) setLocale(to);
}
export function changeLocale(to: Locale) {
	localStorage.setItem("relance.locale", to);
	setLocale(to);
}

/** Thin and no-break spaces as French typography wants them. */
export function french(s: string): string {
	return s.replace(/ ([;!?%])/g, "\u202f$1").replace(/ ([:€»])/g, "\u00a0$1").replace(/« /g, "«\u00a0")
		.replace(/(\d) (h|g|km|l)\b/g, "$1\u00a0$2");
}

function pick(word: Word, n?: number): string {
	const entry: Entry = WORDS[word];
	const fr = locale() === "fr";
	const forms = (fr ? entry[0] : entry[1]).split("|");
	const many = n !== undefined && (fr ? Math.abs(n) >= 2 : Math.abs(n) !== 1);
	return forms[many && forms.length > 1 ? 1 : 0];
}

/** The words for a key in the present language; values.n chooses the plural. */
export function t(word: Word, values?: Values): string {
	const n = values?.n;
	const count = typeof n === "number" ? n : typeof n === "string" ? Number(n.replace(/[^\d-]/g, "")) : undefined;
	const text = pick(word, count).replace(/\{(\w+)\}/g, (all, k: string) => {
		const v = values?.[k];
		return v === undefined ? all : typeof v === "number" ? v.toLocaleString(locale()) : v;
	});
	return locale() === "fr" ? french(text) : text;
}

/** The words for a name the server sends (a reason, a phase), or the name itself made readable. */
export function word(prefix: string, name: string | null | undefined): string {
	if (!name) return "";
	const key = `${prefix}_${name}`;
	return key in WORDS ? t(key as Word) : prefix === "event" && / /.test(name) ? name : name.replace(/_/g, " ");
}
