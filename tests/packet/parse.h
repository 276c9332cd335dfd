/* parse.h - the parts of a script line, each with its own reader. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PACKET_PARSE_H
#define PACKET_PARSE_H

#include "tests/packet/scan.h"
#include "tests/packet/script.h"

/* Each takes its part off the line; false: the error is noted. */
bool parse_packet(struct scan *s, struct packet_spec *p);
bool parse_tcp(struct scan *s, struct tcp_spec *t);
bool parse_call(struct scan *s, const char *name, struct call_spec *c);
bool parse_check(struct scan *s, struct check_spec *c);
/* --name=value */
bool parse_option(struct scan *s, struct script_conf *c);

#endif
