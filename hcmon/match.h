/* match.h - requests and what became of them (used by track.c only). */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HCMON_MATCH_H
#define HCMON_MATCH_H

#include "hcmon/stream.h"
#include "hcmon/track.h"

/* New payload of the client, in range; `have` octets of it are at p. */
void match_request(struct track *t, struct flow_record *f, const struct track_packet *pkt,
		   const struct stream_range *range);
/* New payload of the server. */
void match_response(struct track *t, struct flow_record *f, const struct track_packet *pkt,
		    const struct stream_range *range);
/* Gaps before them were closed or given up: responses that had to wait for that are matched. */
void match_waiting(struct track *t, struct flow_record *f);

/* The server has all of the client's stream up to ack. */
void match_acked(struct track *t, struct flow_record *f, uint32_t ack, uint64_t now_ns);
/* The client repeats octets [seq, end). */
void match_repeated(struct track *t, struct flow_record *f, uint32_t seq, uint32_t end);
/* Octets of the server that went by unseen before until_ns may have answered what was open then. */
void match_lost_response(struct track *t, struct flow_record *f, uint64_t until_ns);
/* The flow ends here: what is open has this outcome. Its lists are empty afterwards. */
void match_settle(struct track *t, struct flow_record *f, enum track_outcome outcome);

/* The label at the beginning of payload, before the client is known. */
enum rule_kind match_label(const struct track *t, const struct track_packet *pkt);

#endif
