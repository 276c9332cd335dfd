/* stack_bench.c - what a request costs two stacks joined in memory, and what an idle connection. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/rng.h"
#include "host/stack.h"

/*
 * gcc -O3 -march=corei7 -fno-strict-aliasing -D_GNU_SOURCE -Icommon -o stack_bench \
 *	tests/bench/stack_bench.c libpure.a -lm
 * ./stack_bench CONNECTIONS SECONDS [ACTIVE_BURST]
 *
 * Connections are opened, then each turn ACTIVE_BURST of them, picked at random, send a request of
 * 64 octets and get an answer of 146. Frames are handed over without a copy. So the time of a request
 * is that of two or three segments (the delayed ACK, where no other request comes soon) built,
 * parsed and handed up, with both ends' cache misses.
 */
enum { BURST = 32, FRAMES = 2048, ROOM = 2048, PORT = 80, REQUEST = 64, ANSWER = 146 };
enum { SERVER = 0x0a000001, CLIENT = 0x0a010001, N_CLIENTS = 230 };

struct end {
	struct stack *s;
	struct frame in[1024]; /* what the peer has sent */
	unsigned n_in;
};

static struct end client, server;
static struct frame pool[FRAMES];
static unsigned n_pool;
static uint64_t answers, connected;

static uint64_t
clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void
make(struct end *e, uint32_t conns, uint8_t id, uint32_t addr, uint32_t n)
{
	struct stack_netif_conf nc = {.mac = {2, 0, 0, 0, 0, id}, .mtu = 1500};
	struct stack_conf c;
	int row;

	stack_conf_default(&c);
	c.max_conns = conns;
	c.max_active = 200000; /* an answer is in flight until its delayed ACK, 40 ms */
	c.blocks_large = 20000;
	c.reserve = mem_reserve;
	c.release = mem_release;
	c.now = clock_ns();
	memset(c.secret, id, sizeof(c.secret));
	e->s = stack_new(&c);
	row = addr_add_range(&nc.addrs, addr, n, 8);
	assert(e->s != NULL && row == 0);
	row = stack_add_netif(e->s, &nc);
	assert(row == 0);
	(void)row;
}

static void
stock(struct end *e)
{
	unsigned n = stack_frames_short(e->s);

	n = n < n_pool ? n : n_pool;
	n_pool -= n;
	stack_give_frames(e->s, pool + n_pool, n);
}

static void
send_to(struct end *from, struct end *to)
{
	const struct frame *f;
	unsigned n = stack_tx(from->s, 0, &f);

	if (n > 1024 - to->n_in)
		n = 1024 - to->n_in;
	memcpy(to->in + to->n_in, f, n * sizeof(*f));
	for (unsigned i = 0; i < n; i++)
		to->in[to->n_in + i].port = 0;
	to->n_in += n;
	stack_tx_done(from->s, 0, n);
}

static void
on_event(struct end *e, const struct stack_event *ev, uint64_t now)
{
	static const uint8_t answer[ANSWER];

	switch ((enum stack_event_type)ev->type) {
	case STACK_CONNECTED:
		connected++;
		break;
	case STACK_DATA:
		if (e == &server)
			stack_send(e->s, ev->conn, answer, ANSWER);
		else
			answers++;
		break;
	case STACK_FAILED:
	case STACK_CLOSED:
		fprintf(stderr, "a connection has ended\n");
		exit(1);
	default:
		break;
	}
	(void)now;
}

static bool
turn(struct end *e, struct end *peer, uint64_t now)
{
	const struct stack_event *ev;
	unsigned n = e->n_in < BURST ? e->n_in : BURST;

	stock(e);
	stack_input(e->s, now, e->in, n);
	stack_timers(e->s, now);
	while ((ev = stack_next_event(e->s)) != NULL)
		on_event(e, ev, now);
	stack_output(e->s, now);
	send_to(e, peer);
	memcpy(pool + n_pool, e->in, n * sizeof(*e->in));
	n_pool += n;
	e->n_in -= n;
	memmove(e->in, e->in + n, e->n_in * sizeof(*e->in));
	return n > 0 || e->n_in > 0;
}

static void
settle(void)
{
	uint64_t now;

	do {
		now = clock_ns();
	} while (turn(&client, &server, now) | turn(&server, &client, now));
}

static void
open_all(uint32_t conns, uint32_t *id)
{
	for (uint32_t i = 0; i < conns; i++) {
		struct stack_open o = {
		    .flow = {.laddr = CLIENT + i % N_CLIENTS,
			     .raddr = SERVER,
			     .lport = (uint16_t)(1024 + i / N_CLIENTS),
			     .rport = PORT},
		};

		if (stack_connect(client.s, &o, clock_ns(), &id[i]) != 0)
			exit(1);
		if (i % BURST == BURST - 1)
			settle();
	}
	while (connected < conns)
		settle();
}

static uint64_t
requests(const uint32_t *id, uint32_t conns, unsigned burst, uint64_t until)
{
	static const uint8_t request[REQUEST];
	struct rng r;
	uint64_t n = 0;
	uint32_t pick[1024];

	rng_seed(&r, 1, 1);
	while (clock_ns() < until) {
		for (unsigned k = 0; k < burst; k++) {
			pick[k] = id[rng_below(&r, conns)];
			stack_prefetch(client.s, pick[k]);
		}
		for (unsigned k = 0; k < burst; k++)
			n += stack_send(client.s, pick[k], request, REQUEST) == REQUEST;
		settle();
	}
	return n;
}

int
main(int argc, char **argv)
{
	uint32_t conns = argc > 1 ? (uint32_t)atoi(argv[1]) : 1000;
	uint64_t ns = (uint64_t)(argc > 2 ? atoi(argv[2]) : 2) * 1000000000;
	unsigned burst = argc > 3 ? (unsigned)atoi(argv[3]) : BURST;
	struct stack_listener l = {.port = PORT};
	uint32_t *id = malloc(conns * sizeof(*id));
	uint64_t t0, t1, n, frames, before = mem_resident();
	struct stack_stats st;

	for (; n_pool < FRAMES; n_pool++)
		pool[n_pool] = (struct frame){.data = malloc(ROOM), .room = ROOM};
	make(&client, conns, 2, CLIENT, N_CLIENTS);
	make(&server, conns, 1, SERVER, 1);
	stack_listen(server.s, &l);
	t0 = clock_ns();
	open_all(conns, id);
	t1 = clock_ns();
	printf("connections %u\nconnect_ns %.0f\n", conns, (double)(t1 - t0) / conns);
	stack_stats(server.s, &st);
	frames = st.rx_frames + st.tx_frames;
	n = requests(id, conns, burst, t1 + ns);
	t0 = clock_ns();
	stack_stats(server.s, &st);
	frames = st.rx_frames + st.tx_frames - frames;
	printf("requests %llu\nanswers %llu\nrequest_ns %.0f\n", (unsigned long long)n,
	       (unsigned long long)answers, (double)(t0 - t1) / (double)n);
	/* Each is built at one end and taken at the other. */
	printf("frames_per_request %.2f\nframe_ns %.0f\n", (double)frames / (double)n,
	       (double)(t0 - t1) / (double)frames);
	t0 += UINT64_C(1000000000);
	while (clock_ns() < t0)
		settle();
	stack_stats(server.s, &st);
	printf("server_octets_per_connection %.1f\nserver_active %u\n",
	       (double)st.mem_bytes / conns, st.active);
	printf("resident_octets_per_connection_of_both %.1f\n",
	       (double)(mem_resident() - before) / conns);
	stack_free(client.s);
	stack_free(server.s);
	return 0;
}
