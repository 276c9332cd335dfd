/* jobs.c - each process takes every nth seed, and counts in memory that all see. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/jobs.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { JOBS_MAX = 64, PROGRESS_S = 10 };

double
jobs_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
run_share(struct world *w, const struct jobs *j, unsigned which, struct report *r)
{
	w->r = r;
	for (uint64_t i = which; i < j->n; i += j->jobs) {
		const uint64_t hash = world_run(w, j->first + i, j->without);

		if (j->print_hashes)
			printf("%llu %016llx\n", (unsigned long long)(j->first + i),
			       (unsigned long long)hash);
	}
}

/* A report is nothing but counters. */
static void
add_report(struct report *sum, const struct report *r)
{
	const uint64_t *from = (const uint64_t *)r;
	uint64_t *to = (uint64_t *)sum;

	for (size_t i = 0; i < sizeof(*r) / sizeof(uint64_t); i++)
		to[i] += from[i];
}

static void
add_all(struct report *sum, const struct report *r, unsigned n)
{
	*sum = (struct report){.scenarios = 0};
	for (unsigned i = 0; i < n; i++)
		add_report(sum, &r[i]);
}

static void
show_progress(const struct jobs *j, const struct report *r, double began)
{
	const double passed = jobs_seconds() - began;
	struct report sum;

	add_all(&sum, r, j->jobs);
	fprintf(stderr, "%llu of %llu scenarios, %.0f/s, %.0f s left\n",
		(unsigned long long)sum.scenarios, (unsigned long long)j->n,
		(double)sum.scenarios / passed,
		sum.scenarios ? (double)(j->n - sum.scenarios) * passed / (double)sum.scenarios
			      : 0.0);
}

/* Waits for all; when one fails, the others are not waited for. */
static bool
wait_for(const struct jobs *j, const pid_t *pid, const struct report *r)
{
	const double began = jobs_seconds();
	double said = began;
	unsigned left = j->jobs;
	bool ok = true;
	int status;

	while (left > 0) {
		const pid_t who = waitpid(-1, &status, WNOHANG);

		if (who > 0) {
			left--;
			if (status == 0 || !ok)
				continue;
			ok = false;
			for (unsigned i = 0; i < j->jobs; i++)
				if (pid[i] != who)
					kill(pid[i], SIGKILL);
			continue;
		}
		usleep(20000);
		if (!j->progress || jobs_seconds() - said < PROGRESS_S)
			continue;
		said = jobs_seconds();
		show_progress(j, r, began);
	}
	return ok;
}

bool
jobs_run(struct world *w, const struct jobs *j, struct report *sum)
{
	struct report *r = mmap(NULL, j->jobs * sizeof(*r), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid[JOBS_MAX];
	bool ok = true;

	if (r == MAP_FAILED || j->jobs > JOBS_MAX)
		abort();
	if (j->jobs == 1 && !j->progress) {
		run_share(w, j, 0, r);
	} else {
		for (unsigned i = 0; i < j->jobs; i++) {
			pid[i] = fork();
			if (pid[i] == 0) {
				run_share(w, j, i, &r[i]);
				exit(0);
			}
		}
		ok = wait_for(j, pid, r);
	}
	add_all(sum, r, j->jobs);
	munmap(r, j->jobs * sizeof(*r));
	return ok;
}

#define LLU(n) (unsigned long long)(n)

void
jobs_print(const struct report *r, double seconds, unsigned jobs)
{
	printf("%llu scenarios in %.1f s, %.0f a second and core; %llu to the orderly end\n",
	       LLU(r->scenarios), seconds, (double)r->scenarios / seconds / jobs, LLU(r->clean));
	printf("ends reset %llu, timed out %llu, aborted %llu, never open %llu, half-open %llu, "
	       "given up in FIN-WAIT-2 %llu\n",
	       LLU(r->reset), LLU(r->timed_out), LLU(r->aborted), LLU(r->refused),
	       LLU(r->half_open), LLU(r->gave_up));
	printf("%llu frames, %llu lost, %llu damaged, %llu forged, %llu octets checked, %llu "
	       "turns, %.1f days, hash %016llx\n",
	       LLU(r->frames), LLU(r->lost), LLU(r->damaged), LLU(r->forged), LLU(r->octets),
	       LLU(r->turns), (double)r->virtual_ns / 86400e9, LLU(r->hash));
}
