/* tcp_options.c - TCP options between octets and struct tcp_seg (RFC 9293 3.2, 7323, 2018). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/tcp.h"

#include "wire/bytes.h"

enum {
	KIND_END,
	KIND_NOP,
	KIND_MSS,
	KIND_WSCALE,
	KIND_SACK_PERMITTED,
	KIND_SACK,
	KIND_TIMESTAMP = 8
};
enum {
	LEN_MSS = 4,
	LEN_WSCALE = 3,
	LEN_SACK_PERMITTED = 2,
	LEN_TIMESTAMP = 10,
	LEN_SACK_BLOCK = 8
};

/* NOP NOP and the kind and length of a timestamp: what nearly every segment starts with. */
#define TIMESTAMP_WORD UINT32_C(0x0101080a)

static inline void
read_timestamp(struct tcp_seg *seg, const uint8_t *value)
{
	seg->opts |= TCP_OPT_TIMESTAMP;
	seg->tsval = load_be32(value);
	seg->tsecr = load_be32(value + 4);
}

static bool
read_sack(struct tcp_seg *seg, const uint8_t *value, size_t len)
{
	if (len == 0 || len % LEN_SACK_BLOCK != 0)
		return false;
	seg->opts |= TCP_OPT_SACK;
	seg->n_sack = (uint8_t)(len / LEN_SACK_BLOCK); /* 40 octets hold at most four */
	for (unsigned i = 0; i < seg->n_sack; i++, value += LEN_SACK_BLOCK)
		seg->sack[i] = (struct tcp_sack_block){load_be32(value), load_be32(value + 4)};
	return true;
}

/* MSS, window scale and SACK-permitted: lengths are checked in every segment, values are only taken from a SYN
 * (RFC 9293 3.7.1, RFC 7323 2.2, RFC 2018 2). */
static bool
read_syn_option(struct tcp_seg *seg, uint8_t kind, const uint8_t *value, size_t len)
{
	static const uint8_t length[] = {[KIND_MSS] = LEN_MSS,
					 [KIND_WSCALE] = LEN_WSCALE,
					 [KIND_SACK_PERMITTED] = LEN_SACK_PERMITTED};

	if (len + 2 != length[kind])
		return false;
	if (!(seg->flags & TCP_SYN))
		return true;
	if (kind == KIND_MSS) {
		seg->opts |= TCP_OPT_MSS;
		seg->mss = load_be16(value);
	} else if (kind == KIND_WSCALE) {
		seg->opts |= TCP_OPT_WSCALE;
		/* RFC 7323 2.3: a larger shift is to be used as 14 */
		seg->wscale = *value > TCP_WSCALE_MAX ? TCP_WSCALE_MAX : *value;
	} else {
		seg->opts |= TCP_OPT_SACK_PERMITTED;
	}
	return true;
}

static bool
read_option(struct tcp_seg *seg, uint8_t kind, const uint8_t *value, size_t len)
{
	switch (kind) {
	case KIND_MSS:
	case KIND_WSCALE:
	case KIND_SACK_PERMITTED:
		return read_syn_option(seg, kind, value, len);
	case KIND_SACK:
		return read_sack(seg, value, len);
	case KIND_TIMESTAMP:
		if (len + 2 != LEN_TIMESTAMP)
			return false;
		read_timestamp(seg, value);
		return true;
	default:
		return true; /* RFC 9293 3.1: unknown ones are skipped by their length */
	}
}

bool
tcp_options_parse(struct tcp_seg *seg, const uint8_t *p, size_t len)
{
	const uint8_t *end = p + (len < TCP_OPTIONS_MAX_BYTES ? len : TCP_OPTIONS_MAX_BYTES);

	seg->opts = 0;
	seg->n_sack = 0;
	if (len == 12 && load_be32(p) == TIMESTAMP_WORD) {
		read_timestamp(seg, p + 4);
		return true;
	}
	while (p < end && *p != KIND_END) {
		if (*p == KIND_NOP) {
			p++;
			continue;
		}
		if (end - p < 2 || p[1] < 2 || p[1] > end - p)
			return false;
		if (!read_option(seg, p[0], p + 2, (size_t)p[1] - 2))
			return false;
		p += p[1];
	}
	return true;
}

/* SACK blocks that fit beside `used` octets of other options (at most 20, see fixed_length). */
static inline unsigned
sack_blocks(const struct tcp_seg *seg, size_t used)
{
	unsigned room = (unsigned)(TCP_OPTIONS_MAX_BYTES - used - 4) / LEN_SACK_BLOCK;

	if (!(seg->opts & TCP_OPT_SACK))
		return 0;
	return seg->n_sack < room ? seg->n_sack : room;
}

static inline size_t
fixed_length(uint8_t opts)
{
	size_t n = 0;

	if (opts & TCP_OPT_MSS)
		n += 4;
	if (opts & TCP_OPT_TIMESTAMP)
		n += 12; /* SACK-permitted takes the place of its two NOPs */
	else if (opts & TCP_OPT_SACK_PERMITTED)
		n += 4;
	if (opts & TCP_OPT_WSCALE)
		n += 4;
	return n;
}

size_t
tcp_options_length(const struct tcp_seg *seg)
{
	size_t n = fixed_length(seg->opts);
	unsigned blocks = sack_blocks(seg, n);

	return blocks > 0 ? n + 4 + (size_t)blocks * LEN_SACK_BLOCK : n;
}

static inline uint8_t *
put_word(uint8_t *p, unsigned a, unsigned b, unsigned c, unsigned d)
{
	store_be32(p, a << 24 | b << 16 | c << 8 | d);
	return p + 4;
}

static uint8_t *
put_timestamp(uint8_t *p, const struct tcp_seg *seg)
{
	if (seg->opts & TCP_OPT_SACK_PERMITTED)
		put_word(p, KIND_SACK_PERMITTED, LEN_SACK_PERMITTED, KIND_TIMESTAMP, LEN_TIMESTAMP);
	else
		store_be32(p, TIMESTAMP_WORD);
	store_be32(p + 4, seg->tsval);
	store_be32(p + 8, seg->tsecr);
	return p + 12;
}

static uint8_t *
put_sack(uint8_t *p, const struct tcp_seg *seg, unsigned blocks)
{
	p = put_word(p, KIND_NOP, KIND_NOP, KIND_SACK, 2 + blocks * LEN_SACK_BLOCK);
	for (unsigned i = 0; i < blocks; i++, p += LEN_SACK_BLOCK) {
		store_be32(p, seg->sack[i].start);
		store_be32(p + 4, seg->sack[i].end);
	}
	return p;
}

/* NOPs keep every 32-bit value on a 4-octet boundary (RFC 7323 appendix A). */
size_t
tcp_options_build(const struct tcp_seg *seg, uint8_t *p)
{
	uint8_t *start = p;
	unsigned blocks;

	if (seg->opts & TCP_OPT_MSS)
		p = put_word(p, KIND_MSS, LEN_MSS, seg->mss >> 8, seg->mss & 0xff);
	if (seg->opts & TCP_OPT_TIMESTAMP)
		p = put_timestamp(p, seg);
	else if (seg->opts & TCP_OPT_SACK_PERMITTED)
		p = put_word(p, KIND_NOP, KIND_NOP, KIND_SACK_PERMITTED, LEN_SACK_PERMITTED);
	if (seg->opts & TCP_OPT_WSCALE)
		p = put_word(p, KIND_NOP, KIND_WSCALE, LEN_WSCALE, seg->wscale);
	blocks = sack_blocks(seg, (size_t)(p - start));
	if (blocks > 0)
		p = put_sack(p, seg, blocks);
	return (size_t)(p - start);
}
