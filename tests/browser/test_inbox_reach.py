"""The inbox by keyboard, on a small screen, with long dialogues."""
import pytest
from selenium.webdriver.common.keys import Keys

from inbox import Inbox, first_thread


@pytest.fixture
def busy(gateway):
    """Four visitors; the first has a long dialogue."""
    first = gateway.visitor()
    first.window = 20
    for i in range(130):
        first.say(f"long {i}")
    first.wait(lambda: len(first.acks) == 130, 60)
    thread = first_thread(gateway.login())
    for n in range(3):
        gateway.visitor().say_and_wait(f"short {n}")
    return thread


def test_keyboard(gateway, browsers, busy):
    page = Inbox(browsers.open(), gateway).sign_in()
    page.until(lambda: len(page.rows()) == 4)
    for _ in range(2):
        page.key("j")
    page.key("k")
    page.key(Keys.ENTER)
    page.sees("short 2")
    area = page.one(".composer textarea")
    page.until(lambda: page.d.switch_to.active_element == area, why="for the focus in the composer")
    area.send_keys("first", Keys.SHIFT + Keys.ENTER + Keys.NULL, "second", Keys.ENTER)
    page.sees("first\nsecond")
    page.key(Keys.ESCAPE)
    page.key("?")
    page.one("dialog[open] .keys")
    page.key(Keys.ESCAPE)
    page.none("dialog[open]")
    page.key("/")
    page.until(lambda: page.d.switch_to.active_element.get_attribute("type") == "search")
    page.key(Keys.ESCAPE)
    page.key(Keys.ESCAPE)
    page.one(".thread-none")
    assert "/t/" not in page.d.current_url


def test_history_above_does_not_jump(gateway, browsers, busy):
    page = Inbox(browsers.open(), gateway).sign_in()
    page.open_thread(busy)
    page.sees("long 129")
    log = "const l = document.getElementById('log');"
    bottom = log + "return l.scrollHeight - l.scrollTop - l.clientHeight"
    page.until(lambda: page.d.execute_script(bottom) < 5, why="to begin at the end")
    for _ in range(6):
        seq, top, count = page.d.execute_script(log + """
            l.scrollTop = 350;
            const m = [...l.querySelectorAll('.msg')].find(e => e.getBoundingClientRect().top > 120);
            return [m.dataset.seq, m.getBoundingClientRect().top, l.querySelectorAll('.msg').length]""")
        if page.all(".log-start"):
            break
        page.until(lambda: len(page.messages()) > count, why="for older messages")
        now = page.d.execute_script(log + f"""
            return l.querySelector('[data-seq="{seq}"]').getBoundingClientRect().top""")
        assert abs(now - top) <= 2, (seq, top, now)
    assert page.messages() == [f"long {i}" for i in range(130)]
    page.d.execute_script(log + "l.scrollTop = 0")
    gateway.login().post(f"/threads/{busy}/messages", {"id": "k1", "text": "by the API", "note": True})
    page.sees("by the API")
    assert page.d.execute_script(log + "return l.scrollTop") < 5
    page.click(".to-end")
    page.until(lambda: page.d.execute_script(bottom) < 5, why="to come to the end")


@pytest.mark.parametrize("width", [390])
def test_small_screen(gateway, browsers, busy, width):
    page = Inbox(browsers.open(width=width, height=844), gateway).sign_in()
    page.until(lambda: len(page.rows()) == 4)
    assert not page.one(".thread-none").is_displayed()
    page.row(busy).click()
    page.sees("long 129")
    assert not page.one(".list").is_displayed()
    page.write("from a phone")
    page.sees("from a phone")
    page.click(".thread-who")
    assert page.one(".panel").size["width"] == width
    page.click(".panel-close")
    page.none(".panel")
    page.click(".thread-back")
    page.until(lambda: page.one(".list").is_displayed())
    page.click('[data-view="mine"]')
    page.until(lambda: len(page.rows()) == 1, why="for the one that was answered")
    wide = page.d.execute_script("return document.documentElement.scrollWidth")
    assert wide <= width


def test_drafts_are_kept_for_each_dialogue(gateway, browsers, busy):
    page = Inbox(browsers.open(), gateway).sign_in()
    page.open_thread(busy)
    page.one(".composer textarea").send_keys("half an ans")
    page.until(lambda: len(page.rows()) == 4)
    other = [r for r in page.all(".row-link") if r.get_attribute("data-thread") != busy][0]
    other.click()
    page.until(lambda: page.one(".composer textarea").get_attribute("value") == "")
    assert "half an ans" in page.row(busy).text
    page.d.refresh()
    page.row(busy).click()
    page.until(lambda: page.one(".composer textarea").get_attribute("value") == "half an ans")
