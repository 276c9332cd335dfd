/* kernel_if.c - what af_packet, af_xdp and tap need to know of the kernel's interfaces. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_packet.h>
#include <net/if.h>

#include "base/log.h"

/* One of the SIOCGIF ioctls. 0 or -errno. */
static int
ask(const char *name, unsigned long what, struct ifreq *ifr)
{
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	if (s < 0)
		return -errno;
	memset(ifr, 0, sizeof(*ifr));
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%.15s", name);
	rc = ioctl(s, what, ifr) < 0 ? -errno : 0;
	close(s);
	return rc;
}

int
kernel_if_check(const struct dp_port *port, char *err)
{
	const char *name = port->spec.name;
	struct ifreq ifr;

	if (ask(name, SIOCGIFFLAGS, &ifr) < 0)
		return port_refuse(port, err, "there is no interface %s; 'ip link' lists them",
				   name);
	if (!(ifr.ifr_flags & IFF_UP))
		log_warn("%s: the interface is down, nothing passes: 'ip link set %s up'",
			 port->text, name);
	return 0;
}

uint16_t
kernel_if_mtu(const char *name)
{
	struct ifreq ifr;

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

/* The drivers keep their sockets to themselves, but a socket whose ring has frames is readable: just
 * what a sleeping worker must know. The newest one that no port has; -1: none. */
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

uint64_t
kernel_if_drops(int fd)
{
	struct tpacket_stats st;
	socklen_t len = sizeof(st);

	return getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &st, &len) < 0 ? 0 : st.tp_drops;
}
