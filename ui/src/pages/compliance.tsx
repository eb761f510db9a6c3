// Compliance: requests with their deadline, who may receive what, the addresses nothing goes to, who did what.
import { For, Match, Show, Switch, createResource, createSignal } from "solid-js";
import { call, get, may, type Compliance as Data, type Page as Rows } from "../api";
import { day, exact, now, num, theDay } from "../fmt";
import { learn, locale, t, word } from "../i18n";
import { planTitle } from "../live";
import { href, query, setQuery } from "../router";
import { ChannelIcon, CsvButton, Dialog, Empty, Icon, Load, Page, Rich, Section, Sentinel, Tabs, When, refuse, saveCsv, toast } from "../ui";
import { compliance as words } from "../words/compliance";
import { Behind, type Asked } from "./behind";

learn(words);

const KINDS = ["granted", "soft", "withdrawn", "opposed"] as const;
const COLORS = { granted: "var(--good)", soft: "var(--band-unknown)", withdrawn: "var(--accent-band)", opposed: "var(--wrong)" };
const SHORT = { granted: "cg", soft: "cs", withdrawn: "cw", opposed: "co" } as const;
interface Request { id: number; kind: string; customer: number | string; name?: string; asked_at: string; due_at: string; state: string; late?: boolean; extended?: boolean | string | null; answer?: string | null; closed_at?: string | null; by?: string | null }
interface Suppressed { address: string; channel: string; reason: string; at: string }
interface Act { id: number; at: string; actor: string; name: string; action: string; object: string }

/** A list that asks for more as it is scrolled. */
function paged<T>(path: string) {
	const [rows, setRows] = createSignal<T[]>([]);
	const [next, setNext] = createSignal<string | null>(null);
	const [first, { refetch }] = createResource(async () => {
		const r = await get<Rows<T>>(`${path}?limit=50`);
		setRows(r.items);
		setNext(r.next);
		return r;
	});
	let busy = false;
	async function more() {
		if (!next() || busy) return;
		busy = true;
		try {
			const r = await get<Rows<T>>(`${path}?limit=50&cursor=${encodeURIComponent(next()!)}`);
			setRows((l) => [...l, ...r.items]);
			setNext(r.next);
		} catch (e) { refuse(e); }
		busy = false;
	}
	const More = () => <Show when={next()} keyed>{(_n) => <Sentinel seen={() => void more()} />}</Show>;
	return { first, rows, refetch, More };
}

function Requests(p: { list: ReturnType<typeof paged<Request>> }) {
	const [answering, setAnswering] = createSignal<Request | null>(null);
	const [extending, setExtending] = createSignal<Request | null>(null);
	const [text, setText] = createSignal("");
	const left = (due: string) => Math.ceil((Date.parse(due) - now().getTime()) / 86400000);
	const open = (r: Request) => r.state === "open";
	async function act(path: string, body: unknown, said: string) {
		try {
			await call("POST", path, body);
			setAnswering(null);
			setExtending(null);
			setText("");
			toast(said);
			await p.list.refetch();
		} catch (e) { refuse(e); }
	}
	return (
		<Section id="requests" title={t("requests")} note={t("requests_note")}>
			<Show when={p.list.rows().length} fallback={<Empty picture="letter" title={t("requests_none")}><p>{t("requests_none_body")}</p><a class="btn" href={href("/customers")}>{t("see_customers")}</a></Empty>}>
				<table class="rows reqs"><thead><tr><th scope="col">{t("customer")}</th><th scope="col">{t("requests")}</th><th scope="col" class="num">{t("asked")}</th><th scope="col" class="num">{t("due")}</th><th scope="col">{t("state")}</th><th scope="col"><span class="vh">{t("due_by")}</span></th></tr></thead>
					<tbody><For each={p.list.rows()}>{(r) => { const d = left(r.due_at); return (
						<tr><td><a class="t" href={href(`/customers/${r.customer}`)}>{r.name || `#${r.customer}`}</a></td><td>{word("req", r.kind)}</td>
							<td class="num"><When at={r.asked_at} /></td><td class="num"><span title={exact(r.due_at)}>{day(r.due_at)}</span></td>
							<td><Show when={open(r)} fallback={<span class={"est " + (r.state === "done" ? "good" : "mute")} title={r.answer ?? ""}><Icon name={r.state === "done" ? "ok" : "no"} />{word("rstate", r.state)}</span>}>
								<span class={"est " + (d < 0 ? "wrong" : d < 8 ? "wait" : "mute")}><Icon name="clock" />{d < 0 ? t("days_over", { n: -d }) : t("days_left", { n: d })}</span></Show></td>
							<td class="num"><Show when={open(r) && may("privacy")}><button class="lnk" onClick={() => setAnswering(r)}>{t("request_close")}</button> <Show when={!r.extended}><button class="lnk" onClick={() => setExtending(r)}>{t("request_extend")}</button></Show></Show></td></tr>); }}</For></tbody></table>
				<p.list.More />
			</Show>
			<Dialog open={!!answering()} title={t("request_close")} close={() => setAnswering(null)}><h2 class="t3">{word("req", answering()?.kind ?? "")}, {answering()?.name || answering()?.customer}</h2>
				<form onSubmit={(e) => { e.preventDefault(); void act(`/requests/${answering()!.id}/close`, { state: "done", answer: text() }, t("request_closed")); }}>
					<label class="field"><span>{t("request_answer")}</span><textarea rows="4" required value={text()} onInput={(e) => setText(e.currentTarget.value)} /><small>{t("request_answer_note")}</small></label>
					<div class="do"><button type="button" class="btn" disabled={!text().trim()} onClick={() => void act(`/requests/${answering()!.id}/close`, { state: "refused", answer: text() }, t("request_closed"))}>{t("request_refuse")}</button><button class="btn main">{t("request_close")}</button></div></form></Dialog>
			<Dialog open={!!extending()} title={t("request_extend")} close={() => setExtending(null)}><h2 class="t3">{t("request_extend")}</h2>
				<form onSubmit={(e) => { e.preventDefault(); void act(`/requests/${extending()!.id}/extend`, { reason: text() }, t("request_extended")); }}>
					<label class="field"><span>{t("request_reason")}</span><textarea rows="3" required value={text()} onInput={(e) => setText(e.currentTarget.value)} /></label>
					<div class="do"><button type="button" class="btn" onClick={() => setExtending(null)}>{t("cancel")}</button><button class="btn main">{t("request_extend")}</button></div></form></Dialog>
		</Section>
	);
}

function Consents(p: { data: Data }) {
	return (
		<Section id="consents" title={t("consents_by")} note={t("consents_note")}>
			<table class="rows ways"><thead><tr><th scope="col">{t("channel")}</th><th scope="col" class="w"><span class="vh">%</span></th><For each={KINDS}>{(k) => <th scope="col" class="num"><i class="lc" style={{ "--lc": COLORS[k] }} />{t(SHORT[k])}</th>}</For></tr></thead>
				<tbody><For each={Object.entries(p.data.consents)}>{([channel, n]) => (
					<tr><td><span class="est"><ChannelIcon channel={channel} />{word("channel", channel)}</span></td>
						<td class="w"><div class="stackbar" aria-hidden="true"><For each={KINDS.filter((k) => n[k])}>{(k) => <i style={{ flex: String(n[k]), "--c": COLORS[k] }} />}</For></div></td>
						<For each={KINDS}>{(k) => <td class="num" classList={{ zero: !n[k] }}><Show when={n[k]} fallback={num(0)}><a href={href(`/customers?segment=${encodeURIComponent(`consent(${channel}, marketing) = ${k}`)}`)}>{num(n[k])}</a></Show></td>}</For></tr>)}</For></tbody></table>
			<p class="note">{t("proof_note")}</p>
		</Section>
	);
}

function Suppressions() {
	const list = paged<Suppressed>("/suppressions");
	const [address, setAddress] = createSignal("");
	const [reason, setReason] = createSignal("");
	async function act(path: string, body: unknown, said: string) {
		try {
			await call("POST", path, body);
			toast(said);
			setAddress("");
			setReason("");
			await list.refetch();
		} catch (e) { refuse(e); }
	}
	const add = (e: Event) => { e.preventDefault(); void act("/suppressions", { address: address().trim(), channel: address().includes("@") ? "email" : "sms", reason: reason() || t("sup_by_hand") }, t("sup_added")); };
	return (
		<Section title={t("suppressions")} note={t("sup_note")}>
			<form class="addrow first" onSubmit={add}><label class="field"><span>{t("sup_address")}</span><input required value={address()} onInput={(e) => setAddress(e.currentTarget.value)} autocomplete="off" /></label>
				<label class="field"><span>{t("sup_reason")}</span><input value={reason()} placeholder={t("sup_by_hand")} onInput={(e) => setReason(e.currentTarget.value)} /></label><button class="btn">{t("sup_add")}</button></form>
			<Load of={list.first} lines={3}>{() => (
				<Show when={list.rows().length} fallback={<p class="calm"><Icon name="ok" />{t("sup_none")}</p>}>
					<table class="rows"><thead><tr><th scope="col">{t("fingerprint")}</th><th scope="col">{t("channel")}</th><th scope="col">{t("sup_reason")}</th><th scope="col" class="num w">{t("since")}</th><th scope="col"><span class="vh">{t("sup_lift")}</span></th></tr></thead>
						<tbody><For each={list.rows()}>{(x) => <tr><td><code>{x.address.slice(0, 12)}</code></td><td class="nw">{word("channel", x.channel)}</td><td>{word("sup", x.reason)}</td><td class="num w"><When at={x.at} /></td>
							<td class="num"><Show when={may("privacy")}><button class="lnk" onClick={() => void act("/suppressions/lift", { address: x.address, channel: x.channel, reason: t("sup_by_hand") }, t("sup_lifted"))}>{t("sup_lift")}</button></Show></td></tr>}</For></tbody></table>
					<list.More />
				</Show>)}</Load>
		</Section>
	);
}

interface Kept { on: boolean; prospect_months: number; customer_months: number; prospects: number; customers: number }
/** Who is kept too long: looked at first, erased by itself once the shop says so. */
function Retention() {
	const [data, { refetch }] = createResource(() => get<Kept>("/retention"));
	const [behind, setBehind] = createSignal<Asked | null>(null);
	const [asking, setAsking] = createSignal(false);
	async function turn(on: boolean) {
		setAsking(false);
		try {
			await call("PUT", "/settings", { "retention.on": on ? "yes" : "no" });
			toast(t("retention_saved"));
			await refetch();
		} catch (e) { refuse(e); }
	}
	const open = () => setBehind({ title: t("retention_due"), note: t("retention_note"), path: "/retention", ask: "" });
	const Count = (p: { n: number }) => <Show when={p.n} fallback={num(0)}><button class="open" onClick={open}>{num(p.n)}</button></Show>;
	return (
		<Load of={data} again={() => void refetch()} lines={4}>{(d) => { const all = () => d().prospects + d().customers; return (
			<Section id="retention" title={t("retention")} note={t("retention_note")}>
				<Show when={all()} fallback={<p class="calm"><Icon name="ok" />{t("retention_none")}</p>}><p>{t(d().on ? "retention_is_on" : "retention_is_off")}</p></Show>
				<table class="rows"><thead><tr><th scope="col">{t("retention_who")}</th><th scope="col" class="num">{t("retention_due")}</th></tr></thead>
					<tbody><tr><td>{t("retention_prospects", { n: d().prospect_months })}</td><td class="num"><Count n={d().prospects} /></td></tr><tr><td>{t("retention_customers", { n: d().customer_months })}</td><td class="num"><Count n={d().customers} /></td></tr></tbody></table>
				<Show when={may("admin")}><p class="spaced"><button class="btn" onClick={() => (d().on ? void turn(false) : setAsking(true))}>{t(d().on ? "retention_turn_off" : "retention_turn_on")}</button></p></Show>
				<Dialog open={asking()} title={t("retention_sure", { n: all() })} close={() => setAsking(false)}><h2 class="t3">{t("retention_sure", { n: all() })}</h2><p>{t("retention_sure_body")}</p>
					<div class="do"><button class="btn" onClick={() => setAsking(false)}>{t("cancel")}</button><button class="btn main" onClick={() => void turn(true)}>{t("retention_turn_on")}</button></div></Dialog>
				<Show when={behind()} keyed>{(of) => <Behind of={of} close={() => setBehind(null)} />}</Show>
			</Section>); }}</Load>
	);
}

function Audit() {
	const list = paged<Act>("/audit");
	const csv = () => saveCsv("audit.csv", ["at", t("audit_who"), t("audit_what"), t("audit_on")], list.rows().map((x) => [x.at, x.name || x.actor, x.action, x.object]));
	/** "request taken: access", both halves in words. */
	const what = (s: string) => { const [act, of] = s.split(": "); return word("act", act.replace(/ /g, "_")) + (of ? (locale() === "fr" ? "\u00a0: " : ": ") + word("req", of).toLocaleLowerCase() : ""); };
	const who = (x: Act) => (["setup", "page", "command line"].includes(x.actor) ? word("by", x.actor.replace(" ", "_")) : x.name || x.actor);
	/** A role, a session: in words; a plan by its title; anything else as it is. */
	const on = (x: Act) => (/^request \d+$/.test(x.object) ? t("on_request", { id: x.object.slice(8) }) : /^account/.test(x.action) ? word("role", x.object) : /^(plan|runs|draft)/.test(x.action) ? planTitle(x.object) : word("on", x.object) === x.object.replace(/_/g, " ") ? x.object : word("on", x.object));
	return (
		<Section title={t("audit")} note={t("audit_note")} more={<CsvButton onClick={csv} />}>
			<Load of={list.first} lines={4}>{() => <>
				<table class="rows"><thead><tr><th scope="col">{t("since_when")}</th><th scope="col">{t("audit_who")}</th><th scope="col">{t("audit_what")}</th><th scope="col" class="w">{t("audit_on")}</th></tr></thead>
					<tbody><For each={list.rows()}>{(x) => <tr><td class="nw"><When at={x.at} /></td><td>{who(x)}</td><td>{what(x.action)}</td><td class="w mute">{on(x)}</td></tr>}</For></tbody></table><list.More /></>}</Load>
		</Section>
	);
}

export default function Compliance() {
	const [data, { refetch }] = createResource(() => get<Data>("/compliance"));
	const requests = paged<Request>("/requests");
	const tab = () => query("tab") || "requests";
	const tabs = (): [string, string][] => [["requests", t("tab_requests")], ["consents", t("tab_consents")], ["suppressions", t("tab_suppressions")], ["retention", t("tab_retention")], ...(may("privacy") ? [["audit", t("tab_audit")] as [string, string]] : [])];
	return (
		<Load of={data} again={() => void refetch()} lines={8}>{(c) => {
			const open = () => requests.rows().filter((r) => r.state === "open").sort((a, b) => a.due_at.localeCompare(b.due_at));
			return (
				<Page title={t("compliance_title")} answer={<Rich text={open().length ? t("compliance_answer", { n: open().length, due: theDay(open()[0].due_at), sup: num(c().suppressions) }) : t("compliance_answer_none", { sup: num(c().suppressions) })} />}>
					<Tabs label={t("compliance_views")} now={tab()} set={(id) => setQuery("tab", id === "requests" ? "" : id)} names={tabs()} />
					<Switch>
						<Match when={tab() === "requests"}><Load of={requests.first} lines={4}>{() => <Requests list={requests} />}</Load></Match>
						<Match when={tab() === "consents"}><Consents data={c()} /></Match>
						<Match when={tab() === "suppressions"}><Suppressions /></Match>
						<Match when={tab() === "retention"}><Retention /></Match>
						<Match when={tab() === "audit"}><Audit /></Match>
					</Switch>
				</Page>
			);
		}}</Load>
	);
}
