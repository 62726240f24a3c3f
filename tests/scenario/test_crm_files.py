"""A message's files when the message changes: what a client edits in Telegram, on the cards of all CRMs that files are
brought to (crm.md 8.2, 7)."""
import re
import types

import pytest

from crm_target_bitrix24 import Bitrix24Target
from crm_target_espocrm import EspoTarget
from crm_target_hubspot import HubSpotTarget
from crm_target_kommo import KommoTarget
from crm_target_odoo import Odoo2Target, OdooTarget
from crm_target_tryton import TrytonTarget
from crm_targets import OVER_THE_NET
from fakes.wire import Answer
from harness import CONFIG, SLOWER, until
from telegram_world import Telegram
from test_crm_contract import World, own, texts

HERE = 'public_url = "http://127.0.0.1:{port}"\n'


@pytest.fixture(params=[t for t in OVER_THE_NET if not getattr(t, "is_chat", False)], ids=lambda t: t.name)
def world(request, start_gateway):
    target = request.param()
    tg = Telegram(start_gateway, config=HERE + CONFIG + target.section())
    yield types.SimpleNamespace(target=target, tg=tg, ann=tg.user(), gateway=tg.gateway)
    tg.close()
    target.close()


# An entry of theirs has the files that we say, those alone.
that_set_files = pytest.mark.parametrize("world", [EspoTarget, HubSpotTarget, OdooTarget, Odoo2Target],
                                         ids=lambda t: t.name, indirect=True)


def card_of(world):
    def card():
        thread = world.tg.thread_of("Ann")
        client = thread and world.tg.api.get(f"/threads/{thread}")["thread"]["client"]["id"]
        return client and world.tg.api.get(f"/clients/{client}")["client"]["cards"].get("crm", {}).get("id")
    return until(card, 30 * SLOWER, why=f"for a card;\n{world.gateway.log()[-2000:]}")


def wait_files(world, card, wanted):
    until(lambda: wanted.items() <= world.target.files(card).items(), 20 * SLOWER, 0.1,
          f"for {list(wanted)}: {list(world.target.files(card))} {world.target.history(card)}\n{world.gateway.log()[-2000:]}")


def document(ann, name, data):
    return {"document": ann.file(data, name, "document", file_name=name, mime_type="application/pdf")}


def test_a_file_that_replaces_another_is_brought_too(world):
    one, two = b"%PDF-1.4 one", b"%PDF-1.4 two"
    offer = world.ann.document(one, "one.pdf", caption="our offer")
    card = card_of(world)
    wait_files(world, card, {"one.pdf": one})
    world.ann.edit(offer, **document(world.ann, "two.pdf", two), caption="a better one")
    wait_files(world, card, {"two.pdf": two})
    sets = hasattr(world.target, "files_of_entries")
    assert world.target.files(card) == {"two.pdf": two} if sets else {"one.pdf": one, "two.pdf": two}
    world.ann.edit(offer, caption="the best one")
    until(lambda: any("the best one" in t for t in world.target.history(card)), 20 * SLOWER)
    world.ann.text("next")
    until(lambda: any("next" in t for t in world.target.history(card)), 20 * SLOWER)
    if sets:
        assert world.target.files_of_entries(card) == [["two.pdf"], []]
    elif getattr(world.target, "rewrites", True):  # the one that came later has an entry of its own
        assert len(re.findall(r"#\w{26}\+2", "\n".join(world.target.history(card)))) == 1, world.target.history(card)
    assert not world.tg.api.get("/dead")["dead"]


@pytest.mark.parametrize("world", [TrytonTarget, Bitrix24Target, KommoTarget], ids=lambda t: t.name, indirect=True)
def test_a_lost_answer_brings_it_once(world):
    """Of the entry that it has of its own."""
    offer, lost = world.ann.document(b"%PDF-1.4 one", "one.pdf", caption="our offer"), []
    card = card_of(world)
    wait_files(world, card, {"one.pdf": b"%PDF-1.4 one"})
    world.target.proxy.after = lambda r, a: (lost.append(1) or Answer(200, b"", spoil="lose")
                                             if world.target.is_write(r) and b"+2" in r.body and not lost else None)
    world.ann.edit(offer, **document(world.ann, "two.pdf", b"%PDF-1.4 two"), caption="a better one")
    wait_files(world, card, {"two.pdf": b"%PDF-1.4 two"})
    world.ann.text("next")
    until(lambda: any("next" in t for t in world.target.history(card)), 40 * SLOWER)
    assert lost and len(re.findall(r"#\w{26}\+2", "\n".join(world.target.history(card)))) == 1, world.target.history(card)


@that_set_files
def test_a_file_stands_in_one_entry_when_an_edit_makes_two(world):
    """And in one again, when the next makes one of them."""
    offer = world.ann.document(b"%PDF-1.4 one", "one.pdf", caption="short")
    card = card_of(world)
    for caption, filed in ((None, [["one.pdf"]]), ("\u6f22" * 4000, [[], ["one.pdf"]]), ("short again", [["one.pdf"], []])):
        if caption:
            world.ann.edit(offer, caption=caption)
        until(lambda: world.target.files_of_entries(card) == filed, 20 * SLOWER,
              why=lambda: f"{world.target.files_of_entries(card)} {[len(t) for t in world.target.history(card)]}")


@pytest.mark.parametrize("world", [EspoTarget], ids=lambda t: t.name, indirect=True)
def test_a_link_stays_when_the_text_is_edited(world):
    world.target.fake.attachment_max = 10
    offer = world.ann.document(b"%PDF-1.4 too large", "one.pdf", caption="our offer")
    card = card_of(world)
    until(lambda: any("/api/v1/media/" in t for t in world.target.history(card)), 20 * SLOWER)
    world.ann.edit(offer, caption="a better one")
    until(lambda: "a better one" in world.target.history(card)[-1], 20 * SLOWER)
    assert "/api/v1/media/" in world.target.history(card)[-1], world.target.history(card)


def test_files_that_are_too_many_for_a_request_are_links(start_gateway):
    """Bitrix24 has them all in one, with the comment: what does not fit is named there."""
    target = Bitrix24Target()
    w = World(target, start_gateway, "notes = true")
    thread = w.write(own("ann"), "one")["thread"]
    card = w.wait_card(thread)
    ids = {}
    for name, size in (("a.bin", 12 << 20), ("b.bin", 12 << 20), ("c.txt", 5)):
        ids[name] = w.admin.post("/media", None, params={"name": name}, data=b"x" * size)["media"]["id"]
    w.admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "here", "note": True, "attachments": list(ids.values())})
    history = w.wait_history(card, 2, 60)
    assert texts(history)[1] == "here" and all(f"/api/v1/media/{i}" in history[1] for i in ids.values())
    assert {n: len(d) for n, d in target.files(card).items()} == {"a.bin": 12 << 20, "c.txt": 5}
    assert max(len(r.body) for _, r in target.server.calls) < 28 << 20 and not w.dead()
    target.close()
