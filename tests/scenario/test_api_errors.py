"""Each error that openapi.json documents for an operation is brought about once, and answered as it
says. Not here: 500 (a fault of ours) and 502 (a CRM that talks nonsense; the embedded one does not)."""
import concurrent.futures
import hashlib
import hmac
import itertools
import json
import os

import pytest
import requests
from clients import Api, Visitor
from contract import Contract
from harness import CONFIG, SLOWER, Gateway, patience, until
from test_api_contract import NOBODY, PHONE, PNG, World

CONTRACT = Contract()
NOT_HERE = ("500", "502")
PAIRS = sorted((op, status) for op, (_, _, doc) in CONTRACT.operations.items()
               for status in doc["responses"] if status >= "400" and status not in NOT_HERE)
FOREIGN = {"Origin": "https://evil.example"}
OUTSIDE = {"X-Forwarded-For": "203.0.113.7"}  # believed: 127.0.0.1 is a trusted proxy here

STRICT = (CONFIG.replace("workers = {workers}", 'workers = 1\ntrusted_proxies = {{"127.0.0.1"}}')
          .replace("login_tries = 1000", "login_tries = 8")
          .replace("messages_per_minute", "files_per_day = 1K\n  messages_per_minute")
          .replace('loopback "test" {{}}', 'loopback "test" {{ token = "hook-token" }}')
          .replace('cards "main" {{}}', ""))
ONE_WORKER = CONFIG.replace("workers = {workers}", "workers = 1")
AWAY = CONFIG.replace("workers = {workers}", 'workers = 1\ntrusted_proxies = {{"127.0.0.1"}}').replace("{redis}", 'redis {{ url = "redis://127.0.0.1:1" }}')


class Errors(World):
    def __init__(self, gateway):
        super().__init__(gateway)
        self.visitor = gateway.visitor()
        self.chat = Api(gateway.url, token=self.visitor.token)
        self.dialogue = self.thread()
        self.person = self.admin.get("/threads/" + self.dialogue)["client"]["id"]
        self.file = self.admin.post("/media?name=a.png", None, data=PNG)["media"]["id"]
        self.mine = self.admin.post(f"/threads/{self.dialogue}/messages", {"text": "x"})["message"]["id"]
        self.card = until(lambda: self.admin.get(f"/clients/{self.person}")["client"]["cards"]["main"]["id"])
        self.numbers = itertools.count()

    def args(self, op):
        """Of something that exists, where the path names one."""
        path = CONTRACT.operations[op][1]
        values = {"id": self.mine if "/messages/{id}" in path else self.file if "/media/" in path
                  else self.person if "/clients/" in path else "0:1-1" if "/dead/" in path else self.dialogue,
                  "name": "admin" if "/agents/" in path else "main" if "/targets/" in path else "site",
                  "other": self.person, "connector": "loopback", "target": "main", "provider": "corp",
                  "channel": "test", "rest": self.card if "/cards/" in path else "x", "file": "panel.js", "table": "days"}
        return {k: v for k, v in values.items() if "{" + k + "}" in path}

    def sender(self, op):
        return self.chat if op == "uploadChatMedia" else self.admin

    def send(self, op, api=None, query="", args=None, headers=None, body=b"", length=None):
        """The bytes as they are, also what a library would not send."""
        method, template, _ = CONTRACT.operations[op]
        api = api or self.sender(op)
        path = template.format(**(args or self.args(op)))
        asked = requests.Request(method.upper(), api.url + path, headers=headers or {}, data=body)
        r = api.http.prepare_request(asked)
        r.url = api.url + path + query
        if length is not None:
            r.headers["Content-Length"] = str(length)
        answer = api.http.send(r, timeout=60)
        CONTRACT.check(op, answer)
        return answer

    def body(self, op):
        """A good one, or none."""
        content = CONTRACT.operations[op][2].get("requestBody", {}).get("content", {})
        if "application/json" not in content:
            return {"data": b"x"} if content else {}
        schema = content["application/json"]["schema"]
        if "$ref" in schema:
            schema = CONTRACT.strict["openapi.json"]["components"]["schemas"][schema["$ref"].split("/")[-1]]
        return {"json": schema["examples"][0] if "examples" in schema else {}}


@pytest.fixture(scope="module")
def world():
    g = Gateway(config=CONFIG + PHONE).start()
    yield Errors(g)
    g.destroy()


@pytest.fixture(scope="module")
def strict():
    """Tight limits, a proxy in front, a hook with a token, no CRM."""
    g = Gateway(config=STRICT).start()
    yield g
    g.destroy()


@pytest.fixture(scope="module")
def away():
    """Its Redis never answered."""
    g = Gateway(config=AWAY).start(wait=False)
    until(lambda: requests.get(g.url + "/healthz", timeout=2).status_code == 200, 20)
    yield g
    g.destroy()


# --- one way to each error -------------------------------------------------------------------


def invalid(w, op, _):
    return w.send(op, query="?site=site&name=x&x=%00")


def no_login(w, op, strict):
    if op == "metrics":  # this machine's own monitors need none
        return w.send(op, Api(strict.url), headers=OUTSIDE)
    if op == "signIn":
        return CONTRACT.call(w.stranger, op, json={"name": "a", "password": "b"})
    if op == "uploadChatMedia":
        return CONTRACT.call(w.stranger, op, params={"site": "site", "name": "x"}, data=b"x")
    if "Hook" in op:
        return w.send(op, Api(strict.url), body=b"{}")
    return w.send(op, w.stranger, **({"body": b"{}"} if w.body(op) else {}))


def denied(w, op, strict):
    method, path, _ = CONTRACT.operations[op]
    if op == "metrics":
        strict_admin(strict).post("/agents", {"name": "nobody-special", "role": "agent", "password": "one two three"})
        return w.send(op, first_login(strict, "nobody-special"), headers=OUTSIDE)
    if op in ("uploadChatMedia", "chatMediaPreflight"):
        return w.send(op, query="?site=site&name=x", headers=FOREIGN)
    if op == "getChatMedia":
        return w.send(op, query="?t=forged")
    if op == "getHook":
        return w.send(op, args={"connector": "whatsapp", "channel": "phone"},
                      query="?hub.mode=subscribe&hub.challenge=1&hub.verify_token=forged")
    if method == "get":
        name = f"newcomer-{next(w.numbers)}"
        w.call("addAgent", status=201, json={"name": name, "role": "agent", "password": "one two three"})
        return w.send(op, first_login(w.gateway, name))
    return w.send(op, headers=FOREIGN, body=b"{}" if w.body(op) else b"")


def first_login(gateway, name):
    return Api(gateway.url).login(name, "one two three")


def strict_admin(strict):
    if not hasattr(strict, "boss"):
        strict.boss = strict.login()
    return strict.boss


def not_found(w, op, _):
    path = CONTRACT.operations[op][1]
    args = dict.fromkeys(w.args(op), "no-such")
    if "id" in args and "/dead/" not in path:
        args["id"] = NOBODY
    if op == "getChatMedia":
        return vanished(w)
    query = "?site=no-such&name=x" if "/chat/" in path or path.startswith("/widget") else ""
    good = w.body(op)
    if op in ("mergeClients", "unmergeClients"):
        good = {"json": {"from": w.person}}
    return CONTRACT.call(w.sender(op), op, args, **good, params=dict(
        p.split("=") for p in query[1:].split("&") if p))


def vanished(w):
    """A good ticket for a file that has vanished from the disk."""
    m = CONTRACT.call(w.chat, "uploadChatMedia", status=201, params={"site": "site", "name": "a.png"}, data=PNG)["media"]
    for folder, _, names in os.walk(w.gateway.data / "media"):
        for name in names:
            if name == m["id"]:
                os.unlink(os.path.join(folder, name))
    r = requests.get(w.gateway.url + m["url"], timeout=10)
    CONTRACT.check("getChatMedia", r)
    return r


def wrong_method(w, op, _):
    return w.send(op)


CHANGES = ("editMessage", "deleteMessage", "reactToMessage")
FILE_CHANNELS = ("changeChannel", "removeChannel")  # what the configuration file has stays


def closed_thread(w):
    """A client of the phone, who wrote long ago: only templates may go to him."""
    message = {"from": "4917600000", "id": "wamid.OLD", "timestamp": "1700000000", "type": "text", "text": {"body": "x"}}
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "77", "changes": [{
        "field": "messages", "value": {"metadata": {"phone_number_id": "1055"}, "messages": [message]}}]}]}).encode()
    mac = hmac.new(b"0123456789abcdef", body, hashlib.sha256).hexdigest()
    r = requests.post(w.gateway.url + "/hooks/whatsapp/phone", data=body, timeout=10,
                      headers={"X-Hub-Signature-256": "sha256=" + mac})
    assert r.status_code == 200, r.text
    return next(t["id"] for t in w.admin.threads() if t["channel"] == "phone")


SHELVES = {"addCanned": "canned", "addSchedule": "hours", "addPolicy": "sla", "addView": "views:admin", "saveDraft": "drafts:admin",
           "addRule": "rules"}
# What two admins may change at once.
KEPT = {
    "changeCanned": ("canned", "canned", {"shortcut": "hi", "text": "Hello"}),
    "changeSchedule": ("hours", "schedule", {"name": "Kept", "zone": "UTC", "week": {}, "channels": ["kept"]}),
    "changePolicy": ("sla", "policy", {"name": "Kept", "first_s": 60, "channels": ["kept"]}),
    "changeRule": ("rules", "rule", {"name": "Kept", "on": "message", "if": {"any": ["no such word"]}, "then": [{"label": "a"}]}),
    "changeTeam": ("teams", "team", {"name": "Kept", "members": []}),
    "changeView": ("views", "view", {"name": "Kept", "view": "open"}),
}


def full_shelf(w, op):
    """There are as many as there may be."""
    key = "sb:shelf:" + SHELVES[op]
    w.gateway.redis.hset(key, mapping={f"x{i}": "1 {}" for i in range(1000)})
    try:
        return CONTRACT.call(w.admin, op, w.args(op), **w.body(op))
    finally:
        w.gateway.redis.delete(key)


def conflict(w, op, _):
    if "SecondFactor" in op or op == "newRecoveryCodes":
        body = {"password": w.gateway.password, "code": "123456"}
        api, args = (w.settled(f"on{next(w.numbers)}"), {}) if op == "beginSecondFactor" else (w.admin, w.args(op))
        if op == "beginSecondFactor":
            api.second_factor(w.gateway.PASSWORD)
        if op == "resetSecondFactor":
            args = {"name": w.settled(f"off{next(w.numbers)}").name}
        wanted = w.body(op).get("json", {})
        return CONTRACT.call(api, op, args, **({"json": {k: body[k] for k in wanted}} if wanted else {}))
    if op in SHELVES:
        return full_shelf(w, op)
    if op in KEPT:
        path, name, fields = KEPT[op]
        one = w.admin.post("/" + path, fields)[name]
        return CONTRACT.call(w.admin, op, {"id": one["id"]}, json={**fields, "rev": 7})
    if op == "sendMessage":
        return CONTRACT.call(w.admin, op, {"id": closed_thread(w)}, json={"text": "too late"})
    if op in CHANGES:  # one that was taken back already
        m = w.admin.post(f"/threads/{w.thread()}/messages", {"text": "x"})["message"]["id"]
        until(lambda: w.admin.get(f"/messages/{m}/trace")["message"]["status"] == "sent")
        CONTRACT.call(w.admin, "deleteMessage", {"id": m}, 202)
        return CONTRACT.call(w.admin, op, {"id": m}, **w.body(op))
    if op == "addAgent":
        return CONTRACT.call(w.admin, op, json={"name": "admin", "role": "agent", "password": "one two three"})
    if op in ("addTeam", "addToken"):  # one of this name is there
        CONTRACT.call(w.admin, op, status=201, **w.body(op))
        return CONTRACT.call(w.admin, op, **w.body(op))
    if op == "changeAgent":
        return CONTRACT.call(w.admin, op, {"name": w.settled(f"seen{next(w.numbers)}").name}, json={"display_name": "x", "rev": 99})
    if op == "addChannel":
        return CONTRACT.call(w.admin, op, json={"connector": "loopback", "name": "site", "settings": {}})
    if op == "getChannelSettings":  # the file is read anew, and cannot be
        was = w.gateway.config_path.read_text()
        w.gateway.config_path.write_text(was + "wrokers = 1\n")
        try:
            return CONTRACT.call(w.admin, op, {"name": "site"})
        finally:
            w.gateway.config_path.write_text(was)
    if op in FILE_CHANNELS:
        return CONTRACT.call(w.admin, op, {"name": "site"}, **w.body(op))
    a, b, c = w.client(), w.client(), w.client()
    CONTRACT.call(w.admin, "mergeClients", {"id": a}, 200, json={"from": b})
    if op == "changeClient":
        return CONTRACT.call(w.admin, op, {"id": b}, json={"name": "x"})
    if op == "eraseClient":
        return CONTRACT.call(w.admin, op, {"id": b}, json={
            "reason": "x", "confirm": w.admin.get("/clients/" + b)["client"]["name"]})
    return CONTRACT.call(w.admin, op, {"id": c}, json={"from": b})


def too_large(w, op, _):
    return w.send(op, query="?site=site&name=x", headers={"Content-Type": "application/json"}, length=1 << 30)


def compressed(w, op, _):
    return w.send(op, query="?site=site&name=x", headers={"Content-Encoding": "gzip"}, body=b"\x1f\x8b\x08")


def bad_range(w, op, _):
    if op == "getChatMedia":
        m = CONTRACT.call(w.chat, "uploadChatMedia", status=201, params={"site": "site", "name": "a.png"},
                          data=PNG)["media"]
        r = requests.get(w.gateway.url + m["url"], headers={"Range": "bytes=9999-"}, timeout=10)
        CONTRACT.check(op, r)
        return r
    return w.send(op, headers={"Range": "bytes=9999-"})


def unsupported(w, op, strict):
    if op == "listThreads":
        return w.send(op, strict_admin(strict), query="?q=word")
    if op in CHANGES:  # a visitor's page shows what was said
        cid = w.visitor.say("hello")
        thread = until(lambda: [t for t in w.admin.threads() if t["channel"] == "site"])[0]["id"]
        theirs = until(lambda: w.admin.messages(thread))[0]["id"]
        assert cid
        return CONTRACT.call(w.admin, op, {"id": theirs}, **w.body(op))
    if op == "testTarget":  # the embedded one has nothing to be tried
        return CONTRACT.call(w.admin, op, {"name": "main"})
    return CONTRACT.call(w.admin, op, {"id": w.dialogue}, json={"text": "x", "attachments": [w.file]})


def too_many(w, op, strict):
    if op == "uploadChatMedia":
        v = Visitor(strict)
        v.start()
        strict.clients.append(v)
        assert v.ready.wait(patience())
        return CONTRACT.call(Api(strict.url, token=v.token), op, params={"site": "site", "name": "x"},
                             data=b"x" * 5000)
    if op == "signIn":
        return first_refused(lambda: CONTRACT.call(Api(strict.url), op, json={"name": "guessed", "password": "x" * 10}))
    if op == "changePassword":
        strict_admin(strict).post("/agents", {"name": "guesser", "role": "agent", "password": "one two three"})
        api = first_login(strict, "guesser")
        return first_refused(lambda: CONTRACT.call(api, op, json={"old": "x" * 10, "new": "y" * 10}))
    if "SecondFactor" in op or op == "newRecoveryCodes":
        api = strict.login(strict.add_user("factor-" + op.lower()), strict.PASSWORD)
        body = {"password": "wrong password", "code": "123456"}
        return first_refused(lambda: CONTRACT.call(api, op, json={k: body[k] for k in w.body(op)["json"]}))
    return flood(op)


def first_refused(ask):
    """Of ten; where the machine is slow, tries come back meanwhile, and more are needed."""
    for _ in range(10 * SLOWER):
        answer = ask()
        if answer.get("status") == 429:
            break
    return answer


def flood(op):
    """More passwords at once than may wait to be hashed. The first refusal ends it, and what waits goes with the
    gateway, for nobody needs to see it hashed."""
    g = Gateway(config=ONE_WORKER).start()
    admin = g.login()
    admin.post("/agents", {"name": "flooded", "role": "agent", "password": "one two three"})

    def one(i):
        api = Api(g.url)
        api.http.cookies = admin.http.cookies
        body = {"password": "one two three", **({"name": f"flooded-{i}", "role": "agent"} if op == "addAgent" else {})}
        return CONTRACT.call(api, op, {} if op == "addAgent" else {"name": "flooded"}, json=body, timeout=60 * SLOWER)

    with concurrent.futures.ThreadPoolExecutor(100) as pool:
        asked = [pool.submit(one, i) for i in range(100)]
        try:
            answers = (a.result() for a in concurrent.futures.as_completed(asked))
            return next((a for a in answers if a.get("status") == 429), None)
        finally:
            g.kill_master()
            concurrent.futures.wait(asked)
            g.destroy()


def unavailable(w, op, away):
    api = Api(away.url, token="v1.made.up") if op == "uploadChatMedia" else Api(away.url)
    api.http.cookies.set("sb_session", "made-up")
    if op == "metrics":
        return CONTRACT.call(api, op, headers=OUTSIDE)
    body = w.body(op)
    if "Hook" in op:
        body = {"json": {"from": {"address": "a"}, "id": "1", "text": "x"}} if op.startswith("post") else {}
    return CONTRACT.call(api, op, w.args(op), params={"site": "site", "name": "x", "t": "x"}, **body)


WAYS = {"400": invalid, "401": no_login, "403": denied, "404": not_found, "405": wrong_method, "409": conflict,
        "413": too_large, "415": compressed, "416": bad_range, "422": unsupported, "429": too_many,
        "503": unavailable}


@pytest.mark.parametrize("op,status", PAIRS, ids=lambda v: v)
def test_documented_error(request, world, op, status):
    other = "away" if status == "503" else "strict" if status in ("401", "403", "422", "429") else None
    CONTRACT.seen.discard((op, int(status)))
    r = WAYS[status](world, op, request.getfixturevalue(other) if other else None)
    assert (op, int(status)) in CONTRACT.seen, (op, status, r if isinstance(r, dict) else r.text[:300])
