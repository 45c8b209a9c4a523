#!/usr/bin/env bash
#
# monitor_collection.sh [-w]: how far the collection in this folder is; -w: again every 300 seconds.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
exec "${DESKSTREAM:-$(command -v deskstream || echo "$here/../../build/deskstream")}" monitor "$@"
