"""E-mail while everything fails at random: workers and Redis are killed, the IMAP server drops connections in the
middle of literals, withholds mails, says BYE, changes its UIDVALIDITY, the SMTP server puts off, drops and loses
answers. Each mail is in its thread once and in order; each answer was sent once, or again with the same
Message-ID where nobody can know (rows F01-F04, T05-T08)."""

import os
import random
import threading
import time
from collections import Counter

import pytest
from email_fakes import FakeMailbox
from harness import SLOWER, until
from mixed_load import Agents, kill_at_random

SECONDS = 15
PEOPLE = 8
MAILS = int(os.environ.get("EMAIL_CHAOS_MAILS", "400"))


class Box(FakeMailbox):
    """What mixed_load wants to know of a world."""

    def __init__(self, start_gateway):
        super().__init__(start_gateway, 'retry = "1s"')

    def messages(self, name):
        for t in self.api.threads():
            if t["client"]["name"] == name:
                return self.api.messages(t["id"])
        return []


class Writers(threading.Thread):
    def __init__(self, world, rng, mails, seconds):
        super().__init__(daemon=True)
        self.world, self.rng, self.mails, self.seconds = world, rng, mails, seconds
        self.said = Counter()

    def run(self):
        for _ in range(self.mails):
            name = f"P{self.rng.randrange(PEOPLE)}"
            self.said[name] += 1
            n = self.said[name]
            raw = (f"From: {name} <{name.lower()}@example.test>\r\nTo: support@example.test\r\n"
                   f"Message-ID: <{name}.{n}@example.test>\r\nSubject: {n}\r\n\r\n{name} {n}\r\nA2 OK done\r\n)\r\n")
            self.world.imap.add(raw.encode())
            time.sleep(self.rng.random() * 2 * self.seconds / self.mails)


def make_trouble(world, rng, stop):
    while not stop.is_set():
        if len(world.imap.faults) > 2:  # each ends a session: more would only be one long absence
            stop.wait(0.2)
            continue
        kind = rng.randrange(10)
        if kind < 3:
            world.imap.fault("drop", at="UID FETCH", after=rng.randrange(2000))
        elif kind == 3:
            world.imap.fault("withhold", at="UID FETCH")
        elif kind == 4:
            world.imap.fault("bye", at=rng.choice(["UID", "IDLE", "SELECT"]))
        elif kind == 5:
            world.imap.hang_up()
        elif kind == 6:
            world.imap.fault("no", at="UID FETCH")
        elif kind == 7:
            world.imap.fault("reverse", at="UID FETCH")
        elif kind == 8:
            world.imap.renew()
        else:
            world.imap.fault("uid_last", at="UID FETCH")
        stop.wait(0.3 + rng.random() * 0.7)


@pytest.mark.long
@pytest.mark.parametrize("seed", [1])
def test_chaos(start_gateway, seed):
    world, rng = Box(start_gateway), random.Random(seed)
    until(lambda: world.imap.commands("IDLE"), 20 * SLOWER, why="for the mailbox")
    for stage, kind in (("rcpt", "reply"), ("mail", "drop"), ("body", "drop"), ("end", "take_and_drop"), ("end", "drop"),
                        ("greeting", "reply_and_drop")):
        for i in range(6):
            world.smtp.fault(stage, kind=kind, times=1, skip=3 + rng.randrange(12) + 6 * i)
    seconds = SECONDS * MAILS / 400
    writers, agents, stop = Writers(world, random.Random(seed), MAILS, seconds), Agents(world), threading.Event()
    writers.start()
    until(lambda: len(world.api.threads()) >= 3, 30 * SLOWER)
    agents.start()
    trouble = threading.Thread(target=make_trouble, args=(world, random.Random(seed + 1), stop), daemon=True)
    trouble.start()
    kill_at_random(world, rng, seconds)
    writers.join(seconds * 2 + 60)
    stop.set()
    agents.stopping = True
    agents.join(30)
    trouble.join(5)
    world.imap.do(world.imap.faults.clear)
    world.smtp.faults.clear()
    world.gateway.wait_ready(30 * SLOWER)
    until(lambda: all(len([m for m in world.messages(n) if m["direction"] == "in"]) >= k
                      for n, k in writers.said.items()), (120 + MAILS / 20) * SLOWER, 0.5, "for every mail")
    until(lambda: all(m["status"] in ("sent", "unknown") for t in agents.sent for m in world.api.messages(t)
                      if m["direction"] == "out"), 120 * SLOWER, 0.5, "for the answers")
    time.sleep(1)
    for name, n in writers.said.items():
        texts = [m["text"].split("\n")[0] for m in world.messages(name) if m["direction"] == "in"]
        assert sorted(texts) == sorted(f"{name} {i + 1}" for i in range(n)), name
    check_sent(world, agents)
    world.close()


def check_sent(world, agents):
    ids, order = {}, {}
    for mail in world.smtp.accepted:
        m = mail.message
        text = m.get_body(("plain",)).get_content().split("\n")[0].strip()
        ids.setdefault(text, []).append(m["Message-ID"])
        order.setdefault(m["To"], []).append(text)
    twice = {t: i for t, i in ids.items() if len(i) > 1}
    assert all(len(set(i)) == 1 for i in ids.values()), "another Message-ID for the same answer"
    total = 0
    for thread, texts in agents.sent.items():
        ours = [m for m in world.api.messages(thread) if m["direction"] == "out"]
        assert [m["text"] for m in ours] == texts
        total += len(texts)
        for m in ours:
            assert m["status"] == "unknown" or m["text"] in ids, m
    happened = Counter(f"{s} {k}" for s, k, _ in world.smtp.faults.happened)
    ambiguous = happened["end take_and_drop"] + 3 * world.gateway.log().count("event=worker.exited")  # 3 connections
    print(f"{sum(len(world.messages(f'P{i}')) for i in range(PEOPLE))} messages, {total} answers, twice {len(twice)}, {dict(happened)}")
    assert len(twice) <= ambiguous and not world.smtp.problems, (twice, world.smtp.problems[:3])
