// What leaves today, what it brought, what needs somebody: three answers without a click.
import { For, Show, createMemo, createResource, createSignal } from "solid-js";
import { planTitle, refreshToday, today, waiting } from "../live";
import { call, get, may, type Figures, type Held, type Leaving, type LifeDay, type Page as Rows, type Phases, type PlanRow } from "../api";
import { dayOf, day, exact, hour, longDay, money, month, now, num, pct, people, spoken, theDay, toWhen } from "../fmt";
import { locale, t, word } from "../i18n";
import { href } from "../router";
import { Chart } from "../chart";
import { Band, ChannelIcon, Empty, Icon, Load, Page, Rich, Section } from "../ui";

export const PHASES = ["ambassador", "loyal", "new", "lapsing", "former", "prospect"] as const;
const KIND_ICON: Record<string, string> = { complaint: "warn", approval: "two", request: "del", retention: "del", uncertain: "ask", unwritten: "warn" };
/** The day of a plan: a line from 8 h to 20 h, a disc where messages leave, its area their number. */
function Strip(p: { rows: Leaving[]; most: number }) {
	const place = (h: number) => Math.min(98, Math.max(2, ((h - 7) / 14) * 100));
	const at = (iso: string) => { const d = shopHour(iso); return place(d); };
	return (
		<svg class="strip" height="32" aria-hidden="true">
			<line class="axis" x1="0" x2="100%" y1="16" y2="16" />
			<line class="now" x1={at(now().toISOString()) + "%"} x2={at(now().toISOString()) + "%"} y1="-8" y2="40" />
			<For each={hours(p.rows)}>{(r) => (
				<circle class="bub" cx={at(r.next_at!) + "%"} cy="16" r={Math.max(3, 13 * Math.sqrt(r.count / p.most))} />
			)}</For>
		</svg>
	);
}
/** All channels of a plan that leave at the same hour are one disc. */
function hours(rows: Leaving[]): Leaving[] {
	const by = new Map<string, Leaving>();
	for (const r of rows) {
		if (!r.next_at) continue;
		const k = r.next_at.slice(0, 13), had = by.get(k);
		by.set(k, had ? { ...had, count: had.count + r.count } : r);
	}
	return [...by.values()];
}
function shopHour(iso: string): number {
	const m = /(\d+)\D+(\d+)?/.exec(hour(iso).replace(/\u00a0/g, " ")) ?? ["", "0", "0"];
	return Number(m[1]) + Number(m[2] ?? 0) / 60;
}

/** No plan is on yet: the page says what is missing. */
const [fresh, setFresh] = createSignal(false);
/** Before the first message: who is there, who may be written to, and a plan; what is done has its tick, the next step its button. */
function First(p: { people: number }) {
	const [ready] = createResource(async () => {
		const [plans, can] = await Promise.all([get<Rows<PlanRow>>("/plans"), call<{ count: number }>("POST", "/segments/count", { text: MAY })]);
		const on = plans.items.some((x) => x.state !== "off" && x.state !== "never");
		setFresh(!on);
		return { on, may: can.count };
	});
	return (
		<Load of={ready} lines={5}>{(r) => {
			const steps = () => [
				{ title: t("first_people"), done: p.people > 0, text: p.people ? t("first_people_done", { n: p.people }) : t("first_people_do"),
					act: <><code>relance import shop.db orders.csv</code><Show when={may("admin")}><a class="btn main" href={href("/settings?tab=team")}>{t("connect_shop")}</a></Show></> },
				{ title: t("first_may"), done: r().may > 0, text: r().may ? t("first_may_done", { n: r().may, seg: "may%28email%29" }) : t("first_may_do"),
					act: <><code>relance import shop.db consents.csv</code><a class="btn" classList={{ main: p.people > 0 }} href="/join" target="_blank" rel="noopener">{t("first_join")}</a></> },
				{ title: t("first_plan"), done: false, text: t("first_plan_do"),
					act: <a class="btn" classList={{ main: p.people > 0 && r().may > 0 }} href={href("/plans")}>{t("see_plans")}</a> },
			];
			return (
				<Show when={!r().on} fallback={<Empty title={t("leave_none")}><p>{t("leave_none_body")}</p><a class="btn" href={href("/plans")}>{t("see_plans")}</a></Empty>}>
					<div class="empty first"><h2>{t("first_title")}</h2><ol><For each={steps()}>{(s, i) => (
						<li classList={{ done: s.done }}><i aria-hidden="true"><Show when={s.done} fallback={i() + 1}><Icon name="ok" /></Show></i>
							<div><h3>{s.title}</h3><p><Rich text={s.text} /></p><Show when={!s.done}><div class="btns">{s.act}</div></Show></div></li>)}</For></ol></div>
				</Show>
			);
		}}</Load>
	);
}
const MAY = "may(email)";

function Leave() {
	const data = () => today.latest!;
	const channels = createMemo(() => [...new Set([...data().leaving, ...data().sent_today].map((x) => x.channel))]);
	const plans = createMemo(() => {
		const by = new Map<string, { plan: string; title: string; rows: Leaving[]; gone: Leaving[]; sent: number }>();
		for (const r of data().leaving) {
			const e = by.get(r.plan) ?? { plan: r.plan, title: r.title || r.plan, rows: [], gone: [], sent: 0 };
			e.rows.push(r);
			by.set(r.plan, e);
		}
		for (const r of data().sent_today) {
			const e = by.get(r.plan) ?? { plan: r.plan, title: planTitle(r.plan), rows: [], gone: [], sent: 0 };
			e.sent += r.count;
			e.gone.push({ ...r, title: e.title });
			by.set(r.plan, e);
		}
		for (const e of by.values()) e.rows.sort((a, b) => (a.next_at ?? "").localeCompare(b.next_at ?? ""));
		const total = (e: { rows: Leaving[]; gone: Leaving[] }) => [...e.rows, ...e.gone].reduce((n, r) => n + r.count, 0);
		return [...by.values()].map((e) => ({ ...e, total: total(e) })).sort((a, b) => b.total - a.total);
	});
	const most = () => Math.max(1, ...plans().flatMap((e) => hours(e.rows).map((r) => r.count)));
	const sum = (ch?: string) => [...data().leaving, ...data().sent_today].filter((r) => !ch || r.channel === ch).reduce((n, r) => n + r.count, 0);
	const count = (rows: Leaving[], ch: string) => rows.filter((r) => r.channel === ch).reduce((n, r) => n + r.count, 0);
	return (
		<Show when={plans().length} fallback={<First people={PHASES.reduce((n, k) => n + data().lifecycle[k], 0)} />}>
			<table class="leave">
				<thead><tr><th scope="col">{t("plan")}</th><th scope="col" class="day"><div class="xs" aria-hidden="true">
					<For each={[8, 12, 16, 20]}>{(h) => <span style={{ left: ((h - 7) / 14) * 100 + "%" }} class="m">{locale() === "fr" ? h + "\u00a0h" : h + ":00"}</span>}</For></div>
					<span class="vh">{t("hours_of_day")}</span></th>
					<For each={channels()}>{(c) => <th scope="col" class="num">{word("channel", c)}</th>}</For>
					<th scope="col" class="num">{t("total")}</th></tr></thead>
				<tbody><For each={plans()}>{(e) => (
					<tr>
						<td class="pl"><a class="t" href={href("/plans/" + e.plan)}>{e.title}</a><br />
							<small><Show when={e.rows[0]?.next_at}><span title={exact(e.rows[0].next_at!)}>{t("next_at", { at: hour(e.rows[0].next_at!) })}</span></Show>
								<Show when={e.sent}>{e.rows.length ? ", " : ""}<a href={href(people("today", { plan: e.plan }))}>{t("already_sent", { n: e.sent })}</a></Show></small></td>
						<td class="day"><Strip rows={e.rows} most={most()} /></td>
						<For each={channels()}>{(c) => { const n = () => count([...e.rows, ...e.gone], c); return (
							<td class="num c" classList={{ zero: !n() }} data-l={word("channel", c)}><Show when={n()} fallback="–"><a href={href(people(count(e.rows, c) ? "leaving" : "today", { plan: e.plan, channel: c }))}>{num(n())}</a></Show></td>); }}</For>
						<td class="num tot"><a href={href(people(e.rows.length ? "leaving" : "today", { plan: e.plan }))}><b>{num(e.total)}</b></a></td>
					</tr>
				)}</For></tbody>
				<tfoot><tr class="sum"><td>{t("together")}</td><td class="day" />
					<For each={channels()}>{(c) => <td class="num c" data-l={word("channel", c)}><a href={href(people("leaving", { channel: c }))}>{num(sum(c))}</a></td>}</For>
					<td class="num tot"><a href={href(people("leaving"))}>{num(sum())}</a></td></tr></tfoot>
			</table>
		</Show>
	);
}

function Needs() {
	const data = () => today.latest!;
	return (
		<Show when={data().needs_you.length} fallback={<p class="calm"><Icon name="ok" />{t("needs_none")}</p>}>
			<ul class="todo"><For each={data().needs_you}>{(x, i) => (
				<li><div class="k" classList={{ wrong: x.kind === "complaint", wait: x.kind !== "complaint" }}><Icon name={KIND_ICON[x.kind] ?? "ask"} />{word("need", x.kind)}
					<Show when={x.count > 1}><small>{num(x.count)}</small></Show></div>
					<p>{spoken(x.text)}</p>
					<div class="btns"><a class="btn" classList={{ main: i() === 0 }} href={href(x.link || "/compliance")}>{word("need_do", x.kind)}</a></div></li>
			)}</For></ul>
		</Show>
	);
}

function Gains() {
	const from = dayOf(new Date(now().getTime() - 90 * 86400000)), to = dayOf(now());
	const [figures] = createResource(() => get<Figures>(`/figures?from=${from}&to=${to}`));
	return <Load of={figures} lines={4}>{(f) => <GainBands figures={f()} />}</Load>;
}
const settled = (u: { verdict: string }) => ["brought", "lost", "not_worth_its_cost"].includes(u.verdict);
/** The measured gains of the plans on one axis; also the head of the figures page. */
export function GainBands(p: { figures: Figures }) {
	const rows = () => p.figures.plans.filter((x) => x.uplift).sort((a, b) => b.uplift!.value - a.uplift!.value);
	const span = createMemo(() => {
		const r = rows();
		const low = Math.min(0, ...r.map((x) => x.uplift!.low)), high = Math.max(1, ...r.map((x) => x.uplift!.high));
		return { min: low - (high - low) * 0.04, max: high + (high - low) * 0.04 };
	});
	const ticks = () => {
		const { min, max } = span(), raw = (max - min) / 5, p10 = 10 ** Math.floor(Math.log10(raw));
		const step = [1, 2, 5, 10].map((m) => m * p10).find((s) => s >= raw)!;
		const out = [];
		for (let v = Math.ceil(min / step) * step; v <= max; v += step) out.push(v);
		return out;
	};
	const ends = (u: { low: number; high: number }) => t("from_to", { a: money(u.low, true).replace(/[\s\u00a0]?€$/, u.low < 0 ? "\u00a0€" : ""), b: (u.low < 0 ? "+" : "") + money(u.high, true) });
	return (
		<Show when={rows().length} fallback={<p class="soonish"><Icon name="clock" /><span><b>{t("gain_none")}.</b> {t("gain_none_body")}</span></p>}>
			<ul class="ivs">
				<For each={rows()}>{(x) => (
					<li><a href={href("/plans/" + x.name)} class="t0">{x.title ?? planTitle(x.name)}</a>
						<Band low={x.uplift!.low} high={x.uplift!.high} value={x.uplift!.value} unknown={!settled(x.uplift!)} min={span().min} max={span().max} label={ends(x.uplift!)} />
						<a class="r nw t0" href={href("/figures")}>{ends(x.uplift!)}</a>
						<span class="r r2" title={x.uplift!.text}><Show when={x.uplift!.verdict === "brought"} fallback={<span class={settled(x.uplift!) ? "wrong" : "mute"}>{settled(x.uplift!) ? t("costs") : t("not_established")}</span>}>
							<span class="good est"><Icon name="ok" />{t("established")}</span></Show></span></li>
				)}</For>
				<li class="ax" aria-hidden="true"><span /><div class="xs"><For each={ticks()}>{(v) =>
					<span class="m" style={{ left: (100 * (v - span().min)) / (span().max - span().min) + "%" }}>{v === 0 ? "0" : money(v, true)}</span>}</For></div><span /><span /></li>
			</ul>
		</Show>
	);
}

const LIFE_PX = 264, LINE_PX = 24;
function Life() {
	const to = dayOf(now()), from = dayOf(new Date(now().getTime() - 730 * 86400000));
	const [life] = createResource(() => get<{ days: LifeDay[] }>(`/lifecycle?from=${from}&to=${to}`));
	const [table, setTable] = createSignal(false);
	const [at, setAt] = createSignal<number | null>(null);
	const alive = (d: Phases) => (d.ambassador + d.loyal + d.new) / Math.max(1, PHASES.slice(0, 5).reduce((n, k) => n + d[k], 0));
	return (
		<Load of={life} lines={8}>{(l) => {
			const days = () => l().days;
			const shown = () => days()[Math.min(at() ?? days().length - 1, days().length - 1)];
			/** Each label beside its layer's right end, no two closer than a line; px from the top of the chart. */
			const beside = createMemo(() => {
				const total = (d: LifeDay) => PHASES.reduce((n, k) => n + d[k], 0), top = Math.max(1, ...days().map(total)) * 1.04, last = days()[days().length - 1];
				let sum = 0;
				const y = PHASES.map((k) => { sum += last[k]; return 8 + (LIFE_PX - 32) * (1 - (sum - last[k] / 2) / top) - 10; }).reverse();
				for (let i = 1; i < y.length; i++) y[i] = Math.max(y[i], y[i - 1] + LINE_PX);
				for (let i = y.length - 1, low = LIFE_PX - 24 - LINE_PX; i >= 0; low = y[i] - LINE_PX, i--) y[i] = Math.min(y[i], low);
				return y;
			});
			const monthly = () => days().filter((d, i, a) => i === a.length - 1 || a[i + 1].day.slice(0, 7) !== d.day.slice(0, 7)).reverse();
			return (
				<Show when={days().length > 1 && days().some((x) => PHASES.some((k) => x[k]))} fallback={<Section title={t("life")}><Empty picture="curve" title={t("life_none")}><p>{t("life_none_body")}</p></Empty></Section>}>
					<Section id="base" title={t("life_since", { n: Math.round((Date.parse(days()[days().length - 1].day) - Date.parse(days()[0].day)) / 2629800000) })}
						note={<Rich text={t("life_note", { now: pct(alive(days()[days().length - 1])), then: pct(alive(days()[0])), month: month(days()[0].day, true) })} />}
						more={<button class="lnk" onClick={() => setTable(!table())}>{table() ? t("chart_view") : t("table_view")}</button>}>
						<Show when={!table()} fallback={
							<div class="scroll"><table><thead><tr><th scope="col">{t("month")}</th><For each={PHASES}>{(k) => <th scope="col" class="num">{word("phase", k)}</th>}</For></tr></thead>
								<tbody><For each={monthly()}>{(d) => <tr><td>{month(d.day)}</td><For each={PHASES}>{(k) => <td class="num">{num(d[k])}</td>}</For></tr>}</For></tbody></table></div>}>
							<figure class="life2">
								<Chart x={days().map((d) => Date.parse(d.day) / 1000)} stacked height={LIFE_PX} hover={setAt}
									label={t("life_label", { from: month(days()[0].day, true), to: month(days()[days().length - 1].day, true) })}
									series={PHASES.map((k) => ({ label: k, values: days().map((d) => d[k]), color: `--lc-${k}` }))} />
								<figcaption class="labs"><small>{day(shown().day)}</small>
									<For each={[...PHASES].reverse()}>{(k, i) => <a style={{ top: beside()[i()] + "px" }} href={href(`/customers?segment=${encodeURIComponent("lifecycle = " + k)}`)}>
										<i class={"lc " + k} />{word("phase", k)}<b>{num(shown()[k])}</b></a>}</For></figcaption>
							</figure>
						</Show>
					</Section>
				</Show>
			);
		}}</Load>
	);
}

/** One line for the same reason of the same plan, its earliest end said. */
function grouped(list: Held[]): Held[] {
	const by = new Map<string, Held>();
	for (const h of list) {
		const key = `${h.reason} ${h.plan ?? ""}`, had = by.get(key);
		by.set(key, had ? { ...had, count: had.count + h.count, until: [had.until, h.until].filter(Boolean).sort()[0] } : h);
	}
	return [...by.values()].sort((a, b) => b.count - a.count);
}

export function Today() {
	return (
		<Load of={today} again={() => void refreshToday()} lines={10}>{(d) => {
			const leaving = () => d().leaving.reduce((n, x) => n + x.count, 0);
			const sent = () => d().sent_today.reduce((n, x) => n + x.count, 0);
			const held = () => d().held.reduce((n, x) => n + x.count, 0);
			const needs = () => waiting(d());
			return (
				<Page title={t("today_title")} sub={<time datetime={d().now}>{longDay(d().now)}, {hour(d().now)}</time>}
					answer={<Rich text={fresh() && !(leaving() + sent() + held() + needs()) ? t("first_answer") : [
						leaving() + sent() + held() ? t("today_leaving", { n: leaving() + sent() }) : t("today_calm"),
						!(leaving() + sent() + held()) ? "" : held() ? t("today_held", { n: held() }) : t("today_held_none"),
						!d().brought.orders ? "" : t("today_brought", { n: d().brought.orders, sum: money(d().brought.revenue, true), since: theDay(d().brought.since) }),
						needs() ? t("today_needs", { n: needs() }) : t("today_needs_none"),
					].filter(Boolean).join(" ")} />}>
					<div class="split">
						<Show when={!fresh() || needs()}><Section id="you" class="side" title={t("needs")}><Needs /></Section></Show>
						<div>
							<Section id="part" title={t("leave")} note={t("leave_note")}><Leave /></Section>
							<Show when={d().held.length}>
								<Section id="held" title={t("held")} note={t("held_note", { n: held() })}>
									<ul class="held"><For each={grouped(d().held)}>{(h) => (
										<li><b><a href={href(people("held", { reason: h.reason, plan: h.plan }))}>{num(h.count)}</a></b><span>{word("reason", h.reason)}{locale() === "fr" ? "\u00a0:" : ":"} <span class="mute">{h.until ? word("then", h.reason) || spoken(h.text) : spoken(h.text) || word("then", h.reason)} <Show when={h.until}><span title={exact(h.until!)}>{t("until_at", { at: toWhen(h.until!) })}</span></Show></span>
											<Show when={h.plan}><br /><a class="from" href={href("/plans/" + h.plan)}>{planTitle(h.plan!)}</a></Show></span>
											<a href={href(people("held", { reason: h.reason, plan: h.plan }))} class="nw">{t("see_customers")}</a></li>
									)}</For></ul>
								</Section>
							</Show>
						</div>
						<Show when={d().brought.orders + sent()}><Section class="next" title={t("brought")} note={t("since_day", { day: theDay(d().brought.since) })}>
							<dl class="cost"><dt>{t("orders")}</dt><dd><a href={href(people("brought"))}>{num(d().brought.orders)}</a></dd>
								<dt>{t("revenue")}</dt><dd><a href={href("/figures")}>{money(d().brought.revenue)}</a></dd>
								<For each={[...new Set(d().sent_today.map((s) => s.channel))]}>{(c) => <>
									<dt class="ch"><ChannelIcon channel={c} />{t("sent_by", { channel: word("channel", c) })}</dt>
									<dd><a href={href(people("today", { channel: c }))}>{num(d().sent_today.filter((s) => s.channel === c).reduce((n, s) => n + s.count, 0))}</a></dd></>}</For></dl>
							<p class="note">{t("brought_note")}</p>
						</Section></Show>
					</div>
					<Show when={!fresh()}><Section id="gain" title={t("gain")} note={t("gain_note")} more={<a href={href("/figures")}>{t("nav_figures")}</a>}><Gains /></Section></Show>
					<Life />
				</Page>
			);
		}}</Load>
	);
}
