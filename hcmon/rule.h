/* rule.h - what makes a piece of payload a request or a response, and of which class. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HCMON_RULE_H
#define HCMON_RULE_H

#include <stdbool.h>
#include <stdint.h>

enum { RULE_MAX_PORTS = 8, RULE_MAX_OFFSET = 1400 };

/* Which of the 256 values an octet may have. */
struct rule_set {
	uint64_t bits[4];
};

/* Two ways to tell messages:
 * labels: the octet at label_offset of each segment's payload says request or response; a segment without
 *         a label continues the message before it;
 * ports:  payload towards a listed port is a request, the first payload back is its response. */
struct rule {
	bool by_port;
	uint8_t n_ports;
	uint16_t ports[RULE_MAX_PORTS];
	uint16_t label_offset;
	struct rule_set request, response;
	/* Priority: high when the octet at prio_offset of a request is in `high`, else low. */
	bool has_prio;
	uint16_t prio_offset;
	struct rule_set high;
	bool
	    low_until_ack; /* a low message is a heartbeat: it ends with its ACK, no response is due */
};

/* RULE_PLAIN: no priority rule. A heartbeat is a low message under low_until_ack. */
enum rule_class { RULE_PLAIN, RULE_HIGH, RULE_LOW, RULE_HEARTBEAT, RULE_N_CLASSES };
const char *rule_class_name(enum rule_class class); /* "plain", "high", "low", "heartbeat" */

enum rule_kind { RULE_NONE, RULE_REQUEST, RULE_RESPONSE };

/* `have` octets of a message's beginning are at p (fewer than the message has, when the capture is cut). */
enum rule_kind rule_kind(const struct rule *r, const uint8_t *p, uint32_t have);
enum rule_class rule_class(const struct rule *r, const uint8_t *p, uint32_t have);
bool rule_is_server_port(const struct rule *r, uint16_t port);

/* "0,2" or "0x16"; false when it is not a list of octets. */
bool rule_set_parse(struct rule_set *s, const char *text);
/* "80" or "80,443"; false when it is not a list of up to RULE_MAX_PORTS ports. */
bool rule_ports_parse(struct rule *r, const char *text);

#endif
