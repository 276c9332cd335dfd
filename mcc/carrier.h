/* carrier.h - the two ways to carry the load; each runs its threads and returns when the last has ended. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCC_CARRIER_H
#define MCC_CARRIER_H

#include <stdbool.h>

#include "mcc/conf.h"
#include "mcc/report.h"

/* Both start the report when the load begins. They end the program by die() where the machine lacks something; false: told to stop before the
 * load could begin. */
bool kernel_run(const struct conf *c, struct report *r); /* sockets */
bool native_run(const struct conf *c, struct report *r); /* our own stack */

/* From the signal handler: ends the load. True after that. */
void carrier_stop(void);
bool carrier_is_stopped(void);

#endif
