/* internal.h - what the files of common/dp share. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DP_INTERNAL_H
#define DP_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_ether.h>

#include "dp/dp.h"
#include "dp/port_spec.h"

struct rte_mbuf;
struct rte_mempool;
struct memif;

/* One direction of a port's queue. The worker that owns it is inside the driver while busy; the
 * control thread, which takes the driver's memory away when a peer goes, waits for that to end. */
struct dp_side {
	uint32_t busy;
	bool empty; /* rx: polled since the worker armed its doorbells, and nothing was there */
	int event;  /* rx: readable when frames come; tx: wakes the peer; -1: none */
	uint32_t
	    *sleeping; /* in the page shared with the peer: its receiver sleeps, ring; NULL: none */
	uint64_t frames, bytes;
	uint64_t oversize, full;
} __rte_cache_aligned;

struct dp_queue {
	struct dp_side rx, tx;
};

struct dp_port {
	/* read by every burst */
	bool up;
	bool pad;	       /* frames below 60 octets are padded */
	bool good_cksum;       /* the driver verifies checksums */
	bool ends;	       /* pcap: nothing comes after the last frame */
	uint16_t id;	       /* of the ethdev */
	uint16_t queues;       /* that may be polled now */
	uint32_t max_bytes;    /* longer frames were cut by the driver: dropped */
	uint32_t tx_max_bytes; /* what the other side can take */

	bool at_end;
	bool promiscuous;
	uint16_t mtu;
	struct rte_ether_addr mac;
	struct memif *memif; /* NULL: another kind */
	uint64_t missed;     /* that the kernel counts and forgets on reading */
	char dev[32];	     /* DPDK's name of the device */
	char *text;	     /* the SPEC */
	struct port_spec spec;
	struct dp_queue q[DP_MAX_QUEUES];
};

/* The worker's side of the agreement in struct dp_side: between enter (when true) and leave the
 * driver and the doorbell's page stay. */
static inline bool
port_enter(const struct dp_port *port, uint16_t queue, uint32_t *busy)
{
	__atomic_store_n(busy, 1, __ATOMIC_SEQ_CST);
	if (likely(__atomic_load_n(&port->up, __ATOMIC_ACQUIRE) && queue < port->queues))
		return true;
	__atomic_store_n(busy, 0, __ATOMIC_RELEASE);
	return false;
}

static inline void
port_leave(uint32_t *busy)
{
	__atomic_store_n(busy, 0, __ATOMIC_RELEASE);
}

/* port.c */
/* Writes "SPEC: ..." into err (DP_ERRBUF octets); always -1. */
int port_refuse(const struct dp_port *port, char *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void port_set_down(struct dp_port *port); /* returns when no worker is inside any more */
uint64_t port_missed(struct dp_port *port);
int port_start_driver(struct dp_port *port, uint16_t queues);

/* frames.c */
int frames_init(uint32_t frames, uint32_t frame_bytes, unsigned workers);
uint32_t frames_bytes_each(uint32_t frame_bytes); /* memory that one takes */
uint32_t frames_room(void);			  /* octets of one */
struct rte_mempool *frames_pool(void);
unsigned frames_from_mbufs(const struct dp_port *port, struct dp_side *rx, struct frame *f,
			   struct rte_mbuf **m, unsigned n);
/* Up to the first frame that is too long for the port. */
unsigned frames_to_mbufs(const struct dp_port *port, const struct frame *f, struct rte_mbuf **m,
			 unsigned n);

/* eal_args.c: an argument vector; EAL keeps pointers into it */
enum { EAL_MAX_ARGS = 64 };
struct eal_args {
	int n;
	char *v[EAL_MAX_ARGS + 1];
};
/* The number of workers, or -1 and err. */
int eal_args_build(struct eal_args *a, const struct dp_conf *conf, uint32_t frames, char *err);
bool eal_has_pci(void); /* EAL has been told to look at PCI */

/* eal_log.c: what EAL and the drivers say goes to log_debug; the first line since mark is kept as
 * the reason. */
void eal_log_capture(void);
void eal_log_mark(void);
const char *eal_log_reason(const char *otherwise);

/* clock.c */
void clock_start(void);
void clock_calibrate(void);

/* kernel_if.c: interfaces of the local kernel */
int kernel_if_check(const struct dp_port *port, char *err);
void kernel_if_warn_of_queues(const struct dp_port *port);
uint16_t kernel_if_mtu(const char *name);
int kernel_if_claim_socket(const char *name, int domain);
void kernel_if_ignore_outgoing(int fd);
uint64_t kernel_if_drops(struct dp_port *port);
bool kernel_if_clear_error(int fd);
uint32_t kernel_if_max_bytes(const struct dp_port *port);
uint32_t kernel_if_slot_bytes(void);

/* driver.c: SPEC to a DPDK device */
int driver_probe(struct dp_port *port, char *err);
void driver_remove(struct dp_port *port);
int driver_probe_vdev(struct dp_port *port, const char *driver, const char *args, char *err);

/* memif.c */
int memif_open(struct dp_port *port, const struct dp_port_conf *conf, char *err);
void memif_close(struct dp_port *port);
uint64_t memif_reconnects(const struct dp_port *port);

/* idle.c */
int idle_init(unsigned workers, bool poll, bool share);
void idle_fini(void);
void idle_forget(const struct dp_port *port);
void idle_wake_all(void);

extern struct dp_port *dp_ports[DP_MAX_PORTS];

#endif
