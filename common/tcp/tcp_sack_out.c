/* tcp_sack_out.c - SACK blocks that a receiver sends (RFC 2018, 2883). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"

#include <string.h>

enum { SACK_HEADER = 4, SACK_BLOCK = 8 };

/* The island that holds seq; NULL: none. */
static const struct tcp_run *
island_of(const struct tcp_ctx *ctx, const struct tcp_act *a, uint32_t seq)
{
	unsigned i = reass_find(ctx, a, seq + 1); /* the first that ends after seq */
	const struct tcp_run *r = reass_runs(ctx, a) + i;

	return i < a->n_runs && seq_leq(r->start, seq) ? r : NULL;
}

void
sack_note(const struct tcp_ctx *ctx, struct tcp_act *a, uint32_t seq)
{
	const struct tcp_run *r = island_of(ctx, a, seq);
	uint32_t kept[TCP_SACK_RECENT];
	unsigned n = 0;

	kept[n++] = seq;
	for (unsigned i = 0; i < a->n_recent && n < TCP_SACK_RECENT; i++)
		if (island_of(ctx, a, a->sack_recent[i]) != r)
			kept[n++] = a->sack_recent[i];
	memcpy(a->sack_recent, kept, sizeof(kept));
	a->n_recent = (uint8_t)n;
}

/* How many blocks there is room for: 40 octets of options, and the segment no larger than the MSS
 * with all of them (RFC 6691). */
static unsigned
room_for_blocks(const struct tcb *t, const struct tcp_seg *s)
{
	unsigned used = t->flags & TCB_TIMESTAMPS ? TCP_TIMESTAMP_OCTETS : 0;
	unsigned room = TCP_OPTIONS_MAX_BYTES - used;

	if (t->mss - used < s->len + room)
		room = t->mss - used > s->len ? t->mss - used - s->len : 0;
	return room < SACK_HEADER ? 0 : (room - SACK_HEADER) / SACK_BLOCK;
}

static bool
is_listed(const struct tcp_seg *s, const struct tcp_run *r)
{
	for (unsigned i = 0; i < s->n_sack; i++)
		if (s->sack[i].start == r->start)
			return true;
	return false;
}

static void
list(struct tcp_seg *s, const struct tcp_run *r, unsigned max)
{
	if (s->n_sack < max && !is_listed(s, r))
		s->sack[s->n_sack++] = (struct tcp_sack_block){r->start, r->end};
}

/* RFC 2018 4: first the island that the latest segment is in, then those reported before it; the
 * lowest others fill what room is left. */
static void
list_islands(const struct tcp_ctx *ctx, const struct tcp_act *a, struct tcp_seg *s, unsigned max)
{
	for (unsigned i = 0; i < a->n_recent; i++) {
		const struct tcp_run *r = island_of(ctx, a, a->sack_recent[i]);

		if (r)
			list(s, r, max);
	}
	for (unsigned i = 0; i < a->n_runs && s->n_sack < max; i++)
		list(s, &reass_runs(ctx, a)[i], max);
}

void
put_sack(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_seg *s)
{
	const struct tcp_act *a = act_of(ctx, t);

	if (!(t->flags & TCB_SACK) || !a || a->n_runs == 0)
		return;
	list_islands(ctx, a, s, room_for_blocks(t, s));
	if (s->n_sack > 0)
		s->opts |= TCP_OPT_SACK;
}

/* Never delayed, and each duplicate once: it goes out with an ACK of its own. Should there be no
 * room for that, the ACK that follows does without it. */
void
send_dsack(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_sack_block *dup, uint64_t now,
	   struct tcp_out *out)
{
	unsigned before = out->n_segs;

	send_ack(ctx, t, now, out);
	if (out->n_segs == before || !(t->flags & TCB_SACK) || is_empty_block(dup))
		return;
	struct tcp_seg *s = &out->seg[before];
	unsigned max = room_for_blocks(t, s);

	if (s->n_sack == max)
		s->n_sack--;
	memmove(&s->sack[1], &s->sack[0], s->n_sack * sizeof(s->sack[0]));
	s->sack[0] = *dup;
	s->n_sack++;
	s->opts |= TCP_OPT_SACK;
}
