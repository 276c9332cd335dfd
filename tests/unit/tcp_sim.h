/* tcp_sim.h - two engines with a host and a user each, joined by a bad link. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_TCP_SIM_H
#define TEST_TCP_SIM_H

#include "unit.h"

#include "base/rng.h"
#include "tcp/seq.h"
#include "tcp/tcp.h"
#include "tcp_note.h"
#include "tcp_sim_link.h"

enum { SIM_TABLE = 65521, SIM_STOLEN_MAX = 64 };

#define SIM_MS UINT64_C(1000000)
#define SIM_S  (1000 * SIM_MS)

/* What the user of one end does, and what he has to do it with. */
struct end_knobs {
	struct tcp_config cfg;
	uint32_t n_acts, n_small, n_large;
	struct tcp_profile profile;
	uint32_t total; /* octets to send */
	uint32_t write_chunk, read_chunk;
	uint64_t write_pause, read_pause;
	bool slow_reader;
	bool early_write;     /* before the handshake is done */
	bool early_close;     /* and likewise */
	bool close_after_eof; /* else as soon as all is written */
	uint64_t close_pause;
	uint64_t abort_at;     /* UINT64_MAX: never */
	uint64_t output_pause; /* up to this long between input and output: a burst */
	unsigned room;
	bool attacked; /* by somebody who sends forged segments */
	bool thief;    /* somebody else takes blocks from the pools for a while */
};

struct sim_end {
	struct end_knobs knobs;
	struct tcp_ctx ctx;
	struct pool tcbs;
	void *mem, *tcb_mem;
	struct tcb *t; /* NULL: no connection */
	uint32_t h;
	bool active, listening;
	bool opened, established, eof, user_closed, over;
	bool gave_up;	 /* FIN-WAIT-2 has lasted too long */
	bool ghost;	 /* a second connection, made by an old SYN: must come to nothing */
	uint32_t causes; /* of TCP_EV_RESET, _TIMEOUT */
	bool aborted;
	/* send */
	uint32_t iss, written;
	bool have_iss, blocked;
	uint32_t snd_max; /* highest sequence number sent + 1 */
	uint32_t tsval;
	bool have_tsval;
	unsigned sent_in_vain; /* segments since the peer last acknowledged something new */
	uint32_t last_una;
	/* receive */
	uint32_t delivered, read;
	uint32_t edge; /* highest right edge advertised */
	bool have_edge;
	/* times: UINT64_MAX for never */
	uint64_t over_at;
	uint64_t write_at, read_at, close_at, output_at, thief_at, attack_at, open_at;
	uint32_t stolen_acts[SIM_STOLEN_MAX], stolen_blocks[SIM_STOLEN_MAX];
	unsigned n_stolen_acts, n_stolen_blocks;
};

struct sim {
	uint64_t seed, now, start, hash, events;
	struct rng rng;
	struct sim_link link;
	struct sim_end end[2];
	struct tcp_out out;
	bool trace;
};

/* What can happen to a connection, for the count of (state, event) pairs. */
enum sim_event {
	SIM_SYN,
	SIM_SYN_ACK,
	SIM_ACK,
	SIM_DATA,
	SIM_FIN,
	SIM_RST,
	SIM_TIMEOUT,
	SIM_SEND,
	SIM_RECEIVE,
	SIM_CLOSE,
	SIM_ABORT,
	SIM_N_EVENTS
};

/* What all scenarios together have reached. */
struct sim_report {
	uint64_t scenarios, clean, timed_out, reset, aborted, ghosts, half_open;
	uint64_t segments, lost, octets, events, virtual_ns;
	uint64_t pairs[TCP_N_STATES][SIM_N_EVENTS];
};

/* Content of both streams by position; one and a bit, so that every segment is in one piece. */
static uint8_t sim_table[2][SIM_TABLE + 65536];

static inline const uint8_t *
sim_octets(unsigned from, uint32_t position)
{
	return sim_table[from] + position % SIM_TABLE;
}

static inline void
sim_table_init(void)
{
	for (unsigned side = 0; side < 2; side++)
		for (uint32_t i = 0; i < sizeof(sim_table[0]); i++)
			sim_table[side][i] =
			    (uint8_t)(siphash24((const uint8_t *)"position content",
						&(uint32_t){i % SIM_TABLE}, 4) >>
				      side);
}

/* --- failing --- */

static const char *sim_program = "test_tcp_sim";
static uint64_t sim_seed; /* of the scenario that runs */

static inline void
sim_say_seed(void)
{
	fprintf(stderr, "\nscenario %llu; to see it: %s %llu\n", (unsigned long long)sim_seed,
		sim_program, (unsigned long long)sim_seed);
}

static inline void
sim_show_end(const struct sim *s, unsigned i)
{
	const struct sim_end *e = &s->end[i];

	fprintf(stderr,
		"  end %u: %s, causes %#x, wrote %u of %u, got %u, eof %d, closed %d, over %d\n", i,
		e->t ? tcp_state_name(e->t->state) : "no connection", e->causes, e->written,
		e->knobs.total, e->delivered, e->eof, e->user_closed, e->over);
}

static inline void
sim_fail(const struct sim *s, const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	fprintf(stderr, "  at %.6f s\n", (double)(s->now - s->start) / 1e9);
	for (unsigned i = 0; i < 2; i++)
		sim_show_end(s, i);
	abort(); /* whose handler says the seed */
}

#define SIM_CHECK(s, condition)                                      \
	do {                                                         \
		if (!(condition))                                    \
			sim_fail(s, #condition, __FILE__, __LINE__); \
	} while (0)

#endif
