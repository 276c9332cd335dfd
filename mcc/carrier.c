/* carrier.c - the order to stop, from a signal to all threads. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcc/carrier.h"

#include <stdatomic.h>

#include "dp/dp.h"

static atomic_bool stopped;

void
carrier_stop(void)
{
	atomic_store_explicit(&stopped, true, memory_order_relaxed);
	for (unsigned i = 0; i < DP_MAX_WORKERS; i++)
		dp_wake(i); /* does nothing where there is none */
}

bool
carrier_is_stopped(void)
{
	return atomic_load_explicit(&stopped, memory_order_relaxed);
}
