/* stream.h - one direction of a connection in sequence space: which octets are new, late, repeated, or never seen. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HCMON_STREAM_H
#define HCMON_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "hcmon/flowtab.h"
#include "hcmon/item.h"

enum { STREAM_MAX_RANGES = 8 };

struct stream_range {
	uint32_t start, end;
};

/* What a segment brought. */
struct stream_news {
	unsigned n;
	struct stream_range range[STREAM_MAX_RANGES]; /* octets not seen before, in order */
	bool late; /* some of them closed a gap: reordered, or lost before the tap and sent again */
	bool repeated; /* some octets had been seen before */
	bool lost;     /* a gap could not be remembered: what was in it is as good as lost */
};

/* What an ACK proved to have passed unseen by the tap. */
struct stream_loss {
	uint32_t octets;
	uint64_t until_ns; /* it was sent before this time */
};

/* The octets [seq, end) of side's stream pass at `now`. */
void stream_receive(struct pool *items, struct flow_record *f, unsigned side, uint32_t seq,
		    uint32_t end, uint64_t now_ns, struct stream_news *news);

/* The other side acknowledges side's stream up to `ack`; gaps below are given up. True when there is a loss. */
bool stream_acked(struct pool *items, struct flow_record *f, unsigned side, uint32_t ack,
		  uint64_t now_ns, struct stream_loss *loss);

#endif
