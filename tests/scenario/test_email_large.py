"""Mails that are larger than what is taken of one: cut, in their place in the thread, and nobody waits for them (rows
F39, T08)."""

import time

import pytest
from email_world import Mailbox
from harness import SLOWER
from mail_servers import MailServers

MB = 1_000_000


@pytest.fixture(scope="module")
def servers():
    with MailServers([f"{kind}{i}" for i in range(1, 9) for kind in ("support", "alice", "bob")]) as m:
        yield m


@pytest.fixture
def world(start_gateway, servers):
    def make(n, **kw):
        w = Mailbox(start_gateway, mail=servers, channels=[f"support{n}"], **kw)
        w.support, w.alice, w.bob = f"support{n}", f"alice{n}", f"bob{n}"
        return w

    return make


def put(w, sender, text, size=0, **kw):
    """Into the mailbox, past Postfix. size: of the files in it."""
    files = [(f"{i}.bin", "application/octet-stream", bytes(size // 4)) for i in range(4)] if size else ()
    m = w.compose(sender, w.support, text, files=files, **kw)
    w.mail.append(w.support, m.as_bytes())
    return m


def texts(w, user, n, timeout=60):
    return [m["text"].strip() for m in w.got(user, n, timeout)]


def test_order_of_cut_mails(world):
    """Large ones between small ones, all waiting when the gateway comes: the thread has them as they came, the large
    ones cut, with a note, and others' threads are as whole."""
    w = world(1, extra='max_size = "200K"')
    w.gateway.stop()
    want = []
    for i in range(12):
        want.append(f"mail {i}")
        put(w, w.alice, want[-1], size=500_000 if i in (0, 3, 4, 8, 11) else 0)
        put(w, w.bob, f"from bob {i}")
    w.gateway.start()
    w.api = w.gateway.login()
    assert texts(w, w.alice, 12) == want
    assert texts(w, w.bob, 12) == [f"from bob {i}" for i in range(12)]
    ms = w.got(w.alice, 12)
    assert [i for i, m in enumerate(ms) if "mail_cut" in m["email"].get("notes", [])] == [0, 3, 4, 8, 11]
    assert w.quiet()


def test_order_in_one_dialogue(world):
    """A large mail, and the answer of another to it: the answer stays behind what it answers."""
    w = world(2, extra='max_size = "200K"')
    w.gateway.stop()
    first = put(w, w.alice, "large", size=500_000, cc=[w.bob])
    put(w, w.bob, "I agree", answers=first, cc=[w.alice])
    put(w, w.alice, "and more", size=300_000)
    w.gateway.start()
    w.api = w.gateway.login()
    assert texts(w, w.alice, 3) == ["large", "I agree", "and more"]
    assert w.thread_of(w.bob) is None
    second = put(w, w.bob, "one more thing", answers=first, cc=[w.alice])
    put(w, w.alice, "indeed")
    put(w, w.bob, "good", answers=second, cc=[w.alice])
    assert texts(w, w.alice, 6)[3:] == ["one more thing", "indeed", "good"]


def test_killed_between_cut_mails(world):
    """kill -9 of the worker while they come: each once, in order."""
    w = world(3, extra='max_size = "200K"')
    for i in range(20):
        put(w, w.alice, f"mail {i}", size=400_000 if i % 3 == 0 else 0)
        if i in (7, 14):
            w.gateway.kill_worker()
    w.gateway.wait_ready(30 * SLOWER)
    assert texts(w, w.alice, 20, 90) == [f"mail {i}" for i in range(20)]
    assert w.quiet()


def test_thirty_and_fifty_megabytes(world):
    """A whole mail of 30 MB, one of 60 MB, which is cut at the ceiling of 40: in order, and what others write through
    the site's chat meanwhile is answered as ever."""
    w = world(4)
    visitor = w.gateway.visitor()
    took = []
    put(w, w.alice, "before")
    put(w, w.alice, "thirty", size=22 * MB)
    put(w, w.alice, "sixty", size=44 * MB)
    put(w, w.alice, "after")
    for i in range(20):
        begin = time.monotonic()
        visitor.say_and_wait(f"hello {i}")
        took.append(time.monotonic() - begin)
    assert texts(w, w.alice, 4, 120) == ["before", "thirty", "sixty", "after"]
    ms = w.got(w.alice, 4)
    assert ["mail_cut" in m["email"].get("notes", []) for m in ms] == [False, False, True, False]
    assert sum(a["size"] for a in ms[1]["attachments"]) == 22 * MB
    assert sorted(took)[10] < 0.5 * SLOWER
