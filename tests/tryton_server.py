"""A real Tryton, from Debian's packages, in a folder and on a port of its own."""
import base64
import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sqlite3
import tempfile
import urllib.request

from harness import ROOT, SLOWER, free_port, scratch, until

PASSWORD = "a party of one"
MODULES = ("party",)


def _run(folder, *args):
    env = dict(os.environ, TRYTONPASSFILE=str(folder / "password"))
    subprocess.run(["/usr/bin/trytond-admin", "-c", str(folder / "trytond.conf"), "-d", "crm", *args], env=env,
                   check=True, capture_output=True, timeout=300)


def _configure(folder, port):
    (folder / "trytond.conf").write_text(
        f"[database]\nuri = sqlite://\npath = {folder}\n[web]\nlisten = 127.0.0.1:{port}\n[session]\ntimeout = 3600\n")
    (folder / "password").write_text(PASSWORD)


def _new_database():
    """An empty database takes some seconds to make: once for all tests, then copied."""
    kept = ROOT / "build" / "tryton"
    kept.mkdir(parents=True, exist_ok=True)
    with open(kept / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (kept / "done").exists():
            _configure(kept, 1)
            (kept / "crm.sqlite").write_bytes(b"")
            _run(kept, "-u", *MODULES, "--activate-dependencies", "--email", "admin@example.org", "--password")
            (kept / "done").write_text("")
    return kept / "crm.sqlite"


class Tryton:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tryton-", dir=scratch()))
        self.port = free_port()
        _configure(self.folder, self.port)
        shutil.copy(_new_database(), self.folder / "crm.sqlite")
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.process = None
        self.start()

    def start(self):
        log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(["/usr/bin/trytond", "-c", str(self.folder / "trytond.conf"), "-d", "crm"],
                                        stdout=log, stderr=log, start_new_session=True)
        log.close()
        until(self._log_in, 60 * SLOWER, 0.1, "for Tryton")

    def _log_in(self):
        uid, key = self._ask("common.db.login", "admin", {"password": PASSWORD}, "en", headers={})
        session = base64.b64encode(f"admin:{uid}:{key}".encode()).decode()
        self.headers = {"Authorization": "Session " + session}
        return True

    def _ask(self, method, *params, headers=None):
        body = json.dumps({"id": 1, "method": method, "params": list(params)}).encode()
        headers = {"Content-Type": "application/json", **(self.headers if headers is None else headers)}
        request = urllib.request.Request(self.url + "/crm/", body, headers)
        with self.http.open(request, timeout=60) as r:
            answer = json.load(r)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def call(self, model, method, *params):
        return self._ask(f"model.{model}.{method}", *params, {"language": "en", "active_test": False})

    def kill(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def end_sessions(self):
        """As after a password's change: who was in is out."""
        with sqlite3.connect(self.folder / "crm.sqlite", timeout=30) as db:
            db.execute("DELETE FROM ir_session")
        self._log_in()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
