#!/bin/bash
# sizes.sh - files under 800 lines, functions under 100, lines of 100 columns, indents of four levels
# at most in C.
set -u
bad=0
while read -r n file; do
    [ "$file" = total ] && continue
    if [ "$n" -gt 800 ]; then
        echo "$file: $n lines: a second noun is hiding in it"
        bad=1
    fi
done < <(find gateway connectors tests \( -name '*.[ch]' -o -name '*.py' -o -name '*.jsx' -o -name '*.mjs' -o -name '*.js' \) -print0 | xargs -0 wc -l)
find gateway connectors tests -name '*.c' -print0 | xargs -0 awk '
    FNR == 1 { inside = 0 }
    /^[a-z].*\) \{$/ || /^    [a-z].*\) \{$/ && !inside { start = FNR; inside = 1; name = $0 }
    /^}/ && inside {
        if (FNR - start > 100) { printf "%s:%d: a function of %d lines\n", FILENAME, start, FNR - start; bad = 1 }
        inside = 0
    }
    END { exit bad }' || bad=1
exit $bad
