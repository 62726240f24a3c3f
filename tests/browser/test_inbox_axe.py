"""axe-core on each page and dialog of the inbox: nothing against WCAG 2.2 AA, by day in English on a wide screen and by night in
Russian on a narrow one. What the widget shows is looked at in its own tests; the account's dialogs in test_inbox_account.py."""
import pytest
from selenium.webdriver.common.keys import Keys

from axe import violations
from inbox import Inbox
from test_inbox_desk import dark, narrow, russian, write
from test_inbox_writing import upload

LOOKS = ["day-en-wide", "night-ru-narrow"]


def world(g):
    """A thread with a bit of everything, and others beside it."""
    for name in ("ann", "bob"):
        g.add_user(name)
    api, bob = g.login(), g.login("bob", g.PASSWORD)
    t = write(g, "Clara Petrova", "where is my order? see https://example.org/a")
    api.patch("/threads/" + t, {"labels": ["vip", "a b"], "assignee": "bob"})
    bob.post(f"/threads/{t}/messages", {"text": "on its way"})
    bob.post(f"/threads/{t}/messages", {"text": "!reject no"})
    bob.post(f"/threads/{t}/messages", {"text": "look @admin", "note": True, "attachments": [upload(g, bob, "plan.png"), upload(g, bob, "map.png")]})
    write(g, "Clara Petrova", "thank you")
    for n in range(3):
        write(g, f"other {n}")
    api.patch("/threads/" + write(g, "blocked one"), {"blocked": True})
    api.post("/canned", {"shortcut": "hi", "title": "Greeting", "text": "Hello, {{client.name}}"})
    api.post("/views", {"name": "VIP", "view": "open", "label": "vip"})
    return t


class Page(Inbox):
    def begin(self, look):
        self.look, self.wrong = look, []
        if look == LOOKS[1]:
            russian(self)
            narrow(self)
            dark(self)
        return self

    def good(self, name, ready=None):
        if ready:
            self.one(ready)
        self.shot(f"axe-{name}-{self.look}")
        self.wrong += [f"{name}: {v[:600]}" for v in violations(self.d)]

    def end(self):
        assert not self.wrong, f"{self.look}\n" + "\n".join(self.wrong)

    def closed(self):
        self.key(Keys.ESCAPE)
        self.none("dialog[open]")

    def dialog(self, name, opener, ready="dialog[open]"):
        self.click(opener)
        self.good(name, ready)
        self.closed()


@pytest.mark.parametrize("look", LOOKS)
def test_dialogues(gateway, browsers, look):
    t = world(gateway)
    d = browsers.open()
    p = Page(d, gateway)
    p.look, p.wrong = look, []
    if look == LOOKS[1]:
        narrow(p)
        dark(p)
    d.get(gateway.url + "/")
    p.good("signin", "#signin-name")
    p.end()
    p.sign_in().begin(look)
    p.good("list", ".row")
    p.dialog("filter", ".filter-open")
    p.go("#/v/open?label=vip")
    p.good("filtered", ".filter-chips")
    p.open_thread(t)
    p.one(".msg-trouble")
    p.until(lambda: len(p.all(".picture img")) == 2)
    p.good("thread")
    p.dialog("trace", ".msg-meta")
    p.dialog("viewer", ".picture", ".viewer-frame")
    p.click(".assign")
    p.good("assign", ".menu")
    p.key(Keys.ESCAPE)
    p.none(".menu")
    p.click(".emoji-open")
    p.good("emoji", ".emoji-box")
    p.key(Keys.ESCAPE)
    p.none(".emoji-box")
    area = p.one(".composer textarea")
    area.send_keys("/")
    p.good("canned", ".suggest")
    area.send_keys(Keys.BACKSPACE)
    p.d.execute_script("document.activeElement.blur()")
    p.key("?")
    p.good("help", "dialog .keys-all")
    p.closed()
    p.d.execute_script("document.activeElement.blur()")
    if not p.all(".panel"):
        p.click(".thread-who")
    p.good("panel", ".panel")
    p.until(lambda: p.all(".panel .danger"))[0].click()
    p.good("confirm", "dialog[open]")
    p.closed()
    p.go("#/v/open")
    p.one(".row")
    p.one(".search input").send_keys("order")
    p.one(".results")
    p.good("search", ".results .hit, .results")
    p.end()


@pytest.mark.parametrize("look", LOOKS)
def test_pages(gateway, browsers, look):
    world(gateway)
    p = Page(browsers.open(), gateway).sign_in().begin(look)
    p.click(".person")
    p.good("menu", ".menu")
    p.key(Keys.ESCAPE)
    for page, ready in (("reports", "[data-figure]"), ("agents", ".admin li, .admin table"), ("channels", "li[data-channel]"),
                        ("canned", "[data-canned]"), ("targets", ".admin-inside"), ("dead", ".admin-inside"), ("account", "#settings-mine")):
        p.go("#/" + page)
        p.one(ready)
        p.none(".admin .spinner", 15)
        p.good(page)
        if page in ("agents", "channels", "canned"):
            p.dialog(page + "-add", ".admin-head .button-main")
    p.end()
