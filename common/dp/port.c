/* port.c - ports: opened by SPEC, configured alike whatever they are, read and fed in bursts. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/internal.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "base/log.h"

enum {
	RX_DESC = 512,
	TX_DESC = 512,
	TAP_DESC = 2, /* the tap driver holds a chain of that many buffers */
	VLAN_BYTES = 4,
	STRAY_BURSTS = 128,
	XDP_FRAMES = 2048, /* the kernel's fill ring */
};

struct dp_port *dp_ports[DP_MAX_PORTS];

int
port_refuse(const struct dp_port *port, char *err, const char *fmt, ...)
{
	int n = snprintf(err, DP_ERRBUF, "%.60s: ", port->text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err + n, DP_ERRBUF - (size_t)n, fmt, ap);
	va_end(ap);
	return -1;
}

/* --- starting the driver --- */

/* Both directions of a connection go to the same queue: 0x6d5a repeated makes Toeplitz
 * symmetric. */
static void
ask_for_rss(struct rte_eth_conf *conf, const struct rte_eth_dev_info *info)
{
	static uint8_t key[64];

	for (unsigned i = 0; i < sizeof(key); i++)
		key[i] = i % 2 ? 0x5a : 0x6d;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_hf =
	    (RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV4_UDP | RTE_ETH_RSS_IPV4) &
	    info->flow_type_rss_offloads;
	if (info->hash_key_size > 0 && info->hash_key_size <= sizeof(key)) {
		conf->rx_adv_conf.rss_conf.rss_key = key;
		conf->rx_adv_conf.rss_conf.rss_key_len = info->hash_key_size;
	}
}

static uint16_t
descriptors(const struct dp_port *port, uint16_t wanted)
{
	return port->spec.kind == PORT_TAP ? TAP_DESC : wanted;
}

int
port_start_driver(struct dp_port *port, uint16_t queues)
{
	struct rte_eth_conf conf = {.intr_conf.rxq = port->spec.kind == PORT_TAP};
	uint16_t rx = descriptors(port, RX_DESC), tx = TX_DESC;
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(port->id, &info);

	if (rc < 0)
		return rc;
	if (port->spec.kind == PORT_PCI) {
		conf.rxmode.offloads = info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_CHECKSUM;
		port->good_cksum = conf.rxmode.offloads != 0;
		if (queues > 1)
			ask_for_rss(&conf, &info);
	}
	rc = rte_eth_dev_configure(port->id, queues, queues, &conf);
	if (rc == 0)
		rc = rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &rx, &tx);
	for (uint16_t q = 0; rc == 0 && q < queues; q++) {
		rc = rte_eth_rx_queue_setup(port->id, q, rx, SOCKET_ID_ANY, NULL, frames_pool());
		if (rc == 0)
			rc = rte_eth_tx_queue_setup(port->id, q, tx, SOCKET_ID_ANY, NULL);
	}
	return rc == 0 ? rte_eth_dev_start(port->id) : rc;
}

/* --- opening --- */

static void
find_events(struct dp_port *port)
{
	switch (port->spec.kind) {
	case PORT_AF_PACKET:
		port->q[0].rx.event = kernel_if_claim_socket(port->spec.name, AF_PACKET);
		break;
	case PORT_AF_XDP:
		port->q[0].rx.event = kernel_if_claim_socket(port->spec.name, AF_XDP);
		break;
	case PORT_TAP:
		for (uint16_t q = 0; q < port->queues; q++)
			port->q[q].rx.event = rte_eth_dev_rx_intr_ctl_q_get_fd(port->id, q);
		break;
	default:
		break;
	}
}

static bool
is_kernel_if(const struct dp_port *port)
{
	return port->spec.kind == PORT_AF_PACKET || port->spec.kind == PORT_AF_XDP ||
	       port->spec.kind == PORT_TAP;
}

static void
learn_mac(struct dp_port *port)
{
	if (rte_eth_macaddr_get(port->id, &port->mac) < 0)
		rte_eth_random_addr(port->mac.addr_bytes);
	/* The kernel's end of the wire has the driver's address; we are the other end. */
	if (port->spec.kind == PORT_TAP)
		port->mac.addr_bytes[5] ^= 1;
}

/* Frames longer than the MTU are what a kernel has glued together for itself. */
static void
learn_mtu(struct dp_port *port)
{
	const uint32_t header = RTE_ETHER_HDR_LEN + VLAN_BYTES;

	port->mtu = RTE_ETHER_MTU;
	port->max_bytes = frames_room();
	port->tx_max_bytes = UINT32_MAX;
	if (!is_kernel_if(port))
		return;
	port->mtu =
	    (uint16_t)RTE_MIN(kernel_if_mtu(port->spec.name), kernel_if_max_bytes(port) - header);
	port->tx_max_bytes = port->max_bytes = port->mtu + header;
}

static uint16_t
usable_queues(const struct dp_port *port, uint16_t wanted)
{
	struct rte_eth_dev_info info;
	uint16_t n = RTE_MAX(wanted, 1);

	/* tap's queues and pcap's have no hash of their own to spread flows by. */
	if (port->spec.kind != PORT_PCI && port->spec.kind != PORT_VDEV)
		return 1;
	if (rte_eth_dev_info_get(port->id, &info) < 0)
		return 1;
	n = RTE_MIN(n, RTE_MIN(info.max_rx_queues, info.max_tx_queues));
	return RTE_MIN(n, DP_MAX_QUEUES);
}

/* The raw socket heard all interfaces before it was bound to ours. */
static void
drop_strays(struct dp_port *port)
{
	struct frame f[DP_BURST];
	unsigned n;

	for (unsigned i = 0; i < STRAY_BURSTS && (n = dp_rx(port, 0, f, DP_BURST)) > 0; i++)
		dp_frames_put(f, n);
	port->q[0].rx.frames = port->q[0].rx.bytes = port->q[0].rx.oversize = 0;
}

/* What is most often the cause. */
static const char *
remedy(const struct dp_port *port)
{
	if (port->spec.kind != PORT_AF_XDP)
		return "";
	if (dp_frames_free() < XDP_FRAMES)
		return "; it takes 2048 packet buffers for itself, and fewer are free";
	if (strstr(eal_log_reason(""), "xsk socket"))
		return "; another program may have the interface: 'ip link' shows its xdp program";
	return "";
}

static int
open_driver(struct dp_port *port, const struct dp_port_conf *conf, char *err)
{
	int rc;

	if (driver_probe(port, err) < 0)
		return -1;
	port->queues = usable_queues(port, conf->queues);
	eal_log_mark();
	rc = port_start_driver(port, port->queues);
	if (rc < 0) {
		port_refuse(port, err, "does not start (%s): %s%s", strerror(-rc),
			    eal_log_reason("the driver gives no reason"), remedy(port));
		driver_remove(port);
		return -1;
	}
	if (conf->promiscuous && is_kernel_if(port))
		port->promiscuous = rte_eth_promiscuous_enable(port->id) == 0;
	learn_mac(port);
	learn_mtu(port);
	find_events(port);
	port->pad = port->spec.kind == PORT_PCI;
	port->ends = port->spec.kind == PORT_PCAP;
	port->up = true;
	if (port->spec.kind == PORT_AF_PACKET) {
		if (!conf->rx_only)
			kernel_if_ignore_outgoing(port->q[0].rx.event);
		drop_strays(port);
	}
	return 0;
}

static struct dp_port *
new_port(const struct dp_port_conf *conf, unsigned *slot, char *err)
{
	struct dp_port *port;
	const char *wrong;

	for (*slot = 0; *slot < DP_MAX_PORTS && dp_ports[*slot]; (*slot)++)
		;
	if (*slot == DP_MAX_PORTS) {
		snprintf(err, DP_ERRBUF, "%.60s: a program has at most %d ports", conf->spec,
			 DP_MAX_PORTS);
		return NULL;
	}
	port = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*port));
	if (!port) {
		snprintf(err, DP_ERRBUF, "%.60s: no memory", conf->spec);
		return NULL;
	}
	memset(port, 0, sizeof(*port));
	for (unsigned q = 0; q < DP_MAX_QUEUES; q++)
		port->q[q].rx.event = port->q[q].tx.event = -1;
	wrong = port_spec_parse(conf->spec, &port->spec);
	port->text = strdup(conf->spec);
	if (wrong || !port->text) {
		snprintf(err, DP_ERRBUF, "%.60s: %s", conf->spec, wrong ? wrong : "no memory");
		free(port->text);
		free(port);
		return NULL;
	}
	return port;
}

struct dp_port *
dp_port_open(const struct dp_port_conf *conf, char *err)
{
	unsigned slot;
	struct dp_port *port = new_port(conf, &slot, err);
	int rc;

	if (!port)
		return NULL;
	if (port->spec.kind == PORT_MEMIF)
		rc = memif_open(port, conf, err);
	else
		rc = open_driver(port, conf, err);
	if (rc < 0) {
		free(port->text);
		free(port);
		return NULL;
	}
	dp_ports[slot] = port;
	return port;
}

/* --- closing --- */

void
port_set_down(struct dp_port *port)
{
	__atomic_store_n(&port->up, false, __ATOMIC_SEQ_CST);
	for (unsigned q = 0; q < DP_MAX_QUEUES; q++)
		while (__atomic_load_n(&port->q[q].rx.busy, __ATOMIC_ACQUIRE) ||
		       __atomic_load_n(&port->q[q].tx.busy, __ATOMIC_ACQUIRE))
			sched_yield();
}

void
dp_port_close(struct dp_port *port)
{
	for (unsigned i = 0; i < DP_MAX_PORTS; i++)
		if (dp_ports[i] == port)
			dp_ports[i] = NULL;
	idle_forget(port);
	if (port->memif) {
		memif_close(port);
	} else {
		port_set_down(port);
		if (port->promiscuous)
			rte_eth_promiscuous_disable(port->id);
		rte_eth_dev_stop(port->id);
		driver_remove(port);
	}
	free(port->text);
	free(port);
}

/* --- asking --- */

const char *
dp_port_name(const struct dp_port *port)
{
	return port->text;
}

const uint8_t *
dp_port_mac(const struct dp_port *port)
{
	return port->mac.addr_bytes;
}

uint16_t
dp_port_mtu(const struct dp_port *port)
{
	return port->mtu;
}

uint16_t
dp_port_queues(const struct dp_port *port)
{
	return __atomic_load_n(&port->queues, __ATOMIC_RELAXED);
}

bool
dp_port_is_up(struct dp_port *port)
{
	return __atomic_load_n(&port->up, __ATOMIC_ACQUIRE);
}

bool
dp_port_at_end(struct dp_port *port)
{
	return port->at_end;
}

bool
dp_port_partial_checksums(const struct dp_port *port)
{
	return port->spec.kind == PORT_AF_PACKET || port->spec.kind == PORT_AF_XDP;
}

uint64_t
port_missed(struct dp_port *port)
{
	struct rte_eth_stats st;

	if (port->memif)
		return 0;
	if (port->spec.kind == PORT_AF_PACKET || port->spec.kind == PORT_AF_XDP)
		return kernel_if_drops(port);
	if (rte_eth_stats_get(port->id, &st) < 0)
		return 0;
	return st.imissed + st.rx_nombuf + st.ierrors;
}

void
dp_port_stats(struct dp_port *port, struct dp_port_stats *s)
{
	*s = (struct dp_port_stats){.rx_missed = port_missed(port)};
	for (unsigned q = 0; q < DP_MAX_QUEUES; q++) {
		const struct dp_queue *dq = &port->q[q];

		s->rx_frames += dq->rx.frames;
		s->rx_bytes += dq->rx.bytes;
		s->rx_oversize += dq->rx.oversize;
		s->tx_frames += dq->tx.frames;
		s->tx_bytes += dq->tx.bytes;
		s->tx_oversize += dq->tx.oversize;
		s->tx_full += dq->tx.full;
	}
	if (port->memif)
		s->reconnects = memif_reconnects(port);
}
