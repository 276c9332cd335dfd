/* diff_rows_packets.c - the behaviour checklist: addresses, IP headers, fragments, ICMP, ARP. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "diff_rows.h"

#include <string.h>

enum { IP = ETH_HEADER_BYTES, TCP = IP + IP_HEADER_BYTES, ECHO = 8, ECHO_REPLY = 0 };

static bool
mangled(struct duel *d, uint8_t flags, uint16_t len, size_t (*mangle)(uint8_t *, size_t))
{
	struct step s = duel_segment(d, flags, len);

	s.mangle = mangle;
	return duel_step(d, &s);
}

static void
ip_checksum(uint8_t *frame)
{
	size_t header = (frame[IP] & 15u) * 4;

	store_be16(frame + IP + 10, 0);
	store_be16(frame + IP + 10, cksum_fold(cksum_partial(frame + IP, header, 0)));
}

/* --- A10: addresses that no SYN comes from or goes to --- */

static size_t
from(uint8_t *frame, size_t len, uint32_t src)
{
	store_be32(frame + IP + 12, src);
	diff_checksums(frame, len);
	return len;
}

#define FROM(name, address)                      \
	static size_t name(uint8_t *f, size_t n) \
	{                                        \
		return from(f, n, address);      \
	}
FROM(from_broadcast, 0xffffffff)
FROM(from_net_broadcast, 0x0a5affff)
FROM(from_multicast, 0xe0000001)
FROM(from_loopback, 0x7f000001)
FROM(from_nobody, 0)
FROM(from_itself, DIFF_ADDR)

static size_t
to_broadcast(uint8_t *f, size_t n)
{
	store_be32(f + IP + 16, 0x0a5affff);
	diff_checksums(f, n);
	return n;
}

static void
odd_addresses(struct duel *d)
{
	mangled(d, TCP_SYN, 0, from_broadcast);
	mangled(d, TCP_SYN, 0, from_net_broadcast);
	mangled(d, TCP_SYN, 0, from_multicast);
	mangled(d, TCP_SYN, 0, from_loopback);
	mangled(d, TCP_SYN, 0, from_nobody);
	mangled(d, TCP_SYN, 0, from_itself);
	mangled(d, TCP_SYN, 0, to_broadcast);
}

/* --- B5, B6, G1, G2: headers --- */

static size_t
offset_4(uint8_t *f, size_t n)
{
	f[TCP + 12] = 4 << 4;
	diff_checksums(f, n);
	return n;
}

static size_t
offset_15(uint8_t *f, size_t n)
{
	f[TCP + 12] = 15 << 4;
	diff_checksums(f, n);
	return n;
}

static size_t
bad_ip_checksum(uint8_t *f, size_t n)
{
	f[IP + 10] ^= 1;
	return n;
}

static size_t
version_5(uint8_t *f, size_t n)
{
	f[IP] = 0x55;
	ip_checksum(f);
	return n;
}

static size_t
header_4(uint8_t *f, size_t n)
{
	f[IP] = 0x44;
	ip_checksum(f);
	return n;
}

static size_t
header_past_end(uint8_t *f, size_t n)
{
	f[IP] = 0x4f;
	store_be16(f + IP + 2, 40);
	ip_checksum(f);
	return n;
}

static size_t
length_small(uint8_t *f, size_t n)
{
	store_be16(f + IP + 2, 19);
	ip_checksum(f);
	return n;
}

static size_t
length_large(uint8_t *f, size_t n)
{
	store_be16(f + IP + 2, (uint16_t)(n - IP + 1));
	ip_checksum(f);
	return n;
}

static size_t
padded(uint8_t *f, size_t n)
{
	memset(f + n, 0xaa, 20);
	return n + 20;
}

static void
bad_headers(struct duel *d)
{
	size_t (*const ways[])(uint8_t *, size_t) = {
	    offset_4, offset_15,       bad_ip_checksum, version_5,
	    header_4, header_past_end, length_small,	length_large,
	};

	duel_open(d, all_opts);
	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		mangled(d, TCP_ACK, 5, ways[i]);
	mangled(d, TCP_ACK, 5, padded);
	mangled(d, TCP_ACK, 0, padded);
}

/* --- G3 to G5, G9, G10: ICMP by itself, fragments --- */

static struct step
icmp(uint8_t type, uint8_t code, uint32_t rest, uint16_t len)
{
	struct step s = {.kind = STEP_RAW};
	struct build_ip ip = {.src = DIFF_FAR + 9, .dst = DIFF_ADDR, .ttl = 64};
	uint8_t body[1472];

	memcpy(ip.eth_dst, diff_host_mac, 6);
	memcpy(ip.eth_src, diff_wire_mac, 6);
	for (unsigned i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)i;
	s.raw_len = build_icmp(s.raw, sizeof(s.raw), &ip, type, code, rest, body, len);
	return s;
}

static void
echoes(struct duel *d) /* G5 */
{
	static const uint16_t length[] = {0, 1, 56, 1471, 1472};
	struct step s;

	for (unsigned i = 0; i < 5; i++) {
		s = icmp(ECHO, 0, 0x00010000 + i, length[i]);
		duel_step(d, &s);
	}
	s.raw[TCP + 2] ^= 1; /* its checksum */
	duel_step(d, &s);
	s = icmp(ECHO, 0, 7, 8);
	store_be32(s.raw + IP + 16, 0x0a5affff); /* to all */
	ip_checksum(s.raw);
	duel_step(d, &s);
}

static void
not_answered(struct duel *d) /* G9, G10 */
{
	static const uint8_t types[] = {ECHO_REPLY, 4, 5, 11, 12, 17, 30, 255};

	for (unsigned i = 0; i < sizeof(types); i++) {
		const struct step s = icmp(types[i], 0, 0, 28);

		duel_step(d, &s);
	}
}

/* One fragment of an echo: octets [from, to) of what follows the IP header. */
static struct step
fragment(const struct step *whole, uint16_t id, size_t from, size_t to)
{
	struct step s = {.kind = STEP_RAW, .raw_len = TCP + to - from};
	bool more = TCP + to < whole->raw_len;

	memcpy(s.raw, whole->raw, TCP);
	memcpy(s.raw + TCP, whole->raw + TCP + from, to - from);
	store_be16(s.raw + IP + 2, (uint16_t)(s.raw_len - IP));
	store_be16(s.raw + IP + 4, id);
	store_be16(s.raw + IP + 6, (uint16_t)(from / 8 | (more ? 0x2000 : 0)));
	ip_checksum(s.raw);
	return s;
}

static void
fragments(struct duel *d) /* G3 */
{
	const struct step whole = icmp(ECHO, 0, 0x00020001, 1000);
	struct step part;

	for (size_t i = 0; i < 1008; i += 336) { /* in order */
		part = fragment(&whole, 1, i, i + 336);
		duel_step(d, &part);
	}
	for (size_t i = 1008; i > 0; i -= 504) { /* reversed */
		part = fragment(&whole, 2, i - 504, i);
		duel_step(d, &part);
	}
	for (unsigned i = 0; i < 3; i++) { /* a hole, and the same again */
		part = fragment(&whole, 3, i % 2 ? 512 : 0, i % 2 ? 1008 : 256);
		duel_step(d, &part);
	}
	part = fragment(&whole, 4, 0, 512); /* overlap */
	duel_step(d, &part);
	part = fragment(&whole, 4, 256, 1008);
	duel_step(d, &part);
	for (size_t i = 0; i < 1008; i += 16) { /* tiny */
		part = fragment(&whole, 5, i, i + 16);
		duel_step(d, &part);
	}
	part = fragment(&whole, 6, 0, 1008); /* past 65535 */
	store_be16(part.raw + IP + 6, 8190);
	ip_checksum(part.raw);
	duel_step(d, &part);
}

/* --- G6, G8: ICMP about a connection --- */

static void
about(struct duel *d, uint8_t type, uint8_t code, uint32_t seq)
{
	const struct step s = {
	    .kind = STEP_ICMP, .icmp_type = type, .icmp_code = code, .seg = {.seq = seq}};

	duel_step(d, &s);
}

static void
unreachable(struct duel *d) /* G6 */
{
	duel_open(d, all_opts);
	duel_call(d, CALL_WRITE, 100);
	for (uint8_t code = 0; code < 16; code++)
		if (code != 4)
			about(d, 3, code, 1);
	about(d, 11, 0, 1);
	about(d, 12, 0, 1);
	about(d, 4, 0, 1);
	about(d, 3, 3, 100000);
	duel_send(d, TCP_ACK, 10);
}

static void
unreachable_opening(struct duel *d) /* G7 */
{
	d->active = true;
	duel_call(d, CALL_CONNECT, 0);
	about(d, 3, 3, 5000);
	about(d, 3, 3, 0);
}

static void
too_big_elsewhere(struct duel *d) /* G8 */
{
	struct step s = {.kind = STEP_ICMP, .icmp_type = 3, .icmp_code = 4, .icmp_mtu = 600};

	duel_open(d, TCP_OPT_MSS);
	duel_call(d, CALL_WRITE, 1000);
	s.seg.seq = 100000;
	duel_step(d, &s);
	s.seg.seq = 1u - 5000;
	duel_step(d, &s);
	s.seg.seq = 1;
	s.icmp_mtu = 9000;
	duel_step(d, &s);
}

static void
too_big(struct duel *d) /* G8 */
{
	const struct step s = {.kind = STEP_ICMP,
			       .icmp_type = 3,
			       .icmp_code = 4,
			       .icmp_mtu = 1000,
			       .seg = {.seq = 1, .len = 1460}};

	duel_open(d, TCP_OPT_MSS);
	duel_call(d, CALL_WRITE, 1460);
	duel_step(d, &s);
}

/* --- G11: ARP --- */

static void
arp(struct duel *d, uint16_t op, uint32_t spa, uint32_t tpa)
{
	static const uint8_t all[6] = {255, 255, 255, 255, 255, 255}, none[6] = {0};
	struct step s = {.kind = STEP_RAW};

	s.raw_len = build_arp(s.raw, sizeof(s.raw), op == ARP_REQUEST ? all : diff_host_mac, 0, op,
			      diff_wire_mac, spa, none, tpa);
	duel_step(d, &s);
}

static void
arps(struct duel *d)
{
	arp(d, ARP_REQUEST, DIFF_GATEWAY, DIFF_ADDR);
	arp(d, ARP_REQUEST, DIFF_GATEWAY, DIFF_ADDR + 1);
	arp(d, ARP_REQUEST, 0, DIFF_ADDR);
	arp(d, 99, DIFF_GATEWAY, DIFF_ADDR);
	arp(d, ARP_REPLY, DIFF_ADDR + 7, DIFF_ADDR);
	arp(d, ARP_REQUEST, DIFF_GATEWAY, DIFF_ADDR);
}

const struct row rows_packets[] = {
    {"A10", odd_addresses},
    {"G1", bad_headers},
    {"G3", fragments},
    {"G5", echoes},
    {"G6", unreachable},
    {"G7", unreachable_opening},
    {"G8", too_big},
    {"G8-elsewhere", too_big_elsewhere},
    {"G9", not_answered},
    {"G11", arps},
    {0},
};
