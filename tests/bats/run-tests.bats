#!/usr/bin/env bats
# run-tests.bats - scripts/run-tests and scripts/check-includes must notice what goes wrong.
# SPDX-License-Identifier: BSD-3-Clause

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	dir=$BATS_TEST_TMPDIR
}

program() { # name shell-text
	printf '#!/bin/sh\n%s\n' "$2" >"$dir/$1"
	chmod +x "$dir/$1"
}

# A bats run of its own must not see this one, whose insides stand first in PATH.
run_tests() {
	run env -i PATH="${PATH#/usr/libexec/bats-core:}" UNIT_LIMIT=1 BATS_LIMIT=1 scripts/run-tests "$@"
}

last_line() {
	echo "${lines[${#lines[@]} - 1]}"
}

@test "what passes is counted, not shown" {
	program good 'echo 1..2; echo "noise"; echo "ok 1 - a"; echo "ok 2 - b"'
	run_tests --unit "$dir/good"
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[0]} == "unit good "*"2 passed, 0 failed  "*" s" ]]
	[ "$(last_line)" = "2 passed, 0 failed" ]
}

@test "what fails is shown with its output, without what passed" {
	program bad 'echo 1..2; echo "ok 1 - a"; echo "x != y"; echo "not ok 2 - b"; exit 1'
	run_tests --unit "$dir/bad"
	[ "$status" -eq 1 ]
	[[ $output == *"x != y"* ]]
	[[ $output == *"not ok 2 - b"* ]]
	[[ $output != *"    ok 1"* ]]
	[ "$(last_line)" = "1 passed, 1 failed" ]
}

@test "skipped tests are counted apart, in both dialects" {
	program cmocka 'echo 1..2; echo "not ok 1 # SKIP a"; echo "ok 2 - b"'
	printf '@test "a" { skip "because"; }\n@test "b" { true; }\n' >"$dir/two.bats"
	run_tests --unit "$dir/cmocka" --bats "$dir/two.bats"
	[ "$status" -eq 0 ]
	[ "$(last_line)" = "2 passed, 0 failed, 2 skipped" ]
}

@test "a crash is a failure" {
	program crash 'echo 1..2; echo "ok 1 - a"; kill -SEGV $$'
	run_tests --unit "$dir/crash"
	[ "$status" -eq 1 ]
	[[ ${lines[0]} == *"(ended by signal SEGV)"* ]]
	[ "$(last_line)" = "1 passed, 1 failed" ]
}

@test "a hang is ended and a failure, with all that it started" {
	program hang 'sleep 987 & echo $! >'"$dir"'/pid; wait'
	run_tests --unit "$dir/hang"
	[ "$status" -eq 1 ]
	[[ ${lines[0]} == *"(not done after 1 s)"* ]]
	# Gone, or at most waiting to be reaped.
	[ -z "$(tr '\0' ' ' 2>/dev/null <"/proc/$(cat "$dir/pid")/cmdline")" ]
}

@test "fewer tests than planned, none at all, a bad exit: failures" {
	program short 'echo 1..3; echo "ok 1 - a"'
	program none ':'
	program status 'echo 1..1; echo "ok 1 - a"; exit 3'
	run_tests --unit "$dir/short" "$dir/none" "$dir/status" "$dir/missing"
	[ "$status" -eq 1 ]
	[[ $output == *"unit short "*"(ran 1 of 3 tests)"* ]]
	[[ $output == *"unit none "*"(ran no test)"* ]]
	[[ $output == *"unit status "*"(exit status 3)"* ]]
	[[ $output == *"unit missing "*"1 failed"* ]]
	[ "$(last_line)" = "2 passed, 4 failed" ]
}

@test "a bats folder runs by name; a syntax error in a file is a failure" {
	mkdir "$dir/bats"
	printf '@test "one" { true; }\n' >"$dir/bats/b.bats"
	printf '@test "two" { echo said; false; }\n' >"$dir/bats/a.bats"
	printf '@test "three" { true\n' >"$dir/bats/c.bats"
	run_tests --bats "$dir/bats"
	[ "$status" -eq 1 ]
	[[ $output == *"bats a "*"said"*"bats b "*"bats c "* ]]
	[ "$(last_line)" = "1 passed, 2 failed" ]
}

@test "nothing ran: exit status 1" {
	run_tests
	[ "$status" -eq 1 ]
	[ "$output" = "0 passed, 0 failed" ]
	run_tests --bats "$dir"
	[ "$status" -eq 1 ]
}

@test "a wrong call: exit status 2" {
	run_tests stray
	[ "$status" -eq 2 ]
	run_tests --nonsense
	[ "$status" -eq 2 ]
}

# A source tree of one file, and what check-includes says of it.
check_source() { # path text
	mkdir -p "$dir/tree/$(dirname "$1")"
	printf '/* SPDX-License-Identifier: BSD-3-Clause */\n%b' "$2" >"$dir/tree/$1"
	run scripts/check-includes "$dir/tree"
	rm -r "$dir/tree"
}

@test "check-includes: includes point downward" {
	check_source common/wire/a.c '#include "base/log.h"\n'
	[ "$status" -eq 0 ]
	check_source common/base/a.c '#include "wire/pkt.h"\n'
	[ "$status" -eq 1 ]
	[ "$output" = "common/base/a.c:2: base must not include wire/pkt.h" ]
	check_source common/tcp/a.h '#include "inet/arp.h"\n'
	[ "$status" -eq 1 ]
	check_source common/host/a.h '#include "dp/dp.h"\n'
	[ "$status" -eq 1 ]
	check_source mcc/a.c '#include "lshaper/pipe.h"\n'
	[ "$output" = "mcc/a.c:2: mcc must not include lshaper/pipe.h" ]
	check_source mcc/a.c '#include "plan.h"\n'
	[ "$output" = "mcc/a.c:2: the include names no folder: plan.h" ]
}

@test "check-includes: DPDK stays in common/dp, the own header comes first" {
	check_source common/dp/a.c '#include <rte_mbuf.h>\n'
	[ "$status" -eq 0 ]
	check_source mcc/a.c '#include <rte_mbuf.h>\n'
	[ "$output" = "mcc/a.c:2: only common/dp includes DPDK: rte_mbuf.h" ]
	mkdir -p "$dir/tree/common/base"
	echo '/* SPDX-License-Identifier: BSD-3-Clause */' >"$dir/tree/common/base/a.h"
	check_source common/base/a.c '#include <stdio.h>\n#include "base/a.h"\n'
	[ "$output" = 'common/base/a.c:2: the first include must be its own header, "base/a.h"' ]
}

@test "check-includes: SPDX line, and functions of at most 70 lines" {
	mkdir -p "$dir/tree/mcc"
	echo 'int x;' >"$dir/tree/mcc/a.c"
	run scripts/check-includes "$dir/tree"
	[ "$output" = "mcc/a.c:1: the line SPDX-License-Identifier: BSD-3-Clause is missing" ]
	check_source mcc/a.c "int\nf(void)\n{\n$(printf '\\tg();\\n%.0s' {1..68})}\n"
	[ "$status" -eq 0 ]
	check_source mcc/a.c "int\nf(void)\n{\n$(printf '\\tg();\\n%.0s' {1..69})}\n"
	[ "$output" = "mcc/a.c:74: this function is 71 lines long, 70 are allowed" ]
}
