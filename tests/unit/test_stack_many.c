/* test_stack_many.c - many connections: their memory, their end; the same frames at any burst size. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "stack_kit.h"
#include "wire/build.h"
#include "wire/pkt.h"

enum { PORT = 7, SERVER = 0x0a000001, CLIENT = 0x0a000101, N_CLIENTS = 100 };

struct world {
	struct kit_host *client, *server;
	uint64_t now;
	unsigned connected, answered, closed, accepted, heard;
	bool keep_open; /* the client does not close after the answer */
};

static void
on_server(struct kit_host *h, const struct stack_event *ev, uint64_t now)
{
	struct world *w = h->arg;

	switch ((enum stack_event_type)ev->type) {
	case STACK_ACCEPTED:
		w->accepted++;
		break;
	case STACK_DATA:
		w->heard += ev->len;
		assert_int_equal(stack_send(h->s, ev->conn, ev->data, ev->len), ev->len);
		break;
	case STACK_EOF:
		stack_close(h->s, ev->conn, now);
		break;
	default:
		break;
	}
}

static void
on_client(struct kit_host *h, const struct stack_event *ev, uint64_t now)
{
	struct world *w = h->arg;

	switch ((enum stack_event_type)ev->type) {
	case STACK_CONNECTED:
		w->connected++;
		assert_int_equal(stack_send(h->s, ev->conn, "ping", 4), 4);
		break;
	case STACK_DATA:
		w->answered++;
		if (!w->keep_open)
			stack_close(h->s, ev->conn, now);
		break;
	case STACK_CLOSED:
		w->closed++;
		assert_int_equal(ev->why, STACK_WHY_NONE);
		break;
	default:
		break;
	}
}

static void
start(struct world *w, const struct stack_conf *c)
{
	struct stack_listener l = {.port = PORT};

	memset(w, 0, sizeof(*w));
	w->now = KIT_SECOND;
	w->client = kit_host(c, 2, CLIENT, N_CLIENTS);
	w->server = kit_host(c, 1, SERVER, 1);
	w->client->burst = w->server->burst = KIT_BURST;
	kit_join(w->client, w->server);
	w->client->arg = w->server->arg = w;
	w->client->on_event = on_client;
	w->server->on_event = on_server;
	assert_int_equal(stack_listen(w->server->s, &l), 1);
}

static void
stop(struct world *w)
{
	stack_check(w->client->s);
	stack_check(w->server->s);
	kit_free(w->client);
	kit_free(w->server);
}

static void
open_nth(struct world *w, uint32_t i)
{
	struct stack_open o = {
	    .flow = {.laddr = CLIENT + i % N_CLIENTS,
		     .raddr = SERVER,
		     .lport = (uint16_t)(1024 + i / N_CLIENTS),
		     .rport = PORT},
	};
	uint32_t id;

	assert_int_equal(stack_connect(w->client->s, &o, w->now, &id), 0);
}

static void
run(struct world *w, uint64_t ns)
{
	uint64_t until = w->now + ns;

	kit_run(w->client, w->server, w->now, until, false, NULL);
	w->now = until;
}

static void
assert_empty(const struct kit_host *h)
{
	struct stack_stats st;

	stack_stats(h->s, &st);
	assert_int_equal(st.conns + st.active + st.established + st.half_open + st.time_wait, 0);
}

/* 100,000 come and go: each is answered and told its end, and nothing is left of them. */
static void
test_come_and_go(void **state)
{
	struct stack_conf c;
	struct world w;

	(void)state;
	kit_conf(&c);
	c.profile.nodelay = true;
	c.max_conns = 20000;
	c.tcp.time_wait_ns = 50 * KIT_MS;
	start(&w, &c);
	for (uint32_t i = 0; i < 100000; i++) {
		open_nth(&w, i);
		if (i % 500 == 499)
			run(&w, 5 * KIT_MS);
		if (i % 20000 == 0) {
			stack_check(w.client->s);
			stack_check(w.server->s);
		}
	}
	run(&w, KIT_SECOND);
	assert_int_equal(w.connected, 100000);
	assert_int_equal(w.accepted, 100000);
	assert_int_equal(w.answered, 100000);
	assert_int_equal(w.closed, 100000);
	assert_empty(w.client);
	assert_empty(w.server);
	stop(&w);
}

/* What an idle connection costs: its tcb, its mark, its place in the table, and little else. */
static void
test_memory(void **state)
{
	struct stack_conf c;
	struct stack_stats st;
	struct world w;
	uint64_t before;

	(void)state;
	kit_conf(&c);
	c.profile.nodelay = true;
	c.max_conns = 200000;
	start(&w, &c);
	w.server->burst = 32;
	w.keep_open = true;
	stack_stats(w.server->s, &st);
	before = st.mem_bytes;
	assert_true(before < 100000);
	for (uint32_t i = 0; i < 200000; i++) {
		open_nth(&w, i);
		if (i % 200 == 199)
			run(&w, 5 * KIT_MS);
	}
	run(&w, KIT_SECOND);
	assert_int_equal(w.answered, 200000);
	stack_stats(w.server->s, &st);
	assert_int_equal(st.established, 200000);
	assert_int_equal(st.active, 0);
	/* Blocks of both sizes and the reserve are there once, not for each. */
	assert_true((double)st.mem_bytes / 200000 < 92);
	assert_true((double)st.mem_bytes / 200000 > 64 + 8);
	stop(&w);
}

/* More happens in one turn than the queue of events takes: what does not fit is lost as on a wire,
 * and comes again. */
static void
test_event_exhaustion(void **state)
{
	enum { CONNS = 5000 };
	struct stack_conf c;
	struct stack_stats st;
	struct world w;
	struct kit_host *s;

	(void)state;
	kit_conf(&c);
	c.profile.nodelay = true;
	c.max_conns = CONNS;
	c.max_active = c.max_half_open = 2 * CONNS;
	c.blocks_large = 8 * CONNS; /* the reserve is a limit, too */
	start(&w, &c);
	w.keep_open = true;
	for (uint32_t i = 0; i < CONNS; i++) {
		open_nth(&w, i);
		if (i % 500 == 499)
			run(&w, 5 * KIT_MS);
	}
	run(&w, KIT_SECOND);
	assert_int_equal(w.answered, CONNS);
	for (uint32_t id = 0; (id = stack_next_conn(w.client->s, id)) != UINT32_MAX; id++)
		stack_close(w.client->s, id, w.now);
	s = w.server;
	while (s->n_flight < CONNS)
		kit_turn(w.client, w.now);
	for (unsigned k = 0; k < s->n_flight; k++) {
		struct frame f = {.data = s->flight[k].data, .len = s->flight[k].len};

		stack_input(s->s, w.now, &f, 1);
		free(f.data);
	}
	s->n_flight = 0;
	stack_check(s->s);
	stack_stats(s->s, &st);
	assert_in_range(st.drop_event, 1, CONNS - 4000);
	run(&w, 61 * KIT_SECOND);
	assert_int_equal(w.closed, CONNS);
	assert_empty(w.client);
	assert_empty(w.server);
	stop(&w);
}

/* --- the same frames, however many come in one burst --- */

enum { SCRIPT_MAX = 20000 };

/* Frames with their times. */
struct script {
	struct kit_frame frame[SCRIPT_MAX];
	unsigned n;
};

static void
record(struct script *s, const struct frame *f, uint64_t at)
{
	struct kit_frame *k = &s->frame[s->n++];

	assert_true(s->n <= SCRIPT_MAX);
	*k = (struct kit_frame){.at = at, .data = malloc(f->len), .len = f->len};
	memcpy(k->data, f->data, f->len);
}

static void
forget(struct script *s)
{
	for (unsigned i = 0; i < s->n; i++)
		free(s->frame[i].data);
	s->n = 0;
}

static struct script to_server, from_server, first;

static void
record_client(struct kit_host *h, const struct frame *f, uint64_t now)
{
	(void)h;
	record(&to_server, f, now);
}

static void
record_server(struct kit_host *h, const struct frame *f, uint64_t now)
{
	(void)h;
	record(&from_server, f, now);
}

/* Beside the connections: segments of none, pings, datagrams, requests for addresses. */
static void
record_strangers(struct world *w, uint16_t i)
{
	struct build_ip ip = {
	    .eth_dst = {2, 0, 0, 0, 0, 1},
	    .eth_src = {2, 0, 0, 0, 0, 2},
	    .src = CLIENT + 1,
	    .dst = SERVER,
	    .ttl = 64,
	};
	struct tcp_seg seg = {.seq = i, .flags = TCP_SYN, .wnd = 1000};
	uint8_t data[128];
	struct frame f = {.data = data};

	f.len = (uint32_t)build_tcp(data, sizeof(data), &ip, i, 9, &seg, NULL);
	record(&to_server, &f, w->now);
	f.len = (uint32_t)build_icmp(data, sizeof(data), &ip, 8, 0, i, "abc", 3);
	record(&to_server, &f, w->now);
	f.len = (uint32_t)build_udp(data, sizeof(data), &ip, i, 53, "abc", 3);
	record(&to_server, &f, w->now);
	f.len = (uint32_t)build_arp(data, sizeof(data), ip.eth_dst, 0, ARP_REQUEST, ip.eth_src,
				    CLIENT + i % N_CLIENTS, ip.eth_dst, SERVER);
	record(&to_server, &f, w->now);
}

static struct stack_conf
script_conf(void)
{
	struct stack_conf c;

	kit_conf(&c);
	c.profile.nodelay = true;
	c.max_conns = 2000;
	return c;
}

static void
write_script(void)
{
	struct stack_conf c = script_conf();
	struct world w;

	start(&w, &c);
	w.client->on_tx = record_client;
	/* So that at one time no connection has more than one segment: what one ACK answers depends
	 * on the burst. */
	w.client->wire.delay_ns = w.server->wire.delay_ns = KIT_MS;
	for (uint16_t i = 0; i < 1000; i++) {
		open_nth(&w, i);
		if (i % 50 != 49)
			continue;
		record_strangers(&w, i);
		run(&w, 3 * KIT_MS + i);
	}
	run(&w, KIT_SECOND);
	assert_int_equal(w.closed, 1000);
	stop(&w);
}

/* Bursts end where time goes on. */
static void
replay(unsigned burst)
{
	struct stack_conf c = script_conf();
	struct world w;
	unsigned i = 0;

	start(&w, &c);
	w.server->peer = NULL;
	w.server->burst = burst;
	w.server->on_tx = record_server;
	kit_turn(w.server, w.now); /* the announcement */
	while (i < to_server.n) {
		uint64_t at = to_server.frame[i].at;

		while (kit_next(w.server) < at) {
			w.now = kit_next(w.server) > w.now ? kit_next(w.server) : w.now + KIT_MS;
			kit_turn(w.server, w.now);
		}
		for (; i < to_server.n && to_server.frame[i].at == at; i++)
			kit_send(w.server, to_server.frame[i].data, to_server.frame[i].len, 0, at);
		w.now = at;
		while (w.server->n_flight > 0)
			kit_turn(w.server, w.now);
	}
	stack_check(w.server->s);
	stop(&w);
}

static void
test_burst_size(void **state)
{
	static const unsigned bursts[] = {2, 7, 32, 100, 256};

	(void)state;
	to_server.n = 0;
	write_script();
	from_server.n = 0;
	replay(1);
	first = from_server;
	from_server.n = 0;
	assert_true(first.n > 3000);
	for (unsigned k = 0; k < N_OF(bursts); k++) {
		replay(bursts[k]);
		assert_int_equal(from_server.n, first.n);
		for (unsigned i = 0; i < first.n; i++) {
			assert_int_equal(from_server.frame[i].len, first.frame[i].len);
			assert_memory_equal(from_server.frame[i].data, first.frame[i].data,
					    first.frame[i].len);
		}
		forget(&from_server);
	}
	forget(&first);
	forget(&to_server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_come_and_go),
	    cmocka_unit_test(test_memory),
	    cmocka_unit_test(test_event_exhaustion),
	    cmocka_unit_test(test_burst_size),
	};
	int failed = cmocka_run_group_tests_name("one group", tests, NULL, NULL);

	kit_group_bits = 4;
	return failed + cmocka_run_group_tests_name("16 groups", tests, NULL, NULL);
}
