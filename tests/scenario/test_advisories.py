"""What was once wrong in our peers (reliability.md 4.5, rows T1 to T28) and in what OWASP's ASVS asks of pages,
sessions, roles and sockets (4.1): each row has a test that names it. Those that had none elsewhere are here."""
import json
import os
import pathlib
import re
import socket
import stat
import threading

import pytest
import requests
import wire
from clients import Api
from harness import CONFIG, ROOT, Gateway, patience, until
from visitors import Chat, texts, thread_of

ROWS = {f"T{n}" for n in range(1, 29)}
HOOKED = CONFIG.replace('loopback "test"', '''sitechat "other" {{ origins = {{"self"}} }}
whatsapp "wa" {{ token = "EAAxxxxxxxxxxxxxxxxxxxx" phone_number_id = "1" waba_id = "2" app_secret = "0123456789abcdef0123456789abcdef"
  verify_token = "a-word-of-ours" api_url = "http://127.0.0.1:9" }}
telegram "tg" {{ token = "123456:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" mode = "webhook" api_url = "http://127.0.0.1:9" }}
loopback "test"''').replace("agents {{", 'public_url = "http://127.0.0.1:{port}"\nagents {{')


@pytest.fixture(scope="module")
def g():
    gateway = Gateway(config=HOOKED).start()
    yield gateway
    gateway.destroy()


def test_every_row_is_named():
    """No row of the table is without a test that says so, unless it is about what we do not have."""
    text = "".join(p.read_text() for p in pathlib.Path(ROOT, "tests").rglob("*") if p.suffix in (".py", ".c", ".sh"))
    named = {f"T{int(n)}" for n in re.findall(r"\bT(\d{1,2})\b", text)}
    assert not ROWS - named, sorted(ROWS - named)


def stored(g):
    return sum(g.redis.xlen(f"sb:{{s{i}}}:events") for i in range(16))


class Listener:
    """Notes whoever connects."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.came = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                c, _ = self.socket.accept()
            except OSError:
                return
            self.came.append(c.recv(100))
            c.close()


# --- webhooks ------------------------------------------------------------------------------------------

WHATSAPP = {"object": "whatsapp_business_account", "entry": [{"id": "2", "changes": [{"field": "messages", "value": {
    "messaging_product": "whatsapp", "metadata": {"display_phone_number": "1", "phone_number_id": "1"},
    "contacts": [{"profile": {"name": "Eve"}, "wa_id": "4917600000"}],
    "messages": [{"from": "4917600000", "id": "wamid.x", "timestamp": "1764400000", "type": "image",
                  "image": {"id": "77", "mime_type": "image/png", "sha256": "x", "url": "URL"}}]}}]}]}


@pytest.mark.parametrize("path, header", [("whatsapp/wa", "X-Hub-Signature-256"),
                                          ("telegram/tg", "X-Telegram-Bot-Api-Secret-Token")])
@pytest.mark.parametrize("value", [None, "", "x", "sha256=", "sha256=" + "0" * 64, "sha256=" + "0" * 63, "SHA256=zz", "A" * 300])
def test_forged_webhooks_store_and_fetch_nothing(g, path, header, value):
    """T8, T11: a missing, empty, wrong or cut signature: refused, nothing stored, no address in it asked."""
    listener, before = Listener(), stored(g)
    body = json.dumps(WHATSAPP).replace("URL", listener.url + "/picture").encode()
    if path.startswith("telegram"):
        body = json.dumps({"update_id": 1, "message": {"message_id": 1, "date": 1764400000, "text": listener.url,
                                                       "chat": {"id": 1, "type": "private"}}}).encode()
    r = requests.post(f"{g.url}/hooks/{path}", data=body, timeout=patience(),
                      headers={"Content-Type": "application/json", **({header: value} if value is not None else {})})
    assert r.status_code in (401, 403), r.text
    assert r.json()["code"] in ("auth", "denied")
    assert stored(g) == before
    listener.socket.close()
    assert not listener.came


# --- sockets --------------------------------------------------------------------------------------------


def keys_of(value, path=""):
    """The paths of all keys; those of lists' items as one."""
    if isinstance(value, dict):
        return set().union(*([{f"{path}.{k}"} | keys_of(v, f"{path}.{k}") for k, v in value.items()] or [set()]))
    if isinstance(value, list):
        return set().union(*([keys_of(v, path + "[]") for v in value] or [set()]))
    return set()


def test_sockets_show_the_same_fields_as_requests(g):
    """T3: an agent learns over the socket no field that a request would not give him."""
    g.add_user("fielder")
    api = g.login("fielder")
    ws = wire.WebSocket("127.0.0.1", g.port, "/ws/agent", {"Cookie": api.cookie})
    ws.send(json.dumps({"type": "hello"}))
    while json.loads(ws.recv(patience()))["type"] != "ready":
        pass
    thread = g.hook({"from": {"address": "field", "name": "Ann"}, "text": "a field", "id": "field1"}).json()["thread"]
    while True:
        frame = json.loads(ws.recv(patience()))
        if frame["type"] == "message" and frame["message"]["text"] == "a field":
            break
    ws.close()
    asked = api.get("/threads/" + thread)
    told = next(m for m in api.messages(thread) if m["text"] == "a field")
    assert not keys_of(frame["message"]) - keys_of(told)
    assert not keys_of(frame["thread"]) - keys_of(asked["thread"])


def test_visitors_cannot_name_a_dialogue(g):
    """T9, T12: no frame of a visitor reaches another's dialogue, and the token of one site is nobody on another."""
    with Chat(g) as ann, Chat(g) as eve:
        ann.msg("Ann's own words")
        theirs = thread_of(g.login(), "Ann's own words")
        for frame in ({"type": "history", "before": 99, "thread": theirs}, {"type": "history", "thread": theirs},
                      {"type": "msg", "cid": "e1", "text": "into Ann's", "thread": theirs}, {"type": "load", "room": theirs}):
            eve.send(**frame)
        eve.msg("Eve's words")
        assert thread_of(g.login(), "Eve's words") != theirs
        assert not [f for f in eve.kept if "Ann" in json.dumps(f)], eve.kept
        assert texts(g.login().messages(theirs)) == ["Ann's own words"]
        token = ann.ready["token"]
    with Chat(g, hello=False) as elsewhere:
        elsewhere.send(type="hello", v=1, site="other", token=token)
        first = elsewhere.get("ready", "error", "reset")
        assert "Ann" not in json.dumps(first)
        assert first["type"] == "error" or first["token"] != token


# --- who is it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP", "Forwarded",
                                    "X-Forwarded-User", "Remote-User"])
def test_identity_headers_of_strangers_are_ignored(g, header):
    """T6, T15, T24: without a trusted proxy no header says who or from where somebody is."""
    value = {"Forwarded": "for=203.0.113.9", "X-Forwarded-User": "admin", "Remote-User": "admin"}.get(header, "203.0.113.9")
    r = requests.get(g.url + "/api/v1/session", headers={header: value}, timeout=patience())
    assert r.status_code == 401
    api = Api(g.url)
    api.http.headers[header] = value
    api.login("admin", g.password)
    text = json.dumps(api.get("/sessions"))
    assert "203.0.113.9" not in text and "127.0.0.1" in text


def test_nothing_of_ours_is_for_others(g):
    """T7: what the service writes is readable to nobody else on the machine, and nothing of it can be run."""
    assert os.stat(g.data).st_mode & 0o077 == 0
    for folder, _, files in os.walk(g.data):
        for name in files:
            mode = os.lstat(os.path.join(folder, name)).st_mode
            assert not stat.S_ISREG(mode) or not mode & 0o111, (folder, name, oct(mode))


def test_no_secret_is_preset():
    """T25: the first password is made, never the same, and none that is known from elsewhere is taken."""
    one, two = (Gateway(admin=False).start() for _ in range(2))
    try:
        first, second = one.first_password(), two.first_password()
        assert first != second and len(first) >= 16
        for name, word in (("admin", "admin"), ("admin", "password"), ("admin", "")):
            r = requests.post(one.url + "/api/v1/session", json={"name": name, "password": word}, timeout=patience())
            assert r.status_code in (400, 401)
    finally:
        one.destroy()
        two.destroy()


# --- files ----------------------------------------------------------------------------------------------------

HTML = b"<!doctype html><script>alert(1)</script>"


@pytest.mark.parametrize("kind", ["text/html", "image/png;text/html", "image/png, text/html", "TEXT/HTML;charset=utf-7", "image/png\ttext/html",
                                  "image/svg+xml;image/png", "text/xml", "application/xhtml+xml", "multipart/x-mixed-replace", "image/png;;;", "*/*"])
def test_types_that_were_told_open_nothing(g, kind):
    """T18: whatever type a file was sent with, what it is decides; a page or a drawing is a download."""
    api = g.login()
    r = api.http.post(g.url + "/api/v1/media?name=a.png", data=HTML, headers={"Content-Type": kind}, timeout=patience())
    assert r.status_code in (201, 400, 415), r.text
    if r.status_code != 201:
        return
    got = api.ask("GET", "/media/" + r.json()["media"]["id"])
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert not got.headers["Content-Type"].startswith(("text/html", "image/", "application/xhtml"))
    assert got.headers["X-Content-Type-Options"] == "nosniff" and "sandbox" in got.headers["Content-Security-Policy"]


@pytest.mark.parametrize("name", ["\u200b.htaccess", "\u202egnp.exe", ".env", "a\u2066b.png", "..%2f..%2fetc%2fpasswd", "\ufeff.bashrc"])
def test_names_never_reach_the_disk(g, name):
    """T14: a file's name with zero-width, turning or leading characters is a text beside it, nothing more."""
    r = g.login().ask("POST", "/media", params={"name": name}, data=b"words that are easily found")
    assert r.status_code in (201, 400), r.text
    if r.status_code == 201:
        assert not set(r.json()["media"]["name"]) & set("\u200b\u202e\u2066\ufeff/")
    on_disk = [f for _, _, files in os.walk(g.data / "media") for f in files]
    assert all(re.fullmatch(r"[0-9A-Za-z_.-]+", f) and not f.startswith(".") for f in on_disk), on_disk
    assert not any("htaccess" in f or "passwd" in f or "bashrc" in f or f.endswith(".exe") for f in on_disk)


def test_exports_read_no_files(g):
    """T19: what looks like a path or an address in a message is exported as the text that it is."""
    text = "file:///etc/passwd php://filter/resource=/etc/passwd <img src=/etc/passwd> ../../secret.key"
    g.hook({"from": {"address": "exporter", "name": "/etc/passwd"}, "text": text, "id": "export1"})
    out = g.cli("export").stdout
    assert json.dumps(text)[1:-1] in out and "root:" not in out


# --- pages (ASVS 3.x, 4.x, 7.x, 13.x, 14.x) ----------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/admin", "/demo"])
def test_policies_of_pages(g, path):
    """ASVS 3.4.3, 3.4.4, 3.4.6, 3.5: a strict policy, no foreign frame, no sniffing, no address of ours told on."""
    r = requests.get(g.url + path, timeout=patience())
    assert r.status_code == 200
    policy = r.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy or "default-src 'self'" in policy
    assert "unsafe-inline" not in policy.split("style-src")[0] and "unsafe-eval" not in policy
    assert "frame-ancestors" in policy and "base-uri" in policy
    assert r.headers["X-Content-Type-Options"] == "nosniff"
    assert r.headers["Referrer-Policy"] in ("no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin")
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", r.text), "no script inside the page"
    assert not re.search(r"\son\w+=", r.text)


def test_cookies_of_sessions(g):
    """ASVS 3.3.1 to 3.3.4, 7.2.3, 7.2.4: new at each sign-in, 128 random bits or more, for requests of our own pages only."""
    made = set()
    for _ in range(3):
        r = requests.post(g.url + "/api/v1/session", json={"name": "admin", "password": g.password},
                          headers={"Cookie": "sb_session=chosen-by-somebody-else"}, timeout=patience())
        cookie = r.headers["Set-Cookie"]
        value = re.match(r"[\w-]*sb_session=([\w-]+)", cookie).group(1)
        assert value != "chosen-by-somebody-else" and len(value) >= 22
        for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
            assert word in cookie, cookie
        made.add(value)
    assert len(made) == 3


def test_what_says_much_is_not_for_everybody(g):
    """ASVS 13.4.5, 16.5: neither figures of the inside nor words of it for those who are nobody."""
    for path in ("/api/v1/threads", "/api/v1/agents", "/api/v1/dead", "/api/v1/targets", "/api/v1/reports", "/api/v1/channels"):
        r = requests.get(g.url + path, timeout=patience())
        assert r.status_code == 401 and set(r.json()) <= {"type", "title", "status", "code", "detail"}, r.text
    r = requests.get(g.url + "/api/v1/no-such-thing", timeout=patience())
    assert r.status_code in (401, 404)
