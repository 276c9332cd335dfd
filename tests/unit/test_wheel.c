/* test_wheel.c - base/wheel.h against a table that is searched from end to end. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "base/rng.h"
#include "base/wheel.h"

enum { NODES = 256, BURST = 64 };

struct object {
	char before[8];
	struct wheel_node timer;
	char after[8];
};

/* The model: what each node should do. */
struct expected {
	bool armed;
	uint64_t tick; /* when it fires */
	uint64_t order;
};

struct fixture {
	struct wheel wheel;
	struct object objects[NODES];
	struct expected model[NODES];
	uint64_t now_ns, additions;
	struct rng rng;
};

static void
start(struct fixture *f, unsigned tick_shift, uint64_t now_ns, uint64_t seed)
{
	memset(f, 0x55, sizeof(*f));
	memset(f->model, 0, sizeof(f->model));
	wheel_init(&f->wheel, f->objects, sizeof(f->objects[0]), offsetof(struct object, timer),
		   tick_shift, now_ns);
	for (int i = 0; i < NODES; i++)
		wheel_node_init(&f->objects[i].timer);
	f->now_ns = now_ns;
	f->additions = 0;
	rng_seed(&f->rng, seed, tick_shift);
}

static uint64_t
model_now(const struct fixture *f)
{
	return f->now_ns >> f->wheel.tick_shift;
}

static uint64_t
first_tick_from(uint64_t ns, unsigned shift)
{
	return ns / (UINT64_C(1) << shift) + (ns % (UINT64_C(1) << shift) != 0);
}

static void
add(struct fixture *f, uint32_t h, uint64_t deadline_ns)
{
	struct expected *e = &f->model[h];

	wheel_add(&f->wheel, h, deadline_ns);
	e->armed = true;
	e->tick = first_tick_from(deadline_ns, f->wheel.tick_shift);
	if (e->tick < model_now(f))
		e->tick = model_now(f);
	if (e->tick > model_now(f) + UINT32_MAX)
		e->tick = model_now(f) + UINT32_MAX;
	e->order = f->additions++;
}

static void
del(struct fixture *f, uint32_t h)
{
	wheel_del(&f->wheel, h);
	f->model[h].armed = false;
}

/* The armed node that fires first, or NODES. */
static uint32_t
model_first(const struct fixture *f)
{
	uint32_t first = NODES;

	for (uint32_t h = 0; h < NODES; h++) {
		const struct expected *e = &f->model[h], *best = &f->model[first % NODES];

		if (e->armed && (first == NODES || e->tick < best->tick ||
				 (e->tick == best->tick && e->order < best->order)))
			first = h;
	}
	return first;
}

/* What fires is what the model says, in its order, and all of it. */
static unsigned
expire(struct fixture *f, unsigned max)
{
	uint32_t handles[BURST];
	unsigned total = 0, n;

	do {
		n = wheel_expire(&f->wheel, f->now_ns, handles, max);
		assert_true(n <= max);
		for (unsigned i = 0; i < n; i++) {
			uint32_t want = model_first(f);

			assert_int_equal(handles[i], want);
			assert_true(f->model[want].tick <= model_now(f)); /* never early */
			assert_false(wheel_is_armed(&f->objects[want].timer));
			f->model[want].armed = false;
		}
		total += n;
	} while (n == max);
	assert_true(model_first(f) == NODES || f->model[model_first(f)].tick > model_now(f));
	return total;
}

static void
check_next(const struct fixture *f)
{
	uint64_t next = wheel_next_ns(&f->wheel);
	uint32_t first = model_first(f);

	if (first == NODES)
		assert_true(next == UINT64_MAX);
	else
		assert_true(next <= f->model[first].tick << f->wheel.tick_shift);
}

/* From nothing to 2^32 ticks, all magnitudes alike; sometimes in the past. */
static uint64_t
draw_deadline(struct fixture *f)
{
	const unsigned shift = f->wheel.tick_shift;
	uint64_t span = rng_u64(&f->rng) >> (64 - 32 - shift + rng_below(&f->rng, 32 + shift));

	if (rng_chance(&f->rng, 0.05))
		return f->now_ns > span ? f->now_ns - span : 0;
	return f->now_ns + span;
}

static void
run_model(struct fixture *f, int operations, unsigned max_jump_bits)
{
	for (int i = 0; i < operations; i++) {
		uint32_t h = (uint32_t)rng_below(&f->rng, NODES);
		uint64_t what = rng_below(&f->rng, 100);

		if (what < 60)
			add(f, h, draw_deadline(f));
		else if (what < 85)
			del(f, h);
		else {
			f->now_ns +=
			    rng_u64(&f->rng) >> (64 - rng_below(&f->rng, max_jump_bits) - 1);
			expire(f, (unsigned)rng_below(&f->rng, BURST) + 1);
			check_next(f);
		}
		assert_int_equal(wheel_is_armed(&f->objects[h].timer), f->model[h].armed);
	}
}

static void
check_neighbours(const struct fixture *f)
{
	for (int i = 0; i < NODES; i++)
		for (int j = 0; j < 8; j++) {
			assert_int_equal(f->objects[i].before[j], 0x55);
			assert_int_equal(f->objects[i].after[j], 0x55);
		}
}

/* Two million operations: small and large ticks, small steps and jumps of years. */
static void
test_model(void **state)
{
	static struct fixture f;
	static const struct {
		unsigned tick_shift;
		uint64_t now_ns;
		unsigned jump_bits;
	} runs[] = {
	    {20, 0, 30},
	    {20, UINT64_C(0xffffffff) << 20, 40}, /* the 32-bit tick wraps at once */
	    {20, UINT64_C(1) << 60, 52},
	    {10, (UINT64_C(1) << 42) - 12345, 38},
	    {0, (UINT64_C(3) << 32) - 100, 20},
	    {0, UINT64_C(0xfffffff0), 34},
	};

	(void)state;
	for (size_t i = 0; i < N_OF(runs); i++) {
		start(&f, runs[i].tick_shift, runs[i].now_ns, i);
		run_model(&f, 2000000 / (int)N_OF(runs), runs[i].jump_bits);
		check_neighbours(&f);
	}
}

/* Who sleeps until wheel_next_ns, and no longer, is on time for every node. */
static void
test_sleeper_is_on_time(void **state)
{
	static struct fixture f;
	unsigned wakes = 0;

	(void)state;
	start(&f, 20, (UINT64_C(1) << 52) - (UINT64_C(1) << 30), 7);
	for (int round = 0; round < 20000; round++) {
		uint32_t first;
		uint64_t next;

		for (int i = 0; i < 3; i++)
			add(&f, (uint32_t)rng_below(&f.rng, NODES), draw_deadline(&f));
		first = model_first(&f);
		next = wheel_next_ns(&f.wheel);
		assert_true(next <= f.model[first].tick << 20);
		if (next > f.now_ns)
			f.now_ns = next;
		wakes += expire(&f, BURST) == 0;
	}
	/* Early only by way of a higher level: at most three times for each node. */
	assert_true(wakes < 3 * 3 * 20000 / 2);
}

/* Alone in the wheel, a node is reached with at most three early wakes. */
static void
test_few_early_wakes(void **state)
{
	static struct fixture f;

	(void)state;
	start(&f, 20, UINT64_C(987654321987654321), 8);
	for (int i = 0; i < 10000; i++) {
		int wakes = 0;

		add(&f, 0, draw_deadline(&f));
		do {
			uint64_t next = wheel_next_ns(&f.wheel);

			assert_true(wakes++ < 4);
			f.now_ns = next > f.now_ns ? next : f.now_ns;
		} while (expire(&f, 1) == 0);
	}
}

static void
test_never_early_to_the_nanosecond(void **state)
{
	static struct fixture f;
	const uint64_t tick = UINT64_C(1) << 20;
	uint32_t h;

	(void)state;
	start(&f, 20, 5 * tick + 3, 9);
	add(&f, 1, 7 * tick);
	add(&f, 2, 7 * tick + 1);
	assert_int_equal(wheel_expire(&f.wheel, 7 * tick - 1, &h, 1), 0);
	assert_true(wheel_next_ns(&f.wheel) == 7 * tick);
	assert_int_equal(wheel_expire(&f.wheel, 7 * tick, &h, 1), 1);
	assert_int_equal(h, 1);
	assert_int_equal(wheel_expire(&f.wheel, 8 * tick - 1, &h, 1), 0);
	assert_int_equal(wheel_expire(&f.wheel, 8 * tick, &h, 1), 1);
	assert_int_equal(h, 2);
	assert_true(wheel_next_ns(&f.wheel) == UINT64_MAX);
}

static void
test_past_fires_at_next_call(void **state)
{
	static struct fixture f;
	uint32_t h;

	(void)state;
	start(&f, 20, UINT64_C(1) << 40, 10);
	add(&f, 1, 0);
	assert_true(wheel_next_ns(&f.wheel) <= f.now_ns);
	assert_int_equal(wheel_expire(&f.wheel, f.now_ns, &h, 1), 1);
	assert_int_equal(h, 1);
	/* Also when the call before has just passed this very tick. */
	add(&f, 2, f.now_ns);
	assert_int_equal(wheel_expire(&f.wheel, f.now_ns, &h, 1), 1);
	assert_int_equal(h, 2);
}

/* The horizon itself, one tick short of it, and what lies beyond. */
static void
test_horizon(void **state)
{
	static struct fixture f;
	const uint64_t start_tick = (UINT64_C(5) << 32) + 77, last = start_tick + UINT32_MAX;
	uint32_t handles[4];

	(void)state;
	start(&f, 4, start_tick << 4, 11);
	add(&f, 1, last << 4);
	add(&f, 2, (last - 1) << 4);
	add(&f, 3, UINT64_MAX);
	assert_int_equal(wheel_expire(&f.wheel, (last - 1) * 16 - 1, handles, 4), 0);
	assert_int_equal(wheel_expire(&f.wheel, (last - 1) << 4, handles, 4), 1);
	assert_int_equal(handles[0], 2);
	assert_int_equal(wheel_expire(&f.wheel, last * 16 - 1, handles, 4), 0);
	assert_int_equal(wheel_expire(&f.wheel, last << 4, handles, 4), 2);
	assert_int_equal(handles[0], 1);
	assert_int_equal(handles[1], 3);
	assert_int_equal(f.wheel.n, 0);
}

static void
test_add_moves_and_del_is_idle(void **state)
{
	static struct fixture f;
	uint32_t handles[4];

	(void)state;
	start(&f, 20, 0, 12);
	wheel_del(&f.wheel, 5);
	assert_int_equal(f.wheel.n, 0);
	for (uint64_t s = 100; s > 0; s--)
		wheel_add(&f.wheel, 5, s * 1000000000);
	assert_int_equal(f.wheel.n, 1);
	assert_int_equal(wheel_expire(&f.wheel, 999999999, handles, 4), 0);
	assert_int_equal(wheel_expire(&f.wheel, 1001000000, handles, 4), 1);
	assert_int_equal(wheel_expire(&f.wheel, UINT64_C(200000000000), handles, 4), 0);
	wheel_add(&f.wheel, 5, 0);
	wheel_del(&f.wheel, 5);
	wheel_del(&f.wheel, 5);
	assert_false(wheel_is_armed(&f.objects[5].timer));
	assert_true(wheel_next_ns(&f.wheel) == UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_sleeper_is_on_time),
	    cmocka_unit_test(test_few_early_wakes),
	    cmocka_unit_test(test_never_early_to_the_nanosecond),
	    cmocka_unit_test(test_past_fires_at_next_call),
	    cmocka_unit_test(test_horizon),
	    cmocka_unit_test(test_add_moves_and_del_is_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
