"""Telegram while everything fails at random: workers and Redis are killed, Telegram answers 429, 500, 502, cuts
and loses answers, repeats webhooks. Nothing is lost, nothing doubled, order is kept in each chat; a send
whose answer was lost is shown as unknown and never made again (rows F01-F04, T03, T11)."""

import random

import pytest
from harness import SLOWER, until
from mixed_load import Agents, Clients, all_in, are_settled, kill_at_random
from telegram_world import Telegram

SECONDS = 15
CHATS = 8
RATES = {("429", "sendMessage"): 0.05, ("500", "sendMessage"): 0.05, ("502", "sendMessage"): 0.03,
         ("lose", "sendMessage"): 0.03, ("reset", "sendMessage"): 0.03, ("cut", "sendMessage"): 0.02, ("slow", "sendMessage"): 0.02,
         ("500", "getUpdates"): 0.05, ("502", "getUpdates"): 0.05, ("cut", "getUpdates"): 0.05,
         ("lose", "getUpdates"): 0.05, ("html200", "getUpdates"): 0.02, ("429", "getUpdates"): 0.02,
         ("500", "getMe"): 0.2, ("502", "deleteWebhook"): 0.2, ("500", "setWebhook"): 0.2}


def lost_by_chat(world):
    """How many sends of each chat ended without an answer that can be believed."""
    out = {}
    for kind, name, chat in world.fake.faults.happened:
        if name == "sendmessage" and kind in ("lose", "reset", "cut", "502"):
            out[chat] = out.get(chat, 0) + 1
    return out


@pytest.mark.long
@pytest.mark.parametrize("mode", ["webhook", "polling"])
@pytest.mark.parametrize("seed", [1])
def test_chaos(start_gateway, mode, seed):
    world = Telegram(start_gateway, mode)
    rng = random.Random(seed)
    world.fake.repeat = 0.05
    world.fake.chaos(seed, RATES)
    for kind in ("429", "500", "502", "lose", "reset"):  # each for certain, whatever chance brings
        world.fake.fault(kind, method="sendMessage", times=2)
    chats = {f"C{i}": world.user(100 + i, f"C{i}") for i in range(CHATS)}
    clients, agents = Clients(chats, seed), Agents(world)
    clients.start()
    until(lambda: len(world.api.threads()) >= 3, 20 * SLOWER)
    agents.start()
    kill_at_random(world, rng, SECONDS, lambda: agents.answers() > 50)
    clients.stopping = agents.stopping = True
    clients.join(5)
    agents.join(30)
    world.fake.calm()
    world.gateway.wait_ready(30 * SLOWER)
    until(lambda: all_in(world, clients), 60 * SLOWER, 0.2, "for everything that was written")
    until(lambda: are_settled(world, agents, ("sent", "unknown")), 120 * SLOWER, 0.5, "for the answers")
    unknown, lost = 0, lost_by_chat(world)
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
        open_end = len([m for m in ours if m["status"] == "unknown"])
        assert open_end >= lost.get(chat.raw_chat["id"], 0), f"{name}: an answer was lost and nobody is told"
        unknown += open_end
    total = agents.answers()
    kinds = {k for k, _, _ in world.fake.faults.happened}
    print(f"{mode}: {sum(clients.said.values())} in, {total} out, {unknown} unknown, faults {sorted(kinds)}")
    assert total > 50 and {"429", "500", "502", "lose", "reset"} <= kinds
    everything = [m["id"] for name in chats for m in world.messages(name) if m["direction"] in ("in", "out")]
    until(lambda: len(world.gateway.card_messages()) >= len(everything), 30 * SLOWER, 0.2, "for the card")
    assert sorted(m["id"] for m in world.gateway.card_messages()) == sorted(everything)
    assert not world.fake.problems, world.fake.problems[:5]
    world.close()
