#!/usr/bin/env bash
#
# tools/test-lint.sh: shows that each lint rule fires, and that it does not where it should not.
#
# A small clean tree is made in a temporary folder; lint must find nothing in it. Then one violation
# of each rule is planted, alone, and lint must fail and name file and rule. Speaks TAP.
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
export LINT_ROOT=$tree LINT_NO_DEPS=1
n=0 failed=0

opening='/*
 * base/x.c: one line.
 *
 * Another line, so that it is long enough.
 */'

# fresh: the clean tree.
fresh()
{
    rm -rf "${tree:?}"/* "$tree"/.clang-*
    mkdir -p "$tree/tools" "$tree/src/base" "$tree/src/store" "$tree/src/api" "$tree/src/net" "$tree/src/loop"
    cp "$here/tools/rooms.txt" "$here/tools/lint.py" "$tree/tools/"
    cp "$here/.clang-format" "$here/.clang-tidy" "$tree/"
    printf '#pragma once\nint clean(int a);\n' >"$tree/src/base/clean.h"
    printf '%s\n#include "base/clean.h"\n\n/* Never sprintf(here), nor "SELECT 1". */\nint clean(int a)\n{\n    return a;\n}\n' \
        "$opening" >"$tree/src/base/clean.c"
    printf '%s\nconst char *clean_sql = "SELECT 1";\n' "$opening" >"$tree/src/store/clean.c"
}

check() # NAME PART WANT: lint of PART must fail and print a line that matches WANT
{
    local out status
    out=$("$here/tools/lint.sh" "$2" 2>&1)
    status=$?
    n=$((n + 1))
    if [ $status -ne 0 ] && printf '%s\n' "$out" | grep -Eq -- "$3"; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        printf '# status %d, want a line like %s, got:\n' "$status" "$3"
        printf '%s\n' "$out" | sed 's/^/# /'
        failed=1
    fi
}

clean() # NAME PART: lint of PART must find nothing
{
    local out status
    out=$("$here/tools/lint.sh" "$2" 2>&1)
    status=$?
    n=$((n + 1))
    if [ $status -eq 0 ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        printf '%s\n' "$out" | sed 's/^/# /'
        failed=1
    fi
}

plant() # FILE TEXT: FILE gets the opening comment (for a .c) and TEXT
{
    mkdir -p "$tree/$(dirname "$1")"
    case $1 in
        *.c) printf '%s\n%s\n' "$opening" "$2" >"$tree/$1" ;;
        *) printf '%s\n' "$2" >"$tree/$1" ;;
    esac
}

one() # NAME PART FILE TEXT WANT
{
    fresh
    plant "$3" "$4"
    check "$1" "$2" "$5"
}

fresh
clean 'a clean tree: text' text
clean 'a clean tree: headers' headers
one 'an arrow upwards' text src/base/bad.c '#include "net/tcp.h"' '^src/base/bad\.c:6: room: '
one 'a service that includes another' text src/sync/bad.c '#include "assist/a.h"' '^src/sync/bad\.c:6: room: '
one 'a room not in the table' text src/misc/bad.c 'int a;' '^src/misc/bad\.c:1: room: '
one 'an include without a room' text src/net/bad.c '#include "tcp/x.h"' '^src/net/bad\.c:6: room: '
one 'ucontext outside loop' text src/net/bad.c '#include <ucontext.h>' 'bad\.c:6: system: '
one 'libuv in base' text src/base/bad.c '#include <uv.h>' 'bad\.c:6: system: '
one 'curl outside net' text src/upstream/bad.c '#include <curl/curl.h>' 'bad\.c:6: system: '
one 'libpq outside db' text src/store/bad.c '#include <libpq-fe.h>' 'bad\.c:6: system: '
one 'llhttp outside http' text src/api/bad.c '#include <llhttp.h>' 'bad\.c:6: system: '
one 'yyjson outside base' text src/api/bad.c '#include <yyjson.h>' 'bad\.c:6: system: '
one 'SQL outside store' text src/api/bad.c 'const char *q = "SELECT 1 FROM t";' 'bad\.c:6: sql: '
one 'a banned function' text src/net/bad.c 'void f(char *p);
void f(char *p)
{
    sprintf(p, "x");
}' 'bad\.c:9: banned: sprintf'
one 'malloc outside base' text src/net/bad.c 'void *f(void)
{
    return malloc(3);
}' 'bad\.c:8: banned: malloc'
one 'a blocking query' text src/db/bad.c 'void f(void)
{
    PQexec(0, "x");
}' 'bad\.c:8: banned: PQexec'
one 'a typedef of a struct' text src/net/bad.h '#pragma once
typedef struct a { int b; } a_t;' 'bad\.h:2: typedef: '
one 'a header without the pragma' text src/net/bad.h 'int a(void);' 'bad\.h:1: pragma: '
one 'a word that puts off work' text src/net/bad.c "/* $(printf 'TO''DO') later */" 'bad\.c:6: words: '
one 'a path of one machine' text docs/bad.md "see /home/$(printf 'joe')/x" '^docs/bad\.md:1: paths: '
one 'an address of a registry' text docs/bad.md "see deb.$(printf 'debian').org" '^docs/bad\.md:1: paths: '

fresh
printf '#include <stddef.h>\nint a;\n' >"$tree/src/net/bad.c"
check 'no opening comment' text '^src/net/bad\.c:1: opening: '
printf '/* short */\nint a;\n' >"$tree/src/net/bad.c"
check 'too short an opening comment' text '^src/net/bad\.c:1: opening: '
fresh
plant src/net/bad.c "$(printf 'int a%d;\n' $(seq 900))"
check 'a file too long' text '^src/net/bad\.c:801: file-size: '
body=$(printf '    a = a + %d;\n' $(seq 80))
fresh
plant src/net/bad.c "$(printf 'int f(int a)\n{\n%s\n    return a;\n}' "$body")"
check 'a function too long' text '^src/net/bad\.c:7: function-size: '
fresh
plant src/net/bad.c "$(printf '/* The state machine of f. */\nint f(int a)\n{\n%s\n    return a;\n}' "$body")"
clean 'a long state machine that says so' text
fresh
head -c 1100000 /dev/zero | tr '\0' x >"$tree/big.txt"
check 'a file over 1 MiB' text '^big\.txt:1: big-file: '
fresh
plant src/net/bad.c 'void f(char *p)
{
    /* lint-allow(banned): the planted reason. */
    sprintf(p, "x");
}'
clean 'a fault let through with its reason' text
one 'a header that needs another' headers src/net/bad.h '#pragma once
size_t f(void);' '^src/net/bad\.h:1: headers: '
if command -v clang-format >/dev/null && clang-format --version | grep -q 'version 14'; then
    one 'a line laid out otherwise' format src/net/bad.c 'int   a;' '^src/net/bad\.c:6: format: '
else
    n=$((n + 1))
    echo "ok $n # SKIP clang-format 14 is not here"
fi
if command -v clang-tidy >/dev/null; then
    one 'what clang-tidy finds' tidy src/net/bad.c 'int f(int *p);
int f(int *p)
{
    if (!p)
        return *p;
    return 0;
}' '^src/net/bad\.c:10: tidy: '
else
    n=$((n + 1))
    echo "ok $n # SKIP clang-tidy is not here"
fi
echo "1..$n"
exit $failed
