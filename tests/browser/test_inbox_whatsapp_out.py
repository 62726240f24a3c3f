"""What goes out to WhatsApp, in a real browser at both widths: what is kept back, what came back and is sent again,
and the line with the time left (issue 4, lines 5 and 6)."""

import time

import pytest
from fakes.whatsapp.errors import ApiError
from harness import SLOWER, until
from inbox import Inbox
from selenium.webdriver.common.by import By
from whatsapp_world import WhatsApp

TEMPLATE = {"template": {"name": "order_ready", "language": "en", "values": {"body.1": "Ann", "body.2": "17"}}}
FILLED = "Hello Ann, your order 17 is ready.\n\nThe shop"


@pytest.fixture
def world(start_gateway):
    w = WhatsApp(start_gateway)
    w.fake.statuses = False
    yield w
    assert not w.fake.problems and not w.fake.twice()
    w.close()


def open_inbox(world, browsers, **kw):
    return Inbox(browsers.open(world.gateway.url + "/", **kw), world.gateway).sign_in()


def in_russian(i):
    i.d.execute_script("localStorage.setItem('sb.lang', '\"ru\"')")
    i.d.refresh()
    i.online()


def told(world, word, error=None):
    world.fake.status(world.number.number, world.fake.sent[-1], word, error)


@pytest.mark.parametrize("width", [1280, 390])
def test_kept_back_and_come_back(world, browsers, width):
    ann = world.user()
    ann.text("hello")
    world.got()
    thread = world.thread_of("Ann")
    i = open_inbox(world, browsers, width=width)
    i.open_thread(thread)

    def log():
        return i.d.find_element(By.ID, "log").text

    world.waba.templates[0]["message_status"] = "held_for_quality_assessment"
    world.say(thread, TEMPLATE, "sent")
    i.until(lambda: "holds it back to examine its quality" in log(), why="for the word that it is kept back")
    told(world, "failed", ApiError(132015))
    i.until(lambda: "has paused this template" in log() and "holds it back" not in log(), why="for the refusal")
    world.waba.templates[0]["message_status"] = "accepted"
    i.click(".trouble .button")  # an admin, too, sends a new one: it waits nowhere
    i.until(lambda: len(world.fake.sent) == 2, why="for the template to go again")
    assert world.fake.sent[1]["body"]["template"] == world.fake.sent[0]["body"]["template"]
    i.until(lambda: i.messages().count(FILLED) == 2)
    told(world, "delivered")
    world.say(thread, {"text": "a late one"}, "sent")
    told(world, "failed", ApiError(131016))
    i.until(lambda: "service is overloaded. Send it again." in log())
    in_russian(i)
    i.open_thread(thread)
    i.until(lambda: "Служба WhatsApp перегружена. Отправьте ещё раз." in log(), why="for the same in Russian")
    world.api.ask("PUT", f"/messages/{world.messages()[0]['id']}/reaction", json={"emoji": "👍"})
    until(lambda: world.fake.sent[-1]["type"] == "reaction", 10 * SLOWER)
    told(world, "failed", ApiError(131026))
    i.until(lambda: "Клиент не видит реакцию." in log(), why="for the reaction that failed")


@pytest.mark.parametrize("width", [1280, 390])
def test_time_left_has_its_place(world, browsers, width):
    """Open, soon over, over, and free by an ad: the line below the name is whole, also in Russian."""
    for n, (name, hours) in enumerate((("Open", 0), ("Soon", 23), ("Shut", 25))):
        world.user(f"491760000{n}", name).text("hello", timestamp=str(int(time.time()) - hours * 3600 - 61))
    world.user("4917600009", "Free").from_ad()
    names = ("Open", "Soon", "Shut", "Free")
    threads = [until(lambda name=name: world.thread_of(name), 10 * SLOWER) for name in names]
    world.say(threads[3], {"text": "welcome"}, "sent")
    i = open_inbox(world, browsers, width=width)
    for russian in (False, True):
        if russian:
            in_russian(i)
        for thread in threads:
            i.open_thread(thread)
            i.one(".thread-sub .window")
            wide = i.d.execute_script("const s = document.querySelector('.thread-sub'); return [s.scrollWidth, s.clientWidth]")
            assert wide[0] <= wide[1], (width, russian, i.one(".thread-sub").text, wide)
