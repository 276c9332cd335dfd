/* world.c - virtual time: frames in, timers, frames out, and the peer's ARP. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/packet/world.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/build.h"

enum { US = 1000, TURNS_MAX = 10000 };

const uint8_t world_local_mac[6] = {2, 0, 0, 0, 0, 1}, world_peer_mac[6] = {2, 0, 0, 0, 0, 2};

void
world_fail(struct world *w, const char *format, ...)
{
	va_list ap;

	if (w->failed)
		return;
	w->failed = true;
	va_start(ap, format);
	vsnprintf(w->why, sizeof(w->why), format, ap);
	va_end(ap);
}

int64_t
world_now_us(const struct world *w)
{
	return ((int64_t)w->now - (int64_t)w->epoch) / US;
}

/* --- frames --- */

static void
stock(struct world *w)
{
	const unsigned room = w->conf->stack.tcp.mss + BUILD_TCP_MAX_HEADERS;
	unsigned n = stack_frames_short(w->s);

	for (n = n > 64 ? 64 : n; n > 0; n--) {
		struct frame f = {.room = (uint16_t)(room > 1600 ? room : 1600)};

		f.data = f.handle = malloc(f.room);
		assert(f.data);
		stack_give_frames(w->s, &f, 1);
		w->n_frames++;
	}
}

/* The peer answers for every address but the tested side's own. */
static void
answer_arp(struct world *w, const struct pkt *p)
{
	struct frame *f = &w->reply[w->n_replies];

	if (p->arp_op != ARP_REQUEST || p->arp_tpa == w->conf->local || w->n_replies == 16)
		return;
	f->data = malloc(BUILD_MIN_FRAME);
	assert(f->data);
	f->port = 0;
	f->len = (uint32_t)build_arp(f->data, BUILD_MIN_FRAME, world_local_mac,
				     (uint16_t)w->conf->vlan, ARP_REPLY, world_peer_mac, p->arp_tpa,
				     world_local_mac, w->conf->local);
	w->n_replies++;
}

static void
keep_sent(struct world *w, const struct frame *f)
{
	struct sent_frame *k = &w->sent[w->tail % WORLD_SENT];

	if (w->tail - w->head == WORLD_SENT) {
		world_fail(w, "more than %u frames were sent at once", WORLD_SENT);
		return;
	}
	w->tail++;
	*k = (struct sent_frame){.at_us = world_now_us(w), .by_timer = !w->stimulus, .len = f->len};
	k->data = malloc(f->len);
	assert(k->data);
	memcpy(k->data, f->data, f->len);
}

static void
leave(struct world *w, const struct frame *f)
{
	struct pkt p;
	const enum pkt_drop drop = pkt_parse(&p, f->data, f->len, 0);

	if (drop != PKT_OK)
		world_fail(w, "a frame was sent that is wrong: %s", pkt_drop_name(drop));
	if (p.kind == PKT_TCP && w->bulk.flow != 0 &&
	    flow_find(w, p.src, p.sport, p.dst, p.dport) == w->bulk.flow)
		bulk_receive(&w->bulk, &p.tcp, world_now_us(w));
	else if (p.kind != PKT_ARP || w->arp_seen)
		keep_sent(w, f);
	else
		answer_arp(w, &p);
}

static void
transmit(struct world *w)
{
	const struct frame *f;
	const unsigned n = stack_tx(w->s, 0, &f);

	for (unsigned i = 0; i < n; i++) {
		leave(w, &f[i]);
		free(f[i].handle);
		w->n_frames--;
	}
	stack_tx_done(w->s, 0, n);
}

/* --- time --- */

/* One turn, as a tool makes it. True: something happened, or waits to. */
static bool
turn(struct world *w, const struct frame *f, unsigned n)
{
	const struct stack_event *ev;
	unsigned events = 0;
	bool more;

	stock(w);
	stack_input(w->s, w->now, f, n);
	w->deadline = stack_timers(w->s, w->now);
	for (; (ev = stack_next_event(w->s)) != NULL; events++)
		sock_event(w, ev);
	more = stack_output(w->s, w->now);
	transmit(w);
	return n > 0 || events > 0 || more;
}

static bool
turn_with_replies(struct world *w)
{
	struct frame f[16];
	const unsigned n = w->n_replies;
	bool busy;

	memcpy(f, w->reply, sizeof(f));
	w->n_replies = 0;
	busy = turn(w, f, n);
	for (unsigned i = 0; i < n; i++)
		free(f[i].data);
	return busy || w->n_replies > 0;
}

static void
quiesce(struct world *w)
{
	unsigned turns = 0;

	/* Once more than it is busy: timers set by the last output are known to the next turn. */
	for (bool busy = true; busy && !w->failed;) {
		busy = turn_with_replies(w) || turns == 0;
		if (++turns == TURNS_MAX)
			world_fail(w, "the stack does not come to rest");
	}
	w->stimulus = false;
	/* All its blocks are walked: in a long transfer not each time. */
	if (!w->failed && (w->bulk.flow == 0 || w->bulk.head % 256 == 0))
		stack_check(w->s);
}

void
world_settle(struct world *w)
{
	w->stimulus = true;
	quiesce(w);
}

void
world_inject(struct world *w, const uint8_t *data, uint32_t len)
{
	struct frame f = {.data = malloc(len), .len = len};

	assert(f.data);
	memcpy(f.data, data, len);
	w->stimulus = true;
	turn(w, &f, 1);
	free(f.data);
	quiesce(w);
}

static void
inject_bulk_ack(struct world *w)
{
	const struct bulk_ack *a = bulk_next(&w->bulk);
	const struct flow *f = &w->flow[w->bulk.flow].tuple;
	struct build_ip ip = {.src = f->raddr, .dst = f->laddr, .ttl = 64};
	struct tcp_seg s = {.seq = w->bulk.seq, .ack = a->ack, .wnd = UINT16_MAX, .flags = TCP_ACK};
	uint8_t frame[BUILD_TCP_MAX_HEADERS];

	memcpy(ip.eth_dst, world_local_mac, 6);
	memcpy(ip.eth_src, world_peer_mac, 6);
	if (a->n_sack > 0)
		s.opts = TCP_OPT_SACK;
	s.n_sack = (uint8_t)a->n_sack;
	memcpy(s.sack, a->sack, sizeof(a->sack));
	w->bulk.head++;
	world_inject(w, frame,
		     (uint32_t)build_tcp(frame, sizeof(frame), &ip, f->rport, f->lport, &s, NULL));
}

/* A deadline, or an ACK of the peer that receives by itself, whichever comes first. */
static void
step(struct world *w)
{
	const struct bulk_ack *a = bulk_next(&w->bulk);
	const uint64_t ack_at = a ? w->epoch + (uint64_t)a->at_us * US : UINT64_MAX;

	if (ack_at <= w->deadline) {
		w->now = ack_at > w->now ? ack_at : w->now;
		inject_bulk_ack(w);
		return;
	}
	w->now = w->deadline > w->now ? w->deadline : w->now + US;
	quiesce(w);
}

static uint64_t
next_step(const struct world *w)
{
	const struct bulk_ack *a = bulk_next(&w->bulk);
	const uint64_t ack_at = a ? w->epoch + (uint64_t)a->at_us * US : UINT64_MAX;

	return ack_at < w->deadline ? ack_at : w->deadline;
}

void
world_run_until(struct world *w, int64_t us, bool stop_at_frame)
{
	const uint64_t until = (uint64_t)((int64_t)w->epoch + us * US);
	unsigned stuck = 0;

	while (!w->failed && next_step(w) <= until && !(stop_at_frame && w->head != w->tail)) {
		stuck = next_step(w) > w->now ? 0 : stuck + 1;
		if (stuck > TURNS_MAX)
			world_fail(w, "a deadline that does not pass");
		step(w);
	}
	if (until > w->now && !(stop_at_frame && w->head != w->tail))
		w->now = until;
}

const struct sent_frame *
world_sent(const struct world *w)
{
	return w->head == w->tail ? NULL : &w->sent[w->head % WORLD_SENT];
}

void
world_sent_done(struct world *w)
{
	free(w->sent[w->head++ % WORLD_SENT].data);
}

/* --- beginning and end --- */

static void
boot(struct world *w)
{
	const struct script_conf *c = w->conf;
	struct stack_conf sc = c->stack;
	struct stack_netif_conf nc = {.mtu = (uint16_t)c->mtu, .vlan = (uint16_t)c->vlan};
	int error;

	sc.now = w->now;
	sc.secret[0] = (uint8_t)(sc.secret[0] + w->secret_no);
	w->s = stack_new(&sc);
	assert(w->s);
	memcpy(nc.mac, world_local_mac, 6);
	error = addr_add_range(&nc.addrs, c->local, 1, (uint8_t)c->prefix_len);
	if (error == 0 && c->gateway != 0)
		error = addr_set_gateway(&nc.addrs, c->gateway);
	if (error == 0)
		error = stack_add_netif(w->s, &nc);
	if (error < 0)
		world_fail(w, "the stack does not take the interface: %s", strerror(-error));
	w->deadline = 0;
}

static void
shut_down(struct world *w)
{
	struct frame f[64];
	unsigned n;

	while ((n = stack_take_frames(w->s, f, 64)) > 0)
		for (unsigned i = 0; i < n; i++) {
			free(f[i].handle);
			w->n_frames--;
		}
	assert(w->n_frames == 0);
	stack_free(w->s);
	for (; w->head != w->tail; w->head++)
		free(w->sent[w->head % WORLD_SENT].data);
	for (unsigned i = 0; i < w->n_replies; i++)
		free(w->reply[i].data);
	w->n_replies = 0;
}

/* What flow 1's ISS is at time 0, and how much later it will be the one that is wanted: it moves on by one in
 * 4 us (RFC 9293 3.4.1). */
static uint64_t
epoch_for_iss(const struct script_conf *c, uint64_t epoch)
{
	struct script_conf probe = *c;
	struct world *w;
	struct packet_spec syn = {.flow = 1, .tcp = {.flags = TCP_SYN, .has_win = true}};
	const struct stack_listener l = {.port = c->port};
	uint8_t buf[256];
	uint32_t away;

	probe.has_iss = probe.arp_visible = false;
	w = world_new(&probe);
	stack_listen(w->s, &l);
	world_inject(w, buf, packet_build(w, &syn, buf, sizeof(buf)));
	packet_note(w, world_sent(w)->data, world_sent(w)->len);
	away = c->iss - w->flow[1].iss;
	epoch = w->epoch + (uint64_t)away * 4000;
	world_free(w);
	return epoch;
}

struct world *
world_new(const struct script_conf *c)
{
	struct world *w = calloc(1, sizeof(*w));

	assert(w);
	w->conf = c;
	w->epoch = (uint64_t)c->start_s * 1000000000;
	if (c->has_iss)
		w->epoch = epoch_for_iss(c, w->epoch);
	w->now = w->epoch - UINT64_C(2000000000);
	flow_init(w);
	boot(w);
	w->deadline = w->now;
	if (!w->failed) {
		world_run_until(w, -1000000, false); /* its announcements are over */
		stack_resolve(w->s, c->remote, w->now);
		world_settle(w);
		world_run_until(w, 0, false);
	}
	for (; w->head != w->tail; w->head++)
		free(w->sent[w->head % WORLD_SENT].data);
	w->arp_seen = c->arp_visible;
	return w;
}

void
world_reboot(struct world *w, uint32_t secret_no)
{
	const bool seen = w->arp_seen;

	shut_down(w);
	w->secret_no = secret_no;
	w->arp_seen = false;
	memset(w->sock, 0, sizeof(w->sock));
	boot(w);
	w->deadline = w->now;
	stack_resolve(w->s, w->conf->remote, w->now);
	world_settle(w);
	w->arp_seen = seen;
}

void
world_free(struct world *w)
{
	shut_down(w);
	free(w);
}
