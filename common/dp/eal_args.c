/* eal_args.c - what EAL is told: cores, memory, and as little else as the tools need. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/internal.h"

#include <dirent.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

enum {
	ARG_BYTES = 1024,
	MIB = 1 << 20,
	EAL_MIB = 24,	 /* heap for ports, queues, caches, a hash; below 10 in use */
	RING_BYTES = 16, /* of the ring of free buffers, each */
};

static bool pci;

__attribute__((format(printf, 2, 3))) static void
add_arg(struct eal_args *a, const char *fmt, ...)
{
	va_list ap;

	if (a->n == EAL_MAX_ARGS)
		return;
	va_start(ap, fmt);
	if (vasprintf(&a->v[a->n], fmt, ap) < 0)
		die("no memory for the arguments of EAL");
	va_end(ap);
	a->v[++a->n] = NULL;
}

/* --- cores --- */

/* "0-1,4" into the set. False when it is not of that form. */
static bool
parse_cores(const char *s, cpu_set_t *set)
{
	CPU_ZERO(set);
	do {
		char *end;
		unsigned long first = strtoul(s, &end, 10), last = first;

		if (end == s)
			return false;
		if (*end == '-') {
			s = end + 1;
			last = strtoul(s, &end, 10);
			if (end == s)
				return false;
		}
		if (first > last || last >= CPU_SETSIZE)
			return false;
		for (; first <= last; first++)
			CPU_SET(first, set);
		s = end;
	} while (*s++ == ',');
	return s[-1] == '\0';
}

/* The set as EAL wants it: "0,2,3" */
static void
print_cores(const cpu_set_t *set, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	for (int cpu = 0; cpu < CPU_SETSIZE && n < size; cpu++)
		if (CPU_ISSET(cpu, set))
			n += (size_t)snprintf(out + n, size - n, "%s%d", n ? "," : "", cpu);
}

/* Worker i is lcore i, whatever core it runs on. The number of workers, or -1. */
static int
add_cores(struct eal_args *a, const char *cores, char *err)
{
	cpu_set_t allowed, wanted, missing;
	char list[ARG_BYTES];
	int n = 0, len = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		CPU_ZERO(&allowed);
	print_cores(&allowed, list, sizeof(list));
	if (!cores) {
		add_arg(a, "--lcores=0@(%s)", list);
		return 1;
	}
	if (!parse_cores(cores, &wanted)) {
		snprintf(err, DP_ERRBUF, "cores '%s': want a list such as 0-1 or 2,4", cores);
		return -1;
	}
	CPU_AND(&missing, &wanted, &allowed);
	if (!CPU_EQUAL(&missing, &wanted)) {
		snprintf(err, DP_ERRBUF, "cores '%s': this process may run on %.100s", cores, list);
		return -1;
	}
	for (int cpu = 0; cpu < CPU_SETSIZE && len < ARG_BYTES - 16 && n < DP_MAX_WORKERS; cpu++)
		if (CPU_ISSET(cpu, &wanted)) {
			len += sprintf(list + len, "%s%d@%d", n ? "," : "", n, cpu);
			n++;
		}
	add_arg(a, "--lcores=%s", list);
	return n;
}

/* --- devices --- */

/* Without a device bound to a userspace driver there is none to use. With one, an allow list that
 * names nothing real keeps EAL from seizing what pci: does not name. */
static void
add_pci(struct eal_args *a)
{
	static const char *const drivers[] = {"vfio-pci", "uio_pci_generic", "igb_uio"};

	pci = false;
	for (unsigned i = 0; i < RTE_DIM(drivers); i++) {
		char path[64];
		DIR *d;

		snprintf(path, sizeof(path), "/sys/bus/pci/drivers/%s", drivers[i]);
		d = opendir(path);
		for (struct dirent *e; d && (e = readdir(d));)
			pci |= strchr(e->d_name, ':') != NULL;
		if (d)
			closedir(d);
	}
	if (pci) {
		add_arg(a, "-a");
		add_arg(a, "0000:ff:1f.7");
		return;
	}
	add_arg(a, "--no-pci");
	add_arg(a, "--iova-mode=va");
}

bool
eal_has_pci(void)
{
	return pci;
}

/* --- memory --- */

static uint64_t
read_number(const char *path)
{
	FILE *f = fopen(path, "re");
	unsigned long long v = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%llu", &v) != 1)
		v = 0;
	fclose(f);
	return v;
}

static uint64_t
free_hugepage_bytes(void)
{
	static const char dir[] = "/sys/kernel/mm/hugepages";
	DIR *d = opendir(dir);
	uint64_t sum = 0;

	for (struct dirent *e; d && (e = readdir(d));) {
		char path[sizeof(dir) + 300];
		unsigned long kib;

		if (sscanf(e->d_name, "hugepages-%lukB", &kib) != 1)
			continue;
		snprintf(path, sizeof(path), "%s/%s/free_hugepages", dir, e->d_name);
		sum += read_number(path) * kib * 1024;
	}
	if (d)
		closedir(d);
	return sum;
}

static uint64_t
needed_mib(const struct dp_conf *conf, uint32_t frames)
{
	uint64_t each = frames_bytes_each(conf->frame_bytes) + RING_BYTES;

	if (pci)
		each = RTE_ALIGN(each, 4096); /* frames.c cannot count on packing them */
	return EAL_MIB + frames * each / MIB + 1;
}

/* Hugepages when there are enough, else ordinary memory. */
static int
add_memory(struct eal_args *a, const struct dp_conf *conf, uint32_t frames, char *err)
{
	uint64_t mib = needed_mib(conf, frames);
	uint64_t huge_mib = conf->huge ? free_hugepage_bytes() / MIB : 0;

	if (huge_mib >= mib) {
		add_arg(a, "--in-memory");
		return 0;
	}
	if (conf->huge > 0) {
		snprintf(err, DP_ERRBUF,
			 "%lu MiB of hugepages are free, %lu are needed: 'sysctl "
			 "vm.nr_hugepages=%lu', or --no-huge",
			 huge_mib, mib, mib / 2 + 1);
		return -1;
	}
	if (mib > mem_available() / MIB) {
		snprintf(err, DP_ERRBUF, "%u packet buffers need %lu MiB, %lu are free", frames,
			 mib, mem_available() / MIB);
		return -1;
	}
	if (conf->huge < 0)
		log_info("no hugepages: running on ordinary memory, slower");
	add_arg(a, "--no-huge");
	add_arg(a, "--no-shconf");
	add_arg(a, "-m");
	add_arg(a, "%lu", mib);
	return 0;
}

int
eal_args_build(struct eal_args *a, const struct dp_conf *conf, uint32_t frames, char *err)
{
	int workers;

	add_arg(a, "%s", conf->program ? conf->program : "dp");
	workers = add_cores(a, conf->cores, err);
	if (workers < 0)
		return -1;
	add_pci(a);
	if (add_memory(a, conf, frames, err) < 0)
		return -1;
	add_arg(a, "--no-telemetry");
	add_arg(a, "--file-prefix=%s-%d", conf->program ? conf->program : "dp", (int)getpid());
	for (int i = 0; i < conf->eal_argc; i++)
		add_arg(a, "%s", conf->eal_argv[i]);
	return workers;
}
