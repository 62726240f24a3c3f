"""Signing in by a provider as a person does: our button, its page, and back; cancelled there, and who has no access here; without
passwords, and out there as well. In both languages, wide and narrow (T10)."""
import pytest
from axe import accessible
from fakes.oidc import Oidc
from harness import CONFIG, Gateway
from selenium.webdriver.common.by import By
from test_inbox_account import Page

WORDS = {
    "en": {"button": "Sign in with Corp", "denied": "The sign-in was cancelled there", "unknown": "You have no access here.",
           "guarded": "You sign in by your company's provider"},
    "ru": {"button": "Войти через Corp", "denied": "Вход отменён", "unknown": "У вас нет доступа.",
           "guarded": "Вы входите через провайдера"},
}
PEOPLE = {name: {"sub": name + "1", "preferred_username": name, "name": name.title()} for name in ("ann", "eve")}


def gateway_of(fake, agents="", more=""):
    fake.url = fake.url.replace("127.0.0.1", "localhost")  # another site to the browser
    section = (f'oidc "corp" {{{{ name = "Corp" issuer = "{fake.issuer}" client_id = "{fake.client}" '
               f'client_secret = "{fake.secret}" allow_private = true {more} }}}}\n')
    g = Gateway(config=CONFIG.replace("agents {{", f'public_url = "http://127.0.0.1:{{port}}"\nagents {{{{ {agents}') + section)
    fake.redirect = f"{g.url}/sign-in/corp/callback"
    return g


@pytest.mark.parametrize("width,lang", [(1280, "en"), (390, "ru")])
def test_there_and_back(browsers, width, lang):
    browsers.allowed += ["401 (Unauthorized)", "favicon.ico"]
    words = WORDS[lang]
    with Oidc(PEOPLE) as fake:
        g = gateway_of(fake)
        try:
            g.start()
            g.redis.hset("sb:user:" + g.add_user("ann"), "hash", "")  # she has no password
            p = Page(browsers, g, width, lang)
            p.d.get(g.url + "/#/account")

            def leave(choice):
                p.says(".gate-ways .button", words["button"])
                p.click(".gate-ways .button")
                p.until(lambda: next(b for b in p.d.find_elements(By.CSS_SELECTOR, "form button") if b.text == choice).click() or True)

            p.says(".gate-ways .button", words["button"])
            p.fits()
            p.shot("sign-in-ways")
            leave("Cancel")
            p.says(".form-error", words["denied"])
            assert p.d.execute_script("return location.search + location.hash") == "#/account"
            p.fits()
            accessible(p.d)
            p.shot("sign-in-denied")
            leave("eve")
            p.says(".form-error", words["unknown"])
            leave("ann")
            p.says("#account-provider + p", words["guarded"])  # where he wanted to go: nothing of it is seen to here
            p.fits()
            p.d.execute_script("arguments[0].scrollIntoView({block: 'center'})", p.one("#account-provider"))
            p.shot("sign-in-account")
            assert not p.all("[data-factor], #account-password")
            assert p.d.execute_script("return location.search + location.hash") == "#/account"
            p.online()
            p.d.refresh()
            p.online()
            p.click(".person")
            p.all(".menu-item")[-1].click()
            p.says(".gate-ways .button", words["button"])
            assert not p.all(".form-error")
        finally:
            g.destroy()


@pytest.mark.parametrize("width,lang", [(1280, "en"), (390, "ru")])
def test_no_passwords_and_out_there_too(browsers, width, lang):
    browsers.allowed += ["401 (Unauthorized)", "favicon.ico"]
    words = WORDS[lang]
    with Oidc(PEOPLE) as fake:
        g = gateway_of(fake, "password_sign_in = false", "sign_out = true")
        try:
            g.start()
            g.add_user("ann")
            p = Page(browsers, g, width, lang)
            p.says(".gate-ways .button-main", words["button"])
            p.none("input")
            p.none(".gate-or")
            p.fits()
            accessible(p.d)
            p.shot("sign-in-no-passwords")
            p.click(".gate-ways .button")
            p.until(lambda: next(b for b in p.d.find_elements(By.CSS_SELECTOR, "form button") if b.text == "Cancel").click() or True)
            p.says(".form-error", words["denied"])
            p.click(".gate-ways .button")
            p.until(lambda: next(b for b in p.d.find_elements(By.CSS_SELECTOR, "form button") if b.text == "ann").click() or True)
            p.online()
            p.click(".person")
            p.all(".menu-item")[-1].click()
            p.says(".gate-ways .button", words["button"])
            p.until(lambda: fake.count("/logout") == 1, why="for the provider's page")
            p.says(".gate-ways .button", words["button"])
        finally:
            g.destroy()
