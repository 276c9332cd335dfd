/* test_tcp_board.c - the scoreboard against a naive one, octet by octet; its cost and its limits. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <time.h>

#include "base/rng.h"
#include "tcp/seq.h"
#include "tcp/tcp_board.h"

struct bench {
	struct block_pools pools;
	void *mem;
	struct board board;
};

static void
setup(struct bench *x, uint32_t n_small, uint32_t n_large, uint32_t start)
{
	const uint64_t bytes = block_pools_bytes(n_small, n_large);

	x->mem = malloc(bytes + 1);
	assert_non_null(x->mem);
	memset(x->mem, 0xa5, bytes);
	block_pools_init(&x->pools, x->mem, n_small, n_large);
	memset(&x->board, 0xa5, sizeof(x->board));
	board_init(&x->board, start);
}

static void
cleanup(struct bench *x)
{
	board_free(&x->board, &x->pools);
	assert_int_equal(x->pools.small.in_use + x->pools.large.in_use, 0);
	free(x->mem);
}

/* --- as text --- */

/* "1-5:10 5-9S 9-12L 12-20A:30": numbers from the start, S reported, L lost, A sent again, C coarse,
 * V vague, and the time of what is in flight. */
static const char *
show(struct bench *x, uint32_t base)
{
	static char text[8192];
	const struct board_run *r = board_runs(&x->board, &x->pools);
	uint32_t start = x->board.start;
	int at = 0;

	text[0] = 0;
	for (unsigned i = 0; i < x->board.n; i++) {
		const uint32_t f = r[i].flags;

		at += snprintf(text + at, sizeof(text) - (size_t)at, "%s%u-%u%s%s%s%s%s",
			       i ? " " : "", start - base, r[i].end - base,
			       f & BOARD_SACKED ? "S" : "", f & BOARD_LOST ? "L" : "",
			       f & BOARD_AGAIN ? "A" : "", r[i].span_us > 0 ? "C" : "",
			       f & BOARD_VAGUE ? "V" : "");
		if (!(f & (BOARD_SACKED | BOARD_LOST)))
			at += snprintf(text + at, sizeof(text) - (size_t)at, ":%u", r[i].tx_us);
		start = r[i].end;
	}
	return text;
}

/* One letter, its numbers: s END TIME send, r START END TIME send again, a UNA, k START END report, l all is lost, x TIME lost what
 * left before, g go back on reports, f find what was lost. */
static void
play(struct bench *x, const char *script, uint32_t base, struct board_news *news)
{
	char copy[512], *rest, *word;

	assert_true(strlen(script) < sizeof(copy));
	strcpy(copy, script);
	for (word = strtok_r(copy, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		unsigned n[3] = {0, 0, 0};
		char letter = 0;

		sscanf(word, " %c %u %u %u", &letter, &n[0], &n[1], &n[2]);
		memset(news, 0, sizeof(*news));
		switch (letter) {
		case 's':
			board_sent(&x->board, &x->pools, base + n[0], n[1]);
			break;
		case 'r':
			board_sent_again(&x->board, &x->pools, base + n[0], base + n[1], n[2]);
			break;
		case 'a':
			board_acked(&x->board, &x->pools, base + n[0], news);
			break;
		case 'k':
			board_sacked(&x->board, &x->pools, base + n[0], base + n[1], news);
			break;
		case 'l':
			board_lose_all(&x->board, &x->pools);
			break;
		case 'g':
			board_forget_reports(&x->board, &x->pools);
			break;
		case 'f':
			board_find_lost(&x->board, &x->pools);
			break;
		default:
			fail_msg("letter %c", letter);
		}
		board_check(&x->board, &x->pools);
	}
}

static const struct row {
	const char *script, *runs;
	uint32_t octets, wrong, once_us, once_end, again_us, first_end; /* of the last one */
} rows[] = {
    {"s 10 5", "0-10:5", 0, 0, 0, 0, 0, 0},
    {"s 10 5,s 20 5", "0-20:5", 0, 0, 0, 0, 0, 0},
    {"s 10 5,s 20 6", "0-10:5 10-20:6", 0, 0, 0, 0, 0, 0},
    {"s 10 5,a 4", "4-10:5", 4, 0, 5, 4, 0, 4},
    {"s 10 5,a 10", "", 10, 0, 5, 10, 0, 10},
    {"s 10 5,s 20 6,a 15", "15-20:6", 15, 0, 6, 15, 0, 10},
    {"s 10 5,s 20 6,a 20", "", 20, 0, 6, 20, 0, 10},
    /* reports */
    {"s 30 5,k 10 20", "0-10:5 10-20S 20-30:5", 10, 0, 5, 20, 0, 20},
    {"s 30 5,k 10 20,k 10 20", "0-10:5 10-20S 20-30:5", 0, 0, 0, 0, 0, 0},
    {"s 30 5,k 10 20,k 12 18", "0-10:5 10-20S 20-30:5", 0, 0, 0, 0, 0, 0},
    {"s 30 5,k 10 20,k 15 25", "0-10:5 10-25S 25-30:5", 5, 0, 5, 25, 0, 25},
    {"s 30 5,k 10 20,k 5 15", "0-5:5 5-20S 20-30:5", 5, 0, 5, 10, 0, 10},
    {"s 30 5,k 10 20,k 5 25", "0-5:5 5-25S 25-30:5", 10, 0, 5, 25, 0, 10},
    {"s 30 5,k 5 10,k 20 25,k 10 20", "0-5:5 5-25S 25-30:5", 10, 0, 5, 20, 0, 20},
    {"s 30 5,k 0 5", "0-5S 5-30:5", 5, 0, 5, 5, 0, 5},
    {"s 30 5,k 25 30", "0-25:5 25-30S", 5, 0, 5, 30, 0, 30},
    {"s 30 5,k 0 30", "0-30S", 30, 0, 5, 30, 0, 30},
    {"s 30 5,k 10 20,a 15", "15-20S 20-30:5", 10, 0, 5, 10, 0, 10},
    {"s 30 5,k 10 20,a 25", "25-30:5", 15, 0, 5, 25, 0, 10},
    {"s 30 5,k 10 20,s 40 9", "0-10:5 10-20S 20-30:5 30-40:9", 0, 0, 0, 0, 0, 0},
    {"s 30 5,k 20 30,s 40 5", "0-20:5 20-30S 30-40:5", 0, 0, 0, 0, 0, 0},
    /* losses */
    {"s 30 5,l", "0-30L", 0, 0, 0, 0, 0, 0},
    {"s 30 5,k 10 20,l", "0-10L 10-20S 20-30L", 0, 0, 0, 0, 0, 0},
    {"s 30 5,l,r 0 10 7", "0-10A:7 10-30L", 0, 0, 0, 0, 0, 0},
    {"s 30 5,l,r 0 10 7,r 10 20 7", "0-20A:7 20-30L", 0, 0, 0, 0, 0, 0},
    {"s 30 5,l,r 0 10 7,r 10 20 8", "0-10A:7 10-20A:8 20-30L", 0, 0, 0, 0, 0, 0},
    {"s 30 5,l,r 10 20 7", "0-10L 10-20A:7 20-30L", 0, 0, 0, 0, 0, 0},
    {"s 30 5,l,r 0 10 7,l", "0-30LAC", 0, 0, 0, 0, 0, 0},
    {"s 30 5,l,r 0 10 7,a 10", "10-30L", 10, 0, 0, 0, 7, 0},
    {"s 30 5,l,r 0 10 7,a 20", "20-30L", 20, 10, 5, 20, 7, 20},
    {"s 30 5,l,k 10 20", "0-10L 10-20S 20-30L", 10, 10, 5, 20, 0, 20},
    {"s 30 5,l,f", "0-30:5", 0, 0, 0, 0, 0, 0},
    {"s 30 5,k 20 25,l,r 0 10 8,f", "0-10A:8 10-20:5 20-25S 25-30:5", 0, 0, 0, 0, 0, 0},
    /* the peer goes back on what it has said */
    {"s 30 5,k 10 20,g", "0-10:5 10-20LA 20-30:5", 0, 0, 0, 0, 0, 0},
    {"s 30 5,k 0 20,g,a 20", "20-30:5", 20, 0, 0, 0, 5, 0},
    /* sent again though nothing was lost: a probe */
    {"s 30 5,r 20 30 9", "0-20:5 20-30A:9", 0, 0, 0, 0, 0, 0},
    {"s 30 5,r 20 30 9,a 30", "", 30, 0, 5, 20, 9, 20},
    {"s 30 5,r 20 30 9,s 40 9", "0-20:5 20-30A:9 30-40:9", 0, 0, 0, 0, 0, 0},
};

static void
play_row(const struct row *r, uint32_t base)
{
	struct board_news news;
	struct bench x;

	setup(&x, 4, 4, base);
	play(&x, r->script, base, &news);
	if (strcmp(show(&x, base), r->runs) != 0)
		fail_msg("\"%s\": \"%s\", expected \"%s\"", r->script, show(&x, base), r->runs);
	assert_int_equal(news.octets, r->octets);
	assert_int_equal(news.wrongly_lost, r->wrong);
	assert_int_equal(news.once ? news.once_us : 0, r->once_us);
	assert_int_equal(news.once ? news.once_end - base : 0, r->once_end);
	assert_int_equal(news.again ? news.again_us : 0, r->again_us);
	assert_int_equal(news.once ? news.first_once_end - base : 0, r->first_end);
	cleanup(&x);
}

static void
table(void **state)
{
	static const uint32_t base[] = {0, 1000, UINT32_MAX - 15, 0x7fffffff};

	(void)state;
	for (size_t i = 0; i < N_OF(rows); i++)
		for (size_t b = 0; b < N_OF(base); b++)
			play_row(&rows[i], base[b]);
}

/* --- memory --- */

static void
islands(struct bench *x, unsigned n)
{
	struct board_news news = {0};

	for (unsigned i = 0; i < n; i++)
		board_sacked(&x->board, &x->pools, x->board.start + 2 * i + 1,
			     x->board.start + 2 * i + 2, &news);
	board_check(&x->board, &x->pools);
}

static void
grows_and_shrinks(void **state)
{
	struct board_news news = {0};
	struct bench x;

	(void)state;
	setup(&x, 1, 1, 0);
	board_sent(&x.board, &x.pools, 1000, 1);
	islands(&x, 1);
	assert_int_equal(x.pools.small.in_use, 0); /* three runs: in the board itself */
	islands(&x, 8);
	assert_int_equal(x.board.n, 17);
	assert_int_equal(x.pools.small.in_use, 1);
	islands(&x, 20);
	assert_int_equal(x.board.n, 41);
	assert_int_equal(x.pools.small.in_use, 0);
	assert_int_equal(x.pools.large.in_use, 1);
	board_sacked(&x.board, &x.pools, 1, 100, &news);
	assert_int_equal(x.board.n, 3);
	assert_int_equal(x.pools.large.in_use, 0);
	assert_string_equal(show(&x, 0), "0-1:1 1-100S 100-1000:1");
	cleanup(&x);
}

/* What the peer reports beyond that is as if it had not. */
static void
more_islands_than_room(void **state)
{
	static const uint32_t large[] = {0, 1}, small[] = {0, 1};
	static const unsigned most[2][2] = {{3, 3}, {19, 169}};

	(void)state;
	for (unsigned s = 0; s < 2; s++)
		for (unsigned l = 0; l < 2; l++) {
			struct bench x;

			setup(&x, small[s], large[l], 77);
			board_sent(&x.board, &x.pools, 77 + 10000, 1);
			islands(&x, 4000);
			if (l == 1)
				assert_in_range(x.board.n, 165, 169);
			else
				assert_int_equal(x.board.n, most[s][l]);
			/* What is sent next has its place. */
			board_sent(&x.board, &x.pools, 77 + 10010, 50);
			board_check(&x.board, &x.pools);
			assert_int_equal(board_end(&x.board, &x.pools), 77 + 10010);
			cleanup(&x);
		}
}

/* A long fat pipe: a segment every 100 us, 2,000 in flight, in 169 runs; each of whose times is late
 * by a few hundredths of the span at most. */
static void
many_times(void **state)
{
	struct board_news news = {0};
	const struct board_run *r;
	struct bench x;
	uint32_t start;

	(void)state;
	setup(&x, 1, 1, 0);
	for (unsigned i = 1; i <= 2000; i++) {
		board_sent(&x.board, &x.pools, i * 1000, i * 100);
		board_check(&x.board, &x.pools);
	}
	r = board_runs(&x.board, &x.pools);
	start = 0;
	for (unsigned i = 0; i < x.board.n; i++) {
		assert_int_equal(r[i].tx_us, r[i].end / 10); /* the last one's own time */
		assert_true((r[i].end - start) / 10 <= 200000 / 20);
		start = r[i].end;
	}
	assert_in_range(x.board.n, 40, 169);
	/* Of a part of a run only the earliest time is known; of its end the time itself. */
	board_acked(&x.board, &x.pools, 500, &news);
	assert_true(news.once && !news.timed && news.once_us == 100);
	start = r[0].end;
	board_acked(&x.board, &x.pools, start, &news);
	assert_true(news.timed && news.timed_us == start / 10);
	assert_true(news.once && news.once_us == start / 10);
	cleanup(&x);
}

/* A report from the middle of such a run carries the earliest time, and so does what is left before it. */
static void
reports_in_coarse_runs(void **state)
{
	struct board_news news = {0};
	struct bench x;

	(void)state;
	setup(&x, 0, 0, 0);
	for (unsigned i = 1; i <= 5; i++)
		board_sent(&x.board, &x.pools, i * 10, i);
	assert_string_equal(show(&x, 0), "0-20C:2 20-40C:4 40-50:5");
	board_acked(&x.board, &x.pools, 1, &news);
	cleanup(&x);
	setup(&x, 1, 1, 0);
	board_sent(&x.board, &x.pools, 20, 2);
	x.board.run[0].span_us = 1;
	memset(&news, 0, sizeof(news));
	board_sacked(&x.board, &x.pools, 5, 10, &news);
	assert_int_equal(news.octets, 5);
	assert_true(news.once && !news.timed && news.once_us == 1);
	assert_string_equal(show(&x, 0), "0-5CV:2 5-10S 10-20C:2");
	memset(&news, 0, sizeof(news));
	board_acked(&x.board, &x.pools, 5, &news);
	assert_true(news.once && !news.timed && news.once_us == 1);
	board_acked(&x.board, &x.pools, 20, &news);
	assert_true(news.timed && news.timed_us == 2);
	cleanup(&x);
}

/* Room for what is sent again can always be made, too. */
static void
sent_again_without_room(void **state)
{
	struct board_news news = {0};
	struct bench x;
	uint32_t start, end;

	(void)state;
	setup(&x, 0, 0, 0);
	board_sent(&x.board, &x.pools, 100, 1);
	board_sacked(&x.board, &x.pools, 50, 60, &news);
	board_lose_all(&x.board, &x.pools);
	assert_string_equal(show(&x, 0), "0-50L 50-60S 60-100L");
	board_sent_again(&x.board, &x.pools, 10, 20, 7);
	board_check(&x.board, &x.pools);
	assert_true(board_first_lost(&x.board, &x.pools, &start, &end));
	assert_int_equal(end, 100);
	assert_int_equal(board_pipe(&x.board, 100), 50); /* all of that run counts as sent */
	cleanup(&x);
}

/* --- against a naive model --- */

enum { SPACE = 150, F_SACKED = 1, F_LOST = 2, F_AGAIN = 4 };

struct octet {
	uint8_t flags;
	uint32_t tx_us;
};

struct model {
	struct octet at[2 * SPACE]; /* of start .. end, in its first n */
	unsigned n;
};

static void
model_advance(struct model *m, unsigned n)
{
	memmove(m->at, m->at + n, (m->n - n) * sizeof(m->at[0]));
	m->n -= n;
}

struct expected {
	uint32_t octets, wrong;
	bool once, again, timed;
	uint32_t once_us, again_us;
};

static void
model_arrives(const struct octet *o, struct expected *e)
{
	if (o->flags & F_SACKED)
		return;
	e->octets++;
	e->timed &= !(o->flags & F_LOST); /* joined, those have the last one's time */
	if (o->flags & F_LOST && !(o->flags & F_AGAIN))
		e->wrong++;
	if (o->flags & F_AGAIN) {
		if (!e->again || seq_gt(o->tx_us, e->again_us))
			e->again_us = o->tx_us;
		e->again = true;
	} else {
		if (!e->once || seq_gt(o->tx_us, e->once_us))
			e->once_us = o->tx_us;
		e->once = true;
	}
}

static void
compare_news(const struct board_news *n, const struct expected *e)
{
	assert_int_equal(n->octets, e->octets);
	if (!e->timed)
		return;
	assert_int_equal(n->wrongly_lost, e->wrong);
	assert_int_equal(n->once, e->once);
	assert_int_equal(n->timed, e->once);
	assert_int_equal(n->again, e->again);
	assert_true(!e->once || (n->once_us == e->once_us && n->timed_us == e->once_us));
	assert_true(!e->again || n->again_us == e->again_us);
}

static void
compare(struct bench *x, const struct model *m)
{
	const struct board_run *r = board_runs(&x->board, &x->pools);
	unsigned at = 0;

	assert_int_equal(board_end(&x->board, &x->pools) - x->board.start, m->n);
	for (unsigned i = 0; i < x->board.n; i++) {
		const uint8_t state = (uint8_t)(r[i].flags & (F_SACKED | F_LOST));

		for (; at < r[i].end - x->board.start; at++) {
			const struct octet *o = &m->at[at];

			if ((o->flags & (F_SACKED | F_LOST)) != state)
				fail_msg("octet %u: %u, not %u", at, state, o->flags);
			if (state == 0 && (o->tx_us != r[i].tx_us ||
					   (o->flags & F_AGAIN) != (r[i].flags & F_AGAIN)))
				fail_msg("octet %u: time %u, not %u", at, r[i].tx_us, o->tx_us);
		}
	}
}

static void
model_send(struct bench *x, struct model *m, struct rng *g, uint32_t now)
{
	unsigned len = 1 + (unsigned)rng_below(g, 12);

	if (len > SPACE - m->n)
		len = SPACE - m->n;
	if (len == 0)
		return;
	board_sent(&x->board, &x->pools, x->board.start + m->n + len, now);
	for (unsigned i = 0; i < len; i++)
		m->at[m->n++] = (struct octet){.tx_us = now};
}

static void
model_send_again(struct bench *x, struct model *m, struct rng *g, uint32_t now)
{
	uint32_t start, end;

	if (!board_first_lost(&x->board, &x->pools, &start, &end)) {
		for (unsigned i = 0; i < m->n; i++)
			assert_false(m->at[i].flags & F_LOST);
		return;
	}
	for (unsigned i = 0; i < start - x->board.start; i++)
		assert_false(m->at[i].flags & F_LOST);
	end = seq_min(end, start + 1 + (uint32_t)rng_below(g, 10));
	board_sent_again(&x->board, &x->pools, start, end, now);
	for (unsigned i = start - x->board.start; i < end - x->board.start; i++) {
		m->at[i].flags = F_AGAIN;
		m->at[i].tx_us = now;
	}
}

static void
model_ack(struct bench *x, struct model *m, unsigned n)
{
	struct expected e = {.timed = true};
	struct board_news news = {0};

	for (unsigned i = 0; i < n; i++)
		model_arrives(&m->at[i], &e);
	board_acked(&x->board, &x->pools, x->board.start + n, &news);
	model_advance(m, n);
	compare_news(&news, &e);
}

static void
model_report(struct bench *x, struct model *m, struct rng *g)
{
	struct expected e = {.timed = true};
	struct board_news news = {0};
	unsigned from, to;

	if (m->n == 0)
		return;
	from = (unsigned)rng_below(g, m->n);
	to = from + 1 + (unsigned)rng_below(g, rng_chance(g, 0.1) ? m->n - from : 5);
	if (to > m->n)
		to = m->n;
	for (unsigned i = from; i < to; i++) {
		model_arrives(&m->at[i], &e);
		m->at[i].flags = F_SACKED;
	}
	board_sacked(&x->board, &x->pools, x->board.start + from, x->board.start + to, &news);
	compare_news(&news, &e);
}

/* As RACK does it: all that left before some time. */
static void
model_lose_older(struct bench *x, struct model *m, uint32_t than_us)
{
	struct board_run *r = board_runs(&x->board, &x->pools);
	uint32_t start = x->board.start;

	for (unsigned i = 0; i < x->board.n; i++) {
		if (!(r[i].flags & (BOARD_SACKED | BOARD_LOST)) && seq_lt(r[i].tx_us, than_us))
			board_lose(&x->board, &r[i], r[i].end - start);
		start = r[i].end;
	}
	board_tidy(&x->board, &x->pools);
	for (unsigned i = 0; i < m->n; i++)
		if (!(m->at[i].flags & (F_SACKED | F_LOST)) && seq_lt(m->at[i].tx_us, than_us))
			m->at[i].flags |= F_LOST;
}

static void
model_forget(struct bench *x, struct model *m)
{
	board_forget_reports(&x->board, &x->pools);
	for (unsigned i = 0; i < m->n; i++)
		if (m->at[i].flags & F_SACKED)
			m->at[i].flags = F_LOST | F_AGAIN;
}

/* 150 octets are never more runs than there is room for: board and model agree in everything. */
static void
model_step(struct bench *x, struct model *m, struct rng *g, uint32_t now)
{
	switch (rng_below(g, 16)) {
	case 0:
	case 1:
	case 2:
	case 3:
		model_send(x, m, g, now);
		break;
	case 4:
	case 5:
	case 6:
		model_send_again(x, m, g, now);
		break;
	case 7:
	case 8:
		model_ack(x, m, (unsigned)rng_below(g, m->n / 8 + 1));
		break;
	case 9:
		if (rng_chance(g, 0.02))
			model_ack(x, m, m->n);
		else if (rng_chance(g, 0.02))
			model_forget(x, m);
		break;
	case 10:
		model_lose_older(x, m, now - (uint32_t)rng_below(g, 40));
		break;
	default:
		model_report(x, m, g);
	}
}

static uint64_t
scale(void)
{
	const char *text = getenv("SCALE");

	return text ? strtoull(text, NULL, 0) : 1;
}

/* 10 million operations; SCALE=N: N times as many. */
static void
against_the_model(void **state)
{
	const uint64_t steps = scale() * 10000000;
	static struct model m;
	struct bench x;
	struct rng g;
	uint32_t now = UINT32_MAX - 1000000; /* times wrap, too */

	(void)state;
	setup(&x, 1, 1, UINT32_MAX - 5000);
	rng_seed(&g, 8985, 1);
	m.n = 0;
	for (uint64_t i = 0; i < steps; i++) {
		now += (uint32_t)rng_below(&g, 3);
		model_step(&x, &m, &g, now);
		if (i % 8 == 0 || i > steps - 100000) {
			compare(&x, &m);
			board_check(&x.board, &x.pools);
		}
	}
	cleanup(&x);
}

/* A larger window, less memory: reports may be forgotten and times be late, but what is taken for
 * reported was, and nothing is gone. */
static void
under_pressure(void **state)
{
	const uint64_t steps = scale() * 1000000;
	struct bench x;
	struct rng g;
	uint32_t now = 0, taken = POOL_NONE;

	(void)state;
	setup(&x, 1, 1, 0);
	rng_seed(&g, 8985, 2);
	for (uint64_t i = 0; i < steps; i++) {
		struct board_news news = {0};
		uint32_t flight = board_end(&x.board, &x.pools) - x.board.start, start, end;

		now += (uint32_t)rng_below(&g, 20);
		switch (rng_below(&g, 8)) {
		case 0:
		case 1:
			if (flight < 5000)
				board_sent(&x.board, &x.pools,
					   x.board.start + flight + 1 + (uint32_t)rng_below(&g, 30),
					   now);
			break;
		case 2:
			if (board_first_lost(&x.board, &x.pools, &start, &end))
				board_sent_again(&x.board, &x.pools, start,
						 seq_min(end, start + 10), now);
			break;
		case 3:
			board_acked(&x.board, &x.pools,
				    x.board.start + (uint32_t)rng_below(&g, flight / 50 + 1),
				    &news);
			break;
		case 4:
			if (rng_chance(&g, 0.05))
				board_lose_all(&x.board, &x.pools);
			if (rng_chance(&g, 0.3) && taken == POOL_NONE)
				taken = block_get(&x.pools, rng_chance(&g, 0.5) ? 10 : 2000);
			if (rng_chance(&g, 0.3) && taken != POOL_NONE) {
				block_put(&x.pools, taken);
				taken = POOL_NONE;
			}
			break;
		default:
			if (flight > 10) {
				start = x.board.start + (uint32_t)rng_below(&g, flight - 5);
				board_sacked(&x.board, &x.pools, start,
					     start + 1 + (uint32_t)rng_below(&g, 4), &news);
				assert_true(news.octets <= 4);
			}
		}
		flight = board_end(&x.board, &x.pools) - x.board.start;
		assert_true(board_pipe(&x.board, flight) <= flight);
		if (i % 4 == 0)
			board_check(&x.board, &x.pools);
	}
	if (taken != POOL_NONE)
		block_put(&x.pools, taken);
	cleanup(&x);
}

/* --- cost: SACK panic (CVE-2019-11477) --- */

static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A board full of islands of one octet; then ACKs with four reports each, of octets that are not known. */
static void
cost_of_islands(void **state)
{
	enum { ACKS = 20000 };
	struct board_news news = {0};
	struct bench x;
	double t0, full, part;

	(void)state;
	setup(&x, 1, 1, 0);
	for (unsigned i = 1; i <= 64; i++)
		board_sent(&x.board, &x.pools, i * 1000, i * 10);
	islands(&x, 1000);
	assert_true(x.board.n > 160);
	t0 = seconds();
	for (unsigned i = 0; i < 4 * ACKS; i++)
		board_sacked(&x.board, &x.pools, 3001 + 2 * i % 50000, 3002 + 2 * i % 50000, &news);
	full = (seconds() - t0) / ACKS;
	cleanup(&x);

	setup(&x, 1, 1, 0);
	board_sent(&x.board, &x.pools, 64000, 10);
	t0 = seconds();
	for (unsigned i = 0; i < ACKS; i++) {
		for (unsigned k = 0; k < 4; k++) {
			const uint32_t at = 1 + 2 * ((i * 4 + k) % 70);

			board_sacked(&x.board, &x.pools, x.board.start + at, x.board.start + at + 1,
				     &news);
		}
		if (i % 16 == 15) {
			board_acked(&x.board, &x.pools, x.board.start + 140, &news);
			board_sent(&x.board, &x.pools, board_end(&x.board, &x.pools) + 140, i);
		}
	}
	part = (seconds() - t0) / ACKS;
	cleanup(&x);
	printf("# an ACK with four reports: %.0f ns on a full board, %.0f ns when they are taken\n",
	       full * 1e9, part * 1e9);
	assert_true(full < 50e-6 && part < 50e-6); /* sanitizers, busy machines */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(table),
	    cmocka_unit_test(grows_and_shrinks),
	    cmocka_unit_test(more_islands_than_room),
	    cmocka_unit_test(many_times),
	    cmocka_unit_test(reports_in_coarse_runs),
	    cmocka_unit_test(sent_again_without_room),
	    cmocka_unit_test(against_the_model),
	    cmocka_unit_test(under_pressure),
	    cmocka_unit_test(cost_of_islands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
