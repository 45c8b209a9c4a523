#!/usr/bin/env bash
#
# tools/format.sh: lays out src/, tests/ and bench/ as .clang-format says, with clang-format 14 only, because
# other versions disagree with it about the same settings. Fails with a message elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."
deps/install.sh lint
version=$(clang-format --version | sed 's/.*version \([0-9]*\).*/\1/')
if [ "$version" != 14 ]; then
    echo "format: the layout is pinned to clang-format 14 (Debian 12), this is $version" >&2
    exit 1
fi
find src tests bench -type f \( -name '*.c' -o -name '*.h' \) -print0 2>/dev/null | xargs -0 -r clang-format -i
