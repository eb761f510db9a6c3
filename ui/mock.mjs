// The UI's test server: serves ui/dist and answers every route of doc/api.md for a made-up shop, Verger & Guidon, home,
// garden and bicycles in Angers. Plain Node, nothing to install. The same numbers at every start.
//   node mock.mjs [port] [--first-run] [--empty] [--signed-in]
import { createServer } from "node:http";
import { existsSync, readFileSync, statSync } from "node:fs";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const REPO = join(HERE, "..");
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2", ".ttf": "font/ttf" };
const CSP = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const NOW = Date.parse("2026-05-12T06:50:00Z"), DAY = 86400000;
const iso = (ms) => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
const date = (ms) => iso(ms).slice(0, 10);

function random(seed) {
	return () => {
		seed = (seed + 0x6d2b79f5) | 0;
		let x = Math.imul(seed ^ (seed >>> 15), 1 | seed);
		x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
		return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
	};
}
const rnd = random(7);
const one = (list) => list[Math.floor(rnd() * list.length)];

const FIRST = ["Odile", "Karim", "Claire", "Théo", "Maëlle", "Jean-Luc", "Solène", "Amandine", "Yves", "Nadia", "Gwenaëlle", "Bruno", "Inès", "Étienne", "Mireille", "Lucas", "Anaïs", "Hervé", "Fatima", "Rémi", "Colette", "Thibault", "Noémie", "Aurore", "Pascal", "Zoé", "François", "Marguerite", "Soizic", "Olivier"];
const LAST = ["Garnier", "Benali", "Moreau", "Le Goff", "Lefèvre", "Chauvin", "Rousseau", "d’Orvault", "Ménard", "Bourdais", "Cesbron", "Gaultier", "Pineau", "Lambert", "Hervouet", "Nguyen", "Delaunay", "Poirier", "Marchand", "Tessier", "Barreau", "Jolivet", "Da Silva", "Fournier", "Guérin", "Picard", "Raimbault", "Vigneron", "Abel", "Quéméner"];
const TOWNS = [["Angers", "49000"], ["Trélazé", "49800"], ["Avrillé", "49240"], ["Saumur", "49400"], ["Cholet", "49300"], ["Nantes", "44000"], ["Les Ponts-de-Cé", "49130"]];
const PRODUCTS = [["Salon de jardin « Belle-Île »", 65520], ["Vélo électrique « Loire 7 »", 184900], ["Sécateur et gants", 4880], ["Parasol déporté, pied", 21400], ["Lampe « Anse »", 4590], ["Terreau, bulbes", 4140], ["Antivol en U « Verrou »", 6490], ["Coffre à coussins « Belle-Île »", 11900], ["Huile pour bois, 1 l", 2490], ["Révision de printemps du vélo", 5900], ["Panier en osier", 5450], ["Jardinière en terre cuite", 3290], ["Nappe en lin lavé", 7900]];
const PHASE_MIX = [["prospect", 0.138], ["new", 0.225], ["loyal", 0.293], ["ambassador", 0.037], ["lapsing", 0.192], ["former", 0.115]];
const strip = (s) => s.normalize("NFD").replace(/[^\w-]/g, "").toLowerCase();

const CUSTOMERS = 8480;
const customers = Array.from({ length: CUSTOMERS }, (_, i) => {
	const first = i === 0 ? "Odile" : one(FIRST), last = i === 0 ? "Garnier" : one(LAST);
	let r = rnd(), phase = "former";
	for (const [p, share] of PHASE_MIX) { if (r < share) { phase = p; break; } r -= share; }
	if (i === 0) phase = "ambassador";
	const orders = { prospect: 0, new: 1 + (rnd() > 0.7), loyal: 2 + Math.floor(rnd() * 6), ambassador: 6 + Math.floor(rnd() * 14), lapsing: 1 + Math.floor(rnd() * 4), former: 1 + Math.floor(rnd() * 3) }[phase];
	const ago = { prospect: 0, new: rnd() * 150, loyal: rnd() * 170, ambassador: rnd() * 100, lapsing: 184 + rnd() * 500, former: 740 + rnd() * 700 }[phase];
	let spend = 0;
	for (let k = 0; k < orders; k++) spend += one(PRODUCTS)[1];
	return { id: i + 1, ref: String(10400 + i * 3), name: `${first} ${last}`, first, last, email: `${strip(first)}.${strip(last)}${i > 300 ? i : ""}@exemple.fr`, phase, orders, spend: i === 0 ? 296940 : spend, last_order: orders ? date(NOW - ago * DAY) : null, sms: rnd() > 0.6, mail: rnd() > 0.18, town: one(TOWNS) };
});
const shown = ({ id, ref, name, email, phase, orders, spend, last_order }) => ({ id, ref, name, email, phase, orders, spend, last_order });

/* --- conditions: enough of the language to count and to refuse at the character --- */
const WORDS = ["lifecycle", "spend", "orders", "last_order", "may", "bought", "age", "postcode", "store", "opened", "clicked", "company", "city", "locale", "tag", "points"];
const PHASES = PHASE_MIX.map((p) => p[0]);
const near = (w, list) => list.map((x) => [distance(w, x), x]).sort((a, b) => a[0] - b[0])[0][1];
function distance(a, b) {
	const d = Array.from({ length: a.length + 1 }, (_, i) => [i, ...Array(b.length).fill(0)]);
	for (let j = 1; j <= b.length; j++) d[0][j] = j;
	for (let i = 1; i <= a.length; i++) for (let j = 1; j <= b.length; j++)
		d[i][j] = Math.min(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] !== b[j - 1]));
	return d[a.length][b.length];
}
function condition(text) {
	const known = new Set([...WORDS, ...PHASES, "and", "or", "not", "in", "last", "months", "month", "days", "day", "weeks", "years", "year", "EUR", "email", "sms", "post", "true", "false", "before", "since", "today", "category", "this"]);
	const bare = text.replace(/"[^"]*"/g, (s) => " ".repeat(s.length));
	const wrong = [...bare.matchAll(/[A-Za-z_]+/g)].find((m) => !known.has(m[0]));
	const fail = (offset, hint) => ({ problem: { type: "about:blank", title: "Condition", status: 422, detail: hint, line: text.slice(0, offset).split("\n").length, column: offset - text.lastIndexOf("\n", offset - 1), offset, hint } });
	if (wrong) return fail(wrong.index, `« ${wrong[0]} » n’est pas un mot du langage ; le plus proche est ${near(wrong[0], [...WORDS, ...PHASES])}`);
	const open = (bare.match(/\(/g) ?? []).length, shut = (bare.match(/\)/g) ?? []).length;
	if (open !== shut) return fail(text.length - 1, open > shut ? "il manque une parenthèse fermante" : "une parenthèse de trop");
	if (/(=|<|>|and|or|not|in)\s*$/.test(bare)) return fail(text.length - 1, "la condition s’arrête trop tôt : il manque une valeur");
	const tests = [];
	for (const part of bare.split(/\s+and\s+/)) {
		const p = part.trim();
		const phases = PHASES.filter((x) => new RegExp(`\\b${x}\\b`).test(p));
		const neg = /^not\b/.test(p);
		let test = null, m;
		if (p.includes("lifecycle") && phases.length) test = (c) => phases.includes(c.phase);
		else if (/may\(\s*sms/.test(p)) test = (c) => c.sms;
		else if (/may\(\s*email/.test(p)) test = (c) => c.mail;
		else if ((m = /spend[^<>=]*([<>]=?)\s*(\d+)/.exec(p))) test = (c) => m[1][0] === ">" ? c.spend > m[2] * 100 : c.spend < m[2] * 100;
		else if ((m = /orders[^<>=]*([<>]=?|=)\s*(\d+)/.exec(p))) test = (c) => m[1] === "=" ? c.orders === +m[2] : m[1] === ">" ? c.orders > +m[2] : m[1] === ">=" ? c.orders >= +m[2] : c.orders < +m[2];
		else if (p) test = (c) => c.id % 3 === 0;
		if (test) tests.push(neg ? (c) => !test(c) : test);
	}
	return { test: (c) => tests.every((f) => f(c)) };
}

/* --- plans --- */
const yaml = (name) => { const f = join(REPO, "plans", name + ".yaml"); return existsSync(f) ? readFileSync(f, "utf8") : `plan: ${name}\n`; };
const STEPS = {
	"anti-churn": [["winback-1", 0, ["email", "postcard"], null, "« Ça fait six mois, Odile »", 0, 1142, 496, 131], ["winback-2", 8, ["email"], null, "« Votre bon, encore 12 jours »", 424, 712, 278, 60], ["winback-3", 12, ["email"], "opened any", "« La livraison est pour nous »", 206, 204, 104, 31]],
	"cross-sell": [["cross-1", 30, ["email"], null, "« Pour aller avec votre salon »", 188, 860, 402, 118], ["cross-2", 45, ["email"], "not clicked any", "« Ce que d’autres ont ajouté »", 74, 390, 150, 33]],
	"survey": [["survey-1", 7, ["email"], null, "« Votre salon est-il bien arrivé ? »", 29, 1710, 820, 561]],
	"abandoned-cart": [["cart-1", 0, ["email", "sms"], null, "« Votre panier vous attend »", 9, 612, 391, 148], ["cart-2", 1, ["email"], null, "« Votre panier est gardé »", 4, 402, 217, 61], ["cart-3", 3, ["email"], "opened any", "« Jusqu’à dimanche »", 2, 140, 80, 17]],
	"welcome": [["welcome-prospect-1", 1, ["email"], null, "« Bienvenue chez Verger & Guidon »", 5, 480, 301, 90], ["welcome-profile", 4, ["email"], null, "« Dites-nous ce que vous aimez »", 2, 402, 198, 77]],
	"birthday": [["birthday-1", 0, ["email"], "may(email)", "« Bon anniversaire, Odile »", 12, 540, 322, 95], ["birthday-2", 15, ["email", "sms"], "not ordered since J", "« Votre cadeau expire bientôt »", 31, 380, 190, 42]],
	"renewal": [["renewal", -30, ["email"], null, "« Votre batterie a trois ans »", 0, 0, 0, 0]],
};
const PLAN_ROWS = [
	["abandoned-cart", "Panier abandonné", 4, "on", "2026-03-02", 2210, 15, 221, 402, 15, 90],
	["survey", "Enquête après achat", 2, "on", "2026-03-02", 1742, 29, 0, 310, 29, 80],
	["welcome", "Bienvenue", 3, "on", "2026-03-02", 540, 42, 54, 61, 7, 70],
	["birthday", "Anniversaire", 2, "on", "2026-03-16", 612, 96, 61, 188, 43, 60],
	["cross-sell", "Compléter l’achat", 3, "on", "2026-03-09", 960, 262, 96, 244, 262, 50],
	["anti-churn", "Réveil des inactifs", 3, "on", "2026-04-20", 1320, 630, 131, 1480, 630, 40],
	["renewal", "Renouvellement", 1, "off", null, 0, 0, 0, 0, 0, 45],
].map(([name, title, version, state, on, entered, active, control, messages_30d, waiting, priority]) => ({ name, title, version, state, on_since: on && on + "T08:00:00Z", entered, active, control, messages_30d, waiting, priority }));
const texts = new Map(PLAN_ROWS.map((p) => [p.name, yaml(p.name)]));
function checkPlan(text) {
	const issues = [];
	text.split("\n").forEach((line, i) => {
		const m = /^(\s*(?:-\s*\{\s*)?)([a-z_]+):/.exec(line);
		const keys = ["plan", "title", "enter", "when", "who", "again", "smooth", "goal", "exit", "control", "priority", "hour", "late", "max_messages", "budget", "blackout", "first", "by", "purpose", "experiment", "version", "steps", "at", "send", "if", "until", "voucher"];
		if (m && !keys.includes(m[2]) && !line.trim().startsWith("#")) issues.push({ level: "error", line: i + 1, column: m[1].length + 1, text: `« ${m[2]} » n’est pas une clé d’un plan ; la plus proche est ${near(m[2], keys)}` });
		const z = /\b(\d+) (dayz|mont|dais)\b/.exec(line);
		if (z) issues.push({ level: "error", line: i + 1, column: z.index + 1, text: `« ${z[0]} » n’est pas une durée ; par exemple : 20 days` });
	});
	if (!/^control:/m.test(text)) issues.push({ level: "advice", line: 1, column: 1, text: "sans groupe témoin, personne ne peut dire ce que ce plan rapporte : écrivez control: 10%" });
	return issues;
}
function picture(name, text) {
	const row = PLAN_ROWS.find((p) => p.name === name);
	const steps = (STEPS[name] ?? []).map(([n, d, channels, cond, subject, waiting, sent, opened, clicked]) => ({ name: n, at: d === 0 ? "J" : d > 0 ? `J+${d}` : `J${d}`, after_days: d, channels, ...(cond ? { condition: cond } : {}), message: n, action: "send", waiting, sent, opened, clicked }));
	if (text) { const found = [...text.matchAll(/at:\s*J(?:\+(\d+))?\s*,\s*send:\s*([\w-]+)/g)]; if (found.length) { return { ...picture(name), steps: found.map((m) => { const old = steps.find((s) => s.name === m[2]); const d = Number(m[1] ?? 0); return { ...(old ?? { name: m[2], channels: ["email"], message: m[2], waiting: 0, sent: 0, opened: 0, clicked: 0 }), at: d ? `J+${d}` : "J", after_days: d }; }) }; } }
	const when = /when:\s*([^#\n]+)/.exec(text ?? texts.get(name) ?? "")?.[1]?.trim() ?? "";
	const who = /who:\s*([^#\n]+)/.exec(text ?? texts.get(name) ?? "")?.[1]?.trim();
	return { name, title: row?.title ?? name, trigger: when, who: who ?? "", steps, exits: (name === "survey" ? ["answer"] : name === "abandoned-cart" ? ["cart_paid", "cart_emptied", "order"] : ["order"]).map((kind) => ({ kind, text: "" })), goal: [{ kind: name === "survey" ? "answer" : "order", text: "" }], control: name === "survey" ? 0 : 10 };
}

/* --- timeline of one person --- */
const TIMELINE = [
	["2026-05-12T08:00:00Z", "decision", "E-mail « Votre panier est gardé jusqu’à dimanche »", "3 messages en 7 jours, le plafond. Reporté à demain 10 h, puis abandonné si le plafond tient encore.", null, "abandoned-cart", "defer", "pressure_channel"],
	["2026-05-11T16:42:00Z", "answer", "Peu satisfaite de la livraison, réponse à l’enquête", "« Les coussins n’étaient pas dans le camion et personne n’a su me dire quand ils arriveraient. »", null, "survey"],
	["2026-05-11T08:00:00Z", "message", "Enquête « Votre salon est-il bien arrivé ? »", "e-mail de service, ouvert à 12 h 20", null, "survey", "send", "none"],
	["2026-05-11T06:00:00Z", "message", "SMS « Votre panier vous attend »", "panier, 3 h après ; remis à 8 h, sans clic", null, "abandoned-cart", "send", "none"],
	["2026-05-10T22:05:00Z", "decision", "SMS du panier, 3 h après le dernier changement", "", null, "abandoned-cart", "defer", "quiet_hours"],
	["2026-05-10T19:05:00Z", "cart", "Panier laissé : coffre à coussins « Belle-Île »", "site, depuis un téléphone", 11900],
	["2026-05-09T08:00:00Z", "message", "E-mail « Plus que 60 points avant votre cadeau »", "fidélité, ouvert à 19 h 02", null, "loyalty", "send", "none"],
	["2026-05-07T08:00:00Z", "message", "E-mail « Les beaux jours sont là »", "campagne, un clic sur les salons de jardin", null, "sunny-days", "send", "none"],
	["2026-05-04T13:20:00Z", "order", "Salon de jardin « Belle-Île », 4 places, et sa housse", "boutique d’Angers, code ANNIV-7K2Q : −72,80 €", 65520],
	["2026-05-01T08:00:00Z", "message", "E-mail « Bon anniversaire, Odile »", "bon de −10 %, code utilisé le 4 mai", null, "birthday", "send", "none"],
	["2026-03-14T10:10:00Z", "order", "Révision de printemps du vélo", "boutique d’Angers", 5900],
	["2025-10-20T08:00:00Z", "decision", "Plan Compléter l’achat", "tirée au sort (10 %) : n’a rien reçu de ce plan", null, "cross-sell", "control", "control_group"],
	["2025-09-20T14:00:00Z", "order", "Vélo électrique « Loire 7 »", "boutique d’Angers, conseillée par Théo", 184900],
	["2025-02-03T17:30:00Z", "consent", "SMS et mesure des ouvertures : accord", "formulaire du site", null],
	["2024-05-18T10:00:00Z", "return", "Retour de la lampe « Anse »", "remboursée", -4590],
	["2024-05-04T10:00:00Z", "order", "Lampe « Anse », terreau, bulbes", "site", 8730],
	["2023-06-10T10:00:00Z", "order", "Parasol déporté, pied", "site", 21400],
	["2022-03-19T10:00:00Z", "order", "Sécateur et gants", "boutique d’Angers, premier achat", 4880],
].map(([at, kind, title, detail, amount, plan, verdict, reason]) => ({ at, kind, title, detail, ...(amount ? { amount } : {}), ...(plan ? { plan } : {}), ...(verdict ? { verdict } : {}), ...(reason ? { reason } : {}) }));
const WHY = { decisions: [
	{ at: "2026-05-12T08:00:00Z", plan: "abandoned-cart", version: 4, run: 2, step: "cart-2", verdict: "defer", channel: "email", reason: "pressure_channel", times: 1 },
	{ at: "2026-05-11T08:00:00Z", plan: "survey", version: 2, run: 1, step: "survey-1", verdict: "send", channel: "email", reason: "none", times: 1 },
	{ at: "2026-05-11T06:00:00Z", plan: "abandoned-cart", version: 4, run: 2, step: "cart-1", verdict: "send", channel: "sms", reason: "none", times: 1 },
	{ at: "2026-05-10T22:05:00Z", plan: "abandoned-cart", version: 4, run: 2, step: "cart-1", verdict: "defer", channel: "sms", reason: "quiet_hours", times: 8 },
	{ at: "2025-10-20T08:00:00Z", plan: "cross-sell", version: 1, run: 1, step: "", verdict: "control", channel: "", reason: "control_group", times: 1 },
], plans: [{ plan: "anti-churn", now: "n’y est pas : dernière commande il y a 8 jours, il en faut 6 mois" }, { plan: "birthday", now: "terminé le 4 mai : a commandé" }, { plan: "cross-sell", now: "entrera le 3 juin, J+30, sauf nouvelle commande" }, { plan: "renewal", now: "plan à l’arrêt" }] };

/* --- messages --- */
const SUBJECTS = Object.values(STEPS).flat().map((s) => [s[0], s[4].replace(/[«»]/g, "").trim()]);
const purposeOf = (n) => (n.startsWith("survey") ? "service" : "marketing");
const messages = SUBJECTS.flatMap(([name, subject]) => ["fr", "en"].map((locale) => ({ name, locale, subject: locale === "fr" ? subject : { "winback-1": "It has been six months, Odile" }[name] ?? name.replace(/-/g, " "), channel: "email", purpose: purposeOf(name), plans: Object.keys(STEPS).filter((p) => STEPS[p].some((s) => s[0] === name)) })));
const messageText = (l, n) => { const f = join(REPO, "messages", l, n + ".md"); return existsSync(f) ? readFileSync(f, "utf8") : `---\nsubject: "${n}"\n---\n# ${n}\n`; };
function preview(b) {
	const c = customers[(b.customer ?? 1) - 1] ?? customers[0];
	const en = b.locale === "en";
	const row = messages.find((m) => m.name === b.name && m.locale === b.locale);
	const subject = /subject:\s*"([^"{]+)"/.exec(b.text ?? "")?.[1] ?? (row?.subject ?? b.name).replace("Odile", c.first);
	const hello = en ? `Dear ${c.first},` : `Chère ${c.first},`;
	const say = en ? "Your last order was on 4 May (garden set “Belle-Île”), and the shop has changed a good deal since." : "Votre dernière commande date du 4 mai (salon de jardin « Belle-Île »), et depuis, la boutique a bien changé.";
	const go = en ? "See the shop" : "Voir la boutique";
	const findings = (b.text ?? "").includes("{{ customer.firstname") ? [{ level: "error", line: 1, column: 1, text: "« customer.firstname » n’existe pas ; le plus proche est customer.first_name" }] : [];
	const html = `<!doctype html><html lang="${en ? "en" : "fr"}"><head><meta name="viewport" content="width=device-width"><title>${subject}</title></head><body style="margin:0;background:#f4efe6;font-family:Georgia,serif;color:#2b241d"><table role="presentation" width="100%" cellpadding="0" cellspacing="0"><tr><td align="center" style="padding:24px 12px"><table role="presentation" width="100%" style="max-width:560px;background:#fffdf8;border-radius:6px"><tr><td style="padding:28px 28px 8px;font-size:15px;letter-spacing:.06em">VERGER &amp; GUIDON</td></tr><tr><td style="padding:0 28px 28px;font-size:16px;line-height:1.6"><h1 style="font-size:26px;line-height:1.25;font-weight:normal">${subject}</h1><p>${hello}</p><p>${say}</p><p style="margin:24px 0"><a href="#" style="background:#8a4b2a;color:#fff;padding:12px 20px;border-radius:4px;text-decoration:none">${go}</a></p><p style="font-size:13px;color:#6b6054">${en ? "You receive this because you ordered from us." : "Vous recevez ce message car vous avez commandé chez nous."} <a href="#" style="color:#6b6054">${en ? "Unsubscribe" : "Se désinscrire"}</a></p></td></tr></table></td></tr></table></body></html>`;
	return { subject, preheader: en ? "What changed since your last visit." : "Ce qui a changé depuis votre dernière visite.", html, text: `${subject}\n\n${hello}\n\n${say}\n\n${go} : https://verger-guidon.exemple/\n`, findings };
}

/* --- figures --- */
const FIG = [["abandoned-cart", 2210, 221, 1154, 688, 226, 161, 1920400, [1180, 640, 1730]], ["birthday", 612, 61, 920, 512, 137, 74, 688200, [860, 290, 1440]], ["cross-sell", 960, 96, 1250, 552, 151, 63, 541000, [520, 60, 990]], ["anti-churn", 1320, 131, 2058, 878, 222, 58, 702300, [410, -220, 1050]], ["welcome", 540, 54, 882, 499, 167, 31, 210900, [150, -310, 620]], ["survey", 1742, 0, 1710, 820, 561, 0, 0, null]];
const months = Array.from({ length: 24 }, (_, i) => {
	const d = new Date(Date.UTC(2024, 5 + i, 1)), season = 1 + 0.35 * Math.sin(((d.getUTCMonth() - 1.5) / 12) * 2 * Math.PI) + (d.getUTCMonth() === 11 ? 0.3 : 0);
	const orders = Math.round((310 + i * 5) * season * (i === 23 ? 0.42 : 1) + rnd() * 20), basket = Math.round(7200 + rnd() * 900);
	return { month: d.toISOString().slice(0, 7), orders, revenue: orders * basket, new_customers: Math.round(orders * 0.24 + rnd() * 10), mean_basket: basket };
});
function life(from, to) {
	const days = [];
	for (let ms = Date.parse(from); ms <= Date.parse(to); ms += 7 * DAY) {
		const k = (ms - Date.parse("2024-05-12")) / (730 * DAY), s = Math.sin(k * 4 * Math.PI);
		days.push({ day: date(ms), prospect: Math.round(836 + 338 * k + 20 * s), new: Math.round(1650 + 254 * k + 190 * s), loyal: Math.round(1620 + 866 * Math.sqrt(Math.max(0, k))), ambassador: Math.round(190 + 122 * k), lapsing: Math.round(980 + 648 * k * k), former: Math.round(404 + 572 * k) });
	}
	return { days };
}

/* --- state that commands change --- */
const state = { user: null, held: null, firstRun: process.argv.includes("--first-run"), users: [{ id: 1, name: "Claire Moreau", role: "owner", locale: "fr", last_seen: iso(NOW - 3600000), totp: true }, { id: 2, name: "Théo Pineau", role: "marketer", locale: "fr", last_seen: iso(NOW - DAY), totp: false }, { id: 3, name: "Inès Bourdais", role: "service", locale: "fr", last_seen: iso(NOW - 5 * DAY), totp: false }], keys: [{ id: 1, name: "Caisse d’Angers", scopes: ["facts"], prefix: "rl_7c2e", created_at: "2026-03-02T09:00:00Z", last_used: iso(NOW - 60000) }], segments: [{ name: "Oubli salon", text: "lifecycle in (loyal, ambassador) and may(email)", count: 0 }, { name: "À réveiller, SMS permis", text: "lifecycle in (lapsing, former) and may(sms)", count: 0 }], settings: { shop: { name: "Verger & Guidon", signature: "Claire, de Verger & Guidon", url: "https://verger-guidon.exemple", zone: "Europe/Paris", currency: "EUR", locale: "fr" }, hours: { quiet_from: "20:00", quiet_to: "08:00", quiet_sundays: true, send_at: "10:00" }, pressure: { email: { limit: 2, days: 7 }, sms: { limit: 2, days: 30 }, all: { limit: 3, days: 7 } }, costs: { email: 2, sms: 10, postcard: 89 }, lifecycle: { loyal_orders: 2, ambassador_orders: 6, lapsing_months: 6, former_months: 24 } }, jobs: new Map() };
const empty = process.argv.includes("--empty");
if (process.argv.includes("--signed-in")) state.user = { name: "Claire Moreau", role: "owner", locale: "fr" };
for (const s of state.segments) s.count = customers.filter(condition(s.text).test).length;
const session = () => ({ user: state.user, shop: { name: "Verger & Guidon", zone: "Europe/Paris", currency: "EUR", exponent: 2, locale: "fr", now: iso(NOW) }, csrf: "mock-csrf", first_run: state.firstRun });
const problem = (status, title, detail, more) => ({ status, body: { type: "about:blank", title, status, detail, ...more } });

function today() {
	const lv = (plan, title, channel, count, h) => ({ plan, title, channel, count, next_at: `2026-05-12T${h}:00Z` });
	return { now: iso(NOW), held_by: state.held, leaving: empty || state.held ? [] : [lv("anti-churn", "Réveil des inactifs", "email", 96, "08:00"), lv("anti-churn", "Réveil des inactifs", "postcard", 24, "08:00"), lv("cross-sell", "Compléter l’achat", "email", 38, "08:00"), lv("survey", "Enquête après achat", "email", 29, "08:00"), lv("abandoned-cart", "Panier abandonné", "email", 11, "07:24"), lv("abandoned-cart", "Panier abandonné", "sms", 4, "11:12"), lv("birthday", "Anniversaire", "email", 5, "16:30"), lv("birthday", "Anniversaire", "sms", 3, "09:30"), lv("welcome", "Bienvenue", "email", 7, "08:00")], sent_today: empty ? [] : [{ plan: "abandoned-cart", channel: "email", count: 2 }],
		held: empty ? [] : [{ reason: "pressure_channel", text: "déjà 2 e-mails cette semaine. Puis abandonnés si le plafond tient encore.", count: 14, plan: "abandoned-cart", until: "2026-05-13T08:00:00Z" }, { reason: "no_consent", text: "demander lors du prochain achat ; la question est prête pour la caisse.", count: 9, plan: "birthday" }, { reason: "suppressed", text: "deux rebonds. Rien ne partira avant correction.", count: 4, plan: "anti-churn" }, { reason: "beaten", text: "le panier d’abord, la proposition ensuite.", count: 2, plan: "cross-sell", until: "2026-05-13T08:00:00Z" }, { reason: "quiet_hours", text: "il est 2 h 50 en Martinique.", count: 2, plan: "welcome", until: "2026-05-12T12:00:00Z" }],
		needs_you: empty ? [] : [{ kind: "complaint", count: 1, text: "Odile Garnier, ambassadrice, est « peu satisfaite » : salon de jardin livré sans ses coussins.", link: "/customers/1" }, { kind: "approval", count: 1, text: "Fête des Mères, e-mail à 1 842 clients, 36,84 €. Préparé par Théo hier.", link: "/plans/birthday" }, { kind: "request", count: 1, text: "Karim Benali demande l’effacement de ses données, avant le 4 juin. Deux factures restent, comme la loi l’exige.", link: "/compliance" }],
		brought: empty ? { orders: 0, revenue: 0, since: "2026-05-01T00:00:00Z" } : { orders: 94, revenue: 843250, since: "2026-05-01T00:00:00Z" }, lifecycle: { prospect: 1174, new: 1904, loyal: 2486, ambassador: 312, lapsing: 1628, former: 976 } };
}
function paged(items, url, size = 50) {
	const at = Number(url.searchParams.get("cursor") ?? 0), limit = Math.min(500, Number(url.searchParams.get("limit") ?? size));
	return { items: items.slice(at, at + limit), next: at + limit < items.length ? String(at + limit) : null, total: items.length };
}
function person(id) {
	const c = customers[id - 1];
	if (!c) return null;
	const me = id === 1;
	return { id, ref: c.ref, person: { civility: "", first_name: c.first, last_name: c.last, email: c.email, phone: me ? "06 39 98 12 47" : "", city: me ? "Trélazé" : c.town[0], postcode: me ? "49800" : c.town[1] }, phase: c.phase, orders: me ? 7 : c.orders, spend: c.spend, spend_12m: me ? 256320 : Math.round(c.spend / 2), first_order: me ? "2022-03-19" : c.last_order, last_order: me ? "2026-05-04" : c.last_order, average_basket: c.orders ? Math.round(c.spend / (me ? 7 : c.orders)) : 0, zone: "Europe/Paris", locale: "fr", born: me ? "1961-05-21" : null, tags: me ? ["atelier vélo"] : [], interests: me ? ["Jardin", "Vélo"] : [],
		consents: [{ channel: "email", purpose: "marketing", state: c.mail || me ? "granted" : "withdrawn", at: "2022-03-19T10:00:00Z", source: "en caisse", may: c.mail || me }, { channel: "sms", purpose: "marketing", state: c.sms || me ? "granted" : "unknown", at: c.sms || me ? "2025-02-03T17:30:00Z" : null, source: c.sms || me ? "formulaire du site" : null, may: c.sms || me }, { channel: "post", purpose: "marketing", state: "soft", at: null, source: "informée à la commande", may: true }, { channel: "phone", purpose: "marketing", state: "unknown", at: null, source: null, may: false }, { channel: "tracking", purpose: "marketing", state: "granted", at: "2025-02-03T17:30:00Z", source: "formulaire du site", may: true }, { channel: "ads", purpose: "marketing", state: "opposed", at: "2025-02-03T17:30:00Z", source: "formulaire du site", may: false }],
		runs: me ? [{ plan: "abandoned-cart", run: 2, entered_at: "2026-05-10T22:05:00Z", step: "cart-2", control: false, state: "active" }] : [], plans: WHY.plans };
}
function startReplay(name) {
	const id = "j" + (state.jobs.size + 1), r = random(name.length);
	const days = Array.from({ length: 90 }, (_, i) => ({ day: date(NOW - (90 - i) * DAY), messages: Math.round((i < 24 ? 118 : i < 40 ? 74 : 22) + r() * 9), held: Math.round(r() * 6) }));
	state.jobs.set(id, { start: Date.now(), result: { plans: { [name]: { entered: 2604, messages: 6870, held: 212, skipped: 1540, control: 261, exited: 143 } }, days, pressure: [{ per_week: 0, customers: 5120 }, { per_week: 1, customers: 2310 }, { per_week: 2, customers: 1012 }, { per_week: 3, customers: 38 }], cost: 151690 } });
	return id;
}

const ROUTES = [
	["GET", /^\/session$/, () => session()],
	["POST", /^\/session$/, (b) => { if ((b.password ?? "").length < 8) return problem(401, "Refus", "Nom ou mot de passe inconnu. Vérifiez les majuscules, puis réessayez."); state.user = { name: b.name, role: "owner", locale: "fr" }; return session(); }],
	["DELETE", /^\/session$/, () => { state.user = null; return {}; }],
	["POST", /^\/setup$/, (b) => { if (b.token !== "premier-jour") return problem(403, "Refus", "Ce code a expiré ou a déjà servi. Relancez « relance serve » pour en obtenir un autre."); state.firstRun = false; state.user = { name: b.name, role: "owner", locale: b.locale }; return session(); }],
	["GET", /^\/today$/, today],
	["POST", /^\/stop$/, () => { state.held = state.user?.name ?? "?"; return { held_by: state.held }; }],
	["POST", /^\/resume$/, () => { state.held = null; return { held_by: null }; }],
	["GET", /^\/customers$/, (_b, url) => {
		if (empty) return { items: [], next: null, total: 0 };
		const q = (url.searchParams.get("q") ?? "").toLowerCase(), seg = url.searchParams.get("segment");
		let list = customers;
		if (seg) { const c = condition(seg); if (c.problem) return { status: 422, body: c.problem }; list = list.filter(c.test); }
		if (q) list = list.filter((c) => c.name.toLowerCase().includes(q) || c.email.includes(q) || c.ref.startsWith(q));
		return paged(list.map(shown), url);
	}],
	["GET", /^\/customers\/(\d+)$/, (_b, _u, m) => person(+m[1]) ?? problem(404, "Inconnu", "Aucun client ne porte ce numéro. Cherchez-le par son nom ou son adresse.")],
	["GET", /^\/customers\/(\d+)\/timeline$/, (_b, url, m) => paged(+m[1] === 1 ? TIMELINE : TIMELINE.filter((x) => ["order", "message"].includes(x.kind)).slice(2, 6), url)],
	["GET", /^\/customers\/(\d+)\/why$/, () => WHY],
	["GET", /^\/customers\/(\d+)\/recommendations$/, () => ({ items: [{ sku: "CO-BI", name: "Coffre à coussins « Belle-Île »", price: 11900, why: "31 % de ceux qui prennent le salon l’ajoutent dans les deux mois, contre 5 % sans lui. Il est dans son panier." }, { sku: "AN-U", name: "Antivol en U « Verrou »", price: 6490, why: "Elle a un vélo électrique et aucun antivol dans ses achats. 58 % des acheteurs du « Loire 7 » en ont un." }, { sku: "HU-1", name: "Huile pour bois, 1 l", price: 2490, why: "Le salon est en acacia : une couche avant l’automne." }] })],
	["POST", /^\/segments\/count$/, (b) => { const c = condition(b.text ?? ""); return c.problem ? { status: 422, body: c.problem } : { count: customers.filter(c.test).length, total: CUSTOMERS, ms: 3 }; }],
	["GET", /^\/segments$/, () => ({ items: state.segments })],
	["PUT", /^\/segments\/(.+)$/, (b, _u, m) => { const name = decodeURIComponent(m[1]); state.segments = [...state.segments.filter((s) => s.name !== name), { name, text: b.text, count: customers.filter(condition(b.text).test).length }]; return {}; }],
	["GET", /^\/segments\/words$/, () => ({ items: [...WORDS, ...PHASES].map((w) => ({ word: w })) })],
	["GET", /^\/plans$/, () => ({ items: empty ? [] : PLAN_ROWS })],
	["POST", /^\/plans\/check$/, (b) => { const name = /^plan:\s*([\w-]+)/m.exec(b.text)?.[1] ?? ""; const issues = checkPlan(b.text); return { issues, ...(issues.some((i) => i.level === "error") ? {} : { plan: picture(name, b.text) }) }; }],
	["GET", /^\/plans\/([\w-]+)$/, (_b, _u, m) => { const row = PLAN_ROWS.find((p) => p.name === m[1]); if (!row) return problem(404, "Inconnu", "Aucun plan ne porte ce nom. La liste les montre tous."); const text = texts.get(row.name); return { ...picture(row.name), ...row, control: picture(row.name).control, text, versions: Array.from({ length: row.version }, (_, i) => ({ version: row.version - i, at: iso(NOW - (1 + i * 22) * DAY), by: i % 2 ? "Théo Pineau" : "Claire Moreau", note: i === row.version - 1 ? "Plan livré avec relance" : "Heures et canaux revus" })), counts: { entered: row.entered, active: row.active, control: row.control, exited: Math.round(row.entered * 0.06), orders: FIG.find((f) => f[0] === row.name)?.[6] ?? 0, completed: Math.round(row.entered * 0.35) }, issues: checkPlan(text) }; }],
	["PUT", /^\/plans\/([\w-]+)$/, (b, _u, m) => { const row = PLAN_ROWS.find((p) => p.name === m[1]); if (checkPlan(b.text).some((i) => i.level === "error")) return problem(422, "Plan", "Le plan a des erreurs : corrigez-les avant d’enregistrer."); texts.set(m[1], b.text); row.version++; return { version: row.version }; }],
	["POST", /^\/plans\/([\w-]+)\/switch$/, (b, _u, m) => { const row = PLAN_ROWS.find((p) => p.name === m[1]); row.state = b.to; row.on_since = b.to === "on" ? iso(NOW) : row.on_since; return { state: row.state }; }],
	["POST", /^\/plans\/([\w-]+)\/replay$/, (_b, _u, m) => ({ status: 202, body: { job: startReplay(m[1]) } })],
	["GET", /^\/jobs\/(\w+)$/, (_b, _u, m) => { const j = state.jobs.get(m[1]); if (!j) return problem(404, "Inconnu", "Ce calcul n’existe plus. Relancez-le."); const p = Math.min(1, (Date.now() - j.start) / 900); return p < 1 ? { state: "running", progress: p } : { state: "done", progress: 1, result: j.result }; }],
	["GET", /^\/messages$/, () => ({ items: empty ? [] : messages })],
	["GET", /^\/messages\/(fr|en)\/([\w-]+)$/, (_b, _u, m) => { const row = messages.find((x) => x.locale === m[1] && x.name === m[2]); return row ? { ...row, text: messageText(m[1], m[2]), findings: [] } : problem(404, "Inconnu", "Aucun message ne porte ce nom."); }],
	["POST", /^\/messages\/preview$/, (b) => preview(b)],
	["POST", /^\/messages\/test$/, (b) => (/@/.test(b.to) ? {} : problem(422, "Adresse", "Cette adresse n’en est pas une : il y manque un @."))],
	["GET", /^\/figures$/, () => ({ plans: empty ? [] : FIG.map(([name, entered, control, sent, opened, clicked, orders, revenue, up]) => ({ name, title: PLAN_ROWS.find((p) => p.name === name)?.title, entered, control, sent, opened, clicked, orders, revenue, ...(up ? { uplift: { value: up[0] * 100, low: up[1] * 100, high: up[2] * 100, verdict: up[1] > 0 ? "gain" : "unknown" } } : {}) })), months: empty ? [] : months, kpis: [{ name: "repeat_rate", value: 0.412, unit: "share", formula: "clients ayant commandé au moins deux fois / clients ayant commandé" }, { name: "retention_12m", value: 0.55, unit: "share", formula: "clients actifs sur 12 mois / clients actifs sur les 12 mois d’avant" }, { name: "mean_basket", value: 7480, unit: "money", formula: "chiffre d’affaires / commandes, 12 mois" }, { name: "clv", value: 41250, unit: "money", formula: "marge attendue par client sur 36 mois" }, { name: "margin_rate", value: null, unit: "share", formula: "marge / chiffre d’affaires", unknown_because: "aucun prix d’achat n’a été importé" }] })],
	["GET", /^\/lifecycle$/, (_b, url) => (empty ? { days: [] } : life(url.searchParams.get("from"), url.searchParams.get("to")))],
	["GET", /^\/compliance$/, () => ({ consents: { email: { granted: 5120, soft: 1404, withdrawn: 611, opposed: 88 }, sms: { granted: 3310, soft: 0, withdrawn: 204, opposed: 31 }, post: { granted: 410, soft: 5902, withdrawn: 0, opposed: 96 }, phone: { granted: 122, soft: 0, withdrawn: 9, opposed: 240 } }, suppressions: 214, requests: empty ? [] : [{ id: 31, kind: "erasure", customer: "Karim Benali", asked_at: "2026-05-04T09:12:00Z", due_at: "2026-06-04T09:12:00Z", state: "open" }, { id: 30, kind: "access", customer: "Solène Tessier", asked_at: "2026-04-16T14:00:00Z", due_at: "2026-05-16T14:00:00Z", state: "open" }, { id: 28, kind: "access", customer: "Hervé Picard", asked_at: "2026-03-20T10:00:00Z", due_at: "2026-04-20T10:00:00Z", state: "done" }] })],
	["GET", /^\/settings$/, () => state.settings],
	["PUT", /^\/settings$/, (b) => { for (const k of Object.keys(b)) state.settings[k] = { ...state.settings[k], ...b[k] }; return state.settings; }],
	["GET", /^\/users$/, () => ({ items: state.users })],
	["POST", /^\/users$/, (b) => { const u = { id: state.users.length + 1, name: b.name, role: b.role, locale: "fr", last_seen: null, totp: false }; state.users.push(u); return { ...u, link: "http://127.0.0.1:8025/#/setup?token=invite-" + u.id }; }],
	["DELETE", /^\/users\/(.+)$/, (_b, _u, m) => { state.users = state.users.filter((u) => String(u.id) !== m[1]); return {}; }],
	["GET", /^\/keys$/, () => ({ items: state.keys })],
	["POST", /^\/keys$/, (b) => { const k = { id: state.keys.length + 1, name: b.name, scopes: b.scopes, prefix: "rl_9f01", created_at: iso(NOW), last_used: null }; state.keys.push(k); return { ...k, key: "rl_9f01_made_up_for_tests" }; }],
	["DELETE", /^\/keys\/(.+)$/, (_b, _u, m) => { state.keys = state.keys.filter((k) => String(k.id) !== m[1]); return {}; }],
];

function file(res, path) {
	let f = join(HERE, "dist", normalize("/" + path));
	if (!existsSync(f) || statSync(f).isDirectory()) f = join(HERE, "dist", "index.html");
	const head = { "Content-Type": TYPES[extname(f)] ?? "application/octet-stream", "Content-Security-Policy": CSP, "X-Content-Type-Options": "nosniff" };
	if (existsSync(f + ".gz")) { head["Content-Encoding"] = "gzip"; f += ".gz"; }
	res.writeHead(200, head).end(readFileSync(f));
}
const OPEN = new Set(["GET /session", "POST /session", "POST /setup"]);
export const server = createServer(async (req, res) => {
	const url = new URL(req.url, "http://mock");
	if (!url.pathname.startsWith("/api/v1/")) return file(res, decodeURIComponent(url.pathname));
	const path = url.pathname.slice(7);
	const send = (status, body) => res.writeHead(status, { "Content-Type": status >= 400 ? "application/problem+json" : "application/json" }).end(JSON.stringify(body));
	let text = "";
	for await (const part of req) text += part;
	if (!OPEN.has(`${req.method} ${path}`) && !state.user) return send(401, problem(401, "Session", "Connectez-vous.").body);
	if (!OPEN.has(`${req.method} ${path}`) && req.method !== "GET" && req.headers["x-csrf-token"] !== "mock-csrf") return send(403, problem(403, "CSRF", "Rechargez la page.").body);
	if (path === "/events") { res.writeHead(200, { "Content-Type": "text/event-stream" }); res.write(": bonjour\n\n"); return; }
	for (const [method, pattern, answer] of ROUTES) {
		const m = method === req.method && pattern.exec(path);
		if (!m) continue;
		const a = answer(text ? JSON.parse(text) : {}, url, m);
		return a && typeof a.status === "number" && a.body ? send(a.status, a.body) : send(200, a);
	}
	send(404, problem(404, "Inconnu", "Cette adresse n’existe pas.").body);
});
const port = Number(process.argv[2] ?? 8026);
if (process.argv[1] === fileURLToPath(import.meta.url)) server.listen(port, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}`));
