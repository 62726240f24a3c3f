"""Steps of the walk through the inbox: its lists, a dialogue with all that it may hold, writing, the client, one's own account.
Each takes a Walk (test_walk.py)."""
import base64
import os
import signal

import walk_story as story
from clients import Authenticator
from harness import SLOWER, until
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

TINY = base64.b64encode(story.room(120, 80)).decode()
SECOND = ("is writing an answer", "уже пишет ответ")


def sign_in(walk):
    admin = walk.person("admin")
    admin.good("sign-in", "#signin-name")
    admin.night("sign-in")
    walk.browsers.allowed.append("401 (Unauthorized)")
    admin.one("#signin-name").send_keys("admin")
    admin.one("#signin-password").send_keys("password123" + Keys.ENTER)
    admin.one(".form-error")
    admin.good("sign-in-wrong")
    admin.press(".input-eye button")
    assert admin.one("#signin-password").get_attribute("type") == "text"
    admin.fill("#signin-password", admin.g.PASSWORD + Keys.ENTER)
    admin.online()
    admin.good("list-admin", ".row")
    for person in (walk.sue, walk.bob, walk.ann):
        person.one(".row")


def views(walk):
    ann, api = walk.ann, walk.world.api
    ann.good("list", ".row")
    ann.night("list")
    closed, snoozed = (walk.short[d[0]] for d in story.DIALOGUES[walk.lang][4:6])
    api.patch("/threads/" + closed, {"state": "closed"})
    api.patch("/threads/" + snoozed, {"state": "snoozed", "snooze_until": "2099-01-01T00:00:00.000Z"})
    for view, thread in (("mine", walk.rich), ("snoozed", snoozed), ("closed", closed), ("all", walk.mail), ("unassigned", walk.phones[0])):
        ann.press(f'[data-view="{view}"]')
        ann.row(thread)
        if view in ("mine", "closed"):
            ann.good("view-" + view)
    ann.press('[data-view="open"]')
    # A view of one's own, with a number that lives.
    label, name = story.DIALOGUES[walk.lang][0][1][0], story.ADMIN[walk.lang]["view"]
    ann.press(".filter-open")
    ann.choose("#filter-label", label)
    ann.fill("#filter-name", name)
    ann.good("filter")
    ann.press("dialog .dialog-foot .button:not(.button-main)")
    ann.none("dialog[open]")
    ann.says(".list-title", name)
    ann.until(lambda: len(ann.rows()) == 1)
    api.patch("/threads/" + walk.short[story.DIALOGUES[walk.lang][2][0]], {"labels": [label, story.DIALOGUES[walk.lang][2][1][0]]})
    ann.until(lambda: len(ann.rows()) == 2 and "2" in ann.one(".list-title").text, why="for the second")
    ann.good("view-saved")
    ann.press(".filter-open")
    ann.one(".saved a")
    ann.good("filter-saved")
    ann.press(".saved .icon-button", n=-1)
    ann.none(".saved a")
    ann.closed()
    ann.press('[data-view="open"]')


def search(walk):
    ann, word = walk.ann, {"en": "folding", "ru": "складной"}[walk.lang]
    until(lambda: walk.world.api.get("/threads", q=word)["threads"], 20 * SLOWER)
    ann.press(".search input")
    ann.fill(".search input", word)
    ann.one(".results .hit mark", 20)
    ann.good("search")
    ann.press(".search-where button")
    ann.choose("#where-view", "closed")
    ann.none(".results .hit mark")
    ann.good("search-narrow")
    ann.choose("#where-view", "open")
    ann.press(".results .hit", word)
    ann.one(".msg.found")
    ann.no_panel()
    if ann.phone:
        ann.press(".thread-back")
    ann.press(".search .icon-button")


def opened(person, thread):
    """By a click in the list of what is open."""
    if person.phone and person.shown(".thread-back"):
        person.press(".thread-back")
    person.press('[data-view="open"]')
    row = person.row(thread)
    person.d.execute_script("arguments[0].scrollIntoView({block: 'center'})", row)
    row.click()
    person.one("#log .msg")
    person.no_panel()


def every_kind(walk):
    ann, w = walk.ann, story.WORDS[walk.lang]
    opened(ann, walk.rich)
    ann.sees(w["end"])
    ann.good("thread")
    ann.night("thread")
    log = "document.getElementById('log')"
    ann.d.execute_script(f"{log}.scrollTop = 0")
    ann.until(lambda: ann.d.execute_script("return [...document.querySelectorAll('#log .picture img')].every((i) => i.naturalWidth || i.getBoundingClientRect().top > 1500)"))
    ann.good("thread-top")
    assert len(ann.all("#log .day")) >= 2, "a mark of each day"
    messages = walk.world.api.messages(walk.rich)
    seq = {m.get("text"): m["seq"] for m in messages}
    of = lambda what: next(m["seq"] for m in messages if what(m))  # noqa: E731
    assert ann.bubble(seq[w["photo"]]).find_element(By.CSS_SELECTOR, "b").text == w["bold"]
    ann.press(f'article[data-seq="{seq[w["quoting"]]}"] .quote')  # goes to what is quoted
    assert ann.bubble(seq[w["good"]]).find_element(By.CSS_SELECTOR, ".reaction").text.startswith("❤")
    place = ann.bubble(of(lambda m: m.get("location", {}) and m["location"].get("name") == w["place"]))
    link = place.find_element(By.CSS_SELECTOR, "a")
    assert "59.9398" in link.get_attribute("href") and link.get_attribute("target") == "_blank"
    ann.press(".sound-speed")
    ann.until(lambda: ann.d.execute_script("return document.querySelector('.sound-voice audio').playbackRate") == 1.5)
    ann.d.execute_script("arguments[0].scrollIntoView({block: 'start'})", place)
    ann.good("thread-middle")
    ann.press(f'article[data-seq="{seq[w["then"]]}"] .msg-edited')
    ann.says(".versions", w["first"])
    ann.good("versions")
    ann.closed()
    ann.press(f'article[data-seq="{of(lambda m: len(m.get("attachments", [])) == 3)}"] .picture')
    ann.one(".viewer-frame img")
    ann.good("viewer")
    ann.press(".viewer .viewer-foot .icon-button", n=1)
    ann.says(".viewer-at", "2")
    ann.closed()
    ann.press(f'article[data-seq="{seq[w["answer"]]}"] button.msg-meta')
    ann.until(lambda: len(ann.all(".trail li")) >= 3)
    ann.good("trace")
    ann.closed()


def mail_and_phone(walk):
    ann, s = walk.ann, story.MAIL[walk.lang]
    opened(ann, walk.mail)
    ann.good("mail")
    ann.press(".mail-tools [role=radio]", "HTML")
    frame = ann.one(".mail-frame[data-loaded]", 15)
    ann.d.switch_to.frame(frame)
    ann.d.switch_to.frame(ann.one("iframe"))
    assert s["subject"].split()[0].lower() in ann.one("body > .sb-mail").text.lower()
    ann.d.switch_to.default_content()
    ann.good("mail-html")
    ann.one('.mail-fields, .composer input, .composer textarea')
    soon, gone = walk.phones
    opened(ann, soon)
    ann.one(".thread-head .window-soon")
    ann.good("window-soon")
    opened(ann, gone)
    ann.one(".window-shut")
    ann.good("window-shut")
    ann.press(".window-shut button")
    ann.press(".tpl", "order_ready")
    for field, value in (("1", "Hanna"), ("2", "2047")):
        ann.fill(f"[id='tpl-body.{field}']", value)
    ann.good("template")
    ann.press("dialog .button-main")
    ann.none("dialog[open]")
    ann.settled()


PASTE = """
    const bytes = Uint8Array.from(atob(arguments[0]), (c) => c.charCodeAt(0)), data = new DataTransfer();
    data.items.add(new File([bytes], arguments[1], { type: "image/png" }));
    const target = document.querySelector(arguments[2]);
    if (arguments[3] === "paste") target.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
    else for (const type of ["dragenter", "dragover", "drop"]) {
        if (type === "drop" && arguments[3] === "hover") break;
        target.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
    }"""


def writing(walk):
    ann, world, w = walk.ann, walk.world, story.WORDS[walk.lang]
    name, canned = w["name"].split()[0], story.CANNED[walk.lang]
    opened(ann, walk.rich)
    area = ann.one(".composer textarea")
    area.send_keys("/")
    ann.until(lambda: len(ann.shown(".suggest [role=option]")) == 3)
    ann.good("canned-offer")
    area.send_keys(canned[0][0][:3])
    ann.until(lambda: len(ann.shown(".suggest [role=option]")) == 1)
    ann.press(".suggest [role=option]")
    who = story.PEOPLE[walk.lang]["ann"]
    said = canned[0][2].replace("{{client.first_name}}", name).replace("{{agent.name}}", who)
    ann.until(lambda: area.get_attribute("value") == said, why=area.get_attribute("value"))
    ann.press(".emoji-open")
    ann.one(".emoji-box .emoji")
    ann.good("emoji")
    ann.press(".emoji-box .emoji")
    ann.key(Keys.ESCAPE)
    ann.none(".emoji-box")
    until(lambda: world.by["ann"].get("/drafts")["drafts"], 15 * SLOWER)  # kept at the gateway
    ann.d.execute_script(PASTE, TINY, "balcony.png", "#main", "hover")
    ann.one(".drop")
    ann.good("drop", axe=False)
    ann.d.execute_script(PASTE, TINY, "balcony.png", "#main", "drop")
    ann.d.execute_script(PASTE, TINY, "screenshot.png", ".composer textarea", "paste")
    ann.until(lambda: len(ann.all(".upload-done")) == 2)
    ann.good("uploads")
    ann.press(".upload .icon-button")
    ann.until(lambda: len(ann.all(".upload")) == 1)
    ann.press(".send")
    ann.settled()
    sent = next(m for m in reversed(world.api.messages(walk.rich)) if m["direction"] == "out")
    assert sent["text"].startswith(said) and len(sent["text"]) > len(said) and len(sent["attachments"]) == 1
    until(lambda: "photo" in world.rich_client.seen()[-1], 20 * SLOWER)
    # Quoted, changed, taken back, and a smile.
    messages = world.api.messages(walk.rich)
    asked = next(m["seq"] for m in messages if m.get("text") == w["end"])
    ann.act(asked, "reply")
    ann.one(".about-bar")
    ann.press(".composer textarea")
    ann.one(".composer textarea").send_keys(w["good"][:-1])
    ann.until(lambda: ann.one(".composer textarea").get_attribute("value") == w["good"][:-1])
    ann.good("answering")
    ann.press(".send")
    ann.settled()
    mine = world.api.messages(walk.rich)[-1]
    assert mine["text"] == w["good"][:-1] and mine["reply_to"]
    ann.until(lambda: ann.status(mine["text"]) in ("sent", "delivered", "read"), 20)
    ann.act(mine["seq"], "edit")
    ann.until(lambda: ann.one(".composer textarea").get_attribute("value") == mine["text"])
    ann.one(".composer textarea").send_keys("!")
    ann.good("editing")
    ann.press(".send")
    ann.one(f'article[data-seq="{mine["seq"]}"] .msg-edited', 20)
    ann.act(asked, "react")
    ann.press(".emoji-row .emoji", n=4)
    ann.one(f'article[data-seq="{asked}"] .reaction')
    if ann.phone:
        ann.rest(ann.bubble(mine["seq"]).find_element(By.CSS_SELECTOR, ".bubble"))
        ann.good("sheet")
        ann.closed()
    ann.act(mine["seq"], "remove")
    ann.one("dialog[open] .button-danger")
    ann.good("remove")
    ann.press("dialog .button-danger")
    ann.one(f'article.msg-deleted[data-seq="{mine["seq"]}"]', 20)
    # Choices, and the wish for a number.
    ann.menu(".composer-row .menu-root > .icon-button")
    ann.fill(".choices input", w["woods"][0] + Keys.ENTER)
    ann.until(lambda: len(ann.all(".choices input")) == 2)
    ann.key(w["woods"][1])
    ann.good("choices")
    ann.press(".choices .icon-button")
    ann.press(".choices .icon-button")
    # A note that calls somebody.
    ann.press(".modes button", n=1)
    ann.one(".composer textarea").send_keys("@su")
    ann.until(lambda: len(ann.shown(".suggest [role=option]")) == 1)
    ann.good("mention")
    ann.press(".suggest [role=option]")
    ann.one(".composer textarea").send_keys("?" + Keys.ENTER)
    ann.settled()
    ann.press(".modes button", n=0)
    walk.sue.press('[data-view="mentions"]')
    walk.sue.row(walk.rich)
    walk.sue.good("mentions")
    opened(walk.sue, walk.rich)


def two_at_once(walk):
    """Two agents in one dialogue, and what is done with it."""
    ann, bob, world = walk.ann, walk.bob, walk.world
    name = story.DIALOGUES[walk.lang][0][0]
    t, say = walk.short[name], story.DIALOGUES[walk.lang][0][2]
    for p in (ann, bob):
        opened(p, t)
    ann.one(".viewers .avatar", 20)
    ann.one(".composer textarea").send_keys(say[1][2:12])
    bob.one(".composer-told", 10)
    bob.good("other-writes")
    bob.write(say[3][2:])
    bob.says(".msg-trouble .trouble", SECOND[walk.lang == "ru"])
    bob.good("second-answer")
    ann.press(".send")
    ann.settled()
    bob.press(".msg-trouble .trouble-do .button")
    bob.settled()
    ann.until(lambda: ann.messages()[-1] == say[3][2:])
    # Whose it is, labels, for later, done, again.
    bob.press(".assign")
    bob.until(lambda: bob.shown(".menu-item"))
    bob.good("assign")
    bob.press(".menu-item", story.PEOPLE[walk.lang]["ann"])
    until(lambda: world.api.get("/threads/" + t)["thread"]["assignee"] == "ann", 10 * SLOWER)
    bob.press(".chip-add")
    bob.one(".chip-new input").send_keys("VIP" + Keys.ENTER)
    bob.until(lambda: [c for c in bob.all(".thread-head .chip") if "VIP" in c.text])
    bob.press(".snooze")
    bob.until(lambda: bob.shown(".menu-item"))
    bob.good("snooze")
    bob.press(".menu-item", n=-1)
    bob.good("snooze-until", "#snooze-at")
    bob.press("dialog .button-main")
    bob.one(".thread-head .state-snoozed")
    bob.good("snoozed")
    bob.press('[data-key="state"]')
    bob.one(".thread-head .state-open")
    bob.press('[data-key="state"]')
    ann.one(".thread-head .state-closed")
    ann.good("closed")
    ann.press('[data-key="state"]')
    bob.one(".thread-head .state-open")
    # Blocked, and not.
    bob.panel()
    bob.press(".panel .danger")
    bob.good("block", "dialog .button-danger")
    bob.press("dialog .button-danger")
    bob.no_panel()
    bob.one(".blocked-shut")
    bob.good("blocked")
    bob.press(".blocked-shut button")
    ann.none(".state-blocked")


def what_goes_wrong(walk):
    """A channel that refuses; a network that is away: said honestly, and it goes on by itself."""
    ann, sue, world = walk.ann, walk.sue, walk.world
    walk.browsers.allow_lost_connections()
    t = walk.short[story.DIALOGUES[walk.lang][3][0]]
    opened(sue, t)
    sue.one(".msg-trouble")
    sue.good("refused")
    before = len(sue.all(".msg-trouble"))
    sue.press(".msg-trouble .trouble-do .button")  # to be refused again
    sue.one(".toast")
    sue.until(lambda: len(sue.all(".msg-trouble")) == before)
    opened(ann, t)
    ann.d.execute_cdp_cmd("Network.enable", {})
    net = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    ann.d.execute_cdp_cmd("Network.emulateNetworkConditions", net)
    ann.d.execute_script("dispatchEvent(new Event('offline'))")
    for pid in world.gateway.worker_pids():  # what is emulated cuts no socket that is open
        os.kill(pid, signal.SIGKILL)
    ann.one(".line-offline, .line-connecting", 30)
    words = story.DIALOGUES[walk.lang][3][2][0][2:]
    ann.write(words + " ?")
    ann.one(".msg-entry")
    ann.one(".banner-on", 10)
    ann.good("offline")
    ann.d.execute_cdp_cmd("Network.emulateNetworkConditions", {**net, "offline": False})
    for person in (ann, walk.bob, sue, walk.admin):
        person.online()
    ann.settled()
    assert [m.get("text") for m in world.api.messages(t)].count(words + " ?") == 1


def the_client(walk):
    ann, admin, world, w = walk.ann, walk.admin, walk.world, story.WORDS[walk.lang]
    opened(ann, walk.rich)
    ann.panel()
    ann.one(".same .button", 20)
    ann.good("client")
    ann.night("client")
    ann.press(".panel-part header .button")
    ann.fill("#client-email", "olga@example.org")
    ann.fill("#client-note", w["note"].split(" ", 1)[1])
    ann.good("client-edit")
    ann.press(".client-edit .button-main")
    ann.says(".panel", "olga@example.org")
    ann.press(".client-files header .button")
    ann.until(lambda: len(ann.all(".client-files li")) >= 4)
    ann.d.execute_script("document.querySelector('.client-files').scrollIntoView()")
    ann.good("client-files")
    ann.press(".client-files header .button")
    # The same person: put together by a person, and parted.
    ann.press(".same .button")
    ann.good("merge", "dialog .button-danger")
    ann.press("dialog .button-danger")
    ann.one(".merges .button", 20)
    ann.none("dialog[open]")
    ann.good("merged")
    ann.press(".merges .button")
    ann.good("unmerge", "dialog .button-main")
    ann.press("dialog .button-main")
    ann.none(".merges", 20)
    ann.one(".same .button", 20)
    ann.no_panel()
    # Export and erasure.
    opened(admin, walk.twin)
    admin.panel()
    assert "/export" in admin.one(".client-export").get_attribute("href")
    admin.press(".client-erase")
    admin.fill("#erase-reason", "152-ФЗ, 2026-11-23")
    admin.fill("#erase-confirm", w["again"])
    admin.good("erase")
    admin.press("dialog .button-danger")
    admin.none("dialog[open]", 30)
    admin.one(".erased", 20)
    admin.one(".erased dd", 30)
    admin.good("erased")
    admin.no_panel()
    assert w["again"] not in [t["client"]["name"] for t in world.api.threads()]
    client = world.api.get("/threads/" + walk.rich)["client"]["id"]
    assert not world.api.get(f"/clients/{client}/suggestions")["suggestions"]


def settings(walk):
    bob, api = walk.bob, walk.world.by["bob"]
    if bob.phone and bob.shown(".thread-back"):
        bob.press(".thread-back")
    bob.press(".person")
    bob.until(lambda: bob.shown(".menu-item"))
    bob.good("menu")
    bob.press(".menu-item", n=-3)
    bob.one("dialog .keys-all")
    bob.good("help")
    bob.closed()
    bob.menu(".person", -2)
    bob.one("#settings-mine")
    bob.press("#settings-unassigned")
    bob.press("#settings-quiet")
    bob.one("#settings-quiet_from")
    bob.press("#settings-sound")
    until(lambda: [api.get("/preferences")["preferences"][k] for k in ("unassigned", "sound", "quiet_from")] == [False, False, "22:00"], 10 * SLOWER)
    bob.good("settings")
    ground = "return getComputedStyle(document.body).backgroundColor"
    light = bob.d.execute_script(ground)
    bob.choose("#settings-theme", "dark")
    bob.until(lambda: bob.d.execute_script(ground) != light)
    bob.good("settings-dark")
    bob.choose("#settings-theme", "auto")
    other = "en" if walk.lang == "ru" else "ru"
    bob.choose("#settings-language", other)
    bob.until(lambda: bob.d.execute_script("return document.documentElement.lang") == other)
    bob.choose("#settings-language", walk.lang)
    bob.until(lambda: bob.d.execute_script("return document.documentElement.lang") == walk.lang)


def account(walk):
    """The second factor: on, used, off; where one is signed in."""
    bob, g = walk.bob, walk.world.gateway
    walk.browsers.allowed += ["401 (Unauthorized)", "400 (Bad Request)", "403 (Forbidden)"]
    if bob.phone and bob.shown(".thread-back"):
        bob.press(".thread-back")
    bob.menu(".person", -2)
    bob.one("[data-factor=off]")
    bob.d.execute_script("arguments[0].scrollIntoView()", bob.one("[data-factor=off]"))
    bob.good("account")
    bob.press("[data-factor=off] + .account-tools .button")
    bob.fill("#factor-password", g.PASSWORD)
    bob.good("factor-password")
    bob.key(Keys.ENTER)
    bob.one("dialog svg.qr path")
    app = Authenticator(bob.one(".factor-secret code").text.replace(" ", ""))
    bob.good("factor-picture")
    bob.fill("#factor-code", app.code() + Keys.ENTER)
    codes = bob.until(lambda: [e.text for e in bob.all(".recovery code")])
    bob.good("factor-codes")
    bob.press("dialog .dialog-foot .button", n=-1)
    bob.one("[data-factor=on]")
    bob.d.execute_script("arguments[0].scrollIntoView()", bob.one(".sessions"))
    bob.good("sessions")
    bob.menu(".person", -1)
    bob.fill("#signin-name", "bob")
    bob.fill("#signin-password", g.PASSWORD + Keys.ENTER)
    bob.good("sign-in-code", "#signin-code")
    bob.fill("#signin-code", codes[0] + Keys.ENTER)
    bob.online()
    bob.menu(".person", -2)
    bob.press("#account-password ~ .account-tools .button")
    bob.good("password", "#password-new")
    bob.press(".gate form .button:not(.button-main)")
    bob.one(".app")


def wide(walk):
    """From the narrow to the very wide."""
    if walk.width < 600:
        return
    ann = walk.ann
    ann.d.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 2560, "height": 1200, "deviceScaleFactor": 1, "mobile": False})
    opened(ann, walk.rich)
    ann.panel()
    ann.good("ultrawide")
