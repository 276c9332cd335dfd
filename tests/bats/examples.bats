#!/usr/bin/env bats
# examples.bats - what README and qstackd(8) tell people to type, as it stands there. The other manuals have their own tests.
# SPDX-License-Identifier: BSD-3-Clause

bats_require_minimum_version 1.5.0
load lib/flags

setup() {
	[ "$(id -u)" -eq 0 ] || skip "network namespaces need root"
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	DIR=$(mktemp -d)
	C10M_RUN=$DIR/run
	mkdir -m 700 "$C10M_RUN"
	ln -s "$BIN" "$DIR/bin"
	ln -s "$root/scripts" "$DIR/scripts"
	export DIR C10M_RUN
}

teardown() {
	[ -z "${DIR:-}" ] || rm -rf "$DIR"
}

# README's indented lines that start so: typed PATTERN
typed() {
	sed -n "s#^    \($1.*\)#\1#p" "$root/README"
}

# Runs the shell commands on stdin in a network of their own, where ip netns has no names yet; what they leave running ends
# with them.
in_a_box() {
	cat - >"$DIR/box"
	cat >"$DIR/init" <<-'END'
		mount --make-rprivate /
		mount -t tmpfs tmpfs /run
		ip link set lo up
		cd "$DIR"
		set -e
		. ./box
	END
	timeout -k 5 90 unshare --net --mount --pid --fork --kill-child --mount-proc bash "$DIR/init" 3>&-
}

# pair DEV: an interface, and the other end of its wire.
pair() {
	echo "ip link add $1 type veth peer name peer-$1; ip link set $1 up; ip link set peer-$1 up"
}

# An nginx in the box: serve PORT
serve() {
	cat >"$DIR/nginx.conf" <<-END
		daemon on; worker_processes 1; worker_rlimit_nofile 30000; pid $DIR/nginx.pid; error_log $DIR/nginx.log;
		events { worker_connections 20000; }
		http {
			access_log off; keepalive_timeout 600; keepalive_requests 1000000;
			client_body_temp_path $DIR/n1; proxy_temp_path $DIR/n2; fastcgi_temp_path $DIR/n3;
			uwsgi_temp_path $DIR/n4; scgi_temp_path $DIR/n5;
			server { listen $1; location / { default_type text/plain; return 200 "hello\n"; } }
		}
	END
	echo "nginx -c '$DIR/nginx.conf'"
}

@test "README: all that is typed there is run here" {
	# The two commands; four terminals, and each tool alone; the wire of the web server, and its client; a capture.
	[ "$(typed 'make ' | wc -l)" -eq 2 ]
	[ "$(typed 'bin/' | wc -l)" -eq 8 ]
	[ "$(typed 'ip ' | wc -l)" -eq 7 ]
	[ "$(typed 'tcpdump' | wc -l)" -eq 1 ]
}

@test "README: four terminals, 100,000 connections" {
	local line
	typed 'bin/' | head -n 4 >"$DIR/four"
	grep -x 'bin/mcc -c 100000 --dest 192.168.3.10' "$DIR/four"
	while read -r line; do
		echo "(GNUTERM=dumb timeout -s INT 12 $line) >\$DIR/$((++n)).out 2>\$DIR/$n.err </dev/null &"
	done <"$DIR/four" >"$DIR/typed"
	[ "$(wc -l <"$DIR/typed")" -eq 4 ]
	{
		cat "$DIR/typed"
		echo 'wait'
	} | in_a_box
	cat "$DIR"/?.err
	awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		$at["established"] > most { most = $at["established"] } END { print most; exit most < 99900 }' "$DIR/3.out"
	grep -q '1 *00k connections open\|99[.][0-9]*k connections open' "$DIR/4.out"
}

@test "README: a web server for a client in a namespace" {
	{
		typed '\(ip \|bin/qstackd --port\)'
		echo 'kill -INT %1; wait %1'
	} >"$DIR/typed"
	[ "$(grep -c curl "$DIR/typed")" -eq 1 ]
	# What it fetched is asked for, and that the server thinks so, too.
	sed -i 's,curl,curl -sS -w "%{http_code} %{size_download}",; s,--app http &,--app http >served 2>words \&,' "$DIR/typed"
	run in_a_box <"$DIR/typed"
	echo "$output"
	cat "$DIR/words"
	[ "$status" -eq 0 ]
	[[ $output == *"200 104857600"* || $output == *"200 100000000"* ]]
	grep -q '1 requests, 1 answers' "$DIR/words"
}

@test "README: 10,000 connections over the kernel's sockets" {
	{
		serve 8080
		typed 'bin/mcc --network-stack' | sed 's/-d 30/-d 4/'
	} >"$DIR/typed"
	grep -e '-d 4' "$DIR/typed"
	run in_a_box <"$DIR/typed"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"no connection and no answer was lost"* ]]
}

@test "README: lshaper between two interfaces" {
	{
		pair veth1
		pair veth2
		typed 'bin/lshaper --port' | sed 's/$/ -d 500ms/'
	} >"$DIR/typed"
	run in_a_box <"$DIR/typed"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output == *"port B: the other end is there, on af_packet:veth2"*"A to B"* ]]
}

@test "README: a capture, and its picture" {
	{
		pair eth0
		echo 'ip netns add client; ip link set peer-eth0 netns client'
		echo 'ip addr add 10.77.0.1/24 dev eth0; ip -n client addr add 10.77.0.2/24 dev peer-eth0'
		echo 'ip -n client link set peer-eth0 up'
		serve 80
		typed 'tcpdump' | sed 's/$/ -Z root -U --immediate-mode \&/'
		echo 'sleep 1; for i in $(seq 20); do ip netns exec client curl -sS http://10.77.0.1/; done; sleep 0.5'
		echo 'kill -INT %1; wait %1'
		typed 'bin/hcmon -r'
	} >"$DIR/typed"
	run in_a_box <"$DIR/typed"
	echo "$output"
	[ "$status" -eq 0 ]
	grep -q 'hcmon -r' "$DIR/typed"
	[ "$(head -c 4 "$DIR/cdf.png" | tail -c 3)" = PNG ]
}

@test "qstackd(8): the examples" {
	local line n=0
	while read -r line; do
		echo "$line"
		{
			pair vetha
			echo "PATH=$BIN:\$PATH"
			echo "timeout -s INT --preserve-status 2 $line"
		} | in_a_box >"$DIR/out" 2>"$DIR/err" || {
			cat "$DIR/err"
			return 1
		}
		grep 'served .* s: 0 connections' "$DIR/err"
		[ "$(wc -l <"$DIR/out")" -ge 2 ]
		n=$((n + 1))
	done < <(sed -n '/^.Sh EXAMPLES/,/^.Sh/s/^.Dl [$#] //p' "$(man_page qstackd 8)")
	[ $n -ge 3 ]
}
