/* tcp.h - a TCP segment in host order: flags, options (RFC 9293 3.1, 7323, 2018). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WIRE_TCP_H
#define WIRE_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tcp_flag {
	TCP_FIN = 0x01,
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_PSH = 0x08,
	TCP_ACK = 0x10,
	TCP_URG = 0x20,
	TCP_ECE = 0x40,
	TCP_CWR = 0x80,
};

enum {
	TCP_HEADER_BYTES = 20,
	TCP_OPTIONS_MAX_BYTES = 40,
	TCP_SACK_MAX = 4,
	TCP_WSCALE_MAX = 14, /* RFC 7323 2.3 */
};

/* Which options a segment carries. */
enum tcp_opt_flag {
	TCP_OPT_MSS = 0x01,
	TCP_OPT_WSCALE = 0x02,
	TCP_OPT_SACK_PERMITTED = 0x04,
	TCP_OPT_TIMESTAMP = 0x08,
	TCP_OPT_SACK = 0x10,
};

struct tcp_sack_block {
	uint32_t start, end; /* [start, end) */
};

/* The ECN field of the IP header (RFC 3168 5). */
enum ip_ecn { ECN_NOT = 0, ECN_ECT1 = 1, ECN_ECT0 = 2, ECN_CE = 3 };

/* One segment, arriving or leaving. Payload is named by its length only: whoever handed the segment
 * in knows where the octets are. */
struct tcp_seg {
	uint32_t seq, ack;
	uint16_t wnd;  /* as on the wire, unscaled */
	uint8_t flags; /* enum tcp_flag */
	uint8_t opts;  /* enum tcp_opt_flag */
	uint16_t len;  /* payload octets, SYN and FIN not counted */
	uint16_t urg;
	uint16_t mss;	       /* TCP_OPT_MSS */
	uint8_t wscale;	       /* TCP_OPT_WSCALE, already limited to 14 */
	uint8_t n_sack;	       /* TCP_OPT_SACK */
	uint8_t ecn;	       /* enum ip_ecn of the IP header (RFC 3168 5) */
	uint32_t tsval, tsecr; /* TCP_OPT_TIMESTAMP */
	struct tcp_sack_block sack[TCP_SACK_MAX];
};

/* SEG.LEN of RFC 9293: octets plus one each for SYN and FIN. */
static inline uint32_t
tcp_seg_len(const struct tcp_seg *s)
{
	return (uint32_t)s->len + ((s->flags & TCP_SYN) != 0) + ((s->flags & TCP_FIN) != 0);
}

/* Reads the option octets at p into seg's option fields; seg->flags is set already. Unknown kinds are
 * skipped by their length; at the first malformed one (length 0, 1, past the end, or wrong for its
 * kind) reading stops and what came before stands: false. MSS, window scale and SACK-permitted are
 * taken from SYN segments only. Bounded: at most 40 octets. */
bool tcp_options_parse(struct tcp_seg *seg, const uint8_t *p, size_t len);

/* Writes seg's options, padded to a multiple of 4, at p (room for 40); returns octets written. As many SACK
 * blocks as fit beside the others. */
size_t tcp_options_build(const struct tcp_seg *seg, uint8_t *p);
/* What tcp_options_build would return. */
size_t tcp_options_length(const struct tcp_seg *seg);

#endif
