#!/usr/bin/env bats
# lshaper.bats - what lshaper does to real traffic: Linux hosts over veth, captures, memif wires.
# SPDX-License-Identifier: BSD-3-Clause

bats_require_minimum_version 1.5.0
load lib/lshaper

setup_file() {
	[ "$(id -u)" -eq 0 ] || skip "network namespaces need root"
	net_up
}

teardown_file() {
	[ -z "${NS_C:-}" ] || net_down
}

setup() {
	BIN=$(cd "${BIN:-bin}" && pwd)
	DIR=$(mktemp -d)
	C10M_RUN=$DIR
	PIDS=()
	export C10M_RUN
}

teardown() {
	local pid
	for pid in "${PIDS[@]}" ${LSHAPER:-}; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	rm -rf "$DIR"
}

# Runs lshaper to its end: shape FLAGS..., its words in $DIR/{csv,err}
shape() {
	timeout 30 "$BIN/lshaper" "$@" >"$DIR/csv" 2>"$DIR/err" || {
		cat "$DIR/err"
		return 1
	}
}

# within VALUE LOW HIGH
within() {
	echo "$1: $2 to $3?"
	[ "$1" -ge "$2" ] && [ "$1" -le "$3" ]
}

# All that came in is accounted for: balanced FILE
balanced() {
	local d
	for d in ab ba; do
		echo "$d: $(sum "$1" ${d}_rx_frames) in, $(sum "$1" ${d}_tx_frames) out"
		[ "$(sum "$1" ${d}_rx_frames)" -eq $(($(sum "$1" ${d}_tx_frames) + $(sum "$1" ${d}_drops_model) +
			$(sum "$1" ${d}_drops_hold_full) + $(sum "$1" ${d}_drops_tx_full) +
			$(sum "$1" ${d}_drops_port_down) + $(sum "$1" ${d}_drops_too_long) + $(last "$1" ${d}_held_frames))) ]
	done
	echo "mirror: $(sum "$1" mirror_frames) copies"
}

@test "ping follows --delay" {
	lshaper_start --mirror none
	within "$(rtt_us 30 0.02)" 10 2000
	lshaper_stop
	lshaper_start --mirror none --delay 10ms
	within "$(rtt_us 30 0.02)" 20000 22000
	lshaper_stop
	balanced "$DIR/lshaper.csv"
	# A kernel without a free core may lose some on the way to lshaper, and counts them nowhere.
	local passed
	passed=$(sum "$DIR/lshaper.csv" ab_tx_frames)
	within "$passed" 10 30
	[ "$(sum "$DIR/lshaper.csv" ba_tx_frames)" -eq "$passed" ]
	grep -q "frames sent *$passed *$passed" "$DIR/lshaper.err"
}

# Stamps of echo requests or replies at one end: stamps NS DEV TYPE FILE
stamps() {
	ip netns exec "$1" tcpdump -tt -n -l --immediate-mode -i "$2" "icmp[icmptype] == $3" >"$4" 2>"$4.err" 3>&- &
	PIDS+=($!)
	await "$4.err" listening
}

# What $2 is later than $1 at least, in microseconds, line by line.
gap_us() {
	paste -d ' ' "$1" "$2" | awk '{ for (i = 2; i <= NF; i++) if ($i ~ /^[0-9]+\.[0-9]+$/) print ($i - $1) * 1e6 }' |
		sort -n | awk 'NR == 1 { printf "%d\n", $1 }'
}

@test "--delay-ab is not --delay-ba, and both go before --delay" {
	lshaper_start --mirror none --delay-ab 30ms --delay 99ms --delay-ba 5ms
	stamps "$NS_C" vc 8 "$DIR/request_out"
	stamps "$NS_S" vs 8 "$DIR/request_in"
	stamps "$NS_S" vs 0 "$DIR/reply_out"
	stamps "$NS_C" vc 0 "$DIR/reply_in"
	within "$(rtt_us 20 0.02)" 35000 37000
	await "$DIR/reply_in" 'seq 20,'
	await "$DIR/reply_out" 'seq 20,'
	within "$(gap_us "$DIR/request_out" "$DIR/request_in")" 29900 32000
	within "$(gap_us "$DIR/reply_out" "$DIR/reply_in")" 4900 7000
	lshaper_stop
}

# Which of 200 echo requests were answered, one number a line: answered FLAGS...
answered() {
	lshaper_start --mirror none "$@" >&2
	in_client ping -n -c 200 -i 0.002 -W 1 $SERVER_IP | sed -n 's/.*icmp_seq=\([0-9]*\) .*/\1/p'
	lshaper_stop >&2
}

@test "ping suffers --drop, by the laws of chance and by the seed" {
	answered --drop 20% --seed 42 >"$DIR/first"
	balanced "$DIR/lshaper.csv"
	# 0.8 x 0.8 of 200, 3.3 standard deviations
	within "$(wc -l <"$DIR/first")" 106 150
	[ "$(sum "$DIR/lshaper.csv" ab_rx_frames)" -eq 200 ]
	within "$(sum "$DIR/lshaper.csv" ab_drops_model)" 22 58
	answered --drop 20% --seed 42 >"$DIR/again"
	cmp "$DIR/first" "$DIR/again"
	answered --drop 20% --seed 43 >"$DIR/other"
	run ! cmp -s "$DIR/first" "$DIR/other"
	answered --drop-ba 20% --seed 42 >"$DIR/back"
	[ "$(sum "$DIR/lshaper.csv" ab_drops_model)" -eq 0 ]
	within "$(sum "$DIR/lshaper.csv" ba_drops_model)" 22 58
}

# transfer FLAGS...: 10 MB by TCP through lshaper
transfer() {
	head -c 10000000 /dev/urandom >"$DIR/sent"
	lshaper_start --mirror none "$@"
	ip netns exec "$NS_S" timeout 30 nc -l 5001 >"$DIR/received" 3>&- &
	PIDS+=($!)
	local receiver=$!
	sleep 0.2
	in_client timeout 30 nc -N $SERVER_IP 5001 <"$DIR/sent"
	wait $receiver
	cmp "$DIR/sent" "$DIR/received"
	lshaper_stop
	balanced "$DIR/lshaper.csv"
}

@test "TCP carries 10 MB over it, with delay and with loss" {
	transfer --delay 1ms
	[ "$(sum "$DIR/lshaper.csv" ab_drops_hold_full)" -eq 0 ]
	transfer --drop 1%
	[ "$(sum "$DIR/lshaper.csv" ab_drops_model)" -ge 10 ]
}

@test "frames of any length and content come out bit for bit, both ways" {
	make_pcap 3000 1 1 1514 >"$DIR/a.pcap"
	make_pcap 2000 2 1 1514 >"$DIR/b.pcap"
	local delay
	for delay in 0 5ms; do
		shape --port "pcap:$DIR/a.pcap,$DIR/to_a.pcap" --port "pcap:$DIR/b.pcap,$DIR/to_b.pcap" \
			--mirror none --delay $delay
		cmp <(frames_of "$DIR/a.pcap") <(frames_of "$DIR/to_b.pcap")
		cmp <(frames_of "$DIR/b.pcap") <(frames_of "$DIR/to_a.pcap")
		balanced "$DIR/csv"
	done
}

# lose FILE FLAGS...: what is left of a.pcap
lose() {
	shape --port "pcap:$DIR/a.pcap" --port "pcap:,$1" --mirror none "${@:2}"
}

@test "the seed decides which frames are lost, whatever the delay" {
	make_pcap 20000 3 60 64 >"$DIR/a.pcap"
	lose "$DIR/1.pcap" --drop 10% --seed 7
	lose "$DIR/2.pcap" --drop 10% --seed 7 --delay 3ms
	lose "$DIR/3.pcap" --drop 10% --seed 8
	lose "$DIR/4.pcap" --drop 100%
	cmp <(frames_of "$DIR/1.pcap") <(frames_of "$DIR/2.pcap")
	run ! cmp -s <(frames_of "$DIR/1.pcap") <(frames_of "$DIR/3.pcap")
	within "$(count "$DIR/1.pcap")" 17860 18140
	within "$(count "$DIR/3.pcap")" 17860 18140
	[ "$(count "$DIR/4.pcap")" -eq 0 ]
	# what is left is in order
	diff <(frames_of "$DIR/a.pcap") <(frames_of "$DIR/1.pcap") >"$DIR/diff" || true
	run ! grep -q '^>' "$DIR/diff"
}

@test "the mirror has what passes port B: what leaves towards it, what arrives from it" {
	make_pcap 3000 4 60 1514 >"$DIR/a.pcap"
	make_pcap 2000 5 60 1514 >"$DIR/b.pcap"
	local flags
	for flags in '--drop 20%' '--drop 20% --delay 2ms' '--mirror-full block'; do
		# shellcheck disable=SC2086 # words
		shape --port "pcap:$DIR/a.pcap,$DIR/to_a.pcap" --port "pcap:$DIR/b.pcap,$DIR/to_b.pcap" \
			--mirror "pcap:,$DIR/m.pcap" $flags
		cmp <(frames_of "$DIR/m.pcap" | sort) <({
			frames_of "$DIR/to_b.pcap"
			frames_of "$DIR/b.pcap"
		} | sort)
		balanced "$DIR/csv"
		[ "$(sum "$DIR/csv" mirror_frames)" -eq $(($(count "$DIR/to_b.pcap") + 2000)) ]
	done
}

@test "frames longer than the MTU are dropped under their name" {
	make_pcap 1000 11 1400 1900 >"$DIR/a.pcap"
	local long
	long=$(frames_of "$DIR/a.pcap" | awk 'length($1) / 2 > 1518' | wc -l)
	lose "$DIR/out.pcap" --delay 1ms
	[ "$(sum "$DIR/csv" ab_drops_too_long)" -eq "$long" ]
	[ "$(count "$DIR/out.pcap")" -eq $((1000 - long)) ]
	balanced "$DIR/csv"
}

@test "a hold queue that is too small drops under its name" {
	make_pcap 20000 6 1000 1000 >"$DIR/a.pcap"
	lose "$DIR/out.pcap" --delay 300ms --hold 4M
	within "$(sum "$DIR/csv" ab_drops_hold_full)" 15500 16500
	grep -q 'dropped, --hold full' "$DIR/err"
	balanced "$DIR/csv"
	cmp <(frames_of "$DIR/a.pcap" | head -n "$(count "$DIR/out.pcap")") <(frames_of "$DIR/out.pcap")
}

# Two of them in a row with a wire between: start_left reads a.pcap, start_right FLAGS... writes out.pcap.
start_left() {
	"$BIN/lshaper" --port "pcap:$DIR/a.pcap" --port memif:wire --mirror none \
		>"$DIR/left.csv" 2>"$DIR/left.err" 3>&- &
	LEFT=$!
	PIDS+=("$LEFT")
}

start_right() {
	"$BIN/lshaper" --port memif:wire,server --port "pcap:,$DIR/out.pcap" "$@" \
		>"$DIR/right.csv" 2>"$DIR/right.err" 3>&- &
	RIGHT=$!
	PIDS+=("$RIGHT")
	await "$DIR/right.err" 'port B: the other end is there'
}

# finish PID: by SIGINT
finish() {
	kill -INT "$1"
	wait "$1"
}

# Until FILE has N frames: await_frames FILE N
await_frames() {
	for _ in $(seq 100); do
		[ "$(count "$1" 2>/dev/null)" -lt "$2" ] || return 0
		sleep 0.1
	done
	count "$1"
	return 1
}

@test "100,000 random frames over a wire: none lost, none changed" {
	make_pcap 100000 7 1 200 >"$DIR/a.pcap"
	start_right --mirror none
	start_left
	await_frames "$DIR/out.pcap" 99000
	sleep 0.3
	finish $LEFT
	finish $RIGHT
	cmp <(frames_of "$DIR/a.pcap") <(frames_of "$DIR/out.pcap")
	balanced "$DIR/left.csv"
	balanced "$DIR/right.csv"
}

@test "100,000 random frames on an interface: it goes on" {
	make_pcap 100000 8 14 200 >"$DIR/a.pcap"
	lshaper_start --mirror none --delay 1ms --interval 100ms
	in_client timeout 30 "$BIN/lshaper" --port "pcap:$DIR/a.pcap" --port af_packet:vc --mirror none \
		--duration 4s >"$DIR/csv" 2>&1
	within "$(rtt_us 20 0.01)" 2000 4000
	lshaper_stop
	balanced "$DIR/lshaper.csv"
	within $(($(sum "$DIR/lshaper.csv" ab_rx_frames) + $(sum "$DIR/lshaper.csv" ab_rx_missed))) 100000 100050
}

@test "a mirror without a reader, with one, with one that stops reading" {
	make_pcap 20000 9 60 60 >"$DIR/a.pcap"
	start_right --mirror memif:m,server
	start_left
	await_frames "$DIR/out.pcap" 20000
	finish $LEFT
	finish $RIGHT
	[ "$(sum "$DIR/right.csv" mirror_no_peer)" -eq 20000 ]
	balanced "$DIR/right.csv"

	local full copies
	for full in drop block; do
		[ $full = drop ] && copies=1 || copies=20000
		start_right --mirror memif:m,server --mirror-full $full
		"$BIN/lshaper" --port memif:m,client,rsize=256 --port "pcap:,$DIR/m.pcap" --mirror none >"$DIR/reader.csv" 2>"$DIR/reader.err" 3>&- &
		READER=$!
		PIDS+=("$READER")
		await "$DIR/right.err" 'mirror: the other end is there'
		start_left
		await_frames "$DIR/out.pcap" 20000
		await_frames "$DIR/m.pcap" $copies
		finish $LEFT

		kill -STOP $READER
		start_left
		await_frames "$DIR/out.pcap" 40000
		finish $LEFT
		kill -CONT $READER
		finish $RIGHT
		finish $READER
		balanced "$DIR/right.csv"
		[ $(($(sum "$DIR/right.csv" mirror_frames) + $(sum "$DIR/right.csv" mirror_drops))) -eq 40000 ]
		within "$(sum "$DIR/right.csv" mirror_drops)" 15000 39999
		rm "$DIR/out.pcap" "$DIR/m.pcap"
	done
}

# veth1 - a - left - middle - right - b - veth2: start_end NAME PORT PORT, pid in $END
start_end() {
	ip netns exec "$NS_M" "$BIN/lshaper" --port "$2" --port "$3" --mirror none >"$DIR/$1.csv" 2>"$DIR/$1.err" 3>&- &
	END=$!
	PIDS+=("$END")
}

# pings_pass: within 5 s
pings_pass() {
	for _ in $(seq 25); do
		! in_client ping -n -c 1 -W 0.2 $SERVER_IP >/dev/null || return 0
	done
	return 1
}

# gone PID: killed
gone() {
	kill -KILL "$1"
	wait "$1" || true
}

@test "either end of a wire dies and comes back; what was on its way is counted, traffic resumes" {
	local a b middle
	start_end a af_packet:veth1 memif:left
	a=$END
	"$BIN/lshaper" --port memif:left,server --port memif:right --mirror none --delay 20ms \
		--interval 100ms >"$DIR/csv" 2>"$DIR/err" 3>&- &
	middle=$!
	PIDS+=("$middle")
	start_end b memif:right,server af_packet:veth2
	b=$END
	pings_pass
	gone $b
	in_client ping -n -c 20 -i 0.01 -W 0.1 $SERVER_IP | grep ' 0 received'
	start_end b memif:right,server af_packet:veth2
	b=$END
	pings_pass
	gone $a
	in_server ping -n -c 20 -i 0.01 -W 0.1 $CLIENT_IP | grep ' 0 received'
	start_end a af_packet:veth1 memif:left
	a=$END
	pings_pass

	finish $middle
	finish $a
	finish $b
	cat "$DIR/err"
	[ "$(grep -c 'port A: the other end is there' "$DIR/err")" -eq 2 ]
	[ "$(grep -c 'port B: the other end is there' "$DIR/err")" -eq 2 ]
	[ "$(grep -c 'is gone; waiting for it' "$DIR/err")" -ge 2 ]
	[ "$(sum "$DIR/csv" ab_drops_port_down)" -ge 20 ]
	[ "$(sum "$DIR/csv" ba_drops_port_down)" -ge 20 ]
	balanced "$DIR/csv"
}

@test "the man page's examples run" {
	cd "$DIR"
	make_pcap 1000 10 60 60 >in.pcap
	local line n=0
	while read -r line; do
		echo "$line"
		in_middle timeout 20 bash -c "PATH=$BIN:\$PATH; $line --duration 300ms" </dev/null >records 2>words
		[ "$(wc -l <records)" -ge 2 ]
		n=$((n + 1))
	done < <(sed -n '/^.Sh EXAMPLES/,/^.Sh/s/^.Dl [$#] //p' "$BATS_TEST_DIRNAME/../../man/lshaper.8")
	[ $n -eq 3 ]
	within "$(count out.pcap)" 860 940
}
