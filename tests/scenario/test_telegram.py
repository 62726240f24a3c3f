"""Telegram, every kind of message both ways, against the fake: in the thread exactly once, on the card,
with a trail (issue rows: albums, edits, captions, business chats, topics; pains 3, 7)."""

import pathlib
import time

import pytest
from fakes.telegram.control import play_file
from fakes.telegram.users import MP4, OGG, png
from harness import SLOWER, until
from telegram_world import Telegram

MP3 = b"ID3\x03\0\0\0\0\0\0" + (b"\xff\xfb\x90\x00" + bytes(413)) * 4
GIF = b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"
SCENARIOS = pathlib.Path(__file__).resolve().parent.parent / "fakes/telegram/scenarios"


@pytest.fixture(params=["polling", "webhook"])
def world(request, start_gateway):
    w = Telegram(start_gateway, request.param)
    yield w
    problems = w.fake.problems
    w.close()
    assert not problems, problems


@pytest.fixture(scope="module")
def calm():
    """One gateway for tests that do it no harm."""
    from harness import Gateway
    made = []

    def start(**kw):
        made.append(Gateway(**kw))
        return made[-1].start()

    w = Telegram(start)
    yield w
    problems = list(w.fake.problems)
    for g in made:
        g.destroy()
    w.close()
    assert not problems, problems


def test_every_kind_in(world):
    n = play_file(world.fake, world.bot, SCENARIOS / "every_kind_in.json")
    got = world.got(n=n)
    assert len(got) == n, [m.get("text") for m in got]
    assert [m["seq"] for m in got] == sorted(m["seq"] for m in got)
    until(lambda: all("state" not in a or a["state"] == "unavailable" for m in world.messages() for a in
                      m.get("attachments", [])), 15 * SLOWER, why="for all files")
    got = world.messages()
    text, photo, document, voice, audio, video, note, animation, sticker, moving = got[:10]
    place, venue, own, other, poll, dice, album = got[10:17]
    forward, hidden, group, channel, reply, elsewhere = got[17:23]
    checklist, story, paid, rich, game, invoice, giveaway, unknown = got[23:]
    assert text["text"] == "Hello bold and link 😀" and text["from"] == {"kind": "telegram", "address": "42", "name": "Ann"}
    assert text["html"] == 'Hello <b>bold</b> and <a href="https://example.org/?a=1&amp;b=2">link</a> 😀'
    assert photo["text"] == "look" and photo["attachments"][0]["width"] == 40
    assert document["attachments"][0]["name"] == "offer.pdf" and document["attachments"][0]["mime"] == "application/pdf"
    assert [m["attachments"][0].get("role") for m in (voice, audio, video, note, animation, sticker, moving)] == [
        "voice", None, None, "video_note", "animation", "sticker", "sticker"]
    assert voice["attachments"][0]["kind"] == "audio" and voice["attachments"][0]["duration"] == 3
    assert moving["attachments"][0]["emoji"] == "🎉"
    assert place["location"]["lat"] == 59.9386 and venue["location"]["name"] == "Hermitage"
    assert own["contact"] == {"name": "Ann", "phone": "+79991234567", "own": True} and not other["contact"].get("own")
    assert poll["poll"]["options"][1] == {"text": "Coffee", "votes": 1} and dice["text"] == "🎲 4"
    assert len(album["attachments"]) == 3 and album["text"] == "Three views"
    assert forward["forward"]["name"] == "Bob" and channel["forward"] == {"kind": "channel", "name": "News", "at": "2026-09-21T14:13:20.000Z"}
    assert hidden["forward"]["name"] == "Nobody" and group["forward"]["name"] == "Club" and elsewhere["text"]
    assert reply["reply_to"] == text["id"] and reply["quote"]["text"] == "Hello"
    assert checklist["checklist"]["tasks"][1] == {"text": "Pay", "done": True}
    assert [m["raw_type"] for m in (story, rich, game, invoice, giveaway)] == [
        "story", "rich_message", "game", "invoice", "giveaway"]
    assert paid["attachments"][0]["state"] == "unavailable"
    assert unknown["raw_type"] == "something_of_next_year"
    trace = world.api.get(f"/messages/{unknown['id']}/trace")
    assert trace["raw"]["message"]["something_of_next_year"] == {"a": 1}
    # A file's bytes are those that were sent, and the token is nowhere.
    r = world.api.ask("GET", "/media/" + photo["attachments"][0]["id"])
    assert r.content == png(40, 30)
    assert world.bot.token not in world.gateway.log()
    # The number that Telegram vouches for is his; the one that he only passed on is not.
    client = world.api.get("/clients/" + got[0]["client"])["client"]
    assert client["phone"] == "+79991234567"
    assert {"kind": "phone", "address": "+79991234567", "name": "Ann", "verified": True} in client["identities"]
    world.told(got)
    assert len(world.gateway.card_messages()) == n
    what = world.trail(album["id"])
    assert what.count("part_added") == 2 and what.count("fetched") == 3


def test_changes_in(world):
    ann = world.user()
    m = ann.text("first words")
    ann.edit(m, text="second words")
    ann.edit(m, text="third words")
    ann.react(m, "👍")
    ann.react(m, "❤", "🔥")
    moving = ann.location(live_period=3600)
    began = moving["location"]["latitude"]  # the fake changes its message with an edit
    ann.edit(moving, location={"latitude": 60.0, "longitude": 30.0, "live_period": 3600})
    ann.edit({**m, "message_id": 999}, text="an edit of what we never saw")
    ann.block()
    ann.unblock()
    got = world.got(n=5, what=lambda m: True)
    one, place, edit, blocked, unblocked = got
    assert one["text"] == "third words" and [e["text"] for e in one["edits"]] == ["first words", "second words"]
    assert sorted(r["emoji"] for r in one["reactions"]) == ["❤", "🔥"] and one["reactions"][0]["by"] == "client"
    assert place["location"]["lat"] == 60.0 and "edits" not in place
    assert edit["text"] == "an edit of what we never saw"
    assert [e["event"]["what"] for e in (blocked, unblocked)] == ["blocked", "unblocked"]
    world.told([one, edit])
    # Cards are not told of each step of a live location: theirs is the place when it was attached.
    on_card = until(lambda: [c for c in world.gateway.card_messages() if c["id"] == place["id"]], 20 * SLOWER)
    assert len(on_card) == 1 and on_card[0]["location"]["lat"] in (began, 60.0)
    assert world.trail(one["id"]).count("edited") == 2 and world.trail(one["id"]).count("reacted") == 2
    assert "moved" in world.trail(place["id"])
    ann.react(m)
    until(lambda: "reactions" not in world.messages()[0], 10)


def test_change_after_a_silence_is_on_the_card(world):
    """A change that nothing else follows: the card has it at once, not with the next message."""
    ann = world.user()
    m = ann.text("first words")
    world.told(world.got(n=1))
    ann.edit(m, text="second words")
    until(lambda: world.messages()[0]["text"] == "second words", 20 * SLOWER)
    until(lambda: world.gateway.card_messages()[0]["text"] == "second words", 20 * SLOWER)
    ann.react(m, "👍")
    until(lambda: world.gateway.card_messages()[0].get("reactions"), 20 * SLOWER)


def test_albums(calm):
    """Parts that come late, after other messages, twice, or with words of their own; edits and reactions of one part."""
    ann = calm.user(80, "Alba")
    first, second = ann.album(2, caption="the front", group="777")
    ann.text("one moment")
    calm.got("Alba", 2)
    third = ann.send({"photo": [ann.file(png(9, 9), "c.png", "photo", width=9, height=9)], "caption": "the <back>",
                      "caption_entities": [{"type": "bold", "offset": 4, "length": 6}]}, media_group_id="777")
    calm.fake.do(calm.fake.world.push, calm.bot.bot, "message", third, 80)  # once more, as a new update
    album = until(lambda: (lambda m: m if len(m["attachments"]) == 3 else None)(calm.messages("Alba")[0]), 10 * SLOWER)
    assert len(calm.messages("Alba")) == 2
    assert album["text"] == "the front\nthe <back>" and album["html"] == "the front\nthe <b>&lt;back&gt;</b>"
    assert [a["external_id"] for a in album["attachments"]] == [f"80:{m['message_id']}" for m in (first, second, third)]
    until(lambda: all("sha256" in a for a in calm.messages("Alba")[0]["attachments"]), 15 * SLOWER, why="for the files")
    ann.react(second, "🔥")
    ann.edit(third, caption="the back", caption_entities=[])
    new = ann.file(png(8, 8, (1, 1, 1)), "n.png", "photo", width=8, height=8)
    ann.edit(first, photo=[new])
    until(lambda: len(calm.messages("Alba")[0].get("edits", [])) == 2 and "sha256" in calm.messages("Alba")[0]["attachments"][0],
          15 * SLOWER, why="for the edits")
    album = calm.messages("Alba")[0]
    assert album["text"] == "the front\nthe back" and "html" not in album and album["reactions"][0]["emoji"] == "🔥"
    assert calm.api.ask("GET", "/media/" + album["attachments"][0]["id"]).content == png(8, 8, (1, 1, 1))
    was = album["edits"][1]["attachments"]  # what it showed before can still be seen
    assert len(was) == 1 and "remote" not in was[0]
    assert calm.api.ask("GET", "/media/" + was[0]["id"]).content == png(40, 30, (20, 90, 160))
    calm.told(calm.messages("Alba"))
    assert calm.trail(album["id"]).count("part_added") == 2


def test_a_long_text_keeps_its_formatting(calm):
    """Cut at word ends; what is bold across a cut is bold in both parts; surrogate pairs stay whole."""
    ann = calm.user(81, "Lena")
    ann.text("tell me everything")
    words = " ".join(f"слово{i}😀" for i in range(600))
    calm.say(calm.got("Lena")[0]["thread"], {"html": f"<b>{words}</b> end"}, timeout=30)
    parts = ann.seen()[1:]
    assert len(parts) > 1 and " ".join(p["text"] for p in parts) == words + " end"
    for p in parts:
        bold, = p["entities"]
        units = len(p["text"].encode("utf-16-le")) // 2
        assert units <= 4096 and (bold["offset"], bold["length"]) == (0, units - (4 if p is parts[-1] else 0))


def test_two_of_one_name_in_a_group(calm):
    """Each has his own reaction; an anonymous administrator and a channel's post are shown as who they are."""
    group = calm.bot.group(-1005550077, title="Namesakes")
    one, two = calm.fake.user(91, "Ann").in_group(group), calm.fake.user(92, "Ann").in_group(group)
    m = one.text("who is for it?")
    one.react(m, "👍")
    two.react(m, "👍")
    one.react(m)
    two.text("said as the group", sender_chat={"id": -1005550077, "type": "supergroup", "title": "Namesakes"})
    two.send({"new_chat_title": "Namesakes all"})
    got = calm.got("Namesakes", 3, what=lambda x: True)
    until(lambda: calm.messages("Namesakes")[0].get("reactions"), 10)
    assert [r["address"] for r in calm.messages("Namesakes")[0]["reactions"]] == ["92"]
    assert got[1]["author"]["name"] == "Namesakes" and got[2]["event"]["what"] == "title"
    channel = calm.bot.group(-1005550078, title="Our news", type="channel")
    post = channel.send({"text": "a post"}, author_signature="Ed")
    channel.edit(post, text="a better post")
    got = until(lambda: (lambda ms: ms if ms and ms[0]["text"] == "a better post" else None)(calm.messages("Our news")), 10)
    assert got[0]["author"]["name"] == "Ed" and [e["text"] for e in got[0]["edits"]] == ["a post"]
    calm.told([m for m in calm.messages("Namesakes") + calm.messages("Our news") if m["direction"] != "event"])


@pytest.mark.long
def test_every_kind_out(world):
    ann = world.user()
    ann.text("hello")
    thread = world.got()[0]["thread"]
    seen = ann.seen
    world.say(thread, {"text": "plain <b>not bold</b> & so on"})
    assert seen()[-1]["text"] == "plain <b>not bold</b> & so on" and "entities" not in seen()[-1]
    world.say(thread, {"html": "now <b>bold</b> &amp; <a href='https://example.org'>linked</a>"})
    assert seen()[-1]["text"] == "now bold & linked" and [e["type"] for e in seen()[-1]["entities"]] == ["bold", "text_link"]
    words = " ".join(f"word{i}" for i in range(1200))
    long = world.say(thread, {"text": words}, timeout=30)
    parts = [m["text"] for m in seen() if m["text"].startswith("word")]
    assert len(parts) >= 2 and " ".join(parts) == words and all(len(p) <= 4096 for p in parts)
    media = {name: world.upload(name, data) for name, data in (
        ("a.png", png(20, 20)), ("b.png", png(20, 20, (1, 2, 3))), ("offer.pdf", b"%PDF-1.4 hello"), ("v.ogg", OGG),
        ("c.mp4", MP4), ("tall.png", png(1, 60)), ("song.mp3", MP3), ("cat.gif", GIF), ("terms.pdf", b"%PDF-1.4 terms"))}
    captioned = world.say(thread, {"text": "a picture", "attachments": [media["a.png"]]})
    assert seen()[-1]["caption"] == "a picture" and seen()[-1]["photo"]
    world.say(thread, {"attachments": [media["offer.pdf"]]})
    assert seen()[-1]["document"]["file_name"] == "offer.pdf"
    world.say(thread, {"attachments": [media["v.ogg"]]})
    assert "voice" in seen()[-1]
    world.say(thread, {"attachments": [media["c.mp4"]]})
    assert "video" in seen()[-1]
    world.say(thread, {"attachments": [media["song.mp3"]]})
    assert seen()[-1]["audio"]["file_name"] == "song.mp3"
    world.say(thread, {"attachments": [media["cat.gif"]]})
    assert "animation" in seen()[-1]
    papers = world.say(thread, {"text": "the papers", "attachments": [media["offer.pdf"], media["terms.pdf"]]}, timeout=30)
    assert [m["document"]["file_name"] for m in seen()[-2:]] == ["offer.pdf", "terms.pdf"]
    assert len({m["media_group_id"] for m in seen()[-2:]}) == 1 and seen()[-2]["caption"] == "the papers"
    album = world.say(thread, {"text": "two", "attachments": [media["a.png"], media["b.png"]]}, timeout=30)
    two = seen()[-2:]
    assert len(two) == 2 and two[0]["caption"] == "two"
    world.say(thread, {"attachments": [media["tall.png"]]}, timeout=30)  # no picture for Telegram: a document
    assert "document" in seen()[-1]
    first = world.messages()[0]
    world.say(thread, {"text": "to you", "reply_to": first["id"]})
    assert seen()[-1]["reply_to_message"]["text"] == "hello"
    asked = world.say(thread, {"text": "shall we?", "buttons": [[{"text": "Yes"}, {"text": "No"}], [{"text": "Site", "url": "https://example.org"}]]})
    shown = seen()[-1]
    assert [b["text"] for row in shown["reply_markup"]["inline_keyboard"] for b in row] == ["Yes", "No", "Site"]
    query = ann.press(shown, shown["reply_markup"]["inline_keyboard"][0][1]["callback_data"])
    pressed = world.got(n=2)[1]
    assert pressed["text"] == "No" and pressed["button"] == {"text": "No"} and pressed["reply_to"] == asked["id"]
    until(lambda: query in world.bot.bot.answered, 5, why="for the button to come to rest")
    world.say(thread, {"text": "your number?", "request": "contact"})
    assert seen()[-1]["reply_markup"]["keyboard"][0][0]["request_contact"] is True
    ann.contact(own=True)
    assert world.got(n=3)[2]["contact"]["own"] is True
    out = [m for m in world.messages() if m["direction"] == "out"]
    world.told(out + [pressed])
    assert len({m["id"] for m in out}) == len(out) and "part" in world.trail(long["id"])
    # Changes of ours: edit, reaction, deletion of a message in one part, in several, of an album.
    m = world.say(thread, {"text": "teh"})
    world.api.patch(f"/messages/{m['id']}", {"text": "the"})
    until(lambda: world.message(thread, m["id"])["change"]["state"] == "done", 10 * SLOWER)
    assert seen()[-1]["text"] == "the"
    world.api.patch(f"/messages/{captioned['id']}", {"html": "another <b>word</b>"})
    until(lambda: world.message(thread, captioned["id"])["change"]["state"] == "done", 10 * SLOWER)
    there = next(x for x in seen() if "photo" in x)
    assert there["caption"] == "another word" and there["caption_entities"][0]["type"] == "bold"
    world.api.patch(f"/messages/{long['id']}", {"text": "short"})
    said = until(lambda: (lambda c: c if c["state"] == "failed" else None)(world.message(thread, long["id"])["change"]), 10)
    assert "several parts" in said["error"]["text"]
    world.api.ask("PUT", f"/messages/{first['id']}/reaction", json={"emoji": "❤️"})
    until(lambda: world.message(thread, first["id"])["change"]["state"] == "done", 10 * SLOWER)
    assert seen()[0]["bot_reactions"] == ["❤"]
    world.api.ask("PUT", f"/messages/{first['id']}/reaction", json={"emoji": "🦄"})
    assert until(lambda: (lambda c: c if c["state"] == "failed" else None)(world.message(thread, first["id"])["change"]), 10)["error"]["text"]
    for gone in (m, long, album, papers):
        world.api.ask("DELETE", f"/messages/{gone['id']}")
        until(lambda: world.message(thread, gone["id"])["change"]["state"] == "done", 10 * SLOWER)
    world.told([m, first, captioned, album])
    assert not [x for x in seen() if x.get("media_group_id") or x.get("text", "").startswith("word") or x.get("text") == "the"]
    world.gateway.agent().send({"type": "typing", "id": "t", "thread": thread, "on": True})
    until(lambda: (world.bot.id, 42, "typing") in world.fake.actions, 5, why="for typing")
    assert len([s for s in world.bot.sent() if s["method"].startswith("send")]) == len(
        {(s["chat_id"], s["message_id"]) for s in world.bot.sent() if s["method"].startswith("send")})


def test_groups_topics_and_migration(calm):
    group = calm.bot.group(-1005550001, title="Dealers", forum=True)
    calm.bot.topic(group, 9)
    ann, bob = calm.fake.user(42, "Ann").in_group(group), calm.fake.user(43, "Bob", last_name="Stone").in_group(group)
    ann.text("good morning")
    asked = bob.text("how much is it?", message_thread_id=9, is_topic_message=True)
    one, two = calm.got("Dealers", 2)
    assert one["author"]["name"] == "Ann" and two["author"]["name"] == "Bob Stone" and one["client"] == two["client"]
    assert two["topic"]["id"] in (9, "9")
    calm.say(one["thread"], {"text": "ten roubles"})
    assert group.seen()[-1]["message_thread_id"] == 9  # where it was asked last
    calm.say(one["thread"], {"text": "good morning, Ann", "reply_to": one["id"]})
    assert "message_thread_id" not in group.seen()[-1] and group.seen()[-1]["reply_to_message"]["text"] == "good morning"
    assert asked
    plain = calm.bot.group(-77, title="Small talk", type="group")
    cyd = calm.fake.user(44, "Cyd").in_group(plain)
    cyd.text("before")
    thread = calm.got("Small talk")[0]["thread"]
    big = calm.bot.migrate(plain, -1007770001)
    until(lambda: any(m.get("event", {}).get("what") == "migrated" for m in calm.messages("Small talk")), 10)
    calm.fake.user(44, "Cyd").in_group(big).text("after")
    got = calm.got("Small talk", 2)
    assert [m["text"] for m in got] == ["before", "after"] and {m["thread"] for m in got} == {thread}
    calm.say(thread, {"text": "welcome"})
    assert big.seen()[-1]["text"] == "welcome"
    calm.told([m for m in calm.messages("Dealers") + calm.messages("Small talk") if m["direction"] != "event"])


def test_an_answer_finds_a_group_that_has_moved(calm):
    """The group moved while an answer was on its way: it is sent once, to the new one."""
    plain = calm.bot.group(-88, title="Moving", type="group")
    calm.fake.user(45, "Dan").in_group(plain).text("anybody here?")
    thread = calm.got("Moving")[0]["thread"]

    def move_in_silence():
        plain.conversation.migrated_to = -1008880001
        new = {**plain.raw_chat, "id": -1008880001, "type": "supergroup"}
        calm.fake.world.conversation(calm.bot.bot, new)

    calm.fake.do(move_in_silence)
    m = calm.say(thread, {"text": "we are"})
    assert m["external_id"].startswith("-1008880001:")


def test_business_account(calm):
    owner, customer = calm.fake.user(500, "Olga"), calm.fake.user(501, "Customer")
    connection = calm.bot.business(owner)
    chat = calm.bot.business_chat(connection, customer)
    m = chat.text("is it there?")
    got = calm.got("Customer")[0]
    calm.say(got["thread"], {"text": "it is"})
    assert chat.seen()[-1]["text"] == "it is" and chat.seen()[-1]["sender_business_bot"]["id"] == calm.bot.id
    chat.send({"text": "I answer myself"}, author=owner.raw)
    own = calm.got("Customer", 2, what=lambda m: m["direction"] == "out")[1]
    assert own["text"] == "I answer myself" and own["status"] == "sent"
    chat.edit(m, text="is it still there?")
    until(lambda: calm.messages("Customer")[0]["text"] == "is it still there?", 10)
    chat.delete(m)
    until(lambda: calm.messages("Customer")[0].get("deleted_at"), 10)
    assert calm.messages("Customer")[0]["text"] == "is it still there?"
    calm.bot.business(owner, can_reply=False)
    failed = calm.say(got["thread"], {"text": "may I?"}, status="failed")
    assert failed["error"]["text"] and failed["error"]["permanent"]
    calm.bot.business(owner, can_reply=True)
    assert len([x for x in calm.messages("Customer") if x["direction"] == "out" and x["status"] == "sent"]) == 2
    calm.told(calm.messages("Customer"))
    assert {"edited", "deleted"} <= set(calm.trail(got["id"]))
    # The same person's own chat with the bot is another one: answers go where he wrote last.
    calm.user(501, "Customer").text("and here I am myself")
    here = calm.got("Customer", 2)[1]
    assert here["thread"] == got["thread"]
    calm.say(got["thread"], {"text": "good day"})
    assert calm.user(501, "Customer").seen()[-1]["text"] == "good day"
    # The account is disconnected: what was written through it cannot be answered there any more.
    calm.bot.business(owner, enabled=False)
    gone = calm.say(got["thread"], {"text": "there?", "reply_to": got["id"]}, status="failed")
    assert gone["error"]["text"].startswith("business_right: ")
    events = calm.got("Olga", 4, what=lambda m: m["direction"] == "event")
    assert [e["event"]["text"].partition(": ")[2] for e in events] == [
        "the bot may reply", "the bot may not reply", "the bot may reply", "no messages come from it"]


def test_name_and_picture_of_the_bot(start_gateway):
    w = Telegram(start_gateway)
    w.fake.do(lambda: setattr(w.bot.bot, "picture", png(160, 160)))
    w.gateway.restart()
    info = until(lambda: w.channel()["info"] if w.channel().get("info", {}).get("picture") else None, 15 * SLOWER)
    assert info == {"mode": "polling", "title": "Shop", "username": "shop_bot", "link": "https://t.me/shop_bot", "picture": True}
    assert w.api.ask("GET", "/channels/sales/picture").content == png(160, 160)
    w.close()


def test_refusals_in_words(calm):
    ann = calm.user(60, "Eve")
    ann.text("hello")
    thread = calm.got("Eve")[0]["thread"]
    ann.block()
    until(lambda: calm.last("Eve").get("event"), 10)
    failed = calm.say(thread, {"text": "are you there?"}, status="failed")
    assert failed["error"]["text"].startswith("blocked: ") and failed["error"]["permanent"]
    ann.unblock()
    ann.text("I am back")
    calm.got("Eve", 2)
    calm.say(thread, {"text": "welcome back"})
    # A quoted message that is gone there does not hold the answer back.
    first = calm.messages("Eve")[0]
    calm.fake.do(lambda: ann.conversation.messages[1].update(deleted=True))
    calm.say(thread, {"text": "about what you said", "reply_to": first["id"]})
    assert "reply_to_message" not in ann.seen()[-1]


def test_files_that_cannot_be_had(calm):
    ann = calm.user(61, "Finn")
    ann.document(size=50 << 20, name="film.mkv")
    calm.fake.fault("500", method="getFile", times=2)  # the first is for the file that vanishes: it must not be had before
    gone = ann.document(name="gone.pdf")
    calm.bot.vanish(gone["document"]["file_id"])
    ann.document(name="late.pdf", data=b"%PDF-1.4 late")
    big, lost, late = calm.got("Finn", 3)
    assert big["attachments"][0]["state"] == "too_large" and "20 MB" in big["attachments"][0]["error"]
    until(lambda: calm.messages("Finn")[2]["attachments"][0].get("id"), 40 * SLOWER, why="for the late file")
    state = until(lambda: (lambda a: a if a["state"] == "failed" else None)(calm.messages("Finn")[1]["attachments"][0]),
                  60 * SLOWER, why="for the file to be given up")
    assert state["error"] and lost and late


def test_a_server_of_our_own(start_gateway):
    """Bot API server with --local: files of any size, read from its disk; larger uploads."""
    w = Telegram(start_gateway, extra="local_files = yes", local=True, sets=["media.max_size=100M"])
    ann = w.user()
    big = bytes(range(256)) * (90 << 10)  # 22.5 MB
    ann.document(data=big, name="plan.bin", mime="application/octet-stream")
    late = until(lambda: (lambda ms: ms[0] if ms and ms[0]["attachments"][0].get("id") else None)(w.messages()), 30 * SLOWER)
    assert late["attachments"][0]["size"] == len(big)
    assert w.api.ask("GET", "/media/" + late["attachments"][0]["id"], timeout=60).content == big
    w.close()


def test_files_on_a_foreign_disk_are_refused(start_gateway):
    """A path of this machine is only followed where the admin said that it is the server's."""
    w = Telegram(start_gateway, local=True)
    w.user().document()
    state = until(lambda: (lambda ms: ms[0]["attachments"][0] if ms and ms[0]["attachments"][0].get("state") == "failed" else None)(
        w.messages()), 20 * SLOWER)
    assert "local_files" in state["error"]
    w.close()


def test_from_the_site_to_telegram(start_gateway):
    w = Telegram(start_gateway, workers=1)
    visitor = w.gateway.visitor()
    visitor.say("hello from the site")
    thread = until(lambda: next((t for t in w.api.threads() if t["channel"] == "site"), None), 10)["id"]
    visitor.send({"type": "continue", "id": "1", "connector": "telegram"})
    url = until(lambda: visitor.ways_on.get("1"), 5)
    token = url.partition("start=")[2]
    assert url.startswith("https://t.me/shop_bot?start=") and len(token) == 32
    ann = w.user(70, "Gus")
    ann.start(token)
    ann.text("hello from Telegram")
    got = until(lambda: (lambda ms: ms if len(ms) == 3 else None)(w.api.messages(thread)), 10)
    assert [m["channel"] for m in got] == ["site", "sales", "sales"] and len({m["client"] for m in got}) == 1
    w.say(thread, {"text": "one dialogue"})
    assert ann.seen()[-1]["text"] == "one dialogue"
    # The token is used up: who gets hold of it later is nobody.
    thief = w.user(71, "Thief")
    thief.start(token)
    assert w.got("Thief")[0]["thread"] != thread
    # What is said in Telegram is not shown to whoever has the browser.
    time.sleep(0.5)
    assert not [m for m in visitor.screen.values() if "Telegram" in m.get("text", "") or m.get("text") == "one dialogue"]
    w.close()
