#!/usr/bin/env bats
# storm.bats - 100,000 random and mutated frames into a port of each tool: it goes on serving, and each frame is accounted for.
# SPDX-License-Identifier: BSD-3-Clause

bats_require_minimum_version 1.5.0
load lib/flags
load lib/mcc
load lib/storm

setup() {
	[ "$(id -u)" -eq 0 ] || skip "network namespaces and raw sockets need root"
	storm_setup
}

teardown() {
	[ -z "${DIR:-}" ] || storm_teardown
}

# A Linux host, vc in $CLIENT, and vt in $TOOL, where the kernel has no address.
one_wire() {
	space CLIENT
	space TOOL
	join "$CLIENT" vc "$TOOL" vt
	ip -n "$CLIENT" addr add $CLIENT_IP/24 dev vc
}

in_client() { ip netns exec "$CLIENT" "$@"; }

pings_pass() {
	for _ in $(seq 100); do
		! in_client ping -c 1 -W 0.1 $SERVER_IP >/dev/null || return 0
	done
	return 1
}

# One request, one echo, one ping; every octet right.
is_served() {
	in_client curl -sS --max-time 20 "http://$SERVER_IP/$1" | cmp - <(seq -f '%015.0f' 0 16 $(($1 + 15)) | head -c "$1")
	[ "$(echo "hello $1" | in_client timeout 20 nc -N $SERVER_IP 7)" = "hello $1" ]
	in_client ping -c 3 -i 0.05 -W 2 -q $SERVER_IP | grep -q ' [1-3] received'
}

# What the summary names adds up to the field.
drops_have_names() {
	local named
	named=$(awk '/not taken, by reason:/ { on = 1; next } on { sum += $NF } END { print sum + 0 }' "$DIR/qstackd.err")
	echo "named: $named, counted: $(field "$DIR/qstackd.csv" drops)"
	[ "$named" -gt 0 ] && [ "$named" -eq "$(field "$DIR/qstackd.csv" drops)" ]
}

@test "qstackd: curl, nc and ping are served meanwhile and afterwards; buffers come back; drops have names" {
	local qstackd storm free served=0
	one_wire
	background qstackd ip netns exec "$TOOL" "$BIN/qstackd" --port af_packet:vt --ip $SERVER_IP/24 --app http --app echo \
		--interval 100ms --mem 256M
	qstackd=$LAST
	pings_pass
	is_served 1000
	sleep 0.5
	free=$(field "$DIR/qstackd.csv" frames_free)
	storm_start "$CLIENT" vc "$(mac_of "$TOOL" vt)" $SERVER_IP 80
	storm=$LAST
	while is_running "$storm"; do
		is_served 5000
		served=$((served + 1))
	done
	finish "$storm" storm
	echo "served $served times meanwhile"
	[ $served -ge 1 ]
	is_served 1000000
	sleep 0.5
	finish "$qstackd" qstackd INT
	drops_have_names
	echo "$free buffers were free, then $(field "$DIR/qstackd.csv" frames_free)"
	[ "$(field "$DIR/qstackd.csv" frames_free)" -eq "$free" ]
	echo "$(field "$DIR/qstackd.csv" rx_frames) frames taken, $(field "$DIR/qstackd.csv" rx_missed) missed"
	[ $(($(field "$DIR/qstackd.csv" rx_frames) + $(field "$DIR/qstackd.csv" rx_missed))) -ge $FRAMES ]
	[ "$(field "$DIR/qstackd.csv" mem_bytes)" -le $((256 * 1024 * 1024)) ]
}

@test "mcc: every answer of nginx comes all the same" {
	local mcc storm
	one_wire
	nginx_start 8080 $CLIENT_IP: ip netns exec "$CLIENT"
	PIDS+=("$SERVER")
	background mcc timeout 60 ip netns exec "$TOOL" "$BIN/mcc" --port af_packet:vt --ip 10.81.0.11/24 --ips 20 \
		--dest $CLIENT_IP --dest-port 8080 --app http -c 1000 -e 1 -b 20 -s 500ms -w 500ms
	mcc=$LAST
	await "$DIR/mcc.csv" ',load,'
	storm_start "$CLIENT" vc "$(mac_of "$TOOL" vt)" 10.81.0.11 1024
	storm=$LAST
	finish "$storm" storm
	sleep 1
	finish "$mcc" mcc INT
	adds_up "$DIR/mcc.csv"
	[ "$(field "$DIR/mcc.csv" closed)" -eq 1000 ]
	[ "$(field "$DIR/mcc.csv" requests)" -ge 1500 ]
	[ "$(field "$DIR/mcc.csv" requests_answered)" -eq "$(field "$DIR/mcc.csv" requests)" ]
	[ "$(field "$DIR/mcc.csv" http_errors)" -eq 0 ]
}

# The frames of a capture without their times, a line of hex digits each. Those with a VLAN tag and less than a type
# behind it are left out: the kernel drops them on arrival.
frames_of() {
	perl -e '
		binmode STDIN;
		read STDIN, my $head, 24;
		while (read(STDIN, $head, 16) == 16) {
			my $len = unpack "x8 V", $head;
			read(STDIN, my $octets, $len) == $len or die "cut short\n";
			print unpack("H*", $octets), "\n" unless $len < 20 && substr($octets, 12, 2) =~ /\x81\x00|\x88\xa8/;
		}' <"$1"
}

# capture NS DEV in|out FILE: pid in $LAST
capture() {
	background "$3" ip netns exec "$1" tcpdump -i "$2" --immediate-mode -Q "$3" -w "$4" -U -B 65536 -Z root
	await "$DIR/$3.err" 'listening on' >&2
}

@test "lshaper: forwards them all, bit for bit" {
	local lshaper storm in out missed
	space CLIENT
	space TOOL
	space FAR
	join "$CLIENT" vc "$TOOL" va
	join "$FAR" vs "$TOOL" vb
	background lshaper ip netns exec "$TOOL" "$BIN/lshaper" --port af_packet:va --port af_packet:vb --mirror none --interval 100ms
	lshaper=$LAST
	await "$DIR/lshaper.err" 'port B: the other end is there'
	capture "$CLIENT" vc out "$DIR/out.pcap"
	out=$LAST
	capture "$FAR" vs in "$DIR/in.pcap"
	in=$LAST
	storm_start "$CLIENT" vc "$(mac_of "$FAR" vs)" $SERVER_IP 80
	storm=$LAST
	finish "$storm" storm
	sleep 0.5
	finish "$in" in INT
	finish "$out" out INT
	finish "$lshaper" lshaper INT
	missed=$(awk -F, 'NR > 1 { n += $4 } END { print n }' "$DIR/lshaper.csv")
	frames_of "$DIR/out.pcap" >"$DIR/sent"
	frames_of "$DIR/in.pcap" >"$DIR/forwarded"
	echo "$(wc -l <"$DIR/sent") sent, $(wc -l <"$DIR/forwarded") came, $missed missed by the port"
	[ "$(wc -l <"$DIR/sent")" -gt $((FRAMES * 99 / 100)) ]
	# What a full ring missed may be lacking, and nothing else; on two cores that serve others as well it can be full.
	diff "$DIR/sent" "$DIR/forwarded" | grep '^[<>]' | cut -c -100 >"$DIR/differences" || true
	head "$DIR/differences"
	[ "$(grep -c '^>' "$DIR/differences")" -eq 0 ]
	[ "$(grep -c '^<' "$DIR/differences")" -eq "$missed" ]
	[ "$missed" -lt $((FRAMES / 2)) ]
}

# hcmon's whole run: every request and heartbeat has an end, every dropped frame a reason. ledger_adds_up FILE
ledger_adds_up() {
	awk -F, '
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		{
			requests = $at["matched"] + $at["unanswered"] + $at["ambiguous"] + $at["requests_open"]
			beats = $at["heartbeats_acked"] + $at["heartbeats_unacked"] + $at["heartbeats_ambiguous"] + $at["heartbeats_open"]
			conns = $at["conns_closed"] + $at["flows_open"] + $at["flows_evicted"]
			for (name in at)
				if (name ~ /^drop_/)
					dropped += $at[name]
			print $at["requests"], requests, $at["heartbeats"], beats, $at["conns_opened"], conns, $at["dropped"], dropped
			exit !($at["requests"] == requests && $at["heartbeats"] == beats && $at["conns_opened"] == conns &&
				$at["dropped"] == dropped && dropped > 10000)
		}' "$1"
}

@test "hcmon: goes on measuring, and the ledger adds up" {
	local hcmon storm served=0 mine
	one_wire
	ip -n "$TOOL" addr add $SERVER_IP/24 dev vt
	nginx_start 80 $SERVER_IP: ip netns exec "$TOOL"
	PIDS+=("$SERVER")
	background hcmon ip netns exec "$TOOL" "$BIN/hcmon" --port af_packet:vt --server-port 80 --interval 100ms --format csv \
		--requests "$DIR/requests" --total "$DIR/total"
	hcmon=$LAST
	await "$DIR/hcmon.err" 'watching af_packet:vt'
	storm_start "$CLIENT" vc "$(mac_of "$TOOL" vt)" $SERVER_IP 80
	storm=$LAST
	while is_running "$storm"; do
		[ "$(in_client curl -sS --max-time 20 "http://$SERVER_IP/")" = hello ]
		served=$((served + 1))
	done
	finish "$storm" storm
	sleep 0.5
	finish "$hcmon" hcmon INT
	mine=$(grep -c "^[^,]*,$CLIENT_IP:.*,matched," "$DIR/requests")
	echo "served $served times, $mine seen"
	[ $served -ge 3 ] && [ "$mine" -eq $served ]
	ledger_adds_up "$DIR/total"
	[ $(($(field "$DIR/total" pkts) + $(field "$DIR/total" missed))) -ge $FRAMES ]
}
