/* pcapfile.c - capture files by libpcap, always in nanoseconds, with errors that name the file. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/pcapfile.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_S UINT64_C(1000000000)

struct pcapfile {
	pcap_t *pcap;
	char *name;
};

struct pcapfile_writer {
	pcap_t *pcap;
	pcap_dumper_t *dumper;
	uint32_t snaplen;
};

static void __attribute__((format(printf, 3, 4)))
say(char *err, const char *name, const char *fmt, ...)
{
	int n = snprintf(err, PCAPFILE_ERRBUF, "%.300s: ", name);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err + n, PCAPFILE_ERRBUF - (size_t)n, fmt, ap);
	va_end(ap);
}

static void
say_linktype(char *err, const char *name, int linktype)
{
	const char *text = pcap_datalink_val_to_description_or_dlt(linktype);

	say(err, name, "link type %d (%s): only Ethernet captures are read", linktype, text);
}

static bool
is_empty(FILE *file)
{
	int c = getc(file);

	if (c != EOF)
		ungetc(c, file);
	return c == EOF && !ferror(file);
}

static pcap_t *
open_ethernet(FILE *file, const char *name, char *err)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	bool empty = is_empty(file);
	pcap_t *pcap = NULL;

	if (!empty)
		pcap =
		    pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!pcap) {
		if (empty)
			say(err, name, "the file is empty");
		else
			say(err, name, "not a capture file: %s", why);
		if (file != stdin)
			fclose(file);
		return NULL;
	}
	if (pcap_datalink(pcap) != DLT_EN10MB) {
		say_linktype(err, name, pcap_datalink(pcap));
		pcap_close(pcap);
		return NULL;
	}
	return pcap;
}

struct pcapfile *
pcapfile_open(const char *path, char *err)
{
	const char *name = strcmp(path, "-") ? path : "standard input";
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	struct pcapfile *f;
	pcap_t *pcap;

	if (!file) {
		say(err, name, "%s", strerror(errno));
		return NULL;
	}
	pcap = open_ethernet(file, name, err);
	if (!pcap)
		return NULL;
	f = malloc(sizeof(*f));
	if (f)
		*f = (struct pcapfile){.pcap = pcap, .name = strdup(name)};
	if (!f || !f->name) {
		say(err, name, "%s", strerror(ENOMEM));
		pcap_close(pcap);
		free(f);
		return NULL;
	}
	return f;
}

/* At nanosecond precision tv_usec holds nanoseconds. libpcap takes the unsigned seconds of a pcap
 * file, good until 2106, for signed ones; and a damaged file may have any fraction of a second. */
static uint64_t
stamp_ns(const struct timeval *ts)
{
	uint64_t sec = ts->tv_sec < 0 ? (uint32_t)ts->tv_sec : (uint64_t)ts->tv_sec;
	uint64_t ns = (uint64_t)ts->tv_usec;

	return sec * NS_PER_S + (ns < NS_PER_S ? ns : NS_PER_S - 1);
}

int
pcapfile_next(struct pcapfile *f, struct pcapfile_packet *p, char *err)
{
	struct pcap_pkthdr *h;
	const u_char *data;
	int rc = pcap_next_ex(f->pcap, &h, &data);

	if (rc == PCAP_ERROR_BREAK)
		return 0;
	if (rc != 1) {
		say(err, f->name, "%s", pcap_geterr(f->pcap));
		return -1;
	}
	*p = (struct pcapfile_packet){
	    .ts_ns = stamp_ns(&h->ts),
	    .caplen = h->caplen,
	    /* A file may say that there was less than what was caught of it. */
	    .len = h->len < h->caplen ? h->caplen : h->len,
	    .data = data,
	};
	return 1;
}

void
pcapfile_close(struct pcapfile *f)
{
	if (!f)
		return;
	pcap_close(f->pcap);
	free(f->name);
	free(f);
}

/* 0 or an errno; what was opened is then closed again. */
static int
open_dumper(struct pcapfile_writer *w, const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "we") : stdout;
	int error;

	if (!file)
		return errno;
	w->pcap = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, (int)w->snaplen,
						       PCAP_TSTAMP_PRECISION_NANO);
	if (w->pcap)
		w->dumper = pcap_dump_fopen(w->pcap, file);
	if (w->dumper)
		return 0;
	error = w->pcap ? EIO : ENOMEM;
	if (w->pcap)
		pcap_close(w->pcap);
	if (file != stdout)
		fclose(file);
	return error;
}

struct pcapfile_writer *
pcapfile_create(const char *path, uint32_t snaplen, char *err)
{
	struct pcapfile_writer *w = calloc(1, sizeof(*w));
	int error = ENOMEM;

	if (w) {
		w->snaplen = snaplen;
		error = open_dumper(w, path);
	}
	if (error) {
		say(err, strcmp(path, "-") ? path : "standard output", "%s", strerror(error));
		free(w);
		return NULL;
	}
	return w;
}

void
pcapfile_write(struct pcapfile_writer *w, uint64_t ts_ns, const void *data, uint32_t caplen,
	       uint32_t len)
{
	struct pcap_pkthdr h = {
	    .ts = {.tv_sec = (time_t)(ts_ns / NS_PER_S),
		   .tv_usec = (suseconds_t)(ts_ns % NS_PER_S)},
	    .caplen = caplen < w->snaplen ? caplen : w->snaplen,
	    .len = len,
	};

	pcap_dump((u_char *)w->dumper, &h, data);
}

int
pcapfile_finish(struct pcapfile_writer *w)
{
	int failed = pcap_dump_flush(w->dumper) || ferror(pcap_dump_file(w->dumper));

	pcap_dump_close(w->dumper);
	pcap_close(w->pcap);
	free(w);
	return failed ? -1 : 0;
}
