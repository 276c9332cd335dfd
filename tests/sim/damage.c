/* damage.c - bits flip (the checksums must tell), or fields change as a bad middlebox changes them. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/damage.h"

#include <string.h>

#include "draw.h"
#include "inet/icmp.h"
#include "wire/build.h"
#include "wire/bytes.h"

enum { IP = 14, TCP = 34, ROUTER = 0x0a0000fe };

/* Word by word: not the code that is tested. */
static uint16_t
sum_words(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint16_t
sum_tcp(const struct buf *b)
{
	const uint32_t len = b->len - TCP;

	return sum_words(b->data + TCP, len, sum_words(b->data + IP + 12, 8, 6 + len));
}

static bool
is_caught(const struct buf *b)
{
	return sum_words(b->data + IP, 20, 0) != 0xffff || sum_tcp(b) != 0xffff;
}

void
damage_fix_checksums(struct buf *b)
{
	store_be16(b->data + IP + 10, 0);
	store_be16(b->data + IP + 10, (uint16_t)~sum_words(b->data + IP, 20, 0));
	store_be16(b->data + TCP + 16, 0);
	store_be16(b->data + TCP + 16, (uint16_t)~sum_tcp(b));
}

static void
flip(struct rng *r, struct buf *b)
{
	const uint64_t bit = rng_below(r, (uint64_t)(b->len - IP) * 8);

	b->data[IP + bit / 8] ^= (uint8_t)(1 << bit % 8);
}

/* 16 bits cannot tell every flip of two: those that they cannot get one more. */
static void
corrupt(struct rng *r, struct buf *b)
{
	for (uint64_t n = 1 + rng_below(r, 8); n > 0; n--)
		flip(r, b);
	while (!is_caught(b))
		flip(r, b);
	b->note.caught = true;
}

static void
truncate_frame(struct rng *r, struct buf *b)
{
	b->len = 1 + (uint32_t)rng_below(r, b->len - 1);
	b->note.caught = true;
}

/* --- fields --- */

static void
add_be32(uint8_t *p, uint32_t n)
{
	store_be32(p, load_be32(p) + n);
}

static void
tamper_numbers(struct rng *r, uint8_t *tcp)
{
	const uint32_t some = 1 + (uint32_t)rng_below(r, 1000);

	switch (rng_below(r, 4)) {
	case 0: /* but not what a SYN says: that would be true */
		if (!(tcp[13] & TCP_SYN))
			add_be32(tcp + 4, PICK(r, UINT32_C(1) << 31, UINT32_C(3) << 30) + some);
		break;
	case 1: /* not sent yet by far */
		add_be32(tcp + 8, (UINT32_C(1) << 30) + some);
		break;
	case 2: /* long known */
		add_be32(tcp + 8, -some);
		break;
	default:
		store_be16(tcp + 14, (uint16_t)rng_below(r, 2));
	}
}

static void
tamper_flags(struct rng *r, uint8_t *tcp)
{
	switch (rng_below(r, 6)) {
	case 0:
		tcp[13] &= (uint8_t)~TCP_ACK;
		break;
	case 1:
		tcp[13] |= TCP_URG;
		store_be16(tcp + 18, (uint16_t)rng_below(r, 65536));
		break;
	case 2:
		tcp[13] ^= TCP_PSH;
		break;
	case 3:
		if (!(tcp[13] & TCP_SYN))
			tcp[13] |= TCP_SYN;
		break;
	case 4: /* reserved bits, CWR, ECE */
		tcp[12] ^= (uint8_t)rng_below(r, 16);
		tcp[13] ^= (uint8_t)(rng_below(r, 4) << 6);
		break;
	default: /* data offset: too short, or past the end */
		tcp[12] = (uint8_t)((tcp[12] & 15) | PICK(r, 0, 4, 1) << 4);
	}
}

/* Of segments after the SYN: what a SYN says holds for ever. The timestamp stands where all put it
 * (RFC 7323 appendix A): behind two NOPs. */
static void
tamper_options(struct rng *r, uint8_t *tcp)
{
	const unsigned len = (unsigned)(tcp[12] >> 4) * 4 - 20;

	if (tcp[13] & TCP_SYN || len < 12)
		return;
	switch (rng_below(r, 5)) {
	case 0:
		tcp[22] = 99; /* a kind that nobody knows */
		break;
	case 1:
		tcp[23] = (uint8_t)PICK(r, 0, 1, 9, 255);
		break;
	case 2: /* an old one */
		if (tcp[22] == 8)
			add_be32(tcp + 24, -(1 + (uint32_t)rng_below(r, 100000)));
		break;
	case 3:
		if (tcp[22] == 8)
			store_be32(tcp + 28, (uint32_t)rng_u64(r));
		break;
	default:
		tcp[20] = 0; /* the end of all options */
	}
}

static void
tamper_ip(struct rng *r, uint8_t *ip)
{
	switch (rng_below(r, 8)) {
	case 0:
		ip[0] = (uint8_t)PICK(r, 0x44, 0x65, 0x4f, 0x40);
		break;
	case 1:
		ip[1] = (uint8_t)rng_below(r, 256);
		break;
	case 2:
		store_be16(ip + 2, (uint16_t)PICK(r, 0, 19, 39, 65535));
		break;
	case 3:
		store_be16(ip + 4, (uint16_t)rng_below(r, 65536));
		break;
	case 4: /* a fragment */
		store_be16(ip + 6, (uint16_t)PICK(r, 0x2000, 0x2001, 1, 0x1fff));
		break;
	case 5:
		ip[8] = (uint8_t)PICK(r, 0, 1, 255);
		break;
	case 6:
		ip[9] = (uint8_t)PICK(r, 1, 17, 99);
		break;
	default:
		store_be32(ip + PICK(r, 12, 16),
			   PICK(r, UINT32_C(0xffffffff), 0, 0x7f000001, 0xe0000001, 0x0a0000ff));
	}
}

static void
tamper(struct rng *r, struct buf *b)
{
	switch (rng_below(r, 5)) {
	case 0:
	case 1:
		tamper_numbers(r, b->data + TCP);
		break;
	case 2:
		tamper_flags(r, b->data + TCP);
		break;
	case 3:
		tamper_options(r, b->data + TCP);
		break;
	default:
		tamper_ip(r, b->data + IP);
	}
	damage_fix_checksums(b);
}

void
damage_maybe(struct world *w, const struct link_knobs *k, struct rng *r, struct buf *b)
{
	if (b->note.kind != PKT_TCP || k->corrupt + k->tamper + k->truncate <= 0)
		return;
	if (k->corrupt > 0 && rng_chance(r, k->corrupt))
		corrupt(r, b);
	else if (k->tamper > 0 && rng_chance(r, k->tamper))
		tamper(r, b);
	else if (k->truncate > 0 && rng_chance(r, k->truncate))
		truncate_frame(r, b);
	else
		return;
	b->note.spoilt = true;
	w->r->damaged++;
	if (w->verbose)
		world_say(w, b->note.from, "  %s", b->note.caught ? "corrupted" : "tampered with");
}

void
damage_mark(struct buf *b)
{
	uint8_t *ip = b->data + IP;

	if (b->note.kind != PKT_TCP || (ip[1] & 3) == ECN_NOT || b->note.spoilt)
		return;
	ip[1] |= ECN_CE;
	damage_fix_checksums(b);
}

void
damage_too_big(struct buf *error, const struct buf *b, uint16_t mtu)
{
	struct build_ip ip = {.src = ROUTER, .dst = load_be32(b->data + IP + 12), .ttl = 64};

	memcpy(ip.eth_dst, b->data + 6, 6);
	memcpy(ip.eth_src, b->data, 6);
	error->note =
	    (struct note){.kind = PKT_ICMP, .from = 1 - b->note.from, .conn = b->note.conn};
	error->len = (uint32_t)build_icmp(error->data, BUF_ROOM, &ip, ICMP_UNREACHABLE,
					  ICMP_FRAGMENTATION_NEEDED, mtu, b->data + IP, 28);
}
