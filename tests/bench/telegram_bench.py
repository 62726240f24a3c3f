"""telegram_bench.py - Telegram's lines of `make bench`, against the fake: webhooks beside bare ingest,
a backlog by polling, and a thousand bots at rest."""

import os
import re
import statistics
import subprocess
import sys
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from fakes.telegram import FakeTelegram  # noqa: E402

TOKEN = "{}:" + "A" * 35


def section(name, bot_id, fake, mode):
    return f'telegram "{name}" {{ token = "{TOKEN.format(bot_id)}" api_url = "{fake.url}" mode = "{mode}" }}\n'


def stored(gateway):
    """Messages of all threads."""
    r = gateway.redis()
    return sum(int(r.hget(k, "seq") or 0) for i in range(16) for k in r.scan_iter(f"sb:{{s{i}}}:thread:*", 1000))


def bench_webhook(report, bench):
    fake = FakeTelegram()
    bot = fake.bot(TOKEN.format(1000))
    port = bench.free_port()
    gateway = bench.Gateway(config='loopback "bench" {}\ncards "main" {}\n' + section("sales", 1000, fake, "webhook"),
                            port=port, sets=[f"public_url=http://127.0.0.1:{port}"])
    bare, ours = [], []

    def telegram(seconds):
        hook = bot.bot.webhook
        path = urllib.parse.urlsplit(hook["url"]).path
        out = subprocess.run(["wrk", "-t1", "-c64", f"-d{seconds}", "-s", f"{HERE}/telegram_post.lua", gateway.url, "--",
                              path, hook["secret"]], capture_output=True, text=True).stdout
        n, us, errors, p50, p99 = map(float, re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", out).groups())
        return n / us * 1e6, p50 / 1000, p99 / 1000, int(errors)

    try:
        bench.wait_for(lambda: bot.bot.webhook["url"], 20)
        bench.wrk(gateway, 2)
        telegram(2)
        for _ in range(8):  # in pairs: one run of four seconds is some 15 % off the next of its kind
            bench.wait_for(lambda: gateway.queue() == 0, 120)
            bare.append(bench.wrk(gateway, 4))
            bench.wait_for(lambda: gateway.queue() == 0, 120)
            ours.append(telegram(4))
    finally:
        gateway.close()
        fake.close()
    rate, base = statistics.median(o[0] for o in ours), statistics.median(b[0] for b in bare)
    ratio = statistics.median(o[0] / b[0] for o, b in zip(ours, bare))
    errors = sum(o[3] for o in ours)
    report("telegram: webhook of a text to durable 200", rate, "msg/s", base, ratio,
           ">= 0.85 of bare ingest", ratio >= 0.85 and errors == 0)


def bench_backlog(report, bench, n=100000):
    fake = FakeTelegram()
    bot = fake.bot(TOKEN.format(1000))
    bot.backlog(n)
    began = time.time()
    gateway = bench.Gateway(config='loopback "bench" {}\ncards "main" {}\n' + section("sales", 1000, fake, "polling"))
    try:
        bench.wait_for(lambda: bot.bot.confirmed > 0, 20)
        began = time.time()
        done = bot.bot.confirmed
        bench.wait_for(lambda: bot.pending() <= 100, 120)
        rate = (bot.bot.confirmed - done) / (time.time() - began)
        bench.wait_for(lambda: stored(gateway) >= n, 30)
        kept = stored(gateway)
    finally:
        gateway.close()
        fake.close()
    report("telegram: backlog of 100,000 by polling", rate, "msg/s", None, None, "> 5000", rate > 5000)
    report("telegram: of them in threads", kept, "messages", n, kept / n, "all, once", kept == n)


def cpu_seconds(pids):
    ticks = 0
    for p in pids:
        with open(f"/proc/{p}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def threads_of(pids):
    return sum(len(os.listdir(f"/proc/{p}/task")) for p in pids)


def bench_bots(report, bench, n=1000):
    fake = FakeTelegram()
    sizes, threads = [], []
    for bots in (0, n):
        config = 'loopback "bench" {}\ncards "main" {}\n'
        for i in range(bots):
            fake.bot(TOKEN.format(2000 + i), username=f"bot_{i}_bot")
            config += section(f"bot{i}", 2000 + i, fake, "polling")
        gateway = bench.Gateway(config=config, workers=2)
        try:
            bench.wait_for(lambda: fake.calls.get("getUpdates", 0) >= bots, 60)
            time.sleep(5)
            pids = gateway.workers()
            sizes.append(sum(bench.memory_kb(p, "Rss") for p in pids) / 1024)
            threads.append(threads_of(pids))
            before = cpu_seconds(pids)
            time.sleep(5)
            busy = (cpu_seconds(pids) - before) / 5 * 100
        finally:
            gateway.close()
    fake.close()
    more = sizes[1] - sizes[0]
    report(f"telegram: memory of {n} bots, all workers", more, "MB RSS more", None, None, "< 60", more < 60)
    report(f"telegram: {n} bots that poll, at rest", busy, f"% of a core (threads {threads[0]} -> {threads[1]})", None,
           None, "< 10, no thread more", busy < 10 and threads[1] <= threads[0])
