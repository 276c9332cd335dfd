#!/usr/bin/env bats
# install.bats - what make install puts where; that it runs with nothing around it.
# SPDX-License-Identifier: BSD-3-Clause

tools="qstackd mcc lshaper hcmon"

setup() {
	root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	D=$(mktemp -d)
}

teardown() {
	rm -rf "$D"
}

# As the test run was called: what is built is up to date.
install_to() {
	make -s -C "$root" O="${BUILD:-build}" BIN="${BIN:-bin}" install DESTDIR="$D" "$@"
}

@test "binaries and man pages, each in its place, and nothing else" {
	install_to PREFIX=/usr
	diff - <(cd "$D" && find . -type f -printf '%m %p\n' | sort) <<-END
		644 ./usr/share/man/man1/hcmon.1
		644 ./usr/share/man/man1/mcc.1
		644 ./usr/share/man/man8/lshaper.8
		644 ./usr/share/man/man8/qstackd.8
		755 ./usr/bin/hcmon
		755 ./usr/bin/lshaper
		755 ./usr/bin/mcc
		755 ./usr/bin/qstackd
	END
	local tool page
	for tool in $tools; do
		page=$(find "$D/usr/share/man" -name "$tool.*")
		mandoc -T ascii "$page" | sed 's/.\x08//g' | grep "^ *$tool - " >/dev/null
	done
}

@test "without PREFIX it is /usr/local" {
	install_to
	[ -x "$D/usr/local/bin/mcc" ] && [ -f "$D/usr/local/share/man/man8/lshaper.8" ]
}

@test "the installed binaries are static and run in a directory with nothing else in it" {
	install_to PREFIX=/usr
	local tool
	for tool in $tools; do
		readelf -l "$D/usr/bin/$tool" >"$D/segments"
		[ "$(grep -c 'LOAD' "$D/segments")" -ge 2 ]
		[ "$(grep -c 'INTERP\|DYNAMIC' "$D/segments")" -eq 0 ]
		run "$D/usr/bin/$tool" --version
		[ "$status" -eq 0 ] && [[ $output == *"$tool"* ]]
	done
	[ "$(id -u)" -eq 0 ] || skip "chroot needs root"
	cp "$BATS_TEST_DIRNAME/../golden/hcmon/http.pcap" "$D"
	for tool in $tools; do
		run chroot "$D" "/usr/bin/$tool" --help
		[ "$status" -eq 0 ] && [[ $output == "usage: $tool"* ]]
	done
	run chroot "$D" /usr/bin/hcmon -q -r /http.pcap --server-port 80 --format csv
	[ "$status" -eq 0 ] && [ "${#lines[@]}" -ge 2 ]
}

@test "they do what they do where they are installed" {
	install_to PREFIX=/usr
	local tool
	for tool in qstackd lshaper hcmon; do
		C10M_RUN=$D run timeout 20 "$D/usr/bin/$tool" --interval 50ms --duration 200ms --format csv
		echo "$output"
		[ "$status" -eq 0 ]
		[[ $output == *time_s,* ]]
	done
}
