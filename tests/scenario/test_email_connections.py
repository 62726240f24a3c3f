"""How mails share connections to their server: kept for the next ones, few at a time, fewer where the server wants it,
and nothing is lost or doubled by its limits (row F37)."""

import os
from collections import Counter

import pytest
from email_fake_world import FakeWorld
from harness import SLOWER, until

PEOPLE = 9


@pytest.fixture
def world(making):
    """retry is an hour: whoever is put off by a limit would never come."""
    return lambda smtp, retry="1h": making(FakeWorld, extra=f'retry = "{retry}" sent_copy = "none"', smtp=smtp, workers=1)


def people(w):
    """Threads of nine clients."""
    for i in range(PEOPLE):
        w.deliver(f"From: P{i} <p{i}@example.test>\r\nMessage-ID: <p{i}@x>\r\nSubject: {i}\r\n\r\nHello\r\n")
    threads = until(lambda: (lambda ts: ts if len(ts) == PEOPLE + 1 else None)(w.api.threads()), 30 * SLOWER)
    return [t["id"] for t in threads if t["id"] != w.thread]


def say_to_all(w, threads, rounds=2):
    for k in range(rounds):
        for i, thread in enumerate(threads):
            w.api.post(f"/threads/{thread}/messages", {"text": f"mail {k} {i}"})


def check_all(w, threads, rounds=2):
    """Each was sent, once, and each thread's in order."""
    want = rounds * len(threads)
    until(lambda: len(w.smtp.accepted) >= want, 40 * SLOWER, 0.05, f"for {want} mails, {len(w.smtp.accepted)} came")
    until(lambda: all(m["status"] == "sent" for t in threads for m in w.api.messages(t) if m["direction"] == "out"), 20 * SLOWER)
    texts = [m.message.get_body(("plain",)).get_content().split("\n")[0].strip() for m in w.smtp.accepted]
    assert Counter(texts) == Counter(f"mail {k} {i}" for k in range(rounds) for i in range(len(threads)))
    order = {}
    for mail, text in zip(w.smtp.accepted, texts):
        order.setdefault(mail.message["To"], []).append(text)
    assert all(v == sorted(v) for v in order.values())
    assert not w.smtp.problems


def test_reuse(world):
    """Mails one after the other go over one connection; many at once over three, which are kept."""
    w = world({})
    for i in range(5):
        w.until_status(w.say(f"mail {i}"), "sent")
    assert w.smtp.connections == 1 and len(w.smtp.accepted) == 5
    threads = people(w)
    w.smtp.accepted.clear()
    w.smtp.fault("end", kind="slow", ms=50)
    say_to_all(w, threads)
    check_all(w, threads)
    assert w.smtp.open_max <= 3 and w.smtp.connections <= 4


def test_one_connection_allowed(world):
    """421 for a greeting while another connection works: the mails wait for that one, not for an hour."""
    w = world({"connections_max": 1})
    threads = people(w)
    w.smtp.fault("end", kind="slow", ms=50)
    say_to_all(w, threads)
    check_all(w, threads)
    assert 1 <= w.smtp.turned_away <= 4  # it is not asked again and again


@pytest.mark.parametrize("reply", ["421 4.7.0 Too many messages in this session", "450 4.7.1 Error: too many messages in this session"])
def test_so_many_mails_a_connection(world, reply):
    """After two mails the server wants no more over a connection: the next goes over a new one, at once."""
    w = world({"letters_max": (2, reply)})
    threads = people(w)
    say_to_all(w, threads)
    check_all(w, threads)
    by_connection = Counter(m.connection for m in w.smtp.accepted)
    assert max(by_connection.values()) == 2


@pytest.mark.parametrize("stage", ["rcpt", "data"])
def test_closed_in_a_mail(world, stage):
    """421 to RCPT or DATA over a connection that was used before: the same."""
    w = world({})
    threads = people(w)
    w.until_status(w.say("first"), "sent")
    w.smtp.accepted.clear()
    w.smtp.fault(stage, kind="reply_and_drop", reply="421 4.4.2 Timeout", times=1)
    say_to_all(w, threads, 1)
    check_all(w, threads, 1)


def test_new_connections_are_put_off(world):
    """421 for each greeting, for a while: nothing is lost, all goes out when it serves again."""
    w = world({}, retry="1s")
    threads = people(w)
    w.smtp.fault("greeting", kind="reply_and_drop", reply="421 4.3.2 Busy", times=6)
    say_to_all(w, threads, 1)
    check_all(w, threads, 1)


def files_open(w):
    """How many attachments the workers have open."""
    n = 0
    for pid in w.gateway.worker_pids():
        for fd in os.listdir(f"/proc/{pid}/fd"):
            try:
                n += "/media/" in os.readlink(f"/proc/{pid}/fd/{fd}")
            except OSError:
                pass
    return n


def test_many_large_ones(world):
    """Mails that wait for a slow server are not all made, with their files, beforehand: they would fill the memory."""
    w = world(dict(connections_max=3))
    people(w)
    for name in [f"q{i}" for i in range(PEOPLE)]:
        w.deliver(f"From: {name} <{name}@example.test>\r\nMessage-ID: <{name}@x>\r\nSubject: {name}\r\n\r\nHello\r\n")
    threads = until(lambda: (lambda ts: ts if len(ts) == 2 * PEOPLE + 1 else None)(w.api.threads()), 30 * SLOWER)
    w.smtp.fault("greeting", kind="slow", ms=2000 * SLOWER, times=3)
    for t in threads:
        file = w.api.post("/media?name=a.bin", None, data=bytes(1_000_000))["media"]["id"]
        w.api.post(f"/threads/{t['id']}/messages", {"text": f"large {t['id']}", "attachments": [file]})
    most = 0

    def done():
        nonlocal most
        most = max(most, files_open(w))
        return len(w.smtp.accepted) == len(threads)

    until(done, 90 * SLOWER, why="for all")
    assert 3 <= most <= 8 and not w.smtp.problems
    assert Counter(r for m in w.smtp.accepted for r in m.recipients).most_common(1)[0][1] == 1
