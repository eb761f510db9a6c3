// One's own account: the second factor, and the places one is signed in.
import { For, Show, createResource, createSignal } from "solid-js";
import { call, get, session, type Page as Rows } from "../api";
import { t, word } from "../i18n";
import { Icon, Load, Section, When, refuse, toast } from "../ui";

interface Place { id: number; created_at: string; expires_at: string; agent: string | null; current: boolean }
interface Enrol { secret: string; uri: string; qr: string }

/** "Firefox, Linux" of a browser's long name. */
const browser = (long: string | null) => {
	const agent = long ?? "";
	const what = /Edg\//.test(agent) ? "Edge" : /Firefox\//.test(agent) ? "Firefox" : /Chrom(e|ium)\//.test(agent) ? "Chrome" : /Safari\//.test(agent) ? "Safari" : agent.split(/[ /]/)[0];
	const where = /Android/.test(agent) ? "Android" : /iPhone|iPad/.test(agent) ? "iOS" : /Windows/.test(agent) ? "Windows" : /Mac OS/.test(agent) ? "macOS" : /Linux/.test(agent) ? "Linux" : "";
	return [what, where].filter(Boolean).join(", ") || "?";
};

function Factor() {
	const [enrol, setEnrol] = createSignal<Enrol | null>(null);
	const [code, setCode] = createSignal("");
	const [password, setPassword] = createSignal("");
	const [codes, setCodes] = createSignal<string[]>([]);
	const [on, setOn] = createSignal(!!(session()?.user as { factor?: boolean } | null)?.factor);
	const [ending, setEnding] = createSignal(false);
	async function act(what: () => Promise<void>) {
		try { await what(); setPassword(""); setCode(""); } catch (e) { refuse(e); }
	}
	const begin = () => act(async () => { setEnrol(await call<Enrol>("POST", "/session/factor", {})); });
	const confirm = (e: Event) => { e.preventDefault(); void act(async () => {
		const r = await call<{ backup_codes: string[] }>("PUT", "/session/factor", { secret: enrol()!.secret, code: code().trim(), password: password() });
		setCodes(r.backup_codes);
		setEnrol(null);
		setOn(true);
	}); };
	const end = (e: Event) => { e.preventDefault(); void act(async () => { await call("DELETE", "/session/factor", { password: password() }); setOn(false); setEnding(false); setCodes([]); toast(t("factor_is_off")); }); };
	return (
		<Section title={t("second_factor")} note={t("factor_note")}>
			<Show when={codes().length}><div class="once"><p>{t("factor_codes")}</p><code class="many">{codes().join("\n")}</code></div></Show>
			<Show when={!enrol()} fallback={
				<form class="enrol" onSubmit={confirm}><img alt={t("factor_qr")} width="184" height="184" src={"data:image/svg+xml," + encodeURIComponent(enrol()!.qr)} />
					<div><p>{t("factor_scan")}</p><p><code>{enrol()!.secret.replace(/(.{4})/g, "$1 ").trim()}</code></p>
						<label class="field"><span>{t("sign_code")}</span><input required inputmode="numeric" pattern="[0-9 ]{6,7}" autocomplete="one-time-code" value={code()} onInput={(e) => setCode(e.currentTarget.value)} /></label>
						<label class="field"><span>{t("sign_password")}</span><input required type="password" autocomplete="current-password" value={password()} onInput={(e) => setPassword(e.currentTarget.value)} /></label>
						<div class="edacts"><button class="btn main">{t("factor_confirm")}</button><button type="button" class="btn" onClick={() => setEnrol(null)}>{t("cancel")}</button></div></div></form>}>
				<Show when={on()} fallback={<p><button class="btn" onClick={begin}><Icon name="key" />{t("factor_begin")}</button></p>}>
					<p class="good est"><Icon name="ok" />{t("factor_is_on")}</p>
					<Show when={ending()} fallback={<p><button class="lnk" onClick={() => setEnding(true)}>{t("factor_end")}</button></p>}>
						<form class="addrow" onSubmit={end}><label class="field"><span>{t("sign_password")}</span><input required type="password" autocomplete="current-password" value={password()} onInput={(e) => setPassword(e.currentTarget.value)} /></label><button class="btn danger">{t("factor_end")}</button></form></Show>
				</Show>
			</Show>
		</Section>
	);
}

function Places() {
	const [places, { refetch }] = createResource(() => get<Rows<Place>>("/sessions"));
	const end = async (path: string) => { try { await call("DELETE", path); await refetch(); toast(t("places_ended")); } catch (e) { refuse(e); } };
	return (
		<Section title={t("places")} note={t("places_note")} more={<Show when={(places.latest?.items.length ?? 0) > 1}><button class="lnk" onClick={() => void end("/sessions")}>{t("places_end_others")}</button></Show>}>
			<Load of={places} again={() => void refetch()} lines={2}>{(l) => (
				<table class="rows"><thead><tr><th scope="col">{t("places_browser")}</th><th scope="col" class="num">{t("since")}</th><th scope="col"><span class="vh">{t("remove")}</span></th></tr></thead>
					<tbody><For each={l().items}>{(x) => <tr><td title={x.agent ?? ""}>{browser(x.agent)} <Show when={x.current}><small class="good">{t("places_here")}</small></Show></td><td class="num"><When at={x.created_at} /></td>
						<td class="num"><Show when={!x.current}><button class="lnk" onClick={() => void end("/sessions/" + x.id)}>{t("places_end")}</button></Show></td></tr>}</For></tbody></table>)}</Load>
		</Section>
	);
}

export const Account = () => <>
	<Section title={session()?.user?.name ?? ""} note={word("role", session()?.user?.role ?? "")}><span class="vh">{t("tab_account")}</span></Section>
	<Factor /><Places /></>;
