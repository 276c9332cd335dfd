/* pkt.h - a frame taken apart once, with bounds checked, into host-order fields; or the reason why not. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WIRE_PKT_H
#define WIRE_PKT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/tcp.h"

/* Why a frame was not taken. One list gives the enum, the counters and their printed names. The tools
 * add reasons of their own in counters of their own. */
/* clang-format off */
#define PKT_DROPS(X)                                                                               \
	X(ETH_SHORT, "eth_short")	    /* less than an Ethernet (and VLAN) header */          \
	X(ETH_TYPE, "eth_type")		    /* neither ARP nor IPv4 */                             \
	X(ARP_SHORT, "arp_short")                                                                  \
	X(ARP_FORMAT, "arp_format")	    /* not Ethernet/IPv4 ARP */                            \
	X(IP_SHORT, "ip_short")		    /* less than the header, or than its total length */   \
	X(IP_VERSION, "ip_version")                                                                \
	X(IP_HEADER, "ip_header")	    /* header length below 20 or past the total length */  \
	X(IP_CHECKSUM, "ip_checksum")                                                              \
	X(IP_OPTION, "ip_option")	    /* source routing, or a malformed option */            \
	X(IP_FRAGMENT, "ip_fragment")                                                              \
	X(IP_PROTOCOL, "ip_protocol")	    /* not ICMP, TCP or UDP */                             \
	X(IP_ADDRESS, "ip_address")	    /* a source that cannot be one (RFC 1122 3.2.1.3) */   \
	X(ICMP_SHORT, "icmp_short")                                                                \
	X(ICMP_CHECKSUM, "icmp_checksum")                                                          \
	X(TCP_SHORT, "tcp_short")                                                                  \
	X(TCP_OFFSET, "tcp_offset")	    /* data offset below 5 or past the segment */          \
	X(TCP_CHECKSUM, "tcp_checksum")                                                            \
	X(UDP_SHORT, "udp_short")                                                                  \
	X(UDP_LENGTH, "udp_length")                                                                \
	X(UDP_CHECKSUM, "udp_checksum")

enum pkt_drop {
	PKT_OK,
#define PKT_DROP_ENUM(id, name) PKT_DROP_##id,
	PKT_DROPS(PKT_DROP_ENUM)
#undef PKT_DROP_ENUM
	PKT_N_DROPS
};
/* clang-format on */

/* "ip_checksum"; "ok" for PKT_OK. */
const char *pkt_drop_name(enum pkt_drop drop);

enum { ETH_HEADER_BYTES = 14, VLAN_TAG_BYTES = 4, IP_HEADER_BYTES = 20 };
enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_ARP = 0x0806, ETHERTYPE_VLAN = 0x8100 };
/* <netinet/in.h> has the plain names */
enum { IPPROTO_ICMP_ = 1, IPPROTO_TCP_ = 6, IPPROTO_UDP_ = 17 };
enum { ARP_REQUEST = 1, ARP_REPLY = 2 };

enum pkt_kind { PKT_OTHER, PKT_ARP, PKT_ICMP, PKT_TCP, PKT_UDP };

/* Offsets are from the first octet of the frame. Fields beyond `kind` hold only for that kind. */
struct pkt {
	enum pkt_kind kind;
	uint16_t vlan; /* 802.1Q VID, 0 when untagged; one tag is read */
	uint8_t eth_dst[6], eth_src[6];
	uint16_t ethertype; /* after the tag */
	/* IPv4 */
	uint32_t src, dst;
	uint8_t proto, ttl, dscp, ecn;
	uint16_t ip_id;
	bool ip_df;
	uint16_t l3_off, l4_off; /* of the IP header and of what follows it */
	uint16_t payload_off;	 /* of the TCP or UDP payload, or what follows ICMP's 8 octets */
	uint16_t payload_len;	 /* by the IP total length: Ethernet padding is never payload */
	/* TCP, UDP */
	uint16_t sport, dport;
	struct tcp_seg tcp;
	/* ICMP */
	uint8_t icmp_type, icmp_code;
	uint32_t icmp_rest; /* octets 4 to 7: id and sequence, or next-hop MTU */
	/* ARP */
	uint16_t arp_op;
	uint8_t arp_sha[6], arp_tha[6];
	uint32_t arp_spa, arp_tpa;
};

enum pkt_parse_flag {
	/* Do not verify any checksum (a monitor; a frame whose sums are left to hardware). */
	PKT_NO_CHECKSUM = 1,
	/* The frame may be cut (snaplen): headers must be whole, payload may be missing;
	 * payload_len stays what IP says. Implies PKT_NO_CHECKSUM for TCP, UDP, ICMP. */
	PKT_TRUNCATED = 2,
	/* Do not check source addresses (a monitor). */
	PKT_ANY_SOURCE = 4,
	/* First fragments are parsed as far as they go, without checksum (a monitor). */
	PKT_TAKE_FRAGMENTS = 8,
};

/* Parses `len` octets at `frame`. PKT_OK, or why not; on a drop the fields filled so far stand, and
 * `kind` is PKT_OTHER unless all fields of that kind are there (a wrong checksum). PKT_OTHER with PKT_OK
 * does not occur. A malformed TCP option ends the options, not the packet. Reads nothing outside the
 * frame. */
enum pkt_drop pkt_parse(struct pkt *p, const uint8_t *frame, size_t len, unsigned flags);

/* One line like tcpdump's, without time and newline; returns buf. */
char *pkt_print(char *buf, size_t size, const struct pkt *p);

#endif
