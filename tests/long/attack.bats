#!/usr/bin/env bats
# attack.bats - floods, stalled peers, forged segments and bad frames against qstackd over memif, while 1,000 clients go about their business.
# SPDX-License-Identifier: BSD-3-Clause

bats_require_minimum_version 1.5.0

BIN=$(cd "${BIN:-bin}" && pwd)
ATTACK=$(cd "${BUILD:-build}" && pwd)/tests/tools/attack
# Seconds of quiet, then of attack, as the clients see them.
QUIET=8 UNDER_ATTACK=12

setup() {
	DIR=$(mktemp -d)
	C10M_RUN=$DIR/run
	mkdir -m 700 "$C10M_RUN"
	export C10M_RUN
	PIDS=()
}

teardown() {
	local pid
	for pid in "${PIDS[@]}"; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	rm -rf "$DIR"
}

# background NAME COMMAND...: pid in $LAST, its words in $DIR/NAME.{csv,err}
background() {
	local name=$1
	shift
	"$@" >"$DIR/$name.csv" 2>"$DIR/$name.err" 3>&- &
	LAST=$!
	PIDS+=("$LAST")
}

finish() { # pid name [signal]
	local status=0
	[ $# -lt 3 ] || kill "-$3" "$1"
	wait "$1" || status=$?
	echo "--- $2 ended with status $status"
	tail -n 20 "$DIR/$2.err"
	return $status
}

await() { # file pattern
	local _
	for _ in $(seq 200); do
		! grep -q -- "$2" "$1" 2>/dev/null || return 0
		sleep 0.05
	done
	cat "$1"
	return 1
}

# The value of a field in the last record.
last() {
	awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) column = i }
		END { print $column }' "$1"
}

# The middle one of a field's values in records from second $3 to second $4.
middle() {
	awk -F, -v name="$2" -v from="$3" -v to="$4" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) column = i; next }
		$1 >= from && $1 <= to && $column != "" { print $column }' "$1" | sort -n |
		awk '{ v[NR] = $1 } END { print NR ? v[int((NR + 1) / 2)] : "none" }'
}

# besiege MODE FLAGS...: the server, the wire with the attacker on it, and 1,000 clients that were there before. pids in $SERVER, $ATTACKER, $CLIENTS.
besiege() {
	background server "$BIN/qstackd" --port memif:server,server --gateway 192.168.3.254 --app http --mem 2G --time-wait 100ms --user-timeout 20s --interval 500ms --format csv
	SERVER=$LAST
	background attack "$ATTACK" "$@" -w $((QUIET + 3)) memif:client,server memif:server,client
	ATTACKER=$LAST
	await "$DIR/attack.err" open
	background clients "$BIN/mcc" --port memif:client,client --app http -c 1000 -e 1 -b 20 -s 2 -w 1 -d $((3 + QUIET + UNDER_ATTACK)) --format csv
	CLIENTS=$LAST
}

nobody_failed() {
	finish "$CLIENTS" clients
	grep 'no connection and no answer was lost' "$DIR/clients.err"
	[ "$(last "$DIR/clients.csv" reset)" -eq 0 ]
}

# And the attacked seconds were like the quiet ones: p99 at most twice as long, or 1 ms. The middle of the seconds is taken: the machine has
# other users.
clients_did_not_notice() {
	local quiet attacked
	nobody_failed
	quiet=$(middle "$DIR/clients.csv" latency_us_p99 4 $((QUIET + 2)))
	attacked=$(middle "$DIR/clients.csv" latency_us_p99 $((QUIET + 4)) $((QUIET + UNDER_ATTACK + 3)))
	echo "p99 of a request: $quiet us before, $attacked us under attack"
	awk -v q="$quiet" -v a="$attacked" 'BEGIN { exit !(a <= 2 * q || a <= 1000) }'
}

attack_ends() {
	finish "$ATTACKER" attack INT
	cat "$DIR/attack.csv"
}

# reported NAME: of what the attacker has to say
reported() {
	sed -n "s/.*\b$1=\([0-9]*\).*/\1/p" "$DIR/attack.csv"
}

@test "a flood of SYNs: 1,000 clients are answered as if nothing was" {
	besiege syn-flood
	clients_did_not_notice
	attack_ends
	[ "$(reported sent)" -gt 100000 ]
}

@test "a flood of SYNs: 1,000 clients that come in the midst of it all connect" {
	background server "$BIN/qstackd" --port memif:server,server --gateway 192.168.3.254 --app http --mem 2G --format csv
	SERVER=$LAST
	background attack "$ATTACK" syn-flood -w 0 memif:client,server memif:server,client
	ATTACKER=$LAST
	await "$DIR/attack.err" open
	background clients "$BIN/mcc" --port memif:client,client --app http -c 1000 -e 1 -b 20 -s 3 -w 1 -d 10 --format csv
	CLIENTS=$LAST
	nobody_failed
	attack_ends
	[ "$(reported sent)" -gt 100000 ]
}

@test "100,000 peers that ask and never read (sockstress)" {
	besiege sockstress -n 100000 -r 50000
	clients_did_not_notice
	attack_ends
	finish "$SERVER" server INT
}

@test "10,000 peers that send an octet each 5 s (slowloris)" {
	besiege slowloris -n 10000 -r 5000
	clients_did_not_notice
	attack_ends
	finish "$SERVER" server INT
}

@test "blind RST, SYN, data and FIN in the clients' names: no effect (RFC 5961)" {
	besiege blind -r 200000
	nobody_failed
	attack_ends
	[ "$(reported sent)" -gt 100000 ]
	[ "$(last "$DIR/server.csv" bad_requests)" -eq 0 ]
	finish "$SERVER" server INT
}

@test "a million bad frames: buffers, connections and blocks are where they were" {
	local free now i
	besiege bad-frames -n 1000000
	sleep $QUIET
	free=$(last "$DIR/server.csv" frames_free)
	nobody_failed
	# What was half-open is given up after 63 s.
	for ((i = 0; i < 100; i++)); do
		[ "$(last "$DIR/server.csv" conns)" -ne 0 ] || break
		sleep 1
	done
	now=$(last "$DIR/server.csv" frames_free)
	echo "frames free: $free before, $now afterwards; connections $(last "$DIR/server.csv" conns), active $(last "$DIR/server.csv" active)"
	attack_ends
	[ "$(reported sent)" -ge 1000000 ]
	[ "$now" -ge "$free" ]
	[ "$(last "$DIR/server.csv" conns)" -eq 0 ]
	[ "$(last "$DIR/server.csv" active)" -eq 0 ]
	finish "$SERVER" server INT
}
