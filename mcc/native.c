/* native.c - the load over our own stack: EAL, the wire, a stack for each thread, and a common start. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcc/native.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/units.h"
#include "inet/addr.h"
#include "mcc/carrier.h"

/* Buffers: the stack's stock and what is in the rings, for each thread. */
enum { FRAMES = 4096, FRAMES_PER_THREAD = 8192 };
/* Connections with something in flight: a burst, or the SYNs of a round trip. Memory for them is taken as they come. */
enum { ACTIVE_MIN = 1 << 16, ACTIVE_MAX = 1 << 20, ACTIVE_SHARE = 16 };
/* Beside those that are wanted: lost ones that still say goodbye. */
enum { SPARE_CONNS = 1024, SPARE_SHARE = 16 };
#define SAY_NS UINT64_C(1000000000) /* of waiting before it is said */

static void
start_dp(const struct conf *c)
{
	static char cores[32];
	char err[DP_ERRBUF];
	struct dp_conf dc = {
	    .program = "mcc",
	    .cores = c->cores,
	    .huge = c->huge,
	    .frames = FRAMES + FRAMES_PER_THREAD * c->threads,
	    .poll = c->poll,
	    .share = c->share,
	    .eal_argc = c->eal_argc,
	    .eal_argv = c->eal_argv,
	};

	if (!c->cores && c->threads > 1) {
		snprintf(cores, sizeof(cores), "0-%u", c->threads - 1);
		dc.cores = cores;
	}
	if (dp_init(&dc, err))
		die("%s", err);
}

static uint32_t
smaller(uint64_t a, uint64_t b)
{
	return (uint32_t)(a < b ? a : b);
}

static uint32_t
larger(uint64_t a, uint64_t b)
{
	return (uint32_t)(a > b ? a : b);
}

static void
fill_stack_conf(struct stack_conf *sc, const struct conf *c, unsigned threads)
{
	const uint64_t own = c->conns / threads + 1;
	const uint64_t active = larger(c->burst, own / ACTIVE_SHARE);

	stack_conf_default(sc);
	sc->max_conns = (uint32_t)(own + own / SPARE_SHARE + SPARE_CONNS);
	sc->max_active = smaller(larger(active, ACTIVE_MIN), ACTIVE_MAX);
	sc->blocks_small = sc->max_active;
	sc->blocks_large = sc->max_active;
	sc->reserve = mem_reserve;
	sc->release = mem_release;
	sc->profile.quickack = true; /* the server's buffers are free the sooner */
	sc->profile.nodelay = true;
	sc->profile.notify_sent = true; /* an ACK settles a heartbeat */
	tcp_flags_fill(&c->tcp, &sc->tcp);
	tcp_flags_fill_profile(&c->tcp, &sc->profile);
	sc->now = dp_now_ns();
	rng_secret(sc->secret);
}

static void
add_netif(const struct native *n, struct dp_port *port)
{
	const struct conf *c = n->conf;
	struct stack_netif_conf nc = {
	    .mtu = dp_port_mtu(port),
	    .trust_checksums = dp_port_partial_checksums(port),
	};
	int err;

	memcpy(nc.mac, dp_port_mac(port), sizeof(nc.mac));
	err = addr_add_range(&nc.addrs, c->ip.addr, (uint32_t)c->ips, c->ip.len);
	if (err == 0 && c->gateway)
		err = addr_set_gateway(&nc.addrs, c->gateway);
	if (err == 0)
		err = stack_add_netif(n->stack, &nc);
	if (err < 0)
		die("--ip, --gateway: %s", strerror(-err));
}

static void
init_thread(struct native *n, struct native_run *r, unsigned thread)
{
	const uint64_t own = r->conf->conns / r->n + 1;
	struct stack_conf sc;

	*n = (struct native){.run = r,
			     .conf = r->conf,
			     .thread = thread,
			     .shards = r->n,
			     .wire_was_up = true,
			     .exchange = &r->report->exchange[thread]};
	fill_stack_conf(&sc, r->conf, r->n);
	n->stack = stack_new(&sc);
	if (n->stack) {
		n->slots = mem_reserve(own * sizeof(*n->slots));
		n->numbers = mem_reserve(stack_conn_limit(n->stack) * sizeof(*n->numbers));
	}
	if (!n->stack || !n->slots || !n->numbers)
		die("no address space for %" PRIu64 " connections: %m; give fewer (-c)",
		    r->conf->conns);
	add_netif(n, r->port);
	dp_idle_add(thread, r->port, (uint16_t)thread);
}

/* --- a common start --- */

/* By the thread that comes last. */
static void
go(struct native_run *r)
{
	struct client_conf cc;

	r->start_ns = dp_now_ns();
	for (unsigned i = 0; i < r->n; i++) {
		struct native *n = &r->threads[i];

		conf_client(r->conf, i, r->n, &cc);
		if (client_init(&n->client, &cc, r->start_ns, n->exchange->side[0]))
			die("no address space for %" PRIu64 " connections", r->conf->conns);
		exchange_start(n->exchange, &n->client, r->start_ns);
	}
	if (report_start(r->report, r->n,
			 r->threads[0].client.by_answer | r->threads[0].client.by_ack, r->start_ns))
		die("cannot start a thread: %m");
	atomic_store(&r->go, true);
}

static void
say_waiting(const struct native *n)
{
	const uint32_t hop = n->conf->gateway ? n->conf->gateway : n->conf->dest;
	char addr[32];

	log_info("waiting for %s to answer ARP on %s", units_print_ipv4(addr, sizeof(addr), hop),
		 wire_name(n->run->port));
}

bool
native_meet(struct native *n)
{
	struct native_run *r = n->run;
	const uint64_t say_ns = dp_now_ns() + SAY_NS;
	bool resolved = false, said = false;

	while (!atomic_load(&r->go)) {
		const uint64_t now = dp_now_ns();

		if (carrier_is_stopped() || now >= r->give_up_ns)
			atomic_store(&r->gave_up, true);
		if (atomic_load(&r->gave_up))
			return false;
		if (!resolved && stack_resolve(n->stack, n->conf->dest, now)) {
			resolved = true;
			if (atomic_fetch_add(&r->ready, 1) + 1 == r->n)
				go(r);
		}
		if (!resolved && !said && n->thread == 0 && now > say_ns) {
			say_waiting(n);
			said = true;
		}
		native_turn(n, false);
	}
	return true;
}

/* --- the end --- */

static void
free_thread(struct native *n)
{
	struct frame f[DP_BURST];
	unsigned k;

	while ((k = stack_take_frames(n->stack, f, DP_BURST)) > 0)
		dp_frames_put(f, k);
	mem_release(n->numbers, stack_conn_limit(n->stack) * sizeof(*n->numbers));
	stack_free(n->stack);
	mem_release(n->slots, (n->conf->conns / n->shards + 1) * sizeof(*n->slots));
	app_fini(&n->client.app);
}

/* What the stack dropped, and why; for -v. */
static void
say_drops(const struct native *n)
{
	struct stack_stats st;

	stack_stats(n->stack, &st);
#define SAY(name)                                   \
	if (st.name && !strncmp(#name, "drop_", 5)) \
		log_debug("stack: %s %" PRIu64, #name, st.name);
	STACK_STATS(SAY)
#undef SAY
#define SAY(name)        \
	if (st.tcp.name) \
		log_debug("tcp: %s %" PRIu64, #name, st.tcp.name);
	TCP_STATS(SAY)
#undef SAY
}

/* What has not come when the whole run would be over will not come. */
static uint64_t
give_up_ns(const struct conf *c)
{
	return c->duration_ns ? dp_now_ns() + c->duration_ns : UINT64_MAX;
}

bool
native_run(const struct conf *c, struct report *report)
{
	struct native_run r = {.conf = c, .report = report};
	bool ran;

	start_dp(c);
	r.port = wire_open(c, give_up_ns(c), &r.peer);
	if (!r.port && !carrier_is_stopped())
		die("nobody came on %s in the time of --duration",
		    c->port ? c->port : "memif:client or memif:server");
	if (!r.port)
		return false;
	r.give_up_ns = give_up_ns(c);
	r.n = smaller(dp_n_workers(), dp_port_queues(r.port));
	if (r.n < c->threads)
		log_info("%s has %u queue%s, so %u thread%s of load", wire_name(r.port), r.n,
			 r.n == 1 ? "" : "s", r.n, r.n == 1 ? "" : "s");
	r.threads = calloc(r.n, sizeof(*r.threads));
	if (!r.threads)
		die("no memory");
	for (unsigned i = 0; i < r.n; i++)
		init_thread(&r.threads[i], &r, i);
	dp_run(native_loop, &r);
	ran = atomic_load(&r.go);
	if (!ran && !carrier_is_stopped())
		die("nobody answers ARP on %s in the time of --duration", wire_name(r.port));
	for (unsigned i = 0; i < r.n; i++) {
		say_drops(&r.threads[i]);
		free_thread(&r.threads[i]);
	}
	free(r.threads);
	dp_port_close(r.port);
	dp_fini();
	return ran;
}
