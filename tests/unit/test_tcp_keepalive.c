/* test_tcp_keepalive.c - probes and limits where nothing happens (RFC 9293 3.8.4). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "tcp_states.h"

/* Two hours, then five probes a minute apart. */
static struct kit_opts
opts(void)
{
	struct kit_opts o = kit_plain();

	o.profile.keepalive_ns = 7200 * KIT_S;
	o.profile.keepalive_interval_ns = 60 * KIT_S;
	o.profile.keepalive_count = 5;
	return o;
}

static struct kit *
keeper(void)
{
	const struct kit_opts o = opts();

	return kit_accepted(&o);
}

/* MUST-25: off unless asked for. */
static void
off_by_default(void **state)
{
	const struct kit_opts o = kit_plain();
	struct kit *k = kit_accepted(&o);

	(void)state;
	assert_int_equal(tcp_deadline(&k->ctx, k->t, k->now), UINT64_MAX);
	expect_silence_for(k, 100 * 3600e3);
	kit_delete(k);
}

/* MUST-28 */
static void
defaults(void **state)
{
	(void)state;
	assert_true(TCP_KEEPALIVE_NS >= 7200 * KIT_S);
	assert_true(TCP_KEEPALIVE_COUNT <= TCP_KEEPALIVE_COUNT_MAX);
}

/* SHLD-12: no octets, left of the peer's window; without an active block. */
static void
probe_after_silence(void **state)
{
	struct kit *k = keeper();

	(void)state;
	expect_after(k, 7200e3, 2, ". 0 ack 1");
	assert_false(tcb_is_active(k->t));
	assert_int_equal(k->ctx.stats.keepalives_out, 1);
	in(k, ". 1 ack 1");
	expect_silence(k);
	expect_after(k, 7200e3, 2, ". 0 ack 1"); /* an answer is activity */
	kit_delete(k);
}

/* MUST-29: no single probe that nobody answers says that the peer is gone; all of them do. */
static void
nobody_answers(void **state)
{
	struct kit *k = keeper();

	(void)state;
	expect_after(k, 7200e3, 2, ". 0 ack 1");
	for (unsigned i = 1; i < 5; i++)
		expect_after(k, 60e3, 2, ". 0 ack 1");
	expect_silence_for(k, 59e3);
	expect_state(k, TCP_ESTABLISHED);
	kit_run_ms(k, 2000);
	expect_silence(k);
	expect_gone(k);
	expect_events(k, TCP_EV_TIMEOUT | TCP_EV_CLOSED);
	assert_int_equal(k->ctx.stats.keepalive_ended, 1);
	expect_idle(k);
	kit_delete(k);
}

/* The last probe's answer is in time. */
static void
last_answer(void **state)
{
	struct kit *k = keeper();

	(void)state;
	expect_after(k, 7200e3, 2, ". 0 ack 1");
	for (unsigned i = 1; i < 5; i++)
		expect_after(k, 60e3, 2, ". 0 ack 1");
	kit_run_ms(k, 59e3);
	in(k, ". 1 ack 1");
	for (unsigned i = 0; i < 3; i++) { /* and the count begins anew */
		expect_after(k, i == 0 ? 7200e3 : 60e3, 2, ". 0 ack 1");
		expect_state(k, TCP_ESTABLISHED);
	}
	kit_delete(k);
}

/* MUST-26: octets and ACKs either way put it off. */
static void
activity_puts_it_off(void **state)
{
	struct kit *k = keeper();

	(void)state;
	kit_run_ms(k, 7000e3);
	in(k, ". 1(10) ack 1");
	expect_after(k, 40, 2, ". 1 ack 11");
	kit_run_ms(k, 7000e3);
	expect_silence(k);
	kit_send(k, 10);
	expect(k, "P. 1(10) ack 11");
	in(k, ". 11 ack 11");
	kit_run_ms(k, 7000e3);
	expect_silence(k);
	in(k, ". 11 ack 11"); /* an ACK with nothing new */
	kit_run_ms(k, 7000e3);
	expect_silence(k);
	expect_after(k, 200e3, 2, ". 10 ack 11");
	kit_delete(k);
}

/* MUST-26: only when nothing is in flight: that is asked after by its own timer. */
static void
not_while_something_is_in_flight(void **state)
{
	struct kit_opts o = opts();
	struct kit *k;

	(void)state;
	o.profile.keepalive_ns = 100 * KIT_MS;
	k = kit_accepted(&o);
	kit_send(k, 10);
	expect(k, "P. 1(10) ack 1");
	kit_wait(k, 3000);
	expect(k, "P. 1(10) ack 1"); /* a retransmission, no probe */
	assert_int_equal(k->ctx.stats.keepalives_out, 0);
	in(k, ". 1 ack 11");
	in(k, ". 1 ack 11 win 0");
	k->next = k->n_sent;
	kit_send(k, 10);
	kit_wait(k, 5000);
	expect(k, ". 11(1) ack 1"); /* persist */
	assert_int_equal(k->ctx.stats.keepalives_out, 0);
	kit_delete(k);
}

/* With an active block that has something to keep, but nothing in flight. */
static void
unread_octets(void **state)
{
	struct kit *k = keeper();

	(void)state;
	k->slow_reader = true;
	in(k, ". 1(10) ack 1");
	expect_after(k, 40, 2, ". 1 ack 11");
	assert_true(tcb_is_active(k->t));
	kit_wait(k, 7300e3);
	expect(k, ". 0 ack 11");
	in(k, ". 11 ack 1");
	expect_silence_for(k, 7190e3);
	expect_after(k, 9e3, 2000, ". 0 ack 11");
	for (unsigned i = 1; i < 5; i++)
		expect_after(k, 60e3, 2, ". 0 ack 11");
	chain_free(&k->ctx.blocks, tcp_rcvq(&k->ctx, k->t));
	kit_run_ms(k, 61e3);
	expect_gone(k);
	kit_delete(k);
}

/* Half-closed by the peer, too; and where another timer looks after the connection, none. */
static void
states(void **state)
{
	struct kit_opts o = opts();
	struct kit *k;

	(void)state;
	o.profile.keepalive_ns = 10 * KIT_S;
	k = kit_close_wait(&o);
	expect_after(k, 10e3, 2, ". 0 ack 2");
	kit_delete(k);
	k = kit_fin_wait_2(&o);
	expect_silence_for(k, 59e3);
	kit_delete(k);
	k = kit_time_wait(&o);
	expect_silence_for(k, 59e3);
	kit_delete(k);
}

/* The peer has forgotten us. */
static void
reset_ends_it(void **state)
{
	struct kit *k = keeper();

	(void)state;
	expect_after(k, 7200e3, 2, ". 0 ack 1");
	in(k, "R 1");
	expect_gone(k);
	expect_events(k, TCP_EV_RESET | TCP_EV_CLOSED);
	kit_delete(k);
}

/* No room for the probe is no probe: it is sent when there is. */
static void
no_room(void **state)
{
	struct kit *k = keeper();

	(void)state;
	k->now += 7201 * KIT_S;
	tcp_out_init(&k->out, 0);
	tcp_timeout(&k->ctx, k->t, k->now, &k->out);
	assert_int_equal(k->t->probes, 0);
	expect_after(k, 0, 1, ". 0 ack 1");
	kit_delete(k);
}

/* Fifteen fit into the tcb; more are asked for in vain. */
static void
most_probes(void **state)
{
	struct kit_opts o = opts();
	struct kit *k;

	(void)state;
	o.profile.keepalive_count = 255;
	k = kit_accepted(&o);
	kit_run_ms(k, 7200e3 + 14.5 * 60e3);
	assert_int_equal(k->n_sent, TCP_KEEPALIVE_COUNT_MAX);
	assert_string_equal(tcp_state_name(k->t->state), "ESTABLISHED");
	kit_run_ms(k, 60e3);
	expect_gone(k);
	kit_delete(k);
}

/* Count and interval left out. */
static void
profile_defaults(void **state)
{
	struct kit_opts o = opts();
	struct kit *k;

	(void)state;
	o.profile.keepalive_interval_ns = 0;
	o.profile.keepalive_count = 0;
	k = kit_accepted(&o);
	expect_after(k, 7200e3, 2, ". 0 ack 1");
	for (unsigned i = 1; i < TCP_KEEPALIVE_COUNT; i++)
		expect_after(k, 75e3, 2, ". 0 ack 1");
	kit_run_ms(k, 76e3);
	expect_gone(k);
	kit_delete(k);
}

/* C16: the other end's probes, with and without an octet of rubbish, are answered each. */
static void
c16_probes_of_the_peer(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k = kit_accepted(&o);

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		kit_run_ms(k, 1000);
		in(k, ". 0(%u) ack 1", i & 1);
		expect(k, ". 1 ack 1");
	}
	assert_int_equal(k->rx_len, 0);
	kit_delete(k);
}

/* Two ends of ours keep each other alive. */
static void
answers_to_each_other(void **state)
{
	struct kit *k = keeper();

	(void)state;
	kit_run_ms(k, 7100e3);
	in(k, ". 0 ack 1");
	expect(k, ". 1 ack 1");
	expect_silence_for(k, 7190e3); /* his probe is a sign of life */
	expect_after(k, 9e3, 2000, ". 0 ack 1");
	kit_delete(k);
}

/* --- limit of idle time --- */

static void
idle_limit(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	o.profile.idle_ns = 300 * KIT_S;
	k = kit_accepted(&o);
	kit_run_ms(k, 200e3);
	in(k, ". 1(10) ack 1");
	expect_after(k, 40, 2, ". 1 ack 11");
	expect_silence_for(k, 299e3);
	expect_after(k, 0.9e3, 100, "R. 1 ack 11");
	expect_gone(k);
	expect_events(k, TCP_EV_TIMEOUT | TCP_EV_CLOSED);
	assert_int_equal(k->ctx.stats.idle_ended, 1);
	kit_delete(k);
}

/* Whichever comes first: answers to probes are activity, so a peer that is there outlives a longer
 * limit. */
static void
idle_limit_and_probes(void **state)
{
	struct kit_opts o = opts();
	struct kit *k;

	(void)state;
	o.profile.idle_ns = 3600 * KIT_S;
	k = kit_accepted(&o);
	expect_after(k, 3600e3, 2, "R. 1 ack 1");
	expect_gone(k);
	kit_delete(k);
	o.profile.idle_ns = 3 * 3600 * KIT_S;
	k = kit_accepted(&o);
	for (unsigned i = 0; i < 4; i++) {
		expect_after(k, 7200e3, 2, ". 0 ack 1");
		in(k, ". 1 ack 1");
	}
	expect_state(k, TCP_ESTABLISHED);
	kit_delete(k);
}

/* Unread octets do not save it: they are lost with the connection, which the peer learns. */
static void
idle_limit_with_an_active_block(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;

	(void)state;
	o.profile.idle_ns = 300 * KIT_S;
	k = kit_accepted(&o);
	in(k, ". 101(10) ack 1"); /* a hole that is never filled */
	expect(k, ". 1 ack 1");
	expect_after(k, 300e3, 2, "R. 1 ack 1");
	expect_gone(k);
	expect_idle(k);
	kit_delete(k);
}

/* --- the host's visits --- */

static void
sweep_says_what_is_due(void **state)
{
	struct kit *k = keeper();

	(void)state;
	assert_false(tcp_sweep(&k->ctx, k->t, k->now));
	k->now += 7199 * KIT_S;
	assert_false(tcp_sweep(&k->ctx, k->t, k->now));
	k->now += 2 * KIT_S;
	assert_true(tcp_sweep(&k->ctx, k->t, k->now));
	tcp_out_init(&k->out, k->room);
	tcp_timeout(&k->ctx, k->t, k->now, &k->out);
	kit_after(k, NULL);
	expect(k, ". 0 ack 1");
	assert_false(tcp_sweep(&k->ctx, k->t, k->now));
	kit_delete(k);
}

static void
sweep_of_a_slot_without_connection(void **state)
{
	struct kit *k = keeper();
	struct tcb none = {.state = TCP_FREE};

	(void)state;
	assert_false(tcp_sweep(&k->ctx, &none, k->now));
	none.state = TCP_CLOSED;
	assert_false(tcp_sweep(&k->ctx, &none, k->now));
	kit_delete(k);
}

/* Late visits make late probes, of the right number. */
static void
late_visits(void **state)
{
	struct kit *k = keeper();
	unsigned visits = 0;

	(void)state;
	while (k->t && visits++ < 100) {
		k->now += 45 * 60 * KIT_S;
		if (!tcp_sweep(&k->ctx, k->t, k->now))
			continue;
		tcp_out_init(&k->out, k->room);
		tcp_timeout(&k->ctx, k->t, k->now, &k->out);
		kit_after(k, NULL);
	}
	assert_int_equal(k->n_sent, 5);
	expect_gone(k);
	kit_delete(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(off_by_default),
	    cmocka_unit_test(defaults),
	    cmocka_unit_test(probe_after_silence),
	    cmocka_unit_test(nobody_answers),
	    cmocka_unit_test(last_answer),
	    cmocka_unit_test(activity_puts_it_off),
	    cmocka_unit_test(not_while_something_is_in_flight),
	    cmocka_unit_test(unread_octets),
	    cmocka_unit_test(states),
	    cmocka_unit_test(reset_ends_it),
	    cmocka_unit_test(no_room),
	    cmocka_unit_test(most_probes),
	    cmocka_unit_test(profile_defaults),
	    cmocka_unit_test(c16_probes_of_the_peer),
	    cmocka_unit_test(answers_to_each_other),
	    cmocka_unit_test(idle_limit),
	    cmocka_unit_test(idle_limit_and_probes),
	    cmocka_unit_test(idle_limit_with_an_active_block),
	    cmocka_unit_test(sweep_says_what_is_due),
	    cmocka_unit_test(sweep_of_a_slot_without_connection),
	    cmocka_unit_test(late_visits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
