/* table.h - what the TCP makes of a link: goodput, and how fairly flows share it. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SIM_TABLE_H
#define SIM_TABLE_H

#include "world.h"

/* CSV on stdout; false: no table of this name ("goodput", "fairness"). */
bool table_print(struct world *w, const char *name);

#endif
