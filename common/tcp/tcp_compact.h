/* tcp_compact.h - times and windows in the few bits that an idle connection has for them. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TCP_COMPACT_H
#define TCP_COMPACT_H

#include <stdint.h>

/* A float without sign: `bits` of mantissa below an implied leading one, exponent above; small values are exact. Rounds down, so
 * the error is below 2^-bits of the value. */
static inline uint32_t
compact_encode(uint32_t v, unsigned bits)
{
	if (v >> bits == 0)
		return v;
	unsigned exponent = 32 - (unsigned)__builtin_clz(v) - bits; /* 1 and up */

	return exponent << bits | ((v >> (exponent - 1)) & ((1u << bits) - 1));
}

static inline uint32_t
compact_decode(uint32_t code, unsigned bits)
{
	unsigned exponent = code >> bits;
	uint64_t mantissa = code & ((1u << bits) - 1);

	if (exponent == 0)
		return (uint32_t)mantissa;
	uint64_t v = (mantissa | 1u << bits) << (exponent - 1);

	return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

/* Microseconds in 16 bits: 0.05 %. */
enum { COMPACT_TIME_BITS = 11, COMPACT_WINDOW_BITS = 3 };

static inline uint16_t
compact_time(uint32_t us)
{
	return (uint16_t)compact_encode(us, COMPACT_TIME_BITS);
}

static inline uint32_t
expand_time(uint16_t code)
{
	return compact_decode(code, COMPACT_TIME_BITS);
}

/* A window in 8 bits: 12 %. All ones: no limit (UINT32_MAX). */
static inline uint8_t
compact_window(uint32_t octets)
{
	return octets == UINT32_MAX ? UINT8_MAX
				    : (uint8_t)compact_encode(octets, COMPACT_WINDOW_BITS);
}

static inline uint32_t
expand_window(uint8_t code)
{
	return code == UINT8_MAX ? UINT32_MAX : compact_decode(code, COMPACT_WINDOW_BITS);
}

#endif
