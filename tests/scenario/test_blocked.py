"""What waits for one dialogue's retry, however much it is, keeps no other dialogue waiting: in a CRM's queue and in a
channel's, through restarts, in order and once (F13, T07; issue 6: "a blocked thread never blocks another")."""
import concurrent.futures
import json
import random

import pytest
import requests
from fakes.webhook import Receiver
from fakes.wire import Answer
from harness import CONFIG, SLOWER, until

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DIALOGUES, EACH = 6, 220  # more than a queue ever held in memory at once


@pytest.fixture
def receiver():
    with Receiver([SECRET]) as r:
        yield r


def refuse_bad(event):
    """The CRM has a trouble with some clients' cards only."""
    return Answer(503, {"error": "this card is locked"}) if '"Bad' in json.dumps(event["data"].get("client", "")) else None


def write(g, who, n):
    """n messages of a client; his thread."""
    s = requests.Session()
    s.trust_env = False
    for i in range(n):
        r = s.post(f"{g.url}/hooks/loopback/test", timeout=30 * SLOWER, json={
            "from": {"address": who, "name": who.title()}, "id": f"{who}-{random.random()}", "text": f"{who} {i}"})
        assert r.status_code == 200, r.text
    return r.json()["thread"]


def at_once(what, many):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return list(pool.map(what, many))


def waiting(g, queue):
    return g.redis.xlen("sb:{s0}:" + queue)


def due_now(g, queue, attempts=3):
    """Time goes by: the retries of this queue are due, as its next owner reads it."""
    key = "sb:{s0}:retry:" + queue
    for entry in g.redis.hkeys(key):
        g.redis.hset(key, entry, f"{attempts} 1")


def in_order(receiver, n):
    threads = receiver.by_thread()
    for thread, seqs in threads.items():
        assert seqs == sorted(set(seqs)), (thread, seqs)
    assert sum(map(len, threads.values())) == n


def test_a_crm_s_blocked_dialogues_keep_nobody_waiting(receiver, start_gateway):
    receiver.spoil = refuse_bad
    section = f'webhook "erp" {{{{ url = "{receiver.url}/in" secret = {{{{"{SECRET}"}}}} allow_private = true }}}}\n'
    g = start_gateway(config=CONFIG + section, workers=1, sets=("redis.shards=1",))
    write(g, "ann", 1)
    until(lambda: len(receiver.messages()) == 1, 10 * SLOWER)
    at_once(lambda d: write(g, f"bad{d}", EACH), range(DIALOGUES))
    total = DIALOGUES * EACH
    write(g, "ann", 3)
    until(lambda: len(receiver.messages()) == 4, 20 * SLOWER, why="for those whose card is not locked")
    assert waiting(g, "crm:erp") >= total  # each client's card is an entry, too
    # Another owner takes the shard over: neither does it stand.
    g.kill_worker()
    write(g, "bob", 3)
    until(lambda: len(receiver.messages()) == 7, 30 * SLOWER, why="for others after a takeover")
    write(g, "bad0", 5)
    # The cards are unlocked, and the retries become due: all comes, once and in order.
    receiver.spoil = None
    g.kill_worker()
    due_now(g, "crm:erp")
    until(lambda: waiting(g, "crm:erp") == 0, 60 * SLOWER, why="for what was blocked")
    in_order(receiver, total + 12)


def test_a_channel_s_blocked_dialogues_keep_nobody_waiting(start_gateway):
    g = start_gateway(config=CONFIG.replace('loopback "test" {{}}', 'loopback "test" {{ outbox = "{data}/out" }}'),
                      workers=1, sets=("redis.shards=1",))
    api = g.login()

    def answer(thread, texts):
        for text in texts:
            api.post(f"/threads/{thread}/messages", {"id": f"a{random.random()}", "text": text})

    def sent(thread=None):
        path = g.data / "out"
        lines = [json.loads(x) for x in path.read_text().splitlines()] if path.exists() else []
        return [m["text"] for m in lines if thread in (None, m["thread"])]

    bad = at_once(lambda d: write(g, f"bad{d}", 1), range(5))
    at_once(lambda t: answer(t, ["!fail 100"]), bad)
    until(lambda: len(g.redis.hgetall("sb:{s0}:retry:out:test")) == len(bad), 20 * SLOWER)
    at_once(lambda t: answer(t, [f"behind {n}" for n in range(80)]), bad)
    ann = write(g, "ann", 1)
    answer(ann, ["hello"])
    until(lambda: sent() == ["hello"], 20 * SLOWER, why="for who is not blocked")
    g.kill_worker()
    until(g.is_ready, 20 * SLOWER)
    api = g.login()
    answer(ann, ["hello again"])
    until(lambda: sent() == ["hello", "hello again"], 30 * SLOWER, why="for others after a takeover")
    g.kill_worker()
    due_now(g, "out:test", attempts=100)
    until(lambda: waiting(g, "out:test") == 0, 60 * SLOWER, why="for what was blocked")
    for t in bad:
        assert sent(t) == ["!fail 100"] + [f"behind {n}" for n in range(80)]


def test_what_is_in_a_channel_s_hand_when_a_worker_ends_is_sent_by_the_next(start_gateway):
    """Nothing of it was sent: it is not unknown, as it is when a worker is killed."""
    g = start_gateway(workers=1)
    api, thread = g.login(), write(g, "ann", 1)
    m = api.post(f"/threads/{thread}/messages", {"id": "a1", "text": "!delay 500000"})["message"]

    def trail():
        return [(t["what"], t.get("detail", "")) for t in g.login().get(f"/messages/{m['id']}/trace")["trail"]]
    until(lambda: "sending" in [what for what, _ in trail()], 10 * SLOWER)
    g.restart()
    until(lambda: [what for what, _ in trail()].count("sending") == 2, 20 * SLOWER, why="for the next try")
    assert [d for what, d in trail() if what == "retry"] == ["unavailable the gateway is stopping"], trail()
