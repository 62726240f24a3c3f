"""Reports agree with the threads to the message: what was counted along is what a recount of the raw log finds."""
import csv
import io
import json
import os
import random
import time
import zoneinfo
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone

import pytest

from harness import SLOWER, Api, Gateway, until
from reporting import LABELS, history

CONFIG = """
listen = "127.0.0.1:{port}"
data_dir = "{data}"
workers = {workers}
{redis}
agents {{ login_tries = 1000 }}
history {{ keep_messages = 100000 keep_for = "3650d" }}
reports {{ zone = "Europe/Kaliningrad" }}
loopback "test" {{ rating = yes rating_after = "0s" rating_again = "0s" }}
loopback "other" {{ rating = yes rating_after = "10m" rating_again = "0s" }}
cards "main" {{}}
"""
ZONE = zoneinfo.ZoneInfo("Europe/Kaliningrad")
MESSAGES = int(os.environ.get("REPORT_MESSAGES", "600"))


@pytest.fixture
def g(clocked):
    return clocked


def slot_of(ms):
    s, e = int(max(ms, 0) // 1000), 0
    while s >= 16:
        s, e = s // 2, e + 1
    return s if e == 0 else 8 * e + s


def bounds(slot):
    if slot < 16:
        return slot, slot + 1
    e, step = (slot - 8) // 8, 8 + (slot - 8) % 8
    return step * 2 ** e, (step + 1) * 2 ** e


class Recount:
    """By hand, from what the log says; written without a look at how the gateway counts."""

    def __init__(self, lines):
        self.n, self.times, self.scores = Counter(), defaultdict(list), defaultdict(list)
        threads = defaultdict(list)
        for line in lines:
            m = json.loads(line).get("message")
            if m:
                threads[m["thread"]].append(m)
        self.waiting = 0
        for messages in threads.values():
            self.waiting += self.one(sorted(messages, key=lambda m: m["seq"]))

    def one(self, messages):
        since, answered, state, labels, channel, whose = None, False, "open", [], None, None
        old = {m["event"].get("replaces") for m in messages if (m.get("event") or {}).get("type") == "rating"}
        for m in messages:
            if m.get("rating"):
                continue  # the gateway's own: no answer
            at = datetime.fromisoformat(m["received_at"].replace("Z", "+00:00"))
            there = at.astimezone(ZONE)
            day, hour = there.strftime("%Y-%m-%d"), there.hour
            event = m.get("event") or {}
            agent = (m.get("from") or {}).get("agent") or event.get("by")

            def count(what, where):
                for key in (("all",), ("day", day), ("hour", hour), ("channel", where)):
                    self.n[what, *key] += 1
                if what == "in":
                    self.n["week", there.weekday(), hour] += 1

            if m["direction"] == "in":
                channel = m["channel"]
                if state == "closed":
                    answered = False
                state, since = "open", since or at
                count("in", channel)
                for label in labels:
                    self.n["in", "label", label] += 1
            elif m["direction"] == "out":
                state, whose = "open", whose or agent
                count("out", m["channel"])
                self.n["out", "agent", agent] += 1
                if since:
                    ms = (at - since) / timedelta(milliseconds=1)
                    what = "next" if answered else "first"
                    for key in (("all",), ("day", day), ("hour", hour), ("channel", m["channel"]), ("agent", agent),
                                *(("label", label) for label in labels)):
                        self.times[what, *key].append(ms)
                    since, answered = None, True
            elif event.get("type") == "labels":
                labels = event["labels"]
            elif event.get("type") == "assigned":
                whose = event["to"]
            elif event.get("type") == "sla" and event["step"] == "late":
                count("late", channel)
                for key in (*([("agent", whose)] if whose else []), *(("label", label) for label in labels)):
                    self.n["late", *key] += 1
            elif event.get("type") == "rating" and m["seq"] not in old:
                for key in (("all",), ("day", day), ("hour", hour), ("channel", channel), ("agent", whose),
                            *(("label", label) for label in labels)):
                    self.scores[key].append(event["score"])
            elif event.get("type") == "state":
                if event["to"] == "closed" and state != "closed":
                    count("closed", channel)
                    self.n["closed", "agent", agent] += 1
                    if since:
                        count("lost", channel)
                        for key in (("agent", agent), *(("label", label) for label in labels)):
                            self.n["lost", *key] += 1
                        since = None
                state = event["to"]
        return since is not None

    def check(self, row, *key):
        for what in ("in", "out", "closed", "lost", "late"):
            assert row[what] == self.n[what, *key], (what, key, row)
        self.check_scores(row, *key)
        for what in ("first", "next"):
            times = sorted(self.times[what, *key])
            assert row[what]["n"] == len(times), (what, key, row)
            for name, share in (("median_s", 0.5), ("p90_s", 0.9)):
                if not times:
                    assert row[what][name] is None
                    continue
                exact = times[max(0, -(-len(times) * int(share * 10) // 10) - 1)]
                low, high = bounds(slot_of(exact))
                assert low <= row[what][name] <= high, (what, key, name, row, exact)


    def check_scores(self, row, *key):
        scores = self.scores[key]
        assert row["rated"] == {"n": len(scores), "average": sum(scores) / len(scores) if scores else None}, (key, row, scores)


def days(clock):
    now = datetime.now(timezone.utc).astimezone(ZONE)
    return {"from": (now - timedelta(days=1)).date().isoformat(),
            "to": (now + timedelta(seconds=clock.offset, days=1)).date().isoformat()}


def compare(g, clock):
    api = g.login()
    span = days(clock)
    got = api.get("/reports", **span)
    count = Recount(g.cli("export").stdout.splitlines())
    count.check(got["totals"], "all")
    for row in got["days"]:
        count.check(row, "day", row["name"])
    for hour, row in enumerate(got["hours"]):
        count.check(row, "hour", hour)
    for kind in ("channel", "agent", "label"):
        rows = {row["name"]: row for row in got[kind + "s"]}
        for name, row in rows.items():
            for what in ("in", "out", "closed", "lost", "late"):
                assert row[what] == count.n[what, kind, name], (kind, row)
            count.check_scores(row, kind, name)
            for what in ("first", "next"):
                assert row[what]["n"] == len(count.times[what, kind, name]), (kind, row)
        told = {k[2] for k, v in count.n.items() if k[1] == kind and v}
        assert told <= set(rows)
    for weekday in range(7):
        assert got["week"][weekday] == [count.n["week", weekday, h] for h in range(24)]
    assert got["now"]["waiting"] == count.waiting
    assert got["zone"] == "Europe/Kaliningrad"
    return got, count


def rate(g, clock, seed):
    """Talks are closed, and some of their clients say what they think of them, once or twice, on other days, too."""
    rng, api = random.Random(seed), g.login()
    for t in api.threads("open"):
        if rng.random() < 0.7:
            api.post(f"/threads/{t['id']}/messages", {"text": "is that all?"})
            api.patch("/threads/" + t["id"], {"state": "closed"})
    clock.forward(601)
    until(lambda: not [j for k in g.redis.scan_iter("sb:{s*}:due") for j in g.redis.zrange(k, 0, -1) if j[:4] == b"ask "], 40 * SLOWER)
    asked = [t for t in api.threads("closed") if t["last"]["text"].startswith("How was")]
    for n, t in enumerate(asked * 2):
        if rng.random() < 0.7:
            who = api.get("/threads/" + t["id"])["client"]["identities"][0]["address"]
            assert g.hook({"from": {"address": who}, "id": f"r{n}", "text": rng.choice("12345")}, t["channel"]).status_code == 200
        if rng.random() < 0.3:
            api.patch("/threads/" + t["id"], {"labels": rng.sample(LABELS, rng.randrange(3)), "assignee": rng.choice(("ann", "bob"))})
        if rng.random() < 500 / len(asked):  # a report is of a year at most
            clock.forward(rng.choice((0, 60, 4000)))


def settled(g, clock):
    """The same, once the timers that the clock's jumps made due are done: between the two answers more would get late."""
    now = lambda: int((time.time() + clock.offset) * 1000)  # noqa: E731
    until(lambda: not any(g.redis.zcount(k, "-inf", now()) for k in g.redis.scan_iter("sb:{s*}:due")), 40 * SLOWER)
    return until(lambda: compare(g, clock), 30 * SLOWER)


def test_a_recount_of_the_log_finds_the_same(g, clock):
    g.login().post("/sla", {"name": "Usual", "first_s": 900, "next_s": 3600})
    history(g, clock, MESSAGES, 7)
    rate(g, clock, 7)
    got, count = settled(g, clock)
    assert got["totals"]["late"] > 5 and got["totals"]["rated"]["n"] > 5
    assert got["totals"]["in"] > MESSAGES // 3 and got["totals"]["first"]["n"] and got["totals"]["next"]["n"]
    assert got["totals"]["lost"] and len(got["days"]) > 3 and len(got["labels"]) == len(LABELS)
    again, _ = settled(g, clock)  # now from the sums of the days that are over
    assert again == got
    # a clock that jumps back counts in a day that was summed up already
    clock.forward(-2 * 86400)
    r = g.hook({"from": {"address": "0", "name": "N0"}, "id": "late", "text": "late"})
    assert r.status_code == 200
    clock.forward(2 * 86400)
    settled(g, clock)
    g.kill_worker()
    g.wait_ready()
    settled(g, clock)


def test_tables_for_spreadsheets(g, clock):
    history(g, clock, 60, 11)
    api = g.login()
    thread = api.get("/threads", view="all")["threads"][0]["id"]
    api.patch(f"/threads/{thread}", {"labels": ["=cmd()", 'a "b"']})
    address = api.get(f"/threads/{thread}")["client"]["identities"][0]["address"]
    g.hook({"from": {"address": address}, "id": "x", "text": "x"})
    g.hook({"from": {"address": address}, "id": "y", "text": "y"}, "other")
    span = days(clock)
    got = api.get("/reports", **span)
    for table in ("days", "hours", "channels", "agents", "labels"):
        r = api.ask("GET", f"/reports/{table}", params=span)
        assert r.status_code == 200 and r.headers["content-type"] == "text/csv; charset=utf-8"
        assert r.headers["content-disposition"] == f'attachment; filename="{table}.csv"'
        rows = list(csv.DictReader(io.StringIO(r.content.decode())))
        assert sum(int(row["in"]) for row in rows) == sum(row["in"] for row in got[table]), table
        assert not any(row[list(row)[0]].startswith(("=", "+", "-", "@")) for row in rows)
    names = [row["label"] for row in csv.DictReader(io.StringIO(r.content.decode()))]
    assert "'=cmd()" in names and 'a "b"' in names


def test_who_may_and_what_is_refused(g):
    api = g.login()
    for query, word in (({"from": "2026-13-01"}, "from must be a day"), ({"to": "today"}, "to must be a day"),
                        ({"from": "2026-02-30"}, "from must be a day"), ({"from": "1969-12-31"}, "from must be a day"),
                        ({"from": "2026-03-02", "to": "2026-03-01"}, "from must not be after to"),
                        ({"from": "2024-01-01", "to": "2026-03-01"}, "1 to 366 days")):
        r = api.ask("GET", "/reports", params=query)
        assert r.status_code == 400 and word in r.json()["detail"], (query, r.text)
    assert api.ask("GET", "/reports/people").status_code == 404
    assert api.get("/reports")["totals"]["in"] == 0
    g.add_user("ann")
    assert Api(g.url).login("ann", g.PASSWORD).ask("GET", "/reports").status_code == 403
    g.add_user("sue", "supervisor")
    assert Api(g.url).login("sue", g.PASSWORD).ask("GET", "/reports").status_code == 200


def test_a_zone_that_is_none(start_gateway):
    g = Gateway(config=CONFIG.replace("Kaliningrad", "Nowhere"))
    p = g.cli("check-config", check=False)
    assert p.returncode and "there is no time zone" in p.stderr + p.stdout
    g.destroy()


