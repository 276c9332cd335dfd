/* frames.c - the pool of packet buffers, and bursts of rte_mbuf as bursts of struct frame. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_prefetch.h>

#include "base/log.h"

enum { CACHE_MAX = 256, MIN_FRAME_BYTES = 60, AHEAD = 4 };

static struct rte_mempool *pool;
static unsigned n_caches;

uint32_t
frames_bytes_each(uint32_t frame_bytes)
{
	uint32_t room = (frame_bytes ? frame_bytes : RTE_MBUF_DEFAULT_DATAROOM);

	return rte_mempool_calc_obj_size(
	    (uint32_t)sizeof(struct rte_mbuf) + room + RTE_PKTMBUF_HEADROOM, 0, NULL);
}

int
frames_init(uint32_t frames, uint32_t frame_bytes, unsigned workers)
{
	uint32_t room = (frame_bytes ? frame_bytes : RTE_MBUF_DEFAULT_DATAROOM);
	uint32_t cache = RTE_MIN(frames / (4 * workers), (uint32_t)CACHE_MAX);

	n_caches = workers;
	pool = rte_pktmbuf_pool_create("frames", frames, cache, 0,
				       (uint16_t)(room + RTE_PKTMBUF_HEADROOM), SOCKET_ID_ANY);
	return pool ? 0 : -rte_errno;
}

struct rte_mempool *
frames_pool(void)
{
	return pool;
}

uint32_t
frames_room(void)
{
	return rte_pktmbuf_data_room_size(pool) - RTE_PKTMBUF_HEADROOM;
}

uint32_t
dp_frames_total(void)
{
	return pool->size;
}

/* rte_mempool_avail_count() would walk the caches of all 128 possible cores. */
uint32_t
dp_frames_free(void)
{
	uint32_t n = rte_mempool_ops_get_count(pool);

	for (unsigned i = 0; i < n_caches; i++) {
		const struct rte_mempool_cache *cache = rte_mempool_default_cache(pool, i);

		n += cache ? cache->len : 0;
	}
	return n;
}

bool
dp_frames_get(struct frame *f, unsigned n)
{
	struct rte_mbuf *m[DP_BURST];

	for (unsigned done = 0; done < n;) {
		unsigned part = RTE_MIN(n - done, (unsigned)DP_BURST);

		if (unlikely(rte_pktmbuf_alloc_bulk(pool, m, part) < 0)) {
			dp_frames_put(f, done);
			return false;
		}
		for (unsigned i = 0; i < part; i++)
			f[done + i] = (struct frame){
			    .data = rte_pktmbuf_mtod(m[i], uint8_t *),
			    .handle = m[i],
			    .room = rte_pktmbuf_tailroom(m[i]),
			};
		done += part;
	}
	return true;
}

void
dp_frames_put(const struct frame *f, unsigned n)
{
	struct rte_mbuf *m[DP_BURST];

	for (unsigned done = 0; done < n;) {
		unsigned part = RTE_MIN(n - done, (unsigned)DP_BURST);

		for (unsigned i = 0; i < part; i++)
			m[i] = f[done + i].handle;
		rte_pktmbuf_free_bulk(m, part);
		done += part;
	}
}

/* Several pieces, or longer than the port can have sent: keeps what fits one buffer whole. */
static __rte_noinline bool
mend(const struct dp_port *port, struct dp_side *rx, struct rte_mbuf *m)
{
	if (m->pkt_len <= port->max_bytes && rte_pktmbuf_linearize(m) == 0)
		return true;
	if (rx->failed++ == 0)
		log_warn("%s: frames of more than %u octets are dropped (this one has %u)%s",
			 port->text, port->max_bytes, m->pkt_len,
			 port->spec.kind == PORT_AF_PACKET
			     ? "; 'ethtool -K DEV tso off gso off gro off' where they come from"
			     : "");
	rte_pktmbuf_free(m);
	return false;
}

static inline uint8_t
cksum_flag(const struct rte_mbuf *m)
{
	const uint64_t good = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD;

	return (m->ol_flags & good) == good ? FRAME_CKSUM_GOOD : 0;
}

unsigned
frames_from_mbufs(const struct dp_port *port, struct dp_side *rx, struct frame *f,
		  struct rte_mbuf **m, unsigned n)
{
	unsigned kept = 0;
	uint64_t bytes = 0;

	for (unsigned i = 0; i < n && i < AHEAD; i++)
		rte_prefetch0(m[i]);
	for (unsigned i = 0; i < n; i++) {
		if (i + AHEAD < n)
			rte_prefetch0(m[i + AHEAD]);
		if (unlikely(m[i]->nb_segs > 1 || m[i]->pkt_len > port->max_bytes) &&
		    !mend(port, rx, m[i]))
			continue;
		f[kept] = (struct frame){
		    .data = rte_pktmbuf_mtod(m[i], uint8_t *),
		    .handle = m[i],
		    .len = m[i]->data_len,
		    .flags = port->good_cksum ? cksum_flag(m[i]) : 0,
		};
		rte_prefetch0(f[kept].data);
		bytes += f[kept].len;
		kept++;
	}
	rx->frames += kept;
	rx->bytes += bytes;
	return kept;
}

/* The caller may have moved the first octet; the headroom follows. */
void
frames_to_mbufs(const struct dp_port *port, const struct frame *f, struct rte_mbuf **m, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *b = f[i].handle;
		uint32_t len = f[i].len;

		b->data_off = (uint16_t)(f[i].data - (uint8_t *)b->buf_addr);
		assert(b->data_off + len <= b->buf_len);
		if (unlikely(port->pad && len < MIN_FRAME_BYTES)) {
			memset(f[i].data + len, 0, MIN_FRAME_BYTES - len);
			len = MIN_FRAME_BYTES;
		}
		b->data_len = (uint16_t)len;
		b->pkt_len = len;
		m[i] = b;
	}
}
