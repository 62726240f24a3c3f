"""A channel that an admin pauses: what comes is taken in, what is to be sent waits, on every worker and over restarts; agents are told;
resumed, all goes out once and in order."""
from harness import CONFIG, until
from test_account import person


def hears(agent, begin):
    agent.wait(lambda: any(f["type"] == "desk" and f["what"] == "channels" and f["id"] == "test" for f in agent.events[begin:]), 10, "told")


def state(api, name="test"):
    return next(c for c in api.get("/channels")["channels"] if c["name"] == name)


def sent(api, thread):
    return [m["text"] for m in api.messages(thread) if m["direction"] == "out" and m["status"] in ("sent", "delivered", "read")]


def paused_everywhere(api, on):
    """Each worker has heard of it: an answer of any of them says so, many times in a row."""
    until(lambda: all(bool(state(api)["paused"]) == on for _ in range(12)), why="all workers know")


def test_it_takes_in_and_sends_nothing(start_gateway):
    g = start_gateway(workers=2)
    api, screen = g.login(), g.agent()
    screen.ready.wait(10)
    threads = [g.hook({"from": {"address": f"a{i}"}, "id": f"m{i}", "text": "x"}).json()["thread"] for i in range(6)]
    api.post(f"/threads/{threads[0]}/messages", {"text": "before"})
    until(lambda: sent(api, threads[0]) == ["before"], 20)
    begin = len(screen.events)
    assert api.ask("POST", "/channels/test/pause").status_code == 204
    hears(screen, begin)
    paused_everywhere(api, True)
    assert state(api)["paused"]["by"] == "admin"
    for i in range(3):
        for t in threads:
            api.post(f"/threads/{t}/messages", {"text": f"waits {i}"})
    r = g.hook({"from": {"address": "a0"}, "id": "later", "text": "still heard"})
    assert r.status_code == 200 and "still heard" in [m["text"] for m in api.messages(threads[0])]
    until(lambda: state(api)["queue"] == 18, 20, why="they wait, and it is said")
    g.kill_worker()  # whoever takes its shards over knows it before he sends anything
    until(lambda: all(x["owner"] for x in api.get("/system")["shards"]), 30)
    g.restart()
    api = g.login()
    paused_everywhere(api, True)
    assert [p["subject"] for p in api.get("/system")["problems"] if p["code"] == "paused"] == ["test"]
    assert all([m["status"] for m in api.messages(t) if m["direction"] == "out"][-3:] == ["queued"] * 3 for t in threads)
    assert api.ask("POST", "/channels/test/resume").status_code == 204
    until(lambda: all(sent(api, t)[-3:] == ["waits 0", "waits 1", "waits 2"] for t in threads), 30, why="all went out, in order")
    paused_everywhere(api, False)
    assert [(e["what"], e["by"]) for e in api.get("/channels/test/events")["events"]] == [("resumed", "admin"), ("paused", "admin")]
    assert [e["what"] for e in api.get("/audit", what="channel")["entries"]] == ["channel.resumed", "channel.paused"]


def test_twice_is_once_and_admins_alone_do_it(start_gateway):
    g = start_gateway()
    api, boss = g.login(), person(g, "sue", "supervisor")
    for _ in range(2):
        assert api.ask("POST", "/channels/site/pause").status_code == 204
    assert [e["what"] for e in api.get("/channels/site/events")["events"]] == ["paused"]
    assert boss.ask("POST", "/channels/site/resume").status_code == 403 and boss.get("/channels/site/events")["events"]
    assert person(g, "ann").ask("GET", "/channels/site/events").status_code == 403
    for what in ("pause", "resume"):
        assert api.ask("POST", f"/channels/nothing/{what}").status_code == 404
    assert api.ask("GET", "/channels/nothing/events").status_code == 404


def test_what_happened_to_a_channel_is_kept(start_gateway):
    """Lost and why; said once, by the worker that looks after it."""
    g = start_gateway(config=CONFIG + """
email "desk" {{ address = "desk@example.org" imap_url = "imap+plain://127.0.0.1:9" smtp_url = "smtp+plain://127.0.0.1:9" user = "x" password = "x" allow_private = true }}
""")
    api = g.login()
    events = until(lambda: api.get("/channels/desk/events")["events"], 30, why="it is lost, and that is kept")
    assert events[-1]["what"] == "lost" and events[-1]["text"] and len(events) <= 50
