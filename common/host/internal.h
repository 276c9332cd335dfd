/* internal.h - what the files of the host share. Private to common/host. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HOST_INTERNAL_H
#define HOST_INTERNAL_H

#include "host/group.h"
#include "host/listen.h"
#include "host/netif.h"
#include "host/stack.h"

/*
 * A turn: input.c takes frames and lets the engine see their segments; what must be answered at
 * once becomes a frame, each connection touched gets into the line of those with work. event.c
 * hands events up, in the order in which they arose. output.c walks the line: a connection's
 * deadline, its segments, its next timer. So frames leave in the order in which their causes came,
 * however many came in one burst.
 */

enum {
	STACK_BURST = 32,     /* frames that go through the stages together */
	STACK_STOCK = 512,    /* empty frames that we like to have */
	STACK_ANSWERS = 512,  /* frames built before it is their turn to leave */
	STACK_EVENTS = 4096,  /* in the queue */
	STACK_TIMEOUTS = 256, /* connections that one call of stack_timers may wake */
	EVENTS_PER_CALL = 8,  /* that one call of the engine can lead to, at most */
	MAX_GROUP_BITS = 8,
};

#define STACK_FEED_NS (UINT64_C(10) * 1000000)

#define WORK_ANSWER UINT32_MAX /* in the line: the next of the answers */
#define NO_CONN	    UINT32_MAX

enum { EVENT_DRAINED = 0xff }; /* never handed up: octets that came early, now in order */

struct event {
	uint32_t conn;
	uint8_t type, why;
	union {
		struct {
			const uint8_t *data;
			uint32_t len;
		};
		struct chain chain;
	};
};

struct event_queue {
	uint32_t head, n;
	uint32_t n_data; /* of them STACK_DATA, which point into frames */
	struct event ring[STACK_EVENTS];
};

struct stack {
	struct stack_conf conf;
	struct flow_key key;
	uint64_t now; /* of the last call that said so */
	unsigned n_groups, n_netifs;
	struct group *group;
	struct netif *netif; /* of STACK_MAX_NETIFS */
	uint32_t n_conns;
	struct fifo work;    /* connections (TCB_ON_WORK) and answers */
	struct fifo waiting; /* to be in it again: for a neighbour, or for room on the interface */
	uint64_t feed_at;    /* when those that starve look for an active block again */
	uint32_t answer_head, n_answers;
	struct frame answer[STACK_ANSWERS];
	unsigned n_stock;
	/* All that we were given may come back from the lines of frames to be sent. */
	struct frame stock[STACK_STOCK + STACK_ANSWERS + STACK_MAX_NETIFS * NETIF_TX_MAX];
	struct event_queue events;
	struct stack_event current;
	uint32_t over; /* the connection whose last event `current` is, or NO_CONN */
	struct listen_table listeners;
	struct tcp_profile profile[LISTEN_MAX_ROWS + 1]; /* row 0: connections that we open */
	uint64_t visit_ns;
	struct sources half_open; /* of all groups */
	struct limit resets;
	struct stack_stats stats; /* without the gauges */
	void *mem;
	uint64_t mem_bytes;
	struct tcp_out out; /* of the call of the engine that is being made */
};

/* A connection as the functions of the host hand it on. */
struct conn {
	struct group *g;
	struct tcb *t;
	uint32_t slot, id;
};

static inline struct conn
conn_at(const struct stack *s, struct group *g, uint32_t slot)
{
	return (struct conn){
	    .g = g,
	    .t = group_tcb(g, slot),
	    .slot = slot,
	    .id = slot << s->conf.group_bits | (uint32_t)(g - s->group),
	};
}

static inline struct conn
conn_of(const struct stack *s, uint32_t id)
{
	return conn_at(s, &s->group[id & (s->n_groups - 1)], id >> s->conf.group_bits);
}

static inline uint8_t *
conn_mark(const struct conn *c)
{
	return &c->g->mark[c->slot];
}

static inline uint8_t
conn_tos(const struct conn *c)
{
	return (uint8_t)(c->g->ctx.cfg.profiles[c->t->profile].dscp << 2);
}

static inline uint32_t
conn_unread(const struct conn *c)
{
	const struct chain *q = tcp_rcvq(&c->g->ctx, c->t);

	return q != NULL ? q->len : 0;
}

static inline struct group *
group_of(const struct stack *s, const struct flow *f)
{
	return s->n_groups == 1 ? s->group : &s->group[flow_group_hash(f) & (s->n_groups - 1)];
}

/* --- conn.c --- */

/* A new connection in its group's table, not opened yet; false: a limit (counted). */
bool conn_new(struct stack *s, const struct flow *f, uint64_t now, struct conn *c);
bool conn_is_room_for(const struct stack *s, const struct flow *f);
/* Undoes conn_new. */
void conn_undo(const struct conn *c);
/* Into the line of those with work. */
void conn_work(struct stack *s, const struct conn *c);
/* Why a connection ends, from what the engine said and what the user did. */
enum stack_why conn_why(const struct conn *c, uint32_t events);
/* Marks one that could not get an active block: it is told when there is one. */
void conn_starves(struct stack *s, const struct conn *c);
/* Looks at s->out after a call of the engine, made when the state was `was`: state and events. Room
 * for EVENTS_PER_CALL events must be there. */
void conn_after(struct stack *s, const struct conn *c, enum tcp_state was, const uint8_t *payload);
/* The last event is queued, unless it is already. */
void conn_queue_end(struct stack *s, const struct conn *c, enum stack_event_type type,
		    enum stack_why why);

/* --- shed.c --- */

/* A tcb is needed in g; true: one is free now. */
bool shed_tcb(struct stack *s, struct group *g, uint64_t now);
/* shed_tcb would free one. */
bool shed_has_candidates(const struct stack *s);
/* Ends somebody while active blocks or blocks are nearly all in use; returns when to call again. */
uint64_t shed_if_low(struct stack *s, struct group *g, uint64_t now);

/* --- event.c --- */

static inline bool
events_have_room(const struct stack *s)
{
	return s->events.n + EVENTS_PER_CALL <= STACK_EVENTS;
}

struct event *event_push(struct stack *s, const struct conn *c, unsigned type);
/* Ends the handle of s->over. */
void event_end_handle(struct stack *s);

/* --- answer.c: frames that must leave although no connection sends them --- */

/* What p deserves; f is its tuple seen from here. */
void answer_reset(struct stack *s, struct netif *nif, const struct flow *f, const struct pkt *p);
/* The segments without octets that the engine has put into s->out. */
void answer_segments(struct stack *s, struct netif *nif, const struct flow *f, uint8_t tos,
		     const struct pkt *p);
void answer_arp(struct stack *s, struct netif *nif, const struct arp_msg *m);
void answer_icmp(struct stack *s, struct netif *nif, const struct icmp_msg *m, const struct pkt *p);
/* The next one of them goes to its interface. */
void answer_leave(struct stack *s);
/* None of them leaves any more. */
void answer_discard_all(struct stack *s);

/* --- output.c --- */

/* The interface whose address src is; NULL: not one of ours. */
struct netif *stack_route(const struct stack *s, uint32_t src);
/* This next hop is known now, or (0) all that somebody waits for may have come: back into the line.
 * Those whose time has not come will wait again. */
void work_kick(struct stack *s, uint32_t hop);

#endif
