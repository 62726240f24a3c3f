"""The fake of WhatsApp is as strict as the real one: what it refuses, with which code; and how it posts webhooks."""

import hashlib
import hmac
import http.server
import json
import threading
import urllib.error
import urllib.request

import pytest
from fakes.whatsapp import FakeWhatsApp, samples
from fakes.whatsapp.control import Control
from harness import until

TOKEN = "EAA" + "x" * 40
BODY = {"type": "BODY", "text": "Hello {{1}}", "example": {"body_text": [["Ann"]]}}
PRESS = [{"type": "reply", "reply": {"id": str(i), "title": t}} for i, t in enumerate("abcd")]


@pytest.fixture
def fake():
    f = FakeWhatsApp()
    yield f
    f.close()


@pytest.fixture
def number(fake):
    fake.token(TOKEN)
    n = fake.number()
    fake.template(n.waba, "hello", components=[BODY])
    fake.template(n.waba, "picture", components=[{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "Look"}])
    fake.template(n.waba, "paused", status="PAUSED", components=[BODY])
    fake.user("4917600000", "Ann").chat(n).text("hi")
    return n


def call(fake, method, path, body=None, token=TOKEN, headers=None):
    data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    r = urllib.request.Request(f"{fake.url}/{path}", data, {"Content-Type": "application/json", **(headers or {}),
                                                           **({"Authorization": "Bearer " + token} if token else {})},
                               method=method)
    try:
        return json.load(urllib.request.urlopen(r, timeout=30))
    except urllib.error.HTTPError as e:
        return json.loads(e.read())


def code(answer):
    return answer.get("error", {}).get("code")


def send(fake, to="4917600000", **message):
    kind = next(iter(message))
    who = {"to": to} if to.isdigit() else {"recipient": to}
    return call(fake, "POST", "v26.0/1055/messages", {"messaging_product": "whatsapp", **who, "type": kind, **message})


def test_tokens_versions_and_paths(fake, number):
    assert code(call(fake, "GET", "v26.0/1055", token="wrong")) == 190
    assert code(call(fake, "GET", "v26.0/9999")) == 100
    assert code(call(fake, "GET", "v26.0/1055/nothing")) == 100
    assert call(fake, "GET", "v26.0/1055?fields=status")["status"] == "CONNECTED"
    call(fake, "GET", "1055")
    assert fake.problems == ["/1055 has no version"]
    fake.world.tokens[TOKEN].scopes.discard("whatsapp_business_messaging")
    assert code(send(fake, text={"body": "x"})) == 10
    fake.world.tokens[TOKEN].expires_at = 1
    assert code(send(fake, text={"body": "x"})) == 190


def template(name, *values, language="en", **more):
    params = [{"type": "text", "text": v} for v in values]
    return {"template": {"name": name, "language": {"code": language},
                         **({"components": [{"type": "body", "parameters": params}]} if values else {}), **more}}


def interactive(kind, action, text="x"):
    return {"interactive": {"type": kind, "body": {"text": text}, "action": action}}


@pytest.mark.parametrize("message,want", [
    ({"text": {"body": ""}}, 131009), ({"text": {"body": "x" * 4097}}, 100), ({"text": {}}, 131008),
    ({"text": {"body": "x", "colour": 1}}, 100), ({"poll": {}}, 131051), ({"location": {"latitude": 91, "longitude": 0}}, 131009),
    ({"contacts": [{"name": {}}]}, 131008), ({"image": {"id": "77"}}, 131053), ({"reaction": {"message_id": "x"}}, 131009),
    (interactive("button", {"buttons": PRESS}), 131009), (interactive("button", {"buttons": []}), 131009),
    (interactive("button", {"buttons": [PRESS[0], PRESS[0]]}), 131009), (interactive("dance", {}), 131009),
    (interactive("button", {"buttons": PRESS[:1]}, "x" * 1025), 100),
    (interactive("list", {"button": "x", "sections": [{"rows": [{"id": str(i), "title": "t"} for i in range(11)]}]}), 131009),
    (template("none"), 132001), (template("hello", language="de"), 132001), (template("paused", "a"), 132015),
    (template("hello"), 132000), (template("hello", "a", "b"), 132000), (template("hello", "a\nb"), 132018),
    (template("picture"), 132012)])
def test_what_is_refused(fake, number, message, want):
    assert code(send(fake, **message)) == want
    assert not fake.sent


def test_window_pair_limit_and_people(fake, number):
    assert send(fake, text={"body": "x"})["messages"][0]["id"].startswith("wamid.")
    fake.close_windows()
    assert code(send(fake, text={"body": "x"})) == 131047
    assert "error" not in send(fake, **template("hello", "Ann"))
    fake.user("4917600000", "Ann").chat(number).text("again")
    fake.limits.on = True
    assert [code(send(fake, text={"body": str(i)})) for i in range(48)].count(131056) >= 1
    assert code(call(fake, "POST", "v26.0/1055/messages", {"messaging_product": "sms", "to": "1", "type": "text"})) == 100


def upload(fake, data, mime, declared=None):
    edge = "b" * 12
    part = (f'--{edge}\r\nContent-Disposition: form-data; name="messaging_product"\r\n\r\nwhatsapp\r\n--{edge}\r\n'
            f'Content-Disposition: form-data; name="type"\r\n\r\n{declared or mime}\r\n--{edge}\r\nContent-Disposition: '
            f'form-data; name="file"; filename="a"\r\nContent-Type: {mime}\r\n\r\n').encode()
    return call(fake, "POST", "v26.0/1055/media", part + data + f"\r\n--{edge}--\r\n".encode(),
                headers={"Content-Type": f"multipart/form-data; boundary={edge}"})


def test_media(fake, number):
    media = upload(fake, samples.JPEG, "image/jpeg")["id"]
    assert "error" not in send(fake, image={"id": media, "caption": "x"})
    assert code(send(fake, video={"id": media})) == 131053
    assert code(send(fake, audio={"id": media, "caption": "x"})) == 100
    assert code(upload(fake, samples.JPEG, "application/octet-stream")) == 100
    upload(fake, samples.JPEG, "image/jpeg", "image/png")
    assert "differ" in fake.problems[0]
    about = call(fake, "GET", f"v26.0/{media}")
    assert about["sha256"] == hashlib.sha256(samples.JPEG).hexdigest()
    fake.advance(31 * 86400)
    assert code(call(fake, "GET", f"v26.0/{media}")) == 100
    with pytest.raises(urllib.error.HTTPError):  # five minutes are over
        urllib.request.urlopen(urllib.request.Request(about["url"], headers={"Authorization": "Bearer " + TOKEN}))


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((body, self.headers["X-Hub-Signature-256"]))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_webhooks_are_signed_escaped_and_tried_again(fake, number):
    server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
    server.got, server.answers = [], [500, 204]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    app = fake.app()
    app.callback = f"http://127.0.0.1:{server.server_port}/hook"
    number.waba.subscribed[app.id] = {}
    fake.user("4917600001", "Боб").chat(number).text("привет / 👋")
    until(lambda: len(server.got) == 3, 10)
    body, mac = server.got[0]
    assert b"\\u043f" in body and b"\\/" in body and body.isascii()
    assert mac == "sha256=" + hmac.new(app.secret.encode(), body, hashlib.sha256).hexdigest()
    assert len({b for b, _ in server.got}) == 1
    until(fake.wait_calm, 5)
    server.shutdown()


def test_the_page_by_hand(fake, number):
    fake.page = Control(fake, number)
    page = urllib.request.urlopen(fake.url + "/").read().decode()
    assert "WhatsApp, by hand" in page
    step = {"phone": "4917600000", "name": "Ann", "do": "text", "args": ["hi"]}
    urllib.request.urlopen(urllib.request.Request(fake.url + "/control/do", json.dumps(step).encode()))
    send(fake, text={"body": "good day"})
    chat = json.load(urllib.request.urlopen(fake.url + "/control/chat?phone=4917600000"))
    assert chat["mine"][0]["args"] == ["hi"] and chat["window"]
    assert [m["body"]["text"]["body"] for m in chat["theirs"]] == ["good day"]
