/* eal_log.c - EAL's talk, silenced unless debugging; its first complaint is our error's reason. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include <bpf/libbpf.h>
#include <rte_log.h>
#include <xdp/libxdp.h>

#include "base/log.h"

enum { REASON_BYTES = 160 };

static char reason[REASON_BYTES];

/* Of the runtime directory, eal.c sees to it that there is none; libxdp does without bpffs. */
static const char *const harmless[] = {"runtime directory", "/dev/null/dpdk", "bpffs"};

/* Drivers begin with "open_single_rx_pcap(): ". */
static int
skip_function(const char *line)
{
	const char *end = strstr(line, "(): ");

	return end && !memchr(line, ' ', (size_t)(end - line)) ? (int)(end + 4 - line) : 0;
}

static void
say(const char *line, bool complaint)
{
	size_t n = strcspn(line, "\n");

	if (n == 0)
		return;
	log_debug("%.*s", (int)n, line);
	for (unsigned i = 0; i < RTE_DIM(harmless); i++)
		complaint &= !strstr(line, harmless[i]);
	if (complaint && !reason[0])
		snprintf(reason, sizeof(reason), "%.*s", (int)n - skip_function(line),
			 line + skip_function(line));
}

static ssize_t
eal_says(void *cookie, const char *buf, size_t size)
{
	char line[512];
	size_t n = size < sizeof(line) - 1 ? size : sizeof(line) - 1;

	(void)cookie;
	memcpy(line, buf, n);
	line[n] = '\0';
	say(line, rte_log_cur_msg_loglevel() <= (int)RTE_LOG_WARNING);
	return (ssize_t)size;
}

__attribute__((format(printf, 2, 0))) static int
bpf_says(bool complaint, const char *fmt, va_list ap)
{
	char line[512];
	int n = vsnprintf(line, sizeof(line), fmt, ap);

	say(line, complaint);
	return n;
}

__attribute__((format(printf, 2, 0))) static int
libbpf_says(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return bpf_says(level == LIBBPF_WARN, fmt, ap);
}

__attribute__((format(printf, 2, 0))) static int
libxdp_says(enum libxdp_print_level level, const char *fmt, va_list ap)
{
	return bpf_says(level == LIBXDP_WARN, fmt, ap);
}

void
eal_log_capture(void)
{
	static FILE *stream;

	if (stream)
		return;
	stream = fopencookie(NULL, "w", (cookie_io_functions_t){.write = eal_says});
	if (!stream)
		return;
	setvbuf(stream, NULL, _IOLBF, 0);
	rte_openlog_stream(stream);
	libbpf_set_print(libbpf_says);
	libxdp_set_print(libxdp_says);
}

void
eal_log_mark(void)
{
	reason[0] = '\0';
}

const char *
eal_log_reason(const char *otherwise)
{
	return reason[0] ? reason : otherwise;
}
