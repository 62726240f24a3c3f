"""The chat on a site as its visitor uses it: the button, the panel in its frame, the messages."""
import os
import pathlib
import time

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from axe import accessible  # noqa: F401
from harness import patience

SHOTS = os.environ.get("SHOTS")


class Widget:
    def __init__(self, driver, gateway):
        self.d, self.g = driver, gateway

    def until(self, what, timeout=10, why=""):
        end, last = time.monotonic() + patience(timeout), None
        while time.monotonic() < end:
            try:
                got = what()
                if got:
                    return got
            except WebDriverException as e:
                last = e
            time.sleep(0.03)
        raise AssertionError(f"waited in vain {why}; last: {last!r}")

    # --- the page's side ---

    def page(self):
        self.d.switch_to.default_content()
        return self

    def part(self, css):
        """An element of the button's shadow tree."""
        self.page()
        return self.d.find_element(By.ID, "switchboard").shadow_root.find_element(By.CSS_SELECTOR, css)

    def call(self, *args):
        self.page()
        self.d.execute_script("window.switchboard(...arguments)", *args)

    def is_open(self):
        return self.until(lambda: self.part(".bubble").get_attribute("aria-expanded")) == "true"

    def badge(self):
        return self.part(".badge").text

    def open(self, ready=".panel textarea"):
        self.until(lambda: self.part(".bubble"), why="for the button")
        if not self.is_open():
            self.part(".bubble").click()
        return self.panel(ready)

    def close(self):
        self.panel()
        self.one("header > button").click()
        self.until(lambda: not self.is_open(), why="for the panel to close")
        return self

    def shot(self, name):
        """A picture, when pictures are wanted (SHOTS=folder)."""
        if SHOTS:
            pathlib.Path(SHOTS, name + ".png").write_bytes(self.d.get_screenshot_as_png())

    # --- the panel's side ---

    def panel(self, ready=".panel textarea"):
        def enter():
            self.d.switch_to.frame(self.part("iframe"))
            return self.d.find_elements(By.CSS_SELECTOR, ready)
        self.until(enter, why="for the panel")
        return self

    def all(self, css):
        return self.d.find_elements(By.CSS_SELECTOR, css)

    def one(self, css, timeout=10):
        return self.until(lambda: self.all(css), timeout, f"for {css}")[0]

    def texts(self):
        return self.d.execute_script(
            "return [...document.querySelectorAll('.message')]"
            ".map(m => m.querySelector('.text')?.textContent ?? '')")

    def sees(self, text, timeout=10):
        self.until(lambda: text in self.texts(), timeout, f"to see {text!r}")
        assert self.texts().count(text) == 1, self.texts()

    def tick(self, text):
        """The words behind the tick of an own message."""
        return self.d.execute_script(
            "return [...document.querySelectorAll('.message')].find(m =>"
            " m.querySelector('.text')?.textContent === arguments[0])"
            "?.querySelector('.tick .quiet')?.textContent", text)

    def write(self, text):
        area = self.one("textarea")
        self.until(area.is_enabled)
        for i, line in enumerate(text.split("\n")):
            if i:
                area.send_keys(Keys.SHIFT + Keys.ENTER)
                area.send_keys(Keys.NULL)
            area.send_keys(line)
        area.send_keys(Keys.ENTER)

    def sent(self, *texts):
        for text in texts:
            self.until(lambda t=text: self.tick(t) in ("Sent", "Read", "Отправлено", "Прочитано"), 20,
                       f"for the tick of {text!r}")

    def attach(self, *paths):
        self.one("input[type=file]").send_keys("\n".join(str(p) for p in paths))


def thread_of(api, text, timeout=10):
    end = time.monotonic() + patience(timeout)
    while time.monotonic() < end:
        for t in api.threads():
            if t["last"]["text"] == text:
                return t["id"]
        time.sleep(0.05)
    raise AssertionError(f"no thread with {text!r}")
