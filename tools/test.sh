#!/usr/bin/env bash
#
# tools/test.sh: `make test`: brings what is missing, builds, runs every suite, sums up.
#
# Suites: the lint rules' own test, unit, flow, torture, kept fuzz inputs, end to end, browser. One
# throw-away PostgreSQL and one MariaDB serve them all, and the real Qdrant engine where it can be had. A suite that fails does not stop the next; a
# build that fails counts as one failed test and ends the run. The last line is exactly
# "N passed, N failed", with ", N skipped" when there were some; status 1 unless all passed.
set -uo pipefail
cd "$(dirname "$0")/.."
unset MAKEFLAGS MAKELEVEL MFLAGS
MAKE=${MAKE:-make}

if [ "${1:-}" != inside ]; then
    if ! deps/install.sh test || ! "$MAKE" --no-print-directory tests; then
        echo '0 passed, 1 failed'
        exit 1
    fi
    TEST_COUNTS=$(mktemp)
    export TEST_COUNTS
    trap 'rm -f "$TEST_COUNTS"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    tools/with-pg.sh tests/qdrant/start.sh tests/mariadb/start.sh "$0" inside
    awk '{ p += $2; f += $3; s += $4 }
        END { if (NR < 7) f++ # a suite that did not get as far as counting
              printf "%d passed, %d failed%s\n", p, f, (s > 0 ? ", " s " skipped" : "")
              exit f > 0 }' "$TEST_COUNTS"
    exit $?
fi

tools/run-tests.sh lint-rules tools/test-lint.sh
export TORTURE_SHORT=1 # the longest torture in wider steps; `make torture` takes every one
for suite in check-unit check-flow torture check-corpus e2e browser; do
    # make's own complaint about a suite that failed tells nothing new.
    "$MAKE" --no-print-directory $suite 2>&1 | sed '/^make: \*\*\* \[.*: '$suite'\] Error/d'
done
