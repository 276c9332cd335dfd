/* pending.c - one message in the word itself; a record with a list when there are more. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcc/pending.h"

#include <assert.h>

enum { IS_MESSAGE = 1, IS_RECORD = 2, IS_REQUEST = 2 };
enum { EPOCH_SHIFT = 2, EPOCH_BITS = 20, SENT_SHIFT = EPOCH_SHIFT + EPOCH_BITS };
#define EPOCH_MASK ((UINT32_C(1) << EPOCH_BITS) - 1)
#define SENT_MASK  (UINT64_MAX >> SENT_SHIFT)

/* Of a connection that a word is too small for; the list is in order of departure. */
struct record {
	struct answer answer;
	uint32_t head, tail; /* nodes */
	uint32_t count;
	bool partial; /* answer holds something */
};

struct node {
	uint64_t sent_ns;
	uint32_t epoch;
	uint32_t next : 31, request : 1;
};
#define NODE_NONE (UINT32_MAX >> 1)

uint64_t
pending_bytes(uint32_t conns, uint32_t nodes)
{
	return (uint64_t)conns * sizeof(struct record) + (uint64_t)nodes * sizeof(struct node);
}

void
pending_init(struct pending *p, void *mem, uint32_t conns, uint32_t nodes)
{
	assert(nodes < NODE_NONE);
	*p = (struct pending){0};
	pool_init(&p->records, mem, sizeof(struct record), conns);
	pool_init(&p->nodes, (uint8_t *)mem + (size_t)conns * sizeof(struct record),
		  sizeof(struct node), nodes);
}

static bool
has_record(uint64_t word)
{
	return (word & (IS_MESSAGE | IS_RECORD)) == IS_RECORD;
}

static struct record *
record_of(const struct pending *p, uint64_t word)
{
	return pool_at(&p->records, (uint32_t)(word >> 2));
}

static struct node *
node_at(const struct pending *p, uint32_t n)
{
	return pool_at(&p->nodes, n);
}

static uint64_t
pack(uint64_t sent_ns, uint32_t epoch, bool request)
{
	return sent_ns << SENT_SHIFT | (uint64_t)(epoch & EPOCH_MASK) << EPOCH_SHIFT |
	       (request ? IS_REQUEST : 0) | IS_MESSAGE;
}

/* What was cut off is that of now, or one turn earlier. */
static void
unpack(const struct pending *p, uint64_t word, struct pending_message *m)
{
	m->sent_ns = p->now_ns - ((p->now_ns - (word >> SENT_SHIFT)) & SENT_MASK);
	m->epoch = p->epoch - ((p->epoch - (uint32_t)(word >> EPOCH_SHIFT)) & EPOCH_MASK);
	m->request = word & IS_REQUEST;
}

static bool
is_of(unsigned classes, bool request)
{
	return classes & (request ? PENDING_REQUEST : PENDING_HEARTBEAT);
}

static bool
append(struct pending *p, struct record *r, uint64_t sent_ns, uint32_t epoch, bool request)
{
	const uint32_t n = pool_get(&p->nodes);

	if (n == POOL_NONE)
		return false;
	*node_at(p, n) = (struct node){
	    .sent_ns = sent_ns, .epoch = epoch, .next = NODE_NONE, .request = request};
	if (r->count++ == 0)
		r->head = n;
	else
		node_at(p, r->tail)->next = n & NODE_NONE;
	r->tail = n;
	return true;
}

/* Moves what the word holds into a record. False, and nothing changed: no memory. */
static bool
expand(struct pending *p, uint64_t *word)
{
	struct pending_message m;
	struct record *r;
	uint32_t h;

	if (has_record(*word))
		return true;
	h = pool_get(&p->records);
	assert(h != POOL_NONE); /* there is one for each connection */
	r = pool_at(&p->records, h);
	*r = (struct record){.head = NODE_NONE, .tail = NODE_NONE};
	if (*word & IS_MESSAGE) {
		unpack(p, *word, &m);
		if (!append(p, r, m.sent_ns, m.epoch, m.request)) {
			pool_put(&p->records, h);
			return false;
		}
	}
	*word = (uint64_t)h << 2 | IS_RECORD;
	return true;
}

/* Back into the word when it suffices again. */
static void
collapse(struct pending *p, uint64_t *word)
{
	struct record *r = record_of(p, *word);
	const uint32_t h = (uint32_t)(*word >> 2);

	if (r->partial || r->count > 1)
		return;
	*word = 0;
	if (r->count == 1) {
		const struct node *n = node_at(p, r->head);

		*word = pack(n->sent_ns, n->epoch, n->request);
		pool_put(&p->nodes, r->head);
	}
	pool_put(&p->records, h);
}

bool
pending_add(struct pending *p, uint64_t *word, uint32_t epoch, bool request)
{
	if (*word == 0) {
		*word = pack(p->now_ns, epoch, request);
		return true;
	}
	if (!expand(p, word))
		return false;
	if (append(p, record_of(p, *word), p->now_ns, epoch, request))
		return true;
	collapse(p, word);
	return false;
}

static void
from_node(const struct node *n, struct pending_message *m)
{
	*m = (struct pending_message){
	    .sent_ns = n->sent_ns, .epoch = n->epoch, .request = n->request};
}

bool
pending_find(const struct pending *p, uint64_t word, unsigned classes, struct pending_message *m)
{
	if (word & IS_MESSAGE) {
		unpack(p, word, m);
		return is_of(classes, m->request);
	}
	if (!has_record(word))
		return false;
	for (uint32_t i = record_of(p, word)->head; i != NODE_NONE; i = node_at(p, i)->next) {
		if (is_of(classes, node_at(p, i)->request)) {
			from_node(node_at(p, i), m);
			return true;
		}
	}
	return false;
}

/* Unlinks the first node of these classes into *m. */
static bool
unlink_first(struct pending *p, struct record *r, unsigned classes, struct pending_message *m)
{
	uint32_t before = NODE_NONE;

	for (uint32_t i = r->head; i != NODE_NONE; before = i, i = node_at(p, i)->next) {
		struct node *n = node_at(p, i);

		if (!is_of(classes, n->request))
			continue;
		from_node(n, m);
		if (before == NODE_NONE)
			r->head = n->next;
		else
			node_at(p, before)->next = n->next;
		if (r->tail == i)
			r->tail = before;
		pool_put(&p->nodes, i);
		r->count--;
		return true;
	}
	return false;
}

bool
pending_take(struct pending *p, uint64_t *word, unsigned classes, struct pending_message *m)
{
	bool found;

	if (!has_record(*word)) {
		found = pending_find(p, *word, classes, m);
		if (found)
			*word = 0;
		return found;
	}
	found = unlink_first(p, record_of(p, *word), classes, m);
	collapse(p, word);
	return found;
}

void
pending_take_back(struct pending *p, uint64_t *word)
{
	struct record *r;
	uint32_t before;

	if (!has_record(*word)) {
		*word = 0;
		return;
	}
	r = record_of(p, *word);
	before = r->head;
	while (before != r->tail && node_at(p, before)->next != r->tail)
		before = node_at(p, before)->next;
	pool_put(&p->nodes, r->tail);
	if (before == r->tail)
		before = r->head = NODE_NONE;
	else
		node_at(p, before)->next = NODE_NONE;
	r->tail = before;
	r->count--;
	collapse(p, word);
}

const struct answer *
pending_answer(const struct pending *p, uint64_t word)
{
	if (!has_record(word) || !record_of(p, word)->partial)
		return NULL;
	return &record_of(p, word)->answer;
}

bool
pending_keep_answer(struct pending *p, uint64_t *word, const struct answer *a)
{
	struct record *r;

	if (!expand(p, word))
		return false;
	r = record_of(p, *word);
	r->answer = *a;
	r->partial = true;
	return true;
}

void
pending_drop_answer(struct pending *p, uint64_t *word)
{
	if (!has_record(*word))
		return;
	record_of(p, *word)->partial = false;
	collapse(p, word);
}

void
pending_clear(struct pending *p, uint64_t *word)
{
	struct pending_message m;

	pending_drop_answer(p, word);
	while (pending_take(p, word, PENDING_ANY, &m))
		;
}
