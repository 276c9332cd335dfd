/* tcp.h - the TCP engine: segments and `now` in, segments and events out (RFC 9293). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TCP_TCP_H
#define TCP_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/wheel.h"
#include "tcp/act.h"
#include "tcp/block.h"
#include "tcp/tcb.h"
#include "wire/flow.h"
#include "wire/tcp.h"

/*
 * The engine does no I/O and owns no clock. It orders, trims and times; it never looks at payload.
 * A tcp_ctx holds what a share of the connections has in common: pools, keys, limits, counters.
 * There are no statics; any number of contexts live in a process. `now` is nanoseconds of a clock
 * that does not go back; all calls on one ctx are made by one thread.
 *
 * Who owns what: the caller owns tcbs (it zeroes a slot, hands it to tcp_open_*, and frees it when
 * an event carries TCP_EV_CLOSED, at once). The engine owns active blocks, and the chains in them:
 * send queue, reassembly queue. The receive queue (delivered, not yet read) is the host's, kept in
 * the active block so that it costs an idle connection nothing.
 */

enum tcp_cc {
	TCP_CC_CUBIC,	/* RFC 9438, HyStart++ (9406) */
	TCP_CC_NEWRENO, /* RFC 5681 */
};

enum tcp_ecn {
	TCP_ECN_OFF,
	TCP_ECN_REQUEST, /* agreed to when the peer asks */
	TCP_ECN_ALWAYS,	 /* asked for, too */
};

/* Defaults of keepalive once it is switched on (RFC 9293 MUST-28: two hours or more). */
#define TCP_KEEPALIVE_NS	  (UINT64_C(7200) * 1000000000)
#define TCP_KEEPALIVE_INTERVAL_NS (UINT64_C(75) * 1000000000)
enum { TCP_KEEPALIVE_COUNT = 9, TCP_KEEPALIVE_COUNT_MAX = 15 };

/* What a listener, or whoever opens, asks of its connections. A tcb names its row in a table of
 * them. */
struct tcp_profile {
	bool quickack;	     /* never delays an ACK */
	bool nodelay;	     /* Nagle's algorithm is off (RFC 9293 MUST-17) */
	bool notify_sent;    /* the user wants TCP_EV_SENT */
	bool notify_trouble; /* and TCP_EV_TROUBLE (RFC 9293 MUST-47, SHLD-20) */
	uint8_t dscp;	     /* of what is sent (MUST-48); the host puts it into the IP header */
	uint8_t cc;	     /* enum tcp_cc */
	/* TCP_EV_TIMEOUT when nothing has been acknowledged for so long though something waits to
	 * be, a closed window included; 0: only R2 ends a connection. A limit of our own: the
	 * option of RFC 5482 is neither sent nor taken. */
	uint64_t user_timeout_ns;
	uint8_t ecn; /* enum tcp_ecn (RFC 3168) */
	/* Equal delays after the last activity, each at most 20 days with all its repetitions; see
	 * tcp_sweep. */
	uint64_t idle_ns; /* without any activity for so long a connection is reset, TCP_EV_TIMEOUT;
			     0: never */
	uint64_t keepalive_ns; /* first probe (RFC 9293 3.8.4); 0: none are sent (MUST-25) */
	uint64_t keepalive_interval_ns; /* between probes; 0: TCP_KEEPALIVE_INTERVAL_NS */
	uint8_t keepalive_count;	/* so many without an answer, and it is over; 0:
					   TCP_KEEPALIVE_COUNT; at most 15 */
};

struct tcp_config {
	const struct tcp_profile
	    *profiles;		/* the caller's, by tcb.profile; NULL: row 0 alone, all off */
	uint32_t rcvbuf;	/* receive window at most, octets (64 KiB) */
	uint32_t sndbuf;	/* octets queued at most (64 KiB) */
	uint16_t mss;		/* of what we receive, announced: MTU - 40 */
	uint8_t initial_window; /* segments (RFC 6928: 10) */
	bool timestamps;	/* RFC 7323 */
	bool window_scale;
	bool sack; /* RFC 2018 */
	bool nagle;
	uint64_t delack_ns;	 /* 40 ms; 0: an ACK leaves with the burst that caused it */
	uint64_t rto_min_ns;	 /* 200 ms (RFC 6298 asks 1 s; Linux 200 ms) */
	uint64_t rto_max_ns;	 /* 120 s */
	uint64_t rto_initial_ns; /* 1 s */
	uint8_t syn_retries;	 /* 6: about 127 s */
	uint8_t synack_retries;	 /* 5 */
	uint8_t retries;	 /* R2: 15 */
	uint64_t time_wait_ns;	 /* 2MSL: 60 s */
	uint64_t fin_wait_2_ns;	 /* how long FIN-WAIT-2 lasts after the user's close: 60 s */
};
void tcp_config_default(struct tcp_config *c);

/* One list gives the struct, its printing and its names. */
/* clang-format off */
#define TCP_STATS(X) \
	X(opened_active)        /* SYNs of our own connections, first ones */ \
	X(opened_passive)       /* SYNs taken from peers */ \
	X(established)          /* entries into ESTABLISHED */ \
	X(open_failed)          /* SYN-SENT or SYN-RECEIVED that ended without it */ \
	X(closed)               /* tcbs given back, all causes */ \
	X(reset_by_peer) \
	X(timed_out)            /* R2 exceeded */ \
	X(segs_in) \
	X(segs_out) \
	X(octets_in) \
	X(octets_out) \
	X(segs_retransmitted) \
	X(rto_expired) \
	X(fast_retransmits)     /* entries into fast recovery */ \
	X(loss_probes_out)      /* RFC 8985 7.3 */ \
	X(spurious_recoveries)  /* reductions of the window undone (RFC 4015) */ \
	X(sack_blocks_in)       /* that told something new */ \
	X(sack_blocks_bad)      /* of what is not in flight */ \
	X(sack_reneged) \
	X(dsack_in) \
	X(dup_acks_in) \
	X(out_of_order_in) \
	X(duplicate_octets_in) \
	X(window_probes_out) \
	X(keepalives_out) \
	X(keepalive_ended)      /* nobody answered them */ \
	X(idle_ended)           /* tcp_profile.idle_ns */ \
	X(ce_in)                /* octets that a router has marked (RFC 3168) */ \
	X(urgent_in)            /* urgent pointers that moved */ \
	X(acks_delayed) \
	X(resets_out) \
	X(challenge_acks_out) \
	X(drop_sequence)        /* outside the window */ \
	X(drop_ack)             /* acknowledges what was never sent */ \
	X(drop_no_ack)          /* synchronized state, no ACK bit */ \
	X(drop_paws) \
	X(drop_reset_sequence) \
	X(drop_no_active)       /* pool of active blocks empty: treated as lost */ \
	X(drop_no_block)        /* no block to hold it: treated as lost */ \
	X(drop_window)          /* octets beyond the window, trimmed */ \
	X(drop_reassembly)      /* too many islands */
/* clang-format on */

struct tcp_stats {
#define TCP_STATS_MEMBER(name) uint64_t name;
	TCP_STATS(TCP_STATS_MEMBER)
#undef TCP_STATS_MEMBER
};

/* Keys of the two slots of time in which a cookie can be of ours. */
struct tcp_cookies {
	uint64_t until; /* when the last one sent will have expired */
	uint64_t slot[2];
	uint8_t key[2][16];
};

struct tcp_ctx {
	struct tcp_config cfg;
	struct pool *tcbs;  /* the caller's: a wheel event names a tcb by its handle here */
	struct pool acts;   /* struct tcp_act */
	struct wheel wheel; /* over acts: the caller arms (tcp_deadline) and fires; the engine takes
			     * a node out when its block goes back to the pool */
	struct block_pools blocks;
	uint8_t secret[16]; /* ISN (RFC 6528), timestamp offsets, keys of cookies */
	struct tcp_cookies cookies;
	struct tcp_stats stats;
};

/* Sizes for the caller's memory; nothing is touched before it is used. */
uint64_t tcp_ctx_bytes(uint32_t n_acts, uint32_t n_small, uint32_t n_large);
void tcp_ctx_init(struct tcp_ctx *ctx, const struct tcp_config *cfg, const uint8_t secret[16],
		  struct pool *tcbs, void *mem, uint32_t n_acts, uint32_t n_small, uint32_t n_large,
		  uint64_t now);

/* --- output --- */

enum tcp_event {
	TCP_EV_ESTABLISHED = 0x01, /* entered ESTABLISHED (both ways of opening) */
	TCP_EV_EOF =
	    0x02, /* the peer's FIN is in order: after what was delivered nothing will come */
	TCP_EV_WRITABLE = 0x04, /* room in the send queue again, after tcp_send_room had been too
				   small (see tcp_want_room) */
	TCP_EV_SENT = 0x08,  /* everything queued has been acknowledged (tcp_profile.notify_sent) */
	TCP_EV_RESET = 0x10, /* with CLOSED: the peer reset, or refused */
	TCP_EV_TIMEOUT = 0x20,	   /* with CLOSED: R2 or the SYN retries are exceeded */
	TCP_EV_UNREACHABLE = 0x40, /* with CLOSED: a hard ICMP error in SYN-SENT */
	TCP_EV_CLOSED = 0x80, /* the connection is over (CLOSED); the caller frees the tcb now */
	TCP_EV_TIME_WAIT =
	    0x100,		/* entered TIME-WAIT: orderly end as far as the user is concerned */
	TCP_EV_TROUBLE = 0x400, /* something goes wrong, but the connection goes on: out->trouble
				   (tcp_profile.notify_trouble) */
	TCP_EV_URGENT =
	    0x200, /* the peer has urgent data, or more of it: out->urgent (RFC 9293 MUST-32) */
};

enum { TCP_OUT_SEGS = 32 };

/* Filled by one call. tcp_out_init before each. */
struct tcp_out {
	uint32_t events; /* enum tcp_event, or-ed */
	/* With TCP_EV_URGENT: so many octets of the stream, from the first that the user has not
	 * read (those in the receive queue come first, then deliver_*), end at the urgent point.
	 * The octets themselves stay in line with the others (RFC 6093 4). */
	uint32_t urgent;
	/* With TCP_EV_TROUBLE: type << 8 | code of an ICMP error (SHLD-25); 0: R1 retransmissions
	 * of the same octets (SHLD-9). */
	uint16_t trouble;
	/* Octets of the arrived segment that are in order now: payload[deliver_off .. +
	 * deliver_len). */
	uint16_t deliver_off, deliver_len;
	/* Octets of the arrived segment to be kept for later: payload[hold_off .. + hold_len).
	 * Their place in the reassembly queue is made: it begins hold_skip octets into the block
	 * `hold`. The caller has tcp_hold copy them there before the next call on this tcb. */
	uint16_t hold_off, hold_len, hold_skip;
	uint32_t hold;
	/* Octets held earlier that are in order now, to follow deliver_*: the caller owns the
	 * chain. */
	struct chain drained;
	/* Segments to send, in order. Payload of seg[i] is seg[i].len octets at seg[i].seq:
	 * tcp_sndq_copy. */
	unsigned n_segs, room; /* room <= TCP_OUT_SEGS: what the caller can take */
	struct tcp_seg seg[TCP_OUT_SEGS];
};

static inline void
tcp_out_init(struct tcp_out *out, unsigned room)
{
	out->events = out->urgent = 0;
	out->trouble = 0;
	out->deliver_len = out->hold_len = 0;
	out->deliver_off = out->hold_off = out->hold_skip = 0;
	out->hold = POOL_NONE;
	out->drained = CHAIN_EMPTY;
	out->n_segs = 0;
	out->room = room;
}

/* --- segments and time --- */

/* A segment for this connection arrived (RFC 9293 3.10.7.3, .4). What must be sent at once
 * (challenge ACKs, RSTs, the answer to a keepalive) is appended to out; everything else waits for
 * tcp_output, which the caller calls once per burst for each tcb touched. A segment for which there
 * is no memory is treated as lost and counted. */
void tcp_input(struct tcp_ctx *ctx, struct tcb *tcb, const struct tcp_seg *seg, uint64_t now,
	       struct tcp_out *out);

/* Copies what out says must be kept of the arrived segment to its place; nothing when that is
 * nothing. */
void tcp_hold(const struct tcp_ctx *ctx, const struct tcp_out *out, const uint8_t *payload);

/* Sends what may be sent: new data, retransmissions due, FIN, an ACK owed (piggy-backed where
 * possible). True: room ran out, call again with more. */
bool tcp_output(struct tcp_ctx *ctx, struct tcb *tcb, uint64_t now, struct tcp_out *out);

/* True when tcp_output has something to do now (an ACK owed, data that the windows allow). Cheap.
 */
bool tcp_wants_output(const struct tcp_ctx *ctx, const struct tcb *tcb);

/* The one next deadline: min(rexmt, persist, delack, keepalive, FIN-WAIT-2, 2MSL); UINT64_MAX for
 * none. Without an active block only TIME-WAIT, FIN-WAIT-2 and a delayed ACK (precision 1 ms), and
 * SYN-RECEIVED have one: they are equal delays, so the caller keeps them in FIFOs. */
uint64_t tcp_deadline(const struct tcp_ctx *ctx, const struct tcb *tcb, uint64_t now);

/* How often the SYN,ACK of a half-open connection (SYN-RECEIVED, no active block) has been sent
 * again. Its deadline is an equal delay after the last time, for each such number: a line each
 * serves the caller as a timer. */
unsigned tcp_half_open_retries(const struct tcb *tcb);

/* For connections without an active block in ESTABLISHED and CLOSE-WAIT, which tcp_deadline's equal
 * delays of days and hours concern (keepalive, idle time): the caller visits each now and then,
 * rather than time it. True: its deadline has passed, and tcp_timeout has something to do; what is
 * late is so by the time between two visits, so an eighth of the shortest delay in any profile
 * does. Whatever the profiles say, half a day between visits is the most: a visit also notes
 * timestamps that are too old for PAWS (RFC 7323 5.5), before the clock of idle connections comes
 * around after 24.8 days. With a block, tcp_deadline tells the wheel all this, and a visit does no
 * harm. */
bool tcp_sweep(struct tcp_ctx *ctx, struct tcb *tcb, uint64_t now);

/* The deadline has passed (early calls do nothing). */
void tcp_timeout(struct tcp_ctx *ctx, struct tcb *tcb, uint64_t now, struct tcp_out *out);

/* --- a segment without a connection --- */

/* The answer of CLOSED to seg (RFC 9293 3.10.7.1) into *rst; false: silence. */
bool tcp_reset_for(const struct tcp_seg *seg, struct tcp_seg *rst);

/* --- user calls (RFC 9293 3.9.1) --- */

/* A SYN of our own. tcb->flow, app and profile are set by the caller in a zeroed tcb. 0, or
 * -ENOBUFS. */
int tcp_open_active(struct tcp_ctx *ctx, struct tcb *tcb, uint64_t now, struct tcp_out *out);

/* A SYN for a listener (RFC 9293 3.10.7.2; seg has SYN, not ACK nor RST nor FIN). Likewise; 0,
 * because it takes no active block: until it is established the connection is its tcb and no more.
 */
int tcp_open_passive(struct tcp_ctx *ctx, struct tcb *tcb, const struct tcp_seg *seg, uint64_t now,
		     struct tcp_out *out);

/* SYN cookies (RFC 4987 3.6): half-open connections that are kept by the peer.
 *
 * Appends the SYN,ACK to a SYN as above for which there is no place; nothing is remembered. */
void tcp_cookie_answer(struct tcp_ctx *ctx, const struct flow *f, uint8_t profile,
		       const struct tcp_seg *syn, uint64_t now, struct tcp_out *out);
/* Cookies may be out: an ACK of no connection is worth its check. */
static inline bool
tcp_cookies_are_out(const struct tcp_ctx *ctx, uint64_t now)
{
	return now < ctx->cookies.until;
}
/* seg (ACK, not SYN nor RST) acknowledges a SYN,ACK of ours that was a cookie, and not long ago.
 * One hash. */
bool tcp_cookie_check(struct tcp_ctx *ctx, const struct flow *f, const struct tcp_seg *seg,
		      uint64_t now);
/* Then, on a zeroed tcb with its flow and profile: SYN-RECEIVED, as if all had been remembered but
 * for the time that the SYN,ACK left. tcp_input with the same segment follows. */
void tcp_open_cookie(struct tcp_ctx *ctx, struct tcb *tcb, const struct tcp_seg *seg, uint64_t now);

/* SYN that reuses a TIME-WAIT connection safely (RFC 9293 MAY-2, RFC 6191): true when the caller
 * should end the old one (free it without further ado) and treat the segment as new. *iss_floor
 * goes into the new tcb's snd_nxt: its ISS will be above (0: no floor). */
bool tcp_time_wait_may_reuse(const struct tcp_ctx *ctx, const struct tcb *tcb,
			     const struct tcp_seg *seg, uint32_t *iss_floor);

/* Octets that the send queue takes now (0 after close). */
uint32_t tcp_send_room(const struct tcp_ctx *ctx, const struct tcb *tcb);
/* Copies to the send queue; returns how many octets were taken (less than len when the queue or the
 * blocks are full, or when the state does not allow sending). They leave with tcp_output. */
uint32_t tcp_send(struct tcp_ctx *ctx, struct tcb *tcb, const uint8_t *data, uint32_t len,
		  uint64_t now);
/* All that is queued now is urgent (SEND with the URGENT flag, RFC 9293 3.10.2): segments up to
 * there say so, and one leaves even when the peer's window is shut. New programs should not (RFC
 * 6093 5); it is here because MUST-30 asks for it. */
void tcp_send_urgent(const struct tcp_ctx *ctx, struct tcb *tcb);
/* Ask for TCP_EV_WRITABLE when at least half the send queue is free again. */
void tcp_want_room(struct tcp_ctx *ctx, struct tcb *tcb, uint64_t now);
/* Octets seq .. seq + len of the send queue, for building a segment. */
void tcp_sndq_copy(const struct tcp_ctx *ctx, const struct tcb *tcb, uint32_t seq, uint32_t len,
		   uint8_t *to);

/* The host's receive queue; NULL when there is no active block. tcp_rcvq_get makes one (NULL when
 * the pool is empty). Its length counts against the window; the block stays while it is not empty.
 */
struct chain *tcp_rcvq(const struct tcp_ctx *ctx, const struct tcb *tcb);
struct chain *tcp_rcvq_get(struct tcp_ctx *ctx, struct tcb *tcb, uint64_t now);
/* The user has read: the caller has taken octets off the receive queue. Owes a window update when
 * it is worth one (RFC 9293 3.8.6.2.2). */
void tcp_received(struct tcp_ctx *ctx, struct tcb *tcb, uint64_t now);

/* CLOSE: FIN after what is queued. The tcb lives on until TCP_EV_CLOSED. When there is no active
 * block for the FIN it waits for one (TCB_CLOSE_DUE): tcp_deadline asks for a look every 10 ms. */
void tcp_close(struct tcp_ctx *ctx, struct tcb *tcb, uint64_t now, struct tcp_out *out);
/* ABORT: RST where the state asks for one; CLOSED follows in out->events. */
void tcp_abort(struct tcp_ctx *ctx, struct tcb *tcb, uint64_t now, struct tcp_out *out);

/* An ICMP error that quotes a segment of ours (RFC 5927, 1191): seq is the quoted sequence number.
 */
void tcp_icmp_error(struct tcp_ctx *ctx, struct tcb *tcb, uint8_t type, uint8_t code, uint16_t mtu,
		    uint32_t seq, uint64_t now, struct tcp_out *out);

/* --- tests and reports --- */

/* A connection's sending half; zeroes while it has no active block. Octets and microseconds. */
struct tcp_info {
	uint32_t cwnd, ssthresh; /* ssthresh UINT32_MAX: not known yet */
	uint32_t in_flight;	 /* RFC 6675's pipe: sent, not acknowledged, reported or lost */
	uint32_t lost;		 /* taken for lost and not sent again yet */
	uint32_t srtt_us, rttvar_us, rto_us;
	bool in_recovery; /* of a loss, fast or after a timeout */
};
void tcp_get_info(const struct tcp_ctx *ctx, const struct tcb *tcb, struct tcp_info *info);

/* Blocks that octets out of order keep from others, and the scoreboard. */
void tcp_held_blocks(const struct tcp_ctx *ctx, const struct tcb *tcb, uint32_t *n_small,
		     uint32_t *n_large);

/* Asserts every invariant of a connection. */
void tcp_check(const struct tcp_ctx *ctx, const struct tcb *tcb);

#endif
