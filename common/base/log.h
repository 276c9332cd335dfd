/* log.h - what a tool says on stderr, and how it ends when it cannot go on. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

enum {
	EXIT_ENVIRONMENT = 1, /* the machine lacks something, or the result is not what was asked */
	EXIT_USAGE = 2,	      /* a flag or a file is wrong */
};

/* Names the program in every line; `name` must outlive the program (argv[0]'s last part is taken).
 * The default level is LOG_INFO. Lines go to stderr, one write(2) each, so that lines of
 * several processes on one terminal do not mix. errno is preserved. */
void log_init(const char *name);
void log_set_level(enum log_level level);
const char *log_program(void);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A user error: says it, points to --help, exit status 2. */
_Noreturn void die_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* An environment error: one line with the remedy, exit status 1. */
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
