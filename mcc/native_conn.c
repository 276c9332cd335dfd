/* native_conn.c - connections over our own stack: opened, sent on, answered, lost, closed. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcc/native.h"

#include <errno.h>

/* In a turn, of each kind: about what a burst of frames answers. */
enum { OPENS = 32, SENDS = 32, CLOSES = 32, AHEAD = 8 /* connections brought to the cache */ };

/* Fresh memory is all zero: an empty slot is 0, a handle is kept plus 1. */
static uint32_t
conn_of(const struct native *n, uint32_t number)
{
	return n->slots[number / n->shards] - 1;
}

static void
set_conn(struct native *n, uint32_t number, uint32_t conn)
{
	n->slots[number / n->shards] = conn + 1;
}

/* The tuple is the number, and it is where the stack has just been. Of a connection that is over the stack has no tuple any more. */
static uint32_t
number_of(const struct native *n, const struct stack_event *ev)
{
	const struct flow *f;

	if (ev->type == STACK_CLOSED || ev->type == STACK_FAILED)
		return n->numbers[ev->conn];
	f = &stack_tcb(n->stack, ev->conn)->flow;
	return tuples_number(&n->conf->tuples, f->laddr, f->lport);
}

/* --- opening --- */

static int
connect_number(struct native *n, uint32_t number, uint64_t word)
{
	const struct tuples *t = &n->conf->tuples;
	const struct stack_open o = {
	    .flow = {.laddr = tuples_addr(t, number),
		     .lport = tuples_port(t, number),
		     .raddr = n->conf->dest,
		     .rport = (uint16_t)n->conf->dest_port},
	    .app = word,
	};
	uint32_t conn;
	int err = stack_connect(n->stack, &o, n->client.now, &conn);

	if (err)
		return err;
	set_conn(n, number, conn);
	n->numbers[conn] = number;
	return 0;
}

/* False: there is no memory for another one now. */
static bool
open_one(struct native *n, uint32_t number)
{
	struct client *c = &n->client;
	uint64_t word = 0;
	int err;

	client_opening(c, &word);
	err = connect_number(n, number, word);
	if (err == 0)
		return true;
	client_not_opening(c, &word);
	if (err == -ENOBUFS)
		return false;
	client_not_opened(c, number);
	return true;
}

bool
native_open_due(struct native *n)
{
	unsigned done = 0;

	while (done < OPENS && !n->blocked) {
		if (!n->has_number && !client_next_open(&n->client, &n->number))
			break;
		n->has_number = !open_one(n, n->number);
		if (n->has_number)
			break;
		done++;
	}
	return done > 0;
}

/* --- sending --- */

static void
prefetch(const struct native *n, uint32_t number)
{
	const uint64_t ahead = (uint64_t)number + (uint64_t)AHEAD * n->shards;

	uint32_t conn;

	if (ahead >= n->conf->conns)
		return;
	conn = conn_of(n, (uint32_t)ahead);
	if (conn != NO_CONN)
		stack_prefetch(n->stack, conn);
}

/* Can this connection take a message? */
static bool
has_room(const struct native *n, uint32_t conn)
{
	return conn != NO_CONN && stack_tcb(n->stack, conn)->state == TCP_ESTABLISHED &&
	       stack_send_room(n->stack, conn) >= n->client.app.length;
}

/* Hands it to the stack. False: it ran out of memory on the way, the rest is for the next turn. */
static bool
push(struct native *n, uint32_t conn, const struct schedule_message *m)
{
	const uint8_t *data = client_octets(&n->client, m);
	const uint32_t length = n->client.app.length;

	n->sent += stack_send(n->stack, conn, data + n->sent, length - n->sent);
	if (n->sent < length)
		return false;
	n->sent = 0;
	return true;
}

static bool
send_one(struct native *n, const struct schedule_message *m)
{
	const uint32_t conn = conn_of(n, m->number);
	struct client *c = &n->client;
	uint64_t *word;

	if (n->sent > 0 && conn != NO_CONN) /* begun in an earlier turn */
		return push(n, conn, m);
	n->sent = 0;
	if (!has_room(n, conn)) {
		client_unsent(c);
		return true;
	}
	word = stack_app(n->stack, conn);
	if (!client_sending(c, word, m) || push(n, conn, m))
		return true;
	if (n->sent == 0)
		client_take_back(c, word, m);
	return false;
}

bool
native_send_due(struct native *n)
{
	struct schedule_message m;
	unsigned done = 0;

	while (done < SENDS && !n->blocked && client_next_message(&n->client, &m)) {
		prefetch(n, m.number);
		if (!send_one(n, &m))
			break;
		schedule_advance(&n->client.schedule);
		done++;
	}
	return done > 0;
}

/* --- closing --- */

/* A connection that is still opening stays counted as such: its end is no news. */
static void
close_one(struct native *n, uint32_t number, uint32_t conn)
{
	const bool opening = stack_tcb(n->stack, conn)->state < TCP_ESTABLISHED;

	if (opening)
		set_conn(n, number, NO_CONN);
	if (opening || client_resets(&n->client))
		stack_abort(n->stack, conn, n->client.now);
	else
		stack_close(n->stack, conn, n->client.now);
}

bool
native_close_due(struct native *n)
{
	unsigned done = 0;
	uint32_t number;

	while (done < CLOSES && !n->blocked && client_next_close(&n->client, &number)) {
		const uint32_t conn = conn_of(n, number);

		if (conn != NO_CONN)
			close_one(n, number, conn);
		done++;
	}
	return done > 0;
}

/* --- events --- */

static void
end(struct native *n, uint64_t word, uint32_t number, enum outcome why)
{
	set_conn(n, number, NO_CONN);
	client_ended(&n->client, &word, number, why);
}

static void
data(struct native *n, uint32_t conn, uint32_t number, const uint8_t *octets, uint32_t len)
{
	if (client_data(&n->client, stack_app(n->stack, conn), number, octets, len))
		return;
	end(n, *stack_app(n->stack, conn), number, OUTCOME_BROKEN);
	stack_abort(n->stack, conn, n->client.now);
}

/* Octets that were held back until a gap was filled. */
static void
read_kept(struct native *n, uint32_t conn, uint32_t number)
{
	const uint8_t *octets;
	uint32_t len;

	while (conn_of(n, number) == conn && (len = stack_read(n->stack, conn, &octets)) > 0) {
		data(n, conn, number, octets, len);
		if (conn_of(n, number) == conn)
			stack_read_done(n->stack, conn, len);
	}
}

static bool
is_closed_by_us(const struct native *n, uint32_t number)
{
	return n->client.phase >= PHASE_CLOSE && number < n->client.next_close;
}

static void
eof(struct native *n, uint32_t conn, uint32_t number)
{
	client_eof(&n->client, stack_app(n->stack, conn), number);
	if (is_closed_by_us(n, number))
		return; /* CLOSED follows */
	end(n, *stack_app(n->stack, conn), number, OUTCOME_EOF);
	stack_close(n->stack, conn, n->client.now);
}

static enum outcome
outcome_of(const struct native *n, const struct stack_event *ev, uint32_t number)
{
	switch ((enum stack_why)ev->why) {
	case STACK_WHY_RESET:
		return ev->type == STACK_FAILED ? OUTCOME_REFUSED : OUTCOME_RESET;
	case STACK_WHY_UNREACHABLE:
		return ev->type == STACK_FAILED ? OUTCOME_UNREACHABLE : OUTCOME_TIMED_OUT;
	case STACK_WHY_TIMEOUT:
	case STACK_WHY_SHED: /* the server has not taken what we sent for long */
		return OUTCOME_TIMED_OUT;
	case STACK_WHY_NONE:
	case STACK_WHY_ABORT:
		break;
	}
	return is_closed_by_us(n, number) ? OUTCOME_CLOSED : OUTCOME_EOF;
}

static void
failed(struct native *n, const struct stack_event *ev, uint32_t number)
{
	uint64_t word = ev->app;

	set_conn(n, number, NO_CONN);
	client_failed(&n->client, &word, number, outcome_of(n, ev, number));
}

void
native_event(struct native *n, const struct stack_event *ev)
{
	const uint32_t number = number_of(n, ev);

	/* Of a connection that was given up already, its end is no news. */
	if (conn_of(n, number) != ev->conn)
		return;
	switch ((enum stack_event_type)ev->type) {
	case STACK_CONNECTED:
		client_connected(&n->client, stack_app(n->stack, ev->conn));
		break;
	case STACK_FAILED:
		failed(n, ev, number);
		break;
	case STACK_DATA:
		data(n, ev->conn, number, ev->data, ev->len);
		break;
	case STACK_READABLE:
		read_kept(n, ev->conn, number);
		break;
	case STACK_EOF:
		eof(n, ev->conn, number);
		break;
	case STACK_SENT:
		client_acked(&n->client, stack_app(n->stack, ev->conn), number);
		break;
	case STACK_CLOSED:
		end(n, ev->app, number, outcome_of(n, ev, number));
		break;
	case STACK_ACCEPTED:
	case STACK_WRITABLE:
	case STACK_VISIT:
		break;
	}
}

void
native_abort_rest(struct native *n)
{
	const uint64_t conns = n->conf->conns;

	for (uint64_t number = n->thread; number < conns; number += n->shards) {
		const uint32_t conn = conn_of(n, (uint32_t)number);

		if (conn == NO_CONN)
			continue;
		if (stack_tcb(n->stack, conn)->state >= TCP_ESTABLISHED)
			end(n, *stack_app(n->stack, conn), (uint32_t)number, OUTCOME_CLOSED);
		stack_abort(n->stack, conn, n->client.now);
	}
}
