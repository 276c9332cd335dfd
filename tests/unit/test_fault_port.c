/* test_fault_port.c - a port that gives or takes nothing for 5 s, a peer that goes and comes, a clock that jumps. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "fault_kit.h"

#define HOUR_NS (3600 * KIT_SECOND)
#define DAY_NS	(24 * HOUR_NS)

/* Four connections, with octets in flight, unread, and being echoed, run for 20 ms. */
static const struct scenario busy = {
    "busy", 4, 400000, USER_ECHO, WIRE_FAR, END_CLOSE, 0,
};
static const struct scenario idle = {
    "idle", 4, 1000, USER_ECHO, WIRE_GOOD, END_WAIT, 0,
};

static void
begin(struct fault_world *w, const struct scenario *sc, uint64_t ns)
{
	struct stack_conf c;

	fault_conf(&c, sc);
	c.tcp.retries = 15;
	c.now = HOUR_NS;
	fault_start(w, sc, &c);
	for (unsigned i = 0; i < sc->conns; i++)
		fault_connect(w, i, (uint16_t)(5000 + i), sc->octets);
	fault_run(w, ns);
	fault_check(w);
}

static void
assert_none_lost(const struct fault_world *w)
{
	for (unsigned i = 0; i < w->sc->conns; i++)
		assert_true(w->errand[i].open || w->errand[i].done);
	assert_int_equal(w->refused, 0);
}

/* All is finished that was begun, and every octet has come back. */
static void
assert_finishes(struct fault_world *w, uint64_t ns)
{
	fault_run(w, ns);
	assert_true(fault_is_idle(w));
	assert_int_equal(w->answered, w->sc->conns * w->sc->octets);
	fault_assert_service(w);
	fault_stop(w);
}

/* --- the port --- */

static void
test_no_frames_for_5_s(void **state)
{
	static struct fault_world w;
	static struct loot nothing;

	(void)state;
	begin(&w, &busy, 200 * KIT_MS);
	fault_steal(w.server, TAKE_FRAMES, &nothing);
	fault_run(&w, 5 * KIT_SECOND);
	assert_none_lost(&w);
	fault_give_back(w.server, &nothing);
	assert_finishes(&w, 60 * KIT_SECOND);
}

static void
test_transmit_ring_full_for_5_s(void **state)
{
	static struct fault_world w;
	struct stack_stats st;

	(void)state;
	begin(&w, &busy, 200 * KIT_MS);
	w.server->deaf = true;
	fault_run(&w, 5 * KIT_SECOND);
	assert_none_lost(&w);
	stack_stats(w.server->s, &st);
	assert_true(st.drop_tx > 0); /* what is stale goes */
	w.server->deaf = false;
	assert_finishes(&w, 60 * KIT_SECOND);
}

/* Half a ring at a time is worse than none: something always waits. */
static void
test_transmit_ring_full_by_turns(void **state)
{
	static struct fault_world w;

	(void)state;
	begin(&w, &busy, 200 * KIT_MS);
	for (unsigned i = 0; i < 100; i++) {
		w.server->deaf = !w.server->deaf;
		w.client->poor = !w.client->poor;
		fault_run(&w, 50 * KIT_MS);
	}
	w.server->deaf = w.client->poor = false;
	assert_finishes(&w, 60 * KIT_SECOND);
}

/* --- the peer --- */

/* Frames of both go nowhere; ARP has time to forget. */
static void
vanish(struct fault_world *w, uint64_t ns)
{
	w->server->wire.loss = w->client->wire.loss = 1;
	fault_run(w, ns);
	w->server->wire.loss = w->client->wire.loss = 0;
}

static void
test_peer_returns(void **state)
{
	static struct fault_world w;

	(void)state;
	begin(&w, &busy, 200 * KIT_MS);
	vanish(&w, 5 * KIT_SECOND);
	assert_none_lost(&w);
	assert_finishes(&w, 60 * KIT_SECOND);
}

/* Longer than a neighbour is remembered. */
static void
test_peer_returns_late(void **state)
{
	static struct fault_world w;

	(void)state;
	begin(&w, &busy, 200 * KIT_MS);
	vanish(&w, 90 * KIT_SECOND);
	assert_none_lost(&w);
	assert_finishes(&w, 200 * KIT_SECOND);
}

/* The port comes back with another host behind it, which knows nothing: RST, and service. */
static void
test_another_peer(void **state)
{
	static struct fault_world w;
	struct kit_host *old;
	struct stack_listener l = {.port = 7};
	struct stack_conf c;

	(void)state;
	begin(&w, &idle, KIT_SECOND);
	assert_none_lost(&w);
	old = w.server;
	fault_conf(&c, &idle);
	c.now = w.now;
	c.secret[0] ^= 1;
	w.server = kit_host(&c, 9, FAULT_SERVER, 1); /* another MAC address, too */
	assert_int_equal(stack_listen(w.server->s, &l), 1);
	w.server->arg = &w;
	w.server->on_event = fault_on_server;
	w.server->wire = old->wire;
	w.n_served = 0;
	kit_join(w.server, w.client);
	kit_free(old);
	for (unsigned i = 0; i < w.sc->conns; i++)
		stack_send(w.client->s, w.errand[i].conn, "x", 1);
	fault_run(&w, 5 * KIT_SECOND);
	for (unsigned i = 0; i < w.sc->conns; i++)
		assert_false(w.errand[i].open); /* reset by who does not know them */
	fault_assert_service(&w);
	fault_stop(&w);
}

/* --- the clock --- */

/* An octet each way still arrives, and it can be closed. */
static void
assert_awake(struct fault_world *w)
{
	assert_none_lost(w);
	for (unsigned n = 0; n < w->sc->conns; n++)
		assert_int_equal(stack_send(w->client->s, w->errand[n].conn, "y", 1), 1);
	fault_run(w, 5 * KIT_SECOND);
	assert_int_equal(w->answered, w->sc->conns * (w->sc->octets + 1));
	for (unsigned n = 0; n < w->sc->conns; n++)
		stack_close(w->client->s, w->errand[n].conn, w->now);
	fault_run(w, KIT_SECOND);
	fault_assert_service(w);
	fault_stop(w);
}

/* Connections at rest do not care. */
static void
test_clock_forward_idle(void **state)
{
	static const uint64_t jumps[] = {HOUR_NS, 24 * DAY_NS, 50 * DAY_NS};
	static struct fault_world w;

	(void)state;
	for (unsigned i = 0; i < N_OF(jumps); i++) {
		begin(&w, &idle, KIT_SECOND);
		w.now += jumps[i];
		fault_run(&w, KIT_SECOND);
		assert_awake(&w);
	}
}

/* Timestamps go half around in 24.8 days, the clock of idle connections comes around (RFC 7323 5.5). */
static void
test_idle_for_weeks(void **state)
{
	static const uint64_t days[] = {25, 40, 80};
	static struct fault_world w;

	(void)state;
	for (unsigned i = 0; i < N_OF(days); i++) {
		begin(&w, &idle, KIT_SECOND);
		for (uint64_t n = 0; n < days[i] * 4; n++) {
			w.now += 6 * HOUR_NS;
			fault_run(&w, KIT_SECOND);
		}
		assert_awake(&w);
	}
}

/* Timers of all that is in flight come at once; one repetition each, and nothing is given up. */
static void
test_clock_forward_busy(void **state)
{
	static const uint64_t jumps[] = {KIT_SECOND, HOUR_NS, 50 * DAY_NS};
	static struct fault_world w;

	(void)state;
	for (unsigned i = 0; i < N_OF(jumps); i++) {
		begin(&w, &busy, 200 * KIT_MS);
		w.now += jumps[i];
		fault_run(&w, KIT_SECOND);
		assert_none_lost(&w);
		assert_finishes(&w, 200 * KIT_SECOND);
	}
}

/* Counters of two cores differ by a few ticks, a machine that was moved by more. */
static void
test_clock_back(void **state)
{
	static const uint64_t jumps[] = {1, 1000, KIT_MS, 10 * KIT_SECOND};
	static struct fault_world w;

	(void)state;
	for (unsigned i = 0; i < N_OF(jumps); i++) {
		begin(&w, &busy, 200 * KIT_MS);
		for (unsigned n = 0; n < 20; n++) {
			w.now -= jumps[i];
			fault_turn(&w);
			fault_run(&w, 20 * KIT_MS + jumps[i]);
			fault_check(&w);
		}
		assert_finishes(&w, 200 * KIT_SECOND);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_frames_for_5_s),
	    cmocka_unit_test(test_transmit_ring_full_for_5_s),
	    cmocka_unit_test(test_transmit_ring_full_by_turns),
	    cmocka_unit_test(test_peer_returns),
	    cmocka_unit_test(test_peer_returns_late),
	    cmocka_unit_test(test_another_peer),
	    cmocka_unit_test(test_clock_forward_idle),
	    cmocka_unit_test(test_idle_for_weeks),
	    cmocka_unit_test(test_clock_forward_busy),
	    cmocka_unit_test(test_clock_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
