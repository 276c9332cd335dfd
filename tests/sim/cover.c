/* cover.c - the table of (state, event) pairs. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/cover.h"

#include <stdio.h>

const char *
cover_state_name(enum cover_state s)
{
	static const char *const names[COVER_N_STATES] = {
	    "CLOSED",	  "LISTEN",	"SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
	    "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",	    "TIME-WAIT",
	};

	return names[s];
}

const char *
cover_event_name(enum cover_event e)
{
	static const char *const names[COVER_N_EVENTS] = {
	    "SYN",  "SYN-ACK", "ACK",  "data",	  "FIN",   "RST",
	    "ICMP", "timeout", "send", "receive", "close", "abort",
	};

	return names[e];
}

enum cover_state
cover_state_of(enum tcp_state s)
{
	static const uint8_t of[TCP_N_STATES] = {
	    [TCP_SYN_SENT] = COVER_SYN_SENT,	   [TCP_SYN_RECEIVED] = COVER_SYN_RECEIVED,
	    [TCP_ESTABLISHED] = COVER_ESTABLISHED, [TCP_FIN_WAIT_1] = COVER_FIN_WAIT_1,
	    [TCP_FIN_WAIT_2] = COVER_FIN_WAIT_2,   [TCP_CLOSE_WAIT] = COVER_CLOSE_WAIT,
	    [TCP_CLOSING] = COVER_CLOSING,	   [TCP_LAST_ACK] = COVER_LAST_ACK,
	    [TCP_TIME_WAIT] = COVER_TIME_WAIT,
	};

	return of[s];
}

enum cover_event
cover_event_of(uint8_t flags, uint32_t len)
{
	if (flags & TCP_RST)
		return COVER_RST;
	if (flags & TCP_SYN)
		return flags & TCP_ACK ? COVER_SYN_ACK : COVER_SYN;
	if (flags & TCP_FIN)
		return COVER_FIN;
	return len > 0 ? COVER_DATA : COVER_ACK;
}

unsigned
cover_print(const struct cover *c, uint64_t least)
{
	unsigned short_of = 0;

	printf("%-12s", "");
	for (unsigned e = 0; e < COVER_N_EVENTS; e++)
		printf(" %9s", cover_event_name(e));
	printf("\n");
	for (unsigned s = 0; s < COVER_N_STATES; s++) {
		printf("%-12s", cover_state_name(s));
		for (unsigned e = 0; e < COVER_N_EVENTS; e++) {
			printf(" %8llu%c", (unsigned long long)c->n[s][e],
			       c->n[s][e] < least ? '!' : ' ');
			short_of += c->n[s][e] < least;
		}
		printf("\n");
	}
	return short_of;
}
