/* mirror.c - copies for a monitor, which by default never slow the traffic down. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "lshaper/mirror.h"

#include <string.h>

#include "lshaper/copy.h"

/* A reader that takes nothing for this long has stopped; the traffic waits for it no more. */
enum { PATIENCE_NS = 1000000000 };

unsigned
mirror_copy(struct mirror *m, const struct frame *f, unsigned n, struct frame *copy)
{
	if (!m->port || !dp_port_is_up(m->port) || !copy_frames(copy, f, n))
		return 0;
	return n;
}

static void
wait_for_room(struct mirror *m, uint16_t queue, const struct frame *copy, unsigned n)
{
	memcpy(m->wait, copy, n * sizeof(*copy));
	m->n_wait = n;
	m->wait_queue = queue;
	m->wait_since_ns = dp_now_ns();
}

void
mirror_send(struct mirror *m, uint16_t queue, const struct frame *copy, unsigned copies,
	    unsigned passed)
{
	unsigned sent;

	if (!m->port)
		return;
	if (!copies) {
		*(dp_port_is_up(m->port) ? &m->stats.drops : &m->stats.no_peer) += passed;
		return;
	}
	queue %= dp_port_queues(m->port);
	sent = dp_tx(m->port, queue, copy, passed);
	m->stats.frames += sent;
	if (sent == passed) {
		m->stuck = false;
	} else if (m->block && !m->stuck) {
		wait_for_room(m, queue, copy + sent, passed - sent);
		sent = passed;
	} else {
		m->stats.drops += passed - sent;
	}
	dp_frames_put(copy + sent, copies - sent);
}

void
mirror_frames(struct mirror *m, uint16_t queue, const struct frame *f, unsigned n)
{
	struct frame copy[DP_BURST];
	unsigned copies = mirror_copy(m, f, n, copy);

	mirror_send(m, queue, copy, copies, n);
}

static void
give_up(struct mirror *m, uint64_t *count)
{
	*count += m->n_wait;
	dp_frames_put(m->wait, m->n_wait);
	m->n_wait = 0;
}

bool
mirror_is_clear(struct mirror *m, uint64_t now_ns)
{
	unsigned sent;

	if (!m->n_wait)
		return true;
	if (!dp_port_is_up(m->port)) {
		give_up(m, &m->stats.no_peer);
		return true;
	}
	sent = dp_tx(m->port, m->wait_queue, m->wait, m->n_wait);
	m->stats.frames += sent;
	m->n_wait -= sent;
	memmove(m->wait, m->wait + sent, m->n_wait * sizeof(m->wait[0]));
	if (sent) {
		m->wait_since_ns = now_ns;
	} else if (now_ns > m->wait_since_ns + PATIENCE_NS) { /* it may be later than this turn */
		m->stuck = true;
		give_up(m, &m->stats.drops);
	}
	return !m->n_wait;
}
