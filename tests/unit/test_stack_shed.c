/* test_stack_shed.c - who is ended when memory is short, and in which order; idle time and visits. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack_pair.h"

#include "host/sweep.h"

static struct stack_stats
stats_of(const struct kit_host *h)
{
	struct stack_stats st;

	stack_stats(h->s, &st);
	return st;
}

/* The server has `conns` places, the client enough. */
static void
start_small(struct pair *p, uint32_t conns, const struct stack_listener *third)
{
	struct stack_conf few, many;

	kit_conf(&many);
	many.now = KIT_SECOND;
	few = many;
	few.max_conns = conns;
	few.max_half_open = few.max_half_open_per_source = conns;
	start(p, &many);
	kit_free(p->server);
	p->server = kit_host(&few, 1, SERVER, 1);
	kit_join(p->server, p->client);
	p->server->arg = p;
	p->server->on_event = on_server_event;
	assert_int_equal(stack_listen(p->server->s, &(struct stack_listener){.port = PORT_ECHO}),
			 1);
	assert_int_equal(stack_listen(p->server->s, &(struct stack_listener){.port = PORT_MUTE}),
			 2);
	if (third)
		assert_int_equal(stack_listen(p->server->s, third), 3);
}

static void
inject_syn(struct pair *p, uint32_t from, uint16_t sport)
{
	struct build_ip ip = {
	    .eth_dst = {2, 0, 0, 0, 0, 1},
	    .eth_src = {2, 0, 0, 0, 0, 2},
	    .src = from,
	    .dst = SERVER,
	    .ttl = 64,
	};
	const struct tcp_seg syn = {.seq = sport, .flags = TCP_SYN, .wnd = 1000};
	uint8_t frame[128];
	size_t len = build_tcp(frame, sizeof(frame), &ip, sport, PORT_ECHO, &syn, NULL);

	kit_send(p->server, frame, (uint32_t)len, 0, p->now);
}

/* --- the order --- */

/* Half-open connections go first, one for each that proves to be there, and none for a SYN alone. */
static void
test_half_open_first(void **state)
{
	struct stack_stats st;
	struct pair p;

	(void)state;
	start_small(&p, 20, NULL);
	for (uint16_t i = 0; i < 20; i++)
		inject_syn(&p, SERVER + 0x200 + i, (uint16_t)(1000 + i));
	run(&p, KIT_MS);
	for (uint16_t i = 0; i < 100; i++)
		inject_syn(&p, SERVER + 0x300 + i, (uint16_t)(1000 + i));
	run(&p, KIT_MS);
	st = stats_of(p.server);
	assert_int_equal(st.half_open, 20);
	assert_int_equal(st.shed_half_open, 0);
	assert_int_equal(st.syn_cookies_sent, 100);
	for (uint16_t i = 0; i < 15; i++)
		open_conn(&p, (uint16_t)(5000 + i), PORT_ECHO);
	run(&p, 10 * KIT_MS);
	st = stats_of(p.server);
	assert_int_equal(st.established, 15);
	assert_int_equal(st.half_open, 5);
	assert_int_equal(st.shed_half_open, 15);
	assert_int_equal(st.shed_time_wait + st.shed_idle + st.shed_no_progress, 0);
	stop(&p);
}

/* Then TIME-WAIT, the oldest first; and when there is nothing of these, the newcomer goes. */
static void
test_time_wait_second(void **state)
{
	struct stack_stats st;
	struct pair p;

	(void)state;
	start_small(&p, 8, NULL);
	for (uint16_t i = 0; i < 4; i++) {
		uint32_t id = open_conn(&p, (uint16_t)(5000 + i), PORT_ECHO);

		run(&p, 5 * KIT_MS);
		stack_close(p.server->s, stack_next_conn(p.server->s, 0), p.now);
		run(&p, 5 * KIT_MS);
		stack_close(p.client->s, id, p.now);
		run(&p, 5 * KIT_MS);
	}
	assert_int_equal(stats_of(p.server).time_wait, 4);
	inject_syn(&p, SERVER + 0x200, 999);
	run(&p, KIT_MS);
	for (uint16_t i = 0; i < 10; i++)
		open_conn(&p, (uint16_t)(6000 + i), PORT_ECHO);
	run(&p, 10 * KIT_MS);
	st = stats_of(p.server);
	assert_int_equal(st.shed_half_open, 1);
	assert_int_equal(st.shed_time_wait, 4);
	assert_int_equal(st.time_wait, 0);
	assert_int_equal(st.established, 8);
	assert_true(st.drop_max_conns > 0);
	assert_int_equal(st.shed_idle + st.shed_no_progress, 0);
	stop(&p);
}

/* Idle connections stay, however many others want in, unless the listener allows it. */
static void
test_idle_is_healthy(void **state)
{
	struct stack_stats st;
	struct pair p;

	(void)state;
	start_small(&p, 8, NULL);
	for (uint16_t i = 0; i < 8; i++)
		open_conn(&p, (uint16_t)(5000 + i), PORT_MUTE);
	run(&p, 60 * KIT_SECOND);
	for (uint16_t i = 0; i < 5; i++)
		open_conn(&p, (uint16_t)(6000 + i), PORT_MUTE);
	run(&p, 20 * KIT_SECOND);
	st = stats_of(p.server);
	assert_int_equal(st.shed_idle, 0);
	assert_int_equal(st.established, 8);
	assert_int_equal(p.seen.connected, 8);
	stop(&p);
}

static void
test_idle_the_longest(void **state)
{
	const struct stack_listener l = {.port = 4000, .shed_idle = true};
	uint32_t id[8], late;
	struct stack_stats st;
	struct pair p;

	(void)state;
	start_small(&p, 8, &l);
	for (uint16_t i = 0; i < 8; i++) {
		id[i] = open_conn(&p, (uint16_t)(5000 + i), 4000);
		run(&p, KIT_SECOND);
	}
	run(&p, 60 * KIT_SECOND);
	/* All but two say something. */
	for (unsigned i = 0; i < 8; i++)
		if (i != 3 && i != 5)
			stack_send(p.client->s, id[i], "x", 1);
	run(&p, KIT_SECOND);
	late = open_conn(&p, 6000, 4000);
	run(&p, 20 * KIT_SECOND); /* its SYN comes again, and finds a place */
	st = stats_of(p.server);
	assert_int_equal(stack_tcb(p.client->s, late)->state, TCP_ESTABLISHED);
	assert_int_equal(st.shed_idle, 1);
	assert_int_equal(p.ended, 1);
	assert_int_equal(p.seen.closed, 1);
	assert_int_equal(p.seen.why, STACK_WHY_RESET);
	assert_int_equal(stack_tcb(p.client->s, id[5])->state, TCP_ESTABLISHED);
	stop(&p);
}

/* --- peers that take nothing --- */

static unsigned n_shed;

static void
on_pusher_event(struct kit_host *h, const struct stack_event *ev, uint64_t now)
{
	static const uint8_t data[3000];

	(void)now;
	if (ev->type == STACK_ACCEPTED)
		stack_send(h->s, ev->conn, data, sizeof(data));
	n_shed += ev->type == STACK_CLOSED && ev->why == STACK_WHY_SHED;
}

/* Clients that complete the handshake, ask, and then say that their window is shut (sockstress): the server's active blocks run out, and
 * they go; one that reads is served all the time. */
static void
sockstress(struct pair *p, unsigned n)
{
	struct build_ip ip = {
	    .eth_dst = {2, 0, 0, 0, 0, 1},
	    .eth_src = {2, 0, 0, 0, 0, 2},
	    .dst = SERVER,
	    .ttl = 64,
	};
	uint8_t frame[128];

	for (unsigned i = 0; i < n; i++) {
		struct tcp_seg seg = {.seq = 1000, .flags = TCP_SYN, .wnd = 0};
		size_t len;

		ip.src = CLIENT + 100 + i;
		len = build_arp(frame, sizeof(frame), ip.eth_dst, 0, ARP_REQUEST, ip.eth_src,
				ip.src, ip.eth_dst, SERVER);
		kit_send(p->server, frame, (uint32_t)len, 0, p->now);
		len = build_tcp(frame, sizeof(frame), &ip, 7777, PORT_MUTE, &seg, NULL);
		kit_send(p->server, frame, (uint32_t)len, 0, p->now);
	}
}

/* The ACK to each SYN,ACK of the server, with no window. */
static void
answer_with_shut_window(struct kit_host *h, const struct frame *f, uint64_t now)
{
	struct build_ip ip = {
	    .eth_dst = {2, 0, 0, 0, 0, 1},
	    .eth_src = {2, 0, 0, 0, 0, 2},
	    .ttl = 64,
	};
	struct tcp_seg seg = {.flags = TCP_ACK, .wnd = 0};
	uint8_t frame[128];
	struct pkt k;
	size_t len;

	if (pkt_parse(&k, f->data, f->len, 0) != PKT_OK || k.kind != PKT_TCP || k.dport != 7777 ||
	    k.tcp.flags & TCP_RST)
		return;
	ip.src = k.dst;
	ip.dst = k.src;
	seg.seq = k.tcp.ack;
	seg.ack = k.tcp.seq + ((k.tcp.flags & TCP_SYN) != 0);
	len = build_tcp(frame, sizeof(frame), &ip, k.dport, k.sport, &seg, NULL);
	kit_send(h, frame, (uint32_t)len, 0, now);
}

static void
test_no_progress(void **state)
{
	struct stack_conf c;
	struct stack_stats st;
	struct pair p;

	(void)state;
	if (kit_group_bits > 0)
		return; /* each group has memory to spare then */
	n_shed = 0;
	kit_conf(&c);
	c.now = KIT_SECOND;
	c.max_active = 64;
	c.blocks_small = c.blocks_large = 512;
	start(&p, &c);
	p.server->on_event = on_pusher_event;
	p.server->on_tx = answer_with_shut_window;
	p.client->wire.loss = 0;
	sockstress(&p, 200);
	run(&p, 30 * KIT_SECOND);
	st = stats_of(p.server);
	assert_true(st.shed_no_progress > 0);
	assert_int_equal(n_shed, st.shed_no_progress);
	assert_true(st.active <= 62);
	for (uint16_t i = 0; i < 20; i++) {
		open_conn(&p, (uint16_t)(5000 + i), PORT_MUTE);
		run(&p, KIT_SECOND);
	}
	assert_int_equal(p.seen.connected, 20);
	assert_int_equal(p.seen.octets, 20 * 3000);
	assert_int_equal(p.seen.closed, 0);
	stop(&p);
}

/* With memory to spare a window may stay shut (RFC 9293 MUST-36). */
static void
test_no_progress_is_allowed(void **state)
{
	struct stack_conf c;
	struct pair p;

	(void)state;
	n_shed = 0;
	kit_conf(&c);
	c.now = KIT_SECOND;
	start(&p, &c);
	p.server->on_event = on_pusher_event;
	p.server->on_tx = answer_with_shut_window;
	sockstress(&p, 200);
	run(&p, 30 * KIT_SECOND);
	assert_int_equal(stats_of(p.server).shed_no_progress, 0);
	assert_int_equal(stats_of(p.server).established, 200);
	assert_int_equal(n_shed, 0);
	stop(&p);
}

/* A gap that is never filled holds memory as well. */
static void
test_gaps(void **state)
{
	struct stack_conf c;
	struct stack_stats st;
	struct pair p;
	uint32_t id[60];

	(void)state;
	if (kit_group_bits > 0)
		return;
	kit_conf(&c);
	c.now = KIT_SECOND;
	c.max_active = 64;
	start(&p, &c);
	for (unsigned i = 0; i < 60; i++)
		id[i] = open_conn(&p, (uint16_t)(5000 + i), PORT_MUTE);
	run(&p, 10 * KIT_MS);
	for (unsigned i = 0; i < 60; i++) {
		const struct tcb *t = stack_tcb(p.client->s, id[i]);
		struct build_ip ip = {
		    .eth_dst = {2, 0, 0, 0, 0, 1},
		    .eth_src = {2, 0, 0, 0, 0, 2},
		    .src = CLIENT,
		    .dst = SERVER,
		    .ttl = 64,
		};
		struct tcp_seg seg = {.seq = t->snd_nxt + 100,
				      .ack = t->rcv_nxt,
				      .flags = TCP_ACK,
				      .wnd = 1000,
				      .len = 10,
				      .opts = TCP_OPT_TIMESTAMP,
				      .tsval = t->ts_offset + 2000,
				      .tsecr = t->ts_recent};
		uint8_t frame[128];
		size_t len = build_tcp(frame, sizeof(frame), &ip, (uint16_t)(5000 + i), PORT_MUTE,
				       &seg, (const uint8_t *)"0123456789");

		kit_send(p.server, frame, (uint32_t)len, 0, p.now);
	}
	run(&p, KIT_SECOND);
	assert_in_range(stats_of(p.server).active, 45, 64);
	run(&p, 30 * KIT_SECOND);
	st = stats_of(p.server);
	assert_true(st.shed_no_progress > 0);
	assert_true(st.active < 62);
	stop(&p);
}

/* --- idle time, keepalive --- */

static void
test_idle_time(void **state)
{
	const struct stack_listener l = {.port = 4000, .profile = {.idle_ns = 10 * KIT_SECOND}};
	struct stack_stats st;
	struct pair p;
	uint32_t id[20];

	(void)state;
	start_small(&p, 100, &l);
	for (uint16_t i = 0; i < 20; i++)
		id[i] = open_conn(&p, (uint16_t)(5000 + i), i & 1 ? 4000 : PORT_MUTE);
	run(&p, 9 * KIT_SECOND);
	assert_int_equal(stats_of(p.server).established, 20);
	stack_send(p.client->s, id[1], "x", 1);
	run(&p, 3 * KIT_SECOND);
	st = stats_of(p.server);
	assert_int_equal(st.established, 11);
	assert_int_equal(st.tcp.idle_ended, 9);
	assert_int_equal(p.ended, 9);
	run(&p, 9 * KIT_SECOND);
	assert_int_equal(stats_of(p.server).tcp.idle_ended, 10);
	stop(&p);
}

static void
test_keepalive(void **state)
{
	const struct stack_listener l = {.port = 4000,
					 .profile = {.keepalive_ns = 20 * KIT_SECOND,
						     .keepalive_interval_ns = 2 * KIT_SECOND,
						     .keepalive_count = 3}};
	struct stack_stats st;
	struct pair p;

	(void)state;
	start_small(&p, 100, &l);
	for (uint16_t i = 0; i < 20; i++)
		open_conn(&p, (uint16_t)(5000 + i), 4000);
	run(&p, 70 * KIT_SECOND);
	st = stats_of(p.server);
	assert_int_equal(st.established, 20);
	assert_in_range(st.tcp.keepalives_out, 40, 70);
	p.client->wire.loss = 1; /* nobody is there any more */
	run(&p, 40 * KIT_SECOND);
	st = stats_of(p.server);
	assert_int_equal(st.established, 0);
	assert_int_equal(st.tcp.keepalive_ended, 20);
	assert_int_equal(p.ended, 20);
	stop(&p);
}

/* --- the hand --- */

/* Every slot once a round, at a bounded number a step, however large the table. */
static void
test_hand(void **state)
{
	static const uint32_t sizes[] = {1, 3, 255, 256, 257, 5000, 100000};

	(void)state;
	for (size_t i = 0; i < N_OF(sizes); i++) {
		uint32_t n = sizes[i], first, most = 0;
		uint8_t *seen = calloc(n, 1);
		uint64_t now = KIT_SECOND, end = now + 10 * KIT_SECOND;
		struct sweep w = {0};

		sweep_start(&w, (struct sweep_pace){10 * KIT_SECOND, 10 * KIT_SECOND}, now);
		for (; now < end; now += KIT_MS) {
			uint32_t step = sweep_step(&w, n, now, &first);

			most = step > most ? step : most;
			for (uint32_t k = 0; k < step; k++)
				seen[first + k]++;
		}
		assert_true(most <= SWEEP_STEP);
		for (uint32_t k = 0; k < n; k++)
			assert_in_range(seen[k], 1, 1);
		free(seen);
	}
}

static void
test_hand_that_is_late(void **state)
{
	struct sweep w = {0};
	uint32_t first, n = 0;
	uint64_t now = KIT_SECOND;

	(void)state;
	sweep_start(&w, (struct sweep_pace){KIT_SECOND, KIT_SECOND}, now);
	assert_int_equal(sweep_step(&w, 0, now, &first), 0);
	assert_int_equal(sweep_step(&w, 1000, now, &first), 0);
	now += 100 * KIT_SECOND;
	while (sweep_step(&w, 100000, now, &first) > 0)
		n++;
	assert_in_range(n, 1, SWEEP_STEPS + 2);
	sweep_start(&w, (struct sweep_pace){0}, now);
	assert_int_equal(sweep_step(&w, 1000, UINT64_MAX - 1, &first), 0);
}

static void
test_paces(void **state)
{
	struct tcp_profile p[3] = {{0}};
	struct sweep_pace pace;

	(void)state;
	pace = sweep_pace_of(p, 3);
	assert_int_equal(pace.slow_ns, 12 * 3600 * KIT_SECOND);
	assert_int_equal(pace.fast_ns, 12 * 3600 * KIT_SECOND);
	p[1].keepalive_ns = 7200 * KIT_SECOND;
	assert_int_equal(sweep_pace_of(p, 1).slow_ns, 12 * 3600 * KIT_SECOND);
	pace = sweep_pace_of(p, 3);
	assert_int_equal(pace.slow_ns, 900 * KIT_SECOND);
	assert_int_equal(pace.fast_ns, TCP_KEEPALIVE_INTERVAL_NS / 8);
	p[1].keepalive_interval_ns = 8 * KIT_SECOND;
	assert_int_equal(sweep_pace_of(p, 3).fast_ns, KIT_SECOND);
	p[2].idle_ns = 80 * KIT_SECOND;
	assert_int_equal(sweep_pace_of(p, 3).slow_ns, 10 * KIT_SECOND);
	p[2].idle_ns = 1;
	assert_int_equal(sweep_pace_of(p, 3).fast_ns, KIT_MS);
}

/* A table of ten million with a keepalive of two hours: 11,111 looks a second, not a million. */
static void
test_looks_of_ten_million(void **state)
{
	const struct sweep_pace pace = {TCP_KEEPALIVE_INTERVAL_NS / 8, 900 * KIT_SECOND};
	static const struct {
		uint32_t n, least, most;
	} rows[] = {{1, 0, 1}, {10000, 1000, 1100}, {100000, 4000, 4200}, {10000000, 11000, 11400}};

	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++) {
		uint32_t looks = 0, first;
		struct sweep w = {0};

		sweep_start(&w, pace, KIT_SECOND);
		for (uint64_t now = KIT_SECOND; now < 101 * KIT_SECOND; now += KIT_MS)
			looks += sweep_step(&w, rows[i].n, now, &first);
		assert_in_range(looks / 100, rows[i].least, rows[i].most);
	}
}

/* --- visits --- */

static unsigned n_visits[16];

static void
on_visit(struct kit_host *h, const struct stack_event *ev, uint64_t now)
{
	on_server_event(h, ev, now);
	if (ev->type == STACK_VISIT) {
		assert_int_equal(ev->listener, 3);
		assert_int_equal(ev->app, 1003);
		n_visits[stack_tcb(h->s, ev->conn)->flow.rport - 5000]++;
	}
}

static void
test_visits(void **state)
{
	const struct stack_listener l = {.port = 4000, .visit_ns = 5 * KIT_SECOND};
	struct pair p;

	(void)state;
	memset(n_visits, 0, sizeof(n_visits));
	start_small(&p, 100, &l);
	p.server->on_event = on_visit;
	for (uint16_t i = 0; i < 16; i++)
		open_conn(&p, (uint16_t)(5000 + i), i & 1 ? 4000 : PORT_MUTE);
	run(&p, 50 * KIT_SECOND);
	for (unsigned i = 0; i < 16; i++)
		assert_in_range(n_visits[i], i & 1 ? 9 : 0, i & 1 ? 11 : 0);
	stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_half_open_first),
	    cmocka_unit_test(test_time_wait_second),
	    cmocka_unit_test(test_idle_is_healthy),
	    cmocka_unit_test(test_idle_the_longest),
	    cmocka_unit_test(test_no_progress),
	    cmocka_unit_test(test_no_progress_is_allowed),
	    cmocka_unit_test(test_gaps),
	    cmocka_unit_test(test_idle_time),
	    cmocka_unit_test(test_keepalive),
	    cmocka_unit_test(test_hand),
	    cmocka_unit_test(test_hand_that_is_late),
	    cmocka_unit_test(test_paces),
	    cmocka_unit_test(test_looks_of_ten_million),
	    cmocka_unit_test(test_visits),
	};

	int failed = cmocka_run_group_tests_name("one group", tests, NULL, NULL);

	if (failed > 0)
		return failed;
	kit_group_bits = 1;
	return cmocka_run_group_tests_name("2 groups", tests, NULL, NULL);
}
