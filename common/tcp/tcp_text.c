/* tcp_text.c - seventh and eighth: a segment's octets, and its FIN (RFC 9293 3.10.7.4). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"
#include "tcp/input.h"

static void
owe_ack(struct tcp_ctx *ctx, struct tcb *t, uint64_t now)
{
	struct tcp_act *a = act_of(ctx, t);

	if (t->flags & TCB_ACK_DELAYED || profile_of(ctx, t)->quickack || ctx->cfg.delack_ns == 0) {
		t->flags |= TCB_ACK_NOW; /* at least every second segment (RFC 9293 SHLD-19) */
		return;
	}
	if (t->flags & TCB_ACK_NOW)
		return;
	t->flags |= TCB_ACK_DELAYED;
	ctx->stats.acks_delayed++;
	if (a)
		a->delack_at = now + ctx->cfg.delack_ns;
}

static void
take_in_order(struct tcp_ctx *ctx, struct tcb *t, uint16_t off, uint16_t len, uint64_t now,
	      struct tcp_sack_block *dup, struct tcp_out *out)
{
	struct tcp_act *a = act_of(ctx, t);

	out->deliver_off = off;
	out->deliver_len = len;
	t->rcv_nxt += len;
	tcb_touch(ctx, t, now);
	if (a)
		urgent_settle(t, a);
	if (a && a->n_runs > 0) {
		reass_duplicate(ctx, a, t->rcv_nxt - len, t->rcv_nxt, dup);
		reass_drain(ctx, t, a, out);
		t->flags |= TCB_ACK_NOW; /* RFC 5681 4.2: a hole is filled */
	} else {
		owe_ack(ctx, t, now);
	}
	ctx->stats.octets_in += len + out->drained.len;
}

static void
take_out_of_order(struct tcp_ctx *ctx, struct tcb *t, uint32_t seq, uint16_t off, uint16_t len,
		  uint64_t now, struct tcp_sack_block *dup, struct tcp_out *out)
{
	struct tcp_act *a = act_get(ctx, t, now);

	ctx->stats.out_of_order_in++;
	if (a)
		reass_hold(ctx, a, seq, off, len, dup, out);
}

/* The end of what we take of seg: of the window, and nothing follows a FIN. */
static uint32_t
limit_end(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg)
{
	const struct tcp_act *a = act_of(ctx, t);
	uint32_t end = seg->seq + seg->len;

	if (seq_gt(end, t->rcv_adv)) {
		ctx->stats.drop_window += end - t->rcv_adv;
		t->flags |= TCB_ACK_NOW;
		end = t->rcv_adv;
	}
	return a && a->fin_held ? seq_min(end, a->fin_seq) : end;
}

struct tcp_sack_block
old_octets(struct tcp_ctx *ctx, const struct tcb *t, const struct tcp_seg *seg)
{
	struct tcp_sack_block dup = {seg->seq, seg->seq + seg->len};

	if (seg->len == 0 || seq_geq(seg->seq, t->rcv_nxt))
		return (struct tcp_sack_block){0, 0};
	dup.end = seq_min(dup.end, t->rcv_nxt);
	ctx->stats.duplicate_octets_in += dup.end - dup.start;
	/* A blind guess is older than anything the peer can have in flight: it gets no ACK of its
	 * own. */
	if (t->rcv_nxt - dup.start > ctx->cfg.rcvbuf + UINT16_MAX)
		return (struct tcp_sack_block){0, 0};
	return dup;
}

bool
process_text(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
	     struct tcp_sack_block *dup, struct tcp_out *out)
{
	*dup = old_octets(ctx, t, seg);
	if (seg->len == 0)
		return false;
	uint32_t seq = seq_max(seg->seq, t->rcv_nxt);
	uint32_t end = limit_end(ctx, t, seg);
	uint16_t off = (uint16_t)(seq - seg->seq), len = (uint16_t)(end - seq);

	if (seq_lt(seq, end) && seq == t->rcv_nxt) {
		take_in_order(ctx, t, off, len, now, dup, out);
	} else if (seq_lt(seq, end)) {
		take_out_of_order(ctx, t, seq, off, len, now, dup, out);
		return true;
	}
	return !is_empty_block(dup);
}

/* --- eighth: FIN --- */

static void
process_fin(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out)
{
	struct tcp_act *a = act_of(ctx, t);

	if (a)
		reass_free(ctx, a); /* octets beyond a FIN are nobody's */
	t->rcv_nxt++;
	t->rcv_adv = seq_max(t->rcv_adv, t->rcv_nxt);
	t->flags |= TCB_ACK_NOW;
	tcb_touch(ctx, t, now);
	out->events |= TCP_EV_EOF;
	if (t->state == TCP_ESTABLISHED)
		set_state(t, TCP_CLOSE_WAIT);
	else if (t->state == TCP_FIN_WAIT_1)
		set_state(t, TCP_CLOSING);
	else
		enter_time_wait(ctx, t, now, out);
}

void
check_fin(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
	  struct tcp_out *out)
{
	uint32_t fin_seq = seg->seq + seg->len;
	struct tcp_act *a = act_of(ctx, t);

	if (a && a->fin_held && t->rcv_nxt == a->fin_seq) {
		a->fin_held = false;
		process_fin(ctx, t, now, out);
		return;
	}
	if (!(seg->flags & TCP_FIN))
		return;
	if (fin_seq == t->rcv_nxt) {
		process_fin(ctx, t, now, out);
	} else if (seq_gt(fin_seq, t->rcv_nxt) && seq_lt(fin_seq, t->rcv_adv)) {
		a = act_get(ctx, t, now);
		if (a && !reass_reaches_beyond(ctx, a, fin_seq)) {
			a->fin_held = true;
			a->fin_seq = fin_seq;
		}
		if (seg->len == 0)
			send_ack(ctx, t, now, out);
	}
}
