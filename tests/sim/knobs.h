/* knobs.h - everything that a scenario varies, drawn from its seed. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SIM_KNOBS_H
#define SIM_KNOBS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cover.h"
#include "host/stack.h"

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

enum { SIM_CONNS = 64, SIM_HOLES = 3, SIM_AMBUSHES = 3 };

/* What can be left out of a scenario, all else being as it was: --without, and the shrinker. Each
 * family of knobs is drawn from a random stream of its own. */
/* clang-format off */
#define KNOB_FAMILIES(X)                                                                           \
	X(LOSS, "loss")           /* independent, by direction */                                  \
	X(BURSTS, "bursts")       /* Gilbert-Elliott */                                            \
	X(PICKY, "picky")         /* of ACKs, of SYNs, of segments with octets */                  \
	X(DUP, "dup")                                                                              \
	X(REORDER, "reorder")                                                                      \
	X(CORRUPT, "corrupt")     /* 1 to 8 bits */                                                \
	X(TAMPER, "tamper")       /* header fields, the checksums made right again */              \
	X(TRUNCATE, "truncate")                                                                    \
	X(JITTER, "jitter")       /* the delay varies, or steps */                                 \
	X(RATE, "rate")           /* a bottleneck and its queue */                                 \
	X(PATH_MTU, "pathmtu")                                                                     \
	X(HOLES, "holes")         /* nothing passes for a while */                                 \
	X(SKEW, "skew")           /* clocks run at different rates */                              \
	X(JUMP, "jump")           /* a clock leaps forward */                                      \
	X(REFUSE, "refuse")       /* a port does not take frames */                                \
	X(POOR, "poor")           /* a host gets no empty frames */                                \
	X(STARVE, "starve")       /* pools have nothing left for some steps */                     \
	X(MEMORY, "memory")       /* small pools */                                                \
	X(BUFFERS, "buffers")     /* small windows and send queues */                              \
	X(OPTIONS, "options")     /* of TCP: others than the defaults */                           \
	X(TIMES, "times")         /* of TCP: likewise */                                           \
	X(WRAP, "wrap")           /* sequence numbers and timestamps near their wrap */            \
	X(PAUSES, "pauses")       /* users take their time */                                      \
	X(ABORT, "abort")                                                                          \
	X(EARLY, "early")         /* users write and close before the handshake is done */         \
	X(HALF, "half")           /* closes early and goes on reading; late calls */               \
	X(ATTACK, "attack")                                                                        \
	X(AMBUSH, "ambush")       /* some events in some states */                                     \
	X(MANY, "many")           /* more than one connection */                                   \
	X(GROUPS, "groups")                                                                        \
	X(BATCH, "batch")         /* several frames a turn */                                      \
	X(COOKIES, "cookies")     /* few places for half-open connections */                       \
	X(ECN, "ecn")             /* and a router that marks */                                    \
	X(KEEPALIVE, "keepalive") /* and limits on idle connections */                             \
	X(CC, "cc")               /* congestion control, and how long it may take */

enum knob_family {
#define KNOB_FAMILY_ENUM(id, name) KNOB_##id,
	KNOB_FAMILIES(KNOB_FAMILY_ENUM)
#undef KNOB_FAMILY_ENUM
	KNOB_N_FAMILIES
};
/* clang-format on */

const char *knob_family_name(enum knob_family f);

enum delay_kind { DELAY_CONSTANT, DELAY_UNIFORM, DELAY_EXPONENTIAL, DELAY_BIMODAL, DELAY_STEP };

/* One direction of the link. */
struct link_knobs {
	double loss;
	double bad_enter, bad_leave, bad_loss; /* Gilbert-Elliott; bad_enter 0: off */
	double ack_loss, syn_loss, octets_loss;
	double dup, reorder, corrupt, tamper, truncate;
	double mark; /* ECT becomes CE */
	uint64_t reorder_ns;
	enum delay_kind delay_kind;
	uint64_t delay_ns, jitter_ns;
	uint64_t step_at;  /* DELAY_STEP: jitter_ns comes on top from then on */
	bool fifo;	   /* frames keep their order whatever the delay */
	uint64_t rate_bps; /* 0: no limit */
	uint32_t queue_bytes;
	uint16_t mtu; /* 0: as the hosts' */
	bool mtu_icmp;
};

enum wrap_kind { WRAP_NONE, WRAP_SEQUENCE, WRAP_TIMESTAMP };

struct host_knobs {
	struct stack_conf conf; /* no memory, no secret yet */
	struct tcp_profile profile;
	uint16_t mtu;
	uint32_t stock; /* empty frames at most */
	int32_t skew_ppm;
	uint64_t jump_at, jump_ns; /* world time; UINT64_MAX: never */
	uint64_t refuse_at, refuse_until;
	unsigned refuse_all_but; /* frames a turn that the port takes then */
	uint64_t poor_at, poor_until;
	bool poor_memory;
	uint64_t starve_step; /* pools have nothing left in these steps of the world */
	unsigned starve_steps;
	enum wrap_kind wrap;
	uint32_t wrap_lead; /* how far before the wrap it begins */
};

/* The user at one end of a connection. */
struct end_knobs {
	bool opens;	/* else listens */
	uint32_t total; /* octets to write */
	uint32_t write_chunk, read_chunk;
	uint64_t write_pause, read_pause, close_pause;
	bool keeps; /* reads what it gets later */
	bool early_write, early_close, close_after_eof, late_calls;
	uint64_t abort_at; /* after the start; UINT64_MAX: never */
};

struct conn_knobs {
	uint64_t open_at[2];	/* after the start */
	bool refused;		/* to a port where nobody listens */
	uint64_t close_both_at; /* whatever is left to write; UINT64_MAX: each in its own time */
	struct end_knobs end[2];
};

struct knobs {
	uint32_t without;	   /* bits of enum knob_family */
	struct link_knobs link[2]; /* by sender */
	struct host_knobs host[2];
	struct {
		uint64_t from, to;
	} hole[SIM_HOLES];
	uint64_t heal_at; /* from then on the link is perfect and nobody attacks */
	unsigned n_conns;
	uint64_t attack_ns; /* mean time between forged segments; 0: none */
	struct {
		enum cover_state state;
		enum cover_event event; /* COVER_N_EVENTS: none */
	} ambush[SIM_AMBUSHES];
	unsigned batch; /* frames that a host takes a turn */
	/* A batch has one frame of a connection, and frames go out and come in freely: then it
	 * makes no difference whether it comes in one turn or in several. */
	bool distinct;
	/* Batches are not split: what is set aside for received octets depends on how many frames
	 * come together, which shows when memory runs out. */
	bool whole;
	bool check_all;			   /* stack_check after every turn */
	struct conn_knobs conn[SIM_CONNS]; /* the first n_conns */
};

void knobs_draw(struct knobs *k, uint64_t seed, uint64_t without);
/* All that is not at its default, on one line. */
void knobs_print(const struct knobs *k, FILE *to);

#endif
