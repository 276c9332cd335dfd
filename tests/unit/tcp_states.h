/* tcp_states.h - a constructor for every state of RFC 9293 3.3.2. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_TCP_STATES_H
#define TEST_TCP_STATES_H

#include "tcp_kit.h"

enum { KIT_LADDR = 0x0a000001, KIT_RADDR = 0x0a000002, KIT_LPORT = 40000, KIT_RPORT = 80 };

/* The defaults of the tests: what they do not set. */
static inline struct kit_opts
kit_opts_fill(const struct kit_opts *given)
{
	struct kit_opts o = given ? *given : (struct kit_opts){.n_acts = 0};

	if (o.cfg.rcvbuf == 0)
		tcp_config_default(&o.cfg);
	if (o.cfg.mss == 0)
		o.cfg.mss = 1460;
	o.n_acts = o.n_acts ? o.n_acts : 4;
	o.n_small = o.n_small ? o.n_small : 600;
	o.n_large = o.n_large ? o.n_large : 600;
	o.start = o.start ? o.start : 1000 * KIT_S;
	o.irs = o.irs ? o.irs : 7000000;
	o.peer_wnd = o.peer_wnd ? o.peer_wnd : 65535;
	o.peer_mss = o.peer_mss ? o.peer_mss : 1460;
	return o;
}

/* The configuration of most tests: no scaling, so that windows are read off the segments; no SACK,
 * with which losses have tests of their own. */
static inline struct tcp_config
kit_config(void)
{
	struct tcp_config c;

	tcp_config_default(&c);
	c.mss = 1460;
	c.window_scale = false;
	c.sack = false;
	return c;
}

/* No options but an MSS of 1000, and NewReno: round numbers. */
static inline struct kit_opts
kit_plain(void)
{
	return (struct kit_opts){
	    .cfg = kit_config(),
	    .peer_mss = 1000,
	    .no_ts = true,
	    .profile.cc = TCP_CC_NEWRENO,
	};
}

/* A context and a zeroed tcb. */
static inline struct kit *
kit_new(const struct kit_opts *given)
{
	const struct kit_opts o = kit_opts_fill(given);
	const uint64_t bytes = tcp_ctx_bytes(o.n_acts, o.n_small, o.n_large);
	struct kit *k = calloc(1, sizeof(*k));
	struct tcp_config cfg = o.cfg;

	assert_non_null(k);
	k->mem = malloc(bytes);
	k->tcb_mem = malloc(KIT_TCBS * sizeof(struct tcb));
	assert_non_null(k->mem);
	assert_non_null(k->tcb_mem);
	memset(k->mem, 0xa5, bytes); /* nothing may count on zeroed memory */
	memset(&k->out, 0xa5, sizeof(k->out));
	pool_init(&k->tcbs, k->tcb_mem, sizeof(struct tcb), KIT_TCBS);
	k->profile = o.profile;
	cfg.profiles = &k->profile;
	tcp_ctx_init(&k->ctx, &cfg, kit_secret, &k->tcbs, k->mem, o.n_acts, o.n_small, o.n_large,
		     o.start);
	k->now = o.start;
	k->irs = o.irs;
	k->peer_ts = 5000;
	k->peer_wnd = o.peer_wnd;
	k->room = TCP_OUT_SEGS;
	k->h = pool_get(&k->tcbs);
	k->t = pool_at(&k->tcbs, k->h);
	memset(k->t, 0, sizeof(*k->t));
	k->t->flow = (struct flow){KIT_LADDR, KIT_RADDR, KIT_LPORT, KIT_RPORT};
	return k;
}

/* Ends the test; what is left of the connection is aborted, and nothing may stay in the pools. */
static inline void
kit_delete(struct kit *k)
{
	if (k->t && k->t->state != TCP_FREE && k->t->state != TCP_CLOSED) {
		struct chain *q = tcp_rcvq(&k->ctx, k->t);

		if (q)
			chain_free(&k->ctx.blocks, q);
		kit_abort(k);
		expect_gone(k);
	}
	expect_idle(k);
	assert_int_equal(k->ctx.wheel.n, 0);
	free(k->mem);
	free(k->tcb_mem);
	free(k);
}

/* The options of the peer's SYN. */
static inline const char *
kit_syn_options(const struct kit_opts *o, char *buf, size_t size)
{
	char mss[16] = "", ws[16] = "";

	if (!o->no_mss)
		snprintf(mss, sizeof(mss), " mss %u", o->peer_mss);
	if (!o->no_ws)
		snprintf(ws, sizeof(ws), " ws %u", o->peer_ws);
	snprintf(buf, size, "%s%s%s", mss, ws, o->no_sack ? "" : " sackok");
	return buf;
}

static inline struct kit *
kit_syn_sent(const struct kit_opts *given)
{
	struct kit *k = kit_new(given);

	tcp_out_init(&k->out, k->room);
	assert_int_equal(tcp_open_active(&k->ctx, k->t, k->now, &k->out), 0);
	kit_after(k, NULL);
	expect(k, "S 0");
	expect_state(k, TCP_SYN_SENT);
	return k;
}

/* The listener took this SYN, in the words of tcp_note.h. */
static inline struct kit *
kit_passive(const struct kit_opts *given, const char *syn)
{
	struct kit *k = kit_new(given);
	struct tcp_seg seg;

	k->have_ts = given == NULL || !given->no_ts;
	seg = kit_peer_seg(k, syn);
	tcp_out_init(&k->out, k->room);
	assert_int_equal(tcp_open_passive(&k->ctx, k->t, &seg, k->now, &k->out), 0);
	kit_after(k, NULL);
	expect(k, "S. 0 ack 1");
	expect_state(k, TCP_SYN_RECEIVED);
	k->have_ts = k->t->flags & TCB_TIMESTAMPS;
	return k;
}

static inline struct kit *
kit_syn_received(const struct kit_opts *given)
{
	const struct kit_opts o = kit_opts_fill(given);
	char options[64], syn[128];

	snprintf(syn, sizeof(syn), "S 0%s", kit_syn_options(&o, options, sizeof(options)));
	return kit_passive(given, syn);
}

/* By our own SYN. */
static inline struct kit *
kit_established(const struct kit_opts *given)
{
	const struct kit_opts o = kit_opts_fill(given);
	struct kit *k = kit_syn_sent(given);
	char options[64];

	kit_run_ms(k, o.rtt_ms);
	k->have_ts = !o.no_ts && o.cfg.timestamps;
	in(k, "S. 0 ack 1%s", kit_syn_options(&o, options, sizeof(options)));
	expect(k, ". 1 ack 1");
	expect_state(k, TCP_ESTABLISHED);
	kit_forget(k);
	return k;
}

/* By the peer's SYN. */
static inline struct kit *
kit_accepted(const struct kit_opts *given)
{
	struct kit *k = kit_syn_received(given);

	in(k, ". 1 ack 1");
	expect_state(k, TCP_ESTABLISHED);
	expect_silence(k);
	kit_forget(k);
	return k;
}

/* Accepted, with SACK and round numbers, with or without timestamps. */
static inline struct kit *
kit_sack_receiver(bool timestamps)
{
	struct kit_opts o = kit_plain();

	o.cfg.sack = true;
	o.no_ts = !timestamps;
	return kit_accepted(&o);
}

static inline struct kit *
kit_fin_wait_1(const struct kit_opts *given)
{
	struct kit *k = kit_established(given);

	kit_close(k);
	expect(k, "F. 1 ack 1");
	expect_state(k, TCP_FIN_WAIT_1);
	return k;
}

static inline struct kit *
kit_fin_wait_2(const struct kit_opts *given)
{
	struct kit *k = kit_fin_wait_1(given);

	in(k, ". 1 ack 2");
	expect_state(k, TCP_FIN_WAIT_2);
	expect_silence(k);
	return k;
}

static inline struct kit *
kit_closing(const struct kit_opts *given)
{
	struct kit *k = kit_fin_wait_1(given);

	in(k, "F. 1 ack 1");
	expect(k, ". 2 ack 2");
	expect_state(k, TCP_CLOSING);
	return k;
}

static inline struct kit *
kit_time_wait(const struct kit_opts *given)
{
	struct kit *k = kit_fin_wait_2(given);

	in(k, "F. 1 ack 2");
	expect(k, ". 2 ack 2");
	expect_state(k, TCP_TIME_WAIT);
	kit_forget(k);
	return k;
}

static inline struct kit *
kit_close_wait(const struct kit_opts *given)
{
	struct kit *k = kit_established(given);

	in(k, "F. 1 ack 1");
	expect(k, ". 1 ack 2");
	expect_state(k, TCP_CLOSE_WAIT);
	kit_forget(k);
	return k;
}

static inline struct kit *
kit_last_ack(const struct kit_opts *given)
{
	struct kit *k = kit_close_wait(given);

	kit_close(k);
	expect(k, "F. 1 ack 2");
	expect_state(k, TCP_LAST_ACK);
	return k;
}

/* All states, for tables over them. */
struct kit_state {
	const char *name;
	struct kit *(*make)(const struct kit_opts *);
	enum tcp_state state;
	uint32_t rcv_nxt, snd_nxt; /* relative */
};

static const struct kit_state kit_synchronized[] = {
    {"SYN-RECEIVED", kit_syn_received, TCP_SYN_RECEIVED, 1, 1},
    {"ESTABLISHED", kit_established, TCP_ESTABLISHED, 1, 1},
    {"FIN-WAIT-1", kit_fin_wait_1, TCP_FIN_WAIT_1, 1, 2},
    {"FIN-WAIT-2", kit_fin_wait_2, TCP_FIN_WAIT_2, 1, 2},
    {"CLOSING", kit_closing, TCP_CLOSING, 2, 2},
    {"TIME-WAIT", kit_time_wait, TCP_TIME_WAIT, 2, 2},
    {"CLOSE-WAIT", kit_close_wait, TCP_CLOSE_WAIT, 2, 1},
    {"LAST-ACK", kit_last_ack, TCP_LAST_ACK, 2, 2},
};

/* When a connection must be opened so that its ISS is this one: the keyed ISN moves on by one in 4
 * us (RFC 9293 3.4.1). */
static inline uint64_t
kit_start_for_iss(uint32_t iss)
{
	const uint64_t start = 1000 * KIT_S;
	struct kit *k = kit_syn_sent(NULL);
	const uint32_t away = iss - k->iss;

	kit_delete(k);
	return start + (uint64_t)away * 4000;
}

#endif
