"""Steps of the walk at the shop's site: the chat before anybody is there, the talk, its end, and the way to a messenger."""
import walk_story as story
from harness import SLOWER, until
from selenium.webdriver.common.keys import Keys
from walk_inbox import PASTE, TINY, opened
from widget import thread_of


def while_nobody_is_there(walk):
    v, shop = walk.guest, story.SHOP[walk.lang]
    v.visit("&utm_source=mail&utm_campaign=autumn")
    v.outside("closed")
    v.open(".asks input")
    v.until(lambda: v.one("h1").text == shop["title"])
    v.until(lambda: v.all(".away, .who p"), why="for who is there")
    v.good("form")
    v.one(".consent input").click()
    v.until(v.one(".asks .main").is_enabled)
    v.press(".asks .main")
    v.one(".wrong")
    v.good("form-wrong")
    v.one("[name=name]").send_keys({"en": "Anna Petersen", "ru": "Анна Петрова"}[walk.lang])
    v.one("[name=email]").send_keys("olga@clients.test")
    v.one("[name=phone]").send_keys("+7 999 765-43-21")
    v.press(".asks .main")
    v.one("textarea")
    v.good("greeting")
    v.press(".answers button", shop["answers"][1])
    v.sent(shop["answers"][1])
    v.until(lambda: "olga@clients.test" in v.one(".away").text, why="for where the answer will come to")
    v.good("away")
    v.press(".away .plain")
    v.one("#away-mail").send_keys(Keys.CONTROL + "a")
    v.one("#away-mail").send_keys("olga" + Keys.ENTER)
    v.one(".away .wrong")
    v.good("away-mail")
    v.one("#away-mail").send_keys("@example.org" + Keys.ENTER)
    v.until(lambda: "olga@example.org" in v.one(".away").text)
    walk.visitor = thread_of(walk.world.api, shop["answers"][1])
    v.close()


def the_talk(walk):
    v, ann, api, w = walk.guest, walk.ann, walk.world.api, story.WORDS[walk.lang]
    lines = story.DIALOGUES[walk.lang][0][2]
    v.open()
    v.write(lines[0][2:])
    v.sent(lines[0][2:])
    opened(ann, walk.visitor)
    ann.panel()
    ann.says(".panel", "mail / autumn")
    ann.good("client-visitor")
    ann.no_panel()
    ann.menu(".channel-open", text="support")  # her address is known: by mail, or here
    ann.one(".mail-fields, .mail-whom")
    ann.good("other-channel")
    ann.menu(".channel-open", text="site")
    ann.one(".composer textarea").send_keys(lines[1][2:6])
    v.panel().one(".dots")
    v.good("typing")
    ann.one(".composer textarea").send_keys(lines[1][6:] + Keys.ENTER)
    v.sees(lines[1][2:])
    v.one("textarea").send_keys(lines[2][2:6])
    ann.one(".typing-who")
    v.one("textarea").send_keys(Keys.CONTROL + "a")
    v.write(lines[2][2:])
    v.sent(lines[2][2:])
    # Files: a screenshot that is pasted, one that is chosen; and back.
    v.d.execute_script(PASTE, TINY, "screenshot.png", "textarea", "paste")
    v.until(lambda: v.all(".chip img") and v.one(".send").is_enabled())
    v.good("file")
    v.press(".send")
    v.one(".bubble.bare img")
    ann.until(lambda: ann.all("#log .picture"))
    file = walk.world.upload(w["file"], b"%PDF-1.4 hello", "application/pdf")
    walk.world.by["ann"].post(f"/threads/{walk.visitor}/messages", {"text": lines[3][2:], "attachments": [file]})
    v.sees(lines[3][2:])
    v.one(".their .file")
    v.good("talk")
    # Away from it: a number, and a word.
    v.close()
    ann.one(".composer textarea").send_keys(w["good"] + Keys.ENTER)
    v.until(lambda: v.badge() == "1", why="for the number")
    v.outside("unread")
    v.part(".bubble").click()
    v.panel().sees(w["good"])
    v.press(".menu > button")
    v.one("[role=menuitemcheckbox]")
    v.good("menu")
    v.one("[role=menuitemcheckbox]").click()
    v.until(lambda: v.one("[role=menuitemcheckbox]").get_attribute("aria-checked") == "false")
    v.press(".menu > button")
    # Done, and how was it?
    ann.press('[data-key="state"]')
    v.one(".rating fieldset", 20)
    v.good("rating")
    v.d.execute_script("document.querySelector('.rating label:nth-child(5) input').focus()")
    v.press(".rating .stars label:nth-child(5)")
    v.one("#rate-text").send_keys(lines[4][2:10])
    v.good("rating-words")
    v.press(".rating .main")
    until(lambda: [m for m in api.messages(walk.visitor) if m.get("event", {}).get("type") == "rating"], 10 * SLOWER)
    ann.until(lambda: any("5" in e.text for e in ann.all("#log .event")[-2:]))


def elsewhere(walk):
    """The page's own calls, the way to a messenger, and being forgotten."""
    v, api = walk.guest, walk.world.api
    walk.browsers.allowed += ["t.me", "wa.me", "ERR_NAME_NOT_RESOLVED", "ERR_INTERNET_DISCONNECTED", "ERR_CONNECTION", "ERR_TUNNEL"]
    other = "en" if walk.lang == "ru" else "ru"
    v.call("close")
    v.until(lambda: not v.is_open())
    v.call("locale", other)
    v.call("identify", {"name": "Anna", "email": "anna@example.org"})
    v.call("event", "cart", {"sum": 1200})
    v.call("open")
    v.until(v.is_open)
    v.panel()
    v.until(lambda: v.d.execute_script("return document.documentElement.lang") == other)
    v.call("locale", walk.lang)
    until(lambda: [m for m in api.messages(walk.visitor) if m.get("event", {}).get("type") == "page"], 10 * SLOWER)
    tab = v.d.current_window_handle
    for name, address in (("Telegram", "start="), ("WhatsApp", "text=")):
        v.panel().press(".menu > button")
        before = set(v.d.window_handles)
        v.press("[role=menu] button", name)
        v.until(lambda name=name: name in v.one(".system").text)
        v.until(lambda before=before: set(v.d.window_handles) - before or v.all("a.door"), why="for the way there")
        for new in set(v.d.window_handles) - before:
            v.d.switch_to.window(new)
            v.until(lambda address=address: address in v.d.current_url or address in v.d.execute_script("return document.body.innerText"))
            v.d.close()
            v.d.switch_to.window(tab)
            v.d.execute_cdp_cmd("Page.bringToFront", {})  # where nobody looks nothing moves
    v.panel().good("elsewhere")
    v.press(".menu > button")
    v.press("[role=menu] [role=menuitem]:last-child")
    v.one(".sure .danger")
    v.good("forget")
    v.press(".sure .danger")
    v.until(lambda: not v.texts())
    v.call("close")
