# link.awk: awk -f link.awk _common.lua NAME.lua - the script with what it needs of the common part.
# Redis makes each local of a script anew at every call: what is not there costs nothing. A name that is
# only in a comment or a string does not count; each "local" at the beginning of a line of _common.lua is one part.

function note_names(text,    words, n, i) {
  gsub(/'[^'\n]*'/, " ", text)
  gsub(/ -- [^\n]*/, " ", text)
  gsub(/\.\./, " ", text)
  gsub(/\.[A-Za-z_]+/, " ", text)
  gsub(/[^A-Za-z0-9_]+/, " ", text)
  n = split(text, words, " ")
  for (i = 1; i <= n; i++) is_named[words[i]] = 1
}

FNR == 1 { file++ }
/^ *(--.*)?$/ { next }
file == 1 && /^local / {
  name[++parts] = $2 == "function" ? $3 : $2
  sub(/[^A-Za-z0-9_].*/, "", name[parts])
}
file == 1 { part[parts] = part[parts] $0 "\n" }
file == 2 { script = script $0 "\n" }

# A part is named by the script or by a part after it.
END {
  note_names(script)
  for (i = parts; i > 0; i--)
    if (name[i] in is_named) note_names(part[i])
  for (i = 1; i <= parts; i++)
    if (name[i] in is_named) linked = linked part[i]
  linked = linked script
  printf "%s", linked
  for (i = 1; i <= parts; i++)
    if (!(name[i] in is_named) && linked ~ ("(^|[^A-Za-z0-9_.'])" name[i] "\\(")) {
      print FILENAME ": " name[i] "() is called and was not found: write it plainly" > "/dev/stderr"
      exit 1
    }
}
