#!/usr/bin/env bash
#
# tools/with-pg.sh COMMAND...: runs COMMAND with TEST_DATABASE_URL pointing at a throw-away PostgreSQL.
#
# When the variable is set already nothing is started. Otherwise a private cluster under build/pg (fast:
# no fsync; the role may create databases, which then have the extensions) is started, and stopped
# when the last user of it leaves: users hold a shared lock, and who gets it alone stops the server.
# Exits with COMMAND's status.
set -uo pipefail
cd "$(dirname "$0")/.."
[ -z "${TEST_DATABASE_URL:-}" ] || exec "$@"

mkdir -p build
dir=build/pg
exec 9>>build/pg.lock
if ! flock -n 9; then # one starts while the others wait
    echo "with-pg.sh: waiting for build/pg.lock: another run in this tree is using build/pg" >&2
    flock 9
fi
TEST_DATABASE_URL=$(tools/pg.sh start $dir fast) || exit 1
export TEST_DATABASE_URL
flock -s 9
finish()
{
    trap - EXIT
    if flock -n 9; then
        tools/pg.sh stop $dir || true
    fi
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
"$@" 9>&-
