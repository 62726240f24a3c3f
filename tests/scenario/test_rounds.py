"""Many messages at once to many screens: what goes out together is the same as what would have gone out alone: all that a
screen may see, each thread's in order, and nothing else (T03, T5; push/round.c)."""
import json
import os
import signal
import threading
import time

import wire
from harness import CONFIG, SLOWER
from pace import patience

THREADS, EACH, SCREENS = 4, 40, 25


class Screen:
    """Reads all that comes, from the first moment on."""

    def __init__(self, gateway, api):
        self.name, self.frames = api.name, []
        self.ws = wire.WebSocket("127.0.0.1", gateway.port, "/ws/agent", {"Cookie": api.cookie})
        self.ws.send(json.dumps({"type": "hello"}))
        while self.next()["type"] != "ready":
            pass
        self.frames.clear()

    def next(self):
        self.frames.append(json.loads(self.ws.recv(patience(30))))
        return self.frames[-1]

    def until(self, seen, wanted):
        """Until the last message of each thread that it may see is there."""
        while not wanted <= {(m["thread"], m["text"]) for m in self.messages()}:
            self.next()
        return {t: [m["text"] for m in self.messages() if m["thread"] == t] for t in seen}

    def messages(self):
        return [f["message"] for f in self.frames if f["type"] == "message" and f["message"]["direction"] == "in"]


def test_a_burst_for_many_screens(start_gateway):
    g = start_gateway(config=CONFIG.replace("login_tries = 1000", 'login_tries = 1000 see = "assigned"'), workers=1)
    apis = {}
    for name, role in (("ann", "agent"), ("bob", "agent"), ("boss", "supervisor")):
        g.add_user(name, role)
        apis[name] = g.login(name)
    threads = [g.hook({"from": {"address": f"r{i}"}, "text": "first", "id": f"r{i}"}).json()["thread"] for i in range(THREADS)]
    for t, name in zip(threads, ("ann", "bob", "ann", "boss")):
        apis["boss"].patch("/threads/" + t, {"assignee": name})
    may = {"ann": {threads[0], threads[2]}, "bob": {threads[1]}, "boss": set(threads)}
    screens = [Screen(g, apis[n]) for n in apis for _ in range(SCREENS)]
    worker = g.worker_pids()[0]

    def say(i):
        for k in range(EACH):
            g.hook({"from": {"address": f"r{i}"}, "text": f"m{k}", "id": f"r{i}-{k}"}, timeout=30 * SLOWER)

    jobs = [threading.Thread(target=say, args=(i,)) for i in range(THREADS)]
    for j in jobs:
        j.start()
    for _ in range(5):  # what comes while it stands is there all at once
        os.kill(worker, signal.SIGSTOP)
        time.sleep(0.02)
        os.kill(worker, signal.SIGCONT)
        time.sleep(0.02)
    for j in jobs:
        j.join()
    for s in screens:
        got = s.until(may[s.name], {(t, f"m{EACH - 1}") for t in may[s.name]})
        assert got == {t: [f"m{k}" for k in range(EACH)] for t in may[s.name]}, s.name
        assert {m["thread"] for m in s.messages()} <= may[s.name]
        for f in s.frames:
            thread = f["thread"]["id"] if isinstance(f.get("thread"), dict) else f.get("thread")
            assert f["type"] == "gone" or thread is None or thread in may[s.name], f
        s.ws.close()
