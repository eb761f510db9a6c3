// The pages of Figures, as links.
import { For } from "solid-js";
import { t } from "../i18n";
import { href } from "../router";

const PAGES = [["", "tab_results"], ["kpi", "tab_kpi"], ["value", "tab_value"], ["next", "tab_next"], ["case", "tab_case"]] as const;
export const FigureTabs = (p: { now: string }) => (
	<nav class="tabs" aria-label={t("nav_figures")}><For each={PAGES}>{(x) => <a href={href(x[0] ? "/figures/" + x[0] : "/figures")} aria-current={p.now === x[0] ? "page" : undefined}>{t(x[1])}</a>}</For></nav>
);
