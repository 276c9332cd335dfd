/* schedule.h - what is due when: a paced set-up, then epochs of bursts, each message with its class. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCC_SCHEDULE_H
#define MCC_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "mcc/picks.h"

/*
 *	start              start + setup     load
 *	|  .  .  .  .  .  .|<---- wait ---->||||   ||||   ||||   ||||   ...
 *	   a connection each                 block 0    1      2      0
 *	   setup/conns                      |<------- epoch ------>|
 *
 * Connection j opens at start + j * setup / conns. Blocks are cut from the connections in order of number, `burst` in each, the last may be
 * smaller; block k of epoch i is due at load + i * epoch + k * epoch / blocks. Everything is exact to the nanosecond and
 * nothing accumulates. The caller brings the time. The same seed gives the same messages, and the shards of a schedule (connections whose
 * number is `shard` modulo `shards`) make up exactly the whole.
 */
struct schedule_conf {
	uint32_t conns, burst; /* 1 <= burst <= conns < 2^31 */
	uint64_t epoch_ns, setup_ns, wait_ns;
	uint32_t request_ppb; /* requests among 10^9 messages */
	bool keep_class;      /* a connection's messages are all of one class */
	uint64_t seed;
	uint32_t shard, shards;
};

struct schedule_message {
	uint32_t number; /* of the connection */
	uint32_t epoch;	 /* from 0 */
	uint64_t due_ns;
	bool request; /* else a heartbeat */
};

struct schedule {
	struct schedule_conf conf;
	uint64_t start_ns, load_ns;
	uint64_t next_open; /* number of the next connection to open */
	uint32_t blocks;

	/* The burst that is sent, or is due next. */
	uint32_t epoch, block;
	uint64_t due_ns;
	uint64_t next, end; /* numbers: this shard's next message, and the end of the block */
	struct picks picks;
};

void schedule_init(struct schedule *s, const struct schedule_conf *c, uint64_t start_ns);

/* When this shard's next connection is due to be opened; UINT64_MAX when all were. */
uint64_t schedule_open_due(const struct schedule *s);
/* Its number; it counts as opened from now on. Without a set-up time the load begins `wait` after the last one. */
uint32_t schedule_open(struct schedule *s, uint64_t now);

/* When the next message is due, UINT64_MAX while that is open. A burst that is late stays due: its messages keep their time. */
static inline uint64_t
schedule_message_due(const struct schedule *s)
{
	return s->due_ns;
}
/* The next message, which schedule_advance leaves behind. */
void schedule_message(struct schedule *s, struct schedule_message *m);
void schedule_advance(struct schedule *s);

/* When connection `number` had to send in `epoch`. */
uint64_t schedule_due_of(const struct schedule *s, uint32_t number, uint32_t epoch);

#endif
