"""Mailboxes that are followed while their servers hang, forget and renumber, and while others work in them: nothing is
missed, nothing comes twice, and one that is in trouble holds up no other (rows T05-T08; pains 7, 8; email.md 2)."""

import functools
import re
import time

import pytest
from email_fakes import Mailboxes
from harness import SLOWER, until

DAY = 24 * 3600
LONG = "\r\n".join(f"line {i} of a long mail" for i in range(400))


@pytest.fixture
def mailboxes(making):
    return functools.partial(making, Mailboxes)


# --- a server that stops answering ---

HANGS = {  # where: what goes wrong
    "greeting": dict(kind="silence", at="greeting"),
    "capability": dict(kind="silence", at="CAPABILITY"),
    "login": dict(kind="silence", at="AUTHENTICATE"),
    "select": dict(kind="silence", at="SELECT"),
    "search": dict(kind="silence", at="UID SEARCH"),
    "fetch": dict(kind="silence", at="UID FETCH"),
    "inside": dict(kind="stall", at="UID FETCH", after=3000),
    "drip": dict(kind="drip", at="UID FETCH", seconds=0.1),
    "idle": dict(kind="silence", at="IDLE"),
    "done": dict(kind="deaf", at="IDLE"),
}


@pytest.mark.long
def test_hanging_servers(mailboxes):
    """Wherever a server falls silent, for the deadline it is left and asked anew, and each mail is there once. Meanwhile the
    others are served; one that stays silent is said to the admin, and comes back by itself."""
    w = mailboxes({n: "" for n in [*HANGS, "dead", "fine"]}, 'patience = "1s" idle_renew = "1s"')
    for name, fault in HANGS.items():
        w.imaps[name].fault(**fault)
    w.imaps["dead"].fault("silence", at="SELECT", times=1000)
    for name in w.names:
        if name != "fine":
            w.imaps[name].hang_up()
            w.add(name, f"{name} {LONG}")
    began = time.monotonic()
    w.add("fine", "fine")
    until(lambda: w.texts_of("fine") == ["fine"], 5 * SLOWER, 0.05)
    for name in HANGS:
        until(lambda: w.texts_of(name) == [f"{name} {LONG}".replace("\r\n", "\n")], 20 * SLOWER, 0.1, f"for the mail of {name}")
        assert not [f for f in w.imaps[name].faults if f.times], f"{name} did not hang"
    assert time.monotonic() - began > 1  # nobody was left at once
    lost = until(lambda: next(c for c in [w.channel("dead")] if c["state"] == "lost"), 20 * SLOWER)
    assert "too slow" in str(lost)
    w.imaps["dead"].do(w.imaps["dead"].faults.clear)
    until(lambda: w.texts_of("dead") == [f"dead {LONG}".replace("\r\n", "\n")], 30 * SLOWER, 0.1)
    w.wait_ready()
    waits = [int(n) for n in re.findall(r"session_ended channel=dead failures=(\d+)", w.gateway.log())]
    assert waits[:4] == sorted(waits[:4]) and len(waits) >= 3  # it is asked less and less often
    assert sorted(w.texts()) == sorted(t for n in w.names for t in w.texts_of(n)) and len(w.texts()) == len(w.names)


# --- what a server forgets, and what others do in the mailbox ---


def test_a_server_that_tells_nothing(mailboxes):
    """Some forget to say during IDLE that mail came: it is found when IDLE is renewed."""
    w = mailboxes({"mute": 'idle_renew = "1s"'})
    w.imaps["mute"].mute = True
    w.add("mute", "unsaid")
    w.until_texts(["unsaid"])
    assert len(w.imaps["mute"].commands("IDLE")) >= 2


def test_a_mail_that_is_not_given(mailboxes):
    """A mail that is there, and that the server does not give: it is asked for less and less often, said on the page, and gone
    over in the end. What came behind it does not wait for it, and comes once."""
    w = mailboxes({"poor": 'patience = "1s"', "late": 'patience = "1s"'})
    poor, late = w.imaps["poor"], w.imaps["late"]
    poor.fault("withhold", at="UID FETCH", times=10000, uid=3)
    late.fault("withhold", at="UID FETCH", times=6, uid=3)  # twice: sizes, mails, is it there?
    for name in w.names:
        for text in ("before", "not given", "behind"):
            w.add(name, f"{text}, {name}")
    until(lambda: "does not give mail 3" in (w.channel("poor").get("error") or ""), 60 * SLOWER)
    assert w.texts_of("poor") == ["before, poor", "behind, poor"]
    until(lambda: w.texts_of("late") == [f"{t}, late" for t in ("before", "behind", "not given")], 60 * SLOWER)
    until(lambda: "email.not_given" in w.gateway.log(), 120 * SLOWER)
    until(lambda: w.channel("poor")["state"] == "ready", 20 * SLOWER)
    assert w.gateway.log().count("email.not_given") == 1 and "session_ended channel=late" in w.gateway.log()
    w.gateway.stop()
    w.gateway.start()
    w.api = w.gateway.login()
    w.add("poor", "after")
    until(lambda: w.texts_of("poor") == ["before, poor", "behind, poor", "after"], 20 * SLOWER)


def test_expunged_and_moved(mailboxes):
    """Mails that others delete or move while we read: those that stay are taken, once; those that come back, too."""
    w = mailboxes({"between": "", "idle": "", "back": "", "first": ""})
    between, idle, back, first = (w.imaps[n] for n in ("between", "idle", "back", "first"))
    between.fault("gone", at="UID FETCH", uid=3)  # deleted between our search and our fetch
    between.hang_up()
    for text in ("one", "deleted", "three"):
        w.add("between", text)
    first.fault("gone", at="UID FETCH", uid=2)  # the same with the only one there is
    first.hang_up()
    w.add("first", "deleted at once")
    w.add("idle", "a")
    until(lambda: w.texts_of("idle") == ["a"], 20 * SLOWER)
    idle.expunge(2)  # while we wait: "* 2 EXPUNGE"
    w.add("idle", "b")
    idle.expunge(3)
    w.add("idle", "c", uid=900)
    raw = w.mail("away and back", sender="back@clients.test", to="back@example.test")
    back.fault("gone", at="UID FETCH", uid=2)  # moved away before we had it
    back.add(raw)
    until(lambda: back.commands("UID FETCH"), 20 * SLOWER)
    for _ in range(3):  # and back, away, back: another uid each time
        uid = back.add(raw)
        until(lambda: w.texts_of("back") == ["away and back"], 20 * SLOWER)
        back.expunge(uid)
    w.add("first", "second")
    until(lambda: w.texts_of("between") == ["one", "three"] and w.texts_of("first") == ["second"], 20 * SLOWER)
    until(lambda: w.texts_of("idle")[-1:] == ["c"], 20 * SLOWER)
    before = sorted(w.texts())
    assert before.count("a") == before.count("c") == 1 and set(before) <= {"one", "three", "second", "away and back", "a", "b", "c"}
    w.gateway.restart()
    w.api = w.gateway.login()
    w.wait_ready()
    for name in w.names:
        w.add(name, f"last of {name}")
    w.until_texts([*before, *(f"last of {n}" for n in w.names)])


def test_first_connection(mailboxes):
    """The first time nothing old is taken, or what came in so many days, and never more, however often the mailbox is looked
    through later."""
    now = time.time()
    before = [(f"From: x@clients.test\r\n\r\n{days} days\r\n".encode(), now - days * DAY) for days in (20, 10, 2)]
    w = mailboxes({"none": "", "some": "since_days = 3", "more": "since_days = 15", "nothing": "since_days = 1"},
                  'idle_renew = "1s"', before=before)
    wanted = {"none": [], "some": ["2 days"], "more": ["10 days", "2 days"], "nothing": []}
    until(lambda: all(len(w.imaps[n].commands("IDLE")) >= 3 for n in w.names), 20 * SLOWER)
    for name in w.names:
        w.add(name, f"new in {name}", when=now - 100 * DAY)  # new, whatever its date is
    until(lambda: {n: sorted(w.texts_of(n)) for n in w.names} == {n: sorted([*t, f"new in {n}"]) for n, t in wanted.items()}, 20 * SLOWER)


def test_days_of_downtime(mailboxes):
    """A week away: all that waited is taken in order, though uids have gaps, though the folder was made anew meanwhile (another
    UIDVALIDITY, all uids new); what was taken before is not taken again (pain 8)."""
    w = mailboxes({"gaps": "", "anew": "", "emptied": ""}, "since_days = 30")
    now = time.time()
    for name in w.names:
        for i in range(3):
            w.add(name, f"before {i}", when=now - (10 - i) * DAY)
    until(lambda: all(len(w.texts_of(n)) == 3 for n in w.names), 20 * SLOWER)
    w.gateway.stop()
    w.imaps["emptied"].renew(keep=False)
    for i in range(120):
        for name in w.names:
            w.add(name, f"waited {i}", when=now - 7 * DAY + i * DAY / 20, uid=100 + i * 37 if name == "gaps" else None)
    w.imaps["anew"].renew()
    w.gateway.start()
    w.api = w.gateway.login()
    wanted = [f"before {i}" for i in range(3)] + [f"waited {i}" for i in range(120)]
    for name in w.names:
        until(lambda: len(w.texts_of(name)) >= len(wanted), 40 * SLOWER, 0.1, f"for all of {name}")
        assert w.texts_of(name) == wanted, name
    assert w.gateway.log().count("uidvalidity_changed") == 2
    # The CRM waits while a backlog comes in; then it has all of it, each mail once, in order.
    until(lambda: len(w.gateway.card_messages()) >= 3 * len(wanted), 40 * SLOWER, 0.2, "for the cards")
    for name in w.names:
        assert [m["text"] for m in w.gateway.card_messages() if m["channel"] == name] == wanted, name


# --- what is done with a mail that is in its thread ---

DONE = {  # settings, what the server can, flags in the folder (None: gone from there), where it is then
    "leave": ('processed = "leave"', {}, set(), None),
    "seen": ('processed = "seen"', {}, {"\\Seen"}, None),
    "keyword": ('processed = "keyword" processed_name = "Taken"', {}, {"Taken"}, None),
    "unknown": ('processed = "keyword"', dict(permanent_flags="\\Seen"), set(), None),
    "readonly": ('processed = "seen"', dict(access="READ-ONLY"), set(), None),
    "refused": ('processed = "seen"', dict(refuses="UID STORE"), set(), None),
    "move": ('processed = "move" processed_name = "Junk"', {}, None, "Junk"),
    "copy": ('processed = "move" processed_name = "Junk"', dict(capabilities="IMAP4rev1 AUTH=PLAIN IDLE UIDPLUS"), None, "Junk"),
    "neither": ('processed = "move" processed_name = "Junk"', dict(capabilities="IMAP4rev1 AUTH=PLAIN IDLE"), set(), None),
    "nowhere": ('processed = "move" processed_name = "Done"', {}, set(), None),
}


def test_processed(mailboxes):
    """Marked or moved as the admin wants and the server can; where it cannot, the mail is in its thread all the same, and the
    next ones, too. What others have marked as deleted is not expunged with ours."""
    w = mailboxes({n: settings for n, (settings, *_) in DONE.items()})
    for name, (_, can, *_) in DONE.items():
        imap = w.imaps[name]
        imap.fault("no", at=can.get("refuses", "never"), times=9)
        for key, value in can.items():
            setattr(imap, key, value)
        imap.hang_up()  # it is asked anew what it can
        for i in range(2):
            w.add(name, f"{name} {i}")

    def lies(name, folder):
        return [(m.raw.split(b"\r\n\r\n")[1].decode().strip(), m.flags - {"\\Deleted"})
                for m in w.imaps[name].boxes[folder].mails if m.raw != w.OLD]

    w.until_texts([f"{n} {i}" for n in DONE for i in range(2)])
    for name, (_, _, flags, folder) in DONE.items():
        both = [(f"{name} {i}", flags or set()) for i in range(2)]
        until(lambda: lies(name, folder or "INBOX") == both, 20 * SLOWER, why=name)
        until(lambda: not folder or not lies(name, "INBOX"), 20 * SLOWER, why=name)
        assert w.imaps[name].boxes["INBOX"].mails[0].raw == w.OLD
    for name in DONE:
        w.add(name, f"later {name}")
    until(lambda: all(w.texts_of(n).count(f"later {n}") == 1 for n in DONE), 20 * SLOWER)
    w.wait_ready()
