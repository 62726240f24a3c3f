#!/bin/bash
# banned.sh - calls that this code does not make, and why.
set -u
bad=0
ban() { # pattern, why, file that may (optional)
    if grep -rnE "(^|[^a-zA-Z0-9_.>])($1)\(" gateway connectors --include='*.[ch]' |
        grep -v "^${3:-none}:" | grep -vE ':[0-9]+: *(\*|//|/\*)'; then
        echo "banned: $2"
        bad=1
    fi
}
ban 'strcpy|strcat|sprintf|vsprintf|gets|stpcpy' 'no ceiling: use snprintf, base/buf.h or mem_printf'
ban 'strtok|asctime|ctime|localtime|gmtime' 'hidden state: use strtok_r, gmtime_r'
ban 'atoi|atol|atof' 'errors are not seen: use strtoll'
ban 'rand|random|srand|drand48' 'guessable: use libsodium'
ban 'system|popen' 'a shell: use execvp'
ban 'alloca' 'no ceiling on the stack'
ban 'malloc|calloc|realloc|strdup|strndup' 'out of memory must abort: use base/mem.h' gateway/base/mem.c
exit $bad
