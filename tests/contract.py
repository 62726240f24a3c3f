"""Holds a running gateway's answers and frames against openapi.json and asyncapi.json, strictly: an
answer may have no status, no type and no key that the documents do not know. After watch(), that is
so for everything that any test client of this process says and hears."""
import json
import pathlib
import re
import threading
import urllib.parse
import warnings

import requests
import wire

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from jsonschema import Draft202012Validator, RefResolver

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "gateway" / "api"
METHODS = ("get", "post", "patch", "delete", "put", "options")
ANYWHERE = (405, 431)  # openapi.json says of all requests that they may be answered so


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
        self.places = [(method, re.compile(re.sub(r"\\{rest\\}", ".+", re.sub(
            r"\\{(?!rest)\w+\\}", "[^/]+", re.escape(path))) + "$"), "{" in path, op)
            for op, (method, path, _) in self.operations.items()]
        self.places.sort(key=lambda p: p[2])  # a name before a parameter
        self.validators, self.lock = {}, threading.Lock()
        self.seen = set()  # (operationId, status), or a frame's name
        self.problems = []  # what watch() found wrong

    def errors(self, schema, value, document="openapi.json"):
        """All that is wrong with value. The schema is a part of the documents: it is remembered."""
        with self.lock:  # a resolver is no affair of two threads
            v = self.validators.get(id(schema))
            if not v:
                v = self.validators[id(schema)] = Draft202012Validator(
                    schema, resolver=self.resolvers[document])
            return list(v.iter_errors(value))

    def validate(self, schema, value, document="openapi.json", where=""):
        errors = self.errors(schema, value, document)
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

    def place(self, method, path):
        """The operation that serves it; None when no document knows the address and the method."""
        method = "get" if method.upper() == "HEAD" else method.lower()
        return next((op for m, pattern, _, op in self.places if m == method and pattern.match(path)),
                    None)

    def watch_answer(self, answer):
        r = answer.request
        op = self.place(r.method, urllib.parse.urlsplit(r.url).path)
        try:
            if op and not (answer.status_code in ANYWHERE
                           and str(answer.status_code) not in self.operations[op][2]["responses"]):
                self.check(op, answer)
                return
            where = f"{r.method} {r.url[:200]} {answer.status_code}"
            assert answer.status_code >= 400, f"{where}: no such operation is documented"
            if r.method != "HEAD":
                self.validate(self.strict["openapi.json"]["components"]["schemas"]["Problem"],
                              answer.json(), where=where)
            assert answer.status_code != 405 or answer.headers.get("Allow"), f"{where}: no Allow"
        except (AssertionError, ValueError) as e:
            self.problems.append(str(e))

    def message(self, channel, side, frame):
        """(name, payload schema) of a frame that a client says ("publish") or hears ("subscribe")."""
        doc = self.strict["asyncapi.json"]
        kind = frame.get("type") if isinstance(frame, dict) else None
        for c in doc["channels"][channel][side]["message"]["oneOf"]:
            m = doc["components"]["messages"][c["$ref"].split("/")[-1]]
            if m["payload"]["properties"]["type"]["const"] == kind:
                return m["name"], m["payload"]
        raise AssertionError(f"{channel}: a frame of type {kind!r} is not documented")

    def frame(self, channel, side, frame):
        """One frame that a client said ("publish") or heard ("subscribe")."""
        name, payload = self.message(channel, side, frame)
        self.validate(payload, frame, "asyncapi.json", f"{channel} {name}")
        self.seen.add(name)

    # --- wire.WebSocket.watcher: tests may say what they like, but a command that the documents do
    # not know must not be taken ---

    def says(self, ws, text):
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            return
        try:
            self.frame(ws.path, "publish", frame)
        except AssertionError as e:
            if isinstance(frame, dict):
                ws.strange[str(frame.get("cid", frame.get("id")))] = str(e)

    def hears(self, ws, text):
        try:
            frame = json.loads(text)
            self.frame(ws.path, "subscribe", frame)
            if frame["type"] in ("ok", "ack"):
                why = ws.strange.get(str(frame.get("cid", frame.get("id"))))
                assert not why, f"it was taken, but is not documented: {why}"
        except (AssertionError, ValueError) as e:
            self.problems.append(str(e))


WATCH = Contract()


def watch():
    """From here on each answer to requests, and each frame, is held against the documents; what is
    wrong is collected in WATCH.problems (tests' threads and until() swallow exceptions)."""
    plain = requests.Session.send

    def send(self, request, **kw):
        answer = plain(self, request, **kw)
        if not kw.get("stream"):
            WATCH.watch_answer(answer)
        return answer

    requests.Session.send = send
    wire.WebSocket.watcher = WATCH
