#!/usr/bin/env bats
# hcmon_flags.bats - hcmon's flags, wrong ones above all; its help, its man page and its records agree.
# SPDX-License-Identifier: BSD-3-Clause

bats_require_minimum_version 1.5.0
load lib/flags
load lib/hcmon

setup() {
	T=$(mktemp -d)
	C10M_RUN=$T
	export C10M_RUN
}

teardown() {
	rm -rf "$T"
}

@test "each flag refuses a wrong value, naming flag, value and what is allowed" {
	refuses hcmon --port eth0 'memif:NAME.*pcap'
	refuses hcmon --port memif: 'name of a wire'
	local flag value
	for value in x 0 '80,' ',80' 80,443,x 65536 -1 1,2,3,4,5,6,7,8,9 80.5; do
		refuses hcmon --server-port "$value" '1 to 8 TCP ports'
	done
	for flag in --label-offset --prio-offset; do
		for value in x -1 1401 1.5 ''; do
			refuses hcmon $flag "$value" 'a number from 0 to'
		done
	done
	for flag in --request-label --response-label --prio-label; do
		for value in x 256 -1 '1,' ',1' 0x100 1-2 ''; do
			fails_with 2 "$flag" hcmon $flag "$value"
		done
		refuses hcmon $flag 256 'octets'
	done
	refuses hcmon --low-until fin 'ack|response'
	refuses hcmon --cores 1000 'one core from 0 to'
	refuses hcmon --cores x 'one core from 0 to'
	refuses hcmon --mem 100k 'a size in bytes from 1M to'
	refuses hcmon --mem x 'a size in bytes from 1M to'
	refuses hcmon --interval 0 'a time from 1ms to 24h'
	refuses hcmon --interval 25h 'a time from 1ms to 24h'
	refuses hcmon --interval 1k 'a time from 1ms to 24h'
	refuses hcmon --duration 0 'a time from 1ms'
	refuses hcmon --format xml 'text|csv|json|gnuplot'
}

@test "flags that do not go together" {
	fails_with 2 'one or the other' hcmon -r a --port memif:a
	fails_with 2 'one or the other' hcmon --server-port 80 --request-label 5
	fails_with 2 'also in --request-label' hcmon --request-label 1,2 --response-label 2,3
	fails_with 2 'knows no priority' hcmon --server-port 80 --low-until ack
	fails_with 2 'one or the other' hcmon --gnuplot --format csv
	fails_with 2 'stdout is for' hcmon --gnuplot --cdf -
	fails_with 2 'stdout is for' hcmon --requests -
	fails_with 2 'stdout is for' hcmon --total -
	fails_with 2 'needs no EAL' hcmon -r a --eal -l 0
	fails_with 2 'no operands' hcmon file.pcap
	fails_with 2 'no such option' hcmon --label 5
	fails_with 2 'value is missing' hcmon --read
	fails_with 2 'takes no value' hcmon --gnuplot=yes
	local i ports=()
	for i in 1 2 3 4 5 6 7 8 9; do ports+=(--port "memif:a$i"); done
	fails_with 2 '8 ports at most' hcmon "${ports[@]}"
}

@test "ports that do not exist, one line with the remedy" {
	fails_with 1 'no-such-if.*ip link' hcmon --port af_packet:no-such-if
	fails_with 1 'no-such.pcap' hcmon --port pcap:/no-such.pcap
}

@test "files that are none: missing, a folder, empty, foreign, another link type" {
	fails_with 2 'nofile: No such file' hcmon -r "$T/nofile"
	fails_with 2 'directory' hcmon -r "$T"
	: >"$T/empty"
	fails_with 2 'empty: the file is empty' hcmon -r "$T/empty"
	cp "$BIN/hcmon" "$T/elf"
	fails_with 2 'elf: not a capture file' hcmon -r "$T/elf"
	printf '\324\303\262\241\002\000\004\000\0\0\0\0\0\0\0\0\377\377\0\0\145\0\0\0' >"$T/raw"
	fails_with 2 'raw: link type' hcmon -r "$T/raw"
	# Nothing was written for a file that could not be read.
	fails_with 2 'nofile' hcmon -r "$T/nofile" --cdf "$T/cdf" --requests "$T/requests"
	[ ! -e "$T/cdf" ]
	[ ! -e "$T/requests" ]
}

@test "a truncated file: what came before is reported, then the damage, exit status 1" {
	head -c 700 "$GOLDEN/iot.pcap" >"$T/cut.pcap"
	run --separate-stderr timeout 10 "$BIN/hcmon" -r "$T/cut.pcap" --format csv
	[ "$status" -eq 1 ]
	# shellcheck disable=SC2154 # bats sets it
	grep -q 'cut.pcap: truncated' <<<"$stderr"
	[ "${#lines[@]}" -eq 2 ]
	# An empty capture is one, and has one record of nothing.
	head -c 24 "$GOLDEN/iot.pcap" >"$T/none.pcap"
	run --separate-stderr timeout 10 "$BIN/hcmon" -r "$T/none.pcap" --format csv
	[ "$status" -eq 0 ]
	grep -q 'no packets' <<<"$stderr"
	[ "${#lines[@]}" -eq 2 ]
}

@test "outputs that cannot be written" {
	fails_with 1 '--cdf /no/such' hcmon -r "$GOLDEN/iot.pcap" --cdf /no/such
	fails_with 1 '--requests /no/such' hcmon -r "$GOLDEN/iot.pcap" --requests /no/such
	run timeout 10 "$BIN/hcmon" -q -r "$GOLDEN/iot.pcap" --cdf /dev/full
	[ "$status" -eq 1 ]
	[[ $output == *"--cdf: could not be written"* ]]
	run timeout 10 "$BIN/hcmon" -q -r "$GOLDEN/iot.pcap" --total /dev/full
	[ "$status" -eq 1 ]
	run bash -c "timeout 10 '$BIN/hcmon' -q -r '$GOLDEN/iot.pcap' --format csv >/dev/full"
	[ "$status" -eq 1 ]
	# A reader that has seen enough is no error.
	run bash -c "set -o pipefail; timeout 10 '$BIN/hcmon' -q -r '$GOLDEN/clock.pcap' --format csv | head -n 1"
	[ "$status" -eq 0 ]
}

@test "--help, the option table and the man page agree" {
	help_and_man_agree hcmon 1
}

@test "the records are those of the man page" {
	fields_and_man_agree hcmon 1 -q -r "$GOLDEN/iot.pcap"
}

@test "--version" {
	run "$BIN/hcmon" --version
	[ "$status" -eq 0 ]
	[[ $output == hcmon\ * ]]
}
