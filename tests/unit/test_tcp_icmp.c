/* test_tcp_icmp.c - ICMP errors about segments of ours (RFC 5927, 1191). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "tcp_states.h"

enum { UNREACHABLE = 3, FRAG_NEEDED = 4 };

static struct kit *
in_flight(void)
{
	struct kit_opts o = {.no_ts = true, .cfg = kit_config()};
	struct kit *k = kit_established(&o);

	kit_send(k, 14600);
	assert_int_equal(k->n_sent, 10);
	k->next = k->n_sent;
	return k;
}

/* G6: hard or soft, a synchronized connection survives all of them (RFC 5927 5.2). */
static void
g6_unreachable_in_synchronized_states(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(kit_synchronized); i++) {
		struct kit *k = kit_synchronized[i].make(NULL);

		for (uint8_t code = 0; code < 16; code++)
			if (code != FRAG_NEEDED)
				for (uint32_t seq = 0; seq < 3; seq++)
					kit_icmp(k, UNREACHABLE, code, 0, seq);
		expect_state(k, kit_synchronized[i].state);
		kit_delete(k);
	}
}

/* G7: protocol and port unreachable end SYN-SENT; MUST-56: 0, 1 and 5 do not. */
static void
g7_unreachable_in_syn_sent(void **state)
{
	(void)state;
	for (uint8_t code = 0; code < 16; code++) {
		struct kit *k = kit_syn_sent(NULL);

		kit_icmp(k, UNREACHABLE, code, 0, 0);
		if (code == 2 || code == 3) {
			expect_gone(k);
			expect_events(k, TCP_EV_UNREACHABLE | TCP_EV_CLOSED);
			expect_silence(k);
		} else {
			expect_state(k, TCP_SYN_SENT);
			expect_events(k, 0);
		}
		kit_delete(k);
	}
}

/* RFC 5927 4.1: only who sees our segments knows the number. */
static void
g7_wrong_sequence(void **state)
{
	static const uint32_t seqs[] = {1, 2, UINT32_MAX, 100000, UINT32_C(0x80000000)};

	(void)state;
	for (size_t i = 0; i < N_OF(seqs); i++) {
		struct kit *k = kit_syn_sent(NULL);

		kit_icmp(k, UNREACHABLE, 3, 0, seqs[i]);
		expect_state(k, TCP_SYN_SENT);
		kit_delete(k);
	}
}

static void
g8_fragmentation_needed(void **state)
{
	struct kit *k = in_flight();

	(void)state;
	kit_icmp(k, UNREACHABLE, FRAG_NEEDED, 1040, 1);
	kit_output(k);
	expect(k, ". 1(1000) ack 1"); /* at once, smaller; the kit compares contents */
	in(k, ". 1 ack 14601");
	kit_send(k, 3000);
	k->next = k->n_sent - 1;
	assert_true(k->sent[k->n_sent - 1].seg.len <= 1000);
	assert_int_equal(k->t->mss, 1000);
	kit_delete(k);
}

static void
g8_not_in_flight(void **state)
{
	static const uint32_t seqs[] = {0, UINT32_MAX, 14601, 20000};

	(void)state;
	for (size_t i = 0; i < N_OF(seqs); i++) {
		struct kit *k = in_flight();

		kit_icmp(k, UNREACHABLE, FRAG_NEEDED, 1040, seqs[i]);
		expect_silence(k);
		assert_int_equal(k->t->mss, 1460);
		kit_delete(k);
	}
}

static void
g8_mtu_values(void **state)
{
	static const struct {
		uint16_t mtu, mss;
	} t[] = {
	    {1499, 1459}, {1040, 1000}, {600, 560},   {552, 512},
	    {500, 512},	  {68, 512},	{1, 512}, /* a floor */
	    {0, 1452},				  /* RFC 1191 7.1: the next plateau, 1492 */
	    {1500, 1460}, {1501, 1460}, {9000, 1460}, {65535, 1460}, /* never up */
	};

	(void)state;
	for (size_t i = 0; i < N_OF(t); i++) {
		struct kit *k = in_flight();

		kit_icmp(k, UNREACHABLE, FRAG_NEEDED, t[i].mtu, 1461);
		assert_int_equal(k->t->mss, t[i].mss);
		kit_delete(k);
	}
}

/* A peer whose MSS is below the floor keeps it. */
static void
g8_small_mss_is_not_raised(void **state)
{
	struct kit_opts o = {.peer_mss = 100, .cfg = kit_config()};
	struct kit *k = kit_established(&o);

	(void)state;
	kit_send(k, 1000);
	kit_icmp(k, UNREACHABLE, FRAG_NEEDED, 68, 1);
	kit_icmp(k, UNREACHABLE, FRAG_NEEDED, 0, 1);
	assert_int_equal(k->t->mss, 100);
	kit_delete(k);
}

/* Down all plateaus by repeated messages without an MTU. */
static void
g8_plateaus(void **state)
{
	static const uint16_t mss[] = {1452, 966, 512, 512};
	struct kit *k = in_flight();

	(void)state;
	for (size_t i = 0; i < N_OF(mss); i++) {
		kit_icmp(k, UNREACHABLE, FRAG_NEEDED, 0, 1);
		assert_int_equal(k->t->mss, mss[i]);
	}
	in(k, ". 1 ack %u", k->t->snd_nxt - k->iss);
	kit_delete(k);
}

/* A probe or FIN quoted while the window is shut. */
static void
g8_with_the_window_shut(void **state)
{
	struct kit *k = in_flight();

	(void)state;
	in(k, ". 1 ack 1461 win 0");
	kit_run_ms(k, 3000);
	kit_icmp(k, UNREACHABLE, FRAG_NEEDED, 1040, 1461);
	kit_run_ms(k, 3000);
	in(k, ". 1 ack 14601 win 65535");
	kit_run_ms(k, 3000);
	expect_idle(k);
	kit_delete(k);
}

/* G9 and the rest: source quench, redirect, time exceeded, parameter problem. */
static void
g9_other_types(void **state)
{
	struct kit *k = in_flight();

	(void)state;
	for (unsigned type = 0; type < 256; type++)
		if (type != UNREACHABLE)
			for (uint8_t code = 0; code < 16; code++)
				kit_icmp(k, (uint8_t)type, code, 100, 1);
	expect_silence(k);
	expect_events(k, 0);
	assert_int_equal(k->t->mss, 1460);
	assert_int_equal(kit_act(k)->cwnd, 14600);
	kit_delete(k);
}

/* Nothing in flight, no block: nothing to do. */
static void
about_an_idle_connection(void **state)
{
	struct kit *k = kit_accepted(NULL);

	(void)state;
	for (uint8_t code = 0; code < 16; code++)
		kit_icmp(k, UNREACHABLE, code, 100, 1);
	expect_silence(k);
	expect_idle(k);
	expect_state(k, TCP_ESTABLISHED);
	kit_delete(k);
}

/* RFC 9293 SHLD-25, MUST-47: told to a user who asked, and the connection goes on (MUST-56). */
static void
soft_errors_are_told(void **state)
{
	static const uint8_t types[] = {3, 11, 12, 4, 5};

	(void)state;
	for (unsigned wanted = 0; wanted < 2; wanted++) {
		for (unsigned i = 0; i < N_OF(types); i++) {
			struct kit_opts o = {.profile.notify_trouble = wanted};
			struct kit *k = kit_established(&o);
			const bool told = wanted && types[i] != 4 && types[i] != 5; /* MUST-55 */

			kit_send(k, 10);
			k->corked = true;
			kit_icmp(k, types[i], 1, 0, 1);
			expect_events(k, told ? TCP_EV_TROUBLE : 0);
			if (told)
				assert_int_equal(k->out.trouble, types[i] << 8 | 1);
			kit_icmp(k, types[i], 1, 0, 500); /* about what was never sent */
			expect_events(k, 0);
			expect_state(k, TCP_ESTABLISHED);
			kit_delete(k);
		}
	}
}

/* While the SYN is out, too: 0, 1 and 5 do not end it. */
static void
soft_errors_of_a_syn_are_told(void **state)
{
	struct kit_opts o = {.profile.notify_trouble = true};
	struct kit *k = kit_syn_sent(&o);

	(void)state;
	k->corked = true;
	kit_icmp(k, UNREACHABLE, 1, 0, 0);
	expect_events(k, TCP_EV_TROUBLE);
	assert_int_equal(k->out.trouble, UNREACHABLE << 8 | 1);
	expect_state(k, TCP_SYN_SENT);
	kit_icmp(k, UNREACHABLE, 3, 0, 0);
	expect_events(k, TCP_EV_UNREACHABLE | TCP_EV_CLOSED);
	kit_delete(k);
}

/* SHLD-9, SHLD-10: after R1 retransmissions in vain, once for the same octets. */
static void
r1_is_told(void **state)
{
	struct kit_opts o = {.profile.notify_trouble = true};
	struct kit *k = kit_established(&o);
	unsigned told = 0, at = 0;

	(void)state;
	kit_send(k, 10);
	for (unsigned i = 1; i <= 8; i++) {
		const uint64_t rto = k->ctx.stats.rto_expired;

		while (k->ctx.stats.rto_expired == rto)
			assert_true(kit_fire(k, UINT64_MAX - 1));
		told += (k->events & TCP_EV_TROUBLE) != 0;
		if (k->events & TCP_EV_TROUBLE && at == 0)
			at = i;
		k->events = 0;
	}
	assert_int_equal(told, 1);
	assert_int_equal(at, 3);
	expect_state(k, TCP_ESTABLISHED);
	kit_delete(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(g6_unreachable_in_synchronized_states),
	    cmocka_unit_test(g7_unreachable_in_syn_sent),
	    cmocka_unit_test(g7_wrong_sequence),
	    cmocka_unit_test(g8_fragmentation_needed),
	    cmocka_unit_test(g8_not_in_flight),
	    cmocka_unit_test(g8_mtu_values),
	    cmocka_unit_test(g8_small_mss_is_not_raised),
	    cmocka_unit_test(g8_plateaus),
	    cmocka_unit_test(g8_with_the_window_shut),
	    cmocka_unit_test(g9_other_types),
	    cmocka_unit_test(about_an_idle_connection),
	    cmocka_unit_test(soft_errors_are_told),
	    cmocka_unit_test(soft_errors_of_a_syn_are_told),
	    cmocka_unit_test(r1_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
