/* smtp_io: the bytes under SMTP: a non-blocking socket, plain or TLS, with what is to be written queued.
 *
 * queued and written count bytes since the connection was opened: so the sender knows whether the end of a mail has
 * left. */
#ifndef RELANCE_CHANNEL_SMTP_IO_H
#define RELANCE_CHANNEL_SMTP_IO_H

#include "base/buf.h"
#include "base/err.h"

#include <netdb.h>
#include <openssl/ssl.h>

enum { SMTP_OUT_MAX = 64 << 20 };

enum io_state { IO_OK, IO_WAIT, IO_CLOSED };

struct smtp_io {
	int fd; /* -1: closed */
	SSL *ssl;
	bool secure;      /* the handshake is done */
	bool wants_write; /* TLS has to write before it can go on */
	struct buf out;
	size_t out_at;
	uint64_t queued, written;
};

void smtp_io_init(struct smtp_io *io);
void smtp_io_release(struct smtp_io *io);
void smtp_io_close(struct smtp_io *io); /* keeps the memory */

bool smtp_io_connect(struct smtp_io *io, const struct addrinfo *address); /* begins; done when writable */
bool smtp_io_connected(struct smtp_io *io);                               /* SO_ERROR is 0 */
bool smtp_io_tls(struct smtp_io *io, SSL_CTX *ctx, const char *host);     /* begins the handshake */
enum io_state smtp_io_handshake(struct smtp_io *io);

char *smtp_io_room(struct smtp_io *io, size_t n); /* room in the queue; then smtp_io_queued */
void smtp_io_queued(struct smtp_io *io, size_t n);
void smtp_io_add(struct smtp_io *io, struct str bytes);
void smtp_io_printf(struct smtp_io *io, const char *fmt, ...) PRINTF_LIKE(2, 3);

enum io_state smtp_io_flush(struct smtp_io *io);                                 /* IO_OK: all written */
enum io_state smtp_io_read(struct smtp_io *io, char *p, size_t size, size_t *n); /* IO_OK: *n > 0 */
short smtp_io_events(const struct smtp_io *io);                                  /* for poll() */

#endif
