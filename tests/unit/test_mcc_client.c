/* test_mcc_client.c - whole runs in virtual time against servers that answer, are slow, vanish, or talk nonsense. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mcc/client.h"

#define MS UINT64_C(1000000)
#define S  (1000 * MS)

enum { MAX_CONNS = 1000, MAX_MEMORY = 8 };
enum conn_state { GONE, OPENING, OPEN };

/* What the server does, by connection number; times after the message or the SYN. */
struct server {
	uint64_t syn_ns, answer_ns, ack_ns;
	bool refuse_all;
	uint32_t reset_every;	 /* resets instead of answering, each nth answer; 0: never */
	uint32_t nonsense_every; /* likewise, answers nonsense */
	bool mute;
};

struct sim {
	struct client c;
	struct server server;
	struct latencies *latency;
	uint64_t word[MAX_CONNS];
	enum conn_state state[MAX_CONNS];
	uint64_t connect_at[MAX_CONNS], answer_at[MAX_CONNS], ack_at[MAX_CONNS];
	uint8_t answer[MAX_CONNS][APP_IOT_ANSWER + 64];
	uint32_t answer_len[MAX_CONNS];
	uint32_t conns, answers;
	uint64_t per_connection[MAX_CONNS];
	uint64_t late; /* messages that left after they were due */
};

static void *memory[MAX_MEMORY];
static unsigned memories;

static void *
reserve(size_t bytes)
{
	assert_true(memories < MAX_MEMORY);
	return memory[memories++] = calloc(1, bytes);
}

static struct sim *
new_sim(enum app_kind app, uint32_t conns, uint32_t burst, uint64_t duration_ns)
{
	struct sim *s = calloc(1, sizeof(*s));
	const struct client_conf conf = {
	    .app = app,
	    .length = 64,
	    .host = "x",
	    .schedule = {.conns = conns,
			 .burst = burst,
			 .epoch_ns = S,
			 .setup_ns = S,
			 .wait_ns = S / 2,
			 .request_ppb = 100000000,
			 .seed = 1,
			 .shards = 1},
	    .duration_ns = duration_ns,
	    .acks_are_seen = true,
	    .reserve = reserve,
	};

	memories = 0;
	s->latency = malloc(sizeof(*s->latency));
	memset(s->latency, 0, sizeof(*s->latency));
	latencies_reset(s->latency);
	s->conns = conns;
	s->server = (struct server){.syn_ns = MS, .answer_ns = 3 * MS, .ack_ns = 2 * MS};
	assert_int_equal(client_init(&s->c, &conf, 0, s->latency), 0);
	for (uint32_t i = 0; i < conns; i++)
		s->connect_at[i] = s->answer_at[i] = s->ack_at[i] = UINT64_MAX;
	return s;
}

static void
free_sim(struct sim *s)
{
	app_fini(&s->c.app);
	for (unsigned i = 0; i < memories; i++)
		free(memory[i]);
	free(s->latency);
	free(s);
}

static unsigned
settled_classes(const struct sim *s)
{
	return s->c.by_answer | s->c.by_ack;
}

static void
forget(struct sim *s, uint32_t i)
{
	s->state[i] = GONE;
	s->connect_at[i] = s->answer_at[i] = s->ack_at[i] = UINT64_MAX;
	s->answer_len[i] = 0;
}

static void
open_due(struct sim *s)
{
	uint32_t i;

	while (client_next_open(&s->c, &i)) {
		assert_true(s->state[i] == GONE);
		client_opening(&s->c, &s->word[i]);
		s->state[i] = OPENING;
		s->connect_at[i] = s->c.now + s->server.syn_ns;
	}
}

static void
send_one(struct sim *s, const struct schedule_message *m)
{
	const uint32_t i = m->number;

	if (s->state[i] != OPEN || s->answer_len[i]) {
		client_unsent(&s->c);
		return;
	}
	if (!client_sending(&s->c, &s->word[i], m))
		return;
	s->per_connection[i]++;
	s->late += s->c.now != m->due_ns;
	s->ack_at[i] = s->c.now + s->server.ack_ns;
	if (s->server.mute || !app_is_answered(&s->c.app, m->request))
		return;
	s->answer_at[i] = s->c.now + s->server.answer_ns;
	if (s->c.conf.app == APP_IOT) {
		memcpy(s->answer[i], "HTTP/1\003", 7);
		s->answer_len[i] = APP_IOT_ANSWER;
	} else {
		memcpy(s->answer[i], client_octets(&s->c, m), s->c.app.length);
		s->answer_len[i] = s->c.app.length;
	}
	s->answers++;
	if (s->server.nonsense_every && s->answers % s->server.nonsense_every == 0)
		s->answer[i][2] ^= 0xff;
}

static void
send_due(struct sim *s)
{
	struct schedule_message m;

	while (client_next_message(&s->c, &m)) {
		send_one(s, &m);
		schedule_advance(&s->c.schedule);
	}
}

/* In two pieces, so that a part is kept each time. */
static bool
deliver(struct sim *s, uint32_t i)
{
	const uint32_t cut = s->answer_len[i] / 2, rest = s->answer_len[i] - cut;

	return client_data(&s->c, &s->word[i], i, s->answer[i], cut) &&
	       client_data(&s->c, &s->word[i], i, s->answer[i] + cut, rest);
}

static void
happen(struct sim *s, uint32_t i)
{
	if (s->connect_at[i] <= s->c.now) {
		s->connect_at[i] = UINT64_MAX;
		if (s->server.refuse_all) {
			forget(s, i);
			client_failed(&s->c, &s->word[i], i, OUTCOME_REFUSED);
		} else {
			s->state[i] = OPEN;
			client_connected(&s->c, &s->word[i]);
		}
	}
	if (s->ack_at[i] <= s->c.now) {
		s->ack_at[i] = UINT64_MAX;
		client_acked(&s->c, &s->word[i], i);
	}
	if (s->answer_at[i] <= s->c.now) {
		s->answer_at[i] = UINT64_MAX;
		if (s->server.reset_every && s->answers % s->server.reset_every == 0) {
			forget(s, i);
			client_ended(&s->c, &s->word[i], i, OUTCOME_RESET);
		} else if (!deliver(s, i)) {
			forget(s, i);
			client_ended(&s->c, &s->word[i], i, OUTCOME_BROKEN);
		}
		s->answer_len[i] = 0;
	}
}

static uint64_t
next_event(const struct sim *s)
{
	uint64_t due = client_due(&s->c);

	for (uint32_t i = 0; i < s->conns; i++) {
		due = due < s->connect_at[i] ? due : s->connect_at[i];
		due = due < s->answer_at[i] ? due : s->answer_at[i];
		due = due < s->ack_at[i] ? due : s->ack_at[i];
	}
	return due;
}

static void
close_due(struct sim *s)
{
	uint32_t i;

	while (client_next_close(&s->c, &i)) {
		if (s->state[i] == OPEN)
			client_ended(&s->c, &s->word[i], i, OUTCOME_CLOSED);
		forget(s, i);
	}
}

static void
run(struct sim *s)
{
	uint64_t now = 0, steps = 0;

	for (; s->c.phase != PHASE_DONE; now = next_event(s)) {
		assert_true(now >= s->c.now && ++steps < 1000000);
		client_turn(&s->c, now);
		open_due(s);
		send_due(s);
		for (uint32_t i = 0; i < s->conns; i++)
			happen(s, i);
		close_due(s);
		assert_true(counters_add_up(&s->c.counters, settled_classes(s)));
	}
	assert_true(s->c.counters.outstanding[0] + s->c.counters.outstanding[1] == 0);
}

static void
all_goes_well(void **state)
{
	struct sim *s = new_sim(APP_IOT, 103, 10, 11500 * MS);
	const struct counters *n = &s->c.counters;

	(void)state;
	run(s);
	assert_int_equal(n->opened, 103);
	assert_int_equal(n->connected, 103);
	assert_int_equal(n->ended[OUTCOME_CLOSED], 103);
	assert_int_equal(n->sent[0] + n->sent[1], 10 * 103); /* ten epochs */
	assert_int_equal(n->sent[1], 103);
	assert_int_equal(n->settled[1], 103);
	assert_int_equal(n->settled[0], 9 * 103);
	assert_int_equal(n->lost[0] + n->lost[1] + n->unsent + s->late, 0);
	assert_int_equal(counters_lost_connections(n), 0);
	for (uint32_t i = 0; i < 103; i++)
		assert_int_equal(s->per_connection[i], 10);
	assert_int_equal(hist_quantile(&s->latency->connect, 0.5) / 1000, 1000);
	assert_int_equal(s->latency->intended[1].min, 3 * MS);
	assert_int_equal(s->latency->intended[1].max, 3 * MS);
	assert_int_equal(s->latency->departure[0].max, 2 * MS);
	free_sim(s);
}

/* Two epochs pass before an answer comes; every one is matched to its own message. */
static void
several_messages_are_outstanding(void **state)
{
	struct sim *s = new_sim(APP_ECHO, 10, 10, 9 * S);
	const struct counters *n = &s->c.counters;

	(void)state;
	s->server.mute = true;
	for (uint64_t now = 0; now < 5 * S; now = next_event(s)) {
		client_turn(&s->c, now);
		open_due(s);
		send_due(s);
		for (uint32_t i = 0; i < 10; i++)
			happen(s, i);
	}
	assert_int_equal(n->outstanding[0] + n->outstanding[1], 40); /* at 1.5, 2.5, 3.5, 4.5 s */
	for (uint32_t epoch = 0; epoch < 4; epoch++) {
		for (uint32_t i = 0; i < 10; i++) {
			const struct pending *p = &s->c.pending;
			struct pending_message m;

			assert_true(pending_find(p, s->word[i], PENDING_ANY, &m));
			assert_int_equal(m.epoch, epoch);
			assert_true(client_data(&s->c, &s->word[i], i,
						app_message(&s->c.app, epoch, m.request), 64));
		}
	}
	assert_int_equal(n->outstanding[0] + n->outstanding[1], 0);
	assert_true(s->latency->intended[0].max == s->c.now - 1500 * MS);
	assert_true(s->latency->intended[0].min == s->c.now - 4500 * MS);
	free_sim(s);
}

static void
a_mute_server_costs_answers_and_time_but_no_more(void **state)
{
	struct sim *s = new_sim(APP_IOT, 20, 20, 4400 * MS);
	const struct counters *n = &s->c.counters;

	(void)state;
	s->server.mute = true;
	run(s);
	assert_int_equal(n->sent[1], 6);
	assert_int_equal(n->lost[1], 6);
	assert_int_equal(n->settled[0], 54); /* heartbeats are acknowledged all the same */
	assert_in_range(s->c.now, 8400 * MS, 8500 * MS);
	free_sim(s);
}

static void
lost_connections_come_back(void **state)
{
	struct sim *s = new_sim(APP_IOT, 50, 7, 20 * S);
	const struct counters *n = &s->c.counters;

	(void)state;
	s->server.reset_every = 4;
	run(s);
	assert_true(n->ended[OUTCOME_RESET] > 5);
	assert_in_range(n->reopened, n->ended[OUTCOME_RESET] - 2, n->ended[OUTCOME_RESET]);
	assert_int_equal(n->opened, 50 + n->reopened);
	assert_int_equal(n->lost[1], n->ended[OUTCOME_RESET]);
	assert_int_equal(n->ended[OUTCOME_CLOSED], n->opened - n->ended[OUTCOME_RESET]);
	assert_true(n->unsent > 0); /* what was due meanwhile */
	free_sim(s);
}

static void
nonsense_is_broken_off(void **state)
{
	struct sim *s = new_sim(APP_ECHO, 50, 50, 10 * S);
	const struct counters *n = &s->c.counters;

	(void)state;
	s->server.nonsense_every = 10;
	run(s);
	assert_true(n->ended[OUTCOME_BROKEN] > 10);
	assert_int_equal(n->lost[0] + n->lost[1], n->ended[OUTCOME_BROKEN]);
	assert_int_equal(n->settled[0] + n->settled[1] + n->lost[0] + n->lost[1],
			 n->sent[0] + n->sent[1]);
	free_sim(s);
}

/* Each attempt is refused; each is tried again a second later, no faster than the set-up. */
static void
a_closed_port_is_not_hammered(void **state)
{
	struct sim *s = new_sim(APP_IOT, 100, 10, 10 * S);
	const struct counters *n = &s->c.counters;

	(void)state;
	s->server.refuse_all = true;
	run(s);
	assert_int_equal(n->ended[OUTCOME_REFUSED], n->opened);
	assert_int_equal(n->connected + n->sent[0] + n->sent[1], 0);
	assert_in_range(n->opened, 800, 1000); /* 100 a second, and a moment for each refusal */
	free_sim(s);
}

static void
octets_that_nobody_asked_for_end_the_connection(void **state)
{
	struct sim *s = new_sim(APP_IOT, 1, 1, 10 * S);

	(void)state;
	client_turn(&s->c, 0);
	open_due(s);
	client_turn(&s->c, MS);
	happen(s, 0);
	assert_false(client_data(&s->c, &s->word[0], 0, (const uint8_t *)"HTTP/", 5));
	client_ended(&s->c, &s->word[0], 0, OUTCOME_BROKEN);
	assert_true(s->word[0] == 0);
	free_sim(s);
}

static void
stopping_in_the_set_up_is_orderly(void **state)
{
	struct sim *s = new_sim(APP_IOT, 100, 10, 0);
	uint32_t number;

	(void)state;
	s->server.syn_ns = 300 * MS;
	for (uint64_t now = 0; now < S / 2; now = next_event(s)) {
		client_turn(&s->c, now);
		open_due(s);
		for (uint32_t i = 0; i < 100; i++)
			happen(s, i);
	}
	client_stop(&s->c);
	assert_int_equal(s->c.phase, PHASE_DRAIN);
	assert_false(client_next_open(&s->c, &number));
	client_turn(&s->c, S / 2);
	assert_int_equal(s->c.phase, PHASE_CLOSE); /* nothing to wait for */
	client_turn(&s->c, S);
	close_due(s);
	client_turn(&s->c, S);
	assert_int_equal(s->c.phase, PHASE_DONE);
	assert_int_equal(s->c.counters.opening, 30); /* in progress when it ended */
	assert_int_equal(s->c.counters.ended[OUTCOME_CLOSED], 20);
	free_sim(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_goes_well),
	    cmocka_unit_test(several_messages_are_outstanding),
	    cmocka_unit_test(a_mute_server_costs_answers_and_time_but_no_more),
	    cmocka_unit_test(lost_connections_come_back),
	    cmocka_unit_test(nonsense_is_broken_off),
	    cmocka_unit_test(a_closed_port_is_not_hammered),
	    cmocka_unit_test(octets_that_nobody_asked_for_end_the_connection),
	    cmocka_unit_test(stopping_in_the_set_up_is_orderly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
