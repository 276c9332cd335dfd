/* world.h - two hosts, a link, users at both ends, virtual time. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "cover.h"
#include "host/stack.h"
#include "knobs.h"
#include "lshaper/impair.h"
#include "wire/pkt.h"

#define NEVER UINT64_MAX

enum { BUF_ROOM = 9216, FLIGHT_MAX = 8192, SIM_RANGES = 48 };

/* What the world knows of a frame on its way. */
struct note {
	uint8_t kind;  /* enum pkt_kind */
	uint8_t flags; /* of TCP */
	uint8_t from;  /* host */
	bool forged;
	bool spoilt;  /* not as it was sent any more */
	bool caught;  /* and its checksum says so */
	int16_t conn; /* -1: of no connection of ours */
	uint32_t seq, len;
};

/* A frame's octets, wherever they are: in a stack's stock, or on the link. */
struct buf {
	struct buf *next;
	uint32_t len;
	struct note note;
	uint8_t data[BUF_ROOM];
};

struct flight {
	uint64_t at, order;
	struct buf *buf;
	uint8_t to;
};

/* One direction of the link. */
struct path {
	struct impair impair; /* lshaper's: independent loss, constant delay */
	struct rng bursts, picky, damage, delay;
	bool bad;	     /* Gilbert-Elliott's state */
	uint64_t busy_until; /* of the bottleneck */
	uint64_t last_at;    /* arrival of the frame before */
	uint64_t marked, dropped;
};

struct link {
	struct path path[2];
	struct flight heap[FLIGHT_MAX];
	unsigned n;
	uint64_t order;
};

/* [start, end) has arrived. */
struct range {
	uint32_t start, end;
};

/* One end of a connection: its user, and what can be seen of it from outside. */
struct end {
	const struct end_knobs *k;
	struct rng rng;
	uint32_t id; /* handle */
	bool has_id, opened, established, eof, user_closed, aborted, over;
	bool gave_up; /* FIN-WAIT-2 has lasted too long */
	bool left_unread;
	bool deceived; /* got segments that nobody has sent */
	bool icmp_hit; /* told by ICMP that the peer is unreachable, while opening */
	uint8_t why;
	uint8_t state; /* enum tcp_state as last looked at; TCP_FREE: no connection */
	uint64_t open_at, write_at, read_at, close_at, abort_at, over_at;
	/* sending */
	uint32_t iss, written, snd_max, tsval, last_una, last_ack;
	bool have_iss, have_tsval, have_ack, blocked;
	unsigned in_vain; /* segments sent since the peer last acknowledged something new */
	/* receiving */
	uint32_t read;		  /* octets taken and found right */
	uint32_t edge;		  /* highest right edge advertised */
	bool have_edge, peer_fin; /* the peer's FIN has arrived */
	uint8_t shift;		  /* of the windows that we advertise */
	uint16_t mss;		  /* announced */
	unsigned n_ranges;
	struct range range[SIM_RANGES];
};

struct pair {
	const struct conn_knobs *k;
	struct flow flow; /* seen from host 0 */
	struct end end[2];
};

struct host {
	struct stack *s;
	const struct host_knobs *k;
	unsigned side;
	uint64_t clock_base, clock_from; /* its clock said clock_base at world time clock_from */
	uint64_t now;
	uint64_t wake; /* world time */
	uint64_t retry_ns;
	uint32_t n_frames;
	uint64_t turns;
	/* of this turn, and of all */
	unsigned rst_in, other_in, rst_out;
	uint64_t acts_of_user, tcp_in, bare_out, timeouts, spoilt_in;
	unsigned hidden; /* pools are */
};

struct report {
	uint64_t scenarios, clean, reset, timed_out, aborted, refused, half_open, gave_up, steps,
	    turns;
	uint64_t frames, lost, damaged, octets, virtual_ns, forged, ambushes, rounds;
	uint64_t hash; /* of all scenarios' hashes, whatever their order */
	struct cover cover;
};

struct world {
	uint64_t seed;
	struct knobs k;
	uint64_t t, start, steps, hash;
	bool healed;
	struct link link;
	struct host host[2];
	unsigned n_conns;
	struct pair conn[SIM_CONNS];
	struct rng attack;
	uint64_t attack_at, dark_until;
	bool ambushed[SIM_AMBUSHES];
	unsigned burst; /* frames that one call of stack_input gets */
	bool verbose;
	struct report *r;
	struct buf *bufs; /* free ones */
	uint32_t n_bufs;  /* in use */
};

/* One world for all scenarios of a process. */
struct world *world_new(void);
/* Runs a scenario from beginning to end; returns the hash of all frames that its stacks have sent. */
uint64_t world_run(struct world *w, uint64_t seed, uint64_t without);
/* The parts of it, for who brings knobs of his own. */
void world_begin(struct world *w);
bool world_step(struct world *w); /* false: nothing will ever happen any more */
void world_end(struct world *w);
void world_leave(struct world *w); /* before its end */

/* --- for the parts of the world --- */

struct buf *buf_get(struct world *w);
void buf_put(struct world *w, struct buf *b);

/* The world is not as it should be: says what and where, and ends the program. */
_Noreturn void world_fail(const struct world *w, const char *what, const char *file, int line);
#define CHECK(w, condition)                                            \
	do {                                                           \
		if (!(condition))                                      \
			world_fail(w, #condition, __FILE__, __LINE__); \
	} while (0)
/* A line of the trace. */
void world_say(const struct world *w, unsigned host, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static inline uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline struct end *
peer_of(const struct world *w, const struct pair *c, unsigned side)
{
	(void)w;
	return (struct end *)&c->end[1 - side];
}

/* The flow as `side` sees it. */
static inline struct flow
flow_of(const struct pair *c, unsigned side)
{
	const struct flow *f = &c->flow;

	return side == 0 ? *f : (struct flow){f->raddr, f->laddr, f->rport, f->lport};
}

#endif
