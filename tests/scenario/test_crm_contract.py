"""What every CRM's adapter must do (crm.md 8.2), each against the same questions. Tryton is the real server."""
import json
import random
import re
import threading
import time

import pytest

from clients import Api
from crm_targets import OVER_THE_NET, TARGETS
from fakes.wire import Answer
from harness import CONFIG, SLOWER, until

WRITINGS = [lambda a, b, c, d: f"+7 {a} {b}-{c}-{d}", lambda a, b, c, d: f"8 ({a}) {b}-{c}-{d}",
            lambda a, b, c, d: f"7{a}{b}{c}{d}", lambda a, b, c, d: f"{a} {b}{c}{d}"]


class World:
    def __init__(self, target, start_gateway, extra=""):
        self.target = target
        self.gateway = start_gateway(config=CONFIG + target.section(extra),
                                     sets=["media.max_size=30M", "public_url=https://chat.example.org"])
        self.admin = self.gateway.login()

    def write(self, who, text, **kw):
        body = {"from": {"address": who, "name": who.title(), **kw}, "id": f"{who}-{random.random()}", "text": text}
        r = self.gateway.hook(body)
        assert r.status_code == 200, r.text
        return r.json()

    def card_of(self, thread):
        """What the gateway calls the client's card; None: not known yet."""
        client = self.admin.get(f"/threads/{thread}")["thread"]["client"]["id"]
        return self.admin.get(f"/clients/{client}")["client"]["cards"].get("crm", {}).get("id")

    def wait_card(self, thread):
        return until(lambda: self.card_of(thread), 30 * SLOWER, why=f"for a card;\n{self.gateway.log()[-2000:]}")

    def wait_history(self, card, n, timeout=30):
        until(lambda: len(self.target.history(card)) >= n, timeout * SLOWER, 0.1,
              f"for {n} entries;\n{self.gateway.log()[-2000:]}")
        return self.target.history(card)

    def dead(self):
        return self.admin.get("/dead")["dead"]


@pytest.fixture(scope="module", params=TARGETS, ids=lambda t: t.name)
def server(request):
    target = request.param()
    yield target
    target.close()


# What goes wrong on the way to a CRM.
over_the_net = pytest.mark.parametrize("server", OVER_THE_NET, ids=lambda t: t.name, indirect=True)


@pytest.fixture
def world(server, start_gateway):
    """A server for all tests of the file, with cards of one's own in each."""
    yield World(server, start_gateway)
    behave(server)


@pytest.fixture
def world_with_notes(server, start_gateway):
    yield World(server, start_gateway, "notes = true")
    behave(server)


def behave(server):
    server.proxy.before = server.proxy.after = None
    server.proxy.delay = 0


def own(name):
    return name + "".join(random.choices("abcdefghijklmnop", k=8))


def number():
    return f"+7900{random.randrange(10 ** 7):07d}"


def texts(history):
    """The line under the headline of each."""
    return [h.split("\n")[1] if "\n" in h else h for h in history]


def marks(history):
    return [re.findall(r"#[0-9A-Z]{26}", h)[-1] for h in history]


def test_a_dialogue_is_on_a_new_card_in_order(world):
    who = own("ann")
    thread = world.write(who, "first <b>&amp; [b]**x**")["thread"]
    card = world.wait_card(thread)
    for n in range(5):
        world.write(who, f"text {n}")
    admin = world.admin
    admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "our answer"})
    admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "between us", "note": True})
    world.write(who, "last")
    history = world.wait_history(card, 8)
    assert texts(history) == ["first <b>&amp; [b]**x**", *[f"text {n}" for n in range(5)], "our answer", "last"]
    assert history[0].startswith(f"{who.title()}, loopback test, ") and history[6].startswith("agent ")
    assert world.target.cards()[card] == who.title()
    assert ("other", f"loopback:{who}") in world.target.ways(card)
    world.gateway.traced(admin.messages(thread)[0]["id"], "card   crm: has it since")


@pytest.mark.parametrize("writing", range(4))
def test_found_by_a_proven_number_in_any_writing(world, writing):
    mine = number()
    there = world.target.add_old_card(own("Old friend "), WRITINGS[writing](mine[2:5], mine[5:8], mine[8:10], mine[10:]))
    world.target.add_card(own("Somebody else "), ("phone", number()))
    before = world.target.cards()
    thread = world.write(mine, "hello", kind="phone", verified=True)["thread"]
    assert world.wait_card(thread) == there and world.target.cards() == before
    world.wait_history(there, 1)


def test_a_number_that_is_only_claimed_opens_nobody_s_card(world):
    mine = number()
    there = world.target.add_card(own("Ann "), ("phone", mine))
    thread = world.write(mine, "it is me, really", kind="phone")["thread"]
    card = world.wait_card(thread)
    assert card != there
    world.wait_history(card, 1)
    assert not world.target.history(there)


def test_two_who_fit_are_nobody(world):
    mine = number()
    both = {world.target.add_card(own("Ann "), ("phone", mine)), world.target.add_card(own("Bob "), ("mobile", mine))}
    thread = world.write(mine, "who am I?", kind="phone", verified=True)["thread"]
    card = world.wait_card(thread)
    assert card not in both and not any(world.target.history(c) for c in both)
    assert "crm.ambiguous" in world.gateway.log()


@over_the_net
def test_a_lost_answer_makes_no_second_card(world):
    lost = []

    def lose(request, answer):
        if world.target.is_create(request) and len(lost) < 2:
            lost.append(1)
            return Answer(200, b"", spoil=("lose", "reset")[len(lost) - 1])

    world.target.proxy.after = lose
    who = own("ann")
    card = world.wait_card(world.write(who, "hello")["thread"])
    world.wait_history(card, 1)
    assert lost and [n for n in world.target.cards().values() if n == who.title()] == [who.title()]


@over_the_net
def test_a_lost_answer_makes_no_second_entry(world):
    lost = []

    def lose(request, answer):
        if world.target.is_write(request) and len(lost) < 3:
            lost.append(1)
            return Answer(200, b"", spoil=("lose", "reset", "cut")[len(lost) - 1])

    world.target.proxy.after = lose
    who = own("ann")
    thread = world.write(who, "one")["thread"]
    card = world.wait_card(thread)
    for text in ("two", "three"):
        world.write(who, text)
    history = world.wait_history(card, 3, 60)
    until(lambda: len(lost) == 3, 30 * SLOWER)
    world.write(who, "four")
    history = world.wait_history(card, 4, 60)
    assert texts(history) == ["one", "two", "three", "four"] and len(set(marks(history))) == 4


@over_the_net
@pytest.mark.parametrize("answer", [
    Answer(502, b"<html><h1>Bad Gateway</h1>", type="text/html"), Answer(503, b""),
    Answer(429, b"", headers=["Retry-After: 1"]), Answer(429, b""), Answer(200, b"", spoil="reset"),
], ids=["502", "503", "429-after", "429", "reset"])
def test_what_passes_is_tried_again(world, answer):
    spoilt = []
    world.target.proxy.before = lambda r: spoilt.append(1) or answer if len(spoilt) < 2 else None
    who = own("ann")
    thread = world.write(who, "one")["thread"]
    world.write(who, "two")
    history = world.wait_history(world.wait_card(thread), 2, 60)
    assert texts(history) == ["one", "two"] and len(spoilt) == 2 and not world.dead()


@over_the_net
@pytest.mark.parametrize("answer", [
    Answer(200, b"<html>hello"), Answer(200, b'{"id":1,"result":[1'), Answer(204, b""), Answer(200, b"x" * (30 << 20)),
    Answer(200, {}), Answer(200, [])], ids=["html", "cut", "204", "30MB", "empty", "list"])
def test_nonsense_is_survived(world, answer):
    """An answer that makes no sense is no success: the message waits, or is a dead letter that says why; then all goes on."""
    who = own("ann")
    thread = world.write(who, "one")["thread"]
    card = world.wait_card(thread)
    world.wait_history(card, 1)
    spoilt = []
    world.target.proxy.before = lambda r: spoilt.append(1) or answer if world.target.is_write(r) and not spoilt else None
    world.write(who, "two")
    until(lambda: spoilt, 20 * SLOWER)
    world.write(who, "three")
    until(lambda: "three" in texts(world.target.history(card)), 60 * SLOWER, 0.1)
    for d in world.dead():
        world.gateway.cli("dead", "retry", d["id"])
    history = world.wait_history(card, 3, 60)
    assert sorted(texts(history)) == ["one", "three", "two"]


@over_the_net
def test_a_session_that_ends_is_had_anew_once(world):
    who = own("ann")
    thread = world.write(who, "0")["thread"]
    card = world.wait_card(thread)
    for n in range(1, 4):
        world.target.end_sessions()
        world.write(who, str(n))
        world.wait_history(card, n + 1)
    assert texts(world.target.history(card)) == ["0", "1", "2", "3"] and not world.dead()
    assert "event=crm.refused" not in world.gateway.log()


@over_the_net
def test_a_lost_right_loses_no_message(world):
    world.target.proxy.before = lambda r: Answer(401, b"")
    who = own("ann")
    thread = world.write(who, "one")["thread"]
    world.write(who, "two")
    until(lambda: "event=crm.refused" in world.gateway.log(), 20 * SLOWER)
    world.target.proxy.before = None
    assert texts(world.wait_history(world.wait_card(thread), 2, 60)) == ["one", "two"] and not world.dead()


@over_the_net
def test_a_right_that_is_lost_in_the_middle_doubles_nothing(world):
    """What the CRM has of a message when it does not know us any more is looked for."""
    who = own("ann")
    card = world.wait_card(world.write(who, "one")["thread"])
    world.wait_history(card, 1)
    asked = []

    def before(request):
        asked.append(bool(asked) or world.target.is_write(request))
        return Answer(401, b"") if asked.count(True) == 2 else None  # to whatever comes after the first piece

    world.target.proxy.before = before
    world.write(who, " ".join(f"слово{n} \N{GRINNING FACE}" for n in range(2500)))
    world.write(who, "next")
    until(lambda: texts(world.target.history(card))[-1] == "next", 60 * SLOWER, 0.2, world.gateway.log()[-2000:])
    said = " ".join(world.target.history(card)) + " "
    assert asked.count(True) > 1 and not [n for n in range(2500) if said.count(f"слово{n} ") != 1] and not world.dead()


@over_the_net
def test_a_proxy_s_404_is_no_word_on_a_card(world):
    """The CRM is being started anew, and whatever stands before it knows nothing of it."""
    who = own("ann")
    card = world.wait_card(world.write(who, "one")["thread"])
    world.wait_history(card, 1)
    world.target.proxy.before = lambda r: Answer(404, b"<html><body>default backend - 404</body></html>")
    for text in ("two", "three"):
        world.write(who, text)
    until(lambda: re.search("event=(delivery.retry|crm.refused|crm.down)", world.gateway.log()), 30 * SLOWER)
    time.sleep(1)
    world.target.proxy.before = None
    assert texts(world.wait_history(card, 3, 90)) == ["one", "two", "three"] and not world.dead()


@over_the_net
def test_poison_is_a_dead_letter_and_the_gap_is_filled(world):
    who = own("ann")
    thread = world.write(who, "one")["thread"]
    card = world.wait_card(thread)
    world.target.proxy.before = lambda r: (world.target.failure if world.target.is_write(r) and b"poison" in r.body
                                           else None)
    world.write(who, "poison")
    world.write(who, "three")
    assert texts(world.wait_history(card, 2)) == ["one", "three"]
    dead = until(world.dead, 10 * SLOWER)
    assert len(dead) == 1 and "must not be empty" in dead[0]["error"]["text"]
    world.target.proxy.before = None
    world.gateway.cli("dead", "retry", dead[0]["id"])
    history = world.wait_history(card, 3)
    by_time = getattr(world.target, "sorts_by_time", False)  # by the message's, not by the entry's
    assert texts(history) == (["one", "poison", "three"] if by_time else ["one", "three", "poison"])
    assert "(came late)" in history[texts(history).index("poison")]


def test_an_edit_changes_what_is_there(world):
    thread = world.write(own("ann"), "question")["thread"]
    card = world.wait_card(thread)
    admin = world.admin
    sent = admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "anser"})["message"]
    world.wait_history(card, 2)
    until(lambda: admin.messages(thread)[-1]["status"] in ("sent", "delivered"), 10 * SLOWER)
    admin.patch(f"/messages/{sent['id']}", {"text": "answer"})
    rewrites = getattr(world.target, "rewrites", True)  # else it is one more entry
    after = ["question", "answer"] if rewrites else ["question", "anser", "answer"]
    until(lambda: texts(world.target.history(card)) == after, 20 * SLOWER, 0.1)
    assert "(edited)" in world.target.history(card)[-1]


def test_another_name_is_the_card_s_too(world):
    """An agent calls him otherwise, and so does the CRM; what people there call a card is left alone until then."""
    mine, who = number(), own("ann")
    there = world.target.add_card("Old " + own("friend"), ("phone", mine))
    found = world.write(mine, "hello", kind="phone", verified=True)["thread"]
    assert world.wait_card(found) == there
    thread = world.write(who, "hello")["thread"]
    card = world.wait_card(thread)
    world.wait_history(card, 1)
    assert world.target.cards()[there].startswith("Old ")
    client = world.admin.get(f"/threads/{thread}")["thread"]["client"]["id"]
    world.admin.patch(f"/clients/{client}", {"name": "Maria Petrova"})
    until(lambda: world.target.cards()[card] == "Maria Petrova", 20 * SLOWER, 0.1, world.target.cards().get(card))
    world.write(who, "it is me still")
    assert len(world.wait_history(card, 2)) == 2 and world.card_of(thread) == card and not world.dead()


def test_long_texts_come_whole(world):
    who = own("ann")
    text = " ".join(f"слово{n} \N{GRINNING FACE}" for n in range(2500))
    thread = world.write(who, text)["thread"]
    card = world.wait_card(thread)
    until(lambda: all(f"слово{n} " in " ".join(world.target.history(card)) for n in range(2500)), 60 * SLOWER, 0.2)
    pieces = world.target.history(card)
    for piece in pieces:
        assert len(piece.encode()) <= world.target.text_max
    world.write(who, "next")
    assert texts(world.wait_history(card, len(pieces) + 1))[-1] == "next"


FILES = {"a.txt": b"hello", "Договор №7.txt": "текст".encode(), "he said \"yes\".txt": b"1",
         "one.bin": b"\0", "large.bin": random.Random(1).randbytes(3 << 20)}


def with_files(world, thread, files):
    ids = [world.admin.post("/media", None, params={"name": n}, data=d)["media"]["id"] for n, d in files.items()]
    body = {"id": own("k"), "text": f"{len(ids)} files", "attachments": ids, "note": True}
    return world.admin.post(f"/threads/{thread}/messages", body)["message"]


@over_the_net
def test_files_come_along(world_with_notes):
    """crm.md 8.2, 7: each once, by its name, also when an answer is lost on the way."""
    world, lost = world_with_notes, []

    def lose(request, answer):
        if (world.target.is_upload(request) or world.target.is_write(request)) and len(lost) < 3:
            lost.append(1)
            return Answer(200, b"", spoil=("lose", "reset", "lose")[len(lost) - 1])

    thread = world.write(own("ann"), "send me the files")["thread"]
    card = world.wait_card(thread)
    world.wait_history(card, 1)
    world.target.proxy.after = lose
    sent = with_files(world, thread, FILES)
    history = world.wait_history(card, 2, 90)
    shown = {a["name"]: FILES[n] for n, a in zip(FILES, sent["attachments"])}
    until(lambda: world.target.files(card) == shown, 60 * SLOWER, 0.2, f"{list(world.target.files(card))}")
    assert len(world.target.history(card)) == 2 and texts(history)[1] == "5 files"
    assert len(lost) == getattr(world.target, "file_requests", 3)
    assert not world.dead()


@over_the_net
def test_the_log_of_calls_says_of_which_message(world_with_notes):
    """What was asked for each message, with a file, too; no address, no key, and nothing of what was searched for."""
    world, mine = world_with_notes, number()
    first = world.write(mine, "one", kind="phone", verified=True)
    card = world.wait_card(first["thread"])
    second = world.write(mine, "two", kind="phone", verified=True)
    sent = with_files(world, first["thread"], {"a.txt": b"words"})
    world.wait_history(card, 3)
    wanted = {first["message"]: 1, second["message"]: 2, sent["id"]: 3}

    def all_told():
        calls = world.admin.get("/targets/crm/log")["log"]
        return {c["message"]["id"] for c in calls if "message" in c} >= set(wanted) and calls
    calls = until(all_told, 20 * SLOWER)
    for call in calls:
        assert not call.get("message") or wanted[call["message"]["id"]] == call["message"]["seq"], call
        assert call.get("message", {}).get("thread") in (first["thread"], None)
        assert call["about"] and "?" not in call["about"] and call["status"] in (*range(200, 300), 404), call  # 404: looked for, and not there
    told = json.dumps(calls)
    hidden = re.findall(r'\b(?:url|portal|token_url|token|api_key|password|client_secret|refresh_token|channel_secret) = "([^"]+)"',
                        world.target.section())
    assert hidden and not [h for h in [*hidden, mine, mine[2:]] if h in told], told


@over_the_net
def test_what_a_crm_refuses_stands_in_the_log_in_its_words(world):
    """Also where the status says that all is well."""
    who = own("ann")
    world.wait_history(world.wait_card(world.write(who, "one")["thread"]), 1)
    world.target.proxy.before = lambda r: world.target.failure if world.target.is_write(r) and b"poison" in r.body else None
    message = world.write(who, "poison")["message"]

    def refusal():
        return next((c for c in world.admin.get("/targets/crm/log")["log"] if "error" in c and
                     c.get("message", {}).get("id") == message), None)
    call = until(refusal, 20 * SLOWER)
    assert call["status"] == world.target.failure.status and "must not be empty" in call["error"]["text"]


@over_the_net
def test_a_file_that_is_too_large_is_a_link(world_with_notes):
    world, gateway = world_with_notes, world_with_notes.gateway
    thread = world.write(own("ann"), "the film, please")["thread"]
    card = world.wait_card(thread)
    sent = with_files(world, thread, {"film.bin": b"x" * (world.target.file_max + 1)})
    history = world.wait_history(card, 2, 60)
    assert f"/api/v1/media/{sent['attachments'][0]['id']}" in history[1], gateway.log()[-1500:]
    assert not world.target.files(card) and not world.dead()


# A chat outlives its card, which is looked at every ten minutes (test_crm_kommo.py).
of_cards = pytest.mark.parametrize("server", [t for t in TARGETS if not getattr(t, "is_chat", False)],
                                   ids=lambda t: t.name, indirect=True)


@of_cards
def test_a_card_that_is_gone_is_looked_for_once_more(world):
    who = own("ann")
    thread = world.write(who, "one")["thread"]
    card = world.wait_card(thread)
    world.wait_history(card, 1)
    world.target.delete_card(card)
    world.write(who, "two")
    other = until(lambda: world.card_of(thread) not in (card, None) and world.card_of(thread), 30 * SLOWER)
    assert texts(world.wait_history(other, 1)) == ["two"]
    assert not world.dead()


@of_cards
def test_a_card_that_was_merged_is_followed(world):
    who = own("ann")
    thread = world.write(who, "one")["thread"]
    card = world.wait_card(thread)
    world.wait_history(card, 1)
    into = world.target.add_card(own("The whole "))
    world.target.merge_cards(card, into)
    world.write(who, "two")
    until(lambda: world.card_of(thread) == into, 30 * SLOWER)
    until(lambda: texts(world.target.history(into))[-1:] == ["two"], 30 * SLOWER)
    assert texts(world.target.history(into)) in (["two"], ["one", "two"])  # some take along what was there


@over_the_net
def test_what_was_deleted_there_is_found_and_brought_back(world):
    """`crm verify` asks what is on the card."""

    def verify(*args, code):
        p = world.gateway.cli("crm", "verify", "crm", "--json", *args, check=False)
        assert p.returncode == code, (p.stdout, p.stderr, world.gateway.log()[-2000:])
        return [json.loads(line) for line in p.stdout.splitlines()]

    who = own("ann")
    thread = world.write(who, "one")["thread"]
    card = world.wait_card(thread)
    world.admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "between us", "note": True})
    token = world.gateway.cli("token", "add", own("t"), "--role", "agent").stdout.strip()
    Api(world.gateway.url, token).post(f"/threads/{thread}/messages", {  # what was written in it has no entry of ours
        "id": own("k"), "text": "from the CRM", "origin": {"target": "crm", "id": own("own")}})
    for text in ("two", " ".join(f"long{n}" for n in range(3000)), "four"):
        last = world.write(who, text)["message"]
    until(lambda: texts(world.target.history(card))[-1] == "four", 30 * SLOWER, 0.1)
    n = len(world.target.history(card))
    until(lambda: world.gateway.cli("crm", "verify", "crm", check=False).returncode == 0, 20 * SLOWER, 0.2)
    world.target.delete_entry(card, "two")
    found = verify(code=1)
    assert len(found) == 1 and found[0]["card"] == card and [m["seq"] for m in found[0]["lost"]] == [4]
    assert found[0]["ledger"]["messages"] == 4 and found[0]["target"]["messages"] == 3  # the note was never to be there
    verify("--repair", code=1)
    history = world.wait_history(card, n)
    late = texts(history).index("two")
    assert "(came late)" in history[late] and (late == n - 1 or getattr(world.target, "sorts_by_time", False))
    until(lambda: not verify(code=0), 20 * SLOWER, 0.2)
    verify("--repair", code=0)
    world.gateway.cli("crm", "replay", "crm", "--thread", thread)
    until(lambda: world.admin.get(f"/messages/{last}/trace")["trail"][-1]["what"] == "attached", 30 * SLOWER)
    verify(code=0)
    assert len(world.target.history(card)) == n
    world.target.double_entry(card, "four")
    found = verify(code=1)
    assert [m["seq"] for m in found[0]["double"]] == [6] and not found[0]["lost"]
    is_chat = getattr(world.target, "is_chat", False)  # of two by one id we could not say which is meant
    if getattr(world.target, "rewrites", True) and not is_chat:  # the second one then says that it is nothing
        verify("--repair", code=1)
        until(lambda: not verify(code=0), 20 * SLOWER, 0.2)


def test_what_was_written_there_is_not_put_there_again(world):
    """Its operator answers through REST: the client gets it, his card, which has it, does not; nor does anybody miss it."""
    who = own("ann")
    thread = world.write(who, "question")["thread"]
    card = world.wait_card(thread)
    world.wait_history(card, 1)
    token = world.gateway.cli("token", "add", own("t"), "--role", "admin").stdout.split()[-1]
    api, to = Api(world.gateway.url, token), {"target": "crm"}
    assert api.get(f"/cards/crm/{card}")["thread"]["id"] == thread
    api.post(f"/threads/{thread}/messages", {"text": "an answer", "origin": {**to, "id": "n1", "author": "Ivan"}})
    api.patch(f"/threads/{thread}", {"state": "closed", "origin": to})
    world.write(who, "thank you")
    own_too = ["an answer"] if hasattr(world.target, "keeps_all") else []  # it is the archive
    assert texts(world.wait_history(card, 2 + len(own_too))) == ["question", *own_too, "thank you"]
    answer = next(m for m in world.admin.messages(thread) if m.get("text") == "an answer")
    trace = world.gateway.cli("trace", answer["id"]).stdout
    assert answer["status"] == "sent" and re.search(r"card   crm: (comes from there|has it since)", trace), trace
    if hasattr(world.target, "delete_entry"):
        until(lambda: world.gateway.cli("crm", "verify", "crm", check=False).returncode == 0, 20 * SLOWER, 0.2)


@over_the_net
def test_down_for_a_while(world):
    """F13: nothing is lost, each dialogue in order, and the channel feels nothing."""
    people = [own("c") for _ in range(5)]
    threads = {p: world.write(p, "0")["thread"] for p in people}
    cards = {p: world.wait_card(t) for p, t in threads.items()}
    for p in people:
        world.wait_history(cards[p], 1)
    world.target.proxy.before = lambda r: Answer(503, b"")
    for n in range(1, 6):
        for p in people:
            began = time.monotonic()
            world.write(p, str(n))
            assert time.monotonic() - began < 2 * SLOWER
    until(lambda: "event=crm.down" in world.gateway.log(), 30 * SLOWER)
    world.target.proxy.before = None
    for p in people:
        assert texts(world.wait_history(cards[p], 6, 90)) == [str(n) for n in range(6)]
    assert not world.dead()


@pytest.mark.long
@over_the_net
def test_workers_killed_while_it_misbehaves(world):
    """F02, F14: each message on its card once, in order."""
    dice, people = random.Random(7), [own("c") for _ in range(4)]
    threads = {p: world.write(p, "0")["thread"] for p in people}
    cards = {p: world.wait_card(t) for p, t in threads.items()}
    world.target.proxy.before = lambda r: Answer(503, b"") if dice.random() < 0.05 else None
    world.target.proxy.after = lambda r, a: Answer(200, b"", spoil="lose") if dice.random() < 0.1 else None
    sent, ended = {p: ["0"] for p in people}, threading.Event()

    def bring():
        n = 0
        while not ended.is_set():
            n += 1
            p = people[n % len(people)]
            try:
                world.write(p, str(n))
                sent[p].append(str(n))
            except Exception:
                pass  # refused, or its answer lost: it may be there or not
            time.sleep(0.05)

    thread = threading.Thread(target=bring)
    thread.start()
    for _ in range(3):
        time.sleep(1.5)
        world.gateway.kill_worker()
        until(lambda: len(world.gateway.worker_pids()) == 2, 10 * SLOWER)
    ended.set()
    thread.join()
    world.target.proxy.before = world.target.proxy.after = None
    for p in people:
        until(lambda: set(texts(world.target.history(cards[p]))) >= set(sent[p]), 90 * SLOWER, 0.2,
              f"for {p}; {world.gateway.log()[-1500:]}")
        got = texts(world.target.history(cards[p]))
        assert got == sorted(set(got), key=int), (p, got)
    if hasattr(world.target, "delete_entry"):  # the ledger says the same as we do
        until(lambda: world.gateway.cli("crm", "verify", "crm", check=False).returncode == 0, 30 * SLOWER, 0.5,
              world.gateway.cli("crm", "verify", "crm", check=False).stdout)
