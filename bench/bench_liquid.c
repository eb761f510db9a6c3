/* bench_liquid: the win-back mail with three products, rendered by us and by ruby-liquid with liquid-c.
 *
 * Both compile the same template once (layout, parts and body in one source, so that neither pays for partials) and
 * render it for the same data, in the same run; both figures are per second of processor time. The Ruby side has money,
 * t, greeting and the named dates as plain Ruby filters; its output is compared with ours before anything is timed.
 * Needs ruby-liquid and ruby-liquid-c; without them our figure alone is printed. --json for one JSON object a line. */
#include "base/arena.h"
#include "outbox/liquid.h"
#include "outbox/message.h"
#include "base/embed.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

EMBEDDED(messages)

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const struct embedded_file *file(const char *name)
{
	const struct embedded_file *f = embedded_find(messages_files, messages_file_count, name);
	check(f);
	return f;
}

static const char *const RUBY =
	"require 'liquid'; require 'liquid/c'; require 'json'\n"
	"module Shop\n"
	"  FR = %w[x janvier février mars avril mai juin juillet août septembre octobre novembre décembre]\n"
	"  WORDS = {'discover'=>'Découvrir','your_code'=>'Votre code','use_code'=>'Utiliser mon code'}\n"
	"  def money(c) = format('%d,%02d', c / 100, c % 100).sub(/(\\d)(?=(\\d{3})+,)/, \"\\\\1\\u202f\") + \"\\u00a0€\"\n"
	"  def t(k) = WORDS[k]\n"
	"  def greeting(c) = \"Bonjour #{c['first_name']}\"\n"
	"  def date(s, f)\n"
	"    y, m, d = s.split('-').map(&:to_i)\n"
	"    \"#{d == 1 ? '1er' : d} #{FR[m]} #{y}\"\n"
	"  end\n"
	"end\n"
	"t = Liquid::Template.parse(File.read(ARGV[0]), error_mode: :strict)\n"
	"d = JSON.parse(File.read(ARGV[1]))\n"
	"out = t.render!(d, filters: [Shop])\n"
	"File.write(ARGV[2], out)\n"
	"n = 0\n"
	"s = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID)\n"
	"while (e = Process.clock_gettime(Process::CLOCK_PROCESS_CPUTIME_ID) - s) < 3.0\n"
	"  200.times { t.render!(d, filters: [Shop]) }; n += 200\n"
	"end\n"
	"puts n / e\n";

static void write_file(const char *path, const char *p, size_t n)
{
	FILE *f = fopen(path, "wb");
	check(f && fwrite(p, 1, n, f) == n && fclose(f) == 0);
}

static double ruby_rate(const char *folder, struct str source, struct str data, struct str ours)
{
	char path[512], command[2048];
	snprintf(path, sizeof path, "%s/t.liquid", folder);
	write_file(path, source.p, source.n);
	snprintf(path, sizeof path, "%s/d.json", folder);
	write_file(path, data.p, data.n);
	snprintf(path, sizeof path, "%s/b.rb", folder);
	write_file(path, RUBY, strlen(RUBY));
	snprintf(command, sizeof command, "ruby %s/b.rb %s/t.liquid %s/d.json %s/out.html 2>/dev/null", folder, folder,
	         folder, folder);
	FILE *f = popen(command, "r");
	double rate = 0;
	if (!f || fscanf(f, "%lf", &rate) != 1)
		rate = 0;
	if (f)
		pclose(f);
	if (rate == 0)
		return 0;
	snprintf(path, sizeof path, "%s/out.html", folder);
	FILE *out = fopen(path, "rb");
	check(out);
	char *theirs = mem_alloc(ours.n + 2);
	size_t n = fread(theirs, 1, ours.n + 1, out);
	fclose(out);
	if (n != ours.n || memcmp(theirs, ours.p, n) != 0)
		fprintf(stderr, "bench_liquid: the two outputs differ: %s/out.html\n", folder);
	free(theirs);
	return rate;
}

/* The mail as one template: win-back text, voucher and three product cards between the layout's two halves. */
static void build_source(struct buf *b)
{
	const struct embedded_file *layout = file("parts/layout.liquid");
	const char *hole = strstr((const char *)layout->data, "[[content]]");
	struct str head = { (const char *)layout->data, (size_t)(hole - (const char *)layout->data) };
	struct str tail = str_from(hole + 11);
	struct str parts[] = {
		head,
		STR("<h1>Cela fait un moment</h1><p>{{ customer | greeting }},</p><p>Votre dernière commande date du "
		    "{{ order.date | date: 'long' }}{% if order.lines[0].name %} ({{ order.lines[0].name }}){% endif "
		    "%}.</p><p>{{ voucher.text }}<br>{{ 'your_code' | t }} <b>{{ voucher.code }}</b><br>jusqu’au {{ "
		    "voucher.valid_until | date: 'long' }}</p>{% for item in recommendations limit: 3 %}"),
		str_from((const char *)file("parts/product.liquid")->data), STR("{% endfor %}<p>{{ shop.signature }}</p>"), tail
	};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		for (struct str s = parts[i]; s.n;) { /* no partials: the header and footer stand in the source */
			if (str_starts(s, STR("{% include 'header' %}"))) {
				buf_cstr(b, (const char *)file("parts/header.liquid")->data);
				s.p += 22, s.n -= 22;
			} else if (str_starts(s, STR("{% include 'footer' %}"))) {
				buf_cstr(b, (const char *)file("fr/parts/footer.liquid")->data);
				s.p += 22, s.n -= 22;
			} else {
				buf_char(b, *s.p);
				s.p++, s.n--;
			}
		}
}

static double our_rate(const struct liquid_template *t, const struct lobject *data, const struct liquid_options *o,
                       struct buf *out)
{
	struct liquid *r = liquid_new();
	struct err err;
	double best = 0;
	for (int round = 0; round < 3; round++) {
		double start = now_s(), took;
		uint64_t n = 0;
		do {
			for (int i = 0; i < 1000; i++, n++) {
				buf_clear(out);
				check(liquid_render(r, t, data, o, out, &err));
			}
		} while ((took = now_s() - start) < 1.0);
		best = (double)n / took > best ? (double)n / took : best;
	}
	liquid_free(r);
	return best;
}

static double whole_rate(const struct lobject *data, const struct liquid_options *o)
{
	struct message_set *set = message_set_new();
	struct message_text text;
	struct err err = { 0 };
	struct liquid *r = liquid_new();
	message_text_init(&text);
	for (size_t i = 0; i < messages_file_count; i++)
		message_set_add(set, str_from(messages_files[i].name),
		                (struct str){ (const char *)messages_files[i].data, messages_files[i].size });
	check(message_set_compile(set, &err));
	const struct message *m = message_find(set, LIQUID_FR, STR("winback-1"));
	double start = now_s(), took;
	uint64_t n = 0;
	do {
		for (int i = 0; i < 500; i++, n++)
			check(message_render(set, m, 0, r, data, o, &text, &err));
	} while ((took = now_s() - start) < 1.0);
	message_text_release(&text);
	liquid_free(r);
	message_set_free(set);
	return (double)n / took;
}

int main(int argc, char **argv)
{
	bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
	struct buf source, out;
	struct arena a;
	struct lval data;
	struct err err = { 0 };
	char folder[] = "/tmp/bench-liquid-XXXXXX";
	arena_init(&a);
	buf_init(&source, 1 << 20);
	buf_init(&out, 1 << 20);
	const struct embedded_file *sample = file("sample.fr.json");
	json_t *root = json_loadb((const char *)sample->data, sample->size, 0, NULL);
	check(root && lval_from_json(&a, root, &data, &err) && mkdtemp(folder));
	build_source(&source);
	struct liquid_template *t = liquid_parse("winback", buf_view(&source), &err);
	struct liquid_options o = { .locale = LIQUID_FR, .currency = { "EUR", 2 } };
	check(t);
	double ours = our_rate(t, data.object, &o, &out);
	double ruby =
		ruby_rate(folder, buf_view(&source), (struct str){ (const char *)sample->data, sample->size }, buf_view(&out));
	o.autoescape = true;
	double escaped = our_rate(t, data.object, &o, &out), whole = whole_rate(data.object, &o);
	if (json) {
		printf("{\"work\":\"render win-back, 3 products\",\"ours_per_s\":%.0f,\"baseline\":\"ruby-liquid + liquid-c\","
		       "\"baseline_per_s\":%.0f,\"ratio\":%.1f,\"goal\":\">= 30x, >= 300000/s\"}\n",
		       ours, ruby, ruby > 0 ? ours / ruby : 0);
		printf("{\"work\":\"same, autoescaped\",\"ours_per_s\":%.0f}\n", escaped);
		printf("{\"work\":\"whole message: subject, preheader, HTML, text\",\"ours_per_s\":%.0f}\n", whole);
	} else {
		printf("%-48s %12s %24s %8s  %s\n", "work (one core)", "ours /s", "ruby-liquid + liquid-c", "ratio", "goal");
		printf("%-48s %12.0f %24.0f %7.1fx  %s\n", "render win-back, 3 products", ours, ruby,
		       ruby > 0 ? ours / ruby : 0, ">= 30x, >= 300,000/s");
		printf("%-48s %12.0f\n", "same, autoescaped", escaped);
		printf("%-48s %12.0f\n", "whole message: subject, preheader, HTML, text", whole);
		printf("the mail has %zu bytes\n", out.n);
	}
	char command[128];
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	if (system(command) != 0)
		fprintf(stderr, "bench_liquid: %s is left behind\n", folder);
	liquid_template_free(t);
	json_decref(root);
	buf_release(&source);
	buf_release(&out);
	arena_release(&a);
	return 0;
}
