/* What there is, who may, and who answers. */
#include "web/web_int.h"

#define API "/api/v1"

const struct route ROUTES[] = {
	{ "GET", "/healthz", 0, on_healthz, 0 },
	{ "GET", "/metrics", 0, on_metrics, 0 },
	{ "GET", API "/openapi.json", 0, on_openapi, 0 },

	{ "GET", API "/session", 0, on_session_get, 0 },
	{ "POST", API "/session", 0, on_session_post, NO_CSRF },
	{ "DELETE", API "/session", MAY_SIGNED_IN, on_session_delete, ON_TICKER },
	{ "POST", API "/setup", 0, on_setup, NO_CSRF },
	{ "GET", API "/users", MAY_ADMIN, on_users_get, 0 },
	{ "POST", API "/users", MAY_ADMIN, on_users_post, 0 },
	{ "DELETE", API "/users/{}", MAY_ADMIN, on_users_delete, ON_TICKER },
	{ "GET", API "/keys", MAY_ADMIN, on_keys_get, 0 },
	{ "POST", API "/keys", MAY_ADMIN, on_keys_post, ON_TICKER },
	{ "DELETE", API "/keys/{}", MAY_ADMIN, on_keys_delete, ON_TICKER },

	{ "GET", API "/today", MAY_READ, on_today, ON_TICKER },
	{ "POST", API "/stop", MAY_PLANS, on_stop, ON_TICKER },
	{ "POST", API "/resume", MAY_PLANS, on_resume, ON_TICKER },
	{ "GET", API "/events", MAY_READ, on_events, 0 },

	{ "GET", API "/customers", MAY_PEOPLE, on_customers, 0 },
	{ "GET", API "/customers/{}", MAY_PEOPLE, on_customer, 0 },
	{ "GET", API "/customers/{}/timeline", MAY_PEOPLE, on_timeline, 0 },
	{ "GET", API "/customers/{}/why", MAY_PEOPLE, on_why, 0 },
	{ "GET", API "/customers/{}/recommendations", MAY_PEOPLE, on_recommendations, ON_TICKER },

	{ "POST", API "/segments/count", MAY_READ, on_segment_count, 0 },
	{ "GET", API "/segments/words", MAY_READ, on_segment_words, 0 },
	{ "GET", API "/segments", MAY_READ, on_segments, 0 },
	{ "PUT", API "/segments/{}", MAY_PLANS, on_segment_put, ON_TICKER },

	{ "GET", API "/plans", MAY_READ, on_plans, ON_TICKER },
	{ "POST", API "/plans/check", MAY_READ, on_plan_check, 0 },
	{ "POST", API "/plans/form", MAY_READ, on_plan_form, 0 },
	{ "GET", API "/plans/{}", MAY_READ, on_plan, ON_TICKER },
	{ "GET", API "/plans/{}/moves", MAY_READ, on_plan_moves, 0 },
	{ "POST", API "/plans/{}/moves", MAY_PLANS, on_plan_move, ON_TICKER },
	{ "PUT", API "/plans/{}", MAY_PLANS, on_plan_put, ON_TICKER },
	{ "POST", API "/plans/{}/switch", MAY_PLANS, on_plan_switch, ON_TICKER },
	{ "POST", API "/plans/{}/replay", MAY_READ, on_plan_replay, 0 },
	{ "GET", API "/jobs/{}", MAY_READ, on_job, 0 },

	{ "GET", API "/messages", MAY_READ, on_messages, 0 },
	{ "POST", API "/messages/preview", MAY_READ, on_message_preview, 0 },
	{ "POST", API "/messages/check", MAY_READ, on_message_check, 0 },
	{ "POST", API "/messages/test", MAY_PLANS, on_message_test, 0 },
	{ "GET", API "/messages/{}/{}", MAY_READ, on_message, 0 },
	{ "PUT", API "/messages/{}/{}", MAY_PLANS, on_message_put, ON_TICKER },
	{ "DELETE", API "/messages/{}/{}", MAY_PLANS, on_message_delete, ON_TICKER },
	{ "GET", API "/messages/{}/{}/versions/{}", MAY_READ, on_message_version, 0 },

	{ "GET", API "/figures", MAY_READ, on_figures, ON_TICKER },
	{ "GET", API "/case", MAY_READ, on_case, ON_TICKER },
	{ "GET", API "/lifecycle", MAY_READ, on_lifecycle, 0 },
	{ "GET", API "/compliance", MAY_PEOPLE, on_compliance, 0 },
	{ "GET", API "/settings", MAY_READ, on_settings, 0 },
	{ "PUT", API "/settings", MAY_ADMIN, on_settings_put, ON_TICKER },
	{ "POST", API "/facts", MAY_FACTS, on_facts, BIG_BODY },

	{ "GET", "/m/{}", 0, page_web, PAGE },
	{ "GET", "/u/{}", 0, page_unsubscribe, PAGE },
	{ "POST", "/u/{}", 0, page_unsubscribe_post, PAGE | ON_TICKER },
	{ "POST", "/r/{}", 0, page_reason_post, PAGE | ON_TICKER },
	{ "GET", "/p/{}", 0, page_preferences, PAGE },
	{ "POST", "/p/{}", 0, page_preferences_post, PAGE | ON_TICKER },
	{ "GET", "/s/{}", 0, page_survey, PAGE },
	{ "POST", "/s/{}", 0, page_survey_post, PAGE | ON_TICKER },
	{ "GET", "/c/{}", 0, page_click, PAGE },
	{ "GET", "/o/{}", 0, page_pixel, PAGE },
	{ "GET", "/join", 0, page_join, PAGE },
	{ "POST", "/join", 0, page_join_post, PAGE | ON_TICKER },
	{ "GET", "/d/{}", 0, page_confirm, PAGE },
	{ "POST", "/d/{}", 0, page_confirm_post, PAGE | ON_TICKER },
};
const size_t ROUTE_COUNT = ARRAY_LEN(ROUTES);
