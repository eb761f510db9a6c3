// A text with numbered lines; the lines with an error or advice carry its colour in the margin.
import { For, Show, createEffect, createSignal } from "solid-js";
import { t, word } from "./i18n";
import { Icon } from "./ui";

export interface Remark { level: string; line?: number; column?: number; text: string }

export function Editor(p: { text: string; set: (s: string) => void; label: string; remarks: Remark[]; save?: () => void; jump?: Remark | null; readonly?: boolean; wrap?: boolean }) {
	let area!: HTMLTextAreaElement;
	const [top, setTop] = createSignal(0);
	const lines = () => p.text.split("\n");
	const level = (n: number) => {
		const at = p.remarks.filter((r) => r.line === n);
		return at.some((r) => r.level === "error") ? "e" : at.length ? "a" : "";
	};
	createEffect(() => {
		const r = p.jump;
		if (!r?.line) return;
		const before = lines().slice(0, r.line - 1).join("\n").length + (r.line > 1 ? 1 : 0);
		area.focus();
		area.setSelectionRange(before + Math.max(0, (r.column ?? 1) - 1), before + lines()[r.line - 1].length);
	});
	const key = (e: KeyboardEvent) => {
		if ((e.ctrlKey || e.metaKey) && e.key === "s") { e.preventDefault(); p.save?.(); }
		if (e.key === "Escape") area.blur();
	};
	return (
		<div class="edit" classList={{ wrap: p.wrap }}>
			<Show when={p.wrap} fallback={<div class="ln" aria-hidden="true" style={{ "margin-top": -top() + "px" }}>
				<For each={lines()}>{(_l, i) => <div class={level(i() + 1)}>{i() + 1}</div>}</For></div>}>
				{/* the same text under the field, invisible: its wrapped lines carry the numbers */}
				<div class="mirror" aria-hidden="true"><div style={{ "margin-top": -top() + "px" }}>
					<For each={lines()}>{(l, i) => <div><i class={level(i() + 1)}>{i() + 1}</i>{l || "\u200b"}</div>}</For></div></div>
			</Show>
			<textarea ref={area} aria-label={p.label} spellcheck={false} autocapitalize="off" wrap={p.wrap ? "soft" : "off"} readonly={p.readonly} value={p.text}
				style={{ height: Math.min(640, Math.max(360, lines().length * 20 + 40)) + "px" }} onScroll={() => setTop(area.scrollTop)}
				onInput={(e) => p.set(e.currentTarget.value)} onKeyDown={key} />
		</div>
	);
}
export const Remarks = (p: { list: Remark[]; fine: string; pick: (r: Remark) => void }) => (
	<ul class="issues" aria-live="polite">
		<For each={p.list} fallback={<li class="good"><Icon name="ok" />{p.fine}</li>}>{(r) => (
			<li><span class={r.level === "error" ? "wrong" : "wait"} title={word("level", r.level)}><Icon name="warn" /></span>
				<button type="button" onClick={() => p.pick({ ...r })}>{r.line ? t("line_n", { n: String(r.line) }) + (r.column ? `:${r.column}` : "") : word("level", r.level)}</button><span>{r.text}</span></li>
		)}</For>
	</ul>
);
