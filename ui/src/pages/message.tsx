// One message: its text on the left, what a chosen customer will see on the right, as it is typed.
import { For, Match, Show, Switch, createEffect, createResource, createSignal, on } from "solid-js";
import { call, get, may, type CustomerRow, type Finding, type MessageRow, type Page as Rows, type Preview } from "../api";
import { Editor, Remarks, type Remark } from "../editor";
import { learn, t, word } from "../i18n";
import { plain, planTitle } from "../live";
import { href } from "../router";
import { Dialog, Icon, Load, Page, refuse, rested, toast } from "../ui";
import { messages as words } from "../words/messages";

learn(words);

type View = "desk" | "phone" | "text";
interface Message extends MessageRow { text: string; findings: Finding[] }

/** Whose eyes: any customer, found as typed. */
function Seer(p: { set: (id: number) => void }) {
	const [q, setQ] = createSignal("");
	const asked = rested(q, 80);
	const [found] = createResource(() => asked().trim(), (s) => get<Rows<CustomerRow>>(`/customers?limit=12&q=${encodeURIComponent(s)}`).catch(() => ({ items: [], next: null })));
	const pick = (s: string) => {
		setQ(s);
		const hit = found.latest?.items.find((c) => c.name === s || c.email === s);
		if (hit) p.set(hit.id);
	};
	return <label class="field"><span>{t("preview_on")}</span><input list="seers" value={q()} placeholder={t("customers_search")} autocomplete="off" onInput={(e) => pick(e.currentTarget.value)} />
		<datalist id="seers"><For each={found.latest?.items}>{(c) => <option value={c.name}>{c.email}</option>}</For></datalist></label>;
}

function One(p: { message: Message }) {
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
		return call<Preview>("POST", "/messages/preview", { locale: p.message.locale, name: p.message.name, text: body, ...(who ? { customer: who } : {}) });
	});
	const findings = (): Remark[] => (seen.error ? [{ level: "error", text: (seen.error as Error).message }] : seen.latest?.findings ?? p.message.findings ?? []);
	const preview = () => (seen.error ? undefined : seen.latest);
	const changed = () => text() !== p.message.text;
	/** Messages are files of the shop: the text as edited leaves as one, to put in messages/. */
	function keep() {
		const a = document.createElement("a");
		a.href = URL.createObjectURL(new Blob([text()], { type: "text/markdown" }));
		a.download = `${p.message.name}.md`;
		a.click();
		setTimeout(() => URL.revokeObjectURL(a.href), 1000);
		toast(t("message_kept", { path: `messages/${p.message.locale}/${p.message.name}.md` }));
	}
	async function test(e: Event) {
		e.preventDefault();
		try {
			await call("POST", "/messages/test", { locale: p.message.locale, name: p.message.name, to: to(), ...(customer() ? { customer: customer() } : {}) });
			setTesting(false);
			toast(t("test_sent", { to: to() }));
		} catch (x) { refuse(x); }
	}
	return (
		<Page title={p.message.subject ? plain(p.message.subject) : p.message.name} sub={<>{p.message.name}, {p.message.locale === "fr" ? "français" : "English"}, {word("purpose", p.message.purpose)}
			<For each={p.message.plans ?? []}>{(x) => <>{", "}<a href={href("/plans/" + x)}>{planTitle(x)}</a></>}</For></>}
			actions={<><a class="btn" href={href(`/messages/${p.message.locale === "fr" ? "en" : "fr"}/${p.message.name}`)}>{p.message.locale === "fr" ? "English" : "Français"}</a>
				<Show when={may("plans")}><button class="btn" onClick={() => setTesting(true)}>{t("test_send")}</button></Show></>}>
			<div class="duo sec">
				<div>
					<Editor label={t("message_text")} text={text()} set={setText} remarks={findings()} save={keep} jump={jump()} readonly={!may("plans")} />
					<Remarks list={findings()} fine={t("message_ok")} pick={setJump} />
					<div class="edacts"><button class="btn main" disabled={!changed()} onClick={keep}><Icon name="down" />{t("message_keep")}</button>
						<Show when={changed()}><button class="btn" onClick={() => setText(p.message.text)}>{t("discard")}</button></Show></div>
				</div>
				<div>
					<div class="pvbar"><Seer set={setCustomer} />
						<div class="seg" role="group" aria-label={t("preview")}>
							<For each={[["desk", "desk"], ["phone", "tel"], ["text", "text"]] as [View, string][]}>{(v) => <button aria-pressed={view() === v[0]} onClick={() => setView(v[0])}><Icon name={v[1]} />{t(`preview_${v[0]}`)}</button>}</For></div></div>
					<div class="frame" classList={{ tel: view() === "phone" }}>
						<div class="inbox"><b>{preview()?.subject ?? "\u00a0"}</b><small>{preview()?.preheader ?? "\u00a0"}</small></div>
						<Switch>
							<Match when={view() === "text"}><pre tabindex="0">{preview()?.text}</pre></Match>
							<Match when={true}><iframe title={t("preview")} sandbox="" srcdoc={preview()?.html ?? ""} /></Match>
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
	const [message, { refetch }] = createResource(() => `/messages/${p.locale}/${p.name}`, (path) => get<Message>(path));
	return <Load of={message} again={() => void refetch()} lines={12}>{(m) => <One message={m()} />}</Load>;
}
