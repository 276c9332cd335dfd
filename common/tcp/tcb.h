/* tcb.h - a connection: 64 octets at rest, an active block beside it while something is in flight. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TCP_TCB_H
#define TCP_TCB_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/flow.h"

/* States of RFC 9293 3.3.2. LISTEN has no tcb: listeners are rows of a table in the host. TCP_FREE marks an unused slot, so
 * that a walk over all slots sees which are connections. */
enum tcp_state {
	TCP_FREE,
	TCP_CLOSED,
	TCP_SYN_SENT,
	TCP_SYN_RECEIVED,
	TCP_ESTABLISHED,
	TCP_FIN_WAIT_1,
	TCP_FIN_WAIT_2,
	TCP_CLOSE_WAIT,
	TCP_CLOSING,
	TCP_LAST_ACK,
	TCP_TIME_WAIT,
	TCP_N_STATES
};

/* RFC spelling: "SYN-RECEIVED". */
const char *tcp_state_name(enum tcp_state state);

enum tcb_flag {
	TCB_TIMESTAMPS = 0x0001, /* agreed on both SYNs (RFC 7323) */
	TCB_SACK = 0x0002,    /* agreed on both SYNs (RFC 2018); used by the scoreboard to come */
	TCB_ECN = 0x0004,     /* agreed (RFC 3168): marks on the peer's octets are echoed */
	TCB_ACK_NOW = 0x0008, /* an ACK is owed with the next output */
	TCB_ACK_DELAYED = 0x0010, /* an ACK is owed by last activity + delack */
	TCB_PASSIVE = 0x0020,	  /* came from a listener */
	TCB_ECE_OWED = 0x0040,	  /* a mark has come: ECE on every ACK until the peer's CWR */
	TCB_CLOSE_DUE = 0x0080,	  /* the user has closed, but the FIN waits for an active block */
	TCB_ECT = 0x0100,	  /* TCB_ECN, and our own octets may be marked */
	TCB_OLD_STAMP = 0x0200,	  /* ts_recent is too old to compare with (RFC 7323 5.5) */
	TCB_CHALLENGED = 0x0400,  /* a challenge ACK was sent, and nothing right has come since */
	TCB_WSCALE = 0x0800,	  /* agreed on both SYNs (RFC 7323) */
	TCB_HOST_1 = 0x1000, /* for the host's own use (on its list of connections with work) */
	TCB_HOST_2 = 0x2000,
	TCB_LOW_WINDOW =
	    0x4000, /* cwnd was below the initial window when the last active block went */
	TCB_CHALLENGE_ODD = 0x8000, /* which half second the last challenge ACK was sent in */
};

/*
 * The whole of an idle connection:
 *
 *	 0 laddr  4 raddr  8 lport 10 rport   12 snd_una
 *	16 snd_nxt 20 rcv_nxt 24 rcv_adv      28 snd_wnd
 *	32 app (8)            40 ts_recent    44 ts_offset
 *	48 act/last 52 srtt 54 rttvar 56 mss 58 flags 60 state 61 scales 62 profile 63 ssthresh
 *
 * While it has an active block, snd_nxt stays here, and srtt, rttvar and ssthresh live in the block at full precision.
 * All is in host order. Addresses are handles: an IPv4 address is its own.
 */
struct tcb {
	struct flow flow; /* 12 octets: laddr, raddr, lport, rport */
	uint32_t snd_una;
	uint32_t snd_nxt;
	uint32_t rcv_nxt;
	uint32_t rcv_adv;   /* right edge of the window as last advertised: RCV.NXT + RCV.WND */
	uint32_t snd_wnd;   /* in octets, scaled */
	uint64_t app;	    /* the application's */
	uint32_t ts_recent; /* RFC 7323 */
	uint32_t ts_offset; /* our TSval = clock + this (keyed per flow, RFC 7323 5.4) */
	uint32_t
	    act; /* TCB_IDLE set: time of last activity in ms; clear: handle of the active block */
	uint16_t srtt; /* compact (tcp_compact.h), us */
	uint16_t rttvar;
	uint16_t mss;	    /* of what we send: SMSS without options (RFC 6691) */
	uint16_t flags;	    /* enum tcb_flag */
	uint8_t state : 4;  /* enum tcp_state */
	uint8_t probes : 4; /* keepalive probes that nobody has answered */
	uint8_t scales;	    /* low half: Snd.Wind.Shift, high half: Rcv.Wind.Shift */
	uint8_t profile;    /* row of tcp_config.profiles: the listener's, or the opener's */
	uint8_t ssthresh;   /* compact */
};
_Static_assert(sizeof(struct tcb) == 64, "an idle connection is one cache line");

#define TCB_IDLE UINT32_C(0x80000000)

static inline bool
tcb_is_active(const struct tcb *t)
{
	return !(t->act & TCB_IDLE);
}

#endif
