/* results.c - sums of counters and of histograms. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcc/results.h"

void
counters_add(struct counters *into, const struct counters *c)
{
	into->opened += c->opened;
	into->reopened += c->reopened;
	into->connected += c->connected;
	for (unsigned i = 0; i < OUTCOMES; i++)
		into->ended[i] += c->ended[i];
	for (unsigned i = 0; i < CLASSES; i++) {
		into->sent[i] += c->sent[i];
		into->settled[i] += c->settled[i];
		into->lost[i] += c->lost[i];
		into->outstanding[i] += c->outstanding[i];
	}
	into->unsent += c->unsent;
	into->refusals += c->refusals;
	into->opening += c->opening;
	into->established += c->established;
}

static uint64_t
all_ended(const struct counters *c)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < OUTCOMES; i++)
		n += c->ended[i];
	return n;
}

bool
counters_add_up(const struct counters *c, unsigned settled_classes)
{
	if (c->opened != c->opening + c->established + all_ended(c))
		return false;
	for (unsigned i = 0; i < CLASSES; i++)
		if (settled_classes & 1u << i &&
		    c->sent[i] != c->settled[i] + c->lost[i] + c->outstanding[i])
			return false;
	return true;
}

uint64_t
counters_lost_connections(const struct counters *c)
{
	return all_ended(c) - c->ended[OUTCOME_CLOSED];
}

static void
reset(struct hist *h)
{
	if (h->total || h->min != UINT64_MAX)
		hist_reset(h);
}

void
latencies_reset(struct latencies *l)
{
	reset(&l->connect);
	for (unsigned i = 0; i < CLASSES; i++) {
		reset(&l->intended[i]);
		reset(&l->departure[i]);
	}
}

void
latencies_merge(struct latencies *into, const struct latencies *from)
{
	hist_merge(&into->connect, &from->connect);
	for (unsigned i = 0; i < CLASSES; i++) {
		hist_merge(&into->intended[i], &from->intended[i]);
		hist_merge(&into->departure[i], &from->departure[i]);
	}
}
