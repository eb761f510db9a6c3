// What the customers are worth: recency, frequency and amount; who makes most of the revenue; who comes back.
import { For, Show, createResource, createSignal } from "solid-js";
import { get } from "../api";
import { Chart } from "../chart";
import { money, month, monthSpan as span, num, pct, shop } from "../fmt";
import { learn, t } from "../i18n";
import { href } from "../router";
import { CsvButton, Load, Page, Rich, Section, saveCsv } from "../ui";
import { figures as words } from "../words/figures";
import { FigureTabs, NoOrders } from "./figure-tabs";

learn(words);
interface Value {
	segments: { segment: string; name: string; advice: string; customers: number; spend: number }[];
	share: { count: number; total: number; top_20_share: number; count_for_80: number; curve: number[] } | null;
	cohorts: { month: string; active: number[] }[];
}

/** The people of a condition. */
const those = (segment: string, more = "") => href(`/customers?segment=${encodeURIComponent(segment)}${more}`);

/** Each month's newcomers, and the part of them that ordered 1, 2, 3 … months later: the deeper, the more. */
function Cohorts(p: { rows: Value["cohorts"] }) {
	const [wide, setWide] = createSignal(false);
	const rows = () => (wide() ? p.rows : p.rows.slice(-13));
	const columns = () => Math.max(0, ...rows().map((r) => r.active.length)) - 1;
	const share = (r: Value["cohorts"][number], k: number) => (r.active[0] ? r.active[k] / r.active[0] : 0);
	const csv = () => saveCsv("cohorts.csv", [t("month"), t("new_customers"), ...Array.from({ length: columns() }, (_, k) => `+${k + 1}`)], rows().map((r) => [r.month, ...r.active]));
	return (
		<Section title={t("cohorts")} note={t("cohorts_note")} more={<><Show when={p.rows.length > 13}><button class="lnk" onClick={() => setWide(!wide())}>{wide() ? t("cohorts_year") : t("cohorts_all")}</button> </Show><CsvButton onClick={csv} /></>}>
			<div class="scroll" tabindex="0" role="region" aria-label={t("cohorts")}><table class="heat"><thead><tr><th scope="col">{t("month")}</th><th scope="col" class="num">{t("new_customers")}</th>
				<For each={Array.from({ length: columns() }, (_, k) => k + 1)}>{(k) => <th scope="col" class="num">+{k}</th>}</For></tr></thead>
				<tbody><For each={rows()}>{(r) => <tr><th scope="row">{month(r.month)}</th><td class="num">{r.active[0] ? <a href={those(`first_order in ${span(r.month, 0)}`)}>{num(r.active[0])}</a> : num(0)}</td>
					<For each={Array.from({ length: columns() }, (_, k) => k + 1)}>{(k) => <td><Show when={k < r.active.length}><Show when={r.active[k]} fallback={<i style={{ "--s": "0%" }}>{pct(0)}</i>}><a style={{ "--s": Math.min(60, share(r, k) * 130) + "%" }} title={num(r.active[k])} href={those(`first_order in ${span(r.month, 0)} and orders(${span(r.month, k)}) >= 1`)}>{pct(share(r, k))}</a></Show></Show></td>}</For></tr>}</For></tbody></table></div>
		</Section>
	);
}

export default function ValuePage() {
	const [value, { refetch }] = createResource(() => get<Value>("/value"));
	const [table, setTable] = createSignal(false);
	return (
		<Load of={value} again={() => void refetch()} lines={12}>{(v) => {
			const most = () => Math.max(1, ...v().segments.map((s) => s.spend)), many = () => Math.max(1, ...v().segments.map((s) => s.customers));
			const all = () => v().segments.reduce((n, s) => n + s.spend, 0);
			const csv = () => saveCsv("rfm.csv", [t("rfm_segment"), t("rfm_customers"), t("revenue")], v().segments.map((s) => [s.name, s.customers, s.spend / 10 ** shop().exponent]));
			return (
				<Page title={t("value_page")} answer={<Show when={v().share}>{(s) => <Rich text={t("value_answer", { share: pct(s().top_20_share), n: s().count_for_80, all: num(s().count) })} />}</Show>}>
					<FigureTabs now="value" />
					<Show when={v().segments.length} fallback={<NoOrders />}>
						<Section title={t("rfm")} note={t("rfm_note")} more={<CsvButton onClick={csv} />}>
							<table class="rows rfm"><thead><tr><th scope="col">{t("rfm_segment")}</th><th scope="col" class="num">{t("rfm_customers")}</th><th scope="col" class="bars w"><span class="vh">{t("rfm_customers")}</span></th><th scope="col" class="num">{t("revenue")}</th><th scope="col" class="bars w"><span class="vh">{t("revenue")}</span></th><th scope="col" class="num w">{t("rfm_part")}</th></tr></thead>
								<tbody><For each={v().segments}>{(s) => <tr><td><b>{s.name}</b><br /><small>{s.advice}</small></td><td class="num">{s.customers ? <a href={those(`rfm = ${s.segment}`)}>{num(s.customers)}</a> : num(0)}</td><td class="bars w"><i class="grey" style={{ width: (100 * s.customers) / many() + "%" }} /></td>
									<td class="num">{s.customers ? <a href={those(`rfm = ${s.segment}`, "&sort=-spend")}>{money(s.spend, true)}</a> : money(s.spend, true)}</td><td class="bars w"><i style={{ width: (100 * s.spend) / most() + "%" }} /></td><td class="num w">{pct(all() ? s.spend / all() : 0)}</td></tr>}</For></tbody></table>
						</Section>
						<Show when={v().share}>{(s) => <Section title={t("pareto")} note={t("pareto_note", { share: pct(s().top_20_share) })} more={<button class="lnk" onClick={() => setTable(!table())}>{table() ? t("chart_view") : t("table_view")}</button>}>
							<Show when={!table()} fallback={<table class="rows narrow"><thead><tr><th scope="col">{t("pareto_best")}</th><th scope="col" class="num">{t("rfm_part")}</th></tr></thead><tbody><For each={s().curve}>{(y, i) => <Show when={i() && i() % 2 === 0}><tr><td>{pct(i() / 20)}</td><td class="num">{pct(y)}</td></tr></Show>}</For></tbody></table>}>
							<Chart ends height={220} label={t("pareto_note", { share: pct(s().top_20_share) })} x={s().curve.map((_, i) => i * 5)} ordinal={(x) => pct(x / 100)} format={(y) => pct(y)}
								series={[{ label: t("revenue"), values: s().curve, color: "--accent", fill: true }, { label: t("equality"), values: s().curve.map((_, i) => i / 20), color: "--ink-3", dash: true }]} />
							<p class="note">{t("pareto_axis")}</p></Show></Section>}</Show>
						<Show when={v().cohorts.length > 1}><Cohorts rows={v().cohorts} /></Show>
					</Show>
				</Page>
			);
		}}</Load>
	);
}
