/* sim.c - two whole hosts, a bad link, bad luck and bad people, in virtual time: by the hundred thousand. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/opt.h"
#include "jobs.h"
#include "shrink.h"
#include "table.h"
#include "world.h"

static struct world *world;
static const char *program;

/* Whatever ends a scenario before its time: which one it was, and how to see it again. */
static void
say_seed(void)
{
	fprintf(stderr, "seed %llu: ", (unsigned long long)world->seed);
	knobs_print(&world->k, stderr);
	fprintf(stderr, "replay: %s --seed %llu -v --burst %u", program,
		(unsigned long long)world->seed, world->burst);
	if (world->k.without)
		fprintf(stderr, " --without %#llx", (unsigned long long)world->k.without);
	fprintf(stderr, "\n");
}

static void
died(int signal_number)
{
	(void)signal_number;
	fflush(stdout);
	say_seed();
	_exit(1);
}

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void
watch_death(void)
{
	signal(SIGABRT, died);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(say_seed);
	else
		signal(SIGSEGV, died);
}

/* --- options --- */

struct conf {
	uint64_t scenarios, seed, burst, jobs, least;
	bool verbose, hash, shrink, progress;
	const char *without, *table;
};

#define AT(field) offsetof(struct conf, field)

static const struct opt opts[] = {
    {"scenarios", 'n', OPT_COUNT, AT(scenarios), "N", "1000", 1, 1e12, NULL, NULL,
     "how many, by seeds that follow each other"},
    {"seed", 's', OPT_COUNT, AT(seed), "N", "1", 0, 1e18, NULL, NULL,
     "the first of them; without --scenarios, this one alone"},
    {"burst", 'b', OPT_COUNT, AT(burst), "N", "32", 1, 32, NULL, NULL,
     "frames that a stack is handed at a time, at most"},
    {"jobs", 'j', OPT_COUNT, AT(jobs), "N", "1", 1, 64, NULL, NULL, "processes"},
    {"without", 'w', OPT_STRING, AT(without), "NAMES", NULL, 0, 0, NULL, NULL,
     "families of knobs that are left alone: loss,dup,... or their bits"},
    {"least", 0, OPT_COUNT, AT(least), "N", "0", 0, 1e12, NULL, NULL,
     "each pair of state and event must be met as often"},
    {"hash", 0, OPT_BOOL, AT(hash), NULL, "no", 0, 0, NULL, NULL,
     "a line for each seed: the hash of all its frames"},
    {"verbose", 'v', OPT_BOOL, AT(verbose), NULL, "no", 0, 0, NULL, NULL,
     "each frame, and what the users do"},
    {"progress", 0, OPT_BOOL, AT(progress), NULL, "no", 0, 0, NULL, NULL,
     "rate and time left on stderr"},
    {"shrink", 0, OPT_BOOL, AT(shrink), NULL, "no", 0, 0, NULL, NULL,
     "finds what a seed that fails can do without and still fail"},
    {"table", 0, OPT_STRING, AT(table), "NAME", NULL, 0, 0, NULL, NULL,
     "goodput or fairness, as CSV"},
    {.name = NULL},
};

static const struct opt_spec spec = {
    .usage = "sim [options]",
    .summary = "Simulates two TCP hosts and a bad link in virtual time.",
    .opts = opts,
    .footer = "  sim -n 200k -j 2      sim -s 4711 -v      sim -s 4711 --shrink\n",
};

static uint32_t
parse_without(const char *names)
{
	char *copy, *end, *save = NULL;
	uint64_t bits = 0;

	if (names == NULL)
		return 0;
	bits = strtoull(names, &end, 0);
	if (*end == '\0')
		return bits;
	copy = strdup(names);
	for (char *n = strtok_r(copy, ",", &save); n; n = strtok_r(NULL, ",", &save)) {
		unsigned f = 0;

		while (f < KNOB_N_FAMILIES && strcmp(knob_family_name(f), n) != 0)
			f++;
		if (f == KNOB_N_FAMILIES)
			die_usage("--without: no family of knobs is called %s", n);
		bits |= UINT64_C(1) << f;
	}
	free(copy);
	return bits;
}

static int
run_many(const struct conf *c, uint64_t without)
{
	const struct jobs j = {.first = c->seed,
			       .n = opt_given("seed") && !opt_given("scenarios") ? 1 : c->scenarios,
			       .without = without,
			       .jobs = (unsigned)c->jobs,
			       .print_hashes = c->hash,
			       .progress = c->progress};
	const double began = jobs_seconds();
	struct report sum;
	unsigned missing = 0;

	if (!jobs_run(world, &j, &sum))
		return 1;
	if (c->hash)
		return 0;
	jobs_print(&sum, jobs_seconds() - began, j.jobs);
	if (j.n > 1)
		missing = cover_print(&sum.cover, c->least);
	if (missing > 0)
		fprintf(stderr, "%u pairs of state and event met less than %llu times\n", missing,
			(unsigned long long)c->least);
	return missing > 0;
}

int
main(int argc, char **argv)
{
	struct conf c = {.scenarios = 0};
	uint64_t without;

	program = argv[0];
	opt_parse(&spec, argc, argv, &c, NULL, NULL);
	without = parse_without(c.without);
	world = world_new();
	world->burst = (unsigned)c.burst;
	world->verbose = c.verbose;
	if (c.verbose)
		setvbuf(stdout, NULL, _IOLBF, 0);
	if (c.shrink)
		return shrink(world, c.seed, without);
	watch_death();
	if (c.table) {
		if (!table_print(world, c.table))
			die_usage("--table: %s is none; goodput and fairness are", c.table);
		return 0;
	}
	return run_many(&c, without);
}
