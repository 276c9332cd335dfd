/* diff_reasons.h - the known differences: one list gives the table and the names of its predicates. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LINUX_DIFF_REASONS_H
#define LINUX_DIFF_REASONS_H

#include "diff.h"

#include <string.h>

#include "tcp/seq.h"

/* Row of tests/packet/DIFFERENCES, whether both hosts are in the same state afterwards, predicate. The first that fits counts. */
/* clang-format off */
#define REASONS(X) \
	X("OPTION-MALFORMED", false, why_malformed) \
	X("OPTION-SIGNED", false, why_signed) \
	X("TS-MISSING", false, why_lacks_timestamp) \
	X("PAWS-HALF-TURN", false, why_half_turn) \
	X("CHALLENGE-LIMIT", true, why_limit) \
	X("NAGLE-MINSHALL", false, why_nagle) \
	X("SEND-SYN-SENT", false, why_write_early) \
	X("ACK-OLD", false, why_old_ack) \
	X("TEXT-AFTER-FIN", false, why_after_fin) \
	X("LEFT-EDGE", false, why_left_edge) \
	X("KEEPALIVE-ECHO", false, why_keepalive_echo) \
	X("PAST-EDGE", false, why_past_edge) \
	X("DSACK", true, why_dsack) \
	X("FIN-KEPT", false, why_fin_kept) \
	X("FIN-INSIDE", false, why_fin_inside) \
	X("REASSEMBLY-TAIL", false, why_reass_tail) \
	X("SIMULTANEOUS-OPTIONS", false, why_simultaneous) \
	X("SILLY-SEND", false, why_silly) \
	X("RECOVERY", false, why_recovery) \
	X("PAWS-ONE", false, why_paws_one) \
	X("TIME-WAIT-ECHO", false, why_time_wait_echo) \
	X("SIMULTANEOUS-ACK", false, why_simultaneous_ack) \
	X("SYN-AGAIN-ECHO", false, why_syn_again) \
	X("ABORT-CLOSING", false, why_abort_closing) \
	X("WINDOW-SHRUNK-SEQ", true, why_seq_in_window) \
	X("SYN-RECEIVED-RST", false, why_half_open_reset) \
	X("RST-AFTER-FIN", false, why_reset_after_fin) \
	X("WINDOW-TAKEN", false, why_window_taken) \
	X("SLOW-START-BYTES", false, why_growth) \
	X("TSO-DEFER", false, why_deferred) \
	X("PAWS-PURE-ACK", true, why_late_pure_ack) \
	X("TIME-WAIT-RST", false, why_assassinated) \
	X("RESET-UNREAD", false, why_reset_unread) \
	X("CLOSE-UNREAD", false, why_end_unread) \
	X("WINDOW-UPDATE", true, why_window_update) \
	X("NO-ACK-UNACCEPTABLE", true, why_ack_late) \
	X("ACK-APART", true, why_ack_apart) \
	X("SACK-ON-DATA", false, why_sack_on_data) \
	X("TIME-WAIT-ACK", false, why_time_wait_ack) \
	X("HANDSHAKE-ECHO", false, why_echo_wrong) \
	X("CLOSE-SYN-SENT", false, why_close_early)
/* clang-format on */

#define REASON_PROTOTYPE(id, goes_on, fits) bool fits(const struct duel *d, const struct step *s);
REASONS(REASON_PROTOTYPE)
#undef REASON_PROTOTYPE

/* --- what the answers look like --- */

static inline const struct answer *
of_linux(const struct duel *d)
{
	return &d->now[0];
}

static inline const struct answer *
of_ours(const struct duel *d)
{
	return &d->now[1];
}

static inline bool
is_silence(const struct answer *a)
{
	return a->n == 0;
}

/* One bare ACK. */
static inline bool
is_ack(const struct answer *a)
{
	return a->n == 1 && a->reply[0].kind == PKT_TCP && a->reply[0].tcp.flags == TCP_ACK &&
	       a->reply[0].tcp.len == 0;
}

static inline bool
same_user(const struct duel *d)
{
	const struct answer *l = of_linux(d), *o = of_ours(d);

	return l->n_read == o->n_read && memcmp(l->read, o->read, l->n_read) == 0 &&
	       l->accepted == o->accepted && l->eof == o->eof && l->ended == o->ended &&
	       l->state == o->state && l->reset == o->reset;
}

static inline bool
is_segment(const struct duel *d, const struct step *s, struct tcp_seg *g)
{
	return s->kind == STEP_SEGMENT && !s->from_other_port && (duel_arrived(d, 1, s, g) || true);
}

static inline bool
has_tcb_flag(uint16_t flag)
{
	const struct tcb *t = diff_ours_tcb();

	return t && t->flags & flag;
}

/* Agreed on; while there is no connection yet, the SYN,ACK tells. */
static inline bool
has_timestamps(const struct duel *d)
{
	return diff_ours_tcb() ? has_tcb_flag(TCB_TIMESTAMPS) : d->was[1].timestamps;
}

/* Segments with octets or FIN, the ith of them; NULL: there are no more. */
static inline const struct tcp_seg *
data_segment(const struct answer *a, unsigned i)
{
	for (unsigned j = 0; j < a->n; j++)
		if (a->reply[j].kind == PKT_TCP && tcp_seg_len(&a->reply[j].tcp) > 0 && i-- == 0)
			return &a->reply[j].tcp;
	return NULL;
}

/* How many of them are the same, from the first on. */
static inline unsigned
same_data(const struct duel *d)
{
	for (unsigned i = 0;; i++) {
		const struct tcp_seg *l = data_segment(of_linux(d), i);
		const struct tcp_seg *o = data_segment(of_ours(d), i);

		if (!l || !o || tcp_seg_len(l) != tcp_seg_len(o))
			return i;
	}
}

/* Ours sends the first of what Linux sends. */
static inline bool
is_held_back(const struct duel *d)
{
	unsigned n = same_data(d);

	return data_segment(of_linux(d), n) && !data_segment(of_ours(d), n);
}

static inline bool
carries_data(const struct answer *a)
{
	return data_segment(a, 0) != NULL;
}

/* The peer's FIN is in. */
static inline bool
has_fin(const struct duel *d)
{
	return d->state == TCP_CLOSE_WAIT || d->state == TCP_CLOSING || d->state == TCP_LAST_ACK ||
	       (d->state == TCP_CLOSED && !d->now[1].reset);
}

/* The first block tells of octets that have come before. */
static inline bool
has_dsack(const struct tcp_seg *g)
{
	const struct tcp_sack_block *b = g->sack;

	return g->n_sack > 0 &&
	       (seq_lt(b[0].start, g->ack) ||
		(g->n_sack > 1 && seq_leq(b[1].start, b[0].start) && seq_leq(b[0].end, b[1].end)));
}

static inline bool
is_within(const struct tcp_sack_block *b, const struct tcp_seg *g)
{
	for (unsigned i = 0; i < g->n_sack; i++)
		if (seq_leq(g->sack[i].start, b->start) && seq_leq(b->end, g->sack[i].end))
			return true;
	return false;
}

#endif
