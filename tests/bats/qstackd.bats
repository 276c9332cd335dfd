#!/usr/bin/env bats
# qstackd.bats - qstackd against Linux: curl, wrk, nc and ping over veth, by af_packet and af_xdp.
# SPDX-License-Identifier: BSD-3-Clause

load lib/qstackd

setup_file() {
	[ "$(id -u)" -eq 0 ] || return 0
	net_up
	DIR=$(mktemp -d)
	export DIR C10M_RUN=$DIR/run
}

teardown_file() {
	[ -n "${DIR:-}" ] || return 0
	net_down
	rm -rf "$DIR"
}

setup() {
	[ "$(id -u)" -eq 0 ] || skip "needs root for network namespaces"
}

teardown() {
	if [ -n "${QSTACKD:-}" ] && kill -0 "$QSTACKD" 2>/dev/null; then
		kill -KILL "$QSTACKD"
	fi
	QSTACKD=
}

serve() {
	qstackd_start --port "$1:vs" --ip $SERVER_IP/24 --app http --app echo --app sink
}

# Bodies from nothing to 100 MB, compared octet by octet.
fetch_bodies() {
	for size in 0 1 1459 1460 1461 65536 1000000 "$@"; do
		in_client curl -sS --max-time 60 -o "$DIR/body" "http://$SERVER_IP/$size"
		http_body "$size" | cmp - "$DIR/body"
	done
}

echo_10mb() {
	head -c 10000000 /dev/urandom >"$DIR/sent"
	in_client timeout 60 nc -N $SERVER_IP 7 <"$DIR/sent" >"$DIR/received"
	cmp "$DIR/sent" "$DIR/received"
}

@test "af_packet: curl fetches 1 B to 100 MB, every octet right" {
	serve af_packet
	fetch_bodies 100000000
	qstackd_stop
}

@test "af_packet: wrk with 200 connections, no error; keep-alive and HEAD" {
	serve af_packet
	run in_client wrk -t 1 -c 200 -d 3s "http://$SERVER_IP/"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output != *"Socket errors"* && $output != *"Non-2xx"* ]]
	[[ $output == *"requests in"* ]]
	run in_client curl -sS --max-time 5 -I "http://$SERVER_IP/5000"
	[[ $output == *"200 OK"* && $output == *"Content-Length: 5000"* ]]
	qstackd_stop
}

@test "af_packet: nc to echo, 10 MB both ways, and to sink" {
	serve af_packet
	echo_10mb
	head -c 1000000 /dev/zero | in_client timeout 20 nc -N $SERVER_IP 9
	qstackd_stop
	[ "$(last_field "$DIR/qstackd.out" accepted)" -eq 2 ]
}

@test "af_packet: ping, a closed port, and nonsense to http" {
	serve af_packet
	in_client ping -c 20 -i 0.01 -q $SERVER_IP | grep ' 0% packet loss'
	run in_client timeout 5 nc -v -z $SERVER_IP 81
	[[ $output == *refused* ]]
	run bash -c "printf 'nonsense\r\n\r\n' | ip netns exec $NS_C timeout 5 nc $SERVER_IP 80"
	[[ $output == "HTTP/1.1 400 Bad Request"* ]]
	run in_client curl -sS --max-time 5 -X POST -d x -o /dev/null -w '%{http_code}' "http://$SERVER_IP/"
	[ "$output" = 405 ]
	qstackd_stop
	[ "$(last_field "$DIR/qstackd.out" bad_requests)" -eq 2 ]
}

@test "af_packet: pipelined requests are answered in order" {
	serve af_packet
	run bash -c "printf 'GET /3 HTTP/1.1\r\nHost: x\r\n\r\nGET /4 HTTP/1.1\r\nHost: x\r\n\r\nGET /5 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' |
		ip netns exec $NS_C timeout 5 nc $SERVER_IP 80 | grep -a Content-Length | tr -d '\r'"
	[ "$output" = $'Content-Length: 3\nContent-Length: 4\nContent-Length: 5' ]
	qstackd_stop
}

@test "af_xdp: curl, wrk, nc and ping" {
	serve af_xdp
	fetch_bodies 10000000
	echo_10mb
	run in_client wrk -t 1 -c 200 -d 2s "http://$SERVER_IP/"
	echo "$output"
	[[ $output != *"Socket errors"* && $output == *"requests in"* ]]
	in_client ping -c 20 -i 0.01 -q $SERVER_IP | grep ' 0% packet loss'
	qstackd_stop
}

@test "all connections are gone after their clients" {
	qstackd_start --port af_packet:vs --ip $SERVER_IP/24 --app http --time-wait 100ms --interval 100ms
	in_client wrk -t 1 -c 100 -d 1s -H 'Connection: close' "http://$SERVER_IP/" >/dev/null
	sleep 1
	qstackd_stop
	[ "$(last_field "$DIR/qstackd.out" conns)" -eq 0 ]
	[ "$(last_field "$DIR/qstackd.out" accepted)" -gt 100 ]
}
