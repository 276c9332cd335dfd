/* test_frag.c - fragments against a model that keeps a byte for each octet, and those that attack (RFC 791, 1858, 3128, 5722). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include "base/rng.h"
#include "inet/frag.h"
#include "wire/build.h"
#include "wire/bytes.h"
#include "wire/cksum.h"

enum { SLOTS = 16, SRC = 0x0a000002, DST = 0x0a000001, MF = 1 };
#define SECOND UINT64_C(1000000000)

static struct frag_table table;
static void *mem;
static uint64_t now;

static int
begin(void **state)
{
	(void)state;
	now = SECOND;
	mem = malloc(frag_table_bytes(SLOTS));
	memset(mem, 0xa5, frag_table_bytes(SLOTS));
	frag_table_init(&table, mem, SLOTS);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	free(mem);
	return 0;
}

static uint8_t
octet(uint32_t at)
{
	return (uint8_t)(at * 31 + (at >> 8) * 7 + 3);
}

struct piece {
	uint32_t src;
	uint16_t id;
	uint8_t proto, options; /* words of IP options (NOPs) */
	uint8_t tos;
	uint16_t vlan;
	uint32_t off, len;
	bool more;
	uint8_t change; /* added to each octet */
};

static struct piece
piece(uint16_t id, uint32_t off, uint32_t len, bool more)
{
	return (struct piece){
	    .src = SRC, .id = id, .proto = IPPROTO_UDP_, .off = off, .len = len, .more = more};
}

/* The fragment as a frame in memory of its size, parsed and handed in; the whole, if it is complete. */
static uint8_t *
give(const struct piece *f, uint32_t *whole_len)
{
	uint32_t l3 = f->vlan ? 18 : 14, header = 20 + 4u * f->options;
	uint32_t len = l3 + header + f->len;
	uint8_t *frame = calloc(1, len), *h = frame + l3, *whole;
	struct pkt p;

	frame[1] = 1;
	store_be16(frame + 12, f->vlan ? ETHERTYPE_VLAN : ETHERTYPE_IPV4);
	if (f->vlan) {
		store_be16(frame + 14, f->vlan);
		store_be16(frame + 16, ETHERTYPE_IPV4);
	}
	h[0] = (uint8_t)(0x40 | header / 4);
	h[1] = f->tos;
	store_be16(h + 2, (uint16_t)(header + f->len));
	store_be16(h + 4, f->id);
	store_be16(h + 6, (uint16_t)((f->more ? 0x2000 : 0) | f->off / 8));
	h[8] = 64;
	h[9] = f->proto;
	store_be32(h + 12, f->src);
	store_be32(h + 16, DST);
	memset(h + 20, 1, header - 20);
	store_be16(h + 10, cksum_fold(cksum_partial(h, header, 0)));
	for (uint32_t i = 0; i < f->len; i++)
		h[header + i] = (uint8_t)(octet(f->off + i) + f->change);
	assert_int_equal(pkt_parse(&p, frame, len, 0), PKT_DROP_IP_FRAGMENT);
	whole = frag_input(&table, &p, frame, now, whole_len);
	free(frame);
	return whole;
}

/* Nothing comes of it. */
static void
swallow(const struct piece *f)
{
	uint32_t len;

	assert_null(give(f, &len));
}

static void
check_whole(const uint8_t *w, uint32_t len, uint32_t octets)
{
	enum { head = 34 };

	assert_non_null(w);
	assert_int_equal(len, head + octets);
	assert_int_equal(load_be16(w + head - 20 + 2), 20 + octets);
	assert_int_equal(cksum_fold(cksum_partial(w + 14, 20, 0)), 0);
	assert_int_equal(load_be16(w + 20), 0);
	for (uint32_t i = 0; i < octets; i++)
		assert_int_equal(w[head + i], octet(i));
}

/* It is the last one that was missing. */
static void
expect_whole(const struct piece *f, uint32_t octets)
{
	uint32_t len = 0;
	const uint8_t *w = give(f, &len);

	check_whole(w, len, octets);
}

static void
two_in_order(void **state)
{
	struct piece a = piece(1, 0, 800, MF), b = piece(1, 800, 333, 0);

	(void)state;
	swallow(&a);
	expect_whole(&b, 1133);
	assert_int_equal(table.stats.reassembled, 1);
	assert_int_equal(table.stats.in, 2);
}

static void
two_reversed(void **state)
{
	struct piece a = piece(1, 0, 800, MF), b = piece(1, 800, 333, 0);

	(void)state;
	swallow(&b);
	expect_whole(&a, 1133);
}

static void
of_eight_octets(void **state)
{
	uint32_t len = 0;
	uint8_t *w = NULL;

	(void)state;
	for (uint32_t off = 0; off < 4000; off += 8) {
		struct piece f = piece(7, off, 8, off + 8 < 4000);

		assert_null(w);
		w = give(&f, &len);
	}
	check_whole(w, len, 4000);
}

static void
duplicates_do_no_harm(void **state)
{
	struct piece a = piece(1, 0, 800, MF), b = piece(1, 800, 333, 0);

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		swallow(&a);
	assert_int_equal(table.stats.duplicates, 2);
	assert_int_equal(table.stats.drop_overlap, 0);
	expect_whole(&b, 1133);
}

/* RFC 5722: by one octet or by all, from the left or from the right, even the same place with other octets: the datagram is given up, with what
 * is still to come of it. */
static void
overlaps_are_given_up(void **state)
{
	static const struct {
		uint32_t off, len;
		uint8_t change;
	} rows[] = {
	    {0, 800, 1}, {0, 8, 1},   {0, 808, 0},    {792, 16, 0},
	    {792, 8, 1}, {400, 8, 1}, {400, 1000, 0}, {0, 2000, 0},
	};
	uint32_t len;

	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++) {
		struct piece a = piece((uint16_t)(10 + i), 0, 800, MF);
		struct piece bad = piece(a.id, rows[i].off, rows[i].len, MF);
		struct piece rest = piece(a.id, 800, 200, 0);

		bad.change = rows[i].change;
		swallow(&a);
		swallow(&bad);
		assert_int_equal(table.stats.drop_overlap, 2 * i + 1);
		assert_null(give(&rest, &len));
		assert_int_equal(table.stats.drop_overlap, 2 * i + 2);
		now += FRAG_TIMEOUT_NS;
		frag_expire(&table, now);
	}
	assert_int_equal(table.stats.reassembled, 0);
	assert_int_equal(table.n_used, 0);
}

static void
ping_of_death(void **state)
{
	static const struct {
		uint32_t off, len;
	} rows[] = {{65528, 8}, {65528, 100}, {65000, 600}, {65512, 8}, {64512, 1008}};

	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++) {
		struct piece f = piece(1, rows[i].off, rows[i].len, 0);

		if (rows[i].off + rows[i].len <= 65515)
			continue;
		swallow(&f);
		assert_int_equal(table.n_used, 0);
	}
	assert_int_equal(table.stats.drop_format, 5);
}

/* The longest that IP allows, with and without room for the first one's options. */
static void
the_longest(void **state)
{
	uint32_t len = 0;
	uint8_t *w = NULL;

	(void)state;
	for (uint32_t off = 0; off < 65515; off += 1480) {
		struct piece f =
		    piece(3, off, off + 1480 < 65515 ? 1480 : 65515 - off, off + 1480 < 65515);

		w = give(&f, &len);
	}
	check_whole(w, len, 65515);
	frag_recycle(&table);
	for (uint32_t off = 0; off < 65515; off += 1480) {
		struct piece f =
		    piece(4, off, off + 1480 < 65515 ? 1480 : 65515 - off, off + 1480 < 65515);

		f.options = off == 0 ? 1 : 0;
		swallow(&f);
	}
	assert_int_equal(table.stats.drop_format, 1);
	assert_int_equal(table.n_used, 0);
}

static void
lengths_that_cannot_be(void **state)
{
	struct piece odd = piece(1, 0, 100, MF), none = piece(2, 80, 0, MF),
		     empty = piece(3, 80, 0, 0);

	(void)state;
	swallow(&odd); /* more follow, and it is no multiple of 8 */
	swallow(&none);
	swallow(&empty);
	assert_int_equal(table.stats.drop_format, 3);
	assert_int_equal(table.n_used, 0);
}

/* Two ends, or octets beyond the end. */
static void
contradictions(void **state)
{
	struct piece rows[][3] = {
	    {piece(1, 800, 100, 0), piece(1, 1600, 100, 0), piece(1, 0, 800, MF)},
	    {piece(2, 800, 100, 0), piece(2, 1600, 8, MF), piece(2, 0, 800, MF)},
	    {piece(3, 1600, 8, MF), piece(3, 800, 100, 0), piece(3, 0, 800, MF)},
	    {piece(4, 800, 104, 0), piece(4, 8, 8, 0), piece(4, 0, 8, MF)},
	};

	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++) {
		for (unsigned k = 0; k < 3; k++)
			swallow(&rows[i][k]);
		assert_int_equal(table.stats.drop_format, i + 1);
	}
	assert_int_equal(table.stats.reassembled, 0);
}

/* RFC 1858, 3128: a first fragment that hides TCP's flags, and one that would write over them. */
static void
tiny_first_fragments(void **state)
{
	struct piece tiny = piece(1, 0, 16, MF), second = piece(2, 8, 80, MF),
		     fits = piece(3, 0, 24, MF);
	struct piece udp = piece(4, 0, 8, MF);

	(void)state;
	tiny.proto = second.proto = fits.proto = IPPROTO_TCP_;
	swallow(&tiny);
	swallow(&second);
	assert_int_equal(table.stats.drop_format, 2);
	assert_int_equal(table.n_used, 0);
	swallow(&fits);
	swallow(&udp);
	assert_int_equal(table.n_used, 2);
}

/* Address, number and protocol tell datagrams apart. */
static void
apart(void **state)
{
	struct piece f[5];

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		f[i] = piece(1, 0, 80, MF);
	f[1].src++;
	f[2].id++;
	f[3].proto = IPPROTO_ICMP_;
	f[4].proto = IPPROTO_TCP_;
	for (unsigned i = 0; i < 4; i++)
		swallow(&f[i]);
	assert_int_equal(table.n_used, 4);
	for (unsigned i = 0; i < 4; i++) {
		f[i].off = 80;
		f[i].more = false;
		expect_whole(&f[i], 160);
	}
	assert_int_equal(table.stats.drop_overlap, 0);
}

static void
timeout(void **state)
{
	struct piece a = piece(1, 0, 800, MF), b = piece(1, 800, 100, 0), c = piece(2, 0, 8, MF);
	uint32_t len;

	(void)state;
	assert_true(frag_deadline(&table) == UINT64_MAX);
	swallow(&a);
	assert_true(frag_deadline(&table) == now + FRAG_TIMEOUT_NS);
	now += 10 * SECOND;
	swallow(&c);
	now += 19 * SECOND;
	swallow(&a); /* does not start it anew */
	frag_expire(&table, now);
	assert_int_equal(table.n_used, 2);
	now += SECOND;
	frag_expire(&table, now);
	assert_int_equal(table.n_used, 1);
	assert_int_equal(table.stats.drop_timeout, 1);
	assert_true(frag_deadline(&table) == now + 10 * SECOND);
	assert_null(give(&b, &len));
	now += 100 * SECOND;
	frag_expire(&table, now);
	assert_int_equal(table.n_used, 0);
	assert_true(frag_deadline(&table) == UINT64_MAX);
}

/* 10,000 that never end (FragmentSmack): the source has its share, another one is served. */
static void
one_source_has_its_share(void **state)
{
	struct piece a = piece(1, 0, 800, MF), b = piece(1, 800, 100, 0);

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		struct piece f = piece((uint16_t)i, 800, 8, MF);

		f.src = SRC + 7;
		swallow(&f);
		assert_true(table.n_used <= SLOTS / 4);
	}
	assert_int_equal(table.stats.drop_source, 10000 - SLOTS / 4);
	swallow(&a);
	expect_whole(&b, 900);
}

/* From everywhere: no more than there is place for, and after the time-out there is place again. */
static void
the_table_is_full(void **state)
{
	struct piece a = piece(1, 0, 800, MF), b = piece(1, 800, 100, 0);

	(void)state;
	for (unsigned i = 0; i < 10000; i++) {
		struct piece f = piece((uint16_t)i, 800, 8, MF);

		f.src = SRC + 7 + i;
		swallow(&f);
	}
	assert_int_equal(table.n_used, SLOTS);
	assert_int_equal(table.stats.drop_full, 10000 - SLOTS);
	swallow(&a);
	now += FRAG_TIMEOUT_NS;
	frag_expire(&table, now);
	swallow(&a);
	expect_whole(&b, 900);
}

/* What is handed out keeps its place until it is given back, and no longer. */
static void
recycled(void **state)
{
	uint8_t *whole[4];
	uint32_t len[4];

	(void)state;
	for (uint16_t i = 0; i < 4; i++) {
		struct piece a = piece(i, 0, 800, MF), b = piece(i, 800, 100, 0);

		swallow(&a);
		whole[i] = give(&b, &len[i]);
	}
	for (unsigned i = 0; i < 4; i++)
		check_whole(whole[i], len[i], 900);
	assert_int_equal(table.n_used, 4);
	now += 2 * FRAG_TIMEOUT_NS;
	frag_expire(&table, now);
	assert_int_equal(table.n_used, 4);
	frag_recycle(&table);
	assert_int_equal(table.n_used, 0);
}

/* The headers are those of the first fragment: tag, options and all. */
static void
headers(void **state)
{
	struct piece a = piece(1, 0, 80, MF), b = piece(1, 80, 20, 0);
	uint32_t len;
	uint8_t *w;

	(void)state;
	a.vlan = b.vlan = 7;
	a.options = 10;
	a.tos = 0x28;
	swallow(&b);
	w = give(&a, &len);
	assert_non_null(w);
	assert_int_equal(len, 18 + 60 + 100);
	assert_int_equal(load_be16(w + 14), 7);
	assert_int_equal(w[18], 0x4f);
	assert_int_equal(w[19], 0x28);
	assert_int_equal(load_be16(w + 20), 160);
	assert_int_equal(cksum_fold(cksum_partial(w + 18, 60, 0)), 0);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(w[78 + i], octet(i));
}

/* RFC 3168 5.3 */
static void
marks(void **state)
{
	static const struct {
		uint8_t a, b;
		int whole; /* -1: dropped */
	} rows[] = {
	    {0, 0, 0}, {2, 2, 2},  {1, 1, 1},  {2, 3, 3}, {3, 2, 3},
	    {3, 3, 3}, {0, 3, -1}, {3, 0, -1}, {1, 3, 3},
	};
	uint32_t len;

	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++) {
		struct piece a = piece((uint16_t)i, 0, 80, MF), b = piece((uint16_t)i, 80, 20, 0);
		uint8_t *w;

		a.tos = rows[i].a;
		b.tos = rows[i].b;
		swallow(&a);
		w = give(&b, &len);
		if (rows[i].whole < 0)
			assert_null(w);
		else
			assert_int_equal(w[15] & 3, rows[i].whole);
		frag_recycle(&table);
		assert_int_equal(table.n_used, 0);
	}
}

/* --- against a model --- */

enum { MODEL_IDS = 3, MODEL_MAX = 4096 };

/* What a datagram is to somebody who has all the time in the world. */
struct model {
	bool open, bad;
	uint8_t here[MODEL_MAX];
	uint32_t total, have;
	uint64_t until;
};

/* What the model says of a piece: 0 nothing, 1 complete. */
static bool
model_give(struct model *m, const struct piece *f, uint32_t *octets)
{
	uint32_t round_end = (f->off + f->len + 7) & ~7u, n = 0, end = f->off + f->len, highest = 0;

	if (f->len == 0 || (f->more && f->len % 8))
		return false;
	if (!m->open) {
		*m = (struct model){.open = true, .until = now + FRAG_TIMEOUT_NS};
	}
	if (m->bad)
		return false;
	for (uint32_t i = f->off; i < round_end; i++)
		n += m->here[i] != 0;
	for (uint32_t i = 0; i < MODEL_MAX; i++)
		if (m->here[i] == 1)
			highest = i + 1;
	if (n == round_end - f->off && end <= highest && f->change == 0)
		return false; /* the same again */
	if (n > 0) {
		m->bad = true;
		return false;
	}
	if (!f->more && ((m->total && m->total != end) || highest > end))
		m->bad = true;
	if (!f->more && !m->bad)
		m->total = end;
	if (!m->bad && m->total && (end > m->total || (end == m->total && f->more)))
		m->bad = true;
	if (m->bad)
		return false;
	for (uint32_t i = f->off; i < round_end; i++)
		m->here[i] = i < end ? 1 : 2;
	m->have += f->len;
	*octets = m->total;
	if (m->total == 0 || m->have != m->total)
		return false;
	m->open = false;
	return true;
}

/* Mostly one of five parts of a datagram of 77 octets, now and then any part of any. */
static struct piece
random_piece(struct rng *r, uint16_t id)
{
	uint32_t part = (uint32_t)rng_below(r, 5);
	struct piece f = piece(id, 16 * part, part < 4 ? 16 : 13, part < 4);

	if (rng_chance(r, 0.95))
		return f;
	f.off = 8 * (uint32_t)rng_below(r, 12);
	f.len = 8 * (1 + (uint32_t)rng_below(r, 4));
	f.more = f.off == 0 || rng_chance(r, 0.8);
	if (!f.more)
		f.len -= (uint32_t)rng_below(r, 8);
	return f;
}

/* SCALE makes it longer. */
static void
against_a_model(void **state)
{
	const char *scale = getenv("SCALE");
	unsigned steps = 300000 * (scale ? (unsigned)atoi(scale) : 1), wholes = 0, bads = 0;
	static struct model model[MODEL_IDS];
	struct rng r;

	(void)state;
	rng_seed(&r, 815, 0);
	memset(model, 0, sizeof(model));
	for (unsigned i = 0; i < steps; i++) {
		uint16_t id = (uint16_t)rng_below(&r, MODEL_IDS);
		struct piece f = random_piece(&r, id);
		struct model *m = &model[id];
		uint32_t octets = 0, len;
		uint8_t *w;

		now += rng_below(&r, SECOND);
		frag_expire(&table, now);
		if (m->open && m->until <= now)
			m->open = false;
		f.change = m->open && m->here[f.off] && rng_chance(&r, 0.05);
		{
			bool complete = model_give(m, &f, &octets);

			w = give(&f, &len);
			assert_int_equal(w != NULL, complete);
			bads += m->bad;
		}
		if (w) {
			assert_int_equal(len, 34 + octets);
			wholes++;
			frag_recycle(&table);
		}
	}
	assert_true(wholes > 100 && bads > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(two_in_order, begin, end),
	    cmocka_unit_test_setup_teardown(two_reversed, begin, end),
	    cmocka_unit_test_setup_teardown(of_eight_octets, begin, end),
	    cmocka_unit_test_setup_teardown(duplicates_do_no_harm, begin, end),
	    cmocka_unit_test_setup_teardown(overlaps_are_given_up, begin, end),
	    cmocka_unit_test_setup_teardown(ping_of_death, begin, end),
	    cmocka_unit_test_setup_teardown(the_longest, begin, end),
	    cmocka_unit_test_setup_teardown(lengths_that_cannot_be, begin, end),
	    cmocka_unit_test_setup_teardown(contradictions, begin, end),
	    cmocka_unit_test_setup_teardown(tiny_first_fragments, begin, end),
	    cmocka_unit_test_setup_teardown(apart, begin, end),
	    cmocka_unit_test_setup_teardown(timeout, begin, end),
	    cmocka_unit_test_setup_teardown(one_source_has_its_share, begin, end),
	    cmocka_unit_test_setup_teardown(the_table_is_full, begin, end),
	    cmocka_unit_test_setup_teardown(recycled, begin, end),
	    cmocka_unit_test_setup_teardown(headers, begin, end),
	    cmocka_unit_test_setup_teardown(marks, begin, end),
	    cmocka_unit_test_setup_teardown(against_a_model, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
