/* scan.c - words, numbers, times, addresses of a script line. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/packet/scan.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
skip_blanks(struct scan *s)
{
	while (isspace((unsigned char)*s->p))
		s->p++;
}

void
scan_begin(struct scan *s, const char *file, int line, const char *text, char *error,
	   size_t error_size)
{
	*s = (struct scan){
	    .file = file, .line = line, .p = text, .error = error, .error_size = error_size};
	skip_blanks(s);
}

bool
scan_fail(struct scan *s, const char *format, ...)
{
	char text[256];
	va_list ap;

	if (s->error[0])
		return false;
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	snprintf(s->error, s->error_size, "%s:%d: %s", s->file, s->line, text);
	return false;
}

bool
scan_at_end(const struct scan *s)
{
	return *s->p == 0;
}

bool
scan_at_digit(const struct scan *s)
{
	return isdigit((unsigned char)*s->p);
}

static bool
is_word_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

bool
scan_take(struct scan *s, const char *text)
{
	const size_t n = strlen(text);

	if (strncmp(s->p, text, n) != 0 ||
	    (isalnum((unsigned char)text[n - 1]) && is_word_char(s->p[n])))
		return false;
	s->p += n;
	skip_blanks(s);
	return true;
}

bool
scan_need(struct scan *s, const char *text)
{
	return scan_take(s, text) ||
	       scan_fail(s, "\"%s\" expected before \"%.20s\"", text, *s->p ? s->p : "end of line");
}

static bool
take_while(struct scan *s, char *to, size_t size, bool (*belongs)(char))
{
	size_t n = 0;

	while (s->p[n] && belongs(s->p[n]))
		n++;
	if (n == 0)
		return scan_fail(s, "word expected before \"%.20s\"", *s->p ? s->p : "end of line");
	if (n >= size)
		return scan_fail(s, "\"%.20s...\" is too long", s->p);
	memcpy(to, s->p, n);
	to[n] = 0;
	s->p += n;
	skip_blanks(s);
	return true;
}

bool
scan_word(struct scan *s, char *word, size_t size)
{
	return take_while(s, word, size, is_word_char);
}

static bool
is_no_blank(char c)
{
	return !isspace((unsigned char)c);
}

bool
scan_run(struct scan *s, char *run, size_t size)
{
	return take_while(s, run, size, is_no_blank);
}

/* A leading zero is no octal. */
static int
base_of(const char *p)
{
	p += *p == '-';
	return p[0] == '0' && (p[1] == 'x' || p[1] == 'X') ? 16 : 10;
}

bool
scan_number(struct scan *s, uint32_t *n, uint32_t max)
{
	char *end;
	unsigned long long v;

	if (!scan_at_digit(s))
		return scan_fail(s, "number expected before \"%.20s\"",
				 *s->p ? s->p : "end of line");
	v = strtoull(s->p, &end, base_of(s->p));
	if (v > max)
		return scan_fail(s, "%llu is more than %u", v, max);
	*n = (uint32_t)v;
	s->p = end;
	skip_blanks(s);
	return true;
}

bool
scan_signed(struct scan *s, int64_t *n)
{
	char *end;

	*n = strtoll(s->p, &end, base_of(s->p));
	if (end == s->p)
		return scan_fail(s, "number expected before \"%.20s\"",
				 *s->p ? s->p : "end of line");
	s->p = end;
	skip_blanks(s);
	return true;
}

bool
scan_seconds(struct scan *s, int64_t *us)
{
	int64_t whole = 0, unit = 1000000;
	const char *start = s->p;

	for (; isdigit((unsigned char)*s->p); s->p++)
		whole = whole * 10 + (*s->p - '0');
	*us = whole * unit;
	if (*s->p == '.')
		for (s->p++; isdigit((unsigned char)*s->p); s->p++)
			*us += (unit /= 10) * (*s->p - '0');
	if (s->p == start || (s->p == start + 1 && *start == '.'))
		return scan_fail(s, "time expected before \"%.20s\"", start);
	skip_blanks(s);
	return true;
}

bool
scan_address(struct scan *s, uint32_t *ip)
{
	unsigned a, b, c, d;
	int n = 0;

	if (sscanf(s->p, "%3u.%3u.%3u.%3u%n", &a, &b, &c, &d, &n) < 4 || a > 255 || b > 255 ||
	    c > 255 || d > 255)
		return scan_fail(s, "IPv4 address expected before \"%.20s\"", s->p);
	*ip = a << 24 | b << 16 | c << 8 | d;
	s->p += n;
	skip_blanks(s);
	return true;
}

bool
scan_mac(struct scan *s, uint8_t mac[6])
{
	unsigned m[6];
	int n = 0;

	if (sscanf(s->p, "%2x:%2x:%2x:%2x:%2x:%2x%n", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5],
		   &n) < 6)
		return scan_fail(s, "MAC address expected before \"%.20s\"", s->p);
	for (unsigned i = 0; i < 6; i++)
		mac[i] = (uint8_t)m[i];
	s->p += n;
	skip_blanks(s);
	return true;
}

bool
scan_string(struct scan *s, char *text, size_t size)
{
	const char *end;
	size_t n;

	if (*s->p != '"')
		return scan_fail(s, "string expected before \"%.20s\"", s->p);
	end = strchr(s->p + 1, '"');
	if (!end)
		return scan_fail(s, "string without an end");
	n = (size_t)(end - s->p) - 1;
	if (n == 0 || n >= size)
		return scan_fail(s, "string of %zu octets", n);
	memcpy(text, s->p + 1, n);
	text[n] = 0;
	s->p = end + 1;
	skip_blanks(s);
	return true;
}

bool
scan_hex(struct scan *s, uint8_t *octets, size_t size, size_t *len)
{
	unsigned v;

	for (*len = 0; isxdigit((unsigned char)s->p[0]) && isxdigit((unsigned char)s->p[1]);
	     s->p += 2) {
		if (*len == size)
			return scan_fail(s, "more than %zu octets", size);
		sscanf(s->p, "%2x", &v);
		octets[(*len)++] = (uint8_t)v;
		if (s->p[2] == ' ' && isxdigit((unsigned char)s->p[3]))
			s->p++;
	}
	skip_blanks(s);
	return *len > 0 || scan_fail(s, "hexadecimal octets expected before \"%.20s\"", s->p);
}
