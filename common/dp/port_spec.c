/* port_spec.c - the grammar of --port SPEC; pure, so that options are checked without DPDK. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/port_spec.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "dp/dp.h"

/* What follows the colon of a kind. NULL, or what is wrong. */
typedef const char *parse_fn(char *rest, struct port_spec *spec);

static bool
only(const char *s, const char *more)
{
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr(more, *s))
			return false;
	return true;
}

static bool
parse_number(const char *s, unsigned long min, unsigned long max, unsigned long *out)
{
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	*out = strtoul(s, &end, 10);
	return *end == '\0' && *out >= min && *out <= max;
}

static const char *
parse_memif_option(const char *word, struct port_spec *spec)
{
	unsigned long v;

	if (strcmp(word, "server") == 0) {
		spec->role = PORT_ROLE_SERVER;
	} else if (strcmp(word, "client") == 0) {
		spec->role = PORT_ROLE_CLIENT;
	} else if (strncmp(word, "queues=", 7) == 0) {
		if (!parse_number(word + 7, 1, DP_MAX_QUEUES, &v))
			return "queues= takes 1 to 8";
		spec->queues = (uint16_t)v;
	} else if (strncmp(word, "bsize=", 6) == 0) {
		if (!parse_number(word + 6, 1536, 65535, &v))
			return "bsize= takes 1536 to 65535 octets";
		spec->bsize = (uint32_t)v;
	} else if (strncmp(word, "rsize=", 6) == 0) {
		if (!parse_number(word + 6, 32, 16384, &v) || (v & (v - 1)))
			return "rsize= takes a power of two from 32 to 16384 frames";
		spec->rsize = (uint32_t)v;
	} else {
		return "after memif:NAME come server, client, queues=N, bsize=N or rsize=N";
	}
	return NULL;
}

static const char *
parse_memif(char *rest, struct port_spec *spec)
{
	char *save, *name = strtok_r(rest, ",", &save);
	const char *wrong;

	if (!name || rest[0] == ',')
		return "memif: needs the name of a wire (memif:server) or the path of a socket";
	/* DPDK splits its device arguments at these. */
	if (strpbrk(name, "=[]"))
		return "a socket's path cannot hold = [ or ]";
	if (!strchr(name, '/') && !only(name, "_.-"))
		return "the name of a wire has letters, digits, '_', '-' and '.'; a path has a '/'";
	if (strlen(name) > PORT_SOCKET_BYTES)
		return "a socket's path has at most 100 characters";
	strcpy(spec->name, name);
	for (char *word; (word = strtok_r(NULL, ",", &save));) {
		wrong = parse_memif_option(word, spec);
		if (wrong)
			return wrong;
	}
	return NULL;
}

static const char *
parse_iface(char *rest, struct port_spec *spec)
{
	if (!*rest)
		return "the name of an interface is missing";
	if (strlen(rest) > PORT_IFACE_BYTES)
		return "an interface's name has at most 15 characters";
	if (strpbrk(rest, ",=[]/ \t"))
		return "an interface's name cannot hold blanks or , = / [ ]";
	strcpy(spec->name, rest);
	return NULL;
}

/* Walks up to `max` hex digits; NULL when there is none. */
static const char *
skip_hex(const char *s, int max)
{
	const char *start = s;

	while (s - start < max && isxdigit((unsigned char)*s))
		s++;
	return s == start ? NULL : s;
}

static const char *
parse_pci(char *rest, struct port_spec *spec)
{
	const char *s = rest, *colon = strchr(rest, ':');

	if (colon && strchr(colon + 1, ':')) /* the domain may be left out */
		s = skip_hex(s, 4) == colon ? colon + 1 : NULL;
	if (s)
		s = skip_hex(s, 2);
	if (s)
		s = *s == ':' ? skip_hex(s + 1, 2) : NULL;
	if (!s || s[0] != '.' || s[1] < '0' || s[1] > '7' || s[2])
		return "a PCI address looks like 0000:03:00.0 or 03:00.0";
	strcpy(spec->name, rest);
	return NULL;
}

static const char *
parse_pcap(char *rest, struct port_spec *spec)
{
	char *comma = strchr(rest, ',');

	if (comma) {
		*comma = '\0';
		strcpy(spec->out, comma + 1);
	}
	strcpy(spec->name, rest);
	if (!spec->name[0] && !spec->out[0])
		return "pcap: needs a file to read, one to write (pcap:,OUT) or both (pcap:IN,OUT)";
	if (strpbrk(spec->name, "=[]") || strpbrk(spec->out, ",=[]"))
		return "a capture file's name cannot hold , = [ or ]";
	return NULL;
}

static const char *
parse_null(char *rest, struct port_spec *spec)
{
	(void)spec;
	return *rest ? "nothing follows null:" : NULL;
}

static const char *
parse_vdev(char *rest, struct port_spec *spec)
{
	size_t name = strcspn(rest, ",");

	if (name == 0 || name > 31 || strcspn(rest, "_") >= name)
		return "vdev: takes a DPDK device such as net_ring0 or net_vhost0,iface=/tmp/s";
	strcpy(spec->name, rest);
	return NULL;
}

static const struct kind {
	const char *prefix;
	enum port_kind kind;
	parse_fn *parse;
} kinds[] = {
    {"memif:", PORT_MEMIF, parse_memif},   {"af_packet:", PORT_AF_PACKET, parse_iface},
    {"af_xdp:", PORT_AF_XDP, parse_iface}, {"tap:", PORT_TAP, parse_iface},
    {"pci:", PORT_PCI, parse_pci},	   {"pcap:", PORT_PCAP, parse_pcap},
    {"null:", PORT_NULL, parse_null},	   {"vdev:", PORT_VDEV, parse_vdev},
};

const char *
port_spec_parse(const char *text, struct port_spec *spec)
{
	char rest[PORT_SPEC_BYTES];

	*spec = (struct port_spec){0};
	if (strlen(text) >= sizeof(rest))
		return "longer than any port";
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		size_t n = strlen(kinds[i].prefix);

		if (strncmp(text, kinds[i].prefix, n) != 0)
			continue;
		spec->kind = kinds[i].kind;
		strcpy(rest, text + n);
		return kinds[i].parse(rest, spec);
	}
	return "a port is memif:NAME, af_packet:IFACE, af_xdp:IFACE, tap:NAME, pci:ADDR, "
	       "pcap:IN[,OUT], null: or vdev:DEVARGS";
}

const char *
dp_port_check_spec(const char *spec)
{
	struct port_spec parsed;

	return port_spec_parse(spec, &parsed);
}

void
dp_port_need_spec(const char *flag, const char *spec)
{
	const char *wrong = dp_port_check_spec(spec);

	if (wrong)
		die_usage("%s: '%s': %s", flag, spec, wrong);
}
