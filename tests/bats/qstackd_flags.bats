#!/usr/bin/env bats
# qstackd_flags.bats - qstackd's flags, wrong ones above all; its help and its man page agree.
# SPDX-License-Identifier: BSD-3-Clause

load lib/flags

setup_file() {
	C10M_RUN=$(mktemp -d)
	export C10M_RUN
}

teardown_file() {
	rm -rf "$C10M_RUN"
}

@test "each flag refuses a wrong value, naming flag, value and what is allowed" {
	refuses qstackd --port x 'memif'
	refuses qstackd --port memif: 'memif'
	refuses qstackd --ip 1.2.3 '192.168.3.10/24'
	refuses qstackd --ip 224.0.0.1/24 '192.168.3.10/24'
	refuses qstackd --gateway x 'IPv4'
	refuses qstackd --app nginx 'iot, echo, http or sink'
	refuses qstackd --listen 0 '1 to 65535'
	refuses qstackd --listen 65536 '1 to 65535'
	refuses qstackd --message-length 70000 '65279'
	refuses qstackd --message-length 3 '7 to 65279'
	refuses qstackd --http-size 1G '536870911'
	refuses qstackd --connections 10 '1.02k\|1024\|1k'
	refuses qstackd --delayed-ack 1s '500'
	refuses qstackd --time-wait 0 '1'
	refuses qstackd --interval x 'time'
	refuses qstackd --duration -1 ''
	refuses qstackd --format xml 'text.*csv.*json'
	refuses qstackd --mem 1k '16'
	refuses qstackd --cc reno 'cubic.*newreno'
	refuses qstackd --ecn yes 'off.*request.*always'
	refuses qstackd --keepalive 11d '10d\|864000\|time'
	refuses qstackd --user-timeout x 'time'
	refuses qstackd --idle -1 ''
	refuses qstackd --request-time 2d '86400\|1d\|24h'
	refuses qstackd --listen 80,cc=reno 'cubic.*newreno'
	refuses qstackd --listen 80,ecn= 'off.*request.*always'
	refuses qstackd --listen 80,idle=20d '10 days'
	refuses qstackd --listen 80,mss=5 'cc=.*shed-idle'
	refuses qstackd --listen 80, 'cc=.*shed-idle'
	refuses qstackd --listen ,idle=5s '1 to 65535'
}

@test "flags that do not go together" {
	fails_with 2 'already' qstackd --app http --app iot
	fails_with 2 'needs an --ip' qstackd --port memif:a --ip 10.0.0.1/24 --port memif:b
	fails_with 2 'not a neighbour' qstackd --gateway 10.0.0.1
	fails_with 2 'not a host address' qstackd --ip 10.0.0.0/24
	fails_with 2 'octets each.*16 MiB' qstackd --mem 16M --connections 1M
	fails_with 2 'unknown\|unexpected\|operand' qstackd extra
	fails_with 2 'unknown\|no-such' qstackd --no-such-flag
}

@test "a port that does not exist" {
	fails_with 1 'no-such-if' qstackd --port af_packet:no-such-if
	fails_with 1 'no-such.pcap' qstackd --port pcap:/no-such.pcap
}

@test "help fits a screen and names what the man page names" {
	help_and_man_agree qstackd 8
}

@test "the man page's examples run" {
	run timeout 20 "$BIN/qstackd" --format json --interval 100ms --duration 1s
	[ "$status" -eq 0 ]
	[[ $output == *'"time_s":'* && $output == *'"mem_bytes_per_conn":'* ]]
}

@test "FIELDS of the man page are the fields of a record" {
	fields_and_man_agree qstackd 8 --interval 50ms --duration 200ms
}

@test "SIGINT ends it with a summary; a reader that goes away does not" {
	"$BIN/qstackd" --interval 20ms >"$C10M_RUN/out" 2>"$C10M_RUN/err" 3>&- &
	pid=$!
	sleep 1
	kill -INT $pid
	wait $pid
	grep -q 'served .* s: 0 connections' "$C10M_RUN/err"
	run bash -c "timeout 20 $BIN/qstackd --interval 20ms --duration 1s 2>/dev/null | head -n 2"
	[ "${#lines[@]}" -eq 2 ]
}
