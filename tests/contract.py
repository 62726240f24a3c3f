"""Holds a running gateway's answers and frames against openapi.json and asyncapi.json, strictly: an
answer may have no status, no type and no key that the documents do not know."""
import json
import pathlib
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from jsonschema import Draft202012Validator, RefResolver

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "gateway" / "api"
METHODS = ("get", "post", "patch", "delete", "put", "options")


def closed(schema):
    """The same schema, where an object has only the properties that are named."""
    if isinstance(schema, list):
        return [closed(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    out = {k: v if k in ("example", "examples", "const", "enum") else closed(v)
           for k, v in schema.items()}
    if out.get("properties") and out.get("type") == "object":
        out.setdefault("additionalProperties", False)
    return out


class Contract:
    def __init__(self, openapi=None, asyncapi=None):
        self.openapi = openapi or json.loads((FOLDER / "openapi.json").read_text())
        self.asyncapi = asyncapi or json.loads((FOLDER / "asyncapi.json").read_text())
        strict = {"openapi.json": closed(self.openapi), "asyncapi.json": closed(self.asyncapi)}
        self.strict = strict
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.resolvers = {name: RefResolver(name, doc, store=strict)
                              for name, doc in strict.items()}
        self.operations = {op["operationId"]: (method, path, op)
                           for path, methods in strict["openapi.json"]["paths"].items()
                           for method, op in methods.items() if method in METHODS}
        self.seen = set()  # (operationId, status)

    def validate(self, schema, value, document="openapi.json", where=""):
        errors = list(Draft202012Validator(
            schema, resolver=self.resolvers[document]).iter_errors(value))
        assert not errors, f"{where}: {errors[0].message} at {list(errors[0].absolute_path)} " \
                           f"in {json.dumps(value)[:1500]}"

    def response(self, op, status):
        responses = self.operations[op][2]["responses"]
        assert str(status) in responses, \
            f"{op}: status {status} is not documented; it has {', '.join(responses)}"
        r = responses[str(status)]
        if "$ref" in r:
            r = self.strict["openapi.json"]["components"]["responses"][r["$ref"].split("/")[-1]]
        return r

    def check(self, op, answer):
        """answer: of requests. Returns its JSON, or None."""
        where = f"{op} {answer.request.method} {answer.request.path_url} {answer.status_code}"
        documented = self.response(op, answer.status_code)
        self.seen.add((op, answer.status_code))
        for name in documented.get("headers", {}):
            assert name in answer.headers, f"{where}: the header {name} is missing"
        content = documented.get("content", {})
        kind = answer.headers.get("Content-Type", "").split(";")[0]
        if not content:
            assert not answer.content, f"{where}: a body that is not documented"
            return None
        if answer.request.method == "HEAD":
            return None
        assert kind in content or "*/*" in content, f"{where}: type {kind} is not documented"
        if not kind.endswith("json") or kind not in content:
            return None
        value = answer.json()
        self.validate(content[kind]["schema"], value, where=where)
        return value

    def call(self, api, op, path=None, status=None, **kw):
        """Calls an operation as `api` (clients.Api or requests.Session with .url)."""
        method, template, _ = self.operations[op]
        url = api.url + template.format(**(path or {}))
        kw.setdefault("timeout", 30)
        answer = api.http.request(method.upper(), url, **kw)
        value = self.check(op, answer)
        if status:
            assert answer.status_code == status, (op, answer.status_code, answer.text)
        return value if value is not None else answer

    def frame(self, channel, side, frame):
        """One frame that a client sent ("publish") or got ("subscribe")."""
        doc = self.strict["asyncapi.json"]
        choices = doc["channels"][channel][side]["message"]["oneOf"]
        named = [doc["components"]["messages"][c["$ref"].split("/")[-1]] for c in choices]
        fitting = [m for m in named
                   if m["payload"]["properties"]["type"]["const"] == frame.get("type")]
        assert fitting, f"{channel}: a frame of type {frame.get('type')!r} is not documented"
        self.validate(fitting[0]["payload"], frame, "asyncapi.json", f"{channel} {fitting[0]['name']}")
        self.seen.add(fitting[0]["name"])
