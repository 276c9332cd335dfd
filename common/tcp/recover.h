/* recover.h - what the files that find and repair losses share. Private to common/tcp. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TCP_RECOVER_H
#define TCP_RECOVER_H

#include "tcp/engine.h"

enum { DUP_THRESH = 3 };

static inline uint32_t
us_of(uint64_t now)
{
	return (uint32_t)(now / 1000);
}

/* What an ACK tells of what was in flight; the state before it. */
struct loss_news {
	struct board_news board;
	uint32_t una, flight, pipe;  /* before: SND.UNA, from there to snd_max, RFC 6675's pipe */
	uint32_t outstanding;	     /* before: flight less what had been reported */
	uint32_t rtt_us;	     /* 0: not measured */
	struct tcp_sack_block dsack; /* RFC 2883; empty: none */
};

/* Octets in flight. */
static inline uint32_t
in_flight(const struct tcb *t, const struct tcp_act *a)
{
	if (!has_board(t))
		return t->snd_nxt - t->snd_una;
	return board_pipe(&a->board, a->snd_max - t->snd_una);
}

/* --- the ACK of a connection with SACK (tcp_loss.c) --- */

/* Takes the numbers in, before SND.UNA moves. */
void loss_take(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, const struct tcp_seg *seg,
	       uint64_t now, struct loss_news *n);
/* Draws the conclusions, after it has moved. */
void loss_conclude(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, const struct tcp_seg *seg,
		   uint64_t now, const struct loss_news *n);
/* RTO (RFC 8985 6.3, 6675 5.1, 2018 8). */
void loss_timeout(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now);
/* loss_at has passed. */
void loss_timer_expired(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now,
			struct tcp_out *out);

/* --- RACK (tcp_rack.c) --- */

/* Nothing is in flight, and octets from seq on are about to leave. */
void rack_start(struct tcp_act *a, uint32_t seq, uint64_t now);
void rack_note_rtt(struct tcp_act *a, uint32_t rtt_us, uint64_t now);
/* Of a segment sent again, last at sent_us: this ACK may be for an earlier copy. */
bool rack_is_ambiguous(const struct tcb *t, const struct tcp_act *a, const struct tcp_seg *seg,
		       uint32_t sent_us, uint64_t now);
void rack_update(const struct tcb *t, struct tcp_act *a, const struct tcp_seg *seg,
		 const struct loss_news *n, uint64_t now);
void rack_adapt(const struct tcb *t, struct tcp_act *a, bool dsack);
void rack_left_recovery(struct tcp_act *a);
/* Marks what is lost; microseconds until more may be, 0: nothing is in doubt. */
uint32_t rack_detect(struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, uint64_t now);
void rack_timeout(struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, uint64_t now);

/* --- tail loss probes (tcp_tlp.c) --- */

/* Octets were sent for the first time, or acknowledged: arms the timer of the probe, or takes it
 * away. */
void tlp_schedule(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, uint64_t now);
/* True: the probe has repaired a loss, to which congestion control must respond. */
bool tlp_acked(struct tcb *t, struct tcp_act *a, const struct tcp_seg *seg,
	       const struct loss_news *n);
void tlp_send(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now,
	      struct tcp_out *out);

/* --- proportional rate reduction (tcp_prr.c) --- */

void prr_begin(struct tcp_act *a, uint32_t flight);
/* Sets cwnd: `delivered` octets arrived, nothing more was lost (safe). */
void prr_acked(const struct tcb *t, struct tcp_act *a, uint32_t delivered, bool is_safe);

/* --- undoing (tcp_undo.c) --- */

/* A reduction is about to come, with so much in flight. */
void undo_arm(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, uint32_t flight,
	      uint64_t now);
/* The first new ACK after it (SND.UNA has moved): true when it was for nothing, and is undone. */
bool undo_acked(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, const struct tcp_seg *seg,
		uint32_t acked, uint64_t now);

/* --- sending (tcp_output.c) --- */

/* One segment from seq on with len octets, FIN and PSH where they belong; false: no room. */
bool send_segment(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint32_t seq, uint32_t len,
		  bool fin, uint64_t now, struct tcp_out *out);

#endif
