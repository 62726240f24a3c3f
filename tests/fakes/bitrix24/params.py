"""How PHP reads parameters: `filter[id]=1&values[]=a` is {"filter": {"id": "1"}, "values": ["a"]}."""
import re
import urllib.parse


def _put(tree, keys, value):
    key = keys[0]
    if key == "":
        key = str(len(tree))
    if len(keys) == 1:
        tree[key] = value
    else:
        if not isinstance(tree.get(key), dict):
            tree[key] = {}
        _put(tree[key], keys[1:], value)


def _lists(value):
    """Arrays are what has the keys 0, 1, 2, ..."""
    if not isinstance(value, dict):
        return value
    if value and list(value) == [str(i) for i in range(len(value))]:
        return [_lists(v) for v in value.values()]
    return {k: _lists(v) for k, v in value.items()}


def parse(query):
    tree = {}
    for part in query.split("&") if query else ():
        name, _, value = part.partition("=")  # before it is decoded: a "=" in a name ends it
        name, value = urllib.parse.unquote_plus(name), urllib.parse.unquote_plus(value)
        keys = re.match(r"([^\[]*)((?:\[[^\]]*\])*)$", name)
        if not keys:
            raise ValueError(f"a parameter called {name!r}")
        _put(tree, [keys[1], *re.findall(r"\[([^\]]*)\]", keys[2])], value)
    return {k: _lists(v) for k, v in tree.items()}


def build(tree, prefix=""):
    """The other way: a body of application/x-www-form-urlencoded."""
    out = []
    items = enumerate(tree) if isinstance(tree, list) else tree.items()
    for key, value in items:
        name = f"{prefix}[{key}]" if prefix else str(key)
        if isinstance(value, (dict, list)):
            out.append(build(value, name))
        else:
            out.append(urllib.parse.quote_plus(name) + "=" + urllib.parse.quote_plus(str(value)))
    return "&".join(out)
