"""Reports in the browser: figures that agree with the API's, charts, the week, tables to take away; ru and en, wide and narrow,
by keyboard; who may see them."""
import csv
import io

import pytest
from faketime import FakeTime
from harness import SLOWER, Gateway, until
from inbox import Inbox
from own_redis import OwnRedis
from reporting import history
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

CONFIG = """
listen = "127.0.0.1:{port}"
data_dir = "{data}"
workers = {workers}
{redis}
agents {{ login_tries = 1000 }}
reports {{ zone = "Europe/Moscow" }}
loopback "test" {{}}
loopback "other" {{}}
cards "main" {{}}
"""
WORDS = {"en": {"title": "Reports", "7": "7 days", "1": "Today", "own": "Other…", "agents": "Agents", "none": "Nothing happened"},
         "ru": {"title": "Отчёты", "7": "7 дней", "1": "Сегодня", "own": "Другой…", "agents": "Агенты", "none": "ничего не было"}}


@pytest.fixture(scope="module")
def past(tmp_path_factory):
    """Some days of work that are over; the clock is the machine's again at its end."""
    clock, redis = FakeTime(tmp_path_factory.mktemp("clock")), OwnRedis()
    clock.set(-6 * 86400)
    gateway = Gateway(config=CONFIG, workers=1, env=clock.env, redis_url=redis.url).start()
    gateway.login().post("/sla", {"name": "Usual", "first_s": 3600})
    history(gateway, clock, 240, 3)
    clock.set(0)
    gateway.stop()
    gateway.env.pop("LD_PRELOAD")
    gateway.start()
    gateway.add_user("sue", "supervisor")
    yield gateway
    gateway.destroy()
    redis.destroy()


class Page(Inbox):
    def enter(self, name, lang):
        self.sign_in(name)
        self.d.execute_script("localStorage.setItem('sb.lang', JSON.stringify(arguments[0]))", lang)
        self.d.refresh()
        self.one(".app")
        self.words = WORDS[lang]
        return self

    def figure(self, name):
        return self.one(f'[data-figure="{name}"] dd').text

    def fits(self):
        wide = self.d.execute_script("return [document.documentElement, ...document.querySelectorAll('.admin-inside, .chart')]"
                                     ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.outerHTML.slice(0, 80))")
        assert not wide, wide

    def choose(self, text):
        self.until(lambda: any(b.click() is None for b in self.all(".period button") if b.text == text), why=f"for {text}")

    def span(self):
        return self.one(".reports").get_attribute("data-days")


def digits(text):
    return "".join(c for c in text if c.isdigit())


@pytest.mark.parametrize("lang", ["en", "ru"])
@pytest.mark.parametrize("width", [1280, 390])
def test_figures_and_charts(past, browsers, lang, width):
    api = past.login("sue")
    i = Page(browsers.open(past.url + "/", width=width), past).enter("sue", lang)
    i.d.execute_script("location.hash = '#/reports'")
    i.until(lambda: i.one("h1").text == i.words["title"])
    i.choose(i.words["7"])
    i.until(lambda: len(set(i.span().split())) == 2)
    first, last = i.span().split()
    i.until(lambda: api.get("/reports", **{"from": first, "to": last})["totals"]["in"] == int(digits(i.figure("in"))))
    told = api.get("/reports", **{"from": first, "to": last})
    assert told["totals"]["late"] > 0
    for name in ("in", "out", "closed", "lost", "late"):
        assert int(digits(i.figure(name))) == told["totals"][name], name
    assert int(digits(i.figure("waiting"))) == told["now"]["waiting"]
    assert len(i.all(".chart canvas")) == 2 and len(i.all(".week tbody td")) == 7 * 24
    assert sum(int(c.get_attribute("textContent")) for c in i.all(".week tbody td")) == told["totals"]["in"]
    i.shot(f"reports-{lang}")
    for css in (".week", '[data-table="agents"]', '[data-table="days"]'):
        i.d.execute_script("arguments[0].scrollIntoView({block: 'center'})", i.one(css))
        i.shot(f"reports-{css.strip('.[]').split('=')[-1].strip(chr(34))}-{lang}")
    i.fits()
    for table in ("agents", "channels", "labels", "hours", "days"):
        rows = [r for r in told[table] if r["in"] or r["out"] or r["closed"] or r["lost"] or r["late"] or r["first"]["n"] or r["next"]["n"]]
        assert len(i.all(f'[data-table="{table}"] tbody tr')) == len(rows), table
    link = i.one('[data-table="agents"] a.csv').get_attribute("href")
    r = api.http.get(link, timeout=20)
    assert [row["agent"] for row in csv.DictReader(io.StringIO(r.content.decode()))] == [a["name"] for a in told["agents"]]
    i.choose(i.words["1"])
    i.until(lambda: len(set(i.span().split())) == 1)
    i.shot(f"reports-today-{lang}")
    i.fits()


def test_any_days_by_keyboard_and_live(past, browsers):
    i = Page(browsers.open(past.url + "/", width=1280), past).enter("sue", "en")
    i.d.execute_script("location.hash = '#/reports'")
    i.choose("Other…")
    fields = i.all(".period-own input")
    assert len(fields) == 2
    i.d.execute_script("""for (const [name, day] of [["from", "2020-01-01"], ["to", "2020-01-31"]]) {
        const field = document.querySelector(`.period-own input[name=${name}]`);
        field.value = day;
        field.dispatchEvent(new Event("input", { bubbles: true }));
    }""")
    i.until(lambda: i.span() == "2020-01-01 2020-01-31")
    assert "Nothing happened" in i.one(".report-none").text
    i.one(".period button").send_keys(Keys.ENTER)
    i.until(lambda: len(set(i.span().split())) == 1)
    before = int(digits(i.figure("in")))
    past.hook({"from": {"address": "new", "name": "New"}, "id": f"new{before}", "text": "hello"})
    i.until(lambda: int(digits(i.figure("in"))) == before + 1, timeout=60 * SLOWER, why="for the new one")


def test_agents_see_no_reports(past, browsers):
    until(lambda: past.login("sue"), 10)
    i = Page(browsers.open(past.url + "/", width=1280), past).enter("ann", "en")
    i.click(".person")
    assert not [b for b in i.all(".person [role=menuitem]") if b.text == "Reports"]
    i.d.find_element(By.TAG_NAME, "body").send_keys(Keys.ESCAPE)
    i.d.execute_script("location.hash = '#/reports'")
    i.until(lambda: i.one("main [role=alert]").text)
    assert not i.all(".period")
