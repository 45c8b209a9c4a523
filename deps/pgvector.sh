#!/usr/bin/env bash
#
# deps/pgvector.sh: makes the extension "vector" available to the newest PostgreSQL on this machine.
#
# Nothing happens when the server has the extension already. Otherwise, in this order: a binary
# package that is new enough (pins.sh says what that is); a newer suite's source package; any binary
# package; Debian 13's source package. A mirror may list a version whose files it does not hold, so
# each way may fail and the next is tried. Sources are fetched by the private apt of lib.sh, built for
# a plain CPU (OPTFLAGS="") against the server's own headers, and installed with root rights.
# The headers are unpacked under build/deps when the development package is not installed, because
# that package would pull in a whole compiler.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=deps/lib.sh
. deps/lib.sh
# shellcheck source=deps/pins.sh
. deps/pins.sh

# pgvector is built by make's own rules, which our makefile switches off for whatever it starts.
unset MAKEFLAGS MAKELEVEL MFLAGS

# newest_bin: the directory of the newest server's programs.
newest_bin()
{
    local d
    # shellcheck disable=SC2012
    d=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
    [ -x "${d:-/none}/postgres" ] || d=$(pg_config --bindir 2>/dev/null || true)
    [ -x "${d:-/none}/postgres" ] || die "found no PostgreSQL server on this machine"
    echo "$d"
}

# make_pg_config BIN MAJOR: prints a pg_config that answers for BIN and knows where headers are.
make_pg_config()
{
    local bin=$1 major=$2
    if [ -f "$("$bin/pg_config" --includedir-server)/postgres.h" ] &&
        [ -f "$("$bin/pg_config" --pgxs)" ]; then
        echo "$bin/pg_config"
        return
    fi
    local tmp=$DEPS_DIR/tmp/pgheaders
    rm -rf "$tmp"
    mkdir -p "$tmp"
    (cd "$tmp" && apt-get -qq download "postgresql-server-dev-$major" >&2 2>/dev/null) || {
        apt_update
        (cd "$tmp" && apt-get -qq download "postgresql-server-dev-$major" >&2) ||
            die "cannot fetch the server headers of PostgreSQL $major"
    }
    dpkg-deb -x "$tmp"/postgresql-server-dev-*.deb "$tmp/x"
    # The build rules (pgxs) come with the client package on Debian 12, with this one elsewhere.
    local pgxs
    pgxs=$("$bin/pg_config" --pgxs)
    [ -f "$pgxs" ] || pgxs=$tmp/x$pgxs
    cat >"$tmp/pg_config" <<EOF
#!/bin/sh
case \$1 in
    --includedir-server) echo "$tmp/x$("$bin/pg_config" --includedir-server)" ;;
    --pkgincludedir) echo "$tmp/x$("$bin/pg_config" --pkgincludedir)" ;;
    --pgxs) echo "$pgxs" ;;
    *) exec "$bin/pg_config" "\$@" ;;
esac
EOF
    chmod 755 "$tmp/pg_config"
    echo "$tmp/pg_config"
}

# fetch_source SUITE VERSION|'' DIR: unpacks pgvector's source into DIR; fails when it cannot.
fetch_source()
{
    local suite=$1 pin=$2 dir=$3 conf version
    conf=$(apt_private "$suite" deb-src) || return 1
    version=$(APT_CONFIG=$conf apt-cache showsrc pgvector 2>/dev/null | sed -n 's/^Version: //p' |
        sort -V | tail -n 1)
    [ -n "$version" ] || return 1
    if [ -n "$pin" ]; then
        [ "$version" = "$pin" ] || say "pgvector $pin is gone from $suite, taking $version"
    else
        dpkg --compare-versions "$version" ge "$PGVECTOR_WANTED" || return 1
    fi
    rm -rf "$dir"
    mkdir -p "$dir/src"
    say "pgvector $version from $suite"
    if ! (cd "$dir" && APT_CONFIG=$conf apt-get -qq source --download-only --tar-only \
        "pgvector=$version" >"$dir/log" 2>&1); then
        say "pgvector $version is listed in $suite but its files are not there"
        return 1
    fi
    tar -xf "$dir"/pgvector_*.orig.tar.* -C "$dir/src" --strip-components=1
}

build_install()
{
    local src=$1 config=$2
    make -s -C "$src" PG_CONFIG="$config" OPTFLAGS="" with_llvm=no -j"$(nproc)" >&2
    as_root make -s -C "$src" PG_CONFIG="$config" OPTFLAGS="" with_llvm=no install >&2
}

main()
{
    local bin major control
    bin=$(newest_bin)
    control=$("$bin/pg_config" --sharedir)/extension/vector.control
    [ ! -f "$control" ] || return 0
    major=$("$bin/pg_config" --version | sed 's/^PostgreSQL \([0-9]*\).*/\1/')

    local pkg=postgresql-$major-pgvector candidate
    candidate=$(apt_candidate "$pkg")
    if [ -n "$candidate" ] && dpkg --compare-versions "$candidate" ge "$PGVECTOR_WANTED"; then
        apt_install "$pkg"
        return 0
    fi
    local dir=$DEPS_DIR/tmp/pgvector suite found=
    for suite in $PGVECTOR_SUITES; do
        if fetch_source "$suite" '' "$dir"; then
            found=1
            break
        fi
    done
    if [ -z "$found" ] && [ -n "$candidate" ]; then
        apt_install "$pkg"
        return 0
    fi
    [ -n "$found" ] || fetch_source "$PIN_SUITE" "$PIN_PGVECTOR" "$dir" ||
        die "cannot fetch pgvector from any suite"
    build_install "$dir/src" "$(make_pg_config "$bin" "$major")"
    [ -f "$control" ] || die "pgvector was built but $control is missing"
}
main "$@"
