/* diff_explain.c - differences that are known: the table in the code is held against tests/packet/DIFFERENCES. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "diff_reasons.h"

#include <errno.h>
#include <stdio.h>

#include "base/log.h"

#define REASON_ROW(id, goes_on, fits) {id, goes_on, fits},
static const struct reason reasons[] = {REASONS(REASON_ROW)};
#undef REASON_ROW

enum { N_REASONS = sizeof(reasons) / sizeof(reasons[0]) };

static uint64_t count[N_REASONS];

const struct reason *
diff_explain(const struct duel *d, const struct step *s)
{
	for (unsigned i = 0; i < N_REASONS; i++)
		if (reasons[i].fits(d, s))
			return &reasons[i];
	return NULL;
}

void
diff_explain_count(const struct reason *r)
{
	count[r - reasons]++;
}

void
diff_explain_report(void)
{
	for (unsigned i = 0; i < N_REASONS; i++)
		if (count[i])
			printf("  %-20s %10llu\n", reasons[i].id, (unsigned long long)count[i]);
}

/* --- the file: rows are lines that begin with an id in capitals --- */

static bool
is_row(const char *line, char id[64])
{
	size_t n = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789");

	if (n < 3 || n >= 64 || line[n] != ' ')
		return false;
	memcpy(id, line, n);
	id[n] = '\0';
	return true;
}

static int
find(const char *id)
{
	for (unsigned i = 0; i < N_REASONS; i++)
		if (strcmp(reasons[i].id, id) == 0)
			return (int)i;
	return -1;
}

void
diff_explain_check(const char *path)
{
	bool seen[N_REASONS] = {false};
	char line[512], id[64];
	FILE *f = fopen(path, "r");

	if (!f)
		die("%s: %s: run from the top of the tree, or give --table", path, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		if (!is_row(line, id))
			continue;
		int i = find(id);

		if (i < 0)
			die("%s: row %s is nothing that the program knows", path, id);
		seen[i] = true;
	}
	fclose(f);
	for (unsigned i = 0; i < N_REASONS; i++)
		if (!seen[i])
			die("%s: no row %s", path, reasons[i].id);
}
