/* fuzz_tcp.c - libFuzzer: the TCP engine under any segments, calls and time. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tcp/seq.h"
#include "tcp/tcp.h"

/*
 * clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Icommon tests/fuzz/fuzz_tcp.c \
 *	common/tcp/[a-z]*.c common/wire/flow.c common/base/wheel.c -o fuzz_tcp && \
 *	./fuzz_tcp -max_len=1024
 *
 * The input is a configuration, then steps: what, which connection, and some octets of it. Numbers
 * in segments are near those that the connection expects, or anything at all.
 */
enum { CONNS = 4, ACTS = 3, SMALL = 6, LARGE = 4 };

struct input {
	const uint8_t *p;
	size_t left;
};

struct world {
	struct tcp_ctx ctx;
	struct pool tcbs;
	void *mem;
	struct tcb *tcb_mem;
	bool used[CONNS];
	uint64_t now;
	struct tcp_out out;
	bool slow_reader;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Zero when the input has run out. */
static uint32_t
take(struct input *in, unsigned octets)
{
	uint32_t v = 0;

	for (; octets > 0 && in->left > 0; octets--, in->left--)
		v = v << 8 | *in->p++;
	return v;
}

static const struct tcp_profile profiles[4] = {
    {.quickack = false},
    {.quickack = true, .ecn = TCP_ECN_ALWAYS},
    {.nodelay = true, .notify_sent = true, .keepalive_ns = TCP_KEEPALIVE_NS},
    {.ecn = TCP_ECN_REQUEST, .idle_ns = UINT64_C(600000000000)},
};

static void
draw_config(struct tcp_config *c, struct input *in)
{
	const uint32_t bits = take(in, 1);

	tcp_config_default(c);
	c->profiles = profiles;
	c->timestamps = bits & 1;
	c->window_scale = bits & 2;
	c->nagle = bits & 4;
	c->delack_ns = bits & 8 ? c->delack_ns : 0;
	c->sack = bits & 16;
	c->initial_window = (uint8_t)(1 + take(in, 1) % 10);
	c->mss = (uint16_t)(48 + take(in, 2) % 9000);
	c->rcvbuf = 1 + take(in, 3) % (1 << 20);
	c->sndbuf = 1 + take(in, 2);
	c->retries = (uint8_t)(1 + take(in, 1) % 15);
	c->time_wait_ns = take(in, 2) * UINT64_C(1000001);
	c->fin_wait_2_ns = take(in, 2) * UINT64_C(999999);
}

static void
world_init(struct world *w, struct input *in)
{
	struct tcp_config cfg;
	uint8_t secret[16] = {(uint8_t)take(in, 1)};

	memset(w, 0, sizeof(*w));
	draw_config(&cfg, in);
	w->now = (uint64_t)take(in, 4) << (take(in, 1) % 24);
	w->mem = malloc(tcp_ctx_bytes(ACTS, SMALL, LARGE));
	w->tcb_mem = malloc(CONNS * sizeof(struct tcb));
	pool_init(&w->tcbs, w->tcb_mem, sizeof(struct tcb), CONNS);
	tcp_ctx_init(&w->ctx, &cfg, secret, &w->tcbs, w->mem, ACTS, SMALL, LARGE, w->now);
}

/* --- what a host does with tcp_out --- */

static void
check_segment(struct world *w, const struct tcb *t, const struct tcp_seg *seg)
{
	uint8_t *octets = malloc(seg->len);

	if (seg->len > 0) {
		assert(!(seg->flags & (TCP_SYN | TCP_RST)) && t->state != TCP_CLOSED);
		assert(seg->len <= t->mss);
		tcp_sndq_copy(&w->ctx, t, seg->seq, seg->len, octets);
	}
	if (!(seg->flags & TCP_SYN))
		assert((seg->opts & ~(TCP_OPT_TIMESTAMP | TCP_OPT_SACK)) == 0);
	free(octets);
}

static void
keep(struct world *w, struct tcb *t, const uint8_t *data, uint32_t len)
{
	struct chain *q;

	if (!w->slow_reader)
		return;
	q = tcp_rcvq_get(&w->ctx, t, w->now);
	if (q)
		chain_append(&w->ctx.blocks, q, data, len);
}

static void
took(struct world *w, unsigned i, const uint8_t *payload, uint32_t len)
{
	struct tcb *t = &w->tcb_mem[i];
	struct tcp_out *o = &w->out;

	assert(o->n_segs <= o->room && !(o->events & ~0x7ffu));
	assert((uint32_t)o->deliver_off + o->deliver_len <= len);
	assert((uint32_t)o->hold_off + o->hold_len <= len);
	for (unsigned n = 0; n < o->n_segs; n++)
		check_segment(w, t, &o->seg[n]);
	if (o->deliver_len > 0)
		keep(w, t, payload + o->deliver_off, o->deliver_len);
	tcp_hold(&w->ctx, o, payload);
	chain_free(&w->ctx.blocks, &o->drained);
	assert(((o->events & TCP_EV_CLOSED) != 0) == (t->state == TCP_CLOSED));
	if (t->state != TCP_CLOSED)
		return;
	assert(!tcb_is_active(t));
	t->state = TCP_FREE;
	pool_put(&w->tcbs, i);
	w->used[i] = false;
}

/* --- steps --- */

static void
open_conn(struct world *w, struct input *in)
{
	const uint32_t bits = take(in, 1), h = pool_get(&w->tcbs);
	struct tcp_seg syn = {.seq = take(in, 4), .flags = TCP_SYN, .wnd = (uint16_t)take(in, 2)};
	struct tcb *t;
	int err;

	if (h == POOL_NONE)
		return;
	t = &w->tcb_mem[h];
	*t = (struct tcb){.flow = {1, 2, 3, (uint16_t)h}, .profile = (uint8_t)(bits >> 4 & 3)};
	syn.opts = (uint8_t)(bits & 0x0f);
	syn.mss = (uint16_t)take(in, 2);
	syn.wscale = (uint8_t)(take(in, 1) % 15);
	syn.tsval = take(in, 1);
	tcp_out_init(&w->out, bits & 0x80 ? 0 : 8);
	err = bits & 0x40 ? tcp_open_active(&w->ctx, t, w->now, &w->out)
			  : tcp_open_passive(&w->ctx, t, &syn, w->now, &w->out);
	w->used[h] = err == 0;
	if (err == 0)
		took(w, h, NULL, 0);
	else
		pool_put(&w->tcbs, h);
}

/* A number near the one that is expected, or any. */
static uint32_t
near(struct input *in, uint32_t expected, uint32_t edge)
{
	const uint32_t how = take(in, 1);

	switch (how >> 5) {
	case 0:
	case 1:
	case 2:
		return expected;
	case 3:
		return edge - 2 + how % 5;
	case 4:
		return take(in, 4);
	case 5:
		return expected - 1 - how % 32;
	default:
		return expected + take(in, 2) % 5000;
	}
}

static void
segment(struct world *w, unsigned i, struct input *in)
{
	static const uint8_t flags[] = {TCP_ACK, TCP_ACK, TCP_ACK,	     TCP_ACK | TCP_FIN,
					TCP_RST, TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK | TCP_PSH};
	const struct tcb *t = &w->tcb_mem[i];
	const uint32_t bits = take(in, 1);
	struct tcp_seg seg = {.flags = flags[bits & 7]};
	uint8_t *payload;

	if (bits & 8)
		seg.flags = (uint8_t)take(in, 1);
	seg.seq = near(in, t->rcv_nxt, t->rcv_adv);
	seg.ack = near(in, t->snd_nxt, t->snd_una);
	seg.len = (uint16_t)(bits & 16 ? take(in, 2) % 9000 : take(in, 1) % 8);
	seg.wnd = (uint16_t)(bits & 32 ? take(in, 2) : 8000);
	if (!(bits & 64)) {
		seg.opts = TCP_OPT_TIMESTAMP;
		seg.tsval = t->ts_recent + (bits & 128 ? take(in, 2) - 1000 : 0);
		seg.tsecr = (uint32_t)(w->now / 1000000) + t->ts_offset - take(in, 1);
	}
	payload = malloc(seg.len);
	memset(payload, 'x', seg.len);
	tcp_out_init(&w->out, take(in, 1) % 4);
	tcp_input(&w->ctx, &w->tcb_mem[i], &seg, w->now, &w->out);
	if (seg.flags & TCP_RST) /* RFC 9293 3.5.2 */
		for (unsigned n = 0; n < w->out.n_segs; n++)
			assert(!(w->out.seg[n].flags & TCP_RST));
	took(w, i, payload, seg.len);
	free(payload);
}

static void
output(struct world *w, unsigned i, unsigned room)
{
	struct tcb *t = &w->tcb_mem[i];
	const bool wanted = tcp_wants_output(&w->ctx, t);
	bool more;

	tcp_out_init(&w->out, room);
	more = tcp_output(&w->ctx, t, w->now, &w->out);
	assert(!more || w->out.n_segs == room);
	assert(wanted || w->out.n_segs == 0);
	took(w, i, NULL, 0);
}

/* Keepalive and idle limits of a connection at rest. */
static void
sweep(struct world *w, unsigned i)
{
	if (!tcp_sweep(&w->ctx, &w->tcb_mem[i], w->now))
		return;
	tcp_out_init(&w->out, 4);
	tcp_timeout(&w->ctx, &w->tcb_mem[i], w->now, &w->out);
	took(w, i, NULL, 0);
}

/* Time goes on; all that is due is done, and no deadline stands still. */
static void
elapse(struct world *w, uint64_t ns)
{
	w->now += ns;
	for (unsigned i = 0; i < CONNS; i++) {
		if (w->used[i])
			sweep(w, i);
		for (unsigned n = 0; w->used[i]; n++) {
			if (tcp_deadline(&w->ctx, &w->tcb_mem[i], w->now) > w->now)
				break;
			tcp_out_init(&w->out, 4);
			tcp_timeout(&w->ctx, &w->tcb_mem[i], w->now, &w->out);
			took(w, i, NULL, 0);
			assert(n < 10);
		}
	}
}

static void
read_some(struct world *w, struct tcb *t, uint32_t n)
{
	struct chain *q = tcp_rcvq(&w->ctx, t);

	if (!q)
		return;
	chain_trim_front(&w->ctx.blocks, q, n < q->len ? n : q->len);
	tcp_received(&w->ctx, t, w->now);
}

static void
send_some(struct world *w, struct tcb *t, uint32_t n)
{
	uint8_t *octets = calloc(1, n + 1);

	n = n % 10000;
	assert(tcp_send(&w->ctx, t, octets, n, w->now) <= n);
	assert(tcp_send_room(&w->ctx, t) <= w->ctx.cfg.sndbuf);
	free(octets);
}

static void
user_step(struct world *w, unsigned i, uint32_t what, struct input *in)
{
	struct tcb *t = &w->tcb_mem[i];
	uint32_t floor;
	struct tcp_seg syn = {.flags = TCP_SYN};

	tcp_out_init(&w->out, 4);
	switch (what) {
	case 0:
	case 1:
		send_some(w, t, take(in, 2));
		return;
	case 2:
		read_some(w, t, take(in, 2));
		return;
	case 3:
		tcp_want_room(&w->ctx, t, w->now);
		return;
	case 4:
		tcp_close(&w->ctx, t, w->now, &w->out);
		break;
	case 5:
		if (take(in, 1) % 8 == 0)
			tcp_abort(&w->ctx, t, w->now, &w->out);
		break;
	case 6:
		tcp_icmp_error(&w->ctx, t, 3, (uint8_t)(take(in, 1) % 8), (uint16_t)take(in, 2),
			       near(in, t->snd_una, t->snd_nxt), w->now, &w->out);
		break;
	default:
		syn.seq = near(in, t->rcv_nxt, t->rcv_adv);
		(void)tcp_time_wait_may_reuse(&w->ctx, t, &syn, &floor);
		return;
	}
	took(w, i, NULL, 0);
}

static void
step(struct world *w, struct input *in)
{
	const uint32_t what = take(in, 1);
	const unsigned i = what % CONNS;

	if (what / CONNS % 16 == 0)
		open_conn(w, in);
	else if (what / CONNS % 16 == 1)
		elapse(w, (uint64_t)take(in, 2) << (take(in, 1) % 28));
	else if (what / CONNS % 16 == 2)
		w->slow_reader = !w->slow_reader;
	else if (!w->used[i])
		return;
	else if (what / CONNS % 16 <= 8)
		segment(w, i, in);
	else if (what / CONNS % 16 <= 11)
		output(w, i, take(in, 1) % 8);
	else
		user_step(w, i, take(in, 1) % 8, in);
}

static void
finish(struct world *w)
{
	for (unsigned i = 0; i < CONNS; i++) {
		if (!w->used[i])
			continue;
		tcp_out_init(&w->out, 4);
		tcp_abort(&w->ctx, &w->tcb_mem[i], w->now, &w->out);
		took(w, i, NULL, 0);
	}
	assert(w->tcbs.in_use == 0 && w->ctx.acts.in_use == 0 && w->ctx.wheel.n == 0);
	assert(w->ctx.blocks.small.in_use == 0 && w->ctx.blocks.large.in_use == 0);
	free(w->mem);
	free(w->tcb_mem);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w; /* large: a wheel */
	struct input in = {data, size};

	world_init(&w, &in);
	while (in.left > 0) {
		step(&w, &in);
		for (unsigned i = 0; i < CONNS; i++)
			if (w.used[i])
				tcp_check(&w.ctx, &w.tcb_mem[i]);
	}
	finish(&w);
	return 0;
}
