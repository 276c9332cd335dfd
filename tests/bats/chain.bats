#!/usr/bin/env bats
# chain.bats - the four tools together over memif: as typed, in any order, through death and sleep; the demo.
# SPDX-License-Identifier: BSD-3-Clause

bats_require_minimum_version 1.5.0
load lib/flags
load lib/mcc
load lib/lshaper
load lib/chain

setup() {
	chain_setup
}

teardown() {
	chain_teardown
}

# in_order NAME TOOL...: the four in four terminals; what they say is in $DIR/NAME. mcc has a word more than it needs: all
# send once, together, and there is time for what is lost to be sent again. hcmon and gnuplot are a pipe.
in_order() {
	local tool status=0
	W=$DIR/$1
	mkdir "$W" && mkdir -m 700 "$W/run"
	export C10M_RUN=$W/run PATH=$BIN:$PATH
	shift
	for tool; do
		case $tool in
		qstackd) qstackd >"$W/qstackd.csv" 2>"$W/qstackd.err" & ;;
		lshaper) lshaper --delay 50ms --drop 1% >"$W/lshaper.csv" 2>"$W/lshaper.err" & ;;
		mcc) mcc -c 1000 --dest 192.168.3.10 -b 1000 -s 1 -d 11 >"$W/mcc.csv" 2>"$W/mcc.err" & ;;
		hcmon) { hcmon --gnuplot 2>"$W/hcmon.err" & echo $! >"$W/hcmon.pid"; wait $!; } |
			GNUTERM=dumb gnuplot >"$W/pictures" 2>"$W/gnuplot.err" & ;;
		esac
		PID[$tool]=$!
		remember $!
		sleep 0.3
	done
	remember "$(cat "$W/hcmon.pid")"
	finish mcc || status=$?
	finish lshaper INT || status=$?
	finish qstackd INT || status=$?
	kill -INT "$(cat "$W/hcmon.pid")"
	finish hcmon || status=$?
	return $status
}

# What must have come of it.
all_answered() {
	local retransmitted
	grep 'no connection and no answer was lost' "$1/mcc.err"
	grep 'on memif:client, lshaper is there' "$1/mcc.err"
	adds_up "$1/mcc.csv"
	balanced "$1/lshaper.csv"
	[ "$(field "$1/mcc.csv" closed)" -eq 1000 ]
	[ $(($(field "$1/mcc.csv" requests) + $(field "$1/mcc.csv" unsent))) -eq 1000 ]
	[ "$(field "$1/mcc.csv" requests)" -ge 990 ]
	[ "$(field "$1/mcc.csv" requests_answered)" -eq "$(field "$1/mcc.csv" requests)" ]
	retransmitted=$(field "$1/mcc.csv" segs_retransmitted)
	echo "$1: $retransmitted segments sent again by mcc, $(field "$1/qstackd.csv" segs_retransmitted) by qstackd"
	[ "$retransmitted" -gt 0 ]
	[ "$(field "$1/qstackd.csv" segs_retransmitted)" -gt 0 ]
	[ ! -s "$1/gnuplot.err" ]
	grep -q 'hcmon: .* \(99[0-9]\|1.00k\) connections open' "$1/pictures"
	grep -q 'distribution since the start' "$1/pictures"
	grep -q '\*\*\*\*\*' "$1/pictures"
}

@test "the card's words, four terminals, four orders at once: 1 % is lost, every answer comes" {
	local i job=() ended=0
	local orders=("qstackd lshaper mcc hcmon" "mcc hcmon lshaper qstackd" "hcmon mcc qstackd lshaper" "lshaper mcc qstackd hcmon")
	for i in 0 1 2 3; do
		# shellcheck disable=SC2086 # words
		in_order "$i" ${orders[i]} >"$DIR/$i.out" 2>&1 3>&- &
		job+=($!)
		remember $!
	done
	for i in 0 1 2 3; do
		wait "${job[i]}" || ended=$?
		echo "=== ${orders[i]}"
		cat "$DIR/$i.out"
	done
	[ $ended -eq 0 ]
	for i in 0 1 2 3; do
		all_answered "$DIR/$i"
	done
}

@test "hcmon counts what mcc counts; the client's latency is twice the delay and what hcmon saw" {
	chain_up --delay 5ms -- -c 2000 -b 40 -e 1 -s 1 -w 500ms -r 20% -d 4500ms
	finish mcc
	sleep 0.5 # the last segments are on their way
	finish hcmon INT
	finish lshaper INT
	finish qstackd INT
	adds_up "$DIR/mcc.csv"
	balanced "$DIR/lshaper.csv"
	[ "$(field "$DIR/mcc.csv" requests)" -eq 1200 ]
	[ "$(field "$DIR/mcc.csv" heartbeats)" -eq 4800 ]
	[ "$(field "$DIR/qstackd.csv" requests)" -eq 1200 ]
	[ "$(field "$DIR/qstackd.csv" heartbeats)" -eq 4800 ]
	[ "$(field "$DIR/qstackd.csv" answers)" -eq 1200 ]
	[ "$(sum "$DIR/lshaper.csv" mirror_drops)" -eq 0 ]
	[ "$(field "$DIR/total" pkts)" -eq "$(sum "$DIR/lshaper.csv" mirror_frames)" ]
	[ "$(field "$DIR/total" requests)" -eq 1200 ]
	[ "$(field "$DIR/total" matched)" -eq 1200 ]
	[ "$(field "$DIR/total" heartbeats)" -eq 4800 ]
	[ "$(field "$DIR/total" heartbeats_acked)" -eq 4800 ]
	[ "$(field "$DIR/total" conns_opened)" -eq 2000 ]
	[ "$(field "$DIR/total" conns_closed)" -eq 2000 ]
	[ "$(field "$DIR/total" tap_losses)" -eq 0 ]
	# Medians: 10 ms on the way, the server's part, and what wires and wakes take: little, but for other programs.
	local client server
	client=$(sed -n 's/^  request, from departure *\([0-9.]*\) ms .*/\1/p' "$DIR/mcc.err")
	server=$(field "$DIR/total" high_us_p50)
	echo "client: $client ms, server: $server us"
	awk -v c="$client" -v s="$server" 'BEGIN { rest = c * 1000 - 10000 - s; print rest " us"; exit !(rest > -100 && rest < 20000) }'
}

@test "kill -9 of hcmon and of lshaper: the others say so and go on, nothing is lost" {
	chain_up --delay 5ms -- -c 1000 -b 20 -e 1 -s 500ms -w 500ms
	reaches requests 500
	murder hcmon
	says lshaper 'mirror: hcmon is gone'
	start hcmon --format csv --total "$DIR/total"
	says lshaper 'mirror: hcmon is there' 2
	murder lshaper
	says mcc 'lshaper is gone; waiting for it on memif:client'
	says qstackd 'memif:server[^ ]*: the other end is gone'
	says hcmon 'memif:mirror[^ ]*: the other end went away'
	start lshaper --delay 5ms --interval 100ms
	says mcc 'lshaper is back on memif:client'
	says qstackd 'memif:server[^ ]*: the other end is there' 2
	says hcmon 'memif:mirror[^ ]*: the other end is there'
	# After the gap hcmon takes the first request of each connection for doubtful; there are 1000, and as many requests a second.
	local seen
	seen=$(field "$DIR/mcc.csv" requests_answered)
	reaches requests_answered $((seen + 4000))
	finish mcc INT
	finish hcmon INT
	finish lshaper INT
	finish qstackd INT
	adds_up "$DIR/mcc.csv"
	[ "$(field "$DIR/mcc.csv" closed)" -eq 1000 ]
	[ "$(field "$DIR/mcc.csv" reopened)" -eq 0 ]
	[ "$(field "$DIR/total" matched)" -ge 100 ]
}

@test "kill -9 of qstackd: mcc counts what was lost, opens again, and is served again" {
	chain_up --delay 5ms -- -c 1000 -b 20 -e 1 -s 500ms -w 500ms
	reaches requests 500
	murder qstackd
	says lshaper 'port B: qstackd is gone'
	sleep 0.5
	start qstackd --message-length 16
	says lshaper 'port B: qstackd is there' 2
	reaches reset 1000
	reaches established 1000
	local seen
	seen=$(field "$DIR/mcc.csv" requests_answered)
	reaches requests_answered $((seen + 500))
	local status=0
	finish mcc INT || status=$?
	[ "$status" -eq 1 ]
	grep -q 'lost: 1000 connections' "$DIR/mcc.err"
	finish hcmon INT
	finish lshaper INT
	finish qstackd INT
	adds_up "$DIR/mcc.csv"
	balanced "$DIR/lshaper.csv"
	[ "$(field "$DIR/mcc.csv" reset)" -eq 1000 ]
	[ "$(field "$DIR/mcc.csv" reopened)" -ge 1000 ]
	[ "$(field "$DIR/mcc.csv" closed)" -eq 1000 ]
	[ "$(field "$DIR/mcc.csv" requests_lost)" -gt 0 ]
	[ "$(field "$DIR/qstackd.csv" accepted)" -eq 1000 ]
	[ "$(sum "$DIR/lshaper.csv" ab_drops_port_down)" -gt 0 ]
}

# asleep TOOL: for 2 s, in the load
asleep() {
	kill -STOP "${PID[$1]}"
	sleep 2
	kill -CONT "${PID[$1]}"
	sleep 1
}

@test "each of the four stopped for 2 s: no connection and no answer is lost" {
	chain_up --delay 1ms -- -c 1000 -b 20 -e 1 -s 500ms -w 500ms -d 14s
	reaches requests 500
	asleep hcmon
	asleep lshaper
	asleep qstackd
	asleep mcc
	finish mcc
	sleep 0.5
	finish hcmon INT
	finish lshaper INT
	finish qstackd INT
	adds_up "$DIR/mcc.csv"
	balanced "$DIR/lshaper.csv"
	[ "$(field "$DIR/mcc.csv" requests)" -eq 13000 ]
	[ "$(field "$DIR/mcc.csv" requests_answered)" -eq 13000 ]
	[ "$(field "$DIR/mcc.csv" reopened)" -eq 0 ]
	[ "$(field "$DIR/mcc.csv" unsent)" -eq 0 ]
	# A wait of 2 s is in the latency, though it was mcc that slept.
	sed -n 's/^  request, from when due .* \([0-9.]*\) s$/\1/p' "$DIR/mcc.err" | awk '{ exit $1 < 1.9 }'
	# hcmon saw all, or knows that it did not.
	[ "$(field "$DIR/total" requests)" -eq $(($(field "$DIR/total" matched) + $(field "$DIR/total" unanswered) +
		$(field "$DIR/total" ambiguous) + $(field "$DIR/total" requests_open))) ]
	[ "$(field "$DIR/total" pkts)" -eq "$(sum "$DIR/lshaper.csv" mirror_frames)" ]
}

@test "a server that is late while 20,000 connections a second come: none is reset" {
	start qstackd --connections 60000
	start lshaper --delay 1ms --mirror none
	says lshaper 'port B: qstackd is there'
	start mcc -c 40000 -e 60 -s 2 -w 2 -d 5 --interval 50ms
	reaches established 2000
	kill -STOP "${PID[qstackd]}"
	sleep 0.4
	kill -CONT "${PID[qstackd]}"
	finish mcc
	finish lshaper INT
	finish qstackd INT
	adds_up "$DIR/mcc.csv"
	[ "$(field "$DIR/mcc.csv" opened)" -ge 20000 ]
	[ "$(field "$DIR/mcc.csv" closed)" -eq "$(field "$DIR/mcc.csv" opened)" ]
	[ "$(field "$DIR/mcc.csv" reopened)" -eq 0 ]
}

# The demo in the background, with a directory for temporary files of its own: demo_start FLAGS...
demo_start() {
	mkdir "$DIR/tmp"
	TMPDIR=$DIR/tmp "$BATS_TEST_DIRNAME/../../scripts/demo" -o "$DIR/out" "$@" >"$DIR/demo.csv" 2>"$DIR/demo.err" 3>&- &
	PID['demo']=$!
	remember $!
}

# Programs whose runtime directory is in ours.
programs_left() {
	grep -l -z "^C10M_RUN=$DIR/tmp/" /proc/[0-9]*/environ 2>/dev/null | sed 's,/proc/\([0-9]*\)/.*,\1,' || true
}

@test "the demo: a page, pictures, records, and nothing else is left" {
	demo_start -c 20000 -t 5 -e 2
	finish demo
	cat "$DIR/demo.csv"
	[ ! -s "$DIR/demo.err" ]
	grep -q 'connections established  *20000 of 20000,' "$DIR/demo.csv"
	[ "$(grep -c '[1-9] \(us\|ms\)' "$DIR/demo.csv")" -ge 4 ]
	local name
	for name in cdf timeline; do
		[ "$(head -c 4 "$DIR/out/$name.png" | tail -c 3)" = PNG ]
		[ "$(wc -c <"$DIR/out/$name.png")" -gt 10000 ]
	done
	for name in qstackd lshaper mcc hcmon; do
		[ "$(wc -l <"$DIR/out/$name.csv")" -ge 5 ]
		[ -s "$DIR/out/$name.log" ]
	done
	[ "$(head -n 1 "$DIR/out/cdf.csv")" = percentile,latency_us,high_us,low_us,ack_us ]
	adds_up "$DIR/out/mcc.csv"
	[ "$(programs_left)" = "" ]
	[ "$(ls -A "$DIR/tmp")" = "" ]
	[ "$(ls -A "$DIR" | sort | tr '\n' ' ')" = "demo.csv demo.err out pids run tmp " ]
}

@test "a demo whose qstackd is killed says so and leaves nothing" {
	demo_start -c 20000 -t 20 -e 2
	local pid child
	for _ in $(seq 100); do
		[ "$(programs_left | wc -l)" -lt 4 ] || break
		sleep 0.1
	done
	for pid in $(programs_left); do
		remember "$pid"
		[ "$(cat "/proc/$pid/comm")" != qstackd ] || child=$pid
	done
	sleep 1
	kill -KILL "$child"
	local status=0
	finish demo || status=$?
	[ "$status" -eq 1 ]
	grep -q '^demo: qstackd died' "$DIR/demo.err"
	[ "$(grep -c Killed "$DIR/demo.err")" -le 1 ] # the one that this test killed
	[ "$(wc -l <"$DIR/demo.err")" -le 5 ]
	[ "$(programs_left)" = "" ]
	[ "$(ls -A "$DIR/tmp")" = "" ]
}
