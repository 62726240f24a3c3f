"""Agents' pages that lose their network, against a gateway of their own: see fuzz.mjs.
Usage: run.py [--schedules N] [--steps N] [--seed N]"""
import argparse
import json
import pathlib
import random
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from harness import CONFIG, Gateway  # noqa: E402
from pace import SLOWER  # noqa: E402

AGENTS = ("ann", "bob")
# A short memory of events: who was away for long begins anew.
FORGETFUL = CONFIG + "history {{ events = 100 }}\n"


def fuzz(gateway, schedules, steps=25, seed=None):
    """Runs them; what it prints, and whether all screens were equal."""
    for name in AGENTS:
        gateway.add_user(name)
    cookies = {name: gateway.login(name, gateway.PASSWORD).cookie for name in ("admin", *AGENTS)}
    given = {"url": gateway.url, "cookies": cookies, "schedules": schedules, "steps": steps, "patience": SLOWER,
             "seed": random.randrange(1 << 30) if seed is None else seed, "master": gateway.process.pid}
    # A page that turns round in itself never ends: each schedule takes a second at most on a quiet machine.
    p = subprocess.run(["node", str(HERE / "fuzz.mjs"), json.dumps(given)], text=True, stdout=subprocess.PIPE,
                       timeout=120 + 10 * SLOWER * schedules)
    return p.stdout, p.returncode == 0


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--schedules", type=int, default=1000)
    a.add_argument("--steps", type=int, default=25)
    a.add_argument("--seed", type=int)
    o = a.parse_args()
    g = Gateway(config=FORGETFUL).start()
    try:
        told, equal = fuzz(g, o.schedules, o.steps, o.seed)
        print(told.strip())
        return 0 if equal else 1
    finally:
        g.destroy()


if __name__ == "__main__":
    sys.exit(main())
