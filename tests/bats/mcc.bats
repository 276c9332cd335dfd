#!/usr/bin/env bats
# mcc.bats - mcc over the kernel's sockets: nginx, and servers that behave well and badly, on the loopback interface.
# SPDX-License-Identifier: BSD-3-Clause

load lib/flags
load lib/mcc

setup_file() {
	DIR=$(mktemp -d)
	export DIR
	cc -std=gnu11 -O2 -o "$DIR/bad_server" "$BATS_TEST_DIRNAME/lib/bad_server.c"
}

teardown_file() {
	rm -rf "$DIR"
}

setup() {
	PORT=$(free_port)
}

teardown() {
	server_stop
}

# mcc_run STATUS FLAGS...: records to $DIR/csv, words to $DIR/err.
mcc_run() {
	local want=$1 status=0
	shift
	timeout 30 "$BIN/mcc" --network-stack kernel --dest 127.0.0.1 --dest-port "$PORT" "$@" \
		>"$DIR/csv" 2>"$DIR/err" || status=$?
	cat "$DIR/err" "$DIR/csv"
	[ "$status" -eq "$want" ]
}

echo_load() {
	mcc_run "$1" --app echo -c 500 -e 500ms -b 50 -s 500ms -w 100ms -r 10% -l 64 -d "${2:-2500ms}" -i 200ms
	adds_up "$DIR/csv"
}

@test "nginx: all connections, all answers" {
	nginx_start "$PORT"
	await_port "$PORT"
	mcc_run 0 --app http -c 1000 -e 500ms -s 500ms -w 100ms -d 2550ms
	adds_up "$DIR/csv"
	[ "$(field "$DIR/csv" closed)" -eq 1000 ]
	[ "$(field "$DIR/csv" requests)" -eq 4000 ]
	[ "$(field "$DIR/csv" requests_answered)" -eq 4000 ]
	[ "$(field "$DIR/csv" http_errors)" -eq 0 ]
	grep -q 'no connection and no answer was lost' "$DIR/err"
}

@test "nginx: requests leave exactly as the schedule says, whatever c, b and e" {
	nginx_start "$PORT"
	await_port "$PORT"
	# 4 blocks of 3 3 3 1; load from 0.3 s, epochs of 700 ms: the fifth is cut after two blocks.
	mcc_run 0 --app http -c 10 -b 3 -e 700ms -s 200ms -w 100ms -d 3400ms
	[ "$(field "$DIR/csv" requests)" -eq 46 ]
	[ "$(field "$DIR/csv" unsent)" -eq 0 ]
}

@test "iot: requests are answered, heartbeats are not; the ratio is exact" {
	bad_server_start "$PORT" iot
	mcc_run 0 -c 1000 -b 100 -e 1 -s 300ms -w 100ms -r 0.05 -l 200 -d 3350ms
	adds_up "$DIR/csv" without-heartbeats
	[ "$(field "$DIR/csv" requests)" -eq 150 ]
	[ "$(field "$DIR/csv" requests_answered)" -eq 150 ]
	[ "$(field "$DIR/csv" heartbeats)" -eq 2850 ]
	[ -z "$(field "$DIR/csv" heartbeat_us_p50)" ]
}

@test "echo: every message comes back, both classes apart; several threads" {
	bad_server_start "$PORT" echo
	mcc_run 0 --app echo -c 777 -b 100 -e 500ms -s 300ms -w 100ms -r 0.1 -l 1000 -d 2350ms --smp 3
	adds_up "$DIR/csv"
	[ "$(field "$DIR/csv" requests)" -eq $((4 * 777 / 10)) ]
	[ "$(field "$DIR/csv" heartbeats_settled)" -eq $((4 * 777 - 4 * 777 / 10)) ]
	[ "$(field "$DIR/csv" closed)" -eq 777 ]
}

@test "echo in pieces of one octet is put together" {
	bad_server_start "$PORT" dribble
	echo_load 0
}

@test "a server that resets: outcomes add up, connections come back, exit status 1" {
	bad_server_start "$PORT" reset
	echo_load 1 4s
	[ "$(field "$DIR/csv" reset)" -gt 100 ]
	[ "$(field "$DIR/csv" reopened)" -gt 100 ]
	[ "$(field "$DIR/csv" requests_lost)" -gt 0 ]
}

@test "a server that hangs up, half-closes, talks nonsense or too much: likewise" {
	local mode
	for mode in hang-up half garbage chatter; do
		bad_server_start "$PORT" $mode
		echo_load 1
		server_stop
		case $mode in
		hang-up | half) [ "$(field "$DIR/csv" closed_by_server)" -gt 100 ] ;;
		*) [ "$(field "$DIR/csv" broken)" -gt 100 ] ;;
		esac
		PORT=$(free_port)
	done
}

@test "a mute server: every request is lost, after 4 s of waiting" {
	bad_server_start "$PORT" mute
	mcc_run 1 -c 100 -e 500ms -s 100ms -w 0 -d 900ms
	adds_up "$DIR/csv"
	[ "$(field "$DIR/csv" requests_lost)" -eq 200 ]
	grep -q '0 connections, 200 answers' "$DIR/err"
}

@test "a server that does not read: what does not fit is not sent, and counted" {
	bad_server_start "$PORT" stall
	mcc_run 1 --app echo -c 10 -e 1ms -s 0 -w 0 -l 16k -d 1s
	adds_up "$DIR/csv"
	[ "$(field "$DIR/csv" unsent)" -gt 0 ]
	[ "$(field "$DIR/csv" requests)" -eq "$(field "$DIR/csv" requests_lost)" ]
	[ "$(field "$DIR/csv" closed)" -eq 10 ]
}

@test "--think-time: mcc works on each answer before it takes the next" {
	bad_server_start "$PORT" echo
	mcc_run 0 --app echo -c 100 -b 100 -e 1 -s 0 -w 0 -t 1000000 -d 1500ms
	[ "$(field "$DIR/csv" requests_answered)" -eq 200 ]
	awk '/from when due/ { max = $(NF - 1) * ($NF == "s" ? 1000 : 1); exit !(max >= 50) }' "$DIR/err"
}

@test "nobody there: refused, tried again, exit status 1" {
	mcc_run 1 -c 100 -s 500ms -w 100ms -e 500ms -d 2
	adds_up "$DIR/csv"
	[ "$(field "$DIR/csv" refused)" -ge 100 ]
	[ "$(field "$DIR/csv" requests)" -eq 0 ]
	[ "$(field "$DIR/csv" unsent)" -gt 0 ]
}

@test "a server that dies in the middle: said, counted, and mcc goes on" {
	bad_server_start "$PORT" echo
	(sleep 1 && kill "$SERVER") 3>&- &
	echo_load 1 3
	wait
	[ "$(field "$DIR/csv" established)" -eq 0 ]
	[ "$(field "$DIR/csv" refused)" -gt 0 ]
}

@test "SIGINT in the set-up and in the load: a summary, exit status 0" {
	bad_server_start "$PORT" echo
	local wait_s pid
	for wait_s in 0.3 1.5; do
		"$BIN/mcc" --network-stack kernel --dest 127.0.0.1 --dest-port "$PORT" --app echo -c 500 -e 500ms \
			-s 1 -w 100ms >"$DIR/csv" 2>"$DIR/err" 3>&- &
		pid=$!
		sleep $wait_s
		kill -INT $pid
		wait $pid
		cat "$DIR/err"
		grep -q 'held to the end' "$DIR/err"
		adds_up "$DIR/csv"
		[ "$(field "$DIR/csv" phase)" = "done" ]
	done
}

@test "many source addresses on the loopback interface" {
	bad_server_start "$PORT" echo
	mcc_run 0 --app echo -c 300 -e 500ms -s 100ms -w 0 -d 800ms --ip 127.0.0.11/8 --ips 100
	[ "$(field "$DIR/csv" closed)" -eq 300 ]
}

@test "records: text, JSON lines, a reader that goes away" {
	bad_server_start "$PORT" echo
	local flags=(--network-stack kernel --dest 127.0.0.1 --dest-port "$PORT" --app echo -c 10 -e 100ms -s 0 -w 0
		-d 1 -i 100ms)
	run timeout 20 "$BIN/mcc" "${flags[@]}" --format json
	[ "$status" -eq 0 ]
	grep -q '^{"time_s":0.1.*"heartbeat_us_p50":null,.*}$' <<<"$output"
	run timeout 20 "$BIN/mcc" "${flags[@]}" --format text
	grep -q 'time_s.*latency_us_p99' <<<"$output"
	run bash -c "timeout 20 $BIN/mcc ${flags[*]} 2>$DIR/err | head -n 2; echo \${PIPESTATUS[0]}"
	[ "${#lines[@]}" -eq 3 ] && [ "${lines[2]}" -eq 0 ]
	[ "$(grep -c 'nobody reads' "$DIR/err")" -eq 1 ]
	[ "$(grep -ci 'broken pipe' "$DIR/err")" -eq 0 ]
	timeout 20 "$BIN/mcc" "${flags[@]}" >/dev/full 2>"$DIR/err" && return 1
	[ "$(grep -c 'cannot write records' "$DIR/err")" -eq 1 ]
	grep -q 'no connection and no answer was lost' "$DIR/err"
}

@test "--log-duration says a line in its time, --quiet does not" {
	bad_server_start "$PORT" echo
	mcc_run 0 --app echo -c 10 -e 100ms -s 0 -w 0 -d 1 -i 100ms --log-duration 300ms
	[ "$(grep -c 'established, sent' "$DIR/err")" -ge 3 ]
	mcc_run 0 --app echo -c 10 -e 100ms -s 0 -w 0 -d 1 -i 100ms --log-duration 300ms --quiet
	[ "$(grep -c 'established, sent' "$DIR/err")" -eq 0 ]
	grep -q 'requests sent' "$DIR/err"
}
