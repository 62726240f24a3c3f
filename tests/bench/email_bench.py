"""email_bench.py - e-mail's lines of `make bench`, against a real Dovecot: a backlog beside mbsync's copy of the
same mailbox, new mail to the screen, two hundred mailboxes at rest, one very large mail."""

import asyncio
import json
import multiprocessing
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import websockets

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from mail_servers import MailServers  # noqa: E402

WORDS = ["order", "delivery", "invoice", "question", "thank", "заказ", "доставка", "счёт", "вопрос", "спасибо"]


def section(mail, user, extra=""):
    return (f'email "{user}" {{ address = "{mail.address(user)}" imap_url = "{mail.imaps_url}" '
            f'smtp_url = "smtps://127.0.0.1:1" password = "{mail.PASSWORD}" ca_file = "{mail.ca_file}" '
            f'allow_private = yes {extra} }}\n')


def mail_of(i, size, sender):
    rng = random.Random(i)
    lines, n = [], 0
    while n < size:
        line = " ".join(rng.choice(WORDS) for _ in range(9)).encode()
        lines.append(line)
        n += len(line) + 2
    head = (f"From: {sender}\r\nTo: box@example.test\r\nSubject: mail {i}\r\nMessage-ID: <{i}.bench@example.test>\r\n"
            f"Date: Mon, 02 Mar 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n")
    return head.encode() + b"\r\n".join(lines) + b"\r\n"


def fill(mail, user, n, size):
    """Straight into the maildir, before anybody has opened it."""
    new = mail.folder / "mail" / mail.address(user) / "new"
    for d in ("cur", "tmp", "new"):
        (new.parent / d).mkdir(parents=True, exist_ok=True)
    now = int(time.time())
    for i in range(n):
        (new / f"{now}.M{i:06d}P1.bench").write_bytes(mail_of(i, size, f"client{i % 500}@example.test"))
    subprocess.run(["chown", "-R", "nobody", str(new.parent)], check=True)


def ready(gateway, token, boxes):
    """Are so many mailboxes connected?"""
    rq = urllib.request.Request(gateway.url + "/api/v1/channels", headers={"Authorization": "Bearer " + token})
    channels = json.load(urllib.request.urlopen(rq))["channels"]
    return sum(c["state"] == "ready" for c in channels if c["connector"] == "email") >= boxes


def stored(gateway):
    r = gateway.redis()
    p = r.pipeline(transaction=False)
    for i in range(16):
        for k in r.scan_iter(f"sb:{{s{i}}}:thread:*", 100000):
            p.hget(k, "seq")
    return sum(int(n or 0) for n in p.execute())


def mbsync(mail, user):
    """Seconds for a copy of the mailbox to disk. It stays there for the time being: where many files have just been
    deleted, ext4 is slow to make new ones, whoever makes them."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="mbsync-", dir=mail.folder))
    (folder / "rc").write_text(f"""IMAPAccount a
Host localhost
Port {mail.imaps_port}
User {mail.address(user)}
Pass "{mail.PASSWORD}"
SSLType IMAPS
CertificateFile {mail.ca_file}

IMAPStore far
Account a

MaildirStore near
Path {folder}/
Inbox {folder}/INBOX

Channel c
Far :far:INBOX
Near :near:INBOX
Create Near
Sync Pull
SyncState *
""")
    began = time.time()
    p = subprocess.run(["mbsync", "-q", "-c", str(folder / "rc"), "c"], capture_output=True, text=True)
    took = time.time() - began
    copied = len(list((folder / "INBOX").rglob("*.*")))
    if p.returncode != 0 or copied < 10:
        raise SystemExit(f"bench: mbsync failed: {p.stderr}")
    return took


def bench_backlog(report, bench, n=10000, size=20000):
    with MailServers(["box"], smtp=False) as mail:
        fill(mail, "box", n, size)
        mbsync(mail, "box")  # Dovecot indexes it once
        before = mbsync(mail, "box")
        gateway = bench.Gateway(config='cards "main" {}\n' + section(mail, "box", "since_days = 3650"))
        try:
            bench.wait_for(lambda: stored(gateway) > 0, 30)
            began, at = time.time(), stored(gateway)
            bench.wait_for(lambda: stored(gateway) >= n, 300, 0.5)  # to count costs the same two cores
            rate = (n - at) / (time.time() - began)
            time.sleep(2)
            kept = stored(gateway)
        finally:
            gateway.close()
        after = mbsync(mail, "box")
    base = n / statistics.mean([before, after])
    report("email: 10,000 waiting mails of 20 KB into threads", rate, "mails/s", base, rate / base,
           ">= 0.5 of mbsync to disk", rate / base >= 0.5)
    report("email: of them in threads", kept, "messages", n, kept / n, "all, once", kept == n)


class Screen(threading.Thread):
    """An agent's socket that notes when each text was seen."""

    def __init__(self, gateway):
        super().__init__(daemon=True)
        self.gateway, self.token, self.seen, self.ready = gateway, gateway.token(), {}, threading.Event()

    def run(self):
        try:
            asyncio.run(self.follow())
        except websockets.ConnectionClosed:
            pass  # the gateway has ended

    async def follow(self):
        url = self.gateway.url.replace("http", "ws") + "/ws/agent"
        async with websockets.connect(url, extra_headers={"Authorization": "Bearer " + self.token}) as ws:
            await ws.send(json.dumps({"type": "hello"}))
            self.ready.set()
            async for frame in ws:
                f = json.loads(frame)
                if f.get("type") == "message":
                    self.seen.setdefault(f["message"].get("text", "").strip(), time.time())


def bench_idle(report, bench, n=30):
    with MailServers(["box", "ann"], smtp=False) as mail:
        gateway = bench.Gateway(config='cards "main" {}\n' + section(mail, "box"))
        try:
            screen = Screen(gateway)
            screen.start()
            screen.ready.wait(10)
            bench.wait_for(lambda: ready(gateway, screen.token, 1), 20)  # what came before is none of ours
            time.sleep(1)
            took = []
            for i in range(n):
                began = time.time()
                mail.append("box", f"From: ann@example.test\r\nMessage-ID: <n{i}@x>\r\n\r\nnew {i}\r\n".encode())
                sent = time.time()
                bench.wait_for(lambda: f"new {i}" in screen.seen, 20)
                took.append(max(0.0, screen.seen[f"new {i}"] - began))
                del sent
        finally:
            gateway.close()
    worst = max(took) * 1000
    report("email: new mail to the agent's screen by IDLE, worst of 30", worst, "ms", None, None, "< 1000", worst < 1000)


def bench_mailboxes(report, bench, n=200):
    users = [f"u{i}" for i in range(n)]
    with MailServers(users, smtp=False) as mail:
        sizes = []
        for boxes in (0, n):
            config = 'cards "main" {}\n' + "".join(section(mail, u) for u in users[:boxes])
            gateway = bench.Gateway(config=config, workers=1)
            try:
                token = gateway.token()
                bench.wait_for(lambda: ready(gateway, token, boxes), 60)
                time.sleep(3)
                pids = gateway.workers()
                sizes.append(sum(bench.memory_kb(p, "Rss") for p in pids) / 1024)
                before = cpu(pids)
                time.sleep(5)
                busy = (cpu(pids) - before) / 5 * 100
            finally:
                gateway.close()
    more = sizes[1] - sizes[0]
    report(f"email: memory of {n} mailboxes that idle", more, "MB RSS more", None, None, "< 40", more < 40)
    report(f"email: {n} mailboxes at rest", busy, "% of a core", None, None, "< 5, no polling", busy < 5)


def cpu(pids):
    ticks = 0
    for p in pids:
        with open(f"/proc/{p}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


class Probe(threading.Thread):
    """The longest that another channel had to wait, and the most memory that was used."""

    def __init__(self, gateway, bench):
        super().__init__(daemon=True)
        self.gateway, self.bench, self.going = gateway, bench, True
        self.worst_ms, self.peak_mb = 0.0, 0.0

    def family(self):
        pids = list(self.gateway.workers())
        for p in list(pids):
            pids += subprocess.run(["pgrep", "-P", p], capture_output=True, text=True).stdout.split()
        return pids

    def memory(self):
        total = 0
        for p in self.family():
            try:
                total += self.bench.memory_kb(p, "Rss")
            except OSError:
                pass
        return total / 1024

    def run(self):
        url = self.gateway.url + "/healthz"
        n = 0
        while self.going:
            began = time.time()
            urllib.request.urlopen(url, timeout=10).read()
            self.worst_ms = max(self.worst_ms, (time.time() - began) * 1000)
            if n % 5 == 0:
                self.peak_mb = max(self.peak_mb, self.memory())
            n += 1
            time.sleep(0.005)


def bench_large(report, bench, size=25 << 20):
    with MailServers(["box"], smtp=False) as mail:
        gateway = bench.Gateway(config='cards "main" {}\n' + section(mail, "box"), sets=["media.max_size=40M"])
        try:
            time.sleep(2)
            mail.append("box", b"From: a@example.test\r\nMessage-ID: <warm@x>\r\n\r\nwarm\r\n")
            bench.wait_for(lambda: stored(gateway) >= 1, 20)
            time.sleep(1)
            raw = (b"From: a@example.test\r\nMessage-ID: <big@x>\r\nMIME-Version: 1.0\r\n"
                   b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nbig\r\n"
                   b"--b\r\nContent-Type: application/octet-stream; name=big.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n")
            line = b"QUJDRA" * 12 + b"QUJD\r\n"
            raw += line * (size // len(line)) + b"--b--\r\n"
            probe = Probe(gateway, bench)
            before = probe.memory()
            probe.start()
            # By a process of its own: imaplib looks through all lines first, and this one's clock stands still.
            sender = multiprocessing.get_context("fork").Process(target=mail.append, args=("box", raw))
            sender.start()
            bench.wait_for(lambda: stored(gateway) >= 2, 60)
            probe.going = False
            probe.join(15)
            sender.join()
            more = probe.peak_mb - before
        finally:
            gateway.close()
    report("email: a mail of 25 MB, worker and reader at the peak", more, "MB RSS more", None, None, "< 60", more < 60)
    report("email: another request's longest wait meanwhile", probe.worst_ms, "ms", None, None, "< 50", probe.worst_ms < 50)
