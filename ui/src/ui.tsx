// The pieces every page is made of.
import {
	For, Show, createEffect, createSignal, onCleanup, onMount, type Accessor, type JSX, type ParentProps, type Resource,
} from "solid-js";
import { exact, when } from "./fmt";
import { t } from "./i18n";
import { href } from "./router";

const ICONS: Record<string, string> = {
	find: "M7 2.500a4.500 4.500 0 1 0 0 9 4.500 4.500 0 0 0 0-9zM10.500 10.500 14 14",
	stop: "M5.500 2h5L14 5.500v5L10.500 14h-5L2 10.500v-5zM6 6h4v4H6z",
	warn: "M8 2.500 14.500 13.500h-13zM8 6.500v3M8 11.500v.1",
	two: "M8.500 5.500a2.500 2.500 0 1 1-5 0 2.500 2.500 0 0 1 5 0zM1.500 13.500c0-3 2-4.500 4.500-4.500s4.500 1.500 4.500 4.500M10.500 3.200a2.500 2.500 0 0 1 0 4.600M12 9.300c1.600.6 2.500 2 2.500 4.200",
	del: "M3 4.500h10M6.500 4.500v-2h3v2M4.500 4.500l.6 9h5.800l.6-9",
	ask: "M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0zM6.300 6.300c.2-2 3.500-2 3.500 0 0 1.300-1.700 1.300-1.700 2.700M8 11.200v.1",
	mail: "M2 3.500h12v9H2zM2 4.500l6 4.500 6-4.500",
	sms: "M2.500 3h11v8h-6L5 13.500V11H2.500z",
	postcard: "M2 3.500h12v9H2zM8 5.500v5M10 6h2v2h-2zM4 7h2M4 9h2",
	phone: "M4.500 2.500 6.500 6 5.300 7.300c.7 1.500 1.900 2.700 3.400 3.400L10 9.500l3.500 2-1 2c-5 .5-10-4.500-9.500-9.500z",
	eye: "M1.500 8C3 5 5.300 3.500 8 3.500S13 5 14.500 8C13 11 10.700 12.500 8 12.500S3 11 1.500 8zM10 8a2 2 0 1 1-4 0 2 2 0 0 1 4 0z",
	ad: "M2.500 6.500v3H5l5 3v-9l-5 3zM12.500 6v4",
	hand: "M6 7.500v-4a1 1 0 0 1 2 0V7l3.600 1c.7.2 1.100.8 1 1.500L12 13.500H7.500L4 9.500c.500-.700 1.300-.700 2 0",
	ok: "m3 8.500 3.200 3.200L13 5",
	no: "m4 4 8 8M12 4l-8 8",
	clock: "M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0zM8 4.500V8l2.500 1.500",
	down: "M8 2.500v8M4.500 7.500 8 11l3.500-3.500M3 13.500h10",
	play: "M5 3.500v9l7-4.500z",
	plus: "M8 3v10M3 8h10",
	desk: "M2 3h12v8H2zM5.500 13.500h5",
	tel: "M4.500 2h7v12h-7zM7.500 12h1",
	text: "M3 4h10M3 7h10M3 10h7M3 13h5",
	more: "M3.500 8h.1M8 8h.1M12.500 8h.1",
	key: "M6.500 9.500a3 3 0 1 1-3-3 3 3 0 0 1 3 3zM5.600 7.400 12.500 2M10 4l2 2",
};
const CHANNEL_ICON: Record<string, string> = {
	email: "mail", sms: "sms", postcard: "postcard", post: "postcard", phone: "phone", tracking: "eye", profiling: "eye",
	ads: "ad", audience: "ad", push: "tel",
};
export const Icon = (p: { name: string }) => (
	<svg class="ic" viewBox="0 0 16 16" aria-hidden="true"><path d={ICONS[p.name] ?? ICONS.ask} /></svg>
);
export const ChannelIcon = (p: { channel: string }) => <Icon name={CHANNEL_ICON[p.channel] ?? "mail"} />;
export const When = (p: { at: string }) => <time datetime={p.at} title={exact(p.at)}>{when(p.at)}</time>;

/** A sentence of the dictionary: [words](/page) becomes a link, **words** strong. */
export function Rich(p: { text: string }): JSX.Element {
	const bits = () => p.text.replace(/\.\.(?=\s|$)/g, ".").split(/(\[[^\]]+\]\([^)]+\)|\*\*[^*]+\*\*)/);
	return (
		<For each={bits()}>{(b) => {
			const link = /^\[([^\]]+)\]\(([^)]+)\)$/.exec(b);
			if (link?.[2].startsWith("#"))
				return <a href={location.hash || "#/"} onClick={(e) => jump(e, link[2].slice(1))}>{link[1]}</a>;
			if (link) return <a href={href(link[2])}>{link[1]}</a>;
			return b.startsWith("**") ? <b>{b.slice(2, -2)}</b> : b;
		}}</For>
	);
}
function jump(e: Event, id: string) {
	e.preventDefault();
	const to = document.getElementById(id);
	to?.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
	to?.querySelector<HTMLElement>("a,button")?.focus({ preventScroll: true });
}

/** A page: its question, the answer in one sentence, then the rest. */
export function Page(p: ParentProps<{
	title: string; sub?: JSX.Element; badge?: JSX.Element; answer?: JSX.Element; actions?: JSX.Element;
}>) {
	createEffect(() => { document.title = `${p.title} — relance`; });
	return (
		<>
			<div class="head">
				<div>
					<div class="who"><h1>{p.title}</h1>{p.badge}</div>
					<Show when={p.sub}><p class="sub">{p.sub}</p></Show>
				</div>
				<Show when={p.actions}><div class="btns">{p.actions}</div></Show>
			</div>
			<Show when={p.answer}><p class="answer">{p.answer}</p></Show>
			{p.children}
		</>
	);
}
export function Section(p: ParentProps<{ id?: string; title: string; note?: JSX.Element; more?: JSX.Element; class?: string }>) {
	return (
		<section class={"sec " + (p.class ?? "")} id={p.id}>
			<header><h2>{p.title}</h2><Show when={p.note}><p>{p.note}</p></Show>
				<Show when={p.more}><span class="more">{p.more}</span></Show></header>
			{p.children}
		</section>
	);
}

/** Waits for a resource: nothing for 120 ms, then pale lines; a refusal says what to do and offers to try again. */
export function Load<T>(p: { of: Resource<T>; again?: () => void; lines?: number; children: (v: Accessor<T>) => JSX.Element }) {
	const [late, setLate] = createSignal(false);
	const timer = setTimeout(() => setLate(true), 120);
	onCleanup(() => clearTimeout(timer));
	return (
		<Show when={!p.of.error} fallback={
			<div class="empty" role="alert"><h2>{t("failed_title")}</h2><p>{(p.of.error as Error).message}</p>
				<Show when={p.again}><button class="btn" onClick={p.again}>{t("retry")}</button></Show></div>}>
			<Show when={p.of.latest as T} fallback={
				<div class="ghosts" classList={{ on: late() }} role="status" aria-label={t("loading")}>
					<For each={Array(p.lines ?? 6)}>{() => <i />}</For></div>}>
				{(v) => p.children(v as Accessor<T>)}
			</Show>
		</Show>
	);
}

/** An empty place teaches: a picture, a sentence, a button. */
export const Empty = (p: ParentProps<{ title: string; picture?: "wire" | "people" | "letter" | "curve" }>) => (
	<div class="empty">
		<svg viewBox="0 0 160 56" aria-hidden="true">
			<Show when={(p.picture ?? "wire") === "wire"}><path class="trace" d="M8 28H152" />
				<circle class="dot" cx="24" cy="28" r="5" /><circle class="dot" cx="88" cy="28" r="5" /><circle class="dot" cx="120" cy="28" r="5" /></Show>
			<Show when={p.picture === "people"}><path class="ghost" d="M20 44c0-12 8-18 18-18s18 6 18 18M104 44c0-12 8-18 18-18s18 6 18 18" />
				<path class="trace" d="M58 48c0-14 9-21 22-21s22 7 22 21" /><circle class="dot" cx="80" cy="15" r="9" /></Show>
			<Show when={p.picture === "letter"}><path class="trace" d="M1 8h72v40H1zM1 10l36 24 36-24" /></Show>
			<Show when={p.picture === "curve"}><path class="ghost" d="M8 48H152" /><path class="trace" d="M8 44c30 0 34-28 62-26s36-14 82-12" /></Show>
		</svg>
		<h2>{p.title}</h2>{p.children}
	</div>
);

/** A figure as its interval on an axis shared with its neighbours; an interval across zero is grey. */
export function Band(p: { low: number; high: number; value?: number; unknown?: boolean; min: number; max: number; label: string; height?: number }) {
	const x = (v: number) => (100 * (v - p.min)) / (p.max - p.min || 1);
	const unknown = () => p.unknown ?? (p.low < 0 && p.high > 0);
	const h = () => p.height ?? 36;
	return (
		<svg height={h()} role="img" aria-label={p.label}>
			<line class="zero-l" x1={x(Math.max(0, p.min)) + "%"} x2={x(Math.max(0, p.min)) + "%"} y1="0" y2={h()} />
			<rect class="band" classList={{ unk: unknown() }} x={x(p.low) + "%"} width={Math.max(0.4, x(p.high) - x(p.low)) + "%"}
				y={h() / 2 - 3} height="6" rx="1" />
			<Show when={p.value !== undefined}>
				<rect class="mark" classList={{ unk: unknown() }} x={x(p.value!) + "%"} width="2" y={h() / 2 - 6} height="12" />
			</Show>
		</svg>
	);
}

export function Dialog(p: ParentProps<{ open: boolean; title: string; close: () => void; wide?: boolean; class?: string }>) {
	let el!: HTMLDialogElement;
	createEffect(() => {
		if (p.open && !el.open) el.showModal();
		else if (!p.open && el.open) el.close();
	});
	return (
		<dialog ref={el} class={p.class} classList={{ wide: p.wide }} aria-label={p.title} onClose={() => p.close()}
			onClick={(e) => e.target === el && p.close()}>
			<Show when={p.open}><div class="dlg">{p.children}</div></Show>
		</dialog>
	);
}

interface Toast { id: number; text: string; undo?: () => void; bad?: boolean; about?: string }
const [toasts, setToasts] = createSignal<Toast[]>([]);
let serial = 0;
/** about: a later notice about the same thing takes the place of the one before. */
export function toast(text: string, more?: { undo?: () => void; bad?: boolean; about?: string }) {
	const id = ++serial;
	setToasts((l) => [...l.filter((x) => !x.about || x.about !== more?.about).slice(-2), { id, text, ...more }]);
	setTimeout(() => setToasts((l) => l.filter((x) => x.id !== id)), more?.undo || more?.bad ? 9000 : 4000);
}
export const refuse = (e: unknown) => toast(e instanceof Error ? e.message : String(e), { bad: true });
export const Toasts = () => (
	<div class="toasts" role="status" aria-live="polite">
		<For each={toasts()}>{(m) => (
			<div class="toast" classList={{ bad: m.bad }}><span>{m.text}</span>
				<Show when={m.undo}><button onClick={() => { m.undo!(); setToasts((l) => l.filter((x) => x !== m)); }}>{t("undo")}</button></Show>
				<button aria-label={t("close")} onClick={() => setToasts((l) => l.filter((x) => x !== m))}><Icon name="no" /></button>
			</div>
		)}</For>
	</div>
);

export function Tabs(p: { names: [id: string, label: string][]; now: string; set: (id: string) => void; label: string }) {
	const move = (e: KeyboardEvent, by: number) => {
		const i = (p.names.findIndex((n) => n[0] === p.now) + by + p.names.length) % p.names.length;
		p.set(p.names[i][0]);
		((e.currentTarget as HTMLElement).children[i] as HTMLElement).focus();
		e.preventDefault();
	};
	return (
		<div class="tabs" role="tablist" aria-label={p.label}
			onKeyDown={(e) => e.key === "ArrowRight" ? move(e, 1) : e.key === "ArrowLeft" && move(e, -1)}>
			<For each={p.names}>{(n) => (
				<button role="tab" aria-selected={p.now === n[0]} tabindex={p.now === n[0] ? 0 : -1} onClick={() => p.set(n[0])}>{n[1]}</button>
			)}</For>
		</div>
	);
}

/** Saves exactly the rows shown as CSV: semicolons and comma decimals are the reader's business, RFC 4180 is ours. */
export function saveCsv(name: string, head: string[], rows: (string | number | null | undefined)[][]) {
	const cell = (v: string | number | null | undefined) => {
		let s = v === null || v === undefined ? "" : String(v);
		if (/^[=+@\t\r]|^-(?!\d)/.test(s)) s = "'" + s; // a spreadsheet must not run it
		return /[",\r\n;]/.test(s) ? `"${s.replace(/"/g, '""')}"` : s;
	};
	const text = [head, ...rows].map((r) => r.map(cell).join(",")).join("\r\n") + "\r\n";
	const a = document.createElement("a");
	a.href = URL.createObjectURL(new Blob(["\ufeff" + text], { type: "text/csv" }));
	a.download = name;
	a.click();
	setTimeout(() => URL.revokeObjectURL(a.href), 1000);
}
export const CsvButton = (p: { onClick: () => void }) => (
	<button class="lnk" onClick={p.onClick}><Icon name="down" />{t("csv")}</button>
);

/** Calls back when its place scrolls into view: more rows. */
export function Sentinel(p: { seen: () => void }) {
	let el!: HTMLDivElement;
	onMount(() => {
		const o = new IntersectionObserver((e) => e.some((x) => x.isIntersecting) && p.seen(), { rootMargin: "400px" });
		o.observe(el);
		onCleanup(() => o.disconnect());
	});
	return <div ref={el} class="sentinel" />;
}
/** A value that follows another after a rest of ms: what is typed, before it is asked. */
export function rested<T>(source: Accessor<T>, ms: number): Accessor<T> {
	const [v, set] = createSignal<T>(source());
	createEffect(() => {
		const x = source();
		const timer = setTimeout(() => set(() => x), ms);
		onCleanup(() => clearTimeout(timer));
	});
	return v;
}
