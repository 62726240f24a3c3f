"""whatsapp_bench.py - WhatsApp's lines of `make bench`, against the fake: signed webhooks beside bare ingest, a
hundred messages in one body beside single ones, and a thousand statuses a second while as many as half are sent."""

import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from fakes.whatsapp import FakeWhatsApp  # noqa: E402

TOKEN = "EAA" + "x" * 40
BATCH = 100
SENDERS = 4
RATE = 20000  # messages a second that are made beforehand


class World:
    """The fake with one number, and a gateway for it."""

    def __init__(self, bench, **number):
        self.fake = FakeWhatsApp()
        self.app, self.number = self.fake.app(), self.fake.number(**number)
        self.fake.token(TOKEN)
        section = (f'whatsapp "sales" {{ token = "{TOKEN}" phone_number_id = "1055" waba_id = "77" '
                   f'app_secret = "{self.app.secret}" verify_token = "a-word-of-ours" api_url = "{self.fake.url}" }}\n')
        port = bench.free_port()
        self.gateway = bench.Gateway(config='loopback "bench" {}\ncards "main" {}\n' + section, port=port,
                                     sets=[f"public_url=http://127.0.0.1:{port}"])
        waba = self.number.waba
        bench.wait_for(lambda: waba.subscribed.get(self.app.id, {}).get("override_callback_uri"), 20)
        self.path = urllib.parse.urlsplit(waba.subscribed[self.app.id]["override_callback_uri"]).path

    def post(self, seconds, batch, connections):
        """(messages a second, errors)."""
        out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "-s", f"{HERE}/whatsapp_post.lua",
                              self.gateway.url, "--", self.path, self.app.secret, str(batch),
                              str(seconds * RATE // batch)],
                             capture_output=True, text=True).stdout
        n, us, errors = map(float, re.search(r"RESULT (\d+) (\d+) (\d+)", out).groups())
        return n * batch / us * 1e6, int(errors)

    def close(self):
        self.gateway.close()
        self.fake.close()


def bench_webhook(report, bench):
    """Single ones from many senders at once, and from as few as send the batches: with many senders Redis' core is
    full either way, with few it shows whether a body's messages are stored together or one after the other."""
    w = World(bench)
    bare, many, few, batches = [], [], [], []

    def calm():
        bench.wait_for(lambda: w.gateway.queue() == 0, 240)

    try:
        bench.wrk(w.gateway, 2)
        w.post(3, 1, 64)
        for _ in range(8):  # in pairs: one run of four seconds is some 15 % off the next of its kind
            calm()
            bare.append(bench.wrk(w.gateway, 4)[0])
            calm()
            many.append(w.post(4, 1, 64))
        for _ in range(3):
            calm()
            few.append(w.post(3, 1, SENDERS))
            calm()
            batches.append(w.post(4, BATCH, SENDERS))
    finally:
        w.close()
    base = statistics.median(bare)
    single, alone, batch = (statistics.median(o[0] for o in runs) for runs in (many, few, batches))
    pairs = statistics.median(o[0] / b for o, b in zip(many, bare))
    good = not sum(o[1] for o in many + few + batches)
    report("whatsapp: signed webhook of a text to durable 200", single, "msg/s", base, pairs,
           ">= 0.8 of bare ingest", pairs >= 0.8 and good)
    report(f"whatsapp: {BATCH} messages in one body, {SENDERS} senders", batch, "msg/s", alone, batch / alone,
           f"> 1.5 of single ones by {SENDERS}", batch / alone > 1.5 and good)
    report("whatsapp: the same beside 64 senders of single ones", batch, "msg/s", single, batch / single,
           "> 1: no slower", batch > single and good)


class Agents(threading.Thread):
    """Sends `rate` answers a second over all threads, through one of some connections."""

    def __init__(self, gateway, token, threads, rate, until):
        super().__init__(daemon=True)
        self.address, self.token, self.threads = ("127.0.0.1", gateway.port), token, threads
        self.rate, self.until, self.sent = rate, until, 0

    def run(self):
        c = http.client.HTTPConnection(*self.address, timeout=30)
        headers = {"Authorization": "Bearer " + self.token, "Content-Type": "application/json"}
        at, i = time.monotonic(), 0
        while time.monotonic() < self.until:
            thread = self.threads[i % len(self.threads)]
            i += 1
            c.request("POST", f"/api/v1/threads/{thread}/messages", json.dumps({"text": f"answer {i}"}), headers)
            r = c.getresponse()
            r.read()
            self.sent += r.status == 202
            at += 1 / self.rate
            time.sleep(max(0, at - time.monotonic()))


def bench_statuses(report, bench, rate=500, seconds=20, people=1000):
    w = World(bench, throughput="HIGH")
    r = w.gateway.redis()
    try:
        w.fake.do(make_people, w, people)
        bench.wait_for(w.fake.wait_calm, 60)
        threads = [k.decode().rsplit(":", 1)[1] for i in range(16) for k in r.scan_iter(f"sb:{{s{i}}}:thread:*", 1000)]
        assert len(threads) == people, len(threads)
        time.sleep(8)  # the rate of the number is known to all
        token, until, agents = w.gateway.token(), time.monotonic() + seconds, 4
        senders = [Agents(w.gateway, token, threads[i::agents], rate / agents, until) for i in range(agents)]
        queues, waiting = [], []
        for s in senders:
            s.start()
        while time.monotonic() < until:
            time.sleep(0.5)
            queues.append(sum(r.xlen(f"sb:{{s{i}}}:out:sales") for i in range(16)))
            waiting.append(w.fake.do(lambda: sum(len(d.waiting) for d in w.fake._deliverers.values())))
        for s in senders:
            s.join(10)
        taken = len(w.fake.sent)
        began = time.monotonic()
        bench.wait_for(lambda: len(w.fake.sent) == sum(s.sent for s in senders) and w.fake.wait_calm(), 30)
        rest = time.monotonic() - began
    finally:
        w.close()
    half = len(queues) // 2
    grows = statistics.median(queues[half:]) - statistics.median(queues[:half])
    report("whatsapp: sent, with two statuses each coming back", taken / seconds, "msg/s", rate, taken / seconds / rate,
           ">= 0.98 of what agents write", taken / seconds >= 0.98 * rate)
    report("whatsapp: most that waited meanwhile", max(queues), "messages to send", None, None,
           "no queue grows", grows < rate / 20 and max(queues) < rate and rest < 2)
    report("whatsapp: statuses that waited at Meta", max(waiting), "statuses", None, None,
           "no queue grows", max(waiting[half:], default=0) < 4 * rate)


def make_people(w, n):
    for i in range(n):
        w.fake.user(f"49176{i:07}", f"P{i}").chat(w.number).text("hello")
