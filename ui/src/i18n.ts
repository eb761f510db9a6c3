// Words in French and English from one typed dictionary. An entry is [French, English]; "one|many" is a plural, {n} a
// value. French is written with plain spaces here; french() sets the narrow and no-break ones.
import { createSignal } from "solid-js";
import { shell } from "./words/shell";
import { pages } from "./words/pages";
import { plans } from "./words/plans";

export type Locale = "fr" | "en";
export type Entry = readonly [fr: string, en: string];

const WORDS = { ...shell, ...pages, ...plans };
export type Word = keyof typeof WORDS;
type Values = Record<string, string | number>;

const saved = localStorage.getItem("relance.locale");
const [locale, setLocale] = createSignal<Locale>(saved === "fr" || saved === "en" ? saved
	: navigator.language.startsWith("fr") ? "fr" : "en");
export { locale };

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
