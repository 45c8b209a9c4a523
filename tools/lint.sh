#!/usr/bin/env bash
#
# tools/lint.sh [all|text|format|tidy|headers]: every house rule; prints `file:line: rule: message`.
#
#   text     rooms, banned functions, sizes, openings ... (lint.py)
#   headers  each header compiles alone
#   format   .clang-format, judged by clang-format 14 only (other versions lay out differently)
#   tidy     .clang-tidy over src/, two at a time; a file that did not change since it was found clean
#            is not looked at again (what counts is its preprocessed text, kept under build/lint)
# All parts run even when an earlier one finds faults; exits 1 when any did. Needs python3 and clang's
# tools, which `deps/install.sh lint` brings.
set -uo pipefail
cd "${LINT_ROOT:-$(dirname "$0")/..}"
CPPFLAGS_ALL=${CPPFLAGS_ALL:--D_GNU_SOURCE -Isrc -isystem build/deps/root/include -isystem /usr/include/postgresql}
part=${1:-all}
bad=0
scratch=$(mktemp)
trap 'rm -f "$scratch"' EXIT
want() { [ "$part" = all ] || [ "$part" = "$1" ]; }
list() { find "$@" -type f \( -name '*.c' -o -name '*.h' \) 2>/dev/null | LC_ALL=C sort; }

[ "$part" = text ] || [ -n "${LINT_NO_DEPS:-}" ] || deps/install.sh lint || exit 1

if want text; then
    python3 tools/lint.py . || bad=1
fi

if want headers; then
    while read -r h; do
        # shellcheck disable=SC2086
        printf '#include "%s"\n' "${h#src/}" | ${CC:-cc} $CPPFLAGS_ALL -std=gnu17 -Wall -Wextra -Werror \
            -fsyntax-only -x c - 2>"$scratch" || {
            sed 's/^/    /' "$scratch"
            echo "$h:1: headers: does not compile alone"
            bad=1
        }
    done < <(list src | grep '\.h$')
fi

if want format; then
    version=$(clang-format --version | sed 's/.*version \([0-9]*\).*/\1/')
    if [ "$version" = 14 ]; then
        # One run per file at most; the message is turned into this script's form.
        list src tests bench | xargs -r -P 2 -n 16 clang-format --dry-run -Werror --ferror-limit=1 2>"$scratch"
        sed -n 's/^\([^:]*:[0-9]*\):[0-9]*: error: .*/\1: format: not laid out as .clang-format says; make format/p' \
            "$scratch" | sort -u
        grep -q 'error:' "$scratch" && bad=1
    else
        echo "format: not checked, the layout is pinned to clang-format 14 and this is $version" >&2
    fi
fi

if want tidy; then
    mkdir -p build/lint/tidy
    export CPPFLAGS_ALL
    tidy_one()
    {
        local f=$1 key out
        # shellcheck disable=SC2086
        key=$({ ${CLANG:-clang} -std=gnu17 $CPPFLAGS_ALL -E -C -P "$f" 2>/dev/null; cat .clang-tidy; \
            clang-tidy --version; } | sha256sum | cut -c1-32)
        [ ! -f "build/lint/tidy/$key" ] || return 0
        # shellcheck disable=SC2086
        if out=$(clang-tidy --quiet "$f" -- -std=gnu17 -Wall -Wextra $CPPFLAGS_ALL 2>/dev/null) &&
            [ -z "$out" ]; then
            : >"build/lint/tidy/$key"
            return 0
        fi
        printf '%s\n' "$out" | sed -n \
            "s|^$PWD/||; s/^\([^:]*:[0-9]*\):[0-9]*: \(error\|warning\): /\1: tidy: /p"
        return 1
    }
    export -f tidy_one
    list src | grep '\.c$' | xargs -r -P 2 -I{} bash -c 'tidy_one "$1"' _ {} || bad=1
fi

[ $bad -eq 0 ] && echo "lint: clean"
exit $bad
