/* frame.h - where a frame's octets are, for code that must not know whose memory it is. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stdint.h>

/* By value, in arrays: a loop fills it from its packet buffers and back, a burst at a time; the tests
 * fill it from malloc blocks of exact size, because sanitizers are blind inside DPDK's memory. The octets are
 * contiguous. Whoever holds the struct holds the buffer; one owner at a time. */
struct frame {
	uint8_t *data; /* first octet of the Ethernet header */
	void *handle;  /* the owner's buffer (an rte_mbuf in the tools) */
	uint32_t len;  /* octets at data */
	uint16_t room; /* octets that may be written at data; 0 for received frames */
	uint8_t port;  /* which of the worker's ports it came from or goes to */
	uint8_t flags; /* enum frame_flag */
};

enum frame_flag {
	FRAME_CKSUM_GOOD = 1, /* rx: the port has verified the IPv4 and TCP/UDP checksums */
	FRAME_HIGH = 2,	      /* tx: of the high-priority lane */
};

#endif
