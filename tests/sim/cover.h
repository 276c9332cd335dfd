/* cover.h - which events have met a connection in which state (RFC 9293 3.3.2, 3.10). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SIM_COVER_H
#define SIM_COVER_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/tcb.h"
#include "wire/tcp.h"

/* CLOSED and LISTEN have no connection: a flow that nobody knows, and a port that listens. */
enum cover_state {
	COVER_CLOSED,
	COVER_LISTEN,
	COVER_SYN_SENT,
	COVER_SYN_RECEIVED,
	COVER_ESTABLISHED,
	COVER_FIN_WAIT_1,
	COVER_FIN_WAIT_2,
	COVER_CLOSE_WAIT,
	COVER_CLOSING,
	COVER_LAST_ACK,
	COVER_TIME_WAIT,
	COVER_N_STATES
};

/* Seven arrivals (the first that fits, in this order: RST, SYN, FIN, octets), the clock, and the
 * user's four calls. */
enum cover_event {
	COVER_SYN,
	COVER_SYN_ACK,
	COVER_ACK,
	COVER_DATA,
	COVER_FIN,
	COVER_RST,
	COVER_ICMP,
	COVER_TIMEOUT,
	COVER_SEND,
	COVER_RECEIVE,
	COVER_CLOSE,
	COVER_ABORT,
	COVER_N_EVENTS
};

struct cover {
	uint64_t n[COVER_N_STATES][COVER_N_EVENTS];
};

const char *cover_state_name(enum cover_state s);
const char *cover_event_name(enum cover_event e);
enum cover_state cover_state_of(enum tcp_state s);
enum cover_event cover_event_of(uint8_t flags, uint32_t len);
/* The table on stdout; how many pairs are below `least`. */
unsigned cover_print(const struct cover *c, uint64_t least);

#endif
