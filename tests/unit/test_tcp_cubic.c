/* test_tcp_cubic.c - CUBIC's window against RFC 9438 in floating point; HyStart++ against RFC 9406. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <math.h>

#include "tcp/tcp_cubic.h"

/* --- the RFC's formulas, in segments and seconds --- */

static const double C = 0.4, BETA = 0.7;

struct reference {
	double w_max, prior, k, w_est, cwnd;
};

static void
reference_reduce(struct reference *r)
{
	r->prior = r->cwnd;
	r->w_max = r->cwnd < r->w_max ? r->cwnd * (1 + BETA) / 2 : r->cwnd; /* 4.7 */
	r->cwnd = fmax(r->cwnd * BETA, 2);				    /* 4.6 */
}

static void
reference_begin(struct reference *r)
{
	if (r->cwnd > r->w_max)
		r->w_max = r->cwnd;
	r->k = cbrt((r->w_max - r->cwnd) / C); /* (2) */
	r->w_est = r->cwnd;
}

static double
reference_window(const struct reference *r, double t)
{
	return C * pow(t - r->k, 3) + r->w_max; /* (1) */
}

/* One segment acknowledged, t seconds after the epoch began. */
static void
reference_acked(struct reference *r, double t, double rtt)
{
	const double alpha = r->w_est < r->prior ? 3 * (1 - BETA) / (1 + BETA) : 1;
	const double target = reference_window(r, t + rtt);

	r->w_est += alpha / r->cwnd; /* (4) */
	if (reference_window(r, t) < r->w_est)
		r->cwnd = fmax(r->cwnd, r->w_est);
	else
		r->cwnd += fmax(0, fmin(target, 1.5 * r->cwnd) - r->cwnd) / r->cwnd;
}

/* --- a path on which a window leaves every RTT, evenly spread --- */

struct path {
	struct cubic c;
	struct reference r;
	uint32_t cwnd, mss;
	double rtt, now, epoch; /* s */
	unsigned per_ack;	/* segments */
};

static void
path_init(struct path *p, double segments, double rtt, uint32_t mss)
{
	*p = (struct path){.mss = mss, .rtt = rtt, .now = 100, .epoch = 100, .per_ack = 1};
	cubic_init(&p->c);
	p->cwnd = (uint32_t)(segments * mss);
	p->r.cwnd = segments;
	reference_begin(&p->r);
}

static void
path_lose(struct path *p)
{
	p->cwnd = cubic_reduce(&p->c, p->cwnd, p->cwnd, p->mss);
	reference_reduce(&p->r);
	reference_begin(&p->r);
	p->epoch = p->now;
}

static void
path_ack(struct path *p)
{
	p->now += p->rtt * p->per_ack * p->mss / p->cwnd;
	p->cwnd = cubic_avoid(&p->c, p->cwnd, p->mss * p->per_ack, p->mss, (uint32_t)(p->rtt * 1e6),
			      (uint32_t)(p->now * 1000));
	for (unsigned i = 0; i < p->per_ack; i++)
		reference_acked(&p->r, p->now - p->epoch, p->rtt);
}

static void
assert_close(const struct path *p, double most)
{
	const double got = (double)p->cwnd / p->mss;

	if (fabs(got - p->r.cwnd) > most * p->r.cwnd + 0.05)
		fail_msg("rtt %g s, mss %u, %g s after the loss: %.3f segments, by the RFC %.3f",
			 p->rtt, p->mss, p->now - p->epoch, got, p->r.cwnd);
}

static const double windows[] = {4, 10, 25, 100, 400, 1500, 6000};
static const double rtts[] = {0.0002, 0.002, 0.01, 0.04, 0.1, 0.3};
static const uint32_t sizes[] = {100, 536, 1448, 8948};

/* F13: after one loss, until well beyond the old window, at every ACK. */
static void
single_loss(void **state)
{
	(void)state;
	for (size_t w = 0; w < N_OF(windows); w++)
		for (size_t t = 0; t < N_OF(rtts); t++)
			for (size_t m = 0; m < N_OF(sizes); m++) {
				struct path p;

				path_init(&p, windows[w], rtts[t], sizes[m]);
				path_ack(&p);
				path_lose(&p);
				p.per_ack = windows[w] < 20 ? 1 : 1 + (w + t + m) % 2;
				for (unsigned n = 0; n < 30000 && p.now - p.epoch < 2 * p.r.k + 1;
				     n++) {
					path_ack(&p);
					assert_close(&p, 0.03);
				}
			}
}

/* The curve itself: concave, the plateau after K, convex (4.4, 4.5). */
static void
curve(void **state)
{
	(void)state;
	for (size_t w = 2; w < N_OF(windows); w++)
		for (size_t m = 0; m < N_OF(sizes); m++) {
			struct path p;

			path_init(&p, windows[w], 0.1, sizes[m]);
			path_lose(&p);
			cubic_avoid(&p.c, p.cwnd, p.mss, p.mss, 100000, 100000);
			for (double t = 0; t < 3 * p.r.k; t += 0.01) {
				const double is =
				    cubic_window(&p.c, (uint32_t)(t * 1000 + 0.5), p.mss) /
				    (double)p.mss;

				if (fabs(is - reference_window(&p.r, t)) >
				    0.001 * windows[w] + 0.02)
					fail_msg("at %g s: %g, by the RFC %g", t, is,
						 reference_window(&p.r, t));
			}
			assert_in_range(p.c.k_ms, (uint32_t)(p.r.k * 1000) - 1,
					(uint32_t)(p.r.k * 1000) + 1);
		}
}

/* Losses one after the other: the same windows, fast convergence and all. */
static void
many_losses(void **state)
{
	static const unsigned apart[] = {20, 300, 5000, 700, 100, 100, 8000, 50, 3000};

	(void)state;
	for (size_t t = 0; t < N_OF(rtts); t++) {
		struct path p;

		path_init(&p, 100, rtts[t], 1448);
		for (size_t i = 0; i < N_OF(apart); i++) {
			for (unsigned n = 0; n < apart[i]; n++)
				path_ack(&p);
			assert_close(&p, 0.05);
			path_lose(&p);
			assert_close(&p, 0.05);
		}
	}
}

/* RFC 9438 5.1: the average window when one segment in 1/p is lost, where K is many round trips. */
static void
steady_state(void **state)
{
	static const struct {
		double p, rtt;
	} t[] = {{1e-4, 0.1}, {3e-5, 0.1}, {1e-5, 0.1}, {1e-5, 0.05}};

	(void)state;
	for (size_t i = 0; i < N_OF(t); i++) {
		const double formula =
		    pow(C * (3 + BETA) / (4 * (1 - BETA)), 0.25) * pow(t[i].rtt / t[i].p, 0.75);
		const unsigned every = (unsigned)(1 / t[i].p);
		double sum = 0, time = 0;
		struct path p;

		path_init(&p, formula, t[i].rtt, 1448);
		for (unsigned n = 1; n <= 40 * every; n++) {
			const double before = p.now;

			path_ack(&p);
			if (n % every == 0)
				path_lose(&p);
			if (n < 10 * every)
				continue;
			sum += (double)p.cwnd / p.mss * (p.now - before);
			time += p.now - before;
		}
		if (fabs(sum / time - formula) > 0.05 * formula)
			fail_msg("p %g, RTT %g s: %.1f segments, by the RFC %.1f", t[i].p, t[i].rtt,
				 sum / time, formula);
	}
}

/* 4.3: where the product of bandwidth and delay is small, no less than Reno: 9/17 of a segment an RTT up to the old window, then 1. */
static void
reno_friendly(void **state)
{
	static const double rtt[] = {0.001, 0.005, 0.02};

	(void)state;
	for (size_t i = 0; i < N_OF(rtt); i++) {
		struct path p;
		double rounds = 0;

		path_init(&p, 20, rtt[i], 1000);
		path_lose(&p);
		assert_int_equal(p.cwnd, 14000);
		while (p.cwnd < 20000) {
			path_ack(&p);
			rounds += 1000.0 / p.cwnd;
		}
		if (fabs(rounds - 6 * 17 / 9.0) > 0.5)
			fail_msg("%g round trips for 6 segments", rounds);
		for (rounds = 0; p.cwnd < 25000; rounds += 1000.0 / p.cwnd)
			path_ack(&p);
		if (fabs(rounds - 5) > 0.5)
			fail_msg("%g round trips for 5 segments", rounds);
	}
}

/* --- single rules --- */

static void
reduction(void **state)
{
	static const struct {
		uint32_t w_max, cwnd, flight, mss, ssthresh, new_w_max;
	} t[] = {
	    {0, 100000, 100000, 1000, 70000, 100000},
	    {100000, 100000, 100000, 1000, 70000, 100000},
	    {120000, 100000, 100000, 1000, 70000, 85000}, /* 4.7 */
	    {90000, 100000, 100000, 1000, 70000, 100000},
	    {0, 100000, 50000, 1000, 35000, 100000}, /* of what is in flight */
	    {0, 2000, 2000, 1000, 2000, 2000},	     /* two segments at least */
	    {0, 10000, 1000, 1460, 2920, 10000},
	    {0, 0x40000000, 0x40000000, 1460, 751619276, 0x40000000},
	};

	(void)state;
	for (size_t i = 0; i < N_OF(t); i++) {
		struct cubic c;

		cubic_init(&c);
		c.w_max = t[i].w_max;
		assert_int_equal(cubic_reduce(&c, t[i].cwnd, t[i].flight, t[i].mss), t[i].ssthresh);
		assert_int_equal(c.w_max, t[i].new_w_max);
		assert_int_equal(c.prior, t[i].cwnd);
	}
}

/* 4.8: after a timeout slow start goes as far as ssthresh, and from there K is 0. */
static void
after_a_timeout(void **state)
{
	struct cubic c;
	uint32_t cwnd;

	(void)state;
	cubic_init(&c);
	cwnd = cubic_timeout(&c, 100000, 100000, 1000);
	assert_int_equal(cwnd, 70000);
	cwnd = cubic_avoid(&c, cwnd, 1000, 1000, 100000, 5000);
	assert_int_equal(c.k_ms, 0);
	assert_int_equal(c.w_max, 70000);
	assert_in_range(cwnd, 70000, 70100);
}

/* 4.2: time in which the window was not used up does not count: the curve goes on where it was. */
static void
limited_time_does_not_count(void **state)
{
	struct cubic a, b;
	uint32_t wa, wb;

	(void)state;
	cubic_init(&a);
	cubic_init(&b);
	wa = cubic_reduce(&a, 1000000, 1000000, 1000);
	wb = cubic_reduce(&b, 1000000, 1000000, 1000);
	for (uint32_t ms = 0; ms < 8000; ms++) {
		wa = cubic_avoid(&a, wa, 5000, 1000, 100000, ms);
		if (ms == 3000) {
			cubic_limited(&b, 3000);
			cubic_limited(&b, 30000);
		}
		wb = cubic_avoid(&b, wb, 5000, 1000, 100000, ms < 3000 ? ms : ms + 60000);
	}
	assert_in_range(wb, wa - wa / 200, wa + wa / 200);
}

/* No window beyond what a window can be, no division by nothing, however long it lasts. */
static void
extremes(void **state)
{
	static const uint32_t times[] = {0, 1, 1000, 100000, 1 << 20, 1 << 24, UINT32_MAX};
	static const uint32_t cwnds[] = {1, 60, 1460, 100000, 0x3fffffff};

	(void)state;
	for (size_t w = 0; w < N_OF(cwnds); w++)
		for (size_t t = 0; t < N_OF(times); t++)
			for (size_t m = 0; m < N_OF(sizes); m++) {
				struct cubic c;
				uint32_t cwnd = cwnds[w];

				cubic_init(&c);
				cubic_reduce(&c, 0x3fffffff, cwnd, sizes[m]);
				cubic_avoid(&c, cwnd, 1, sizes[m], 1, 7);
				cwnd = cubic_avoid(&c, cwnd, 65535, sizes[m], 100000, 7 + times[t]);
				assert_in_range(cwnd, cwnds[w],
						cwnds[w] + cwnds[w] / 2 + 65535 +
						    65535ull * sizes[m] / cwnds[w]);
			}
}

/* --- HyStart++ --- */

/* n ACKs of a segment each, all of one RTT; what the last one said. */
static enum hystart_phase
round_of(struct hystart *h, uint32_t *una, unsigned n, uint32_t rtt_us)
{
	const uint32_t end = *una + n * 1000;
	enum hystart_phase phase = HYSTART_SLOW;

	for (unsigned i = 0; i < n; i++) {
		*una += 1000;
		phase = hystart_ack(h, *una, end + (i + 1) * 2000, rtt_us);
	}
	return phase;
}

static void
hystart_table(void **state)
{
	static const struct {
		unsigned n[8];
		uint32_t rtt_us[8];
		enum hystart_phase phase[8];
	} t[] = {
	    /* steady */
	    {{10, 20, 40, 80}, {50000, 50000, 50000, 50000}, {0, 0, 0, 0}},
	    /* 12.5 % of 50 ms are 6.25 ms */
	    {{10, 20, 40}, {50000, 56200, 56200}, {0, 0, 0}},
	    {{10, 20, 40}, {50000, 56300, 56300}, {0, 1, 1}},
	    /* 4 ms at least, 16 ms at most */
	    {{10, 20, 40}, {1000, 4900, 4900}, {0, 0, 0}},
	    {{10, 20, 40}, {1000, 5000, 5000}, {0, 1, 1}},
	    {{10, 20, 40}, {400000, 415900, 415900}, {0, 0, 0}},
	    {{10, 20, 40}, {400000, 416000, 416000}, {0, 1, 1}},
	    /* fewer than eight samples say nothing */
	    {{10, 7, 14}, {50000, 90000, 90000}, {0, 0, 0}},
	    /* five rounds of conservative slow start, the first one the one that noticed it */
	    {{10, 10, 10, 10, 10, 10, 10},
	     {50000, 60000, 60000, 60000, 60000, 60000, 60000},
	     {0, 1, 1, 1, 1, 2, 2}},
	    /* the delay goes: slow start again */
	    {{10, 10, 10, 10}, {50000, 60000, 59000, 59000}, {0, 1, 0, 0}},
	    {{10, 10, 10, 10}, {50000, 60000, 50000, 60000}, {0, 1, 0, 1}},
	    /* ACKs without a measurement */
	    {{10, 10, 10}, {50000, 0, 90000}, {0, 0, 0}},
	};

	(void)state;
	for (size_t i = 0; i < N_OF(t); i++) {
		uint32_t una = UINT32_MAX - 15000; /* wraps */
		struct hystart h;

		hystart_init(&h, una + 10000);
		for (unsigned r = 0; r < 8 && t[i].n[r] > 0; r++) {
			h.round_end = una + t[i].n[r] * 1000;
			if (round_of(&h, &una, t[i].n[r], t[i].rtt_us[r]) != t[i].phase[r])
				fail_msg("row %zu, round %u", i, r);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(single_loss),     cmocka_unit_test(curve),
	    cmocka_unit_test(many_losses),     cmocka_unit_test(steady_state),
	    cmocka_unit_test(reno_friendly),   cmocka_unit_test(reduction),
	    cmocka_unit_test(after_a_timeout), cmocka_unit_test(limited_time_does_not_count),
	    cmocka_unit_test(extremes),	       cmocka_unit_test(hystart_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
