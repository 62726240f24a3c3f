"""A visitor in Chromium and an agent: both ways, ticks, files, losses, on a desk and a phone."""
import time

import pytest
from selenium.webdriver.common.by import By

from widget import Widget, thread_of

BAD = '<b>bold</b><script>window.hacked=1</script><img src=x onerror="window.hacked=1">'
PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010806000000"
                    "1f15c4890000000d49444154789c63f8cfc0f01f00050001ff56c72f0d0000000049454e44ae426082")


def begin(gateway, browsers, lang="en", **window):
    d = browsers.open(f"{gateway.url}/demo?lang={lang}", **window)
    return Widget(d, gateway).open()


def reply(api, thread, text, **kw):
    return api.post(f"/threads/{thread}/messages",
                    {"id": f"k{time.monotonic_ns()}", "text": text, **kw})["message"]


@pytest.mark.parametrize("width,lang", [(1280, "en"), (390, "ru")])
def test_both_ways_with_ticks(gateway, browsers, width, lang):
    w = begin(gateway, browsers, lang, width=width)
    read, sent = ("Read", "Sent") if lang == "en" else ("Прочитано", "Отправлено")
    w.write("Hello\nsecond line")
    w.sent("Hello\nsecond line")
    agent = gateway.agent()
    thread = thread_of(gateway.login(), "Hello second line")
    assert w.tick("Hello\nsecond line") == sent
    agent.command("read", thread=thread, seq=1)
    w.until(lambda: w.tick("Hello\nsecond line") == read, why="for the read tick")
    agent.send({"type": "typing", "thread": thread, "on": True})
    w.one(".dots")
    answer = agent.command("send", thread=thread, text="Good day!")["message"]
    w.sees("Good day!")
    w.until(lambda: not w.all(".dots"), why="for typing to end")
    agent.wait(lambda: agent.status(thread, answer["seq"]) == "read", 10)
    w.one("textarea").send_keys("I am ty")
    agent.wait(lambda: any(t["who"] == "client" and t["on"] for t in agent.typing), 5)
    assert w.one(".who p").get_attribute("class") == "on"
    assert w.d.execute_script("return document.documentElement.scrollWidth <= innerWidth")


def test_unread_while_closed_and_history_after_reload(gateway, browsers):
    api = gateway.login()
    w = begin(gateway, browsers)
    w.write("I will be back")
    w.sent("I will be back")
    thread = thread_of(api, "I will be back")
    w.close()
    first = reply(api, thread, "We wait for you")
    w.until(lambda: w.badge() == "1", why="for the badge")
    assert "We wait for you" in w.part(".peek").text
    status = lambda: next(m["status"] for m in api.messages(thread) if m["id"] == first["id"])  # noqa: E731
    w.until(lambda: status() == "delivered", why="for its delivery")
    time.sleep(0.5)
    assert status() == "delivered"  # and not read
    w.page().d.refresh()
    w.until(lambda: w.badge() == "1", why="for the badge after a reload")
    w.part(".bubble").click()
    w.panel()
    w.until(lambda: w.texts() == ["I will be back", "We wait for you"], why="for the history")
    w.until(lambda: api.messages(thread)[-1]["status"] == "read", why="for read")
    w.close()
    assert w.badge() == ""


def test_text_is_text(gateway, browsers):
    w = begin(gateway, browsers)
    w.write(BAD)
    w.sent(BAD)
    reply(gateway.login(), thread_of(gateway.login(), BAD), BAD + " https://x.example/?a=1&b=2.")
    w.sees(BAD + " https://x.example/?a=1&b=2.")
    assert not w.d.execute_script("return window.hacked || document.querySelector('.text b, .text img')")
    link = w.one(".text a")
    assert link.get_attribute("href") == "https://x.example/?a=1&b=2"
    assert "noopener" in link.get_attribute("rel")


def test_files_both_ways(gateway, browsers, tmp_path):
    (tmp_path / "photo.png").write_bytes(PNG)
    (tmp_path / "смета.txt").write_text("a plan", encoding="utf-8")
    (tmp_path / "empty.txt").write_text("")
    api = gateway.login()
    w = begin(gateway, browsers)
    w.attach(tmp_path / "photo.png", tmp_path / "смета.txt", tmp_path / "empty.txt")
    w.until(lambda: len(w.all(".chip")) == 3)
    assert "empty" in w.one(".chip.bad").text
    w.one(".chip.bad .remove").click()
    w.until(lambda: w.one(".send").is_enabled(), why="for the uploads")
    w.write("see these")
    w.sent("see these")
    image = w.one(".image img")
    w.until(lambda: w.d.execute_script("return arguments[0].naturalWidth", image) == 1)
    assert w.one(".file b").text == "смета.txt" and not w.all(".chip")
    thread = thread_of(api, "see these")
    files = api.messages(thread)[0]["attachments"]
    assert [f["name"] for f in files] == ["photo.png", "смета.txt"]
    assert api.ask("GET", f"/media/{files[1]['id']}").content == "a plan".encode()
    mine = api.http.post(f"{gateway.url}/api/v1/media?name=offer.txt", data=b"our offer",
                         headers={"Content-Type": "text/plain"}).json()["media"]
    reply(api, thread, "our side", attachments=[mine["id"]])
    w.sees("our side")
    href = w.until(lambda: w.all(".their .file"))[0].get_attribute("href")
    body = w.d.execute_async_script(
        "fetch(arguments[0]).then(r => r.text()).then(arguments[1])", href)
    assert body == "our offer"


def test_pasted_picture(gateway, browsers):
    w = begin(gateway, browsers)
    w.d.execute_script("""
        const bytes = Uint8Array.from(arguments[0].match(/../g), (h) => parseInt(h, 16));
        const data = new DataTransfer();
        data.items.add(new File([bytes], "shot.png", { type: "image/png" }));
        const e = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
        document.querySelector("textarea").dispatchEvent(e);""", PNG.hex())
    w.until(lambda: w.all(".chip img") and w.one(".send").is_enabled(), why="for the upload")
    w.one(".send").click()
    w.one(".bubble.bare img")
    w.until(lambda: not w.all(".tick svg circle"), why="for the tick")


def test_too_long_is_said(gateway, browsers):
    w = begin(gateway, browsers)
    w.d.execute_script("""
        const a = document.querySelector("textarea");
        a.value = "x".repeat(4003);
        a.dispatchEvent(new Event("input", { bubbles: true }));""")
    assert "3 characters" in w.one(".left.bad").text
    assert not w.one(".send").is_enabled()


def test_two_tabs_show_each_message_once(gateway, browsers):
    w = begin(gateway, browsers)
    w.write("from the first tab")
    w.sent("from the first tab")
    first = w.page().d.current_window_handle
    w.d.execute_script("window.open('/demo?lang=en', '_blank', 'noopener')")  # of the same profile
    w.until(lambda: len(w.d.window_handles) == 2)
    w.d.switch_to.window(next(h for h in w.d.window_handles if h != first))
    w.open()
    w.sees("from the first tab")
    w.write("from the second tab")
    w.sent("from the second tab")
    reply(gateway.login(), thread_of(gateway.login(), "from the second tab"), "to both")
    w.sees("to both")
    w.d.switch_to.window(first)
    w.panel()
    w.until(lambda: w.texts() == ["from the first tab", "from the second tab", "to both"],
            why="for the same in the first tab")


def offline(w, on):
    w.d.execute_cdp_cmd("Network.enable", {})
    w.d.execute_cdp_cmd("Network.emulateNetworkConditions", {
        "offline": on, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1})


def test_lost_worker_loses_and_doubles_nothing(gateway, browsers):
    browsers.allow_lost_connections()
    api = gateway.login()
    w = begin(gateway, browsers)
    w.write("before")
    w.sent("before")
    thread = thread_of(api, "before")
    want = ["before"]
    for i in range(3):
        for pid in gateway.worker_pids():
            __import__("os").kill(pid, 9)
        w.write(f"visitor {i}")
        gateway.wait_ready()
        reply(api, thread, f"agent {i}")
        want += [f"visitor {i}", f"agent {i}"]
        w.sees(f"agent {i}", 20)
        w.sent(f"visitor {i}")
    assert sorted(w.texts()) == sorted(want)
    stored = [m["text"] for m in api.messages(thread) if m["direction"] in ("in", "out")]
    assert w.texts() == stored and len(stored) == len(set(stored)) == 7


def test_unsent_messages_outlive_a_reload(gateway, browsers):
    browsers.allow_lost_connections()
    w = begin(gateway, browsers)
    w.write("before")
    w.sent("before")
    gateway.stop()
    w.write("into the void")
    w.until(lambda: w.tick("into the void") == "Sending", why="for the clock")
    w.one(".banner", 15)
    gateway.start()
    w.page().d.refresh()
    w.open()
    w.sees("into the void", 20)
    w.sent("into the void")
    api = gateway.login()
    stored = [m["text"] for m in api.messages(thread_of(api, "into the void"))]
    assert stored == ["before", "into the void"]


def test_put_off_messages_are_not_overtaken(gateway, browsers):
    """Faster than the limit of a visitor: refused for a second, sent again, in order, all of them."""
    w = begin(gateway, browsers)
    said = [f"line {i}" for i in range(14)]
    for text in said:
        w.write(text)
    for text in said:
        w.sent(text)
    api = gateway.login()
    assert [m["text"] for m in api.messages(thread_of(api, "line 13"))] == said
    assert w.texts() == said


def test_forget_me(gateway, browsers):
    w = begin(gateway, browsers)
    w.write("a secret")
    w.sent("a secret")
    token = "return localStorage.getItem('switchboard:site')"
    before = w.page().d.execute_script(token)
    w.panel()
    w.one(".menu > button").click()
    w.one("[role=menuitem]").click()
    w.one(".danger").click()
    w.one(".greeting")
    w.until(lambda: w.page().d.execute_script(token) not in (None, before), why="for another token")
    w.panel()
    assert w.texts() == []
    w.page().d.refresh()
    w.open()
    w.write("somebody else")
    w.sent("somebody else")
    assert w.texts() == ["somebody else"]
    assert len(gateway.login().threads()) == 2


def test_claims_of_the_page_are_only_claims(gateway, browsers):
    d = browsers.open(gateway.url + "/demo?lang=en")
    d.find_element(By.NAME, "name").send_keys("Anna")
    d.find_element(By.NAME, "email").send_keys("anna@example.com\n")
    w = Widget(d, gateway).panel()
    w.write("it is me")
    w.sent("it is me")
    api = gateway.login()
    client = api.get("/threads/" + thread_of(api, "it is me"))["client"]
    assert client["profile"]["claims"] == {"name": "Anna", "email": "anna@example.com"}
    assert client["identities"][0]["verified"] is False
    assert client["profile"]["page"]["url"].startswith(gateway.url + "/demo")
