/* tcp_board.c - the scoreboard of what is in flight (RFC 6675 3, 4; 8985 5.2; 2018 8). */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp/tcp_board.h"

#include <assert.h>
#include <string.h>

#include "tcp/seq.h"

_Static_assert(sizeof(struct board_run) == 12, "as BOARD_RUNS_MAX counts");

enum { STATE = BOARD_SACKED | BOARD_LOST };

/* --- where the runs are --- */

void
board_init(struct board *b, uint32_t start)
{
	b->start = start;
	b->block = POOL_NONE;
	b->sacked = b->lost = 0;
	b->n = 0;
	b->sent_again = false;
}

void
board_free(struct board *b, struct block_pools *p)
{
	if (b->block != POOL_NONE)
		block_put(p, b->block);
	board_init(b, b->start);
}

static unsigned
room_of(const struct board *b)
{
	return b->block == POOL_NONE ? BOARD_INLINE
				     : block_room(b->block) / (unsigned)sizeof(struct board_run);
}

/* Moves to the next larger place; false when there is none. */
static bool
grow(struct board *b, struct block_pools *p)
{
	uint32_t want = b->block == POOL_NONE ? BLOCK_SMALL_ROOM : BLOCK_LARGE_ROOM, h;

	if (b->block != POOL_NONE && b->block & BLOCK_LARGE)
		return false;
	h = block_get(p, want);
	if (h == POOL_NONE)
		return false;
	memcpy(block_at(p, h)->data, board_runs(b, p), b->n * sizeof(struct board_run));
	if (b->block != POOL_NONE)
		block_put(p, b->block);
	b->block = h;
	return true;
}

/* Back into the board itself, with one to spare so that it does not go to and fro. */
static void
shrink(struct board *b, struct block_pools *p)
{
	uint32_t h = b->block;

	if (h == POOL_NONE || b->n >= BOARD_INLINE)
		return;
	memcpy(b->run, block_at(p, h)->data, b->n * sizeof(struct board_run));
	b->block = POOL_NONE;
	block_put(p, h);
}

/* --- runs that become one --- */

static bool
is_after(uint32_t a_us, uint32_t b_us)
{
	return seq_gt(a_us, b_us);
}

/* Runs next to each other with the same fate; `slack_us` apart when they are in flight. What is
 * lost or reported has no time worth keeping. */
static bool
may_join(const struct board_run *l, const struct board_run *r, uint32_t slack_us)
{
	if ((l->flags ^ r->flags) & STATE)
		return false;
	if (l->flags & STATE)
		return true;
	return !((l->flags ^ r->flags) & BOARD_AGAIN) && r->tx_us - l->tx_us <= slack_us;
}

enum { SPAN_MAX_US = (1 << 24) - 1 };

/* l takes r in. */
static void
join(struct board_run *l, const struct board_run *r)
{
	uint32_t first = seq_min(l->tx_us - l->span_us, r->tx_us - r->span_us);
	uint32_t last = seq_max(l->tx_us, r->tx_us);

	l->span_us = (last - first < SPAN_MAX_US ? last - first : SPAN_MAX_US) & SPAN_MAX_US;
	l->flags = (l->flags & ~(uint32_t)BOARD_VAGUE & UINT8_MAX) | r->flags;
	l->end = r->end;
	l->tx_us = last;
}

/* A group spans slack_us at most. */
static void
join_all(struct board *b, struct block_pools *p, uint32_t slack_us)
{
	struct board_run *r = board_runs(b, p);
	unsigned kept = 0;
	uint32_t group_us;

	if (b->n == 0)
		return;
	group_us = r[0].tx_us;
	for (unsigned i = 1; i < b->n; i++) {
		struct board_run head = r[kept];

		head.tx_us = group_us;
		if (may_join(&head, &r[i], slack_us)) {
			join(&r[kept], &r[i]);
		} else {
			r[++kept] = r[i];
			group_us = r[i].tx_us;
		}
	}
	b->n = (uint16_t)(kept + 1);
}

void
board_tidy(struct board *b, struct block_pools *p)
{
	join_all(b, p, 0);
	shrink(b, p);
}

/* Time between the first and the last transmission. */
static uint32_t
span_of(struct board *b, const struct block_pools *p)
{
	const struct board_run *r = board_runs(b, p);
	uint32_t first = r[0].tx_us, last = first;

	for (unsigned i = 1; i < b->n; i++) {
		first = seq_min(first, r[i].tx_us);
		last = seq_max(last, r[i].tx_us);
	}
	return last - first;
}

/* How many runs would be gone if all were joined that may be, however far apart. */
static unsigned
n_joinable(struct board *b, const struct block_pools *p)
{
	const struct board_run *r = board_runs(b, p);
	unsigned n = 0;

	for (unsigned i = 1; i < b->n; i++)
		n += may_join(&r[i - 1], &r[i], INT32_MAX);
	return n;
}

/* Coarser and coarser, until a quarter is free; not at all when that would not make room for
 * `more`. */
static void
squeeze(struct board *b, struct block_pools *p, unsigned more)
{
	uint64_t span = span_of(b, p);
	unsigned enough = b->n - b->n / 4u;

	if (b->n - n_joinable(b, p) + more > room_of(b))
		return;
	for (uint64_t slack = span / 128 + 1; b->n > enough; slack *= 2) {
		join_all(b, p, (uint32_t)slack);
		if (slack > span)
			return;
	}
}

/* Room for `more` runs. */
static bool
make_room(struct board *b, struct block_pools *p, unsigned more)
{
	if (b->n + more <= room_of(b))
		return true;
	while (grow(b, p))
		if (b->n + more <= room_of(b))
			return true;
	squeeze(b, p, more);
	return b->n + more <= room_of(b);
}

/* --- finding and splitting --- */

uint32_t
board_end(struct board *b, const struct block_pools *p)
{
	return b->n == 0 ? b->start : board_runs(b, p)[b->n - 1].end;
}

/* The run that seq is in; n when it is beyond the last. */
static unsigned
find(struct board *b, const struct block_pools *p, uint32_t seq)
{
	const struct board_run *r = board_runs(b, p);
	unsigned low = 0, high = b->n;

	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (seq_leq(r[mid].end, seq))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static uint32_t
start_of(const struct board *b, const struct board_run *r, unsigned i)
{
	return i == 0 ? b->start : r[i - 1].end;
}

/* Makes seq a border between runs; there must be room. Returns the run that begins there. */
static unsigned
split(struct board *b, struct block_pools *p, uint32_t seq)
{
	unsigned i = find(b, p, seq);
	struct board_run *r = board_runs(b, p);

	if (i == b->n || start_of(b, r, i) == seq)
		return i;
	memmove(&r[i + 1], &r[i], (b->n - i) * sizeof(*r));
	b->n++;
	r[i].end = seq;
	if (r[i].span_us > 0)
		r[i].flags |= BOARD_VAGUE;
	return i + 1;
}

/* Joins run i with its neighbours where they share their fate. */
static void
join_around(struct board *b, struct block_pools *p, unsigned i)
{
	struct board_run *r = board_runs(b, p);
	unsigned first = i, last = i;

	if (i > 0 && may_join(&r[i - 1], &r[i], 0))
		first--;
	if (i + 1 < b->n && may_join(&r[i], &r[i + 1], 0))
		last++;
	for (unsigned k = first + 1; k <= last; k++)
		join(&r[first], &r[k]);
	memmove(&r[first + 1], &r[last + 1], (b->n - last - 1) * sizeof(*r));
	b->n = (uint16_t)(b->n - (last - first));
}

/* Runs i to k - 1 become one, which is returned. */
static struct board_run *
unite(struct board *b, struct block_pools *p, unsigned i, unsigned k)
{
	struct board_run *r = board_runs(b, p);

	r[i].end = r[k - 1].end;
	memmove(&r[i + 1], &r[k], (b->n - k) * sizeof(*r));
	b->n = (uint16_t)(b->n - (k - i - 1));
	return &r[i];
}

/* --- sending --- */

void
board_sent(struct board *b, struct block_pools *p, uint32_t end, uint32_t now_us)
{
	struct board_run fresh = {.end = end, .tx_us = now_us};
	struct board_run *last = board_runs(b, p) + b->n - 1;

	if (b->n > 0 && may_join(last, &fresh, 0) && !(last->flags & STATE)) {
		last->end = end;
		return;
	}
	if (make_room(b, p, 1)) {
		board_runs(b, p)[b->n++] = fresh;
		return;
	}
	/* Nothing could be joined: the last report is forgotten, or what is lost counts as sent
	 * with this. */
	last = board_runs(b, p) + b->n - 1;
	uint32_t len = last->end - start_of(b, board_runs(b, p), b->n - 1u);

	if (last->flags & BOARD_SACKED)
		b->sacked -= len;
	if (last->flags & BOARD_LOST)
		b->lost -= len;
	*last = (struct board_run){
	    .end = end, .tx_us = now_us, .span_us = SPAN_MAX_US, .flags = BOARD_AGAIN};
}

void
board_sent_again(struct board *b, struct block_pools *p, uint32_t start, uint32_t end,
		 uint32_t now_us)
{
	/* Without room a little more than what was sent counts as sent; it will be found lost once
	 * more. */
	bool exact = make_room(b, p, 2);
	unsigned i = exact ? split(b, p, start) : find(b, p, start);
	unsigned k = exact ? split(b, p, end) : find(b, p, end - 1) + 1;
	struct board_run *r = board_runs(b, p);

	for (unsigned j = i; j < k; j++) {
		uint32_t len = r[j].end - start_of(b, r, j);

		if (r[j].flags & BOARD_LOST)
			b->lost -= len;
	}
	r = unite(b, p, i, k);
	r->tx_us = now_us;
	r->span_us = 0;
	r->flags = BOARD_AGAIN;
	b->sent_again = true;
	join_around(b, p, i);
	shrink(b, p);
}

/* --- what arrives --- */

static void
note_once(struct board_news *news, const struct board_run *r, uint32_t end, bool is_timed)
{
	uint32_t us = is_timed ? r->tx_us : r->tx_us - r->span_us;

	if (is_timed && (!news->timed || is_after(us, news->timed_us))) {
		news->timed = true;
		news->timed_us = us;
	}
	if (!news->once || seq_lt(end, news->first_once_end))
		news->first_once_end = end;
	if (news->once && !is_after(us, news->once_us) &&
	    !(us == news->once_us && seq_gt(end, news->once_end)))
		return;
	news->once = true;
	news->once_us = us;
	news->once_end = end;
}

static void
note_again(struct board_news *news, const struct board_run *r, uint32_t end)
{
	if (news->again && !is_after(r->tx_us, news->again_us) &&
	    !(r->tx_us == news->again_us && seq_gt(end, news->again_end)))
		return;
	news->again = true;
	news->again_us = r->tx_us;
	news->again_end = end;
}

/* len octets of r, up to `end`, have arrived. */
static void
note_arrival(struct board *b, const struct board_run *r, uint32_t len, uint32_t end,
	     struct board_news *news)
{
	if (r->flags & BOARD_SACKED)
		return;
	news->octets += len;
	if (r->flags & BOARD_LOST) {
		b->lost -= len;
		if (!(r->flags & BOARD_AGAIN))
			news->wrongly_lost += len;
	}
	/* Of a part of a run of several times nobody knows when it left. */
	bool is_timed = r->span_us == 0 || (end == r->end && !(r->flags & BOARD_VAGUE));

	if (!(r->flags & BOARD_AGAIN))
		note_once(news, r, end, is_timed);
	else if (is_timed)
		note_again(news, r, end);
}

void
board_acked(struct board *b, struct block_pools *p, uint32_t una, struct board_news *news)
{
	struct board_run *r = board_runs(b, p);
	unsigned gone = 0;

	while (gone < b->n && seq_lt(b->start, una)) {
		uint32_t end = seq_min(r[gone].end, una), len = end - b->start;

		note_arrival(b, &r[gone], len, end, news);
		if (r[gone].flags & BOARD_SACKED)
			b->sacked -= len;
		b->start = end;
		gone += end == r[gone].end;
	}
	b->n = (uint16_t)(b->n - gone);
	if (b->n == 0) {
		b->start = una;
		board_free(b, p);
	} else if (gone > 0) {
		memmove(r, r + gone, b->n * sizeof(*r));
		shrink(b, p);
	}
}

/* Whether all of [start, end) is known already. */
static bool
is_reported(struct board *b, const struct block_pools *p, uint32_t start, uint32_t end)
{
	const struct board_run *r = board_runs(b, p);
	unsigned i = find(b, p, start);

	return r[i].flags & BOARD_SACKED && seq_leq(end, r[i].end);
}

void
board_sacked(struct board *b, struct block_pools *p, uint32_t start, uint32_t end,
	     struct board_news *news)
{
	if (is_reported(b, p, start, end))
		return; /* by far the most frequent: each report comes several times */
	/* One more is left for what is sent next. */
	if (!make_room(b, p, 3))
		return;
	unsigned i = split(b, p, start), k = split(b, p, end);
	struct board_run *r = board_runs(b, p);

	for (unsigned j = i; j < k; j++) {
		uint32_t len = r[j].end - start_of(b, r, j);

		note_arrival(b, &r[j], len, r[j].end, news);
		if (!(r[j].flags & BOARD_SACKED))
			b->sacked += len;
	}
	r = unite(b, p, i, k);
	r->flags = BOARD_SACKED;
	r->span_us = 0;
	join_around(b, p, i);
	shrink(b, p);
}

/* --- what is lost --- */

void
board_lose(struct board *b, struct board_run *r, uint32_t len)
{
	r->flags |= BOARD_LOST;
	b->lost += len;
}

void
board_lose_all(struct board *b, struct block_pools *p)
{
	struct board_run *r = board_runs(b, p);

	for (unsigned i = 0; i < b->n; i++)
		if (!(r[i].flags & STATE))
			board_lose(b, &r[i], r[i].end - start_of(b, r, i));
	board_tidy(b, p);
}

void
board_forget_reports(struct board *b, struct block_pools *p)
{
	struct board_run *r = board_runs(b, p);

	for (unsigned i = 0; i < b->n; i++)
		if (r[i].flags & BOARD_SACKED)
			r[i].flags = BOARD_LOST | BOARD_AGAIN; /* its time is not known */
	b->lost += b->sacked;
	b->sacked = 0;
	board_tidy(b, p);
}

void
board_find_lost(struct board *b, struct block_pools *p)
{
	struct board_run *r = board_runs(b, p);

	for (unsigned i = 0; i < b->n; i++)
		r[i].flags &= (uint8_t)~BOARD_LOST;
	b->lost = 0;
	board_tidy(b, p);
}

bool
board_first_lost(struct board *b, const struct block_pools *p, uint32_t *start, uint32_t *end)
{
	const struct board_run *r = board_runs(b, p);

	if (b->lost == 0)
		return false;
	for (unsigned i = 0; i < b->n; i++) {
		if (!(r[i].flags & BOARD_LOST))
			continue;
		*start = start_of(b, r, i);
		*end = r[i].end;
		return true;
	}
	return false;
}

bool
board_is_reneged(struct board *b, const struct block_pools *p)
{
	return b->n > 0 && board_runs(b, p)[0].flags & BOARD_SACKED;
}

void
board_check(struct board *b, const struct block_pools *p)
{
	const struct board_run *r = board_runs(b, p);
	uint32_t before = b->start, sacked = 0, lost = 0;

	assert(b->n <= room_of(b));
	assert(b->n > 0 || b->block == POOL_NONE);
	for (unsigned i = 0; i < b->n; i++) {
		assert(seq_lt(before, r[i].end));
		assert((r[i].flags & STATE) != STATE);
		if (i > 0 && r[i].flags & STATE) /* neighbours differ */
			assert((r[i - 1].flags ^ r[i].flags) & STATE);
		sacked += r[i].flags & BOARD_SACKED ? r[i].end - before : 0;
		lost += r[i].flags & BOARD_LOST ? r[i].end - before : 0;
		before = r[i].end;
	}
	assert(sacked == b->sacked && lost == b->lost);
}
