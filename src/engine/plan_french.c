/* What is wrong with a plan file, and the advice on it, in French: the sentences of plan_file*.c, word for word, with
 * the French of the parts that are phrases themselves. Keys and examples stay as they are written in a file. A sentence
 * that is missing stays in English; the tests look for those. */
#include "engine/plan_file_int.h"

#include "base/said.h"

#define NB SAID_NB
#define NN SAID_NN
#define Q  SAID_Q

static const struct said SAID[] = {
	/* keys */
	{ "no key \"%.*s\" in %s; did you mean \"%s\"?",
	  "aucune clé " Q("%.*s") " dans %s" NN "; vouliez-vous dire " Q("%s") NN "?" },
	{ "no key \"%.*s\" in %s; its keys are: %s", "aucune clé " Q("%.*s") " dans %s" NN "; ses clés" NB ": %s" },
	{ "%s is written as keys and values; for example: %s",
	  "%s s’écrit en clés et valeurs" NN "; par exemple" NB ": %s" },
	{ "a key is a word; for example: %s", "une clé est un mot" NN "; par exemple" NB ": %s" },
	{ "\"%s\" is there twice in %s: keep one", Q("%s") " est deux fois dans %s" NB ": gardez-en une" },
	{ "the key \"%s\" is missing; for example: %s: %s", "la clé " Q("%s") " manque" NN "; par exemple" NB ": %s: %s" },
	{ "a plan", "un plan" },
	{ "a title", "un titre" },
	{ "\"enter\"", Q("enter") },
	{ "a variant", "une variante" },
	{ "a voucher", "un bon" },
	{ "a step", "une étape" },
	/* values */
	{ "\"%s\" is %s here; one value is expected, for example: %s: %s",
	  Q("%s") " est ici %s" NN "; il faut une seule valeur, par exemple" NB ": %s: %s" },
	{ "\"%s\" is empty; for example: %s: %s", Q("%s") " est vide" NN "; par exemple" NB ": %s: %s" },
	{ "\"%s\": \"%.*s\" is not a name: small letters, digits, - and _, at most %d; for example: %s",
	  Q("%s") NB ": " Q("%.*s") " n’est pas un nom" NB ": petites lettres, chiffres, - et _, au plus %d" NN
	                            "; par exemple" NB ": %s" },
	{ "\"%s\": \"%.*s\" is not %s; for example: %s: %s",
	  Q("%s") NB ": " Q("%.*s") " n’est pas %s" NN "; par exemple" NB ": %s: %s" },
	{ "\"%s\": the shop's currency is %s, not %s", Q("%s") NB ": la monnaie de la boutique est %s, pas %s" },
	{ "\"%s\": no word \"%.*s\"; %s%s%swrite one of: %s",
	  Q("%s") NB ": aucun mot " Q("%.*s") NN "; %s%s%sécrivez l’un de ceux-ci" NB ": %s" },
	{ "\"%s\": a comma ends the value inside { }: put the condition between quotes",
	  Q("%s") NB ": une virgule termine la valeur entre { }" NB ": mettez la condition entre guillemets droits" },
	{ "\"%s\": %s", Q("%s") NB ": %s" },
	{ "\"%s\": rfm ranks everybody against everybody and is for segments and figures; in a plan write last_order, "
	  "orders() and spend()",
	  Q("%s") NB ": rfm classe chacun parmi tous" NN
	             "; il sert aux segments et aux chiffres. Dans un plan, écrivez last_order, orders() et spend()" },
	{ "\"%.*s\" is not a delay; for example: + 3 hours, + 30 days",
	  Q("%.*s") " n’est pas un délai" NN "; par exemple" NB ": + 3 hours, + 30 days" },
	{ "a list", "une liste" },
	{ "a map of keys", "un groupe de clés" },
	{ "a value", "une valeur" },
	{ "a sum of money", "une somme" },
	{ "a duration (hours, days or weeks, at most ten years)",
	  "une durée (heures, jours ou semaines, au plus dix ans)" },
	{ "a number of whole days", "un nombre de jours entiers" },
	{ "an hour of the day", "une heure de la journée" },
	{ "a percentage from 0% to 100%", "un pourcentage de 0" NN "% à 100" NN "%" },
	{ "did you mean \"", "vouliez-vous dire «" NB },
	{ "\"? ", NB "»" NN "? " },
	/* who enters */
	{ "\"smooth\": \"%.*s\" is not a number of entries a day; for example: smooth: 500 per day", Q("smooth") NB
	  ": " Q("%.*s") " n’est pas un nombre d’entrées par jour" NN "; par exemple" NB ": smooth: 500 per day" },
	{ "\"enter\" needs its trigger, \"when\"; for example: %s",
	  "à " Q("enter") " il faut son déclencheur, " Q("when") NN "; par exemple" NB ": %s" },
	{ "\"when: segment\" needs \"who\": people enter when it becomes true for them",
	  "avec " Q("when: segment") ", il faut " Q("who") NB ": chacun entre quand cela devient vrai" },
	{ "no trigger \"%.*s\"; %s%s%swrite one of: %s",
	  "aucun déclencheur " Q("%.*s") NN "; %s%s%sécrivez l’un de ceux-ci" NB ": %s" },
	{ "\"%.*s\": %s", Q("%.*s") NB ": %s" },
	{ "something is missing: %s", "il manque quelque chose" NB ": %s" },
	{ "this trigger counts days: + 2 days", "ce déclencheur compte en jours" NB ": + 2 days" },
	{ "nothing can enter before it happens: write + and a delay",
	  "personne ne peut entrer avant que cela n’arrive" NB ": écrivez + et un délai" },
	{ "write every year on 12-06", "écrivez every year on 12-06" },
	{ "write once on 2026-12-01 (year-month-day)", "écrivez once on 2026-12-01 (année-mois-jour)" },
	{ "write inactive 6 months (a number of months or years)",
	  "écrivez inactive 6 months (un nombre de mois ou d’années)" },
	{ "write first order", "écrivez first order" },
	{ "write anniversary of NAME", "écrivez anniversary of NOM" },
	{ "not understood after the trigger; for example: order + 30 days",
	  "incompris après le déclencheur" NN "; par exemple" NB ": order + 30 days" },
	{ "write again: after 12 months, after 30 days, each year, always or never",
	  "écrivez again: after 12 months, after 30 days, each year, always ou never" },
	/* limits */
	{ "\"%s\": at most %d", Q("%s") NB ": au plus %d" },
	{ "\"%s\": no word \"%.*s\"; %s%s%swrite order, cart_paid, cart_emptied, cart_changed, answered, event NAME or "
	  "when CONDITION",
	  Q("%s") NB ": aucun mot " Q("%.*s") NN
	  "; %s%s%sécrivez order, cart_paid, cart_emptied, cart_changed, answered, event NOM ou when CONDITION" },
	{ "\"budget\": \"%.*s\" does not say for how long; write budget: 200 EUR per month, or 200 EUR in all",
	  Q("budget") NB ": " Q("%.*s") " ne dit pas pour combien de temps" NN
	                                "; écrivez budget: 200 EUR per month, ou 200 EUR in all" },
	{ "\"budget\": nothing could be sent; leave the key out for no limit",
	  Q("budget") NB ": rien ne pourrait partir" NN "; ôtez la clé s’il n’y a pas de limite" },
	{ "\"blackout\": \"%.*s\" is not a day; for example: blackout: [2026-12-25, 2026-12-31..2027-01-02]",
	  Q("blackout") NB ": " Q("%.*s") " n’est pas un jour" NN "; par exemple" NB
	                                  ": blackout: [2026-12-25, 2026-12-31..2027-01-02]" },
	{ "\"blackout\": at most %zu days in all", Q("blackout") NB ": au plus %zu jours en tout" },
	{ "\"control\": service messages have no control group: leave the key out",
	  Q("control") NB ": les messages de service n’ont pas de groupe témoin, ôtez la clé" },
	/* steps */
	{ "\"at\": \"%.*s\" is not a moment; write J, J+8 (days after the entry), +3 hours (after what started the plan), "
	  "then or then + 1 day (after the step before)",
	  Q("at") NB ": " Q("%.*s") " n’est pas un moment" NN "; écrivez J, J+8 (jours après l’entrée), +3 hours (après ce "
	                            "qui a lancé le plan), then ou then + 1 day "
	                            "(après l’étape d’avant)" },
	{ "two variants are named \"%.*s\": give each its own name",
	  "deux variantes s’appellent " Q("%.*s") NB ": donnez à chacune son nom" },
	{ "at most %d variants of a message", "au plus %d variantes d’un message" },
	{ "a variant needs its \"message\"; for example: {message: winback-1, weight: 50}",
	  "à une variante il faut son " Q("message") NN "; par exemple" NB ": {message: winback-1, weight: 50}" },
	{ "\"send\": the list is empty; name a message", Q("send") NB ": la liste est vide" NN "; nommez un message" },
	{ "\"by\": channels in order of preference; for example: by: [email, postcard]",
	  Q("by") NB ": les canaux, du préféré au dernier" NN "; par exemple" NB ": by: [email, postcard]" },
	{ "\"by\": %s is there twice", Q("by") NB ": %s y est deux fois" },
	{ "\"percent\": whole percents only; for example: percent: 10",
	  Q("percent") NB ": un nombre entier" NN "; par exemple" NB ": percent: 10" },
	{ "a voucher is one of percent, amount or text; for example: voucher: %s",
	  "un bon est percent, amount ou text" NN "; par exemple" NB ": voucher: %s" },
	{ "a voucher needs its validity; for example: voucher: %s",
	  "un bon a une durée" NN "; par exemple" NB ": voucher: %s" },
	{ "this step does nothing: give it send, notify, tag, untag, until, then or goto; for example: %s",
	  "cette étape ne fait rien" NB ": donnez-lui send, notify, tag, untag, until, then ou goto" NN "; par exemple" NB
	  ": %s" },
	{ "one thing a step: send, notify, tag or untag; write the other as a step of its own",
	  "une chose par étape" NB ": send, notify, tag ou untag" NN "; l’autre sera une étape à part" },
	{ "when? a step needs \"at\"; for example: %s",
	  "quand" NN "? à une étape il faut " Q("at") NN "; par exemple" NB ": %s" },
	{ "a voucher goes with a message: this step sends none",
	  "un bon part avec un message" NB ": cette étape n’en envoie pas" },
	{ "\"then: end\" and \"goto\" contradict each other: keep one",
	  Q("then: end") " et " Q("goto") " se contredisent" NB ": gardez l’un des deux" },
	{ "\"steps\" is a list of at least one step; for example: %s",
	  Q("steps") " est une liste d’au moins une étape" NN "; par exemple" NB ": %s" },
	{ "at most %d steps in a plan", "au plus %d étapes dans un plan" },
	{ "this plan counts hours from what starts it: \"hour\" has no meaning; remove it, or give the trigger days",
	  "ce plan compte les heures depuis ce qui le lance" NB
	  ": " Q("hour") " n’a pas de sens" NN "; ôtez-le, ou donnez des jours au déclencheur" },
	{ "two steps are named \"%.*s\" (the other is on line %u): give this one its own \"name\"",
	  "deux étapes s’appellent " Q("%.*s") " (l’autre est à la ligne %u)" NB ": donnez à celle-ci son " Q("name") },
	{ "\"goto\": no step is named \"%.*s\"", Q("goto") NB ": aucune étape ne s’appelle " Q("%.*s") },
	{ "\"goto\" leads to a later step only: a message is sent once in a run",
	  Q("goto") " ne mène qu’à une étape plus loin" NB ": un message ne part qu’une fois" },
	/* the file */
	{ "this is not YAML (%s)%s", "ce n’est pas du YAML (%s)%s" },
	{ ": indent with spaces, not with tabs", NB ": décalez avec des espaces, pas des tabulations" },
	{ ": put a text that contains \": \" between quotes",
	  NB ": mettez entre guillemets droits un texte qui contient " Q(":") },
	{ ": put a text that begins with this sign between quotes",
	  NB ": mettez entre guillemets droits un texte qui commence par ce signe" },
	{ ": a comma or a closing bracket is missing, or the text before must stand between quotes",
	  NB ": il manque une virgule ou un crochet fermant, ou des guillemets droits autour du texte d’avant" },
	{ ": look at the indentation, and for a missing \":\", quote or bracket",
	  NB ": regardez le décalage, et s’il manque un " Q(":") ", un guillemet ou un crochet" },
	{ "anchors (&name) and aliases (*name) are refused in a plan: write the value out",
	  "les ancres (&nom) et les renvois (*nom) sont refusés dans un plan" NB ": écrivez la valeur" },
	{ "tags (!name) are refused in a plan: write the value alone",
	  "les étiquettes (!nom) sont refusées dans un plan" NB ": écrivez la valeur seule" },
	{ "too many values: at most %d in a plan", "trop de valeurs" NB ": au plus %d dans un plan" },
	{ "nested too deep: at most %d levels", "trop de niveaux" NB ": au plus %d" },
	{ "a second document (\"---\"): one plan a file", "un second document (" Q("---") ")" NB ": un plan par fichier" },
	{ "the file has %zu bytes: a plan has at most %d", "le fichier a %zu octets" NB ": un plan en a au plus %d" },
	{ "this byte is not UTF-8: save the file as UTF-8", "cet octet n’est pas de l’UTF-8" NB ": enregistrez en UTF-8" },
	{ "a NUL byte: this is not a text file", "un octet nul" NB ": ce n’est pas un fichier de texte" },
	{ "the file is empty: a plan begins with \"plan: its-name\"",
	  "le fichier est vide" NB ": un plan commence par " Q("plan: son-nom") },
	/* advice */
	{ "step \"%.*s\" is due before people enter (%lld hours after what starts the plan): it goes out at the entry; "
	  "write "
	  "at: +%lld hours",
	  "l’étape " Q("%.*s") " tombe avant l’entrée (%lld heures après ce qui lance le plan)" NB
	                       ": elle part à l’entrée" NN "; écrivez at: +%lld hours" },
	{ "step \"%.*s\" is due before the step above it: steps run in order, so it waits; sort the steps by their moment",
	  "l’étape " Q("%.*s") " tombe avant celle du dessus" NB ": elles se suivent dans l’ordre, elle attend donc" NN
	                       "; rangez-les par moment" },
	{ "step \"%.*s\" can never be reached: no message that can be opened goes out before it; move it down or drop the "
	  "condition",
	  "l’étape " Q("%.*s") " ne sera jamais atteinte" NB ": aucun message qui s’ouvre ne part avant elle" NN
	                       "; placez-la plus bas ou ôtez la condition" },
	{ "step \"%.*s\" can never be reached: an answer ends the plan before it; take \"answered\" out of goal and exit",
	  "l’étape " Q("%.*s") " ne sera jamais atteinte" NB ": une réponse finit le plan avant elle" NN
	                       "; ôtez " Q("answered") " de goal et de exit" },
	{ "step \"%.*s\" can never be reached: nothing is asked before it",
	  "l’étape " Q("%.*s") " ne sera jamais atteinte" NB ": rien n’est demandé avant elle" },
	{ "step \"%.*s\" can never be reached in time: it waits %lld days for its date and may be at most %lld late; raise "
	  "\"at\" or \"late\"",
	  "l’étape " Q("%.*s") " ne sera jamais atteinte à temps" NB
	                       ": elle attend %lld jours sa date et peut en avoir %lld de retard au plus" NN
	                       "; augmentez " Q("at") " ou " Q("late") },
	{ "step \"%.*s\" is dead: a step above it ends the run or jumps over it for everybody; give that one an \"if\", or "
	  "remove this one",
	  "l’étape " Q("%.*s") " est morte" NB ": une étape au-dessus finit le parcours ou la saute pour tous" NN
	                       "; donnez à celle-là un " Q("if") ", ou ôtez celle-ci" },
	{ "step \"%.*s\" can never be reached: %d messages have gone out before it and max_messages is %d",
	  "l’étape " Q("%.*s") " ne sera jamais atteinte" NB ": %d messages partent avant elle et max_messages vaut %d" },
	{ "step \"%.*s\" is e-mail number %d within seven days; the default pressure lets %d through, so it would be "
	  "dropped: "
	  "space the steps out, or let it wait with late: %lld days",
	  "l’étape " Q("%.*s") " est le %dᵉ e-mail en sept jours" NN
	                       "; la pression par défaut en laisse passer %d, il serait donc abandonné" NB
	                       ": espacez les étapes, ou laissez-le attendre avec late: %lld days" },
	{ "a discount for an abandoned cart teaches customers to abandon their cart: reassure instead (payment, refund, "
	  "delivery), and remove the voucher",
	  "une remise sur un panier abandonné apprend à abandonner son panier" NB
	  ": rassurez plutôt (paiement, remboursement, livraison), et ôtez le bon" },
	{ "the voucher counts from a basket of %lld.%02lld, above the shop's average of %lld.%02lld: few will reach it; "
	  "lower "
	  "the minimum",
	  "le bon vaut à partir d’un panier de %lld,%02lld, au-dessus du panier moyen de %lld,%02lld" NB
	  ": peu l’atteindront" NN "; baissez le minimum" },
	{ "the voucher is worth as much as the basket it asks for: raise the minimum or lower the amount",
	  "le bon vaut autant que le panier qu’il demande" NB ": relevez le minimum ou baissez le montant" },
	{ "the voucher is valid for %d days and the next reminder, \"%.*s\", comes after %lld: it would recall a code that "
	  "has "
	  "ended; make it valid longer or remind earlier",
	  "le bon vaut %d jours et le rappel suivant, " Q("%.*s") ", vient après %lld" NB
	                                                          ": il rappellerait un code expiré" NN
	                                                          "; allongez le bon ou rappelez plus tôt" },
	{ "no message \"%.*s\": write it, or name another",
	  "aucun message " Q("%.*s") NB ": écrivez-le, ou nommez-en un autre" },
	{ "message \"%.*s\" is not written in %s: its readers get the other language",
	  "le message " Q("%.*s") " n’est pas écrit en %s" NB ": ses lecteurs reçoivent l’autre langue" },
	{ "without a control group nobody can say what this plan brings: write control: 10%%",
	  "sans groupe témoin, personne ne peut dire ce que ce plan rapporte" NB ": écrivez control: 10%%" },
	{ "more than half of those who enter hear nothing (control group): write control: 10%%",
	  "plus de la moitié de ceux qui entrent ne reçoivent rien (groupe témoin)" NB ": écrivez control: 10%%" },
	{ "nothing ends this plan early: whoever buys after the first message still gets the others; add exit: order",
	  "rien ne finit ce plan plus tôt" NB ": qui achète après le premier message reçoit encore les autres" NN
	  "; ajoutez exit: order" },
	{ "a cart that is paid does not end this plan: add exit: [cart_paid, cart_emptied, cart_changed]",
	  "un panier payé ne finit pas ce plan" NB ": ajoutez exit: [cart_paid, cart_emptied, cart_changed]" },
	{ "when this plan is switched on everybody who already sleeps enters on the same day: add smooth: 500 per day",
	  "à la mise en marche, tous ceux qui dorment déjà entrent le même jour" NB ": ajoutez smooth: 500 per day" },
	{ "people may enter again after %lld days, before the plan's last step (%lld days): make \"again\" longer",
	  "on peut entrer de nouveau après %lld jours, avant la dernière étape (%lld jours)" NB ": allongez " Q("again") },
	{ "the budget holds nothing back: what this plan sends has no price; leave it out",
	  "le budget ne retient rien" NB ": ce que ce plan envoie n’a pas de prix" NN "; ôtez-le" },
	{ "the budget does not pay for one message: nothing would leave; raise it or choose a cheaper channel",
	  "le budget ne paie pas un seul message" NB ": rien ne partirait" NN
	  "; augmentez-le ou choisissez un canal moins cher" },
	{ "the budget pays for about %lld people a month and smooth lets in %lld: the others would enter and hear nothing; "
	  "write smooth: %lld per day, or raise the budget",
	  "le budget paie pour environ %lld personnes par mois et smooth en laisse entrer %lld" NB
	  ": les autres entreraient sans rien recevoir" NN "; écrivez smooth: %lld per day, ou augmentez le budget" },
	{ "a plan named \"%.*s\" is also in %.*s: rename one",
	  "un plan " Q("%.*s") " est aussi dans %.*s" NB ": renommez l’un des deux" },
	{ "the same people enter \"%.*s\" (%.*s) at the same moment: join the two plans, or tell their audiences apart "
	  "with "
	  "\"who\"",
	  "les mêmes personnes entrent dans " Q(
		  "%.*s") " (%.*s) au même moment" NB ": réunissez les deux plans, ou séparez leurs publics avec " Q("who") },
	{ "French", "français" },
	{ "English", "anglais" },
};

void plan_french(char *out, size_t size, const char *fmt, va_list *args)
{
	said_format(SAID, ARRAY_LEN(SAID), out, size, fmt, args);
}
