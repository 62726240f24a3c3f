#!/bin/bash
# run.sh SECONDS FUZZER... - runs each fuzzer so long, four at a time; what it finds stays in build/fuzz.
set -u
seconds=$1
shift
run_one() {
    name=$(basename "$1")
    short=${name%_fuzz}
    found=build/fuzz/found/$short
    mkdir -p "$found" "build/fuzz/corpus/$short"
    dirs="build/fuzz/corpus/$short"
    [ -d "tests/fuzz/corpus/$short" ] && dirs="$dirs tests/fuzz/corpus/$short"
    dict=tests/fuzz/$short.dict
    # shellcheck disable=SC2086
    if "$1" -max_total_time="$2" -rss_limit_mb=2048 -timeout=10 -max_len=16384 -print_final_stats=1 \
        -artifact_prefix="$found/" $([ -f "$dict" ] && echo "-dict=$dict") $dirs >"build/fuzz/$short.log" 2>&1; then
        echo "$short: $(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$short.log") runs, no crash"
    else
        echo "$short: FAILED, see build/fuzz/$short.log"
        tail -30 "build/fuzz/$short.log"
        return 1
    fi
}
export -f run_one
printf '%s\0' "$@" | xargs -0 -P 4 -I{} bash -c 'run_one "$0" "$1"' {} "$seconds"
rc=$?
echo "fuzz: $# targets, $([ $rc = 0 ] && echo 'no crash' || echo FAILED)"
exit $rc
