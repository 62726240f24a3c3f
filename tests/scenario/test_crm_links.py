"""Links to files that a CRM opens without a sign-in: it fetches what clients and agents send; nothing else is opened by them,
and no log has one (crm.md 2.3, 3.1, 8; T11)."""
import base64
import hashlib
import hmac
import re
import time
import types

import pytest
import requests

from crm_target_bitrix24 import Bitrix24Target
from crm_target_kommo import KommoTarget
from fakes.bitrix24 import APPLICATION_TOKEN
from fakes.telegram.users import OGG, png
from fakes.wire import Answer
from harness import CONFIG, SLOWER, until
from telegram_world import Telegram

HERE = 'public_url = "http://127.0.0.1:{port}"\n'
SAFE = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
        "Referrer-Policy": "no-referrer"}


class Line:
    """An open line of Bitrix24."""
    make = Bitrix24Target

    def __init__(self, target):
        self.server, self.section = target.server, target.section(
            'history = "openline"\n  line = 1\n  application_token = "%s"' % APPLICATION_TOKEN)

    def said(self):
        """[text, [(url, name, what was fetched)]] of each message that is there."""
        return self.server.do(lambda: [(m["text"], [(f["url"], f["name"], got) for f, got in zip(m["files"], m["fetched"])])
                                       for m in self.server.lines.messages if not m["deleted"]])

    def is_message(self, request):
        return "imconnector.send.messages" in request.path


class Chat:
    """A chat of Kommo's."""
    make = KommoTarget

    def __init__(self, target):
        self.server, self.section = target.server, target.section(target.chat())

    def said(self):
        return self.server.do(lambda: [
            (m["message"]["text"], [(m["message"]["media"], m["message"]["file_name"], m["fetched"])]
             if "media" in m["message"] else []) for m in self.server.amojo.messages.values()])

    def is_message(self, request):
        return b"new_message" in request.body


@pytest.fixture(params=[Line, Chat], ids=["bitrix24", "kommo"])
def crm(request):
    target = request.param.make()
    yield request.param(target)
    target.close()


@pytest.fixture
def world(crm, start_gateway):
    worlds = []

    def begin(config=HERE + CONFIG, **kw):
        tg = Telegram(start_gateway, config=config + crm.section, **kw)
        worlds.append(tg)
        return types.SimpleNamespace(tg=tg, crm=crm, gateway=tg.gateway, api=tg.api)
    yield begin
    for w in worlds:
        w.close()


def files(w, n, timeout=30):
    """Those that are in the CRM, once there are n."""
    def look():
        return [f for _, all in w.crm.said() for f in all]
    until(lambda: len(look()) >= n, timeout * SLOWER, 0.05, f"for {n} files of {w.crm.said()}\n{w.gateway.log()[-2000:]}")
    return look()


def ask(url, method="GET", **headers):
    s = requests.Session()
    s.trust_env = False
    return s.request(method, url, headers=headers, timeout=30, allow_redirects=False)


def ticket(secret, media, until_s, purpose="media link"):
    key = hmac.new(secret, purpose.encode(), hashlib.sha256).digest()
    mac = hmac.new(key, f"{media} {until_s}".encode(), hashlib.sha256).digest()[:16]
    return f"{until_s:x}." + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def test_what_clients_and_agents_send_is_fetched(world):
    """Also what comes after its message (Telegram's files are fetched later), and what is added to it."""
    w = world()
    picture, second = png(), png(9, 9)
    ann = w.tg.user()
    ann.photo(picture, caption="see")
    url, name, got = files(w, 1)[0]
    assert got[0] == 200 and got[2] == picture, got
    assert got[1]["Content-Type"] == "image/png" and {h: got[1][h] for h in SAFE} == SAFE
    assert got[1]["Content-Disposition"].startswith("inline")
    ann.document(b"%PDF-1.4 offer", "счёт 7.pdf")
    url, name, got = files(w, 2)[1]
    assert name == "счёт 7.pdf" and got[2] == b"%PDF-1.4 offer" and got[1]["Content-Disposition"].startswith("attachment")
    thread = w.tg.thread_of("Ann")
    media = [w.tg.upload(n, data) for n, data in (("a.png", second), ("b.ogg", OGG))]
    w.api.post(f"/threads/{thread}/messages", {"id": "k1", "text": "ours", "attachments": media})
    assert [(n, got[2]) for _, n, got in files(w, 4)[2:]] == [("a.png", second), ("b.ogg", OGG)]
    assert any("see" in text for text, _ in w.crm.said()) and any("ours" in text for text, _ in w.crm.said())
    assert not w.api.get("/dead")["dead"] and len(files(w, 4)) == 4


def test_a_link_opens_one_file_for_a_while(world):
    w = world()
    ann = w.tg.user()
    ann.photo(png())
    ann.photo(png(9, 9))
    (one, _, (_, _, bytes_of_one)), (two, _, _) = files(w, 2)
    where, t = one.split("?t=")
    media, other = where.rsplit("/", 1)[1], two.split("?t=")[1]
    secret, now = w.gateway.redis.hget("sb:meta", "secret"), int(time.time())
    until_s = int(t.split(".")[0], 16)
    assert t == ticket(secret, media, until_s) and abs(until_s - now - 7 * 86400) < 600
    assert ask(one, "HEAD").status_code == 200 and not ask(one, "HEAD").content
    assert ask(one, Range="bytes=1-3").content == b"PNG"
    wrong = [other, "", "x", t[:-1], t + "A", t.upper(), "%x.%s" % (until_s + 1, t.split(".")[1]),
             t[:-2] + ("A" if t[-2] != "A" else "B") + t[-1], ticket(secret, media, now - 5),
             ticket(secret, media, now + 8 * 86400), ticket(secret, media, until_s, "sitechat file"),
             ticket(b"another", media, until_s)]
    for bad in wrong:
        r = ask(f"{where}?t={bad}")
        assert r.status_code == 403 and r.headers["Content-Type"] == "application/problem+json", (bad, r.text)
        assert r.json()["code"] == "denied" and "file" in r.json()["detail"]
    gone = media[:10] + "0" * 9 + media[19:]
    assert ask(where.replace(media, gone) + "?t=" + ticket(secret, gone, until_s)).status_code == 404
    assert ask(where.replace(media, "x") + f"?t={t}").status_code == 403
    assert ask(where).status_code == 401
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert ask(one, method).status_code in (404, 405)
    assert w.api.ask("GET", f"/media/{media}?t={wrong[0]}").status_code == 200  # an agent needs none
    w.gateway.restart()
    assert ask(one).content == bytes_of_one  # for the key is the installation's


def test_a_file_is_there_once(world):
    """F13: though answers are lost, and though its words change, are added, or were none."""
    w = world()
    ann, lost = w.tg.user(), []

    def lose(request, answer):
        if b"?t=" in request.body.replace(b"\\/", b"/") and w.crm.is_message(request) and len(lost) < 2:
            lost.append(1)
            return Answer(200, b"", spoil=("lose", "reset")[len(lost) - 1])
        return None

    w.crm.server.after = lose
    bare, named = ann.photo(png()), ann.photo(png(9, 9), caption="see")
    files(w, 2, 90)
    until(lambda: len(lost) == 2, 60 * SLOWER)
    for message, words in ((bare, "now with words"), (named, "look")):
        ann.edit(message, caption=words)
        until(lambda: any(words in text for text, _ in w.crm.said()), 60 * SLOWER, why=f"{w.crm.said()}\n{w.gateway.log()[-1500:]}")
    ann.text("end")
    until(lambda: any("end" in text for text, _ in w.crm.said()), 30 * SLOWER)
    assert not any("see" in text for text, _ in w.crm.said()), w.crm.said()
    assert sorted(got[2] for _, _, got in files(w, 2)) == sorted([png(), png(9, 9)]) and not w.api.get("/dead")["dead"]


def test_no_log_has_a_link(world):
    """Nor has an error, though the CRM repeats what it was told."""
    w = world()
    seen = []

    def refuse(request):
        found = re.search(rb"http:[^\"]*\?t=[^\"]+", request.body) if w.crm.is_message(request) else None
        if not found:
            return None
        seen.append(found[0].decode().replace("\\/", "/"))
        text = f"cannot have the file {seen[-1]} now"
        return Answer(400, {"error": "ERROR_ARGUMENT", "error_description": text, "title": text, "detail": text,
                            "error_code": 1})

    w.crm.server.before = refuse
    w.tg.user().photo(png())
    dead = until(lambda: w.api.get("/dead")["dead"], 30 * SLOWER, why=w.gateway.log()[-2000:])
    secret_part = seen[0].split(".")[-1]
    assert ask(seen[0]).status_code == 200 and ask(seen[0][:-1]).status_code == 403
    log = until(lambda: w.api.get("/targets/crm/log")["log"], 20 * SLOWER)
    assert secret_part not in str(log) and secret_part not in str(dead) and "cannot have the file" in str(dead)
    assert secret_part not in w.gateway.log() and not re.search(r"t=[0-9a-f]+\.[^*]", w.gateway.log())


@pytest.mark.parametrize("crm", [Chat], ids=["kommo"], indirect=True)
def test_without_a_public_url_a_file_is_named(world):
    """An open line does not begin without one."""
    w = world(CONFIG)
    w.tg.user().document(b"%PDF-1.4 offer", "offer.pdf")
    until(lambda: any("file: offer.pdf" in text for text, _ in w.crm.said()), 30 * SLOWER, why=str(w.crm.said()))
    assert not files(w, 0)
