/* cdf.c - percentiles 0 to 99, then ten steps for each further nine. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "hcmon/cdf.h"

#include <inttypes.h>
#include <math.h>

enum { NINES = 3 /* after 99 %: to 99.9, 99.99 and 99.999 % */ };

double
cdf_ratio(unsigned i, unsigned *digits)
{
	unsigned step;

	*digits = 0;
	if (i < 100)
		return i / 100.0;
	i -= 100;
	if (i == 9 * NINES)
		return 1;
	if (i > 9 * NINES)
		return -1;
	*digits = i / 9 + 1;
	step = i % 9 + 1;
	return 1 - (10 - step) * pow(10, -(double)(*digits + 2));
}

static void
write_us(FILE *out, uint64_t ns)
{
	if (ns == UINT64_MAX)
		fputc(',', out);
	else
		fprintf(out, ",%" PRIu64 ".%03" PRIu64, ns / 1000, ns % 1000);
}

bool
cdf_write(FILE *out, const struct hist *const curve[CDF_N_CURVES])
{
	unsigned digits;
	double ratio;

	fputs("percentile,latency_us,high_us,low_us,ack_us\n", out);
	for (unsigned i = 0; (ratio = cdf_ratio(i, &digits)) >= 0; i++) {
		fprintf(out, "%.*f", (int)digits, ratio * 100);
		for (unsigned c = 0; c < CDF_N_CURVES; c++)
			write_us(out, i == 0 && curve[c]->total ? curve[c]->min
								: hist_quantile(curve[c], ratio));
		fputc('\n', out);
	}
	return fflush(out) == 0 && !ferror(out);
}
