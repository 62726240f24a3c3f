"""Where is this WhatsApp message now, and why? The card and `switchboard trace`, the command itself, for every kind that
comes in, for threads that become one, for files that cannot be had, for what was refused first, for the largest body
(issue 4, lines 2 to 4; F16 repeats)."""

import json
import sqlite3
import time

import pytest
from fakes.whatsapp.control import play_file
from harness import ROOT, SLOWER, until
from whatsapp_world import WhatsApp

SCENARIO = ROOT / "tests/fakes/whatsapp/scenarios/every_kind_in.json"
NEW_SECRET = "fedcba9876543210fedcba9876543210"


@pytest.fixture
def world(start_gateway):
    with WhatsApp(start_gateway) as w:
        yield w


def everything(world, n, ready=lambda ms: True):
    """All messages of all threads, once there are n (events besides) and they are ready."""
    def read():
        threads = [t["id"] for view in ("open", "closed") for t in world.api.threads(view)]
        return [m for t in dict.fromkeys(threads) for m in world.api.messages(t)]

    until(world.fake.wait_calm, 20 * SLOWER, why="for the webhooks")
    return until(lambda: (lambda ms: ms if len([m for m in ms if m["direction"] != "event"]) == n and ready(ms) else None)(read()),
                 40 * SLOWER, why=f"for {n} messages")


def trace(world, m):
    """What the command prints of a message, checked against what the API says; it is on the card."""
    out = world.gateway.traced(m["id"], "card   main: has it since")
    assert f"message {m['id']}, {m['direction']}, number {m['seq']} of thread {m['thread']}" in out
    if m["direction"] in ("in", "event"):
        assert "now    stored in its thread" in out
    whole = json.loads(world.gateway.cli("trace", m["id"], "--json").stdout)
    api = world.api.get(f"/messages/{m['id']}/trace")
    assert whole["trail"] == api["trail"] and whole["message"]["id"] == m["id"]
    at = 0
    for step in api["trail"]:  # each step, in its order, with its reason
        at = out.find(step["what"], at) + 1
        assert at and step.get("detail", "") in out, (step, out)
    return out


def cards_of(world, messages):
    """The cards that have these messages."""
    db = sqlite3.connect(f"file:{world.gateway.data / 'cards.db'}?mode=ro", uri=True, timeout=20)
    try:
        rows = db.execute("select json, card from messages").fetchall()
    finally:
        db.close()
    ids = {m["id"] for m in messages}
    return {card for text, card in rows if json.loads(text)["id"] in ids}


def told_and_traced(world, messages):
    world.told(messages)
    return {m["id"]: trace(world, m) for m in messages}


@pytest.mark.long
def test_every_kind_is_traced(world):
    play_file(world.fake, world.number, SCENARIO)
    world.got(n=19)
    until(world.fake.wait_calm, 20 * SLOWER)
    here = lambda ms: all(a.get("id") for m in ms for a in m.get("attachments", []))
    ms = until(lambda: (lambda ms: ms if here(ms) else None)(world.messages()), 20 * SLOWER, why="for the files")
    told_and_traced(world, ms)
    assert len(cards_of(world, ms)) == 1 and len(ms) > 25


# --- two threads become one ---


def comes_as(world, ann, bsuid, parent):
    ann.user.bsuid, ann.user.parent = bsuid, parent
    world.fake.do(ann.user.register)


def by_number_and_by_id(world):
    """Known by number and, elsewhere, by id: a message that has both."""
    ann = world.user("4917600000", "Ann", bsuid="DE.1")
    ann.user.old_style = True
    ann.text("one")
    world.got(n=1)
    ann.user.old_style, ann.user.hidden = False, True
    ann.text("two")
    until(lambda: len(world.api.threads()) == 2, 10 * SLOWER)
    ann.user.hidden = False
    return ann


def by_changed_number(world):
    """He wrote from the new number before anybody told that it is his."""
    ann = world.user("4917600000", "Ann")
    ann.user.old_style = True
    ann.text("one")
    world.got(n=1)
    new = world.user("4917699999", "Ann")
    new.user.old_style = True
    new.text("two")
    until(lambda: len(world.api.threads()) == 2, 10 * SLOWER)
    ann.say("system", {"body": "Ann changed the number", "type": "user_changed_number", "wa_id": "4917699999"}, opens=False)
    until(lambda: len(world.api.threads()) == 1, 10 * SLOWER, why="for one thread")
    return new


def by_changed_id(world):
    """He wrote under the new id before the update came."""
    ann = world.user(None, "Ann", bsuid="DE.1")
    ann.text("one")
    world.got(n=1)
    comes_as(world, ann, "DE.2", None)
    ann.text("two")
    until(lambda: len(world.api.threads()) == 2, 10 * SLOWER)
    world.number.emit("user_id_update", {"user_id_update": [{"user_id": {"previous": "DE.1", "current": "DE.2"}}]})
    until(lambda: len(world.api.threads()) == 1, 10 * SLOWER, why="for one thread")
    return ann


def by_parent(world):
    """Two ids; that both have one parent is told with a later message, and no update ever comes."""
    ann = world.user(None, "Ann", bsuid="DE.1", parent="DE.ENT.7")
    ann.text("one")
    world.got(n=1)
    comes_as(world, ann, "DE.2", None)
    ann.text("two")
    until(lambda: len(world.api.threads()) == 2, 10 * SLOWER)
    comes_as(world, ann, "DE.2", "DE.ENT.7")
    return ann


@pytest.mark.parametrize("how", [by_number_and_by_id, by_changed_number, by_changed_id, by_parent])
def test_two_threads_that_become_one_are_told(world, how):
    """Each message of either thread has its trail still; all of them are on one card; what follows is in one thread."""
    ann = how(world)
    ann.text("three")
    until(lambda: len(world.api.threads()) == 1, 10 * SLOWER, why="for one thread")
    thread = world.api.threads()[0]
    client = world.api.get(f"/clients/{thread['client']['id']}")["client"]
    assert len(client["threads"]) == 2 and client["merged_into"] is None
    ms = until(lambda: (lambda ms: ms if len(ms) == 3 else None)(
        [m for t in client["threads"] for m in world.api.messages(t) if m["direction"] == "in"]), 10 * SLOWER, why="for all three")
    assert {m["text"] for m in ms} == {"one", "two", "three"}
    assert next(m["thread"] for m in ms if m["text"] == "three") == thread["id"]
    merged = [m for m in world.api.messages(thread["id"]) if m["direction"] == "event" and m["event"]["type"] == "merged"]
    assert len(merged) == 1
    told_and_traced(world, ms + merged)
    until(lambda: len(cards_of(world, ms)) == 1, 10 * SLOWER, why="for one card")
    answer = world.say(thread["id"], {"text": "hello"})
    assert "now    " in trace(world, answer)


def test_a_parent_id_alone_is_enough(world):
    """Another id every day, no update, the parent the same: one thread, and nobody's number is called a former one."""
    ann = world.user(None, "Ann", bsuid="DE.1", parent="DE.ENT.7")
    for n in range(1, 4):
        comes_as(world, ann, f"DE.{n}", "DE.ENT.7")
        ann.text(f"day {n}")
        world.got(n=n)
    ms = everything(world, 3)
    assert len({m["thread"] for m in ms}) == 1
    told_and_traced(world, ms)
    assert len(cards_of(world, ms)) == 1
    client = world.api.get(f"/clients/{ms[0]['client']}")["client"]
    assert {i["address"] for i in client["identities"]} == {"DE.1", "DE.2", "DE.3", "DE.ENT.7"}
    assert not [i for i in client["identities"] if i.get("former")]


# --- files ---


@pytest.mark.long
def test_files_that_cannot_be_had_are_told(world):
    """Too large by WhatsApp's word, too large by its answer, another file than announced, a link that is too old for
    good, an id that has expired: card and trail say which and why, and the words came all the same."""
    ann, media = world.user(), world.fake.world.media

    def send(text, change=None, **kw):
        ann.document(caption=text, **kw)
        if change:
            world.fake.do(lambda: change(media, list(media)[-1]))

    ann.unsupported("video", code=131052)
    send("big", lambda m, k: m[k].update(told_size=200 << 20))
    send("wrong hash", told="A" * 43 + "=")
    send("old link", lambda m, k: m[k].update(vanished=True))
    send("expired", lambda m, k: m.pop(k))
    send("good")
    ms = everything(world, 6, ready=lambda ms: all(a.get("state") != "waiting" for m in ms for a in m.get("attachments", [])))
    said = told_and_traced(world, [m for m in ms if m["direction"] == "in"])
    by_text = {m.get("text"): m for m in ms}
    for text, state, why in ((None, "too_large", "larger than WhatsApp hands over"), ("big", "too_large", "100 MB"),
                             ("wrong hash", "failed", "its hash is another"), ("old link", "failed", "does not have the file any more"),
                             ("expired", "failed", "does not hand over the file")):
        m = by_text[text]
        file = m["attachments"][0]
        assert (file["state"], "id" in file) == (state, False) and why in file["error"], file
        if text:
            assert "not_fetched" in said[m["id"]] and why in said[m["id"]], said[m["id"]]
    assert by_text["good"]["attachments"][0]["id"] and "fetched" in said[by_text["good"]["id"]]
    assert by_text[None]["attachments"][0]["kind"] == "video"


# --- signatures ---


def refused(world):
    metrics = world.api.http.get(world.gateway.url + "/metrics", timeout=10).text
    return sum(float(line.split()[-1]) for line in metrics.splitlines() if line.startswith('sb_refused_total{reason="auth"}'))


def reload(world, secrets):
    g = world.gateway
    g.config_text = g.config_text.replace(f'app_secret = "{world.secrets}"', f'app_secret = "{secrets}"')
    world.secrets = secrets
    g.write_config()
    g.reload()


def report(world):
    return [(line["level"], line["text"]) for line in world.api.post("/channels/main/check", {})["report"]]


@pytest.mark.long
def test_wrong_signatures_are_counted_and_told(world):
    """Each is counted; one that is signed by somebody else's secret is told to the admin, one without any is not."""
    number, g = world.number.number, world.gateway
    body = {"object": "whatsapp_business_account", "entry": []}
    wrong = "app_secret"
    before = refused(world)
    assert world.fake.post_raw(number, body, "none") == 401
    assert not [t for _, t in report(world) if wrong in t]
    for _ in range(20):
        assert world.fake.post_raw(number, body, "wrong") == 401
    assert world.fake.post_raw(number, body, "truncated") == 401
    assert refused(world) - before == 22
    assert [level for level, t in report(world) if wrong in t] == ["warn"]
    until(lambda: wrong in world.channel()["info"].get("warning", ""), 15 * SLOWER, why="for the channel's page")
    log = g.log_path.read_text()
    assert 1 <= log.count("event=whatsapp.wrong_signature") < 10, "told now and then, however many come"
    assert world.app.secret not in log and world.channel()["state"] == "ready"


def test_rotation_is_told(world):
    """Meta signs with the new secret before we know it: refused, told, and sent again; nothing is lost or doubled on the
    way from the old secret over both to the new one."""
    world.secrets = old = world.app.secret
    ann = world.user()
    ann.text("old secret")
    world.got(n=1)
    world.app.secret = NEW_SECRET
    ann.text("too early")
    until(lambda: 401 in world.fake.webhooks, 10 * SLOWER, why="for the refusal")
    reload(world, f"{NEW_SECRET} {old}")
    world.got(n=2, timeout=40)
    world.app.secret = old
    ann.text("the old one still")
    world.got(n=3)
    reload(world, NEW_SECRET)
    assert world.fake.post_raw(world.number.number, {"object": "whatsapp_business_account", "entry": []}) == 401
    world.app.secret = NEW_SECRET
    ann.text("only the new one")
    world.got(n=4)
    ms = everything(world, 4)
    assert [m["text"] for m in ms] == ["old secret", "too early", "the old one still", "only the new one"]
    told_and_traced(world, ms)
    log = world.gateway.log_path.read_text()
    assert "event=whatsapp.wrong_signature" in log and NEW_SECRET not in log and old not in log


# --- the largest body ---


def test_three_megabytes_are_on_the_cards_once(world):
    """F16: the largest body twice: each of its messages is on its card once, with its trail."""
    number, people, n = world.number.number, 20, 2600
    now = str(int(time.time()))
    messages = [{"from": f"4917600{i % people:03}", "id": f"wamid.BIG{i}", "timestamp": now, "type": "text",
                 "text": {"body": f"{i} " + "x" * 1000}} for i in range(n)]
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": world.waba.id, "changes": [{
        "field": "messages", "value": {"metadata": world.fake.metadata(number), "messages": messages}}]}]}).encode()
    assert 2 << 20 < len(body) <= 3 << 20
    for _ in range(2):
        assert world.fake.post_raw(number, body) == 200
    until(lambda: len(world.gateway.card_messages()) >= n, 60 * SLOWER, why="for the cards")
    on_card = [m["text"] for m in world.gateway.card_messages()]
    assert len(on_card) == len(set(on_card)) == n
    threads = [t["id"] for t in world.api.threads()]
    first, last = world.api.messages(threads[0])[0], world.api.messages(threads[-1])[-1]
    told_and_traced(world, [first, last])
