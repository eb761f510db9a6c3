// Pages live behind the hash (#/plans/anti-churn?tab=file): the server only ever serves one document.
import { createSignal, untrack } from "solid-js";

const read = () => {
	const raw = decodeURI(location.hash.slice(1)) || location.pathname.replace(/\/$/, "") + location.search || "/";
	const [path, search = ""] = raw.split("?");
	return { path: path || "/", query: new URLSearchParams(search) };
};
const [place, setPlace] = createSignal(read());
export const path = () => place().path;
export const query = (name: string) => place().query.get(name) ?? "";
export const parts = () => path().split("/").filter(Boolean);

// Each step of the history knows its number, so that coming back finds a page where it was left, and a new one starts at its top.
let at = Number(history.state?.at ?? 0), back = false;
const left: number[] = [];
history.scrollRestoration = "manual";
history.replaceState({ at }, "");
addEventListener("hashchange", () => {
	left[at] = scrollY;
	back = typeof history.state?.at === "number";
	at = back ? history.state.at : at + 1;
	if (!back) history.replaceState({ at }, "");
	setPlace(read());
});
/** How far down the page was when it was left; null when it is a new one. */
export const leftAt = () => (back ? left[at] ?? 0 : null);
/** To the page before, or up to the list when there is none. */
export const leave = (to: string) => (at > 0 ? history.back() : go(to));

export const href = (to: string) => "#" + to;
export function go(to: string) { location.hash = to; }
/** Writes what is typed into the address without a new step in the history. */
export function setQuery(name: string, value: string) {
	const here = untrack(place);
	if ((here.query.get(name) ?? "") === value) return;
	const q = new URLSearchParams(here.query);
	if (value) q.set(name, value);
	else q.delete(name);
	const s = q.toString();
	history.replaceState(history.state, "", "#" + here.path + (s ? "?" + s : ""));
	setPlace({ path: here.path, query: q });
}
