/* stack_kit.h - stacks joined in memory, in virtual time; frames in blocks of their size. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_STACK_KIT_H
#define TEST_STACK_KIT_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "host/stack.h"

#define KIT_MS	   UINT64_C(1000000)
#define KIT_SECOND UINT64_C(1000000000)

enum { KIT_ROOM = 1600, KIT_BURST = 256 };

/* Frames on their way to a host. */
#ifndef KIT_FLIGHT
#define KIT_FLIGHT (1 << 16)
#endif

/* Of the stacks to come. */
static uint8_t kit_group_bits;

struct kit_host;

/* A frame on its way: its octets, in a block of just that size. */
struct kit_frame {
	uint64_t at;
	uint8_t *data;
	uint32_t len;
	uint8_t port;
};

/* What a wire does to frames; all 0: nothing. */
struct kit_wire {
	uint64_t delay_ns, jitter_ns;
	double loss, duplicate, corrupt;
};

struct kit_host {
	struct stack *s;
	struct kit_host *peer;
	struct kit_wire wire; /* from here to the peer */
	struct rng rng;
	void (*on_event)(struct kit_host *h, const struct stack_event *ev, uint64_t now);
	void *arg;
	unsigned burst;	 /* frames a turn, at most KIT_BURST */
	bool deaf;	 /* the port takes nothing */
	bool poor;	 /* gets no empty frames */
	unsigned ration; /* of empty frames a turn; 0: as many as it wants */
	uint64_t deadline, n_in;
	uint32_t n_frames; /* empty ones that the stack has */
	/* on their way to here, in order of time */
	struct kit_frame flight[KIT_FLIGHT];
	unsigned n_flight;
	/* each frame that leaves, if wanted */
	void (*on_tx)(struct kit_host *h, const struct frame *f, uint64_t now);
};

static inline void *
kit_reserve(size_t bytes)
{
	return calloc(1, bytes);
}

static inline void
kit_release(void *p, size_t bytes)
{
	(void)bytes;
	free(p);
}

static inline void
kit_conf(struct stack_conf *c)
{
	stack_conf_default(c);
	c->max_conns = 1000;
	c->group_bits = kit_group_bits;
	c->reserve = kit_reserve;
	c->release = kit_release;
	for (unsigned i = 0; i < sizeof(c->secret); i++)
		c->secret[i] = (uint8_t)(17 * i + 3);
}

/* One interface: `count` addresses from addr on, in a /16. */
static inline void
kit_netif(struct stack_netif_conf *c, uint8_t id, uint32_t addr, uint32_t count)
{
	*c = (struct stack_netif_conf){.mac = {2, 0, 0, 0, 0, id}, .mtu = 1500};
	if (addr_add_range(&c->addrs, addr, count, 16) != 0)
		assert(!"address");
}

static inline struct kit_host *
kit_host(const struct stack_conf *c, uint8_t id, uint32_t addr, uint32_t count)
{
	struct kit_host *h = calloc(1, sizeof(*h));
	struct stack_netif_conf nc;
	int row;

	h->s = stack_new(c);
	assert(h->s != NULL);
	kit_netif(&nc, id, addr, count);
	row = stack_add_netif(h->s, &nc);
	assert(row == 0);
	(void)row;
	h->burst = 32;
	rng_seed(&h->rng, 1, id);
	return h;
}

static inline void
kit_join(struct kit_host *a, struct kit_host *b)
{
	a->peer = b;
	b->peer = a;
}

/* Puts octets on their way to h. */
static inline void
kit_send(struct kit_host *h, const uint8_t *data, uint32_t len, uint8_t port, uint64_t at)
{
	unsigned i = h->n_flight;

	assert(h->n_flight < KIT_FLIGHT);
	while (i > 0 && h->flight[i - 1].at > at) {
		h->flight[i] = h->flight[i - 1];
		i--;
	}
	h->flight[i] = (struct kit_frame){.at = at, .data = malloc(len), .len = len, .port = port};
	memcpy(h->flight[i].data, data, len);
	h->n_flight++;
}

static inline void
kit_through_wire(struct kit_host *h, const struct frame *f, uint64_t now)
{
	const struct kit_wire *w = &h->wire;
	uint64_t at = now + w->delay_ns;

	if (h->peer == NULL || (w->loss > 0 && rng_chance(&h->rng, w->loss)))
		return;
	if (w->jitter_ns > 0)
		at += rng_below(&h->rng, w->jitter_ns);
	if (w->corrupt > 0 && rng_chance(&h->rng, w->corrupt))
		f->data[rng_below(&h->rng, f->len)] ^= (uint8_t)(1 + rng_below(&h->rng, 255));
	kit_send(h->peer, f->data, f->len, 0, at);
	if (w->duplicate > 0 && rng_chance(&h->rng, w->duplicate))
		kit_send(h->peer, f->data, f->len, 0, at);
}

static inline void
kit_stock(struct kit_host *h)
{
	unsigned n = stack_frames_short(h->s);

	if (h->ration > 0 && n > h->ration)
		n = h->ration;
	for (; n > 0 && !h->poor; n--) {
		struct frame f = {.room = KIT_ROOM};

		f.data = f.handle = malloc(KIT_ROOM);
		stack_give_frames(h->s, &f, 1);
		h->n_frames++;
	}
}

static inline void
kit_transmit(struct kit_host *h, uint64_t now)
{
	const struct frame *f;
	unsigned n = stack_tx(h->s, 0, &f);

	if (h->deaf)
		return;
	for (unsigned i = 0; i < n; i++) {
		if (h->on_tx)
			h->on_tx(h, &f[i], now);
		kit_through_wire(h, &f[i], now);
		free(f[i].handle);
		h->n_frames--;
	}
	stack_tx_done(h->s, 0, n);
}

/* One turn, as a tool makes it. True: something happened, or waits to. */
static inline bool
kit_turn(struct kit_host *h, uint64_t now)
{
	struct frame f[KIT_BURST];
	const struct stack_event *ev;
	unsigned n = 0, events = 0;
	bool more;

	kit_stock(h);
	while (n < h->burst && n < h->n_flight && h->flight[n].at <= now) {
		const struct kit_frame *k = &h->flight[n];

		f[n++] = (struct frame){.data = k->data, .len = k->len, .port = k->port};
	}
	stack_input(h->s, now, f, n);
	h->deadline = stack_timers(h->s, now);
	for (; (ev = stack_next_event(h->s)) != NULL; events++)
		if (h->on_event)
			h->on_event(h, ev, now);
	more = stack_output(h->s, now);
	kit_transmit(h, now);
	for (unsigned i = 0; i < n; i++)
		free(f[i].data);
	h->n_flight -= n;
	memmove(h->flight, h->flight + n, h->n_flight * sizeof(h->flight[0]));
	h->n_in += n;
	return n > 0 || events > 0 || (more && !h->deaf && !h->poor);
}

/* When h must be called again, if nothing comes. */
static inline uint64_t
kit_next(const struct kit_host *h)
{
	uint64_t at = h->deadline;

	if (h->n_flight > 0 && h->flight[0].at < at)
		at = h->flight[0].at;
	return at;
}

/* Runs the pair until `until`, or until done says so; checks both after each turn when asked. */
static inline uint64_t
kit_run(struct kit_host *a, struct kit_host *b, uint64_t now, uint64_t until, bool check,
	bool (*done)(struct kit_host *a, struct kit_host *b))
{
	while (now < until) {
		bool busy = kit_turn(a, now);

		busy |= kit_turn(b, now);
		if (check) {
			stack_check(a->s);
			stack_check(b->s);
		}
		if (done && done(a, b))
			break;
		if (!busy) {
			uint64_t next = kit_next(a) < kit_next(b) ? kit_next(a) : kit_next(b);

			now = next > now ? next : now + 1000;
		}
	}
	return now < until ? now : until;
}

/* What a stack has counted, on stderr: for who writes a test. */
static inline void
kit_show(const struct kit_host *h)
{
	struct stack_stats st;

	stack_stats(h->s, &st);
#define SHOW(name)   \
	if (st.name) \
		fprintf(stderr, " " #name " %llu", (unsigned long long)st.name);
	STACK_STATS(SHOW)
#undef SHOW
#define SHOW(name)       \
	if (st.tcp.name) \
		fprintf(stderr, " tcp." #name " %llu", (unsigned long long)st.tcp.name);
	TCP_STATS(SHOW)
#undef SHOW
	for (unsigned i = 0; i < PKT_N_DROPS; i++)
		if (st.drop[i])
			fprintf(stderr, " %s %llu", pkt_drop_name(i),
				(unsigned long long)st.drop[i]);
	fprintf(stderr, " conns %u established %u half_open %u time_wait %u active %u\n", st.conns,
		st.established, st.half_open, st.time_wait, st.active);
}

/* Frees all; every frame that the stack had must come back. */
static inline void
kit_free(struct kit_host *h)
{
	struct frame f[64];
	unsigned n;

	while ((n = stack_take_frames(h->s, f, 64)) > 0)
		for (unsigned i = 0; i < n; i++) {
			free(f[i].handle);
			h->n_frames--;
		}
	assert(h->n_frames == 0);
	for (unsigned i = 0; i < h->n_flight; i++)
		free(h->flight[i].data);
	stack_free(h->s);
	free(h);
}

#endif
