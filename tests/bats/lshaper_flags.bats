#!/usr/bin/env bats
# lshaper_flags.bats - lshaper's flags, wrong ones above all; its help, its man page and its records agree.
# SPDX-License-Identifier: BSD-3-Clause

load lib/flags

setup() {
	C10M_RUN=$(mktemp -d)
	export C10M_RUN
}

teardown() {
	rm -rf "$C10M_RUN"
}

@test "each flag refuses a wrong value, naming flag, value and what is allowed" {
	refuses lshaper --port eth0 'memif:NAME.*pcap'
	refuses lshaper --port memif: 'name of a wire'
	refuses lshaper --port pcap: 'a file to read'
	refuses lshaper --mirror x 'memif:NAME'
	refuses lshaper --mirror-full wait 'block|drop'
	local flag
	for flag in --delay --delay-ab --delay-ba; do
		refuses lshaper $flag x 'a time from 0 to 1h'
		refuses lshaper $flag 61min 'a time from 0 to 1h'
		refuses lshaper $flag -1ms 'a time from 0 to 1h'
		refuses lshaper $flag 5% 'a time from 0 to 1h'
	done
	for flag in --drop --drop-ab --drop-ba; do
		refuses lshaper $flag x 'a ratio from 0% to 100%'
		refuses lshaper $flag 101% 'a ratio from 0% to 100%'
		refuses lshaper $flag -0.1 'a ratio from 0% to 100%'
		refuses lshaper $flag nan 'a ratio from 0% to 100%'
		refuses lshaper $flag 1s 'a ratio from 0% to 100%'
	done
	refuses lshaper --seed x 'a number'
	refuses lshaper --seed -1 'a number'
	refuses lshaper --hold 64 'a size in bytes from 1M to 1T'
	refuses lshaper --hold 2T 'a size in bytes from 1M to 1T'
	refuses lshaper --cores 1000 'one core from 0 to'
	refuses lshaper --cores x 'one core from 0 to'
	refuses lshaper --interval 100us 'a time from 1ms to 24h'
	refuses lshaper --format xml 'text|csv|json'
	refuses lshaper --duration 0 'a time from 1ms'
}

@test "flags that do not go together" {
	fails_with 2 'third port' lshaper --port null: --port memif:a --port memif:b
	fails_with 2 'second time for port B' lshaper --port memif:a
	fails_with 2 'given twice' lshaper --port memif:a --port memif:a
	fails_with 2 'port B already' lshaper --port memif:a --port memif:b --mirror memif:b
	fails_with 2 'no operands' lshaper 50ms
	fails_with 2 'no such option' lshaper --jitter 5ms
	fails_with 2 'value is missing' lshaper --delay
	fails_with 2 'takes no value' lshaper --poll=yes
}

@test "ports that do not exist, one line with the remedy" {
	fails_with 1 'no-such-if.*ip link' lshaper --port af_packet:no-such-if --port null:
	fails_with 1 'no-such.pcap' lshaper --port null: --port pcap:/no-such.pcap
	fails_with 1 'no-such-dir' lshaper --port memif:/no-such-dir/a --port null:
	fails_with 1 'no-such-dir' lshaper --port null: --port vdev:net_null1 --mirror pcap:,/no-such-dir/m
}

@test "a capture that is none: refused, not crashed on" {
	head -c 3 /dev/zero >"$C10M_RUN/short"
	head -c 4096 /dev/zero >"$C10M_RUN/foreign"
	: >"$C10M_RUN/empty"
	local file
	for file in short foreign empty; do
		fails_with 1 "$file" lshaper --port "pcap:$C10M_RUN/$file" --port null:
	done
}

@test "help fits a screen and names what the man page names" {
	help_and_man_agree lshaper 8
	[ "${#lines[@]}" -le 45 ]
	run "$BIN/lshaper" --version
	[ "$status" -eq 0 ]
}

@test "FIELDS of the man page are the fields of a record" {
	fields_and_man_agree lshaper 8 --port null: --port vdev:net_null1 --mirror none --duration 50ms
}

@test "records as text, CSV and JSON lines" {
	local flags=(--port null: --port vdev:net_null1 --mirror none --interval 20ms --duration 150ms)
	run timeout 20 "$BIN/lshaper" "${flags[@]}" --quiet --format json
	[ "$status" -eq 0 ] && [ "${#lines[@]}" -ge 5 ]
	[[ ${lines[0]} == '{"time_s":'*'"ab_late_us_p99":null,'*'}' ]]
	run timeout 20 "$BIN/lshaper" "${flags[@]}" --quiet --format text
	[[ ${lines[0]} == *time_s*ab_tx_frames*ba_late_us_p99* ]] && [ "${#lines[0]}" -lt 100 ]
	run timeout 20 "$BIN/lshaper" "${flags[@]}" --quiet
	[[ ${lines[0]} == time_s,ab_rx_frames,* ]]
	[ "$(tr -cd , <<<"${lines[0]}" | wc -c)" -eq "$(tr -cd , <<<"${lines[4]}" | wc -c)" ]
}

@test "the plain word works: three wires, a line for each, a summary after SIGINT" {
	"$BIN/lshaper" --delay 50ms --drop 1% >"$C10M_RUN/out" 2>"$C10M_RUN/err" 3>&- &
	local pid=$!
	for _ in $(seq 100); do
		! grep -q mirror: "$C10M_RUN/err" || break
		sleep 0.05
	done
	kill -INT $pid
	wait $pid
	cat "$C10M_RUN/err"
	grep -q 'port A: waiting for mcc on memif:client,server' "$C10M_RUN/err"
	grep -q 'port B: waiting for qstackd on memif:server' "$C10M_RUN/err"
	grep -q 'mirror: waiting for hcmon on memif:mirror,server' "$C10M_RUN/err"
	grep -q 'A to B *B to A' "$C10M_RUN/err"
	grep -q 'held at the end *0 *0' "$C10M_RUN/err"
	[ "$(wc -l <"$C10M_RUN/out")" -ge 2 ]
}

@test "a reader that goes away or stops reading ends nothing" {
	local flags=(--port null: --port vdev:net_null1 --mirror none --interval 10ms --duration 1s)
	run bash -c "timeout 20 $BIN/lshaper ${flags[*]} 2>$C10M_RUN/err | head -n 2; echo \${PIPESTATUS[0]}"
	[ "${#lines[@]}" -eq 3 ] && [ "${lines[2]}" -eq 0 ]
	[ "$(grep -c 'nobody reads' "$C10M_RUN/err")" -eq 1 ]

	# A pipe takes 64 KiB; 10 ms records of 200 octets or more overfill it in 3 s.
	flags[9]=4500ms
	run bash -c "{ timeout 20 $BIN/lshaper ${flags[*]} --format json 2>$C10M_RUN/err; date +%s%N >$C10M_RUN/end; } |
		{ sleep 6; date +%s%N >$C10M_RUN/slept; cat >/dev/null; }"
	cat "$C10M_RUN/err"
	[ "$status" -eq 0 ]
	[ "$(cat "$C10M_RUN/end")" -lt "$(cat "$C10M_RUN/slept")" ]
	[ "$(grep -c 'nobody reads' "$C10M_RUN/err")" -eq 1 ]
	grep -q 'A to B *B to A' "$C10M_RUN/err"
}

@test "idle, it costs under 3 % of a core" {
	timeout 20 "$BIN/lshaper" --delay 50ms --interval 1s --duration 3500ms >"$C10M_RUN/out" 2>&1
	# The first second has the start in it.
	awk -F, '/^[0-9]/ && ++n > 1 { print $NF; if ($NF > 3) bad = 1 } END { exit bad || n < 4 }' "$C10M_RUN/out"
}
