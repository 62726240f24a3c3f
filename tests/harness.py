"""Starts a real gateway with a data folder, a port and a configuration of its own."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

import redis
import requests

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from clients import Agent, Api, Visitor  # noqa: E402
from pace import BINARY, ROOT, SANITIZED, SLOWER, patience  # noqa: E402, F401
from ports import free_port  # noqa: E402

CONFIG = """
listen = "127.0.0.1:{port}"
data_dir = "{data}"
workers = {workers}
{redis}
agents {{ login_tries = 1000 }}
sitechat "site" {{
  origins = {{"self"}}
  messages_per_minute = 1000000
  messages_burst = 1000000
  messages_per_day = 1000000
  new_visitors_per_hour = 1000000
  sockets_per_address = 100000
}}
loopback "test" {{}}
cards "main" {{}}
"""


def scratch():
    """Where a gateway's data lies: in memory where there is room, for a slow disk makes a test of time of every
    test. What is synced there outlives any process, as on a disk."""
    memory = pathlib.Path("/dev/shm")
    room = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30
    return str(memory) if room else None


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def children(pid):
    """(pid, name) of the direct children."""
    out = []
    for d in pathlib.Path("/proc").iterdir():
        if not d.name.isdigit():
            continue
        try:
            stat = (d / "stat").read_text()
        except OSError:
            continue
        name, rest = stat[stat.index("(") + 1:stat.rindex(")")], stat.rsplit(")", 1)[1].split()
        if int(rest[1]) == pid and rest[0] != "Z":
            out.append((int(d.name), name))
    return out


def until(what, timeout=10, step=0.02, why=""):
    """Waits until what() is true and returns it; errors of what() count as false. How quick something is, only a clock
    tells: whoever waits in vain waits at least for patience()."""
    timeout = patience(timeout)
    end, last = time.monotonic() + timeout, None
    while True:
        try:
            got = what()
            if got:
                return got
        except (AssertionError, LookupError, OSError, requests.RequestException, redis.RedisError,
                StopIteration) as e:
            last = e
        if time.monotonic() > end:
            raise AssertionError(f"waited {timeout} s in vain {why}; last: {last!r}")
        time.sleep(step)


class Gateway:
    PASSWORD = "correct horse battery"
    # Argon2id of it at libsodium's least cost: a real one takes a tenth of a second of a core at each sign-in.
    HASH = "$argon2id$v=19$m=8,t=1,p=1$J/J/4IElYmW5133eq36CsA$96rQStlz5PLj+gP4em3Z0l/eLH17cAI85mjgz5IygDc"

    def __init__(self, config=CONFIG, workers=2, redis_url=None, folder=None, env=None, sets=(),
                 admin=True, durability=None):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="sb-", dir=scratch()))
        self.data, self.port = self.folder / "data", free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.config_text, self.workers, self.redis_url = config, workers, redis_url
        self.durability, self.sets = durability, list(sets)
        self.config_path, self.log_path = self.folder / "switchboard.conf", self.folder / "log"
        self.env = dict(os.environ, **(env or {}))
        self.process, self.clients, self.want_admin = None, [], admin
        self.password = None
        if SANITIZED:
            report = self.folder / "sanitizer"
            order = ":verify_asan_link_order=0" if "LD_PRELOAD" in self.env else ""  # faketime.py
            self.env["ASAN_OPTIONS"] = f"log_path={report}:detect_leaks=0:abort_on_error=0{order}"
            self.env["UBSAN_OPTIONS"] = f"log_path={report}:print_stacktrace=1"
        self.write_config()

    # --- life ---

    def write_config(self, extra=""):
        if self.redis_url:
            line = f'redis {{ url = "{self.redis_url}" }}'
        elif self.durability:
            line = f'redis {{ durability = "{self.durability}" }}'
        else:
            line = ""
        text = self.config_text.format(port=self.port, data=self.data, workers=self.workers,
                                       redis=line)
        self.config_path.write_text(text + extra)

    def command(self, *args):
        full = [str(BINARY), *args, "--config", str(self.config_path)]
        for s in self.sets:
            full += ["--set", s]
        return full

    def cli(self, *args, stdin=None, check=True):
        p = subprocess.run(self.command(*args), input=stdin, text=True, capture_output=True,
                           env=self.env, cwd=self.folder, timeout=60)
        if check:
            assert p.returncode == 0, (args, p.returncode, p.stdout, p.stderr)
        return p

    def traced(self, message, *words):
        """What the command prints of a message, once it has all these words: the ledger knows a little later than who got it."""
        def told():
            out = self.cli("trace", message).stdout
            return out if all(w in out for w in words) else None
        return until(told, 20 * SLOWER, why=f"for {words} of {message}")

    def start(self, wait=True):
        if self.want_admin and not self.password and not self.redis_url and not self.data.exists():
            self.prepare_admin()
        log = open(self.log_path, "ab")
        began = time.monotonic()
        self.process = subprocess.Popen(self.command("run"), stdout=log, stderr=log, env=self.env,
                                        cwd=self.folder, start_new_session=True)
        log.close()
        if wait:
            until(self.is_ready, 30 * SLOWER, 0.005, f"for readiness; log:\n{self.log()[-3000:]}")
            self.ready_after = time.monotonic() - began
        if wait and self.want_admin and not self.password:
            self.seed_admin()
        return self

    def first_password(self):
        until(lambda: "one-time password" in self.log(), 10 * SLOWER, 0.005, why="for the first password")
        return re.search(r"one-time password (\S+)", self.log()).group(1)

    def make_admin(self):
        """As a user does: signs in with the first password and changes it."""
        first = self.first_password()
        api = Api(self.url).login("admin", first)
        until(lambda: api.post("/session/password", {"old": first, "new": self.PASSWORD}) or True, 10 * SLOWER,
              0.2, "for a Redis that takes it")
        self.password = self.PASSWORD

    def seed_admin(self):
        """As if the first password had been changed long ago."""
        self.first_password()
        user = {"hash": self.HASH, "must_change_password": "0"}
        until(lambda: self.redis.hset("sb:user:admin", mapping=user) == 0, 10 * SLOWER, 0.2, "for a Redis that takes it")
        self.password = self.PASSWORD

    def prepare_admin(self):
        """The same before the first start, in the file of an embedded Redis: nobody hashes a first password."""
        folder = self.data / "redis" / "appendonlydir"
        for part in (self.data, folder.parent, folder):
            part.mkdir(mode=0o700)
        user = {"name": "admin", "display_name": "Admin", "role": "admin", "lang": "ru", "disabled": "0",
                "must_change_password": "0", "hash": self.HASH, "created": str(int(time.time() * 1000))}
        commands = (["SELECT", "0"], ["SADD", "sb:users", "admin"], ["HSET", "sb:user:admin", *sum(user.items(), ())])
        (folder / "appendonly.aof.1.incr.aof").write_text("".join(
            f"*{len(c)}\r\n" + "".join(f"${len(w)}\r\n{w}\r\n" for w in c) for c in commands), newline="")
        (folder / "appendonly.aof.manifest").write_text("file appendonly.aof.1.incr.aof seq 1 type i\n")
        self.password = self.PASSWORD

    def is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the gateway ended with {self.process.returncode}:\n{self.log()[-3000:]}")
        s = requests.Session()
        s.trust_env = False
        return s.get(self.url + "/readyz", timeout=2).status_code == 200

    def wait_ready(self, timeout=20):
        """All workers: which one takes a connection is chance, and another may not have Redis back yet."""
        until(lambda: self.is_ready() and self.figure("sb_redis_up") == len(self.worker_pids()), timeout, 0.005,
              f"for readiness; log:\n{self.log()[-3000:]}")

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def stop(self, timeout=12):
        """SIGTERM; returns the seconds it took."""
        if not self.process or self.process.poll() is not None:
            return 0
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout * SLOWER)
        return time.monotonic() - began

    def restart(self):
        self.stop()
        return self.start()

    def destroy(self, keep=False):
        for c in self.clients:
            c.stop()
        self.clients = []
        if self.process and self.process.poll() is None:
            try:
                for pid, _ in children(self.process.pid):
                    os.kill(pid, signal.SIGCONT)
                self.stop()
            except (subprocess.TimeoutExpired, ProcessLookupError):
                pass
        if self.process:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
            self.process.wait()
        reports = "".join(p.read_text(errors="replace") for p in self.folder.glob("sanitizer.*"))
        if not keep and not reports:
            shutil.rmtree(self.folder, ignore_errors=True)
        assert not reports, f"sanitizer reports (kept in {self.folder}):\n{reports[:6000]}"

    # --- its processes ---

    def worker_pids(self):
        return [p for p, name in children(self.process.pid) if "redis" not in name
                and "valkey" not in name]

    def redis_pid(self):
        return next(p for p, name in children(self.process.pid)
                    if "redis" in name or "valkey" in name)

    def kill_worker(self, sig=signal.SIGKILL, index=0):
        """A worker may end by itself before it is hit: then the next one in its place is."""
        def hit():
            pid = self.worker_pids()[index]
            os.kill(pid, sig)
            return pid
        return until(hit, step=0.005, why="for the worker: it may not be back yet")

    def kill_redis(self, sig=signal.SIGKILL):
        pid = until(self.redis_pid, step=0.005, why="for Redis: it may not be back yet")
        os.kill(pid, sig)
        return pid

    @contextlib.contextmanager
    def redis_away(self):
        """Killed, and not back before the end, whatever the machine's pace: nobody starts it anew."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            self.kill_redis()
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def reload(self):
        """SIGHUP, until the new workers are alone: as long as an old one is there, it may be the one who answers."""
        before = set(self.worker_pids())
        self.process.send_signal(signal.SIGHUP)
        until(lambda: (lambda now: now and not before & now)(set(self.worker_pids())), why="for the new workers alone")

    def kill_master(self):
        """kill -9; its children must go with it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    # --- talking to it ---

    def card_messages(self):
        """What the embedded CRM has on disk, in the order it came."""
        db = sqlite3.connect(f"file:{self.data / 'cards.db'}?mode=ro", uri=True, timeout=20)
        try:
            return [json.loads(r[0]) for r in db.execute("select json from messages order by n")]
        finally:
            db.close()

    @property
    def redis(self):
        if self.redis_url:
            return redis.Redis.from_url(self.redis_url.replace("unix://", "unix://"))
        return redis.Redis(unix_socket_path=str(self.data / "redis" / "redis.sock"))

    @property
    def admin(self):
        return "admin", self.password

    def login(self, name="admin", password=None):
        """On whichever worker: after a disturbance one may say 503 for a moment."""
        return until(lambda: Api(self.url).login(name, password or self.password))

    def add_user(self, name, role="agent"):
        """As `switchboard user add` does (test_cli.py), but for the price of a real hash."""
        user = {"name": name, "display_name": name, "role": role, "lang": "ru", "disabled": "0",
                "must_change_password": "0", "hash": self.HASH, "created": str(int(time.time() * 1000))}
        assert self.redis.sadd("sb:users", name), f"there is a {name} already"
        self.redis.hset("sb:user:" + name, mapping=user)
        return name

    def agent(self, name="admin", start=True):
        a = Agent(self, self.login(name))
        return self._begin(a, start)

    def visitor(self, start=True, **kw):
        return self._begin(Visitor(self, **kw), start)

    def _begin(self, client, start):
        self.clients.append(client)
        if start:
            client.start()
            assert client.ready.wait(10 * SLOWER), client
        return client

    def hook(self, body, channel="test", timeout=None, **kw):
        s = requests.Session()
        s.trust_env = False
        return s.post(f"{self.url}/hooks/loopback/{channel}", json=body, timeout=timeout or patience(), **kw)

    def metrics(self):
        s = requests.Session()
        s.trust_env = False
        return s.get(self.url + "/metrics", timeout=patience()).text

    def figure(self, name):
        """The sum of the series that begin with this."""
        return sum(float(line.rsplit(" ", 1)[1]) for line in self.metrics().splitlines() if line.startswith(name))
