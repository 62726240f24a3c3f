"""A redis-server of the test's own."""
import pathlib
import shutil
import signal
import subprocess
import tempfile

import redis
from harness import until


class OwnRedis:
    """A redis-server that the tests may torment."""

    def __init__(self, *options):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sb-redis-"))
        self.path, self.options, self.process = self.folder / "r.sock", options, None
        self.start()

    def start(self, *more):
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", str(self.path), "--dir",
             str(self.folder), "--appendonly", "yes", "--appendfsync", "always", "--save", "",
             "--maxmemory-policy", "noeviction", *self.options, *more],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: self.client.ping(), 60)

    @property
    def url(self):
        return f"unix://{self.path}"

    @property
    def client(self):
        return redis.Redis(unix_socket_path=str(self.path))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def destroy(self):
        self.process.send_signal(signal.SIGCONT)
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
