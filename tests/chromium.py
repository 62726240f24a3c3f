"""Chromium windows for the browser tests: few processes, and for each window a profile of its own that ends with it."""
import json
import shutil
import tempfile
import urllib.parse
import urllib.request

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

import wire
from harness import scratch

# The last: the list under the address bar is two pages of Chromium's own, which nobody sees here and which cost more than ours.
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--no-proxy-server", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
         "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup")


class Chromium:
    """A process with one window. Starting one costs more than most tests do; so between tests the window goes with its
    profile (cookies, storage, caches, rights; whatever was set for the window) and a new one takes its place."""

    def __init__(self, width=1280, height=900, network=False):
        self.folder = tempfile.mkdtemp(prefix="sb-chromium-", dir=scratch())
        o = webdriver.ChromeOptions()
        o.binary_location = "/usr/bin/chromium"
        for flag in (*FLAGS, f"--user-data-dir={self.folder}", f"--window-size={width},{height}"):
            o.add_argument(flag)
        logs = {"browser": "ALL", **({"performance": "ALL"} if network else {})}
        o.set_capability("goog:loggingPrefs", logs)
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=o)
        self.driver.set_page_load_timeout(30)
        self.profile, self.control, self.asked = None, None, 0

    def _tell(self, method, **params):
        """One command to the browser itself; the driver reaches its window only."""
        if not self.control:
            address = self.driver.capabilities["goog:chromeOptions"]["debuggerAddress"]
            with urllib.request.urlopen(f"http://{address}/json/version", timeout=30) as answer:
                at = urllib.parse.urlsplit(json.load(answer)["webSocketDebuggerUrl"])
            self.control = wire.WebSocket(at.hostname, at.port, at.path, origin=False)
            self.control.watcher = None
        self.asked += 1
        self.control.send(json.dumps({"id": self.asked, "method": method, "params": params}))
        while True:
            answer = json.loads(self.control.recv(30))
            if answer.get("id") == self.asked:
                return answer["result"]

    def renew(self):
        """Another window in another profile; the ones that are there go."""
        old, windows = self.profile, self.driver.window_handles
        self.profile = self._tell("Target.createBrowserContext")["browserContextId"]
        window = self._tell("Target.createTarget", url="about:blank", browserContextId=self.profile, newWindow=True,
                            width=1280, height=900)["targetId"]
        self.driver.switch_to.window(window)
        for w in windows:
            self._tell("Target.closeTarget", targetId=w)
        if old:
            self._tell("Target.disposeBrowserContext", browserContextId=old)
        self.driver.get_log("browser")

    def quit(self):
        if self.control:
            self.control.kill()
        self.driver.quit()
        shutil.rmtree(self.folder, ignore_errors=True)


class Browsers:
    """The windows of a test; errors of the pages fail it."""

    idle = []  # processes for the next test

    def __init__(self):
        self.used, self.allowed = [], []

    def open(self, url=None, width=1280, height=900, network=False):
        if Browsers.idle and not network:
            c = Browsers.idle.pop()
            c.driver.set_window_size(width, height)
        else:
            c = Chromium(width, height, network)
        self.used.append((c, network))
        d = c.driver
        if width < 500:
            d.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
                "width": width, "height": height, "deviceScaleFactor": 1, "mobile": True})
        if url:
            d.get(url)
        return d

    def errors(self, d):
        """Console errors, without those that losing the connection on purpose brings."""
        return [e["message"] for e in d.get_log("browser") if e["level"] == "SEVERE"
                and not any(a in e["message"] for a in self.allowed)]

    def allow_lost_connections(self):
        self.allowed += ["WebSocket connection to", "net::ERR_", "503 (Service Unavailable)"]

    def finish(self):
        errors = []
        for c, network in self.used:
            try:
                errors += self.errors(c.driver)
                if not network and len(Browsers.idle) < 3:
                    c.renew()
                    Browsers.idle.append(c)
                    continue
            except Exception as e:  # whatever it is: a process in order is the next test's
                errors.append(f"the browser: {e}")
            c.quit()
        self.used = []
        return errors

    @classmethod
    def end(cls):
        while cls.idle:
            cls.idle.pop().quit()
