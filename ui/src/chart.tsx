// Curves and bars on uPlot, loaded when the first chart shows. Colours come from tokens.css and follow the theme.
import { createEffect, createSignal, on, onCleanup, onMount } from "solid-js";
import type uPlot from "uplot";
import { locale } from "./i18n";
import { num, shop } from "./fmt";

export const [themeTick, setThemeTick] = createSignal(0);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setThemeTick((n) => n + 1));
const token = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export interface Series { label: string; values: (number | null)[]; color: string; fill?: boolean; bars?: boolean; dash?: boolean }
interface Props {
	x: number[];              // seconds since 1970, or plain values when ordinal
	series: Series[];
	stacked?: boolean;
	height: number;
	label: string;            // what a screen reader says
	ordinal?: (v: number) => string;
	hover?: (index: number | null) => void;
	format?: (v: number) => string;
	bare?: boolean;           // no room kept at the right for the last date
	ends?: boolean;           // each line says its name where it ends
}

const COUNTS = [1, 2, 5].flatMap((m) => Array.from({ length: 10 }, (_, e) => m * 10 ** e)).sort((a, b) => a - b);
function stack(series: Series[]): (number | null)[][] {
	const sum: number[] = [];
	return series.map((s) => s.values.map((v, i) => (sum[i] = (sum[i] ?? 0) + (v ?? 0))));
}

export function Chart(p: Props) {
	let box!: HTMLDivElement;
	let plot: uPlot | undefined, Plot: typeof uPlot | undefined;

	function draw() {
		if (!Plot || !box) return;
		plot?.destroy();
		const values = p.stacked ? stack(p.series) : p.series.map((s) => s.values);
		const order = p.series.map((_, i) => i);
		if (p.stacked) order.reverse(); // the highest sum is painted first, the next ones over it
		const grid = token("--line"), ink = token("--ink-3"), paper = token("--paper");
		const font = `12px ${token("--font")}`;
		const bars = Plot.paths.bars!({ size: [0.7, 40], align: 0 });
		const date = new Intl.DateTimeFormat(locale() === "fr" ? "fr-FR" : "en-GB", { month: "short", year: "numeric", timeZone: shop().zone });
		const dayf = new Intl.DateTimeFormat(locale() === "fr" ? "fr-FR" : "en-GB", { day: "numeric", month: "short", timeZone: shop().zone });
		const room = 18 + Math.max(...p.series.map((s) => s.label.length)) * 6.5; // 12 px letters, generously
		const far = p.x.length > 1 && p.x[p.x.length - 1] - p.x[0] > 150 * 86400;
		const opts: uPlot.Options = {
			width: Math.max(120, box.clientWidth), height: p.height, legend: { show: false },
			padding: [8, p.ends ? room : p.bare ? 8 : 28, 0, 0],
			cursor: { y: false, points: { show: !p.stacked }, drag: { x: false, y: false } },
			scales: {
				x: { time: !p.ordinal, ...(p.series[0]?.bars ? { range: (_u, a, b) => {
					const pad = p.x.length > 1 ? (p.x[1] - p.x[0]) * 0.6 : 1;
					return [a - pad, b + pad];
				} } : {}) },
				y: { range: (_u, _min, max) => [0, max > 0 ? max * 1.04 : 1] },
			},
			axes: [
				{ stroke: ink, font, size: 24, gap: 4, grid: { show: false }, ticks: { show: false }, space: far ? 110 : 64,
					values: (_u, v) => v.map((s) => p.ordinal ? p.ordinal(s) : (far ? date : dayf).format(new Date(s * 1000))) },
				{ stroke: ink, font, size: 52, gap: 6, grid: { stroke: grid, width: 1 }, ticks: { show: false }, space: 48, ...(p.format ? {} : { incrs: COUNTS }), // no halves of a person
					values: (_u, v) => v.map((n) => (p.format ?? num)(n)) },
			],
			series: [{}, ...order.map((i): uPlot.Series => {
				const s = p.series[i], c = s.color.startsWith("--") ? token(s.color) : s.color;
				return {
					label: s.label, stroke: p.stacked ? paper : c, width: p.stacked ? 1 : 1.5, points: { show: false },
					fill: s.bars || p.stacked ? c : s.fill ? token("--accent-wash") : undefined,
					...(s.bars ? { paths: bars, width: 0 } : {}), ...(s.dash ? { dash: [3, 3] } : {}),
				};
			})],
			hooks: { setCursor: [(u) => p.hover?.(u.cursor.idx ?? null)], draw: p.ends ? [names] : [] },
		};
		function names(u: uPlot) {
			const ratio = devicePixelRatio, ends = p.series.map((s) => ({ s, y: u.valToPos(s.values[s.values.length - 1] ?? 0, "y", true) })).sort((a, b) => a.y - b.y);
			u.ctx.save();
			u.ctx.font = `${12 * ratio}px ${token("--font")}`;
			u.ctx.textBaseline = "middle";
			u.ctx.textAlign = "left";
			ends.forEach((e, i) => {
				if (i && e.y - ends[i - 1].y < 14 * ratio) e.y = ends[i - 1].y + 14 * ratio;
				u.ctx.fillStyle = e.s.color.startsWith("--") ? token(e.s.color) : e.s.color;
				u.ctx.fillText(e.s.label.toLocaleLowerCase(), u.bbox.left + u.bbox.width + 6 * ratio, e.y);
			});
			u.ctx.restore();
		}
		plot = new Plot(opts, [p.x, ...order.map((i) => values[i])] as uPlot.AlignedData, box);
	}
	onMount(() => {
		let dead = false;
		void import("uplot").then(async (m) => {
			await document.fonts.ready;
			if (dead) return;
			Plot = m.default;
			draw();
		});
		const o = new ResizeObserver(() => plot && plot.width !== box.clientWidth && plot.setSize({ width: Math.max(120, box.clientWidth), height: p.height }));
		o.observe(box);
		onCleanup(() => { dead = true; o.disconnect(); plot?.destroy(); });
	});
	createEffect(on(() => [p.x, p.series, p.height, themeTick(), locale()], draw, { defer: true }));
	return <div class="chart" ref={box} role="img" aria-label={p.label} style={{ height: p.height + "px" }} />;
}
