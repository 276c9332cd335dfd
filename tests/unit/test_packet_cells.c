/* test_packet_cells.c - the matrix is whole, and what the model says of it obeys rules that hold everywhere. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "matrix.h"

struct answered {
	struct matrix_cell cell;
	struct model_conn before;
	struct tcp_seg seg;
	struct model_result result;
};

static void
answer_shifted(unsigned i, uint32_t shift, struct answered *out)
{
	struct model_conn *c = &out->before, after;

	matrix_cell(i, &out->cell);
	matrix_conn(&out->cell, c);
	c->iss += shift;
	c->snd_una += shift;
	c->snd_nxt += shift;
	c->snd_wl2 += shift;
	c->fin_seq += shift;
	c->irs += shift;
	c->rcv_nxt += shift;
	c->snd_wl1 += shift;
	c->last_ack_sent += shift;
	matrix_segment(&out->cell, c, &out->seg);
	after = *c;
	model_step(&after, &out->seg, &out->result);
}

static void
answer(unsigned i, struct answered *out)
{
	answer_shifted(i, 0, out);
}

/* Calls a check with every answer to every cell. */
static void
each_answer(void (*check)(const struct answered *x, const struct model_answer *a))
{
	struct answered x;

	for (unsigned i = 0; i < matrix_count; i++) {
		answer(i, &x);
		for (unsigned j = 0; j < x.result.n; j++)
			check(&x, &x.result.answers[j]);
	}
}

/* --- the cells --- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void
cells_are_whole(void **unused)
{
	char(*names)[MATRIX_NAME_BYTES] = malloc(matrix_count * sizeof(*names));
	struct matrix_cell cell;
	unsigned core = 0;

	(void)unused;
	assert_int_equal(matrix_count, 7920);
	assert_non_null(names);
	for (unsigned i = 0; i < matrix_count; i++) {
		matrix_cell(i, &cell);
		core += cell.core;
		memcpy(names[i], cell.name, sizeof(names[i]));
	}
	assert_int_equal(core, 3520);
	qsort(names, matrix_count, sizeof(*names), by_name);
	for (unsigned i = 1; i < matrix_count; i++)
		assert_string_not_equal(names[i - 1], names[i]);
	free(names);
}

static void
cells_have_names(void **unused)
{
	static const struct matrix_cell want = {.state = MODEL_FIN_WAIT_1,
						.kind = MATRIX_DATA,
						.seq = MATRIX_SEQ_INSIDE,
						.ack = MATRIX_ACK_NEW,
						.ts = MATRIX_TS_ON};
	struct matrix_cell cell;

	(void)unused;
	for (unsigned i = 0; i < matrix_count; i++) {
		matrix_cell(i, &cell);
		if (cell.state == want.state && cell.kind == want.kind && cell.seq == want.seq &&
		    cell.ack == want.ack && cell.ts == want.ts)
			assert_string_equal(cell.name,
					    "FIN-WAIT-1 data+ACK seq:inside ack:new ts:on");
	}
}

/* The segment lies where the cell says. */
static void
segment_lies_right(const struct answered *x, const struct model_answer *a)
{
	int32_t first = (int32_t)(x->seg.seq - x->before.rcv_nxt);
	int32_t last = first + (int32_t)tcp_seg_len(&x->seg);
	int32_t wnd = (int32_t)x->before.rcv_wnd;

	(void)a;
	switch (x->cell.seq) {
	case MATRIX_SEQ_LEFT:
		assert_true(last < 0);
		break;
	case MATRIX_SEQ_STRADDLE:
		assert_true(first < 0 && (last > 0 || first == -1));
		break;
	case MATRIX_SEQ_EXACT:
		assert_int_equal(first, 0);
		break;
	case MATRIX_SEQ_INSIDE:
		assert_true(first > 0 && last < wnd);
		break;
	default:
		assert_int_equal(first, wnd);
	}
}

static void
segments_lie_right(void **unused)
{
	(void)unused;
	each_answer(segment_lies_right);
}

/* --- rules that hold everywhere --- */

static void
reply_is_lawful(const struct answered *x, const struct model_answer *a)
{
	const struct model_reply *r = &a->reply;
	bool synchronized = x->before.state >= MODEL_ESTABLISHED;

	if (x->seg.flags & TCP_RST) /* no reset answers a reset */
		assert_true(r->kind == MODEL_SILENCE || r->kind == MODEL_ACK);
	if (synchronized && r->kind != MODEL_SILENCE && !r->seq_after) { /* 9293 3.5.2, group 3 */
		assert_int_equal(r->kind, MODEL_ACK);
		assert_int_equal(r->seq, x->before.snd_nxt);
		assert_int_equal(r->ack, a->after.rcv_nxt);
	}
	if (r->kind == MODEL_RST)
		assert_int_equal(r->seq, x->seg.ack);
}

static void
replies_are_lawful(void **unused)
{
	(void)unused;
	each_answer(reply_is_lawful);
}

static bool
may_follow(enum model_state from, enum model_state to)
{
	static const uint16_t allowed[MODEL_N_STATES] = {
	    [MODEL_LISTEN] = 1u << MODEL_SYN_RECEIVED,
	    [MODEL_SYN_SENT] =
		1u << MODEL_CLOSED | 1u << MODEL_SYN_RECEIVED | 1u << MODEL_ESTABLISHED,
	    [MODEL_SYN_RECEIVED] =
		1u << MODEL_LISTEN | 1u << MODEL_ESTABLISHED | 1u << MODEL_CLOSE_WAIT,
	    [MODEL_ESTABLISHED] = 1u << MODEL_CLOSED | 1u << MODEL_CLOSE_WAIT,
	    [MODEL_FIN_WAIT_1] = 1u << MODEL_CLOSED | 1u << MODEL_FIN_WAIT_2 | 1u << MODEL_CLOSING |
				 1u << MODEL_TIME_WAIT,
	    [MODEL_FIN_WAIT_2] = 1u << MODEL_CLOSED | 1u << MODEL_TIME_WAIT,
	    [MODEL_CLOSE_WAIT] = 1u << MODEL_CLOSED,
	    [MODEL_CLOSING] = 1u << MODEL_CLOSED | 1u << MODEL_TIME_WAIT,
	    [MODEL_LAST_ACK] = 1u << MODEL_CLOSED,
	    [MODEL_TIME_WAIT] = 1u << MODEL_CLOSED | 1u << MODEL_SYN_RECEIVED,
	};

	return from == to || allowed[from] & 1u << to;
}

static void
state_is_lawful(const struct answered *x, const struct model_answer *a)
{
	const struct model_conn *b = &x->before, *c = &a->after;

	assert_true(may_follow(b->state, c->state));
	if (b->state < MODEL_ESTABLISHED || c->state == MODEL_SYN_RECEIVED)
		return;
	assert_int_equal(c->snd_nxt, b->snd_nxt);
	assert_true(c->snd_una - b->snd_una <= b->snd_nxt - b->snd_una);
	assert_true(c->rcv_nxt - b->rcv_nxt <= tcp_seg_len(&x->seg));
	if (c->state != MODEL_CLOSED) /* the right edge stays */
		assert_int_equal(c->rcv_nxt + c->rcv_wnd, b->rcv_nxt + b->rcv_wnd);
	assert_true(c->rcv_nxt == b->rcv_nxt || x->seg.flags & TCP_ACK);
	assert_int_equal(a->effects.delivered > 0, c->rcv_nxt != b->rcv_nxt && x->seg.len > 0);
}

static void
states_are_lawful(void **unused)
{
	(void)unused;
	each_answer(state_is_lawful);
}

/* Who hears of nothing changes nothing: an unacceptable segment leaves the TCB alone, in the first answer. */
static void
left_and_right_change_nothing(void **unused)
{
	struct answered x;

	(void)unused;
	for (unsigned i = 0; i < matrix_count; i++) {
		const struct model_answer *a = &x.result.answers[0];
		answer(i, &x);
		if (x.before.state < MODEL_SYN_RECEIVED || a->reply.seq_after)
			continue;
		if (x.cell.seq == MATRIX_SEQ_LEFT || x.cell.seq == MATRIX_SEQ_RIGHT)
			assert_memory_equal(&a->after, &x.before, sizeof(x.before));
	}
}

/* --- what must not matter --- */

static bool
same_but(const struct answered *x, const struct answered *y)
{
	return x->cell.state == y->cell.state && x->cell.kind == y->cell.kind &&
	       x->cell.seq == y->cell.seq && x->cell.ts == y->cell.ts;
}

/* The ACK field where the flag is off; cells differ by ACK in runs of MATRIX_N_TSS. */
static void
ack_field_without_flag(void **unused)
{
	struct answered x, y;

	(void)unused;
	for (unsigned i = 0; i + MATRIX_N_TSS < matrix_count; i++) {
		answer(i, &x);
		answer(i + MATRIX_N_TSS, &y);
		if (same_but(&x, &y) && !(x.seg.flags & TCP_ACK))
			assert_memory_equal(&x.result, &y.result, sizeof(x.result));
	}
}

/* Where in the 32 bits the numbers lie. */
static void
wrap_does_not_matter(void **unused)
{
	static const uint32_t shifts[] = {1, 0x7fffffff, 0x80000000, 0xfffffe00, 0x12345678};
	struct answered x, y;

	(void)unused;
	for (unsigned i = 0; i < matrix_count; i++) {
		answer(i, &x);
		for (unsigned s = 0; s < N_OF(shifts); s++) {
			answer_shifted(i, shifts[s], &y);
			assert_int_equal(x.result.n, y.result.n);
			for (unsigned j = 0; j < x.result.n; j++) {
				const struct model_answer *a = &x.result.answers[j];
				const struct model_answer *b = &y.result.answers[j];
				assert_int_equal(a->choices, b->choices);
				assert_int_equal(a->reply.kind, b->reply.kind);
				assert_int_equal(a->after.state, b->after.state);
				assert_int_equal(a->after.rcv_nxt - x.before.rcv_nxt,
						 b->after.rcv_nxt - y.before.rcv_nxt);
				assert_int_equal(a->after.snd_una - x.before.snd_una,
						 b->after.snd_una - y.before.snd_una);
			}
		}
	}
}

/* Before there is a connection, sequence numbers and timestamps decide nothing. */
static void
position_before_synchronization(void **unused)
{
	struct answered x, first;

	(void)unused;
	for (unsigned i = 0; i < matrix_count; i++) {
		answer(i, &x);
		if (x.before.state > MODEL_SYN_SENT)
			continue;
		answer(i - i % (MATRIX_N_SEQS * MATRIX_N_ACKS * MATRIX_N_TSS) +
			   x.cell.ack * MATRIX_N_TSS,
		       &first);
		assert_int_equal(first.cell.ack, x.cell.ack);
		assert_int_equal(first.result.answers[0].reply.kind,
				 x.result.answers[0].reply.kind);
		assert_int_equal(first.result.answers[0].after.state,
				 x.result.answers[0].after.state);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(cells_are_whole),
	    cmocka_unit_test(cells_have_names),
	    cmocka_unit_test(segments_lie_right),
	    cmocka_unit_test(replies_are_lawful),
	    cmocka_unit_test(states_are_lawful),
	    cmocka_unit_test(left_and_right_change_nothing),
	    cmocka_unit_test(ack_field_without_flag),
	    cmocka_unit_test(wrap_does_not_matter),
	    cmocka_unit_test(position_before_synchronization),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
