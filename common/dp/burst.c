/* burst.c - the data path: bursts of frames from a port's queue and to it. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/internal.h"

#include <unistd.h>

#include <rte_ethdev.h>

#include "base/log.h"

static __rte_noinline void
note_end(struct dp_port *port)
{
	port->at_end = true;
	if (port_missed(port) > 0)
		log_warn("%s: the file is damaged after frame %lu; what came before stands",
			 port->text, port->q[0].rx.frames);
}

unsigned
dp_rx(struct dp_port *port, uint16_t queue, struct frame *f, unsigned n)
{
	struct dp_side *rx = &port->q[queue].rx;
	struct rte_mbuf *m[DP_BURST];
	unsigned got = 0;

	/* The pcap driver loses the frame it has no buffer for. */
	if (unlikely(port->ends && dp_frames_free() < DP_BURST))
		return 0;
	if (port_enter(port, queue, &rx->busy)) {
		got =
		    rte_eth_rx_burst(port->id, queue, m, (uint16_t)RTE_MIN(n, (unsigned)DP_BURST));
		port_leave(&rx->busy);
	}
	if (got == 0) {
		rx->empty = true;
		if (unlikely(port->ends && !port->at_end))
			note_end(port);
		return 0;
	}
	rx->empty = false;
	return frames_from_mbufs(port, rx, f, m, got);
}

/* Wakes the receiver when it sleeps. Ours: frames into the ring, then read its flag. Its: flag
 * up, then look into the ring once more. With a full fence on both sides one of the two sees the
 * other. */
static inline void
ring_doorbell(const struct dp_side *tx)
{
	uint64_t one = 1;

	if (!tx->sleeping)
		return;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (likely(!__atomic_load_n(tx->sleeping, __ATOMIC_RELAXED)))
		return;
	if (__atomic_exchange_n(tx->sleeping, 0, __ATOMIC_ACQ_REL) &&
	    write(tx->event, &one, sizeof(one)) < 0)
		return; /* its counter is full: it is awake */
}

/* Up to n frames that fit; *left is what the ring did not take of them. */
static unsigned
tx_burst(struct dp_port *port, uint16_t queue, const struct frame *f, unsigned n, unsigned *left)
{
	struct dp_side *tx = &port->q[queue].tx;
	struct rte_mbuf *m[DP_BURST];
	unsigned taken = 0;
	uint64_t bytes = 0;

	*left = n;
	if (!port_enter(port, queue, &tx->busy))
		return 0;
	n = frames_to_mbufs(port, f, m, n);
	if (n)
		taken = rte_eth_tx_burst(port->id, queue, m, (uint16_t)n);
	if (taken)
		ring_doorbell(tx);
	port_leave(&tx->busy);
	for (unsigned i = 0; i < taken; i++)
		bytes += f[i].len;
	tx->frames += taken;
	tx->bytes += bytes;
	*left = n - taken;
	return taken;
}

/* A full ring ends it. A frame too long for the port is dropped where it comes up: the driver would
 * cut it into slots, and forget to clear the mark of a slot that is continued. */
unsigned
dp_tx(struct dp_port *port, uint16_t queue, const struct frame *f, unsigned n)
{
	struct dp_side *tx = &port->q[queue].tx;
	unsigned done = 0;

	while (done < n) {
		unsigned part = RTE_MIN(n - done, (unsigned)DP_BURST), left;

		done += tx_burst(port, queue, f + done, part, &left);
		if (left)
			break;
		if (done < n && f[done].len > port->tx_max_bytes) {
			dp_frames_put(f + done++, 1);
			tx->oversize++;
		}
	}
	tx->full += n - done;
	return done;
}
