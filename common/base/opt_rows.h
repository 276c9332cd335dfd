/* opt_rows.h - rows of option tables that mean the same in every tool, said once. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BASE_OPT_ROWS_H
#define BASE_OPT_ROWS_H

#include <stddef.h>

#include "base/opt.h"
#include "base/record.h"

/* Each takes the tool's conf struct and the member that the row fills in. */
#define OPT_ROW_HUGE(conf, member)                                                              \
	{                                                                                       \
		.name = "huge", .type = OPT_BOOL, .offset = offsetof(conf, member),             \
		.help = "hugepages for frames, or fail; --no-huge: none [when there are some]", \
	}
#define OPT_ROW_POLL(conf, member)                                                  \
	{                                                                           \
		.name = "poll", .type = OPT_BOOL, .offset = offsetof(conf, member), \
		.help = "never sleep",                                              \
	}
#define OPT_ROW_SHARE(conf, member)                                                  \
	{                                                                            \
		.name = "share", .type = OPT_BOOL, .offset = offsetof(conf, member), \
		.help = "yield the core after each turn without work",               \
	}
#define OPT_ROW_INTERVAL(conf, member)                                                        \
	{                                                                                     \
		.name = "interval", .letter = 'i', .type = OPT_TIME,                          \
		.offset = offsetof(conf, member), .metavar = "TIME", .def = "1s", .min = 1e6, \
		.max = 86400e9, .help = "time between records",                               \
	}
#define OPT_ROW_DURATION(conf, member)                                                        \
	{                                                                                     \
		.name = "duration", .letter = 'd', .type = OPT_TIME,                          \
		.offset = offsetof(conf, member), .metavar = "TIME", .min = 1e6, .max = 1e18, \
		.help = "end after this time [never]",                                        \
	}
/* more: "" or further words, as "|gnuplot" */
#define OPT_ROW_FORMAT(conf, member, more)                                            \
	{                                                                             \
		.name = "format", .type = OPT_ENUM, .offset = offsetof(conf, member), \
		.metavar = "WORD", .choices = RECORD_FORMATS more,                    \
		.help = "of records [text on a terminal, else csv]",                  \
	}
#define OPT_ROW_QUIET(conf, member)                                                  \
	{                                                                            \
		.name = "quiet", .letter = 'q', .type = OPT_BOOL,                    \
		.offset = offsetof(conf, member), .help = "only warnings on stderr", \
	}
#define OPT_ROW_VERBOSE(conf, member)                                           \
	{                                                                       \
		.name = "verbose", .letter = 'v', .type = OPT_BOOL,             \
		.offset = offsetof(conf, member), .help = "say more on stderr", \
	}

#endif
