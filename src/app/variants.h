/* variants: the variants of a step beside each other, from the messages that left.
 *
 * Counted: everybody's first message of the step that was accepted in [from, to) and whose window of `window_days` is
 * over, in the variant drawn for them. Steps and variants are the same across versions of a plan when they bear the
 * same name; a message of a variant the newest version has no more is left out. Each is compared with the first.
 *
 * Outcomes: opened and clicked, where that may be known; conversion, orders, revenue and margin as in app/uplift.h,
 * with the same covariate (CUPED). With m comparisons each interval has level 1 − α/m (Bonferroni), and the p of each
 * outcome are adjusted over the variants by Holm (1979). Split: the weights of the version each was sent by. */
#ifndef RELANCE_APP_VARIANTS_H
#define RELANCE_APP_VARIANTS_H

#include "app/uplift.h"

enum variant_outcome { VARIANT_OPENED = UPLIFT_OUTCOMES, VARIANT_CLICKED, VARIANT_OUTCOMES };
const char *variant_outcome_key(int o);
const char *variant_outcome_name(int o, bool french);

struct variants {
	struct str step;
	int count;
	struct str name[VARIANTS_MAX];
	struct uplift_arm arm[VARIANTS_MAX]; /* messages: all of them; cost: of one each */
	int64_t knowable[VARIANTS_MAX], opened[VARIANTS_MAX], clicked[VARIANTS_MAX];
	int64_t too_recent;
	int window_days;
	double days; /* first message to now */
	bool margin_known;
	struct srm srm;
	struct comparison outcome[VARIANT_OUTCOMES][VARIANTS_MAX]; /* of [0]: nothing */
	double p_holm[VARIANT_OUTCOMES][VARIANTS_MAX];             /* of those known; else 1 */
};

/* The step of this index of the newest version of ask->plan. False: it has no variants. */
bool variants_make(const struct figures_shop *s, const struct uplift_ask *ask, int step, struct variants *out);

/* The verdict on one variant beside the first, in words. */
void variants_finding(const struct variants *v, int variant, int outcome, const struct settings *settings, bool french,
                      struct finding *out);

#endif
