/* noise.c - a capture of random frames and of mutants of another's: noise IN.pcap OUT.pcap COUNT SEED. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/pcapfile.h"
#include "base/rng.h"
#include "base/units.h"

enum { MODELS = 256, FRAME_MAX = 1514 };

struct model {
	uint8_t data[FRAME_MAX];
	uint32_t len;
};

static struct model models[MODELS];
static unsigned n_models;

static void
read_models(const char *path)
{
	char err[PCAPFILE_ERRBUF];
	struct pcapfile *f = pcapfile_open(path, err);
	struct pcapfile_packet p;

	if (!f)
		die("%s", err);
	while (n_models < MODELS && pcapfile_next(f, &p, err) > 0) {
		struct model *m = &models[n_models++];

		m->len = p.caplen < FRAME_MAX ? p.caplen : FRAME_MAX;
		memcpy(m->data, p.data, m->len);
	}
	pcapfile_close(f);
	if (n_models == 0)
		die("%s: no frames to mutate", path);
}

static uint32_t
random_frame(struct rng *rng, uint8_t *frame)
{
	uint32_t len = 1 + (uint32_t)rng_below(rng, FRAME_MAX);

	for (uint32_t i = 0; i < len; i++)
		frame[i] = (uint8_t)rng_u64(rng);
	if (len > 14 && rng_chance(rng, 0.8)) { /* past the first gate */
		memcpy(frame + 12, "\x08\0\x45", 3);
		frame[len > 23 ? 23 : 14] = 6;
	}
	return len;
}

/* A few octets changed, most of them in the headers; now and then cut. */
static uint32_t
mutant(struct rng *rng, uint8_t *frame)
{
	const struct model *m = &models[rng_below(rng, n_models)];
	uint64_t changes = rng_below(rng, 6);
	uint32_t len = m->len;

	memcpy(frame, m->data, len);
	while (changes--)
		frame[rng_below(rng, rng_chance(rng, 0.8) && len > 60 ? 60 : len)] =
		    (uint8_t)rng_u64(rng);
	return rng_chance(rng, 0.1) ? 1 + (uint32_t)rng_below(rng, len) : len;
}

int
main(int argc, char **argv)
{
	char err[PCAPFILE_ERRBUF];
	struct pcapfile_writer *w;
	uint64_t count, seed;
	uint8_t frame[FRAME_MAX];
	struct rng rng;

	log_init(argv[0]);
	if (argc != 5 || units_parse_count(argv[3], &count) || units_parse_count(argv[4], &seed))
		die_usage("noise IN.pcap OUT.pcap COUNT SEED");
	read_models(argv[1]);
	w = pcapfile_create(argv[2], FRAME_MAX, err);
	if (!w)
		die("%s", err);
	rng_seed(&rng, seed, 0);
	for (uint64_t i = 0; i < count; i++) {
		uint32_t len =
		    rng_chance(&rng, 0.3) ? random_frame(&rng, frame) : mutant(&rng, frame);
		uint64_t ts_ns = UINT64_C(1700000000000000000) + i * 10000;
		uint32_t caplen = rng_chance(&rng, 0.1) ? 1 + (uint32_t)rng_below(&rng, len) : len;

		if (rng_chance(&rng, 0.01))
			ts_ns = rng_u64(&rng) >> rng_below(&rng, 64);
		pcapfile_write(w, ts_ns, frame, caplen, len);
	}
	return pcapfile_finish(w) ? EXIT_ENVIRONMENT : EXIT_SUCCESS;
}
