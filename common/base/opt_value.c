/* opt_value.c - the types of options: their syntax, their ranges, and the words for both. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/opt_value.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/units.h"

/* Units in which a range is said, the largest first. */
struct scale {
	double size;
	const char *suffix;
};

static const struct scale count_scales[] = {{1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}};
static const struct scale byte_scales[] = {
    {0x1p40, "T"}, {0x1p30, "G"}, {0x1p20, "M"}, {0x1p10, "k"}, {1, ""},
};
static const struct scale time_scales[] = {
    {3600e9, "h"}, {60e9, "min"}, {1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"},
};
static const struct scale rate_scales[] = {
    {1e9, "Gbit"},
    {1e6, "Mbit"},
    {1e3, "kbit"},
    {1, "bit"},
};
static const struct scale ratio_scales[] = {{0.01, "%"}};

#define SCALES(t) t, sizeof(t) / sizeof((t)[0])
static const struct {
	const char *noun, *metavar;
	const struct scale *scales;
	size_t n_scales;
} types[] = {
    [OPT_BOOL] = {"yes or no", NULL, NULL, 0},
    [OPT_COUNT] = {"a number", "N", SCALES(count_scales)},
    [OPT_BYTES] = {"a size in bytes", "SIZE", SCALES(byte_scales)},
    [OPT_TIME] = {"a time", "TIME", SCALES(time_scales)},
    [OPT_RATE] = {"a rate", "RATE", SCALES(rate_scales)},
    [OPT_RATIO] = {"a ratio", "RATIO", SCALES(ratio_scales)},
    [OPT_IPV4] = {"an IPv4 address", "IP", NULL, 0},
    [OPT_PREFIX] = {"an IPv4 address and prefix length (192.168.3.10/24)", "IP/LEN", NULL, 0},
    [OPT_STRING] = {"a word", "STRING", NULL, 0},
    [OPT_ENUM] = {"one of", "WORD", NULL, 0},
    [OPT_CALL] = {"a value", "VALUE", NULL, 0},
};

static bool
is_in_range(const struct opt *o, double v)
{
	return o->max == 0 || (v >= o->min && v <= o->max);
}

static bool
store_u64(const struct opt *o, const char *value, uint64_t *field)
{
	uint64_t v = 0;
	int rc;

	if (o->type == OPT_COUNT)
		rc = units_parse_count(value, &v);
	else if (o->type == OPT_BYTES)
		rc = units_parse_bytes(value, &v);
	else if (o->type == OPT_TIME)
		rc = units_parse_time(value, 1000000000, &v);
	else
		rc = units_parse_rate(value, &v);
	if (rc || !is_in_range(o, (double)v))
		return false;
	*field = v;
	return true;
}

static bool
store_ratio(const struct opt *o, const char *value, double *field)
{
	double v;

	if (units_parse_ratio(value, &v) || !is_in_range(o, v))
		return false;
	*field = v;
	return true;
}

/* The place of value in "text|csv|json". */
static bool
store_choice(const char *choices, const char *value, int *field)
{
	const size_t len = strlen(value);
	int index = 0;

	for (const char *c = choices; *c; index++) {
		size_t n = strcspn(c, "|");

		if (n == len && memcmp(c, value, n) == 0) {
			*field = index;
			return true;
		}
		c += n + (c[n] == '|');
	}
	return false;
}

/* Only a default is spelled out: on the command line it is --name or --no-name. */
static bool
store_bool(const char *value, bool *field)
{
	int index;

	if (!store_choice("no|yes", value, &index))
		return false;
	*field = index == 1;
	return true;
}

bool
opt_value_store(const struct opt *o, const char *value, void *conf, const char **wanted)
{
	void *field = (char *)conf + o->offset;
	struct opt_prefix *prefix = field;

	*wanted = NULL;
	if (!*value)
		return false;
	switch (o->type) {
	case OPT_BOOL:
		return store_bool(value, field);
	case OPT_COUNT:
	case OPT_BYTES:
	case OPT_TIME:
	case OPT_RATE:
		return store_u64(o, value, field);
	case OPT_RATIO:
		return store_ratio(o, value, field);
	case OPT_IPV4:
		return units_parse_ipv4(value, field) == 0;
	case OPT_PREFIX:
		return units_parse_prefix(value, &prefix->addr, &prefix->len) == 0;
	case OPT_STRING:
		*(const char **)field = value;
		return true;
	case OPT_ENUM:
		return store_choice(o->choices, value, field);
	case OPT_CALL:
		*wanted = o->call(conf, value);
		return *wanted == NULL;
	}
	return false;
}

/* In the largest unit in which v is a whole number: 1500ms, 64k, 5%. */
static void
print_exact(char *buf, size_t size, enum opt_type type, double v)
{
	const struct scale *s = types[type].scales;
	const struct scale *last = s + types[type].n_scales - 1;

	if (v == 0 && type != OPT_RATIO) {
		snprintf(buf, size, "0");
		return;
	}
	while (s < last && fmod(v, s->size) != 0)
		s++;
	snprintf(buf, size, "%.15g%s", v / s->size, s->suffix);
}

void
opt_value_describe(const struct opt *o, char *buf, size_t size)
{
	const char *noun = types[o->type].noun;
	double max = o->type == OPT_RATIO && o->max == 0 ? 1 : o->max;
	char low[32], high[32];

	if (o->type == OPT_ENUM) {
		snprintf(buf, size, "%s %s", noun, o->choices);
		return;
	}
	if (!types[o->type].scales || max == 0) {
		snprintf(buf, size, "%s", noun);
		return;
	}
	print_exact(low, sizeof(low), o->type, o->min);
	print_exact(high, sizeof(high), o->type, max);
	if (isinf(max))
		snprintf(buf, size, "%s of at least %s", noun, low);
	else
		snprintf(buf, size, "%s from %s to %s", noun, low, high);
}

const char *
opt_value_metavar(const struct opt *o)
{
	return o->metavar ? o->metavar : types[o->type].metavar;
}
