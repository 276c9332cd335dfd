/* file.c - reads a capture file: its time is the time. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/pcapfile.h"
#include "hcmon/loop.h"

/* The reader keeps one packet at a time and the tracker wants a burst, so the beginnings of packets are copied: enough
 * for all headers and any label. */
enum { SLOT_BYTES = 2048 };

static void
take(struct monitor *m, uint8_t slots[][SLOT_BYTES], const struct pcapfile_packet *p)
{
	const uint32_t caplen = p->caplen < SLOT_BYTES ? p->caplen : SLOT_BYTES;
	uint8_t *slot;

	if (!m->started)
		monitor_start(m, p->ts_ns);
	monitor_advance(m, p->ts_ns); /* may flush: only then is it known which slot is free */
	slot = slots[m->n_batch];
	memcpy(slot, p->data, caplen);
	monitor_frame(m, slot, caplen, p->len, p->ts_ns);
}

static bool
is_over(const struct monitor *m, const volatile sig_atomic_t *stop)
{
	const uint64_t duration = m->conf->duration_ns;

	return *stop || (duration && m->started && m->now_ns - m->start_ns >= duration);
}

int
loop_file(struct monitor *m, const struct conf *conf, const volatile sig_atomic_t *stop)
{
	static uint8_t slots[TRACK_BURST][SLOT_BYTES];
	char err[PCAPFILE_ERRBUF];
	struct pcapfile *f = pcapfile_open(conf->read, err);
	struct pcapfile_packet p;
	int rc = 0, status;

	if (!f) {
		log_error("--read %s", err);
		return EXIT_USAGE;
	}
	monitor_init(m, conf);
	while (!is_over(m, stop) && (rc = pcapfile_next(f, &p, err)) > 0)
		take(m, slots, &p);
	if (rc < 0)
		log_error("--read %s; what came before it is reported", err);
	else if (!m->started)
		log_warn("--read %s: no packets in it", conf->read);
	pcapfile_close(f);
	status = monitor_finish(m);
	return rc < 0 ? EXIT_ENVIRONMENT : status;
}
