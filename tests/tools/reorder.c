/* reorder.c - a wire between two ports that keeps some frames back, so that later ones overtake them. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/rng.h"
#include "dp/dp.h"

static const char usage[] =
    "usage: reorder [-r RATIO] [-k DELAY_US] [-S SEED] [-s] SPEC SPEC (-s: server of a memif)";

enum { KEPT_MAX = 8192, FRAMES = 32768 };

/* One direction. Those kept back are in order of time, since all are kept equally long. */
struct way {
	struct dp_port *from, *to;
	uint32_t head, n; /* of kept */
	struct frame kept[KEPT_MAX];
	uint64_t due_ns[KEPT_MAX];
	struct rng rng;
	uint64_t passed, overtaken, dropped;
};

static double ratio = 0.02;
static uint64_t delay_ns = 2000000, seed = 1;
static bool server;
static volatile sig_atomic_t stop;
static struct way ways[2];

static void
on_signal(int sig)
{
	(void)sig;
	stop = 1;
	dp_wake(0);
}

static void
pass_on(struct way *w, const struct frame *f, unsigned n)
{
	unsigned sent = dp_tx(w->to, 0, f, n);

	w->passed += sent;
	w->dropped += n - sent;
	dp_frames_put(f + sent, n - sent);
}

static void
keep(struct way *w, const struct frame *f, uint64_t now)
{
	uint32_t i = (w->head + w->n++) % KEPT_MAX;

	w->kept[i] = *f;
	w->due_ns[i] = now + delay_ns;
	w->overtaken++;
}

static bool
let_go(struct way *w, uint64_t now)
{
	bool any = false;

	for (; w->n > 0 && w->due_ns[w->head] <= now; w->n--, any = true) {
		pass_on(w, &w->kept[w->head], 1);
		w->head = (w->head + 1) % KEPT_MAX;
	}
	return any;
}

static bool
turn(struct way *w, uint64_t now)
{
	struct frame f[DP_BURST];
	unsigned n = dp_rx(w->from, 0, f, DP_BURST), pass = 0;
	bool any = let_go(w, now);

	for (unsigned i = 0; i < n; i++) {
		if (w->n < KEPT_MAX && rng_chance(&w->rng, ratio))
			keep(w, &f[i], now);
		else
			f[pass++] = f[i];
	}
	if (pass > 0)
		pass_on(w, f, pass);
	return any || n > 0;
}

static uint64_t
next_due(void)
{
	uint64_t at = UINT64_MAX;

	for (unsigned i = 0; i < 2; i++)
		if (ways[i].n > 0 && ways[i].due_ns[ways[i].head] < at)
			at = ways[i].due_ns[ways[i].head];
	return at;
}

static void
run(unsigned worker, void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < 2; i++)
		dp_idle_add(worker, ways[i].from, 0);
	while (!stop) {
		uint64_t now = dp_now_ns();
		bool busy = turn(&ways[0], now);

		busy |= turn(&ways[1], now);
		dp_idle(worker, busy, next_due());
	}
}

static void
parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "r:k:S:s")) != -1) {
		if (c == 'r')
			ratio = atof(optarg);
		else if (c == 'k')
			delay_ns = strtoull(optarg, NULL, 0) * 1000;
		else if (c == 'S')
			seed = strtoull(optarg, NULL, 0);
		else if (c == 's')
			server = true;
		else
			die_usage("%s", usage);
	}
	if (argc - optind != 2)
		die_usage("%s", usage);
}

int
main(int argc, char **argv)
{
	char err[DP_ERRBUF];
	struct dp_port *port[2];

	log_init(argv[0]);
	parse(argc, argv);
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
	if (dp_init(&(struct dp_conf){.program = "reorder", .huge = 0, .frames = FRAMES}, err))
		die("%s", err);
	for (unsigned i = 0; i < 2; i++) {
		const struct dp_port_conf conf = {.spec = argv[optind + (int)i],
						  .promiscuous = true,
						  .queues = 1,
						  .server = server};

		port[i] = dp_port_open(&conf, err);
		if (!port[i])
			die("%s", err);
	}
	for (unsigned i = 0; i < 2; i++) {
		ways[i] = (struct way){.from = port[i], .to = port[!i]};
		rng_seed(&ways[i].rng, seed, i);
	}
	log_info("open");
	dp_run(run, NULL);
	for (unsigned i = 0; i < 2; i++)
		log_info("%s: %lu passed, %lu of them late, %lu dropped", i ? "back" : "there",
			 (unsigned long)ways[i].passed, (unsigned long)ways[i].overtaken,
			 (unsigned long)ways[i].dropped);
	return 0;
}
