#!/bin/bash
# includes.sh - arrows point down only (gateway/README.md, Layers); library headers stay in loop/.
set -u
bad=0
level() {
    case $1 in
    base) echo 0 ;;
    loop) echo 1 ;;
    net) echo 2 ;;
    model | config | media) echo 3 ;;
    store) echo 4 ;;
    core) echo 5 ;;
    api | push | connectors) echo 6 ;;
    ui) echo 0 ;; # the pages' bytes: data, not code
    *) echo 7 ;;  # main, app, master, cli
    esac
}
while IFS=: read -r file line text; do
    target=$(sed -E 's/.*"([^"]+)".*/\1/' <<<"$text")
    case $file in
    gateway/*/*) from=$(cut -d/ -f2 <<<"$file") ;;
    connectors/*/*) from=connectors ;;
    *) from=top ;;
    esac
    to=${target%%/*}
    [ "$to" = "$target" ] && to=top
    if [ "$(level "$from")" -lt "$(level "$to")" ]; then
        echo "$file:$line: $from must not include $target: it is above"
        bad=1
    fi
    # The edges never include each other, nor one connector another.
    if [ "$(level "$from")" = 6 ] && [ "$(level "$to")" = 6 ] && [ "$from" != "$to" ]; then
        echo "$file:$line: $from and $to are both edges"
        bad=1
    fi
    if [ "$from" = connectors ] && [ "$to" = connectors ]; then
        own=$(cut -d/ -f2 <<<"$file")
        other=$(cut -d/ -f2 <<<"$target")
        if [ "$own" != "$other" ]; then
            echo "$file:$line: connector $own includes connector $other"
            bad=1
        fi
    fi
done < <(grep -rnE '^#include "' gateway connectors --include='*.[ch]' | grep -v '^connectors/registry')
if grep -rnE '#include <(uv|libwebsockets|microhttpd|hiredis|curl)[./]' gateway connectors --include='*.[ch]' | grep -v '^gateway/loop/'; then
    echo "uv, libwebsockets, microhttpd, hiredis and curl are seen in gateway/loop only"
    bad=1
fi
exit $bad
