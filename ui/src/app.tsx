// The frame: navigation, search, keyboard, theme, the emergency stop; pages load on first visit.
import { ErrorBoundary, For, Match, Show, Suspense, Switch, createEffect, createResource, createSignal, lazy, onCleanup, onMount, type JSX } from "solid-js";
import { adopt, call, get, may, openSession, session, type CustomerRow, type Page as Rows, type Session } from "./api";
import { setThemeTick } from "./chart";
import { num, shop } from "./fmt";
import { changeLocale, locale, t, word, type Word } from "./i18n";
import { holdToday, plansLike, today, waiting } from "./live";
import { Door } from "./pages/door";
import { Today } from "./pages/today";
import { go, href, leave, leftAt, parts, path } from "./router";
import { Dialog, Icon, Toasts, refuse, rested, toast } from "./ui";

const Customers = lazy(() => import("./pages/customers"));
const Duplicates = lazy(() => import("./pages/duplicates"));
const Customer = lazy(() => import("./pages/customer"));
const Plans = lazy(() => import("./pages/plans"));
const PlanPage = lazy(() => import("./pages/plan"));
const Messages = lazy(() => import("./pages/messages"));
const MessagePage = lazy(() => import("./pages/message"));
const Figures = lazy(() => import("./pages/figures"));
const ValuePage = lazy(() => import("./pages/value"));
const NextPage = lazy(() => import("./pages/next"));
const KpiPage = lazy(() => import("./pages/kpi"));
const CasePage = lazy(() => import("./pages/case"));
const Compliance = lazy(() => import("./pages/compliance"));
const Settings = lazy(() => import("./pages/settings"));

const PAGES: [id: string, to: string, key: string][] = [
	["today", "/", "t"], ["customers", "/customers", "c"], ["plans", "/plans", "p"], ["messages", "/messages", "m"],
	["figures", "/figures", "f"], ["compliance", "/compliance", "o"], ["settings", "/settings", "s"],
];
const here = (to: string) => (to === "/" ? path() === "/" || path() === "/today" : path().startsWith(to));

export type Theme = "auto" | "light" | "dark";
const [theme, setTheme] = createSignal<Theme>((localStorage.getItem("relance.theme") as Theme) || "auto");
export function changeTheme(to: Theme) {
	localStorage.setItem("relance.theme", to);
	setTheme(to);
}

function Search(p: { open: boolean; close: () => void }) {
	const [q, setQ] = createSignal("");
	const asked = rested(q, 60);
	const [found] = createResource(() => (p.open && asked().trim().length >= 2 ? asked().trim() : null),
		(text) => get<Rows<CustomerRow>>(`/customers?limit=8&q=${encodeURIComponent(text)}`).catch(() => ({ items: [], next: null })));
	const [at, setAt] = createSignal(0);
	interface Hit { to: string; label: string; note: string }
	const hits = (): Hit[] => {
		const low = q().trim().toLocaleLowerCase();
		const pages = PAGES.filter((x) => !low || t(`nav_${x[0]}` as Word).toLocaleLowerCase().includes(low))
			.map((x) => ({ to: x[1], label: t(`nav_${x[0]}` as Word), note: "g " + x[2] }));
		const rows = q().trim().length < 2 ? [] : found.latest?.items ?? [];
		const plans = low.length < 2 ? [] : plansLike(low).map((x) => ({ to: "/plans/" + x.name, label: x.title || x.name, note: t("plan") }));
		return [...rows.map((c) => ({ to: `/customers/${c.id}`, label: c.name || c.ref, note: c.email || c.ref })), ...plans, ...pages];
	};
	createEffect(() => { q(); setAt(0); });
	const open = (h?: Hit) => { if (h) { go(h.to); p.close(); setQ(""); } };
	const key = (e: KeyboardEvent) => {
		const n = hits().length;
		if (e.key === "ArrowDown") setAt((i) => (i + 1) % Math.max(1, n));
		else if (e.key === "ArrowUp") setAt((i) => (i - 1 + n) % Math.max(1, n));
		else if (e.key === "Enter") open(hits()[at()]);
		else return;
		e.preventDefault();
	};
	return (
		<Dialog open={p.open} title={t("search")} close={p.close} class="palette">
			<label class="seek"><Icon name="find" /><input type="text" autofocus autocomplete="off" spellcheck={false} role="combobox"
				aria-expanded="true" aria-controls="hits" aria-label={t("search")} placeholder={t("search_hint")}
				aria-activedescendant={hits().length ? "hit" + at() : undefined}
				value={q()} onInput={(e) => setQ(e.currentTarget.value)} onKeyDown={key} /></label>
			<ul id="hits" role="listbox" aria-label={t("search")}>
				<For each={hits()}>{(h, i) => (
					<li id={"hit" + i()} role="option" aria-selected={i() === at()} onMouseMove={() => setAt(i())} onClick={() => open(h)}>
						<span>{h.label}</span><small>{h.note}</small></li>
				)}</For>
			</ul>
			<Show when={hits().length === 0 && !found.loading}><p class="mute pad">{t("search_none", { q: q() })}</p></Show>
			<p class="note pad">{t("search_help")}</p>
		</Dialog>
	);
}

function Keys(p: { open: boolean; close: () => void }) {
	return (
		<Dialog open={p.open} title={t("keys")} close={p.close}>
			<h2 class="t3">{t("keys")}</h2>
			<dl class="keys">
				<dt><kbd>/</kbd></dt><dd>{t("search")}</dd>
				<For each={PAGES}>{(x) => <><dt><kbd>g</kbd> <kbd>{x[2]}</kbd></dt><dd>{t(`nav_${x[0]}` as Word)}</dd></>}</For>
				<dt><kbd>Ctrl</kbd> <kbd>S</kbd></dt><dd>{t("keys_save")}</dd>
				<dt><kbd>?</kbd></dt><dd>{t("keys_help")}</dd>
				<dt><kbd>{locale() === "fr" ? "Échap" : "Esc"}</kbd></dt><dd>{t("keys_esc")}</dd>
			</dl>
			<div class="do"><button class="btn" onClick={p.close}>{t("close")}</button></div>
		</Dialog>
	);
}

function Frame(p: { children: JSX.Element }) {
	const [seek, setSeek] = createSignal(false);
	const [keys, setKeys] = createSignal(false);
	const [stopping, setStopping] = createSignal(false);
	const [more, setMore] = createSignal(false);
	let main!: HTMLElement;
	let g = 0;
	const onKey = (e: KeyboardEvent) => {
		const el = e.target as HTMLElement;
		if (e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) || document.querySelector("dialog[open]")) return;
		if (e.key === "/") { setSeek(true); e.preventDefault(); return; }
		if (e.key === "?") { setKeys(true); return; }
		if (e.key === "Escape" && more()) { setMore(false); return; }
		if (e.key === "Escape" && parts().length > 1) { leave("/" + parts()[0]); return; }
		if (g && Date.now() - g < 1200) {
			const to = PAGES.find((x) => x[2] === e.key);
			if (to) { go(to[1]); e.preventDefault(); }
			g = 0;
		} else if (e.key === "g") g = Date.now();
	};
	onMount(() => {
		addEventListener("keydown", onKey);
		onCleanup(() => removeEventListener("keydown", onKey));
	});
	/** A page come back to fills as its answers come: down to where it was left as soon as it is that long. */
	function untilThere(y: number) {
		const here = path(), end = Date.now() + 3000;
		const look = () => {
			if (path() !== here || touched) return;
			if (document.documentElement.scrollHeight >= y + innerHeight || Date.now() > end) scrollTo(0, y);
			else requestAnimationFrame(look);
		};
		let touched = false;
		for (const kind of ["wheel", "touchstart", "keydown"]) addEventListener(kind, () => { touched = true; }, { once: true, passive: true });
		look();
	}
	let before = path();
	createEffect(() => {
		if (path() === before) return;
		before = path();
		setMore(false);
		const y = leftAt();
		if (y) untilThere(y);
		else scrollTo(0, 0);
		main.focus({ preventScroll: true });
	});
	const needs = () => today.error ? 0 : waiting(today.latest);
	const leaving = () => today.error ? 0 : today.latest?.leaving.reduce((n, x) => n + x.count, 0) ?? 0;
	const queue = () => {
		const by = new Map<string, { title: string; channel: string; count: number }>();
		for (const x of today.error ? [] : today.latest?.leaving ?? []) {
			const key = x.plan + " " + x.channel;
			by.set(key, { title: x.title || x.plan, channel: x.channel, count: x.count + (by.get(key)?.count ?? 0) });
		}
		return [...by.values()].sort((a, b) => b.count - a.count);
	};
	async function stop() {
		setStopping(false);
		try {
			const r = await call<{ held_by: string | null }>("POST", "/stop");
			holdToday(r?.held_by ?? "emergency_stop");
			toast(t("stopped"), { undo: () => void resume(), about: "stop" });
		} catch (e) { refuse(e); }
	}
	async function resume() {
		try {
			await call("POST", "/resume");
			holdToday(null);
			toast(t("resumed"), { about: "stop" });
		} catch (e) { refuse(e); }
	}
	async function signOut() {
		try {
			await call("DELETE", "/session");
			await openSession();
			go("/");
		} catch (e) { refuse(e); }
	}
	const held = () => (today.error ? null : today.latest?.held_by);
	const Prefs = () => (
		<div class="prefs">
			<div class="seg" role="group" aria-label={t("language")}>
				<For each={["fr", "en"] as const}>{(l) => <button aria-pressed={locale() === l} lang={l}
					title={l === "fr" ? "Français" : "English"} onClick={() => changeLocale(l)}>{l}</button>}</For></div>
			<div class="seg" role="group" aria-label={t("theme")}>
				<For each={["light", "dark", "auto"] as const}>{(x) => <button aria-pressed={theme() === x} title={t(`theme_${x}`)}
					aria-label={`${t("theme")} : ${t(`theme_${x}`)}`} onClick={() => changeTheme(x)}>{x === "light" ? "☼" : x === "dark" ? "☾" : "◐"}</button>}</For></div>
		</div>
	);
	return (
		<>
			<div class="app">
				<nav class="nav" aria-label={t("pages")}>
					<a class="skip" href={location.hash} onClick={(e) => { e.preventDefault(); main.focus(); }}>{t("skip")}</a>
					<a class="brand" href={href("/")}>relance<i /></a>
					<button class="find" type="button" aria-label={t("search")} onClick={() => setSeek(true)}>
						<Icon name="find" /><span>{t("search")}</span><kbd>/</kbd></button>
					<ul>
						<For each={PAGES}>{(x, i) => (
							<li classList={{ x: i() > 3 }}><a href={href(x[1])} aria-current={here(x[1]) ? "page" : undefined}>{t(`nav_${x[0]}` as Word)}
								<Show when={x[0] === "today" && needs() > 0} fallback={<kbd aria-hidden="true">g {x[2]}</kbd>}>
									<span class="n" title={t("needs_n", { n: needs() })}>{num(needs())}</span></Show></a></li>
						)}</For>
						<li class="m"><button type="button" classList={{ on: PAGES.slice(4).some((x) => here(x[1])) }} aria-expanded={more()} onClick={() => setMore(!more())}>{t("nav_more")}</button></li>
					</ul>
					<Show when={more()}>
						<div class="veil" onClick={() => setMore(false)} />
						<div class="sheet">
							<For each={PAGES.slice(4)}>{(x) => <a href={href(x[1])} aria-current={here(x[1]) ? "page" : undefined} onClick={() => setMore(false)}>{t(`nav_${x[0]}` as Word)}</a>}</For>
							<Show when={may("plans") && !held()}><button class="wrong" onClick={() => { setMore(false); setStopping(true); }}><Icon name="stop" />{t("stop")}</button></Show>
							<button onClick={signOut}>{t("signout")}</button>
							<Prefs />
						</div>
					</Show>
					<div class="foot">
						<Show when={may("plans") && !held()}><button class="btn stop" type="button" onClick={() => setStopping(true)}><Icon name="stop" />{t("stop")}</button></Show>
						<Prefs />
						<small>{shop().name}<br />{session()?.user?.name}, {word("role", session()?.user?.role ?? "")}<br />
							<button class="lnk" onClick={signOut}>{t("signout")}</button></small>
					</div>
				</nav>
				<main class="page" id="main" ref={main} tabindex="-1">
					<Show when={held()}>
						<div class="halt" role="alert"><Icon name="stop" /><p><b>{t("stopped")}</b> <span>{word("hold", held()!)}</span></p>
							<Show when={may("plans")}><button class="btn" onClick={resume}><Icon name="play" />{t("resume")}</button></Show></div>
					</Show>
					{p.children}
				</main>
			</div>
			<Search open={seek()} close={() => setSeek(false)} />
			<Keys open={keys()} close={() => setKeys(false)} />
			<Dialog open={stopping()} title={t("stop_title")} close={() => setStopping(false)}>
				<h2 class="t3">{t("stop_title")}</h2><p>{leaving() ? t("stop_body", { n: leaving() }) : t("stop_body_none")}</p>
				<Show when={leaving()}><ul class="queue"><For each={queue()}>{(x) => <li><span>{x.title}</span><small>{word("channel", x.channel)}</small><b>{num(x.count)}</b></li>}</For></ul></Show>
				<div class="do"><button class="btn" autofocus onClick={() => setStopping(false)}>{t("cancel")}</button>
					<button class="btn danger" onClick={stop}><Icon name="stop" />{t("stop_do")}</button></div>
			</Dialog>
		</>
	);
}

export function NotFound() {
	return <div class="empty"><h1>{t("notfound")}</h1><p>{t("notfound_body")}</p><a class="btn main" href={href("/")}>{t("nav_today")}</a></div>;
}

export function App() {
	const [fault, setFault] = createSignal<string | null>(null);
	const open = () => openSession().then(() => setFault(null), (e: Error) => setFault(e.message));
	onMount(open);
	createEffect(() => { document.documentElement.lang = locale(); });
	createEffect(() => {
		if (theme() === "auto") delete document.documentElement.dataset.theme;
		else document.documentElement.dataset.theme = theme();
		setThemeTick((n) => n + 1);
	});
	const first = () => parts()[0] ?? "";
	const entered = (s: Session) => {
		adopt(s);
		if (first() === "setup") go("/");
	};
	return (
		<>
			<Switch>
				<Match when={fault()}><div class="empty alone" role="alert"><h1>{t("failed_title")}</h1><p>{fault()}</p>
					<button class="btn" onClick={open}>{t("retry")}</button></div></Match>
				<Match when={session() && !session()!.user}><Door entered={entered} /></Match>
				<Match when={session()?.user}>
					<Frame>
						<Show when={path()} keyed>{(_place) => <ErrorBoundary fallback={(e) => <div class="empty" role="alert"><h1>{t("failed_title")}</h1><p>{String(e?.message ?? e)}</p><button class="btn" onClick={() => location.reload()}>{t("retry")}</button></div>}>
						<Suspense>
							<Switch fallback={<NotFound />}>
								<Match when={first() === "" || first() === "today" || first() === "setup"}><Today /></Match>
								<Match when={first() === "customers" && parts()[1] === "duplicates"}><Duplicates /></Match>
								<Match when={first() === "customers" && parts()[1]} keyed>{(id) => <Customer id={id} />}</Match>
								<Match when={first() === "customers"}><Customers /></Match>
								<Match when={first() === "plans" && parts()[1]} keyed>{(name) => <PlanPage name={name} />}</Match>
								<Match when={first() === "plans"}><Plans /></Match>
								<Match when={first() === "messages" && parts()[2]} keyed>{(name) => <MessagePage locale={parts()[1]} name={name} />}</Match>
								<Match when={first() === "messages"}><Messages /></Match>
								<Match when={first() === "figures" && parts()[1] === "value"}><ValuePage /></Match>
								<Match when={first() === "figures" && parts()[1] === "next"}><NextPage /></Match>
								<Match when={first() === "figures" && parts()[1] === "kpi"}><KpiPage /></Match>
								<Match when={first() === "figures" && parts()[1] === "case"}><CasePage /></Match>
								<Match when={first() === "figures" && !parts()[1]}><Figures /></Match>
								<Match when={first() === "compliance"}><Compliance /></Match>
								<Match when={first() === "settings"}><Settings /></Match>
							</Switch>
						</Suspense>
						</ErrorBoundary>}</Show>
					</Frame>
				</Match>
			</Switch>
			<Toasts />
		</>
	);
}
