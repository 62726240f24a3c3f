"""An admin adds a bot in the inbox, is told what is wrong at its field, sees how the channel is, changes and removes it."""
import pytest
import requests
from email_world import FakeMailbox
from fakes.telegram import FakeTelegram
from harness import CONFIG, until
from inbox import Inbox
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from widget import accessible

TOKEN = "123456789:AAE" + "x" * 32


@pytest.fixture
def fake():
    f = FakeTelegram()
    yield f
    f.close()


class Page(Inbox):
    def fits(self):
        """Nothing is wider than the screen or its dialog."""
        wide = self.d.execute_script(
            "return [document.documentElement, ...document.querySelectorAll('dialog')]"
            ".filter(e => e.scrollWidth > e.clientWidth).map(e => e.outerHTML.slice(0, 80))")
        assert not wide, wide

    def fill(self, key, text):
        field = self.one("#channel-" + key)
        field.clear()
        field.send_keys(text)

    def press(self, text, within="dialog"):
        self.until(lambda: any(b.click() or True for b in self.all(f"{within} button") if b.text == text), why=f"for {text}")

    def channel(self, name):
        return self.one(f'li[data-channel="{name}"]')

    def act(self, name, what):
        self.channel(name).find_element(By.CSS_SELECTOR, ".menu-root > button").click()
        self.until(lambda: next(b for b in self.all(".menu-item") if b.text == what).click() or True)

    def wrong(self, key):
        return self.until(lambda: self.one("#channel-" + key).find_element(By.XPATH, "..").find_element(By.CSS_SELECTOR, ".field-error").text)

    def ends_well(self, report):
        self.until(lambda: "Ready" in self.one(".channel-now").text and report in self.one("dialog .report").text, 30,
                   why="for the state and the report")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_bot_is_added_changed_and_removed(gateway, fake, browsers, width):
    fake.bot(TOKEN, username="shop_bot", first_name="Shop")
    browsers.allow_lost_connections()
    browsers.allowed += ["400 (Bad Request)", "409 (Conflict)"]
    i = Page(browsers.open(gateway.url + "/", width=width), gateway).sign_in()
    i.go("#/channels")
    i.until(lambda: "in the configuration file" in i.channel("site").text)
    i.channel("site").find_element(By.CSS_SELECTOR, ".menu-root > button").click()
    assert i.until(lambda: [b.text for b in i.all(".menu-item")]) == ["Pause"]
    i.key(Keys.ESCAPE)
    i.shot("list")

    i.press("Add a channel", ".admin-head")
    kind = Select(i.one("#channel-kind"))
    assert kind.first_selected_option.text == "Telegram"
    assert i.one("#channel-token").get_attribute("type") == "password"
    i.fill("name", "test")
    i.fill("token", "my token")
    i.shot("form")
    i.fits()
    i.press("Add a channel")
    assert "already" in i.wrong("name")
    i.fill("name", "sales")
    i.press("Add a channel")
    assert "@BotFather" in i.wrong("token")
    i.click("dialog summary")
    i.fill("token", TOKEN)
    i.fill("api_url", "nonsense")
    i.press("Add a channel")
    assert "https://" in i.wrong("api_url")
    i.shot("wrong")
    i.fits()
    i.fill("api_url", fake.url)
    Select(i.one("#channel-mode")).select_by_value("polling")
    i.press("Add a channel")
    i.one(".channel-saved")
    i.shot("waits")
    i.ends_well("shop_bot")
    i.shot("done")
    i.fits()
    i.press("Done")
    i.until(lambda: "Ready" in i.channel("sales").text and "Shop" in i.channel("sales").text)

    i.act("sales", "Change settings")
    i.one("#channel-token")
    assert i.one("#channel-token").get_attribute("value") == "" and TOKEN not in i.d.page_source
    i.click("dialog summary")
    i.fill("contact_button", "My number")
    i.shot("change")
    i.press("Save")
    i.ends_well("shop_bot")
    i.press("Done")
    got = gateway.login().get("/channels/sales/settings")["channel"]["settings"]
    assert got["contact_button"] == "My number" and got["token"] == "***" and got["mode"] == "polling"

    i.act("sales", "Remove")
    i.shot("remove")
    i.press("Remove")
    i.none('li[data-channel="sales"]')
    until(lambda: "sales" not in {c["name"] for c in gateway.login().get("/channels")["channels"]}, 15)


def test_in_russian_and_for_supervisors(gateway, browsers):
    gateway.add_user("sue", "supervisor")
    i = Page(browsers.open(gateway.url + "/"), gateway).sign_in("sue")
    i.go("#/channels")
    i.channel("site")
    assert not i.all(".admin-head .button-main") and "configuration file" not in i.channel("site").text
    i = Page(browsers.open(gateway.url + "/"), gateway).sign_in()
    i.d.execute_script("localStorage.setItem('sb.lang', '\"ru\"')")
    i.d.refresh()
    i.go("#/channels")
    i.press("Добавить канал", ".admin-head")
    Select(i.one("#channel-kind")).select_by_visible_text("Чат на сайте")
    i.click("dialog summary")
    words = i.one("dialog").text
    assert "Сайты" in words and "По одному в строке." in words and "Сообщений в минуту" in words, words
    i.shot("ru")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_mailbox_is_checked(start_gateway, browsers, width):
    """It takes a moment: the page says what happens meanwhile, then what was found."""
    box = FakeMailbox()
    try:
        box.smtp.fault("mail", kind="slow", ms=3000, times=1)
        gateway = start_gateway(config=CONFIG + box.section)
        i = Page(browsers.open(gateway.url + "/", width=width), gateway).sign_in()
        i.go("#/channels")
        i.until(lambda: "Ready" in i.channel("s").text, 20)
        about = i.channel("s").find_element(By.CSS_SELECTOR, ".channel-about").text
        assert about.count("s@example.test") == 1 and "@s@" not in about and "mailbox" in about
        i.press("Check", 'li[data-channel="s"]')
        i.until(lambda: "sends a mail to itself" in i.channel("s").find_element(By.CSS_SELECTOR, ".report-wait").text)
        i.shot("mail-wait")
        i.fits()
        i.until(lambda: "and IDLE told of it" in i.channel("s").find_element(By.CSS_SELECTOR, ".report").text, 30)
        i.shot("mail-report")
        i.fits()
    finally:
        box.close()


@pytest.mark.parametrize("width,lang", [(1280, "en"), (390, "ru")])
def test_the_looks_of_a_chat_are_shown_while_they_are_chosen(gateway, browsers, width, lang):
    """What stands in the form is in the preview at once; saved, the site's own page has it."""
    d = browsers.open(gateway.url + "/", width=width)
    i = Page(d, gateway).sign_in()
    d.execute_script(f"localStorage.setItem('sb.lang', '\"{lang}\"')")
    d.refresh()
    i.go("#/channels")
    i.click(".admin-head .button-main")
    Select(i.one("#channel-kind")).select_by_value("sitechat")
    i.one("#channel-name").send_keys("shop")
    i.click("dialog summary")

    def shown(what, css):
        d.switch_to.frame(i.one(".chat-preview iframe"))
        try:
            return d.execute_script("const e = document.querySelector(arguments[0]); return e && (arguments[1] === 'color' ? "
                                    "getComputedStyle(e).backgroundColor : e.textContent)", css, what)
        finally:
            d.switch_to.default_content()
    i.fill("greeting_" + lang, "Good day, <b>dear</b> guest")
    i.until(lambda: shown("text", ".hello") == "Good day, <b>dear</b> guest", why="for the greeting")
    i.fill("color", "#00695c")
    i.until(lambda: shown("color", "header") == "rgb(0, 105, 92)", why="for the colour")
    i.fill("form", "name\nemail!")
    i.until(lambda: "*" in (shown("text", ".asks") or ""), why="for the form")
    i.fill("quick_answers_" + lang, "Delivery\nPrices")
    i.until(lambda: shown("text", ".answers") == "DeliveryPrices", why="for the answers")
    d.switch_to.frame(i.one(".chat-preview iframe"))
    accessible(d)
    d.switch_to.default_content()
    i.fits()
    i.shot(f"preview-{lang}")
    i.d.execute_script("document.querySelector('.chat-preview button:not([aria-pressed=true])').click()")
    i.until(lambda: "Good day" not in shown("text", ".hello"), why="for the other language")
    i.d.execute_script("document.querySelector('dialog .dialog-foot .button-main').click()")
    i.until(lambda: "#00695c" in requests.get(gateway.url + "/widget.js?site=shop").text, 30, "for the channel")
    i.until(lambda: i.all(".channel-now"), 30, "for its state")
