/* dp.h - DPDK behind a small door: ports by one grammar, bursts of frames, sleeping when idle. */
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
	/* "0-1", "2,4": one worker on each; NULL: one worker, wherever the kernel puts it */
	const char *cores;
	/* 1 hugepages or fail, 0 none, -1 when there are some (else says so in a line on stderr) */
	int huge;
	uint32_t frames;      /* packet buffers in all, for ports and workers; sizes EAL's memory */
	uint32_t frame_bytes; /* octets that one can hold; 0: 2048 */
	bool poll;	      /* never sleep */
	/* Yield the core after empty bursts, and every 10 us when busy. Done anyway when no cores
	 * are named, and on a machine with at most two. */
	bool share;
	int eal_argc; /* verbatim EAL arguments after ours */
	char **eal_argv;
};

/* Once per process, before any other call. 0, or -1 with the reason and the remedy in err
 * (DP_ERRBUF octets). EAL's own talk goes to stderr only when the log level is debug. Signals are
 * left to the calling thread. */
int dp_init(const struct dp_conf *conf, char *err);
void dp_fini(void);
unsigned dp_n_workers(void);

/* Runs fn(worker, arg) on every worker's core and returns when all have returned. Worker 0 is the
 * caller's thread. */
void dp_run(void (*fn)(unsigned worker, void *arg), void *arg);

/* TSC, as nanoseconds since dp_init (monotonic, same on all cores). */
uint64_t dp_now_ns(void);

/* --- ports --- */

/* SPEC is one of
 *   memif:NAME|PATH[,server|,client][,queues=N][,bsize=OCTETS][,rsize=FRAMES]
 *                     shared memory between two tools. NAME is a socket in the runtime directory
 *                     ($C10M_RUN, else $XDG_RUNTIME_DIR/c10m, else /run/c10m for root,
 *                     /tmp/c10m-UID otherwise); PATH has a '/'. Either end may start first, go
 *                     away and come back. A ring has rsize (1024) slots of bsize (2048) octets:
 *                     what the client says. The two ends trust each other. Beside the socket is
 *                     PATH.wake (doorbell.h); a peer that is not ours has none: its ring is
 *                     looked at in steps, and queues=N (else 1) must be right.
 *   af_packet:IFACE   any Linux interface         af_xdp:IFACE     the same, faster
 *   tap:NAME          an interface to the local kernel
 *   pci:ADDR          a NIC bound to VFIO
 *   pcap:IN[,OUT]     files (pcap:,OUT only writes); at the end of IN see dp_port_at_end
 *   null:             a sink and a source of nothing (benchmarks)
 *   vdev:DEVARGS      anything else that DPDK knows
 */
struct dp_port;

struct dp_port_conf {
	const char *spec;
	bool promiscuous; /* lshaper, hcmon */
	bool rx_only;	  /* hcmon: never sends; af_packet then shows what the host sends, too */
	uint16_t
	    queues; /* wanted rx/tx queue pairs, one per worker that polls it; there may be fewer */
	bool server; /* memif: the default role of this end when SPEC does not say */
};

/* Syntax only, for option parsing: NULL when fine, else what is wrong. */
const char *dp_port_check_spec(const char *spec);
/* For the table of options: ends the program by die_usage when `spec`, the value of `flag`, is none. */
void dp_port_need_spec(const char *flag, const char *spec);
/* NULL on failure; err names the port, the reason and the remedy. A memif whose peer is absent
 * opens; one that another program serves, or whose server has another client, does not. */
struct dp_port *dp_port_open(const struct dp_port_conf *conf, char *err);
/* Only when no worker uses it. */
void dp_port_close(struct dp_port *port);

const char *dp_port_name(const struct dp_port *port); /* the SPEC */
const uint8_t *dp_port_mac(const struct dp_port *port);
/* Of IP: 1500 unless the port can and was told more. */
uint16_t dp_port_mtu(const struct dp_port *port);
/* At least 1. memif: the smaller of what both ends want, from the moment that the port is up. */
uint16_t dp_port_queues(const struct dp_port *port);
/* memif: the peer is there. Cheap enough for once per loop. */
bool dp_port_is_up(struct dp_port *port);
/* pcap: everything was read. */
bool dp_port_at_end(struct dp_port *port);
/* True for ports whose far end may leave checksums unfinished (af_packet, af_xdp): the tool should
 * not verify what it receives from them unless told to. */
bool dp_port_partial_checksums(const struct dp_port *port);

struct dp_port_stats {
	uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes;
	uint64_t rx_missed;   /* the port had no buffer or no room for them */
	uint64_t rx_oversize; /* longer than the port's MTU or than a buffer: dropped */
	uint64_t tx_oversize; /* longer than the other side can take: taken and dropped */
	uint64_t tx_full;    /* frames not taken by a full ring (the caller drops or tries again) */
	uint64_t reconnects; /* memif: how often the peer came back */
};
void dp_port_stats(struct dp_port *port, struct dp_port_stats *s);

/* --- data path: one thread per (port, queue) --- */

/* Up to n frames, at most DP_BURST; frame.port is left 0 for the caller to set. The caller owns
 * them. */
unsigned dp_rx(struct dp_port *port, uint16_t queue, struct frame *f, unsigned n);
/* Takes frames from the front, returns how many were taken; the rest is still the caller's. None is
 * lost while a memif stands; a port that is not up takes none. Short frames are padded to 60 octets
 * where the port wants it. */
unsigned dp_tx(struct dp_port *port, uint16_t queue, const struct frame *f, unsigned n);
/* Empty frames to write into: data, room and handle set, len 0. All n or none: false. */
bool dp_frames_get(struct frame *f, unsigned n);
void dp_frames_put(const struct frame *f, unsigned n);
/* Frames now free, and in all. */
uint32_t dp_frames_free(void);
uint32_t dp_frames_total(void);

/* --- sleeping --- */

/* Called by a worker's loop after each turn with whether it did anything, and with the time of its
 * next own deadline (UINT64_MAX: none). Decides by itself to go on at once, to yield, or to sleep
 * until a frame may be there on one of the worker's ports, the deadline, or at most 100 ms; with a
 * doorbell on memif, the sockets of af_packet and af_xdp, the interrupt on tap, and steps growing
 * to 1 ms on ports without a wake source. dp_idle_add tells it the ports (once per port and queue).
 * A turn looks at all of them: those that it leaves out are looked at after 1 ms, too. */
void dp_idle_add(unsigned worker, struct dp_port *port, uint16_t queue);
void dp_idle(unsigned worker, bool did_work, uint64_t next_deadline_ns);
/* From any thread or a signal handler: ends a worker's sleep now. */
void dp_wake(unsigned worker);
/* CPU time of this process since dp_init, in ns (for records). */
uint64_t dp_cpu_ns(void);

#endif
