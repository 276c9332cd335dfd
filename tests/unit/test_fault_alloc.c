/* test_fault_alloc.c - memory that is not there, at each turn of fifty scenarios, and in each amount. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "fault_kit.h"

#include <errno.h>
#include <malloc.h>

/* FAULT_EVERY=N: only every Nth turn (1). */

static const struct scenario scenarios[] = {
    {"nothing is sent", 1, 0, USER_MUTE, WIRE_GOOD, END_CLOSE, 0},
    {"an octet", 1, 1, USER_MUTE, WIRE_GOOD, END_CLOSE, 0},
    {"an octet comes back", 1, 1, USER_ECHO, WIRE_GOOD, END_CLOSE, 0},
    {"a small block", 1, 240, USER_ECHO, WIRE_GOOD, END_CLOSE, 0},
    {"a small block and one", 1, 241, USER_ECHO, WIRE_GOOD, END_CLOSE, 0},
    {"a segment", 1, 1448, USER_ECHO, WIRE_GOOD, END_CLOSE, 0},
    {"ten segments", 1, 14480, USER_ECHO, WIRE_GOOD, END_CLOSE, 0},
    {"more than the window", 1, 100000, USER_ECHO, WIRE_GOOD, END_CLOSE, 0},
    {"bulk", 1, 100000, USER_MUTE, WIRE_GOOD, END_CLOSE, 0},
    {"bulk, read slowly", 1, 100000, USER_KEEPS, WIRE_GOOD, END_CLOSE, 0},
    {"the server closes", 1, 0, USER_CLOSES, WIRE_GOOD, END_WAIT, 0},
    {"both close", 1, 0, USER_CLOSES, WIRE_GOOD, END_CLOSE, 0},
    {"the server closes early", 1, 20000, USER_CLOSES, WIRE_GOOD, END_WAIT, 0},
    {"the server aborts", 1, 0, USER_ABORTS, WIRE_GOOD, END_WAIT, 0},
    {"the server aborts early", 1, 20000, USER_ABORTS, WIRE_GOOD, END_WAIT, 0},
    {"the client aborts", 1, 0, USER_ECHO, WIRE_GOOD, END_ABORT, 0},
    {"the client aborts after a segment", 1, 1448, USER_ECHO, WIRE_GOOD, END_ABORT, 0},
    {"the client aborts in bulk", 1, 50000, USER_KEEPS, WIRE_GOOD, END_ABORT, 0},
    {"eight opened", 8, 0, USER_MUTE, WIRE_GOOD, END_CLOSE, 0},
    {"eight exchanges", 8, 100, USER_ECHO, WIRE_GOOD, END_CLOSE, 0},
    {"eight in bulk", 8, 20000, USER_MUTE, WIRE_GOOD, END_CLOSE, 0},
    {"eight read slowly", 8, 5000, USER_KEEPS, WIRE_GOOD, END_CLOSE, 0},
    {"eight closed by the server", 8, 10, USER_CLOSES, WIRE_GOOD, END_WAIT, 0},
    {"eight aborted", 8, 3000, USER_ABORTS, WIRE_GOOD, END_ABORT, 0},
    {"loss: opened", 4, 0, USER_MUTE, WIRE_LOSES, END_CLOSE, 0},
    {"loss: exchanges", 4, 300, USER_ECHO, WIRE_LOSES, END_CLOSE, 0},
    {"loss: bulk", 1, 60000, USER_MUTE, WIRE_LOSES, END_CLOSE, 0},
    {"loss: bulk both ways", 1, 40000, USER_ECHO, WIRE_LOSES, END_CLOSE, 0},
    {"loss: read slowly", 2, 10000, USER_KEEPS, WIRE_LOSES, END_CLOSE, 0},
    {"loss: closed by the server", 4, 2000, USER_CLOSES, WIRE_LOSES, END_WAIT, 0},
    {"loss: aborted", 4, 2000, USER_ECHO, WIRE_LOSES, END_ABORT, 0},
    {"reordered: exchanges", 4, 3000, USER_ECHO, WIRE_REORDERS, END_CLOSE, 0},
    {"reordered: bulk", 1, 60000, USER_MUTE, WIRE_REORDERS, END_CLOSE, 0},
    {"reordered: bulk both ways", 1, 40000, USER_ECHO, WIRE_REORDERS, END_CLOSE, 0},
    {"reordered: read slowly", 2, 10000, USER_KEEPS, WIRE_REORDERS, END_CLOSE, 0},
    {"reordered: closed by the server", 2, 9000, USER_CLOSES, WIRE_REORDERS, END_WAIT, 0},
    {"reordered: aborted", 2, 9000, USER_ABORTS, WIRE_REORDERS, END_WAIT, 0},
    {"repeated: opened", 8, 0, USER_MUTE, WIRE_REPEATS, END_CLOSE, 0},
    {"repeated: exchanges", 4, 500, USER_ECHO, WIRE_REPEATS, END_CLOSE, 0},
    {"repeated: bulk", 1, 60000, USER_MUTE, WIRE_REPEATS, END_CLOSE, 0},
    {"repeated: aborted", 4, 500, USER_ECHO, WIRE_REPEATS, END_ABORT, 0},
    {"corrupted: exchanges", 4, 500, USER_ECHO, WIRE_CORRUPTS, END_CLOSE, 0},
    {"corrupted: bulk", 1, 50000, USER_MUTE, WIRE_CORRUPTS, END_CLOSE, 0},
    {"far: exchanges", 4, 500, USER_ECHO, WIRE_FAR, END_CLOSE, 0},
    {"far: bulk", 1, 60000, USER_MUTE, WIRE_FAR, END_CLOSE, 0},
    {"far: both close", 4, 100, USER_CLOSES, WIRE_FAR, END_CLOSE, 0},
    {"groups: exchanges", 8, 100, USER_ECHO, WIRE_GOOD, END_CLOSE, 2},
    {"groups: bulk", 8, 10000, USER_MUTE, WIRE_GOOD, END_CLOSE, 2},
    {"groups: loss", 8, 3000, USER_ECHO, WIRE_LOSES, END_CLOSE, 2},
    {"groups: read slowly", 8, 3000, USER_KEEPS, WIRE_REORDERS, END_CLOSE, 2},
};
_Static_assert(N_OF(scenarios) == 50, "fifty");

static void
open_all(struct fault_world *w)
{
	for (unsigned i = 0; i < w->sc->conns; i++)
		fault_connect(w, i, (uint16_t)(5000 + i), w->sc->octets);
}

/* What was refused, or treated as lost, for want of memory. */
static uint64_t
missed(const struct kit_host *h)
{
	struct stack_stats st;

	stack_stats(h->s, &st);
	return st.drop_max_conns + st.drop_no_memory + st.drop_no_frame + st.tcp.drop_no_active +
	       st.tcp.drop_no_block;
}

/* Runs a scenario in which `what` is not to be had at either host for 30 ms, from turn `at` on.
 * Returns how many turns it took, and in *felt whether anything was missed; UINT64_MAX for `at`
 * leaves it untouched. */
static uint64_t
run_robbed(const struct scenario *sc, unsigned what, uint64_t at, unsigned *felt)
{
	static struct fault_world w;
	static struct loot loot[2];
	struct stack_conf c;
	uint64_t back = UINT64_MAX, turns;

	fault_conf(&c, sc);
	fault_start(&w, sc, &c);
	open_all(&w);
	while (!fault_is_idle(&w) && w.now < 40 * KIT_SECOND) {
		if (w.n_turns == at) {
			fault_steal(w.server, what, &loot[0]);
			fault_steal(w.client, what, &loot[1]);
			back = w.now + 30 * KIT_MS;
		}
		fault_turn(&w);
		if (w.now < back)
			continue;
		fault_give_back(w.server, &loot[0]);
		fault_give_back(w.client, &loot[1]);
		back = UINT64_MAX;
	}
	fault_give_back(w.server, &loot[0]);
	fault_give_back(w.client, &loot[1]);
	turns = w.n_turns;
	*felt += w.refused + missed(w.server) + missed(w.client) > 0;
	fault_check(&w);
	fault_assert_service(&w);
	fault_stop(&w);
	return turns;
}

/* At each turn of its undisturbed course; then it is known to pass untouched. Returns how many of
 * the runs felt it. */
static unsigned
sweep(unsigned what)
{
	const char *every = getenv("FAULT_EVERY");
	const uint64_t step = every ? strtoull(every, NULL, 10) : 1;
	unsigned felt = 0;

	for (unsigned i = 0; i < N_OF(scenarios); i++) {
		unsigned untouched = 0;
		const uint64_t turns = run_robbed(&scenarios[i], what, UINT64_MAX, &untouched);

		assert_int_equal(untouched, 0);
		for (uint64_t at = 0; at < turns; at += step)
			run_robbed(&scenarios[i], what, at, &felt);
	}
	return felt;
}

static void
test_no_tcbs(void **state)
{
	(void)state;
	assert_true(sweep(TAKE_TCBS) > 0);
}

static void
test_no_active_blocks(void **state)
{
	(void)state;
	assert_true(sweep(TAKE_ACTS) > 0);
}

static void
test_no_blocks(void **state)
{
	(void)state;
	assert_true(sweep(TAKE_SMALL | TAKE_LARGE) > 0);
}

/* A large one takes the place of a small one. */
static void
test_no_small_blocks(void **state)
{
	(void)state;
	assert_int_equal(sweep(TAKE_SMALL), 0);
}

static void
test_no_frames(void **state)
{
	(void)state;
	assert_true(sweep(TAKE_FRAMES) > 0);
}

static void
test_nothing_at_all(void **state)
{
	(void)state;
	assert_true(sweep(TAKE_TCBS | TAKE_ACTS | TAKE_SMALL | TAKE_LARGE | TAKE_FRAMES) > 0);
}

/* --- less of everything from the beginning --- */

static bool
run_limited(const struct scenario *sc, uint32_t conns, uint32_t active, uint32_t blocks)
{
	static struct fault_world w;
	struct stack_conf c;
	bool untouched;

	fault_conf(&c, sc);
	c.max_conns = conns;
	c.max_active = active;
	c.blocks_small = c.blocks_large = blocks;
	c.group_bits = 0;
	fault_start(&w, sc, &c);
	open_all(&w);
	while (!fault_is_idle(&w) && w.now < 40 * KIT_SECOND)
		fault_turn(&w);
	fault_check(&w);
	untouched = w.refused + missed(w.server) + missed(w.client) == 0;
	fault_stop(&w);
	return untouched;
}

/* One, two, three of them ... until there are enough. */
static void
test_limits(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_OF(scenarios); i++) {
		const struct scenario *sc = &scenarios[i];
		uint32_t n;

		for (n = 1; !run_limited(sc, n, 160, 400); n++)
			assert_in_range(n, 1, 40);
		for (n = 1; !run_limited(sc, 40, n, 400); n += 1 + n / 8)
			assert_in_range(n, 1, 160);
		for (n = 1; !run_limited(sc, 40, 160, n); n += 1 + n / 8)
			assert_in_range(n, 1, 400);
	}
}

/* --- a stack that cannot be made --- */

static void *
reserve_nothing(size_t bytes)
{
	(void)bytes;
	return NULL;
}

static void
test_no_memory_at_all(void **state)
{
	struct stack_conf c;

	(void)state;
	kit_conf(&c);
	c.reserve = reserve_nothing;
	errno = 0;
	assert_null(stack_new(&c));
	assert_int_equal(errno, ENOMEM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_no_tcbs),   cmocka_unit_test(test_no_active_blocks),
	    cmocka_unit_test(test_no_blocks), cmocka_unit_test(test_no_small_blocks),
	    cmocka_unit_test(test_no_frames), cmocka_unit_test(test_nothing_at_all),
	    cmocka_unit_test(test_limits),    cmocka_unit_test(test_no_memory_at_all),
	};

	/* Memory of one host is the next one's: no page faults. */
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
