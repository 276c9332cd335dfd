/* fuzz_pcap.c - libFuzzer: any octets as a capture file, read as hcmon reads it. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/pcapfile.h"

/* A file in memory: the library opens it by its name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[32];
static int fd = -1;

static void
write_file(const uint8_t *data, size_t size)
{
	if (fd < 0) {
		fd = memfd_create("fuzz", 0);
		assert(fd >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char err[PCAPFILE_ERRBUF] = "";
	struct pcapfile_packet p;
	struct pcapfile *f;
	uint32_t sum = 0;
	int r;

	write_file(data, size);
	f = pcapfile_open(path, err);
	if (f == NULL) {
		assert(err[0] != '\0');
		return 0;
	}
	while ((r = pcapfile_next(f, &p, err)) == 1)
		for (uint32_t i = 0; i < p.caplen; i++)
			sum += p.data[i]; /* all of it must be there */
	assert(r == 0 || err[0] != '\0');
	pcapfile_close(f);
	return sum == UINT32_MAX; /* never: 4 GB of octets */
}
