#!/bin/sh
#
# tests/qdrant/start.sh COMMAND...: runs COMMAND with TEST_QDRANT_URL pointing at the real Qdrant engine.
#
# The engine is the package qdrant-edge-py in a virtual environment under build/ (brought on first use), behind
# tests/qdrant/front.py. Where the package cannot be had, a line says so and COMMAND runs without the
# variable: its tests report themselves as skipped. TEST_QDRANT_URL that is set already is taken as it is.
set -u
cd "$(dirname "$0")/../.." || exit 1
[ $# -ge 1 ] || { echo "usage: tests/qdrant/start.sh COMMAND..." >&2; exit 2; }
[ -z "${TEST_QDRANT_URL:-}" ] || exec "$@"

package=qdrant-edge-py==0.9.0
venv=build/qdrant-venv

if [ ! -f "$venv/ready-$package" ]; then
    mkdir -p build
    rm -rf "$venv"
    if ! { python3 -m venv "$venv" && "$venv/bin/python" -m pip --disable-pip-version-check install \
        --quiet --only-binary :all: "$package" && "$venv/bin/python" -c 'import qdrant_edge'; } \
        >build/qdrant-venv.log 2>&1; then
        echo "qdrant: $package cannot be installed here (build/qdrant-venv.log); its tests are skipped" >&2
        exec "$@"
    fi
    : >"$venv/ready-$package"
fi

work=$(mktemp -d) || exit 1
"$venv/bin/python" tests/qdrant/front.py --url-file "$work/url" >/dev/null 2>"$work/log" </dev/null &
front=$!
cleanup()
{
    kill "$front" 2>/dev/null
    wait "$front" 2>/dev/null
    rm -rf "$work"
}
trap 'cleanup; exit 130' INT TERM
tries=0
while [ ! -s "$work/url" ] && kill -0 "$front" 2>/dev/null && [ "$tries" -lt 100 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
if [ -s "$work/url" ]; then
    TEST_QDRANT_URL=$(cat "$work/url")
    export TEST_QDRANT_URL
else
    echo "qdrant: the front did not start: $(tail -n 1 "$work/log"); its tests are skipped" >&2
fi
"$@"
status=$?
cleanup
exit "$status"
