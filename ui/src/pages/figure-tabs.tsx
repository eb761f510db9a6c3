// The pages of Figures, as links; and what they say while nothing was sold.
import { For } from "solid-js";
import { Problem, may } from "../api";
import { t } from "../i18n";
import { href } from "../router";
import { Empty } from "../ui";

const PAGES = [["", "tab_results"], ["kpi", "tab_kpi"], ["value", "tab_value"], ["next", "tab_next"], ["case", "tab_case"]] as const;
export const FigureTabs = (p: { now: string }) => (
	<nav class="tabs" aria-label={t("nav_figures")}><For each={PAGES}>{(x) => <a href={href(x[0] ? "/figures/" + x[0] : "/figures")} aria-current={p.now === x[0] ? "page" : undefined}>{t(x[1])}</a>}</For></nav>
);

/** The server has no figure for want of a single order. */
export const noOrders = (e: unknown) => e instanceof Problem && e.status === 422 && e.message.startsWith("no order yet");
export const NoOrders = () => (
	<Empty picture="curve" title={t("figures_no_orders")}><p>{t("figures_no_orders_body")}</p>
		<a class="btn" href={href(may("admin") ? "/settings?tab=team" : "/customers")}>{t(may("admin") ? "figures_link_shop" : "see_customers")}</a></Empty>
);
