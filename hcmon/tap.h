/* tap.h - frames from a port or a file become the tracker's packets; what cannot is counted under a name. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef HCMON_TAP_H
#define HCMON_TAP_H

#include <stdbool.h>
#include <stdint.h>

#include "hcmon/track.h"
#include "wire/pkt.h"

struct tap {
	bool verify_checksums;
	uint64_t frames, bytes;	     /* everything that came, lengths as on the wire */
	uint64_t other;		     /* well-formed, but not TCP */
	uint64_t drops[PKT_N_DROPS]; /* by enum pkt_drop */
};

/* One frame of len octets, of which caplen are at data. True when it is TCP: *p is filled, but for its time. */
bool tap_read(struct tap *t, const uint8_t *data, uint32_t caplen, uint32_t len,
	      struct track_packet *p);

#endif
