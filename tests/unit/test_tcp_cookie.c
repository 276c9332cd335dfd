/* test_tcp_cookie.c - SYN cookies: what comes back, and what is believed (RFC 4987 3.6). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "base/rng.h"
#include "tcp_states.h"

#define SLOT_NS (32 * KIT_S)

static const struct flow flow = {KIT_LADDR, KIT_RADDR, KIT_LPORT, KIT_RPORT};

/* The SYN,ACK to this SYN, by cookie. */
static struct tcp_seg
answer(struct kit *k, const char *syn)
{
	const struct tcp_seg seg = kit_peer_seg(k, syn);

	tcp_out_init(&k->out, 1);
	tcp_cookie_answer(&k->ctx, &flow, 0, &seg, k->now, &k->out);
	assert_int_equal(k->out.n_segs, 1);
	return k->out.seg[0];
}

/* What the peer sends then. */
static struct tcp_seg
third_ack(struct kit *k, const struct tcp_seg *synack)
{
	struct tcp_seg ack = {
	    .seq = synack->ack,
	    .ack = synack->seq + 1,
	    .flags = TCP_ACK,
	    .wnd = 1000,
	};

	if (synack->opts & TCP_OPT_TIMESTAMP) {
		ack.opts = TCP_OPT_TIMESTAMP;
		ack.tsval = kit_peer_tsval(k);
		ack.tsecr = synack->tsval;
	}
	return ack;
}

static bool
check(struct kit *k, const struct tcp_seg *ack)
{
	return tcp_cookie_check(&k->ctx, &flow, ack, k->now);
}

static struct kit *
begin(struct kit_opts *o)
{
	struct kit *k = kit_new(o);

	k->have_ts = o == NULL || !o->no_ts;
	return k;
}

static void
end(struct kit *k)
{
	if (k->t->state == TCP_FREE || k->t->state == TCP_CLOSED) {
		pool_put(&k->tcbs, k->h);
		k->t = NULL;
	}
	kit_delete(k);
}

static void
the_third_ack_is_believed(void **state)
{
	struct kit *k = begin(NULL);
	struct tcp_seg synack, ack;

	(void)state;
	assert_false(tcp_cookies_are_out(&k->ctx, k->now));
	synack = answer(k, "S 0 mss 1460 ws 7 sackok");
	assert_true(tcp_cookies_are_out(&k->ctx, k->now));
	assert_int_equal(synack.flags, TCP_SYN | TCP_ACK);
	assert_int_equal(synack.ack, k->irs + 1);
	assert_int_equal(synack.mss, 1460);
	ack = third_ack(k, &synack);
	assert_true(check(k, &ack));
	end(k);
}

/* The same SYN,ACK as by a connection, but for its number and the low bits of the timestamp. */
static void
synack_is_that_of_a_connection(void **state)
{
	static const char *const syns[] = {
	    "S 0 mss 1460 ws 7 sackok",
	    "S 0 mss 1460 ws 0",
	    "S 0 mss 536 sackok",
	    "S 0",
	    "S 0 ws 14",
	};

	(void)state;
	for (size_t i = 0; i < N_OF(syns); i++) {
		struct kit *k = kit_passive(NULL, syns[i]);
		const struct tcp_seg a = k->sent[0].seg, b = answer(k, syns[i]);

		assert_int_equal(a.flags, b.flags);
		assert_int_equal(a.ack, b.ack);
		assert_int_equal(a.wnd, b.wnd);
		assert_int_equal(a.opts, b.opts);
		assert_int_equal(a.mss, b.mss);
		assert_int_equal(a.wscale, b.wscale);
		assert_int_equal(a.tsecr, b.tsecr);
		assert_in_range(a.tsval - b.tsval, 0, 63);
		kit_delete(k);
	}
}

/* What it takes to be the connection that a remembered SYN makes. */
static void
assert_same_connection(const struct tcb *a, const struct tcb *b)
{
	assert_memory_equal(&a->flow, &b->flow, sizeof(a->flow));
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->flags & ~(TCB_ACK_NOW | TCB_ACK_DELAYED),
			 b->flags & ~(TCB_ACK_NOW | TCB_ACK_DELAYED));
	assert_int_equal(a->mss, b->mss);
	assert_int_equal(a->scales, b->scales);
	assert_int_equal(a->ts_recent, b->ts_recent);
	assert_int_equal(a->ts_offset, b->ts_offset);
	assert_int_equal(a->rcv_nxt, b->rcv_nxt);
	assert_int_equal(a->rcv_adv, b->rcv_adv);
	assert_int_equal(a->snd_wnd, b->snd_wnd);
	assert_int_equal(a->ssthresh, b->ssthresh);
	assert_int_equal(a->profile, b->profile);
	assert_int_equal(a->snd_nxt - a->snd_una, b->snd_nxt - b->snd_una);
}

/* A connection opened by cookie, in k, as the host does it. */
static void
open_by(struct kit *k, const struct tcp_seg *ack)
{
	memset(k->t, 0, sizeof(*k->t));
	k->t->flow = flow;
	assert_true(check(k, ack));
	tcp_open_cookie(&k->ctx, k->t, ack, k->now);
	tcp_check(&k->ctx, k->t);
	assert_int_equal(k->t->state, TCP_SYN_RECEIVED);
	k->iss = ack->ack - 1;
	k->have_iss = true;
	kit_input(k, ack);
}

static void
connection_is_like_any_other(void **state)
{
	static const char *const syns[] = {
	    "S 0 mss 1460 ws 7 sackok", "S 0 mss 1460 ws 0",	    "S 0 mss 536 sackok", "S 0",
	    "S 0 mss 1360 ws 14",	"S 0 mss 9000 ws 3 sackok",
	};

	(void)state;
	for (size_t i = 0; i < N_OF(syns); i++) {
		struct kit *a = kit_passive(NULL, syns[i]), *b = begin(NULL);
		struct tcp_seg synack = answer(b, syns[i]), ack;

		ack = third_ack(b, &synack);
		open_by(b, &ack);
		ack.ack = a->iss + 1;
		kit_input(a, &ack);
		expect_events(a, TCP_EV_ESTABLISHED);
		expect_events(b, TCP_EV_ESTABLISHED);
		assert_same_connection(a->t, b->t);
		expect_idle(b);
		kit_delete(a);
		kit_delete(b);
	}
}

/* Octets on the ACK are delivered, and answered; both directions go on. */
static void
data_on_the_ack(void **state)
{
	struct kit *k = begin(NULL);
	struct tcp_seg synack = answer(k, "S 0 mss 1000 ws 2 sackok"), ack = third_ack(k, &synack);

	(void)state;
	ack.len = 300;
	open_by(k, &ack);
	expect_events(k, TCP_EV_ESTABLISHED);
	assert_int_equal(k->rx_len, 300);
	expect_after(k, 0, 42, ". 1 ack 301");
	k->ts_ecr = synack.tsval;
	in(k, ". 301(100) ack 1");
	assert_int_equal(k->rx_len, 400);
	kit_send(k, 2000);
	kit_forget(k);
	kit_delete(k);
}

static void
fin_on_the_ack(void **state)
{
	struct kit *k = begin(NULL);
	struct tcp_seg synack = answer(k, "S 0 mss 1000"), ack = third_ack(k, &synack);

	(void)state;
	ack.flags |= TCP_FIN;
	open_by(k, &ack);
	expect_events(k, TCP_EV_ESTABLISHED | TCP_EV_EOF);
	expect_state(k, TCP_CLOSE_WAIT);
	kit_delete(k);
}

/* MSS is rounded down to what the number has room for. */
static void
mss_values(void **state)
{
	static const struct {
		uint16_t asked, kept;
	} rows[] = {
	    {59, 60},	  {60, 60},	{535, 60},    {536, 536},    {1219, 536},
	    {1220, 1220}, {1400, 1400}, {1439, 1400}, {1440, 1440},  {1452, 1452},
	    {1459, 1452}, {1460, 1460}, {8960, 1460}, {65535, 1460},
	};

	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++) {
		struct kit *k = begin(NULL);
		char syn[64];
		struct tcp_seg synack, ack;

		snprintf(syn, sizeof(syn), "S 0 mss %u", rows[i].asked);
		synack = answer(k, syn);
		ack = third_ack(k, &synack);
		open_by(k, &ack);
		assert_int_equal(k->t->mss, rows[i].kept);
		kit_delete(k);
	}
}

/* Without timestamps only the MSS survives, and the SYN,ACK offers no more than that. */
static void
without_timestamps(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;
	struct tcp_seg synack, ack;

	(void)state;
	o.no_ts = true;
	k = begin(&o);
	synack = answer(k, "S 0 mss 1400 ws 7 sackok");
	assert_int_equal(synack.opts, TCP_OPT_MSS);
	ack = third_ack(k, &synack);
	open_by(k, &ack);
	assert_int_equal(k->t->mss, 1400);
	assert_int_equal(k->t->scales, 0);
	assert_int_equal(k->t->flags & (TCB_TIMESTAMPS | TCB_SACK | TCB_WSCALE | TCB_ECN), 0);
	assert_int_equal(k->t->snd_wnd, 1000);
	kit_delete(k);
}

/* Every shift, with and without SACK, through the low bits of the timestamp; the peer's window is scaled by it. */
static void
scales_through_the_timestamp(void **state)
{
	(void)state;
	for (unsigned ws = 0; ws <= 14; ws++)
		for (unsigned sack = 0; sack < 2; sack++) {
			struct kit *k = begin(NULL);
			struct tcp_seg synack, ack;
			char syn[64];

			k->ctx.cfg.sack = true;
			k->now += ws * 7 * KIT_MS;
			snprintf(syn, sizeof(syn), "S 0 mss 1460 ws %u%s", ws,
				 sack ? " sackok" : "");
			synack = answer(k, syn);
			ack = third_ack(k, &synack);
			open_by(k, &ack);
			assert_int_equal(k->t->scales & 15, ws);
			assert_int_equal(k->t->snd_wnd, 1000u << ws);
			assert_int_equal((k->t->flags & TCB_SACK) != 0, sack);
			kit_delete(k);
		}
}

/* The clock in it is never ahead of ours, and what we say later is never behind what was said. */
static void
timestamps_do_not_go_back(void **state)
{
	struct kit *k = begin(NULL);
	uint32_t last = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		struct tcp_seg s =
		    answer(k, i & 1 ? "S 0 mss 1460 ws 14 sackok" : "S 0 mss 1460 ws 0");
		struct tcp_seg ack = third_ack(k, &s);

		open_by(k, &ack);
		kit_send(k, 1);
		assert_in_range(k->sent[0].seg.tsval - s.tsval, 0, 63);
		if (i > 0)
			assert_true((int32_t)(k->sent[0].seg.tsval - last) >= 0);
		last = k->sent[0].seg.tsval;
		kit_forget(k);
		tcp_out_init(&k->out, 4);
		tcp_abort(&k->ctx, k->t, k->now, &k->out);
		k->now += KIT_MS;
		k->tx_len = 0;
	}
	end(k);
}

/* Good for this slot of time and the next one, whenever in it. */
static void
lifetime(void **state)
{
	(void)state;
	for (uint64_t at = 0; at < SLOT_NS; at += SLOT_NS / 7) {
		struct kit *k = begin(NULL);
		uint64_t start = (k->now / SLOT_NS + 1) * SLOT_NS + at;
		struct tcp_seg synack, ack;

		k->now = start;
		synack = answer(k, "S 0 mss 1460");
		ack = third_ack(k, &synack);
		for (uint64_t t = 0; t < 4 * SLOT_NS; t += SLOT_NS / 8) {
			k->now = start + t;
			if (t < SLOT_NS)
				assert_true(check(k, &ack));
			if (t >= 2 * SLOT_NS)
				assert_false(check(k, &ack));
		}
		assert_false(tcp_cookies_are_out(&k->ctx, start + 2 * SLOT_NS));
		end(k);
	}
}

/* A slot bit that comes round again does not bring the old key back: secrets rotate. */
static void
slots_do_not_come_back(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k;
	struct tcp_seg synack, ack;

	(void)state;
	o.no_ts = true; /* else the timestamp alone would show its age */
	k = begin(&o);
	synack = answer(k, "S 0 mss 1460");
	ack = third_ack(k, &synack);
	assert_true(check(k, &ack));
	for (unsigned i = 2; i < 200; i++) {
		k->now += i == 2 ? 2 * SLOT_NS : SLOT_NS;
		assert_false(check(k, &ack));
	}
	end(k);
}

/* Each field that it stands for, changed a little. */
static void
changed_a_little(void **state)
{
	struct kit *k = begin(NULL);
	struct tcp_seg synack = answer(k, "S 0 mss 1460 ws 7 sackok"), ack = third_ack(k, &synack);
	struct flow f;

	(void)state;
	for (unsigned bit = 0; bit < 32; bit++) {
		struct tcp_seg a = ack;

		a.seq ^= 1u << bit;
		assert_false(check(k, &a));
		a = ack;
		a.ack ^= 1u << bit;
		assert_false(check(k, &a));
		f = flow;
		f.raddr ^= 1u << bit;
		assert_false(tcp_cookie_check(&k->ctx, &f, &ack, k->now));
		f = flow;
		f.laddr ^= 1u << bit;
		assert_false(tcp_cookie_check(&k->ctx, &f, &ack, k->now));
	}
	for (unsigned bit = 0; bit < 16; bit++) {
		f = flow;
		f.rport ^= (uint16_t)(1u << bit);
		assert_false(tcp_cookie_check(&k->ctx, &f, &ack, k->now));
		f = flow;
		f.lport ^= (uint16_t)(1u << bit);
		assert_false(tcp_cookie_check(&k->ctx, &f, &ack, k->now));
	}
	assert_true(check(k, &ack));
	end(k);
}

/* A timestamp that was not agreed on, one that is missing, one of another time. */
static void
timestamps_that_do_not_fit(void **state)
{
	struct kit *k = begin(NULL);
	struct tcp_seg synack = answer(k, "S 0 mss 1460 ws 7"), ack = third_ack(k, &synack), a;

	(void)state;
	a = ack;
	a.opts = 0;
	assert_false(check(k, &a));
	a = ack;
	a.tsecr = 0;
	assert_false(check(k, &a));
	a.tsecr = ack.tsecr + 1000;
	assert_false(check(k, &a));
	a.tsecr = ack.tsecr - 70000;
	assert_false(check(k, &a));
	synack = answer(k, "S 0 mss 1460 nots");
	a = third_ack(k, &synack);
	assert_true(check(k, &a));
	a.opts = TCP_OPT_TIMESTAMP;
	a.tsecr = ack.tsecr;
	assert_false(check(k, &a));
	end(k);
}

/* Another server's secret, and one connection's number for another. */
static void
secrets_differ(void **state)
{
	struct kit *a = begin(NULL), *b = begin(NULL);
	struct tcp_seg synack, ack;

	(void)state;
	b->ctx.secret[15] ^= 1;
	synack = answer(a, "S 0 mss 1460");
	ack = third_ack(a, &synack);
	assert_true(check(a, &ack));
	assert_false(check(b, &ack));
	end(a);
	end(b);
}

/* A million ACKs out of the blue: one in 2^27 would be believed, so none of these. */
static void
a_million_random_acks(void **state)
{
	struct kit *k = begin(NULL);
	struct tcp_seg synack = answer(k, "S 0 mss 1460 nots"), ack = third_ack(k, &synack);
	unsigned believed = 0;
	struct rng r;

	(void)state;
	rng_seed(&r, 4987, 0);
	for (unsigned i = 0; i < 1000000; i++) {
		struct flow f = flow;

		f.raddr = (uint32_t)rng_u64(&r);
		f.rport = (uint16_t)rng_u64(&r);
		ack.seq = (uint32_t)rng_u64(&r);
		ack.ack = (uint32_t)rng_u64(&r);
		believed += tcp_cookie_check(&k->ctx, &f, &ack, k->now);
	}
	assert_int_equal(believed, 0);
	end(k);
}

/* What a blind attacker can try on one tuple: two million numbers, of which the one that is right would be a chance of 1 in 64. */
static void
one_tuple_tried_out(void **state)
{
	struct kit_opts o = kit_plain();
	unsigned believed = 0;
	struct tcp_seg ack = {.flags = TCP_ACK, .seq = 12345};
	struct kit *k;

	(void)state;
	o.no_ts = true;
	k = begin(&o);
	for (uint32_t i = 0; i < 1u << 21; i++) {
		ack.ack = (i << 11) + 1;
		believed += check(k, &ack);
	}
	assert_true(believed <= 2);
	end(k);
}

/* Numbers spread over the whole space: no pattern to be guessed from one's own connections. */
static void
numbers_spread(void **state)
{
	struct kit *k = begin(NULL);
	unsigned ones[32] = {0}, same = 0;
	uint32_t last = 0;
	struct rng r;

	(void)state;
	rng_seed(&r, 1, 1);
	for (unsigned i = 0; i < 20000; i++) {
		struct tcp_seg syn = kit_peer_seg(k, "S 0 mss 1460");
		struct flow f = flow;

		syn.seq = (uint32_t)rng_u64(&r);
		f.rport = (uint16_t)i;
		tcp_out_init(&k->out, 1);
		tcp_cookie_answer(&k->ctx, &f, 0, &syn, k->now, &k->out);
		for (unsigned bit = 5; bit < 32; bit++)
			ones[bit] += k->out.seg[0].seq >> bit & 1;
		same += k->out.seg[0].seq == last;
		last = k->out.seg[0].seq;
	}
	assert_true(same <= 1);
	for (unsigned bit = 5; bit < 32; bit++)
		assert_in_range(ones[bit], 9700, 10300);
	end(k);
}

/* The same SYN again gets the same number within its slot: two answers do not contradict each other. */
static void
same_syn_same_number(void **state)
{
	struct kit *k = begin(NULL);
	struct tcp_seg a, b;

	(void)state;
	k->now = (k->now / SLOT_NS + 1) * SLOT_NS;
	a = answer(k, "S 0 mss 1460");
	k->now += SLOT_NS - KIT_S;
	b = answer(k, "S 0 mss 1460");
	assert_int_equal(a.seq, b.seq);
	k->now += KIT_S;
	b = answer(k, "S 0 mss 1460");
	assert_int_not_equal(a.seq, b.seq);
	end(k);
}

static void
no_room_no_answer(void **state)
{
	struct kit *k = begin(NULL);
	const struct tcp_seg syn = kit_peer_seg(k, "S 0 mss 1460");

	(void)state;
	tcp_out_init(&k->out, 0);
	tcp_cookie_answer(&k->ctx, &flow, 0, &syn, k->now, &k->out);
	assert_int_equal(k->out.n_segs, 0);
	assert_false(tcp_cookies_are_out(&k->ctx, k->now));
	end(k);
}

/* Neither measured nor counted as lost: the RTO is the initial one, the window too. */
static void
no_measurement(void **state)
{
	struct kit *k = begin(NULL);
	struct tcp_seg synack = answer(k, "S 0 mss 1000"), ack;

	(void)state;
	k->now += 400 * KIT_MS;
	ack = third_ack(k, &synack);
	ack.wnd = 60000;
	open_by(k, &ack);
	assert_int_equal(kit_send(k, 20000), 20000);
	assert_int_equal(k->n_sent, 10);
	kit_forget(k);
	assert_in_range(tcp_deadline(&k->ctx, k->t, k->now) - k->now, 0, 1001 * KIT_MS);
	kit_delete(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_third_ack_is_believed),
	    cmocka_unit_test(synack_is_that_of_a_connection),
	    cmocka_unit_test(connection_is_like_any_other),
	    cmocka_unit_test(data_on_the_ack),
	    cmocka_unit_test(fin_on_the_ack),
	    cmocka_unit_test(mss_values),
	    cmocka_unit_test(without_timestamps),
	    cmocka_unit_test(scales_through_the_timestamp),
	    cmocka_unit_test(timestamps_do_not_go_back),
	    cmocka_unit_test(lifetime),
	    cmocka_unit_test(slots_do_not_come_back),
	    cmocka_unit_test(changed_a_little),
	    cmocka_unit_test(timestamps_that_do_not_fit),
	    cmocka_unit_test(secrets_differ),
	    cmocka_unit_test(a_million_random_acks),
	    cmocka_unit_test(one_tuple_tried_out),
	    cmocka_unit_test(numbers_spread),
	    cmocka_unit_test(same_syn_same_number),
	    cmocka_unit_test(no_room_no_answer),
	    cmocka_unit_test(no_measurement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
