"""Telegram in the inbox, in a real browser: every kind is shown, both ways, answers are quoted, edited, reacted to, taken
back; and a visitor goes on in Telegram (pains 3, 7, 15)."""

import pytest
from fakes.telegram.control import play_file
from fakes.telegram.users import MP4, OGG, png
from fakes.whatsapp.samples import MP3
from harness import ROOT, until
from inbox import Inbox
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from telegram_world import Telegram
from widget import Widget

GIF = b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\x04\0\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;"
SCENARIO = ROOT / "tests/fakes/telegram/scenarios/every_kind_in.json"


@pytest.fixture
def world(start_gateway):
    w = Telegram(start_gateway)
    yield w
    w.close()


def bubble(i, seq):
    return i.one(f'article[data-seq="{seq}"]')


def act(i, seq, name):
    """Presses a button of the bar beside a message, which is there while the mouse is."""
    m = bubble(i, seq)
    i.d.execute_script("arguments[0].scrollIntoView({block: 'center'})", m)

    def button():
        ActionChains(i.d).move_to_element(i.one(".composer textarea")).move_to_element(m).perform()
        return [b for b in m.find_elements(By.CSS_SELECTOR, ".acts button")
                if b.get_attribute("aria-label") == name and b.is_displayed()]

    i.until(button, why=f"for {name}")[0].click()


@pytest.mark.parametrize("width", [1280, 390])
def test_every_kind_is_shown(world, browsers, width):
    n = play_file(world.fake, world.bot, SCENARIO)
    got = world.got(n=n)
    until(lambda: not any(a.get("state") == "waiting" for m in world.messages() for a in m.get("attachments", [])), 20)
    i = Inbox(browsers.open(world.gateway.url + "/", width=width), world.gateway).sign_in()
    i.open_thread(got[0]["thread"])
    world.say(got[0]["thread"], {"text": "which?", "buttons": [[{"text": "The first one"}, {"text": "The second one"}],
                                                              [{"text": "Our site", "url": "https://example.org"}]]})
    i.until(lambda: i.seqs() and max(i.seqs()) == n + 1)
    i.d.execute_script("document.querySelector('article[data-seq=\"1\"]').scrollIntoView()")
    first = bubble(i, 1)
    assert first.find_element(By.CSS_SELECTOR, "b").text == "bold"
    link = first.find_element(By.LINK_TEXT, "link")
    assert link.get_attribute("href") == "https://example.org/?a=1&b=2" and link.get_attribute("rel") == "noopener noreferrer"
    shown = i.d.find_element(By.ID, "log").text
    for words in ("Tea or coffee?", "Hermitage", "+79991234567", "Forwarded from News", "To do", "offer.pdf", "something of next year"):
        assert words in shown, words
    a, b, c = [p.rect for p in bubble(i, 17).find_elements(By.CSS_SELECTOR, ".picture")]
    assert a["y"] == b["y"] < c["y"] and a["x"] == c["x"] < b["x"], (a, b, c)  # an album: two in a row
    frame = bubble(i, 17).find_element(By.CSS_SELECTOR, ".bubble").rect
    left, right = a["x"] - frame["x"], frame["x"] + frame["width"] - b["x"] - b["width"]
    assert abs(left - right) <= 2, f"the pictures do not fill their bubble: {left} {right}"
    wide = i.d.execute_script("const l = document.querySelector('#log'); return [l.scrollWidth, l.clientWidth]")
    assert wide[0] <= wide[1], f"the dialogue is wider than its place: {wide}"
    i.click(".sound-speed")
    i.until(lambda: i.d.execute_script("return document.querySelector('.sound-voice audio').playbackRate") == 1.5)
    i.shots_of_thread("telegram-in")


@pytest.mark.parametrize("width", [1280, 390])
def test_what_went_out_is_shown(world, browsers, width):
    ann = world.user()
    ann.text("hello")
    hello = world.got()[0]
    files = {name: world.upload(name, data) for name, data in (
        ("a.png", png(400, 300, (40, 90, 160))), ("b.png", png(400, 300, (160, 90, 40))), ("offer.pdf", b"%PDF-1.4 hello"),
        ("v.ogg", OGG), ("c.mp4", MP4), ("song.mp3", MP3), ("cat.gif", GIF))}

    def say(body, names=(), status="sent"):
        return world.say(hello["thread"], {**body, **({"attachments": [files[n] for n in names]} if names else {})}, status, 30)

    i = Inbox(browsers.open(world.gateway.url + "/", width=width), world.gateway).sign_in()
    i.open_thread(hello["thread"])
    say({"html": "now <b>bold</b> &amp; <a href='https://example.org'>linked</a>"})
    quoting = say({"text": "to you", "reply_to": hello["id"]})
    album = say({"text": "two pictures"}, ["a.png", "b.png"])
    kinds = [say({}, [n]) for n in ("offer.pdf", "v.ogg", "c.mp4", "song.mp3", "cat.gif")]
    asked = say({"text": "shall we?", "buttons": [[{"text": "Yes"}, {"text": "No"}], [{"text": "Site", "url": "https://example.org"}]]})
    ann.press(ann.seen()[-1], "No")
    say({"text": "your number?", "request": "contact"})
    ann.contact(own=True)
    world.got(n=3)
    wrong = say({"text": "teh"})
    world.api.patch(f"/messages/{wrong['id']}", {"text": "the"})
    gone = say({"text": "to be taken back"})
    world.api.ask("DELETE", f"/messages/{gone['id']}")
    world.api.ask("PUT", f"/messages/{hello['id']}/reaction", json={"emoji": "👍"})
    i.sees("the")
    for m, css in ((quoting, ".quote"), (asked, ".key-sent"), (album, ".picture img"), (kinds[0], ".file"), (kinds[1], "audio, .file"),
                   (kinds[2], "video, .file"), (kinds[3], "audio, .file"), (kinds[4], "img, video")):
        i.until(lambda: bubble(i, m["seq"]).find_elements(By.CSS_SELECTOR, css), why=f"for {css} in message {m['seq']}")
    assert len(bubble(i, album["seq"]).find_elements(By.CSS_SELECTOR, ".picture img")) == 2
    i.until(lambda: "Deleted by" in bubble(i, gone["seq"]).text, why="for the mark of deletion")
    i.until(lambda: "👍" in bubble(i, hello["seq"]).text, why="for the reaction")
    i.until(lambda: bubble(i, wrong["seq"]).find_elements(By.CSS_SELECTOR, ".msg-edited"), why="for the mark of the edit")
    wide = i.d.execute_script("const l = document.querySelector('#log'); return [l.scrollWidth, l.clientWidth]")
    assert wide[0] <= wide[1], f"the dialogue is wider than its place: {wide}"
    i.shots_of_thread("telegram-out")


def test_who_wrote_and_what_became_of_it(world, browsers):
    """Groups with authors and topics, an owner's own answers, presses, deletions, files of earlier versions, refusals."""
    group = world.bot.group(-1005550001, title="Dealers", forum=True)
    world.bot.topic(group, 9)
    ann = world.fake.user(42, "Ann").in_group(group)
    world.fake.user(43, "Bob", last_name="Stone", username="bobst").in_group(group).text(
        "how much is it?", message_thread_id=9, is_topic_message=True)
    photo = ann.photo(caption="this one")
    i = Inbox(browsers.open(world.gateway.url + "/"), world.gateway).sign_in()
    i.open_thread(world.got("Dealers", 2)[0]["thread"])
    i.sees("this one")
    assert bubble(i, 1).find_element(By.CSS_SELECTOR, ".msg-who").text.split("\n") == ["Bob Stone", "@bobst", "Topic 9"]
    ann.edit(photo, photo=[ann.file(png(60, 60), "n.png", "photo", width=60, height=60)], caption="no, that one")
    i.sees("no, that one")
    i.until(lambda: bubble(i, 2).find_element(By.CSS_SELECTOR, ".msg-edited").click() or True)
    i.until(lambda: len(i.all("dialog .versions img, [role=dialog] .versions img")) == 1, why="for the picture that was")
    i.key(Keys.ESCAPE)

    owner = world.fake.user(500, "Olga")
    chat = world.bot.business_chat(world.bot.business(owner), world.fake.user(501, "Customer"))
    asked = chat.text("is it there?")
    chat.send({"text": "I answer myself"}, author=owner.raw)
    chat.delete(asked)
    i.open_thread(world.got("Customer")[0]["thread"])
    i.sees("I answer myself")
    i.until(lambda: "Deleted by the client" in bubble(i, 1).text)
    assert "Olga" in bubble(i, 2).text and i.status("I answer myself") == "sent"

    dan = world.user(44, "Dan")
    dan.text("hello")
    thread = world.got("Dan")[0]["thread"]
    world.say(thread, {"text": "which?", "buttons": [[{"text": "This"}, {"text": "That"}]]})
    dan.press(dan.seen()[-1], "That")
    i.open_thread(thread)
    i.until(lambda: "Pressed the button" in bubble(i, 3).text and "That" in bubble(i, 3).text)
    world.fake.fault("lose", method="sendMessage", times=1)
    world.say(thread, {"text": "did it arrive?"}, status="unknown")
    dan.block()
    world.got("Dan", what=lambda m: m["direction"] == "event")
    world.say(thread, {"text": "are you there?"}, status="failed")
    i.until(lambda: "not sent again by itself" in bubble(i, 4).text, why="for the unknown outcome")
    i.until(lambda: "The client has blocked the bot" in bubble(i, 6).text, why="for the reason in words")
    i.shots_of_thread("telegram-refused")


def test_answer_edit_react_and_take_back(world, browsers):
    ann = world.user()
    ann.text("how much is it?")
    thread = world.got()[0]["thread"]
    i = Inbox(browsers.open(world.gateway.url + "/"), world.gateway).sign_in()
    i.open_thread(thread)
    act(i, 1, "Reply")
    i.write("teh price is 10")
    i.settled()
    until(lambda: ann.seen()[-1].get("reply_to_message", {}).get("text") == "how much is it?", 10)
    i.until(lambda: i.status("teh price is 10") == "sent", why="for the tick")
    act(i, 2, "Edit")
    area = i.one(".composer textarea")
    i.until(lambda: area.get_attribute("value") == "teh price is 10")
    area.send_keys(Keys.CONTROL + "a")
    area.send_keys("the price is 10" + Keys.ENTER)
    i.sees("the price is 10")
    until(lambda: ann.seen()[-1]["text"] == "the price is 10", 10)
    act(i, 1, "React")
    i.until(lambda: [b for b in i.all(".emoji-row button") if "👍" in b.text], why="for the emoji")[0].click()
    until(lambda: ann.seen()[0].get("bot_reactions") == ["👍"], 10)
    ann.react(ann.seen()[-1], "🔥")
    i.until(lambda: "🔥" in bubble(i, 2).text or "🔥" in i.d.find_element(By.ID, "log").text, why="for the client's reaction")
    act(i, 2, "Delete")
    i.until(lambda: [b for b in i.all("[role=dialog] button, dialog button") if b.text == "Delete"])[0].click()
    until(lambda: [m["text"] for m in ann.seen()] == ["how much is it?"], 10)
    i.until(lambda: "Deleted by" in i.d.find_element(By.ID, "log").text, why="for the mark")


def test_a_visitor_goes_on_in_telegram(world, browsers):
    d = browsers.open(world.gateway.url + "/demo?lang=en")
    w = Widget(d, world.gateway).open()
    w.write("hello from the site")
    w.sent("hello from the site")
    thread = until(lambda: next((t["id"] for t in world.api.threads() if t["channel"] == "site"), None), 10)
    browsers.allowed.append("t.me")
    w.until(lambda: w.all(".menu > button"))[0].click()
    door = w.until(lambda: [b for b in w.all("button") if "Telegram" in b.text], why="for the way to Telegram")[0]
    before = set(d.window_handles)
    door.click()
    w.until(lambda: "You can go on" in d.find_element(By.TAG_NAME, "body").text, why="for the line about it")
    link = [a.get_attribute("href") for a in w.all("a.door")]
    new = set(d.window_handles) - before
    if new:
        d.switch_to.window(new.pop())
        w.until(lambda: "start=" in d.current_url)
        link.append(d.current_url)
    token = link[0].partition("start=")[2][:32]
    assert len(token) == 32
    ann = world.user(70, "Gus")
    ann.start(token)
    until(lambda: [m["channel"] for m in world.api.messages(thread)] == ["site", "sales"], 10)
    world.say(thread, {"text": "welcome over here"})
    assert ann.seen()[-1]["text"] == "welcome over here"
