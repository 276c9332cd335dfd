/* kernel_sock.c - one connection over an ordinary socket: opened, sent on, read, lost, closed. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcc/kernel.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

enum { READ_BYTES = 65536 };

uint64_t
kernel_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static struct sock *
sock_of(const struct kernel *k, uint32_t number)
{
	return &k->socks[number / k->conf->threads];
}

static enum outcome
outcome_of(int err, bool established)
{
	switch (err) {
	case ECONNREFUSED:
		return OUTCOME_REFUSED;
	case ECONNRESET:
	case EPIPE:
		return established ? OUTCOME_RESET : OUTCOME_REFUSED;
	case ETIMEDOUT:
		return OUTCOME_TIMED_OUT;
	default:
		return established ? OUTCOME_TIMED_OUT : OUTCOME_UNREACHABLE;
	}
}

static void
watch(const struct kernel *k, uint32_t number, int op, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.u32 = number};

	if (epoll_ctl(k->epoll, op, sock_of(k, number)->fd, &ev))
		log_debug("epoll_ctl: %m");
}

static void
set_option(int fd, int level, int name, int value)
{
	setsockopt(fd, level, name, &value, sizeof(value));
}

/* The port is chosen by connect(), so that it may be shared between destinations (ip(7)). */
static bool
bind_source(const struct kernel *k, int fd, uint32_t number)
{
	const struct sockaddr_in from = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(tuples_addr(&k->conf->tuples, number)),
	};

	set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
	return bind(fd, (const struct sockaddr *)&from, sizeof(from)) == 0;
}

/* A socket on its way, or -1 and errno. */
static int
start_connect(const struct kernel *k, uint32_t number)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int saved;

	if (fd < 0)
		return -1;
	/* A message leaves when it is due, whatever is unacknowledged. */
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (!k->conf->bind_sources || bind_source(k, fd, number)) {
		if (connect(fd, (const struct sockaddr *)&k->dest, sizeof(k->dest)) == 0 ||
		    errno == EINPROGRESS)
			return fd;
	}
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static void
release(struct kernel *k, struct sock *s)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(s->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0)
		k->stats.retransmitted += info.tcpi_total_retrans;
	close(s->fd);
	s->fd = -1;
	s->state = SOCK_NONE;
	s->out_at = 0;
}

/* Close sends a RST instead of a FIN. */
static void
release_by_reset(struct kernel *k, struct sock *s)
{
	const struct linger now = {.l_onoff = 1};

	setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	release(k, s);
}

static void
fail(struct kernel *k, struct sock *s, uint32_t number, enum outcome why)
{
	const bool established = s->state == SOCK_OPEN;

	if (why == OUTCOME_BROKEN)
		release_by_reset(k, s);
	else
		release(k, s);
	if (established)
		client_ended(&k->client, &s->word, number, why);
	else
		client_failed(&k->client, &s->word, number, why);
}

void
sock_open(struct kernel *k, uint32_t number)
{
	struct sock *s = sock_of(k, number);

	s->fd = start_connect(k, number);
	if (s->fd < 0) {
		log_debug("connection %u: %m", number);
		if (errno == ECONNREFUSED || errno == ECONNRESET) {
			client_opening(&k->client, &s->word);
			client_failed(&k->client, &s->word, number, OUTCOME_REFUSED);
		} else {
			client_not_opened(&k->client, number);
		}
		return;
	}
	s->state = SOCK_OPENING;
	client_opening(&k->client, &s->word);
	watch(k, number, EPOLL_CTL_ADD, EPOLLOUT);
}

/* What has not left of the message waits for room; while it does, the connection takes no other. */
static void
push(struct kernel *k, struct sock *s, uint32_t number, const struct schedule_message *m)
{
	const uint8_t *data = client_octets(&k->client, m);
	const uint32_t length = k->client.app.length;
	const bool waited = s->out_at > 0;
	ssize_t n = send(s->fd, data + s->out_at, length - s->out_at, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		fail(k, s, number, outcome_of(errno, true));
		return;
	}
	s->out_at += n > 0 ? (uint32_t)n : 0;
	s->out_epoch = m->epoch;
	s->out_request = m->request;
	if (s->out_at == length)
		s->out_at = 0;
	if (waited != (s->out_at > 0))
		watch(k, number, EPOLL_CTL_MOD, s->out_at ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void
sock_send(struct kernel *k, const struct schedule_message *m)
{
	struct sock *s = sock_of(k, m->number);

	if (s->state != SOCK_OPEN || s->out_at)
		client_unsent(&k->client);
	else if (client_sending(&k->client, &s->word, m))
		push(k, s, m->number, m);
}

static void
push_rest(struct kernel *k, struct sock *s, uint32_t number)
{
	const struct schedule_message m = {
	    .number = number, .epoch = s->out_epoch, .request = s->out_request};

	if (s->out_at)
		push(k, s, number, &m);
}

static void
finish_connect(struct kernel *k, struct sock *s, uint32_t number)
{
	socklen_t len = sizeof(int);
	int err = 0;

	getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err) {
		fail(k, s, number, outcome_of(err, false));
		return;
	}
	s->state = SOCK_OPEN;
	client_connected(&k->client, &s->word);
	watch(k, number, EPOLL_CTL_MOD, EPOLLIN);
}

static void
read_some(struct kernel *k, struct sock *s, uint32_t number)
{
	ssize_t n = recv(s->fd, k->buffer, READ_BYTES, 0);

	if (n > 0) {
		if (!client_data(&k->client, &s->word, number, k->buffer, (uint32_t)n))
			fail(k, s, number, OUTCOME_BROKEN);
	} else if (n == 0) {
		client_eof(&k->client, &s->word, number);
		fail(k, s, number, OUTCOME_EOF);
	} else if (errno != EAGAIN && errno != EINTR) {
		fail(k, s, number, outcome_of(errno, true));
	}
}

void
sock_event(struct kernel *k, uint32_t number, uint32_t events)
{
	struct sock *s = sock_of(k, number);

	if (s->state == SOCK_OPENING) {
		finish_connect(k, s, number);
		return;
	}
	if (s->state == SOCK_OPEN && (events & EPOLLOUT))
		push_rest(k, s, number);
	if (s->state == SOCK_OPEN && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		read_some(k, s, number);
}

/* A connection that is still opening stays counted as such. */
void
sock_close(struct kernel *k, uint32_t number)
{
	struct sock *s = sock_of(k, number);
	const bool established = s->state == SOCK_OPEN;

	if (s->state == SOCK_NONE)
		return;
	if (client_resets(&k->client))
		release_by_reset(k, s);
	else
		release(k, s);
	if (established)
		client_ended(&k->client, &s->word, number, OUTCOME_CLOSED);
}
