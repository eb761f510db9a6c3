// One plan: its picture with live counts, its file with checks as typed, and its replay before it is switched on.
import { For, Match, Show, Suspense, Switch, createEffect, createMemo, createResource, createSignal, lazy, on, onCleanup, onMount } from "solid-js";
import { call, follow, get, may, type Issue, type Picture, type Plan, type Replay } from "../api";
import { Chart } from "../chart";
import { Editor, Remarks, type Remark } from "../editor";
import { dayOf, money, now, num, pct, people, spacing, theDay } from "../fmt";
import { learn, locale, t, word } from "../i18n";
import { stepTitle, subjectOf } from "../live";
import { href, query, setQuery } from "../router";
import { said } from "../said";
import { spaced } from "./mini";
import { ChannelIcon, Dialog, Icon, Load, Page, Rich, Section, Tabs, When, refuse, rested, toast } from "../ui";
import { plans as words } from "../words/plans";

learn(words);
const PlanForm = lazy(() => import("./form"));

const TAIL = 0.12; // the wire goes on a little after the last message

/** The line of days: messages at their true spacing, each led to its card below. */
function Wire(p: { picture: Picture; width: number }) {
	const steps = () => p.picture.steps;
	const low = () => Math.min(0, ...steps().map((s) => s.after_days)), high = () => Math.max(low() + 1, ...steps().map((s) => s.after_days));
	const W = () => p.width;
	const mid = (i: number) => { const gap = 12, w = (W() - gap * (steps().length - 1)) / steps().length; return i * (w + gap) + w / 2; };
	const first = () => Math.min(mid(0), 150), last = () => W() * (1 - TAIL);
	const x = (d: number) => (steps().length === 1 ? mid(0) : first() + ((last() - first()) * (d - low())) / (high() - low()));
	const lead = (i: number) => {
		const a = x(steps()[i].after_days), b = mid(i), y = 44;
		if (Math.abs(a - b) < 3) return `M${a} 28V68`;
		const s = b < a ? -1 : 1, r = Math.min(6, Math.abs(b - a) / 2);
		return `M${a} 28V${y - r}q0 ${r} ${s * r} ${r}H${b - s * r}q${s * r} 0 ${s * r} ${r}V68`;
	};
	const days = () => { const n = high() - low(); if (n > 70) return []; return Array.from({ length: n + 1 }, (_, i) => low() + i); };
	return (
		<div class="wirebox" aria-hidden="true">
			<svg>
				<For each={days()}>{(d) => <line class="zero-l" x1={x(d)} x2={x(d)} y1="25" y2="31" />}</For>
				<path class="trace" d={`M8 0V20q0 8 8 8H${W() - 2}M${W() - 2} 24V32`} />
				<For each={steps()}>{(s, i) => <><path class="trace" d={lead(i())} /><circle class="dot" cx={x(s.after_days)} cy="28" r="4" /></>}</For>
			</svg>
			<For each={steps()}>{(s, i) => <>
				<span class="j" style={{ left: x(s.after_days) + "px", top: "4px" }}>{spacing(s.after_days)}</span>
				<Show when={i() + 1 < steps().length && x(steps()[i() + 1].after_days) - x(s.after_days) > 110 && steps()[i() + 1].waiting > 0}>
					<span style={{ left: (x(s.after_days) + x(steps()[i() + 1].after_days)) / 2 + "px", top: "4px" }}>{t("on_wire", { n: steps()[i() + 1].waiting })}</span></Show></>}</For>
		</div>
	);
}

const channels = (list: string[]) => list.map((c) => word("channel", c)).reduce((a, b) => t("channel_or", { a, b: b === "SMS" ? b : b.toLocaleLowerCase() }));

function Drawing(p: { plan: Picture & Partial<Plan> }) {
	let box!: HTMLDivElement;
	const [width, setWidth] = createSignal(700);
	const watch = (el: HTMLDivElement) => {
		box = el;
		new ResizeObserver(() => setWidth(box.clientWidth || 700)).observe(el);
	};
	const counts = () => p.plan.counts ?? {};
	const exits = () => p.plan.exits ?? [];
	/** Many branches do not fit side by side: then they stand one under the other, along the wire. */
	const tall = () => p.plan.steps.length > 4;
	const count = (is: string, n: number, step?: string) => <Show when={n} fallback={num(n)}><a href={href(people(is, { plan: p.plan.name, step }))}>{num(n)}</a></Show>;
	const rate = (is: string, n: number, s: Picture["steps"][number]) => (s.knowable ? <Show when={n} fallback={pct(0)}><a href={href(people(is, { plan: p.plan.name, step: s.name }))} title={t("rate_of", { n, of: s.knowable })}>{pct(n / s.knowable)}</a></Show> : <span class="mute" title={t("rate_unknown")}>–</span>);
	const silent = (s: Picture["steps"][number]) => s.action === "send" || s.message ? null : s.action === "wait" && s.name ? word("step", s.name) : word("action", s.action ?? "wait");
	return (
		<>
			<div class="enter"><span class="k">{t("enters")}</span><p><b>{p.plan.trigger}</b><Show when={p.plan.who}><br /><span class="mute" title={p.plan.who}>{said(p.plan.who!) ?? p.plan.who}</span></Show></p>
				<dl><dt>{t("p_entered")}</dt><dd>{count("entered", counts().entered ?? 0)}</dd><dt>{t("p_waiting")}</dt><dd>{count("active", counts().active ?? 0)}</dd></dl></div>
			<div class="tree" classList={{ tall: tall() }} ref={watch}>
				<Show when={!tall()}><Wire picture={p.plan} width={width()} /></Show>
				<ol class="steps" style={{ "--n": p.plan.steps.length }}><For each={p.plan.steps}>{(s, i) => (
					<li classList={{ mutestep: !!silent(s) }}><b class="dd">{spacing(s.after_days)}</b>
						<p class="cond"><span title={s.condition || undefined}>{s.condition ? said(s.condition) ?? s.condition : i() ? t("still_in") : t("at_entry")}</span></p>
						<article class="card msg"><header><span class="ch"><Show when={!silent(s)} fallback={silent(s)}><ChannelIcon channel={s.channels[0] ?? "email"} />{s.channels.length ? channels(s.channels) : word("channel", "email")}</Show></span></header>
							<Show when={s.message}><h2><a class="t0" href={href(`/messages/${locale()}/${s.message}`)}>{subjectOf(s.message!) ?? s.message}</a></h2></Show>
							<Show when={s.until}><p class="mute" title={s.until}>{t("until_cond", { cond: said(s.until!) ?? s.until! })}</p></Show>
							<dl><dt>{t("p_next")}</dt><dd>{count("waiting", s.waiting, s.name)}</dd>
								<Show when={s.message}><dt>{t("p_sent")}</dt><dd>{count("sent", s.sent, s.name)}</dd>
								<dt>{t("p_opened")}</dt><dd>{rate("opened", s.opened, s)}</dd><dt>{t("p_clicked")}</dt><dd>{rate("clicked", s.clicked, s)}</dd></Show></dl>
							<Show when={s.knowable && !tall()} fallback={<Show when={!tall()}><svg height="12" aria-hidden="true" /></Show>}><svg height="12" role="img" aria-label={`${t("p_opened")} ${pct(s.opened / s.knowable)}, ${t("p_clicked")} ${pct(s.clicked / s.knowable)}`}>
								<line class="zero-l" x1="0" x2="100%" y1="6" y2="6" /><rect class="band" x="0" width={(100 * s.opened) / s.knowable + "%"} y="3" height="6" /><rect class="mark" x="0" width={(100 * s.clicked) / s.knowable + "%"} y="3" height="6" /></svg></Show>
						</article></li>
				)}</For></ol>
				<Show when={exits().length}><p class="outs"><b>{t("exits_on")}</b><For each={exits()}>{(e) => <span class="x">{typeof e === "string" ? word("exit", e) : e.kind === "when" ? said(e.text) ?? e.text : e.kind === "event" ? word("exit", e.text) : word("exit", e.kind)}</span>}</For>
					<Show when={counts().exited}><a href={href(people("exited", { plan: p.plan.name }))}>{t("exited_n", { n: counts().exited })}</a></Show></p></Show>
				<div class="ctl"><Show when={p.plan.control} fallback={<p class="mute">{(p.plan as { purpose?: string }).purpose === "service" || p.plan.name === "survey" ? t("no_control_service") : t("no_control")}</p>}>
					<p><b>{t("control_group", { share: pct(p.plan.control / 100) })}</b><br /><span class="mute"><Rich text={counts().control ? t("control_body", { n: counts().control!, to: people("control", { plan: p.plan.name }) }) : t("control_body_none", { share: pct(p.plan.control / 100) })} /></span></p></Show></div>
			</div>
		</>
	);
}

/** Whole weeks from the first day on; a last part of one is left out. */
function weekly(days: Replay["days"]): Replay["days"] {
	const out = [];
	for (let i = 0; i + 7 <= days.length; i += 7) {
		const week = days.slice(i, i + 7);
		out.push({ day: week[0].day, messages: week.reduce((n, d) => n + d.messages, 0), held: week.reduce((n, d) => n + d.held, 0) });
	}
	return out;
}

/** Before the switch: volumes, pressure and cost of the plan over the shop's own history. */
function Before(p: { plan: Plan; text: string; seen: (r: Replay | null) => void }) {
	const [months, setMonths] = createSignal("12");
	const [response, setResponse] = createSignal("rates");
	const [consent, setConsent] = createSignal("recorded");
	const [share, setShare] = createSignal<number | null>(null);
	const [result, setResult] = createSignal<Replay | null>(null);
	let run = 0;
	const place = () => "relance.replay." + p.plan.name, asked = () => [p.text, months(), response(), consent()].join("\n");
	/** The server goes on when the page is left: on return its job is followed again. */
	onMount(() => {
		const [job, what] = JSON.parse(sessionStorage.getItem(place()) ?? "[]") as string[];
		if (job && what === asked()) void watch(job, ++run, true);
	});
	async function watch(job: string, mine: number, again = false) {
		try {
			setShare(0);
			const r = await follow(job, setShare, () => run !== mine);
			if (run === mine && r) { setResult(r); p.seen(r); }
		} catch (e) { if (run === mine && !again) refuse(e); }
		if (run === mine) setShare(null);
	}
	onCleanup(() => { run++; });
	createEffect(on(() => [p.text, months(), response(), consent()], () => { run++; setShare(null); setResult(null); p.seen(null); }, { defer: true }));
	async function replay() {
		const mine = ++run;
		setShare(0);
		setResult(null);
		try {
			const { job } = await call<{ job: string }>("POST", `/plans/${p.plan.name}/replay`, {
				...(p.text !== p.plan.text ? { text: p.text } : {}), to: dayOf(now()), consent: consent(), response: response(),
				from: dayOf(new Date(now().getTime() - Number(months()) * 30.4 * 86400000)),
			});
			sessionStorage.setItem(place(), JSON.stringify([String(job), asked()]));
			await watch(String(job), mine);
		} catch (e) { if (run === mine) { refuse(e); setShare(null); } }
	}
	return (
		<>
			<div class="two">
				<label class="field"><span>{t("replay_period")}</span><select value={months()} onChange={(e) => setMonths(e.currentTarget.value)}>
					<For each={["3", "6", "12", "24"]}>{(m) => <option value={m}>{t("replay_months", { n: m })}</option>}</For></select></label>
				<label class="field"><span>{t("replay_response")}</span><select value={response()} onChange={(e) => setResponse(e.currentTarget.value)}>
					<For each={["rates", "none"] as const}>{(m) => <option value={m}>{t(`response_${m}`)}</option>}</For></select></label>
				<label class="field"><span>{t("replay_consent")}</span><select value={consent()} onChange={(e) => setConsent(e.currentTarget.value)}>
					<option value="recorded">{t("consent_as_is")}</option><option value="assume">{t("consent_all")}</option></select></label>
				<div class="field"><span>&nbsp;</span><button class="btn" classList={{ main: !result() }} disabled={share() !== null} onClick={replay}><Icon name="play" />{t("replay_do")}</button></div>
			</div>
			<Show when={share() !== null}><div class="bar" role="progressbar" aria-label={t("replay_do")} aria-valuenow={Math.round(share()! * 100)}><i style={{ width: share()! * 100 + "%" }} /></div>
				<p class="note">{t("replaying", { share: pct(share()!) })} {t("replay_leave")}</p></Show>
			<Show when={result()}>{(r) => {
				const c = () => r().plans[p.plan.name] ?? Object.values(r().plans)[0];
				const most = () => Math.max(0, ...r().days.map((d) => d.messages));
				/** Months of days are told by the week: a curve, not a comb. */
				const long = () => r().days.length > 120, shown = () => (long() ? weekly(r().days) : r().days);
				const top = () => Math.max(1, ...r().pressure.map((x) => x.customers));
				const n = () => c()?.messages ?? 0;
				return <div class="replayed"><Show when={n()} fallback={<p class="soonish"><Icon name="clock" /><span>{c()?.entered ? t("replay_silent", { n: c()!.entered }) : t("replay_nobody")}</span></p>}>
					<h3>{t("volume")}</h3><p class="mute">{t("volume_note", { n: num(c()?.messages ?? 0), most: num(most()) })}</p>
					<Chart height={132} x={shown().map((d) => Date.parse(d.day) / 1000)} label={t("volume_note", { n: num(c()?.messages ?? 0), most: num(most()) })}
						series={[{ label: t("per_day"), values: shown().map((d) => d.messages), color: "--accent", fill: true }, { label: t("would_hold"), values: shown().map((d) => d.held), color: "--ink-3", dash: true }]} />
					<p class="note">{t(long() ? "volume_weeks" : "volume_days")}<Show when={r().days.some((d) => d.held)}>{locale() === "fr" ? "\u202f; " : "; "}{t("volume_dash")}</Show></p>
					<dl class="cost"><dt>{t("would_enter")}</dt><dd>{num(c()?.entered ?? 0)}</dd><dt>{t("would_hold")}</dt><dd>{num(c()?.held ?? 0)}</dd>
						<dt>{t("would_control")}</dt><dd>{num(c()?.control ?? 0)}</dd><dt>{t("would_exit")}</dt><dd>{num(c()?.exited ?? 0)}</dd></dl>
					<h3>{t("pressure")}</h3><p class="mute">{t("pressure_note")}</p>
					<ul class="pbars"><For each={r().pressure}>{(x) => <li classList={{ over: x.per_week >= 3 }}><span>{x.per_week ? t("per_week", { n: x.per_week }) : t("per_week_0")}</span><i style={{ width: (100 * x.customers) / top() + "%" }} /><b title={t("people_n", { n: x.customers })}>{num(x.customers)}</b></li>}</For></ul>
					<h3>{t("cost")}</h3><dl class="cost"><dt>{t("cost_note")}</dt><dd><b>{money(r().cost)}</b></dd></dl>
				</Show></div>;
			}}</Show>
		</>
	);
}

interface Version { version: number; state: string; on_since: string | null; text: string }
/** The versions that were on, the last first; the lines that changed since the one before, and its text to take again. */
function Versions(p: { plan: Plan; take: (text: string) => void }) {
	const rows = () => (p.plan.versions as Version[]).filter((v) => typeof v === "object").sort((a, b) => b.version - a.version);
	const bare = (l: string) => l.replace(/(^|\s+)#.*$/, "").trim();
	const changed = (v: Version) => {
		const before = rows().find((x) => x.version === v.version - 1);
		if (!before) return [];
		const had = new Set(before.text.split("\n").map(bare)), has = new Set(v.text.split("\n").map(bare));
		return [...[...had].filter((l) => l && !has.has(l)).map((l) => "− " + l), ...[...has].filter((l) => l && !had.has(l)).map((l) => "+ " + l)];
	};
	return (
		<Show when={rows().length} fallback={<p class="mute">{t("versions_none")}</p>}>
			<table class="rows"><thead><tr><th scope="col">{t("version")}</th><th scope="col">{t("changed")}</th><th scope="col" class="num">{t("since")}</th><th scope="col"><span class="vh">{t("version_take")}</span></th></tr></thead>
				<tbody><For each={rows()}>{(v) => <tr><td class="nw"><b>{v.version}</b> <small>{word("pstate", v.state)}</small></td><td class="diff"><For each={changed(v)} fallback={<span class="mute">{t("version_first")}</span>}>{(l) => <code classList={{ minus: l[0] === "−" }}>{l}</code>}</For></td>
					<td class="num"><Show when={v.on_since} fallback="–"><When at={v.on_since!} /></Show></td><td class="num"><Show when={may("plans") && v.text !== p.plan.text}><button class="lnk" onClick={() => p.take(v.text)}>{t("version_take")}</button></Show></td></tr>}</For></tbody></table>
		</Show>
	);
}

interface Move { from_version: number; from_step: string | null; to_step: string | null; stays: string | null; runs: number }
/** Who is on the way on an older version: shown, then moved when asked. */
function Moves(p: { plan: Plan; again: () => void }) {
	const [moves, { refetch }] = createResource(() => p.plan.version, () => get<{ to_version: number; moved: number; stay: number; lines: Move[] }>(`/plans/${p.plan.name}/moves`));
	async function move() {
		try {
			const r = await call<{ moved: number }>("POST", `/plans/${p.plan.name}/moves`, {});
			toast(t("moved_n", { n: r.moved }));
			await refetch();
			p.again();
		} catch (e) { refuse(e); }
	}
	return (
		<Show when={!moves.error && moves.latest?.lines.length ? moves.latest : undefined}>{(m) => (
			<Section title={t("moves")} note={t("moves_note", { n: String(m().to_version) })}>
				<table class="rows"><thead><tr><th scope="col">{t("version")}</th><th scope="col">{t("step")}</th><th scope="col">{t("moves_to")}</th><th scope="col" class="num">{t("on_way")}</th></tr></thead>
					<tbody><For each={m().lines}>{(l) => <tr><td>{l.from_version}</td><td>{l.from_step ? stepTitle(l.from_step) : "–"}</td><td>{l.stays ? <span class="wait">{l.stays}</span> : l.to_step ? stepTitle(l.to_step) : "–"}</td><td class="num"><a href={href(people("active", { plan: p.plan.name }))}>{num(l.runs)}</a></td></tr>}</For></tbody></table>
				<Show when={m().moved && may("plans")}><div class="edacts"><button class="btn" onClick={move}>{t("moves_do", { n: m().moved })}</button></div></Show>
			</Section>
		)}</Show>
	);
}

function One(p: { plan: Plan; again: () => void }) {
	const tab = () => query("tab") || "picture";
	const [text, setText] = createSignal(p.plan.text);
	createEffect(on(() => p.plan.text, (s) => setText(s), { defer: true }));
	const asked = rested(text, 150);
	const [checked] = createResource(() => (asked() !== p.plan.text ? asked() : null), (s) => call<{ issues: Issue[]; plan?: Picture }>("POST", "/plans/check", { text: s }));
	const issues = (): Issue[] => (text() === p.plan.text ? p.plan.issues : checked.error ? [] : checked.latest?.issues ?? []);
	const picture = createMemo((): Picture & Partial<Plan> => (text() !== p.plan.text && !checked.error && checked.latest?.plan ? { ...spaced(checked.latest.plan), counts: p.plan.counts } : p.plan));
	const [jump, setJump] = createSignal<Remark | null>(null);
	const [seen, setSeen] = createSignal<Replay | null>(null);
	const [asking, setAsking] = createSignal<"" | "on" | "off">("");
	const changed = () => text() !== p.plan.text;
	const wrong = () => issues().some((i) => i.level === "error");
	async function keep() {
		if (!changed() || wrong()) return;
		try {
			await call("PUT", "/plans/" + p.plan.name, { text: text() });
			toast(t("version_saved", { n: String((p.plan.version ?? 0) + 1) }));
			p.again();
		} catch (e) { refuse(e); }
	}
	async function turn(to: "on" | "off" | "drain", undo = false) {
		setAsking("");
		try {
			await call("POST", `/plans/${p.plan.name}/switch`, { to });
			toast(t(to === "on" ? "switched_on" : to === "off" ? "switched_off" : "switched_drain", { plan: p.plan.title }), undo || (to === "on" && !off()) ? { about: p.plan.name } : { about: p.plan.name, undo: () => void turn(to === "on" ? "off" : "on", true) });
			p.again();
		} catch (e) { refuse(e); }
	}
	const acts = () => <Show when={may("plans")}><div class="edacts"><button class="btn main" disabled={!changed() || wrong()} onClick={keep}>{t("save_version", { n: String((p.plan.version ?? 0) + 1) })}</button>
								<Show when={changed()}><button class="btn" onClick={() => setText(p.plan.text)}>{t("discard")}</button></Show></div></Show>;
	const off = () => p.plan.state !== "on";
	/** Not on, or on with a newer text that waits for it. */
	const ready = () => off() || !!p.plan.draft;
	const next = () => (p.plan.draft || !p.plan.version ? (p.plan.version ?? 0) + 1 : p.plan.version);
	const counts = () => p.plan.counts;
	const since = () => p.plan.on_since;
	return (
		<Page title={p.plan.title} sub={<>{p.plan.name} <span class={"badge " + p.plan.state}>{p.plan.version ? t("version_n", { n: String(p.plan.version) }) : ""} {word("pstate", p.plan.state)}</span><Show when={p.plan.draft}> <span class="badge">{t("draft_waits", { n: String(next()) })}</span></Show></>}
			actions={<Show when={!off() && may("plans")}><button class="btn" onClick={() => setAsking("off")}>{t("switch_off")}</button></Show>}
			answer={<Rich text={off() && !counts().active ? t("p_answer_off") : !counts().entered && since() ? t("p_answer_new", { since: theDay(since()!) }) : (since() ? t("p_answer_since", { since: theDay(since()!) }) + " " : "") + t("p_answer", { n: counts().entered ?? 0, name: p.plan.name, active: num(counts().active ?? 0), out: num(counts().exited ?? 0) })} />}>
			<div class="split wide">
				<div>
					<Tabs label={t("plan_views")} now={tab()} set={(id) => setQuery("tab", id === "picture" ? "" : id)} names={[["picture", t("tab_picture")], ["form", t("tab_form")], ["file", t("tab_file")], ["versions", t("tab_versions")]]} />
					<Switch>
						<Match when={tab() === "picture"}><Drawing plan={picture()} /></Match>
						<Match when={tab() === "file"}>
							<Editor label={t("file_label")} text={text()} set={setText} remarks={issues()} save={keep} jump={jump()} readonly={!may("plans")} />
							<Show when={!checked.loading || !changed()} fallback={<p class="issues mute">{t("file_checking")}</p>}>
								<Remarks list={issues()} fine={t("file_checked")} pick={setJump} /></Show>
							{acts()}
							<p class="note">{t("runs_keep")}</p>
						</Match>
						<Match when={tab() === "form"}><Suspense><PlanForm name={p.plan.name} text={text()} set={setText} off={p.plan.state !== "on"} readonly={!may("plans")} /></Suspense>
							<Show when={issues().some((i) => i.level === "error")}><Remarks list={issues()} fine="" pick={(r) => { setQuery("tab", "file"); setJump(r); }} /></Show>{acts()}<p class="note">{t("runs_keep")}</p></Match>
						<Match when={tab() === "versions"}><Versions plan={p.plan} take={(x) => { setText(x); setQuery("tab", "file"); }} /><p class="note">{t("runs_keep")}</p><Show when={p.plan.version}><Moves plan={p.plan} again={p.again} /></Show></Match>
					</Switch>
				</div>
				<Section class="side before" title={ready() ? t("before_on") : t("before_again")} note={t("before_note")}>
					<Before plan={p.plan} text={text()} seen={setSeen} />
					<Show when={ready() && may("plans")}><div class="do"><button class="btn" classList={{ main: !!seen() }} disabled={!seen() || changed()} onClick={() => setAsking("on")}>{p.plan.version ? t("switch_on_v", { n: String(next()) }) : t("switch_on")}</button></div>
						<Show when={!seen()}><p class="note">{t("replay_needed")}</p></Show></Show>
				</Section>
			</div>
			<Dialog open={asking() === "on"} title={t("switch_on")} close={() => setAsking("")}>
				<h2 class="t3">{t("switch_on_title", { plan: p.plan.title })}</h2>
				<p><Show when={seen()}>{(r) => <Rich text={t("switch_on_body", { n: num((r().plans[p.plan.name] ?? Object.values(r().plans)[0])?.messages ?? 0), who: num((r().plans[p.plan.name] ?? Object.values(r().plans)[0])?.entered ?? 0), cost: money(r().cost) })} />}</Show></p>
				<div class="do"><button class="btn" onClick={() => setAsking("")}>{t("cancel")}</button><button class="btn main" onClick={() => turn("on")}>{t("switch_on")}</button></div>
			</Dialog>
			<Dialog open={asking() === "off"} title={t("switch_off")} close={() => setAsking("")}>
				<h2 class="t3">{t("switch_off_title", { plan: p.plan.title })}</h2><p><Rich text={counts().active ? t("switch_off_body", { n: num(counts().active) }) : t("switch_off_nobody")} /></p>
				<div class="do"><button class="btn" onClick={() => setAsking("")}>{t("cancel")}</button><Show when={counts().active} fallback={<button class="btn main" onClick={() => turn("off")}>{t("switch_off")}</button>}><button class="btn danger" onClick={() => turn("off")}>{t("cut")}</button><button class="btn main" onClick={() => turn("drain")}>{t("drain")}</button></Show></div>
			</Dialog>
		</Page>
	);
}

export default function PlanPage(p: { name: string }) {
	const [plan, { refetch }] = createResource(() => p.name, (n) => get<Plan>("/plans/" + n).then(spaced));
	return <Load of={plan} again={() => void refetch()} lines={12}>{(x) => <One plan={x()} again={() => void refetch()} />}</Load>;
}
