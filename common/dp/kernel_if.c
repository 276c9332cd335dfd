/* kernel_if.c - what af_packet, af_xdp and tap need to know of the kernel's interfaces. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/internal.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <linux/sockios.h>
#include <net/if.h>

#include "base/log.h"

enum { MAX_SLOT_BYTES = 16384, SLOT_MAC_BYTES = 16 };

/* One of the ioctls that take the name of an interface. 0 or -errno. */
static int
ask(const char *name, unsigned long what, struct ifreq *ifr)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	if (s < 0)
		return -errno;
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%.15s", name);
	rc = ioctl(s, what, ifr) < 0 ? -errno : 0;
	close(s);
	return rc;
}

int
kernel_if_check(const struct dp_port *port, char *err)
{
	const char *name = port->spec.name;
	struct ifreq ifr = {0};

	if (ask(name, SIOCGIFFLAGS, &ifr) < 0)
		return port_refuse(port, err, "there is no interface %s; 'ip link' lists them",
				   name);
	if (!(ifr.ifr_flags & IFF_UP))
		log_warn("%s: the interface is down, nothing passes: 'ip link set %s up'",
			 port->text, name);
	return 0;
}

/* What arrives at the others goes to the kernel. */
void
kernel_if_warn_of_queues(const struct dp_port *port)
{
	struct ethtool_channels ch = {.cmd = ETHTOOL_GCHANNELS};
	struct ifreq ifr = {.ifr_data = (void *)&ch};
	uint32_t n;

	if (ask(port->spec.name, SIOCETHTOOL, &ifr) < 0)
		return;
	n = ch.combined_count + ch.rx_count;
	if (n > 1)
		log_warn("%s: the interface has %u receive queues, only the first is read: "
			 "'ethtool -L %s %s 1'",
			 port->text, n, port->spec.name, ch.combined_count ? "combined" : "rx");
}

uint16_t
kernel_if_mtu(const char *name)
{
	struct ifreq ifr = {0};

	if (ask(name, SIOCGIFMTU, &ifr) < 0)
		return RTE_ETHER_MTU;
	return (uint16_t)RTE_MIN(ifr.ifr_mtu, UINT16_MAX);
}

static bool
is_claimed(int fd)
{
	for (unsigned i = 0; i < DP_MAX_PORTS; i++)
		for (unsigned q = 0; dp_ports[i] && q < DP_MAX_QUEUES; q++)
			if (dp_ports[i]->q[q].rx.event == fd)
				return true;
	return false;
}

static bool
is_socket_of(int fd, int domain, unsigned ifindex)
{
	struct sockaddr_ll addr;
	socklen_t len = sizeof(int);
	int is;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &is, &len) < 0 || is != domain)
		return false;
	len = sizeof(addr);
	if (domain != AF_PACKET)
		return true; /* AF_XDP tells no address */
	return getsockname(fd, (struct sockaddr *)&addr, &len) == 0 &&
	       addr.sll_ifindex == (int)ifindex;
}

/* The drivers keep their sockets to themselves, but a socket whose ring has frames is readable:
 * just what a sleeping worker must know. The newest one that no port has; -1: none. */
int
kernel_if_claim_socket(const char *name, int domain)
{
	unsigned ifindex = if_nametoindex(name);
	DIR *d = opendir("/proc/self/fd");
	int found = -1;

	for (struct dirent *e; d && (e = readdir(d));) {
		int fd = atoi(e->d_name);

		if (fd > found && is_socket_of(fd, domain, ifindex) && !is_claimed(fd))
			found = fd;
	}
	if (d)
		closedir(d);
	return found;
}

void
kernel_if_ignore_outgoing(int fd)
{
	int on = 1;

	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0)
		log_debug(
		    "Linux before 4.20: what this host sends on the interface is received, too");
}

/* Frames that found the ring full. af_packet's count starts again with each reading. */
uint64_t
kernel_if_drops(struct dp_port *port)
{
	int fd = port->q[0].rx.event;
	struct tpacket_stats packet;
	struct xdp_statistics xdp;
	socklen_t len;

	len = sizeof(packet);
	if (port->spec.kind == PORT_AF_PACKET &&
	    getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &packet, &len) == 0)
		port->missed += packet.tp_drops;
	len = sizeof(xdp);
	if (port->spec.kind == PORT_AF_XDP &&
	    getsockopt(fd, SOL_XDP, XDP_STATISTICS, &xdp, &len) == 0)
		port->missed = xdp.rx_dropped + xdp.rx_ring_full;
	return port->missed;
}

/* A socket whose interface went down reports it once; then poll(2) waits again. False: for ever. */
bool
kernel_if_clear_error(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	socklen_t len = sizeof(int);
	int error;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && poll(&p, 1, 0) >= 0 &&
	       !(p.revents & (POLLERR | POLLHUP | POLLNVAL));
}

/* The longest frame that arrives whole. af_packet's ring has a header in each slot: the kernel cuts
 * what is longer. AF_XDP keeps XDP_PACKET_HEADROOM free. */
uint32_t
kernel_if_max_bytes(const struct dp_port *port)
{
	uint32_t room = frames_room();

	if (port->spec.kind == PORT_AF_PACKET)
		return kernel_if_slot_bytes() -
		       (uint32_t)TPACKET_ALIGN(TPACKET2_HDRLEN + SLOT_MAC_BYTES) +
		       RTE_ETHER_HDR_LEN;
	if (port->spec.kind == PORT_AF_XDP)
		return room - XDP_PACKET_HEADROOM;
	return room;
}

/* A power of two, so that slots fill the ring's blocks, and no longer than a buffer. */
uint32_t
kernel_if_slot_bytes(void)
{
	return rte_align32prevpow2(RTE_MIN(frames_room(), (uint32_t)MAX_SLOT_BYTES));
}
