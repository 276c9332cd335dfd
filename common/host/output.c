/* output.c - the line of connections with work: their deadlines, segments, next timers. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/internal.h"

#include <assert.h>

enum { PREFETCH_AHEAD = 4 };

struct netif *
stack_route(const struct stack *s, uint32_t src)
{
	for (unsigned i = 0; i < s->n_netifs; i++)
		if (addr_is_local(&s->netif[i].conf.addrs, src))
			return &s->netif[i];
	return NULL;
}

/* --- segments become frames --- */

static void
build(struct stack *s, struct netif *nif, const struct conn *c, const struct build_ip *ip,
      const struct tcp_seg *seg)
{
	struct frame *f = &s->stock[--s->n_stock];
	const struct flow *flow = &c->t->flow;

	if (seg->len > 0)
		tcp_sndq_copy(&c->g->ctx, c->t, seg->seq, seg->len,
			      f->data + build_tcp_payload_offset(ip, seg));
	f->len = (uint32_t)build_tcp(f->data, f->room, ip, flow->lport, flow->rport, seg, NULL);
	f->port = (uint8_t)(nif - s->netif);
	f->flags = 0;
	netif_tx_push(nif, f);
	s->stats.tcp_out++;
}

static void
send_segments(struct stack *s, struct netif *nif, const struct conn *c, const uint8_t mac[6])
{
	struct build_ip ip;

	netif_fill_ip(nif, &ip, c->t->flow.laddr, c->t->flow.raddr, mac, conn_tos(c));
	for (unsigned i = 0; i < s->out.n_segs; i++)
		build(s, nif, c, &ip, &s->out.seg[i]);
}

/* --- ARP: a request leaves where the need for it arises, like everything else --- */

static bool
can_send(const struct stack *s, const struct netif *nif)
{
	return s->n_stock > 0 && netif_tx_room(nif) > 0;
}

/* What has been written to the next frame of the stock. */
static void
send_arp(struct stack *s, struct netif *nif, size_t len)
{
	struct frame *f = &s->stock[--s->n_stock];

	f->len = (uint32_t)len;
	f->port = (uint8_t)(nif - s->netif);
	f->flags = 0;
	netif_tx_push(nif, f);
	s->stats.arp_out++;
}

static void
ask_neighbours(struct stack *s, struct netif *nif)
{
	while (neigh_deadline(&nif->neighbours) <= s->now && can_send(s, nif)) {
		struct frame *f = &s->stock[s->n_stock - 1];
		size_t len = netif_next_request(nif, s->now, f->data, f->room);

		if (len == 0)
			return;
		send_arp(s, nif, len);
	}
}

/* --- one connection --- */

enum served {
	SERVED,
	SERVE_AGAIN, /* it has more to send: after the others */
	SERVE_WAIT,  /* for its neighbour, or for room on its interface while others have some */
	SERVE_STOP,  /* nobody can be served now */
};

/* What the engine may make of out; why not when that is nothing. */
struct way {
	struct netif *nif;
	enum neigh_result neighbour;
	uint8_t mac[6];
	unsigned room;
};

static bool
all_netifs_full(const struct stack *s)
{
	for (unsigned i = 0; i < s->n_netifs; i++)
		if (netif_tx_room(&s->netif[i]) > 0)
			return false;
	return true;
}

static unsigned
way_room(const struct stack *s, const struct netif *nif)
{
	uint32_t room = netif_tx_room(nif);

	if (room > s->n_stock)
		room = s->n_stock;
	return room < TCP_OUT_SEGS ? room : TCP_OUT_SEGS;
}

static enum served
find_way(struct stack *s, const struct conn *c, uint64_t now, struct way *w)
{
	const struct flow *f = &c->t->flow;

	w->nif = stack_route(s, f->laddr);
	assert(w->nif != NULL);
	w->room = way_room(s, w->nif);
	if (w->room == 0)
		return s->n_stock == 0 || all_netifs_full(s) ? SERVE_STOP : SERVE_WAIT;
	w->neighbour = netif_resolve(w->nif, f->raddr, now, w->mac);
	ask_neighbours(s, w->nif);
	w->room = way_room(s, w->nif);
	if (w->room == 0)
		return SERVE_STOP;
	return w->neighbour == NEIGH_PENDING ? SERVE_WAIT : SERVED;
}

/* Nobody answers for the next hop: as far as the engine knows the segments have left, and its
 * timers go on. */
static void
finish_way(struct stack *s, const struct conn *c, const struct way *w)
{
	if (w->neighbour == NEIGH_FOUND)
		send_segments(s, w->nif, c, w->mac);
	else
		s->stats.drop_no_neighbour += s->out.n_segs;
}

static enum served
abort_now(struct stack *s, const struct conn *c, uint64_t now)
{
	enum tcp_state was = c->t->state;
	struct way w;
	enum served r = find_way(s, c, now, &w);

	if (r == SERVE_STOP || (r == SERVE_WAIT && w.room == 0))
		return r;
	tcp_out_init(&s->out, w.room);
	tcp_abort(&c->g->ctx, c->t, now, &s->out);
	finish_way(s, c, &w);
	conn_after(s, c, was, NULL);
	return SERVED;
}

/* What was kept has been read, so that the end can be told. */
static void
tell_held(struct stack *s, const struct conn *c)
{
	*conn_mark(c) &= (uint8_t)~MARK_HELD;
	event_push(s, c, STACK_EOF);
	if (c->t->state == TCP_TIME_WAIT)
		conn_queue_end(s, c, STACK_CLOSED, STACK_WHY_NONE);
}

static void
feed(struct stack *s, const struct conn *c)
{
	/* What is due of a close is for tcp_timeout to see to. */
	if (c->g->ctx.acts.in_use == c->g->ctx.acts.max || c->t->flags & TCB_CLOSE_DUE) {
		conn_starves(s, c);
		return;
	}
	*conn_mark(c) &= (uint8_t)~MARK_STARVED;
	if (tcp_send_room(&c->g->ctx, c->t) > 0)
		event_push(s, c, STACK_WRITABLE);
}

static bool
is_starved(const struct conn *c)
{
	return c->t->flags & TCB_MARKED && *conn_mark(c) & MARK_STARVED;
}

static enum served
serve_marked(struct stack *s, const struct conn *c, uint64_t now)
{
	uint8_t mark = *conn_mark(c);

	if (mark & MARK_ABORTED)
		return abort_now(s, c, now);
	if (mark & MARK_HELD && conn_unread(c) == 0)
		tell_held(s, c);
	if (mark & MARK_STARVED)
		feed(s, c);
	if (!(*conn_mark(c) & (MARK_HELD | MARK_STARVED)))
		c->t->flags &= (uint16_t)~TCB_MARKED;
	return SERVED;
}

/* Those in lists are timed by their order there, so none may stand still: what it would send waits
 * with it, but its time goes on. */
static enum served
time_goes_on(struct stack *s, const struct conn *c, uint64_t now)
{
	enum tcp_state was = c->t->state;

	tcp_out_init(&s->out, 0);
	tcp_timeout(&c->g->ctx, c->t, now, &s->out);
	conn_after(s, c, was, NULL);
	if (c->t->state != was)
		return SERVED;
	lists_requeue(c->g, c->slot, now);
	return SERVE_WAIT;
}

/* Its deadline if that has come, else its output. */
static enum served
serve_engine(struct stack *s, const struct conn *c, uint64_t now)
{
	struct tcp_ctx *ctx = &c->g->ctx;
	enum tcp_state was = c->t->state;
	bool due = tcp_deadline(ctx, c->t, now) <= now, more;
	enum served r;
	struct way w;

	if (!due && !tcp_wants_output(ctx, c->t))
		return SERVED;
	r = find_way(s, c, now, &w);
	if (r == SERVE_WAIT && due && group_is_listed(c->g, c->slot))
		return time_goes_on(s, c, now);
	if (r != SERVED)
		return r;
	tcp_out_init(&s->out, w.room);
	if (due)
		tcp_timeout(ctx, c->t, now, &s->out);
	if (due && group_is_half_open(c->t))
		lists_requeue(c->g, c->slot, now);
	more = c->t->state != TCP_CLOSED && tcp_output(ctx, c->t, now, &s->out);
	finish_way(s, c, &w);
	conn_after(s, c, was, NULL);
	return more ? SERVE_AGAIN : SERVED;
}

static enum served
serve(struct stack *s, const struct conn *c, uint64_t now)
{
	enum served r = SERVED;

	if (c->t->state == TCP_FREE)
		return SERVED;
	if (!events_have_room(s))
		return SERVE_STOP;
	if (c->t->state != TCP_CLOSED && c->t->flags & TCB_MARKED)
		r = serve_marked(s, c, now);
	if (!group_is_dead(c->t) && r == SERVED)
		r = serve_engine(s, c, now);
	if (c->t->state == TCP_CLOSED) /* ended by a call of the user */
		conn_queue_end(s, c, STACK_CLOSED, conn_why(c, 0));
	if (group_is_dead(c->t) || r != SERVED)
		return r;
	if (!group_arm(c->g, c->slot, now))
		return SERVE_AGAIN;
	return is_starved(c) ? SERVE_WAIT : SERVED;
}

/* --- the line --- */

static void
prefetch_ahead(const struct stack *s)
{
	struct conn c;

	if (s->work.n <= PREFETCH_AHEAD)
		return;
	if (fifo_at(&s->work, PREFETCH_AHEAD)->handle != WORK_ANSWER) {
		c = conn_of(s, fifo_at(&s->work, PREFETCH_AHEAD)->handle);
		__builtin_prefetch(c.t, 1);
	}
	if (fifo_at(&s->work, PREFETCH_AHEAD / 2)->handle == WORK_ANSWER)
		return;
	c = conn_of(s, fifo_at(&s->work, PREFETCH_AHEAD / 2)->handle);
	if (!group_is_dead(c.t) && tcb_is_active(c.t))
		__builtin_prefetch(pool_at(&c.g->ctx.acts, c.t->act));
}

static void
wait_for_kick(struct stack *s, const struct conn *c)
{
	if (*conn_mark(c) & MARK_WAITING)
		return;
	*conn_mark(c) |= MARK_WAITING;
	fifo_push(&s->waiting, c->id, 0);
}

/* False: the line stands still. */
static bool
serve_next(struct stack *s, uint64_t now)
{
	uint32_t id = fifo_at(&s->work, 0)->handle;
	struct conn c;
	enum served r;

	if (id == WORK_ANSWER) {
		fifo_pop(&s->work);
		answer_leave(s);
		return true;
	}
	c = conn_of(s, id);
	r = serve(s, &c, now);
	if (r == SERVE_STOP)
		return false;
	fifo_pop(&s->work);
	c.t->flags &= (uint16_t)~TCB_ON_WORK;
	if (r == SERVE_AGAIN)
		conn_work(s, &c);
	else if (r == SERVE_WAIT)
		wait_for_kick(s, &c);
	return true;
}

static bool
waits_for(const struct stack *s, const struct conn *c, uint32_t hop)
{
	const struct netif *nif;

	if (hop == 0 || group_is_dead(c->t))
		return true;
	nif = stack_route(s, c->t->flow.laddr);
	return addr_next_hop(&nif->conf.addrs, c->t->flow.raddr) == hop;
}

void
work_kick(struct stack *s, uint32_t hop)
{
	for (uint32_t n = s->waiting.n; n > 0; n--) {
		struct conn c = conn_of(s, fifo_pop(&s->waiting));

		if (waits_for(s, &c, hop)) {
			*conn_mark(&c) &= (uint8_t)~MARK_WAITING;
			conn_work(s, &c);
		} else {
			fifo_push(&s->waiting, c.id, 0);
		}
	}
}

static void
announce(struct stack *s, struct netif *nif)
{
	for (unsigned n = 0; n < NETIF_ANNOUNCE_BURST && can_send(s, nif); n++) {
		struct frame *f = &s->stock[s->n_stock - 1];
		size_t len = netif_next_announcement(nif, f->data, f->room);

		if (len == 0)
			return;
		send_arp(s, nif, len);
	}
}

/* What a port has not taken for long is stale, and keeps others waiting. */
static void
drop_stale(struct stack *s, struct netif *nif, uint64_t now)
{
	uint32_t n = nif->n_tx;

	if (n == 0)
		return;
	if (nif->tx_stuck_ns == 0)
		nif->tx_stuck_ns = now;
	if (now - nif->tx_stuck_ns < NETIF_PATIENCE_NS)
		return;
	for (uint32_t i = 0; i < n; i++)
		s->stock[s->n_stock++] = nif->tx[nif->tx_head + i];
	s->stats.drop_tx += n;
	netif_tx_taken(nif, n);
	work_kick(s, 0);
}

static bool
is_waiting(const struct stack *s)
{
	bool waiting = s->work.n > 0 || s->events.n > 0;

	for (unsigned i = 0; i < s->n_netifs; i++)
		waiting |= s->netif[i].n_tx > 0 || s->netif[i].announce != UINT32_MAX;
	return waiting;
}

bool
stack_output(struct stack *s, uint64_t now)
{
	assert(s->events.n_data == 0); /* their frames are about to go */
	if (s->over != NO_CONN)
		event_end_handle(s);
	s->now = now;
	for (unsigned i = 0; i < s->n_netifs; i++)
		drop_stale(s, &s->netif[i], now);
	if (now >= s->feed_at) {
		s->feed_at = UINT64_MAX;
		work_kick(s, 0);
	}
	while (s->work.n > 0) {
		prefetch_ahead(s);
		if (!serve_next(s, now))
			break;
	}
	for (unsigned i = 0; i < s->n_netifs; i++) {
		ask_neighbours(s, &s->netif[i]);
		announce(s, &s->netif[i]);
		if (netif_has_given_up(&s->netif[i]))
			work_kick(s, 0);
	}
	return is_waiting(s);
}

unsigned
stack_tx(struct stack *s, unsigned netif, const struct frame **f)
{
	const struct netif *nif = &s->netif[netif];

	*f = nif->tx + nif->tx_head;
	return nif->n_tx;
}

void
stack_tx_done(struct stack *s, unsigned netif, unsigned taken)
{
	struct netif *nif = &s->netif[netif];

	for (unsigned i = 0; i < taken; i++)
		s->stats.tx_octets += nif->tx[nif->tx_head + i].len;
	s->stats.tx_frames += taken;
	bool was_full = netif_tx_room(nif) == 0;

	netif_tx_taken(nif, taken);
	if (was_full && taken > 0)
		work_kick(s, 0);
}
