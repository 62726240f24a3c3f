"""Who a WhatsApp client is: a phone number, an id, both, another one tomorrow; always one client, one thread (issue
line 4)."""

import re
import urllib.parse

import pytest
from harness import SLOWER, until
from whatsapp_world import WhatsApp


@pytest.fixture
def world(start_gateway):
    with WhatsApp(start_gateway) as w:
        yield w


def identities(world, name="Ann"):
    thread = world.thread_of(name)
    client = world.api.get(f"/threads/{thread}")["client"]
    return {(i["kind"], i["address"]) for i in client["identities"]}


def test_hidden_number_then_shown(world):
    """A person without a phone number, who shows it when asked; then both lead to one thread."""
    ann = world.user("4917600000", "Ann", username="ann.k", hidden=True, bsuid="DE.8841")
    ann.text("who am I")
    world.got(n=1)
    assert identities(world) == {("whatsapp", "DE.8841")}
    thread = world.thread_of("Ann")
    world.say(thread, {"text": "your number, please", "request": "contact"})
    assert world.fake.sent[-1]["body"]["recipient"] == "DE.8841"
    assert world.fake.sent[-1]["body"]["interactive"]["type"] == "request_contact_info"
    ann.share_phone()
    m = world.got(n=2)[1]
    assert m["contact"]["own"] and m["contact"]["phone"] == "+4917600000"
    until(lambda: ("phone", "+4917600000") in identities(world), 10, why="for the proven number")
    ann.user.hidden = False
    ann.text("shown now")
    assert len(world.got(n=3)) == 3 and len(world.api.threads()) == 1
    ann.user.old_style = True  # only the number, as before 2026
    ann.text("by number only")
    assert len(world.got(n=4)) == 4 and len(world.api.threads()) == 1


def test_old_client_gets_an_id(world):
    """Known by number; with the first message that has both, the id leads to the same thread."""
    ann = world.user("4917600000", "Ann", bsuid="DE.1")
    ann.user.old_style = True
    ann.text("by number")
    world.got(n=1)
    world.say(world.thread_of("Ann"), {"text": "to the number"})
    assert world.fake.sent[-1]["body"]["to"] == "4917600000" and "recipient" not in world.fake.sent[-1]["body"]
    ann.user.old_style = False
    ann.text("with both")
    world.got(n=2)
    ann.user.hidden = True
    ann.text("by id only")
    world.got(n=3)
    assert len(world.api.threads()) == 1
    assert identities(world) >= {("whatsapp", "4917600000"), ("whatsapp", "DE.1"), ("phone", "+4917600000")}


def client(world, name="Ann"):
    ours = world.api.get(f"/threads/{world.thread_of(name)}")["client"]["id"]
    return world.api.get(f"/clients/{ours}")["client"]


def former(world, name="Ann"):
    return {(i["kind"], i["address"]) for i in client(world, name)["identities"] if i.get("former")}


def moves(world, name="Ann"):
    return [m["event"] for m in world.messages(name) if m["direction"] == "event" and m["event"].get("what") == "moved"]


@pytest.mark.parametrize("field_first", [False, True])
def test_new_number_and_id(world, field_first):
    """Told as a message and as a field, in either order: one event, the new number in the panel and on the card, what
    was before kept as former."""
    ann = world.user("4917600000", "Ann", bsuid="DE.1")
    ann.text("old phone")
    world.got(n=1)
    until(lambda: client(world).get("phone") == "+4917600000", 10)
    if field_first:
        world.number.emit("user_id_update", {"user_id_update": [{"wa_id": "4917699999", "user_id": {"previous": "DE.1", "current": "DE.2"}}]})
        until(lambda: ("whatsapp", "DE.2") in identities(world), 10)
    ann.change_number("4917699999", "DE.2")
    until(world.fake.wait_calm, 10)
    assert client(world)["phone"] == "+4917699999" and len(moves(world)) == 1
    assert former(world) == {("whatsapp", "DE.1"), ("whatsapp", "4917600000"), ("phone", "+4917600000")}
    assert moves(world)[0]["phone"] == "+4917699999"
    ann.text("new phone")
    world.got(n=2)
    assert len(world.api.threads()) == 1
    thread = world.thread_of("Ann")
    world.say(thread, {"text": "there"})
    assert world.fake.sent[-1]["body"]["recipient"] == "DE.2"
    until(lambda: client(world)["card"]["main"]["phone"] == "+4917699999", 10, why="for the card")


def test_new_id_without_a_number_then_the_number(world):
    """The news names no number: the old one stays until the new one is seen, but is marked as a former one."""
    ann = world.user("4917600000", "Ann", bsuid="DE.1")
    ann.text("old phone")
    world.got(n=1)
    until(lambda: client(world).get("phone") == "+4917600000", 10)
    ann.say("system", {"body": "Ann has a new id", "type": "user_changed_user_id", "user_id": "DE.2"}, opens=False)
    until(lambda: ("phone", "+4917600000") in former(world), 10)
    assert client(world)["phone"] == "+4917600000" and moves(world) == [
        {"type": "channel", "what": "moved", "text": "Ann has a new id"}]
    world.user("4917699999", "Ann", bsuid="DE.2").text("new phone")
    world.got(n=2)
    until(lambda: client(world)["phone"] == "+4917699999", 10, why="for the new number")


def test_a_number_comes_back(world):
    ann = world.user("4917600000", "Ann", bsuid="DE.1")
    ann.text("one")
    world.got(n=1)
    for phone, bsuid in (("4917699999", "DE.2"), ("4917600000", "DE.3")):
        ann.change_number(phone, bsuid)
        until(world.fake.wait_calm, 10)
        assert client(world)["phone"] == "+" + phone
    assert former(world) == {("whatsapp", "DE.1"), ("whatsapp", "DE.2"), ("whatsapp", "4917699999"), ("phone", "+4917699999")}
    assert len(moves(world)) == 2 and len(world.api.threads()) == 1


def test_a_number_given_out_anew_is_another_person(world):
    """Who has the old number now comes with an id of his own: another client, another thread, another card."""
    ann = world.user("4917600000", "Ann", bsuid="DE.1")
    ann.text("old phone")
    world.got(n=1)
    ann.change_number("4917699999", "DE.2")
    until(world.fake.wait_calm, 10)
    bob = world.user("4917600000", "Bob", bsuid="DE.7")
    bob.text("hello, I am new here")
    world.got("Bob", n=1)
    until(lambda: client(world, "Bob").get("phone") == "+4917600000", 10, why="for his number")
    assert client(world)["phone"] == "+4917699999" and len(world.api.threads()) == 2
    cards = [until(lambda: client(world, who)["cards"].get("main", {}).get("id"), 10, why="for a card") for who in ("Ann", "Bob")]
    assert cards[0] != cards[1]
    bob.user.old_style = True
    bob.text("by number only")
    assert len(world.got("Bob", n=2)) == 2
    ann.text("I am here")
    assert len(world.got(n=2)) == 2


def test_parent_id_leads_to_the_same_client(world):
    """Another id, nobody has told of it: the parent id, or the update that follows, says who it is."""
    ann = world.user(None, "Ann", bsuid="DE.1", parent="DE.ENT.7")
    ann.text("one")
    world.got(n=1)
    ann.user.bsuid = "DE.2"
    ann.text("two")
    world.got(n=2)
    world.number.emit("user_id_update", {"user_id_update": [{"user_id": {"previous": "DE.2", "current": "DE.3"}}]})
    ann.user.bsuid, ann.user.parent = "DE.3", None
    ann.text("three")
    assert [m["text"] for m in world.got(n=3)] == ["one", "two", "three"] and len(world.api.threads()) == 1
    assert identities(world) >= {("whatsapp", a) for a in ("DE.1", "DE.2", "DE.3", "DE.ENT.7")}


def test_numbers_written_differently(world):
    for old, new, name in (("551188887777", "5511988887777", "Bia"), ("525512345678", "5215512345678", "Max"),
                           ("541123456789", "5491123456789", "Eva")):
        first, second = world.user(old, name, bsuid="XX.1" + old), world.user(new, name, bsuid="XX.1" + old)
        first.user.old_style = second.user.old_style = True
        first.text("one")
        world.got(name, n=1)
        second.text("two")
        world.got(name, n=2)
    assert len(world.api.threads()) == 3


def test_two_threads_become_one(world):
    """Known by number and, elsewhere, by id: the first message that has both joins them. What was sent in either one
    is still told of, and the window is open."""
    by_number = world.fake.user("4917600000", "Ann", bsuid="DE.1")
    by_number.old_style = True
    by_number.chat(world.number).text("by number")
    world.got(n=1)
    first = world.thread_of("Ann")
    world.fake.statuses = False
    one = world.say(first, {"text": "to the number"}, "sent")
    by_id = world.fake.user("4917600000", "Ann", bsuid="DE.1", hidden=True)
    by_id.chat(world.number).text("by id")
    until(lambda: len(world.api.threads()) == 2, 10)
    second = next(t["id"] for t in world.api.threads() if t["id"] != first)
    two = world.say(second, {"text": "to the id"}, "sent")
    by_id.hidden = False
    by_id.chat(world.number).text("with both")
    until(lambda: len(world.api.threads()) == 1, 10, why="for one thread")
    for sent in world.fake.sent:
        world.fake.status(world.number.number, sent, "delivered")
    until(world.fake.wait_calm, 10)
    for m in (one, two):
        assert world.api.get(f"/messages/{m['id']}/trace")["message"]["status"] == "delivered"
    assert identities(world) >= {("whatsapp", "4917600000"), ("whatsapp", "DE.1"), ("phone", "+4917600000")}
    world.say(world.thread_of("Ann"), {"text": "hello both"}, "sent")


def test_window_moves_with_the_number(world):
    ann = world.user("4917600000", "Ann", bsuid="DE.1")
    ann.text("old phone")
    world.got(n=1)
    before = world.thread()["windows"]
    ann.change_number("4917699999", "DE.2")
    world.got(n=1, what=lambda m: m["direction"] == "event" and m["event"].get("what") == "moved")
    until(world.fake.wait_calm, 10)
    assert world.thread()["windows"] == before and before["main"]["until"]
    assert identities(world) >= {("whatsapp", "DE.1"), ("whatsapp", "DE.2"), ("whatsapp", "4917699999")}


def test_what_comes_late_from_the_old_number(world):
    """It is hers, in her thread, but says nothing of where she is now."""
    ann = world.user("4917600000", "Ann", bsuid="DE.1")
    ann.text("old phone")
    world.got(n=1)
    ann.change_number("4917699999", "DE.2")
    until(world.fake.wait_calm, 10)
    world.user("4917600000", "Ann", bsuid="DE.1").text("sent before, come after")
    assert [m["text"] for m in world.got(n=2)] == ["old phone", "sent before, come after"] and len(world.api.threads()) == 1
    assert client(world)["phone"] == "+4917699999" and ("phone", "+4917600000") in former(world)
    world.fake.do(ann.user.register)
    world.say(world.thread_of("Ann"), {"text": "there"})
    sent = world.fake.sent[-1]["body"]
    assert sent.get("recipient") == "DE.2" or sent.get("to") == "4917699999", sent


def test_from_the_site_to_whatsapp(world):
    """The invitation opens once, for whoever it was given to; its token stands in no thread."""
    visitor = world.gateway.visitor()
    visitor.say("hello from the site")
    thread = until(lambda: next((t for t in world.api.threads() if t["channel"] == "site"), None), 10 * SLOWER)["id"]

    def way():  # the worker that does not look after the number hears of it a little later
        visitor.send({"type": "continue", "id": "1", "connector": "whatsapp"})
        return visitor.ways_on.get("1")
    url = until(way, 20 * SLOWER, 0.3, "for the way to WhatsApp")
    address, _, text = url.partition("?text=")
    text = urllib.parse.unquote(text)
    assert re.fullmatch(r"https://wa\.me/\d+", address) and re.fullmatch(r"Chat #[\w-]{32}", text)
    gus = world.user("4917600070", "Gus")
    gus.text(text)
    gus.text("hello from WhatsApp")
    got = until(lambda: (lambda ms: ms if len(ms) == 3 else None)(world.api.messages(thread)), 10 * SLOWER)
    assert [m["channel"] for m in got] == ["site", "main", "main"] and len({m["client"] for m in got}) == 1
    assert [m["text"] for m in got] == ["hello from the site", "Chat", "hello from WhatsApp"]
    world.say(thread, {"text": "one dialogue"})
    assert world.fake.sent[-1]["body"]["text"]["body"] == "one dialogue"
    thief = world.user("4917600071", "Thief")  # who gets hold of it later is nobody
    thief.text(text)
    assert world.got("Thief")[0]["thread"] != thread
    for said in ("#" + "x" * 31, "see #" + "x" * 32 + " and more", "# " + "x" * 32):
        thief.text(said)
    assert len(world.got("Thief", n=4)) == 4
