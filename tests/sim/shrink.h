/* shrink.h - what a failing scenario can do without. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SIM_SHRINK_H
#define SIM_SHRINK_H

#include "world.h"

/* Leaves families of knobs out as long as the scenario still fails, each try in a process of its own; says
 * what is left. Exit status for main. */
int shrink(struct world *w, uint64_t seed, uint64_t without);

#endif
