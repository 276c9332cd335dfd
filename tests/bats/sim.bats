#!/usr/bin/env bats
# sim.bats - the simulation: scenarios by the hundred thousand, the same frames whenever and however they are run.
# SPDX-License-Identifier: BSD-3-Clause

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	sim=${BUILD:-build}/tests/sim
	golden=tests/sim/golden
	out=$BATS_TEST_TMPDIR
}

@test "200,000 scenarios: every octet once and in order, every end has its reason, every pair of state and event 1,000 times" {
	run "$sim" --scenarios 200k --jobs 2 --least 1000
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "a seed gives the same frames in bursts of 1 and of 32, alone and among others" {
	"$sim" --scenarios 500 --hash --burst 32 >"$out/32"
	"$sim" --scenarios 500 --hash --burst 1 >"$out/1"
	cmp "$out/1" "$out/32"
	[ "$("$sim" --seed 277 --hash)" = "$(sed -n 277p "$out/32")" ]
}

# At every level of optimisation and under every sanitizer: BUILD says whose program this is.
@test "the frames are those of the golden list" {
	"$sim" --scenarios 500 --hash >"$out/hashes"
	diff "$golden/hashes" "$out/hashes"
}

@test "goodput and fairness are those of the golden tables" {
	"$sim" --table goodput >"$out/goodput"
	diff "$golden/goodput.csv" "$out/goodput"
	"$sim" --table fairness >"$out/fairness"
	diff "$golden/fairness.csv" "$out/fairness"
}

@test "a failing seed is said, with its knobs and the command that shows it again" {
	run "$sim" --seed 1 --verbose
	[ "$status" -eq 0 ]
	[[ $output == *"Flags [S]"*"Flags [S.]"* ]]
	run "$sim" --seed 1 --shrink
	[ "$output" = "seed 1 does not fail" ]
	run "$sim" --without nonsense
	[ "$status" -eq 2 ]
}
