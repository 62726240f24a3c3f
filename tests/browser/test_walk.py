"""The whole of the inbox and of the site's chat, walked through with real clicks: two agents, a supervisor, an admin and a visitor,
in both languages, wide and on a phone. Each page is looked at by axe-core and leaves a picture in build/shots; no page may write an
error into its console. WALK=all walks in each language and each width (make shots), WALK=one in one of each, else in two."""
import collections
import os

import pytest
import walk_admin
import walk_inbox
import walk_widget
from harness import Gateway
from walk_page import Guest, Person, Seen
from walk_world import World

Way = collections.namedtuple("Way", "name lang width")
WAYS = [Way(f"{lang}-{width}", lang, width) for lang, width in (("ru", 390), ("en", 1280), ("ru", 1280), ("en", 390))]


class Walk:
    """The world, and everybody's window in it, opened when he first comes."""

    def __init__(self, way, chromium):
        self.lang, self.width, self.made, self.windows = way.lang, way.width, [], {}
        self.browsers, self.seen = chromium(), Seen(way.lang, way.width)
        self.world = w = World(self.start, way.lang).people().shelves()
        self.mail, self.phones, self.short = w.mailed(), w.phoned(), w.short_ones()
        self.rich, self.twin = w.rich(), w.twin()
        w.troubles(list(self.short.values())[3])

    def start(self, **kw):
        self.made.append(Gateway(**kw))
        return self.made[-1].start()

    def person(self, name):
        if name not in self.windows:
            window = self.browsers.open(width=self.width, height=844 if self.width < 600 else 900)
            if self.width > 600:  # without what a window has around it
                window.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": self.width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
            self.windows[name] = Guest(window, self.world, self.seen) if name == "guest" else Person(window, self.world, self.seen, name)
            if name not in ("guest", "admin"):
                self.windows[name].enter()
        return self.windows[name]

    ann = property(lambda self: self.person("ann"))
    bob = property(lambda self: self.person("bob"))
    sue = property(lambda self: self.person("sue"))
    guest = property(lambda self: self.person("guest"))

    @property
    def admin(self):
        """Signed in, if not by sign_in()."""
        p = self.person("admin")
        return p.enter() if p.all("#signin-name") else p

    def verdict(self):
        """Of what was seen since the last one."""
        for name, p in self.windows.items():
            self.seen.wrong += [f"{name}: {e}" for e in self.browsers.errors(p.d)]
        wrong, self.seen.wrong = self.seen.wrong, []
        assert not wrong, f"{len(wrong)} things are wrong:\n" + "\n".join(wrong)

    def close(self):
        self.browsers.finish()
        for g in self.made:
            g.destroy()
        self.world.close()


@pytest.fixture(scope="module", params=WAYS[:{"all": None, "one": 1}.get(os.environ.get("WALK"), 2)], ids=lambda way: way.name)
def walk(request, chromium):
    w = Walk(request.param, chromium)
    yield w
    w.close()


# In this order: the visitor comes while nobody is there.
STEPS = [walk_widget.while_nobody_is_there, walk_inbox.sign_in, walk_inbox.views, walk_inbox.search, walk_inbox.every_kind, walk_inbox.mail_and_phone,
         walk_inbox.writing, walk_inbox.two_at_once, walk_inbox.what_goes_wrong, walk_inbox.the_client, walk_inbox.settings,
         walk_widget.the_talk, walk_widget.elsewhere, walk_admin.reports, walk_admin.first_pages, walk_admin.channels, walk_admin.rules_and_hours,
         walk_admin.tokens_and_logs, walk_admin.crm, walk_inbox.account, walk_inbox.wide]


@pytest.mark.long
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_walk(walk, step):
    walk.browsers.allowed = []
    step(walk)
    walk.verdict()
