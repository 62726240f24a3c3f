"""Scenes of test_api_contract.py: what admins look after."""
import time


def audit(w):
    agent = w.agent(f"curious{time.monotonic_ns()}")  # there is something to tell of, also when nothing was before
    w.agent(f"other{time.monotonic_ns()}")
    page = w.call("listAudit", status=200, params={"limit": 2})
    assert len(page["entries"]) == 2 and page["next"]
    assert w.call("listAudit", status=200, params={"what": "session", "by": "admin", "limit": 1})["entries"]
    for bad in ({"from": "yesterday"}, {"to": "2026-13-01"}, {"cursor": "x"}, {"cursor": "1-"}, {"limit": 0}):
        w.call("listAudit", status=400, params=bad)
    w.call("exportAudit", status=200, params={"what": "session"})
    w.call("exportAudit", status=400, params={"from": "yesterday"})
    w.call("listAudit", status=403, api=agent)
    w.call("exportAudit", status=403, api=agent)


def tokens(w):
    name = f"erp{time.monotonic_ns()}"
    body = {"name": name, "role": "agent", "scopes": ["read"]}
    made = w.call("addToken", status=201, json=body)
    assert made["token"] == body and made["secret"].startswith("sbt_")
    w.call("addToken", status=409, json=body)
    for bad in ({}, {"name": name}, {**body, "name": "A b"}, {**body, "name": 5}, {**body, "role": "king"}, {**body, "scopes": []},
                {**body, "scopes": "read"}, {**body, "scopes": ["read", "read"]}, {**body, "scopes": [1]}, {**body, "scopes": ["admin"]},
                {**body, "more": 1}):
        w.call("addToken", status=400, json=bad)
    one = next(t for t in w.call("listTokens", status=200)["tokens"] if t["name"] == name)
    assert one["created_by"] == "admin" and one["last_used_at"] is None
    agent = w.agent(f"curious{time.monotonic_ns()}")
    w.call("listTokens", status=403, api=agent)
    w.call("addToken", status=403, api=agent, json=body)
    w.call("revokeToken", {"name": name}, 403, api=agent)
    w.call("revokeToken", {"name": name}, 204)
    w.call("revokeToken", {"name": name}, 404)


def agents_sessions(w):
    name = f"watched{time.monotonic_ns()}"
    api = w.agent(name)
    one = w.call("listAgentSessions", {"name": name}, 200)["sessions"]
    assert len(one) == 1 and not one[0]["current"]
    w.call("listAgentSessions", {"name": "nobody"}, 404)
    w.call("listAgentSessions", {"name": "admin"}, 200)
    other = w.settled(f"other{time.monotonic_ns()}")
    w.call("listAgentSessions", {"name": name}, 403, api=other)
    w.call("endAgentSession", {"name": name, "id": one[0]["id"]}, 403, api=other)
    w.call("endAgentSession", {"name": name, "id": "0" * 24}, 404)
    w.call("endAgentSession", {"name": name, "id": "x"}, 404)
    w.call("endAgentSession", {"name": "admin", "id": "0" * 24}, 403)
    w.call("endAgentSession", {"name": name, "id": one[0]["id"]}, 204)
    w.call("whoAmI", status=401, api=api)


def teams(w):
    agent = w.settled(f"member{time.monotonic_ns()}")
    body = {"name": f"Sales {time.monotonic_ns()} <b>", "members": ["admin", agent.name]}
    team = w.call("addTeam", status=201, json=body)["team"]
    assert team in w.call("listTeams", status=200, api=agent)["teams"]
    w.call("addTeam", status=409, json=body)
    for bad in ({}, {"name": "x"}, {"members": []}, {**body, "name": ""}, {**body, "name": "x" * 61}, {**body, "name": 5}, {**body, "members": "admin"},
                {**body, "members": ["nobody"]}, {**body, "members": ["admin", "admin"]}, {**body, "members": [1]}, {**body, "more": 1}):
        w.call("addTeam", status=400, json=bad)
    at = {"id": team["id"]}
    assert w.call("changeTeam", at, 200, json={"members": ["admin"], "rev": 1})["team"] | {"at": ""} == \
        {**team, "members": ["admin"], "rev": 2, "at": ""}
    w.call("changeTeam", at, 409, json={"name": "lost?", "rev": 1})
    for bad in ({}, {"rev": 0}, {"rev": 2, "name": ""}, {"rev": 2, "name": None}, {"rev": 2, "members": ["nobody"]}, {"rev": 2, "members": None}):
        w.call("changeTeam", at, 400, json=bad)
    w.call("changeTeam", {"id": "7ZZZZZZZZZZZZZZZZZZZZZZZ00"}, 404, json={"name": "x", "rev": 1})
    w.call("changeTeam", {"id": "nonsense"}, 404, json={"name": "x", "rev": 1})
    for op, kw in (("addTeam", {"json": body}), ("changeTeam", {"path": at, "json": {"rev": 2}}), ("removeTeam", {"path": at})):
        w.call(op, status=403, api=agent, **kw)
    w.call("removeTeam", at, 204)
    w.call("removeTeam", at, 404)


def labels(w):
    name = f"label{time.monotonic_ns()}"
    w.call("changeThread", {"id": w.thread()}, 200, json={"labels": [name]})
    assert w.call("listAllLabels", status=200, params={"q": name})["labels"] == [{"label": name, "count": 1}]
    w.call("listAllLabels", status=400, params={"limit": 0})
    for bad in ({}, {"label": name}, {"label": name, "to": ""}, {"label": name, "to": "x" * 65}, {"label": 5, "to": "x"}, {"label": name, "to": name},
                {"label": name, "to": "x", "more": 1}):
        w.call("renameLabel", status=400, json=bad)
    for bad in ({}, {"label": ""}, {"label": [name]}, {"label": name, "to": "x"}):
        w.call("removeLabel", status=400, json=bad)
    w.call("renameLabel", status=404, json={"label": "no such", "to": "x"})
    agent = w.agent(f"curious{time.monotonic_ns()}")
    w.call("listAllLabels", status=403, api=agent)
    w.call("renameLabel", status=403, api=agent, json={"label": name, "to": "x"})
    w.call("removeLabel", status=403, api=agent, json={"label": name})
    w.call("renameLabel", status=200, json={"label": name, "to": name + "2"})
    w.call("removeLabel", status=200, json={"label": name + "2"})
    w.call("removeLabel", status=404, json={"label": name + "2"})


def system(w):
    assert w.call("getSystem", status=200)["redis"]["version"]
    w.call("getSystem", status=403, api=w.agent(f"curious{time.monotonic_ns()}"))


def pause(w):
    agent = w.agent(f"curious{time.monotonic_ns()}")
    at, nothing = {"name": "site"}, {"name": "nothing"}
    for op in ("pauseChannel", "resumeChannel"):
        w.call(op, nothing, 404)
        w.call(op, at, 403, api=agent)
        w.call(op, at, 204)
    events = w.call("listChannelEvents", at, 200)["events"]
    assert [e["what"] for e in events[:2]] == ["resumed", "paused"]
    w.call("listChannelEvents", nothing, 404)
    w.call("listChannelEvents", at, 403, api=agent)


SCENES = {"pauseChannel": pause, "resumeChannel": pause, "listChannelEvents": pause,
          "getSystem": system,
          "listAllLabels": labels, "renameLabel": labels, "removeLabel": labels,
          "listAgentSessions": agents_sessions, "endAgentSession": agents_sessions,
          "listTeams": teams, "addTeam": teams, "changeTeam": teams, "removeTeam": teams,
          "listAudit": audit, "exportAudit": audit, "listTokens": tokens, "addToken": tokens, "revokeToken": tokens}
