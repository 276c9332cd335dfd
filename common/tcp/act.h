/* act.h - what a connection needs only while something is in flight, held, or unread. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TCP_ACT_H
#define TCP_ACT_H

#include <stdint.h>

#include "base/wheel.h"
#include "tcp/block.h"
#include "tcp/tcp_board.h"
#include "tcp/tcp_cubic.h"

/* An island of the reassembly queue: [start, end) is held, out of order, in the blocks from head to
 * tail. */
struct tcp_run {
	uint32_t start, end;
	uint32_t head, tail;
};

/* A few are here; when there are more, all of them are in a large block of their own. */
enum {
	TCP_RUNS_INLINE = 4,
	TCP_RUNS_MAX = BLOCK_LARGE_ROOM / sizeof(struct tcp_run),
	TCP_SACK_RECENT = 4,
};

enum tcp_act_flag {
	TCP_ACT_FIN_QUEUED = 0x01, /* the user has closed: FIN follows the send queue; cleared when
				      it is acknowledged */
	TCP_ACT_FIN_SENT = 0x02,
	TCP_ACT_SLOW_RTO =
	    0x04, /* the SYN was lost: 3 s until there is a measurement (RFC 6298 5.7) */
	TCP_ACT_RECOVERY = 0x08,  /* in fast recovery until `recover` is acknowledged (RFC 6582) */
	TCP_ACT_TIMING = 0x10,	  /* rtt_seq is being timed */
	TCP_ACT_WANT_ROOM = 0x20, /* the user waits for TCP_EV_WRITABLE */
	TCP_ACT_PERSIST = 0x40,	  /* rexmt_at is the persist timer */
	TCP_ACT_SYN_REXMT =
	    0x80, /* the SYN or SYN,ACK was retransmitted: initial window 1 (RFC 5681 3.1) */
	/* 0x100 to 0x8000 are the sending half's, 0x10000 and up the receiving half's. */
	TCP_ACT_CWR_DUE = 0x100, /* CWR goes out with the next new octets (RFC 3168 6.1.2) */
	TCP_ACT_ECN_REDUCED =
	    0x200, /* the window was reduced for ECE: not again until ecn_end is acknowledged */
	TCP_ACT_LOSS = 0x400, /* repairing after a timeout until `recover` is acknowledged */
	TCP_ACT_UNDO =
	    0x800, /* the next new ACK tells whether the reduction was for nothing (RFC 3522) */
	TCP_ACT_PROBE_TIMER =
	    0x1000, /* loss_at is for a loss probe; else for reordering (RFC 8985 8) */
	TCP_ACT_PROBE_OUT = 0x2000,   /* a loss probe is out: probe_end is set */
	TCP_ACT_PROBE_AGAIN = 0x4000, /* it was a retransmission */
	TCP_ACT_PROBED = 0x8000,      /* no RTT was measured since the last probe */
	TCP_ACT_URGENT_IN = 0x10000,  /* rcv_up has not been reached */
	TCP_ACT_URGENT_OUT = 0x20000, /* snd_up has not been acknowledged */
};

/* What RACK remembers (RFC 8985 5.3). Times are microseconds modulo 2^32. */
struct tcp_rack {
	uint32_t xmit_us, end; /* RACK.segment: of all that arrived, what left last */
	uint32_t rtt_us;
	uint32_t fack;	     /* highest sequence number that arrived */
	uint32_t min_rtt_us; /* 0: none */
	uint32_t min_rtt_ms; /* when that was measured */
	uint32_t dsack_round;
	uint8_t reo_wnd_mult, reo_wnd_persist;
	bool reordering_seen, in_dsack_round;
};

/* RFC 9937 6.1 */
struct tcp_prr {
	uint32_t delivered, out, flight;
};

/* What a reduction of the window has replaced. */
struct tcp_undo {
	uint32_t ts; /* our timestamp then */
	uint32_t ssthresh, w_max, prior;
	bool begun;
};

/* A place in the send queue: octet `seq` comes after data[at - 1] of `block`. */
struct tcp_cursor {
	uint32_t block, seq, at; /* block POOL_NONE: nowhere */
};

/* Which of the fields that are written late hold something. */
enum tcp_act_ready {
	TCP_READY_CURSOR = 0x01, /* cursor[0]; 0x02: cursor[1] */
	TCP_READY_CC = 0x04,	 /* what CUBIC or NewReno keep beside the window */
};

/* Seven cache lines. An exchange of one segment each way, nothing lost, touches the first four. */
struct tcp_act {
	struct wheel_node timer; /* armed by the host */
	uint32_t tcb;		 /* handle of the connection */
	uint32_t flags;
	uint32_t snd_max; /* highest sequence number sent + 1; without SACK snd_nxt goes back after
			     an RTO */
	uint32_t snd_wl1, snd_wl2;
	uint32_t max_wnd;  /* largest window the peer has offered */
	struct chain sndq; /* octets from snd_una (SYN and FIN not in it) */
	uint32_t cwnd, ssthresh;
	uint32_t recover; /* RFC 6582, 6675's RecoveryPoint */

	uint8_t dup_acks;
	uint8_t backoff; /* expiries of rexmt or persist that double the RTO */
	uint8_t
	    unanswered;	   /* expiries in a row for the same octets (persist: without any answer) */
	uint8_t rexmt_now; /* tcp_output must send the SYN, or the first segment not acknowledged */
	uint32_t srtt_us, rttvar_us; /* RFC 6298; srtt 0: no measurement yet */
	uint32_t last_seg;	     /* where the last segment of new octets begins */
	uint64_t rtt_at;	     /* when rtt_seq left; with SACK, when RTT was measured last */
	uint64_t rexmt_at;	     /* UINT64_MAX: not running, as those below */
	uint64_t loss_at;	     /* reordering, or a loss probe */
	uint64_t moved_ns;	     /* when snd_una moved last, or had begun to wait for an ACK */
	uint64_t delack_at;
	uint64_t last_ns; /* last activity */

	struct tcp_rack rack;
	struct board board;  /* with SACK; else empty */
	struct chain rcvq;   /* delivered, not yet read: the host's */
	uint32_t runs_block; /* POOL_NONE: the islands are in run[] */
	uint32_t probe_end;  /* TLP.end_seq */
	uint32_t ecn_end;    /* of what must be acknowledged before ECE counts again */
	uint8_t fin_held;
	uint8_t n_recent;
	uint8_t n_runs;
	uint8_t ready; /* enum tcp_act_ready */

	union {
		uint32_t acked_octets;	/* NewReno: towards the next segment of cwnd (RFC 3465) */
		struct hystart hystart; /* CUBIC, ssthresh not known yet */
		struct cubic cubic;
	};
	struct tcp_cursor cursor[2];

	struct tcp_prr prr;	 /* in fast recovery */
	struct tcp_undo undo;	 /* TCP_ACT_UNDO */
	uint32_t rtt_seq;	 /* TCP_ACT_TIMING */
	uint32_t fin_seq;	 /* of a FIN that came out of order */
	uint32_t rcv_up, snd_up; /* urgent points: of the octet after the last urgent one */
	uint32_t sack_recent[TCP_SACK_RECENT]; /* a number in each island that grew lately, latest
						  first */

	struct tcp_run run[TCP_RUNS_INLINE]; /* ascending, never touching: see reass_runs */
};
_Static_assert(sizeof(struct tcp_act) == 448, "whole cache lines");

#endif
