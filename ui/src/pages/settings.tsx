// Settings: the shop, its hours, its pressure and costs; who comes in; the keys of programs.
import { For, Show, createMemo, createResource, createSignal } from "solid-js";
import { call, get, may, session, type Page as Rows, type Settings as Data } from "../api";
import { shop } from "../fmt";
import { learn, locale, t, word, type Word } from "../i18n";
import { Dialog, Icon, Load, Page, Rich, Section, When, refuse, toast } from "../ui";
import { settings as words } from "../words/settings";

learn(words);

type Field = string | number | boolean;
type Group = Record<string, Field>;
interface Person { id?: number | string; name: string; role: string; last_seen?: string | null; totp?: boolean }
interface Key { id?: number | string; name: string; scopes: string[] | string; prefix?: string; last_used?: string | null }
const ROLES = ["owner", "marketer", "seller", "service", "privacy", "reader"];
const SHORTEST = 12;
const SCOPES = ["read", "facts", "plans", "people", "admin"];
const KNOWN: [group: string, title: Word][] = [["shop", "set_shop"], ["hours", "set_hours"], ["pressure", "set_pressure"], ["costs", "set_costs"], ["lifecycle", "set_lifecycle"]];

/** Settings one deep: {email: {limit}} is "email.limit". */
const flat = (o: object): Group => Object.fromEntries(Object.entries(o).flatMap(([k, v]) =>
	(v && typeof v === "object" ? Object.entries(v).map(([b, x]) => [`${k}.${b}`, x]) : [[k, v]])));

/** A group of the settings as the server gives it: text, number or yes/no, saved when changed, undone from the notice. */
function Fields(p: { name: string; title: string; values: Group; again: () => void }) {
	const [draft, setDraft] = createSignal<Group>({});
	const changed = () => Object.keys(draft()).length > 0;
	async function put(values: Group) {
		const nested: Record<string, unknown> = {}; // "email.limit" is {email: {limit}}
		for (const [k, v] of Object.entries(values)) {
			const [a, b] = k.split(".");
			nested[a] = b ? { ...(nested[a] as object), [b]: v } : v;
		}
		await call("PUT", "/settings", { [p.name]: nested });
		p.again();
	}
	async function keep(e: Event) {
		e.preventDefault();
		const before = Object.fromEntries(Object.keys(draft()).map((k) => [k, p.values[k]]));
		try {
			await put(draft());
			setDraft({});
			toast(t("saved"), { undo: () => void put(before).catch(refuse) });
		} catch (x) { refuse(x); }
	}
	const set = (k: string, v: Field) => setDraft((d) => { const n = { ...d, [k]: v }; if (v === p.values[k]) delete n[k]; return n; });
	const label = (k: string) => {
		const [a, b] = k.split(".");
		const what = a === "all" ? t("set_all") : p.name === "costs" || b ? word("channel", a) : word("set", a);
		return !b ? what : b === "limit" ? t("set_cap", { channel: what }) : b === "days" ? t("set_window", { channel: what }) : `${what}, ${b}`;
	};
	const cents = (k: string, v: Field) => p.name === "costs" && typeof v === "number" && k !== "currency";
	return (
		<Section title={p.title} note={p.name === "costs" ? t("set_costs_note") : undefined}><form onSubmit={keep}>
			<div class="sets"><For each={Object.entries(p.values)}>{([k, v]) => (
				<Show when={typeof v !== "boolean"} fallback={<label class="check"><input type="checkbox" disabled={!may("admin")} checked={(draft()[k] ?? v) as boolean} onChange={(e) => set(k, e.currentTarget.checked)} />{label(k)}</label>}>
					<label class="field"><span>{label(k)}</span><input disabled={!may("admin")} type={typeof v === "number" || v === null ? "number" : /^\d\d:\d\d$/.test(String(v)) ? "time" : "text"} step={cents(k, v) ? "0.01" : "any"}
						value={cents(k, v) ? Number(draft()[k] ?? v) / 10 ** shop().exponent : String(draft()[k] ?? v ?? "")} onInput={(e) => set(k, typeof v !== "number" ? e.currentTarget.value : cents(k, v) ? Math.round(Number(e.currentTarget.value) * 10 ** shop().exponent) : Number(e.currentTarget.value))} /></label></Show>
			)}</For></div>
			<Show when={changed()}><div class="edacts"><button class="btn main">{t("save")}</button><button type="button" class="btn" onClick={() => setDraft({})}>{t("cancel")}</button></div></Show>
		</form></Section>
	);
}

function People() {
	const [users, { refetch }] = createResource(() => get<Rows<Person>>("/users"));
	const [name, setName] = createSignal("");
	const [role, setRole] = createSignal("marketer");
	const [password, setPassword] = createSignal("");
	const [gone, setGone] = createSignal<Person | null>(null);
	async function invite(e: Event) {
		e.preventDefault();
		try {
			await call("POST", "/users", { name: name(), role: role(), password: password(), locale: locale() });
			setName("");
			setPassword("");
			await refetch();
		} catch (x) { refuse(x); }
	}
	async function remove() {
		const u = gone()!;
		setGone(null);
		try {
			await call("DELETE", `/users/${encodeURIComponent(String(u.id ?? u.name))}`);
			await refetch();
		} catch (x) { refuse(x); }
	}
	return (
		<Section title={t("set_users")} note={t("set_users_note")}>
			<Load of={users} lines={3}>{(u) => (
				<table class="rows"><thead><tr><th scope="col">{t("set_name")}</th><th scope="col">{t("role")}</th><th scope="col" class="w">{t("second_factor")}</th><th scope="col" class="num w">{t("last_seen")}</th><th scope="col"><span class="vh">{t("remove")}</span></th></tr></thead>
					<tbody><For each={u().items}>{(x) => <tr><td><b>{x.name}</b></td><td>{word("role", x.role)}</td><td class="w">{x.totp ? <span class="good est"><Icon name="ok" />{t("yes")}</span> : <span class="mute">{t("no")}</span>}</td>
						<td class="num w"><Show when={x.last_seen} fallback={<span class="mute">{t("not_yet")}</span>}><When at={x.last_seen!} /></Show></td>
						<td class="num"><Show when={x.name !== session()?.user?.name}><button class="lnk" onClick={() => setGone(x)} aria-label={`${t("remove")} ${x.name}`}>{t("remove")}</button></Show></td></tr>}</For></tbody></table>
			)}</Load>
			<form class="addrow" onSubmit={invite}><label class="field"><span>{t("set_name")}</span><input required value={name()} onInput={(e) => setName(e.currentTarget.value)} /></label>
				<label class="field"><span>{t("role")}</span><select value={role()} onChange={(e) => setRole(e.currentTarget.value)}><For each={ROLES}>{(r) => <option value={r}>{word("role", r)}</option>}</For></select></label>
				<label class="field"><span>{t("user_password")}</span><input type="password" required minlength={SHORTEST} autocomplete="new-password" value={password()} onInput={(e) => setPassword(e.currentTarget.value)} /></label>
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
			const r = await call<{ key?: string }>("POST", "/keys", { name: name(), scopes: scopes() });
			setMade(r.key ?? "");
			setName("");
			await refetch();
		} catch (x) { refuse(x); }
	}
	async function cut() {
		const k = gone()!;
		setGone(null);
		try {
			await call("DELETE", `/keys/${encodeURIComponent(String(k.id ?? k.name))}`);
			await refetch();
		} catch (x) { refuse(x); }
	}
	const flip = (s: string) => setScopes((l) => (l.includes(s) ? l.filter((x) => x !== s) : [...l, s]));
	return (
		<Section title={t("set_keys")} note={t("set_keys_note")}>
			<Show when={made()}><div class="once"><p>{t("key_once")}</p><code>{made()}</code></div></Show>
			<Load of={keys} lines={2}>{(k) => (
				<table class="rows"><thead><tr><th scope="col">{t("set_name")}</th><th scope="col">{t("scopes")}</th><th scope="col" class="num w">{t("last_used")}</th><th scope="col"><span class="vh">{t("remove")}</span></th></tr></thead>
					<tbody><For each={k().items} fallback={<tr><td colspan="4" class="mute">{t("none_yet")}</td></tr>}>{(x) => <tr><td><b>{x.name}</b> <Show when={x.prefix}><code>{x.prefix}…</code></Show></td><td>{Array.isArray(x.scopes) ? x.scopes.join(", ") : x.scopes}</td>
						<td class="num w"><Show when={x.last_used} fallback={<span class="mute">{t("not_yet")}</span>}><When at={x.last_used!} /></Show></td>
						<td class="num"><button class="lnk" onClick={() => setGone(x)} aria-label={`${t("remove")} ${x.name}`}>{t("remove")}</button></td></tr>}</For></tbody></table>
			)}</Load>
			<form class="addrow" onSubmit={make}><label class="field"><span>{t("set_name")}</span><input required value={name()} onInput={(e) => setName(e.currentTarget.value)} /></label>
				<div class="btns" role="group" aria-label={t("scopes")}><For each={SCOPES}>{(s) => <button type="button" class="chip" aria-pressed={scopes().includes(s)} onClick={() => flip(s)}>{s}</button>}</For></div>
				<button class="btn" disabled={!scopes().length}><Icon name="key" />{t("new_key")}</button></form>
			<Dialog open={!!gone()} title={t("remove")} close={() => setGone(null)}><h2 class="t3">{t("remove_key", { name: gone()?.name ?? "" })}</h2><p>{t("remove_key_body")}</p>
				<div class="do"><button class="btn" autofocus onClick={() => setGone(null)}>{t("cancel")}</button><button class="btn danger" onClick={cut}>{t("remove")}</button></div></Dialog>
		</Section>
	);
}

export default function Settings() {
	const [data, { refetch }] = createResource(() => get<Data>("/settings"));
	return (
		<Load of={data} again={() => void refetch()} lines={10}>{(s) => {
			const groups = createMemo(() => Object.entries(s()).filter((e) => !!e[1] && typeof e[1] === "object" && !Array.isArray(e[1])).map(([g, v]): [string, Group] => [g, flat(v as object)]));
			const title = (g: string) => { const k = KNOWN.find((x) => x[0] === g); return k ? t(k[1]) : g.replace(/_/g, " "); };
			const cap = () => (s().pressure as { email?: { limit: number | null; days: number } } | undefined)?.email;
			return (
				<Page title={t("settings_title")} answer={<Rich text={typeof cap()?.limit === "number" ? t("settings_answer", { shop: shop().name, zone: shop().zone.replace(/.*\//, "").replace(/_/g, " "), n: cap()!.limit!, days: cap()!.days })
					: t("settings_answer_plain", { shop: shop().name, zone: shop().zone.replace(/.*\//, "").replace(/_/g, " "), currency: shop().currency })} />}>
					<Show when={!may("admin")}><p class="mute">{t("not_owner")}</p></Show>
					<For each={groups()}>{([g, values]) => <Fields name={g} title={title(g)} values={values} again={() => void refetch()} />}</For>
					<Show when={may("admin")}><People /><Keys /></Show>
				</Page>
			);
		}}</Load>
	);
}
