"""Whatever a stranger or a broken program sends: a 4xx problem document (or an error frame) that says
what is wrong, counted, and harmless to everybody else."""
import concurrent.futures
import json
import re
import socket
import time
import urllib.parse

import pytest
import requests
import wire
from clients import Api
from contract import Contract
from harness import SLOWER

CONTRACT = Contract()
NOBODY = "7ZZZZZZZZZZZZZZZZZZZZZZZ00"
MARKUP = '<script>alert(1)</script><img src=x onerror=alert(2)>"\'`&amp;${7*7}{{7*7}}'


class World:
    def __init__(self, gateway):
        self.gateway, self.api = gateway, gateway.login()
        self.api.post("/agents", {"name": "victim", "role": "agent", "password": "one two three"})
        r = gateway.hook({"from": {"address": "bad1"}, "text": "hello", "id": "bad-1"})
        self.thread = r.json()["thread"]
        self.client = self.api.get("/threads/" + self.thread)["client"]["id"]
        r = gateway.hook({"from": {"address": "bad2"}, "text": "hello", "id": "bad-2"})
        self.spare = self.api.get("/threads/" + r.json()["thread"])["client"]["id"]

    def args(self, path):
        if path.endswith("/erase"):  # nothing can be done with him afterwards
            return {"id": self.spare}
        if "/agents/" in path:
            return {"name": "victim"}
        if "/channels/" in path:
            return {"name": "site"}
        return {"id": self.client if "/clients/" in path else self.thread}


@pytest.fixture(scope="module")
def world(shared):
    return World(shared)


def count(gateway, pattern):
    return sum(float(x) for x in re.findall(pattern + r" (\S+)", gateway.metrics()))


@pytest.fixture(autouse=True)
def unharmed(shared):
    """After each test the same workers run, and answer others as before."""
    before = sorted(shared.worker_pids())
    yield
    assert sorted(shared.worker_pids()) == before, shared.log()[-2000:]
    began = time.monotonic()
    assert requests.get(shared.url + "/readyz", timeout=5).status_code == 200
    assert time.monotonic() - began < 2 * SLOWER


# --- JSON --------------------------------------------------------------------------------------

BODIES = {
    "empty": b"", "open": b"{", "array": b"[]", "null": b"null", "string": b'"x"', "number": b"1",
    "twice": b'{"text":"a","text":"b","seq":1,"seq":1}', "tail": b'{} {"x":1}', "bare": b"{text:1}",
    "comma": b'{"text":"a",}', "utf8": b'{"text":"\xff\xfe"}', "overlong": b'{"text":"\xc0\xaf"}',
    "surrogate": b'{"text":"\\ud800"}', "nul": b'{"text":"a\\u0000b"}', "raw nul": b'{"text":"a\x00b"}',
    "control": b'{"text":"a\x07b"}', "nan": b'{"seq":NaN}', "big": b'{"seq":1e999}',
    "digits": b'{"seq":' + b"9" * 400 + b"}", "deep": b'{"text":' + b"[" * 900 + b"]" * 900 + b"}",
    "deep object": b'{"a":' * 200 + b"1" + b"}" * 200, "key": b'{"a\\u0000b":1}',
    "not json": b"name=admin&password=x", "xml": b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>",
    "bom": b'\xef\xbb\xbf{"text":"x"}',
}
WITH_JSON = sorted(o for o, (m, p, d) in CONTRACT.operations.items()
                   if p.startswith("/api/") and "application/json" in d.get("requestBody", {}).get("content", {}))


@pytest.mark.parametrize("op", WITH_JSON)
def test_malformed_json(world, op):
    method, path, _ = CONTRACT.operations[op]
    counted = count(world.gateway, r'sb_http_requests_total\{class="4xx"\}')
    for what, body in BODIES.items():
        r = CONTRACT.call(world.api, op, world.args(path), data=body,
                          headers={"Content-Type": "application/json"})
        assert isinstance(r, dict) and r.get("status") in (400, 413), (op, what, r)
        assert r["detail"] and r["detail"][0] != "(", (op, what, r)
    assert count(world.gateway, r'sb_http_requests_total\{class="4xx"\}') >= counted + len(BODIES)


VALUES = [None, 0, -1, 1.5, 2 ** 63, -2 ** 63, True, "", " ", "x" * 5000, "\u202eabc", "a\u0000b", "a\u001bb",
          [], [None], [[]], ["x"] * 200, {}, {"a": 1}, "2026-13-45T99:99:99Z", "../../etc/passwd", "%s%n%x",
          "'; DROP TABLE x; --", "\ud83d\ude00" * 50, NOBODY]


@pytest.mark.parametrize("op", WITH_JSON)
def test_wrong_types_and_unknown_keys(world, op):
    """Every key of every body with values that do not belong there: documented answers below 500."""
    method, path, doc = CONTRACT.operations[op]
    schema = doc["requestBody"]["content"]["application/json"]["schema"]
    if "$ref" in schema:
        schema = CONTRACT.strict["openapi.json"]["components"]["schemas"][schema["$ref"].split("/")[-1]]
    good = (schema.get("examples") or [{}])[0]
    slow = op in ("signIn", "changePassword", "addAgent")  # each try may hash a password
    for key in schema["properties"]:
        if slow and key in ("password", "old", "new"):
            values = VALUES[:8]
        else:
            values = VALUES[::3] if slow else VALUES
        for value in values:
            r = CONTRACT.call(world.api, op, world.args(path), json={**good, key: value})
            status = r["status"] if isinstance(r, dict) and "status" in r else 200
            assert status < 500, (op, key, value, r)
    r = CONTRACT.call(world.api, op, world.args(path), 400, json={**good, "nonsense<b>": 1})
    assert "nonsense<b>" in r["detail"] or "expected" in r["detail"], r
    CONTRACT.call(world.api, op, world.args(path), 400, json={**good, "é" * 100: 1})
    if "blocked" in schema["properties"]:
        world.api.patch(f"/threads/{world.thread}", {"blocked": False})  # others write to him


# --- size --------------------------------------------------------------------------------------


def rss(gateway):
    total = 0
    for pid in gateway.worker_pids():
        with open(f"/proc/{pid}/status") as f:
            total += int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))
    return total


def test_a_hundred_megabytes(world):
    """Refused by the announced length, or as soon as the limit is passed; never kept in memory."""
    g, before = world.gateway, rss(world.gateway)
    head = (f"POST /api/v1/threads/{world.thread}/messages HTTP/1.1\r\nHost: 127.0.0.1:{g.port}\r\n"
            f"Cookie: {world.api.cookie}\r\nOrigin: {g.url}\r\nContent-Type: application/json\r\n")
    announced = wire.raw_http("127.0.0.1", g.port, (head + "Content-Length: 104857600\r\n\r\n").encode())
    assert b" 413 " in announced.split(b"\r\n")[0] and b"problem+json" in announced
    with socket.create_connection(("127.0.0.1", g.port), timeout=10) as s:
        s.sendall((head + "Transfer-Encoding: chunked\r\n\r\n").encode())
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        sent = 0
        try:
            while sent < 100 << 20:
                s.sendall(chunk)
                sent += 65536
        except OSError:
            pass
        assert sent < 50 << 20, "the body was taken for too long"
    for op, length in (("signIn", 1 << 20), ("addAgent", 1 << 20), ("changeClient", 1 << 20)):
        method, path, _ = CONTRACT.operations[op]
        CONTRACT.call(world.api, op, world.args(path), 413, data=b"{" + b" " * length)
    assert rss(g) - before < 20000 * SLOWER


def test_a_million_characters(world):
    for text in ("x" * 1_000_000, "я" * 100_000, "x" * 16_001):
        CONTRACT.call(world.api, "sendMessage", {"id": world.thread}, 413, json={"text": text})
    CONTRACT.call(world.api, "sendMessage", {"id": world.thread}, 202, json={"text": "я" * 16_000, "note": True})


def test_bodies_where_none_is_expected(world):
    for op in ("listThreads", "countThreads", "whoAmI", "listAgents"):
        r = CONTRACT.call(world.api, op, {}, data=b"x" * 10)
        assert r["status"] in (400, 413)
    CONTRACT.call(world.api, "sendMessage", {"id": world.thread}, 415, data=b"\x1f\x8b",
                  headers={"Content-Encoding": "gzip"})


# --- ids, cursors, queries ---------------------------------------------------------------------

IDS = [NOBODY, "x", "0", "-1", "..", "%2e%2e", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "%00", "%ff%fe", "%zz", "*", "{s0}",
       "sb:users", "01ARZ3NDEKTSV4RRFFQ69G5FAV", "01arz3ndektsv4rrffq69g5fav", "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
       "7ZZZZZZZZZZZZZZZZZZZZZZZZZ", "A" * 26, "0" * 26, "1" * 5000, "%0d%0aX-Evil:1", "%e2%80%ae", "a%20b",
       "<script>", "'", "%22", "\u0431"]
WITH_ID = sorted(o for o, (m, p, d) in CONTRACT.operations.items()
                 if p.startswith("/api/") and "{" in p)


@pytest.mark.parametrize("op", WITH_ID)
def test_forged_ids(world, op):
    method, path, doc = CONTRACT.operations[op]
    body = {}
    if "requestBody" in doc:
        schema = doc["requestBody"]["content"]["application/json"]["schema"]
        if "$ref" in schema:
            schema = CONTRACT.strict["openapi.json"]["components"]["schemas"][schema["$ref"].split("/")[-1]]
        body = {"json": schema["examples"][0]}
    for bad in IDS:
        url = world.gateway.url + re.sub(r"\{\w+\}", bad.replace("\\", "\\\\"), path)
        r = world.api.http.request(method.upper(), url, timeout=10, **body)
        if urllib.parse.urlsplit(r.request.url).path == "/api/v1/sessions":
            continue  # the client has made another good address of "/agents/../sessions"
        assert r.status_code in (400, 404, 405, 431), (op, bad, r.status_code, r.text[:300])
        assert r.headers["Content-Type"] == "application/problem+json"
        assert "X-Evil" not in r.headers


@pytest.mark.parametrize("query", [
    "cursor=x", "cursor=:", "cursor=1:", f"cursor=1:{NOBODY}x", "cursor=%00", "cursor=1:%ff", "cursor=;drop", "limit=0",
    "limit=-1", "limit=1e3", "limit=+5", "limit=99999999999999999999", "limit=%20", "limit=5x", "view=%00",
    "view=mine%0d%0aset", "view=view:a:admin", "view=" + "x" * 3000, "q=%ff", "q=" + "x" * 201, "q=a%00b"])
def test_forged_queries(world, query):
    r = world.api.http.get(world.gateway.url + "/api/v1/threads?" + query, timeout=10)
    assert r.status_code == 400, (query, r.status_code, r.text[:200])
    CONTRACT.check("listThreads", r)


@pytest.mark.parametrize("q", ['"', "*", "a AND", "NEAR(", "'; --", "(", "-", "^x", "a:b", "%%", "🙂", "NOT", "{x}"])
def test_search_words_are_words(world, q):
    """The full-text engine's own signs are text here."""
    CONTRACT.call(world.api, "listThreads", status=200, params={"q": q})


def test_harmless_but_strange_queries(world):
    for query in (f"cursor=99999999999999999999:{NOBODY}", "label=<b>", "assignee=%27", "&&&", "=",
                  "view=all&view=open", "x=1&y"):
        r = world.api.http.get(world.gateway.url + "/api/v1/threads?" + query, timeout=10)
        assert r.status_code in (200, 400), (query, r.text)
        CONTRACT.check("listThreads", r)


def test_strange_credentials(world):
    stranger = Api(world.gateway.url)
    for headers in ({"Cookie": "sb_session="}, {"Cookie": "sb_session=" + "x" * 4000}, {"Cookie": "=;=;;sb_session"},
                    {"Cookie": 'sb_session="quoted"'}, {"Authorization": "Bearer "}, {"Authorization": "Bearer"},
                    {"Authorization": "Bearer " + "x" * 4000}, {"Authorization": "bearer sbt_x y z"},
                    {"Cookie": "sb_session=\u00ff\u00fe".encode("latin1")}):
        CONTRACT.call(stranger, "countThreads", status=401, headers=headers)
    for name in ("", "admin\u0000", "\u202eadmin", "x" * 2000, "sb:users", "*", "admin "):
        r = CONTRACT.call(stranger, "signIn", json={"name": name, "password": "wrong password"})
        assert r["status"] in (400, 401), (name, r)


# --- markup is text ----------------------------------------------------------------------------


def test_markup_is_text_everywhere(world):
    """T4: stored and given back as it came, as JSON, never as a page."""
    api, t, c = world.api, world.thread, world.client
    assert api.post(f"/threads/{t}/messages", {"text": MARKUP, "note": True})["message"]["text"] == MARKUP
    assert api.patch(f"/threads/{t}", {"labels": [MARKUP[:60]]})["thread"]["labels"] == [MARKUP[:60]]
    got = api.patch(f"/clients/{c}", {"name": MARKUP, "phone": "<b>", "email": "<i>@x", "note": MARKUP})["client"]
    assert (got["name"], got["phone"], got["email"], got["note"]) == (MARKUP, "<b>", "<i>@x", MARKUP)
    shown = "<script>x</script>"
    assert api.patch("/agents/victim", {"display_name": shown})["agent"]["display_name"] == shown
    m = api.post("/media", None, params={"name": "<script>.txt"}, data=b"x")["media"]
    r = api.ask("GET", "/media/" + m["id"])
    assert "\n" not in r.headers["Content-Disposition"] and r.headers["Content-Disposition"].startswith("attachment")
    hook = world.gateway.hook({"from": {"address": "<b>'\"", "name": MARKUP}, "text": MARKUP, "id": "<i>"})
    assert hook.status_code == 200
    for path in (f"/threads/{t}", f"/threads/{t}/messages", "/threads", f"/clients/{c}", "/agents", "/no<script>such"):
        r = api.ask("GET", path)
        assert r.headers["Content-Type"] in ("application/json", "application/problem+json")
        assert r.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in r.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["../../../etc/passwd", "..\\..\\x", "a%0d%0aSet-Cookie:x=1", "a%00b.png", "%e2%80%aegnp.exe",
                                  ".htaccess", "%ff%fe", "con", "a%22;b=%22", "%20", "x" * 255])
def test_file_names_are_only_shown(world, name):
    r = world.api.http.post(world.gateway.url + "/api/v1/media?name=" + name, data=b"hello", timeout=10)
    assert r.status_code in (201, 400), (name, r.text)
    CONTRACT.check("uploadMedia", r)
    if r.status_code == 201:
        m = r.json()["media"]
        assert not set(m["name"]) & set("/\\\r\n\0\u202e"), m
        got = world.api.ask("GET", "/media/" + m["id"])
        assert got.content == b"hello" and "x" not in got.cookies


# --- sockets -----------------------------------------------------------------------------------


def test_copies_go_only_by_mail(world):
    """The site's chat has one reader: an agent who copies others in is told so, and nothing is sent."""
    visitor = world.gateway.visitor()
    visitor.say_and_wait("hello")
    thread = next(t["id"] for t in world.api.threads() if t["channel"] == "site")
    for more in ({"cc": ["a@b.example"]}, {"bcc": ["a@b.example"]}, {"reply_all": True}):
        r = world.api.ask("POST", f"/threads/{thread}/messages", json={"text": "x", **more})
        assert r.json()["code"] == "unsupported" and "several" in r.json()["detail"], r.text
    r = world.api.ask("POST", f"/threads/{thread}/messages", json={"text": "x", "no_quote": True})
    assert r.json()["code"] == "unsupported" and "quote" in r.json()["detail"], r.text
    r = world.api.ask("POST", f"/threads/{world.thread}/messages", json={"text": "x", "cc": ["a@b.example\r\nBcc: c@d.example"]})
    assert r.status_code == 400 and "cc[0]" in r.json()["detail"]
    sent = world.api.post(f"/threads/{world.thread}/messages", {"text": "x", "cc": ["a@b.example"], "subject": "s"})["message"]
    assert sent["cc"] == ["a@b.example"] and sent["subject"] == "s"


def test_bad_frames(world):
    """Each is answered by an error that says why; the socket goes on, except before hello."""
    g = world.gateway
    ws = wire.WebSocket("127.0.0.1", g.port, "/ws/agent", {"Cookie": world.api.cookie})
    ws.send('{"type":"hello"}')
    while json.loads(ws.recv(10))["type"] != "ready":
        pass
    t = world.thread
    frames = ["", "x", "[]", "null", "{}", '{"type":5}', '{"type":"nonsense"}', '{"type":"send"}', '{"type":"hello"}',
              '{"type":"send","id":"a","thread":"x","text":"y"}', f'{{"type":"send","id":"a","thread":"{NOBODY}","text":"y"}}',
              f'{{"type":"send","id":"a","thread":"{t}","text":5}}', f'{{"type":"send","id":"a","thread":"{t}","text":""}}',
              f'{{"type":"send","id":"a","thread":"{t}","text":"x","nonsense":1}}',
              f'{{"type":"send","id":"a","thread":"{t}","text":"a\\u0000b"}}',
              f'{{"type":"send","id":"{"x" * 101}","thread":"{t}","text":"x"}}',
              f'{{"type":"send","id":"a","thread":"{t}","text":"{"x" * 20000}"}}',
              f'{{"type":"read","id":"a","thread":"{t}","seq":-1}}', f'{{"type":"read","id":"a","thread":"{t}","seq":"1"}}',
              f'{{"type":"change","id":"a","thread":"{t}","state":"burnt"}}',
              f'{{"type":"change","id":"a","thread":"{t}","client":"x"}}',
              '{"type":"send","type":"ping"}', "[" * 5000, '{"a":' * 100 + "1" + "}" * 100]
    for text in frames:
        ws.send(text)
        while True:
            f = json.loads(ws.recv(10))
            if f["type"] in ("error", "ok"):
                break
        assert f["type"] == "error" and f["detail"], (text[:100], f)
        CONTRACT.frame("/ws/agent", "subscribe", f)
    ws.send('{"type":"ping","id":"p"}')
    while json.loads(ws.recv(10)).get("id") != "p":
        pass
    ws.close()
    for text in ('{"type":"send"}', '{"type":"ping"}', "x"):
        early = wire.WebSocket("127.0.0.1", g.port, "/ws/agent", {"Cookie": world.api.cookie})
        early.send(text)
        assert json.loads(early.recv(10))["type"] == "error"
        early.kill()


@pytest.mark.parametrize("cursor", ["x", ";", "x;", ";0:1-1", "x;0:1-1", "e;99999:1-1", "e;0:" + "9" * 40, "e;0:-", "e;-1:1-1",
                                    "\u0000", "a" * 10000, "e;0:1-1," * 500, "e;0:*", "e;0:$", "e;0:+"])
def test_forged_cursors(world, cursor):
    """A cursor that nobody gave is answered by reset: the page loads everything anew."""
    ws = wire.WebSocket("127.0.0.1", world.gateway.port, "/ws/agent", {"Cookie": world.api.cookie})
    ws.send(json.dumps({"type": "hello", "cursor": cursor}))
    kinds = []
    try:
        while "ready" not in kinds:
            kinds.append(json.loads(ws.recv(10))["type"])
        assert "reset" in kinds, kinds
    except wire.Closed as e:
        assert e.code in (1008, 4401) and kinds == ["error"], (e.code, kinds)
    ws.kill()


def test_true_epoch_with_forged_places(world):
    agent = world.gateway.agent()
    epoch = agent.epoch
    agent.stop()
    for places in ("0:1-1", "0:99999999999999-0", "0:" + "9" * 40, "0:-", "0:x", "99:1-1", "0:1-1,0:1-1", "-1:0-0", "0:*"):
        ws = wire.WebSocket("127.0.0.1", world.gateway.port, "/ws/agent", {"Cookie": world.api.cookie})
        ws.send(json.dumps({"type": "hello", "cursor": f"{epoch};{places}"}))
        kinds = []
        try:
            while "ready" not in kinds:
                kinds.append(json.loads(ws.recv(10))["type"])
        except wire.Closed as e:
            assert e.code == 1008 and "error" in kinds, (places, e.code, kinds)
        ws.kill()


# --- floods ------------------------------------------------------------------------------------


def test_a_flood_of_sign_ins_delays_nobody(world):
    """Hashing is bounded: others are answered meanwhile, and the flood gets 401 or 429."""
    def sign_in(i):
        return requests.post(world.gateway.url + "/api/v1/session", timeout=60,
                             json={"name": f"flood{i}", "password": "wrong password"}).status_code
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        answers = [pool.submit(sign_in, i) for i in range(40)]
        slowest = 0
        while not all(a.done() for a in answers):
            began = time.monotonic()
            world.api.get("/counts")
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.02)
        assert {a.result() for a in answers} <= {401, 429}
    assert slowest < 1.5 * SLOWER, slowest
