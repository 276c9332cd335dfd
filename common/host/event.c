/* event.c - what happened to connections, handed up in the order in which it did. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/internal.h"

#include <assert.h>

_Static_assert((STACK_EVENTS & (STACK_EVENTS - 1)) == 0, "a ring");

struct event *
event_push(struct stack *s, const struct conn *c, unsigned type)
{
	struct event_queue *q = &s->events;
	struct event *e = &q->ring[(q->head + q->n) & (STACK_EVENTS - 1)];

	assert(q->n < STACK_EVENTS);
	q->n++;
	q->n_data += type == STACK_DATA;
	*e = (struct event){.conn = c->id, .type = (uint8_t)type};
	return e;
}

static void
pop(struct event_queue *q, struct event *e)
{
	*e = q->ring[q->head];
	q->n_data -= e->type == STACK_DATA;
	q->head = --q->n == 0 ? 0 : (q->head + 1) & (STACK_EVENTS - 1);
}

/* The user wants no more events but the last. */
static bool
is_aborted(const struct conn *c)
{
	return c->t->flags & TCB_MARKED && *conn_mark(c) & MARK_ABORTED;
}

static bool
is_held(const struct conn *c)
{
	return conn_unread(c) > 0 || (c->t->flags & TCB_MARKED && *conn_mark(c) & MARK_HELD);
}

static void
hold(const struct conn *c)
{
	c->t->flags |= TCB_MARKED;
	*conn_mark(c) |= MARK_HELD;
}

/* There was no memory to keep octets that are acknowledged already: the peer must learn that they
 * are lost. */
static void
give_up(struct stack *s, const struct conn *c)
{
	s->stats.drop_no_memory++;
	stack_abort(s, c->id, s->now);
}

/* By reference, unless octets before these are kept still. Not when a reset has come in the same burst: what was kept went with it (RFC 9293
 * 3.10.7.4, second: all segment queues are flushed), and what follows a hole is no stream. */
static bool
hand_data(struct stack *s, const struct conn *c, const struct event *e)
{
	reserve_settle(c->g, e->len);
	if (is_aborted(c) || group_is_dead(c->t))
		return false;
	if (conn_unread(c) == 0) {
		s->current.data = e->data;
		s->current.len = e->len;
		return true;
	}
	s->current.type = STACK_READABLE;
	if (reserve_keep(c->g, c->t, e->data, e->len, s->now))
		return true;
	give_up(s, c);
	return false;
}

static bool
hand_drained(struct stack *s, const struct conn *c, const struct event *e)
{
	struct chain chain = e->chain;

	s->current.type = STACK_READABLE;
	if (!group_is_dead(c->t) && !is_aborted(c)) {
		if (reserve_keep_chain(c->g, c->t, &chain, s->now))
			return true;
		give_up(s, c);
	}
	chain_free(&c->g->ctx.blocks, &chain);
	return false;
}

static bool
hand_eof(const struct conn *c)
{
	if (group_is_dead(c->t) || is_aborted(c))
		return false;
	if (!is_held(c))
		return true;
	hold(c);
	return false;
}

static bool
hand_end(struct stack *s, const struct conn *c)
{
	*conn_mark(c) &= (uint8_t)~MARK_END_QUEUED;
	if (c->t->state == TCP_TIME_WAIT && !is_aborted(c) && is_held(c)) {
		hold(c);
		return false;
	}
	s->over = c->id;
	return true;
}

/* The user has seen the last event: the handle ends. A connection in TIME-WAIT lives on without
 * him. */
void
event_end_handle(struct stack *s)
{
	struct conn c = conn_of(s, s->over);
	uint8_t *mark = conn_mark(&c);

	s->over = NO_CONN;
	if (c.t->state != TCP_TIME_WAIT) {
		group_put(c.g, c.slot);
		return;
	}
	c.t->flags &= (uint16_t)~TCB_MARKED;
	*mark = (uint8_t)((*mark & MARKS_OF_SLOT) | MARK_LINKED);
	lists_add(c.g, c.slot, s->now);
}

static bool
hand_up(struct stack *s, const struct event *e)
{
	struct conn c = conn_of(s, e->conn);

	s->current = (struct stack_event){
	    .conn = e->conn,
	    .type = e->type,
	    .why = e->why,
	    .listener = c.t->profile,
	    .app = c.t->app,
	};
	switch (e->type) {
	case STACK_DATA:
		return hand_data(s, &c, e);
	case EVENT_DRAINED:
		return hand_drained(s, &c, e);
	case STACK_EOF:
		return hand_eof(&c);
	case STACK_CLOSED:
	case STACK_FAILED:
		return hand_end(s, &c);
	case STACK_WRITABLE:
	case STACK_SENT:
	case STACK_VISIT:
		return !group_is_dead(c.t) && !is_aborted(&c);
	default: /* ACCEPTED, CONNECTED */
		return true;
	}
}

const struct stack_event *
stack_next_event(struct stack *s)
{
	struct event e;

	if (s->over != NO_CONN)
		event_end_handle(s);
	while (s->events.n > 0) {
		pop(&s->events, &e);
		if (hand_up(s, &e))
			return &s->current;
	}
	return NULL;
}

void
stack_keep(struct stack *s, const struct stack_event *ev, uint32_t len)
{
	struct conn c = conn_of(s, ev->conn);

	assert(ev->type == STACK_DATA && len <= ev->len);
	if (len == 0 || group_is_dead(c.t) || is_aborted(&c))
		return;
	if (!reserve_keep(c.g, c.t, ev->data + (ev->len - len), len, s->now))
		give_up(s, &c);
}

uint32_t
stack_read(struct stack *s, uint32_t id, const uint8_t **data)
{
	struct conn c = conn_of(s, id);
	const struct chain *q = tcp_rcvq(&c.g->ctx, c.t);

	return q != NULL ? chain_front(&c.g->ctx.blocks, q, data) : 0;
}

void
stack_read_done(struct stack *s, uint32_t id, uint32_t n)
{
	struct conn c = conn_of(s, id);
	struct chain *q = tcp_rcvq(&c.g->ctx, c.t);

	if (n == 0)
		return;
	assert(q != NULL && n <= q->len);
	chain_trim_front(&c.g->ctx.blocks, q, n);
	tcp_received(&c.g->ctx, c.t, s->now);
	conn_work(s, &c);
}
