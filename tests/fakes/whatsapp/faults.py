"""What can go wrong between a client and the Graph API, on purpose: by rule, or at random from a seed; and the
limits of the platform."""

import random
import time

from .errors import ApiError

PAIR_BURST, PAIR_SECONDS = 45, 6
RATES = {"STANDARD": 80, "HIGH": 1000}


class Fault:
    """kind: a code of the API ("131056"), "500" "502" "503" (HTML), "html200", "error200" (an error in a 200), "lose"
    (done, but closed without a word), "cut" (half the answer), "reset" (not done), "slow". edge: "POST messages"."""

    def __init__(self, kind, edge=None, to=None, times=None, probability=1.0, ms=1000):
        self.kind, self.edge, self.to = str(kind), edge, to
        self.left, self.probability, self.ms = times, probability, ms

    def fits(self, edge, to, rng):
        if self.left == 0 or (self.edge and self.edge != edge) or (self.to and self.to != to):
            return False
        if self.probability < 1 and rng.random() >= self.probability:
            return False
        if self.left is not None:
            self.left -= 1
        return True


class Faults:
    def __init__(self):
        self.rules, self.happened, self.rng = [], [], random.Random(1)

    def pick(self, edge, to=None):
        for rule in self.rules:
            if rule.fits(edge, to, self.rng):
                self.happened.append((rule.kind, edge, to))
                return rule
        return None


class Limits:
    """45 at once to one client, then one in six seconds; 80, 1000 or 20 a second a number."""

    def __init__(self):
        self.on, self.refused = False, []
        self.pairs, self.numbers = {}, {}

    def check(self, number, to):
        if not self.on:
            return
        at = time.monotonic()
        even = max(self.pairs.get((number.id, to), 0), at)
        if even - at > (PAIR_BURST - 1) * PAIR_SECONDS:
            self.refused.append(131056)
            raise ApiError(131056, "Too many messages sent from this phone number to the same phone number")
        rate = 20 if number.coexistence else RATES.get(number.throughput, 80)
        times = self.numbers.setdefault(number.id, [])
        times[:] = [t for t in times if t > at - 1]
        if len(times) >= rate:
            self.refused.append(130429)
            raise ApiError(130429, "Cloud API message throughput has been reached", status=429)
        times.append(at)
        self.pairs[(number.id, to)] = even + PAIR_SECONDS
