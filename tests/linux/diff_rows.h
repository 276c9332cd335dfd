/* diff_rows.h - rows of the behaviour checklist, each a connection. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef LINUX_DIFF_ROWS_H
#define LINUX_DIFF_ROWS_H

#include "diff.h"

struct row {
	const char *id;
	void (*play)(struct duel *d);
};
/* Each ends with a row of zeros. */
extern const struct row rows_states[], rows_segments[], rows_packets[];

extern const uint8_t all_opts;
/* The expected segment, moved by so much. */
bool at(struct duel *d, uint8_t flags, int32_t seq, int32_t ack, uint16_t len);

#endif
