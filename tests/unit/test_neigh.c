/* test_neigh.c - the neighbour table through its states, and under floods. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "inet/neigh.h"

#define SECOND UINT64_C(1000000000)
#define START  (100 * SECOND)

enum { SLOTS = 64, HOST = 0x0a000002 };

static struct neigh slots[1024];
static struct neigh_table table;
static struct neigh_table *const t = &table;

static const uint8_t mac_a[6] = {2, 0, 0, 0, 0, 0xa}, mac_b[6] = {2, 0, 0, 0, 0, 0xb};

static int
setup(void **state)
{
	(void)state;
	memset(slots, 0xaa, sizeof(slots));
	neigh_table_init(t, slots, SLOTS);
	return 0;
}

static enum neigh_result
look(uint32_t ip, uint64_t now)
{
	uint8_t mac[6];

	return neigh_lookup(t, ip, now, mac);
}

static bool
has_mac(uint32_t ip, uint64_t now, const uint8_t want[6])
{
	uint8_t mac[6];

	return neigh_lookup(t, ip, now, mac) == NEIGH_FOUND && memcmp(mac, want, 6) == 0;
}

/* Nobody, or whom to ask, as a state. */
static enum neigh_state
due(uint64_t now)
{
	const struct neigh *n = neigh_next_due(t, now);

	return n == NULL ? NEIGH_FREE : (enum neigh_state)n->state;
}

static void
resolved(uint32_t ip, uint64_t now)
{
	assert_int_equal(look(ip, now), NEIGH_PENDING);
	assert_int_equal(due(now), NEIGH_INCOMPLETE);
	assert_int_equal(neigh_hear(t, ip, mac_a, now), NEIGH_RESOLVED);
}

/* The list of those to be asked: just those, and in order of time but for those already due. */
static void
check_table(uint64_t now)
{
	uint32_t listed = 0, incomplete = 0, to_ask = 0;
	uint16_t prev = 0xffff;
	uint64_t last = 0;

	for (uint16_t i = t->head; i != 0xffff; prev = i, i = t->slot[i].next, listed++) {
		assert_int_equal(t->slot[i].prev, prev);
		assert_true(t->slot[i].state != NEIGH_FREE && t->slot[i].state != NEIGH_REACHABLE);
		assert_true(t->slot[i].until_ns >= last || last <= now);
		last = t->slot[i].until_ns;
		assert_true(listed <= t->n_slots);
	}
	assert_int_equal(t->tail, prev);
	for (uint32_t i = 0; i < t->n_slots; i++) {
		const struct neigh *n = &t->slot[i];

		incomplete += n->state == NEIGH_INCOMPLETE;
		to_ask += n->prev != 0xfffe;
		assert_true((n->ip == 0) == (n->state == NEIGH_FREE));
		if (n->state == NEIGH_INCOMPLETE || n->state == NEIGH_STALE)
			assert_int_not_equal(n->prev, 0xfffe);
		assert_true(n->tries <= NEIGH_TRIES);
	}
	assert_int_equal(incomplete, t->n_incomplete);
	assert_int_equal(to_ask, listed);
}

static void
test_resolve(void **state)
{
	(void)state;
	assert_int_equal(neigh_deadline(t), UINT64_MAX);
	assert_int_equal(look(HOST, START), NEIGH_PENDING);
	assert_int_equal(neigh_deadline(t), START);
	assert_int_equal(due(START), NEIGH_INCOMPLETE);
	assert_int_equal(due(START), NEIGH_FREE);
	assert_int_equal(look(HOST, START + 1), NEIGH_PENDING);
	assert_int_equal(neigh_hear(t, HOST, mac_a, START + 2), NEIGH_RESOLVED);
	assert_true(has_mac(HOST, START + 3, mac_a));
	assert_int_equal(neigh_deadline(t), UINT64_MAX);
	assert_int_equal(t->stats.resolved, 1);
	check_table(START);
}

/* RFC 1122 2.3.2.1: however often it is wanted, it is asked once a second. */
static void
test_asked_once_a_second(void **state)
{
	unsigned asked = 0;

	(void)state;
	for (uint64_t now = START; now < START + 10 * SECOND; now += SECOND / 100) {
		assert_int_not_equal(look(HOST, now), NEIGH_FOUND);
		while (neigh_next_due(t, now) != NULL)
			asked++;
	}
	assert_int_equal(asked, 10);
	check_table(START);
}

static void
test_nobody_answers(void **state)
{
	(void)state;
	assert_int_equal(look(HOST, START), NEIGH_PENDING);
	for (unsigned i = 0; i < NEIGH_TRIES; i++) {
		assert_int_equal(neigh_deadline(t), START + i * SECOND);
		assert_int_equal(due(START + i * SECOND), NEIGH_INCOMPLETE);
	}
	assert_int_equal(due(START + 3 * SECOND), NEIGH_FREE);
	assert_int_equal(t->stats.failed, 1);
	assert_int_equal(neigh_deadline(t), UINT64_MAX); /* not by itself any more */
	assert_int_equal(look(HOST, START + 4 * SECOND), NEIGH_UNREACHABLE);
	assert_int_equal(due(START + 4 * SECOND), NEIGH_FAILED);
	assert_int_equal(due(START + 4 * SECOND), NEIGH_FREE);
	assert_int_equal(look(HOST, START + 4 * SECOND + 1), NEIGH_UNREACHABLE);
	assert_int_equal(due(START + 4 * SECOND + 1), NEIGH_FREE);
	assert_int_equal(neigh_hear(t, HOST, mac_a, START + 4 * SECOND + 2), NEIGH_RESOLVED);
	assert_true(has_mac(HOST, START + 4 * SECOND + 3, mac_a));
	check_table(START);
}

static void
test_refreshed_by_unicast(void **state)
{
	uint64_t old = START + NEIGH_REACHABLE_NS;

	(void)state;
	resolved(HOST, START);
	assert_true(has_mac(HOST, old - 1, mac_a));
	assert_int_equal(due(old - 1), NEIGH_FREE);
	assert_true(has_mac(HOST, old, mac_a));
	assert_int_equal(due(old), NEIGH_STALE);
	assert_int_equal(due(old), NEIGH_FREE);
	assert_true(has_mac(HOST, old + 1, mac_a));
	assert_int_equal(neigh_hear(t, HOST, mac_a, old + 2), NEIGH_KNOWN);
	assert_int_equal(neigh_deadline(t), UINT64_MAX);
	assert_true(has_mac(HOST, old + 2 + NEIGH_REACHABLE_NS - 1, mac_a));
	assert_int_equal(t->stats.confirmed, 1);
	check_table(START);
}

static void
test_not_refreshed_when_not_used(void **state)
{
	(void)state;
	resolved(HOST, START);
	assert_int_equal(due(START + 1000 * SECOND), NEIGH_FREE);
	assert_true(has_mac(HOST, START + 1000 * SECOND, mac_a));
	assert_int_equal(due(START + 1000 * SECOND), NEIGH_STALE);
}

/* Used until three questions had no answer; then it is looked for by broadcast, if anybody wants it. */
static void
test_goes_away(void **state)
{
	uint64_t old = START + NEIGH_REACHABLE_NS;

	(void)state;
	resolved(HOST, START);
	for (unsigned i = 0; i < NEIGH_TRIES; i++) {
		assert_true(has_mac(HOST, old + i * SECOND, mac_a));
		assert_int_equal(due(old + i * SECOND), NEIGH_STALE);
	}
	assert_true(has_mac(HOST, old + 3 * SECOND - 1, mac_a));
	assert_int_equal(due(old + 3 * SECOND), NEIGH_INCOMPLETE);
	assert_int_equal(t->stats.expired, 1);
	assert_int_equal(look(HOST, old + 3 * SECOND), NEIGH_PENDING);
	check_table(START);
}

static void
test_goes_away_unwanted(void **state)
{
	uint64_t old = START + NEIGH_REACHABLE_NS;

	(void)state;
	resolved(HOST, START);
	assert_true(has_mac(HOST, old, mac_a));
	assert_int_equal(due(old), NEIGH_STALE);
	assert_int_equal(due(old + 5 * SECOND), NEIGH_STALE); /* the caller was late */
	assert_int_equal(due(old + 6 * SECOND), NEIGH_STALE);
	assert_int_equal(due(old + 7 * SECOND), NEIGH_FREE);
	assert_int_equal(t->stats.expired, 1);
	assert_int_equal(neigh_hear(t, HOST, mac_a, old + 7 * SECOND), NEIGH_UNKNOWN);
	check_table(START);
}

static void
test_conflict_old_one_answers(void **state)
{
	uint64_t now = START + SECOND; /* not earlier: it has only just answered */

	(void)state;
	resolved(HOST, START);
	assert_true(has_mac(HOST, now - 1, mac_a));
	assert_int_equal(neigh_hear(t, HOST, mac_b, now - 1), NEIGH_KNOWN);
	assert_int_equal(due(now - 1), NEIGH_FREE);
	assert_int_equal(neigh_hear(t, HOST, mac_b, now), NEIGH_KNOWN);
	assert_int_equal(t->stats.conflicts, 2);
	assert_true(has_mac(HOST, now, mac_a));
	assert_int_equal(due(now), NEIGH_STALE); /* the old one is asked */
	assert_int_equal(neigh_hear(t, HOST, mac_b, now + 1), NEIGH_KNOWN);
	assert_int_equal(neigh_hear(t, HOST, mac_a, now + 2), NEIGH_KNOWN);
	assert_true(has_mac(HOST, now + 2 * SECOND, mac_a));
	assert_int_equal(neigh_deadline(t), UINT64_MAX);
	check_table(START);
}

static void
test_conflict_old_one_is_gone(void **state)
{
	uint64_t now = START + 10 * SECOND;

	(void)state;
	resolved(HOST, START);
	assert_true(has_mac(HOST, now, mac_a));
	neigh_hear(t, HOST, mac_b, now);
	assert_int_equal(due(now), NEIGH_STALE);
	assert_true(has_mac(HOST, now + SECOND - 1, mac_a));
	assert_int_equal(due(now + SECOND), NEIGH_INCOMPLETE); /* everybody is asked */
	assert_int_equal(neigh_hear(t, HOST, mac_b, now + SECOND + 1), NEIGH_RESOLVED);
	assert_true(has_mac(HOST, now + SECOND + 2, mac_b));
	check_table(START);
}

/* A stream of false claims costs one question a second, and changes nothing. */
static void
test_conflict_flood(void **state)
{
	unsigned asked = 0;

	(void)state;
	resolved(HOST, START);
	for (uint64_t now = START; now < START + 10 * SECOND; now += SECOND / 100) {
		assert_true(has_mac(HOST, now, mac_a));
		neigh_hear(t, HOST, mac_b, now);
		while (neigh_next_due(t, now) != NULL) {
			asked++;
			neigh_hear(t, HOST, mac_a, now);
		}
	}
	assert_in_range(asked, 5, 10);
	assert_int_equal(t->stats.conflicts, 1000);
}

/* What nobody uses is not worth a question. */
static void
test_conflict_about_idle(void **state)
{
	(void)state;
	neigh_learn(t, HOST, mac_a, START);
	neigh_hear(t, HOST, mac_b, START + 2 * SECOND);
	assert_int_equal(neigh_deadline(t), UINT64_MAX);
	assert_int_equal(look(HOST, START + 2 * SECOND), NEIGH_PENDING);
}

static void
test_learn(void **state)
{
	(void)state;
	assert_int_equal(neigh_hear(t, HOST, mac_a, START), NEIGH_UNKNOWN);
	assert_int_equal(look(HOST + 1, START), NEIGH_PENDING);
	neigh_learn(t, HOST, mac_a, START);
	assert_true(has_mac(HOST, START, mac_a));
	assert_int_equal(t->stats.learned, 1);
	check_table(START);
}

static void
test_zero_is_nobody(void **state)
{
	(void)state;
	assert_int_equal(look(0, START), NEIGH_UNREACHABLE);
	assert_int_equal(neigh_hear(t, 0, mac_a, START), NEIGH_UNKNOWN);
	assert_int_equal(neigh_deadline(t), UINT64_MAX);
	check_table(START);
}

/* A clock that starts at zero, as in a simulation. */
static void
test_clock_from_zero(void **state)
{
	(void)state;
	resolved(HOST, 0);
	assert_true(has_mac(HOST, 0, mac_a));
	assert_true(has_mac(HOST, 1, mac_a));
	assert_true(has_mac(HOST, 59 * SECOND, mac_a));
}

/* Thousands that do not exist: a quarter of the table waits for them, those who are there stay. */
static void
test_flood_of_unknown(void **state)
{
	unsigned asked = 0;

	(void)state;
	resolved(HOST, START);
	for (uint64_t now = START; now < START + 100 * SECOND; now += SECOND / 20) {
		for (uint32_t i = 0; i < 100; i++)
			(void)look(HOST + 1 + (uint32_t)(now % 9973) * 100 + i, now);
		assert_true(t->n_incomplete <= SLOTS / 4);
		assert_true(has_mac(HOST, now, mac_a));
		for (const struct neigh *n; (n = neigh_next_due(t, now)) != NULL; asked++)
			if (n->ip == HOST)
				neigh_hear(t, HOST, mac_a, now);
	}
	assert_true(asked <= 101 * SLOTS / 4);
	assert_in_range(t->stats.refused, 1, 2000 * 100);
	check_table(START);
}

/* Thousands who only say that they exist make no place for those whom we want to talk to go away. */
static void
test_flood_of_learned(void **state)
{
	(void)state;
	resolved(HOST, START);
	for (uint32_t i = 0; i < 10000; i++)
		neigh_learn(t, 0x0b000000 + i, mac_b, START + 1);
	assert_true(has_mac(HOST, START + 2, mac_a));
	for (uint32_t i = 0; i < 8; i++)
		resolved(HOST + 10 + i, START + 3);
	for (uint32_t i = 0; i < 10000; i++)
		neigh_learn(t, 0x0c000000 + i, mac_b, START + 4);
	assert_true(has_mac(HOST, START + 5, mac_a));
	for (uint32_t i = 0; i < 8; i++)
		assert_true(has_mac(HOST + 10 + i, START + 5, mac_a));
	check_table(START);
}

/* Those whom nobody has used for a minute make place, and those who came instead do too. */
static void
test_idle_make_place(void **state)
{
	uint64_t later = START + NEIGH_REACHABLE_NS;

	(void)state;
	neigh_table_init(t, slots, NEIGH_MIN_ENTRIES);
	for (uint32_t i = 0; i < NEIGH_MIN_ENTRIES; i++)
		resolved(HOST + i, START);
	assert_int_equal(look(HOST + 100, later - 1), NEIGH_UNREACHABLE);
	assert_int_equal(t->stats.refused, 1);
	neigh_learn(t, HOST + 100, mac_b, later - 1);
	assert_int_equal(t->stats.learned, 0);
	for (uint32_t i = 0; i < NEIGH_MIN_ENTRIES; i++)
		neigh_learn(t, HOST + 100 + i, mac_b, later);
	assert_int_equal(t->stats.learned, NEIGH_MIN_ENTRIES);
	for (uint32_t i = 0; i < NEIGH_MIN_ENTRIES; i++)
		resolved(HOST + 200 + i, later);
	check_table(later);
}

/* 230 clients in the table that fits them. */
static void
test_room_for_a_quarter(void **state)
{
	(void)state;
	neigh_table_init(t, slots, 1024);
	for (uint32_t i = 0; i < 250; i++)
		resolved(0xc0a80301 + i, START);
	for (uint32_t i = 0; i < 250; i++)
		assert_true(has_mac(0xc0a80301 + i, START + 59 * SECOND, mac_a));
	assert_int_equal(t->stats.refused, 0);
	check_table(START);
}

static void
test_sizes(void **state)
{
	(void)state;
	assert_int_equal(neigh_table_bytes(1024), 32768);
	neigh_table_init(t, slots, NEIGH_MIN_ENTRIES);
	resolved(HOST, START);
	assert_true(has_mac(HOST, START, mac_a));
	check_table(START);
}

/* Anything in any order: the list and the counts are right, and nobody is asked twice in a second. */
static void
test_random(void **state)
{
	enum { HOSTS = 96 };
	static uint64_t asked_ns[HOSTS];
	uint64_t now = START;
	struct rng r;

	(void)state;
	memset(asked_ns, 0, sizeof(asked_ns));
	rng_seed(&r, 1, 8);
	for (unsigned i = 0; i < 300000; i++) {
		uint32_t h = (uint32_t)rng_below(&r, HOSTS);
		const struct neigh *n;

		now += rng_below(&r, i % 1000 == 0 ? 70 * SECOND : SECOND / 20);
		switch (rng_below(&r, 8)) {
		case 0:
			neigh_hear(t, HOST + h, rng_chance(&r, 0.8) ? mac_a : mac_b, now);
			break;
		case 1:
			if (neigh_hear(t, HOST + h, mac_a, now) == NEIGH_UNKNOWN)
				neigh_learn(t, HOST + h, mac_a, now);
			break;
		case 2:
			while ((n = neigh_next_due(t, now)) != NULL) {
				uint64_t *last = &asked_ns[n->ip - HOST];

				assert_true(*last == 0 || now - *last >= NEIGH_ASK_NS);
				*last = now;
			}
			break;
		default:
			(void)look(HOST + h, now);
		}
		if (i % 64 == 0)
			check_table(now);
	}
	assert_true(t->stats.resolved > 100 && t->stats.learned > 100 && t->stats.confirmed > 100);
	assert_true(t->stats.failed > 100 && t->stats.expired > 100 && t->stats.conflicts > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_resolve, setup),
	    cmocka_unit_test_setup(test_asked_once_a_second, setup),
	    cmocka_unit_test_setup(test_nobody_answers, setup),
	    cmocka_unit_test_setup(test_refreshed_by_unicast, setup),
	    cmocka_unit_test_setup(test_not_refreshed_when_not_used, setup),
	    cmocka_unit_test_setup(test_goes_away, setup),
	    cmocka_unit_test_setup(test_goes_away_unwanted, setup),
	    cmocka_unit_test_setup(test_conflict_old_one_answers, setup),
	    cmocka_unit_test_setup(test_conflict_old_one_is_gone, setup),
	    cmocka_unit_test_setup(test_conflict_flood, setup),
	    cmocka_unit_test_setup(test_conflict_about_idle, setup),
	    cmocka_unit_test_setup(test_learn, setup),
	    cmocka_unit_test_setup(test_zero_is_nobody, setup),
	    cmocka_unit_test_setup(test_clock_from_zero, setup),
	    cmocka_unit_test_setup(test_flood_of_unknown, setup),
	    cmocka_unit_test_setup(test_flood_of_learned, setup),
	    cmocka_unit_test_setup(test_idle_make_place, setup),
	    cmocka_unit_test_setup(test_room_for_a_quarter, setup),
	    cmocka_unit_test_setup(test_sizes, setup),
	    cmocka_unit_test_setup(test_random, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
