/* stack.h - an IP host run by one worker: frames and `now` in, frames and events out. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HOST_STACK_H
#define HOST_STACK_H

#include <stdbool.h>
#include <stdint.h>

#include "inet/addr.h"
#include "tcp/tcp.h"
#include "wire/flow.h"
#include "wire/frame.h"
#include "wire/pkt.h"

/*
 * One turn of a tool's loop:
 *
 *	now = dp_now_ns();
 *	stack_frames_short() -> dp_frames_get() -> stack_give_frames()	keep the stock of empty frames
 *	n = dp_rx(...);  stack_input(s, now, frames, n);
 *	stack_timers(s, now);
 *	while ((ev = stack_next_event(s)))  the application: stack_send, stack_close, ...
 *	stack_output(s, now);
 *	stack_tx(s, netif, &out) -> dp_tx() -> stack_tx_done()
 *	dp_frames_put(frames, n);		received frames are never kept
 *
 * Received octets are handed up by reference into the frames of the burst; what the application does
 * not take at once is copied by stack_keep. Nothing is allocated after stack_add_netif, nothing is
 * global, no clock is read. Same seed, same input: same frames, in bursts of whatever size.
 *
 * An octet that has been acknowledged is never lost: memory to keep it is set aside before its segment
 * is taken, else the segment is treated as lost, and counted.
 */
struct stack;
struct stack_event;

/* Memory is touched only when first used, whatever the limits are. */
struct stack_conf {
	uint32_t max_conns;    /* tcbs, in all groups together */
	uint32_t max_active;   /* active blocks; 0: max_conns / 16, at least 4096 */
	uint32_t blocks_small; /* 240-octet blocks; 0: as max_active */
	uint32_t blocks_large; /* 2032-octet blocks; 0: max_active / 4, at least 64 */
	/* Connections in SYN-RECEIVED, beyond which SYNs are answered by cookies; 0: max_conns / 16,
	 * at least 4096, at most half. They are within max_conns. */
	uint32_t max_half_open;
	/* The same for those of one source address, approximately (never less); 0: a quarter. */
	uint32_t max_half_open_per_source;
	uint32_t
	    resets_per_s; /* RSTs to segments of no connection, for each source apart; 0: no limit */
	uint8_t group_bits;	    /* 2^group_bits flow groups, at most 256 */
	uint16_t max_listeners;	    /* at most 255; 0: 64 */
	struct tcp_config tcp;	    /* its table of profiles is the stack's business */
	struct tcp_profile profile; /* of the connections that we open */
	uint8_t secret[16];	    /* from rng_secret in the tools, fixed in tests */
	/* Zero-filled, lazily backed memory for connections: mem_reserve, or calloc in tests. */
	void *(*reserve)(size_t bytes);
	void (*release)(void *p, size_t bytes);
	uint64_t now;
};

void stack_conf_default(struct stack_conf *c);
/* What connections can touch at most, all limits reached: tcbs, tables, active blocks, blocks. */
uint64_t stack_bytes(const struct stack_conf *c);
/* NULL and errno when memory is not to be had. */
struct stack *stack_new(const struct stack_conf *c);
void stack_free(struct stack *s);

/* --- interfaces and listeners --- */

enum { STACK_MAX_NETIFS = 8 };

struct stack_netif_conf {
	uint8_t mac[6];
	uint16_t mtu;
	uint16_t vlan; /* 0: untagged */
	struct netif_addrs addrs;
	bool trust_checksums; /* do not verify received ones (a local kernel leaves them partial) */
};
/* Row of the interface (frame.port of its frames), or -errno: -EINVAL, -ENOSPC, -EADDRINUSE (an
 * address is on another one). An MTU less than tcp.mss + 40 lowers what connections made from now
 * on announce. */
int stack_add_netif(struct stack *s, const struct stack_netif_conf *c);

/* Tells the link about all of the interface's addresses, with the next outputs (RFC 5227 2.3).
 * stack_add_netif does it once; to be called again when the port has come up again, perhaps to
 * other neighbours. */
void stack_announce(struct stack *s, unsigned netif);

/* Starts resolving the next hop of `dst` without waiting for a segment that needs it. True when it
 * is known already. */
bool stack_resolve(struct stack *s, uint32_t dst, uint64_t now);

struct stack_listener {
	uint32_t addr; /* 0: any of ours */
	uint16_t port;
	struct tcp_profile profile;
	bool shed_idle; /* when all places are taken, a connection that is idle may be ended */
	/* A STACK_VISIT for each connection once in so long; one such time for all listeners, the shortest; 0: never. */
	uint64_t visit_ns;
};
/* Row of the listener (1 to 255), or -errno (-EADDRINUSE, -ENOSPC). */
int stack_listen(struct stack *s, const struct stack_listener *l);

/* --- connections --- */

/* Named by a 32-bit handle, which ends with the last event (STACK_CLOSED, STACK_FAILED): while that
 * is being handled, stack_tcb and stack_app still show what was. */
struct stack_open {
	struct flow flow;
	uint64_t app;
};
/* Sends a SYN with the next output. 0; -EADDRINUSE (the 4-tuple is in use), -ENOBUFS (a limit),
 * -ENETUNREACH (no next hop). */
int stack_connect(struct stack *s, const struct stack_open *o, uint64_t now, uint32_t *conn);

uint64_t *stack_app(struct stack *s, uint32_t conn); /* the application's 8 octets */
const struct tcb *stack_tcb(const struct stack *s, uint32_t conn);
/* Handles are below this (max_conns, as long as there is one group). */
uint32_t stack_conn_limit(const struct stack *s);
/* The first handle not less than `from` that is a connection in a synchronized state, or
 * UINT32_MAX: to walk all. */
uint32_t stack_next_conn(const struct stack *s, uint32_t from);
/* Brings what stack_send on this connection will touch towards the cache. */
void stack_prefetch(const struct stack *s, uint32_t conn);

uint32_t stack_send_room(const struct stack *s, uint32_t conn);
/* Queues octets (copied); returns how many were taken. When fewer than len, a STACK_WRITABLE event
 * will follow. */
uint32_t stack_send(struct stack *s, uint32_t conn, const void *data, uint32_t len);
/* While handling STACK_DATA: the last `len` octets of it are not taken; they are kept, and come
 * again by stack_read. Stops the peer when the window is full. */
void stack_keep(struct stack *s, const struct stack_event *ev, uint32_t len);
/* The front of what is kept: *data and its length, 0 when nothing is. */
uint32_t stack_read(struct stack *s, uint32_t conn, const uint8_t **data);
void stack_read_done(struct stack *s, uint32_t conn, uint32_t n);
/* FIN after what is queued. Received octets are still delivered until the peer's FIN. Octets that
 * are kept can still be read; if nobody does, they go with the connection. */
void stack_close(struct stack *s, uint32_t conn, uint64_t now);
/* RST. STACK_CLOSED follows. */
void stack_abort(struct stack *s, uint32_t conn, uint64_t now);

/* --- events --- */

enum stack_event_type {
	STACK_ACCEPTED,	 /* passive open is complete; listener says whose */
	STACK_CONNECTED, /* active open is complete */
	STACK_FAILED,	 /* active open failed: why; the handle ends here */
	/* data, len: in order, by reference into a frame of this burst; taken unless stack_keep
	 * says otherwise. Comes only while nothing is kept. */
	STACK_DATA,
	/* stack_read has octets that came now: a gap was filled, or something was kept before. */
	STACK_READABLE,
	STACK_EOF, /* the peer has closed his side, and all he sent has been handed up or read */
	STACK_WRITABLE, /* room in the send queue again */
	STACK_SENT,	/* all that was queued is acknowledged (when asked for) */
	STACK_VISIT,	/* stack_listener.visit_ns: is it getting on? */
	/* Over: why; the handle ends here. Orderly ends are told when TIME-WAIT begins or LAST-ACK
	 * is over, but not before what is kept has been read. */
	STACK_CLOSED,
};

enum stack_why {
	STACK_WHY_NONE,
	STACK_WHY_RESET,
	STACK_WHY_TIMEOUT,
	STACK_WHY_UNREACHABLE,
	STACK_WHY_ABORT,
	STACK_WHY_SHED, /* memory was short, and others needed it more */
};

struct stack_event {
	uint32_t conn;
	uint8_t type;	  /* enum stack_event_type */
	uint8_t why;	  /* enum stack_why */
	uint8_t listener; /* row; 0 for our own connections */
	uint8_t lane;	  /* 0 */
	const uint8_t *data;
	uint32_t len;
	uint64_t app; /* the application's 8 octets at the time of the event */
};

/* The next event, or NULL; valid until the next call. All must be taken before stack_output, and
 * frames stay valid until then. */
const struct stack_event *stack_next_event(struct stack *s);

/* --- frames --- */

/* How many empty frames the stack would like now (0: its stock is full), and giving them: each with
 * room for tcp.mss + 94 octets. */
unsigned stack_frames_short(const struct stack *s);
void stack_give_frames(struct stack *s, const struct frame *f, unsigned n);
/* Takes empty frames and unsent ones back, at the end. */
unsigned stack_take_frames(struct stack *s, struct frame *f, unsigned max);

void stack_input(struct stack *s, uint64_t now, const struct frame *f, unsigned n);
/* Wakes the connections for which something is due (at most a bounded number a call), so that
 * stack_output does it; returns the next deadline, UINT64_MAX for none. */
uint64_t stack_timers(struct stack *s, uint64_t now);
/* Lets every connection with work send, as far as frames and transmit room go. Frames that a port
 * has not taken for 200 ms are dropped. True: something waits (for frames, for the port to take
 * some, for stack_next_event): come again soon. */
bool stack_output(struct stack *s, uint64_t now);
/* Frames waiting to leave by netif: *f and how many; then how many the port took. */
unsigned stack_tx(struct stack *s, unsigned netif, const struct frame **f);
void stack_tx_done(struct stack *s, unsigned netif, unsigned taken);

/* --- counters --- */

/* clang-format off */
#define STACK_STATS(X)                                                                             \
	X(rx_frames) X(rx_octets) X(tx_frames) X(tx_octets)                                        \
	X(arp_in) X(arp_out) X(icmp_in) X(icmp_out) X(tcp_in) X(tcp_out) X(udp_in)                 \
	X(drop_not_ours)      /* another MAC or IP address */                                      \
	X(drop_no_listener)   /* SYN to a closed port: answered by RST */                          \
	X(drop_no_connection) /* segment of no connection: answered by RST unless it is one */     \
	X(drop_bad_syn)	      /* to LISTEN: SYN with FIN, or none of SYN, ACK and RST */           \
	X(syn_cookies_sent)   /* SYNs answered without being remembered */                         \
	X(syn_cookies_ok)     /* connections made from the ACK of one */                           \
	X(syn_cookies_bad)    /* ACKs that came while cookies were out and are of none */          \
	X(half_open_source)   /* of those sent: because of the limit of one source */              \
	X(drop_max_conns)                                                                          \
	X(drop_no_frame)      /* an answer (ARP, ICMP, RST) for which no frame or room was left */ \
	X(drop_no_neighbour)  /* nobody answers for the next hop; TCP sends again */               \
	X(drop_event)	      /* event queue full: the segment was treated as lost */              \
	X(drop_no_memory)     /* octets for which no memory was left: treated as lost */           \
	X(drop_tx)	      /* frames that the port did not take in time */                      \
	X(drop_rate_limit)    /* RST or ICMP answers above the limit */                            \
	X(icmp_ignored)       /* source quench, redirect, timestamp, mask, all that is no echo or error */ \
	X(arp_conflicts)      /* a second station says that it has a neighbour's address */        \
	X(arp_conflicts_self) /* ... that it has one of ours */                                    \
	X(frags_in) X(frags_reassembled) X(frags_duplicate)                                        \
	X(drop_frag_overlap)  /* fragments: see frag.h */                                          \
	X(drop_frag_format) X(drop_frag_source) X(drop_frag_full) X(drop_frag_timeout)             \
	X(shed_half_open)     /* ended because a new connection needed the memory: see shed.c */    \
	X(shed_time_wait)                                                                          \
	X(shed_no_progress)                                                                        \
	X(shed_idle)
/* clang-format on */

struct stack_stats {
#define STACK_STATS_MEMBER(name) uint64_t name;
	STACK_STATS(STACK_STATS_MEMBER)
#undef STACK_STATS_MEMBER
	uint64_t drop[PKT_N_DROPS]; /* by enum pkt_drop */
	struct tcp_stats tcp;
	/* gauges */
	uint32_t conns;	      /* tcbs in use, TIME-WAIT included */
	uint32_t established; /* ESTABLISHED and later, without TIME-WAIT */
	uint32_t half_open, time_wait;
	uint32_t active, active_peak;
	uint64_t mem_bytes; /* connection memory touched so far */
};
void stack_stats(const struct stack *s, struct stack_stats *out);

/* Asserts every invariant, O(connections): tests. */
void stack_check(const struct stack *s);

#endif
