/* lshaper_ports.h - common/dp for tests: ports made of arrays, a clock moved by sleep and work. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_LSHAPER_PORTS_H
#define TESTS_LSHAPER_PORTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dp/dp.h"
#include "lshaper/loop.h"

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

enum { TURN_NS = 100, LATE_NS = 50000, MAX_FRAMES = 8192, ROOM = 2048 };

struct event {
	uint64_t at_ns;
	uint32_t id, len;
	uint16_t queue;
	uint8_t *buffer;
};

struct dp_port {
	struct event in[MAX_FRAMES], out[MAX_FRAMES];
	unsigned n_in, next_in, n_out;
	uint16_t queues;
	uint64_t down_from_ns, down_until_ns; /* up in all other times */
	uint64_t full_from_ns, full_until_ns; /* takes `room` frames a burst then, or one */
	unsigned room;			      /* every `trickle_ns` */
	uint64_t trickle_ns, taken_ns;
};

static struct dp_port a, b, m;
static uint64_t now, stop_at_ns;
static uint64_t look_ns;	 /* how long a look at the clock takes */
static int buffers, buffers_max; /* in the hands of the loop */
static unsigned turns;		 /* of the loop */

uint64_t
dp_now_ns(void)
{
	now += look_ns;
	return now;
}

uint64_t
dp_cpu_ns(void)
{
	return 0;
}

void
dp_wake(unsigned worker)
{
	(void)worker;
}

static void
set_new_buffer(struct frame *f, uint32_t len)
{
	uint8_t *buffer = malloc(ROOM);

	assert_true(++buffers <= buffers_max);
	*f = (struct frame){.data = buffer, .handle = buffer, .len = len, .room = ROOM};
}

bool
dp_frames_get(struct frame *f, unsigned n)
{
	if (buffers + (int)n > buffers_max)
		return false;
	for (unsigned i = 0; i < n; i++)
		set_new_buffer(&f[i], 0);
	return true;
}

void
dp_frames_put(const struct frame *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++, buffers--)
		free(f[i].handle);
}

static uint8_t
octet(uint32_t id, uint32_t i)
{
	return (uint8_t)((id >> (8 * (i % 4))) ^ (i / 4));
}

unsigned
dp_rx(struct dp_port *p, uint16_t queue, struct frame *f, unsigned n)
{
	unsigned got = 0;

	while (got < n && p->next_in < p->n_in && p->in[p->next_in].at_ns <= now &&
	       p->in[p->next_in].queue == queue) {
		struct event *e = &p->in[p->next_in++];

		set_new_buffer(&f[got], e->len);
		e->buffer = f[got].data;
		for (uint32_t i = 0; i < e->len; i++)
			f[got].data[i] = octet(e->id, i);
		got++;
	}
	return got;
}

unsigned
dp_tx(struct dp_port *p, uint16_t queue, const struct frame *f, unsigned n)
{
	bool full = now >= p->full_from_ns && now < p->full_until_ns;
	unsigned room = p->trickle_ns ? now - p->taken_ns >= p->trickle_ns : p->room;
	unsigned taken = full && n > room ? room : n;

	assert_true(queue < p->queues);
	for (unsigned i = 0; i < taken; i++) {
		uint32_t id = 0;
		bool same = true;

		memcpy(&id, f[i].data, f[i].len < 4 ? f[i].len : 4);
		for (uint32_t k = 0; k < f[i].len; k++)
			same &= f[i].data[k] == octet(id, k);
		assert_true(same);
		assert_true(p->n_out < MAX_FRAMES);
		p->out[p->n_out++] = (struct event){now, id, f[i].len, queue, f[i].data};
	}
	if (taken)
		p->taken_ns = now;
	dp_frames_put(f, taken);
	return taken;
}

bool
dp_port_is_up(struct dp_port *p)
{
	return now < p->down_from_ns || now >= p->down_until_ns;
}

bool
dp_port_at_end(struct dp_port *p)
{
	(void)p;
	return false;
}

uint16_t
dp_port_queues(const struct dp_port *p)
{
	return p->queues;
}

const char *
dp_port_name(const struct dp_port *p)
{
	return p == &a ? "a" : p == &b ? "b" : "m";
}

void
dp_port_stats(struct dp_port *p, struct dp_port_stats *s)
{
	(void)p;
	*s = (struct dp_port_stats){0};
}

/* What lies in the ring already rings no bell. */
static uint64_t
next_arrival(const struct dp_port *p)
{
	for (unsigned i = p->next_in; i < p->n_in; i++)
		if (p->in[i].at_ns > now)
			return p->in[i].at_ns;
	return UINT64_MAX;
}

/* Work takes TURN_NS; sleep ends with a frame, LATE_NS after the deadline, or after the 100 ms
 * that dp.h allows. */
void
dp_idle(unsigned worker, bool did_work, uint64_t deadline_ns)
{
	uint64_t until = now + 100 * MS;

	(void)worker;
	turns++;
	if (deadline_ns < until)
		until = deadline_ns + LATE_NS;
	if (next_arrival(&a) < until)
		until = next_arrival(&a);
	if (next_arrival(&b) < until)
		until = next_arrival(&b);
	if (stop_at_ns < until)
		until = stop_at_ns > now ? stop_at_ns : now;
	now = did_work || until < now + TURN_NS ? now + TURN_NS : until;
	if (now >= stop_at_ns)
		loop_stop();
}

static void
port_init(struct dp_port *p)
{
	p->n_in = p->next_in = p->n_out = 0;
	p->queues = 1;
	p->down_from_ns = p->down_until_ns = UINT64_MAX;
	p->full_from_ns = p->full_until_ns = UINT64_MAX;
	p->room = 0;
	p->trickle_ns = p->taken_ns = 0;
}

static void
ports_init(void)
{
	port_init(&a);
	port_init(&b);
	port_init(&m);
	now = look_ns = 0;
	turns = 0;
	stop_at_ns = UINT64_MAX;
	buffers = 0;
	buffers_max = 4096;
}

/* Frame number id arrives. */
static void
arrives(struct dp_port *p, uint64_t at_ns, uint32_t id, uint32_t len, uint16_t queue)
{
	assert_true(p->n_in < MAX_FRAMES);
	p->in[p->n_in++] = (struct event){at_ns, id, len, queue, NULL};
}

#endif
