/* fuzz_stack.c - libFuzzer: a host under any sequence of frames, user calls and times. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define KIT_FLIGHT 2048 /* a host is made for each input */
#include "stack_kit.h"
#include "wire/build.h"
#include "wire/pkt.h"

/*
 * clang -g -O1 -fsanitize=fuzzer,address,undefined -fno-strict-aliasing -D_GNU_SOURCE \
 *	-Icommon -Itests/unit tests/fuzz/fuzz_stack.c common/{host,tcp,inet,wire,base}/[a-z]*.c \
 *	-lm -lpcap -o fuzz_stack && ./fuzz_stack -max_len=600 -len_control=0
 *
 * The input is a list of steps of four octets: what, which, and two numbers. Segments are near what
 * the connection expects, because it is remembered what the host has sent. Their octets follow from
 * their sequence numbers, so that those handed up can be checked.
 */
enum { US = 0x0a000001, PEER = 0x0a000101, ECHO = 7, KEEP = 9, FLOWS = 8, FIRST_PORT = 2000 };

/* Our end of a tuple, as far as the host's segments show it; and the host's user of it. */
struct end {
	uint32_t seq, ack; /* what we send and acknowledge next */
	uint32_t syn;	   /* our SYN's sequence number, as the host has taken it */
	bool syn_known;
	bool used, checked;
	uint32_t conn, next; /* sequence number of the octet that the user gets next */
};

struct world {
	struct kit_host *h;
	struct end end[FLOWS];
	uint64_t now;
	uint8_t sent[KIT_ROOM]; /* what the host sent last */
	uint32_t sent_len;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t
octet(uint32_t seq)
{
	return (uint8_t)(seq * 31 + (seq >> 8));
}

/* Flows 0 to 3 are opened by us, the others by the host. */
static uint16_t
host_port(unsigned i)
{
	return i < 2 ? ECHO : i < 4 ? KEEP : (uint16_t)(5000 + i);
}

/* --- the user --- */

static void
take(struct end *e, const uint8_t *data, uint32_t len)
{
	for (uint32_t i = 0; e->checked && i < len; i++)
		assert(data[i] == octet(e->next++));
}

static void
drain(struct kit_host *h, struct end *e, uint32_t most, bool echo)
{
	const uint8_t *data;
	uint32_t len;

	while (most > 0 && (len = stack_read(h->s, e->conn, &data)) > 0) {
		len = len < most ? len : most;
		if (echo)
			len = stack_send(h->s, e->conn, data, len);
		take(e, data, len);
		stack_read_done(h->s, e->conn, len);
		most -= len;
		if (len == 0)
			return;
	}
}

static void
user_data(struct kit_host *h, struct end *e, const struct stack_event *ev)
{
	uint32_t taken = 0;

	if (ev->listener == 1)
		taken = stack_send(h->s, e->conn, ev->data, ev->len);
	take(e, ev->data, taken);
	stack_keep(h->s, ev, ev->len - taken);
}

static void
on_event(struct kit_host *h, const struct stack_event *ev, uint64_t now)
{
	struct world *w = h->arg;
	struct end *e = ev->type == STACK_ACCEPTED
			    ? &w->end[stack_tcb(h->s, ev->conn)->flow.rport - FIRST_PORT]
			    : NULL;

	for (unsigned i = 0; i < FLOWS && e == NULL; i++)
		if (w->end[i].used && w->end[i].conn == ev->conn)
			e = &w->end[i];
	assert(e != NULL);
	switch ((enum stack_event_type)ev->type) {
	case STACK_ACCEPTED:
	case STACK_CONNECTED:
		assert(e->used == (ev->type == STACK_CONNECTED));
		e->used = true;
		e->conn = ev->conn;
		e->next = e->syn + 1;
		e->checked = e->syn_known;
		break;
	case STACK_DATA:
		user_data(h, e, ev);
		break;
	case STACK_READABLE:
	case STACK_WRITABLE:
		if (ev->listener == 1)
			drain(h, e, UINT32_MAX, true);
		break;
	case STACK_EOF:
		if (ev->listener == 1)
			stack_close(h->s, ev->conn, now);
		break;
	case STACK_CLOSED:
	case STACK_FAILED:
		e->used = false;
		break;
	default:
		break;
	}
}

/* --- the wire --- */

static void
on_tx(struct kit_host *h, const struct frame *f, uint64_t now)
{
	struct world *w = h->arg;
	struct pkt p;
	struct end *e;

	(void)now;
	assert(pkt_parse(&p, f->data, f->len, 0) == PKT_OK);
	memcpy(w->sent, f->data, f->len);
	w->sent_len = f->len;
	if (p.kind != PKT_TCP || p.tcp.flags & TCP_RST || p.dst != PEER)
		return;
	assert(p.dport >= FIRST_PORT && p.dport < FIRST_PORT + FLOWS);
	e = &w->end[p.dport - FIRST_PORT];
	e->ack = p.tcp.seq + tcp_seg_len(&p.tcp);
	if (p.tcp.flags & TCP_ACK)
		e->seq = p.tcp.ack;
	if ((p.tcp.flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK)) {
		e->syn = p.tcp.ack - 1;
		e->syn_known = true;
	}
}

static void
give(struct world *w, const uint8_t *data, uint32_t len)
{
	kit_send(w->h, data, len, 0, w->now);
}

static void
give_segment(struct world *w, unsigned i, uint8_t flags, int32_t seq_off, int32_t ack_off,
	     uint16_t len)
{
	struct build_ip ip = {
	    .eth_dst = {2, 0, 0, 0, 0, 1},
	    .eth_src = {2, 0, 0, 0, 0, 2},
	    .src = PEER,
	    .dst = US,
	    .ttl = 64,
	};
	struct end *e = &w->end[i];
	struct tcp_seg seg = {
	    .seq = e->seq + (uint32_t)seq_off,
	    .ack = e->ack + (uint32_t)ack_off,
	    .flags = flags,
	    .wnd = (uint16_t)(ack_off * 1000),
	    .len = len,
	};
	uint8_t payload[1460], frame[KIT_ROOM];

	if (flags & TCP_SYN) {
		seg.seq = (uint32_t)i << 28 | (uint32_t)(w->now / 1000);
		seg.opts = (uint8_t)(seq_off & (TCP_OPT_MSS | TCP_OPT_WSCALE));
		seg.mss = 536;
		seg.wscale = 3;
		/* Which of several SYNs the host takes, its answer tells; where it need not answer,
		 * the first. */
		e->syn_known = flags == (TCP_SYN | TCP_ACK) && e->used &&
			       stack_tcb(w->h->s, e->conn)->state == TCP_SYN_SENT &&
			       w->h->n_flight == 0;
		if (e->syn_known)
			e->syn = seg.seq;
		seg.len = 0;
	}
	for (unsigned k = 0; k < seg.len; k++)
		payload[k] = octet(seg.seq + k);
	give(w, frame,
	     (uint32_t)build_tcp(frame, sizeof(frame), &ip, (uint16_t)(FIRST_PORT + i),
				 host_port(i), &seg, payload));
}

/* --- time --- */

static bool
turn(struct world *w)
{
	return kit_turn(w->h, w->now);
}

/* The last turn, in which nothing happens, tells the deadline. */
static void
settle(struct world *w)
{
	for (unsigned n = 0; n < 50 && turn(w); n++)
		continue;
}

/* Deadlines are kept on the way. */
static void
pass(struct world *w, uint64_t ns)
{
	uint64_t until = w->now + ns;

	settle(w);
	for (unsigned n = 0; n < 200 && w->h->deadline < until; n++) {
		w->now = w->h->deadline > w->now ? w->h->deadline : w->now + KIT_MS;
		settle(w);
	}
	w->now = w->now > until ? w->now : until;
	settle(w);
}

/* --- steps --- */

static void
user_step(struct world *w, unsigned i, uint8_t what, uint8_t much)
{
	static const uint8_t data[4096];
	struct end *e = &w->end[i];
	struct stack_open o = {
	    .flow = {.laddr = US,
		     .raddr = PEER,
		     .lport = host_port(i),
		     .rport = (uint16_t)(FIRST_PORT + i)},
	};

	if (!e->used) {
		if (i >= 4)
			e->used = stack_connect(w->h->s, &o, w->now, &e->conn) == 0;
		return;
	}
	switch (what % 5) {
	case 0:
		stack_send(w->h->s, e->conn, data, (uint32_t)much * 16);
		break;
	case 1:
	case 2:
		drain(w->h, e, (uint32_t)much * 8, false);
		break;
	case 3:
		stack_close(w->h->s, e->conn, w->now);
		break;
	case 4:
		stack_abort(w->h->s, e->conn, w->now);
		break;
	}
}

/* The host's own last frame, or what follows in the input, as a frame. */
static uint32_t
raw_step(struct world *w, const uint8_t *d, uint32_t left)
{
	uint32_t len;

	if (d[1] & 1 && w->sent_len > 0) {
		w->sent[d[2] % w->sent_len] ^= d[3];
		memcpy(w->sent, "\x02\0\0\0\0\x01", 6);
		give(w, w->sent, w->sent_len - (d[1] >> 1) % w->sent_len);
		return 0;
	}
	len = d[2] < left ? d[2] : left;
	give(w, d + 4, len);
	return len;
}

static void
segment_step(struct world *w, const uint8_t *d)
{
	static const uint8_t flags[16] = {
	    TCP_ACK,	       TCP_ACK,		  TCP_ACK,	     TCP_ACK,
	    TCP_ACK | TCP_PSH, TCP_ACK | TCP_FIN, TCP_SYN,	     TCP_SYN,
	    TCP_SYN | TCP_ACK, TCP_RST,		  TCP_RST | TCP_ACK, 0,
	    TCP_FIN,	       TCP_SYN | TCP_FIN, TCP_ACK | TCP_URG, TCP_ACK,
	};
	unsigned i = d[1] % FLOWS;
	int32_t seq_off = d[2] & 0x80 ? (int8_t)(d[2] << 1) * 20 : 0;
	int32_t ack_off = d[3] & 0x80 ? -(int32_t)(d[3] & 0x7f) * 30 : 0;

	give_segment(w, i, flags[d[0] >> 4], seq_off, ack_off, (uint16_t)(d[3] * 5));
}

static void
step(struct world *w, const uint8_t *d, uint32_t *used, uint32_t left)
{
	switch (d[0] % 8) {
	case 0:
	case 1:
	case 2:
		segment_step(w, d);
		if (d[0] % 8 > 0) /* else it comes in one burst with the next */
			turn(w);
		break;
	case 3:
		user_step(w, d[1] % FLOWS, d[2], d[3]);
		break;
	case 4:
		pass(w, (uint64_t)(d[2] + 1) * (d[3] + 1) * KIT_MS / 4);
		break;
	case 5:
		*used += raw_step(w, d, left);
		turn(w);
		break;
	case 6:
		w->h->deaf = d[1] & 1;
		w->h->poor = d[1] & 2;
		break;
	default:
		turn(w);
		break;
	}
}

static void
start(struct world *w, uint8_t mode)
{
	static const uint8_t peer_mac[6] = {2, 0, 0, 0, 0, 2}, our_mac[6] = {2, 0, 0, 0, 0, 1};
	struct stack_listener echo = {.port = ECHO},
			      keep = {.port = KEEP, .profile.quickack = true};
	struct stack_conf c;
	uint8_t arp[64];
	int rows;

	kit_group_bits = mode & 1 ? 2 : 0;
	kit_conf(&c);
	w->now = c.now = KIT_SECOND;
	c.max_conns = mode & 2 ? 6 : 100;
	c.max_active = mode & 4 ? 6 : 64;
	c.blocks_small = mode & 8 ? 4 : 64;
	c.blocks_large = mode & 8 ? 8 : 64;
	c.max_half_open = mode & 16 ? 2 : 0;
	c.tcp.rcvbuf = mode & 32 ? 3000 : 64 << 10;
	c.tcp.timestamps = false;
	w->h = kit_host(&c, 1, US, 1);
	w->h->arg = w;
	w->h->on_event = on_event;
	w->h->on_tx = on_tx;
	w->h->ration = 8;
	rows = stack_listen(w->h->s, &echo) + stack_listen(w->h->s, &keep);
	assert(rows == 3);
	(void)rows;
	if (mode & 64)
		return; /* the peer is not known yet */
	give(w, arp,
	     (uint32_t)build_arp(arp, sizeof(arp), our_mac, 0, ARP_REQUEST, peer_mac, PEER, our_mac,
				 US));
	turn(w);
}

/* Whatever has happened: when all users have left and time has passed, nothing is there any
 * more. */
static void
finish(struct world *w)
{
	struct stack_stats st;

	w->h->deaf = w->h->poor = false;
	/* Twice: a connection may have been opened, and not be accepted yet, when its user
	 * leaves. */
	for (unsigned n = 0; n < 2; n++) {
		for (unsigned i = 0; i < FLOWS; i++)
			if (w->end[i].used)
				stack_abort(w->h->s, w->end[i].conn, w->now);
		pass(w, 100 * KIT_SECOND);
		pass(w, 100 * KIT_SECOND);
	}
	stack_stats(w->h->s, &st);
	assert(st.conns == 0 && st.active == 0 && st.half_open == 0 && st.time_wait == 0);
	kit_free(w->h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	uint32_t used = 1;

	if (size < 1)
		return 0;
	memset(&w, 0, sizeof(w));
	start(&w, data[0]);
	while (size - used >= 4) {
		const uint8_t *d = data + used;

		used += 4;
		step(&w, d, &used, (uint32_t)size - used);
		stack_check(w.h->s);
	}
	finish(&w);
	return 0;
}
