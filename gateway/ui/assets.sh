#!/bin/bash
# assets.sh - prints the files below the given folders as C (see assets.h). Needs od, sed, gzip, sha256sum.
set -eu
type_of() {
    case $1 in
    *.html) echo 'text/html; charset=utf-8' ;;
    *.js) echo 'text/javascript; charset=utf-8' ;;
    *.css) echo 'text/css; charset=utf-8' ;;
    *.json) echo 'application/json' ;;
    *.svg) echo 'image/svg+xml' ;;
    *.png) echo 'image/png' ;;
    *.webmanifest) echo 'application/manifest+json' ;;
    *) echo 'application/octet-stream' ;;
    esac
}
echo '/* made by assets.sh */'
echo '#include <string.h>'
echo '#include "ui/assets.h"'
rows=
n=0
for dir in "$@"; do
    while IFS= read -r file; do
        echo "static const unsigned char data_$n[] = {"
        od -An -v -tu1 "$file" | sed 's/\([0-9][0-9]*\)/\1,/g'
        echo '0};'
        packed="NULL, 0"
        if [ "$(gzip -9nc "$file" | wc -c)" -lt $(($(stat -c %s "$file") * 9 / 10)) ]; then
            echo "static const unsigned char gz_$n[] = {"
            gzip -9nc "$file" | od -An -v -tu1 | sed 's/\([0-9][0-9]*\)/\1,/g'
            echo '0};'
            packed="gz_$n, sizeof gz_$n - 1"
        fi
        etag=$(sha256sum "$file" | cut -c1-20)
        rows="$rows    {\"${file#"$dir"/}\", \"$(type_of "$file")\", data_$n, sizeof data_$n - 1, \"\\\"$etag\\\"\", $packed},
"
        n=$((n + 1))
    done < <(find "$dir" -type f ! -name '.*' ! -name '*.c' ! -name '*.h' | LC_ALL=C sort)
done
cat <<EOC
static const struct asset assets[] = {
$rows    {0, 0, 0, 0, 0, 0, 0},
};
const struct asset *asset_find(const char *path) {
    for (const struct asset *a = assets; a->path; a++)
        if (strcmp(a->path, path) == 0)
            return a;
    return NULL;
}
EOC
