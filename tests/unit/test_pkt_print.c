/* test_pkt_print.c - one line for each kind of packet, as tcpdump -S writes it, and in any room. */
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

static const char *
print(const uint8_t *frame, size_t len, unsigned flags)
{
	static char line[256];
	struct pkt p;

	(void)pkt_parse(&p, frame, len, flags);
	return pkt_print(line, sizeof(line), &p);
}

static void
test_gold(void **state)
{
	(void)state;
	assert_string_equal(
	    print(gold_syn, sizeof(gold_syn), 0),
	    "IP 192.168.3.100.40000 > 192.168.3.10.80: Flags [S], seq 16909060, win 64240, "
	    "options [mss 1460,sackOK,TS val 100 ecr 0,wscale 7], length 0");
	assert_string_equal(
	    print(gold_data, sizeof(gold_data), 0),
	    "vlan 42, IP 192.168.3.100.40000 > 192.168.3.10.80: Flags [P.], seq "
	    "16909061:16909066, ack 2695938256, win 502, options [TS val 101 ecr 102], "
	    "length 5");
	assert_string_equal(print(gold_udp, sizeof(gold_udp), 0),
			    "IP 192.168.3.100.5353 > 192.168.3.10.53: UDP, length 3");
	assert_string_equal(
	    print(gold_echo, sizeof(gold_echo), 0),
	    "IP 192.168.3.100 > 192.168.3.10: ICMP echo request, id 7, seq 9, length 12");
	assert_string_equal(print(gold_arp, sizeof(gold_arp), 0),
			    "ARP, Request who-has 192.168.3.10 tell 192.168.3.100");
}

static void
test_icmp(void **state)
{
	const struct build_ip ip = {.src = 0x0a000001, .dst = 0x0a000002};
	uint8_t f[64];

	(void)state;
	assert_string_equal(print(f, build_icmp(f, sizeof(f), &ip, 0, 0, 1 << 16 | 2, NULL, 0), 0),
			    "IP 10.0.0.1 > 10.0.0.2: ICMP echo reply, id 1, seq 2, length 8");
	assert_string_equal(
	    print(f, build_icmp(f, sizeof(f), &ip, 3, 4, 1400, NULL, 0), 0),
	    "IP 10.0.0.1 > 10.0.0.2: ICMP unreachable - need to frag (mtu 1400), length 8");
	assert_string_equal(print(f, build_icmp(f, sizeof(f), &ip, 3, 3, 0, NULL, 0), 0),
			    "IP 10.0.0.1 > 10.0.0.2: ICMP type 3 code 3, length 8");
	assert_string_equal(print(f, build_icmp(f, sizeof(f), &ip, 8, 1, 0, NULL, 0), 0),
			    "IP 10.0.0.1 > 10.0.0.2: ICMP type 8 code 1, length 8");
	assert_string_equal(print(f, build_icmp(f, sizeof(f), &ip, 5, 0, 0, NULL, 0), 0),
			    "IP 10.0.0.1 > 10.0.0.2: ICMP type 5 code 0, length 8");
}

static void
test_arp(void **state)
{
	const uint8_t a[6] = {2, 0, 0, 0xab, 0xcd, 1}, b[6] = {2, 0, 0, 0, 0, 2};
	uint8_t f[64];

	(void)state;
	assert_string_equal(
	    print(f, build_arp(f, sizeof(f), b, 0, ARP_REPLY, a, 0x0a000001, b, 0x0a000002), 0),
	    "ARP, Reply 10.0.0.1 is-at 02:00:00:ab:cd:01");
	assert_string_equal(print(f, build_arp(f, sizeof(f), b, 0, 9, a, 0, b, 0), 0), "ARP, op 9");
}

static void
test_tcp_flags_and_sack(void **state)
{
	struct pkt p = {.kind = PKT_TCP,
			.tcp = {.flags = 0xff,
				.seq = UINT32_MAX,
				.urg = 3,
				.opts = TCP_OPT_SACK | TCP_OPT_SACK_PERMITTED,
				.n_sack = 2,
				.sack = {{1, 2}, {3, 4}}}};
	char line[256];

	(void)state;
	assert_string_equal(
	    pkt_print(line, sizeof(line), &p),
	    "IP 0.0.0.0.0 > 0.0.0.0.0: Flags [FSRP.UEW], seq 4294967295, ack 0, win 0, "
	    "urg 3, options [sackOK,sack 2 {1:2}{3:4}], length 0");
	p.tcp = (struct tcp_seg){.flags = TCP_ACK, .seq = 5, .ack = 6, .opts = 0x1f, .n_sack = 1};
	assert_string_equal(pkt_print(line, sizeof(line), &p),
			    "IP 0.0.0.0.0 > 0.0.0.0.0: Flags [.], ack 6, win 0, options [mss "
			    "0,sackOK,TS val 0 ecr 0,wscale 0,sack 1 {0:0}], length 0");
	p.tcp.opts = TCP_OPT_WSCALE | TCP_OPT_SACK;
	assert_string_equal(pkt_print(line, sizeof(line), &p),
			    "IP 0.0.0.0.0 > 0.0.0.0.0: Flags [.], ack 6, win 0, options [wscale "
			    "0,sack 1 {0:0}], length 0");
	p.tcp = (struct tcp_seg){.len = 1};
	p.src = 0xfffefdfc;
	assert_string_equal(
	    pkt_print(line, sizeof(line), &p),
	    "IP 255.254.253.252.0 > 0.0.0.0.0: Flags [none], seq 0:1, win 0, length 1");
	p.src = 0;
	p.tcp = (struct tcp_seg){.len = 2, .seq = UINT32_MAX};
	assert_string_equal(
	    pkt_print(line, sizeof(line), &p),
	    "IP 0.0.0.0.0 > 0.0.0.0.0: Flags [none], seq 4294967295:1, win 0, length 2");
}

/* What was dropped can be printed too: as far as it was read. */
static void
test_dropped(void **state)
{
	uint8_t f[sizeof(gold_syn)];

	(void)state;
	memcpy(f, gold_syn, sizeof(f));
	f[12] = 0x86;
	f[13] = 0xdd;
	assert_string_equal(print(f, sizeof(f), 0),
			    "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 0x86dd");
	assert_string_equal(print(gold_syn, 40, 0),
			    "02:00:00:00:00:01 > 02:00:00:00:00:02, ethertype 0x0800");
	assert_string_equal(print(gold_syn, 0, 0),
			    "00:00:00:00:00:00 > 00:00:00:00:00:00, ethertype 0x0000");
}

/* Every size up to the whole line: cut, ended by a NUL, nothing behind the end. */
static void
test_room(void **state)
{
	const char *whole = print(gold_data, sizeof(gold_data), 0);
	struct pkt p;

	(void)state;
	assert_int_equal(pkt_parse(&p, gold_data, sizeof(gold_data), 0), PKT_OK);
	for (size_t size = 0; size <= strlen(whole) + 1; size++) {
		char *buf = (char *)guard_alloc(size);

		memset(buf, 'x', size);
		assert_ptr_equal(pkt_print(buf, size, &p), buf);
		if (size > 0) {
			assert_int_equal(strlen(buf), size - 1);
			assert_memory_equal(buf, whole, size - 1);
		}
		guard_free((uint8_t *)buf, size);
	}
}

/* Any content of a struct pkt gives a line. */
static void
test_random_content(void **state)
{
	char *line = (char *)guard_alloc(256);
	struct rng r;

	(void)state;
	rng_seed(&r, 1, 5);
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t octets[sizeof(struct pkt)];
		struct pkt p;

		for (size_t o = 0; o < sizeof(octets); o++)
			octets[o] = (uint8_t)rng_u64(&r);
		memset(octets + offsetof(struct pkt, ip_df), 0, sizeof(p.ip_df));
		memcpy(&p, octets, sizeof(p));
		p.kind = (enum pkt_kind)rng_below(&r, 5);
		pkt_print(line, 256, &p);
		assert_true(strlen(line) > 8);
	}
	guard_free((uint8_t *)line, 256);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_gold),
	    cmocka_unit_test(test_icmp),
	    cmocka_unit_test(test_arp),
	    cmocka_unit_test(test_tcp_flags_and_sack),
	    cmocka_unit_test(test_dropped),
	    cmocka_unit_test(test_room),
	    cmocka_unit_test(test_random_content),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
