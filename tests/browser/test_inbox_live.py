"""A visitor writes, an agent answers from the inbox: live, both ways, everything once."""
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from inbox import Inbox, first_thread

BAD = '<b>bold</b><script>window.hacked=1</script><img src=x onerror="window.hacked=1">'


def begin(g, browsers, text="Hello from the site", **window):
    v = g.visitor()
    v.say_and_wait(text)
    thread = first_thread(g.login())
    page = Inbox(browsers.open(**window), g).sign_in()
    return v, thread, page


def test_both_ways_with_ticks(gateway, browsers):
    v, thread, page = begin(gateway, browsers)
    page.row(thread).click()
    page.sees("Hello from the site")
    page.write("Good day! How can I help?")
    page.sees("Good day! How can I help?")
    v.wait(lambda: any(m["text"] == "Good day! How can I help?" for m in v.screen.values()))
    page.until(lambda: page.status("Good day! How can I help?") in ("delivered", "read"),
               why="for the delivered tick")
    v.try_send({"type": "read", "upto": max(v.screen)})
    page.until(lambda: page.status("Good day! How can I help?") == "read", why="for the read tick")
    for i in range(20):
        v.say(f"line {i}")
    page.until(lambda: [f"line {i}" for i in range(20)] == page.messages()[-20:], why="for 20 lines")
    assert page.seqs() == sorted(set(page.seqs()))


def test_new_dialogues_come_to_the_top_with_counts(gateway, browsers):
    _, first, page = begin(gateway, browsers, "first")
    other = gateway.visitor()
    other.say_and_wait("second")
    other.say_and_wait("third")
    page.until(lambda: len(page.rows()) == 2, why="for two rows")
    top = page.all(".row-link")
    top = min(top, key=lambda r: r.location["y"])
    page.until(lambda: "third" in top.text, why="for the second dialogue on top")
    page.until(lambda: top.find_element(By.CSS_SELECTOR, ".badge").text == "2", why="for unread 2")
    page.until(lambda: page.one('[data-view="open"] .rail-count').text == "2", why="for the count")
    top.click()
    page.sees("third")
    page.until(lambda: not top.find_elements(By.CSS_SELECTOR, ".badge"), why="for read")
    other.wait(lambda: other.read_seq >= 2, why="for the visitor's read mark")
    assert page.row(first)


def test_note_stays_inside(gateway, browsers):
    v, thread, page = begin(gateway, browsers)
    page.open_thread(thread)
    page.one(".composer textarea").send_keys(Keys.ESCAPE)
    page.key("n")
    page.one(".composer-note")
    page.write("the client must not see this")
    page.sees("the client must not see this")
    page.one(".msg-note")
    page.click(".modes button:nth-child(1)")
    page.write("but this one")
    v.wait(lambda: any(m["text"] == "but this one" for m in v.screen.values()))
    assert not any("must not" in m["text"] for m in v.screen.values())


def test_assign_close_reopen_labels(gateway, browsers):
    gateway.add_user("anna")
    v, thread, page = begin(gateway, browsers)
    page.open_thread(thread)
    page.click(".assign")
    page.until(lambda: [i for i in page.all(".menu-item") if i.text.startswith("anna")])[0].click()
    page.until(lambda: "anna" in page.one(".assign").get_attribute("aria-label"))
    page.click(".chip-add")
    page.one(".chip-new input").send_keys("vip" + Keys.ENTER)
    page.until(lambda: [c for c in page.all(".chip") if "vip" in c.text], why="for the label")
    page.click(".thread-tools > .button-quiet")
    page.one(".state-closed")
    page.until(lambda: page.rows() == [], why="for an empty open view")
    page.go("#/v/closed")
    page.row(thread)
    t = gateway.login().get("/threads/" + thread)["thread"]
    assert (t["state"], t["assignee"], t["labels"]) == ("closed", "anna", ["vip"])
    v.say_and_wait("one more thing")
    page.until(lambda: page.rows() == [], why="for the closed view to empty")
    page.go("#/v/open")
    page.row(thread).click()
    page.sees("one more thing")
    page.one(".state-open")


def test_typing_both_ways(gateway, browsers):
    v, thread, page = begin(gateway, browsers)
    page.open_thread(thread)
    v.try_send({"type": "typing", "on": True})
    page.one(".typing-who")
    v.say("done typing")
    page.none(".typing-who")
    page.one(".composer textarea").send_keys("I am thin")
    v.wait(lambda: True in v.typing, why="for the agent's typing")


def test_files_both_ways(gateway, browsers, tmp_path):
    v, thread, page = begin(gateway, browsers)
    page.open_thread(thread)
    text = tmp_path / "опись.txt"
    text.write_text("one\ntwo\n")
    picture = tmp_path / "shot.png"
    picture.write_bytes(bytes.fromhex(
        "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360"
        "f8cf500f00038301804cbf9ec10000000049454e44ae426082"))
    page.one(".composer input[type=file]").send_keys(f"{text}\n{picture}")
    page.until(lambda: len(page.all(".upload-done")) == 2, why="for two uploads")
    page.one(".composer textarea").send_keys("both files" + Keys.ENTER)
    page.sees("both files")
    v.wait(lambda: any(len(m.get("attachments", [])) == 2 for m in v.screen.values()))
    page.settled()
    assert page.one(".msg .file-name").text == "опись.txt"
    page.until(lambda: page.d.execute_script(
        "const i = document.querySelector('.picture img'); return i?.complete && i.naturalWidth > 0"))
    page.click(".picture")
    page.one("dialog[open] img")
    page.key(Keys.ESCAPE)
    page.none("dialog[open]")


def test_markup_is_only_text(gateway, browsers):
    v, thread, page = begin(gateway, browsers, BAD)
    v.say_and_wait("see https://example.com/a?b=1, javascript:alert(1)")
    page.open_thread(thread)
    page.sees(BAD)
    links = page.all(".msg-text a")
    assert [a.get_attribute("href") for a in links] == ["https://example.com/a?b=1"]
    assert links[0].get_attribute("rel") == "noopener noreferrer nofollow ugc"
    page.write(BAD)
    page.settled()
    assert page.messages().count(BAD) == 2
    assert page.d.execute_script("return window.hacked") is None


def test_search_trace_and_client(gateway, browsers):
    v, thread, page = begin(gateway, browsers, "где мой красный чемодан")
    page.open_thread(thread)

    def searched():
        field = page.one(".search input")
        field.send_keys(Keys.ESCAPE)
        field.send_keys("чемоданы")
        return page.until(lambda: page.all(".results mark") or page.all(".results .empty"), 5) and \
            page.all(".results mark")
    page.until(searched, 20, "for the hit")
    assert page.one(".results mark").text == "чемодан"
    page.click(".results .hit")
    page.one(".msg.found")
    page.one(".search input").send_keys(Keys.ESCAPE)
    page.click(".msg-in button.msg-meta")
    page.until(lambda: len(page.all(".trail li")) >= 3, why="for the trail")
    page.key(Keys.ESCAPE)
    page.none("dialog[open]")
    page.click(".panel-part header .button")
    name = page.one("#client-name")
    name.send_keys(Keys.CONTROL + "a")
    name.send_keys("Пётр Первый")
    api = gateway.login()  # meanwhile, somewhere else
    api.patch("/clients/" + api.get("/threads/" + thread)["client"]["id"], {"phone": "+79161234567"})
    page.until(lambda: page.one("#client-phone").get_attribute("value") == "+79161234567", why="for what somebody else has changed")
    page.one("#client-email").send_keys("peter@example.com" + Keys.ENTER)
    page.until(lambda: page.one(".panel-head h2").text == "Пётр Первый")
    page.until(lambda: "Пётр Первый" in page.rows())
    page.until(lambda: "peter@example.com" in page.one(".panel").text and "+79161234567" in page.one(".panel").text)
    page.until(lambda: page.all(".panel-card .card, .panel-card code"), why="for the card")
    page.write("он нашёлся")
    page.until(lambda: page.one(".card-sum").text.startswith("2 "), why="for the card to follow")


def test_merge_of_two_clients(gateway, browsers):
    v, thread, page = begin(gateway, browsers, "I am one person")
    api = gateway.login()
    other = gateway.visitor()
    other.say_and_wait("and I am the same one")
    second = next(t for t in api.threads() if t["id"] != thread)
    api.patch("/clients/" + second["client"]["id"], {"name": "Twin Peaks"})
    page.until(lambda: "Twin Peaks" in page.rows())
    page.open_thread(thread)
    page.click(".panel-stack .button")
    page.one(".merge-find").send_keys("Twin")
    page.click(".merge-list .hit")
    page.click("dialog .button-danger")
    page.none("dialog[open]")
    page.until(lambda: "Twin Peaks" not in page.rows(), why="for one row")
    other.say_and_wait("still here")
    page.sees("still here")
