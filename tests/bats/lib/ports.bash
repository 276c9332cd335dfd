# ports.bash - dp_echo at the ends of a port, and what it reported.
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# shellcheck disable=SC2086 # $PREFIX is words

ECHO=$(cd "${BUILD:-build}" && pwd)/tests/tools/dp_echo

ports_setup() {
	DIR=$(mktemp -d)
	C10M_RUN=$DIR/run
	mkdir -m 700 "$C10M_RUN"
	export C10M_RUN
	PIDS=()
	PREFIX=
}

ports_teardown() {
	local pid
	for pid in "${PIDS[@]}"; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	rm -rf "$DIR"
}

# start NAME ARGS...: dp_echo in the background, its words in $DIR/NAME.{out,err}; returns when its ports are open.
# $PREFIX
# goes before the program: ip netns exec, taskset. It ends by itself.
start() {
	local name=$1
	shift
	: >"$DIR/$name.err"
	$PREFIX "$ECHO" "$@" >"$DIR/$name.out" 2>"$DIR/$name.err" 3>&- &
	LAST=$!
	PIDS+=("$LAST")
	wait_for "$name" ' open, '
}

wait_for() { # name pattern
	local i
	for i in $(seq 200); do
		! grep -q -- "$2" "$DIR/$1.err" || return 0
		sleep 0.02
	done
	echo "$1 never said '$2' ($i):"
	cat "$DIR/$1.err"
	return 1
}

# finish PID NAME: waits for its end; what it reported is shown and left in $output.
finish() {
	wait "$1"
	status=$?
	output=$(cat "$DIR/$2.out")
	echo "$2: $output"
	return "$status"
}

# dp NAME ARGS...: to its end.
dp() {
	start "$@" || true
	finish "$LAST" "$1" || {
		cat "$DIR/$1.err"
		return 1
	}
}

# is EXPRESSION: of the last report's fields and numbers, in awk: is 'rx == 100'.
is() {
	local fields
	mapfile -t fields < <(grep -o '\b[a-z_0-9]*=[0-9.]*' <<<"$output" | sed 's/^/-v/')
	awk "${fields[@]}" "BEGIN { exit !($1) }" || {
		echo "not so: $1"
		return 1
	}
}

# refuses PATTERN ARGS...: exit status 1 and one line.
refuses() {
	local pattern=$1
	shift
	run $PREFIX timeout 10 "$ECHO" "$@" -t 0.1 -H 0
	echo "$*: status $status: $output"
	[ "$status" -eq 1 ] && [ "$(wc -l <<<"$output")" -eq 1 ] && grep -q -- "$pattern" <<<"$output"
}

needs_root() {
	[ "$(id -u)" -eq 0 ] || skip "namespaces and raw sockets need root"
}

# Two namespaces and a wire: $NS_A with va, $NS_B with vb.
veth_up() {
	NS_A=dp-$$-a NS_B=dp-$$-b
	ip netns add "$NS_A"
	ip netns add "$NS_B"
	ip -n "$NS_A" link add va type veth peer name vb netns "$NS_B"
	ip -n "$NS_A" link set va up
	ip -n "$NS_B" link set vb up
}

veth_down() {
	[ -z "${NS_A:-}" ] || ip netns del "$NS_A" || true
	[ -z "${NS_B:-}" ] || ip netns del "$NS_B" || true
}
