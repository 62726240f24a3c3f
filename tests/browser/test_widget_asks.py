"""What the visitor is asked: the form and the consent before the talk, where an answer shall go, how it was; answers to
choose from, the sound. In both languages, on a desk and a phone, and for those who hear the page."""
import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from email_fakes import FakeMailbox
from harness import CONFIG, SLOWER, until
from inbox import Inbox
from widget import Widget, accessible, thread_of

ASKS = CONFIG.replace('  origins = {{"self"}}\n', '''  origins = {{"self"}}
  color = "#ffd400"
  title_en = "Larch & Loom" title_ru = "Лиственница"
  greeting_en = "Good day! What are you looking for?" greeting_ru = "Добрый день! Что вы ищете?"
  quick_answers_en = {{"When will it be delivered?", "How much is a chair?"}}
  quick_answers_ru = {{"Когда привезут?", "Сколько стоит стул?"}}
  form = {{"name", "email!", "phone"}}
  consent = "required" consent_version = "v7" consent_url = "https://shop.example/consent"
  consent_text_en = "I agree that my data are processed" consent_text_ru = "Согласен на обработку данных"
''')
SCREENS = pytest.mark.parametrize("width,lang", [(1280, "en"), (390, "ru")])
WORDS = {
    "en": {"title": "Larch & Loom", "quick": "How much is a chair?", "empty": "Please fill this in", "online": "We are online",
           "thanks": "Thank you for the rating!", "score": "4 of 5", "away": "We are away now", "mail": "The answer will come to {}."},
    "ru": {"title": "Лиственница", "quick": "Сколько стоит стул?", "empty": "Заполните это поле", "online": "Мы на связи",
           "thanks": "Спасибо за оценку!", "score": "4 из 5", "away": "Сейчас никого нет", "mail": "Ответ придёт на {}."},
}


def visit(gateway, browsers, lang, width, query="", ready=".panel textarea"):
    d = browsers.open(f"{gateway.url}/demo?lang={lang}{query}", width=width)
    return Widget(d, gateway).open(ready)


def events(api, thread, kind):
    return [m["event"] for m in api.messages(thread) if m["direction"] == "event" and m["event"]["type"] == kind]


@SCREENS
def test_form_consent_and_quick_answers(start_gateway, browsers, width, lang):
    g, say = start_gateway(config=ASKS, workers=1), WORDS[lang]
    g.agent()  # somebody is there
    w = visit(g, browsers, lang, width, "&utm_source=mail&utm_campaign=autumn", ".asks input")
    w.until(lambda: w.one("h1").text == say["title"])
    w.until(lambda: w.one(".who p").text == say["online"], why="for the agent")
    assert not w.all("textarea") and not w.one(".answers button").is_enabled() and not w.one(".asks .main").is_enabled()
    if width > 480:
        assert w.d.execute_script("return document.activeElement.name") == "name"
    accessible(w.d)
    w.shot(f"form-{lang}-{width}")
    w.one(".consent input").click()
    w.until(w.one(".asks .main").is_enabled, why="for the consent")
    w.one(".asks .main").click()
    w.until(lambda: w.one(".wrong").text == say["empty"])
    assert w.d.execute_script("return document.activeElement.name") == "email"
    assert w.one("[name=email]").get_attribute("aria-invalid") == "true"
    w.one("[name=email]").send_keys("anna@example")
    w.one("[name=phone]").send_keys("12")
    w.one("[name=name]").send_keys("Анна" + Keys.ENTER)
    w.one(".wrong")
    w.one("[name=email]").send_keys(".com" + Keys.ENTER)
    w.until(lambda: w.one("[name=phone]").get_attribute("aria-invalid") == "true", why="for the server's word on the number")
    accessible(w.d)
    w.shot(f"form-wrong-{lang}-{width}")
    w.one("[name=phone]").send_keys("345 67 89 00" + Keys.ENTER)
    w.one("textarea")
    next(b for b in w.all(".answers button") if b.text == say["quick"]).click()
    w.sent(say["quick"])
    accessible(w.d)
    w.shot(f"talk-{lang}-{width}")
    assert w.d.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    api = g.login()
    thread = thread_of(api, say["quick"])
    client = api.get("/threads/" + thread)["client"]
    assert client["name"] == "Анна" and client["profile"]["page"]["consent"] == "v7"
    assert client["profile"]["claims"] == {"name": "Анна", "email": "anna@example.com", "phone": "+12345678900"}
    w.call("event", "chair", {"sum": 1200})
    until(lambda: events(api, thread, "page"), 10 * SLOWER, why="for the page's event")
    w.page().d.refresh()  # it is asked once
    w.open()
    w.write("again")
    w.sent("again")
    assert not w.all(".asks")
    box = Inbox(browsers.open(width=width), g).sign_in()  # the agent sees where from
    box.open_thread(thread)
    if not any(e.is_displayed() for e in box.all(".panel-part")):
        return  # on a phone the panel is behind a button
    box.until(lambda: "mail / autumn" in box.d.find_element(By.TAG_NAME, "body").text, why="for the campaign")
    assert [a for a in box.all(".panel-part a") if "/demo?" in a.get_attribute("href")]
    assert [e for e in box.all(".event") if "chair" in e.text and "sum: 1200" in e.text]
    box.shot(f"page-inbox-{lang}")


@SCREENS
def test_rating(gateway, browsers, width, lang):
    say, api = WORDS[lang], gateway.login()
    w = visit(gateway, browsers, lang, width)
    w.write("a question")
    w.sent("a question")
    thread = thread_of(api, "a question")
    api.post(f"/threads/{thread}/messages", {"text": "an answer"})
    w.sees("an answer")
    assert not w.all(".rating")
    api.patch(f"/threads/{thread}", {"state": "closed"})
    w.one(".rating fieldset")
    assert not w.one(".rating .main").is_enabled()
    first = w.one(".rating input[type=radio]")
    first.send_keys(Keys.SPACE)  # by keys alone
    for _ in range(3):
        w.d.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    w.until(lambda: len(w.all(".stars .lit")) == 4)
    assert w.all(".stars label")[3].text == say["score"]
    w.one("#rate-text").send_keys("fast")
    accessible(w.d)
    w.shot(f"rating-{lang}-{width}")
    w.one(".rating .main").click()
    w.until(lambda: w.one(".rating").text == say["thanks"])
    until(lambda: events(api, thread, "rating"), 10 * SLOWER, why="for the rating")
    assert events(api, thread, "rating") == [{"type": "rating", "score": 4, "of": 5, "comment": "fast", "text": "4 of 5: fast"}]
    w.page().d.refresh()
    w.open()
    w.sees("an answer")
    assert not w.all(".rating")
    box = Inbox(browsers.open(width=width), gateway).sign_in()
    box.open_thread(thread)
    box.until(lambda: any("4 of 5" in e.text and "fast" in e.text for e in box.all(".event")), why="for the event")
    box.shot(f"rating-inbox-{lang}")


def test_rating_outlives_a_lost_connection_and_can_be_left_out(gateway, browsers):
    browsers.allow_lost_connections()
    api = gateway.login()
    w = visit(gateway, browsers, "en", 1280)
    w.write("first")
    w.sent("first")
    thread = thread_of(api, "first")
    api.post(f"/threads/{thread}/messages", {"text": "answer"})
    w.sees("answer")
    api.patch(f"/threads/{thread}", {"state": "closed"})
    w.one(".rating .plain").click()  # not now
    w.until(lambda: not w.all(".rating"))
    w.write("second")
    w.sent("second")
    api.post(f"/threads/{thread}/messages", {"text": "another"})
    w.sees("another")
    api.patch(f"/threads/{thread}", {"state": "closed"})
    w.one(".rating input[value='2']")
    gateway.stop()
    w.d.execute_script("document.querySelector('.rating input[value=\"2\"]').click()")
    w.until(w.one(".rating .main").is_enabled)
    w.one(".rating .main").click()
    gateway.start()
    api = gateway.login()
    until(lambda: [e["score"] for e in events(api, thread, "rating")] == [2], 40 * SLOWER, why="for the rating")


@SCREENS
def test_nobody_is_there_and_no_email_channel(gateway, browsers, width, lang):
    w = visit(gateway, browsers, lang, width)
    w.until(lambda: WORDS[lang]["away"] in w.one(".away").text)
    w.write("hello")
    w.sent("hello")
    assert not w.all(".away input")  # nowhere to send it to
    accessible(w.d)
    w.shot(f"away-{lang}-{width}")
    gateway.agent()
    w.until(lambda: not w.all(".away"), why="for an agent")


@SCREENS
def test_answer_by_email(making, browsers, width, lang):
    world = making(FakeMailbox)
    say, api = WORDS[lang], world.api
    w = visit(world.gateway, browsers, lang, width)
    w.until(lambda: say["away"] in w.one(".away").text)
    assert not w.all(".away input")  # the message first
    w.write("is anybody there?")
    w.sent("is anybody there?")
    w.one("#away-mail").send_keys("anna" + Keys.ENTER)
    w.one(".away .wrong")
    accessible(w.d)
    w.shot(f"email-ask-{lang}-{width}")
    w.one("#away-mail").send_keys("@clients.test" + Keys.ENTER)
    w.until(lambda: say["mail"].format("anna@clients.test") in w.one(".away").text, why="for the promise")
    accessible(w.d)
    w.shot(f"email-done-{lang}-{width}")
    thread = thread_of(api, "is anybody there?")
    until(lambda: api.get("/threads/" + thread)["thread"]["channel"] == "support", 10 * SLOWER, why="for the address")
    world.say(thread, {"text": "Yes, now"})
    assert until(lambda: world.smtp.accepted, 20 * SLOWER)[0].recipients == ["anna@clients.test"]
    w.one(".away .plain").click()  # another address
    field = w.one("#away-mail")
    field.send_keys(Keys.CONTROL + "a")
    field.send_keys("anna.b@clients.test" + Keys.ENTER)
    w.until(lambda: say["mail"].format("anna.b@clients.test") in w.one(".away").text, why="for the new promise")
    until(lambda: {i["address"] for i in api.get("/threads/" + thread)["client"]["identities"] if i["kind"] == "email"}
          == {"anna@clients.test", "anna.b@clients.test"}, 10 * SLOWER, why="for both")


COUNT_NOTES = """
    window.notes = 0;
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (...a) { window.notes++; return start.apply(this, a); };"""


def test_sound_and_its_switch(gateway, browsers):
    api = gateway.login()
    w = visit(gateway, browsers, "en", 1280)
    w.d.execute_script(COUNT_NOTES)
    w.write("ring me")
    w.sent("ring me")
    thread = thread_of(api, "ring me")

    def answer(text):
        api.post(f"/threads/{thread}/messages", {"text": text})
        w.panel()
        w.sees(text)
        return w.d.execute_script("return window.notes")
    assert answer("in sight") == 0
    w.close()
    assert answer("out of sight") == 2
    w.open()
    w.one(".menu > button").click()
    switch = w.one("[role=menuitemcheckbox]")
    assert switch.get_attribute("aria-checked") == "true"
    accessible(w.d)
    switch.click()
    w.until(lambda: w.one("[role=menuitemcheckbox]").get_attribute("aria-checked") == "false")
    w.one(".menu > button").click()
    w.close()
    assert answer("silent") == 2
    w.page().d.refresh()
    w.open()
    w.one(".menu > button").click()
    assert w.one("[role=menuitemcheckbox]").get_attribute("aria-checked") == "false"
