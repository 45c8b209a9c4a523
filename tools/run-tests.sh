#!/usr/bin/env bash
#
# tools/run-tests.sh SUITE PROGRAM...: runs test programs, counts their tests, tells what failed.
#
# Each program runs alone with a time limit (TEST_TIMEOUT, 120 s) and speaks TAP (cmocka does so by
# CMOCKA_MESSAGE_OUTPUT=TAP). Tests are counted from the "ok"/"not ok" lines and checked against the
# announced plan: what a program promised and did not report counts as failed, as do a crash, a time-out
# and a bad exit without a failed test (a leak found at exit). A failing program's output is printed.
# A program that speaks no TAP counts as one test. $TEST_RUNNER, when set, is put before each program. The last line is "SUITE: N passed, N failed, N
# skipped"; the same numbers are added to the file $TEST_COUNTS when it is set. Exits 1 on failure.
set -uo pipefail
suite=$1
shift
limit=${TEST_TIMEOUT:-120}
passed=0 failed=0 skipped=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT
export CMOCKA_MESSAGE_OUTPUT=TAP
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0:detect_stack_use_after_return=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

for program in "$@"; do
    args=()
    if [ "$suite" = corpus ]; then
        name=${program##*/fuzz_}
        [ -d "tests/fuzz/corpus/$name" ] && args=("tests/fuzz/corpus/$name")
    fi
    { timeout -k 5 "$limit" ${TEST_RUNNER:-} "$program" ${args[@]+"${args[@]}"} >"$out" 2>&1 </dev/null; } 2>/dev/null
    status=$?
    read -r ok bad skip planned < <(LC_ALL=C awk '
        # Noise may precede a result on its line, so the marks are looked for anywhere in it.
        /(^|[^a-z0-9])ok [0-9]+ .*# SKIP/ { skip++; next }
        /(^|[^a-z0-9])not ok [0-9]+ - / { bad++; next }
        /(^|[^a-z0-9])ok [0-9]+ - / { ok++; next }
        match($0, /1\.\.[0-9]+$/) { planned += substr($0, RSTART + 3) }
        END { print ok + 0, bad + 0, skip + 0, planned + 0 }' "$out")
    if [ $((ok + bad + skip + planned)) -eq 0 ]; then
        if [ $status -eq 0 ]; then ok=1; else bad=1; fi
    else
        lost=$((planned - ok - bad - skip))
        [ $lost -gt 0 ] && bad=$((bad + lost))
        [ $status -ne 0 ] && [ $bad -eq 0 ] && bad=1
    fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
    name=${program#build/*/}
    if [ $bad -gt 0 ]; then
        why="status $status"
        [ $status -eq 124 ] && why="over $limit s"
        [ $status -gt 128 ] && why="signal $((status - 128))"
        printf '  FAIL %s: %d of %d failed (%s)\n' "$name" "$bad" $((ok + bad + skip)) "$why"
        sed 's/^/       | /' "$out"
    else
        printf '  ok   %s: %d%s\n' "$name" "$ok" "$([ "$skip" -gt 0 ] && echo " ($skip skipped)")"
    fi
done
[ -z "${TEST_COUNTS:-}" ] || echo "$suite $passed $failed $skipped" >>"$TEST_COUNTS"
printf '%s: %d passed, %d failed%s\n' "$suite" $passed $failed \
    "$([ $skipped -gt 0 ] && echo ", $skipped skipped")"
[ $failed -eq 0 ]
