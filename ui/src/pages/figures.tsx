// Figures: what each plan brings with its band, the months, and a few numbers with their formula.
import { For, Show, createResource, createSignal } from "solid-js";
import { get, type Figures as Data } from "../api";
import { Chart } from "../chart";
import { dayOf, money, month, monthSpan, now, num, pct, people, shop, theDay } from "../fmt";
import { learn, locale, t, word } from "../i18n";
import { planTitle } from "../live";
import { href, query, setQuery } from "../router";
import { CsvButton, Empty, Load, Page, Rich, Section, saveCsv } from "../ui";
import { FigureTabs } from "./figure-tabs";
import { GainBands } from "./today";
import { figures as words } from "../words/figures";

learn(words);

const those = (segment: string) => href(`/customers?segment=${encodeURIComponent(segment)}`);
/** Who a number was counted from. */
const BEHIND: Record<string, string> = { average_basket: those("orders(last 12 months) >= 1"), buyers_12m: those("orders(last 12 months) >= 1"), open_rate: href(people("opened")), click_rate: href(people("clicked")) };

const PERIODS = ["1", "3", "12", "24"] as const;
const value = (k: Data["kpis"][number]) => (k.value === null || k.value === undefined ? null
	: k.unit === "money" || k.unit === "minor" || k.unit === shop().currency ? money(k.value) : k.unit === "share" || k.unit === "ratio" ? pct(k.value, 1)
	: k.unit === "%" ? pct(k.value / 100, 1) : `${num(k.value, 2)}${k.unit && !["count", "number", "customers"].includes(k.unit) ? "\u00a0" + k.unit : ""}`);

/** "300 k€" on an axis. */
const short = (v: number) => new Intl.NumberFormat(locale() === "fr" ? "fr-FR" : "en-GB", { style: "currency", currency: shop().currency, notation: "compact", maximumFractionDigits: 1 }).format(v / 10 ** shop().exponent);

function Months(p: { rows: Data["months"] }) {
	const [table, setTable] = createSignal(false);
	const csv = () => saveCsv("months.csv", [t("month"), t("orders"), t("revenue"), t("new_customers"), t("basket")],
		p.rows.map((m) => [m.month, m.orders, m.revenue / 10 ** shop().exponent, m.new_customers, m.mean_basket / 10 ** shop().exponent]));
	return (
		<Section title={t("by_month")} more={<><button class="lnk" onClick={() => setTable(!table())}>{table() ? t("chart_view") : t("table_view")}</button> <CsvButton onClick={csv} /></>}>
			<Show when={!table()} fallback={
				<table class="rows wide"><thead><tr><th scope="col">{t("month")}</th><th scope="col" class="num">{t("orders")}</th><th scope="col" class="num">{t("revenue")}</th><th scope="col" class="num">{t("new_customers")}</th><th scope="col" class="num">{t("basket")}</th></tr></thead>
					<tbody><For each={[...p.rows].reverse()}>{(m) => <tr><td>{month(m.month)}</td><td class="num">{m.orders ? <a href={those(`orders(${monthSpan(m.month, 0)}) >= 1`)}>{num(m.orders)}</a> : num(0)}</td><td class="num">{m.revenue ? <a href={those(`orders(${monthSpan(m.month, 0)}) >= 1`)}>{money(m.revenue, true)}</a> : money(0, true)}</td><td class="num">{m.new_customers ? <a href={those(`first_order in ${monthSpan(m.month, 0)}`)}>{num(m.new_customers)}</a> : num(0)}</td><td class="num">{m.orders ? <a href={those(`orders(${monthSpan(m.month, 0)}) >= 1`)}>{money(m.mean_basket)}</a> : "–"}</td></tr>}</For></tbody></table>}>
				<div class="duo">
					<figure><figcaption class="mute">{t("revenue")}</figcaption><Chart height={180} label={t("revenue")} x={p.rows.map((m) => Date.parse(m.month.slice(0, 7) + "-15") / 1000)} format={short}
						series={[{ label: t("revenue"), values: p.rows.map((m) => m.revenue), color: "--accent-band", bars: true }]} /></figure>
					<figure><figcaption class="mute">{t("orders_and_new")}</figcaption><Chart ends height={180} label={t("orders_and_new")} x={p.rows.map((m) => Date.parse(m.month.slice(0, 7) + "-15") / 1000)}
						series={[{ label: t("orders"), values: p.rows.map((m) => m.orders), color: "--accent", fill: true }, { label: t("first_ones"), values: p.rows.map((m) => m.new_customers), color: "--ink-2", dash: true }]} /></figure>
				</div>
			</Show>
		</Section>
	);
}

export default function Figures() {
	const period = () => query("p") || "12";
	const from = () => dayOf(new Date(now().getTime() - Number(period()) * 30.4375 * 86400000));
	const [figures, { refetch }] = createResource(from, (f) => get<Data>(`/figures?from=${f}&to=${dayOf(now())}`));
	const cell = (is: string, p: Data["plans"][number], n: number) => <Show when={n} fallback={num(n)}><a href={href(people(is, { plan: p.name, from: from(), to: dayOf(now()) }))}>{num(n)}</a></Show>;
	const rate = (is: string, p: Data["plans"][number], n: number) => <Show when={p.knowable} fallback={<span class="mute">–</span>}>{cell(is, p, n)}<small>{pct(n / p.knowable)}</small></Show>;
	return (
		<Load of={figures} again={() => void refetch()} lines={12}>{(f) => {
			const sum = (k: "orders" | "revenue") => f().plans.reduce((n, p) => n + p[k], 0);
			const csv = () => saveCsv("plans.csv", [t("plan"), t("entered"), t("control"), t("sent"), t("opened"), t("clicked"), t("orders"), t("revenue"), t("gain_col"), "min", "max"],
				f().plans.map((p) => [p.name, p.entered, p.control, p.sent, p.opened, p.clicked, p.orders, p.revenue / 10 ** shop().exponent, ...(p.uplift ? [p.uplift.value, p.uplift.low, p.uplift.high].map((v) => v / 10 ** shop().exponent) : [null, null, null])]));
			const measured = () => f().plans.filter((p) => p.uplift);
			const said = () => {
				const all = measured().length, n = measured().filter((p) => p.uplift!.verdict === "brought").length;
				return !all ? t("figures_est_none") : n ? t("figures_est", { n, all }) : t("figures_est_zero", { n: all, all });
			};
			return (
				<Page title={t("figures_title")} actions={<div class="seg" role="group" aria-label={t("period")}><For each={PERIODS}>{(p) => <button aria-pressed={period() === p} onClick={() => setQuery("p", p === "12" ? "" : p)}>{t(`period_${p}`)}</button>}</For></div>}
					answer={<Show when={f().plans.length}><Rich text={t("figures_answer", { since: theDay(from()), n: sum("orders"), sum: money(sum("revenue"), true) }) + " " + said()} /></Show>}>
					<FigureTabs now="" />
					<Show when={f().plans.length || f().months.some((m) => m.orders)} fallback={<Empty picture="curve" title={t("figures_none")}><p>{t("figures_none_body")}</p><a class="btn" href={href("/plans")}>{t("see_plans")}</a></Empty>}>
						<Section title={t("gain_measured")} note={t("gain_note")}><GainBands figures={f()} /></Section>
						<Section id="results" title={t("results")} note={t("rates_note")} more={<CsvButton onClick={csv} />}>
							<table class="rows wide"><thead><tr><th scope="col">{t("plan")}</th><For each={["entered", "control", "sent", "opened", "clicked", "orders", "revenue"] as const}>{(k) => <th scope="col" class="num">{t(k)}</th>}</For></tr></thead>
								<tbody><For each={f().plans}>{(p) => <tr><td><a class="t" href={href("/plans/" + p.name)}>{p.title ?? planTitle(p.name)}</a></td><td class="num">{cell("entered", p, p.entered)}</td><td class="num">{cell("control", p, p.control)}</td><td class="num">{cell("sent", p, p.sent)}</td>
									<td class="num rate">{rate("opened", p, p.opened)}</td><td class="num rate">{rate("clicked", p, p.clicked)}</td><td class="num">{cell("brought", p, p.orders)}</td><td class="num">{p.revenue ? <a href={href(people("brought", { plan: p.name, from: from(), to: dayOf(now()) }))}>{money(p.revenue, true)}</a> : money(0, true)}</td></tr>}</For></tbody></table>
						</Section>
						<Show when={f().months.length}><Months rows={f().months} /></Show>
						<Show when={f().kpis.length}><Section title={t("kpis")}><dl class="kpis"><For each={f().kpis}>{(k) => <div><dt>{word("kpi", k.name)}</dt><dd><Show when={value(k)} fallback={<span class="mute">{t("unknown")}</span>}>{BEHIND[k.name] ? <a href={BEHIND[k.name]}>{value(k)}</a> : value(k)}</Show></dd><dd class="fo"><small>{value(k) === null && k.unknown_because ? t("unknown_because", { why: k.unknown_because }) : word("formula", k.name) === k.name.replace(/_/g, " ") ? k.formula : word("formula", k.name)}</small></dd></div>}</For></dl></Section></Show>
					</Show>
				</Page>
			);
		}}</Load>
	);
}
