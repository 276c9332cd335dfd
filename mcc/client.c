/* client.c - from due to sent to settled, and the phases of a run. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "mcc/client.h"

#include <errno.h>

#define NS_PER_S UINT64_C(1000000000)

enum {
	REOPEN_DELAY_MS = 1000,
	/* For answers, after the last message: a connection whose SYN was lost begins with an RTO
	 * of 3 s (RFC 6298 5.7). */
	DRAIN_S = 4,
	CLOSE_S = 3,	       /* for the peers to close, after the last of ours */
	CLOSES_PER_S = 200000, /* FIN */
	RESETS_PER_S = 1000000,
	CLOSE_MAX = 500000, /* more connections are reset */
};

const char *
client_phase_name(enum client_phase p)
{
	static const char *const names[] = {"setup", "settle", "load", "drain", "close", "done"};

	return names[p];
}

static int
reserve(const struct client_conf *conf, uint64_t bytes, void **mem)
{
	*mem = conf->reserve(bytes);
	return *mem ? 0 : errno ? -errno : -ENOMEM;
}

static int
init_memory(struct client *c)
{
	const struct schedule_conf *s = &c->conf.schedule;
	const uint32_t conns = s->conns;
	const uint32_t nodes = conns + CLIENT_SPARE_MESSAGES;
	void *mem;
	int err;

	err = reserve(&c->conf, pending_bytes(conns, nodes), &mem);
	if (err)
		return err;
	pending_init(&c->pending, mem, conns, nodes);
	err = reserve(&c->conf, reopen_bytes(conns), &mem);
	if (err)
		return err;
	reopen_init(&c->reopen, mem, conns, REOPEN_DELAY_MS * (NS_PER_S / 1000),
		    s->setup_ns / conns * s->shards);
	return app_init(&c->app, c->conf.app, c->conf.length, c->conf.host);
}

int
client_init(struct client *c, const struct client_conf *conf, uint64_t start_ns,
	    struct latencies *latency)
{
	int err;

	*c = (struct client){.conf = *conf, .latency = latency, .by_answer = PENDING_ANY};
	err = init_memory(c);
	if (err)
		return err;
	if (conf->app == APP_IOT) {
		c->by_answer = PENDING_REQUEST;
		c->by_ack = conf->acks_are_seen ? PENDING_HEARTBEAT : 0;
	}
	schedule_init(&c->schedule, &conf->schedule, start_ns);
	c->end_ns = conf->duration_ns ? start_ns + conf->duration_ns : UINT64_MAX;
	c->next_close = conf->schedule.shard;
	c->now = start_ns;
	return 0;
}

static uint64_t
unsettled(const struct client *c)
{
	return c->counters.outstanding[CLASS_HEARTBEAT] + c->counters.outstanding[CLASS_REQUEST];
}

static void
enter(struct client *c, enum client_phase phase, uint64_t end_ns)
{
	c->phase = phase;
	c->phase_end_ns = end_ns;
}

static uint64_t
close_interval_ns(const struct client *c)
{
	return NS_PER_S / (client_resets(c) ? RESETS_PER_S : CLOSES_PER_S);
}

static void
enter_close(struct client *c)
{
	const uint64_t pace_ns = close_interval_ns(c) * c->conf.schedule.conns;

	enter(c, PHASE_CLOSE, c->now + pace_ns + CLOSE_S * NS_PER_S);
}

void
client_stop(struct client *c)
{
	if (c->phase < PHASE_DRAIN)
		enter(c, PHASE_DRAIN, c->now + DRAIN_S * NS_PER_S);
}

void
client_turn(struct client *c, uint64_t now)
{
	const struct schedule *s = &c->schedule;

	client_tell_time(c, now);
	c->pending.epoch = s->epoch;
	if (now >= c->end_ns)
		client_stop(c);
	if (c->phase == PHASE_SETUP && schedule_open_due(s) == UINT64_MAX)
		enter(c, PHASE_SETTLE, 0);
	if (c->phase <= PHASE_SETTLE && now >= s->load_ns)
		enter(c, PHASE_LOAD, 0);
	if (c->phase == PHASE_DRAIN && (unsettled(c) == 0 || now >= c->phase_end_ns))
		enter_close(c);
	if (c->phase == PHASE_CLOSE && (c->counters.established == 0 || now >= c->phase_end_ns))
		enter(c, PHASE_DONE, 0);
}

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
close_due(const struct client *c)
{
	const uint64_t start =
	    c->phase_end_ns - CLOSE_S * NS_PER_S - close_interval_ns(c) * c->conf.schedule.conns;

	if (c->next_close >= c->conf.schedule.conns)
		return UINT64_MAX;
	return start + c->next_close * close_interval_ns(c);
}

/* What ends these phases early is not a time, but that nothing is left. */
static uint64_t
ending_due(const struct client *c)
{
	if (c->phase == PHASE_DRAIN)
		return unsettled(c) ? c->phase_end_ns : c->now;
	return c->counters.established ? earlier(c->phase_end_ns, close_due(c)) : c->now;
}

uint64_t
client_due(const struct client *c)
{
	if (c->phase >= PHASE_DRAIN)
		return ending_due(c);
	return earlier(earlier(c->end_ns, schedule_message_due(&c->schedule)),
		       earlier(schedule_open_due(&c->schedule), reopen_due(&c->reopen)));
}

/* --- connections --- */

bool
client_next_open(struct client *c, uint32_t *number)
{
	if (c->phase >= PHASE_DRAIN)
		return false;
	if (schedule_open_due(&c->schedule) <= c->now) {
		*number = schedule_open(&c->schedule, c->now);
	} else if (reopen_due(&c->reopen) <= c->now) {
		*number = reopen_take(&c->reopen, c->now);
		c->counters.reopened++;
	} else {
		return false;
	}
	c->counters.opened++;
	return true;
}

/* Until it is established, the word holds when the SYN left. */
void
client_opening(struct client *c, uint64_t *word)
{
	pending_add(&c->pending, word, 0, false);
	c->counters.opening++;
}

void
client_not_opening(struct client *c, uint64_t *word)
{
	*word = 0;
	c->counters.opening--;
}

static void
over(struct client *c, uint32_t number, enum outcome why)
{
	c->counters.ended[why]++;
	if (c->phase < PHASE_DRAIN)
		reopen_add(&c->reopen, number, c->now);
}

void
client_not_opened(struct client *c, uint32_t number)
{
	over(c, number, OUTCOME_UNREACHABLE);
}

void
client_connected(struct client *c, uint64_t *word)
{
	struct pending_message syn;

	if (pending_take(&c->pending, word, PENDING_ANY, &syn))
		hist_record(&c->latency->connect, c->now - syn.sent_ns);
	c->counters.connected++;
	c->counters.opening--;
	c->counters.established++;
}

void
client_failed(struct client *c, uint64_t *word, uint32_t number, enum outcome why)
{
	*word = 0;
	c->counters.opening--;
	over(c, number, why);
}

void
client_ended(struct client *c, uint64_t *word, uint32_t number, enum outcome why)
{
	struct pending_message m;

	pending_drop_answer(&c->pending, word);
	while (pending_take(&c->pending, word, PENDING_ANY, &m)) {
		c->counters.lost[m.request]++;
		c->counters.outstanding[m.request]--;
	}
	c->counters.established--;
	over(c, number, why);
}

bool
client_next_close(struct client *c, uint32_t *number)
{
	if (c->phase != PHASE_CLOSE || close_due(c) > c->now)
		return false;
	*number = (uint32_t)c->next_close;
	c->next_close += c->conf.schedule.shards;
	return true;
}

bool
client_resets(const struct client *c)
{
	return c->conf.schedule.conns > CLOSE_MAX;
}

/* --- messages --- */

bool
client_next_message(struct client *c, struct schedule_message *m)
{
	if (c->phase != PHASE_LOAD || schedule_message_due(&c->schedule) > c->now)
		return false;
	schedule_message(&c->schedule, m);
	return true;
}

static bool
is_settled_by(unsigned classes, bool request)
{
	return classes & (request ? PENDING_REQUEST : PENDING_HEARTBEAT);
}

bool
client_sending(struct client *c, uint64_t *word, const struct schedule_message *m)
{
	if (is_settled_by(c->by_answer | c->by_ack, m->request)) {
		if (!pending_add(&c->pending, word, m->epoch, m->request)) {
			client_unsent(c);
			return false;
		}
		c->counters.outstanding[m->request]++;
	}
	c->counters.sent[m->request]++;
	return true;
}

void
client_take_back(struct client *c, uint64_t *word, const struct schedule_message *m)
{
	if (is_settled_by(c->by_answer | c->by_ack, m->request)) {
		pending_take_back(&c->pending, word);
		c->counters.outstanding[m->request]--;
	}
	c->counters.sent[m->request]--;
}

void
client_unsent(struct client *c)
{
	c->counters.unsent++;
}

static void
settled(struct client *c, uint32_t number, const struct pending_message *m)
{
	const uint64_t due_ns = schedule_due_of(&c->schedule, number, m->epoch);

	hist_record(&c->latency->intended[m->request], c->now - due_ns);
	hist_record(&c->latency->departure[m->request], c->now - m->sent_ns);
	c->counters.settled[m->request]++;
	c->counters.outstanding[m->request]--;
}

static void
answered(struct client *c, uint64_t *word, uint32_t number, const struct answer *a)
{
	struct pending_message m;

	c->counters.refusals += app_is_refusal(a);
	pending_drop_answer(&c->pending, word);
	if (pending_take(&c->pending, word, c->by_answer, &m))
		settled(c, number, &m);
}

bool
client_data(struct client *c, uint64_t *word, uint32_t number, const uint8_t *data, uint32_t len)
{
	const struct answer *part = pending_answer(&c->pending, *word);
	struct answer a = part ? *part : (struct answer){0};
	struct pending_message m;
	uint32_t used;

	for (; len > 0; data += used, len -= used) {
		if (!pending_find(&c->pending, *word, c->by_answer, &m))
			return false;
		switch (app_take(&c->app, &a, m.epoch, m.request, data, len, &used)) {
		case ANSWER_PART:
			return pending_keep_answer(&c->pending, word, &a);
		case ANSWER_WHOLE:
			answered(c, word, number, &a);
			a = (struct answer){0};
			break;
		case ANSWER_BAD:
			return false;
		}
	}
	return true;
}

void
client_eof(struct client *c, uint64_t *word, uint32_t number)
{
	const struct answer *part = pending_answer(&c->pending, *word);

	if (part && app_ends_at_eof(&c->app, part))
		answered(c, word, number, part);
}

void
client_acked(struct client *c, uint64_t *word, uint32_t number)
{
	struct pending_message m;

	while (pending_take(&c->pending, word, c->by_ack, &m))
		settled(c, number, &m);
}
