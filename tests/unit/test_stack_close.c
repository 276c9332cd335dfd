/* test_stack_close.c - connections between two stacks: how they end, and what is left. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack_pair.h"

static void
test_abort(void **state)
{
	struct pair p;
	uint32_t id;

	(void)state;
	start_default(&p);
	id = open_conn(&p, 5000, PORT_ECHO);
	run(&p, 10 * KIT_MS);
	stack_send(p.client->s, id, "lost", 4);
	stack_abort(p.client->s, id, p.now);
	assert_int_equal(stack_send(p.client->s, id, "x", 1), 0);
	assert_int_equal(stack_send_room(p.client->s, id), 0);
	run(&p, 10 * KIT_MS);
	assert_int_equal(p.seen.closed, 1);
	assert_int_equal(p.seen.why, STACK_WHY_ABORT);
	assert_int_equal(p.ended, 1);
	assert_empty(p.client);
	assert_empty(p.server);
	stop(&p);
}

/* More aborts at once than there are frames for RSTs and places for events: all are told, and all
 * RSTs leave. */
static void
test_abort_many(void **state)
{
	struct stack_conf c;
	struct pair p;

	(void)state;
	kit_conf(&c);
	c.max_conns = 10000;
	c.max_active = c.max_half_open = 8000;
	start(&p, &c);
	p.unchecked = true;
	for (uint16_t i = 0; i < 6000; i++)
		open_conn(&p, (uint16_t)(5000 + i), PORT_ECHO);
	run(&p, 2 * KIT_MS);
	assert_int_equal(p.seen.connected, 6000);
	for (uint32_t id = 0; (id = stack_next_conn(p.client->s, id)) != UINT32_MAX; id++)
		stack_abort(p.client->s, id, p.now);
	run(&p, 2 * KIT_MS);
	assert_int_equal(p.seen.closed, 6000);
	assert_int_equal(p.ended, 6000);
	assert_empty(p.client);
	assert_empty(p.server);
	stop(&p);
}

/* The server never closes: FIN-WAIT-2 ends by itself. */
static void
test_fin_wait_2(void **state)
{
	struct pair p;
	uint32_t id;

	(void)state;
	start_default(&p);
	p.server->on_event = NULL;
	id = open_conn(&p, 5000, PORT_MUTE);
	run(&p, 10 * KIT_MS);
	stack_close(p.client->s, id, p.now);
	run(&p, 59 * KIT_SECOND);
	assert_int_equal(stack_tcb(p.client->s, id)->state, TCP_FIN_WAIT_2);
	assert_int_equal(p.seen.closed, 0);
	run(&p, 2 * KIT_SECOND);
	assert_int_equal(p.seen.closed, 1);
	assert_empty(p.client);
	stop(&p);
}

/* EOF, and then the end, wait until what was kept has been read. */
static void
test_eof_after_data(void **state)
{
	const uint8_t *data;
	struct pair p;
	uint32_t id, conn;

	(void)state;
	start_default(&p);
	p.server->on_event = on_keeper_event;
	id = open_conn(&p, 5000, PORT_MUTE);
	run(&p, 10 * KIT_MS);
	conn = (uint32_t)p.seen.app;
	stack_close(p.server->s, conn,
		    p.now); /* so that the client's FIN leads to TIME-WAIT here */
	run(&p, 10 * KIT_MS);
	stack_send(p.client->s, id, "abcdef", 6);
	stack_close(p.client->s, id, p.now);
	p.seen.eof = 0;
	run(&p, 10 * KIT_MS);
	assert_int_equal(stack_tcb(p.server->s, conn)->state, TCP_TIME_WAIT);
	assert_int_equal(p.seen.eof, 0);
	assert_int_equal(p.ended, 0);
	assert_int_equal(stack_read(p.server->s, conn, &data), 5);
	assert_memory_equal(data, "bcdef", 5);
	stack_read_done(p.server->s, conn, 2);
	run(&p, 10 * KIT_MS);
	assert_int_equal(p.seen.eof, 0);
	assert_int_equal(stack_read(p.server->s, conn, &data), 3);
	stack_read_done(p.server->s, conn, 3);
	run(&p, 10 * KIT_MS);
	assert_int_equal(p.seen.eof, 1);
	assert_int_equal(p.ended, 1);
	run(&p, 61 * KIT_SECOND);
	assert_empty(p.server);
	assert_empty(p.client);
	stop(&p);
}

/* Users who close, abort or go on without ever reading what they kept. */
static void
test_never_read(void **state)
{
	struct pair p;
	uint32_t id[4], conn[4];

	(void)state;
	start_default(&p);
	p.server->on_event = on_keeper_event;
	for (unsigned i = 0; i < 4; i++) {
		id[i] = open_conn(&p, (uint16_t)(5000 + i), PORT_MUTE);
		run(&p, KIT_MS);
		conn[i] = (uint32_t)p.seen.app;
		stack_send(p.client->s, id[i], "abcdef", 6);
	}
	run(&p, 10 * KIT_MS);
	stack_close(p.server->s, conn[0], p.now);
	stack_abort(p.server->s, conn[1], p.now);
	stack_close(p.client->s, id[0], p.now);
	stack_abort(p.client->s, id[2], p.now);
	run(&p, 10 * KIT_MS);
	assert_int_equal(p.ended, 2); /* 1 by our abort, 2 by the peer's */
	run(&p, 61 * KIT_SECOND);
	assert_int_equal(p.ended, 3); /* 0 at the end of TIME-WAIT */
	stack_abort(p.client->s, id[3], p.now);
	run(&p, KIT_MS);
	assert_int_equal(p.ended, 4);
	assert_empty(p.server);
	run(&p, 61 * KIT_SECOND);
	assert_empty(p.client);
	stop(&p);
}

/* The user ends the connection while he is told of its octets. */
static void
on_rude_event(struct kit_host *h, const struct stack_event *ev, uint64_t now)
{
	struct pair *p = h->arg;

	p->accepted += ev->type == STACK_ACCEPTED;
	p->ended += ev->type == STACK_CLOSED;
	if (ev->type == STACK_DATA) {
		stack_abort(h->s, ev->conn, now);
		stack_keep(h->s, ev, ev->len);
		assert_int_equal(stack_send(h->s, ev->conn, "x", 1), 0);
		stack_close(h->s, ev->conn, now);
		stack_abort(h->s, ev->conn, now);
	}
	assert_int_not_equal(ev->type, STACK_EOF);
}

static void
test_abort_in_handler(void **state)
{
	struct pair p;
	uint32_t id;

	(void)state;
	start_default(&p);
	p.server->on_event = on_rude_event;
	id = open_conn(&p, 5000, PORT_MUTE);
	run(&p, 10 * KIT_MS);
	for (unsigned i = 0; i < 3; i++)
		stack_send(p.client->s, id, p.seen.data, 1448);
	stack_close(p.client->s, id, p.now);
	run(&p, 10 * KIT_MS);
	assert_int_equal(p.ended, 1);
	assert_int_equal(p.seen.why, STACK_WHY_RESET);
	assert_empty(p.server);
	assert_empty(p.client);
	stop(&p);
}

/* The server closes first, so that TIME-WAIT is his; the client comes again from the same port. */
static void
test_time_wait_reuse(void **state)
{
	struct stack_stats st;
	struct pair p;
	uint32_t id;

	(void)state;
	start_default(&p);
	for (unsigned round = 1; round <= 5; round++) {
		id = open_conn(&p, 5000, PORT_ECHO);
		run(&p, 10 * KIT_MS);
		assert_int_equal(p.seen.connected, round);
		stack_close(p.server->s, stack_next_conn(p.server->s, 0), p.now);
		run(&p, 10 * KIT_MS);
		stack_close(p.client->s, id, p.now);
		run(&p, 10 * KIT_MS);
		assert_int_equal(p.ended, round);
		assert_int_equal(p.seen.closed, round);
		stack_stats(p.server->s, &st);
		assert_int_equal(st.time_wait, 1);
		assert_int_equal(st.conns, 1);
	}
	assert_int_equal(p.syns, 5);
	run(&p, 61 * KIT_SECOND);
	assert_empty(p.server);
	assert_empty(p.client);
	stop(&p);
}

/* Where the old connection has sent faster than the clock of initial numbers runs, the new one
 * still begins above it. */
static void
test_time_wait_floor(void **state)
{
	static const uint8_t octets[60000];
	struct pair p;
	uint32_t id, last;

	(void)state;
	start_default(&p);
	id = open_conn(&p, 5000, PORT_MUTE);
	run(&p, KIT_MS);
	last = stack_next_conn(p.server->s, 0);
	assert_int_equal(stack_send(p.server->s, last, octets, sizeof(octets)), sizeof(octets));
	stack_close(p.server->s, last, p.now);
	run(&p, KIT_MS);
	stack_close(p.client->s, id, p.now);
	run(&p, KIT_MS);
	assert_int_equal(p.seen.octets, sizeof(octets));
	last = stack_tcb(p.client->s, id)->rcv_nxt;
	open_conn(&p, 5000, PORT_MUTE);
	run(&p, KIT_MS);
	assert_int_equal(p.seen.connected, 2);
	id = stack_next_conn(p.server->s, 0);
	assert_true((int32_t)(stack_tcb(p.server->s, id)->snd_una - last) > 0);
	stop(&p);
}

static struct kit_frame fin;

static void
note_fin(struct kit_host *h, const struct frame *f, uint64_t now)
{
	struct pkt k;

	(void)h;
	(void)now;
	assert_int_equal(pkt_parse(&k, f->data, f->len, 0), PKT_OK);
	if (k.kind != PKT_TCP || !(k.tcp.flags & TCP_FIN) || fin.data != NULL)
		return;
	fin = (struct kit_frame){.data = malloc(f->len), .len = f->len};
	memcpy(fin.data, f->data, f->len);
}

/* A FIN that comes again begins 2MSL anew, for this connection and not for those behind it. */
static void
test_time_wait_again(void **state)
{
	struct stack_stats st;
	struct pair p;

	(void)state;
	fin = (struct kit_frame){0};
	start_default(&p);
	p.server->on_tx = note_fin;
	for (uint16_t i = 0; i < 3; i++) {
		uint32_t id = open_conn(&p, (uint16_t)(5000 + i), PORT_ECHO);

		run(&p, 10 * KIT_MS);
		stack_close(p.client->s, id, p.now);
		run(&p, 10 * KIT_MS);
	}
	run(&p, 30 * KIT_SECOND);
	kit_send(p.client, fin.data, fin.len, 0, p.now);
	free(fin.data);
	run(&p, 31 * KIT_SECOND);
	stack_stats(p.client->s, &st);
	assert_int_equal(st.time_wait, 1);
	run(&p, 28 * KIT_SECOND);
	stack_stats(p.client->s, &st);
	assert_int_equal(st.time_wait, 1);
	run(&p, 2 * KIT_SECOND);
	assert_empty(p.client);
	stop(&p);
}

/* A new connection is worth more than the memory of an old one. */
static void
test_time_wait_cut(void **state)
{
	struct stack_stats st;
	struct stack_conf c;
	struct pair p;

	(void)state;
	kit_conf(&c);
	c.max_conns = 8;
	start(&p, &c);
	for (uint16_t i = 0; i < 20; i++) {
		uint32_t id = open_conn(&p, (uint16_t)(5000 + i), PORT_ECHO);

		run(&p, 10 * KIT_MS);
		stack_close(p.client->s, id, p.now);
		run(&p, 10 * KIT_MS);
	}
	assert_int_equal(p.seen.closed, 20);
	stack_stats(p.client->s, &st);
	assert_int_equal(st.conns, 8);
	assert_int_equal(st.shed_time_wait, 12);
	run(&p, 61 * KIT_SECOND);
	assert_empty(p.client);
	stop(&p);
}

/* A gap is filled and the connection reset in one burst: what is in order is told, what was held
 * goes with it. */
static void
test_reset_behind_gap(void **state)
{
	struct stack_open o = open_to(5000, PORT_MUTE);
	struct kit_frame gap;
	struct stack_stats st;
	struct stack_conf c;
	struct pair p;
	uint32_t id;

	(void)state;
	kit_conf(&c);
	c.now = KIT_SECOND;
	c.profile.nodelay = true;
	start(&p, &c);
	assert_int_equal(stack_connect(p.client->s, &o, p.now, &id), 0);
	run(&p, 100 * KIT_MS);
	for (unsigned i = 0; i < 3; i++)
		stack_send(p.client->s, id, p.seen.data, 1448);
	kit_turn(p.client, p.now);
	assert_int_equal(p.server->n_flight, 3);
	gap = p.server->flight[0];
	p.server->n_flight = 2;
	memmove(p.server->flight, p.server->flight + 1, 2 * sizeof(gap));
	kit_turn(p.server, p.now);
	stack_check(p.server->s);
	stack_abort(p.client->s, id, p.now);
	p.client->n_in = 0;
	kit_turn(p.client, p.now);
	assert_int_equal(p.server->n_flight, 1);
	kit_send(p.server, gap.data, gap.len, 0, p.now - 1);
	free(gap.data);
	run(&p, 10 * KIT_MS);
	assert_int_equal(p.ended, 1);
	stack_stats(p.server->s, &st);
	assert_int_equal(st.tcp.octets_in, 3 * 1448);
	assert_empty(p.server);
	stop(&p);
}

static unsigned data_events;

static void
keep_all(struct kit_host *h, const struct stack_event *ev, uint64_t now)
{
	(void)now;
	if (ev->type != STACK_DATA)
		return;
	data_events++;
	stack_keep(h->s, ev, ev->len);
}

/* Octets, and a reset behind them in the same burst: what was kept is flushed with the connection,
 * so none of those behind it are handed up, as if they followed on what the user has. */
static void
test_reset_after_data(void **state)
{
	struct stack_conf c;
	struct pair p;
	uint32_t id;

	(void)state;
	for (unsigned early = 0; early < 2; early++) {
		kit_conf(&c);
		c.now = KIT_SECOND;
		c.profile.nodelay = true;
		start(&p, &c);
		p.server->on_event = keep_all;
		data_events = 0;
		id = open_conn(&p, 5000, PORT_MUTE);
		run(&p, 100 * KIT_MS);
		for (unsigned i = 0; i < 3; i++) {
			stack_send(p.client->s, id, p.seen.data, 100);
			kit_turn(p.client, p.now);
			if (i == 0 && early)
				kit_turn(p.server, p.now);
		}
		stack_abort(p.client->s, id, p.now);
		kit_turn(p.client, p.now);
		assert_int_equal(p.server->n_flight, early ? 3 : 4);
		run(&p, 10 * KIT_MS);
		assert_int_equal(data_events, early);
		assert_empty(p.server);
		stop(&p);
	}
}

/* Octets that still come put the end of FIN-WAIT-2 off. */
static void
test_fin_wait_2_goes_on(void **state)
{
	struct pair p;
	uint32_t id, conn;

	(void)state;
	start_default(&p);
	p.server->on_event = on_keeper_event;
	id = open_conn(&p, 5000, PORT_MUTE);
	run(&p, 10 * KIT_MS);
	conn = (uint32_t)p.seen.app;
	stack_close(p.client->s, id, p.now);
	run(&p, 30 * KIT_SECOND);
	assert_int_equal(stack_send(p.server->s, conn, "more", 4), 4);
	run(&p, 50 * KIT_SECOND);
	assert_int_equal(p.seen.octets, 4);
	assert_int_equal(stack_tcb(p.client->s, id)->state, TCP_FIN_WAIT_2);
	run(&p, 15 * KIT_SECOND);
	assert_int_equal(p.seen.closed, 1);
	assert_empty(p.client);
	stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_abort),
	    cmocka_unit_test(test_abort_many),
	    cmocka_unit_test(test_fin_wait_2),
	    cmocka_unit_test(test_fin_wait_2_goes_on),
	    cmocka_unit_test(test_eof_after_data),
	    cmocka_unit_test(test_never_read),
	    cmocka_unit_test(test_abort_in_handler),
	    cmocka_unit_test(test_reset_behind_gap),
	    cmocka_unit_test(test_reset_after_data),
	    cmocka_unit_test(test_time_wait_reuse),
	    cmocka_unit_test(test_time_wait_floor),
	    cmocka_unit_test(test_time_wait_again),
	    cmocka_unit_test(test_time_wait_cut),
	};
	int failed = cmocka_run_group_tests_name("one group", tests, NULL, NULL);

	kit_group_bits = 4;
	return failed + cmocka_run_group_tests_name("16 groups", tests, NULL, NULL);
}
