// Who is expected to buy in the coming year, and whether that may be believed: the same model fitted on the first two thirds of
// the shop's history, held against what came after.
import { For, Show, createResource, createSignal } from "solid-js";
import { get } from "../api";
import { money, num, pct, shop, theDay } from "../fmt";
import { learn, t } from "../i18n";
import { href } from "../router";
import { Band, CsvButton, Empty, Load, Page, Rich, Section, saveCsv } from "../ui";
import { figures as words } from "../words/figures";
import { FigureTabs, NoOrders, noOrders } from "./figure-tabs";

learn(words);
interface Expected { customer: number; name: string; repeat_orders: number; alive: number; orders: number; orders_low: number; orders_high: number; revenue: number | null; revenue_low: number | null; revenue_high: number | null }
interface Customers { until: string; weeks: number; items: Expected[] }
interface Holdout { fitted_until: string; until: string; actual: number; predicted: number; low: number; high: number; mean_absolute_error: number; naive_error: number; groups: { repeat_orders: number; and_more: boolean; customers: number; actual: number; predicted: number }[] }

const FEW = 20, MANY = 500;
const one = (v: number) => num(v, 1, 1);

function Best() {
	const [limit, setLimit] = createSignal(FEW);
	const [data, { refetch }] = createResource(limit, (n) => get<Customers>(`/value/customers?limit=${n}`).catch((e) => { if (!noOrders(e)) throw e; return { until: "", weeks: 0, items: [] }; }));
	const csv = () => saveCsv("expected.csv", [t("customer"), t("next_orders"), "min", "max", t("next_alive"), t("next_revenue"), "min", "max"], (data.latest?.items ?? []).map((x) => [x.name, x.orders, x.orders_low, x.orders_high, x.alive, ...[x.revenue, x.revenue_low, x.revenue_high].map((v) => (v === null ? null : Math.round(v) / 10 ** shop().exponent))]));
	return (
		<Section title={t("next_best")} note={t("next_best_note")} more={<CsvButton onClick={csv} />}>
			<Load of={data} again={() => void refetch()} lines={10}>{(d) => {
				const most = () => Math.max(1, ...d().items.map((x) => x.orders_high));
				return <>
					<table class="rows next"><thead><tr><th scope="col">{t("customer")}</th><th scope="col" class="num w">{t("next_had")}</th><th scope="col" class="num">{t("next_orders")}</th><th scope="col" class="bars w"><span class="vh">{t("next_band")}</span></th><th scope="col" class="num w">{t("next_alive")}</th><th scope="col" class="num">{t("next_revenue")}</th></tr></thead>
						<tbody><For each={d().items}>{(x) => <tr><td><a class="t" href={href("/customers/" + x.customer)}>{x.name}</a></td><td class="num w">{num(x.repeat_orders + 1)}</td><td class="num">{one(x.orders)}<small class="rng n">{t("from_to", { a: num(x.orders_low), b: num(x.orders_high) })}</small></td>
							<td class="bars w"><Band low={x.orders_low} high={x.orders_high} value={x.orders} min={0} max={most()} height={20} label={t("next_between", { low: num(x.orders_low), high: num(x.orders_high) })} /></td>
							<td class="num w">{pct(x.alive)}</td><td class="num"><Show when={x.revenue !== null} fallback="–">{money(x.revenue!, true)}<small class="rng">{t("from_to", { a: num(Math.round(x.revenue_low! / 10 ** shop().exponent)), b: money(x.revenue_high!, true) })}</small></Show></td></tr>}</For></tbody></table>
					<p class="note">{t("next_note")} <Show when={limit() === FEW && d().items.length === FEW}><button class="lnk" onClick={() => setLimit(MANY)}>{t("next_more", { n: MANY })}</button></Show></p></>;
			}}</Load>
		</Section>
	);
}

/** What was foreseen beside what came, by how often people had come back before. */
function Groups(p: { of: Holdout }) {
	const most = () => Math.max(1, ...p.of.groups.flatMap((g) => [g.actual, g.predicted]));
	const bar = (v: number, kind: string) => <i class={kind} style={{ width: (100 * v) / most() + "%" }} />;
	return (
		<table class="rows holdout"><thead><tr><th scope="col">{t("next_group")}</th><th scope="col" class="num">{t("customers_n")}</th><th scope="col" class="num"><i class="lc w" style={{ "--lc": "var(--band-unknown)" }} />{t("next_foreseen")}</th><th scope="col" class="num"><i class="lc w" style={{ "--lc": "var(--accent-band)" }} />{t("next_came")}</th><th scope="col" class="bars w"><span class="vh">{t("next_came")}</span></th></tr></thead>
			<tbody><For each={p.of.groups}>{(g) => <tr><td>{g.and_more ? t("next_times_more", { n: g.repeat_orders }) : t("next_times", { n: g.repeat_orders })}</td><td class="num">{num(g.customers)}</td><td class="num">{num(Math.round(g.predicted))}</td><td class="num">{num(g.actual)}</td>
				<td class="bars w pair">{bar(g.predicted, "grey")}{bar(g.actual, "")}</td></tr>}</For></tbody></table>
	);
}

function Proof(p: { of: Holdout }) {
	const csv = () => saveCsv("holdout.csv", [t("next_group"), t("customers_n"), t("next_foreseen"), t("next_came")], p.of.groups.map((g) => [g.repeat_orders + (g.and_more ? "+" : ""), g.customers, g.predicted, g.actual]));
	const edge = () => Math.max(p.of.high, p.of.actual) * 1.08;
	return (
		<Section id="proof" title={t("next_proof")} note={t("next_proof_note", { cut: theDay(p.of.fitted_until) })} more={<CsvButton onClick={csv} />}>
			<div class="foreseen"><Band low={p.of.low} high={p.of.high} value={p.of.actual} min={0} max={edge()} height={40} label={t("next_between", { low: num(Math.round(p.of.low)), high: num(Math.round(p.of.high)) })} />
				<p class="mute"><Rich text={t("next_proof_say", { low: num(Math.round(p.of.low)), high: num(Math.round(p.of.high)), actual: num(p.of.actual) })} /></p></div>
			<Groups of={p.of} />
			<p class="note">{t("next_error", { ours: num(p.of.mean_absolute_error, 2), naive: num(p.of.naive_error, 2) })}</p>
		</Section>
	);
}

export default function NextPage() {
	const [none, setNone] = createSignal(false);
	const [proof] = createResource(() => get<Holdout>("/value/holdout").catch((e) => { setNone(noOrders(e)); return null; }));
	const answer = () => { const h = proof.latest; return h && t(h.actual >= h.low && h.actual <= h.high ? "next_answer_in" : "next_answer_out", { predicted: num(Math.round(h.predicted)), actual: num(h.actual), since: theDay(h.fitted_until) }); };
	return (
		<Page title={t("next_title")} answer={<Show when={!none()}><Rich text={answer() || t("next_answer_none")} /></Show>}>
			<FigureTabs now="next" />
			<Show when={!none()} fallback={<NoOrders />}><Best />
			<Show when={!proof.loading}><Show when={proof()} fallback={<Empty picture="curve" title={t("next_proof")}><p>{t("next_proof_none")}</p><a class="btn" href={href("/figures/value")}>{t("tab_value")}</a></Empty>}>{(h) => <Proof of={h()} />}</Show></Show></Show>
		</Page>
	);
}
