// Settings: the shop and how it sends; who comes in; the keys of programs; one's own account.
import { For, Match, Show, Switch, createResource, createSignal, onCleanup } from "solid-js";
import { call, events as listen, get, may, session, type Page as Rows, type Settings as Data } from "../api";
import { dayOf, now, num, shop } from "../fmt";
import { learn, locale, t, word, type Word } from "../i18n";
import { query, setQuery } from "../router";
import { Dialog, Icon, Load, Page, Rich, Section, Tabs, When, refuse, toast } from "../ui";
import { settings as words } from "../words/settings";
import { Account } from "./account";

learn(words);

interface Item { name: string; value: string; example: string; help: string }
interface Person { id: number; name: string; role: string; last_seen?: string | null; totp?: boolean; factor?: boolean }
interface Key { id: number; name: string; scopes: string[] | string; prefix?: string; last_used?: string | null }
interface Invite { id: number; role: string; note: string; expires_at: string }
const ROLES = ["owner", "marketer", "seller", "service", "privacy", "reader"];
const SCOPES = ["read", "facts", "plans", "people", "admin", "privacy", "recommend"];
/** Which names of settings stand together, on which tab. */
const GROUPS: [tab: string, title: Word, of: RegExp, note?: Word, columns?: string][] = [
	["shop", "set_shop", /^shop\./, undefined, "broad"], ["shop", "set_lifecycle", /^lifecycle\./, undefined, "slim"], ["shop", "set_costs", /^cost\./, "set_costs_note", "slim"], ["shop", "set_reco", /^recommend\./, undefined, "broad"],
	["shop", "set_report", /^report\./, "set_report_note", "broad"],
	["sends", "set_pressure", /^pressure\./, "set_pressure_note", "slim"], ["sends", "set_hours", /^quiet\./], ["sends", "set_senders", /^(smtp|dkim|bounce|staff|hooks)\.|^public_url$/, "set_senders_note"], ["sends", "set_law", /opt_in|^control\.|^approval\.|^retention\./],
];
const key = (name: string) => name.replace(/\./g, "_");
const label = (i: Item) => { const k = key(i.name), said = word("set", k); return said === k.replace(/_/g, " ") ? i.help || i.name : said; };

/** "2 in 7 days": how many, in how many days; without a number there is no limit. */
function Cap(p: { item: Item; value: string; set: (v: string) => void; disabled: boolean }) {
	const part = (i: number) => /^(\d+) in (\d+) days?$/.exec(p.value)?.[i] ?? "";
	const put = (n: string, days: string) => p.set(n ? `${n} in ${days || "7"} days` : "no limit");
	return (
		<div class="field" role="group" aria-label={label(p.item)}><span>{label(p.item)}</span><span class="united cap"><input type="number" min="0" disabled={p.disabled} aria-label={t("set_limit")} value={part(1)} placeholder="∞" onInput={(e) => put(e.currentTarget.value, part(2))} />
			<i>{t("set_in")}</i><input type="number" min="1" disabled={p.disabled} aria-label={t("set_days")} value={part(2)} onInput={(e) => put(part(1), e.currentTarget.value)} /><i>{t("set_days_unit")}</i></span></div>
	);
}

/** Settings that stand together; saved when changed, undone from the notice. */
function Fields(p: { title: string; note?: string; columns?: string; items: Item[]; again: () => void }) {
	const [draft, setDraft] = createSignal<Record<string, string>>({});
	const now = (i: Item) => draft()[i.name] ?? i.value;
	const set = (i: Item, v: string) => setDraft((d) => { const n = { ...d, [i.name]: v }; if (v === i.value) delete n[i.name]; return n; });
	const put = async (values: Record<string, string>) => { await call("PUT", "/settings", values); p.again(); };
	async function keep(e: Event) {
		e.preventDefault();
		const before = Object.fromEntries(Object.keys(draft()).map((k) => [k, p.items.find((i) => i.name === k)!.value]));
		try {
			await put(draft());
			setDraft({});
			toast(t("saved"), { undo: () => void put(before).catch(refuse) });
		} catch (x) { refuse(x); }
	}
	const off = () => !may("admin");
	/** Amounts are written as people write them here. */
	const comma = (v: string) => (locale() === "fr" ? v.replace(".", ",") : v);
	return (
		<Section title={p.title} note={p.note}><form onSubmit={keep}>
			<div class={"sets " + (p.columns ?? "")}><For each={p.items}>{(i) => (
				<Switch fallback={<label class="field"><span>{label(i)}</span><input name={i.name} disabled={off()} value={now(i)} placeholder={i.example} autocomplete="off" onInput={(e) => set(i, e.currentTarget.value)} /></label>}>
					<Match when={/^(yes|no)$/.test(i.example)}><label class="check"><input type="checkbox" disabled={off()} checked={now(i) === "yes"} onChange={(e) => set(i, e.currentTarget.checked ? "yes" : "no")} />{label(i)}</label></Match>
					<Match when={/^cost\./.test(i.name)}><label class="field"><span>{label(i)}</span><span class="united"><input name={i.name} inputmode="decimal" disabled={off()} value={comma(now(i))} placeholder={comma(i.example)} autocomplete="off" onInput={(e) => set(i, e.currentTarget.value.trim().replace(",", "."))} /><i>{shop().currency === "EUR" ? "€" : shop().currency}</i></span></label></Match>
					<Match when={/^pressure\./.test(i.name)}><Cap item={i} value={now(i)} set={(v) => set(i, v)} disabled={off()} /></Match>
				</Switch>
			)}</For></div>
			<Show when={Object.keys(draft()).length}><div class="edacts"><button class="btn main">{t("save")}</button><button type="button" class="btn" onClick={() => setDraft({})}>{t("cancel")}</button></div></Show>
		</form></Section>
	);
}

function People() {
	const [users, { refetch }] = createResource(() => get<Rows<Person>>("/users"));
	const [invites, { refetch: again }] = createResource(() => get<Rows<Invite>>("/invites").catch(() => ({ items: [], next: null })));
	const [note, setNote] = createSignal("");
	const [role, setRole] = createSignal("marketer");
	const [link, setLink] = createSignal("");
	const [gone, setGone] = createSignal<Person | null>(null);
	async function act(what: () => Promise<unknown>) {
		try { await what(); await refetch(); await again(); } catch (x) { refuse(x); }
	}
	const invite = (e: Event) => { e.preventDefault(); void act(async () => { const r = await call<{ link: string }>("POST", "/invites", { role: role(), note: note() }); setLink(r.link); setNote(""); }); };
	const remove = () => { const u = gone()!; setGone(null); void act(() => call("DELETE", `/users/${u.id}`)); };
	const factor = (x: Person) => x.totp ?? x.factor;
	return (
		<Section title={t("set_users")} note={t("set_users_note")}>
			<Load of={users} lines={3}>{(u) => (
				<table class="rows"><thead><tr><th scope="col">{t("set_name")}</th><th scope="col">{t("role")}</th><th scope="col" class="w">{t("second_factor")}</th><th scope="col"><span class="vh">{t("remove")}</span></th></tr></thead>
					<tbody><For each={u().items}>{(x) => <tr><td><b>{x.name}</b></td><td>{word("role", x.role)}</td><td class="w">{factor(x) ? <span class="good est"><Icon name="ok" />{t("yes")}</span> : <span class="mute">{t("no")}</span>}</td>
						<td class="num"><Show when={x.name !== session()?.user?.name}><Show when={factor(x)}><button class="lnk" onClick={() => void act(() => call("DELETE", `/users/${x.id}/factor`))}>{t("factor_off_for")}</button> </Show><button class="lnk" onClick={() => setGone(x)} aria-label={`${t("remove")} ${x.name}`}>{t("remove")}</button></Show></td></tr>}</For>
						<For each={invites.latest?.items}>{(x) => <tr><td class="mute">{x.note || t("invited")}</td><td class="mute">{word("role", x.role)}</td><td class="w mute">{t("invited_until")} <When at={x.expires_at} /></td>
							<td class="num"><button class="lnk" onClick={() => void act(() => call("DELETE", `/invites/${x.id}`))} aria-label={`${t("remove")} ${x.note}`}>{t("remove")}</button></td></tr>}</For></tbody></table>
			)}</Load>
			<Show when={link()}><div class="once spaced"><p>{t("invite_once")}</p><code>{link().startsWith("http") ? link() : location.origin + link()}</code></div></Show>
			<form class="addrow" onSubmit={invite}><label class="field"><span>{t("invite_who")}</span><input required value={note()} onInput={(e) => setNote(e.currentTarget.value)} /></label>
				<label class="field"><span>{t("role")}</span><select value={role()} onChange={(e) => setRole(e.currentTarget.value)}><For each={ROLES}>{(r) => <option value={r}>{word("role", r)}</option>}</For></select></label>
				<button class="btn">{t("invite")}</button></form>
			<Dialog open={!!gone()} title={t("remove")} close={() => setGone(null)}><h2 class="t3">{t("remove_user", { name: gone()?.name ?? "" })}</h2><p>{t("remove_user_body", { name: gone()?.name ?? "" })}</p>
				<div class="do"><button class="btn" autofocus onClick={() => setGone(null)}>{t("cancel")}</button><button class="btn danger" onClick={remove}>{t("remove")}</button></div></Dialog>
		</Section>
	);
}

function Keys() {
	const [keys, { refetch }] = createResource(() => get<Rows<Key>>("/keys"));
	const [name, setName] = createSignal("");
	const [scopes, setScopes] = createSignal<string[]>(["facts"]);
	const [made, setMade] = createSignal("");
	const [gone, setGone] = createSignal<Key | null>(null);
	async function make(e: Event) {
		e.preventDefault();
		try {
			const r = await call<{ key?: string }>("POST", "/keys", { name: name(), scopes: scopes().join(" ") });
			setMade(r.key ?? "");
			setName("");
			await refetch();
		} catch (x) { refuse(x); }
	}
	async function cut() {
		const k = gone()!;
		setGone(null);
		try {
			await call("DELETE", `/keys/${k.id}`);
			await refetch();
		} catch (x) { refuse(x); }
	}
	const flip = (s: string) => setScopes((l) => (l.includes(s) ? l.filter((x) => x !== s) : s === "recommend" ? [s] : [...l.filter((x) => x !== "recommend"), s]));
	const list = (s: string[] | string) => (Array.isArray(s) ? s : s.split(" ")).map((x) => word("scope", x)).join(", ");
	return (
		<Section title={t("set_keys")} note={t("set_keys_note")}>
			<Show when={made()}><div class="once"><p>{t("key_once")}</p><code>{made()}</code></div></Show>
			<Load of={keys} lines={2}>{(k) => (
				<Show when={k().items.length} fallback={<p class="mute">{t("keys_none")}</p>}>
					<table class="rows"><thead><tr><th scope="col">{t("set_name")}</th><th scope="col">{t("scopes")}</th><th scope="col"><span class="vh">{t("remove")}</span></th></tr></thead>
						<tbody><For each={k().items}>{(x) => <tr><td><b>{x.name}</b></td><td>{list(x.scopes)}</td>
							<td class="num"><button class="lnk" onClick={() => setGone(x)} aria-label={`${t("remove")} ${x.name}`}>{t("remove")}</button></td></tr>}</For></tbody></table></Show>
			)}</Load>
			<form class="addrow" onSubmit={make}><label class="field"><span>{t("set_name")}</span><input required value={name()} onInput={(e) => setName(e.currentTarget.value)} /></label>
				<div class="btns" role="group" aria-label={t("scopes")}><For each={SCOPES}>{(s) => <button type="button" class="chip" aria-pressed={scopes().includes(s)} onClick={() => flip(s)}>{word("scope", s)}</button>}</For></div>
				<button class="btn" disabled={!scopes().length}><Icon name="key" />{t("new_key")}</button></form>
			<Dialog open={!!gone()} title={t("remove")} close={() => setGone(null)}><h2 class="t3">{t("remove_key", { name: gone()?.name ?? "" })}</h2><p>{t("remove_key_body")}</p>
				<div class="do"><button class="btn" autofocus onClick={() => setGone(null)}>{t("cancel")}</button><button class="btn danger" onClick={cut}>{t("remove")}</button></div></Dialog>
		</Section>
	);
}

interface HookIn { id: string | number; platform: string; name: string; path: string; last_at: string | null; deliveries: number }
interface HookOut { id: number; url: string; events: string | string[]; waiting: number; given_up: number }
const PLATFORMS: [id: string, name: string][] = [["shopify", "Shopify"], ["woocommerce", "WooCommerce"], ["prestashop", "PrestaShop"]];
/** The web shops that tell us, and the programs we tell. */
function Hooks() {
	const [hooks, { refetch }] = createResource(() => get<{ in: HookIn[]; out: HookOut[] }>("/hooks"));
	const [platform, setPlatform] = createSignal("shopify");
	const [name, setName] = createSignal("");
	const [secret, setSecret] = createSignal("");
	const [url, setUrl] = createSignal("");
	const [events, setEvents] = createSignal("message.sent plan.goal");
	const [once, setOnce] = createSignal<[Word, string] | null>(null);
	async function act(what: () => Promise<unknown>) { try { await what(); await refetch(); } catch (e) { refuse(e); } }
	const addIn = (e: Event) => { e.preventDefault(); void act(async () => { const r = await call<{ path: string }>("POST", "/hooks/in", { platform: platform(), name: name(), secret: secret() }); setOnce(["hook_in_once", location.origin + r.path]); setName(""); setSecret(""); }); };
	const addOut = (e: Event) => { e.preventDefault(); void act(async () => { const r = await call<{ secret: string }>("POST", "/hooks/out", { url: url(), events: events() }); setOnce(["hook_out_once", r.secret]); setUrl(""); }); };
	const known = (p: string) => PLATFORMS.find((x) => x[0] === p)?.[1] ?? p;
	return (
		<Section title={t("hooks")} note={t("hooks_note")}>
			<Show when={once()}>{(o) => <div class="once"><p>{t(o()[0])}</p><code>{o()[1]}</code></div>}</Show>
			<Load of={hooks} lines={2}>{(h) => (
				<Show when={h().in.length || h().out.length} fallback={<p class="mute">{t("hooks_none")}</p>}>
					<table class="rows"><thead><tr><th scope="col">{t("hook_with")}</th><th scope="col" class="w">{t("hook_address")}</th><th scope="col" class="num">{t("hook_state")}</th><th scope="col"><span class="vh">{t("remove")}</span></th></tr></thead>
						<tbody><For each={h().in}>{(x) => <tr><td><b>{x.name}</b> <small>{known(x.platform)}</small></td><td class="w"><code>{x.path}</code></td><td class="num"><Show when={x.last_at} fallback={<span class="mute">{t("hook_never")}</span>}>{num(x.deliveries)}, <When at={x.last_at!} /></Show></td>
							<td class="num"><button class="lnk" aria-label={`${t("remove")} ${x.name}`} onClick={() => void act(() => call("DELETE", `/hooks/in/${x.id}`))}>{t("remove")}</button></td></tr>}</For>
							<For each={h().out}>{(x) => <tr><td><b>{x.url}</b></td><td class="w mute">{Array.isArray(x.events) ? x.events.join(", ") : x.events}</td><td class="num">{x.given_up ? <span class="wrong">{t("hook_given_up", { n: x.given_up })}</span> : x.waiting ? t("hook_waiting", { n: x.waiting }) : <span class="mute">{t("hook_calm")}</span>}</td>
								<td class="num"><button class="lnk" aria-label={`${t("remove")} ${x.url}`} onClick={() => void act(() => call("DELETE", `/hooks/out/${x.id}`))}>{t("remove")}</button></td></tr>}</For></tbody></table></Show>)}</Load>
			<form class="addrow" onSubmit={addIn}><label class="field"><span>{t("hook_platform")}</span><select value={platform()} onChange={(e) => setPlatform(e.currentTarget.value)}><For each={PLATFORMS}>{(x) => <option value={x[0]}>{x[1]}</option>}</For></select></label>
				<label class="field"><span>{t("set_name")}</span><input required value={name()} onInput={(e) => setName(e.currentTarget.value)} /></label>
				<label class="field"><span>{t("hook_secret")}</span><input required minlength="8" maxlength="200" autocomplete="off" value={secret()} onInput={(e) => setSecret(e.currentTarget.value)} /></label><button class="btn">{t("hook_in_add")}</button></form>
			<form class="addrow" onSubmit={addOut}><label class="field"><span>{t("hook_url")}</span><input type="url" required placeholder="https://…" value={url()} onInput={(e) => setUrl(e.currentTarget.value)} /></label>
				<label class="field"><span>{t("hook_events")}</span><input required value={events()} onInput={(e) => setEvents(e.currentTarget.value)} /></label><button class="btn">{t("hook_out_add")}</button></form>
		</Section>
	);
}

/** A large shop takes a while to be copied: how far it is, as the server tells. */
function Backup() {
	const [share, setShare] = createSignal<number | null>(null);
	if (may("admin")) onCleanup(listen((kind, data) => { if (kind === "backup") setShare(data.progress < 1 ? data.progress : null); }));
	return (
		<Section title={t("set_backup")}><p class="mute">{t("set_backup_body")}</p>
			<Show when={may("admin")} fallback={<code>relance backup shop.db copie.db</code>}><p class="spaced"><a class="btn" href="/api/v1/backup" download={`${dayOf(now())}.backup`}><Icon name="down" />{t("set_backup_do")}</a></p></Show>
			<Show when={share() !== null}><div class="bar" role="progressbar" aria-label={t("set_backup_making")} aria-valuenow={Math.round(share()! * 100)}><i style={{ width: share()! * 100 + "%" }} /></div><p class="note" role="status">{t("set_backup_making")}</p></Show>
		</Section>
	);
}

export default function Settings() {
	const [data, { refetch }] = createResource(() => get<Data & { items: Item[] }>("/settings"));
	const tab = () => query("tab") || "shop";
	const tabs = (): [string, string][] => [["shop", t("tab_shop")], ["sends", t("tab_sends")], ...(may("admin") ? [["team", t("tab_team")] as [string, string]] : []), ["account", t("tab_account")]];
	return (
		<Load of={data} again={() => void refetch()} lines={10}>{(s) => {
			const cap = () => (s().pressure as { email?: { limit: number | null; days: number } } | undefined)?.email;
			const city = () => shop().zone.replace(/.*\//, "").replace(/_/g, " ");
			return (
				<Page title={t("settings_title")} answer={<Rich text={typeof cap()?.limit === "number" ? t("settings_answer", { shop: shop().name, zone: city(), n: cap()!.limit!, days: cap()!.days })
					: t("settings_answer_plain", { shop: shop().name, zone: city(), currency: shop().currency })} />}>
					<Tabs label={t("nav_settings")} now={tab()} set={(id) => setQuery("tab", id === "shop" ? "" : id)} names={tabs()} />
					<div>
						<Show when={!may("admin") && tab() !== "account"}><p class="mute">{t("not_owner")}</p></Show>
						<For each={GROUPS.filter((g) => g[0] === tab())}>{(g) => <Fields title={t(g[1])} note={g[3] && t(g[3])} columns={g[4]} items={s().items.filter((i) => g[2].test(i.name))} again={() => void refetch()} />}</For>
						<Show when={tab() === "shop"}><Backup /></Show>
						<Show when={tab() === "team" && may("admin")}><People /><Keys /><Hooks /></Show>
						<Show when={tab() === "account"}><Account /></Show>
					</div>
				</Page>
			);
		}}</Load>
	);
}
