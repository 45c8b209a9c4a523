#!/usr/bin/env bash
# Measures; prints tables and which aims were met. ROUNDS= (3) and SECONDS_EACH= (4) shorten or lengthen a run.
#   bench/run.sh [relay|collect|retrieval|budget|chats|chat_store]...     default: all
# Exits 0 whether aims were met or not: figures are for reading, and this machine may be busy.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${DESKSTREAM_BUILD:-build/release}
[ $# -gt 0 ] || set -- relay collect retrieval budget chats chat_store
for what in "$@"; do
    echo "== $what"
    python3 "bench/$what.py" "$build" --rounds "${ROUNDS:-3}" --seconds "${SECONDS_EACH:-4}"
done
