/* engine.h - what the files of the engine share. Private to common/tcp. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TCP_ENGINE_H
#define TCP_ENGINE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "tcp/seq.h"
#include "tcp/tcp.h"
#include "tcp/tcp_compact.h"

#define TCP_NEVER UINT64_MAX

enum {
	NS_PER_MS = 1000000,
	NS_PER_US = 1000,
	TCP_DEFAULT_MSS = 536,	   /* RFC 9293 MUST-15 */
	TCP_MIN_MSS = 60,	   /* below it a peer asks for floods of tiny segments */
	TCP_TIMESTAMP_OCTETS = 12, /* of a header, padding included */
	TCP_CHALLENGE_MS = 500,	   /* at most one challenge ACK in this time on a connection */
	TCP_R1 = 3,		   /* RFC 9293 SHLD-10 */
	TCP_ROOM_RETRY_MS = 10, /* when buffers are all gone, the user is asked again after this */
	TCP_PAWS_IDLE_MS = 24 * 24 * 3600 * 1000, /* RFC 7323 5.5: 24 days */
};

static inline uint32_t
ms_of(uint64_t now)
{
	return (uint32_t)(now / NS_PER_MS);
}

static inline const struct tcp_profile *
profile_of(const struct tcp_ctx *ctx, const struct tcb *t)
{
	return &ctx->cfg.profiles[t->profile];
}

/* --- active blocks (tcp_act.c) --- */

static inline struct tcp_act *
act_of(const struct tcp_ctx *ctx, const struct tcb *t)
{
	return tcb_is_active(t) ? pool_at(&ctx->acts, t->act) : NULL;
}

/* The block, made if need be; NULL when the pool is empty (counted). */
struct tcp_act *act_get(struct tcp_ctx *ctx, struct tcb *t, uint64_t now);
/* Gives the block back with all that hangs on it. */
void act_put(struct tcp_ctx *ctx, struct tcb *t);
/* Gives it back when nothing needs it any more. */
void act_settle(struct tcp_ctx *ctx, struct tcb *t, uint64_t now);
/* Nothing in flight, queued, held or unread. */
bool act_is_idle(const struct tcb *t, const struct tcp_act *a);
/* Notes activity: starts the equal delays of a connection without a block anew. */
void tcb_touch(struct tcp_ctx *ctx, struct tcb *t, uint64_t now);
/* Time since then, in ms; without a block modulo 2^31. */
uint32_t tcb_quiet_ms(const struct tcp_ctx *ctx, const struct tcb *t, uint64_t now);
/* When `span` after it will be over; never early, without a block up to 1 ms late. */
uint64_t tcb_after_activity(const struct tcp_ctx *ctx, const struct tcb *t, uint64_t span,
			    uint64_t now);
/* Notes that ts_recent has become too old, before a new activity hides that. */
void tcb_note_age(const struct tcp_ctx *ctx, struct tcb *t, uint64_t now);

/* --- state (tcp_state.c) --- */

void set_state(struct tcb *t, enum tcp_state state);
/* The connection is over: everything is freed, CLOSED and `events` are told. */
void end_connection(struct tcp_ctx *ctx, struct tcb *t, uint32_t events, struct tcp_out *out);
/* Tells the user what does not end the connection, if he wants to know. */
void tell_trouble(const struct tcp_ctx *ctx, const struct tcb *t, uint16_t what,
		  struct tcp_out *out);
void enter_established(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out);
void enter_time_wait(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out);

static inline bool
is_synchronized(const struct tcb *t)
{
	return t->state >= TCP_ESTABLISHED;
}

/* States in which the peer may still send (his FIN has not come). */
static inline bool
may_receive(const struct tcb *t)
{
	return t->state == TCP_ESTABLISHED || t->state == TCP_FIN_WAIT_1 ||
	       t->state == TCP_FIN_WAIT_2;
}

/* --- half-open connections of listeners, without an active block (tcp_half_open.c) --- */

static inline bool
is_half_open(const struct tcb *t)
{
	return t->state == TCP_SYN_RECEIVED && !tcb_is_active(t);
}

/* The SYN,ACK leaves with the next output. */
void half_open_begin(struct tcb *t, uint64_t now);
/* It has left, who knows when. */
void half_open_sent(struct tcb *t, uint64_t now);
/* The peer has repeated his SYN. */
void half_open_syn_again(struct tcb *t);
bool half_open_wants_output(const struct tcb *t);
bool half_open_output(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out);
uint64_t half_open_deadline(const struct tcp_ctx *ctx, const struct tcb *t, uint64_t now);
void half_open_timeout(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out);
/* The ACK field of a segment that arrives; false: nothing follows. */
bool half_open_ack(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now,
		   struct tcp_out *out);
/* The user has something to send, or to close: a goes on where t was. */
void half_open_promote(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a,
		       uint64_t now);

/* --- options of the SYNs (tcp_open.c) --- */

/* SYN-RECEIVED by this SYN, but for counters. */
void open_passive(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *syn, uint64_t now);

void take_syn_options(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *syn);

static inline uint16_t
effective_mss(const struct tcb *t)
{
	return (uint16_t)(t->mss - (t->flags & TCB_TIMESTAMPS ? TCP_TIMESTAMP_OCTETS : 0));
}

static inline uint32_t
snd_scaled(const struct tcb *t, const struct tcp_seg *seg)
{
	return (uint32_t)seg->wnd << (seg->flags & TCP_SYN ? 0 : t->scales & 15);
}

/* --- sending (tcp_output.c) --- */

/* Appends a segment with what every segment of the connection has; NULL when out has no room. */
struct tcp_seg *emit(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out,
		     uint8_t flags, uint32_t seq);
void send_ack(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out);
/* At most one in TCP_CHALLENGE_MS (RFC 5961 7). */
void challenge_ack(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out);
/* A RST for seg (RFC 9293 3.5.2), without touching the connection. */
void send_reset_for(struct tcp_ctx *ctx, const struct tcp_seg *seg, struct tcp_out *out);

/* Sequence number after the last octet queued (FIN not counted). */
uint32_t snd_data_end(const struct tcb *t, const struct tcp_act *a);
/* Of the first octet queued. */
uint32_t snd_data_start(const struct tcb *t);
/* How much farther right the edge of our window should move now; 0: not worth telling. */
uint32_t window_growth(const struct tcp_ctx *ctx, const struct tcb *t);

/* --- receiving (tcp_reass.c) --- */

/* The islands, ascending, never touching. */
static inline struct tcp_run *
reass_runs(const struct tcp_ctx *ctx, const struct tcp_act *a)
{
	if (a->runs_block == POOL_NONE)
		return (struct tcp_run *)a->run;
	return (struct tcp_run *)block_at(&ctx->blocks, a->runs_block)->data;
}
/* The first island that ends at or after seq, or n_runs. */
unsigned reass_find(const struct tcp_ctx *ctx, const struct tcp_act *a, uint32_t seq);

/* What of [start, end) is held already goes into *dup unless that is in use: of a segment the first
 * piece is reported (RFC 2883 4.2.3). */
void reass_duplicate(struct tcp_ctx *ctx, const struct tcp_act *a, uint32_t start, uint32_t end,
		     struct tcp_sack_block *dup);
/* Keeps what it can of [seq, seq + len), which is beyond rcv_nxt; `off` is where it begins in the
 * segment's payload. */
void reass_hold(struct tcp_ctx *ctx, struct tcp_act *a, uint32_t seq, uint16_t off, uint16_t len,
		struct tcp_sack_block *dup, struct tcp_out *out);
/* Moves what rcv_nxt has reached into out->drained, and rcv_nxt with it. */
void reass_drain(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, struct tcp_out *out);
void reass_free(struct tcp_ctx *ctx, struct tcp_act *a);
/* Something after seq is held. */
bool reass_reaches_beyond(const struct tcp_ctx *ctx, const struct tcp_act *a, uint32_t seq);

/* --- ECN (tcp_ecn.c) --- */

/* What our SYN or SYN,ACK has beside SYN and ACK. */
uint8_t ecn_syn_flags(const struct tcp_ctx *ctx, struct tcb *t);
/* The peer's SYN or SYN,ACK; its options have been taken. */
void ecn_take_syn(const struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *syn);
/* An acceptable segment's CE, CWR. */
void ecn_take_mark(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg);
/* Its ECE, after the ACK's own effects. */
void ecn_take_echo(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_seg *seg, uint64_t now);

/* RFC 3168 6.1.3: every ACK, with octets or without. */
static inline void
put_ece(const struct tcb *t, struct tcp_seg *s)
{
	if (t->flags & TCB_ECE_OWED && (s->flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_ACK)
		s->flags |= TCP_ECE;
}

/* RFC 3168 6.1.4 to 6.1.6: new octets may be marked; retransmissions, probes and bare ACKs not.
 * Before snd_max moves. */
static inline void
put_ect(const struct tcb *t, const struct tcp_act *a, struct tcp_seg *s)
{
	if (t->flags & TCB_ECT && s->len > 0 && seq_geq(s->seq, a->snd_max))
		s->ecn = ECN_ECT0;
}

/* TCB_CLOSE_DUE; false: there is no active block still (tcp_user.c). */
bool close_now(struct tcp_ctx *ctx, struct tcb *t, uint64_t now);
/* A RST of our own accord (tcp_user.c). */
void reset_peer(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out);

/* --- urgent data (tcp_urgent.c) --- */

void take_urgent(struct tcp_ctx *ctx, const struct tcb *t, const struct tcp_seg *seg,
		 struct tcp_out *out);
/* rcv_nxt has moved. */
void urgent_settle(const struct tcb *t, struct tcp_act *a);
/* URG and the pointer on a segment with ACK, where they belong. */
void put_urgent(const struct tcb *t, struct tcp_act *a, struct tcp_seg *s);

/* --- long silence (tcp_keepalive.c) --- */

/* When something is due for a connection in which nothing happens. */
uint64_t silence_deadline(const struct tcp_ctx *ctx, const struct tcb *t, uint64_t now);
/* It has come; false: the connection is over. */
bool silence_timeout(struct tcp_ctx *ctx, struct tcb *t, uint64_t now, struct tcp_out *out);

/* --- SACK as a receiver (tcp_sack_out.c) --- */

static inline bool
is_empty_block(const struct tcp_sack_block *b)
{
	return b->start == b->end;
}

/* Something in the island that holds seq is news to the sender. */
void sack_note(const struct tcp_ctx *ctx, struct tcp_act *a, uint32_t seq);
/* The blocks that a segment with ACK ought to carry, as far as they fit beside its other options
 * and its s->len octets. To be called when those are set. */
void put_sack(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_seg *s);
/* An ACK at once that reports octets received twice (RFC 2883). */
void send_dsack(struct tcp_ctx *ctx, struct tcb *t, const struct tcp_sack_block *dup, uint64_t now,
		struct tcp_out *out);

/* --- the sending half of an active block (tcp_sndq.c) --- */

void snd_init(struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a);
void snd_free(struct tcp_ctx *ctx, struct tcp_act *a);
/* All that is in flight must be sent again: the path has lost it, but not for congestion. */
void snd_resend_all(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a);

/* The scoreboard says what is in flight, and snd_nxt is always snd_max. */
static inline bool
has_board(const struct tcb *t)
{
	return t->flags & TCB_SACK && is_synchronized(t);
}

/* --- round-trip time (tcp_rtt.c) --- */

void rtt_sample(struct tcp_act *a, uint32_t us);
void take_rtt(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a,
	      const struct tcp_seg *seg, uint64_t now);
/* RTO from the estimate, with back-off, within the limits. */
uint64_t rto_of(const struct tcp_ctx *ctx, const struct tcp_act *a);

/* --- congestion control (tcp_cc.c) --- */

uint32_t cc_initial_window(const struct tcp_ctx *ctx, const struct tcb *t);
/* `acked` octets were acknowledged while `flight` were in flight: the window grows, if it was used.
 * rtt_us 0: not measured. */
void cc_grow(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, uint32_t acked,
	     uint32_t flight, uint32_t rtt_us, uint64_t now);
/* A loss was detected: a new ssthresh. `flight` without what limited transmit has sent. */
void cc_reduce(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a, uint32_t flight);
void cc_timeout(const struct tcp_ctx *ctx, const struct tcb *t, struct tcp_act *a);
/* The peer's ACK carries ECE: one reduction per window of data, and CWR with the next new octets
 * (RFC 3168 6.1.2). Called after the ACK's own effects. */
void cc_ecn_reduce(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now);

/* --- recovery without SACK (tcp_newreno.c) --- */

/* New octets were acknowledged; `flight` is what was in flight before. True: the next hole must be
 * retransmitted (partial ACK). */
bool newreno_acked(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint32_t acked,
		   uint32_t flight, uint64_t now);
/* Another duplicate ACK. True: retransmit the first segment now. */
bool newreno_duplicate(struct tcp_ctx *ctx, struct tcb *t, struct tcp_act *a, uint64_t now);
/* Octets that may be in flight. */
uint32_t newreno_window(const struct tcb *t, const struct tcp_act *a);

/* --- keyed numbers (tcp_isn.c) --- */

uint32_t isn(const struct tcp_ctx *ctx, const struct tcb *t, uint64_t now);
uint32_t timestamp_offset(const struct tcp_ctx *ctx, const struct tcb *t);

#endif
