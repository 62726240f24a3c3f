"""One reader in the whole installation: two gateways on one Redis, and whatever happens to the one that reads, the other goes
on where it was (rows F01, F04, T05)."""

import os
import signal

import pytest
from email_fakes import FakeMailbox
from harness import CONFIG, SLOWER, alive, until
from own_redis import OwnRedis


QUICK = CONFIG + 'lease = "1s"\n'


@pytest.fixture
def redis():
    r = OwnRedis()
    yield r
    r.destroy()


class Two:
    """The mailbox's world belongs to the first; the second has the same configuration."""

    def __init__(self, start_gateway, redis):
        self.w = w = FakeMailbox(start_gateway, redis_url=redis.url, config=QUICK)
        self.gateways = [w.gateway, start_gateway(config=QUICK + w.sections, redis_url=redis.url, admin=False)]
        self.written = []

    def reader(self):
        """(gateway, pid) of the worker that has the mailbox open."""
        port = f":{self.w.imap.port:04X}"
        inodes = set()
        for line in open("/proc/net/tcp"):
            part = line.split()
            if part[2].endswith(port) and part[3] == "01":
                inodes.add(f"socket:[{part[9]}]")
        for g in self.gateways:
            for pid in g.worker_pids() if g.process.poll() is None else []:
                for fd in os.listdir(f"/proc/{pid}/fd"):
                    try:
                        if os.readlink(f"/proc/{pid}/fd/{fd}") in inodes:
                            return g, pid
                    except OSError:
                        pass
        return None

    def write(self, n):
        for _ in range(n):
            self.written.append(f"mail {len(self.written)}")
            self.w.imap.add(self.w.mail(self.written[-1]))

    def all_there(self, timeout=30):
        until(lambda: len(self.w.texts()) >= len(self.written), timeout * SLOWER, 0.1, f"for {len(self.written)} mails")
        assert self.w.texts() == self.written


@pytest.mark.long
def test_one_reader(start_gateway, redis):
    """The worker that reads is frozen while mails come, and wakes up when another has its place; then the gateway that reads is
    killed with all its workers; then the worker that reads. Each mail is there once, in order; nobody reads beside another."""
    two = Two(start_gateway, redis)
    imap, api = two.w.imap, two.w.api

    def trouble(make):
        gateway, pid = until(two.reader, 10 * SLOWER)
        other = next((g for g in two.gateways if g is not gateway and g.process.poll() is None), gateway)
        api.url = other.url
        make(gateway, pid)
        two.write(20)
        two.all_there()
        return gateway, pid

    two.write(20)
    two.all_there()
    assert until(two.reader, 10 * SLOWER) and imap.readers == imap.readers_max == 1
    frozen = trouble(lambda gateway, pid: os.kill(pid, signal.SIGSTOP))[1]
    if alive(frozen):  # else its master was quicker
        os.kill(frozen, signal.SIGCONT)
    until(lambda: imap.readers == 1 and two.reader()[1] != frozen, 20 * SLOWER, why="for the frozen one to give way")
    imap.readers_max = 1
    first = trouble(lambda gateway, pid: os.killpg(gateway.process.pid, signal.SIGKILL))[0]
    assert until(two.reader, 10 * SLOWER)[0] is not first
    trouble(lambda gateway, pid: os.kill(pid, signal.SIGKILL))
    assert imap.readers == imap.readers_max == 1
    two.w.close()
