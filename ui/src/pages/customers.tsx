// Customers: search as you type, a condition with its live count and its error under the character.
import { For, Show, createEffect, createMemo, createResource, createSignal, on } from "solid-js";
import { Problem, call, get, may, type CustomerRow, type Page as Rows } from "../api";
import { day, exact, money, num, shop } from "../fmt";
import { locale, t, word } from "../i18n";
import { go, href, query, setQuery } from "../router";
import { CsvButton, Empty, Icon, Load, Page, Rich, Sentinel, refuse, rested, saveCsv, toast } from "../ui";

const PAGE = 50;
interface Fault { offset: number; hint: string }

/** The condition bar: what it counts while typed, or where it goes wrong. */
function SegmentBar(p: { text: string; set: (s: string) => void; fault: (bad: boolean) => void }) {
	const asked = rested(() => p.text, 90);
	const [count] = createResource(() => asked().trim() || null, async (text) => {
		try {
			return { ok: await call<{ count: number; total: number; ms: number }>("POST", "/segments/count", { text }) };
		} catch (e) {
			if (e instanceof Problem && e.status === 422) return { fault: { offset: Number(e.body.offset ?? 0), hint: String(e.body.hint ?? e.message) } as Fault };
			throw e;
		}
	});
	const [segments, { refetch }] = createResource(() => get<{ items: { name: string; text: string; count: number }[] }>("/segments"));
	const [naming, setNaming] = createSignal(false);
	const [name, setName] = createSignal("");
	const fault = () => (p.text.trim() && !count.error ? count.latest?.fault : undefined);
	createEffect(() => p.fault(!!fault()));
	async function keep(e: Event) {
		e.preventDefault();
		try {
			await call("PUT", "/segments/" + encodeURIComponent(name().trim()), { text: p.text });
			setNaming(false);
			await refetch();
			toast(t("saved"));
		} catch (x) { refuse(x); }
	}
	return (
		<div class="segbar">
			<label class="field code"><span>{t("segment")}</span>
				<span class="typed"><input value={p.text} spellcheck={false} autocomplete="off" autocapitalize="off" placeholder={t("segment_hint")} aria-invalid={!!fault()}
					aria-describedby="seg-says" onInput={(e) => p.set(e.currentTarget.value)} />
					<Show when={p.text}><button class="clear" type="button" aria-label={t("segment_clear")} onClick={() => p.set("")}><Icon name="no" /></button></Show></span></label>
			<div id="seg-says" aria-live="polite">
				<Show when={fault()} fallback={
					<Show when={p.text.trim() ? count.latest?.ok : undefined}>{(c) => <p class="counted"><b>{t("segment_count", { n: num(c().count), total: num(c().total) })}</b>
						<i style={{ width: (100 * c().count) / Math.max(1, c().total) + "%" }} /></p>}</Show>}>
					{(f) => <p class="fault"><span class="pre" aria-hidden="true">{" ".repeat(f().offset)}^</span><span class="wrong"><Icon name="warn" />{f().hint}</span></p>}
				</Show>
			</div>
			<div class="chips2">
				<For each={segments.error ? [] : segments.latest?.items}>{(s) => (
					<button type="button" class="chip" aria-pressed={p.text === s.text} onClick={() => p.set(p.text === s.text ? "" : s.text)}>{s.name} <small>{num(s.count)}</small></button>
				)}</For>
				<Show when={p.text.trim() && count.latest?.ok && may("plans")}>
					<Show when={naming()} fallback={<button type="button" class="lnk" onClick={() => setNaming(true)}><Icon name="plus" />{t("segment_save")}</button>}>
						<form class="inl" onSubmit={keep}><input aria-label={t("segment_name")} placeholder={t("segment_name")} required autofocus value={name()} onInput={(e) => setName(e.currentTarget.value)} />
							<button class="btn">{t("save")}</button></form>
					</Show>
				</Show>
			</div>
		</div>
	);
}

export default function Customers() {
	const [q, setQ] = createSignal(query("q"));
	const [segment, setSegment] = createSignal(query("segment"));
	const [bad, setBad] = createSignal(false);
	const asked = rested(createMemo(() => JSON.stringify([q().trim(), segment().trim()])), 90);
	createEffect(on(() => query("segment"), (s) => s !== segment() && setSegment(s), { defer: true }));
	createEffect(() => { setQuery("q", q()); });
	createEffect(() => { setQuery("segment", segment()); });
	const url = (key: string, cursor = "") => {
		const [text, seg] = JSON.parse(key) as string[];
		return `/customers?limit=${PAGE}${text ? "&q=" + encodeURIComponent(text) : ""}${seg ? "&segment=" + encodeURIComponent(seg) : ""}${cursor ? "&cursor=" + encodeURIComponent(cursor) : ""}`;
	};
	const [first, { refetch }] = createResource(asked, async (key, info): Promise<Rows<CustomerRow> & { key: string }> => {
		try {
			return { ...(await get<Rows<CustomerRow>>(url(key))), key };
		} catch (e) {
			if (e instanceof Problem && e.status === 422 && info.value) return info.value as Rows<CustomerRow> & { key: string }; // while the condition is being typed, keep what was shown
			if (e instanceof Problem && e.status === 422) return { items: [], next: null, total: 0, key };
			throw e;
		}
	});
	const [rest, setRest] = createSignal<{ key: string; items: CustomerRow[]; next: string | null } | null>(null);
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
	const filtered = () => !!(q().trim() || segment().trim());
	const csv = () => saveCsv("customers.csv", [t("customer"), t("email"), t("phase"), t("orders"), t("spend"), t("last_order")],
		rows().map((c) => [c.name, c.email, c.phase, c.orders, c.spend / 10 ** shop().exponent, c.last_order]));
	return (
		<Page title={t("customers_title")} answer={<Show when={first.latest?.total !== undefined}><Rich text={filtered() ? t("segment_count_plain", { n: first.latest!.total! }) : t("customers_answer", { n: first.latest!.total! })} /></Show>}>
			<div class="finder">
				<label class="field seekf"><span>{t("search")}</span><span class="typed"><Icon name="find" /><input type="search" value={q()} placeholder={t("customers_search")} autocomplete="off" onInput={(e) => setQ(e.currentTarget.value)} /></span></label>
				<SegmentBar text={segment()} set={setSegment} fault={setBad} />
			</div>
			<Load of={first} again={() => void refetch()} lines={12}>{() => (
				<Show when={rows().length} fallback={
					<Show when={filtered()} fallback={<Empty picture="people" title={t("customers_none")}><p>{t("customers_none_body")}</p><code>relance import shop.db orders.csv</code></Empty>}>
						<Empty picture="people" title={t("customers_nomatch")}><p>{t("customers_nomatch_body")}</p>
							<button class="btn" onClick={() => { setQ(""); setSegment(""); }}>{t("all")}</button></Empty></Show>}>
					<div class="tools"><CsvButton onClick={csv} /></div>
					<table class="rows cust" classList={{ stale: bad() }}>
						<thead><tr><th scope="col">{t("customer")}</th><th scope="col" class="w">{t("email")}</th><th scope="col">{t("phase")}</th>
							<th scope="col" class="num">{t("orders")}</th><th scope="col" class="num">{t("spend")}</th><th scope="col" class="num w">{t("last_order")}</th></tr></thead>
						<tbody><For each={rows()}>{(c) => (
							<tr onClick={(e) => (e.target as HTMLElement).tagName !== "A" && go("/customers/" + c.id)}>
								<td><a class="t" href={href("/customers/" + c.id)}>{c.name || c.ref}</a></td><td class="w mute">{c.email}</td>
								<td class="nw"><i class={"lc " + c.phase} />{word("phase1", c.phase)}</td><td class="num">{num(c.orders)}</td><td class="num">{money(c.spend)}</td>
								<td class="num w"><Show when={c.last_order} fallback={<span class="mute">{t("never")}</span>}><span title={exact(c.last_order!)}>{day(c.last_order!)}</span></Show></td></tr>
						)}</For></tbody>
					</table>
					<Show when={next()} keyed>{(n) => <Show when={n !== null}><Sentinel seen={() => void more()} /></Show>}</Show>
				</Show>
			)}</Load>
			<span hidden>{locale()}</span>
		</Page>
	);
}
