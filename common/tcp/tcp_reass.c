/* tcp_reass.c - octets that came out of order: islands in sequence space (RFC 9293 3.10.7.4). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"

#include <string.h>

/*
 * Islands ascend and never touch each other. Where segments overlap, what is held already stays
 * (the first copy wins), but octets that arrive in order are delivered from the segment that brings
 * them. A segment that spans several holes fills the first one only; the sender will repeat the
 * rest. What is held is not given up again: SACK has told the sender so (RFC 2018 8).
 *
 * Bounds, whatever the peer sends. A segment costs a binary search among TCP_RUNS_MAX islands, one
 * move of their table, and one copy of a block. Two neighbouring blocks of an island never fit into
 * the first of them, so an island of n octets pins at most n / 120 + 1 small blocks; all together
 * no more than TCP_RUNS_MAX + 1 blocks beyond twice what is held. The last quarter of each pool is
 * not for octets out of order: they are refused first when memory is short, so that what is in
 * order, and what we send, goes on.
 */

/* --- blocks --- */

static bool
has_share(const struct pool *p)
{
	return p->in_use < p->max - p->max / 4;
}

static uint32_t
get_block(struct tcp_ctx *ctx, uint32_t want)
{
	struct block_pools *p = &ctx->blocks;

	if (want <= BLOCK_SMALL_ROOM && has_share(&p->small))
		return block_get(p, want);
	return has_share(&p->large) ? block_get(p, BLOCK_LARGE_ROOM) : POOL_NONE;
}

/* --- the table of islands --- */

/* All islands move to a block of their own. */
static bool
widen(struct tcp_ctx *ctx, struct tcp_act *a)
{
	uint32_t h = get_block(ctx, BLOCK_LARGE_ROOM);

	if (h == POOL_NONE)
		return false;
	memcpy(block_at(&ctx->blocks, h)->data, a->run, sizeof(a->run));
	a->runs_block = h;
	return true;
}

/* They are so few that they fit here again. */
static void
narrow(struct tcp_ctx *ctx, struct tcp_act *a)
{
	memcpy(a->run, reass_runs(ctx, a), a->n_runs * sizeof(a->run[0]));
	block_put(&ctx->blocks, a->runs_block);
	a->runs_block = POOL_NONE;
}

static void
remove_run(struct tcp_ctx *ctx, struct tcp_act *a, unsigned i)
{
	struct tcp_run *r = reass_runs(ctx, a);

	a->n_runs--;
	memmove(&r[i], &r[i + 1], (a->n_runs - i) * sizeof(r[0]));
	if (a->runs_block != POOL_NONE && a->n_runs <= TCP_RUNS_INLINE / 2)
		narrow(ctx, a);
	if (a->n_runs == 0)
		a->n_recent = 0;
}

static bool
has_place(struct tcp_ctx *ctx, struct tcp_act *a)
{
	if (a->n_runs == TCP_RUNS_MAX)
		return false;
	return a->n_runs != TCP_RUNS_INLINE || a->runs_block != POOL_NONE || widen(ctx, a);
}

unsigned
reass_find(const struct tcp_ctx *ctx, const struct tcp_act *a, uint32_t seq)
{
	const struct tcp_run *r = reass_runs(ctx, a);
	unsigned low = 0, high = a->n_runs;

	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (seq_lt(r[mid].end, seq))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* --- chains --- */

/* Blocks for len octets, in a chain; false when there are not enough. */
static bool
get_blocks(struct tcp_ctx *ctx, uint32_t len, struct chain *c)
{
	*c = CHAIN_EMPTY;
	while (c->len < len) {
		uint32_t left = len - c->len;
		uint32_t h = get_block(ctx, left);

		if (h == POOL_NONE) {
			chain_free(&ctx->blocks, c);
			return false;
		}
		struct block *b = block_at(&ctx->blocks, h);
		struct chain one = {.head = h, .tail = h};

		b->len = (uint16_t)(left < block_room(h) ? left : block_room(h));
		one.len = b->len;
		chain_link(&ctx->blocks, c, &one);
	}
	return true;
}

static uint32_t
room_behind(const struct block_pools *p, uint32_t h)
{
	const struct block *b = block_at(p, h);

	return block_room(h) - b->off - b->len;
}

/* Joins two chains of an island. Where the first block of the second fits into the last one of the
 * first, it is copied and given back: islands made of tiny segments do not pin a block for each.
 * Returns the new tail. */
static uint32_t
join(struct tcp_ctx *ctx, uint32_t tail, uint32_t head, uint32_t end)
{
	struct block *a = block_at(&ctx->blocks, tail);
	const struct block *b = block_at(&ctx->blocks, head);

	a->next = head;
	if (b->len > room_behind(&ctx->blocks, tail))
		return end;
	memcpy(a->data + a->off + a->len, b->data + b->off, b->len);
	a->len = (uint16_t)(a->len + b->len);
	a->next = b->next;
	block_put(&ctx->blocks, head);
	return head == end ? tail : end;
}

/* --- holding --- */

/* Island i grows at its end by up to len octets: first into its last block. Returns by how many. */
static uint32_t
grow_at_end(struct tcp_ctx *ctx, struct tcp_run *r, uint32_t len, struct tcp_out *out)
{
	struct block *b = block_at(&ctx->blocks, r->tail);
	uint32_t room = room_behind(&ctx->blocks, r->tail);
	uint32_t here = len < room ? len : room;
	struct chain c = CHAIN_EMPTY;

	if (here < len && !get_blocks(ctx, len - here, &c))
		len = here;
	out->hold = here > 0 ? r->tail : c.head;
	out->hold_skip = here > 0 ? b->len : 0;
	b->len = (uint16_t)(b->len + here);
	if (c.head != POOL_NONE) {
		b->next = c.head;
		r->tail = c.tail;
	}
	r->end += len;
	return len;
}

static uint32_t
grow_at_start(struct tcp_ctx *ctx, struct tcp_run *r, uint32_t len, struct tcp_out *out)
{
	struct chain c;

	if (!get_blocks(ctx, len, &c))
		return 0;
	out->hold = c.head;
	r->tail = join(ctx, c.tail, r->head, r->tail);
	r->head = c.head;
	r->start -= len;
	return len;
}

static uint32_t
new_run(struct tcp_ctx *ctx, struct tcp_act *a, unsigned i, uint32_t start, uint32_t len,
	struct tcp_out *out)
{
	struct chain c;

	if (!has_place(ctx, a)) {
		ctx->stats.drop_reassembly++;
		return 0;
	}
	if (!get_blocks(ctx, len, &c)) {
		if (a->runs_block != POOL_NONE && a->n_runs <= TCP_RUNS_INLINE)
			narrow(ctx, a);
		return 0;
	}
	struct tcp_run *r = reass_runs(ctx, a);

	out->hold = c.head;
	memmove(&r[i + 1], &r[i], (a->n_runs - i) * sizeof(r[0]));
	r[i] = (struct tcp_run){.start = start, .end = start + len, .head = c.head, .tail = c.tail};
	a->n_runs++;
	return len;
}

/* Island i has grown at its end and may touch the next one. */
static void
merge_next(struct tcp_ctx *ctx, struct tcp_act *a, unsigned i)
{
	struct tcp_run *r = reass_runs(ctx, a);

	if (i + 1 >= a->n_runs || r[i].end != r[i + 1].start)
		return;
	r[i].end = r[i + 1].end;
	r[i].tail = join(ctx, r[i].tail, r[i + 1].head, r[i + 1].tail);
	remove_run(ctx, a, i + 1);
}

/* Puts [start, end), which overlaps nothing, at place i; returns how many octets of it. */
static uint32_t
add_octets(struct tcp_ctx *ctx, struct tcp_act *a, unsigned i, uint32_t start, uint32_t end,
	   struct tcp_out *out)
{
	struct tcp_run *r = reass_runs(ctx, a);
	uint32_t taken;

	if (i < a->n_runs && r[i].end == start) {
		taken = grow_at_end(ctx, &r[i], end - start, out);
		merge_next(ctx, a, i);
		return taken;
	}
	if (i < a->n_runs && r[i].start == end)
		return grow_at_start(ctx, &r[i], end - start, out);
	return new_run(ctx, a, i, start, end - start, out);
}

void
reass_duplicate(struct tcp_ctx *ctx, const struct tcp_act *a, uint32_t start, uint32_t end,
		struct tcp_sack_block *dup)
{
	unsigned i = reass_find(ctx, a, start + 1);
	const struct tcp_run *r = &reass_runs(ctx, a)[i];

	if (i == a->n_runs || seq_geq(r->start, end))
		return;
	ctx->stats.duplicate_octets_in += seq_min(r->end, end) - seq_max(r->start, start);
	if (!is_empty_block(dup))
		return;
	dup->start = seq_max(r->start, start);
	dup->end = seq_min(r->end, end);
}

void
reass_hold(struct tcp_ctx *ctx, struct tcp_act *a, uint32_t seq, uint16_t off, uint16_t len,
	   struct tcp_sack_block *dup, struct tcp_out *out)
{
	uint32_t start = seq, end = seq + len, taken;
	unsigned i = reass_find(ctx, a, start);
	unsigned next = i; /* the island that limits us on the right */
	const struct tcp_run *r = reass_runs(ctx, a);

	reass_duplicate(ctx, a, start, end, dup);
	if (i < a->n_runs && seq_leq(r[i].start, start)) {
		start = r[i].end;
		next = i + 1;
	}
	if (next < a->n_runs)
		end = seq_min(end, r[next].start);
	if (seq_geq(start, end)) {
		sack_note(ctx, a, seq);
		return;
	}
	taken = add_octets(ctx, a, i, start, end, out);
	if (taken < end - start)
		ctx->stats.drop_no_block++;
	if (taken == 0)
		return;
	out->hold_off = (uint16_t)(off + (start - seq));
	out->hold_len = (uint16_t)taken;
	sack_note(ctx, a, start);
}

void
tcp_hold(const struct tcp_ctx *ctx, const struct tcp_out *out, const uint8_t *payload)
{
	uint32_t h = out->hold, skip = out->hold_skip, done = 0;

	while (done < out->hold_len) {
		struct block *b = block_at(&ctx->blocks, h);
		uint32_t left = out->hold_len - done, n = b->len - skip;

		if (n > left)
			n = left;
		memcpy(b->data + b->off + skip, payload + out->hold_off + done, n);
		done += n;
		skip = 0;
		h = b->next;
	}
}

/* --- in order at last --- */

void
reass_drain(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, struct tcp_out *out)
{
	while (a->n_runs > 0) {
		const struct tcp_run *r = reass_runs(ctx, a);
		struct chain octets = {r->head, r->tail, r->end - r->start};

		if (seq_gt(r->start, t->rcv_nxt))
			return;
		if (seq_gt(r->end, t->rcv_nxt)) {
			chain_trim_front(&ctx->blocks, &octets, t->rcv_nxt - r->start);
			t->rcv_nxt = r->end;
			chain_link(&ctx->blocks, &out->drained, &octets);
		} else {
			chain_free(&ctx->blocks, &octets);
		}
		remove_run(ctx, a, 0);
	}
}

void
reass_free(struct tcp_ctx *ctx, struct tcp_act *a)
{
	const struct tcp_run *r = reass_runs(ctx, a);

	for (unsigned i = 0; i < a->n_runs; i++) {
		struct chain octets = {r[i].head, r[i].tail, r[i].end - r[i].start};

		chain_free(&ctx->blocks, &octets);
	}
	a->n_runs = a->n_recent = 0;
	if (a->runs_block != POOL_NONE)
		narrow(ctx, a);
}

bool
reass_reaches_beyond(const struct tcp_ctx *ctx, const struct tcp_act *a, uint32_t seq)
{
	return a->n_runs > 0 && seq_gt(reass_runs(ctx, a)[a->n_runs - 1].end, seq);
}

void
tcp_held_blocks(const struct tcp_ctx *ctx, const struct tcb *t, uint32_t *n_small,
		uint32_t *n_large)
{
	const struct tcp_act *a = act_of(ctx, t);

	*n_small = *n_large = 0;
	if (!a)
		return;
	*n_large = a->runs_block != POOL_NONE;
	if (a->board.block != POOL_NONE)
		(*(a->board.block & BLOCK_LARGE ? n_large : n_small))++;
	for (unsigned i = 0; i < a->n_runs; i++) {
		uint32_t h = reass_runs(ctx, a)[i].head;

		for (; h != POOL_NONE; h = block_at(&ctx->blocks, h)->next) {
			*n_large += (h & BLOCK_LARGE) != 0;
			*n_small += (h & BLOCK_LARGE) == 0;
		}
	}
}
