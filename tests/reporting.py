"""Days of an office, made up: for reports, which are compared with what was done."""
import random

from harness import SLOWER, Api, until

LABELS = ["счёт", "a b", "=cmd()", "vip"]


def history(g, clock, n, seed):
    """Clients write, agents answer or do not, threads are closed, labelled, written to again; time goes on."""
    rng = random.Random(seed)
    agents = [g.add_user(name) for name in ("ann", "bob")]
    apis = [Api(g.url).login(name, g.PASSWORD) for name in agents]
    threads = []
    for i in range(n):
        clock.forward(int(rng.choice((0, 1, 3, 20, 60, 400, 3600, 9000)) * min(1, 15000 / n)))
        what = rng.random()
        api = rng.choice(apis)
        if what < 0.5 or not threads:
            address = str(rng.randrange(max(4, n // 12)))
            channel = rng.choice(("test", "test", "other"))
            told = until(lambda a=address, c=channel, n=i: g.hook(
                {"from": {"address": a, "name": f"N{a}"}, "id": f"m{n}", "text": f"question {n}"}, c).json().get("thread"),
                30 * SLOWER, why=f"for message {i} to be taken")
            threads = list(dict.fromkeys([*threads, told]))
        elif what < 0.8:
            api.post(f"/threads/{rng.choice(threads)}/messages", {"id": f"a{i}", "text": f"answer {i}"})
        elif what < 0.9:
            api.patch(f"/threads/{rng.choice(threads)}", {"state": "closed"})
        elif what < 0.97:
            api.patch(f"/threads/{rng.choice(threads)}", {"labels": rng.sample(LABELS, rng.randrange(3))})
        else:
            api.post(f"/threads/{rng.choice(threads)}/messages", {"id": f"n{i}", "text": "for us", "note": True})
