/* test_build.c - frames from fields: octet for octet, and read back. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "gold_frames.h"
#include "guard.h"
#include "wire/build.h"
#include "wire/pkt.h"

static const struct build_ip gold_ip = {
    .eth_dst = {2, 0, 0, 0, 0, 2},
    .eth_src = {2, 0, 0, 0, 0, 1},
    .src = 0xc0a80364,
    .dst = 0xc0a8030a,
    .ttl = 64,
    .id = 0x1234,
};

/* The room is exactly what is needed, before a guard page. */
#define CHECK_GOLD(gold, call)                      \
	do {                                        \
		const size_t room = sizeof(gold);   \
		uint8_t *p = guard_alloc(room);     \
                                                    \
		assert_int_equal(call, room);       \
		assert_memory_equal(p, gold, room); \
		guard_free(p, room);                \
	} while (0)

static void
test_tcp_syn(void **state)
{
	const struct tcp_seg syn = {
	    .seq = 0x01020304,
	    .wnd = 64240,
	    .flags = TCP_SYN,
	    .opts = TCP_OPT_MSS | TCP_OPT_SACK_PERMITTED | TCP_OPT_TIMESTAMP | TCP_OPT_WSCALE,
	    .mss = 1460,
	    .wscale = 7,
	    .tsval = 100,
	};

	(void)state;
	CHECK_GOLD(gold_syn, build_tcp(p, room, &gold_ip, 40000, 80, &syn, NULL));
}

static const struct tcp_seg gold_seg = {
    .seq = 0x01020305,
    .ack = 0xa0b0c0d0,
    .wnd = 502,
    .flags = TCP_PSH | TCP_ACK,
    .opts = TCP_OPT_TIMESTAMP,
    .tsval = 101,
    .tsecr = 102,
    .len = 5,
};

static void
test_tcp_data(void **state)
{
	struct build_ip ip = gold_ip;

	(void)state;
	ip.vlan = 42;
	ip.tos = 0xb8;
	CHECK_GOLD(gold_data, build_tcp(p, room, &ip, 40000, 80, &gold_seg, "hello"));
}

/* The payload lies where it will be sent from before the headers are written. */
static void
test_tcp_payload_in_place(void **state)
{
	struct build_ip ip = gold_ip;
	uint8_t frame[sizeof(gold_data)];
	size_t off;

	(void)state;
	ip.vlan = 42;
	ip.tos = 0xb8;
	off = build_tcp_payload_offset(&ip, &gold_seg);
	assert_int_equal(off + 5, sizeof(gold_data));
	memcpy(frame + off, "hello", 5);
	assert_int_equal(build_tcp(frame, sizeof(frame), &ip, 40000, 80, &gold_seg, NULL),
			 sizeof(frame));
	assert_memory_equal(frame, gold_data, sizeof(frame));
}

static void
test_udp(void **state)
{
	(void)state;
	CHECK_GOLD(gold_udp, build_udp(p, room, &gold_ip, 5353, 53, "abc", 3));
}

static void
test_icmp(void **state)
{
	(void)state;
	CHECK_GOLD(gold_echo, build_icmp(p, room, &gold_ip, 8, 0, 7 << 16 | 9, "ping", 4));
}

static void
test_arp(void **state)
{
	static const uint8_t all[6] = {255, 255, 255, 255, 255, 255}, none[6];

	(void)state;
	CHECK_GOLD(gold_arp, build_arp(p, room, all, 0, ARP_REQUEST, gold_ip.eth_src, gold_ip.src,
				       none, gold_ip.dst));
}

/* RFC 768: a sum of zero is sent as all ones, because zero says that there is none. */
static void
test_udp_checksum_is_never_zero(void **state)
{
	uint8_t frame[64], payload[2] = {0};
	unsigned all_ones = 0;
	struct pkt p;

	(void)state;
	for (unsigned v = 0; v < 0x10000; v++) {
		size_t n;

		payload[0] = (uint8_t)(v >> 8);
		payload[1] = (uint8_t)v;
		n = build_udp(frame, sizeof(frame), &gold_ip, 1, 2, payload, 2);
		assert_true(frame[40] != 0 || frame[41] != 0);
		all_ones += frame[40] == 0xff && frame[41] == 0xff;
		assert_int_equal(pkt_parse(&p, frame, n, 0), PKT_OK);
	}
	assert_int_equal(all_ones, 1);
}

struct random_frame {
	struct build_ip ip;
	uint16_t sport, dport;
	struct tcp_seg seg;
	uint8_t payload[1400];
};

static void
randomize(struct random_frame *f, struct rng *r)
{
	uint8_t *octets = (uint8_t *)f;

	for (size_t i = 0; i < sizeof(*f); i++)
		octets[i] = (uint8_t)rng_u64(r);
	f->ip.vlan = rng_chance(r, 0.5) ? 0 : (uint16_t)(1 + rng_below(r, 4095));
	f->ip.tos &= 0xfc;
	f->seg.ecn &= 3;
	f->ip.src = UINT32_C(0x0a000000) | (f->ip.src & 0xffffff);
	f->seg.len = (uint16_t)rng_below(r, sizeof(f->payload));
	f->seg.opts &= 0x1f;
	f->seg.flags |= TCP_SYN; /* so that all options are read back */
	f->seg.wscale = (uint8_t)rng_below(r, TCP_WSCALE_MAX + 1);
	f->seg.n_sack = (uint8_t)rng_below(r, TCP_SACK_MAX + 1);
}

static void
check_ip(const struct pkt *p, const struct build_ip *ip)
{
	assert_memory_equal(p->eth_dst, ip->eth_dst, 6);
	assert_memory_equal(p->eth_src, ip->eth_src, 6);
	assert_int_equal(p->vlan, ip->vlan);
	assert_int_equal(p->ethertype, ETHERTYPE_IPV4);
	assert_int_equal(p->src, ip->src);
	assert_int_equal(p->dst, ip->dst);
	assert_int_equal(p->ttl, ip->ttl);
	assert_int_equal(p->dscp << 2, ip->tos);
	assert_int_equal(p->ip_id, ip->id);
	assert_true(p->ip_df);
	assert_int_equal(p->l3_off, ip->vlan != 0 ? 18 : 14);
	assert_int_equal(p->l4_off, p->l3_off + 20);
}

static void
check_tcp(const struct tcp_seg *got, const struct tcp_seg *want)
{
	assert_int_equal(got->seq, want->seq);
	assert_int_equal(got->ack, want->ack);
	assert_int_equal(got->wnd, want->wnd);
	assert_int_equal(got->flags, want->flags);
	assert_int_equal(got->len, want->len);
	assert_int_equal(got->urg, want->urg);
	assert_int_equal(got->ecn, want->ecn);
	assert_int_equal(got->opts & ~TCP_OPT_SACK, want->opts & ~TCP_OPT_SACK);
	if (want->opts & TCP_OPT_MSS)
		assert_int_equal(got->mss, want->mss);
	if (want->opts & TCP_OPT_WSCALE)
		assert_int_equal(got->wscale, want->wscale);
	if (want->opts & TCP_OPT_TIMESTAMP) {
		assert_int_equal(got->tsval, want->tsval);
		assert_int_equal(got->tsecr, want->tsecr);
	}
	assert_memory_equal(got->sack, want->sack, got->n_sack * sizeof(want->sack[0]));
}

static void
test_tcp_round_trip(void **state)
{
	static struct random_frame f;
	uint8_t frame[2048];
	struct rng r;
	struct pkt p;

	(void)state;
	rng_seed(&r, 1, 4);
	for (unsigned i = 0; i < 20000; i++) {
		size_t n;

		randomize(&f, &r);
		n = build_tcp(frame, sizeof(frame), &f.ip, f.sport, f.dport, &f.seg, f.payload);
		assert_int_equal(pkt_parse(&p, frame, n, 0), PKT_OK);
		assert_int_equal(p.kind, PKT_TCP);
		check_ip(&p, &f.ip);
		assert_int_equal(p.sport, f.sport);
		assert_int_equal(p.dport, f.dport);
		check_tcp(&p.tcp, &f.seg);
		assert_int_equal(p.payload_off, build_tcp_payload_offset(&f.ip, &f.seg));
		assert_int_equal(p.payload_len, f.seg.len);
		assert_int_equal(p.payload_off + p.payload_len, n);
		assert_memory_equal(frame + p.payload_off, f.payload, f.seg.len);
	}
}

static void
test_udp_and_icmp_round_trip(void **state)
{
	static struct random_frame f;
	uint8_t frame[2048];
	struct rng r;
	struct pkt p;

	(void)state;
	rng_seed(&r, 2, 4);
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t type = (uint8_t)rng_u64(&r), code = (uint8_t)rng_u64(&r);
		size_t n;

		randomize(&f, &r);
		n = build_udp(frame, sizeof(frame), &f.ip, f.sport, f.dport, f.payload, f.seg.len);
		assert_int_equal(pkt_parse(&p, frame, n, 0), PKT_OK);
		assert_int_equal(p.kind, PKT_UDP);
		check_ip(&p, &f.ip);
		assert_int_equal(p.sport, f.sport);
		assert_int_equal(p.dport, f.dport);
		assert_int_equal(p.payload_len, f.seg.len);
		assert_memory_equal(frame + p.payload_off, f.payload, f.seg.len);

		n = build_icmp(frame, sizeof(frame), &f.ip, type, code, f.seg.seq, f.payload,
			       f.seg.len);
		assert_int_equal(pkt_parse(&p, frame, n, 0), PKT_OK);
		assert_int_equal(p.kind, PKT_ICMP);
		check_ip(&p, &f.ip);
		assert_int_equal(p.icmp_type, type);
		assert_int_equal(p.icmp_code, code);
		assert_int_equal(p.icmp_rest, f.seg.seq);
		assert_int_equal(p.payload_len, f.seg.len);
		assert_memory_equal(frame + p.payload_off, f.payload, f.seg.len);
	}
}

static void
test_arp_round_trip(void **state)
{
	uint8_t frame[64], mac[3][6];
	struct rng r;
	struct pkt p;

	(void)state;
	rng_seed(&r, 3, 4);
	for (unsigned i = 0; i < 1000; i++) {
		uint16_t vlan = (uint16_t)rng_below(&r, 4096), op = (uint16_t)rng_u64(&r);
		uint32_t spa = (uint32_t)rng_u64(&r), tpa = (uint32_t)rng_u64(&r);
		size_t n;

		for (unsigned o = 0; o < sizeof(mac); o++)
			mac[o / 6][o % 6] = (uint8_t)rng_u64(&r);
		n = build_arp(frame, sizeof(frame), mac[0], vlan, op, mac[1], spa, mac[2], tpa);
		assert_int_equal(n, vlan != 0 ? 46 : 42);
		assert_int_equal(pkt_parse(&p, frame, n, 0), PKT_OK);
		assert_int_equal(p.kind, PKT_ARP);
		assert_int_equal(p.vlan, vlan);
		assert_memory_equal(p.eth_dst, mac[0], 6);
		assert_memory_equal(p.eth_src, mac[1], 6);
		assert_int_equal(p.arp_op, op);
		assert_memory_equal(p.arp_sha, mac[1], 6);
		assert_int_equal(p.arp_spa, spa);
		assert_memory_equal(p.arp_tha, mac[2], 6);
		assert_int_equal(p.arp_tpa, tpa);
	}
}

/* The longest packet that IPv4 has. */
static void
test_longest(void **state)
{
	static uint8_t frame[14 + 65535], payload[65535 - 28];
	struct pkt p;
	size_t n;

	(void)state;
	memset(payload, 0xa5, sizeof(payload));
	n = build_udp(frame, sizeof(frame), &gold_ip, 1, 2, payload, sizeof(payload));
	assert_int_equal(n, sizeof(frame));
	assert_int_equal(pkt_parse(&p, frame, n, 0), PKT_OK);
	assert_int_equal(p.payload_len, sizeof(payload));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tcp_syn),
	    cmocka_unit_test(test_tcp_data),
	    cmocka_unit_test(test_tcp_payload_in_place),
	    cmocka_unit_test(test_udp),
	    cmocka_unit_test(test_icmp),
	    cmocka_unit_test(test_arp),
	    cmocka_unit_test(test_udp_checksum_is_never_zero),
	    cmocka_unit_test(test_tcp_round_trip),
	    cmocka_unit_test(test_udp_and_icmp_round_trip),
	    cmocka_unit_test(test_arp_round_trip),
	    cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
