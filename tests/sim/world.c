/* world.c - what happens next, until nothing will. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "attack.h"
#include "host.h"
#include "link.h"
#include "user.h"

enum { BATCH_MAX = 32, STEPS_MAX = 3000000, IDLE_TURNS_MAX = 100000 };
#define PATIENCE_NS (3600 * S)
#define LIMIT_NS    (6 * 3600 * S)

/* --- frames' memory --- */

struct buf *
buf_get(struct world *w)
{
	struct buf *b = w->bufs;

	w->n_bufs++;
	if (b == NULL)
		b = malloc(sizeof(*b));
	else
		w->bufs = b->next;
	if (b == NULL)
		abort();
	return b;
}

void
buf_put(struct world *w, struct buf *b)
{
	b->next = w->bufs;
	w->bufs = b;
	w->n_bufs--;
}

/* --- failing, and telling --- */

void
world_say(const struct world *w, unsigned host, const char *format, ...)
{
	va_list ap;

	printf("%12.6f %c ", (double)(w->t - w->start) / 1e9, "AB"[host]);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
}

static void
show_end(const struct world *w, const struct pair *c, unsigned side)
{
	const struct end *e = &c->end[side];

	fprintf(stderr, "  %c %u: %s, why %u, wrote %u of %u, read %u, in vain %u%s%s%s%s%s%s%s\n",
		"AB"[side], (unsigned)(c - w->conn), tcp_state_name(e->state), e -> why,
		e -> written, e -> k -> total, e -> read, e -> in_vain,
		e -> opened ? " opened" : "", e->established ? " established" : "",
		e->eof ? " eof" : "", e->user_closed ? " closed" : "", e->aborted ? " aborted" : "",
		e->gave_up ? " gave-up" : "", e->over ? " over" : "");
}

void
world_fail(const struct world *w, const char *what, const char *file, int line)
{
	fflush(stdout);
	fprintf(stderr, "%s:%d: %s\n  at %.9f s, step %llu\n", file, line, what,
		(double)(w->t - w->start) / 1e9, (unsigned long long)w->steps);
	for (unsigned i = 0; i < w->n_conns && i < 4; i++)
		for (unsigned side = 0; side < 2; side++)
			show_end(w, &w->conn[i], side);
	abort(); /* whose handler says the seed */
}

/* --- one step --- */

static uint64_t
jump_at(const struct world *w, unsigned side)
{
	const struct host *h = &w->host[side];
	const uint64_t at = h->k->jump_at;

	return at == NEVER || h->clock_from != w->start ? NEVER : w->start + at;
}

static uint64_t
next(const struct world *w)
{
	uint64_t at = earlier(link_next(&w->link), w->attack_at);

	for (unsigned side = 0; side < 2; side++) {
		at = earlier(at, earlier(w->host[side].wake, jump_at(w, side)));
		at = earlier(at, user_next(w, side));
	}
	return at;
}

/* Frames that are due at one host, as many as it takes in a turn. */
static unsigned
batch(struct world *w, struct buf **in, unsigned *to)
{
	struct link *l = &w->link;
	uint64_t seen = 0; /* connections */
	unsigned n = 0;

	*to = l->heap[0].to;
	while (n < w->k.batch && link_next(l) <= w->t && l->heap[0].to == *to) {
		const struct note *note = &l->heap[0].buf->note;
		/* an address that is learned concerns all who wait for it */
		const uint64_t bit = note->conn >= 0 ? UINT64_C(1) << note->conn : ~UINT64_C(0);

		if (n > 0 && (note->forged || in[0]->note.forged || (w->k.distinct && seen & bit)))
			break;
		seen |= bit;
		in[n++] = link_pop(l).buf;
	}
	return n;
}

static bool
turn_with(struct world *w, struct host *h, struct buf **in, unsigned n)
{
	struct attack_before before;
	bool moved;

	if (in[0]->note.forged)
		attack_before(h, w, in[0], &before);
	moved = host_turn(w, h, in, n);
	if (in[0]->note.forged)
		attack_after(h, w, in[0], &before);
	for (unsigned i = 0; i < n; i++)
		buf_put(w, in[i]);
	return moved;
}

/* In as many turns as the size of bursts asks for, where that makes no difference. */
static bool
arrive(struct world *w)
{
	struct buf *in[BATCH_MAX];
	unsigned to, n = batch(w, in, &to);
	const unsigned part = w->k.distinct ? w->burst : n;
	bool moved = false;

	for (unsigned i = 0; i < n; i += part)
		moved |= turn_with(w, &w->host[to], in + i, n - i < part ? n - i : part);
	return moved;
}

static void
settle_host(struct world *w, struct host *h)
{
	for (unsigned n = 0; host_turn(w, h, NULL, 0); n++)
		CHECK(w, n < IDLE_TURNS_MAX);
}

/* Nothing will happen any more by itself. An end whose peer has gone badly, and who has nothing to
 * say, cannot know: his user's patience ends. */
static bool
end_half_open(struct world *w, uint64_t patience)
{
	bool some = false;

	for (unsigned i = 0; i < w->n_conns * 2; i++) {
		struct end *e = &w->conn[i / 2].end[i % 2], *peer = &w->conn[i / 2].end[1 - i % 2];
		const bool abnormal = peer->over && (peer->aborted || peer->gave_up || peer->why);
		/* half-open too long, and forgotten before its user knew of it */
		const bool forgotten = !peer->opened && patience == 0;

		if (!e->has_id || e->aborted || !(abnormal || forgotten) ||
		    (abnormal && w->t - peer->over_at < patience))
			continue;
		e->abort_at = w->t;
		w->r->half_open++;
		some = true;
	}
	return some;
}

static bool
is_empty(const struct world *w)
{
	for (unsigned side = 0; side < 2; side++)
		if (host_conns(&w->host[side]) > 0)
			return false;
	return w->link.n == 0 && user_next(w, 0) == NEVER && user_next(w, 1) == NEVER;
}

bool
world_step(struct world *w)
{
	const uint64_t at = next(w);
	bool moved[2] = {false, false};

	if (at == NEVER || at > w->t + PATIENCE_NS) { /* a look at idle connections is always due */
		if (end_half_open(w, 0))
			return true;
		if (at == NEVER || is_empty(w))
			return false;
	}
	w->t = at > w->t ? at : w->t;
	w->healed = w->t >= w->start + w->k.heal_at;
	w->steps++;
	CHECK(w, w->steps < STEPS_MAX && w->t - w->start < LIMIT_NS);
	if (w->attack_at <= w->t)
		attack_run(w);
	attack_ambush(w);
	for (unsigned side = 0; side < 2; side++) {
		struct host *h = &w->host[side];

		if (jump_at(w, side) <= w->t)
			host_jump(w, h);
		if (h->wake <= w->t || user_next(w, side) <= w->t)
			settle_host(w, h);
	}
	while (link_next(&w->link) <= w->t) {
		const unsigned to = w->link.heap[0].to;

		moved[to] |= arrive(w);
	}
	for (unsigned side = 0; side < 2; side++)
		if (moved[side])
			settle_host(w, &w->host[side]);
	if (w->steps % 1024 == 0)
		end_half_open(w, PATIENCE_NS);
	return true;
}

/* --- a scenario --- */

void
world_begin(struct world *w)
{
	w->start = w->t = 1000 * S;
	w->steps = 0;
	w->hash = w->seed ^ UINT64_C(0xcbf29ce484222325);
	w->healed = false;
	user_begin(w);
	link_begin(w);
	attack_begin(w);
	for (unsigned side = 0; side < 2; side++)
		host_begin(w, side);
}

void
world_end(struct world *w)
{
	user_end(w);
	link_clear(w);
	for (unsigned side = 0; side < 2; side++)
		host_end(w, side);
	CHECK(w, w->n_bufs == 0);
	w->r->scenarios++;
	w->r->steps += w->steps;
	w->r->virtual_ns += w->t - w->start;
	w->r->hash += w->hash; /* in whatever order */
}

/* In the middle of it. */
void
world_leave(struct world *w)
{
	link_clear(w);
	for (unsigned side = 0; side < 2; side++)
		host_free(w, side);
	CHECK(w, w->n_bufs == 0);
}

uint64_t
world_run(struct world *w, uint64_t seed, uint64_t without)
{
	w->seed = seed;
	knobs_draw(&w->k, seed, without);
	world_begin(w);
	while (world_step(w))
		continue;
	world_end(w);
	return w->hash;
}

struct world *
world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	if (w == NULL)
		abort();
	user_make_content();
	w->burst = BATCH_MAX;
	return w;
}
