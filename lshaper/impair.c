/* impair.c - the model chain of one direction: independent loss, then constant delay. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "lshaper/impair.h"

void
impair_init(struct impair *m, const struct impair_conf *conf, uint64_t seed, unsigned direction)
{
	m->conf = *conf;
	rng_seed(&m->loss, seed, direction * IMPAIR_STREAMS + IMPAIR_STREAM_LOSS);
}

struct impair_verdict
impair_frame(struct impair *m, uint64_t now_ns)
{
	if (rng_chance(&m->loss, m->conf.drop))
		return (struct impair_verdict){.fate = IMPAIR_LOST};
	return (struct impair_verdict){IMPAIR_PASS, now_ns + m->conf.delay_ns};
}
