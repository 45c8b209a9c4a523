#!/usr/bin/env bash
#
# tools/run-browser.sh [NAME]: the browser tests, tests/browser/test_*.mjs, or only test_NAME.mjs.
#
# Each file uses node:test and playwright-core, which it finds by DESKSTREAM_NODE_MODULES
#   createRequire(process.env.DESKSTREAM_NODE_MODULES + '/')('playwright-core')
# and starts the browser at DESKSTREAM_CHROMIUM. Programs and database are found as in the end-to-end
# tests: DESKSTREAM_BUILD and TEST_DATABASE_URL. Without browser or driver they are skipped.
set -uo pipefail
cd "$(dirname "$0")/.."
export DESKSTREAM_BUILD=${DESKSTREAM_BUILD:-$(dirname "$(realpath build/deskstream)")}
export DESKSTREAM_NODE_MODULES=$PWD/build/deps/browser/node_modules
DESKSTREAM_CHROMIUM=$(command -v chromium || command -v chromium-browser || true)
export DESKSTREAM_CHROMIUM
files=()
for f in tests/browser/test_${1:-*}.mjs; do
    [ ! -f "$f" ] || files+=("$f")
done
if [ ${#files[@]} -eq 0 ]; then
    exec tools/run-tests.sh browser
fi
if [ -z "$DESKSTREAM_CHROMIUM" ] || [ ! -d "$DESKSTREAM_NODE_MODULES/playwright-core" ]; then
    # No registry to fetch the driver from, as deps/install.sh has said: skipped, each file once.
    printf '  skip %s: no browser or no driver here\n' "${files[@]}"
    [ -z "${TEST_COUNTS:-}" ] || echo "browser 0 0 ${#files[@]}" >>"$TEST_COUNTS"
    echo "browser: 0 passed, 0 failed, ${#files[@]} skipped"
    exit 0
fi
export TEST_TIMEOUT=${TEST_TIMEOUT:-300} TEST_RUNNER='node --test-reporter=tap'
exec tools/with-pg.sh tools/run-tests.sh browser "${files[@]}"
