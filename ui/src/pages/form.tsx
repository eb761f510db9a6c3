// A plan as a form: hours, delays, quotas, conditions, the control group, the budget. The file stays the one text: the server
// writes what is changed here into it, comments and all.
import { For, Show, createEffect, createSignal, on, onCleanup, type JSX } from "solid-js";
import { call, type Issue, type Picture } from "../api";
import { locale, t, word, type Word } from "../i18n";
import { subjectOf } from "../live";
import { said } from "../said";
import { ChannelIcon, refuse } from "../ui";
import { Mini } from "./mini";

type Values = Record<string, unknown>;
interface Step extends Values { at?: string; send?: unknown; by?: string[]; if?: string; voucher?: Record<string, string>; name?: string; notify?: string; until?: string }
interface Form extends Values { enter?: Values; steps?: Step[] }
interface Answer { text: string; form: Form | null; issues: Issue[]; plan?: Picture }

const CHANNELS = ["email", "sms", "postcard", "phone"];
const text = (v: unknown) => (v === undefined || v === null ? "" : String(v));
const number = (v: unknown) => /\d+([.,]\d+)?/.exec(text(v))?.[0] ?? "";
const days = (at: string | undefined) => (/^J(\+\d+)?$/.test(at ?? "") ? Number((at ?? "").slice(2) || 0) : null);

function Field(p: { name: string; label: Word; note?: JSX.Element; value: string; set: (v: string) => void; unit?: string; type?: string; list?: string; place?: string; readonly?: boolean; width?: string }) {
	return (
		<label class="field" style={{ width: p.width }}><span>{t(p.label)}</span>
			<span class="united"><input name={p.name} type={p.type ?? "text"} inputmode={p.type === "number" ? "numeric" : undefined} min="0" value={p.value} placeholder={p.place} readonly={p.readonly} spellcheck={false} autocomplete="off"
				pattern={p.name === "hour" ? "[0-2]?[0-9]:[0-5][0-9]" : undefined} onInput={(e) => e.currentTarget.checkValidity() && p.set(e.currentTarget.value.trim())} /><Show when={p.unit}><i>{p.unit}</i></Show></span>
			<Show when={p.note}><small>{p.note}</small></Show></label>
	);
}

/** The condition as people say it, under its field. */
const Spoken = (p: { text: string }) => <Show when={p.text && said(p.text)}>{(s) => <>{s()}</>}</Show>;

export default function PlanForm(p: { text: string; set: (s: string) => void; off: boolean; readonly: boolean; name: string }) {
	const [form, setForm] = createSignal<Form | null>(null);
	const [picture, setPicture] = createSignal<Picture | null>(null);
	const [broken, setBroken] = createSignal(false);
	let mine = "", timer = 0, serial = 0;
	async function ask(body: { text: string; form?: Form }) {
		const n = ++serial;
		try {
			const a = await call<Answer>("POST", "/plans/form", body);
			if (n !== serial) return;
			if (!body.form) setForm(a.form);
			setBroken(!a.form && !body.form);
			if (a.plan) setPicture(a.plan);
			if (body.form) { mine = a.text; p.set(a.text); }
		} catch (e) { if (n === serial) refuse(e); }
	}
	createEffect(on(() => p.text, (s) => { if (s !== mine) { mine = s; void ask({ text: s }); } }));
	onCleanup(() => clearTimeout(timer));
	function change(to: Form) {
		setForm(to);
		clearTimeout(timer);
		timer = setTimeout(() => void ask({ text: p.text, form: to }), 180) as unknown as number;
	}
	const put = (key: string, v: string) => change({ ...form()!, [key]: v || null });
	const enter = (key: string, v: string) => change({ ...form()!, enter: { ...form()!.enter, [key]: v || null } });
	const step = (i: number, to: Partial<Step>) => change({ ...form()!, steps: form()!.steps!.map((s, k) => (k === i ? { ...s, ...to } : s)) });
	const value = (key: string) => text(form()![key]);
	const rhythm = (key: string, unit: (n: string) => string) => (v: string) => put(key, v ? unit(v) : "");
	const control = () => number(form()!.control ?? (form()!.purpose === "service" ? "0" : "10"));
	const title = (s: Step) => {
		const name = Array.isArray(s.send) ? text(s.send[0]) : text(s.send);
		return name ? subjectOf(name) ?? name : s.notify ? t("action_notify") : s.until ? t("action_wait") : s.name ?? "";
	};
	return (
		<Show when={form()} fallback={<Show when={broken()}><p class="soonish">{t("form_broken")}</p></Show>}>
			<div class="formplan">
				<Show when={picture()}>{(x) => <Mini plan={x()} off={p.off} />}</Show>
				<fieldset disabled={p.readonly}><legend>{t("form_enter")}</legend>
					<div class="sets">
						<Field name="when" label="form_when" value={text(form()!.enter?.when)} set={(v) => enter("when", v)} note={picture()?.trigger} />
						<Field name="who" label="form_who" value={text(form()!.enter?.who)} set={(v) => enter("who", v)} note={<Spoken text={text(form()!.enter?.who)} />} place={t("form_everybody")} />
						<Field name="again" label="form_again" value={text(form()!.enter?.again)} set={(v) => enter("again", v)} place="after 12 months" />
						<Field name="smooth" label="form_smooth" type="number" unit={t("form_a_day")} value={number(form()!.enter?.smooth)} set={(v) => enter("smooth", v ? v + " per day" : "")} place="–" />
					</div></fieldset>
				<fieldset disabled={p.readonly}><legend>{t("form_limits")}</legend>
					<div class="sets four">
						<Field name="hour" label="form_hour" value={value("hour") || "10:00"} set={(v) => put("hour", v === "10:00" ? "" : v)} />
						<Field name="control" label="form_control" type="number" unit="%" value={control()} set={rhythm("control", (n) => n + "%")} note={Number(control()) === 0 ? t("form_no_control") : undefined} />
						<Field name="budget" label="form_budget" value={value("budget")} set={(v) => put("budget", v)} place="200 EUR per month" />
						<Field name="max_messages" label="form_max" type="number" value={value("max_messages")} set={(v) => put("max_messages", v)} place="–" />
						<Field name="priority" label="priority" type="number" value={value("priority") || "50"} set={(v) => put("priority", v)} />
						<Field name="late" label="form_late" value={value("late") || "1 day"} set={(v) => put("late", v)} />
					</div></fieldset>
				<fieldset disabled={p.readonly}><legend>{t("form_steps")}</legend>
					<ol class="fsteps"><For each={(form()!.steps ?? []).map((_s, i) => i)}>{(i) => {
						const s = () => form()!.steps![i] ?? {};
						const by = () => s().by ?? (form()!.by as string[] | undefined) ?? ["email"];
						return (
							<li><div class="fwhen"><Show when={days(s().at) !== null} fallback={<Field name={"step-" + i} label="form_at" value={text(s().at)} set={(v) => step(i, { at: v })} />}>
									<Field name={"step-" + i} label="form_day" type="number" unit={locale() === "fr" ? "j" : "d"} value={String(days(s().at))} set={(v) => step(i, { at: Number(v) ? "J+" + Number(v) : "J" })} /></Show></div>
								<div class="fwhat"><b>{title(s())}</b>
									<Show when={s().send}><div class="btns" role="group" aria-label={t("channel")}><For each={CHANNELS}>{(c) => (
										<button type="button" class="chip" aria-pressed={by().includes(c)} onClick={() => { const to = by().includes(c) ? by().filter((x) => x !== c) : [...by(), c]; if (to.length) step(i, { by: to }); }}>
											<span class="est"><ChannelIcon channel={c} />{word("channel", c)}</span></button>)}</For></div></Show></div>
								<Field name={`step-${i}-if`} label="form_if" value={text(s().if)} set={(v) => step(i, { if: v || undefined })} note={<Spoken text={text(s().if)} />} place={t("form_always")} />
								<Show when={s().voucher} fallback={<span class="w" />}>{(v) => <div class="fvoucher">
									<Field name={`step-${i}-percent`} label="form_voucher" type="number" unit="%" value={number(v().percent)} set={(x) => step(i, { voucher: { ...v(), percent: x } })} />
									<Field name={`step-${i}-valid`} label="form_valid" type="number" unit={t("form_days")} value={number(v().valid)} set={(x) => step(i, { voucher: { ...v(), valid: x + " days" } })} /></div>}</Show></li>
						);
					}}</For></ol></fieldset>
			</div>
		</Show>
	);
}
