// Messages: what the shop says, in both languages, and the plans that say it.
import { For, Show, createResource } from "solid-js";
import { get, type MessageRow, type Page as Rows } from "../api";
import { num } from "../fmt";
import { learn, locale, t, word } from "../i18n";
import { plain, planTitle } from "../live";
import { href } from "../router";
import { ChannelIcon, Empty, Load, Page, Rich } from "../ui";
import { messages as words } from "../words/messages";

learn(words);

export default function Messages() {
	const [messages, { refetch }] = createResource(() => get<Rows<MessageRow>>("/messages?limit=500"));
	return (
		<Load of={messages} again={() => void refetch()} lines={10}>{(l) => {
			const names = () => [...new Set(l().items.map((m) => m.name))];
			const of = (name: string) => {
				const rows = l().items.filter((m) => m.name === name);
				return { rows, main: rows.find((m) => m.locale === locale()) ?? rows[0] };
			};
			const used = () => names().filter((n) => of(n).main.plans?.length).length;
			const by = (m: MessageRow) => (m.plans?.length ? planTitle(m.plans[0]) : "");
			const groups = () => {
				const all = names().map(of).sort((a, b) => by(a.main).localeCompare(by(b.main)) || a.main.name.localeCompare(b.main.name));
				return [{ title: t("messages_used"), rows: all.filter((m) => m.main.plans?.length) }, { title: t("messages_ready"), rows: all.filter((m) => !m.main.plans?.length) }].filter((g) => g.rows.length);
			};
			return (
				<Page title={t("messages_title")} answer={<Show when={names().length}><Rich text={t("messages_answer", { n: names().length, used: used() })} /></Show>}>
					<Show when={names().length} fallback={<Empty picture="letter" title={t("messages_none")}><p>{t("messages_none_body")}</p><code>relance message check messages/</code></Empty>}>
						<table class="rows"><thead><tr><th scope="col">{t("message")}</th><th scope="col" class="w">{t("used_in")}</th><th scope="col" class="w">{t("purpose")}</th><th scope="col">{t("language")}</th></tr></thead>
							<For each={groups()}>{(g) => <tbody><tr class="grp"><th scope="rowgroup" colspan="4">{g.title} <span class="mute">{num(g.rows.length)}</span></th></tr><For each={g.rows}>{(m) => (
								<tr><td><a class="t" href={href(`/messages/${m.main.locale}/${m.main.name}`)}>{m.main.subject ? plain(m.main.subject, m.main.locale) : m.main.name}</a><br /><small class="ch"><ChannelIcon channel={m.main.channel} />{m.main.name}</small></td>
									<td class="w"><For each={m.main.plans ?? []} fallback={<span class="mute">–</span>}>{(p, i) => <>{i() ? ", " : ""}<a class="t0" href={href("/plans/" + p)}>{planTitle(p)}</a></>}</For></td>
									<td class="w mute">{word("purpose", m.main.purpose)}</td>
									<td class="nw"><For each={m.rows}>{(r, i) => <>{i() ? " " : ""}<a class="lang" href={href(`/messages/${r.locale}/${r.name}`)} aria-label={`${r.locale}, ${r.name}`}>{r.locale}</a></>}</For></td></tr>
							)}</For></tbody>}</For></table>
					</Show>
				</Page>
			);
		}}</Load>
	);
}
