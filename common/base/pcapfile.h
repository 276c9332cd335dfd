/* pcapfile.h - capture files, read and written through libpcap (pcap, pcapng; us and ns stamps). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BASE_PCAPFILE_H
#define BASE_PCAPFILE_H

#include <stddef.h>
#include <stdint.h>

enum { PCAPFILE_ERRBUF = 512 };

struct pcapfile_packet {
	uint64_t ts_ns;	     /* since the epoch of the file */
	uint32_t caplen;     /* bytes at data */
	uint32_t len;	     /* bytes on the wire */
	const uint8_t *data; /* valid until the next read */
};

struct pcapfile; /* a reader */

/* "-" is stdin. NULL on failure, err (PCAPFILE_ERRBUF bytes) says what is wrong with which file.
 * Only Ethernet (DLT_EN10MB) is accepted for now; others are refused by name. */
struct pcapfile *pcapfile_open(const char *path, char *err);
/* 1: a packet; 0: end of file; -1: the file is damaged here (err says how), what came before
 * stands. */
int pcapfile_next(struct pcapfile *f, struct pcapfile_packet *p, char *err);
void pcapfile_close(struct pcapfile *f);

struct pcapfile_writer;
/* Nanosecond pcap, Ethernet. "-" is stdout. */
struct pcapfile_writer *pcapfile_create(const char *path, uint32_t snaplen, char *err);
void pcapfile_write(struct pcapfile_writer *w, uint64_t ts_ns, const void *data, uint32_t caplen,
		    uint32_t len);
/* 0, or -1 when something did not reach the file. */
int pcapfile_finish(struct pcapfile_writer *w);

#endif
