/* test_stack_open.c - connections between two stacks: how they begin, and why not. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack_pair.h"

static void
test_echo(void **state)
{
	struct pair p;
	uint32_t id;
	struct stack_stats st;

	(void)state;
	start_default(&p);
	id = open_conn(&p, 5000, PORT_ECHO);
	run(&p, 10 * KIT_MS);
	assert_int_equal(p.seen.connected, 1);
	assert_int_equal(p.seen.app, 77);
	assert_int_equal(p.accepted, 1);
	/* Neither ARP nor anything else has cost a retransmission's time. */
	assert_true(p.seen.connected_at < KIT_SECOND + KIT_MS);
	assert_int_equal(p.syns, 1);
	assert_int_equal(stack_send(p.client->s, id, "hello, world", 12), 12);
	run(&p, 100 * KIT_MS);
	assert_int_equal(p.seen.octets, 12);
	assert_memory_equal(p.seen.data, "hello, world", 12);
	stack_stats(p.client->s, &st);
	assert_int_equal(st.established, 1);
	assert_int_equal(stack_next_conn(p.client->s, 0), id);
	assert_int_equal(stack_next_conn(p.client->s, id + 1), UINT32_MAX);
	stack_close(p.client->s, id, p.now);
	run(&p, 100 * KIT_MS);
	assert_int_equal(p.seen.eof, 1);
	assert_int_equal(p.seen.closed, 1);
	assert_int_equal(p.seen.why, STACK_WHY_NONE);
	assert_int_equal(p.ended, 1);
	stack_stats(p.client->s, &st);
	assert_int_equal(st.time_wait, 1);
	assert_int_equal(st.tcp.segs_retransmitted, 0);
	run(&p, 61 * KIT_SECOND);
	assert_empty(p.client);
	assert_empty(p.server);
	stop(&p);
}

static void
test_refused(void **state)
{
	struct stack_stats st;
	struct pair p;

	(void)state;
	start_default(&p);
	open_conn(&p, 5000, 4242);
	run(&p, 10 * KIT_MS);
	assert_int_equal(p.seen.failed, 1);
	assert_int_equal(p.seen.why, STACK_WHY_RESET);
	assert_int_equal(p.seen.closed, 0);
	stack_stats(p.server->s, &st);
	assert_int_equal(st.drop_no_listener, 1);
	assert_empty(p.client);
	assert_empty(p.server);
	stop(&p);
}

/* Nobody has the address: ARP gives up, TCP times out. */
static void
test_nobody_there(void **state)
{
	struct stack_open o = open_to(5000, PORT_ECHO);
	struct stack_conf c;
	struct stack_stats st;
	struct pair p;
	uint32_t id;

	(void)state;
	kit_conf(&c);
	c.now = KIT_SECOND;
	c.tcp.syn_retries = 2;
	start(&p, &c);
	o.flow.raddr = SERVER + 5;
	assert_int_equal(stack_connect(p.client->s, &o, p.now, &id), 0);
	run(&p, 20 * KIT_SECOND);
	assert_int_equal(p.seen.failed, 1);
	assert_int_equal(p.seen.why, STACK_WHY_TIMEOUT);
	stack_stats(p.client->s, &st);
	assert_int_equal(st.drop_no_neighbour, 3);
	assert_int_equal(st.tcp_out, 0);
	assert_in_range(st.arp_out, 10 + 3, 10 + 12); /* 10 addresses announced */
	assert_empty(p.client);
	stop(&p);
}

/* A neighbour that answers late costs the time that it takes to answer, and not a SYN's
 * time-out. */
static void
test_late_neighbour(void **state)
{
	struct pair p;

	(void)state;
	start_default(&p);
	p.client->wire.delay_ns = p.server->wire.delay_ns = 100 * KIT_MS;
	for (uint16_t i = 0; i < 100; i++)
		open_conn(&p, (uint16_t)(5000 + i), PORT_ECHO);
	run(&p, 405 * KIT_MS);
	assert_int_equal(p.seen.connected, 100);
	assert_int_equal(p.syns, 100);
	stop(&p);
}

static void
test_connect_errors(void **state)
{
	struct stack_open o = open_to(5000, PORT_ECHO);
	struct stack_conf c;
	struct stack_stats st;
	struct pair p;
	uint32_t id;

	(void)state;
	kit_conf(&c);
	c.max_conns = 3;
	start(&p, &c);
	o.flow.laddr = SERVER;
	assert_int_equal(stack_connect(p.client->s, &o, p.now, &id), -ENETUNREACH);
	o = open_to(5000, PORT_ECHO);
	o.flow.raddr = 0x08080808; /* no gateway */
	assert_int_equal(stack_connect(p.client->s, &o, p.now, &id), -ENETUNREACH);
	for (uint16_t i = 0; i < 3; i++)
		open_conn(&p, (uint16_t)(5000 + i), PORT_ECHO);
	o = open_to(5001, PORT_ECHO);
	assert_int_equal(stack_connect(p.client->s, &o, p.now, &id), -EADDRINUSE);
	o = open_to(5003, PORT_ECHO);
	assert_int_equal(stack_connect(p.client->s, &o, p.now, &id), -ENOBUFS);
	stack_stats(p.client->s, &st);
	assert_int_equal(st.drop_max_conns, 1);
	stop(&p);
}

/* The user's own end before the peer has answered is no failure. */
static void
test_close_while_opening(void **state)
{
	struct pair p;
	uint32_t id;

	(void)state;
	start_default(&p);
	id = open_conn(&p, 5000, PORT_ECHO);
	stack_close(p.client->s, id, p.now);
	run(&p, KIT_MS);
	assert_int_equal(p.seen.closed, 1);
	assert_int_equal(p.seen.why, STACK_WHY_NONE);
	id = open_conn(&p, 5001, PORT_ECHO);
	stack_abort(p.client->s, id, p.now);
	run(&p, KIT_MS);
	assert_int_equal(p.seen.closed, 2);
	assert_int_equal(p.seen.why, STACK_WHY_ABORT);
	assert_int_equal(p.seen.connected + p.seen.failed, 0);
	assert_empty(p.client);
	stop(&p);
}

/* Both call each other with the same tuple. */
static void
test_simultaneous_open(void **state)
{
	struct stack_open o = open_to(5000, 6000), back;
	struct pair p;
	uint32_t a, b;

	(void)state;
	start_default(&p);
	p.client->wire.delay_ns = p.server->wire.delay_ns = KIT_MS;
	open_conn(&p, 1, PORT_MUTE); /* so that both know where the other is */
	run(&p, 10 * KIT_MS);
	back = o;
	back.flow = (struct flow){.laddr = SERVER, .raddr = CLIENT, .lport = 6000, .rport = 5000};
	assert_int_equal(stack_connect(p.client->s, &o, p.now, &a), 0);
	assert_int_equal(stack_connect(p.server->s, &back, p.now, &b), 0);
	run(&p, 10 * KIT_MS);
	assert_int_equal(p.seen.connected, 2);
	assert_int_equal(stack_tcb(p.client->s, a)->state, TCP_ESTABLISHED);
	assert_int_equal(stack_tcb(p.server->s, b)->state, TCP_ESTABLISHED);
	stop(&p);
}

static void
inject_syn(struct pair *p, uint32_t from, uint16_t sport)
{
	static const uint8_t mac[6] = {2, 0, 0, 0, 0, 2};
	struct build_ip ip = {
	    .eth_dst = {2, 0, 0, 0, 0, 1},
	    .src = from,
	    .dst = SERVER,
	    .ttl = 64,
	};
	struct tcp_seg seg = {.seq = sport, .flags = TCP_SYN, .wnd = 1000};
	uint8_t frame[128];
	size_t len;

	memcpy(ip.eth_src, mac, 6);
	len = build_tcp(frame, sizeof(frame), &ip, sport, PORT_ECHO, &seg, NULL);
	kit_send(p->server, frame, (uint32_t)len, 0, p->now);
}

/* A flood of SYNs while nothing can leave: answers wait, up to a limit, and the connections that there are room for. */
static void
test_half_open_stuck(void **state)
{
	struct stack_stats st;
	struct stack_conf c;
	struct pair p;

	(void)state;
	kit_conf(&c);
	c.max_half_open = 20;
	start(&p, &c);
	open_conn(&p, 4000, PORT_MUTE);
	run(&p, 10 * KIT_MS);
	p.server->poor = true;
	for (struct frame f; stack_take_frames(p.server->s, &f, 1) > 0; p.server->n_frames--)
		free(f.handle);
	for (uint16_t i = 0; i < 500; i++) {
		inject_syn(&p, CLIENT + 5, (uint16_t)(1000 + i));
		if (i % 10 == 9)
			run(&p, 1000);
	}
	p.server->poor = false;
	run(&p, 10 * KIT_MS);
	stack_stats(p.server->s, &st);
	assert_int_equal(st.half_open, 0); /* the client's stack has refused those that were left */
	assert_int_equal(st.established, 1);
	stop(&p);
}

static void *
refuse(size_t bytes)
{
	(void)bytes;
	return NULL;
}

static size_t asked;

static void *
note_size(size_t bytes)
{
	asked = bytes;
	return NULL;
}

/* What a budget is held against is what is reserved, and grows with every limit. */
static void
test_budget(void **state)
{
	struct stack_conf c;
	uint64_t last = 0;

	(void)state;
	kit_conf(&c);
	c.reserve = note_size;
	for (c.max_conns = 1; c.max_conns < 300000000; c.max_conns = c.max_conns * 3 + 1) {
		assert_null(stack_new(&c));
		assert_int_equal(asked, stack_bytes(&c));
		assert_true(asked >= last);
		last = asked;
	}
	c.max_conns = 10000000;
	c.max_active = c.max_conns / 16;
	c.group_bits = 0; /* with more, each may have twice its share */
	assert_in_range(stack_bytes(&c) / c.max_conns, 100, 224);
	last = stack_bytes(&c);
	c.max_active += 1000;
	assert_true(stack_bytes(&c) > last);
}

static void
test_no_memory_at_all(void **state)
{
	struct stack_conf c;

	(void)state;
	kit_conf(&c);
	c.reserve = refuse;
	errno = 0;
	assert_null(stack_new(&c));
	assert_int_equal(errno, ENOMEM);
}

static void
test_listeners(void **state)
{
	struct stack_listener l = {.port = PORT_ECHO, .profile = {.quickack = true}};
	struct stack_conf c;
	struct pair p;
	uint32_t id;

	(void)state;
	kit_conf(&c);
	c.max_listeners = 5;
	start(&p, &c);
	assert_int_equal(stack_listen(p.server->s, &l), -EADDRINUSE);
	l.addr = SERVER;
	l.profile.nodelay = true;
	assert_int_equal(stack_listen(p.server->s, &l), 3); /* more exact than row 1 */
	l.port = PORT_ECHO + 256 * 3;
	assert_int_equal(stack_listen(p.server->s, &l), 4);
	l.port = 0;
	assert_int_equal(stack_listen(p.server->s, &l), -EINVAL);
	l.port = 80;
	assert_int_equal(stack_listen(p.server->s, &l), 5);
	l.port = 81;
	assert_int_equal(stack_listen(p.server->s, &l), -ENOSPC);
	open_conn(&p, 5000, PORT_ECHO);
	run(&p, 10 * KIT_MS);
	id = stack_next_conn(p.server->s, 0);
	assert_int_equal(*stack_app(p.server->s, id), 1003);
	assert_int_equal(stack_tcb(p.server->s, id)->profile, 3);
	assert_true(id < stack_conn_limit(p.server->s));
	stop(&p);
}

/* --- what the IP header says for TCP --- */

static void
check_tos(struct kit_host *h, const struct frame *f, uint64_t now)
{
	const struct pair *p = h->arg;
	struct pkt k;

	(void)now;
	assert_int_equal(pkt_parse(&k, f->data, f->len, 0), PKT_OK);
	if (k.kind != PKT_TCP || k.tcp.flags & TCP_RST)
		return;
	assert_int_equal(k.dscp, h == p->client ? 46 : 10);
	assert_int_equal(k.ecn, k.tcp.len > 0 ? ECN_ECT0 : ECN_NOT);
}

/* RFC 9293 MUST-48: each end's own DSCP on all that it sends; RFC 3168 5: ECT on octets. */
static void
test_dscp_and_ecn(void **state)
{
	const struct stack_listener l = {.port = 4444,
					 .profile = {.dscp = 10, .ecn = TCP_ECN_REQUEST}};
	struct stack_conf c;
	struct stack_stats st;
	struct pair p;
	uint32_t id;

	(void)state;
	kit_conf(&c);
	c.now = KIT_SECOND;
	c.profile = (struct tcp_profile){.dscp = 46, .ecn = TCP_ECN_ALWAYS};
	start(&p, &c);
	assert_int_equal(stack_listen(p.server->s, &l), 3);
	p.client->on_tx = p.server->on_tx = check_tos;
	id = open_conn(&p, 5000, 4444);
	run(&p, 10 * KIT_MS);
	assert_int_equal(p.seen.connected, 1);
	assert_true(stack_tcb(p.client->s, id)->flags & TCB_ECT);
	assert_int_equal(stack_send(p.client->s, id, "hello, world", 12), 12);
	run(&p, 100 * KIT_MS);
	stack_close(p.client->s, id, p.now);
	run(&p, 100 * KIT_MS);
	stack_stats(p.server->s, &st);
	assert_int_equal(st.tcp.octets_in, 12);
	stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_echo),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_nobody_there),
	    cmocka_unit_test(test_late_neighbour),
	    cmocka_unit_test(test_connect_errors),
	    cmocka_unit_test(test_close_while_opening),
	    cmocka_unit_test(test_simultaneous_open),
	    cmocka_unit_test(test_listeners),
	    cmocka_unit_test(test_half_open_stuck),
	    cmocka_unit_test(test_dscp_and_ecn),
	    cmocka_unit_test(test_no_memory_at_all),
	    cmocka_unit_test(test_budget),
	};
	int failed = cmocka_run_group_tests_name("one group", tests, NULL, NULL);

	kit_group_bits = 4;
	return failed + cmocka_run_group_tests_name("16 groups", tests, NULL, NULL);
}
