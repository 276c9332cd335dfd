/* test_tcp_negotiate.c - options of the SYNs, ISN (RFC 9293, 7323, 6528). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <math.h>

#include "tcp_states.h"

/* --- which options --- */

static struct kit_opts
offer(unsigned ours, unsigned theirs)
{
	struct kit_opts o = {.peer_ws = 3};

	tcp_config_default(&o.cfg);
	o.cfg.mss = 1460;
	o.cfg.window_scale = ours & 1;
	o.cfg.timestamps = ours & 2;
	o.no_ws = !(theirs & 1);
	o.no_ts = !(theirs & 2);
	o.no_sack = !(theirs & 4);
	o.no_mss = !(theirs & 8);
	return o;
}

static void
assert_agreed(const struct kit *k, unsigned ours, unsigned theirs)
{
	const unsigned both = ours & theirs;

	assert_int_equal((k->t->flags & TCB_TIMESTAMPS) != 0, (both & 2) != 0);
	if (!(both & 1))
		assert_int_equal(k->t->scales, 0);
	else
		assert_int_equal(k->t->scales & 15, 3);
}

/* A5: the SYN,ACK has an option only when the SYN had it and we want it; MSS always. */
static void
a5_passive_options(void **state)
{
	(void)state;
	for (unsigned ours = 0; ours < 4; ours++) {
		for (unsigned theirs = 0; theirs < 16; theirs++) {
			const struct kit_opts o = offer(ours, theirs);
			struct kit *k = kit_syn_received(&o);
			const uint8_t opts = k->sent[0].seg.opts;

			assert_int_equal((opts & TCP_OPT_WSCALE) != 0, (ours & theirs & 1) != 0);
			assert_int_equal((opts & TCP_OPT_TIMESTAMP) != 0, (ours & theirs & 2) != 0);
			assert_true(!(opts & TCP_OPT_SACK_PERMITTED) || theirs & 4);
			assert_true(opts & TCP_OPT_MSS);
			assert_int_equal(k->sent[0].seg.mss, 1460);
			in(k, ". 1 ack 1");
			expect_state(k, TCP_ESTABLISHED);
			assert_agreed(k, ours, theirs);
			kit_delete(k);
		}
	}
}

static void
active_options(void **state)
{
	(void)state;
	for (unsigned ours = 0; ours < 4; ours++) {
		for (unsigned theirs = 0; theirs < 16; theirs++) {
			const struct kit_opts o = offer(ours, theirs);
			struct kit *k = kit_syn_sent(&o);
			const uint8_t opts = k->sent[0].seg.opts;
			char options[64];

			assert_int_equal((opts & TCP_OPT_WSCALE) != 0, (ours & 1) != 0);
			assert_int_equal((opts & TCP_OPT_TIMESTAMP) != 0, (ours & 2) != 0);
			assert_true(opts & TCP_OPT_MSS);
			k->have_ts = theirs & 2;
			in(k, "S. 0 ack 1%s", kit_syn_options(&o, options, sizeof(options)));
			expect_state(k, TCP_ESTABLISHED);
			assert_agreed(k, ours, theirs);
			kit_delete(k);
		}
	}
}

static void
sack_permitted(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 4; bits++) {
		struct kit_opts o = {.no_sack = bits & 1};
		struct kit *k;

		tcp_config_default(&o.cfg);
		o.cfg.sack = bits & 2;
		k = kit_syn_received(&o);
		assert_int_equal((k->sent[0].seg.opts & TCP_OPT_SACK_PERMITTED) != 0, bits == 2);
		kit_delete(k);
		k = kit_established(&o);
		assert_int_equal((k->t->flags & TCB_SACK) != 0, bits == 2);
		kit_delete(k);
	}
}

/* --- MSS --- */

/* The length of the first segment of a long write. */
static uint16_t
segment_for(const struct kit_opts *o)
{
	struct kit *k = kit_accepted(o);
	uint16_t len;

	kit_send(k, 30000);
	assert_true(k->n_sent > 0);
	len = k->sent[0].seg.len;
	kit_delete(k);
	return len;
}

static void
a6_default_mss(void **state)
{
	struct kit_opts o = {.cfg = kit_config(), .no_mss = true, .no_ts = true};

	(void)state;
	assert_int_equal(segment_for(&o), 536);
	o.no_ts = false;
	assert_int_equal(segment_for(&o), 524); /* RFC 6691: options come off */
}

static void
b4_mss_values(void **state)
{
	static const struct {
		uint16_t offered, least, most;
	} t[] = {
	    {1460, 1460, 1460}, {1000, 1000, 1000},  {536, 536, 536},
	    {88, 88, 88},	{65535, 1460, 1460}, /* nor more than our own interface can */
	    {47, 40, 88},	{1, 40, 88},	     {0, 40, 536},
	};

	(void)state;
	for (size_t i = 0; i < N_OF(t); i++) {
		char syn[64];
		struct kit_opts o = kit_plain();
		struct kit *k;

		snprintf(syn, sizeof(syn), "S 0 mss %u", t[i].offered);
		k = kit_passive(&o, syn);
		in(k, ". 1 ack 1");
		kit_send(k, 30000);
		assert_true(k->n_sent > k->next);
		assert_in_range(k->sent[k->next].seg.len, t[i].least, t[i].most);
		kit_delete(k);
	}
}

static void
mss_leaves_room_for_timestamps(void **state)
{
	const struct kit_opts o = {.cfg = kit_config(), .peer_mss = 1460};

	(void)state;
	assert_int_equal(segment_for(&o), 1448);
}

static void
b7_mss_after_the_syn(void **state)
{
	struct kit_opts o = kit_plain();
	struct kit *k = kit_accepted(&o);

	(void)state;
	in(k, ". 1 ack 1 mss 100");
	kit_send(k, 1000);
	expect(k, ". 1(1000) ack 1 plain"); /* MUST-65: nor do we send one */
	kit_delete(k);
}

/* --- window scale --- */

static void
scale_of_our_buffer(void **state)
{
	static const struct {
		uint32_t rcvbuf;
		unsigned least;
	} t[] = {{4096, 0}, {65535, 0}, {65536, 1}, {1 << 20, 5}, {1 << 24, 9}, {1 << 30, 14}};

	(void)state;
	for (size_t i = 0; i < N_OF(t); i++) {
		struct kit_opts o = {.n_acts = 0};
		struct kit *k;
		unsigned ws;
		uint64_t wnd;

		tcp_config_default(&o.cfg);
		o.cfg.rcvbuf = t[i].rcvbuf;
		k = kit_established(&o);
		ws = k->t->scales >> 4;
		assert_in_range(ws, t[i].rcvbuf > 65536 ? t[i].least : 0, 14);
		in(k, "P. 1(10) ack 1");
		kit_run_ms(k, 100);
		wnd = (uint64_t)k->sent[0].seg.wnd << ws;
		assert_in_range(wnd, t[i].rcvbuf - t[i].rcvbuf / 8 - 10 - (1u << ws), t[i].rcvbuf);
		kit_delete(k);
	}
}

/* RFC 7323 2.2: the window of a SYN is never scaled. */
static void
b8_syn_window_is_not_scaled(void **state)
{
	struct kit_opts o = {.peer_ws = 7, .peer_wnd = 1000};
	struct kit *k = kit_syn_sent(&o);

	(void)state;
	assert_true(k->sent[0].seg.wnd > 0);
	in(k, "S. 0 ack 1 win 1000 mss 1460 ws 7");
	assert_int_equal(k->t->snd_wnd, 1000);
	in(k, ". 1 ack 1 win 1000");
	assert_int_equal(k->t->snd_wnd, 128000);
	kit_delete(k);
}

static void
b8_our_syn_window(void **state)
{
	struct kit_opts o = {.n_acts = 0};
	struct kit *k;

	(void)state;
	tcp_config_default(&o.cfg);
	o.cfg.rcvbuf = 1 << 20;
	k = kit_syn_sent(&o);
	assert_int_equal(k->sent[0].seg.wnd, 65535);
	kit_delete(k);
	k = kit_syn_received(&o);
	assert_int_equal(k->sent[0].seg.wnd, 65535);
	kit_delete(k);
	o.no_ws = true; /* and no scaling later when only we want it */
	k = kit_accepted(&o);
	in(k, "P. 1(10) ack 1");
	kit_run_ms(k, 100);
	assert_true(k->sent[0].seg.wnd >= 65000);
	kit_delete(k);
}

static void
b3_largest_scale(void **state)
{
	struct kit_opts o = {.peer_ws = 14, .peer_wnd = 65535};
	struct kit *k = kit_accepted(&o);

	(void)state;
	in(k, "P. 1(1) ack 1 win 65535");
	assert_int_equal(k->t->snd_wnd, 65535u << 14);
	kit_delete(k);
}

/* --- timestamps --- */

/* RFC 7323 3.2: on every segment but a RST, once agreed. */
static void
b8_timestamps_on_every_segment(void **state)
{
	struct kit *k = kit_accepted(NULL);

	(void)state;
	kit_send(k, 3000);
	in(k, ". 101(100) ack 1");
	kit_run_ms(k, 5000);
	in(k, "S 0");
	kit_close(k);
	in(k, ". 1(100) ack 3001");
	kit_run_ms(k, 5000);
	assert_true(k->n_sent > 8);
	for (unsigned i = 0; i < k->n_sent; i++)
		assert_true(k->sent[i].seg.opts & TCP_OPT_TIMESTAMP);
	kit_delete(k);
}

static void
b8_no_timestamps_unless_agreed(void **state)
{
	struct kit_opts o = {.no_ts = true};
	struct kit *k = kit_accepted(&o);

	(void)state;
	kit_send(k, 2920);
	in(k, ". 1 ack 2921 ts 5:5");
	in(k, "P. 1(10) ack 2921 ts 6:5");
	kit_run_ms(k, 100);
	for (unsigned i = 0; i < k->n_sent; i++)
		assert_false(k->sent[i].seg.opts & TCP_OPT_TIMESTAMP);
	assert_int_equal(k->rx_len, 10);
	kit_delete(k);
}

/* Our clock: monotone, 1 ms to 1 s a tick (RFC 7323 5.4). */
static void
tsval_advances(void **state)
{
	struct kit *k = kit_accepted(NULL);
	uint32_t first, last;

	(void)state;
	kit_send(k, 1);
	first = last = k->sent[0].seg.tsval;
	for (unsigned i = 1; i < 100; i++) {
		in(k, ". 1 ack %u", i + 1);
		kit_run_ms(k, 100);
		kit_send(k, 1);
		assert_true(seq_geq(k->sent[i].seg.tsval, last));
		last = k->sent[i].seg.tsval;
	}
	assert_in_range(last - first, 9, 9901);
	kit_delete(k);
}

/* RFC 7323 4.3: which TSval is echoed. */
static void
tsecr_of_delayed_ack_is_the_earliest(void **state)
{
	struct kit_opts o = {.cfg = kit_config()};
	struct kit *k = kit_accepted(&o);

	(void)state;
	in(k, ". 1(1448) ack 1 ts 2000100:%u", k->ts_ecr);
	expect_silence(k);
	in(k, ". 1449(1448) ack 1 ts 2000200:%u", k->ts_ecr);
	expect(k, ". 1 ack 2897 ts %u:2000100", k->sent[0].seg.tsval);
	kit_delete(k);
}

static void
tsecr_with_a_hole(void **state)
{
	struct kit_opts o = {.cfg = kit_config(), .profile.quickack = true};
	struct kit *k = kit_accepted(&o);

	(void)state;
	in(k, ". 1(100) ack 1 ts 2000001:0");
	assert_int_equal(k->sent[k->n_sent - 1].seg.tsecr, 2000001);
	in(k, ". 201(100) ack 1 ts 2000003:0"); /* beyond the hole: not echoed */
	assert_int_equal(k->sent[k->n_sent - 1].seg.tsecr, 2000001);
	in(k, ". 101(100) ack 1 ts 2000005:0"); /* fills it: echoed */
	assert_int_equal(k->sent[k->n_sent - 1].seg.tsecr, 2000005);
	in(k, ". 301(100) ack 1 ts 2000006:0");
	assert_int_equal(k->sent[k->n_sent - 1].seg.tsecr, 2000006);
	kit_delete(k);
}

/* A window update or dup ACK that is old in sequence does not move TS.Recent back. */
static void
tsecr_never_goes_back(void **state)
{
	struct kit_opts o = {.cfg = kit_config(), .profile.quickack = true};
	struct kit *k = kit_accepted(&o);

	(void)state;
	in(k, ". 1(100) ack 1 ts 2000010:0");
	in(k, ". 1(100) ack 1 ts 2000002:0");
	in(k, ". 101(100) ack 1 ts 2000010:0");
	assert_int_equal(k->sent[k->n_sent - 1].seg.tsecr, 2000010);
	assert_int_equal(k->sent[k->n_sent - 1].seg.ack - k->irs, 201);
	kit_delete(k);
}

/* RFC 7323 5.4: offsets tell nothing about other flows or uptime. */
static void
ts_offset_is_per_flow(void **state)
{
	uint32_t tsval[16];

	(void)state;
	for (uint16_t i = 0; i < N_OF(tsval); i++) {
		struct kit *k = kit_new(NULL);

		k->t->flow.lport = (uint16_t)(1000 + i);
		tcp_out_init(&k->out, k->room);
		tcp_open_active(&k->ctx, k->t, k->now, &k->out);
		kit_after(k, NULL);
		tsval[i] = k->sent[0].seg.tsval;
		kit_delete(k);
		for (unsigned j = 0; j < i; j++)
			assert_true(tsval[i] - tsval[j] + 100000 > 200000);
	}
}

/* --- ISN --- */

static uint32_t
iss_of(const struct flow *f, const uint8_t secret[16], uint64_t now)
{
	static uint8_t mem[1 << 16];
	static struct tcp_ctx ctx; /* large: a wheel */
	static struct tcb t;
	struct pool tcbs;
	struct tcp_config cfg;
	struct tcp_out out;
	uint32_t iss;

	tcp_config_default(&cfg);
	t = (struct tcb){.flow = *f};
	pool_init(&tcbs, &t, sizeof(t), 1);
	assert_true(tcp_ctx_bytes(1, 1, 1) <= sizeof(mem));
	if (ctx.acts.max == 0 || memcmp(ctx.secret, secret, 16) != 0)
		tcp_ctx_init(&ctx, &cfg, secret, &tcbs, mem, 1, 1, 1, now);
	ctx.tcbs = &tcbs;
	tcp_out_init(&out, TCP_OUT_SEGS);
	assert_int_equal(tcp_open_active(&ctx, &t, now, &out), 0);
	tcp_output(&ctx, &t, now, &out);
	assert_int_equal(out.n_segs, 1);
	iss = out.seg[0].seq;
	tcp_out_init(&out, TCP_OUT_SEGS);
	tcp_abort(&ctx, &t, now, &out);
	return iss;
}

static void
b9_iss_follows_the_clock(void **state)
{
	const struct flow f = {KIT_LADDR, KIT_RADDR, KIT_LPORT, KIT_RPORT};
	const uint32_t first = iss_of(&f, kit_secret, KIT_S);

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		const uint64_t later = i * UINT64_C(777777777);
		const uint32_t moved = iss_of(&f, kit_secret, KIT_S + later) - first;

		assert_in_range((uint32_t)(moved - (uint32_t)(later / 4000)) + 1, 0, 2);
	}
}

/* 100,000 neighbouring tuples at one moment: each octet of the ISS is uniform. 255 degrees of
 * freedom, p = 10^-6: 374. */
static void
b9_iss_distribution(void **state)
{
	static unsigned count[4][256];
	double chi2[4] = {0, 0, 0, 0};
	const unsigned n = 100000;

	(void)state;
	for (unsigned i = 0; i < n; i++) {
		const struct flow f = {KIT_LADDR + i / 50000, KIT_RADDR,
				       (uint16_t)(1024 + i % 50000), KIT_RPORT};
		const uint32_t iss = iss_of(&f, kit_secret, KIT_S);

		for (unsigned b = 0; b < 4; b++)
			count[b][iss >> 8 * b & 255]++;
	}
	for (unsigned b = 0; b < 4; b++) {
		for (unsigned v = 0; v < 256; v++)
			chi2[b] += pow(count[b][v] - n / 256.0, 2) / (n / 256.0);
		assert_true(chi2[b] < 374 && chi2[b] > 150);
	}
}

static void
b10_iss_depends_on_the_secret(void **state)
{
	const struct flow f = {KIT_LADDR, KIT_RADDR, KIT_LPORT, KIT_RPORT};
	uint8_t secret[16] = {0};
	uint32_t last = iss_of(&f, secret, KIT_S);

	(void)state;
	for (unsigned bit = 0; bit < 128; bit++) {
		uint32_t iss;

		secret[bit / 8] ^= (uint8_t)(1u << bit % 8);
		iss = iss_of(&f, secret, KIT_S);
		assert_true(iss - last + 1000 > 2000);
		last = iss;
	}
}

static void
iss_does_not_repeat_on_reopening(void **state)
{
	const struct flow f = {KIT_LADDR, KIT_RADDR, KIT_LPORT, KIT_RPORT};
	uint32_t last = iss_of(&f, kit_secret, KIT_S);

	(void)state;
	for (unsigned i = 1; i < 10000; i++) {
		const uint32_t iss = iss_of(&f, kit_secret, KIT_S + i * 5000);

		assert_true(seq_gt(iss, last));
		last = iss;
	}
}

/* --- ECN --- */

static void
b11_ecn_setup_syn(void **state)
{
	struct kit *k = kit_passive(NULL, "SEW 0 mss 1460");

	(void)state;
	assert_int_equal(k->sent[0].seg.flags, TCP_SYN | TCP_ACK);
	in(k, "E. 1 ack 1");
	in(k, "PW. 1(10) ack 1");
	kit_send(k, 10);
	for (unsigned i = 0; i < k->n_sent; i++)
		assert_int_equal(k->sent[i].seg.flags & (TCP_ECE | TCP_CWR), 0);
	assert_int_equal(k->rx_len, 10);
	kit_delete(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a5_passive_options),
	    cmocka_unit_test(active_options),
	    cmocka_unit_test(sack_permitted),
	    cmocka_unit_test(a6_default_mss),
	    cmocka_unit_test(b4_mss_values),
	    cmocka_unit_test(mss_leaves_room_for_timestamps),
	    cmocka_unit_test(b7_mss_after_the_syn),
	    cmocka_unit_test(scale_of_our_buffer),
	    cmocka_unit_test(b8_syn_window_is_not_scaled),
	    cmocka_unit_test(b8_our_syn_window),
	    cmocka_unit_test(b3_largest_scale),
	    cmocka_unit_test(b8_timestamps_on_every_segment),
	    cmocka_unit_test(b8_no_timestamps_unless_agreed),
	    cmocka_unit_test(tsval_advances),
	    cmocka_unit_test(tsecr_of_delayed_ack_is_the_earliest),
	    cmocka_unit_test(tsecr_with_a_hole),
	    cmocka_unit_test(tsecr_never_goes_back),
	    cmocka_unit_test(ts_offset_is_per_flow),
	    cmocka_unit_test(b9_iss_follows_the_clock),
	    cmocka_unit_test(b9_iss_distribution),
	    cmocka_unit_test(b10_iss_depends_on_the_secret),
	    cmocka_unit_test(iss_does_not_repeat_on_reopening),
	    cmocka_unit_test(b11_ecn_setup_syn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
