/* table.c - bulk transfers over one bottleneck, measured in virtual time: exact, so that a diff shows every change. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/table.h"

#include <stdio.h>
#include <string.h>

#include "draw.h"

enum { BULK = 1u << 30, WINDOW = 4 << 20 };
#define RUN_NS	  (10 * S)
#define SETTLE_NS (5 * S)

/* Half of the round trip in each direction; the bottleneck's queue holds one round trip, or 64 KB. */
static void
set_link(struct knobs *k, uint64_t rtt_ns, uint64_t rate_bps, double loss)
{
	const uint64_t bdp = rate_bps / 8 * rtt_ns / S;

	for (unsigned d = 0; d < 2; d++) {
		k->link[d].delay_ns = rtt_ns / 2;
		k->link[d].rate_bps = rate_bps;
		k->link[d].queue_bytes = (uint32_t)(bdp > 65536 ? bdp : 65536);
	}
	k->link[0].loss = loss;
}

static void
set_host(struct host_knobs *h, unsigned n, enum tcp_cc cc, bool sack)
{
	stack_conf_default(&h->conf);
	h->conf.max_conns = h->conf.max_active = 2 * n + 8;
	h->conf.max_half_open = h->conf.max_half_open_per_source = h->conf.max_conns;
	h->conf.blocks_small = 8192;
	h->conf.blocks_large = 32768;
	h->conf.max_listeners = 4;
	h->conf.tcp.rcvbuf = h->conf.tcp.sndbuf = WINDOW / (n < 8 ? 1 : 8);
	h->conf.tcp.sack = sack;
	h->profile.cc = (uint8_t)cc;
	h->conf.profile = h->profile;
	h->mtu = 1500;
	h->stock = 512;
	h->jump_at = h->refuse_at = h->poor_at = h->starve_step = UINT64_MAX;
}

/* n flows from A to B, which begin 100 ms after each other. */
static void
set_flows(struct knobs *k, unsigned n)
{
	k->n_conns = n;
	for (unsigned i = 0; i < n; i++) {
		struct conn_knobs *c = &k->conn[i];

		c->close_both_at = UINT64_MAX;
		c->end[0] = (struct end_knobs){.opens = true,
					       .total = BULK,
					       .write_chunk = 16384,
					       .read_chunk = 65536,
					       .abort_at = UINT64_MAX};
		c->end[1] = c->end[0];
		c->end[1].opens = false;
		c->end[1].total = 0;
		c->end[1].close_after_eof = true;
		c->open_at[0] = i * 100 * MS;
	}
}

static void
set_knobs(struct knobs *k, unsigned n, enum tcp_cc cc, bool sack)
{
	memset(k, 0, sizeof(*k));
	for (unsigned i = 0; i < 2; i++)
		set_host(&k->host[i], n, cc, sack);
	set_flows(k, n);
	k->heal_at = 1000 * S;
	for (unsigned i = 0; i < SIM_AMBUSHES; i++)
		k->ambush[i].event = COVER_N_EVENTS;
	k->batch = 32;
	k->distinct = false;
}

/* Octets that each flow has brought between SETTLE_NS and RUN_NS after the last one began; the world is left
 * as it is then. */
static void
measure(struct world *w, uint64_t *octets)
{
	const unsigned n = w->k.n_conns;
	const uint64_t begins = w->k.conn[n - 1].open_at[0] + SETTLE_NS, ends = begins + RUN_NS;

	world_begin(w);
	while (w->t < w->start + begins && world_step(w))
		continue;
	for (unsigned i = 0; i < n; i++)
		octets[i] = w->conn[i].end[1].read;
	while (w->t < w->start + ends && world_step(w))
		continue;
	for (unsigned i = 0; i < n; i++)
		octets[i] = w->conn[i].end[1].read - octets[i];
	world_leave(w);
}

static const char *
cc_name(enum tcp_cc cc)
{
	return cc == TCP_CC_CUBIC ? "cubic" : "newreno";
}

static void
goodput_row(struct world *w, uint64_t rtt_ms, unsigned loss_ppm)
{
	const uint64_t rate_bps = 20000000;

	for (unsigned cc = TCP_CC_CUBIC; cc <= TCP_CC_NEWRENO; cc++)
		for (unsigned sack = 0; sack < 2; sack++) {
			uint64_t octets;

			w->seed = 1;
			set_knobs(&w->k, 1, (enum tcp_cc)cc, sack != 0);
			set_link(&w->k, rtt_ms * MS, rate_bps, loss_ppm / 1e6);
			measure(w, &octets);
			printf("%llu,%u,%s,%u,%llu\n", (unsigned long long)rtt_ms, loss_ppm,
			       cc_name((enum tcp_cc)cc), sack,
			       (unsigned long long)(octets * 8 / 1000 * S / RUN_NS));
		}
}

static void
print_goodput(struct world *w)
{
	static const unsigned rtt_ms[] = {1, 10, 100, 300}, loss_ppm[] = {0, 1000, 10000, 50000};

	printf("rtt_ms,loss_ppm,cc,sack,goodput_kbps\n");
	for (unsigned r = 0; r < N_OF(rtt_ms); r++)
		for (unsigned l = 0; l < N_OF(loss_ppm); l++)
			goodput_row(w, rtt_ms[r], loss_ppm[l]);
}

/* Jain 1984: 1 when all have the same, 1/n when one has all; in thousandths. */
static unsigned
jain_milli(const uint64_t *x, unsigned n)
{
	unsigned __int128 sum = 0, squares = 0;

	for (unsigned i = 0; i < n; i++) {
		sum += x[i];
		squares += (unsigned __int128)x[i] * x[i];
	}
	return squares == 0 ? 0 : (unsigned)(sum * sum * 1000 / (squares * n));
}

static void
fairness_row(struct world *w, unsigned n, enum tcp_cc cc)
{
	uint64_t x[SIM_CONNS], sum = 0, least = UINT64_MAX;

	w->seed = 1;
	set_knobs(&w->k, n, cc, true);
	set_link(&w->k, 20 * MS, 50000000, 0);
	measure(w, x);
	for (unsigned i = 0; i < n; i++) {
		sum += x[i];
		least = x[i] < least ? x[i] : least;
	}
	printf("%u,%s,%u,%llu,%llu\n", n, cc_name(cc), jain_milli(x, n),
	       (unsigned long long)(sum * 8 / 1000 * S / RUN_NS),
	       (unsigned long long)(least * 8 / 1000 * S / RUN_NS));
}

static void
print_fairness(struct world *w)
{
	printf("flows,cc,jain_milli,sum_kbps,least_kbps\n");
	for (unsigned n = 1; n <= 64; n *= 2)
		for (unsigned cc = TCP_CC_CUBIC; cc <= TCP_CC_NEWRENO; cc++)
			fairness_row(w, n, (enum tcp_cc)cc);
}

bool
table_print(struct world *w, const char *name)
{
	static struct report unused;

	w->r = &unused;
	if (strcmp(name, "goodput") == 0)
		print_goodput(w);
	else if (strcmp(name, "fairness") == 0)
		print_fairness(w);
	else
		return false;
	return true;
}
