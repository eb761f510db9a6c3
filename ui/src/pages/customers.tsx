// Customers: search as you type, a condition with its live count and its error under the character, the people behind any
// count of another page; a table sorted as asked, with the columns wanted.
import { For, Show, createEffect, createMemo, createResource, createRoot, createSignal, on } from "solid-js";
import { Problem, call, get, may, session, type CustomerRow, type Page as Rows } from "../api";
import { day, exact, fromTo, money, num, shop } from "../fmt";
import { french, learn, locale, t, word, type Word } from "../i18n";
import { planTitle, stepTitle } from "../live";
import { go, href, query, setQuery } from "../router";
import { Dialog, Empty, Icon, Load, Page, Rich, Sentinel, refuse, rested, toast } from "../ui";
import { customers as sayings } from "../words/customers";
import { meanings } from "../words/meanings";

learn(sayings);
const PAGE = 50;
interface Fault { offset: number; hint: string }
interface Term { group: string; name: string; signature: string; meaning: string; example: string }

/** In the reader's language: the server says it in English. */
const meaning = (x: Term) => (locale() === "fr" && meanings[x.name] ? french(meanings[x.name]) : x.meaning);
const [terms] = createRoot(() => createResource(() => session()?.user?.name, () => get<{ items: Term[] }>("/segments/words").catch(() => ({ items: [] }))));
/** All the words, by what they are about; an example pressed stands in the bar. */
function Dictionary(p: { open: boolean; close: () => void; take: (s: string) => void }) {
	const groups = () => [...new Set((terms.latest?.items ?? []).map((x) => x.group))];
	return (
		<Dialog open={p.open} title={t("words")} close={p.close} wide><h2 class="t3">{t("words")}</h2><p>{t("words_note")}</p>
			<div class="dict"><For each={groups()}>{(g) => <section><h3>{word("words", g.toLowerCase().replace(/\W+/g, "_"))}</h3>
				<dl><For each={terms.latest?.items.filter((x) => x.group === g)}>{(x) => <><dt><code>{x.name}</code></dt><dd>{meaning(x)}<button type="button" class="open" onClick={() => { p.take(x.example); p.close(); }}>{x.example}</button></dd></>}</For></dl></section>}</For></div>
			<div class="do"><button class="btn" onClick={p.close}>{t("close")}</button></div></Dialog>
	);
}
/** Words of the language that complete what is being typed, each with what it means. */
function Hints(p: { text: string; take: (s: string) => void }) {
	const typed = () => /[a-z_]+$/.exec(p.text)?.[0] ?? "";
	const near = () => (typed().length < 2 ? [] : (terms.latest?.items ?? []).filter((x) => x.name.startsWith(typed()) && x.name !== typed()).slice(0, 5));
	return (
		<Show when={near().length}><ul class="hints"><For each={near()}>{(x) => (
			<li><button type="button" onClick={() => p.take(p.text.slice(0, p.text.length - typed().length) + x.name)}><code>{x.signature}</code><small>{meaning(x)}</small></button></li>
		)}</For></ul></Show>
	);
}

/** The condition bar: what it counts while typed, or where it goes wrong. */
function SegmentBar(p: { text: string; set: (s: string) => void; fault: (bad: boolean) => void }) {
	let field!: HTMLInputElement;
	const asked = rested(() => p.text, 90);
	const [count] = createResource(() => asked().trim() || null, async (text) => {
		try {
			return { ok: await call<{ count: number; total: number; ms: number }>("POST", "/segments/count", { text }) };
		} catch (e) {
			if (e instanceof Problem && e.status === 422) return { fault: { offset: Number(e.body.offset ?? 0), hint: String(e.body.hint ?? e.message).replace(/\s*; (les mots sont dans|the words are listed in) doc\/expressions\.md$/, "") } as Fault };
			throw e;
		}
	});
	const [segments, { refetch }] = createResource(() => get<{ items: { name: string; text: string; count: number }[] }>("/segments"));
	const [naming, setNaming] = createSignal(false);
	const [words, setWords] = createSignal(false);
	const [name, setName] = createSignal("");
	const fault = () => (p.text.trim() && !count.error ? count.latest?.fault : undefined);
	createEffect(() => p.fault(!!fault()));
	const READY = [["seg_asleep", "lifecycle = lapsing and may(email)"], ["seg_best", "top_decile"], ["seg_once", "orders = 1 and inactive(3 months)"]] as const;
	async function keep(e: Event) {
		e.preventDefault();
		try {
			await call("PUT", "/segments/" + encodeURIComponent(name().trim()), { text: p.text });
			setNaming(false);
			await refetch();
			toast(t("saved"), { about: "segment" });
		} catch (x) { refuse(x); }
	}
	/** The saved segment whose condition stands in the bar. */
	const mine = () => (segments.error ? undefined : segments.latest?.items.find((s) => s.text === p.text));
	async function forget() {
		const s = mine()!, at = "/segments/" + encodeURIComponent(s.name);
		try {
			await call("DELETE", at);
			await refetch();
			toast(t("segment_forgotten", { name: s.name }), { about: "segment", undo: () => void call("PUT", at, { text: s.text }).then(refetch, refuse) });
		} catch (x) { refuse(x); }
	}
	const chip = (label: string, text: string, n?: number) => (
		<button type="button" class="chip" aria-pressed={p.text === text} title={text} onClick={() => p.set(p.text === text ? "" : text)}>{label}<Show when={n !== undefined}> <small>{num(n!)}</small></Show></button>
	);
	return (
		<div class="segbar">
			<button type="button" class="lnk dictb" onClick={() => setWords(true)}>{t("words_all")}</button><Dictionary open={words()} close={() => setWords(false)} take={(s) => { p.set(s); field.focus(); }} />
			<label class="field code"><span>{t("segment")}</span>
				<span class="typed"><input ref={field} value={p.text} spellcheck={false} autocomplete="off" autocapitalize="off" placeholder={t("segment_hint")} aria-invalid={!!fault()}
					aria-describedby="seg-says" onInput={(e) => p.set(e.currentTarget.value)} />
					<Show when={p.text}><button class="clear" type="button" aria-label={t("segment_clear")} onClick={() => p.set("")}><Icon name="no" /></button></Show></span></label>
			<div id="seg-says" aria-live="polite">
				<Show when={fault()} fallback={
					<Show when={p.text.trim() ? count.latest?.ok : undefined}>{(c) => <p class="counted"><b>{t("segment_count", { n: num(c().count), total: num(c().total) })}</b>
						<i style={{ width: (100 * c().count) / Math.max(1, c().total) + "%" }} /></p>}</Show>}>
					{(f) => <p class="fault"><span class="pre" aria-hidden="true">{" ".repeat(f().offset)}^</span><span class="wrong"><Icon name="warn" />{f().hint}</span></p>}
				</Show>
			</div>
			<Hints text={p.text} take={(s) => { p.set(s); field.focus(); }} />
			<div class="chips2">
				<For each={segments.error ? [] : segments.latest?.items}>{(s) => chip(s.name, s.text, s.count)}</For>
				<For each={READY.filter((x) => !segments.latest?.items.some((s) => s.text === x[1]))}>{(x) => chip(t(x[0]), x[1])}</For>
				<Show when={mine() && may("plans")}><button type="button" class="lnk" onClick={forget}><Icon name="del" />{t("segment_forget")}</button></Show>
				<Show when={p.text.trim() && count.latest?.ok && may("plans") && !mine()}>
					<Show when={naming()} fallback={<button type="button" class="lnk" onClick={() => setNaming(true)}><Icon name="plus" />{t("segment_save")}</button>}>
						<form class="inl" onSubmit={keep}><input aria-label={t("segment_name")} placeholder={t("segment_name")} required autofocus value={name()} onInput={(e) => setName(e.currentTarget.value)} />
							<button class="btn">{t("save")}</button></form>
					</Show>
				</Show>
			</div>
		</div>
	);
}

// ---- the table ----

interface Column { id: string; label: Word; num?: boolean; sort?: string; value: (c: CustomerRow) => string | number | null }
const NAME: Column = { id: "name", label: "customer", sort: "name", value: (c) => c.name || c.ref };
const COLUMNS: Column[] = [
	{ id: "ref", label: "reference", value: (c) => c.ref },
	{ id: "email", label: "email", value: (c) => c.email },
	{ id: "phone", label: "phone", value: (c) => c.phone ?? "" },
	{ id: "city", label: "city", value: (c) => c.city ?? "" },
	{ id: "phase", label: "phase", sort: "phase", value: (c) => c.phase },
	{ id: "orders", label: "orders", num: true, sort: "orders", value: (c) => c.orders },
	{ id: "spend", label: "spend", num: true, sort: "spend", value: (c) => c.spend / 10 ** shop().exponent },
	{ id: "basket", label: "basket", num: true, value: (c) => (c.orders ? Math.round(c.spend / c.orders) / 10 ** shop().exponent : null) },
	{ id: "last_order", label: "last_order", num: true, sort: "last_order", value: (c) => c.last_order },
];
const saved = localStorage.getItem("relance.columns")?.split(" ").filter((x) => COLUMNS.some((c) => c.id === x));
const [shown, setShown] = createSignal(saved?.length ? saved : ["email", "phase", "orders", "spend", "last_order"]);
const columns = () => COLUMNS.filter((c) => shown().includes(c.id));
function flip(id: string) {
	setShown((l) => (l.includes(id) ? l.filter((x) => x !== id) : [...l, id]));
	localStorage.setItem("relance.columns", shown().join(" "));
}
function Cell(p: { of: CustomerRow; column: Column }) {
	const c = () => p.of;
	switch (p.column.id) {
		case "phase": return <td class="nw"><i class={"lc " + c().phase} />{word("phase1", c().phase)}</td>;
		case "orders": return <td class="num">{num(c().orders)}</td>;
		case "spend": return <td class="num">{money(c().spend)}</td>;
		case "basket": return <td class="num w">{c().orders ? money(Math.round(c().spend / c().orders)) : "–"}</td>;
		case "last_order": return <td class="num w"><Show when={c().last_order} fallback={<span class="mute">{t("never")}</span>}><span title={exact(c().last_order!)}>{day(c().last_order!)}</span></Show></td>;
		default: return <td class="w mute">{String(p.column.value(c()) || "–")}</td>;
	}
}
/** A column's head: pressed, it sorts; pressed again, the other way. */
function Head(p: { column: Column; sort: string; set: (s: string) => void }) {
	const by = () => p.column.sort;
	const way = () => (p.sort === by() ? "ascending" : p.sort === "-" + by() ? "descending" : undefined);
	const wide = () => !["name", "phase", "orders", "spend"].includes(p.column.id);
	const next = () => (p.column.id === "name" ? (p.sort === by() ? "-" + by() : by()!) : p.sort === "-" + by() ? by()! : "-" + by()); // names begin at A, figures with the largest
	return (
		<th scope="col" classList={{ num: p.column.num, w: wide() }} aria-sort={by() ? way() ?? "none" : undefined}>
			<Show when={by()} fallback={t(p.column.label)}>
				<button type="button" class="sort" classList={{ on: !!way() }} onClick={() => p.set(next())}>{t(p.column.label)}<span aria-hidden="true">{way() === "ascending" ? "↑" : "↓"}</span></button></Show></th>
	);
}

/** The list as it was left, for who comes back to it from one of its people. */
type List = Rows<CustomerRow> & { key: string };
let kept: { by?: string; first: List; rest: { key: string; items: CustomerRow[]; next: string | null } | null } | undefined;

const AMONG = ["is", "plan", "step", "reason", "channel", "from", "to"] as const;

export default function Customers() {
	const [q, setQ] = createSignal(query("q"));
	const [segment, setSegment] = createSignal(query("segment"));
	const [bad, setBad] = createSignal(false);
	const sort = () => query("sort");
	const among = createMemo(() => (query("is") ? AMONG.filter((k) => query(k)).map((k) => `${k}=${encodeURIComponent(query(k))}`).join("&") : ""));
	const asked = rested(createMemo(() => JSON.stringify([q().trim(), segment().trim(), among(), sort()])), 90);
	createEffect(on(() => query("segment"), (s) => s !== segment() && setSegment(s), { defer: true }));
	createEffect(on(() => query("q"), (s) => s !== q() && setQ(s), { defer: true }));
	createEffect(() => { setQuery("q", q()); });
	createEffect(() => { setQuery("segment", segment()); });
	const asking = (key: string) => {
		const [text, seg, of, by] = JSON.parse(key) as string[];
		return `${text ? "&q=" + encodeURIComponent(text) : ""}${seg ? "&segment=" + encodeURIComponent(seg) : ""}${of ? "&" + of : ""}${by ? "&sort=" + by : ""}`;
	};
	const url = (key: string, cursor = "") => `/customers?limit=${PAGE}${asking(key)}${cursor ? "&cursor=" + encodeURIComponent(cursor) : ""}`;
	const by = session()?.user?.name, had = kept?.first.key === asked() && kept.by === by ? kept : undefined;
	const [first, { refetch }] = createResource<List, string>(asked, async (key, info) => {
		try {
			return { ...(await get<Rows<CustomerRow>>(url(key))), key };
		} catch (e) {
			if (e instanceof Problem && e.status === 422 && info.value) return info.value; // while the condition is being typed, keep what was shown
			if (e instanceof Problem && e.status === 422) return { items: [], next: null, total: 0, key };
			throw e;
		}
	}, had && { initialValue: had.first });
	const [rest, setRest] = createSignal(had?.rest ?? null);
	createEffect(() => { if (!first.error && first.latest) kept = { by, first: first.latest, rest: rest() }; });
	const rows = () => [...(first.latest?.items ?? []), ...(rest()?.key === first.latest?.key ? rest()!.items : [])];
	const next = () => (rest() && rest()!.key === first.latest?.key ? rest()!.next : first.latest?.next);
	let fetching = false;
	async function more() {
		const cursor = next(), key = first.latest?.key;
		if (!cursor || !key || fetching) return;
		fetching = true;
		try {
			const page = await get<Rows<CustomerRow>>(url(key, cursor));
			const had = rest()?.key === key ? rest()!.items : [];
			setRest({ key, items: [...had, ...page.items], next: page.next });
		} catch (e) { refuse(e); }
		fetching = false;
	}
	const filtered = () => !!(q().trim() || segment().trim() || among());
	const nobody = () => !filtered() && first.latest?.total === 0;
	/** The whole of the list as it is shown: its people, its order, its columns. */
	const csv = () => `/api/v1/customers.csv?lang=${locale()}&columns=${columns().map((c) => c.id).join(",")}${asking(asked())}`;
	/** "attendent l'étape winback-2, Réveil des inactifs": what the list is of. */
	const who = () => [word("among", query("is")), query("reason") && word("reason", query("reason")).toLocaleLowerCase(), query("step") && t("among_step", { step: stepTitle(query("step")) }), query("channel") && word("channel", query("channel")), query("plan") && planTitle(query("plan")), query("from") && query("to") && fromTo(query("from"), query("to"))].filter(Boolean).join(", ");
	const all = () => { setQ(""); setSegment(""); go("/customers"); };
	return (
		<Page title={t("customers_title")} actions={<Show when={!nobody()}><a class="btn" href={href("/customers/duplicates")}>{t("duplicates")}</a></Show>} answer={<Show when={first.latest && first.latest.total !== undefined}><Rich text={first.latest!.total === null ? t("customers_many") : bad() ? t("segment_broken") : filtered() ? t("segment_count_plain", { n: first.latest!.total! }) : t("customers_answer", { n: first.latest!.total! })} /></Show>}>
			<Show when={among()}><p class="only"><span class="badge">{who()}</span> <button class="lnk" onClick={() => { for (const k of AMONG) setQuery(k, ""); }}><Icon name="no" />{t("among_clear")}</button></p></Show>
			<Show when={!nobody()}><div class="finder">
				<label class="field seekf"><span>{t("search")}</span><span class="typed"><Icon name="find" /><input type="search" value={q()} placeholder={t("customers_search")} autocomplete="off" onInput={(e) => setQ(e.currentTarget.value)} /></span></label>
				<SegmentBar text={segment()} set={setSegment} fault={setBad} />
			</div></Show>
			<Load of={first} again={() => void refetch()} lines={12}>{() => (
				<Show when={rows().length} fallback={
					<Show when={filtered()} fallback={<Empty picture="people" title={t("customers_none")}><p>{t("customers_none_body")}</p><div class="btns mid"><code>relance import shop.db orders.csv</code><Show when={may("admin")}><a class="btn main" href={href("/settings?tab=team")}>{t("connect_shop")}</a></Show></div></Empty>}>
						<Empty picture="people" title={t("customers_nomatch")}><p>{t("customers_nomatch_body")}</p>
							<button class="btn" onClick={all}>{t("all_customers")}</button></Empty></Show>}>
					<div class="tools"><details class="menu"><summary class="lnk"><Icon name="text" />{t("columns")}</summary>
						<div class="pop" role="group" aria-label={t("columns")}><For each={COLUMNS}>{(c) => <label><input type="checkbox" checked={shown().includes(c.id)} onChange={() => flip(c.id)} />{t(c.label)}</label>}</For></div></details>
						<a class="lnk" href={csv()} download="customers.csv"><Icon name="down" />{t("csv")}</a></div>
					<table class="rows cust" classList={{ stale: bad() }}>
						<thead><tr><Head column={NAME} sort={sort()} set={(s) => setQuery("sort", s)} /><For each={columns()}>{(c) => <Head column={c} sort={sort()} set={(s) => setQuery("sort", s)} />}</For></tr></thead>
						<tbody><For each={rows()}>{(c) => (
							<tr onClick={(e) => (e.target as HTMLElement).tagName !== "A" && go("/customers/" + c.id)}>
								<td><a class="t" href={href("/customers/" + c.id)}>{c.name || c.ref}</a></td>
								<For each={columns()}>{(k) => <Cell of={c} column={k} />}</For></tr>
						)}</For></tbody>
					</table>
					<Show when={next()} keyed>{(n) => <Show when={n !== null}><Sentinel seen={() => void more()} /></Show>}</Show>
				</Show>
			)}</Load>
			<span hidden>{locale()}</span>
		</Page>
	);
}
