/* bulk.c - a receiver that acknowledges every segment (RFC 9293 3.8.6.3, RFC 2018 4), for scripts about long transfers. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/packet/bulk.h"

#include <assert.h>
#include <string.h>

void
bulk_start(struct bulk *b, unsigned flow, int64_t rtt_us, uint32_t rcv_nxt, uint32_t seq)
{
	*b = (struct bulk){
	    .flow = rtt_us > 0 ? flow : 0, .rtt_us = rtt_us, .rcv_nxt = rcv_nxt, .seq = seq};
}

static void
remove_island(struct bulk *b, unsigned i)
{
	b->n_islands--;
	memmove(&b->island[i], &b->island[i + 1], (b->n_islands - i) * sizeof(b->island[0]));
}

/* [start, end) is there, beyond a gap; what it touches becomes one with it. */
static void
hold(struct bulk *b, uint32_t start, uint32_t end)
{
	for (unsigned i = 0; i < b->n_islands;) {
		const struct tcp_sack_block o = b->island[i];

		if ((int32_t)(end - o.start) < 0 || (int32_t)(o.end - start) < 0) {
			i++;
			continue;
		}
		start = (int32_t)(o.start - start) < 0 ? o.start : start;
		end = (int32_t)(o.end - end) > 0 ? o.end : end;
		remove_island(b, i);
	}
	assert(b->n_islands < BULK_ISLANDS);
	memmove(&b->island[1], &b->island[0], b->n_islands * sizeof(b->island[0]));
	b->island[0] = (struct tcp_sack_block){start, end};
	b->n_islands++;
}

static void
advance(struct bulk *b, uint32_t end)
{
	if ((int32_t)(end - b->rcv_nxt) > 0)
		b->rcv_nxt = end;
	for (unsigned i = 0; i < b->n_islands;) {
		if ((int32_t)(b->island[i].start - b->rcv_nxt) > 0) {
			i++;
			continue;
		}
		if ((int32_t)(b->island[i].end - b->rcv_nxt) > 0)
			b->rcv_nxt = b->island[i].end;
		remove_island(b, i);
		i = 0;
	}
}

void
bulk_receive(struct bulk *b, const struct tcp_seg *s, int64_t now_us)
{
	struct bulk_ack *a = &b->ack[b->tail % BULK_ACKS];

	if (s->len == 0)
		return;
	if (b->loses && s->seq == b->lost) {
		b->loses = false;
		return;
	}
	if ((int32_t)(s->seq - b->rcv_nxt) > 0)
		hold(b, s->seq, s->seq + s->len);
	else
		advance(b, s->seq + s->len);
	assert(b->tail - b->head < BULK_ACKS);
	b->tail++;
	b->last_us = b->last_us + BULK_GAP_US > now_us + b->rtt_us ? b->last_us + BULK_GAP_US
								   : now_us + b->rtt_us;
	*a = (struct bulk_ack){.at_us = b->last_us, .ack = b->rcv_nxt};
	a->n_sack = b->n_islands < BULK_SACKS ? b->n_islands : BULK_SACKS;
	memcpy(a->sack, b->island, a->n_sack * sizeof(a->sack[0]));
}

const struct bulk_ack *
bulk_next(const struct bulk *b)
{
	return b->flow == 0 || b->head == b->tail ? NULL : &b->ack[b->head % BULK_ACKS];
}
