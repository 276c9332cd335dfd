/* units_print.c - writes numbers with units, three or four significant digits for a human eye. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/units.h"

#include <math.h>
#include <stdio.h>

/* Three significant digits and the largest prefix that leaves something before the point. */
static char *
print_scaled(char *buf, size_t size, double v, double step, const char *const *prefix,
	     const char *unit)
{
	double a = fabs(v);
	int digits;

	/* 999.5 would be printed as 1000. */
	while (prefix[1] && a >= step * 0.9995) {
		a /= step;
		v /= step;
		prefix++;
	}
	digits = a < 9.995 ? 2 : a < 99.95 ? 1 : 0;
	if (a >= 1e6 || !isfinite(v))
		snprintf(buf, size, "%.3g%s%s", v, *prefix, unit);
	else if (v == trunc(v) && !**prefix)
		snprintf(buf, size, "%.0f%s%s", v, *prefix, unit);
	else
		snprintf(buf, size, "%.*f%s%s", digits, v, *prefix, unit);
	return buf;
}

char *
units_print_count(char *buf, size_t size, double v)
{
	static const char *const prefix[] = {"", "k", "M", "G", "T", NULL};

	return print_scaled(buf, size, v, 1000, prefix, "");
}

char *
units_print_bytes(char *buf, size_t size, double v)
{
	static const char *const prefix[] = {"", " Ki", " Mi", " Gi", " Ti", NULL};

	return print_scaled(buf, size, v, 1024, prefix, fabs(v) < 1024 * 0.9995 ? " B" : "B");
}

char *
units_print_rate(char *buf, size_t size, double bps)
{
	static const char *const prefix[] = {"", " k", " M", " G", " T", NULL};

	return print_scaled(buf, size, bps, 1000, prefix,
			    fabs(bps) < 1000 * 0.9995 ? " bit/s" : "bit/s");
}

/* Four significant digits; the limits are where rounding would reach the next unit. */
char *
units_print_time(char *buf, size_t size, uint64_t ns)
{
	static const struct {
		double below;
		double scale;
		const char *unit;
	} rows[] = {
	    {999.95e3, 1e3, "us"},   {999.95e6, 1e6, "ms"},   {59.995e9, 1e9, "s"},
	    {3599.7e9, 60e9, "min"}, {INFINITY, 3600e9, "h"},
	};
	size_t i = 0;
	double v;

	if (ns < 1000) {
		snprintf(buf, size, "%u ns", (unsigned)ns);
		return buf;
	}
	while ((double)ns >= rows[i].below)
		i++;
	v = (double)ns / rows[i].scale;
	snprintf(buf, size, "%.*f %s", v < 9.9995 ? 3 : v < 99.995 ? 2 : 1, v, rows[i].unit);
	return buf;
}

char *
units_print_ipv4(char *buf, size_t size, uint32_t addr)
{
	snprintf(buf, size, "%u.%u.%u.%u", addr >> 24, addr >> 16 & 255, addr >> 8 & 255,
		 addr & 255);
	return buf;
}
