"""Working hours and service levels as admins keep them: two who save at once, all workers know at once."""
import json
import threading

import wire
from clients import own_id
from harness import SLOWER, patience, until

OFFICE = {"name": "Office", "zone": "Europe/Moscow", "week": {"mon": [{"from": "09:00", "to": "18:00"}]}}


def write(g, who, channel="test"):
    body = {"from": {"address": who, "name": who}, "id": own_id(), "text": "hello"}
    return until(lambda: g.hook(body, channel).json()["thread"], 20 * SLOWER)


def test_of_two_admins_who_save_at_once_one_is_told(gateway):
    """No edit is lost: whoever was second learns of it, and does it again on what is there now."""
    g, api = gateway, gateway.login()
    kept = api.post("/hours", OFFICE)["schedule"]
    done, begin = [], threading.Barrier(8)

    def change(n):
        mine = g.login()
        begin.wait()
        while True:
            now = mine.get("/hours")["hours"][0]
            day = f"2027-01-{n + 1:02}"
            fields = {k: now[k] for k in ("name", "zone", "week", "channels")}
            r = mine.ask("PUT", "/hours/" + kept["id"], json={**fields, "holidays": now["holidays"] + [{"from": day}], "rev": now["rev"]})
            if r.status_code == 200:
                done.append(r.json()["schedule"]["rev"])
                return
            assert r.status_code == 409, r.text
    people = [threading.Thread(target=change, args=(n,)) for n in range(8)]
    for p in people:
        p.start()
    for p in people:
        p.join()
    now = api.get("/hours")["hours"][0]
    assert sorted(done) == list(range(2, 10)) and now["rev"] == 9
    assert sorted(h["from"] for h in now["holidays"]) == [f"2027-01-{n + 1:02}" for n in range(8)]


def test_a_channel_has_one(gateway):
    api = gateway.login()
    first = api.post("/hours", {**OFFICE, "channels": ["test"]})["schedule"]
    for_all = api.post("/hours", OFFICE)["schedule"]
    for fields in ({"channels": ["other", "test"]}, {}):
        r = api.ask("POST", "/hours", json={**OFFICE, **fields})
        assert r.status_code == 409 and "Office" in r.json()["detail"], r.text
    r = api.ask("PUT", "/hours/" + for_all["id"], json={**OFFICE, "channels": ["test"], "rev": 1})
    assert r.status_code == 409
    api.ask("DELETE", "/hours/" + first["id"]).raise_for_status()
    r = api.ask("PUT", "/hours/" + for_all["id"], json={**OFFICE, "channels": ["test"], "rev": 1})
    assert r.status_code == 200 and r.json()["schedule"]["channels"] == ["test"]


def test_each_worker_knows_at_once(gateway):
    """What an admin keeps holds for whoever writes next, on whichever worker; also on one that came later."""
    g, api = gateway, gateway.login()
    kept = api.post("/sla", {"name": "Quick", "first_s": 600, "working": False, "channels": ["test"]})["policy"]

    def promised(n=12):
        return [api.get("/threads/" + write(g, own_id()))["thread"]["sla"] for _ in range(n)]
    until(lambda: all(promised()), 20 * SLOWER)
    g.kill_worker()
    g.wait_ready()
    assert all(promised())
    api.ask("DELETE", "/sla/" + kept["id"]).raise_for_status()
    until(lambda: not any(promised()), 20 * SLOWER)


def ready_frame(g):
    """What a visitor's chat is told when it connects."""
    ws = wire.WebSocket("127.0.0.1", g.port, "/ws/visitor")
    try:
        ws.send(json.dumps({"type": "hello", "site": "site", "v": 1, "page": {"url": g.url + "/demo"}}))
        while True:
            f = json.loads(ws.recv(patience()))
            if f["type"] == "ready":
                return f
    finally:
        ws.kill()


def test_a_visitor_is_told_when_a_closed_chat_opens(gateway):
    """On each worker; a channel without hours is open, one that never opens says nothing of it."""
    g, api = gateway, gateway.login()
    assert "opens_at" not in ready_frame(g)
    never = {"name": "Never", "zone": "UTC", "week": {}, "channels": ["site"]}
    kept = api.post("/hours", never)["schedule"]
    assert "opens_at" not in ready_frame(g)
    once = {**never, "holidays": [{"from": "2099-12-31"}], "week": {d: [{"from": "00:00", "to": "00:01"}] for d in ("mon", "thu")}}
    api._good(api.ask("PUT", "/hours/" + kept["id"], json={**once, "rev": 1}))
    # in the first minute of a Monday or a Thursday it is open, and nothing is told
    until(lambda: all(ready_frame(g)["opens_at"].endswith("T00:00:00.000Z") for _ in range(6)), 90)
