/* report.c - from what the threads publish to records. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcc/report.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/units.h"
#include "mcc/summary.h"

/* One record. Counts are since the start; rates and latencies are of the interval. */
struct row {
	uint64_t time_ns;
	const char *phase;
	struct counters n;
	double connects_per_s, requests_per_s, heartbeats_per_s, answers_per_s;
	struct row_latency {
		uint64_t p50, p90, p99, p999, max;
	} connect, intended, departure, heartbeat;
	uint64_t retransmitted;
	double cpu_percent, mem_bytes_per_conn;
};

#define AT(member)    offsetof(struct row, member)
#define ENDED(why)    AT(n.ended[OUTCOME_##why])
#define COUNT(a)      (unsigned)(sizeof(a) / sizeof((a)[0]))
#define U64(m)	      RECORD_U64, 0, AT(m)
#define US(m)	      RECORD_NS_AS_US, 3, AT(m)
#define RATE(m)	      RECORD_F64, 1, AT(m)
#define REQUESTS(m)   U64(n.m[CLASS_REQUEST])
#define HEARTBEATS(m) U64(n.m[CLASS_HEARTBEAT])

static const struct record_field fields[] = {
    {"time_s", RECORD_NS_AS_S, 3, AT(time_ns), "since the set-up began"},
    {"phase", RECORD_STR, 0, AT(phase), "setup, settle, load, drain, close or done"},
    {"opened", U64(n.opened), "connections tried, those tried again included"},
    {"reopened", U64(n.reopened), "of these, tried again"},
    {"opening", U64(n.opening), "waiting for the server's SYN now"},
    {"established", U64(n.established), "open now"},
    {"refused", RECORD_U64, 0, ENDED(REFUSED), "ended: the SYN was answered by RST"},
    {"unreachable", RECORD_U64, 0, ENDED(UNREACHABLE), "ended: no way there, or no source port"},
    {"timed_out", RECORD_U64, 0, ENDED(TIMED_OUT),
     "ended: no SYN from the server, or no ACK later"},
    {"reset", RECORD_U64, 0, ENDED(RESET), "ended: reset by the server"},
    {"closed_by_server", RECORD_U64, 0, ENDED(EOF), "ended: closed by the server"},
    {"broken", RECORD_U64, 0, ENDED(BROKEN), "ended: reset by mcc, what came was no answer"},
    {"closed", RECORD_U64, 0, ENDED(CLOSED), "ended: closed by mcc at the end"},
    {"requests", REQUESTS(sent), "sent"},
    {"requests_answered", REQUESTS(settled), "of these, answered"},
    {"requests_lost", REQUESTS(lost),
     "of these, without answer when the connection or the run ended"},
    {"requests_outstanding", REQUESTS(outstanding), "of these, without answer yet"},
    {"heartbeats", HEARTBEATS(sent), "sent"},
    {"heartbeats_settled", HEARTBEATS(settled), "of these, acknowledged (iot) or answered (echo)"},
    {"heartbeats_lost", HEARTBEATS(lost), "of these, neither when the connection or the run ended"},
    {"heartbeats_outstanding", HEARTBEATS(outstanding), "of these, neither yet"},
    {"unsent", U64(n.unsent), "messages due while their connection was not there or took no more"},
    {"http_errors", U64(n.refusals), "answers with a status of 400 or more"},
    {"connects_per_s", RATE(connects_per_s), "connections established"},
    {"requests_per_s", RATE(requests_per_s), "sent"},
    {"heartbeats_per_s", RATE(heartbeats_per_s), "sent"},
    {"answers_per_s", RATE(answers_per_s), "to requests and, of echo, to heartbeats"},
    {"latency_us_p50", US(intended.p50), "request to answer, from when it was due"},
    {"latency_us_p90", US(intended.p90), "the same"},
    {"latency_us_p99", US(intended.p99), "the same"},
    {"latency_us_p999", US(intended.p999), "the same"},
    {"latency_us_max", US(intended.max), "the same"},
    {"departure_us_p50", US(departure.p50), "request to answer, from when it left"},
    {"departure_us_p90", US(departure.p90), "the same"},
    {"departure_us_p99", US(departure.p99), "the same"},
    {"departure_us_p999", US(departure.p999), "the same"},
    {"departure_us_max", US(departure.max), "the same"},
    {"heartbeat_us_p50", US(heartbeat.p50),
     "heartbeat to ACK (iot) or answer (echo), from when it left"},
    {"heartbeat_us_p99", US(heartbeat.p99), "the same"},
    {"heartbeat_us_p999", US(heartbeat.p999), "the same"},
    {"heartbeat_us_max", US(heartbeat.max), "the same"},
    {"connect_us_p50", US(connect.p50), "SYN to established"},
    {"connect_us_p99", US(connect.p99), "the same"},
    {"connect_us_max", US(connect.max), "the same"},
    {"segs_retransmitted", U64(retransmitted), "kernel: by connections that are over"},
    {"cpu_percent", RATE(cpu_percent), "of one core, of this process"},
    {"mem_bytes_per_conn", RATE(mem_bytes_per_conn),
     "growth of this process since the start, by established"},
};

/* A terminal shows what fits on its lines. */
static const struct record_field text_fields[] = {
    {"time_s", RECORD_NS_AS_S, 3, AT(time_ns), NULL}, {"phase", RECORD_STR, 0, AT(phase), NULL},
    {"established", U64(n.established), NULL},	      {"requests", REQUESTS(sent), NULL},
    {"heartbeats", HEARTBEATS(sent), NULL},	      {"requests_lost", REQUESTS(lost), NULL},
    {"latency_us_p50", US(intended.p50), NULL},	      {"latency_us_p99", US(intended.p99), NULL},
};

const struct record_field *
report_fields(unsigned *n)
{
	*n = COUNT(fields);
	return fields;
}

int
report_init(struct report *r, const struct conf *c)
{
	*r = (struct report){.conf = c};
	sem_init(&r->posted, 0, 0);
	r->exchange = calloc(c->threads, sizeof(*r->exchange));
	r->interval = calloc(1, sizeof(*r->interval));
	r->total = calloc(1, sizeof(*r->total));
	if (!r->exchange || !r->interval || !r->total)
		return -ENOMEM;
	latencies_reset(r->interval);
	latencies_reset(r->total);
	for (unsigned i = 0; i < c->threads; i++)
		if (exchange_init(&r->exchange[i], &r->posted, c->interval_ns))
			return -ENOMEM;
	return 0;
}

void
report_fini(struct report *r)
{
	for (unsigned i = 0; i < r->conf->threads; i++)
		exchange_fini(&r->exchange[i]);
	free(r->exchange);
	free(r->interval);
	free(r->total);
	sem_destroy(&r->posted);
}

static uint64_t
cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Each thread that goes on has posted once since the last time. */
static void
wait_for_threads(struct report *r)
{
	for (unsigned i = 0; i < r->threads; i++) {
		if (r->exchange[i].ended)
			continue;
		while (sem_wait(&r->posted) && errno == EINTR)
			;
	}
}

static void
take(struct report *r, struct exchange *x)
{
	if (!atomic_load_explicit(&x->full, memory_order_acquire))
		return;
	latencies_merge(r->interval, x->latency);
	x->ended = x->last;
	exchange_return(x);
}

/* What was published, added up; a thread that has ended stays with its last words. False: all have. */
static bool
gather(struct report *r)
{
	bool going_on = false;

	latencies_reset(r->interval);
	r->before = r->now;
	r->now = (struct counters){0};
	r->carrier = (struct carrier_stats){0};
	r->phase = PHASE_DONE;
	for (unsigned i = 0; i < r->threads; i++) {
		struct exchange *x = &r->exchange[i];

		/* Its counters are ours only until the exchange has gone back. */
		counters_add(&r->now, &x->counters);
		r->carrier.retransmitted += x->carrier.retransmitted;
		r->phase = x->phase < r->phase ? x->phase : r->phase;
		r->now_ns = x->now_ns > r->now_ns ? x->now_ns : r->now_ns;
		take(r, x);
		going_on |= !x->ended;
	}
	latencies_merge(r->total, r->interval);
	return going_on;
}

static void
fill_latency(struct row_latency *l, const struct hist *h)
{
	*l = (struct row_latency){.p50 = hist_quantile(h, 0.5),
				  .p90 = hist_quantile(h, 0.9),
				  .p99 = hist_quantile(h, 0.99),
				  .p999 = hist_quantile(h, 0.999),
				  .max = h->total ? h->max : UINT64_MAX};
}

static double
per_second(uint64_t now, uint64_t before, double seconds)
{
	return (double)(now - before) / seconds;
}

static uint64_t
answers(const struct report *r, const struct counters *n)
{
	return n->settled[CLASS_REQUEST] +
	       (r->conf->app == APP_ECHO ? n->settled[CLASS_HEARTBEAT] : 0);
}

/* The process as a whole, frames apart: histograms and code were there before. */
static void
measure_memory(struct report *r)
{
	const uint64_t resident = mem_resident();

	if (r->phase > PHASE_DRAIN || r->now.established == 0 || resident < r->resident_before)
		return;
	r->mem_per_conn = (double)(resident - r->resident_before) / (double)r->now.established;
}

static void
write_record(struct report *r)
{
	const uint64_t ns = r->now_ns - r->before_ns;
	/* The last interval may be too short for rates. */
	const double seconds = ns < r->conf->interval_ns / 100 ? NAN : (double)ns / 1e9;
	const struct counters *n = &r->now, *b = &r->before;
	const uint64_t cpu = cpu_ns();
	struct row row = {
	    .time_ns = r->now_ns - r->start_ns,
	    .phase = client_phase_name(r->phase),
	    .n = *n,
	    .connects_per_s = per_second(n->connected, b->connected, seconds),
	    .requests_per_s = per_second(n->sent[CLASS_REQUEST], b->sent[CLASS_REQUEST], seconds),
	    .heartbeats_per_s =
		per_second(n->sent[CLASS_HEARTBEAT], b->sent[CLASS_HEARTBEAT], seconds),
	    .answers_per_s = per_second(answers(r, n), answers(r, b), seconds),
	    .retransmitted = r->carrier.retransmitted,
	    .cpu_percent = per_second(cpu, r->cpu_before_ns, seconds) / 1e7,
	    .mem_bytes_per_conn = r->mem_per_conn > 0 ? r->mem_per_conn : NAN,
	};

	fill_latency(&row.connect, &r->interval->connect);
	fill_latency(&row.intended, &r->interval->intended[CLASS_REQUEST]);
	fill_latency(&row.departure, &r->interval->departure[CLASS_REQUEST]);
	fill_latency(&row.heartbeat, &r->interval->departure[CLASS_HEARTBEAT]);
	r->before_ns = r->now_ns;
	r->cpu_before_ns = cpu;
	record_write(&r->out, &row);
}

static void
one_interval(struct report *r, bool last)
{
	measure_memory(r);
	if (r->now_ns > r->before_ns || last)
		write_record(r);
	summary_progress(r);
	if (r->now_ns >= r->next_log_ns) {
		r->next_log_ns += r->conf->log_duration_ns;
		summary_line(r);
	}
}

static void *
report_run(void *arg)
{
	struct report *r = arg;
	bool going_on = true;

	while (going_on) {
		wait_for_threads(r);
		going_on = gather(r);
		one_interval(r, !going_on);
	}
	return NULL;
}

int
report_start(struct report *r, unsigned threads, unsigned settled_classes, uint64_t start_ns)
{
	const bool text = r->conf->format == RECORD_TEXT;
	sigset_t all, before;
	int err;

	r->threads = threads;
	r->settled_classes = settled_classes;
	r->start_ns = r->now_ns = r->before_ns = start_ns;
	r->next_log_ns = start_ns + r->conf->log_duration_ns;
	r->resident_before = mem_resident();
	r->cpu_before_ns = cpu_ns();
	record_open(&r->out, stdout, (enum record_format)r->conf->format,
		    text ? text_fields : fields, text ? COUNT(text_fields) : COUNT(fields));
	/* Signals are for the threads that have to stop. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&r->thread, NULL, report_run, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

int
report_finish(struct report *r, bool stopped)
{
	int status;

	pthread_join(r->thread, NULL);
	r->stopped = stopped;
	status = summary_end(r);
	if (record_close(&r->out))
		status = EXIT_ENVIRONMENT;
	return status;
}
