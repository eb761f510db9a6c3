/* mime: straight appends to one buffer. A header is folded as it is written; a body is encoded in one pass with a table
 * of what may stand as it is. */
#include "channel/mime.h"

#include "base/hash.h"

#include <pthread.h>
#include <stdio.h>
#include <unicode/uidna.h>

enum { LINE_MAX_CHARS = 76, WORD_MAX_CHARS = 75 };

static const char HEX[] = "0123456789ABCDEF";

/* ---- addresses ---- */

static UIDNA *idna;
static pthread_once_t idna_once = PTHREAD_ONCE_INIT;

static void idna_open(void)
{
	UErrorCode code = U_ZERO_ERROR;
	idna = uidna_openUTS46(UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ | UIDNA_NONTRANSITIONAL_TO_ASCII, &code);
	check(U_SUCCESS(code));
}

static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	return true;
}

static bool domain_ok(struct str d) /* ASCII form */
{
	size_t label = 0;
	if (d.n == 0 || d.n > 253)
		return false;
	if (d.p[0] == '[')
		return d.n > 2 && d.p[d.n - 1] == ']';
	for (size_t i = 0; i < d.n; i++) {
		char c = d.p[i];
		bool letter =
			(c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
		if (c == '.' ? label == 0 : !letter)
			return false;
		label = c == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return label > 0;
}

static bool local_ok(struct str l)
{
	if (l.n == 0 || l.n > 64)
		return false;
	bool quoted = l.n >= 3 && l.p[0] == '"' && l.p[l.n - 1] == '"';
	for (size_t i = quoted ? 1 : 0; i < l.n - (quoted ? 1 : 0); i++) {
		unsigned char c = (unsigned char)l.p[i];
		if (c < 32 || c == 127)
			return false;
		if (quoted ? (c == '"' || c == '\\') && l.p[i - 1] != '\\' && c == '"' : strchr(" ()<>[]:;@\\,\"", c) != NULL)
			return false;
	}
	return quoted || (l.p[0] != '.' && l.p[l.n - 1] != '.' && !memmem(l.p, l.n, "..", 2));
}

static bool add_domain(struct str domain, struct buf *out)
{
	if (is_ascii(domain)) {
		buf_str(out, domain);
		return domain_ok(domain);
	}
	char ascii[256];
	UErrorCode code = U_ZERO_ERROR;
	UIDNAInfo info = UIDNA_INFO_INITIALIZER;
	pthread_once(&idna_once, idna_open);
	int32_t n = uidna_nameToASCII_UTF8(idna, domain.p, (int32_t)domain.n, ascii, sizeof ascii, &info, &code);
	if (U_FAILURE(code) || info.errors || n <= 0 || n >= (int32_t)sizeof ascii)
		return false;
	buf_add(out, ascii, (size_t)n);
	return domain_ok((struct str){ ascii, (size_t)n });
}

bool mime_address(struct str address, struct buf *out, bool *utf8)
{
	*utf8 = false;
	if (address.n > MIME_ADDRESS_MAX || str_utf8_valid(address) != address.n)
		return false;
	const char *at = address.n ? memrchr(address.p, '@', address.n) : NULL;
	if (!at)
		return false;
	struct str local = { address.p, (size_t)(at - address.p) };
	struct str domain = { at + 1, address.n - local.n - 1 };
	if (!local_ok(local))
		return false;
	size_t before = out->n;
	*utf8 = !is_ascii(local);
	buf_str(out, local);
	buf_char(out, '@');
	size_t start = out->n;
	if (!add_domain(domain, out) || out->full) {
		out->n = before;
		return false;
	}
	if (*utf8 && !is_ascii(domain)) {
		out->n = start;
		buf_str(out, domain);
	}
	return true;
}

/* ---- encoded words ---- */

static size_t utf8_length(unsigned char c)
{
	return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

static bool q_plain(unsigned char c) /* RFC 2047 section 5 (3), the strictest set: fit for names too */
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("!*+-/", c) != NULL;
}

static size_t q_cost(unsigned char c)
{
	return c && (c == ' ' || q_plain(c)) ? 1 : 3;
}

static void add_q(struct buf *out, unsigned char c)
{
	if (c == ' ') {
		buf_char(out, '_');
	} else if (c && q_plain(c)) {
		buf_char(out, (char)c);
	} else {
		const char code[3] = { '=', HEX[c >> 4], HEX[c & 15] };
		buf_add(out, code, 3);
	}
}

/* Writes text as words "=?utf-8?q?…?=", each whole characters and at most WORD_MAX_CHARS, folded. */
static size_t add_words(struct str text, size_t column, struct buf *out)
{
	static const struct str OPEN = { "=?utf-8?q?", 10 };
	size_t i = 0;
	while (i < text.n) {
		if (column + OPEN.n + 2 + 12 > LINE_MAX_CHARS) {
			buf_cstr(out, "\r\n ");
			column = 1;
		}
		buf_str(out, OPEN);
		size_t used = OPEN.n + 2,
			   room = LINE_MAX_CHARS - column < WORD_MAX_CHARS ? LINE_MAX_CHARS - column : WORD_MAX_CHARS;
		while (i < text.n) {
			size_t n = utf8_length((unsigned char)text.p[i]), cost = 0;
			if (n > text.n - i)
				n = text.n - i;
			for (size_t k = 0; k < n; k++)
				cost += q_cost((unsigned char)text.p[i + k]);
			if (used + cost > room)
				break;
			for (size_t k = 0; k < n; k++)
				add_q(out, (unsigned char)text.p[i + k]);
			used += cost;
			i += n;
		}
		buf_cstr(out, "?=");
		column += used;
		if (i < text.n) {
			buf_cstr(out, "\r\n ");
			column = 1;
		}
	}
	return column;
}

/* Control characters and line ends become spaces; what is not UTF-8 becomes '?'. In place, on a bounded copy. */
enum { HEADER_TEXT_MAX = 2000 };

static struct str clean(struct str s, char *copy)
{
	size_t n = 0;
	s = str_trim(s);
	for (size_t i = 0; i < s.n && n < HEADER_TEXT_MAX - 4;) {
		unsigned char c = (unsigned char)s.p[i];
		struct str rest = { s.p + i, s.n - i < 4 ? s.n - i : 4 };
		size_t len = utf8_length(c);
		if (c < 0x80) {
			copy[n++] = c < 32 || c == 127 ? ' ' : (char)c;
			i++;
		} else if (len <= rest.n && str_utf8_valid((struct str){ rest.p, len }) == len) {
			memcpy(copy + n, s.p + i, len);
			n += len;
			i += len;
		} else {
			copy[n++] = '?';
			i++;
		}
	}
	return (struct str){ copy, n };
}

static bool plain_header(struct str s) /* may stand without encoding */
{
	return is_ascii(s) && !memmem(s.p, s.n, "=?", 2);
}

static void fold_ascii(struct str s, size_t column, struct buf *out)
{
	while (s.n) {
		const char *space = memchr(s.p, ' ', s.n);
		size_t n = space ? (size_t)(space - s.p) : s.n;
		bool first = s.p[0] == ' ';
		if (first) { /* the space before a word: where a line may end */
			const char *next = memchr(s.p + 1, ' ', s.n - 1);
			n = next ? (size_t)(next - s.p) : s.n;
			if (column + n > LINE_MAX_CHARS && column > 1 && n > 1) {
				buf_cstr(out, "\r\n");
				column = 0;
			}
		}
		buf_add(out, s.p, n);
		column += n;
		s = (struct str){ s.p + n, s.n - n };
	}
}

void mime_words(struct str text, size_t column, struct buf *out)
{
	char copy[HEADER_TEXT_MAX];
	text = clean(text, copy);
	bool long_word = false; /* a word that no line could hold is cut into encoded words */
	for (size_t i = 0, run = 0; i < text.n; i++) {
		run = text.p[i] == ' ' ? 0 : run + 1;
		long_word = long_word || run > 900;
	}
	if (plain_header(text) && !long_word)
		fold_ascii(text, column, out);
	else
		add_words(text, column, out);
}

/* ---- headers ---- */

static void add_phrase(struct str name, size_t column, struct buf *out)
{
	char copy[HEADER_TEXT_MAX];
	name = clean(name, copy);
	bool atoms = plain_header(name), quotable = atoms && name.n <= 60;
	for (size_t i = 0; i < name.n; i++)
		if (!(q_plain((unsigned char)name.p[i]) || name.p[i] == ' ' || name.p[i] == '\'' || name.p[i] == '_'))
			atoms = false;
	if (atoms && quotable) {
		buf_str(out, name);
	} else if (quotable) {
		buf_char(out, '"');
		for (size_t i = 0; i < name.n; i++) {
			if (name.p[i] == '"' || name.p[i] == '\\')
				buf_char(out, '\\');
			buf_char(out, name.p[i]);
		}
		buf_char(out, '"');
	} else {
		add_words(name, column, out);
	}
}

static bool add_mailbox(const char *header, struct str name, struct str address, struct buf *out, bool *smtputf8,
                        struct err *err)
{
	bool utf8;
	buf_cstr(out, header);
	buf_cstr(out, ": ");
	size_t line = out->n;
	if (str_trim(name).n) {
		add_phrase(name, strlen(header) + 2, out);
		bool folded = memchr(out->p + line, '\n', out->n - line) != NULL;
		buf_cstr(out, folded || out->n - line + address.n > 60 ? "\r\n <" : " <");
	} else {
		buf_char(out, '<');
	}
	if (!mime_address(address, out, &utf8))
		return err_set(err, ERR_INPUT, "mail: the %s address is not a mail address", header);
	*smtputf8 = *smtputf8 || utf8;
	buf_cstr(out, ">\r\n");
	return true;
}

static void add_date(const struct mime_mail *m, struct buf *out)
{
	static const char DAYS[7][4] = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
	static const char MONTHS[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
		                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct civil c = zone_civil(m->zone, m->date);
	int32_t offset = zone_offset(m->zone, m->date) / MINUTE_S;
	int year, month, day;
	date_ymd(c.date, &year, &month, &day);
	buf_printf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d %c%02d%02d\r\n", DAYS[date_weekday(c.date)], day,
	           MONTHS[month - 1], year, c.second / HOUR_S, c.second / MINUTE_S % 60, c.second % 60,
	           offset < 0 ? '-' : '+', (offset < 0 ? -offset : offset) / 60, (offset < 0 ? -offset : offset) % 60);
}

/* A URL or an identifier: printable ASCII without brackets or spaces. */
static bool token_ok(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 32 || s.p[i] >= 127 || s.p[i] == '<' || s.p[i] == '>')
			return false;
	return s.n > 0 && s.n <= 900;
}

static bool add_list_headers(const struct mime_mail *m, struct buf *out, struct err *err)
{
	bool web = m->unsubscribe_url.n > 0, mail = m->unsubscribe_mail.n > 0, utf8;
	if (web && !token_ok(m->unsubscribe_url))
		return err_set(err, ERR_INPUT, "mail: the unsubscribe link holds spaces or characters that must be escaped");
	if (web || mail) {
		buf_cstr(out, "List-Unsubscribe: ");
		if (web)
			buf_printf(out, "<%.*s>%s", STR_ARG(m->unsubscribe_url), mail ? ",\r\n " : "");
		if (mail) {
			buf_cstr(out, "<mailto:");
			if (!mime_address(m->unsubscribe_mail, out, &utf8) || utf8)
				return err_set(err, ERR_INPUT, "mail: the unsubscribe address is not a mail address");
			buf_char(out, '>');
		}
		buf_cstr(out, "\r\n");
	}
	if (web)
		buf_cstr(out, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
	if (m->list_id.n) {
		if (!token_ok(m->list_id))
			return err_set(err, ERR_INPUT, "mail: the list id may hold letters, digits, dots and dashes only");
		buf_cstr(out, "List-ID: ");
		if (m->list_name.n) {
			add_phrase(m->list_name, 9, out);
			buf_char(out, ' ');
		}
		buf_printf(out, "<%.*s>\r\n", STR_ARG(m->list_id));
	}
	return true;
}

static bool add_headers(const struct mime_mail *m, struct buf *out, bool *smtputf8, struct err *err)
{
	add_date(m, out);
	if (!add_mailbox("From", m->from_name, m->from_address, out, smtputf8, err) ||
	    !add_mailbox("To", m->to_name, m->to_address, out, smtputf8, err))
		return false;
	if (m->reply_to.n && !add_mailbox("Reply-To", (struct str){ NULL, 0 }, m->reply_to, out, smtputf8, err))
		return false;
	buf_cstr(out, "Subject: ");
	mime_words(m->subject, 9, out);
	buf_cstr(out, "\r\n");
	if (!token_ok(m->message_id))
		return err_set(err, ERR_INPUT, "mail: the message id is empty or holds characters that may not stand there");
	buf_printf(out, "Message-ID: <%.*s>\r\n", STR_ARG(m->message_id));
	if (!add_list_headers(m, out, err))
		return false;
	if (m->feedback_id.n) {
		buf_cstr(out, "Feedback-ID: ");
		mime_words(m->feedback_id, 13, out);
		buf_cstr(out, "\r\n");
	}
	if (m->automatic)
		buf_cstr(out, "Auto-Submitted: auto-generated\r\n");
	buf_cstr(out, "MIME-Version: 1.0\r\n");
	return true;
}

/* ---- bodies ---- */

/* A dot or "From " at the start of a line is encoded: the one for SMTP, the other for mailboxes. */
static bool bad_start(struct str s, size_t i)
{
	return s.p[i] == '.' || (s.p[i] == 'F' && s.n - i >= 5 && memcmp(s.p + i, "From ", 5) == 0);
}

/* What each byte becomes, and how many bytes that is: one store and one addition for each, without branches. */
static unsigned char qp_code[256][4], qp_length[256];
static pthread_once_t qp_once = PTHREAD_ONCE_INIT;

static void qp_open(void)
{
	for (int c = 0; c < 256; c++) {
		bool plain = (c >= ' ' && c <= '~' && c != '=') || c == '\t';
		const unsigned char coded[4] = { '=', (unsigned char)HEX[c >> 4], (unsigned char)HEX[c & 15], 0 };
		memcpy(qp_code[c], plain ? (const unsigned char[4]){ (unsigned char)c } : coded, 4);
		qp_length[c] = plain ? 1 : 3;
	}
}

static char *qp_encoded(char *o, unsigned char c)
{
	*o++ = '=';
	*o++ = HEX[c >> 4];
	*o++ = HEX[c & 15];
	return o;
}

/* How many of the 8 bytes from p on are written as they are: the bytes of a word looked at together. A borrow may show
 * a byte as one to be coded only behind one that is, so the first is right. */
static size_t plain_bytes(const char *p)
{
	const uint64_t ones = 0x0101010101010101, high = 0x8080808080808080;
	uint64_t x;
	memcpy(&x, p, 8);
	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
		x = __builtin_bswap64(x);
	uint64_t equals = x ^ ones * '=', del = x ^ ones * 0x7f;
	uint64_t coded = (x | ((x - ones * 0x20) & ~x) | ((equals - ones) & ~equals) | ((del - ones) & ~del)) & high;
	return coded ? (size_t)__builtin_ctzll(coded) / 8 : 8;
}

/* One line, without its end. */
static char *qp_line(char *o, struct str s)
{
	char *start = o, *last = o + LINE_MAX_CHARS - 4; /* a byte and the '=' of a soft break still fit behind it */
	size_t n = s.n;
	bool space_last = n && (s.p[n - 1] == ' ' || s.p[n - 1] == '\t');
	n -= space_last;
	for (size_t i = 0; i < n;) {
		if (o > last) {
			memcpy(o, "=\r\n", 3);
			o += 3;
			start = o;
			last = o + LINE_MAX_CHARS - 4;
		}
		if (o == start && bad_start(s, i)) {
			o = qp_encoded(o, (unsigned char)s.p[i++]);
			continue;
		}
		while (i < n && o <= last) {
			if (last - o >= 7 && n - i >= 8) {
				size_t k = plain_bytes(s.p + i);
				memcpy(o, s.p + i, 8);
				o += k;
				i += k;
				if (k == 8)
					continue;
			}
			memcpy(o, qp_code[(unsigned char)s.p[i]], 4);
			o += qp_length[(unsigned char)s.p[i++]];
		}
	}
	if (!space_last)
		return o;
	if (o > last) {
		memcpy(o, "=\r\n", 3);
		o += 3;
	}
	return qp_encoded(o, (unsigned char)s.p[n]);
}

/* Text with any line ends (LF, CRLF, CR) as quoted-printable with CRLF, ending with CRLF. A byte becomes at most 3, and
 * 3 more come with every soft line break (at least 70 bytes apart); 8 bytes behind the end are written over. */
static char *qp(char *o, struct str s)
{
	while (s.n) {
		const char *lf = memchr(s.p, '\n', s.n);
		struct str line = { s.p, lf ? (size_t)(lf - s.p) : s.n };
		const char *cr = line.n ? memchr(line.p, '\r', line.n) : NULL;
		size_t taken = line.n + (lf ? 1 : 0);
		if (cr) {
			line.n = (size_t)(cr - line.p);
			taken = line.n + 1 + (cr + 1 == lf ? 1 : 0);
		}
		o = qp_line(o, line);
		*o++ = '\r';
		*o++ = '\n';
		s = (struct str){ s.p + taken, s.n - taken };
	}
	return o;
}

static void add_text(const char *type, struct str body, struct buf *out)
{
	buf_printf(out, "Content-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", type);
	pthread_once(&qp_once, qp_open);
	char *room = buf_reserve(out, body.n * 4 + 64); /* each LF may become CRLF */
	if (room)
		out->n += (size_t)(qp(room, body) - room);
}

static void add_base64(struct str s, struct buf *out)
{
	static const char ABC[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0, column = 0; i < s.n; i += 3) {
		uint32_t v = 0;
		size_t n = s.n - i < 3 ? s.n - i : 3;
		for (size_t k = 0; k < 3; k++)
			v = v << 8 | (k < n ? (unsigned char)s.p[i + k] : 0);
		const char four[4] = { ABC[v >> 18], ABC[v >> 12 & 63], n > 1 ? ABC[v >> 6 & 63] : '=',
			                   n > 2 ? ABC[v & 63] : '=' };
		buf_add(out, four, 4);
		column += 4;
		if (column == 76 || i + 3 >= s.n) {
			buf_cstr(out, "\r\n");
			column = 0;
		}
	}
}

static void add_file_name(struct str name, struct buf *out) /* RFC 2231: filename*=utf-8''%C3%A9 */
{
	char copy[HEADER_TEXT_MAX];
	name = clean(name, copy);
	buf_cstr(out, "Content-Disposition: attachment;\r\n filename*=utf-8''");
	for (size_t i = 0; i < name.n && i < 200; i++) {
		unsigned char c = (unsigned char)name.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._", c);
		if (plain)
			buf_char(out, (char)c);
		else
			buf_printf(out, "%%%c%c", HEX[c >> 4], HEX[c & 15]);
	}
	buf_cstr(out, "\r\n");
}

static void add_alternatives(const struct mime_mail *m, uint64_t seed, struct buf *out)
{
	if (m->text.n == 0 || m->html.n == 0) {
		add_text(m->html.n ? "text/html" : "text/plain", m->html.n ? m->html : m->text, out);
		return;
	}
	/* "=_" cannot occur in quoted-printable text: no search for a free boundary is needed (RFC 2045 section 6.7) */
	char boundary[40];
	snprintf(boundary, sizeof boundary, "=_a%016llx", (unsigned long long)seed);
	buf_printf(out, "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n--%s\r\n", boundary, boundary);
	add_text("text/plain", m->text, out);
	buf_printf(out, "\r\n--%s\r\n", boundary);
	add_text("text/html", m->html, out);
	buf_printf(out, "\r\n--%s--\r\n", boundary);
}

static bool add_body(const struct mime_mail *m, struct buf *out, struct err *err)
{
	uint64_t seed = hash_str(m->message_id);
	if (m->file_count == 0) {
		add_alternatives(m, seed, out);
		return true;
	}
	if (m->file_count > MIME_FILES_MAX)
		return err_set(err, ERR_LIMIT, "mail: more than %d files", MIME_FILES_MAX);
	buf_printf(out, "Content-Type: multipart/mixed; boundary=\"=_m%016llx\"\r\n\r\n", (unsigned long long)seed);
	buf_printf(out, "--=_m%016llx\r\n", (unsigned long long)seed);
	add_alternatives(m, seed, out);
	for (size_t i = 0; i < m->file_count; i++) {
		if (!token_ok(m->files[i].type))
			return err_set(err, ERR_INPUT, "mail: file %zu has no valid type", i + 1);
		buf_printf(out, "\r\n--=_m%016llx\r\nContent-Type: %.*s\r\nContent-Transfer-Encoding: base64\r\n",
		           (unsigned long long)seed, STR_ARG(m->files[i].type));
		add_file_name(m->files[i].name, out);
		buf_cstr(out, "\r\n");
		add_base64(m->files[i].bytes, out);
	}
	buf_printf(out, "\r\n--=_m%016llx--\r\n", (unsigned long long)seed);
	return true;
}

bool mime_build(const struct mime_mail *m, struct buf *out, struct mime_result *result, struct err *err)
{
	*result = (struct mime_result){ 0 };
	if (m->text.n == 0 && m->html.n == 0)
		return err_set(err, ERR_INPUT, "mail: it has neither text nor HTML");
	if (!add_headers(m, out, &result->smtputf8, err) || !add_body(m, out, err))
		return false;
	if (out->full)
		return err_set(err, ERR_LIMIT, "mail: larger than %zu bytes", out->max);
	return true;
}

void mime_message_id(struct str key, struct str domain, struct buf *out)
{
	bool plain = key.n > 0 && key.n <= 128 && key.p[0] != '.' && key.p[key.n - 1] != '.';
	for (size_t i = 0; i < key.n && plain; i++) {
		char c = key.p[i];
		plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
		        c == '.';
		if (c == '.' && i && key.p[i - 1] == '.')
			plain = false;
	}
	if (plain)
		buf_str(out, key);
	else
		buf_printf(out, "h%016llx%016llx", (unsigned long long)hash64(key.p, key.n, 1),
		           (unsigned long long)hash64(key.p, key.n, 2));
	buf_char(out, '@');
	buf_str(out, domain);
}
