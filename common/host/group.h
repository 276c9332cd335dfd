/* group.h - a share of the connections: their tcbs, the table that finds them, what times them. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HOST_GROUP_H
#define HOST_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "host/conntab.h"
#include "host/fifo.h"
#include "host/sources.h"
#include "host/sweep.h"
#include "tcp/tcp.h"

/*
 * A connection with an active block is timed by the wheel of the tcp_ctx. Without one it can only
 * have an equal delay, which is a line, not a timer:
 *
 *	delayed ACK	fifo; an entry for each time that one began to be owed
 *	FIN-WAIT-2	fifo; at most one entry a slot (MARK_FIN_WAIT_2)
 *	TIME-WAIT	list through tcb->app, which is nobody's any more
 *	SYN-RECEIVED	the same, a list for each time that the SYN,ACK was sent again
 *	keepalive	fifo, from the first probe on
 *	until then, idle a hand that goes round all slots (sweep.h)
 *
 * Fifo entries are not removed when their reason goes: what comes up is held against tcp_deadline.
 */

/* What the host knows of a slot beyond the tcb; read only where something unusual happens. */
enum group_mark {
	MARK_END_QUEUED = 0x01, /* the user's last event is in the queue */
	MARK_HELD = 0x02, /* EOF, or the end by TIME-WAIT, waits until what is kept has been read */
	MARK_ABORTED = 0x04,	/* the user wants no more of it: RST with the next output */
	MARK_LINKED = 0x08,	/* in the list of TIME-WAIT: the user's handle is gone */
	MARK_FIN_WAIT_2 = 0x10, /* has an entry in that fifo */
	MARK_STARVED = 0x20, /* could not queue an octet, or a FIN, for want of an active block */
	MARK_SHED = 0x80,    /* it is not the user who has it aborted */
	MARK_WAITING = 0x40, /* has an entry among those that wait to be in line again */
	/* Entries are of the slot: they stay when its connection is gone, even when another one has
	 * come. */
	MARKS_OF_SLOT = MARK_FIN_WAIT_2 | MARK_WAITING,
};

enum {
	TCB_ON_WORK = TCB_HOST_1, /* in the line of those with work; of the slot, as above */
	TCB_MARKED = TCB_HOST_2,  /* MARK_HELD, MARK_ABORTED or MARK_STARVED is set */
};

/* Connections without a user, linked through tcb->app in the order in which they are due. */
struct tcb_list {
	uint32_t head, tail;
};

enum list_id {
	LIST_TIME_WAIT,
	LIST_HALF_OPEN, /* and up: by tcp_half_open_retries, the last one for all that are more */
	N_LISTS = LIST_HALF_OPEN + 16,
};

struct group_sizes {
	uint32_t conns, acts, small, large;
};

/* Active blocks and large blocks that nobody may have but the octets of the burst that must be
 * kept: they are acknowledged before the application says that it does not take them. */
enum { GROUP_RESERVE = 256 };
struct reserve {
	uint32_t n_acts, n_blocks, max_acts, max_blocks;
	uint32_t acts_due, blocks_due; /* what events not handled yet may need */
	uint32_t act[GROUP_RESERVE], block[GROUP_RESERVE];
};

struct group {
	struct pool tcbs;
	struct conntab conntab;
	struct tcp_ctx ctx;
	uint8_t *mark;
	struct tcb_list list[N_LISTS];
	uint32_t n_half_open, n_time_wait;
	struct sources *half_open; /* by source, of the whole stack */
	uint64_t lists_at;	   /* nothing in the lists is due before */
	struct fifo delack, fin_wait_2, probes;
	struct reserve reserve;
	struct sweep silence, visits; /* for the engine, for applications */
	uint32_t shed_act, shed_tcb;  /* where the next samples begin */
	uint32_t n_established;	      /* ESTABLISHED and later, without TIME-WAIT */
};

uint64_t group_bytes(const struct group_sizes *z);
/* mem: group_bytes(), zero-filled, aligned to 64, lazily backed. */
void group_init(struct group *g, const struct group_sizes *z, void *mem,
		const struct tcp_config *cfg, const uint8_t secret[16], struct sources *half_open,
		uint64_t now);

static inline struct tcb *
group_tcb(const struct group *g, uint32_t slot)
{
	return pool_at(&g->tcbs, slot);
}

static inline bool
group_is_dead(const struct tcb *t)
{
	return t->state <= TCP_CLOSED;
}

/* A slot with a zeroed tcb; POOL_NONE: all are in use. */
uint32_t group_get(struct group *g);
void group_put(struct group *g, uint32_t slot);
/* Ends a connection that no user knows, without a word to anybody. */
void group_drop(struct group *g, uint32_t slot, uint64_t now);
/* Keeps lists and gauges right after a call of the engine that may have changed the state. */
void group_state_changed(struct group *g, uint32_t slot, enum tcp_state was);

/* To be called when a connection's last event of a turn is over: its next deadline is seen to.
 * False: there was no room for its delayed ACK, which is owed at once instead. */
bool group_arm(struct group *g, uint32_t slot, uint64_t now);
/* Up to max connections whose deadline may have come, but for those in lists. */
unsigned group_expire(struct group *g, uint64_t now, uint32_t *slot, unsigned max);
uint64_t group_next_ns(const struct group *g, uint64_t now);

/* --- half-open connections, and those in TIME-WAIT (lists.c) --- */

void lists_init(struct group *g);
void lists_add(struct group *g, uint32_t slot, uint64_t now);
/* `was`: the state that it was there for. */
void lists_remove(struct group *g, uint32_t slot, enum tcp_state was);
/* Its SYN,ACK is to be sent again: among those whose next one is due as late. */
void lists_requeue(struct group *g, uint32_t slot, uint64_t now);
/* Its deadline is `at` now. */
void lists_arm(struct group *g, uint32_t slot, uint64_t at, uint64_t now);
/* Up to max whose deadline has come. They stay where they are: being served takes them out. */
unsigned lists_expire(struct group *g, uint64_t now, uint32_t *slot, unsigned max);
/* POOL_NONE: there is none. */
uint32_t lists_oldest_time_wait(const struct group *g);
/* Walks a list from POOL_NONE on to POOL_NONE. */
uint32_t lists_next(const struct group *g, unsigned id, uint32_t slot);

static inline bool
group_is_half_open(const struct tcb *t)
{
	return t->state == TCP_SYN_RECEIVED && t->flags & TCB_PASSIVE;
}

static inline bool
group_is_listed(const struct group *g, uint32_t slot)
{
	return g->mark[slot] & MARK_LINKED || group_is_half_open(group_tcb(g, slot));
}

/* --- octets that are kept for the user (reserve.c) --- */

/* Makes it large enough for a burst of n frames, as far as there is memory. */
void reserve_fill(struct group *g, uint32_t n);
/* Promises that a segment of len octets can be kept; false: there is not enough left. */
bool reserve_promise(struct group *g, uint32_t len);
/* The promise for len octets is over. */
void reserve_settle(struct group *g, uint32_t len);
/* Appends to the receive queue. False: not all, against the promise. */
bool reserve_keep(struct group *g, struct tcb *t, const uint8_t *data, uint32_t len, uint64_t now);
bool reserve_keep_chain(struct group *g, struct tcb *t, struct chain *c, uint64_t now);

/* Memory touched so far. */
uint64_t group_used_bytes(const struct group *g);

#endif
