// The door: sign-in, and the first run where the owner is made with the server's one-time code.
import { For, Show, createSignal } from "solid-js";
import { call, session, type Problem, type Session } from "../api";
import { changeLocale, locale, t } from "../i18n";
import { query } from "../router";

const SHORTEST = 12;

export function Door(p: { entered: (s: Session) => void }) {
	const token = query("token") || new URLSearchParams(location.search).get("token") || "";
	/** The first owner, or somebody invited: both come with a code that works once. */
	const setup = () => session()!.first_run || !!token;
	const [name, setName] = createSignal("");
	const [password, setPassword] = createSignal("");
	const [code, setCode] = createSignal("");
	const [key, setKey] = createSignal(token);
	const [withCode, setWithCode] = createSignal(false);
	const [refused, setRefused] = createSignal("");
	const [busy, setBusy] = createSignal(false);
	const short = () => Math.max(0, SHORTEST - [...password()].length);

	async function enter(e: Event) {
		e.preventDefault();
		setBusy(true);
		setRefused("");
		try {
			const body = setup() ? { token: key().trim(), name: name(), password: password(), locale: locale() }
				: { name: name(), password: password(), ...(code() ? { code: code() } : {}) };
			const s = await call<Session | null>("POST", setup() ? "/setup" : "/session", body);
			p.entered(s?.user ? s : await call<Session>("POST", "/session", { name: name(), password: password() }));
		} catch (x) {
			if ((x as Problem).body?.factor) setWithCode(true);
			setRefused((x as Error).message);
		}
		setBusy(false);
	}
	return (
		<main class="door">
			<form onSubmit={enter}>
				<p class="brand">relance<i /></p>
				<h1>{setup() ? t(session()!.first_run ? "setup_title" : "invited_title") : t("sign_title")}</h1>
				<p class="mute">{setup() ? t(session()!.first_run ? "setup_sub" : "invited_sub", { shop: session()!.shop.name }) : t("sign_sub", { shop: session()!.shop.name || "relance" })}</p>
				<Show when={setup() && !token}>
					<label class="field"><span>{t("setup_token")}</span><input required value={key()} onInput={(e) => setKey(e.currentTarget.value)} autocomplete="off" />
						<small>{t("setup_token_note")}</small></label>
				</Show>
				<label class="field"><span>{t("sign_name")}</span><input name="name" required autofocus autocomplete="username" value={name()} onInput={(e) => setName(e.currentTarget.value)} /></label>
				<label class="field"><span>{t("sign_password")}</span><input name="password" type="password" required minlength={setup() ? SHORTEST : undefined}
					autocomplete={setup() ? "new-password" : "current-password"} value={password()} onInput={(e) => setPassword(e.currentTarget.value)} />
					<Show when={setup()}><small>{password() && short() ? t("setup_short", { n: short() }) : t("setup_password_note")}</small></Show></label>
				<Show when={!setup()}>
					<Show when={withCode()} fallback={<button type="button" class="lnk" onClick={() => setWithCode(true)}>{t("sign_have_code")}</button>}>
						<label class="field"><span>{t("sign_code")}</span><input inputmode="numeric" autocomplete="one-time-code" autofocus
							value={code()} onInput={(e) => setCode(e.currentTarget.value)} /><small>{t("sign_code_note")}</small></label></Show>
				</Show>
				<p class="refused" role="alert">{refused()}</p>
				<button class="btn main" disabled={busy()}>{setup() ? t("setup_do") : t("sign_in")}</button>
				<p class="langs"><For each={["fr", "en"] as const}>{(l) => <button type="button" class="lnk" lang={l} aria-pressed={locale() === l}
					onClick={() => changeLocale(l)}>{l === "fr" ? "Français" : "English"}</button>}</For></p>
			</form>
			<aside aria-hidden="true">
				<svg viewBox="0 0 480 400"><path class="ghost" d="M60 40V330" /><path class="trace" d="M60 40v60q0 20 20 20h330M410 108v24" />
					<g class="days"><circle class="dot" cx="120" cy="120" r="7" /><circle class="dot" cx="280" cy="120" r="7" /><circle class="dot" cx="360" cy="120" r="7" /></g>
					<path class="trace" d="M120 127v43M280 127v43M360 127v43" />
					<g class="cards"><rect x="84" y="170" width="72" height="92" rx="8" /><rect x="244" y="170" width="72" height="92" rx="8" /><rect x="324" y="170" width="72" height="92" rx="8" /></g>
					<g class="lines"><path d="M96 190h32M96 204h48M96 214h40M256 190h40M256 204h48M256 214h28M336 190h28M336 204h48M336 214h44" /></g>
					<path class="ghost" d="M60 330h336" /></svg>
				<p>{t("sign_side")}</p>
			</aside>
		</main>
	);
}
