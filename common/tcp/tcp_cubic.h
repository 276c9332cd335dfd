/* tcp_cubic.h - CUBIC's window (RFC 9438) in integers; HyStart++ (RFC 9406). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TCP_CUBIC_H
#define TCP_CUBIC_H

#include <stdbool.h>
#include <stdint.h>

/* Since the last reduction of the window. Times are milliseconds modulo 2^32. */
struct cubic {
	uint32_t w_max; /* window just before it (after fast convergence: a bit less); 0: none */
	uint32_t prior; /* window just before it */
	/* Since congestion avoidance began: */
	uint32_t epoch_ms;
	uint32_t k_ms;	     /* from then until w_max is reached again */
	uint32_t rest;	     /* of the last division by cwnd */
	uint64_t w_est;	     /* what Reno's window would be, in octets * 1024 */
	uint32_t limited_ms; /* since when the window has not been used up */
	bool begun, limited;
};

void cubic_init(struct cubic *c);
/* A loss, or ECE: returns ssthresh (RFC 9438 4.6, 4.7). */
uint32_t cubic_reduce(struct cubic *c, uint32_t cwnd, uint32_t flight, uint32_t mss);
/* A timeout instead: likewise, and congestion avoidance starts from where slow start will end
 * (4.8). */
uint32_t cubic_timeout(struct cubic *c, uint32_t cwnd, uint32_t flight, uint32_t mss);
/* cwnd after `acked` octets more were acknowledged in congestion avoidance. */
uint32_t cubic_avoid(struct cubic *c, uint32_t cwnd, uint32_t acked, uint32_t mss, uint32_t srtt_us,
		     uint32_t now_ms);
/* The window is not used up: that time does not count (4.2). */
void cubic_limited(struct cubic *c, uint32_t now_ms);
/* W_cubic (RFC 9438 (1)) t_ms after the epoch began, in octets. */
uint32_t cubic_window(const struct cubic *c, uint32_t t_ms, uint32_t mss);

/* --- HyStart++ --- */

struct hystart {
	uint32_t round_end;	      /* snd_max when the round began */
	uint32_t last_min_us, min_us; /* smallest RTT of the last round and of this one; 0: none */
	uint32_t base_us;	      /* of the round that ended slow start */
	uint8_t samples;	      /* in this round, up to what counts */
	uint8_t css_rounds;	      /* of conservative slow start */
	bool css;
};

enum hystart_phase { HYSTART_SLOW, HYSTART_CONSERVATIVE, HYSTART_DONE };

void hystart_init(struct hystart *h, uint32_t snd_max);
/* An ACK up to una in slow start, with an RTT (0: none). DONE: slow start is over. */
enum hystart_phase hystart_ack(struct hystart *h, uint32_t una, uint32_t snd_max, uint32_t rtt_us);

#endif
