/* test_conntab.c - the connection table against a naive model; its growth, memory and lookups. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "base/rng.h"
#include "host/conntab.h"

enum { MODEL_MAX = 20000, MODEL_OPS = 10 * 1000 * 1000, GROWN = 1000000 };

struct fixture {
	struct pool conns;
	struct conntab t;
	struct flow *flow;
	void *mem;
};

static const struct flow_key key = {UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)};

static void
setup(struct fixture *fx, uint32_t max)
{
	fx->flow = calloc(max, sizeof(*fx->flow));
	assert_int_equal(posix_memalign(&fx->mem, 64, conntab_bytes(max)), 0);
	memset(fx->mem, 0, conntab_bytes(max));
	pool_init(&fx->conns, fx->flow, sizeof(*fx->flow), max);
	conntab_init(&fx->t, fx->mem, max, &fx->conns, &key);
}

static void
teardown(struct fixture *fx)
{
	free(fx->flow);
	free(fx->mem);
}

/* Sequential, as clients choose them: a table must not need random tuples. */
static struct flow
nth_flow(uint32_t i)
{
	return (struct flow){
	    .laddr = 0xc0a8030a,
	    .raddr = 0x0a000001 + i / 60000,
	    .lport = 80,
	    .rport = (uint16_t)(1024 + i % 60000),
	};
}

static uint32_t
find(const struct conntab *t, const struct flow *f)
{
	return conntab_find(t, flow_hash(&t->key, f), f);
}

static uint32_t
insert(struct fixture *fx, const struct flow *f)
{
	uint32_t h = pool_get(&fx->conns);

	fx->flow[h] = *f;
	assert_int_equal(conntab_insert(&fx->t, h), 0);
	return h;
}

static void
drop(struct fixture *fx, uint32_t h)
{
	conntab_remove(&fx->t, h);
	pool_put(&fx->conns, h);
}

/* The model: which handle each of MODEL_MAX flows has. */
static void
test_model(void **state)
{
	struct fixture fx;
	uint32_t *model = malloc(MODEL_MAX * sizeof(*model)), n = 0;
	struct rng r;

	(void)state;
	setup(&fx, MODEL_MAX);
	rng_seed(&r, 7, 0);
	memset(model, 0xff, MODEL_MAX * sizeof(*model));
	for (uint32_t op = 0; op < MODEL_OPS; op++) {
		uint32_t i = (uint32_t)rng_below(&r, MODEL_MAX);
		/* Phases of growth and decline, so that it goes through all sizes several times. */
		bool grow = op / (MODEL_OPS / 8) % 2 == 0;
		struct flow f = nth_flow(i);

		assert_int_equal(find(&fx.t, &f), model[i]);
		if (model[i] == POOL_NONE && rng_chance(&r, grow ? 0.9 : 0.1)) {
			model[i] = insert(&fx, &f);
			n++;
		} else if (model[i] != POOL_NONE && rng_chance(&r, grow ? 0.1 : 0.9)) {
			drop(&fx, model[i]);
			model[i] = POOL_NONE;
			n--;
		}
		assert_int_equal(fx.t.n, n);
		if (op % 500000 == 0)
			conntab_check(&fx.t);
	}
	for (uint32_t i = 0; i < MODEL_MAX; i++)
		if (model[i] != POOL_NONE)
			drop(&fx, model[i]);
	assert_int_equal(fx.t.n, 0);
	assert_int_equal(fx.t.overflow.in_use, 0);
	conntab_check(&fx.t);
	free(model);
	teardown(&fx);
}

/* Each bucket that is split moves what is in it and nothing else: those are looked up, with some
 * others. */
static void
test_growth(void **state)
{
	struct fixture fx;
	double worst = 0;

	(void)state;
	setup(&fx, GROWN);
	for (uint32_t i = 0; i < GROWN; i++) {
		uint32_t before = conntab_n_buckets(&fx.t);
		struct flow f = nth_flow(i);

		assert_int_equal(insert(&fx, &f), i);
		if (conntab_n_buckets(&fx.t) == before)
			continue;
		for (uint32_t k = 0; k < 16; k++) {
			uint32_t j = (uint32_t)((uint64_t)i * (k + 1) / 16);

			f = nth_flow(j);
			assert_int_equal(find(&fx.t, &f), j);
		}
		if (i > 10000) {
			double each = (double)conntab_used_bytes(&fx.t) / (i + 1);

			worst = each > worst ? each : worst;
		}
	}
	conntab_check(&fx.t);
	assert_true(worst > 8 && worst < 10.3);
	for (uint32_t i = 0; i < GROWN; i++)
		drop(&fx, i);
	assert_int_equal(fx.t.overflow.in_use, 0);
	teardown(&fx);
}

/* Nothing of a table that is empty, or holds few, is touched beyond its first buckets. */
static void
test_small(void **state)
{
	struct fixture fx;
	const uint8_t *mem;

	(void)state;
	setup(&fx, GROWN);
	mem = fx.mem;
	for (uint32_t i = 0; i < 400; i++) {
		struct flow f = nth_flow(i);

		insert(&fx, &f);
	}
	assert_int_equal(conntab_n_buckets(&fx.t), CONNTAB_MIN_BUCKETS);
	for (size_t i = CONNTAB_MIN_BUCKETS * sizeof(struct conntab_bucket);
	     i < fx.t.max_buckets * sizeof(struct conntab_bucket); i++)
		assert_int_equal(mem[i], 0);
	teardown(&fx);
}

/* Tables of every small size hold what they promise, whatever the distribution. */
static void
test_capacity(void **state)
{
	(void)state;
	for (uint32_t max = 1; max < 1500; max += 7) {
		struct fixture fx;

		setup(&fx, max);
		for (uint32_t i = 0; i < max; i++) {
			struct flow f = nth_flow(i);

			insert(&fx, &f);
		}
		conntab_check(&fx.t);
		teardown(&fx);
	}
}

/* The guess of the prefetch stage is right for all but the entries in overflow and a few whose tags
 * are equal: a lookup costs little more than two lines. */
static void
test_guess(void **state)
{
	struct fixture fx;
	uint32_t wrong = 0;

	(void)state;
	setup(&fx, 200000);
	for (uint32_t i = 0; i < 200000; i++) {
		struct flow f = nth_flow(i);

		insert(&fx, &f);
	}
	for (uint32_t i = 0; i < 200000; i++) {
		struct flow f = nth_flow(i);

		wrong += conntab_guess(&fx.t, flow_hash(&key, &f)) != i;
	}
	assert_true(wrong < 200000 * 13 / 100);
	teardown(&fx);
}

/* Overflow that is exhausted refuses the entry and harms nothing. */
static void
test_exhausted(void **state)
{
	struct fixture fx;
	uint32_t n = 0, h;

	(void)state;
	setup(&fx, 4000);
	fx.t.max_buckets = CONNTAB_MIN_BUCKETS; /* no growth */
	fx.t.overflow.max = 5;
	for (;;) {
		h = pool_get(&fx.conns);
		fx.flow[h] = nth_flow(n);
		if (conntab_insert(&fx.t, h) != 0)
			break;
		n++;
	}
	assert_in_range(n, 300, CONNTAB_MIN_BUCKETS * CONNTAB_WAYS + 50);
	conntab_check(&fx.t);
	assert_int_equal(find(&fx.t, &fx.flow[h]), POOL_NONE);
	for (uint32_t i = 0; i < n; i++)
		drop(&fx, i);
	assert_int_equal(fx.t.overflow.in_use, 0);
	teardown(&fx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model), cmocka_unit_test(test_growth),
	    cmocka_unit_test(test_small), cmocka_unit_test(test_capacity),
	    cmocka_unit_test(test_guess), cmocka_unit_test(test_exhausted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
