"""WhatsApp in the inbox, in a real browser: the window is counted, a template goes out when it is closed, and failures
and examinations are told in words (pains 4, 5, 6)."""
import time

import pytest
from harness import SLOWER, until
from inbox import Inbox
from selenium.webdriver.common.by import By
from whatsapp_world import WhatsApp

HOUR = 3600


@pytest.fixture
def world(start_gateway):
    w = WhatsApp(start_gateway)
    yield w
    w.close()


def open_inbox(world, browsers, **kw):
    return Inbox(browsers.open(world.gateway.url + "/", **kw), world.gateway).sign_in()


def log(i):
    return i.d.find_element(By.ID, "log").text


def written(world, name, phone, ago=0):
    """A person who wrote so many seconds ago; the thread."""
    world.user(phone, name).text("hello", timestamp=str(int(time.time()) - ago))
    return until(lambda: world.thread_of(name), 10 * SLOWER)


def test_window_is_counted_and_a_template_goes_out(world, browsers):
    soon, gone = written(world, "Bob", "4917600001", 23 * HOUR), written(world, "Cat", "4917600002", 25 * HOUR)
    i = open_inbox(world, browsers)
    chip = i.until(lambda: i.row(soon).find_elements(By.CSS_SELECTOR, ".window"), why="for the time left")[0]
    assert chip.text in ("1 h", "59 min", "60 min") and "window-soon" in chip.get_attribute("class")
    assert "templates only" in i.row(gone).text
    i.open_thread(gone)
    i.one(".window-shut")
    assert not i.one(".composer textarea").is_displayed() and i.one(".send").get_attribute("disabled")
    i.click(".window-shut button")
    i.until(lambda: [b for b in i.all(".tpl") if "order_ready" in b.text], why="for the template")[0].click()
    send = i.one("dialog .button-main")
    assert send.get_attribute("disabled")
    for field, value in (("1", "Cat"), ("2", "17")):
        i.one(f"[id='tpl-body.{field}']").send_keys(value)
    assert "Hello Cat, your order 17 is ready." in i.one(".tpl-preview").text
    i.until(lambda: not send.get_attribute("disabled"))
    send.click()
    i.sees("Hello Cat, your order 17 is ready.\n\nThe shop")
    i.settled()
    until(lambda: world.fake.sent, 10)
    assert world.fake.sent[-1]["body"]["template"]["components"][0]["parameters"][1]["text"] == "17"
    world.fake.world.people["4917600002"].chat(world.number).text("thank you")
    i.none(".window-shut")
    i.write("any time")
    i.settled()
    until(lambda: world.fake.sent[-1]["body"].get("text", {}).get("body") == "any time", 10)


def test_place_contact_and_words_for_failures(world, browsers):
    thread = written(world, "Ann", "4917600000")
    i = open_inbox(world, browsers)
    i.open_thread(thread)

    def extra(name):
        i.click(".composer-row .menu-root > button")
        i.until(lambda: [b for b in i.all("[role=menuitem]") if name in b.text], why=f"for {name}")[0].click()

    extra("Location")
    i.one("#place-where").send_keys("https://www.google.com/maps/@52.52,13.405,15z")
    i.one("#place-name").send_keys("Our shop")
    i.click("dialog .button-main")
    i.settled()
    until(lambda: world.fake.sent, 10)
    assert world.fake.sent[-1]["body"]["location"] == {"latitude": 52.52, "longitude": 13.405, "name": "Our shop"}
    extra("Contact")
    i.one("#contact-name").send_keys("Bob")
    i.one("#contact-phone").send_keys("+49 151 1234567")
    i.click("dialog .button-main")
    i.settled()
    until(lambda: world.fake.sent[-1]["type"] == "contacts", 10)
    world.fake.close_windows()
    i.write("too late")
    i.until(lambda: "takes templates only" in log(i), why="for the reason")
    assert "131047" not in log(i)
    i.d.execute_script("localStorage.setItem('sb.lang', '\"ru\"')")
    i.d.refresh()
    i.until(lambda: "принимает только шаблоны" in log(i), why="for the reason in Russian")


def test_channel_page_tells_of_the_number(world, browsers):
    i = open_inbox(world, browsers)
    i.go("#/channels")
    row = i.one('[data-channel="main"]')
    i.until(lambda: "quality high" in row.text, why="for the quality")
    assert "80 messages a second" in row.text and "+49" in row.text
    world.token.expires_at = int(time.time()) + HOUR + 1800
    i.until(lambda: [b for b in row.find_elements(By.CSS_SELECTOR, "button") if b.text == "Check"])[0].click()
    i.until(lambda: "ends in" in row.text, why="for the report")
    i.d.execute_script("localStorage.setItem('sb.lang', '\"ru\"')")
    i.d.refresh()
    row = i.one('[data-channel="main"]')
    i.until(lambda: [b for b in row.find_elements(By.CSS_SELECTOR, "button") if b.text == "Проверить"])[0].click()
    i.until(lambda: "Срок токена кончается, часов осталось: 1" in row.text, why="for the report in Russian")
    words = [w for line in row.find_elements(By.CSS_SELECTOR, ".report li") for w in line.text.split()]
    assert len(words) > 60
    assert not {"the", "is", "are", "be", "of", "to", "and", "can"} & set(words), " ".join(words)
