"""Scenes of test_api_contract.py: what admins keep by id, and two of whom may change at once."""
import time

from client_scenes import NOBODY


def two_who_change(w, names, path, one, fields, bad):
    """What admins keep: agents read it, a bad one is refused, the second of two who save at once is told."""
    add, change, delete, every = names
    agent = w.settled(f"reads{time.monotonic_ns()}")
    kept = w.call(add, status=201, json=fields)[one]
    assert kept in w.call(every, status=200, api=agent)[path]
    for change_of in bad:
        w.call(add, status=400, json={k: v for k, v in {**fields, **change_of}.items() if v != "-"})
    w.call(add, status=409, json={**fields, "name": "the same channel"})
    w.call(change, {"id": kept["id"]}, 400, json=fields)
    again = w.call(change, {"id": kept["id"]}, 200, json={**fields, "name": "New", "rev": 1})[one]
    assert (again["rev"], again["name"], again["by"]) == (2, "New", "admin")
    w.call(change, {"id": kept["id"]}, 409, json={**fields, "name": "lost?", "rev": 1})
    w.call(change, {"id": "7ZZZZZZZZZZZZZZZZZZZZZZZ00"}, 404, json={**fields, "rev": 1})
    w.call(change, {"id": "nonsense"}, 404, json={**fields, "rev": 1})
    w.call(add, status=403, api=agent, json=fields)
    w.call(change, {"id": kept["id"]}, 403, api=agent, json={**fields, "rev": 2})
    w.call(delete, {"id": kept["id"]}, 403, api=agent)
    w.call(delete, {"id": kept["id"]}, 204)
    w.call(delete, {"id": kept["id"]}, 404)


def schedules(w):
    day = [{"from": "09:00", "to": "18:00"}]
    two_who_change(
        w, ("addSchedule", "changeSchedule", "deleteSchedule", "listSchedules"), "hours", "schedule",
        {"name": "Office <b>", "zone": "Europe/Moscow", "week": {"mon": day}, "channels": ["one", "two"]},
        [{"name": ""}, {"name": "x" * 61}, {"zone": "Mars/North"}, {"zone": "-"}, {"week": "-"}, {"week": {"monday": day}}, {"more": 1},
         {"week": {"mon": day * 2}}, {"holidays": [{"from": "2027-02-30"}]}, {"holidays": [{"from": "2027-01-01"}] * 2},
         {"channels": "one"}, {"channels": ["one", "one"]}, {"channels": [""]}, {"channels": ["x" * 65]}])


def policies(w):
    two_who_change(
        w, ("addPolicy", "changePolicy", "deletePolicy", "listPolicies"), "sla", "policy",
        {"name": "Usual <b>", "first_s": 900, "next_s": 1800, "remind_s": 300, "channels": ["one"]},
        [{"name": "-"}, {"first_s": 4}, {"first_s": "900"}, {"first_s": 2592001}, {"remind_s": 900}, {"remind_s": 0}, {"close_s": 59},
         {"first_s": None, "next_s": None}, {"first_s": "-", "next_s": "-", "remind_s": "-"}, {"supervisors": "all"}, {"working": 1},
         {"more": 1}, {"channels": [1]}])


def rules(w):
    agent = w.settled(f"rules{time.monotonic_ns()}")
    new = {"name": "r <b>", "on": "message", "then": [{"label": "a"}], "if": {"any": ["no such word at all"]}}
    one = w.call("addRule", status=201, json=new)["rule"]
    assert one in w.call("listRules", status=200)["rules"]
    changed = w.call("changeRule", {"id": one["id"]}, 200, json={"rev": 1, "enabled": False, "if": None})["rule"]
    assert changed["rev"] == 2 and changed["if"] == {} and not changed["enabled"]
    w.call("changeRule", {"id": one["id"]}, 409, json={"rev": 1, "name": "lost?"})
    for op, path, status, body in (("addRule", None, 400, {**new, "then": []}), ("changeRule", {"id": one["id"]}, 400, {"rev": 2, "on": "never"}),
                                   ("changeRule", {"id": NOBODY}, 404, {"rev": 1}), ("deleteRule", {"id": "nonsense"}, 404, None)):
        w.call(op, path, status, **({"json": body} if body else {}))
    w.thread("hello")
    assert w.call("tryRule", status=200, json={"rule": {**new, "if": {}}, "threads": 1})["matched"]
    w.call("tryRule", status=400, json={"rule": new, "threads": 101})
    for op, path, body in (("listRules", None, None), ("addRule", None, new), ("tryRule", None, {"rule": new}),
                           ("changeRule", {"id": one["id"]}, {"rev": 2}), ("deleteRule", {"id": one["id"]}, None)):
        w.call(op, path, 403, api=agent, **({"json": body} if body else {}))
    w.call("deleteRule", {"id": one["id"]}, 204)
