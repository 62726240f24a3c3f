#!/bin/bash
# state.sh - no mutable file-scope data: everything hangs on a struct that is passed down.
set -u
bad=0
# Declarations at the left margin that end in ; or = and are not const, typedef, prototype or extern.
if grep -rnE '^(static )?[a-z_][a-zA-Z0-9_ *]*[ *][a-zA-Z_][a-zA-Z0-9_]*(\[[^]]*\])* *(=|;)' gateway connectors --include='*.c' |
    grep -vE ':(static )?(const|enum|typedef|extern|return|struct [a-z_]+;)|: *(static )?[^=;(]*\bconst\b' |
    grep -vE '^[^:]+:[0-9]+:[^=;]*\('; then
    echo "mutable data at file scope"
    bad=1
fi
exit $bad
