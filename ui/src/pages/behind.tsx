// What a number was counted from, row by row, and as a file: the orders or the people of a key figure or of a line of the
// business case. Whoever may not see people sees what was counted, not who.
import { For, Show, createResource, createSignal } from "solid-js";
import { get } from "../api";
import { day, money, num } from "../fmt";
import { learn, locale, t, word } from "../i18n";
import { href } from "../router";
import { Dialog, Icon, Load, Sentinel, refuse } from "../ui";
import { figures as words } from "../words/figures";

learn(words);
type Row = Record<string, unknown>;
interface Rows { columns: { name: string; type: string; title: string }[]; masked: boolean; items: Row[]; next: string | null }
/** path: "/kpi/orders"; ask: the rest of its query. */
export interface Asked { title: string; note: string; path: string; ask: string }

export function Behind(p: { of: Asked; close: () => void }) {
	const url = (cursor: string) => `${p.of.path}/rows?limit=50${cursor ? "&cursor=" + encodeURIComponent(cursor) : ""}&${p.of.ask}`;
	const [rows, setRows] = createSignal<Row[]>([]);
	const [next, setNext] = createSignal<string | null>(null);
	const [data] = createResource(() => get<Rows>(url("")).then((d) => { setRows(d.items); setNext(d.next); return d; }));
	async function more() {
		const n = next();
		if (!n) return;
		setNext(null);
		try {
			const d = await get<Rows>(url(n));
			setRows((l) => [...l, ...d.items]);
			setNext(d.next);
		} catch (e) { refuse(e); }
	}
	const right = (type: string) => !["customer", "word", "text"].includes(type);
	const cell = (type: string, v: unknown) => (v === null || v === undefined ? "–" : type === "money" ? money(Number(v)) : type === "day" ? day(String(v)) : type === "yes_no" ? t(v ? "yes" : "no") : type === "count" ? num(Number(v)) : type === "word" ? word("row", String(v)) : String(v));
	const who = (d: Rows, r: Row, name: string) => (d.masked ? <span class="mute" title={t("rows_masked")}>•••</span> : r[name] === null ? "–" : <a class="t" href={href(`/customers/${r[name]}`)} onClick={p.close}>{String(r.name || `#${r[name]}`)}</a>);
	return (
		<Dialog open title={p.of.title} close={p.close} wide><h2 class="t3">{p.of.title}</h2><p>{p.of.note}</p>
			<Load of={data} lines={4}>{(d) => <div class="scroll tallish" tabindex="0" role="region" aria-label={p.of.title}><table class="rows"><thead><tr><For each={d().columns}>{(c) => <th scope="col" classList={{ num: right(c.type) }}>{c.title}</th>}</For></tr></thead>
				<tbody><For each={rows()}>{(r) => <tr><For each={d().columns}>{(c) => <td classList={{ num: right(c.type) }}>{c.type === "customer" ? who(d(), r, c.name) : cell(c.type, r[c.name])}</td>}</For></tr>}</For></tbody></table>
				<Show when={next()} keyed>{(_n) => <Sentinel seen={() => void more()} />}</Show></div>}</Load>
			<div class="do"><a class="btn" href={`/api/v1${p.of.path}/rows.csv?lang=${locale()}&${p.of.ask}`} download=""><Icon name="down" />{t("csv")}</a><button class="btn" onClick={p.close}>{t("close")}</button></div></Dialog>
	);
}
