/* test_dp_spec.c - dp/port_spec.h: which texts are ports, and what they say. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <sys/mman.h>
#include <unistd.h>

#include "dp/dp.h"
#include "dp/port_spec.h"

static const struct good {
	const char *text;
	struct port_spec spec;
} good[] = {
    {"memif:server", {.kind = PORT_MEMIF, .name = "server"}},
    {"memif:a", {.kind = PORT_MEMIF, .name = "a"}},
    {"memif:A-b_c.9", {.kind = PORT_MEMIF, .name = "A-b_c.9"}},
    {"memif:/run/x/y", {.kind = PORT_MEMIF, .name = "/run/x/y"}},
    {"memif:./y z", {.kind = PORT_MEMIF, .name = "./y z"}},
    {"memif:w,server", {.kind = PORT_MEMIF, .name = "w", .role = PORT_ROLE_SERVER}},
    {"memif:w,client", {.kind = PORT_MEMIF, .name = "w", .role = PORT_ROLE_CLIENT}},
    {"memif:w,server,client", {.kind = PORT_MEMIF, .name = "w", .role = PORT_ROLE_CLIENT}},
    {"memif:w,queues=1", {.kind = PORT_MEMIF, .name = "w", .queues = 1}},
    {"memif:w,queues=8", {.kind = PORT_MEMIF, .name = "w", .queues = 8}},
    {"memif:w,bsize=1536", {.kind = PORT_MEMIF, .name = "w", .bsize = 1536}},
    {"memif:w,bsize=65535", {.kind = PORT_MEMIF, .name = "w", .bsize = 65535}},
    {"memif:w,rsize=32", {.kind = PORT_MEMIF, .name = "w", .rsize = 32}},
    {"memif:w,rsize=16384", {.kind = PORT_MEMIF, .name = "w", .rsize = 16384}},
    {"memif:w,queues=2,server,rsize=64,bsize=2048",
     {.kind = PORT_MEMIF,
      .name = "w",
      .role = PORT_ROLE_SERVER,
      .queues = 2,
      .bsize = 2048,
      .rsize = 64}},
    {"af_packet:eth0", {.kind = PORT_AF_PACKET, .name = "eth0"}},
    {"af_packet:eth0.100@x:1", {.kind = PORT_AF_PACKET, .name = "eth0.100@x:1"}},
    {"af_xdp:fifteen-letters", {.kind = PORT_AF_XDP, .name = "fifteen-letters"}},
    {"tap:t", {.kind = PORT_TAP, .name = "t"}},
    {"pci:0000:03:00.0", {.kind = PORT_PCI, .name = "0000:03:00.0"}},
    {"pci:03:00.7", {.kind = PORT_PCI, .name = "03:00.7"}},
    {"pci:fFfF:aB:1f.1", {.kind = PORT_PCI, .name = "fFfF:aB:1f.1"}},
    {"pcap:in.pcap", {.kind = PORT_PCAP, .name = "in.pcap"}},
    {"pcap:in.pcap,out.pcap", {.kind = PORT_PCAP, .name = "in.pcap", .out = "out.pcap"}},
    {"pcap:,out.pcap", {.kind = PORT_PCAP, .out = "out.pcap"}},
    {"null:", {.kind = PORT_NULL}},
    {"vdev:net_ring0", {.kind = PORT_VDEV, .name = "net_ring0"}},
    {"vdev:net_vhost0,iface=/tmp/s,queues=1",
     {.kind = PORT_VDEV, .name = "net_vhost0,iface=/tmp/s,queues=1"}},
};

/* And a word that the answer must have. */
static const struct bad {
	const char *text, *word;
} bad[] = {
    {"", "memif:NAME"},
    {"eth0", "af_packet:IFACE"},
    {"memif", "memif:NAME"},
    {"Memif:a", "memif:NAME"},
    {"memif:", "name of a wire"},
    {"memif:,server", "name of a wire"},
    {"memif:a b", "letters"},
    {"memif:\xc3\xa4", "letters"},
    {"memif:/a=b", "="},
    {"memif:/a[0]", "["},
    {"memif:a,", NULL},
    {"memif:a,foo", "server"},
    {"memif:a,Server", "server"},
    {"memif:a,queues", "queues=N"},
    {"memif:a,queues=", "1 to 8"},
    {"memif:a,queues=0", "1 to 8"},
    {"memif:a,queues=9", "1 to 8"},
    {"memif:a,queues=-1", "1 to 8"},
    {"memif:a,queues=1x", "1 to 8"},
    {"memif:a,queues= 1", "1 to 8"},
    {"memif:a,queues=18446744073709551617", "1 to 8"},
    {"memif:a,bsize=1535", "1536 to 65535"},
    {"memif:a,bsize=65536", "1536 to 65535"},
    {"memif:a,rsize=31", "power of two"},
    {"memif:a,rsize=33", "power of two"},
    {"memif:a,rsize=16", "power of two"},
    {"memif:a,rsize=32768", "power of two"},
    {"af_packet:", "missing"},
    {"af_packet:sixteen--letters", "15"},
    {"af_packet:a b", "blanks"},
    {"af_packet:a,b", ","},
    {"af_xdp:a/b", "/"},
    {"tap:a=b", "="},
    {"pci:", "0000:03:00.0"},
    {"pci:03:00", "0000:03:00.0"},
    {"pci:03:00.8", "0000:03:00.0"},
    {"pci:03:00.00", "0000:03:00.0"},
    {"pci:00000:03:00.0", "0000:03:00.0"},
    {"pci::03:00.0", "0000:03:00.0"},
    {"pci:0000:003:00.0", "0000:03:00.0"},
    {"pci:0000:03:000.0", "0000:03:00.0"},
    {"pci:0:0:0:0.0", "0000:03:00.0"},
    {"pci:g3:00.0", "0000:03:00.0"},
    {"pcap:", "pcap:IN,OUT"},
    {"pcap:,", "pcap:IN,OUT"},
    {"pcap:a,b,c", ","},
    {"pcap:a=b", "="},
    {"pcap:a,b[1]", "["},
    {"null:x", "null:"},
    {"vdev:", "net_ring0"},
    {"vdev:,iface=x", "net_ring0"},
    {"vdev:ring0", "net_ring0"},
    {"vdev:net0,a_b", "net_ring0"},
    {"vdev:net_name_that_no_device_can_have", "net_ring0"},
};

static void
reads_what_is_a_port(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(good); i++) {
		struct port_spec spec;
		const char *wrong = port_spec_parse(good[i].text, &spec);

		if (wrong)
			fail_msg("%s: %s", good[i].text, wrong);
		assert_null(dp_port_check_spec(good[i].text));
		assert_int_equal(spec.kind, good[i].spec.kind);
		assert_int_equal(spec.role, good[i].spec.role);
		assert_int_equal(spec.queues, good[i].spec.queues);
		assert_int_equal(spec.bsize, good[i].spec.bsize);
		assert_int_equal(spec.rsize, good[i].spec.rsize);
		assert_string_equal(spec.name, good[i].spec.name);
		assert_string_equal(spec.out, good[i].spec.out);
	}
}

static void
says_what_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(bad); i++) {
		const char *wrong = dp_port_check_spec(bad[i].text);

		if (!bad[i].word) { /* an empty word after a comma is none */
			assert_null(wrong);
			continue;
		}
		if (!wrong)
			fail_msg("'%s' was taken", bad[i].text);
		if (!strstr(wrong, bad[i].word))
			fail_msg("'%s': %s", bad[i].text, wrong);
	}
}

static void
names_have_limits(void **state)
{
	char text[2 * PORT_SPEC_BYTES] = "memif:/";

	(void)state;
	memset(text + 7, 'x', PORT_SOCKET_BYTES - 1);
	assert_null(dp_port_check_spec(text));
	text[7 + PORT_SOCKET_BYTES - 1] = 'x';
	assert_non_null(strstr(dp_port_check_spec(text), "100"));

	memset(text, 0, sizeof(text));
	memcpy(text, "pcap:", 5);
	memset(text + 5, 'x', PORT_SPEC_BYTES - 6);
	assert_null(dp_port_check_spec(text));
	text[PORT_SPEC_BYTES - 1] = 'x';
	assert_non_null(strstr(dp_port_check_spec(text), "longer"));
}

/* Every prefix of every text, ending where the next page cannot be read. */
static void
stays_within_the_text(void **state)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	char *page =
	    mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(page, MAP_FAILED);
	assert_int_equal(mprotect(page + size, size, PROT_NONE), 0);
	for (size_t i = 0; i < N_OF(good) + N_OF(bad); i++) {
		const char *text = i < N_OF(good) ? good[i].text : bad[i - N_OF(good)].text;

		for (size_t n = 0; n <= strlen(text); n++) {
			char *copy = page + size - n - 1;
			struct port_spec spec;

			memcpy(copy, text, n);
			copy[n] = '\0';
			port_spec_parse(copy, &spec);
			assert_memory_equal(copy, text, n);
		}
	}
	munmap(page, 2 * size);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reads_what_is_a_port),
	    cmocka_unit_test(says_what_is_wrong),
	    cmocka_unit_test(names_have_limits),
	    cmocka_unit_test(stays_within_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
