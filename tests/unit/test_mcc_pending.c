/* test_mcc_pending.c - unsettled messages against a plain model, in 200,000 random steps. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "mcc/pending.h"

enum { CONNS = 16, NODES = 40, MAX = 64 };

struct kit {
	struct pending p;
	void *mem;
	uint64_t word[CONNS];
};

static struct kit *
new_kit(void)
{
	struct kit *k = calloc(1, sizeof(*k));

	k->mem = malloc(pending_bytes(CONNS, NODES));
	memset(k->mem, 0xa5, pending_bytes(CONNS, NODES));
	pending_init(&k->p, k->mem, CONNS, NODES);
	return k;
}

static void
free_kit(struct kit *k)
{
	free(k->mem);
	free(k);
}

static void
one_message_needs_no_memory(void **state)
{
	struct kit *k = new_kit();
	struct pending_message m;

	(void)state;
	k->p.now_ns = 1000000007;
	k->p.epoch = 77;
	assert_false(pending_find(&k->p, k->word[0], PENDING_ANY, &m));
	assert_true(pending_add(&k->p, &k->word[0], 77, true));
	assert_int_equal(k->p.records.in_use, 0);
	k->p.now_ns += 123456789;
	k->p.epoch = 78;
	assert_false(pending_find(&k->p, k->word[0], PENDING_HEARTBEAT, &m));
	assert_true(pending_find(&k->p, k->word[0], PENDING_ANY, &m));
	assert_true(m.sent_ns == 1000000007 && m.epoch == 77 && m.request);
	assert_true(pending_take(&k->p, &k->word[0], PENDING_REQUEST, &m));
	assert_true(k->word[0] == 0);
	free_kit(k);
}

/* Time and epoch are cut to 42 and 20 bits, and found again up to 73 minutes and a million epochs later. */
static void
cut_numbers_are_found_again(void **state)
{
	static const uint64_t times[] = {0, 1, (UINT64_C(1) << 42) - 1, UINT64_C(1) << 42,
					 UINT64_C(0x123456789abcdef)};
	static const uint32_t epochs[] = {0, 1, (1u << 20) - 1, 1u << 20, 0x12345678};
	struct kit *k = new_kit();
	struct pending_message m;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		for (unsigned j = 0; j < 5; j++) {
			k->p.now_ns = times[i];
			k->p.epoch = epochs[j];
			assert_true(pending_add(&k->p, &k->word[0], epochs[j], false));
			k->p.now_ns += (UINT64_C(1) << 42) - 1;
			k->p.epoch += (1u << 20) - 1;
			assert_true(pending_take(&k->p, &k->word[0], PENDING_ANY, &m));
			assert_true(m.sent_ns == times[i] && m.epoch == epochs[j] && !m.request);
		}
	}
	free_kit(k);
}

static void
a_part_of_an_answer_is_kept(void **state)
{
	const struct answer a = {.left = 99, .got = 12, .phase = 3};
	struct kit *k = new_kit();
	struct pending_message m;

	(void)state;
	assert_null(pending_answer(&k->p, k->word[3]));
	assert_true(pending_add(&k->p, &k->word[3], 5, true));
	assert_null(pending_answer(&k->p, k->word[3]));
	k->p.epoch = 5;
	assert_true(pending_keep_answer(&k->p, &k->word[3], &a));
	assert_int_equal(k->p.records.in_use, 1);
	assert_memory_equal(pending_answer(&k->p, k->word[3]), &a, sizeof(a));
	assert_true(pending_find(&k->p, k->word[3], PENDING_REQUEST, &m));
	assert_int_equal(m.epoch, 5);
	pending_drop_answer(&k->p, &k->word[3]);
	assert_int_equal(k->p.records.in_use + k->p.nodes.in_use, 0);
	assert_true(pending_take(&k->p, &k->word[3], PENDING_REQUEST, &m));
	pending_drop_answer(&k->p, &k->word[3]);
	assert_true(k->word[3] == 0);
	free_kit(k);
}

static void
without_memory_nothing_changes(void **state)
{
	struct kit *k = new_kit();
	const struct answer a = {.got = 1};
	struct pending_message m;
	uint32_t epoch = 0;

	(void)state;
	while (pending_add(&k->p, &k->word[0], epoch, true))
		k->p.epoch = ++epoch;
	assert_int_equal(epoch, NODES);
	assert_true(pending_add(&k->p, &k->word[1], epoch, false)); /* needs none */
	assert_false(pending_add(&k->p, &k->word[1], epoch, true));
	assert_false(pending_keep_answer(&k->p, &k->word[1], &a));
	assert_int_equal(k->p.records.in_use, 1);
	assert_true(pending_find(&k->p, k->word[1], PENDING_ANY, &m));
	assert_false(m.request);
	for (uint32_t i = 0; i < epoch; i++) {
		assert_true(pending_take(&k->p, &k->word[0], PENDING_ANY, &m));
		assert_int_equal(m.epoch, i);
	}
	assert_int_equal(k->p.records.in_use + k->p.nodes.in_use, 0);
	free_kit(k);
}

struct model {
	struct pending_message m[MAX];
	unsigned n;
	struct answer answer;
	bool partial;
};

static unsigned
class_of(const struct pending_message *m)
{
	return m->request ? PENDING_REQUEST : PENDING_HEARTBEAT;
}

static bool
model_take(struct model *model, unsigned classes, struct pending_message *m)
{
	for (unsigned i = 0; i < model->n; i++) {
		if (!(class_of(&model->m[i]) & classes))
			continue;
		*m = model->m[i];
		memmove(&model->m[i], &model->m[i + 1], (model->n - i - 1) * sizeof(*m));
		model->n--;
		return true;
	}
	return false;
}

static void
check_take(struct kit *k, struct model *model, unsigned i, unsigned classes)
{
	struct pending_message a = {0}, b = {0}, c = {0};
	const bool expect = model_take(model, classes, &a);

	assert_int_equal(pending_find(&k->p, k->word[i], classes, &b), expect);
	assert_int_equal(pending_take(&k->p, &k->word[i], classes, &c), expect);
	if (expect)
		assert_true(a.sent_ns == b.sent_ns && a.epoch == b.epoch &&
			    a.request == b.request && b.sent_ns == c.sent_ns &&
			    b.epoch == c.epoch && b.request == c.request);
}

static void
random_step(struct kit *k, struct model *model, struct rng *rng)
{
	const unsigned i = (unsigned)rng_below(rng, CONNS), what = (unsigned)rng_below(rng, 12);
	const struct answer a = {.got = (uint32_t)rng_u64(rng)};
	struct model *mo = &model[i];
	bool request = rng_chance(rng, 0.5);

	k->p.now_ns += rng_below(rng, 1000);
	k->p.epoch += rng_chance(rng, 0.01);
	if (what < 4) {
		if (pending_add(&k->p, &k->word[i], k->p.epoch, request))
			mo->m[mo->n++] = (struct pending_message){k->p.now_ns, k->p.epoch, request};
	} else if (what == 4 && mo->n) {
		if (pending_add(&k->p, &k->word[i], k->p.epoch, request))
			pending_take_back(&k->p, &k->word[i]);
	} else if (what < 9) {
		check_take(k, mo, i, 1 + what % 3);
	} else if (what == 9) {
		if (pending_keep_answer(&k->p, &k->word[i], &a)) {
			mo->answer = a;
			mo->partial = true;
		}
	} else if (what == 10) {
		pending_drop_answer(&k->p, &k->word[i]);
		mo->partial = false;
	} else if (rng_chance(rng, 0.1)) {
		pending_clear(&k->p, &k->word[i]);
		mo->n = mo->partial = 0;
	}
	assert_int_equal(pending_answer(&k->p, k->word[i]) != NULL, mo->partial);
	if (mo->partial)
		assert_int_equal(pending_answer(&k->p, k->word[i])->got, mo->answer.got);
	if (!mo->n && !mo->partial)
		assert_true(k->word[i] == 0);
}

static void
random_steps_agree_with_the_model(void **state)
{
	struct model *model = calloc(CONNS, sizeof(*model));
	struct kit *k = new_kit();
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1, 0);
	for (unsigned i = 0; i < 200000; i++)
		random_step(k, model, &rng);
	for (unsigned i = 0; i < CONNS; i++)
		pending_clear(&k->p, &k->word[i]);
	assert_int_equal(k->p.records.in_use + k->p.nodes.in_use, 0);
	assert_true(k->p.nodes.exhausted > 0); /* that was tried, too */
	free(model);
	free_kit(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_message_needs_no_memory),
	    cmocka_unit_test(cut_numbers_are_found_again),
	    cmocka_unit_test(a_part_of_an_answer_is_kept),
	    cmocka_unit_test(without_memory_nothing_changes),
	    cmocka_unit_test(random_steps_agree_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
