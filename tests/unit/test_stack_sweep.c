/* test_stack_sweep.c - hours and weeks without a word: keepalive, idle limits, old timestamps in the host. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "stack_pair.h"

#include "host/group.h"

#define HOUR (3600 * KIT_SECOND)
#define DAY  (24 * HOUR)

static unsigned n_frames;

static void
count_frames(struct kit_host *h, const struct frame *f, uint64_t now)
{
	(void)h;
	(void)f;
	(void)now;
	n_frames++;
}

/* Client's profile as given, the server's plain. */
static void
start_with(struct pair *p, const struct tcp_profile *profile)
{
	struct stack_conf c;

	kit_conf(&c);
	c.now = KIT_SECOND;
	c.profile = *profile;
	start(p, &c);
}

static void
test_alive(void **state)
{
	const struct tcp_profile keep = {.keepalive_ns = 2 * HOUR};
	struct stack_stats st;
	struct pair p;
	uint32_t id;

	(void)state;
	start_with(&p, &keep);
	id = open_conn(&p, 5000, PORT_MUTE);
	run(&p, 24 * HOUR + 60 * KIT_SECOND);
	assert_int_equal(stack_tcb(p.client->s, id)->state, TCP_ESTABLISHED);
	stack_stats(p.client->s, &st);
	/* A probe in two hours; each may be late by a visit. */
	assert_in_range(st.tcp.keepalives_out, 10, 12);
	assert_int_equal(st.active, 0);
	stop(&p);
}

static void
test_dead(void **state)
{
	const struct tcp_profile keep = {.keepalive_ns = 100 * KIT_SECOND,
					 .keepalive_interval_ns = 20 * KIT_SECOND,
					 .keepalive_count = 4};
	struct stack_stats st;
	struct pair p;

	(void)state;
	start_with(&p, &keep);
	for (uint16_t i = 0; i < 300; i++) /* more than wake in one turn */
		open_conn(&p, (uint16_t)(5000 + i), PORT_MUTE);
	run(&p, 10 * KIT_SECOND);
	assert_int_equal(p.seen.connected, 300);
	p.server->deaf = true;
	run(&p, 160 * KIT_SECOND);
	assert_int_equal(p.seen.closed, 0);
	run(&p, 40 * KIT_SECOND);
	assert_int_equal(p.seen.closed, 300);
	assert_int_equal(p.seen.why, STACK_WHY_TIMEOUT);
	stack_stats(p.client->s, &st);
	assert_int_equal(st.tcp.keepalives_out, 4 * 300);
	assert_int_equal(st.tcp.keepalive_ended, 300);
	assert_empty(p.client);
	p.server->deaf = false;
	stop(&p);
}

/* A listener's own limit; the peer learns of it. */
static void
test_idle(void **state)
{
	const struct tcp_profile none = {.quickack = false};
	const struct stack_listener l = {.port = 4444, .profile = {.idle_ns = 60 * KIT_SECOND}};
	struct pair p;
	uint32_t id, other;

	(void)state;
	start_with(&p, &none);
	run(&p, HOUR); /* the hand has gone round slowly so far */
	assert_int_equal(stack_listen(p.server->s, &l), 3);
	id = open_conn(&p, 5000, 4444);
	other = open_conn(&p, 5001, PORT_MUTE);
	run(&p, 50 * KIT_SECOND);
	assert_int_equal(stack_send(p.client->s, id, "x", 1), 1);
	run(&p, 55 * KIT_SECOND);
	assert_int_equal(p.seen.closed, 0);
	run(&p, 25 * KIT_SECOND);
	assert_int_equal(p.seen.closed, 1);
	assert_int_equal(p.seen.why, STACK_WHY_RESET);
	assert_int_equal(p.ended, 1);
	run(&p, DAY);
	assert_int_equal(stack_tcb(p.client->s, other)->state, TCP_ESTABLISHED);
	stop(&p);
}

/* RFC 7323 5.5: after weeks without a word the peer's clock has gone round. */
static void
test_sixty_days(void **state)
{
	const struct tcp_profile none = {.quickack = false};
	struct stack_stats st;
	struct pair p;
	uint32_t id;

	(void)state;
	start_with(&p, &none);
	id = open_conn(&p, 5000, PORT_ECHO);
	run(&p, KIT_SECOND);
	for (unsigned i = 0; i < 3; i++) {
		run(&p, (i == 0 ? 26 : 60) * DAY);
		p.seen.octets = 0;
		assert_int_equal(stack_send(p.client->s, id, "hello, world", 12), 12);
		run(&p, KIT_SECOND);
		assert_int_equal(p.seen.octets, 12);
	}
	stack_stats(p.server->s, &st);
	assert_int_equal(st.tcp.drop_paws, 0);
	stack_stats(p.client->s, &st);
	assert_int_equal(st.tcp.drop_paws, 0);
	stop(&p);
}

/* A quiet host sleeps: nothing is sent, and it wakes a few times a day, or not at all. */
static void
test_quiet(void **state)
{
	const struct tcp_profile none = {.quickack = false};
	struct pair p;

	(void)state;
	start_with(&p, &none);
	run(&p, KIT_SECOND);
	assert_int_equal(stack_timers(p.client->s, p.now), UINT64_MAX);
	open_conn(&p, 5000, PORT_MUTE);
	run(&p, 10 * KIT_SECOND);
	p.client->on_tx = p.server->on_tx = count_frames;
	n_frames = 0;
	run(&p, 12 * HOUR);
	assert_in_range(stack_timers(p.client->s, p.now), p.now + HOUR, p.now + 12 * HOUR);
	assert_int_equal(n_frames, 0);
	stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_alive), cmocka_unit_test(test_dead),
	    cmocka_unit_test(test_idle),  cmocka_unit_test(test_sixty_days),
	    cmocka_unit_test(test_quiet),
	};
	int failed = cmocka_run_group_tests_name("one group", tests, NULL, NULL);

	kit_group_bits = 4;
	return failed + cmocka_run_group_tests_name("16 groups", tests, NULL, NULL);
}
