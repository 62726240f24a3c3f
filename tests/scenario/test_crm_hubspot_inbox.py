"""HubSpot's inbox (custom channels): dialogues are there, operators answer there, statuses go back (crm.md 4, 8.2: 8, 9)."""
import json
import random
import time

import pytest

from fakes.hubspot import HubSpot
from fakes.telegram.users import png
from fakes.wire import Answer
from harness import CONFIG, SLOWER, until
from telegram_world import Telegram

TOKEN = "this-is-a-hook-token_1"
SECRET = "s3cret-of-the-app"
PUBLIC = "https://chat.example.org"


APP = f'client_id = "app-1"\n  client_secret = "{SECRET}"\n  refresh_token = "refresh-1"'


def section(hub, extra="", access=None):
    access = access or f'token = "{hub.token}"\n  client_secret = "{SECRET}"'
    return (f'hubspot "crm" {{{{\n  url = "{hub.url}"\n  {access}\n  allow_private = true\n  language = "en"\n'
            f'  channel = "{hub.channel}"\n  channel_account = "{hub.account}"\n  channel_address = "{hub.address}"\n'
            f'  hook_token = "{TOKEN}"\n  {extra}\n}}}}\n')


class World:
    def __init__(self, start_gateway, hub, extra="", access=None, sets=(), **kw):
        self.hub = hub
        config = section(hub, extra, access)
        own = CONFIG.replace('loopback "test" {{}}', 'loopback "test" {{ outbox = "{data}/out" }}')
        self.gateway = start_gateway(config=own + config, sets=[f"public_url={PUBLIC}", *sets], **kw)
        self.admin = self.gateway.login()
        hub.hook = f"{self.gateway.url}/hooks/hubspot/crm/{TOKEN}"

    def write(self, who, text, **kw):
        body = {"from": {"address": who, "name": who.title()}, "id": f"{who}-{random.random()}", "text": text, **kw}
        r = self.gateway.hook(body)
        assert r.status_code == 200, r.text
        return r.json()["thread"]

    def inbox(self, thread, n):
        until(lambda: len(self.hub.inbox(thread)) >= n, 30 * SLOWER, 0.05, f"for {n}; {self.hub.refused[:3]}")
        return self.hub.inbox(thread)

    def said(self, thread, n=1):
        def ours():
            return [m for m in self.admin.messages(thread) if m["direction"] == "out"]

        until(lambda: len(ours()) >= n, 20 * SLOWER, why=f"for {n}; {self.gateway.log()[-1500:]}")
        return ours()

    def status(self, id):
        return until(lambda: next((s[1:] for s in self.hub.statuses if s[0] == id), None), 20 * SLOWER,
                     why=f"for a status; {self.hub.refused[:3]}; {self.gateway.log()[-1500:]}")

    def answer(self, thread, text, id, **message):
        r = self.hub.post(self.hub.event(thread, text, id, **message))
        assert r.status_code == 200, r.text
        return id


class Chats:
    """Clients of a Telegram bot, whose messages have files, in HubSpot's inbox."""

    def __init__(self, start_gateway, hub, extra="", access=None):
        self.hub = hub
        self.tg = Telegram(start_gateway, config=CONFIG + section(hub, extra, access), sets=[f"public_url={PUBLIC}"])
        self.gateway, self.admin, self.ann = self.tg.gateway, self.tg.api, self.tg.user()

    def thread(self):
        return until(lambda: self.tg.thread_of("Ann"), 20 * SLOWER)

    def inbox(self, n, timeout=10):
        """[text, [(name, bytes) of its files]] of each message, once there are n."""
        def look():
            return self.hub.do(lambda: [(m["text"], [tuple(self.hub.files[a["fileId"]].values()) for a in m["attachments"]])
                                        for m in self.hub.messages.values()])

        until(lambda: len(look()) >= n, timeout * SLOWER, 0.05,
              f"for {n}: {look()}; {self.hub.refused[-3:]}; {self.gateway.log()[-1500:]}")
        return look()


@pytest.fixture
def chats(start_gateway):
    worlds = []

    def begin(hub, *a, **kw):
        worlds.append(Chats(start_gateway, hub, *a, **kw))
        return worlds[-1]

    yield begin
    for w in worlds:
        w.tg.close()


@pytest.fixture
def hub():
    with HubSpot() as h:
        yield h


@pytest.fixture
def world(hub, start_gateway):
    return World(start_gateway, hub)


def test_a_dialogue_is_in_the_inbox_in_order(world):
    thread = world.write("ann", "one")
    world.write("ann", "two")
    world.admin.post(f"/threads/{thread}/messages", {"id": "k1", "text": "our answer"})
    said = world.inbox(thread, 3)
    assert [(m["messageDirection"], m["text"]) for m in said] == [
        ("INCOMING", "one"), ("INCOMING", "two"), ("OUTGOING", "our answer")]
    ours = world.admin.messages(thread)
    assert [m["integrationIdempotencyId"] for m in said] == [m["id"] for m in ours]
    client = world.admin.get(f"/threads/{thread}")["thread"]["client"]
    assert said[0]["senders"] == [{"name": "Ann", "deliveryIdentifier": {
        "type": "CHANNEL_SPECIFIC_OPAQUE_ID", "value": client["id"]}}]
    assert str(said[0]["associateWithContactId"]) in world.hub.objects["contacts"] and not world.hub.objects["notes"]


def test_a_lost_answer_makes_no_second_message(world):
    lost = []

    def lose(request, answer):
        if request.path.endswith("/messages") and len(lost) < 3:
            lost.append(1)
            return Answer(200, b"", spoil=("lose", "reset", "lose")[len(lost) - 1])

    world.hub.after = lose
    thread = world.write("ann", "one")
    world.write("ann", "two")
    world.write("ann", "three")
    assert [m["text"] for m in world.inbox(thread, 3)] == ["one", "two", "three"] and len(lost) == 3


def test_an_edit_is_a_message_that_says_so(world):
    thread = world.write("ann", "question")
    sent = world.admin.post(f"/threads/{thread}/messages", {"id": "k1", "text": "anser"})["message"]
    world.inbox(thread, 2)
    until(lambda: world.admin.messages(thread)[-1]["status"] in ("sent", "delivered"), 10 * SLOWER)
    world.admin.patch(f"/messages/{sent['id']}", {"text": "answer"})
    assert "(edited)" in world.inbox(thread, 3)[2]["text"] and "answer" in world.inbox(thread, 3)[2]["text"]


def test_files_go_along(hub, start_gateway):
    w = World(start_gateway, hub, "notes = true")
    thread = w.write("ann", "hello")
    w.inbox(thread, 1)
    media = w.admin.post("/media", None, params={"name": "a.txt"}, data=b"hello")["media"]["id"]
    w.admin.post(f"/threads/{thread}/messages", {"id": "k1", "text": "see", "note": True, "attachments": [media]})
    until(lambda: hub.objects["notes"], 20 * SLOWER)  # between us: a note on the contact, and not in the inbox
    note = next(iter(hub.objects["notes"].values()))["properties"]
    assert hub.files[note["hs_attachment_ids"]]["data"] == b"hello" and len(w.hub.inbox(thread)) == 1


def test_a_file_that_comes_after_its_message(chats, hub):
    """Telegram's are fetched later; it comes once, whatever else happens to its message."""
    w = chats(hub)
    w.ann.text("hello?")
    w.inbox(1)
    w.tg.fake.fault("500", method="getFile", times=2)
    photo = w.ann.photo(png(), caption="see")
    said = w.inbox(3)
    assert said[1] == ("see", []) and said[2][0] == "" and [data for _, data in said[2][1]] == [png()]
    w.ann.react(photo, "👍")
    w.ann.text("and?")
    assert w.inbox(4)[3] == ("and?", []) and len(hub.files) == 1
    w.ann.edit(photo, caption="look")
    said = w.inbox(5)
    assert "(edited)" in said[4][0] and "look" in said[4][0] and [data for _, data in said[4][1]] == [png()]
    w.ann.react(photo, "👎")
    w.ann.text("end")
    assert [text for text, _ in w.inbox(6)][2:] == ["", "and?", said[4][0], "end"] and len(hub.files) == 2
    ours = w.tg.messages()
    assert [key for key in hub.messages if key.startswith(ours[1]["id"])] == [
        ours[1]["id"], ours[1]["id"] + "+0", f"{ours[1]['id']}-{ours[1]['edited_at']}"]


def test_a_lost_answer_of_a_message_whose_file_comes_later(chats, hub):
    """The second try has the file, what HubSpot holds under its key has not: the file comes by itself then."""
    w = chats(hub)
    w.ann.text("hello?")
    w.inbox(1)
    lost = []

    def is_it(request):
        return request.path.endswith("/messages") and b'"see"' in request.body

    def lose(request, answer):
        if is_it(request) and not lost:
            lost.append(1)
            w.tg.fake.do(w.tg.fake.faults.rules.clear)
            return Answer(200, b"", spoil="lose")
        return None

    hub.before = lambda request: Answer(503, {}) if is_it(request) and lost and not hub.files else None
    hub.after = lose
    w.tg.fake.fault("500", method="getFile", times=100)
    w.ann.photo(png(), caption="see")
    said = w.inbox(3, 20)
    assert said[1] == ("see", []) and [data for _, data in said[2][1]] == [png()] and lost
    assert any(is_it(request) and b"fileId" in request.body for _, request in hub.calls)


def test_a_late_file_that_hubspot_refuses_is_a_link(chats, hub):
    w = chats(hub, 'file_max = "10"')
    w.ann.text("hello?")
    w.inbox(1)
    w.tg.fake.fault("500", method="getFile", times=2)
    w.ann.photo(png(), caption="see")
    said = w.inbox(3)
    assert said[1] == ("see", []) and f"{PUBLIC}/" in said[2][0] and not said[2][1] and not hub.files
    w.ann.text("end")
    assert w.inbox(4)[3] == ("end", []) and not w.admin.get("/dead")["dead"]


def test_an_operator_s_answer_reaches_the_client_once(world):
    thread = world.write("ann", "hello?")
    world.inbox(thread, 1)
    for _ in range(3):
        world.answer(thread, "an answer", "h1")
    [m] = world.said(thread)
    assert m["text"] == "an answer" and m["from"] == {"kind": "crm", "name": "Ivan Petrov"}
    assert m["origin"] == {"target": "crm", "id": "h1"} and world.status("h1") == ("SENT", "")
    world.write("ann", "thanks")
    assert [x["text"] for x in world.inbox(thread, 2)] == ["hello?", "thanks"] and len(world.said(thread)) == 1


def test_a_list_of_events_and_those_that_are_none(world):
    hub, thread = world.hub, world.write("ann", "hello?")
    world.inbox(thread, 1)
    other = dict(hub.event(thread, "for another channel", "h8"), channelId="78")
    ours = hub.event(thread, "posted by us", "h9", client={"clientType": "INTEGRATION", "integrationAppId": 1})
    r = hub.post([hub.event(thread, "one", "h1"), {"type": "CHANNEL_ACCOUNT_CREATED"}, other, ours,
                  hub.event(thread, "", "h2", richText="<p>two &amp; <b>three</b></p>")])
    assert r.status_code == 200
    assert [m["text"] for m in world.said(thread, 2)] == ["one", "two & three"]


def test_an_operator_s_pictures_reach_the_client(chats, hub):
    """They may be nowhere but in the rich text; what is among the files, too, is sent once."""
    w = chats(hub)
    w.ann.text("hello?")
    w.inbox(1)
    hub.hook = f"{w.gateway.url}/hooks/hubspot/crm/{TOKEN}"
    hub.files |= {"9": {"name": "a.png", "data": png()}, "10": {"name": "b.png", "data": png(9, 9)}}
    one, two = (f"{hub.url}/public/{n}" for n in (9, 10))
    rich = f'<p>see</p><img alt="1 > 0" src="{one}?a=1&amp;b=2"><img src="{two}">'
    assert hub.post(hub.event(w.thread(), "see", "h1", richText=rich, attachments=[
        {"type": "FILE", "fileId": "10", "name": "b.png", "url": two}])).status_code == 200
    assert hub.post(hub.event(w.thread(), "", "h2", richText=f'<img src="{one}">')).status_code == 200

    def files():
        return [[w.admin.ask("GET", f"/media/{a['id']}").content for a in m.get("attachments", [])]
                for m in w.tg.messages() if m["direction"] == "out" and m["status"] in ("sent", "delivered", "read")]

    until(lambda: len(files()) == 2, 10 * SLOWER, why=f"{w.tg.messages()}\n{w.gateway.log()[-1500:]}")
    assert files() == [[png(9, 9), png()], [png()]]
    until(lambda: {s[:2] for s in hub.statuses} == {("h1", "SENT"), ("h2", "SENT")}, 10 * SLOWER, why=str(hub.statuses))


def test_what_of_an_answer_cannot_be_sent_is_no_half_answer(hub, start_gateway):
    """Its writer learns that it did not go: it is not cut, and nothing of it left out."""
    world = World(start_gateway, hub, sets=["agents.text_max=65536"])
    thread = world.write("ann", "hello?")
    world.inbox(thread, 1)
    files = [{"type": "FILE", "fileId": str(n), "url": f"{world.hub.url}/public/{n}"} for n in range(21)]
    for id, text, more, why in (("h1", "x" * 70000, {}, "longer"), ("h2", "a", {"attachments": files}, "more than 20"),
                                ("h3", "a", {"attachments": [{"type": "FILE", "fileId": "9"}]}, "no address"),
                                ("h4", "a", {"richText": '<img src="data:image/png;base64,AA==">'}, "no address")):
        world.answer(thread, text, id, **more)
        assert world.status(id)[0] == "FAILED" and why in world.status(id)[1], world.status(id)
    world.answer(thread, "я" * 30000, "h5")
    assert [m["text"] for m in world.said(thread)] == ["я" * 30000] and world.status("h5") == ("SENT", "")


def test_a_known_agent_answers(hub, start_gateway):
    w = World(start_gateway, hub, 'users = {{"admin=A-9"}}')
    thread = w.write("ann", "hello?")
    w.answer(thread, "an answer", "h1")
    assert w.said(thread)[0]["from"]["agent"] == "admin"


def test_what_cannot_be_sent_is_told_to_who_wrote_it(world):
    assert world.hub.post(world.hub.event(None, "who are you?", "h1")).status_code == 200
    state, why = world.status("h1")
    assert state == "FAILED" and "not begun by the gateway" in why
    thread = world.write("ann", "hello?")
    world.hub.files["9"] = {"name": "a.txt", "data": b"hello"}
    world.answer(thread, "a file", "h2", attachments=[{"type": "FILE", "fileId": "9", "name": "a.txt",
                                                       "url": f"{world.hub.url}/public/9"}])
    state, why = world.status("h2")
    assert state == "FAILED" and "attachments" in why


def test_only_hubspot_may_post(hub, start_gateway):
    w = World(start_gateway, hub)
    thread = w.write("ann", "hello?")
    good, uri = hub.event(thread, "signed", "h1"), f"{PUBLIC}/hooks/hubspot/crm/{TOKEN}"
    assert hub.post(good, SECRET, uri).status_code == 200
    now = int(time.time() * 1000)
    assert hub.post(good, "another", uri).status_code == 401
    assert hub.post(good, SECRET, uri + "x").status_code == 401
    assert hub.post(good, SECRET, uri, at=now - 400000).status_code == 401
    assert hub.post(good, SECRET, uri, at=now + 400000).status_code == 401
    hook = hub.hook
    for wrong in (hook[:-1], hook + "1", hook[:-1] + "2", hook.rsplit("/", 1)[0]):
        hub.hook = wrong
        assert hub.post(good).status_code == 401, wrong
    assert [m["text"] for m in w.said(thread)] == ["signed"] and TOKEN not in w.gateway.log()


def test_signed_only(hub, start_gateway):
    w = World(start_gateway, hub, "signed_only = true")
    thread = w.write("ann", "hello?")
    assert hub.post(hub.event(thread, "bare", "h1")).status_code == 401
    assert hub.post(hub.event(thread, "signed", "h2"), SECRET, f"{PUBLIC}/hooks/hubspot/crm/{TOKEN}").status_code == 200
    assert [m["text"] for m in w.said(thread)] == ["signed"]


@pytest.mark.parametrize("body,status", [(b"", 400), (b"{", 400), (b"7", 400), (b"[7]", 400), (b"[" * 100000, 400),
                                         (b"x" * (1 << 20), 413), (json.dumps([{}] * 101).encode(), 400), (b"{}", 200)],
                         ids=["empty", "cut", "number", "numbers", "deep", "large", "many", "none"])
def test_bad_bodies(world, body, status):
    assert world.hub.post(body).status_code == status


def test_a_public_app_renews_its_token(start_gateway):
    with HubSpot() as hub:
        hub.app = ("app-1", SECRET, "refresh-1")
        w = World(start_gateway, hub, access=APP)
        thread = w.write("ann", "0")
        w.inbox(thread, 1)
        for n in range(1, 4):
            hub.do(setattr, hub, "token", "over")
            w.write("ann", str(n))
            assert [m["text"] for m in w.inbox(thread, n + 1)] == [str(k) for k in range(n + 1)]
        assert not w.admin.get("/dead")["dead"] and "crm.refused" not in w.gateway.log()
        for secret in (SECRET, "refresh-1", "access-"):
            assert secret not in w.gateway.log()


def test_a_file_meets_a_token_s_end(chats):
    """It may be the first thing that is asked for with it, and the first after a start."""
    with HubSpot() as hub:
        hub.app = ("app-1", SECRET, "refresh-1")
        w = chats(hub, access=APP)
        w.ann.text("hello?")
        w.inbox(1)
        for n in (2, 3):
            media = w.tg.upload(f"{n}.txt", b"%d" % n)
            if n == 2:
                hub.do(setattr, hub, "token", "over")
            else:
                w.gateway.restart()
                w.admin = w.tg.api = w.gateway.login()
            w.admin.post(f"/threads/{w.thread()}/messages", {"id": f"k{n}", "text": f"see {n}", "attachments": [media]})
            assert w.inbox(n)[n - 1] == (f"see {n}", [(f"{n}.txt", b"%d" % n)])
        assert hub.issued == 3 and not w.admin.get("/dead")["dead"] and "crm.refused" not in w.gateway.log()


def test_a_file_that_no_token_opens_makes_all_wait(chats):
    """HubSpot refuses its new tokens, too: admins are told, and it is not asked for tokens for ever."""
    with HubSpot() as hub:
        hub.app = ("app-1", SECRET, "refresh-1")
        w = chats(hub, access=APP)
        w.ann.text("hello?")
        w.inbox(1)
        hub.before = lambda request: Answer(401, {"status": "error", "category": "INVALID_AUTHENTICATION", "message": "no"}) \
            if request.path.startswith("/files/") else None
        media = w.tg.upload("a.txt", b"a")
        w.admin.post(f"/threads/{w.thread()}/messages", {"id": "k1", "text": "see", "attachments": [media]})
        until(lambda: "event=crm.refused" in w.gateway.log(), 10 * SLOWER, why=w.gateway.log()[-1500:])
        assert hub.issued == 2
        hub.before = None
        assert w.inbox(2, 60)[1] == ("see", [("a.txt", b"a")])


def test_an_app_that_was_removed_makes_all_wait(start_gateway):
    with HubSpot() as hub:
        hub.app = ("app-1", SECRET, "refresh-1")
        w = World(start_gateway, hub, access=f'client_id = "app-1"\n  client_secret = "{SECRET}"\n  refresh_token = "gone"')
        thread = w.write("ann", "hello")
        until(lambda: "event=crm.refused" in w.gateway.log() and "install the app anew" in w.gateway.log(), 20 * SLOWER)
        hub.do(setattr, hub, "app", ("app-1", SECRET, "gone"))
        w.inbox(thread, 1)


def test_what_the_channel_refuses_is_told_back(world):
    thread = world.write("ann", "hello?")
    world.answer(thread, "!reject", "h1")
    state, why = world.status("h1")
    assert state == "FAILED" and why
