"""The pages as people walk through them: clicks, pictures of each page, what is wrong with it."""
import pathlib

from axe import violations
from harness import ROOT
from inbox import Inbox
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from widget import Widget

FOLDER = pathlib.Path(ROOT, "build/shots")
ACTS = {"react": ("React", "Поставить реакцию"), "reply": ("Reply", "Ответить"), "edit": ("Edit", "Изменить"), "remove": ("Delete", "Удалить")}

SHOWN = """
    const [css, text] = arguments, seen = (e) => e.getClientRects().length && e.checkVisibility({ visibilityProperty: true });
    return [...document.querySelectorAll(css)].filter((e) => (e.tagName === "OPTION" || seen(e)) && (text === null || e.innerText.includes(text)));"""


class Seen:
    """Takes pictures in one language and width: FOLDER/<page>-<lang>-<width>.png. wrong: what there was to say of them."""

    def __init__(self, lang, width):
        self.lang, self.width, self.wrong = lang, width, []
        FOLDER.mkdir(parents=True, exist_ok=True)

    def look(self, d, page, axe=True):
        wide = d.execute_script("""
            const wide = [document.documentElement, ...document.querySelectorAll("dialog[open], .admin-inside, .panel, #log, .list, .composer-box")]
                .filter((e) => e.clientWidth && e.scrollWidth > e.clientWidth + 1).map((e) => e.outerHTML.slice(0, 80));
            return wide;""")
        self.wrong += [f"{page}: wider than its place: {w}" for w in wide]
        if axe:
            self.wrong += [f"{page}: {v[:500]}" for v in violations(d)]
        self.picture(d, page)

    def picture(self, d, page):
        (FOLDER / f"{page}-{self.lang}-{self.width}.png").write_bytes(d.get_screenshot_as_png())


class Person(Inbox):
    """Somebody at his inbox."""

    def __init__(self, d, world, seen, name):
        super().__init__(d, world.gateway)
        self.world, self.seen, self.name, self.lang, self.phone = world, seen, name, seen.lang, seen.width < 600
        d.get(world.gateway.url + "/")
        self.click(f'.gate-lang button[lang="{self.lang}"]')

    # --- what he does ---

    def enter(self):
        self.one("#signin-name").send_keys(self.name)
        self.one("#signin-password").send_keys(self.g.PASSWORD + Keys.ENTER)
        self.one(".app")
        self.online()
        return self

    def shown(self, css, text=None):
        return self.d.execute_script(SHOWN, css, text)

    def press(self, css, text=None, n=0):
        """A click on the n-th of those that are seen and say so, which is scrolled to first."""
        def found():
            those = self.shown(css, text)
            if not -len(those) <= n < len(those):
                return False
            self.d.execute_script("arguments[0].scrollIntoView({block: 'nearest'})", those[n])
            those[n].click()
            return True
        self.until(found, why=f"to press {css} {text or ''}")

    def fill(self, css, text):
        field = self.until(lambda: self.shown(css), why=f"for {css}")[0]
        field.send_keys(Keys.CONTROL + "a")
        field.send_keys(text)
        return field

    def choose(self, css, value):
        """Of a select: the option is clicked."""
        self.press(f'{css} option[value="{value}"]')

    def menu(self, css, n=None, text=None):
        """Opens the menu of this button and takes one of it."""
        self.press(css)
        self.until(lambda: self.shown(".menu-item"))
        self.press(".menu-item", text, n or 0)
        self.none(".menu")

    def closed(self):
        """The dialog that is open, by its own button."""
        self.press("dialog[open] .dialog-head .icon-button", n=-1)
        self.none("dialog[open]")

    def says(self, css, text, timeout=10):
        self.until(lambda: any(text in e.text for e in self.all(css)), timeout, f"for {text!r} in {css}: {[e.text for e in self.all(css)][:5]}")

    def bubble(self, seq):
        return self.one(f'article[data-seq="{seq}"]')

    def act(self, seq, what):
        """What can be done with a message, by its name: by the bar beside it, or by a finger that rests on it."""
        m, word = self.bubble(seq), ACTS[what][self.lang == "ru"]
        self.d.execute_script("arguments[0].scrollIntoView({block: 'center'})", m)
        if self.phone:
            self.rest(m.find_element("css selector", ".bubble"))
            if what != "react":
                self.press("dialog.sheet .menu-item", word)
                self.none("dialog.sheet")
            return

        def button():
            ActionChains(self.d).move_to_element(self.one(".composer textarea")).move_to_element(m).perform()
            return [b for b in m.find_elements("css selector", ".acts > button") if b.is_displayed() and b.get_attribute("aria-label") == word]
        self.until(button, why=f"for {word}")[0].click()

    def rest(self, element):
        """A finger rests on it until something opens."""
        at = "const r = arguments[0].getBoundingClientRect(); return [r.x + r.width / 3, r.y + r.height / 3]"
        seen = []
        self.d.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)

        def lies_still():
            seen.append(self.d.execute_script(at, element))
            shown = self.d.execute_script("""return [...document.querySelectorAll("#log img")].every((i) => {
                const r = i.getBoundingClientRect();
                return r.bottom < 0 || r.top > innerHeight || (i.complete && i.naturalWidth); })""")
            return shown and len(seen) > 3 and seen[-1] == seen[-2] == seen[-3] == seen[-4]
        self.until(lies_still)
        r = seen[-1]
        self.d.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": r[0], "y": r[1]}]})
        self.one("dialog.sheet[open]")
        self.d.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

    def panel(self):
        if not self.all(".panel"):
            self.press(".thread-who")
        self.one(".panel")
        self.none(".panel .spinner", 15)

    def no_panel(self):
        if self.all(".panel"):
            self.press(".panel-close")
            self.none(".panel")

    def dark(self, on=True):
        self.d.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark" if on else "light"}]})

    # --- what is seen ---

    def good(self, page, ready=None, axe=True):
        if ready:
            self.one(ready, 15)
        self.none(".admin .spinner", 15)
        self.until(lambda: self.d.execute_script("return [...document.images].every((i) => i.complete || i.loading === 'lazy')"))
        self.seen.look(self.d, page, axe)

    def night(self, page):
        """The same by night."""
        self.dark()
        self.seen.look(self.d, page + "-dark")
        self.dark(False)

    def page(self, name, ready=".admin-inside"):
        self.go("#/" + name)
        self.one(f'.admin-nav [aria-current][href="#/{name}"]')
        self.one(ready)


class Guest(Widget):
    """Somebody at the shop's site."""

    def __init__(self, d, world, seen):
        super().__init__(d, world.gateway)
        self.world, self.seen, self.lang = world, seen, seen.lang

    def visit(self, query=""):
        self.d.get(f"{self.world.gateway.url}/demo?lang={self.lang}{query}")
        self.until(lambda: self.part(".bubble"), why="for the button")
        return self

    def good(self, page):
        """In the panel: axe looks there, the picture is of the whole page."""
        self.seen.look(self.d, "widget-" + page)

    def outside(self, page):
        self.page()
        self.seen.look(self.d, "widget-" + page)

    def press(self, css, text=None):
        self.until(lambda: next((b.click() or True for b in self.all(css) if b.is_displayed() and b.is_enabled() and (text is None or text in b.text)), False),
                   why=f"to press {css} {text or ''}")
