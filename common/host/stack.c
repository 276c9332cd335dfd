/* stack.c - a stack is made, gets its interfaces and listeners, and its clock is wound. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/stack.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/rng.h"
#include "host/internal.h"

enum {
	MIN_ACTIVE = 4096,
	MIN_HALF_OPEN = 4096,
	RESETS_BURST = 1000,
	MIN_LARGE = 64,
	DEFAULT_CONNS = 1 << 20,
	DEFAULT_LISTENERS = 64,
	GROUP_SLACK = 1024,
	IP_TCP_HEADERS = 40,
	TIMEOUT_BATCH = 32,
	CACHE_LINE = 64,
};

void
stack_conf_default(struct stack_conf *c)
{
	*c = (struct stack_conf){.max_conns = DEFAULT_CONNS};
	tcp_config_default(&c->tcp);
}

static uint32_t
at_least(uint32_t n, uint32_t least)
{
	return n > least ? n : least;
}

static uint32_t
at_most(uint32_t n, uint32_t most)
{
	return n < most ? n : most;
}

static void
fill_defaults(struct stack_conf *c)
{
	if (c->max_active == 0)
		c->max_active = at_least(c->max_conns / 16, MIN_ACTIVE);
	if (c->blocks_small == 0)
		c->blocks_small = c->max_active;
	if (c->blocks_large == 0)
		c->blocks_large = at_least(c->max_active / 4, MIN_LARGE);
	if (c->max_half_open == 0)
		c->max_half_open = at_most(at_least(c->max_conns / 16, MIN_HALF_OPEN),
					   at_least(c->max_conns / 2, 1));
	if (c->max_half_open_per_source == 0)
		c->max_half_open_per_source = at_least(c->max_half_open / 4, 1);
	if (c->max_listeners == 0)
		c->max_listeners = DEFAULT_LISTENERS;
}

/* Flows spread over groups unevenly: each may have twice its share. What is not used is not
 * touched. */
static uint32_t
share(const struct stack_conf *c, uint32_t n)
{
	return c->group_bits == 0 ? n : (n >> c->group_bits) * 2 + GROUP_SLACK;
}

static void
fill_sizes(const struct stack_conf *c, struct group_sizes *z)
{
	*z = (struct group_sizes){
	    .conns = share(c, c->max_conns),
	    .acts = share(c, c->max_active),
	    .small = share(c, c->blocks_small),
	    .large = share(c, c->blocks_large),
	};
}

/* The table's key must not be that of the initial sequence numbers, which peers see. */
static void
derive_key(struct flow_key *key, const uint8_t secret[16])
{
	key->k0 = siphash24(secret, "host.k0", 7);
	key->k1 = siphash24(secret, "host.k1", 7);
}

static uint64_t
page(uint64_t bytes)
{
	return (bytes + 4095) & ~UINT64_C(4095);
}

/* The parts of the one reservation for all that grows with the connections. */
struct layout {
	struct group_sizes sizes;
	uint64_t group, line; /* octets of each group, of each of the two lines */
	uint32_t work;	      /* entries of a line */
};

static uint64_t
lay_out(const struct stack_conf *c, struct layout *l)
{
	const uint64_t n_groups = UINT64_C(1) << c->group_bits;
	uint64_t entries, p = 1;

	fill_sizes(c, &l->sizes);
	entries = l->sizes.conns * n_groups + STACK_ANSWERS;
	while (p < entries)
		p <<= 1;
	l->work = (uint32_t)p;
	l->group = page(group_bytes(&l->sizes));
	l->line = page(p * sizeof(struct fifo_item));
	return l->group * n_groups + 2 * l->line + CACHE_LINE;
}

uint64_t
stack_bytes(const struct stack_conf *c)
{
	struct stack_conf full = *c;
	struct layout l;

	fill_defaults(&full);
	return lay_out(&full, &l);
}

static int
reserve_memory(struct stack *s)
{
	struct layout l;
	uint8_t *p;

	s->mem_bytes = lay_out(&s->conf, &l);
	s->mem = s->conf.reserve(s->mem_bytes);
	if (s->mem == NULL)
		return -ENOMEM;
	p = (uint8_t *)(((uintptr_t)s->mem + CACHE_LINE - 1) & ~(uintptr_t)(CACHE_LINE - 1));
	for (unsigned i = 0; i < s->n_groups; i++, p += l.group)
		group_init(&s->group[i], &l.sizes, p, &s->conf.tcp, s->conf.secret, &s->half_open,
			   s->conf.now);
	fifo_init(&s->work, p, l.work);
	fifo_init(&s->waiting, p + l.line, l.work);
	return 0;
}

/* As fast as the profiles of the first n rows ask for. */
static void
start_sweeps(struct stack *s, unsigned n)
{
	const struct sweep_pace pace = sweep_pace_of(s->profile, n);
	const struct sweep_pace visits = {s->visit_ns, s->visit_ns};

	for (unsigned i = 0; i < s->n_groups; i++) {
		sweep_start(&s->group[i].silence, pace, s->now);
		sweep_start(&s->group[i].visits, visits, s->now);
	}
}

struct stack *
stack_new(const struct stack_conf *c)
{
	struct stack *s = calloc(1, sizeof(*s));

	assert(c->group_bits <= MAX_GROUP_BITS && c->max_conns > 0);
	if (s == NULL)
		return NULL;
	s->conf = *c;
	s->conf.tcp.profiles = s->profile;
	s->profile[0] = c->profile;
	s->now = c->now;
	s->feed_at = UINT64_MAX;
	s->over = NO_CONN;
	s->n_groups = 1U << c->group_bits;
	fill_defaults(&s->conf);
	derive_key(&s->key, c->secret);
	listen_init(&s->listeners, s->conf.max_listeners);
	sources_init(&s->half_open, &s->key);
	limit_init(&s->resets, c->resets_per_s, RESETS_BURST, &s->key);
	s->group = calloc(s->n_groups, sizeof(*s->group));
	s->netif = calloc(STACK_MAX_NETIFS, sizeof(*s->netif));
	if (s->group == NULL || s->netif == NULL || reserve_memory(s) != 0) {
		stack_free(s);
		errno = ENOMEM;
		return NULL;
	}
	start_sweeps(s, 1);
	return s;
}

void
stack_free(struct stack *s)
{
	if (s->mem != NULL)
		s->conf.release(s->mem, s->mem_bytes);
	for (unsigned i = 0; i < s->n_netifs; i++)
		free(s->netif[i].neighbours.slot);
	free(s->netif);
	free(s->group);
	free(s);
}

/* --- interfaces and listeners --- */

static bool
overlaps(const struct netif_addrs *a, const struct netif_addrs *b)
{
	for (uint32_t i = 0; i < a->n_ranges; i++)
		for (uint32_t j = 0; j < b->n_ranges; j++)
			if (a->range[i].base - b->range[j].base < b->range[j].count ||
			    b->range[j].base - a->range[i].base < a->range[i].count)
				return true;
	return false;
}

int
stack_add_netif(struct stack *s, const struct stack_netif_conf *c)
{
	struct netif *nif = &s->netif[s->n_netifs];
	void *mem;
	int error;

	if (s->n_netifs == STACK_MAX_NETIFS)
		return -ENOSPC;
	for (unsigned i = 0; i < s->n_netifs; i++)
		if (overlaps(&s->netif[i].conf.addrs, &c->addrs))
			return -EADDRINUSE;
	mem = malloc(netif_bytes());
	if (mem == NULL)
		return -ENOMEM;
	error = netif_init(nif, c, &s->key, mem);
	if (error != 0) {
		free(mem);
		return error;
	}
	for (unsigned i = 0; i < s->n_groups; i++)
		if (s->group[i].ctx.cfg.mss > c->mtu - IP_TCP_HEADERS)
			s->group[i].ctx.cfg.mss = (uint16_t)(c->mtu - IP_TCP_HEADERS);
	return (int)s->n_netifs++;
}

void
stack_announce(struct stack *s, unsigned netif)
{
	s->netif[netif].announce = 0;
}

bool
stack_resolve(struct stack *s, uint32_t dst, uint64_t now)
{
	uint8_t mac[6];

	for (unsigned i = 0; i < s->n_netifs; i++)
		if (addr_next_hop(&s->netif[i].conf.addrs, dst) != 0)
			return netif_resolve(&s->netif[i], dst, now, mac) == NEIGH_FOUND;
	return false;
}

int
stack_listen(struct stack *s, const struct stack_listener *l)
{
	int row = listen_add(&s->listeners, l);

	if (row < 0)
		return row;
	s->profile[row] = l->profile;
	if (l->visit_ns > 0 && (s->visit_ns == 0 || l->visit_ns < s->visit_ns))
		s->visit_ns = l->visit_ns;
	start_sweeps(s, (unsigned)row + 1);
	return row;
}

/* --- empty frames --- */

unsigned
stack_frames_short(const struct stack *s)
{
	return s->n_stock < STACK_STOCK ? STACK_STOCK - s->n_stock : 0;
}

void
stack_give_frames(struct stack *s, const struct frame *f, unsigned n)
{
	assert(n <= stack_frames_short(s));
	for (unsigned i = 0; i < n; i++) {
		assert(f[i].room >= s->group[0].ctx.cfg.mss + BUILD_TCP_MAX_HEADERS);
		s->stock[s->n_stock++] = f[i];
	}
}

/* Those that were built for somebody, too: nobody will send them any more. */
static void
unsend(struct stack *s)
{
	for (unsigned i = 0; i < s->n_netifs; i++) {
		struct netif *nif = &s->netif[i];

		for (uint32_t k = 0; k < nif->n_tx; k++)
			s->stock[s->n_stock++] = nif->tx[nif->tx_head + k];
		netif_tx_taken(nif, nif->n_tx);
	}
}

unsigned
stack_take_frames(struct stack *s, struct frame *f, unsigned max)
{
	unsigned n = 0;

	answer_discard_all(s);
	unsend(s);
	while (n < max && s->n_stock > 0)
		f[n++] = s->stock[--s->n_stock];
	return n;
}

/* --- time --- */

static void
wake_all(struct stack *s, struct group *g, const uint32_t *slot, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct conn c = conn_at(s, g, slot[i]);

		if (!group_is_dead(c.t))
			conn_work(s, &c);
	}
}

/* Idle connections for which something is due after a long time, and timestamps that age. */
static bool
sweep(struct stack *s, struct group *g, uint64_t now)
{
	uint32_t first = 0, n;
	bool any = false;

	for (unsigned i = 0; i < SWEEP_STEPS; i++) {
		n = sweep_step(&g->silence, g->tcbs.fresh, now, &first);
		for (uint32_t slot = first; slot < first + n; slot++) {
			struct conn c = conn_at(s, g, slot);

			if (!tcp_sweep(&g->ctx, c.t, now))
				continue;
			conn_work(s, &c);
			any = true;
		}
	}
	return any;
}

static bool
is_visited(const struct stack *s, const struct tcb *t)
{
	return t->state >= TCP_ESTABLISHED && t->state < TCP_TIME_WAIT && t->flags & TCB_PASSIVE &&
	       s->listeners.row[t->profile].visit_ns > 0;
}

/* Applications look after their connections. */
static void
visit(struct stack *s, struct group *g, uint64_t now)
{
	uint32_t first = 0, n;

	for (unsigned i = 0; i < SWEEP_STEPS; i++) {
		if (s->events.n + SWEEP_STEP + EVENTS_PER_CALL > STACK_EVENTS)
			return;
		n = sweep_step(&g->visits, g->tcbs.fresh, now, &first);
		for (uint32_t slot = first; slot < first + n; slot++) {
			struct conn c = conn_at(s, g, slot);

			if (is_visited(s, c.t))
				event_push(s, &c, STACK_VISIT);
		}
	}
}

/* True: there was somebody. */
static bool
wake(struct stack *s, struct group *g, uint64_t now)
{
	uint32_t slot[STACK_TIMEOUTS];
	unsigned n, budget = STACK_TIMEOUTS;

	do {
		n = group_expire(g, now, slot, TIMEOUT_BATCH);
		wake_all(s, g, slot, n);
		budget -= n;
	} while (n == TIMEOUT_BATCH && budget >= TIMEOUT_BATCH);
	n = lists_expire(g, now, slot, STACK_TIMEOUTS);
	wake_all(s, g, slot, n);
	visit(s, g, now);
	return sweep(s, g, now) || n > 0 || budget < STACK_TIMEOUTS;
}

uint64_t
stack_timers(struct stack *s, uint64_t now)
{
	uint64_t next = s->feed_at;

	s->now = now;
	for (unsigned i = 0; i < s->n_groups; i++) {
		struct group *g = &s->group[i];
		uint64_t again = shed_if_low(s, g, now), at;

		/* When those that wake are due next is known after the output. */
		at = wake(s, g, now) ? now : group_next_ns(g, now);
		at = at < again ? at : again;
		next = at < next ? at : next;
	}
	for (unsigned i = 0; i < s->n_netifs; i++) {
		uint64_t at = netif_timers(&s->netif[i], now);

		next = at < next ? at : next;
	}
	return next;
}
