#!/usr/bin/python3
"""Kills workers, Redis, the whole gateway and the CRM at random while clients write, and the CRM loses answers after it
has done what was asked; then counts what is on the cards, by the CRM's own ledger: each message once, on the card of its
client, in order. The CRM (EspoCRM's stand-in) knows no idempotency keys: it is looked at before a message is written to
it again. With --no-look it is not, and the count must report doubles.

Prints the seed; the same seed makes the same choices (the machine's timing stays its own)."""
import argparse
import collections
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time

import requests

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

from fakes.kept import ledger  # noqa: E402
from harness import CONFIG, SLOWER, Gateway, free_port, until  # noqa: E402

MARK = re.compile(r"#([0-9A-HJKMNP-TV-Z]{26})")
SECTION = """espocrm "crm" {{{{
  url = "http://127.0.0.1:{port}"
  api_key = "{key}"
  messenger_field = "cGwMessengers"
  allow_private = true
  parallel = 8
  per_second = 0
  language = "en"
}}}}
"""


class Crm:
    """The stand-in's process; killed and started again on the same journal."""

    def __init__(self, trouble, seed):
        self.port, self.trouble, self.seed, self.process = free_port(), trouble, seed, None

    def start(self, journal, trouble=None):
        self.journal, self.seed = journal, self.seed + 1
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fakes.kept", str(self.port), str(journal),
             str(self.trouble if trouble is None else trouble), str(self.seed)], cwd=TESTS, stdout=subprocess.PIPE)
        self.process.stdout.readline()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Writer(threading.Thread):
    """Some clients, one message after another; each is repeated under its id until it was taken."""

    def __init__(self, gateway, number, people, messages, rate, seed):
        super().__init__(daemon=True)
        self.gateway, self.people, self.messages, self.rate = gateway, people, messages, rate
        self.number, self.rnd, self.sent, self.failure = number, random.Random(seed), 0, None

    def run(self):
        try:
            http = requests.Session()
            http.trust_env = False
            for n in range(self.messages):
                who = f"w{self.number}p{self.rnd.randrange(self.people)}"
                self.write(http, {"from": {"address": who, "name": who}, "id": f"{who}-{n}", "text": f"{who} {n}"})
                self.sent += 1
                time.sleep(self.rnd.random() * 2 / self.rate)
        except Exception as e:
            self.failure = e

    def write(self, http, body):
        end = time.monotonic() + 120 * SLOWER
        while time.monotonic() < end:
            try:
                r = http.post(f"{self.gateway.url}/hooks/loopback/test", json=body, timeout=5 * SLOWER)
                if r.status_code == 200:
                    return
                assert r.status_code in (429, 503), r.text
            except requests.RequestException:
                pass
            time.sleep(0.1)
        raise AssertionError(f"{body['text']} was not taken in 120 s")


class Chaos:
    WRITERS, PEOPLE = 4, 8

    def __init__(self, messages=400, seed=1, look=True, rate=60, gap=0.7, trouble=0.06, wait=90):
        self.rnd, self.gap, self.counts, self.wait = random.Random(seed), gap, collections.Counter(), wait
        self.crm = Crm(trouble, seed * 1000)
        section = SECTION.format(port=self.crm.port, key="k" * 32)
        self.gateway = Gateway(config=CONFIG + section, sets=[] if look else ["look_before_write=false"])
        self.crm.start(self.gateway.folder / "ledger")
        self.gateway.start()
        self.messages = messages
        self.writers = [Writer(self.gateway, i, self.PEOPLE, messages // self.WRITERS, rate / self.WRITERS, seed + i)
                        for i in range(self.WRITERS)]

    # --- the faults ---

    def one_fault(self):
        g, what = self.gateway, self.rnd.choices(("worker", "crm", "redis", "master", "hang"), (5, 5, 2, 1, 1))[0]
        try:
            if what == "worker":
                g.kill_worker(index=self.rnd.randrange(2))
            elif what == "redis":
                g.kill_redis()
            elif what == "master":
                g.kill_master()
                time.sleep(self.rnd.uniform(0, 0.3))
                g.start(wait=False)
            elif what == "crm":
                self.crm.kill()
                time.sleep(self.rnd.uniform(0, 1.5))
                self.crm.start(self.crm.journal)
            else:
                self.crm.process.send_signal(signal.SIGSTOP)
                time.sleep(self.rnd.uniform(0, 1.5))
                self.crm.process.send_signal(signal.SIGCONT)
            self.counts[what] += 1
        except (IndexError, StopIteration, ProcessLookupError):
            pass  # it has not come back yet

    def torment(self):
        began, told = time.monotonic(), 0
        for w in self.writers:
            w.start()
        while any(w.is_alive() for w in self.writers):
            time.sleep(self.rnd.expovariate(1 / self.gap))
            self.one_fault()
            sent = sum(w.sent for w in self.writers)
            if sent - told >= 1000:
                told = sent
                print(f"  {sent} accepted, {sum(self.counts.values())} faults, {time.monotonic() - began:.0f} s", flush=True)
        for w in self.writers:
            assert not w.failure, w.failure
        until(lambda: self.gateway.process.poll() is None and self.gateway.is_ready(), 30 * SLOWER)

    # --- the count ---

    def waiting(self):
        r = self.gateway.redis
        return sum(r.xlen(f"sb:{{s{i}}}:crm:crm") for i in range(16))

    def settle(self):
        self.crm.kill()
        self.crm.start(self.crm.journal, trouble=0)
        until(lambda: self.waiting() == 0, (self.wait + self.messages / 20) * SLOWER, 0.2,
              f"for the CRM to have all; log:\n{self.gateway.log()[-2000:]}")

    def threads(self):
        def attempt():
            api = self.gateway.login()
            assert not api.get("/dead")["dead"]
            return {t["client"]["id"]: (t["client"]["name"], [m["id"] for m in api.messages(t["id"])])
                    for t in api.threads()}
        return until(attempt, 60 * SLOWER, 0.2, "for the threads")

    def verify(self):
        """What is wrong, in words; nothing: all is well."""
        world, want, problems = ledger(self.crm.journal), self.threads(), []
        cards = {}
        for id, card in world.records["Contact"].items():
            cards.setdefault(card.get("cGwId", ""), []).append(id)
        counts = collections.Counter(accepted=sum(len(ids) for _, ids in want.values()))
        for client, (name, ids) in want.items():
            mine = cards.pop(f"switchboard:{client}", [])
            if len(mine) != 1:
                problems.append(f"{name} has {len(mine)} cards")
                counts["cards"] += 1
            got = [m for c in mine for n in world.notes("Contact", c) for m in MARK.findall(n["post"])[-1:]]
            there = collections.Counter(got)
            lost, twice = [m for m in ids if not there[m]], [m for m, n in there.items() if n > 1]
            strange = [m for m in there if m not in ids]
            first = [m for m in dict.fromkeys(got) if m in ids]
            wrong = sum(a != b for a, b in zip(first, [m for m in ids if there[m]]))
            counts.update(lost=len(lost), doubled=len(twice), strange=len(strange), out_of_order=wrong)
            problems += [f"{name}: {what}" for what in (
                lost and f"lost {lost[:3]}", twice and f"doubled {twice[:3]}", strange and f"not his: {strange[:3]}",
                wrong and f"{wrong} not at their place") if what]
        if cards:
            problems.append(f"cards of nobody: {list(cards)[:3]}")
        self.totals = counts
        sent = sum(w.sent for w in self.writers)
        if counts["accepted"] != sent:
            problems.append(f"{sent} were accepted, {counts['accepted']} are in threads")
        return problems

    def run(self):
        self.torment()
        self.settle()
        return self.verify()

    def close(self, keep=False):
        if self.crm.process.poll() is None:
            self.crm.process.send_signal(signal.SIGCONT)
            self.crm.kill()
        if keep:
            shutil.copy(self.crm.journal, self.gateway.folder / "ledger.kept")
        self.gateway.destroy(keep=keep)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--messages", type=int, default=10000)
    p.add_argument("--rate", type=float, default=60, help="messages a second, at most")
    p.add_argument("--gap", type=float, default=0.7, help="seconds between faults, on average")
    p.add_argument("--seed", type=int, default=None)
    p.add_argument("--no-look", action="store_true", help="do not look before writing again: doubles must be reported")
    args = p.parse_args()
    seed = random.SystemRandom().randrange(1 << 20) if args.seed is None else args.seed
    print(f"crm chaos: seed {seed}, {args.messages} messages", flush=True)
    chaos, problems = Chaos(args.messages, seed, not args.no_look, args.rate, args.gap), ["it did not come to its end"]
    try:
        problems = chaos.run()
        for problem in problems[:20]:
            print("  problem:", problem)
        t = chaos.totals
        print("  faults:", ", ".join(f"{k} {n}" for k, n in sorted(chaos.counts.items())))
        print(f"accepted {t['accepted']}, lost {t['lost']}, doubled {t['doubled']}, out of order {t['out_of_order']}, "
              f"strange {t['strange']}, clients without their one card {t['cards']}")
    finally:
        chaos.close(keep=bool(problems))
        if problems:
            print(f"  data and log are kept in {chaos.gateway.folder}")
    print(f"crm chaos: {'0 passed, 1 failed' if problems else '1 passed, 0 failed'} (seed {seed})")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
