#!/usr/bin/env bash
#
# tools/pg.sh start|stop|status|url [DIR] [fast]: a private PostgreSQL cluster under DIR (var/pg).
#
#   start   makes the cluster when there is none, starts it, creates role, database and extensions
#   stop    stops it and waits; fine when it does not run
#   status  prints "running PID" (status 0) or "stopped" (status 3)
#   url     prints the connection URL; psql, too, takes it
#   "fast" (only for throw-away test data) turns fsync off and lets the role create databases.
#
# The server listens on a unix socket only, in a directory that only its owner may enter (mode 0700);
# trust on that socket is therefore the owner's own right (and root's). PostgreSQL refuses to run as
# root: root uses the user `postgres`. When that user cannot reach DIR (a private clone, /root), or
# DIR's socket path would be longer than the kernel takes, cluster or socket move to /var/tmp and
# DIR/where tells the place. Role `deskstream` owns its database and is no superuser, so row-level
# security binds it. A pid file left by a crash is the server's own business: it checks whether that
# process lives and holds the data directory. Fails with the tail of the server's log.
set -euo pipefail
cd "$(dirname "$0")/.."

die() { echo "pg: $*" >&2; exit 1; }
[ $# -ge 1 ] || die "usage: tools/pg.sh start|stop|status|url [DIR] [fast]"
action=$1
dir=${2:-var/pg}
fast=${3:-}
case $dir in /*) ;; *) dir=$PWD/$dir ;; esac

bin=''
# shellcheck disable=SC2012
for d in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -Vr) "$(pg_config --bindir 2>/dev/null || true)"; do
    if [ -n "$d" ] && [ -x "$d/postgres" ] && [ -x "$d/initdb" ]; then
        bin=$d
        break
    fi
done
[ -n "$bin" ] || die "found no PostgreSQL server; make deps installs one"

user=$(id -un)
[ "$(id -u)" != 0 ] || user=postgres
as_owner()
{
    if [ "$(id -u)" != 0 ]; then
        "$@"
    elif command -v runuser >/dev/null 2>&1; then
        (cd / && runuser -u postgres -- "$@")
    else
        (cd / && su -s /bin/sh postgres -c 'exec "$0" "$@"' -- "$@")
    fi
}

# place: where the cluster lives, kept in DIR/where once chosen. Only the two places that this path can
# have count, so a copied or moved tree never takes over another tree's cluster.
mkdir -p "$dir"
hash=$(printf '%s' "$dir" | sha256sum | cut -c1-16)
away=/var/tmp/deskstream-$hash
place=$(cat "$dir/where" 2>/dev/null || true)
if [ "$place" != "$dir" ] && [ "$place" != "$away" ]; then
    place=$dir
    if [ "$(id -u)" = 0 ] && ! as_owner test -x "$dir" 2>/dev/null; then
        place=$away
    fi
    printf '%s\n' "$place" >"$dir/where"
fi
data=$place/data
# A socket's whole path may have 107 bytes; ".s.PGSQL.5432.lock" is the longest name made in it.
sockets=$place/socket
if [ "$(printf '%s' "$sockets/.s.PGSQL.5432.lock" | wc -c)" -gt 107 ]; then
    sockets=$away-s
fi
log=$place/server.log

# encode: percent-encodes what a URL's query may not hold as it is.
encode() { printf '%s' "$1" | sed 's/%/%25/g; s/ /%20/g; s/&/%26/g; s/#/%23/g; s/+/%2B/g; s/?/%3F/g'; }
url() { printf 'postgresql://deskstream@/deskstream?host=%s\n' "$(encode "$sockets")"; }
sql() { as_owner "$bin/psql" -X -q -v ON_ERROR_STOP=1 -h "$sockets" -U postgres -d "$1" -At -c "$2"; }
pid() { as_owner head -n 1 "$data/postmaster.pid" 2>/dev/null || true; }
# running: the pid file's process lives, works in our data directory and is no zombie.
running()
{
    local p
    p=$(pid)
    [ -n "$p" ] && [ "$(as_owner readlink "/proc/$p/cwd" 2>/dev/null)" = "$(realpath -m "$data")" ]
}
ready() { as_owner "$bin/pg_isready" -q -h "$sockets"; }

own()
{
    local d
    for d in "$place" "$sockets"; do
        # Directories under /var/tmp have guessable names: never adopt somebody else's.
        if [ -L "$d" ] || { [ -e "$d" ] && [ "$d" != "$dir" ] && [ "$(stat -c %U "$d")" != "$user" ] &&
            [ "$(stat -c %U "$d")" != "$(id -un)" ]; }; then
            die "$d exists and belongs to somebody else"
        fi
        mkdir -p "$d"
        chmod 700 "$d"
        [ "$(id -u)" != 0 ] || chown postgres: "$d"
    done
}

create()
{
    # An initdb that was cut short leaves no PG_VERSION-complete tree; start over in a fresh one.
    rm -rf "$data.new"
    as_owner "$bin/initdb" -D "$data.new" -U postgres -E UTF8 --locale=C.UTF-8 -A trust \
        $([ -z "$fast" ] || echo --no-sync) >"$place/initdb.log" 2>&1 ||
        { cat "$place/initdb.log" >&2; die "initdb failed"; }
    as_owner tee -a "$data.new/postgresql.conf" >/dev/null <<EOF

# Written by tools/pg.sh.
listen_addresses = ''
unix_socket_directories = '$(printf '%s' "$sockets" | sed "s/'/''/g")'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 256MB
maintenance_work_mem = 256MB
max_wal_size = 2GB
timezone = 'UTC'
log_timezone = 'UTC'
default_toast_compression = 'lz4'
$([ -z "$fast" ] || printf 'fsync = off\nsynchronous_commit = off\nfull_page_writes = off\nautovacuum_naptime = 10min\n')
EOF
    as_owner mv "$data.new" "$data"
}

start()
{
    own
    [ -f "$data/PG_VERSION" ] || as_owner test -f "$data/PG_VERSION" || create
    local try
    for try in 1 2 3 4 5 6 7 8 9 10; do
        # -w waits until it takes connections; descriptors of ours must not live on in the server.
        running || as_owner "$bin/pg_ctl" -D "$data" -w -t 60 -s -l "$log" start \
            >/dev/null 2>&1 </dev/null 8>&- 9>&- || true
        ! ready || break
        # Just after a kill -9 the old pid or its backends may linger for a moment; so does recovery.
        [ "$try" -lt 10 ] || { tail -n 20 "$log" >&2; die "the server did not start"; }
        sleep 1
    done
    if [ "$(sql postgres "SELECT count(*) FROM pg_roles WHERE rolname = 'deskstream'")" = 0 ]; then
        sql postgres "CREATE ROLE deskstream LOGIN NOSUPERUSER $([ -z "$fast" ] || echo CREATEDB)"
    fi
    if [ "$(sql postgres "SELECT count(*) FROM pg_database WHERE datname = 'deskstream'")" = 0 ]; then
        # Test programs make databases of their own: those find the extensions in the template.
        [ -z "$fast" ] || extensions template1
        sql postgres "CREATE DATABASE deskstream OWNER deskstream"
    fi
    extensions deskstream
}

extensions()
{
    as_owner env PGOPTIONS='-c client_min_messages=warning' "$bin/psql" -X -q -v ON_ERROR_STOP=1 \
        -h "$sockets" -U postgres -d "$1" \
        -c 'CREATE EXTENSION IF NOT EXISTS vector' -c 'CREATE EXTENSION IF NOT EXISTS pg_trgm' ||
        die "an extension is missing; make deps installs it"
}

case $action in
    start)
        start
        url
        ;;
    stop)
        if running; then
            as_owner "$bin/pg_ctl" -D "$data" -w -t 60 -s -m fast stop || ! running ||
                as_owner "$bin/pg_ctl" -D "$data" -w -t 30 -s -m immediate stop
        fi
        ;;
    status)
        if running; then
            echo "running $(pid)"
        else
            echo stopped
            exit 3
        fi
        ;;
    url) url ;;
    *) die "usage: tools/pg.sh start|stop|status|url [DIR] [fast]" ;;
esac
