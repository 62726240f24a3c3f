"""Rules: what the gateway does by itself, exactly once, whoever dies; who may change them; what of them contradicts."""
import collections
import concurrent.futures
import time

import pytest
import requests
from clients import Agent, Api, own_id
from faketime import FakeTime
from harness import CONFIG, SLOWER, until
from own_redis import OwnRedis

CRM = CONFIG + """
kommo "crm" {{ url = "http://127.0.0.1:9" token = "x" mark_field = "M" allow_private = true users = {{"ann=17"}} }}
"""


@pytest.fixture
def later(start_gateway, tmp_path):
    """(clock, gateway): a clock that the test sets."""
    clock, redis = FakeTime(tmp_path), OwnRedis()  # whose allocator does not stand the fake clock
    gateway = start_gateway(workers=1, env=clock.env, redis_url=redis.url)
    yield clock, gateway
    gateway.stop()
    redis.destroy()


def write(g, who, text="hello", **kw):
    return until(lambda: g.hook({"from": {"address": who, "name": who}, "id": own_id(), "text": text}, **kw).json()["thread"])


def add(api, name, on, then, **more):
    return api.post("/rules", {"name": name, "on": on, "then": then, **more})["rule"]


def messages(api, thread):
    return until(lambda: api.messages(thread))


def by_rule(api, thread, rule=None):
    """What rules have done: (what, of it), in order."""
    out = []
    for m in messages(api, thread):
        mark = m.get("rule") or m.get("event", {}).get("rule")
        if mark and (rule is None or mark["id"] == rule["id"]):
            e = m.get("event")
            out.append((m["direction"], m["text"]) if not e else (e["type"], e.get("to") or e.get("labels") or e.get("what")))
    return out


def thread_of(api, id):
    return api.get("/threads/" + id)["thread"]


def test_a_rule_assigns_labels_welcomes_and_says_why(gateway):
    """In the next message already, on whichever worker; the welcome goes out once and is no answer: the client waits."""
    g, api = gateway, gateway.login()
    g.add_user("ann")
    rule = add(api, "Возвраты <b>", "message",
               [{"assign": {"agents": ["ann"]}}, {"label": "refund"}, {"send": "We are on it."}, {"note": "@ann look"}],
               **{"if": {"any": ["refund", "возврат*"], "channels": ["test"], "assigned": False}})
    t, other = write(g, "bob", "Where is my ВОЗВРАТ?"), write(g, "eve", "refundable")
    until(lambda: ("note", "@ann look") in by_rule(api, t))
    assert by_rule(api, t) == [("assigned", "ann"), ("labels", ["refund"]), ("out", "We are on it."), ("note", "@ann look")]
    now = thread_of(api, t)
    assert now["assignee"] == "ann" and now["labels"] == ["refund"] and now["waiting_since"] and now["state"] == "open"
    mark = next(m["event"]["rule"] for m in messages(api, t) if m.get("event", {}).get("type") == "assigned")
    assert mark == {"id": rule["id"], "name": "Возвраты <b>", "on": "message", "chain": [rule["id"]], "why": [
        {"is": "channels", "value": "test"}, {"is": "any", "value": "возврат*"}, {"is": "assigned", "value": "false"}]}
    said = next(m for m in messages(api, t) if m["direction"] == "out")
    assert said["from"] == {"kind": "rule", "name": "Возвраты <b>"} and said["rule"] == mark
    assert [x["id"] for x in g.login("ann", g.PASSWORD).get("/threads", view="mentions")["threads"]] == [t]
    api.patch("/threads/" + t, {"assignee": None})
    write(g, "bob", "возвраты!")  # the same matter: assigned anew, but not welcomed
    until(lambda: by_rule(api, t).count(("note", "@ann look")) == 2)
    assert by_rule(api, t).count(("out", "We are on it.")) == 1 and by_rule(api, t).count(("assigned", "ann")) == 2
    api.patch("/threads/" + t, {"assignee": None, "state": "closed"})
    write(g, "bob", "refund")  # a new one
    until(lambda: by_rule(api, t).count(("out", "We are on it.")) == 2)
    assert by_rule(api, other) == []


def test_switched_off_changed_and_deleted_at_once(gateway):
    """Whoever is told that a rule is kept needs not wait: the next message is looked at with it, on any worker."""
    g, api = gateway, gateway.login()
    rule = add(api, "mark", "message", [{"label": "a"}])
    for turn in range(8):
        t = write(g, f"p{turn}")
        until(lambda: thread_of(api, t)["labels"])
        label = thread_of(api, t)["labels"]
        assert label == [rule["then"][0]["label"]]
        rule = api.patch("/rules/" + rule["id"], {"rev": rule["rev"], "then": [{"label": f"l{turn}"}]})["rule"]
    rule = api.patch("/rules/" + rule["id"], {"rev": rule["rev"], "enabled": False})["rule"]
    off = write(g, "off")
    probe = add(api, "probe", "message", [{"label": "probe"}])
    write(g, "off")
    until(lambda: thread_of(api, off)["labels"] == ["probe"])  # it was looked at twice, and marked by this alone
    assert api.ask("DELETE", "/rules/" + probe["id"]).status_code == 204
    assert [r["id"] for r in api.get("/rules")["rules"]] == [rule["id"]]


def test_events_and_conditions(gateway):
    """Opened, reopened, closed, assigned; first and known; the language of the text."""
    g, api = gateway, gateway.login()
    for on in ("opened", "reopened", "closed", "assigned"):
        add(api, on, on, [{"note": on}])
    add(api, "first", "message", [{"label": "first"}], **{"if": {"contact": "first", "language": "latin"}})
    add(api, "known", "message", [{"label": "known"}], **{"if": {"contact": "known", "language": "cyrillic"}})
    t = write(g, "bob")
    until(lambda: thread_of(api, t)["labels"] == ["first"] and ("note", "opened") in by_rule(api, t))
    api.patch("/threads/" + t, {"assignee": "admin"})
    api.patch("/threads/" + t, {"state": "closed"})
    until(lambda: ("note", "closed") in by_rule(api, t))
    write(g, "bob", "привет")
    until(lambda: thread_of(api, t)["labels"] == ["first", "known"])
    until(lambda: ("note", "reopened") in by_rule(api, t))
    assert collections.Counter(w for d, w in by_rule(api, t) if d == "note") == {"opened": 1, "assigned": 1, "closed": 1, "reopened": 1}


def test_away_and_welcome_by_working_hours(gateway):
    """One text while the channel is closed, another while it is open, as admins set it; tried on the past likewise."""
    g, api = gateway, gateway.login()
    add(api, "away", "message", [{"send": "We are away."}], **{"if": {"open": False}})
    here = add(api, "here", "message", [{"send": "We are here."}], **{"if": {"open": True}})
    day = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(time.gmtime().tm_wday + 3) % 7]
    closed = api.post("/hours", {"name": "Rarely", "zone": "UTC", "week": {day: [{"from": "09:00", "to": "10:00"}]}})["schedule"]
    t = write(g, "bob")
    until(lambda: by_rule(api, t) == [("out", "We are away.")])
    rule = {k: here[k] for k in ("name", "on", "if", "then")}
    assert api.post("/rules/try", {"rule": rule})["matched"] == []
    api.ask("DELETE", "/hours/" + closed["id"]).raise_for_status()
    other = write(g, "eve")
    until(lambda: by_rule(api, other) == [("out", "We are here.")])
    until(lambda: len(api.post("/rules/try", {"rule": rule})["matched"]) == 2)  # as the hours are now
    mark = next(m["rule"] for m in messages(api, other) if m.get("rule"))
    assert mark["why"] == [{"is": "open", "value": "true"}]


def test_a_rule_closes(gateway):
    g, api = gateway, gateway.login()
    add(api, "stop", "message", [{"send": "Good bye."}, {"close": True}], **{"if": {"all": ["stop"]}})
    t = write(g, "bob", "Stop!")
    until(lambda: thread_of(api, t)["state"] == "closed")
    assert by_rule(api, t) == [("out", "Good bye."), ("state", "closed")] and thread_of(api, t)["waiting_since"] is None


@pytest.mark.long
def test_once_for_each_message_through_kills(start_gateway):
    """kill -9 of workers at any moment: each rule has done all of it for each message, once (C01)."""
    g = start_gateway(workers=2)
    api = g.login()
    for i in range(3):
        add(api, f"r{i}", "message", [{"note": f"n{i}"}, {"label": f"l{i}"}])
    sent = collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for turn in range(6):
            jobs = [pool.submit(write, g, f"p{i % 5}", f"{turn} {i}") for i in range(20)]
            g.kill_worker(index=turn % 2)
            sent.update(j.result() for j in jobs)

    def counts(api, t):
        said = sum(m["direction"] == "in" for m in messages(api, t))
        notes = collections.Counter(w for d, w in by_rule(api, t) if d == "note")
        return notes == {f"n{i}": said for i in range(3)}
    until(lambda: all(counts(api, t) for t in sent), 60 * SLOWER, 0.2)
    for i in range(5):
        sent[write(g, f"p{i}", "the last")] += 1
    until(lambda: all(counts(api, t) for t in sent), 60 * SLOWER, 0.2)  # so nothing more comes of those before
    for t in sent:
        assert len([1 for d, _ in by_rule(api, t) if d == "labels"]) == 3, "each label once"
        assert sorted(thread_of(api, t)["labels"]) == ["l0", "l1", "l2"]


def test_nobody_answers_in_time(later):
    """The client who waits is given to another, once; who was answered is not; not he who let him wait."""
    clock, g = later
    api = g.login()
    g.add_user("ann"), g.add_user("bob")
    rule = add(api, "late", "unanswered", [{"assign": {"agents": ["ann", "bob"]}}, {"note": "late"}], after=600)
    answered, late = write(g, "answered"), write(g, "late")
    api.post(f"/threads/{answered}/messages", {"text": "yes?"})
    api.patch("/threads/" + late, {"assignee": "ann"})
    clock.forward(300)
    probe = add(api, "probe", "message", [{"note": "probe"}])
    again = write(g, "again")
    until(lambda: by_rule(api, again) == [("note", "probe")])
    assert by_rule(api, late) == []
    clock.forward(310)
    until(lambda: ("note", "late") in by_rule(api, late, rule))
    assert by_rule(api, late, rule) == [("assigned", "bob"), ("note", "late")] and by_rule(api, again, rule) == []
    write(g, "late", "hello?")  # he waits still: it was done
    clock.forward(310)
    until(lambda: ("note", "late") in by_rule(api, again, rule))
    assert len(by_rule(api, late, rule)) == 2 and by_rule(api, answered) == []
    api.post(f"/threads/{late}/messages", {"text": "sorry"})
    write(g, "late", "and now?")  # he waits anew
    clock.forward(610)
    until(lambda: by_rule(api, late, rule).count(("note", "late")) == 2)
    mark = next(m["event"]["rule"] for m in messages(api, late) if m.get("event", {}).get("rule"))
    assert mark["id"] == rule["id"] and mark["on"] == "unanswered" and mark["after"] == 600 and probe["rev"] == 1


def test_turns_fewest_and_capacity(gateway):
    """One after another to the last; to who has the fewest; nobody gets more than he may, though all shards give at once."""
    g, api = gateway, gateway.login()
    names = [g.add_user(n) for n in ("ann", "bob", "cat")]
    rule = add(api, "turns", "opened", [{"assign": {"agents": names}}])
    first = [write(g, f"t{i}") for i in range(9)]
    until(lambda: all(thread_of(api, t)["assignee"] for t in first))
    assert collections.Counter(thread_of(api, t)["assignee"] for t in first) == {"ann": 3, "bob": 3, "cat": 3}
    for t in first:
        if thread_of(api, t)["assignee"] == "ann":
            api.patch("/threads/" + t, {"state": "closed"})
    api.patch("/rules/" + rule["id"], {"rev": rule["rev"], "then": [{"assign": {"agents": names, "how": "least", "capacity": 4}}]})
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        more = list(pool.map(lambda i: write(g, f"l{i}"), range(8)))
    until(lambda: all(by_rule(api, t) for t in more))
    given = collections.Counter(thread_of(api, t)["assignee"] for t in more)
    assert given == {"ann": 4, "bob": 1, "cat": 1, None: 2}
    full = [t for t in more if thread_of(api, t)["assignee"] is None]
    assert [by_rule(api, t) for t in full] == [[("rule", "nobody")]] * 2


def test_only_who_is_there_and_the_cards_responsible_first(start_gateway):
    g = start_gateway(config=CRM)
    api = g.login()
    g.add_user("ann"), g.add_user("bob")
    bob = g._begin(Agent(g, g.login("bob", g.PASSWORD)), True)
    ask = lambda: requests.get(g.url + "/api/v1/agents", headers={"Cookie": api.cookie}).json()["agents"]  # a connection each
    until(lambda: all(a["online"] for _ in range(12) for a in ask() if a["name"] == "bob"), why="for all workers to know that he is there")
    t = write(g, "client")
    client = thread_of(api, t)["client"]["id"]
    shard = next(k for k in g.redis.scan_iter(f"sb:*:client:{client}"))
    g.redis.hset(shard, "carduser:crm", "17")
    add(api, "own", "message", [{"assign": {"responsible": True, "agents": ["bob"]}}, {"label": "own"}], **{"if": {"responsible": True}})
    there = add(api, "there", "message", [{"assign": {"agents": ["ann", "bob"], "online": True}}], **{"if": {"responsible": False}})
    write(g, "client")
    until(lambda: thread_of(api, t)["labels"] == ["own"])
    assert thread_of(api, t)["assignee"] == "ann"
    others = [write(g, f"other{i}") for i in range(3)]
    until(lambda: all(thread_of(api, o)["assignee"] == "bob" for o in others))
    tried = api.post("/rules/try", {"rule": {"name": "x", "on": "message", "if": {"responsible": True},
                                             "then": [{"assign": {"responsible": True}}]}})
    assert [m["thread"] for m in tried["matched"]] == [t] and tried["matched"][0]["would"] == [{"assign": {"responsible": True, "to": "ann"}}]
    bob.stop()
    assert there["rev"] == 1


def test_loops_and_contradictions_are_said_and_end(gateway):
    g, api = gateway, gateway.login()
    a = api.post("/rules", {"name": "puts <x>", "on": "labeled", "if": {"without": ["x"]}, "then": [{"label": "x"}]})
    assert a["warnings"] == []
    b = api.post("/rules", {"name": "takes", "on": "labeled", "if": {"labels": ["x"]}, "then": [{"unlabel": "x"}]})
    assert [w["code"] for w in b["warnings"]] == ["loop"] and set(b["warnings"][0]["rules"]) == {a["rule"]["id"], b["rule"]["id"]}
    assert '"puts <x>", "takes"' in b["warnings"][0]["text"]
    t = write(g, "bob")
    api.patch("/threads/" + t, {"labels": ["y"]})
    until(lambda: len(by_rule(api, t)) >= 3)
    probe = add(api, "probe", "message", [{"note": "probe"}])
    write(g, "bob")
    until(lambda: ("note", "probe") in by_rule(api, t))
    # Both on the agent's label, one after the other; then the first on what the second did, and no more.
    assert by_rule(api, t) == [("labels", ["y", "x"]), ("labels", ["y"]), ("labels", ["y", "x"]), ("note", "probe")]
    for r in (a["rule"], b["rule"], probe):
        api.ask("DELETE", "/rules/" + r["id"])
    for i in reversed(range(8)):  # each sets off one that was before it in the order, by another event
        add(api, f"c{i}", "labeled", [{"label": f"c{i + 1}"}], **{"if": {"labels": [f"c{i}"], "without": [f"c{i + 1}"]}})
    t = write(g, "eve")
    api.patch("/threads/" + t, {"labels": ["c0"]})
    until(lambda: "rules.chain_ended" in g.log())
    assert thread_of(api, t)["labels"] == [f"c{i}" for i in range(6)]
    two = [api.post("/rules", {"name": n, "on": "opened", "then": [{"assign": {"agents": ["admin"]}}]}) for n in "pq"]
    assert [w["code"] for w in two[1]["warnings"]] == ["both_assign"]


def test_two_admins_at_once(gateway):
    """The second is told; nothing that was saved is lost; a label that an agent adds meanwhile stays."""
    g, api = gateway, gateway.login()
    rule = add(api, "r", "message", [{"label": "a"}])
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda i: g.login().ask("PATCH", "/rules/" + rule["id"], json={"rev": 1, "name": f"n{i}"}), range(6)))
    assert sorted(a.status_code for a in answers) == [200] + [409] * 5
    kept = api.get("/rules")["rules"][0]
    assert kept["rev"] == 2 and kept["name"] == next(a.json()["rule"]["name"] for a in answers if a.status_code == 200)
    assert api.ask("PATCH", "/rules/" + rule["id"], json={"name": "x"}).status_code == 400
    ids = [add(api, f"o{i}", "message", [{"label": "x"}])["id"] for i in range(3)]
    last = api.get("/rules")["rules"][-1]
    api.patch("/rules/" + last["id"], {"rev": last["rev"], "order": 1})
    assert [r["id"] for r in api.get("/rules")["rules"]] == [ids[2], rule["id"], ids[0], ids[1]]


def test_admins_alone_and_precise_refusals(gateway):
    g, api = gateway, gateway.login()
    g.add_user("ann"), g.add_user("sue", "supervisor")
    token = g.cli("token", "add", "t", "--role", "admin", "--scopes", "read,write").stdout.split()[-1]
    rule = add(api, "r", "message", [{"label": "a"}])
    new = {"name": "x", "on": "message", "then": [{"label": "a"}]}
    for who in (g.login("ann", g.PASSWORD), g.login("sue", g.PASSWORD), Api(g.url, token)):
        for method, path, body in (("GET", "/rules", None), ("POST", "/rules", new), ("POST", "/rules/try", {"rule": new}),
                                   ("PATCH", "/rules/" + rule["id"], {"rev": 1}), ("DELETE", "/rules/" + rule["id"], None)):
            assert who.ask(method, path, **({"json": body} if body else {})).status_code == 403, (path, method)
    for change, why in (({"on": "sometimes"}, "on must be"), ({"then": [{"assign": {"agents": ["nobody"]}}]}, 'no agent "nobody"'),
                        ({"if": {"any": ["!"]}}, "if.any[0]"), ({"name": "a\u0007"}, "name must be text"),
                        ({"then": [{"send": "x" * 4001}]}, "then[0].send must be text of 1 to 4000"), ({"what": 1}, "unknown key")):
        r = api.ask("POST", "/rules", json={**new, **change})
        assert r.status_code == 400 and why in r.json()["detail"], r.text
    assert api.ask("DELETE", "/rules/" + "0" * 26).status_code == 404


def test_tried_on_the_past(gateway):
    """It tells what would have been done, and does nothing."""
    g, api = gateway, gateway.login()
    threads = [write(g, f"p{i}", "a refund, please" if i % 2 else "hello") for i in range(6)]
    before = [messages(api, t) for t in threads]
    rule = {"name": "x", "on": "message", "if": {"any": ["refund"]}, "then": [{"assign": {"agents": ["admin"]}}, {"close": True}]}
    tried = api.post("/rules/try", {"rule": rule, "threads": 100})
    assert tried["tried"] == 6 and {m["thread"] for m in tried["matched"]} == {t for i, t in enumerate(threads) if i % 2}
    one = tried["matched"][0]
    assert one["seq"] == 1 and one["why"] == [{"is": "any", "value": "refund"}] and one["channel"] == "test"
    assert one["would"] == [{"assign": {"agents": ["admin"], "to": "admin"}}, {"close": True}]
    assert api.post("/rules/try", {"rule": {**rule, "on": "unanswered", "after": 3600, "if": {}}})["matched"] == []
    assert before == [messages(api, t) for t in threads] and api.get("/rules")["rules"] == []


def test_200_rules_and_no_more(gateway):
    g, api = gateway, gateway.login()
    one = add(api, "r", "message", [{"label": "a"}], enabled=False)
    kept = g.redis.hget("sb:shelf:rules", one["id"])
    g.redis.hset("sb:shelf:rules", mapping={f"{i:026}": kept for i in range(199)})
    assert len(api.get("/rules")["rules"]) == 200
    r = api.ask("POST", "/rules", json={"name": "x", "on": "message", "then": [{"label": "a"}]})
    assert r.status_code == 409 and "as many as there may be" in r.json()["detail"]
