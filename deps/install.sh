#!/usr/bin/env bash
#
# deps/install.sh [build|run|test|lint|bench|image]...: brings what building, testing or measuring needs.
#
#   build  compiler and libraries (part of run)
#   run    build + PostgreSQL with pgvector (the default; part of test too)
#   test   run + cmocka, Python, MariaDB, what reads a workbook or takes mails, and a browser when there
#          are browser tests
#   lint   clang with its sanitizer and fuzzer libraries, clang-format, clang-tidy
#   bench  nginx, unpacked under build/deps (no service is installed or started)
#   image  podman and debootstrap, to build the container image without a daemon; PostgreSQL to try it
#
# The happy path costs one dpkg query: when nothing is missing, nothing is fetched, asked or written.
# Packages come from the machine's own apt sources. Libraries that this Debian release lacks (llhttp,
# yyjson) come pinned from Debian 13 through the private apt of lib.sh and land in build/deps/root as
# static libraries, so a built program does not depend on this directory. Fails with a message and
# status 1 when a package cannot be had or root rights are missing. Invariant: no source list, key or
# package state of the machine changes beyond "apt-get install".
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=deps/lib.sh
. deps/lib.sh
# shellcheck source=deps/pins.sh
. deps/pins.sh
# shellcheck disable=SC1091
. /etc/os-release

PKG_BUILD=(build-essential pkg-config ca-certificates
    libuv1-dev libcurl4-openssl-dev libpq-dev libssl-dev zlib1g-dev
    libmariadb-dev libsqlite3-dev libxlsxwriter-dev)
PKG_RUN=("${PKG_BUILD[@]}" curl procps postgresql tzdata)
# The servers and readers of the chat batch's tests. mariadb-server-core is the server's programs without
# its service; tests start it by themselves.
PKG_TEST=(libcmocka-dev python3 python3-venv
    mariadb-server-core mariadb-client-core
    python3-aiosmtpd python3-openpyxl libreoffice-calc-nogui poppler-utils fonts-nanum)
PKG_LINT=(clang clang-format clang-tidy python3)
PKG_IMAGE=(podman debootstrap curl procps postgresql)

# lock: two runs of this script on one machine take turns.
lock()
{
    local file=/run/lock/deskstream-deps.lock
    if ! { : >>"$file"; } 2>/dev/null; then
        file=$DEPS_DIR/lock
        : >>"$file"
    fi
    exec 9>>"$file"
    flock -w 1800 9 || die "another deps/install.sh has been running for half an hour"
}

# fetch_version CONF PKG VERSION: VERSION when the suite still lists it, else what it lists now.
fetch_version()
{
    local conf=$1 pkg=$2 pin=$3 now
    if APT_CONFIG=$conf apt-cache madison "$pkg" | awk -F'|' '{ gsub(/ /, "", $2); print $2 }' |
        grep -Fxq "$pin"; then
        echo "$pin"
        return
    fi
    now=$(APT_CONFIG=$conf apt-cache madison "$pkg" | awk -F'|' '{ gsub(/ /, "", $2); print $2; exit }')
    [ -n "$now" ] || die "$PIN_SUITE does not list $pkg"
    say "$pkg $pin is gone from $PIN_SUITE, taking $now"
    echo "$now"
}

# have_header NAME...: true when a plain compile finds the header (a package or a local install).
have_header() { printf '#include <%s>\n' "$1" | ${CC:-cc} -E -x c - >/dev/null 2>&1; }

# bring_llhttp: the static library and header out of Debian's binary package.
bring_llhttp()
{
    [ ! -f "$DEPS_DIR/root/lib/libllhttp.a" ] || return 0
    ! have_header llhttp.h || return 0
    if [ -n "$(apt_candidate libllhttp-dev)" ]; then
        apt_install libllhttp-dev
        return 0
    fi
    local conf version tmp
    conf=$(apt_private "$PIN_SUITE" deb) || die "cannot read the index of $PIN_SUITE"
    version=$(fetch_version "$conf" libllhttp-dev "$PIN_LLHTTP")
    tmp=$DEPS_DIR/tmp/llhttp
    rm -rf "$tmp"
    mkdir -p "$tmp"
    say "llhttp $version"
    (cd "$tmp" && APT_CONFIG=$conf apt-get -qq download "libllhttp-dev=$version" >&2) ||
        die "cannot fetch libllhttp-dev $version"
    dpkg-deb -x "$tmp"/libllhttp-dev_*.deb "$tmp/x"
    mkdir -p "$DEPS_DIR/root/include" "$DEPS_DIR/root/lib"
    install -m 644 "$tmp/x/usr/include/llhttp.h" "$DEPS_DIR/root/include/"
    install -m 644 "$(find "$tmp/x" -name libllhttp.a)" "$DEPS_DIR/root/lib/"
}

# bring_yyjson: Debian ships only a shared library, so its source (one file) is compiled here.
bring_yyjson()
{
    [ ! -f "$DEPS_DIR/root/lib/libyyjson.a" ] || return 0
    ! have_header yyjson.h || return 0
    if [ -n "$(apt_candidate libyyjson-dev)" ]; then
        apt_install libyyjson-dev
        return 0
    fi
    local conf version tmp src
    conf=$(apt_private "$PIN_SUITE" deb-src) || die "cannot read the index of $PIN_SUITE"
    version=$(APT_CONFIG=$conf apt-cache showsrc yyjson | sed -n 's/^Version: //p' |
        grep -Fx "$PIN_YYJSON" || true)
    version=${version:-$(APT_CONFIG=$conf apt-cache showsrc yyjson | sed -n 's/^Version: //p' | head -n 1)}
    [ "$version" = "$PIN_YYJSON" ] || say "yyjson $PIN_YYJSON is gone from $PIN_SUITE, taking $version"
    tmp=$DEPS_DIR/tmp/yyjson
    rm -rf "$tmp"
    mkdir -p "$tmp/x"
    say "yyjson $version"
    (cd "$tmp" && APT_CONFIG=$conf apt-get -qq source --download-only --tar-only \
        "yyjson=$version" >&2) || die "cannot fetch the source of yyjson $version"
    tar -xf "$tmp"/yyjson_*.orig.tar.* -C "$tmp/x" --strip-components=1
    src=$tmp/x/src
    mkdir -p "$DEPS_DIR/root/include" "$DEPS_DIR/root/lib"
    ${CC:-cc} -O2 -g -fPIC -DNDEBUG -c "$src/yyjson.c" -o "$tmp/yyjson.o"
    ar rcsD "$tmp/libyyjson.a" "$tmp/yyjson.o"
    install -m 644 "$src/yyjson.h" "$DEPS_DIR/root/include/"
    install -m 644 "$tmp/libyyjson.a" "$DEPS_DIR/root/lib/"
}

# bring_clang_rt: the libraries behind clang's -fsanitize, which its package only recommends.
bring_clang_rt()
{
    local major
    major=$(clang -dumpversion 2>/dev/null | cut -d. -f1)
    [ -f "$(clang -print-runtime-dir 2>/dev/null)/libclang_rt.fuzzer-$(uname -m).a" ] ||
        compgen -G "/usr/lib/llvm-$major/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a" >/dev/null ||
        apt_install "libclang-rt-$major-dev"
}

# bring_nginx: the program alone, for measuring against; its packaged service is not wanted.
bring_nginx()
{
    ! command -v nginx >/dev/null 2>&1 || return 0
    [ ! -x /usr/sbin/nginx ] || return 0
    [ ! -x "$DEPS_DIR/nginx/usr/sbin/nginx" ] || return 0
    local tmp=$DEPS_DIR/tmp/nginx
    rm -rf "$tmp" "$DEPS_DIR/nginx"
    mkdir -p "$tmp"
    [ -n "$(apt_candidate nginx)" ] || apt_update
    say "nginx $(apt_candidate nginx)"
    if ! (cd "$tmp" && apt-get -qq download nginx >&2); then
        apt_update
        (cd "$tmp" && apt-get -qq download nginx >&2) || die "cannot fetch nginx"
    fi
    dpkg-deb -x "$tmp"/nginx_*.deb "$DEPS_DIR/nginx"
    ldd "$DEPS_DIR/nginx/usr/sbin/nginx" | grep -q 'not found' &&
        die "nginx lacks libraries: $(ldd "$DEPS_DIR/nginx/usr/sbin/nginx" | grep 'not found')"
    return 0
}

# bring_browser: Debian's browser, and the driver library pinned by deps/browser/package-lock.json.
bring_browser()
{
    [ -f deps/browser/package.json ] || return 0
    local want=()
    command -v chromium >/dev/null 2>&1 || want+=(chromium)
    command -v node >/dev/null 2>&1 || want+=(nodejs)
    command -v npm >/dev/null 2>&1 || want+=(npm)
    apt_install ${want[@]+"${want[@]}"}
    local dir=$DEPS_DIR/browser
    cmp -s deps/browser/package-lock.json "$dir/package-lock.json" && [ -f "$dir/ok" ] && return 0
    say "browser driver"
    rm -rf "$dir"
    mkdir -p "$dir"
    cp deps/browser/package.json deps/browser/package-lock.json "$dir/"
    # Node trusts a list of its own; the machine's list counts too. Where the registry cannot be
    # reached everything else still works, and the browser tests are reported as skipped.
    if ! (cd "$dir" && NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS:-/etc/ssl/certs/ca-certificates.crt} \
        npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-timeout=30000 \
        --loglevel=error >"$DEPS_DIR/npm.log" 2>&1); then
        sed 's/^/       | /' "$DEPS_DIR/npm.log" >&2
        say "npm could not bring the browser driver: browser tests will be skipped"
        rm -rf "$dir/node_modules"
        return 0
    fi
    : >"$dir/ok"
}

main()
{
    local groups=("$@") pkgs=() g
    [ ${#groups[@]} -gt 0 ] || groups=(run)
    for g in "${groups[@]}"; do
        case $g in
            build) pkgs+=("${PKG_BUILD[@]}") ;;
            run) pkgs+=("${PKG_RUN[@]}") ;;
            test) pkgs+=("${PKG_RUN[@]}" "${PKG_TEST[@]}") ;;
            lint) pkgs+=("${PKG_LINT[@]}") ;;
            bench) pkgs+=(python3) ;;
            image) pkgs+=("${PKG_IMAGE[@]}") ;;
            *) die "usage: deps/install.sh [build|run|test|lint|bench|image]..." ;;
        esac
    done
    [ -n "$(command -v dpkg-query)" ] || die "this script knows Debian 12 and later only;" \
        "elsewhere install: ${pkgs[*]} and llhttp, yyjson, pgvector"
    mkdir -p "$DEPS_DIR"
    lock
    local missing
    mapfile -t missing < <(pkg_missing "${pkgs[@]}" | sort -u)
    apt_install ${missing[@]+"${missing[@]}"}
    for g in "${groups[@]}"; do
        case $g in
            build | run | test)
                bring_llhttp
                bring_yyjson
                ;;
        esac
        case $g in
            run | test | image) deps/pgvector.sh ;;
        esac
        case $g in
            test) bring_browser ;;
            lint) bring_clang_rt ;;
            bench) bring_nginx ;;
        esac
    done
    apt_private_done
    rm -rf "$DEPS_DIR/tmp"
}
main "$@"
