"""Is all in the CRM? `crm verify` finds what is missing, doubled, out of order, and brings it back; `crm replay` and
`crm backfill` queue again; `export` gives everything away (F13, F14)."""
import json
import random
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from fakes.webhook import Receiver
from harness import CONFIG, SLOWER, until

SECOND = 'cards "late" {{\n  file = "late.db"\n}}\n'


class World:
    def __init__(self, gateway):
        self.gateway = gateway
        self.admin = gateway.login()
        self.written = 0

    def write(self, who, text, **kw):
        r = self.gateway.hook({"from": {"address": who, "name": who.title()}, "id": f"{who}-{random.random()}",
                               "text": text, **kw}, **({"channel": kw.pop("channel")} if "channel" in kw else {}))
        assert r.status_code == 200, r.text
        time.sleep(0.002)  # each has a millisecond of its own: tests ask from one on
        self.written += 1
        return r.json()

    def answer(self, thread, text, **kw):
        return self.admin.post(f"/threads/{thread}/messages", {"id": f"k{random.random()}", "text": text, **kw})["message"]

    def db(self, name="cards.db"):
        db = sqlite3.connect(self.gateway.data / name, timeout=20)
        db.row_factory = sqlite3.Row
        return db

    def stored(self, thread):
        """The ids that the API has of a thread, in order."""
        return [m["id"] for m in self.admin.messages(thread)]

    def held(self, thread, name="cards.db"):
        """The ids that the CRM has, in its order."""
        db = self.db(name)
        try:
            return [r[0] for r in db.execute("select id from messages where thread = ? order by seq, n", (thread,))]
        finally:
            db.close()

    def change(self, *statements, name="cards.db"):
        db = self.db(name)
        with db:
            for s in statements:
                db.execute(*s)
        db.close()

    def settled(self, threads, name="cards.db"):
        until(lambda: all(self.held(t, name) == self.stored(t) for t in threads), 30 * SLOWER, 0.1, "for the cards")

    def crm(self, *args, target="main"):
        return self.gateway.cli("crm", args[0], target, *args[1:], check=False)

    def verify(self, *args, code=None, target="main"):
        p = self.crm("verify", *args, target=target)
        assert code is None or p.returncode == code, (p.returncode, p.stdout, p.stderr)
        return p

    def differences(self, *args, target="main"):
        p = self.verify("--json", *args, target=target)
        return {d["thread"]: d for d in map(json.loads, p.stdout.splitlines())}, p

    def wait_equal(self, target="main"):
        until(lambda: self.verify(target=target).returncode == 0, 30 * SLOWER, 0.2,
              f"for {target} to be as we are: {self.verify(target=target).stdout}")


@pytest.fixture
def world(start_gateway):
    return World(start_gateway())


def dialogue(world, who, n=6):
    thread = world.write(who, "0")["thread"]
    for i in range(1, n - 1):
        world.write(who, str(i))
    world.answer(thread, "between us", note=True)
    return thread


def seqs(found):
    return sorted(m["seq"] for m in found)


def without_limits(world):
    """The table as a damaged file may have it: the same message twice."""
    world.change(("create table loose as select * from messages",), ("drop table messages",),
                 ("create table messages(n INTEGER PRIMARY KEY, id TEXT, card TEXT, thread TEXT, seq INTEGER,"
                  " client TEXT, at INTEGER, json TEXT)",),
                 ("insert into messages select * from loose",), ("drop table loose",))


def test_what_is_equal_and_what_is_not_there_any_more(world):
    threads = [dialogue(world, who) for who in ("ann", "bob", "cyd")]
    world.settled(threads)
    p = world.verify(code=0)
    assert "main: 3 threads: 3 equal, 0 differ, 0 not checked" in p.stdout
    ids = world.stored(threads[0])
    world.change(("delete from messages where id in (?, ?)", (ids[1], ids[3])))
    p = world.verify(code=1)
    assert f"thread {threads[0]}, card " in p.stdout and "2 not there any more" in p.stdout
    assert f"  {ids[1]}  #2 not there any more" in p.stdout and "1 differ" in p.stdout
    found, p = world.differences()
    assert list(found) == [threads[0]] and p.returncode == 1
    d = found[threads[0]]
    assert seqs(d["lost"]) == [2, 4] and d["ledger"]["messages"] == 6 and d["target"]["messages"] == 4
    assert d["ledger"]["hash"] != d["target"]["hash"] and not d["missing"] + d["double"] + d["unknown"]
    assert world.held(threads[0]) == [ids[0], ids[2], ids[4], ids[5]]  # asking changes nothing
    p = world.verify("--repair", code=1)
    assert "2 messages are queued again" in p.stdout
    world.settled(threads)
    world.wait_equal()
    world.gateway.traced(ids[1], "missing", "card   main: has it since")
    assert "0 messages are queued again" in world.verify("--repair", code=0).stdout


def test_doubles_and_disorder_are_put_right(world):
    threads = [dialogue(world, who) for who in ("ann", "bob")]
    world.settled(threads)
    without_limits(world)
    ids = world.stored(threads[0])
    world.change(("insert into messages(id, card, thread, seq, client, at, json) select id, card, thread, seq, client,"
                  " at, json from messages where id = ?", (ids[2],)))
    other = world.stored(threads[1])
    # the first comes to stand after the third
    world.change(*[("update messages set seq = ? where id = ?", (s, other[i])) for i, s in ((0, 3), (1, 1), (2, 2))])
    found, p = world.differences()
    assert p.returncode == 1 and set(found) == set(threads)
    assert [m["message"] for m in found[threads[0]]["double"]] == [ids[2]]
    assert found[threads[0]]["target"]["messages"] == 7
    assert seqs(found[threads[1]]["misplaced"]) == [1, 2, 3] and not found[threads[1]]["double"]
    assert found[threads[1]]["ledger"]["hash"] != found[threads[1]]["target"]["hash"]
    text = world.verify("--repair", code=1).stdout
    assert "1 there twice" in text and "3 out of order" in text
    world.settled(threads)
    world.wait_equal()


def test_what_nobody_knows_is_told_and_left_alone(world):
    thread = dialogue(world, "ann")
    world.settled([thread])
    last = world.stored(thread)[-1]
    stranger = last[:19] + ("AAAAA" if last[19:24] != "AAAAA" else "BBBBB") + last[24:]
    world.change(("insert into messages(id, card, thread, seq, client, at, json) select ?, card, thread, 99, client, at,"
                  " json from messages where id = ?", (stranger, last)))
    found, p = world.differences("--repair")
    assert found[thread]["unknown"] == [stranger] and p.returncode == 1
    assert "0 messages are queued again" in p.stderr
    assert stranger in world.held(thread)


def test_a_card_that_is_gone(world):
    thread = dialogue(world, "ann")
    world.settled([thread])
    world.change(("delete from cards",), ("delete from messages",))
    found, p = world.differences()
    assert found[thread]["card_gone"] and seqs(found[thread]["lost"]) == [1, 2, 3, 4, 5, 6]
    assert "the card is gone" in world.verify(code=1).stdout


def test_since(world):
    old = dialogue(world, "ann")
    world.settled([old])
    world.change(("delete from messages where thread = ?", (old,)))
    new = dialogue(world, "bob")
    world.settled([new])
    when = world.admin.messages(new)[0]["received_at"]
    assert "1 threads: 1 equal" in world.verify("--since", when, code=0).stdout
    assert "2 threads: 1 equal, 1 differ" in world.verify("--since", "1h", code=1).stdout


def test_a_dead_letter_is_told_of_and_not_forced(world):
    """What was given up differs; the dead letters are where it is tried again."""
    thread = dialogue(world, "ann")
    world.settled([thread])
    world.change(("create trigger no before insert on messages when new.json like '%poison%'"
                  " begin select raise(abort, 'no poison'); end",))
    world.write("ann", "poison")
    world.write("ann", "after")
    until(lambda: world.admin.get("/dead")["dead"], 20 * SLOWER)
    until(lambda: len(world.held(thread)) == 7, 20 * SLOWER)
    found, p = world.differences("--repair")
    assert seqs(found[thread]["given_up"]) == [7] and "0 messages are queued again" in p.stderr
    assert "1 were given up" in p.stderr
    world.change(("drop trigger no",))
    world.gateway.cli("dead", "retry", "--all")
    world.settled([thread])
    world.wait_equal()


def test_killed_in_the_middle_and_while_messages_come(world):
    """A repair that dies at any time loses and doubles nothing; what comes meanwhile is no difference."""
    people = [f"p{i}" for i in range(8)]
    threads = [dialogue(world, who) for who in people]
    world.settled(threads)
    ended = threading.Event()

    def bring():
        n = 0
        while not ended.is_set():
            n += 1
            world.write(people[n % len(people)], f"more {n}")
            time.sleep(0.01)

    thread = threading.Thread(target=bring)
    thread.start()
    try:
        assert world.verify().returncode == 0
        for i in range(5):
            world.change(("delete from messages where seq in (1, 3, 5)",))
            p = subprocess.Popen(world.gateway.command("crm", "verify", "main", "--repair"), stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, env=world.gateway.env, cwd=world.gateway.folder)
            time.sleep(0.01 * (i + 1) * SLOWER)
            p.send_signal(signal.SIGKILL)
            p.communicate()
        world.verify("--repair")
    finally:
        ended.set()
        thread.join()
    until(lambda: world.verify("--repair").returncode == 0, 60 * SLOWER, 0.3)
    world.settled(threads)


def test_replay_by_thread_channel_and_time(start_gateway):
    world = World(start_gateway(config=CONFIG + 'loopback "other" {{}}\n'))
    ann, bob = dialogue(world, "ann"), dialogue(world, "bob")
    world.settled([ann, bob])
    middle = world.admin.messages(ann)[2]["received_at"]
    assert world.crm("replay").returncode == 2
    for args, n in ((["--thread", ann], 6), (["--channel", "test"], 10), (["--channel", "other"], 0),
                    (["--thread", ann, "--from", middle], 4), (["--thread", ann, "--to", middle], 2),
                    (["--thread", ann, "--from", middle, "--channel", "test"], 3), (["--from", "1h"], 12),
                    (["--to", "2020-01-01"], 0), (["--from", "1h", "--to", "30m"], 0)):
        p = world.crm("replay", *args)
        assert p.returncode == 0 and p.stdout.startswith(f"{n} messages of "), (args, p)
        world.wait_equal()
    world.settled([ann, bob])
    world.change(("delete from messages where thread = ?", (ann,)))
    world.crm("replay", "--thread", ann)
    world.settled([ann, bob])


def test_a_target_that_was_added_later_is_filled(start_gateway):
    g = start_gateway()
    world = World(g)
    people = [f"p{i}" for i in range(30)]
    threads = [dialogue(world, who) for who in people]
    world.settled(threads)
    g.write_config(SECOND.replace("{{", "{").replace("}}", "}"))
    g.restart()
    world.write("p0", "the first that it gets")
    until(lambda: len(world.held(threads[0], "late.db")) == 1, 20 * SLOWER)
    until(lambda: f"{30 * 6} messages were stored before the target was there" in world.verify(code=0, target="late").stdout,
          10 * SLOWER, 0.2)
    p = world.crm("backfill", target="late")
    assert p.returncode == 0 and "180 messages of 30 threads are queued for late" in p.stdout, p
    world.settled(threads, "late.db")
    world.wait_equal("late")
    world.wait_equal("main")
    p = world.crm("backfill", target="late")
    assert p.stdout.startswith("0 messages of 0 threads")
    for t in threads[:3]:  # each thread's in order, as they came there
        db = world.db("late.db")
        came = [r[0] for r in db.execute("select seq from messages where thread = ? order by n", (t,))]
        db.close()
        assert came == ([7] if t == threads[0] else []) + [1, 2, 3, 4, 5, 6], came


def test_a_backfill_that_was_killed_goes_on(start_gateway):
    g = start_gateway()
    world = World(g)
    threads = [dialogue(world, f"p{i}", 4) for i in range(60)]
    world.settled(threads)
    g.write_config(SECOND.replace("{{", "{").replace("}}", "}"))
    g.restart()
    said = ""
    for _ in range(20):
        p = subprocess.Popen(g.command("crm", "backfill", "late"), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             text=True, env=g.env, cwd=g.folder)
        time.sleep(random.random() * 0.1 * SLOWER)
        if p.poll() is None:
            p.send_signal(signal.SIGKILL)
        said += p.communicate()[0]
    p = world.crm("backfill", target="late")
    assert p.returncode == 0
    assert "going on where the last backfill stopped" not in world.crm("backfill", target="late").stdout
    world.settled(threads, "late.db")
    world.wait_equal("late")


def test_a_backfill_does_not_fill_the_queue(world):
    """The gateway does not know the target yet: nobody empties its queue."""
    g = world.gateway
    thread = dialogue(world, "ann")
    world.settled([thread])
    g.write_config(SECOND.replace("{{", "{").replace("}}", "}"))
    pipe = g.redis.pipeline()
    for _ in range(2000):
        pipe.xadd("sb:{s0}:crm:late", {"e": "c nobody 0"})
    pipe.execute()
    p = subprocess.Popen(g.command("crm", "backfill", "late"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         env=g.env, cwd=g.folder)
    waits = iter(p.stderr)
    assert "2000 messages are in the queue crm:late" in next(waits)  # after ten seconds
    assert p.poll() is None
    assert sum(g.redis.xlen(k) for k in g.redis.keys("sb:*:crm:late")) == 2000
    g.redis.delete("sb:{s0}:crm:late")
    assert "6 messages of 1 threads" in p.communicate(timeout=20 * SLOWER)[0] and p.returncode == 0
    g.restart()
    world.settled([thread], "late.db")


def test_clients_who_became_one(world):
    ann, bob = dialogue(world, "ann"), dialogue(world, "bob")
    world.settled([ann, bob])
    clients = [world.admin.get(f"/threads/{t}")["thread"]["client"]["id"] for t in (ann, bob)]
    world.admin.post(f"/clients/{clients[1]}/merge", {"from": clients[0]})
    world.write("ann", "I am Bob, too")
    until(lambda: "I am Bob, too" in [m["text"] for m in world.gateway.card_messages() if "text" in m], 20 * SLOWER)
    world.wait_equal()
    ids = world.held(ann)
    world.change(("delete from messages where id = ?", (ids[2],)))
    found, _ = world.differences("--repair")
    assert list(found) == [ann] and [m["message"] for m in found[ann]["lost"]] == [ids[2]]
    until(lambda: world.held(ann) == ids, 20 * SLOWER)
    world.wait_equal()
    assert len(export(world)) == 2
    world.gateway.write_config(SECOND.replace("{{", "{").replace("}}", "}"))
    world.gateway.restart()
    world.crm("backfill", target="late")
    world.settled([ann, bob], "late.db")
    world.wait_equal("late")
    db = world.db("late.db")
    assert db.execute("select count(distinct card) from messages").fetchone()[0] == 1
    db.close()


def test_what_a_target_does_not_take_is_not_missed(start_gateway):
    with Receiver(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]) as receiver:
        hook = (f'webhook "erp" {{{{\n  url = "{receiver.url}/in"\n  allow_private = true\n'
                '  secret = {{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}\n}}\n')
        world = World(start_gateway(config=CONFIG + hook))
        thread = dialogue(world, "ann")
        note = world.admin.messages(thread)[-1]
        world.gateway.traced(note["id"], "card   erp: does not take such messages", "card   main: has it since")
        until(lambda: len(receiver.messages()) == 5, 20 * SLOWER)
        assert world.crm("replay", "--thread", thread, target="erp").stdout.startswith("6 messages")
        updated = until(lambda: len(m := receiver.messages("message.updated")) == 5 and m, 20 * SLOWER)
        assert [m["seq"] for m in updated] == [1, 2, 3, 4, 5] and len(receiver.messages()) == 5  # no note, nothing anew


def test_what_cannot_be_checked(start_gateway):
    hook = ('webhook "erp" {{\n  url = "http://127.0.0.1:1/"\n  secret = {{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}\n'
            '  allow_private = true\n}}\n')
    world = World(start_gateway(config=CONFIG + hook))
    thread = dialogue(world, "ann")
    p = world.verify(target="erp", code=2)
    assert "cannot tell what it has of ours" in p.stderr
    p = world.verify(target="nobody", code=2)
    assert 'no CRM target "nobody"' in p.stderr and "main" in p.stderr and "erp" in p.stderr
    for args in ((), ("verify",), ("verify", "main", "x"), ("frob", "main"), ("verify", "main", "--thread", thread),
                 ("replay", "main"), ("replay", "main", "--from", "yesterday"), ("backfill", "main", "--repair")):
        assert world.gateway.cli("crm", *args, check=False).returncode == 2, args
    world.settled([thread])
    world.change(("alter table messages rename to gone",))
    p = world.verify(code=2)
    assert "not checked: cards.db" in p.stderr and "1 not checked" in p.stdout


def export(world, *args):
    p = world.gateway.cli("export", *args)
    threads = []
    for line in map(json.loads, p.stdout.splitlines()):
        if "thread" in line:
            assert set(line) == {"thread", "client"}
            threads.append((line["thread"], line["client"], []))
        else:
            assert set(line) == {"message"} and line["message"]["thread"] == threads[-1][0]["id"]
            threads[-1][2].append(line["message"])
    return {t["id"]: (t, c, m) for t, c, m in threads}


def test_export_is_what_the_api_says(world):
    threads = [dialogue(world, who) for who in ("ann", "bob", "cyd")]
    world.settled(threads)
    admin, everything = world.admin, export(world)
    assert set(everything) == set(threads)
    for t in threads:
        thread, client, messages = everything[t]
        assert thread == admin.get(f"/threads/{t}")["thread"]
        assert client["id"] == thread["client"]["id"] and client["name"] in ("Ann", "Bob", "Cyd")
        assert messages == admin.messages(t)
    assert list(export(world, "--thread", threads[1])) == [threads[1]]
    some = export(world, "--since", everything[threads[0]][2][3]["received_at"], "--channel", "test")
    assert len(some[threads[0]][2]) == 2 and len(some[threads[2]][2]) == 5
    until_then = everything[threads[1]][2][1]["received_at"]
    assert [len(m) for _, _, m in export(world, "--thread", threads[1], "--until", until_then).values()] == [1]
    assert export(world, "--since", "2100-01-01") == {} == export(world, "--channel", "nobody")


def test_what_only_the_archive_has(world):
    """Exported, and brought to a target that came later."""
    g, thread = world.gateway, None
    for n in range(60):
        thread = world.write("ann", f"text {n}")["thread"]
    until(lambda: len(world.held(thread)) == 60, 30 * SLOWER)
    key = next(k for k in g.redis.keys("sb:*:thread:*") if thread.encode() in k)  # as append.lua trims
    assert g.redis.hdel(key.replace(b":thread:", b":log:"), *range(1, 41)) == 40
    g.redis.hset(key, "first", 41)
    got = export(world)[thread][2]
    assert [m["text"] for m in got] == [f"text {n}" for n in range(60)] and [m["seq"] for m in got] == list(range(1, 61))
    assert not {"route", "to", "raw", "attached", "again", "sent_ids"} & set(got[0])
    world.verify(code=0)
    g.write_config(SECOND.replace("{{", "{").replace("}}", "}"))
    g.restart()
    p = world.crm("backfill", target="late")
    assert "60 messages of 1 threads" in p.stdout, p
    until(lambda: len(world.held(thread, "late.db")) == 60, 30 * SLOWER)
    assert world.held(thread, "late.db") == world.held(thread)
    world.wait_equal("late")
    assert world.crm("backfill", target="late").stdout.startswith("0 messages")
    before = world.held(thread)
    for target in ("main", "late"):  # each is the other's archive
        assert "60 messages" in world.crm("replay", "--thread", thread, target=target).stdout
        world.wait_equal(target)
    assert world.held(thread, "late.db") == world.held(thread) == before
