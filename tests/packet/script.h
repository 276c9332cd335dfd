/* script.h - a packet script taken apart: its configuration and its events, in order. */
/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef PACKET_SCRIPT_H
#define PACKET_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/stack.h"

/* --- when --- */

/* Microseconds; relative ones count from when the event before really came. */
struct when {
	bool any; /* "*": whenever it comes */
	bool relative, has_range;
	int64_t from_us, to_us;
};

/* --- packets --- */

/* What stands in brackets before a packet: fields below TCP, and faults put into them. */
enum attr_kind { ATTR_FLAG, ATTR_NUMBER, ATTR_ADDRESS, ATTR_MAC, ATTR_HEX, ATTR_PAIR };
/* clang-format off */
#define PACKET_ATTRS(X)                                                                            \
	X(SRC, "src", ATTR_ADDRESS)       X(DST, "dst", ATTR_ADDRESS)                              \
	X(SPORT, "sport", ATTR_NUMBER)    X(DPORT, "dport", ATTR_NUMBER)                           \
	X(DMAC, "dmac", ATTR_MAC)         X(SMAC, "smac", ATTR_MAC)                                \
	X(VLAN, "vlan", ATTR_NUMBER)      X(ETHERTYPE, "ethertype", ATTR_NUMBER)                   \
	X(PAD, "pad", ATTR_NUMBER)        /* octets behind the IP packet */                        \
	X(CUT, "cut", ATTR_NUMBER)        /* the frame ends after so many octets */                \
	X(TTL, "ttl", ATTR_NUMBER)        X(TOS, "tos", ATTR_NUMBER)                               \
	X(NOECN, "noecn", ATTR_FLAG)      X(ECT0, "ect0", ATTR_FLAG)                               \
	X(ECT1, "ect1", ATTR_FLAG)        X(CE, "ce", ATTR_FLAG)                                   \
	X(ID, "id", ATTR_NUMBER)          X(DF, "df", ATTR_FLAG)                                   \
	X(FRAG, "frag", ATTR_PAIR)        /* only octets OFF, LEN of the IP payload */             \
	X(MF, "mf", ATTR_FLAG)            /* more fragments, even behind the last octet */         \
	X(VERSION, "version", ATTR_NUMBER) X(IHL, "ihl", ATTR_NUMBER)                              \
	X(TOTLEN, "totlen", ATTR_NUMBER)  X(PROTO, "proto", ATTR_NUMBER)                           \
	X(IPOPT, "ipopt", ATTR_HEX)       X(BADIPCSUM, "badipcsum", ATTR_FLAG)                     \
	X(BADCSUM, "badcsum", ATTR_FLAG)                                                           \
	X(CSUM, "csum", ATTR_NUMBER)      /* urgent pointer chosen so that this is the sum */      \
	X(DOFF, "doff", ATTR_NUMBER)                                                               \
	X(HWLEN, "hwlen", ATTR_NUMBER)    X(OP, "op", ATTR_NUMBER)                                 \
	X(NEWISS, "newiss", ATTR_FLAG)    /* this SYN begins another connection */                 \
	X(ABS, "abs", ATTR_FLAG)          /* sequence numbers as they are on the wire */
/* clang-format on */

enum packet_attr {
#define PACKET_ATTR_ENUM(id, name, kind) ATTR_##id,
	PACKET_ATTRS(PACKET_ATTR_ENUM)
#undef PACKET_ATTR_ENUM
	    N_ATTRS
};
_Static_assert(N_ATTRS <= 64, "a bit each");

struct attrs {
	uint64_t given; /* 1 << enum packet_attr */
	uint32_t number[N_ATTRS];
	uint8_t dmac[6], smac[6];
	uint32_t frag_len; /* of FRAG; its offset is the number */
	uint8_t ipopt[40];
	size_t ipopt_len;
};

static inline bool
attr_given(const struct attrs *a, enum packet_attr id)
{
	return a->given >> id & 1;
}

/* number when given, else what is usual */
static inline uint32_t
attr_or(const struct attrs *a, enum packet_attr id, uint32_t usual)
{
	return attr_given(a, id) ? a->number[id] : usual;
}

enum { OPT_EOL, OPT_NOP, OPT_MSS, OPT_WSCALE, OPT_SACKOK, OPT_SACK, OPT_TS = 8, OPT_RAW = 256 };

/* A TCP option as the script has it, in its place. */
struct opt_spec {
	uint16_t kind; /* OPT_RAW: octets as they are */
	uint32_t a, b; /* value; TSval and TSecr */
	bool any_a, any_b;
	unsigned n; /* SACK blocks, raw octets */
	struct tcp_sack_block sack[5];
	uint8_t raw[40];
};

enum { SPEC_OPTS_MAX = 40, SPEC_DATA_MAX = 64 };

struct tcp_spec {
	uint8_t flags;
	bool has_ack, has_win, has_urg, any_opts;
	uint32_t seq, ack; /* as written */
	uint16_t len, win, urg;
	unsigned n_opts;
	struct opt_spec opt[SPEC_OPTS_MAX];
	char data[SPEC_DATA_MAX]; /* the payload is this text, over and over; empty: by position */
};

struct icmp_spec {
	uint8_t type, code;
	bool has_rest, has_quote;
	uint32_t rest; /* octets 4 to 7 */
	uint16_t len;  /* of an echo's data */
	uint32_t quoted_seq;
	uint16_t quoted_len;
};

struct arp_spec {
	uint16_t op;
	bool has_spa, has_tpa, has_sha, has_tha;
	uint32_t spa, tpa;
	uint8_t sha[6], tha[6];
};

struct udp_spec {
	uint16_t len;
};

struct raw_spec {
	uint8_t octets[256];
	size_t len;
};

enum packet_kind { PACKET_TCP, PACKET_ICMP, PACKET_ARP, PACKET_UDP, PACKET_RAW };

struct packet_spec {
	enum packet_kind kind;
	bool out; /* expected; else injected */
	unsigned flow;
	struct attrs at;
	union {
		struct tcp_spec tcp;
		struct icmp_spec icmp;
		struct arp_spec arp;
		struct udp_spec udp;
		struct raw_spec raw;
	};
};

/* --- calls and checks --- */

enum arg_kind { ARG_ANY, ARG_NUMBER, ARG_NAME, ARG_TEXT, ARG_ADDRESS };

struct arg {
	enum arg_kind kind;
	int64_t number; /* ADDRESS: the address */
	uint16_t port;
	char text[64]; /* NAME, TEXT */
};

enum { CALL_ARGS_MAX = 6 };

/* name(args) = result [ERROR] */
struct call_spec {
	char name[24];
	unsigned n_args;
	struct arg arg[CALL_ARGS_MAX];
	bool any_result;
	int64_t result;
	char error[24]; /* "" for none */
};

enum check_op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE };

/* expect [@flow] name op value */
struct check_spec {
	unsigned flow;
	char name[40];
	enum check_op op;
	char value[40];
};

/* --- the script --- */

enum event_kind { EVENT_PACKET, EVENT_CALL, EVENT_CHECK };

struct event_spec {
	int line;
	struct when when;
	enum event_kind kind;
	union {
		struct packet_spec packet;
		struct call_spec call;
		struct check_spec check;
	};
};

/* Where the script's own addresses are, and how exact it is. */
struct script_conf {
	struct stack_conf stack;
	uint32_t local, remote, gateway;
	uint32_t prefix_len;
	uint32_t mtu, vlan;
	uint16_t port; /* of the tested side's listener, or of the peer's */
	uint32_t irs;  /* what the peer's number 0 is on the wire */
	bool has_iss;
	uint32_t iss;	       /* of flow 1 when it is opened at time 0 */
	uint32_t tolerance_us; /* both ways, default 10 */
	uint32_t late_us;      /* what a timer may be late besides (the wheel's tick) */
	uint32_t start_s;      /* what the stack's clock shows at time 0, about */
	bool arp_visible;      /* ARP is in the script; else the peer answers by itself */
	bool reads_at_once;    /* what arrives is read when it arrives; else by read() */
	bool closes_at_once;   /* the end of the peer's octets is answered by close() */
};

struct script {
	char path[256];
	struct script_conf conf;
	char *text;	   /* the file */
	const char **line; /* its lines, from 1 */
	int n_lines;
	struct event_spec *event;
	unsigned n_events;
};

void script_conf_default(struct script_conf *c);
/* NULL and the error's text when the file is not to be had or wrong. */
struct script *script_load(const char *path, char *error, size_t error_size);
void script_free(struct script *s);

#endif
