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
addEventListener("hashchange", () => setPlace(read()));

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
	history.replaceState(null, "", "#" + here.path + (s ? "?" + s : ""));
	setPlace({ path: here.path, query: q });
}
