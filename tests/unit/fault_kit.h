/* fault_kit.h - two hosts that do something while what they need is taken away for a while. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_FAULT_KIT_H
#define TEST_FAULT_KIT_H

#include "unit.h"

#define KIT_FLIGHT 4096 /* thousands of hosts are made */

#include "host/internal.h"
#include "stack_kit.h"

enum { FAULT_SERVER = 0x0a000001, FAULT_CLIENT = 0x0a000101, FAULT_CONNS = 8, FAULT_HELD = 4096 };

/* What the server's users do. */
enum fault_user {
	USER_ECHO,   /* sends back what comes, and closes after the peer */
	USER_MUTE,   /* takes what comes, and closes after the peer */
	USER_KEEPS,  /* lets it lie, and reads a little at a time */
	USER_CLOSES, /* closes as soon as it is asked */
	USER_ABORTS, /* RST as soon as it is asked */
};

enum fault_wire { WIRE_GOOD, WIRE_LOSES, WIRE_REORDERS, WIRE_REPEATS, WIRE_CORRUPTS, WIRE_FAR };

/* What the client does when all has been sent. */
enum fault_end { END_CLOSE, END_ABORT, END_WAIT /* for the server to close; then it closes */ };

struct scenario {
	const char *name;
	uint32_t conns, octets; /* connections at once, and what each sends */
	enum fault_user user;
	enum fault_wire wire;
	enum fault_end end;
	uint8_t group_bits;
};

/* A connection of the client. */
struct errand {
	uint32_t conn, left; /* octets to be sent still */
	bool open, done;
};

struct fault_world {
	const struct scenario *sc;
	struct kit_host *server, *client;
	struct errand errand[FAULT_CONNS];
	uint32_t served[FAULT_CONNS]; /* connections of the server whose octets are kept */
	unsigned n_served;
	uint64_t now, n_turns;
	uint32_t answered; /* octets that have come back */
	unsigned refused;  /* connections that could not be made, or failed */
};

/* --- users --- */

static inline struct errand *
fault_errand(struct fault_world *w, uint32_t conn)
{
	for (unsigned i = 0; i < FAULT_CONNS; i++)
		if (w->errand[i].open && w->errand[i].conn == conn)
			return &w->errand[i];
	return NULL;
}

static inline void
fault_pursue(struct fault_world *w, struct errand *e)
{
	static const uint8_t octets[4096];

	while (e->left > 0) {
		uint32_t n = e->left < sizeof(octets) ? e->left : (uint32_t)sizeof(octets);
		uint32_t taken = stack_send(w->client->s, e->conn, octets, n);

		e->left -= taken;
		if (taken < n)
			return;
	}
	if (e->done)
		return;
	e->done = true;
	if (w->sc->end == END_CLOSE)
		stack_close(w->client->s, e->conn, w->now);
	else if (w->sc->end == END_ABORT)
		stack_abort(w->client->s, e->conn, w->now);
}

static inline void
fault_on_client(struct kit_host *h, const struct stack_event *ev, uint64_t now)
{
	struct fault_world *w = h->arg;
	struct errand *e = fault_errand(w, ev->conn);

	assert_non_null(e);
	switch ((enum stack_event_type)ev->type) {
	case STACK_CONNECTED:
	case STACK_WRITABLE:
		fault_pursue(w, e);
		break;
	case STACK_DATA:
		w->answered += ev->len;
		break;
	case STACK_READABLE: {
		const uint8_t *data;
		uint32_t n;

		while ((n = stack_read(h->s, ev->conn, &data)) > 0) {
			w->answered += n;
			stack_read_done(h->s, ev->conn, n);
		}
		break;
	}
	case STACK_EOF:
		stack_close(h->s, ev->conn, now);
		break;
	case STACK_FAILED:
		w->refused++;
		e->open = false;
		break;
	case STACK_CLOSED:
		e->open = false;
		break;
	default:
		break;
	}
}

/* Echoes what is kept, or reads a little of it. */
static inline void
fault_read(struct fault_world *w, uint32_t conn, uint32_t most, bool echo)
{
	struct stack *s = w->server->s;
	const uint8_t *data;
	uint32_t n;

	while (most > 0 && (n = stack_read(s, conn, &data)) > 0) {
		n = n < most ? n : most;
		if (echo)
			n = stack_send(s, conn, data, n);
		stack_read_done(s, conn, n);
		if (n == 0)
			return;
		most -= n;
	}
}

static inline void
fault_take(struct fault_world *w, const struct stack_event *ev)
{
	uint32_t taken;

	switch (w->sc->user) {
	case USER_ECHO:
		taken = stack_send(w->server->s, ev->conn, ev->data, ev->len);
		stack_keep(w->server->s, ev, ev->len - taken);
		break;
	case USER_KEEPS:
		stack_keep(w->server->s, ev, ev->len);
		break;
	default:
		break;
	}
}

static inline void
fault_on_server(struct kit_host *h, const struct stack_event *ev, uint64_t now)
{
	struct fault_world *w = h->arg;

	switch ((enum stack_event_type)ev->type) {
	case STACK_ACCEPTED:
		if (w->n_served < FAULT_CONNS)
			w->served[w->n_served++] = ev->conn;
		if (w->sc->user == USER_CLOSES)
			stack_close(h->s, ev->conn, now);
		else if (w->sc->user == USER_ABORTS)
			stack_abort(h->s, ev->conn, now);
		break;
	case STACK_DATA:
		fault_take(w, ev);
		break;
	case STACK_READABLE:
	case STACK_WRITABLE:
		if (w->sc->user != USER_KEEPS)
			fault_read(w, ev->conn, UINT32_MAX, w->sc->user == USER_ECHO);
		break;
	case STACK_EOF:
		stack_close(h->s, ev->conn, now);
		break;
	case STACK_CLOSED:
		for (unsigned i = 0; i < w->n_served; i++)
			if (w->served[i] == ev->conn)
				w->served[i--] = w->served[--w->n_served];
		break;
	default:
		break;
	}
}

/* --- the world --- */

static inline struct kit_wire
fault_wire_of(enum fault_wire kind)
{
	static const struct kit_wire wires[] = {
	    [WIRE_GOOD] = {.delay_ns = 10000},
	    [WIRE_LOSES] = {.delay_ns = 10000, .loss = 0.1},
	    [WIRE_REORDERS] = {.delay_ns = 10000, .jitter_ns = 2 * KIT_MS},
	    [WIRE_REPEATS] = {.delay_ns = 10000, .duplicate = 0.2},
	    [WIRE_CORRUPTS] = {.delay_ns = 10000, .corrupt = 0.1},
	    [WIRE_FAR] = {.delay_ns = 40 * KIT_MS},
	};

	return wires[kind];
}

static inline void
fault_start(struct fault_world *w, const struct scenario *sc, const struct stack_conf *c)
{
	struct stack_listener l = {.port = 7};

	memset(w, 0, sizeof(*w));
	w->sc = sc;
	w->now = c->now;
	w->server = kit_host(c, 1, FAULT_SERVER, 1);
	w->client = kit_host(c, 2, FAULT_CLIENT, 1);
	kit_join(w->server, w->client);
	w->server->wire = w->client->wire = fault_wire_of(sc->wire);
	w->server->arg = w->client->arg = w;
	w->server->on_event = fault_on_server;
	w->client->on_event = fault_on_client;
	assert_int_equal(stack_listen(w->server->s, &l), 1);
}

static inline void
fault_conf(struct stack_conf *c, const struct scenario *sc)
{
	kit_conf(c);
	c->now = KIT_SECOND;
	c->group_bits = sc->group_bits;
	c->max_conns = 40;
	c->max_active = 160; /* a quarter of it is set aside for bursts */
	c->blocks_small = 100;
	c->blocks_large = 400;
	c->tcp.time_wait_ns = 5 * KIT_SECOND;
	c->tcp.fin_wait_2_ns = 5 * KIT_SECOND;
	c->tcp.retries = 6;
}

static inline void
fault_connect(struct fault_world *w, unsigned i, uint16_t port, uint32_t octets)
{
	const struct stack_open o = {
	    .flow = {.laddr = FAULT_CLIENT, .raddr = FAULT_SERVER, .lport = port, .rport = 7}};
	struct errand *e = &w->errand[i];

	*e = (struct errand){.left = octets};
	e->open = stack_connect(w->client->s, &o, w->now, &e->conn) == 0;
	w->refused += !e->open;
}

static inline void
fault_check(const struct fault_world *w)
{
	stack_check(w->server->s);
	stack_check(w->client->s);
}

/* One turn of both; time goes on to what comes next. */
static inline void
fault_turn(struct fault_world *w)
{
	bool busy = kit_turn(w->client, w->now);
	uint64_t next;

	busy |= kit_turn(w->server, w->now);
	w->n_turns++;
	if (w->sc->user == USER_KEEPS)
		for (unsigned i = 0; i < w->n_served; i++)
			fault_read(w, w->served[i], 700, false);
	if (busy)
		return;
	next =
	    kit_next(w->client) < kit_next(w->server) ? kit_next(w->client) : kit_next(w->server);
	next = next > w->now ? next : w->now + 1000;
	/* The users look in now and then. */
	w->now = next < w->now + 50 * KIT_MS ? next : w->now + 50 * KIT_MS;
}

static inline void
fault_run(struct fault_world *w, uint64_t ns)
{
	const uint64_t until = w->now + ns;

	while (w->now < until)
		fault_turn(w);
}

static inline bool
fault_is_idle(const struct fault_world *w)
{
	for (unsigned i = 0; i < FAULT_CONNS; i++)
		if (w->errand[i].open)
			return false;
	return w->n_served == 0;
}

/* Whatever has happened, both serve a new connection within 5 s. */
static inline void
fault_assert_service(struct fault_world *w)
{
	static const struct scenario echo = {.name = "service", .user = USER_ECHO};
	const uint32_t before = w->answered;

	w->sc = &echo;
	w->server->wire = w->client->wire = fault_wire_of(WIRE_GOOD);
	for (unsigned i = 0; i < FAULT_CONNS; i++)
		w->errand[i].open = false;
	fault_connect(w, 0, 6000, 5000);
	fault_run(w, 5 * KIT_SECOND);
	if (w->answered - before != 5000)
		fail_msg("no service after 5 s: %u octets of 5000", w->answered - before);
}

static inline void
fault_assert_empty(const struct kit_host *h)
{
	struct stack_stats st;

	stack_stats(h->s, &st);
	assert_int_equal(st.conns, 0);
	assert_int_equal(st.active, 0);
	assert_int_equal(st.half_open + st.established + st.time_wait, 0);
	for (unsigned i = 0; i < h->s->n_groups; i++) {
		const struct group *g = &h->s->group[i];

		/* What is left in use is set aside for the next burst. */
		assert_int_equal(g->ctx.acts.in_use, g->reserve.n_acts);
		assert_int_equal(g->ctx.blocks.large.in_use, g->reserve.n_blocks);
		assert_int_equal(g->ctx.blocks.small.in_use, 0);
	}
}

/* All users leave, timers run out, and nothing is there any more. */
static inline void
fault_stop(struct fault_world *w)
{
	for (unsigned i = 0; i < FAULT_CONNS; i++)
		if (w->errand[i].open)
			stack_abort(w->client->s, w->errand[i].conn, w->now);
	for (unsigned i = 0; i < w->n_served; i++)
		stack_abort(w->server->s, w->served[i], w->now);
	fault_run(w, 15 * KIT_SECOND);
	fault_check(w);
	fault_assert_empty(w->server);
	fault_assert_empty(w->client);
	kit_free(w->server);
	kit_free(w->client);
}

/* --- what is taken away --- */

enum fault_take {
	TAKE_TCBS = 1,
	TAKE_ACTS = 2,
	TAKE_SMALL = 4,
	TAKE_LARGE = 8,
	TAKE_FRAMES = 16,
};

/* What a thief holds of a host. */
struct loot {
	uint32_t n, handle[FAULT_HELD];
	struct pool *of[FAULT_HELD];
};

static inline void
fault_steal_from(struct pool *p, struct loot *l)
{
	while (p->in_use < p->max && l->n < FAULT_HELD) {
		l->of[l->n] = p;
		l->handle[l->n++] = pool_get(p);
	}
}

/* Those it has, and those it would get. */
static inline void
fault_steal_frames(struct kit_host *h)
{
	h->poor = true;
	while (h->s->n_stock > 0) {
		free(h->s->stock[--h->s->n_stock].handle);
		h->n_frames--;
	}
}

/* All that is free of what `what` says (enum fault_take). A tcb that is nobody's must look like that
 * to who walks all of them. */
static inline void
fault_steal(struct kit_host *h, unsigned what, struct loot *l)
{
	if (what & TAKE_FRAMES)
		fault_steal_frames(h);
	for (unsigned i = 0; i < h->s->n_groups; i++) {
		struct group *g = &h->s->group[i];

		if (what & TAKE_TCBS)
			fault_steal_from(&g->tcbs, l);
		for (unsigned n = 0; n < l->n; n++)
			if (l->of[n] == &g->tcbs)
				group_tcb(g, l->handle[n])->state = TCP_FREE;
		if (what & TAKE_ACTS)
			fault_steal_from(&g->ctx.acts, l);
		if (what & TAKE_SMALL)
			fault_steal_from(&g->ctx.blocks.small, l);
		if (what & TAKE_LARGE)
			fault_steal_from(&g->ctx.blocks.large, l);
	}
}

static inline void
fault_give_back(struct kit_host *h, struct loot *l)
{
	h->poor = false;
	while (l->n > 0) {
		l->n--;
		pool_put(l->of[l->n], l->handle[l->n]);
	}
}

#endif
