"""What can go wrong between a client and Telegram, on purpose: by rule, or at random from a seed."""

import random
import time

from .world import ApiError


class Fault:
    """kind "reset": nothing was done with the request, and the connection ends; "lose": it was done, and the
    connection ends before the answer; "cut": in the middle of it."""

    def __init__(self, kind, method=None, chat=None, times=None, probability=1.0, retry_after=1, ms=1000):
        self.kind, self.method, self.chat = kind, method.lower() if method else None, chat
        self.left, self.probability = times, probability
        self.retry_after, self.ms = retry_after, ms

    def fits(self, name, chat, rng):
        if self.left == 0 or (self.method and self.method != name):
            return False
        if self.chat is not None and str(self.chat) != str(chat):
            return False
        if rng.random() >= self.probability:
            return False
        if self.left is not None:
            self.left -= 1
        return True


class Faults:
    def __init__(self):
        self.rules = []
        self.rng = random.Random(1)
        self.happened = []

    def pick(self, name, chat):
        for rule in self.rules:
            if rule.fits(name, chat, self.rng):
                self.happened.append((rule.kind, name, chat))
                return rule
        return None


class Limits:
    """30 a second a bot, one a second a chat with a small burst, 20 a minute a group. A scope that was
    told to wait must not be asked before."""

    def __init__(self, problems):
        self.on = False
        self.problems = problems
        self.sent = {}
        self.until = {}

    def wait(self, scope, chat, retry_after):
        self.until[(scope, chat)] = time.monotonic() + retry_after

    def check(self, bot, chat, n=1):
        at = time.monotonic()
        if self.until.get((bot.id, chat), 0) > at + 0.05:
            self.problems.append(f"chat {chat} was asked {self.until[(bot.id, chat)] - at:.1f} s too early")
        if not self.on:
            return
        group = str(chat).startswith("-")
        for key, most, seconds in (((bot.id, None), 30, 1), ((bot.id, chat), 3, 2),
                                   *((((bot.id, chat, "g"), 20, 60),) if group else ())):
            times = self.sent.setdefault(key, [])
            times[:] = [t for t in times if t > at - seconds]
            if len(times) + n > most:
                retry = max(1, int(seconds - (at - times[0])) + 1) if times else 1
                self.until[(bot.id, chat)] = at + retry
                raise ApiError(429, f"Too Many Requests: retry after {retry}", retry_after=retry)
            times.extend([at] * n)
