/* summary.h - what mcc says to people: progress, a line now and then, and the table at the end. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCC_SUMMARY_H
#define MCC_SUMMARY_H

struct report;

/* On a terminal, while records go elsewhere. */
void summary_progress(const struct report *r);
/* Each --log-duration. */
void summary_line(const struct report *r);
/* The table, and the exit status that follows from it. */
int summary_end(const struct report *r);

#endif
