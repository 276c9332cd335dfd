/* picks.c - one draw in each stretch of a burst. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcc/picks.h"

#include <assert.h>

void
picks_reset(struct picks *p)
{
	p->carry = 0;
}

static void
next_stretch(struct picks *p)
{
	uint32_t length = p->length;

	p->error += p->longer;
	if (p->error >= p->requests) {
		p->error -= p->requests;
		length++;
	}
	p->place = p->end + (uint32_t)rng_below(&p->rng, length);
	p->end += length;
}

void
picks_begin(struct picks *p, uint64_t seed, uint64_t stream, uint32_t n, uint32_t ratio_ppb)
{
	assert(n > 0 && ratio_ppb <= PICKS_ONE);
	rng_seed(&p->rng, seed, stream);
	p->carry += (uint64_t)n * ratio_ppb;
	p->places = n;
	p->requests = (uint32_t)(p->carry / PICKS_ONE);
	p->carry %= PICKS_ONE;
	p->error = p->end = 0;
	if (p->requests == 0) {
		p->place = p->end = n;
		return;
	}
	p->length = n / p->requests;
	p->longer = n % p->requests;
	next_stretch(p);
}

bool
picks_is_request(struct picks *p, uint32_t place)
{
	while (place >= p->end && p->end < p->places)
		next_stretch(p);
	return place == p->place;
}
