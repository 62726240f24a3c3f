"""inbox_bench.py - what agents wait for: lists, counters, search, threads and reports over a large
store, and how long an event takes to a thousand screens while two hundred messages a second come in.

The large store is made as the gateway would make it: by the scripts' own place(), records as
append.lua writes them, and the archive's tables with the stems that it would find there.
"""

import http.client
import json
import os
import random
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import time

THREADS = int(os.environ.get("INBOX_THREADS", "1000000"))
EACH = 10  # messages of a thread
AGENTS, CHANNELS, LABELS = 100, 5, ["vip", "refund", "delivery", "complaint"]
DAYS = 30
TAG = "01JDFX3T5K"

# Threads `from` .. with their ten messages; then the counters of reports.
FILL = """
local shard, from, n, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local each, words = tonumber(ARGV[6]), {}
for w in string.gmatch(ARGV[7], '%S+') do words[#words + 1] = w end
local A = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
local function digits(x, k) local s = ''
  for _ = 1, k do local d = x % 32; s = string.sub(A, d + 1, d + 1) .. s; x = (x - d) / 32 end
  return s end
for i = from, from + n - 1 do
  local tag = digits(i, 9)
  local thread, client = '01JDFX3T5K' .. tag .. 'AAAAA' .. shard, '01JDFX3T5K' .. tag .. 'BBBBB' .. shard
  local at = math.floor(now - i * 2592 / 62.5) + tonumber(ARGV[5])
  local k = math.floor(i / 10) % 10
  local state = k < 6 and 'open' or k == 6 and 'snoozed' or 'closed'
  local agent = i % 2 == 0 and 'a' .. (math.floor(i / 7) % 100) or ''
  local channel = 'c' .. (i % 5)
  local labels = math.floor(i / 3) % 20 == 0 and '["vip"]' or math.floor(i / 3) % 50 == 1 and '["refund","delivery"]' or '[]'
  local text = words[i % #words + 1] .. ' ' .. words[i * 7 % #words + 1]
  call('HSET', P .. 'thread:' .. thread, 'client', client, 'cname', 'Client ' .. i, 'state', state,
    'created', at - 1e6, 'channel', channel, 'connector', 'loopback', 'kind', 'loopback', 'address', 'u' .. i,
    'seq', each, 'unread', 1, 'assignee', agent, 'last_ms', at, 'last_dir', 'in', 'last_text', text, 'last_seq', each,
    'labels', labels)
  call('HSET', P .. 'tags', tag, thread)
  call('HSET', P .. 'client:' .. client, 'name', 'Client ' .. i, 'thread', thread, 'created', at)
  place(thread, nil, state, agent, state, agent, channel, labels, at)
  local log = {}
  for seq = 1, each do
    local out = seq % 2 == 0
    log[#log + 1] = seq
    log[#log + 1] = '01JDFX3T5K' .. tag .. digits(seq, 5) .. shard .. ' {"d":"' .. (out and 'out' or 'in') ..
      '","ch":"' .. channel .. '","co":"loopback","text":"' .. text .. ' ' .. words[(i + seq) % #words + 1] ..
      ' ' .. seq .. '","from":{"kind":"loopback","address":"u' .. i .. '","name":"Client ' .. i ..
      '"},"external_id":"' .. i .. '-' .. seq .. '"}\\n' .. string.format('%d', at - (each - seq) * 60000) ..
      ' received\\n+2 stored'
  end
  call('HSET', P .. 'log:' .. thread, unpack(log))
end
call('SET', P .. 'counted', 'all')
return n
"""

REPORT = """
local day, agents, per_agent, total = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), 0
local key = P .. 'report:' .. day
local function tally(n, ...) call('HINCRBY', key, table.concat({...}, ' '), n); total = total + n end
for h = 0, 23 do
  local hour = string.format('%02d', h)
  for c = 0, 4 do tally(85, 'in', hour, 'c' .. c); tally(80, 'out', hour, 'c' .. c); tally(9, 'closed', hour, 'c' .. c) end
  for slot = 0, 59 do tally(3, 'first', hour, slot); tally(4, 'next', hour, slot) end
end
for a = 0, agents - 1 do
  tally(100, 'out.agent', 'a' .. a)
  for i = 1, per_agent do tally(1, 'first.agent', (a + i * 3) % 60, 'a' .. a); tally(1, 'next.agent', (a + i * 5) % 60, 'a' .. a) end
end
for slot = 0, 59 do for c = 0, 4 do tally(14, 'first.channel', slot, 'c' .. c); tally(19, 'next.channel', slot, 'c' .. c) end end
for _, l in ipairs({'vip', 'refund', 'delivery', 'complaint'}) do tally(600, 'in.label', l) end
call('HSET', key, 'total', total)
return total
"""


def vocabulary(n=20000):
    """Words of syllables, and how often each is used: a few very often, most hardly ever."""
    chance = random.Random(7)
    parts = ["ka", "zak", "po", "do", "stav", "vo", "ra", "sko", "le", "ni", "ta", "pla", "tezh", "mi", "or",
             "der", "del", "re", "fun", "pri", "ce", "ship", "ing", "co", "ver", "lo", "ma"]
    words = set()
    while len(words) < n:
        words.add("".join(chance.choice(parts) for _ in range(chance.randint(2, 4))))
    words = sorted(words)
    chance.shuffle(words)
    weights = [1 / (i + 3) for i in range(n)]
    return words, weights


def digits(x, k, alphabet):
    s = ""
    for _ in range(k):
        s, x = alphabet[x & 31] + s, x >> 5
    return s


def fill_redis(bench, server, threads, words):
    now, each = int(time.time() * 1000), threads // 16
    run = server.client.register_script(common(bench) + FILL)
    few = " ".join(words[:500])
    for shard in range(16):
        name = bench.ALPHABET[shard >> 5] + bench.ALPHABET[shard & 31]
        for start in range(0, each, 1000):
            run(keys=[f"sb:{{s{shard}}}:"], args=[name, start, min(1000, each - start), now, shard,
                                                  EACH, few])
    report = server.client.register_script(common(bench) + REPORT)
    for shard in range(16):
        for day in range(DAYS):
            stamp = time.strftime("%Y%m%d", time.gmtime(time.time() - day * 86400))
            report(keys=[f"sb:{{s{shard}}}:"], args=[stamp, AGENTS, 30])


def common(bench):
    with open(f"{bench.SCRIPTS}/_common.lua") as f:
        return f.read()


def fill_archive(bench, path, threads, words, weights):
    """The messages as the embedded cards keep them; in the order of threads, newest last."""
    db = sqlite3.connect(path)
    db.executescript("PRAGMA synchronous=OFF; PRAGMA cache_size=-1000000;")
    chance, now, n = random.Random(11), int(time.time() * 1000), 0
    each = threads // 16
    db.execute("BEGIN")
    for i in range(each - 1, -1, -1):
        tag, rows, stems = digits(i, 9, bench.ALPHABET), [], []
        picked = chance.choices(words, weights, k=16 * EACH * 8)
        at = now - i * 41
        for shard in range(16):
            name = bench.ALPHABET[shard >> 5] + bench.ALPHABET[shard & 31]
            thread, client = f"{TAG}{tag}AAAAA{name}", f"{TAG}{tag}BBBBB{name}"
            for seq in range(1, EACH + 1):
                k = (shard * EACH + seq - 1) * 8
                text = " ".join(picked[k:k + 8])
                n += 1
                rows.append((n, f"{TAG}{tag}{digits(seq, 5, bench.ALPHABET)}{name}", client, thread, seq, client,
                             at, '{"text":"' + text + '"}'))
                stems.append((n, text))
        db.executemany("INSERT INTO messages(n,id,card,thread,seq,client,at,json) VALUES(?,?,?,?,?,?,?,?)", rows)
        db.executemany("INSERT INTO words(rowid,stems) VALUES(?,?)", stems)
        if i % 2000 == 0:
            db.execute("COMMIT")
            db.execute("BEGIN")
    db.execute("COMMIT")
    db.close()


class Asker:
    def __init__(self, gateway):
        self.token = gateway.token()
        self.c = http.client.HTTPConnection("127.0.0.1", gateway.port)

    def ask(self, path):
        """(ms, the answer)"""
        began = time.perf_counter()
        self.c.request("GET", "/api/v1" + path, headers={"Authorization": f"Bearer {self.token}"})
        answer = self.c.getresponse()
        body = answer.read()
        spent = (time.perf_counter() - began) * 1000
        if answer.status != 200:
            raise SystemExit(f"bench: {path}: {answer.status} {body[:300]}")
        return spent, json.loads(body)

    def times(self, paths, what=None, n=None):
        out = []
        for path in paths:
            spent, answer = self.ask(path)
            if what and n and len(answer[what]) < n:
                raise SystemExit(f"bench: {path}: {len(answer[what])} {what}")
            out.append(spent)
        return out[len(out) // 10:]


def bench_pages(report, bench):
    words, weights = vocabulary()
    server = bench.Redis(fsync="no")
    gateway = None
    try:
        began = time.time()
        fill_redis(bench, server, THREADS, words)
        gateway = bench.Gateway(workers=1, redis_url=f"unix://{server.socket}")
        fill_archive(bench, f"{gateway.dir}/data/cards.db", THREADS, words, weights)
        print(f"  inbox: {THREADS} threads, {THREADS * EACH} messages made in {time.time() - began:.0f} s", flush=True)
        a = Asker(gateway)
        threads = [f"{TAG}{digits(i * 37 % (THREADS // 16), 9, bench.ALPHABET)}AAAAA0{bench.ALPHABET[i % 16]}"
                   for i in range(400)]
        lists = [f"/threads?view={v}&limit=50{more}" for v in ("open", "unassigned", "all", "snoozed", "closed")
                 for more in ("", "&channel=c2", "&label=vip", "&assignee=a14") if v + more != "unassigned&assignee=a14"] * 20
        counts = ["/counts?" + q for q in ("", "channel=c1", "label=vip")] * 130
        chance = random.Random(5)
        often, seldom = words[3:200], words[5000:]
        asked = [f"{chance.choice(often)}", f"{chance.choice(often)}", f"{chance.choice(often)[:4]}"] * 40
        asked += [word[:k] for word in often[:12] for k in (1, 2, 3, 5)] * 3
        asked += [f"{chance.choice(often)}+{chance.choice(often)}" for _ in range(100)]
        found = a.times([f"/threads?limit=50&q={q}" for q in asked * 2])
        rare = a.times([f"/threads?limit=50&q={chance.choice(seldom)}" for _ in range(200)])
        first, _ = a.ask("/reports")
        lines = [("50 threads of a view, p99", a.times(lists), 20),
                 ("counters, p99", a.times(counts), 20),
                 ("50 messages of a thread, p99",
                  a.times([f"/threads/{t}/messages?limit=50" for t in threads], "messages", EACH), 20),
                 ("search, 50 results, p99", found + rare, 20),
                 ("report of 30 days, p99", a.times(["/reports"] * 60), 100)]
        for name, times, most in lines:
            p99 = bench.percentile(times, 0.99)
            report(f"inbox: {name}", p99, "ms", statistics.median(times), None,
                   f"< {most} (ref: the median)", p99 < most)
        report("inbox: report of 30 days, the first time", first, "ms", None, None, "printed", True)
    finally:
        if gateway:
            gateway.close()
        server.close()


# --- a thousand agents ---------------------------------------------------------------------------------


def cpu_s(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def flow(bench, client, port, path, n, tokens, hello, publish, workers, rate, seconds):
    """(got, median ms, p99 ms, CPU of each worker)"""
    load = subprocess.Popen([client, "127.0.0.1", str(port), path, str(n), tokens, hello],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = load.stdout.readline().split()
    if line[:2] != ["open", str(n)]:
        raise SystemExit(f"bench: only {line} of {n} sockets are open")
    time.sleep(2)
    load.stdin.write(f"flow {rate * seconds}\n")
    load.stdin.flush()
    load.stdout.readline()
    before, began = [cpu_s(p) for p in workers()], time.monotonic()

    def send(k):
        for i in range(k, rate * seconds, 4):
            time.sleep(max(0, began + i / rate - time.monotonic()))
            publish(k, i)

    jobs = [threading.Thread(target=send, args=(k,)) for k in range(4)]
    for j in jobs:
        j.start()
    for j in jobs:
        j.join()
    spent = time.monotonic() - began
    cpu = [(b - a) / spent for a, b in zip(before, [cpu_s(p) for p in workers()])]
    got = load.stdout.readline().split()
    load.stdin.close()
    load.wait()
    return int(got[1]), int(got[2]) / 1000, int(got[3]) / 1000, cpu


def bench_agents(report, bench, n=1000, rate=200, seconds=10):
    client = bench.build_client()
    gateway = bench.Gateway(workers=2)
    with tempfile.NamedTemporaryFile("w", suffix=".tokens") as tokens:
        try:
            for _ in range(n):
                tokens.write(gateway.token() + "\n")
            tokens.flush()
            hooks = [http.client.HTTPConnection("127.0.0.1", gateway.port) for _ in range(4)]

            def publish(k, i):
                hooks[k].request("POST", "/hooks/loopback/bench", json.dumps(
                    {"from": {"address": f"f{i % 200}", "name": "Ann"}, "id": f"{i}-{rate}",
                     "text": f"t:{time.monotonic_ns() // 1000} " + "x" * 100}))
                answer = hooks[k].getresponse()
                answer.read()
                if answer.status != 200:
                    raise SystemExit(f"bench: {answer.status}")

            for i in range(200):  # the threads
                publish(0, -i - 1)
            got, median, p99, cpu = flow(bench, client, gateway.port, "/ws/agent", n, "@" + tokens.name,
                                         '{"type":"hello"}', publish, gateway.workers, rate, seconds)
        finally:
            gateway.close()
    name = f"inbox: {n} agents, {rate} messages a second"
    report(f"{name}, event to screen, p99", p99, f"ms (workers' CPU {', '.join(f'{c:.2f}' for c in cpu)})", median,
           None, "< 100 (ref: the median)", p99 < 100)
    report(f"{name}, not seen", n * rate * seconds - got, "frames", 0, None, "0", got == n * rate * seconds)
