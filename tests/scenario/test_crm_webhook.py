"""A CRM that takes webhooks: each message once in effect, in order, whatever the receiver does (F13, F14, T-rows of 2.2)."""
import itertools
import random
import threading
import time

import pytest

from fakes.webhook import Receiver
from fakes.wire import Answer
from harness import CONFIG, SLOWER, until

OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def section(receiver, secrets=(OLD,), extra="", private=True):
    keys = ", ".join(f'"{s}"' for s in secrets)
    return (f'webhook "erp" {{{{\n  url = "{receiver.url}/in"\n  secret = {{{{{keys}}}}}\n'
            f'  allow_private = {"true" if private else "false"}\n  {extra}\n}}}}\n')


@pytest.fixture
def receiver():
    with Receiver([OLD]) as r:
        yield r


@pytest.fixture
def world(receiver, start_gateway):
    return start_gateway(config=CONFIG + section(receiver)), receiver


def write(g, who, text):
    return g.hook({"from": {"address": who, "name": who.title()}, "id": f"{who}-{random.random()}", "text": text})


def wait_for(receiver, n, timeout=20):
    until(lambda: len(receiver.messages()) >= n, timeout * SLOWER, why=f"for {n} messages; refused: {receiver.refused[:3]}")


def in_order(receiver):
    for thread, seqs in receiver.by_thread().items():
        assert seqs == sorted(set(seqs)), (thread, seqs)


def test_each_message_comes_signed_and_in_order(world):
    g, receiver = world
    for n in range(5):
        for who in ("ann", "bob"):
            write(g, who, f"{who} {n}")
    wait_for(receiver, 10)
    assert not receiver.refused
    in_order(receiver)
    texts = [m["text"] for m in receiver.messages()]
    assert [t for t in texts if t.startswith("ann")] == [f"ann {n}" for n in range(5)]
    event = receiver.events[0]
    assert event["type"] == "client.updated" and event["data"]["client"]["name"] in ("Ann", "Bob")
    assert "cards" not in event["data"]["client"]
    created = next(e for e in receiver.events if e["type"] == "message.created")
    assert created["timestamp"] == created["data"]["message"]["received_at"]
    assert created["data"]["card"] == created["data"]["client"]["id"]  # it named none
    assert len([c for c in receiver.clients()]) == 2  # once each, not with each message
    g.traced(receiver.messages()[0]["id"], "card   erp: has it since", "card   main: has it since")


def test_the_receiver_s_own_card_is_kept(world):
    g, receiver = world
    first = write(g, "ann", "one")
    wait_for(receiver, 1)
    thread = first.json()["thread"]
    client = g.login().get(f"/threads/{thread}")["thread"]["client"]["id"]
    receiver.cards[client] = "deal/77"
    g.login().patch(f"/clients/{client}", {"name": "Anna"})
    until(lambda: len(receiver.clients()) == 2, 10 * SLOWER)
    write(g, "ann", "two")
    wait_for(receiver, 2)
    assert receiver.events[-1]["data"]["card"] == "deal/77"


def test_answers_and_edits_and_notes(world):
    """Our side's answer comes too, an agent's note does not, an edit is another event about the same message."""
    g, receiver = world
    thread = write(g, "ann", "question").json()["thread"]
    admin = g.login()
    admin.post(f"/threads/{thread}/messages", {"id": "a1", "text": "answer"})
    admin.post(f"/threads/{thread}/messages", {"id": "n1", "text": "between us", "note": True})
    wait_for(receiver, 2)
    answer = next(m for m in receiver.messages() if m.get("text") == "answer")
    until(lambda: admin.messages(thread)[1]["status"] in ("sent", "delivered"), 10)
    admin.patch(f"/messages/{answer['id']}", {"text": "a better answer"})
    until(lambda: receiver.messages("message.updated"), 10 * SLOWER)
    assert receiver.messages("message.updated")[-1]["text"] == "a better answer"
    write(g, "ann", "bye")
    wait_for(receiver, 3)
    assert "between us" not in str(receiver.events)


def test_a_key_is_changed_without_a_gap(receiver, start_gateway):
    receiver.secrets = [OLD]
    g = start_gateway(config=CONFIG + section(receiver, (NEW, OLD)))
    write(g, "ann", "both sign")
    wait_for(receiver, 1)
    receiver.secrets = [NEW]
    write(g, "ann", "the receiver has changed")
    wait_for(receiver, 2)
    g.config_text = CONFIG + section(receiver, (NEW,))
    g.write_config()
    g.reload()
    write(g, "ann", "so have we")
    wait_for(receiver, 3)
    assert not receiver.refused


def test_a_lost_answer_is_no_second_message(world):
    g, receiver = world
    lost = []

    def lose(event):
        if event["type"] == "message.created" and len(lost) < 3:
            lost.append(event)
            return Answer(200, {}, spoil=("lose", "reset", "cut")[len(lost) - 1])

    receiver.after = lose
    for n in range(6):
        write(g, "ann", str(n))
    wait_for(receiver, 6, 40)
    until(lambda: len(receiver.calls) >= 10, 20 * SLOWER)
    in_order(receiver)
    assert [m["text"] for m in receiver.messages()] == [str(n) for n in range(6)] and not receiver.refused


def test_a_second_merge_of_the_same_two_is_told_as_one_of_its_own(world):
    """The receiver does what comes twice once, so each merge has its own id, which stays over a lost answer."""
    g, receiver = world
    api = g.login()
    one, two = (api.get("/threads/" + write(g, who, "x").json()["thread"])["thread"]["client"]["id"] for who in ("ann", "bob"))
    wait_for(receiver, 2)
    tries = {"client.merged": [], "client.unmerged": []}

    def lose_the_first_answer(event):
        told = tries.get(event["type"])
        if told is not None:
            told.append(event)
            return Answer(200, {}, spoil="lose") if len(told) % 2 else None

    receiver.after = lose_the_first_answer
    for n in (1, 2):
        for what, path in (("client.merged", "merge"), ("client.unmerged", "unmerge")):
            api.post(f"/clients/{one}/{path}", {"from": two})
            until(lambda: len(tries[what]) == 2 * n, 30 * SLOWER, why=f"for {what} {n}, twice")
            assert receiver.of(what) == [{"from": two, "into": one}] * n
    ids = [i for i in receiver.seen if one in i and two in i]
    assert ids == [f"{two}_{how}_{one}_{n}" for n in (1, 2) for how in ("into", "from")] and not receiver.refused


def test_what_is_again_as_it_was_is_told_as_news(world):
    """The receiver does what comes twice once: a name or a text that comes back has an id of its own, over a lost answer too."""
    g, receiver = world
    api = g.login()
    thread = write(g, "ann", "question").json()["thread"]
    client = api.get(f"/threads/{thread}")["thread"]["client"]["id"]
    api.post(f"/threads/{thread}/messages", {"id": "a1", "text": "yes"})
    wait_for(receiver, 2)
    answer = next(m for m in receiver.messages() if m.get("text") == "yes")["id"]
    until(lambda: api.messages(thread)[1]["status"] in ("sent", "delivered"), 10)
    lost = []

    def lose_one_answer_of_each(event):
        if event["type"] in ("client.updated", "message.updated") and event["type"] not in lost:
            lost.append(event["type"])
            return Answer(200, {}, spoil="lose")

    def told(values):
        """One after the other: what is tried again is told as it is by then, and an edit once more when the channel has it."""
        return [value for value, _ in itertools.groupby(values)]

    receiver.after = lose_one_answer_of_each
    names, texts = ["Anna", "Ann", "Anna"], ["no", "yes", "no"]
    for n, name in enumerate(names, 1):
        api.patch(f"/clients/{client}", {"name": name})
        until(lambda: told(c["name"] for c in receiver.clients())[1:] == names[:n], 30 * SLOWER)
    for n, text in enumerate(texts, 1):
        api.patch(f"/messages/{answer}", {"text": text})
        until(lambda: told(m["text"] for m in receiver.messages("message.updated")) == texts[:n], 30 * SLOWER)
    assert len(lost) == 2 and not receiver.refused


@pytest.mark.parametrize("answer", [
    Answer(500, b"<html><h1>Oops", type="text/html"), Answer(503, b""), Answer(429, {"e": 1}, headers=["Retry-After: 1"]),
    Answer(408, b""), Answer(425, b""), Answer(409, {"e": "in progress"}), Answer(200, b"", spoil="reset"),
], ids=["500", "503", "429", "408", "425", "409", "reset"])
def test_what_passes_is_tried_again(world, answer):
    g, receiver = world
    spoilt = []
    receiver.spoil = lambda e: spoilt.append(1) or answer if len(spoilt) < 2 else None
    for n in range(3):
        write(g, "ann", str(n))
    wait_for(receiver, 3, 30)
    assert [m["text"] for m in receiver.messages()] == ["0", "1", "2"]
    assert not g.login().get("/dead")["dead"]


def test_a_receiver_that_is_down_is_left_alone(world):
    """F13: while it is down it hears little from us; then all comes, in order."""
    g, receiver = world
    write(g, "ann", "first")
    wait_for(receiver, 1)
    receiver.spoil = lambda e: Answer(503, b"")
    for n in range(100):
        write(g, f"client{n % 20}", str(n))
    until(lambda: next(t for t in g.login().get("/targets")["targets"] if t["name"] == "erp")["asking"] == 0)
    assert "event=crm.down" in g.log()
    before = len(receiver.calls)
    time.sleep(3)
    asked = len(receiver.calls) - before
    assert asked < 30, asked  # a probe now and then, of two workers
    receiver.spoil = None
    wait_for(receiver, 101, 60)
    in_order(receiver)
    assert "event=crm.back" in g.log()
    assert not g.login().get("/dead")["dead"]


def test_what_waits_is_not_sent_to_one_that_knows_us_no_more(receiver, start_gateway):
    """One request at a time, and many wait: the first 401 is that of all."""
    g = start_gateway(config=CONFIG + section(receiver, extra="parallel = 1"), workers=1)
    receiver.spoil, receiver.delay = lambda e: Answer(401, {"error": "who are you?"}), 0.5
    for n in range(20):
        write(g, f"client{n}", "hello")
    until(lambda: len(receiver.calls) > 1, 20 * SLOWER)
    (first, _, _), (second, _, _) = receiver.calls[:2]
    assert second - first > 1.5  # the next try in its time, and none of those who waited
    receiver.spoil, receiver.delay = None, 0
    wait_for(receiver, 20, 60)
    in_order(receiver)


@pytest.mark.parametrize("answer", [Answer(401, {"error": "who are you?"}), Answer(403, b""), Answer(404, b"<html>"),
                                    Answer(302, b"", headers=["Location: http://127.0.0.1:1/"])],
                         ids=["401", "403", "404", "302"])
def test_a_receiver_that_refuses_us_loses_no_message(world, answer):
    """A wrong address or a lost key is no fault of the messages: they wait, and none is dead."""
    g, receiver = world
    receiver.spoil = lambda e: answer
    for n in range(4):
        write(g, "ann", str(n))
        write(g, "bob", str(n))
    until(lambda: "event=crm.refused" in g.log(), 20 * SLOWER)
    assert f"the CRM answered {answer.status}" in g.log()
    time.sleep(1)
    receiver.spoil = None
    wait_for(receiver, 8, 40)
    in_order(receiver)
    assert not g.login().get("/dead")["dead"]


def test_poison_goes_to_the_dead_letters_and_the_gap_is_filled(world):
    """What the receiver always refuses does not hold up the dialogue; after its cause is mended it comes, marked as late."""
    g, receiver = world
    receiver.spoil = lambda e: Answer(422, {"error": "no emoji"}) if "poison" in str(e) else None
    for text in ("one", "poison", "three"):
        write(g, "ann", text)
    wait_for(receiver, 2)
    assert [m["text"] for m in receiver.messages()] == ["one", "three"]
    dead = until(lambda: g.login().get("/dead")["dead"], 10)
    assert len(dead) == 1 and "422: {\"error\": \"no emoji\"}" in dead[0]["error"]["text"] and dead[0]["seq"] == 2
    poison = g.login().messages(dead[0]["thread"])[1]
    assert poison["text"] == "poison" and "card   erp: given up" in g.cli("trace", poison["id"]).stdout
    receiver.spoil = None
    g.cli("dead", "retry", dead[0]["id"])
    wait_for(receiver, 3)
    last = receiver.events[-1]["data"]
    assert last["message"]["text"] == "poison" and last["late"] is True
    assert not any(e["data"].get("late") for e in receiver.events[:-1])


def test_a_dialogue_that_waits_holds_up_no_other(world):
    """Not even when all that waits in it is more than a window: it is 200 deliveries of a shard."""
    g, receiver = world
    write(g, "ann", "0")
    wait_for(receiver, 1)
    receiver.spoil = lambda e: Answer(503, b"") if e["data"].get("message", {}).get("from", {}).get("name") == "Ann" else None
    for n in range(1, 320):
        write(g, "ann", str(n))
    others = [f"client{n}" for n in range(40)]  # in all 16 shards
    for who in others:
        write(g, who, who)
    until(lambda: {m["text"] for m in receiver.messages()} >= set(others), 40 * SLOWER, why="for the others")
    assert len([m for m in receiver.messages() if m["text"].isdigit()]) == 1
    receiver.spoil = None
    wait_for(receiver, 360, 120)
    in_order(receiver)
    assert [m["text"] for m in receiver.messages() if m["text"].isdigit()] == [str(n) for n in range(320)]
    assert not g.login().get("/dead")["dead"]


def test_dialogues_that_are_answered_late_hold_up_no_other(receiver, start_gateway):
    """Few deliveries begin at once at first (F12); those that hang must not be all there are, in any shard."""
    g = start_gateway(config=CONFIG + section(receiver, extra="parallel = 100"))
    hang = 12 * SLOWER
    receiver.do(lambda: setattr(receiver, "delay", lambda request: hang if b'"Late' in request.body else 0))
    for n in range(50):  # three in most of the 16 shards
        write(g, f"late{n}", "late")
    others = [f"client{n}" for n in range(40)]
    for who in others:
        write(g, who, who)
    began = time.monotonic()
    until(lambda: {m["text"] for m in receiver.messages()} >= set(others), hang, why="for the others")
    assert time.monotonic() - began < hang / 2
    assert not [m for m in receiver.messages() if m["text"] == "late"]


def test_a_private_address_is_refused_unless_allowed(receiver, start_gateway):
    g = start_gateway(config=CONFIG + section(receiver, private=False))
    write(g, "ann", "one")
    until(lambda: "event=crm.refused" in g.log(), 20 * SLOWER)
    assert not receiver.calls and not g.login().get("/dead")["dead"]
    until(lambda: len(g.card_messages()) == 1, 10)  # the other target goes on


def test_endless_answers(receiver, start_gateway):
    """30 MB of answer are not read, an answer in drops is not waited for; neither is sent again for ever."""
    g = start_gateway(config=CONFIG + section(receiver, extra='timeout = "1s"'))
    receiver.after = lambda e: Answer(200, b"x" * (30 << 20)) if "large" in str(e) else None
    write(g, "ann", "large")
    write(g, "ann", "next")
    wait_for(receiver, 2, 30)
    receiver.do(lambda: setattr(receiver, "delay", 1.5))
    write(g, "ann", "slow")
    until(lambda: "event=delivery.retry" in g.log(), 20 * SLOWER)
    receiver.do(lambda: setattr(receiver, "delay", 0))
    wait_for(receiver, 3, 30)
    assert [m["text"] for m in receiver.messages()] == ["large", "next", "slow"]


def test_a_long_page_about_a_trouble_is_no_yes(receiver, start_gateway):
    """More than is read of an answer: its status counts all the same."""
    g = start_gateway(config=CONFIG + section(receiver))
    left = [503, 500, 429]
    receiver.spoil = lambda e: Answer(left.pop(), b"x" * (1 << 20)) if left and "text" in str(e) else None
    write(g, "ann", "text")
    write(g, "ann", "next text")
    wait_for(receiver, 2, 60)
    assert [m["text"] for m in receiver.messages()] == ["text", "next text"] and not left


def test_a_large_event_comes_without_its_texts(receiver, start_gateway):
    g = start_gateway(config=CONFIG + section(receiver, extra='body_max = "4K"'))
    write(g, "ann", "x" * 6000)
    wait_for(receiver, 1)
    message = receiver.messages()[0]
    assert message["thin"] is True and "text" not in message
    whole = g.login().get(f"/threads/{message['thread']}/messages")["messages"][0]
    assert len(whole["text"]) == 6000


def test_workers_killed_while_the_receiver_misbehaves(world):
    """F02, F14: kill -9 and lost answers at random: each message takes effect once, in order."""
    g, receiver = world
    dice = random.Random(7)

    def trouble(event):
        x = dice.random()
        return (Answer(503, b"") if x < 0.1 else Answer(200, b"", spoil="reset") if x < 0.2 else None)

    receiver.spoil = lambda e: trouble(e) if dice.random() < 0.5 else None
    receiver.after = lambda e: Answer(200, {}, spoil="lose") if dice.random() < 0.1 else None
    sent, ended = [], threading.Event()

    def bring():
        n = 0
        while not ended.is_set():
            try:
                if write(g, f"c{n % 7}", str(n)).status_code == 200:
                    sent.append(n)
            except Exception:
                pass
            n += 1
            time.sleep(0.01)

    thread = threading.Thread(target=bring)
    thread.start()
    for _ in range(4):
        time.sleep(1)
        g.kill_worker()
        until(lambda: len(g.worker_pids()) == 2, 10 * SLOWER)
    until(lambda: len(sent) > 50)
    ended.set()
    thread.join()
    receiver.spoil = receiver.after = None
    until(lambda: {int(m["text"]) for m in receiver.messages()} >= set(sent), 60 * SLOWER)
    in_order(receiver)
    assert not receiver.refused
    until(lambda: not list(g.redis.scan_iter("sb:{s*}:retry:crm:*")), 30 * SLOWER, why="until no retry is remembered")
