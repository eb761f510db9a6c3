/* Orders and carts: lines gathered by document, then each document compared with what the store knows of it. */
#include "app/import_int.h"

#include "base/hash.h"

#include <stdlib.h>

static const char *const NO_ARTICLE = "_none", *const REFUND = "_refund", *const ADJUSTMENT = "_adjustment";

void import_documents_init(struct import *m)
{
	intern_init(&m->keys);
	arena_init(&m->text);
	idmap_init(&m->complete);
	m->at_min = INT64_MAX;
	m->at_max = INT64_MIN;
	m->lines_max = m->o->lines_max ? m->o->lines_max : IMPORT_LINES_MAX;
}

static void documents_clear(struct import *m)
{
	intern_release(&m->keys);
	intern_init(&m->keys);
	arena_clear(&m->text);
	m->line_count = 0;
	m->last_document = 0;
}

void import_documents_release(struct import *m)
{
	intern_release(&m->keys);
	arena_release(&m->text);
	idmap_release(&m->complete);
	free(m->documents);
	free(m->lines);
	for (int i = 0; i < IMPORT_PARTS; i++)
		if (m->parts[i])
			fclose(m->parts[i]);
}

/* ---- writing one document ---- */

static struct line *lines_of(struct import *m, const struct document *d, product_id adjustment, int64_t difference,
                             size_t *count)
{
	struct line *lines = arena_array(&m->scratch, struct line, d->count + 1);
	size_t n = 0;
	for (uint32_t i = d->first; i; i = m->lines[i - 1].next) {
		const struct gathered_line *g = &m->lines[i - 1];
		lines[n++] = (struct line){ .product = g->product, .quantity = g->quantity, .amount = g->amount };
	}
	if (adjustment)
		lines[n++] = (struct line){ .product = adjustment, .quantity = 0, .amount = difference };
	*count = n;
	return lines;
}

/* Shipping, discounts and taxes of the whole order: what it came to, less its lines. */
static bool adjusted_lines(struct import *m, const struct document *d, struct line **lines, size_t *count,
                           struct err *err)
{
	__int128 sum = 0;
	for (uint32_t i = d->first; i; i = m->lines[i - 1].next)
		sum += m->lines[i - 1].amount;
	__int128 difference = d->total_known ? (__int128)d->total - sum : 0;
	product_id adjustment = 0;
	if (difference > INT64_MAX || difference < INT64_MIN)
		difference = 0;
	if (difference && d->count == 1 && m->lines[d->first - 1].amount == 0 && m->lines[d->first - 1].quantity > 0)
		m->lines[d->first - 1].amount = (int64_t)difference; /* the order's total is all that is known */
	else if (difference && !import_article(m, str_from(ADJUSTMENT), STR(""), STR(""), false, &adjustment, err))
		return false;
	*lines = lines_of(m, d, adjustment, (int64_t)difference, count);
	return true;
}

/* The k-th line of an article in the new rows takes the place of the k-th known; known ones the file does not name
 * stay, unless the export is complete. */
static void merge_lines(struct import *m, const struct order_body *known, struct line **lines, size_t *count,
                        bool *kept)
{
	struct idmap occurrences, places;
	idmap_init(&occurrences);
	idmap_init(&places);
	size_t n = known->line_count, new_count = *count;
	struct line *out = arena_array(&m->scratch, struct line, n + new_count);
	uint32_t *times = arena_array(&m->scratch, uint32_t, n + new_count);
	bool *used = arena_array(&m->scratch, bool, n + 1);
	for (size_t i = 0; i < n; i++) {
		out[i] = known->lines[i];
		uint32_t slot = idmap_put(&occurrences, known->lines[i].product, NULL);
		idmap_put(&places, (int64_t)known->lines[i].product << 32 | times[slot]++, NULL);
	}
	memset(times, 0, (n + new_count) * sizeof *times);
	struct idmap again;
	idmap_init(&again);
	for (size_t i = 0; i < new_count; i++) {
		uint32_t slot = idmap_put(&again, (*lines)[i].product, NULL);
		uint32_t at = idmap_find(&places, (int64_t)(*lines)[i].product << 32 | times[slot]++);
		if (at == INTERN_NONE) {
			out[n++] = (*lines)[i];
		} else {
			out[at] = (*lines)[i];
			used[at] = true;
		}
	}
	*kept = false;
	for (size_t i = 0; i < known->line_count; i++)
		*kept |= !used[i];
	idmap_release(&occurrences);
	idmap_release(&places);
	idmap_release(&again);
	*lines = out;
	*count = n;
}

static void write_body(struct import *m, const struct document *d, const struct str cart, struct line *lines,
                       size_t count)
{
	buf_clear(&m->body);
	if (d->cart_state >= 0) {
		struct cart_body b = { .cart = cart,
			                   .state = (enum cart_state)d->cart_state,
			                   .lines = lines,
			                   .line_count = count,
			                   .url = d->words.url };
		body_write_cart(&b, &m->body);
	} else {
		struct order_body b = { .lines = lines,
			                    .line_count = count,
			                    .channel = (enum sale_channel)d->sale_channel,
			                    .voucher = d->words.voucher,
			                    .store = d->words.store,
			                    .seller = d->words.seller };
		body_write_order(&b, &m->body);
	}
}

/* The known version with the file's rows laid over it. */
static bool lay_over(struct import *m, const struct fact *known, struct document *d, struct line *lines, size_t count,
                     struct err *err)
{
	struct order_body old;
	bool kept = false;
	if (d->cart_state >= 0 || m->o->complete)
		return true;
	if (!body_read_order(known->body, &m->scratch, &old, err))
		return err_context(err, "a stored order is damaged (relance check says more)");
	merge_lines(m, &old, &lines, &count, &kept);
	if (kept && known->at.s < d->at)
		d->at = known->at.s;
	if (!d->words.voucher.n)
		d->words.voucher = old.voucher;
	if (!d->words.store.n)
		d->words.store = old.store;
	if (!d->words.seller.n)
		d->words.seller = old.seller;
	if (d->sale_channel == SALE_UNKNOWN)
		d->sale_channel = (int8_t)old.channel;
	if (count > BODY_LINES_MAX)
		return err_set(err, ERR_LIMIT, "an order has more than %d lines", BODY_LINES_MAX);
	write_body(m, d, STR(""), lines, count);
	return true;
}

static bool document_write(struct import *m, struct document *d, struct str key, struct err *err)
{
	enum fact_kind kind = d->cart_state >= 0 ? FACT_CART : FACT_ORDER;
	struct fact known, f;
	bool found;
	arena_clear(&m->scratch);
	if (!store_batch_known(m->batch, kind, key, &m->scratch, &known, &found, err))
		return false;
	if (d->cancelled) {
		m->r->cancelled++;
		return !found || import_retract(m, known.customer, key, "order", err);
	}
	m->r->orders += kind == FACT_ORDER && d->positive;
	m->r->carts += kind == FACT_CART;
	struct line *lines;
	size_t count;
	if (!adjusted_lines(m, d, &lines, &count, err))
		return false;
	const char *at = kind == FACT_CART ? memrchr(key.p, '@', key.n) : NULL;
	size_t lead = strlen(m->source) + 1;
	struct str cart = at ? (struct str){ key.p + lead, (size_t)(at - key.p) - lead } : STR("");
	write_body(m, d, cart, lines, count);
	if (found && !str_eq(buf_view(&m->body), known.body) && !lay_over(m, &known, d, lines, count, err))
		return false;
	if (found && known.customer == d->customer && known.at.s == d->at && str_eq(buf_view(&m->body), known.body)) {
		m->r->unchanged++;
		return true;
	}
	if (m->body.full)
		return err_set(err, ERR_LIMIT, "an order is larger than 8 MiB");
	if (found && known.customer != d->customer &&
	    !import_retract(m, known.customer, key, kind == FACT_CART ? "cart" : "order", err))
		return false;
	m->r->corrected += found;
	f = (struct fact){ .customer = d->customer, .kind = kind, .key = key, .at = { d->at }, .body = buf_view(&m->body) };
	return import_fact(m, &f, err);
}

static bool documents_write(struct import *m, struct err *err)
{
	for (uint32_t i = 0; i < m->keys.count; i++)
		if (!document_write(m, &m->documents[i], intern_name(&m->keys, i), err))
			return false;
	documents_clear(m);
	return true;
}

/* ---- gathering ---- */

static void keep_word(struct import *m, struct str *to, struct str word)
{
	if (!to->n && word.n)
		*to = arena_str(&m->text, word);
}

static bool document_add(struct import *m, const struct part_line *p, struct str key, const struct order_words *w)
{
	bool is_new = false;
	uint32_t id = m->last_document - 1;
	if (m->last_document == 0 || !str_eq(intern_name(&m->keys, id), key))
		id = intern_put(&m->keys, key, &is_new);
	m->last_document = id + 1;
	if (is_new) {
		m->documents = mem_grow(m->documents, &m->document_cap, m->keys.count, sizeof *m->documents);
		m->documents[id] = (struct document){ .customer = p->customer, .at = p->at, .cart_state = p->cart_state };
	}
	struct document *d = &m->documents[id];
	if (d->count >= BODY_LINES_MAX - 1)
		return false;
	if (d->customer == GUESTS)
		d->customer = p->customer;
	if (p->at < d->at)
		d->at = p->at;
	if (d->sale_channel == SALE_UNKNOWN)
		d->sale_channel = p->sale_channel;
	d->cart_state = p->cart_state > d->cart_state ? p->cart_state : d->cart_state;
	d->cancelled |= p->cancelled;
	d->positive |= p->quantity > 0 && !p->no_line;
	if (p->total_known) {
		d->total_known = true;
		d->total = p->total;
	}
	keep_word(m, &d->words.voucher, w->voucher);
	keep_word(m, &d->words.url, w->url);
	keep_word(m, &d->words.store, w->store);
	keep_word(m, &d->words.seller, w->seller);
	if (p->no_line)
		return true;
	m->lines = mem_grow(m->lines, &m->line_cap, m->line_count + 1, sizeof *m->lines);
	m->lines[m->line_count++] = (struct gathered_line){ p->product, p->quantity, p->amount, 0 };
	if (d->count++)
		m->lines[d->last - 1].next = (uint32_t)m->line_count;
	else
		d->first = (uint32_t)m->line_count;
	d->last = (uint32_t)m->line_count;
	return true;
}

/* ---- more lines than memory is meant for: temporary files, split by document ---- */

static bool put_word(FILE *f, struct str s)
{
	return s.n == 0 || fwrite(s.p, 1, s.n, f) == s.n;
}

static bool part_write(struct import *m, struct part_line p, struct str key, const struct order_words *w,
                       struct err *err)
{
	FILE **f = &m->parts[hash_str(key) % IMPORT_PARTS];
	if (!*f && !(*f = tmpfile()))
		return err_errno(err, "cannot make a temporary file for a large import");
	p.key_n = (uint16_t)key.n;
	p.voucher_n = (uint8_t)w->voucher.n;
	p.store_n = (uint8_t)w->store.n;
	p.seller_n = (uint8_t)w->seller.n;
	p.url_n = (uint16_t)w->url.n;
	bool ok = fwrite(&p, sizeof p, 1, *f) == 1 && put_word(*f, key) && put_word(*f, w->voucher) &&
	          put_word(*f, w->url) && put_word(*f, w->store) && put_word(*f, w->seller);
	return ok || err_errno(err, "cannot write a temporary file (is the disk of the temporary folder full?)");
}

static bool spill(struct import *m, struct err *err)
{
	for (uint32_t id = 0; id < m->keys.count; id++) {
		const struct document *d = &m->documents[id];
		struct part_line p = { .customer = d->customer,
			                   .at = d->at,
			                   .total = d->total,
			                   .total_known = d->total_known,
			                   .sale_channel = d->sale_channel,
			                   .cart_state = d->cart_state,
			                   .cancelled = d->cancelled,
			                   .no_line = d->count == 0 };
		uint32_t i = d->first;
		do {
			if (i) {
				p.product = m->lines[i - 1].product;
				p.quantity = m->lines[i - 1].quantity;
				p.amount = m->lines[i - 1].amount;
				i = m->lines[i - 1].next;
			}
			if (!part_write(m, p, intern_name(&m->keys, id), &d->words, err))
				return false;
		} while (i);
	}
	m->spilled = true;
	documents_clear(m);
	return true;
}

static bool part_read(struct import *m, FILE *f, struct err *err)
{
	struct part_line p;
	char key[1024], voucher[256], url[4096], store[256], seller[256];
	rewind(f);
	while (fread(&p, sizeof p, 1, f) == 1) {
		check(p.key_n <= sizeof key && p.url_n <= sizeof url);
		if (fread(key, 1, p.key_n, f) != p.key_n || fread(voucher, 1, p.voucher_n, f) != p.voucher_n ||
		    fread(url, 1, p.url_n, f) != p.url_n || fread(store, 1, p.store_n, f) != p.store_n ||
		    fread(seller, 1, p.seller_n, f) != p.seller_n)
			return err_errno(err, "cannot read a temporary file back");
		const struct order_words w = {
			{ voucher, p.voucher_n }, { url, p.url_n }, { store, p.store_n }, { seller, p.seller_n }
		};
		if (!document_add(m, &p, (struct str){ key, p.key_n }, &w))
			return err_set(err, ERR_LIMIT, "an order has more than %d lines", BODY_LINES_MAX);
	}
	return !ferror(f) || err_errno(err, "cannot read a temporary file back");
}

bool import_documents_end(struct import *m, struct err *err)
{
	if (!m->spilled)
		return documents_write(m, err);
	if (!spill(m, err))
		return false;
	for (int i = 0; i < IMPORT_PARTS; i++) {
		if (!m->parts[i])
			continue;
		if (!part_read(m, m->parts[i], err) || !documents_write(m, err))
			return false;
		fclose(m->parts[i]);
		m->parts[i] = NULL;
	}
	return true;
}

/* ---- the sink ---- */

static struct str document_key(struct import *m, const struct intake_line *l)
{
	buf_clear(&m->key);
	buf_cstr(&m->key, m->source);
	buf_char(&m->key, ':');
	buf_str(&m->key, l->document);
	if (l->cart_state >= 0) {
		buf_char(&m->key, '@');
		buf_i64(&m->key, l->at.s);
	}
	return buf_view(&m->key);
}

/* Who bought: asked once a document, and again while it is nobody. */
static bool line_customer(struct import *m, const struct intake_line *l, struct str key, customer_id *out,
                          struct err *err)
{
	bool same = m->last_document && str_eq(intern_name(&m->keys, m->last_document - 1), key);
	*out = same ? m->documents[m->last_document - 1].customer : GUESTS;
	if (*out || (l->customer.n == 0 && l->email.n == 0))
		return true;
	bool created;
	m->who_at = l->at;
	if (!import_who(m, l->customer, l->email, out, &created, err))
		return false;
	if (l->email.n == 0 || l->cart_state >= 0)
		return true;
	if (l->email_consent == 1)
		return import_consent_fact(m, *out, CHANNEL_EMAIL, PURPOSE_MARKETING, CONSENT_GRANTED, l->at, STR(""), STR(""),
		                           err);
	bool is_new;
	uint32_t slot = idmap_put(&m->soft, *out, &is_new);
	m->soft_at = mem_grow(m->soft_at, &m->soft_cap, m->soft.count, sizeof *m->soft_at);
	if (l->email_consent == 0 || l->cancelled) {
		if (is_new)
			m->soft_at[slot] = INT64_MAX; /* the box was there and left empty: no soft opt-in is claimed */
	} else if (is_new || l->at.s < m->soft_at[slot]) {
		m->soft_at[slot] = l->at.s;
	}
	return true;
}

bool import_line(void *ctx, const struct intake_line *l, struct err *err)
{
	struct import *m = ctx;
	struct str key = document_key(m, l);
	struct part_line p = { .quantity = (int32_t)l->quantity,
		                   .amount = l->amount.minor,
		                   .at = l->at.s,
		                   .total = l->total.minor,
		                   .sale_channel = (int8_t)l->sale_channel,
		                   .cart_state = (int8_t)l->cart_state,
		                   .cancelled = l->cancelled,
		                   .total_known = l->total_known,
		                   .no_line = l->cart_state >= 0 && l->sku.n == 0 };
	if (!line_customer(m, l, key, &p.customer, err))
		return false;
	if (!p.no_line) {
		struct str sku = l->sku.n ? l->sku : str_from(l->derived ? REFUND : NO_ARTICLE);
		if (!import_article(m, sku, l->product_name, l->category, l->amount.minor > 0, &p.product, err))
			return false;
	}
	if (!l->derived && l->cart_state < 0) {
		m->r->lines++;
		m->r->returns += l->is_return;
		m->r->guest_lines += p.customer == GUESTS;
	}
	m->at_min = l->at.s < m->at_min ? l->at.s : m->at_min;
	m->at_max = l->at.s > m->at_max ? l->at.s : m->at_max;
	if (m->o->complete)
		idmap_put(&m->complete, (int64_t)hash_str(key), NULL);
	const struct order_words words = { l->voucher, l->url.n <= 4096 ? l->url : STR(""), l->store, l->seller };
	if (m->spilled)
		return part_write(m, p, key, &words, err);
	if (!document_add(m, &p, key, &words)) {
		m->report.accepted--;
		m->report.rejected++;
		m->r->lines--;
		import_reject(m, l->row, "the order has more than 100000 lines");
	}
	return m->line_count < m->lines_max || spill(m, err);
}

/* ---- --complete: what the newer export no longer has, within its dates ---- */

bool import_documents_complete(struct import *m, struct err *err)
{
	struct gone {
		customer_id customer;
		struct str key;
	} *gone = NULL;
	size_t count = 0, cap = 0;
	struct arena keys;
	if (m->at_min > m->at_max)
		return true;
	arena_init(&keys);
	bool cart = m->report.kind == INTAKE_CARTS;
	struct query *q = db_query(m->db, "import_documents");
	query_int(q, 1, cart ? FACT_CART : FACT_ORDER);
	query_int(q, 2, m->at_min);
	query_int(q, 3, m->at_max);
	size_t lead = strlen(m->source);
	int got;
	while ((got = query_next(q, err)) == 1) {
		struct str key = query_get_text(q, 1);
		bool ours = key.n > lead && memcmp(key.p, m->source, lead) == 0 && key.p[lead] == ':';
		if (!ours || idmap_find(&m->complete, (int64_t)hash_str(key)) != INTERN_NONE)
			continue;
		gone = mem_grow(gone, &cap, count + 1, sizeof *gone);
		gone[count++] = (struct gone){ (customer_id)query_get_int(q, 0), arena_str(&keys, key) };
	}
	bool ok = got == 0;
	for (size_t i = 0; ok && i < count; i++)
		ok = import_retract(m, gone[i].customer, gone[i].key, cart ? "cart" : "order", err);
	free(gone);
	arena_release(&keys);
	return ok;
}
