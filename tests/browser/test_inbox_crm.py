"""What the inbox shows of the CRMs: the card with its link and whether all is on it, each CRM's state, and what was given
up for it, put back by hand (F13, F14); in both languages, on a wide and on a narrow screen, with the keyboard."""
import random
import re

import pytest
from crm_target_espocrm import EspoTarget
from fakes.webhook import Receiver
from fakes.wire import Answer
from harness import CONFIG, SLOWER, until
from inbox import Inbox
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WORDS = {
    "en": {"all": "All messages are on the card", "waiting": "2 messages are on their way to the card, the oldest for less than a minute",
           "refused": "1 message was refused: the CRM answered 422", "open": "Open the card", "retry": "Retry",
           "back": "Back in the queue.", "retry all": "Retry all", "none": "Everything was delivered.",
           "well": "Takes messages", "paused": "Does not answer", "given up": "3 undelivered messages",
           "to dead": "Deliver again…", "filter": "CRM erp", "all back": "2 deliveries are back in their queues."},
    "ru": {"all": "Все сообщения в карточке", "waiting": "2 сообщения на пути в карточку, самое старое ждёт меньше минуты",
           "refused": "1 сообщение не принято: CRM ответила 422", "open": "Открыть карточку", "retry": "Повторить",
           "back": "Снова в очереди.", "retry all": "Повторить все", "none": "Доставлено всё.",
           "well": "Принимает сообщения", "paused": "Не отвечает", "given up": "3 недоставленных сообщения",
           "to dead": "Доставить снова…", "filter": "CRM erp", "all back": "2 доставки снова в очереди."},
}


@pytest.fixture
def receiver():
    with Receiver([KEY]) as r:
        yield r


@pytest.fixture
def gateway(receiver, start_gateway):
    return start_gateway(config=CONFIG + (f'webhook "erp" {{{{\n  url = "{receiver.url}/in"\n  secret = {{{{"{KEY}"}}}}\n'
                                          f'  allow_private = true\n}}}}\n'))


def write(g, text, who="ann"):
    r = g.hook({"from": {"address": who, "name": who.title()}, "id": f"{who}-{random.random()}", "text": text})
    assert r.status_code == 200, r.text
    return r.json()["thread"]


def refuses(word):
    return lambda e: Answer(422, {"error": f"no {word}"}) if word in e["data"].get("message", {}).get("text", "") else None


class Page(Inbox):
    def __init__(self, *args, lang="en"):
        super().__init__(*args)
        self.words = WORDS[lang]
        self.lang = lang

    def enter(self, name="admin"):
        self.sign_in(name)
        self.d.execute_script("localStorage.setItem('sb.lang', JSON.stringify(arguments[0]))", self.lang)
        self.d.refresh()
        self.one(".app")
        return self

    def fits(self):
        wide = self.d.execute_script(
            "return [document.documentElement, ...document.querySelectorAll('dialog, .admin-inside, .panel')]"
            ".filter(e => e.scrollWidth > e.clientWidth).map(e => e.outerHTML.slice(0, 80))")
        assert not wide, wide

    def show_panel(self):
        if not self.all(".panel"):
            self.click(".thread-who")
        self.one('.card[data-target="erp"]')

    def says(self, css, *texts, timeout=15):
        self.until(lambda: all(x in self.one(css).text for x in texts), timeout,
                   why=f"for {texts}, it says {[e.text for e in self.all(css)]}")

    def press(self, text, within):
        self.until(lambda: next(b for b in self.all(f"{within} button") if b.text == text).click() or True, why=f"for {text}")

    def figure(self, name, target="erp"):
        return self.one(f'li[data-target="{target}"] [data-figure="{name}"] dd').text.split(" ")[0].split("\n")[0]


CARD = '.card[data-target="erp"]'
ERP = 'li[data-target="erp"]'


@pytest.mark.parametrize("lang", ["en", "ru"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_card_on_the_panel(gateway, receiver, browsers, lang, width):
    """Its link, and live: all on it, some on their way, one refused; and the way to where that is mended."""
    thread = write(gateway, "one")
    until(lambda: receiver.messages(), 10 * SLOWER)
    api = gateway.login()
    client = api.get(f"/threads/{thread}")["client"]["id"]
    receiver.do(lambda: (receiver.urls.__setitem__(client, "https://crm.example/deals/77"),
                         receiver.cards.__setitem__(client, "deal/77")))
    api.patch(f"/clients/{client}", {"name": "Anna Smith"})
    i = Page(browsers.open(gateway.url + "/", width=width), gateway, lang=lang).enter()
    i.open_thread(thread)
    i.show_panel()
    i.says(CARD, "deal/77", i.words["all"], i.words["open"])
    link = i.one(CARD + " a.card-link")
    assert link.get_attribute("href") == "https://crm.example/deals/77" and link.get_attribute("target") == "_blank"
    assert "noopener" in link.get_attribute("rel") and "erp" in link.get_attribute("aria-label")
    i.says('.card[data-target="main"]', "Anna Smith", i.words["all"])
    i.d.execute_script("arguments[0].scrollIntoView({block: 'end'})", i.one(".panel-card"))
    i.shot(f"card-all-{lang}")
    i.fits()

    receiver.spoil = lambda e: Answer(503, b"")
    write(gateway, "two")
    write(gateway, "three")
    i.says(CARD, i.words["waiting"])
    assert i.words["all"] not in i.one(CARD).text
    i.d.execute_script("arguments[0].scrollIntoView({block: 'end'})", i.one(".panel-card"))
    i.shot(f"card-waiting-{lang}")
    i.fits()
    receiver.spoil = refuses("poison")
    write(gateway, "poison")
    i.says(CARD, i.words["refused"], timeout=90)
    i.until(lambda: i.words["waiting"] not in i.one(CARD).text)
    i.d.execute_script("arguments[0].scrollIntoView({block: 'end'})", i.one(".panel-card"))
    i.shot(f"card-refused-{lang}")
    i.fits()

    ways = i.all(CARD + " .card-ways a")
    assert [a.text for a in ways][1] == i.words["to dead"] and ways[0].get_attribute("href").endswith(f"#/t/{thread}/4")
    ways[1].send_keys(Keys.ENTER)
    i.says(".dead li", "422")
    assert Select(i.one("#dead-queue")).first_selected_option.text == i.words["filter"]
    i.shot(f"dead-of-erp-{lang}")
    i.fits()
    receiver.spoil = None
    i.press(i.words["retry"], ".dead li")
    i.says(".dead li", i.words["back"])
    i.open_thread(thread)
    i.show_panel()
    i.says(CARD, i.words["all"])
    assert [m["text"] for m in receiver.messages()][-1] == "poison"


@pytest.mark.parametrize("lang", ["en", "ru"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_admin_s_page(gateway, receiver, browsers, lang, width):
    """A CRM's state and figures, live; its dead letters, one of which is put back, then all."""
    browsers.allow_lost_connections()
    i = Page(browsers.open(gateway.url + "/", width=width), gateway, lang=lang).enter()
    i.one(".person").click()
    i.until(lambda: next(b for b in i.all(".menu-item") if b.text == "CRM").click() or True)
    i.says(ERP, i.words["well"], "webhook")
    i.says('li[data-target="main"]', i.words["well"], "cards")
    for n in range(3):
        write(gateway, f"hello {n}", f"client{n}")
    i.until(lambda: i.figure("rate") == "3", 15)
    i.shot(f"targets-well-{lang}")
    i.fits()

    receiver.spoil = refuses("poison")
    threads = {write(gateway, f"poison {who}", who): f"poison {who}" for who in ("ann", "bob", "eve")}
    i.until(lambda: i.figure("dead") == "3", 15)
    button = i.one(ERP + " .target-fold > button")
    assert button.get_attribute("aria-expanded") == "false"
    button.send_keys(Keys.ENTER)
    i.until(lambda: len(i.all(ERP + " .dead li")) == 3)
    i.says(ERP + " .dead li", "422", "no poison")
    assert {e.text for e in i.all(ERP + " .dead li strong")} == {"Ann", "Bob", "Eve"}
    assert i.words["given up"] in button.text
    assert button.get_attribute("aria-expanded") == "true"
    i.d.execute_script("scrollTo(0, 1e6)")
    i.shot(f"targets-dead-{lang}")
    i.fits()
    first = i.one(ERP + " .dead li a").get_attribute("href").split("#/t/")[1].split("/")
    assert first[1] == "1"

    receiver.spoil = None
    i.one(ERP + " .dead li button").send_keys(Keys.ENTER)
    until(lambda: threads[first[0]] in [m["text"] for m in receiver.messages()], 10 * SLOWER)
    i.until(lambda: i.figure("dead") == "2" and len(i.all(ERP + " .dead li")) == 2, 15)
    i.until(lambda: next(b for b in i.all(ERP + " .dead-all button") if i.words["retry all"] in b.text).click() or True)
    i.one("dialog")
    i.shot(f"targets-all-{lang}")
    i.fits()
    i.press(i.words["retry all"], "dialog .dialog-foot")
    i.says(".toasts", i.words["all back"])
    until(lambda: len(receiver.messages()) == 6, 10 * SLOWER)
    i.until(lambda: i.figure("dead") == "0", 15)
    i.says(ERP, i.words["none"])

    receiver.spoil = lambda e: Answer(503, b"<h1>Back at ten</h1>", type="text/html")
    for n in range(12):
        write(gateway, f"again {n}", f"client{n}")
    i.says(ERP, i.words["paused"], "503", timeout=30)
    assert not re.search(r":\d\d[.,]\d", i.one(ERP).text), i.one(ERP).text  # to the second
    i.until(lambda: i.figure("queue") not in ("", "0") and int(i.figure("errors")) > 0)
    i.d.execute_script("document.querySelector('.admin').scrollTo(0, 0)")
    i.shot(f"targets-paused-{lang}")
    i.fits()
    receiver.spoil = None
    i.says(ERP, i.words["well"], timeout=90)


@pytest.mark.parametrize("lang", ["en", "ru"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_last_calls(gateway, receiver, browsers, lang, width):
    """What a CRM was asked and what it said, live, errors alone when they are wanted; from there to the message."""
    words = {"en": ("Last calls", "Message 2", 'the CRM answered 422: {"error": "no poison"}', "No errors among", "no answer"),
             "ru": ("Последние запросы", "Сообщение 2", 'CRM ответила 422: {"error": "no poison"}', "ошибок нет", "нет ответа")}[lang]
    thread = write(gateway, "one")
    until(lambda: receiver.messages(), 10 * SLOWER)
    i = Page(browsers.open(gateway.url + "/#/targets", width=width), gateway, lang=lang).enter()
    i.go("#/targets")
    fold = i.one(ERP + " .target-fold > button")
    assert fold.text == words[0] and fold.get_attribute("aria-expanded") == "false"
    fold.send_keys(Keys.ENTER)
    i.until(lambda: len(i.all(ERP + " .calls li")) == 2, 15)  # the card and the message
    assert fold.get_attribute("aria-expanded") == "true" and i.one("#" + fold.get_attribute("aria-controls"))
    i.says(ERP + " .calls li", "message.created", "200")
    only = i.one(ERP + " .calls-filter input")
    only.send_keys(Keys.SPACE)
    i.says(ERP + " .calls-none", words[3])
    only.send_keys(Keys.SPACE)

    receiver.spoil = refuses("poison")
    write(gateway, "poison")
    i.until(lambda: len(i.all(ERP + " .calls li")) == 3, 15)  # nobody pressed anything
    first = i.one(ERP + " .calls li")
    assert first.get_attribute("data-status") == "422" and words[2] in first.text, first.text
    receiver.spoil = lambda e: Answer(200, b"", spoil="reset")
    write(gateway, "never heard", "bob")
    i.says(ERP + " .calls li", words[4], timeout=15)
    assert receiver.url not in i.one(ERP).text and KEY not in i.one(ERP).text
    i.d.execute_script("arguments[0].scrollIntoView({block: 'start'})", i.one(ERP + " .target-fold:last-of-type"))
    i.shot(f"targets-calls-{lang}")
    i.fits()
    only.send_keys(Keys.SPACE)
    i.until(lambda: all(e.get_attribute("data-bad") is not None for e in i.all(ERP + " .calls li")))
    i.shot(f"targets-calls-errors-{lang}")
    assert i.one(ERP + " .calls").get_attribute("tabindex") == "0" and "erp" in i.one(ERP + " .calls").get_attribute("aria-label")
    link = next(a for a in i.all(ERP + " .calls a") if a.get_attribute("href").endswith(f"#/t/{thread}/2"))
    assert link.text == words[1]
    link.send_keys(Keys.ENTER)
    i.sees("poison")
    assert not i.all('li[data-target="main"] .target-fold')  # it is in this process: nobody calls it


@pytest.mark.parametrize("lang,width", [("en", 1280), ("ru", 390)])
def test_a_webhook_that_wants_no_more_is_tried_and_switched_on_again(gateway, receiver, browsers, lang, width):
    words = {"en": ("Wants nothing more", "Send a trial", "It took the trial: 200", "Switch on again", "did not take the trial: 410"),
             "ru": ("Больше ничего не принимает", "Отправить пробу", "Проба принята: 200", "Включить снова", "не принята: 410")}[lang]
    receiver.spoil = lambda e: Answer(410, b"")
    write(gateway, "one")
    i = Page(browsers.open(gateway.url + "/#/targets", width=width), gateway, lang=lang).enter()
    i.go("#/targets")
    i.says(ERP, words[0])
    i.press(words[1], ERP)
    i.says(ERP + " [data-tried=false]", words[4])
    assert lang == "en" or "Получатель ответил 410" in i.one(ERP).text
    i.shot(f"targets-off-{lang}")
    i.fits()
    receiver.spoil = None
    i.press(words[1], ERP)
    i.says(ERP + " [data-tried=true]", words[2])
    assert not receiver.messages()
    i.press(words[3], ERP)
    until(lambda: receiver.messages(), 20 * SLOWER)
    i.says(ERP, i.words["well"])
    assert words[3] not in [b.text for b in i.all(ERP + " button")]
    assert not i.all('li[data-target="main"] .target-tools')


def test_channels_and_crms_in_one_list(gateway, receiver, browsers):
    """All that was given up, filtered by where it was to go; put back as a whole."""
    receiver.spoil = refuses("poison")
    write(gateway, "poison a")
    write(gateway, "poison b", "bob")
    thread = write(gateway, "hello", "eve")
    gateway.login().post(f"/threads/{thread}/messages", {"id": "x", "text": "!reject"})
    until(lambda: len(gateway.login().get("/dead")["dead"]) == 3, 10 * SLOWER)
    i = Page(browsers.open(gateway.url + "/#/dead"), gateway).enter()
    i.go("#/dead")
    i.until(lambda: len(i.all(".dead li")) == 3)
    i.shot("dead-all")
    chosen = Select(i.one("#dead-queue"))
    assert [o.text for o in chosen.options] == ["Everything", "CRM erp", "Channel test"]
    chosen.select_by_visible_text("Channel test")
    i.until(lambda: len(i.all(".dead li")) == 1)
    assert not i.all(".dead-all")
    Select(i.one("#dead-queue")).select_by_visible_text("Everything")
    i.until(lambda: len(i.all(".dead li")) == 3)
    receiver.spoil = None
    i.press("Retry all", ".dead-all")
    i.press("Retry all", "dialog .dialog-foot")
    i.says(".toasts", "3 deliveries are back in their queues.")
    until(lambda: len(receiver.messages()) >= 3, 10 * SLOWER)
    until(lambda: [d["queue"] for d in gateway.login().get("/dead")["dead"]] == ["out:test"], 10 * SLOWER)


def test_an_agent_sees_the_card_but_no_admin_s_page(gateway, receiver, browsers):
    receiver.spoil = refuses("poison")
    gateway.add_user("joe")
    thread = write(gateway, "poison")
    i = Page(browsers.open(gateway.url + "/"), gateway).enter("joe")
    i.open_thread(thread)
    i.show_panel()
    i.says(CARD, "refused")
    assert [a.text for a in i.all(CARD + " .card-ways a")] == ["Show the message"]
    i.one(".person").click()
    assert "CRM" not in [b.text for b in i.all(".menu-item")]


def test_a_bundle_that_does_not_come(gateway, browsers):
    """Without a network the admin's pages say so, and come when it is back."""
    browsers.allow_lost_connections()
    browsers.allowed += ["ERR_BLOCKED", "ERR_FAILED"]
    i = Page(browsers.open(gateway.url + "/"), gateway).enter()
    i.d.execute_cdp_cmd("Network.enable", {})
    i.d.execute_cdp_cmd("Network.setBlockedURLs", {"urls": ["*/assets/admin.js"]})
    i.go("#/targets")
    i.says("#main", "no connection")
    i.d.execute_cdp_cmd("Network.setBlockedURLs", {"urls": []})
    i.press("Try again", "#main")
    assert i.one(".admin h1").find_element(By.XPATH, ".").text == "CRM"


@pytest.mark.parametrize("width", [1280, 390])
def test_what_a_crm_tells_of_its_card(start_gateway, browsers, width):
    """Name, responsible and stage as they are there, and the link to it."""
    crm = EspoTarget()
    crm.entity = "Lead"
    try:
        gateway = start_gateway(config=CONFIG + crm.section())
        thread = write(gateway, "hello")
        card = until(lambda: next(iter(crm.cards())), 20 * SLOWER)
        crm.fake.do(lambda: (crm.fake.world.records["User"].setdefault("u1", {"id": "u1"}).update(name="Maria Petrova"),
                             crm.fake.world.records["Lead"][card].update(status="In Process", assignedUserId="u1")))
        i = Page(browsers.open(gateway.url + "/", width=width), gateway).enter()
        i.open_thread(thread)
        if not i.all(".panel"):
            i.click(".thread-who")
        there = '.card[data-target="crm"]'
        i.says(there, "Ann", "Responsible Maria Petrova", "Stage In Process", "All messages are on the card")
        assert i.one(there + " a.card-link").get_attribute("href").startswith(crm.fake.url)
        i.d.execute_script("arguments[0].scrollIntoView({block: 'end'})", i.one(".panel-card"))
        i.shot("card-told")
        i.fits()
    finally:
        crm.close()
