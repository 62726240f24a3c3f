"""Fixtures: a gateway of its own for each test, or one for a whole file; Chromium."""
import json
import pathlib
import sys

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
    """How tests are spread over processes (--dist loadgroup): those that share what a file's fixture made, for one
    of its parameters, stay together and come first, each other test is given out alone; long ones early, so that nobody
    waits for the last."""
    groups = {}
    for item in items:
        shared = [n for n, defs in item._fixtureinfo.name2fixturedefs.items() if any(d.scope == "module" for d in defs)]
        made = getattr(item, "callspec", None)
        of = [getattr(made.params[n], "name", n) for n in shared if made and n in made.params]
        name = "-".join([item.path.stem, *of]) if shared else item.nodeid
        if shared:
            item.add_marker(pytest.mark.xdist_group(name))
        item.stash[GROUP] = groups.setdefault(name, [])
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


@pytest.fixture(scope="session")
def chromium():
    """Browsers, whose processes end with the session."""
    from chromium import Browsers
    yield Browsers
    Browsers.end()


@pytest.fixture
def browsers(chromium):
    b = chromium()
    yield b
    errors = b.finish()
    assert not errors, json.dumps(errors, indent=1)
