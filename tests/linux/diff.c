/* diff.c - our TCP against Linux's: the checklist's rows, then random steps; every difference must be a known one. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/linux/diff.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/opt.h"

/* One connection is one stream of random numbers: --seed S --duel K plays just that again. */
struct conf {
	uint64_t steps, seed, duel, shown;
	const char *row, *table;
	bool rows, trace, sack;
};

static const struct opt options[] = {
    {"steps", 'n', OPT_COUNT, offsetof(struct conf, steps), "N", "100k", 0, 1e12, NULL, NULL,
     "random steps after the rows of the checklist"},
    {"seed", 's', OPT_COUNT, offsetof(struct conf, seed), "N", "1", 0, 0, NULL, NULL,
     "of the random steps"},
    {"duel", 'k', OPT_COUNT, offsetof(struct conf, duel), "K", NULL, 0, 0, NULL, NULL,
     "play that connection alone, and show it"},
    {"row", 'r', OPT_STRING, offsetof(struct conf, row), "ID", NULL, 0, 0, NULL, NULL,
     "play that row of the checklist alone, and show it"},
    {"rows", 0, OPT_BOOL, offsetof(struct conf, rows), NULL, "yes", 0, 0, NULL, NULL,
     "the rows of the checklist"},
    {"sack", 0, OPT_BOOL, offsetof(struct conf, sack), NULL, "yes", 0, 0, NULL, NULL,
     "selective acknowledgements are offered"},
    {"trace", 't', OPT_BOOL, offsetof(struct conf, trace), NULL, "no", 0, 0, NULL, NULL,
     "show every step"},
    {"shown", 0, OPT_COUNT, offsetof(struct conf, shown), "N", "10", 0, 0, NULL, NULL,
     "unexplained differences that are shown"},
    {"table", 0, OPT_STRING, offsetof(struct conf, table), "FILE", "tests/packet/DIFFERENCES", 0, 0,
     NULL, NULL, "the known differences"},
    {0},
};

static const struct opt_spec spec = {
    .usage = "linux_diff [options]",
    .summary =
	"Plays segments and user calls to Linux and to our stack and compares what each does.",
    .opts = options,
};

struct tally diff_tally;

/* Linux has timers of 8 ms and more. Who was kept waiting so long by the machine cannot tell. */
#define TIMER_S 0.004
static struct conf conf;
static struct duel duel;

static void
show(const struct duel *d, unsigned step)
{
	static const char *const who[3] = {"      ", " Linux", "  ours"};

	for (unsigned i = 0; i < 3; i++)
		printf("%s %s\n", who[i], d->note[step % DUEL_STEPS][i]);
}

void
diff_show(const struct duel *d)
{
	unsigned first = d->n_steps > DUEL_STEPS ? d->n_steps - DUEL_STEPS : 0;

	if (d->row)
		printf("--- row %s", d->row);
	else
		printf("--- connection %" PRIu64 " of seed %" PRIu64, d->id, d->seed);
	printf(": %s\n", d->what ? d->what : "the same");
	for (unsigned i = first; i < d->n_steps; i++)
		show(d, i);
	if (d->row)
		printf("    again: linux_diff --row %s\n", d->row);
	else
		printf("    again: linux_diff --seed %" PRIu64 " --duel %" PRIu64 "\n", d->seed,
		       d->id);
}

double
diff_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

bool
diff_judge(struct duel *d, const struct step *s)
{
	const struct reason *r = diff_explain(d, s);

	diff_tally.differences++;
	if (!r && diff_seconds() - d->since > TIMER_S) {
		d->slow = true;
		diff_tally.slow++;
		return false;
	}
	if (r) {
		diff_explain_count(r);
		if (diff_tally.trace)
			printf("    %s: %s\n", d->what, r->id);
		return r->goes_on;
	}
	if (diff_tally.unexplained++ < conf.shown)
		diff_show(d);
	return false;
}

static void
play_random(void)
{
	if (opt_given("duel")) {
		duel_begin(&duel, conf.seed, conf.duel);
		diff_random(&duel);
		diff_show(&duel);
		return;
	}
	uint64_t end = diff_tally.steps + conf.steps;

	for (uint64_t id = 0; diff_tally.steps < end; id++) {
		duel_begin(&duel, conf.seed, id);
		diff_random(&duel);
	}
}

int
main(int argc, char **argv)
{
	double start;
	unsigned rows = 0;

	log_init(argv[0]);
	opt_parse(&spec, argc, argv, &conf, NULL, NULL);
	diff_tally.trace = conf.trace || conf.row || opt_given("duel");
	diff_explain_check(conf.table);
	diff_linux_start();
	diff_ours_start(conf.sack);
	start = diff_seconds();
	if (conf.row || (conf.rows && !opt_given("duel")))
		rows = diff_rows(&duel, conf.row);
	if (!conf.row)
		play_random();
	printf("%u rows, %" PRIu64 " steps, %" PRIu64 " connections, %" PRIu64 " and %" PRIu64
	       " answers, %" PRIu64 " octets read, %.1f s\n",
	       rows, diff_tally.steps, diff_tally.duels, diff_tally.segments[0],
	       diff_tally.segments[1], diff_tally.octets, diff_seconds() - start);
	printf("%" PRIu64 " differences, %" PRIu64 " of them too late to judge, %" PRIu64
	       " unexplained\n",
	       diff_tally.differences, diff_tally.slow, diff_tally.unexplained);
	diff_explain_report();
	return diff_tally.unexplained ? EXIT_ENVIRONMENT : 0;
}
