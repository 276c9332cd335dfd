#!/usr/bin/env bats
# sim.bats - the simulation: scenarios by the hundred thousand, the same frames whenever and however they are run.
# SPDX-License-Identifier: BSD-3-Clause

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	sim=${BUILD:-build}/tests/sim
}

@test "20,000 scenarios: every octet once and in order, every end has its reason" {
	run "$sim" --scenarios 20k --jobs 2
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "a seed gives the same frames in bursts of 1 and of 32, alone and among others" {
	"$sim" --scenarios 300 --hash --burst 32 >"$BATS_TEST_TMPDIR/32"
	"$sim" --scenarios 300 --hash --burst 1 >"$BATS_TEST_TMPDIR/1"
	cmp "$BATS_TEST_TMPDIR/1" "$BATS_TEST_TMPDIR/32"
	[ "$("$sim" --seed 277 --hash)" = "$(sed -n 277p "$BATS_TEST_TMPDIR/32")" ]
}
