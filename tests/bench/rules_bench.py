"""rules_bench.py - what a hundred rules cost those who write: durable ingest with them and without, in pairs."""

import json
import re
import statistics
import subprocess
import urllib.request

PAIRS = 8


def rules():
    """A hundred: most look for words, each in its own way; one acts on every hundredth message."""
    yield {"name": "refunds", "on": "message", "if": {"any": ["refund"]}, "then": [{"note": "asks for money"}]}
    for i in range(99):
        conditions = ({"any": [f"word{i}", f"слово{i}*", f"two words{i}"]}, {"all": ["order", f"part{i}"]},
                      {"channels": ["bench"], "labels": [f"label{i}"]}, {"contact": "first", "language": "cyrillic", "any": [f"w{i}"]})
        yield {"name": f"r{i}", "on": ("message", "opened")[i % 5 == 4], "if": conditions[i % 4], "then": [{"label": f"l{i}"}]}


class Api:
    def __init__(self, gateway):
        self.url, self.token = gateway.url + "/api/v1/rules", gateway.token()

    def ask(self, method, path="", body=None):
        r = urllib.request.Request(self.url + path, method=method, data=json.dumps(body).encode() if body else None,
                                   headers={"Authorization": "Bearer " + self.token, "Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(r, timeout=10))

    def switch(self, on):
        for rule in self.ask("GET")["rules"]:
            self.ask("PATCH", "/" + rule["id"], {"rev": rule["rev"], "enabled": on})


def wrk(gateway, here, seconds):
    out = subprocess.run(["wrk", "-t1", "-c64", f"-d{seconds}", "-s", f"{here}/rules_post.lua", gateway.url],
                         capture_output=True, text=True).stdout
    n, us, errors, _, p99 = map(float, re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", out).groups())
    return n / us * 1e6, p99 / 1000, int(errors)


def acted(gateway):
    """How many notes rules have left."""
    r = gateway.redis()
    return sum(b'"rule":{"id"' in v for i in range(16) for k in r.scan_iter(f"sb:{{s{i}}}:log:*", 1000) for v in r.hvals(k))


def bench_cost(report, bench, pairs=PAIRS):
    bare, ours = [], []
    gateway = bench.Gateway()
    try:
        api = Api(gateway)
        for rule in rules():
            api.ask("POST", "", {**rule, "enabled": False})
        wrk(gateway, bench.HERE, 2)  # the 2,000 clients
        for turn in range(pairs):  # whichever comes first has the emptier Redis
            for on in (turn % 2 == 0, turn % 2 == 1):
                api.switch(on)
                bench.wait_for(lambda: gateway.queue() == 0, 120)
                (ours if on else bare).append(wrk(gateway, bench.HERE, 4))
        notes = acted(gateway)
    finally:
        gateway.close()
    rate, base = statistics.median(o[0] for o in ours), statistics.median(b[0] for b in bare)
    ratio = statistics.median(o[0] / b[0] for o, b in zip(ours, bare))
    errors = sum(o[2] for o in ours + bare)
    report(f"durable ingest with 100 rules ({notes} times one acted)", rate, "msg/s", base, ratio, ">= 0.90 of it without rules",
           ratio >= 0.90 and errors == 0 and notes > 0)
