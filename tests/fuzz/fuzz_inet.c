/* fuzz_inet.c - libFuzzer: a host's ARP and ICMP under any sequence of frames, lookups and time. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "inet/addr.h"
#include "inet/arp.h"
#include "inet/icmp.h"
#include "wire/build.h"
#include "wire/bytes.h"

/*
 * clang -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Icommon tests/fuzz/fuzz_inet.c \
 *	common/inet/[a-z]*.c common/wire/[a-z]*.c -o fuzz_inet && ./fuzz_inet -max_len=1024
 *
 * The input is a list of steps: an octet that says what, one that says how much, and the octets of it.
 */
enum { SLOTS = 16, FRAME = 2048, MTU = 1500 };

struct world {
	struct neigh_table table;
	struct netif_addrs addrs;
	struct icmp_state icmp;
	uint64_t now_ns;
	uint64_t asked_ns[256]; /* by the last octet of the address */
};

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 1};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
world_init(struct world *w, struct neigh *slots)
{
	struct icmp_conf conf;

	*w = (struct world){.now_ns = UINT64_C(1000000000)};
	assert(addr_add_range(&w->addrs, 0x0a000001, 3, 24) == 0);
	assert(addr_add_range(&w->addrs, 0xc0a80001, 2, 16) == 0);
	assert(addr_set_gateway(&w->addrs, 0x0a0000fe) == 0);
	neigh_table_init(&w->table, slots, SLOTS);
	icmp_conf_default(&conf, MTU);
	icmp_init(&w->icmp, &conf);
}

static void
send_icmp(const struct icmp_msg *m)
{
	const struct build_ip ip = {.src = m->src, .dst = m->dst, .tos = m->tos, .ttl = 64};
	uint8_t frame[FRAME];
	struct pkt p;
	size_t n;

	n = build_icmp(frame, sizeof(frame), &ip, m->type, m->code, m->rest, m->body, m->len);
	assert(n <= MTU + ETH_HEADER_BYTES);
	assert(pkt_parse(&p, frame, n, PKT_ANY_SOURCE) == PKT_OK);
}

static void
send_arp(const struct arp_msg *m)
{
	uint8_t frame[BUILD_MIN_FRAME];
	struct pkt p;

	assert(pkt_parse(&p, frame, arp_build(frame, sizeof(frame), m, our_mac, 0), 0) == PKT_OK);
	assert(p.kind == PKT_ARP);
}

static void
take(struct world *w, const struct pkt *p, const uint8_t *frame)
{
	struct arp_result r;
	struct icmp_msg m;
	struct icmp_error e;

	if (p->kind == PKT_ARP) {
		arp_input(&w->table, &w->addrs, our_mac, p, w->now_ns, &r);
		if (r.send)
			send_arp(&r.msg);
		return;
	}
	if (icmp_echo_reply(&w->icmp, &w->addrs, p, frame, w->now_ns, &m))
		send_icmp(&m);
	if (icmp_unreachable(&w->icmp, &w->addrs, p, frame, ICMP_PORT_UNREACHABLE, w->now_ns, &m))
		send_icmp(&m);
	if (icmp_error_parse(&w->icmp, p, frame, &e))
		assert(e.flow.laddr == p->dst);
}

/* An ARP packet that passes the parser: operation, last octets of the MAC and protocol addresses. */
static void
step_arp(struct world *w, const uint8_t *data, size_t size)
{
	uint8_t sha[6] = {2, 0, 0, 0, 0, 0}, frame[BUILD_MIN_FRAME];
	struct pkt p;
	size_t n;

	if (size < 4)
		return;
	sha[5] = data[1];
	n = build_arp(frame, sizeof(frame), our_mac, 0, data[0] & 3, sha, 0x0a000000 | data[2],
		      our_mac, 0x0a000000 | data[3]);
	assert(pkt_parse(&p, frame, n, 0) == PKT_OK);
	take(w, &p, frame);
}

/* An ICMP packet that passes the parser, with any type, code, rest and body. */
static void
step_icmp(struct world *w, const uint8_t *data, size_t size)
{
	struct build_ip ip = {.src = 0x0a000010, .dst = 0x0a000001};
	size_t n, room = ETH_HEADER_BYTES + IP_HEADER_BYTES + 8 + size;
	uint8_t *frame;
	struct pkt p;

	if (size < 6)
		return;
	frame = malloc(room - 6);
	memcpy(ip.eth_dst, our_mac, 6);
	n = build_icmp(frame, room - 6, &ip, data[0], data[1], load_be32(data + 2), data + 6,
		       (uint16_t)(size - 6));
	assert(pkt_parse(&p, frame, n, 0) == PKT_OK);
	take(w, &p, frame);
	free(frame);
}

static void
step_frame(struct world *w, const uint8_t *data, size_t size)
{
	uint8_t *frame = malloc(size + 1); /* a copy of exact size: the input goes on behind it */
	struct pkt p;

	memcpy(frame + 1, data, size);
	if (pkt_parse(&p, frame + 1, size, PKT_NO_CHECKSUM) == PKT_OK)
		take(w, &p, frame + 1);
	free(frame);
}

/* RFC 1122 2.3.2.1: nobody is asked twice within a second. */
static void
step_requests(struct world *w)
{
	struct arp_msg m;

	while (neigh_next_request(&w->table, &w->addrs, w->now_ns, &m)) {
		uint64_t *last = &w->asked_ns[m.tpa & 0xff];

		assert(*last == 0 || w->now_ns - *last >= NEIGH_ASK_NS);
		*last = w->now_ns;
		send_arp(&m);
	}
	assert(neigh_deadline(&w->table) > w->now_ns);
}

static void
check_table(const struct world *w)
{
	uint32_t incomplete = 0;

	for (uint32_t i = 0; i < SLOTS; i++) {
		const struct neigh *n = &w->table.slot[i];

		incomplete += n->state == NEIGH_INCOMPLETE;
		assert((n->ip == 0) == (n->state == NEIGH_FREE));
		assert(n->tries <= NEIGH_TRIES);
	}
	assert(incomplete == w->table.n_incomplete);
}

static void
step(struct world *w, uint8_t what, const uint8_t *data, size_t size)
{
	uint8_t mac[6];

	switch (what % 6) {
	case 0:
		step_frame(w, data, size);
		break;
	case 1:
		step_arp(w, data, size);
		break;
	case 2:
		step_icmp(w, data, size);
		break;
	case 3:
		for (size_t i = 0; i < size; i++)
			(void)neigh_lookup(&w->table, 0x0a000000u | data[i], w->now_ns, mac);
		break;
	case 4:
		step_requests(w);
		break;
	default: /* up to 64 s */
		w->now_ns += (size > 0 ? data[0] : 1) * UINT64_C(250000000);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct neigh *slots = malloc(neigh_table_bytes(SLOTS));
	struct world w;

	world_init(&w, slots);
	while (size >= 2) {
		size_t n = data[1] < size - 2 ? data[1] : size - 2;

		step(&w, data[0], data + 2, n);
		data += 2 + n;
		size -= 2 + n;
		check_table(&w);
	}
	free(slots);
	return 0;
}
