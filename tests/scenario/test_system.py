"""How the installation is, as an admin asks: every worker, Redis, who delivers of which shard, what waits and since when, and what is
wrong, in words."""
import os

from clients import Api
from harness import CONFIG, until
from test_account import person
from test_api_auth import heard, socket_of, token


def system(api):
    return api.get("/system")


def test_workers_shards_and_sockets(start_gateway):
    """One that dies is gone, and its shards have another owner; sockets are counted."""
    g = start_gateway(workers=2)
    api = g.login()
    s = until(lambda: (s := system(api)) and len(s["workers"]) == 2 and all(x["owner"] for x in s["shards"]) and s, 20, why="both workers")
    assert {w["pid"] for w in s["workers"]} == set(g.worker_pids())
    assert sum(w["shards"] for w in s["workers"]) == len(s["shards"]) == 16
    assert {x["owner"] for x in s["shards"]} <= {w["id"] for w in s["workers"]}
    assert all(w["rss_bytes"] > 1 << 20 and w["version"] == s["version"] and w["cpu_percent"] >= 0 for w in s["workers"])
    ws = socket_of(g, api)
    heard(ws, "ready")
    until(lambda: sum(w["sockets"] for w in system(api)["workers"]) == 1, 20, why="the socket is counted")
    ws.close()
    until(lambda: sum(w["sockets"] for w in system(api)["workers"]) == 0, 20, why="and not any more")
    old = set(g.worker_pids())
    g.kill_worker()
    s = until(lambda: (s := system(g.login())) and {w["pid"] for w in s["workers"]} == set(g.worker_pids()) != old
              and all(x["owner"] for x in s["shards"]) and s, 40, why="the new one has come, the old one is forgotten")
    assert {x["owner"] for x in s["shards"]} <= {w["id"] for w in s["workers"]}


def test_what_redis_the_disk_and_the_libraries_say(start_gateway):
    g = start_gateway()
    s = system(g.login())
    r, info = s["redis"], g.redis.info()
    assert (r["version"], r["role"], r["policy"]) == (info["redis_version"], "master", info["maxmemory_policy"])
    assert r["append_only"] and r["append_fsync"] == "always" and r["write_ok"] and not r["loading"] and r["memory_bytes"] > 0
    v = os.statvfs(g.data)
    assert s["disk"]["total_bytes"] == v.f_blocks * v.f_frsize and 0 < s["disk"]["free_bytes"] <= s["disk"]["total_bytes"]
    assert any(name.startswith("libuv ") for name in s["libraries"]) and len(s["libraries"]) >= 5


def test_what_waits_and_what_is_wrong(start_gateway):
    """A CRM that is not there: its queue, how old; and once it is old, the words for it."""
    g = start_gateway(config=CONFIG.replace('cards "main" {{}}', 'webhook "erp" {{ url = "http://127.0.0.1:9/x" secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" allow_private = true }}'))
    api = g.login()
    g.hook({"from": {"address": "ann"}, "id": "1", "text": "x"})
    queue = until(lambda: next((q for q in system(api)["queues"] if q["queue"] == "crm:erp" and q["n"]), None), why="it waits")
    assert queue["oldest_at"]
    assert not [p for p in system(api)["problems"] if p["code"] == "queue_old"]
    db = g.redis
    for shard in range(16):  # as if it had come an hour ago
        key = "sb:{s%d}:crm:erp" % shard
        for id, fields in db.xrange(key):
            db.delete(key)
            db.xadd(key, fields, id=f"{int(id.split(b'-')[0]) - 3600000}-0")
    found = next(p for p in system(api)["problems"] if p["code"] == "queue_old")
    assert found["subject"] == "crm:erp" and 59 <= found["n"] <= 61 and "60 minutes" in found["text"].replace("59", "60").replace("61", "60")
    db.xadd("sb:{s3}:dead", {"q": "crm:erp", "e": "m x 1", "detail": "x", "attempts": "1", "at": "1"})
    assert {"code": "dead", "level": "warn", "subject": "", "n": 1, "text": "1 deliveries were given up"} in system(api)["problems"]


def test_it_is_for_admins(start_gateway):
    g = start_gateway()
    for role in ("agent", "supervisor"):
        assert person(g, f"s-{role}", role).ask("GET", "/system").status_code == 403
    assert Api(g.url, token(g, "reader", "admin", "read,write")).ask("GET", "/system").status_code == 403
    assert Api(g.url, token(g, "monitor", "admin", "read,write,admin")).get("/system")["workers"]
