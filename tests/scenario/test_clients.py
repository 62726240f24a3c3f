"""Clients: two become one and two again with all that was theirs; who may be the same; all of one's data in a file, and
gone for good (152-FZ, GDPR)."""
import asyncio
import json
import pathlib
import threading

import pytest
from clients import own_id
from fakes.webhook import Receiver
from fakes.wire import Answer
from harness import CONFIG, SLOWER, until
from telegram_world import Telegram

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000100000000376ef9240000000a"
                    "49444154789c636000000002000148afa4710000000049454e44ae426082")


def write(g, who, text, name=None):
    """The thread of one who writes."""
    return g.hook({"from": {"address": who, "name": name or who.title()}, "id": own_id(), "text": text}).json()["thread"]


def client_of(api, thread):
    return api.get("/threads/" + thread)["thread"]["client"]["id"]


def look(api, thread):
    return api.get("/threads/" + thread)["thread"]


def said(api, thread):
    return [m["text"] for m in api.messages(thread) if m["direction"] in ("in", "out") and not m.get("moved_to")]


def events(api, thread, kind):
    return [m["event"] for m in api.messages(thread) if m["direction"] == "event" and m["event"]["type"] == kind]


def waiting(g):
    """Who waits for an answer, by since when, over all shards."""
    return {t.decode(): int(s) for k in g.redis.scan_iter("sb:*:waiting") for t, s in g.redis.zrange(k, 0, -1, withscores=True)}


def end_now(g):
    """Half a minute goes by: what was begun and not ended is ended by the shards' owners."""
    db = g.redis
    for key in db.scan_iter("sb:*:unfinished"):
        for what in db.zrange(key, 0, -1):
            db.zadd(key, {what: 1}, xx=True)


def nothing_is_left_over(g):
    def look():
        end_now(g)
        return not list(g.redis.scan_iter("sb:*:unfinished"))
    until(look, 20 * SLOWER, 0.2, why="for what was begun")


def killed_during(g, change):
    """All workers are killed once it has begun: some of it is done, the rest is not."""
    def ask():
        try:
            change()
        except OSError:
            pass  # its worker was killed
    t = threading.Thread(target=ask)
    t.start()
    until(lambda: g.redis.keys("sb:*:unfinished") or not t.is_alive(), 20 * SLOWER, 0.001, why="for it to begin")
    for i in range(len(g.worker_pids())):
        g.kill_worker(index=i)
    t.join()
    until(g.is_ready, 20 * SLOWER)


def counted(api):
    """What the inbox counts, but for who asks."""
    return {k: v for k, v in api.get("/counts")["counts"].items()}


def test_who_waits_still_waits_after_a_merge(gateway):
    """The known defect: nobody is forgotten. And the answer to him is a first answer in the reports."""
    g, api = gateway, gateway.login()
    ann, bob = write(g, "ann", "all is well"), write(g, "bob", "where is my order?")
    api.post(f"/threads/{ann}/messages", {"text": "glad to hear it"})
    api.patch(f"/threads/{ann}", {"state": "closed"})
    since = look(api, bob)["waiting_since"]
    assert since and look(api, ann)["waiting_since"] is None
    for _ in range(2):
        api.post(f"/clients/{client_of(api, ann)}/merge", {"from": client_of(api, bob)})
    t = look(api, ann)
    assert (t["waiting_since"], t["state"], t["unread"]) == (since, "open", 2)
    assert set(waiting(g)) == {ann} and not list(g.redis.scan_iter("sb:*:unfinished"))
    assert len(events(api, ann, "merged")) == 1
    before = api.get("/reports")
    assert before["now"]["waiting"] == 1
    api.post(f"/threads/{ann}/messages", {"text": "it is on its way"})
    assert waiting(g) == {} and look(api, ann)["waiting_since"] is None
    after = api.get("/reports")
    assert after["totals"]["first"]["n"] + after["totals"]["next"]["n"] == before["totals"]["first"]["n"] + before["totals"]["next"]["n"] + 1
    assert after["totals"]["in"] == 2 and after["totals"]["lost"] == 0


def test_a_merge_that_stopped_on_the_way_is_ended_by_the_owner(gateway):
    """F01. Killed after the one who goes was marked, before the other thread knew that he waits."""
    g, api = gateway, gateway.login()
    ann, bob = write(g, "ann", "hello"), write(g, "bob", "hello?")
    api.post(f"/threads/{ann}/messages", {"text": "good day"})
    a, b = client_of(api, ann), client_of(api, bob)
    since = waiting(g)[bob]
    api.post(f"/clients/{a}/merge", {"from": b})
    db = g.redis
    shard = {k.decode().split(":")[-1]: k.decode().split("client:")[0] for k in db.scan_iter("sb:*:client:*")}
    kept = json.loads(db.hget(f"{shard[a]}client:{a}", "g:" + b))
    del kept["carried"]
    db.hset(f"{shard[a]}client:{a}", "g:" + b, json.dumps(kept))
    db.hdel(f"{shard[a]}thread:{ann}", "waiting")
    db.zrem(f"{shard[a]}waiting", ann)
    db.zadd(f"{shard[b]}unfinished", {f"merge {b} {a} admin": 1})
    until(lambda: waiting(g) == {ann: since}, 20 * SLOWER, why="for the owner")
    until(lambda: not list(db.scan_iter("sb:*:unfinished")), 20 * SLOWER)
    assert len(events(api, ann, "merged")) == 1


def test_an_undone_merge_gives_everything_back(gateway):
    g, api = gateway, gateway.login()
    g.add_user("ann")
    one, two = write(g, "one", "first of one"), write(g, "two", "first of two")
    api.patch("/threads/" + two, {"labels": ["vip", "ю"], "assignee": "ann"})
    api.post(f"/threads/{one}/messages", {"text": "answer to one"})
    api.patch("/threads/" + one, {"state": "closed"})
    a, b = client_of(api, one), client_of(api, two)
    before = {t: look(api, t) for t in (one, two)}
    clients = {c: api.get("/clients/" + c)["client"] for c in (a, b)}
    counts, labels, waited = counted(api), api.get("/labels"), waiting(g)
    until(lambda: all(api.get("/clients/" + c)["client"]["cards"] for c in (a, b)), 20 * SLOWER, why="for the cards")
    merged = api.post(f"/clients/{a}/merge", {"from": b})["client"]
    assert [m["client"] for m in merged["merges"]] == [b] and merged["merges"][0]["by"] == "admin"
    assert counted(api) != counts
    # While they are one: he writes, is answered, writes again; an agent notes something.
    write(g, "two", "second of two")
    m = api.post(f"/threads/{one}/messages", {"text": "answer to two"})["message"]["id"]
    until(lambda: next(x for x in api.messages(one) if x["id"] == m)["status"] == "sent", 20 * SLOWER)
    write(g, "two", "third of two")
    api.post(f"/threads/{one}/messages", {"text": "for us", "note": True})
    totals = api.get("/reports")["totals"]
    for _ in range(2):
        back = api.post(f"/clients/{a}/unmerge", {"from": b})["client"]
        assert "merges" not in back and [i["address"] for i in back["identities"]] == ["one"]
    assert said(api, one) == ["first of one", "answer to one"]
    assert said(api, two) == ["first of two", "second of two", "answer to two", "third of two"]
    moved = [m for m in api.messages(one) if m.get("moved_to")]
    assert len(moved) == 3 and all(m["moved_to"] == two and "text" not in m for m in moved)
    assert [m["text"] for m in api.messages(one) if m["direction"] == "note"] == ["for us"]
    now = {t: look(api, t) for t in (one, two)}
    for key in ("state", "assignee", "labels", "channel", "merged_into", "blocked", "client"):
        assert {t: now[t][key] for t in now} == {t: before[t][key] for t in before}, key
    assert now[two]["waiting_since"] and now[one]["waiting_since"] is None  # he has asked a third thing
    assert set(waiting(g)) == {two} and set(waited) == {two}
    assert counted(api) == counts and api.get("/labels") == labels
    for c in (a, b):
        assert api.get("/clients/" + c)["client"]["identities"] == clients[c]["identities"]
        assert api.get("/clients/" + c)["client"]["threads"] == clients[c]["threads"]
    assert len(events(api, one, "unmerged")) == len(events(api, two, "unmerged")) == 1
    assert api.get("/reports")["totals"] == totals
    # An answer goes to whom it is for, and who writes is himself.
    write(g, "two", "fourth of two")
    write(g, "one", "second of one")
    assert said(api, two)[-1] == "fourth of two" and said(api, one)[-1] == "second of one"
    # Once more, and back: each merge is one of its own.
    api.post(f"/clients/{a}/merge", {"from": b})
    api.post(f"/clients/{a}/unmerge", {"from": b})
    assert len(events(api, one, "merged")) == len(events(api, one, "unmerged")) == 2
    assert said(api, two)[-1] == "fourth of two" and set(waiting(g)) == {one, two}
    # Each has a card of his own with what is his.
    nothing_is_left_over(g)
    def cards():
        card = {m["id"]: m for m in g.card_messages()}
        return [m["text"] for m in card.values() if m["thread"] == two and m["direction"] != "event" and "text" in m]
    until(lambda: sorted(cards()) == sorted(said(api, two)), 20 * SLOWER, why="for the card of the second")
    tell = [api.get("/clients/" + c)["client"]["card"]["main"]["id"] for c in (a, b)]
    assert tell[0] != tell[1]


@pytest.mark.long
def test_an_undone_merge_through_kill_9(gateway):
    """F01. Wherever it stops: it is ended, each message stands in one thread once, and nobody is forgotten."""
    g, api = gateway, gateway.login()
    one, two = write(g, "one", "first of one"), write(g, "two", "first of two")
    a, b = client_of(api, one), client_of(api, two)
    mine, his = ["first of one"], ["first of two"]
    for turn in range(2):
        api.post(f"/clients/{a}/merge", {"from": b})
        for i in range(12):
            his.append(f"{turn} {i} of two")
            write(g, "two", his[-1])
        mine.append(f"{turn} of one")
        write(g, "one", mine[-1])

        killed_during(g, lambda: api.ask("POST", f"/clients/{a}/unmerge", json={"from": b}))
        api = g.login()
        nothing_is_left_over(g)
        assert api.get("/clients/" + b)["client"]["merged_into"] is None
        assert said(api, one) == mine and said(api, two) == his
        assert set(waiting(g)) == {one, two}
        assert len(events(api, one, "unmerged")) == len(events(api, two, "unmerged")) == turn + 1


@pytest.fixture
def telegram(making):
    return making(Telegram)


def test_a_merge_is_suggested_on_proof_only(telegram):
    """The same number, proven by both; not the same name, nor a number that somebody only says."""
    api = telegram.api
    ann, other, namesake = telegram.user(42, "Ann"), telegram.user(43, "Anna"), telegram.user(44, "Ann B")
    for who in (ann, other, namesake):
        who.text("hello")
    names = {n: until(lambda n=n: telegram.thread_of(n), 20 * SLOWER) for n in ("Ann", "Anna", "Ann B")}
    clients = {n: client_of(api, t) for n, t in names.items()}
    api.patch("/clients/" + clients["Ann B"], {"name": "Ann", "phone": "+79991234567"})
    ann.contact(own=True)
    namesake.contact(own=False)  # somebody's, which he sends
    until(lambda: any(i["kind"] == "phone" for i in api.get("/clients/" + clients["Ann"])["client"]["identities"]), 20 * SLOWER)

    def suggested(name):
        return [(s["client"]["id"], s["kind"], s["address"]) for s in api.get(f"/clients/{clients[name]}/suggestions")["suggestions"]]
    assert [suggested(n) for n in clients] == [[], [], []]
    other.contact(own=True)
    until(lambda: suggested("Anna"), 20 * SLOWER, why="for what both have proven")
    assert suggested("Anna") == [(clients["Ann"], "phone", "+79991234567")]
    assert suggested("Ann") == [(clients["Anna"], "phone", "+79991234567")] and suggested("Ann B") == []
    # Nobody is merged by himself; done by a person, it is suggested no more, and undone again.
    assert look(api, names["Anna"])["merged_into"] is None
    api.post(f"/clients/{clients['Ann']}/merge", {"from": clients["Anna"]})
    assert suggested("Ann") == [] and suggested("Anna") == []
    api.post(f"/clients/{clients['Ann']}/unmerge", {"from": clients["Anna"]})
    assert suggested("Ann") and suggested("Anna")


def test_a_suggestion_is_dismissed_until_there_is_another_proof(telegram):
    """A person says that they are two: neither has it any more, the same proof changes nothing, another one does."""
    api = telegram.api
    ann, other = telegram.user(42, "Ann"), telegram.user(43, "Anna")
    for who in (ann, other):
        who.text("hello")
    clients = {n: client_of(api, until(lambda n=n: telegram.thread_of(n), 20 * SLOWER)) for n in ("Ann", "Anna")}

    def suggested(name):
        return [s["address"] for s in api.get(f"/clients/{clients[name]}/suggestions")["suggestions"]]

    def proves(who, name, phone):
        before = len(telegram.messages(name))
        who.contact(own=True, phone=phone)
        until(lambda: len(telegram.messages(name)) > before, 20 * SLOWER)
    proves(ann, "Ann", "+79991234567")
    proves(other, "Anna", "+79991234567")
    until(lambda: suggested("Ann") and suggested("Anna"), 20 * SLOWER)
    path = f"/clients/{clients['Anna']}/suggestions/{clients['Ann']}"
    assert api.ask("DELETE", path).status_code == 204
    assert suggested("Ann") == [] and suggested("Anna") == []
    assert api.ask("DELETE", path).status_code == 404
    proves(other, "Anna", "+79991234567")
    assert suggested("Ann") == [] and suggested("Anna") == []
    proves(ann, "Ann", "+79997654321")
    proves(other, "Anna", "+79997654321")
    until(lambda: suggested("Ann") == suggested("Anna") == ["+79997654321"], 20 * SLOWER)
    proves(other, "Anna", "+79991234567")  # the old one again hides nothing
    assert suggested("Anna") == ["+79997654321"]


def test_export_has_all_of_one_client_and_nothing_of_others(gateway):
    g, api = gateway, gateway.login()
    one, two, other = write(g, "one", "first of one"), write(g, "two", "first of two"), write(g, "eve", "secret of eve")
    file = api.post("/media?name=plan.png", None, data=PNG)["media"]["id"]
    api.post(f"/threads/{one}/messages", {"text": "the plan", "attachments": [file], "note": True})
    api.post(f"/threads/{one}/messages", {"text": "he is nice", "note": True})
    for i in range(120):  # more than a page
        api.post(f"/threads/{one}/messages", {"text": f"answer {i}"})
    c = client_of(api, one)
    api.post(f"/clients/{c}/merge", {"from": client_of(api, two)})
    r = api.ask("GET", f"/clients/{c}/export")
    assert r.status_code == 200 and r.headers["Content-Disposition"] == f'attachment; filename="client-{c}.jsonl"'
    lines = [json.loads(line) for line in r.text.splitlines()]
    assert lines[0]["type"] == "export" and lines[1]["client"]["id"] == c and lines[-1]["type"] == "end"
    messages = [x for x in lines if x["type"] == "message"]
    whole = [m for t in (one, two) for m in api.messages(t)]
    assert {m["message"]["id"] for m in messages} == {m["id"] for m in whole} and len(messages) == len(whole) == lines[-1]["messages"]
    assert {m["message"]["text"] for m in messages if m["internal"] and "text" in m["message"]} == {"he is nice", "the plan"}
    assert [x["file"]["id"] for x in lines if x["type"] == "file"] == [file]
    assert api.http.get(g.url + next(x["url"] for x in lines if x["type"] == "file")).content == PNG
    assert "secret of eve" not in r.text
    got, cursor = [], None
    for _ in range(10):
        page = api.get(f"/clients/{c}/files", limit=1, **({"cursor": cursor} if cursor else {}))
        got, cursor = got + page["files"], page["next"]
        if not cursor:
            break
    assert [f["file"]["id"] for f in got] == [file] and got[0]["thread"] == one
    assert api.get(f"/clients/{client_of(api, other)}/files") == {"files": [], "next": None}


# --- erasure ------------------------------------------------------------------------------------

STRINGS = ["Zinaida", "zinaida-4711", "+79995554433", "zina@example.org", "passport 4509", "plan-of-zina", "secret draft",
           "she is from Perm", "second of zina"]


def in_redis(g):
    """Where any of the client's words is, in any key's name or value."""
    db, found = g.redis, []
    for key in db.scan_iter("*", count=1000):
        kind = db.type(key)
        if kind == b"none":
            continue  # it has run out meanwhile
        value = {b"string": lambda k: db.get(k), b"hash": lambda k: db.hgetall(k), b"zset": lambda k: db.zrange(k, 0, -1),
                 b"set": lambda k: db.smembers(k), b"list": lambda k: db.lrange(k, 0, -1),
                 b"stream": lambda k: db.xrange(k)}[kind](key)
        text = (key + b" " + repr(value).encode() + (b"".join(value.values()) if kind == b"hash" else b"")).decode(errors="replace")
        found += [(key, s) for s in STRINGS if s in text]
    return found


def in_files(folder):
    return [(p, s) for p in pathlib.Path(folder).rglob("*") if p.is_file() and not p.is_symlink()
            for s in STRINGS if s.encode() in p.read_bytes()]


def fill(g, api):
    """A client with everything that one may leave behind."""
    thread = write(g, "zinaida-4711", "my passport 4509", name="Zinaida")
    c = client_of(api, thread)
    api.patch("/clients/" + c, {"phone": "+79995554433", "email": "zina@example.org", "note": "she is from Perm"})
    file = api.post("/media?name=plan-of-zina.png", None, data=PNG)["media"]["id"]
    api.post(f"/threads/{thread}/messages", {"text": "Zinaida, here is plan-of-zina", "attachments": [file], "note": True})
    api.post(f"/threads/{thread}/messages", {"text": "she is from Perm", "note": True})
    api._good(api.ask("PUT", f"/threads/{thread}/draft", json={"text": "secret draft"}))
    second = write(g, "zinaida-4711-b", "second of zina", name="Zinaida B")
    b = client_of(api, second)
    crms = len(api.get("/targets")["targets"])
    until(lambda: len(api.get("/clients/" + b)["client"]["cards"]) == crms, 30 * SLOWER, why="for his cards, which he has before he is another")
    api.post(f"/clients/{c}/merge", {"from": b})
    until(lambda: len([m for m in g.card_messages() if m["thread"] in (thread, second)]) >= 5, 30 * SLOWER, why="for the card")
    return thread, second, c, file


def heard(api, thread, wanted):
    until(lambda: {t: v["how"] for t, v in api.get("/threads/" + thread)["client"]["erased"]["told"].items()} == wanted,
          30 * SLOWER, why="for the CRMs")


def test_erasure_leaves_no_byte_and_reports_agree(start_gateway):
    with Receiver([SECRET]) as receiver:
        section = f'webhook "erp" {{{{ url = "{receiver.url}/in" secret = {{{{"{SECRET}"}}}} allow_private = true }}}}\n'
        g = start_gateway(config=CONFIG + section)
        api = g.login()
        other = write(g, "eve", "hello from eve")
        thread, second, c, file = fill(g, api)
        until(lambda: not any(g.redis.xlen(k) for k in g.redis.scan_iter("sb:*:crm:erp")), 30 * SLOWER, why="for the other CRM")
        totals = api.get("/reports")["totals"]
        assert in_redis(g) and in_files(g.data / "media") == [] and (g.data / "cards.db").exists()
        gone = api.post(f"/clients/{c}/erase", {"reason": "letter of 2026-11-23", "confirm": "Zinaida"})["client"]
        assert gone["erased"]["by"] == "admin" and set(gone["erased"]["told"]) == {"main", "erp"}
        heard(api, thread, {"main": "deleted", "erp": "noted"})
        heard(api, second, {"main": "deleted", "erp": "noted"})
        until(lambda: not list(g.redis.scan_iter("sb:*:unfinished")), 20 * SLOWER, why="for its end")
        assert in_redis(g) == []
        assert api.ask("GET", "/media/" + file).status_code == 404
        assert not [p for p in (g.data / "media").rglob("*") if p.name == file]
        assert [x for x in in_files(g.data) if "cards.db" in str(x[0])] == []
        # The other CRM was told of each, and of the whole.
        erased = [e["data"]["message"] for e in receiver.events if e["type"].startswith("message.") and
                  e["data"]["message"].get("erased")]
        assert any(m.get("event", {}).get("type") == "erased" for m in erased)
        assert all("text" not in m for m in erased)
        # What stays agrees with the reports, and is not in the way of others.
        assert api.get("/reports")["totals"] == totals
        left = api.messages(thread)
        assert [m["seq"] for m in left] == list(range(1, len(left) + 1)) and all(m["erased"] for m in left)
        assert thread not in [t["id"] for t in api.threads()] and said(api, other) == ["hello from eve"]
        assert api.get("/threads", q="passport")["threads"] == []
        assert api.ask("POST", f"/threads/{thread}/messages", json={"text": "hello?"}).status_code == 409
        assert [(e["by"], e["subject"]) for e in api.get("/audit", what="client.erased")["entries"]] == [("admin", c)]
        # He is somebody new when he comes again.
        new = write(g, "zinaida-4711", "hello again", name="Zinaida")
        assert new not in (thread, second) and said(api, new) == ["hello again"]


def test_an_erasure_is_heard_by_a_crm_that_was_being_told_of_him(start_gateway):
    """What it has already and was to get again; and what is on its way to it."""
    with Receiver([SECRET]) as receiver:
        section = f'webhook "erp" {{{{ url = "{receiver.url}/in" secret = {{{{"{SECRET}"}}}} allow_private = true }}}}\n'
        g = start_gateway(config=CONFIG + section)
        api = g.login()
        thread = write(g, "zinaida", "passport 4711", name="Zinaida")
        until(lambda: receiver.messages(), 30 * SLOWER)
        g.traced(api.messages(thread)[0]["id"], "card   erp: has it since")
        receiver.spoil = lambda e: Answer(503, {})
        g.cli("crm", "replay", "erp", "--thread", thread)
        g.traced(api.messages(thread)[0]["id"], "again ", "card_retry")
        slow = []
        receiver.delay = lambda request: slow.append(1) and None if b"on its way" not in request.body else slow.append(2) or 3
        receiver.spoil = lambda e: Answer(503, {}) if "4711" in str(e) else None
        other = write(g, "zinaida-2", "on its way", name="Zinaida")
        until(lambda: 2 in slow, 30 * SLOWER)
        for t in (thread, other):
            api.post(f"/clients/{client_of(api, t)}/erase", {"reason": "letter", "confirm": "Zinaida"})
        receiver.spoil = receiver.delay = None

        def erased():
            return {m["id"] for kind in ("message.created", "message.updated") for m in receiver.messages(kind) if m.get("erased")}
        wanted = {api.messages(t)[0]["id"] for t in (thread, other)}
        until(lambda: wanted <= erased(), 30 * SLOWER, why=f"for {wanted}: {erased()}")
        assert "on its way" in [m.get("text") for m in receiver.messages()], "it came before it was erased"


@pytest.mark.long
def test_erasure_through_kill_9(gateway):
    """F01. Wherever it stops, the owner ends it."""
    g, api = gateway, gateway.login()
    thread, second, c, file = fill(g, api)
    for i in range(150):
        api.post(f"/threads/{thread}/messages", {"text": f"Zinaida {i}"})

    killed_during(g, lambda: api.ask("POST", f"/clients/{c}/erase", json={"reason": "asked", "confirm": "Zinaida"}))
    nothing_is_left_over(g)
    api = g.login()
    gone = api.get("/clients/" + c)["client"]["erased"]
    assert (gone["by"], gone["reason"]) == ("admin", "asked")
    heard(api, thread, {"main": "deleted"})
    heard(api, second, {"main": "deleted"})
    assert in_redis(g) == [] and all(m["erased"] for m in api.messages(thread) + api.messages(second))
    assert [x for x in in_files(g.data) if "cards.db" in str(x[0])] == []


def test_a_file_that_is_fetched_while_its_client_is_erased_goes(telegram):
    """However far the erasure is when it has come: nobody shows it, so neither it nor what is known of it stays."""
    g, api, db, begun, go_on = telegram.gateway, telegram.api, telegram.gateway.redis, [], threading.Event()
    send_file = telegram.fake._file

    async def held_back(token, path):
        begun.append(path)
        await asyncio.to_thread(go_on.wait, 60)
        return await send_file(token, path)

    def shown(name):
        return [a["id"] for m in telegram.messages(name) for a in m.get("attachments", []) if a.get("id")]

    def kept():
        return {p.name for p in (g.data / "media").rglob("*") if p.is_file()}, {k.decode().rpartition(":")[2] for k in db.scan_iter("sb:*:media:*")}
    ann, bob, eve = (telegram.user(n, name) for n, name in ((42, "Ann"), (43, "Bob"), (44, "Eve")))
    for who, name in ((ann, "Ann"), (bob, "Bob")):
        who.document()
        until(lambda name=name: shown(name), 20 * SLOWER, why="for a file of before")
    bobs = set(shown("Bob"))
    telegram.fake._file = held_back
    ann.document()
    bob.document()
    until(lambda: len(begun) == 2, 20 * SLOWER, why="for two fetches to begin")
    threads = {name: telegram.thread_of(name) for name in ("Ann", "Bob")}
    api.post(f"/clients/{client_of(api, threads['Ann'])}/erase", {"reason": "letter", "confirm": "Ann"})  # all is done
    db.hset(next(db.scan_iter("sb:*:thread:" + threads["Bob"])), "erased", 1)  # erase_thread.lua was there, erase_log.lua was not
    telegram.fake._file = send_file
    go_on.set()
    eve.document()
    until(lambda: shown("Eve"), 20 * SLOWER, why="for a file of after")
    until(lambda: kept() == (bobs | set(shown("Eve")),) * 2, 10 * SLOWER, why="for the others to go")
    assert not shown("Ann") and set(shown("Bob")) == bobs
