"""Who may do what: signing in, throttling, forged requests, roles, scopes, tokens, and how fast the
end of a session is felt. Rows T5 T10 T13 T17 T26 T27 of the peers' advisories."""
import json
import time

import pytest
import requests
import wire
from clients import Api
from contract import Contract
from harness import CONFIG, SLOWER, Gateway, until

CONTRACT = Contract()
PASSWORD = "one two three"
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000100000000376ef9240000000a"
                    "49444154789c636000000002000148afa4710000000049454e44ae426082")
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.fixture(scope="module")
def shared():
    """Its admin's password is a real one, which costs what it costs."""
    g = Gateway(admin=False).start()
    g.make_admin()
    yield g
    g.destroy()


def add(gateway, name, role="agent"):
    admin = gateway.login()
    admin.post("/agents", {"name": name, "role": role, "password": PASSWORD})
    api = Api(gateway.url).login(name, PASSWORD)
    api.post("/session/password", {"old": PASSWORD, "new": gateway.PASSWORD})
    return api


def token(gateway, name, role, scopes):
    out = gateway.cli("token", "add", name, "--role", role, "--scopes", scopes).stdout
    return next(w for w in out.split() if w.startswith("sbt_"))


def thread(gateway, text="hello", address=None):
    r = gateway.hook({"from": {"address": address or f"a{time.monotonic_ns()}"}, "text": text,
                      "id": f"m{time.monotonic_ns()}"})
    assert r.status_code == 200, r.text
    return r.json()["thread"]


def socket_of(gateway, api, hello=None, headers=None, origin=True):
    ws = wire.WebSocket("127.0.0.1", gateway.port, "/ws/agent",
                        headers if headers is not None else {"Cookie": api.cookie}, origin=origin)
    ws.send(json.dumps(hello or {"type": "hello"}))
    return ws


def heard(ws, kind, timeout=10):
    end = time.monotonic() + timeout
    while True:
        f = json.loads(ws.recv(max(0.05, end - time.monotonic())))
        if f["type"] == kind:
            return f


def closed(ws, timeout=5):
    """The close code, and the seconds until it came."""
    began = time.monotonic()
    try:
        while time.monotonic() - began < timeout:
            ws.recv(timeout)
    except wire.Closed as e:
        return e.code, time.monotonic() - began
    raise AssertionError("the socket stayed open")


# --- signing in --------------------------------------------------------------------------------


def test_first_password_opens_nothing_but_its_change(start_gateway):
    g = start_gateway(admin=False)
    once = g.first_password()
    api = Api(g.url).login("admin", once)
    assert api.agent["must_change_password"] is True
    for path in ("/threads", "/agents", "/channels", "/counts"):
        assert api.ask("GET", path).status_code == 403
    assert api.ask("POST", "/agents", json={}).status_code == 403
    f = heard(socket_of(g, api), "error")
    assert f["code"] == "denied"
    api.post("/session/password", {"old": once, "new": g.PASSWORD})
    assert api.get("/threads")["threads"] == []
    assert g.log().count("one-time password") == 1
    g.restart()
    time.sleep(0.5)
    assert g.log().count("one-time password") == 1


def test_wrong_unknown_disabled_are_one_answer(shared):
    """Nobody learns which names exist, by the words or by the time."""
    add(shared, "off")
    shared.login().patch("/agents/off", {"disabled": True})
    answers, times = set(), {}
    for name, password in (("admin", "wrong password"), ("no-such-name", "wrong password"),
                           ("off", shared.PASSWORD), ("x" * 64, "wrong password")):
        took = []
        for _ in range(5):
            began = time.monotonic()
            r = requests.post(shared.url + "/api/v1/session", json={"name": name, "password": password})
            took.append(time.monotonic() - began)
            answers.add((r.status_code, r.text))
            assert "Set-Cookie" not in r.headers
        times[name] = sorted(took)[2]
    assert len(answers) == 1 and next(iter(answers))[0] == 401
    assert max(times.values()) < 4 * min(times.values()) + 0.1, times


def test_guessing_is_throttled(start_gateway):
    g = start_gateway(config=CONFIG.replace("login_tries = 1000", "login_tries = 5"), admin=False)

    def asked(names):
        """The answers up to the first 429; what is asked slowly may be asked more often."""
        answers = []
        for name in names:
            answers.append(requests.post(g.url + "/api/v1/session", json={"name": name, "password": "x" * 12}))
            if answers[-1].status_code == 429:
                break
        return answers

    by_name = asked(["admin"] * 8 * SLOWER)
    assert [r.status_code for r in by_name][:5] == [401] * 5
    assert by_name[-1].status_code == 429 and int(by_name[-1].headers["Retry-After"]) >= 1
    CONTRACT.check("signIn", by_name[-1])
    by_address = asked(f"somebody{i}" for i in range(14 * SLOWER))
    assert by_address[-1].status_code == 429, [r.status_code for r in by_address]
    began, door = time.monotonic(), requests.Session()
    for i in range(500):
        door.post(g.url + "/api/v1/session", json={"name": f"somebody{i}", "password": "x" * 12})
    minutes = 2 + int((time.monotonic() - began) / 60)
    assert 100 <= g.log().count("event=login.refused ") <= 100 * minutes * g.workers, "and fills no disk"


def test_the_cookie_is_safe(shared):
    r = requests.post(shared.url + "/api/v1/session", json={"name": "admin", "password": shared.password})
    cookie = r.headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and "Path=/" in cookie
    assert "Secure" not in cookie
    secret = cookie.split("=", 1)[1].split(";")[0]
    assert len(secret) >= 43
    keys = [k.decode() for k in shared.redis.keys("sb:*")]
    assert not any(secret in k for k in keys), "the secret itself must not be in Redis"
    assert secret not in shared.log() and shared.password not in shared.log()


def test_each_sign_in_is_another_session(shared):
    a, b = shared.login(), shared.login()
    assert a.cookie != b.cookie
    fixed = Api(shared.url)
    fixed.http.cookies.set("sb_session", "A" * 43, domain="127.0.0.1", path="/")
    fixed.login("admin", shared.password)
    stranger = Api(shared.url)
    assert stranger.ask("GET", "/session", headers={"Cookie": "sb_session=" + "A" * 43}).status_code == 401


# --- the end of a session ----------------------------------------------------------------------


def ended_by(gateway, name, end):
    """Opens a page on each of two sockets, lets `end` happen, and measures until both are closed."""
    api = Api(gateway.url).login(name, gateway.PASSWORD)
    other = Api(gateway.url).login(name, gateway.PASSWORD)
    sockets = [socket_of(gateway, a) for a in (api, other)]
    for ws in sockets:
        heard(ws, "ready")
    assert api.ask("GET", "/session").status_code == 200
    end(api)
    return api, other, sockets


@pytest.mark.parametrize("how", ["password", "disabled", "role", "reset"])
def test_ended_sessions_hear_nothing_more(shared, how):
    """T13, T26: a changed password or role, or disabling, ends sessions: requests at once, sockets < 1 s."""
    name = "ended-" + how
    add(shared, name)
    admin = shared.login()
    ends = {
        "password": lambda api: api.post("/session/password", {"old": shared.PASSWORD, "new": "another password"}),
        "disabled": lambda api: admin.patch("/agents/" + name, {"disabled": True}),
        "role": lambda api: admin.patch("/agents/" + name, {"role": "supervisor"}),
        "reset": lambda api: admin.patch("/agents/" + name, {"password": "reset by admin"}),
    }
    _, other, sockets = ended_by(shared, name, ends[how])
    for ws in sockets:
        code, took = closed(ws)
        assert code == 4401 and took < 1 * SLOWER, (code, took)
    assert other.ask("GET", "/session").status_code == 401
    thread(shared, "nobody hears this")


def test_signing_out_ends_only_this_session(shared):
    """T26: the socket of the session that was signed out is closed, the other one stays."""
    add(shared, "leaver")
    api, other, (mine, others) = ended_by(shared, "leaver", lambda a: a.ask("DELETE", "/session"))
    code, took = closed(mine)
    assert code == 4401 and took < 1 * SLOWER
    assert api.ask("GET", "/session").status_code == 401
    assert other.ask("GET", "/session").status_code == 200
    t = thread(shared, "still here")
    assert heard(others, "message")["message"]["thread"] == t
    others.close()


def test_a_session_ends_by_itself(start_gateway):
    g = start_gateway(config=CONFIG.replace("login_tries = 1000", "login_tries = 1000 session_ttl = 60s"))
    api = g.login()
    name = next(k for k in g.redis.keys("sb:session:*"))
    assert 0 < g.redis.pttl(name) <= 60000
    for k in g.redis.keys("sb:session:*"):
        g.redis.pexpire(k, 1)
    time.sleep(0.02)  # a request within that millisecond would prolong it
    until(lambda: api.ask("GET", "/session").status_code == 401, 3)
    assert "sign in again" in api.ask("GET", "/session").json()["detail"]


# --- websockets --------------------------------------------------------------------------------


def test_socket_logins_obey_the_same_rules(shared):
    """T10: no session, a made-up one, a password in hello, a disabled user: refused, nothing told."""
    add(shared, "sleeper")
    api = Api(shared.url).login("sleeper", shared.PASSWORD)
    shared.login().patch("/agents/sleeper", {"disabled": True})
    tries = [({"type": "hello"}, {}), ({"type": "hello"}, {"Cookie": "sb_session=made-up"}),
             ({"type": "hello", "token": "sbt_made-up"}, {}),
             ({"type": "hello", "name": "admin", "password": shared.password}, {}),
             ({"type": "hello"}, {"Cookie": api.cookie})]
    for hello, headers in tries:
        ws = socket_of(shared, None, hello, headers)
        frames = []
        try:
            while True:
                frames.append(json.loads(ws.recv(5)))
        except wire.Closed as e:
            assert e.code == 4401, (hello, e.code)
        assert [f["type"] for f in frames] == ["error"], frames


def test_foreign_sockets_are_refused(shared):
    """T27: a page of another site, of a sibling host, or a sandboxed one cannot open our socket."""
    api = shared.login()
    for origin in ("https://evil.example", "null", f"http://127.0.0.1.evil.example:{shared.port}",
                   f"http://sub.127.0.0.1:{shared.port}", f"http://127.0.0.1:{shared.port + 1}",
                   f"ftp://127.0.0.1:{shared.port}", ""):
        with pytest.raises(wire.Refused) as e:
            wire.WebSocket("127.0.0.1", shared.port, "/ws/agent", {"Cookie": api.cookie, "Origin": origin},
                           origin=False)
        assert e.value.status in (400, 403), origin
    program = socket_of(shared, api, origin=False)  # no browser: no Origin
    heard(program, "ready")
    program.close()


# --- forged requests ---------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": ""}, {},
    {"Origin": "http://127.0.0.1.evil.example"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"}, {"Sec-Fetch-Site": "cross-site", "Origin": "OWN"}])
def test_forged_requests_are_refused(shared, headers):
    """T27: with the cookie alone, from anywhere else, nothing can be changed."""
    cookie = shared.login().cookie
    t = thread(shared)
    h = {k: v.replace("OWN", shared.url) for k, v in headers.items()}
    for method, path, body in (("PATCH", f"/threads/{t}", '{"state":"closed"}'), ("DELETE", "/session", ""),
                               ("POST", f"/threads/{t}/messages", '{"text":"x"}'),
                               ("POST", "/agents", '{"name":"evil","role":"admin","password":"one two three"}'),
                               ("POST", "/media?name=x", "x")):
        r = requests.request(method, shared.url + "/api/v1" + path, data=body, timeout=10,
                             headers={"Cookie": cookie, "Content-Type": "text/plain", **h})
        assert r.status_code == 403 and r.json()["code"] == "denied", (method, path, r.text)
    api = shared.login()
    assert api.get("/threads/" + t)["thread"]["state"] == "open"
    assert "evil" not in [a["name"] for a in api.get("/agents")["agents"]]


def test_our_own_page_is_let_in(start_gateway):
    g = start_gateway(config=CONFIG.replace("agents {{", 'public_url = "https://chat.example.com/"\nagents {{'))
    cookie, t = g.login().cookie, thread(g)
    for h in ({"Origin": g.url}, {"Origin": "https://chat.example.com"}, {"Sec-Fetch-Site": "same-origin"}):
        r = requests.patch(g.url + f"/api/v1/threads/{t}", json={"labels": [h.get("Origin", "x")]},
                           headers={"Cookie": cookie, **h}, timeout=10)
        assert r.status_code == 200, (h, r.text)


# --- roles and scopes --------------------------------------------------------------------------

READS = ("/threads", "/counts", "/agents", "/channels")


def test_roles(shared):
    """Each role may do what it may, and no more."""
    agent, boss = add(shared, "role-agent"), add(shared, "role-boss", "supervisor")
    t = thread(shared)
    for api in (agent, boss):
        for path in READS:
            api.get(path)
        api.patch("/threads/" + t, {"assignee": api.name})
        new = {"name": "made-by-" + api.name, "role": "admin", "password": PASSWORD}
        assert api.ask("POST", "/agents", json=new).status_code == 403
        for change in ({"role": "agent"}, {"disabled": True}, {"password": "one two three"}, {"lang": "en"}):
            assert api.ask("PATCH", "/agents/admin", json=change).status_code == 403
        for change in ({"role": "admin"}, {"disabled": False}, {"password": "one two three"}):
            assert api.ask("PATCH", "/agents/" + api.name, json=change).status_code == 403
        assert api.patch("/agents/" + api.name, {"lang": "en"})["agent"]["lang"] == "en"
    assert agent.ask("GET", "/dead").status_code == 403
    assert agent.ask("POST", "/dead/0:1-1/retry").status_code == 403
    assert agent.ask("POST", "/channels/site/check").status_code == 403
    assert boss.ask("GET", "/dead").status_code == 200
    assert boss.ask("POST", "/channels/site/check").status_code == 200


def test_scopes_of_tokens(shared):
    """A token has its scopes, whatever its role; revoked, it ends at once, its socket too."""
    t = thread(shared)
    reader = Api(shared.url, token(shared, "reader", "admin", "read"))
    writer = Api(shared.url, token(shared, "writer", "admin", "read,write"))
    for api in (reader, writer):
        api.http.headers.pop("Origin")
        for path in READS:
            api.get(path)
        new = {"name": "by-token", "role": "admin", "password": PASSWORD}
        assert api.ask("POST", "/agents", json=new).status_code == 403
        assert api.ask("PATCH", "/agents/admin", json={"password": "one two three"}).status_code == 403
    for method, path, body in (("PATCH", f"/threads/{t}", {"state": "closed"}),
                               ("POST", f"/threads/{t}/messages", {"text": "x"}),
                               ("POST", f"/threads/{t}/read", {"seq": 1}), ("POST", "/media?name=x", {}),
                               ("POST", "/dead/0:1-1/retry", {})):
        assert reader.ask(method, path, json=body).status_code == 403, path
    sent = writer.post(f"/threads/{t}/messages", {"id": "t1", "text": "from a program"})
    assert sent["message"]["from"]["agent"] == "writer"
    ws = socket_of(shared, None, {"type": "hello", "token": reader.token}, {}, origin=False)
    heard(ws, "ready")
    ws.send(json.dumps({"type": "send", "id": "x", "thread": t, "text": "no"}))
    assert heard(ws, "error")["code"] == "denied"
    shared.cli("token", "revoke", "reader")
    code, took = closed(ws)
    assert code == 4401 and took < 1 * SLOWER
    assert reader.ask("GET", "/counts").status_code == 401
    admin = Api(shared.url, token(shared, "root", "admin", "read,write,admin"))
    assert admin.ask("POST", "/agents", json={"name": "by-root", "role": "agent",
                                              "password": PASSWORD}).status_code == 201
    assert admin.ask("DELETE", "/session").status_code == 400
    secrets = [v for k in shared.redis.keys("sb:token*") for v in shared.redis.hgetall(k).values()]
    assert not any(admin.token.encode() in s for s in secrets)


def test_session_and_token_are_not_exchangeable(shared):
    """Neither passes as the other, also not while it is remembered."""
    secret = shared.login().cookie.split("=", 1)[1]
    tok = token(shared, "swap", "agent", "read")
    stranger = Api(shared.url)
    for _ in range(20):
        assert stranger.ask("GET", "/counts", headers={"Cookie": "sb_session=" + secret}).status_code == 200
        assert stranger.ask("GET", "/counts", headers={"Authorization": "Bearer " + secret}).status_code == 401
        assert stranger.ask("GET", "/counts", headers={"Authorization": "Bearer " + tok}).status_code == 200
        assert stranger.ask("GET", "/counts", headers={"Cookie": "sb_session=" + tok}).status_code == 401


def test_mass_assignment(shared):
    """T17: keys that are not for the asker are refused, not ignored."""
    api = add(shared, "assigner")
    t = thread(shared)
    c = api.get("/threads/" + t)["client"]["id"]
    for path, body in ((f"/threads/{t}", {"state": "open", "unread": 0}), (f"/threads/{t}", {"client": "x"}),
                       (f"/clients/{c}", {"name": "x", "merged_into": c}), (f"/clients/{c}", {"identities": []}),
                       ("/agents/assigner", {"lang": "ru", "hash": "x"}), ("/agents/assigner", {"name": "admin"}),
                       ("/agents/assigner", {"scopes": "admin"})):
        r = api.ask("PATCH", path, json=body)
        assert r.status_code in (400, 403), (path, body, r.text)
    r = api.ask("POST", f"/threads/{t}/messages", json={"text": "x", "from": {"kind": "agent", "agent": "admin"}})
    assert r.status_code == 400 and "from" in r.json()["detail"]
    r = api.ask("POST", f"/threads/{t}/messages", json={"text": "x", "status": "read"})
    assert r.status_code == 400


# --- what one may see --------------------------------------------------------------------------


def test_agents_see_only_what_they_may(start_gateway):
    """T5: with agents { see = "assigned" }, another's thread, client, messages and files do not exist."""
    g = start_gateway(config=CONFIG.replace("login_tries = 1000", 'login_tries = 1000 see = "assigned"'))
    ann, bob, boss = add(g, "ann"), add(g, "bob"), add(g, "boss", "supervisor")
    t = thread(g, "for ann: Pfannkuchen")
    ann.patch("/threads/" + t, {"assignee": "ann"})
    media = ann.post("/media?name=a.png", None, data=PNG)["media"]["id"]
    assert bob.ask("GET", "/media/" + media).status_code == 404
    m = ann.post(f"/threads/{t}/messages", {"text": "note", "note": True, "attachments": [media]})["message"]["id"]
    c = ann.get("/threads/" + t)["client"]["id"]
    other = bob.get("/threads/" + thread(g))["client"]["id"]
    asks = [("GET", f"/threads/{t}", None), ("GET", f"/threads/{t}/messages", None),
            ("PATCH", f"/threads/{t}", {"assignee": "bob"}), ("POST", f"/threads/{t}/read", {"seq": 1}),
            ("POST", f"/threads/{t}/messages", {"text": "x"}), ("GET", f"/messages/{m}/trace", None),
            ("GET", f"/clients/{c}", None), ("PATCH", f"/clients/{c}", {"name": "x"}),
            ("POST", f"/clients/{c}/merge", {"from": other}), ("POST", f"/clients/{other}/merge", {"from": c}),
            ("POST", f"/clients/{c}/unmerge", {"from": other}), ("GET", f"/clients/{c}/suggestions", None),
            ("DELETE", f"/clients/{c}/suggestions/{other}", None),
            ("GET", f"/clients/{c}/files", None),
            ("GET", f"/media/{media}", None)]
    for method, path, body in asks:
        r = bob.ask(method, path, json=body)
        assert r.status_code == 404, (method, path, r.status_code, r.text)
    for method, path, body in asks[:2] + [asks[5], asks[6], asks[-1]]:
        assert ann.ask(method, path, json=body).status_code == 200, path
        assert boss.ask(method, path, json=body).status_code == 200, path
    assert t not in [x["id"] for x in bob.threads()]
    until(lambda: ann.get("/threads", q="pfannkuchen")["threads"], 10)
    assert bob.get("/threads", q="pfannkuchen")["threads"] == []
    ws = socket_of(g, bob)
    heard(ws, "ready")
    hers = socket_of(g, ann)
    heard(hers, "ready")
    for sock in (hers, ws):
        sock.send(json.dumps({"type": "typing", "id": "1", "thread": t, "on": True}))
    assert heard(hers, "typing")["who"] == "ann"
    ann.post(f"/threads/{t}/messages", {"text": "not for bob", "note": True})
    mine = thread(g, "for anybody")
    while True:
        f = json.loads(ws.recv(10))
        assert "not for bob" not in json.dumps(f) and f["type"] != "typing"
        if f["type"] == "message" and f["message"]["thread"] == mine:
            break


def test_files_are_for_those_who_may_see_them(shared):
    """T5, T13: a file is its uploader's until a message shows it; SVG and HTML are never inline."""
    ann, bob = add(shared, "file-ann"), add(shared, "file-bob")
    m = ann.post("/media?name=a.png", None, data=PNG)["media"]["id"]
    assert ann.ask("GET", "/media/" + m).status_code == 200
    assert bob.ask("GET", "/media/" + m).status_code == 404
    assert Api(shared.url).ask("GET", "/media/" + m).status_code == 401
    t = thread(shared)
    r = bob.ask("POST", f"/threads/{t}/messages", json={"text": "x", "note": True, "attachments": [m]})
    assert r.status_code == 400, "nobody may attach a file that is another's"
    ann.post(f"/threads/{t}/messages", {"text": "x", "note": True, "attachments": [m]})
    assert bob.ask("GET", "/media/" + m).status_code == 200
    for name, data in (("a.svg", SVG), ("a.html", b"<!doctype html><script>alert(1)</script>"),
                       ("a.png", b"<!doctype html><script>alert(1)</script>"), ("a.svg.png", SVG)):
        r = ann.ask("POST", "/media", params={"name": name}, data=data)
        if r.status_code != 201:
            assert r.status_code in (400, 415, 422), r.text
            continue
        r = ann.ask("GET", "/media/" + r.json()["media"]["id"])
        assert r.headers["Content-Disposition"].startswith("attachment"), name
        assert r.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in r.headers["Content-Security-Policy"]
    ids = {ann.post("/media?name=a.png", None, data=PNG)["media"]["id"] for _ in range(10)}
    assert len(ids) == 10
