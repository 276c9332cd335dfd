# lshaper.bash - lshaper between two Linux hosts in network namespaces, and frames in files.
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash

CLIENT_IP=10.78.0.1 SERVER_IP=10.78.0.2

# $NS_C: client, vc. $NS_M: lshaper, veth1 and veth2. $NS_S: server, vs. No frame but those of the tests: no
# ARP, no IPv6.
net_up() {
	NS_C=lsh-$$-c NS_M=lsh-$$-m NS_S=lsh-$$-s
	export NS_C NS_M NS_S
	local ns
	for ns in "$NS_C" "$NS_M" "$NS_S"; do
		ip netns add "$ns"
		ip -n "$ns" link set lo up
	done
	join "$NS_C" vc veth1
	join "$NS_S" vs veth2
	ip -n "$NS_C" addr add $CLIENT_IP/24 dev vc
	ip -n "$NS_S" addr add $SERVER_IP/24 dev vs
	ip -n "$NS_C" neigh add $SERVER_IP dev vc lladdr "$(mac_of "$NS_S" vs)"
	ip -n "$NS_S" neigh add $CLIENT_IP dev vs lladdr "$(mac_of "$NS_C" vc)"
}

# join NS DEV PEER: DEV in NS, PEER in $NS_M.
join() {
	ip -n "$1" link add "$2" type veth peer name "$3" netns "$NS_M"
	ip -n "$1" link set "$2" addrgenmode none up
	ip -n "$NS_M" link set "$3" addrgenmode none up
	ip netns exec "$1" ethtool -K "$2" tx off >/dev/null
}

mac_of() {
	ip netns exec "$1" cat "/sys/class/net/$2/address"
}

net_down() {
	ip netns del "$NS_C"
	ip netns del "$NS_M"
	ip netns del "$NS_S"
}

in_client() {
	ip netns exec "$NS_C" "$@"
}

in_server() {
	ip netns exec "$NS_S" "$@"
}

in_middle() {
	ip netns exec "$NS_M" "$@"
}

# lshaper_start FLAGS...: between veth1 and veth2; pid in $LSHAPER, its words in $DIR/lshaper.{csv,err}.
lshaper_start() {
	ip netns exec "$NS_M" "$BIN/lshaper" --port af_packet:veth1 --port af_packet:veth2 "$@" \
		>"$DIR/lshaper.csv" 2>"$DIR/lshaper.err" 3>&- &
	LSHAPER=$!
	await "$DIR/lshaper.err" 'port B: the other end is there'
}

# lshaper_stop: by SIGINT; its exit status.
lshaper_stop() {
	local pid=$LSHAPER
	LSHAPER=
	kill -INT "$pid"
	wait "$pid"
}

# await FILE PATTERN: until a line matches, 10 s at most.
await() {
	for _ in $(seq 200); do
		grep -q -- "$2" "$1" 2>/dev/null && return
		sleep 0.05
	done
	echo "not in $1: $2" >&2
	cat "$1" >&2
	return 1
}

# The sum of a field over all records: sum FILE FIELD
sum() {
	awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) column = i; next }
		{ total += $column } END { printf "%d\n", total }' "$1"
}

# The value of a field in the last record: last FILE FIELD
last() {
	awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) column = i }
		END { print $column }' "$1"
}

# make_pcap N SEED [MIN MAX]: a capture of N frames of random octets, MIN to MAX long, on stdout.
make_pcap() {
	perl -e '
		my ($n, $seed, $min, $max) = @ARGV;
		srand($seed);
		binmode STDOUT;
		print pack "VvvVVVV", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1;
		for my $i (1 .. $n) {
			my $len = $min + int rand($max - $min + 1);
			my $octets = pack "V*", map { int rand 4294967296 } 1 .. ($len + 3) / 4;
			print pack("VVVV", $i, 0, $len, $len), substr $octets, 0, $len;
		}' "$1" "$2" "${3:-14}" "${4:-1514}"
}

# The frames of a capture without their times, a line of hex digits each (DPDK writes ns, make_pcap us).
frames_of() {
	perl -e '
		binmode STDIN;
		read STDIN, my $head, 24;
		while (read(STDIN, $head, 16) == 16) {
			my $len = unpack "x8 V", $head;
			read(STDIN, my $octets, $len) == $len or die "cut short\n";
			print unpack("H*", $octets), "\n";
		}' <"$1"
}

# count FILE: frames in a capture
count() {
	frames_of "$1" | wc -l
}

# The shortest round trip of ping, in microseconds: rtt_us COUNT INTERVAL. None is too short; how many
# are too long is for the other users of the machine to say.
rtt_us() {
	in_client ping -n -c "$1" -i "$2" $SERVER_IP |
		sed -n 's/.*time=\([0-9.]*\) ms/\1/p' | sort -n | awk 'NR == 1 { printf "%d\n", $1 * 1000 }'
}
