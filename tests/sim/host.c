/* host.c - a turn of a tool's loop (host/stack.h), with a port that may refuse and memory that may run out. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/host.h"

#include <string.h>

#include "host/internal.h"
#include "link.h"
#include "memory.h"
#include "tcp/engine.h"
#include "user.h"
#include "watch.h"
#include "wire/bytes.h"

enum { EVENTS_MAX = 100000 };
#define RETRY_NS     (100 * US)
#define RETRY_MAX_NS (10 * MS)
#define MILLIONTHS   1000000

/* --- clock --- */

uint64_t
host_clock(const struct host *h, uint64_t t)
{
	const int64_t passed = (int64_t)(t - h->clock_from);

	return h->clock_base + (uint64_t)(passed + passed * h->k->skew_ppm / MILLIONTHS);
}

uint64_t
host_world_time(const struct host *h, uint64_t at)
{
	unsigned __int128 passed;
	uint64_t t;

	if (at == NEVER)
		return NEVER;
	if (at <= h->clock_base)
		return h->clock_from;
	passed = (unsigned __int128)(at - h->clock_base) * MILLIONTHS;
	passed /= (uint32_t)(MILLIONTHS + h->k->skew_ppm);
	if (passed > NEVER / 4)
		return NEVER;
	t = h->clock_from + (uint64_t)passed;
	while (host_clock(h, t) < at)
		t++;
	return t;
}

void
host_jump(struct world *w, struct host *h)
{
	h->clock_base = host_clock(h, w->t) + h->k->jump_ns;
	h->clock_from = w->t;
	h->wake = w->t;
	if (w->verbose)
		world_say(w, h->side, "clock leaps forward by %.3f s", (double)h->k->jump_ns / 1e9);
}

/* --- beginning --- */

/* So that the first connection's numbers wrap soon. */
static uint64_t
time_of_wrap(const struct world *w, const struct host *h, uint64_t now)
{
	const struct group *g = &h->s->group[0];
	const uint64_t per_ms = 1000000, per_number = 4000;
	struct tcb t = {.flow = flow_of(&w->conn[0], h->side)};

	if (h->k->wrap == WRAP_SEQUENCE)
		now += (uint64_t)(-h->k->wrap_lead - isn(&g->ctx, &t, now)) * per_number;
	if (h->k->wrap == WRAP_TIMESTAMP)
		now += (uint64_t)(-h->k->wrap_lead - timestamp_offset(&g->ctx, &t) -
				  (uint32_t)(now / per_ms)) *
		       per_ms;
	return now;
}

static void
listen_all(struct world *w, struct host *h)
{
	const struct stack_listener l = {.port = PORT_OPEN, .profile = h->k->profile};

	CHECK(w, stack_listen(h->s, &l) == 1);
	CHECK(w, stack_listen(h->s, &l) < 0);
	/* The user can do nothing else to a port that listens: there is no handle. */
	for (unsigned e = COVER_SEND; e <= COVER_ABORT; e++)
		w->r->cover.n[COVER_LISTEN][e]++;
}

void
host_begin(struct world *w, unsigned side)
{
	struct host *h = &w->host[side];
	struct stack_netif_conf nc = {.mac = {2, 0, 0, 0, 0, (uint8_t)side}};
	struct stack_conf c = w->k.host[side].conf;
	struct rng r;

	*h = (struct host){.side = side, .k = &w->k.host[side], .wake = w->start};
	rng_seed(&r, w->seed, 4000 + side);
	memcpy(c.secret, (const uint64_t[]){rng_u64(&r), rng_u64(&r)}, sizeof(c.secret));
	c.reserve = memory_reserve;
	c.release = memory_release;
	c.now = 1000 * S + rng_below(&r, 1000 * S);
	h->s = stack_new(&c);
	CHECK(w, h->s != NULL);
	nc.mtu = h->k->mtu;
	CHECK(w, addr_add_range(&nc.addrs, HOST_ADDR + side, 1, 24) == 0);
	CHECK(w, stack_add_netif(h->s, &nc) == 0);
	listen_all(w, h);
	h->clock_base = time_of_wrap(w, h, c.now);
	h->clock_from = w->start;
}

/* --- frames --- */

/* Tops the stock up. */
static void
give_frames(struct world *w, struct host *h)
{
	const uint64_t at = w->t - w->start;
	const unsigned n_short = stack_frames_short(h->s);
	unsigned n = STACK_STOCK - n_short;

	if (at >= h->k->poor_at && at < h->k->poor_until)
		return;
	for (; n < h->k->stock; n++) {
		struct buf *b = buf_get(w);
		const struct frame f = {.data = b->data, .handle = b, .room = BUF_ROOM};

		stack_give_frames(h->s, &f, 1);
		h->n_frames++;
	}
}

static bool
is_refusing(const struct world *w, const struct host *h)
{
	const uint64_t at = w->t - w->start;

	return at >= h->k->refuse_at && at < h->k->refuse_until;
}

static unsigned
transmit(struct world *w, struct host *h)
{
	const struct frame *f;
	unsigned n = stack_tx(h->s, 0, &f);

	if (is_refusing(w, h) && n > h->k->refuse_all_but)
		n = h->k->refuse_all_but;
	for (unsigned i = 0; i < n; i++) {
		struct buf *b = f[i].handle;

		b->len = f[i].len;
		watch_sent(w, h, b);
		if (w->verbose)
			watch_trace(w, h->side, ">", b);
		link_send(w, h->side, b);
		h->n_frames--;
	}
	stack_tx_done(h->s, 0, n);
	return n;
}

/* --- a look inside --- */

struct tcb *
host_tcb(const struct host *h, const struct flow *f, struct tcp_ctx **ctx)
{
	struct group *g = group_of(h->s, f);
	const uint32_t slot = conntab_find(&g->conntab, flow_hash(&h->s->key, f), f);

	if (ctx)
		*ctx = &g->ctx;
	return slot != POOL_NONE ? group_tcb(g, slot) : NULL;
}

enum cover_state
host_state(const struct host *h, const struct flow *f)
{
	const struct tcb *t = host_tcb(h, f, NULL);

	if (t != NULL)
		return cover_state_of(t->state);
	return f->lport == PORT_OPEN ? COVER_LISTEN : COVER_CLOSED;
}

unsigned
host_unsent(const struct host *h)
{
	const struct stack_stats *st = &h->s->stats;

	return (unsigned)(st->drop_no_neighbour + st->drop_tx + st->drop_no_frame);
}

uint32_t
host_conns(const struct host *h)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < h->s->n_groups; i++)
		n += h->s->group[i].tcbs.in_use;
	return n;
}

uint32_t
host_unread(const struct host *h, uint32_t id)
{
	const struct conn c = conn_of(h->s, id);

	return conn_unread(&c);
}

static void
count_timeouts(struct world *w, struct host *h)
{
	w->r->cover.n[COVER_CLOSED][COVER_TIMEOUT]++;
	w->r->cover.n[COVER_LISTEN][COVER_TIMEOUT]++;
	for (unsigned i = 0; i < w->n_conns; i++) {
		const struct flow f = flow_of(&w->conn[i], h->side);
		struct tcp_ctx *ctx;
		const struct tcb *t = host_tcb(h, &f, &ctx);

		if (t == NULL || tcp_deadline(ctx, t, h->now) > h->now)
			continue;
		w->r->cover.n[cover_state_of(t->state)][COVER_TIMEOUT]++;
		h->timeouts++;
	}
	h->timeouts++;
}

/* --- pools that have nothing left --- */

enum { HIDDEN_MAX = 3 * 8 };

static struct {
	struct pool *pool;
	uint32_t free_head, max;
} hidden[2][HIDDEN_MAX];

static void
hide(struct host *h, struct pool *p)
{
	hidden[h->side][h->hidden].pool = p;
	hidden[h->side][h->hidden].free_head = p->free_head;
	hidden[h->side][h->hidden++].max = p->max;
	p->free_head = POOL_NONE;
	p->max = p->in_use;
}

static void
show(struct pool *p, uint32_t free_head, uint32_t max)
{
	uint32_t h = free_head, next;

	p->max = max;
	if (free_head == POOL_NONE)
		return;
	for (;;) { /* what came back in the meantime goes behind the rest */
		memcpy(&next, pool_at(p, h), sizeof(next));
		if (next == POOL_NONE)
			break;
		h = next;
	}
	memcpy(pool_at(p, h), &p->free_head, sizeof(p->free_head));
	p->free_head = free_head;
}

static void
starve(const struct world *w, struct host *h)
{
	if (w->steps < h->k->starve_step || w->steps >= h->k->starve_step + h->k->starve_steps)
		return;
	for (unsigned i = 0; i < h->s->n_groups; i++) {
		struct tcp_ctx *ctx = &h->s->group[i].ctx;

		hide(h, &ctx->acts);
		hide(h, &ctx->blocks.small);
		hide(h, &ctx->blocks.large);
	}
}

static void
feed(struct host *h)
{
	while (h->hidden > 0) {
		h->hidden--;
		show(hidden[h->side][h->hidden].pool, hidden[h->side][h->hidden].free_head,
		     hidden[h->side][h->hidden].max);
	}
}

/* --- a turn --- */

static struct flow
read_flow(const uint8_t *ip, const uint8_t *ports, bool ours)
{
	const struct flow f = {load_be32(ip + 16), load_be32(ip + 12), load_be16(ports + 2),
			       load_be16(ports)};

	return ours ? (struct flow){f.raddr, f.laddr, f.rport, f.lport} : f;
}

/* Which event meets which state. */
static void
count_arrival(struct world *w, const struct host *h, const struct buf *b)
{
	enum cover_event e = COVER_ICMP;
	struct flow f;

	if (b->note.caught || (b->note.kind == PKT_ICMP && b->len < 66))
		return;
	if (b->note.kind == PKT_TCP) {
		f = read_flow(b->data + 14, b->data + 34, false);
		e = cover_event_of(b->note.flags, b->note.len);
	} else if (b->note.kind == PKT_ICMP) {
		f = read_flow(b->data + 42, b->data + 62, true);
	} else {
		return;
	}
	w->r->cover.n[host_state(h, &f)][e]++;
}

static void
fill(struct world *w, struct host *h, struct frame *f, struct buf *const *in, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		f[i] = (struct frame){.data = memory_exact(in[i]->data, in[i]->len),
				      .len = in[i]->len};
		if (w->verbose)
			watch_trace(w, h->side, "<", in[i]);
		watch_arrives(w, h, in[i]);
		if (i == 0 || w->k.distinct) /* later ones may meet another state */
			count_arrival(w, h, in[i]);
	}
}

static unsigned
take_events(struct world *w, struct host *h)
{
	const struct stack_event *ev;
	unsigned n = 0;

	while ((ev = stack_next_event(h->s)) != NULL) {
		user_event(w, h, ev);
		watch_states(w, h, 4); /* one that was put to him, and what he did */
		CHECK(w, ++n < EVENTS_MAX);
	}
	return n;
}

/* When the next turn is due. Somebody who waits for what nobody says comes back ever more seldom. */
static void
plan(const struct world *w, struct host *h, uint64_t deadline, bool waits, bool moved)
{
	h->wake = host_world_time(h, deadline);
	if (h->wake <= w->t)
		h->wake = w->t + US;
	if (moved || h->retry_ns == 0)
		h->retry_ns = RETRY_NS;
	if (!waits || h->wake <= w->t + h->retry_ns)
		return;
	h->wake = w->t + h->retry_ns;
	if (h->retry_ns < RETRY_MAX_NS)
		h->retry_ns *= 2;
}

bool
host_turn(struct world *w, struct host *h, struct buf *const *in, unsigned n)
{
	struct frame f[32];
	uint64_t deadline;
	const uint64_t acts = h->acts_of_user;
	unsigned moved, in_line;
	bool waits;

	h->now = host_clock(h, w->t);
	h->turns++;
	w->r->turns++;
	give_frames(w, h);
	starve(w, h);
	fill(w, h, f, in, n);
	for (unsigned i = 0, part; i < n; i += part) {
		part = w->k.whole || n - i < w->burst ? n - i : w->burst;
		stack_input(h->s, h->now, f + i, part);
	}
	if (n > 0)
		watch_states(w, h, 2 * n);
	else
		count_timeouts(w, h);
	in_line = h->s->work.n;
	deadline = stack_timers(h->s, h->now);
	/* What it has woken gets its next deadline from stack_output only: another look. */
	moved = n + (h->s->work.n > in_line) + take_events(w, h);
	if (n == 0)
		user_act(w, h);
	watch_states(w, h, 3);
	waits = stack_output(h->s, h->now);
	watch_states(w, h, 2);
	moved += transmit(w, h);
	feed(h);
	for (unsigned i = 0; i < n; i++)
		memory_exact_free(f[i].data, in[i]->data);
	watch_turn(w, h);
	if (w->k.check_all)
		stack_check(h->s);
	moved += h->acts_of_user > acts;
	plan(w, h, deadline, waits, moved > 0);
	return moved > 0;
}

/* --- end --- */

static void
check_group(const struct world *w, const struct group *g)
{
	CHECK(w, g->tcbs.in_use == 0 && g->conntab.n == 0);
	CHECK(w, g->ctx.acts.in_use == g->reserve.n_acts && g->ctx.wheel.n == 0);
	CHECK(w, g->ctx.blocks.small.in_use == 0);
	CHECK(w, g->ctx.blocks.large.in_use == g->reserve.n_blocks);
	CHECK(w, g->n_half_open == 0 && g->n_time_wait == 0);
}

/* What was spoilt was told by its checksum, or by its length. */
static uint64_t
count_bad(const struct host *h)
{
	struct stack_stats st;
	uint64_t n = 0;

	stack_stats(h->s, &st);
	for (unsigned i = 1; i < PKT_N_DROPS; i++)
		n += st.drop[i];
	return n;
}

void
host_free(struct world *w, unsigned side)
{
	struct host *h = &w->host[side];
	struct frame f[64];
	unsigned n;

	while ((n = stack_take_frames(h->s, f, 64)) > 0)
		for (unsigned i = 0; i < n; i++, h->n_frames--)
			buf_put(w, f[i].handle);
	CHECK(w, h->n_frames == 0);
	memory_clean(h->s);
	stack_free(h->s);
}

void
host_end(struct world *w, unsigned side)
{
	struct host *h = &w->host[side];

	stack_check(h->s);
	for (unsigned i = 0; i < h->s->n_groups; i++)
		check_group(w, &h->s->group[i]);
	CHECK(w, count_bad(h) >= h->spoilt_in);
	host_free(w, side);
}
