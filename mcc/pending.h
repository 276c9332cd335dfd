/* pending.h - the messages of a connection that are not settled yet, in 8 octets while there is one at most. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef MCC_PENDING_H
#define MCC_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "mcc/app.h"

/*
 * A connection's word:
 *
 *	63                          22 21        2  1   0
 *	+-----------------------------+-----------+---+---+
 *	| sent, ns modulo 2^42        | epoch     | r | 1 |	one message; r: a request
 *	+-----------------------------+-----------+---+---+
 *	| 0                   | handle of a record  | 1 | 0 |	several, or a part of an answer has come
 *	+---------------------------------------------+---+
 *	| 0                                               |	none
 *	+-------------------------------------------------+
 *
 * A message is to be settled within 2^42 ns (73 minutes) and 2^20 epochs. Records come from a pool with one for each connection,
 * of which only those in use take memory.
 */
struct pending_message {
	uint64_t sent_ns;
	uint32_t epoch;
	bool request;
};

enum pending_class { PENDING_HEARTBEAT = 1, PENDING_REQUEST = 2, PENDING_ANY = 3 };

/* What the connections of a worker share; `epoch` and `now_ns` are kept up to date by the owner. */
struct pending {
	uint64_t now_ns;
	uint32_t epoch;
	struct pool records, nodes;
};

/* Octets at `mem` for so many connections and messages beyond one for each; zero-filled or not, touched only when used. */
uint64_t pending_bytes(uint32_t conns, uint32_t nodes);
void pending_init(struct pending *p, void *mem, uint32_t conns, uint32_t nodes);

/* Sent now. False: no memory to remember it, so it must not be sent. */
bool pending_add(struct pending *p, uint64_t *word, uint32_t epoch, bool request);
/* The one that was added last was not sent after all. */
void pending_take_back(struct pending *p, uint64_t *word);
/* The oldest message of these classes (enum pending_class, or-ed); false: there is none. */
bool pending_find(const struct pending *p, uint64_t word, unsigned classes,
		  struct pending_message *m);
/* The same, and it is settled. */
bool pending_take(struct pending *p, uint64_t *word, unsigned classes, struct pending_message *m);

/* The answer of which a part has come, NULL: none. */
const struct answer *pending_answer(const struct pending *p, uint64_t word);
/* False: no memory. */
bool pending_keep_answer(struct pending *p, uint64_t *word, const struct answer *a);
void pending_drop_answer(struct pending *p, uint64_t *word);

/* The connection is over: forgets the rest. */
void pending_clear(struct pending *p, uint64_t *word);

#endif
