"""The admin's page of rules: a form made of conditions and actions, a trial on past dialogues, the order, switches, what
contradicts, another admin's change; and what a rule did, in the dialogue. ru and en, wide and narrow, by keyboard."""
import pytest
from clients import own_id
from harness import until
from inbox import Inbox
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from widget import accessible

WORDS = {"en": {"title": "Rules", "would": "It would have acted in 1 of them.", "because": "because the client wrote, “refund”",
                "event": "Rule “Refunds <b>” assigned the dialogue to ann"},
         "ru": {"title": "Правила", "would": "Сработало бы в 1 из них.", "because": "потому что клиент написал, «refund»",
                "event": "Правило «Refunds <b>»: ответственный теперь ann"}}


def write(g, who, text):
    return g.hook({"from": {"address": who, "name": who}, "id": own_id(), "text": text}).json()["thread"]


class Page(Inbox):
    def enter(self, lang):
        self.sign_in()
        self.d.execute_script("localStorage.setItem('sb.lang', JSON.stringify(arguments[0]))", lang)
        self.d.refresh()
        self.one(".app")
        self.go("#/rules")
        self.until(lambda: self.one("h1").text == WORDS[lang]["title"])
        return self

    def add(self, prefix, kind):
        """One more row; its part for the value."""
        box = self.all(".rule-add")[0 if prefix == "if" else -1]
        n = len(self.all(".rule-row"))
        Select(box).select_by_value(kind)
        self.until(lambda: len(self.all(".rule-row")) == n + 1)
        return self.one(f'.rule-row[data-row="{kind}"] .rule-value')

    def names(self):
        return [e.get_attribute("data-rule") for e in self.all("[data-rule]")]

    def fits(self):
        wide = self.d.execute_script("return [document.documentElement, ...document.querySelectorAll('.admin-inside, .rule-form, dialog')]"
                                     ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML.slice(0, 80))")
        assert not wide, wide


@pytest.mark.parametrize("lang", ["en", "ru"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_rule_is_made_tried_and_acts(gateway, browsers, lang, width):
    g, api, words = gateway, gateway.login(), WORDS[lang]
    g.add_user("ann")
    past = write(g, "Clara", "I want a REFUND")
    write(g, "Boris", "hello")
    p = Page(browsers.open(width=width), g).enter(lang)
    p.shot(f"rules-none-{lang}")
    p.click(".admin-head .button-main")
    p.one("#rule-name").send_keys("Refunds <b>")
    p.add("if", "any").find_element(By.TAG_NAME, "input").send_keys("refund, возврат*")
    p.add("if", "assigned")
    p.add("then", "assign").find_element(By.XPATH, './/span[text()="ann"]').click()
    p.add("then", "label").find_element(By.TAG_NAME, "input").send_keys("money")
    p.add("then", "send").find_element(By.TAG_NAME, "textarea").send_keys("We are on it.")
    p.all(".dialog-foot button")[0].click()
    p.until(lambda: words["would"] in p.one(".rule-tried").text)
    assert p.one(".rule-tried a").get_attribute("href").endswith(f"#/t/{past}/1") and p.one(".rule-tried a").text == "Clara"
    p.fits()
    accessible(p.d)
    p.d.execute_script("document.querySelector('.rule-tried').scrollIntoView()")
    p.shot(f"rules-form-{lang}")
    assert api.get("/rules")["rules"] == []
    p.one("#rule-name").send_keys(Keys.ENTER)
    p.none("dialog")
    p.until(lambda: p.names() == ["Refunds <b>"])
    p.fits()
    t = write(g, "Dora", "refund, please")
    until(lambda: api.get("/threads/" + t)["thread"]["assignee"] == "ann")
    p.open_thread(t)
    p.until(lambda: any(words["event"] in e.text and words["because"] in e.text for e in p.all(".event")))
    p.sees("We are on it.")
    p.shot(f"rules-thread-{lang}")


def test_order_switch_another_admin_and_what_contradicts(gateway, browsers):
    browsers.allowed += ["409 (Conflict)"]  # it is what is tried
    g, api = gateway, gateway.login()
    one = api.post("/rules", {"name": "One", "on": "opened", "then": [{"assign": {"agents": ["admin"]}}]})["rule"]
    p = Page(browsers.open(), g).enter("en")
    p.until(lambda: p.names() == ["One"])
    api.post("/rules", {"name": "Two", "on": "opened", "then": [{"assign": {"agents": ["admin"], "how": "least", "capacity": 5}}, {"close": True}]})
    p.until(lambda: p.names() == ["One", "Two"])  # told live
    p.one('[data-warning="both_assign"]')
    accessible(p.d)
    p.shot("rules")
    p.click('[data-rule="Two"] .rule-up')
    p.until(lambda: p.names() == ["Two", "One"])
    assert [r["name"] for r in api.get("/rules")["rules"]] == ["Two", "One"]
    p.d.execute_script("document.querySelector('[data-rule=One] [role=switch]').focus()")
    p.key(Keys.SPACE)
    p.none("[data-warning]")
    until(lambda: [r["enabled"] for r in api.get("/rules")["rules"]] == [True, False])
    p.click('[data-rule="One"] .rule-tools button:nth-child(3)')
    p.one("#rule-name").send_keys("!")
    api.patch("/rules/" + one["id"], {"rev": 2, "name": "Uno"})  # meanwhile
    p.one("#rule-name").send_keys(Keys.ENTER)
    p.until(lambda: "somebody else has changed it" in p.one(".dialog .form-error").text)
    p.key(Keys.ESCAPE)
    p.until(lambda: p.names() == ["Two", "Uno"])
    p.click('[data-rule="Two"] .rule-tools button:nth-child(3)')
    p.one("#rule-on")
    assert p.one(".rule-number input").get_attribute("value") == "5"
    Select(p.one("#rule-on")).select_by_value("unanswered")
    p.one("#rule-after").clear()
    p.one("#rule-after").send_keys("1.5" + Keys.ENTER)
    p.none("dialog")
    two = next(r for r in api.get("/rules")["rules"] if r["name"] == "Two")
    assert two["on"] == "unanswered" and two["after"] == 90 and two["then"][0]["assign"]["capacity"] == 5
    p.click('[data-rule="Two"] .rule-tools button:nth-child(4)')
    p.click("dialog .button-danger")
    p.until(lambda: p.names() == ["Uno"])
    p.d.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
    p.shot("rules-dark")


def test_others_are_told_that_it_is_not_theirs(gateway, browsers):
    gateway.add_user("ann")
    p = Inbox(browsers.open(), gateway).sign_in("ann", gateway.PASSWORD)
    p.go("#/rules")
    p.one('.admin [role="alert"]')
