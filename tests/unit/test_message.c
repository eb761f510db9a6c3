#include "unit.h"

#include "base/arena.h"
#include "base/embed.h"
#include "outbox/message.h"

#include <jansson.h>
#include <stdio.h>

EMBEDDED(messages)

static struct message_set *shipped(void)
{
	struct message_set *set = message_set_new();
	struct err err = { 0 };
	for (size_t i = 0; i < messages_file_count; i++)
		message_set_add(set, str_from(messages_files[i].name),
		                (struct str){ (const char *)messages_files[i].data, messages_files[i].size });
	ck_assert_msg(message_set_compile(set, &err), "%s", err.text);
	return set;
}

static const struct lobject *sample(struct arena *a, const char *name)
{
	const struct embedded_file *f = embedded_find(messages_files, messages_file_count, name);
	struct lval v;
	struct err err = { 0 };
	ck_assert(f);
	json_t *json = json_loadb((const char *)f->data, f->size, 0, NULL);
	ck_assert(json && lval_from_json(a, json, &v, &err));
	json_decref(json);
	return v.object;
}

static const struct liquid_options OPTIONS = { .currency = { "EUR", 2 } };

START_TEST(every_message_ships_in_both_languages_and_passes_its_check)
{
	struct message_set *set = shipped();
	struct message_findings found;
	struct arena a;
	arena_init(&a);
	message_findings_init(&found);
	const struct lobject *samples[] = { NULL, sample(&a, "sample.en.json"), sample(&a, "sample.fr.json") };
	ck_assert_int_ge(message_count(set), 52);
	for (size_t i = 0; i < message_count(set); i++) {
		const struct message *m = message_at(set, i);
		enum liquid_locale other = m->locale == LIQUID_FR ? LIQUID_EN : LIQUID_FR;
		ck_assert_msg(message_find(set, other, str_from(m->name)), "%s has no translation", m->file);
		message_check(set, m, samples[m->locale], &OPTIONS, &found);
	}
	for (size_t i = 0; i < found.count; i++)
		fprintf(stderr, "%s:%d: %.*s\n", found.list[i].file, found.list[i].line, STR_ARG(found.list[i].text));
	ck_assert_int_eq(found.count, 0);
	message_findings_release(&found);
	message_set_free(set);
	arena_release(&a);
}
END_TEST

/* A shop that knows next to nothing of a customer still sends a whole message. */
START_TEST(messages_hold_with_little_data)
{
	struct message_set *set = shipped();
	struct message_text text;
	struct arena a;
	struct err err = { 0 };
	struct liquid *r = liquid_new();
	arena_init(&a);
	message_text_init(&text);
	struct lobject *context = lobject_new(&a, 4), *shop = lobject_new(&a, 4), *links = lobject_new(&a, 4);
	lobject_set(&a, shop, "name", lval_cstr("Chez Paul & fils"));
	lobject_set(&a, shop, "url", lval_cstr("https://paul.example/"));
	lobject_set(&a, links, "unsubscribe", lval_cstr("https://paul.example/stop"));
	lobject_set(&a, context, "shop", lval_object(shop));
	lobject_set(&a, context, "links", lval_object(links));
	for (size_t i = 0; i < message_count(set); i++) {
		const struct message *m = message_at(set, i);
		ck_assert_msg(message_render(set, m, 0, r, context, &OPTIONS, &text, &err), "%s: %s", m->file, err.text);
		ck_assert_msg(text.subject.n > 5, "%s", m->file);
		ck_assert_msg(strstr(text.html.p, "Chez Paul &amp; fils"), "%s", m->file);
		ck_assert_msg(strstr(text.text.p, "Chez Paul & fils"), "%s", m->file);
		if (m->purpose == MESSAGE_MARKETING)
			ck_assert_msg(strstr(text.text.p, "https://paul.example/stop"), "%s", m->file);
	}
	message_text_release(&text);
	liquid_free(r);
	message_set_free(set);
	arena_release(&a);
}
END_TEST

START_TEST(the_cart_mails_promise_no_discount)
{
	static const char *const NAMES[] = { "cart-1", "cart-2", "cart-3" };
	struct message_set *set = shipped();
	struct message_text text;
	struct arena a;
	struct err err = { 0 };
	struct liquid *r = liquid_new();
	arena_init(&a);
	message_text_init(&text);
	const struct lobject *data = sample(&a, "sample.fr.json");
	for (size_t i = 0; i < ARRAY_LEN(NAMES); i++) {
		const struct message *m = message_find(set, LIQUID_FR, str_from(NAMES[i]));
		ck_assert(m && message_render(set, m, 0, r, data, &OPTIONS, &text, &err));
		ck_assert_msg(!strstr(text.html.p, "LEA-7Q4M") && !strstr(text.text.p, "LEA-7Q4M"), "%s", NAMES[i]);
		ck_assert_msg(strstr(text.text.p, "168,90"), "%s recalls the total", NAMES[i]);
	}
	message_text_release(&text);
	liquid_free(r);
	message_set_free(set);
	arena_release(&a);
}
END_TEST

static void add_layout(struct message_set *set)
{
	message_set_add(set, STR("parts/layout.liquid"),
	                STR("<p>[[reason]]</p>[[content]]<a href=\"{{ links.unsubscribe }}\">x</a>"));
	message_set_add(set, STR("parts/text.liquid"), STR("{{ links.unsubscribe }}"));
}

/* What a plan promises of its messages, in both languages: links, codes and days of the sample are in the text part. */
static const struct {
	const char *message, *holds[6];
} PROMISED[] = {
	{ "welcome-vip", { "privil" } },
	{ "welcome-profile", { "/profile/" } },
	{ "welcome-incentive-prospect", { "LEA-7Q4M" } },
	{ "winback-1",
	  { "/leave-reason-disappointed/", "/leave-reason-late/", "/leave-reason-expensive/", "/leave-reason-changed/",
	    "LEA-7Q4M", "Opale" } },           /* why they left, the voucher, the last order */
	{ "winback-2", { "LEA-7Q4M", "25" } }, /* the same voucher, its last day */
	{ "winback-3", { "LEA-7Q4M" } },
	{ "birthday-1", { "LEA-7Q4M" } },
	{ "birthday-2", { "LEA-7Q4M", "25" } },
	{ "birthday-3", { "LEA-7Q4M", "25" } },
	{ "birthday-ask", { "/profile/" } },
	{ "up-2", { "privil" } },
	{ "survey-1", { "/survey-very/", "/survey-satisfied/", "/survey-unsatisfied/" } },
	{ "survey-thanks", { "instagram" } },
	{ "survey-sorry", { "/request/" } },
	{ "survey-review", { "g.page" } },
};

START_TEST(messages_hold_what_their_plan_promises)
{
	struct message_set *set = shipped();
	struct message_text text;
	struct arena a;
	struct err err = { 0 };
	struct liquid *r = liquid_new();
	arena_init(&a);
	message_text_init(&text);
	const struct lobject *data[] = { NULL, sample(&a, "sample.en.json"), sample(&a, "sample.fr.json") };
	for (int l = LIQUID_EN; l <= LIQUID_FR; l++)
		for (size_t i = 0; i < ARRAY_LEN(PROMISED); i++) {
			const struct message *m = message_find(set, (enum liquid_locale)l, str_from(PROMISED[i].message));
			ck_assert_msg(m && message_render(set, m, 0, r, data[l], &OPTIONS, &text, &err), "%s", PROMISED[i].message);
			for (size_t k = 0; k < ARRAY_LEN(PROMISED[i].holds) && PROMISED[i].holds[k]; k++)
				ck_assert_msg(strcasestr(text.text.p, PROMISED[i].holds[k]), "%s: %s is not in\n%s", m->file,
				              PROMISED[i].holds[k], text.text.p);
		}
	message_text_release(&text);
	liquid_free(r);
	message_set_free(set);
	arena_release(&a);
}
END_TEST

START_TEST(the_check_finds_what_a_careful_person_would)
{
	struct message_set *set = message_set_new();
	struct message_findings found;
	struct arena a;
	struct err err = { 0 };
	arena_init(&a);
	message_findings_init(&found);
	message_set_add(set, STR("parts/layout.liquid"), STR("[[content]]"));
	message_set_add(set, STR("parts/text.liquid"), STR(""));
	message_set_add(
		set, STR("fr/x.md"),
		STR("---\nsubject: \"GAGNEZ 100 % GRATUIT !!\"\nsms: \"Promo\"\n---\n# Salut\n\n{{ customer.fist_name }} "
	        "[ici](#) <img src=\"https://a.example/i.png\">\n"));
	ck_assert_msg(message_set_compile(set, &err), "%s", err.text);
	const struct lobject *data = sample(&a, "sample.fr.json");
	struct liquid_options options = OPTIONS;
	message_check(set, message_at(set, 0), data, &options, &found);
	struct buf all;
	buf_init(&all, 1 << 16);
	for (size_t i = 0; i < found.count; i++)
		buf_printf(&all, "%d:%d %.*s\n", found.list[i].line, found.list[i].column, STR_ARG(found.list[i].text));
	ck_assert_ptr_nonnull(
		strstr(all.p, "7:4 no variable \"customer.fist_name\"; did you mean \"customer.first_name\"?"));
	message_findings_release(&found);
	message_findings_init(&found);
	/* without the unknown variable the mail renders, and the rest is seen */
	message_set_add(set, STR("fr/x.md"),
	                STR("---\nsubject: \"GAGNEZ 100 % GRATUIT !!\"\nsms: \"Promo\"\n---\n# Salut\n\n[ici](#) <img "
	                    "src=\"https://a.example/i.png\">\n"));
	ck_assert(message_set_compile(set, &err));
	message_check(set, message_at(set, 0), data, &options, &found);
	buf_clear(&all);
	for (size_t i = 0; i < found.count; i++)
		buf_printf(&all, "%.*s\n", STR_ARG(found.list[i].text));
	static const char *const EXPECTED[] = {
		"a link leads nowhere: \"#\"", "no alt text", "smells of spam: \"gratuit\"", "shouts", "no way to stop",
		"does not say how to stop",    "no preheader"
	};
	for (size_t i = 0; i < ARRAY_LEN(EXPECTED); i++)
		ck_assert_msg(strstr(all.p, EXPECTED[i]), "%s is not in:\n%s", EXPECTED[i], all.p);
	/* what weighs too much, pretends to be an answer, or is too long; and words that only look like spam */
	struct buf heavy;
	buf_init(&heavy, 1 << 20);
	buf_cstr(&heavy,
	         "---\nsubject: \"Re: votre commande, et tout ce que nous voulions vous dire depuis si longtemps sans "
	         "oser vous \u00e9crire\"\npreheader: x\n---\n");
	for (int i = 0; i < 3000; i++)
		buf_printf(&heavy, "Une ligne de plus, la %d.\n\n", i);
	message_set_add(set, STR("fr/x.md"), buf_view(&heavy));
	message_set_add(set, STR("fr/y.md"),
	                STR("---\nsubject: \"Argentine: freedom, a letter from the future: ours\"\n---\nx\n"));
	ck_assert(message_set_compile(set, &err));
	message_findings_release(&found);
	message_findings_init(&found);
	message_check(set, message_find(set, LIQUID_FR, STR("x")), data, &options, &found);
	buf_clear(&all);
	for (size_t i = 0; i < found.count; i++)
		buf_printf(&all, "%.*s\n", STR_ARG(found.list[i].text));
	static const char *const HEAVY[] = { "Gmail cuts what is past 102 kB", "pretends to be an answer",
		                                 "cut on a phone" };
	for (size_t i = 0; i < ARRAY_LEN(HEAVY); i++)
		ck_assert_msg(strstr(all.p, HEAVY[i]), "%s is not in:\n%s", HEAVY[i], all.p);
	message_findings_release(&found);
	message_findings_init(&found);
	message_check(set, message_find(set, LIQUID_FR, STR("y")), data, &options, &found);
	for (size_t i = 0; i < found.count; i++)
		ck_assert_msg(!memmem(found.list[i].text.p, found.list[i].text.n, "spam", 4) &&
		                  !memmem(found.list[i].text.p, found.list[i].text.n, "answer", 6),
		              "%.*s", STR_ARG(found.list[i].text));
	buf_release(&heavy);
	buf_release(&all);
	message_findings_release(&found);
	message_set_free(set);
	arena_release(&a);
}
END_TEST

START_TEST(a_bad_file_says_where)
{
	static const char *const BAD[][2] = {
		{ "# Salut\n", "fr/x.md:1:1: a message begins with a line \"---\", then its subject" },
		{ "---\nsubject: a\n", "fr/x.md:1:1: the front matter is never closed by a line \"---\"" },
		{ "---\nsubject: a\nsubjet: b\n---\n", "fr/x.md:3:1: no field \"subjet\"; did you mean \"subject\"?" },
		{ "---\npreheader: b\n---\nx", "fr/x.md:1:1: the message has no subject" },
		{ "---\nsubject: a\n---\nx\n\n{% if y %}", "fr/x.md:6:1: \"if\" is never closed: {% endif %} is missing" },
		{ "---\nsubject: \"{{ a\"\n---\nx", "fr/x.md: subject:1:1: \"{{\" is never closed: \"}}\" is missing" },
		{ "---\nsubject: a\npurpose: spam\n---\nx", "fr/x.md:1:1: purpose: \"spam\" is unknown" },
		{ "---\nvariants: [{name: a, subject: b, weight: 0}]\n---\nx",
		  "fr/x.md:2:42: a weight is a number from 1 to 1000" },
	};
	for (size_t i = 0; i < ARRAY_LEN(BAD); i++) {
		struct message_set *set = message_set_new();
		struct err err = { 0 };
		add_layout(set);
		message_set_add(set, STR("fr/x.md"), str_from(BAD[i][0]));
		ck_assert(!message_set_compile(set, &err));
		ck_assert_str_eq(err.text, BAD[i][1]);
		message_set_free(set);
	}
}
END_TEST

START_TEST(variants_follow_their_weights)
{
	struct message_set *set = message_set_new();
	struct err err = { 0 };
	add_layout(set);
	message_set_add(set, STR("fr/x.md"),
	                STR("---\nvariants:\n  - {name: a, subject: A, weight: 3}\n  - {name: b, subject: B}\n---\nx"));
	ck_assert_msg(message_set_compile(set, &err), "%s", err.text);
	const struct message *m = message_at(set, 0);
	size_t counts[2] = { 0 };
	for (uint64_t customer = 0; customer < 40000; customer++) {
		uint64_t draw = draw_u64(1, DRAW_VARIANT, 7, customer, 1, 1);
		size_t v = message_variant_of(m, draw);
		ck_assert_int_eq(v, message_variant_of(m, draw));
		counts[v]++;
	}
	ck_assert_int_gt(counts[0], 29500);
	ck_assert_int_lt(counts[0], 30500);
	ck_assert_int_eq(message_variant_of(m, 0), 0);
	ck_assert_int_eq(message_variant_of(m, UINT64_MAX), 1);
	message_set_free(set);
}
END_TEST

static void markdown_gives(const char *markdown, const char *expected)
{
	struct buf b;
	struct err err = { 0 };
	buf_init(&b, 1 << 20);
	ck_assert(markdown_to_html(str_from(markdown), &b, &err));
	ck_assert_str_eq(b.p ? b.p : "", expected);
	buf_release(&b);
}

START_TEST(markdown_leaves_liquid_alone)
{
	markdown_gives("{% if a == \"b\" %}\n\n{% include 'x' %}\n\n{% endif %}\n",
	               "{% if a == \"b\" %}\n{% include 'x' %}\n{% endif %}\n");
	markdown_gives(
		"[go]({{ shop.url }}?a=1&b={{ x }})",
		"<p style=\"margin:0 0 16px;font-size:16px;line-height:25px\"><a href=\"{{ shop.url }}?a=1&amp;b={{ x }}\" "
		"class=\"link\" style=\"color:#8a4b2a;text-decoration:underline\">go</a></p>\n");
}
END_TEST

START_TEST(html_becomes_text)
{
	static const char *const CASES[][2] = {
		{ "<h1>A &amp; B</h1>\n<p>one\n two <b>three</b></p><p>four<br>five</p>",
		  "A & B\n\none two three\n\nfour\nfive\n" },
		{ "<ul><li>a</li>\n<li>b</li></ul>", "- a\n- b\n" },
		{ "<p><a href=\"https://x.example/?a=1&amp;b=2\">go</a> now</p>", "go (https://x.example/?a=1&b=2) now\n" },
		{ "<a href=\"mailto:a@b.example\">a@b.example</a>", "a@b.example\n" },
		{ "<a href=\"u://1\"><img src=\"i\" alt=\"x\"></a><a href=\"u://1\">name</a> <a href=\"u://1\">more</a>",
		  "name (u://1) more\n" },
		{ "<style>p{}</style><!-- no --><table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc\n" },
		{ "", "" },
		{ "<p", "" },
	};
	for (size_t i = 0; i < ARRAY_LEN(CASES); i++) {
		struct buf b;
		buf_init(&b, 1 << 16);
		html_to_text(str_from(CASES[i][0]), &b);
		ck_assert_str_eq(b.p ? b.p : "", CASES[i][1]);
		buf_release(&b);
	}
}
END_TEST

UNIT_MAIN("message", every_message_ships_in_both_languages_and_passes_its_check, messages_hold_with_little_data,
          the_cart_mails_promise_no_discount, messages_hold_what_their_plan_promises,
          the_check_finds_what_a_careful_person_would, a_bad_file_says_where, variants_follow_their_weights,
          markdown_leaves_liquid_alone, html_becomes_text)
