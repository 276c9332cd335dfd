/* cksum.h - the Internet checksum (RFC 1071) and its incremental update (RFC 1624). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WIRE_CKSUM_H
#define WIRE_CKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Partial sums are 32-bit ones' complement sums of the big-endian 16-bit words in host order; add them
 * freely, then fold. A part that others follow must have even length. */
uint32_t cksum_partial(const void *data, size_t len, uint32_t sum);

/* Pseudo-header of RFC 9293 3.1; l4_len covers header and payload. */
static inline uint32_t
cksum_pseudo(uint32_t src, uint32_t dst, uint8_t proto, uint16_t l4_len)
{
	return (src >> 16) + (src & 0xffff) + (dst >> 16) + (dst & 0xffff) + proto + l4_len;
}

/* The value for the checksum field, host order. A correct packet, field included, gives 0. */
static inline uint16_t
cksum_fold(uint32_t sum)
{
	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	return (uint16_t)~sum;
}

/* The field after one 16-bit word changed (RFC 1624 eqn 3). */
static inline uint16_t
cksum_update(uint16_t field, uint16_t old_word, uint16_t new_word)
{
	uint32_t sum = (uint16_t)~field + (uint32_t)(uint16_t)~old_word + new_word;

	return cksum_fold(sum);
}

#endif
