/* tcp_prr.c - what each ACK lets out in fast recovery: PRR (RFC 6937, 9937). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/recover.h"

/* `flight`: what was in flight, lost octets included and reported ones not, before the ACK that
 * began the recovery (RecoverFS). */
void
prr_begin(struct tcp_act *a, uint32_t flight)
{
	a->prr = (struct tcp_prr){.flight = flight > 0 ? flight : 1};
}

/* The window goes down to ssthresh in the proportion in which octets leave the network. */
static uint32_t
proportional(const struct tcp_act *a)
{
	const struct tcp_prr *p = &a->prr;
	uint64_t due = ((uint64_t)p->delivered * a->ssthresh + p->flight - 1) / p->flight;

	return due > p->out ? (uint32_t)due - p->out : 0;
}

/* More was lost than the window was to lose: as many octets as arrived, and while that goes well
 * one segment more, up to ssthresh: slow start's bound. */
static uint32_t
catch_up(const struct tcb *t, const struct tcp_act *a, uint32_t pipe, uint32_t delivered,
	 bool is_safe)
{
	const struct tcp_prr *p = &a->prr;
	uint32_t n = p->delivered > p->out ? p->delivered - p->out : 0;

	if (n < delivered)
		n = delivered;
	if (is_safe)
		n += effective_mss(t);
	return n < a->ssthresh - pipe ? n : a->ssthresh - pipe;
}

void
prr_acked(const struct tcb *t, struct tcp_act *a, uint32_t delivered, bool is_safe)
{
	uint32_t pipe = in_flight(t, a), mss = effective_mss(t), n = 0;

	if (delivered == 0 && a->prr.out > 0)
		return;
	a->prr.delivered += delivered;
	if (delivered > 0)
		n = pipe > a->ssthresh ? proportional(a) : catch_up(t, a, pipe, delivered, is_safe);
	if (a->prr.out == 0 && n < mss)
		n = mss; /* the fast retransmission itself */
	a->cwnd = pipe + n > mss ? pipe + n : mss;
}
