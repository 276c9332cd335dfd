/* main.c - plays packet scripts: packet_run [-v] FILE.pkt... */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <string.h>

#include "tests/packet/run.h"

int
main(int argc, char **argv)
{
	const struct packet_run_opts o = {.verbose = argc > 1 && strcmp(argv[1], "-v") == 0};
	const int first = o.verbose ? 2 : 1;
	int failed = 0;

	if (first >= argc) {
		fprintf(stderr, "usage: packet_run [-v] FILE.pkt...\n");
		return 2;
	}
	for (int i = first; i < argc; i++)
		failed += !packet_run_file(argv[i], &o, stdout);
	printf("%d passed, %d failed\n", argc - first - failed, failed);
	return failed > 0;
}
