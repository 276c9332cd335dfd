/* tcp_board.h - the scoreboard: what is in flight, what of it has arrived (RFC 6675 3, 8985 5.2). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TCP_BOARD_H
#define TCP_BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/block.h"

/*
 * Runs of octets that share a fate, ascending and without gaps from the first octet not
 * acknowledged to the last one sent. Octets that left at the same time are one run, so that a burst
 * in flight is one, a burst with a hole is three. Few runs lie in the board itself, more in a small
 * or a large block of the pool. Each is in one of three states:
 *
 *	in flight	flags 0, or BOARD_AGAIN when it was sent more than once
 *	BOARD_LOST	taken for lost and not sent again since; BOARD_AGAIN as above
 *	BOARD_SACKED	reported by the peer
 *
 * When there is no room for one more, runs in flight that left one after the other become one,
 * which keeps the later time: losses in it are seen a little later, by a hundredth of the span of
 * the flight or so. When even that makes no room (a peer reports every other octet) a report is
 * forgotten, which costs nothing but a retransmission.
 *
 * So no input costs more than a few passes over BOARD_RUNS_MAX runs: an ACK with four reports of
 * single octets that a full board cannot take in costs about 1 us, one that it can about 0.2 us
 * (tests/unit/test_tcp_board.c measures both).
 */
enum { BOARD_INLINE = 4, BOARD_RUNS_MAX = BLOCK_LARGE_ROOM / 12 };

enum board_flag {
	BOARD_SACKED = 0x01,
	BOARD_LOST = 0x02,
	BOARD_AGAIN = 0x04,
	BOARD_VAGUE =
	    0x08, /* split off a run of several times: even that of its last octets is not known */
};

struct board_run {
	uint32_t end;	       /* sequence number after its last octet */
	uint32_t tx_us;	       /* when its last octets left last, microseconds modulo 2^32 */
	uint32_t span_us : 24; /* others so much earlier at most */
	uint32_t flags : 8;
};

struct board {
	uint32_t start;	       /* of the first run: SND.UNA */
	uint32_t block;	       /* holds the runs; POOL_NONE: they are in `run` */
	uint32_t sacked, lost; /* octets in these states */
	uint16_t n;
	bool sent_again; /* something was, since the board was empty */
	struct board_run run[BOARD_INLINE];
};

/* What one ACK has brought. */
struct board_news {
	uint32_t octets;       /* that were neither acknowledged nor reported before */
	uint32_t wrongly_lost; /* of those, taken for lost and not sent again */
	/* The latest sent of what was sent once (at once_us or later), and of what was sent more
	 * often. */
	bool once, again;
	uint32_t once_us, once_end;
	uint32_t again_us, again_end;
	/* The latest sent of what was sent once at a time that is known. */
	bool timed;
	uint32_t timed_us;
	uint32_t first_once_end; /* end of the lowest run that was sent once */
};

void board_init(struct board *b, uint32_t start);
void board_free(struct board *b, struct block_pools *p);

static inline struct board_run *
board_runs(struct board *b, const struct block_pools *p)
{
	return b->block == POOL_NONE ? b->run : (struct board_run *)block_at(p, b->block)->data;
}

/* Sequence number after the last octet; that of the first in an empty board. */
uint32_t board_end(struct board *b, const struct block_pools *p);
/* New octets up to `end` leave now. */
void board_sent(struct board *b, struct block_pools *p, uint32_t end, uint32_t now_us);
/* [start, end), of which nothing is reported, leaves once more. */
void board_sent_again(struct board *b, struct block_pools *p, uint32_t start, uint32_t end,
		      uint32_t now_us);
/* Everything before `una` is acknowledged; start <= una <= end. */
void board_acked(struct board *b, struct block_pools *p, uint32_t una, struct board_news *news);
/* The peer reports [start, end), inside of the board. */
void board_sacked(struct board *b, struct block_pools *p, uint32_t start, uint32_t end,
		  struct board_news *news);

/* For those who walk over the runs: run i, in flight, is lost. board_tidy when the walk is over. */
void board_lose(struct board *b, struct board_run *r, uint32_t len);
void board_tidy(struct board *b, struct block_pools *p);
/* All that is in flight is lost. */
void board_lose_all(struct board *b, struct block_pools *p);
/* The peer has gone back on its reports (RFC 2018 8): what was reported is lost. */
void board_forget_reports(struct board *b, struct block_pools *p);
/* What was taken for lost is in flight after all. */
void board_find_lost(struct board *b, struct block_pools *p);
/* The first octets to be sent again; false: none. */
bool board_first_lost(struct board *b, const struct block_pools *p, uint32_t *start, uint32_t *end);
/* The first octet not acknowledged was reported: no honest peer leaves it there. */
bool board_is_reneged(struct board *b, const struct block_pools *p);

/* Octets in flight: RFC 6675's pipe. */
static inline uint32_t
board_pipe(const struct board *b, uint32_t flight)
{
	return flight - b->sacked - b->lost;
}

/* Asserts every invariant. */
void board_check(struct board *b, const struct block_pools *p);

#endif
