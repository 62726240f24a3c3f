"""Signing in and out, the first password, agents who come and go."""
from selenium.webdriver.common.keys import Keys

from inbox import Inbox


def test_refusals_are_said_in_words(gateway, browsers):
    browsers.allowed += ["401 (Unauthorized)", "400 (Bad Request)"]
    page = Inbox(browsers.open(gateway.url + "/"), gateway)
    page.one("#signin-name").send_keys("admin")
    page.one("#signin-password").send_keys("not the password" + Keys.ENTER)
    assert page.one(".form-error").text in ("The name or the password is wrong.",
                                            "Неверное имя или пароль.")
    field = page.one("#signin-password")
    field.send_keys(Keys.CONTROL + "a")
    field.send_keys(gateway.PASSWORD + Keys.ENTER)
    page.one(".app")


def test_agent_is_added_chooses_a_password_and_is_disabled(gateway, browsers):
    browsers.allowed += ["401 (Unauthorized)"]
    boss = Inbox(browsers.open(), gateway).sign_in()
    boss.go("#/agents")
    boss.click(".admin-head .button-main")
    boss.one("#agent-name").send_keys("maria")
    boss.one("#agent-display").send_keys("Мария")
    password = boss.one("#agent-password").get_attribute("value")
    assert len(password) >= 10
    boss.one("#agent-name").send_keys(Keys.ENTER)
    boss.one('[data-agent="maria"]')

    page = Inbox(browsers.open(gateway.url + "/"), gateway)
    page.one("#signin-name").send_keys("maria")
    page.one("#signin-password").send_keys(password + Keys.ENTER)
    page.one("#password-new").send_keys("my own words")
    page.one("#password-again").send_keys("my other words" + Keys.ENTER)
    page.one(".form-error")
    again = page.one("#password-again")
    again.send_keys(Keys.CONTROL + "a")
    again.send_keys("my own words" + Keys.ENTER)
    page.online()
    gateway.login("maria", "my own words")

    boss.click('[data-agent="maria"] .icon-button')
    boss.click(".menu-item.danger")
    boss.click("dialog .button-danger")
    boss.one('[data-agent="maria"].off')
    page.one("#signin-name", 70)


def test_signing_out_and_back(gateway, browsers):
    page = Inbox(browsers.open(), gateway).sign_in()
    page.click(".person")
    page.all(".menu-item")[-1].click()
    page.one("#signin-name")
    page.d.refresh()
    page.one("#signin-name")
    page.sign_in()
    page.d.refresh()
    page.online()


def test_languages(gateway, browsers):
    page = Inbox(browsers.open(), gateway).sign_in()
    page.click(".person")
    page.until(lambda: [i for i in page.all(".menu-item") if i.text == "Русский"])[0].click()
    page.until(lambda: page.one(".list h1").text.startswith("Открытые"))
    page.d.refresh()
    page.until(lambda: page.one(".list h1").text.startswith("Открытые"))
    page.click(".person")
    page.until(lambda: [i for i in page.all(".menu-item") if i.text == "English"])[0].click()
    page.until(lambda: page.one(".list h1").text.startswith("Open"))
    assert page.d.execute_script("return document.documentElement.lang") == "en"
