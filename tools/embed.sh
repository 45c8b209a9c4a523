#!/bin/sh
#
# tools/embed.sh migrations|assets FILE...: writes a C file that holds the given files.
#
# The bytes are not copied into C text: the assembler includes each file (.incbin), which is exact and
# takes no time however large a file is. Sizes are written as constants, so the tables need no code at
# start. One NUL follows each file. Paths are relative to the repository, where the compiler runs.
# Migrations are numbered by their name (007-name.sql); two of one number stop the build.
set -eu
export LC_ALL=C
kind=$1
shift

bytes() # SYMBOL FILE: one read-only blob
{
    printf '__asm__(".section .rodata\\n.balign 16\\n.global %s\\n%s:\\n.incbin \\"%s\\"\\n.byte 0\\n.previous");\n' \
        "$1" "$1" "$2"
    printf 'extern const unsigned char %s[];\n' "$1"
}

media_type()
{
    case $1 in
        *.html) echo 'text/html; charset=utf-8' ;;
        *.css) echo 'text/css; charset=utf-8' ;;
        *.js | *.mjs) echo 'text/javascript; charset=utf-8' ;;
        *.json) echo 'application/json' ;;
        *.yaml | *.yml) echo 'application/yaml' ;;
        *.svg) echo 'image/svg+xml' ;;
        *.png) echo 'image/png' ;;
        *.ico) echo 'image/x-icon' ;;
        *.woff2) echo 'font/woff2' ;;
        *.webp) echo 'image/webp' ;;
        *.txt | *.md) echo 'text/plain; charset=utf-8' ;;
        *) echo 'application/octet-stream' ;;
    esac
}

echo "/* Written by tools/embed.sh; do not edit. */"
[ $# -eq 0 ] || sorted=$(printf '%s\n' "$@" | sort)
i=0
case $kind in
    migrations)
        echo '#include "db/migrate.h"'
        echo '#include <stddef.h>'
        rows=''
        seen=' '
        for f in ${sorted-}; do
            name=$(basename "$f" .sql)
            number=$(printf '%s\n' "$name" | sed -n 's/^0*\([0-9][0-9]*\)-.*$/\1/p')
            [ -n "$number" ] || { echo "$f: want a name like 001-what.sql" >&2; exit 1; }
            case $seen in *" $number "*) echo "$f: number $number is taken" >&2; exit 1 ;; esac
            seen="$seen$number "
            bytes "migration_sql_$i" "$f"
            rows="$rows    {$number, \"$name\", (const char *)migration_sql_$i},
"
            i=$((i + 1))
        done
        # A table may not be empty in C; the count says how many rows are meant.
        printf 'const struct migration migrations[] = {\n%s};\n' "${rows:-    {0, NULL, NULL\},
}"
        printf 'const size_t migration_count = %d;\n' "$i"
        ;;
    assets)
        echo '#include "base/asset.h"'
        rows=''
        for f in ${sorted-}; do
            size=$(wc -c <"$f")
            bytes "asset_data_$i" "$f"
            rows="$rows    {\"$f\", \"$(media_type "$f")\", asset_data_$i, $((size))},
"
            i=$((i + 1))
        done
        printf 'const struct asset assets[] = {\n%s};\n' "${rows:-    {NULL, NULL, NULL, 0\},
}"
        printf 'const size_t asset_count = %d;\n' "$i"
        ;;
    *)
        echo "usage: embed.sh migrations|assets FILE..." >&2
        exit 2
        ;;
esac
