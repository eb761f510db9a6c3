// One message: its text on the left, what a chosen customer will see on the right, as it is typed; saved in the shop, with its
// versions, and given back to the text shipped when wanted.
import { For, Match, Show, Switch, createEffect, createMemo, createResource, createSignal, on, onMount } from "solid-js";
import { call, get, may, type CustomerRow, type Finding, type MessageRow, type Page as Rows, type Preview } from "../api";
import { Editor, Remarks, type Remark } from "../editor";
import { learn, t, word } from "../i18n";
import { plain, planTitle } from "../live";
import { href } from "../router";
import { Dialog, Icon, Load, Page, Section, When, refuse, rested, toast } from "../ui";
import { messages as words } from "../words/messages";

learn(words);

type View = "desk" | "phone" | "text" | "sms" | "card";
const ICON: Record<View, string> = { desk: "desk", phone: "tel", text: "text", sms: "sms", card: "postcard" };
interface Version { version: number; saved_at: string; by: string | null; given_back?: boolean }
interface Message extends MessageRow { text: string; findings: Finding[]; from: "shipped" | "folder" | "saved"; version: number; versions: Version[] }
interface Shown extends Preview { sms?: string | null; postcard?: string | null }

/** Whose eyes: any customer, found as typed; the last buyer to begin with. */
function Seer(p: { set: (id: number) => void }) {
	const [q, setQ] = createSignal("");
	const [who, setWho] = createSignal("");
	const asked = rested(q, 80);
	const [found] = createResource(() => asked().trim(), (s) => get<Rows<CustomerRow>>(`/customers?limit=12&q=${encodeURIComponent(s)}`).catch(() => ({ items: [], next: null })));
	const take = (c: CustomerRow) => { setWho(c.name || c.ref); p.set(c.id); };
	onMount(() => { if (may("people")) void get<Rows<CustomerRow>>("/customers?limit=1&sort=-last_order").then((r) => r.items[0] && !q() && take(r.items[0]), () => {}); });
	const pick = (s: string) => {
		setQ(s);
		const hit = found.latest?.items.find((c) => `${c.name}, ${c.email || c.ref}` === s);
		if (hit) { take(hit); setQ(""); }
	};
	return <label class="field seer"><span>{t("preview_on")} <b>{who()}</b></span><input list="seers" value={q()} placeholder={t("customers_search")} autocomplete="off" onInput={(e) => pick(e.currentTarget.value)} />
		<datalist id="seers"><For each={found.latest?.items}>{(c) => <option value={`${c.name}, ${c.email || c.ref}`} />}</For></datalist></label>;
}

/** The preview asks nothing of other hosts: their pictures are pale squares. */
const SQUARE = "data:image/svg+xml," + encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 4"><path fill="#e5dfd4" d="M0 0h4v4H0z"/></svg>');
const still = (html: string) => html.replace(/(<img\b[^>]*\ssrc=["'])https?:[^"']*/gi, `$1${SQUARE}`);

function One(p: { message: Message; again: (m?: Message) => void }) {
	const path = () => `/messages/${p.message.locale}/${p.message.name}`;
	const [text, setText] = createSignal(p.message.text);
	createEffect(on(() => p.message.text, (s) => setText(s), { defer: true }));
	const [customer, setCustomer] = createSignal<number | undefined>();
	const [view, setView] = createSignal<View>("desk");
	const [testing, setTesting] = createSignal(false);
	const [to, setTo] = createSignal("");
	const [jump, setJump] = createSignal<Remark | null>(null);
	const asked = rested(() => JSON.stringify([text(), customer()]), 160);
	const [seen] = createResource(asked, (key) => {
		const [body, who] = JSON.parse(key) as [string, number | undefined];
		return call<Shown>("POST", "/messages/preview", { locale: p.message.locale, name: p.message.name, text: body, ...(who ? { customer: who } : {}) });
	});
	const findings = (): Remark[] => (seen.error ? [{ level: "error", text: (seen.error as Error).message }] : seen.latest?.findings ?? p.message.findings ?? []);
	/** A mistake being typed does not blank what was seen. */
	const preview = createMemo<Shown | undefined>((last) => (seen.error ? last : seen.latest ?? last));
	const changed = () => text() !== p.message.text;
	const wrong = () => findings().some((f) => f.level === "error");
	const views = (): View[] => ["desk", "phone", "text", ...(preview()?.sms ? ["sms" as const] : []), ...(preview()?.postcard ? ["card" as const] : [])];
	async function put(body: string, version: number | undefined, undo: string | null) {
		const m = await call<Message>("PUT", path(), { text: body, ...(version === undefined ? {} : { version }) });
		p.again(m);
		toast(t("message_saved"), undo === null ? undefined : { undo: () => void put(undo, undefined, null).catch(refuse) });
	}
	async function keep() {
		if (!changed() || wrong()) return;
		try { await put(text(), p.message.version, p.message.text); } catch (e) { refuse(e); }
	}
	async function giveBack() {
		const before = p.message.text;
		try {
			await call("DELETE", path());
			p.again();
			toast(t("message_back"), { undo: () => void put(before, undefined, null).catch(refuse) });
		} catch (e) { refuse(e); }
	}
	async function old(v: Version) {
		try { setText((await get<{ text: string }>(`${path()}/versions/${v.version}`)).text); scrollTo(0, 0); } catch (e) { refuse(e); }
	}
	async function test(e: Event) {
		e.preventDefault();
		try {
			await call("POST", "/messages/test", { locale: p.message.locale, name: p.message.name, to: to(), text: text(), ...(customer() ? { customer: customer() } : {}) });
			setTesting(false);
			toast(t("test_sent", { to: to() }));
		} catch (x) { refuse(x); }
	}
	return (
		<Page title={p.message.subject ? plain(p.message.subject, p.message.locale) : p.message.name} sub={<>{p.message.name}, {p.message.locale === "fr" ? "français" : "English"}, {word("purpose", p.message.purpose)}
			<For each={p.message.plans ?? []}>{(x) => <>{", "}<a href={href("/plans/" + x)}>{planTitle(x)}</a></>}</For></>}
			actions={<><Show when={may("plans")}><button class="btn" onClick={() => setTesting(true)}>{t("test_send")}</button></Show>
				<a class="btn" href={href(`/messages/${p.message.locale === "fr" ? "en" : "fr"}/${p.message.name}`)}>{p.message.locale === "fr" ? "English" : "Français"}</a></>}>
			<div class="duo sec">
				<div>
					<Editor label={t("message_text")} text={text()} set={setText} remarks={findings()} save={keep} jump={jump()} readonly={!may("plans")} wrap />
					<Remarks list={findings()} fine={t("message_ok")} pick={setJump} />
					<Show when={may("plans")}><div class="edacts"><button class="btn main" disabled={!changed() || wrong()} onClick={keep}>{t("save")}</button>
						<Show when={changed()}><button class="btn" onClick={() => setText(p.message.text)}>{t("discard")}</button></Show>
						<Show when={!changed() && p.message.from === "saved"}><button class="btn" onClick={giveBack}>{t("message_give_back")}</button></Show></div></Show>
					<p class="note">{t(`message_from_${p.message.from ?? "shipped"}`)}</p>
					<Show when={p.message.versions?.length}><Section title={t("message_versions")}>
						<ul class="log"><For each={[...p.message.versions].reverse()}>{(v) => <li><small><When at={v.saved_at} /></small><p>{v.given_back ? t("message_given_back") : <button class="lnk" onClick={() => void old(v)}>{t("message_version", { n: String(v.version) })}</button>} <small>{v.by ?? ""}</small></p></li>}</For></ul></Section></Show>
				</div>
				<div>
					<div class="pvbar"><Seer set={setCustomer} />
						<div class="seg" role="group" aria-label={t("preview")}>
							<For each={views()}>{(v) => <button aria-pressed={view() === v} title={t(`preview_${v}`)} aria-label={t(`preview_${v}`)} onClick={() => setView(v)}><Icon name={ICON[v]} /><span>{t(`preview_${v}`)}</span></button>}</For></div></div>
					<Show when={seen.error && preview()}><p class="note" role="status">{t("preview_last")}</p></Show>
					<div class="frame" classList={{ tel: view() === "phone", old: !!seen.error }}>
						<Show when={view() !== "sms" && view() !== "card"}><div class="inbox"><b>{preview()?.subject ?? "\u00a0"}</b><small>{preview()?.preheader ?? "\u00a0"}</small></div></Show>
						<Switch>
							<Match when={view() === "text"}><pre tabindex="0">{preview()?.text}</pre></Match>
							<Match when={view() === "sms"}><div class="bubble"><p>{preview()?.sms}</p><small>{t("sms_length", { n: (preview()?.sms ?? "").length })}</small></div></Match>
							<Match when={view() === "card"}><div class="pcard"><p>{preview()?.postcard}</p><i /></div></Match>
							<Match when={true}><iframe title={t("preview")} sandbox="" srcdoc={still(preview()?.html ?? "")} /></Match>
						</Switch>
					</div>
				</div>
			</div>
			<Dialog open={testing()} title={t("test_send")} close={() => setTesting(false)}>
				<h2 class="t3">{t("test_send")}</h2>
				<form onSubmit={test}><label class="field"><span>{t("test_to")}</span><input type="email" required autofocus autocomplete="email" value={to()} onInput={(e) => setTo(e.currentTarget.value)} /></label>
					<div class="do"><button type="button" class="btn" onClick={() => setTesting(false)}>{t("cancel")}</button><button class="btn main">{t("test_do")}</button></div></form>
			</Dialog>
		</Page>
	);
}

export default function MessagePage(p: { locale: string; name: string }) {
	const [message, { refetch, mutate }] = createResource(() => `/messages/${p.locale}/${p.name}`, (path) => get<Message>(path));
	return <Load of={message} again={() => void refetch()} lines={12}>{(m) => <One message={m()} again={(x) => (x?.versions ? mutate({ ...m(), ...x }) : void refetch())} />}</Load>;
}
