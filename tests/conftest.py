"""Fixtures: a gateway of its own for each test, or one for a whole file; Chromium."""
import json
import pathlib
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import contract  # noqa: E402
from harness import Gateway  # noqa: E402

contract.watch()
GROUP = pytest.StashKey()


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes many seconds, mostly of waiting; begun early")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """How tests are spread over processes (--dist loadgroup): those that share what a file's fixture made stay
    together and come first, each other test is given out alone; long ones early, so that nobody waits for the last."""
    groups = {}
    for item in items:
        shares = any(d.scope == "module" for defs in item._fixtureinfo.name2fixturedefs.values() for d in defs)
        if shares:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
        item.stash[GROUP] = groups.setdefault(item.path.stem if shares else item.nodeid, [])
        item.stash[GROUP].append(item)

    def rank(item):
        group = item.stash[GROUP]
        long = any(i.get_closest_marker("long") for i in group)
        return item.get_closest_marker("xdist_group") is None, not long, -len(group)

    items.sort(key=rank)


@pytest.fixture(autouse=True)
def documented():
    """Whatever a test asks and hears is as openapi.json and asyncapi.json say."""
    contract.WATCH.problems.clear()
    yield
    problems = contract.WATCH.problems
    assert not problems, f"{len(problems)} not as documented, first:\n" + "\n".join(problems[:5])


@pytest.fixture
def start_gateway():
    """A function that starts gateways; all end with the test."""
    made = []

    def start(**kw):
        wait = kw.pop("wait", True)
        made.append(Gateway(**kw))
        return made[-1].start(wait)

    yield start
    for g in made:
        g.destroy()


@pytest.fixture
def making(start_gateway):
    """A function that makes a world: its class, then what that takes beside gateways; all are closed with the test."""
    made = []

    def make(kind, *args, **kw):
        made.append(kind(start_gateway, *args, **kw))
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def gateway(start_gateway):
    return start_gateway()


@pytest.fixture(scope="module")
def shared():
    """One gateway for the tests of a file that do it no harm."""
    g = Gateway().start()
    yield g
    g.destroy()


class Browsers:
    """Chromium windows, each with a profile of its own; errors of the pages fail the test."""

    def __init__(self):
        self.drivers, self.folders, self.allowed = [], [], []

    def open(self, url=None, width=1280, height=900, network=False):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
        folder = tempfile.mkdtemp(prefix="sb-chromium-")
        self.folders.append(folder)
        o = webdriver.ChromeOptions()
        o.binary_location = "/usr/bin/chromium"
        for flag in ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
                     "--no-first-run", "--disable-background-networking", "--no-proxy-server",
                     "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
                     f"--user-data-dir={folder}", f"--window-size={width},{height}"):
            o.add_argument(flag)
        logs = {"browser": "ALL", **({"performance": "ALL"} if network else {})}
        o.set_capability("goog:loggingPrefs", logs)
        d = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=o)
        if width < 500:
            d.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
                "width": width, "height": height, "deviceScaleFactor": 1, "mobile": True})
        self.drivers.append(d)
        d.set_page_load_timeout(30)
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
        errors = [e for d in self.drivers for e in self.errors(d)]
        for d in self.drivers:
            d.quit()
        for f in self.folders:
            shutil.rmtree(f, ignore_errors=True)
        return errors


@pytest.fixture
def browsers():
    b = Browsers()
    yield b
    errors = b.finish()
    assert not errors, json.dumps(errors, indent=1)
