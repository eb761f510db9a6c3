// One person on one page: what they bought and received, what they consented to, and the reason for every decision.
import { For, Show, createResource, createSignal } from "solid-js";
import { Problem, get, type Consent, type Customer as Person, type Decision, type Happening, type Page as Rows, type Reco } from "../api";
import { day, exact, hour, money, num, now, when } from "../fmt";
import { t, word, locale } from "../i18n";
import { planTitle } from "../live";
import { href } from "../router";
import { ChannelIcon, Icon, Load, Page, Rich, Section, When, refuse } from "../ui";

type Kind = "all" | "orders" | "messages" | "decisions";
const GROUP: Record<string, Kind> = { order: "orders", return: "orders", refund: "orders", message: "messages", send: "messages", decision: "decisions", consent: "decisions" };
const group = (h: Happening): Kind => (h.verdict && h.verdict !== "send" ? "decisions" : GROUP[h.kind] ?? "all");
const unhappy = (h: Happening) => h.kind === "complaint" || (h.kind === "answer" && /insatisf|peu satisf|mécontent|unhappy|dissatisf/i.test(h.title + (h.detail ?? "")));

/** Disc = purchase (filled) or message, square = act of the person, diamond = decision. */
function Mark(p: { h: Happening }) {
	const k = () => (group(p.h) === "decisions" && p.h.kind !== "consent" ? "d" : p.h.kind === "order" || p.h.kind === "message" || p.h.kind === "send" ? "o" : "s");
	return (
		<svg aria-hidden="true" viewBox="0 0 17 20">
			<path d={k() === "d" ? "m8.5 5.5 4.5 4.500-4.5 4.500L4 10z" : k() === "o" ? "M12.500 10a4 4 0 1 1-8 0 4 4 0 0 1 8 0z" : "M5 6.500h7v7H5z"} />
		</svg>
	);
}

function Row(p: { h: Happening }) {
	const h = () => p.h;
	const soon = () => Date.parse(h().at) > now().getTime();
	const decided = () => h().verdict && h().verdict !== "send";
	const quote = () => (h().detail?.startsWith("«") ? h().detail : null);
	return (
		<li classList={{ buy: h().kind === "order", dec: !!decided(), bad: unhappy(h()), soon: soon() }}>
			<time datetime={h().at} title={exact(h().at)}>{when(h().at)}</time><span class="n"><Mark h={h()} /></span>
			<div class="b">
				<p><Show when={decided()} fallback={<Show when={h().kind === "order" || unhappy(h())} fallback={word("event", h().title)}><b>{word("event", h().title)}</b></Show>}>
					<b>{h().verdict === "control" ? word("reason", h().reason ?? "control_group") : `${word("verdict", h().verdict!)}${locale() === "fr" ? "\u00a0: " : ": "}${word("reason", h().reason ?? "none").toLocaleLowerCase()}`}.</b> {h().title}</Show></p>
				<Show when={quote()}><p class="quote">{quote()}</p></Show>
				<small><Show when={h().detail && !quote()}>{word("event", h().detail)} </Show>
					<Show when={decided() && !h().detail}>{word("then", h().reason ?? "none")} </Show>
					<Show when={h().plan}><a href={href("/plans/" + h().plan)}>{planTitle(h().plan!)}</a></Show></small>
			</div>
			<div class="amt"><Show when={h().amount}>{money(h().amount!)}</Show></div>
		</li>
	);
}

function Timeline(p: { id: string; kind: Kind; first: Rows<Happening> }) {
	const [more, setMore] = createSignal<Happening[]>([]);
	const [next, setNext] = createSignal(p.first.next);
	const all = () => [...p.first.items, ...more()].filter((h) => p.kind === "all" || group(h) === p.kind);
	const future = () => all().filter((h) => Date.parse(h.at) > now().getTime());
	const past = () => all().filter((h) => Date.parse(h.at) <= now().getTime());
	async function load() {
		try {
			const r = await get<Rows<Happening>>(`/customers/${p.id}/timeline?cursor=${encodeURIComponent(next()!)}`);
			setMore((l) => [...l, ...r.items]);
			setNext(r.next);
		} catch (e) { refuse(e); }
	}
	return (
		<Show when={all().length} fallback={<p class="mute">{t("tl_none")}</p>}>
			<ol class="tl">
				<For each={future()}>{(h) => <Row h={h} />}</For>
				<li class="d"><span>{t("tl_now")}</span><span class="n"><svg aria-hidden="true" viewBox="0 0 17 20"><circle cx="8.500" cy="10" r="2.500" /></svg></span><hr /></li>
				<For each={past()}>{(h) => <Row h={h} />}</For>
			</ol>
			<Show when={next()}><button class="btn" onClick={load}>{t("nav_more")}</button></Show>
		</Show>
	);
}

function Consents(p: { list: Consent[] }) {
	return (
		<ul class="cons" style={{ "--cols": p.list.length }}>
			<For each={p.list}>{(c) => (
				<li class={c.may ? "good" : "no"}><b><ChannelIcon channel={c.channel} />{word("channel", c.channel)}<Icon name={c.may ? "ok" : "no"} /></b>
					<small>{word("consent", c.state || (c.may ? "soft" : "unknown"))}<Show when={c.at}>, <span title={exact(c.at!)}>{day(c.at!)}</span></Show><Show when={c.source}><br />{c.source}</Show>
						<Show when={c.purpose !== "marketing"}><br />{word("purpose", c.purpose)}</Show></small></li>
			)}</For>
		</ul>
	);
}

export default function CustomerPage(p: { id: string }) {
	const [person, { refetch }] = createResource(() => p.id, (id) => get<Person>(`/customers/${id}`));
	const [timeline] = createResource(() => p.id, (id) => get<Rows<Happening>>(`/customers/${id}/timeline`));
	const [why] = createResource(() => p.id, (id) => get<{ decisions: Decision[]; plans: { plan: string; now: string }[] }>(`/customers/${id}/why`));
	const [recos] = createResource(() => p.id, (id) => get<{ items: Reco[] }>(`/customers/${id}/recommendations?kind=cross&n=3`)
		.catch((e) => { if (e instanceof Problem && e.status === 404) return { items: [] }; throw e; }));
	const [kind, setKind] = createSignal<Kind>("all");
	const happened = () => (timeline.error ? [] : timeline.latest?.items ?? []);
	const complaint = () => happened().find(unhappy);
	const held = () => happened().find((h) => (h.verdict === "defer" || h.verdict === "hold") && Date.parse(h.at) > now().getTime() - 86400000);
	return (
		<Load of={person} again={() => void refetch()} lines={12}>{(c) => {
			const name = () => [c().person.civility, c().person.first_name, c().person.last_name].filter(Boolean).join(" ") || c().ref;
			const active = () => c().runs.filter((r) => r.state === "active").length;
			return (
				<Page title={name()} badge={<span class={"badge lcb " + c().phase}>{word("phase1", c().phase)}</span>}
					sub={<>{c().first_order ? t("since_customer", { day: day(c().first_order!) }) : t("never_ordered")}, n° {c().ref}</>}
					actions={<>
						<Show when={c().person.phone}><a class="btn" classList={{ main: !!complaint() }} href={"tel:" + c().person.phone.replace(/\s/g, "")}><Icon name="phone" />{t("call")}</a></Show>
						<Show when={c().person.email}><a class="btn" href={"mailto:" + c().person.email}>{t("write")}</a></Show></>}
					answer={<Rich text={[
						complaint() ? t("c_unhappy", { since: `${day(complaint()!.at)} ${hour(complaint()!.at)}` }) : "",
						c().orders ? t("c_answer", { n: c().orders, sum: money(c().spend, true), last: c().last_order ? day(c().last_order!) : "" }) : t("never_ordered") + ".",
						held() ? t("c_held", { why: word("reason", held()!.reason ?? "").toLocaleLowerCase() }) : "", active() ? t("c_runs", { n: active() }) : "",
					].filter(Boolean).join(" ")} />}>
					<dl class="strip2">
						<div><dt>{t("email")}</dt><dd>{c().person.email || "–"}</dd></div>
						<div><dt>{t("phone")}</dt><dd>{c().person.phone || "–"}</dd></div>
						<div><dt>{t("address")}</dt><dd>{[c().person.postcode, c().person.city].filter(Boolean).join(" ") || "–"}</dd></div>
						<div><dt>{t("birthday")}</dt><dd>{c().born ? birthday(c().born!) : "–"}</dd></div>
						<div><dt>{t("months12")}</dt><dd>{money(c().spend_12m)}</dd></div>
						<div><dt>{t("basket")}</dt><dd>{money(c().average_basket)}</dd></div>
					</dl>
					<h2 class="vh">{t("consents")}</h2><Consents list={c().consents} />
					<div class="split wide">
						<Section id="reco" class="side" title={t("propose")}><Load of={recos} lines={3}>{(r) => (
							<Show when={r().items.length} fallback={<p class="mute">{t("propose_none")}</p>}>
								<ul class="reco"><For each={r().items}>{(x) => <li><b>{x.name}</b><span>{money(x.price)}</span><p>{x.why}</p></li>}</For></ul></Show>
						)}</Load></Section>
						<div><section class="sec" id="tl"><header><h2>{t("timeline")}</h2>
							<div class="chips"><For each={["all", "orders", "messages", "decisions"] as const}>{(k) =>
								<label><input type="radio" name="kind" checked={kind() === k} onChange={() => setKind(k)} />{t(`tl_${k}`)}</label>}</For></div></header>
							<Load of={timeline} lines={8}>{(tl) => <Timeline id={p.id} kind={kind()} first={tl()} />}</Load></section></div>
						<Section id="why" class="next" title={t("why")} note={t("why_note")}><Load of={why} lines={4}>{(w) => <>
							<ul class="stand"><For each={w().plans.length ? w().plans : c().plans}>{(x) => {
								const run = c().runs.find((r) => r.plan === x.plan && r.state === "active");
								return <li classList={{ live: !!run }}><a class="t0" href={href("/plans/" + x.plan)}><b>{planTitle(x.plan)}</b></a><p>{run ? t("run_active", { step: run.step }) : x.now}</p></li>;
							}}</For></ul>
							<Show when={w().decisions.length}><details><summary>{t("why_log")} <small>{num(w().decisions.length)}</small></summary>
								<ol class="log"><For each={w().decisions}>{(d) => (
									<li><small><When at={d.at} /></small><p><b>{word("verdict", d.verdict)}</b>{d.reason && d.reason !== "none" ? `, ${word("reason", d.reason).toLocaleLowerCase()}` : ""}{d.times > 1 ? ` (${t("why_times", { n: d.times })})` : ""}
										<br /><small>{planTitle(d.plan)} v{d.version}{d.step ? `, ${d.step}` : ""}{d.channel ? `, ${word("channel", d.channel)}` : ""}</small></p></li>)}</For></ol></details></Show>
						</>}</Load></Section>
					</div>
				</Page>
			);
		}}</Load>
	);
}
const birthday = (born: string) => new Intl.DateTimeFormat(locale() === "fr" ? "fr-FR" : "en-GB", { day: "numeric", month: "long", timeZone: "UTC" }).format(new Date(born + "T12:00:00Z"));
