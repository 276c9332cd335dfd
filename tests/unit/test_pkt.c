/* test_pkt.c - every reason to drop a frame, every length of it, and a million that nobody made. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/rng.h"
#include "gold_frames.h"
#include "guard.h"
#include "wire/build.h"
#include "wire/bytes.h"
#include "wire/cksum.h"
#include "wire/pkt.h"

#define GOLD(f) gold_##f, sizeof(gold_##f)

static const struct gold {
	const uint8_t *p;
	size_t len;
	enum pkt_kind kind;
	size_t headers; /* up to the payload */
} golds[] = {
    {GOLD(syn), PKT_TCP, 14 + 20 + 40}, {GOLD(data), PKT_TCP, 18 + 20 + 32},
    {GOLD(udp), PKT_UDP, 14 + 20 + 8},	{GOLD(echo), PKT_ICMP, 14 + 20 + 8},
    {GOLD(arp), PKT_ARP, 14 + 28},
};
enum { N_GOLDS = sizeof(golds) / sizeof(golds[0]), ALL_FLAGS = 16 };

/* --- fields --- */

static void
test_ip_fields(void **state)
{
	struct pkt p;

	(void)state;
	assert_int_equal(pkt_parse(&p, GOLD(data), 0), PKT_OK);
	assert_int_equal(p.kind, PKT_TCP);
	assert_int_equal(p.vlan, 42);
	assert_int_equal(p.ethertype, ETHERTYPE_IPV4);
	assert_int_equal(p.eth_dst[5], 2);
	assert_int_equal(p.eth_src[5], 1);
	assert_int_equal(p.src, 0xc0a80364);
	assert_int_equal(p.dst, 0xc0a8030a);
	assert_int_equal(p.proto, IPPROTO_TCP_);
	assert_int_equal(p.ttl, 64);
	assert_int_equal(p.dscp, 0xb8 >> 2);
	assert_int_equal(p.ecn, ECN_NOT);
	assert_int_equal(p.ip_id, 0x1234);
	assert_true(p.ip_df);
	assert_int_equal(p.l3_off, 18);
	assert_int_equal(p.l4_off, 38);
}

/* Each bit of the flags is in its place. */
static void
test_ip_flags(void **state)
{
	uint8_t frame[sizeof(gold_syn)];
	struct pkt p;

	(void)state;
	memcpy(frame, gold_syn, sizeof(frame));
	frame[15] = 0x2d << 2 | ECN_CE;
	frame[20] = 0x80; /* reserved, which is not DF */
	assert_int_equal(pkt_parse(&p, frame, sizeof(frame), PKT_NO_CHECKSUM), PKT_OK);
	assert_false(p.ip_df);
	assert_int_equal(p.dscp, 0x2d);
	assert_int_equal(p.ecn, ECN_CE);
	frame[20] = 0x20;
	assert_int_equal(pkt_parse(&p, frame, sizeof(frame), PKT_NO_CHECKSUM | PKT_TAKE_FRAGMENTS),
			 PKT_OK);
	assert_false(p.ip_df);
}

static void
test_tcp_fields(void **state)
{
	struct pkt p;

	(void)state;
	assert_int_equal(pkt_parse(&p, GOLD(data), 0), PKT_OK);
	assert_int_equal(p.sport, 40000);
	assert_int_equal(p.dport, 80);
	assert_int_equal(p.tcp.seq, 0x01020305);
	assert_int_equal(p.tcp.ack, 0xa0b0c0d0);
	assert_int_equal(p.tcp.flags, TCP_PSH | TCP_ACK);
	assert_int_equal(p.tcp.wnd, 502);
	assert_int_equal(p.tcp.urg, 0);
	assert_int_equal(p.tcp.opts, TCP_OPT_TIMESTAMP);
	assert_int_equal(p.tcp.tsval, 101);
	assert_int_equal(p.tcp.tsecr, 102);
	assert_int_equal(p.tcp.len, 5);
	assert_int_equal(p.payload_len, 5);
	assert_memory_equal(gold_data + p.payload_off, "hello", 5);
	assert_int_equal(pkt_parse(&p, GOLD(syn), 0), PKT_OK);
	assert_int_equal(p.vlan, 0);
	assert_int_equal(p.tcp.opts,
			 TCP_OPT_MSS | TCP_OPT_SACK_PERMITTED | TCP_OPT_TIMESTAMP | TCP_OPT_WSCALE);
	assert_int_equal(p.tcp.mss, 1460);
	assert_int_equal(p.tcp.wscale, 7);
	assert_int_equal(p.tcp.len, 0);
	assert_int_equal(p.tcp.n_sack, 0);
}

static void
test_other_fields(void **state)
{
	struct pkt p;

	(void)state;
	assert_int_equal(pkt_parse(&p, GOLD(udp), 0), PKT_OK);
	assert_int_equal(p.kind, PKT_UDP);
	assert_int_equal(p.sport, 5353);
	assert_int_equal(p.dport, 53);
	assert_int_equal(p.payload_len, 3);
	assert_memory_equal(gold_udp + p.payload_off, "abc", 3);
	assert_int_equal(pkt_parse(&p, GOLD(echo), 0), PKT_OK);
	assert_int_equal(p.kind, PKT_ICMP);
	assert_int_equal(p.icmp_type, 8);
	assert_int_equal(p.icmp_code, 0);
	assert_int_equal(p.icmp_rest, 7 << 16 | 9);
	assert_int_equal(p.payload_len, 4);
	assert_memory_equal(gold_echo + p.payload_off, "ping", 4);
	assert_int_equal(pkt_parse(&p, GOLD(arp), 0), PKT_OK);
	assert_int_equal(p.kind, PKT_ARP);
	assert_int_equal(p.arp_op, ARP_REQUEST);
	assert_int_equal(p.arp_spa, 0xc0a80364);
	assert_int_equal(p.arp_tpa, 0xc0a8030a);
	assert_int_equal(p.arp_sha[5], 1);
	assert_int_equal(p.arp_tha[5], 0);
}

/* --- reasons --- */

/* A frame after edits: at[i] = value[i]. */
struct edit {
	uint16_t at;
	uint8_t value;
};

enum { F_SYN, F_DATA, F_UDP, F_ECHO, F_ARP }; /* rows of golds */

static const struct row {
	const char *name;
	unsigned frame;
	struct edit edit[3]; /* those with at 0 are none: the first octet stays */
	bool fix;	     /* the IP header checksum afterwards */
	size_t cut;	     /* length; 0: whole */
	unsigned flags;
	enum pkt_drop want;
} rows[] = {
    {"13 octets", F_SYN, .cut = 13, .want = PKT_DROP_ETH_SHORT},
    {"tag cut", F_DATA, .cut = 17, .want = PKT_DROP_ETH_SHORT},
    {"ipv6", F_SYN, {{12, 0x86}, {13, 0xdd}}, .want = PKT_DROP_ETH_TYPE},
    {"802.3 length", F_SYN, {{12, 0}, {13, 60}}, .want = PKT_DROP_ETH_TYPE},
    {"two tags", F_DATA, {{16, 0x81}, {17, 0}}, .want = PKT_DROP_ETH_TYPE},
    {"service tag", F_DATA, {{12, 0x88}, {13, 0xa8}}, .want = PKT_DROP_ETH_TYPE},
    {"priority tag", F_DATA, {{14, 0xe0}, {15, 0}}, .want = PKT_OK},

    {"no ip header", F_SYN, .cut = 14, .want = PKT_DROP_IP_SHORT},
    {"nothing after the tag", F_DATA, .cut = 18, .want = PKT_DROP_IP_SHORT},
    {"19 of the ip header", F_SYN, .cut = 33, .want = PKT_DROP_IP_SHORT},
    {"one octet less than total length", F_SYN, .cut = 73, .want = PKT_DROP_IP_SHORT},
    {"version 6", F_SYN, {{14, 0x65}}, true, .want = PKT_DROP_IP_VERSION},
    {"header of 16", F_SYN, {{14, 0x44}}, true, .want = PKT_DROP_IP_HEADER},
    {"header of 0", F_SYN, {{14, 0x40}}, true, .want = PKT_DROP_IP_HEADER},
    {"total 19", F_SYN, {{17, 19}}, true, .want = PKT_DROP_IP_HEADER},
    {"total 0", F_SYN, {{17, 0}}, true, .want = PKT_DROP_IP_HEADER},
    {"header past total", F_UDP, {{14, 0x48}}, true, .want = PKT_DROP_IP_HEADER},
    {"header past total, unverified",
     F_UDP,
     {{14, 0x48}},
     .flags = PKT_NO_CHECKSUM,
     .want = PKT_DROP_IP_HEADER},
    {"header checksum", F_SYN, {{22, 63}}, .want = PKT_DROP_IP_CHECKSUM},
    {"header checksum, not asked for", F_SYN, {{22, 63}}, .flags = PKT_NO_CHECKSUM},
    {"header checksum of a cut frame",
     F_SYN,
     {{22, 63}},
     .flags = PKT_TRUNCATED,
     .want = PKT_DROP_IP_CHECKSUM},
    {"more fragments", F_SYN, {{20, 0x20}}, true, .want = PKT_DROP_IP_FRAGMENT},
    {"last fragment", F_SYN, {{20, 0}, {21, 1}}, true, .want = PKT_DROP_IP_FRAGMENT},
    {"fragment far out", F_SYN, {{20, 0x1f}, {21, 0xff}}, true, .want = PKT_DROP_IP_FRAGMENT},
    {"first fragment, asked for", F_SYN, {{20, 0x20}}, true, .flags = PKT_TAKE_FRAGMENTS},
    {"second fragment, asked for",
     F_SYN,
     {{20, 0x20}, {21, 1}},
     true,
     .flags = PKT_TAKE_FRAGMENTS,
     .want = PKT_DROP_IP_FRAGMENT},
    {"reserved flag is no fragment", F_SYN, {{20, 0xc0}}, true, .want = PKT_OK},
    {"protocol 41", F_SYN, {{23, 41}}, true, .want = PKT_DROP_IP_PROTOCOL},
    {"from 0.0.0.0", F_UDP, {{26, 0}}, true, .want = PKT_DROP_IP_ADDRESS},
    {"from 127/8", F_UDP, {{26, 127}}, true, .want = PKT_DROP_IP_ADDRESS},
    {"from 224/4", F_UDP, {{26, 224}}, true, .want = PKT_DROP_IP_ADDRESS},
    {"from 239/8", F_UDP, {{26, 239}}, true, .want = PKT_DROP_IP_ADDRESS},
    {"from 127/8, monitor", F_UDP, {{26, 127}}, true, .flags = PKT_ANY_SOURCE | PKT_NO_CHECKSUM},
    {"from 126/8", F_UDP, {{26, 126}}, true, .flags = PKT_NO_CHECKSUM},
    {"from 223/8", F_UDP, {{26, 223}}, true, .flags = PKT_NO_CHECKSUM},
    {"from 240/4, which is not forbidden", F_UDP, {{26, 240}}, true, .flags = PKT_NO_CHECKSUM},

    {"19 octets of tcp", F_SYN, {{17, 39}}, true, .want = PKT_DROP_TCP_SHORT},
    {"offset 4", F_SYN, {{46, 0x40}}, .want = PKT_DROP_TCP_OFFSET},
    {"offset 0", F_SYN, {{46, 0}}, .want = PKT_DROP_TCP_OFFSET},
    {"offset past the segment", F_SYN, {{46, 0xb0}}, .want = PKT_DROP_TCP_OFFSET},
    {"tcp checksum", F_SYN, {{38, 9}}, .want = PKT_DROP_TCP_CHECKSUM},
    {"tcp checksum, not asked for", F_SYN, {{38, 9}}, .flags = PKT_NO_CHECKSUM},
    {"tcp checksum, last octet", F_DATA, {{74, 'O'}}, .want = PKT_DROP_TCP_CHECKSUM},
    {"tcp payload cut", F_DATA, .cut = 70, .flags = PKT_TRUNCATED},
    {"tcp options cut", F_DATA, .cut = 69, .flags = PKT_TRUNCATED, .want = PKT_DROP_TCP_SHORT},
    {"tcp header cut", F_DATA, .cut = 57, .flags = PKT_TRUNCATED, .want = PKT_DROP_TCP_SHORT},
    {"ip header cut", F_DATA, .cut = 37, .flags = PKT_TRUNCATED, .want = PKT_DROP_IP_SHORT},

    {"7 octets of udp", F_UDP, {{17, 27}}, true, .want = PKT_DROP_UDP_SHORT},
    {"udp length 7", F_UDP, {{39, 7}}, .want = PKT_DROP_UDP_LENGTH},
    {"udp length past the packet", F_UDP, {{39, 12}}, .want = PKT_DROP_UDP_LENGTH},
    {"the same in a first fragment",
     F_UDP,
     {{39, 12}, {20, 0x20}},
     true,
     .flags = PKT_TAKE_FRAGMENTS},
    {"udp length less than the packet", F_UDP, {{39, 8}, {40, 0}, {41, 0}}, .want = PKT_OK},
    {"udp checksum", F_UDP, {{42, 'A'}}, .want = PKT_DROP_UDP_CHECKSUM},
    {"udp checksum, none", F_UDP, {{40, 0}, {41, 0}, {42, 'A'}}, .want = PKT_OK},
    {"udp cut", F_UDP, .cut = 42, .flags = PKT_TRUNCATED},
    {"udp header cut", F_UDP, .cut = 41, .flags = PKT_TRUNCATED, .want = PKT_DROP_UDP_SHORT},

    {"7 octets of icmp", F_ECHO, {{17, 27}}, true, .want = PKT_DROP_ICMP_SHORT},
    {"icmp checksum", F_ECHO, {{42, 'P'}}, .want = PKT_DROP_ICMP_CHECKSUM},
    {"icmp cut", F_ECHO, .cut = 42, .flags = PKT_TRUNCATED},
    {"icmp header cut", F_ECHO, .cut = 41, .flags = PKT_TRUNCATED, .want = PKT_DROP_ICMP_SHORT},

    {"27 octets of arp", F_ARP, .cut = 41, .want = PKT_DROP_ARP_SHORT},
    {"arp for another network", F_ARP, {{15, 6}}, .want = PKT_DROP_ARP_FORMAT},
    {"arp for ipv6", F_ARP, {{16, 0x86}}, .want = PKT_DROP_ARP_FORMAT},
    {"arp with long hardware addresses", F_ARP, {{18, 8}}, .want = PKT_DROP_ARP_FORMAT},
    {"arp with long protocol addresses", F_ARP, {{19, 16}}, .want = PKT_DROP_ARP_FORMAT},
    {"arp reply", F_ARP, {{21, 2}}, .want = PKT_OK},
};

static void
fix_ip_checksum(uint8_t *ip)
{
	store_be16(ip + 10, 0);
	store_be16(ip + 10, cksum_fold(cksum_partial(ip, (size_t)(ip[0] & 0xf) * 4, 0)));
}

static void
test_reasons(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];
		size_t len = r->cut != 0 ? r->cut : golds[r->frame].len;
		uint8_t frame[128], *p;
		enum pkt_drop got;
		struct pkt pkt;

		memcpy(frame, golds[r->frame].p, golds[r->frame].len);
		for (unsigned e = 0; e < 3; e++)
			if (r->edit[e].at != 0)
				frame[r->edit[e].at] = r->edit[e].value;
		if (r->fix)
			fix_ip_checksum(frame + 14);
		p = guard_copy(frame, len);
		got = pkt_parse(&pkt, p, len, r->flags);
		if (got != r->want)
			fail_msg("%s: %s", r->name, pkt_drop_name(got));
		guard_free(p, len);
	}
}

static void
test_names(void **state)
{
	(void)state;
	assert_string_equal(pkt_drop_name(PKT_OK), "ok");
	assert_string_equal(pkt_drop_name(PKT_DROP_ETH_SHORT), "eth_short");
	assert_string_equal(pkt_drop_name(PKT_DROP_UDP_CHECKSUM), "udp_checksum");
	for (unsigned d = 0; d < PKT_N_DROPS; d++)
		assert_non_null(pkt_drop_name(d));
	assert_string_equal(pkt_drop_name(PKT_N_DROPS), "unknown");
}

/* --- IP options --- */

/* gold_syn with n octets of options (a multiple of 4) in its IP header. */
static size_t
with_options(uint8_t *frame, const uint8_t *options, size_t n)
{
	memcpy(frame, gold_syn, 34);
	memcpy(frame + 34, options, n);
	memcpy(frame + 34 + n, gold_syn + 34, sizeof(gold_syn) - 34);
	frame[14] = (uint8_t)(0x45 + n / 4);
	frame[17] = (uint8_t)(60 + n);
	fix_ip_checksum(frame + 14);
	return sizeof(gold_syn) + n;
}

static const struct option_row {
	const char *name;
	uint8_t n, octets[12];
	enum pkt_drop want;
} option_rows[] = {
    {"no-operations", 4, {1, 1, 1, 1}, PKT_OK},
    {"end, then anything", 4, {0, 131, 0, 1}, PKT_OK},
    {"record route", 8, {7, 7, 4, 0, 0, 0, 0, 0}, PKT_OK},
    {"timestamp", 12, {68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0}, PKT_OK},
    {"router alert", 4, {148, 4, 0, 0}, PKT_OK},
    {"unknown", 4, {222, 3, 9, 0}, PKT_OK},
    {"without a value", 4, {222, 2, 1, 1}, PKT_OK},
    {"loose source route", 8, {131, 7, 4, 10, 0, 0, 9, 0}, PKT_DROP_IP_OPTION},
    {"strict source route", 8, {137, 7, 4, 10, 0, 0, 9, 0}, PKT_DROP_IP_OPTION},
    {"source route after others", 8, {1, 148, 4, 0, 0, 131, 3, 4}, PKT_DROP_IP_OPTION},
    {"source route as the last octet", 4, {1, 1, 1, 131}, PKT_DROP_IP_OPTION},
    {"length 0", 4, {7, 0, 0, 0}, PKT_DROP_IP_OPTION},
    {"length 1", 4, {7, 1, 0, 0}, PKT_DROP_IP_OPTION},
    {"past the header", 4, {7, 5, 0, 0}, PKT_DROP_IP_OPTION},
    {"no length", 4, {1, 1, 1, 7}, PKT_DROP_IP_OPTION},
};

static void
test_ip_options(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(option_rows) / sizeof(option_rows[0]); i++) {
		const struct option_row *r = &option_rows[i];
		uint8_t frame[128];
		size_t len = with_options(frame, r->octets, r->n);
		struct pkt p;

		if (pkt_parse(&p, frame, len, 0) != r->want)
			fail_msg("%s", r->name);
		if (r->want == PKT_OK && (p.l4_off != 34 + r->n || p.tcp.mss != 1460))
			fail_msg("%s: the segment behind it", r->name);
	}
}

static void
test_most_ip_options(void **state)
{
	uint8_t frame[128], options[40];
	struct pkt p;

	(void)state;
	memset(options, 1, sizeof(options));
	assert_int_equal(pkt_parse(&p, frame, with_options(frame, options, 40), 0), PKT_OK);
	assert_int_equal(p.l4_off, 14 + 60);
	assert_int_equal(p.dport, 80);
}

/* --- lengths --- */

/* Ethernet fills up to 60 octets, and a port may leave a checksum behind: none of it is payload. */
static void
test_padding_is_not_payload(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_GOLDS; i++)
		for (size_t pad = 1; pad < 64; pad++) {
			uint8_t frame[256];
			struct pkt p;

			memset(frame, 0xee, sizeof(frame));
			memcpy(frame, golds[i].p, golds[i].len);
			assert_int_equal(pkt_parse(&p, frame, golds[i].len + pad, 0), PKT_OK);
			assert_int_equal(p.kind, golds[i].kind);
			if (p.kind != PKT_ARP)
				assert_int_equal(p.payload_off + p.payload_len, golds[i].len);
		}
}

static void
test_udp_shorter_than_packet(void **state)
{
	uint8_t frame[128];
	struct pkt p;

	(void)state;
	memcpy(frame, gold_udp, sizeof(gold_udp));
	frame[39] = 9;
	frame[40] = frame[41] = 0;
	assert_int_equal(pkt_parse(&p, frame, sizeof(gold_udp), 0), PKT_OK);
	assert_int_equal(p.payload_len, 1);
}

static void
test_truncated_keeps_the_length(void **state)
{
	struct pkt p;

	(void)state;
	assert_int_equal(pkt_parse(&p, gold_data, 72, PKT_TRUNCATED), PKT_OK);
	assert_int_equal(p.payload_len, 5);
	assert_int_equal(p.tcp.len, 5);
}

/* Every length of every frame with every set of flags, up to the guard page. */
static void
test_every_length(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_GOLDS; i++) {
		const struct gold *g = &golds[i];

		for (size_t len = 0; len <= g->len; len++)
			for (unsigned flags = 0; flags < ALL_FLAGS; flags++) {
				uint8_t *f = guard_copy(g->p, len);
				bool whole =
				    len == g->len || ((flags & PKT_TRUNCATED) && len >= g->headers);
				struct pkt p;

				assert_int_equal(pkt_parse(&p, f, len, flags) == PKT_OK, whole);
				if (whole)
					assert_int_equal(p.kind, g->kind);
				guard_free(f, len);
			}
	}
}

/* --- a million frames --- */

#ifdef __SANITIZE_ADDRESS__
enum { LIMIT_S = 60 };
#else
enum { LIMIT_S = 2 };
#endif

/* What holds for every parsed packet. */
static void
check_bounds(const struct pkt *p, enum pkt_drop drop, size_t len, unsigned flags)
{
	if (drop != PKT_OK) {
		assert_in_range(drop, 1, PKT_N_DROPS - 1);
		return;
	}
	assert_int_not_equal(p->kind, PKT_OTHER);
	if (p->kind == PKT_ARP)
		return;
	assert_true(p->l3_off < p->l4_off && p->l4_off < p->payload_off && p->payload_off <= len);
	if (!(flags & PKT_TRUNCATED))
		assert_true((size_t)p->payload_off + p->payload_len <= len);
	if (p->kind == PKT_TCP)
		assert_true(p->tcp.n_sack <= TCP_SACK_MAX && p->tcp.len == p->payload_len);
}

static size_t
make_random(struct rng *r, uint8_t *f)
{
	size_t len = rng_below(r, 128);

	for (size_t i = 0; i < len; i += 8) {
		uint64_t v = rng_u64(r);

		memcpy(f + i, &v, 8);
	}
	if (rng_below(r, 4) != 0 && len >= 24) { /* far enough to be looked at */
		memcpy(f + 12, "\x08\x00\x45", 3);
		store_be16(f + 16, (uint16_t)rng_below(r, 128));
		f[23] = (uint8_t[]){1, 6, 17, 6}[rng_below(r, 4)];
	}
	return len;
}

/* A good frame with up to four octets changed, and sometimes its end missing. */
static size_t
make_mutant(struct rng *r, uint8_t *f)
{
	const struct gold *g = &golds[rng_below(r, N_GOLDS)];
	size_t len = g->len;

	memcpy(f, g->p, len);
	for (uint64_t n = rng_below(r, 5); n > 0; n--)
		f[rng_below(r, len)] = (uint8_t)rng_u64(r);
	return rng_below(r, 4) == 0 ? rng_below(r, len + 1) : len;
}

static void
test_million(void **state)
{
	enum { ROOM = 128 };
	uint8_t *end = guard_alloc(ROOM) + ROOM;
	unsigned ok = 0, seen[PKT_N_DROPS] = {0};
	clock_t start = clock();
	struct rng r;

	(void)state;
	rng_seed(&r, 1, 6);
	for (unsigned i = 0; i < 1000000; i++) {
		uint8_t f[ROOM + 8];
		size_t len = i % 2 == 0 ? make_random(&r, f) : make_mutant(&r, f);
		unsigned flags = (unsigned)rng_below(&r, ALL_FLAGS);
		enum pkt_drop drop;
		struct pkt p;

		memcpy(end - len, f, len);
		drop = pkt_parse(&p, end - len, len, flags);
		check_bounds(&p, drop, len, flags);
		ok += drop == PKT_OK;
		seen[drop]++;
	}
	for (unsigned d = 0; d < PKT_N_DROPS; d++) /* nothing was in vain */
		if (seen[d] == 0)
			fail_msg("no frame was dropped as %s", pkt_drop_name(d));
	assert_true(ok > 100000);
	assert_true(clock() - start < LIMIT_S * CLOCKS_PER_SEC);
	guard_free(end - ROOM, ROOM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_ip_fields),
	    cmocka_unit_test(test_ip_flags),
	    cmocka_unit_test(test_tcp_fields),
	    cmocka_unit_test(test_other_fields),
	    cmocka_unit_test(test_reasons),
	    cmocka_unit_test(test_names),
	    cmocka_unit_test(test_ip_options),
	    cmocka_unit_test(test_most_ip_options),
	    cmocka_unit_test(test_padding_is_not_payload),
	    cmocka_unit_test(test_udp_shorter_than_packet),
	    cmocka_unit_test(test_truncated_keeps_the_length),
	    cmocka_unit_test(test_every_length),
	    cmocka_unit_test(test_million),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
