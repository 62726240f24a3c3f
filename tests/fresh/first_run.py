#!/usr/bin/python3
"""Drives a gateway that `make run` has just started: a visitor's message typed in Chromium reaches
the agent's page, the answer comes back, the card shows both, search finds a word of it.

usage: first_run.py URL LOG DATA   (LOG: what `make run` printed; DATA: its data folder)
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "browser")]

from clients import Api  # noqa: E402
from chromium import Browsers  # noqa: E402
from harness import Gateway, until  # noqa: E402
from inbox import Inbox  # noqa: E402
from widget import Widget  # noqa: E402


class Running:
    """What the helpers need to know of a gateway that somebody else has started."""

    PASSWORD = Gateway.PASSWORD
    card_messages = Gateway.card_messages

    def __init__(self, url, data):
        self.url, self.data = url, pathlib.Path(data)


def main(url, log, data):
    g, browsers = Running(url, data), Browsers()
    once = re.search(r"one-time password (\S+)", pathlib.Path(log).read_text()).group(1)
    api = Api(url).login("admin", once)
    api.post("/session/password", {"old": once, "new": g.PASSWORD})
    try:
        inbox = Inbox(browsers.open(url + "/"), g).sign_in()
        visitor = Widget(browsers.open(url + "/demo"), g)
        visitor.open()
        visitor.write("Do you repair chairs?")
        thread = until(lambda: api.threads(), 10, why="for the thread")[0]["id"]
        inbox.open_thread(thread)
        inbox.sees("Do you repair chairs?")
        inbox.write("Of course: bring it on Thursday.")
        visitor.sees("Of course: bring it on Thursday.")
        until(lambda: {"Do you repair chairs?", "Of course: bring it on Thursday."} <=
              {m.get("text") for m in g.card_messages()}, 10, why="for both in the card")
        until(lambda: [t["id"] for t in api.get("/threads", q="Thursday")["threads"]] == [thread],
              10, why="for search to find it")
    finally:
        errors = browsers.finish()
        Browsers.end()
    assert not errors, errors
    print("first run: inbox, widget, answer, card and search are good")


if __name__ == "__main__":
    main(*sys.argv[1:4])
