/* bulk.h - a peer that receives by itself: every segment acknowledged after one round trip, with SACK. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PACKET_BULK_H
#define PACKET_BULK_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/pkt.h"

enum {
	BULK_GAP_US = 10, /* between two of its ACKs: a link of about 1 Gbit/s */
	BULK_ACKS = 8192,
	BULK_ISLANDS = 16,
	BULK_SACKS = 3
};

struct bulk_ack {
	int64_t at_us;
	uint32_t ack;
	unsigned n_sack;
	struct tcp_sack_block sack[BULK_SACKS];
};

struct bulk {
	unsigned flow; /* 0: none */
	int64_t rtt_us;
	int64_t last_us; /* when the last ACK that is on its way arrives */
	bool loses;	 /* the segment that begins with `lost`, once */
	uint32_t lost;
	uint32_t rcv_nxt, seq; /* its own number */
	unsigned n_islands;    /* the one that changed last is the first */
	struct tcp_sack_block island[BULK_ISLANDS];
	unsigned head, tail;
	struct bulk_ack ack[BULK_ACKS];
};

/* From now on, for octets from rcv_nxt on; rtt_us 0: no more. */
void bulk_start(struct bulk *b, unsigned flow, int64_t rtt_us, uint32_t rcv_nxt, uint32_t seq);
/* A segment of the tested side. */
void bulk_receive(struct bulk *b, const struct tcp_seg *s, int64_t now_us);
/* The next acknowledgement; NULL: none is on its way. */
const struct bulk_ack *bulk_next(const struct bulk *b);

#endif
