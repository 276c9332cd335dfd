# qstackd.bash - a server of ours and a Linux client in two network namespaces.
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash

BIN=$(cd "${BIN:-bin}" && pwd)
SERVER_IP=10.77.0.2 CLIENT_IP=10.77.0.1

# Two namespaces, $NS_S for qstackd and $NS_C for Linux clients, joined by a veth pair (vs, vc).
net_up() {
	NS_S=qs-$$-s NS_C=qs-$$-c
	ip netns add "$NS_S"
	ip netns add "$NS_C"
	ip -n "$NS_S" link add vs type veth peer name vc netns "$NS_C"
	ip -n "$NS_S" link set vs up
	ip -n "$NS_S" link set lo up
	ip -n "$NS_C" link set lo up
	ip -n "$NS_C" addr add $CLIENT_IP/24 dev vc
	ip -n "$NS_C" link set vc up
	ip netns exec "$NS_C" ethtool -K vc tx off >/dev/null
	export NS_S NS_C
}

net_down() {
	ip netns del "$NS_S"
	ip netns del "$NS_C"
}

in_client() {
	ip netns exec "$NS_C" "$@"
}

# qstackd_start FLAGS...: in $NS_S, pid in $QSTACKD, its words in $DIR/qstackd.{out,err}.
qstackd_start() {
	ip netns exec "$NS_S" "$BIN/qstackd" "$@" >"$DIR/qstackd.out" 2>"$DIR/qstackd.err" 3>&- &
	QSTACKD=$!
	for _ in $(seq 100); do
		in_client ping -c 1 -W 1 $SERVER_IP >/dev/null 2>&1 && return
		kill -0 $QSTACKD 2>/dev/null || break
		sleep 0.1
	done
	cat "$DIR/qstackd.err" >&2
	return 1
}

qstackd_stop() {
	kill -INT "$QSTACKD"
	wait "$QSTACKD"
}

# The value of a field of the last CSV record in a file: last_field FILE FIELD
last_field() {
	awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) column = i }
		END { print $column }' "$1"
}

# The body that qstackd's http makes: http_body OCTETS
http_body() {
	[ "$1" -eq 0 ] || seq -f '%015.0f' 0 16 $(($1 + 15)) | head -c "$1"
}
