"""Back from a CRM: what its people write reaches the client like an agent's answer, once; who is responsible and what the
card is called go both ways; nothing goes round in circles (F02, F13; crm.md 8.3)."""
import base64
import json
import random
import time

import pytest

from fakes.webhook import Receiver, Sender
from fakes.wire import Answer
from harness import CONFIG, SLOWER, until

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def section(name, receiver, secret=KEY, extra=""):
    return (f'webhook "{name}" {{{{\n  url = "{receiver.url}/in"\n  secret = {{{{"{secret}"}}}}\n'
            f'  allow_private = true\n  {extra}\n}}}}\n')


class World:
    def __init__(self, start_gateway, extra="", config=CONFIG, **kw):
        self.erp, self.shop = Receiver([KEY]), Receiver([OTHER])
        self.gateway = start_gateway(config=config.replace('loopback "test" {{}}', 'loopback "test" {{ outbox = "{data}/out" }}')
                                     + section("erp", self.erp, extra=extra) + section("shop", self.shop, OTHER), **kw)
        self.admin = self.gateway.login()
        self.back, self.back_shop = Sender(self.gateway, KEY), Sender(self.gateway, OTHER, "shop")

    def close(self):
        self.erp.close()
        self.shop.close()

    def write(self, who, text):
        r = self.gateway.hook({"from": {"address": who, "name": who.title()}, "id": f"{who}-{random.random()}",
                               "text": text})
        assert r.status_code == 200, r.text
        thread = r.json()["thread"]
        until(lambda: any(m["thread"] == thread for m in self.erp.messages()), 20 * SLOWER)
        return thread

    def card(self, thread, target="erp"):
        client = self.admin.get(f"/threads/{thread}")["thread"]["client"]["id"]
        return until(lambda: self.admin.get(f"/clients/{client}")["client"]["cards"][target]["id"], 10 * SLOWER)

    def said(self, thread):
        """Our side's messages."""
        return [m for m in self.admin.messages(thread) if m["direction"] in ("out", "note")]

    def wait_said(self, thread, n=1, status=("sent", "delivered", "read")):
        return until(lambda: len(self.said(thread)) == n and all(m["status"] in status for m in self.said(thread)) and
                     self.said(thread), 20 * SLOWER, why=f"{self.erp.of('reply.failed')}; {self.gateway.log()[-1500:]}")

    def sent(self):
        path = self.gateway.data / "out"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def make(start_gateway):
    made = []

    def one(*args, **kw):
        made.append(World(start_gateway, *args, **kw))
        return made[-1]

    yield one
    for w in made:
        w.close()


@pytest.fixture
def world(make):
    return make()


@pytest.mark.parametrize("by", ["thread", "client", "card"])
def test_an_answer_reaches_the_client(world, by):
    thread = world.write("ann", "hello?")
    client = world.admin.get(f"/threads/{thread}")["thread"]["client"]["id"]
    whose = {"thread": thread, "client": client, "card": world.card(thread)}[by]
    world.back.reply("an answer", "r1", author="Ivan Petrov", **{by: whose})
    [m] = world.wait_said(thread)
    assert m["text"] == "an answer" and m["from"] == {"kind": "crm", "name": "Ivan Petrov"}
    assert m["origin"] == {"target": "erp", "id": "r1"} and m["channel"] == "test"
    assert [s["text"] for s in world.sent()] == ["an answer"]
    assert world.admin.get(f"/threads/{thread}")["thread"]["assignee"] is None  # nobody of ours has answered


def test_the_writer_gets_it_as_his_own_and_others_as_any_message(world):
    thread = world.write("ann", "hello?")
    world.back.reply("an answer", "r1", thread=thread)
    world.wait_said(thread)
    until(lambda: any(m["status"] == "sent" for m in world.erp.messages("message.updated")), 20 * SLOWER)
    until(lambda: any(m.get("text") == "an answer" for m in world.shop.messages()), 20 * SLOWER)
    assert not any(m.get("text") == "an answer" for m in world.erp.messages())
    mine = world.erp.messages("message.updated")
    assert all(m["origin"] == {"target": "erp", "id": "r1"} for m in mine)
    theirs = next(m for m in world.shop.messages() if m.get("text") == "an answer")
    assert theirs["origin"] == {"target": "erp"}
    until(lambda: any(m.get("text") == "an answer" for m in world.gateway.card_messages()), 10 * SLOWER)
    assert not world.shop.messages("message.updated")  # statuses = none
    trace = world.gateway.cli("trace", mine[0]["id"]).stdout
    assert "card   erp: has it since" in trace


def test_an_agent_of_ours_is_known_there(world):
    world.gateway.add_user("anna")
    thread = world.write("ann", "hello?")
    world.back.reply("between us", "r0", thread=thread, note=True, agent="anna")
    world.back.reply("an answer", "r1", thread=thread, agent="anna", author="Anna there")
    said = world.wait_said(thread, 2, ("sent", "received"))
    assert [m["direction"] for m in said] == ["note", "out"] and [s["text"] for s in world.sent()] == ["an answer"]
    assert all(m["from"]["kind"] == "agent" and m["from"]["agent"] == "anna" for m in said)
    assert world.admin.get(f"/threads/{thread}")["thread"]["assignee"] == "anna"
    world.back.reply("me too", "r2", thread=thread, agent="nobody.of.ours")
    assert world.wait_said(thread, 3, ("sent", "received"))[2]["from"] == {"kind": "crm", "name": "nobody.of.ours"}


def test_a_closed_dialogue_opens(world):
    thread = world.write("ann", "hello?")
    world.admin.patch(f"/threads/{thread}", {"state": "closed"})
    world.back.reply("one more thing", "r1", thread=thread)
    world.wait_said(thread)
    assert world.admin.get(f"/threads/{thread}")["thread"]["state"] == "open"


def test_twice_is_once(world):
    """The same event again, and the same reply in another event."""
    thread = world.write("ann", "hello?")
    data = {"id": "r1", "thread": thread, "text": "an answer"}
    for id in ("evt_1", "evt_1", "evt_2", "evt_3"):
        assert world.back.send("message.reply", data, id=id).status_code == 200
    world.back.reply("the last", "r2", thread=thread)
    assert [m["text"] for m in world.wait_said(thread, 2)] == ["an answer", "the last"]
    assert [s["text"] for s in world.sent()] == ["an answer", "the last"]


def test_strangers_and_replays_are_refused(world):
    thread = world.write("ann", "hello?")
    good = {"id": "r1", "thread": thread, "text": "an answer"}
    send = world.back.send
    assert send("message.reply", good, secret=OTHER).status_code == 401
    assert send("message.reply", good, at=int(time.time()) - 330).status_code == 401
    assert send("message.reply", good, at=int(time.time()) + 330).status_code == 401
    assert send("message.reply", good, **{"webhook-signature": ""}).status_code == 401
    assert send("message.reply", good, id="with.dot").status_code == 401
    stolen = {"webhook-signature": "v1," + base64.b64encode(b"x" * 32).decode()}
    assert send("message.reply", good, **stolen).status_code == 401
    assert send("message.reply", good, raw=b"x" * (1 << 20)).status_code == 413
    world.back.url = world.back.url.replace("/erp", "/nobody")
    assert send("message.reply", good).status_code == 404
    world.back.url = world.back.url.replace("/webhook/nobody", "/cards/main")
    assert send("message.reply", good).status_code == 404
    assert not world.said(thread)


@pytest.mark.parametrize("data, word", [
    ({"thread": "x", "text": "t", "id": "1"}, "data.thread"), ({"id": "1", "text": "t"}, "one of thread"),
    ({"card": "a", "thread": "01JDFX3T5KABCDEFGHJKMNPQRS", "id": "1", "text": "t"}, "one of thread"),
    ({"card": "a", "text": "t"}, "data.id is missing"), ({"card": "a", "id": "1"}, "text or attachments"),
    ({"card": "a", "id": "1", "text": 5}, "data.text"), ({"card": "a", "id": "1", "text": "a\x07b"}, "data.text"),
    ({"card": "a", "id": "x" * 201, "text": "t"}, "data.id"), ({"card": "a\nb", "id": "1", "text": "t"}, "data.card"),
    ({"card": "a", "id": "1", "text": "t", "colour": 1}, "colour"),
    ({"card": "a", "id": "1", "text": "t", "note": 1}, "data.note"),
    ({"card": "a", "id": "1", "attachments": [{"url": "file:///etc/passwd"}]}, "data.attachments"),
    ({"card": "a", "id": "1", "attachments": [{"url": "https://x/"}] * 21}, "data.attachments"),
    ([], "data must be"), (None, "data must be"),
])
def test_bad_bodies_are_told_so(shared, data, word):
    r = shared.send("message.reply", data)
    assert r.status_code == 400 and word in r.json()["detail"], r.text


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"type":"message.reply"}', b'{"type":"x","data":{}}', b"\xff\xfe",
                                 b'{"a":1,"a":2}', b"[" * 5000, b"data[MESSAGES][0]=1"])
def test_nonsense_is_told_so(shared, raw):
    r = shared.send(None, None, raw=raw)
    assert r.status_code == 400 and r.json()["detail"], r.text


@pytest.fixture(scope="module")
def shared():
    from harness import Gateway
    with Receiver([KEY]) as receiver:
        g = Gateway(config=CONFIG + section("erp", receiver)).start()
        yield Sender(g, KEY)
        g.destroy()


def test_an_unknown_dialogue_is_told_back(world):
    world.back.reply("who?", "r1", card="nobody's")
    world.back.reply("who?", "r2", thread="01JDFX3T5KABCDEFGHJKMNPQ00")
    until(lambda: len(world.erp.of("reply.failed")) == 2, 20 * SLOWER)
    for failed in world.erp.of("reply.failed"):
        assert failed["error"] == {"code": "not_found", "text": "no client of ours is meant by this"}
    assert {f["id"] for f in world.erp.of("reply.failed")} == {"r1", "r2"}
    assert not world.admin.get("/dead")["dead"]


def test_what_the_channel_refuses_is_told_back(world):
    thread = world.write("ann", "hello?")
    world.back.reply("!reject", "r1", thread=thread)
    failed = until(lambda: [m for m in world.erp.messages("message.updated") if m["status"] == "failed"], 20 * SLOWER)
    assert failed[0]["origin"]["id"] == "r1" and failed[0]["error"]["text"]


def test_what_cannot_even_be_queued_is_told_back(world):
    thread = world.write("ann", "hello?")
    world.back.reply("x" * 60000, "r1", thread=thread)
    [failed] = until(lambda: world.erp.of("reply.failed"), 20 * SLOWER)
    assert failed["error"]["code"] == "too_large" and failed["thread"] == thread
    assert not world.said(thread) and not world.admin.get("/dead")["dead"]


def test_files_come_along(world):
    visitor = world.gateway.visitor()
    thread = visitor.say_and_wait("hello?") and world.admin.threads()[0]["id"]
    world.erp.files["/a.txt"] = Answer(200, b"a file of the CRM", type="text/plain")
    world.erp.files["/moved"] = Answer(302, b"", headers=[f"Location: {world.erp.url}/a.txt"])
    world.back.reply("", "r1", thread=thread, attachments=[{"url": world.erp.url + "/a.txt", "name": "счёт.txt"}])
    [m] = world.wait_said(thread)
    [file] = m["attachments"]
    assert file["name"] == "счёт.txt" and file["size"] == 17
    r = world.admin.ask("GET", f"/media/{file['id']}")
    assert r.content == b"a file of the CRM"
    for n, path in enumerate(("/moved", "/gone")):
        world.back.reply("see", f"f{n}", thread=thread, attachments=[{"url": world.erp.url + path}])
    failed = until(lambda: len(world.erp.of("reply.failed")) == 2 and world.erp.of("reply.failed"), 20 * SLOWER)
    assert all("file 1 could not be had" in f["error"]["text"] for f in failed)
    assert len(world.said(thread)) == 1


def test_workers_killed_between(world):
    """F02: what was answered with 200 is sent once, in order, whoever dies."""
    threads = [world.write(w, "hello?") for w in ("ann", "bob", "eve")]
    sent = {t: [] for t in threads}
    for n in range(30):
        t = threads[n % 3]
        data = {"id": f"r{n}", "thread": t, "text": str(n)}

        def post():
            return world.back.send("message.reply", data, id=f"evt_{data['id']}").status_code == 200

        until(post, 20 * SLOWER)
        sent[t].append(str(n))
        if n in (7, 15, 23):
            until(lambda: len(world.gateway.worker_pids()) == 2, 10 * SLOWER)
            world.gateway.kill_worker(index=n % 2)
    for t in threads:
        until(lambda: len(world.said(t)) >= 10 and all(m["status"] in ("sent", "unknown") for m in world.said(t)),
              60 * SLOWER, why=world.gateway.log()[-1500:])
        assert [m["text"] for m in world.said(t)] == sent[t]
    texts = [s["text"] for s in world.sent()]
    assert len(texts) == len(set(texts))


def test_everything_killed_after_the_answer(world):
    """kill -9 of all at once: the event is on disk, and done after the start."""
    thread = world.write("ann", "hello?")
    world.erp.delay = 0
    for n in range(5):
        world.back.reply(str(n), f"r{n}", thread=thread)
    world.gateway.kill_master()
    world.gateway.start()
    world.admin = world.gateway.login()
    said = world.wait_said(thread, 5, ("sent", "unknown"))
    assert [m["text"] for m in said] == [str(n) for n in range(5)]


def test_a_merged_client_is_found_by_both_cards(world):
    one, two = world.write("ann", "hello?"), world.write("bob", "hello!")
    cards = world.card(one), world.card(two)
    clients = [world.admin.get(f"/threads/{t}")["thread"]["client"]["id"] for t in (one, two)]
    world.admin.post(f"/clients/{clients[1]}/merge", {"from": clients[0]})
    for n, whose in enumerate([{"card": cards[0]}, {"card": cards[1]}, {"client": clients[0]}, {"thread": one}]):
        world.back.reply(str(n), f"r{n}", **whose)
    until(lambda: {m["text"] for m in world.said(two)} == set("0123"), 20 * SLOWER)
