/* Method: every draw is a hash of (seed, purpose, customer, plan and step): no stream, so the answer does not depend on
 * what was asked before. Persuadable customers carry most of the effect; the mean over customers is the table's. */
#include "app/simulate_int.h"

#include <math.h>

const struct simulate_effect SIMULATE_EFFECTS[] = {
	{ "welcome", 0.50, 0.20, 0.080, 0.003 },    { "anti-churn", 0.45, 0.12, 0.045, 0.006 },
	{ "birthday", 0.55, 0.18, 0.060, 0.002 },   { "abandoned-cart", 0.45, 0.30, 0.120, 0.002 },
	{ "cross-sell", 0.35, 0.10, 0.025, 0.004 }, { "renewal", 0.40, 0.12, 0.030, 0.003 },
	{ "survey", 0.40, 0.35, 0.000, 0.001 },     { "", 0.30, 0.08, 0.010, 0.004 },
};
const size_t SIMULATE_EFFECT_COUNT = ARRAY_LEN(SIMULATE_EFFECTS);

double sim_draw(uint64_t seed, uint64_t purpose, uint64_t a, uint64_t b)
{
	uint64_t h =
		hash_mix(hash_mix(seed ^ UINT64_C(0x5eed51a7), purpose), hash_mix(a + UINT64_C(0x9e3779b97f4a7c15), b));
	return (double)(h >> 11) * 0x1p-53;
}

static bool again(uint64_t seed, customer_id id)
{
	return id > 1 && sim_draw(seed, SIM_TWICE, id, 0) < param(P_same_person_share);
}

customer_id sim_who(uint64_t seed, customer_id id)
{
	return again(seed, id) && !again(seed, id - 1) ? id - 1 : id;
}

bool sim_hard_bounce(uint64_t seed, customer_id id)
{
	return sim_draw(seed, SIM_BOUNCE, sim_who(seed, id), 0) < param(P_hard_bounce_share);
}

bool sim_soft_bounce(uint64_t seed, customer_id id)
{
	double u = sim_draw(seed, SIM_BOUNCE, sim_who(seed, id), 0) - param(P_hard_bounce_share);
	return u >= 0 && u < param(P_soft_bounce_share);
}

bool sim_persuadable(uint64_t seed, customer_id id)
{
	return sim_draw(seed, SIM_PERSUADABLE, sim_who(seed, id), 0) < param(P_persuadable_share);
}

static const struct simulate_effect *effect_of(struct str plan)
{
	for (size_t i = 0; i + 1 < SIMULATE_EFFECT_COUNT; i++)
		if (str_is(plan, SIMULATE_EFFECTS[i].plan))
			return &SIMULATE_EFFECTS[i];
	return &SIMULATE_EFFECTS[SIMULATE_EFFECT_COUNT - 1];
}

static double decay(struct str step)
{
	char c = step.n ? step.p[step.n - 1] : '1';
	return c >= '2' && c <= '9' ? pow(param(P_step_decay), c - '1') : 1.0;
}

/* Mean 1: persuadables 3, the others what is left. */
static double moved(uint64_t seed, customer_id id)
{
	double share = param(P_persuadable_share);
	return sim_persuadable(seed, id) ? 3.0 : (1.0 - 3.0 * share) / (1.0 - share);
}

double simulate_uplift(uint64_t seed, customer_id customer, struct str plan, struct str step)
{
	if (sim_hard_bounce(seed, customer))
		return 0.0;
	return effect_of(plan)->order * decay(step) * moved(seed, customer);
}

static struct instant later(struct instant at, double u, double mean_s)
{
	return (struct instant){ at.s + 30 + (int64_t)(-log1p(-u) * mean_s) };
}

void simulate_response(uint64_t seed, customer_id customer, struct str plan, struct str step, struct instant at,
                       struct simulate_reaction *out)
{
	const struct simulate_effect *e = effect_of(plan);
	uint64_t what = hash_mix(hash_str(plan), hash_mix(hash_str(step), (uint64_t)(at.s / DAY_S)));
	double u[8];
	for (uint64_t i = 0; i < ARRAY_LEN(u); i++)
		u[i] = sim_draw(hash_mix(seed, i), SIM_RESPONSE, customer, what);
	*out = (struct simulate_reaction){ .opened_at = INSTANT_NEVER,
		                               .clicked_at = INSTANT_NEVER,
		                               .ordered_at = INSTANT_NEVER,
		                               .unsubscribed_at = INSTANT_NEVER };
	out->hard_bounce = sim_hard_bounce(seed, customer);
	out->soft_bounce = sim_soft_bounce(seed, customer) && u[7] < 0.5;
	if (out->hard_bounce || out->soft_bounce)
		return;
	double spread = param(P_open_spread) * (2.0 * sim_draw(seed, SIM_RESPONSE, customer, 0) - 1.0);
	out->opened = u[0] < e->open * (1.0 + spread) * decay(step);
	if (out->opened)
		out->opened_at = later(at, u[1], 6 * HOUR_S);
	out->clicked = out->opened && u[2] < e->click_of_open;
	if (out->clicked)
		out->clicked_at = later(out->opened_at, u[3], 120);
	out->ordered = u[4] < simulate_uplift(seed, customer, plan, step);
	if (out->ordered) {
		out->ordered_at = later(out->clicked ? out->clicked_at : out->opened ? out->opened_at : at, u[5], 2 * DAY_S);
		out->spend_cents = 990 + 10 * (int64_t)(-log1p(-u[6]) * 450.0);
	}
	out->unsubscribed = out->opened && u[7] < e->unsubscribe / e->open;
	if (out->unsubscribed)
		out->unsubscribed_at = later(out->opened_at, u[3], 60);
	out->complained = out->unsubscribed && u[6] < 0.05;
}
