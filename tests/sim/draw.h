/* draw.h - one of several, drawn. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef SIM_DRAW_H
#define SIM_DRAW_H

#include "base/rng.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

/* clang-format off */
#define PICK(r, first, ...)                                                                        \
	((const __typeof__(first)[]){first, __VA_ARGS__}                                           \
	     [rng_below((r), N_OF(((const __typeof__(first)[]){first, __VA_ARGS__})))])
/* clang-format on */

#endif
