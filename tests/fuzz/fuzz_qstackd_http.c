/* fuzz_qstackd_http.c - libFuzzer: requests to the HTTP application, whole and in any pieces (RFC 9112). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "qstackd/http_parse.h"

/* The input: a seed for the pieces, then what the client sends. Where it is cut must not matter. */
enum { RESULTS = 64 };

struct outcome {
	unsigned n;
	enum http_result result[RESULTS];
	uint64_t parsed[RESULTS];
	uint32_t at[RESULTS]; /* how many octets were taken by then */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t
next_piece(uint32_t *seed, uint32_t left)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 28 == 0 ? left : 1 + (*seed >> 24) % left;
}

static bool
is_known(enum http_result r)
{
	return r == HTTP_MORE || r == HTTP_OK || r == HTTP_BAD || r == HTTP_NO_METHOD;
}

/* Octets in memory that ends where the piece ends. */
static enum http_result
parse_piece(struct http_parse *p, const uint8_t *data, uint32_t n, uint32_t *taken)
{
	uint8_t *piece = malloc(n);
	enum http_result r;

	memcpy(piece, data, n);
	r = http_parse(p, piece, n, taken);
	free(piece);
	assert(is_known(r) && (r == HTTP_MORE || *taken <= n));
	assert(p->octets <= HTTP_HEAD_MAX && p->size <= HTTP_SIZE_MAX);
	return r;
}

/* As the application does: one request after the other, until one is none. */
static void
parse_all(struct outcome *o, const uint8_t *data, uint32_t size, uint32_t *seed)
{
	struct http_parse p = {0};
	uint32_t at = 0;

	memset(o, 0, sizeof(*o));
	while (at < size && o->n < RESULTS) {
		const uint32_t n = seed ? next_piece(seed, size - at) : size - at;
		uint32_t taken = 0;
		enum http_result r = parse_piece(&p, data + at, n, &taken);

		at += r == HTTP_MORE ? n : taken;
		if (r == HTTP_MORE)
			continue;
		o->result[o->n] = r;
		o->at[o->n] = r == HTTP_OK ? at : 0;
		memcpy(&o->parsed[o->n++], &p, sizeof(p));
		if (r != HTTP_OK)
			return;
		(void)http_is_persistent(&p);
		memset(&p, 0, sizeof(p));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct outcome whole, pieces;
	uint32_t seed;

	if (size < 2)
		return 0;
	seed = data[0];
	parse_all(&whole, data + 1, (uint32_t)size - 1, NULL);
	parse_all(&pieces, data + 1, (uint32_t)size - 1, &seed);
	assert(memcmp(&whole, &pieces, sizeof(whole)) == 0);
	return 0;
}
