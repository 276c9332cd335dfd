/* tcp_sim_user.h - the simulated users: open, write, read, close. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_TCP_SIM_USER_H
#define TEST_TCP_SIM_USER_H

#include "tcp_sim_host.h"

static inline bool
sim_new_tcb(struct sim *s, struct sim_end *e)
{
	const unsigned i = (unsigned)(e - s->end);

	e->h = pool_get(&e->tcbs);
	SIM_CHECK(s, e->h != POOL_NONE);
	e->t = pool_at(&e->tcbs, e->h);
	*e->t = (struct tcb){.flow = {1 + i, 2 - i, (uint16_t)(80 + i), (uint16_t)(81 - i)},
			     .profile = 0};
	tcp_out_init(&s->out, e->knobs.room);
	return true;
}

static inline void
sim_undo_tcb(struct sim_end *e)
{
	pool_put(&e->tcbs, e->h);
	e->t = NULL;
}

static inline void
sim_began(struct sim *s, struct sim_end *e)
{
	e->opened = true;
	if (e->knobs.early_write)
		e->write_at = s->now;
}

static inline void
sim_open(struct sim *s, unsigned i)
{
	struct sim_end *e = &s->end[i];

	e->open_at = UINT64_MAX;
	sim_new_tcb(s, e);
	if (tcp_open_active(&e->ctx, e->t, s->now, &s->out) != 0) {
		sim_undo_tcb(e);
		e->open_at = s->now + 50 * SIM_MS;
		return;
	}
	sim_began(s, e);
	sim_take(s, i, TCP_FREE, NULL);
	sim_output(s, i);
}

/* A SYN for the listener. The second connection of a scenario can only come from an old SYN. */
static inline void
sim_accept(struct sim *s, unsigned i, const struct tcp_seg *seg)
{
	struct sim_end *e = &s->end[i];

	sim_new_tcb(s, e);
	e->ghost = e->over;
	if (tcp_open_passive(&e->ctx, e->t, seg, s->now, &s->out) != 0) {
		sim_undo_tcb(e);
		e->ghost = false;
		return;
	}
	if (!e->ghost)
		sim_began(s, e);
	sim_take(s, i, TCP_FREE, NULL);
	sim_output(s, i);
}

static inline void
sim_close(struct sim *s, unsigned i)
{
	struct sim_end *e = &s->end[i];
	const uint64_t refused = e->ctx.stats.drop_no_active;
	const uint8_t was = e->t->state;

	e->close_at = UINT64_MAX;
	e->user_closed = true;
	sim_trace(s, i, "closes", NULL);
	tcp_out_init(&s->out, e->knobs.room);
	tcp_close(&e->ctx, e->t, s->now, &s->out);
	/* No memory for an orderly end; or nothing to end (RFC 9293 3.10.4: queued octets go with
	 * it). */
	if (e->ctx.stats.drop_no_active > refused || was == TCP_SYN_SENT)
		e->aborted = true;
	sim_take(s, i, was, NULL);
	sim_output_soon(s, i);
}

static inline void
sim_abort(struct sim *s, unsigned i)
{
	struct sim_end *e = &s->end[i];
	const uint8_t was = e->t->state;

	e->aborted = true;
	sim_trace(s, i, "aborts", NULL);
	tcp_out_init(&s->out, e->knobs.room);
	tcp_abort(&e->ctx, e->t, s->now, &s->out);
	sim_take(s, i, was, NULL);
	SIM_CHECK(s, !e->t);
}

/* Closes as soon as he wants to. */
static inline void
sim_maybe_close(struct sim *s, struct sim_end *e)
{
	const bool all_read = e->eof && e->read == e->delivered;

	if (e->t && !e->ghost && !e->user_closed && e->close_at == UINT64_MAX &&
	    e->written == e->knobs.total && (e->established || e->knobs.early_close) &&
	    (all_read || !e->knobs.close_after_eof))
		e->close_at = s->now + rng_below(&s->rng, e->knobs.close_pause + 1);
}

static inline void
sim_write(struct sim *s, unsigned i)
{
	struct sim_end *e = &s->end[i];
	const uint32_t left = e->knobs.total - e->written;
	uint32_t n = 1 + (uint32_t)rng_below(&s->rng, e->knobs.write_chunk), taken;

	e->write_at = UINT64_MAX;
	if (n > left)
		n = left;
	if (n == 0)
		return;
	taken = tcp_send(&e->ctx, e->t, sim_octets(i, e->written), n, s->now);
	SIM_CHECK(s, taken <= n);
	e->written += taken;
	tcp_check(&e->ctx, e->t);
	if (taken == n)
		e->write_at = s->now + rng_below(&s->rng, e->knobs.write_pause + 1);
	else if (tcb_is_active(e->t))
		e->blocked = true; /* TCP_EV_WRITABLE must come */
	else
		e->write_at = s->now + 5 * SIM_MS;
	sim_output_soon(s, i);
}

static inline void
sim_read(struct sim *s, unsigned i)
{
	struct sim_end *e = &s->end[i];
	struct chain *q = tcp_rcvq(&e->ctx, e->t);
	uint32_t want = 1 + (uint32_t)rng_below(&s->rng, e->knobs.read_chunk), n;
	const uint8_t *data;

	e->read_at = UINT64_MAX;
	while (q && want > 0 && (n = chain_front(&e->ctx.blocks, q, &data)) > 0) {
		if (n > want)
			n = want;
		SIM_CHECK(s, memcmp(data, sim_octets(1 - i, e->read), n) == 0);
		chain_trim_front(&e->ctx.blocks, q, n);
		e->read += n;
		want -= n;
	}
	if (q && q->len > 0)
		e->read_at = s->now + rng_below(&s->rng, e->knobs.read_pause + 1);
	tcp_received(&e->ctx, e->t, s->now);
	tcp_check(&e->ctx, e->t);
	sim_output_soon(s, i);
}

/* --- somebody else uses the pools --- */

static inline void
sim_give_back(struct sim_end *e)
{
	while (e->n_stolen_acts > 0)
		pool_put(&e->ctx.acts, e->stolen_acts[--e->n_stolen_acts]);
	while (e->n_stolen_blocks > 0)
		block_put(&e->ctx.blocks, e->stolen_blocks[--e->n_stolen_blocks]);
}

static inline void
sim_steal(struct sim *s, struct sim_end *e)
{
	uint32_t h;

	if (e->n_stolen_acts + e->n_stolen_blocks > 0) {
		sim_give_back(e);
		e->thief_at = s->now + 1 + rng_below(&s->rng, 500 * SIM_MS);
		return;
	}
	while (e->n_stolen_acts < SIM_STOLEN_MAX && (h = pool_get(&e->ctx.acts)) != POOL_NONE)
		e->stolen_acts[e->n_stolen_acts++] = h;
	while (e->n_stolen_blocks < SIM_STOLEN_MAX &&
	       (h = block_get(&e->ctx.blocks, (uint32_t)rng_below(&s->rng, 2000))) != POOL_NONE)
		e->stolen_blocks[e->n_stolen_blocks++] = h;
	e->thief_at = s->now + 1 + rng_below(&s->rng, 300 * SIM_MS);
}

#endif
