/* user.c - users whose octets follow from their position, so that each one can be checked when it comes. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/sim/user.h"

#include <string.h>

#include "host.h"
#include "host/internal.h"
#include "tcp/seq.h"

enum { CONTENT = 65521, PIECE = 32768 };

static uint8_t content[CONTENT + PIECE];

void
user_make_content(void)
{
	struct rng r;

	rng_seed(&r, 1, 1);
	for (unsigned i = 0; i < CONTENT; i++)
		content[i] = (uint8_t)rng_u64(&r);
	memcpy(content + CONTENT, content, PIECE);
}

const uint8_t *
user_content(const struct world *w, const struct pair *c, unsigned side, uint32_t position)
{
	const uint32_t stream = (uint32_t)(c - w->conn) * 2 + side;

	return content + (position + stream * 7919 + (uint32_t)w->seed % 1021) % CONTENT;
}

static void
count(struct world *w, const struct host *h, const struct end *e, enum cover_event event)
{
	const struct tcb *t = stack_tcb(h->s, e->id);

	w->r->cover.n[cover_state_of(t->state)][event]++;
}

static void
say(const struct world *w, const struct host *h, const struct pair *c, const char *what, uint32_t n)
{
	if (w->verbose)
		world_say(w, h->side, "user of %u %s %u", (unsigned)(c - w->conn), what, n);
}

/* --- calls --- */

void
user_send(struct world *w, struct host *h, struct pair *c, struct end *e)
{
	const bool refused = e->user_closed || e->aborted || e->over;
	uint32_t n = e->k->total - e->written, taken;

	e->write_at = NEVER;
	if (n > e->k->write_chunk)
		n = e->k->write_chunk;
	if (refused)
		n = 1;
	count(w, h, e, COVER_SEND);
	h->acts_of_user++;
	taken = stack_send(h->s, e->id, user_content(w, c, h->side, e->written), n);
	CHECK(w, taken <= n && (taken == 0 || !refused));
	if (refused)
		return;
	e->written += taken;
	say(w, h, c, "writes", taken);
	e->blocked = taken < n; /* STACK_WRITABLE must come */
	if (!e->blocked && e->written < e->k->total)
		e->write_at = w->t + 1 + rng_below(&e->rng, e->k->write_pause + 1000);
}

/* Checks n octets against what the peer has written. */
static void
take(struct world *w, struct host *h, struct pair *c, struct end *e, const uint8_t *data,
     uint32_t n)
{
	CHECK(w, e->read + n <= peer_of(w, c, h->side)->written);
	for (uint32_t done = 0, part; done < n; done += part) {
		part = n - done < PIECE ? n - done : PIECE;
		CHECK(w, memcmp(data + done, user_content(w, c, 1 - h->side, e->read + done),
				part) == 0);
	}
	e->read += n;
	w->r->octets += n;
}

void
user_read(struct world *w, struct host *h, struct pair *c, struct end *e)
{
	uint32_t want = 1 + (uint32_t)rng_below(&e->rng, e->k->read_chunk), n;
	const uint8_t *data;

	e->read_at = NEVER;
	count(w, h, e, COVER_RECEIVE);
	h->acts_of_user++;
	while (want > 0 && (n = stack_read(h->s, e->id, &data)) > 0) {
		if (n > want)
			n = want;
		take(w, h, c, e, data, n);
		stack_read_done(h->s, e->id, n);
		say(w, h, c, "reads", n);
		want -= n;
	}
	if (stack_read(h->s, e->id, &data) > 0)
		e->read_at = w->t + 1 + rng_below(&e->rng, e->k->read_pause + 1000);
}

void
user_close(struct world *w, struct host *h, struct pair *c, struct end *e)
{
	const struct tcb *t = stack_tcb(h->s, e->id);

	e->close_at = e->write_at = NEVER;
	count(w, h, e, COVER_CLOSE);
	h->acts_of_user++;
	say(w, h, c, "closes after", e->written);
	/* RFC 9293 3.10.4: in SYN-SENT there is nothing to end in order. */
	if (t->state == TCP_SYN_SENT && !e->user_closed)
		e->aborted = true;
	e->user_closed = true;
	stack_close(h->s, e->id, h->now);
}

void
user_abort(struct world *w, struct host *h, struct pair *c, struct end *e)
{
	e->abort_at = e->write_at = e->read_at = e->close_at = NEVER;
	count(w, h, e, COVER_ABORT);
	h->acts_of_user++;
	say(w, h, c, "aborts after", e->written);
	if (!e->over)
		e->aborted = true;
	stack_abort(h->s, e->id, h->now);
}

/* --- what they want --- */

/* Closes when all is written, or heard. */
static void
maybe_close(struct world *w, struct end *e)
{
	if (e->user_closed || e->over || e->aborted || e->close_at != NEVER || !e->has_id ||
	    (!e->established && !e->k->early_close) || e->written < e->k->total ||
	    (e->k->close_after_eof && !e->eof))
		return;
	e->close_at = w->t + 1 + rng_below(&e->rng, e->k->close_pause + 1000);
}

static void
began(struct world *w, struct end *e, uint32_t id)
{
	e->id = id;
	e->has_id = e->opened = true;
	e->in_vain = 0;
	if (e->k->abort_at != NEVER)
		e->abort_at = w->t + e->k->abort_at;
	if (e->k->early_write || e->established)
		e->write_at = e->written < e->k->total ? w->t + 1 : NEVER;
}

static void
open_conn(struct world *w, struct host *h, struct pair *c, struct end *e)
{
	struct stack_open o = {.flow = flow_of(c, h->side), .app = (uint64_t)(c - w->conn)};
	uint32_t id;

	e->open_at = NEVER;
	h->acts_of_user++;
	if (stack_connect(h->s, &o, h->now, &id) != 0) {
		e->open_at = w->t + 50 * MS; /* no memory just now */
		return;
	}
	say(w, h, c, "opens", id);
	e->state = TCP_SYN_SENT;
	began(w, e, id);
	maybe_close(w, e);
}

static void
act_of_end(struct world *w, struct host *h, struct pair *c, struct end *e)
{
	if (e->open_at <= w->t)
		open_conn(w, h, c, e);
	if (!e->has_id)
		return;
	if (e->abort_at <= w->t)
		user_abort(w, h, c, e);
	if (e->write_at <= w->t)
		user_send(w, h, c, e);
	if (e->read_at <= w->t)
		user_read(w, h, c, e);
	maybe_close(w, e);
	if (e->close_at <= w->t)
		user_close(w, h, c, e);
}

void
user_act(struct world *w, struct host *h)
{
	for (unsigned i = 0; i < w->n_conns; i++)
		act_of_end(w, h, &w->conn[i], &w->conn[i].end[h->side]);
}

uint64_t
user_next(const struct world *w, unsigned side)
{
	uint64_t at = NEVER;

	for (unsigned i = 0; i < w->n_conns; i++) {
		const struct end *e = &w->conn[i].end[side];

		at = earlier(at, e->open_at);
		if (!e->has_id)
			continue;
		at = earlier(at, earlier(e->abort_at, e->write_at));
		at = earlier(at, earlier(e->read_at, e->close_at));
	}
	return at;
}

/* --- events --- */

static void
on_data(struct world *w, struct host *h, struct pair *c, struct end *e,
	const struct stack_event *ev)
{
	uint32_t n = ev->len;

	CHECK(w, e->established && !e->eof);
	if (e->k->keeps)
		n = (uint32_t)rng_below(&e->rng, n + 1);
	take(w, h, c, e, ev->data, n);
	say(w, h, c, "takes", n);
	if (n == ev->len)
		return;
	stack_keep(h->s, ev, ev->len - n);
	e->read_at = w->t + 1 + rng_below(&e->rng, e->k->read_pause + 1000);
}

static bool
is_abnormal(const struct end *e)
{
	return e->aborted || e->gave_up || e->why != STACK_WHY_NONE;
}

static unsigned
retries(const struct host *h, uint8_t state)
{
	const struct tcp_config *c = &h->k->conf.tcp;

	if (state == TCP_SYN_SENT)
		return c->syn_retries;
	return state == TCP_SYN_RECEIVED ? c->synack_retries : c->retries;
}

/* Its port takes frames, and it gets empty ones. */
static bool
is_served(const struct host *h)
{
	return h->k->refuse_at == NEVER && h->k->poor_at == NEVER;
}

/* It has ended connections that were silent too long, or has answered one by a cookie and heard
 * something else than its ACK first. */
static bool
has_ended(const struct host *h)
{
	struct stack_stats st;

	stack_stats(h->s, &st);
	return st.tcp.keepalive_ended + st.tcp.idle_ended + st.syn_cookies_bad > 0;
}

/* Why it ended must be a reason. */
static void
check_why(struct world *w, struct host *h, struct pair *c, struct end *e, uint8_t why)
{
	const struct end *peer = peer_of(w, c, h->side);

	if (e->aborted)
		return;
	switch ((enum stack_why)why) {
	case STACK_WHY_NONE:
		if (e->state == TCP_FIN_WAIT_2 && !e->eof) {
			e->gave_up = true;
			return;
		}
		/* In good order: both have closed, and all has arrived, though one who has closed
		 * and reads slowly may lose the rest. */
		CHECK(w, e->user_closed);
		e->left_unread = (e->state == TCP_LAST_ACK || e->state == TCP_TIME_WAIT) &&
				 !e->eof && (e->read_at != NEVER || !is_served(h));
		CHECK(w, e->left_unread || (e->eof && e->read == peer->written));
		return;
	case STACK_WHY_RESET: /* by somebody who has no such connection (any more) */
		CHECK(w, peer->over || peer->aborted || !peer->established ||
			     has_ended(host_at(w, 1 - h->side)));
		return;
	case STACK_WHY_TIMEOUT:
		CHECK(w, e->in_vain + host_unsent(h) >= retries(h, e->state) ||
			     !is_served(h) || /* all of it still waits to leave */
			     has_ended(h) || h->k->profile.user_timeout_ns > 0);
		return;
	case STACK_WHY_UNREACHABLE:
		CHECK(w, e->icmp_hit);
		return;
	case STACK_WHY_SHED: /* memory was low, and nothing had moved for long */
		CHECK(w, h->s->stats.shed_no_progress > 0);
		return;
	case STACK_WHY_ABORT: /* not by him: there was no memory for an orderly end */
		CHECK(w, h->k->starve_step != NEVER || h->k->poor_memory);
	}
}

/* The handle still stands, but nothing is to be had any more. */
static void
late_calls(struct world *w, struct host *h, struct pair *c, struct end *e)
{
	const uint32_t written = e->written;

	user_send(w, h, c, e);
	user_read(w, h, c, e);
	user_close(w, h, c, e);
	user_abort(w, h, c, e);
	CHECK(w, e->written == written);
}

static void
on_end(struct world *w, struct host *h, struct pair *c, struct end *e, const struct stack_event *ev)
{
	const bool closed = e->user_closed;

	CHECK(w, e->has_id && !e->over);
	check_why(w, h, c, e, ev->why);
	e->why = ev->why;
	e->over = true;
	e->over_at = w->t;
	if (e->k->late_calls)
		late_calls(w, h, c, e);
	e->user_closed = closed;
	e->has_id = false;
	e->state = TCP_FREE;
}

static void
on_accepted(struct world *w, struct host *h, struct pair *c, struct end *e, uint32_t id)
{
	CHECK(w, !e->has_id && !e->over && !e->opened);
	*stack_app(h->s, id) = (uint64_t)(c - w->conn);
	e->established = true;
	e->iss = stack_tcb(h->s, id)->snd_una - 1; /* of several cookies, perhaps not the last */
	e->snd_max = e->iss + 1;
	e->last_una = e->iss + 1;
	e->state = stack_tcb(h->s, id)->state;
	began(w, e, id);
}

/* An old segment with a valid cookie opens a connection again that is over: nobody wants it. */
static bool
is_revenant(struct world *w, struct host *h, struct end *e, const struct stack_event *ev)
{
	if (e->has_id || !e->over)
		return false;
	if (ev->type == STACK_ACCEPTED) {
		CHECK(w, h->k->conf.max_half_open < h->k->conf.max_conns);
		stack_abort(h->s, ev->conn, h->now);
		h->acts_of_user++;
	}
	return true;
}

static struct pair *
conn_of_event(struct world *w, struct host *h, const struct stack_event *ev)
{
	const struct flow *f = &stack_tcb(h->s, ev->conn)->flow;

	for (unsigned i = 0; i < w->n_conns; i++) {
		struct flow g = flow_of(&w->conn[i], h->side);

		if (flow_equal(f, &g))
			return &w->conn[i];
	}
	return NULL;
}

void
user_event(struct world *w, struct host *h, const struct stack_event *ev)
{
	struct pair *c = conn_of_event(w, h, ev);
	struct end *e;

	CHECK(w, c != NULL);
	e = &c->end[h->side];
	if (is_revenant(w, h, e, ev))
		return;
	CHECK(w, ev->type == STACK_ACCEPTED || (e->has_id && e->id == ev->conn));
	switch ((enum stack_event_type)ev->type) {
	case STACK_ACCEPTED:
		on_accepted(w, h, c, e, ev->conn);
		break;
	case STACK_CONNECTED:
		CHECK(w, !e->established);
		e->established = true;
		if (e->written < e->k->total && !e->blocked)
			e->write_at = w->t + 1;
		break;
	case STACK_DATA:
		on_data(w, h, c, e, ev);
		break;
	case STACK_READABLE:
		if (e->read_at == NEVER)
			e->read_at = w->t + 1 + rng_below(&e->rng, e->k->read_pause + 1000);
		break;
	case STACK_EOF:
		CHECK(w, !e->eof && e->read == peer_of(w, c, h->side)->written);
		CHECK(w, peer_of(w, c, h->side)->user_closed);
		e->eof = true;
		break;
	case STACK_WRITABLE:
		e->blocked = false;
		if (e->written < e->k->total && !e->user_closed)
			e->write_at = w->t + 1;
		break;
	case STACK_VISIT:
	case STACK_SENT:
		CHECK(w, h->k->profile.notify_sent);
		break;
	case STACK_CLOSED:
	case STACK_FAILED:
		CHECK(w, ev->type == STACK_CLOSED || !e->established);
		on_end(w, h, c, e, ev);
		return;
	}
	maybe_close(w, e);
}

/* --- beginning and end --- */

static void
begin_end(struct world *w, struct end *e, const struct conn_knobs *k, unsigned side, unsigned i)
{
	*e = (struct end){.k = &k->end[side]};
	rng_seed(&e->rng, w->seed, 3000 + 2 * i + side);
	e->open_at = e->k->opens ? w->start + k->open_at[side] : NEVER;
	e->write_at = e->read_at = e->close_at = e->abort_at = NEVER;
	if (k->close_both_at != NEVER)
		e->close_at = w->start + k->close_both_at;
}

void
user_begin(struct world *w)
{
	w->n_conns = w->k.n_conns;
	for (unsigned i = 0; i < w->n_conns; i++) {
		const struct conn_knobs *k = &w->k.conn[i];
		struct pair *c = &w->conn[i];
		const bool both = k->end[0].opens && k->end[1].opens;
		const uint16_t near = (uint16_t)(PORT_FIRST + i),
			       far = (uint16_t)(both	     ? PORT_OTHER + i
						: k->refused ? PORT_SHUT
							     : PORT_OPEN);

		c->k = k;
		c->flow = (struct flow){HOST_ADDR, HOST_ADDR + 1, near, far};
		if (!k->end[0].opens)
			c->flow = (struct flow){HOST_ADDR, HOST_ADDR + 1, far, near};
		for (unsigned side = 0; side < 2; side++)
			begin_end(w, &c->end[side], k, side, i);
	}
}

static void
check_end(struct world *w, struct pair *c, unsigned side)
{
	struct end *e = &c->end[side], *peer = &c->end[1 - side];

	CHECK(w, !e->has_id && (e->over || !e->opened));
	CHECK(w, e->opened || is_abnormal(peer) || !peer->opened);
	w->r->reset += e->why == STACK_WHY_RESET;
	w->r->timed_out += e->why == STACK_WHY_TIMEOUT;
	w->r->aborted += e->aborted;
	w->r->gave_up += e->gave_up;
	w->r->refused += e->opened && !e->established;
	if (is_abnormal(e) || is_abnormal(peer) || !e->opened)
		return;
	CHECK(w, e->established && e->user_closed);
	CHECK(w, e->left_unread || (e->eof && e->read == peer->written));
}

void
user_end(struct world *w)
{
	bool clean = true;

	for (unsigned i = 0; i < w->n_conns; i++)
		for (unsigned side = 0; side < 2; side++) {
			check_end(w, &w->conn[i], side);
			clean &= !is_abnormal(&w->conn[i].end[side]);
		}
	w->r->clean += clean;
}
