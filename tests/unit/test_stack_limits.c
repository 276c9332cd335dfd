/* test_stack_limits.c - delays, and limits of memory, as a connection of two stacks meets them. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack_pair.h"

static uint64_t last_ack_at;

static void
note_ack(struct kit_host *h, const struct frame *f, uint64_t now)
{
	struct pkt k;

	(void)h;
	assert_int_equal(pkt_parse(&k, f->data, f->len, 0), PKT_OK);
	if (k.kind == PKT_TCP)
		last_ack_at = now;
}

/* An octet that has no answer is acknowledged after the delay, and not much later; with quickack at
 * once. */
static void
test_delayed_ack(void **state)
{
	struct pair p;
	uint32_t id;

	(void)state;
	start_default(&p);
	p.server->on_tx = note_ack;
	last_ack_at = 0;
	id = open_conn(&p, 5000, PORT_MUTE);
	run(&p, 100 * KIT_MS);
	for (unsigned i = 0; i < 10; i++) {
		uint64_t at = p.now;

		stack_send(p.client->s, id, "x", 1);
		run(&p, 100 * KIT_MS);
		assert_in_range(last_ack_at, at + 39 * KIT_MS, at + 43 * KIT_MS);
	}
	stop(&p);
}

/* A timer that is far away does not hold up one that is near. */
static void
test_nearer_deadline(void **state)
{
	struct pair p;
	uint32_t id;
	uint64_t at;

	(void)state;
	start_default(&p);
	id = open_conn(&p, 5000, PORT_MUTE);
	run(&p, KIT_SECOND);
	p.client->wire.loss = 1;
	stack_send(p.client->s, id, "lost", 4); /* to be sent again in 200 ms */
	run(&p, KIT_MS);
	p.client->on_tx = note_ack;
	last_ack_at = 0;
	at = p.now;
	stack_send(p.server->s, stack_next_conn(p.server->s, 0), "x", 1);
	run(&p, 100 * KIT_MS);
	assert_in_range(last_ack_at, at + 39 * KIT_MS, at + 43 * KIT_MS);
	stop(&p);
}

static void
test_notify_sent(void **state)
{
	struct stack_open o = open_to(5000, PORT_MUTE);
	struct stack_conf c;
	struct pair p;
	uint32_t id;

	(void)state;
	kit_conf(&c);
	c.now = KIT_SECOND;
	c.profile.notify_sent = true;
	start(&p, &c);
	assert_int_equal(stack_connect(p.client->s, &o, p.now, &id), 0);
	run(&p, 10 * KIT_MS);
	stack_send(p.client->s, id, "x", 1);
	run(&p, 20 * KIT_MS);
	assert_int_equal(p.seen.sent, 0);
	run(&p, 30 * KIT_MS);
	assert_int_equal(p.seen.sent, 1);
	stop(&p);
}

/* No active block is left: who wants to send is told when there is one again. */
static void
test_starved(void **state)
{
	struct stack_conf c;
	struct pair p;
	uint32_t id[8], taken = 0;

	(void)state;
	kit_conf(&c);
	c.max_active = 8; /* two of them in reserve */
	start(&p, &c);
	for (unsigned i = 0; i < 8; i++) {
		id[i] = open_conn(&p, (uint16_t)(5000 + i), PORT_MUTE);
		run(&p, KIT_MS);
	}
	run(&p, 100 * KIT_MS);
	p.client->on_event = NULL;
	for (unsigned i = 0; i < 8; i++)
		taken += stack_send(p.client->s, id[i], "x", 1);
	if (c.group_bits == 0)
		assert_int_equal(taken, 6);
	p.client->on_event = on_client_event;
	run(&p, 5 * KIT_MS);
	assert_int_equal(p.seen.writable, 0);
	run(&p, KIT_SECOND); /* the ACKs come, blocks are given back */
	assert_int_equal(p.seen.writable, 8 - taken);
	stop(&p);
}

/* Every active block is bound: nothing new is opened, an idle connection can only be aborted, and
 * octets still find the one that was held back for them. When users read, all goes on. */
static void
test_no_active(void **state)
{
	struct stack_open o = open_to(6000, PORT_MUTE);
	struct stack_conf c;
	struct stack_stats st;
	const uint8_t *data;
	struct pair p;
	uint32_t id[6], conn[6], late;

	(void)state;
	if (kit_group_bits > 0)
		return; /* the blocks would be in other groups */
	kit_conf(&c);
	c.max_active = 4; /* one of them in reserve */
	start(&p, &c);
	p.server->on_event = on_keeper_event;
	for (unsigned i = 0; i < 6; i++) {
		id[i] = open_conn(&p, (uint16_t)(5000 + i), PORT_MUTE);
		run(&p, KIT_MS);
		conn[i] = (uint32_t)p.seen.app;
	}
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(stack_send(p.client->s, id[i], "ab", 2), 2);
		run(&p, 100 * KIT_MS);
	}
	/* Four keep an octet; the fifth's were lost, and are sent again and again. */
	stack_stats(p.server->s, &st);
	assert_true(st.drop_no_memory > 0);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(stack_read(p.server->s, conn[i], &data), i < 4);
	o.flow = (struct flow){.laddr = SERVER, .raddr = CLIENT, .lport = 6000, .rport = 6000};
	assert_int_equal(stack_connect(p.server->s, &o, p.now, &late), -ENOBUFS);
	assert_int_equal(
	    stack_connect(
		p.client->s,
		&(struct stack_open){
		    .flow = {.laddr = CLIENT, .raddr = SERVER, .lport = 5100, .rport = PORT_MUTE}},
		p.now, &late),
	    0);
	run(&p, 10 * KIT_MS);
	assert_int_equal(stack_tcb(p.client->s, late)->state, TCP_ESTABLISHED);
	stack_close(p.server->s, conn[5], p.now); /* its FIN waits for a block, too */
	run(&p, 100 * KIT_MS);
	assert_int_equal(stack_tcb(p.server->s, conn[5])->state, TCP_ESTABLISHED);
	for (unsigned i = 0; i < 4; i++)
		stack_read_done(p.server->s, conn[i], 1);
	run(&p, 5 * KIT_SECOND);
	assert_int_equal(stack_read(p.server->s, conn[4], &data), 1);
	assert_int_equal(data[0], 'b');
	assert_int_equal(stack_tcb(p.server->s, conn[5])->state, TCP_FIN_WAIT_2);
	assert_int_equal(stack_tcb(p.client->s, id[5])->state, TCP_CLOSE_WAIT);
	stop(&p);
}

/* No block is left: a segment's octets are lost, and its FIN with them, but not what it
 * acknowledges. */
static void
test_no_blocks(void **state)
{
	static const uint8_t octets[1900];
	struct stack_conf c;
	struct stack_stats st;
	const uint8_t *data;
	struct pair p;
	uint32_t id[5], conn[5];

	(void)state;
	if (kit_group_bits > 0)
		return;
	kit_conf(&c);
	c.blocks_large = 4;
	start(&p, &c);
	p.server->on_event = on_keeper_event;
	for (unsigned i = 0; i < 5; i++) {
		id[i] = open_conn(&p, (uint16_t)(5000 + i), PORT_MUTE);
		run(&p, KIT_MS);
		conn[i] = (uint32_t)p.seen.app;
	}
	for (unsigned i = 0; i < 4; i++) {
		stack_send(p.client->s, id[i], octets, 1400);
		run(&p, 100 * KIT_MS);
	}
	p.seen.eof = 0;
	stack_send(p.server->s, conn[4], "x", 1);
	run(&p, KIT_MS);
	assert_int_equal(stack_tcb(p.server->s, conn[4])->act & TCB_IDLE, 0);
	stack_send(p.client->s, id[4], "last words", 10);
	stack_close(p.client->s, id[4], p.now);
	run(&p, KIT_MS);
	stack_stats(p.server->s, &st);
	assert_int_equal(st.drop_no_memory, 1);
	assert_int_equal(stack_tcb(p.server->s, conn[4])->state, TCP_ESTABLISHED);
	assert_int_equal(p.seen.eof, 0);
	for (unsigned i = 0; i < 4; i++)
		while ((st.conns = stack_read(p.server->s, conn[i], &data)) > 0)
			stack_read_done(p.server->s, conn[i], st.conns);
	run(&p, KIT_SECOND);
	assert_int_equal(stack_read(p.server->s, conn[4], &data), 9);
	assert_memory_equal(data, "ast words", 9);
	assert_int_equal(p.seen.eof, 0);
	stack_read_done(p.server->s, conn[4], 9);
	run(&p, KIT_MS);
	assert_int_equal(p.seen.eof, 1);
	stop(&p);
}

/* Where the line of delayed ACKs is full, one is sent at once. */
static void
test_delayed_acks_full(void **state)
{
	struct stack_conf c;
	struct pair p;
	uint32_t id, conn;

	(void)state;
	if (kit_group_bits > 0)
		return; /* no group is that small */
	kit_conf(&c);
	c.max_conns = 1;
	start(&p, &c);
	p.server->on_event = on_keeper_event;
	id = open_conn(&p, 5000, PORT_MUTE);
	run(&p, 100 * KIT_MS);
	conn = (uint32_t)p.seen.app;
	p.server->on_tx = note_ack;
	/* One octet each: nothing is kept, so that there is no active block. */
	stack_send(p.client->s, id, "1", 1);
	run(&p, 5 * KIT_MS);
	stack_send(p.server->s, conn, "2", 1); /* with the ACK */
	run(&p, 5 * KIT_MS);
	assert_true(p.now - last_ack_at < 6 * KIT_MS);
	stack_send(p.client->s, id, "3", 1); /* ACKs the server's octet, too */
	run(&p, KIT_MS);
	assert_true(p.now - last_ack_at <= KIT_MS);
	stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_delayed_ack),	      cmocka_unit_test(test_nearer_deadline),
	    cmocka_unit_test(test_notify_sent),	      cmocka_unit_test(test_starved),
	    cmocka_unit_test(test_no_active),	      cmocka_unit_test(test_no_blocks),
	    cmocka_unit_test(test_delayed_acks_full),
	};
	int failed = cmocka_run_group_tests_name("one group", tests, NULL, NULL);

	kit_group_bits = 4;
	return failed + cmocka_run_group_tests_name("16 groups", tests, NULL, NULL);
}
