/* schedule.c - exact times from products and quotients of integers. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcc/schedule.h"

#include <assert.h>

/* i * total / parts without overflow, for i and parts below 2^32. */
static uint64_t
fraction(uint64_t total, uint64_t i, uint64_t parts)
{
	return i * (total / parts) + i * (total % parts) / parts;
}

static uint64_t
block_due(const struct schedule *s, uint32_t epoch, uint32_t block)
{
	return s->load_ns + epoch * s->conf.epoch_ns + fraction(s->conf.epoch_ns, block, s->blocks);
}

/* The first number of this shard that is not below n. */
static uint64_t
first_of_shard(const struct schedule *s, uint64_t n)
{
	const uint32_t shards = s->conf.shards;

	return n + (s->conf.shard + shards - n % shards) % shards;
}

/* Every shard begins every burst, so that all draw and carry the same. */
static void
begin_burst(struct schedule *s)
{
	const struct schedule_conf *c = &s->conf;
	const uint64_t first = (uint64_t)s->block * c->burst;
	const uint64_t left = c->conns - first;
	const uint32_t n = left < c->burst ? (uint32_t)left : c->burst;
	uint64_t stream = (uint64_t)s->epoch * s->blocks + s->block;

	if (c->keep_class) {
		stream = s->block;
		if (s->block == 0)
			picks_reset(&s->picks);
	}
	picks_begin(&s->picks, c->seed, stream, n, c->request_ppb);
	s->end = first + n;
	s->next = first_of_shard(s, first);
	s->due_ns = block_due(s, s->epoch, s->block);
}

/* A shard may have no message in a small block. */
static void
find_burst(struct schedule *s)
{
	begin_burst(s);
	while (s->next >= s->end) {
		if (++s->block == s->blocks) {
			s->block = 0;
			s->epoch++;
		}
		begin_burst(s);
	}
}

void
schedule_init(struct schedule *s, const struct schedule_conf *c, uint64_t start_ns)
{
	assert(c->burst >= 1 && c->burst <= c->conns && c->conns < UINT32_C(1) << 31);
	assert(c->shard < c->shards && c->shards <= c->conns && c->epoch_ns > 0);
	*s = (struct schedule){.conf = *c, .start_ns = start_ns, .next_open = c->shard};
	s->load_ns = start_ns + c->setup_ns + c->wait_ns;
	s->blocks = (c->conns - 1) / c->burst + 1;
	find_burst(s);
	if (c->setup_ns == 0)
		s->load_ns = s->due_ns = UINT64_MAX;
}

uint64_t
schedule_open_due(const struct schedule *s)
{
	if (s->next_open >= s->conf.conns)
		return UINT64_MAX;
	return s->start_ns + fraction(s->conf.setup_ns, s->next_open, s->conf.conns);
}

uint32_t
schedule_open(struct schedule *s, uint64_t now)
{
	const uint32_t number = (uint32_t)s->next_open;

	s->next_open += s->conf.shards;
	if (s->next_open >= s->conf.conns && s->load_ns == UINT64_MAX) {
		s->load_ns = now + s->conf.wait_ns;
		s->due_ns = block_due(s, s->epoch, s->block);
	}
	return number;
}

void
schedule_message(struct schedule *s, struct schedule_message *m)
{
	const uint64_t first = (uint64_t)s->block * s->conf.burst;

	*m = (struct schedule_message){
	    .number = (uint32_t)s->next,
	    .epoch = s->epoch,
	    .due_ns = s->due_ns,
	    .request = picks_is_request(&s->picks, (uint32_t)(s->next - first)),
	};
}

void
schedule_advance(struct schedule *s)
{
	s->next += s->conf.shards;
	if (s->next < s->end)
		return;
	if (++s->block == s->blocks) {
		s->block = 0;
		s->epoch++;
	}
	find_burst(s);
}

uint64_t
schedule_due_of(const struct schedule *s, uint32_t number, uint32_t epoch)
{
	return block_due(s, epoch, number / s->conf.burst);
}
