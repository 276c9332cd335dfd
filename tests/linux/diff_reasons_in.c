/* diff_reasons_in.c - differences in what is taken from a segment, and how it is answered. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "diff_reasons.h"

/* Linux's limit is off here; ours is one challenge in half a second and connection. */
bool
why_limit(const struct duel *d, const struct step *s)
{
	return s->kind == STEP_SEGMENT && is_silence(of_ours(d)) && is_ack(of_linux(d)) &&
	       of_linux(d)->reply[0].tcp.ack == d->was[0].rcv_nxt && same_user(d) &&
	       (has_tcb_flag(TCB_CHALLENGED) || d->challenged);
}

/* Signed, and no key is known (RFC 2385, 5925). */
bool
why_signed(const struct duel *d, const struct step *s)
{
	return s->kind == STEP_SEGMENT && is_silence(of_linux(d)) &&
	       (memchr(s->options, 19, s->n_options) || memchr(s->options, 29, s->n_options));
}

bool
why_malformed(const struct duel *d, const struct step *s)
{
	struct tcp_seg g;

	return s->kind == STEP_SEGMENT && s->n_options > 0 && !duel_arrived(d, 1, s, &g);
}

bool
why_lacks_timestamp(const struct duel *d, const struct step *s)
{
	struct tcp_seg g;

	return is_segment(d, s, &g) && has_timestamps(d) && !(g.opts & TCP_OPT_TIMESTAMP) &&
	       is_silence(of_ours(d));
}

/* Acknowledges less than SND.UNA, but within the largest window that we have announced. */
bool
why_old_ack(const struct duel *d, const struct step *s)
{
	struct tcp_seg g;

	return is_segment(d, s, &g) && g.flags & TCP_ACK &&
	       seq_lt(g.ack, d->was[1].iss + d->was_acked) && is_ack(of_linux(d));
}

bool
why_after_fin(const struct duel *d, const struct step *s)
{
	struct tcp_seg g;

	return is_segment(d, s, &g) && g.len > 0 && has_fin(d) && of_linux(d)->n == 1 &&
	       of_linux(d)->reply[0].tcp.flags & TCP_RST;
}

/* Its last octet is the one before RCV.NXT. */
bool
why_left_edge(const struct duel *d, const struct step *s)
{
	struct tcp_seg g;

	return is_segment(d, s, &g) && g.seq != d->was[1].rcv_nxt &&
	       g.seq + tcp_seg_len(&g) == d->was[1].rcv_nxt;
}

/* Where a keepalive probe stands, and the ACK echoes its timestamp. */
bool
why_keepalive_echo(const struct duel *d, const struct step *s)
{
	struct tcp_seg g;

	return is_segment(d, s, &g) && g.seq + 1 == d->was[1].rcv_nxt &&
	       strcmp(d->what, "tsecr") == 0;
}

/* The same but for a DSACK. */
bool
why_dsack(const struct duel *d, const struct step *s)
{
	const struct tcp_seg *l = &of_linux(d)->reply[0].tcp, *o = &of_ours(d)->reply[0].tcp;
	struct tcp_seg g;
	unsigned skip_l, skip_o, n_l, n_o;

	if (!is_segment(d, s, &g) || of_linux(d)->n != 1 || of_ours(d)->n != 1 || !same_user(d) ||
	    l->ack != o->ack || l->len != o->len)
		return false;
	skip_l = has_dsack(l);
	skip_o = has_dsack(o);
	/* the rest is the same, as far as there is room for it */
	n_l = l->n_sack - skip_l;
	n_o = o->n_sack - skip_o;
	return skip_l + skip_o > 0 && (n_l == n_o || skip_l != skip_o) &&
	       memcmp(l->sack + skip_l, o->sack + skip_o,
		      (n_l < n_o ? n_l : n_o) * sizeof(l->sack[0])) == 0;
}

/* A segment around octets that are held: those behind them are not kept. */
bool
why_reass_tail(const struct duel *d, const struct step *s)
{
	const struct tcp_seg *l = &of_linux(d)->reply[0].tcp, *o = &of_ours(d)->reply[0].tcp;

	(void)s;
	if (!d->odd_queue || of_linux(d)->n != 1 || of_ours(d)->n != 1)
		return false;
	if (seq_lt(o->ack, l->ack))
		return true;
	for (unsigned i = 0; i < o->n_sack; i++)
		if (!is_within(&o->sack[i], l))
			return false;
	return l->n_sack > 0 && o->n_sack > 0;
}

/* FIN where octets behind it have come: the peer contradicts himself. */
bool
why_fin_inside(const struct duel *d, const struct step *s)
{
	struct tcp_seg g;

	return is_segment(d, s, &g) && d->odd_queue && (g.flags & TCP_FIN || d->odd_fin);
}

bool
why_simultaneous(const struct duel *d, const struct step *s)
{
	struct tcp_seg g;

	return is_segment(d, s, &g) && d->state == TCP_SYN_SENT && g.flags & TCP_SYN &&
	       !(g.flags & TCP_ACK) && strcmp(d->what, "options") == 0;
}

/* Half-open, Linux has no connection yet, and resets where we acknowledge. */
bool
why_half_open_reset(const struct duel *d, const struct step *s)
{
	const struct answer *l = of_linux(d), *o = of_ours(d);

	return s->kind == STEP_SEGMENT && d->state == TCP_FREE && d->was[1].has_iss && l->n == 1 &&
	       l->reply[0].tcp.flags & TCP_RST && (is_ack(o) || is_silence(o));
}

/* One before RCV.NXT is right for Linux when that was the FIN. */
bool
why_reset_after_fin(const struct duel *d, const struct step *s)
{
	struct tcp_seg g;

	return is_segment(d, s, &g) && g.flags & TCP_RST && has_fin(d) &&
	       g.seq + 1 == d->was[1].rcv_nxt;
}

/* The timestamp is older by one: within what Linux lets pass. */
bool
why_paws_one(const struct duel *d, const struct step *s)
{
	struct tcp_seg g;
	const struct tcb *t = diff_ours_tcb();

	return is_segment(d, s, &g) && t && has_timestamps(d) && g.opts & TCP_OPT_TIMESTAMP &&
	       g.tsval + 1 == t->ts_recent;
}

bool
why_time_wait_echo(const struct duel *d, const struct step *s)
{
	return s->kind == STEP_SEGMENT && d->state == TCP_CLOSED && strcmp(d->what, "tsecr") == 0;
}

/* Both have opened; an ACK of nothing completes it for Linux. */
bool
why_simultaneous_ack(const struct duel *d, const struct step *s)
{
	struct tcp_seg g;

	return is_segment(d, s, &g) && d->state == TCP_SYN_RECEIVED && g.ack == d->was[1].iss;
}

/* A SYN again, with a later timestamp. */
bool
why_syn_again(const struct duel *d, const struct step *s)
{
	return s->kind == STEP_SEGMENT && s->seg.flags & TCP_SYN && of_ours(d)->n > 0 &&
	       of_ours(d)->reply[0].tcp.flags == (TCP_SYN | TCP_ACK) &&
	       strcmp(d->what, "tsecr") == 0;
}

/* Linux keeps a FIN without octets until what is before it comes. */
bool
why_fin_kept(const struct duel *d, const struct step *s)
{
	struct tcp_seg g;

	return is_segment(d, s, &g) && g.flags & TCP_FIN && seq_gt(g.seq, d->was[1].rcv_nxt);
}

bool
why_late_pure_ack(const struct duel *d, const struct step *s)
{
	struct tcp_seg g;
	const struct tcb *t = diff_ours_tcb();

	return is_segment(d, s, &g) && t && !(g.flags & (TCP_SYN | TCP_FIN | TCP_RST)) &&
	       g.len == 0 && g.opts & TCP_OPT_TIMESTAMP && seq_lt(g.tsval, t->ts_recent) &&
	       is_silence(of_linux(d)) && is_ack(of_ours(d));
}

bool
why_assassinated(const struct duel *d, const struct step *s)
{
	(void)s;
	return d->odd_reset && d->state == TCP_CLOSED && of_linux(d)->n == 1 &&
	       of_linux(d)->reply[0].tcp.flags & (TCP_RST | TCP_SYN);
}

bool
why_ack_late(const struct duel *d, const struct step *s)
{
	struct tcp_seg g;

	return is_segment(d, s, &g) && !(g.flags & (TCP_ACK | TCP_RST | TCP_SYN)) &&
	       is_silence(of_linux(d)) && is_ack(of_ours(d)) && same_user(d);
}

bool
why_past_edge(const struct duel *d, const struct step *s)
{
	struct tcp_seg g;

	return is_segment(d, s, &g) && s->relative & REL_EDGE &&
	       seq_gt(g.seq + tcp_seg_len(&g), d->was[1].edge);
}

bool
why_time_wait_ack(const struct duel *d, const struct step *s)
{
	struct tcp_seg g;

	const struct answer *l = of_linux(d), *o = of_ours(d);

	return is_segment(d, s, &g) && d->state == TCP_CLOSED && same_user(d) &&
	       ((is_ack(l) && is_silence(o)) || (is_silence(l) && is_ack(o)));
}

bool
why_echo_wrong(const struct duel *d, const struct step *s)
{
	struct tcp_seg g;

	duel_arrived(d, 0, s, &g);
	return s->kind == STEP_SEGMENT &&
	       (d->state == TCP_SYN_SENT || d->state == TCP_FREE || d->state == TCP_CLOSED) &&
	       d->was[0].has_iss && g.opts & TCP_OPT_TIMESTAMP && g.tsecr != d->was[0].syn_tsval;
}

bool
why_half_turn(const struct duel *d, const struct step *s)
{
	struct tcp_seg g;
	const struct tcb *t = diff_ours_tcb();

	return is_segment(d, s, &g) && t && g.opts & TCP_OPT_TIMESTAMP &&
	       g.tsval - t->ts_recent == UINT32_C(0x80000000);
}
