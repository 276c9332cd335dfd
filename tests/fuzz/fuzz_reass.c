/* fuzz_reass.c - libFuzzer: segments in any order against a map of which octets have come. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tcp/seq.h"
#include "tcp/tcp.h"

/*
 * The input: six octets of configuration, then segments of four: where from the left edge (or, for a
 * small number, from the right one), how long, FIN or not. The connection is told of each; the map
 * says which octets it has kept or delivered. At any time what is delivered must be what is
 * contiguous in the map, each octet as it was sent; and nothing may be reported to the peer by an
 * ACK or SACK block that is not in the map.
 */
enum { STREAM = 1 << 13, ACTS = 2, LARGE_MAX = 16 };

struct world {
	struct tcp_ctx ctx;
	struct pool tcbs;
	struct tcb *t;
	void *mem, *tcb_mem;
	uint64_t now;
	struct tcp_out out;
	uint32_t irs;	    /* position p of the stream has the number irs + 1 + p */
	uint32_t delivered; /* positions */
	uint32_t fin;	    /* where the stream ends; UINT32_MAX: not told yet */
	bool eof;
	uint8_t has[STREAM]; /* 1: kept or delivered */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Which octet stands at which position. */
static uint8_t stream[STREAM];

static void
fill_stream(void)
{
	for (uint32_t i = 0; stream[0] == 0 && i < STREAM; i++)
		stream[i] = (uint8_t)(i * 31 + (i >> 8) * 7 + 5);
}

static void
note_octets(struct world *w, uint32_t from, uint32_t len)
{
	assert(from + len <= STREAM);
	memset(w->has + from, 1, len);
}

/* --- what the engine says --- */

static void
deliver(struct world *w, const uint8_t *data, uint32_t len)
{
	assert(w->delivered + len <= STREAM);
	assert(memcmp(data, stream + w->delivered, len) == 0);
	note_octets(w, w->delivered, len);
	w->delivered += len;
}

static void
deliver_held(struct world *w)
{
	struct chain *c = &w->out.drained;
	const uint8_t *data;
	uint32_t n;

	while ((n = chain_front(&w->ctx.blocks, c, &data)) > 0) {
		deliver(w, data, n);
		chain_trim_front(&w->ctx.blocks, c, n);
	}
}

/* Every octet of a SACK block must be there (RFC 2018 3). One block, the first, may name what came
 * twice (RFC 2883). */
static void
check_sack(const struct world *w, const struct tcp_seg *s)
{
	for (unsigned i = 0; i < s->n_sack; i++) {
		const uint32_t from = s->sack[i].start - w->irs - 1,
			       to = s->sack[i].end - w->irs - 1;

		assert(from < to && (to <= STREAM || to == w->fin + 1));
		assert(memchr(w->has + from, 0, (to <= w->fin ? to : w->fin) - from) == NULL);
	}
}

static void
check_answers(const struct world *w)
{
	for (unsigned i = 0; i < w->out.n_segs; i++) {
		const struct tcp_seg *s = &w->out.seg[i];

		assert(s->flags & TCP_ACK && s->len == 0);
		assert(s->ack == w->t->rcv_nxt);
		check_sack(w, s);
	}
}

static void
took(struct world *w, const uint8_t *payload, uint32_t position, uint32_t len)
{
	struct tcp_out *o = &w->out;

	assert((uint32_t)o->deliver_off + o->deliver_len <= len);
	assert((uint32_t)o->hold_off + o->hold_len <= len);
	if (o->deliver_len > 0) {
		assert(position + o->deliver_off == w->delivered);
		deliver(w, payload + o->deliver_off, o->deliver_len);
	}
	tcp_hold(&w->ctx, o, payload);
	note_octets(w, position + o->hold_off, o->hold_len);
	deliver_held(w);
	if (o->events & TCP_EV_EOF) {
		assert(!w->eof && w->delivered == w->fin);
		w->eof = true;
	}
	assert(w->delivered + w->eof == w->t->rcv_nxt - w->irs - 1);
	assert(w->eof || w->delivered == STREAM || !w->has[w->delivered]);
	check_answers(w);
	tcp_check(&w->ctx, w->t);
}

/* --- the peer --- */

static void
send_segment(struct world *w, uint32_t position, uint32_t len, bool fin)
{
	struct tcp_seg s = {
	    .seq = w->irs + 1 + position,
	    .ack = w->t->snd_nxt,
	    .flags = (uint8_t)(TCP_ACK | (fin ? TCP_FIN : 0)),
	    .len = (uint16_t)len,
	    .wnd = 1000,
	};
	uint8_t *payload = malloc(len);

	memcpy(payload, stream + position, len);
	tcp_out_init(&w->out, 4);
	tcp_input(&w->ctx, w->t, &s, w->now, &w->out);
	took(w, payload, position, len);
	free(payload);
	tcp_out_init(&w->out, 4);
	tcp_output(&w->ctx, w->t, w->now, &w->out);
	check_answers(w);
}

/* What is due is done: a delayed ACK, the end of an idle block. */
static void
elapse(struct world *w, uint64_t ns)
{
	w->now += ns;
	tcp_out_init(&w->out, 4);
	tcp_timeout(&w->ctx, w->t, w->now, &w->out);
	check_answers(w);
	tcp_check(&w->ctx, w->t);
}

static void
step(struct world *w, const uint8_t *d)
{
	const uint32_t much = (uint32_t)(d[0] << 8 | d[1]), end = w->t->rcv_adv - w->irs - 1;
	uint32_t position =
	    d[3] & 1 ? end - (much & 63) : w->delivered + (much >> (3 + (d[3] >> 5))) - 8;
	uint32_t len = d[3] & 2 ? d[2] * 4u : d[2] / 8;
	bool fin;

	elapse(w, (uint64_t)(d[3] >> 2 & 7) * 20 * 1000000);
	if (position >= STREAM)
		position = w->delivered;
	if (position + len > STREAM)
		len = STREAM - position;
	fin = (d[3] & 0x1f) == 0x1f && w->fin == UINT32_MAX && position + len > w->delivered;
	if (w->fin != UINT32_MAX) { /* a stream has one end */
		position = position < w->fin ? position : w->fin;
		len = position + len < w->fin ? len : w->fin - position;
		fin = position + len == w->fin;
	}
	if (fin && w->fin == UINT32_MAX) {
		if (memchr(w->has + position + len, 1, STREAM - position - len) != NULL)
			return; /* it has gone on beyond */
		w->fin = position + len;
	}
	if (!w->eof)
		send_segment(w, position, len, fin);
}

/* --- beginning and end --- */

static void
open_connection(struct world *w)
{
	struct tcp_seg syn = {.seq = w->irs, .flags = TCP_SYN, .wnd = 1000};
	struct tcp_seg ack = {.seq = w->irs + 1, .flags = TCP_ACK, .wnd = 1000};
	uint32_t h = pool_get(&w->tcbs);
	int error;

	w->t = pool_at(&w->tcbs, h);
	memset(w->t, 0, sizeof(*w->t));
	w->t->flow = (struct flow){1, 2, 3, 4};
	if (w->ctx.cfg.sack)
		syn.opts |= TCP_OPT_SACK_PERMITTED;
	tcp_out_init(&w->out, 4);
	error = tcp_open_passive(&w->ctx, w->t, &syn, w->now, &w->out);
	assert(error == 0);
	(void)error;
	ack.ack = w->t->snd_nxt;
	tcp_out_init(&w->out, 4);
	tcp_input(&w->ctx, w->t, &ack, w->now, &w->out);
	assert(w->t->state == TCP_ESTABLISHED);
}

static void
world_init(struct world *w, const uint8_t *d)
{
	const uint8_t secret[16] = {d[0]};
	const uint32_t n_large = d[4] & 1 ? 1 + d[4] / 16u : LARGE_MAX;
	struct tcp_config cfg;

	fill_stream();
	memset(w->has, 0, sizeof(w->has));
	w->now = 1000000000;
	w->delivered = 0;
	w->eof = false;
	w->fin = UINT32_MAX;
	w->irs = (uint32_t)d[0] << 24 | (uint32_t)d[1] << 8; /* 0xff..: the stream wraps */
	tcp_config_default(&cfg);
	cfg.timestamps = false;
	cfg.sack = d[5] & 1;
	cfg.delack_ns = d[5] & 2 ? cfg.delack_ns : 0;
	cfg.rcvbuf = 1 + (uint32_t)(d[2] << 8 | d[3]) % 10000;
	w->mem = malloc(tcp_ctx_bytes(ACTS, n_large, n_large));
	w->tcb_mem = malloc(sizeof(struct tcb));
	pool_init(&w->tcbs, w->tcb_mem, sizeof(struct tcb), 1);
	tcp_ctx_init(&w->ctx, &cfg, secret, &w->tcbs, w->mem, ACTS, n_large, n_large, w->now);
	open_connection(w);
}

/* The peer sends all of it once more, in order: whatever was dropped for want of room has a place
 * now, and nothing of what was kept is in the way. */
static void
finish(struct world *w)
{
	const uint32_t until = w->fin != UINT32_MAX ? w->fin : w->delivered + 3000;

	while (!w->eof && w->delivered < until && w->delivered < STREAM) {
		const uint32_t left = until - w->delivered;
		const uint32_t most = left < STREAM - w->delivered ? left : STREAM - w->delivered;
		const uint32_t was = w->delivered;

		elapse(w, UINT64_C(50) * 1000000); /* the user has read all, and the peer is told */
		assert(w->t->rcv_adv != w->t->rcv_nxt);
		send_segment(w, w->delivered, most < 1000 ? most : 1000, false);
		assert(w->delivered > was);
	}
	tcp_out_init(&w->out, 1);
	tcp_abort(&w->ctx, w->t, w->now, &w->out);
	assert(w->ctx.acts.in_use == 0 && w->ctx.wheel.n == 0);
	assert(w->ctx.blocks.small.in_use == 0 && w->ctx.blocks.large.in_use == 0);
	free(w->mem);
	free(w->tcb_mem);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;

	if (size < 6)
		return 0;
	world_init(&w, data);
	for (size_t at = 6; at + 4 <= size; at += 4)
		step(&w, data + at);
	finish(&w);
	return 0;
}
