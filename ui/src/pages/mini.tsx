// A plan in one line: its messages at their true spacing.
import { For, Show } from "solid-js";
import type { Picture, Step } from "../api";
import { spacing } from "../fmt";

/** Moments of less than a day come in seconds; the wire counts in days. */
export const spaced = <P extends Picture>(p: P): P => ({ ...p, steps: p.steps.map((s) => ({ ...s, after_days: s.after_days ?? (s.after_s ?? 0) / 86400 })) });

export function Mini(p: { plan: Picture | undefined; off: boolean }) {
	/** Branches at the same day are one dot. */
	const steps = () => {
		const by = new Map<number, Step>();
		for (const s of p.plan ? spaced(p.plan).steps : []) {
			const had = by.get(s.after_days);
			by.set(s.after_days, had ? { ...had, waiting: had.waiting + s.waiting } : s);
		}
		return [...by.values()].sort((a, b) => a.after_days - b.after_days);
	};
	const low = () => Math.min(0, ...steps().map((s) => s.after_days)), high = () => Math.max(low() + 1, ...steps().map((s) => s.after_days));
	const x = (d: number) => 6 + (84 * (d - low())) / (high() - low());
	/** A label that would cover the one before it is left out. */
	const said = (i: number) => i === 0 || x(steps()[i].after_days) - x(steps()[i - 1].after_days) > 8;
	return (
		<div class="mini" classList={{ off: p.off }} aria-hidden="true">
			<Show when={steps().length}>
				<svg><line class="trace" x1="0" x2={x(high()) + 4 + "%"} y1="28" y2="28" />
					<For each={steps()}>{(s) => <circle class="dot" classList={{ has: s.waiting > 0 }} cx={x(s.after_days) + "%"} cy="28" r="4.500" />}</For></svg>
				<For each={steps()}>{(s, i) => <Show when={said(i())}><span style={{ left: x(s.after_days) + "%" }}>{spacing(s.after_days)}</span></Show>}</For>
			</Show>
		</div>
	);
}
