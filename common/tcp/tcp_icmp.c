/* tcp_icmp.c - what ICMP errors mean to a connection (RFC 5927, 1191, 1122 4.2.3.9). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/engine.h"

enum {
	ICMP_UNREACHABLE = 3,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER_PROBLEM = 12,
	ICMP_UNREACHABLE_PROTOCOL = 2,
	ICMP_UNREACHABLE_PORT = 3,
	ICMP_UNREACHABLE_FRAGMENT = 4,
	IP_TCP_HEADERS = 40,
	LEAST_MSS = 512
};

/* Only somebody who sees our segments knows a sequence number in flight (RFC 5927 4.1). */
static bool
is_in_flight(const struct tcb *t, const struct tcp_act *a, uint32_t seq)
{
	return seq_leq(t->snd_una, seq) && seq_lt(seq, a->snd_max);
}

/* The path MTU is learnt from ICMP alone, and never taken to be larger again while the connection
 * lasts (RFC 1191 6.3 would try after ten minutes). A path that swallows large segments without a
 * word is not searched for (RFC 4821): such a connection times out, and tcp_config.mss is the
 * remedy. */

/* RFC 1191 7.1: plateaus, for routers that do not name their MTU. */
static uint16_t
next_plateau(uint16_t mtu)
{
	static const uint16_t plateaus[] = {8166, 4352, 2002, 1492, 1006, 552};

	for (unsigned i = 0; i < sizeof(plateaus) / sizeof(plateaus[0]); i++)
		if (plateaus[i] < mtu)
			return plateaus[i];
	return LEAST_MSS + IP_TCP_HEADERS;
}

/* The path takes less: smaller segments, and what is lost at once again. */
static void
lower_mss(struct tcp_ctx *ctx, struct tcb *t, uint16_t mtu)
{
	uint16_t now_mtu = (uint16_t)(t->mss + IP_TCP_HEADERS);

	if (mtu == 0)
		mtu = next_plateau(now_mtu);
	if (mtu < LEAST_MSS + IP_TCP_HEADERS)
		mtu = LEAST_MSS + IP_TCP_HEADERS;
	if (mtu >= now_mtu)
		return;
	t->mss = (uint16_t)(mtu - IP_TCP_HEADERS);
	snd_resend_all(ctx, t, act_of(ctx, t));
}

void
tcp_icmp_error(struct tcp_ctx *ctx, struct tcb *t, uint8_t type, uint8_t code, uint16_t mtu,
	       uint32_t seq, uint64_t now, struct tcp_out *out)
{
	const struct tcp_act *a = act_of(ctx, t);
	bool unreachable = type == ICMP_UNREACHABLE;

	(void)now;
	if (!a || !is_in_flight(t, a, seq))
		return;
	if (!unreachable && type != ICMP_TIME_EXCEEDED && type != ICMP_PARAMETER_PROBLEM)
		return; /* source quench among them (RFC 9293 MUST-55) */
	/* Soft errors are told, and never the end (MUST-56); once connected, what says nothing of
	 * the MTU is soft (RFC 5927 5.2): the timers will tell. */
	if (unreachable && t->state == TCP_SYN_SENT &&
	    (code == ICMP_UNREACHABLE_PROTOCOL || code == ICMP_UNREACHABLE_PORT))
		end_connection(ctx, t, TCP_EV_UNREACHABLE, out);
	else if (unreachable && is_synchronized(t) && code == ICMP_UNREACHABLE_FRAGMENT)
		lower_mss(ctx, t, mtu);
	else
		tell_trouble(ctx, t, (uint16_t)(type << 8 | code), out);
}
