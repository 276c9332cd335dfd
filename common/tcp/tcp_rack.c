/* tcp_rack.c - RACK: what left well before something that has arrived is lost (RFC 8985 6). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/recover.h"

enum {
	MIN_RTT_LASTS_MS = 300000,  /* paths change: the minimum of five minutes or so */
	DSACK_FREE_RECOVERIES = 16, /* RFC 8985 6.2 step 4 */
};

/* RFC 8985 6.2 step 2 */
static bool
is_sent_after(uint32_t us1, uint32_t end1, uint32_t us2, uint32_t end2)
{
	return seq_gt(us1, us2) || (us1 == us2 && seq_gt(end1, end2));
}

/* Times count modulo 71 minutes: what arrived before a pause is not compared with what leaves after
 * it. */
void
rack_start(struct tcp_act *a, uint32_t seq, uint64_t now)
{
	a->rack.xmit_us = us_of(now);
	a->rack.end = a->rack.fack = seq;
	if (a->rack.rtt_us == 0)
		a->rack.rtt_us = a->srtt_us; /* until something arrives */
}

/* Step 1 */
void
rack_note_rtt(struct tcp_act *a, uint32_t rtt_us, uint64_t now)
{
	struct tcp_rack *r = &a->rack;

	if (r->min_rtt_us != 0 && rtt_us > r->min_rtt_us &&
	    ms_of(now) - r->min_rtt_ms < MIN_RTT_LASTS_MS)
		return;
	r->min_rtt_us = rtt_us;
	r->min_rtt_ms = ms_of(now);
}

static void
take_segment(struct tcp_rack *r, uint32_t sent_us, uint32_t end, uint64_t now)
{
	r->rtt_us = us_of(now) - sent_us;
	if (!is_sent_after(sent_us, end, r->xmit_us, r->end))
		return;
	r->xmit_us = sent_us;
	r->end = end;
}

/* Which copy of a segment that was sent again has arrived? Not the last one when a timestamp of
 * before comes back, or when that would have been faster than ever (step 2). */
bool
rack_is_ambiguous(const struct tcb *t, const struct tcp_act *a, const struct tcp_seg *seg,
		  uint32_t sent_us, uint64_t now)
{
	uint32_t age_us = us_of(now) - sent_us;

	if (t->flags & TCB_TIMESTAMPS && seg->opts & TCP_OPT_TIMESTAMP) {
		uint32_t sent_ms = (uint32_t)((now / 1000 - age_us) / 1000);

		if (seq_lt(seg->tsecr - t->ts_offset, sent_ms))
			return true;
	}
	return age_us < a->rack.min_rtt_us;
}

/* Steps 2 and 3 */
void
rack_update(const struct tcb *t, struct tcp_act *a, const struct tcp_seg *seg,
	    const struct loss_news *n, uint64_t now)
{
	const struct board_news *b = &n->board;
	struct tcp_rack *r = &a->rack;

	if (b->again && !rack_is_ambiguous(t, a, seg, b->again_us, now))
		take_segment(r, b->again_us, b->again_end, now);
	if (!b->once)
		return;
	take_segment(r, b->once_us, b->once_end, now);
	if (seq_lt(b->first_once_end, r->fack))
		r->reordering_seen = true;
	r->fack = seq_max(r->fack, b->once_end);
}

/* Step 4: a duplicate that the peer got shows that the window of time was too small. */
void
rack_adapt(const struct tcb *t, struct tcp_act *a, bool dsack)
{
	struct tcp_rack *r = &a->rack;

	if (r->in_dsack_round && seq_geq(t->snd_una, r->dsack_round))
		r->in_dsack_round = false;
	if (r->in_dsack_round || !dsack)
		return;
	r->in_dsack_round = true;
	r->dsack_round = a->snd_max;
	if (r->reo_wnd_mult < UINT8_MAX)
		r->reo_wnd_mult++;
	r->reo_wnd_persist = DSACK_FREE_RECOVERIES;
}

void
rack_left_recovery(struct tcp_act *a)
{
	struct tcp_rack *r = &a->rack;

	if (r->reo_wnd_persist > 0 && --r->reo_wnd_persist == 0)
		r->reo_wnd_mult = 1;
}

/* Segments reported: not known, as many as would fit, or as there were reports. */
static bool
is_dup_thresh_reached(const struct tcb *t, const struct tcp_act *a)
{
	return a->dup_acks >= DUP_THRESH || a->board.sacked > (DUP_THRESH - 1u) * effective_mss(t);
}

static uint32_t
reordering_window(const struct tcb *t, const struct tcp_act *a)
{
	const struct tcp_rack *r = &a->rack;
	uint64_t us = (uint64_t)r->reo_wnd_mult * r->min_rtt_us / 4;

	if (!r->reordering_seen &&
	    (a->flags & (TCP_ACT_RECOVERY | TCP_ACT_LOSS) || is_dup_thresh_reached(t, a)))
		return 0;
	return us < a->srtt_us ? (uint32_t)us : a->srtt_us;
}

/* Marks the run when its time is over; else returns how long that will take. */
static uint32_t
check_run(struct tcp_act *a, struct board_run *run, uint32_t len, uint32_t window_us, uint64_t now)
{
	int32_t remaining = (int32_t)(run->tx_us + a->rack.rtt_us + window_us - us_of(now));

	if (remaining > 0)
		return (uint32_t)remaining;
	board_lose(&a->board, run, len);
	return 0;
}

/* Step 5 */
uint32_t
rack_detect(struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, uint64_t now)
{
	struct board *b = &a->board;
	struct board_run *run = board_runs(b, &ctx->blocks);
	uint32_t window_us = reordering_window(t, a);
	uint32_t start = b->start, longest = 0, lost = b->lost;

	/* Sent once and in order, acknowledged in order: nothing left is older than what
	 * arrived. */
	if (b->sacked == 0 && b->lost == 0 && !b->sent_again)
		return 0;
	for (unsigned i = 0; i < b->n; start = run[i++].end) {
		uint32_t left;

		if (run[i].flags & (BOARD_SACKED | BOARD_LOST) ||
		    !is_sent_after(a->rack.xmit_us, a->rack.end, run[i].tx_us, run[i].end))
			continue;
		left = check_run(a, &run[i], run[i].end - start, window_us, now);
		longest = left > longest ? left : longest;
	}
	if (b->lost != lost)
		board_tidy(b, &ctx->blocks);
	return longest;
}

/* RFC 8985 6.3: the first segment is lost, and all that had time enough to arrive. */
void
rack_timeout(struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, uint64_t now)
{
	struct board *b = &a->board;
	struct board_run *run = board_runs(b, &ctx->blocks);
	uint32_t window_us = reordering_window(t, a);
	uint32_t start = b->start;

	for (unsigned i = 0; i < b->n; start = run[i++].end) {
		if (run[i].flags & (BOARD_SACKED | BOARD_LOST))
			continue;
		if (i == 0)
			board_lose(b, &run[i], run[i].end - start);
		else
			check_run(a, &run[i], run[i].end - start, window_us, now);
	}
	board_tidy(b, &ctx->blocks);
}
