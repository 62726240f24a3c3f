"""Who waits is answered in time, or somebody is told: once, on time to the second, through killed workers and clocks that
jump (F26). By a fake clock: an hour takes no time."""
import datetime
import random
import zoneinfo

import pytest
from clients import Agent, own_id
from harness import SLOWER, patience, until

CONFIG = """
listen = "127.0.0.1:{port}"
data_dir = "{data}"
workers = {workers}
{redis}
agents {{ login_tries = 1000 }}
loopback "test" {{}}
loopback "other" {{}}
cards "main" {{}}
"""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
OFFICE = {"name": "Office", "zone": "Europe/Berlin", "week": {d: [{"from": "09:00", "to": "18:00"}] for d in WEEKDAYS}}


@pytest.fixture
def g(clocked):
    return clocked


def now(clock):
    return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=clock.offset)


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def put_clock(clock, when):
    """To this time, or a second before it at most."""
    clock.set(int((when - datetime.datetime.now(datetime.timezone.utc)).total_seconds()))


def next_day(clock, weekday, hour, minute=0):
    """In UTC, in the coming week."""
    day = now(clock).replace(hour=hour, minute=minute, second=0, microsecond=0) + datetime.timedelta(days=1)
    return day + datetime.timedelta(days=(weekday - day.weekday()) % 7)


def write(g, who, channel="test", text="hello"):
    """Until it is taken: a worker that was killed answers nobody."""
    body = {"from": {"address": who, "name": who}, "id": own_id(), "text": text}
    return until(lambda: g.hook(body, channel).json()["thread"], 20 * SLOWER)


def thread_of(api, thread):
    return api.get("/threads/" + thread)["thread"]


def events(api, thread, type):
    return [m for m in api.messages(thread) if m.get("event", {}).get("type") == type]


def told(g, api, fields, path="/sla"):
    """Kept, and known to both workers: which one takes what comes next is chance."""
    kept = api.post(path, fields)
    seen = lambda: all(thread_of(api, write(g, own_id()))["sla"] for _ in range(12))  # noqa: E731
    until(seen, 20 * SLOWER, why="for all workers to know")
    return kept


def due_jobs(g):
    return sorted(j.decode() for k in g.redis.scan_iter("sb:{s*}:due") for j in g.redis.zrange(k, 0, -1))


def jobs_of(g, thread):
    return [j for j in due_jobs(g) if j.endswith(thread)]


def test_only_working_hours_count(g, clock):
    api = g.login()
    api.post("/hours", {**OFFICE, "channels": ["test"], "holidays": [{"from": "2020-01-01"}]})
    put_clock(clock, next_day(clock, 6, 10))  # a Sunday
    told(g, api, {"name": "Usual", "first_s": 3600, "next_s": 7200})
    # both workers know the hours, too
    until(lambda: all(moment(thread_of(api, write(g, own_id()))["sla"]["due"]).weekday() == 0 for _ in range(12)), 20 * SLOWER)
    t = write(g, "ann")
    sla = thread_of(api, t)["sla"]
    due = moment(sla["due"])
    assert sla["kind"] == "first" and not sla["breached"]
    assert due.astimezone(zoneinfo.ZoneInfo(OFFICE["zone"])).strftime("%w %H:%M:%S") == "1 10:00:00", due
    # the other channel has no hours: it is always open
    assert moment(thread_of(api, write(g, "bob", "other"))["sla"]["due"]) - now(clock) < datetime.timedelta(hours=1, seconds=5)
    # answered: nothing is due; a later question has the later answer's time, a matter that was closed the first one's
    api.post(f"/threads/{t}/messages", {"text": "yes?"})
    assert thread_of(api, t)["sla"] is None and jobs_of(g, t) == []
    write(g, "ann")
    sla = thread_of(api, t)["sla"]
    assert sla["kind"] == "next" and moment(sla["due"]) - due == datetime.timedelta(hours=1)
    api.patch("/threads/" + t, {"state": "closed"})
    assert thread_of(api, t)["sla"] is None and jobs_of(g, t) == []
    write(g, "ann")
    assert thread_of(api, t)["sla"]["kind"] == "first"
    first = thread_of(api, t)["sla"]
    write(g, "ann", text="hello?")
    assert thread_of(api, t)["sla"] == first  # he waits since then


def test_reminded_then_late_each_once_and_to_whom(g, clock):
    for name, role in (("ann", "agent"), ("bob", "agent"), ("sue", "supervisor")):
        g.add_user(name, role)
    api = g.login()
    told(g, api, {"name": 'Usual "<b>', "first_s": 3600, "remind_s": 600})
    t, nobodys = write(g, "client"), write(g, "another")
    api.patch("/threads/" + t, {"assignee": "ann"})
    screens = {name: g._begin(Agent(g, g.login(name, g.PASSWORD)), True) for name in ("ann", "bob", "sue")}
    due = moment(thread_of(api, t)["sla"]["due"])
    put_clock(clock, due - datetime.timedelta(seconds=660))
    assert events(api, t, "sla") == []
    put_clock(clock, due - datetime.timedelta(seconds=600))
    soon = until(lambda: events(api, t, "sla"), 20 * SLOWER)[0]
    assert soon["event"]["step"] == "soon" and soon["event"]["policy"]["name"] == 'Usual "<b>'
    assert not thread_of(api, t)["sla"]["breached"]
    until(lambda: events(api, nobodys, "sla"), 20 * SLOWER)
    put_clock(clock, due)
    late = until(lambda: events(api, t, "sla")[1:], 20 * SLOWER)[0]
    assert late["event"]["step"] == "late" and late["event"]["kind"] == "first" and moment(late["event"]["due"]) == due
    at = moment(late["received_at"])
    assert datetime.timedelta(0) <= at - due < datetime.timedelta(seconds=2 * SLOWER)  # on time to the second
    assert late["event"]["late_ms"] == (at - due) / datetime.timedelta(milliseconds=1)
    waits = thread_of(api, t)
    assert waits["sla"] == {"kind": "first", "due": late["event"]["due"], "breached": True} and waits["waiting_since"]

    assert [f["seq"] for f in screens["ann"].events if f["type"] == "desk" and f.get("step") == "late" and f["id"] == t] in ([], [late["seq"]])

    def reminders(name, thread=t):
        return [f["step"] for f in screens[name].events if f["type"] == "desk" and f["what"] == "reminder" and f["id"] == thread]
    screens["ann"].wait(lambda: reminders("ann") == ["soon", "late"])
    screens["sue"].wait(lambda: reminders("sue") == ["late"])
    screens["sue"].wait(lambda: reminders("sue", nobodys) == ["soon", "late"])  # who else should hear of it?
    # what is told to all comes after: who has heard that has heard what was for him
    api.post("/canned", {"shortcut": "x", "text": "x"})
    screens["bob"].wait(lambda: any(f["type"] == "desk" and f["what"] == "canned" for f in screens["bob"].events))
    assert reminders("bob") == []
    # the event came as messages do
    screens["bob"].wait(lambda: late["seq"] in screens["bob"].screen[t])
    # late, and answered at last: nothing more is due
    api.post(f"/threads/{t}/messages", {"text": "sorry"})
    assert thread_of(api, t)["sla"] is None and jobs_of(g, t) == []
    on_card = until(lambda: [m for m in g.card_messages() if m["id"] == late["id"]], 20 * SLOWER)
    assert on_card[0]["event"] == late["event"]


def test_once_through_kills_and_jumps(g, clock):
    """Workers die and the clock jumps, to and fro: each answer that is due is told of once."""
    rng = random.Random(5)
    api = g.login()
    told(g, api, {"name": "Quick", "first_s": 600, "remind_s": 60})
    threads = [until(lambda i=i: write(g, f"client{i}")) for i in range(24)]
    dues = {t: moment(thread_of(api, t)["sla"]["due"]) for t in threads}
    start = clock.offset
    for step in (300, 100, -500, 400, 90, 120, -200, 60, 100, 180, 40):
        clock.forward(step + rng.randrange(-5, 6))
        if rng.random() < 0.6:
            g.kill_worker(index=rng.randrange(2))
    clock.set(start + 700)
    g.wait_ready(20 * SLOWER)

    def all_told():
        return all(events(api, t, "sla")[-1]["event"]["step"] == "late" for t in threads)
    until(all_told, 40 * SLOWER)
    clock.forward(-300)
    g.kill_worker()
    clock.forward(300 + 3600)
    g.wait_ready(20 * SLOWER)
    for t in threads:
        steps = [m["event"]["step"] for m in events(api, t, "sla")]
        assert steps in (["soon", "late"], ["late"]), steps
        late = events(api, t, "sla")[-1]
        assert moment(late["received_at"]) >= dues[t] and moment(late["event"]["due"]) == dues[t]
        seqs = [m["seq"] for m in api.messages(t)]
        assert seqs == list(range(1, len(seqs) + 1))
    until(lambda: due_jobs(g) == [], 40 * SLOWER)  # those by which the workers were asked, too


def test_a_late_answer_ends_a_snooze(g, clock):
    """Who waits is not out of sight: his dialogue is open again, told once, also when both are due at once; reports count it."""
    api = g.login()
    told(g, api, {"name": "Quick", "first_s": 600})
    hidden, both, answered = (write(g, n) for n in ("hidden", "both", "answered"))
    due = moment(thread_of(api, both)["sla"]["due"])
    for t, until_ in ((hidden, due + datetime.timedelta(days=7)), (both, due), (answered, due + datetime.timedelta(days=7))):
        api.patch("/threads/" + t, {"state": "snoozed", "snooze_until": until_.isoformat().replace("+00:00", "Z"), "assignee": "admin"})
    api.post(f"/threads/{answered}/messages", {"text": "on Monday"})
    api.patch("/threads/" + answered, {"state": "snoozed", "snooze_until": (due + datetime.timedelta(days=7)).isoformat()})
    g.kill_worker()
    g.wait_ready(20 * SLOWER)
    clock.forward(605)
    for t in (hidden, both):
        until(lambda t=t: thread_of(api, t)["state"] == "open", 20 * SLOWER, why="for the snooze to be over")
        until(lambda t=t: events(api, t, "sla"), 20 * SLOWER)
        told_of = [(m["event"]["type"], m["event"].get("to", m["event"].get("step"))) for m in api.messages(t)[-2:]]
        assert sorted(told_of) == [("sla", "late"), ("state", "open")]
        assert len({m["id"] for m in api.messages(t)}) == len(api.messages(t)) and jobs_of(g, t) == []
        waits = thread_of(api, t)
        assert waits["waiting_since"] and waits["snooze_until"] is None and waits["sla"]["breached"]
        assert t in [x["id"] for x in api.get("/threads", view="mine")["threads"]]
    assert thread_of(api, answered)["state"] == "snoozed" and events(api, answered, "sla") == []
    day = now(clock).date()
    span = {"from": (day - datetime.timedelta(days=2)).isoformat(), "to": (day + datetime.timedelta(days=1)).isoformat()}
    got = api.get("/reports", **span)
    late = until(lambda: (lambda r: r if r["totals"]["late"] else None)(api.get("/reports", **span)), 20 * SLOWER)
    assert late["totals"]["late"] >= 2 and {r["name"]: r["late"] for r in got["agents"]}["admin"] == 2
    until(lambda: {m["id"] for t in (hidden, both) for m in api.messages(t)} <= {m["id"] for m in g.card_messages()}, 20 * SLOWER)


def test_blocked_merged_and_gone(g, clock):
    """Who is blocked or became another waits for nobody; a policy that is deleted wants nothing of who comes later."""
    api = g.login()
    policy = told(g, api, {"name": "Quick", "first_s": 600})["policy"]
    blocked, into, gone = write(g, "blocked"), write(g, "into"), write(g, "gone")
    api.patch("/threads/" + blocked, {"blocked": True})
    ids = [api.get("/threads/" + t)["client"]["id"] for t in (into, gone)]
    api.post(f"/clients/{ids[0]}/merge", {"from": ids[1]})
    assert jobs_of(g, blocked) == [] and jobs_of(g, gone) == [] and len(jobs_of(g, into)) == 1
    api.ask("DELETE", "/sla/" + policy["id"]).raise_for_status()
    until(lambda: all(thread_of(api, write(g, own_id()))["sla"] is None for _ in range(12)), 20 * SLOWER)
    clock.forward(700)
    until(lambda: events(api, into, "sla"), 20 * SLOWER)  # it was promised
    assert events(api, blocked, "sla") == []


def test_what_was_promised_goes_with_who_waits(g, clock):
    """Into the thread of the client whom he becomes part of, and back when that is undone."""
    api = g.login()
    told(g, api, {"name": "Quick", "first_s": 600})
    into, gone = write(g, "into"), write(g, "gone")
    api.post(f"/threads/{into}/messages", {"text": "answer"})
    due = thread_of(api, gone)["sla"]["due"]
    ids = [api.get("/threads/" + t)["client"]["id"] for t in (into, gone)]
    api.post(f"/clients/{ids[0]}/merge", {"from": ids[1]})
    assert thread_of(api, into)["sla"]["due"] == due and jobs_of(g, into) == ["sla " + into] and jobs_of(g, gone) == []
    api.post(f"/clients/{ids[0]}/unmerge", {"from": ids[1]})
    assert thread_of(api, into)["sla"] is None and thread_of(api, gone)["sla"]["due"] == due
    assert jobs_of(g, into) == [] and jobs_of(g, gone) == ["sla " + gone]
    clock.forward(700)
    late = until(lambda: [e for e in events(api, gone, "sla") if e["event"]["step"] == "late"], 20 * SLOWER)
    assert late[0]["event"]["due"] == due and events(api, into, "sla") == []


def test_closed_after_silence(g, clock):
    api = g.login()
    api.post("/rules", {"name": "Closed", "on": "closed", "then": [{"label": "over"}]})
    told(g, api, {"name": "Quiet", "first_s": 86400, "close_s": 7200})
    quiet, asked, away, reopened = (write(g, n) for n in ("quiet", "asked", "away", "reopened"))
    for t in (quiet, asked, away, reopened):
        api.post(f"/threads/{t}/messages", {"text": "answer"})
        assert jobs_of(g, t) == ["close " + t]
    clock.forward(3600)
    write(g, "asked")  # he waits: it stays open
    api.post(f"/threads/{away}/messages", {"text": "more"})  # silence begins anew
    api.patch("/threads/" + reopened, {"state": "closed"})
    api.patch("/threads/" + reopened, {"state": "open"})  # somebody wants it open
    clock.forward(3500)
    assert thread_of(api, quiet)["state"] == "open"
    clock.forward(101)
    closed = until(lambda: thread_of(api, quiet)["state"] == "closed" and events(api, quiet, "state"), 20 * SLOWER)
    assert closed[0]["event"] == {"type": "state", "to": "closed", "why": "silence",
                                  "policy": {"id": closed[0]["event"]["policy"]["id"], "name": "Quiet"}}
    assert [thread_of(api, t)["state"] for t in (asked, away, reopened)] == ["open"] * 3
    day = now(clock).date()
    span = {"from": (day - datetime.timedelta(days=2)).isoformat(), "to": (day + datetime.timedelta(days=1)).isoformat()}
    assert api.get("/reports", **span)["totals"]["closed"] == 2  # it, and the one that somebody closed
    counts = api.get("/counts")["counts"]
    assert counts["closed"] == 1
    until(lambda: thread_of(api, quiet)["labels"] == ["over"], 20 * SLOWER)  # rules hear of it
    g.kill_worker()
    g.wait_ready(20 * SLOWER)
    clock.forward(3600)
    until(lambda: thread_of(api, away)["state"] == "closed", 20 * SLOWER)
    assert len(events(api, quiet, "state")) == 1
    assert write(g, "quiet") == quiet and thread_of(api, quiet)["state"] == "open"
    assert thread_of(api, quiet)["sla"]["kind"] == "first"


def test_a_frozen_owner_fires_nothing(g, clock):
    """A timer is the shard's owner's: a script that comes with an old fencing number is refused."""
    api = g.login()
    told(g, api, {"name": "Quick", "first_s": 600})
    t, *others = [write(g, n) for n in ("client", "a", "b", "c", "d")]
    shard = next(k.decode().split(":")[1] for k in g.redis.scan_iter("sb:{s*}:due") if g.redis.zscore(k, "sla " + t))
    lease = f"sb:{shard}:lease"
    clock.forward(590)
    until(lambda: g.redis.get(lease))
    # as if another had taken it, and were frozen
    g.redis.set(lease, "somebody:999999999", px=int(patience() * 1000))
    clock.forward(60)
    elsewhere = [o for o in others if o[-2:] != t[-2:]]
    until(lambda: all(events(api, o, "sla") for o in elsewhere), 40 * SLOWER)
    assert events(api, t, "sla") == []
    g.redis.delete(lease)
    until(lambda: [m["event"]["step"] for m in events(api, t, "sla")] == ["late"], 40 * SLOWER)
    assert thread_of(api, t)["sla"]["breached"]
