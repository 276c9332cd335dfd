/* fuzz_spec.c - libFuzzer: any text as --port SPEC, and as a number with its unit. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "dp/port_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_spec(const char *text)
{
	static struct port_spec s;

	if (port_spec_parse(text, &s) != NULL)
		return;
	assert(s.kind <= PORT_VDEV && s.role <= PORT_ROLE_CLIENT);
	assert(strnlen(s.name, sizeof(s.name)) < sizeof(s.name));
	assert(strnlen(s.out, sizeof(s.out)) < sizeof(s.out));
	assert((s.rsize & (s.rsize - 1)) == 0);
}

/* What is refused leaves the result alone. */
static void
check_units(const char *text)
{
	const uint64_t before = UINT64_C(0x0123456789abcdef);
	uint64_t v = before;
	uint32_t addr = 1;
	uint8_t len = 99;
	double ratio = -1;

	assert(units_parse_count(text, &v) == 0 || v == before);
	v = before;
	assert(units_parse_bytes(text, &v) == 0 || v == before);
	v = before;
	assert(units_parse_time(text, 1000000000, &v) == 0 || v == before);
	v = before;
	assert(units_parse_rate(text, &v) == 0 || v == before);
	if (units_parse_ratio(text, &ratio) == 0)
		assert(ratio >= 0 && ratio <= 1);
	else
		assert(ratio == -1);
	assert(units_parse_prefix(text, &addr, &len) == 0 ? len <= 32 : addr == 1 && len == 99);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	check_spec(text);
	check_units(text);
	free(text);
	return 0;
}
