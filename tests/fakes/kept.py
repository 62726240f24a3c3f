"""EspoCRM's stand-in in a process of its own, which may be killed at any moment: each request that changes something is
written down before it takes effect, and all of them are done again when it starts. What it has is its ledger.

    python3 -m fakes.kept PORT JOURNAL [TROUBLE SEED]

TROUBLE: of so many requests (0..1) half are refused with 503 and of half the answer is lost, after they took effect."""
import json
import random
import signal
import sys
import urllib.parse

from .espocrm import EspoCrm
from .wire import Answer, Request


def written(path):
    """The requests of a journal; a last line that was cut never took effect."""
    with open(path, "a+", encoding="utf-8") as f:
        f.seek(0)
        lines = f.read().split("\n")
    for line in lines[:-1]:
        try:
            method, target, headers, body = json.loads(line)
        except ValueError:
            continue  # cut, and written on after a restart
        yield Request(method, target, headers, body.encode())


def ledger(path):
    """The world that the journal tells of."""
    with EspoCrm() as fake:
        fake.do(lambda: [fake.answer(r) for r in written(path)])
        return fake.world


class Kept(EspoCrm):
    def __init__(self, port, path, trouble=0.0, seed=0):
        before = ledger(path)
        self.dice, self.trouble = random.Random(seed), trouble
        self.journal = open(path, "a", encoding="utf-8")
        self.journal.write("\n")  # ends what a kill may have cut
        # From its first request on: one that is answered and not written down would give its ids to others later.
        super().__init__(world=before, port=port, before=self.write_down, after=self.lose)

    def write_down(self, request):
        if self.dice.random() < self.trouble / 2:
            return Answer(503, b"<h1>Service Unavailable", type="text/html")
        if request.method != "GET":
            headers = {k: v for k, v in request.headers.items() if k.startswith("x-") or k == "content-type"}
            target = request.path + ("?" + request.query if request.query else "")
            self.journal.write(json.dumps([request.method, target, headers, request.body.decode()]) + "\n")
            self.journal.flush()
        return None

    def lose(self, request, answer):
        how = ("lose", "reset", "cut")[self.dice.randrange(3)]
        return Answer(answer.status, answer.body, spoil=how) if self.dice.random() < self.trouble / 2 else None


if __name__ == "__main__":
    kept = Kept(int(sys.argv[1]), sys.argv[2], *(float(x) for x in sys.argv[3:]))
    print("ready", kept.url, urllib.parse.quote(sys.argv[2]), flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    kept.close()
