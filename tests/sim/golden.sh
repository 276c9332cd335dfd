#!/usr/bin/env bash
# golden.sh - writes the golden list and tables anew, after a change of the TCP or of the host that was meant.
# SPDX-License-Identifier: BSD-3-Clause
#
#   make build/tests/sim && tests/sim/golden.sh [build/tests/sim]
set -eu
cd "$(dirname "$0")/golden"
sim=$(cd ../../.. && realpath "${1:-build/tests/sim}")
"$sim" --scenarios 500 --hash >hashes
"$sim" --table goodput >goodput.csv
"$sim" --table fairness >fairness.csv
