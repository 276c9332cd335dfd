/* summary.c - what came of the run, as a table for people. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>

#include "base/units.h"
#include "hcmon/report.h"

static void
print_time(FILE *out, uint64_t ns)
{
	char buf[32];

	fprintf(out, " %10s", ns == UINT64_MAX ? "-" : units_print_time(buf, sizeof(buf), ns));
}

static void
print_class(FILE *out, const char *name, const struct hist *h)
{
	if (h->total == 0)
		return;
	fprintf(out, "  %-22s %12" PRIu64, name, h->total);
	print_time(out, hist_quantile(h, 0.5));
	print_time(out, hist_quantile(h, 0.9));
	print_time(out, hist_quantile(h, 0.99));
	print_time(out, hist_quantile(h, 0.999));
	print_time(out, hist_quantile(h, 1));
	fputc('\n', out);
}

static void
print_latencies(struct report *r, FILE *out)
{
	bool any = report_answered(r)->total || r->total[RULE_HEARTBEAT].total;

	if (any)
		fprintf(out, "  %-22s %12s %10s %10s %10s %10s %10s\n", "latency", "measured",
			"p50", "p90", "p99", "p99.9", "max");
	print_class(out, "all responses", report_answered(r));
	print_class(out, "high: to response", &r->total[RULE_HIGH]);
	print_class(out, "low: to response", &r->total[RULE_LOW]);
	print_class(out, "low: heartbeat to ACK", &r->total[RULE_HEARTBEAT]);
	print_class(out, "uncertainty of stamps", &r->stamp_total);
}

static void
print_ledgers(const struct track *t, FILE *out)
{
	const struct track_counters *c = &t->count;

	fprintf(out,
		"  requests     %" PRIu64 " = %" PRIu64 " matched + %" PRIu64
		" unanswered + %" PRIu64 " ambiguous + %" PRIu64 " still open\n",
		c->requests, c->matched, c->unanswered, c->ambiguous, t->requests_open);
	if (c->heartbeats)
		fprintf(out,
			"  heartbeats   %" PRIu64 " = %" PRIu64 " acked + %" PRIu64
			" unacked + %" PRIu64 " ambiguous + %" PRIu64 " still open\n",
			c->heartbeats, c->heartbeats_acked, c->heartbeats_unacked,
			c->heartbeats_ambiguous, t->heartbeats_open);
	if (c->responses_unmatched)
		fprintf(out, "  responses    %" PRIu64 ", of which %" PRIu64 " to nothing seen\n",
			c->responses, c->responses_unmatched);
}

static void
print_connections(const struct track *t, FILE *out)
{
	const struct track_counters *c = &t->count;

	fprintf(out,
		"  connections  %" PRIu64 " opened, %" PRIu64 " closed, %" PRIu64 " open (%" PRIu64
		" at most); %" PRIu64 " SYN, %" PRIu64 " RST\n",
		c->conns_opened, c->conns_closed, t->flows_open, t->flows_peak, c->syns, c->resets);
	if (c->flows_evicted + c->flows_refused)
		fprintf(out,
			"  table full   %" PRIu64 " open flows evicted, %" PRIu64
			" SYNs refused: give it more with --mem\n",
			c->flows_evicted, c->flows_refused);
	if (c->untracked)
		fprintf(out, "  pool empty   %" PRIu64 " messages not followed: --mem\n",
			c->untracked);
}

static void
print_segments(const struct report *r, FILE *out)
{
	const struct track_counters *c = &r->last.count;
	const struct tap *tap = &r->last.tap;

	fprintf(out, "  segments     %" PRIu64 " retransmitted, %" PRIu64 " out of order\n",
		c->retransmissions, c->out_of_order);
	if (c->tap_losses + r->last.missed)
		fprintf(out,
			"  tap          %" PRIu64 " losses seen by ACKs (%" PRIu64
			" octets), %" PRIu64 " frames missed by the port\n",
			c->tap_losses, c->tap_lost_bytes, r->last.missed);
	if (c->labels_cut)
		fprintf(out, "  cut          %" PRIu64 " segments before their label\n",
			c->labels_cut);
	if (tap->other)
		fprintf(out, "  not TCP      %" PRIu64 " frames\n", tap->other);
	for (unsigned i = 1; i < PKT_N_DROPS; i++)
		if (tap->drops[i])
			fprintf(out, "  dropped      %" PRIu64 " frames: %s\n", tap->drops[i],
				pkt_drop_name(i));
}

void
report_summary(struct report *r, const struct track *t, FILE *out)
{
	char pkts[32], bytes[32], time[32];

	fprintf(out, "%s, %s frames, %s\n", units_print_time(time, sizeof(time), r->last_ns),
		units_print_count(pkts, sizeof(pkts), (double)r->last.tap.frames),
		units_print_bytes(bytes, sizeof(bytes), (double)r->last.tap.bytes));
	print_latencies(r, out);
	print_ledgers(t, out);
	print_connections(t, out);
	print_segments(r, out);
}
