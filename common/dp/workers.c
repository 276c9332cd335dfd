/* workers.c - one thread per core; a worker's number is its lcore's. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/internal.h"

#include <rte_launch.h>
#include <rte_lcore.h>

struct job {
	void (*fn)(unsigned worker, void *arg);
	void *arg;
};

static int
work(void *arg)
{
	const struct job *job = arg;

	job->fn(rte_lcore_id(), job->arg);
	return 0;
}

unsigned
dp_n_workers(void)
{
	return rte_lcore_count();
}

void
dp_run(void (*fn)(unsigned worker, void *arg), void *arg)
{
	struct job job = {.fn = fn, .arg = arg};

	rte_eal_mp_remote_launch(work, &job, CALL_MAIN);
	rte_eal_mp_wait_lcore();
}
