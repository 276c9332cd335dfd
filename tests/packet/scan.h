/* scan.h - a cursor over one line of a script, and the first error found. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PACKET_SCAN_H
#define PACKET_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scan {
	const char *file;
	int line;
	const char *p; /* what comes next, blanks skipped */
	char *error;   /* "file:line: what is wrong"; empty while nothing is */
	size_t error_size;
};

void scan_begin(struct scan *s, const char *file, int line, const char *text, char *error,
		size_t error_size);
/* Notes an error, unless one is noted already. False, always. */
__attribute__((format(printf, 2, 3))) bool scan_fail(struct scan *s, const char *format, ...);

bool scan_at_end(const struct scan *s);
bool scan_at_digit(const struct scan *s);
/* Takes `text` when it comes next; words only as a whole. */
bool scan_take(struct scan *s, const char *text);
/* Must come next. */
bool scan_need(struct scan *s, const char *text);
/* Letters, digits, '_' and '-'. */
bool scan_word(struct scan *s, char *word, size_t size);
/* Anything up to the next blank. */
bool scan_run(struct scan *s, char *run, size_t size);
/* Decimal or 0x, not more than max. */
bool scan_number(struct scan *s, uint32_t *n, uint32_t max);
bool scan_signed(struct scan *s, int64_t *n);
/* Seconds with a fraction, as microseconds. */
bool scan_seconds(struct scan *s, int64_t *us);
bool scan_address(struct scan *s, uint32_t *ip);
bool scan_mac(struct scan *s, uint8_t mac[6]);
/* "text" */
bool scan_string(struct scan *s, char *text, size_t size);
/* Pairs of hexadecimal digits. */
bool scan_hex(struct scan *s, uint8_t *octets, size_t size, size_t *len);

#endif
