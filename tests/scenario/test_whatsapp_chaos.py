"""WhatsApp while everything fails at random: workers and Redis are killed, the Graph API answers 131056, 130429, 131000,
500, 502, cuts and loses answers, webhooks come twice. Nothing is lost, nothing doubled, order is kept in each
dialogue; a lost answer is settled by the status that follows, and nothing is sent twice (rows F01-F04, F16, F38)."""

import random
import time

import pytest
from fakes.whatsapp import samples
from harness import SLOWER, until
from mixed_load import Agents, Clients, all_in, are_settled, kill_at_random
from whatsapp_world import WhatsApp

SECONDS = 15
CHATS = 8
RATES = {("131056", "POST messages"): 0.04, ("130429", "POST messages"): 0.02, ("131000", "POST messages"): 0.04,
         ("error200", "POST messages"): 0.02, ("500", "POST messages"): 0.02, ("502", "POST messages"): 0.02,
         ("lose", "POST messages"): 0.05, ("cut", "POST messages"): 0.03, ("slow", "POST messages"): 0.02,
         ("reset", "POST messages"): 0.02, ("500", "POST media"): 0.1, ("lose", "POST media"): 0.1, ("131016", "POST media"): 0.1, ("500", "GET media id"): 0.2, ("502", "GET lookaside"): 0.1,
         ("lose", "GET lookaside"): 0.1, ("2", "GET number"): 0.2, ("500", "GET subscribed_apps"): 0.2}
DONE = ("sent", "delivered", "read")


def say(chat, n, text):
    """Every tenth with a picture."""
    if n % 10 == 0:
        chat.image(caption=text)
    else:
        chat.text(text)


class Answers:
    """What agents say: texts, and now and then a file or a template; the text is its name."""

    def __init__(self, world):
        self.world = world

    def __call__(self, text):
        n = int(text.split()[1])
        if n % 5 == 0:
            return {"text": text, "attachments": [self.photo()]}
        if n % 7 == 0:
            return {"template": {"name": "order_ready", "language": "en", "values": {"body.1": text, "body.2": "17"}}}
        return {"text": text}

    def photo(self):
        """A file of one dialogue is nothing to another one: each is uploaded."""
        while True:
            try:
                return self.world.upload("a.jpg", samples.JPEG)
            except (AssertionError, OSError):
                time.sleep(0.1)


def name_of(m):
    """The same of a message as the thread has it,"""
    return m["template"]["values"]["body.1"] if "template" in m else m["text"]


def name_there(one):
    """and of one that was taken."""
    body = one["body"]
    if one["type"] == "template":
        return body["template"]["components"][0]["parameters"][0]["text"]
    return body["text"]["body"] if one["type"] == "text" else body["image"]["caption"]


def files_are_here(world, names):
    return all(a.get("id") for n in names for m in world.messages(n) for a in m.get("attachments", []))


@pytest.mark.long
@pytest.mark.parametrize("seed", [1])
def test_chaos(start_gateway, seed):
    world = WhatsApp(start_gateway)
    fake = world.fake
    rng = random.Random(seed)
    fake.repeat, fake.shuffle = 0.05, True
    fake.chaos(seed, RATES)
    for kind in ("131056", "131000", "502", "lose", "cut"):  # each for certain, whatever chance brings
        fake.fault(kind, times=2)
    chats = {f"C{i}": world.user(f"49176000{i:02}", f"C{i}") for i in range(CHATS)}
    clients, agents = Clients(chats, seed, say), Agents(world, Answers(world))
    clients.start()
    until(lambda: len(world.api.threads()) >= 3, 20 * SLOWER)
    agents.start()
    kill_at_random(world, rng, SECONDS, lambda: agents.answers() > 50)
    clients.stopping = agents.stopping = True
    clients.join(5)
    agents.join(30)
    fake.calm()
    world.gateway.wait_ready(30 * SLOWER)
    until(lambda: all_in(world, clients), 90 * SLOWER, 0.2, "for everything that was written")
    until(fake.wait_calm, 60 * SLOWER, 0.2, "for the webhooks")
    until(lambda: are_settled(world, agents, (*DONE, "unknown")), 120 * SLOWER, 0.5, "for the answers")
    until(lambda: files_are_here(world, chats), 120 * SLOWER, 0.5, "for the files")
    unknown = 0
    for name, chat in clients.chats.items():
        thread = world.messages(name)
        said = [m for m in thread if m["direction"] == "in"]
        assert [m["text"] for m in said] == [f"{name} {i + 1}" for i in range(clients.said[name])], name
        for m in said:
            for a in m.get("attachments", []):
                assert world.api.ask("GET", f"/media/{a['id']}").content == samples.JPEG
        ours = [m for m in thread if m["direction"] == "out"]
        assert [name_of(m) for m in ours] == agents.sent.get(thread[0]["thread"], [])
        there = [name_there(one) for one in chat.user.inbox]
        assert len(there) == len(set(there)), f"{name}: sent twice"
        assert there == [name_of(m) for m in ours if name_of(m) in there], f"{name}: out of order"
        for m in ours:  # what was taken is known to be: its statuses told
            assert (m["status"] in DONE) == (name_of(m) in there), m
        unknown += len([m for m in ours if m["status"] == "unknown"])
    total = agents.answers()
    kinds = {k for k, _, _ in fake.faults.happened}
    print(f"{sum(clients.said.values())} in, {total} out, {unknown} unknown, faults {sorted(kinds)}")
    assert {"text", "image", "template"} <= {one["type"] for one in fake.sent}
    assert total > 50 and {"131056", "131000", "502", "lose", "cut"} <= kinds
    assert not fake.problems, fake.problems[:5]
    assert not fake.twice()
    world.close()
