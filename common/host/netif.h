/* netif.h - an interface of the host: its addresses, its neighbours, its frames to be sent. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HOST_NETIF_H
#define HOST_NETIF_H

#include <stdbool.h>
#include <stdint.h>

#include "host/stack.h"
#include "inet/arp.h"
#include "inet/frag.h"
#include "inet/icmp.h"
#include "wire/build.h"
#include "wire/frame.h"

enum {
	NETIF_TX_MAX = 512,	   /* frames that may wait to be sent */
	NETIF_NEIGHBOURS = 4096,   /* slots: about a quarter of them in use at the same time */
	NETIF_FRAGMENTED = 32,	   /* datagrams that are put together, 67 KB each when used */
	NETIF_ANNOUNCE_BURST = 16, /* addresses told to the link in one turn */
};
#define NETIF_PATIENCE_NS (UINT64_C(200) * 1000000)

struct netif {
	struct stack_netif_conf conf;
	struct neigh_table neighbours;
	struct icmp_state icmp;
	struct frag_table frags;
	uint32_t announce; /* next of our addresses that the link must be told; UINT32_MAX: none */
	/* The next hop looked up last, and when: one look a turn is enough. */
	uint32_t hop;
	uint64_t hop_at;
	uint8_t hop_mac[6];
	uint64_t failed; /* resolutions that have failed, as last seen */
	/* The frames to be sent are tx[tx_head .. + n_tx), so that they lie together. */
	uint32_t tx_head, n_tx;
	uint64_t tx_stuck_ns; /* since when the port has taken nothing; 0: it is taking */
	struct frame tx[2 * NETIF_TX_MAX];
};

/* 0 or -errno. mem: netif_bytes(). */
int netif_init(struct netif *n, const struct stack_netif_conf *c, const struct flow_key *key,
	       void *mem);
size_t netif_bytes(void);

/* The MAC address that packets to dst go to. */
enum neigh_result netif_resolve(struct netif *n, uint32_t dst, uint64_t now, uint8_t mac[6]);

static inline uint32_t
netif_tx_room(const struct netif *n)
{
	return NETIF_TX_MAX - n->n_tx;
}

void netif_tx_push(struct netif *n, const struct frame *f);
/* The port took the first `taken` of them. */
void netif_tx_taken(struct netif *n, uint32_t taken);

/* The next ARP message that must leave now; its length, 0: none. */
size_t netif_next_request(struct netif *n, uint64_t now, uint8_t *p, size_t room);
size_t netif_next_announcement(struct netif *n, uint8_t *p, size_t room);
/* When something is due next, once that is done which is due now (but for the requests above). */
uint64_t netif_timers(struct netif *n, uint64_t now);
/* True once after a resolution has failed. */
bool netif_has_given_up(struct netif *n);

/* What is below the transport header of a packet of ours. */
void netif_fill_ip(const struct netif *n, struct build_ip *ip, uint32_t src, uint32_t dst,
		   const uint8_t mac[6], uint8_t tos);

#endif
