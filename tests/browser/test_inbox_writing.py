"""What helps while writing and looking: emoji, canned answers in a formatted text, pictures large, a view's new name, another
channel for the answer."""
import pytest
import requests
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from harness import CONFIG, SLOWER, until
from inbox import Inbox
from telegram_world import Telegram
from test_inbox_desk import dark, narrow, russian, write
from test_inbox_format import begin, editor, send


def value(page):
    return page.one(".composer textarea").get_attribute("value")


def test_emoji_by_keyboard_and_by_finger(gateway, browsers):
    g = gateway
    g.add_user("ann")
    t = write(g, "Clara Petrova")
    ann = Inbox(browsers.open(), g).sign_in("ann", g.PASSWORD)
    ann.open_thread(t)
    area = ann.one(".composer textarea")
    area.send_keys("Thanks  you")
    area.send_keys(Keys.ARROW_LEFT * 4)
    ann.click(".emoji-open")
    ann.one(".emoji-box .emoji")
    ann.until(lambda: ann.d.switch_to.active_element.text == "😀")
    ann.shot("writing-emoji")
    ann.key(Keys.ARROW_RIGHT + Keys.ARROW_RIGHT + Keys.ARROW_LEFT + Keys.ENTER)
    ann.until(lambda: value(ann) == "Thanks 😃 you", why=value(ann))
    ann.key(Keys.ARROW_DOWN + Keys.ENTER)
    ann.key(Keys.ESCAPE)
    ann.none(".emoji-box")
    ann.until(lambda: ann.d.switch_to.active_element.tag_name == "textarea")
    text = value(ann)
    assert len(text) > len("Thanks 😃 you") and text.startswith("Thanks 😃")
    area.send_keys(Keys.ENTER)
    ann.sees(text)
    russian(ann)
    narrow(ann)
    dark(ann)
    ann.click(".emoji-open")
    ann.one('.emoji-box section[aria-label="Недавние"]')
    box = ann.one(".emoji-box").rect
    assert box["x"] >= 0 and box["x"] + box["width"] <= 390 and box["y"] >= 0, box
    ann.shot("writing-emoji-ru")
    ann.click(".emoji-box section:nth-child(3) .emoji")
    ann.until(lambda: value(ann) == "👍")
    ann.click(".thread-head h1")
    ann.none(".emoji-box")


def test_canned_answers_and_emoji_in_a_formatted_text(start_gateway, browsers):
    w = Telegram(start_gateway)
    try:
        g = w.gateway
        g.login().post("/canned", {"shortcut": "bye", "text": "Good bye, {{client.first_name}}!\nCome again."})
        w.user().text("hello")
        thread = w.got()[0]["thread"]
        i = Inbox(browsers.open(), g).sign_in()
        i.open_thread(thread)
        text = begin(i)
        text.send_keys("So then. /by")
        i.until(lambda: len(i.all(".suggest [role=option]")) == 1, why="for the offer")
        i.shot("writing-rich-canned")
        text.send_keys(Keys.ENTER)
        i.until(lambda: "So then. Good bye, Ann!" in text.text and "Come again." in text.text and "/by" not in text.text, why=text.text)
        i.click(".emoji-open")
        i.click(".emoji-box .emoji")
        i.until(lambda: "😀" in text.text)
        i.key(Keys.ESCAPE)
        send(i)
        until(lambda: any("Good bye, Ann!" in m.get("text", "") and "😀" in m["text"] for m in g.login().messages(thread)), 10 * SLOWER)
        editor(i)
        i.click('.composer [aria-label="Canned answers (/)"]')
        i.one(".suggest [role=option]")
        i.key(Keys.ESCAPE)
        i.none(".suggest")
        assert editor(i).text.strip() == "/"
    finally:
        w.close()


def upload(g, api, name):
    data = requests.get(f"{g.url}/assets/icon-512.png", timeout=30).content
    r = api.http.post(f"{g.url}/api/v1/media", params={"name": name}, data=data, headers={"Content-Type": "image/png"}, timeout=60)
    assert r.status_code in (200, 201), r.text
    return r.json()["media"]["id"]


def test_pictures_large(gateway, browsers):
    g = gateway
    t = write(g, "Clara Petrova")
    api = g.login()
    api.post(f"/threads/{t}/messages", {"text": "look", "note": True, "attachments": [upload(g, api, f"plan {n}.png") for n in (1, 2, 3)]})
    i = Inbox(browsers.open(), g).sign_in()
    i.open_thread(t)
    i.until(lambda: len(i.all(".picture img")) == 3)
    i.all(".picture")[1].click()

    def title():
        return i.one("dialog h2").text

    def scale():
        return i.d.execute_script("return new DOMMatrix(getComputedStyle(document.querySelector('.viewer-frame img')).transform).a")
    i.until(lambda: title() == "plan 2.png" and "2 of 3" in i.one(".viewer-at").text)
    i.shot("viewer")
    i.key(Keys.ARROW_RIGHT)
    i.until(lambda: title() == "plan 3.png")
    i.key(Keys.ARROW_RIGHT)
    i.until(lambda: title() == "plan 1.png")
    i.key(Keys.ARROW_LEFT)
    i.until(lambda: title() == "plan 3.png")
    i.key("+")
    i.until(lambda: scale() == 1.5)
    i.key("+")
    i.until(lambda: scale() == 2.25)
    i.key("-")
    i.until(lambda: scale() == 1.5)
    i.key("0")
    i.until(lambda: scale() == 1)
    frame = i.one(".viewer-frame")
    ActionChains(i.d).double_click(frame).perform()
    i.until(lambda: scale() == 2.5)
    ActionChains(i.d).drag_and_drop_by_offset(frame, 120, 40).perform()
    moved = i.d.execute_script("const m = new DOMMatrix(getComputedStyle(document.querySelector('.viewer-frame img')).transform); return [m.e, m.f]")
    assert moved != [0, 0]
    i.shot("viewer-near")
    ActionChains(i.d).double_click(frame).perform()
    i.until(lambda: scale() == 1)
    i.key(Keys.ESCAPE)
    i.none("dialog[open]")
    russian(i)
    narrow(i)
    dark(i)
    i.all(".picture")[0].click()
    i.until(lambda: "1 из 3" in i.one(".viewer-at").text)
    ActionChains(i.d).drag_and_drop_by_offset(i.one(".viewer-frame"), -120, 0).perform()
    i.until(lambda: title() == "plan 2.png", why="for the swipe")
    i.shot("viewer-ru")


def test_a_saved_view_gets_another_name(gateway, browsers):
    g = gateway
    g.add_user("ann")
    write(g, "Clara Petrova")
    api = g.login("ann", g.PASSWORD)
    one = api.post("/views", {"name": "Old", "view": "open", "channel": "test"})["view"]
    ann = Inbox(browsers.open(), g).sign_in("ann", g.PASSWORD)
    ann.one(".rail-saved")
    ann.click(".filter-open")
    ann.click('.saved [aria-label="Rename the view “Old”"]')
    field = ann.one(".saved-rename input")
    field.send_keys("Новое <b>" + Keys.ENTER)
    ann.until(lambda: "Новое <b>" in ann.one(".saved a").text and "Новое <b>" in ann.one(".rail-saved").text)
    assert api.get("/views")["views"] == [{**one, "name": "Новое <b>", "rev": 2}]
    ann.shot("writing-renamed")
    # somebody else, here the same agent elsewhere, was quicker
    browsers.allowed += ["409 (Conflict)"]
    ann.click(".saved li > .icon-button")
    field = ann.one(".saved-rename input")
    api.ask("PUT", "/views/" + one["id"], json={"name": "Theirs", "view": "open", "channel": "test", "rev": 2})
    ann.until(lambda: "Theirs" in ann.one(".rail-saved").get_attribute("textContent"))
    field.send_keys(Keys.CONTROL + "a")
    field.send_keys("Mine" + Keys.ENTER)
    ann.until(lambda: "somebody else has changed it" in ann.one(".toast-error").text)
    field.send_keys(Keys.ESCAPE)
    ann.until(lambda: "Theirs" in ann.one(".saved a").text)
    assert [v["name"] for v in api.get("/views")["views"]] == ["Theirs"]


TWO = CONFIG + 'loopback "second" {{}}\n'


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_the_answer_takes_another_channel(start_gateway, browsers, lang):
    g = start_gateway(config=TWO)
    t = write(g, "Clara Petrova")
    ann = Inbox(browsers.open(), g).sign_in()
    if lang == "ru":
        russian(ann)
        narrow(ann)
    ann.open_thread(t)
    assert "test" in ann.one(".composer textarea").get_attribute("placeholder")
    ann.click(".channel-open")
    ann.until(lambda: [i.text for i in ann.all(".menu-item .menu-label")] == ["second", "test"])
    ann.shot("writing-channel")
    ann.until(lambda: [i for i in ann.all(".menu-item") if i.text == "second"])[0].click()
    ann.until(lambda: "second" in ann.one(".composer textarea").get_attribute("placeholder"))
    ann.write("through the other one")
    ann.sees("through the other one")
    ann.settled()
    assert [(m["text"], m["channel"]) for m in g.login().messages(t) if m["direction"] == "out"] == [("through the other one", "second")]
    # It stays chosen, but a client who writes elsewhere is answered there.
    assert "second" in ann.one(".composer textarea").get_attribute("placeholder")
    g.hook({"from": {"address": "Clara Petrova", "name": "Clara Petrova"}, "id": "elsewhere", "text": "here now"}, channel="second")
    g.hook({"from": {"address": "Clara Petrova", "name": "Clara Petrova"}, "id": "back", "text": "and back"})
    ann.sees("and back")
    ann.until(lambda: ann.one(".channel-open").get_attribute("aria-label"))
