"""What guards an account: the second factor, sessions that are listed and ended, which passwords are taken, waits after
wrong guesses that tell nobody who exists. Rows T10 T13 T26 of the peers' advisories; ASVS 6.2, 6.3.1, 7.4."""
import base64
import concurrent.futures
import hashlib
import json
import time

import pytest
from clients import Api, Authenticator
from harness import CONFIG, SLOWER, Gateway, until
from test_api_auth import closed, heard, socket_of

USUAL = Gateway.PASSWORD
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Chrome/142 <script>alert(1)</script>"


@pytest.fixture(scope="module")
def shared():
    g = Gateway().start()
    yield g
    g.destroy()


def person(gateway, name, role="agent"):
    return gateway.login(gateway.add_user(name, role), USUAL)


def sign_in(gateway, name, password=USUAL, code=None, api=None, **kw):
    body = {"name": name, "password": password, **({"code": code} if code is not None else {})}
    return (api or Api(gateway.url)).http.post(gateway.url + "/api/v1/session", json=body, timeout=30, **kw)


# --- the second factor -------------------------------------------------------------------------


def test_a_password_alone_opens_nothing_any_more(shared):
    """T10: over REST and over the websocket; a code counts once, and a guess tells no more than a wrong password."""
    app, recovery = person(shared, "fay").second_factor(USUAL)
    bare = sign_in(shared, "fay")
    assert (bare.status_code, bare.json()["code"]) == (401, "second_factor") and "Set-Cookie" not in bare.headers
    wrong = sign_in(shared, "fay", code=app.wrong())
    assert (wrong.status_code, wrong.json()["code"]) == (401, "second_factor") and "Set-Cookie" not in wrong.headers
    # Whoever does not know the password does not learn that there is a second factor, or whether the code is right.
    strangers = [sign_in(shared, "fay", "wrong password"), sign_in(shared, "fay", "wrong password", app.wrong()),
                 sign_in(shared, "nobody-of-this-name", "wrong password", recovery[0])]
    assert len({(r.status_code, r.text) for r in strangers}) == 1 and strangers[0].json()["code"] == "auth"
    ws = socket_of(shared, None, {"type": "hello", "name": "fay", "password": USUAL}, {})
    assert closed(ws)[0] == 4401
    code = app.code()
    good = sign_in(shared, "fay", code=f" {code[:3]} {code[3:]} ")
    assert good.status_code == 200 and good.json()["agent"]["second_factor"] is True
    again = sign_in(shared, "fay", code=code)
    assert again.status_code == 401 and "used" in again.json()["detail"], "a code counts once"


def test_each_recovery_code_counts_once(shared):
    api = person(shared, "rex")
    _, recovery = api.second_factor(USUAL)
    assert len(set(recovery)) == 10 and api.get("/session/second-factor")["recovery_codes_left"] == 10
    assert sign_in(shared, "rex", code=recovery[0].upper().replace("-", " ")).status_code == 200
    assert sign_in(shared, "rex", code=recovery[0]).status_code == 401
    assert sign_in(shared, "rex", code=recovery[0][:-1]).status_code == 401
    assert sign_in(shared, "rex", code="").status_code == 401
    assert api.get("/session/second-factor")["recovery_codes_left"] == 9
    new = api.post("/session/second-factor/codes", {"password": USUAL, "code": recovery[1]})["recovery_codes"]
    assert sign_in(shared, "rex", code=recovery[2]).status_code == 401, "new ones replace the old ones"
    assert sign_in(shared, "rex", code=new[0]).status_code == 200


def test_a_code_is_taken_once_of_many_at_once(shared):
    """The step that opens a session uses the code up: of ten sign-ins with it one succeeds."""
    _, recovery = person(shared, "ten").second_factor(USUAL)
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: sign_in(shared, "ten", code=recovery[0]).status_code, range(10)))
    assert sorted(answers) == [200] + [401] * 9


def test_whoever_turns_it_on_or_off_gives_the_password_again(shared):
    """A session that was left open is not enough; and until its first code the old way in stays."""
    api = person(shared, "ivy")
    factor = "/session/second-factor"
    assert api.ask("POST", factor, json={"password": "wrong password"}).status_code == 403
    app = Authenticator(api.post(factor, {"password": USUAL})["secret"])
    assert sign_in(shared, "ivy").status_code == 200, "not confirmed yet"
    assert api.ask("POST", factor + "/confirm", json={"code": app.wrong()}).status_code == 400
    recovery = api.post(factor + "/confirm", {"code": app.code()})["recovery_codes"]
    for body, code in (({"password": "wrong password", "code": recovery[0]}, "denied"),
                       ({"password": USUAL, "code": app.wrong()}, "second_factor")):
        for path in ("/off", "/codes"):
            r = api.ask("POST", factor + path, json=body)
            assert (r.status_code, r.json()["code"]) == (403, code), r.text
    assert api.get("/session/second-factor") == {"has_password": True, "enabled": True, "recovery_codes_left": 10}
    api.post(factor + "/off", {"password": USUAL, "code": recovery[0]})
    assert sign_in(shared, "ivy").status_code == 200
    assert sign_in(shared, "ivy", code=recovery[1]).status_code == 200, "none is wanted: none is looked at"


def test_a_new_password_needs_the_old_one_only_and_keeps_the_factor(shared):
    api = person(shared, "pam")
    _, recovery = api.second_factor(USUAL)
    api.post("/session/password", {"old": USUAL, "new": "a new set of words"})
    assert api.get("/session")["agent"]["second_factor"] is True
    assert sign_in(shared, "pam", "a new set of words").json()["code"] == "second_factor"
    assert sign_in(shared, "pam", "a new set of words", recovery[0]).status_code == 200


def test_an_admin_resets_it_and_the_log_says_so(shared):
    """Of others only; it ends their sessions, sockets too; nobody else sees who has one."""
    api = person(shared, "lost")
    api.second_factor(USUAL)
    mate, boss = person(shared, "mate"), shared.login()
    ws = socket_of(shared, api)
    heard(ws, "ready")
    seen = {who: next(a for a in by.get("/agents")["agents"] if a["name"] == "lost").get("second_factor")
            for who, by in (("boss", boss), ("mate", mate), ("lost", api))}
    assert seen == {"boss": True, "mate": None, "lost": True}
    for path in ("/agents/lost/second-factor", "/agents/lost/sessions"):
        assert mate.ask("DELETE", path).status_code == 403
    assert boss.ask("DELETE", "/agents/admin/second-factor").status_code == 403
    assert boss.ask("DELETE", "/agents/lost/second-factor").status_code == 204
    code, took = closed(ws)
    assert code == 4401 and took < 1 * SLOWER
    assert api.ask("GET", "/session").status_code == 401
    assert sign_in(shared, "lost").status_code == 200
    line = next(li for li in shared.log().splitlines() if "account.second_factor_reset" in li)
    assert "subject=lost" in line and "by=admin" in line and "peer=127.0.0.1" in line


def test_redis_alone_is_not_enough(start_gateway):
    """Secrets are sealed under a key that is not in Redis; of recovery codes there are marks only; no log has either."""
    g = start_gateway()
    api = person(g, "sealed")
    app, recovery = api.second_factor(USUAL)
    r = g.redis
    said = json.dumps([repr(r.hgetall("sb:user:sealed")), repr(r.smembers("sb:recovery:sealed")), g.log()])
    secret = base64.b32encode(app.key).decode()
    for word in [secret, app.key.hex(), *recovery, *[c.replace("-", "") for c in recovery]]:
        assert word not in said
    key = g.data / "secret.key"
    assert key.stat().st_mode & 0o777 == 0o600 and len(key.read_bytes()) == 32
    assert repr(key.read_bytes())[2:-1] not in said
    # Somebody who can write Redis cannot put another's factor in its place.
    person(g, "thief").second_factor(USUAL)
    r.hset("sb:user:sealed", "totp", r.hget("sb:user:thief", "totp"))
    assert sign_in(g, "sealed", code=app.code()).status_code == 503
    g.cli("user", "reset-second-factor", "sealed")
    assert sign_in(g, "sealed").status_code == 200


def test_codes_are_good_on_each_worker_and_after_a_restart(start_gateway):
    g = start_gateway()
    app, recovery = person(g, "stays").second_factor(USUAL)
    g.restart()
    assert sign_in(g, "stays", code=app.code()).status_code == 200
    assert sign_in(g, "stays", code=recovery[3]).status_code == 200


# --- sessions ----------------------------------------------------------------------------------


def test_sessions_are_listed_and_ended(shared):
    """T26: the one that was ended hears nothing more within a second, the others go on. No name of a browser hides it."""
    shared.add_user("many")
    apis = []
    for i in range(3):
        apis.append(Api(shared.url))
        apis[i].http.headers["User-Agent"] = f"{BROWSER} {chr(0xff) * i}{i}"  # no UTF-8 but in the first
        apis[i].login("many", USUAL)
    listed = apis[0].get("/sessions")["sessions"]
    by_browser = {s["browser"][-1]: s for s in listed}
    assert sorted(by_browser) == ["0", "1", "2"] and all(s["address"] == "127.0.0.1" for s in listed)
    assert [s["browser"] for s in listed if s["current"]] == [BROWSER + " 0"]
    assert all(s["created_at"] <= s["last_used_at"] or s["created_at"][:19] == s["last_used_at"][:19] for s in listed)
    text = json.dumps(listed)
    for api in apis:
        assert api.cookie.split("=", 1)[1] not in text
    sockets = [socket_of(shared, a) for a in apis]
    for ws in sockets:
        heard(ws, "ready")
    apis[0].ask("DELETE", "/sessions/" + by_browser["1"]["id"])
    code, took = closed(sockets[1])
    assert code == 4401 and took < 1 * SLOWER
    assert [a.ask("GET", "/session").status_code for a in apis] == [200, 401, 200]
    # Nobody ends another's.
    stranger = person(shared, "stranger")
    assert stranger.ask("DELETE", "/sessions/" + by_browser["2"]["id"]).status_code == 404
    assert stranger.ask("POST", "/sessions/end-others").status_code == 204
    assert apis[2].ask("GET", "/session").status_code == 200
    apis[0].post("/sessions/end-others")
    code, took = closed(sockets[2])
    assert code == 4401 and took < 1 * SLOWER
    assert [s["current"] for s in apis[0].get("/sessions")["sessions"]] == [True]
    sockets[0].send(json.dumps({"type": "typing", "id": "1", "thread": "x", "on": True}))
    assert heard(sockets[0], "error")["id"] == "1", "this one goes on"
    sockets[0].close()


def test_sessions_that_ran_out_are_not_listed_and_old_ones_are(start_gateway):
    g = start_gateway()
    api, gone = person(g, "ann"), g.login("ann", USUAL)
    r = g.redis
    keys = {k: r.get(k) for k in r.keys("sb:session:*")}
    ids = {s["current"]: s["id"] for s in api.get("/sessions")["sessions"]}
    for k in keys:
        if ids[False] in k.decode():
            r.delete(k)
        elif ids[True] in k.decode():
            r.set(k, "ann", keepttl=True)  # as the version before wrote it
    got = api.get("/sessions")["sessions"]
    assert [s["id"] for s in got] == [ids[True]] and got[0]["browser"] == ""
    assert gone.ask("GET", "/session").status_code == 401


def test_tokens_have_no_account(shared):
    out = shared.cli("token", "add", "program", "--role", "admin", "--scopes", "read,write,admin").stdout
    api = Api(shared.url, next(w for w in out.split() if w.startswith("sbt_")))
    for method, path, body in (("GET", "/sessions", None), ("POST", "/sessions/end-others", None), ("DELETE", "/sessions/" + "0" * 24, None),
                               ("GET", "/session/second-factor", None),
                               ("POST", "/session/second-factor", {"password": USUAL}),
                               ("POST", "/session/second-factor/confirm", {"code": "123456"}),
                               ("POST", "/session/second-factor/off", {"password": USUAL, "code": "123456"})):
        assert api.ask(method, path, json=body).status_code == 403, path


def test_the_command_line_helps(shared):
    api = person(shared, "cliff")
    api.second_factor(USUAL)
    assert "python-requests" in shared.cli("user", "sessions", "cliff").stdout
    assert len(json.loads(shared.cli("user", "sessions", "cliff", "--json").stdout)["sessions"]) == 1
    line = next(li for li in shared.cli("user", "list").stdout.splitlines() if li.startswith("cliff"))
    assert "second" in line
    shared.cli("user", "reset-second-factor", "cliff")
    assert api.ask("GET", "/session").status_code == 401
    again = shared.login("cliff", USUAL)
    shared.cli("user", "sign-out", "cliff")
    assert again.ask("GET", "/session").status_code == 401
    for verb in ("reset-second-factor", "sign-out", "sessions", "unlock"):
        p = shared.cli("user", verb, "nobody-here", check=False)
        assert p.returncode == 1 and "no such agent" in p.stderr, (verb, p.stderr)
    assert "is off" in shared.cli("user", "reset-second-factor", "cliff", check=False).stderr


# --- passwords ---------------------------------------------------------------------------------


@pytest.mark.parametrize("password", ["short one", "0123456789", "qwertyuiop", "Password2026!", "aaaaaaaaaaaa", "eve-adams-1",
                                      "x" * 129, "йцукен12345"])
def test_passwords_that_are_tried_first_are_refused(shared, password):
    """ASVS 6.2: by the admin's API, by oneself, on the command line."""
    boss = shared.login()
    name = "eve-adams"
    assert boss.ask("POST", "/agents", json={"name": name, "role": "agent", "password": password}).status_code == 400
    shared.add_user(f"own-{len(password)}-{ord(password[0])}")
    own = shared.login(f"own-{len(password)}-{ord(password[0])}", USUAL)
    if name not in password:
        assert own.ask("POST", "/session/password", json={"old": USUAL, "new": password}).status_code == 400
    p = shared.cli("user", "add", name, "--role", "agent", "--password-stdin", stdin=password + "\n", check=False)
    assert p.returncode == 1 and "password" in p.stderr


# --- guesses -----------------------------------------------------------------------------------


def until_refused(gateway, name, api=None, code=None, password="wrong password"):
    """How many guesses were judged before one was refused for being too many, and that refusal."""
    n = 0
    while True:
        r = sign_in(gateway, name, password, code, api, headers={"X-Forwarded-For": f"203.0.113.{n % 250}"})
        if r.status_code == 401:
            n += 1
        elif "wrong tries" in r.json()["detail"]:
            return n, r
        else:
            assert r.status_code == 429, r.text
            time.sleep(float(r.headers["Retry-After"]))


def must_wait_long(gateway, name):
    """As after more guesses: so that nothing here depends on how long half a minute is."""
    key = "sb:guard:name:" + hashlib.sha256(name.encode()).hexdigest()[:32]
    assert float(gateway.redis.hget(key, "until")) > 0
    gateway.redis.hset(key, "until", int(time.time() * 1000) + 900_000)


def test_guesses_wait_and_tell_nobody_who_exists(start_gateway):
    """Lockout without enumeration: a name that nobody has is locked as one that somebody has; who has been here before is not
    locked out by others; an admin's new password, or his command, ends the wait."""
    g = start_gateway(config=CONFIG.replace("login_tries = 1000", "login_tries = 4").replace(
        "workers = {workers}", 'workers = {workers}\ntrusted_proxies = {{"127.0.0.1"}}'))
    home = person(g, "kim")
    known, unknown = until_refused(g, "kim"), until_refused(g, "nobody-at-all")
    assert known[0] == unknown[0] == 4
    assert known[1].json() == unknown[1].json()
    assert all(0 < int(r.headers["Retry-After"]) <= 30 for _, r in (known, unknown))
    must_wait_long(g, "kim")
    assert sign_in(g, "kim").status_code == 429, "the right password waits, too"
    assert sign_in(g, "kim", api=home).status_code == 200, "but not in his own browser"
    g.cli("user", "unlock", "kim")
    until(lambda: sign_in(g, "kim").status_code == 200, 60)


def test_neighbours_of_one_network_share_their_tries(start_gateway):
    """Of IPv6 one customer has a /64: that, not each of its addresses, may try so often."""
    g = start_gateway(config=CONFIG.replace("login_tries = 1000", "login_tries = 4").replace(
        "workers = {workers}", 'workers = {workers}\ntrusted_proxies = {{"127.0.0.1"}}'))

    def said(network, n):
        return sign_in(g, f"nobody{n}", headers={"X-Forwarded-For": f"{network}::{n}"}).json()["detail"]
    assert any("from this address" in said("2001:db8:1:2", n) for n in range(1, 20))
    assert "is wrong" in said("2001:db8:1:3", 20)


def test_guesses_at_a_code_wait_too(start_gateway):
    g = start_gateway(config=CONFIG.replace("login_tries = 1000", "login_tries = 4").replace(
        "workers = {workers}", 'workers = {workers}\ntrusted_proxies = {{"127.0.0.1"}}'))
    g.add_user("lee")
    app, recovery = Api(g.url).login("lee", USUAL).second_factor(USUAL)
    assert until_refused(g, "lee", code=app.wrong(), password=USUAL)[0] == 4
    must_wait_long(g, "lee")
    assert sign_in(g, "lee", code=recovery[0]).status_code == 429
    g.cli("user", "unlock", "lee")
    until(lambda: sign_in(g, "lee", code=recovery[0]).status_code == 200, 60)
