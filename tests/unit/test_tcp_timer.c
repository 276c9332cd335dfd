/* test_tcp_timer.c - deadlines, and active blocks that come and go. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "tcp_states.h"

static uint64_t
deadline(const struct kit *k)
{
	return tcp_deadline(&k->ctx, k->t, k->now);
}

/* --- idle --- */

static void
idle_has_neither_block_nor_timer(void **state)
{
	static struct kit *(*const make[])(const struct kit_opts *) = {
	    kit_established, kit_accepted, kit_close_wait};

	(void)state;
	for (size_t i = 0; i < N_OF(make); i++) {
		struct kit *k = make[i](NULL);

		expect_idle(k);
		assert_true(deadline(k) == UINT64_MAX);
		expect_silence_for(k, 30 * 86400e3);
		kit_delete(k);
	}
}

static void
waiting_states_have_no_block(void **state)
{
	static struct kit *(*const make[])(const struct kit_opts *) = {kit_fin_wait_2,
								       kit_time_wait};

	(void)state;
	for (size_t i = 0; i < N_OF(make); i++) {
		struct kit *k = make[i](NULL);

		expect_idle(k);
		assert_in_range(deadline(k) - k->now, 60000 * KIT_MS, 60001 * KIT_MS);
		kit_delete(k);
	}
}

/* In-order octets that the user takes at once need no block at all. */
static void
receiving_needs_no_block(void **state)
{
	struct kit *k = kit_accepted(NULL);

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		in(k, "P. %u(100) ack 1", 1 + i * 100);
		expect_idle(k);
	}
	assert_int_equal(k->ctx.acts.peak, 0);
	kit_delete(k);
}

/* A request and its answer: the block goes with the last ACK. */
static void
block_goes_with_the_last_ack(void **state)
{
	struct kit *k = kit_accepted(NULL);

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		in(k, "P. %u(16) ack %u", 1 + i * 16, 1 + i * 146);
		kit_send(k, 146);
		assert_int_equal(k->ctx.acts.in_use, 1);
		assert_int_equal(k->ctx.blocks.small.in_use, 1);
		assert_int_equal(k->ctx.blocks.large.in_use, 0);
		in(k, ". %u ack %u", 17 + i * 16, 147 + i * 146);
		expect_idle(k);
	}
	kit_delete(k);
}

static void
block_goes_when_the_hole_is_filled(void **state)
{
	struct kit *k = kit_accepted(NULL);

	(void)state;
	in(k, ". 101(100) ack 1");
	assert_int_equal(k->ctx.acts.in_use, 1);
	in(k, ". 1(100) ack 1");
	expect_idle(k);
	kit_delete(k);
}

static void
block_goes_when_all_is_read(void **state)
{
	struct kit *k = kit_accepted(NULL);

	(void)state;
	k->slow_reader = true;
	in(k, ". 1(100) ack 1");
	kit_run_ms(k, 1000);
	kit_read(k, 99);
	assert_int_equal(k->ctx.acts.in_use, 1);
	kit_read(k, 1);
	expect_idle(k);
	kit_delete(k);
}

/* The host arms the node; the engine takes it out with the block. */
static void
armed_node_leaves_the_wheel(void **state)
{
	struct kit *k = kit_accepted(NULL);

	(void)state;
	kit_send(k, 100);
	wheel_add(&k->ctx.wheel, k->t->act, deadline(k));
	assert_int_equal(k->ctx.wheel.n, 1);
	in(k, ". 1 ack 101");
	assert_int_equal(k->ctx.wheel.n, 0);
	kit_send(k, 100);
	wheel_add(&k->ctx.wheel, k->t->act, deadline(k));
	kit_abort(k);
	assert_int_equal(k->ctx.wheel.n, 0);
	kit_delete(k);
}

/* Which connection a fired node belongs to. */
static void
block_names_its_connection(void **state)
{
	struct kit *k = kit_accepted(NULL);

	(void)state;
	kit_send(k, 100);
	assert_int_equal(kit_act(k)->tcb, k->h);
	kit_delete(k);
}

/* --- deadlines --- */

static void
early_call_does_nothing(void **state)
{
	struct kit *k = kit_accepted(NULL);

	(void)state;
	kit_send(k, 100);
	in(k, ". 101(10) ack 1");
	k->next = k->n_sent;
	for (uint64_t end = deadline(k); k->now < end - KIT_MS; k->now += KIT_MS) {
		tcp_out_init(&k->out, k->room);
		tcp_timeout(&k->ctx, k->t, k->now, &k->out);
		kit_after(k, NULL);
		expect_silence(k);
	}
	kit_delete(k);
}

/* One deadline, the earliest: delayed ACK before RTO. */
static void
earliest_of_all(void **state)
{
	struct kit *k = kit_accepted(NULL);

	(void)state;
	kit_send(k, 100);
	assert_int_equal(deadline(k) - k->now, 200 * KIT_MS);
	kit_run_ms(k, 50);
	in(k, "P. 1(10) ack 1");
	assert_int_equal(deadline(k) - k->now, 40 * KIT_MS);
	kit_run_ms(k, 40);
	assert_int_equal(deadline(k) - k->now, 110 * KIT_MS);
	kit_delete(k);
}

/* A call that comes late, by hours, does what is due once. */
static void
late_call(void **state)
{
	struct kit *k = kit_accepted(NULL);

	(void)state;
	kit_send(k, 100);
	k->next = k->n_sent;
	k->now += 7200 * KIT_S;
	tcp_out_init(&k->out, k->room);
	tcp_timeout(&k->ctx, k->t, k->now, &k->out);
	kit_after(k, NULL);
	expect(k, "P. 1(100) ack 1");
	expect_silence(k);
	assert_true(deadline(k) > k->now);
	kit_delete(k);
}

/* The ms clock of idle connections wraps after 24.8 and 49.7 days; waits that begin before end
 * after. */
static void
clock_wraps_while_waiting(void **state)
{
	static const uint64_t wraps[] = {UINT64_C(1) << 31, UINT64_C(1) << 32, UINT64_C(3) << 31};

	(void)state;
	for (size_t i = 0; i < N_OF(wraps); i++) {
		struct kit_opts o = {.start = (wraps[i] - 20000) * KIT_MS};
		struct kit *k = kit_time_wait(&o);

		kit_run_ms(k, 59990);
		expect_state(k, TCP_TIME_WAIT);
		kit_run_ms(k, 12);
		expect_gone(k);
		kit_delete(k);
		o.start = (wraps[i] - 20) * KIT_MS;
		k = kit_accepted(&o);
		in(k, "P. 1(10) ack 1");
		expect_after(k, 40, 2, ". 1 ack 11");
		kit_delete(k);
	}
}

static void
clock_starts_at_zero(void **state)
{
	struct kit_opts o = {.start = 1};
	struct kit *k = kit_accepted(&o);

	(void)state;
	in(k, "P. 1(10) ack 1");
	expect_after(k, 40, 2, ". 1 ack 11");
	kit_close(k);
	in(k, "F. 11 ack 2");
	expect_state(k, TCP_TIME_WAIT);
	kit_run_ms(k, 60002);
	expect_gone(k);
	kit_delete(k);
}

/* --- rooms: what tcp_out cannot take is sent by the next call --- */

static void
little_room(void **state)
{
	(void)state;
	for (unsigned room = 1; room <= 5; room++) {
		struct kit *k = kit_accepted(NULL);

		k->room = room;
		kit_send(k, 14480);
		assert_int_equal(k->n_sent, 10);
		in(k, ". 1 ack 14481");
		kit_close(k);
		kit_run_ms(k, 0);
		in(k, "F. 1(10) ack 14482");
		expect_state(k, TCP_TIME_WAIT);
		assert_int_equal(k->sent[k->n_sent - 1].seg.ack - k->irs, 12);
		kit_delete(k);
	}
}

/* A fast retransmission, and a probe, that find no room. */
static void
no_room_for_a_retransmission(void **state)
{
	const struct kit_opts o = {.no_sack = true};
	struct kit *k = kit_accepted(&o);

	(void)state;
	kit_send(k, 14480);
	k->corked = true;
	for (unsigned i = 0; i < 3; i++)
		in(k, ". 1 ack 1");
	k->room = 0;
	tcp_out_init(&k->out, 0);
	assert_true(tcp_output(&k->ctx, k->t, k->now, &k->out));
	k->room = 32;
	k->next = k->n_sent;
	kit_output(k);
	expect(k, ". 1(1448) ack 1");
	in(k, ". 1 ack 14481 win 0");
	kit_send(k, 10);
	kit_output(k);
	k->now += 3600 * KIT_S;
	tcp_out_init(&k->out, 0);
	tcp_timeout(&k->ctx, k->t, k->now, &k->out);
	assert_int_equal(k->out.n_segs, 0);
	k->corked = false;
	k->next = k->n_sent;
	assert_true(kit_wait(k, 200000) > 0); /* the next one has room */
	expect(k, ". 14481(1) ack 1");
	kit_delete(k);
}

/* No room at all: nothing is lost, it goes later. */
static void
no_room(void **state)
{
	struct kit *k = kit_accepted(NULL);

	(void)state;
	k->corked = true;
	k->room = 0;
	in(k, ". 101(100) ack 1"); /* asks for a duplicate ACK */
	in(k, "R 500");		   /* asks for a challenge ACK */
	kit_send(k, 10);
	assert_int_equal(k->n_sent, 0);
	assert_true(tcp_wants_output(&k->ctx, k->t));
	k->room = 32;
	kit_output(k);
	expect(k, "P. 1(10) ack 1");
	kit_delete(k);
}

static void
no_room_for_a_reset(void **state)
{
	struct kit *k = kit_syn_received(NULL);

	(void)state;
	k->corked = true;
	k->room = 0;
	in(k, ". 1 ack 500");
	expect_silence(k);
	expect_state(k, TCP_SYN_RECEIVED);
	kit_delete(k);
}

/* Every active block and every block of the pools lies in the memory that was asked for, and on
 * nothing else. */
static void
memory_is_enough(void **state)
{
	static const uint32_t counts[] = {1, 2, 3, 5, 8};
	uint8_t *mem;

	(void)state;
	for (size_t i = 0; i < N_OF(counts); i++) {
		const uint32_t n = counts[i];
		const uint64_t bytes = tcp_ctx_bytes(n, n, n);
		struct tcp_ctx *ctx = calloc(1, sizeof(*ctx));
		struct tcp_config cfg;
		struct pool tcbs = {.size = sizeof(struct tcb)};

		mem = malloc(bytes);
		tcp_config_default(&cfg);
		tcp_ctx_init(ctx, &cfg, kit_secret, &tcbs, mem, n, n, n, 0);
		memset(mem, 0, bytes);
		for (uint32_t j = 0; j < n; j++) {
			uint8_t *a = pool_at(&ctx->acts, pool_get(&ctx->acts));
			uint8_t *s = pool_at(&ctx->blocks.small, pool_get(&ctx->blocks.small));
			uint8_t *l = pool_at(&ctx->blocks.large, pool_get(&ctx->blocks.large));

			for (uint32_t b = 0; b < ctx->acts.size; b++)
				assert_int_equal(a[b]++, 0);
			for (uint32_t b = 0; b < ctx->blocks.small.size; b++)
				assert_int_equal(s[b]++, 0);
			for (uint32_t b = 0; b < ctx->blocks.large.size; b++)
				assert_int_equal(l[b]++, 0);
		}
		free(mem);
		free(ctx);
	}
}

/* A SYN that has not left yet cannot be acknowledged. */
static void
syn_without_room(void **state)
{
	struct kit *k = kit_new(NULL);
	struct tcp_seg ack = {.flags = TCP_ACK | TCP_SYN, .seq = 5, .wnd = 100};

	(void)state;
	tcp_out_init(&k->out, 0);
	assert_int_equal(tcp_open_active(&k->ctx, k->t, k->now, &k->out), 0);
	assert_int_equal(k->out.n_segs, 0);
	ack.ack = k->t->snd_una;
	tcp_out_init(&k->out, 8);
	tcp_input(&k->ctx, k->t, &ack, k->now, &k->out);
	expect_state(k, TCP_SYN_SENT);
	assert_int_equal(k->out.events, 0);
	tcp_check(&k->ctx, k->t);
	kit_output(k);
	expect(k, "S 0");
	kit_delete(k);
}

/* Nothing to do is known without looking closer; when it may be wrong it says yes (the kit asserts
 * that it never says no wrongly). */
static void
wants_output(void **state)
{
	struct kit *k = kit_accepted(NULL);

	(void)state;
	assert_false(tcp_wants_output(&k->ctx, k->t));
	kit_send(k, 10);
	assert_false(tcp_wants_output(&k->ctx, k->t)); /* in flight */
	k->corked = true;
	in(k, ". 1(10) ack 11");
	assert_false(tcp_wants_output(&k->ctx, k->t)); /* a delayed ACK */
	in(k, ". 11(10) ack 11");
	assert_true(tcp_wants_output(&k->ctx, k->t));
	kit_output(k);
	kit_send(k, 10);
	assert_true(tcp_wants_output(&k->ctx, k->t));
	kit_output(k);
	assert_false(tcp_wants_output(&k->ctx, k->t));
	kit_close(k);
	assert_true(tcp_wants_output(&k->ctx, k->t));
	kit_output(k);
	assert_false(tcp_wants_output(&k->ctx, k->t));
	kit_delete(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(idle_has_neither_block_nor_timer),
	    cmocka_unit_test(waiting_states_have_no_block),
	    cmocka_unit_test(receiving_needs_no_block),
	    cmocka_unit_test(block_goes_with_the_last_ack),
	    cmocka_unit_test(block_goes_when_the_hole_is_filled),
	    cmocka_unit_test(block_goes_when_all_is_read),
	    cmocka_unit_test(armed_node_leaves_the_wheel),
	    cmocka_unit_test(block_names_its_connection),
	    cmocka_unit_test(early_call_does_nothing),
	    cmocka_unit_test(earliest_of_all),
	    cmocka_unit_test(late_call),
	    cmocka_unit_test(clock_wraps_while_waiting),
	    cmocka_unit_test(clock_starts_at_zero),
	    cmocka_unit_test(little_room),
	    cmocka_unit_test(no_room),
	    cmocka_unit_test(no_room_for_a_retransmission),
	    cmocka_unit_test(no_room_for_a_reset),
	    cmocka_unit_test(memory_is_enough),
	    cmocka_unit_test(syn_without_room),
	    cmocka_unit_test(wants_output),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
