"""WhatsApp by the fake: every kind of message both ways, who it is, the window, templates, statuses (rows W of the
channel sheet; F16 repeats, F38 lost answers)."""

import json
import pathlib
import time

import pytest
from fakes.whatsapp import samples
from fakes.whatsapp.control import play_file
from fakes.whatsapp.errors import ApiError
from harness import SLOWER, until
from whatsapp_world import WhatsApp

SCENARIOS = pathlib.Path(__file__).parent.parent / "fakes/whatsapp/scenarios"


@pytest.fixture
def world(start_gateway):
    with WhatsApp(start_gateway) as w:
        yield w


# --- in ---


def fetched(m):
    return all(a.get("id") for a in m.get("attachments", []))


def test_every_kind_in(world):
    """Each once, in order, files byte by byte, on the card and in the trail."""
    play_file(world.fake, world.number, SCENARIOS / "every_kind_in.json")
    ms = until(lambda: (lambda ms: ms if len(ms) >= 27 and all(map(fetched, ms)) else None)(world.messages()),
               30 * SLOWER, why="for all of it")
    until(world.fake.wait_calm, 10)
    ms = world.messages()
    assert [m["seq"] for m in ms] == list(range(1, len(ms) + 1))
    said = [m for m in ms if m["direction"] == "in"]
    by_text = {m.get("text"): m for m in said}
    ad = said[0]
    assert ad["referral"] == {"kind": "ad", "url": "https://fb.me/abc", "id": "1200", "title": "Summer sale", "clid":
                              "clid-1", "text": "All tiles half price", "image": "https://scontent.example/a.jpg"}
    text = by_text['ünïcode / "quotes" 👋\nsecond line']
    assert text["reactions"] == [{"emoji": "👍", "by": "client", "name": "Ann"}]
    for caption, kind, data in (("the kitchen", "image", samples.JPEG), ("the floor", "video", samples.MP4),
                                ("the plan", "document", samples.PDF)):
        a = by_text[caption]["attachments"][0]
        assert a["kind"] == kind and world.api.ask("GET", f"/media/{a['id']}").content == data
    assert by_text["the plan"]["attachments"][0]["name"] == "план кухни.pdf"
    roles = [m["attachments"][0].get("role") for m in said if m.get("attachments")]
    assert roles == [None, None, None, "voice", None, "sticker"]
    place = next(m for m in said if "location" in m)["location"]
    assert place == {"lat": 52.52, "lon": 13.405, "name": "Home", "address": "Pine Street 5"}
    card = next(m for m in said if "contact" in m)
    assert card["contact"] == {"name": "Bob", "phone": "+49 151 7"} and card["text"] == "Cat +49 151 8"
    form = next(m for m in said if "form" in m)
    assert form["form"]["values"] == {"date": "2026-12-01", "people": "3"} and "people: 3" in form["text"]
    order = next(m for m in said if "order" in m)
    assert len(order["order"]["items"]) == 2 and order["text"].startswith("please\n2 x sku-1")
    assert by_text["an answer to that"]["reply_to"] == text["id"]
    assert by_text["passed on"]["forward"] == {"kind": "hidden_user", "name": "", "often": True}
    assert by_text["Is it there?"]["product"] == {"catalog": "99", "id": "sku-1"}
    assert [m["raw_type"] for m in said if m.get("raw_type")] == ["poll_creation", "of_next_year"]
    assert by_text["the"]["edits"][0]["text"] == "teh" and by_text["a secret"]["deleted_by"] == "client"
    events = [m["event"]["text"] for m in ms if m["direction"] == "event" and m["event"]["type"] == "channel"]
    assert "Missed call." in events and "Call, 2 min 05 s." in events
    assert any("marketing" in e for e in events) and any("first time" in e for e in events)
    own = next(m for m in ms if m["direction"] == "out")
    assert own["text"] == "written on the phone" and own["status"] == "sent"
    until(lambda: set(world.card()) >= {m["id"] for m in ms}, 20 * SLOWER, why="for the card")
    trail = world.trail(by_text["the kitchen"]["id"])
    assert {"received", "stored", "attached"} <= set(trail) and any(t.startswith("fetch") for t in trail)
    raw = world.api.get(f"/messages/{said[-1]['id']}/trace")
    unknown = next(m for m in said if m.get("raw_type") == "of_next_year")
    raw = world.api.get(f"/messages/{unknown['id']}/trace")["raw"]
    assert raw["message"]["of_next_year"] == {"x": 1}
    assert world.thread()["state"] == "open"


def test_repeats_are_no_doubles(world):
    """F16: for seven days the same may come again, whole or in parts."""
    world.fake.repeat = 1.0
    ann = world.user()
    for i in range(20):
        ann.text(f"m{i}")
    world.got(n=20)
    until(world.fake.wait_calm, 20)
    assert [m["text"] for m in world.messages() if m["direction"] == "in"] == [f"m{i}" for i in range(20)]


def test_what_changes_afterwards(world):
    """Reactions are taken back; what was written on the phone is edited and deleted there, also for a client without a
    number; who opens the chat has said nothing yet."""
    ann = world.user("4917600000", "Ann", hidden=True, username="ann.k")
    ann.welcome()
    until(lambda: any(m["direction"] == "event" for m in world.messages()), 10)
    assert "main" not in world.thread()["windows"]
    hello = ann.text("hello")
    ann.react(hello, "👍")
    until(lambda: world.got(n=1)[0].get("reactions"), 10)
    ann.react(hello, None)
    until(lambda: not world.got(n=1)[0].get("reactions"), 10)
    first, second = world.number.echo(ann.user, "frmo the phone"), world.number.echo(ann.user, "a mistake")
    world.number.echo(ann.user, type="edit", edit={"original_message_id": first, "message": {
        "type": "text", "text": {"body": "from the phone"}}})
    world.number.echo(ann.user, type="revoke", revoke={"original_message_id": second})
    media = world.fake.do(world.fake.world.store, samples.PDF, "application/pdf", world.number.number)
    world.number.echo(ann.user, type="document", document={"id": media, "mime_type": "application/pdf", "filename": "a.pdf"})

    def own():
        return [m for m in world.messages() if m["direction"] == "out"]

    until(lambda: len(own()) == 3 and own()[0].get("edits") and own()[1].get("deleted_by") and fetched(own()[2]), 20 * SLOWER)
    assert own()[0]["text"] == "from the phone" and len(world.api.threads()) == 1
    assert world.api.ask("GET", f"/media/{own()[2]['attachments'][0]['id']}").content == samples.PDF


def test_groups(world):
    ann, bob = world.fake.user("4917600000", "Ann"), world.fake.user("4917600001", "Bob")
    world.number.in_group(ann).text("hello all")
    world.number.in_group(bob).text("hello Ann")
    thread = until(lambda: next(iter(world.api.threads()), None), 10)
    ms = until(lambda: (lambda ms: ms if len(ms) == 2 else None)(world.api.messages(thread["id"])), 10)
    assert {m["author"]["name"] for m in ms} == {"Ann", "Bob"}
    world.say(thread["id"], {"text": "good day"}, "sent")
    one = world.fake.sent[-1]
    assert one["body"]["recipient_type"] == "group" and one["body"]["to"] == "grp-1"

    def last():
        return world.api.messages(thread["id"])[-1]["status"]

    for who, word, error in ((ann, "delivered", None), (bob, "failed", ApiError(131026)), (bob, "sent", None)):
        one["user"] = who  # each tells of himself: one who has it is more than one who has not
        world.fake.status(world.number.number, one, word, error)
    until(world.fake.wait_calm, 10)
    assert last() == "delivered"


def test_history_is_no_news(world):
    """Coexistence: what was said before is in the thread, wakes nobody, opens no window."""
    ann = world.fake.user("4917600000", "Ann")
    ids = world.number.history(ann, [(True, "old question", 90000), (False, "old answer", 89000), (True, None, 88000)])
    thread = until(lambda: next(iter(world.api.threads("closed")), None), 10)
    ms = until(lambda: (lambda ms: ms if len(ms) == 3 else None)(world.api.messages(thread["id"])), 10)
    assert [m["direction"] for m in ms] == ["in", "out", "in"] and all(m["past"] for m in ms)
    assert thread["unread"] == 0 and thread["state"] == "closed" and thread["waiting_since"] is None
    assert ms[2]["attachments"][0]["state"] == "unavailable" and "main" not in thread["windows"]
    world.number.history_media(ann, ids[2])
    m = until(lambda: (lambda m: m if fetched(m) else None)(world.message(thread["id"], ms[2]["id"])), 10 * SLOWER)
    assert world.api.ask("GET", f"/media/{m['attachments'][0]['id']}").content == samples.JPEG
    assert not m.get("edited_at") and not m.get("edits") and "filled" in world.trail(m["id"])
    assert world.api.get(f"/threads/{thread['id']}")["thread"]["client"]["name"] == ""
    ann.chat(world.number).text("and now?")
    until(lambda: world.thread("Ann"), 10, why="for the name that the history did not tell")
    until(lambda: world.api.get(f"/threads/{thread['id']}")["thread"]["state"] == "open", 10)


def test_one_bad_event_never_blocks_the_rest(world):
    number = world.number.number
    good = {"from": "4917600000", "id": "wamid.GOOD", "timestamp": "1790000000000", "type": "text", "text": {"body": "fine"}}
    strange = [None, 5, "x", [], {}, {"type": "text"}, {"type": 7, "id": {}}, {"from": [], "id": "wamid.X", "type": "image"},
               {"from": "4917600000", "id": "w" * 1000, "type": "text", "text": {"body": "long id"}},
               {"type": "text", "text": {"body": "nobody"}, "id": "wamid.N"}, good]
    value = {"messaging_product": "whatsapp", "metadata": world.fake.metadata(number), "messages": strange,
             "statuses": [None, {}, {"id": "wamid.zz", "status": "read"}, {"id": 5, "status": "delivered"},
                          {"id": "wamid.zz", "status": "failed", "recipient_id": "4917600000"}], "contacts": [None, {}]}
    body = {"object": "whatsapp_business_account", "entry": [
        None, {"changes": None}, {"id": "77", "changes": [{"field": "messages"}, {"field": "x", "value": {}},
                                                          {"field": "messages", "value": value}]}]}
    assert world.fake.post_raw(number, body) == 200
    assert world.fake.post_raw(number, body) == 200
    threads = world.api.threads()
    texts = [m.get("text") for t in threads for m in world.api.messages(t["id"])]
    assert texts.count("fine") == 1 and texts.count("long id") == 1 and texts.count("nobody") == 1
    fine = next(m for t in threads for m in world.api.messages(t["id"]) if m.get("text") == "fine")
    assert fine["sent_at"].startswith("2026-09")


def test_no_word_of_the_number(world):
    """What always comes does not come: by the account, or by the URL, it is clear enough whose it is."""
    for waba, message in (("77", text_from("4917600000", "wamid.N1", "account only")),
                          (None, text_from("4917600000", "wamid.N2", "nothing at all")),
                          ("88", text_from("4917600000", "wamid.N3", "of another account"))):
        entry = {"changes": [{"field": "messages", "value": {"messages": [message]}}], **({"id": waba} if waba else {})}
        assert world.fake.post_raw(world.number.number, {"object": "whatsapp_business_account", "entry": [entry]}) == 200
    assert [m["text"] for t in world.api.threads() for m in world.api.messages(t["id"])] == ["account only", "nothing at all"]
    assert "whatsapp.unknown_number" in world.gateway.log_path.read_text()


def text_from(phone, wamid, text):
    return {"from": phone, "id": wamid, "timestamp": str(int(time.time())), "type": "text", "text": {"body": text}}


@pytest.mark.long
def test_three_megabytes_in_one_body(world):
    """As large as Meta's largest: all of it is there when 200 is said, once, in the order of each person."""
    number, people, n = world.number.number, 40, 2600
    messages = [text_from(f"4917600{i % people:03}", f"wamid.BIG{i}", f"{i} " + "x" * 1000) for i in range(n)]
    body = json.dumps({"object": "whatsapp_business_account", "entry": [{"id": "77", "changes": [{
        "field": "messages", "value": {"metadata": world.fake.metadata(number), "messages": messages}}]}]}).encode()
    assert 2 << 20 < len(body) <= 3 << 20
    for _ in range(2):
        assert world.fake.post_raw(number, body) == 200
        got = [[int(m["text"].split()[0]) for m in world.api.messages(t["id"])] for t in world.api.threads()]
        assert sorted(got) == [list(range(i, n, people)) for i in range(people)]
    assert world.fake.post_raw(number, body + b" " * (2 << 20)) == 413


def test_signatures_and_handshake(world):
    number, g = world.number.number, world.gateway
    body = {"object": "whatsapp_business_account", "entry": []}
    for sign in ("none", "wrong", "truncated"):
        assert world.fake.post_raw(number, body, sign) == 401
    assert world.fake.post_raw(number, b'{"object": "x"}', headers={"X-Hub-Signature-256": "sha256=" + "0" * 64}) == 401
    assert world.fake.post_raw(number, body) == 200
    assert world.fake.post_raw(number, b"<html>") == 200  # no webhook: it would only come again
    ask = {"hub.mode": "subscribe", "hub.challenge": "12345", "hub.verify_token": "a-word-of-ours"}
    r = world.api.http.get(g.url + "/hooks/whatsapp/main", params=ask, timeout=10)
    assert r.status_code == 200 and r.text == "12345" and r.headers["Content-Type"].startswith("text/plain")
    for wrong in ({"hub.verify_token": "other"}, {"hub.mode": "x"}, {"hub.challenge": ""}):
        assert world.api.http.get(g.url + "/hooks/whatsapp/main", params={**ask, **wrong}, timeout=10).status_code == 403
    metrics = world.api.http.get(g.url + "/metrics", timeout=10).text
    assert 'sb_refused_total{reason="auth"}' in metrics


def test_secret_is_rotated_without_a_loss(start_gateway):
    new = "fedcba9876543210fedcba9876543210"
    w = WhatsApp(start_gateway)
    text = w.gateway.config_text.replace(f'app_secret = "{w.app.secret}"', f'app_secret = "{new} {w.app.secret}"')
    w.gateway.config_text = text
    w.gateway.write_config()
    w.gateway.reload()
    ann = w.user()
    ann.text("signed with the old one")
    w.got(n=1)
    w.app.secret = new
    ann.text("signed with the new one")
    w.got(n=2)
    w.close()


def test_two_numbers_of_one_app(start_gateway):
    """One URL, two numbers: each message goes to the channel of its number; a number that we do not know is told."""
    second = ('whatsapp "second" {{ token = "%s" phone_number_id = "2000" waba_id = "77" app_secret = "%s" '
              'verify_token = "a-word-of-ours" api_url = "%s" }}\n')
    from fakes.whatsapp import FakeWhatsApp
    from whatsapp_world import TOKEN
    probe = FakeWhatsApp()
    secret = probe.app().secret
    probe.close()
    w = WhatsApp(start_gateway, more=second % (TOKEN, secret, "http://127.0.0.1:9"))
    other = w.fake.number("2000", w.waba, "+49 151 2")
    stranger = w.fake.number("3000", w.waba, "+49 151 3")
    user = w.fake.user("4917600000", "Ann")
    user.chat(w.number).text("to one")
    user.chat(other).text("to two")
    user.chat(stranger).text("to nobody")
    ms = w.got(n=2)
    assert {m["channel"] for m in ms} == {"main", "second"}
    until(w.fake.wait_calm, 10)
    assert "whatsapp.unknown_number" in w.gateway.log_path.read_text()
    assert all(s == 200 for s in w.fake.webhooks)
    w.close()


# --- files ---


@pytest.mark.long
def test_files_that_cannot_be_had(world):
    ann = world.user()
    vanished = ann.image(caption="vanished")
    world.got(n=1)
    media = world.fake.world.media

    def last():
        return list(media.values())[-1]

    world.fake.fault("500", "GET media id", times=4)  # once for each: none is had before it is as it shall be
    ann.image(caption="late")
    world.fake.do(lambda: last())
    ann.document(caption="wrong hash", told="A" * 43 + "=")
    big = ann.document(caption="big")
    world.fake.do(lambda: last().update(told_size=200 << 20))
    gone = ann.document(caption="gone")
    world.fake.do(lambda: last().update(vanished=True))

    def state(text):
        m = next((m for m in world.messages() if m.get("text") == text), None)
        return m and m["attachments"][0]

    until(lambda: (state("late") or {}).get("id"), 30 * SLOWER, why="for the one that was late")
    until(lambda: (state("big") or {}).get("state") == "too_large", 30 * SLOWER, why="for the one that is too big")
    until(lambda: (state("gone") or {}).get("state") == "failed", 60 * SLOWER, why="for the one that is gone")
    until(lambda: (state("wrong hash") or {}).get("state") == "failed", 30 * SLOWER, why="for the one that has changed")
    assert "hash" in state("wrong hash")["error"]
    assert "100 MB" in state("big")["error"] and vanished and big and gone


# --- out ---


def test_every_kind_out(world):
    ann = world.user()
    hello = ann.text("hello")
    first = world.got(n=1)[0]
    thread = world.thread_of("Ann")

    def sent(n=1):
        return [m["body"] for m in world.fake.sent[-n:]]

    world.say(thread, {"text": "plain *text*", "reply_to": first["id"]})
    assert sent()[0]["text"] == {"body": "plain *text*"} and sent()[0]["context"] == {"message_id": hello}
    long = "word " * 2000
    m = world.say(thread, {"text": long.strip()})
    parts = [p["text"]["body"] for p in sent(3)]
    assert " ".join(p.strip() for p in parts) == long.strip() and all(len(p) <= 4096 for p in parts)
    assert {p["biz_opaque_callback_data"][-3:] for p in sent(3)} == {"1/3", "2/3", "3/3"}
    photo, plan = world.upload("a.jpg", samples.JPEG), world.upload("plan.pdf", samples.PDF)
    world.say(thread, {"text": "both", "attachments": [photo, plan]})
    image, document = sent(2)
    assert image["image"]["caption"] == "both" and document["document"]["filename"] == "plan.pdf"
    assert world.fake.calls["POST media"] == 2
    world.say(thread, {"attachments": [photo]})
    assert world.fake.calls["POST media"] == 2 and sent()[0]["image"]["id"] == image["image"]["id"]
    world.fake.do(lambda: world.fake.world.media.pop(image["image"]["id"]))  # the platform has lost it
    world.say(thread, {"text": "again", "attachments": [photo]})
    assert world.fake.calls["POST media"] == 3 and sent()[0]["image"]["id"] != image["image"]["id"]
    sticker = world.upload("s.webp", samples.WEBP)
    world.say(thread, {"attachments": [sticker]})
    assert sent()[0]["type"] == "document"
    voice = world.upload("v.ogg", samples.OGG)
    world.say(thread, {"attachments": [voice]})
    assert sent()[0]["type"] == "audio"
    world.say(thread, {"location": {"lat": 1.5, "lon": 2.5, "name": "Shop"}})
    assert sent()[0]["location"] == {"latitude": 1.5, "longitude": 2.5, "name": "Shop"}
    world.say(thread, {"contact": {"name": "Bob", "phone": "+49 151 7"}})
    assert sent()[0]["contacts"][0]["name"]["formatted_name"] == "Bob"
    asked = world.say(thread, {"text": "Tomorrow?", "buttons": [[{"text": "Yes"}, {"text": "No"}]]})
    assert [b["reply"]["title"] for b in sent()[0]["interactive"]["action"]["buttons"]] == ["Yes", "No"]
    ann.press("No")
    pressed = world.got(n=2)[1]
    assert pressed["text"] == "No" and pressed["button"]["text"] == "No" and pressed["reply_to"] == asked["id"]
    rows = [[{"text": f"{i}: a rather long choice, this one"}] for i in range(5)]
    world.say(thread, {"text": "Which?", "buttons": rows})
    assert sent()[0]["interactive"]["type"] == "list"
    ann.press(sent()[0]["interactive"]["action"]["sections"][0]["rows"][2]["title"])
    assert world.got(n=3)[2]["button"]["description"] == "2: a rather long choice, this one"
    world.say(thread, {"text": "See", "buttons": [[{"text": "Open", "url": "https://example.org/x"}]]})
    assert sent()[0]["interactive"]["action"]["parameters"]["url"] == "https://example.org/x"
    world.api.ask("PUT", f"/messages/{first['id']}/reaction", json={"emoji": "👍"})
    until(lambda: sent()[0]["type"] == "reaction", 10)
    assert sent()[0]["reaction"] == {"message_id": hello, "emoji": "👍"}
    until(lambda: world.message(thread, first["id"])["change"]["state"] == "done", 10)
    world.api.ask("PUT", f"/messages/{first['id']}/reaction", json={"emoji": ""})
    until(lambda: sent()[0].get("reaction") == {"message_id": hello, "emoji": ""}, 10, why="for it to be taken back")
    assert world.trail(m["id"])[-1] in ("delivered", "read", "attached")
    many = [[{"text": f"{n}"} for n in range(6)], [{"text": f"{n}"} for n in range(6, 11)]]
    links = [[{"text": "Yes"}, {"text": "Open", "url": "https://example.org/x"}]]
    for buttons, words in ((many, "at most 10 choices"), (links, "one link button alone")):
        m = world.say(thread, {"text": "x", "buttons": buttons}, "failed")
        assert words in m["error"]["text"] and m["error"]["permanent"]


def test_read_marks_and_typing(world):
    ann = world.user()
    wamid = ann.text("hello")
    world.got(n=1)
    thread = world.thread_of("Ann")
    agent = world.gateway.agent()
    agent.send({"type": "typing", "thread": thread, "on": True})
    until(lambda: (wamid, True) in world.number.number.read_marks, 10, why="for typing")
    ann2 = ann.text("more")
    world.got(n=2)
    assert agent.command("read", thread=thread, seq=2)["type"] == "ok"
    until(lambda: (ann2, False) in world.number.number.read_marks, 10, why="for the read mark")


# --- the window and templates ---


@pytest.mark.long
def test_window(world):
    """24 hours after his last message: then templates only, refused in words before anybody waits."""
    bob = world.user("4917600001", "Bob")
    bob.text("hello", timestamp=str(int(time.time()) - 86400 + 3600))
    world.got("Bob")
    world.say(world.thread_of("Bob"), {"text": "still open"})
    ann = world.user()
    ann.text("hello", timestamp=str(int(time.time()) - 86400 + 5))
    world.got(n=1)
    thread = world.thread_of("Ann")
    once = {"text": "in time", "id": "once"}
    first = world.api.post(f"/threads/{thread}/messages", once)
    until(lambda: world.api.ask("POST", f"/threads/{thread}/messages", json={"text": "?"}).status_code == 409, 20, 0.5)
    r = world.api.ask("POST", f"/threads/{thread}/messages", json={"text": "too late"})
    assert r.status_code == 409 and "template" in r.json()["detail"]
    again = world.api.post(f"/threads/{thread}/messages", once)  # the answer was lost
    assert again["message"]["id"] == first["message"]["id"]
    assert world.api.ask("POST", f"/threads/{thread}/messages", json={"text": "n", "note": True}).status_code == 202
    world.fake.close_windows()
    m = world.say(thread, {"template": {"name": "order_ready", "language": "en",
                                        "values": {"body.1": "Ann", "body.2": "17"}}})
    assert m["text"] == "Hello Ann, your order 17 is ready.\n\nThe shop"
    assert world.fake.sent[-1]["body"]["template"]["name"] == "order_ready"
    ann.call()
    until(lambda: world.thread()["windows"]["main"]["until"] > m["received_at"], 10, why="for the window that a call opens")
    world.say(thread, {"text": "you called?"})


def now_text():
    return time.strftime("%Y-%m-%dT%H:%M:%S.999Z", time.gmtime())


def test_window_that_meta_sees_otherwise(world):
    """Both ways in which 131047 comes: at once, and as a status; never as a bare code."""
    ann = world.user()
    ann.text("hello", timestamp=str(int(time.time()) - 7200))
    world.got(n=1)
    thread = world.thread_of("Ann")
    for later in (False, True):
        ann.text("here I am", timestamp=str(int(time.time()) - 3600))
        until(lambda: world.thread()["windows"]["main"]["until"] > now_text(), 10)
        world.fake.window_async = later
        world.fake.close_windows()
        m = world.say(thread, {"text": f"closed {later}"}, "failed")
        assert m["error"]["text"].startswith("w131047: ") and "template" in m["error"]["text"]
        assert m["error"]["permanent"] and "wait" in m["error"]["text"]
        until(lambda: world.thread()["windows"]["main"]["until"] <= now_text(), 10, why="for the window to be over here, too")
        r = world.api.ask("POST", f"/threads/{thread}/messages", json={"text": "again"})
        assert r.status_code == 409


def test_ad_makes_it_free(world):
    ann = world.user()
    ann.from_ad()
    world.got(n=1)
    assert world.thread()["windows"]["main"]["free_until"] is None
    world.say(world.thread_of("Ann"), {"text": "welcome"})
    assert world.thread()["windows"]["main"]["free_until"] > world.thread()["windows"]["main"]["until"]
    bob = world.user("4917600001", "Bob")
    bob.from_ad()
    world.got("Bob", n=1)
    world.number.echo(bob.user, "an answer from the phone")
    until(lambda: world.thread("Bob")["windows"]["main"]["free_until"], 10, why="for what the phone said to count, too")
    ann.preference("stop")
    ann.text("and what does it cost?")
    world.got(n=2)
    profile = world.api.get(f"/threads/{world.thread_of('Ann')}")["client"]["profile"]
    assert profile["referral"]["title"] == "Summer sale" and profile["marketing"] == "stop"
    assert profile["phone"] == "+4917600000"
    ann.from_ad(headline="Winter {sale}, \"now\"")
    world.got(n=3)
    ann.preference("resume")
    ann.text("again")
    world.got(n=4)
    profile = world.api.get(f"/threads/{world.thread_of('Ann')}")["client"]["profile"]
    assert profile["referral"]["title"] == 'Winter {sale}, "now"' and profile["marketing"] == "resume"


def test_templates(world):
    """Named and numbered fields, a file in the header, buttons; wrong ones are refused by name; the list is fresh."""
    t = world.fake.template
    t(world.waba, "named", parameter_format="NAMED", components=[
        {"type": "HEADER", "format": "TEXT", "text": "For {{who}}", "example": {"header_text_named_params": [
            {"param_name": "who", "example": "Ann"}]}},
        {"type": "BODY", "text": "Dear {{first_name}}", "example": {"body_text_named_params": [
            {"param_name": "first_name", "example": "Ann"}]}},
        {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Thanks"},
                                        {"type": "URL", "text": "Track", "url": "https://example.org/{{1}}"}]}])
    t(world.waba, "picture", components=[{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "Look"}])
    t(world.waba, "sale", category="MARKETING", components=[{"type": "BODY", "text": "Sale"}])
    t(world.waba, "rejected", status="REJECTED", components=[{"type": "BODY", "text": "No"}])
    world.number.account("message_template_status_update", {"event": "APPROVED", "message_template_name": "named",
                                                            "message_template_language": "en"})
    known = until(lambda: (lambda ts: ts if len(ts) == 5 else None)(
        world.api.get("/channels/main/templates")["templates"]), 10, why="for the new list")
    named = next(x for x in known if x["name"] == "named")
    assert [f["id"] for f in named["fields"]] == ["header.who", "body.first_name", "button.1"]
    assert next(x for x in known if x["name"] == "rejected")["why"] == "it is not approved"
    ann = world.user()
    ann.text("hello")
    world.got(n=1)
    thread = world.thread_of("Ann")
    values = {"header.who": "Ann", "body.first_name": "Ann", "button.1": "17"}
    m = world.say(thread, {"template": {"name": "named", "language": "en", "values": values}})
    assert m["text"] == "For Ann\n\nDear Ann" and m["template"]["name"] == "named"
    ann.press("Thanks")
    assert world.got(n=2)[1]["button"]["text"] == "Thanks"
    photo = world.upload("a.jpg", samples.JPEG)
    world.say(thread, {"template": {"name": "picture", "language": "en"}, "attachments": [photo]})
    assert "id" in world.fake.sent[-1]["body"]["template"]["components"][0]["parameters"][0]["image"]
    for bad, words in (({**values, "body.first_name": "a\nb"}, "line breaks"), ({"body.first_name": "x"}, "header.who"),
                       ({**values, "body.9": "x"}, "body.9"), ({**values, "button.1": ""}, "button.1")):
        r = world.api.ask("POST", f"/threads/{thread}/messages",
                          json={"template": {"name": "named", "language": "en", "values": bad}})
        assert r.status_code == 400 and words in r.json()["detail"], r.text
    for bad in ({"name": "none", "language": "en"}, {"name": "picture", "language": "en"},
                {"name": "rejected", "language": "en"}):
        assert world.api.ask("POST", f"/threads/{thread}/messages", json={"template": bad}).status_code == 400
    ann.preference("stop")
    until(lambda: any(x["direction"] == "event" and x["event"].get("what") == "marketing_stop" for x in world.messages()), 10)
    m = world.say(thread, {"template": {"name": "sale", "language": "en"}}, "failed")
    assert m["error"]["text"].startswith("w131050: ")
    ann.preference("resume")
    until(lambda: any(x["direction"] == "event" and x["event"].get("what") == "marketing_resume"
                      for x in world.messages()), 10)
    world.say(thread, {"template": {"name": "sale", "language": "en"}})


# --- statuses ---


def test_statuses_only_go_up(world):
    world.fake.shuffle = world.fake.reads = True
    ann = world.user()
    ann.text("hello")
    world.got(n=1)
    thread = world.thread_of("Ann")
    for i in range(8):
        m = world.say(thread, {"text": f"m{i}"}, "read")
        assert m["status"] == "read"
    one = world.fake.sent[-1]
    world.fake.status(world.number.number, one, "sent")
    world.fake.status(world.number.number, one, "delivered")
    ann.played(one)
    ann.played(one)
    until(world.fake.wait_calm, 10)
    assert all(m["status"] == "read" for m in world.messages() if m["direction"] == "out")
    trail = world.api.get(f"/messages/{world.last()['id']}/trace")["trail"]
    assert [t.get("detail") for t in trail if t["what"] == "read"].count("played") == 1


def test_delivered_after_all(world):
    """Given back, and then delivered: what the client has counts. And nothing comes after that."""
    ann = world.user()
    ann.text("hello")
    world.got(n=1)
    world.fake.statuses = False
    m = world.say(world.thread_of("Ann"), {"text": "perhaps"}, "sent")
    one = world.fake.sent[-1]

    def told(word, error=None):
        world.fake.status(world.number.number, one, word, error)
        until(world.fake.wait_calm, 10)
        return world.message(m["thread"], m["id"])

    failed = told("failed", ApiError(131026))
    assert failed["status"] == "failed" and failed["error"]["text"].startswith("w131026: ")
    assert told("sent")["status"] == "failed"
    late = told("delivered")
    assert late["status"] == "delivered" and "error" not in late
    assert told("failed", ApiError(131000))["status"] == "delivered"
    assert told("deleted")["status"] == "delivered"  # a word that nobody knows


def test_status_before_our_answer(world):
    world.fake.early_status = True
    ann = world.user()
    ann.text("hello")
    world.got(n=1)
    m = world.say(world.thread_of("Ann"), {"text": "quick"}, "delivered")
    until(lambda: "sent" in world.trail(m["id"]), 10)
    assert m["external_id"] == world.fake.sent[-1]["id"]


@pytest.mark.parametrize("kind", ["lose", "cut", "html200", "502", "slow"])
def test_lost_answer_is_settled_by_the_status(world, kind):
    """F38: the answer is lost; the status that follows tells that it was sent, and nothing is sent twice. What was
    surely not done stays unknown for a person to decide."""
    ann = world.user()
    ann.text("hello")
    world.got(n=1)
    thread = world.thread_of("Ann")
    world.fake.fault(kind, times=1, ms=500)
    done = kind in ("lose", "cut", "slow")
    m = world.say(thread, {"text": "once"}, ("delivered",) if done else ("unknown",))
    assert len(world.fake.sent) == (1 if done else 0)
    world.say(thread, {"text": "next"}, "delivered")
    assert [s["body"]["text"]["body"] for s in world.fake.sent] == (["once", "next"] if done else ["next"])
    assert m["id"]


def test_lost_part_is_settled_and_the_rest_follows(world):
    ann = world.user()
    ann.text("hello")
    world.got(n=1)
    world.fake.fault("lose", times=1)
    long = ("word " * 2000).strip()
    m = world.say(world.thread_of("Ann"), {"text": long}, "delivered", timeout=30)
    assert len(world.fake.sent) == 3 and not world.fake.twice()
    assert " ".join(s["body"]["text"]["body"].strip() for s in world.fake.sent) == long, m


@pytest.mark.long
def test_errors_are_sorted_and_said(world):
    ann = world.user()
    ann.text("hello")
    world.got(n=1)
    thread = world.thread_of("Ann")
    for code in (100, 131026, 131021, 131051, 130497, 135000):
        world.fake.fault(str(code), times=1)
        m = world.say(thread, {"text": f"code {code}"}, "failed")
        assert m["error"]["text"].startswith(f"w{code}: ") and m["error"]["permanent"]
    again = {}
    for i, code in enumerate((2, 131000, 131016, 131057, "error200")):
        one = world.user(f"491762222{i}", f"P{i}")
        one.text("hello")
        world.got(f"P{i}", n=1)
        world.fake.fault(str(code), times=1, to=one.user.bsuid)
        again[f"P{i}"] = world.api.post(f"/threads/{world.thread_of(f'P{i}')}/messages", {"text": f"again {code}"})["message"]
    for name, m in again.items():
        until(lambda: world.last(name)["status"] in ("sent", "delivered"), 30 * SLOWER, why=f"for {m['text']}")
        assert "retry" in world.trail(m["id"])
    world.fake.fault("130429", times=1)  # this is about the number: nobody is sent to for a while
    world.say(thread, {"text": "again 130429"}, timeout=30)
    nobody = world.fake.user("4917611111", "Gone")
    nobody.chat(world.number).text("bye")
    world.got("Gone", n=1)
    world.fake.do(lambda: [world.fake.world.people.pop(k) for k in (nobody.phone, nobody.bsuid)])
    world.fake.window_async = True
    m = world.say(world.thread_of("Gone"), {"text": "are you there?"}, "failed")
    assert m["error"]["text"].startswith("w131")


def test_pair_rate_holds_back_one_client_only(world):
    ann, bob = world.user(), world.user("4917600001", "Bob")
    ann.text("hello")
    bob.text("hello")
    world.got("Ann")
    world.got("Bob")
    world.fake.fault("131056", times=1, to=ann.user.bsuid)
    a = world.api.post(f"/threads/{world.thread_of('Ann')}/messages", {"text": "slow"})["message"]
    until(lambda: world.fake.faults.happened, why="for its refusal")
    started = time.monotonic()
    world.say(world.thread_of("Bob"), {"text": "at once"})
    assert time.monotonic() - started < 3 * SLOWER
    until(lambda: world.message(a["thread"], a["id"])["status"] in ("sent", "delivered"), 20 * SLOWER)
    assert [s["body"]["text"]["body"] for s in world.fake.sent] == ["at once", "slow"]


@pytest.mark.long
def test_limits_of_number_and_pair_are_kept(start_gateway):
    """A number that is used on a phone, too: 20 a second. What bunches on its way may be refused now and then, and is
    sent again; a burst never is."""
    w = WhatsApp(start_gateway, number={"coexistence": True})
    w.fake.limits.on = True
    people = [w.user(f"49176000{i:02}", f"P{i}") for i in range(10)]
    for one in people:
        one.text("hello")
    until(lambda: len(w.api.threads()) == 10, 10 * SLOWER)
    time.sleep(3)  # until all workers know the number's rate
    for k in range(8):
        for t in w.api.threads():
            w.api.post(f"/threads/{t['id']}/messages", {"text": f"m{k}"})
    until(lambda: len(w.fake.sent) == 80, 30 * SLOWER, why="for all of them")
    assert len(w.fake.limits.refused) <= 6 and 131056 not in w.fake.limits.refused
    assert all([s["body"]["text"]["body"] for s in one.user.inbox] == [f"m{k}" for k in range(8)] for one in people)
    w.close()


@pytest.mark.parametrize("code", ["190", "131042"])
def test_channel_waits_for_its_admin(world, code):
    """Token or payment: the channel is lost in words, its queue stays, and it goes on by itself."""
    ann = world.user()
    ann.text("hello")
    world.got(n=1)
    world.fake.fault(code, times=1)
    m = world.api.post(f"/threads/{world.thread_of('Ann')}/messages", {"text": "kept"})["message"]
    lost = until(lambda: (lambda c: c if c["state"] == "lost" else None)(world.channel()), 45 * SLOWER)
    assert lost["error"].startswith(f"w{code}: ")
    assert world.message(m["thread"], m["id"])["status"] == "queued"
    assert "kept" not in [s["body"]["text"]["body"] for s in world.fake.sent]


def test_doctor_and_check(world):
    report = world.api.post("/channels/main/check", {})["report"]
    assert not [r for r in report if r["level"] == "fail"], report
    assert any("webhooks come to this gateway" in r["text"] for r in report)
    world.token.expires_at = int(time.time()) + 3600
    world.token.scopes.discard("whatsapp_business_messaging")
    world.number.number.status = "DISCONNECTED"
    world.waba.subscribed.clear()
    world.number.number.override = "https://other.example/secret"
    report = world.api.post("/channels/main/check", {})["report"]
    fails = json.dumps([r for r in report if r["level"] == "fail"])
    for words in ("ends in", "lacks the permission", "DISCONNECTED", "not subscribed",
                  "the number's webhooks go elsewhere: https://other.example/..."):
        assert words in fails, fails
    assert "secret" not in json.dumps(report)
    out = world.gateway.cli("doctor", check=False).stdout
    assert "whatsapp" in out and world.token.text not in out
    world.token.revoked = True
    report = world.api.post("/channels/main/check", {})["report"]
    assert report[0]["level"] == "fail" and "token" in report[0]["text"]
    assert world.token.text not in world.gateway.log_path.read_text()
