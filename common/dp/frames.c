/* frames.c - the pool of packet buffers, and bursts of rte_mbuf as bursts of struct frame. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_memzone.h>
#include <rte_prefetch.h>

#include "base/log.h"

enum { CACHE_MAX = 256, MIN_FRAME_BYTES = 60, AHEAD = 4 };

static struct rte_mempool *pool;
static unsigned n_caches;

static uint32_t
room_of(uint32_t frame_bytes)
{
	return (frame_bytes ? frame_bytes : RTE_MBUF_DEFAULT_DATAROOM) + RTE_PKTMBUF_HEADROOM;
}

uint32_t
frames_bytes_each(uint32_t frame_bytes)
{
	return rte_mempool_calc_obj_size((uint32_t)sizeof(struct rte_mbuf) + room_of(frame_bytes),
					 0, NULL);
}

/* One piece of memory, buffer after buffer: where virtual addresses are what devices are told. DPDK
 * by itself lets none cross a page, which without hugepages is one buffer in 4 KiB; and its driver
 * for af_xdp takes it for granted that there are no gaps. */
static bool
is_packed(void)
{
	return rte_eal_iova_mode() == RTE_IOVA_VA;
}

static int
populate(struct rte_mempool *mp)
{
	size_t chunk, align;
	ssize_t bytes = rte_mempool_op_calc_mem_size_default(mp, mp->size, 0, &chunk, &align);
	const struct rte_memzone *mz;

	if (!is_packed())
		return rte_mempool_populate_default(mp);
	mz =
	    rte_memzone_reserve_aligned("frames", (size_t)bytes, SOCKET_ID_ANY, 0, (unsigned)align);
	if (!mz)
		return -rte_errno;
	return rte_mempool_populate_iova(mp, mz->addr, mz->iova, mz->len, NULL, NULL);
}

int
frames_init(uint32_t frames, uint32_t frame_bytes, unsigned workers)
{
	struct rte_pktmbuf_pool_private room = {.mbuf_data_room_size =
						    (uint16_t)room_of(frame_bytes)};
	uint32_t cache = RTE_MIN(frames / (4 * workers), (uint32_t)CACHE_MAX);
	int rc;

	n_caches = workers;
	pool = rte_mempool_create_empty(
	    "frames", frames, (unsigned)sizeof(struct rte_mbuf) + room.mbuf_data_room_size, cache,
	    sizeof(room), SOCKET_ID_ANY, is_packed() ? RTE_MEMPOOL_F_NO_IOVA_CONTIG : 0);
	if (!pool)
		return -rte_errno;
	rc = rte_mempool_set_ops_byname(pool, "ring_mp_mc", NULL);
	if (rc < 0)
		return rc;
	rte_pktmbuf_pool_init(pool, &room);
	rc = populate(pool);
	if (rc < 0)
		return rc;
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return (uint32_t)rc == frames ? 0 : -ENOMEM;
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
	if (rx->oversize++ == 0)
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
unsigned
frames_to_mbufs(const struct dp_port *port, const struct frame *f, struct rte_mbuf **m, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct rte_mbuf *b = f[i].handle;
		uint32_t len = f[i].len;

		if (unlikely(len > port->tx_max_bytes))
			return i;
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
	return n;
}
