# storm.bash - network namespaces joined by wires, and a storm of random and mutated frames into one of them.
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash

STORM=$(cd "${BUILD:-build}" && pwd)/tests/tools/storm
FRAMES=100000
export CLIENT_IP=10.81.0.1 SERVER_IP=10.81.0.2

storm_setup() {
	DIR=$(mktemp -d)
	C10M_RUN=$DIR
	export C10M_RUN
	PIDS=() SPACES=()
}

storm_teardown() {
	local pid name
	for pid in "${PIDS[@]}"; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	for name in "${SPACES[@]}"; do
		ip netns del "$name"
	done
	rm -rf "$DIR"
}

# space VARIABLE: a namespace of that test, without IPv6, so that no frame is in it but those of the test.
space() {
	local name=storm-$$-${1,,}
	ip netns add "$name"
	SPACES+=("$name")
	printf -v "$1" %s "$name"
	ip netns exec "$name" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
	ip -n "$name" link set lo up
}

# join NS DEV NS DEV: a wire; what the kernel sends into it has whole checksums.
join() {
	ip -n "$1" link add "$2" type veth peer name "$4" netns "$3"
	ip -n "$1" link set "$2" up
	ip -n "$3" link set "$4" up
	ip netns exec "$1" ethtool -K "$2" tx off >/dev/null
	ip netns exec "$3" ethtool -K "$4" tx off >/dev/null
}

mac_of() {
	ip netns exec "$1" cat "/sys/class/net/$2/address"
}

# background NAME COMMAND...: pid in $LAST, its words in $DIR/NAME.{csv,err}
background() {
	local name=$1
	shift
	"$@" >"$DIR/$name.csv" 2>"$DIR/$name.err" 3>&- &
	LAST=$!
	PIDS+=("$LAST")
}

# finish PID NAME [SIGNAL]: its exit status; what it said is shown.
finish() {
	local status=0
	[ $# -lt 3 ] || kill "-$3" "$1"
	wait "$1" || status=$?
	echo "--- $2 ended with status $status"
	cat "$DIR/$2.err"
	return $status
}

# storm_start NS DEV MAC IP PORT [SEED]: its pid in $LAST; PORT gets most of what is TCP. Where cores are few, those who
# receive go first.
storm_start() {
	background storm nice -n 19 timeout 60 ip netns exec "$1" "$STORM" "$2" $FRAMES "${6:-7}" "$3" "$4" "$5"
}

is_running() {
	kill -0 "$1" 2>/dev/null
}
