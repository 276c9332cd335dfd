/* test_stack_syn.c - half-open connections and SYN cookies in a host: floods, and who gets in (RFC 4987). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack_pair.h"

#include "host/sources.h"

static const uint8_t server_mac[6] = {2, 0, 0, 0, 0, 1}, client_mac[6] = {2, 0, 0, 0, 0, 2};

static void
inject(struct pair *p, uint32_t from, uint16_t sport, uint16_t dport, const struct tcp_seg *seg)
{
	struct build_ip ip = {.src = from, .dst = SERVER, .ttl = 64};
	static const uint8_t payload[256];
	uint8_t frame[512];
	size_t len;

	memcpy(ip.eth_dst, server_mac, 6);
	memcpy(ip.eth_src, client_mac, 6);
	len = build_tcp(frame, sizeof(frame), &ip, sport, dport, seg, payload);
	kit_send(p->server, frame, (uint32_t)len, 0, p->now);
}

static void
inject_syn(struct pair *p, uint32_t from, uint16_t sport)
{
	const struct tcp_seg syn = {.seq = sport, .flags = TCP_SYN, .wnd = 1000};

	inject(p, from, sport, PORT_ECHO, &syn);
}

static struct stack_stats
stats_of(const struct kit_host *h)
{
	struct stack_stats st;

	stack_stats(h->s, &st);
	return st;
}

/* Conf of a server with room for few half-open connections. */
static void
start_few(struct pair *p, uint32_t half_open, uint32_t per_source)
{
	struct stack_conf c;

	kit_conf(&c);
	c.now = KIT_SECOND;
	c.max_half_open = half_open;
	c.max_half_open_per_source = per_source;
	c.tcp.synack_retries = 2;
	start(p, &c);
}

/* SYNs from everywhere: the table is within its limit, the rest get cookies, and a client that is there gets in by one, as if nothing was.
 * Those that never answer are gone in the end, and nobody was told of them. */
static void
test_flood(void **state)
{
	struct stack_stats st;
	struct pair p;
	uint32_t id;

	(void)state;
	start_few(&p, 50, 50);
	for (uint16_t i = 0; i < 500; i++)
		inject_syn(&p, SERVER + 0x200 + i, (uint16_t)(1000 + i));
	run(&p, KIT_MS);
	id = open_conn(&p, 5000, PORT_ECHO);
	run(&p, 100 * KIT_MS);
	assert_int_equal(p.seen.connected, 1);
	assert_int_equal(p.syns, 1);
	assert_int_equal(p.accepted, 1);
	st = stats_of(p.server);
	assert_int_equal(st.half_open, 50);
	assert_int_equal(st.syn_cookies_sent, 451);
	assert_int_equal(st.syn_cookies_ok, 1);
	assert_int_equal(st.syn_cookies_bad, 0);
	assert_int_equal(st.active, 0);
	assert_int_equal(stack_send(p.client->s, id, "hello, world", 12), 12);
	run(&p, 100 * KIT_MS);
	assert_int_equal(p.seen.octets, 12);
	run(&p, 20 * KIT_SECOND);
	st = stats_of(p.server);
	assert_int_equal(st.half_open, 0);
	assert_int_equal(st.conns, 1);
	assert_int_equal(p.ended, 0);
	stop(&p);
}

/* The connection has scales, timestamps and SACK as both ends wanted. */
static void
test_options_survive(void **state)
{
	struct pair plain, cookie;
	uint32_t a, b;

	(void)state;
	start_few(&plain, 50, 50);
	start_few(&cookie, 50, 50);
	for (uint16_t i = 0; i < 50; i++)
		inject_syn(&cookie, SERVER + 0x200 + i, (uint16_t)(1000 + i));
	run(&cookie, KIT_MS);
	open_conn(&plain, 5000, PORT_ECHO);
	open_conn(&cookie, 5000, PORT_ECHO);
	run(&plain, 100 * KIT_MS);
	run(&cookie, 100 * KIT_MS);
	assert_int_equal(stats_of(cookie.server).syn_cookies_ok, 1);
	a = stack_next_conn(plain.server->s, 0);
	b = stack_next_conn(cookie.server->s, 0);
	{
		const struct tcb *s = stack_tcb(plain.server->s, a),
				 *t = stack_tcb(cookie.server->s, b);

		assert_int_equal(s->mss, t->mss);
		assert_int_equal(s->scales, t->scales);
		assert_int_equal(s->flags & (TCB_TIMESTAMPS | TCB_SACK | TCB_WSCALE | TCB_ECN),
				 t->flags & (TCB_TIMESTAMPS | TCB_SACK | TCB_WSCALE | TCB_ECN));
		assert_int_equal(s->profile, t->profile);
		assert_int_equal(s->rcv_adv - s->rcv_nxt, t->rcv_adv - t->rcv_nxt);
		assert_int_equal(s->snd_wnd, t->snd_wnd);
	}
	stop(&plain);
	stop(&cookie);
}

/* One address alone cannot take the places of all. */
static void
test_one_source(void **state)
{
	struct stack_stats st;
	struct pair p;

	(void)state;
	start_few(&p, 400, 20);
	for (uint16_t i = 0; i < 500; i++)
		inject_syn(&p, SERVER + 0x200, (uint16_t)(1000 + i));
	run(&p, KIT_MS);
	st = stats_of(p.server);
	assert_int_equal(st.half_open, 20);
	assert_int_equal(st.half_open_source, 480);
	assert_int_equal(st.syn_cookies_sent, 480);
	open_conn(&p, 5000, PORT_ECHO);
	run(&p, 100 * KIT_MS);
	assert_int_equal(p.seen.connected, 1);
	assert_int_equal(stats_of(p.server).syn_cookies_ok, 0); /* another source: remembered */
	/* And when they are gone it may have some again. */
	run(&p, 20 * KIT_SECOND);
	assert_int_equal(stats_of(p.server).half_open, 0);
	inject_syn(&p, SERVER + 0x200, 999);
	run(&p, KIT_MS);
	assert_int_equal(stats_of(p.server).half_open, 1);
	stop(&p);
}

/* Every client that opens while all places are taken gets in at the first try. */
static void
test_many_by_cookie(void **state)
{
	struct stack_stats st;
	struct pair p;

	(void)state;
	start_few(&p, 30, 30);
	for (uint16_t i = 0; i < 30; i++)
		inject_syn(&p, SERVER + 0x200 + i, (uint16_t)(1000 + i));
	run(&p, KIT_MS);
	for (uint16_t i = 0; i < 300; i++)
		open_conn(&p, (uint16_t)(5000 + i), i & 1 ? PORT_ECHO : PORT_MUTE);
	run(&p, 100 * KIT_MS);
	st = stats_of(p.server);
	assert_int_equal(p.seen.connected, 300);
	assert_int_equal(p.syns, 300);
	assert_int_equal(st.syn_cookies_ok, 300);
	assert_int_equal(st.established, 300);
	assert_int_equal(st.half_open, 30);
	stop(&p);
}

/* ACKs out of the blue are looked at only while cookies are out, and are answered by a RST either way. */
static void
test_forged_acks(void **state)
{
	const struct tcp_seg ack = {.seq = 1, .ack = 77777, .flags = TCP_ACK, .wnd = 1000};
	struct stack_stats st;
	struct pair p;
	uint64_t bad;

	(void)state;
	start_few(&p, 1, 1);
	for (uint16_t i = 0; i < 100; i++)
		inject(&p, CLIENT, (uint16_t)(7000 + i), PORT_ECHO, &ack);
	run(&p, KIT_MS);
	st = stats_of(p.server);
	assert_int_equal(st.syn_cookies_bad, 0);
	assert_int_equal(st.tcp_out, 100);
	for (uint16_t i = 0; i < 2; i++)
		inject_syn(&p, SERVER + 0x200 + i, (uint16_t)(1000 + i));
	run(&p, KIT_MS);
	for (uint16_t i = 0; i < 100; i++)
		inject(&p, CLIENT, (uint16_t)(7000 + i), PORT_ECHO, &ack);
	/* Nobody listens there: not worth a hash. */
	inject(&p, CLIENT, 7000, 4242, &ack);
	run(&p, KIT_MS);
	st = stats_of(p.server);
	if (kit_group_bits == 0) /* else only in the groups that have sent any */
		assert_int_equal(st.syn_cookies_bad, 100);
	bad = st.syn_cookies_bad;
	assert_int_equal(st.drop_no_connection, 201);
	assert_int_equal(st.conns, 1);
	run(&p, 65 * KIT_SECOND);
	inject(&p, CLIENT, 7000, PORT_ECHO, &ack);
	run(&p, KIT_MS);
	assert_int_equal(stats_of(p.server).syn_cookies_bad, bad);
	stop(&p);
}

static struct tcp_seg captured;

static void
capture_synack(struct kit_host *h, const struct frame *f, uint64_t now)
{
	struct pkt k;

	(void)h;
	(void)now;
	if (pkt_parse(&k, f->data, f->len, 0) == PKT_OK && k.kind == PKT_TCP &&
	    k.tcp.flags == (TCP_SYN | TCP_ACK))
		captured = k.tcp;
}

/* A cookie by hand: its ACK carries octets, and comes twice. */
static void
test_data_on_the_ack(void **state)
{
	struct stack_stats st;
	struct tcp_seg ack;
	struct pair p;

	(void)state;
	start_few(&p, 1, 1);
	p.client->wire.loss = 1; /* nothing of the client's own stack */
	p.server->on_tx = capture_synack;
	inject_syn(&p, SERVER + 0x200, 1000);
	run(&p, KIT_MS);
	inject_syn(&p, CLIENT + 100, 6000);
	run(&p, KIT_MS);
	assert_int_equal(captured.flags, TCP_SYN | TCP_ACK);
	ack = (struct tcp_seg){.seq = captured.ack,
			       .ack = captured.seq + 1,
			       .flags = TCP_ACK | TCP_PSH,
			       .wnd = 1000,
			       .len = 100};
	inject(&p, CLIENT + 100, 6000, PORT_ECHO, &ack);
	inject(&p, CLIENT + 100, 6000, PORT_ECHO, &ack);
	run(&p, KIT_MS);
	st = stats_of(p.server);
	assert_int_equal(p.accepted, 1);
	assert_int_equal(st.syn_cookies_ok, 1);
	assert_int_equal(st.tcp.octets_in, 100);
	assert_int_equal(st.tcp.duplicate_octets_in, 100);
	stop(&p);
}

/* An old one, a changed one, a RST, a SYN,ACK: no connection. */
static void
test_cookies_refused(void **state)
{
	struct tcp_seg ack;
	struct pair p;

	(void)state;
	start_few(&p, 1, 1);
	p.client->wire.loss = 1;
	p.server->on_tx = capture_synack;
	inject_syn(&p, SERVER + 0x200, 1000);
	run(&p, KIT_MS);
	inject_syn(&p, CLIENT + 100, 6000);
	run(&p, KIT_MS);
	ack = (struct tcp_seg){
	    .seq = captured.ack, .ack = captured.seq + 1, .flags = TCP_RST | TCP_ACK};
	inject(&p, CLIENT + 100, 6000, PORT_ECHO, &ack);
	ack.flags = TCP_SYN | TCP_ACK;
	inject(&p, CLIENT + 100, 6000, PORT_ECHO, &ack);
	ack.flags = TCP_ACK;
	inject(&p, CLIENT + 100, 6001, PORT_ECHO, &ack);
	inject(&p, CLIENT + 100, 6000, PORT_MUTE, &ack);
	inject(&p, CLIENT + 101, 6000, PORT_ECHO, &ack);
	run(&p, KIT_MS);
	assert_int_equal(p.accepted, 0);
	if (kit_group_bits == 0)
		assert_int_equal(stats_of(p.server).syn_cookies_bad, 3);
	p.now += 70 * KIT_SECOND;
	inject(&p, CLIENT + 100, 6000, PORT_ECHO, &ack);
	run(&p, KIT_MS);
	assert_int_equal(p.accepted, 0);
	stop(&p);
}

/* A cookie's number cannot be held against a floor, so what follows a TIME-WAIT is remembered, limit or not. */
static void
test_after_time_wait(void **state)
{
	struct stack_stats st;
	struct pair p;
	uint32_t id;

	(void)state;
	start_few(&p, 10, 10);
	id = open_conn(&p, 5000, PORT_ECHO);
	run(&p, 10 * KIT_MS);
	stack_close(p.server->s, stack_next_conn(p.server->s, 0), p.now);
	run(&p, 10 * KIT_MS);
	stack_close(p.client->s, id, p.now);
	run(&p, 10 * KIT_MS);
	assert_int_equal(stats_of(p.server).time_wait, 1);
	for (uint16_t i = 0; i < 20; i++)
		inject_syn(&p, SERVER + 0x200 + i, (uint16_t)(1000 + i));
	run(&p, 10 * KIT_MS);
	open_conn(&p, 5000, PORT_ECHO);
	run(&p, 100 * KIT_MS);
	st = stats_of(p.server);
	assert_int_equal(p.seen.connected, 2);
	assert_int_equal(st.syn_cookies_ok, 0);
	assert_int_equal(st.syn_cookies_sent, 10);
	assert_int_equal(st.time_wait, 0);
	stop(&p);
}

/* All tcbs are in use when the ACK comes: it is not answered by a RST, and gets its connection later. */
static void
test_full_when_the_ack_comes(void **state)
{
	struct stack_conf c;
	struct tcp_seg ack;
	struct pair p;

	(void)state;
	kit_conf(&c);
	c.max_conns = 4;
	c.max_half_open = 1;
	start(&p, &c);
	inject_syn(&p, SERVER + 0x200, 1000);
	run(&p, KIT_MS);
	p.server->on_tx = capture_synack;
	inject_syn(&p, CLIENT + 100, 6000);
	run(&p, KIT_MS);
	ack = (struct tcp_seg){
	    .seq = captured.ack, .ack = captured.seq + 1, .flags = TCP_ACK, .wnd = 1000};
	inject(&p, CLIENT + 100, 6000, PORT_ECHO, &ack);
	run(&p, KIT_MS);
	assert_int_equal(p.accepted, 1);
	stop(&p);
}

/* --- the lists of what is half-open --- */

/* Each SYN,ACK is sent again in its time, 1 s, 2 s, 4 s later, however many there are and whenever they came. */
static unsigned synacks_at[16];

static void
count_synacks(struct kit_host *h, const struct frame *f, uint64_t now)
{
	struct pkt k;

	(void)h;
	if (pkt_parse(&k, f->data, f->len, 0) == PKT_OK && k.kind == PKT_TCP &&
	    k.tcp.flags == (TCP_SYN | TCP_ACK))
		synacks_at[now / KIT_SECOND]++;
}

static void
test_retransmissions(void **state)
{
	struct pair p;

	(void)state;
	memset(synacks_at, 0, sizeof(synacks_at));
	start_few(&p, 900, 900);
	p.unchecked = true;
	p.server->on_tx = count_synacks;
	p.client->wire.loss = 1;
	/* One neighbour for all, which does not answer them. */
	inject(&p, CLIENT, 1, PORT_ECHO, &(struct tcp_seg){.flags = TCP_ACK});
	for (uint16_t i = 0; i < 800; i++) {
		inject_syn(&p, CLIENT + i % 200, (uint16_t)(1000 + i));
		if (i % 8 == 0)
			run(&p, KIT_MS);
	}
	run(&p, 12 * KIT_SECOND);
	stack_check(p.server->s);
	assert_int_equal(stats_of(p.server).half_open, 0);
	assert_int_equal(stats_of(p.server).tcp.timed_out, 800);
	assert_int_equal(stats_of(p.server).tcp.rto_expired, 1600);
	stop(&p);
}

/* --- counting by source --- */

static void
test_sketch(void **state)
{
	const struct flow_key key = {1, 2};
	struct sources *s = malloc(sizeof(*s));
	uint32_t truth[1000] = {0}, sum = 0, above = 0;
	struct rng r;

	(void)state;
	rng_seed(&r, 7, 7);
	sources_init(s, &key);
	for (unsigned i = 0; i < 200000; i++) {
		uint32_t a = (uint32_t)rng_below(&r, 1000);

		if (truth[a] > 0 && rng_chance(&r, 0.45)) {
			truth[a]--;
			sources_remove(s, a * 7919);
		} else {
			truth[a]++;
			sources_add(s, a * 7919);
		}
	}
	for (uint32_t a = 0; a < 1000; a++) {
		uint32_t n = sources_count(s, a * 7919);

		assert_true(n >= truth[a]);
		above += n > truth[a];
		sum += truth[a];
	}
	assert_int_equal(s->total, sum);
	assert_true(above < 50);
	for (uint32_t a = 0; a < 1000; a++)
		for (; truth[a] > 0; truth[a]--)
			sources_remove(s, a * 7919);
	for (unsigned i = 0; i < SOURCES_COLUMNS; i++)
		assert_int_equal(s->n[0][i] + s->n[1][i], 0);
	free(s);
}

/* Who cannot choose whom he shares a place with cannot put somebody over his limit. */
static void
test_sketch_is_keyed(void **state)
{
	const struct flow_key key[2] = {{1, 2}, {1, 3}};
	struct sources *s = malloc(2 * sizeof(*s));
	unsigned same = 0;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		sources_init(&s[i], &key[i]);
		for (uint32_t a = 0; a < 100000; a++)
			sources_add(&s[i], a);
	}
	for (unsigned i = 0; i < SOURCES_COLUMNS; i++) {
		same += s[0].n[0][i] == s[1].n[0][i];
		assert_in_range(s[0].n[0][i], 0, 40);
		assert_in_range(s[0].n[1][i], 0, 40);
	}
	assert_true(same < SOURCES_COLUMNS / 4);
	free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_flood),
	    cmocka_unit_test(test_options_survive),
	    cmocka_unit_test(test_one_source),
	    cmocka_unit_test(test_many_by_cookie),
	    cmocka_unit_test(test_forged_acks),
	    cmocka_unit_test(test_data_on_the_ack),
	    cmocka_unit_test(test_cookies_refused),
	    cmocka_unit_test(test_after_time_wait),
	    cmocka_unit_test(test_full_when_the_ack_comes),
	    cmocka_unit_test(test_retransmissions),
	    cmocka_unit_test(test_sketch),
	    cmocka_unit_test(test_sketch_is_keyed),
	};

	int failed = cmocka_run_group_tests_name("one group", tests, NULL, NULL);

	kit_group_bits = 4;
	return failed + cmocka_run_group_tests_name("16 groups", tests, NULL, NULL);
}
