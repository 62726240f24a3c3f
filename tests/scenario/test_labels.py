"""Labels as a whole: counted right however many there are, renamed, merged and removed on all threads while agents go on, and shown
to nobody who may not see their threads."""
import collections
import concurrent.futures
import random
import threading

import pytest
from harness import CONFIG, Gateway, until
from test_account import person

ASSIGNED = CONFIG.replace("login_tries = 1000", 'login_tries = 1000 see = "assigned"')


@pytest.fixture
def gateway(start_gateway):
    return start_gateway()


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
    assert api.post("/labels/rename", {"label": "b", "to": "новая <b>"}) == {"threads": 3, "views": 0}
    assert api.post("/labels/rename", {"label": "a", "to": "новая <b>"}) == {"threads": 3, "views": 0}
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
    assert told == [("label.removed", "новая <b>", {"threads": 4, "views": 0}), ("label.renamed", "a", {"threads": 3, "views": 0, "to": "новая <b>"}),
                    ("label.renamed", "b", {"threads": 3, "views": 0, "to": "новая <b>"})]


def test_saved_views_follow_their_label(gateway):
    """Of all agents, whose screens are told; a view of a label that is removed goes, others stay as they are."""
    boss, ann = gateway.login(), person(gateway, "ann")
    ids = threads(gateway, 2, ["old"])
    screen = gateway.agent()
    mine = boss.post("/views", {"name": "Mine", "view": "open", "label": "old"})["view"]
    hers = ann.post("/views", {"name": "«Её» \\ /", "view": "all", "label": "old", "assignee": "nobody"})["view"]
    other = ann.post("/views", {"name": "Other", "view": "open", "label": "older"})["view"]
    plain = ann.post("/views", {"name": "old", "view": "closed"})["view"]
    new, heard = "новая/<b> \"x\"", len(screen.events)
    assert boss.post("/labels/rename", {"label": "old", "to": new}) == {"threads": 2, "views": 2}
    screen.wait(lambda: any(e["type"] == "desk" and e["what"] == "views" and e["id"] == mine["id"] for e in screen.events[heard:]), 10, "told")
    assert boss.get("/views")["views"] == [{**mine, "label": new, "rev": 2}]
    views = {v["id"]: v for v in ann.get("/views")["views"]}
    assert views == {hers["id"]: {**hers, "label": new, "rev": 2}, other["id"]: other, plain["id"]: plain}
    assert boss.get("/counts")["views"] == {mine["id"]: 2} and {t["id"] for t in boss.threads(label=new)} == set(ids)
    assert ann.ask("PUT", "/views/" + hers["id"], json={"name": "x", "view": "all", "label": "old", "rev": 1}).status_code == 409
    assert boss.post("/labels/remove", {"label": new}) == {"threads": 2, "views": 2}
    assert boss.get("/views")["views"] == [] and {v["id"] for v in ann.get("/views")["views"]} == {other["id"], plain["id"]}
    # One that only views have: what was done until an error is gone on with.
    assert boss.post("/labels/rename", {"label": "older", "to": "old"}) == {"threads": 0, "views": 1}
    assert boss.ask("POST", "/labels/rename", json={"label": "older", "to": "old"}).status_code == 404


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
