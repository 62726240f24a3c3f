"""What no person wrote: automatic answers, lists and mass mails, our own mails that come back, reports of delivery (RFC 3834,
3464, 8098; pain 13). All is shown or settled, wakes nobody, and nothing of ours answers it."""

import time

import pytest
from email_fakes import US, FakeMailbox
from harness import SLOWER, Gateway, until


@pytest.fixture(scope="module")
def world():
    made = []

    def start(**kw):
        made.append(Gateway(**kw))
        return made[-1].start()

    w = FakeMailbox(start)
    yield w
    w.close()
    for g in made:
        g.destroy()


@pytest.fixture
def dialogue(world):
    """Somebody who has an answer of ours."""
    number = len(world.api.threads())
    d = type("Dialogue", (), {"address": f"ann{number}@clients.test"})()
    d.thread = world.write(f"hello {number}", sender=d.address)["thread"]
    d.out = world.say(d.thread, {"text": f"answer {number}"})
    d.mark = f"<{d.out['external_id']}>"
    d.sent = len(world.smtp.accepted)
    d.now = lambda: world.message(d.thread, d.out["id"])
    return d


SIGNS = {  # of a mail in a dialogue: what the agent is told
    "reply": ["Auto-Submitted: auto-replied (vacation)", "auto-submitted: AUTO-REPLIED; x=y", "X-Autoreply: yes",
              "X-Autorespond: yes", "Precedence: auto_reply", "X-Mail-Autoreply: 1", "Return-Path: <>",
              "X-Auto-Response-Suppress: All\r\nSubject: Automatic reply: hello", "Precedence: bulk\r\nSubject: Автоответ: нет меня"],
    "bulk": ["Auto-Submitted: auto-generated", "Precedence: bulk", "Precedence: Junk", "X-Auto-Response-Suppress: OOF, DR",
             "X-Auto-Response-Suppress: All"],
    "list": ["List-Id: News <news.clients.test>", "List-Unsubscribe: <mailto:off@clients.test>", "Precedence: list",
             "List-Post: NO\r\nPrecedence: bulk"],
    "bounce": ["X-Failed-Recipients: bob@clients.test\r\nReturn-Path: <>", "Return-Path: <>\r\nFrom: MAILER-DAEMON@clients.test"],
    None: ["X-Failed-Recipients: bob@clients.test", "Return-Path: <x@y.test>\r\nReturn-Path: <>", "Auto-Submitted: no", "Precedence: normal", "X-Auto-Response-Suppress: none", "X-Autoreply: no",
           "Subject: Out of office desks, a question", "Feedback-ID: 1:2:3"]}


@pytest.mark.parametrize("kind, sign", [(k, s) for k, signs in SIGNS.items() for s in signs])
def test_signs(world, dialogue, kind, sign):
    """Whatever says that no person wrote it is told to the agent; answers of machines leave a closed thread closed."""
    world.api.patch(f"/threads/{dialogue.thread}", {"state": "closed"})
    headers = [tuple(line.split(": ", 1)) for line in sign.split("\r\n")]
    text = f"by itself, to {dialogue.mark}"
    world.imap.add(world.mail(text, sender=None if "From" in sign else dialogue.address, subject=None if "Subject" in sign else "x",
                              headers=[*headers, ("In-Reply-To", dialogue.mark)]))
    m = world.got(text)
    assert m["email"].get("auto") == kind and m["thread"] == dialogue.thread
    state = world.api.get(f"/threads/{dialogue.thread}")["thread"]["state"]
    assert state == ("closed" if kind in ("reply", "bounce") else "open")
    assert dialogue.now()["status"] == "sent" and len(world.smtp.accepted) == dialogue.sent
    world.told([m])


def test_our_own_comes_back(world, dialogue):
    """A copy, a list, a forward to ourselves: what we sent is not taken in once more, and the mailbox goes on behind it."""
    mine, before = world.smtp.accepted[-1].raw, world.gateway.log().count("email.our_own")
    for raw in (mine, mine, b"List-Id: <l.test>\r\n" + mine + b"-- \r\nfooter\r\n", mine.replace(b"answer", b"ANSWER")):
        world.imap.add(raw)
    until(lambda: world.gateway.log().count("email.our_own") >= before + 3, 20 * SLOWER)  # the second is the first
    world.write("behind it", sender=dialogue.address)
    assert [m["direction"] for m in world.api.messages(dialogue.thread) if m["direction"] != "event"] == ["in", "out", "in"]


def test_two_desks(world, dialogue):
    """Two help desks that answer each other: each of their answers is seen, none of ours goes out."""
    for i in range(20):
        world.imap.add(world.mail(f"Ticket {i} of {dialogue.address}", sender=dialogue.address, subject="[Ticket] received",
                                  headers=[("Auto-Submitted", "auto-replied"), ("In-Reply-To", dialogue.mark)]))
    until(lambda: len([m for m in world.api.messages(dialogue.thread) if m.get("email", {}).get("auto") == "reply"]) == 20, 20 * SLOWER)
    assert len(world.smtp.accepted) == dialogue.sent


def report(world, mark, body, kind="delivery-status", **kw):
    """A report about the mail with that Message-ID."""
    part = "message/delivery-status" if kind == "delivery-status" else "message/disposition-notification"
    return (f"Return-Path: <>\r\nFrom: {kw.get('sender', 'MAILER-DAEMON@mx.test')}\r\nTo: {US}\r\nSubject: Report\r\n"
            f"Message-ID: <report{time.monotonic_ns()}@mx.test>\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-replied\r\n"
            f'Content-Type: multipart/report; report-type={kind}; boundary="b"\r\n\r\n--b\r\n\r\nReport about {mark}\r\n--b\r\n'
            f"Content-Type: {part}\r\n\r\n{body}\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {mark}\r\n"
            f"To: x@y\r\n\r\n--b--\r\n").encode()


def status(address, action, code, why="x"):
    return (f"Reporting-MTA: dns; mx.test\r\n\r\nFinal-Recipient: rfc822; {address}\r\nAction: {action}\r\nStatus: {code}\r\n"
            f"Diagnostic-Code: smtp; {why}\r\n")


def test_delayed(world, dialogue):
    """Not yet delivered: said in the dialogue, and nothing is decided."""
    world.imap.add(report(world, dialogue.mark, status(dialogue.address, "delayed", "4.4.1", "connection timed out")))
    m = world.got(f"Report about {dialogue.mark}")
    assert m["thread"] == dialogue.thread and m["email"]["auto"] == "bounce" and dialogue.now()["status"] == "sent"
    world.told([m])


@pytest.mark.parametrize("action, kind, wanted", [
    ("delivered", "delivery-status", "delivered"),
    ("Disposition: manual-action/MDN-sent-manually; displayed", "disposition-notification", "read")])
def test_receipts(world, dialogue, action, kind, wanted):
    """It arrived, it was read: that is its message's status, and no message of its own."""
    body = status(dialogue.address, action, "2.0.0") if kind == "delivery-status" else \
        f"Final-Recipient: rfc822; {dialogue.address}\r\nOriginal-Message-ID: {dialogue.mark}\r\n{action}\r\n"
    before = len(world.all())
    world.imap.add(report(world, dialogue.mark, body, kind))
    until(lambda: dialogue.now()["status"] == wanted, 20 * SLOWER)
    world.write(f"behind {wanted}", sender=dialogue.address)
    assert len(world.all()) == before + 1
    assert wanted in world.trail(dialogue.out["id"])
    world.told([dialogue.now()])


def test_failed_with_reason(world, dialogue):
    """RFC 3464: the very message fails, with the reason in words, and its trail says so, too."""
    world.imap.add(report(world, dialogue.mark, status(dialogue.address, "failed", "5.2.2", "552 5.2.2 over quota")))
    failed = until(lambda: next(m for m in [dialogue.now()] if m["status"] == "failed"), 20 * SLOWER)
    assert "the mailbox is full" in failed["error"]["text"] and dialogue.address in failed["error"]["text"]
    assert world.got(f"Report about {dialogue.mark}")["thread"] == dialogue.thread
    world.told([dialogue.now()])


@pytest.mark.parametrize("change", [lambda mark: mark.replace("@", "x@"), lambda mark: mark[:-20] + "0000@example.test>",
                                    lambda mark: "<somebody@else.test>"])
def test_forged_report(world, dialogue, change):
    """Who does not have our mark to the letter cannot make a message fail; his report lies in a thread of its sender."""
    mark = change(dialogue.mark)
    world.imap.add(report(world, mark, status(dialogue.address, "failed", "5.1.1"), sender=f"postmaster@{mark[1:8]}.test"))
    m = world.got(f"Report about {mark}")
    assert m["thread"] != dialogue.thread and m["email"]["auto"] == "bounce" and dialogue.now()["status"] == "sent"
