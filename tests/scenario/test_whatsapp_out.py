"""WhatsApp, what goes out, by the fake: each kind in the thread as an agent gets it, on the card once and the same, with
its trail; window, templates, statuses, codes (issue 4, lines 5 and 6; F03, F38)."""

import pytest
from fakes.whatsapp import samples
from fakes.whatsapp.errors import ApiError
from harness import SLOWER, until
from whatsapp_world import WhatsApp


@pytest.fixture
def world(start_gateway):
    w = WhatsApp(start_gateway)
    yield w
    assert not w.fake.problems, w.fake.problems[:5]
    assert not w.fake.twice()
    w.close()


def dialogue(world, name="Ann", phone="4917600000", **kw):
    """A person who has written, and the thread."""
    chat = world.user(phone, name, **kw)
    chat.text("hello")
    world.got(name)
    return chat, world.thread_of(name)


def calm(world):
    until(world.fake.wait_calm, 20 * SLOWER)


def test_a_part_that_was_not_noted_is_not_sent_again(world):
    """Redis is away just when the first part is at WhatsApp, and the second one is told to wait (F03): nobody knows,
    until its status tells; then the rest follows."""
    world.fake.statuses = False
    _, thread = dialogue(world)
    words = " ".join(f"word{i}" for i in range(1500))
    world.fake.fault("slow", times=1, ms=500)
    world.fake.fault("131056", times=1)
    m = world.api.post(f"/threads/{thread}/messages", {"text": words})["message"]
    until(lambda: world.fake.faults.happened, 10 * SLOWER, 0.005)
    with world.gateway.redis_away():
        until(lambda: len(world.fake.faults.happened) == 2, why="for the second part to be told")
    world.gateway.wait_ready(30 * SLOWER)

    def there():
        return [s["body"]["text"]["body"] for s in world.fake.sent]

    until(lambda: world.message(thread, m["id"])["status"] == "unknown", 60 * SLOWER)
    assert len(there()) == 1 and len(world.fake.faults.happened) == 2, world.fake.faults.happened
    world.fake.statuses = True
    world.fake.status(world.number.number, world.fake.sent[0], "sent")
    until(lambda: world.message(thread, m["id"])["status"] in ("sent", "delivered"), 60 * SLOWER)
    assert " ".join(p.strip() for p in there()) == words, "a part came twice, or not at all"


@pytest.mark.parametrize("status, held", [("held_for_quality_assessment", "quality"), ("paused", "paused")])
def test_a_template_that_is_held_back(world, status, held):
    """Taken, but not sent yet: the message says so until a status tells more."""
    _, thread = dialogue(world)
    world.waba.templates[0]["message_status"] = status
    body = {"template": {"name": "order_ready", "language": "en", "values": {"body.1": "Ann", "body.2": "17"}}}
    one, two = (world.say(thread, body, "sent") for _ in range(2))
    assert one["held"] == two["held"] == held and "held" in world.trail(one["id"])

    def told(m, at, word, error=None):
        world.fake.status(world.number.number, world.fake.sent[at], word, error)
        calm(world)
        return world.message(thread, m["id"])

    let_go = told(one, 0, "sent")
    assert let_go["status"] == "sent" and "held" not in let_go and "released" in world.trail(one["id"])
    assert "held" not in told(one, 0, "delivered")
    dropped = told(two, 1, "failed", ApiError(132015))
    assert "held" not in dropped and dropped["error"]["text"].startswith("w132015: WhatsApp has paused this template")
    world.told([one, two])


def test_a_reaction_that_fails_later(world):
    """Taken, and given back: the agent sees that the client does not see it. What came after it is not touched."""
    ann, thread = dialogue(world)
    hello = world.messages()[0]["id"]
    world.fake.statuses = False

    def react(emoji):
        world.api.ask("PUT", f"/messages/{hello}/reaction", json={"emoji": emoji})
        until(lambda: world.message(thread, hello)["change"]["state"] == "done", 10 * SLOWER)
        return world.fake.sent[-1]

    def told(one, word, error=None):
        world.fake.status(world.number.number, one, word, error)
        calm(world)
        return world.message(thread, hello)["change"]

    first = react("👍")
    assert told(first, "sent")["state"] == "done" and world.message(thread, hello)["status"] == "received"
    for _ in range(2):  # it comes twice
        failed = told(first, "failed", ApiError(131026))
        assert failed["state"] == "failed" and failed["error"]["text"].startswith("w131026: ")
    trail = world.trail(hello)
    assert trail.count("change_failed") == 1 and trail.count("stored") == 1
    second = react("🔥")
    assert told(first, "failed", ApiError(131000))["state"] == "done", "an older one has failed"
    world.fake.fault("slow", times=1, ms=1)
    gone = react("")
    assert told(second, "failed", ApiError(131000))["state"] == "done"
    assert told(gone, "failed", ApiError(131000))["state"] == "failed"
    world.told([world.messages()[0]])


def test_failed_after_it_was_taken(world):
    """Nobody sends it again by himself, for others went after it: it says what to do, and the file is uploaded anew."""
    _, thread = dialogue(world)
    world.fake.statuses = False
    photo = world.upload("a.jpg", samples.JPEG)

    def failed(body, code):
        m = world.say(thread, body, "sent")
        one = world.fake.sent[-1]
        world.fake.status(world.number.number, one, "failed", ApiError(code))
        world.fake.status(world.number.number, one, "failed", ApiError(code))
        calm(world)
        m = world.message(thread, m["id"])
        assert m["status"] == "failed" and m["error"]["late"] and m["error"]["permanent"]
        assert world.trail(m["id"]).count("bounced") == 1
        return m, one

    m, _ = failed({"text": "overloaded"}, 131016)
    assert m["error"]["text"].startswith("w131016: WhatsApp's service is overloaded. Send it again. [")
    for code in (131053, 131052):
        n = world.fake.calls["POST media"]
        m, one = failed({"text": "look", "attachments": [photo]}, code)
        assert "Send it again" in m["error"]["text"] and world.fake.calls["POST media"] == n + (code == 131053)
        again = world.say(thread, {"text": "once more", "attachments": [photo]}, "sent")
        assert world.fake.calls["POST media"] == n + 1 + (code == 131053)
        assert world.fake.sent[-1]["body"]["image"]["id"] != one["body"]["image"]["id"]
        assert "error" not in again
    m, _ = failed({"text": "no money"}, 131042)
    assert "Send it again when that is mended." in m["error"]["text"]
    until(lambda: world.channel()["state"] == "lost", 45 * SLOWER)


# --- every kind ---

MEDIA = {"image": ("a.jpg", samples.JPEG), "video": ("b.mp4", samples.MP4), "audio": ("c.mp3", samples.MP3),
         "document": ("план.pdf", samples.PDF)}
HEADERS = {"picture": ("IMAGE", "image"), "film": ("VIDEO", "video"), "paper": ("DOCUMENT", "document")}


def templates(world):
    """Numbered and named fields, each media header, buttons with a suffix and with a code."""
    t = world.fake.template
    t(world.waba, "named", parameter_format="NAMED", components=[
        {"type": "HEADER", "format": "TEXT", "text": "For {{who}}", "example": {"header_text_named_params": [
            {"param_name": "who", "example": "Ann"}]}},
        {"type": "BODY", "text": "Dear {{first_name}}", "example": {"body_text_named_params": [
            {"param_name": "first_name", "example": "Ann"}]}},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Thanks"},
                                        {"type": "URL", "text": "Track", "url": "https://example.org/{{1}}"}]}])
    t(world.waba, "code", components=[{"type": "BODY", "text": "Take it"}, {"type": "BUTTONS", "buttons": [
        {"type": "COPY_CODE", "text": "Copy", "example": "SALE"}]}])
    for name, (kind, _) in HEADERS.items():
        t(world.waba, name, components=[{"type": "HEADER", "format": kind}, {"type": "BODY", "text": f"A {name}"}])
    world.number.account("message_template_status_update", {"event": "APPROVED", "message_template_name": "named",
                                                            "message_template_language": "en"})
    until(lambda: len(world.api.get("/channels/main/templates")["templates"]) == 6, 20 * SLOWER, why="for the list")


def bodies(world, first):
    """(name, what an agent posts, what the client gets): each kind."""
    media = {kind: world.upload(name, data) for kind, (name, data) in MEDIA.items()}
    rows = [[{"text": f"{i}: a rather long choice, this one"}] for i in range(5)]
    yield "text", {"text": "plain *text* 👋"}, {"text": {"body": "plain *text* 👋"}}
    yield "quote", {"text": "to that", "reply_to": first["id"]}, {"context": {"message_id": first["external_id"]}}
    for kind, m in media.items():
        yield kind, {"text": f"a {kind}", "attachments": [m]}, {"type": kind}
    yield "place", {"location": {"lat": 1.5, "lon": 2.5, "name": "Shop", "address": "Pine 5"}}, {"location": {
        "latitude": 1.5, "longitude": 2.5, "name": "Shop", "address": "Pine 5"}}
    yield "contact", {"contact": {"name": "Bob", "phone": "+49 151 7"}}, {"type": "contacts"}
    yield "buttons", {"text": "Tomorrow?", "buttons": [[{"text": "Yes"}, {"text": "No"}]]}, {"type": "interactive"}
    yield "list", {"text": "Which?", "buttons": rows}, {"type": "interactive"}
    yield "link", {"text": "See", "buttons": [[{"text": "Open", "url": "https://example.org/x"}]]}, {"type": "interactive"}
    yield "phone", {"text": "Your number?", "request": "contact"}, {"type": "interactive"}
    values = {"header.who": "Ann", "body.first_name": "Ann", "button.1": "17"}
    yield "named", {"template": {"name": "named", "language": "en", "values": values}}, {"type": "template"}
    numbered = {"body.1": "Ann", "body.2": "17"}
    yield "numbered", {"template": {"name": "order_ready", "language": "en", "values": numbered}}, {"type": "template"}
    yield "code", {"template": {"name": "code", "language": "en", "values": {"button.0": "SALE"}}}, {"type": "template"}
    for name, (_, kind) in HEADERS.items():
        yield name, {"template": {"name": name, "language": "en"}, "attachments": [media[kind]]}, {"type": "template"}


@pytest.mark.parametrize("whom", ["phone", "bsuid"])
def test_every_kind_out_is_told(world, whom):
    """To a phone, and to a BSUID whose number nobody sees: in the thread, on the card once and the same, in the trail."""
    templates(world)
    world.fake.reads = True
    ann = world.fake.user("4917600000", "Ann", **({"hidden": True, "username": "ann.k"} if whom == "bsuid" else {}))
    ann.old_style = whom == "phone"  # of the time before BSUIDs
    ann.chat(world.number).text("hello")
    world.got()
    thread = world.thread_of("Ann")
    first, said = world.messages()[0], {}
    for name, body, wanted in bodies(world, first):
        said[name] = world.say(thread, body, "read", timeout=30)
        got = world.fake.sent[-1]["body"]
        assert {k: got[k] for k in wanted} == wanted, name
        assert got.get("to") == ("4917600000" if whom == "phone" else None), got
        assert got.get("recipient") == (ann.bsuid if whom == "bsuid" else None), got
        assert got["biz_opaque_callback_data"].startswith(f"sb:{thread}:")
    for kind, (file_name, data) in MEDIA.items():
        a = said[kind]["attachments"][0]
        assert a["name"] == file_name and world.api.ask("GET", f"/media/{a['id']}").content == data
    assert said["quote"]["reply_to"] == first["id"] and said["place"]["location"]["address"] == "Pine 5"
    odd = world.upload("x.bin", b"\x01\x02\x03" + bytes(50))
    m = world.say(thread, {"attachments": [odd]}, "failed")
    assert m["error"]["text"].startswith("no_type_whatsapp: ") and "ZIP" in m["error"]["text"]
    assert said["named"]["text"] == "For Ann\n\nDear Ann" and said["picture"]["attachments"] and said["list"]["buttons"]
    assert world.fake.calls["POST media"] == len(MEDIA), "a file was uploaded twice"
    world.fake.do(lambda: [m.update(until=0) for m in world.fake.world.media.values()])  # 30 days are over
    said["expired"] = world.say(thread, {"attachments": [said["image"]["attachments"][0]["id"]]}, "read", timeout=30)
    assert world.fake.calls["POST media"] == len(MEDIA) + 1
    world.told(said.values())
    assert len(world.gateway.card_messages()) == len(world.messages())
    for name, m in said.items():
        out = world.gateway.cli("trace", m["id"]).stdout
        assert m["id"] in out and "sending" in out and "read" in out, out


@pytest.mark.parametrize("kind, rate", [("STANDARD", 80), ("HIGH", 1000)])
def test_throughput_of_the_number(start_gateway, kind, rate):
    """What the platform allows the number is learnt, shown, and kept."""
    w = WhatsApp(start_gateway, number={"throughput": kind})
    assert until(lambda: w.channel()["info"]["throughput"] == rate, 20 * SLOWER)
    w.fake.limits.on = True
    people = [w.user(f"49176000{i:02}", f"P{i}") for i in range(8)]
    for one in people:
        one.text("hello")
    until(lambda: len(w.api.threads()) == len(people), 10 * SLOWER)
    threads = w.api.threads()
    for k in range(15):
        for t in threads:
            w.api.post(f"/threads/{t['id']}/messages", {"text": f"m{k}"})
    until(lambda: len(w.fake.sent) == 120, 30 * SLOWER, why="for all of them")
    assert len(w.fake.limits.refused) <= 6 and 131056 not in w.fake.limits.refused
    assert all([s["body"]["text"]["body"] for s in one.user.inbox] == [f"m{k}" for k in range(15)] for one in people)
    w.close()
