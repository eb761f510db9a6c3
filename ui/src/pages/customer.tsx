// One person on one page: what they bought and received, what they consented to, and the reason for every decision.
import { For, Show, createEffect, createMemo, createResource, createSignal } from "solid-js";
import { Problem, call, get, may, type Consent, type Customer as Person, type Decision, type Happening, type Page as Rows, type Picture, type Reco } from "../api";
import { day, exact, hour, money, num, now, spoken, theDay, when } from "../fmt";
import { learn, t, word, locale } from "../i18n";
import { planTitle, stepTitle } from "../live";
import { go, href } from "../router";
import { said } from "../said";
import { ChannelIcon, Dialog, Icon, Load, Page, Rich, Section, Sentinel, When, refuse, toast } from "../ui";
import { amountOf, piece, story, type Kind, type Line } from "./story";
import { customers as words } from "../words/customers";

learn(words);

const PATH = { disc: "M12.500 10a4 4 0 1 1-8 0 4 4 0 0 1 8 0z", ring: "M12.500 10a4 4 0 1 1-8 0 4 4 0 0 1 8 0z", square: "M5.500 7h6v6h-6z", diamond: "m8.500 5.500 4.500 4.500-4.500 4.500L4 10z" };

/** What led to a message: its run's decisions up to its leaving, oldest first. */
function Because(p: { l: Line; why: Decision[] }) {
	const list = () => p.why.filter((d) => d.plan === p.l.plan && d.run === p.l.run && (d.step === p.l.step || d.verdict === "entered")).sort((a, b) => a.at.localeCompare(b.at));
	const [plan] = createResource(() => p.l.plan, (name) => get<Picture>("/plans/" + name).catch(() => undefined));
	/** What the plan waits for, and what it asks at the step. */
	const asks = (d: Decision) => {
		const at = plan.latest?.steps.find((s) => s.name === d.step)?.condition, text = d.verdict === "entered" ? plan.latest?.trigger : at && (d.verdict === "send" || d.reason === "step_condition") ? said(at) ?? at : "";
		return text ? (locale() === "fr" ? "\u00a0: " : ": ") + text : "";
	};
	return (
		<ol class="because"><For each={list()} fallback={<li class="mute">{t("because_none")}</li>}>{(d) => (
			<li><When at={d.at} /><span><b>{word("verdict", d.verdict)}</b>{asks(d)}{d.reason === "trigger" ? "" : reasonOf(d)}</span></li>)}</For></ol>
	);
}
const reasonOf = (d: Decision) => (d.reason && d.reason !== "none" ? `, ${d.text ? spoken(d.text) : word("reason", d.reason).toLocaleLowerCase()}` : "") + (d.times > 1 ? ` (${t("why_times", { n: d.times })})` : "");

function Row(p: { l: Line; why: Decision[] }) {
	const l = () => p.l;
	const [open, setOpen] = createSignal(false);
	const soon = () => Date.parse(l().at) > now().getTime();
	return (
		<li classList={{ buy: l().mark === "disc", dec: l().tone === "wait", bad: l().tone === "bad", quiet: l().tone === "quiet", soon: soon() }}>
			<time datetime={l().at} title={exact(l().at)}>{when(l().at)}</time><span class="n"><svg aria-hidden="true" viewBox="0 0 17 20"><path d={PATH[l().mark]} /></svg></span>
			<div class="b">
				<p><Show when={l().message && l().mark === "ring"} fallback={<b>{l().bold}</b>}><b><a class="t0" href={href(`/messages/${locale()}/${l().message}`)}>{l().bold}</a></b></Show>
					<Show when={l().rest}> {l().rest}</Show><Show when={l().others && !open()}> <button type="button" class="open" onClick={() => setOpen(true)}>{t("story_others", { n: l().others! })}</button></Show></p>
				<Show when={open() && l().lines}><ul class="goods"><For each={l().lines}>{(x) => <li><span>{piece(x)}</span><b>{money(x.amount)}</b></li>}</For></ul></Show>
				<Show when={l().quote}><p class="quote">{l().quote}</p></Show>
				<Show when={l().small || l().plan}><small><Show when={l().channel}>{word("channel", l().channel)}, </Show>{l().small}<Show when={(l().times ?? 1) > 1}> ({t("why_times", { n: l().times! })})</Show>
					<Show when={l().plan && l().group !== "all" && !(l().rest ?? "").includes(planTitle(l().plan!))}>{!l().small ? "" : /[.!?]$/.test(l().small!) ? " " : ", "}<a href={href("/plans/" + l().plan)}>{planTitle(l().plan!)}</a></Show><Show when={l().web}>, <a href={l().web!} target="_blank" rel="noopener">{t("web_version")}</a></Show><Show when={l().step}>, <button type="button" class="open" aria-expanded={open()} onClick={() => setOpen(!open())}>{t("because")}</button></Show></small></Show>
				<Show when={open() && l().step}><Because l={l()} why={p.why} /></Show>
			</div>
			<div class="amt"><Show when={l().amount}><Show when={(l().lines?.length ?? 0) > 1} fallback={amountOf(l())}><button type="button" class="open" aria-expanded={open()} title={t("story_lines", { n: l().lines!.length })} onClick={() => setOpen(!open())}>{amountOf(l())}</button></Show></Show>
				<For each={l().notes}>{(n) => <span class="op" classList={{ wrong: n.bad }} title={n.at && exact(n.at)}><Icon name={n.icon} />{n.text}<Show when={n.at}>, {when(n.at!)}</Show></span>}</For></div>
		</li>
	);
}

function Timeline(p: { id: string; kind: Kind; first: Rows<Happening>; why: Decision[]; told: (l: Line[]) => void }) {
	const [more, setMore] = createSignal<Happening[]>([]);
	const [next, setNext] = createSignal(p.first.next);
	const whole = createMemo(() => story([...p.first.items, ...more()]));
	createEffect(() => p.told(whole()));
	const all = () => whole().filter((l) => p.kind === "all" || l.group === p.kind);
	const future = () => all().filter((h) => Date.parse(h.at) > now().getTime());
	const past = () => all().filter((h) => Date.parse(h.at) <= now().getTime());
	let fetching = false;
	async function load() {
		if (!next() || fetching) return;
		fetching = true;
		try {
			const r = await get<Rows<Happening>>(`/customers/${p.id}/timeline?cursor=${encodeURIComponent(next()!)}`);
			setMore((l) => [...l, ...r.items]);
			setNext(r.next);
		} catch (e) { refuse(e); }
		fetching = false;
	}
	return (
		<>
			<Show when={all().length} fallback={<p class="mute">{t(p.kind === "all" ? "tl_none" : "tl_none_kind")}</p>}>
				<ol class="tl">
					<For each={future()}>{(l) => <Row l={l} why={p.why} />}</For>
					<li class="d"><span>{t("tl_now")}</span><span class="n"><svg aria-hidden="true" viewBox="0 0 17 20"><circle cx="8.500" cy="10" r="2.500" /></svg></span><hr /></li>
					<For each={past()}>{(l) => <Row l={l} why={p.why} />}</For>
				</ol>
			</Show>
			<Show when={next()} keyed>{(n) => <Show when={n}><Sentinel seen={() => void load()} /></Show>}</Show>
		</>
	);
}

function Consents(p: { list: Consent[]; proof: () => void }) {
	return (
		<ul class="cons" style={{ "--cols": p.list.length }}>
			<For each={p.list}>{(c) => (
				<li class={c.may ? "good" : "no"}><b><ChannelIcon channel={c.purpose === "tracking" ? "tracking" : c.channel} />{c.purpose === "tracking" ? t("channel_tracking") : word("channel", c.channel)}<Icon name={c.may ? "ok" : "no"} /></b>
					<small>{word("consent", c.state || (c.may ? "soft" : "unknown"))}<Show when={c.at}>, <button type="button" class="open" title={t("consent_proof", { at: exact(c.at!) })} onClick={() => p.proof()}>{day(c.at!)}</button></Show><Show when={c.source}><br />{word("event", c.source)}</Show>
						<Show when={c.purpose === "service"}><br />{word("purpose", c.purpose)}</Show></small></li>
			)}</For>
		</ul>
	);
}

/** The records this person had: each may be taken out again. */
function Merged(p: { list: Person["merged"]; again: () => void }) {
	const [gone, setGone] = createSignal<number[]>([]);
	async function undo(id: number, ref: string) {
		try {
			await call("POST", `/customers/${id}/unmerge`, {});
			setGone((l) => [...l, id]);
			toast(t("merged_undone", { n: ref }));
			p.again();
		} catch (e) { refuse(e); }
	}
	return (
		<ul class="merged"><For each={p.list.filter((m) => !gone().includes(m.id))}>{(m) => (
			<li><span>{t("merged_with", { n: m.ref, name: m.name ? ` (${m.name})` : "", day: m.at ? theDay(m.at) : "–" })}</span> <button class="lnk" onClick={() => void undo(m.id, m.ref)}>{t("merged_undo")}</button></li>)}</For></ul>
	);
}

const REQUESTS = ["access", "portability", "rectification", "erasure", "objection"];
/** What the law gives the person: one button each; what cannot be undone asks for the number. */
function Rights(p: { who: Person; name: string; again: () => void }) {
	const [asking, setAsking] = createSignal<"" | "object" | "erase" | "request">("");
	const [typed, setTyped] = createSignal("");
	const [kind, setKind] = createSignal("access");
	async function act(what: () => Promise<string>) {
		try {
			const said = await what();
			setAsking("");
			toast(said);
			p.again();
		} catch (e) { refuse(e); }
	}
	const at = () => `/customers/${p.who.id}`;
	const object = () => act(async () => { await call("POST", at() + "/object", {}); return t("object_done"); });
	const erase = (e: Event) => { e.preventDefault(); void act(async () => { await call("POST", at() + "/erase", { confirm: typed().trim() }); go("/customers"); return t("erase_done", { name: p.name }); }); };
	const ask = (e: Event) => { e.preventDefault(); void act(async () => { const r = await call<{ due_at: string }>("POST", "/requests", { kind: kind(), customer: p.who.id }); return t("request_done", { day: day(r.due_at) }); }); };
	return (
		<Section title={t("rights")}>
			<div class="btns"><Show when={may("privacy")}><a class="btn" href={`/api/v1${at()}/export?format=zip`} download={`client-${p.who.ref}.zip`}><Icon name="down" />{t("rights_export")}</a></Show>
				<button class="btn" onClick={() => setAsking("request")}>{t("rights_ask")}</button>
				<button class="btn" onClick={() => setAsking("object")}>{t("rights_object")}</button>
				<Show when={may("privacy")}><button class="btn danger" onClick={() => { setTyped(""); setAsking("erase"); }}><Icon name="del" />{t("rights_erase")}</button></Show></div>
			<Dialog open={asking() === "request"} title={t("rights_ask")} close={() => setAsking("")}><h2 class="t3">{t("rights_ask")}</h2>
				<form onSubmit={ask}><label class="field"><span>{t("request_kind")}</span><select value={kind()} onChange={(e) => setKind(e.currentTarget.value)}><For each={REQUESTS}>{(k) => <option value={k}>{word("req", k)}</option>}</For></select></label>
					<div class="do"><button type="button" class="btn" onClick={() => setAsking("")}>{t("cancel")}</button><button class="btn main">{t("save")}</button></div></form></Dialog>
			<Dialog open={asking() === "object"} title={t("rights_object")} close={() => setAsking("")}><h2 class="t3">{t("object_title", { name: p.name })}</h2><p>{t("object_body")}</p>
				<div class="do"><button class="btn" autofocus onClick={() => setAsking("")}>{t("cancel")}</button><button class="btn main" onClick={object}>{t("object_do")}</button></div></Dialog>
			<Dialog open={asking() === "erase"} title={t("rights_erase")} close={() => setAsking("")}><h2 class="t3">{t("erase_title", { name: p.name })}</h2><p><Rich text={t("erase_body", { ref: p.who.ref })} /></p>
				<form onSubmit={erase}><label class="field"><span>{t("reference")}</span><input required autocomplete="off" value={typed()} onInput={(e) => setTyped(e.currentTarget.value)} /></label>
					<div class="do"><button type="button" class="btn" onClick={() => setAsking("")}>{t("cancel")}</button><button class="btn danger" disabled={typed().trim() !== p.who.ref}><Icon name="del" />{t("rights_erase")}</button></div></form></Dialog>
		</Section>
	);
}

export default function CustomerPage(p: { id: string }) {
	const [person, { refetch }] = createResource(() => p.id, (id) => get<Person>(`/customers/${id}`));
	const [timeline, { refetch: again }] = createResource(() => p.id, (id) => get<Rows<Happening>>(`/customers/${id}/timeline`));
	const [why] = createResource(() => p.id, async (id) => {
		type Why = { decisions: Decision[]; next: string | null; plans: { plan: string; now: string }[] };
		const why = await get<Why>(`/customers/${id}/why?limit=200`);
		for (let next = why.next; next; ) {
			const more = await get<Why>(`/customers/${id}/why?limit=200&cursor=${next}`);
			why.decisions.push(...more.decisions);
			next = more.next;
		}
		return why;
	});
	const [recos] = createResource(() => p.id, (id) => get<{ items: Reco[] }>(`/customers/${id}/recommendations?kind=cross&n=3`)
		.catch((e) => { if (e instanceof Problem && e.status === 404) return { items: [] }; throw e; }));
	const [kind, setKind] = createSignal<Kind>("all");
	const show = (k: Kind) => { setKind(k); document.getElementById("tl")?.scrollIntoView({ block: "start" }); };
	const [told, setTold] = createSignal<Line[]>([]);
	const complaint = () => told().find((l) => l.tone === "bad" && Date.parse(l.at) > now().getTime() - 30 * 86400000);
	const held = () => told().find((l) => l.held && Date.parse(l.at) > now().getTime() - 86400000);
	/** Plans that say something of this person, and those that only say they do not concern them. */
	const quiet = (x: string) => /^(n’y est pas|not in it|le plan est arrêté|the plan is off)/.test(x);
	return (
		<Load of={person} again={() => void refetch()} lines={12}>{(c) => {
			const name = () => [c().person.civility, c().person.first_name, c().person.last_name].filter(Boolean).join(" ") || c().ref;
			const she = () => /^(mme|mlle|madame|mrs|ms|miss)\b/i.test(c().person.civility ?? "");
			const active = () => c().runs.filter((r) => r.state === "active").length;
			return (
				<Page title={name()} badge={<span class={"badge lcb " + c().phase}>{she() && /^(new|ambassador|former)$/.test(c().phase) ? word("phase1f", c().phase) : word("phase1", c().phase)}</span>}
					sub={<>{c().first_order ? t(she() ? "since_customer_f" : "since_customer", { day: theDay(c().first_order!) }) : t("never_ordered")}, {t("number_n", { n: c().ref })}</>}
					actions={<>
						<Show when={c().person.phone}><a class="btn" classList={{ main: !!complaint() }} href={"tel:" + c().person.phone.replace(/\s/g, "")}><Icon name="phone" />{t("call")}</a></Show>
						<Show when={c().person.email}><a class="btn" href={"mailto:" + c().person.email}>{t("write")}</a></Show></>}
					answer={<Rich text={[
						complaint() ? t("c_unhappy", { since: `${theDay(complaint()!.at)}, ${hour(complaint()!.at)}` }) : "",
						c().orders ? t("c_answer", { n: c().orders, sum: money(c().spend, true), last: c().last_order ? theDay(c().last_order!) : "" }) : t("never_ordered") + ".",
						held() ? t("c_held", { why: word("reason", held()!.held ?? "").toLocaleLowerCase() }) : "", active() ? t("c_runs", { n: active() }) : "",
					].filter(Boolean).join(" ").replace(/\.\.(?= |$)/g, ".")} />}>
					<dl class="strip2">
						<div><dt>{t("email")}</dt><dd>{c().person.email || "–"}</dd></div>
						<div><dt>{t("phone")}</dt><dd>{c().person.phone || "–"}</dd></div>
						<div><dt>{t("address")}</dt><dd>{[c().person.postcode, c().person.city].filter(Boolean).join(" ") || "–"}</dd></div>
						<div><dt>{t("birthday")}</dt><dd>{c().born ? birthday(c().born!) : "–"}</dd></div>
						<div><dt>{t("months12")}</dt><dd><button type="button" class="open" onClick={() => show("orders")}>{money(c().spend_12m)}</button></dd></div>
						<div><dt>{t("basket")}</dt><dd><Show when={c().orders} fallback="–"><button type="button" class="open" onClick={() => show("orders")}>{money(c().average_basket)}</button></Show></dd></div>
					</dl>
					<Show when={c().merged.length}><Merged list={c().merged} again={() => { void refetch(); void again(); }} /></Show>
					<h2 class="vh">{t("consents")}</h2><Show when={c().consents.length} fallback={<p class="mute noconsent">{t("consents_none")}</p>}><Consents list={c().consents} proof={() => show("consents")} /></Show>
					<div class="split wide">
						<Section id="reco" class="side" title={t("propose")}><Load of={recos} lines={3}>{(r) => (
							<Show when={r().items.length} fallback={<p class="mute">{t("propose_none")}</p>}>
								<ul class="reco"><For each={r().items}>{(x) => <li><b>{x.name}</b><span>{money(x.price)}</span><p>{x.why}</p></li>}</For></ul></Show>
						)}</Load></Section>
						<div><section class="sec" id="tl"><header><h2>{t("timeline")}</h2>
							<div class="chips"><For each={["all", "orders", "messages", "decisions", "consents"] as const}>{(k) =>
								<label><input type="radio" name="kind" checked={kind() === k} onChange={() => setKind(k)} />{t(`tl_${k}`)}</label>}</For></div></header>
							<Load of={timeline} lines={8}>{(tl) => <Timeline id={p.id} kind={kind()} first={tl()} why={why.error ? [] : why.latest?.decisions ?? []} told={setTold} />}</Load></section></div>
						<Section id="why" class="next" title={t("why")} note={t("why_note")}><Load of={why} lines={4}>{(w) => <>
							<ul class="stand"><For each={(w().plans.length ? w().plans : c().plans).filter((x) => !quiet(x.now))}>{(x) => {
								const run = c().runs.find((r) => r.plan === x.plan && r.state === "active");
								return <li classList={{ live: !!run }}><a class="t0" href={href("/plans/" + x.plan)}><b>{planTitle(x.plan)}</b></a><p>{run?.step ? spoken(x.now).replace(run.step, stepTitle(run.step)) : spoken(x.now)}</p></li>;
							}}</For></ul>
							<Show when={(w().plans.length ? w().plans : c().plans).filter((x) => quiet(x.now)).length}><p class="mute">{t("plans_quiet")} <For each={(w().plans.length ? w().plans : c().plans).filter((x) => quiet(x.now))}>{(x, i) => <>{i() ? ", " : ""}<a href={href("/plans/" + x.plan)} title={x.now}>{planTitle(x.plan)}</a></>}</For> ({t("why_quiet")})</p></Show>
							<Show when={!(w().plans.length || c().plans.length)}><p class="mute">{t("why_none")}</p></Show>
							<Show when={w().decisions.length}><details><summary>{t("why_log")} <small>{num(w().decisions.length)}</small></summary>
								<ol class="log"><For each={[...w().decisions].reverse()}>{(d) => (
									<li><small><When at={d.at} /></small><p><b>{word("verdict", d.verdict)}</b>{reasonOf(d)}
										<br /><small><a href={href(`/plans/${d.plan}?tab=versions`)}>{planTitle(d.plan)}, {t("version_n", { n: String(d.version) })}</a>{d.step ? `, ${stepTitle(d.step)}` : ""}{d.channel ? `, ${word("channel", d.channel)}` : ""}</small></p></li>)}</For></ol></details></Show>
						</>}</Load></Section>
					</div>
					<Rights who={c()} name={name()} again={() => { void refetch(); void again(); }} />
				</Page>
			);
		}}</Load>
	);
}
const birthday = (born: string) => new Intl.DateTimeFormat(locale() === "fr" ? "fr-FR" : "en-GB", { day: "numeric", month: "long", timeZone: "UTC" }).format(new Date(born + "T12:00:00Z"));
