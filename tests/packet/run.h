/* run.h - a script is played against the stack. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PACKET_RUN_H
#define PACKET_RUN_H

#include <stdbool.h>
#include <stdio.h>

/* Loads and plays the script. On failure `report` gets script, line, what was expected and what came, and the trace
 * so far; with verbose, always the trace. */
bool packet_run_file(const char *path, bool verbose, FILE *report);

#endif
