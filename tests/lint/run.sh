#!/bin/bash
# run.sh - all checks on the source itself; each says what is wrong and where. `make lint`.
set -u
cd "$(dirname "$0")/../.." || exit 1
failed=0
for check in includes sizes banned state words; do
    if ! bash "tests/lint/$check.sh"; then
        echo "lint: $check: FAILED"
        failed=$((failed + 1))
    fi
done
if command -v clang-format >/dev/null && [ -z "${LINT_FAST:-}" ]; then
    mapfile -t files < <(find gateway connectors tests -name '*.[ch]' -not -path '*/node_modules/*')
    ill=$(clang-format --dry-run -Werror "${files[@]}" 2>&1 | head -20)
    if [ -n "$ill" ]; then
        echo "$ill"
        echo "lint: format: FAILED (make format)"
        failed=$((failed + 1))
    fi
fi
echo "lint: $([ $failed = 0 ] && echo good || echo "$failed checks failed")"
[ $failed = 0 ]
