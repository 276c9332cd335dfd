#!/usr/bin/env bats
# linux_diff.bats - a million random steps for Linux's TCP and ours; STEPS=10M for more.
# SPDX-License-Identifier: BSD-3-Clause

@test "random steps: no difference without a row in tests/packet/DIFFERENCES" {
	[ "$(id -u)" -eq 0 ] || skip "a tap in a namespace of its own needs root"
	cd "$BATS_TEST_DIRNAME/../.."
	run timeout 1200 "${BUILD:-build}/tests/linux_diff" --steps "${STEPS:-1M}" --seed "${SEED:-2}"
	echo "$output"
	[ "$status" -eq 0 ]
}
