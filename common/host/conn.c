/* conn.c - connections: made, told about, used and ended. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/internal.h"

#include <assert.h>
#include <errno.h>

/* --- making and freeing --- */

static uint32_t
count_conns(const struct stack *s)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < s->n_groups; i++)
		n += s->group[i].tcbs.in_use;
	return n;
}

static bool
is_full(const struct stack *s, const struct group *g)
{
	return count_conns(s) >= s->conf.max_conns || g->tcbs.in_use == g->tcbs.max;
}

bool
conn_is_room_for(const struct stack *s, const struct flow *f)
{
	return !is_full(s, group_of(s, f));
}

bool
conn_new(struct stack *s, const struct flow *f, uint64_t now, struct conn *c)
{
	struct group *g = group_of(s, f);

	if (is_full(s, g) && !shed_tcb(s, g, now)) {
		s->stats.drop_max_conns++;
		return false;
	}
	*c = conn_at(s, g, group_get(g));
	c->t->flow = *f;
	if (conntab_insert(&g->conntab, c->slot) == 0)
		return true;
	group_put(g, c->slot);
	s->stats.drop_max_conns++;
	return false;
}

void
conn_undo(const struct conn *c)
{
	conntab_remove(&c->g->conntab, c->slot);
	group_put(c->g, c->slot);
}

void
conn_work(struct stack *s, const struct conn *c)
{
	if (c->t->flags & TCB_ON_WORK)
		return;
	c->t->flags |= TCB_ON_WORK;
	fifo_push(&s->work, c->id, 0);
}

/* --- what a call of the engine has led to --- */

void
conn_queue_end(struct stack *s, const struct conn *c, enum stack_event_type type,
	       enum stack_why why)
{
	if (*conn_mark(c) & MARK_END_QUEUED)
		return;
	*conn_mark(c) |= MARK_END_QUEUED;
	event_push(s, c, type)->why = (uint8_t)why;
}

enum stack_why
conn_why(const struct conn *c, uint32_t events)
{
	if (events & TCP_EV_RESET)
		return STACK_WHY_RESET;
	if (events & TCP_EV_TIMEOUT)
		return STACK_WHY_TIMEOUT;
	if (events & TCP_EV_UNREACHABLE)
		return STACK_WHY_UNREACHABLE;
	if (*conn_mark(c) & MARK_SHED)
		return STACK_WHY_SHED;
	return *conn_mark(c) & MARK_ABORTED ? STACK_WHY_ABORT : STACK_WHY_NONE;
}

/* The engine is done with it. A half-open connection, and one in TIME-WAIT whose end was told, has
 * no user who could be waiting for an event. */
static void
ended(struct stack *s, const struct conn *c, enum tcp_state was, bool was_linked, uint32_t events)
{
	bool opening =
	    (was == TCP_SYN_SENT || was == TCP_SYN_RECEIVED) && !(events & TCP_EV_ESTABLISHED);
	bool failed = opening && events & (TCP_EV_RESET | TCP_EV_TIMEOUT | TCP_EV_UNREACHABLE);

	if (was_linked || (opening && c->t->flags & TCB_PASSIVE))
		group_put(c->g, c->slot);
	else
		conn_queue_end(s, c, failed ? STACK_FAILED : STACK_CLOSED, conn_why(c, events));
}

static void
queue_octets(struct stack *s, const struct conn *c, const uint8_t *payload)
{
	const struct tcp_out *out = &s->out;
	struct event *e;

	if (out->deliver_len > 0) {
		e = event_push(s, c, STACK_DATA);
		e->data = payload + out->deliver_off;
		e->len = out->deliver_len;
	}
	if (out->drained.len > 0) {
		e = event_push(s, c, EVENT_DRAINED);
		e->chain = out->drained;
	}
}

void
conn_after(struct stack *s, const struct conn *c, enum tcp_state was, const uint8_t *payload)
{
	uint32_t events = s->out.events;
	bool was_linked = was == TCP_TIME_WAIT && *conn_mark(c) & MARK_LINKED;

	group_state_changed(c->g, c->slot, was);
	if (events & TCP_EV_ESTABLISHED)
		event_push(s, c, c->t->flags & TCB_PASSIVE ? STACK_ACCEPTED : STACK_CONNECTED);
	if (events & TCP_EV_WRITABLE)
		event_push(s, c, STACK_WRITABLE);
	if (events & TCP_EV_SENT)
		event_push(s, c, STACK_SENT);
	queue_octets(s, c, payload);
	if (events & TCP_EV_EOF)
		event_push(s, c, STACK_EOF);
	if (events & TCP_EV_CLOSED)
		ended(s, c, was, was_linked, events);
	else if (events & TCP_EV_TIME_WAIT)
		conn_queue_end(s, c, STACK_CLOSED, STACK_WHY_NONE);
}

/* --- user calls. What ends by one of them is told by the next output: there the queue has room.
 * --- */

static bool
is_usable(const struct conn *c)
{
	return !group_is_dead(c->t) && !(c->t->flags & TCB_MARKED && *conn_mark(c) & MARK_ABORTED);
}

int
stack_connect(struct stack *s, const struct stack_open *o, uint64_t now, uint32_t *id)
{
	struct netif *nif = stack_route(s, o->flow.laddr);
	struct group *g = group_of(s, &o->flow);
	uint64_t hash = flow_hash(&s->key, &o->flow);
	uint8_t mac[6];
	struct conn c;

	if (nif == NULL || addr_next_hop(&nif->conf.addrs, o->flow.raddr) == 0)
		return -ENETUNREACH;
	if (conntab_find(&g->conntab, hash, &o->flow) != POOL_NONE)
		return -EADDRINUSE;
	if (!conn_new(s, &o->flow, now, &c))
		return -ENOBUFS;
	c.t->app = o->app;
	tcp_out_init(&s->out, 0);
	if (tcp_open_active(&g->ctx, c.t, now, &s->out) != 0) {
		conn_undo(&c);
		return -ENOBUFS;
	}
	netif_resolve(nif, o->flow.raddr, now, mac);
	s->now = now;
	conn_work(s, &c);
	*id = c.id;
	return 0;
}

uint64_t *
stack_app(struct stack *s, uint32_t id)
{
	return &conn_of(s, id).t->app;
}

const struct tcb *
stack_tcb(const struct stack *s, uint32_t id)
{
	return conn_of(s, id).t;
}

void
stack_prefetch(const struct stack *s, uint32_t id)
{
	__builtin_prefetch(conn_of(s, id).t, 1);
}

uint32_t
stack_conn_limit(const struct stack *s)
{
	return s->group[0].tcbs.max << s->conf.group_bits;
}

uint32_t
stack_next_conn(const struct stack *s, uint32_t from)
{
	uint32_t fresh = 0;

	for (unsigned i = 0; i < s->n_groups; i++)
		if (s->group[i].tcbs.fresh > fresh)
			fresh = s->group[i].tcbs.fresh;
	for (uint32_t id = from; id >> s->conf.group_bits < fresh; id++) {
		struct conn c = conn_of(s, id);

		if (c.slot < c.g->tcbs.fresh && c.t->state >= TCP_ESTABLISHED &&
		    c.t->state <= TCP_LAST_ACK)
			return id;
	}
	return UINT32_MAX;
}

uint32_t
stack_send_room(const struct stack *s, uint32_t id)
{
	struct conn c = conn_of(s, id);

	return is_usable(&c) ? tcp_send_room(&c.g->ctx, c.t) : 0;
}

/* Without an active block the engine cannot note who waits for one. */
void
conn_starves(struct stack *s, const struct conn *c)
{
	s->feed_at = s->now + STACK_FEED_NS;
	c->t->flags |= TCB_MARKED;
	*conn_mark(c) |= MARK_STARVED;
}

uint32_t
stack_send(struct stack *s, uint32_t id, const void *data, uint32_t len)
{
	struct conn c = conn_of(s, id);
	uint32_t taken;

	if (len == 0 || !is_usable(&c))
		return 0;
	taken = tcp_send(&c.g->ctx, c.t, data, len, s->now);
	if (taken < len)
		tcp_want_room(&c.g->ctx, c.t, s->now);
	if (taken < len && !tcb_is_active(c.t) && tcp_send_room(&c.g->ctx, c.t) > 0)
		conn_starves(s, &c);
	conn_work(s, &c);
	return taken;
}

void
stack_close(struct stack *s, uint32_t id, uint64_t now)
{
	struct conn c = conn_of(s, id);
	enum tcp_state was = c.t->state;

	if (!is_usable(&c))
		return;
	s->now = now;
	tcp_out_init(&s->out, 0);
	tcp_close(&c.g->ctx, c.t, now, &s->out);
	group_state_changed(c.g, c.slot, was);
	if (c.t->flags & TCB_CLOSE_DUE)
		conn_starves(s, &c);
	conn_work(s, &c);
}

void
stack_abort(struct stack *s, uint32_t id, uint64_t now)
{
	struct conn c = conn_of(s, id);

	if (!is_usable(&c))
		return;
	s->now = now;
	c.t->flags |= TCB_MARKED;
	*conn_mark(&c) |= MARK_ABORTED;
	conn_work(s, &c);
}
