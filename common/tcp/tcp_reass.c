/* tcp_reass.c - octets that came out of order: islands in sequence space, a few of them (RFC 9293 3.10.7.4). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"

#include <string.h>

/*
 * Islands ascend and never touch each other. Where segments overlap, what is held already stays (the first copy wins), but
 * octets that arrive in order are delivered from the segment that brings them. A segment that spans several holes fills the first one only;
 * the sender will repeat the rest. So a segment costs at most TCP_RUNS_MAX steps.
 */

/* Blocks for len octets from seq on, in a chain; false when there are not enough. */
static bool
get_blocks(struct tcp_ctx *ctx, uint32_t seq, uint32_t len, struct chain *c)
{
	*c = CHAIN_EMPTY;
	while (c->len < len) {
		uint32_t left = len - c->len;
		uint32_t h = block_get(&ctx->blocks, left);

		if (h == POOL_NONE) {
			chain_free(&ctx->blocks, c);
			return false;
		}
		struct block *b = block_at(&ctx->blocks, h);
		struct chain one = {.head = h, .tail = h};

		b->seq = seq + c->len;
		b->len = (uint16_t)(left < block_room(h) ? left : block_room(h));
		one.len = b->len;
		chain_link(&ctx->blocks, c, &one);
	}
	return true;
}

static void
remove_run(struct tcp_act *a, unsigned i)
{
	a->n_runs--;
	memmove(&a->run[i], &a->run[i + 1], (a->n_runs - i) * sizeof(a->run[0]));
}

static void
insert_run(struct tcp_act *a, unsigned i, uint32_t start, uint32_t end, const struct chain *c)
{
	memmove(&a->run[i + 1], &a->run[i], (a->n_runs - i) * sizeof(a->run[0]));
	a->run[i] = (struct tcp_run){.start = start, .end = end, .octets = *c};
	a->n_runs++;
}

/* Island i has grown at its end and may touch the next one. */
static void
merge_next(struct tcp_ctx *ctx, struct tcp_act *a, unsigned i)
{
	if (i + 1 == a->n_runs || a->run[i].end != a->run[i + 1].start)
		return;
	a->run[i].end = a->run[i + 1].end;
	chain_link(&ctx->blocks, &a->run[i].octets, &a->run[i + 1].octets);
	remove_run(a, i + 1);
}

/* The first island that ends at or after seq, or n_runs. */
static unsigned
find_run(const struct tcp_act *a, uint32_t seq)
{
	unsigned i = 0;

	while (i < a->n_runs && seq_lt(a->run[i].end, seq))
		i++;
	return i;
}

/* Puts [start, end), which overlaps nothing, at place i. */
static void
add_octets(struct tcp_ctx *ctx, struct tcp_act *a, unsigned i, uint32_t start, uint32_t end,
	   struct chain *c)
{
	if (i < a->n_runs && a->run[i].end == start) {
		a->run[i].end = end;
		chain_link(&ctx->blocks, &a->run[i].octets, c);
		merge_next(ctx, a, i);
	} else if (i < a->n_runs && a->run[i].start == end) {
		a->run[i].start = start;
		chain_link(&ctx->blocks, c, &a->run[i].octets);
		a->run[i].octets = *c;
	} else {
		insert_run(a, i, start, end, c);
	}
}

void
reass_hold(struct tcp_ctx *ctx, struct tcp_act *a, uint32_t seq, uint16_t off, uint16_t len,
	   struct tcp_out *out)
{
	uint32_t start = seq, end = seq + len;
	unsigned i = find_run(a, start);
	unsigned next = i; /* the island that limits us on the right */

	if (i < a->n_runs && seq_leq(a->run[i].start, start)) {
		start = a->run[i].end;
		next = i + 1;
	}
	if (next < a->n_runs)
		end = seq_min(end, a->run[next].start);
	if (seq_geq(start, end)) {
		ctx->stats.duplicate_octets_in += len;
		return;
	}
	bool touches = next > i || (next < a->n_runs && a->run[next].start == end);
	struct chain c;

	if (!touches && a->n_runs == TCP_RUNS_MAX) {
		ctx->stats.drop_reassembly++;
		return;
	}
	if (!get_blocks(ctx, start, end - start, &c)) {
		ctx->stats.drop_no_block++;
		return;
	}
	out->hold = c.head;
	out->hold_off = (uint16_t)(off + (start - seq));
	out->hold_len = (uint16_t)(end - start);
	add_octets(ctx, a, i, start, end, &c);
}

void
reass_drain(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, struct tcp_out *out)
{
	while (a->n_runs > 0 && seq_leq(a->run[0].start, t->rcv_nxt)) {
		struct tcp_run *r = &a->run[0];

		if (seq_gt(r->end, t->rcv_nxt)) {
			chain_trim_front(&ctx->blocks, &r->octets, t->rcv_nxt - r->start);
			t->rcv_nxt = r->end;
			chain_link(&ctx->blocks, &out->drained, &r->octets);
		} else {
			chain_free(&ctx->blocks, &r->octets);
		}
		remove_run(a, 0);
	}
}

void
reass_free(struct tcp_ctx *ctx, struct tcp_act *a)
{
	for (unsigned i = 0; i < a->n_runs; i++)
		chain_free(&ctx->blocks, &a->run[i].octets);
	a->n_runs = 0;
}

bool
reass_reaches_beyond(const struct tcp_act *a, uint32_t seq)
{
	return a->n_runs > 0 && seq_gt(a->run[a->n_runs - 1].end, seq);
}
