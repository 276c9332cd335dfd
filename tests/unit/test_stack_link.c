/* test_stack_link.c - a host on a link that it does not trust: VLANs, ARP conflicts and floods, ICMP, limits by source. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "inet/icmp.h"
#include "inet/limit.h"
#include "stack_kit.h"
#include "wire/build.h"
#include "wire/bytes.h"
#include "wire/pkt.h"

enum { US = 0x0a000001, PEER = 0x0a000501, OTHER = 0x0a000502, CAPTURED = 16384, VLAN = 5 };

static const uint8_t our_mac[6] = {2, 0, 0, 0, 0, 1}, peer_mac[6] = {2, 0, 0, 0, 0, 9},
		     thief_mac[6] = {2, 0, 0, 0, 0, 0x66},
		     broadcast[6] = {255, 255, 255, 255, 255, 255};

static struct pkt out[CAPTURED];
static unsigned n_out;
static struct kit_host *h;
static uint64_t now;

static void
capture_tx(struct kit_host *host, const struct frame *f, uint64_t at)
{
	(void)host;
	(void)at;
	assert_true(n_out < CAPTURED);
	assert_int_equal(pkt_parse(&out[n_out++], f->data, f->len, 0), PKT_OK);
}

static void
turns(void)
{
	for (unsigned i = 0; i < 400 && kit_turn(h, now); i++)
		stack_check(h->s);
}

static void
start(uint16_t vlan, uint32_t resets_per_s)
{
	struct stack_listener l = {.port = 7};
	struct stack_netif_conf nc;
	struct stack_conf c;

	kit_conf(&c);
	c.resets_per_s = resets_per_s;
	now = c.now = KIT_SECOND;
	h = calloc(1, sizeof(*h));
	h->s = stack_new(&c);
	h->burst = 32;
	kit_netif(&nc, 1, US, 4);
	nc.vlan = vlan;
	assert_int_equal(stack_add_netif(h->s, &nc), 0);
	assert_int_equal(stack_listen(h->s, &l), 1);
	h->on_tx = capture_tx;
	turns(); /* announcements */
	n_out = 0;
}

static void
stop(void)
{
	stack_check(h->s);
	kit_free(h);
}

static struct stack_stats
stats(void)
{
	struct stack_stats st;

	stack_stats(h->s, &st);
	return st;
}

static void
give(const uint8_t *data, size_t len)
{
	kit_send(h, data, (uint32_t)len, 0, now);
	turns();
}

static struct build_ip
from(uint32_t src, uint16_t vlan)
{
	struct build_ip ip = {.src = src, .dst = US, .ttl = 64, .vlan = vlan};

	memcpy(ip.eth_dst, our_mac, 6);
	memcpy(ip.eth_src, peer_mac, 6);
	return ip;
}

static void
give_syn(uint32_t src, uint16_t vlan, uint16_t sport, uint16_t dport)
{
	struct build_ip ip = from(src, vlan);
	const struct tcp_seg syn = {.seq = 1, .flags = TCP_SYN, .wnd = 1000};
	uint8_t f[128];

	give(f, build_tcp(f, sizeof(f), &ip, sport, dport, &syn, NULL));
}

static void
give_arp(uint16_t vlan, uint16_t op, const uint8_t mac[6], uint32_t spa, uint32_t tpa)
{
	uint8_t f[64];

	give(f, build_arp(f, sizeof(f), op == ARP_REQUEST ? broadcast : our_mac, vlan, op, mac, spa,
			  our_mac, tpa));
}

static void
give_ping(uint32_t src, uint32_t dst, const uint8_t eth_dst[6], uint16_t vlan)
{
	struct build_ip ip = from(src, vlan);
	uint8_t f[128];

	ip.dst = dst;
	memcpy(ip.eth_dst, eth_dst, 6);
	give(f, build_icmp(f, sizeof(f), &ip, ICMP_ECHO_REQUEST, 0, 1, (const uint8_t *)"abcdefgh",
			   8));
}

/* --- VLAN --- */

/* A tagged interface speaks and hears its VLAN alone. */
static void
test_tagged(void **state)
{
	(void)state;
	start(VLAN, 0);
	give_arp(VLAN, ARP_REQUEST, peer_mac, PEER, US);
	give_syn(PEER, VLAN, 1000, 7);
	give_syn(PEER, VLAN, 1001, 8);
	give_ping(PEER, US, our_mac, VLAN);
	assert_int_equal(n_out, 4);
	for (unsigned i = 0; i < n_out; i++)
		assert_int_equal(out[i].vlan, VLAN);
	assert_int_equal(out[1].tcp.flags, TCP_SYN | TCP_ACK);
	assert_int_equal(out[2].tcp.flags, TCP_RST | TCP_ACK);
	n_out = 0;
	for (uint16_t other = 0; other < 9; other += 3) {
		give_arp(other, ARP_REQUEST, peer_mac, PEER, US);
		give_syn(PEER, other, 1002, 7);
		give_ping(PEER, US, our_mac, other);
	}
	assert_int_equal(n_out, 0);
	assert_int_equal(stats().drop_not_ours, 9);
	stop();
}

/* An untagged one takes priority tags, which name no VLAN (802.1Q 6.9), and answers without. */
static void
test_priority_tags(void **state)
{
	uint8_t f[128], tagged[132];
	struct build_ip ip = from(PEER, 0);
	const struct tcp_seg syn = {.seq = 1, .flags = TCP_SYN, .wnd = 1000};
	size_t len;

	(void)state;
	start(0, 0);
	give_arp(0, ARP_REQUEST, peer_mac, PEER, US);
	n_out = 0;
	len = build_tcp(f, sizeof(f), &ip, 1000, 7, &syn, NULL);
	memcpy(tagged, f, 12);
	store_be16(tagged + 12, ETHERTYPE_VLAN);
	store_be16(tagged + 14, 6 << 13);
	memcpy(tagged + 16, f + 12, len - 12);
	give(tagged, len + 4);
	assert_int_equal(n_out, 1);
	assert_int_equal(out[0].tcp.flags, TCP_SYN | TCP_ACK);
	assert_int_equal(out[0].vlan, 0);
	store_be16(tagged + 14, 6 << 13 | VLAN);
	give(tagged, len + 4);
	assert_int_equal(stats().drop_not_ours, 1);
	stop();
}

/* --- ARP --- */

/* RFC 5227 2.4: an address of ours is defended, once in ten seconds, and the conflict is counted each time. */
static void
test_defence(void **state)
{
	(void)state;
	start(0, 0);
	for (unsigned i = 0; i < 25; i++) {
		give_arp(0, ARP_REPLY, thief_mac, US, US);
		now += KIT_SECOND;
	}
	assert_int_equal(n_out, 3);
	for (unsigned i = 0; i < n_out; i++) {
		assert_int_equal(out[i].arp_spa, US);
		assert_memory_equal(out[i].arp_sha, our_mac, 6);
	}
	assert_int_equal(stats().arp_conflicts_self, 25);
	stop();
}

/* What the thief says of the peer's address does not lead the peer's segments to him. */
static void
test_no_blind_overwrite(void **state)
{
	(void)state;
	start(0, 0);
	give_arp(0, ARP_REQUEST, peer_mac, PEER, US);
	give_syn(PEER, 0, 1000, 7);
	n_out = 0;
	for (unsigned i = 0; i < 50; i++) {
		give_arp(0, ARP_REPLY, thief_mac, PEER, US);
		give_arp(0, ARP_REQUEST, thief_mac, PEER, PEER);
		give_syn(PEER, 0, 1000, 7);
	}
	for (unsigned i = 0; i < n_out; i++)
		assert_memory_not_equal(out[i].eth_dst, thief_mac, 6);
	assert_int_equal(stats().arp_conflicts, 100);
	stop();
}

/* Stations by the thousand that ask for us fill the table and no more: who is spoken to stays known. */
static void
test_arp_flood(void **state)
{
	(void)state;
	start(0, 0);
	give_arp(0, ARP_REQUEST, peer_mac, PEER, US);
	give_syn(PEER, 0, 1000, 7);
	for (uint32_t i = 0; i < 12000; i++) {
		uint8_t mac[6] = {2, 1, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, 1};

		n_out = 0;
		give_arp(0, ARP_REQUEST, mac, 0x0a001000 + i, US);
		if (i % 1000 == 0)
			give_syn(PEER, 0, 1000, 7);
	}
	n_out = 0;
	give_syn(PEER, 0, 1000, 7);
	assert_int_equal(n_out, 1); /* the SYN,ACK, and no question */
	assert_memory_equal(out[0].eth_dst, peer_mac, 6);
	stop();
}

/* SYNs from addresses that nobody has: questions are bounded, and go out once a second for each. */
static void
test_unresolved_flood(void **state)
{
	unsigned asked = 0;

	(void)state;
	start(0, 0);
	give_arp(0, ARP_REQUEST, peer_mac, PEER, US);
	n_out = 0;
	for (uint32_t i = 0; i < 3000; i++)
		give_syn(0x0a001000 + i, 0, 1000, 7);
	for (unsigned i = 0; i < n_out; i++)
		asked += out[i].kind == PKT_ARP;
	assert_true(asked <= 1024); /* a quarter of the table */
	n_out = 0;
	give_syn(PEER, 0, 1000, 7);
	assert_int_equal(n_out, 1);
	assert_int_equal(out[0].tcp.flags, TCP_SYN | TCP_ACK);
	stop();
}

/* --- ICMP --- */

/* RFC 1122 3.2.2: to a broadcast, about an ICMP error, to a source that is nobody: no answer. */
static void
test_icmp_silence(void **state)
{
	struct build_ip ip = from(PEER, 0);
	uint8_t f[256], inner[64];
	size_t len;

	(void)state;
	start(0, 0);
	give_arp(0, ARP_REQUEST, peer_mac, PEER, US);
	n_out = 0;
	give_ping(PEER, UINT32_MAX, broadcast, 0);
	give_ping(PEER, 0x0a00ffff, broadcast, 0);
	give_ping(PEER, US, broadcast, 0);
	give_ping(US, US, our_mac, 0);
	give_ping(0x0a00ffff, US, our_mac, 0);
	give_ping(0x7f000001, US, our_mac, 0);
	give_ping(0xe0000001, US, our_mac, 0);
	/* an error about an ICMP message of ours, and one about UDP */
	memset(inner, 0, sizeof(inner));
	inner[0] = 0x45;
	inner[9] = IPPROTO_ICMP_;
	store_be32(inner + 12, US);
	store_be32(inner + 16, PEER);
	len = build_icmp(f, sizeof(f), &ip, ICMP_UNREACHABLE, 3, 0, inner, 28);
	give(f, len);
	inner[9] = IPPROTO_UDP_;
	len = build_icmp(f, sizeof(f), &ip, ICMP_UNREACHABLE, 3, 0, inner, 28);
	give(f, len);
	assert_int_equal(n_out, 0);
	stop();
}

/* Source quench (RFC 6633), redirect, timestamp, mask, router messages, echo replies: counted, and that is all. */
static void
test_icmp_ignored(void **state)
{
	static const uint8_t types[] = {0, 4, 5, 9, 10, 13, 14, 15, 16, 17, 18, 30, 42, 255};
	struct build_ip ip = from(PEER, 0);
	uint8_t f[256], quote[28] = {0x45};

	(void)state;
	start(0, 0);
	quote[9] = IPPROTO_TCP_;
	store_be32(quote + 12, US);
	store_be32(quote + 16, PEER);
	for (size_t i = 0; i < N_OF(types); i++)
		give(f, build_icmp(f, sizeof(f), &ip, types[i], 0, PEER + 7, quote, sizeof(quote)));
	assert_int_equal(n_out, 0);
	assert_int_equal(stats().icmp_ignored, N_OF(types));
	assert_int_equal(stats().icmp_in, N_OF(types));
	stop();
}

/* --- limits --- */

/* Who provokes RSTs until he gets none has not used up those of others (CVE-2016-5696). */
static void
test_reset_quota_is_his_own(void **state)
{
	unsigned to_other = 0, to_peer = 0;

	(void)state;
	start(0, 100);
	give_arp(0, ARP_REQUEST, peer_mac, PEER, US);
	give_arp(0, ARP_REQUEST, peer_mac, OTHER, US);
	n_out = 0;
	for (uint16_t i = 0; i < 4000; i++) {
		give_syn(PEER, 0, (uint16_t)(1000 + i), 9);
		if (i % 8 == 0)
			give_syn(OTHER, 0, (uint16_t)(1000 + i), 9);
	}
	for (unsigned i = 0; i < n_out; i++) {
		to_peer += out[i].dst == PEER;
		to_other += out[i].dst == OTHER;
	}
	assert_int_equal(to_other, 500);
	assert_in_range(to_peer, 1000, 1001);
	stop();
}

static void
test_icmp_quota_is_his_own(void **state)
{
	struct build_ip ip = from(PEER, 0), other = from(OTHER, 0);
	unsigned to_other = 0, to_peer = 0;
	uint8_t f[128];

	(void)state;
	start(0, 0);
	for (uint16_t i = 0; i < 2000; i++) {
		give(f, build_udp(f, sizeof(f), &ip, 1000, i, "question", 8));
		if (i % 50 == 0)
			give(f, build_udp(f, sizeof(f), &other, 1000, i, "question", 8));
	}
	for (unsigned i = 0; i < n_out; i++) {
		to_peer += out[i].kind == PKT_ICMP && out[i].dst == PEER;
		to_other += out[i].kind == PKT_ICMP && out[i].dst == OTHER;
	}
	assert_int_equal(to_other, 40);
	assert_in_range(to_peer, 50, 51);
	stop();
}

/* One bucket, in numbers. */
static void
test_limit(void **state)
{
	const struct flow_key key = {3, 4};
	struct limit l;
	unsigned n = 0, shared = 0;

	(void)state;
	limit_init(&l, 1000, 10, &key);
	while (limit_take(&l, PEER, KIT_SECOND))
		n++;
	assert_int_equal(n, 10);
	assert_false(limit_take(&l, PEER, KIT_SECOND + 999999));
	assert_true(limit_take(&l, PEER, KIT_SECOND + 1000000));
	assert_false(limit_take(&l, PEER, KIT_SECOND + 1000000));
	for (n = 0; limit_take(&l, PEER, 100 * KIT_SECOND); n++)
		;
	assert_int_equal(n, 10);
	for (uint32_t a = 0; a < 6400; a++)
		shared += !limit_take(&l, PEER + 1 + a, 200 * KIT_SECOND);
	assert_true(shared > 5000); /* 64 buckets of 10 */
	limit_init(&l, 0, 10, &key);
	assert_false(limit_take(&l, PEER, KIT_SECOND));
}

/* A challenge ACK that one connection has provoked does not keep another from its own (RFC 5961 7). */
static void
test_challenge_is_per_connection(void **state)
{
	struct tcp_seg seg = {.flags = TCP_SYN, .seq = 1, .wnd = 1000};
	struct build_ip ip = from(PEER, 0);
	uint8_t f[128];
	uint32_t iss[2];

	(void)state;
	start(0, 0);
	give_arp(0, ARP_REQUEST, peer_mac, PEER, US);
	n_out = 0;
	for (unsigned i = 0; i < 2; i++) {
		seg = (struct tcp_seg){.flags = TCP_SYN, .seq = 1, .wnd = 1000};
		give(f, build_tcp(f, sizeof(f), &ip, (uint16_t)(1000 + i), 7, &seg, NULL));
		iss[i] = out[n_out - 1].tcp.seq;
		seg = (struct tcp_seg){.flags = TCP_ACK, .seq = 2, .ack = iss[i] + 1, .wnd = 1000};
		give(f, build_tcp(f, sizeof(f), &ip, (uint16_t)(1000 + i), 7, &seg, NULL));
	}
	n_out = 0;
	seg = (struct tcp_seg){.flags = TCP_RST, .seq = 100};
	for (unsigned i = 0; i < 500; i++)
		give(f, build_tcp(f, sizeof(f), &ip, 1000, 7, &seg, NULL));
	assert_int_equal(n_out, 1);
	give(f, build_tcp(f, sizeof(f), &ip, 1001, 7, &seg, NULL));
	assert_int_equal(n_out, 2);
	assert_int_equal(out[1].dport, 1001);
	assert_int_equal(out[1].tcp.flags, TCP_ACK);
	stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tagged),
	    cmocka_unit_test(test_priority_tags),
	    cmocka_unit_test(test_defence),
	    cmocka_unit_test(test_no_blind_overwrite),
	    cmocka_unit_test(test_arp_flood),
	    cmocka_unit_test(test_unresolved_flood),
	    cmocka_unit_test(test_icmp_silence),
	    cmocka_unit_test(test_icmp_ignored),
	    cmocka_unit_test(test_reset_quota_is_his_own),
	    cmocka_unit_test(test_icmp_quota_is_his_own),
	    cmocka_unit_test(test_limit),
	    cmocka_unit_test(test_challenge_is_per_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
