/* memif_path.c - where a wire's sockets are, and the MAC address that follows from it. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp/memif.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The directory where wires without a '/' live; made when missing. Others must not be able to put
 * sockets there. */
static int
runtime_dir(char *out, size_t size)
{
	const char *run = getenv("C10M_RUN"), *xdg = getenv("XDG_RUNTIME_DIR");
	struct stat st;

	if (run && *run)
		snprintf(out, size, "%s", run);
	else if (xdg && *xdg)
		snprintf(out, size, "%s/c10m", xdg);
	else if (geteuid() == 0)
		snprintf(out, size, "/run/c10m");
	else
		snprintf(out, size, "/tmp/c10m-%u", (unsigned)geteuid());
	if (mkdir(out, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (stat(out, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	return (st.st_uid == geteuid() || st.st_uid == 0) && !(st.st_mode & S_IWOTH) ? 0 : -EPERM;
}

/* The driver wants an absolute path. */
int
memif_find_paths(struct memif *w, char *err)
{
	const char *name = w->port->spec.name;
	char dir[PATH_MAX], real[PATH_MAX];
	const char *slash = strrchr(name, '/');
	int rc = 0, n;

	if (!slash)
		rc = runtime_dir(dir, sizeof(dir));
	else if (slash == name)
		strcpy(dir, "/");
	else
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - name), name);
	if (rc == 0 && !realpath(dir, real))
		rc = -errno;
	if (rc < 0)
		return port_refuse(w->port, err, "directory %s: %s%s", dir, strerror(-rc),
				   slash ? "" : "; C10M_RUN names another");
	name = slash ? slash + 1 : name;
	n = snprintf(w->path, sizeof(w->path), "%s/%s", strcmp(real, "/") ? real : "", name);
	if (!*name || n > PORT_SOCKET_BYTES || strpbrk(real, ",=[]"))
		return port_refuse(
		    w->port, err,
		    "the socket's path must have at most %d characters, and no , = [ ]",
		    PORT_SOCKET_BYTES);
	snprintf(w->wake, sizeof(w->wake), "%s.wake", w->path);
	return 0;
}

/* The same wire and end have the same address after a restart, or the other end's ARP entries would
 * point nowhere. */
void
memif_derive_mac(struct memif *w)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (const char *s = w->path; *s; s++)
		h = (h ^ (uint8_t)*s) * UINT64_C(0x100000001b3);
	h ^= h >> 40;
	for (unsigned i = 1; i < 6; i++)
		w->port->mac.addr_bytes[i] = (uint8_t)(h >> (8 * i));
	w->port->mac.addr_bytes[0] = 0x02; /* local */
	w->port->mac.addr_bytes[5] = (uint8_t)((h & 0xfe) | w->server);
}
