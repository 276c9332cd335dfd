#!/usr/bin/env bats
# mcc_flags.bats - mcc's flags, those of the original and wrong ones above all; its help, man page and records agree.
# SPDX-License-Identifier: BSD-3-Clause

load lib/flags

setup() {
	C10M_RUN=$(mktemp -d)
	export C10M_RUN
}

teardown() {
	rm -rf "$C10M_RUN"
}

@test "MCC's own command line means what it meant" {
	run "$BIN/mcc" -c 10368000 -b 172800 -e 60 -s 200 -w 20 -l 200 -r 0.05 --ips 230 --log-duration 60 \
		--network-stack mtcp --dest 192.168.3.10 --smp 9 --check
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"10368000 to 192.168.3.10 from 192.168.3.11 to 192.168.3.240, ports 1024 to 46102"* ]]
	[[ $output == *"in 3.333 min, one each 19.2901 us; then 20.00 s of quiet"* ]]
	[[ $output == *"60 bursts of 172800 in each epoch of 1.000 min: one each 1.000 s"* ]]
	[[ $output == *"iot, 200 octets, 5% requests"* ]]
	[[ $output == *"memif:client, or memif:server"* ]]
}

@test "--smp: no more threads than cores, said in one line" {
	run "$BIN/mcc" -c 100000 --smp 4096 --check
	[ "$status" -eq 0 ]
	[[ $output == *"--smp 4096 wants 4095 threads of load; here are $(nproc) cores, so $(nproc)"* ]]
	run "$BIN/mcc" -c 100000 --smp 2 --check
	[[ $output == *"1 thread of load"* && $output != *wants* ]]
}

@test "defaults: a burst each second, 50,000 connections a second" {
	run "$BIN/mcc" -c 100000 --dest 192.168.3.10 --check
	[[ $output == *"in 2.000 s, one each 20 us; then 1.000 s of quiet"* ]]
	[[ $output == *"60 bursts of 1667 in each epoch of 1.000 min"* ]]
	run "$BIN/mcc" -c 10 -b 3 -e 7 --check
	[[ $output == *"4 bursts of 3 in each epoch of 7.000 s: one each 1.750 s"* ]]
	run "$BIN/mcc" -c 10 -b 11 --check
	[[ $output == *"1 bursts of 10"* ]]
}

@test "each flag refuses a wrong value, naming flag, value and what is allowed" {
	local flag
	for flag in -c -b --conn --burst; do
		refuses mcc $flag 0 'a number from 1 to'
		refuses mcc $flag x 'a number from 1 to'
		refuses mcc $flag 3G 'a number from 1 to'
	done
	for flag in -e --epoch; do
		refuses mcc $flag 0 'a time from 1us'
		refuses mcc $flag 5% 'a time from 1us'
	done
	for flag in -s -w --setup-time --wait-time; do
		refuses mcc $flag -1 'a time from 0'
		refuses mcc $flag soon 'a time from 0'
	done
	refuses mcc -d 0 'a time from 1ms'
	refuses mcc --duration 1parsec 'a time from 1ms'
	refuses mcc -l 8 'a size in bytes from 9 to 16k'
	refuses mcc --length 16385 'a size in bytes from 9 to 16k'
	refuses mcc -r 1.01 'a ratio from 0% to 100%'
	refuses mcc --request-ratio nan 'a ratio from 0% to 100%'
	refuses mcc -p 3 'a number from 0 to 2'
	refuses mcc -t 2s 'a time from 0 to 1s'
	refuses mcc --think-time x 'a bare number is in ns'
	refuses mcc --app dns 'iot|echo|http'
	refuses mcc --seed x 'a number'
	refuses mcc --dest 192.168.3 'an IPv4 address'
	refuses mcc --dest 224.0.0.1 'not the address of a host'
	refuses mcc --dest-port 0 'a number from 1 to'
	refuses mcc --dest-port 65536 'a number from 1 to'
	refuses mcc --ip 192.168.3 'an IPv4 address and prefix length'
	refuses mcc --ip 192.168.3.11/33 'an IPv4 address and prefix length'
	refuses mcc --ip 192.168.3.11/7 'a network of /8 to /32'
	refuses mcc --ips 0 'a number from 1 to'
	refuses mcc --gateway x 'an IPv4 address'
	refuses mcc --network-stack lwip 'dpdk|mtcp|kernel'
	refuses mcc --port eth0 'memif:NAME'
	refuses mcc --smp 0 'a number from 1 to'
	refuses mcc --log-duration 0 'a time from 1ms'
	refuses mcc --interval 100us 'a time from 1ms'
	refuses mcc --format xml 'text|csv|json'
	refuses mcc --cc reno 'cubic|newreno'
	refuses mcc --ecn yes 'off|request|always'
	refuses mcc --keepalive 11d 'a time from 0'
	refuses mcc --user-timeout x 'a time from 0'
	refuses mcc --idle -1 'a time from 0'
	refuses mcc --mem 1M 'a size in bytes from 16'
}

@test "flags that do not go together" {
	fails_with 2 '--length has no meaning' mcc --app http -l 20
	fails_with 2 'every message is a request' mcc --app http -r 0.5
	fails_with 2 '--port has no meaning' mcc --network-stack kernel --dest 127.0.0.1 --port null:
	fails_with 2 '--no-sack\|--sack has no meaning' mcc --network-stack kernel --dest 127.0.0.1 --no-sack
	fails_with 2 '--ecn has no meaning' mcc --network-stack kernel --dest 127.0.0.1 --ecn always
	fails_with 2 'allowed by --mem' mcc -c 1M --mem 16M
	fails_with 2 '--gateway has no meaning' mcc --network-stack kernel --dest 127.0.0.1 --gateway 1.2.3.4
	fails_with 2 'use --network-stack kernel' mcc --dest 127.0.0.1
	fails_with 2 '--gateway is needed' mcc --dest 10.0.0.1
	fails_with 2 'not in the network' mcc --dest 10.0.0.1 --gateway 10.0.0.2
	fails_with 2 'include that of the server' mcc --dest 192.168.3.100
	fails_with 2 'no operands' mcc 192.168.3.10
	fails_with 2 'no such option' mcc --mode
}

@test "more connections than tuples: the arithmetic, and what would be enough" {
	fails_with 2 '20000000 connections: 230 source addresses x 64512 ports are 14837760; --ips 311' mcc -c 20M
	fails_with 2 '244 are left there' mcc --ips 245
	run "$BIN/mcc" -c 14837760 --check
	[ "$status" -eq 0 ]
}

@test "more connections than memory: the arithmetic" {
	[ "$(awk '/MemAvailable/ { print $2 }' /proc/meminfo)" -lt $((190 << 20)) ] || skip "much memory"
	fails_with 2 '2147483647 connections of 96 bytes need 192 GiB; .* free: fewer (--conn)' \
		mcc -c 2147483647 --ip 10.0.0.1/8 --ips 33289 --dest 10.255.0.1 --check
}

@test "kernel: what the machine lacks is said before the start, with the remedy" {
	fails_with 1 'source address x [0-9]* ports are [0-9]*: add --ip 127.0.0.11/8 --ips' \
		mcc -c 70000 --network-stack kernel --dest 127.0.0.1
	fails_with 1 '10.213.1.2.*ip address add' \
		mcc -c 10 --network-stack kernel --dest 127.0.0.1 --ip 10.213.1.2/24 --ips 2
	if [ "$(id -u)" -ne 0 ]; then
		fails_with 1 'ulimit -n' mcc -c 2M --network-stack kernel --dest 127.0.0.1 --ip 127.1.0.1/8 --ips 100
	fi
}

@test "nobody on the wire: it says what it waits for; --duration bounds that" {
	fails_with 1 'nobody came on memif:client or memif:server' mcc -c 10 -d 1
	[[ $output == *"waiting for lshaper on memif:client, or qstackd on memif:server"* ]]
	fails_with 1 'waiting for the other end of memif:x' mcc -c 10 -d 1 --port memif:x
	fails_with 1 'nobody answers ARP on null:' mcc -c 10 -d 2 --port null:
	[[ $output == *"waiting for 192.168.3.10 to answer ARP on null:"* ]]
	run timeout -s INT 1 "$BIN/mcc" -c 10
	[ "$status" -eq 124 ] # timeout's own; mcc did not outlive the signal
}

@test "help fits a screen and names what the man page names" {
	help_and_man_agree mcc 1
	[ "${#lines[@]}" -le 50 ]
	run "$BIN/mcc" --version
	[ "$status" -eq 0 ]
}

@test "FIELDS of the man page are the fields of a record" {
	fields_and_man_agree mcc 1 -c 1 -s 0 -w 0 -d 100ms --network-stack kernel --dest 127.0.0.1 --dest-port 1
}
