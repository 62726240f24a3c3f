"""Two agents at their desks: views of their own with live numbers, one answer at a time, drafts that follow their agent,
canned answers, notes that call somebody, snoozes and blocked clients, search with filters, all of it by keyboard."""
import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select

from harness import SLOWER, until
from inbox import Inbox


def write(g, who, text="hello"):
    return g.hook({"from": {"address": who, "name": who}, "id": f"{who}-{text}", "text": text}).json()["thread"]


@pytest.fixture
def two(gateway, browsers):
    """(gateway, ann's page, bob's page, a thread)."""
    for name in ("ann", "bob"):
        gateway.add_user(name)
    t = write(gateway, "Clara Petrova", "where is my order?")
    pages = [Inbox(browsers.open(), gateway).sign_in(name, gateway.PASSWORD) for name in ("ann", "bob")]
    return gateway, *pages, t


def russian(page):
    page.click(".person")
    page.until(lambda: [i for i in page.all(".menu-item") if i.text == "Русский"])[0].click()
    page.until(lambda: "Открытые" in page.one('[data-view="open"]').text)


def text(page, css):
    return page.one(css).text


def narrow(page):
    page.d.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": False})


def dark(page, on=True):
    page.d.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark" if on else "light"}]})


def wide(page):
    page.d.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_saved_view_lists_and_counts_live(two):
    g, ann, bob, t = two
    api = g.login()
    for i in range(3):
        write(g, f"other{i}")
    ann.one(".row")
    ann.key("f")
    ann.one("#filter-label")
    api.patch("/threads/" + t, {"labels": ["vip <b>"]})
    ann.key(Keys.ESCAPE)
    ann.none("dialog")
    ann.click(".filter-open")  # the labels are read when it opens
    ann.until(lambda: [o for o in ann.all("#filter-label option") if o.get_attribute("value") == "vip <b>"])
    Select(ann.one("#filter-label")).select_by_value("vip <b>")
    ann.one("#filter-name").send_keys("Важные")
    ann.shot("desk-filter")
    [b for b in ann.all("dialog .dialog-foot button") if b.is_enabled()][0].click()
    ann.until(lambda: ann.rows() == ["Clara Petrova"], why="for the one")
    ann.until(lambda: text(ann, ".rail-saved .rail-count") == "1" and "Важные" in text(ann, ".list-title"))
    other = api.get("/threads", view="open")["threads"]
    more = next(x["id"] for x in other if x["id"] != t)
    api.patch("/threads/" + more, {"labels": ["vip <b>", "x"]})
    ann.until(lambda: len(ann.rows()) == 2 and text(ann, ".rail-saved .rail-count") == "2", why="for the second")
    ann.shot("desk-saved")
    api.patch("/threads/" + t, {"state": "closed"})
    ann.until(lambda: len(ann.rows()) == 1 and text(ann, ".rail-saved .rail-count") == "1", why="for the closed one to go")
    # what happens while the page is away is in the numbers when it is back
    ann.d.execute_cdp_cmd("Network.enable", {})
    assert not bob.all(".rail-saved")
    clients = [api.get("/threads/" + x)["client"]["id"] for x in (more, t)]
    api.post(f"/clients/{clients[1]}/merge", {"from": clients[0]})
    # who went has waited for an answer: the closed dialogue that is his now is open again
    ann.until(lambda: ann.rows() == ["Clara Petrova"] and text(ann, ".rail-saved .rail-count") == "1", why="for the merged one to go")
    ann.d.refresh()
    ann.one(".rail-saved")
    ann.until(lambda: "Важные" in text(ann, ".list-title"))
    narrow(ann)
    russian(ann)
    ann.click(".filter-open")
    ann.one(".saved a")
    ann.shot("desk-filter-ru")
    ann.click(".saved li > .icon-button:last-child")
    ann.none(".saved a")
    assert g.login("ann", g.PASSWORD).get("/views")["views"] == []
    wide(ann)


def test_the_second_answer_is_held_in_words_and_may_go(two):
    g, ann, bob, t = two
    russian(bob)
    for page in (ann, bob):
        page.open_thread(t)
    ann.one(".viewers .avatar", 20)
    bob.one(".viewers .avatar", 20)
    ann.one(".composer textarea").send_keys("It left yester")
    bob.until(lambda: "ann уже отвечает" in text(bob, ".composer-told"))
    bob.write("Сейчас посмотрю")
    bob.until(lambda: "ann уже пишет ответ" in text(bob, ".msg-trouble .trouble"), why="for the refusal")
    bob.shot("desk-second-ru")
    assert bob.one(".msg-trouble").get_attribute("data-status") == "failed"
    ann.write("day.")
    ann.until(lambda: any(m["direction"] == "out" for m in g.login().messages(t)))
    bob.until(lambda: "It left yesterday." in bob.messages())
    narrow(bob)
    bob.shot("desk-second-ru")
    wide(bob)
    bob.until(lambda: [b for b in bob.all(".trouble-do button") if "Всё равно" in b.text])[0].click()
    bob.sees("Сейчас посмотрю")
    bob.settled()
    said = [m["text"] for m in g.login().messages(t) if m["direction"] == "out"]
    assert said == ["It left yesterday.", "Сейчас посмотрю"]
    ann.go("#/v/open")
    bob.none(".viewers", 20)


def test_a_refused_answer_is_changed_and_what_was_begun_stays(two):
    g, ann, bob, t = two
    for page in (ann, bob):
        page.open_thread(t)
    ann.one(".viewers .avatar", 20)
    ann.one(".composer textarea").send_keys("It left yester")
    bob.until(lambda: "ann" in text(bob, ".composer-told"))
    bob.write("I shall look")
    bob.one(".msg-trouble .trouble")
    bob.one(".composer textarea").send_keys("begun meanwhile")
    bob.until(lambda: [b for b in bob.all(".trouble-do button") if b.text == "Edit"])[0].click()
    bob.until(lambda: bob.one(".composer textarea").get_attribute("value") == "I shall look\nbegun meanwhile")
    assert not bob.all(".msg-entry")


def test_a_draft_follows_its_agent(two, browsers):
    g, ann, bob, t = two
    ann.open_thread(t)
    area = ann.one(".composer textarea")
    area.send_keys("I began here")
    kept = g.login("ann", g.PASSWORD)
    until(lambda: [d["text"] for d in kept.get("/drafts")["drafts"]] == ["I began here"], 15 * SLOWER)
    again = Inbox(browsers.open(), g).sign_in("ann", g.PASSWORD)
    again.until(lambda: "I began here" in text(again, f'.row-link[data-thread="{t}"]'), why="for the draft in the list")
    again.open_thread(t)
    again.until(lambda: again.one(".composer textarea").get_attribute("value") == "I began here")
    again.one(".composer textarea").send_keys(", went on")
    ann.until(lambda: area.get_attribute("value") == "I began here, went on", why="for the first page to follow")
    again.d.execute_script("localStorage.removeItem('sb.drafts.ann')")
    again.d.refresh()
    again.until(lambda: again.one(".composer textarea").get_attribute("value") == "I began here, went on")
    bob.open_thread(t)
    assert bob.one(".composer textarea").get_attribute("value") == ""
    again.one(".composer textarea").send_keys(Keys.ENTER)
    again.sees("I began here, went on")
    ann.until(lambda: area.get_attribute("value") == "", why="for the draft to go everywhere")
    until(lambda: kept.get("/drafts")["drafts"] == [], 15 * SLOWER)


def test_canned_answers(gateway, browsers):
    g = gateway
    browsers.allowed += ["400 (Bad Request)", "409 (Conflict)"]  # they are what is tried
    g.add_user("ann")
    t = write(g, "Clara Petrova")
    admin = Inbox(browsers.open(), g).sign_in()
    admin.go("#/canned")
    admin.click(".admin-head .button-main")
    admin.one("#canned-shortcut").send_keys("привет")
    admin.one("#canned-name").send_keys("Greeting")
    admin.one("#canned-text").send_keys("Good day, ")
    admin.click('.canned-put [title="{{client.first_name}}"]')
    admin.until(lambda: "{{client.first_name}}" in admin.one("#canned-text").get_attribute("value"))
    admin.one("#canned-text").send_keys("! This is {{agent.nme}}.")
    admin.one("#canned-text").submit()
    admin.until(lambda: "no placeholder" in text(admin, "dialog .form-error"))
    area = admin.one("#canned-text")
    area.send_keys(Keys.BACKSPACE * len("nme}}."), "name}}.")
    area.submit()
    admin.one('[data-canned="привет"]')
    ann = Inbox(browsers.open(), g).sign_in("ann", g.PASSWORD)
    ann.open_thread(t)
    g.login().post("/canned", {"shortcut": "bye", "text": "Good bye <b>"})
    admin.one('[data-canned="bye"]')  # told live
    admin.shot("desk-canned-admin")
    narrow(admin)
    admin.shot("desk-canned-admin")
    wide(admin)
    area = ann.one(".composer textarea")
    area.send_keys("/")
    ann.until(lambda: len(ann.all(".suggest [role=option]")) == 2)
    ann.shot("desk-canned")
    area.send_keys("прив")
    ann.until(lambda: len(ann.all(".suggest [role=option]")) == 1)
    area.send_keys(Keys.ENTER)
    ann.until(lambda: area.get_attribute("value") == "Good day, Clara! This is ann.", why=area.get_attribute("value"))
    area.send_keys(Keys.ENTER)
    ann.sees("Good day, Clara! This is ann.")
    narrow(ann)
    dark(ann)
    ann.one(".composer textarea").send_keys("/")
    ann.one(".suggest")
    ann.shot("desk-canned-dark")
    ann.one(".composer textarea").send_keys(Keys.ESCAPE)
    ann.none(".suggest")
    ann.one(".composer textarea").send_keys(Keys.BACKSPACE, "see https://x/y")
    assert not ann.all(".suggest")
    # two admins save at once: the second is told
    one = next(c for c in g.login().get("/canned")["canned"] if c["shortcut"] == "bye")
    admin.click('[data-canned="bye"] .icon-button')
    admin.one("#canned-text")
    g.login().ask("PUT", "/canned/" + one["id"], json={"shortcut": "bye", "text": "Changed", "rev": 1})
    admin.one("#canned-text").submit()
    admin.until(lambda: "somebody else" in text(admin, "dialog .form-error"))


def test_a_note_calls_an_agent(two):
    g, ann, bob, t = two
    ann.open_thread(t)
    ann.one(".composer textarea").send_keys(Keys.ESCAPE)
    ann.key("n")
    ann.one(".composer-note textarea").send_keys("look, @bo")
    ann.until(lambda: len(ann.all(".suggest [role=option]")) == 1)
    ann.shot("desk-mention")
    ann.one(".composer textarea").send_keys(Keys.TAB, "please")
    ann.until(lambda: ann.one(".composer textarea").get_attribute("value") == "look, @bob please")
    ann.one(".composer textarea").send_keys(Keys.ENTER)
    bob.until(lambda: text(bob, '[data-view="mentions"] .rail-count') == "1", 15, why="for the call")
    bob.click('[data-view="mentions"]')
    bob.row(t)
    bob.shot("desk-mentions")
    bob.row(t).click()
    bob.sees("look, @bob please")
    bob.none('[data-view="mentions"] .rail-count', 20)
    bob.until(lambda: bob.rows() == [], 20, why="for the list of mentions to empty")
    assert not ann.all('[data-view="mentions"]')


def test_block_and_unblock(two):
    g, ann, bob, t = two
    russian(bob)
    for page in (ann, bob):
        page.open_thread(t)
    ann.click(".panel .danger")
    ann.one("dialog .button-danger").click()
    for page in (ann, bob):
        page.one(".state-blocked")
        page.one(".blocked-shut")
    bob.shot("desk-blocked-ru")
    narrow(bob)
    bob.shot("desk-blocked-ru")
    wide(bob)
    write(g, "Clara Petrova", "buy now")
    bob.until(lambda: "buy now" in bob.messages())
    assert text(bob, '[data-view="open"]').split()[-1] != "1"
    bob.click(".blocked-shut button")
    ann.one(".composer textarea:not([hidden])")
    ann.none(".state-blocked")
    write(g, "Clara Petrova", "sorry")
    ann.one(".state-open")


def test_everything_by_keyboard(two):
    g, ann, bob, t = two
    write(g, "Other", "an olive")
    api = g.login()
    ann.one(".row")
    ann.d.execute_script("document.activeElement.blur()")
    ann.key("?")
    ann.one("dialog .keys-all")
    ann.shot("desk-keys")
    narrow(ann)
    ann.shot("desk-keys")
    wide(ann)
    ann.d.switch_to.active_element.send_keys(Keys.ESCAPE)
    ann.none("dialog")
    ann.key("3")
    ann.until(lambda: ann.d.execute_script("return location.hash") == "#/v/unassigned")
    ann.go("#/t/" + t)
    ann.one("#log .msg")
    ann.one(".composer textarea").send_keys(Keys.ESCAPE)

    def thread():
        return api.get("/threads/" + t)["thread"]
    ann.key("m")
    ann.until(lambda: thread()["assignee"] == "ann")
    ann.key("l")
    ann.one(".chip-new input").send_keys("vip" + Keys.ENTER)
    ann.until(lambda: thread()["labels"] == ["vip"])
    assert len([m for m in api.messages(t) if m.get("event", {}).get("type") == "labels"]) == 1
    ann.d.execute_script("document.activeElement.blur()")
    ann.key("z")
    ann.until(lambda: ann.d.execute_script("return document.activeElement.getAttribute('role')") == "menuitem")
    ann.key(Keys.ENTER)
    ann.until(lambda: thread()["state"] == "snoozed")
    ann.one(".state-snoozed")
    ann.d.execute_script("document.activeElement.blur()")
    ann.key("e")
    ann.one(".state-open")
    assert thread()["snooze_until"] is None
    ann.key("e")
    ann.one(".state-closed")
    # search with filters
    until(lambda: api.get("/threads", q="olive")["threads"], 20 * SLOWER)
    ann.d.execute_script("document.activeElement.blur()")
    ann.key("/")
    ann.key("olive")
    ann.one(".results .hit mark")
    ann.click(".search-where button")
    Select(ann.one("#where-view")).select_by_value("closed")
    ann.none(".results .hit mark")
    ann.shot("desk-search")
    Select(ann.one("#where-view")).select_by_value("unassigned")
    ann.one(".results .hit mark")


def test_a_snooze_ends_on_the_screen(two):
    g, ann, bob, t = two
    import datetime
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
    ann.open_thread(t)
    g.login().patch("/threads/" + t, {"state": "snoozed", "snooze_until": at.isoformat(timespec="milliseconds").replace("+00:00", "Z")})
    ann.one(".state-open", 30)
    ann.until(lambda: any(e.text.startswith("The dialogue is open again") for e in ann.all("#log .event")[-1:]), 30)
    ann.row(t)
    ann.until(lambda: not ann.all('[data-view="snoozed"] .rail-count'))
