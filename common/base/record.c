/* record.c - rows of fields as text, CSV (RFC 4180, but LF ends a line) or JSON (RFC 8259). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/record.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

enum { TEXT_WIDTH_MIN = 8, NUMBER_SIZE = 352 /* "%.255f" of DBL_MAX is longer: digits are cut */ };

void
record_open(struct record_out *r, FILE *file, enum record_format format,
	    const struct record_field *fields, unsigned n_fields)
{
	*r = (struct record_out){
	    .file = file, .format = format, .fields = fields, .n_fields = n_fields};
	setvbuf(file, NULL, _IOLBF, 0);
}

/* A number as digits, or NULL when there is none. */
static const char *
print_number(char *buf, const struct record_field *f, const void *p)
{
	uint64_t u = f->type == RECORD_U32 ? *(const uint32_t *)p : 0;
	double d;

	switch (f->type) {
	case RECORD_F64:
		d = *(const double *)p;
		if (!isfinite(d))
			return NULL;
		snprintf(buf, NUMBER_SIZE, "%.*f", f->digits, d);
		return buf;
	case RECORD_NS_AS_US:
	case RECORD_NS_AS_S:
		u = *(const uint64_t *)p;
		if (u == UINT64_MAX)
			return NULL;
		if (f->type == RECORD_NS_AS_S)
			u = u / 1000000 + (u % 1000000 >= 500000); /* ms */
		snprintf(buf, NUMBER_SIZE, "%" PRIu64 ".%03" PRIu64, u / 1000, u % 1000);
		return buf;
	case RECORD_U64:
		u = *(const uint64_t *)p;
		break;
	case RECORD_U32:
	case RECORD_STR:
		break;
	}
	snprintf(buf, NUMBER_SIZE, "%" PRIu64, u);
	return buf;
}

static void
write_csv_string(FILE *out, const char *s)
{
	if (!s[strcspn(s, ",\"\r\n")]) {
		fputs(s, out);
		return;
	}
	fputc('"', out);
	for (; *s; s++) {
		if (*s == '"')
			fputc('"', out);
		fputc(*s, out);
	}
	fputc('"', out);
}

/* Length of the UTF-8 sequence at s (RFC 3629), 0 when it is none. */
static unsigned
utf8_len(const unsigned char *s)
{
	unsigned n = s[0] < 0x80   ? 1
		     : s[0] < 0xc2 ? 0
		     : s[0] < 0xe0 ? 2
		     : s[0] < 0xf0 ? 3
		     : s[0] < 0xf5 ? 4
				   : 0;

	for (unsigned i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static void
write_json_string(FILE *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	fputc('"', out);
	while (*s) {
		unsigned n = utf8_len(s);

		if (*s < ' ')
			fprintf(out, "\\u%04x", *s);
		else if (*s == '"' || *s == '\\')
			fprintf(out, "\\%c", *s);
		else if (n)
			fwrite(s, 1, n, out);
		else
			fputs("\\ufffd", out);
		s += n ? n : 1;
	}
	fputc('"', out);
}

static int
text_width(const struct record_field *f)
{
	size_t n = strlen(f->name);

	return n < TEXT_WIDTH_MIN ? TEXT_WIDTH_MIN : (int)n;
}

static void
write_text_string(FILE *out, const char *s, int width)
{
	int len = (int)strlen(s);

	fprintf(out, "%*s", width > len ? width - len : 0, "");
	for (; *s; s++)
		fputc((unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s, out);
}

static void
write_field(const struct record_out *r, const struct record_field *f, const void *p)
{
	char buf[NUMBER_SIZE];
	const char *s = f->type == RECORD_STR ? *(const char *const *)p : print_number(buf, f, p);

	switch (r->format) {
	case RECORD_TEXT:
		write_text_string(r->file, s && *s ? s : "-", text_width(f));
		break;
	case RECORD_CSV:
		write_csv_string(r->file, s ? s : "");
		break;
	case RECORD_JSON:
		write_json_string(r->file, f->name);
		fputc(':', r->file);
		if (f->type == RECORD_STR)
			write_json_string(r->file, s ? s : "");
		else
			fputs(s ? s : "null", r->file);
		break;
	}
}

static void
write_header(const struct record_out *r)
{
	for (unsigned i = 0; i < r->n_fields; i++) {
		const struct record_field *f = &r->fields[i];

		if (i)
			fputc(r->format == RECORD_CSV ? ',' : ' ', r->file);
		if (r->format == RECORD_CSV)
			write_csv_string(r->file, f->name);
		else
			write_text_string(r->file, f->name, text_width(f));
	}
	fputc('\n', r->file);
}

/* Says once what happened. What did not get out, glibc has forgotten: no piece follows later. */
static void
fail(struct record_out *r)
{
	r->failed = true;
	r->error = errno ? errno : EIO;
	r->dropped++;
	if (r->error == EPIPE)
		log_info("nobody reads the records any more; going on without them");
	else
		log_error("cannot write records: %m");
}

void
record_write(struct record_out *r, const void *row)
{
	static const char separator[] = {
	    [RECORD_TEXT] = ' ', [RECORD_CSV] = ',', [RECORD_JSON] = ','};

	if (r->failed) {
		r->dropped++;
		return;
	}
	if (!r->header_done && r->format != RECORD_JSON)
		write_header(r);
	r->header_done = true;
	if (r->format == RECORD_JSON)
		fputc('{', r->file);
	for (unsigned i = 0; i < r->n_fields; i++) {
		const struct record_field *f = &r->fields[i];

		if (i)
			fputc(separator[r->format], r->file);
		write_field(r, f, (const char *)row + f->offset);
	}
	fputs(r->format == RECORD_JSON ? "}\n" : "\n", r->file);
	if (fflush(r->file) || ferror(r->file))
		fail(r);
}

int
record_close(struct record_out *r)
{
	if (!r->failed || r->error == EPIPE)
		return 0;
	log_error("%" PRIu64 " records were not written", r->dropped);
	return -r->error;
}

enum record_format
record_default_format(void)
{
	return isatty(STDOUT_FILENO) ? RECORD_TEXT : RECORD_CSV;
}
