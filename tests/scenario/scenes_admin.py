"""Scenes of test_api_contract.py: what admins look after."""
import time


def audit(w):
    page = w.call("listAudit", status=200, params={"limit": 2})
    assert len(page["entries"]) == 2 and page["next"]
    assert w.call("listAudit", status=200, params={"what": "session", "by": "admin", "limit": 1})["entries"]
    for bad in ({"from": "yesterday"}, {"to": "2026-13-01"}, {"cursor": "x"}, {"cursor": "1-"}, {"limit": 0}):
        w.call("listAudit", status=400, params=bad)
    w.call("exportAudit", status=200, params={"what": "session"})
    w.call("exportAudit", status=400, params={"from": "yesterday"})
    agent = w.agent(f"curious{time.monotonic_ns()}")
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


SCENES = {"listAudit": audit, "exportAudit": audit, "listTokens": tokens, "addToken": tokens, "revokeToken": tokens}
