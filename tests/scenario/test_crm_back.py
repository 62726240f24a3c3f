"""Back from a CRM: what its people write reaches the client like an agent's answer, once; who is responsible and what the
card is called go both ways; nothing goes round in circles (F02, F13; crm.md 8.3)."""
import base64
import json
import random
import time

import pytest

from clients import Api
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
    world.gateway.traced(mine[0]["id"], "card   erp: has it since")


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


def test_a_file_is_fetched_once_though_the_reply_is_tried_again(world):
    """The second file is not there yet: the next try takes the first as it was fetched."""
    visitor = world.gateway.visitor()
    thread = visitor.say_and_wait("hello?") and world.admin.threads()[0]["id"]
    asked = []

    class Files(dict):
        def __getitem__(self, path):
            asked.append(path)
            return dict.__getitem__(self, path) if asked.count("/b.txt") != 1 or path != "/b.txt" else Answer(503, b"")

    world.erp.files = Files({p: Answer(200, p.encode(), type="text/plain") for p in ("/a.txt", "/b.txt")})
    world.back.reply("", "r1", thread=thread, attachments=[{"url": world.erp.url + p} for p in ("/a.txt", "/b.txt", "/a.txt")])
    [m] = world.wait_said(thread)
    assert [world.admin.ask("GET", f"/media/{f['id']}").content for f in m["attachments"]] == [b"/a.txt", b"/b.txt", b"/a.txt"]
    assert asked == ["/a.txt", "/b.txt", "/b.txt", "/a.txt"]


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


def test_what_was_said_before_a_merge_is_not_said_again(world):
    """It comes a second time when the client has another thread already."""
    one, two = world.write("ann", "hello?"), world.write("bob", "hello!")
    card, clients = world.card(one), [world.admin.get(f"/threads/{t}")["thread"]["client"]["id"] for t in (one, two)]
    world.back.reply("once", "r1", card=card)
    world.wait_said(one)
    world.admin.post(f"/clients/{clients[1]}/merge", {"from": clients[0]})
    for n in ("r1", "r2", "r1"):
        world.back.reply("once" if n == "r1" else "more", n, card=card)
    world.back.reply("last", "r3", card=card)
    assert [m["text"] for m in world.wait_said(two, 2)] == ["more", "last"]
    assert [s["text"] for s in world.sent()] == ["once", "more", "last"]


# --- who is responsible, and what the card is called -------------------------------------------

def events(world, thread, kind="assigned"):
    return [m["event"] for m in world.admin.messages(thread) if m.get("event", {}).get("type") == kind]


def assignee(world, thread):
    return world.admin.get(f"/threads/{thread}")["thread"]["assignee"]


def told(receiver, thread):
    """To whom the thread was given, as the CRM was told."""
    return [m["event"]["to"] for m in receiver.messages() if m["thread"] == thread and
            m.get("event", {}).get("type") == "assigned"]


def done(world, thread, who="erp"):
    """What the CRM has sent so far about the card has been acted on, and all others have heard of it."""
    sender = world.back if who == "erp" else world.back_shop
    n = len(world.said(thread))
    sender.reply("mark", f"mark{random.random()}", card=world.card(thread, who), note=True)
    until(lambda: len(world.said(thread)) > n, 20 * SLOWER)


def test_a_responsible_goes_both_ways(world):
    for name in ("anna", "bert"):
        world.gateway.add_user(name)
    thread = world.write("ann", "hello?")
    card = world.card(thread)
    world.back.send("thread.assigned", {"card": card, "agent": "anna", "by": "Boss"})
    until(lambda: assignee(world, thread) == "anna", 20 * SLOWER)
    until(lambda: told(world.shop, thread) == ["anna"], 20 * SLOWER)
    assert events(world, thread) == [{"type": "assigned", "to": "anna", "by": "Boss"}]
    event = next(m for m in world.admin.messages(thread) if "event" in m)
    world.gateway.traced(event["id"], "card   erp: comes from there")
    world.admin.patch(f"/threads/{thread}", {"assignee": "bert"})
    until(lambda: told(world.erp, thread) == ["bert"], 20 * SLOWER)  # and never "anna", which is its own
    world.back.send("thread.assigned", {"card": card, "agent": "bert"})  # so it tells us what we told it
    done(world, thread)
    world.back.send("thread.assigned", {"card": card, "agent": None})
    until(lambda: assignee(world, thread) is None, 20 * SLOWER)
    assert [e["to"] for e in events(world, thread)] == ["anna", "bert", None]


def test_a_late_echo_changes_nothing(world):
    for name in ("anna", "bert"):
        world.gateway.add_user(name)
    thread = world.write("ann", "hello?")
    card = world.card(thread)
    for name in ("anna", "bert"):
        world.admin.patch(f"/threads/{thread}", {"assignee": name})
    until(lambda: told(world.erp, thread) == ["anna", "bert"], 20 * SLOWER)
    for name in ("anna", "bert"):
        world.back.send("thread.assigned", {"card": card, "agent": name})
    done(world, thread)
    assert assignee(world, thread) == "bert" and len(events(world, thread)) == 2
    world.back.send("thread.assigned", {"card": card, "agent": "anna"})  # that is no echo any more
    until(lambda: assignee(world, thread) == "anna", 20 * SLOWER)


def test_a_responsible_whom_we_do_not_know_is_a_dead_letter(world):
    thread = world.write("ann", "hello?")
    world.back.send("thread.assigned", {"card": world.card(thread), "agent": "carla"})
    [dead] = until(lambda: world.admin.get("/dead")["dead"], 20 * SLOWER)
    assert dead["queue"] == "from:erp" and '"carla" is not the name of an agent' in dead["error"]["text"]
    assert "from:erp" in world.gateway.cli("dead").stdout
    world.gateway.add_user("carla")
    world.gateway.cli("dead", "retry", dead["id"])
    until(lambda: assignee(world, thread) == "carla", 20 * SLOWER)
    assert not world.admin.get("/dead")["dead"]
    [kept] = world.gateway.redis.keys("sb:*:body:from:erp")
    until(lambda: world.gateway.redis.hgetall(kept) == {b"last": b"1", b"bytes": b"0"}, 10 * SLOWER)


def test_a_name_goes_both_ways(world):
    thread = world.write("ann", "hello?")
    card, client = world.card(thread), world.admin.get(f"/threads/{thread}")["thread"]["client"]["id"]
    told_before = len(world.erp.clients())
    world.back.send("client.renamed", {"card": card, "name": "Anna Petrovna"})
    until(lambda: world.admin.get(f"/clients/{client}")["client"]["name"] == "Anna Petrovna", 20 * SLOWER)
    until(lambda: world.shop.clients()[-1]["name"] == "Anna Petrovna", 20 * SLOWER)
    world.admin.patch(f"/clients/{client}", {"name": "Ann P."})
    until(lambda: world.erp.clients()[-1]["name"] == "Ann P.", 20 * SLOWER)
    assert len(world.erp.clients()) == told_before + 1  # not of its own
    world.back.send("client.renamed", {"card": card, "name": "Ann P."})
    world.back.send("client.renamed", {"card": "nobody's", "name": "x"})
    [dead] = until(lambda: world.admin.get("/dead")["dead"], 20 * SLOWER)
    assert dead["error"]["text"] == "no client of ours has this card"


def test_two_crms_that_echo_all_come_to_rest(world):
    """Each tells us at once of whatever we wrote there, and both change the same at the same time."""
    for name in ("anna", "bert"):
        world.gateway.add_user(name)
    thread = world.write("ann", "hello?")
    cards = {"erp": world.card(thread), "shop": world.card(thread, "shop")}

    def echo(sender, card):
        def tell(event):
            data = event["data"]
            if data.get("message", {}).get("event", {}).get("type") == "assigned":
                sender.send("thread.assigned", {"card": card, "agent": data["message"]["event"]["to"]})
            if event["type"] == "client.updated":
                sender.send("client.renamed", {"card": card, "name": data["client"]["name"]})
        return tell

    world.erp.after, world.shop.after = echo(world.back, cards["erp"]), echo(world.back_shop, cards["shop"])
    for n in range(4):
        world.back.send("thread.assigned", {"card": cards["erp"], "agent": "anna"})
        world.back_shop.send("thread.assigned", {"card": cards["shop"], "agent": "bert"})
        world.back.send("client.renamed", {"card": cards["erp"], "name": f"Erp {n}"})
        world.back_shop.send("client.renamed", {"card": cards["shop"], "name": f"Shop {n}"})
    before = None

    def at_rest():
        nonlocal before
        for who in cards:
            done(world, thread, who)
        now = len(events(world, thread)), len(world.erp.clients()), len(world.shop.clients())
        rested, before = now == before, now
        return rested

    until(at_rest, 60 * SLOWER, 0.5)
    assert len(events(world, thread)) <= 8 and not world.admin.get("/dead")["dead"]


# --- statuses ------------------------------------------------------------------------------------

def status_words(receiver, text):
    return [m["status"] for m in receiver.messages("message.updated") if m.get("text") == text]


@pytest.mark.parametrize("mode", ["none", "failed", "all"])
def test_statuses_as_asked_for(make, mode):
    world = make(f'statuses = "{mode}"')
    thread = world.write("ann", "hello?")
    for text in ("good", "!reject"):
        world.admin.post(f"/threads/{thread}/messages", {"id": text, "text": text})
    world.wait_said(thread, 2, ("sent", "failed"))
    r = world.gateway.hook({"thread": thread, "seq": 2, "status": "delivered"}, channel="test/receipt")
    assert r.status_code < 300
    until(lambda: world.said(thread)[0]["status"] == "delivered", 10 * SLOWER)
    world.back.reply("own", "r1", thread=thread)
    until(lambda: "sent" in status_words(world.erp, "own"), 20 * SLOWER)  # of its own it always hears
    if mode == "all":
        until(lambda: status_words(world.erp, "good")[-1:] == ["delivered"], 20 * SLOWER)
    else:
        assert status_words(world.erp, "good") == []
    if mode != "none":
        until(lambda: status_words(world.erp, "!reject") == ["failed"], 20 * SLOWER)
    assert mode != "none" or status_words(world.erp, "!reject") == []
    assert not world.shop.messages("message.updated")
    seqs = [m["seq"] for m in world.erp.messages() if m["thread"] == thread]
    assert seqs == sorted(seqs) and not world.erp.refused


# --- any other CRM: REST with a token ------------------------------------------------------------

def test_rest_with_a_token(world):
    token = world.gateway.cli("token", "add", "crm", "--role", "admin").stdout.split()[-1]
    api = Api(world.gateway.url, token)
    thread = world.write("ann", "hello?")
    got = api.get(f"/cards/erp/{world.card(thread)}")
    assert got["thread"]["id"] == thread and got["client"]["name"] == "Ann"
    assert api.ask("GET", "/cards/erp/nobody").status_code == 404
    said = {"text": "from the CRM", "origin": {"target": "erp", "id": "n77", "author": "Ivan"}}
    for n in range(2):
        api.post(f"/threads/{thread}/messages", {"id": f"k{n}", **said})
    [m] = world.wait_said(thread)
    assert m["origin"] == {"target": "erp", "id": "n77"} and m["from"] == {"kind": "crm", "name": "Ivan"}
    until(lambda: "sent" in status_words(world.erp, "from the CRM"), 20 * SLOWER)
    until(lambda: any(x.get("text") == "from the CRM" for x in world.shop.messages()), 20 * SLOWER)
    assert not any(x.get("text") == "from the CRM" for x in world.erp.messages())
    world.back.reply("from the CRM", "n77", thread=thread)  # told in two ways: one message
    world.back.reply("next", "n78", thread=thread)
    assert [m["text"] for m in world.wait_said(thread, 2)] == ["from the CRM", "next"]
    for origin in ({"target": "nobody", "id": "1"}, {"target": "erp"}, {"target": "erp", "id": ""}, "erp"):
        assert api.ask("POST", f"/threads/{thread}/messages", json={"text": "x", "origin": origin}).status_code == 400
    r = world.admin.ask("POST", f"/threads/{thread}/messages", json={"text": "x", "origin": {"target": "erp", "id": "1"}})
    assert r.status_code == 400 and "token" in r.json()["detail"]


def test_changes_by_rest_do_not_come_back(world):
    world.gateway.add_user("anna")
    api = Api(world.gateway.url, world.gateway.cli("token", "add", "crm", "--role", "admin").stdout.split()[-1])
    thread = world.write("ann", "hello?")
    client, origin = api.get(f"/threads/{thread}")["thread"]["client"]["id"], {"target": "erp"}
    until(lambda: world.shop.clients(), 10 * SLOWER)
    before = len(world.erp.clients())
    api.patch(f"/threads/{thread}", {"assignee": "anna", "origin": origin})
    api.patch(f"/clients/{client}", {"name": "Anna P.", "origin": origin})
    until(lambda: told(world.shop, thread) == ["anna"] and world.shop.clients()[-1]["name"] == "Anna P.", 20 * SLOWER)
    world.admin.patch(f"/threads/{thread}", {"assignee": None})
    until(lambda: told(world.erp, thread) == [None], 20 * SLOWER)
    assert len(world.erp.clients()) == before
    for path in (f"/threads/{thread}", f"/clients/{client}"):
        change = {"assignee": "anna"} if "thread" in path else {"name": "x"}
        assert world.admin.ask("PATCH", path, json={**change, "origin": origin}).status_code == 400
        for bad in ({"target": "nobody"}, {}, "erp"):
            assert api.ask("PATCH", path, json={**change, "origin": bad}).status_code == 400


def test_too_many_that_wait_are_put_off(world):
    thread = world.write("ann", "hello?")
    for shard in range(16):
        world.gateway.redis.hset(f"sb:{{s{shard}}}:body:from:erp", "bytes", 32 << 20)
    r = world.back.send("message.reply", {"id": "r1", "thread": thread, "text": "x"}, id="evt_full")
    assert r.status_code == 503 and int(r.headers["Retry-After"]) > 0
    for shard in range(16):
        world.gateway.redis.hset(f"sb:{{s{shard}}}:body:from:erp", "bytes", 0)
    assert world.back.send("message.reply", {"id": "r1", "thread": thread, "text": "x"}, id="evt_full").status_code == 200
    world.wait_said(thread)
