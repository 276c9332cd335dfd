#!/usr/bin/env bats
# mcc_wire.bats - mcc on its own stack: with qstackd and lshaper over memif, in any order, whatever happens to them.
# SPDX-License-Identifier: BSD-3-Clause

load lib/flags
load lib/mcc

setup_file() {
	DIR=$(mktemp -d)
	export DIR
}

teardown_file() {
	rm -rf "$DIR"
}

setup() {
	C10M_RUN=$(mktemp -d)
	export C10M_RUN
}

teardown() {
	for tool in mcc qstackd lshaper; do
		tool_stop $tool KILL
	done
	rm -rf "$C10M_RUN"
}

# mcc_run STATUS FLAGS...
mcc_run() {
	local want=$1 status=0
	shift
	timeout 60 "$BIN/mcc" "$@" >"$DIR/csv" 2>"$DIR/err" || status=$?
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

# 2000 connections, three epochs of a second.
iot_load=(-c 2000 -e 1 -r 0.05 -l 200 -s 500ms -w 100ms -d 3550ms)

all_went_well() {
	[ "$(field "$DIR/csv" closed)" -eq 2000 ]
	[ "$(field "$DIR/csv" requests)" -eq 300 ]
	[ "$(field "$DIR/csv" requests_answered)" -eq 300 ]
	[ "$(field "$DIR/csv" heartbeats)" -eq 5700 ]
	[ "$(field "$DIR/csv" heartbeats_settled)" -eq 5700 ]
	[ "$(field "$DIR/csv" unsent)" -eq 0 ]
}

@test "qstackd, mcc: the plain words" {
	tool_start qstackd
	mcc_run 0 "${iot_load[@]}" --dest 192.168.3.10
	all_went_well
	grep -q 'on memif:server, qstackd is there' "$DIR/err"
	grep -q 'no connection and no answer was lost' "$DIR/err"
}

@test "mcc first: it says what it waits for" {
	tool_start mcc "${iot_load[@]}"
	await "$DIR/mcc.err" 'waiting for lshaper on memif:client, or qstackd on memif:server'
	tool_start qstackd
	await "$DIR/mcc.err" 'waiting for lshaper on memif:client, for a moment'
	mcc_ends 0
	all_went_well
}

@test "mcc, qstackd, and lshaper within the grace: the shaper's wire is taken" {
	tool_start mcc "${iot_load[@]}"
	tool_start qstackd
	await "$DIR/mcc.err" 'waiting for lshaper on memif:client, for a moment'
	tool_start lshaper --delay 5ms
	mcc_ends 0
	all_went_well
	grep -q 'on memif:client, lshaper is there' "$DIR/mcc.err"
}

@test "lshaper first, then mcc, then qstackd: waits for the server behind the shaper" {
	tool_start lshaper
	tool_start mcc "${iot_load[@]}"
	await "$DIR/mcc.err" 'waiting for 192.168.3.10 to answer ARP on memif:client'
	tool_start qstackd
	mcc_ends 0
	all_went_well
}

# Retransmitted messages may share a segment, so the server is told their length. Of 400 connections about 8 lose a SYN and begin
# with an RTO of 3 s; one of these would have to lose a message twice for an answer to come too late.
@test "through 20 ms and 0.5 % loss: every answer, none earlier than the delay" {
	tool_start qstackd --message-length 200
	tool_start lshaper --delay 20ms --drop 0.5%
	mcc_run 0 -c 400 -e 500ms -r 0.5 -l 200 -s 500ms -w 1 -d 5
	[ "$(field "$DIR/csv" requests_lost)" -eq 0 ]
	[ "$(field "$DIR/csv" segs_retransmitted)" -gt 0 ]
	# latency_us_p50 of each record that has one
	awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "latency_us_p50") column = i; next }
		$column != "" { n++; if ($column < 40000 || $column > 80000) exit 1 } END { exit n < 3 }' "$DIR/csv"
}

@test "echo and http of qstackd; messages of several segments" {
	tool_start qstackd --app echo --app http
	mcc_run 0 -c 500 -e 500ms -s 100ms -w 0 -d 2 --app echo --dest-port 7 -r 0.1 -l 5000
	[ "$(field "$DIR/csv" heartbeats_settled)" -gt 1000 ]
	mcc_run 0 -c 500 -e 500ms -s 100ms -w 0 -d 2 --app http
	[ "$(field "$DIR/csv" requests_answered)" -ge 1500 ]
}

@test "two threads, two queues" {
	[ "$(nproc)" -ge 2 ] || skip "one core"
	tool_start qstackd --cores 0-1
	mcc_run 0 "${iot_load[@]}" --smp 3
	all_went_well
	[ "$(grep -c 'has 1 queue' "$DIR/err")" -eq 0 ]
}

@test "no more messages on their way than there is memory for: they wait, and all leave" {
	tool_start qstackd
	mcc_run 0 -c 100000 -b 100000 -e 3 -r 0.01 -l 200 -s 1 -w 500ms -d 6
	[ "$(field "$DIR/csv" requests)" -eq 2000 ]
	[ "$(field "$DIR/csv" heartbeats_settled)" -eq 198000 ]
}

@test "the server dies and comes back: mcc goes on, outcomes add up" {
	tool_start qstackd
	tool_start mcc -c 500 -e 500ms -r 0.5 -s 200ms -w 0 -d 9
	await "$DIR/mcc.err" 'on memif:server, qstackd is there'
	sleep 1
	tool_stop qstackd KILL
	await "$DIR/mcc.err" 'qstackd is gone; waiting for it on memif:server'
	tool_start qstackd
	mcc_ends 1
	grep -q 'qstackd is back on memif:server' "$DIR/mcc.err"
	[ "$(field "$DIR/csv" reset)" -ge 500 ]
	[ "$(field "$DIR/csv" reopened)" -ge 500 ]
	[ "$(field "$DIR/csv" closed)" -eq 500 ]
}

@test "SIGINT in the set-up and in the load; SIGTERM while waiting: exit status 0" {
	tool_start qstackd
	local s
	for s in 0.3 2; do
		tool_start mcc -c 5000 -e 1 -s 1 -w 100ms
		await "$DIR/mcc.err" 'on memif:server, qstackd is there'
		sleep $s
		kill -INT "$MCC"
		mcc_ends 0
		grep -q 'held to the end' "$DIR/mcc.err"
	done
	tool_start mcc --port memif:nobody
	await "$DIR/mcc.err" 'waiting for the other end of memif:nobody'
	kill -TERM "$MCC"
	wait "$MCC"
	MCC=
}

@test "a closed port: refused, counted, tried again" {
	tool_start qstackd
	mcc_run 1 -c 100 --dest-port 81 -s 100ms -w 0 -e 500ms -d 2
	[ "$(field "$DIR/csv" refused)" -ge 100 ]
	[ "$(field "$DIR/csv" established)" -eq 0 ]
}
