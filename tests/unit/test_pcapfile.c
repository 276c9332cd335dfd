/* test_pcapfile.c - base/pcapfile.h: all forms of capture files, and files that are none. */
/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/pcapfile.h"
#include "base/rng.h"
#include "capture.h"

enum { FILE_MAX = 4096, DLT_ETHERNET = 1, DLT_RAW_IP = 101, DLT_COOKED = 113 };

static char path[32]; /* of a file in memory */
static char err[PCAPFILE_ERRBUF];

/* A file under construction, in either byte order. */
struct image {
	uint8_t bytes[FILE_MAX];
	size_t len;
	bool big_endian;
};

static void
put(struct image *f, unsigned width, uint32_t v)
{
	for (unsigned i = 0; i < width; i++)
		f->bytes[f->len++] = (uint8_t)(v >> 8 * (f->big_endian ? width - 1 - i : i));
}

static void
put_bytes(struct image *f, const void *p, size_t n)
{
	memcpy(f->bytes + f->len, p, n);
	f->len += n;
}

static void
put_pcap_header(struct image *f, uint32_t magic, uint32_t linktype)
{
	put(f, 4, magic);
	put(f, 2, 2);
	put(f, 2, 4);
	put(f, 4, 0);
	put(f, 4, 0);
	put(f, 4, 65535);
	put(f, 4, linktype);
}

static void
put_pcap_packet(struct image *f, uint32_t sec, uint32_t fraction, const void *data, uint32_t caplen,
		uint32_t len)
{
	put(f, 4, sec);
	put(f, 4, fraction);
	put(f, 4, caplen);
	put(f, 4, len);
	put_bytes(f, data, caplen);
}

/* Section header, and an interface with nanosecond stamps. */
static void
put_pcapng_header(struct image *f, uint32_t linktype)
{
	put(f, 4, 0x0a0d0d0a);
	put(f, 4, 28);
	put(f, 4, 0x1a2b3c4d);
	put(f, 2, 1);
	put(f, 2, 0);
	put(f, 4, UINT32_MAX);
	put(f, 4, UINT32_MAX);
	put(f, 4, 28);

	put(f, 4, 1);
	put(f, 4, 32);
	put(f, 2, linktype);
	put(f, 2, 0);
	put(f, 4, 65535);
	put(f, 2, 9); /* if_tsresol: 10^-9 */
	put(f, 2, 1);
	put_bytes(f, "\x09\0\0\0", 4);
	put(f, 4, 0);
	put(f, 4, 32);
}

static void
put_pcapng_packet(struct image *f, uint64_t ts_ns, const void *data, uint32_t caplen, uint32_t len)
{
	uint32_t padded = (caplen + 3) & ~3u;

	put(f, 4, 6);
	put(f, 4, 32 + padded);
	put(f, 4, 0);
	put(f, 4, (uint32_t)(ts_ns >> 32));
	put(f, 4, (uint32_t)ts_ns);
	put(f, 4, caplen);
	put(f, 4, len);
	put_bytes(f, data, caplen);
	put_bytes(f, "\0\0\0", padded - caplen);
	put(f, 4, 32 + padded);
}

static void
save(const void *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

static void
assert_refused(const char *why)
{
	memset(err, 0, sizeof(err));
	assert_null(pcapfile_open(path, err));
	assert_non_null(strstr(err, path));
	if (!strstr(err, why))
		fail_msg("'%s' does not say '%s'", err, why);
}

/* Reads a file to its end; the result of the last read, and in *n how many packets came. */
static int
read_all(unsigned *n)
{
	struct pcapfile *f = pcapfile_open(path, err);
	struct pcapfile_packet p;
	volatile uint8_t sum = 0;
	int rc;

	*n = 0;
	if (!f)
		return -1;
	while ((rc = pcapfile_next(f, &p, err)) == 1) {
		assert_true(p.caplen <= p.len);
		for (uint32_t i = 0; i < p.caplen; i++)
			sum = (uint8_t)(sum + p.data[i]);
		(*n)++;
	}
	pcapfile_close(f);
	return rc;
}

static void
check_two_packets(uint64_t first_ns)
{
	struct pcapfile *f = pcapfile_open(path, err);
	struct pcapfile_packet p;

	if (!f)
		fail_msg("%s", err);
	assert_int_equal(pcapfile_next(f, &p, err), 1);
	assert_true(p.ts_ns == first_ns);
	assert_int_equal(p.caplen, 5);
	assert_int_equal(p.len, 60);
	assert_memory_equal(p.data, "hello", 5);
	assert_int_equal(pcapfile_next(f, &p, err), 1);
	assert_int_equal(p.caplen, 1);
	assert_int_equal(p.len, 1);
	assert_memory_equal(p.data, "x", 1);
	assert_int_equal(pcapfile_next(f, &p, err), 0);
	assert_int_equal(pcapfile_next(f, &p, err), 0);
	pcapfile_close(f);
}

static void
make_pcap(struct image *f, bool big_endian, bool nanoseconds)
{
	*f = (struct image){.big_endian = big_endian};
	put_pcap_header(f, nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, DLT_ETHERNET);
	put_pcap_packet(f, 0xfffffffe, nanoseconds ? 123456789 : 123456, "hello", 5, 60);
	put_pcap_packet(f, 0, 0, "x", 1, 1);
}

static void
make_pcapng(struct image *f, bool big_endian)
{
	*f = (struct image){.big_endian = big_endian};
	put_pcapng_header(f, DLT_ETHERNET);
	put_pcapng_packet(f, UINT64_C(1700000000123456789), "hello", 5, 60);
	put_pcapng_packet(f, 0, "x", 1, 1);
}

static void
test_every_form(void **state)
{
	struct image f;

	(void)state;
	for (int big = 0; big < 2; big++) {
		make_pcap(&f, big, false);
		save(f.bytes, f.len);
		check_two_packets(UINT64_C(4294967294123456000));
		make_pcap(&f, big, true);
		save(f.bytes, f.len);
		check_two_packets(UINT64_C(4294967294123456789));
		make_pcapng(&f, big);
		save(f.bytes, f.len);
		check_two_packets(UINT64_C(1700000000123456789));
	}
}

static void
test_no_packets(void **state)
{
	struct image f = {0};
	unsigned n;

	(void)state;
	put_pcap_header(&f, 0xa1b2c3d4, DLT_ETHERNET);
	save(f.bytes, f.len);
	assert_int_equal(read_all(&n), 0);
	assert_int_equal(n, 0);
}

static void
test_not_a_capture(void **state)
{
	(void)state;
	save("", 0);
	assert_refused("is empty");
	save("\xd4", 1);
	assert_refused("not a capture file");
	save("#!/bin/sh\necho a text file that is long enough\n", 47);
	assert_refused("not a capture file: unknown file format");
	save("\xd4\xc3\xb2\xa1\x02\x00", 6);
	assert_refused("not a capture file: truncated");
	save("\xd4\xc3\xb2\xa1\x09\x00\x09\x00\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24);
	assert_refused("not a capture file");
}

static void
test_other_link_types(void **state)
{
	struct image f = {0};

	(void)state;
	put_pcap_header(&f, 0xa1b2c3d4, DLT_COOKED);
	save(f.bytes, f.len);
	assert_refused("(Linux cooked v1): only Ethernet captures are read");
	f = (struct image){0};
	put_pcap_header(&f, 0xa1b23c4d, DLT_RAW_IP);
	save(f.bytes, f.len);
	assert_refused("(Raw IP): only Ethernet captures are read");
	f = (struct image){.big_endian = true};
	put_pcapng_header(&f, DLT_COOKED);
	put_pcapng_packet(&f, 1, "x", 1, 1);
	save(f.bytes, f.len);
	assert_refused("(Linux cooked v1): only Ethernet captures are read");
}

static void
test_no_such_file(void **state)
{
	(void)state;
	assert_null(pcapfile_open("/nonexistent/x.pcap", err));
	assert_string_equal(err, "/nonexistent/x.pcap: No such file or directory");
	assert_null(pcapfile_create("/nonexistent/x.pcap", 65535, err));
	assert_string_equal(err, "/nonexistent/x.pcap: No such file or directory");
	assert_null(pcapfile_open("/dev", err));
	assert_non_null(strstr(err, "/dev: "));
	assert_non_null(strstr(err, "Is a directory"));
}

/* The longest path still leaves room for the reason. */
static void
test_long_path(void **state)
{
	char longest[3000];

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_null(pcapfile_open(longest, err));
	assert_non_null(strstr(err, "File name too long"));
	assert_true(strlen(err) < PCAPFILE_ERRBUF);
}

/* Cut anywhere: what is whole is read, and only a cut between packets is an end of file. */
static void
test_cut_anywhere(void **state)
{
	struct image f;
	unsigned n;

	(void)state;
	make_pcap(&f, false, true);
	for (size_t cut = 24; cut <= f.len; cut++) {
		int rc;

		save(f.bytes, cut);
		rc = read_all(&n);
		assert_int_equal(n, (cut >= 24 + 16 + 5) + (cut >= 24 + 16 + 5 + 16 + 1));
		assert_int_equal(rc, cut == 24 || cut == 45 || cut == 62 ? 0 : -1);
		if (rc) {
			assert_non_null(strstr(err, path));
			assert_non_null(strstr(err, "truncated"));
		}
	}
	for (size_t cut = 0; cut < 24; cut++) {
		save(f.bytes, cut);
		assert_refused("");
	}
	make_pcapng(&f, true);
	for (size_t cut = 0; cut < f.len; cut++) {
		save(f.bytes, cut);
		assert_int_equal(read_all(&n) == 0, cut == 60 || cut == 100);
	}
}

/* A file may claim that more was caught than was there. */
static void
test_caught_more_than_there_was(void **state)
{
	struct image f = {0};
	struct pcapfile_packet p;
	struct pcapfile *r;

	(void)state;
	put_pcap_header(&f, 0xa1b2c3d4, DLT_ETHERNET);
	put_pcap_packet(&f, 1, 4294967295u, "hello", 5, 2);
	save(f.bytes, f.len);
	r = pcapfile_open(path, err);
	assert_non_null(r);
	assert_int_equal(pcapfile_next(r, &p, err), 1);
	assert_int_equal(p.caplen, 5);
	assert_int_equal(p.len, 5);
	pcapfile_close(r);
}

/* Five thousand damaged files: each ends in an error or an end of file. */
static void
test_damaged(void **state)
{
	struct image f, damaged;
	struct rng r;
	unsigned n;

	(void)state;
	rng_seed(&r, 6, 0);
	for (int i = 0; i < 5000; i++) {
		if (i % 2)
			make_pcap(&f, i & 2, i & 4);
		else
			make_pcapng(&f, i & 2);
		damaged = f;
		for (uint64_t j = rng_below(&r, 4); j < 4; j++)
			damaged.bytes[rng_below(&r, f.len)] = (uint8_t)rng_u64(&r);
		save(damaged.bytes, f.len - rng_below(&r, 4));
		assert_true(read_all(&n) <= 0);
		assert_true(n <= 8);
	}
}

static void
test_round_trip(void **state)
{
	enum { N = 500, SNAPLEN = 200 };
	struct pcapfile_writer *w = pcapfile_create(path, SNAPLEN, err);
	struct pcapfile_packet p;
	struct pcapfile *f;
	size_t size = 24; /* of the file: a header, and 16 octets before each packet */
	uint8_t data[300];
	struct rng r, again;
	struct stat st;

	(void)state;
	rng_seed(&r, 7, 0);
	again = r;
	assert_non_null(w);
	for (int i = 0; i < N; i++) {
		uint32_t len = (uint32_t)rng_below(&r, sizeof(data));

		size += 16 + (len < SNAPLEN ? len : SNAPLEN);
		memset(data, i, sizeof(data));
		pcapfile_write(w, rng_below(&r, UINT64_C(4294967295999999999)), data, len, len + 1);
	}
	assert_int_equal(pcapfile_finish(w), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, size);
	f = pcapfile_open(path, err);
	assert_non_null(f);
	for (int i = 0; i < N; i++) {
		uint32_t len = (uint32_t)rng_below(&again, sizeof(data));

		memset(data, i, sizeof(data));
		assert_int_equal(pcapfile_next(f, &p, err), 1);
		assert_true(p.ts_ns == rng_below(&again, UINT64_C(4294967295999999999)));
		assert_int_equal(p.len, len + 1);
		assert_int_equal(p.caplen, len < SNAPLEN ? len : SNAPLEN);
		assert_memory_equal(p.data, data, p.caplen);
	}
	assert_int_equal(pcapfile_next(f, &p, err), 0);
	pcapfile_close(f);
}

/* The disk fills up, at once or late: finish tells. */
static void
test_disk_full(void **state)
{
	struct pcapfile_writer *w;
	uint8_t data[1500] = {0};

	(void)state;
	for (int packets = 0; packets < 200; packets += 100) {
		w = pcapfile_create("/dev/full", 65535, err);
		assert_non_null(w);
		for (int i = 0; i < packets; i++)
			pcapfile_write(w, 1, data, sizeof(data), sizeof(data));
		assert_int_equal(pcapfile_finish(w), -1);
	}
}

static void
copy_stdin_to_stdout(void *arg)
{
	struct pcapfile_writer *w;
	struct pcapfile_packet p;
	struct pcapfile *f;
	int rc;

	(void)arg;
	dup2(open(path, O_RDONLY), STDIN_FILENO);
	f = pcapfile_open("-", err);
	w = pcapfile_create("-", 65535, err);
	if (!f || !w)
		_exit(1);
	while ((rc = pcapfile_next(f, &p, err)) == 1)
		pcapfile_write(w, p.ts_ns, p.data, p.caplen, p.len);
	pcapfile_close(f);
	_exit(rc || pcapfile_finish(w));
}

static void
test_stdin_and_stdout(void **state)
{
	struct captured c;
	struct image f;

	(void)state;
	make_pcap(&f, false, true);
	save(f.bytes, f.len);
	capture(&c, copy_stdin_to_stdout, NULL);
	assert_int_equal(c.status, 0);
	assert_memory_equal(c.out, f.bytes, f.len);
}

static void
open_empty_stdin(void *arg)
{
	(void)arg;
	dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
	if (!pcapfile_open("-", err))
		fprintf(stderr, "%s", err);
}

static void
test_stdin_has_a_name(void **state)
{
	struct captured c;

	(void)state;
	capture(&c, open_empty_stdin, NULL);
	assert_string_equal(c.err, "standard input: the file is empty");
}

static int
make_file(void **state)
{
	int fd = memfd_create("t.pcap", 0);

	(void)state;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fd < 0 ? -1 : 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_form),
	    cmocka_unit_test(test_no_packets),
	    cmocka_unit_test(test_not_a_capture),
	    cmocka_unit_test(test_other_link_types),
	    cmocka_unit_test(test_no_such_file),
	    cmocka_unit_test(test_long_path),
	    cmocka_unit_test(test_cut_anywhere),
	    cmocka_unit_test(test_caught_more_than_there_was),
	    cmocka_unit_test(test_damaged),
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_disk_full),
	    cmocka_unit_test(test_stdin_and_stdout),
	    cmocka_unit_test(test_stdin_has_a_name),
	};

	return cmocka_run_group_tests(tests, make_file, NULL);
}
