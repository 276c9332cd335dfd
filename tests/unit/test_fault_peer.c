/* test_fault_peer.c - a peer is killed together with its 100,000 connections. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "stack_kit.h"

enum {
	SERVER = 0x0a000001,
	CLIENT = 0x0a000101, /* and the next ones */
	OTHER = 0x0a000201,
	ADDRESSES = 4,
	CONNS = 100000,
	BATCH = 2000,
	IN_FLIGHT = 20000, /* connections that are being answered when it happens */
};

struct world {
	struct kit_host *server, *client;
	uint64_t now;
	uint32_t *served, n_served;
	uint32_t accepted, connected, closed, timed_out, reset, answered;
};

static void
on_server(struct kit_host *h, const struct stack_event *ev, uint64_t now)
{
	struct world *w = h->arg;

	switch ((enum stack_event_type)ev->type) {
	case STACK_ACCEPTED:
		w->accepted++;
		if (w->n_served < CONNS)
			w->served[w->n_served++] = ev->conn;
		break;
	case STACK_DATA:
		assert_int_equal(stack_send(h->s, ev->conn, ev->data, ev->len), ev->len);
		break;
	case STACK_EOF:
		stack_close(h->s, ev->conn, now);
		break;
	case STACK_CLOSED:
		w->closed++;
		w->timed_out += ev->why == STACK_WHY_TIMEOUT;
		w->reset += ev->why == STACK_WHY_RESET;
		break;
	default:
		break;
	}
}

static void
on_client(struct kit_host *h, const struct stack_event *ev, uint64_t now)
{
	struct world *w = h->arg;

	(void)now;
	w->connected += ev->type == STACK_CONNECTED;
	w->answered += ev->type == STACK_DATA ? ev->len : 0;
}

static void
make_conf(struct stack_conf *c, uint64_t now)
{
	kit_conf(c);
	c->max_conns = CONNS + 1000;
	c->max_active = IN_FLIGHT * 2;
	c->blocks_small = IN_FLIGHT * 2;
	c->tcp.retries = 5;
	c->now = now;
}

static struct kit_host *
make_client(struct world *w, uint8_t id, uint32_t addr)
{
	struct stack_conf c;
	struct kit_host *h;

	make_conf(&c, w->now);
	c.secret[0] = id;
	h = kit_host(&c, id, addr, ADDRESSES);
	h->arg = w;
	h->on_event = on_client;
	h->wire.delay_ns = 10000;
	kit_join(h, w->server);
	return h;
}

static void
start(struct world *w)
{
	struct stack_listener l = {.port = 7};
	struct stack_conf c;

	memset(w, 0, sizeof(*w));
	w->now = KIT_SECOND;
	w->served = calloc(CONNS, sizeof(w->served[0]));
	make_conf(&c, w->now);
	w->server = kit_host(&c, 1, SERVER, 1);
	w->server->arg = w;
	w->server->on_event = on_server;
	w->server->wire.delay_ns = 10000;
	assert_int_equal(stack_listen(w->server->s, &l), 1);
	w->client = make_client(w, 2, CLIENT);
}

static void
run(struct world *w, uint64_t ns)
{
	const uint64_t until = w->now + ns;

	kit_run(w->client, w->server, w->now, until, false, NULL);
	w->now = until;
}

static uint32_t
connect_one(struct world *w, uint32_t addr, uint32_t i)
{
	const struct stack_open o = {.flow = {.laddr = addr + i % ADDRESSES,
					      .raddr = SERVER,
					      .lport = (uint16_t)(1024 + i / ADDRESSES),
					      .rport = 7}};
	uint32_t id;

	assert_int_equal(stack_connect(w->client->s, &o, w->now, &id), 0);
	return id;
}

static void
connect_all(struct world *w, uint32_t *conn)
{
	for (uint32_t i = 0; i < CONNS; i++) {
		conn[i] = connect_one(w, CLIENT, i);
		if (i % BATCH == BATCH - 1)
			run(w, 5 * KIT_MS);
	}
	run(w, KIT_SECOND);
	assert_int_equal(w->connected, CONNS);
	assert_int_equal(w->accepted, CONNS);
}

/* An answer of the server to each of the first ones is on its way when the peer dies. */
static void
kill_client(struct world *w, const uint32_t *conn)
{
	for (uint32_t i = 0; i < IN_FLIGHT; i++)
		assert_int_equal(stack_send(w->client->s, conn[i], "ask", 3), 3);
	for (unsigned i = 0; i < 200; i++)
		kit_turn(w->client, w->now);
	kit_free(w->client);
	w->client = NULL;
	w->server->peer = NULL;
}

/* Nobody is there; the server goes on by itself. */
static void
run_alone(struct world *w, uint64_t ns)
{
	const uint64_t until = w->now + ns;

	while (w->now < until) {
		uint64_t next;

		if (kit_turn(w->server, w->now))
			continue;
		next = kit_next(w->server);
		w->now = next > w->now ? next : w->now + 1000;
	}
	w->now = until;
}

static void
assert_service(struct world *w, uint32_t addr)
{
	const uint32_t before = w->answered;
	uint32_t id = connect_one(w, addr, 0);

	run(w, KIT_SECOND);
	assert_int_equal(stack_send(w->client->s, id, "hello", 5), 5);
	run(w, 4 * KIT_SECOND);
	assert_int_equal(w->answered - before, 5);
	stack_abort(w->client->s, id, w->now);
	run(w, 100 * KIT_MS);
}

static void
test_peer_killed(void **state)
{
	uint32_t *conn = calloc(CONNS, sizeof(conn[0]));
	struct stack_stats st;
	struct world w;

	(void)state;
	start(&w);
	connect_all(&w, conn);
	kill_client(&w, conn);

	/* Another one is served at once. */
	w.client = make_client(&w, 3, OTHER);
	assert_service(&w, OTHER);
	kit_free(w.client);
	w.server->peer = NULL;

	/* What was in flight is given up, and only that. */
	run_alone(&w, 300 * KIT_SECOND);
	stack_check(w.server->s);
	stack_stats(w.server->s, &st);
	assert_int_equal(w.timed_out, IN_FLIGHT);
	assert_int_equal(st.conns, CONNS - IN_FLIGHT);
	assert_int_equal(st.active, 0);

	/* The peer comes back, and knows nothing of the others: its RSTs end them. */
	w.client = make_client(&w, 4, CLIENT);
	for (uint32_t i = 0; i < CONNS; i++) {
		stack_send(w.server->s, w.served[i], "there?", 6);
		if (i % BATCH == 0)
			run(&w, 5 * KIT_MS);
	}
	run(&w, 5 * KIT_SECOND);
	stack_stats(w.server->s, &st);
	assert_int_equal(w.reset, CONNS - IN_FLIGHT + 1);
	assert_int_equal(st.conns + st.active + st.half_open + st.time_wait, 0);
	assert_service(&w, CLIENT);
	stack_check(w.server->s);
	kit_free(w.client);
	kit_free(w.server);
	free(w.served);
	free(conn);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_peer_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
