"""What people can see of a CRM: the card's address, what it has of a dialogue, how it is, what was given up; and the way
back for that (F13, F14)."""
import random
import time

import pytest

from fakes.webhook import Receiver
from fakes.wire import Answer
from harness import CONFIG, SLOWER, until

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def section(receiver, name="erp"):
    return (f'webhook "{name}" {{{{\n  url = "{receiver.url}/in"\n  secret = {{{{"{KEY}"}}}}\n'
            f'  allow_private = true\n}}}}\n')


@pytest.fixture
def receiver():
    with Receiver([KEY]) as r:
        yield r


@pytest.fixture
def world(receiver, start_gateway):
    g = start_gateway(config=CONFIG + section(receiver))
    return g, receiver, g.login()


def write(g, who, text):
    r = g.hook({"from": {"address": who, "name": who.title()}, "id": f"{who}-{random.random()}", "text": text})
    assert r.status_code == 200, r.text
    return r.json()["thread"]


def delivery(api, thread, target="erp"):
    return next(d for d in api.get(f"/threads/{thread}/deliveries")["deliveries"] if d["target"] == target)


def counts(api, thread):
    d = delivery(api, thread)
    return d["attached_seq"], d["waiting"], d["refused"]


def target(api, name="erp"):
    return next(t for t in api.get("/targets")["targets"] if t["name"] == name)


def no(word):
    """A receiver's trouble: it does not take messages with this word in them."""
    return lambda e: Answer(422, {"error": f"no {word}"}) if word in e["data"].get("message", {}).get("text", "") else None


def comes_to(api, thread, attached, waiting, refused, timeout=15):
    until(lambda: counts(api, thread) == (attached, waiting, refused), timeout * SLOWER,
          why=f"for {(attached, waiting, refused)}, it is {counts(api, thread)}")


def test_the_card_s_address_is_kept_and_told(world):
    g, receiver, admin = world
    thread = write(g, "ann", "one")
    comes_to(admin, thread, 1, 0, 0)
    client = admin.get(f"/threads/{thread}")["client"]["id"]
    card = lambda: admin.get(f"/clients/{client}")["client"]["cards"]["erp"]  # noqa: E731
    assert card() == {"id": client}

    def rename(name, url):
        receiver.do(lambda: receiver.urls.__setitem__(client, url))
        admin.patch(f"/clients/{client}", {"name": name})
        until(lambda: receiver.clients()[-1]["name"] == name, 10 * SLOWER)

    rename("Anna", "https://crm.example/deals/77")
    until(lambda: card() == {"id": client, "url": "https://crm.example/deals/77"}, 10 * SLOWER)
    for n, bad in enumerate(("javascript:alert(1)", "//crm.example/", "https://crm.example/\x07", "ftp://crm.example",
                             "https://" + "x" * 3000, 7)):
        rename(f"Anna {n}", bad)
        write(g, "ann", str(n))  # after it on the way: the name has been dealt with
        comes_to(admin, thread, n + 2, 0, 0)
        assert card() == {"id": client, "url": "https://crm.example/deals/77"}, bad
    rename("Annie", "http://crm.local/1")
    until(lambda: card()["url"] == "http://crm.local/1", 10 * SLOWER)


def test_what_waits_is_counted(world):
    """F13: what a CRM that is away has not got, and since when; others wait for nothing."""
    g, receiver, admin = world
    thread, other = write(g, "ann", "one"), write(g, "bob", "one")
    comes_to(admin, thread, 1, 0, 0)
    comes_to(admin, other, 1, 0, 0)
    receiver.spoil = lambda e: Answer(503, b"")
    began = admin.messages(thread)[0]["received_at"]
    for n in range(3):
        write(g, "ann", str(n))
    comes_to(admin, thread, 1, 3, 0)
    d = delivery(admin, thread)
    assert d["waiting_since"] > began and d["error"] is None
    assert abs(time.time() - time.mktime(time.strptime(d["waiting_since"][:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone) < 60
    assert counts(admin, other) == (1, 0, 0)
    until(lambda: (lambda d: d["waiting"] == 0 and d["attached_seq"] == 4)(delivery(admin, thread, "main")))
    receiver.spoil = None
    comes_to(admin, thread, 4, 0, 0, 60)
    assert delivery(admin, thread)["waiting_since"] is None


def test_gaps_are_counted_exactly(world):
    """F14: dead letters are told with the newest one's reason; put back they wait, and are gone when they have arrived."""
    g, receiver, admin = world
    receiver.spoil = no("poison")
    thread = None
    for text in ("one", "poison a", "three", "poison b"):
        thread = write(g, "ann", text)
    comes_to(admin, thread, 3, 0, 2)
    d = delivery(admin, thread)
    assert d["refused_seq"] == 4 and "no poison" in d["error"]["text"] and d["refused_at"]
    dead = admin.get("/dead", queue="crm:erp")["dead"]
    assert sorted(x["seq"] for x in dead) == [2, 4] and target(admin)["dead"] == 2
    assert not admin.get("/dead", queue="crm:main")["dead"] and admin.get("/dead")["dead"] == dead

    letter = next(x for x in dead if x["seq"] == 2)
    receiver.spoil = lambda e: Answer(503, b"")
    admin.post(f"/dead/{letter['id']}/retry", {})
    until(lambda: counts(admin, thread) == (3, 1, 1), 10 * SLOWER, why=str(delivery(admin, thread)))
    assert delivery(admin, thread)["waiting_since"] >= letter["at"]
    write(g, "ann", "five")
    comes_to(admin, thread, 3, 2, 1)
    receiver.spoil = None
    comes_to(admin, thread, 5, 0, 1, 60)
    assert admin.post("/dead/retry", {"queue": "crm:erp"}) == {"retried": 1}
    comes_to(admin, thread, 5, 0, 0)
    assert delivery(admin, thread)["error"] is None and not admin.get("/dead")["dead"]
    assert sorted(m["seq"] for m in receiver.messages()) == [1, 2, 3, 4, 5]


def test_what_dies_again_is_one_letter(world):
    """A message that is refused twice, or edited and refused, is one gap."""
    g, receiver, admin = world
    receiver.spoil = no("poison")
    thread = write(g, "ann", "poison")
    comes_to(admin, thread, 0, 0, 1)
    first = admin.get("/dead")["dead"][0]["id"]
    assert admin.post("/dead/retry", {}) == {"retried": 1}
    until(lambda: [d["id"] for d in admin.get("/dead")["dead"]] not in ([], [first]), 10 * SLOWER)
    comes_to(admin, thread, 0, 0, 1)
    answer = admin.post(f"/threads/{thread}/messages", {"id": "a", "text": "poison, too"})["message"]
    comes_to(admin, thread, 0, 0, 2)
    until(lambda: admin.messages(thread)[1]["status"] in ("sent", "delivered"), 10 * SLOWER)
    letters = {d["id"] for d in admin.get("/dead")["dead"]}
    admin.patch(f"/messages/{answer['id']}", {"text": "poison still"})
    until(lambda: {d["id"] for d in admin.get("/dead")["dead"]} not in (letters, set()), 10 * SLOWER)
    comes_to(admin, thread, 0, 0, 2)
    assert target(admin)["dead"] == 2
    admin.patch(f"/messages/{answer['id']}", {"text": "good at last"})  # which fills the gap by itself
    comes_to(admin, thread, 2, 0, 1)
    assert [d["seq"] for d in admin.get("/dead", queue="crm:erp")["dead"]] == [1]


def test_all_of_a_target_go_back_in_order(receiver, start_gateway):
    """Many, of several dialogues; those for another CRM stay."""
    with Receiver([KEY]) as second:
        g = start_gateway(config=CONFIG + section(receiver) + section(second, "crm2"))
        admin = g.login()
        receiver.spoil = second.spoil = no("poison")
        threads = set()
        for n in range(150):
            threads.add(write(g, "ann" if n % 2 else f"client{n % 7}", f"poison {n}"))
        until(lambda: target(admin)["dead"] == target(admin, "crm2")["dead"] == 150, 60 * SLOWER)
        assert sum(counts(admin, t)[2] for t in threads) == 150
        pages, cursor = [], None
        while cursor or not pages:
            page = admin.get("/dead", queue="crm:crm2", limit=40, **({"cursor": cursor} if cursor else {}))
            pages, cursor = pages + page["dead"], page["next"]
        assert len({d["id"] for d in pages}) == 150 and {d["target"] for d in pages} == {"crm2"}
        receiver.spoil = None
        assert "150 put back" in g.cli("dead", "retry", "--target", "erp").stdout
        until(lambda: len(receiver.messages()) == 150, 60 * SLOWER)
        for seqs in receiver.by_thread().values():
            assert seqs == sorted(set(seqs))
        until(lambda: all(counts(admin, t)[1:] == (0, 0) for t in threads), 20 * SLOWER)
        assert target(admin)["dead"] == 0 and target(admin, "crm2")["dead"] == 150 and not second.messages()
        assert g.cli("dead", "list", "--target", "crm2", "--json").stdout.count("\n") == 150
        assert "no dead letters" in g.cli("dead", "list", "--target", "erp").stdout
        assert g.cli("dead", "retry", "--target", "erp", "--all", check=False).returncode != 0


def test_a_target_that_is_new_has_nothing_waiting(receiver, start_gateway):
    """What was written before it came is not on its way to it."""
    g = start_gateway(config=CONFIG)
    for n in range(5):
        thread = write(g, "ann", str(n))
    until(lambda: delivery(g.login(), thread, "main")["attached_seq"] == 5, 10 * SLOWER)
    receiver.spoil = lambda e: Answer(503, b"")
    time.sleep(1.1)  # the place of a message in time is known to a second
    g.config_text += section(receiver)
    g.write_config()
    g.restart()
    admin = g.login()
    write(g, "bob", "hello")
    until(lambda: target(admin)["queue"] > 0, 10 * SLOWER)
    assert counts(admin, thread) == (0, 0, 0)
    write(g, "ann", "six")
    comes_to(admin, thread, 0, 1, 0)
    receiver.spoil = None
    comes_to(admin, thread, 6, 0, 0, 60)


def test_how_a_target_is(world):
    """F13: of all workers: well, left alone until when, not known there any more; queue, age, rate, errors, and why."""
    g, receiver, admin = world
    until(lambda: target(admin)["state"] == "well" and target(admin)["workers"] == 2, 10 * SLOWER)
    for n in range(20):
        write(g, f"client{n}", "hello")
    until(lambda: target(admin)["rate"] == 20, 10 * SLOWER, why=str(target(admin)))
    t = target(admin)
    assert (t["queue"], t["oldest_at"], t["until"], t["error"], t["errors"]) == (0, None, None, None, 0)

    receiver.spoil = lambda e: Answer(503, b"<h1>Back at ten</h1>", type="text/html")
    for n in range(20):
        write(g, f"client{n}", "again")
    until(lambda: target(admin)["state"] == "paused" and target(admin)["asking"] == 0, 20 * SLOWER)
    t = until(lambda: target(admin)["errors"] > 4 and target(admin), 10 * SLOWER)
    assert t["queue"] == 20 and t["oldest_at"] and t["until"] > t["oldest_at"] and "503" in t["error"]["text"]
    assert target(admin, "main")["state"] == "well"

    receiver.spoil = lambda e: Answer(401, {"error": "who are you?"})
    until(lambda: target(admin)["state"] == "refused" and target(admin)["error"]["code"] == "auth", 90 * SLOWER)
    receiver.spoil = None
    until(lambda: target(admin)["state"] == "well" and target(admin)["queue"] == 0, 90 * SLOWER)
    t = until(lambda: (lambda t: t["rate"] >= 20 and t["asking"] == t["workers"] == 2 and t)(target(admin)), 10 * SLOWER)
    assert t["until"] is None
    g.kill_worker()
    until(lambda: target(admin)["workers"] == 2 and len(g.worker_pids()) == 2, 20 * SLOWER)


def test_what_a_crm_told_us_and_was_given_up(world):
    """It is in the same list, under a queue of its own, and counted with its CRM."""
    g, receiver, admin = world
    letter = {"q": "from:erp", "e": "f 01M84DM5EGXX078JEX5WYT1900 1", "detail": "invalid nobody is meant", "attempts": 1,
              "at": int(time.time() * 1000)}
    id = g.redis.xadd("sb:{s0}:dead", letter)
    g.redis.xadd("sb:{s0}:dead:from:erp", letter, id=id)
    dead = admin.get("/dead", queue="from:erp")["dead"]
    assert [(d["queue"], d["target"], d["thread"], d["error"]["text"]) for d in dead] == [("from:erp", "erp", "", "nobody is meant")]
    assert target(admin)["dead_from"] == 1 and target(admin)["dead"] == 0
    assert admin.post("/dead/retry", {"queue": "from:erp"}) == {"retried": 1}
    until(lambda: not admin.get("/dead")["dead"] and not g.redis.xlen("sb:{s0}:from:erp"), 10 * SLOWER)  # there is no event
