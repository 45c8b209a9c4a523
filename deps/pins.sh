# deps/pins.sh: the versions that deps/install.sh brings when this Debian release lacks a library.
#
# SUITE is Debian 13: a stable release, so a version once listed there stays, security fixes aside.
# When the exact version has been replaced by such a fix, the suite's current one is taken instead
# and a line says so. Every file is verified by apt against the suite's signed index.

# shellcheck shell=bash disable=SC2034
PIN_SUITE=trixie
PIN_LLHTTP='9.2.1~7.3.0+dfsg1+~cs24.12.11-1'
PIN_YYJSON='0.10.0+ds-1'

# pgvector: the newest wanted, looked for in these suites first; then what PIN_SUITE has.
# Below 0.8.6 a parallel index build has a security fault, below 0.8.3 HNSW has a vacuum fault; the
# server reads the installed version and stays within what is sound.
PGVECTOR_WANTED=0.8.6
PGVECTOR_SUITES='forky sid'
PIN_PGVECTOR='0.8.0-1'
