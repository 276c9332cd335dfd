/* summary.c - lines on stderr. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcc/summary.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/units.h"
#include "mcc/report.h"

enum { MEMORY_CONNS = 10000 };

static double
seconds_since_start(const struct report *r)
{
	return (double)(r->now_ns - r->start_ns) / 1e9;
}

/* "-" when there is none. */
static char *
print_quantile(char *buf, size_t size, const struct hist *h, double ratio)
{
	if (!h->total)
		snprintf(buf, size, "-");
	else
		units_print_time(buf, size, ratio < 1 ? hist_quantile(h, ratio) : h->max);
	return buf;
}

static double
percent_of_setup(const struct report *r)
{
	return 100 * (double)r->now.connected / (double)r->conf->conns;
}

void
summary_progress(const struct report *r)
{
	char rate[32];

	if (!isatty(STDERR_FILENO) || isatty(STDOUT_FILENO) || r->conf->quiet)
		return;
	units_print_count(
	    rate, sizeof(rate),
	    (double)(r->now.sent[0] + r->now.sent[1] - r->before.sent[0] - r->before.sent[1]) /
		((double)r->conf->interval_ns / 1e9));
	if (r->phase == PHASE_SETUP)
		fprintf(stderr, "\r%.0f s: %" PRIu64 " established (%.1f %%), %.0f s left  ",
			seconds_since_start(r), r->now.established, percent_of_setup(r),
			(double)r->conf->setup_ns / 1e9 - seconds_since_start(r));
	else if (r->phase < PHASE_DONE)
		fprintf(stderr, "\r%.0f s: %s, %" PRIu64 " established, %s messages/s  ",
			seconds_since_start(r), client_phase_name(r->phase), r->now.established,
			rate);
	else
		fprintf(stderr, "\r%60s\r", "");
}

void
summary_line(const struct report *r)
{
	const struct counters *n = &r->now;
	const struct hist *h = &r->interval->intended[CLASS_REQUEST];
	char p50[32], p99[32];

	log_info("%.0f s %s: %" PRIu64 " established, sent %" PRIu64 " requests and %" PRIu64
		 " heartbeats, %" PRIu64 " answered, %" PRIu64 " lost; latency p50 %s, p99 %s",
		 seconds_since_start(r), client_phase_name(r->phase), n->established,
		 n->sent[CLASS_REQUEST], n->sent[CLASS_HEARTBEAT], n->settled[CLASS_REQUEST],
		 n->lost[CLASS_REQUEST], print_quantile(p50, sizeof(p50), h, 0.5),
		 print_quantile(p99, sizeof(p99), h, 0.99));
}

static void
count_line(const char *what, uint64_t n)
{
	fprintf(stderr, "  %-28s %14" PRIu64 "\n", what, n);
}

static void
count_line_if(const char *what, uint64_t n)
{
	if (n)
		count_line(what, n);
}

static void
print_connections(const struct report *r)
{
	static const char *const outcomes[OUTCOMES] = {
	    [OUTCOME_REFUSED] = "  refused",
	    [OUTCOME_UNREACHABLE] = "  unreachable, or no port",
	    [OUTCOME_TIMED_OUT] = "  timed out",
	    [OUTCOME_RESET] = "  reset by the server",
	    [OUTCOME_EOF] = "  closed by the server",
	    [OUTCOME_BROKEN] = "  broken off, bad answer",
	    [OUTCOME_CLOSED] = "  held to the end",
	};
	const struct counters *n = &r->now;

	count_line("connections tried", n->opened);
	count_line_if("  of these, again", n->reopened);
	count_line(outcomes[OUTCOME_CLOSED], n->ended[OUTCOME_CLOSED] + n->established);
	for (unsigned i = 0; i < OUTCOMES; i++)
		if (i != OUTCOME_CLOSED)
			count_line_if(outcomes[i], n->ended[i]);
	count_line_if("  still opening", n->opening);
}

static void
print_messages(const struct report *r)
{
	const struct counters *n = &r->now;
	const bool echo = r->conf->app == APP_ECHO;

	count_line("requests sent", n->sent[CLASS_REQUEST]);
	count_line("  answered", n->settled[CLASS_REQUEST]);
	count_line_if("  lost", n->lost[CLASS_REQUEST]);
	if (n->sent[CLASS_HEARTBEAT]) {
		count_line("heartbeats sent", n->sent[CLASS_HEARTBEAT]);
		if (r->settled_classes & PENDING_HEARTBEAT)
			count_line(echo ? "  answered" : "  acknowledged",
				   n->settled[CLASS_HEARTBEAT]);
		count_line_if(echo ? "  lost" : "  not acknowledged", n->lost[CLASS_HEARTBEAT]);
	}
	count_line_if("messages not sent", n->unsent);
	count_line_if("http errors (4xx, 5xx)", n->refusals);
	count_line("segments retransmitted", r->carrier.retransmitted);
	/* Of few, memory comes in pages that say nothing. */
	if (r->conf->conns >= MEMORY_CONNS && r->mem_per_conn > 0)
		fprintf(stderr, "  %-28s %14.1f bytes\n", "memory per connection", r->mem_per_conn);
}

static void
print_latency(const char *what, const struct hist *h)
{
	static const double ratios[] = {0.5, 0.9, 0.99, 0.999, 0.9999, 1};
	char buf[32];

	if (!h->total)
		return;
	fprintf(stderr, "  %-28s", what);
	for (unsigned i = 0; i < sizeof(ratios) / sizeof(*ratios); i++)
		fprintf(stderr, " %10s", print_quantile(buf, sizeof(buf), h, ratios[i]));
	fprintf(stderr, "\n");
}

static void
print_latencies(const struct report *r)
{
	const struct latencies *l = r->total;
	const bool echo = r->conf->app == APP_ECHO;

	fprintf(stderr, "  %-28s %10s %10s %10s %10s %10s %10s\n", "latency", "p50", "p90", "p99",
		"p99.9", "p99.99", "max");
	print_latency("request, from when due", &l->intended[CLASS_REQUEST]);
	print_latency("request, from departure", &l->departure[CLASS_REQUEST]);
	print_latency(echo ? "heartbeat, from when due" : "heartbeat to ACK, from due",
		      &l->intended[CLASS_HEARTBEAT]);
	print_latency(echo ? "heartbeat, from departure" : "heartbeat to ACK, from dep.",
		      &l->departure[CLASS_HEARTBEAT]);
	print_latency("connect", &l->connect);
}

/* The answers that were waited for in vain; an ACK is not one. */
static uint64_t
lost_answers(const struct report *r)
{
	return r->now.lost[CLASS_REQUEST] +
	       (r->conf->app == APP_ECHO ? r->now.lost[CLASS_HEARTBEAT] : 0);
}

static int
verdict(const struct report *r)
{
	const uint64_t answers = lost_answers(r);
	const uint64_t connections = counters_lost_connections(&r->now);
	const uint64_t opening = r->stopped ? 0 : r->now.opening;

	if (!answers && !connections && !opening) {
		log_info("no connection and no answer was lost");
		return EXIT_SUCCESS;
	}
	log_error("lost: %" PRIu64 " connections, %" PRIu64 " answers%s", connections, answers,
		  opening ? "; some connections were never established" : "");
	return EXIT_ENVIRONMENT;
}

int
summary_end(const struct report *r)
{
	fprintf(stderr, "%s: after %.1f s\n", log_program(), seconds_since_start(r));
	print_connections(r);
	print_messages(r);
	print_latencies(r);
	if (!counters_add_up(&r->now, r->settled_classes))
		log_error("the counters above do not add up: please report this");
	return verdict(r);
}
