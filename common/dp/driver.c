/* driver.c - from SPEC to a DPDK device: its arguments, and what is wrong when it refuses. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_packet.h>
#include <rte_bus_vdev.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

typedef int probe_fn(struct dp_port *port, char *err);

enum { RING_SLOTS = 2048, SLOTS_PER_BLOCK = 32 };

static unsigned serial;

int
driver_probe_vdev(struct dp_port *port, const char *driver, const char *args, char *err)
{
	eal_log_mark();
	snprintf(port->dev, sizeof(port->dev), "%s%u", driver, serial++);
	if (rte_vdev_init(port->dev, args) < 0 ||
	    rte_eth_dev_get_port_by_name(port->dev, &port->id) < 0) {
		port->dev[0] = '\0';
		return port_refuse(port, err, "%s", eal_log_reason("the driver gives no reason"));
	}
	return 0;
}

/* Opening a raw socket says more about rights than the driver does. */
static int
check_raw(struct dp_port *port, char *err)
{
	int s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (s < 0)
		return port_refuse(port, err,
				   "raw frames need root, or 'setcap cap_net_raw,cap_net_admin+ep' "
				   "on this program");
	close(s);
	return kernel_if_check(port, err);
}

/* The driver puts even a single socket into a fanout group, with a flag that makes the kernel put IP
 * fragments together: they would arrive as one frame of more than the MTU. Wrapped by the linker. */
static bool without_fanout;

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);

int
__wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	if (without_fanout && level == SOL_PACKET && name == PACKET_FANOUT)
		return 0;
	return __real_setsockopt(fd, level, name, value, len);
}

static int
probe_af_packet(struct dp_port *port, char *err)
{
	uint32_t slot = kernel_if_slot_bytes();
	char args[128];
	int rc;

	if (check_raw(port, err) < 0)
		return -1;
	snprintf(args, sizeof(args), "iface=%.15s,framesz=%u,blocksz=%u,framecnt=%d",
		 port->spec.name, slot, SLOTS_PER_BLOCK * slot, RING_SLOTS);
	without_fanout = true;
	rc = driver_probe_vdev(port, "net_af_packet", args, err);
	without_fanout = false;
	return rc;
}

/* Busy polling would burn what sleeping saves. */
static int
probe_af_xdp(struct dp_port *port, char *err)
{
	char args[128];

	if (check_raw(port, err) < 0)
		return -1;
	kernel_if_warn_of_queues(port);
	snprintf(args, sizeof(args), "iface=%.15s,busy_budget=0", port->spec.name);
	return driver_probe_vdev(port, "net_af_xdp", args, err);
}

static int
probe_tap(struct dp_port *port, char *err)
{
	static const char rights[] = "needs root, or 'setcap cap_net_admin+ep' on this program";
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	char args[128];

	if (fd < 0 && errno == ENOENT)
		return port_refuse(port, err, "there is no /dev/net/tun: 'modprobe tun'");
	if (fd < 0)
		return port_refuse(port, err, "%s", rights);
	close(fd);
	/* The driver asks for a real-time signal per frame; when their queue overflows, SIGIO comes
	 * instead. */
	signal(SIGIO, SIG_IGN);
	snprintf(args, sizeof(args), "iface=%.15s", port->spec.name);
	if (driver_probe_vdev(port, "net_tap", args, err) == 0)
		return 0;
	return geteuid() == 0 ? -1 : port_refuse(port, err, "%s", rights);
}

static int
probe_pci(struct dp_port *port, char *err)
{
	const char *addr = port->spec.name;

	snprintf(port->dev, sizeof(port->dev), "%s%.12s", strlen(addr) < 12 ? "0000:" : "", addr);
	eal_log_mark();
	if (!eal_has_pci() || rte_dev_probe(port->dev) < 0 ||
	    rte_eth_dev_get_port_by_name(port->dev, &port->id) < 0) {
		port->dev[0] = '\0';
		return port_refuse(port, err,
				   "not a NIC bound to a userspace driver: 'dpdk-devbind.py "
				   "--bind=vfio-pci ADDR'");
	}
	return 0;
}

static int
probe_pcap(struct dp_port *port, char *err)
{
	const struct port_spec *s = &port->spec;
	char args[2 * PORT_SPEC_BYTES + 32];
	int fd;

	if (s->name[0]) {
		fd = open(s->name, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return port_refuse(port, err, "%s", strerror(errno));
		close(fd);
	}
	if (s->out[0]) {
		fd = open(s->out, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0)
			return port_refuse(port, err, "%s", strerror(errno));
		close(fd);
	}
	snprintf(args, sizeof(args), "%s%s%s%s%s", s->name[0] ? "rx_pcap=" : "", s->name,
		 s->name[0] && s->out[0] ? "," : "", s->out[0] ? "tx_pcap=" : "", s->out);
	return driver_probe_vdev(port, "net_pcap", args, err);
}

static int
probe_null(struct dp_port *port, char *err)
{
	return driver_probe_vdev(port, "net_null", "no-rx=1", err);
}

static int
probe_vdev(struct dp_port *port, char *err)
{
	const char *comma = strchr(port->spec.name, ',');

	snprintf(port->dev, sizeof(port->dev), "%.*s",
		 comma ? (int)(comma - port->spec.name) : (int)sizeof(port->dev) - 1,
		 port->spec.name);
	eal_log_mark();
	if (rte_vdev_init(port->dev, comma ? comma + 1 : "") < 0 ||
	    rte_eth_dev_get_port_by_name(port->dev, &port->id) < 0) {
		port->dev[0] = '\0';
		return port_refuse(
		    port, err, "%s",
		    eal_log_reason("this program has no such driver, or it refuses its arguments"));
	}
	return 0;
}

static probe_fn *const probes[] = {
    [PORT_AF_PACKET] = probe_af_packet,
    [PORT_AF_XDP] = probe_af_xdp,
    [PORT_TAP] = probe_tap,
    [PORT_PCI] = probe_pci,
    [PORT_PCAP] = probe_pcap,
    [PORT_NULL] = probe_null,
    [PORT_VDEV] = probe_vdev,
};

int
driver_probe(struct dp_port *port, char *err)
{
	return probes[port->spec.kind](port, err);
}

void
driver_remove(struct dp_port *port)
{
	if (!port->dev[0])
		return;
	if (port->spec.kind == PORT_PCI)
		rte_eth_dev_close(port->id);
	else
		rte_vdev_uninit(port->dev);
	port->dev[0] = '\0';
}
