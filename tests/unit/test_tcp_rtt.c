/* test_tcp_rtt.c - SRTT, RTTVAR and RTO against the arithmetic of RFC 6298. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <math.h>

#include "tcp_states.h"

/* RFC 6298 2 in floating point, ms. */
struct estimate {
	double srtt, rttvar;
	bool valid;
};

static void
measure(struct estimate *e, double r)
{
	if (!e->valid) {
		*e = (struct estimate){r, r / 2, true}; /* (2.2) */
		return;
	}
	e->rttvar = 0.75 * e->rttvar + 0.25 * fabs(e->srtt - r); /* (2.3) */
	e->srtt = 0.875 * e->srtt + 0.125 * r;
}

static double
rto(const struct estimate *e, double least, double most)
{
	const double v = 4 * e->rttvar > 1 ? 4 * e->rttvar : 1; /* G is 1 ms */

	return fmin(fmax(e->srtt + v, least), most);
}

static struct kit_opts
opts(bool timestamps, double first_rtt, double least_ms)
{
	struct kit_opts o = {.cfg = kit_config(), .no_ts = !timestamps, .rtt_ms = first_rtt};

	o.cfg.rto_min_ns = (uint64_t)(least_ms * 1e6);
	return o;
}

/* The timer that now runs, in ms from now. */
static double
timer_ms(const struct kit *k)
{
	const uint64_t at = tcp_deadline(&k->ctx, k->t, k->now);

	assert_true(at != UINT64_MAX && at >= k->now);
	return (double)(at - k->now) / 1e6;
}

static void
assert_near(double got, double wanted)
{
	if (fabs(got - wanted) > 0.01 * wanted + 0.002)
		fail_msg("RTO %.4f ms, by the RFC %.4f ms", got, wanted);
}

/* One octet after the other, each answered after the next RTT of the list; the RTO after each. */
static void
follow(const double *rtt, unsigned n, bool timestamps, double least_ms)
{
	const struct kit_opts o = opts(timestamps, rtt[0], least_ms);
	struct kit *k = kit_established(&o);
	struct estimate e = {.valid = false};

	measure(&e, rtt[0]);
	for (unsigned i = 1; i < n; i++) {
		kit_send(k, 1);
		assert_near(timer_ms(k), rto(&e, least_ms, 120000));
		kit_run_ms(k, rtt[i]);
		in(k, ". 1 ack %u", i + 1);
		measure(&e, rtt[i]);
	}
	assert_int_equal(k->ctx.stats.rto_expired, 0);
	kit_delete(k);
}

static const double steady[] = {100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100, 100};
static const double rising[] = {10, 12, 15, 19, 24, 30, 37, 45, 54, 64, 75, 87};
static const double falling[] = {300, 250, 200, 150, 100, 80, 60, 40, 30, 20, 10, 5};
static const double spike[] = {50, 50, 50, 50, 85, 50, 50, 50, 50, 50, 50, 50};
static const double sawtooth[] = {80, 120, 80, 120, 80, 120, 80, 120, 80, 120, 80, 120};
static const double lan[] = {0.2, 0.25, 0.3, 0.2, 0.21, 0.22, 0.3, 0.25, 0.2, 0.2, 0.2, 0.2};
static const double satellite[] = {600, 650, 700, 640, 600, 610, 620, 600, 600, 600, 600, 605};
static const double moon[] = {2600, 2600, 2700, 2500, 2600, 2600,
			      2600, 2600, 2600, 2600, 2600, 2600};
static const double *const sequences[] = {steady,   rising, falling,   spike,
					  sawtooth, lan,    satellite, moon};

static void
worked_sequences(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(sequences); i++)
		for (int ts = 0; ts < 2; ts++)
			if (sequences[i] != moon) /* its SYN would be repeated */
				follow(sequences[i], 12, ts, 1);
}

static void
minimum_of_200_ms(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(sequences); i++)
		if (sequences[i] != moon)
			follow(sequences[i], 12, true, 200);
}

/* 1,000 random walks. */
static void
random_sequences(void **state)
{
	uint32_t x = 12345;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		double rtt[12];

		for (unsigned j = 0; j < 12; j++) {
			x = x * 1664525 + 1013904223;
			rtt[j] = 20 + (x >> 8) % 1000 / 50.0; /* never past the RTO */
		}
		follow(rtt, 12, i % 2, 1);
	}
}

static void
initial_rto_is_a_second(void **state)
{
	struct kit *k = kit_syn_sent(NULL);

	(void)state;
	assert_near(timer_ms(k), 1000); /* (2.1) */
	kit_delete(k);
	k = kit_syn_received(NULL);
	assert_near(timer_ms(k), 1000);
	kit_delete(k);
}

static void
rto_is_capped(void **state)
{
	struct kit_opts o = opts(false, 0, 200);
	struct kit *k;

	(void)state;
	o.cfg.rto_max_ns = 60 * KIT_S;
	k = kit_established(&o);
	kit_send(k, 1);
	for (unsigned i = 0; i < 12; i++) {
		assert_near(timer_ms(k), fmin(200 * pow(2, i), 60000)); /* (5.5), (2.5) */
		kit_run_ms(k, timer_ms(k));
	}
	assert_int_equal(k->ctx.stats.rto_expired, 12);
	kit_delete(k);
}

/* F8, Karn: an ACK of what was sent twice is no measurement, and the back-off stays until there is
 * one. */
static void
f8_karn_without_timestamps(void **state)
{
	const struct kit_opts o = opts(false, 100, 1);
	struct kit *k = kit_established(&o);
	struct estimate e = {.valid = false};

	(void)state;
	measure(&e, 100);
	kit_send(k, 1);
	kit_run_ms(k, timer_ms(k));
	kit_run_ms(k, 5);
	in(k, ". 1 ack 2");
	kit_send(k, 1);
	assert_near(timer_ms(k), 2 * rto(&e, 1, 120000));
	kit_run_ms(k, 90);
	in(k, ". 1 ack 3");
	measure(&e, 90);
	kit_send(k, 1);
	assert_near(timer_ms(k), rto(&e, 1, 120000));
	kit_delete(k);
}

/* With timestamps the echo says which copy was answered. */
static void
f8_timestamps_measure_retransmissions(void **state)
{
	const struct kit_opts o = opts(true, 100, 1);
	struct kit *k = kit_established(&o);
	struct estimate e = {.valid = false};

	(void)state;
	measure(&e, 100);
	kit_send(k, 1);
	kit_run_ms(k, timer_ms(k));
	kit_run_ms(k, 80);
	in(k, ". 1 ack 2"); /* ts_ecr is of the second copy */
	measure(&e, 80);
	kit_send(k, 1);
	assert_near(timer_ms(k), rto(&e, 1, 120000));
	kit_delete(k);
}

/* A peer that echoes nonsense must not break the estimate: zero, the future, ages ago. */
static void
absurd_echo(void **state)
{
	static const int64_t off[] = {INT64_MIN, 1000000, -1000000000, 5};

	(void)state;
	for (size_t i = 0; i < N_OF(off); i++) {
		const struct kit_opts o = opts(true, 100, 1);
		struct kit *k = kit_established(&o);

		kit_send(k, 1);
		kit_run_ms(k, timer_ms(k));
		in(k, ". 1 ack 2 ts %u:%u", kit_peer_tsval(k),
		   off[i] == INT64_MIN ? 0 : (uint32_t)((int64_t)k->ts_ecr + off[i]));
		kit_send(k, 1);
		assert_true(timer_ms(k) < 1000);
		kit_delete(k);
	}
}

/* The estimate outlives the active block, 0.05 % apart at most each time. */
static void
estimate_survives_idling(void **state)
{
	const struct kit_opts o = opts(true, 123.456, 1);
	struct kit *k = kit_established(&o);
	struct estimate e = {.valid = false};
	uint32_t h;

	(void)state;
	measure(&e, 123.456);
	expect_idle(k);
	kit_run_ms(k, 3600e3);
	h = pool_get(&k->ctx.acts); /* not the same block again */
	kit_send(k, 1);
	assert_near(timer_ms(k), rto(&e, 1, 120000));
	pool_put(&k->ctx.acts, h);
	kit_delete(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(worked_sequences),
	    cmocka_unit_test(minimum_of_200_ms),
	    cmocka_unit_test(random_sequences),
	    cmocka_unit_test(initial_rto_is_a_second),
	    cmocka_unit_test(rto_is_capped),
	    cmocka_unit_test(f8_karn_without_timestamps),
	    cmocka_unit_test(f8_timestamps_measure_retransmissions),
	    cmocka_unit_test(absurd_echo),
	    cmocka_unit_test(estimate_survives_idling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
