#include "channel/smtp_io.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

void smtp_io_init(struct smtp_io *io)
{
	*io = (struct smtp_io){ .fd = -1 };
	buf_init(&io->out, SMTP_OUT_MAX);
}

void smtp_io_close(struct smtp_io *io)
{
	SSL_free(io->ssl);
	if (io->fd >= 0)
		close(io->fd);
	buf_clear(&io->out);
	io->fd = -1;
	io->ssl = NULL;
	io->secure = io->wants_write = false;
	io->out_at = 0;
	io->queued = io->written = 0;
}

void smtp_io_release(struct smtp_io *io)
{
	smtp_io_close(io);
	buf_release(&io->out);
}

bool smtp_io_connect(struct smtp_io *io, const struct addrinfo *address)
{
	smtp_io_close(io);
	io->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (io->fd < 0)
		return false;
	int one = 1;
	setsockopt(io->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(io->fd, address->ai_addr, address->ai_addrlen) == 0 || errno == EINPROGRESS)
		return true;
	smtp_io_close(io);
	return false;
}

bool smtp_io_connected(struct smtp_io *io)
{
	int error = 0;
	socklen_t n = sizeof error;
	return getsockopt(io->fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 && error == 0;
}

bool smtp_io_tls(struct smtp_io *io, SSL_CTX *ctx, const char *host)
{
	io->ssl = SSL_new(ctx);
	return io->ssl && SSL_set_fd(io->ssl, io->fd) == 1 && SSL_set_tlsext_host_name(io->ssl, host) == 1 &&
	       SSL_set1_host(io->ssl, host) == 1;
}

static enum io_state tls_state(struct smtp_io *io, int result)
{
	int why = SSL_get_error(io->ssl, result);
	ERR_clear_error();
	io->wants_write = why == SSL_ERROR_WANT_WRITE;
	return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? IO_WAIT : IO_CLOSED;
}

enum io_state smtp_io_handshake(struct smtp_io *io)
{
	int r = SSL_connect(io->ssl);
	if (r != 1)
		return tls_state(io, r);
	io->wants_write = false;
	io->secure = true;
	return IO_OK;
}

char *smtp_io_room(struct smtp_io *io, size_t n)
{
	if (io->out_at == io->out.n) {
		buf_clear(&io->out);
		io->out_at = 0;
	}
	return buf_reserve(&io->out, n);
}

void smtp_io_queued(struct smtp_io *io, size_t n)
{
	io->out.n += n;
	io->queued += n;
}

void smtp_io_add(struct smtp_io *io, struct str bytes)
{
	char *room = smtp_io_room(io, bytes.n);
	if (!room)
		return;
	memcpy(room, bytes.p, bytes.n);
	smtp_io_queued(io, bytes.n);
}

void smtp_io_printf(struct smtp_io *io, const char *fmt, ...)
{
	char line[2048];
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(line, sizeof line, fmt, args);
	va_end(args);
	check(n >= 0 && n < (int)sizeof line); /* addresses are at most 254 bytes, names 255 */
	smtp_io_add(io, (struct str){ line, (size_t)n });
}

enum io_state smtp_io_flush(struct smtp_io *io)
{
	while (io->out_at < io->out.n) {
		const char *p = io->out.p + io->out_at;
		size_t left = io->out.n - io->out_at;
		ssize_t n;
		if (io->secure) {
			int r = SSL_write(io->ssl, p, left > (1 << 20) ? 1 << 20 : (int)left);
			if (r <= 0)
				return tls_state(io, r);
			n = r;
		} else {
			n = send(io->fd, p, left, MSG_NOSIGNAL);
			if (n < 0)
				return errno == EAGAIN || errno == EINTR ? IO_WAIT : IO_CLOSED;
		}
		io->out_at += (size_t)n;
		io->written += (size_t)n;
	}
	io->wants_write = false;
	return IO_OK;
}

enum io_state smtp_io_read(struct smtp_io *io, char *p, size_t size, size_t *n)
{
	*n = 0;
	if (io->secure) {
		int r = SSL_read(io->ssl, p, (int)size);
		if (r <= 0)
			return tls_state(io, r);
		*n = (size_t)r;
		return IO_OK;
	}
	ssize_t r = recv(io->fd, p, size, 0);
	if (r < 0)
		return errno == EAGAIN || errno == EINTR ? IO_WAIT : IO_CLOSED;
	*n = (size_t)r;
	return r == 0 ? IO_CLOSED : IO_OK;
}

short smtp_io_events(const struct smtp_io *io)
{
	return (short)(POLLIN | (io->wants_write || io->out_at < io->out.n ? POLLOUT : 0));
}
