"""Labels as a whole: counted right however many there are, renamed, merged and removed on all threads while agents go on, followed by
saved views and rules, and shown to nobody who may not see their threads."""
import collections
import concurrent.futures
import random
import threading

import pytest
from clients import Api
from harness import CONFIG, until
from test_account import person

ASSIGNED = CONFIG.replace("login_tries = 1000", 'login_tries = 1000 see = "assigned"')


@pytest.fixture
def gateway(start_gateway):
    return start_gateway()


def renamed(threads, views=0, rules=0, unchanged=()):
    return {"threads": threads, "views": views, "rules": rules, "unchanged": list(unchanged)}


def threads(g, n, labels=()):
    ids = [g.hook({"from": {"address": f"a{i}"}, "id": f"m{i}", "text": "x"}).json()["thread"] for i in range(n)]
    api = g.login()
    for id in ids:
        api.patch("/threads/" + id, {"labels": list(labels)})
    return ids


def recount(api):
    return dict(collections.Counter(label for t in api.threads() for label in t["labels"]))


def counted(api):
    return {row["label"]: row["count"] for row in api.get("/labels")["labels"]}


def every(api, **params):
    got, cursor = [], None
    while True:
        page = api.get("/labels/all", limit=50, **params, **({"cursor": cursor} if cursor else {}))
        got += page["labels"]
        cursor = page["next"]
        if not cursor:
            return got


def test_renamed_merged_and_removed(gateway):
    """In lists, counts and on the screens; where both labels are, one is left."""
    api = gateway.login()
    ids = threads(gateway, 6)
    for i, labels in enumerate((["a"], ["a", "b"], ["b", "x/y"], ["a", "x/y", "b"], ["c"], [])):
        api.patch("/threads/" + ids[i], {"labels": labels})
    api.patch("/threads/" + ids[2], {"state": "closed"})
    screen = gateway.agent()
    assert api.post("/labels/rename", {"label": "b", "to": "новая <b>"}) == renamed(3)
    assert api.post("/labels/rename", {"label": "a", "to": "новая <b>"}) == renamed(3)
    assert [api.get("/threads/" + id)["thread"]["labels"] for id in ids] == \
        [["новая <b>"], ["новая <b>"], ["новая <b>", "x/y"], ["новая <b>", "x/y"], ["c"], []]
    assert counted(api) == recount(api) == {"новая <b>": 4, "x/y": 2, "c": 1}
    assert {t["id"] for t in api.threads(label="новая <b>")} == set(ids[:4]) and api.threads(label="a") == []
    assert {t["id"] for t in api.threads(view="closed", label="новая <b>")} == {ids[2]}
    screen.wait(lambda: screen.threads.get(ids[0], {}).get("labels") == ["новая <b>"], 10, "screens are told")
    assert api.post("/labels/remove", {"label": "новая <b>"}) == {"threads": 4, "views": 0}
    assert [api.get("/threads/" + id)["thread"]["labels"] for id in ids] == [[], [], ["x/y"], ["x/y"], ["c"], []]
    assert counted(api) == {"x/y": 2, "c": 1} and api.threads(label="новая <b>") == []
    for label in ("новая <b>", "a"):
        assert api.ask("POST", "/labels/remove", json={"label": label}).status_code == 404
    told = [(e["what"], e["subject"], e["detail"]) for e in api.get("/audit", what="label")["entries"]]
    detail = {"threads": 3, "views": 0, "rules": 0, "to": "новая <b>"}
    assert told == [("label.removed", "новая <b>", {"threads": 4, "views": 0}), ("label.renamed", "a", detail), ("label.renamed", "b", detail)]


def test_saved_views_follow_their_label(gateway):
    """Of all agents and tokens, whose screens are told; a view of a label that is removed goes, others stay as they are."""
    boss, ann = gateway.login(), person(gateway, "ann")
    bot = Api(gateway.url, gateway.cli("token", "add", "bot", "--role", "agent", "--scopes", "read,write").stdout.split()[-1])
    ids = threads(gateway, 2, ["old"])
    screen = gateway.agent()
    mine = boss.post("/views", {"name": "Mine", "view": "open", "label": "old"})["view"]
    hers = ann.post("/views", {"name": "«Её» \\ /", "view": "all", "label": "old", "assignee": "nobody"})["view"]
    other = ann.post("/views", {"name": "Other", "view": "open", "label": "older"})["view"]
    plain = ann.post("/views", {"name": "old", "view": "closed"})["view"]
    its = bot.post("/views", {"name": "Its", "view": "open", "label": "old"})["view"]
    new, heard = "новая/<b> \"x\"", len(screen.events)
    assert boss.post("/labels/rename", {"label": "old", "to": new}) == renamed(2, views=3)
    screen.wait(lambda: any(e["type"] == "desk" and e["what"] == "views" and e["id"] == mine["id"] for e in screen.events[heard:]), 10, "told")
    assert boss.get("/views")["views"] == [{**mine, "label": new, "rev": 2}]
    assert bot.get("/views")["views"] == [{**its, "label": new, "rev": 2}]
    views = {v["id"]: v for v in ann.get("/views")["views"]}
    assert views == {hers["id"]: {**hers, "label": new, "rev": 2}, other["id"]: other, plain["id"]: plain}
    assert boss.get("/counts")["views"] == {mine["id"]: 2} and {t["id"] for t in boss.threads(label=new)} == set(ids)
    assert ann.ask("PUT", "/views/" + hers["id"], json={"name": "x", "view": "all", "label": "old", "rev": 1}).status_code == 409
    assert boss.post("/labels/remove", {"label": new}) == {"threads": 2, "views": 3}
    assert boss.get("/views")["views"] == bot.get("/views")["views"] == [] and {v["id"] for v in ann.get("/views")["views"]} == {other["id"], plain["id"]}
    # One that only views have: what was done until an error is gone on with.
    assert boss.post("/labels/rename", {"label": "older", "to": "old"}) == renamed(0, views=1)
    assert boss.ask("POST", "/labels/rename", json={"label": "older", "to": "old"}).status_code == 404


def test_rules_follow_their_label(gateway):
    """Renamed and merged, each by a revision of its own that workers take and the log has; one that would contradict itself stays and
    is named. A label that is removed changes none."""
    boss, eve = gateway.login(), person(gateway, "eve", "admin")

    def add(name, then, on="message", **more):
        return boss.post("/rules", {"name": name, "on": on, "then": then, **more})["rule"]

    def kept():
        return {r["name"]: {k: v for k, v in r.items() if k not in ("at", "by", "order")} for r in boss.get("/rules")["rules"]}

    def says(text):
        return gateway.hook({"from": {"address": "bob"}, "id": text, "text": text}).json()["thread"]

    def has(thread, labels, notes):
        got = boss.get("/threads/" + thread)["thread"]["labels"], sum(m["direction"] == "note" for m in boss.messages(thread))
        return got == (labels, notes)

    ids = threads(gateway, 2, ["vip"])
    add("adds", [{"unlabel": "x"}, {"label": "vip"}, {"label": "VIP"}], **{"if": {"without": ["vip", "y"], "any": ["vip"]}})
    add("waits", [{"note": "vip"}], "labeled", **{"if": {"labels": ["z", "vip", "VIP"]}})
    add("off", [{"unlabel": "vip"}], enabled=False)
    wrong = add("never <b>", [{"note": "x"}], **{"if": {"labels": ["vip", "z"], "without": ["VIP"]}})
    undone = add("undone", [{"label": "vip"}, {"unlabel": "VIP"}], **{"if": {"labels": ["nobody's"]}})
    add("other", [{"label": "vi"}, {"send": "vip"}], "closed")
    before, screen = kept(), gateway.agent()
    heard = len(screen.events)
    answer = eve.post("/labels/rename", {"label": "vip", "to": "VIP"})
    left = answer["unchanged"]
    assert answer == renamed(2, rules=3, unchanged=left) and {(r["id"], r["name"]) for r in left} == {(r["id"], r["name"]) for r in (wrong, undone)}
    assert all("VIP" in r["why"] or "then[0]" in r["why"] for r in left), left
    after = kept()
    assert after == {**before,
        "adds": {**before["adds"], "rev": 2, "if": {"without": ["VIP", "y"], "any": ["vip"]}, "then": [{"unlabel": "x"}, {"label": "VIP"}]},
        "waits": {**before["waits"], "rev": 2, "if": {"labels": ["z", "VIP"]}},
        "off": {**before["off"], "rev": 2, "then": [{"unlabel": "VIP"}]}}
    assert {r["name"] for r in boss.get("/rules")["rules"] if r["by"] == "eve"} == {"adds", "waits", "off"}
    noted = boss.get("/audit", what="rules.changed")["entries"]
    assert {e["subject"] for e in noted} == {"adds", "waits", "off"} and len(noted) == 3
    assert all(e["by"] == "eve" and e["detail"] == {"label": "vip", "to": "VIP"} for e in noted)
    assert boss.get("/audit", what="label")["entries"][0]["detail"] == {"threads": 2, "views": 0, "rules": 3, "to": "VIP"}
    told = {r["id"] for r in after.values() if r["rev"] == 2}
    screen.wait(lambda: told <= {e["id"] for e in screen.events[heard:] if e["type"] == "desk" and e["what"] == "rules"}, 10, "admins' pages are told")
    assert boss.ask("PATCH", "/rules/" + after["off"]["id"], json={"rev": 1, "enabled": True}).status_code == 409
    thread = says("vip 1")  # the workers have the new ones: the old label does not come back
    until(lambda: has(thread, ["VIP"], 1))
    assert {row["label"] for row in boss.get("/labels")["labels"]} == {"VIP"}
    assert boss.post("/labels/remove", {"label": "VIP"}) == {"threads": 3, "views": 0} and kept() == after
    until(lambda: boss.get("/threads/" + thread)["thread"]["labels"] == [])
    assert says("vip 2") == thread
    until(lambda: has(thread, ["VIP"], 2))
    # In rules alone.
    assert boss.post("/labels/rename", {"label": "y", "to": "yy"}) == renamed(0, rules=1)
    assert boss.ask("POST", "/labels/rename", json={"label": "y", "to": "yy"}).status_code == 404
    assert {t["id"] for t in boss.threads()} == {*ids, thread}


def test_rules_follow_while_admins_change_them(gateway):
    """Nobody's change is lost: whoever has seen an older revision is told, and what follows the label takes each rule as it is then."""
    boss, stop, good, stale = gateway.login(), threading.Event(), [], []
    for i in range(4):
        boss.post("/rules", {"name": f"r{i}", "on": "message", "if": {"without": ["l0"]}, "then": [{"label": "l0"}, {"note": f"{i}"}]})

    def work(seed):
        r, mate = random.Random(seed), gateway.login()
        while not stop.is_set():
            rule = r.choice(mate.get("/rules")["rules"])
            answer = mate.ask("PATCH", "/rules/" + rule["id"], json={"rev": rule["rev"], "name": rule["name"] + "."})
            {200: good, 409: stale}[answer.status_code].append(rule["id"])

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        workers = [pool.submit(work, seed) for seed in range(3)]
        try:
            answers = [boss.post("/labels/rename", {"label": f"l{i}", "to": f"l{i + 1}"}) for i in range(12)]
        finally:
            stop.set()
        for worker in workers:
            worker.result()
    assert answers == [renamed(0, rules=4)] * 12
    for rule in boss.get("/rules")["rules"]:
        i, dots = rule["name"].rstrip("."), rule["name"].count(".")
        assert rule["if"] == {"without": ["l12"]} and rule["then"] == [{"label": "l12"}, {"note": i[1:]}]
        assert dots == good.count(rule["id"]) and rule["rev"] == 1 + 12 + dots


def test_while_agents_go_on(gateway):
    """Over several steps of each shard, with others who change the same threads: lists and counts stay what the threads say."""
    api = gateway.login()
    ids = threads(gateway, 40, ["old", "other"])
    stop, failed = threading.Event(), []

    def work():
        r, mate = random.Random(7), gateway.login()
        while not stop.is_set():
            answer = mate.ask("PATCH", "/threads/" + r.choice(ids), json=r.choice((
                {"labels": ["other"]}, {"state": "closed"}, {"state": "open"}, {"assignee": "admin"}, {"labels": ["other", "more"]})))
            failed.extend([answer.text] * (answer.status_code != 200))

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for a, b in (("old", "new"), ("new", "newer"), ("other", "one"), ("one", "other")):
            assert api.ask("POST", "/labels/rename", json={"label": a, "to": b}).status_code in (200, 404)
    finally:
        stop.set()
        worker.join()
    assert not failed, failed[0]
    assert counted(api) == recount(api)
    for label in ("old", "new", "newer", "other", "more"):
        assert {t["id"] for t in api.threads(label=label)} == {t["id"] for t in api.threads() if label in t["labels"]}, label


def test_ten_thousand_labels(gateway):
    """By name, a page at a time, found by a part; and the most frequent are counted whole, however few each shard has."""
    api, db = gateway.login(), gateway.redis
    pipe = db.pipeline(transaction=False)
    for i in range(10000):
        pipe.zadd("sb:{s%d}:labels" % (i % 16), {f"rare {i:05}": 1})
    for shard in range(16):  # of each shard 400 are more frequent than what is frequent in all of them
        pipe.zadd("sb:{s%d}:labels" % shard, {f"here {shard} {i:03}": 5 for i in range(299)})
        pipe.zadd("sb:{s%d}:labels" % shard, {"everywhere": 5 if shard == 0 else 4})
    pipe.zadd("sb:{s0}:labels", {"everywhere": 6})
    pipe.execute()
    most = api.get("/labels")["labels"]
    assert most[0] == {"label": "everywhere", "count": 6 + 15 * 4} and len(most) == 500
    rows = every(api, q="rare 000")
    assert [r["label"] for r in rows] == [f"rare {i:05}" for i in range(100)]
    first = api.get("/labels/all", limit=3)
    assert [r["label"] for r in first["labels"]] == ["everywhere", "here 0 000", "here 0 001"] and first["next"] == "here 0 001"
    assert api.get("/labels/all", q="RARE 09999")["labels"] == [{"label": "rare 09999", "count": 1}]
    last = api.get("/labels/all", cursor="rare 09998")
    assert last == {"labels": [{"label": "rare 09999", "count": 1}], "next": None}


def test_an_agent_sees_the_labels_of_his_threads(start_gateway):
    """agents.see = assigned: what others' dialogues are marked with is not his to know."""
    g = start_gateway(config=ASSIGNED)
    boss, ann = g.login(), person(g, "ann")
    mine, nobodys, others = threads(g, 3)
    boss.patch("/threads/" + mine, {"assignee": "ann", "labels": ["both", "mine"]})
    boss.patch("/threads/" + nobodys, {"labels": ["both", "nobody's"]})
    boss.patch("/threads/" + others, {"assignee": "admin", "labels": ["both", "secret"]})
    assert counted(ann) == {"both": 2, "mine": 1, "nobody's": 1}
    assert counted(boss) == {"both": 3, "mine": 1, "nobody's": 1, "secret": 1}
    boss.patch("/threads/" + mine, {"state": "closed"})
    assert counted(ann) == {"both": 2, "mine": 1, "nobody's": 1}
    assert ann.ask("GET", "/labels/all").status_code == 403
    for path in ("rename", "remove"):
        assert ann.ask("POST", "/labels/" + path, json={"label": "both", "to": "x"} if path == "rename" else {"label": "both"}).status_code == 403


def test_two_admins_rename_at_once(gateway):
    """Into each other or into the same: nothing is counted twice, no thread is met for ever."""
    api = gateway.login()
    threads(gateway, 12, ["a", "b"])
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda x: api.ask("POST", "/labels/rename", json={"label": x[0], "to": x[1]}), (("a", "b"), ("b", "a"), ("a", "c"))))
    until(lambda: counted(api) == recount(api), why="counts are what threads say")
