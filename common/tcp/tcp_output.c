/* tcp_output.c - what may be sent now (RFC 9293 3.8, 3.10.2; RFC 1122 4.2.3.4). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/recover.h"

/* --- the window that we advertise --- */

static uint32_t
rcv_unread(const struct tcp_ctx *ctx, const struct tcb *t)
{
	const struct tcp_act *a = act_of(ctx, t);

	return a ? a->rcvq.len : 0;
}

/* Octets that the receive buffer could take beyond rcv_nxt. */
static uint32_t
rcv_room(const struct tcp_ctx *ctx, const struct tcb *t)
{
	uint32_t unread = rcv_unread(ctx, t);

	return unread < ctx->cfg.rcvbuf ? ctx->cfg.rcvbuf - unread : 0;
}

/* How much farther the right edge may go: all or nothing, so that no silly windows are offered (RFC
 * 9293 3.8.6.2.2). */
uint32_t
window_growth(const struct tcp_ctx *ctx, const struct tcb *t)
{
	uint32_t room = rcv_room(ctx, t);
	uint32_t offered = t->rcv_adv - t->rcv_nxt;
	uint32_t least = ctx->cfg.rcvbuf / 2 < ctx->cfg.mss ? ctx->cfg.rcvbuf / 2 : ctx->cfg.mss;
	uint32_t unit = 1u << (t->scales >> 4);

	if (least < unit) /* less could not be said */
		least = unit;
	return room >= offered + least && room > offered ? room - offered : 0;
}

/* The window field, and rcv_adv that goes with it. The edge never moves left: where scaling would
 * take a fraction of a unit off it, the window is rounded up, at most one unit beyond the buffer
 * (RFC 7323 2.4). */
static uint16_t
advertise(const struct tcp_ctx *ctx, struct tcb *t, bool is_syn)
{
	unsigned shift = is_syn ? 0 : t->scales >> 4;
	uint32_t unit = 1u << shift;
	uint32_t offered = t->rcv_adv - t->rcv_nxt;
	uint32_t wnd = (offered + window_growth(ctx, t)) & ~(unit - 1);

	if (wnd < offered) {
		wnd = (offered + unit - 1) & ~(unit - 1);
		if (rcv_unread(ctx, t) + wnd > ctx->cfg.rcvbuf + unit)
			wnd -= unit;
	}
	if (wnd >> shift > UINT16_MAX)
		wnd = (uint32_t)UINT16_MAX << shift;
	t->rcv_adv = seq_max(t->rcv_adv, t->rcv_nxt + wnd);
	return (uint16_t)(wnd >> shift);
}

/* --- segments --- */

static void
put_syn_options(const struct tcp_ctx *ctx, struct tcb *t, struct tcp_seg *s)
{
	/* A SYN offers what we would like; a SYN,ACK confirms what the peer's SYN had. */
	bool answers = t->state == TCP_SYN_RECEIVED;

	s->flags |= ecn_syn_flags(ctx, t);
	s->opts |= TCP_OPT_MSS;
	s->mss = ctx->cfg.mss;
	if (ctx->cfg.window_scale && (!answers || t->flags & TCB_WSCALE)) {
		s->opts |= TCP_OPT_WSCALE;
		s->wscale = t->scales >> 4;
	}
	if (t->flags & TCB_SACK)
		s->opts |= TCP_OPT_SACK_PERMITTED;
}

struct tcp_seg *
emit(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out, uint8_t flags,
     uint32_t seq)
{
	if (out->n_segs >= out->room)
		return NULL;
	struct tcp_seg *s = &out->seg[out->n_segs++];

	s->seq = seq;
	s->ack = flags & TCP_ACK ? t->rcv_nxt : 0;
	s->flags = flags;
	s->opts = 0;
	s->len = 0;
	s->urg = 0;
	s->n_sack = s->ecn = 0;
	s->wnd = flags & TCP_RST ? 0 : advertise(ctx, t, flags & TCP_SYN);
	if (t->flags & TCB_TIMESTAMPS) {
		s->opts = TCP_OPT_TIMESTAMP;
		s->tsval = ms_of(now) + t->ts_offset;
		s->tsecr = flags & TCP_ACK ? t->ts_recent : 0;
	}
	if (flags & TCP_SYN)
		put_syn_options(ctx, t, s);
	if (flags & TCP_ACK) {
		struct tcp_act *a = act_of(ctx, t);

		t->flags &= (uint16_t) ~(TCB_ACK_NOW | TCB_ACK_DELAYED);
		put_ece(t, s);
		if (a) {
			a->delack_at = TCP_NEVER;
			put_urgent(t, a, s);
		}
	}
	ctx->stats.segs_out++;
	return s;
}

void
send_ack(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out)
{
	const struct tcp_act *a = act_of(ctx, t);

	/* Not snd_nxt, which a timeout takes back: left of the peer's window the ACK would not be
	 * looked at. */
	struct tcp_seg *s = emit(ctx, t, now, out, TCP_ACK, a ? a->snd_max : t->snd_nxt);

	if (s)
		put_sack(ctx, t, s);
	else
		t->flags |= TCB_ACK_NOW;
}

static bool
is_waiting_to_end(const struct tcb *t)
{
	return t->state == TCP_FIN_WAIT_2 || t->state == TCP_TIME_WAIT;
}

static bool
is_odd_half_second(uint64_t now)
{
	return ms_of(now) / TCP_CHALLENGE_MS & 1;
}

/* The bit remembers one challenge ACK, the time of last activity says when it was: no field of its
 * own in an idle connection. Whatever the peer sends that is right clears it. Where that time ends
 * the connection, a forged segment must not move it: there one bit of the clock tells this half
 * second from the last. */
static bool
may_challenge(const struct tcp_ctx *ctx, const struct tcb *t, uint64_t now)
{
	if (!(t->flags & TCB_CHALLENGED))
		return true;
	if (is_waiting_to_end(t))
		return is_odd_half_second(now) != ((t->flags & TCB_CHALLENGE_ODD) != 0);
	return tcb_quiet_ms(ctx, t, now) >= TCP_CHALLENGE_MS;
}

void
challenge_ack(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out)
{
	if (!may_challenge(ctx, t, now))
		return;
	t->flags |= TCB_CHALLENGED | TCB_CHALLENGE_ODD;
	if (!is_odd_half_second(now))
		t->flags &= (uint16_t)~TCB_CHALLENGE_ODD;
	if (!is_waiting_to_end(t))
		tcb_touch(ctx, t, now);
	ctx->stats.challenge_acks_out++;
	send_ack(ctx, t, now, out);
}

bool
tcp_reset_for(const struct tcp_seg *seg, struct tcp_seg *rst)
{
	if (seg->flags & TCP_RST)
		return false;
	*rst = (struct tcp_seg){.flags = TCP_RST};
	if (seg->flags & TCP_ACK) {
		rst->seq = seg->ack;
	} else {
		rst->flags |= TCP_ACK;
		rst->ack = seg->seq + tcp_seg_len(seg);
	}
	return true;
}

void
send_reset_for(struct tcp_ctx *ctx, const struct tcp_seg *seg, struct tcp_out *out)
{
	struct tcp_seg rst;

	if (out->n_segs >= out->room || !tcp_reset_for(seg, &rst))
		return;
	out->seg[out->n_segs++] = rst;
	ctx->stats.resets_out++;
	ctx->stats.segs_out++;
}

/* --- timers that sending starts --- */

static void
start_rexmt(struct tcp_ctx *ctx, struct tcp_act *a, uint64_t now)
{
	a->flags &= ~(uint32_t)TCP_ACT_PERSIST;
	if (a->rexmt_at == TCP_NEVER)
		a->rexmt_at = now + rto_of(ctx, a); /* RFC 6298 (5.1) */
}

/* Times one segment at a time, and never one that was sent before (Karn; RFC 6298 3). */
static void
time_segment(struct tcp_act *a, uint32_t seq, uint64_t now)
{
	if (seq_lt(seq, a->snd_max)) {
		a->flags &= ~(uint32_t)TCP_ACT_TIMING;
	} else if (!(a->flags & TCP_ACT_TIMING)) {
		a->flags |= TCP_ACT_TIMING;
		a->rtt_seq = seq;
		a->rtt_at = now;
	}
}

static void
note_on_board(struct tcp_ctx *ctx, struct tcp_act *a, uint32_t seq, uint32_t end, uint64_t now)
{
	if (a->board.n == 0) {
		a->board.start = seq;
		rack_start(a, seq, now);
	}
	if (seq_lt(seq, a->snd_max))
		board_sent_again(&a->board, &ctx->blocks, seq, seq_min(end, a->snd_max),
				 us_of(now));
	if (seq_gt(end, a->snd_max)) {
		board_sent(&a->board, &ctx->blocks, end, us_of(now));
		a->last_seg = seq_max(seq, a->snd_max);
	}
	a->prr.out += end - seq;
}

static void
note_sent(struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, uint32_t seq, uint32_t end,
	  uint64_t now)
{
	ctx->stats.segs_retransmitted += seq_lt(seq, a->snd_max);
	if (t->snd_una == a->snd_max)
		a->moved_ns = now;
	if (has_board(t))
		note_on_board(ctx, a, seq, end, now);
	else
		time_segment(a, seq, now);
	a->snd_max = seq_max(a->snd_max, end);
}

/* --- the steps of tcp_output --- */

static bool
send_syn(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now, struct tcp_out *out)
{
	uint8_t flags = t->state == TCP_SYN_SENT ? TCP_SYN : TCP_SYN | TCP_ACK;

	if (!a->rexmt_now) {
		/* A bare ACK may be owed in SYN-RECEIVED. */
		if (t->flags & TCB_ACK_NOW && t->state == TCP_SYN_RECEIVED)
			send_ack(ctx, t, now, out);
		return t->flags & TCB_ACK_NOW && t->state == TCP_SYN_RECEIVED;
	}
	if (!emit(ctx, t, now, out, flags, t->snd_una))
		return true;
	a->rexmt_now = false;
	t->snd_nxt = t->snd_una + 1;
	note_sent(ctx, t, a, t->snd_una, t->snd_nxt, now);
	/* A SYN that is answered again does not keep us half-open longer. */
	if (a->rexmt_at == TCP_NEVER)
		a->rexmt_at = now + rto_of(ctx, a);
	return false;
}

/* FIN belongs behind [seq, seq + len) when that reaches the end of what is queued. */
static bool
fin_follows(const struct tcb *t, const struct tcp_act *a, uint32_t end)
{
	return a->flags & TCP_ACT_FIN_QUEUED && end == snd_data_end(t, a);
}

bool
send_segment(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint32_t seq, uint32_t len,
	     bool fin, uint64_t now, struct tcp_out *out)
{
	struct tcp_seg *s = emit(ctx, t, now, out, TCP_ACK, seq);

	if (!s)
		return false;
	s->len = (uint16_t)len;
	put_sack(ctx, t, s);
	put_ect(t, a, s);
	if (len > 0 && seq + len == snd_data_end(t, a))
		s->flags |= TCP_PSH; /* RFC 9293 MUST-61 */
	if (fin) {
		s->flags |= TCP_FIN;
		a->flags |= TCP_ACT_FIN_SENT;
	}
	if (a->flags & TCP_ACT_CWR_DUE && len > 0 && seq_geq(seq, a->snd_max)) {
		s->flags |= TCP_CWR; /* RFC 3168 6.1.2: on new octets only */
		a->ecn_end = seq + len;
		a->flags &= ~(uint32_t)TCP_ACT_CWR_DUE;
	}
	ctx->stats.octets_out += len;
	note_sent(ctx, t, a, seq, seq + len + fin, now);
	t->snd_nxt = seq_max(t->snd_nxt, seq + len + fin);
	a->last_ns = now;
	return true;
}

/* Fast retransmit and partial ACKs: the first segment that is not acknowledged, whatever the
 * windows say. */
static bool
send_first_again(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now,
		 struct tcp_out *out)
{
	uint32_t end = seq_min(snd_data_end(t, a), a->snd_max);
	uint32_t len = end - t->snd_una;
	uint32_t mss = effective_mss(t);

	if (t->snd_una == a->snd_max) {
		a->rexmt_now = false; /* all of it has been acknowledged since */
		return true;
	}
	if (len > mss)
		len = mss;
	bool fin = fin_follows(t, a, t->snd_una + len) && a->flags & TCP_ACT_FIN_SENT;

	if (!send_segment(ctx, t, a, t->snd_una, len, fin, now, out))
		return false;
	a->rexmt_now = false;
	a->rexmt_at = now + rto_of(ctx, a);
	return true;
}

/* Octets from snd_nxt on that the peer and the network allow. */
static uint32_t
usable_window(const struct tcb *t, const struct tcp_act *a)
{
	uint32_t cwnd = has_board(t) ? a->cwnd : newreno_window(t, a);
	uint32_t out = in_flight(t, a), used = t->snd_nxt - t->snd_una;
	uint32_t network = cwnd > out ? cwnd - out : 0;
	uint32_t peer = t->snd_wnd > used ? t->snd_wnd - used : 0;

	return network < peer ? network : peer;
}

/* Sender's silly window avoidance and Nagle's algorithm (RFC 9293 3.8.6.2.1, 3.7.4): is a segment
 * of len octets worth sending? */
static bool
is_worth_sending(const struct tcp_ctx *ctx, const struct tcb *t, const struct tcp_act *a,
		 uint32_t len, uint32_t queued)
{
	if (len == effective_mss(t) || seq_lt(t->snd_nxt, a->snd_max))
		return true;
	if (len == queued) {
		bool nagle = ctx->cfg.nagle && !profile_of(ctx, t)->nodelay;

		return !nagle || t->snd_nxt == t->snd_una || a->flags & TCP_ACT_FIN_QUEUED;
	}
	return len > 0 && len >= a->max_wnd / 2;
}

/* A segment that may leave now. */
struct plan {
	uint32_t seq, len;
	bool fin;
};

/* What was taken for lost goes first (RFC 6675 4, NextSeg (1)), cut anew, and filled up with new
 * octets at its end. A timeout sends one whatever else is in flight. */
static bool
plan_lost(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, struct plan *p)
{
	uint32_t mss = effective_mss(t), data_end = snd_data_end(t, a);
	uint32_t edge = t->snd_una + t->snd_wnd, end;

	if (!board_first_lost(&a->board, &ctx->blocks, &p->seq, &end))
		return false;
	p->fin = end != seq_min(end, data_end) && end - p->seq - 1 <= mss;
	if (end == a->snd_max && !p->fin)
		end = seq_min(data_end, seq_max(end, edge));
	p->len = seq_min(end, data_end) - p->seq;
	if (p->len > mss)
		p->len = mss;
	if (seq_gt(p->seq + p->len + p->fin, edge))
		return false; /* the window has shrunk: what it takes is left to probes */
	return a->rexmt_now || in_flight(t, a) + p->len <= a->cwnd;
}

static bool
plan_next(const struct tcp_ctx *ctx, const struct tcb *t, const struct tcp_act *a, struct plan *p)
{
	uint32_t mss = effective_mss(t);

	/* snd_nxt is one beyond the octets when FIN is out. */
	if (seq_gt(t->snd_nxt, snd_data_end(t, a)))
		return false;
	uint32_t queued = snd_data_end(t, a) - t->snd_nxt;
	uint32_t usable = usable_window(t, a);

	p->seq = t->snd_nxt;
	p->len = queued < usable ? queued : usable;
	if (p->len > mss)
		p->len = mss;
	p->fin = fin_follows(t, a, t->snd_nxt + p->len) && usable > p->len;
	if (p->len == 0)
		return p->fin;
	return p->fin || is_worth_sending(ctx, t, a, p->len, queued);
}

static bool
plan(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, struct plan *p)
{
	if (has_board(t) && a->board.lost > 0)
		return plan_lost(ctx, t, a, p);
	return plan_next(ctx, t, a, p);
}

/* All that is due, or that the windows allow; false: no room. */
static bool
send_planned(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now,
	     struct tcp_out *out)
{
	uint32_t old_max = a->snd_max;
	struct plan p;

	if (a->rexmt_now && !has_board(t) && !send_first_again(ctx, t, a, now, out))
		return false;
	while (plan(ctx, t, a, &p)) {
		bool is_first = p.seq == t->snd_una;

		if (!send_segment(ctx, t, a, p.seq, p.len, p.fin, now, out))
			return false;
		if (has_board(t) && is_first && seq_lt(p.seq, old_max))
			a->rexmt_at = TCP_NEVER; /* the retransmission has a whole RTO */
		a->rexmt_now = false;
		start_rexmt(ctx, a, now);
	}
	if (has_board(t) && a->snd_max != old_max)
		tlp_schedule(ctx, t, a, now);
	return true;
}

/* Something waits, and nothing would wake us: the window is shut or silly (RFC 9293 3.8.6.1). */
static bool
is_stuck(const struct tcp_act *a)
{
	return (a->sndq.len > 0 || a->flags & TCP_ACT_FIN_QUEUED) && a->rexmt_at == TCP_NEVER;
}

static void
persist(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now)
{
	/* What was in flight before a timeout is to be probed for, too. */
	if (has_board(t))
		board_lose_all(&a->board, &ctx->blocks);
	if (t->snd_una == a->snd_max)
		a->moved_ns = now;
	a->rexmt_now = false;
	a->flags |= TCP_ACT_PERSIST;
	a->rexmt_at = now + rto_of(ctx, a);
}

bool
tcp_output(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out)
{
	struct tcp_act *a = act_of(ctx, t);

	if (t->state == TCP_CLOSED)
		return false;
	if (is_half_open(t))
		return half_open_output(ctx, t, now, out);
	if (t->state == TCP_SYN_SENT || t->state == TCP_SYN_RECEIVED)
		return send_syn(ctx, t, a, now, out);
	if (a && !send_planned(ctx, t, a, now, out))
		return true;
	if (a && is_stuck(a))
		persist(ctx, t, a, now);
	if (t->flags & TCB_ACK_NOW)
		send_ack(ctx, t, now, out);
	act_settle(ctx, t, now);
	return t->flags & TCB_ACK_NOW;
}

bool
tcp_wants_output(const struct tcp_ctx *ctx, const struct tcb *t)
{
	struct tcp_act *a = act_of(ctx, t);
	struct plan p;

	if (t->flags & TCB_ACK_NOW)
		return true;
	if (!a)
		return is_half_open(t) && half_open_wants_output(t);
	if (!is_synchronized(t))
		return a->rexmt_now;
	return (a->rexmt_now && !has_board(t)) || plan(ctx, t, a, &p) || is_stuck(a);
}
