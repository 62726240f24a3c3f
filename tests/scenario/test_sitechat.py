"""The visitor's protocol on /ws/visitor and /chat/media, frame by frame: what README.md of
connectors/sitechat promises, and what happens to those who do not keep to it."""
import base64
import hashlib
import hmac
import itertools
import json
import time

import pytest
import requests

from harness import SLOWER, Gateway, until
from visitors import Chat, answer, texts, thread_of
from wire import BINARY, TEXT, Closed, Refused, WebSocket, frame

SECRET, OLD_SECRET = "site secret", "site secret before"
CONFIG = """
listen = "127.0.0.1:{port}"
data_dir = "{data}"
workers = {workers}
trusted_proxies = {{"127.0.0.1"}}
{redis}
agents {{ login_tries = 1000 }}
sitechat "site" {{
  origins = {{"self", "https://shop.example", "https://*.example.com"}}
  identity_secret = "site secret"
  identity_secret_old = "site secret before"
  messages_per_minute = 100000
  messages_burst = 1000
  new_visitors_per_hour = 3
  file_max = "64K"
  files_per_day = "100K"
  sockets_per_visitor = 4
}}
sitechat "strict" {{
  origins = {{"https://strict.example"}}
  identity_secret = "strict secret"
  identity_required = yes
  messages_per_minute = 60
  messages_burst = 5
}}
loopback "test" {{}}
cards "main" {{}}
"""


@pytest.fixture(scope="module")
def g():
    gateway = Gateway(config=CONFIG, workers=2).start()
    yield gateway
    gateway.destroy()


# --- messages ---


def test_tick_only_after_the_store(g):
    """reliability: the tick means that Redis has it; the same cid again is the same message."""
    with Chat(g) as c:
        assert c.ready["cursor"] == 0 and c.ready["messages"] == [] and not c.ready["verified"]
        assert c.ready["limits"] == {"text": 4000, "file_bytes": 65536, "files": 5}
        one = c.msg("first", "x1")
        assert one["type"] == "ack" and one["seq"] == 1
        log = g.login().get(f"/messages/{one['id']}/trace")
        assert [t["what"] for t in log["trail"]][:2] == ["received", "stored"]
        again = c.msg("first, another text", "x1")
        assert (again["id"], again["seq"]) == (one["id"], 1)
        shown = c.get("msg")["message"]
        assert shown["cid"] == "x1" and shown["text"] == "first" and shown["direction"] == "in"
        c.nothing("msg")


def test_order_and_two_tabs(g):
    with Chat(g) as one, Chat(g, token=one.ready["token"]) as two:
        assert two.ready["visitor"] == one.ready["visitor"]
        one.msg("line 0", "o0")
        two.send(type="ping")  # opened before there was a thread, maybe on the other worker
        for i in range(1, 30):
            one.send(type="msg", cid=f"o{i}", text=f"line {i}")
        for c in (one, two):
            got = []
            while len(got) < 30:
                f = c.get("msg", "ready")
                got += f["messages"] if f["type"] == "ready" else [f["message"]]
            assert [m["seq"] for m in got] == list(range(1, 31))
            assert texts(got) == [f"line {i}" for i in range(30)]
            c.nothing("msg", wait=0.2)


def test_history_and_return(g):
    api = g.login()
    with Chat(g) as c:
        token = c.ready["token"]
        for i in range(70):
            c.send(type="msg", cid=f"h{i}", text=f"old {i}")
        while c.get("ack")["seq"] < 70:
            pass
    thread = thread_of(api, "old 69")
    with Chat(g, token=token) as c:
        assert texts(c.ready["messages"]) == [f"old {i}" for i in range(20, 70)]
        assert c.ready["more"] and c.ready["next"] == 21 and c.ready["cursor"] == 70
        c.send(type="history", before=c.ready["next"], limit=50)
        page = c.get("history")
        assert texts(page["messages"]) == [f"old {i}" for i in range(20)]
        assert not page["more"] and page["next"] == 1
        epoch = c.ready["epoch"]
    for i in range(3):
        answer(api, thread, f"while away {i}")
    with Chat(g, token=token, cursor=70, epoch=epoch) as c:
        assert texts(c.ready["messages"]) == [f"while away {i}" for i in range(3)]
        assert not c.ready["reset"] and not c.ready["more"]


@pytest.mark.parametrize("cursor,epoch", [(99999, None), (1, "0123456789abcdef")])
def test_forged_cursor_is_a_reset(g, cursor, epoch):
    with Chat(g) as c:
        token = c.ready["token"]
        c.msg("something")
    more = {"epoch": epoch} if epoch else {}
    with Chat(g, token=token, cursor=cursor, **more) as c:
        assert c.ready["reset"] and texts(c.ready["messages"]) == ["something"]
        assert c.ready["cursor"] == 1


def test_visitors_never_see_what_is_inside(g):
    api = g.login()
    g.add_user("vera.internal")
    agent = g.login("vera.internal")
    with Chat(g, user={"name": "Client"}) as c:
        c.msg("who are you?", "in1")
        thread = thread_of(api, "who are you?")
        answer(agent, thread, "a note about him", note=True)
        agent.patch(f"/threads/{thread}", {"state": "closed"})
        answer(agent, thread, "good day")
        seen = [c.get("msg")["message"] for _ in range(2)]
        assert texts(seen) == ["who are you?", "good day"]
        c.send(type="history", before=100)
        old = c.get("history")["messages"]
        assert texts(old) == ["who are you?", "good day"]
        wire = json.dumps([seen, old, c.ready])
        client = api.get(f"/threads/{thread}")["thread"]["client"]["id"]
        for secret in ("note", "vera.internal", thread, client, "assigned"):
            assert secret not in wire.replace('"note', ""), secret


def test_read_delivered_typing_online(g):
    agent = g.agent()
    with Chat(g) as c:
        c.msg("ticks")
        agent.wait(lambda: any(t["last"]["text"] == "ticks" for t in agent.threads.values()), 10)
        thread = next(i for i, t in agent.threads.items() if t["last"]["text"] == "ticks")
        sent = agent.command("send", thread=thread, text="yes?")["message"]
        seq = c.get("msg")["message"]["seq"]
        seq = seq if seq == sent["seq"] else c.get("msg")["message"]["seq"]
        c.send(type="read", upto=10 ** 9)  # more than it was shown: only that counts
        agent.wait(lambda: agent.status(thread, sent["seq"]) == "read", 10)
        late = agent.command("send", thread=thread, text="later")["message"]
        c.get("msg")
        time.sleep(0.3)
        agent.wait(lambda: agent.status(thread, late["seq"]) in ("queued", "sent"), 10)
        c.send(type="delivered", upto=late["seq"])
        agent.wait(lambda: agent.status(thread, late["seq"]) == "delivered", 10)
        agent.command("read", thread=thread, seq=1)
        assert c.get("status")["upto"] >= 1
        agent.send({"type": "typing", "thread": thread, "on": True})
        assert c.get("typing")["on"]
        c.send(type="typing", on=True)
        agent.wait(lambda: any(t["who"] == "client" for t in agent.typing), 5)
        agent.stop()
        while c.get("online")["on"]:
            pass  # that he came was told late
    g.clients.remove(agent)


# --- who ---


def test_forged_token_is_refused(g):
    with Chat(g) as c:
        token = c.ready["token"]
    body, mac = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["v"] = "A" * 22
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    for bad in (f"{forged}.{mac}", token[:-2] + "AA", "x", ".", "a.b"):
        with Chat(g, hello=False) as c:
            c.send(type="hello", site="site", token=bad)
            assert c.closed() == (4401, "auth"), bad
    with Chat(g, hello=False, origin=None) as c:  # of another site
        c.send(type="hello", site="strict", token=token)
        assert c.closed() == (4401, "auth")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwt(claims, secret=SECRET, alg="HS256"):
    head = b64(json.dumps({"alg": alg, "typ": "JWT"}).encode()) + "." + b64(json.dumps(claims).encode())
    mac = hmac.new(secret.encode(), head.encode(), hashlib.sha256).digest() if alg == "HS256" else b""
    return head + "." + b64(mac)


def by_hash(user, secret=SECRET):
    return {"id": user, "hash": hmac.new(secret.encode(), user.encode(), hashlib.sha256).hexdigest()}


def test_proven_user_on_two_computers(g):
    api = g.login()
    now = int(time.time())
    good = {"token": jwt({"user_id": "ann", "name": "Ann", "email": "ann@example.org", "exp": now + 60})}
    with Chat(g, user=good) as c:
        assert c.ready["verified"]
        c.msg("from the laptop")
    with Chat(g, user=by_hash("ann", OLD_SECRET)) as c:
        assert c.ready["verified"] and texts(c.ready["messages"]) == ["from the laptop"]
    thread = thread_of(api, "from the laptop")
    client = api.get(f"/threads/{thread}")["client"]
    assert client["name"] == "Ann" and client["profile"]["email"] == "ann@example.org"
    assert [(i["kind"], i["address"], i["verified"]) for i in client["identities"]] == \
        [("user", "site:ann", True)]


@pytest.mark.parametrize("user", [
    {"id": "victim"},
    {"id": "victim", "hash": "0" * 64},
    {"id": "victim", "hash": "x"},
    {"token": jwt({"user_id": "victim", "exp": time.time() + 60}, alg="none")},
    {"token": jwt({"user_id": "victim", "exp": time.time() + 60}, secret="guess")},
    {"token": jwt({"user_id": "victim", "exp": time.time() - 301})},
    {"token": jwt({"user_id": "victim"})},
    {"token": jwt({"user_id": "victim", "exp": time.time() + 60}, alg="RS256")},
], ids=["no proof", "wrong hash", "no hash", "alg none", "wrong key", "over", "no exp", "alg rs256"])
def test_unproven_user_gets_nothing(g, user):
    with Chat(g, user=by_hash("victim")) as c:
        c.msg("the victim's secret")
    with Chat(g, user={**user, "name": "Victim", "email": "v@example.org"}) as c:
        assert not c.ready["verified"] and c.ready["messages"] == []
        ack = c.msg("let me in")
    api = g.login()
    thread = api.get(f"/messages/{ack['id']}/trace")["message"]["thread"]
    client = api.get(f"/threads/{thread}")["client"]
    assert client["profile"]["claims"]["email"] == "v@example.org"
    assert "email" not in client["profile"] and not any(i["verified"] for i in client["identities"])


def test_unproven_user_is_refused_where_proof_is_required(g):
    with Chat(g, hello=False, origin="https://strict.example") as c:
        c.send(type="hello", site="strict", user={"id": "ann"})
        assert c.closed() == (4401, "identity")
    with Chat(g, origin="https://strict.example", site="strict") as c:
        assert not c.ready["verified"]
    with Chat(g, origin="https://strict.example", site="strict",
              user=by_hash("ann", "strict secret")) as c:
        assert c.ready["verified"]


def test_sign_in_takes_the_dialogue_along_and_closes_it_behind(g):
    """The anonymous dialogue becomes the user's; the token from before opens nothing any more."""
    with Chat(g) as c:
        before = c.ready["token"]
        c.msg("anonymous so far", "s1")
    with Chat(g, token=before, user=by_hash("carl")) as c:
        assert c.ready["verified"] and texts(c.ready["messages"]) == ["anonymous so far"]
        after = c.ready["token"]
        c.msg("signed in now")
    with Chat(g, hello=False) as c:
        c.send(type="hello", site="site", token=before)
        assert c.closed() == (4401, "auth")
    with Chat(g, token=after) as c:  # signed out: another visitor
        assert c.ready["messages"] == [] and not c.ready["verified"]
    with Chat(g, token=after, user=by_hash("dora")) as c:  # two people, one computer
        assert c.ready["verified"] and c.ready["messages"] == []
        c.msg("dora here")
    with Chat(g, user=by_hash("carl")) as c:
        assert texts(c.ready["messages"]) == ["anonymous so far", "signed in now"]


# --- bad input ---


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://shop.example.evil.org",
                                    "http://shop.example", "https://example.com"])
def test_foreign_origin_is_refused_at_the_handshake(g, origin):
    with pytest.raises(Refused) as e:
        Chat(g, origin=origin)
    assert e.value.status == 403
    r = requests.post(g.url + "/chat/media?site=site&name=a.txt", data=b"x", headers={"Origin": origin})
    assert r.status_code == 403 and "Access-Control-Allow-Origin" not in r.headers


def test_origin_of_another_site_gets_no_data(g):
    with Chat(g, hello=False, origin="https://strict.example") as c:
        c.send(type="hello", site="site")
        assert c.closed() == (4403, "denied")
    for good in ("https://shop.example", "https://a.example.com", None):
        with Chat(g, origin=good) as c:
            assert c.ready["visitor"]


@pytest.mark.parametrize("first", [
    {"type": "msg", "cid": "1", "text": "x"}, {"type": "hello"}, {"type": "hello", "site": "nowhere"},
    {"type": "hello", "site": "site", "admin": True}, {"type": "hello", "site": 7}, {"no": "type"},
    {"type": "hello", "site": "site", "page": {"url": 7}}])
def test_bad_first_frame_ends_the_session(g, first):
    with Chat(g, hello=False) as c:
        c.send(**first)
        code, error = c.closed()
        assert code == 1008 and error in ("invalid", "auth", "not_found")


@pytest.mark.parametrize("text", ["", "x", "[]", "{", '{"type":"dance"}', '{"type":"read","upto":"1"}',
                                  '{"type":"read","upto":-1}', '{"type":"typing","on":"yes"}',
                                  '{"type":"msg","type":"msg"}', '{"type":"history"}',
                                  '{"type":"hello","site":"site"}', "[" * 5000,
                                  '{"type":"msg","cid":"a\\u0000","text":"x"}'])
def test_bad_frame_is_answered_and_the_session_lives(g, text):
    with Chat(g) as c:
        c.ws.send(text)
        assert c.get("error")["detail"]
        c.send(type="ping")
        c.get("pong")


@pytest.mark.parametrize("bad,code", [
    ({"text": "x" * 4001}, "too_large"), ({"text": "\u044f" * 5000}, "too_large"),
    ({"text": ""}, "invalid"), ({"text": " \n"}, "invalid"), ({}, "invalid"),
    ({"text": "a\u0007b"}, "invalid"), ({"text": "x", "html": "<b>"}, "invalid"),
    ({"text": 5}, "invalid"), ({"text": "x", "attachments": ["nope"]}, "invalid"),
    ({"text": "x", "attachments": ["01JDFX3T5KABCDEFGHJKMNPQ00"]}, None)])
def test_bad_message_is_refused_by_its_cid(g, bad, code):
    with Chat(g) as c:
        c.send(type="msg", cid="bad", **bad)
        f = c.get("nack")
        assert f["cid"] == "bad" and f["detail"] and (code is None or f["code"] == code)
        assert c.msg("fine")["type"] == "ack"


def test_whole_text_passes_as_it_is(g):
    text = ("<script>alert(1)</script> \u202eabc\u202c \U0001f600 'quote' \"two\" \\ \n\t end " + "я" * 3900)
    with Chat(g) as c:
        ack = c.msg(text)
        assert ack["type"] == "ack", ack
        assert c.get("msg")["message"]["text"] == text


def test_bytes_that_are_no_text(g):
    for data, code in ((frame(TEXT, b"\xff\xfe{}"), 1007), (frame(BINARY, b"{}"), 1003),
                       (frame(TEXT, b'{"type":"msg","cid":"x","text":"' + b"x" * 1000000 + b'"}'), 1009)):
        with Chat(g) as c:
            try:
                c.ws.raw(data)
                assert c.closed()[0] == code
            except (ConnectionError, Closed) as e:
                assert getattr(e, "code", 1009) in (code, 1006)
    with Chat(g) as c:  # and nobody else is harmed
        assert c.msg("still here")["type"] == "ack"


def test_silence_is_ended(g):
    with Chat(g, hello=False) as c:
        began = time.monotonic()
        assert c.closed() == (1008, "timeout") and 4 < time.monotonic() - began < 12 * SLOWER


# --- floods ---


def test_flood_of_messages_waits(g):
    with Chat(g, origin="https://strict.example", site="strict") as c, Chat(g) as other:
        answers, began = [], time.monotonic()
        for i in range(30):
            c.send(type="msg", cid=f"f{i}", text="again")
        for _ in range(30):
            answers.append(c.get("ack", "nack"))
        refused = [a for a in answers if a["type"] == "nack"]
        taken = 5 + int(time.monotonic() - began) + 1  # at most: a burst, and one a second
        assert 5 <= 30 - len(refused) <= taken and all(a["code"] == "too_many" for a in refused)
        assert all(0 < a["retry_after_ms"] <= 60000 for a in refused)
        assert other.msg("unharmed")["type"] == "ack"


def test_flood_of_frames_is_cut(g):
    with Chat(g) as c:
        with pytest.raises((Closed, ConnectionError)) as e:
            for _ in range(5000):
                c.send(type="typing", on=True)
            c.closed()
            raise Closed(4429)
        assert getattr(e.value, "code", 4429) in (4429, 1006)
    with Chat(g) as c:
        assert c.msg("unharmed")["type"] == "ack"


def test_new_visitors_of_one_address(g):
    def come(address):
        with Chat(g, hello=False, headers={"X-Forwarded-For": address}) as c:
            c.send(type="hello", site="site")
            try:
                return c.get("ready")["type"]
            except Closed as e:
                return e.code

    def until_refused(addresses):
        """Each worker counts for itself, and which one takes a connection is luck: on until both have refused."""
        came = 0
        for address, _ in zip(addresses, range(500)):
            came += come(address) == "ready"
            if came == 6:  # two workers, three each
                break
        assert came == 6 and [come(address) for address, _ in zip(addresses, range(10))] == [4429] * 10

    until_refused(itertools.repeat("198.51.100.7"))
    assert come("198.51.100.8") == "ready"
    until_refused(f"2001:db8:1:2::{i:x}" for i in itertools.count(1))  # one network of IPv6
    assert come("2001:db8:1:3::1") == "ready"


def test_sockets_of_one_visitor(start_gateway):
    gateway = start_gateway(config=CONFIG, workers=1)
    with Chat(gateway) as first:
        token = first.ready["token"]
        more = [Chat(gateway, token=token) for _ in range(3)]
        with Chat(gateway, hello=False) as c:
            c.send(type="hello", site="site", token=token)
            assert c.closed() == (4429, "too_many")
        for m in more:
            m.ws.kill()


# --- files ---


def upload(g, token, data=b"hello", name="a.txt", mime="text/plain", site="site", **headers):
    return requests.post(f"{g.url}/chat/media", params={"site": site, "name": name}, data=data,
                         headers={"Authorization": f"Bearer {token}", "Content-Type": mime, **headers})


def test_file_both_ways(g):
    api = g.login()
    with Chat(g) as c:
        token = c.ready["token"]
        r = upload(g, token, b"plan " * 100, "план дома.txt", Origin="https://shop.example")
        assert r.status_code == 201, r.text
        assert r.headers["Access-Control-Allow-Origin"] == "https://shop.example"
        assert "Origin" in r.headers["Vary"]
        media = r.json()["media"]
        assert media["name"] == "план дома.txt" and media["size"] == 500
        ack = c.msg("see the plan", attachments=[media["id"]])
        assert ack["type"] == "ack", ack
        shown = c.get("msg")["message"]["attachments"][0]
        assert shown["id"] == media["id"] and "sha256" not in shown
        got = requests.get(g.url + shown["url"])
        assert got.content == b"plan " * 100 and "attachment" in got.headers["Content-Disposition"]
        assert got.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in got.headers["Content-Security-Policy"]
        assert token not in shown["url"]
        assert api.ask("GET", f"/media/{media['id']}").content == b"plan " * 100
        thread = thread_of(api, "see the plan")
        mine = api.http.post(f"{g.url}/api/v1/media?name=b.txt", data=b"from the agent",
                             headers={"Content-Type": "text/plain"}).json()["media"]
        answer(api, thread, "and ours", attachments=[mine["id"]])
        theirs = c.get("msg")["message"]["attachments"][0]
        assert requests.get(g.url + theirs["url"]).content == b"from the agent"


def test_ticket_opens_only_its_file(g):
    with Chat(g) as c:
        one, two = (upload(g, c.ready["token"], b"f" * n).json()["media"] for n in (3, 4))
    ticket = one["url"].split("t=")[1]
    for url in (f"/chat/media/{one['id']}", f"/chat/media/{two['id']}?t={ticket}",
                f"/chat/media/{one['id']}?t={ticket[:-3]}AAA", f"/chat/media/{one['id']}?t=x",
                f"/chat/media/nothing?t={ticket}"):
        assert requests.get(g.url + url).status_code == 403, url
    assert requests.get(g.url + one["url"]).content == b"fff"


def test_bad_uploads(g):
    with Chat(g) as c, Chat(g) as other:
        token = c.ready["token"]
        assert upload(g, "forged").status_code == 401
        assert upload(g, token, site="nowhere").status_code == 404
        assert upload(g, token, site="strict").status_code in (401, 403)
        assert upload(g, token, b"x" * 70000).status_code == 413
        assert upload(g, token, iter([b"x" * 40000, b"x" * 40000])).status_code == 413
        assert upload(g, token, b"<html><script>alert(1)</script></html>", "a.html",
                      "text/html").status_code in (400, 415, 422)
        mine = upload(g, token).json()["media"]["id"]
        f = other.msg("not mine", attachments=[mine])
        assert f["type"] == "nack" and f["code"] in ("invalid", "not_found", "denied")
        assert c.msg("mine", attachments=[mine])["type"] == "ack"
        codes = [upload(g, token, b"y" * 30000).status_code for _ in range(8)]
        assert 429 in codes and codes[0] in (201, 429)


def test_preflight(g):
    ask = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    r = requests.options(g.url + "/chat/media?site=site", headers=ask)
    assert r.status_code == 204 and "Authorization" in r.headers["Access-Control-Allow-Headers"]
    assert r.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "Access-Control-Allow-Credentials" not in r.headers
    assert requests.options(g.url + "/chat/media?site=site",
                            headers={**ask, "Origin": "https://evil.example"}).status_code == 403


# --- pages ---


def test_pages_and_their_policies(g):
    loader = requests.get(g.url + "/widget.js")
    assert loader.status_code == 200 and "javascript" in loader.headers["Content-Type"]
    assert loader.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    again = requests.get(g.url + "/widget.js", headers={"If-None-Match": loader.headers["ETag"]})
    assert again.status_code == 304
    panel = requests.get(g.url + "/widget/panel.html?site=site")
    policy = panel.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self' https://shop.example https://*.example.com" in policy
    assert "unsafe" not in policy and "script-src 'self'" in policy
    strict = requests.get(g.url + "/widget/panel.html?site=strict").headers["Content-Security-Policy"]
    assert strict.endswith("frame-ancestors https://strict.example")
    assert requests.get(g.url + "/widget/panel.html?site=nowhere").status_code == 404
    for path in ("/demo", "/demo.js", "/demo.css", "/widget/panel.js", "/widget/panel.css"):
        assert requests.get(g.url + path).status_code == 200, path
    assert requests.get(g.url + "/widget/..%2finbox.js").status_code in (400, 404)


# --- what must not lose anything ---


def test_kill_of_the_worker_and_of_redis(start_gateway):
    """reliability: kill -9 while visitors write; each tick stands, each text is there once."""
    gateway = start_gateway()
    visitors = [gateway.visitor() for _ in range(4)]
    for round_ in range(3):
        for i in range(15):
            for v in visitors:
                v.say(f"{id(v)} {round_} {i}")
            time.sleep(0.01)
        (gateway.kill_worker, gateway.kill_redis, gateway.kill_worker)[round_]()
        time.sleep(0.5)
    for v in visitors:
        v.wait(lambda v=v: len(v.acks) == 45, 40, "for all ticks")
        v.wait(lambda v=v: len(v.screen) == 45, 20, "for all on the screen")
        want = [f"{id(v)} {r} {i}" for r in range(3) for i in range(15)]
        assert sorted(m["text"] for m in v.screen.values()) == sorted(want)
    api = gateway.login()
    for t in api.threads():
        got = texts(m for m in api.messages(t["id"]) if m["direction"] == "in")
        assert len(got) == len(set(got)) == 45
