"""Working hours and answer times in the browser: an admin keeps them, an agent sees when an answer is due and is reminded."""
import admin_steps as steps
import pytest
from faketime import FakeTime
from harness import Gateway, until
from inbox import Inbox
from own_redis import OwnRedis
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.select import Select
from test_inbox_notices import COUNTED, counted, heard, js, sounds
from widget import accessible

CONFIG = """
listen = "127.0.0.1:{port}"
data_dir = "{data}"
workers = {workers}
{redis}
agents {{ login_tries = 1000 }}
loopback "test" {{}}
loopback "other" {{}}
"""
WORDS = {"en": {"title": "Hours and answer times", "mon": "Mon–Thu 09:00–18:00", "fri": "Fri 09:00–17:00", "overlap": "overlap", "taken": "already",
                "late": "late since", "due": "due ", "said": "No answer by", "remind": "not answered in time", "changed": "somebody else"},
         "ru": {"title": "Часы и сроки ответа", "mon": "пн–чт 09:00–18:00", "fri": "пт 09:00–17:00", "overlap": "пересекаются", "taken": "уже есть",
                "late": "просрочено с", "due": "ответить до", "said": "Нет ответа к", "remind": "не ответили вовремя", "changed": "кто-то другой"}}


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    return FakeTime(tmp_path_factory.mktemp("clock"))


@pytest.fixture(scope="module")
def g(clock):
    redis = OwnRedis()
    gateway = Gateway(config=CONFIG, workers=2, env=clock.env, redis_url=redis.url).start()
    yield gateway
    gateway.destroy()
    redis.destroy()


@pytest.fixture
def nothing_kept(g):
    api = g.login()
    for kind in ("hours", "sla"):
        for one in api.get("/" + kind)[kind]:
            api.ask("DELETE", f"/{kind}/{one['id']}").raise_for_status()


class Page(Inbox):
    def enter(self, name, lang):
        self.sign_in(name)
        self.d.execute_script("localStorage.setItem('sb.lang', JSON.stringify(arguments[0]))", lang)
        self.d.refresh()
        self.one(".app")
        self.online()
        self.words = WORDS[lang]
        return self

    def fits(self):
        wide = self.d.execute_script("return [document.documentElement, ...document.querySelectorAll('.admin-inside, dialog')]"
                                     ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML.slice(0, 80))")
        assert not wide, wide

    def fill(self, css, value):
        """As one types; fields for times and dates take what their language wants, so it is put in."""
        self.d.execute_script("""const e = arguments[0]; Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(e, arguments[1]);
            e.dispatchEvent(new Event('input', { bubbles: true }))""", self.one(css), value)

    def press(self, css):
        """Scrolls there first: dialogs are long."""
        self.d.execute_script("arguments[0].scrollIntoView({block: 'center'})", self.one(css))
        self.click(css)


@pytest.mark.parametrize("lang,width", [("en", 1280), ("ru", 390)])
def test_an_admin_keeps_hours(g, nothing_kept, browsers, lang, width):
    browsers.allowed += ["400 (Bad Request)", "409 (Conflict)"]  # they are what is tried
    api = g.login()
    i = Page(browsers.open(g.url + "/", width=width), g).enter("admin", lang)
    i.go("#/hours")
    i.until(lambda: i.one("h1").text == i.words["title"])
    i.press('[data-kind="hours"] header button')
    i.one("#hours-name").send_keys("Office <b>")
    i.fill("#hours-zone", "Europe/Moscow")
    i.press('[data-day="fri"] [type=time]')
    i.fill('[data-day="fri"] .hours-span [type=time]:last-of-type', "17:00")
    i.press('[data-day="sat"] .icon-button')
    i.fill('[data-day="sat"] .hours-span [type=time]:last-of-type', "00:00")
    i.press(".hours-holidays > .button")
    i.fill(".hours-holiday [type=date]", "2026-12-31")
    i.fill(".hours-holiday .hours-part:nth-child(2) input", "2027-01-08")
    i.one('.hours-holiday [type=text], .hours-holiday .hours-part:nth-child(3) input').send_keys("New Year")
    # a second pair of hours that overlaps is refused in words, and put right
    i.press('[data-day="mon"] > .hours-spans > .icon-button')
    i.fill('[data-day="mon"] .hours-span:nth-child(2) input', "17:00")
    i.fill('[data-day="mon"] .hours-span:nth-child(2) input:nth-of-type(2)', "19:00")
    i.fits()
    i.shot(f"hours-form-{lang}")
    accessible(i.d)
    i.one("#hours-name").submit()
    i.until(lambda: i.words["overlap"] in i.one("dialog .form-error").text)
    i.press('[data-day="mon"] .hours-span:nth-child(2) .icon-button')
    i.one("#hours-name").submit()
    i.none("dialog")
    card = i.one('[data-kind="hours"] [data-kept]')
    i.until(lambda: i.words["mon"] in card.text and i.words["fri"] in card.text and "Office <b>" in card.text)
    kept = api.get("/hours")["hours"][0]
    assert kept["week"]["sat"] == [{"from": "09:00", "to": "24:00"}] and "sun" not in kept["week"] and kept["channels"] == []
    assert kept["holidays"] == [{"from": "2026-12-31", "to": "2027-01-08", "name": "New Year"}]
    i.fits()
    i.shot(f"hours-{lang}")
    # who saves over another's change is told
    steps.kept(i, "hours")
    i.one("#hours-name").send_keys("!")
    api.ask("PUT", "/hours/" + kept["id"], json={**{k: kept[k] for k in ("zone", "week", "channels")}, "name": "Theirs", "rev": 1}).raise_for_status()
    i.one("#hours-name").submit()
    i.until(lambda: i.words["changed"] in i.one("dialog .form-error").text)
    i.key(Keys.ESCAPE)
    i.until(lambda: "Theirs" in i.one("[data-kept]").text)
    assert api.get("/hours")["hours"][0]["holidays"] == []
    i.press("[data-kept] .icon-button:last-child")
    i.press("dialog .button-danger")
    i.none('[data-kind="hours"] [data-kept]')
    assert api.get("/hours")["hours"] == []


@pytest.mark.parametrize("lang,width", [("en", 1280), ("ru", 390)])
def test_answer_times_and_who_is_reminded(g, clock, nothing_kept, browsers, lang, width):
    browsers.allowed += ["409 (Conflict)"]
    api = g.login()
    i = Page(browsers.open(g.url + "/", width=width), g).enter("admin", lang)
    i.go("#/hours")
    i.press('[data-kind="sla"] header button')
    i.one("#sla-name").send_keys("Usual")
    for name, value in (("first", "60"), ("next", "90,5"), ("remind", "10"), ("close", "48")):
        i.fill("#sla-" + name, value)
    Select(i.one("#sla-supervisors")).select_by_value("always")
    [c for c in i.all(".hours-channels label") if c.text == "test"][0].find_element(By.CSS_SELECTOR, "input").click()
    i.fits()
    i.shot(f"sla-form-{lang}")
    accessible(i.d)
    i.one("#sla-name").submit()
    i.none("dialog")
    kept = api.get("/sla")["sla"][0]
    # what another one keeps is shown at once
    api.post("/sla", {"name": "Theirs", "first_s": 60, "channels": ["nowhere"]})
    i.until(lambda: any("Theirs" in one.text for one in i.all("[data-kept]")))
    assert {k: kept[k] for k in ("first_s", "next_s", "remind_s", "close_s", "supervisors", "working", "channels")} == {
        "first_s": 3600, "next_s": 5430, "remind_s": 600, "close_s": 172800, "supervisors": "always", "working": True, "channels": ["test"]}
    i.shot(f"sla-{lang}")
    i.press('[data-kind="sla"] header button')  # a second one for the same channel
    i.one("#sla-name").send_keys("Again")
    [c for c in i.all(".hours-channels label") if c.text == "test"][0].find_element(By.CSS_SELECTOR, "input").click()
    i.one("#sla-name").submit()
    i.until(lambda: i.words["taken"] in i.one("dialog .form-error").text)
    i.key(Keys.ESCAPE)
    i.none("dialog")
    # a client writes, and nobody answers
    n = iter(range(100))

    def write():
        who = f"Clara {lang} {width} {next(n)}"
        return g.hook({"from": {"address": who, "name": who}, "id": who, "text": "where is my order?"}).json()["thread"]
    t = until(lambda: (lambda t: t if api.get("/threads/" + t)["thread"]["sla"] else None)(write()))
    i.go("#/v/open")
    i.until(lambda: i.words["due"] in i.row(t).find_element(By.CSS_SELECTOR, ".row-due").text)
    i.shot(f"sla-due-{lang}")
    clock.forward(3601)
    i.until(lambda: i.words["late"] in i.row(t).find_element(By.CSS_SELECTOR, ".row-due.late").text, 20)
    i.until(lambda: [a for a in i.all(".toast a") if i.words["remind"] in a.text], why="for the reminder")
    accessible(i.d)
    i.shot(f"sla-late-{lang}")
    if width == 1280:
        i.d.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
        accessible(i.d)
        i.shot(f"sla-late-dark-{lang}")
        i.d.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    i.open_thread(t)
    i.until(lambda: [e for e in i.all("#log .event") if i.words["said"] in e.text and "Usual" in e.text])
    i.shot(f"sla-thread-{lang}")
    i.write("Good day!")
    i.settled()
    until(lambda: api.get("/threads/" + t)["thread"]["sla"] is None)
    i.go("#/v/open")
    i.until(lambda: not i.row(t).find_elements(By.CSS_SELECTOR, ".row-due"))


def in_all_tabs(page, text):
    here, got = page.d.current_window_handle, []
    for tab in page.d.window_handles:
        page.d.switch_to.window(tab)
        got.append(js(page, text))
    page.d.switch_to.window(here)
    return got


def test_a_reminder_rings_once_for_all_tabs(g, clock, nothing_kept, browsers):
    """As a new message does: by the agent's own settings, with a notice of the browser's while the page is not in front."""
    api = g.login()
    g.add_user("ann")
    api.post("/sla", {"name": "Usual", "first_s": 3600, "remind_s": 600})
    n = iter(range(100))

    def write():
        who = f"Dora {next(n)}"
        return g.hook({"from": {"address": who, "name": who}, "id": who, "text": "where is it?"}).json()["thread"], who
    ann = counted(browsers, g)
    first = ann.d.current_window_handle
    g.login("ann", g.PASSWORD).ask("PUT", "/preferences", json={"unassigned": False, "browser": True}).raise_for_status()
    ann.d.execute_script("window.open('about:blank')")
    ann.until(lambda: len(ann.d.window_handles) == 2)
    ann.d.switch_to.window(next(h for h in ann.d.window_handles if h != first))
    ann.d.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": COUNTED})
    ann.d.get(g.url + "/")
    ann.online()
    ann.until(lambda: js(ann, "return Boolean(switchboardPages?.background)"))
    ann.one(".rail, nav").click()  # a tab plays nothing before somebody has used it
    t, who = until(lambda: (lambda x: x if api.get("/threads/" + x[0])["thread"]["sla"] else None)(write()))
    api.patch("/threads/" + t, {"assignee": "ann"})
    heard(ann, 1)
    in_all_tabs(ann, "window.away = true; Notification.permission = 'granted'")
    clock.forward(3001)
    heard(ann, 2)
    clock.forward(600)
    heard(ann, 3)
    notices = sum(in_all_tabs(ann, "return window.told.notices"), [])
    assert sorted(notices) == [[f"{who}: an answer is due soon", "where is it?", "sb-" + t],
                               [f"{who}: not answered in time", "where is it?", "sb-" + t]], notices
    ann.until(lambda: [a for a in ann.all(".toast a") if "not answered in time" in a.text])
    ann.shot("reminder")
    # she does not want to hear of hers any more: both tabs know it
    g.login("ann", g.PASSWORD).ask("PUT", "/preferences", json={"mine": False, "unassigned": False}).raise_for_status()
    for tab in ann.d.window_handles:
        ann.d.switch_to.window(tab)
        ann.go("#/account")
        ann.until(lambda: not ann.one("#settings-mine").is_selected())
    other, _ = write()
    api.patch("/threads/" + other, {"assignee": "ann"})
    clock.forward(3601)
    ann.until(lambda: [a for a in ann.all(".toast a") if "not answered in time" in a.text and other in a.get_attribute("href")], 20)
    assert sounds(ann) == 3
