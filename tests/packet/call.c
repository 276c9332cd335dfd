/* call.c - system calls of a script, as calls of the stack. Nothing blocks. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/packet/sock.h"

static int64_t
number_arg(const struct call_spec *c, unsigned i)
{
	return i < c->n_args && c->arg[i].kind == ARG_NUMBER ? c->arg[i].number : -1;
}

static bool
is_name(const struct call_spec *c, unsigned i, const char *name)
{
	return i < c->n_args && c->arg[i].kind == ARG_NAME && strcmp(c->arg[i].text, name) == 0;
}

static struct sock *
socket_arg(struct world *w, const struct call_spec *c)
{
	return sock_find(w, number_arg(c, 0));
}

static void
fail_with(struct call_result *r, int error)
{
	*r = (struct call_result){-1, error};
}

static void
done(struct call_result *r, int64_t value)
{
	*r = (struct call_result){value, 0};
}

/* --- making connections --- */

static void
call_socket(struct world *w, const struct call_spec *c, struct call_result *r)
{
	struct sock *k = sock_new(w, SOCK_OPEN, (int)c->result);

	if (k)
		k->profile = w->conf->stack.profile;
	done(r, c->result);
}

/* bind(3, ..., ...) or bind(3, @0.0.0.0:80, ...) */
static void
call_bind(struct world *w, const struct call_spec *c, struct call_result *r)
{
	struct sock *k = socket_arg(w, c);

	if (k && c->n_args > 1 && c->arg[1].kind == ARG_ADDRESS)
		k->port = c->arg[1].port;
	done(r, 0);
}

static void
call_listen(struct world *w, const struct call_spec *c, struct call_result *r)
{
	struct sock *k = socket_arg(w, c);
	int row;

	if (!k)
		return;
	const struct stack_listener l = {.port = k->port ? k->port : w->conf->port,
					 .profile = k->profile};

	row = stack_listen(w->s, &l);
	if (row < 0) {
		fail_with(r, -row);
		return;
	}
	k->kind = SOCK_LISTENER;
	k->listener = row;
	done(r, 0);
}

static void
call_accept(struct world *w, const struct call_spec *c, struct call_result *r)
{
	const struct sock *l = socket_arg(w, c);

	for (unsigned i = 0; l && i < WORLD_SOCKS; i++) {
		struct sock *k = &w->sock[i];

		if (k->kind == SOCK_CONN && k->fd == -1 && k->listener == l->listener) {
			k->fd = (int)c->result;
			done(r, c->result);
			return;
		}
	}
	fail_with(r, EAGAIN);
}

/* connect(3, ..., ...) or connect(3, @192.168.0.9:80, ...): flow 1, or as setsockopt(FLOW) says. */
static void
call_connect(struct world *w, const struct call_spec *c, struct call_result *r)
{
	struct sock *k = socket_arg(w, c);
	struct stack_open o = {.app = 0};
	int error;

	if (!k)
		return;
	k->flow = k->flow ? k->flow : 1;
	if (c->n_args > 1 && c->arg[1].kind == ARG_ADDRESS)
		flow_connect(w, k->flow, (uint32_t)c->arg[1].number, c->arg[1].port);
	else
		flow_connect(w, k->flow, w->conf->remote, w->conf->port);
	o.flow = flow_at(w, k->flow)->tuple;
	error = stack_connect(w->s, &o, w->now, &k->conn);
	if (error == 0)
		k->kind = SOCK_CONN;
	fail_with(r, error == 0 ? EINPROGRESS : -error);
}

static void
call_setsockopt(struct world *w, const struct call_spec *c, struct call_result *r)
{
	struct sock *k = socket_arg(w, c);
	const int64_t value = number_arg(c, 3);

	done(r, 0);
	if (!k)
		return;
	if (is_name(c, 2, "SO_REUSEADDR"))
		return;
	if (k->kind != SOCK_OPEN)
		world_fail(w, "the stack takes options before listen() or connect()");
	else if (is_name(c, 2, "TCP_NODELAY"))
		k->profile.nodelay = value != 0;
	else if (is_name(c, 2, "TCP_QUICKACK"))
		k->profile.quickack = value != 0;
	else if (is_name(c, 2, "FLOW") && value > 0 && value < WORLD_FLOWS)
		k->flow = (unsigned)value;
	else
		world_fail(w, "no such socket option");
}

/* --- using them --- */

static void
call_write(struct world *w, const struct call_spec *c, struct call_result *r)
{
	struct sock *k = socket_arg(w, c);
	const int64_t n = number_arg(c, 2);
	uint8_t *data;
	uint32_t taken;

	if (!k)
		return;
	if (k->kind != SOCK_CONN || n < 0 || n > 1 << 24) {
		fail_with(r, n < 0 ? EINVAL : ENOTCONN);
		return;
	}
	if (k->over || k->closed) {
		fail_with(r, k->error ? k->error : EPIPE);
		return;
	}
	data = malloc((size_t)n);
	for (uint32_t i = 0; data && i < n; i++)
		data[i] = stream_out(k->tx_written + i);
	taken = data ? stack_send(w->s, k->conn, data, (uint32_t)n) : 0;
	free(data);
	k->tx_written += taken;
	if (taken == 0 && n > 0)
		fail_with(r, EAGAIN);
	else
		done(r, taken);
}

/* read(4, ..., 100), or read(4, "text", 4): these octets. */
static void
call_read(struct world *w, const struct call_spec *c, struct call_result *r)
{
	struct sock *k = socket_arg(w, c);
	const int64_t max = number_arg(c, 2);
	const char *text = c->n_args > 1 && c->arg[1].kind == ARG_TEXT ? c->arg[1].text : NULL;
	uint32_t taken;

	if (!k)
		return;
	if (k->kind != SOCK_CONN || max < 0 || (text && strlen(text) < (size_t)max)) {
		fail_with(r, k->kind != SOCK_CONN ? ENOTCONN : EINVAL);
		return;
	}
	taken = k->rx_at_once < max ? k->rx_at_once : (uint32_t)max;
	k->rx_at_once -= taken;
	if (!k->over)
		taken += sock_take(w, k, (uint32_t)max - taken, text ? text + taken : NULL);
	if (taken > 0 || (k->eof && !k->error))
		done(r, taken);
	else
		fail_with(r, k->over && k->error ? k->error : EAGAIN);
}

static void
call_close(struct world *w, const struct call_spec *c, struct call_result *r)
{
	struct sock *k = socket_arg(w, c);

	if (!k)
		return;
	if (k->kind == SOCK_CONN && !k->over)
		stack_close(w->s, k->conn, w->now);
	k->closed = true;
	done(r, 0);
}

static void
call_abort(struct world *w, const struct call_spec *c, struct call_result *r)
{
	struct sock *k = socket_arg(w, c);

	if (!k)
		return;
	if (k->kind != SOCK_CONN || k->over) {
		fail_with(r, ENOTCONN);
		return;
	}
	stack_abort(w->s, k->conn, w->now);
	k->closed = true;
	done(r, 0);
}

/* stall(S): for so many seconds the machine does nothing at all: it slept, or had other things to do. */
static void
call_stall(struct world *w, const struct call_spec *c, struct call_result *r)
{
	w->now += (uint64_t)number_arg(c, 0) * 1000000000;
	done(r, 0);
}

/* reboot(N): the machine starts anew, with another secret. */
static void
call_reboot(struct world *w, const struct call_spec *c, struct call_result *r)
{
	world_reboot(w, (uint32_t)number_arg(c, 0));
	done(r, 0);
}

/* bulk(4, RTT_US, LOST): the peer of this connection acknowledges everything by itself, after RTT_US, but for the segment that begins with octet LOST the
 * first time that it comes; bulk(4, 0, 0): no more. */
static void
call_bulk(struct world *w, const struct call_spec *c, struct call_result *r)
{
	const struct sock *k = socket_arg(w, c);
	const int64_t rtt_us = number_arg(c, 1), lost = number_arg(c, 2);
	const struct tcb *t = k ? flow_tcb(w, k->flow) : NULL;

	if (!t) {
		world_fail(w, "no connection");
		return;
	}
	bulk_start(&w->bulk, k->flow, rtt_us, t->snd_una, t->rcv_nxt);
	w->bulk.loses = lost > 0;
	w->bulk.lost = flow_at(w, k->flow)->iss + (uint32_t)lost;
	done(r, 0);
}

/* lose(4, LOST): it loses the segment that begins with octet LOST, once. */
static void
call_lose(struct world *w, const struct call_spec *c, struct call_result *r)
{
	const struct sock *k = socket_arg(w, c);

	if (!k)
		return;
	w->bulk.loses = true;
	w->bulk.lost = flow_at(w, k->flow)->iss + (uint32_t)number_arg(c, 1);
	done(r, 0);
}

bool
sock_call(struct world *w, const struct call_spec *c, struct call_result *r)
{
	static const struct {
		const char *name;
		void (*call)(struct world *, const struct call_spec *, struct call_result *);
	} calls[] = {
	    {"socket", call_socket}, {"bind", call_bind},	{"listen", call_listen},
	    {"accept", call_accept}, {"connect", call_connect}, {"setsockopt", call_setsockopt},
	    {"write", call_write},   {"send", call_write},	{"read", call_read},
	    {"recv", call_read},     {"close", call_close},	{"shutdown", call_close},
	    {"abort", call_abort},   {"reboot", call_reboot},	{"bulk", call_bulk},
	    {"lose", call_lose},     {"stall", call_stall},
	};

	*r = (struct call_result){.value = 0};
	for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, c->name) == 0) {
			calls[i].call(w, c, r);
			world_settle(w);
			return !w->failed;
		}
	world_fail(w, "no call %s()", c->name);
	return false;
}
