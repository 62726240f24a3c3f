"""A person's own account as he uses it: the second factor on, used, off; sessions; an admin's help. In both languages, wide and
narrow, by mouse and by keyboard (T10, T26)."""
import pytest
from clients import Api, Authenticator
from harness import SLOWER
from inbox import Inbox
from selenium.webdriver.common.keys import Keys

WORDS = {
    "en": {"menu": "Settings and account", "off": "Off.", "on": "On. 10 recovery codes are left.", "wrong password": "The current password is wrong.",
           "wrong code": "this code is wrong", "sign-in": "One more step", "left": "On. 8 recovery codes are left.", "this": "This one",
           "ended": "The session is ended.", "others": "All other sessions are ended.", "used": "this code has been used",
           "easy": "The gateway refused: this password is"},
    "ru": {"menu": "Настройки и учётная запись", "off": "Выключен.", "on": "Включён. Осталось 10 резервных кодов.",
           "wrong password": "Текущий пароль неверен.", "wrong code": "Код неверен", "sign-in": "Ещё один шаг",
           "left": "Включён. Осталось 8 резервных кодов.", "this": "Этот", "ended": "Сеанс завершён.",
           "others": "Все остальные сеансы завершены.", "used": "Этот код уже использован",
           "easy": "Шлюз отказал: этот пароль набран"},
}


class Page(Inbox):
    def __init__(self, browsers, gateway, width, lang):
        super().__init__(browsers.open(gateway.url + "/", width=width), gateway)
        self.words = WORDS[lang]
        self.d.execute_script("localStorage.setItem('sb.lang', arguments[0])", f'"{lang}"')
        self.d.refresh()

    def fill(self, css, text):
        field = self.one(css)
        field.send_keys(Keys.CONTROL + "a")
        field.send_keys(text)
        return field

    def menu(self, label):
        self.click(".person")
        self.until(lambda: next(b for b in self.all(".menu-item") if b.text == label).click() or True)

    def button(self, n, where="dialog .dialog-foot"):
        """The n-th button there, from the end when negative."""
        self.until(lambda: self.all(where + " .button")[n].click() or True)

    def says(self, css, text):
        self.until(lambda: any(text in e.text for e in self.all(css)), why=f"for {text!r} in {css}")

    def fits(self):
        """Nothing is wider than the screen."""
        assert self.d.execute_script("return document.documentElement.scrollWidth <= innerWidth")

    def account(self):
        self.menu(self.words["menu"])
        self.one("[data-factor]")


@pytest.mark.parametrize("width,lang", [(1280, "en"), (390, "ru")])
def test_the_second_factor_from_on_to_off(start_gateway, browsers, width, lang):
    browsers.allowed += ["401 (Unauthorized)", "403 (Forbidden)", "400 (Bad Request)"]
    g = start_gateway()
    g.add_user("ann")
    p = Page(browsers, g, width, lang).sign_in("ann")
    p.account()
    p.says("[data-factor=off]", p.words["off"])
    p.fits()
    p.shot("account-off")

    # On: the password again, the camera's picture, the first code, the recovery codes.
    p.click("[data-factor=off] + .account-tools .button")
    p.fill("#factor-password", "wrong password" + Keys.ENTER)
    p.says("dialog .form-error", p.words["wrong password"])
    p.fill("#factor-password", g.PASSWORD + Keys.ENTER)
    assert p.one("dialog svg.qr path").get_attribute("d").startswith("M4 4h1v1h-1z")
    app = Authenticator(p.one(".factor-secret code").text.replace(" ", ""))
    p.fits()
    p.shot("account-picture")
    p.fill("#factor-code", app.wrong() + Keys.ENTER)
    p.says("dialog .form-error", p.words["wrong code"])
    p.fill("#factor-code", app.code() + Keys.ENTER)
    codes = p.until(lambda: [e.text for e in p.all(".recovery code")])
    assert len(codes) == 10
    p.fits()
    p.shot("account-recovery")
    p.button(-1)
    p.says("[data-factor=on]", p.words["on"])

    # The next sign-in wants a code; the password's page comes back on wish.
    p.click(".person")
    p.all(".menu-item")[-1].click()
    p.fill("#signin-name", "ann")
    p.fill("#signin-password", g.PASSWORD + Keys.ENTER)
    p.says("h1", p.words["sign-in"])
    p.until(lambda: p.d.switch_to.active_element.get_attribute("id") == "signin-code")
    p.fits()
    p.shot("account-sign-in")
    p.key(app.wrong() + Keys.ENTER)
    p.says(".form-error", p.words["wrong code"])
    p.click("form .button-plain")
    p.fill("#signin-password", g.PASSWORD + Keys.ENTER)
    p.fill("#signin-code", codes[0] + Keys.ENTER)
    p.online()

    # New codes, then off: each with the password and a code.
    p.account()
    p.click("[data-factor=on] + .account-tools .button")
    p.fill("#factor-code", codes[0])
    p.fill("#factor-password", g.PASSWORD + Keys.ENTER)
    p.says("dialog .form-error", p.words["used"])
    p.fill("#factor-code", codes[1] + Keys.ENTER)
    fresh = p.until(lambda: [e.text for e in p.all(".recovery code")])
    assert len(fresh) == 10 and not set(fresh) & set(codes)
    p.key(Keys.ESCAPE)
    p.none("dialog")
    for code in fresh[:2]:
        Api(g.url).login("ann", g.PASSWORD, code)
    p.d.refresh()
    p.says("[data-factor=on]", p.words["left"])
    p.shot("account-on")
    p.button(1, "[data-factor=on] + .account-tools")
    p.fill("#factor-code", fresh[2])
    p.fill("#factor-password", g.PASSWORD + Keys.ENTER)
    p.says("[data-factor=off]", p.words["off"])
    Api(g.url).login("ann", g.PASSWORD)


@pytest.mark.parametrize("width,lang", [(1280, "en"), (390, "ru")])
def test_sessions_are_seen_and_ended(start_gateway, browsers, width, lang):
    browsers.allowed += ["401 (Unauthorized)"]
    g = start_gateway()
    g.add_user("ann")
    other = Page(browsers, g, 1280, lang).sign_in("ann")
    program = Api(g.url)
    program.http.headers["User-Agent"] = "<b>not a browser</b>"
    program.login("ann", g.PASSWORD)
    third = g.login("ann", g.PASSWORD)
    p = Page(browsers, g, width, lang).sign_in("ann")
    p.account()
    p.until(lambda: len(p.all("[data-session]")) == 4)
    p.says("[data-session].current .cards-state", p.words["this"])
    p.says("[data-session] strong", "Chrome, ")
    p.says("[data-session] strong", "<b>not a browser</b>")
    p.fits()
    p.shot("account-sessions")
    p.until(lambda: next(e for e in p.all("[data-session]") if "not a browser" in e.text).find_element("css selector", ".button").click() or True)
    p.says(".toast", p.words["ended"])
    p.until(lambda: len(p.all("[data-session]")) == 3)
    assert program.ask("GET", "/session").status_code == 401 and third.ask("GET", "/session").status_code == 200
    p.click(".sessions + .account-tools .button")
    p.shot("account-end-others")
    p.click("dialog .button-danger")
    p.says(".toast", p.words["others"])
    p.until(lambda: len(p.all("[data-session]")) == 1)
    other.one("#signin-name", 2 * SLOWER)  # signed out while he looks at it
    assert third.ask("GET", "/session").status_code == 401
    p.online()


@pytest.mark.parametrize("width,lang", [(1280, "en"), (390, "ru")])
def test_an_easy_password_is_refused_in_words(start_gateway, browsers, width, lang):
    browsers.allowed += ["400 (Bad Request)"]
    g = start_gateway()
    g.add_user("ann")
    p = Page(browsers, g, width, lang).sign_in("ann")
    p.account()
    p.click("#account-password ~ .account-tools .button")
    p.fill("#password-old", g.PASSWORD)
    p.fill("#password-new", "0123456789")
    p.fill("#password-again", "0123456789" + Keys.ENTER)
    p.says(".form-error", p.words["easy"])
    p.fits()
    p.shot("account-password")
    p.fill("#password-new", "several words of mine")
    p.fill("#password-again", "several words of mine" + Keys.ENTER)
    p.online()
    g.login("ann", "several words of mine")


def test_an_admin_helps_who_has_lost_it(start_gateway, browsers):
    g = start_gateway()
    g.add_user("ann")
    api = g.login("ann", g.PASSWORD)
    api.second_factor(g.PASSWORD)
    boss = Page(browsers, g, 1280, "en").sign_in()
    boss.go("#/agents")
    boss.says('[data-agent="ann"]', "second factor")
    boss.click('[data-agent="ann"] .icon-button')
    boss.shot("account-agents")
    boss.until(lambda: next(b for b in boss.all(".menu-item") if b.text == "Reset the second factor").click() or True)
    boss.shot("account-reset")
    boss.click("dialog .button-danger")
    boss.says(".toast", "ann has no second factor any more.")
    assert api.ask("GET", "/session").status_code == 401
    again = g.login("ann", g.PASSWORD)
    boss.click('[data-agent="ann"] .icon-button')
    boss.until(lambda: next(b for b in boss.all(".menu-item") if b.text == "Sign out everywhere").click() or True)
    boss.says(".toast", "ann is signed out everywhere.")
    assert again.ask("GET", "/session").status_code == 401
