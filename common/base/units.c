/* units.c - reads numbers with units; fractions are scaled in integers: 1.1G is 1100000000. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/units.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct unit {
	const char *suffix;
	uint64_t scale;
};

/* whole + part / 10^digits */
struct decimal {
	uint64_t whole, part;
	unsigned digits;
};

enum { PART_DIGITS_MAX = 18 };

static const struct unit count_units[] = {
    {"", 1},
    {"k", 1000},
    {"K", 1000},
    {"M", 1000000},
    {"G", 1000000000},
    {"T", 1000000000000},
    {"Ki", UINT64_C(1) << 10},
    {"Mi", UINT64_C(1) << 20},
    {"Gi", UINT64_C(1) << 30},
    {"Ti", UINT64_C(1) << 40},
    {NULL, 0},
};

/* Letters alone and with i are powers of 1024, with B alone powers of 1000. */
static const struct unit byte_units[] = {
    {"", 1},
    {"B", 1},
    {"k", UINT64_C(1) << 10},
    {"K", UINT64_C(1) << 10},
    {"Ki", UINT64_C(1) << 10},
    {"kiB", UINT64_C(1) << 10},
    {"KiB", UINT64_C(1) << 10},
    {"kB", 1000},
    {"KB", 1000},
    {"M", UINT64_C(1) << 20},
    {"m", UINT64_C(1) << 20},
    {"Mi", UINT64_C(1) << 20},
    {"MiB", UINT64_C(1) << 20},
    {"MB", 1000000},
    {"G", UINT64_C(1) << 30},
    {"g", UINT64_C(1) << 30},
    {"Gi", UINT64_C(1) << 30},
    {"GiB", UINT64_C(1) << 30},
    {"GB", 1000000000},
    {"T", UINT64_C(1) << 40},
    {"t", UINT64_C(1) << 40},
    {"Ti", UINT64_C(1) << 40},
    {"TiB", UINT64_C(1) << 40},
    {"TB", 1000000000000},
    {NULL, 0},
};

static const struct unit time_units[] = {
    {"ns", 1},
    {"us", 1000},
    {"ms", 1000000},
    {"s", 1000000000},
    {"min", UINT64_C(60) * 1000000000},
    {"h", UINT64_C(3600) * 1000000000},
    {NULL, 0},
};

/* Compared without regard to case, with or without "/s". */
static const struct unit rate_units[] = {
    {"", 1},
    {"bit", 1},
    {"bps", 1},
    {"k", 1000},
    {"kbit", 1000},
    {"kbps", 1000},
    {"m", 1000000},
    {"mbit", 1000000},
    {"mbps", 1000000},
    {"g", 1000000000},
    {"gbit", 1000000000},
    {"gbps", 1000000000},
    {"t", 1000000000000},
    {"tbit", 1000000000000},
    {"tbps", 1000000000000},
    {NULL, 0},
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits after the point. Those past the 18th only tell that the number is not a round one. */
static int
parse_part(const char **s, struct decimal *d)
{
	if (!is_digit(**s))
		return -EINVAL;
	for (; is_digit(**s); (*s)++) {
		if (d->digits == PART_DIGITS_MAX) {
			d->part |= **s != '0';
			continue;
		}
		d->part = d->part * 10 + (uint64_t)(**s - '0');
		d->digits++;
	}
	return 0;
}

/* Reads 12, 12.5 or .5, and leaves *s behind it. */
static int
parse_decimal(const char **s, struct decimal *d)
{
	bool overflow = false;

	*d = (struct decimal){0};
	if (!is_digit(**s) && **s != '.')
		return -EINVAL;
	for (; is_digit(**s); (*s)++) {
		overflow |= __builtin_mul_overflow(d->whole, 10, &d->whole);
		overflow |= __builtin_add_overflow(d->whole, (uint64_t)(**s - '0'), &d->whole);
	}
	if (**s == '.') {
		(*s)++;
		if (parse_part(s, d))
			return -EINVAL;
	}
	return overflow ? -ERANGE : 0;
}

/* Rounded to the nearest unit; but half a packet or half a nanosecond is no number, and what is
 * not zero must not become zero, which often means "off". */
static int
scale_decimal(const struct decimal *d, uint64_t scale, uint64_t *out)
{
	uint64_t ten = 1;
	uint64_t value, part;

	if (scale == 1 && d->part)
		return -EINVAL;
	for (unsigned i = 0; i < d->digits; i++)
		ten *= 10;
	part = (uint64_t)(((unsigned __int128)d->part * scale + ten / 2) / ten);
	if (__builtin_mul_overflow(d->whole, scale, &value) ||
	    __builtin_add_overflow(value, part, &value))
		return -ERANGE;
	if (value == 0 && (d->whole || d->part))
		return -ERANGE;
	*out = value;
	return 0;
}

static uint64_t
find_scale(const struct unit *units, const char *suffix, int (*compare)(const char *, const char *))
{
	for (; units->suffix; units++)
		if (compare(units->suffix, suffix) == 0)
			return units->scale;
	return 0;
}

static int
parse_scaled(const char *s, const struct unit *units, uint64_t *out)
{
	struct decimal d;
	int rc = parse_decimal(&s, &d);
	uint64_t scale;

	if (rc == -EINVAL)
		return rc;
	scale = find_scale(units, s, strcmp);
	if (!scale)
		return -EINVAL;
	return rc ? rc : scale_decimal(&d, scale, out);
}

int
units_parse_count(const char *s, uint64_t *out)
{
	return parse_scaled(s, count_units, out);
}

int
units_parse_bytes(const char *s, uint64_t *out)
{
	return parse_scaled(s, byte_units, out);
}

int
units_parse_time(const char *s, uint64_t bare_ns, uint64_t *out_ns)
{
	struct decimal d;
	int rc = parse_decimal(&s, &d);
	uint64_t scale;

	if (rc == -EINVAL)
		return rc;
	if (*s)
		scale = find_scale(time_units, s, strcmp);
	else
		scale = d.whole || d.part || rc ? bare_ns : 1;
	if (!scale)
		return -EINVAL;
	return rc ? rc : scale_decimal(&d, scale, out_ns);
}

int
units_parse_rate(const char *s, uint64_t *out_bps)
{
	struct decimal d;
	int rc = parse_decimal(&s, &d);
	char suffix[8];
	size_t len = strlen(s);
	uint64_t scale;

	if (rc == -EINVAL || len >= sizeof(suffix))
		return -EINVAL;
	memcpy(suffix, s, len + 1);
	if (len > 2 && strcmp(suffix + len - 2, "/s") == 0)
		suffix[len - 2] = '\0';
	scale = find_scale(rate_units, suffix, strcasecmp);
	if (!scale)
		return -EINVAL;
	return rc ? rc : scale_decimal(&d, scale, out_bps);
}

/* Only what a person writes: strtod alone would take " 0x1p-1", "inf" and "nan" as well. */
static bool
is_plain_number(const char *s, const char *end)
{
	return (is_digit(*s) || *s == '.') && strspn(s, "0123456789.eE+-") == (size_t)(end - s);
}

int
units_parse_ratio(const char *s, double *out)
{
	char *end;
	int saved = errno;
	double v;
	bool tiny;

	errno = 0;
	v = strtod(s, &end);
	tiny = errno == ERANGE;
	errno = saved;
	if (end == s || !is_plain_number(s, end))
		return -EINVAL;
	if (*end == '%') {
		v /= 100;
		end++;
	}
	if (*end)
		return -EINVAL;
	if (tiny || v > 1)
		return -ERANGE;
	*out = v;
	return 0;
}

int
units_parse_ipv4(const char *s, uint32_t *out)
{
	struct in_addr addr;

	/* Four decimal parts without leading zeros, which some read as octal. */
	if (inet_pton(AF_INET, s, &addr) != 1)
		return -EINVAL;
	*out = ntohl(addr.s_addr);
	return 0;
}

static int
parse_prefix_len(const char *s, uint8_t *len)
{
	int v;

	if (!is_digit(s[0]) || (s[0] == '0' && s[1]))
		return -EINVAL;
	v = s[0] - '0';
	if (s[1]) {
		if (!is_digit(s[1]))
			return -EINVAL;
		v = v * 10 + (s[1] - '0');
		if (s[2])
			return strspn(s, "0123456789") == strlen(s) ? -ERANGE : -EINVAL;
	}
	if (v > 32)
		return -ERANGE;
	*len = (uint8_t)v;
	return 0;
}

int
units_parse_prefix(const char *s, uint32_t *addr, uint8_t *len)
{
	char text[INET_ADDRSTRLEN];
	const char *slash = strchr(s, '/');
	size_t n = slash ? (size_t)(slash - s) : strlen(s);
	uint32_t a;
	uint8_t l = 32;
	int rc;

	if (n >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, n);
	text[n] = '\0';
	rc = units_parse_ipv4(text, &a);
	if (!rc && slash)
		rc = parse_prefix_len(slash + 1, &l);
	if (rc)
		return rc;
	*addr = a;
	*len = l;
	return 0;
}
