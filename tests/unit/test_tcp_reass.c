/* test_tcp_reass.c - octets in any order, against a model that keeps each by itself. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "base/rng.h"
#include "tcp_states.h"

enum { SPACE = 1 << 17, SEGMENT_MAX = 1460 };

/* Octet by octet, at position modulo SPACE: which are held, and what they are. Each segment has
 * content of its own, so it shows which copy of an octet was delivered. */
struct model {
	bool held[SPACE];
	uint8_t octet[SPACE];
	uint64_t next; /* position of rcv_nxt in the stream */
	uint64_t delivered;
};

struct fixture {
	struct kit *kit;
	struct model model;
	struct rng rng;
	uint8_t payload[SEGMENT_MAX];
	uint32_t salt;
	uint32_t spread; /* how far beyond rcv_nxt most segments go */
};

static struct fixture *
start(uint64_t seed, uint32_t irs, uint32_t blocks)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct kit_opts o = kit_plain();

	assert_non_null(f);
	o.cfg.rcvbuf = 60000;
	f->spread = 400;
	o.irs = irs;
	o.n_small = o.n_large = blocks;
	f->kit = kit_accepted(&o);
	rng_seed(&f->rng, seed, 0);
	return f;
}

static void
stop(struct fixture *f)
{
	kit_delete(f->kit);
	free(f);
}

static unsigned
model_islands(const struct model *m, uint32_t window)
{
	unsigned n = 0;

	for (uint32_t i = 1; i < window; i++)
		n += m->held[(m->next + i) % SPACE] && !m->held[(m->next + i - 1) % SPACE];
	return n;
}

/* What may be held of [at, end): the first octets of it that are not held yet, up to the next that
 * are. */
static void
first_hole(const struct model *m, uint64_t *at, uint64_t *end)
{
	uint64_t stop = *at;

	while (*at < *end && m->held[*at % SPACE])
		++*at;
	for (stop = *at; stop < *end && !m->held[stop % SPACE];)
		stop++;
	*end = stop;
}

/* Out of order: the engine fills the first hole, or nothing when short of islands or blocks. */
static void
check_hold(struct fixture *f, uint64_t at, uint64_t end, unsigned islands)
{
	struct model *m = &f->model;
	const struct tcp_out *o = &f->kit->out;
	const uint64_t start = at;

	assert_int_equal(o->deliver_len, 0);
	assert_int_equal(o->drained.len, 0);
	first_hole(m, &at, &end);
	if (at == end || o->hold_len == 0) {
		assert_int_equal(o->hold_len, 0);
		assert_true(at == end || islands == TCP_RUNS_MAX ||
			    f->kit->ctx.stats.drop_no_block > 0);
		return;
	}
	assert_int_equal(o->hold_off, at - start);
	if (f->kit->ctx.stats.drop_no_block > 0 && o->hold_len < end - at)
		end = at + o->hold_len; /* as much as the last block had room for */
	assert_int_equal(o->hold_len, end - at);
	for (; at < end; at++) {
		m->held[at % SPACE] = true;
		m->octet[at % SPACE] = f->payload[at - start];
	}
	tcp_hold(&f->kit->ctx, o, f->payload);
}

static void
check_drained(struct fixture *f)
{
	struct model *m = &f->model;
	struct chain *c = &f->kit->out.drained;
	struct block_pools *p = &f->kit->ctx.blocks;
	const uint8_t *data;
	uint32_t n;

	while ((n = chain_front(p, c, &data)) > 0) {
		for (uint32_t i = 0; i < n; i++, m->next++) {
			assert_true(m->held[m->next % SPACE]);
			assert_int_equal(data[i], m->octet[m->next % SPACE]);
			m->held[m->next % SPACE] = false;
		}
		m->delivered += n;
		chain_trim_front(p, c, n);
	}
	assert_false(m->held[m->next % SPACE]); /* all that has become in order came */
}

/* In order: all of the segment that is new, then what was held behind it. */
static void
check_delivery(struct fixture *f, uint64_t seg_at, uint64_t end)
{
	struct model *m = &f->model;
	const struct tcp_out *o = &f->kit->out;

	assert_int_equal(o->hold_len, 0);
	assert_int_equal(o->deliver_off, m->next - seg_at);
	assert_int_equal(o->deliver_len, end - m->next);
	for (; m->next < end; m->next++)
		m->held[m->next % SPACE] = false; /* the segment's own octets are delivered */
	m->delivered += o->deliver_len;
	check_drained(f);
}

static void
arrive(struct fixture *f, uint64_t at, uint32_t len)
{
	struct kit *k = f->kit;
	struct model *m = &f->model;
	const struct tcp_seg seg = {.seq = k->irs + 1 + (uint32_t)at,
				    .ack = k->t->snd_nxt,
				    .flags = TCP_ACK,
				    .wnd = 65535,
				    .len = (uint16_t)len};
	const uint64_t edge = m->next + (k->t->rcv_adv - k->t->rcv_nxt);
	const uint64_t end = at + len < edge ? at + len : edge;
	const unsigned islands = tcb_is_active(k->t) ? kit_act(k)->n_runs : 0;

	f->salt += 7;
	for (uint32_t i = 0; i < len; i++)
		f->payload[i] = (uint8_t)((at + i) * 31 + f->salt * ((at + i) % 5));
	tcp_out_init(&k->out, k->room);
	tcp_input(&k->ctx, k->t, &seg, k->now, &k->out);
	if (end <= m->next || at >= end)
		assert_int_equal(k->out.deliver_len + k->out.hold_len + k->out.drained.len, 0);
	else if (at <= m->next)
		check_delivery(f, at, end);
	else
		check_hold(f, at, end, islands);
	assert_int_equal(k->t->rcv_nxt, k->irs + 1 + (uint32_t)m->next);
	tcp_out_init(&k->out, k->room);
	tcp_output(&k->ctx, k->t, k->now, &k->out);
}

/* What pins the peer's octets: see the bounds in tcp_reass.c. */
static void
check_memory(struct fixture *f)
{
	const struct kit *k = f->kit;
	uint32_t small, large, held = 0;
	unsigned runs = 0;

	tcp_held_blocks(&k->ctx, k->t, &small, &large);
	assert_int_equal(small, k->ctx.blocks.small.in_use);
	assert_int_equal(large, k->ctx.blocks.large.in_use);
	for (uint32_t i = 1; i < 60000; i++)
		held += f->model.held[(f->model.next + i) % SPACE];
	if (tcb_is_active(k->t))
		runs = kit_act(k)->n_runs;
	assert_int_equal(model_islands(&f->model, 60000), runs);
	assert_true(small + large <= held / (BLOCK_SMALL_ROOM / 2) + runs + 1);
}

/* Most segments close to rcv_nxt, some anywhere in the window and around it. */
static void
random_segment(struct fixture *f)
{
	const uint64_t next = f->model.next;
	const uint64_t kind = rng_below(&f->rng, 100);
	uint32_t len = 1 + (uint32_t)rng_below(&f->rng, 60);
	uint64_t at;

	if (kind < 2)
		len = 1 + (uint32_t)rng_below(&f->rng, SEGMENT_MAX);
	if (kind < 15)
		at = next;
	else if (kind < 90)
		at = next + rng_below(&f->rng, f->spread);
	else if (kind < 95)
		at = next - (next < 80 ? next : 80) + rng_below(&f->rng, 80);
	else
		at = next + rng_below(&f->rng, 61000);
	arrive(f, at, len);
}

static void
run(uint64_t seed, uint32_t irs, uint32_t blocks, uint32_t spread, unsigned operations)
{
	struct fixture *f = start(seed, irs, blocks);

	f->spread = spread;
	for (unsigned i = 0; i < operations; i++) {
		random_segment(f);
		if (i % 64 == 0)
			tcp_check(&f->kit->ctx, f->kit->t);
		if (i % 2048 == 0)
			check_memory(f);
	}
	assert_int_equal(f->model.delivered, f->model.next);
	assert_true(f->model.delivered > operations / 4);
	stop(f);
}

/* make check-long multiplies the operations by SCALE. */
static unsigned
scale(void)
{
	const char *s = getenv("SCALE");
	const int n = s ? atoi(s) : 1;

	return n > 0 ? (unsigned)n : 1;
}

static void
random_operations(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < scale(); i++)
		run(1 + 1000 * i, 7000000, 600, 400, 6000000);
}

/* Islands by the hundred, as after bursts of losses in a large window. */
static void
random_operations_far_apart(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < scale(); i++)
		run(2 + 1000 * i, 7000000, 3000, 12000, 4000000);
}

static void
random_operations_across_the_wrap(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 10; i++)
		run(100 + i, UINT32_MAX - 300 * i, 600, 400, 20000);
}

static void
random_operations_short_of_blocks(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 10; i++)
		run(200 + i, 7000000, i, 400, 10000);
}

/* SegmentSmack: one octet at every other place. Bounded islands, nothing lost but what the sender
 * repeats. */
static void
one_octet_islands(void **state)
{
	struct fixture *f = start(0, 5, 600);

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		arrive(f, 1 + 2 * i, 1);
	assert_int_equal(kit_act(f->kit)->n_runs, TCP_RUNS_MAX);
	assert_int_equal(f->kit->ctx.stats.drop_reassembly, 1000 - TCP_RUNS_MAX);
	assert_int_equal(f->kit->ctx.blocks.small.in_use, TCP_RUNS_MAX);
	assert_int_equal(f->kit->ctx.blocks.large.in_use, 1); /* their table */
	arrive(f, 0, 1000);
	assert_int_equal(f->model.next, 1000);
	expect_idle(f->kit);
	stop(f);
}

/* Full of islands, the one that closes a hole is still taken. */
static void
full_of_islands(void **state)
{
	struct fixture *f = start(0, 5, 600);

	(void)state;
	for (unsigned i = 0; i < TCP_RUNS_MAX; i++)
		arrive(f, 10 + 20 * i, 10);
	arrive(f, 20, 10);
	assert_int_equal(kit_act(f->kit)->n_runs, TCP_RUNS_MAX - 1);
	arrive(f, 5000, 10);
	assert_int_equal(kit_act(f->kit)->n_runs, TCP_RUNS_MAX);
	arrive(f, 140, 20); /* extends one at its end */
	arrive(f, 0, 200);
	assert_int_equal(f->model.next, 200);
	stop(f);
}

/* Octets that touch grow an island, in either direction, block by block. */
static void
grown_backwards_and_forwards(void **state)
{
	struct fixture *f = start(0, 5, 600);

	(void)state;
	arrive(f, 5000, 100);
	for (unsigned i = 1; i <= 40; i++) {
		arrive(f, 5000 - i * 100, 100);
		arrive(f, 5000 + i * 100, 100);
		assert_int_equal(kit_act(f->kit)->n_runs, 1);
	}
	arrive(f, 0, 1000);
	assert_int_equal(f->model.next, 9100);
	expect_idle(f->kit);
	stop(f);
}

/* Tiny segments in the worst orders: blocks are bounded by what is held, not by how it came. */
static void
tiny_segments_pin_no_memory(void **state)
{
	enum { OCTETS = 3000 };
	static const char *const orders[] = {"ascending", "descending", "odd, then even"};

	(void)state;
	for (unsigned order = 0; order < N_OF(orders); order++) {
		struct fixture *f = start(order, 5, 6000);

		for (uint32_t i = 0; i < OCTETS; i++) {
			uint32_t at = order == 1 ? OCTETS - 1 - i : i;

			if (order == 2) /* hundred islands at a time, then what joins them */
				at = i / 200 * 200 + (i % 100) * 2 + (i % 200 >= 100);
			arrive(f, 1000 + at, 1);
		}
		assert_int_equal(kit_act(f->kit)->n_runs, 1);
		check_memory(f);
		if (f->kit->ctx.blocks.small.in_use > 2 * OCTETS / BLOCK_SMALL_ROOM + 1)
			fail_msg("%s: %u blocks", orders[order], f->kit->ctx.blocks.small.in_use);
		arrive(f, 0, 1000);
		assert_int_equal(f->model.next, 1000 + OCTETS);
		expect_idle(f->kit);
		stop(f);
	}
}

/* The last quarter of the blocks is not for octets out of order: what we send, and what is in
 * order, goes on. */
static void
quarter_of_the_pool_is_left(void **state)
{
	struct fixture *f = start(0, 5, 16);

	(void)state;
	for (uint32_t i = 0; i < 40; i++)
		arrive(f, 1000 + 1000 * i, 100);
	assert_int_equal(f->kit->ctx.blocks.small.in_use, 12);
	assert_int_equal(f->kit->ctx.blocks.large.in_use, 12);
	assert_true(f->kit->ctx.stats.drop_no_block > 0);
	assert_true(kit_send(f->kit, 3000) > 0);
	stop(f);
}

/* The table of many islands goes back when they are few again. */
static void
table_is_given_back(void **state)
{
	struct fixture *f = start(0, 5, 600);

	(void)state;
	for (uint32_t i = 0; i < 20; i++)
		arrive(f, 10 + 20 * i, 10);
	assert_int_equal(f->kit->ctx.blocks.large.in_use, 1);
	for (uint32_t i = 1; i < 19; i++)
		arrive(f, 20 * i, 10);
	assert_int_equal(kit_act(f->kit)->n_runs, 2);
	assert_int_equal(f->kit->ctx.blocks.large.in_use, 0);
	stop(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(random_operations),
	    cmocka_unit_test(random_operations_far_apart),
	    cmocka_unit_test(random_operations_across_the_wrap),
	    cmocka_unit_test(random_operations_short_of_blocks),
	    cmocka_unit_test(one_octet_islands),
	    cmocka_unit_test(full_of_islands),
	    cmocka_unit_test(grown_backwards_and_forwards),
	    cmocka_unit_test(tiny_segments_pin_no_memory),
	    cmocka_unit_test(quarter_of_the_pool_is_left),
	    cmocka_unit_test(table_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
