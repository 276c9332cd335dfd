#!/usr/bin/env bats
# interop.bats - the whole grid of scripts/interop: 32 cells, each beside Linux on both ends; and eight flows at one queue.
# SPDX-License-Identifier: BSD-3-Clause

OUT=${OUT:-out/long}

setup() {
	[ "$(id -u)" -eq 0 ] || skip "network namespaces need root"
	mkdir -p "$OUT"
}

grid() { # name flags...
	local name=$1
	shift
	run --separate-stderr timeout 2400 "$BATS_TEST_DIRNAME/../../scripts/interop" "$@"
	tee "$OUT/interop-$name.csv" <<<"$output" | column -s, -t
	# shellcheck disable=SC2154 # bats sets it
	echo "$stderr"
	[ "$status" -eq 0 ]
}

bats_require_minimum_version 1.5.0

@test "RTT 0 to 300 ms, loss 0 to 5 %: all octets, all answers, 0.9 of Linux's goodput" {
	grid plain --reorder no --seconds 5
}

@test "the same with reordering" {
	grid reordering --reorder yes --seconds 5
}

@test "four flows of ours and four of Linux's at one queue: Jain's index is at least 0.9" {
	grid fairness --rtt "" --seconds 5 --fair yes
}
