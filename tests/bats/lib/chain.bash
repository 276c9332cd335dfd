# chain.bash - the four tools on one machine, joined by memif wires in a runtime directory of the test's own.
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash

chain_setup() {
	DIR=$(mktemp -d)
	C10M_RUN=$DIR/run
	mkdir -m 700 "$C10M_RUN"
	export C10M_RUN
	declare -gA PID=()
	: >"$DIR/pids"
}

# Whatever was started and not waited for, here or in a subshell; gnuplot ends with its pipe.
chain_teardown() {
	local pid
	while read -r pid; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done <"$DIR/pids"
	rm -rf "$DIR"
}

remember() {
	echo "$1" >>"$DIR/pids"
}

# start TOOL FLAGS...: pid in ${PID[TOOL]}, records to $W/TOOL.csv, words to $W/TOOL.err ($W: $DIR). A tool that is
# started again adds to them.
start() {
	local tool=$1
	shift
	"$BIN/$tool" "$@" >>"${W:-$DIR}/$tool.csv" 2>>"${W:-$DIR}/$tool.err" 3>&- &
	PID[$tool]=$!
	remember $!
}

# finish TOOL [SIGNAL]: its exit status; what it said is shown.
finish() {
	local status=0
	[ $# -lt 2 ] || kill "-$2" "${PID[$1]}"
	wait "${PID[$1]}" || status=$?
	unset "PID[$1]"
	echo "--- $1 ended with status $status"
	cat "${W:-$DIR}/$1.err"
	return $status
}

# murder TOOL
murder() {
	kill -KILL "${PID[$1]}"
	wait "${PID[$1]}" || true
	unset "PID[$1]"
}

# says TOOL PATTERN [TIMES]: waits until it has said so, that often.
says() {
	local file=${W:-$DIR}/$1.err
	for _ in $(seq 400); do
		[ "$(grep -c -- "$2" "$file")" -lt "${3:-1}" ] || return 0
		sleep 0.05
	done
	echo "$1 never said, ${3:-1} times: $2"
	cat "$file"
	return 1
}

# reaches FIELD VALUE: waits until a record of mcc has at least that; rows that are not numbers do not count.
reaches() {
	for _ in $(seq 400); do
		[ "$(field "${W:-$DIR}/mcc.csv" "$1" | grep -x '[0-9]\+' || echo 0)" -lt "$2" ] || return 0
		sleep 0.05
	done
	echo "mcc never had $1 at $2: $(field "${W:-$DIR}/mcc.csv" "$1")"
	return 1
}

# All four on their default wires; hcmon reads before there is a frame: chain_up LSHAPER-FLAGS -- MCC-FLAGS
chain_up() {
	local shaping=()
	while [ "$1" != -- ]; do
		shaping+=("$1")
		shift
	done
	shift
	start lshaper "${shaping[@]}" --interval 100ms
	start hcmon --format csv --total "$DIR/total" --interval 100ms
	says lshaper 'mirror: .* is there'
	says hcmon 'room for'
	start qstackd --message-length 16
	says lshaper 'port B: qstackd is there'
	start mcc --dest 192.168.3.10 --interval 100ms "$@"
}

# All frames that came into lshaper are accounted for, and so are those that passed port B on the mirror: balanced FILE
balanced() {
	local d
	for d in ab ba; do
		[ "$(sum "$1" ${d}_rx_frames)" -eq $(($(sum "$1" ${d}_tx_frames) + $(sum "$1" ${d}_drops_model) +
			$(sum "$1" ${d}_drops_hold_full) + $(sum "$1" ${d}_drops_tx_full) +
			$(sum "$1" ${d}_drops_port_down) + $(sum "$1" ${d}_drops_too_long) + $(last "$1" ${d}_held_frames))) ]
	done
	[ $(($(sum "$1" mirror_frames) + $(sum "$1" mirror_drops) + $(sum "$1" mirror_no_peer))) -eq \
		$(($(sum "$1" ab_tx_frames) + $(sum "$1" ba_rx_frames))) ]
}
