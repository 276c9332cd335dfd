/* test_tcp_reset.c - RST, SYN and forgeries in every state (RFC 9293 3.5, 5961). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "tcp_states.h"

static struct kit *
make(size_t i)
{
	struct kit *k = kit_synchronized[i].make(NULL);

	kit_forget(k);
	return k;
}

/* D1. TIME-WAIT: RFC 1337, the RST is ignored (E4). */
static void
d1_exact_reset(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(kit_synchronized); i++) {
		struct kit *k = make(i);

		in(k, "R %u", kit_synchronized[i].rcv_nxt);
		expect_silence(k);
		if (kit_synchronized[i].state == TCP_TIME_WAIT) {
			expect_state(k, TCP_TIME_WAIT);
		} else {
			expect_gone(k);
			expect_events(k, TCP_EV_RESET | TCP_EV_CLOSED);
			assert_int_equal(k->ctx.stats.reset_by_peer, 1);
		}
		kit_delete(k);
	}
}

static void
reset_with_ack_and_data(void **state)
{
	struct kit *k = kit_accepted(NULL);

	(void)state;
	in(k, "R. 1(20) ack 1"); /* text that explains it (RFC 9293 3.5.3): not delivered */
	expect_gone(k);
	assert_int_equal(k->rx_len, 0);
	expect_silence(k);
	kit_delete(k);
}

static void
d2_reset_in_the_window(void **state)
{
	static const uint32_t beyond[] = {1, 2, 1000, 60000};

	(void)state;
	for (size_t i = 0; i < N_OF(kit_synchronized); i++) {
		for (size_t j = 0; j < N_OF(beyond); j++) {
			const struct kit_state *s = &kit_synchronized[i];
			struct kit *k = make(i);

			in(k, "R %u", s->rcv_nxt + beyond[j]);
			expect_state(k, s->state);
			if (s->state != TCP_TIME_WAIT)
				expect(k, ". %u ack %u", s->snd_nxt, s->rcv_nxt);
			expect_silence(k);
			kit_delete(k);
		}
	}
}

static void
d3_reset_outside_the_window(void **state)
{
	static const int away[] = {-1, -2, -70000, 70000, 1 << 30};

	(void)state;
	for (size_t i = 0; i < N_OF(kit_synchronized); i++) {
		for (size_t j = 0; j < N_OF(away); j++) {
			struct kit *k = make(i);

			in(k, "R %d", (int)kit_synchronized[i].rcv_nxt + away[j]);
			in(k, "R. %d ack 1", (int)kit_synchronized[i].rcv_nxt + away[j]);
			expect_silence(k);
			expect_state(k, kit_synchronized[i].state);
			kit_delete(k);
		}
	}
}

/* D4. SYN-RECEIVED is checklist A11 and A12. */
static void
d4_syn_in_synchronized_states(void **state)
{
	static const int at[] = {-100, 0, 1, 50, 100000};

	(void)state;
	for (size_t i = 1; i < N_OF(kit_synchronized); i++) {
		for (size_t j = 0; j < N_OF(at); j++) {
			const struct kit_state *s = &kit_synchronized[i];
			struct kit *k = make(i);

			in(k, "S %d mss 1460", (int)s->rcv_nxt + at[j]);
			expect(k, ". %u ack %u plain", s->snd_nxt, s->rcv_nxt);
			expect_silence(k);
			expect_state(k, s->state);
			kit_delete(k);
		}
	}
}

/* A peer that has started anew without timestamps must find out, too (RFC 9293 3.5.1). */
static void
d4_syn_without_timestamps(void **state)
{
	(void)state;
	for (size_t i = 1; i < N_OF(kit_synchronized); i++) {
		const struct kit_state *s = &kit_synchronized[i];
		struct kit *k = make(i);

		in(k, "S 1000 nots");
		expect(k, ". %u ack %u", s->snd_nxt, s->rcv_nxt);
		expect_state(k, s->state);
		kit_delete(k);
	}
}

static void
d4_old_syn_ack(void **state)
{
	struct kit *k = kit_established(NULL);

	(void)state;
	in(k, "S. 0 ack 1 mss 1460 ws 0");
	expect(k, ". 1 ack 1"); /* our ACK was lost */
	expect_state(k, TCP_ESTABLISHED);
	kit_delete(k);
}

/* D5, RFC 5961 7: few challenge ACKs, counted for each connection apart (CVE-2016-5696). */
static void
d5_challenge_acks_are_limited(void **state)
{
	struct kit *a = kit_accepted(NULL), *b = kit_accepted(NULL);

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		in(a, "R %u", 100 + i);
	assert_in_range(a->n_sent, 1, 3);
	in(b, "R 100");
	assert_int_equal(b->n_sent, 1);
	kit_run_ms(a, 2000);
	a->n_sent = a->next = 0;
	in(a, "R 100"); /* and again later */
	assert_int_equal(a->n_sent, 1);
	kit_delete(a);
	kit_delete(b);
}

/* Where the time of last activity ends the connection, the limit goes by a bit of the clock. */
static void
d5_limit_while_waiting_to_end(void **state)
{
	static struct kit *(*const wait[])(const struct kit_opts *) = {kit_fin_wait_2,
								       kit_time_wait};

	(void)state;
	for (size_t i = 0; i < N_OF(wait); i++) {
		struct kit *k = wait[i](NULL);

		k->n_sent = k->next = 0;
		for (unsigned n = 0; n < 50; n++)
			in(k, ". -5000 ack 2");
		assert_int_equal(k->n_sent, 1);
		for (unsigned half_seconds = 1; half_seconds <= 10; half_seconds++) {
			kit_run_ms(k, 500);
			for (unsigned n = 0; n < 50; n++)
				in(k, ". -5000 ack 2");
			assert_int_equal(k->n_sent, 1 + half_seconds);
		}
		kit_delete(k);
	}
}

/* Two connections of one context: the limit of one says nothing about the other. */
static void
d5_limit_is_not_shared(void **state)
{
	struct kit *k = kit_accepted(NULL);
	const uint32_t h = pool_get(&k->tcbs);
	struct tcb *other = pool_at(&k->tcbs, h);
	struct tcp_seg rst;

	(void)state;
	*other = *k->t; /* idle: no block to share */
	assert_false(tcb_is_active(other));
	for (unsigned i = 0; i < 50; i++)
		in(k, "R %u", 100 + i);
	rst = kit_peer_seg(k, "R 100");
	tcp_out_init(&k->out, k->room);
	tcp_input(&k->ctx, other, &rst, k->now, &k->out);
	assert_int_equal(k->out.n_segs, 1);
	kit_delete(k);
}

/* Legitimate traffic between forged segments must not stop, nor be multiplied. */
static void
d5_traffic_goes_on(void **state)
{
	struct kit *k = kit_accepted(NULL);

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		in(k, "R %u", 5000 + i);
		in(k, "S 40000");
		in(k, ". %u(10) ack 1", 1 + 10 * i);
		kit_run_ms(k, 50);
	}
	assert_int_equal(k->rx_len, 200);
	assert_true(k->n_sent <= 20 * 3);
	kit_delete(k);
}

/* --- D7: two ends that disagree must not answer each other for ever --- */

/* Hands what `from` has sent since to `to`, absolute numbers; how many. */
static unsigned
carry(struct kit *from, struct kit *to)
{
	unsigned n = 0;

	for (; from->next < from->n_sent && to->t; n++) {
		struct tcp_seg s = from->sent[from->next++].seg;

		kit_input(to, &s);
	}
	return n;
}

static unsigned
storm(struct kit *a, struct kit *b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < 1000; i++) {
		n += carry(a, b) + carry(b, a);
		kit_run_ms(a, 10);
		kit_run_ms(b, 10);
	}
	return n;
}

static void
d7_no_ack_storm(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *a = kit_accepted(&o), *b = kit_accepted(&o);

	(void)state;
	in(a, ". 100000 ack 1"); /* b's numbers are far from what a expects, and the reverse */
	assert_true(storm(a, b) <= 2);
	in(b, ". 100000(10) ack 1");
	assert_true(storm(a, b) <= 3);
	in(a, ". 1 ack 70000");
	assert_true(storm(a, b) <= 3);
	kit_delete(a);
	kit_delete(b);
}

/* Both believe that the other's timestamps are old. */
static void
d7_no_ack_storm_by_paws(void **state)
{
	struct kit *a = kit_accepted(NULL), *b = kit_accepted(NULL);

	(void)state;
	a->t->ts_recent = a->t->ts_offset + UINT32_C(0x40000000);
	b->t->ts_recent = b->t->ts_offset + UINT32_C(0x40000000);
	in(a, ". 1(10) ack 1 ts %u:0", a->t->ts_recent - 5);
	assert_true(storm(a, b) <= 3);
	kit_delete(a);
	kit_delete(b);
}

/* No RST is answered by a RST, whatever it says (RFC 9293 3.5.2). */
static void
no_reset_for_a_reset(void **state)
{
	static const char *const resets[] = {
	    "R 0", "R 1", "R. 1 ack 5", "R. 0 ack 1000000", "SR. 0 ack 9", "FR 1 ", "R 500(100)"};

	(void)state;
	for (size_t i = 0; i < N_OF(kit_synchronized); i++) {
		for (size_t j = 0; j < N_OF(resets); j++) {
			struct kit *k = make(i);

			in(k, "%s", resets[j]);
			for (unsigned s = 0; s < k->n_sent; s++)
				assert_false(k->sent[s].seg.flags & TCP_RST);
			kit_delete(k);
		}
	}
}

/* Blind data injection: an acknowledgement out of range makes it worthless (RFC 5961 5.2). */
static void
blind_data(void **state)
{
	struct kit *k = kit_accepted(NULL);

	(void)state;
	for (unsigned i = 1; i < 8; i++)
		in(k, ". %u(100) ack %u", i * 100, i << 29);
	assert_int_equal(k->rx_len, 0);
	assert_true(k->n_sent <= 2);
	expect_idle(k);
	kit_delete(k);
}

/* --- abort (RFC 9293 3.10.5) --- */

static void
abort_in_every_state(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(kit_synchronized); i++) {
		const struct kit_state *s = &kit_synchronized[i];
		struct kit *k = make(i);

		kit_abort(k);
		if (s->state != TCP_CLOSING && s->state != TCP_LAST_ACK &&
		    s->state != TCP_TIME_WAIT)
			expect(k, "R. %u ack %u", s->snd_nxt, s->rcv_nxt);
		expect_silence(k);
		expect_gone(k);
		expect_events(k, TCP_EV_CLOSED);
		expect_idle(k);
		kit_delete(k);
	}
}

static void
abort_in_syn_sent(void **state)
{
	struct kit *k = kit_syn_sent(NULL);

	(void)state;
	kit_abort(k);
	expect_silence(k);
	expect_gone(k);
	kit_delete(k);
}

static void
abort_drops_what_is_queued(void **state)
{
	struct kit *k = kit_accepted(NULL);

	(void)state;
	k->slow_reader = true;
	kit_send(k, 60000);
	in(k, ". 1(1000) ack 1");
	in(k, ". 3001(1000) ack 1");
	k->n_sent = k->next = 0;
	kit_abort(k);
	assert_int_equal(k->n_sent, 1);
	assert_true(k->sent[0].seg.flags & TCP_RST);
	expect_gone(k);
	expect_idle(k);
	kit_delete(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(d1_exact_reset),
	    cmocka_unit_test(reset_with_ack_and_data),
	    cmocka_unit_test(d2_reset_in_the_window),
	    cmocka_unit_test(d3_reset_outside_the_window),
	    cmocka_unit_test(d4_syn_in_synchronized_states),
	    cmocka_unit_test(d4_syn_without_timestamps),
	    cmocka_unit_test(d4_old_syn_ack),
	    cmocka_unit_test(d5_challenge_acks_are_limited),
	    cmocka_unit_test(d5_limit_while_waiting_to_end),
	    cmocka_unit_test(d5_limit_is_not_shared),
	    cmocka_unit_test(d5_traffic_goes_on),
	    cmocka_unit_test(d7_no_ack_storm),
	    cmocka_unit_test(d7_no_ack_storm_by_paws),
	    cmocka_unit_test(no_reset_for_a_reset),
	    cmocka_unit_test(blind_data),
	    cmocka_unit_test(abort_in_every_state),
	    cmocka_unit_test(abort_in_syn_sent),
	    cmocka_unit_test(abort_drops_what_is_queued),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
