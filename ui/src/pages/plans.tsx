// Plans: what runs by itself, each as its line of days.
import { For, Show, createResource } from "solid-js";
import { get, type Page as Rows, type Plan, type PlanRow } from "../api";
import { day, num, spacing } from "../fmt";
import { t, word } from "../i18n";
import { href } from "../router";
import { Empty, Load, Page, Rich } from "../ui";

/** A plan in one line: its messages at their true spacing. */
function Mini(p: { name: string; off: boolean }) {
	const [plan] = createResource(() => p.name, (n) => get<Plan>("/plans/" + n).then((x) => ({ ...x, steps: x.steps.map((s) => ({ ...s, after_days: s.after_days ?? (s.after_s ?? 0) / 86400 })) })));
	const steps = () => (plan.error ? [] : plan.latest?.steps ?? []);
	const low = () => Math.min(0, ...steps().map((s) => s.after_days)), high = () => Math.max(low() + 1, ...steps().map((s) => s.after_days));
	const x = (d: number) => 6 + (84 * (d - low())) / (high() - low());
	return (
		<div class="mini" classList={{ off: p.off }} aria-hidden="true">
			<Show when={steps().length}>
				<svg><line class="trace" x1="0" x2={x(high()) + 4 + "%"} y1="28" y2="28" />
					<For each={steps()}>{(s) => <circle class="dot" classList={{ has: s.waiting > 0 }} cx={x(s.after_days) + "%"} cy="28" r="4.500" />}</For></svg>
				<For each={steps()}>{(s) => <span style={{ left: x(s.after_days) + "%" }}>{spacing(s.after_days)}</span>}</For>
			</Show>
		</div>
	);
}

export default function Plans() {
	const [plans, { refetch }] = createResource(() => get<Rows<PlanRow>>("/plans"));
	return (
		<Load of={plans} again={() => void refetch()} lines={10}>{(l) => {
			const on = () => l().items.filter((p) => p.state === "on");
			const rows = () => [...l().items].sort((a, b) => Number(b.state === "on") - Number(a.state === "on") || b.priority - a.priority);
			return (
				<Page title={t("plans_title")} answer={<Show when={l().items.length}><Rich text={on().length ? t("plans_answer", {
					n: on().length, active: num(on().reduce((n, p) => n + p.active, 0)), m: num(on().reduce((n, p) => n + p.messages_30d, 0)) }) : t("plans_answer_none")} /></Show>}>
					<Show when={rows().length} fallback={<Empty title={t("plans_none")}><p>{t("plans_none_body")}</p><code>relance plan check plans/</code></Empty>}>
						<ul class="plist"><For each={rows()}>{(p) => (
							<li><div class="hd"><h2><a href={href("/plans/" + p.name)}>{p.title || p.name}</a></h2>
								<p class="st"><span class={"badge " + p.state}>{word("pstate", p.state)}</span>
									<small>{p.version ? t("version_n", { n: String(p.version) }) : ""}{p.on_since ? `, ${t("since").toLocaleLowerCase()} ${day(p.on_since)}` : ""}</small></p></div>
								<Mini name={p.name} off={p.state !== "on"} />
								<p class="f"><b>{num(p.active)}</b><small>{t("on_way").toLocaleLowerCase()}</small></p>
								<p class="f"><b>{num(p.messages_30d)}</b><small>{t("messages_30").toLocaleLowerCase()}</small></p>
								<p class="f"><b>{num(p.priority)}</b><small>{t("priority").toLocaleLowerCase()}</small></p></li>
						)}</For></ul>
					</Show>
				</Page>
			);
		}}</Load>
	);
}
