#!/usr/bin/env bash
#
# tools/fuzz.sh SECONDS PROGRAM...: runs each libFuzzer program for that long, one after the other.
#
# Starts from tests/fuzz/corpus/<name>/ (read only here); new inputs go to build/fuzz/<name>/, where a
# good one is picked by hand for the corpus. A crashing input is kept as build/fuzz/<name>-crash-*, and
# its path printed: it becomes a corpus file and a unit test row. Exits 1 when anything crashed.
set -uo pipefail
seconds=$1
shift
bad=0
[ $# -gt 0 ] || echo 'fuzz: no tests/fuzz/fuzz_*.c here'
for program in "$@"; do
    name=${program##*/fuzz_}
    new=build/fuzz/$name
    mkdir -p "$new"
    seeds=()
    [ -d "tests/fuzz/corpus/$name" ] && seeds=("tests/fuzz/corpus/$name")
    dict=()
    [ -f "tests/fuzz/$name.dict" ] && dict=("-dict=tests/fuzz/$name.dict")
    if "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/$name-" ${dict[@]+"${dict[@]}"} "$new" ${seeds[@]+"${seeds[@]}"} \
        >"build/fuzz/$name.log" 2>&1 </dev/null; then
        printf '  ok   fuzz %s: %s runs, %s\n' "$name" \
            "$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name.log")" \
            "$(grep -o 'cov: [0-9]*' "build/fuzz/$name.log" | tail -n 1)"
    else
        bad=1
        printf '  FAIL fuzz %s\n' "$name"
        tail -n 40 "build/fuzz/$name.log" | sed 's/^/       | /'
    fi
done
exit $bad
