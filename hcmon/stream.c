/* stream.c - sequence numbers seen by a bystander (RFC 9293 3.4): gaps opened, filled, and given up. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "hcmon/stream.h"

#include "tcp/seq.h"

/* No window is larger (RFC 7323 2.3): a number further back than this is one that ran ahead unseen. */
enum { MAX_WINDOW = 1 << 30 };

static inline bool
is_seen(const struct flow_record *f, unsigned side)
{
	return (f->flags & FLOW_SEEN_0 << side) != 0;
}

static inline void
set_next(struct flow_record *f, unsigned side, uint32_t nxt)
{
	f->nxt[side] = nxt;
	f->flags |= (uint8_t)(FLOW_SEEN_0 << side);
}

static void
add_range(struct stream_news *news, uint32_t start, uint32_t end)
{
	news->range[news->n++] = (struct stream_range){start, end};
}

/* Takes [start, end) out of the gap at *link. Returns the link to go on from. */
static uint32_t *
fill_gap(struct pool *items, uint32_t *link, uint32_t start, uint32_t end, struct stream_news *news)
{
	struct item *gap = item_at(items, *link);
	struct item rest = *gap;

	if (gap->start == start && gap->end == end) {
		item_remove(items, link);
		return link;
	}
	if (gap->start == start) {
		gap->start = end;
		return &gap->next;
	}
	gap->end = start;
	rest.start = end;
	if (rest.start != rest.end && !item_insert(items, link, &rest))
		news->lost = true;
	return &gap->next;
}

/* The octets below nxt: news where there is a gap, repeated elsewhere. */
static void
receive_old(struct pool *items, struct flow_record *f, unsigned side, uint32_t seq, uint32_t end,
	    struct stream_news *news)
{
	uint32_t *link = &f->list[side];
	uint32_t octets = 0;

	while (*link != POOL_NONE && news->n < STREAM_MAX_RANGES - 1) {
		struct item *it = item_at(items, *link);
		uint32_t from = seq_max(it->start, seq), to = seq_min(it->end, end);

		if (seq_geq(it->start, end))
			break;
		if (it->kind != ITEM_GAP || seq_geq(from, to)) {
			link = &it->next;
			continue;
		}
		add_range(news, from, to);
		octets += to - from;
		news->late = true;
		link = fill_gap(items, link, from, to, news);
	}
	if (octets < end - seq)
		news->repeated = true;
}

void
stream_receive(struct pool *items, struct flow_record *f, unsigned side, uint32_t seq, uint32_t end,
	       uint64_t now_ns, struct stream_news *news)
{
	uint32_t nxt;

	*news = (struct stream_news){.n = 0};
	if (!is_seen(f, side))
		set_next(f, side, seq);
	nxt = f->nxt[side];
	if ((int32_t)(seq - nxt) < -MAX_WINDOW) {
		news->lost = true;
		nxt = seq;
	}
	if (seq_lt(seq, nxt))
		receive_old(items, f, side, seq, seq_min(end, nxt), news);
	if (seq_leq(end, nxt))
		return;
	if (seq_gt(seq, nxt)) {
		const struct item gap = {
		    .ts_ns = now_ns, .start = nxt, .end = seq, .kind = ITEM_GAP};

		if (!item_insert(items, &f->list[side], &gap))
			news->lost = true;
	}
	add_range(news, seq_max(seq, nxt), end);
	set_next(f, side, end);
}

bool
stream_acked(struct pool *items, struct flow_record *f, unsigned side, uint32_t ack,
	     uint64_t now_ns, struct stream_loss *loss)
{
	int32_t ahead = (int32_t)(ack - f->nxt[side]);
	uint32_t *link = &f->list[side];

	*loss = (struct stream_loss){.octets = 0};
	if (!is_seen(f, side)) {
		set_next(f, side, ack);
		return false;
	}
	while (*link != POOL_NONE && seq_lt(item_at(items, *link)->start, ack)) {
		struct item *it = item_at(items, *link);

		if (it->kind != ITEM_GAP) {
			link = &it->next;
			continue;
		}
		loss->octets += seq_min(it->end, ack) - it->start;
		loss->until_ns = it->ts_ns;
		if (seq_gt(it->end, ack)) {
			it->start = ack;
			break;
		}
		item_remove(items, link);
	}
	if (ahead > 0 && ahead <= MAX_WINDOW) {
		loss->octets += (uint32_t)ahead;
		loss->until_ns = now_ns;
		set_next(f, side, ack);
	}
	return loss->octets != 0;
}
