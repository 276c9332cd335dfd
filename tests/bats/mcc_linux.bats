#!/usr/bin/env bats
# mcc_linux.bats - mcc on its own stack against Linux: nginx and servers good and bad over veth; the manual's examples.
# SPDX-License-Identifier: BSD-3-Clause

load lib/flags
load lib/mcc

setup_file() {
	[ "$(id -u)" -eq 0 ] || skip "needs root for network namespaces"
	DIR=$(mktemp -d)
	export DIR
	cc -std=gnu11 -O2 -o "$DIR/bad_server" "$BATS_TEST_DIRNAME/lib/bad_server.c"
	net_up
}

teardown_file() {
	[ -n "${DIR:-}" ] || return 0
	net_down
	rm -rf "$DIR"
}

setup() {
	C10M_RUN=$(mktemp -d)
	export C10M_RUN
}

teardown() {
	for tool in mcc qstackd; do
		tool_stop $tool KILL
	done
	server_stop
	rm -rf "$C10M_RUN"
}

# mcc_run STATUS FLAGS...
mcc_run() {
	local want=$1 status=0
	shift
	timeout 60 ip netns exec "$NS_C" "$BIN/mcc" "$@" >"$DIR/csv" 2>"$DIR/err" || status=$?
	cat "$DIR/err" "$DIR/csv"
	[ "$status" -eq "$want" ] && adds_up "$DIR/csv"
}

# mcc_ends STATUS: the mcc that was started by tool_start.
mcc_ends() {
	local status=0
	wait "$MCC" || status=$?
	MCC=
	cp "$DIR/mcc.csv" "$DIR/csv"
	cat "$DIR/mcc.err" "$DIR/mcc.csv"
	[ "$status" -eq "$1" ] && adds_up "$DIR/csv"
}

veth=(--port af_packet:mc --ip 10.79.0.11/24 --ips 50 --dest 10.79.0.1)

@test "nginx over veth: all connections, all answers" {
	nginx_start 80 10.79.0.1: ip netns exec "$NS_S"
	await_listener 80
	mcc_run 0 "${veth[@]}" --app http -c 1000 -e 1 -s 500ms -w 100ms -d 4
	[ "$(field "$DIR/csv" closed)" -eq 1000 ]
	[ "$(field "$DIR/csv" requests_answered)" -ge 3000 ]
	[ "$(field "$DIR/csv" requests_lost)" -eq 0 ]
}

@test "a Linux echo server over veth: every octet back; heartbeats to ACK against iot" {
	linux_start 7 echo
	mcc_run 0 "${veth[@]}" --app echo --dest-port 7 -c 1000 -e 1 -r 0.1 -l 3000 -s 500ms -w 100ms -d 4
	[ "$(field "$DIR/csv" heartbeats_settled)" -ge 2700 ]
	server_stop
	linux_start 80 iot
	mcc_run 0 "${veth[@]}" -c 1000 -e 1 -r 0.1 -l 200 -s 500ms -w 100ms -d 4
	[ "$(field "$DIR/csv" requests_answered)" -ge 300 ]
	[ "$(field "$DIR/csv" heartbeats_settled)" -ge 2700 ]
}

@test "Linux servers that reset, hang up, half-close or talk nonsense, over veth" {
	local mode
	for mode in reset hang-up half garbage; do
		linux_start 7 $mode
		mcc_run 1 "${veth[@]}" --app echo --dest-port 7 -c 200 -e 200ms -b 20 -s 200ms -w 0 -d 2500ms
		server_stop
		[ "$(field "$DIR/csv" reopened)" -ge 100 ]
		[ "$(field "$DIR/csv" timed_out)" -eq 0 ]
	done
}

@test "a Linux server that does not read: the window closes, what does not fit is not sent" {
	linux_start 7 stall
	mcc_run 1 "${veth[@]}" --app echo --dest-port 7 -c 10 -e 1ms -s 0 -w 0 -l 16k -d 2
	[ "$(field "$DIR/csv" unsent)" -gt 0 ]
	[ "$(field "$DIR/csv" requests)" -eq "$(field "$DIR/csv" requests_lost)" ]
	[ "$(field "$DIR/csv" timed_out)" -eq 0 ]
}

@test "100,000 random and mutated frames while it loads a server: it goes on" {
	local storm=${BUILD:-build}/tests/tools/storm mac
	[ -x "$storm" ] || skip "no $storm"
	nginx_start 80 10.79.0.1: ip netns exec "$NS_S"
	await_listener 80
	MCC=
	ip netns exec "$NS_C" "$BIN/mcc" "${veth[@]}" --app http -c 200 -e 500ms -s 500ms -w 100ms -d 8 -v \
		>"$DIR/mcc.csv" 2>"$DIR/mcc.err" 3>&- &
	MCC=$!
	await "$DIR/mcc.csv" load
	mac=$(ip netns exec "$NS_C" cat /sys/class/net/mc/address)
	ip netns exec "$NS_S" timeout 60 "$storm" ms 100000 1 "$mac" 10.79.0.11 1024
	mcc_ends 0
	grep -q 'stack: drop_no_connection [1-9]' "$DIR/mcc.err"
	[ "$(field "$DIR/csv" closed)" -eq 200 ]
	[ "$(field "$DIR/csv" requests_answered)" -gt 2000 ]
}

# run_example WORDS...: in $NS_S, with the server that it wants.
run_example() {
	local status=0 in_ns=(ip netns exec "$NS_S" env PATH="$BIN:$PATH")
	case "$*" in
	*'--app http'*) nginx_start 80 127.0.0.1: "${in_ns[@]}" && await_listener 80 ;;
	*'--app echo'*) linux_start 7 echo 127.0.0.1 ;;
	esac
	case "$*" in
	*' -d '* | *--check) timeout 30 "${in_ns[@]}" "$@" >"$DIR/csv" 2>"$DIR/err" || status=$? ;;
	*) timeout --preserve-status -s INT 8 "${in_ns[@]}" "$@" >"$DIR/csv" 2>"$DIR/err" || status=$? ;;
	esac
	server_stop
	echo "$*"
	cat "$DIR/err"
	[ "$status" -eq 0 ] || return 1
	[[ $* == *--check ]] || grep -q 'no connection and no answer was lost' "$DIR/err"
}

@test "the examples of the man page, as they are printed" {
	local n=0 words
	ip -n "$NS_S" link set lo up
	tool_start qstackd
	while read -r -a words; do
		run_example "${words[@]}"
		n=$((n + 1))
	done < <(sed -n 's/^\.Dl \$ \(mcc .*\)/\1/p' "$(man_page mcc 1)")
	[ "$n" -eq 4 ]
}
