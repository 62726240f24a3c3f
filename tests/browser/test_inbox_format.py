"""An agent formats an answer: in mail with lists and pictures, through real Postfix to the client's mailbox; in
Telegram with what it can show (issue 5, line 6)."""
import email.policy

import pytest
from email_world import Mailbox
from harness import until
from inbox import Inbox
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from telegram_world import Telegram
from test_inbox_email import png


def press(i, name):
    i.until(lambda: [b for b in i.all(".editor-bar button") if (b.get_attribute("aria-label") or "").startswith(name)], why=f"for {name}")[0].click()


def begin(i):
    i.click('button[aria-label="Format the text"], button[aria-label="Оформить текст"]')
    return editor(i)


def editor(i):
    return i.one('.editor-text[contenteditable=true]')


def send(i):
    i.until(lambda: i.one(".send").is_enabled())
    editor(i).send_keys(Keys.CONTROL + Keys.ENTER)
    i.settled()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_formatted_mail(start_gateway, browsers, tmp_path, width):
    w = Mailbox(start_gateway, users=("support", "alice"))
    picture = tmp_path / "plan.png"
    picture.write_bytes(png(300, 200, (40, 120, 200)))
    try:
        w.mail.submit("alice", [w.mail.address("support")], w.compose("alice", text="How do I get there?\n", subject="The way").as_bytes())
        w.got("alice")
        i = Inbox(browsers.open(w.gateway.url + "/", width=width), w.gateway).sign_in()
        i.open_thread(w.thread_of("alice"))
        i.one(".composer textarea").send_keys("Dear Alice & all")
        text = begin(i)
        i.until(lambda: text.text == "Dear Alice & all", why="for the words that were there")
        text.send_keys(Keys.ENTER + "take ")
        press(i, "Bold")
        text.send_keys("bus 7")
        press(i, "Bold")
        text.send_keys(" or see ")
        press(i, "Link")
        i.one(".editor-link input").send_keys("nowhere" + Keys.ENTER)
        i.one('.editor-link input[aria-invalid="true"]')
        i.one(".editor-link input").send_keys(Keys.CONTROL + "a")
        i.one(".editor-link input").send_keys("example.org/way" + Keys.ENTER)
        text.send_keys(Keys.ENTER)
        press(i, "List")
        text.send_keys("first" + Keys.ENTER + "second" + Keys.ENTER + Keys.ENTER)
        i.one('.editor-bar input[type=file]').send_keys(str(picture))
        i.until(lambda: i.all(".editor-text img") and i.one(".editor-text img").get_property("naturalWidth") == 300, why="for the picture")
        i.shot("format-writing")
        i.d.refresh()  # a draft with its picture outlives the page
        i.online()
        i.until(lambda: i.all(".editor-text img") and i.one(".editor-text img").get_property("naturalWidth") == 300, why="for the draft")
        text = editor(i)
        send(i)
        shown = i.one('[data-seq="2"]')
        i.until(lambda: shown.find_elements(By.CSS_SELECTOR, ".rich-picture"), why="for the picture in the message")
        assert shown.find_element(By.CSS_SELECTOR, ".msg-text b").text == "bus 7"
        assert [x.text for x in shown.find_elements(By.CSS_SELECTOR, "ul li")] == ["first", "second"]
        assert not shown.find_elements(By.CSS_SELECTOR, ".files .picture, .file"), "the picture is shown once"
        i.until(lambda: shown.find_element(By.CSS_SELECTOR, ".rich-picture").get_property("naturalWidth") == 300)
        wide = i.d.execute_script("const l = document.querySelector('#log'); return [l.scrollWidth, l.clientWidth]")
        assert wide[0] <= wide[1], wide
        i.shot("format-sent")
        got = w.inbox("alice")[0]
        assert not got.defects and got.get_content_type() == "multipart/alternative" or got.get_content_type() == "multipart/mixed"
        page = got.get_body(("html",)).get_content()
        plain = got.get_body(("plain",)).get_content()
        for words in ("Dear Alice &amp; all<br>take <b>bus 7</b> or see <a href=\"https://example.org/way\">", "<ul><li>first</li><li>second</li></ul>"):
            assert words in page, page
        for words in ("take bus 7 or see example.org/way", "- first\r\n- second", "[plan.png]"):
            assert words in plain.replace("\r\n", "\n").replace("\n", "\r\n"), plain
        assert "Dear Alice & all" in i.one(".row").get_property("textContent"), "the list tells its words"
        cids = [p["Content-ID"].strip("<>") for p in got.walk() if p.get_content_type() == "image/png"]
        assert len(cids) == 1 and f'src="cid:{cids[0]}"' in page
        again = email.message_from_bytes(got.as_bytes(), policy=email.policy.default)
        assert not [p.defects for p in again.walk() if p.defects]
        # The next answer is formatted, too; what has no formatting goes as it always did.
        editor(i).send_keys("no markup")
        send(i)
        i.sees("no markup")
        until(lambda: len(w.inbox("alice", 2)) == 2, 20)
        assert w.inbox("alice", 2)[1].get_body(("html",)) is None
        editor(i).send_keys("plain ")
        press(i, "Bold")
        editor(i).send_keys("again")
        i.click(".editor-leave")
        [b for b in i.all("dialog .button") if b.text == "Plain text"][0].click()
        i.until(lambda: i.one(".composer textarea").get_attribute("value") == "plain again", why="for the words alone")
    finally:
        w.close()


def test_formatting_in_telegram(start_gateway, browsers):
    w = Telegram(start_gateway)
    try:
        ann = w.user()
        ann.text("hello")
        thread = w.got()[0]["thread"]
        i = Inbox(browsers.open(w.gateway.url + "/"), w.gateway).sign_in()
        i.open_thread(thread)
        text = begin(i)
        assert not [b for b in i.all(".editor-bar button") if b.get_attribute("aria-label") in ("List", "Put a picture into the text")]
        text.send_keys("one ")
        press(i, "Italic")
        text.send_keys("two")
        press(i, "Italic")
        text.send_keys(Keys.ENTER + "three <b>")
        send(i)
        until(lambda: ann.seen()[-1]["text"] == "one two\nthree <b>", 10)
        assert [(e["type"], e["offset"], e["length"]) for e in ann.seen()[-1]["entities"]] == [("italic", 4, 3)]
        assert i.one('[data-seq="2"] .msg-text i').text == "two"
        i.key("a note")  # N and notes know no formatting
        i.click('.modes [role=radio]:last-child')
        assert i.one(".composer textarea").get_attribute("value") == "a note"
    finally:
        w.close()
