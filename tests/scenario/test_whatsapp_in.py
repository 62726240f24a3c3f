"""What comes in from WhatsApp and who it is, item by item (issue lines 2 to 4): in the thread as an agent gets it, on the
card exactly once and the same, in the trail of the message (F16 repeats)."""

import time

import pytest
from fakes.whatsapp import samples
from fakes.whatsapp.control import play_file
from harness import ROOT, SLOWER, until
from whatsapp_world import WhatsApp

SCENARIO = ROOT / "tests/fakes/whatsapp/scenarios/every_kind_in.json"


@pytest.fixture
def world(start_gateway):
    with WhatsApp(start_gateway) as w:
        yield w


def has_files(m):
    return all(a.get("id") or a.get("state") == "unavailable" for a in m.get("attachments", []))


def whole(world):
    """Everything that every thread has, once no webhook is under way and all files are here."""
    until(world.fake.wait_calm, 20 * SLOWER, why="for the webhooks")

    def read():
        ms = [m for t in world.api.threads() + world.api.threads("closed") for m in world.api.messages(t["id"])]
        return list({m["id"]: m for m in ms}.values())

    return until(lambda: (lambda ms: ms if all(map(has_files, ms)) else None)(read()), 20 * SLOWER, why="for the files")


def said(messages, direction="in"):
    return [m for m in messages if m["direction"] == direction]


def all_told(world, messages):
    """Each is told, and the cards have nothing besides."""
    world.told(messages)
    assert sorted(c["id"] for c in world.gateway.card_messages()) == sorted(m["id"] for m in messages)


def test_every_kind_is_told(world):
    """Text, files, places, people, forms, orders, quotes, forwards, an ad, edits, deletions, reactions, calls, refusals
    of marketing, echoes, what is unknown: each on the card once and as in the thread, each with its trail."""
    play_file(world.fake, world.number, SCENARIO)
    world.got(n=19)
    ms = whole(world)
    assert len({m["thread"] for m in ms}) == 1
    all_told(world, ms)
    by_text = {m.get("text"): m for m in ms}
    assert world.trail(by_text["the"]["id"]).count("edited") == 1
    assert world.trail(by_text["a secret"]["id"]).count("deleted") == 1
    assert world.trail(by_text['ünïcode / "quotes" 👋\nsecond line']["id"]).count("reacted") == 1
    for m in ms:
        if m.get("raw_type"):
            assert world.api.get(f"/messages/{m['id']}/trace")["raw"]["message"]


def test_presses_are_told(world):
    """A reply button, a row of a list, a quick reply of a template: with the words that were pressed and the message
    that they answer."""
    world.fake.template(world.waba, "shall_we", components=[
        {"type": "BODY", "text": "Shall we?"}, {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "By all means"}]}])
    world.number.account("message_template_status_update", {"event": "APPROVED", "message_template_name": "shall_we"})
    until(lambda: any(t["name"] == "shall_we" for t in world.api.get("/channels/main/templates")["templates"]), 10 * SLOWER)
    ann = world.user()
    ann.text("hello")
    thread = world.got(n=1)[0]["thread"]
    rows = [[{"text": f"Row {i}"}] for i in range(5)]
    for n, (asked, title) in enumerate((({"text": "two?", "buttons": rows[:2]}, "Row 1"), ({"text": "five?", "buttons": rows}, "Row 4"),
                                        ({"template": {"name": "shall_we", "language": "en"}}, "By all means")), 2):
        m = world.say(thread, asked)
        ann.press(title)
        pressed = world.got(n=n)[-1]
        assert pressed["text"] == pressed["button"]["text"] == title and pressed["reply_to"] == m["id"]
    all_told(world, whole(world))


def test_reaction_taken_back_is_told(world):
    ann = world.user()
    one, two = ann.text("one"), ann.text("two")
    ann.react(one, "👍")
    ann.react(two, "👍")
    ann.react(two, None)
    ann.say("reaction", {"message_id": "wamid.never-seen", "emoji": "👍"}, opens=False, timestamp="1790000000")
    first, second = said(whole(world))
    until(lambda: world.trail(second["id"]).count("reacted") == 2, 10 * SLOWER)
    assert world.messages()[0]["reactions"] and not world.messages()[1].get("reactions")
    all_told(world, [first, second])


def test_a_reaction_opens_no_window(world):
    """Nowhere is it confirmed that it does: the window is counted by what he wrote."""
    ann = world.user()
    hello = ann.text("hello", timestamp=str(int(time.time()) - 7200))
    world.got(n=1)
    before = world.thread()["windows"]["main"]["until"]
    ann.react(hello, "👍")
    until(lambda: world.messages()[0].get("reactions"), 10 * SLOWER)
    assert world.thread()["windows"]["main"]["until"] == before


def test_system_and_calls_and_refusals_are_events(world):
    ann = world.user()
    ann.text("hello")
    ann.say("system", {"body": "Ann has a new identity", "type": "customer_identity_changed"}, opens=False)
    ann.call()
    ann.call(seconds=65)
    ann.call_permission("reject")
    ann.preference("stop")
    ann.preference("resume")
    ms = whole(world)
    what = [m["event"]["what"] for m in said(ms, "event") if m["event"]["type"] == "channel"]
    assert what == ["service", "call_in", "call_missed", "call_in", "call_ended", "calls_refused", "marketing_stop", "marketing_resume"]
    all_told(world, ms)


def test_unsupported_kinds_are_told(world):
    """Also the one that is too large for WhatsApp, and one without content: raw is kept for each."""
    ann = world.user()
    ann.unsupported("poll_creation")
    ann.unsupported("event", code=131060)
    ann.unsupported("video", code=131052)
    ann.say("image", None, errors=[{"code": 131051, "title": "Message type unknown"}])
    ann.say(None, None)
    ms = until(lambda: (lambda ms: ms if len(ms) == 5 else None)(world.messages()), 15 * SLOWER)
    assert [m["raw_type"] for m in ms] == ["poll_creation", "event", "video", "image", "unknown"]
    assert ms[2]["attachments"][0]["state"] == "too_large"
    assert all(world.api.get(f"/messages/{m['id']}/trace")["raw"] for m in ms)
    all_told(world, ms)


def test_groups_are_told(world):
    ann, bob = world.fake.user("4917600000", "Ann"), world.fake.user("4917600001", "Bob")
    hello = world.number.in_group(ann).text("hello all")
    world.number.in_group(bob).react(hello, "🎉")
    world.number.in_group(bob).image(caption="the yard")
    ms = until(lambda: (lambda ms: ms if len(ms) == 2 and ms[0].get("reactions") else None)(whole(world)), 15 * SLOWER)
    assert [m["author"]["name"] for m in ms] == ["Ann", "Bob"] and len(world.api.threads()) == 1
    assert ms[0]["reactions"][0]["name"] == "Bob"
    all_told(world, ms)


def test_the_phone_of_the_business_is_told(world):
    """Coexistence: echoes are ours, history is past; files of both are on the card."""
    ann = world.fake.user("4917600000", "Ann")
    ids = world.number.history(ann, [(True, "old question", 90000), (False, "old answer", 89000), (True, None, 88000)])
    until(lambda: world.api.threads("closed"), 10 * SLOWER)
    world.number.history_media(ann, ids[2])
    world.number.echo(ann, "from the phone")
    media = world.fake.do(world.fake.world.store, samples.PDF, "application/pdf", world.number.number)
    world.number.echo(ann, type="document", document={"id": media, "mime_type": "application/pdf", "filename": "a.pdf"})
    ann.chat(world.number).text("and now?")
    ms = until(lambda: (lambda ms: ms if len([m for m in ms if m.get("attachments") and m["attachments"][0].get("id")]) == 2
                        and len(said(ms)) == 3 else None)(whole(world)), 20 * SLOWER, why="for all of it")
    assert [m["direction"] for m in ms if m.get("past")] == ["in", "out", "in"]
    all_told(world, ms)


def test_repeats_and_batches_are_told_once(world):
    """F16: each body twice; many people in one body; one card message each."""
    world.fake.repeat = 1.0
    people = [world.user(f"49176000{i:02}", f"P{i}") for i in range(5)]
    for k in range(3):
        for one in people:
            one.text(f"m{k}")
    until(lambda: len(whole(world)) == 15, 20 * SLOWER)
    all_told(world, whole(world))


def one_client(world, n):
    ms = until(lambda: (lambda ms: ms if len(said(ms)) == n else None)(whole(world)), 15 * SLOWER, why=f"for {n} messages")
    assert len(world.api.threads()) == 1 and len({m["client"] for m in ms}) == 1
    all_told(world, ms)
    client = world.api.get(f"/clients/{ms[0]['client']}")["client"]
    return {(i["kind"], i["address"]) for i in client["identities"]}


def test_hidden_number_and_the_question_for_it_are_told(world):
    """A username and no number; the number that was asked for; then both."""
    ann = world.user("4917600000", "Ann", username="@ann.k", hidden=True, bsuid="DE.8841")
    ann.text("who am I")
    m = world.got(n=1)[0]
    assert world.api.get(f"/clients/{m['client']}")["client"]["profile"]["username"] == "ann.k"
    world.say(m["thread"], {"text": "your number, please", "request": "contact"})
    ann.share_phone()
    world.got(n=2)
    ann.user.hidden = False
    ann.text("shown now")
    assert one_client(world, 3) >= {("whatsapp", "DE.8841"), ("whatsapp", "4917600000"), ("phone", "+4917600000")}


def test_new_number_and_id_are_told(world):
    ann = world.user("4917600000", "Ann", bsuid="DE.1", parent="DE.ENT.7")
    ann.text("old phone")
    ann.change_number("4917699999", "DE.2")
    ann.text("new phone")
    ann.say("system", {"body": "Ann has a new id", "type": "user_changed_user_id", "user_id": "DE.3"}, opens=False)
    ann.user.bsuid = "DE.3"
    ann.text("new id")
    known = one_client(world, 3)
    assert known >= {("whatsapp", a) for a in ("DE.1", "DE.2", "DE.3", "DE.ENT.7", "4917699999")}
    assert any(m["event"].get("what") == "moved" for m in said(world.messages(), "event"))


@pytest.mark.parametrize("old, new", [("551188887777", "5511988887777"), ("525512345678", "5215512345678"),
                                      ("541123456789", "5491123456789")])
def test_numbers_written_differently_are_one(world, old, new):
    for phone, text in ((old, "one"), (new, "two"), (old, "three")):
        chat = world.user(phone, "Bia", bsuid="XX.1")
        chat.user.old_style = True
        chat.text(text)
    one_client(world, 3)
