#!/usr/bin/env bats
# hcmon.bats - what hcmon says of known captures, of real clients and servers beside tshark, of live wires; its pictures.
# SPDX-License-Identifier: BSD-3-Clause

bats_require_minimum_version 1.5.0
load lib/flags
load lib/hcmon

setup() {
	T=$(mktemp -d)
	C10M_RUN=$T
	export C10M_RUN
	scripts=$BATS_TEST_DIRNAME/../../scripts
}

teardown() {
	end_watched
	net_down
	rm -rf "$T"
}

need_root() {
	[ "$(id -u)" -eq 0 ] || skip "network namespaces need root"
}

# value FILE FIELD: of the last record.
value() {
	awk -F, -v field="$2" '
		NR == 1 { for (i = 1; i <= NF; i++) if ($i == field) column = i }
		END { print $column }' "$1"
}

await() { # FILE PATTERN
	for _ in $(seq 100); do
		grep -q -- "$2" "$1" 2>/dev/null && return
		sleep 0.1
	done
	cat "$1"
	return 1
}

@test "known captures: records, total and requests as expected" {
	local name
	for name in iot lossy taploss http midstream odd lenient clock; do
		golden "$name" >"$T/$name"
		diff -u "$GOLDEN/$name.expected" "$T/$name"
	done
}

@test "formats: JSON lines hold what CSV holds; text fits a terminal" {
	"$BIN/hcmon" -q -r "$GOLDEN/iot.pcap" --format json >"$T/json"
	[ "$(wc -l <"$T/json")" -eq 2 ]
	grep -q '"flows_open":2,.*"high_us_p50":250.000,.*"low_us_p50":null,.*"ack_us_max":40.000,' "$T/json"
	"$BIN/hcmon" -q -r "$GOLDEN/iot.pcap" --format text >"$T/text"
	[ "$(wc -l <"$T/text")" -eq 3 ]
	[ "$(awk 'length > n { n = length } END { print n }' "$T/text")" -le 120 ]
	"$BIN/hcmon" -q -r "$GOLDEN/iot.pcap" --format json --total "$T/total" >"$T/json"
	grep -q '^{"time_s":1.500,' "$T/total"
}

@test "the summary on stderr has the ledger; --quiet has no summary" {
	run --separate-stderr "$BIN/hcmon" -r "$GOLDEN/lossy.pcap"
	[ "$status" -eq 0 ]
	grep -q 'requests *4 = 3 matched + 0 unanswered + 1 ambiguous + 0 still open' <<<"$stderr"
	run --separate-stderr "$BIN/hcmon" -q -r "$GOLDEN/lossy.pcap"
	[ -z "$stderr" ]
}

@test "--cdf: percentiles rise to the maximum, empty columns stay empty" {
	"$BIN/hcmon" -q -r "$GOLDEN/iot.pcap" --cdf - >"$T/cdf"
	[ "$(head -n 1 "$T/cdf")" = percentile,latency_us,high_us,low_us,ack_us ]
	[ "$(tail -n 1 "$T/cdf")" = 100,999970.000,999970.000,,40.000 ]
	[ "$(wc -l <"$T/cdf")" -eq 129 ]
	awk -F, 'NR > 2 && ($1 + 0 <= last || $2 + 0 < us) { exit 1 } { last = $1 + 0; us = $2 + 0 }' "$T/cdf"
	"$BIN/hcmon" -q -r "$GOLDEN/iot.pcap" --cdf "$T/cdf2" >"$T/records"
	cmp "$T/cdf" "$T/cdf2"
	[ "$(wc -l <"$T/records")" -eq 3 ]
}

@test "nginx and curl: each request's latency is tshark's, to the microsecond" {
	need_root
	net_up
	serve_http
	capture "$T/http.pcap"
	# Keep-alive: 300 requests on one connection, then the large body; and ten short connections.
	in_client curl -s -o /dev/null "http://$SERVER_IP/{1,100,1000}?n=[1-100]" -o /dev/null "http://$SERVER_IP/2000000"
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		in_client curl -s -o /dev/null "http://$SERVER_IP/300000"
		in_client curl -s -o /dev/null "http://$SERVER_IP/none"
	done
	capture_end
	"$BIN/hcmon" -r "$T/http.pcap" --server-port 80 --requests "$T/requests" --total "$T/total" >"$T/records"
	our_requests "$T/requests" >"$T/ours"
	tshark_requests "$T/http.pcap" >"$T/theirs"
	[ "$(wc -l <"$T/theirs")" -eq 321 ]
	diff "$T/theirs" "$T/ours"
	[ "$(value "$T/total" requests)" -eq 321 ]
	[ "$(value "$T/total" matched)" -eq 321 ]
	[ "$(value "$T/total" conns_opened)" -eq 21 ]
	[ "$(value "$T/total" conns_closed)" -eq 21 ]
	[ "$(value "$T/total" tap_losses)" -eq 0 ]
	[ "$(value "$T/total" bytes)" -gt 5000000 ]
	[ "$(value "$T/total" retransmissions)" -eq "$(tshark -r "$T/http.pcap" -Y tcp.analysis.retransmission 2>/dev/null | wc -l)" ]
}

@test "nginx, large bodies in between: as the segments say, where http.time loses its way" {
	need_root
	net_up
	serve_http
	capture "$T/http.pcap"
	for _ in 1 2 3; do
		in_client curl -s -o /dev/null "http://$SERVER_IP/{1,300000,100,2000000,1000}?n=[1-5]"
	done
	head -c 200000 /dev/zero >"$T/body"
	in_client curl -s -o "$T/thanks" -H Expect: --data-binary "@$T/body" "http://$SERVER_IP/upload"
	[ "$(cat "$T/thanks")" = thanks ]
	capture_end
	"$BIN/hcmon" -r "$T/http.pcap" --server-port 80 --requests "$T/requests" >"$T/records"
	our_requests "$T/requests" >"$T/ours"
	segment_requests "$T/http.pcap" >"$T/theirs"
	[ "$(wc -l <"$T/ours")" -eq 76 ]
	diff "$T/theirs" "$T/ours"
	[ "$(awk -F, 'NR > 1 && $7 > 200000' "$T/requests" | wc -l)" -eq 1 ]
}

@test "live on an interface: the same traffic, the same requests" {
	need_root
	net_up
	serve_http
	ip netns exec "$NS_S" "$BIN/hcmon" --port af_packet:vs --server-port 80 --format csv --interval 200ms --requests "$T/requests" \
		--total "$T/total" >"$T/records" 2>"$T/err" &
	watch $!
	await "$T/err" 'watching af_packet:vs'
	in_client curl -s -o /dev/null "http://$SERVER_IP/{1,100,1000}?n=[1-50]"
	sleep 1
	kill -INT "$(watched)"
	wait "$(watched)"
	cat "$T/err"
	[ "$(value "$T/total" requests)" -eq 150 ]
	[ "$(value "$T/total" matched)" -eq 150 ]
	[ "$(value "$T/total" conns_closed)" -eq 1 ]
	[ "$(value "$T/total" tap_losses)" -eq 0 ]
	[ "$(wc -l <"$T/requests")" -eq 151 ]
	[ "$(wc -l <"$T/records")" -ge 5 ]
	grep -q '150 = 150 matched' "$T/err"
}

@test "live from a shaper's mirror, which comes, goes and comes back" {
	"$BIN/hcmon" --format csv --interval 100ms --total "$T/total" >"$T/records" 2>"$T/err" &
	watch $!
	await "$T/err" 'watching memif:mirror.*, waiting'
	local i
	for i in 1 2; do
		timeout 30 "$BIN/lshaper" -q --port "pcap:$GOLDEN/iot.pcap" --port null: --mirror memif:mirror,server \
			--delay 1s --duration 3s >/dev/null 2>"$T/lshaper.err" || cat "$T/lshaper.err"
		for _ in $(seq 100); do
			[ "$(grep -c 'went away' "$T/err")" -lt "$i" ] || break
			sleep 0.1
		done
	done
	kill -TERM "$(watched)"
	wait "$(watched)"
	cat "$T/err"
	[ "$(grep -c 'went away' "$T/err")" -eq 2 ]
	[ "$(value "$T/total" pkts)" -eq 34 ]
	[ "$(value "$T/total" syns)" -eq 4 ]
}

@test "--duration ends it; SIGINT reports the interval so far" {
	run --separate-stderr timeout 10 "$BIN/hcmon" --duration 300ms --format csv
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 2 ]
	"$BIN/hcmon" --format csv >"$T/records" 2>"$T/err" &
	watch $!
	await "$T/err" watching
	sleep 0.3
	kill -INT "$(watched)"
	wait "$(watched)"
	[ "$(wc -l <"$T/records")" -eq 2 ]
}

@test "a sleeping hcmon costs little" {
	"$BIN/hcmon" --format csv >"$T/records" 2>"$T/err" &
	watch $!
	await "$T/err" watching
	sleep 0.5
	local before after
	before=$(awk '{ print $14 + $15 }' "/proc/$(watched)/stat")
	sleep 2
	after=$(awk '{ print $14 + $15 }' "/proc/$(watched)/stat")
	echo "$((after - before)) ticks in 2 s"
	[ $((after - before)) -le 10 ]
}

@test "100,000 random and mutated frames: each is counted, none is fatal" {
	local flags
	"${BUILD:-build}/tests/tools/noise" "$GOLDEN/iot.pcap" "$T/noise.pcap" 100k 5
	for flags in "" --verify-checksums "--server-port 80" "--mem 1M"; do
		# shellcheck disable=SC2086 # words
		timeout 60 "$BIN/hcmon" -q -r "$T/noise.pcap" $flags --total "$T/total" >"$T/records"
		[ "$(value "$T/total" pkts)" -eq 100000 ]
	done
	# And into a port.
	timeout 60 "$BIN/hcmon" -q --port "pcap:$T/noise.pcap" --total "$T/total" >"$T/records" 2>"$T/err"
	[ $(($(value "$T/total" pkts) + $(value "$T/total" missed))) -eq 100000 ]
}

@test "hcmon --gnuplot | gnuplot draws in the terminal, with traffic and without" {
	env -u GNUTERM -u DISPLAY -u WAYLAND_DISPLAY bash -c "'$BIN/hcmon' -q -r '$GOLDEN/clock.pcap' -i 100ms --gnuplot |
		timeout 60 gnuplot" >"$T/pictures" 2>"$T/err"
	[ ! -s "$T/err" ]
	grep -q 'distribution since the start' "$T/pictures"
	grep -q '[*]' "$T/pictures"
	GNUTERM=dumb bash -c "timeout 20 '$BIN/hcmon' -q --gnuplot -i 200ms -d 500ms | timeout 20 gnuplot" >"$T/pictures" 2>"$T/err"
	[ ! -s "$T/err" ]
	[ "$(grep -c 'hcmon: .* connections open' "$T/pictures")" -eq 3 ]
}

@test "scripts/plot-cdf draws a PNG from --cdf and from records; scripts/plot-live from records" {
	"$BIN/hcmon" -q -r "$GOLDEN/iot.pcap" --cdf - | "$scripts/plot-cdf" >"$T/a.png"
	"$BIN/hcmon" -q -r "$GOLDEN/iot.pcap" --format csv | "$scripts/plot-cdf" -t 'a "title"' -s 800x600 >"$T/b.png"
	local png
	for png in "$T/a.png" "$T/b.png"; do
		[ "$(head -c 4 "$png" | tail -c 3)" = PNG ]
		[ "$(wc -c <"$png")" -gt 5000 ]
	done
	"$BIN/hcmon" -q -r "$GOLDEN/clock.pcap" --format csv | GNUTERM=dumb "$scripts/plot-live" >"$T/live" 2>"$T/err"
	[ ! -s "$T/err" ]
	grep -q 'latency of each interval' "$T/live"
	run bash -c "echo nonsense | '$scripts/plot-live'"
	[ "$status" -eq 2 ]
	run bash -c "echo nonsense | '$scripts/plot-cdf' >'$T/c.png'"
	[ "$status" -eq 1 ]
	run bash -c "'$BIN/hcmon' -q -r '$GOLDEN/odd.pcap' --server-port 99 --cdf - | '$scripts/plot-cdf' >'$T/c.png'"
	[ "$status" -eq 1 ]
	[[ $output == *"nothing was measured"* ]]
}

@test "the examples of the man page" {
	cp "$GOLDEN/http.pcap" "$T/web.pcap"
	cd "$T"
	ln -s "$(cd "$scripts" && pwd)" scripts
	PATH=$BIN:$PATH
	man_page=$BATS_TEST_DIRNAME/../../man/hcmon.1
	sed -n '/^.Sh EXAMPLES/,/^.Sh OVER/s/^.Dl //p' "$man_page" >examples
	[ "$(wc -l <examples)" -eq 6 ]
	grep web.pcap examples >run-these
	bash -eo pipefail run-these
	[ "$(head -c 4 cdf.png | tail -c 3)" = PNG ]
	# Those that watch are run for a moment, on what is here.
	grep -q '^hcmon --gnuplot | gnuplot$' examples
	timeout 20 bash -c "$(sed -n 's/^hcmon --gnuplot/hcmon -q -d 300ms --gnuplot/p' examples)" >pictures
	timeout 20 bash -c "$(sed -n 's/af_packet:eth1/null:/; s/60s/300ms/; /plot-live/p' examples)" >pictures
	timeout 20 bash -c "$(sed -n 's/^ssh host tcpdump .*tcp |/cat web.pcap |/; /-r - /p' examples)" >records
	[ "$(value records requests)" -eq 1 ]
}
