#!/bin/bash
# run.sh - runs unit test programs one after another, then the pages' own; prints failures in full.
set -u
passed=0 failed=0
# A file, no pipe: what a failed test leaves behind would hold a pipe open for ever.
out=$(mktemp)
trap 'rm -f "$out"' EXIT
for t in "$@"; do
    if timeout 120 "$t" >"$out" 2>&1 </dev/null; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf '%s\n' "--- $t" "$(cat "$out")"
    fi
done
if command -v node >/dev/null; then
    tests=$(find gateway/ui -name '*.test.mjs')
    if [ -n "$tests" ]; then
        # shellcheck disable=SC2086
        if node --test $tests >"$out" 2>&1 </dev/null; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            printf '%s\n' "--- pages" "$(cat "$out")"
        fi
    fi
fi
echo "unit: $passed passed, $failed failed"
[ "$failed" = 0 ]
