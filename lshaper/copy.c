/* copy.c - frames into packet buffers of their own: for the mirror, and out of the hold queue. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "lshaper/copy.h"

#include <assert.h>
#include <string.h>

#include "dp/dp.h"

bool
copy_frames(struct frame *to, const struct frame *from, unsigned n)
{
	if (!dp_frames_get(to, n))
		return false;
	for (unsigned i = 0; i < n; i++) {
		assert(from[i].len <= to[i].room); /* both are buffers of one size */
		memcpy(to[i].data, from[i].data, from[i].len);
		to[i].len = from[i].len;
	}
	return true;
}
