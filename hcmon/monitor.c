/* monitor.c - frames in, records out; intervals are those of the frames' own time. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "hcmon/monitor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/units.h"

/* Empty intervals in a row that are reported one by one; a longer silence (a capture of two days, or a stamp of the
 * year 2106) is one record. */
enum { MAX_SILENT_INTERVALS = 100 };

static bool
is_stdout(const char *path)
{
	return strcmp(path, "-") == 0;
}

static FILE *
open_output(const char *flag, const char *path)
{
	FILE *f;

	if (!path)
		return NULL;
	if (is_stdout(path))
		return stdout;
	f = fopen(path, "we");
	if (!f)
		die("--%s %s: %s", flag, path, strerror(errno));
	return f;
}

static void
log_request(void *arg, const struct track_request *r)
{
	struct monitor *m = arg;
	char buf[2][REQLOG_END_BYTES];
	struct reqlog_row row;

	reqlog_row(&row, buf, r, m->start_ns);
	record_write(&m->requests, &row);
}

static void
open_outputs(struct monitor *m)
{
	const struct conf *c = m->conf;

	m->cdf = open_output("cdf", c->cdf);
	m->total = open_output("total", c->total);
	m->requests_file = open_output("requests", c->requests);
	if (m->requests_file)
		record_open(&m->requests, m->requests_file, RECORD_CSV, reqlog_fields,
			    reqlog_n_fields);
	if (m->cdf == stdout)
		return;
	if (c->format == CONF_FORMAT_GNUPLOT)
		gnuplot_open(&m->gnuplot, stdout);
	else if (c->format == RECORD_TEXT)
		record_open(&m->records, stdout, RECORD_TEXT, report_text_fields,
			    report_n_text_fields);
	else
		record_open(&m->records, stdout, (enum record_format)c->format, report_fields,
			    report_n_fields);
}

void
monitor_init(struct monitor *m, const struct conf *conf)
{
	struct track_conf tc = {.rule = conf->rule,
				.max_flows = track_flows_in(conf->mem_bytes),
				.sink = conf->requests ? log_request : NULL,
				.sink_arg = m};
	char mem[32];

	memset(m, 0, sizeof(*m));
	m->conf = conf;
	m->tap.verify_checksums = conf->verify_checksums;
	rng_secret(tc.key);
	m->track_bytes = track_bytes(tc.max_flows);
	m->track_mem = mem_reserve(m->track_bytes);
	m->track = mem_reserve(sizeof(*m->track));
	if (!m->track_mem || !m->track)
		die("no memory for %u flows: a smaller --mem?", tc.max_flows);
	track_init(m->track, &tc, m->track_mem);
	log_info("room for %u flows (%s)", tc.max_flows,
		 units_print_bytes(mem, sizeof(mem), (double)m->track_bytes));
	report_init(&m->report);
	open_outputs(m);
}

void
monitor_start(struct monitor *m, uint64_t now_ns)
{
	m->started = true;
	m->start_ns = m->now_ns = now_ns;
	m->next_ns = now_ns + m->conf->interval_ns;
}

/* --- records --- */

static void
fill_curves(struct monitor *m, const struct hist *curve[CDF_N_CURVES])
{
	const struct hist *total = m->report.total;

	curve[CDF_TOTAL] = report_answered(&m->report);
	curve[CDF_HIGH] = &total[RULE_HIGH];
	curve[CDF_LOW] = &total[RULE_LOW];
	curve[CDF_ACK] = &total[RULE_HEARTBEAT];
}

static void
write_record(struct monitor *m, uint64_t end_ns)
{
	const struct report_state state = {
	    .count = m->track->count, .tap = m->tap, .missed = m->missed};
	const struct hist *curve[CDF_N_CURVES];
	struct report_row row;

	track_expire(m->track, end_ns);
	report_interval(&m->report, m->track, &state, end_ns - m->start_ns, &row);
	track_interval(m->track);
	if (m->cdf == stdout)
		return;
	if (m->conf->format == CONF_FORMAT_GNUPLOT) {
		fill_curves(m, curve);
		gnuplot_draw(&m->gnuplot, &row, curve);
	} else {
		record_write(&m->records, &row);
	}
}

void
monitor_advance(struct monitor *m, uint64_t now_ns)
{
	const uint64_t interval = m->conf->interval_ns;
	uint64_t n;

	if (now_ns > m->now_ns)
		m->now_ns = now_ns;
	if (now_ns < m->next_ns)
		return;
	monitor_flush(m);
	n = (now_ns - m->next_ns) / interval;
	if (n > MAX_SILENT_INTERVALS)
		m->next_ns += n * interval;
	for (; m->next_ns <= now_ns; m->next_ns += interval)
		write_record(m, m->next_ns);
}

/* --- frames --- */

void
monitor_flush(struct monitor *m)
{
	track_packets(m->track, m->batch, m->n_batch);
	m->n_batch = 0;
}

void
monitor_frame(struct monitor *m, const uint8_t *data, uint32_t caplen, uint32_t len,
	      uint64_t now_ns)
{
	struct track_packet *p;

	monitor_advance(m, now_ns);
	p = &m->batch[m->n_batch];
	if (!tap_read(&m->tap, data, caplen, len, p))
		return;
	p->ts_ns = now_ns;
	if (++m->n_batch == TRACK_BURST)
		monitor_flush(m);
}

/* --- the end --- */

static bool
close_output(FILE *f, const char *flag, bool ok)
{
	if (!f)
		return true;
	ok = fflush(f) == 0 && !ferror(f) && ok;
	if (f != stdout)
		ok = fclose(f) == 0 && ok;
	if (!ok)
		log_error("--%s: could not be written whole", flag);
	return ok;
}

static bool
write_total(struct monitor *m)
{
	enum record_format format = m->conf->format == RECORD_JSON ? RECORD_JSON : RECORD_CSV;
	struct record_out out;
	struct report_row row;

	if (!m->total)
		return true;
	report_total(&m->report, m->track, &row);
	record_open(&out, m->total, format, report_fields, report_n_fields);
	record_write(&out, &row);
	return record_close(&out) == 0;
}

static bool
write_cdf(struct monitor *m)
{
	const struct hist *curve[CDF_N_CURVES];

	if (!m->cdf)
		return true;
	fill_curves(m, curve);
	return cdf_write(m->cdf, curve);
}

/* What happened after the last full interval is a record too, of the length that it has. */
static void
end_time(struct monitor *m)
{
	monitor_flush(m);
	track_finish(m->track);
	if (!m->started)
		monitor_start(m, 0);
	write_record(m, m->now_ns);
}

int
monitor_finish(struct monitor *m)
{
	bool ok = true;

	end_time(m);
	if (m->requests_file)
		ok = record_close(&m->requests) == 0;
	ok = close_output(m->requests_file, "requests", ok);
	ok = close_output(m->cdf, "cdf", write_cdf(m)) && ok;
	ok = close_output(m->total, "total", write_total(m)) && ok;
	if (m->records.file)
		ok = record_close(&m->records) == 0 && ok;
	if (!m->conf->quiet)
		report_summary(&m->report, m->track, stderr);
	mem_release(m->track_mem, m->track_bytes);
	mem_release(m->track, sizeof(*m->track));
	return ok ? EXIT_SUCCESS : EXIT_ENVIRONMENT;
}
