/* frag.c - datagrams from fragments: where each octet goes, and who gets no place. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "inet/frag.h"

#include <assert.h>
#include <string.h>

#include "wire/bytes.h"
#include "wire/cksum.h"

enum {
	UNIT = 8, /* octets that an offset counts */
	MAX_UNITS = 65536 / UNIT,
	MAX_DATAGRAM = 65535, /* header and octets (RFC 791 3.1) */
	IP_MF = 0x2000,
	IP_OFFSET_MASK = 0x1fff,
	IP_HEADER_MAX = 60,
	HEAD_ROOM = 80, /* Ethernet, VLAN and IP headers end here, the datagram begins */
	TCP_LEAST = TCP_HEADER_BYTES,
	ECN_MASK = 3,
};

enum slot_state {
	SLOT_FREE,
	SLOT_OPEN,
	SLOT_BAD,  /* fragments have overlapped: all that still comes is dropped */
	SLOT_DONE, /* handed out */
};

struct frag_slot {
	uint32_t src, dst;
	uint16_t id;
	uint8_t proto;
	uint8_t state;	  /* enum slot_state */
	uint8_t ecn_seen; /* a bit for each codepoint */
	uint8_t head_len; /* of the frame's headers, 0: the first fragment is not here yet */
	uint8_t l3_off;
	uint32_t total; /* octets of the datagram, 0: not known yet */
	uint32_t have;	/* of them, here */
	uint32_t end;	/* the highest that is here */
	uint64_t until_ns;
	struct frag_room *room;
};

/* What only a slot in use has touched. */
struct frag_room {
	uint64_t map[MAX_UNITS / 64]; /* a bit for each unit that is here */
	uint8_t octets[HEAD_ROOM + 65536];
};

/* One fragment: octets [off, off + len) of its datagram. */
struct fragment {
	const uint8_t *octets;
	uint32_t off, len;
	bool more;
};

size_t
frag_table_bytes(uint32_t n_slots)
{
	return n_slots * (sizeof(struct frag_slot) + sizeof(struct frag_room));
}

void
frag_table_init(struct frag_table *t, void *mem, uint32_t n_slots)
{
	struct frag_room *room;

	assert(n_slots >= FRAG_MIN_SLOTS);
	*t = (struct frag_table){.slot = mem, .n_slots = n_slots, .next_ns = UINT64_MAX};
	room = (struct frag_room *)(void *)(t->slot + n_slots);
	for (uint32_t i = 0; i < n_slots; i++)
		t->slot[i] = (struct frag_slot){.state = SLOT_FREE, .room = &room[i]};
}

static void
free_slot(struct frag_table *t, struct frag_slot *s)
{
	s->state = SLOT_FREE;
	t->n_used--;
}

/* --- finding a place --- */

static bool
is_of(const struct frag_slot *s, const struct pkt *p)
{
	return s->id == p->ip_id && s->src == p->src && s->dst == p->dst && s->proto == p->proto;
}

static struct frag_slot *
find(const struct frag_table *t, const struct pkt *p)
{
	for (uint32_t i = 0; i < t->n_slots && t->n_used > t->n_done; i++) {
		struct frag_slot *s = &t->slot[i];

		if ((s->state == SLOT_OPEN || s->state == SLOT_BAD) && is_of(s, p))
			return s;
	}
	return NULL;
}

/* A source that has used up its share gives up its own oldest one. */
static struct frag_slot *
make_room(struct frag_table *t, uint32_t src)
{
	struct frag_slot *free = NULL, *oldest = NULL;
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n_slots; i++) {
		struct frag_slot *s = &t->slot[i];

		if (s->state == SLOT_FREE) {
			free = s;
		} else if (s->state != SLOT_DONE && s->src == src) {
			n++;
			if (oldest == NULL || s->until_ns < oldest->until_ns)
				oldest = s;
		}
	}
	if (oldest != NULL && n >= t->n_slots / 4) {
		t->stats.drop_source++;
		free_slot(t, oldest);
		return oldest;
	}
	if (free == NULL)
		t->stats.drop_full++;
	return free;
}

static struct frag_slot *
claim(struct frag_table *t, const struct pkt *p, uint64_t now_ns)
{
	struct frag_slot *s = make_room(t, p->src);

	if (s == NULL)
		return NULL;
	*s = (struct frag_slot){
	    .src = p->src,
	    .dst = p->dst,
	    .id = p->ip_id,
	    .proto = p->proto,
	    .state = SLOT_OPEN,
	    .until_ns = now_ns + FRAG_TIMEOUT_NS,
	    .room = s->room,
	};
	memset(s->room->map, 0, sizeof(s->room->map));
	if (s->until_ns < t->next_ns)
		t->next_ns = s->until_ns;
	t->n_used++;
	return s;
}

/* --- one fragment --- */

static void
read_fragment(const struct pkt *p, const uint8_t *frame, struct fragment *f)
{
	const uint8_t *h = frame + p->l3_off;
	uint16_t field = load_be16(h + 6);
	uint32_t header = (uint32_t)(h[0] & 0xf) * 4;

	f->octets = h + header;
	f->off = (uint32_t)(field & IP_OFFSET_MASK) * UNIT;
	f->len = load_be16(h + 2) - header;
	f->more = field & IP_MF;
}

/* Whether it can be part of a datagram at all. */
static bool
is_sane(const struct pkt *p, const struct fragment *f)
{
	if (f->len == 0 || (f->more && f->len % UNIT != 0))
		return false;
	if (f->off + f->len > MAX_DATAGRAM - IP_HEADER_BYTES) /* the ping of death */
		return false;
	/* RFC 3128 3: ports and flags are in one fragment, and no second one can write over
	 * them. */
	if (p->proto == IPPROTO_TCP_ && (f->off == UNIT || (f->off == 0 && f->len < TCP_LEAST)))
		return false;
	return true;
}

/* The bits [first, end) of word w. */
static uint64_t
bits_of(uint32_t w, uint32_t first, uint32_t end)
{
	uint32_t from = w * 64 < first ? first - w * 64 : 0;
	uint32_t to = (w + 1) * 64 > end ? end - w * 64 : 64;

	return (UINT64_MAX >> (64 - to)) & (UINT64_MAX << from);
}

/* How many units of it are here already. */
static uint32_t
count_here(const struct frag_slot *s, uint32_t first, uint32_t end)
{
	uint32_t n = 0;

	for (uint32_t w = first / 64; w * 64 < end; w++)
		n += (uint32_t)__builtin_popcountll(s->room->map[w] & bits_of(w, first, end));
	return n;
}

static void
mark_here(struct frag_slot *s, uint32_t first, uint32_t end)
{
	for (uint32_t w = first / 64; w * 64 < end; w++)
		s->room->map[w] |= bits_of(w, first, end);
}

/* The last fragment says how long the datagram is, and says it once. */
static bool
fits_total(struct frag_slot *s, const struct fragment *f)
{
	uint32_t end = f->off + f->len;

	if (!f->more) {
		if ((s->total != 0 && s->total != end) || s->end > end)
			return false;
		s->total = end;
	}
	return s->total == 0 || end < s->total || (end == s->total && !f->more);
}

/* All headers of the frame are the first fragment's (RFC 791 3.2). */
static void
take_headers(struct frag_slot *s, const struct pkt *p, const uint8_t *frame,
	     const struct fragment *f)
{
	size_t len = (size_t)(f->octets - frame);

	if (f->off != 0)
		return;
	assert(len <= HEAD_ROOM);
	s->head_len = (uint8_t)len;
	s->l3_off = (uint8_t)p->l3_off;
	memcpy(s->room->octets + HEAD_ROOM - len, frame, len);
}

enum taken { TAKEN, DUPLICATE, OVERLAP, MALFORMED };

static enum taken
take(struct frag_slot *s, const struct pkt *p, const uint8_t *frame, const struct fragment *f)
{
	uint32_t first = f->off / UNIT, end = (f->off + f->len + UNIT - 1) / UNIT;
	uint32_t here = count_here(s, first, end);
	uint8_t *to = s->room->octets + HEAD_ROOM + f->off;

	/* The same again, as a network may deliver it, is not an attack. */
	if (here == end - first && f->off + f->len <= s->end && memcmp(to, f->octets, f->len) == 0)
		return DUPLICATE;
	if (here > 0)
		return OVERLAP;
	if (!fits_total(s, f))
		return MALFORMED;
	take_headers(s, p, frame, f);
	memcpy(to, f->octets, f->len);
	mark_here(s, first, end);
	s->have += f->len;
	if (f->off + f->len > s->end)
		s->end = f->off + f->len;
	s->ecn_seen |= (uint8_t)(1u << p->ecn);
	return TAKEN;
}

/* --- the whole --- */

/* RFC 3168 5.3: a mark on one is a mark on all, unless one could not be marked. */
static bool
merge_ecn(const struct frag_slot *s, uint8_t *tos)
{
	if (!(s->ecn_seen & 1u << ECN_CE))
		return true;
	*tos |= ECN_CE;
	return !(s->ecn_seen & 1u << ECN_NOT);
}

/* NULL: it cannot be one packet. */
static uint8_t *
finish(struct frag_table *t, struct frag_slot *s, uint32_t *len)
{
	uint8_t *frame = s->room->octets + HEAD_ROOM - s->head_len;
	uint8_t *h = frame + s->l3_off;
	uint32_t header = (uint32_t)s->head_len - s->l3_off;

	if (header + s->total > MAX_DATAGRAM || !merge_ecn(s, &h[1])) {
		t->stats.drop_format++;
		free_slot(t, s);
		return NULL;
	}
	store_be16(h + 2, (uint16_t)(header + s->total));
	store_be16(h + 6, 0);
	store_be16(h + 10, 0);
	store_be16(h + 10, cksum_fold(cksum_partial(h, header, 0)));
	s->state = SLOT_DONE;
	t->n_done++;
	t->stats.reassembled++;
	*len = s->head_len + s->total;
	return frame;
}

uint8_t *
frag_input(struct frag_table *t, const struct pkt *p, const uint8_t *frame, uint64_t now_ns,
	   uint32_t *whole_len)
{
	struct frag_slot *s;
	struct fragment f;
	enum taken taken;

	t->stats.in++;
	read_fragment(p, frame, &f);
	if (!is_sane(p, &f)) {
		t->stats.drop_format++;
		return NULL;
	}
	s = find(t, p);
	if (s == NULL)
		s = claim(t, p, now_ns);
	if (s == NULL)
		return NULL;
	taken = s->state == SLOT_BAD ? OVERLAP : take(s, p, frame, &f);
	t->stats.duplicates += taken == DUPLICATE;
	t->stats.drop_overlap += taken == OVERLAP;
	t->stats.drop_format += taken == MALFORMED;
	if (taken == OVERLAP || taken == MALFORMED)
		s->state = SLOT_BAD;
	if (s->state != SLOT_OPEN || s->total == 0 || s->have != s->total)
		return NULL;
	return finish(t, s, whole_len);
}

void
frag_recycle(struct frag_table *t)
{
	for (uint32_t i = 0; i < t->n_slots && t->n_done > 0; i++)
		if (t->slot[i].state == SLOT_DONE) {
			free_slot(t, &t->slot[i]);
			t->n_done--;
		}
}

void
frag_expire(struct frag_table *t, uint64_t now_ns)
{
	if (now_ns < t->next_ns)
		return;
	t->next_ns = UINT64_MAX;
	for (uint32_t i = 0; i < t->n_slots; i++) {
		struct frag_slot *s = &t->slot[i];

		if (s->state != SLOT_OPEN && s->state != SLOT_BAD)
			continue;
		if (s->until_ns <= now_ns) {
			t->stats.drop_timeout += s->state == SLOT_OPEN;
			free_slot(t, s);
		} else if (s->until_ns < t->next_ns) {
			t->next_ns = s->until_ns;
		}
	}
}
