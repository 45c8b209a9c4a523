#!/usr/bin/env bash
#
# run_batch.sh: the chat batch under its old name and arguments, for cron and by hand.
#
#   batch S E           classify a range of days         missing S E   find and fill what a range lacks
#   report S E          the report of a range            check S E     tell what a range lacks
#   daily, complete     yesterday: classify, report, mail both
#   complete D [E]      the same for a day or a range    status        what works and what does not
#
# Settings: the environment, then .env in this folder (read by the program, whole lines); where there is none,
# /app/.env, as in the old container. The exit status is the program's: 0 only when all of it went well.
set -uo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
program=${DESKSTREAM:-$(command -v deskstream || echo "$here/../../build/deskstream")}

usage() {
    echo "사용법: $0 batch S E | missing S E | check S E | report S E | daily | complete [D [E]] | status" >&2
    exit 1
}

# Takes KEY=VALUE lines of a file that are not set yet: whole lines, so that CRON_SCHEDULE=0 1 * * * stays whole.
load_env() {
    local line name value
    while IFS= read -r line || [ -n "$line" ]; do
        line=${line%$'\r'}
        line=${line#export }
        [[ $line =~ ^[[:space:]]*([A-Za-z_][A-Za-z0-9_]*)[[:space:]]*=(.*)$ ]] || continue
        name=${BASH_REMATCH[1]} value=${BASH_REMATCH[2]}
        value=${value#"${value%%[![:space:]]*}"}
        case $value in
            \"*\") value=${value#\"} value=${value%\"} ;;
            \'*\') value=${value#\'} value=${value%\'} ;;
            *) value=${value%%[[:space:]]#*} value=${value%"${value##*[![:space:]]}"} ;;
        esac
        [ -n "${!name+set}" ] || export "$name=$value"
    done <"$1"
}

[ -x "$program" ] || { echo "deskstream을 찾을 수 없습니다: $program" >&2; exit 1; }
[ -f .env ] || [ ! -r /app/.env ] || load_env /app/.env

command=${1:-}
[ $# -gt 0 ] && shift
# Old scripts also wrote --limit N; there is nothing to limit any more.
words=()
while [ $# -gt 0 ]; do
    case $1 in
        --limit) shift ;;
        --limit=*) ;;
        *) words+=("$1") ;;
    esac
    shift || break
done
set -- "${words[@]+"${words[@]}"}"

case $command in
    batch | basic)
        [ $# -eq 2 ] || usage
        exec "$program" batch -s "$1" -e "$2"
        ;;
    missing)
        [ $# -eq 2 ] || usage
        exec "$program" missing auto -s "$1" -e "$2"
        ;;
    check)
        [ $# -eq 2 ] || usage
        exec "$program" missing check -s "$1" -e "$2"
        ;;
    report)
        [ $# -eq 2 ] || usage
        exec "$program" report -s "$1" -e "$2"
        ;;
    daily | complete)
        [ $# -le 2 ] || usage
        [ "$command" = complete ] || [ $# -eq 0 ] || usage
        exec "$program" complete "$@"
        ;;
    status) exec "$program" status ;;
    *) usage ;;
esac
