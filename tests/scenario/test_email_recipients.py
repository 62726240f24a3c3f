"""A mail to several: each recipient has it once, is tried again or refused alone, and the message says which
(rows F01, F37, T05)."""

import functools
import os
import random
import signal

import pytest
from email_fake_world import FakeWorld
from email_fakes import US
from harness import SLOWER, until

LATER = "451 4.7.1 Greylisted, come back"
LATER_MEANS = "the receiving server lets everybody wait the first time"


@pytest.fixture
def world(making):
    return functools.partial(making, FakeWorld)


@pytest.mark.long
def test_one_put_off(world):
    """451 for one of three: the others have it at once, he has it later, nobody twice; the thread goes on."""
    w = world(extra='retry = "3s"')
    w.smtp.fault("rcpt", reply=LATER, match="bob@")
    mid = w.say("to three", cc=["bob", "carol"])
    m = w.until_status(mid, "sent")
    got = w.until_recipients(mid, ann="sent", bob="queued", carol="sent")
    assert got["bob"]["error"] == {"code": "unavailable", "text": f"{LATER_MEANS} ({LATER})", "permanent": False} and "error" not in got["ann"]
    assert m["external_id"] and w.ledger("to three") == {"ann": 1, "carol": 1}
    after = w.say("meanwhile")  # nobody waits for bob
    w.until_status(after, "sent")
    assert w.message(mid)["recipients"][1]["status"] == "queued"
    w.smtp.faults.clear()
    w.until_recipients(mid, ann="sent", bob="sent", carol="sent", timeout=60)
    assert w.ledger("to three") == {"ann": 1, "bob": 1, "carol": 1} and w.message(mid)["status"] == "sent"
    last = w.smtp.accepted[-1]
    assert last.recipients == ["bob@example.test"] and last.message["To"] == "ann@example.test"
    assert [a.strip() for a in last.message["Cc"].split(",")] == ["bob@example.test", "carol@example.test"]
    until(lambda: len(w.imap.boxes["Sent"].mails) >= 2, 20 * SLOWER, why="for the copies")
    assert sum(b"to three" in m.raw for m in w.imap.boxes["Sent"].mails) == 1
    assert not w.events() and not w.smtp.problems


def test_refused_and_given_up(world):
    """550 for one is final at once, 451 for ever is final after give_up: both are told, with the server's words."""
    w = world(extra='retry = "1s" give_up = "6s"')
    w.smtp.fault("rcpt", reply="550 5.1.1 No such user", match="eve@")
    w.smtp.fault("rcpt", reply="452 4.2.2 Mailbox full", match="bob@")
    mid = w.say("to three", cc=["bob", "eve"])
    w.until_status(mid, "sent")
    got = w.until_recipients(mid, ann="sent", bob="failed", eve="failed", timeout=60)
    assert "550 5.1.1 No such user" in got["eve"]["error"]["text"] and "452 4.2.2 Mailbox full" in got["bob"]["error"]["text"]
    assert got["bob"]["error"]["permanent"] and got["eve"]["error"]["permanent"]
    events = until(lambda: (lambda e: e if len(e) == 2 else None)(w.events()), 20 * SLOWER)
    assert "eve@example.test: there is no such mailbox (550" in events[0] and "bob@example.test: the mailbox is full (452" in events[1]
    tried = [line for _, line in w.smtp.commands if line.startswith("RCPT TO:<bob@")]
    assert 3 <= len(tried) <= 8
    assert sum(line.startswith("RCPT TO:<eve@") for _, line in w.smtp.commands) == 1
    assert w.ledger("to three") == {"ann": 1} and w.message(mid)["status"] == "sent"


def test_killed_in_between(world):
    """kill -9 of each worker and of Redis while one recipient waits: what the others have they get no second time."""
    w = world(extra='retry = "4s"')
    w.smtp.fault("rcpt", reply=LATER, match="bob@", times=1000)
    mids = [w.say(f"mail {i}", cc=["bob"]) for i in range(3)]
    for mid in mids:
        w.until_recipients(mid, ann="sent", bob="queued")
    for pid in w.gateway.worker_pids():
        os.kill(pid, signal.SIGKILL)
    w.gateway.wait_ready(30 * SLOWER)
    w.gateway.kill_redis()
    w.gateway.wait_ready(30 * SLOWER)
    w.smtp.faults.clear()
    for i, mid in enumerate(mids):
        w.until_recipients(mid, ann="sent", bob="sent", timeout=90)
        assert w.ledger(f"mail {i}") == {"ann": 1, "bob": 1}
        assert w.message(mid)["status"] == "sent"


def test_store_away_when_taken(world):
    """Redis dies between the server's 250 and our note of it: the mail is not sent again, nor is the rest forgotten."""
    w = world(extra='retry = "1s"')
    w.smtp.fault("rcpt", reply=LATER, match="bob@", times=1)
    w.smtp.fault("end", kind="slow", ms=1500, times=1)
    mid = w.say("to two", cc=["bob"])
    until(lambda: any(line == "DATA" for _, line in w.smtp.commands), 20 * SLOWER)
    with w.gateway.redis_away():
        until(lambda: w.smtp.accepted, 20 * SLOWER)
    w.gateway.wait_ready(30 * SLOWER)
    w.until_recipients(mid, ann="sent", bob="sent", timeout=60)
    assert w.ledger("to two") == {"ann": 1, "bob": 1}


def test_all_put_off_then_some(world):
    """451 for all, 550 for one: the mail waits as a whole, then goes to whom it can."""
    w = world()
    w.smtp.fault("rcpt", reply=LATER, match="ann@", times=1)
    w.smtp.fault("rcpt", reply="550 5.1.1 No such user", match="eve@")
    mid = w.say("to two", cc=["eve"])
    w.until_recipients(mid, ann="sent", eve="failed")
    assert w.ledger("to two") == {"ann": 1} and len(w.events()) == 1


@pytest.mark.parametrize("place", ["first", "between"])
def test_hung_up_on_one(world, place):
    """421 to one recipient, on each connection: the others have the mail at once all the same, he is tried again alone."""
    w = world(extra='retry = "3s"')
    who = {"first": "ann", "between": "bob"}[place]
    w.smtp.fault("rcpt", kind="reply_and_drop", reply="421 4.3.2 Not for him now", match=f"{who}@")
    w.smtp.fault("rcpt", reply="550 5.1.1 No such user", match="eve@")
    mid = w.say("to four", cc=["bob", "eve", "carol"])
    rest = {n: "sent" for n in ("ann", "bob", "carol") if n != who}
    got = w.until_recipients(mid, eve="failed", **{who: "queued"}, **rest)
    assert got[who]["error"] == {
        "code": "unavailable", "text": "the receiving server has trouble of its own (421 4.3.2 Not for him now)", "permanent": False}
    assert w.message(mid)["status"] == "sent" and w.ledger("to four") == dict.fromkeys(rest, 1)
    w.smtp.faults.clear()
    w.until_recipients(mid, timeout=60, eve="failed", **{who: "sent"}, **rest)
    assert w.ledger("to four") == {who: 1, **dict.fromkeys(rest, 1)} and w.smtp.accepted[-1].recipients == [example(who)]
    assert sum(line.startswith("RCPT TO:<eve@") for _, line in w.smtp.commands) == 1 and not w.smtp.problems


def test_hung_up_on_all(world):
    """421 to whoever is named first: the server is busy. All wait; who is refused for good is told, and the others get it."""
    w = world(extra='retry = "1s"')
    w.smtp.fault("rcpt", kind="reply_and_drop", reply="421 4.3.2 Busy", times=4)
    w.smtp.fault("rcpt", reply="550 5.1.1 No such user", match="eve@")
    mid = w.say("to three", cc=["eve", "bob"])
    w.until_recipients(mid, timeout=60, ann="sent", bob="sent", eve="failed")
    assert w.ledger("to three") == {"ann": 1, "bob": 1} and w.message(mid)["status"] == "sent"
    assert sum(line.startswith("RCPT TO:<eve@") for _, line in w.smtp.commands) == 2  # 421, then 550


def test_too_many_errors(world):
    """A server that hangs up after five unknown recipients: they are told of and not asked again, the others get it."""
    w = world(smtp={"errors_max": 5})
    w.smtp.fault("rcpt", reply="550 5.1.1 No such user", match="bad")
    bad = [f"bad{i}" for i in range(12)]
    mid = w.say("to fifteen", cc=["bob", *bad, "carol"])
    w.until_recipients(mid, timeout=90, ann="sent", bob="sent", carol="sent", **dict.fromkeys(bad, "failed"))
    assert w.ledger("to fifteen") == {"ann": 1, "bob": 1, "carol": 1} and w.message(mid)["status"] == "sent"
    assert all(sum(line.startswith(f"RCPT TO:<{b}@") for _, line in w.smtp.commands) <= 2 for b in bad)


def test_given_up_whole(world):
    """550 for one, 451 for the other until give_up: the message has failed. Put back, only who was put off is asked."""
    w = world(extra='retry = "1s" give_up = "6s"')
    w.smtp.fault("rcpt", reply=LATER, match="ann@")
    w.smtp.fault("rcpt", reply="550 5.1.1 No such user", match="eve@")
    mid = w.say("to two", cc=["eve"])
    w.until_recipients(mid, ann="queued", eve="failed")
    m = w.until_status(mid, "failed", timeout=60)
    assert "Greylisted" in m["error"]["text"]
    w.smtp.faults.clear()
    dead = until(lambda: w.api.get("/dead")["dead"], 20 * SLOWER)
    w.api.post(f"/dead/{dead[0]['id']}/retry", None)
    w.until_recipients(mid, ann="sent", eve="failed", timeout=60)
    assert w.message(mid)["status"] == "sent" and w.ledger("to two") == {"ann": 1}


def test_too_many_at_once(world):
    """452 4.5.3: a server that takes three recipients at a time gets the rest in further mails, at once."""
    w = world(extra='retry = "1h"', smtp={"recipients_max": 3})
    names = [f"p{i}" for i in range(9)]
    mid = w.say("to ten", cc=names)
    w.until_recipients(mid, timeout=90, ann="sent", **{n: "sent" for n in names})
    assert w.ledger("to ten") == {n: 1 for n in ["ann", *names]} and len(w.smtp.accepted) == 4
    assert not w.events()


# --- whose end is in doubt ------------------------------------------------------------------------


def test_doubts_are_counted(world):
    """Tries that were put off are no doubts: the answer to the end is lost twice, after those, and the mail is sent again."""
    w = world(extra='retry = "1s"')
    w.smtp.fault("rcpt", reply=LATER, times=3)
    w.smtp.fault("end", kind="drop", times=2)
    mid = w.say("to one")
    w.until_status(mid, "sent", timeout=60)
    assert w.ledger("to one") == {"ann": 1}
    trail = [t["what"] for t in w.api.get(f"/messages/{mid}/trace")["trail"]]
    assert trail.count("retry") == 5 and "unknown" not in trail


def test_doubts_come_to_an_end(world):
    """Three lost answers, also over a restart in between: then it is said that nobody knows."""
    w = world(extra='retry = "3s"')
    w.smtp.fault("end", kind="drop", times=3)
    mid = w.say("to one")
    until(lambda: "retry" in [t["what"] for t in w.api.get(f"/messages/{mid}/trace")["trail"]], 30 * SLOWER)
    w.gateway.stop()
    w.gateway.start()
    w.api = w.gateway.login()
    w.until_status(mid, "unknown", timeout=60)
    assert len(w.smtp.faults.happened) == 3 and w.ledger("to one") == {}
    w.smtp.fault("rcpt", reply=LATER, match="bob@", times=1)  # and for the rest of a mail alike
    w.smtp.fault("end", kind="drop", times=3, skip=1)
    mid = w.say("to two", cc=["bob"])
    w.until_recipients(mid, ann="sent", bob="unknown", timeout=60)
    assert w.ledger("to two") == {"ann": 1} and w.message(mid)["status"] == "sent"


# --- reports of other servers (RFC 3464) ---------------------------------------------------------


def report(of, *recipients, words="A report"):
    """of: Message-ID of ours; recipients: (address, action, status, what the server said)."""
    parts = "".join(f"\r\nOriginal-Recipient: rfc822;{a}\r\nFinal-Recipient: rfc822; {a}\r\nAction: {action}\r\n"
                    f"Status: {status}\r\nDiagnostic-Code: smtp; {said}\r\n" for a, action, status, said in recipients)
    return (f"From: MAILER-DAEMON@relay.test\r\nTo: {US}\r\nSubject: Delivery status\r\nAuto-Submitted: auto-replied\r\n"
            f"Message-ID: <{abs(hash((of, recipients)))}@relay.test>\r\nMIME-Version: 1.0\r\n"
            'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
            f"--b\r\nContent-Type: text/plain\r\n\r\n{words}\r\n"
            f"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.test\r\n{parts}\r\n"
            f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{of}>\r\nSubject: One\r\n\r\n--b--\r\n")


def example(name):
    return f"{name}@example.test"


def test_report_of_several(world):
    """Some failed, some delayed, some delivered: each is told at its message; the others' fate stays."""
    w = world()
    mid = w.say("to four", cc=["bob", "carol", "dan"])
    w.until_recipients(mid, ann="sent", bob="sent", carol="sent", dan="sent")
    own = w.message(mid)["external_id"]
    w.deliver(report(own, (example("ann"), "delivered", "2.0.0", "250 Ok"), (example("bob").upper(), "failed", "5.1.1", "550 5.1.1 No such user"),
                     (example("carol"), "delayed", "4.4.1", "connection timed out")))
    got = w.until_recipients(mid, ann="delivered", bob="failed", carol="delayed", dan="sent")
    assert "no such mailbox" in got["bob"]["error"]["text"] and "550 5.1.1" in got["bob"]["error"]["text"]
    assert got["bob"]["error"]["permanent"] and not got["carol"]["error"]["permanent"]
    assert "could not be reached in time" in got["carol"]["error"]["text"] and "error" not in got["ann"]
    assert w.message(mid)["status"] == "sent"  # others have it
    w.deliver(report(own, (example("carol"), "delivered", "2.0.0", "250 Ok"), (example("bob"), "delayed", "4.4.1", "late news")))
    w.until_recipients(mid, ann="delivered", bob="failed", carol="delivered", dan="sent")


def test_report_of_all(world):
    """All failed, in two reports: the message has failed. All delivered: it is delivered."""
    w = world()
    mid = w.say("to two", cc=["bob"])
    w.until_recipients(mid, ann="sent", bob="sent")
    own = w.message(mid)["external_id"]
    w.deliver(report(own, (example("ann"), "failed", "5.2.2", "552 5.2.2 Mailbox full")))
    w.until_recipients(mid, ann="failed", bob="sent")
    assert w.message(mid)["status"] == "sent"
    w.deliver(report(own, (example("bob"), "failed", "5.1.1", "550 5.1.1 No such user")))
    m = w.until_status(mid, "failed")
    assert "no such mailbox" in m["error"]["text"]
    mid = w.say("again", cc=["bob"])
    w.until_recipients(mid, ann="sent", bob="sent")
    own = w.message(mid)["external_id"]
    w.deliver(report(own, (example("ann"), "delivered", "2.0.0", "250 Ok"), (example("bob"), "delivered", "2.0.0", "250 Ok")))
    w.until_status(mid, "delivered")


def test_report_delayed(world):
    """A warning about a mail to one is no failure: shown as such, and over when it is delivered."""
    w = world()
    mid = w.say("to one")
    own = w.until_status(mid, "sent")["external_id"]
    assert "recipients" not in w.message(mid)
    w.deliver(report(own, (example("ann"), "delayed", "4.4.1", "connection timed out"), words="Still trying"))
    w.until_recipients(mid, ann="delayed")
    assert w.message(mid)["status"] == "sent"
    shown = until(lambda: [m for m in w.api.messages(w.thread) if m["direction"] == "in" and "Still trying" in m["text"]], 20 * SLOWER)
    assert shown[0]["email"]["auto"] == "bounce"
    w.deliver(report(own, (example("ann"), "delivered", "2.0.0", "250 Ok")))
    w.until_status(mid, "delivered")
    w.until_recipients(mid, ann="delivered")


def test_report_while_waiting(world):
    """A report that comes while another recipient is still tried changes only whom it names."""
    w = world(extra='retry = "3s"')
    w.smtp.fault("rcpt", reply=LATER, match="bob@")
    mid = w.say("to two", cc=["bob"])
    w.until_recipients(mid, ann="sent", bob="queued")
    own = w.message(mid)["external_id"]
    w.deliver(report(own, (example("ann"), "failed", "5.1.1", "550 5.1.1 No such user")))
    w.until_recipients(mid, ann="failed", bob="queued")
    w.smtp.faults.clear()
    w.until_recipients(mid, ann="failed", bob="sent", timeout=40)
    assert w.ledger("to two") == {"ann": 1, "bob": 1} and w.message(mid)["status"] == "sent"


def test_forged_report(world):
    """A report whose Message-ID has not our mark changes nothing."""
    w = world()
    mid = w.say("to two", cc=["bob"])
    w.until_recipients(mid, ann="sent", bob="sent")
    own = w.message(mid)["external_id"]
    before, after = own.split("@")[0], own.split("@")[1]
    forged = before[:-1] + ("a" if before[-1] != "a" else "b") + "@" + after
    w.deliver(report(forged, (example("bob"), "failed", "5.1.1", "550 forged")))
    until(lambda: len(w.api.threads()) == 2, 20 * SLOWER)  # mailer-daemon's own
    w.until_recipients(mid, ann="sent", bob="sent")


@pytest.mark.long
def test_many_wait(world):
    """Hundreds of mails of one thread wait for one recipient: what is written then goes out at once all the same."""
    w = world(extra='retry = "1h"')
    w.smtp.fault("rcpt", reply="452 4.2.2 Mailbox full", match="archive@")
    for i in range(260):  # more than a queue has in hand
        w.api.post(f"/threads/{w.thread}/messages", {"text": f"mail {i}.", "cc": [example("archive")]})
    until(lambda: len(w.smtp.accepted) == 260, 90 * SLOWER, 0.2, "for the mails")
    w.until_status(w.say("to one"), "sent")
    w.gateway.stop()  # and whoever owns the queue next
    w.gateway.start()
    w.api = w.gateway.login()
    w.until_status(w.say("after"), "sent")
    assert w.ledger("mail 7.") == {"ann": 1} and w.ledger("after") == {"ann": 1}
    assert sum("archive@" in line for _, line in w.smtp.commands) == 260  # nor is his hour cut short by that


@pytest.mark.long
def test_workers_killed_at_random(world):
    """Recipients put off, connections dropped, and workers killed all the time: in the end everybody has each mail, a
    second copy only where the end of data was in doubt, and each message says so of each recipient."""
    w, rng, names = world(), random.Random(7), ["ann", "bob", "carol", "dan"]
    for name in names[1:]:
        for k in range(8):
            w.smtp.fault("rcpt", reply=LATER, match=f"{name}@", times=1, skip=rng.randrange(4))
    w.smtp.fault("data", kind="drop", times=2, skip=5)
    mids = []
    for i in range(24):
        mids.append(until(lambda: w.say(f"mail {i} of many", cc=names[1:], id=f"k{i}"), 30 * SLOWER))
        if i % 5 == 4:
            until(lambda: w.gateway.worker_pids(), 20 * SLOWER)
            w.gateway.kill_worker(index=0)
            w.gateway.wait_ready(30 * SLOWER)
    for mid in mids:
        w.until_recipients(mid, timeout=120, **dict.fromkeys(names, "sent"))
        assert w.message(mid)["status"] == "sent"
    again, had = 0, {}
    for mail in w.smtp.accepted:
        seen = had.setdefault(mail.message["Message-ID"], set())
        again += bool(seen & set(mail.recipients))
        seen |= set(mail.recipients)
    assert len(had) == 24 and all(len(s) == 4 for s in had.values())
    assert again <= 3 * w.gateway.log().count("event=worker.exited") and not w.smtp.problems
