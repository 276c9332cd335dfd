/* shrink.c - families of knobs are left out, one after the other, while the scenario still fails. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/shrink.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LONGEST_S = 10 };

/* No core file. */
static void
end_quietly(int signal_number)
{
	(void)signal_number;
	_exit(1);
}

static bool
fails(struct world *w, uint64_t seed, uint64_t without)
{
	static struct report unused;
	int status, null;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		null = open("/dev/null", O_WRONLY);
		dup2(null, 1);
		dup2(null, 2);
		signal(SIGABRT, end_quietly);
		alarm(LONGEST_S);
		w->r = &unused;
		w->verbose = false;
		world_run(w, seed, without);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		printf("takes longer than %d s: --seed %llu --without %#llx\n", LONGEST_S,
		       (unsigned long long)seed, (unsigned long long)without);
	return status != 0;
}

int
shrink(struct world *w, uint64_t seed, uint64_t without)
{
	bool less = true;

	if (!fails(w, seed, without)) {
		printf("seed %llu does not fail\n", (unsigned long long)seed);
		return 1;
	}
	while (less) {
		less = false;
		for (unsigned f = 0; f < KNOB_N_FAMILIES; f++) {
			const uint32_t bit = UINT64_C(1) << f;

			if (without & bit || !fails(w, seed, without | bit))
				continue;
			without |= bit;
			less = true;
		}
	}
	knobs_draw(&w->k, seed, without);
	printf("seed %llu fails with", (unsigned long long)seed);
	for (unsigned f = 0; f < KNOB_N_FAMILIES; f++)
		if (!(without & UINT64_C(1) << f))
			printf(" %s", knob_family_name(f));
	printf("\n");
	knobs_print(&w->k, stdout);
	printf("--seed %llu --without %#llx\n", (unsigned long long)seed,
	       (unsigned long long)without);
	return 0;
}
