#!/usr/bin/env bash
#
# run_full_collection.sh: collects the whole account in the background: log freshdesk_full_collection.log,
# PID in freshdesk_collection.pid, data in freshdesk_full_data, all in the folder it is called from.
# Stop it with: kill $(cat freshdesk_collection.pid). Options are handed on to `deskstream collect`.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
program=${DESKSTREAM:-$(command -v deskstream || echo "$here/../../build/deskstream")}
if [ ! -x "$program" ]; then
    echo "deskstream을 찾을 수 없습니다: $program" >&2
    exit 1
fi
df -h . | tail -1
free -h 2>/dev/null | sed -n 2p || true
exec "$program" collect --full --background "$@"
