"""A client is asked, in his own channel, how a talk that is over was: once for each, through killed workers (F26); what he
answers is a rating and no message, and is counted once. By a fake clock where time goes by."""
import datetime
import json
import random

import pytest
from clients import own_id
from email_fake_world import FakeWorld
from harness import SLOWER, until
from telegram_world import Telegram
from whatsapp_world import WhatsApp

CONFIG = """
listen = "127.0.0.1:{port}"
data_dir = "{data}"
workers = {workers}
{redis}
agents {{ login_tries = 1000 }}
loopback "test" {{ outbox = "{data}/out" rating = yes rating_after = "1h" }}
loopback "often" {{ outbox = "{data}/out" rating = yes rating_after = "0s" rating_again = "0s" rating_text = "1-5?" rating_thanks = "-" }}
loopback "never" {{}}
cards "main" {{}}
"""
ASKED = "How was our talk? Please answer with one digit, from 1 (bad) to 5 (excellent)."
THANKS = "Thank you for the rating!"
AT_ONCE = 'rating = yes rating_after = "0s" '


@pytest.fixture
def g(clocked):
    return clocked


def write(g, who, text="hello", channel="test", id=None):
    body = {"from": {"address": who, "name": who}, "id": id or own_id(), "text": text}
    return until(lambda: g.hook(body, channel).json()["thread"], 20 * SLOWER)


def state(api, thread, value):
    api.patch("/threads/" + thread, {"state": value})


def thread_of(api, thread):
    return api.get("/threads/" + thread)["thread"]


def of_kind(api, thread, kind):
    return [m for m in api.messages(thread) if m.get("rating") == kind]


def questions(api, thread):
    return of_kind(api, thread, "question")


def ratings(api, thread):
    return [m["event"] for m in api.messages(thread) if m.get("event", {}).get("type") == "rating"]


def ended(g, api, who, channel="test"):
    """A talk in which he was answered, and that is closed."""
    thread = write(g, who, channel=channel)
    api.post(f"/threads/{thread}/messages", {"text": "yes?"})
    state(api, thread, "closed")
    return thread


def asked(api, thread, n=1):
    return until(lambda: (lambda q: q if len(q) == n else None)(questions(api, thread)), 30 * SLOWER, why="for the question")


def timers(g):
    """Who is still to be asked, or not."""
    return [j for k in g.redis.scan_iter("sb:{s*}:due") for j in g.redis.zrange(k, 0, -1) if j.startswith(b"ask ")]


def reported(api):
    """Both sides of the clock's day."""
    day = datetime.date.today()
    span = {"from": str(day - datetime.timedelta(days=1)), "to": str(day + datetime.timedelta(days=120))}
    return api.get("/reports", **span)


def test_who_is_asked_and_who_is_not(g, clock):
    api = g.login()
    t = {who: ended(g, api, who) for who in ("asked", "back", "blocked", "reopened")}
    t["off"] = ended(g, api, "off", "never")
    t["unanswered"] = write(g, "unanswered")
    state(api, t["unanswered"], "closed")
    t["ours"] = ended(g, api, "ours")  # a second matter, in which he said nothing
    api.post(f"/threads/{t['ours']}/messages", {"text": "one more thing"})
    state(api, t["ours"], "closed")
    api.patch("/threads/" + t["blocked"], {"blocked": True})
    state(api, t["reopened"], "open")
    api.post("/sla", {"name": "Quiet", "close_s": 7200, "channels": ["test"]})
    # which worker has heard of it is chance
    t["silent"] = write(g, "silent")

    def answered_under_it():
        api.post(f"/threads/{t['silent']}/messages", {"text": "yes?"})
        return g.redis.hget(next(g.redis.scan_iter(f"sb:*:thread:{t['silent']}")), "silence")
    until(answered_under_it, 20 * SLOWER)
    clock.forward(3000)
    write(g, "back")
    assert [who for who in t if questions(api, t[who])] == []
    clock.forward(700)
    question = asked(api, t["asked"])[0]
    assert (question["text"], question["direction"], question["from"]) == (ASKED, "out", {"kind": "rating"})
    clock.forward(3600)
    until(lambda: thread_of(api, t["silent"])["state"] == "closed", 20 * SLOWER, why="for the silence to be over")
    clock.forward(3601)
    asked(api, t["silent"])
    until(lambda: timers(g) == [], 40 * SLOWER)
    assert [who for who in t if questions(api, t[who])] == ["asked", "silent"]
    still = thread_of(api, t["asked"])
    assert still["state"] == "closed" and still["unread"] == 1 and still["waiting_since"] is None
    # not again within 30 days, then again
    for days, n in ((29, 1), (32, 2)):
        clock.set(days * 86400)
        ended(g, api, "asked")
        clock.forward(3601)
        until(lambda: timers(g) == [], 40 * SLOWER)
        assert len(questions(api, t["asked"])) == n, days


def test_once_through_kills(g, clock):
    """Workers die while the question is due, and while ratings come: each talk is asked about once, each rating counted once."""
    rng = random.Random(11)
    api = g.login()
    threads = {f"c{i}": ended(g, api, f"c{i}") for i in range(16)}
    clock.forward(3601)
    for _ in range(4):
        g.kill_worker(index=rng.randrange(2))
        until(lambda: g.is_ready(), 20 * SLOWER)
    g.wait_ready(20 * SLOWER)
    clock.forward(31)  # whose worker died in between is asked half a minute later
    for thread in threads.values():
        asked(api, thread)
    scores = {}
    for who, thread in threads.items():
        for score in rng.sample("12345", 2):
            key = own_id()
            for _ in range(2):  # a channel that did not hear our 200 comes again
                assert write(g, who, score, id=key) == thread
            scores[who] = int(score)
        if rng.random() < 0.3:
            g.kill_worker(index=rng.randrange(2))
    g.wait_ready(20 * SLOWER)
    for who, thread in threads.items():
        got = ratings(api, thread)
        assert len(got) == 2 and got[-1]["score"] == scores[who] and len(questions(api, thread)) == 1, got
        assert got[1]["replaces"] and len(of_kind(api, thread, "thanks")) == 1
        assert thread_of(api, thread)["state"] == "closed"
        seqs = [m["seq"] for m in api.messages(thread)]
        assert seqs == list(range(1, len(seqs) + 1))
    rated = reported(api)["totals"]["rated"]
    assert rated == {"n": 16, "average": sum(scores.values()) / 16}
    sent = [json.loads(line) for line in (g.data / "out").read_text().splitlines()]
    for thread in threads.values():  # what was in a killed worker's hand is unknown, and not sent again
        assert [m["text"] for m in sent if m["thread"] == thread].count(ASKED) <= 1


def test_what_is_a_rating_and_what_is_a_message(g, clock):
    api = g.login()
    api.post("/rules", {"name": "Told", "on": "message", "then": [{"label": "wrote"}]})
    thread = ended(g, api, "ann")
    assert write(g, "ann2", "5") != thread and thread_of(api, write(g, "ann2"))["unread"] == 2  # of nothing
    clock.forward(3601)
    asked(api, thread)
    api.patch("/threads/" + thread, {"labels": ["vip"], "assignee": "admin"})
    before = thread_of(api, thread)
    write(g, "ann", " 4\n")
    assert ratings(api, thread) == [{"type": "rating", "score": 4, "of": 5, "text": "4 of 5"}]
    first = next(m for m in api.messages(thread) if m.get("event", {}).get("type") == "rating")
    now = thread_of(api, thread)
    same = ("state", "unread", "waiting_since", "labels", "assignee", "last")
    assert {k: now[k] for k in same} == {k: before[k] for k in same} and now["state"] == "closed"
    thanks = until(lambda: of_kind(api, thread, "thanks"), 10 * SLOWER)
    assert [m["text"] for m in thanks] == [THANKS]
    until(lambda: of_kind(api, thread, "thanks")[0]["status"] == "sent", 20 * SLOWER)

    def figures():
        got = reported(api)
        return {k: {r["name"]: r["rated"] for r in got[k]} for k in ("channels", "agents", "labels")}, got["totals"]["rated"]
    rows, total = figures()
    assert total == rows["channels"]["test"] == rows["agents"]["admin"] == rows["labels"]["vip"] == {"n": 1, "average": 4.0}
    # the same again is the same; another takes its place, wherever the thread belongs by then
    write(g, "ann", "4")
    assert len(ratings(api, thread)) == 1
    api.patch("/threads/" + thread, {"labels": ["gold"]})
    clock.forward(86400)
    write(g, "ann", "2")
    assert ratings(api, thread)[1] == {"type": "rating", "score": 2, "of": 5, "text": "2 of 5", "replaces": first["seq"]}
    rows, total = figures()
    assert total == rows["channels"]["test"] == rows["labels"]["gold"] == {"n": 1, "average": 2.0}
    assert rows["labels"].get("vip", {"n": 0})["n"] == 0 and len(of_kind(api, thread, "thanks")) == 1
    on_cards = until(lambda: [m for m in g.card_messages() if m["id"] == first["id"]], 20 * SLOWER)
    assert on_cards[0]["event"]["score"] == 4
    # through another channel, or with a word more, it is a message: the talk goes on
    assert thread_of(api, thread)["state"] == "closed"
    write(g, "ann", "5 stars")
    until(lambda: "wrote" in thread_of(api, thread)["labels"], 20 * SLOWER, why="for the rule, which hears of messages alone")
    assert thread_of(api, thread)["state"] == "open" and len(ratings(api, thread)) == 2
    write(g, "ann", "5")  # after another message: it is one, too
    assert len(ratings(api, thread)) == 2 and thread_of(api, thread)["unread"] == 3
    api.post(f"/threads/{thread}/messages", {"text": "anything else?"})
    state(api, thread, "closed")
    write(g, "ann", "3")  # asked about the talk before that
    assert thread_of(api, thread)["state"] == "open" and reported(api)["totals"]["rated"]["n"] == 1


def test_a_late_rating_is_a_message_and_one_from_elsewhere(g, clock):
    api = g.login()
    late, other = ended(g, api, "late", "often"), ended(g, api, "other", "often")
    assert asked(api, late)[0]["text"] == "1-5?"  # the admin's own words
    asked(api, other)
    write(g, "other", "5", "test")
    assert thread_of(api, other)["state"] == "open" and ratings(api, other) == []
    clock.forward(3 * 86400 - 60)
    write(g, "late", "1", "often")
    assert ratings(api, late)[0]["score"] == 1 and of_kind(api, late, "thanks") == []
    clock.forward(120)
    write(g, "late", "2", "often")
    assert thread_of(api, late)["state"] == "open" and len(ratings(api, late)) == 1
    api.post(f"/threads/{late}/messages", {"text": "sorry"})
    state(api, late, "closed")
    asked(api, late, 2)  # this channel asks each time
    write(g, "late", "5", "often")
    assert reported(api)["totals"]["rated"] == {"n": 2, "average": 3.0}


def test_telegram_by_buttons(making):
    world = making(Telegram, extra=AT_ONCE)
    ann = world.user(42, "Ann", language_code="ru")
    ann.text("hello")
    world.got()
    thread = world.thread_of("Ann")
    world.say(thread, {"text": "good day"})
    state(world.api, thread, "closed")

    def shown():
        return ann.seen()[-1]
    question = asked(world.api, thread)[0]
    until(lambda: questions(world.api, thread)[0]["status"] == "sent", 20 * SLOWER)
    keyboard = until(lambda: shown()["reply_markup"]["inline_keyboard"], 10 * SLOWER)
    assert [[b["text"] for b in row] for row in keyboard] == [["1", "2", "3", "4", "5"]] and "Оцените" in shown()["text"]
    asking = shown()
    query = ann.press(asking, keyboard[0][3]["callback_data"])
    until(lambda: ratings(world.api, thread), 20 * SLOWER)
    until(lambda: query in world.bot.bot.answered, 10 * SLOWER, why="for the button to come to rest")
    until(lambda: shown()["text"] == "Спасибо за оценку!", 10 * SLOWER)
    ann.press(asking, keyboard[0][4]["callback_data"])
    until(lambda: len(ratings(world.api, thread)) == 2, 20 * SLOWER)
    assert [r["score"] for r in ratings(world.api, thread)] == [4, 5] and len(of_kind(world.api, thread, "thanks")) == 1
    assert thread_of(world.api, thread)["state"] == "closed"
    world.told([m for m in world.messages() if m.get("event", {}).get("type") == "rating"])
    assert question["buttons"]
    # a digit that he wrote, and edits: another rating, then a message after all
    wrote = ann.text("3")
    until(lambda: len(ratings(world.api, thread)) == 3, 20 * SLOWER)
    ann.edit(wrote, text="2")
    until(lambda: [r["score"] for r in ratings(world.api, thread)] == [4, 5, 3, 2], 20 * SLOWER)
    assert thread_of(world.api, thread)["state"] == "closed"
    ann.edit(wrote, text="2, for it took long")
    until(lambda: thread_of(world.api, thread)["state"] == "open", 20 * SLOWER)
    assert world.last()["text"] == "2, for it took long" and len(ratings(world.api, thread)) == 4
    ann.text("and one more question")
    world.got(n=3)
    ann.press(asking, keyboard[0][0]["callback_data"])  # the old keyboard stays alive
    world.got(n=4)
    assert len(ratings(world.api, thread)) == 4


def test_whatsapp_by_a_list_and_within_its_window(making):
    world = making(WhatsApp, extra=AT_ONCE + 'rating_again = "0s" ')
    ann = world.user()
    ann.text("hello")
    world.got()
    thread = world.thread_of("Ann")
    world.say(thread, {"text": "good day"})
    state(world.api, thread, "closed")
    asked(world.api, thread)
    rows = until(lambda: next(s for s in world.fake.sent if s["type"] == "interactive")["body"]["interactive"]["action"]
                 ["sections"][0]["rows"], 20 * SLOWER)
    assert [r["title"] for r in rows] == ["1", "2", "3", "4", "5"]
    ann.press("5")
    until(lambda: ratings(world.api, thread), 20 * SLOWER)
    until(lambda: [m["status"] for m in of_kind(world.api, thread, "thanks")] in (["sent"], ["delivered"], ["read"]), 20 * SLOWER)
    assert thread_of(world.api, thread)["state"] == "closed" and ratings(world.api, thread)[0]["score"] == 5
    # what a person asks him since then, on the phone, is what his digit answers
    world.number.echo(ann.user, "which one, 1 or 2?")
    until(lambda: [m for m in world.api.messages(thread) if m.get("text") == "which one, 1 or 2?"], 20 * SLOWER)
    assert thread_of(world.api, thread)["state"] == "closed"
    ann.text("2")
    # a day later nothing but templates would go: nobody is asked
    until(lambda: thread_of(world.api, thread)["state"] == "open", 20 * SLOWER)
    assert len(ratings(world.api, thread)) == 1
    world.say(thread, {"text": "you are welcome"})
    g = world.gateway
    key = next(g.redis.scan_iter(f"sb:*:thread:{thread}"))
    g.redis.hset(key, "window", "main 1 0;")
    state(world.api, thread, "closed")
    until(lambda: timers(g) == [], 40 * SLOWER)
    assert len(questions(world.api, thread)) == 1
    assert not world.fake.problems and not world.fake.twice()


def test_mail_by_an_answer_above_the_quote(making):
    world = making(FakeWorld, AT_ONCE)
    api, thread = world.api, world.thread
    mid = world.say("good day")
    world.until_status(mid, "sent")
    state(api, thread, "closed")
    asked(api, thread)
    mail = until(lambda: next(m for m in world.smtp.accepted if ASKED in m.message.get_body(("plain",)).get_content()), 20 * SLOWER)
    text = mail.message.get_body(("plain",)).get_content()
    assert mail.message["Auto-Submitted"] == "auto-generated" and mail.message["Subject"] == "Re: One" and "> Hello" not in text
    head = f"From: Ann <ann@example.test>\r\nMessage-ID: <2@x>\r\nIn-Reply-To: {mail.message['Message-ID']}\r\nSubject: Re: One\r\n\r\n"
    quote = f"On Mon, 30 Nov 2026 at 10:00, Support <support@example.test> wrote:\r\n> {ASKED}\r\n"
    world.deliver(head + "3\r\n\r\n" + quote)
    until(lambda: ratings(api, thread), 20 * SLOWER)
    assert ratings(api, thread)[0]["score"] == 3 and thread_of(api, thread)["state"] == "closed"
    until(lambda: next(m for m in world.smtp.accepted if THANKS in m.message.get_body(("plain",)).get_content()), 20 * SLOWER)
    world.deliver(head.replace("<2@x>", "<3@x>") + "3 because it took long\r\n\r\n" + quote)
    until(lambda: thread_of(api, thread)["state"] == "open", 20 * SLOWER)
    assert len(ratings(api, thread)) == 1 and not world.smtp.problems


def scripts_run(g, who, text):
    """How many scripts a message of his runs: those that are told of his address."""
    with g.redis.monitor() as watch:
        thread = write(g, who, text)
        g.redis.echo("over")
        n = 0
        while not (command := watch.next_command()["command"]).startswith("ECHO"):
            n += command.startswith("EVALSHA") and f" {who} " in command
        return thread, n


def test_only_who_was_asked_costs_a_second_script(g, clock):
    """A lone digit is a message like any other where nobody was asked to rate."""
    api = g.login()
    for who in ("count.a", "count.b"):
        scripts_run(g, who, "hello")  # the first may have to bring the script along
    thread, words = scripts_run(g, "count.a", "hello again")
    assert words == scripts_run(g, "count.a", "5")[1] == 1
    state(api, thread, "closed")
    assert scripts_run(g, "count.a", "4")[1] == 1, "closed, and nobody was asked"
    assert not ratings(api, thread) and thread_of(api, thread)["state"] == "open"
    thread = ended(g, api, "count.b")
    clock.forward(3601)
    asked(api, thread)
    assert scripts_run(g, "count.b", "5")[1] == 2
    assert [r["score"] for r in ratings(api, thread)] == [5] and thread_of(api, thread)["state"] == "closed"
