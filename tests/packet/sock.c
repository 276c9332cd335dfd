/* sock.c - sockets of a script: what the stack tells of them, and their octets. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/packet/sock.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static const struct {
	const char *name;
	int number;
} errors[] = {
    {"", 0},
    {"EAGAIN", EAGAIN},
    {"EINPROGRESS", EINPROGRESS},
    {"ECONNRESET", ECONNRESET},
    {"ECONNREFUSED", ECONNREFUSED},
    {"ECONNABORTED", ECONNABORTED},
    {"ETIMEDOUT", ETIMEDOUT},
    {"EHOSTUNREACH", EHOSTUNREACH},
    {"ENETUNREACH", ENETUNREACH},
    {"EADDRINUSE", EADDRINUSE},
    {"ENOBUFS", ENOBUFS},
    {"ENOSPC", ENOSPC},
    {"EPIPE", EPIPE},
    {"EINVAL", EINVAL},
    {"ENOTCONN", ENOTCONN},
};

const char *
error_name(int error)
{
	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].number == error)
			return errors[i].name;
	return "another error";
}

int
error_number(const char *name)
{
	for (unsigned i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].number;
	return -1;
}

struct sock *
sock_new(struct world *w, enum sock_kind kind, int fd)
{
	for (unsigned i = 0; i < WORLD_SOCKS; i++)
		if (w->sock[i].kind == SOCK_FREE) {
			w->sock[i] = (struct sock){.kind = kind, .fd = fd};
			return &w->sock[i];
		}
	world_fail(w, "more than %u sockets", WORLD_SOCKS);
	return NULL;
}

struct sock *
sock_find(struct world *w, int64_t fd)
{
	for (unsigned i = 0; i < WORLD_SOCKS; i++)
		if (w->sock[i].kind != SOCK_FREE && w->sock[i].fd == fd)
			return &w->sock[i];
	world_fail(w, "no socket has the number %d", (int)fd);
	return NULL;
}

struct sock *
sock_by_conn(struct world *w, uint32_t conn)
{
	for (unsigned i = 0; i < WORLD_SOCKS; i++)
		if (w->sock[i].kind == SOCK_CONN && !w->sock[i].over && w->sock[i].conn == conn)
			return &w->sock[i];
	return NULL;
}

const struct sock *
sock_of_flow(const struct world *w, unsigned no)
{
	for (unsigned i = WORLD_SOCKS; i > 0; i--)
		if (w->sock[i - 1].kind == SOCK_CONN && w->sock[i - 1].flow == no)
			return &w->sock[i - 1];
	return NULL;
}

/* --- octets --- */

static void
check_octets(struct world *w, struct sock *k, const uint8_t *data, uint32_t len, const char *text)
{
	for (uint32_t i = 0; i < len && !w->failed; i++) {
		const uint8_t right = text ? (uint8_t)text[i] : stream_in(k->rx_read + i);

		if (data[i] != right)
			world_fail(w, "octet %u of what is read is %#04x, not %#04x",
				   k->rx_read + i, data[i], right);
	}
	k->rx_read += len;
}

uint32_t
sock_take(struct world *w, struct sock *k, uint32_t max, const char *text)
{
	const uint8_t *data;
	uint32_t n, taken = 0;

	while (taken < max && (n = stack_read(w->s, k->conn, &data)) > 0) {
		n = n < max - taken ? n : max - taken;
		check_octets(w, k, data, n, text ? text + taken : NULL);
		stack_read_done(w->s, k->conn, n);
		taken += n;
	}
	return taken;
}

/* --- events --- */

static void
accepted(struct world *w, const struct stack_event *ev)
{
	const struct flow *f = &stack_tcb(w->s, ev->conn)->flow;
	struct sock *k = sock_new(w, SOCK_CONN, -1);

	if (!k)
		return;
	k->conn = ev->conn;
	k->listener = ev->listener;
	k->connected = true;
	k->flow = flow_find(w, f->laddr, f->lport, f->raddr, f->rport);
}

static void
ended(struct sock *k, const struct stack_event *ev)
{
	static const int why[] = {[STACK_WHY_RESET] = ECONNRESET,
				  [STACK_WHY_TIMEOUT] = ETIMEDOUT,
				  [STACK_WHY_UNREACHABLE] = EHOSTUNREACH,
				  [STACK_WHY_ABORT] = ECONNABORTED,
				  [STACK_WHY_SHED] = ENOBUFS};

	k->over = true;
	k->error = ev->why < sizeof(why) / sizeof(why[0]) ? why[ev->why] : EINVAL;
	if (ev->type == STACK_FAILED && ev->why == STACK_WHY_RESET)
		k->error = ECONNREFUSED;
}

static void
arrived(struct world *w, struct sock *k, const struct stack_event *ev)
{
	if (w->conf->reads_at_once) {
		check_octets(w, k, ev->data, ev->len, NULL);
		k->rx_at_once += ev->len;
	} else {
		stack_keep(w->s, ev, ev->len);
	}
}

void
sock_event(struct world *w, const struct stack_event *ev)
{
	struct sock *k = sock_by_conn(w, ev->conn);

	if (ev->type == STACK_ACCEPTED) {
		accepted(w, ev);
		return;
	}
	if (!k) {
		world_fail(w, "event %u of a connection that is over", ev->type);
		return;
	}
	switch ((enum stack_event_type)ev->type) {
	case STACK_CONNECTED:
		k->connected = true;
		break;
	case STACK_DATA:
		arrived(w, k, ev);
		break;
	case STACK_READABLE:
		if (w->conf->reads_at_once)
			k->rx_at_once += sock_take(w, k, UINT32_MAX, NULL);
		break;
	case STACK_EOF:
		k->eof = true;
		if (w->conf->closes_at_once)
			stack_close(w->s, k->conn, w->now);
		break;
	case STACK_FAILED:
	case STACK_CLOSED:
		ended(k, ev);
		break;
	default:
		break;
	}
}
