// The conditions that the shipped plans use, as people say them; any other stays as it is written.
import { locale, word } from "./i18n";

const ATOMS: [RegExp, fr: string, en: string][] = [
	[/^opened any$/, "ont ouvert un message", "opened a message"],
	[/^clicked any$/, "ont cliqué", "clicked"],
	[/^orders = 0$/, "pas encore d’achat", "no order yet"],
	[/^orders = 1$/, "un seul achat", "one order"],
	[/^orders <= 1$/, "un achat au plus", "one order at most"],
	[/^orders >= 1$/, "un achat ou plus", "an order or more"],
	[/^orders >= (\d+)$/, "$1 achats ou plus", "$1 orders or more"],
	[/^not known\(birthday_month\)$/, "anniversaire inconnu", "birthday unknown"],
	[/^(first_order_amount|order_amount) > average_basket_shop$/, "achat au-dessus du panier moyen", "purchase above the mean basket"],
	[/^\(?((not known\(average_basket_shop\) or )?(first_order_amount|order_amount) <= average_basket_shop( or not known\(average_basket_shop\))?)\)?$/,
		"achat dans le panier moyen", "purchase within the mean basket"],
	[/^answered = unsatisfied$/, "pas satisfaits", "not satisfied"],
	[/^answered in \(very_satisfied, satisfied\)$/, "satisfaits", "satisfied"],
	[/^answered != none$/, "ont répondu", "answered"],
	[/^top_decile$/, "meilleurs clients", "best customers"],
	[/^may\(email\)$/, "joignables par e-mail", "may be written to by e-mail"],
	[/^tag\("([^"]+)"\)$/, "étiquetés « $1 »", "tagged “$1”"],
];

function atom(s: string): string | null {
	const fr = locale() === "fr", phases = /^lifecycle (?:in \(([^)]+)\)|= (\w+))$/.exec(s);
	if (phases) return (phases[1] ?? phases[2]).split(/,\s*/).map((p) => word("phase", p).toLocaleLowerCase()).join(fr ? " ou " : " or ");
	for (const [re, f, e] of ATOMS) if (re.test(s)) return s.replace(re, fr ? f : e).replace(/« /, "«\u00a0").replace(/ »/, "\u00a0»");
	return null;
}
/** The condition in words, or null when it has to be read as written. */
export function said(condition: string): string | null {
	const whole = atom(condition.trim());
	if (whole) return whole;
	const parts = condition.split(" and ").map((x) => atom(x.trim()));
	return parts.every(Boolean) ? parts.join(", ") : null;
}
