"""Telegram while everything fails at random: workers and Redis are killed, Telegram answers 429, 500, 502, cuts
and loses answers, repeats webhooks. Nothing is lost, nothing doubled, order is kept in each chat; a send
whose answer was lost is shown as unknown and never made again (rows F01-F04, T03, T11)."""

import random
import threading
import time

import pytest
from harness import SLOWER, until
from telegram_world import Telegram

SECONDS = 15
CHATS = 8
RATES = {("429", "sendMessage"): 0.05, ("500", "sendMessage"): 0.05, ("502", "sendMessage"): 0.03,
         ("lose", "sendMessage"): 0.03, ("cut", "sendMessage"): 0.02, ("slow", "sendMessage"): 0.02,
         ("500", "getUpdates"): 0.05, ("502", "getUpdates"): 0.05, ("cut", "getUpdates"): 0.05,
         ("lose", "getUpdates"): 0.05, ("html200", "getUpdates"): 0.02, ("429", "getUpdates"): 0.02,
         ("500", "getMe"): 0.2, ("502", "deleteWebhook"): 0.2, ("500", "setWebhook"): 0.2}


class Clients(threading.Thread):
    """People who write, each in his own chat, numbered."""

    def __init__(self, world, seed):
        super().__init__(daemon=True)
        self.chats = {f"C{i}": world.user(100 + i, f"C{i}") for i in range(CHATS)}
        self.said, self.rng, self.stopping = {n: 0 for n in self.chats}, random.Random(seed), False

    def run(self):
        while not self.stopping:
            name = self.rng.choice(list(self.chats))
            self.said[name] += 1
            self.chats[name].text(f"{name} {self.said[name]}")
            time.sleep(self.rng.random() * 0.05)


class Agents(threading.Thread):
    """Answers into the threads; a request that fails is made again under its own key."""

    def __init__(self, world, seed):
        super().__init__(daemon=True)
        self.world, self.rng, self.stopping = world, random.Random(seed), False
        self.sent = {}  # thread -> texts in order

    def run(self):
        api, n = self.world.api, 0
        while not self.stopping:
            try:
                threads = [t["id"] for t in api.threads()]
            except (AssertionError, OSError):
                time.sleep(0.1)
                continue
            for thread in threads:
                n += 1
                self.answer(api, thread, f"answer {n}", f"k{n}")
                time.sleep(0.1)

    def answer(self, api, thread, text, key):
        while True:
            try:
                r = api.ask("POST", f"/threads/{thread}/messages", json={"id": key, "text": text})
                if r.status_code in (200, 202):
                    self.sent.setdefault(thread, []).append(text)
                    return
                assert r.status_code == 503, r.text
            except OSError:
                pass
            time.sleep(0.1)


def kill_at_random(world, rng, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.5 + rng.random())
        try:
            if rng.random() < 0.15:
                world.gateway.kill_redis()
            else:
                world.gateway.kill_worker(index=rng.randrange(2))
        except (IndexError, StopIteration, ProcessLookupError):
            pass  # it has not come back yet


def answers_are_settled(world, agents):
    """Every answer is sent or unknown."""
    for thread in agents.sent:
        for m in world.api.messages(thread):
            assert m["direction"] != "out" or m["status"] in ("sent", "unknown"), m
    return True


@pytest.mark.parametrize("mode", ["webhook", "polling"])
@pytest.mark.parametrize("seed", [1])
def test_chaos(start_gateway, mode, seed):
    world = Telegram(start_gateway, mode)
    rng = random.Random(seed)
    world.fake.repeat = 0.05
    world.fake.chaos(seed, RATES)
    for kind in ("429", "500", "502", "lose"):  # each for certain, whatever chance brings
        world.fake.fault(kind, method="sendMessage", times=2)
    clients, agents = Clients(world, seed), Agents(world, seed)
    clients.start()
    until(lambda: len(world.api.threads()) >= 3, 20 * SLOWER)
    agents.start()
    kill_at_random(world, rng, SECONDS)
    clients.stopping = agents.stopping = True
    clients.join(5)
    agents.join(30)
    world.fake.calm()
    world.gateway.wait_ready(30 * SLOWER)

    def all_in():
        return all(len([m for m in world.messages(n) if m["direction"] == "in"]) >= k
                   for n, k in clients.said.items() if k)

    until(all_in, 60 * SLOWER, 0.2, "for everything that was written")
    until(lambda: answers_are_settled(world, agents), 120 * SLOWER, 0.5, "for the answers")
    unknown = 0
    for name, chat in clients.chats.items():
        thread = world.messages(name)
        texts = [m["text"] for m in thread if m["direction"] == "in"]
        assert texts == [f"{name} {i + 1}" for i in range(clients.said[name])], name
        ours = [m for m in thread if m["direction"] == "out"]
        assert [m["text"] for m in ours] == agents.sent.get(thread[0]["thread"], [])
        there = [m["text"] for m in chat.seen() if m["from"]["is_bot"]]
        assert len(there) == len(set(there)), f"{name}: sent twice"
        assert there == [m["text"] for m in ours if m["text"] in there], f"{name}: out of order"
        for m in ours:
            assert m["status"] == "unknown" or m["text"] in there, m
        unknown += len([m for m in ours if m["status"] == "unknown"])
    total = sum(len(v) for v in agents.sent.values())
    kinds = {k for k, _, _ in world.fake.faults.happened}
    print(f"{mode}: {sum(clients.said.values())} in, {total} out, {unknown} unknown, faults {sorted(kinds)}")
    assert total > 50 and {"429", "500", "502", "lose"} <= kinds
    assert not world.fake.problems, world.fake.problems[:5]
    world.close()
