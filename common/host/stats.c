/* stats.c - the counters of a stack and of its groups, in one. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "host/internal.h"

static void
add_tcp(struct tcp_stats *sum, const struct tcp_stats *t)
{
#define ADD(name) sum->name += t->name;
	TCP_STATS(ADD)
#undef ADD
}

static void
add_group(struct stack_stats *sum, const struct group *g)
{
	const struct pool *acts = &g->ctx.acts;

	add_tcp(&sum->tcp, &g->ctx.stats);
	sum->conns += g->tcbs.in_use;
	sum->established += g->n_established;
	sum->half_open += g->n_half_open;
	sum->time_wait += g->n_time_wait;
	sum->active += acts->in_use - g->reserve.n_acts;
	sum->active_peak += acts->peak > g->reserve.max_acts ? acts->peak - g->reserve.max_acts : 0;
	sum->mem_bytes += group_used_bytes(g);
}

static void
add_frags(struct stack_stats *sum, const struct frag_stats *f)
{
	sum->frags_in += f->in;
	sum->frags_reassembled += f->reassembled;
	sum->frags_duplicate += f->duplicates;
	sum->drop_frag_overlap += f->drop_overlap;
	sum->drop_frag_format += f->drop_format;
	sum->drop_frag_source += f->drop_source;
	sum->drop_frag_full += f->drop_full;
	sum->drop_frag_timeout += f->drop_timeout;
}

void
stack_stats(const struct stack *s, struct stack_stats *out)
{
	*out = s->stats;
	for (unsigned i = 0; i < s->n_groups; i++)
		add_group(out, &s->group[i]);
	for (unsigned i = 0; i < s->n_netifs; i++) {
		out->drop_rate_limit += s->netif[i].icmp.stats.drop_rate;
		add_frags(out, &s->netif[i].frags.stats);
		out->icmp_ignored += s->netif[i].icmp.stats.ignored;
		out->arp_conflicts += s->netif[i].neighbours.stats.conflicts;
		out->arp_conflicts_self += s->netif[i].neighbours.stats.conflicts_self;
	}
	out->mem_bytes +=
	    (uint64_t)(s->work.touched + s->waiting.touched) * sizeof(struct fifo_item);
}
