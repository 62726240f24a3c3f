"""Telegram: bad input, limits, lost answers, and moving between webhook and polling (rows F04, F09, T03, T07,
T11, T12; pains 1-3)."""

import concurrent.futures
import json
import re
import signal
import time
import urllib.parse

import pytest
import requests
from fakes.telegram import FakeTelegram
from fakes.telegram.users import png
from harness import CONFIG, ROOT, SLOWER, Gateway, until
from mixed_load import Agents, Clients, all_in, are_settled
from telegram_world import TOKEN, Telegram


@pytest.fixture(scope="module")
def hooked():
    """One gateway by webhook, for tests that do it no harm."""
    made = []

    def start(**kw):
        made.append(Gateway(**kw))
        return made[-1].start()

    w = Telegram(start, "webhook")
    until(lambda: w.bot.bot.webhook["url"], 10)
    yield w
    for g in made:
        g.destroy()
    w.close()


@pytest.fixture
def polled(start_gateway):
    w = Telegram(start_gateway)
    yield w
    w.close()


def post(w, body, secret=None, path=None, **headers):
    hook = w.bot.bot.webhook
    s = requests.Session()
    s.trust_env = False
    h = {"Content-Type": "application/json", **headers}
    if secret is not False:
        h["X-Telegram-Bot-Api-Secret-Token"] = secret or hook["secret"]
    url = w.gateway.url + (path or urllib.parse.urlsplit(hook["url"]).path)
    data = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return s.post(url, data=data, headers=h, timeout=20)


def message(user, text, number, update_id, **more):
    return {"update_id": update_id, "message": {
        "message_id": number, "date": 1790000000, "chat": {"id": user, "type": "private", "first_name": f"U{user}"},
        "from": {"id": user, "is_bot": False, "first_name": f"U{user}"}, "text": text, **more}}


# --- bad input ---------------------------------------------------------------------------------------


def test_only_telegram_may_post(hooked):
    good = message(900, "forged", 1, 1)
    path = urllib.parse.urlsplit(hooked.bot.bot.webhook["url"]).path
    before = hooked.gateway.metrics()
    assert post(hooked, good, secret=False).status_code == 401
    assert post(hooked, good, secret="x" * 64).status_code == 401
    assert post(hooked, good, secret=hooked.bot.bot.webhook["secret"][:-1]).status_code == 401
    assert post(hooked, good, path=path[:-1] + ("0" if path[-1] != "0" else "1")).status_code == 401
    assert post(hooked, good, path="/hooks/telegram/sales").status_code == 401
    assert post(hooked, good, path="/hooks/telegram/nobody/x").status_code == 404
    refused = [line for line in hooked.gateway.metrics().splitlines() if "sb_refused_total" in line and '"auth"' in line]
    assert refused and refused != [line for line in before.splitlines() if "sb_refused_total" in line and '"auth"' in line]
    assert not hooked.messages("U900")


@pytest.mark.parametrize("body", [
    b"", b"[]", b"nonsense", b"{", b"\xff\xfe", b"{}", b'{"update_id":"x"}', b'{"update_id":1e400}', b"5",
    b'{"update_id":7,"message":5}', b'{"update_id":8,"message":{}}', b'{"update_id":9,"message":{"chat":"x"}}',
    b'{"update_id":10,"message":{"chat":{"id":"42"},"text":"x"}}', b'{"update_id":11,"nonsense":{"chat":{"id":1}}}',
    b'{"update_id":12,"a":1,"a":2}', b'{"update_id":13,"message":' + b'{"reply_to_message":' * 60 + b"1" + b"}" * 61,
    b'{"update_id":14,"message":{"message_id":99999999999999999999,"chat":{"id":5,"type":"private"},"text":"x"}}',
    b"<html>not for you</html>"], ids=lambda b: b[:40].decode("latin-1"))
def test_what_is_no_update_blocks_nothing(hooked, body):
    """It would only come again, and hold its chat back for a day: 200."""
    assert post(hooked, body).status_code == 200


def test_bad_updates_in_a_batch_block_nothing(polled):
    """By polling a hundred come in one answer: what is odd about one must not be the others' loss."""
    bot = polled.bot.bot

    def put(text):
        bot.updates.append((bot.next_update, "message", 0, text.replace("ID", str(bot.next_update)).encode("utf-8", "surrogateescape")))
        bot.next_update += 1

    chat = '"chat":{"id":42,"type":"private","first_name":"Ann"},"date":1790000000'

    def batch():
        for text in ('{"update_id":ID}', '{"update_id":ID,"message":5}', '{"update_id":ID,"message":{"chat":"x"}}',
                     '{"update_id":ID,"nonsense":{%s}}' % chat, '{"update_id":ID,"poll":{"id":"1"}}',
                     '{"update_id":ID,"message":{"message_id":7001,%s,"text":"half a pair \\ud83d"}}' % chat,
                     '{"update_id":ID,"message":{"message_id":7002,%s,"text":"a nothing \\u0000"}}' % chat,
                     '{"update_id":ID,"message":{"message_id":7003,%s,"text":"no UTF-8 \udcff"}}' % chat):
            put(text)

    polled.fake.do(batch)
    ann = polled.user()
    ann.text("and a good one")
    got = [m["text"] for m in polled.got(n=5) if m.get("text")]
    assert got == ["half a pair \ufffd", "a nothing \ufffd", "no UTF-8 ?", "and a good one"]
    until(lambda: polled.bot.pending() == 0, 10, why="for all to be confirmed")


def test_strange_messages_are_kept(hooked):
    far = 2**51 + 12345  # a user id beyond 32 bits
    strange = [
        message(far, "far away", 2**31 + 5, 2**33), message(901, "months old", 1, 101) | {},
        message(902, "a😀b", 1, 102, entities=[{"type": "bold", "offset": 2, "length": 1}]),
        message(903, "out", 1, 103, entities=[{"type": "bold", "offset": 50, "length": 10}, {"type": "nonsense", "offset": -1, "length": 2**40},
                                              {"type": "italic", "offset": 0, "length": 2**31}]),
        {"update_id": 104, "message": {"message_id": 1, "date": -5, "chat": {"id": 904, "type": "private", "first_name": "U904"},
                                       "from": {"id": 904, "is_bot": False, "first_name": "U904"}, "caption": "no media"}},
        message(905, "x" * 100000, 1, 105)]
    for update in strange:
        assert post(hooked, update).status_code == 200
    assert hooked.got(f"U{far}")[0]["from"]["address"] == str(far)
    assert hooked.got("U901")[0]["sent_at"] == "2026-09-21T14:13:20.000Z"
    assert hooked.got("U902")[0]["text"] == "a😀b" and "html" not in hooked.messages("U902")[0]
    assert hooked.got("U903")[0]["text"] == "out"
    assert hooked.got("U904")[0]["text"] == "no media"
    assert len(hooked.got("U905")[0]["text"]) <= 65536


def test_repeats_and_restarted_ids(hooked):
    for update_id in (5000, 5000, 17):  # the same again; and as a new update after the ids began anew
        assert post(hooked, message(906, "once", 1, update_id)).status_code == 200
    assert post(hooked, message(906, "twice", 2, 18)).status_code == 200
    assert post(hooked, message(906, "out of order", 3, 12)).status_code == 200
    assert [m["text"] for m in hooked.got("U906", 3)] == ["once", "twice", "out of order"]


def test_many_at_once_are_one(hooked):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: post(hooked, message(907, "all at once", 1, 6000 + i % 2)).status_code, range(32)))
    assert answers == [200] * 32
    time.sleep(0.3)
    assert len(hooked.messages("U907")) == 1


def test_redis_away_is_503(start_gateway):
    w = Telegram(start_gateway, "webhook")
    ann = w.user()
    ann.text("before")
    w.got()
    w.gateway.kill_redis()
    ann.text("while it is away")
    ann.text("after")
    assert [m["text"] for m in w.got(n=3, timeout=30)] == ["before", "while it is away", "after"]
    w.close()


@pytest.mark.parametrize("kind", ["500", "502", "html200", "cut", "lose", "reset", "slow", "429"])
def test_polling_goes_on(polled, kind):
    polled.fake.fault(kind, method="getUpdates", times=2, ms=1500)
    ann = polled.user()
    for i in range(5):
        ann.text(f"m{i}")
    assert [m["text"] for m in polled.got(n=5, timeout=30)] == [f"m{i}" for i in range(5)]
    assert not polled.fake.problems


# --- limits and lost answers -------------------------------------------------------------------------


def test_429_holds_back_its_chat_only(polled):
    ann, bob = polled.user(42, "Ann"), polled.user(43, "Bob")
    ann.text("hi")
    bob.text("hi")
    a, b = polled.got("Ann")[0]["thread"], polled.got("Bob")[0]["thread"]
    polled.fake.fault("429", method="sendMessage", chat=42, times=1, retry_after=3)
    sent = [polled.api.post(f"/threads/{a}/messages", {"text": f"a{i}"})["message"]["id"] for i in range(3)]
    began = time.monotonic()
    polled.say(b, {"text": "b"}, timeout=4)
    assert time.monotonic() - began < 2.5 * SLOWER, "the other chat waited too"
    until(lambda: all(polled.message(a, i)["status"] == "sent" for i in sent), 20 * SLOWER)
    assert [m["text"] for m in ann.seen() if m["from"]["is_bot"]] == ["a0", "a1", "a2"]
    assert not polled.fake.problems


@pytest.mark.long
def test_the_rate_of_a_bot_is_kept(polled):
    """Many chats at once: never more than Telegram allows, so that it never has to say so."""
    polled.fake.limits.on = True
    chats = [polled.user(1000 + i, f"P{i}") for i in range(60)]
    for c in chats:
        c.text("hello")
    until(lambda: len(polled.api.threads()) == 60, 20 * SLOWER)
    for t in polled.api.threads():
        polled.api.post(f"/threads/{t['id']}/messages", {"text": "an offer"})
        polled.api.post(f"/threads/{t['id']}/messages", {"text": "and more"})
    until(lambda: len(polled.bot.sent()) == 120, 60 * SLOWER, 0.2)
    assert not polled.fake.problems and not [f for f in polled.fake.faults.happened]


@pytest.mark.parametrize("kind", ["lose", "reset", "cut", "502", "html200"])
def test_a_lost_answer_is_unknown_and_not_sent_again(polled, kind):
    ann = polled.user()
    ann.text("hello")
    thread = polled.got()[0]["thread"]
    polled.fake.fault(kind, method="sendMessage", times=1)
    m = polled.say(thread, {"text": "did it arrive?"}, status="unknown")
    assert m["error"]["text"]
    polled.say(thread, {"text": "the next one"})
    time.sleep(3)
    there = [x["text"] for x in ann.seen() if x["from"]["is_bot"]]
    assert there.count("did it arrive?") == (0 if kind in ("reset", "502", "html200") else 1) and there[-1] == "the next one"
    assert polled.message(thread, m["id"])["status"] == "unknown"


def test_an_album_that_went_in_part_is_unknown(polled):
    """Telegram names one picture that it did not take; whether it took the others, it does not say."""
    ann = polled.user()
    ann.text("hello")
    thread = polled.got()[0]["thread"]
    pictures = [polled.upload(f"{i}.png", png(20, 20, (i, 9, 9))) for i in range(3)]
    polled.fake.fault("part_of_album", method="sendMediaGroup", times=1)
    m = polled.say(thread, {"attachments": pictures}, status="unknown")
    polled.say(thread, {"text": "the next one"})
    assert len([x for x in ann.seen() if "photo" in x]) == 1
    assert polled.message(thread, m["id"])["status"] == "unknown"


def test_a_rate_within_a_long_message(polled):
    """The second part is told to wait: the first is not sent again."""
    ann = polled.user()
    ann.text("hello")
    thread = polled.got()[0]["thread"]
    words = " ".join(f"word{i}" for i in range(1500))
    polled.fake.fault("slow", method="sendMessage", times=1, ms=10)  # the first part passes
    polled.fake.fault("429", method="sendMessage", times=1, retry_after=2)
    m = polled.say(thread, {"text": words}, timeout=30)
    assert " ".join(x["text"] for x in ann.seen() if x["from"]["is_bot"]) == words
    assert {"part", "retry", "sent"} <= set(polled.trail(m["id"])) and not polled.fake.problems


def test_a_part_that_was_not_noted_is_not_sent_again(polled):
    """Redis is away just when the first part is at Telegram, and the second one is told to wait (F03)."""
    ann = polled.user()
    ann.text("hello")
    thread = polled.got()[0]["thread"]
    words = " ".join(f"word{i}" for i in range(1500))
    polled.fake.fault("slow", method="sendMessage", times=1, ms=60)
    polled.fake.fault("429", method="sendMessage", times=1, retry_after=1)
    m = polled.api.post(f"/threads/{thread}/messages", {"text": words})["message"]
    until(lambda: polled.fake.faults.happened, 10 * SLOWER, 0.005)
    with polled.gateway.redis_away():
        until(lambda: len(polled.fake.faults.happened) == 2, why="for the second part to be told")
    polled.gateway.wait_ready(30 * SLOWER)
    until(lambda: polled.message(thread, m["id"])["status"] in ("sent", "unknown"), 30 * SLOWER)
    there = [x["text"] for x in ann.seen() if x["from"]["is_bot"]]
    assert len(there) == len(set(there)) and words.startswith(" ".join(there)), "a part came twice"


def test_a_long_story_keeps_what_counts(polled):
    """A trail is shortened, never by where the message is: its parts can still be taken back."""
    ann = polled.user()
    ann.text("hello")
    thread = polled.got()[0]["thread"]
    m = polled.say(thread, {"text": " ".join(f"word{i}" for i in range(1200))}, timeout=30)
    parts = [x for x in ann.seen() if x["from"]["is_bot"]]
    log = polled.gateway.redis
    shard = next(k for k in log.scan_iter(f"*:log:{thread}")).decode().partition("log:")[0]
    common = (ROOT / "gateway/store/scripts/_common.lua").read_text()
    add = common + "local log = P .. 'log:' .. ARGV[1]; local rec = call('HGET', log, ARGV[2])\n" \
        "rec = string.gsub(rec, '(\\n%+%d+ part)', '\\n+1 retry ' .. string.rep('x', 380) .. '%1')\n" \
        "for _ = 1, 60 do rec = with_trail(rec, tonumber(ARGV[3]), 'retry', string.rep('y', 200)) end\n" \
        "rec = with_trail(rec, tonumber(ARGV[3]), 'reacted', '')\n" \
        "call('HSET', log, ARGV[2], rec); return #rec"
    assert log.eval(add, 1, shard, thread, m["seq"], int(time.time() * 1000)) < 40000
    trail = polled.trail(m["id"])
    assert "skipped" in trail and {"part", "sent"} <= set(trail) and len(trail) < 40
    assert polled.message(thread, m["id"])["status"] == "sent" and len(parts) > 1
    polled.api.ask("DELETE", f"/messages/{m['id']}")
    until(lambda: polled.message(thread, m["id"])["change"]["state"] == "done", 10 * SLOWER)
    assert not [x for x in ann.seen() if x["from"]["is_bot"]]


def test_nothing_listens_is_tried_again(start_gateway):
    """A connection that is refused carried nothing: tried again until it is taken."""
    w = Telegram(start_gateway)
    ann = w.user()
    ann.text("hello")
    thread = w.got()[0]["thread"]
    port, world = w.fake.port, w.fake.world
    w.close()
    m = w.api.post(f"/threads/{thread}/messages", {"text": "later"})["message"]
    until(lambda: w.message(thread, m["id"])["status"] == "queued" and w.message(thread, m["id"]).get("error"), 10 * SLOWER)
    again = FakeTelegram(port=port)
    again.do(lambda: again.world.__dict__.update(world.__dict__))
    until(lambda: w.message(thread, m["id"])["status"] == "sent", 60 * SLOWER)
    again.close()


def test_token_revoked(start_gateway):
    w = Telegram(start_gateway)
    w.user().text("hello")
    thread = w.got()[0]["thread"]
    w.bot.revoke()
    m = w.api.post(f"/threads/{thread}/messages", {"text": "x"})["message"]
    until(lambda: w.channel()["state"] == "lost" and "token" in w.channel()["error"].lower(), 70 * SLOWER)
    assert w.message(thread, m["id"])["status"] in ("queued", "sending")
    assert TOKEN not in w.gateway.log() and TOKEN not in json.dumps(w.channel())
    out = w.gateway.cli("doctor", check=False).stdout
    assert "does not know this token" in out and "@BotFather" in out and TOKEN not in out
    w.close()


# --- one poller, and moving --------------------------------------------------------------------------


@pytest.mark.long
def test_one_poller_and_its_successor(start_gateway):
    w = Telegram(start_gateway)
    ann = w.user()
    for i in range(6):
        ann.text(f"m{i}")
        if i == 2:
            for pid in w.gateway.worker_pids():
                w.gateway.kill_worker(index=0)
                break
        time.sleep(0.3)
    assert [m["text"] for m in w.got(n=6, timeout=30)] == [f"m{i}" for i in range(6)]
    conflicts = [k for k in w.fake.faults.happened if k[0] == "conflict"]
    assert not conflicts and w.channel()["state"] == "ready"
    w.close()


def test_between_webhook_and_polling_nothing_is_dropped(start_gateway):
    w = Telegram(start_gateway)
    ann = w.user()
    ann.text("by polling")
    w.got()
    g = w.gateway
    g.stop()
    ann.text("while it was down")
    polling = g.config_text
    g.config_text = 'public_url = "http://127.0.0.1:{port}"\n' + polling.replace('"polling"', '"webhook"')
    g.write_config()
    g.start()
    ann.text("by webhook")
    assert [m["text"] for m in w.got(n=3, timeout=30)] == ["by polling", "while it was down", "by webhook"]
    assert w.bot.bot.webhook["url"].startswith(g.url + "/hooks/telegram/sales/")
    g.stop()
    ann.text("down once more")
    g.config_text = polling
    g.write_config()
    g.start()
    ann.text("by polling again")
    assert [m["text"] for m in w.got(n=5, timeout=60)][3:] == ["down once more", "by polling again"]
    assert not w.bot.bot.webhook["url"]
    w.close()


@pytest.mark.long
def test_moving_while_people_write(start_gateway):
    """Reloads from polling to webhook and back, with answers going out all the time: all in once and in order, no 409 that
    stays."""
    w = Telegram(start_gateway, "webhook")
    g, chats = w.gateway, {n: w.user(100 + i, n) for i, n in enumerate(("Ann", "Bob", "Cyd"))}
    clients, agents = Clients(chats, 1), Agents(w)
    clients.start()
    until(lambda: len(w.api.threads()) == 3, 10 * SLOWER)
    agents.start()
    for mode in ("polling", "webhook", "polling"):
        calls = w.fake.calls.get("getUpdates", 0)
        before = set(g.worker_pids())
        g.config_text = re.sub('mode = "[a-z]+"', f'mode = "{mode}"', g.config_text)
        g.write_config()
        g.process.send_signal(signal.SIGHUP)
        until(lambda: not before & set(g.worker_pids()), 15 * SLOWER, why="for the new workers alone")
        until(lambda: bool(w.bot.bot.webhook["url"]) == (mode == "webhook") and
              (mode == "webhook" or w.fake.calls.get("getUpdates", 0) > calls), 15 * SLOWER, why=f"for {mode}")
        time.sleep(1)
    clients.stopping = agents.stopping = True
    clients.join(5)
    agents.join(30)
    until(lambda: all_in(w, clients) and are_settled(w, agents, ("sent",)), 30 * SLOWER, 0.2, "for all of it")
    for name, chat in chats.items():
        thread = w.messages(name)
        assert [m["text"] for m in thread if m["direction"] == "in"] == [f"{name} {i + 1}" for i in range(clients.said[name])]
        assert [m["text"] for m in chat.seen() if m["from"]["is_bot"]] == agents.sent[thread[0]["thread"]]
    assert w.channel()["state"] == "ready" and not w.bot.bot.webhook["url"] and not w.fake.problems
    w.close()


def test_ids_that_begin_anew_below(start_gateway):
    """After a week of silence the next update may have a lower id: it must not be confirmed unseen."""
    w = Telegram(start_gateway)
    w.fake.hold = 1
    ann = w.user()
    ann.text("before the silence")
    w.got()
    polls = w.fake.calls["getUpdates"]
    until(lambda: w.fake.calls["getUpdates"] >= polls + 2, 10 * SLOWER)
    w.fake.do(lambda: setattr(w.bot.bot, "next_update", 5))
    ann.text("after it")
    assert [m["text"] for m in w.got(n=2)] == ["before the silence", "after it"]
    w.close()


def test_a_webhook_of_ours_left_behind(start_gateway):
    """A worker that was slow to let go set it once more after the move to polling: it is taken away again."""
    w = Telegram(start_gateway, "webhook", workers=1)
    ann = w.user()
    ann.text("by webhook")
    w.got()
    left = dict(w.bot.bot.webhook)
    g = w.gateway
    g.stop()
    g.config_text = g.config_text.replace('mode = "webhook"', 'mode = "polling"')
    g.write_config()
    g.start()
    w.wait_ready()
    until(lambda: not w.bot.bot.webhook["url"] and w.fake.calls.get("getUpdates"), 10 * SLOWER)

    def set_again():
        w.bot.bot.webhook = {**left, "url": left["url"].replace("127.0.0.1", "127.0.0.2")}
        w.bot.bot.arrived.set()

    w.fake.do(set_again)
    ann.text("by polling")
    # At once, not after the pause that a conflict with a stranger asks for.
    assert [m["text"] for m in w.got(n=2, timeout=4)] == ["by webhook", "by polling"]
    assert not w.bot.bot.webhook["url"] and w.channel()["state"] == "ready"
    w.close()


@pytest.mark.parametrize("url,why", [
    ("https://bot.example.org:9443", "a port that Telegram never calls"), ("http://bot.example.org", "is not https"),
    ("https://127.0.0.1", "IP address 127.0.0.1 is reserved")])
def test_a_public_url_that_telegram_refuses(start_gateway, url, why):
    """The channel says so, and doctor what helps."""
    w = Telegram.__new__(Telegram)
    w.fake = FakeTelegram(allow_plain=False)
    w.bot = w.fake.bot(TOKEN)
    section = f'telegram "sales" {{{{ token = "{TOKEN}" api_url = "{w.fake.url}" mode = "webhook" }}}}\n'
    w.gateway = start_gateway(config=f'public_url = "{url}"\n' + CONFIG + section)
    w.api = w.gateway.login()
    until(lambda: w.channel()["state"] == "lost" and "bad webhook" in w.channel()["error"], 20 * SLOWER)
    out = w.gateway.cli("doctor", check=False).stdout
    assert why in out + w.channel()["error"] and "no webhook is set" in out
    if why not in w.channel()["error"]:
        assert "443, 80, 88 or 8443" in out or "--local calls http" in out
    w.close()


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_a_webhook_set_elsewhere(start_gateway, mode):
    w = Telegram(start_gateway, mode)
    until(lambda: mode == "polling" or w.bot.bot.webhook["url"], 10)

    def steal():
        w.bot.bot.webhook = {"url": "https://other.example/secret-path", "max_connections": 40}
        w.bot.bot.arrived.set()

    w.fake.do(steal)
    if mode == "polling":
        until(lambda: w.channel()["state"] == "lost", 20 * SLOWER)
    out = w.gateway.cli("doctor", check=False).stdout
    assert "https://other.example/..." in out and "another program uses this bot" in out and "secret-path" not in out
    assert ("409" if mode == "polling" else "sets its own again") in out
    w.close()


def test_what_waits_is_told(start_gateway):
    """Nothing comes through: how many updates wait at Telegram, and why (pending_update_count, last_error_message)."""
    w = Telegram(start_gateway, "webhook")
    until(lambda: w.bot.bot.webhook["url"], 10)
    w.fake.do(lambda: w.fake.deliverer(w.bot.bot).stop())
    w.bot.backlog(150, chats=3)
    w.fake.do(lambda: setattr(w.bot.bot, "last_error", (int(time.time()) - 120, "Connection refused")))
    out = w.gateway.cli("doctor", check=False).stdout
    assert "150 updates wait at Telegram" in out and "24 hours" in out
    assert "could not deliver 2 minutes ago: Connection refused" in out and "149.154.160.0/20" in out
    w.close()


def test_doctor_explains_a_webhook_that_fails(hooked):
    def fail():
        hooked.bot.bot.last_error = (int(time.time()) - 60, "SSL error {error:0A000086:SSL routines::certificate verify failed}")

    hooked.fake.do(fail)
    report = hooked.api.post("/channels/sales/check")["report"]
    line = next(x for x in report if "certificate verify failed" in x["text"])
    assert "fullchain.pem" in line["todo"] and line["level"] == "warn"
    hooked.fake.do(lambda: setattr(hooked.bot.bot, "last_error", None))


@pytest.mark.parametrize("text,why", [
    ('telegram "x" {{ token = "123" }}', "123456789:AA"), ('telegram "x" {{}}', "token"),
    ('telegram "x" {{ token = "%s" mode = "webhook" }}' % TOKEN, "public_url"),
    ('telegram "x" {{ token = "%s" api_url = "ftp://x" }}' % TOKEN, "https://"),
    ('telegram "x" {{ token = "%s" local_files = yes }}' % TOKEN, "api_url")])
def test_settings_that_cannot_be(text, why, tmp_path):
    g = Gateway(config=CONFIG + text + "\n", folder=tmp_path)
    p = g.cli("check-config", check=False)
    if p.returncode == 0:  # what only the connector can see: at the start
        g.start(wait=False)
        g.process.wait(10 * SLOWER)
        p = type(p)([], g.process.returncode, g.log(), "")
    assert p.returncode != 0 and why in p.stdout + p.stderr and TOKEN not in p.stdout + p.stderr
    g.destroy()
