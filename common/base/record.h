/* record.h - one table of fields gives the text, CSV and JSON lines form of a struct. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BASE_RECORD_H
#define BASE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum record_format { RECORD_TEXT, RECORD_CSV, RECORD_JSON };
#define RECORD_FORMATS "text|csv|json" /* for OPT_ENUM, in enum order */

enum record_type {
	RECORD_U64,	 /* uint64_t */
	RECORD_U32,	 /* uint32_t */
	RECORD_F64,	 /* double with `digits` after the point; NaN and infinity are "none" */
	RECORD_STR,	 /* const char *; quoted where the format asks for it; NULL is empty */
	RECORD_NS_AS_US, /* uint64_t nanoseconds as microseconds, 3 digits; UINT64_MAX is "none" */
	RECORD_NS_AS_S,	 /* uint64_t nanoseconds as seconds, 3 digits; UINT64_MAX is "none" */
			 /* "none" is - in text, an empty field in CSV, null in JSON. */
};

struct record_field {
	const char *name; /* unit in the name: rtt_us_p99; same name in all formats and in man */
	enum record_type type;
	uint8_t digits;
	size_t offset;
	const char *help; /* one phrase, for the man page's FIELDS */
};

struct record_out {
	FILE *file;
	enum record_format format;
	const struct record_field *fields;
	unsigned n_fields;
	bool header_done;
	bool
	    failed; /* a write failed: said once on stderr, later records are dropped and counted */
	int error;  /* errno of that write */
	uint64_t dropped;
};

/* Line-buffers the file, which stays the caller's. The header row (CSV, text) is written by the
 * first record. SIGPIPE must be ignored by the program; a reader that went away is not an error
 * worth more than one line. */
void record_open(struct record_out *r, FILE *file, enum record_format format,
		 const struct record_field *fields, unsigned n_fields);
void record_write(struct record_out *r, const void *row);
/* 0, or -errno when some record did not reach the file (EPIPE counts as reached: the reader had
 * enough). Does not close the file. */
int record_close(struct record_out *r);

/* text when stdout is a terminal, CSV otherwise. */
enum record_format record_default_format(void);

#endif
