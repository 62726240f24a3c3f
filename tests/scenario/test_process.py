"""Life of the processes: start, stop, reload, deaths."""
import os
import signal
import time

import pytest
from harness import CONFIG, SANITIZED, SLOWER, alive, children, until


def test_start_to_ready(start_gateway):
    times = []
    for _ in range(3):
        g = start_gateway(admin=False)
        times.append(g.ready_after)
    print(f"start to ready: {min(times) * 1000:.0f} ms")
    if not SANITIZED:
        assert min(times) < 0.5


def test_sigterm_drains(gateway):
    agent, visitor = gateway.agent(), gateway.visitor()
    visitor.say_and_wait("hello")
    pids = [p for p, _ in children(gateway.process.pid)]
    took = gateway.stop()
    assert took < 10 * SLOWER and gateway.process.returncode == 0
    assert not any(alive(p) for p in pids)
    until(lambda: [c for c in agent.closes if c[0] == "closed"], 5)
    assert ("closed", 1012) in agent.closes and ("closed", 1012) in visitor.closes
    gateway.start()
    visitor.say_and_wait("again")
    agent.wait(lambda: any(m.get("text") == "again" for t in agent.screen.values()
                           for m in t.values()), 10)


def test_sighup_good_and_bad(gateway):
    old = set(gateway.worker_pids())
    gateway.write_config("\nwrokers = 3\n")
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: 'unknown key \\"wrokers\\"' in gateway.log() or "wrokers" in gateway.log(), 5)
    time.sleep(0.3)
    assert set(gateway.worker_pids()) == old and gateway.is_ready()
    gateway.workers = 3
    gateway.write_config()
    visitor = gateway.visitor()
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: len(set(gateway.worker_pids()) - old) == 3 and not old & set(gateway.worker_pids()),
          15 * SLOWER, why="for the new generation")
    visitor.say_and_wait("after the reload")


def test_requests_go_on_through_reload(gateway):
    gateway.process.send_signal(signal.SIGHUP)
    end, bad, n = time.monotonic() + 3, [], 0
    while time.monotonic() < end or n <= 50:
        n += 1
        try:
            r = gateway.hook({"from": {"address": "1", "name": "a"}, "id": f"r{n}", "text": "x"})
            if r.status_code != 200:
                bad.append(r.status_code)
        except OSError as e:
            bad.append(str(e)[:80])
    assert n > 50 and len(bad) <= n * 0.02, bad


# SIGABRT for a crash: to a SIGSEGV of ours the sanitized build would answer with a report.
@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGABRT, signal.SIGTERM])
def test_worker_is_replaced(gateway, sig):
    agent, visitor = gateway.agent(), gateway.visitor()
    before = set(gateway.worker_pids())
    for pid in before:
        os.kill(pid, sig)
    until(lambda: len(gateway.worker_pids()) == 2 and not before & set(gateway.worker_pids()),
          10 * SLOWER)
    visitor.say_and_wait("still there")
    agent.wait(lambda: any(m.get("text") == "still there" for t in agent.screen.values()
                           for m in t.values()), 10 * SLOWER)
    assert agent.connects >= 2 and visitor.connects >= 2


def test_master_dies_and_all_with_it(gateway):
    visitor = gateway.visitor()
    visitor.say_and_wait("before")
    pids = [p for p, _ in children(gateway.process.pid)]
    assert len(pids) == 3
    gateway.kill_master()
    until(lambda: not any(alive(p) for p in pids), 5, why="for the children's end")
    gateway.start()
    assert visitor.say_and_wait("after")["seq"] == 2


@pytest.mark.long
def test_leases_that_end_unseen_stop_no_queue(start_gateway):
    """As after a clock that was put forward: what was being written when a worker took its own shard anew is no reason to stop."""
    g = start_gateway(config=CONFIG.replace("workers = {workers}", 'workers = {workers}\nlease = "1s"'))
    threads = {str(n): g.hook({"from": {"address": str(n), "name": "x"}, "id": f"f{n}", "text": "0"}).json()["thread"] for n in range(30)}
    end = time.monotonic() + 4
    k = 0
    while time.monotonic() < end:
        k += 1
        for n in threads:
            g.hook({"from": {"address": n, "name": "x"}, "id": f"{n}-{k}", "text": str(k)}).raise_for_status()
        for key in g.redis.scan_iter("sb:{s*}:lease"):
            g.redis.delete(key)
    until(lambda: not sum(g.redis.xlen(key) for key in g.redis.scan_iter("sb:{s*}:crm:main")), 60, 0.1)
    assert "event=lease.fenced" in g.log()
    held = {}
    for m in g.card_messages():
        held.setdefault(m["thread"], []).append(m["seq"])
    assert all(held[t] == list(range(1, k + 2)) for t in threads.values())


@pytest.mark.long
def test_stopped_worker_does_not_hold_deliveries(gateway):
    """A worker that hangs loses its leases; the other carries on, and the master replaces it."""
    agent = gateway.agent()
    r = gateway.hook({"from": {"address": "7", "name": "x"}, "id": "1", "text": "hi"}).json()
    stopped = gateway.worker_pids()[0]
    os.kill(stopped, signal.SIGSTOP)
    try:
        agent.cut()
        ok, end = None, time.monotonic() + 60
        while not ok and time.monotonic() < end:  # the stopped one's connections hang: try again
            try:
                ok = agent.command("send", thread=r["thread"], text="who is there", id="k", timeout=3)
            except AssertionError:
                agent.cut()
        agent.wait(lambda: agent.screen[r["thread"]].get(ok["message"]["seq"], {}).get("status") in
                   ("sent", "delivered"), 30, "for the delivery by the other worker")
        until(lambda: stopped not in gateway.worker_pids() and len(gateway.worker_pids()) == 2, 20,
              why="for another in its place")
        assert "event=worker.hung" in gateway.log()
    finally:
        if alive(stopped):
            os.kill(stopped, signal.SIGCONT)
    texts = [m["text"] for m in gateway.login().messages(r["thread"]) if m["direction"] == "out"]
    assert texts == ["who is there"]


def test_port_in_use_is_said(gateway, start_gateway):
    from harness import Gateway
    other = Gateway()
    other.port = gateway.port
    other.write_config()
    other.start(wait=False)
    other.process.wait(20)
    assert other.process.returncode not in (0, None)
    assert "in use" in other.log()
    other.destroy()


def test_second_gateway_on_the_same_data_is_refused(gateway):
    from harness import Gateway
    other = Gateway()
    other.data = gateway.data
    other.write_config()
    other.start(wait=False)
    other.process.wait(20)
    assert other.process.returncode not in (0, None)
    assert gateway.is_ready()
    other.destroy()


def test_different_shards_are_refused(start_gateway):
    g = start_gateway()
    g.stop()
    g.sets = ["redis.shards=4"]
    g.start(wait=False)
    g.process.wait(20)
    assert g.process.returncode == 78 and "shards" in g.log()


def test_log_has_no_texts_and_no_secrets(gateway):
    visitor = gateway.visitor()
    visitor.say_and_wait("my secret is 4242-4242")
    gateway.login()
    log = gateway.log()
    assert "4242-4242" not in log and gateway.PASSWORD not in log
    assert CONFIG and visitor.token not in log
