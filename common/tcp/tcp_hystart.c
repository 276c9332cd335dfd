/* tcp_hystart.c - slow start ends when round trips get longer: HyStart++ (RFC 9406). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/seq.h"
#include "tcp/tcp_cubic.h"

/* RFC 9406 4.3 */
enum {
	MIN_RTT_THRESH_US = 4000,
	MAX_RTT_THRESH_US = 16000,
	MIN_RTT_DIVISOR = 8,
	N_RTT_SAMPLE = 8,
	CSS_ROUNDS = 5,
};

void
hystart_init(struct hystart *h, uint32_t snd_max)
{
	*h = (struct hystart){.round_end = snd_max};
}

static void
take_sample(struct hystart *h, uint32_t rtt_us)
{
	if (rtt_us == 0)
		return;
	if (h->min_us == 0 || rtt_us < h->min_us)
		h->min_us = rtt_us;
	if (h->samples < N_RTT_SAMPLE)
		h->samples++;
}

static bool
is_longer(const struct hystart *h)
{
	uint32_t threshold = h->last_min_us / MIN_RTT_DIVISOR;

	if (h->samples < N_RTT_SAMPLE || h->last_min_us == 0)
		return false;
	if (threshold < MIN_RTT_THRESH_US)
		threshold = MIN_RTT_THRESH_US;
	if (threshold > MAX_RTT_THRESH_US)
		threshold = MAX_RTT_THRESH_US;
	return h->min_us >= h->last_min_us + threshold;
}

static void
next_round(struct hystart *h, uint32_t snd_max)
{
	if (h->css)
		h->css_rounds++;
	h->last_min_us = h->min_us;
	h->min_us = 0;
	h->samples = 0;
	h->round_end = snd_max;
}

enum hystart_phase
hystart_ack(struct hystart *h, uint32_t una, uint32_t snd_max, uint32_t rtt_us)
{
	take_sample(h, rtt_us);
	if (!h->css && is_longer(h)) {
		h->css = true;
		h->css_rounds = 0;
		h->base_us = h->min_us;
	} else if (h->css && h->samples >= N_RTT_SAMPLE && h->min_us < h->base_us) {
		h->css = false; /* it was a passing delay */
	}
	if (seq_geq(una, h->round_end))
		next_round(h, snd_max);
	if (h->css && h->css_rounds >= CSS_ROUNDS)
		return HYSTART_DONE;
	return h->css ? HYSTART_CONSERVATIVE : HYSTART_SLOW;
}
