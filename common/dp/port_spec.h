/* port_spec.h - the grammar of --port SPEC, as text; opening is port.c's. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef DP_PORT_SPEC_H
#define DP_PORT_SPEC_H

#include <stdint.h>

enum port_kind {
	PORT_MEMIF,
	PORT_AF_PACKET,
	PORT_AF_XDP,
	PORT_TAP,
	PORT_PCI,
	PORT_PCAP,
	PORT_NULL,
	PORT_VDEV,
};

enum port_role { PORT_ROLE_DEFAULT, PORT_ROLE_SERVER, PORT_ROLE_CLIENT };

enum { PORT_SPEC_BYTES = 1024, PORT_IFACE_BYTES = 15, PORT_SOCKET_BYTES = 100 };

struct port_spec {
	enum port_kind kind;
	enum port_role role; /* memif */
	uint16_t queues;     /* memif; 0: not said */
	uint32_t bsize;	     /* memif: octets of one shared buffer; 0: not said */
	uint32_t rsize;	     /* memif: frames in one ring, a power of two; 0: not said */
	char
	    name[PORT_SPEC_BYTES]; /* socket, interface, address, pcap to read ("" none), devargs */
	char out[PORT_SPEC_BYTES]; /* pcap to write ("" none) */
};

/* NULL when text is a port, else what is wrong with it. */
const char *port_spec_parse(const char *text, struct port_spec *spec);

#endif
