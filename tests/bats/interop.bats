#!/usr/bin/env bats
# interop.bats - the four corners of scripts/interop's grid: no round trip or 300 ms, no loss or 5 %: every octet and every answer comes.
# SPDX-License-Identifier: BSD-3-Clause

# How fast is for the whole grid to say (tests/long), which takes longer.
@test "bodies both ways, bulk both ways, mcc and nginx, in the four corners" {
	[ "$(id -u)" -eq 0 ] || skip "network namespaces need root"
	run timeout 300 "$BATS_TEST_DIRNAME/../../scripts/interop" --rtt "0 300" --loss "0 5" --reorder no --seconds 1 --mcc-seconds 2 --proxy no --floor 0
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(grep -c ',ok,' <<<"$output")" -eq 4 ]
}
