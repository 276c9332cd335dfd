/* capture.h - runs a function in a child process and keeps its exit status, stdout and stderr. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_CAPTURE_H
#define TEST_CAPTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct captured {
	int status; /* exit status, or -1 when it did not exit */
	char out[8192], err[8192];
};

static inline void
capture_read(int fd, char *buf, size_t size)
{
	ssize_t n = pread(fd, buf, size - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	close(fd);
}

/* A function that returns counts as exit status 0. */
static inline void
capture(struct captured *c, void (*run)(void *), void *arg)
{
	int out = memfd_create("out", 0), err = memfd_create("err", 0);
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		dup2(out, STDOUT_FILENO);
		dup2(err, STDERR_FILENO);
		run(arg);
		fflush(stdout);
		_exit(0);
	}
	c->status = pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status)
			? WEXITSTATUS(status)
			: -1;
	capture_read(out, c->out, sizeof(c->out));
	capture_read(err, c->err, sizeof(c->err));
}

#endif
