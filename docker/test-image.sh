#!/usr/bin/env bash
#
# docker/test-image.sh (make image-test): builds the container image without a Docker daemon and tries it.
#
#   debootstrap -> base image -> podman build (chroot isolation) -> the image's files and settings
#   -> a private PostgreSQL (made by docker/postgres-init.sh) and the image's own sandbox -> the server:
#   ready, healthy by the image's health check, not root, one ticket streamed, ended by its stop signal
#
# The programs run in a chroot with the user, environment, entry point and health check read from the
# image: `podman run` needs rights that build machines often lack. The base comes from the Debian mirror
# of this machine's apt and is kept in build/image for the next run. Needs root (or sudo).
# Ends with "N passed, N failed"; status 1 on any failure, with the tails of the logs.
# Invariant: everything lives in one temporary folder and a mount namespace of its own; the machine's
# container storage, its configuration and its mounts stay as they are.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=deps/lib.sh
. deps/lib.sh
# shellcheck source=deps/pins.sh
. deps/pins.sh
# shellcheck disable=SC1091
. /etc/os-release

if [ -z "${IMAGE_TEST_INSIDE:-}" ]; then
    deps/install.sh image
    as_root env IMAGE_TEST_INSIDE=1 unshare --mount --propagation private "$PWD/docker/test-image.sh"
    exit
fi

TMP=$(mktemp -d /var/tmp/deskstream-image.XXXXXX)
chmod 755 "$TMP"
BASE_TAR=build/image/base-$PIN_SUITE-$(dpkg --print-architecture).tar
PASSED=0
FAILED=0
PG_BIN=
declare -A IDS=()

say() { printf '  %-4s %s\n' IMG "$*" >&2; }
die() { printf 'image-test: %s\n' "$*" >&2; exit 1; }
pod() { podman --root "$TMP/store" --runroot "$TMP/run" --storage-driver "$DRIVER" "$@"; }
as_postgres() { (cd / && runuser -u postgres -- "$@"); }

# expect WHAT COMMAND...: one check.
expect()
{
    local what=$1
    shift
    if "$@" >>"$TMP/expect.log" 2>&1; then
        PASSED=$((PASSED + 1))
        printf '  ok   %s\n' "$what"
    else
        FAILED=$((FAILED + 1))
        printf '  FAIL %s\n' "$what"
    fi
}

# until_true TENTHS COMMAND...
until_true()
{
    local i tenths=$1
    shift
    for ((i = 0; i < tenths; i++)); do
        ! "$@" >/dev/null 2>&1 || return 0
        sleep 0.1
    done
    return 1
}

gone() { ! kill -0 "$1" 2>/dev/null; }

cleanup()
{
    local status=$? id log
    trap - EXIT
    set +e
    for id in "${IDS[@]}"; do
        kill -KILL "$id" 2>/dev/null
        wait "$id" 2>/dev/null
    done
    [ ! -f "$TMP/pg/postmaster.pid" ] || as_postgres "$PG_BIN/pg_ctl" -D "$TMP/pg" -m immediate -s stop
    if [ "$status" != 0 ] || [ "$FAILED" != 0 ]; then
        for log in "$TMP"/*.log "$TMP"/pg/*.log; do
            [ -s "$log" ] || continue
            printf -- '---- %s\n' "${log##*/}" >&2
            tail -n 25 "$log" >&2
        done
    fi
    umount "$TMP/root/proc" 2>/dev/null
    umount "$TMP/root" 2>/dev/null
    pod unmount --all >/dev/null 2>&1
    pod image unmount --all >/dev/null 2>&1
    umount -R "$TMP"/store/* 2>/dev/null
    rm -rf --one-file-system "$TMP"
    exit "$status"
}

# ---------------------------------------------------------------- building

make_base()
{
    [ ! -s "$BASE_TAR" ] || return 0
    local mirror proxy=
    mirror=$(debian_mirror) || die "found no Debian mirror in this machine's apt configuration"
    eval "$(apt-config shell proxy Acquire::http::Proxy)"
    [ -z "$proxy" ] || export http_proxy=$proxy
    say "base of $PIN_SUITE by debootstrap"
    mkdir -p build/image
    debootstrap --variant=minbase --include=ca-certificates --keyring="$KEYRING" \
        "$PIN_SUITE" "$TMP/base" "$mirror" >"$TMP/debootstrap.log" 2>&1 || die "debootstrap failed"
    # A mirror behind https may be signed by an authority that only this machine knows.
    case $mirror in
        https:*) cp /etc/ssl/certs/ca-certificates.crt "$TMP/base/etc/ssl/certs/" ;;
    esac
    rm -rf "$TMP"/base/var/cache/apt/archives/*.deb "$TMP"/base/var/lib/apt/lists/*
    tar -C "$TMP/base" --one-file-system -cf "$BASE_TAR.new" .
    mv "$BASE_TAR.new" "$BASE_TAR"
    rm -rf "$TMP/base"
}

build_image()
{
    local base revision
    # Overlay is many times faster; where it cannot be mounted, plain copies do.
    DRIVER=overlay
    if ! base=$(pod import -q - <"$BASE_TAR" 2>"$TMP/import.log"); then
        rm -rf "$TMP/store" "$TMP/run"
        DRIVER=vfs
        base=$(pod import -q - <"$BASE_TAR" 2>"$TMP/import.log") || die "podman cannot import the base"
    fi
    revision=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
    say "podman build ($DRIVER)"
    pod build --isolation chroot --network host --format docker --pull=never \
        --build-arg "BASE=${base#sha256:}" --build-arg "REVISION=$revision" \
        -f docker/Dockerfile -t deskstream:test . >"$TMP/build.log" 2>&1 || die "podman build failed"
}

setting() { pod image inspect deskstream:test --format "$1"; }
settings() { setting "{{range $1}}{{println .}}{{end}}" | sed '/^$/d'; }

# open_image: the image's files, with a layer of ours to write to, in $TMP/root.
open_image()
{
    local files
    files=$(pod image mount deskstream:test)
    mkdir -p "$TMP/root" "$TMP/upper" "$TMP/work"
    if ! mount -t overlay overlay -o "lowerdir=$files,upperdir=$TMP/upper,workdir=$TMP/work" "$TMP/root"; then
        cp -a "$files/." "$TMP/root/"
    fi
    mount -t proc proc "$TMP/root/proc"
    IMAGE_USER=$(setting '{{.User}}')
    mapfile -t IMAGE_ENV < <(settings .Config.Env)
    mapfile -t ENTRY < <(settings .Config.Entrypoint)
    mapfile -t COMMAND < <(settings .Config.Cmd)
    # The first word is CMD.
    mapfile -t HEALTH < <(settings .HealthCheck.Test | tail -n +2)
    INSIDE=(env -i "${IMAGE_ENV[@]}" chroot "--userspec=$IMAGE_USER" "$TMP/root"
        /usr/bin/env -C "$(setting '{{.Config.WorkingDir}}')")
}

# inside [NAME=VALUE]... COMMAND...: as the container would run it.
inside() { "${INSIDE[@]}" "$@"; }

# start NAME [NAME=VALUE]... COMMAND...: in the background. env and chroot only exec, so the id kept in
# IDS is the program's own.
start()
{
    local name=$1
    shift
    "${INSIDE[@]}" "$@" >"$TMP/$name.log" 2>&1 </dev/null &
    IDS[$name]=$!
}

# ---------------------------------------------------------------- what it needs

free_port()
{
    local port
    while port=$((20000 + RANDOM % 10000)); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

start_postgres()
{
    local port=$1
    # shellcheck disable=SC2012
    PG_BIN=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
    printf 'postgres\n' >"$TMP/pgpass"
    install -d -o postgres -m 700 "$TMP/pg"
    chmod 644 "$TMP/pgpass"
    as_postgres "$PG_BIN/initdb" -D "$TMP/pg" -U postgres -E UTF8 --locale=C.UTF-8 --no-sync \
        -A scram-sha-256 --pwfile "$TMP/pgpass" >"$TMP/initdb.log" 2>&1
    as_postgres "$PG_BIN/pg_ctl" -D "$TMP/pg" -w -s -l "$TMP/pg/postgres.log" \
        -o "-c fsync=off -c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=" \
        start >"$TMP/pg_ctl.log" 2>&1
    PATH=$PG_BIN:$PATH PGHOST=127.0.0.1 PGPORT=$port PGPASSWORD=postgres POSTGRES_APP_PASSWORD='a b/c' \
        sh docker/postgres-init.sh >"$TMP/init.log" 2>&1
}

# ---------------------------------------------------------------- trying

check_files()
{
    local lost
    lost=$(chroot "$TMP/root" ldd /usr/local/bin/deskstream | grep 'not found' || true)
    expect 'no shared library is missing' test -z "$lost"
    expect 'no compiler and no package lists are left in it' test ! -e "$TMP/root/usr/bin/cc" \
        -a -z "$(find "$TMP/root/var/lib/apt/lists" -type f)"
    expect 'its user is not root' test "${IMAGE_USER%%:*}" -gt 0
    expect 'it is ended by SIGTERM' test "$(setting '{{.Config.StopSignal}}')" = SIGTERM
    expect 'port 8000 is exposed' test "$(setting '{{json .Config.ExposedPorts}}')" = '{"8000/tcp":{}}'
    expect 'its health check is its own program' test "${HEALTH[*]}" = '/usr/local/bin/deskstream health'
}

# is_ready ID URL: false at once when the server has ended.
is_ready() { until_true 600 answers_or_ended "$1" "$2" && ! gone "$1"; }
answers_or_ended() { gone "$1" || curl -fs --noproxy '*' -m 2 -o /dev/null "$2"; }
no_errors() { grep -q '^event: ' "$1" && ! grep '^event: error' "$1"; }

check_server()
{
    local port pg_port sandbox_port url id status=0
    port=$(free_port) pg_port=$(free_port) sandbox_port=$(free_port)
    start_postgres "$pg_port"
    start sandbox /usr/local/bin/deskstream-sandbox --host 127.0.0.1 --port "$sandbox_port"
    until_true 100 grep -q listening "$TMP/sandbox.log" || die "the sandbox did not start"

    local sandbox=http://127.0.0.1:$sandbox_port
    start server "PORT=$port" "DATABASE_URL=postgresql://deskstream:a%20b%2Fc@127.0.0.1:$pg_port/deskstream" \
        SANDBOX=1 "FRESHDESK_BASE_URL=$sandbox" FRESHDESK_DOMAIN=demo.freshdesk.com FRESHDESK_API_KEY=demo \
        "HCX_BASE_URL=$sandbox" HCX_CHAT_API_KEY=nv-sandbox "${ENTRY[@]}" "${COMMAND[@]}"
    id=${IDS[server]}
    url=http://127.0.0.1:$port
    expect 'the server becomes ready' is_ready "$id" "$url/health/ready"
    expect 'it runs as the image says' grep -Eq "^Uid:[[:space:]]${IMAGE_USER%%:*}[[:space:]]" "/proc/$id/status"
    expect 'the health check says yes' inside "PORT=$port" "${HEALTH[@]}"
    curl -sN --noproxy '*' -m 60 -X POST -H 'X-Freshdesk-Domain: demo' -H 'X-Freshdesk-API-Key: demo' \
        "$url/v1/tickets/1/assist" >"$TMP/stream.log" 2>&1 || true
    expect 'a ticket is streamed to its end' grep -q '^event: done' "$TMP/stream.log"
    expect 'with no error on the way' no_errors "$TMP/stream.log"
    expect 'metrics are served' curl -fs --noproxy '*' -m 5 "$url/metrics"

    kill -TERM "$id" 2>/dev/null || true
    expect 'SIGTERM ends it within 20 s' until_true 200 gone "$id"
    gone "$id" || kill -KILL "$id"
    wait "$id" || status=$?
    unset 'IDS[server]'
    expect 'with status 0' test "$status" = 0
    expect 'then the health check says no' test "$(inside "PORT=$port" "${HEALTH[@]}" >/dev/null 2>&1; echo $?)" = 1
}

trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
DRIVER=overlay
make_base
build_image
open_image
check_files
check_server
printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
[ "$FAILED" = 0 ]
