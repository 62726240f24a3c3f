"""SIGHUP: a good configuration takes over without a refused connection; a bad one changes nothing."""
import os
import signal
import socket
import threading
import time

import pytest
import requests

from harness import Gateway, free_port, SLOWER, until


def cpu_ticks(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def hup(g):
    g.process.send_signal(signal.SIGHUP)


class Knocker:
    """Brings messages over and over, each on a connection of its own, or all on one for as long as it is kept."""

    def __init__(self, g, kept=False):
        self.url, self.answers, self.ended = g.url + "/hooks/loopback/test", [], threading.Event()
        self.http = requests.Session()
        self.http.trust_env = False
        if not kept:
            self.http.headers["Connection"] = "close"
        self.told = 0  # not to ask again on this connection
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.ended.is_set():
            try:
                body = {"from": {"address": "knocker"}, "text": "x", "id": str(len(self.answers))}
                r = self.http.post(self.url, json=body, timeout=10 * SLOWER)
                self.told += r.headers.get("Connection") == "close"
                self.answers.append(r.status_code)
            except requests.RequestException as e:
                self.answers.append(repr(e))

    def end(self):
        self.ended.set()
        self.thread.join()
        return self.answers


def test_good_reload_serves_all_the_time(gateway):
    g = gateway
    visitor = g.visitor()
    visitor.say_and_wait("before")
    knocker = Knocker(g)
    for n in range(4):
        before = set(g.worker_pids())
        g.workers = 1 + n % 3
        g.write_config()
        hup(g)
        until(lambda: len(g.worker_pids()) == g.workers and not before & set(g.worker_pids()), 15,
              why="for the new generation alone")
    answers = knocker.end()
    assert len(answers) > 20 and set(answers) == {200}, [a for a in answers if a != 200][:5]
    visitor.say_and_wait("after")
    assert g.log().count("event=config.reloaded") == 4


def reloads(g):
    return g.log().count("event=config.reloaded")


def test_kept_connections_outlive_their_workers(gateway):
    """A worker that leaves says so with an answer: no request crosses the close of its connection."""
    g = gateway
    knockers = [Knocker(g, kept=True) for _ in range(4)]
    for n in range(8):
        hup(g)
        until(lambda: reloads(g) > n, 15, why="for the next reload")
    until(lambda: sum(k.told for k in knockers) > 4, 15)
    answers = [a for k in knockers for a in k.end()]
    assert len(answers) > 100 and set(answers) == {200}, [a for a in answers if a != 200][:5]
    assert "clean=false" not in g.log()


def test_a_download_outlives_its_worker(gateway):
    """Who is still being answered when a worker leaves gets the last byte, too."""
    g = gateway
    api, whole = g.login(), os.urandom(16 << 20)
    media = api.post("/media?name=large.bin", None, data=whole)["media"]["id"]
    before = set(g.worker_pids())
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        s.settimeout(10 * SLOWER)
        s.connect(("127.0.0.1", g.port))
        s.sendall(f"GET /api/v1/media/{media} HTTP/1.1\r\nHost: x\r\nCookie: {api.cookie}\r\n"
                  "Connection: close\r\n\r\n".encode())
        got = [s.recv(65536)]
        assert got[0].startswith(b"HTTP/1.1 200")
        hup(g)
        until(lambda: len(before & set(g.worker_pids())) < 2, 15, why="for the end of who has nothing to do")
        while got[-1]:
            got.append(s.recv(1 << 20))
    assert b"".join(got).split(b"\r\n\r\n", 1)[1] == whole


def test_figures_survive_reloads_and_crashes(gateway):
    """What was counted stays counted, in whichever process; what a process had open ends with it."""
    g = gateway
    visitors = [g.visitor() for _ in range(6)]
    sent = 0
    for change in (hup, hup, lambda g: g.kill_worker()):
        before = set(g.worker_pids())
        for v in visitors:
            v.say_and_wait("count me")
        sent += len(visitors)
        until(lambda: g.figure('sb_stored_total{direction="in"}') == sent, 5)
        change(g)
        until(lambda: len(g.worker_pids()) == g.workers and before - set(g.worker_pids())
              and (change is not hup or not before & set(g.worker_pids())), 20)
        assert g.figure('sb_stored_total{direction="in"}') >= sent
        for v in visitors:
            assert v.ready.wait(15)
        until(lambda: g.figure('sb_websocket_sessions{kind="visitor"}') == len(visitors), 15,
              why="for the sessions of the living only")
    assert g.figure("sb_store_seconds_count") >= sent


def test_reload_of_values(gateway):
    g = gateway
    g.write_config("log_format = json\n")
    hup(g)
    until(lambda: '"event":"config.reloaded"' in g.log(), 10)


def test_bad_file_changes_nothing(gateway):
    g = gateway
    pids = set(g.worker_pids())
    for extra, says in (("wrokers = 1\n", 'did you mean'), ("redis { shards = 99999 }\n", "between"),
                        ("redis { shards = 4 }\n", "restart instead"), ("redis {\n", "not closed"),
                        ('data_dir = "/tmp/elsewhere"\n', "restart instead")):
        g.write_config(extra)
        before = g.log().count("event=config.refused")
        hup(g)
        until(lambda: g.log().count("event=config.refused") == before + 1, 10)
        assert says in g.log().rsplit("event=config.refused", 1)[1]
    os.unlink(g.config_path)
    hup(g)
    until(lambda: "No such file" in g.log(), 10)
    until(lambda: set(g.worker_pids()) == pids, 10)  # who looked at the file is gone, too
    assert g.is_ready()


def test_reload_that_cannot_start_is_rolled_back(gateway):
    g = gateway
    g.wait_ready()
    pids, media = set(g.worker_pids()), g.data / "media"
    media.rename(g.data / "aside")
    media.write_text("where a folder is due")
    hup(g)
    until(lambda: "event=config.rolled_back" in g.log(), 10)
    until(lambda: set(g.worker_pids()) == pids, 10)  # the others are gone
    assert g.is_ready()
    media.unlink()
    (g.data / "aside").rename(media)
    hup(g)
    until(lambda: "event=config.reloaded" in g.log(), 10)
    until(lambda: not pids & set(g.worker_pids()), 15)
    pid = g.kill_worker()
    until(lambda: len(g.worker_pids()) == 2 and pid not in g.worker_pids(), 10)


def test_reload_that_cannot_start_while_others_still_do(start_gateway):
    """One worker serves already: nobody who was still starting, by either configuration, ends the gateway."""
    g = start_gateway(workers=8)
    media = g.data / "media"
    media.rename(g.data / "aside")
    media.write_text("where a folder is due")
    hup(g)
    until(lambda: "event=config.rolled_back" in g.log() or not g.is_ready(), 10)
    media.unlink()
    (g.data / "aside").rename(media)
    g.wait_ready(20 * SLOWER)
    until(lambda: len(g.worker_pids()) == 8, 20 * SLOWER)
    assert "event=gateway.stopping" not in g.log()


def test_another_port_is_opened_before_the_old_one_is_left(gateway):
    g = gateway
    pids, port = set(g.worker_pids()), g.port
    with socket.create_server(("127.0.0.1", 0)) as taken:
        g.port = taken.getsockname()[1]
        g.write_config()
        hup(g)
        until(lambda: "event=config.refused" in g.log(), 10)
        assert f"cannot listen on 127.0.0.1:{g.port}" in g.log() and "port in use" in g.log()
    g.port = port
    assert set(g.worker_pids()) == pids and g.is_ready()
    g.port = free_port()
    g.write_config()
    hup(g)
    g.url = f"http://127.0.0.1:{g.port}"
    until(lambda: len(g.worker_pids()) == 2 and not pids & set(g.worker_pids()), 15)
    assert g.is_ready()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)


def test_who_waits_to_be_let_in_outlives_the_workers(gateway):
    """F02: the queue of the listening socket belongs to no worker."""
    g = gateway
    pids = g.worker_pids()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    waiting = [socket.create_connection(("127.0.0.1", g.port), 5) for _ in range(20)]
    for s in waiting:
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for s in waiting:
        s.settimeout(20)
        with s, s.makefile("rb") as answer:
            assert answer.readline().startswith(b"HTTP/1.1 200")


def test_an_idle_gateway_sleeps(gateway):
    """Workers that share a listening socket are woken by who comes, and by nothing else."""
    g = gateway
    requests.get(g.url + "/healthz", timeout=5)
    time.sleep(0.5)
    before = [cpu_ticks(pid) for pid in g.worker_pids()]
    time.sleep(2)
    used = [now - was for was, now in zip(before, (cpu_ticks(pid) for pid in g.worker_pids()))]
    assert max(used) < 20 * SLOWER, used  # of 200: one that spins uses them up


def test_many_reloads_at_once(gateway):
    g = gateway
    for _ in range(8):
        hup(g)
    until(lambda: "event=config.reloaded" in g.log(), 10)
    until(lambda: len(g.worker_pids()) == 2, 20)
    assert g.is_ready() and g.stop() < 10


def test_a_reload_waits_for_the_one_before(gateway):
    """Several in a row cut off nobody: neither who is served by a new worker, nor who still is by an old one."""
    g = gateway
    visitors = [g.visitor() for _ in range(4)]
    knockers = [Knocker(g) for _ in range(3)]
    began = time.monotonic()
    while time.monotonic() - began < 3:
        hup(g)
        time.sleep(0.1)
    until(lambda: g.log().count("event=config.reloaded") >= 2, 15)
    answers = [a for k in knockers for a in k.end()]
    assert len(answers) > 20 and set(answers) == {200}, [a for a in answers if a != 200][:5]
    until(lambda: len(g.worker_pids()) == 2, 20)
    for v in visitors:
        v.say_and_wait("still here")
        assert ("closed", 1006) not in v.closes and not [c for c in v.closes if c[0] == "io"], v


def test_not_started(tmp_path):
    """What cannot start says so and ends, with an exit code that tells why."""
    g = Gateway(admin=False)
    try:
        with socket.create_server(("127.0.0.1", g.port)):
            g.start(wait=False)
            assert g.process.wait(10) == 1 and "has this port in use" in g.log()
        g.env["PATH"] = "/nonexistent"
        g.start(wait=False)
        assert g.process.wait(10) == 1 and "neither redis-server nor valkey-server" in g.log()
    finally:
        g.destroy()
