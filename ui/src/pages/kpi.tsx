// The key figures: each with its formula, its course, the period before, and the rows it was counted from; and what the shop
// set itself to reach.
import { For, Match, Show, Switch, createResource, createSignal, type JSX } from "solid-js";
import { call, get, may } from "../api";
import { dayOf, money, month, monthSpan, now, num, pct, shop } from "../fmt";
import { learn, locale, t, word } from "../i18n";
import { href, query, setQuery } from "../router";
import { CsvButton, Icon, Load, Page, Rich, Section, refuse, saveCsv, toast } from "../ui";
import { figures as words } from "../words/figures";
import { Behind, type Asked } from "./behind";
import { FigureTabs, NoOrders, noOrders } from "./figure-tabs";

learn(words);
interface Value { period: string; value: number | null; previous: number | null; change: number | null; why?: string }
interface Figure { figure: string; name: string; unit: string; better: number; formula: string; rows: boolean; values: Value[] }
interface Kpi { groups: { name: string | null; figures: Figure[] }[] }
interface Objective { id: number; scope: string; measure: string; unit: string; period: string; target: number; reached: number; attainment: number | null; expected: number | null; low: number | null; high: number | null; state: string; title: string; text: string }

const SPANS = { month: 12, quarter: 8, year: 3 } as const;
type By = keyof typeof SPANS;
const STEP = { month: 1, quarter: 3, year: 12 };
/** Figures that are the sum of a model or of plans: where these stand. */
const ELSEWHERE: Record<string, string> = { clv: href("/figures/next"), incremental_margin: href("/figures") };
const ym = (m: number) => `${Math.floor(m / 12)}-${String((m % 12) + 1).padStart(2, "0")}`;
const show = (unit: string, v: number) => (unit === "money" ? money(v, Math.abs(v) >= 100000) : unit === "percent" ? pct(v / 100, 1) : unit === "days" ? t("days_n", { n: num(v, 1) }) : num(v, 1));
const period = (p: string) => (/^\d{4}-\d\d$/.test(p) ? month(p) : /^(\d{4})-Q(\d)$/.test(p) ? p.replace(/^(\d{4})-Q(\d)$/, locale() === "fr" ? "T$2 $1" : "Q$2 $1") : p);

/** The days of "2026-03", "2026-Q1", "2026", as a condition takes them. */
const periodSpan = (p: string) => {
	const [y, q] = p.split("-Q"), first = q ? `${y}-${String(Number(q) * 3 - 2).padStart(2, "0")}` : p.length === 4 ? p + "-01" : p;
	return monthSpan(first, 0).slice(0, 10) + ".." + monthSpan(first, q ? 2 : p.length === 4 ? 11 : 0).slice(12);
};
const big = (s: string) => s.charAt(0).toLocaleUpperCase() + s.slice(1);

/** The course of a figure, in the width of a word. */
function Spark(p: { values: (number | null)[] }) {
	const known = () => p.values.filter((v): v is number => v !== null);
	const path = () => {
		const low = Math.min(0, ...known()), high = Math.max(...known(), low + 1e-9);
		return p.values.map((v, i) => (v === null ? "" : `${i && p.values[i - 1] !== null ? "L" : "M"}${((100 * i) / Math.max(1, p.values.length - 1)).toFixed(1)} ${(22 - (20 * (v - low)) / (high - low)).toFixed(1)}`)).join("");
	};
	return <Show when={known().length > 1}><svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true"><path class="trace" d={path()} /></svg></Show>;
}

function Objectives() {
	const here = () => dayOf(now()).slice(0, 7);
	const [list, { refetch }] = createResource(() => get<{ items: Objective[] }>(`/objectives?period=${here()}`));
	const [measure, setMeasure] = createSignal("revenue");
	const [target, setTarget] = createSignal("");
	async function act(what: () => Promise<unknown>, said?: string) { try { await what(); if (said) toast(said); await refetch(); } catch (e) { refuse(e); } }
	const add = (e: Event) => { e.preventDefault(); void act(async () => {
		await call("POST", "/objectives", { scope: "shop", measure: measure(), period: here(), target: Math.round(Number(target()) * (measure() === "revenue" ? 10 ** shop().exponent : 1)) });
		setTarget("");
	}, t("saved")); };
	return (
		<Section id="objectives" title={t("objectives")} note={month(here(), true)}>
			<Load of={list} lines={2}>{(l) => <>
				<Show when={l().items.length} fallback={<p class="mute">{t("objectives_none")}</p>}>
					<ul class="goals"><For each={l().items}>{(o) => { const top = () => Math.max(o.target, o.reached, o.high ?? 0) || 1; return (
						<li><div class="h"><b>{o.title.replace(/\d{4}-\d\d/, (m) => month(m, true))}</b><span class={o.state === "met" || o.state === "on_track" ? "good est" : o.state === "missed" || o.state === "off_track" ? "wrong est" : "mute est"}><Icon name={o.state === "met" || o.state === "on_track" ? "ok" : o.state === "missed" || o.state === "off_track" ? "warn" : "clock"} />{word("goal", o.state)}</span></div>
							<svg height="20" role="img" aria-label={o.text}><rect class="band bench" x="0" width="100%" y="7" height="6" rx="1" /><Show when={o.low !== null && o.high !== null}><rect class="band unk" x={(100 * o.low!) / top() + "%"} width={(100 * (o.high! - o.low!)) / top() + "%"} y="7" height="6" /></Show>
								<rect class="band" x="0" width={(100 * o.reached) / top() + "%"} y="7" height="6" rx="1" /><rect class="mark" x={`calc(${(100 * o.target) / top()}% - 2px)`} width="2" y="2" height="16" /></svg>
							<p class="mute">{o.text} <Show when={may("plans")}><button class="lnk" onClick={() => void act(() => call("DELETE", `/objectives/${o.id}`))}>{t("objective_remove")}</button></Show></p></li>); }}</For></ul></Show>
				<Show when={may("plans")}><form class="addrow" onSubmit={add}><label class="field"><span>{t("objective_measure")}</span><select value={measure()} onChange={(e) => setMeasure(e.currentTarget.value)}><For each={["revenue", "orders", "volume", "conversion"]}>{(m) => <option value={m}>{word("measure", m)}</option>}</For></select></label>
					<label class="field"><span>{t("objective_target")}</span><span class="united"><input type="number" min="0" step="any" required value={target()} onInput={(e) => setTarget(e.currentTarget.value)} /><i>{measure() === "revenue" ? shop().currency : measure() === "conversion" ? "%" : ""}</i></span></label><button class="btn">{t("objective_add")}</button></form></Show></>}</Load>
		</Section>
	);
}

export default function KpiPage() {
	const by = () => ((query("by") || "month") as By);
	const split = () => query("split");
	const ask = () => {
		const today = dayOf(now()), m = Number(today.slice(0, 4)) * 12 + Number(today.slice(5, 7)) - 1, last = Math.floor(m / STEP[by()]) * STEP[by()] - 1;
		return { last, from: ym(last - (split() ? 1 : SPANS[by()]) * STEP[by()] + 1), to: ym(last) };
	};
	const url = () => `by=${by()}&from=${ask().from}&to=${ask().to}${split() ? "&split=" + split() : ""}`;
	const [data, { refetch }] = createResource(url, (u) => get<Kpi>("/kpi?" + u));
	const [behind, setBehind] = createSignal<Asked | null>(null);
	/** A figure of the last period, or (1) of the one before it; of one group alone when the page is split. */
	const Opens = (o: { f: Figure; back: number; group?: string | null; children: JSX.Element }) => {
		const at = () => ym(ask().last - (o.back + 1) * STEP[by()] + 1);
		const open = () => setBehind({ title: o.group ? `${o.f.name}, ${word("sold", o.group)}` : o.f.name, note: o.f.formula, path: `/kpi/${o.f.figure}`, ask: `by=${by()}&from=${at()}&to=${at()}${o.group ? `&${split()}=${encodeURIComponent(o.group)}` : ""}` });
		return <Show when={o.f.rows} fallback={<Show when={ELSEWHERE[o.f.figure]} fallback={o.children}><a href={ELSEWHERE[o.f.figure]}>{o.children}</a></Show>}><button class="open" onClick={open}>{o.children}</button></Show>;
	};
	const last = (f: Figure) => f.values[f.values.length - 1];
	/** What a shopkeeper looks for first, then the others; what is not known comes last. */
	const FIRST = ["revenue", "orders", "mean_basket", "new_customers", "retention", "clv", "margin_rate", "cross_sell_rate"];
	const rank = (f: Figure) => (FIRST.indexOf(f.figure) + FIRST.length + 1) % (FIRST.length + 1);
	const sorted = (l: Figure[]) => [...l].sort((a, b) => Number(last(b)?.value !== null) - Number(last(a)?.value !== null) || rank(a) - rank(b));
	const why = (f: Figure) => { const said = word("kpi_do", f.figure); return t("unknown_because", { why: said === f.figure.replace(/_/g, " ") ? last(f)?.why ?? "" : said }); };
	const Change = (p: { f: Figure }) => {
		const v = () => last(p.f);
		return <Show when={v()?.change !== null && v()?.change !== undefined} fallback={<span class="mute">–</span>}><span class={"est " + (Math.abs(v()!.change!) < 0.05 ? "mute" : v()!.change! * p.f.better > 0 ? "good" : "wrong")}>{Math.abs(v()!.change!) < 0.05 ? "=" : (v()!.change! > 0 ? "+" : "") + (p.f.unit === "percent" ? t("points", { n: num(v()!.change!, 1) }) : pct(v()!.change! / 100, 1))}</span></Show>;
	};
	return (
		<Show when={!noOrders(data.error)} fallback={<Page title={t("kpi_title")}><FigureTabs now="kpi" /><NoOrders /></Page>}><Load of={data} again={() => void refetch()} lines={14}>{(d) => {
			const figures = () => d().groups[0]?.figures ?? [];
			const of = (name: string) => figures().find((f) => f.figure === name);
			const csv = () => saveCsv("kpi.csv", ["", t("kpi_figure"), t("kpi_unit"), ...(split() ? [t("kpi_now"), t("kpi_before")] : figures()[0]?.values.map((v) => v.period) ?? [])],
				d().groups.flatMap((g) => g.figures.map((f) => [g.name ?? "", f.name, f.unit, ...(split() ? [last(f)?.value, last(f)?.previous] : f.values.map((v) => v.value))])));
			const revenue = () => of("revenue"), value = (f: Figure | undefined) => (f && last(f)?.value !== null ? show(f.unit, last(f)!.value!) : "–");
			return (
				<Page title={t("kpi_title")} actions={<div class="seg" role="group" aria-label={t("period")}><For each={Object.keys(SPANS) as By[]}>{(b) => <button aria-pressed={by() === b} onClick={() => setQuery("by", b === "month" ? "" : b)}>{t(`kpi_${b}`)}</button>}</For></div>}
					answer={<Show when={!split() && revenue() && last(revenue()!)}>{(v) => <Rich text={t("kpi_answer", { period: big(/^\d{4}-\d\d$/.test(v().period) ? month(v().period, true) : period(v().period)), sum: value(revenue()), orders: value(of("orders")), basket: value(of("mean_basket")), who: `/customers?segment=${encodeURIComponent(`orders(${periodSpan(v().period)}) >= 1`).replace(/[()]/g, (c) => (c === "(" ? "%28" : "%29"))}` })} />}</Show>}>
					<FigureTabs now="kpi" />
					<Show when={!split()}><Objectives /></Show>
					<Section title={t("kpis")} note={split() ? t("kpi_split_note", { period: period(last(figures()[0])?.period ?? "") }) : t("kpi_note")} more={<><label class="pick"><span class="vh">{t("kpi_split")}</span><select value={split()} onChange={(e) => setQuery("split", e.currentTarget.value)}><option value="">{t("kpi_whole")}</option><For each={["channel", "category", "store", "seller", "sector"] as const}>{(s) => <option value={s}>{t(`kpi_by_${s}`)}</option>}</For></select></label><CsvButton onClick={csv} /></>}>
						<Switch>
							<Match when={split()}><div class="scroll" tabindex="0" role="region" aria-label={t("kpis")}><table class="rows"><thead><tr><th scope="col">{t("kpi_figure")}</th><For each={d().groups}>{(g) => <th scope="col" class="num">{g.name ? word("sold", g.name) : "–"}</th>}</For></tr></thead>
								<tbody><For each={figures().filter((_f, i) => d().groups.some((g) => last(g.figures[i])?.value !== null))}>{(f) => <tr><td title={f.formula}>{f.name}</td><For each={d().groups}>{(g) => { const x = () => g.figures.find((y) => y.figure === f.figure); return <td class="num"><Show when={x() && last(x()!)?.value !== null} fallback="–"><Opens f={x()!} back={0} group={g.name}>{value(x())}</Opens></Show></td>; }}</For></tr>}</For></tbody></table></div></Match>
							<Match when={true}><table class="rows kpit"><thead><tr><th scope="col">{t("kpi_figure")}</th><th scope="col" class="w"><span class="vh">{t("kpi_course")}</span></th><th scope="col" class="num">{period(figures()[0]?.values.slice(-1)[0]?.period ?? "")}</th><th scope="col" class="num w">{t("kpi_before")}</th><th scope="col" class="num">{t("kpi_change")}</th></tr></thead>
								<tbody><For each={sorted(figures())}>{(f) => <tr><td><b>{f.name}</b><br /><small>{last(f)?.value === null ? why(f) : f.formula}</small></td><td class="w"><Spark values={f.values.map((v) => v.value)} /></td>
									<td class="num"><Show when={last(f) && last(f).value !== null} fallback={<span class="mute">{t("unknown")}</span>}><Opens f={f} back={0}><b>{value(f)}</b></Opens></Show></td>
									<td class="num w mute"><Show when={last(f) && last(f).previous !== null} fallback="–"><Opens f={f} back={1}>{show(f.unit, last(f).previous!)}</Opens></Show></td><td class="num"><Change f={f} /></td></tr>}</For></tbody></table></Match>
						</Switch>
					</Section>
					<Show when={behind()} keyed>{(of) => <Behind of={of} close={() => setBehind(null)} />}</Show>
				</Page>
			);
		}}</Load></Show>
	);
}
