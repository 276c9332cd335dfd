/* log.c - lines on stderr, each by one write(2), and the two ways to give up. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 1024 };

static const char *program = "?";
static enum log_level threshold = LOG_INFO;

void
log_init(const char *name)
{
	const char *slash = strrchr(name, '/');

	program = slash ? slash + 1 : name;
}

void
log_set_level(enum log_level level)
{
	threshold = level;
}

const char *
log_program(void)
{
	return program;
}

/* What a user typed may hold line feeds and escape sequences; a line of ours is a line. */
static void
mask_controls(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			*s = '?';
}

static void
write_all(const char *s, size_t n)
{
	while (n) {
		ssize_t done = write(STDERR_FILENO, s, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return; /* nowhere left to say so */
		s += done;
		n -= (size_t)done;
	}
}

/* program: label message<LF>; a message that does not fit ends in "...". */
static void
write_line(const char *label, const char *fmt, va_list ap)
{
	char line[LINE_BYTES];
	const size_t room = sizeof(line) - 1; /* for the line feed */
	int saved = errno;
	int n = snprintf(line, room, "%s: %s", program, label);
	size_t len = n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;

	errno = saved; /* fmt may hold %m */
	n = vsnprintf(line + len, room - len, fmt, ap);
	if (n > 0 && (size_t)n >= room - len)
		memcpy(line + room - 4, "...", 4);
	mask_controls(line);
	len = strlen(line);
	line[len] = '\n';
	write_all(line, len + 1);
	errno = saved;
}

void
log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line("", fmt, ap);
	va_end(ap);
}

void
log_warn(const char *fmt, ...)
{
	va_list ap;

	if (threshold < LOG_WARN)
		return;
	va_start(ap, fmt);
	write_line("warning: ", fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	if (threshold < LOG_INFO)
		return;
	va_start(ap, fmt);
	write_line("", fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	if (threshold < LOG_DEBUG)
		return;
	va_start(ap, fmt);
	write_line("debug: ", fmt, ap);
	va_end(ap);
}

void
die_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line("", fmt, ap);
	va_end(ap);
	log_error("see '%s --help'", program);
	exit(EXIT_USAGE);
}

void
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line("", fmt, ap);
	va_end(ap);
	exit(EXIT_ENVIRONMENT);
}
