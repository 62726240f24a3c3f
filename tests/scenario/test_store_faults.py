"""Redis killed, hung, loading, full, read-only: nothing acknowledged is lost, refusals are honest,
work resumes by itself. F03 F06 F19 F22 F23 of the fault catalogue."""
import os
import signal
import subprocess
import threading
import time

import pytest
import redis
import requests
from harness import SLOWER, until
from own_redis import OwnRedis


@pytest.fixture
def own_redis():
    made = []

    def start(*options):
        made.append(OwnRedis(*options))
        return made[-1]
    yield start
    for r in made:
        r.destroy()


def post(g, ident, text="x", who="1", timeout=5):
    return g.hook({"from": {"address": who, "name": "n"}, "id": ident, "text": text}, timeout=timeout)


def refused(r):
    assert r.status_code == 503, (r.status_code, r.text)
    assert r.headers["Content-Type"].startswith("application/problem+json")
    assert int(r.headers["Retry-After"]) >= 1
    assert r.json()["status"] == 503
    return True


def stored(g, thread):
    return [m["text"] for m in g.login().messages(thread) if m["direction"] == "in"]


def is_503(g, ident):
    return refused(post(g, ident))


def comes_back(g, ident, timeout=15):
    """Every worker takes messages again: each connection meets one by chance."""
    until(lambda: all(post(g, ident).status_code == 200 for _ in range(12)), timeout * SLOWER, 0.1,
          "for stores to resume")


class Stream(threading.Thread):
    """Posts without pause and remembers what was taken; an unanswered one is posted again."""

    def __init__(self, g, who):
        super().__init__(daemon=True)
        self.g, self.who, self.taken, self.codes, self.end, self.thread = g, who, [], set(), False, None

    def run(self):
        n, http = 0, requests.Session()
        http.trust_env = False
        while not self.end:
            n += 1
            while not self.end:
                try:
                    r = http.post(f"{self.g.url}/hooks/loopback/test", timeout=10, json={
                        "from": {"address": self.who, "name": "n"}, "id": f"{self.who}-{n}",
                        "text": f"{n}"})
                except requests.RequestException:
                    continue
                self.codes.add(r.status_code)
                if r.status_code == 200:
                    self.taken.append(str(n))
                    self.thread = r.json()["thread"]
                    break
                time.sleep(0.02)


def test_killed_again_and_again(gateway):
    """F03: the embedded Redis is killed under load."""
    agent = gateway.agent()
    streams = [Stream(gateway, f"s{i}") for i in range(4)]
    for s in streams:
        s.start()
    for _ in range(6):
        time.sleep(0.5)
        pid = until(lambda: gateway.redis_pid(), 10)
        os.kill(pid, signal.SIGKILL)
        until(lambda p=pid: gateway.redis_pid() != p, 10 * SLOWER)
    until(lambda: sum(len(s.taken) for s in streams) > 100 and all(s.taken for s in streams))
    for s in streams:
        s.end = True
        s.join(15)
    until(gateway.is_ready, 10)
    for s in streams:
        assert s.codes <= {200, 503}, s.codes
        got = stored(gateway, s.thread)
        assert got[:len(s.taken)] == s.taken and len(got) == len(set(got))
    assert agent.failure is None


def test_hung(own_redis, start_gateway):
    """F06: SIGSTOP for some seconds."""
    r = own_redis()
    g = start_gateway(redis_url=r.url)
    agent, visitor = g.agent(), g.visitor()
    first = post(g, "a").json()
    os.kill(r.process.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        refused(post(g, "b", timeout=8))
        assert time.monotonic() - began < 3 * SLOWER  # the store's timeout is 2 s
        until(lambda: requests.get(g.url + "/readyz", timeout=3).status_code == 503, 10)
        assert requests.get(g.url + "/healthz", timeout=3 * SLOWER).status_code == 200
        agent.wait(lambda: agent.store_up is False, 10, "for the banner")
        cid = visitor.say("typed while it hangs")
        time.sleep(1)
        assert cid not in visitor.acks
    finally:
        os.kill(r.process.pid, signal.SIGCONT)
    comes_back(g, "b")
    visitor.wait(lambda: visitor.acks.get(cid), 15)
    agent.wait(lambda: agent.store_up, 10)
    assert sorted(stored(g, first["thread"])) == ["x", "x"]


def test_gone_and_back(own_redis, start_gateway):
    r = own_redis()
    g = start_gateway(redis_url=r.url)
    agent = g.agent()
    thread = post(g, "a").json()["thread"]
    r.kill()
    until(lambda: is_503(g, "b"), 5)
    agent.wait(lambda: agent.store_up is False, 10)
    until(lambda: requests.get(g.url + "/readyz", timeout=3).status_code == 503)  # of the other worker, too
    r.start()
    comes_back(g, "b")
    assert len(stored(g, thread)) == 2


def test_full(own_redis, start_gateway):
    """F22: maxmemory without eviction."""
    r = own_redis()
    g = start_gateway(redis_url=r.url)
    agent = g.agent()
    thread = post(g, "a").json()["thread"]
    used = r.client.info("memory")["used_memory"]
    r.client.config_set("maxmemory", used // 2)  # not at the edge, where every other write passes
    until(lambda: is_503(g, "b"), 10)
    agent.wait(lambda: agent.store_up is False, 15, "for the banner")
    refused(agent.api.ask("POST", f"/threads/{thread}/messages", json={"id": "k", "text": "t"}))
    r.client.config_set("maxmemory", 0)
    comes_back(g, "b")
    agent.wait(lambda: agent.store_up, 10)
    assert len(stored(g, thread)) == 2


def test_nearly_full(own_redis, start_gateway):
    """F22 at the edge: the least writes still pass, a message may not. Each worker tells its agents,
    also where nobody sends anything."""
    r = own_redis()
    g = start_gateway(redis_url=r.url)
    agents = [g.agent() for _ in range(4)]
    client = r.client
    room = []

    def keep_nearly_full():
        """Redis counts its own buffers, and frees them when it likes: what it frees is room again."""
        room.append(client.info("memory")["used_memory"] + 20000)
        if room[-1] == min(room):
            client.config_set("maxmemory", room[-1])
        return all(a.store_up is False for a in agents)

    until(keep_nearly_full, 15, 0.1)
    client.config_set("maxmemory", 0)
    for a in agents:
        a.wait(lambda a=a: a.store_up, 15, "for its end")
    assert 'OOM' in g.log()


def test_read_only(own_redis, start_gateway):
    """F23: READONLY, as after a fail-over that made it a replica."""
    r, master = own_redis(), own_redis("--port", "0")
    g = start_gateway(redis_url=r.url)
    thread = post(g, "a").json()["thread"]
    r.client.replicaof("127.0.0.1", "1")
    until(lambda: is_503(g, "b"), 10)
    r.client.replicaof("NO", "ONE")
    comes_back(g, "b")
    assert len(stored(g, thread)) == 2
    assert master.client.ping()


def test_no_replicas(own_redis, start_gateway):
    """F23: NOREPLICAS."""
    r = own_redis()
    g = start_gateway(redis_url=r.url)
    thread = post(g, "a").json()["thread"]
    r.client.config_set("min-replicas-to-write", 1)
    until(lambda: is_503(g, "b"), 10)
    r.client.config_set("min-replicas-to-write", 0)
    comes_back(g, "b")
    assert len(stored(g, thread)) == 2


def test_busy_with_a_script(own_redis, start_gateway):
    """F23: BUSY."""
    r = own_redis()
    g = start_gateway(redis_url=r.url)
    thread = post(g, "a").json()["thread"]
    r.client.config_set("lua-time-limit", 50)
    t = threading.Thread(target=lambda: _endless(r), daemon=True)
    t.start()
    until(lambda: is_503(g, "b"), 10)
    r.client.script_kill()
    comes_back(g, "b")
    assert len(stored(g, thread)) == 2


def _endless(r):
    try:
        r.client.eval("while true do end", 0)
    except redis.RedisError:
        pass


def test_forgotten_scripts(own_redis, start_gateway):
    """F23: NOSCRIPT after SCRIPT FLUSH: nobody notices."""
    r = own_redis()
    g = start_gateway(redis_url=r.url)
    post(g, "a")
    r.client.script_flush()
    assert post(g, "b").status_code == 200


@pytest.mark.long
def test_loading(own_redis, start_gateway):
    """F23: LOADING after a restart with much data."""
    r = own_redis("--enable-debug-command", "yes")
    g = start_gateway(redis_url=r.url)
    thread = post(g, "a").json()["thread"]
    pipe = r.client.pipeline(transaction=False)
    for i in range(8000):  # while it loads, it answers after each 1,024 commands only
        pipe.set(f"filler:{i}", "x" * 20)
    pipe.execute()
    r.kill()
    r.options += ("--key-load-delay", "500")
    t = threading.Thread(target=lambda: r.start(), daemon=True)
    t.start()
    until(lambda: r.client.info("persistence")["loading"], step=0.005)
    until(lambda: is_503(g, "b"), 10)
    t.join()
    comes_back(g, "b", 30)
    assert len(stored(g, thread)) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_disk_full(start_gateway, tmp_path):
    """F19: the disk under the embedded Redis fills up; Redis goes, and comes when there is room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk]).returncode:
        pytest.skip("this machine does not let us mount a tmpfs")
    try:
        g = start_gateway(folder=disk)
        thread = post(g, "a").json()["thread"]
        with open(disk / "ballast", "wb", buffering=0) as f:  # closing must have nothing left to write
            try:
                while True:
                    f.write(b"0" * 65536)
            except OSError:
                pass
        until(lambda: is_503(g, "b"), 20)
        os.unlink(disk / "ballast")
        comes_back(g, "b", 20)
        assert len(stored(g, thread)) == 2
        g.destroy(keep=True)
    finally:
        subprocess.run(["umount", "-l", disk])
