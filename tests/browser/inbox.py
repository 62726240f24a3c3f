"""The inbox page as a person uses it: finds things by what they are, waits, reads the screen."""
import os
import pathlib
import time

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness import patience

SHOTS = os.environ.get("SHOTS")  # a folder for pictures of what a person would see


class Inbox:
    def __init__(self, driver, gateway):
        self.d, self.g = driver, gateway

    # --- waiting and finding ---

    def until(self, what, timeout=8, why=""):
        end, last = time.monotonic() + patience(timeout), None
        while time.monotonic() < end:
            try:
                got = what()
                if got:
                    return got
            except (WebDriverException, OSError, AssertionError) as e:
                last = e
            time.sleep(0.03)
        raise AssertionError(f"waited in vain {why}; last: {last!r}; on screen: {self.messages()}")

    def all(self, css):
        return self.d.find_elements(By.CSS_SELECTOR, css)

    def one(self, css, timeout=8):
        return self.until(lambda: self.all(css), timeout, f"for {css}")[0]

    def none(self, css, timeout=8):
        self.until(lambda: not self.all(css), timeout, f"for no {css}")

    def click(self, css):
        def press():
            found = self.all(css)
            if found:
                found[0].click()
            return bool(found)
        self.until(press, why=f"to click {css}")

    def key(self, keys):
        self.d.switch_to.active_element.send_keys(keys)

    # --- pages ---

    def sign_in(self, name="admin", password=None):
        self.d.get(self.g.url + "/")
        self.one("#signin-name").send_keys(name)
        self.one("#signin-password").send_keys((password or self.g.PASSWORD) + Keys.ENTER)
        self.one(".app")
        self.online()
        return self

    def online(self):
        self.one(".line-online", 15)

    def go(self, address):
        self.d.execute_script("location.hash = arguments[0]", address)

    def open_thread(self, thread):
        self.go("#/t/" + thread)
        self.one("#log .msg, #log .event")

    # --- what is on the screen ---

    def shot(self, name):
        """A picture, when pictures are wanted: NAME-WIDTH.png."""
        if SHOTS:
            width = self.d.execute_script("return innerWidth")
            pathlib.Path(SHOTS, f"{name}-{width}.png").write_bytes(self.d.get_screenshot_as_png())

    def shots_of_thread(self, name):
        """The whole dialogue, a screen at a time, from the top: NAME-00-WIDTH.png and on."""
        if not SHOTS:
            return
        log = "document.getElementById('log')"
        self.d.execute_script(f"{log}.scrollTop = 0")
        for n in range(50):
            time.sleep(0.3)  # pictures are drawn
            self.shot(f"{name}-{n:02}")
            if self.d.execute_script(f"const l = {log}, was = l.scrollTop; l.scrollTop += l.clientHeight - 40; return l.scrollTop === was"):
                break

    def messages(self):
        """Texts of messages and of what waits to be sent, from the top."""
        return self.d.execute_script(
            "return [...document.querySelectorAll('.msg')]"
            ".map(m => m.querySelector('.msg-text')?.textContent ?? '')")

    def seqs(self):
        return self.d.execute_script(
            "return [...document.querySelectorAll('[data-seq]')].map(m => Number(m.dataset.seq))")

    def sees(self, text, timeout=10):
        self.until(lambda: text in self.messages(), timeout, f"to see {text!r}")
        assert self.messages().count(text) == 1, self.messages()

    def rows(self):
        """Names in the list, from the top."""
        return self.d.execute_script(
            "return [...document.querySelectorAll('.row')]"
            ".sort((a, b) => a.offsetTop - b.offsetTop)"
            ".map(r => r.querySelector('.row-name').textContent)")

    def row(self, thread):
        return self.one(f'.row-link[data-thread="{thread}"]')

    def status(self, text):
        return self.d.execute_script(
            "return [...document.querySelectorAll('.msg')].find(m => m.querySelector('.msg-text')"
            "?.textContent === arguments[0])?.dataset.status", text)

    # --- what a person does ---

    def write(self, text):
        area = self.one(".composer textarea")
        self.until(lambda: area.is_enabled())
        area.send_keys(text + Keys.ENTER)

    def settled(self):
        """Nothing waits to be sent any more."""
        self.none(".msg-entry", 20)


def first_thread(api, timeout=10):
    """The newest thread's id, once there is one."""
    end = time.monotonic() + patience(timeout)
    while time.monotonic() < end:
        threads = api.threads()
        if threads:
            return threads[0]["id"]
        time.sleep(0.05)
    raise AssertionError("no thread appeared")
