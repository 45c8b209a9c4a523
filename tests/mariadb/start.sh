#!/bin/sh
#
# tests/mariadb/start.sh COMMAND...: runs COMMAND with TEST_MARIADB_URL pointing at a real, private MariaDB.
#
# TEST_MARIADB_DIR is its directory, for those who restart it (tests/mariadb/server.sh restart DIR). Where
# the server is not installed, a line says so and COMMAND runs without the variables: its tests report
# themselves as skipped. A TEST_MARIADB_URL that is set already is taken as it is. Exits with COMMAND's status.
set -u
cd "$(dirname "$0")/../.." || exit 1
[ $# -ge 1 ] || { echo "usage: tests/mariadb/start.sh COMMAND..." >&2; exit 2; }
[ -z "${TEST_MARIADB_URL:-}" ] || exec "$@"
PATH=$PATH:/usr/sbin:/sbin
if ! command -v mariadbd >/dev/null || ! command -v mariadb-install-db >/dev/null; then
    echo "mariadb: the server is not installed (make test does); its tests are skipped" >&2
    exec "$@"
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/ds-mariadb.XXXXXX") || exit 1
cleanup()
{
    tests/mariadb/server.sh stop "$work"
    rm -rf "$work"
}
trap 'cleanup; exit 130' INT
trap 'cleanup; exit 143' TERM
if TEST_MARIADB_URL=$(tests/mariadb/server.sh start "$work"); then
    TEST_MARIADB_DIR=$work
    export TEST_MARIADB_URL TEST_MARIADB_DIR
    "$@"
    status=$?
else
    echo "mariadb: the server is installed and does not start" >&2
    status=1
fi
cleanup
exit "$status"
