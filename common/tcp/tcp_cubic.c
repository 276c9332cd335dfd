/* tcp_cubic.c - CUBIC (RFC 9438). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/tcp_cubic.h"

/*
 * C is 0.4 segments per s^3, beta 0.7. With time in ms and windows in octets, the cubic term C (t -
 * K)^3 is mss (t - K)^3 / 2.5e9, and K the cube root of 2.5e9 (w_max - cwnd) / mss.
 */
#define C_INVERSE UINT64_C(2500000000)

enum {
	FAR_MS = 1 << 20, /* seventeen minutes: (t - K)^3 stays below 2^60 */
	EST_SHIFT = 10,
};

/* Greatest x with x^3 <= v, bit by bit. */
static uint32_t
cube_root(uint64_t v)
{
	uint64_t x = 0;

	for (int bit = 20; bit >= 0; bit--) {
		uint64_t y = x | UINT64_C(1) << bit;

		if (y * y * y <= v)
			x = y;
	}
	return (uint32_t)x;
}

void
cubic_init(struct cubic *c)
{
	*c = (struct cubic){.w_max = 0};
}

uint32_t
cubic_reduce(struct cubic *c, uint32_t cwnd, uint32_t flight, uint32_t mss)
{
	uint32_t ssthresh = (uint32_t)(flight * UINT64_C(7) / 10);

	/* 4.7: fast convergence; the capacity has shrunk, another flow needs room. */
	c->w_max = cwnd < c->w_max ? (uint32_t)(cwnd * UINT64_C(17) / 20) : cwnd;
	c->prior = cwnd;
	c->begun = false;
	return ssthresh > 2 * mss ? ssthresh : 2 * mss; /* 4.6 */
}

uint32_t
cubic_timeout(struct cubic *c, uint32_t cwnd, uint32_t flight, uint32_t mss)
{
	uint32_t ssthresh = cubic_reduce(c, cwnd, flight, mss);

	c->w_max = 0; /* 4.8: K is 0 */
	return ssthresh;
}

/* 4.2: K, from what is to be won back. */
static void
begin(struct cubic *c, uint32_t cwnd, uint32_t mss, uint32_t now_ms)
{
	if (c->w_max <= cwnd) {
		c->w_max = cwnd;
		c->k_ms = 0;
	} else {
		c->k_ms = cube_root((c->w_max - cwnd) * C_INVERSE / mss);
	}
	c->epoch_ms = now_ms;
	c->w_est = (uint64_t)cwnd << EST_SHIFT;
	c->rest = 0;
	c->begun = true;
	c->limited = false;
}

uint32_t
cubic_window(const struct cubic *c, uint32_t t_ms, uint32_t mss)
{
	bool is_concave = t_ms < c->k_ms;
	uint64_t d = is_concave ? c->k_ms - t_ms : t_ms - c->k_ms, term;

	if (d > FAR_MS)
		d = FAR_MS;
	term = d * d * d / (C_INVERSE / 1000000) * mss / 1000000;
	if (is_concave)
		return term < c->w_max ? c->w_max - (uint32_t)term : 0;
	return term < INT32_MAX - (uint64_t)c->w_max ? c->w_max + (uint32_t)term : INT32_MAX;
}

/* 4.3: alpha is 3 (1 - beta) / (1 + beta) = 9/17 until the old window is reached, then 1. */
static void
grow_reno(struct cubic *c, uint32_t cwnd, uint32_t acked, uint32_t mss)
{
	uint64_t gain = ((uint64_t)acked * mss) << EST_SHIFT;

	if (c->w_est >> EST_SHIFT >= c->prior)
		c->w_est += gain / cwnd;
	else
		c->w_est += gain / 17 * 9 / cwnd;
}

/* 4.4, 4.5: towards where the curve will be an RTT from now, at most half as much again. */
static uint32_t
grow_cubic(struct cubic *c, uint32_t cwnd, uint32_t acked, uint32_t target)
{
	uint32_t most = cwnd + cwnd / 2;

	if (target > most)
		target = most;
	if (target <= cwnd)
		return cwnd;
	uint64_t gain = (uint64_t)(target - cwnd) * acked + c->rest;

	c->rest = (uint32_t)(gain % cwnd);
	return cwnd + (uint32_t)(gain / cwnd);
}

uint32_t
cubic_avoid(struct cubic *c, uint32_t cwnd, uint32_t acked, uint32_t mss, uint32_t srtt_us,
	    uint32_t now_ms)
{
	if (!c->begun)
		begin(c, cwnd, mss, now_ms);
	if (c->limited) {
		c->epoch_ms += now_ms - c->limited_ms;
		c->limited = false;
	}
	uint32_t t_ms = now_ms - c->epoch_ms;
	uint64_t w_est;

	grow_reno(c, cwnd, acked, mss);
	w_est = c->w_est >> EST_SHIFT;
	if (cubic_window(c, t_ms, mss) < w_est) /* 4.3: the Reno-friendly region */
		return w_est > cwnd ? (uint32_t)w_est : cwnd;
	return grow_cubic(c, cwnd, acked, cubic_window(c, t_ms + (srtt_us + 500) / 1000, mss));
}

void
cubic_limited(struct cubic *c, uint32_t now_ms)
{
	if (!c->begun || c->limited)
		return;
	c->limited = true;
	c->limited_ms = now_ms;
}
