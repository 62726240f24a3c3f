"""Every kind that comes in from WhatsApp (issue 4, line 3), as an agent sees it: at both widths, in both languages. With
SHOTS=folder a picture of each screenful is left there."""

import os
import pathlib
import time

import pytest
from fakes.whatsapp import samples
from harness import SLOWER, until
from inbox import Inbox
from selenium.webdriver.common.by import By
from whatsapp_world import WhatsApp

SHOTS = os.environ.get("SHOTS")
QUICK = [{"type": "BODY", "text": "Shall we?"}, {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "By all means"}]}]
HISTORY = ("Hist", "4917600003")

# What an agent reads in Ann's dialogue, in English and in Russian; "" stands for nothing of its own.
SEEN = {
    "ad": ("Came by an advertisement", "Пришёл по рекламе"),
    "ad's words": ("Summer sale", "Summer sale"),
    "text": ('ünïcode / "quotes" 👋', 'ünïcode / "quotes" 👋'),
    "caption": ("the kitchen", "the kitchen"),
    "document": ("план кухни.pdf", "план кухни.pdf"),
    "location": ("Pine Street 5", "Pine Street 5"),
    "contact": ("Bob", "Bob"),
    "button": ("Pressed the button", "Нажата кнопка"),
    "flow": ("Form filled in", "Заполнена форма"),
    "order": ("€39.00", "39,00"),
    "product": ("About the product sku-1", "О товаре sku-1"),
    "forward": ("Forwarded many times", "Переслано много раз"),
    "edit": ("edited", "изменено"),
    "revoke": ("Deleted by the client", "Удалено клиентом"),
    "unsupported": ("unsupported: poll creation", "не поддерживается: poll creation"),
    "unknown": ("unsupported: of next year", "не поддерживается: of next year"),
    "too large": ("larger than WhatsApp hands over", "Файл больше, чем отдаёт WhatsApp"),
    "gone": ("WhatsApp does not hand over the file. Ask the client", "WhatsApp не отдаёт этот файл. Попросите клиента"),
    "echo": ("Written outside of this inbox", "Написано не из этой программы"),
    "call": ("Missed call", "Пропущенный звонок"),
    "talk": ("A call, 2:05", "Звонок, 2:05"),
    "refusal": ("does not want to be called", "не хочет, чтобы ему звонили"),
    "marketing": ("does not want advertisements", "не хочет рекламы"),
    "system": ("Ann has a new phone", "Ann has a new phone"),
    "new number": ("The client has another number: +4917699999", "У клиента другой номер: +4917699999"),
}


class Page(Inbox):
    def look(self, width, russian):
        self.d.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": 844 if width < 500 else 900, "deviceScaleFactor": 1, "mobile": width < 500})
        self.d.execute_script("localStorage.setItem('sb.lang', arguments[0])", '"ru"' if russian else '"en"')
        self.d.refresh()
        self.online()
        self.width, self.lang = width, "ru" if russian else "en"

    def text(self):
        return self.d.find_element(By.ID, "log").text

    def all_is_shown(self, russian):
        """Files are fetched, or not, in their own time."""
        def there():
            shown = self.text()
            missing = [k for k, words in SEEN.items() if words[russian] not in shown]
            assert not missing, (self.width, self.lang, missing, shown)
            return True
        self.until(there, why="for every kind")

    def open(self, thread, n):
        self.open_thread(thread)
        self.until(lambda: self.seqs() and max(self.seqs()) == n, why=f"for {n} messages")

    def fits(self):
        wide = self.d.execute_script(
            "return ['#log', '.thread-head', '.thread-sub', '.panel', 'html'].flatMap(css => [...document.querySelectorAll(css)])"
            ".filter(e => e.scrollWidth > e.clientWidth).map(e => [e.className || e.tagName, e.scrollWidth, e.clientWidth])")
        assert not wide, (self.width, self.lang, wide)

    def shots(self, name):
        if not SHOTS:
            return
        tall, step = self.d.execute_script("const l = document.querySelector('#log'); return [l.scrollHeight, l.clientHeight]")
        for k, top in enumerate(range(0, tall, step - 60)):
            self.d.execute_script("document.querySelector('#log').scrollTop = arguments[0]", top)
            time.sleep(0.3)  # for pictures that are loaded when they are seen; only where pictures are taken
            pathlib.Path(SHOTS, f"{name}-{self.lang}-{self.width}-{k}.png").write_bytes(self.d.get_screenshot_as_png())


@pytest.fixture
def world(start_gateway):
    w = WhatsApp(start_gateway)
    w.fake.template(w.waba, "shall_we", components=QUICK)
    w.number.account("message_template_status_update", {"event": "APPROVED", "message_template_name": "shall_we"})
    yield w
    w.close()


def presses(world, ann, thread):
    rows = [[{"text": f"Row {i}"}] for i in range(5)]
    until(lambda: any(t["name"] == "shall_we" for t in world.api.get("/channels/main/templates")["templates"]), 10 * SLOWER)
    for asked, title in (({"text": "two?", "buttons": rows[:2]}, "Row 1"), ({"text": "five?", "buttons": rows}, "Row 4"),
                         ({"template": {"name": "shall_we", "language": "en"}}, "By all means")):
        world.say(thread, asked)
        ann.press(title)


def files(ann):
    ann.image(caption="the kitchen")
    ann.video(caption="the floor")
    ann.audio()
    ann.voice()
    ann.document(caption="the plan", filename="план кухни.pdf")
    ann.sticker(animated=True)


def lost_files(world, ann):
    """One that WhatsApp has not, and one that it had when it told of it."""
    ann.unsupported("video", code=131052)
    ann.document(filename="gone.pdf")
    world.fake.do(world.fake.world.media.clear)


def everything(world):
    """Ann does all that people can do; her thread."""
    ann = world.user("4917600000", "Ann", bsuid="DE.1")
    lost_files(world, ann)
    ann.from_ad()
    text = ann.text('ünïcode / "quotes" 👋\nsecond line')
    files(ann)
    ann.location(name="Home", address="Pine Street 5")
    ann.contacts(("Bob", "+49 151 7"), ("Cat", "+49 151 8"))
    thread = world.got(n=12)[0]["thread"]
    presses(world, ann, thread)
    ann.flow({"date": "2026-12-01", "people": 3, "flow_token": "x"})
    ann.order(("sku-1", 2, 9.5, "EUR"), ("sku-2", 1, 20, "EUR"), text="please")
    ann.quote(text, "an answer to that")
    ann.forward("passed on", often=True)
    ann.ask_product("Is it there?")
    ann.unsupported("poll_creation")
    ann.say("of_next_year", {"x": 1})
    ann.edit(ann.text("teh"), "the")
    ann.revoke(ann.text("a secret"))
    ann.react(text, "👍")
    taken_back = ann.text("liked for a moment")
    ann.react(taken_back, "🔥")
    ann.react(taken_back, None)
    world.number.echo(ann.user, "written on the phone")
    ann.say("system", {"body": "Ann has a new phone", "type": "customer_identity_changed"}, opens=False)
    ann.call()
    ann.call(seconds=125)
    ann.call_permission("reject")
    ann.preference("stop")
    ann.change_number("4917699999", "DE.2")
    until(world.fake.wait_calm, 10 * SLOWER)
    until(lambda: not any(a.get("state") == "waiting" for m in world.messages() for a in m.get("attachments", [])), 30 * SLOWER,
          why="for the files, and the one that is gone")
    return thread


def media_are_there(i):
    for css, n in (("#log .picture img", 1), ("#log audio", 2), ("#log img.sticker", 1)):
        i.until(lambda css=css, n=n: len(i.all(css)) >= n, why=f"for {n} {css}")
    i.d.execute_script("document.querySelectorAll('#log img').forEach(i => { i.loading = 'eager'; })")
    i.until(lambda: i.d.execute_script("return [...document.querySelectorAll('#log .picture img')].every(i => i.naturalWidth > 0)"),
            why="for the pictures")


def reactions_are_there(i):
    assert [b.text.split("\n")[0] for b in i.all("#log .reaction")] == ["👍"]
    bubble = next(m for m in i.all(".msg") if "liked for a moment" in m.text)
    assert not bubble.find_elements(By.CSS_SELECTOR, ".reaction")


def labels_are_whole(i):
    """Below the name, beside the time left: no label is cut, however many there are."""
    i.until(lambda: len(i.all(".thread-sub .chip button")) == 3, why="for the labels")
    cut = i.d.execute_script(
        "const s = document.querySelector('.thread-sub').getBoundingClientRect();"
        "return [...document.querySelectorAll('.thread-sub .chip')].map(c => [c, c.getBoundingClientRect()])"
        ".filter(([c, r]) => r.right > s.right + 1 || r.bottom > s.bottom + 1 || c.scrollWidth > c.clientWidth).map(([c]) => c.textContent)")
    assert not cut, (i.width, i.lang, cut)


def panel_knows_her(i, russian):
    panel = i.one(".panel")
    i.until(lambda: "+4917699999" in panel.text)
    words = panel.text
    for kind in (("Номер WhatsApp", "Идентификатор WhatsApp", "Номер телефона") if russian else
                 ("WhatsApp number", "WhatsApp id", "Phone number")):
        assert kind in words, (kind, words)
    assert ("прежний" if russian else "former") in words and "whatsapp" not in words.split("\n")
    assert "Summer sale" in words  # where she came from, however long ago it was


def test_every_kind_is_shown(world, browsers):
    thread = everything(world)
    world.api.patch(f"/threads/{thread}", {"labels": ["wholesale", "важный клиент", "a label of thirty-two letters !!"]})
    n = len(world.messages())
    i = Page(browsers.open(world.gateway.url + "/"), world.gateway).sign_in()
    for russian in (False, True):
        for width in (1280, 390):
            i.look(width, russian)
            i.open(thread, n)
            i.all_is_shown(russian)
            shown = i.text()
            assert shown.count("+4917699999") == 1, "one change of the number, told once"
            assert not [m for m in i.messages() if "sku-1" in m], "an order's lines are shown twice"
            media_are_there(i)
            reactions_are_there(i)
            if width == 1280:
                panel_knows_her(i, russian)
            labels_are_whole(i)
            i.fits()
            i.shots("wa-kinds")


def test_groups_and_the_past_are_shown(world, browsers):
    ann, bob = world.fake.user("4917600000", "Ann"), world.fake.user("4917600001", "Bob")
    hello = world.number.in_group(ann).text("hello all")
    world.number.in_group(bob).image(caption="the yard")
    world.number.in_group(bob).react(hello, "🎉")
    hist = world.fake.user(HISTORY[1], HISTORY[0])
    ids = world.number.history(hist, [(True, "old question", 200000), (False, "old answer", 190000), (True, None, 180000),
                                      (True, None, 170000)])
    until(lambda: world.api.threads("closed"), 10 * SLOWER)
    world.number.history_media(hist, ids[2], samples.JPEG, ago=180000)
    group = until(lambda: next((t["id"] for t in world.api.threads() if len(world.api.messages(t["id"])) == 2), None), 10 * SLOWER)
    past = world.api.threads("closed")[0]["id"]
    until(lambda: world.api.messages(past)[2]["attachments"][0].get("id"), 20 * SLOWER, why="for the file of the history")
    i = Page(browsers.open(world.gateway.url + "/"), world.gateway).sign_in()
    for russian in (False, True):
        for width in (1280, 390):
            i.look(width, russian)
            i.open(group, 2)
            for words in ("hello all", "the yard", "Ann", "Bob", "🎉"):
                assert words in i.text(), (words, i.lang, width)
            i.fits()
            i.shots("wa-group")
            i.open(past, 4)
            for words in ("old question", "old answer", "WhatsApp не передал этот файл истории" if russian else
                          "WhatsApp has not handed over this file of the history"):
                assert words in i.text(), (words, i.lang, width)
            assert len(i.all(".picture img")) == 1
            i.fits()
            i.shots("wa-past")
