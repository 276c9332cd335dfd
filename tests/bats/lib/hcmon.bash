# hcmon.bash - captures with known contents, and real traffic between two network namespaces.
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash

GOLDEN=$BATS_TEST_DIRNAME/../golden/hcmon
started=()
CLIENT_IP=10.79.0.1 SERVER_IP=10.79.0.2

# watch PID: a process that this test started; it ends with the test. watched: the last of them.
watch() { started+=("$1"); }
watched() { echo "${started[-1]}"; }

end_watched() {
	local pid
	for pid in "${started[@]}"; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

# One line per value that is neither empty nor zero, so that a difference can be read.
transposed() {
	awk -F, '
		NR == 1 { for (i = 1; i <= NF; i++) name[i] = $i; next }
		{
			print "record " NR - 1
			for (i = 1; i <= NF; i++)
				if ($i != "" && $i != 0) print "  " name[i] " " $i
		}'
}

# golden NAME: everything that hcmon says of a capture, with the flags of NAME.flags.
golden() {
	local flags=()
	read -r -a flags <"$GOLDEN/$1.flags"
	"$BIN/hcmon" -q -r "$GOLDEN/$1.pcap" --format csv --requests "$T/requests" --total "$T/total" \
		"${flags[@]}" >"$T/records" || return
	transposed <"$T/records"
	echo "# total"
	transposed <"$T/total"
	echo "# requests"
	cat "$T/requests"
}

# $NS_C: a client with vc; $NS_S: a server with vs. No frame but those of the tests: no IPv6.
net_up() {
	NS_C=hcmon-$$-c NS_S=hcmon-$$-s
	local ns
	for ns in "$NS_C" "$NS_S"; do
		ip netns add "$ns"
		ip netns exec "$ns" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
		ip -n "$ns" link set lo up
	done
	ip link add vc netns "$NS_C" type veth peer name vs netns "$NS_S"
	ip -n "$NS_C" addr add "$CLIENT_IP/24" dev vc
	ip -n "$NS_S" addr add "$SERVER_IP/24" dev vs
	ip -n "$NS_C" link set vc up
	ip -n "$NS_S" link set vs up
}

net_down() {
	local ns
	for ns in "${NS_C:-}" "${NS_S:-}"; do
		[ -z "$ns" ] || ip netns del "$ns" 2>/dev/null || true
	done
}

in_client() { ip netns exec "$NS_C" "$@"; }

# nginx serves $T/www on port 80 until the test ends.
serve_http() {
	mkdir -p "$T/www"
	local size
	for size in 1 100 1000 300000 2000000; do
		head -c "$size" /dev/zero | tr '\0' x >"$T/www/$size"
	done
	cat >"$T/nginx.conf" <<-END
		daemon off;
		user root;
		worker_processes 1;
		pid $T/nginx.pid;
		error_log $T/nginx.err;
		events { worker_connections 256; }
		http {
			access_log off;
			keepalive_requests 100000;
			client_body_temp_path $T/n1;
			proxy_temp_path $T/n2;
			fastcgi_temp_path $T/n3;
			uwsgi_temp_path $T/n4;
			scgi_temp_path $T/n5;
			server {
				listen 80;
				root $T/www;
				location /upload { proxy_pass http://127.0.0.1:81; }
			}
			server { listen 127.0.0.1:81; return 200 thanks; }
		}
	END
	ip netns exec "$NS_S" nginx -c "$T/nginx.conf" 2>"$T/nginx.out" &
	watch $!
	for _ in $(seq 50); do
		in_client curl -s -o /dev/null "http://$SERVER_IP/1" && return
		sleep 0.1
	done
	return 1
}

# capture FILE: tcpdump on the server's side, headers only, so that it loses nothing; capture_end waits until all is
# in the file.
capture() {
	ip netns exec "$NS_S" tcpdump -i vs -w "$1" -s 600 -U --immediate-mode -B 65536 -Z root tcp 2>"$T/tcpdump.err" &
	capturing=$!
	watch $!
	for _ in $(seq 50); do
		grep -q 'listening on' "$T/tcpdump.err" && return
		sleep 0.1
	done
	return 1
}

capture_end() {
	sleep 0.5
	kill "$capturing"
	wait "$capturing"
	grep -q '^0 packets dropped by kernel' "$T/tcpdump.err"
}

# Matched requests of a --requests file: client, microseconds of the request and of its latency.
our_requests() {
	awk -F, '
		NR > 1 && $5 == "matched" { printf "%s %.0f %.0f\n", $2, $1 * 1e6, $6 }' "$1" | sort
}

# The same from tshark's http.time, to the first octets of the body.
tshark_requests() {
	tshark -r "$1" -o http.desegment_body:FALSE -Y http.time -T fields -E separator=' ' \
		-e ip.dst -e tcp.dstport -e frame.time_relative -e http.time 2>/dev/null |
		awk '{ printf "%s:%s %.0f %.0f\n", $1, $2, ($3 - $4) * 1e6, $4 * 1e6 }' | sort
}

# And by hand from what tshark says of each segment: the request's last segment, then the first payload back.
segment_requests() {
	tshark -r "$1" -T fields -E separator=, -e tcp.stream -e tcp.srcport -e tcp.len -e frame.time_relative \
		-e ip.src 2>/dev/null |
		awk -F, '
			$2 != 80 && $3 > 0 { asked[$1] = $4; client[$1] = $5 ":" $2 }
			$2 == 80 && $3 > 0 && ($1 in asked) {
				printf "%s %.0f %.0f\n", client[$1], asked[$1] * 1e6, ($4 - asked[$1]) * 1e6
				delete asked[$1]
			}' | sort
}
