"""Nothing that an agent, a program or a client gives becomes a header or a command of its own (issue 5, 6: CR, LF
and NUL in any header value are impossible)."""

import functools
import json
import re

import pytest
import wire
from email_fake_world import FakeWorld
from harness import SLOWER

EVIL = ["\r\nBcc: evil@outside.test", "\nX-Evil: 1", "\rX-Evil: 1", "\0X-Evil: 1", "\r\n\r\nX-Evil", "\x0bX-Evil", "\x7f", "\x1b[31m"]
HARMLESS = ["\u2028X-Evil: 1", "\u2029X-Evil: 1", "\x85X-Evil: 1", "\u202e", "=?utf-8?q?=0D=0AX-Evil:_1?=", "\t X-Evil: 1"]
KNOWN = {"date", "from", "reply-to", "subject", "to", "cc", "message-id", "in-reply-to", "references", "x-switchboard", "mime-version",
         "content-type", "content-transfer-encoding", "content-disposition", "content-id"}


@pytest.fixture
def world(making):
    return functools.partial(making, FakeWorld)


def check_wire(w, recipients=("ann@example.test",)):
    """Headers, line ends and envelope of all that the server took."""
    assert not w.smtp.problems
    for mail in w.smtp.accepted:
        head, boundary = mail.raw.split(b"\r\n\r\n", 1)[0].decode("ascii"), mail.message.get_boundary()
        heads = [head] + ([p.split("\r\n\r\n")[0].lstrip("\r\n") for p in mail.raw.decode("ascii").split(f"--{boundary}")[1:-1]] if boundary else [])
        for line in re.sub(r"\r\n[ \t]", " ", "\r\n".join(heads)).split("\r\n"):
            name = line.split(":")[0].lower()
            assert name in KNOWN, line
        assert not re.search(rb"[^\r]\n|\r[^\n]|[\0\x0b\x7f\x1b\x80-\xff]", mail.raw)
        assert set(mail.recipients) <= set(recipients) and mail.sender == "support@example.test"
        assert len(mail.message.get_all("Subject")) == len(mail.message.get_all("To")) == 1


def socket_of(w):
    ws = wire.WebSocket("127.0.0.1", w.gateway.port, "/ws/agent", {"Cookie": w.api.cookie})
    ws.send('{"type":"hello"}')
    while json.loads(ws.recv(10 * SLOWER))["type"] != "ready":
        pass
    return ws


def ask(ws, frame):
    ws.send(json.dumps(frame))
    while True:
        f = json.loads(ws.recv(10 * SLOWER))
        if f["type"] in ("ok", "error") and f.get("id", frame["id"]) == frame["id"]:
            return f


def test_by_rest_and_socket(world):
    """Line ends and controls in subject and addresses: refused with a sentence that names the field, by both ways in."""
    w = world()
    ws = socket_of(w)
    path = f"/threads/{w.thread}/messages"
    for i, evil in enumerate(EVIL):
        for field, value in (("subject", f"Hi{evil}"), ("cc", [f"bob@example.test{evil}"]), ("bcc", [f"bob{evil}@example.test"]),
                             ("cc", ["bob@example.test", f"<bob@example.test>{evil}"])):
            r = w.api.ask("POST", path, json={"text": "x", field: value})
            assert r.status_code == 400 and (field in r.json()["detail"] or "\0" in evil), (field, evil, r.text)
            f = ask(ws, {"type": "send", "id": f"{i}{field}{len(value)}", "thread": w.thread, "text": "x", field: value})
            assert f["type"] == "error" and (field in f["detail"] or "\0" in evil), (field, evil, f)
        r = w.api.ask("POST", path, json={"text": "x", "id": f"k{evil}"})
        assert r.status_code == 400, (evil, r.text)
    for name in ("a b@example.test", "bob@example.test, eve@example.test", "bob@example.test>", "bob@exam ple.test", "Bob <bob@example.test>",
                 "bob@example.test\u2028", "\u202ebob@example.test", "bob@example.test SIZE=1"):
        r = w.api.ask("POST", path, json={"text": "x", "cc": [name]})
        assert r.status_code == 400 and "cc[0]" in r.json()["detail"], (name, r.text)
    mid = w.say("good", subject="Fine")
    w.until_status(mid, "sent")
    assert len(w.smtp.accepted) == 1
    check_wire(w)


def test_made_harmless(world):
    """What is no line end to us but to others, and encoded words within words, go out as plain text of the subject."""
    w = world()
    for i, text in enumerate(HARMLESS):
        w.until_status(w.say(f"mail {i}", subject=f"Hi{text}"), "sent")
    subjects = [m.message["Subject"] for m in w.smtp.accepted]
    assert len(subjects) == len(HARMLESS) and subjects[4] == "Hi=?utf-8?q?=0D=0AX-Evil:_1?="
    assert all(s.startswith("Hi") and "\n" not in s and "\u2028" not in s for s in subjects)
    check_wire(w)


def test_names_of_files(world):
    """A file's name with line ends, quotes, NUL is cleaned when it comes; its type cannot make a header either."""
    w = world()
    names = ["a%0D%0ABcc:%20evil@outside.test.txt", "b%22%0D%0AX-Evil:%201%0D%0A%0D%0A.txt", "c%0Ad.txt", "d%E2%80%A8X-Evil:%201", "e%22;%20x=%22f.txt",
             "f%5C", "%D0%BF%0D%0A%D1%80.txt", "g" * 250 + "%0D%0A"]
    for i, name in enumerate(names):
        r = w.api.ask("POST", f"/media?name={name}", data=b"hello", headers={"Content-Type": "text/plain; x=\"y\""})
        if r.status_code == 400:
            assert r.json()["detail"], r.text
            continue
        assert not set(r.json()["media"]["name"]) & set("\r\n\0"), r.text
        w.until_status(w.say(f"file {i}", attachments=[r.json()["media"]["id"]]), "sent")
    assert len(w.smtp.accepted) >= 3
    for mail in w.smtp.accepted:
        file = list(mail.message.iter_attachments())
        assert len(file) == 1 and file[0].get_content().strip() in ("hello", b"hello")
    check_wire(w)


def test_of_the_clients_own_mail(world):
    """Subject, names, reply addresses and ids of the mail that is answered are a stranger's: the answer goes out, with
    nothing of them as a header or a recipient."""
    crlf = "=0D=0A"
    w = world(first=(f"From: =?utf-8?q?Ann{crlf}Bcc:_evil=40outside.test?= <ann@example.test>\r\n"
                     f"Reply-To: =?utf-8?q?x=40y.test{crlf}X-Evil:_1?= <ann@example.test>, \"a\\\r\n b\"@example.test,"
                     f" =?utf-8?q?bob=40outside.test{crlf}RCPT_TO:=3Cevil=40outside.test=3E?=\r\n"
                     f"To: support@example.test, =?utf-8?q?Carol{crlf}X-Evil:_1?= <carol@example.test>, <dan@example.test\x0bX-Evil>\r\n"
                     "Message-ID: <1@x\x0bX-Evil>\r\nReferences: <0@x> <\x01\x02@x> <a\x7fb@x>\r\n"
                     f"Subject: =?utf-8?q?One{crlf}Bcc:_evil=40outside.test{crlf}{crlf}X-Evil?= =?utf-8?b?AA0KWC1FdmlsOiAx?=\r\n\r\nHello \x01\x1b[31m\r\n"))
    w.until_status(w.say("answer"), "sent")
    w.until_status(w.say("to all", reply_all=True), "sent")
    check_wire(w, ("ann@example.test", "carol@example.test", "dan@example.test"))
    assert w.smtp.accepted[0].recipients == ["ann@example.test"]
    assert w.smtp.accepted[1].recipients[:2] == ["ann@example.test", "carol@example.test"]
    assert w.smtp.accepted[0].message["Subject"].startswith("Re: One")
