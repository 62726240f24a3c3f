"""Every frame that asyncapi.json documents is said or heard once on a running gateway; contract.py
holds each against its schema. The documents' own examples are as their schemas say."""
import json

import pytest
import wire
from contract import WATCH, Contract
from fakes.telegram import FakeTelegram
from harness import CONFIG, patience, until

CONTRACT = Contract()
SEE = CONFIG.replace("login_tries = 1000", 'login_tries = 1000 see = "assigned"')


def heard(ws, *kinds):
    while True:
        f = json.loads(ws.recv(patience()))
        if f["type"] in kinds:
            return f


def say(ws, **frame):
    ws.send(json.dumps(frame))


def open_agent(g, api, **hello):
    ws = wire.WebSocket("127.0.0.1", g.port, "/ws/agent", {"Cookie": api.cookie})
    say(ws, type="hello", **hello)
    return ws


@pytest.fixture
def talk(start_gateway):
    """An admin, an agent who sees only his own and nobody's, and a visitor who was there first."""
    telegram = FakeTelegram()
    bot = telegram.bot("123456:" + "A" * 35)
    g = start_gateway(config=SEE + f'telegram "sales" {{{{ token = "{bot.token}" api_url = "{telegram.url}" }}}}\n')
    g.add_user("bob")
    until(lambda: any(c.get("info", {}).get("username") for c in g.login().get("/channels")["channels"]), 20)
    visitor = wire.WebSocket("127.0.0.1", g.port, "/ws/visitor")
    say(visitor, type="hello", site="site", v=1, page={"url": g.url + "/demo", "utm": {"source": "x"}},
        user={"name": "Ann"})
    heard(visitor, "ready")
    admin = open_agent(g, g.login())
    heard(admin, "ready")
    heard(visitor, "online")
    bob = open_agent(g, g.login("bob", g.PASSWORD))
    heard(bob, "ready")
    yield g, admin, bob, visitor
    for ws in (admin, bob, visitor):
        ws.kill()
    telegram.close()


def test_every_frame_is_seen(talk):
    g, admin, bob, visitor = talk
    heard(admin, "presence")
    say(visitor, type="msg", cid="c-1", text="hello, frames")
    seq = heard(visitor, "ack")["seq"]
    thread = heard(bob, "message")["message"]["thread"]
    say(visitor, type="typing", on=True)
    assert heard(admin, "typing")["who"] == "client"
    say(admin, type="change", id="a-1", thread=thread, assignee="admin", labels=["vip"])
    assert heard(admin, "ok")["thread"]["assignee"] == "admin"
    assert heard(bob, "gone")["thread"] == thread
    say(admin, type="send", id="a-2", thread=thread, text="hello yourself")
    sent = heard(admin, "ok")["message"]
    assert heard(visitor, "msg")["message"]["seq"] <= sent["seq"]
    say(admin, type="typing", id="a-3", thread=thread, on=True)
    heard(visitor, "typing")
    say(admin, type="view", id="a-7", thread=thread, on=True)
    assert heard(admin, "viewers")["agents"] == ["admin"]
    g.login().ask("PUT", f"/threads/{thread}/draft", json={"text": "I am"})
    assert heard(admin, "desk")["what"] == "drafts"
    say(admin, type="read", id="a-4", thread=thread, seq=seq)
    assert heard(visitor, "status")["upto"] == seq
    say(visitor, type="delivered", upto=sent["seq"])
    say(visitor, type="read", upto=sent["seq"])
    heard(admin, "status")
    heard(admin, "thread")
    say(admin, type="ping", id="a-5")
    heard(admin, "ok")
    say(admin, type="send", id="a-6", thread=thread, text="")
    assert heard(admin, "error")["id"] == "a-6"
    client = g.login().get("/threads/" + thread)["client"]["id"]
    g.login().patch("/clients/" + client, {"phone": "+7 900"})
    heard(admin, "client")
    say(visitor, type="history", before=sent["seq"], limit=10)
    assert heard(visitor, "history")["messages"]
    say(visitor, type="msg", cid="c-2", text="x" * 5000)
    assert heard(visitor, "nack")["cid"] == "c-2"

    def way_on():
        """Whichever worker it is, it hears of the bot's name in a moment."""
        say(visitor, type="continue", id="go-1", connector="telegram")
        return heard(visitor, "continue", "error").get("url", "").startswith("https://t.me/test_bot?start=")

    until(way_on, step=0.1)
    say(visitor, type="form", name="Ann", email="ann@example.org")
    heard(visitor, "form")
    say(visitor, type="event", cid="e-1", name="basket", data={"items": 3})
    assert heard(visitor, "noted")["cid"] == "e-1"
    say(admin, type="change", id="a-8", thread=thread, state="closed")
    assert heard(visitor, "state")["closed"] is True
    say(visitor, type="rate", cid="r-1", score=5)
    assert heard(visitor, "noted")["cid"] == "r-1"
    say(visitor, type="dance")
    heard(visitor, "error")
    say(visitor, type="ping")
    heard(visitor, "pong")
    again = open_agent(g, g.login(), cursor="7ZZZZZZZZZZZZZZZZZZZZZZZ00;0:1-1")
    heard(again, "reset")
    heard(again, "ready")
    again.kill()
    g.kill_redis()
    assert heard(admin, "store")["up"] is False
    assert heard(admin, "store")["up"] is True
    every = set(CONTRACT.asyncapi["components"]["messages"])
    assert every <= WATCH.seen, f"not seen: {sorted(every - WATCH.seen)}"


@pytest.mark.parametrize("frame", [
    {"type": "read", "id": "x", "thread": "T", "seq": 1, "more": 1}, {"type": "ping", "more": 1},
    {"type": "ping", "x" + "é" * 50: 1}, {"type": "x" + "é" * 50}, {"type": "ping", "id": 5}, {"type": "ping", "id": ""}, {"type": "ping", "id": "a b"},
    {"type": "ping", "id": "x" * 101}, {"type": "typing", "thread": "T"},
    {"type": "view", "thread": "T"}, {"type": "view", "on": True}, {"type": "typing", "thread": "T", "on": 1}, {"type": "typing", "thread": "nonsense", "on": True},
    {"type": "read", "thread": "T", "seq": -1}, {"type": "read", "thread": "T", "seq": 1.5},
    {"type": "hello", "cursor": 5}, {"type": "hello"}], ids=str)
def test_what_is_not_documented_is_refused(shared, frame):
    """The strict schema and the server agree on what an agent may say."""
    frame = {k: shared.hook({"from": {"address": "f"}, "id": "f", "text": "x"}).json()["thread"]
             if v == "T" else v for k, v in frame.items()}
    ws = open_agent(shared, shared.login())
    heard(ws, "ready")
    ws.send(json.dumps(frame))
    while (f := json.loads(ws.recv(10)))["type"] not in ("ok", "error"):
        pass
    assert f["type"] == "error" and f["detail"], f
    if frame != {"type": "hello"}:  # a second one
        with pytest.raises(AssertionError):
            CONTRACT.frame("/ws/agent", "publish", frame)
    ws.kill()


def schemas_with_examples(at, where=""):
    if isinstance(at, list):
        for i, v in enumerate(at):
            yield from schemas_with_examples(v, f"{where}/{i}")
    elif isinstance(at, dict):
        for name in ("payload", "schema"):
            if isinstance(at.get(name), dict):
                for e in at.get("examples", []):
                    yield where, at[name], e[name]
                if "example" in at:
                    yield where, at[name], at["example"]
        if "type" in at and isinstance(at.get("examples"), list):
            for e in at["examples"]:
                yield where, at, e
        for k, v in at.items():
            if k not in ("example", "examples"):
                yield from schemas_with_examples(v, f"{where}/{k}")


@pytest.mark.parametrize("name", ["openapi.json", "asyncapi.json"])
def test_examples_are_true(name):
    found = list(schemas_with_examples(CONTRACT.strict[name]))
    assert len(found) > 30
    for where, schema, example in found:
        CONTRACT.validate(schema, example, name, where)
