"""The number and its account: tokens, subscriptions, what an admin is told, and what he need not do (issue lines 1, 2
and 6; F09 the store is away)."""

import json
import os
import signal
import threading
import time

import pytest
from fakes.whatsapp.deliver import signature
from harness import SLOWER, until
from whatsapp_world import TOKEN, WhatsApp


@pytest.fixture
def world(start_gateway):
    with WhatsApp(start_gateway) as w:
        yield w


def reload(world, old, new):
    """The configuration with other words, read anew."""
    g = world.gateway
    assert old in g.config_text
    g.config_text = g.config_text.replace(old, new)
    g.write_config()
    g.reload()


def texts(world):
    return [s["body"]["text"]["body"] for s in world.fake.sent if s["type"] == "text"]


def info(world):
    return world.channel().get("info", {})


def test_a_new_token_sets_the_queue_free(world):
    """The token is taken back: the channel waits, in words. With a new one it goes on at once, nothing is lost."""
    ann = world.user()
    ann.text("hello")
    world.got(n=1)
    world.token.revoked = True
    thread = world.thread_of("Ann")
    for text in ("one", "two"):
        world.api.post(f"/threads/{thread}/messages", {"text": text})
    lost = until(lambda: (lambda c: c if c["state"] == "lost" else None)(world.channel()), 20 * SLOWER)
    assert lost["error"].startswith("w190: ")
    assert [m["status"] for m in world.messages() if m["direction"] == "out"] == ["queued", "queued"] and not texts(world)
    until(lambda: (info(world).get("trouble") or "").startswith("w190: "), 10 * SLOWER, why="for what all workers see")
    new = "EAB" + "y" * 40
    world.fake.token(new)
    reload(world, TOKEN, new)
    until(lambda: texts(world) == ["one", "two"], 20 * SLOWER, why="for the queue")
    until(lambda: world.channel()["state"] == "ready" and "trouble" not in info(world), 20 * SLOWER, why="for the channel")
    assert new not in world.gateway.log_path.read_text()


def test_trouble_of_the_account_ends_with_the_next_message(world):
    """Meta tells that the account is disabled, then takes messages again: nobody has to tell us."""
    world.number.account("account_update", {"event": "DISABLED_UPDATE"})
    until(lambda: world.channel()["state"] == "lost", 20 * SLOWER)
    assert "DISABLED_UPDATE" in world.channel()["error"]
    ann = world.user()
    ann.text("hello")
    world.got(n=1)
    thread = world.thread_of("Ann")
    for i in range(20):  # of whichever worker
        world.user(f"49176111{i:02}", f"P{i}").text("hi")
    world.say(thread, {"text": "are we back?"})

    asked = 0

    def is_over():
        nonlocal asked
        if time.monotonic() > asked + 7:
            for t in world.api.threads():
                world.api.post(f"/threads/{t['id']}/messages", {"text": "and you?"})
            asked = time.monotonic()
        return world.channel()["state"] == "ready"

    until(is_over, 80 * SLOWER, why="for the end of it")


def test_warnings_are_shown(world):
    """What keeps no message back is told to the admin as well: alerts, and webhooks for a number of no channel."""
    world.number.account("account_alerts", {"alert_type": "OBA_REJECTED", "alert_description": "The badge was refused"})
    until(lambda: "The badge was refused" in info(world).get("warning", ""), 20 * SLOWER)
    assert world.channel()["state"] == "ready"
    stranger = world.fake.number("3000", world.waba, "+49 151 3")
    world.fake.user("4917600001", "Bob").chat(stranger).text("to nobody")
    until(lambda: "3000" in str(world.gateway.redis.get("sb:kept:main:warning")), 10 * SLOWER)
    world.number.emit("group_lifecycle_update", {"groups": []})
    until(lambda: 'event=whatsapp.unknown_field' in world.gateway.log_path.read_text(), 10 * SLOWER)
    assert "group_lifecycle_update" in world.gateway.log_path.read_text()


def test_an_app_that_is_not_live(world):
    """That cannot be asked: an examination tells whether webhooks have come, and what to do."""
    def lines(level):
        return [r for r in world.api.post("/channels/main/check", {})["report"] if r["level"] == level]

    mute = next(r for r in lines("warn") if "no webhook has come" in r["text"])
    assert "Live" in mute["todo"]
    assert "Live" in world.gateway.cli("doctor", check=False).stdout
    world.user().text("hello")
    world.got(n=1)
    until(lambda: any("webhooks have come" in r["text"] for r in lines("ok")), 10)
    assert not any("no webhook" in r["text"] for r in lines("warn"))


def test_a_number_pointed_elsewhere_comes_back(start_gateway):
    w = WhatsApp(start_gateway)
    w.number.number.override = "http://127.0.0.1:9/other"
    w.waba.subscribed.clear()
    w.gateway.restart()
    w.api = w.gateway.login()
    until(lambda: w.number.number.override == w.gateway.url + "/hooks/whatsapp/main", 20 * SLOWER)
    assert w.waba.subscribed["4711"]["override_callback_uri"] == w.gateway.url + "/hooks/whatsapp/main"
    w.user().text("hello")
    w.got(n=1)
    w.close()


def test_history_is_asked_for_once(start_gateway):
    """Coexistence: Meta hands it over only to those who ask, and only once."""
    w = WhatsApp(start_gateway, number={"coexistence": True})
    assert w.number.number.asked == ["history"]
    w.gateway.restart()
    w.api = w.gateway.login()
    w.wait_ready()
    assert w.fake.calls["POST smb_app_data"] == 1 and not w.fake.problems
    w.close()


def test_signature_of_other_bytes(world):
    number, body = world.number.number, b'{"object": "whatsapp_business_account", "entry": []}'
    right = signature(world.app.secret, body, "good")
    assert world.fake.post_raw(number, body, headers=right) == 200
    for other in (body + b" ", body.replace(b"[]", b"[{}]"), b""):
        assert world.fake.post_raw(number, other, headers=right) == 401
    mac = right["X-Hub-Signature-256"]
    for wrong in (mac.upper(), mac[:-1], mac + "0", mac.removeprefix("sha256="), "sha1=" + mac[7:], "sha256="):
        assert world.fake.post_raw(number, body, headers={"X-Hub-Signature-256": wrong}) == 401, wrong


def test_no_200_while_the_store_is_away(world):
    """What is not on disk was not taken: the batch comes again, and each of it is there once."""
    number = world.number.number
    messages = [{"from": f"491760000{i:02}", "id": f"wamid.S{i}", "timestamp": str(int(time.time())), "type": "text",
                 "text": {"body": f"m{i}"}} for i in range(30)]
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "77", "changes": [{
        "field": "messages", "value": {"metadata": world.fake.metadata(number), "messages": messages}}]}]}).encode()
    statuses = []

    def again():
        try:
            statuses.append(world.fake.post_raw(number, body))
        except OSError:
            statuses.append(0)
        return statuses[-1] == 200

    with world.gateway.redis_away():
        assert not again()
    until(again, 40 * SLOWER, 0.1)
    assert set(statuses) <= {0, 200, 503}, statuses
    world.gateway.wait_ready(30 * SLOWER)
    said = [m["text"] for t in world.api.threads() for m in world.api.messages(t["id"])]
    assert sorted(said) == sorted(f"m{i}" for i in range(30))


def test_many_news_are_few_questions(world):
    """200 calls of the management API an hour are for the whole account: a flood of news must not use them up."""
    world.fake.batch = False
    before = dict(world.fake.calls)
    for i in range(60):
        world.fake.template(world.waba, f"t{i}", components=[{"type": "BODY", "text": "x"}])
        world.number.account("message_template_status_update", {"event": "APPROVED", "message_template_name": f"t{i}"})
        world.number.account("account_update", {"event": "VERIFIED_ACCOUNT"})
    until(lambda: len(world.api.get("/channels/main/templates")["templates"]) == 61, 20 * SLOWER, why="for the last one")
    asked = {k: world.fake.calls[k] - before.get(k, 0) for k in ("GET message_templates", "GET number")}
    assert asked["GET message_templates"] < 40 and asked["GET number"] <= 1, asked


def test_order_survives_a_store_that_goes_away_in_the_middle(world):
    """What fails holds back what the same person did next: it all comes again, in its order."""
    number, people, n, sent = world.number.number, 40, 2000, 0

    def messages():
        nonlocal sent
        sent += n
        return [{"from": f"4917600{i % people:03}", "id": f"wamid.O{i}", "timestamp": str(int(time.time())), "type": "text",
                 "text": {"body": str(i)}} for i in range(sent - n, sent)]

    def scripts_run():
        return world.gateway.redis.info("commandstats")["cmdstat_evalsha"]["calls"]

    def in_the_middle():
        """Whether it went away before all was stored: that is a race, which is begun anew until it is won."""
        body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "77", "changes": [{
            "field": "messages", "value": {"metadata": world.fake.metadata(number), "messages": messages()}}]}]}).encode()
        answers = []

        def post():
            try:
                answers.append(world.fake.post_raw(number, body))
            except OSError:
                answers.append(0)
            return answers[-1] == 200

        first, pid, before = threading.Thread(target=post), world.gateway.redis_pid(), scripts_run()
        first.start()
        until(lambda: scripts_run() > before + 2 * people, step=0)
        os.kill(pid, signal.SIGKILL)
        first.join()
        until(post, 60 * SLOWER, 0.1)
        world.gateway.wait_ready(30 * SLOWER)
        return answers[0] != 200

    assert any(in_the_middle() for _ in range(20))
    got = [[int(m["text"]) for m in world.api.messages(t["id"])] for t in world.api.threads()]
    assert sorted(got) == [list(range(i, sent, people)) for i in range(people)]
