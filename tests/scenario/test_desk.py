"""The agents' desk: counts that are kept and not counted, views, snoozes, blocking, who looks and who writes, drafts,
notes that call somebody, search with filters."""
import collections
import datetime
import random

import pytest
from clients import own_id
from harness import SLOWER, until


def rfc(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write(g, who, text="hello"):
    return g.hook({"from": {"address": who, "name": who}, "id": own_id(), "text": text}).json()["thread"]


def put(api, path, body):
    return api._good(api.ask("PUT", path, json=body))


def threads(api, **params):
    """All pages of a list."""
    out, cursor = [], None
    while True:
        page = api.get("/threads", limit=7, **params, **({"cursor": cursor} if cursor else {}))
        out += page["threads"]
        cursor = page["next"]
        if not cursor:
            return out


def in_view(t, view, me):
    if t["merged_into"]:
        return False
    if view == "all":
        return True
    if view == "mine":
        return t["state"] == "open" and t["assignee"] == me
    if view == "unassigned":
        return t["state"] == "open" and t["assignee"] is None
    return t["state"] == view


def check(api, me, views):
    """Each number and each list is what a look into each thread says."""
    every = threads(api, view="all")
    told = api.get("/counts")
    for view in ("open", "mine", "unassigned", "snoozed", "closed"):
        assert told["counts"][view] == sum(in_view(t, view, me) for t in every), view
    for id, v in views.items():
        wanted = {t["id"] for t in every if in_view(t, v["view"], me) and
                  all(t[k] == v[k] for k in ("channel", "assignee") if k in v) and ("label" not in v or v["label"] in t["labels"])}
        assert told["views"][id] == len(wanted), v
        filters = {k: v[k] for k in ("view", "channel", "assignee", "label") if k in v}
        listed = threads(api, **filters)
        assert {t["id"] for t in listed} == wanted and len(listed) == len(wanted), v
        assert listed == sorted(listed, key=lambda t: t["last_at"], reverse=True)
    labels = collections.Counter(l for t in every for l in t["labels"])
    assert {l["label"]: l["count"] for l in api.get("/labels")["labels"]} == dict(labels)


def test_counts_and_views_over_a_random_history(gateway):
    """Labels, agents, states, merges, messages, in any order: the kept numbers are the counted ones, and nothing is left
    over in Redis when all is closed and bare."""
    g, r = gateway, random.Random(7)
    g.add_user("ann")
    api = g.login()
    views = {api.post("/views", dict(name="v", **v))["view"]["id"]: v for v in (
        {"view": "open", "label": "a b"}, {"view": "all", "label": "<i>"}, {"view": "mine", "label": "a b"},
        {"view": "unassigned", "channel": "test"}, {"view": "closed", "assignee": "ann"},
        {"view": "snoozed", "channel": "test", "assignee": "admin", "label": "<i>"}, {"view": "all", "channel": "nobody"})}
    people = [f"p{i}" for i in range(14)]
    ids = {p: write(g, p) for p in people}
    for step in range(120):
        p = r.choice(people)
        t = api.get("/threads/" + ids[p])["thread"]
        if t["merged_into"]:
            continue
        what = r.random()
        if what < 0.2:
            write(g, p)
        elif what < 0.4:
            api.patch("/threads/" + t["id"], {"labels": r.sample(["a b", "<i>", "ю", '"'], r.randint(0, 3))})
        elif what < 0.6:
            api.patch("/threads/" + t["id"], {"assignee": r.choice(["ann", "admin", None])})
        elif what < 0.75:
            api.patch("/threads/" + t["id"], {"state": r.choice(["open", "closed"])})
        elif what < 0.85:
            api.patch("/threads/" + t["id"], {"state": "snoozed", "snooze_until": rfc(3600)})
        elif what < 0.93:
            api.post(f"/threads/{t['id']}/messages", {"text": "answer"})
        elif step % 3 == 0:
            other = api.get("/threads/" + ids[r.choice(people)])
            if other["thread"]["id"] != t["id"] and not other["thread"]["merged_into"]:
                api.post(f"/clients/{t['client']['id']}/merge", {"from": other["client"]["id"]})
        if step % 30 == 29:
            check(api, "admin", views)
    check(api, "admin", views)
    assert any(t["merged_into"] for t in (api.get("/threads/" + t)["thread"] for t in ids.values()))
    for t in threads(api, view="all"):
        api.patch("/threads/" + t["id"], {"labels": [], "assignee": None, "state": "closed"})
    check(api, "admin", views)
    db = g.redis
    left = {f for k in db.scan_iter("sb:*:n") for f in db.hkeys(k)}
    assert left == {b"closed  test ", b"closed * test ", b"closed  * ", b"closed * * "}, left
    assert not list(db.scan_iter("sb:*:view:l:*")) and not list(db.scan_iter("sb:*:labels"))


def test_data_from_before_there_were_counts_is_counted(gateway):
    g, api = gateway, gateway.login()
    t = [write(g, f"old{i}") for i in range(5)]
    api.patch("/threads/" + t[0], {"labels": ["vip"]})
    db = g.redis
    keys = list(db.scan_iter("sb:*"))
    for k in keys:
        if b":thread:" in k:
            db.hdel(k, "place")
        elif k.endswith((b":n", b":labels")) or b":view:l:" in k:
            db.delete(k)
    for k in keys:  # the last: now and not before the owner may begin
        if k.endswith(b":counted"):
            db.delete(k)
    write(g, "old1")  # one of them moves before its turn
    until(lambda: api.get("/counts")["counts"]["open"] == 5, 15 * SLOWER)
    until(lambda: [x["id"] for x in threads(api, view="open", label="vip")] == [t[0]], 15 * SLOWER)
    check(api, "admin", {})


def events(api, thread, type="state"):
    return [m["event"] for m in api.messages(thread) if m["direction"] == "event" and m["event"]["type"] == type]


def test_a_snooze_ends_once_and_on_time_through_kills(gateway):
    """The thread is open again by itself, at the top, with one entry; an earlier time or another state is not undone by a
    timer of before."""
    g, api = gateway, gateway.login()
    agent = g.agent()
    woken, later, closed, moved = (write(g, p) for p in ("woken", "later", "closed", "moved"))
    at = rfc(3)
    for t in (woken, closed, moved):
        api.patch("/threads/" + t, {"state": "snoozed", "snooze_until": at})
    api.patch("/threads/" + later, {"state": "snoozed", "snooze_until": rfc(3600)})
    api.patch("/threads/" + closed, {"state": "closed"})
    api.patch("/threads/" + moved, {"state": "snoozed", "snooze_until": rfc(7200)})
    assert api.get("/threads/" + closed)["thread"]["snooze_until"] is None
    assert not agent.threads.get(woken, {}).get("state") == "open" or rfc(0) >= at
    g.kill_worker()
    until(lambda: api.get("/threads/" + woken)["thread"]["state"] == "open", 30 * SLOWER)
    assert rfc(0) >= at
    g.kill_worker()
    agent.wait(lambda: agent.threads.get(woken, {}).get("state") == "open", 30 * SLOWER)
    api = until(g.login, 30 * SLOWER)  # the line of before may have been one to a killed worker
    top = api.get("/threads", view="open")["threads"][0]
    assert top["id"] == woken and top["snooze_until"] is None
    until(lambda: not any(b"wake " + woken.encode() in v for k in g.redis.scan_iter("sb:*:due")
                          for v in g.redis.zrange(k, 0, -1)), 10 * SLOWER)
    assert events(api, woken)[-1] == {"type": "state", "to": "open"} and len(events(api, woken)) == 2
    assert [api.get("/threads/" + t)["thread"]["state"] for t in (closed, moved, later)] == ["closed", "snoozed", "snoozed"]
    check(api, "admin", {})


def test_a_message_ends_a_snooze_and_its_timer(gateway):
    g, api = gateway, gateway.login()
    t = write(g, "ann")
    api.patch("/threads/" + t, {"state": "snoozed", "snooze_until": rfc(3600)})
    assert api.get("/counts")["counts"]["snoozed"] == 1
    write(g, "ann", "one more thing")
    thread = api.get("/threads/" + t)["thread"]
    assert thread["state"] == "open" and thread["snooze_until"] is None
    assert not any(g.redis.zcard(k) for k in g.redis.scan_iter("sb:*:due"))
    assert api.get("/counts")["counts"] == {"open": 1, "unassigned": 1, "mine": 0, "mentions": 0, "snoozed": 0, "closed": 0}


def test_a_blocked_client_is_kept_and_bothers_nobody(gateway):
    g, api = gateway, gateway.login()
    t = write(g, "spam")
    assert api.patch("/threads/" + t, {"blocked": True})["thread"]["state"] == "closed"
    before = api.get("/threads/" + t)["thread"]
    write(g, "spam", "buy now")
    now = api.get("/threads/" + t)["thread"]
    assert (now["state"], now["unread"], now["blocked"], now["waiting_since"]) == ("closed", before["unread"], True, before["waiting_since"])
    assert api.messages(t)[-1]["text"] == "buy now"
    r = api.ask("POST", f"/threads/{t}/messages", json={"text": "no"})
    assert r.status_code == 409 and "blocked" in r.json()["detail"]
    api.post(f"/threads/{t}/messages", {"text": "a note is", "note": True})
    api.patch("/threads/" + t, {"blocked": False})
    assert [e["on"] for e in events(api, t, "blocked")] == [True, False]
    write(g, "spam", "sorry")
    assert api.get("/threads/" + t)["thread"]["state"] == "open"
    check(api, "admin", {})


@pytest.fixture
def two(gateway):
    for name in ("ann", "bob"):
        gateway.add_user(name)
    return gateway, gateway.agent("ann"), gateway.agent("bob"), write(gateway, "client")


def viewers(agent, thread):
    last = [e for e in agent.events if e["type"] == "viewers" and e["thread"] == thread]
    return sorted(last[-1]["agents"]) if last else None


def test_who_looks_at_a_thread_is_known_to_those_who_do(two):
    """On whichever workers they are; also when one goes without a word."""
    g, ann, bob, t = two
    other = write(g, "other")
    assert ann.command("view", thread=t, on=True)["type"] == "ok"
    ann.wait(lambda: viewers(ann, t) == ["ann"], 10)
    bob.command("view", thread=t, on=True)
    for a in (ann, bob):
        a.wait(lambda a=a: viewers(a, t) == ["ann", "bob"], 15 * SLOWER)
    bob.command("view", thread=other, on=True)  # the one before is left
    ann.wait(lambda: viewers(ann, t) == ["ann"], 15 * SLOWER)
    bob.command("view", thread=t, on=True)
    ann.wait(lambda: viewers(ann, t) == ["ann", "bob"], 15 * SLOWER)
    bob.stop()
    ann.wait(lambda: viewers(ann, t) == ["ann"], 15 * SLOWER)
    assert ann.command("view", thread="7ZZZZZZZZZZZZZZZZZZZZZZZ00", on=True)["type"] == "error"


def test_two_agents_do_not_answer_at_once(two):
    """The second is told in words, and may go on; what he has seen is no obstacle, and a program is not asked."""
    g, ann, bob, t = two
    seen = 1
    assert ann.command("typing", thread=t, on=True)["type"] == "ok"
    until(lambda: [k for k in g.redis.scan_iter("sb:*:writer:*")], 10)
    no = bob.command("send", thread=t, text="mine", seen=seen)
    assert no["type"] == "error" and no["code"] == "conflict" and no["detail"] == "ann is writing an answer in this thread"
    assert ann.command("send", thread=t, text="hers", seen=seen)["type"] == "ok"
    no = bob.command("send", thread=t, text="mine", seen=seen, id="k1")
    assert no["detail"] == "ann has answered in this thread meanwhile"
    assert bob.command("send", thread=t, text="a note", seen=seen, note=True)["type"] == "ok"
    assert bob.command("send", thread=t, text="mine", id="k2")["type"] == "ok"  # anyway
    last = g.login().messages(t)[-1]["seq"]
    assert ann.command("send", thread=t, text="seen", seen=last)["type"] == "ok"
    said = [m["text"] for m in g.login().messages(t) if m["direction"] == "out"]
    assert said == ["hers", "mine", "seen"]
    ann.command("typing", thread=t, on=True)
    ann.command("typing", thread=t, on=False)
    until(lambda: not [k for k in g.redis.scan_iter("sb:*:writer:*")], 10)


def test_of_answers_at_the_same_moment_one_is_first(two):
    g, ann, bob, t = two
    for i in range(10):
        seen = g.login().messages(t)[-1]["seq"]
        for a in (ann, bob):
            a.send({"type": "send", "id": f"{a.api.name}-{i}", "thread": t, "text": "x", "seen": seen})
        got = sorted(a.wait(lambda a=a: a.answers.get(f"{a.api.name}-{i}"), 15)["type"] for a in (ann, bob))
        assert got == ["error", "ok"]


def test_drafts_are_told_to_the_agents_other_pages_only(two):
    g, ann, bob, t = two
    again = g.agent("ann")
    put(ann.api, f"/threads/{t}/draft", {"text": "Good day", "tab": "one"})
    for a in (ann, again):
        e = a.wait(lambda a=a: [e for e in a.events if e["type"] == "desk"], 10)[0]
        assert e == {"type": "desk", "what": "drafts", "id": t, "tab": "one"}
    assert again.api.get("/drafts")["drafts"][0]["text"] == "Good day"
    assert bob.api.get("/drafts")["drafts"] == []
    bob.command("ping")
    assert not [e for e in bob.events if e["type"] == "desk"]


def test_a_note_calls_agents_until_they_have_read_it(two):
    g, ann, bob, t = two
    note = ann.command("send", thread=t, text="@bob, @bob and @nobody: ask sales@ann @ANN.", note=True)
    assert note["message"]["mentions"] == ["bob", "ann"]
    assert bob.api.get("/counts")["counts"]["mentions"] == 1
    assert [x["id"] for x in bob.api.get("/threads", view="mentions")["threads"]] == [t]
    assert g.login().get("/counts")["counts"]["mentions"] == 0
    bob.events.clear()
    assert bob.command("read", thread=t, seq=note["message"]["seq"])["type"] == "ok"
    bob.wait(lambda: [e for e in bob.events if e["type"] == "thread"], 10)
    assert bob.api.get("/counts")["counts"]["mentions"] == 0
    assert ann.api.get("/counts")["counts"]["mentions"] == 1
    ann.command("read", thread=t, seq=1)  # others have read further, but not she
    assert ann.api.get("/counts")["counts"]["mentions"] == 0
    assert "mentions" not in ann.command("send", thread=t, text="@bob hello")["message"]


def test_search_with_filters(gateway):
    g, api = gateway, gateway.login()
    ids = [write(g, f"s{i}", "a rare plum") for i in range(3)]
    api.patch("/threads/" + ids[0], {"labels": ["vip"], "assignee": "admin"})
    api.patch("/threads/" + ids[1], {"state": "closed"})
    until(lambda: len(api.get("/threads", q="plum")["threads"]) == 3, 15 * SLOWER)

    def found(**params):
        return {t["id"] for t in api.get("/threads", q="plum", **params)["threads"]}
    assert found(label="vip") == found(assignee="admin") == found(view="mine") == {ids[0]}
    assert found(view="closed") == {ids[1]} and found(view="unassigned") == {ids[2]}
    assert found(view="open") == {ids[0], ids[2]} and found(view="all", channel="test") == set(ids)
    assert found(channel="site") == found(view="closed", label="vip") == set()
