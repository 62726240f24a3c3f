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


SCENES = {"listAudit": audit, "exportAudit": audit}
