#!/usr/bin/python3
"""Kills the gateway's processes at random moments while visitors and agents write, then counts.

Every message whose sender saw a tick must be in its thread exactly once and in its sender's order,
in its card exactly once, and on the screen of every agent exactly once. Prints the seed; the same
seed makes the same choices (the machine's timing stays its own).
"""
import argparse
import collections
import os
import pathlib
import random
import re
import signal
import sys
import threading
import time

import requests

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from clients import Agent  # noqa: E402
from harness import Gateway, until  # noqa: E402

WORD = re.compile(r"^([avh]\d+) (\d+)$")  # "v3 17": visitor 3's message 17


class Ledger:
    """What was acknowledged, and to whom."""

    def __init__(self):
        self.lock, self.rows = threading.Lock(), {}

    def accept(self, text, ident, seq, thread=None):
        with self.lock:
            self.rows[text] = (ident, seq, thread)


class Sender(threading.Thread):
    def __init__(self, name, run):
        super().__init__(daemon=True, name=name)
        self.n, self.end, self.body, self.done, self.failure = 0, False, run, False, None

    def run(self):
        rnd = random.Random(self.name)
        try:
            while not self.end:
                self.n += 1
                self.body(f"{self.name} {self.n}", rnd)
                time.sleep(rnd.uniform(0, self.pause))
            self.done = True
        except Exception as e:
            self.failure = e

    pause = 0.08


class Chaos:
    def __init__(self, args):
        self.args, self.rnd, self.ledger = args, random.Random(args.seed), Ledger()
        sets = ["redis.dedupe=false"] if args.no_dedupe else []
        self.gateway = Gateway(workers=args.workers, sets=sets).start()
        self.counts, self.agents, self.senders, self.threads = collections.Counter(), [], [], []

    def people(self):
        g = self.gateway
        for i in range(self.args.agents):
            g.add_user(f"agent{i}")
            agent = g.agent(f"agent{i}")
            agent.keep_events = False
            self.agents.append(agent)
        for i in range(self.args.visitors):
            v = g.visitor()
            self.senders.append(Sender(f"v{i}", self.visitor_says(v)))
        for i in range(self.args.hooks):
            self.senders.append(Sender(f"h{i}", self.hook_says(i)))
        for i, agent in enumerate(self.agents):
            body = self.agent_says(agent) if i % 2 == 0 else self.agent_posts(agent)
            self.senders.append(Sender(f"a{i}", body))
        for s in self.senders:
            s.start()

    # --- the senders: each repeats under the same key until it is told "stored" ---

    def visitor_says(self, v):
        def say(text, rnd):
            cid = v.say(text)
            ack = v.wait(lambda: v.acks.get(cid), 120, f"for the tick of {text}")
            self.ledger.accept(text, ack["id"], ack["seq"])
            if v.failure:
                raise v.failure
        return say

    def hook_says(self, i):
        http = requests.Session()
        http.trust_env = False

        def say(text, rnd):
            body = {"from": {"address": f"{1000 + i}", "name": f"h{i}"}, "id": text, "text": text}
            end, left = time.monotonic() + 120, 1 + (rnd.random() < 0.05)  # some are sent twice
            while left:
                if time.monotonic() > end:
                    raise AssertionError(f"{text} was not taken in 120 s")
                try:
                    r = http.post(f"{self.gateway.url}/hooks/loopback/test", json=body, timeout=5)
                except requests.RequestException:
                    time.sleep(0.1)
                    continue
                if r.status_code == 200:
                    got, left = r.json(), left - 1
                    self.ledger.accept(text, got["message"], got["seq"], got["thread"])
                elif r.status_code in (503, 429):
                    time.sleep(0.1)
                else:
                    raise AssertionError(f"{text}: {r.status_code} {r.text}")
        return say

    def pick(self, agent, rnd):
        while not agent.screen:
            time.sleep(0.1)
        return rnd.choice(sorted(agent.screen))

    def agent_says(self, agent):
        def say(text, rnd):
            answer = agent.command("send", timeout=120, thread=self.pick(agent, rnd), text=text)
            if answer["type"] != "ok":
                raise AssertionError(f"{text}: {answer}")
            m = answer["message"]
            self.ledger.accept(text, m["id"], m["seq"], m["thread"])
        return say

    def agent_posts(self, agent):
        def say(text, rnd):
            thread, end = self.pick(agent, rnd), time.monotonic() + 120
            while True:
                if time.monotonic() > end:
                    raise AssertionError(f"{text} was not taken in 120 s")
                try:
                    r = agent.api.ask("POST", f"/threads/{thread}/messages",
                                      json={"id": text.replace(" ", "-"), "text": text}, timeout=5)
                except requests.RequestException:
                    time.sleep(0.1)
                    continue
                if r.status_code in (200, 202):
                    m = r.json()["message"]
                    self.ledger.accept(text, m["id"], m["seq"], m["thread"])
                    return
                if r.status_code not in (503, 429):
                    raise AssertionError(f"{text}: {r.status_code} {r.text}")
                time.sleep(0.1)
        return say

    # --- the faults ---

    def signal_one(self, pid, sig):
        try:
            os.kill(pid, sig)
        except ProcessLookupError:
            pass

    def pause(self, pid, longest):
        self.signal_one(pid, signal.SIGSTOP)
        time.sleep(self.rnd.uniform(0.05, longest))
        self.signal_one(pid, signal.SIGCONT)

    def start_again(self):
        time.sleep(self.rnd.uniform(0, 0.3))
        self.gateway.start(wait=False)

    def kill(self):
        g, what = self.gateway, self.rnd.choices(("worker", "redis", "master"), (5, 3, 2))[0]
        if what == "worker":
            self.signal_one(self.rnd.choice(g.worker_pids()), signal.SIGKILL)
        elif what == "redis":
            self.signal_one(g.redis_pid(), signal.SIGKILL)
        else:
            g.kill_master()
            self.start_again()
        self.counts["kill " + what] += 1

    def disturb(self):
        g, what = self.gateway, self.rnd.choice(("stop worker", "stop redis", "restart", "reload",
                                                 "cut", "cut"))
        if what == "stop worker":
            self.pause(self.rnd.choice(g.worker_pids()), 7 if self.rnd.random() < 0.2 else 1)
        elif what == "stop redis":
            self.pause(g.redis_pid(), 3 if self.rnd.random() < 0.2 else 0.5)
        elif what == "restart":
            g.stop()
            self.start_again()
        elif what == "reload":
            g.process.send_signal(signal.SIGHUP)
        else:
            self.rnd.choice(g.clients).cut()
        self.counts[what] += 1

    def whole(self):
        """All processes are there (they may not be ready)."""
        g = self.gateway
        if g.process.poll() is not None:
            raise RuntimeError(f"the gateway ended by itself ({g.process.returncode}):\n"
                               f"{g.log()[-3000:]}")
        try:
            return len(g.worker_pids()) >= self.args.workers and g.redis_pid()
        except StopIteration:
            return False

    def torment(self):
        kills, began = 0, time.monotonic()
        while kills < self.args.kills:
            time.sleep(self.rnd.expovariate(1 / self.args.gap))
            until(self.whole, 30, why="for all processes to be back")
            for s in self.senders:
                if s.failure:
                    raise s.failure
            if self.rnd.random() < 0.3:
                self.disturb()
            else:
                self.kill()
                kills += 1
                if kills % 10 == 0:
                    print(f"  {kills} kills, {len(self.ledger.rows)} accepted, "
                          f"{time.monotonic() - began:.0f} s", flush=True)

    # --- the count ---

    def settle(self):
        for s in self.senders:
            s.end = True
        for s in self.senders:
            s.join(150)
            if s.failure or not s.done:
                raise AssertionError(f"{s.name} did not finish: {s.failure!r}")
        self.gateway.wait_ready(30)

    def complete(self, seen):
        return all(WORD.match(t) and t in seen for t in self.ledger.rows)

    def read_all(self):
        """An agent's session, and all threads with their messages. A worker whose line to the store is cut says 503: the
        reader comes again, as a page does."""
        def attempt():
            api = self.gateway.login()
            return api, {t["id"]: api.messages(t["id"]) for t in api.threads()}
        return until(attempt, 30, 0.2, "for the threads")

    def verify(self):
        want = self.ledger.rows
        api, whole = self.read_all()
        in_thread = collections.Counter()
        place, order, problems = {}, 0, []
        for thread, messages in whole.items():
            if [m["seq"] for m in messages] != sorted({m["seq"] for m in messages}):
                order += 1
                problems.append(f"seq of thread {thread}")
            last = {}
            for m in messages:
                hit = WORD.match(m.get("text") or "")
                if not hit:
                    continue
                text, who, n = m["text"], hit[1], int(hit[2])
                in_thread[text] += 1
                place.setdefault(text, set()).add((m["id"], m["seq"]))
                if n < last.get(who, 0):
                    order += 1
                    problems.append(f"{text} comes after {who} {last[who]}")
                last[who] = max(n, last.get(who, 0))
        lost = [t for t, (ident, seq, _) in want.items() if (ident, seq) not in place.get(t, ())]
        doubled = [t for t, n in in_thread.items() if n > 1]
        ids = {m["id"] for ms in whole.values() for m in ms}

        def cards_done():
            return {m["id"] for m in self.gateway.card_messages()} >= {
                m["id"] for ms in whole.values() for m in ms if m["direction"] in ("in", "out")}
        try:
            until(cards_done, 60, 0.2)
        except AssertionError:
            problems.append("the card's queue did not drain in 60 s")
        cards = self.gateway.card_messages()
        by_card = collections.Counter(m.get("text") for m in cards)
        by_id = collections.Counter(m["id"] for m in cards)
        card_lost = [t for t, row in want.items() if by_id[row[0]] < 1]
        card_doubled = [t for t, n in by_card.items() if t and WORD.match(t) and n > 1]
        card_order = self.card_order(cards)
        self.report("thread", lost, doubled, order)
        self.report("card", card_lost, card_doubled, card_order)
        screens = [self.screen(a, want, ids) for a in self.agents]
        visitors = self.visitors_screens(whole)
        for p in problems[:20]:
            print("  problem:", p)
        totals = [len(lost) + len(card_lost) + sum(s[0] for s in screens) + visitors[0],
                  len(doubled) + len(card_doubled) + sum(s[1] for s in screens) + visitors[1],
                  order + card_order]
        print(f"accepted {len(want)}, lost {totals[0]}, doubled {totals[1]}, "
              f"out of order {totals[2]}")
        return not any(totals) and not problems and len(want) > 0

    def card_order(self, cards):
        wrong, last = 0, {}
        for m in cards:
            wrong += m["seq"] < last.get(m["thread"], 0)
            last[m["thread"]] = m["seq"]
        return wrong

    def report(self, where, lost, doubled, order=0):
        print(f"  {where}: lost {len(lost)} {lost[:5] or ''}, doubled {len(doubled)} "
              f"{doubled[:5] or ''}, out of order {order}")

    def screen(self, agent, want, ids):
        def seen():
            return collections.Counter(m.get("text") for t in list(agent.screen.values())
                                       for m in list(t.values()))
        try:
            until(lambda: agent.ready.is_set() and self.complete(seen()), 20, 0.2)
        except AssertionError:
            pass
        shown = seen()
        lost = [t for t in want if not shown[t]]
        doubled = [t for t, n in shown.items() if t and WORD.match(t) and n > 1]
        ghosts = [m for t in agent.screen.values() for m in t.values() if m["id"] not in ids]
        self.report(f"screen of {agent.api.name} ({agent.connects} connects, {agent.resets} resets)",
                    lost + ghosts, doubled)
        return len(lost) + len(ghosts), len(doubled)

    def visitors_screens(self, whole):
        lost, doubled = [], []
        for v in [c for c in self.gateway.clients if not isinstance(c, Agent)]:
            thread = next((ms for ms in whole.values() if any(
                m["direction"] == "in" and m["from"].get("address") == v.visitor for m in ms)), [])
            answers = {m["text"] for m in thread if m["direction"] == "out"}

            def shown(v=v):
                return collections.Counter(m["text"] for m in list(v.screen.values())
                                           if m["direction"] == "out")
            try:
                until(lambda a=answers, s=shown: a <= set(s()), 20, 0.2)
            except AssertionError:
                pass
            got = shown()
            lost += [t for t in answers if not got[t]]
            doubled += [t for t, n in got.items() if n > 1]
        self.report("screens of visitors", lost, doubled)
        return len(lost), len(doubled)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--kills", type=int, default=100)
    p.add_argument("--seed", type=int, default=None)
    p.add_argument("--visitors", type=int, default=6)
    p.add_argument("--agents", type=int, default=3)
    p.add_argument("--hooks", type=int, default=2)
    p.add_argument("--workers", type=int, default=2)
    p.add_argument("--gap", type=float, default=0.7, help="seconds between faults, on average")
    p.add_argument("--no-dedupe", action="store_true",
                   help="switch the recognising of repeats off: doubles must be reported")
    p.add_argument("--keep", action="store_true", help="keep the data folder")
    args = p.parse_args()
    if args.seed is None:
        args.seed = random.SystemRandom().randrange(1 << 31)
    random.seed(args.seed)
    print(f"chaos: seed {args.seed}, {args.kills} kills", flush=True)
    chaos, good = Chaos(args), False
    try:
        chaos.people()
        chaos.torment()
        chaos.settle()
        good = chaos.verify()
        print("  faults:", ", ".join(f"{k} {n}" for k, n in sorted(chaos.counts.items())))
    finally:
        chaos.gateway.destroy(keep=args.keep or not good)
        if args.keep or not good:
            print(f"  data and log are kept in {chaos.gateway.folder}")
    print(f"chaos: {'1 passed, 0 failed' if good else '0 passed, 1 failed'} (seed {args.seed})")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
