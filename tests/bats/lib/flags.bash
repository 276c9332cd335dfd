# flags.bash - what is checked of the flags of every tool.
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash

BIN=$(cd "${BIN:-bin}" && pwd)

# fails_with STATUS PATTERN TOOL ARGS...: ends at once with that status, and its one or two lines match.
fails_with() {
	local want=$1 pattern=$2
	shift 2
	run timeout 10 "$BIN/$1" "${@:2}"
	echo "$*: status $status: $output"
	[ "$status" -eq "$want" ] && grep -q -- "$pattern" <<<"$output" && [ "${#lines[@]}" -le 4 ]
}

# refuses TOOL FLAG VALUE ALLOWED: exit status 2, and the message names flag, value and what is allowed.
refuses() {
	fails_with 2 "$4" "$1" "$2" "$3" && grep -q -- "$2" <<<"$output" && grep -qF -- "$3" <<<"$output"
}

man_page() {
	echo "$BATS_TEST_DIRNAME/../../man/$1.$2"
}

# The long options that --help shows are those of the man page, and the text fits a screen.
help_and_man_agree() {
	run "$BIN/$1" --help
	[ "$status" -eq 0 ] && [ "${#lines[@]}" -le 50 ]
	local help man
	help=$(sed 's/--\[no-\]\([a-z-]*\)/--\1 --no-\1/' <<<"$output" |
		grep -o -- '--[a-z][a-z-]*' | sort -u)
	man=$(sed -n '/^.Sh OPTIONS/,/^.Sh/s/^.It//p' "$(man_page "$1" "$2")" |
		grep -o ' -[a-z][a-z-]*' | sed 's/ -/--/' | sort -u)
	diff <(echo "$help" | grep -v -x -e --no-huge) <(echo "$man" | grep -v -x -e --no-huge)
}

# fields_and_man_agree TOOL SECTION ARGS...: the CSV header is the FIELDS section.
fields_and_man_agree() {
	local tool=$1 section=$2
	shift 2
	diff <(timeout 20 "$BIN/$tool" --format csv "$@" 2>/dev/null | head -n 1 | tr , '\n') \
		<(sed -n '/^.Sh FIELDS/,/^.Sh EXIT/s/^.It Va //p' "$(man_page "$tool" "$section")")
}
