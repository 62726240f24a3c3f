#!/bin/bash
# run.sh - runs unit test programs one after another, then the pages' own; prints failures in full.
set -u
passed=0 failed=0
for t in "$@"; do
    if out=$(timeout 120 "$t" 2>&1); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf '%s\n' "--- $t" "$out"
    fi
done
if command -v node >/dev/null; then
    tests=$(find gateway/ui -name '*.test.mjs')
    if [ -n "$tests" ]; then
        # shellcheck disable=SC2086
        if out=$(node --test $tests 2>&1); then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            printf '%s\n' "--- pages" "$out"
        fi
    fi
fi
echo "unit: $passed passed, $failed failed"
[ "$failed" = 0 ]
