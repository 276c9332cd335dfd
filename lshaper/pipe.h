/* pipe.h - one direction: models judge each frame, queues hold it, every one is accounted for. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LSHAPER_PIPE_H
#define LSHAPER_PIPE_H

#include <stddef.h>
#include <stdint.h>

#include "base/hist.h"
#include "base/pool.h"
#include "lshaper/holdq.h"
#include "lshaper/impair.h"
#include "wire/frame.h"

enum { PIPE_BURST = 32, PIPE_QUEUES = 8 };

/* Why a frame did not arrive at the other side. */
enum pipe_drop {
	PIPE_DROP_MODEL,     /* asked for: the loss model took it */
	PIPE_DROP_HOLD_FULL, /* more held than --hold allows: delay x rate is larger */
	PIPE_DROP_TX_FULL,   /* the same, while the far port took less than it was offered */
	PIPE_DROP_PORT_DOWN, /* it was to leave and the far port had no peer */
	PIPE_DROP_TOO_LONG,  /* the far port would not carry it */
	PIPE_DROPS,
};

struct pipe_count {
	uint64_t frames, bytes;
};

struct pipe_stats {
	struct pipe_count rx, tx, drop[PIPE_DROPS];
};

struct pipe_conf {
	struct impair_conf impair;
	uint64_t seed;
	unsigned direction;  /* each has random numbers of its own */
	uint64_t hold_bytes; /* address space that is reserved, and touched as it is needed */
	unsigned n_queues;
	uint32_t max_bytes; /* of a frame that the far port carries */
};

/* Frames of queue i of one port leave by queue i of the other; each has a hold queue of its own,
 * so that a full transmit ring delays no other, and all share the memory. No clock, no ports:
 * the loop brings frames and the time, and tells what became of those it was given to send. */
struct pipe {
	struct impair model;
	struct pool blocks;
	struct holdq hold[PIPE_QUEUES];
	bool refused[PIPE_QUEUES]; /* the port took less than it was offered the last time */
	unsigned n_queues;
	uint32_t max_bytes;
	struct pipe_stats stats; /* since the start */
	struct hist late;	 /* departure minus intended departure; the owner resets it */
};

/* 0 or -ENOMEM. */
int pipe_init(struct pipe *p, const struct pipe_conf *conf);
void pipe_fini(struct pipe *p);

/* What is to be done with the buffers of a burst that arrived. */
struct pipe_out {
	struct frame now[PIPE_BURST];  /* to send at once, with pipe_sent to follow */
	struct frame done[PIPE_BURST]; /* dropped or copied: give the buffers back */
	unsigned n_now, n_done;
};

/* Judges n (at most PIPE_BURST) frames that arrived at now_ns. A frame whose departure is due goes
 * to out->now untouched, unless others of its queue still wait. */
void pipe_arrive(struct pipe *p, unsigned queue, const struct frame *f, unsigned n, uint64_t now_ns,
		 struct pipe_out *out);

/* The port took the first `taken` of the n frames of out->now, at now_ns, due since due_ns. The
 * rest waits in the hold queue; the caller gives all n - taken buffers back. */
void pipe_sent(struct pipe *p, unsigned queue, const struct frame *f, unsigned n, unsigned taken,
	       uint64_t due_ns, uint64_t now_ns);

/* Held frames that are due, at most PIPE_BURST; only one while the port refuses. Their octets are
 * in the queue until pipe_leave or pipe_expire. */
unsigned pipe_due(const struct pipe *p, unsigned queue, uint64_t now_ns, struct frame *f);
/* The port took the first `taken` of the n that pipe_due named. */
void pipe_leave(struct pipe *p, unsigned queue, unsigned n, unsigned taken, uint64_t now_ns);
/* The far port has no peer: the first n held frames are lost, or these frames of out->now. */
void pipe_expire(struct pipe *p, unsigned queue, unsigned n);
void pipe_lose(struct pipe *p, const struct frame *f, unsigned n);

/* When there is something to do next: the first departure, or PIPE_RETRY_NS from now where the
 * port refuses; UINT64_MAX when nothing is held. */
enum { PIPE_RETRY_NS = 200000 };
uint64_t pipe_next_ns(const struct pipe *p, uint64_t now_ns);

struct pipe_count pipe_held(const struct pipe *p);

/* In = out + dropped by cause + held, in frames and in octets; asserts it. Holds between calls,
 * once pipe_sent or pipe_lose has told of every frame in out->now. */
void pipe_check(const struct pipe *p);

#endif
