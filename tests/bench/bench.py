"""bench.py - the figures of `make bench`: every one a ratio within one run, or a size.

Prints a table and writes build/bench.json. The machine's speed drifts, so each measurement of the
gateway stands between measurements of its reference, and medians are compared.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import redis

import crm_bench
import email_bench
import inbox_bench
import rules_bench
import telegram_bench
import whatsapp_bench

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BINARY = os.path.join(ROOT, os.environ.get("SWITCHBOARD", "build/switchboard"))
SCRIPTS = os.path.join(ROOT, "gateway/store/scripts")
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CONFIG = 'loopback "bench" {}\ncards "main" {}\nsitechat "site" {}\n'


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(what, seconds=15, every=0.005):
    until = time.time() + seconds
    while time.time() < until:
        if what():
            return
        time.sleep(every)
    raise SystemExit("bench: waited in vain")


class Gateway:
    """One gateway with a data folder of its own; stopped by close()."""

    def __init__(self, *, sets=(), workers=1, redis_url=None, port=None, config=CONFIG):
        self.dir = tempfile.mkdtemp(prefix="sb_bench.")
        self.port = port or free_port()
        path = os.path.join(self.dir, "c.conf")
        with open(path, "w") as f:
            f.write(config)
        self.args = ["--config", path, "--set", f"data_dir={self.dir}/data",
                     "--set", f"listen=127.0.0.1:{self.port}", "--set", f"workers={workers}",
                     "--set", "log_level=warn", "--set", "limits.connections_per_ip=100000",
                     "--set", "limits.websockets_per_ip=100000"]
        if redis_url:
            self.args += ["--set", f"redis.url={redis_url}"]
        for one in sets:
            self.args += ["--set", one]
        self.redis_url = redis_url or f"unix://{self.dir}/data/redis/redis.sock"
        self.log = open(os.path.join(self.dir, "log"), "w+")
        self.start()

    def start(self):
        self.began = time.time()
        self.process = subprocess.Popen([BINARY, "run", *self.args], stdout=self.log,
                                        stderr=self.log)
        wait_for(self.ready, 60)
        self.ready_ms = (time.time() - self.began) * 1000

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def ready(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            raise SystemExit("bench: the gateway ended:\n" + self.log.read())
        try:
            return urllib.request.urlopen(self.url + "/readyz", timeout=1).status == 200
        except OSError:
            return False

    def redis(self):
        return redis.Redis.from_url(self.redis_url)

    def workers(self):
        out = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True,
                             text=True).stdout.split()
        return [p for p in out if "switchboard" in os.readlink(f"/proc/{p}/exe")]

    def token(self):
        out = subprocess.run([BINARY, "token", "add", f"bench{random.randrange(10**9)}", "--role",
                              "admin", "--scopes", "read,write,admin", *self.args],
                             capture_output=True, text=True, check=True).stdout
        return re.search(r"sbt_[\w-]+", out).group(0)

    def queue(self):
        r = self.redis()
        return sum(r.xlen(f"sb:{{s{i}}}:crm:main") for i in range(16))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def close(self):
        self.stop()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)


class Redis:
    """A redis-server like the embedded one, for references."""

    def __init__(self, fsync="always"):
        self.dir = tempfile.mkdtemp(prefix="sb_bench.")
        self.socket = os.path.join(self.dir, "r.sock")
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", self.dir,
             "--save", "", "--appendonly", "no" if fsync == "no" else "yes", "--appendfsync",
             fsync, "--auto-aof-rewrite-min-size", "256mb", "--zset-max-ziplist-entries", "32"],
            stdout=subprocess.DEVNULL)
        wait_for(lambda: os.path.exists(self.socket))
        self.client = redis.Redis(unix_socket_path=self.socket)
        wait_for(lambda: self.client.ping())

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def memory_kb(pid, field):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return int(re.search(rf"^{field}:\s+(\d+)", f.read(), re.M).group(1))


def script(name):
    """As the gateway has it."""
    with open(os.path.join(ROOT, f"build/gen/scripts/{name}.lua")) as f:
        return f.read()


# --- durable ingest --------------------------------------------------------------------------------


def append_args(address, key, text, shard=3):
    """The arguments of append.lua for one message, as the gateway makes them."""
    now = int(time.time() * 1000)
    tag = "".join(random.choice(ALPHABET) for _ in range(9))
    made = ["01JDFX3T5K" + tag + "".join(random.choice(ALPHABET) for _ in range(5)) + "03"
            for _ in range(3)]
    body = json.dumps({"d": "in", "ch": "bench", "co": "loopback", "text": text, "from": {
        "kind": "loopback", "address": address, "name": "Ann"}, "external_id": key},
        separators=(",", ":"))
    return [now, "in", "", "loopback", address, "Ann", "0", *made, "bench", "loopback",
            "c:bench:" + key, now // (8 * 86400000), body, text[:120], "0", "-", "-", "-", "-", "",
            "20000", "500", "7776000000", "", "", "", "0", "0", "", "", "", "", "-", "", "", "", "",
            time.strftime("%Y%m%d %H"), "34560000", "", "", "", "-", "0", "", "main"]


def redis_benchmark(server, seconds):
    """-c 64 of the same script with the same arguments; messages of 2,000 clients that exist."""
    sha = server.client.script_load(script("append"))
    pipe = server.client.pipeline(transaction=False)
    for i in range(2000):
        pipe.evalsha(sha, 1, "sb:{s3}:", *append_args(f"u{i:012d}", f"first{i}", "x"))
    if any(answer[0] != b"ok" for answer in pipe.execute()):  # an error raises
        raise SystemExit("bench: append.lua has other arguments now")
    args = [str(a) for a in append_args("u__rand_int__", "__rand_int__-__rand_int__-__rand_int__",
                                        "x" * 500)]
    rate = getattr(redis_benchmark, "rate", 15000)
    out = subprocess.run(
        ["redis-benchmark", "-s", server.socket, "-c", "64", "-n", str(int(rate * seconds)), "-r",
         "2000", "--precision", "3", "EVALSHA", sha, "1", "sb:{s3}:", *args],
        capture_output=True, text=True).stdout
    redis_benchmark.rate = rate = float(re.search(r"throughput summary: ([\d.]+)", out).group(1))
    latency = re.search(r"avg\s+min\s+p50\s+p95\s+p99\s+max\s+([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+"
                        r"([\d.]+)\s+([\d.]+)", out)
    return rate, float(latency.group(3)), float(latency.group(5))


def wrk(gateway, seconds):
    out = subprocess.run(["wrk", "-t1", "-c64", f"-d{seconds}", "-s", f"{HERE}/post.lua",
                          gateway.url], capture_output=True, text=True).stdout
    n, us, errors, p50, p99 = map(float, re.search(
        r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", out).groups())
    return n / us * 1e6, p50 / 1000, p99 / 1000, int(errors)


def bench_ingest(report):
    ours, reference = [], []
    gateway = Gateway()
    try:
        wrk(gateway, 2)  # the 2,000 clients
        for _ in range(3):
            wait_for(lambda: gateway.queue() == 0, 120)
            server = Redis()
            reference.append(redis_benchmark(server, 4))
            server.close()
            ours.append(wrk(gateway, 4))
        backlog, began = gateway.queue(), time.time()
        wait_for(lambda: gateway.queue() == 0, 300)
        drained = backlog / max(time.time() - began, 0.001)
        server = Redis()
        reference.append(redis_benchmark(server, 4))
        server.close()
    finally:
        gateway.close()
    rate = statistics.median(o[0] for o in ours)
    base = statistics.median(r[0] for r in reference)
    p99 = statistics.median(o[2] for o in ours)
    base_p99 = statistics.median(r[2] for r in reference)
    errors = sum(o[3] for o in ours)
    report("durable ingest, 64 connections", rate, "msg/s", base, rate / base, ">= 0.8 of "
           "redis-benchmark, same script and fsync", rate / base >= 0.8)
    report("durable ingest, answers that are not 2xx", errors, "answers", 0, None, "0", errors == 0)
    report("durable ingest p99", p99, "ms", base_p99, p99 / base_p99,
           "< 4 times redis-benchmark's", p99 / base_p99 < 4)
    report("cards: backlog written after the burst", drained, "msg/s", None, None, "printed", True)


# --- fan-out ------------------------------------------------------------------------------------------

NGINX = """
load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
worker_processes 1; daemon off; pid {dir}/pid; error_log {dir}/error.log crit;
worker_rlimit_nofile 20000;
events {{ worker_connections 19000; }}
http {{ access_log off; client_body_temp_path {dir}; proxy_temp_path {dir}; fastcgi_temp_path {dir};
 uwsgi_temp_path {dir}; scgi_temp_path {dir};
 nchan_shared_memory_size 128m;
 server {{ listen 127.0.0.1:{port} backlog=4096;
  location /sub {{ nchan_subscriber websocket; nchan_channel_id all; nchan_subscriber_first_message newest; }}
  location /pub {{ nchan_publisher; nchan_channel_id all; nchan_store_messages off; }} }} }}
"""


class Nchan:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="sb_bench.")
        self.port = free_port()
        with open(f"{self.dir}/nginx.conf", "w") as f:
            f.write(NGINX.format(dir=self.dir, port=self.port))
        os.chmod(self.dir, 0o777)
        self.process = subprocess.Popen(["nginx", "-c", f"{self.dir}/nginx.conf"],
                                        stderr=subprocess.DEVNULL)
        wait_for(self.answers)

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def workers(self):
        return subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True,
                              text=True).stdout.split()

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


def build_client():
    out = os.path.join(ROOT, "build", "wsload")
    subprocess.run([os.environ.get("CC", "gcc"), "-O2", "-D_GNU_SOURCE", "-o", out,
                    f"{HERE}/wsload.c"], check=True)
    return out


def fan_out(client, port, path, n, token, hello, publish, workers):
    """(median ms to the last socket, kB of memory a socket)"""
    time.sleep(0.5)
    before = sum(memory_kb(p, "Pss") for p in workers())
    load = subprocess.Popen([client, "127.0.0.1", str(port), path, str(n), token, hello],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = load.stdout.readline().split()
    if line[:2] != ["open", str(n)]:
        raise SystemExit(f"bench: only {line} of {n} sockets are open")
    time.sleep(1)
    per_socket = (sum(memory_kb(p, "Pss") for p in workers()) - before) / n
    last = []
    for i in range(15):
        load.stdin.write("go\n")
        load.stdin.flush()
        load.stdout.readline()  # "go"
        publish(i)
        got = load.stdout.readline().split()
        if int(got[1]) != n:
            raise SystemExit(f"bench: event {i} reached {got[1]} of {n} sockets")
        last.append(int(got[4]) / 1000)
        time.sleep(0.15)
    load.stdin.close()
    load.wait()
    return statistics.median(last), per_socket


def post(url, body, headers=()):
    request = urllib.request.Request(url, data=body, headers=dict(headers), method="POST")
    return urllib.request.urlopen(request, timeout=10).read()


def bench_fan_out(report):
    client = build_client()
    text = "x" * 150
    for n in (1000, 10000):
        gateway = Gateway(workers=1)
        run = random.randrange(10**9)
        try:
            token = gateway.token()

            def send(i):
                post(gateway.url + "/hooks/loopback/bench", json.dumps(
                    {"from": {"address": "fan", "name": "Ann"}, "id": f"{run}-{i}",
                     "text": text}).encode())

            send("first")
            ours = fan_out(client, gateway.port, "/ws/agent", n, token, '{"type":"hello"}', send,
                           gateway.workers)
        finally:
            gateway.close()
        nchan = Nchan()
        try:
            # A frame as long as ours.
            frame = ("y" * 1150).encode()
            theirs = fan_out(client, nchan.port, "/sub", n, "-", "-",
                             lambda i: post(f"http://127.0.0.1:{nchan.port}/pub", frame),
                             nchan.workers)
        finally:
            nchan.close()
        report(f"fan-out to {n} sockets, last delivery", ours[0], "ms", theirs[0],
               ours[0] / theirs[0], "no worse than nginx + nchan", ours[0] <= theirs[0] * 1.05)
        report(f"memory a socket, {n} sockets", ours[1], "kB", theirs[1], ours[1] / theirs[1],
               "no worse than nginx + nchan", ours[1] <= theirs[1])


# --- idle and start ---------------------------------------------------------------------------------------


def bench_idle(report):
    times = []
    for _ in range(3):
        gateway = Gateway(workers=2)
        times.append(gateway.ready_ms)
        time.sleep(1)
        rss = max(memory_kb(p, "Rss") for p in gateway.workers()) / 1024
        gateway.close()
    report("idle memory of a worker", rss, "MB RSS", None, None, "< 15", rss < 15)
    start = statistics.median(times)
    report("start to ready, empty store", start, "ms", None, None, "< 200", start < 200)


# --- a million threads ---------------------------------------------------------------------------------------

FILL = """
local P, shard, from, n, now = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local A = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
local function digits(x, k) local s = ''
  for _ = 1, k do local d = x % 32; s = string.sub(A, d + 1, d + 1) .. s; x = (x - d) / 32 end
  return s end
for i = from, from + n - 1 do
  local tag = digits(i, 9)
  local thread = '01JDFX3T5K' .. tag .. 'AAAAA' .. shard
  local client = '01JDFX3T5K' .. tag .. 'BBBBB' .. shard
  local at = now - i * 16 + tonumber(ARGV[5])
  redis.call('HSET', P .. 'thread:' .. thread, 'client', client, 'cname', 'Client ' .. i, 'state', 'open',
    'created', at, 'channel', 'bench', 'connector', 'loopback', 'kind', 'loopback', 'address', 'u' .. i,
    'seq', 1, 'unread', 1, 'assignee', '', 'last_ms', at, 'last_dir', 'in', 'last_text', 'hello', 'last_seq', 1)
  redis.call('HSET', P .. 'tags', tag, thread)
  redis.call('HSET', P .. 'client:' .. client, 'name', 'Client ' .. i, 'thread', thread, 'created', at)
  redis.call('ZADD', P .. 'view:all', at, thread)
  redis.call('ZADD', P .. 'view:open', at, thread)
  redis.call('ZADD', P .. 'view:unassigned', at, thread)
end
return n
"""


def fill(server, threads):
    """threads open threads in 16 shards, in the store's own layout."""
    each, now = threads // 16, int(time.time() * 1000)
    run = server.client.register_script(FILL)
    for shard in range(16):
        name = ALPHABET[shard >> 5] + ALPHABET[shard & 31]
        for start in range(0, each, 5000):
            run(keys=[f"sb:{{s{shard}}}:"], args=[name, start, min(5000, each - start), now, shard])


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p))]


def bench_million(report, threads):
    server = Redis(fsync="no")
    try:
        fill(server, threads)
        times = []
        for _ in range(3):
            gateway = Gateway(workers=1, redis_url=f"unix://{server.socket}")
            times.append(gateway.ready_ms)
            if len(times) < 3:
                gateway.close()
        report(f"start to ready, {threads} threads in Redis", statistics.median(times), "ms", None,
               None, "< 500", statistics.median(times) < 500)
        try:
            lists = list_times(gateway, 400)
        finally:
            gateway.close()
        report(f"50 of {threads} threads, p99", percentile(lists, 0.99), "ms", None, None, "< 10",
               percentile(lists, 0.99) < 10)
        slow = server.client.slowlog_get(20)
        worst = max((s["duration"] for s in slow if b"EVAL" not in s["command"][:8]), default=0)
        report("slowest Redis command of a list", worst / 1000, "ms", None, None,
               "printed (none grows with the number of threads)", True)
    finally:
        server.close()


def list_times(gateway, n):
    """Times of GET /threads?limit=50, the first page and pages deep down, on one connection."""
    import http.client
    token, out, cursor = gateway.token(), [], ""
    c = http.client.HTTPConnection("127.0.0.1", gateway.port)
    for i in range(n + 20):
        began = time.perf_counter()
        c.request("GET", f"/api/v1/threads?limit=50&cursor={cursor}",
                  headers={"Authorization": f"Bearer {token}"})
        answer = json.loads(c.getresponse().read())
        spent = (time.perf_counter() - began) * 1000
        if len(answer.get("threads", [])) != 50:
            raise SystemExit(f"bench: a page of {answer}")
        cursor = answer["next"] if i % 2 else ""
        if i >= 20:
            out.append(spent)
    return out


# --- memory of a message -----------------------------------------------------------------------------------------


def bench_message_memory(report, messages=20000, clients=1000):
    gateway = Gateway()
    r = gateway.redis()

    def send(start, count):
        import http.client
        c = http.client.HTTPConnection("127.0.0.1", gateway.port)
        for i in range(start, start + count):
            c.request("POST", "/hooks/loopback/bench", json.dumps(
                {"from": {"address": f"m{i % clients}", "name": "Ann"}, "id": f"id-{i:012d}",
                 "text": "y" * 200}))
            if c.getresponse().read() and False:
                pass

    def used():
        wait_for(lambda: gateway.queue() == 0, 120)
        return r.info("memory")["used_memory"]

    try:
        send(0, clients)  # the clients and their threads
        before, parts = used(), key_sizes(r)
        jobs = [threading.Thread(target=send, args=(clients + k * messages // 4, messages // 4))
                for k in range(4)]
        for j in jobs:
            j.start()
        for j in jobs:
            j.join()
        each = (used() - before) / messages
        after = key_sizes(r)
    finally:
        gateway.close()
    made = ", ".join(f"{k} {(after[k] - parts.get(k, 0)) / messages:.0f}"
                     for k in sorted(after, key=after.get, reverse=True)
                     if after[k] - parts.get(k, 0) > messages)
    report("Redis memory a message of 200 bytes", each, f"bytes ({made})", None, None, "< 900",
           each < 900)


def key_sizes(r):
    sizes, batch = {}, []

    def measure():
        pipe = r.pipeline(transaction=False)
        for key in batch:
            pipe.memory_usage(key, samples=0)
        for key, size in zip(batch, pipe.execute()):
            kind = key.decode().split("}:", 1)[-1].split(":")[0]
            sizes[kind] = sizes.get(kind, 0) + (size or 0)
        batch.clear()

    for key in r.scan_iter(count=1000):
        batch.append(key)
        if len(batch) == 1000:
            measure()
    measure()
    return sizes


# --- all ------------------------------------------------------------------------------------------------------------


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--only", default="")
    p.add_argument("--threads", type=int, default=1000000)
    o = p.parse_args()
    rows, bench = [], sys.modules[__name__]

    def report(name, value, unit, reference, ratio, goal, met):
        rows.append({"name": name, "value": round(value, 3), "unit": unit,
                     "reference": None if reference is None else round(reference, 3),
                     "ratio": None if ratio is None else round(ratio, 3), "goal": goal,
                     "met": bool(met)})
        print(f"  {name:44} {value:12.2f} {unit:10.60} "
              f"{'' if reference is None else f'ref {reference:.2f} ':16}"
              f"{'' if ratio is None else f'ratio {ratio:.2f} ':12} {goal}  "
              f"{'met' if met else 'NOT MET'}", flush=True)

    parts = {"ingest": lambda: bench_ingest(report), "fanout": lambda: bench_fan_out(report),
             "idle": lambda: bench_idle(report), "memory": lambda: bench_message_memory(report),
             "million": lambda: bench_million(report, o.threads),
             "rules": lambda: rules_bench.bench_cost(report, bench),
             "telegram_webhook": lambda: telegram_bench.bench_webhook(report, bench),
             "telegram_backlog": lambda: telegram_bench.bench_backlog(report, bench),
             "telegram_bots": lambda: telegram_bench.bench_bots(report, bench),
             "whatsapp_webhook": lambda: whatsapp_bench.bench_webhook(report, bench),
             "whatsapp_statuses": lambda: whatsapp_bench.bench_statuses(report, bench),
             "email_backlog": lambda: email_bench.bench_backlog(report, bench),
             "email_idle": lambda: email_bench.bench_idle(report, bench),
             "email_mailboxes": lambda: email_bench.bench_mailboxes(report, bench),
             "email_large": lambda: email_bench.bench_large(report, bench),
             "inbox_pages": lambda: inbox_bench.bench_pages(report, bench),
             "inbox_agents": lambda: inbox_bench.bench_agents(report, bench),
             "crm_rate": lambda: crm_bench.bench_rate(report, bench),
             "crm_down": lambda: crm_bench.bench_down(report, bench),
             "crm_busy": lambda: crm_bench.bench_busy(report, bench),
             "crm_felt": lambda: crm_bench.bench_felt(report, bench)}
    for name, run in parts.items():
        if o.only in name:
            run()
    with open(os.path.join(ROOT, "build/bench.json"), "w") as f:
        json.dump(rows, f, indent=1, ensure_ascii=False)
        f.write("\n")
    failed = [r["name"] for r in rows if not r["met"]]
    print(f"bench: {len(rows)} lines, {len(failed)} not met", *failed, sep="\n  ")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
