"""People who write and agents who answer, while workers and Redis are killed: what the chaos runs of the channels
have in common."""

import random
import threading
import time


class Clients(threading.Thread):
    """chats: {name: chat}; each writes "<name> <n>", numbered. say(chat, n, text): how."""

    def __init__(self, chats, seed, say=lambda chat, n, text: chat.text(text)):
        super().__init__(daemon=True)
        self.chats, self.say = chats, say
        self.said, self.rng, self.stopping = {n: 0 for n in chats}, random.Random(seed), False

    def run(self):
        while not self.stopping:
            name = self.rng.choice(list(self.chats))
            self.said[name] += 1
            self.say(self.chats[name], self.said[name], f"{name} {self.said[name]}")
            time.sleep(self.rng.random() * 0.05)


class Agents(threading.Thread):
    """Answers into the threads; a request that fails is made again under its own key."""

    def __init__(self, world, make=lambda text: {"text": text}):
        super().__init__(daemon=True)
        self.world, self.stopping, self.make = world, False, make
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

    def answers(self):
        """How many were taken."""
        return sum(len(texts) for texts in list(self.sent.values()))

    def answer(self, api, thread, text, key):
        while True:
            try:
                r = api.ask("POST", f"/threads/{thread}/messages", json={"id": key, **self.make(text)})
                if r.status_code in (200, 202):
                    self.sent.setdefault(thread, []).append(text)
                    return
                assert r.status_code == 503, r.text
            except OSError:
                pass
            time.sleep(0.1)


def kill_at_random(world, rng, seconds, enough=lambda: True):
    """For so many seconds, and on until it is enough: where the machine is busy, less is said in a second."""
    began = time.monotonic()
    while (passed := time.monotonic() - began) < seconds or (passed < 10 * seconds and not enough()):
        time.sleep(0.5 + rng.random())
        try:
            if rng.random() < 0.15:
                world.gateway.kill_redis()
            else:
                world.gateway.kill_worker(index=rng.randrange(2))
        except (IndexError, StopIteration, ProcessLookupError):
            pass  # it has not come back yet


def all_in(world, clients):
    """Is everything there that they wrote?"""
    return all(len([m for m in world.messages(n) if m["direction"] == "in"]) >= k for n, k in clients.said.items() if k)


def are_settled(world, agents, statuses):
    """Has every answer one of these statuses?"""
    return all(m["status"] in statuses for thread in agents.sent for m in world.api.messages(thread)
               if m["direction"] == "out")
