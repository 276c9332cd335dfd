# lib.bash - what the benchmarks share: processes that end with their script, records, and the verdict.
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# A benchmark writes CSV to $OUT, prints its table, prints the figure on its last line, and exits with 0 when the figure
# holds, 4 when it falls short, 1 when it could not be taken.

set -eu
export LC_ALL=C

BENCH=$(basename "$0")
SCRIPTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BIN=${BIN:-$SCRIPTS/../bin}
OUT=${OUT:-out/bench}
C10M_RUN=$(mktemp -d)
export C10M_RUN
mkdir -p "$OUT"
declare -A PIDS=()

finish() {
	local tool
	for tool in "${!PIDS[@]}"; do
		kill -KILL "${PIDS[$tool]}" 2>/dev/null || true
	done
	rm -rf "$C10M_RUN"
}
trap finish EXIT
trap 'exit 130' INT TERM

# start TOOL FLAGS...: records to $OUT/$BENCH-TOOL.csv, words to .log, pid in ${PIDS[TOOL]}.
start() {
	local tool=$1
	shift
	"$BIN/$tool" --format csv "$@" >"$OUT/$BENCH-$tool.csv" 2>"$OUT/$BENCH-$tool.log" &
	PIDS[$tool]=$!
}

# stop TOOL: SIGINT, and its exit status.
stop() {
	local status=0
	kill -INT "${PIDS[$1]}" 2>/dev/null || true
	wait "${PIDS[$1]}" || status=$?
	unset "PIDS[$1]"
	return $status
}

# field FILE NAME: in the last record that has it.
field() {
	awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) c = i }
		NR > 1 && $c != "" { v = $c } END { print v }' "$1"
}

record() {
	field "$OUT/$BENCH-$1.csv" "$2"
}

# await SECONDS TOOL FIELD VALUE: until the field of the tool's records has reached the value.
await() {
	local i v
	for ((i = 0; i < $1 * 5; i++)); do
		v=$(record "$2" "$3")
		awk -v v="${v:-0}" -v want="$4" 'BEGIN { exit !(v + 0 >= want + 0) }' && return
		kill -0 "${PIDS[$2]}" 2>/dev/null || break
		sleep 0.2
	done
	echo "$BENCH: $2 did not reach $3 $4: $(tail -n 2 "$OUT/$BENCH-$2.log")" >&2
	exit 1
}

# Resident memory and hugepages of a tool in octets.
memory() {
	awk '/^(VmRSS|HugetlbPages)/ { sum += $2 } END { printf "%.0f\n", sum * 1024 }' "/proc/${PIDS[$1]}/status"
}

# CPU time of a tool in seconds.
cpu() {
	awk -v hz="$(getconf CLK_TCK)" '{ sub(/^.*\) /, ""); print ($12 + $13) / hz }' "/proc/${PIDS[$1]}/stat"
}

# verdict VALUE LIMIT WHAT: the last line; VALUE must not be above LIMIT.
verdict() {
	if awk -v v="$1" -v limit="$2" 'BEGIN { exit !(v <= limit) }'; then
		echo "$BENCH: $1 $3 (at most $2): holds"
	else
		echo "$BENCH: $1 $3 (at most $2): falls short"
		exit 4
	fi
}
