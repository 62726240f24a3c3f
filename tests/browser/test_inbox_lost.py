"""Lost connections, dying workers, Redis away: the page comes back by itself, with no message
missing or twice, and what the agent wrote goes out exactly once."""
import os
import signal
import threading

import pytest
from selenium.webdriver.common.keys import Keys

from inbox import Inbox, first_thread


def texts(api, thread):
    return [m.get("text", "") for m in api.messages(thread) if m["direction"] != "event"]


def kill_all_workers(g):
    for pid in g.worker_pids():
        os.kill(pid, signal.SIGKILL)


def begin(g, browsers):
    browsers.allow_lost_connections()
    browsers.allowed += ["502", "504"]
    v = g.visitor()
    v.say_and_wait("hello")
    thread = first_thread(g.login())
    page = Inbox(browsers.open(), g).sign_in()
    page.open_thread(thread)
    page.sees("hello")
    return v, thread, page


def test_worker_kills_under_load(gateway, browsers):
    v, thread, page = begin(gateway, browsers)
    done = threading.Event()

    def visitor():
        for i in range(60):
            v.say_and_wait(f"visitor {i}", 30)
        done.set()
    t = threading.Thread(target=visitor, daemon=True)
    t.start()
    for i in range(12):
        page.write(f"agent {i}")
        if i % 4 == 1:
            gateway.kill_worker(index=i // 4 % 2 if len(gateway.worker_pids()) > 1 else 0)
    t.join(90)
    assert done.is_set(), v
    page.settled()
    api = gateway.login()
    page.until(lambda: page.messages() == texts(api, thread), 15, "for the page to equal the store")
    got = page.messages()
    for i in range(60):
        assert got.count(f"visitor {i}") == 1
    for i in range(12):
        assert got.count(f"agent {i}") == 1, got
    assert [x for x in got if x.startswith("agent")] == [f"agent {i}" for i in range(12)]
    v.wait(lambda: sum(m["text"].startswith("agent") for m in v.screen.values()) == 12)


def test_offline_page(gateway, browsers):
    v, thread, page = begin(gateway, browsers)
    page.d.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.d.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    # Emulation does not cut sockets that are open already: the network does.
    page.d.execute_script("dispatchEvent(new Event('offline'))")
    kill_all_workers(gateway)
    page.one(".line-offline, .line-connecting", 30)
    page.write("written while away")
    page.write("and another")
    assert len(page.all(".msg-entry")) == 2
    page.one(".banner-on", 10)
    for i in range(5):
        v.say_and_wait(f"missed {i}", 30)
    page.d.execute_cdp_cmd("Network.emulateNetworkConditions", dict(offline, offline=False))
    page.online()
    page.settled()
    page.until(lambda: page.messages() == texts(gateway.login(), thread), 15, "for equality")
    page.none(".banner-on")
    got = page.messages()
    assert got.index("written while away") < got.index("and another")


def test_unsent_messages_survive_a_reload(gateway, browsers):
    v, thread, page = begin(gateway, browsers)
    page.one(".composer textarea").send_keys("kept over the reload")
    kept = gateway.login("admin", gateway.PASSWORD)
    page.until(lambda: kept.get("/drafts")["drafts"], 15, "for the draft to be told")
    gateway.stop()
    page.one(".line-offline, .line-connecting", 30)
    page.one(".composer textarea").send_keys(Keys.ENTER)
    page.one(".msg-entry")
    gateway.start()
    page.d.refresh()
    page.online()
    page.settled()
    page.until(lambda: texts(gateway.login(), thread).count("kept over the reload") == 1)
    page.sees("kept over the reload")
    page.until(lambda: gateway.login().get("/drafts")["drafts"] == [], 15, "for the draft to be gone")
    assert page.one(".composer textarea").get_attribute("value") == ""


def test_redis_away(gateway, browsers):
    v, thread, page = begin(gateway, browsers)
    gateway.kill_redis()
    page.write("through the outage")
    page.settled()
    page.until(lambda: page.messages().count("through the outage") == 1, 20)
    assert texts(gateway.login(), thread).count("through the outage") == 1


def send_anyway(page):
    for b in page.all(".trouble-do button"):
        if b.text == "Send anyway":
            b.click()
    return not page.all(".msg-entry")


def test_two_agents_see_the_same(gateway, browsers):
    gateway.add_user("anna")
    v, thread, page = begin(gateway, browsers)
    other = Inbox(browsers.open(), gateway).sign_in("anna")
    other.open_thread(thread)
    for i in range(5):
        page.write(f"admin {i}")
        other.write(f"anna {i}")
        v.say_and_wait(f"visitor {i}")
        if i == 2:
            gateway.kill_worker()
    for p in (page, other):  # one had answered while the other wrote: both say that theirs shall go, too
        p.until(lambda p=p: send_anyway(p), 30, "for all to be sent")
    api = gateway.login()
    sent = texts(api, thread)
    assert all(sent.count(f"{who} {i}") == 1 for who in ("admin", "anna", "visitor") for i in range(5)), sent
    page.until(lambda: page.messages() == texts(api, thread), 15, "for the first page")
    other.until(lambda: other.messages() == texts(api, thread), 15, "for the second page")


def test_new_data_behind_the_page(gateway, browsers):
    v, thread, page = begin(gateway, browsers)
    gateway.redis.set("sb:{s0}:unused", 1)
    for key in gateway.redis.scan_iter("sb:{s*}:events"):
        gateway.redis.delete(key)
    v.say_and_wait("after the events were lost", 30)
    kill_all_workers(gateway)
    page.until(lambda: page.messages() == texts(gateway.login(), thread), 30, "for equality")


@pytest.mark.parametrize("times", [3])
def test_drained_restarts(gateway, browsers, times):
    v, thread, page = begin(gateway, browsers)
    for i in range(times):
        page.write(f"before {i}")
        gateway.restart()
        v.say_and_wait(f"after {i}", 30)
    page.online()
    page.settled()
    page.until(lambda: page.messages() == texts(gateway.login(), thread), 20, "for equality")
