// Plans: what runs by itself, each as its line of days.
import { For, Show, createResource } from "solid-js";
import { get, type Page as Rows, type Plan, type PlanRow } from "../api";
import { dayOf, exact, now, num, people, theDay } from "../fmt";
import { learn, t, word } from "../i18n";
import { href } from "../router";
import { Empty, Load, Page, Rich } from "../ui";
import { Mini } from "./mini";
import { plans as words } from "../words/plans";

learn(words);

function Line(p: { name: string; off: boolean }) {
	const [plan] = createResource(() => p.name, (n) => get<Plan>("/plans/" + n).catch(() => undefined));
	return <Mini plan={plan.latest} off={p.off} />;
}

const month = () => ({ from: dayOf(new Date(now().getTime() - 30 * 86400000)), to: dayOf(now()) });

export default function Plans() {
	const [plans, { refetch }] = createResource(() => get<Rows<PlanRow>>("/plans"));
	return (
		<Load of={plans} again={() => void refetch()} lines={10}>{(l) => {
			const on = () => l().items.filter((p) => p.state === "on");
			const rows = () => [...l().items].sort((a, b) => Number(b.state === "on") - Number(a.state === "on") || b.priority - a.priority);
			return (
				<Page title={t("plans_title")} answer={<Show when={l().items.length}><Rich text={on().length ? t("plans_answer", {
					n: on().length, active: num(on().reduce((n, p) => n + p.active, 0)), m: num(on().reduce((n, p) => n + p.messages_30d, 0)), sent: people("sent", month()) }) : t("plans_answer_none")} /></Show>}>
					<Show when={rows().length} fallback={<Empty title={t("plans_none")}><p>{t("plans_none_body")}</p><code>relance plan check plans/</code></Empty>}>
						<ul class="plist"><For each={rows()}>{(p) => (
							<li><div class="hd"><h2><a href={href("/plans/" + p.name)}>{p.title || p.name}</a></h2>
								<p class="st"><span class={"badge " + p.state}>{word("pstate", p.state)}</span>
									<small>{p.version ? t("version_n", { n: String(p.version) }) : ""}<Show when={p.on_since}>, <span title={exact(p.on_since!)}>{`${t("since").toLocaleLowerCase()} ${theDay(p.on_since!)}`}</span></Show></small></p></div>
								<Line name={p.name} off={p.state !== "on"} />
								<p class="f"><b><Show when={p.active} fallback={num(0)}><a href={href(people("active", { plan: p.name }))}>{num(p.active)}</a></Show></b><small>{t("on_way").toLocaleLowerCase()}</small></p>
								<p class="f"><b><Show when={p.messages_30d} fallback={num(0)}><a href={href(people("sent", { plan: p.name, ...month() }))}>{num(p.messages_30d)}</a></Show></b><small>{t("messages_30").toLocaleLowerCase()}</small></p>
								<p class="f"><b><a href={href(`/plans/${p.name}?tab=form`)}>{num(p.priority)}</a></b><small>{t("priority").toLocaleLowerCase()}</small></p></li>
						)}</For></ul>
					</Show>
				</Page>
			);
		}}</Load>
	);
}
