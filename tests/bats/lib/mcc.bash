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

# nginx_start PORT: pid in $SERVER.
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
	nginx -c "$DIR/nginx.conf" -g 'master_process off;' 3>&- &
	SERVER=$!
}

# bad_server_start PORT MODE
bad_server_start() {
	"$DIR/bad_server" "$1" "$2" 3>&- &
	SERVER=$!
	await_port "$1"
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
