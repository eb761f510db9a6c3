/* What is wrong with a condition, in French. The places that find a mistake say it in English, as a format and its
 * parts; here is the same sentence in French with its parts in the same order, and the French of the parts that are
 * phrases themselves. A sentence that is missing stays in English; the tests look for those. */
#include "fold/expr_parse.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>

#define NB        "\xC2\xA0"     /* before : and inside « » */
#define NN        "\xE2\x80\xAF" /* before ; ! ? */
#define Q(inside) "«" NB inside NB "»"

static const struct {
	const char *en, *fr;
} SAID[] = {
	{ "one of = < <= > >= or \"in\" belongs here", "il faut ici l’un de = < <= > >= ou " Q("in") },
	{ "%s belongs here, e.g. %s", "il faut ici %s, par exemple %s" },
	{ "one of =, != or \"in (…)\" belongs here", "il faut ici =, != ou " Q("in (…)") },
	{ "a list holds at most %d values", "une liste a au plus %d valeurs" },
	{ "no plan \"%.*s\"; did you mean \"%s\"?", "aucun plan " Q("%.*s") NN "; vouliez-vous dire " Q("%s") NN "?" },
	{ "no plan \"%.*s\"", "aucun plan " Q("%.*s") },
	{ "this plan has no step \"%.*s\"; did you mean \"%s\"?",
	  "ce plan n’a pas d’étape " Q("%.*s") NN "; vouliez-vous dire " Q("%s") NN "?" },
	{ "this plan has no step \"%.*s\"", "ce plan n’a pas d’étape " Q("%.*s") },
	{ "\"=\" belongs here: %s", "il faut ici " Q("=") NB ": %s" },
	{ "the name of a %s belongs here", "il faut ici le nom d’%s" },
	{ "plan", "un plan" },
	{ "step", "une étape" },
	{ "\"=\" belongs here: channel = email", "il faut ici " Q("=") NB ": channel = email" },
	{ "%s has no argument \"%.*s\"; did you mean \"%s\"?",
	  "%s n’a pas d’argument " Q("%.*s") NN "; vouliez-vous dire " Q("%s") NN "?" },
	{ "%s has no argument \"%.*s\"; write %s", "%s n’a pas d’argument " Q("%.*s") NN "; écrivez %s" },
	{ "a French postcode of five digits belongs here: distance(\"59000\")",
	  "il faut ici un code postal français à cinq chiffres" NB ": distance(\"59000\")" },
	{ "a number of days, weeks, months or years belongs here: inactive(6 months)",
	  "il faut ici un nombre de jours, semaines, mois ou années" NB ": inactive(6 months)" },
	{ "that is longer ago than a century", "cela remonte à plus d’un siècle" },
	{ "%s takes one range of dates", "%s prend une seule période" },
	{ "that is no argument of %s; write %s", "%s ne prend pas cet argument" NN "; écrivez %s" },
	{ "%s needs an argument: %s", "%s demande un argument" NB ": %s" },
	{ "%s takes no arguments", "%s ne prend pas d’argument" },
	{ "an age belongs here: child_age any in 3..6", "il faut ici un âge" NB ": child_age any in 3..6" },
	{ "this condition is too long (limit: %d operations)", "cette condition est trop longue (au plus %d opérations)" },
	{ "%s takes a date, e.g. last_order; this is %s", "%s prend une date, par exemple last_order" NN "; ceci est %s" },
	{ "no saved segment \"%.*s\"; relance segment DB 'CONDITION' --save NAME makes one",
	  "aucun segment gardé ne s’appelle " Q("%.*s") },
	{ "nested too deeply (limit: %d levels)", "trop de parenthèses imbriquées (au plus %d niveaux)" },
	{ "%.10s is no day of the calendar", "%.10s n’est pas un jour du calendrier" },
	{ "that number is too large (up to 9,000,000,000,000)", "ce nombre est trop grand (au plus 9 000 000 000 000)" },
	{ "that number has more than six decimals", "ce nombre a plus de six décimales" },
	{ "this text is not closed: a \" is missing at its end", "ce texte n’est pas fermé" NB ": il manque \" à la fin" },
	{ "a text stands between double quotes: \"Salon\"", "un texte se met entre guillemets droits" NB ": \"Salon\"" },
	{ "a text stands between straight double quotes: \"Salon\"",
	  "un texte se met entre guillemets droits" NB ": \"Salon\"" },
	{ "a text stands between double quotes: \"%.*s\"", "un texte se met entre guillemets droits" NB ": \"%.*s\"" },
	{ "write \"%s\" instead of \"%c\"", "écrivez " Q("%s") " au lieu de " Q("%c") },
	{ "write \"not\" instead of \"!\"", "écrivez " Q("not") " au lieu de " Q("!") },
	{ "\"%c\" has no meaning here", Q("%c") " n’a pas de sens ici" },
	{ "a character that has no meaning here", "ce caractère n’a pas de sens ici" },
	{ "that amount is too large", "ce montant est trop grand" },
	{ "an amount in %s has at most %d decimals", "un montant en %s a au plus %d décimales" },
	{ "a duration is a whole number of units, not beyond 68 years: 6 months",
	  "une durée est un nombre entier d’unités, 68 ans au plus" NB ": 6 months" },
	{ "this shop counts in %s, not in %.*s", "cette boutique compte en %s, pas en %.*s" },
	{ "a number, an amount or a date belongs here", "il faut ici un nombre, un montant ou une date" },
	{ "a text belongs here, e.g. %s", "il faut ici un texte, par exemple %s" },
	{ "\"%.*s\" is not %s; did you mean \"%s\"?", Q("%.*s") " n’est pas %s" NN "; vouliez-vous dire " Q("%s") NN "?" },
	{ "\"%.*s\" is not %s; one is %s", Q("%.*s") " n’est pas %s" NN "; par exemple %s" },
	{ "%s is missing at the end", "il manque %s à la fin" },
	{ "%s is missing here", "il manque %s ici" },
	{ "months differ in length: compare days, or add them to a date: last_order + 6 months <= today",
	  "les mois n’ont pas tous la même longueur" NB ": comparez des jours, ou ajoutez-les à une date" NB
	  ": last_order + 6 months <= today" },
	{ "%s is an amount of money: write it as 25 %s", "%s est un montant" NB ": écrivez-le 25 %s" },
	{ "%s is %s; it compares with another, e.g. %s, not with %s",
	  "%s est %s" NN "; cela se compare à une valeur de même sorte, par exemple %s, pas à %s" },
	{ "%s is yes or no: it needs no list", "%s se dit oui ou non" NB ": pas besoin de liste" },
	{ "%s is a date: count in days, e.g. last 3 days",
	  "%s est une date" NB ": comptez en jours, par exemple last 3 days" },
	{ "after \"in\" a list stands in parentheses: (%s)",
	  "après " Q("in") " une liste se met entre parenthèses" NB ": (%s)" },
	{ "this range ends before it starts", "cette plage finit avant de commencer" },
	{ "%s has no order: compare it with = or !=", "%s n’a pas d’ordre" NB ": comparez avec = ou !=" },
	{ "\"in\" belongs after \"not\" here; or \"and\" before it",
	  "il faut ici " Q("in") " après " Q("not") NN "; ou " Q("and") " avant" },
	{ "comparisons do not chain: write a < b and b < c, or b in 3..6",
	  "les comparaisons ne s’enchaînent pas" NB ": écrivez a < b and b < c, ou b in 3..6" },
	{ "\"not\" takes a condition; %s is %s", Q("not") " prend une condition" NN "; %s est %s" },
	{ "%s is no condition by itself: write %s = %s", "%s n’est pas une condition à lui seul" NB ": écrivez %s = %s" },
	{ "%s is %s, not a condition: compare it, e.g. %s > %s",
	  "%s est %s, pas une condition" NB ": comparez, par exemple %s > %s" },
	{ "\"%.*s\" is no condition by itself: write %s = %.*s",
	  Q("%.*s") " n’est pas une condition à lui seul" NB ": écrivez %s = %.*s" },
	{ "no word \"%.*s\"; did you mean \"%s\"?", "aucun mot " Q("%.*s") NN "; vouliez-vous dire " Q("%s") NN "?" },
	{ "no word \"%.*s\"; the words are listed in doc/expressions.md",
	  "aucun mot " Q("%.*s") NN "; les mots sont dans doc/expressions.md" },
	{ "a text cannot stand here: write the field first, e.g. store = \"Lille\"",
	  "un texte ne peut pas être ici" NB ": écrivez d’abord le champ, par exemple store = \"Lille\"" },
	{ "a word or a value is missing here, e.g. lifecycle = lapsing",
	  "il manque ici un mot ou une valeur, par exemple lifecycle = lapsing" },
	{ "only a number or an amount takes a minus sign; %s is %s",
	  "seul un nombre ou un montant prend le signe moins" NN "; %s est %s" },
	{ "%s %s %s has no meaning", "%s %s %s n’a pas de sens" },
	{ "only a written duration can be added to a date, e.g. last_order + 30 days",
	  "à une date ne s’ajoute qu’une durée écrite, par exemple last_order + 30 days" },
	{ "a date has no hours: add days, weeks, months or years",
	  "une date n’a pas d’heures" NB ": ajoutez des jours, semaines, mois ou années" },
	{ "\"%.*s\" cannot stand here; did you mean \"%s\"?",
	  Q("%.*s") " ne peut pas être ici" NN "; vouliez-vous dire " Q("%s") NN "?" },
	{ "something is too much from here on; two conditions are joined with \"and\" or \"or\"",
	  "il y a ici quelque chose de trop" NN "; deux conditions se joignent par " Q("and") " ou " Q("or") },
	{ "segments name each other more than %d deep, or in a circle",
	  "des segments se nomment l’un l’autre sur plus de %d niveaux, ou en rond" },
	{ "%s", "%s" },
	{ "in segment \"%.*s\", %zu:%zu: %.160s", "dans le segment " Q("%.*s") ", %zu:%zu" NB ": %.160s" },
	{ "this condition is too long (limit: %d bytes)", "cette condition est trop longue (au plus %d octets)" },
	{ "more than %d different texts in one condition", "plus de %d textes différents dans une condition" },
	{ "a number belongs here: last 1 %.*s", "il faut ici un nombre" NB ": last 1 %.*s" },
	{ "a duration belongs here: last 6 months", "il faut ici une durée" NB ": last 6 months" },
	{ "a date belongs here: 2025-09-01", "il faut ici une date" NB ": 2025-09-01" },
	{ "\"month\" or \"year\" belongs after \"this\"", "après " Q("this") " il faut " Q("month") " ou " Q("year") },
	{ "nothing is asked: write a condition, e.g. lifecycle = lapsing",
	  "rien n’est demandé" NB ": écrivez une condition, par exemple lifecycle = lapsing" },
	{ "a condition is missing at the end", "il manque une condition à la fin" },
	/* parts */
	{ "a yes/no condition", "une condition (oui ou non)" },
	{ "a number", "un nombre" },
	{ "an amount of money", "un montant" },
	{ "a duration", "une durée" },
	{ "a date", "une date" },
	{ "a text", "un texte" },
	{ "a word of a list", "un mot d’une liste" },
	{ "a phase of the life cycle", "une étape du cycle de vie" },
	{ "a gender", "un genre" },
	{ "a language", "une langue" },
	{ "a state of consent", "un état de consentement" },
	{ "an answer", "une réponse" },
	{ "a channel", "un canal" },
	{ "a purpose", "un but" },
	{ "a state of a cart", "un état de panier" },
	{ "a sales channel", "un canal de vente" },
	{ "a time zone", "un fuseau horaire" },
	{ "a French department", "un département français" },
	{ "a day of the week", "un jour de la semaine" },
	{ "a segment by recency, frequency and amount", "un groupe par récence, fréquence et montant" },
	{ "this value", "cette valeur" },
	{ "this", "ceci" },
	{ "\"..\" and the end of the range", Q("..") " et la fin de la plage" },
	{ "a comma or \")\"", "une virgule ou " Q(")") },
	{ "\"(\"", Q("(") },
	{ "\")\"", Q(")") },
};

static const char *french(const char *en)
{
	for (size_t i = 0; i < ARRAY_LEN(SAID); i++)
		if (strcmp(SAID[i].en, en) == 0)
			return SAID[i].fr;
	return en;
}

/* One part of the format, whose '%' is at *f; *f is moved past it. */
static void put_part(struct buf *b, const char **f, va_list *args)
{
	const char *p = *f + 1;
	int most = -1;
	if (*p == '.') {
		p++;
		most = *p == '*' ? va_arg(*args, int) : (int)strtol(p, NULL, 10);
		while (*p == '*' || (*p >= '0' && *p <= '9'))
			p++;
	}
	if (*p == 'z') {
		buf_printf(b, "%zu", va_arg(*args, size_t));
		p++;
	} else if (*p == 'd') {
		buf_printf(b, "%d", va_arg(*args, int));
	} else if (*p == 'c') {
		buf_printf(b, "%c", va_arg(*args, int));
	} else if (most >= 0) {
		buf_printf(b, "%.*s", most, va_arg(*args, const char *));
	} else {
		buf_cstr(b, french(va_arg(*args, const char *)));
	}
	*f = p + 1;
}

void expr_french(char *out, size_t size, const char *fmt, va_list *args)
{
	struct buf b;
	buf_init(&b, 4096);
	for (const char *f = french(fmt); *f;) {
		size_t n = strcspn(f, "%");
		buf_add(&b, f, n);
		f += n;
		if (*f)
			put_part(&b, &f, args);
	}
	snprintf(out, size, "%.*s", (int)b.n, b.p ? b.p : "");
	buf_release(&b);
}
