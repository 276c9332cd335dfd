/* dp.h - DPDK behind a small door: EAL, ports by one grammar, bursts of frames, sleeping when idle. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DP_DP_H
#define DP_DP_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/frame.h"

enum { DP_BURST = 32, DP_MAX_PORTS = 8, DP_MAX_QUEUES = 8, DP_MAX_WORKERS = 64, DP_ERRBUF = 256 };

/* --- start --- */

struct dp_conf {
	const char *program; /* names the EAL instance */
	const char *cores;   /* "0-1", "2,4": one worker on each; NULL: one worker wherever the kernel puts it */
	int huge;	     /* 1 hugepages or fail, 0 none, -1 when there are some (says so in one line on stderr otherwise) */
	uint32_t frames;     /* packet buffers to hold altogether, all ports and workers; sizes EAL's memory */
	uint32_t frame_bytes; /* of one buffer's data room, 0: 2048 - headroom as DPDK has it */
	bool poll;	     /* never sleep */
	bool share;	     /* yield the core after each empty burst, even without sleeping */
	int eal_argc;	     /* verbatim EAL arguments after ours */
	char **eal_argv;
};

/* Once per process, before any other call. 0, or -1 with the reason and the remedy in err (DP_ERRBUF octets). EAL's own talk goes to stderr only when
 * log level is debug. */
int dp_init(const struct dp_conf *conf, char *err);
void dp_fini(void);
unsigned dp_n_workers(void);

/* Runs fn(worker, arg) on every worker's core (worker 0 is the caller's thread) and returns when all have returned. */
void dp_run(void (*fn)(unsigned worker, void *arg), void *arg);

/* TSC, as nanoseconds since dp_init (monotonic, same on all cores). */
uint64_t dp_now_ns(void);

/* --- ports --- */

/* SPEC is one of
 *   memif:NAME|PATH[,server][,queues=N][,bsize=N][,rsize=N]
 *                       shared memory between two tools. NAME is a socket in the runtime directory
 *                       ($C10M_RUN, else $XDG_RUNTIME_DIR/c10m, else /run/c10m for root, /tmp/c10m-UID otherwise), PATH has a '/'.
 *                       Either end may start first, go away and come back.
 *   af_packet:IFACE     any Linux interface         af_xdp:IFACE     the same, faster
 *   tap:NAME            an interface to the local kernel
 *   pci:ADDR            a NIC bound to VFIO
 *   pcap:IN[,OUT]       files; at the end of IN the port reports dp_port_at_end
 *   null:               a sink and a source of nothing (benchmarks)
 *   vdev:DEVARGS        anything else that DPDK knows
 */
struct dp_port;

struct dp_port_conf {
	const char *spec;
	bool promiscuous;   /* lshaper, hcmon */
	bool rx_only;	    /* hcmon: never sends */
	uint16_t queues;    /* wanted rx/tx queue pairs, at least one per worker that polls it; the port may have fewer */
	bool server;	    /* memif: the default role of this end when SPEC does not say */
};

/* Syntax only, for option parsing: NULL when fine, else what is wrong. */
const char *dp_port_check_spec(const char *spec);
/* NULL on failure; err names the port, the reason and the remedy. A memif whose peer is absent opens. */
struct dp_port *dp_port_open(const struct dp_port_conf *conf, char *err);
void dp_port_close(struct dp_port *port);

const char *dp_port_name(const struct dp_port *port); /* the SPEC */
const uint8_t *dp_port_mac(const struct dp_port *port);
uint16_t dp_port_mtu(const struct dp_port *port);     /* of IP: 1500 unless the port can and was told more */
uint16_t dp_port_queues(const struct dp_port *port);
bool dp_port_is_up(struct dp_port *port);	      /* memif: the peer is there. Cheap enough for once per loop. */
bool dp_port_at_end(struct dp_port *port);	      /* pcap: everything was read */
/* True for ports whose far end may leave checksums unfinished (af_packet, af_xdp, tap): the tool should not
 * verify what it receives from them unless told to. */
bool dp_port_partial_checksums(const struct dp_port *port);

struct dp_port_stats {
	uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
	uint64_t rx_missed;	/* the port had no buffer or no room for them */
	uint64_t rx_oversize;	/* longer than a buffer, or in several pieces that do not fit one: dropped */
	uint64_t tx_full;	/* frames not taken by a full ring (the caller decides to drop or try again) */
	uint64_t reconnects;	/* memif: how often the peer came back */
};
void dp_port_stats(struct dp_port *port, struct dp_port_stats *s);

/* --- data path: one thread per (port, queue) --- */

/* Up to n frames; frame.port is left 0 for the caller to set. The caller owns them. */
unsigned dp_rx(struct dp_port *port, uint16_t queue, struct frame *f, unsigned n);
/* Takes frames from the front, returns how many were taken; the rest is still the caller's. Short frames are padded to 60 octets where the
 * port wants it. */
unsigned dp_tx(struct dp_port *port, uint16_t queue, const struct frame *f, unsigned n);
/* Empty frames to write into: data, room and handle set, len 0. All n or none: false. */
bool dp_frames_get(struct frame *f, unsigned n);
void dp_frames_put(const struct frame *f, unsigned n);
/* Frames now free, and in all. */
uint32_t dp_frames_free(void);
uint32_t dp_frames_total(void);

/* --- sleeping --- */

/* Called by a worker's loop after each turn with whether it did anything, and with the time of its next own deadline (UINT64_MAX: none).
 * Decides by itself to go on at once, to yield, or to sleep until a frame may be there on one of the worker's ports, the deadline, or at most 100 ms; with a doorbell on
 * memif, the interrupt on tap, and steps growing to 1 ms on ports without a wake source. dp_idle_add tells it the ports (once per port and queue). */
void dp_idle_add(unsigned worker, struct dp_port *port, uint16_t queue);
void dp_idle(unsigned worker, bool did_work, uint64_t next_deadline_ns);
/* From any thread or a signal handler: ends a worker's sleep now. */
void dp_wake(unsigned worker);
/* CPU time that this process's workers used, and wall time, in ns since dp_init (for records). */
uint64_t dp_cpu_ns(void);

#endif
