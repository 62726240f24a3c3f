#!/bin/bash
# run.sh - runs unit test programs, six at a time, for they wait more than they work; then the pages' own. Prints failures in full.
set -u
# Files, no pipes: what a failed test leaves behind would hold a pipe open for ever.
dir=$(mktemp -d)
out=$dir/pages
trap 'rm -rf "$dir"' EXIT
run_one() {
    name=$(basename "$1")
    if timeout 120 "$1" >"$2/$name" 2>&1 </dev/null; then
        : >"$2/$name.good"
    else
        printf '%s\n' "--- $1" "$(cat "$2/$name")"
    fi
}
export -f run_one
printf '%s\0' "$@" | xargs -0 -P 6 -I{} bash -c 'run_one "$0" "$1"' {} "$dir"
passed=$(find "$dir" -name '*.good' | wc -l)
failed=$(($# - passed))
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
