/* limit.h - so many answers a second, for each source apart (RFC 1812 4.3.2.8, 5961 7). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef INET_LIMIT_H
#define INET_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/flow.h"

/*
 * Token buckets that sources share by a keyed hash. With one bucket for all, who provokes answers
 * until there are none could silence those to others, and who counts his own could tell how many others got:
 * that is how connections and ports of strangers were found out (CVE-2016-5696, CVE-2020-25705).
 */
enum { LIMIT_BUCKETS = 64 };

struct limit {
	uint64_t interval_ns, burst_ns; /* interval 0: nothing passes */
	struct flow_key key;
	uint64_t full_ns[LIMIT_BUCKETS]; /* when nothing would be owed any more */
};

/* `burst` at once, then per_s in each second; per_s 0: none at all. */
static inline void
limit_init(struct limit *l, uint32_t per_s, uint32_t burst, const struct flow_key *key)
{
	*l = (struct limit){.key = *key};
	if (per_s == 0)
		return;
	l->interval_ns = UINT64_C(1000000000) / per_s;
	l->burst_ns = l->interval_ns * (burst > 0 ? burst - 1 : 0);
}

static inline bool
limit_take(struct limit *l, uint32_t source, uint64_t now_ns)
{
	const struct flow f = {.raddr = source};
	uint64_t *full = &l->full_ns[flow_hash(&l->key, &f) >> 32 & (LIMIT_BUCKETS - 1)];

	if (l->interval_ns == 0 || *full > now_ns + l->burst_ns)
		return false;
	*full = (*full > now_ns ? *full : now_ns) + l->interval_ns;
	return true;
}

#endif
