"""A second opinion on requests: each against schema.json, the Bot API's own words as data."""

import json
import pathlib

SCHEMA = json.loads((pathlib.Path(__file__).parent / "schema.json").read_text())


def validate(method, params, files=()):
    """What is wrong with the parameters, as sentences; [] nothing."""
    found = SCHEMA["methods"].get(method)
    if found is None:
        return [f"{method}: not in the schema"]
    problems = []
    for name in [*params, *files]:
        attached = name in files and any(f"attach://{name}" in json.dumps(v) for v in params.values())
        if name not in found and not attached:
            problems.append(f"{method}: unknown parameter {name}")
    for name, rule in found.items():
        if name in files:
            continue
        if name not in params:
            if rule.get("required"):
                problems.append(f"{method}: {name} is missing")
            continue
        problems.extend(_check(f"{method}.{name}", params[name], rule))
    return problems


def _check(where, value, rule):
    kind = rule["type"]
    if kind.endswith("[]"):
        if not isinstance(value, list):
            return [f"{where}: is no array"]
        most = rule.get("max")
        out = [f"{where}: more than {most}"] if most and len(value) > most else []
        for i, v in enumerate(value):
            out.extend(_check(f"{where}[{i}]", v, {"type": kind[:-2]}))
        return out
    if kind in SCHEMA["types"]:
        return _check_object(where, value, SCHEMA["types"][kind])
    return _check_plain(where, value, kind, rule)


def _check_object(where, value, fields):
    if not isinstance(value, dict):
        return [f"{where}: is no object"]
    out = [f"{where}: unknown field {k}" for k in value if k not in fields]
    for name, rule in fields.items():
        if name in value:
            out.extend(_check(f"{where}.{name}", value[name], rule))
        elif rule.get("required"):
            out.append(f"{where}: {name} is missing")
    return out


def _check_plain(where, value, kind, rule):
    if kind == "file":
        return [] if isinstance(value, str) else [f"{where}: is no file"]
    if kind == "chat":
        good = isinstance(value, int) or (isinstance(value, str) and (value.lstrip("-").isdigit() or value[:1] == "@"))
        return [] if good else [f"{where}: is no chat id"]
    wanted = {"string": str, "integer": int, "boolean": bool, "number": (int, float)}[kind]
    if kind in ("integer", "boolean", "number") and isinstance(value, str):
        # In forms and queries everything is text.
        good = value in ("true", "false") if kind == "boolean" else value.lstrip("-").replace(".", "", 1).isdigit()
        return [] if good else [f"{where}: is no {kind}"]
    if not isinstance(value, wanted) or (kind == "integer" and isinstance(value, bool)):
        return [f"{where}: is no {kind}"]
    if kind == "string":
        n = len(value)
        if "max" in rule and n > rule["max"] or n < rule.get("min", 0):
            return [f"{where}: {n} characters"]
    if kind == "integer" and ("max" in rule and value > rule["max"] or value < rule.get("min", value)):
        return [f"{where}: {value} is out of range"]
    if "values" in rule and value not in rule["values"]:
        return [f"{where}: {value!r} is not one of those allowed"]
    return []
