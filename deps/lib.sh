# deps/lib.sh: shell functions shared by the scripts in deps/: messages, root rights, a private apt.
#
# Private apt: a configuration of its own under build/deps/apt/<suite> (lists, cache, empty dpkg
# state). The mirror's address is read from the machine's own apt set-up, so nothing here names a
# host, and the machine's sources and package state are never touched. Signatures are checked with
# Debian's archive keyring. Needs no root.

# shellcheck shell=bash
ROOT_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
DEPS_DIR=$ROOT_DIR/build/deps
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

say() { printf '  %-4s %s\n' DEP "$*" >&2; }
die() { printf 'deps: %s\n' "$*" >&2; exit 1; }

# as_root CMD...: runs CMD with root rights, or stops with a message that tells what to run.
as_root()
{
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        sudo -n -- "$@"
    elif command -v sudo >/dev/null 2>&1 && [ -t 0 ] && [ -t 2 ]; then
        sudo -- "$@"
    else
        die "this step needs root rights and there is no usable sudo; please run as root: $*"
    fi
}

can_root()
{
    [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null 2>&1 &&
        { sudo -n true 2>/dev/null || { [ -t 0 ] && [ -t 2 ]; }; }; }
}

# pkg_missing PKG...: prints those that dpkg does not have installed.
pkg_missing()
{
    local have
    have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
        sed -n 's/^installed //p' || true)
    local p
    for p in "$@"; do
        case $'\n'$have$'\n' in
            *$'\n'"$p"$'\n'*) ;;
            *) echo "$p" ;;
        esac
    done
}

APT_UPDATED=
# apt_update: refreshes the machine's own package lists, once a run, with patience for its lock.
apt_update()
{
    [ -z "$APT_UPDATED" ] || return 0
    local i
    for i in 1 2 3 4 5 6; do
        if as_root apt-get -qq update >&2; then
            APT_UPDATED=1
            return 0
        fi
        say "apt-get update failed (try $i), again in 5 s"
        sleep 5
    done
    die "apt-get update failed"
}

# apt_install PKG...: installs from the machine's own sources; never removes anything.
apt_install()
{
    [ $# -gt 0 ] || return 0
    can_root || die "packages are missing and there is no usable sudo; please run as root:" \
        "apt-get install --no-install-recommends $*"
    apt_update
    say "install $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends --no-remove \
        -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 install "$@" >"$DEPS_DIR/apt.log" 2>&1 || {
        tail -n 20 "$DEPS_DIR/apt.log" >&2
        die "apt-get could not install: $*"
    }
}

# apt_candidate PKG: the version apt would install, or nothing.
apt_candidate()
{
    apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: //p' | grep -v '^(none)$' || true
}

# debian_mirror: the base address of the machine's Debian mirror, as its apt knows it.
debian_mirror()
{
    local uri
    # REPO_URI keeps mirror paths that SITE would cut; the security archive is no full mirror.
    uri=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' \
        'Created-By: Packages' 2>/dev/null |
        awk '$2 !~ /security|backports/ && $3 == "main" && $4 == "Debian" { print $1; exit }')
    if [ -z "$uri" ]; then
        # No lists yet (a fresh image): read the sources themselves, both formats.
        uri=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null | awk '
            /^Types:/ { u = "" } /^URIs:/ { u = $2 } /^Suites:/ && u != "" && u !~ /security/ &&
            /'"${VERSION_CODENAME:-stable}"'/ { print u; exit }')
    fi
    if [ -z "$uri" ]; then
        uri=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null | sed -n \
            's/^deb *\(\[[^]]*\]\)\{0,1\} *\([^ ]*\) '"${VERSION_CODENAME:-stable}"' .*/\2/p' |
            grep -v security | head -n 1)
    fi
    [ -n "$uri" ] || return 1
    printf '%s\n' "$uri"
}

# apt_private SUITE KIND: prepares a private apt for SUITE and prints the path of its APT_CONFIG.
# KIND is "deb" (binary packages) or "deb-src". Lists are kept for the rest of the run only.
apt_private()
{
    local suite=$1 kind=$2
    local dir=$DEPS_DIR/apt/$suite.$kind
    local conf=$dir/apt.conf
    if [ -f "$dir/ok" ]; then
        echo "$conf"
        return 0
    fi
    [ -f "$KEYRING" ] || die "no Debian archive keyring on this machine (debian-archive-keyring)"
    local mirror
    mirror=$(debian_mirror) || die "found no Debian mirror in this machine's apt configuration"
    rm -rf "$dir"
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial" "$dir/parts"
    : >"$dir/status"
    printf '%s [signed-by=%s] %s %s main\n' "$kind" "$KEYRING" "$mirror" "$suite" >"$dir/sources.list"
    cat >"$conf" <<EOF
Dir::State "$dir";
Dir::State::lists "$dir/lists";
Dir::State::status "$dir/status";
Dir::Cache "$dir/cache";
Dir::Etc::sourcelist "$dir/sources.list";
Dir::Etc::sourceparts "$dir/parts";
Dir::Etc::preferences "$dir/none";
Dir::Etc::preferencesparts "$dir/parts";
Acquire::Languages "none";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::Retries "3";
APT::Sandbox::User "";
EOF
    say "read the index of $suite ($kind), signature checked"
    # "error-mode=any" makes a missing index an error; without it apt only warns.
    if ! APT_CONFIG=$conf apt-get -qq -o APT::Update::Error-Mode=any update >"$dir/log" 2>&1; then
        say "$suite cannot be used: $(sed -n 's/^E: //p' "$dir/log" | head -n 1)"
        return 1
    fi
    : >"$dir/ok"
    echo "$conf"
}

apt_private_done() { rm -rf "$DEPS_DIR/apt"; }
