// The business case: what selling again to one's own customers is worth, from the shop's year or the trade's reference case,
// with a slider for each assumption.
import { For, Show, createEffect, createResource, createSignal, on } from "solid-js";
import { get } from "../api";
import { money, month, num, pct, shop } from "../fmt";
import { learn, t, word } from "../i18n";
import { planTitle } from "../live";
import { href, query, setQuery } from "../router";
import { CsvButton, Load, Page, Rich, Section, rested, saveCsv } from "../ui";
import { figures as words } from "../words/figures";
import { Behind, type Asked } from "./behind";
import { FigureTabs, NoOrders, noOrders } from "./figure-tabs";

learn(words);
interface Input { name: string; kind: "people" | "percent" | "money"; value: number }
interface Case {
	from: string; year_from: string | null; year_until: string | null; inputs: Input[];
	lines: { line: string; name: string; before: number; after: number; gain: number; explanation: string }[];
	before: number; after: number; gain: number; net: number; return_percent: number | null; gain_low: number | null; gain_high: number | null;
	plans: { name: string; counts: boolean; text: string }[]; missing: string[];
}
const PAIRS: [word: string, before: string, after: string | null][] = [
	["prospects", "prospects", null], ["rate", "rate", "rate-after"], ["basket", "basket", "basket-after"],
	["loyal", "loyal", "loyal-after"], ["loyal-value", "loyal-value", "loyal-value-after"],
	["customers", "customers", null], ["active", "active", "active-after"], ["active-value", "active-value", "active-value-after"], ["extra-value", "extra-value", null], ["cost", "cost", null],
];

export default function CasePage() {
	const from = () => query("from") || "shop";
	const [given, setGiven] = createSignal<Record<string, number>>({});
	const [behind, setBehind] = createSignal<Asked | null>(null);
	/** An amount of the shop's own year opens the people it was counted from; the trade's reference case has none. */
	const Opens = (o: { line: Case["lines"][number]; value: number }) => <Show when={from() === "shop"} fallback={money(o.value, true)}>
		<button class="open" onClick={() => setBehind({ title: o.line.name, note: o.line.explanation, path: `/case/${o.line.line}`, ask: "" })}>{money(o.value, true)}</button></Show>;
	createEffect(on(from, () => setGiven({}), { defer: true }));
	const asked = rested(() => `/case?from=${from()}` + Object.entries(given()).map(([k, v]) => `&${k}=${v}`).join(""), 60);
	const [data, { refetch }] = createResource(asked, (url) => get<Case>(url));
	/** The furthest a slider goes is fixed by what came first, so that it does not run away under the thumb. */
	const [base, setBase] = createSignal<Record<string, number>>({});
	createEffect(() => { const d = data.error ? undefined : data.latest; if (d && !Object.keys(given()).length) setBase(Object.fromEntries(d.inputs.map((i) => [i.name, i.value]))); });
	const most = (i: Input) => (i.kind === "percent" ? 100 : Math.max(10, 2 * (base()[i.name] || base()[i.name.replace("-after", "")] || (i.kind === "money" ? 20000 : 1000))));
	const say = (i: Input, v: number) => (i.kind === "money" ? money(v, v >= 100000) : i.kind === "percent" ? pct(v / 100, 1) : num(v));
	const Slider = (p: { input: Input | undefined; label: string }) => (
		<Show when={p.input}>{(i) => (
			<label class="slide"><span>{p.label}<b>{say(i(), given()[i().name] ?? i().value)}</b></span>
				<input type="range" aria-label={p.label} min="0" max={most(i())} step={i().kind === "percent" ? 0.1 : i().kind === "money" ? 50 : 1} value={given()[i().name] ?? i().value}
					onInput={(e) => setGiven((g) => ({ ...g, [i().name]: Number(e.currentTarget.value) }))} /></label>
		)}</Show>
	);
	const Choice = () => <div class="seg" role="group" aria-label={t("case_from")}><For each={["shop", "reference"] as const}>{(x) => <button aria-pressed={from() === x} onClick={() => setQuery("from", x === "shop" ? "" : x)}>{t(`case_${x}`)}</button>}</For></div>;
	return (
		<Show when={!noOrders(data.error)} fallback={<Page title={t("case_title")} actions={<Choice />}><FigureTabs now="case" /><NoOrders /></Page>}><Load of={data} again={() => void refetch()} lines={12}>{(d) => {
			const of = (name: string | null) => d().inputs.find((i) => i.name === name);
			const top = () => Math.max(1, ...d().lines.flatMap((l) => [l.before, l.after]));
			const csv = () => saveCsv("case.csv", ["", t("case_before"), t("case_after"), t("case_gain")], [...d().lines.map((l) => [l.name, ...[l.before, l.after, l.gain].map((v) => v / 10 ** shop().exponent)]), [t("total"), ...[d().before, d().after, d().gain].map((v) => v / 10 ** shop().exponent)]]);
			const sentence = () => t(d().gain ? "case_answer" : "case_answer_same", { before: money(d().before, true), after: money(d().after, true), gain: money(d().gain, true) });
			return (
				<Page title={t("case_title")} actions={<Choice />}
					answer={<Rich text={sentence()
						+ (d().gain_low !== null && d().gain_high !== null ? " " + t("case_band", { low: money(d().gain_low!, true), high: money(d().gain_high!, true) }) : "")} />}>
					<FigureTabs now="case" />
					<div class="split wide">
						<Section class="side" title={t("case_inputs")} note={from() === "shop" && d().year_from ? t("case_year", { from: month(d().year_from!), until: month(d().year_until ?? d().year_from!) }) : t("case_reference_note")}
							more={<Show when={Object.keys(given()).length}><button class="lnk" onClick={() => setGiven({})}>{t("case_reset")}</button></Show>}>
							<div class="slides"><For each={PAIRS}>{(x) => <div><Slider input={of(x[1])} label={x[2] ? `${word("case", x[0])}, ${t("case_before").toLocaleLowerCase()}` : word("case", x[0])} /><Slider input={of(x[2])} label={`${word("case", x[0])}, ${t("case_after").toLocaleLowerCase()}`} /></div>}</For></div>
							<Show when={d().gain}><p class="stays" aria-hidden="true"><Rich text={sentence()} /></p></Show>
						</Section>
						<div>
							<Section title={t("case_lines")} more={<CsvButton onClick={csv} />}>
								<table class="rows"><thead><tr><th scope="col">{t("case_line")}</th><th scope="col" class="num w">{t("case_before")}</th><th scope="col" class="num">{t("case_after")}</th><th scope="col" class="num">{t("case_gain")}</th></tr></thead>
									<tbody><For each={d().lines}>{(l) => <tr><td><b>{l.name}</b><small class="why2">{l.gain ? l.explanation.replace("→", "\n→") : l.explanation.split("→")[0]}</small>
										<span class="twobars" aria-hidden="true"><i style={{ width: (100 * l.before) / top() + "%" }} /><i class="a" style={{ width: (100 * l.after) / top() + "%" }} /></span></td>
										<td class="num w"><Opens line={l} value={l.before} /></td><td class="num"><Opens line={l} value={l.after} /></td><td class="num">{l.gain ? <Opens line={l} value={l.gain} /> : "–"}</td></tr>}</For></tbody>
									<tfoot><tr class="sum"><td>{t("total")}</td><td class="num w">{money(d().before, true)}</td><td class="num">{money(d().after, true)}</td><td class="num">{money(d().gain, true)}</td></tr></tfoot></table>
								<dl class="cost net"><dt>{t("case_cost")}</dt><dd>{money(of("cost")?.value ?? 0, true)}</dd><Show when={d().gain}><dt>{t("case_net")}</dt><dd><b>{money(d().net, true)}</b></dd></Show>
									<Show when={d().return_percent !== null && d().gain}><dt>{t("case_return")}</dt><dd>{pct(d().return_percent! / 100)}</dd></Show></dl>
							</Section>
							<Show when={from() === "shop" && d().plans.length}><Section title={t("case_plans")} note={t("case_plans_note")}>
								<ul class="stand"><For each={d().plans}>{(x) => <li><a class="t0" href={href("/plans/" + x.name)}><b>{planTitle(x.name)}</b></a><p classList={{ good: x.counts }}>{x.text}</p></li>}</For></ul></Section></Show>
							<For each={d().missing}>{(m) => <p class="note">{m}</p>}</For>
						</div>
					</div>
					<Show when={behind()} keyed>{(of) => <Behind of={of} close={() => setBehind(null)} />}</Show>
				</Page>
			);
		}}</Load></Show>
	);
}
