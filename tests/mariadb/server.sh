#!/usr/bin/env bash
#
# tests/mariadb/server.sh start DIR [PORT] | stop DIR | kill DIR | restart DIR: a private MariaDB for tests.
#
#   start    makes what is missing in DIR, starts the server, prints its URL (SQLAlchemy's form)
#   stop     ends it in order; fine when it does not run        kill   ends it as a crash would
#   restart  stop and start on the same port
#
# It listens on 127.0.0.1 at a free port and on the socket DIR/s, has quick settings (nothing is forced to
# disk) and none of the machine's (--no-defaults), and runs as `nobody` when started by root. DIR/ca.pem signs
# its certificate for "localhost". Users: `deskstream` may do anything in databases that begin with "chats",
# its password is hard to write in a URL; `reader` may only read, insert and delete rows in `chats`.
# A data directory once made is kept as build/mariadb-template.tar, for that takes longest.
# Fails with the tail of the server's log.
set -euo pipefail
cd "$(dirname "$0")/../.."
usage() { echo "usage: tests/mariadb/server.sh start DIR [PORT] | stop|kill|restart DIR" >&2; exit 2; }
die() { echo "mariadb: $*" >&2; exit 1; }
[ $# -ge 2 ] || usage
action=$1
dir=$2
case $dir in /*) ;; *) dir=$PWD/$dir ;; esac
PATH=$PATH:/usr/sbin:/sbin
data=$dir/data
sock=$dir/s
log=$dir/server.log
user=$(id -un)
[ "$user" != root ] || user=nobody

sql() { mariadb --no-defaults -u root -S "$sock" -N -e "$1"; }
pid() { cat "$dir/pid" 2>/dev/null || true; }
running() { [ -n "$(pid)" ] && [ "$(readlink "/proc/$(pid)/cwd" 2>/dev/null)" = "$(realpath -m "$data")" ]; }

template()
{
    local version tar=build/mariadb-template.tar new=$dir/new
    version=$(mariadbd --no-defaults --version | sha256sum | cut -c1-16)
    tar=build/mariadb-template-$version.tar
    mkdir -p build
    if [ ! -f "$tar" ]; then
        mkdir -p "$new"
        [ "$(id -u)" != 0 ] || chown "$user" "$new"
        mariadb-install-db --no-defaults --user="$user" --datadir="$new" --skip-test-db \
            --auth-root-authentication-method=normal --innodb-log-file-size=4M \
            >"$log" 2>&1 || { tail -n 20 "$log" >&2; die "mariadb-install-db failed"; }
        tar -C "$new" -cf "$tar.$$" .
        mv "$tar.$$" "$tar"
        rm -rf "$new"
    fi
    mkdir -p "$data"
    tar -C "$data" -xf "$tar"
    [ "$(id -u)" != 0 ] || chown -R "$user" "$data"
}

certificates()
{
    (cd "$dir" &&
        openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/CN=Deskstream test CA' \
            -keyout ca.key -out ca.pem &&
        openssl req -newkey rsa:2048 -nodes -subj '/CN=localhost' -keyout server.key -out server.csr &&
        printf 'subjectAltName=DNS:localhost\n' >server.ext &&
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -set_serial 2 -days 30 \
            -extfile server.ext -out server.pem) >"$dir/openssl.log" 2>&1 ||
        { cat "$dir/openssl.log" >&2; die "openssl failed"; }
    [ "$(id -u)" != 0 ] || chown "$user" "$dir"/server.key
}

free_port()
{
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

launch()
{
    # A crash may have left its pid file; its process is gone.
    (cd "$data" && exec mariadbd --no-defaults --user="$user" --datadir="$data" --socket="$sock" \
        --tmpdir="$dir/tmp" \
        --pid-file="$dir/pid" --bind-address=127.0.0.1 --port="$1" --skip-name-resolve \
        --performance-schema=OFF --skip-log-bin --innodb-flush-log-at-trx-commit=2 \
        --innodb-flush-method=nosync --innodb-doublewrite=0 --innodb-buffer-pool-size=64M \
        --innodb-log-file-size=4M --key-buffer-size=1M --max-connections=60 \
        --character-set-server=utf8mb4 --sql-mode=STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION \
        --ssl-ca="$dir/ca.pem" --ssl-cert="$dir/server.pem" --ssl-key="$dir/server.key" \
        >>"$log" 2>&1 </dev/null 8>&- 9>&-) &
    local child=$! i
    for ((i = 0; i < 600; i++)); do
        if running && sql 'select 1' >/dev/null 2>&1; then
            return 0
        fi
        kill -0 "$child" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

users()
{
    sql "
        delete from mysql.global_priv where user = '';
        flush privileges;
        create database if not exists chats character set utf8mb4;
        create or replace user deskstream@'%' identified by 'p@ss:w/rd#% 한글';
        grant all on \`chats%\`.* to deskstream@'%';
        grant process on *.* to deskstream@'%';
        grant connection admin on *.* to deskstream@'%';
        create or replace user reader@'%' identified by 'reader';
        grant select, insert, delete on chats.* to reader@'%';"
}

start()
{
    command -v mariadbd >/dev/null && command -v mariadb >/dev/null || die "no MariaDB server here"
    mkdir -p "$dir/tmp" # its own: a server that starts removes whatever temporary tables it finds there
    chmod 700 "$dir" # root of this server has no password
    [ "$(id -u)" != 0 ] || chown "$user" "$dir" "$dir/tmp"
    [ -d "$data/mysql" ] || template
    [ -f "$dir/server.pem" ] || certificates
    if ! running; then
        local try port
        for try in 1 2 3 4 5; do
            port=${1:-$(free_port)}
            ! launch "$port" || break
            [ "$try" -lt 5 ] || { tail -n 20 "$log" >&2; die "the server did not start"; }
        done
        echo "$port" >"$dir/port"
        [ -f "$dir/ready" ] || users
        : >"$dir/ready"
    fi
    printf 'mysql+pymysql://deskstream:p%%40ss%%3Aw%%2Frd%%23%%25%%20%%ED%%95%%9C%%EA%%B8%%80@127.0.0.1:%s/chats?charset=utf8mb4\n' \
        "$(cat "$dir/port")"
}

# stop SIGNAL
stop()
{
    local p i
    p=$(pid)
    if running; then
        kill "-$1" "$p" 2>/dev/null || true
        for ((i = 0; i < 600; i++)); do
            running || break
            sleep 0.1
        done
        ! running || { kill -KILL "$p" 2>/dev/null || true; sleep 1; }
    fi
    rm -f "$dir/pid"
}

case $action in
    start) start "${3:-}" ;;
    stop) stop TERM ;;
    kill) stop KILL ;;
    restart)
        port=$(cat "$dir/port")
        stop TERM
        start "$port" >/dev/null
        ;;
    *) usage ;;
esac
