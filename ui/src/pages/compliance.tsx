// Compliance: requests with their deadline, and who may receive what.
import { For, Show, createResource } from "solid-js";
import { get, type Compliance as Data } from "../api";
import { day, exact, now, num, theDay } from "../fmt";
import { learn, t, word } from "../i18n";
import { href } from "../router";
import { ChannelIcon, Empty, Icon, Load, Page, Rich, Section, When } from "../ui";
import { compliance as words } from "../words/compliance";

learn(words);

const KINDS = ["granted", "soft", "withdrawn", "opposed"] as const;
const COLORS = { granted: "var(--good)", soft: "var(--band-unknown)", withdrawn: "var(--accent-band)", opposed: "var(--wrong)" };
const SHORT = { granted: "cg", soft: "cs", withdrawn: "cw", opposed: "co" } as const;

export default function Compliance() {
	const [data, { refetch }] = createResource(() => get<Data>("/compliance"));
	return (
		<Load of={data} again={() => void refetch()} lines={8}>{(c) => {
			const open = () => c().requests.filter((r) => r.state !== "done" && r.state !== "closed").sort((a, b) => a.due_at.localeCompare(b.due_at));
			const left = (due: string) => Math.ceil((Date.parse(due) - now().getTime()) / 86400000);
			return (
				<Page title={t("compliance_title")} answer={<Rich text={open().length ? t("compliance_answer", { n: open().length, due: theDay(open()[0].due_at), sup: num(c().suppressions) }) : t("compliance_answer_none", { sup: num(c().suppressions) })} />}>
					<Section id="requests" title={t("requests")} note={t("requests_note")}>
						<Show when={c().requests.length} fallback={<Empty picture="letter" title={t("requests_none")}><p>{t("requests_none_body")}</p></Empty>}>
							<table class="rows wide"><thead><tr><th scope="col">{t("customer")}</th><th scope="col">{t("requests")}</th><th scope="col" class="num">{t("asked")}</th><th scope="col" class="num">{t("due")}</th><th scope="col">{t("state")}</th></tr></thead>
								<tbody><For each={c().requests}>{(r) => { const done = r.state === "done" || r.state === "closed", d = left(r.due_at); return (
									<tr><td><a class="t" href={href(typeof r.customer === "number" ? `/customers/${r.customer}` : `/customers?q=${encodeURIComponent(r.customer)}`)}>{r.customer}</a></td><td>{word("req", r.kind)}</td>
										<td class="num"><When at={r.asked_at} /></td><td class="num"><span title={exact(r.due_at)}>{day(r.due_at)}</span></td>
										<td><Show when={!done} fallback={<span class="good est"><Icon name="ok" />{word("rstate", "done")}</span>}>
											<span class={"est " + (d < 0 ? "wrong" : d < 8 ? "wait" : "mute")}><Icon name="clock" />{d < 0 ? t("days_over", { n: -d }) : t("days_left", { n: d })}</span></Show></td></tr>); }}</For></tbody></table>
						</Show>
					</Section>
					<Section id="consents" title={t("consents_by")} note={t("consents_note")}>
						<table class="rows wide"><thead><tr><th scope="col">{t("channel")}</th><th scope="col" class="w"><span class="vh">%</span></th><For each={KINDS}>{(k) => <th scope="col" class="num"><i class="lc" style={{ "--lc": COLORS[k] }} />{t(SHORT[k])}</th>}</For></tr></thead>
							<tbody><For each={Object.entries(c().consents)}>{([channel, n]) => (
								<tr><td><span class="est"><ChannelIcon channel={channel} />{word("channel", channel)}</span></td>
									<td class="w"><div class="stackbar" aria-hidden="true"><For each={KINDS}>{(k) => <i style={{ flex: String(n[k] || 0), "--c": COLORS[k] }} />}</For></div></td>
									<For each={KINDS}>{(k) => <td class="num" classList={{ zero: !n[k] }}>{num(n[k] ?? 0)}</td>}</For></tr>)}</For></tbody></table>
						<p class="note">{t("proof_note")}</p>
					</Section>
					<Section title={t("suppressions")}><p><b>{num(c().suppressions)}</b></p></Section>
				</Page>
			);
		}}</Load>
	);
}
