"""Each documented operation is called on a running gateway and its answer held against the schema;
statuses and keys that are not documented fail. The websockets' frames likewise."""
import json
import time

import pytest
import requests
import scenes_admin
from client_scenes import NOBODY, PNG, client_files, erase_client, merge_clients, suggestions
from clients import Api, Authenticator
from contract import Contract
from harness import CONFIG, SLOWER, Gateway, until
from kept_scenes import policies, rules, schedules

CONTRACT = Contract()
PHONE = """
whatsapp "phone" {{ token = "EAAxxxxxxxxxxxxxxxxxxxx" phone_number_id = "1055" waba_id = "77"
  app_secret = "0123456789abcdef" verify_token = "a-word-of-ours" api_url = "http://127.0.0.1:9" }}
"""


class World:
    """A gateway with an agent, a client who wrote, and whatever a scene needs."""

    def __init__(self, gateway):
        self.gateway, self.count = gateway, 0
        self.admin = gateway.login()
        self.stranger = Api(gateway.url)

    def call(self, op, path=None, status=None, api=None, **kw):
        return CONTRACT.call(api or self.admin, op, path, status, **kw)

    def thread(self, text="hello <b>there</b>", address=None):
        self.count += 1
        key = address or f"person{self.count}-{time.monotonic_ns()}"
        r = self.gateway.hook({"from": {"address": key, "name": "Ann <script>"}, "id": f"m{time.monotonic_ns()}",
                               "text": text})
        assert r.status_code == 200, r.text
        return r.json()["thread"]

    def client(self):
        return self.admin.get("/threads/" + self.thread())["client"]["id"]

    def settled(self, name):
        """One who has chosen his own password, the usual one."""
        self.gateway.add_user(name)
        return self.gateway.login(name, self.gateway.PASSWORD)

    def agent(self, name):
        self.call("addAgent", status=201, json={"name": name, "display_name": name.title(),
                                                "role": "agent", "password": "one two three"})
        return Api(self.gateway.url).login(name, "one two three")


@pytest.fixture(scope="module")
def world():
    """Besides the usual channels a WhatsApp number, whose servers are never there."""
    g = Gateway(config=CONFIG + PHONE).start()
    yield World(g)
    g.destroy()


# --- one scene an operation --------------------------------------------------------------------


def sign_in(w):
    w.call("signIn", status=200, json={"name": "admin", "password": w.gateway.password})
    w.call("signIn", status=401, json={"name": "admin", "password": "wrong password"})
    w.call("signIn", status=400, json={"name": "admin"})
    w.call("signIn", status=400, json={"name": "admin", "password": 5})
    w.call("signIn", status=403, json={"name": "a", "password": "b"},
           headers={"Origin": "https://evil.example"})


def who_am_i(w):
    assert w.call("whoAmI", status=200)["agent"]["name"] == "admin"


def sign_out(w):
    api = w.gateway.login()
    w.call("signOut", api=api, status=204)


def change_password(w):
    api = w.agent("changer")
    w.call("changePassword", api=api, status=403, json={"old": "not the old one", "new": "x" * 12})
    w.call("changePassword", api=api, status=400, json={"old": "one two three", "new": "short"})
    w.call("changePassword", api=api, status=204, json={"old": "one two three", "new": "three two one"})
    assert api.get("/session")["agent"]["must_change_password"] is False


def second_factor(w):
    """On, new codes, off; and each refusal."""
    password = {"password": w.gateway.PASSWORD}
    api = w.settled(f"factor{time.monotonic_ns()}")
    assert w.call("secondFactor", status=200, api=api) == {"has_password": True, "enabled": False, "recovery_codes_left": 0}
    w.call("beginSecondFactor", status=403, api=api, json={"password": "wrong password"})
    for op in ("beginSecondFactor", "confirmSecondFactor", "newRecoveryCodes", "endSecondFactor"):
        w.call(op, status=400, api=api, json={})
    w.call("confirmSecondFactor", status=409, api=api, json={"code": "123456"})
    app = Authenticator(w.call("beginSecondFactor", status=200, api=api, json=password)["secret"])
    w.call("confirmSecondFactor", status=400, api=api, json={"code": app.wrong()})
    codes = w.call("confirmSecondFactor", status=200, api=api, json={"code": app.code()})["recovery_codes"]
    w.call("beginSecondFactor", status=409, api=api, json=password)
    w.call("newRecoveryCodes", status=403, api=api, json={**password, "code": app.wrong()})
    fresh = w.call("newRecoveryCodes", status=200, api=api, json={**password, "code": codes[0]})["recovery_codes"]
    assert len(set(codes + fresh)) == 20
    w.call("endSecondFactor", status=403, api=api, json={**password, "code": codes[1]})
    w.call("endSecondFactor", status=204, api=api, json={**password, "code": fresh[0]})
    w.call("newRecoveryCodes", status=409, api=api, json={**password, "code": fresh[1]})


def sessions(w):
    name = f"sessions{time.monotonic_ns()}"
    api = w.settled(name)
    others = [w.gateway.login(name, w.gateway.PASSWORD) for _ in range(3)]
    listed = w.call("listSessions", status=200, api=api)["sessions"]
    assert len(listed) == 4 and [s["current"] for s in listed] == [False, False, False, True]
    w.call("endSession", {"id": listed[0]["id"]}, 204, api=api)
    for unknown in (listed[0]["id"], "0" * 24, "x", "%00"):
        assert api.ask("DELETE", "/sessions/" + unknown).status_code in (400, 404)
    w.call("endOtherSessions", status=204, api=api)
    assert len(w.call("listSessions", status=200, api=api)["sessions"]) == 1
    assert [o.ask("GET", "/session").status_code for o in others] == [401] * 3


def admins_help(w):
    name = f"helped{time.monotonic_ns()}"
    w.settled(name).second_factor(w.gateway.PASSWORD)
    w.call("resetSecondFactor", {"name": name}, 204)
    w.call("resetSecondFactor", {"name": name}, 409)
    api = w.gateway.login(name, w.gateway.PASSWORD)
    w.call("signAgentOut", {"name": name}, 204)
    assert api.ask("GET", "/session").status_code == 401
    for op in ("resetSecondFactor", "signAgentOut"):
        w.call(op, {"name": "nobody-here"}, 404)
        w.call(op, {"name": "admin"}, 403)


def list_threads(w):
    ids = [w.thread("a rare word: Apfelstrudel") for _ in range(3)]
    page = w.call("listThreads", status=200, params={"view": "open", "limit": 2})
    assert len(page["threads"]) == 2 and page["next"]
    more = w.call("listThreads", status=200, params={"view": "open", "limit": 2, "cursor": page["next"]})
    assert more["threads"][0]["id"] == ids[0]
    for view in ("mine", "unassigned", "mentions", "snoozed", "closed", "all"):
        w.call("listThreads", status=200, params={"view": view})
    w.call("listThreads", status=200, params={"channel": "test", "label": "x", "assignee": "admin"})
    found = until(lambda: w.call("listThreads", params={"q": "apfelstrudel"})["threads"], 10)
    assert found[0]["match"]["snippet"]
    for bad in ({"view": "nonsense"}, {"cursor": "nonsense"}, {"limit": "0"}, {"limit": "x"},
                {"limit": "201"}, {"q": "x" * 201}, {"label": "x" * 65}):
        w.call("listThreads", status=400, params=bad)


def count_threads(w):
    w.thread()
    assert w.call("countThreads", status=200)["counts"]["open"] >= 1


def get_thread(w):
    t = w.thread()
    assert w.call("getThread", {"id": t}, 200)["thread"]["id"] == t
    for bad in (NOBODY, "nonsense", "%00", t.lower()):
        assert w.admin.ask("GET", "/threads/" + bad).status_code in (400, 404)
    w.call("getThread", {"id": NOBODY}, 404)


def change_thread(w):
    t = w.thread()
    got = w.call("changeThread", {"id": t}, 200, json={"assignee": "admin", "labels": ["vip", "<b>"]})
    assert got["thread"]["assignee"] == "admin" and got["thread"]["labels"] == ["vip", "<b>"]
    later = "2035-01-01T10:00:00Z"
    got = w.call("changeThread", {"id": t}, 200, json={"state": "snoozed", "snooze_until": later})
    assert got["thread"]["snooze_until"] == "2035-01-01T10:00:00.000Z"
    got = w.call("changeThread", {"id": t}, 200, json={"state": "closed", "assignee": None})
    assert got["thread"]["state"] == "closed" and got["thread"]["assignee"] is None
    for on in (True, False):
        assert w.call("changeThread", {"id": t}, 200, json={"blocked": on})["thread"]["blocked"] is on
    w.call("changeThread", {"id": t}, 400, json={"blocked": 1})
    w.call("changeThread", {"id": t}, 400, json={"assignee": "no-such-agent"})
    w.call("changeThread", {"id": t}, 400, json={"state": "snoozed"})
    w.call("changeThread", {"id": t}, 400, json={"state": 5})
    w.call("changeThread", {"id": t}, 400, json={"id": "x" * 101, "state": "open"})
    w.call("changeThread", {"id": t}, 400, json={"labels": [5]})
    w.call("changeThread", {"id": t}, 400, json={"labels": ["a\u0000b"]})
    w.call("changeThread", {"id": NOBODY}, 404, json={"state": "closed"})


def read_thread(w):
    t = w.thread()
    w.call("readThread", {"id": t}, 204, json={"seq": 1})
    assert w.admin.get("/threads/" + t)["thread"]["unread"] == 0
    w.call("readThread", {"id": t}, 204, json={"seq": 2 ** 40})
    assert w.admin.get("/threads/" + t)["thread"]["agent_read_seq"] <= 2
    for bad in ({}, {"seq": -1}, {"seq": "1"}, {"seq": 1.5}, {"seq": 1, "x": 1}):
        w.call("readThread", {"id": t}, 400, json=bad)
    w.call("readThread", {"id": NOBODY}, 404, json={"seq": 1})


def list_messages(w):
    t = w.thread("first")
    for i in range(5):
        w.call("sendMessage", {"id": t}, 202, json={"text": f"answer {i}", "note": i % 2 == 0})
    page = w.call("listMessages", {"id": t}, 200, params={"limit": 2})
    assert len(page["messages"]) == 2 and page["next"] == page["messages"][0]["seq"]
    older = w.call("listMessages", {"id": t}, 200, params={"limit": 2, "before": page["next"]})
    assert older["messages"][-1]["seq"] == page["next"] - 1
    newer = w.call("listMessages", {"id": t}, 200, params={"after": 1})
    assert [m["seq"] for m in newer["messages"]][0] == 2
    whole = w.admin.messages(t)
    assert [m["seq"] for m in whole] == list(range(1, len(whole) + 1))
    for bad in ({"before": "x"}, {"after": "-1"}, {"limit": "1000"}, {"before": "1" * 40}):
        w.call("listMessages", {"id": t}, 400, params=bad)
    w.call("listMessages", {"id": NOBODY}, 404)


def send_message(w):
    t = w.thread()
    one = w.call("sendMessage", {"id": t}, 202, json={"id": "k-1", "text": "<script>alert(1)</script>"})
    two = w.call("sendMessage", {"id": t}, 200, json={"id": "k-1", "text": "<script>alert(1)</script>"})
    assert one["message"]["id"] == two["message"]["id"] and one["message"]["seq"] == two["message"]["seq"]
    assert two["message"]["text"] == "<script>alert(1)</script>"
    note = w.call("sendMessage", {"id": t}, 202, json={
        "text": "for us", "note": True, "html": None, "subject": None, "reply_to": None, "attachments": None})
    assert not {"html", "subject", "reply_to"} & set(note["message"])
    assert note["message"]["direction"] == "note"
    w.call("sendMessage", {"id": t}, 400, json={"text": ""})
    w.call("sendMessage", {"id": t}, 400, json={"text": "x", "channel": "no-such"})
    w.call("sendMessage", {"id": t}, 400, json={"text": "x", "attachments": [NOBODY], "note": True})
    w.call("sendMessage", {"id": t}, 413, json={"text": "x" * 20000})
    media = w.call("uploadMedia", status=201, params={"name": "a.png"}, data=PNG)["media"]["id"]
    w.call("sendMessage", {"id": t}, 422, json={"text": "x", "attachments": [media]})
    shown = w.call("sendMessage", {"id": t}, 202, json={"text": "x", "attachments": [media], "note": True})
    assert shown["message"]["attachments"][0]["mime"] == "image/png"
    w.call("sendMessage", {"id": NOBODY}, 404, json={"text": "x"})


def answered(w, text="hello"):
    """A message of ours that is at the channel."""
    t = w.thread()
    m = w.call("sendMessage", {"id": t}, 202, json={"text": text})["message"]
    return t, until(lambda: [x for x in w.admin.messages(t) if x["id"] == m["id"] and x["status"] == "sent"])[0]


def settled(w, t, m):
    """The message once the channel has heard of its change."""
    return until(lambda: [x for x in w.admin.messages(t) if x["id"] == m["id"]
                          and x["change"]["state"] == "done"])[0]


def edit_message(w):
    t, m = answered(w, "before")
    now = w.call("editMessage", {"id": m["id"]}, 202, json={"text": "after"})["message"]
    assert now["text"] == "after" and now["change"]["what"] == "edit"
    now = settled(w, t, m)
    assert [e["text"] for e in now["edits"]] == ["before"] and now["edited_at"] and now["status"] == "sent"
    theirs = w.admin.messages(t)[0]
    w.call("editMessage", {"id": theirs["id"]}, 409, json={"text": "what they said"})
    for bad in ({}, {"text": ""}, {"text": 5}, {"text": "x", "more": 1}):
        w.call("editMessage", {"id": m["id"]}, 400, json=bad)


def delete_message(w):
    t, m = answered(w)
    w.call("deleteMessage", {"id": m["id"]}, 202)
    now = settled(w, t, m)
    assert now["deleted_by"] == "admin" and now["deleted_at"] and now["text"] == "hello"
    w.call("deleteMessage", {"id": m["id"]}, 409)
    w.call("editMessage", {"id": m["id"]}, 409, json={"text": "too late"})


def react_to_message(w):
    t, m = answered(w)
    theirs = w.admin.messages(t)[0]
    w.call("reactToMessage", {"id": theirs["id"]}, 202, json={"emoji": "👍"})
    assert settled(w, t, theirs)["reactions"] == [{"emoji": "👍", "by": "admin"}]
    w.call("reactToMessage", {"id": theirs["id"]}, 202, json={"emoji": ""})
    assert "reactions" not in settled(w, t, theirs)
    for bad in ({}, {"emoji": 5}, {"emoji": "x" * 41}, {"emoji": "👍", "more": 1}):
        w.call("reactToMessage", {"id": theirs["id"]}, 400, json=bad)


def trace_message(w):
    t = w.thread()
    m = w.call("sendMessage", {"id": t}, 202, json={"text": "where am I?"})["message"]["id"]

    def sent():
        trail = w.call("traceMessage", {"id": m}, 200)["trail"]
        return {"sent", "attached"} <= {line["what"] for line in trail}
    until(sent, 10)
    w.call("traceMessage", {"id": NOBODY}, 404)


def get_client(w):
    c = w.client()
    until(lambda: "card" in w.call("getClient", {"id": c}, 200)["client"], 10)
    until(lambda: w.call("getClient", {"id": c}, 200)["client"]["card"].get("main"), 10)
    w.call("getClient", {"id": NOBODY}, 404)


def card_owner(w):
    c = w.client()
    card = until(lambda: w.call("getClient", {"id": c}, 200)["client"]["cards"]["main"]["id"], 10)
    got = w.call("getCardOwner", {"target": "main", "rest": card}, 200)
    assert got["client"]["id"] == c == got["thread"]["client"]["id"]
    for target, other in (("main", "deal/77"), ("none", card), ("main", "x" * 1000)):
        w.call("getCardOwner", {"target": target, "rest": other}, 404)


def change_client(w):
    c = w.client()
    got = w.call("changeClient", {"id": c}, 200, json={"name": "Анна", "phone": "+7 900", "email": "a@x.org",
                                                       "note": "<img src=x onerror=alert(1)>"})
    assert got["client"]["name"] == "Анна" and got["client"]["note"].startswith("<img")
    for bad in ({"name": ""}, {"name": 5}, {"role": "admin"}, {"name": "x" * 600}, {"phone": None}):
        w.call("changeClient", {"id": c}, 400, json=bad)
    w.call("changeClient", {"id": NOBODY}, 404, json={"name": "x"})


def upload_media(w):
    m = w.call("uploadMedia", status=201, params={"name": "../../etc/<b>.png"}, data=PNG)["media"]
    assert m["mime"] == "image/png" and m["kind"] == "image" and "/" not in m["name"]
    w.call("uploadMedia", status=400, data=PNG)
    w.call("uploadMedia", status=400, params={"name": "x" * 300}, data=PNG)


def get_media(w):
    m = w.call("uploadMedia", status=201, params={"name": "a.png"}, data=PNG)["media"]["id"]
    r = w.call("getMedia", {"id": m}, 200)
    assert r.content == PNG and r.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in r.headers["Content-Security-Policy"]
    assert w.call("getMedia", {"id": m}, 206, headers={"Range": "bytes=1-3"}).content == PNG[1:4]
    w.call("getMedia", {"id": m}, 416, headers={"Range": "bytes=9999-"})
    w.call("getMedia", {"id": m}, 304, headers={"If-None-Match": r.headers["ETag"]})
    r = w.call("getMedia", {"id": m}, 200, params={"download": 1})
    assert r.headers["Content-Disposition"].startswith("attachment")
    w.call("getMedia", {"id": NOBODY}, 404)


def list_agents(w):
    agents = w.call("listAgents", status=200)["agents"]
    assert "admin" in [a["name"] for a in agents]


def add_agent(w):
    w.agent("newcomer")
    again = {"name": "newcomer", "role": "agent", "password": "one two three"}
    w.call("addAgent", status=409, json=again)
    for bad in ({**again, "name": "Bad Name"}, {**again, "role": "root"}, {**again, "password": "short"},
                {**again, "name": "x", "display_name": 5}, {**again, "scopes": "admin"}, {}):
        w.call("addAgent", status=400, json=bad)


def change_agent(w):
    w.agent("changed")
    got = w.call("changeAgent", {"name": "changed"}, 200, json={"display_name": "Чед", "lang": "en", "role": "supervisor"})
    assert got["agent"]["role"] == "supervisor" and got["agent"]["display_name"] == "Чед"
    w.call("changeAgent", {"name": "nobody-here"}, 404, json={"lang": "en"})
    for bad in ({"disabled": True}, {"role": "agent"}):
        w.call("changeAgent", {"name": "admin"}, 400, json=bad)
    for bad in ({"lang": "xx"}, {"password": 5}, {"hash": "x"}, {"must_change_password": False}):
        w.call("changeAgent", {"name": "changed"}, 400, json=bad)


def list_channels(w):
    """A channel that another scene has just taken away is told of until the last worker has heard of it."""
    want = {"site", "test", "phone"}
    until(lambda: {c["name"] for c in w.call("listChannels", status=200)["channels"]} == want, 20 * SLOWER)


def configured(w):
    """One scene for all: a channel comes, is changed, and goes again."""
    kinds = {c["name"] for c in w.call("listConnectors", status=200)["connectors"]}
    assert kinds == {"email", "loopback", "sitechat", "telegram", "whatsapp"}
    box = {"connector": "loopback", "name": "box", "settings": {"token": "a secret"}}
    w.call("addChannel", status=201, json=box)
    w.call("addChannel", status=409, json=box)
    w.call("addChannel", status=400, json={"connector": "loopback", "name": "box2"})
    w.call("changeChannel", {"name": "box"}, 200, json={"settings": {"behaviour": "fail", "token": None}})
    w.call("changeChannel", {"name": "box"}, 400, json={"settings": {"behaviour": "odd"}})
    w.call("changeChannel", {"name": "site"}, 409, json={"settings": {}})
    w.call("changeChannel", {"name": "no-such"}, 404, json={"settings": {}})
    got = w.call("getChannelSettings", {"name": "box"}, 200)["channel"]["settings"]
    assert got["token"] is None and got["behaviour"] == "fail"
    w.call("getChannelSettings", {"name": "site"}, 200)
    w.call("getChannelSettings", {"name": "no-such"}, 404)
    w.call("removeChannel", {"name": "box"}, 204)
    w.call("removeChannel", {"name": "box"}, 404)
    w.call("removeChannel", {"name": "site"}, 409)
    until(lambda: "box" not in {c["name"] for c in w.admin.get("/channels")["channels"]}, 20)


def check_channel(w):
    w.call("checkChannel", {"name": "site"}, 200)
    w.call("checkChannel", {"name": "no-such"}, 404)


def channel_picture(w):
    w.call("getChannelPicture", {"name": "site"}, 404)
    w.gateway.redis.set("sb:kept:site:picture", PNG)
    r = w.admin.ask("GET", "/channels/site/picture")
    assert r.content == PNG and r.headers["Content-Type"] == "image/png"
    w.call("getChannelPicture", {"name": "site"}, 200)
    w.gateway.redis.set("sb:kept:site:picture", b"<script>")
    w.call("getChannelPicture", {"name": "site"}, 404)


def templates(w):
    w.call("listTemplates", {"name": "site"}, 404)
    w.call("listTemplates", {"name": "no-such"}, 404)
    assert w.call("listTemplates", {"name": "phone"}, 200)["templates"] == []
    one = {"name": "order_ready", "language": "en", "category": "utility", "status": "approved",
           "header": {"kind": "text", "text": "News"}, "body": "Hello {{1}}", "footer": "The shop",
           "buttons": [{"kind": "url", "text": "See", "url": "https://example.org/{{1}}"}],
           "fields": [{"id": "body.1", "label": "1", "example": "Ann"}, {"id": "button.0", "label": "1"}],
           "usable": True}
    w.gateway.redis.set("sb:kept:phone:templates", json.dumps([one]))
    assert w.call("listTemplates", {"name": "phone"}, 200)["templates"] == [one]


def dead_letter(w):
    t = w.thread()
    m = w.call("sendMessage", {"id": t}, 202, json={"text": "!reject"})["message"]["id"]
    return until(lambda: [d for d in w.call("listDead", status=200)["dead"] if d["thread"] == t], 10), m


def list_dead(w):
    rows, _ = dead_letter(w)
    assert rows[0]["queue"] == "out:test" and rows[0]["error"]["text"]
    dead_letter(w)
    first = w.call("listDead", status=200, params={"limit": 1})
    second = w.call("listDead", status=200, params={"limit": 1, "cursor": first["next"]})
    assert second["dead"][0]["at"] <= first["dead"][0]["at"] and second["dead"][0]["id"] != first["dead"][0]["id"]
    for bad in ("nonsense", "99999999999999", "99999:1-1", "0:1", "0:-", "0:1-1;", "-1:1-1", " 0:1-1"):
        w.call("listDead", status=400, params={"cursor": bad})


def retry_dead(w):
    rows, m = dead_letter(w)
    w.call("retryDead", {"id": rows[0]["id"]}, 204)
    until(lambda: "retry" in [x["what"] for x in w.call("traceMessage", {"id": m}, 200)["trail"]]
          or [x["what"] for x in w.call("traceMessage", {"id": m}, 200)["trail"]].count("failed") > 1, 10)
    for bad in ("0:1-1", "nonsense", "99999:1-1", "0:", "0:-"):
        w.call("retryDead", {"id": bad}, 404)


def retry_all_dead(w):
    _, m = dead_letter(w)
    for bad in ("nonsense", "get:test", "", "crm:" + "x" * 100, 5, None):
        w.call("retryAllDead", status=400, json={"queue": bad})
        if bad:
            w.call("listDead", status=400, params={"queue": bad})
    w.call("retryAllDead", status=400, json={"target": "test"})
    assert w.call("retryAllDead", status=200, json={"queue": "crm:main"})["retried"] == 0
    assert w.call("listDead", status=200, params={"queue": "crm:main"})["dead"] == []
    assert w.call("listDead", status=200, params={"queue": "out:test"})["dead"]
    assert w.call("retryAllDead", status=200, json={"queue": "out:test"})["retried"] > 0
    until(lambda: [x["what"] for x in w.call("traceMessage", {"id": m}, 200)["trail"]].count("failed") > 1, 10)
    w.call("retryAllDead", status=200, json={})


def list_targets(w):
    main = until(lambda: (lambda t: t["state"] == "well" and t["asking"] == t["workers"] == 2 and t)(
        w.call("listTargets", status=200)["targets"][0]), why="for both workers, also after another scene's reload")
    assert main["name"] == "main" and main["adapter"] == "cards"
    w.call("listTargets", status=403, api=w.agent(f"agent{time.monotonic_ns()}"))


def get_deliveries(w):
    t = w.thread()
    until(lambda: w.call("getDeliveries", {"id": t}, 200)["deliveries"][0]["attached_seq"] == 1, 10 * SLOWER)
    d = w.call("getDeliveries", {"id": t}, 200)["deliveries"][0]
    assert d["target"] == "main" and d["waiting"] == d["refused"] == 0
    w.call("getDeliveries", {"id": NOBODY}, 404)


def document(name):
    def scene(w):
        r = w.stranger.http.get(f"{w.gateway.url}/api/v1/{name}.json", timeout=10)
        CONTRACT.check(name, r)
        on_disk = CONTRACT.openapi if name == "openapi" else CONTRACT.asyncapi
        assert r.status_code == 200 and r.json() == on_disk
        w.call(name, status=304, api=w.stranger, headers={"If-None-Match": r.headers["ETag"]})
    return scene


def plain(op, path=None, status=200):
    return lambda w: w.call(op, path, status, api=w.stranger)


def page(op):
    def scene(w):
        r = w.call(op, status=200, api=w.stranger)
        csp = r.headers["Content-Security-Policy"]
        assert "default-src 'none'" in csp and "unsafe" not in csp and "frame-ancestors 'none'" in csp
        w.call(op, status=304, api=w.stranger, headers={"If-None-Match": r.headers["ETag"]})
    return scene


def mail_page(op):
    """A mail's own styles, but no origin, no scripts but ours, nobody to talk to, and only we may frame it."""
    def scene(w):
        r = w.call(op, status=200, api=w.stranger)
        rules = dict(rule.strip().split(" ", 1) for rule in r.headers["Content-Security-Policy"].split(";"))
        assert "allow-same-origin" not in rules["sandbox"] and rules["default-src"] == "'none'"
        assert rules["script-src"] == "'self'" and rules["frame-ancestors"] == "'self'" and "connect-src" not in rules
        w.call(op, status=304, api=w.stranger, headers={"If-None-Match": r.headers["ETag"]})
    return scene


def asset(w):
    w.call("asset", {"rest": "inbox.js"}, 200, api=w.stranger)
    w.call("asset", {"rest": "no-such.js"}, 404, api=w.stranger)


def chat_media(w):
    v = w.gateway.visitor()
    api = Api(w.gateway.url, token=v.token)
    m = w.call("uploadChatMedia", status=201, api=api, params={"site": "site", "name": "a.png"}, data=PNG)["media"]
    r = requests.get(w.gateway.url + m["url"] if m["url"].startswith("/") else m["url"], timeout=10)
    CONTRACT.check("getChatMedia", r)
    assert r.content == PNG
    w.call("getChatMedia", {"id": m["id"]}, 403, api=w.stranger, params={"t": "forged"})
    v.stop()
    return m


def hook_post(w):
    r = w.gateway.hook({"from": {"address": "hook1"}, "id": "h1", "text": "x"})
    CONTRACT.check("postHook", r)
    assert w.gateway.hook({"nonsense": True}).status_code == 400
    w.call("postHook", {"connector": "loopback", "channel": "no-such"}, 404, api=w.stranger, json={})


def receipt(w):
    args = {"connector": "loopback", "channel": "test", "rest": "receipt"}
    good = {"thread": w.thread(), "seq": 1, "status": "read"}
    w.call("postHookRest", args, 204, api=w.stranger, json=good)
    for bad in ({"seq": "1"}, {"seq": -1}, {"status": "queued"}, {"thread": "x"}):
        w.call("postHookRest", args, 400, api=w.stranger, json={**good, **bad})
    w.call("postHookRest", {**args, "channel": "no-such"}, 404, api=w.stranger, json=good)


def elsewhere(op, path, status):
    return lambda w: w.call(op, path, status, api=w.stranger)


def look_after_target(w):
    w.call("getTargetLog", {"name": "main"}, 200)
    w.call("testTarget", {"name": "main"}, 422)  # cards has no trial; a webhook's is in test_crm_webhook_admin.py
    w.call("enableTarget", {"name": "main"}, 204)
    agent = w.agent(f"looks{time.monotonic_ns()}")
    for op in ("getTargetLog", "testTarget", "enableTarget"):
        w.call(op, {"name": "nobody"}, 404)
        w.call(op, {"name": "main"}, 403, api=agent)


def list_labels(w):
    t = w.thread()
    w.call("changeThread", {"id": t}, 200, json={"labels": ["rare <b>"]})
    assert {"label": "rare <b>", "count": 1} in w.call("listLabels", status=200)["labels"]


def signed_in(w):
    """An agent who has nothing yet."""
    name = f"desk{time.monotonic_ns()}"
    w.gateway.add_user(name)
    return w.gateway.login(name, w.gateway.PASSWORD)


def saved_views(w):
    api = signed_in(w)
    one = w.call("addView", status=201, api=api, json={"name": "VIP", "view": "open", "label": "vip", "channel": ""})["view"]
    assert w.call("listViews", status=200, api=api)["views"] == [one]
    assert one == {"id": one["id"], "rev": 1, "name": "VIP", "view": "open", "label": "vip"}
    assert w.call("countThreads", status=200, api=api)["views"].keys() == {one["id"]}
    for bad in ({}, {"name": "x"}, {"name": "", "view": "open"}, {"name": "x", "view": "mentions"}, {"name": "x" * 61, "view": "open"},
                {"name": "x", "view": "open", "label": "x" * 65}, {"name": "x", "view": "open", "more": 1}, {"name": "x\u0000", "view": "open"}):
        w.call("addView", status=400, api=api, json=bad)
    changed = w.call("changeView", {"id": one["id"]}, 200, api=api, json={"name": "Best", "view": "all", "rev": 1})["view"]
    assert changed == {"id": one["id"], "rev": 2, "name": "Best", "view": "all"}
    assert w.call("listViews", status=200, api=api)["views"] == [changed]
    for bad in ({"name": "x", "view": "all"}, {"name": "", "view": "all", "rev": 2}, {"name": "x", "view": "all", "rev": "2"}):
        w.call("changeView", {"id": one["id"]}, 400, api=api, json=bad)
    w.call("changeView", {"id": one["id"]}, 409, api=api, json={"name": "lost?", "view": "all", "rev": 1})
    w.call("changeView", {"id": NOBODY}, 404, api=api, json={"name": "x", "view": "all", "rev": 1})
    w.call("changeView", {"id": one["id"]}, 404, json={"name": "x", "view": "all", "rev": 2})  # another's
    for _ in range(29):
        w.call("addView", status=201, api=api, json={"name": "x", "view": "all"})
    w.call("addView", status=409, api=api, json={"name": "x", "view": "all"})
    assert w.call("listViews", status=200)["views"] == []  # another's
    w.call("deleteView", {"id": one["id"]}, 204, api=api)
    w.call("deleteView", {"id": one["id"]}, 404, api=api)
    w.call("deleteView", {"id": "nonsense"}, 404, api=api)


def preferences(w):
    api = signed_in(w)
    presets = w.call("getPreferences", status=200, api=api)["preferences"]
    assert presets == {"mine": True, "unassigned": True, "mentions": True, "sound": True, "browser": False, "quiet_from": None,
                       "quiet_to": None, "theme": "auto", "language": None}
    mine = {**presets, "unassigned": False, "quiet_from": "22:00", "quiet_to": "08:30", "theme": "dark", "language": "ru"}
    assert w.call("savePreferences", status=200, api=api, json=mine)["preferences"] == mine
    assert w.call("getPreferences", status=200, api=api)["preferences"] == mine
    for bad in ({"mine": 1}, {"quiet_from": "22:00"}, {"quiet_from": "24:00", "quiet_to": "08:00"}, {"quiet_from": "8:00", "quiet_to": "09:00"},
                {"quiet_from": "08:60", "quiet_to": "09:00"}, {"theme": "pink"}, {"theme": None}, {"language": "de"}, {"more": 1}):
        w.call("savePreferences", status=400, api=api, json=bad)
    assert w.call("getPreferences", status=200, api=api)["preferences"] == mine
    assert w.call("savePreferences", status=200, api=api, json={})["preferences"] == presets
    assert w.call("getPreferences", status=200)["preferences"] == presets  # another's


def drafts(w):
    t = w.thread()
    w.call("saveDraft", {"id": t}, 204, json={"text": "I will <b>", "html": "<b>I</b>", "note": True, "tab": "t1"})
    kept = [d for d in w.call("listDrafts", status=200)["drafts"] if d["thread"] == t]
    assert [(d["text"], d["html"], d["note"], d["tab"]) for d in kept] == [("I will <b>", "<b>I</b>", True, "t1")]
    for bad in ({"text": 5}, {"text": "x" * 20001}, {"note": 1}, {"tab": "x" * 41}, {"more": 1}):
        w.call("saveDraft", {"id": t}, 400, json=bad)
    w.call("saveDraft", {"id": NOBODY}, 404, json={"text": "x"})
    for _ in range(2):
        w.call("saveDraft", {"id": t}, 204, json={"text": ""})
    assert t not in [d["thread"] for d in w.call("listDrafts", status=200)["drafts"]]


def canned(w):
    agent = signed_in(w)
    one = w.call("addCanned", status=201, json={"shortcut": "hi", "text": "Hello, {{client.name}} <b>"})["canned"]
    assert one in w.call("listCanned", status=200, api=agent)["canned"]
    for bad in ({}, {"shortcut": "hi"}, {"shortcut": "a b", "text": "x"}, {"shortcut": "/a", "text": "x"}, {"shortcut": "x" * 33, "text": "x"},
                {"shortcut": "x", "text": "{{client.nme}}"}, {"shortcut": "x", "text": "{{client.name"}, {"shortcut": "x", "text": "x" * 10001},
                {"shortcut": "x", "text": "x", "more": 1}):
        w.call("addCanned", status=400, json=bad)
    w.call("changeCanned", {"id": one["id"]}, 400, json={"shortcut": "hi", "text": "x"})
    changed = w.call("changeCanned", {"id": one["id"]}, 200, json={"shortcut": "hi", "title": "T", "text": "Hello", "rev": 1})
    assert changed["canned"]["rev"] == 2
    w.call("changeCanned", {"id": one["id"]}, 409, json={"shortcut": "hi", "text": "lost?", "rev": 1})
    w.call("changeCanned", {"id": NOBODY}, 404, json={"shortcut": "hi", "text": "x", "rev": 1})
    w.call("changeCanned", {"id": "nonsense"}, 404, json={"shortcut": "hi", "text": "x", "rev": 1})
    w.call("addCanned", status=403, api=agent, json={"shortcut": "x", "text": "x"})
    w.call("changeCanned", {"id": one["id"]}, 403, api=agent, json={"shortcut": "x", "text": "x", "rev": 2})
    w.call("deleteCanned", {"id": one["id"]}, 403, api=agent)
    w.call("deleteCanned", {"id": one["id"]}, 204)
    w.call("deleteCanned", {"id": one["id"]}, 404)


def reports(w):
    w.thread()
    assert w.call("getReport", status=200)["totals"]["in"] > 0
    w.call("getReport", status=400, params={"from": "yesterday"})
    w.call("getReportTable", {"table": "channels"}, 200)
    w.call("getReportTable", {"table": "people"}, 404)
    agent = w.agent(f"counts{time.monotonic_ns()}")
    w.call("getReport", status=403, api=agent)
    w.call("getReportTable", {"table": "days"}, 403, api=agent)


SCENES = {
    "listLabels": list_labels, "listViews": saved_views, "addView": saved_views, "deleteView": saved_views,
    "changeView": saved_views, "getPreferences": preferences, "savePreferences": preferences,
    "listDrafts": drafts, "saveDraft": drafts, "listCanned": canned, "addCanned": canned, "changeCanned": canned,
    "deleteCanned": canned, "listSchedules": schedules, "addSchedule": schedules, "changeSchedule": schedules,
    "deleteSchedule": schedules, "listPolicies": policies, "addPolicy": policies, "changePolicy": policies, "deletePolicy": policies,
    "listRules": rules, "addRule": rules, "changeRule": rules, "deleteRule": rules, "tryRule": rules,
    "signInWays": plain("signInWays"), "signInBy": elsewhere("signInBy", {"provider": "x"}, 404),
    "signInDone": elsewhere("signInDone", {"provider": "x"}, 404), "signIn": sign_in, "whoAmI": who_am_i, "signOut": sign_out, "changePassword": change_password,
    "secondFactor": second_factor, "beginSecondFactor": second_factor, "confirmSecondFactor": second_factor,
    "newRecoveryCodes": second_factor, "endSecondFactor": second_factor, "listSessions": sessions,
    "endSession": sessions, "endOtherSessions": sessions, "resetSecondFactor": admins_help, "signAgentOut": admins_help,
    "listThreads": list_threads, "countThreads": count_threads, "getThread": get_thread,
    "changeThread": change_thread, "readThread": read_thread, "listMessages": list_messages,
    "sendMessage": send_message, "traceMessage": trace_message, "editMessage": edit_message,
    "deleteMessage": delete_message, "reactToMessage": react_to_message, "getClient": get_client,
    "getCardOwner": card_owner,
    "changeClient": change_client, "mergeClients": merge_clients, "unmergeClients": merge_clients,
    "getSuggestions": suggestions, "dismissSuggestion": suggestions, "listFiles": client_files, "exportClient": client_files,
    "eraseClient": erase_client, "uploadMedia": upload_media,
    "getMedia": get_media, "listAgents": list_agents, "addAgent": add_agent,
    "changeAgent": change_agent, "listChannels": list_channels, "checkChannel": check_channel,
    "addChannel": configured, "changeChannel": configured, "removeChannel": configured,
    "getChannelSettings": configured, "listConnectors": configured,
    "getChannelPicture": channel_picture, "listTemplates": templates,
    "listTargets": list_targets, "getDeliveries": get_deliveries,
    "listDead": list_dead, "retryDead": retry_dead, "retryAllDead": retry_all_dead, "openapi": document("openapi"),
    "getTargetLog": look_after_target, "testTarget": look_after_target, "enableTarget": look_after_target,
    "getReport": reports, "getReportTable": reports, "asyncapi": document("asyncapi"), "alive": plain("alive"), "ready": plain("ready"),
    "metrics": plain("metrics"), "serviceWorker": plain("serviceWorker"), "inbox": page("inbox"), "admin": page("admin"),
    "mailPage": mail_page("mailPage"), "mailPictures": mail_page("mailPictures"), "asset": asset,
    "uploadChatMedia": chat_media, "getChatMedia": chat_media,
    "chatMediaPreflight": lambda w: w.call("chatMediaPreflight", status=204, api=w.stranger,
                                           params={"site": "site"}),
    "postHook": hook_post,
    "getHook": elsewhere("getHook", {"connector": "x", "channel": "y"}, 404),
    "getHookRest": elsewhere("getHookRest", {"connector": "x", "channel": "y", "rest": "z"}, 404),
    "postHookRest": receipt,
    "widgetWidgetJs": plain("widgetWidgetJs"),
    "widgetWidgetPanelHtml": lambda w: w.call("widgetWidgetPanelHtml", status=200, api=w.stranger,
                                              params={"site": "site"}),
    "widgetWidgetFile": elsewhere("widgetWidgetFile", {"file": "no-such.js"}, 404),
    "widgetDemo": plain("widgetDemo"), "widgetDemoCss": plain("widgetDemoCss"),
    "widgetDemoJs": plain("widgetDemoJs"),
    **scenes_admin.SCENES,
}


@pytest.mark.parametrize("op", sorted(CONTRACT.operations))
def test_operation(world, op):
    SCENES[op](world)
    assert any(seen[0] == op for seen in CONTRACT.seen if isinstance(seen, tuple)), \
        f"{op} was not called"


@pytest.mark.parametrize("op", sorted(o for o, (_, p, d) in CONTRACT.operations.items()
                                      if d["security"] and p.startswith("/api/")))
def test_nothing_without_signing_in(world, op):
    """401 for a stranger, for a made-up cookie and for a made-up token: before the body is read."""
    method, path, _ = CONTRACT.operations[op]
    args = {"id": NOBODY, "other": NOBODY, "name": "x", "target": "x", "rest": "x", "table": "days"}
    body = {"json": {}} if method in ("post", "patch", "put") else {}
    CONTRACT.call(world.stranger, op, args, 401, **body)
    CONTRACT.call(world.stranger, op, args, 401, headers={"Cookie": "sb_session=made-up"}, **body)
    CONTRACT.call(world.stranger, op, args, 401, headers={"Authorization": "Bearer sbt_made-up"}, **body)
    CONTRACT.call(world.stranger, op, args, 401, headers={"Authorization": "Basic YTpi"}, **body)


def test_head_is_get_without_a_body(world):
    for path in ("/healthz", "/api/v1/threads", "/"):
        r = world.admin.http.head(world.gateway.url + path, timeout=10)
        assert r.status_code == 200 and not r.content


def test_unknown_addresses_and_methods(world):
    for path in ("/api/v1/nothing", "/api/v2/threads", "/nothing", "/api/v1/threads/"):
        r = world.admin.http.get(world.gateway.url + path, timeout=10)
        assert r.status_code == 404, path
        CONTRACT.validate(CONTRACT.strict["openapi.json"]["components"]["schemas"]["Problem"], r.json())
    r = world.admin.http.put(world.gateway.url + "/api/v1/threads", json={}, timeout=10)
    assert r.status_code == 405 and "GET" in r.headers["Allow"]


# --- frames ------------------------------------------------------------------------------------


def test_frames_of_both_sockets(world):
    """What an agent and a visitor send and get in an ordinary talk is what asyncapi.json says."""
    g = world.gateway
    agent, visitor = g.agent(), g.visitor()
    heard = []
    plain_on_frame = visitor.on_frame
    visitor.on_frame = lambda f: (heard.append(f), plain_on_frame(f))
    ack = visitor.say_and_wait("hello, frames")
    thread = agent.wait(lambda: next((t for t, ms in agent.screen.items()
                                      for m in ms.values() if m.get("text") == "hello, frames"), None), 10)
    said = [{"type": "send", "id": "f-1", "thread": thread, "text": "hello yourself"},
            {"type": "change", "id": "f-2", "thread": thread, "labels": ["x"], "assignee": "admin"},
            {"type": "read", "id": "f-3", "thread": thread, "seq": ack["seq"]},
            {"type": "typing", "id": "f-4", "thread": thread, "on": True},
            {"type": "view", "id": "f-6", "thread": thread, "on": True},
            {"type": "ping", "id": "f-5"}]
    for f in said:
        CONTRACT.frame("/ws/agent", "publish", f)
        fields = dict(f)
        answer = agent.command(fields.pop("type"), **fields)
        assert answer["type"] == "ok", answer
    assert agent.command("send", thread=thread, text="")["type"] == "error"
    for f in ({"type": "typing", "on": True}, {"type": "delivered", "upto": 2}, {"type": "read", "upto": 2},
              {"type": "history", "before": 3, "limit": 10}, {"type": "ping"}):
        CONTRACT.frame("/ws/visitor", "publish", f)
        visitor.send(f)
    world.call("changeClient", {"id": world.admin.get("/threads/" + thread)["client"]["id"]}, 200,
               json={"phone": "+7"})
    agent.wait(lambda: {"ready", "message", "status", "thread", "client", "typing", "ok", "error"}
               <= {f["type"] for f in agent.events}, 10,
               f"for all kinds: {sorted({f['type'] for f in agent.events})}")
    visitor.wait(lambda: {"ack", "msg", "pong", "history", "status"} <= {f["type"] for f in heard}, 10)
    for f in agent.events:
        CONTRACT.frame("/ws/agent", "subscribe", f)
    for f in heard:
        CONTRACT.frame("/ws/visitor", "subscribe", f)
    CONTRACT.frame("/ws/agent", "publish", agent.hello())
    CONTRACT.frame("/ws/visitor", "publish", visitor.hello())
    assert json.dumps(heard)
