"""How a talk was, as agents and admins see it: the question after it, the rating and the one that takes its place, the reports,
the channel's settings. In both languages, wide and narrow."""
import json

import pytest
from clients import own_id
from harness import CONFIG, SLOWER, until
from inbox import Inbox
from widget import accessible

ASKS = CONFIG.replace('loopback "test" {{}}', 'loopback "test" {{ rating = yes rating_after = "0s" }}')
WORDS = {"en": {"asks": "Rating of the talk", "rated": "The client rated the talk: 2 of 5", "again": "The client now rates the talk: 4 of 5"},
         "ru": {"asks": "Оценка разговора", "rated": "Клиент оценил разговор: 2 из 5", "again": "Клиент изменил оценку: 4 из 5"}}
SETTINGS = {"en": ["Rating", "Rating after", "Rating again"], "ru": ["Спрашивать оценку", "Когда спросить", "Благодарность"]}


@pytest.mark.parametrize("lang,width", [("en", 1280), ("ru", 390)])
def test_a_talk_is_rated(start_gateway, browsers, lang, width):
    g, words = start_gateway(config=ASKS), WORDS[lang]
    api = g.login()

    def write(text):
        return g.hook({"from": {"address": "4711", "name": "Clara Petrova"}, "id": own_id(), "text": text}).json()["thread"]
    t = write("where is my order?")
    api.post(f"/threads/{t}/messages", {"text": "It is on its way."})
    page = Inbox(browsers.open(g.url + "/", width=width), g)
    page.d.execute_script("localStorage.setItem('sb.lang', arguments[0])", json.dumps(lang))
    page.d.refresh()
    page.sign_in()
    page.open_thread(t)
    api.patch("/threads/" + t, {"state": "closed"})
    until(lambda: [m for m in api.messages(t) if m.get("rating")], 20 * SLOWER)
    page.until(lambda: words["asks"] in page.one("#log").text and "1" in page.one("#log").text, why="for the question")
    write("2")
    page.until(lambda: words["rated"] in page.one("#log").text, why="for the rating")
    write("4")
    page.until(lambda: words["again"] in page.one("#log").text, why="for the other one")
    assert not [e for e in page.all("#log .msg-in") if e.text.strip().startswith(("2", "4"))]
    accessible(page.d)
    page.shot(f"rating-thread-{lang}")
    page.d.execute_script("location.hash = '#/reports'")
    page.until(lambda: page.one('[data-figure="rated"] dd').text == "4", 20, why="for the report")
    page.shot(f"rating-report-{lang}")
    page.d.execute_script("location.hash = '#/channels'")
    page.click(".admin-head .button-main")
    page.one("#channel-kind").send_keys("Telegram")
    page.click("dialog summary")
    page.until(lambda: all(w in page.one("dialog").text for w in SETTINGS[lang]), why="for the settings")
    page.d.execute_script("arguments[0].scrollIntoView({block: 'center'})", page.one("#channel-rating_again"))
    page.shot(f"rating-settings-{lang}")
