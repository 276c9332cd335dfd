#!/usr/bin/env bats
# linux_diff.bats - the same segments and user calls to Linux's TCP, on a tap, and to ours: every difference is in tests/packet/DIFFERENCES.
# SPDX-License-Identifier: BSD-3-Clause

DIFF=$(cd "${BUILD:-build}" && pwd)/tests/linux_diff

setup() {
	[ "$(id -u)" -eq 0 ] || skip "a tap in a namespace of its own needs root"
	[ -c /dev/net/tun ] || skip "no /dev/net/tun"
	cd "$BATS_TEST_DIRNAME/../.." || return 1
}

# diff_run STATUS FLAGS...
diff_run() {
	run timeout 60 "$DIFF" "${@:2}"
	echo "$output"
	[ "$status" -eq "$1" ]
}

@test "the rows of the checklist, one by one" {
	diff_run 0 --steps 0
	[[ $output == *" 0 unexplained"* ]]
	[ "$(sed -n 's/ rows,.*//p' <<<"$output")" -ge 60 ]
}

@test "100,000 random steps" {
	diff_run 0 --no-rows --steps 100k --seed "${SEED:-1}"
	[[ $output == *" 0 unexplained"* ]]
}

@test "what no row explains is found, shown and can be played again" {
	diff_run 1 --no-sack --steps 1000 --shown 1
	[[ $output == *"--- row A5: options"* ]]
	[[ $output == *"again: linux_diff --row A5"* ]]
	diff_run 1 --no-sack --row A5
}

@test "a table with a row too many or too few is refused" {
	local table=$BATS_TEST_TMPDIR/DIFFERENCES
	(cat tests/packet/DIFFERENCES && echo "MADE-UP  a row") >"$table"
	diff_run 1 --table "$table"
	[[ $output == *"row MADE-UP"* ]]
	grep -v '^DSACK ' tests/packet/DIFFERENCES >"$table"
	diff_run 1 --table "$table"
	[[ $output == *"no row DSACK"* ]]
}
