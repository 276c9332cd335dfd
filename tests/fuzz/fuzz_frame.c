/* fuzz_frame.c - libFuzzer: any octets as frames that a host receives: Ethernet, ARP, IP, ICMP, UDP, TCP. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/stack.h"
#include "wire/bytes.h"
#include "wire/cksum.h"
#include "wire/pkt.h"

/*
 * The input is a list of frames: an octet that says how many octets it has, divided by 4, one that
 * says what is put right before the host sees it (enum fix), one for how much time passes, then the
 * frame. A host serves several inputs, since it takes longer to make one than to feed it: what an
 * input does may depend on those before it, of which FUZZ_FRAME_INPUTS are kept together.
 */
enum fix {
	FIX_MAC = 1,
	FIX_ADDRESS = 2,
	FIX_PEER = 4,
	FIX_LENGTH = 8,
	FIX_IP_SUM = 16,
	FIX_L4_SUM = 32,
	FIX_PORT = 64,
	BURST = 128, /* it arrives together with the next one */
};

enum { US = 0x0a000001, PEER = 0x0a000101, PORT = 80, ETH = 14, ROOM = 1600, FRAMES = 64 };
enum { FUZZ_FRAME_INPUTS = 64, PER_BURST = 8 };

#define NS_PER_MS UINT64_C(1000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct stack *s;
	uint64_t now;
	unsigned inputs;
	struct frame burst[PER_BURST];
	unsigned n_burst;
};

static void *
reserve(size_t bytes)
{
	return calloc(1, bytes);
}

static void
release(void *p, size_t bytes)
{
	(void)bytes;
	free(p);
}

static void
start(struct world *w)
{
	struct stack_netif_conf nc = {.mac = {2, 0, 0, 0, 0, 1}, .mtu = 1500};
	struct stack_listener l = {.port = PORT};
	struct stack_conf c;
	int error;

	stack_conf_default(&c);
	c.max_conns = 16;
	c.max_active = 12;
	c.blocks_small = c.blocks_large = 16;
	c.reserve = reserve;
	c.release = release;
	c.now = w->now = 1000 * NS_PER_MS;
	w->s = stack_new(&c);
	assert(w->s != NULL);
	error = addr_add_range(&nc.addrs, US, 2, 16);
	assert(error == 0);
	error = stack_add_netif(w->s, &nc);
	assert(error == 0);
	error = stack_listen(w->s, &l);
	assert(error == 1);
	(void)error;
}

static void
stop(struct world *w)
{
	struct frame f;

	stack_check(w->s);
	while (stack_take_frames(w->s, &f, 1) > 0)
		free(f.handle);
	stack_free(w->s);
	w->s = NULL;
	w->inputs = 0;
}

/* --- putting right what a random frame has wrong --- */

static void
fix_ip(uint8_t *ip, size_t len, unsigned fix)
{
	const size_t header = (ip[0] & 0xfu) * 4u;

	if (fix & FIX_ADDRESS)
		store_be32(ip + 16, US + (ip[16] & 1));
	if (fix & FIX_PEER)
		store_be32(ip + 12, PEER + (ip[12] & 3u));
	if (fix & FIX_LENGTH) {
		ip[0] = (uint8_t)(0x40 | (ip[0] & 0xf));
		store_be16(ip + 2, (uint16_t)len);
		store_be16(ip + 6, 0x4000);
	}
	if (!(fix & FIX_IP_SUM) || header < 20 || header > len)
		return;
	store_be16(ip + 10, 0);
	store_be16(ip + 10, cksum_fold(cksum_partial(ip, header, 0)));
}

static void
fix_l4(uint8_t *ip, size_t len, unsigned fix)
{
	const size_t header = (ip[0] & 0xfu) * 4u;
	uint8_t *l4 = ip + header;
	const uint8_t proto = ip[9];
	const size_t at = proto == 6 ? 16 : proto == 1 ? 2 : 6;
	uint32_t sum = 0;

	if (header < 20 || len < header + at + 2)
		return;
	if (fix & FIX_PORT && proto == 6)
		store_be16(l4 + 2, PORT);
	if (!(fix & FIX_L4_SUM))
		return;
	store_be16(l4 + at, 0);
	if (proto != 1)
		sum = cksum_pseudo(load_be32(ip + 12), load_be32(ip + 16), proto,
				   (uint16_t)(len - header));
	store_be16(l4 + at, cksum_fold(cksum_partial(l4, len - header, sum)));
}

static void
put_right(uint8_t *f, size_t len, unsigned fix)
{
	static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 1};
	size_t l3 = ETH;

	if (fix & FIX_MAC && len >= 6)
		memcpy(f, our_mac, 6);
	if (len >= ETH && load_be16(f + 12) == 0x8100)
		l3 += 4;
	if (len < l3 + 20 || load_be16(f + l3 - 2) != 0x0800)
		return;
	fix_ip(f + l3, len - l3, fix);
	fix_l4(f + l3, len - l3, fix);
}

/* --- a turn --- */

static void
stock(struct world *w)
{
	for (unsigned n = stack_frames_short(w->s); n > 512 - FRAMES; n--) {
		struct frame f = {.room = ROOM};

		f.data = f.handle = malloc(ROOM);
		stack_give_frames(w->s, &f, 1);
	}
}

/* What leaves must itself be right. */
static void
transmit(struct world *w)
{
	const struct frame *f;
	unsigned n = stack_tx(w->s, 0, &f);
	struct pkt p;

	for (unsigned i = 0; i < n; i++) {
		assert(pkt_parse(&p, f[i].data, f[i].len, 0) == PKT_OK);
		free(f[i].handle);
	}
	stack_tx_done(w->s, 0, n);
}

static void
turn(struct world *w)
{
	const struct stack_event *ev;

	stock(w);
	stack_input(w->s, w->now, w->burst, w->n_burst);
	stack_timers(w->s, w->now);
	while ((ev = stack_next_event(w->s)) != NULL) {
		if (ev->type == STACK_DATA)
			stack_send(w->s, ev->conn, ev->data, ev->len);
		else if (ev->type == STACK_EOF)
			stack_close(w->s, ev->conn, w->now);
	}
	stack_output(w->s, w->now);
	transmit(w);
	for (unsigned i = 0; i < w->n_burst; i++)
		free(w->burst[i].data);
	w->n_burst = 0;
}

/* A copy of exact size. */
static void
arrive(struct world *w, const uint8_t *data, size_t len, unsigned fix)
{
	struct frame *f = &w->burst[w->n_burst++];

	*f = (struct frame){.data = malloc(len), .len = (uint32_t)len};
	memcpy(f->data, data, len);
	put_right(f->data, len, fix);
	if (!(fix & BURST) || w->n_burst == PER_BURST)
		turn(w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;

	if (w.s == NULL)
		start(&w);
	while (size > 3) {
		const size_t most = data[0] * 4u, left = size - 3, len = most < left ? most : left;
		const unsigned fix = data[1];

		w.now += (uint64_t)data[2] * data[2] * NS_PER_MS;
		if (len > 0)
			arrive(&w, data + 3, len, fix);
		data += 3 + len;
		size -= 3 + len;
	}
	turn(&w);
	if (++w.inputs == FUZZ_FRAME_INPUTS)
		stop(&w);
	return 0;
}
