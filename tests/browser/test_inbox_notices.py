"""What an agent is told of: a sound, a notice of the browser's, a number in the title; by his own settings, which the gateway
keeps; once for all his tabs, and never of what he did himself."""
import pytest
from selenium.webdriver.common.keys import Keys

from harness import SLOWER, until
from inbox import Inbox
from test_inbox_desk import dark, narrow, russian, write

# A browser that counts what it plays and shows, and whose page may be in the background.
COUNTED = """
window.told = { notes: 0, notices: [], asked: 0 };
window.Notification = class {
    static permission = "default";
    static async requestPermission() {
        told.asked++;
        return Notification.permission = window.refuses ? "denied" : "granted";
    }
    constructor(title, { body, tag }) {
        told.notices.push([title, body, tag]);
        told.last = this;
    }
    close() {}
};
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...at) {
    told.notes++;
    return start.apply(this, at);
};
document.hasFocus = () => !window.away;
"""


def counted(browsers, gateway, name="ann"):
    d = browsers.open()
    d.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": COUNTED})
    page = Inbox(d, gateway).sign_in(name, gateway.PASSWORD)
    page.until(lambda: d.execute_script("return Boolean(switchboardPages?.background)"), why="for what comes later")
    return page


def js(page, text, *args):
    return page.d.execute_script(text, *args)


def sounds(page):
    """In all its tabs."""
    here, n = page.d.current_window_handle, 0
    for tab in page.d.window_handles:
        page.d.switch_to.window(tab)
        n += js(page, "return window.told.notes / 2")
    page.d.switch_to.window(here)
    return n


@pytest.fixture
def desk(gateway, browsers):
    """(gateway, ann's page, her API, a thread of nobody's)."""
    for name in ("ann", "bob"):
        gateway.add_user(name)
    t = write(gateway, "Clara Petrova", "where is my order?")
    return gateway, counted(browsers, gateway), gateway.login("ann", gateway.PASSWORD), t


def heard(page, n):
    page.until(lambda: sounds(page) >= n, 20, why=f"for sound {n}")
    assert sounds(page) == n


def test_a_sound_once_for_all_tabs_and_only_of_what_concerns(desk):
    g, ann, api, t = desk
    d, first = ann.d, ann.d.current_window_handle
    d.execute_script("window.open('about:blank')")  # in the same profile, which the driver's own way is not sure to be
    ann.until(lambda: len(d.window_handles) == 2)
    d.switch_to.window(next(h for h in d.window_handles if h != first))
    d.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": COUNTED})
    d.get(g.url + "/")
    ann.online()
    ann.until(lambda: js(ann, "return Boolean(switchboardPages?.background)"))
    ann.one(".row-link").click()  # a tab plays nothing before somebody has used it
    ann.go("#/v/open")
    other = write(g, "Second", "anybody there?")
    heard(ann, 1)
    write(g, "Second", "hello?")  # had the first been told twice, it would be three
    heard(ann, 2)
    d.close()
    d.switch_to.window(first)
    before = sounds(ann)
    # What she does herself; what is another's; what she has before her eyes.
    ann.open_thread(t)
    ann.one(".composer textarea").send_keys("Here." + Keys.ENTER)
    ann.settled()
    api.patch("/threads/" + t, {"assignee": "ann"})
    g.login().patch("/threads/" + other, {"assignee": "bob"})
    write(g, "Second", "thanks, Bob")
    write(g, "Clara Petrova", "seen at once")
    ann.sees("seen at once")
    third = write(g, "Third", "and me?")
    heard(ann, before + 1)
    g.login().patch("/threads/" + third, {"assignee": "ann"})
    heard(ann, before + 2)
    g.login().post(f"/threads/{other}/messages", {"text": "@ann look", "note": True})
    heard(ann, before + 3)


def setting(page, name):
    return page.one("#settings-" + name)


def test_settings_are_kept_and_obeyed(desk, browsers):
    g, ann, api, t = desk
    ann.go("#/account")
    assert setting(ann, "mine").is_selected() and not setting(ann, "browser").is_selected()
    assert js(ann, "return told.asked") == 0, "only a click asks"
    ann.shot("settings")
    setting(ann, "browser").click()
    ann.until(lambda: setting(ann, "browser").is_selected())
    assert js(ann, "return told.asked") == 1
    setting(ann, "unassigned").click()
    until(lambda: [api.get("/preferences")["preferences"][k] for k in ("browser", "unassigned", "mine")] == [True, False, True], 10 * SLOWER)
    ann.until(lambda: not setting(ann, "unassigned").is_selected())
    # Not of nobody's any more, but of hers: with a notice, as the page is not in front.
    js(ann, "window.away = true")
    write(g, "Clara Petrova", "of nobody's thread")
    g.login().patch("/threads/" + t, {"assignee": "ann"})
    ann.until(lambda: js(ann, "return told.notices.length") == 1, why="for the notice")
    assert js(ann, "return told.notices") == [["Assigned to you: Clara Petrova", "Admin", "sb-" + t]]
    write(g, "Clara Petrova", "of my thread <b>")
    ann.until(lambda: js(ann, "return told.notices.length") == 2)
    assert js(ann, "return told.notices[1]") == ["Clara Petrova", "of my thread <b>", "sb-" + t]
    assert sounds(ann) == 2
    js(ann, "window.away = false; told.last.onclick()")
    ann.until(lambda: js(ann, "return location.hash") == "#/t/" + t)
    ann.until(lambda: js(ann, "return document.title") == "Switchboard", why="for what was read")
    js(ann, "window.away = true")
    # Quiet hours, here all day: the title counts on.
    ann.go("#/account")
    setting(ann, "quiet").click()
    ann.one("#settings-quiet_from")
    ann.shot("settings-quiet")
    until(lambda: api.get("/preferences")["preferences"]["quiet_from"] == "22:00", 10 * SLOWER)  # shown before it is kept
    api.ask("PUT", "/preferences", json={**api.get("/preferences")["preferences"], "quiet_from": "00:00", "quiet_to": "23:59"})
    ann.until(lambda: setting(ann, "quiet_to").get_attribute("value") == "23:59", why="for the other page's change")
    write(g, "Clara Petrova", "at night")
    ann.until(lambda: js(ann, "return document.title") == "(1) Switchboard")
    write(g, "Clara Petrova", "at night, again")
    last = f"{t}:{api.get('/threads/' + t)['thread']['last_seq']}"
    ann.until(lambda: last in js(ann, "return localStorage.getItem('sb.told.ann')"), why="for the page to have heard of it")
    setting(ann, "quiet").click()
    until(lambda: api.get("/preferences")["preferences"]["quiet_from"] is None, 10 * SLOWER)
    ann.none("#settings-quiet_from")
    setting(ann, "sound").click()
    ann.until(lambda: not setting(ann, "sound").is_selected())
    write(g, "Clara Petrova", "in the morning")
    ann.until(lambda: js(ann, "return told.notices.length") == 3)
    assert js(ann, "return told.notices[2][1]") == "in the morning" and sounds(ann) == 2
    # In another browser it is as it was chosen, but for that browser's leave.
    again = counted(browsers, g)
    again.go("#/account")
    again.until(lambda: not setting(again, "sound").is_selected())
    assert not setting(again, "browser").is_selected() and js(again, "return told.asked") == 0
    assert "has not been asked" in again.one("#settings-browser-hint").text
    js(again, "window.refuses = true")
    setting(again, "browser").click()
    again.until(lambda: "does not let us" in again.one("#settings-browser-hint").text)
    assert api.get("/preferences")["preferences"]["browser"] is True


def test_colours_and_language_are_the_agents(desk, browsers):
    g, ann, api, t = desk
    ground = "return getComputedStyle(document.body).backgroundColor"
    dark(ann, False)
    light = js(ann, ground)
    russian(ann)
    until(lambda: api.get("/preferences")["preferences"]["language"] == "ru", 10 * SLOWER)
    ann.go("#/account")
    ann.one("#settings-theme").send_keys("Тёмные")
    ann.until(lambda: js(ann, ground) != light)
    night = js(ann, ground)
    until(lambda: api.get("/preferences")["preferences"]["theme"] == "dark", 10 * SLOWER)
    narrow(ann)
    ann.shot("settings-ru-dark")
    again = counted(browsers, g)
    dark(again, False)
    again.until(lambda: js(again, ground) == night, why="for the colours")
    again.until(lambda: "Открытые" in again.one('[data-view="open"]').text, why="for the language")
    again.d.refresh()
    again.until(lambda: js(again, ground) == night)
    api.ask("PUT", "/preferences", json={"theme": "light", "language": "en"})
    again.until(lambda: js(again, ground) == light and "Open" in again.one('[data-view="open"]').text)
    dark(again)
    assert js(again, ground) == light
    api.ask("PUT", "/preferences", json={"theme": "auto"})
    again.until(lambda: js(again, ground) == night)
