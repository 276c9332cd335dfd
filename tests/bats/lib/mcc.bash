# mcc.bash - servers on the loopback interface, and what the records of mcc must say.
# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash

# A port of 127.0.0.1 that is free now.
free_port() {
	local port
	for _ in $(seq 100); do
		port=$((10000 + RANDOM % 20000))
		if ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
			echo $port
			return
		fi
	done
	return 1
}

await_port() {
	for _ in $(seq 100); do
		(: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
		sleep 0.05
	done
	return 1
}

# nginx_start PORT [ADDRESS: [COMMAND...]]: run by COMMAND (ip netns exec NS); pid in $SERVER.
nginx_start() {
	mkdir -p "$DIR/nginx"
	cat >"$DIR/nginx.conf" <<-END
		daemon off; worker_processes 1; pid $DIR/nginx/pid; error_log $DIR/nginx/error;
		events { worker_connections 8192; }
		http {
			access_log off; keepalive_timeout 600; keepalive_requests 1000000;
			client_body_temp_path $DIR/nginx/b; proxy_temp_path $DIR/nginx/p;
			fastcgi_temp_path $DIR/nginx/f; uwsgi_temp_path $DIR/nginx/u; scgi_temp_path $DIR/nginx/s;
			server {
				listen ${2:-127.0.0.1:}$1;
				location / { default_type text/plain; return 200 "hello\n"; }
			}
		}
	END
	# One process: the tests end it by its pid.
	"${@:3}" nginx -c "$DIR/nginx.conf" -g 'master_process off;' 3>&- &
	SERVER=$!
}

# bad_server_start PORT MODE
bad_server_start() {
	"$DIR/bad_server" "$1" "$2" 3>&- &
	SERVER=$!
	await_port "$1"
}

# linux_start PORT MODE [ADDRESS]: the same in $NS_S.
linux_start() {
	ip netns exec "$NS_S" "$DIR/bad_server" "$1" "$2" "${3:-10.79.0.1}" 3>&- &
	SERVER=$!
	await_listener "$1"
}

# Until somebody listens on that port in $NS_S.
await_listener() {
	for _ in $(seq 100); do
		[ -z "$(ip netns exec "$NS_S" ss -Hltn "sport = :$1")" ] || return 0
		sleep 0.05
	done
	return 1
}

server_stop() {
	[ -n "${SERVER:-}" ] || return 0
	kill "$SERVER" 2>/dev/null
	wait "$SERVER" 2>/dev/null || true
	SERVER=
}

# field FILE NAME: of the last record.
field() {
	awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) column = i }
		END { print $column }' "$1"
}

# All records: what was opened and what was sent is accounted for. adds_up FILE [without-heartbeats]
adds_up() {
	awk -F, -v heartbeats="${2:-with}" '
		NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
		function sum(names,   n, i, name, total) {
			n = split(names, name, " ")
			for (i = 1; i <= n; i++)
				total += $at[name[i]]
			return total
		}
		{
			ended = "refused unreachable timed_out reset closed_by_server broken closed"
			requests = "requests_answered requests_lost requests_outstanding"
			settled = "heartbeats_settled heartbeats_lost heartbeats_outstanding"
			if (sum("opened") != sum("opening established " ended) || sum("requests") != sum(requests) ||
			    (heartbeats == "with" && sum("heartbeats") != sum(settled))) {
				print "does not add up: " $0
				bad = 1
			}
		}
		END { exit bad || NR < 2 }' "$1"
}

# tool_start NAME FLAGS...: pid in ${NAME^^}, its words in $DIR/NAME.{csv,err}.
tool_start() {
	local tool=$1
	shift
	"$BIN/$tool" "$@" >"$DIR/$tool.csv" 2>"$DIR/$tool.err" 3>&- &
	printf -v "${tool^^}" %s $!
}

# tool_stop NAME [SIGNAL]
tool_stop() {
	local pid=${1^^}
	[ -n "${!pid:-}" ] || return 0
	kill "-${2:-INT}" "${!pid}" 2>/dev/null || true
	wait "${!pid}" 2>/dev/null || true
	printf -v "$pid" %s ''
}

# Until a line of a file matches.
await() {
	for _ in $(seq 200); do
		grep -q "$2" "$1" 2>/dev/null && return
		sleep 0.05
	done
	cat "$1"
	return 1
}

# A Linux host in $NS_S (ms, 10.79.0.1) and a wire to it in $NS_C (mc), where the kernel has no address.
net_up() {
	NS_S=mcc-$$-s NS_C=mcc-$$-c
	export NS_S NS_C
	ip netns add "$NS_S"
	ip netns add "$NS_C"
	ip -n "$NS_S" link add ms type veth peer name mc netns "$NS_C"
	ip -n "$NS_S" addr add 10.79.0.1/24 dev ms
	ip -n "$NS_S" link set ms up
	ip -n "$NS_C" link set mc addrgenmode none up
	ip netns exec "$NS_S" ethtool -K ms tx off >/dev/null
}

net_down() {
	ip netns del "$NS_S"
	ip netns del "$NS_C"
}
