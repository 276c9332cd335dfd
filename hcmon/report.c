/* report.c - differences between two moments become a record; histograms become percentiles. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "hcmon/report.h"

#include <math.h>
#include <string.h>

void
report_init(struct report *r)
{
	memset(r, 0, sizeof(*r));
	for (unsigned i = 0; i < RULE_N_CLASSES; i++)
		hist_reset(&r->total[i]);
	hist_reset(&r->stamp);
	hist_reset(&r->stamp_total);
}

static struct report_latency
latency_of(const struct hist *h)
{
	return (struct report_latency){
	    .p50 = hist_quantile(h, 0.5),
	    .p90 = hist_quantile(h, 0.9),
	    .p99 = hist_quantile(h, 0.99),
	    .p999 = hist_quantile(h, 0.999),
	    .max = hist_quantile(h, 1),
	};
}

/* A response ended each of these; heartbeats end with their ACK. */
static const struct hist *
merge_answered(struct hist *into, const struct hist *by_class)
{
	hist_reset(into);
	hist_merge(into, &by_class[RULE_PLAIN]);
	hist_merge(into, &by_class[RULE_HIGH]);
	hist_merge(into, &by_class[RULE_LOW]);
	return into;
}

static void
fill_latencies(struct report *r, const struct hist *by_class, struct report_row *row)
{
	row->latency = latency_of(merge_answered(&r->scratch, by_class));
	row->high = latency_of(&by_class[RULE_HIGH]);
	row->low = latency_of(&by_class[RULE_LOW]);
	row->ack = latency_of(&by_class[RULE_HEARTBEAT]);
}

static void
fill_counts(struct report_row *row, const struct report_state *now, const struct report_state *then)
{
	row->count = now->count;
#define SUBTRACT(name, help) row->count.name -= then->count.name;
	TRACK_COUNTERS(SUBTRACT)
#undef SUBTRACT
	row->pkts = now->tap.frames - then->tap.frames;
	row->bytes = now->tap.bytes - then->tap.bytes;
	row->other = now->tap.other - then->tap.other;
	row->missed = now->missed - then->missed;
	row->dropped = 0;
	for (unsigned i = 0; i < PKT_N_DROPS; i++) {
		row->drops[i] = now->tap.drops[i] - then->tap.drops[i];
		row->dropped += row->drops[i];
	}
}

static void
fill_rates(struct report_row *row, uint64_t ns)
{
	const double s = ns ? (double)ns / 1e9 : (double)NAN;

	row->conns_per_s = (double)row->count.conns_opened / s;
	row->requests_per_s = (double)row->count.requests / s;
	row->heartbeats_per_s = (double)row->count.heartbeats / s;
	row->bps = (double)row->bytes * 8 / s;
}

static void
fill_gauges(struct report_row *row, const struct track *t)
{
	row->flows_open = t->flows_open;
	row->requests_open = t->requests_open;
	row->heartbeats_open = t->heartbeats_open;
}

void
report_interval(struct report *r, const struct track *t, const struct report_state *now,
		uint64_t now_ns, struct report_row *row)
{
	*row = (struct report_row){.time_ns = now_ns, .flows_active = t->flows_active};
	fill_gauges(row, t);
	fill_counts(row, now, &r->last);
	fill_rates(row, now_ns - r->last_ns);
	fill_latencies(r, t->latency, row);
	row->stamp_p99_ns = hist_quantile(&r->stamp, 0.99);
	row->stamp_max_ns = hist_quantile(&r->stamp, 1);

	for (unsigned i = 0; i < RULE_N_CLASSES; i++)
		hist_merge(&r->total[i], &t->latency[i]);
	hist_merge(&r->stamp_total, &r->stamp);
	hist_reset(&r->stamp);
	r->last = *now;
	r->last_ns = now_ns;
	r->last_active = t->flows_active;
}

void
report_total(struct report *r, const struct track *t, struct report_row *row)
{
	static const struct report_state zero;

	*row = (struct report_row){.time_ns = r->last_ns, .flows_active = r->last_active};
	fill_gauges(row, t);
	fill_counts(row, &r->last, &zero);
	fill_rates(row, r->last_ns);
	fill_latencies(r, r->total, row);
	row->stamp_p99_ns = hist_quantile(&r->stamp_total, 0.99);
	row->stamp_max_ns = hist_quantile(&r->stamp_total, 1);
}

const struct hist *
report_answered(struct report *r)
{
	return merge_answered(&r->scratch, r->total);
}
