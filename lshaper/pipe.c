/* pipe.c - the accounts of one direction, around its models and its hold queues. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "lshaper/pipe.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>

#include "base/mem.h"

int
pipe_init(struct pipe *p, const struct pipe_conf *conf)
{
	uint32_t blocks = (uint32_t)(conf->hold_bytes / HOLDQ_BLOCK_BYTES);
	void *mem = mem_reserve((size_t)blocks * HOLDQ_BLOCK_BYTES);

	assert(conf->n_queues > 0 && conf->n_queues <= PIPE_QUEUES);
	if (!mem)
		return -ENOMEM;
	p->n_queues = conf->n_queues;
	p->max_bytes = conf->max_bytes;
	p->stats = (struct pipe_stats){0};
	impair_init(&p->model, &conf->impair, conf->seed, conf->direction);
	pool_init(&p->blocks, mem, HOLDQ_BLOCK_BYTES, blocks);
	for (unsigned i = 0; i < PIPE_QUEUES; i++) {
		holdq_init(&p->hold[i], &p->blocks);
		p->refused[i] = false;
	}
	hist_reset(&p->late);
	return 0;
}

void
pipe_fini(struct pipe *p)
{
	mem_release(p->blocks.mem, (size_t)p->blocks.max * HOLDQ_BLOCK_BYTES);
	p->blocks.mem = NULL;
}

static void
count(struct pipe_count *c, uint64_t bytes)
{
	c->frames++;
	c->bytes += bytes;
}

/* The queues share the memory, so any of them may be what fills it. */
static enum pipe_drop
why_full(const struct pipe *p)
{
	for (unsigned i = 0; i < p->n_queues; i++)
		if (p->refused[i])
			return PIPE_DROP_TX_FULL;
	return PIPE_DROP_HOLD_FULL;
}

/* A copy waits, or there is no room and the frame is lost. */
static void
hold(struct pipe *p, unsigned queue, const struct frame *f, uint64_t depart_ns)
{
	if (!holdq_put(&p->hold[queue], f, depart_ns))
		count(&p->stats.drop[why_full(p)], f->len);
}

void
pipe_arrive(struct pipe *p, unsigned queue, const struct frame *f, unsigned n, uint64_t now_ns,
	    struct pipe_out *out)
{
	out->n_now = out->n_done = 0;
	for (unsigned i = 0; i < n; i++) {
		struct impair_verdict v = impair_frame(&p->model, now_ns);

		count(&p->stats.rx, f[i].len);
		if (v.fate == IMPAIR_LOST) {
			count(&p->stats.drop[PIPE_DROP_MODEL], f[i].len);
		} else if (f[i].len > p->max_bytes) {
			count(&p->stats.drop[PIPE_DROP_TOO_LONG], f[i].len);
		} else if (v.depart_ns <= now_ns && !p->hold[queue].frames) {
			out->now[out->n_now++] = f[i];
			continue;
		} else {
			hold(p, queue, &f[i], v.depart_ns);
		}
		out->done[out->n_done++] = f[i];
	}
}

void
pipe_sent(struct pipe *p, unsigned queue, const struct frame *f, unsigned n, unsigned taken,
	  uint64_t due_ns, uint64_t now_ns)
{
	p->refused[queue] = taken < n;
	for (unsigned i = 0; i < taken; i++)
		count(&p->stats.tx, f[i].len);
	for (unsigned i = taken; i < n; i++)
		hold(p, queue, &f[i], due_ns);
	hist_record_n(&p->late, now_ns - due_ns, taken);
}

unsigned
pipe_due(const struct pipe *p, unsigned queue, uint64_t now_ns, struct frame *f)
{
	return holdq_due(&p->hold[queue], now_ns, f, p->refused[queue] ? 1 : PIPE_BURST);
}

void
pipe_leave(struct pipe *p, unsigned queue, unsigned n, unsigned taken, uint64_t now_ns)
{
	p->refused[queue] = taken < n;
	for (unsigned i = 0; i < taken; i++) {
		struct holdq_left left = holdq_pop(&p->hold[queue]);

		count(&p->stats.tx, left.len);
		hist_record(&p->late, now_ns - left.depart_ns);
	}
}

void
pipe_expire(struct pipe *p, unsigned queue, unsigned n)
{
	p->refused[queue] = false;
	for (unsigned i = 0; i < n; i++)
		count(&p->stats.drop[PIPE_DROP_PORT_DOWN], holdq_pop(&p->hold[queue]).len);
}

void
pipe_lose(struct pipe *p, const struct frame *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		count(&p->stats.drop[PIPE_DROP_PORT_DOWN], f[i].len);
}

uint64_t
pipe_next_ns(const struct pipe *p, uint64_t now_ns)
{
	uint64_t next_ns = UINT64_MAX;

	for (unsigned i = 0; i < p->n_queues; i++) {
		uint64_t due_ns = holdq_next_ns(&p->hold[i]);

		if (p->refused[i] && due_ns < now_ns + PIPE_RETRY_NS)
			due_ns = now_ns + PIPE_RETRY_NS;
		if (due_ns < next_ns)
			next_ns = due_ns;
	}
	return next_ns;
}

struct pipe_count
pipe_held(const struct pipe *p)
{
	struct pipe_count held = {0, 0};

	for (unsigned i = 0; i < p->n_queues; i++) {
		held.frames += p->hold[i].frames;
		held.bytes += p->hold[i].bytes;
	}
	return held;
}

void
pipe_check(const struct pipe *p)
{
	const struct pipe_stats *s = &p->stats;
	struct pipe_count known = pipe_held(p);

	known.frames += s->tx.frames;
	known.bytes += s->tx.bytes;
	for (int i = 0; i < PIPE_DROPS; i++) {
		known.frames += s->drop[i].frames;
		known.bytes += s->drop[i].bytes;
	}
	assert(known.frames == s->rx.frames && known.bytes == s->rx.bytes);
}
