/* copy.h - frames into packet buffers of their own. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LSHAPER_COPY_H
#define LSHAPER_COPY_H

#include <stdbool.h>

#include "wire/frame.h"

/* Gets n (at most DP_BURST) buffers and fills them. False when there are not as many. */
bool copy_frames(struct frame *to, const struct frame *from, unsigned n);

#endif
