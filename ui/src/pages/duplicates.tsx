// Records that look like one person, side by side: which one stays, what will happen, one button; undone from the notice.
import { For, Show, createResource, createSignal } from "solid-js";
import { call, get, type Page as Rows } from "../api";
import { day, money, num } from "../fmt";
import { learn, locale, t, word } from "../i18n";
import { href } from "../router";
import { Empty, Icon, Load, Page, Rich, Section, Sentinel, refuse, toast } from "../ui";
import { customers as words } from "../words/customers";

learn(words);

interface Record_ {
	id: number; ref: string; first_name: string; last_name: string; company: string; email: string; phone: string; address1: string; postcode: string; city: string;
	phase: string; orders: number; spend: number; last_order: string | null;
}
interface Pair { sure: "low" | "medium" | "high"; why: ("email" | "phone" | "name")[]; one: Record_; other: Record_ }
interface Found extends Rows<Pair> { total: number; shared: { why: ("email" | "phone" | "name")[]; records: number; customer: number }[] }

const named = (r: Record_) => [r.first_name, r.last_name].filter(Boolean).join(" ") || r.company || r.ref;
const place = (r: Record_) => [r.address1, [r.postcode, r.city].filter(Boolean).join(" ")].filter(Boolean).join(", ");
/** As the search for look-alikes sees it: case, accents and spaces aside. */
const plain = (s: string) => s.normalize("NFKD").replace(/[^\p{L}\p{N}@.]/gu, "").toLowerCase();
const FIELDS: [label: Parameters<typeof t>[0], value: (r: Record_) => string, number?: boolean][] = [
	["dup_named", named], ["email", (r) => r.email], ["phone", (r) => r.phone], ["address", place],
	["orders", (r) => num(r.orders), true], ["spend", (r) => money(r.spend), true], ["last_order", (r) => (r.last_order ? day(r.last_order) : t("never")), true],
];

function Couple(p: { pair: Pair; first: boolean; gone: () => void; back: () => void }) {
	const [keep, setKeep] = createSignal(p.pair.one.id);
	const [busy, setBusy] = createSignal(false);
	const kept = () => (keep() === p.pair.one.id ? p.pair.one : p.pair.other);
	const other = () => (keep() === p.pair.one.id ? p.pair.other : p.pair.one);
	const id = `dup-${p.pair.one.id}-${p.pair.other.id}`;
	async function act(path: string, body: unknown, said: string, undo: () => Promise<unknown>) {
		setBusy(true);
		try {
			await call("POST", path, body);
			p.gone();
			toast(said, { undo: () => void undo().then(p.back, refuse) });
		} catch (e) { refuse(e); }
		setBusy(false);
	}
	const merge = () => {
		const from = other().id;
		void act(`/customers/${keep()}/merge`, { other: from }, t("dup_done", { a: other().ref, b: kept().ref }), () => call("POST", `/customers/${from}/unmerge`, {}));
	};
	const apart = () => {
		const two = { one: p.pair.one.id, other: p.pair.other.id };
		void act("/duplicates/dismiss", two, t("dup_apart_done"), () => call("POST", "/duplicates/dismiss", { ...two, undo: true }));
	};
	return (
		<article class="dup" aria-labelledby={id}>
			<header><h2 id={id}>{named(p.pair.one)}</h2><span class={"badge sure " + p.pair.sure}>{word("sure", p.pair.sure)}</span>
				<p>{t("dup_same", { what: p.pair.why.map((x) => word("dup", x)).join(", ") })}</p></header>
			<table><thead><tr><th scope="col"><span class="vh">{t("dup_field")}</span></th>
				<For each={[p.pair.one, p.pair.other]}>{(r) => (
					<th scope="col"><label><input type="radio" name={id} checked={keep() === r.id} onChange={() => setKeep(r.id)} /><span>{t("dup_keep")}</span></label>
						<a class="t0" href={href("/customers/" + r.id)}>{t("number_n", { n: r.ref })}</a></th>)}</For></tr></thead>
				<tbody><For each={FIELDS}>{([label, value, number]) => {
					const one = value(p.pair.one), two = value(p.pair.other);
					const differ = !number && !!one && !!two && plain(one) !== plain(two);
					return <tr classList={{ differ }}><th scope="row">{t(label)}<Show when={differ}> <small>{t("dup_differs")}</small></Show></th>
						<For each={[one, two]}>{(x) => <td classList={{ mute: !x }}>{x || "–"}</td>}</For></tr>;
				}}</For></tbody></table>
			<p class="will"><Rich text={t("dup_will", { a: kept().ref, b: other().ref })} /></p>
			<div class="do"><button class="btn" disabled={busy()} onClick={apart}>{t("dup_apart")}</button><button class="btn" classList={{ main: p.first }} disabled={busy()} onClick={merge}>{t("dup_merge")}</button></div>
		</article>
	);
}

export default function Duplicates() {
	const LIMIT = 20;
	const [hidden, setHidden] = createSignal<string[]>([]);
	const [more, setMore] = createSignal<Pair[]>([]);
	const [next, setNext] = createSignal<string | null>(null);
	const [first, { refetch }] = createResource(async () => {
		const r = await get<Found>(`/duplicates?limit=${LIMIT}`);
		setMore([]);
		setNext(r.next);
		return r;
	});
	let busy = false;
	async function load() {
		if (!next() || busy) return;
		busy = true;
		try {
			const r = await get<Found>(`/duplicates?limit=${LIMIT}&cursor=${encodeURIComponent(next()!)}`);
			setMore((l) => [...l, ...r.items]);
			setNext(r.next);
		} catch (e) { refuse(e); }
		busy = false;
	}
	const key = (x: Pair) => `${x.one.id} ${x.other.id}`;
	const pairs = () => [...(first.latest?.items ?? []), ...more()].filter((x) => !hidden().includes(key(x)));
	const left = () => Math.max(0, (first.latest?.total ?? 0) - hidden().length);
	return (
		<Page title={t("dup_title")} answer={<Show when={first.latest && left()}><Rich text={t("dup_answer", { n: left() })} /></Show>}
			actions={<a class="btn" href={href("/customers")}>{t("all_customers")}</a>}>
			<Load of={first} again={() => void refetch()} lines={12}>{(f) => <>
				<Show when={pairs().length} fallback={<Empty picture="people" title={t("dup_none")}><p>{t("dup_none_body")}</p><a class="btn" href={href("/customers")}>{t("all_customers")}</a></Empty>}>
					<div class="dups"><For each={pairs()}>{(x, i) => <Couple pair={x} first={i() === 0} gone={() => setHidden((l) => [...l, key(x)])} back={() => setHidden((l) => l.filter((k) => k !== key(x)))} />}</For></div>
					<Show when={next()} keyed>{(_n) => <Sentinel seen={() => void load()} />}</Show>
				</Show>
				<Show when={f().shared.length}>
					<Section title={t("dup_shared")} note={t("dup_shared_note")}><ul class="shared"><For each={f().shared}>{(s) => (
						<li><Icon name="warn" /><a href={href("/customers/" + s.customer)}>{t("dup_shared_n", { n: s.records, what: word("dup", s.why[0]) })}</a></li>)}</For></ul></Section></Show>
			</>}</Load>
			<span hidden>{locale()}</span>
		</Page>
	);
}
