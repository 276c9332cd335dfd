/* exchange.c - two sets of histograms and a flag. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcc/exchange.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FINISH_POLL_US = 200 };

/* All pages are touched now: not when the first latency of some magnitude comes. */
static struct latencies *
new_latencies(void)
{
	struct latencies *l = malloc(sizeof(*l));

	if (l) {
		memset(l, 0, sizeof(*l));
		latencies_reset(l);
	}
	return l;
}

int
exchange_init(struct exchange *x, sem_t *posted, uint64_t interval_ns)
{
	*x = (struct exchange){.posted = posted, .interval_ns = interval_ns};
	atomic_init(&x->full, false);
	for (unsigned i = 0; i < 2; i++) {
		x->side[i] = new_latencies();
		if (!x->side[i]) {
			exchange_fini(x);
			return -ENOMEM;
		}
	}
	return 0;
}

void
exchange_fini(struct exchange *x)
{
	free(x->side[0]);
	free(x->side[1]);
}

void
exchange_start(struct exchange *x, struct client *c, uint64_t now)
{
	c->latency = x->side[x->filling];
	x->next_ns = now + x->interval_ns;
}

static void
hand_over(struct exchange *x, struct client *c, const struct carrier_stats *s)
{
	x->now_ns = c->now;
	x->phase = c->phase;
	x->counters = c->counters;
	x->carrier = *s;
	x->latency = c->latency;
	x->filling ^= 1;
	c->latency = x->side[x->filling];
	atomic_store_explicit(&x->full, true, memory_order_release);
	sem_post(x->posted);
}

void
exchange_publish(struct exchange *x, struct client *c, const struct carrier_stats *s)
{
	x->next_ns += x->interval_ns;
	if (x->next_ns <= c->now)
		x->next_ns = c->now + x->interval_ns;
	if (!atomic_load_explicit(&x->full, memory_order_acquire))
		hand_over(x, c, s);
}

void
exchange_finish(struct exchange *x, struct client *c, const struct carrier_stats *s)
{
	while (atomic_load_explicit(&x->full, memory_order_acquire))
		usleep(FINISH_POLL_US);
	x->last = true;
	hand_over(x, c, s);
}

void
exchange_return(struct exchange *x)
{
	latencies_reset(x->latency);
	atomic_store_explicit(&x->full, false, memory_order_release);
}
