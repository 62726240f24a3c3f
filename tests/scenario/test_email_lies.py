"""Mailboxes on servers that lack things, lie and die: nothing is missed and nothing comes twice (T05-T08)."""

import functools

import pytest
from email_fakes import US, FakeMailbox
from fakes.imap import FakeImap
from harness import SLOWER, until


class World(FakeMailbox):
    def __init__(self, start_gateway, extra="", **imap):
        super().__init__(start_gateway, extra, imap=FakeImap(users={US: "secret"}, **imap))

    def add(self, text, sender="ann"):
        self.imap.add(self.mail(text, sender=f"{sender}@example.test"))

    def until_texts(self, texts, timeout=20):
        """These, in this order."""
        until(lambda: self.texts() == texts, timeout * SLOWER, 0.05, f"for {texts}")


@pytest.fixture
def world(making):
    return functools.partial(making, World)


def test_no_idle(world):
    """Where the server has no IDLE it is asked every `poll`, and not more."""
    w = world(extra='poll = "1s"', capabilities="IMAP4rev1 AUTH=PLAIN")
    w.add("one")
    w.until_texts(["one"])
    before = len(w.imap.commands("NOOP"))
    w.add("two")
    w.until_texts(["one", "two"])
    assert len(w.imap.commands("NOOP")) - before <= 8 * SLOWER and not w.imap.commands("IDLE")


def test_idle_refused(world):
    """A server that offers IDLE and refuses it is polled; the session stays."""
    w = world(extra='poll = "1s"')
    w.add("one")
    w.until_texts(["one"])
    w.imap.fault("no", at="IDLE", times=3)
    w.imap.hang_up()
    until(lambda: "IDLE" in str(w.imap.faults) or len(w.imap.commands("NOOP")) > 0, 30 * SLOWER)
    w.add("two")
    w.until_texts(["one", "two"])


@pytest.mark.parametrize("fault", [dict(kind="bye"), dict(kind="drop", after=40),
                                   dict(kind="bad"), dict(kind="literals"), dict(kind="slices"), dict(kind="reverse"),
                                   dict(kind="say", text="* 1 FETCH (UID 1 BODY[] {5}\r\nHELLO)\r\n* nonsense\r\n* OK [ALERT] full\r\n")])
def test_lies_in_a_fetch(world, fault):
    """Whatever one FETCH says: both mails are there, once."""
    w = world()
    w.imap.fault(fault.pop("kind"), at="UID FETCH", **fault)
    w.add("one\r\n* BYE\r\nA3 OK done")
    w.add("two")
    until(lambda: len(w.texts()) == 2, 40 * SLOWER)
    assert sorted(t.split("\n")[0] for t in w.texts()) == ["one", "two"]


def test_put_off_and_refused(world):
    """4xx is tried again, 5xx is said in the server's words, a lost answer is the same mail once more."""
    w = world(extra='retry = "1s"')
    w.add("hello")
    w.until_texts(["hello"])
    thread = w.api.threads()[0]["id"]

    def say(text, status, timeout=30):
        m = w.api.post(f"/threads/{thread}/messages", {"text": text})["message"]
        return until(lambda: next((x for x in w.api.messages(thread) if x["id"] == m["id"] and x["status"] == status), None),
                     timeout * SLOWER, why=f"for {status}")

    w.smtp.fault("rcpt", reply="451 4.7.1 Greylisted, come back", times=1)
    say("put off", "sent")
    w.smtp.fault("rcpt", reply="550 5.1.1 No such user", times=1)
    assert "No such user" in say("refused", "failed")["error"]["text"]
    w.smtp.fault("end", kind="take_and_drop", times=1)
    say("perhaps", "sent")
    w.smtp.fault("end", reply="554 5.7.1 Spam", times=1)
    assert "Spam" in say("spam", "failed")["error"]["text"]
    sent = [(m.message["Message-ID"], m.message.get_body(("plain",)).get_content().split("\n")[0].strip())
            for m in w.smtp.accepted]
    assert [t for _, t in sent] == ["put off", "perhaps", "perhaps"] and sent[1][0] == sent[2][0]
    assert not w.smtp.problems
