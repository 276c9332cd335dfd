/* cksum.c - the Internet checksum over octets, eight at a time (RFC 1071 2). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire/cksum.h"

#include <endian.h>
#include <string.h>

static inline uint64_t
load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t
load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t
load16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* End-around carry: ones' complement addition of 64-bit words. */
static inline uint64_t
add64(uint64_t sum, uint64_t v)
{
	sum += v;
	return sum + (sum < v);
}

/* The up to 31 octets after the last whole 32. */
static inline uint64_t
sum_tail(const uint8_t *p, size_t len)
{
	uint64_t sum = 0;

	for (; len >= 8; len -= 8, p += 8)
		sum = add64(sum, load64(p));
	if (len & 4) {
		sum = add64(sum, load32(p));
		p += 4;
	}
	if (len & 2) {
		sum = add64(sum, load16(p));
		p += 2;
	}
	if (len & 1)
		sum = add64(sum,
			    htole16(*p)); /* the word that p[0] and a zero octet make in memory */
	return sum;
}

static inline uint32_t
fold64(uint64_t sum)
{
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint32_t)sum;
}

/* Words are added in the machine's own order and width; only the folded sum is swapped (RFC 1071 2 (B)). Two
 * chains, so that the additions of one do not wait for the carries of the other. */
uint32_t
cksum_partial(const void *data, size_t len, uint32_t sum)
{
	const uint8_t *p = data;
	uint64_t a = 0, b = 0;

	for (; len >= 32; len -= 32, p += 32) {
		a = add64(a, load64(p));
		b = add64(b, load64(p + 8));
		a = add64(a, load64(p + 16));
		b = add64(b, load64(p + 24));
	}
	a = add64(add64(a, b), sum_tail(p, len));
	return sum + be16toh((uint16_t)fold64(a));
}
