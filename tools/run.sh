#!/usr/bin/env bash
#
# tools/run.sh start|stop: what `make run` and `make stop` do.
#
# start: brings what is missing, builds, starts a private PostgreSQL unless DATABASE_URL is set, starts
# the sandbox when no Freshdesk account is configured, starts `deskstream serve`, waits until it is
# ready and prints one line with the address. DETACH=1 returns then; otherwise this script stays, and
# Ctrl-C stops everything in the right order. Settings come from the environment, then .env, and reach
# the server. With the sandbox its articles and 500 tickets are synced first, so that the first sidebar
# has something to show; what that takes over half a minute goes on in the background. stop: ends exactly what start began, newest first, and nothing else.
#
# State lies under VAR_DIR (var): run/<name>.pid holds a process id and its start time, which together
# name one process for ever, so an id that was given away again is never hit; run/env holds what a
# command in another shell needs; log/<name>.log. When anything fails, what was started is stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
ROOT=$PWD
MAKE=${MAKE:-make}

die() { printf 'run: %s\n' "$*" >&2; exit 1; }

# setting NAME [DEFAULT]: from the environment, else from .env, else the default.
setting()
{
    local value=${!1:-}
    if [ -z "$value" ] && [ -f .env ]; then
        value=$(sed -n "s/^[[:space:]]*\(export[[:space:]]\{1,\}\)\{0,1\}$1[[:space:]]*=[[:space:]]*//p" .env |
            tail -n 1 | sed 's/\r$//; s/^"\(.*\)".*$/\1/; t; s/^'"'"'\(.*\)'"'"'.*$/\1/; t; s/[[:space:]]\{1,\}#.*$//; s/[[:space:]]*$//')
    fi
    printf '%s' "${value:-${2:-}}"
}

VAR=$(setting VAR_DIR var)
case $VAR in /*) ;; *) VAR=$ROOT/$VAR ;; esac
RUN=$VAR/run
LOG=$VAR/log

# ---------------------------------------------------------------- processes

born() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; } # start time, in ticks
state() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -c1; }

# alive NAME: prints the id of the process that run/NAME.pid names, when it still runs.
alive()
{
    local id when
    [ -f "$RUN/$1.pid" ] || return 1
    read -r id when <"$RUN/$1.pid" || return 1
    [ -n "$id" ] && [ -n "$when" ] && [ "$(born "$id")" = "$when" ] || return 1
    case $(state "$id") in Z | X | '') return 1 ;; esac
    printf '%s\n' "$id"
}

# launch NAME COMMAND...: starts it in a session of its own, output to log/NAME.log.
launch()
{
    local name=$1 id i
    shift
    setsid "$@" >>"$LOG/$name.log" 2>&1 </dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- &
    id=$!
    for i in 1 2 3 4 5 6 7 8 9 10; do
        [ -z "$(born $id)" ] || break
        sleep 0.05
    done
    printf '%s %s\n' "$id" "$(born $id)" >"$RUN/$name.pid"
}

# finish NAME SECONDS: asks the process (and its session) to end, waits, insists after SECONDS.
finish()
{
    local id i
    if id=$(alive "$1"); then
        kill -TERM -- "-$id" 2>/dev/null || kill -TERM "$id" 2>/dev/null || true
        for ((i = 0; i < $2 * 10; i++)); do
            alive "$1" >/dev/null || break
            sleep 0.1
        done
        if alive "$1" >/dev/null; then
            echo "run: $1 did not end within $2 s, killed" >&2
            kill -KILL -- "-$id" 2>/dev/null || true
        fi
    fi
    rm -f "$RUN/$1.pid"
}

stop_all()
{
    local drain_ms
    drain_ms=$(setting DRAIN_MS 10000)
    case $drain_ms in '' | *[!0-9]*) drain_ms=10000 ;; esac
    finish sync 5
    finish server $((drain_ms / 1000 + 10))
    finish sandbox 5
    if [ -f "$RUN/pg" ]; then
        tools/pg.sh stop "$VAR/pg" || true
        rm -f "$RUN/pg"
    fi
    rm -f "$RUN/env" "$RUN/url"
}

listening() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

# ---------------------------------------------------------------- parts

start_database()
{
    DATABASE_URL=$(setting DATABASE_URL)
    if [ -z "$DATABASE_URL" ]; then
        : >"$RUN/pg"
        DATABASE_URL=$(tools/pg.sh start "$VAR/pg") || die "the private PostgreSQL did not start"
    fi
    export DATABASE_URL
}

# start_sandbox: on port 8900 or the next free one; points the server at it.
start_sandbox()
{
    local port i
    for ((port = 8900; port < 8950; port++)); do
        ! listening 127.0.0.1 $port || continue
        launch sandbox build/deskstream-sandbox --port $port --rate 0 --list-rate 0
        for ((i = 0; i < 100; i++)); do
            alive sandbox >/dev/null || break
            if listening 127.0.0.1 $port; then
                use_sandbox "http://127.0.0.1:$port"
                return 0
            fi
            sleep 0.1
        done
        finish sandbox 1 # lost a race for the port, or cannot run at all: the log tells
    done
    tail -n 5 "$LOG/sandbox.log" >&2 || true
    die "the sandbox did not start; see $LOG/sandbox.log"
}

use_sandbox()
{
    export SANDBOX=1 FRESHDESK_BASE_URL=$1
    export FRESHDESK_DOMAIN=${FRESHDESK_DOMAIN:-demo.freshdesk.com} FRESHDESK_API_KEY=demo
    # The stand-in charges nothing, so the careful defaults for a real account would only be slow.
    export FRESHDESK_RATE_PER_MINUTE=${FRESHDESK_RATE_PER_MINUTE:-60000}
    export FRESHDESK_LIST_RATE_PER_MINUTE=${FRESHDESK_LIST_RATE_PER_MINUTE:-60000}
    if [ -z "$have_llm" ]; then
        export HCX_BASE_URL=$1 HCX_CHAT_API_KEY=nv-sandbox
        export HCX_MAX_REQUESTS_PER_MINUTE=${HCX_MAX_REQUESTS_PER_MINUTE:-6000}
        export HCX_MAX_TOKENS_PER_MINUTE=${HCX_MAX_TOKENS_PER_MINUTE:-50000000}
        export EMBEDDING_MAX_REQUESTS_PER_MINUTE=${EMBEDDING_MAX_REQUESTS_PER_MINUTE:-60000}
        export EMBEDDING_MAX_TOKENS_PER_MINUTE=${EMBEDDING_MAX_TOKENS_PER_MINUTE:-50000000}
    fi
}

# write_env: what `. var/run/env` in another shell needs to talk to the same database and upstreams.
write_env()
{
    local name
    (
        umask 077
        for name in HOST PORT DATABASE_URL SANDBOX FRESHDESK_BASE_URL FRESHDESK_DOMAIN FRESHDESK_API_KEY HCX_BASE_URL \
            HCX_CHAT_API_KEY HCX_MAX_REQUESTS_PER_MINUTE HCX_MAX_TOKENS_PER_MINUTE \
            EMBEDDING_MAX_REQUESTS_PER_MINUTE EMBEDDING_MAX_TOKENS_PER_MINUTE; do
            [ -z "${!name:-}" ] || printf 'export %s=%q\n' "$name" "${!name}"
        done >"$RUN/env"
    )
}

# fill_archive: made-up articles and tickets, so that there is something to find.
fill_archive()
{
    local i
    echo 'run: reading the sandbox'"'"'s articles and its first 500 tickets'
    launch sync bash -c 'build/deskstream sync kb && build/deskstream sync tickets --limit 500'
    for ((i = 0; i < 300; i++)); do
        alive sync >/dev/null || break
        sleep 0.1
    done
    if alive sync >/dev/null; then
        echo "run: that goes on in the background; its log is $LOG/sync.log"
    fi
}

wait_ready()
{
    local url=$1 i
    for ((i = 0; i < 600; i++)); do
        if ! alive server >/dev/null; then
            tail -n 20 "$LOG/server.log" >&2 || true
            die "the server ended; its log is $LOG/server.log"
        fi
        # Never through a proxy: this is our own loopback.
        ! curl -fs --noproxy '*' -o /dev/null -m 2 "$url/health/ready" || return 0
        sleep 0.1
    done
    tail -n 20 "$LOG/server.log" >&2 || true
    die "the server was not ready within a minute; its log is $LOG/server.log"
}

start()
{
    local host port shown url what
    host=$(setting HOST 127.0.0.1)
    port=$(setting PORT 8000)
    shown=$host
    case $host in 0.0.0.0 | '*' | ::) shown=127.0.0.1 ;; esac
    url=http://$shown:$port
    mkdir -p "$RUN" "$LOG"
    if alive server >/dev/null; then
        echo "Deskstream runs already on $(cat "$RUN/url" 2>/dev/null || echo "$url"); make stop ends it"
        return 0
    fi
    ! listening "$shown" "$port" || die "port $port is taken; choose another: make run PORT=$((port + 10))"

    deps/install.sh run || exit 1
    env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS "$MAKE" --no-print-directory all || exit 1

    trap 'stop_all' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    start_database
    have_llm=$(setting HCX_CHAT_API_KEY)$(setting OPENAI_API_KEY)$(setting ANTHROPIC_API_KEY)
    what='with your account'
    if [ -z "$(setting FRESHDESK_API_KEY)$(setting FRESHDESK_BASE_URL)" ] || [ "${SANDBOX:-}" = 1 ]; then
        start_sandbox
        what='sandbox: made-up tickets, no account is used'
    elif [ -z "$have_llm" ]; then
        echo 'run: no language model key is set, so summaries and answers will say so' >&2
    fi
    export HOST=$host PORT=$port VAR_DIR=$VAR
    launch server build/deskstream serve
    wait_ready "$url"
    write_env
    [ "${SANDBOX:-}" != 1 ] || fill_archive
    printf '%s\n' "$url" >"$RUN/url"
    echo "Deskstream is ready on $url ($what)"
    if [ -n "${DETACH:-}" ] && [ "$DETACH" != 0 ]; then
        trap - EXIT INT TERM HUP
        return 0
    fi
    echo "Ctrl-C stops it; its log is $LOG/server.log"
    while alive server >/dev/null; do
        sleep 0.5 &
        wait $! || true
    done
    die "the server ended; its log is $LOG/server.log"
}

case ${1:-} in
    start) start ;;
    stop) stop_all ;;
    *) die "usage: tools/run.sh start|stop" ;;
esac
