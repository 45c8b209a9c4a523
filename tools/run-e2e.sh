#!/usr/bin/env bash
#
# tools/run-e2e.sh [NAME]: the end-to-end tests, tests/e2e/test_*.py, or only test_NAME.py.
# They find the programs by DESKSTREAM_BUILD (a build/<mode> directory) and a database by
# TEST_DATABASE_URL, a MariaDB by TEST_MARIADB_URL and TEST_MARIADB_DIR; tools/e2e.py runs and counts them.
set -uo pipefail
cd "$(dirname "$0")/.."
export DESKSTREAM_BUILD=${DESKSTREAM_BUILD:-$(dirname "$(realpath build/deskstream)")}
exec tools/with-pg.sh tests/mariadb/start.sh python3 tools/e2e.py "$@"
