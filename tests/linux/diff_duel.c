/* diff_duel.c - a connection played against both hosts at once: steps translated for each, answers read. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "diff.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "tcp/seq.h"

const uint8_t diff_host_mac[6] = {2, 0, 0, 0, 0, 1}, diff_wire_mac[6] = {2, 0, 0, 0, 0, 0xfe};

static const struct host *const hosts[2] = {&diff_linux, &diff_ours};

enum { FAR_PORTS = 60000, LOCAL_PORT = 20000 };

void
duel_begin(struct duel *d, uint64_t seed, uint64_t id)
{
	d->seed = seed;
	d->id = id;
	d->row = NULL;
	rng_seed(&d->rng, seed, id);
	d->flow = (struct flow){
	    .laddr = DIFF_ADDR,
	    .raddr = DIFF_FAR + (uint32_t)(id % DIFF_FAR_HOSTS),
	    .lport = DIFF_PORT_NAGLE,
	    .rport = (uint16_t)(1024 + id / DIFF_FAR_HOSTS * 2 % FAR_PORTS),
	};
	d->irs = (uint32_t)rng_u64(&d->rng);
	d->our_wscale = 0;
	d->mss = 1460;
	d->syn_opts = 0;
	d->active = d->paused = d->connected = d->over = false;
	d->written = d->unread = d->acked = 0;
	memset(d->view, 0, sizeof(d->view));
	d->n_steps = 0;
	d->odd_queue = d->odd_fin = d->odd_window = d->odd_reset = d->odd_repeat = d->challenged =
	    false;
	d->now[1].state = TCP_FREE;
	d->what = NULL;
	d->has_begun = d->slow = false;
	diff_tally.duels++;
}

/* Which local port it is may be said until the first step. */
static void
begin_hosts(struct duel *d)
{
	if (d->active)
		d->flow.lport = (uint16_t)(LOCAL_PORT + d->id % 20000);
	for (unsigned i = 0; i < 2; i++)
		hosts[i]->begin(&d->flow);
	d->since = diff_seconds();
	d->has_begun = true;
}

void
duel_end(struct duel *d)
{
	struct answer *a = d->now;

	for (unsigned i = 0; i < 2; i++) {
		hosts[i]->end();
		hosts[i]->settle(&a[i]);
	}
	/* What is left in the kernel, half-open or in TIME-WAIT, goes with the RST that it expects. */
	if (!d->view[0].has_edge)
		return;
	struct step s = {.seg = {.flags = TCP_RST, .seq = d->view[0].rcv_nxt}};
	uint8_t frame[DIFF_FRAME];

	hosts[0]->frame(frame, duel_frame(d, 0, &s, frame));
	hosts[0]->settle(&a[0]);
}

/* --- translation --- */

static void
translate(struct tcp_seg *g, const struct view *v, unsigned relative)
{
	if (relative & REL_EDGE)
		g->seq += v->edge;
	if (relative & REL_ACK) {
		g->ack += v->iss;
		for (unsigned i = 0; i < g->n_sack; i++) {
			g->sack[i].start += v->iss;
			g->sack[i].end += v->iss;
		}
	}
	if (relative & REL_ECHO)
		g->tsecr += v->tsval;
}

bool
duel_arrived(const struct duel *d, unsigned side, const struct step *s, struct tcp_seg *g)
{
	*g = s->seg;
	translate(g, &d->was[side], s->relative);
	if (s->n_options == 0)
		return true;
	g->opts = 0;
	return tcp_options_parse(g, s->options, s->n_options);
}

/* Options that no tcp_seg has: the header is written anew around them. */
static size_t
splice_options(uint8_t *frame, size_t len, const struct step *s)
{
	uint8_t *ip = frame + ETH_HEADER_BYTES, *tcp = ip + IP_HEADER_BYTES;
	unsigned old = (tcp[12] >> 4) * 4u - 20, padded = (s->n_options + 3u) & ~3u;

	memmove(tcp + 20 + padded, tcp + 20 + old, (size_t)(frame + len - (tcp + 20 + old)));
	memset(tcp + 20, 0, padded);
	memcpy(tcp + 20, s->options, s->n_options);
	tcp[12] = (uint8_t)((20 + padded) / 4 << 4);
	return len + padded - old;
}

void
diff_checksums(uint8_t *frame, size_t len)
{
	uint8_t *ip = frame + ETH_HEADER_BYTES;
	size_t header = (ip[0] & 15u) * 4, l4_len = len - ETH_HEADER_BYTES - header;
	uint8_t *tcp = ip + header;

	store_be16(ip + 2, (uint16_t)(len - ETH_HEADER_BYTES));
	store_be16(ip + 10, 0);
	store_be16(ip + 10, cksum_fold(cksum_partial(ip, header, 0)));
	store_be16(tcp + 16, 0);
	store_be16(tcp + 16,
		   cksum_fold(cksum_partial(tcp, l4_len,
					    cksum_pseudo(load_be32(ip + 12), load_be32(ip + 16),
							 IPPROTO_TCP_, (uint16_t)l4_len))));
}

size_t
duel_frame(const struct duel *d, unsigned side, const struct step *s, uint8_t *frame)
{
	struct build_ip ip = {.src = d->flow.raddr, .dst = d->flow.laddr, .ttl = 64};
	struct tcp_seg g = s->seg;
	uint8_t payload[DIFF_FRAME];
	uint16_t dport = s->dport ? s->dport : d->flow.lport;
	size_t len;

	memcpy(ip.eth_dst, diff_host_mac, 6);
	memcpy(ip.eth_src, diff_wire_mac, 6);
	translate(&g, &d->view[side], s->relative);
	for (uint32_t i = 0; i < g.len; i++)
		payload[i] = s->filler ? s->filler : diff_octet(g.seq - d->irs + i);
	len = build_tcp(frame, DIFF_FRAME, &ip, (uint16_t)(d->flow.rport + s->from_other_port),
			dport, &g, payload);
	if (s->n_options) {
		len = splice_options(frame, len, s);
		diff_checksums(frame, len);
	}
	frame[ETH_HEADER_BYTES + IP_HEADER_BYTES + 16] ^= s->damage;
	return s->mangle ? s->mangle(frame, len) : len;
}

/* An error message that quotes a segment of the host's. */
static size_t
icmp_frame(const struct duel *d, unsigned side, const struct step *s, uint8_t *frame)
{
	struct build_ip ip = {.src = d->flow.raddr, .dst = d->flow.laddr, .ttl = 64}, theirs = ip;
	const struct tcp_seg g = {.seq = d->view[side].iss + s->seg.seq,
				  .ack = d->view[side].rcv_nxt,
				  .flags = TCP_ACK,
				  .len = s->seg.len};
	static const uint8_t nothing[DIFF_FRAME];
	uint8_t quoted[DIFF_FRAME];

	theirs.src = ip.dst;
	theirs.dst = ip.src;
	memcpy(ip.eth_dst, diff_host_mac, 6);
	memcpy(ip.eth_src, diff_wire_mac, 6);
	build_tcp(quoted, sizeof(quoted), &theirs, d->flow.lport, d->flow.rport, &g, nothing);
	return build_icmp(frame, DIFF_FRAME, &ip, s->icmp_type, s->icmp_code, s->icmp_mtu,
			  quoted + ETH_HEADER_BYTES, IP_HEADER_BYTES + 8);
}

/* --- what the answers tell --- */

static void
look_at(struct view *v, const struct tcp_seg *g, bool scaled)
{
	if (g->flags & TCP_SYN) {
		v->iss = g->seq;
		v->has_iss = true;
		v->syn_tsval = g->tsval;
		v->timestamps = g->flags & TCP_ACK && g->opts & TCP_OPT_TIMESTAMP;
		v->wscale = g->opts & TCP_OPT_WSCALE && scaled ? g->wscale : 0;
	}
	if (g->opts & TCP_OPT_TIMESTAMP)
		v->tsval = g->tsval;
	if (g->flags & TCP_RST || !v->has_iss)
		return;
	uint32_t end = g->seq - v->iss + tcp_seg_len(g);

	if (seq_gt(end, v->nxt))
		v->nxt = end;
	if (!(g->flags & TCP_ACK))
		return;
	v->rcv_nxt = g->ack;
	v->edge = g->ack + ((uint32_t)g->wnd << (g->flags & TCP_SYN ? 0 : v->wscale));
	v->has_edge = true;
}

static void
look(struct duel *d, unsigned side)
{
	const struct answer *a = &d->now[side];

	for (unsigned i = 0; i < a->n; i++) {
		const struct pkt *k = &a->reply[i];

		if (k->kind == PKT_TCP && k->dst == d->flow.raddr && k->dport == d->flow.rport &&
		    k->sport == d->flow.lport)
			look_at(&d->view[side], &k->tcp, d->syn_opts & TCP_OPT_WSCALE);
		diff_tally.segments[side]++;
	}
}

/* --- a step --- */

static uint32_t
call(struct duel *d, const struct step *s)
{
	static uint8_t data[DIFF_READ];
	uint32_t taken[2] = {0, 0};

	assert(s->len <= sizeof(data));
	for (uint32_t i = 0; i < s->len; i++)
		data[i] = diff_octet(d->written + i);
	for (unsigned i = 0; i < 2; i++)
		taken[i] = hosts[i]->call(s->call, data, s->len);
	d->written += taken[0];
	d->paused = s->call == CALL_PAUSE || (d->paused && s->call != CALL_RESUME);
	return taken[0] - taken[1];
}

static bool
play(struct duel *d, const struct step *s)
{
	uint8_t frame[DIFF_FRAME];
	uint32_t more = 0;

	switch (s->kind) {
	case STEP_SEGMENT:
		for (unsigned i = 0; i < 2; i++)
			hosts[i]->frame(frame, duel_frame(d, i, s, frame));
		break;
	case STEP_ICMP:
		for (unsigned i = 0; i < 2; i++)
			hosts[i]->frame(frame, icmp_frame(d, i, s, frame));
		break;
	case STEP_RAW:
		for (unsigned i = 0; i < 2; i++)
			hosts[i]->frame(s->raw, s->raw_len);
		break;
	case STEP_CALL:
		more = call(d, s);
		break;
	case STEP_WAIT:
		diff_ours_wait(s->ns);
		break;
	}
	for (unsigned i = 0; i < 2; i++)
		hosts[i]->settle(&d->now[i]);
	return more == 0;
}

static void
note(struct duel *d, const struct step *s)
{
	char(*to)[DUEL_NOTE] = d->note[d->n_steps % DUEL_STEPS];

	diff_note_step(to[0], d, s);
	for (unsigned i = 0; i < 2; i++)
		diff_note_answer(to[1 + i], d, i);
	d->n_steps++;
}

/* What was sent before goes again. */
static bool
repeats(const struct answer *a, const struct view *was)
{
	for (unsigned i = 0; i < a->n; i++) {
		const struct tcp_seg *g = &a->reply[i].tcp;

		if (a->reply[i].kind == PKT_TCP && tcp_seg_len(g) > 0 && !(g->flags & TCP_SYN) &&
		    seq_lt(g->seq - was->iss, was->nxt))
			return true;
	}
	return false;
}

static void
remember(struct duel *d, const struct step *s)
{
	for (unsigned i = 0; i < 2; i++)
		d->odd_repeat |= d->was[i].has_iss && repeats(&d->now[i], &d->was[i]);
	if (s->kind != STEP_SEGMENT)
		return;
	d->odd_queue |= tcp_seg_len(&s->seg) > 0 && s->seg.seq != d->was[1].rcv_nxt;
	d->odd_fin |= s->seg.flags & TCP_FIN && s->seg.seq != d->was[1].rcv_nxt;
	d->odd_window |= s->seg.wnd != DUEL_WINDOW;
	d->challenged |=
	    d->state == TCP_FREE && d->now[1].n == 1 && d->now[1].reply[0].tcp.flags == TCP_ACK;
	d->odd_reset |= s->seg.flags & TCP_RST;
}

bool
duel_step(struct duel *d, const struct step *s)
{
	bool same;

	if (!d->has_begun)
		begin_hosts(d);
	if (d->over)
		return false;
	memcpy(d->was, d->view, sizeof(d->was));
	d->state = d->now[1].state;
	d->was_acked = d->acked;
	same = play(d, s);
	diff_tally.steps++;
	diff_tally.octets += d->now[0].n_read;
	for (unsigned i = 0; i < 2; i++)
		look(d, i);
	remember(d, s);
	if (diff_ours_tcb())
		d->acked = diff_ours_tcb()->snd_una - d->view[1].iss;
	note(d, s);
	d->what = same ? diff_compare(d, s) : "octets written";
	if (d->what)
		d->over = !diff_judge(d, s);
	return !d->over;
}

/* --- steps that are often wanted --- */

struct step
duel_segment(const struct duel *d, uint8_t flags, uint16_t len)
{
	const struct view *v = &d->view[1];
	struct step s = {.kind = STEP_SEGMENT, .relative = REL_ACK | REL_ECHO};

	s.seg = (struct tcp_seg){
	    .flags = flags,
	    .seq = v->has_edge ? v->rcv_nxt : d->irs + (v->has_iss && !(flags & TCP_SYN)),
	    .ack = flags & TCP_ACK ? v->nxt : 0,
	    .wnd = DUEL_WINDOW,
	    .len = len,
	};
	if (!(flags & TCP_ACK))
		s.relative &= ~(unsigned)REL_ACK;
	if (d->syn_opts & TCP_OPT_TIMESTAMP) {
		s.seg.opts |= TCP_OPT_TIMESTAMP;
		s.seg.tsval = 1000 + d->n_steps;
	}
	if (flags & TCP_SYN) {
		s.seg.opts |= d->syn_opts;
		s.seg.mss = d->mss;
		s.seg.wscale = d->our_wscale;
		s.seg.seq = d->irs;
	}
	return s;
}

bool
duel_send(struct duel *d, uint8_t flags, uint16_t len)
{
	const struct step s = duel_segment(d, flags, len);

	return duel_step(d, &s);
}

bool
duel_call(struct duel *d, enum call call, uint32_t len)
{
	const struct step s = {.kind = STEP_CALL, .call = call, .len = len};

	return duel_step(d, &s);
}

bool
duel_open(struct duel *d, uint8_t opts)
{
	d->syn_opts = opts;
	if (d->active)
		return duel_call(d, CALL_CONNECT, 0) && duel_send(d, TCP_SYN | TCP_ACK, 0);
	return duel_send(d, TCP_SYN, 0) && duel_send(d, TCP_ACK, 0);
}
