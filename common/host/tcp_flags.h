/* tcp_flags.h - what a tool's flags say about TCP: rows of its option table, and what follows from them. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HOST_TCP_FLAGS_H
#define HOST_TCP_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/opt.h"

struct tcp_config;
struct tcp_profile;

struct tcp_flags {
	int cc, ecn; /* enum tcp_cc, enum tcp_ecn */
	bool sack, timestamps;
	uint64_t keepalive_ns, user_timeout_ns, idle_ns; /* 0: none */
};

#define TCP_CC_WORDS  "cubic|newreno"
#define TCP_ECN_WORDS "off|request|always"

/* The engine's delays are at most 20 days with all their repetitions. */
#define TCP_FLAGS_LONGEST_NS (UINT64_C(10) * 24 * 3600 * 1000000000)
#define TCP_FLAGS_AT(conf, member, field) \
	(offsetof(conf, member) + offsetof(struct tcp_flags, field))
#define TCP_FLAGS_TIME(conf, member, name_, field, help_)                                     \
	{                                                                                     \
		.name = name_, .type = OPT_TIME, .offset = TCP_FLAGS_AT(conf, member, field), \
		.metavar = "TIME", .def = "0", .min = 0, .max = (double)TCP_FLAGS_LONGEST_NS, \
		.help = help_,                                                                \
	}

/* conf: the tool's struct, member: its struct tcp_flags, ecn_default: a word. */
#define OPT_ROWS_TCP(conf, member, ecn_default)                                             \
	{                                                                                   \
	    .name = "cc",                                                                   \
	    .type = OPT_ENUM,                                                               \
	    .offset = TCP_FLAGS_AT(conf, member, cc),                                       \
	    .metavar = "WORD",                                                              \
	    .def = "cubic",                                                                 \
	    .choices = TCP_CC_WORDS,                                                        \
	    .help = "congestion control",                                                   \
	},                                                                                  \
	    {                                                                               \
		.name = "ecn",                                                              \
		.type = OPT_ENUM,                                                           \
		.offset = TCP_FLAGS_AT(conf, member, ecn),                                  \
		.metavar = "WORD",                                                          \
		.def = ecn_default,                                                         \
		.choices = TCP_ECN_WORDS,                                                   \
		.help = "congestion marks",                                                 \
	    },                                                                              \
	    {                                                                               \
		.name = "sack",                                                             \
		.type = OPT_BOOL,                                                           \
		.offset = TCP_FLAGS_AT(conf, member, sack),                                 \
		.def = "yes",                                                               \
		.help = "selective acknowledgements",                                       \
	    },                                                                              \
	    {                                                                               \
		.name = "timestamps",                                                       \
		.type = OPT_BOOL,                                                           \
		.offset = TCP_FLAGS_AT(conf, member, timestamps),                           \
		.def = "yes",                                                               \
		.help = "TCP timestamps",                                                   \
	    },                                                                              \
	    TCP_FLAGS_TIME(conf, member, "keepalive", keepalive_ns,                         \
			   "ask a silent peer after this; 0: never"),                       \
	    TCP_FLAGS_TIME(conf, member, "user-timeout", user_timeout_ns,                   \
			   "end a connection whose peer takes nothing for this; 0: never"), \
	    TCP_FLAGS_TIME(conf, member, "idle", idle_ns,                                   \
			   "end a connection without octets for this; 0: never")

void tcp_flags_fill(const struct tcp_flags *f, struct tcp_config *c);
/* Of one listener, or of the connections that we open; what else p says stays. */
void tcp_flags_fill_profile(const struct tcp_flags *f, struct tcp_profile *p);

/* Reads one "name=value" of a list for one listener: cc, ecn, keepalive, user-timeout, idle. NULL, or what would
 * have been right. */
const char *tcp_flags_word(struct tcp_flags *f, const char *word);

#endif
