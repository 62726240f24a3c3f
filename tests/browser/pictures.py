"""The README's pictures, made anew: a month of a furniture shop are told to a gateway under a clock that is set back, then
photographed. Usage: pictures.py FOLDER."""
import datetime
import pathlib
import random
import sys
import tempfile
import time
import zoneinfo

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1]), str(pathlib.Path(__file__).resolve().parent)]

import walk_story as story  # noqa: E402
from chromium import Browsers  # noqa: E402
from faketime import FakeTime  # noqa: E402
from harness import Gateway, until  # noqa: E402
from inbox import Inbox  # noqa: E402
from own_redis import OwnRedis  # noqa: E402
from palette import small  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from walk_world import HOUR, World, daytime_zone  # noqa: E402
from widget import Widget  # noqa: E402

DAYS, MOST = 29, 150 * 1024
ASKED = ["Is the chair Onega in stock?", "When will my order arrive?", "Can I return the lamp?", "Do you deliver to the islands?", "Which oil for the table?",
         "Could I pay on delivery?", "Есть ли стол на 8 человек?", "Сколько стоит доставка?", "The drawer does not close.", "Do you have it in oak?"]
SAID = ["Good day! Yes, we do.", "It left our warehouse this morning.", "Of course, here is how.", "Добрый день! Да, конечно.", "I have looked it up for you."]
LABELS = [["delivery"], ["payment"], ["damaged"], [], [], ["wholesale"]]
NAMES = ["Ava Wilson", "Noah Becker", "Мария Белова", "Hugo Laurent", "Ingrid Dahl", "Павел Крылов", "Chloé Petit", "Tom Hughes", "Lucía Gómez", "Ella Novak"]


class Shop:
    """Its days, told; `redis` and the clock are its own."""

    def __init__(self):
        self.rng, self.zone, self.made = random.Random(4), daytime_zone(), []
        self.clock, self.redis = FakeTime(tempfile.mkdtemp(prefix="sb-clock-")), OwnRedis()
        self.clock.set(-DAYS * 86400)
        self.world = World(self.start, "en", clock=self.clock, erp=False, ask=False, zone=self.zone, workers=1, env=self.clock.env, redis_url=self.redis.url)
        self.world.people()

    def start(self, **kw):
        self.made.append(Gateway(**kw))
        return self.made[-1].start()

    def close(self):
        for g in self.made:
            g.destroy()
        self.redis.destroy()
        self.world.close()

    def until_hour(self, day, hour):
        """The clock stands at this hour of that day, `day` days ago; never goes back."""
        local = datetime.datetime.now(zoneinfo.ZoneInfo(self.zone))
        at = local.replace(hour=int(hour), minute=int(hour % 1 * 60), second=0) - datetime.timedelta(days=day)
        self.clock.set(max(self.clock.offset + 20, int(at.timestamp() - time.time())))

    def days(self):
        w, rng, n = self.world, self.rng, 0
        for day in range(DAYS, 0, -1):
            weekend = (datetime.datetime.now(zoneinfo.ZoneInfo(self.zone)) - datetime.timedelta(days=day)).weekday() > 4
            hours = sorted(rng.triangular(8.2, 20.5, 12.5) for _ in range(rng.randrange(3, 6) if weekend else rng.randrange(12, 20)))
            for hour in hours:
                self.until_hour(day, hour)
                n += 1
                thread = self.begun(n)
                by = rng.choice(("ann", "ann", "bob", "sue"))
                if rng.random() < 0.06:
                    continue  # nobody answered
                self.clock.forward(int(rng.lognormvariate(5.2, 0.8)))
                w.by[by].post(f"/threads/{thread}/messages", {"text": rng.choice(SAID)})
                w.by[by].patch("/threads/" + thread, {"labels": rng.choice(LABELS)})
                if rng.random() < 0.5 and self.again:
                    self.clock.forward(rng.randrange(30, 300))
                    self.again()
                    self.clock.forward(int(rng.lognormvariate(4.6, 0.7)))
                    w.by[by].post(f"/threads/{thread}/messages", {"text": rng.choice(SAID)})
                self.clock.forward(rng.randrange(60, 600))
                w.by[by].patch("/threads/" + thread, {"state": "closed"})
        for t in w.api.threads("open"):
            w.api.patch("/threads/" + t["id"], {"state": "closed"})

    def begun(self, n):
        """Somebody asks something, in one of the channels."""
        w, text, name = self.world, self.rng.choice(ASKED), f"{self.rng.choice(NAMES)}"
        if self.rng.random() < 0.3:
            name, self.again = f"{name} {n}", None
            w.chat(1000 + n, name).text(text, date=w.now())
            return w.heard(name)

        def write(words, key):
            return until(lambda: w.gateway.hook({"from": {"address": f"{name}{n % 60}", "name": name}, "id": key, "text": words}, "market").json().get("thread"))
        self.again = lambda: write("Thank you! And one more question.", f"e{n}")
        return write(text, f"d{n}")

    def today(self):
        """What stands in the inbox now; the clock is the machine's again at its end."""
        w = self.world
        self.clock.set(-2 * HOUR)
        w.shelves()
        w.phoned()
        w.mailed()
        self.clock.set(-50 * 60)
        self.rich = w.rich()
        self.clock.set(-16 * 60)
        self.short = w.short_ones(pause=lambda: self.clock.forward(50))
        w.by["ann"].patch("/threads/" + self.short["Grace Lee"], {"assignee": "ann"})
        self.clock.set(0)
        w.gateway.stop()
        w.gateway.env.pop("LD_PRELOAD")
        w.gateway.start()
        w.wait_ready()


class Photographer:
    def __init__(self, shop, folder):
        self.shop, self.g, self.folder, self.browsers = shop, shop.world.gateway, pathlib.Path(folder), Browsers()
        self.folder.mkdir(parents=True, exist_ok=True)

    def window(self, width, height):
        d = self.browsers.open(width=width, height=height)
        d.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        d.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": self.shop.zone})
        return d

    def inbox(self, name, lang, width, height):
        page = Inbox(self.window(width, height), self.g)
        page.d.get(self.g.url + "/")
        page.click(f'.gate-lang button[lang="{lang}"]')
        page.one("#signin-name").send_keys(name)
        page.one("#signin-password").send_keys(self.g.PASSWORD + Keys.ENTER)
        page.online()
        page.one(".row")
        return page

    def take(self, page, name):
        page.d.execute_async_script("""const done = arguments[0];
            Promise.all([...document.images].filter((i) => i.loading !== "lazy").map((i) => i.decode().catch(() => {})).concat(
                document.getAnimations().filter((a) => a.effect.getTiming().iterations !== Infinity).map((a) => a.finished.catch(() => {}))))
                .then(() => setTimeout(done, 400))""")
        data = small(page.d.get_screenshot_as_png())
        assert len(data) < MOST, f"{name}: {len(data)} bytes"
        (self.folder / f"{name}.png").write_bytes(data)
        print(f"{name}.png {len(data)} bytes")

    def all(self):
        shop, w = self.shop, story.WORDS["en"]
        ann = self.inbox("ann", "en", 1280, 800)
        ann.open_thread(shop.rich)
        ann.sees(w["end"])
        if not ann.all(".panel"):
            ann.click(".thread-who")
        ann.one(".panel .card-state.good, .panel .card-sum", 20)
        ann.d.execute_script("document.getElementById('log').scrollTop = 1e6")
        self.take(ann, "inbox")
        bob = self.inbox("bob", "ru", 390, 844)
        bob.open_thread(shop.short["Алексей Фёдоров"])
        self.take(bob, "phone")
        sue = self.inbox("sue", "en", 1280, 800)
        sue.go("#/reports")
        sue.one(".chart canvas")
        self.take(sue, "reports")
        admin = self.inbox("admin", "en", 1280, 1000)
        admin.go("#/rules")
        admin.click("[data-rule] .rule-tools button:nth-child(3)")
        admin.one("#rule-name")
        admin.click(".dialog-foot button")
        admin.one(".rule-tried")
        admin.d.execute_script("document.querySelector('.dialog-foot').scrollIntoView()")
        self.take(admin, "rules")
        self.widget(ann)

    def widget(self, ann):
        lines = story.DIALOGUES["en"][0][2]
        guest = Widget(self.window(1280, 800), self.g)
        guest.d.get(self.g.url + "/demo?lang=en")
        guest.open()
        guest.until(lambda: guest.all(".answers button"))[0].click()
        thread = until(lambda: next(t["id"] for t in self.shop.world.api.threads() if t["channel"] == "site"))
        ann.open_thread(thread)
        ann.write("Good day! Tomorrow between 10 and 2. Would that suit you?")
        guest.until(lambda: len(guest.texts()) == 2)
        guest.write("Perfect. " + lines[4][2:])
        guest.until(lambda: len(guest.texts()) == 3)
        ann.sees("Perfect. " + lines[4][2:])
        ann.one(".composer textarea").send_keys("Here ")
        guest.one(".dots")
        self.take(guest, "widget")

    def close(self):
        self.browsers.finish()
        Browsers.end()


def main():
    shop = Shop()
    try:
        shop.days()
        shop.today()
        photographer = Photographer(shop, sys.argv[1])
        try:
            photographer.all()
        finally:
            photographer.close()
    finally:
        shop.close()


if __name__ == "__main__":
    main()
