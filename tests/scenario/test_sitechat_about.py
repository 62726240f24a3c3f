"""What a visitor tells beside his messages (form, rating, events of the page), what the admin sets for the widget, and
answers by e-mail to whoever left while nobody was there."""
import gzip
import json
import re

import pytest
import requests

from email_fakes import US, FakeMailbox
from harness import CONFIG, SLOWER, Gateway, until
from visitors import Chat, answer, texts, thread_of

LOOKS = """
listen = "127.0.0.1:{port}"
data_dir = "{data}"
workers = {workers}
{redis}
agents {{ login_tries = 1000 }}
sitechat "site" {{
  origins = {{"self"}}
  new_visitors_per_hour = 100000
}}
sitechat "asks" {{
  origins = {{"self"}}
  new_visitors_per_hour = 100000
  color = "#00695c"
  position = "left"
  title_en = "Larch </script> & Loom"
  title_ru = "Лиственница"
  greeting_ru = "Здравствуйте! Вы на сайте мебели."
  quick_answers_en = {{"Delivery", "Prices"}}
  form = {{"name", "email!", "phone"}}
  consent = "required"
  consent_version = "2026-11"
  consent_url = "https://shop.example/consent"
  rating = no
}}
"""


@pytest.fixture(scope="module")
def g():
    gateway = Gateway(config=LOOKS, workers=2).start()
    yield gateway
    gateway.destroy()


def events(api, thread):
    return [m["event"] for m in api.messages(thread) if m["direction"] == "event" and m["event"]["type"] != "created"]


# --- what the admin sets ---


def test_looks_come_with_the_script_and_with_the_panel(g):
    script = requests.get(g.url + "/widget.js?site=asks")
    told = re.match(r"\(document\.currentScript\|\|\{\}\)\.switchboardLooks=(\{.*\});\n", script.text)
    looks = json.loads(told[1])
    assert "<" not in told[1] and looks["title_en"] == "Larch </script> & Loom" and looks["title_ru"] == "Лиственница"
    assert (looks["site"], looks["color"], looks["position"]) == ("asks", "#00695c", "left")
    assert looks["form"] == ["name", "email!", "phone"] and looks["quick_answers_en"] == ["Delivery", "Prices"]
    assert (looks["consent"], looks["consent_version"]) == ("required", "2026-11")
    assert looks["rating"] is False and looks["sound"] is True
    assert requests.get(g.url + "/widget.js?site=asks", headers={"If-None-Match": script.headers["ETag"]}).status_code == 304
    assert requests.get(g.url + "/widget.js?site=nowhere").status_code == 404
    panel = requests.get(g.url + "/widget/panel.html?site=asks").text
    data = re.search(r'<script type="application/json" id="looks">(.*?)</script>', panel)[1]
    assert json.loads(data) == looks
    preview = requests.get(g.url + "/widget/panel.html?preview")  # for the admin's page, of no channel
    assert '<script type="application/json" id="looks">{}</script>' in preview.text
    assert preview.headers["Content-Security-Policy"].endswith("frame-ancestors 'self'")
    assert "switchboardLooks=" not in requests.get(g.url + "/widget.js").text[:60]


@pytest.mark.parametrize("line,word", [
    ('color = "red"', "color"), ('form = {"name", "shoe"}', "shoe"), ('form = {"name", "name!"}', "twice"),
    ('consent_url = "javascript:alert(1)"', "consent_url"), ('title_en = "' + "x" * 81 + '"', "title_en"),
    ('quick_answers_ru = {"1", "2", "3", "4", "5", "6", "7"}', "at most 6"), ('consent_version = ""', "consent_version")])
def test_settings_are_checked(line, word):
    bad = Gateway(config=LOOKS + f'\nsitechat "bad" {{{{ {line.replace("{", "{{").replace("}", "}}")} }}}}\n')
    try:
        p = bad.cli("check-config", check=False)
    finally:
        bad.destroy()
    assert p.returncode != 0 and word in p.stdout + p.stderr, p.stdout + p.stderr


def test_files_of_the_pages_are_sent_compressed(g):
    for path in ("/widget.js", "/widget/panel.js", "/widget/panel.css", "/widget.js?site=site"):
        plain = requests.get(g.url + path, headers={"Accept-Encoding": "identity"})
        packed = requests.get(g.url + path, headers={"Accept-Encoding": "br, gzip;q=0.5"}, stream=True)
        assert "Content-Encoding" not in plain.headers
        if "?" in path:
            continue
        assert packed.headers["Content-Encoding"] == "gzip" and "Accept-Encoding" in packed.headers["Vary"]
        assert gzip.decompress(packed.raw.read()) == plain.content
        assert packed.headers["ETag"] != plain.headers["ETag"]
        for r in (plain, packed):
            again = requests.get(g.url + path, headers={"If-None-Match": r.headers["ETag"], "Accept-Encoding":
                                 "gzip" if r is packed else "identity"})
            assert again.status_code == 304
    refused = requests.get(g.url + "/widget/panel.js", headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert "Content-Encoding" not in refused.headers


# --- the form ---


def test_nobody_writes_before_the_form(g):
    with Chat(g, site="asks") as c:
        assert c.ready["lacks"] == "consent" and "by_email" not in c.ready
        assert c.msg("too early")["code"] == "denied"
        c.send(type="form", consent="2025")
        assert c.get("form")["lacks"] == "consent"
        c.send(type="form", consent="2026-11")
        assert c.get("form")["lacks"] == "email"
        assert "email" in c.msg("still too early")["detail"]
        c.send(type="form", name=" Ann\u202e ", email="Ann@Example.ORG ", phone="8 (912) 345-67-89")
        assert c.get("form") == {"type": "form"}
        assert c.msg("now")["type"] == "ack"
        token = c.ready["token"]
    api = g.login()
    client = api.get("/threads/" + thread_of(api, "now"))["client"]
    assert client["profile"]["claims"] == {"name": "Ann", "email": "Ann@example.org", "phone": "+79123456789"}
    assert client["profile"]["page"]["consent"] == "2026-11" and client["name"] == "Ann"
    with Chat(g, site="asks", token=token, page={"consent": "2026-11"}, form={"email": "ann@example.org"}) as c:
        assert "lacks" not in c.ready  # the page says it again with each hello
        assert c.msg("once more")["type"] == "ack"


@pytest.mark.parametrize("form,key", [
    ({"email": "ann"}, "email"), ({"email": "ann@host"}, "email"), ({"email": "a@b.c, d@e.f"}, "email"),
    ({"email": "a b@c.de"}, "email"), ({"email": "a@b@c.de"}, "email"), ({"phone": "call me"}, "phone"), ({"name": "\u202e\u200b"}, "name"),
    ({"email": "x" * 250 + "@c.de"}, "email"), ({"name": 5}, "name"), ({"shoe": "42"}, "shoe")])
def test_bad_form_is_refused_by_its_field(g, form, key):
    with Chat(g, site="asks") as c:
        c.send(type="form", **form)
        e = c.get("error")
        assert e["code"] in ("invalid", "too_large") and key in e["detail"], e
        c.send(type="form", email="a@b.cd")
        assert c.get("form")["lacks"] == "consent"  # the session lives


# --- the rating, and what the page tells ---


def test_rating_is_an_event_of_the_thread_once(g):
    api = g.login()

    def told(table, name):
        return next((row["rated"] for row in api.get("/reports")[table] if row["name"] == name), {"n": 0, "average": None})

    before = [told("agents", "admin")["n"], told("channels", "site")["n"], told("labels", "to be rated")["n"]]
    with Chat(g, site="site") as c:
        c.send(type="rate", cid="r0", score=5)
        assert c.get("error")["code"] == "conflict"  # of what?
        c.msg("rate me")
        thread = thread_of(api, "rate me")
        c.get("msg")
        answer(api, thread, "done")
        api.patch(f"/threads/{thread}", {"labels": ["to be rated"], "state": "closed"})
        assert c.get("state") == {"type": "state", "closed": True}
        for _ in range(2):
            c.send(type="rate", cid="r1", score=4, text="quick")
            assert c.get("noted")["cid"] == "r1"
        for bad in ({"score": 0}, {"score": 6}, {"score": 4.5}, {"score": 3, "text": "x" * 1001}):
            c.send(type="rate", cid="r2", **bad)
            assert c.get("error")["code"] in ("invalid", "too_large")
        token = c.ready["token"]
    rated = [e for e in events(api, thread) if e["type"] == "rating"]
    assert rated == [{"type": "rating", "score": 4, "of": 5, "comment": "quick", "text": "4 of 5: quick"}]
    assert api.get("/threads/" + thread)["thread"]["state"] == "closed"  # a rating opens nothing
    assert told("labels", "to be rated") == {"n": 1, "average": 4.0}  # and is counted once
    assert [told("agents", "admin")["n"], told("channels", "site")["n"], 1] == [n + 1 for n in before]
    with Chat(g, site="site", token=token) as c:
        assert c.ready["closed"] is True and "quick" not in json.dumps(c.ready)
        c.msg("and one more thing")
        assert c.get("state")["closed"] is False
    with Chat(g, site="asks", page={"consent": "2026-11"}, form={"email": "a@b.cd"}) as c:
        c.msg("not here")
        c.send(type="rate", cid="r1", score=4)
        assert c.get("error")["code"] == "unsupported"


def test_events_of_the_page(g):
    api = g.login()
    with Chat(g, site="site") as c:
        c.msg("looking around")
        thread = thread_of(api, "looking around")
        c.send(type="event", cid="e1", name="cart", data={"sum": 1200, "currency": "RUB", "new": True})
        assert c.get("noted")["cid"] == "e1"
        for bad in ({"name": " "}, {"name": "x" * 65}, {"name": "a", "data": {"deep": {}}}, {"name": "a", "data": {"s": "x" * 256}},
                    {"name": "a", "data": {str(i): i for i in range(11)}}, {"name": "a", "data": []}):
            c.send(type="event", cid="e2", **bad)
            assert c.get("error")["code"] in ("invalid", "too_large"), bad
        assert [e for e in events(api, thread) if e["type"] == "page"] == [
            {"type": "page", "name": "cart", "text": "cart", "data": {"sum": 1200, "currency": "RUB", "new": True}}]
        for i in range(70):
            c.send(type="event", cid=f"f{i}", name="scroll")
        until(lambda: c.get("error")["code"] == "too_many", why="for the ceiling")
        assert c.msg("a message still passes")["type"] == "ack"


# --- answers by e-mail ---


def test_answer_goes_by_email_in_the_same_thread(making):
    """Written while nobody was there, with an address: the answer is a mail, and what comes back to it is in the thread."""
    w = making(FakeMailbox)
    g, api = w.gateway, w.api
    with Chat(g) as c:
        assert c.ready["by_email"] is True and c.ready["online"] is False
        c.msg("is anybody there?")
        thread = thread_of(api, "is anybody there?")
        c.send(type="form", email="visitor@clients.test")
        assert c.get("form") == {"type": "form", "by_email": True}
        until(lambda: [e for e in events(api, thread) if e.get("what") == "by_email"], 10 * SLOWER, why="for the event")
        c.msg("one more question")  # the chat again, and by e-mail again, without a second event
        until(lambda: api.get("/threads/" + thread)["thread"]["channel"] == "support", 10 * SLOWER, why="for the address")
        assert len(events(api, thread)) == 1
    w.say(thread, {"text": "We are now, by e-mail"})
    mail = until(lambda: w.smtp.accepted, 20 * SLOWER, why="for the mail")[0]
    assert mail.recipients == ["visitor@clients.test"]
    assert "We are now, by e-mail" in mail.message.get_body(("plain",)).get_content()
    back = w.mail("Thank you", sender="visitor@clients.test", headers=[("In-Reply-To", mail.message["Message-ID"])])
    w.imap.add(back)
    until(lambda: "Thank you" in [t.strip() for t in texts(api.messages(thread)) if t], 20 * SLOWER, why="for the answer to it")
    identity = [i for i in api.get("/threads/" + thread)["client"]["identities"] if i["kind"] == "email"]
    assert [(i["address"], i["verified"]) for i in identity] == [("visitor@clients.test", False)]
    assert len(api.threads()) == 1
    with Chat(g, token=c.ready["token"]) as again:  # what went by e-mail is not shown to whoever has the browser
        assert texts(again.ready["messages"]) == ["is anybody there?", "one more question"]
        again.msg("back in the chat")
        assert api.get("/threads/" + thread)["thread"]["channel"] == "site"


def test_address_of_another_client_is_not_taken_over(making):
    w = making(FakeMailbox)
    w.write("I am Ann", sender="Ann <ann@example.test>")
    with Chat(w.gateway) as c:
        c.msg("I am Ann, too")
        thread = thread_of(w.api, "I am Ann, too")
        c.send(type="form", email="ann@example.test")
        assert c.get("form") == {"type": "form", "by_email": True}  # nothing is learned from it
        until(lambda: [e for e in events(w.api, thread) if e.get("what") == "email_known"], 10 * SLOWER, why="for the event")
        assert w.api.get("/threads/" + thread)["thread"]["channel"] == "site"
        assert [i["kind"] for i in w.api.get("/threads/" + thread)["client"]["identities"]] == ["visitor"]
        assert texts(c.ready["messages"]) == []


def test_while_an_agent_is_there_answers_stay_in_the_chat(making):
    w = making(FakeMailbox)
    w.gateway.agent()
    with Chat(w.gateway, form={"email": "visitor@clients.test"}) as c:
        until(lambda: c.ready["online"] or c.get("online")["on"], why="for the agent")
        c.msg("you are there")
        thread = thread_of(w.api, "you are there")
        until(lambda: [i for i in w.api.get("/threads/" + thread)["client"]["identities"] if i["kind"] == "email"],
              10 * SLOWER, why="for the address")
        assert w.api.get("/threads/" + thread)["thread"]["channel"] == "site" and not events(w.api, thread)


def test_nobody_claims_address_after_address(making):
    w = making(FakeMailbox)
    with Chat(w.gateway) as c:
        c.msg("which is mine?")
        thread = thread_of(w.api, "which is mine?")
        for i in range(20):
            c.send(type="form", email=f"a{i}@clients.test")
        until(lambda: c.get("error")["code"] == "too_many", why="for the ceiling")
        c.send(type="ping")
        c.get("pong")
        assert c.msg("it is still a chat")["type"] == "ack"
        kept = [i for i in w.api.get("/threads/" + thread)["client"]["identities"] if i["kind"] == "email"]
        assert len(kept) <= 10, kept
