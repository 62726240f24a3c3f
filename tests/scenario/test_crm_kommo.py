"""Kommo: what is its own. Notes: fields, leads, pace, a blocked address. Chats: signed, in order, once, and back."""
import json
import time

import pytest

from crm_target_kommo import KommoTarget
from crm_world import CrmWorld
from fakes.kommo import amojo
from fakes.wire import Answer
from harness import CONFIG, SLOWER, until
from test_crm_contract import own, number, texts


@pytest.fixture
def target():
    t = KommoTarget()
    yield t
    t.close()


class World(CrmWorld):
    def __init__(self, target, gateway):
        super().__init__(target.server, gateway)
        self.target = target
        self.chats = self.fake.amojo
        self.chats.hook = f"{gateway.url}/hooks/kommo/crm"

    def said(self, thread, n, timeout=30):
        """The texts in the chat, once there are n."""
        def look():
            return self.fake.do(lambda: [m["message"].get("text") for m in self.chats.of(thread)])
        until(lambda: len(look()) >= n, timeout * SLOWER, 0.05, f"for {n} messages; refused: {self.fake.refused[-3:]};\n"
              f"{self.gateway.log()[-1500:]}")
        return look()

    def out(self, thread, n, status=("sent", "delivered", "read")):
        """Our side's messages in the gateway, once there are n with such a status."""
        def look():
            return [m for m in self.admin.messages(thread) if m["direction"] == "out"]
        return until(lambda: len(look()) == n and all(m["status"] in status for m in look()) and look(), 20 * SLOWER,
                     why=f"{self.chats.statuses}; {self.gateway.log()[-1500:]}")

    def sent(self):
        path = self.gateway.data / "out"
        return [json.loads(line)["text"] for line in path.read_text().splitlines()] if path.exists() else []

    def wait_status(self, id, code):
        return until(lambda: [s for s in self.chats.statuses if s[:2] == (id, code)], 20 * SLOWER,
                     why=f"{self.chats.statuses}; {self.gateway.log()[-1500:]}")[0]

    def no_complaints(self):
        assert not self.fake.refused and not self.admin.get("/dead")["dead"], self.fake.refused[:3]


@pytest.fixture
def world(target, start_gateway):
    def begin(extra="", **kw):
        return World(target, start_gateway(config=CONFIG + target.section(extra), **kw))
    return begin


@pytest.fixture
def chat(target, start_gateway):
    config = CONFIG.replace('loopback "test" {{}}', 'loopback "test" {{ outbox = "{data}/out" }}')
    return World(target, start_gateway(config=config + target.section(target.chat()),
                                       sets=["public_url=https://chat.example.org"]))


# --- notes ---


def test_a_new_contact_has_its_fields_and_a_lead(world):
    w, mine = world("leads = true\n  responsible = 18\n  pipeline = 5"), number()
    thread = w.write(mine, "hello", kind="phone", verified=True)
    card = w.card(thread)
    contact = w.fake.crm.contacts[int(card)]
    assert contact["fields"]["PHONE"] == [mine] and contact["responsible_user_id"] == 18
    assert contact["fields"]["SWITCHBOARD"][0].startswith("switchboard:01")
    leads = list(w.fake.crm.leads.values())
    assert len(leads) == 1 and leads[0]["contacts"] == [int(card)] and leads[0]["responsible_user_id"] == 18
    assert leads[0]["pipeline_id"] == 5
    w.write(mine, "again", kind="phone", verified=True)
    until(lambda: len(w.target.history(card)) == 2, 20 * SLOWER)
    assert len(w.fake.crm.leads) == 1
    w.no_complaints()


def test_what_an_admin_wants_of_new_ones(world, target):
    """A required field of the account's, and whence a client comes."""
    target.server.crm.requires = {"POSITION"}
    w = world('leads = true\n  contact_fields = {{"POSITION=Chat {{name}}", "90={{profile.nothing}}"}}\n'
              '  lead_fields = {{"90=site"}}')
    card = w.card(w.write("ann", "hello"))
    assert target.server.crm.contacts[int(card)]["fields"]["POSITION"] == ["Chat Ann"]
    assert "UTM_SOURCE" not in target.server.crm.contacts[int(card)]["fields"]
    assert [lead["fields"] for lead in target.server.crm.leads.values()] == [{"UTM_SOURCE": ["site"]}]
    w.no_complaints()


def test_whoever_looks_at_the_panel_makes_no_lead(world):
    w = world("leads = true")
    thread = w.write(own("ann"), "hello")
    card = w.card(thread)
    until(lambda: w.target.history(card), 20 * SLOWER)
    w.fake.do(w.fake.crm.leads.clear)
    client = w.admin.get(f"/threads/{thread}")["thread"]["client"]["id"]
    looked = len(w.fake.calls)
    until(lambda: w.admin.get(f"/clients/{client}") and any(
        r.path == f"/api/v4/contacts/{card}" for _, r in w.fake.calls[looked:]), 20 * SLOWER)
    assert not w.fake.crm.leads
    w.no_complaints()


def test_a_lost_lead_is_made_once(world, target):
    lost = []

    def lose(request, answer):
        if request.path == "/api/v4/leads" and not lost:
            lost.append(1)
            return Answer(200, b"", spoil="lose")

    target.server.after = lose
    w = world("leads = true")
    card = w.card(w.write(own("ann"), "hello"))
    until(lambda: w.target.history(card), 30 * SLOWER)
    assert lost and len(w.fake.crm.leads) == 1 and len(w.target.cards()) == 1


def test_what_people_typed_stays_beside_what_is_added(world, target):
    mine = number()
    typed = f"8 ({mine[2:5]}) {mine[5:8]}-{mine[8:10]}-{mine[10:]}"
    there = target.add_card("Old friend", ("phone", typed), ("phone", "+7 495 000-00-00"), ("email", "old@example.org"))
    w = world()
    thread = w.write(mine, "hello", kind="phone", verified=True)
    assert w.card(thread) == there
    client = w.admin.get(f"/threads/{thread}")["thread"]["client"]["id"]
    w.admin.patch(f"/clients/{client}", {"email": "new@example.org"})
    fields = target.server.crm.contacts[int(there)]["fields"]
    until(lambda: fields["EMAIL"] == ["old@example.org", "new@example.org"], 20 * SLOWER, why=str(fields))
    assert fields["PHONE"] == [typed, "+7 495 000-00-00"]
    w.no_complaints()


def test_the_field_may_be_named_by_its_id(target, start_gateway):
    section = target.section().replace('"SWITCHBOARD"', '"77"')
    w = World(target, start_gateway(config=CONFIG + section))
    who = own("ann")
    card = w.card(w.write(who, "hello"))
    assert ("other", f"loopback:{who}") in target.ways(card)


def test_a_required_field_is_said_in_their_words(world, target):
    target.server.crm.requires = {"EMAIL"}
    w = world()
    w.write(own("ann"), "hello")
    dead = until(lambda: w.admin.get("/dead")["dead"], 20 * SLOWER)
    assert "EMAIL must be filled" in dead[0]["error"]["text"]
    target.server.crm.requires = set()
    w.gateway.cli("dead", "retry", dead[0]["id"])
    until(lambda: target.cards(), 20 * SLOWER)


@pytest.mark.parametrize("status", [400, 404])
def test_a_note_for_a_contact_that_is_gone(world, target, status):
    """Nobody has written how it is refused: whatever it is, a look tells."""
    target.server.missing_note = status
    w, who = world(), own("ann")
    thread = w.write(who, "one")
    card = w.card(thread)
    until(lambda: target.history(card), 20 * SLOWER)
    target.delete_card(card)
    w.write(who, "two")
    until(lambda: w.card(thread) != card, 30 * SLOWER)
    until(lambda: texts(target.history(w.card(thread))) == ["two"], 20 * SLOWER)


def test_no_quicker_than_it_may_be(target, start_gateway):
    """Seven requests a second of all workers: the fake counts, and nothing is refused."""
    target.server.rate = 7
    section = target.section().replace("per_second = 1000", "per_second = 6")
    w = World(target, start_gateway(config=CONFIG + section))
    who = own("ann")
    for n in range(12):
        w.write(who, str(n))
    card = w.card(w.write(who, "12"))
    until(lambda: len(target.history(card)) == 13, 60 * SLOWER)
    assert sum(1 for r in w.fake.refused if r[2] == 429) <= 1, w.fake.refused


def test_a_blocked_address_is_left_alone_for_an_hour(world, target):
    w, who = world(), own("ann")
    card = w.card(w.write(who, "one"))
    until(lambda: target.history(card), 20 * SLOWER)
    target.server.blocked = True
    for n in range(5):
        w.write(who, str(n))
    until(lambda: "event=kommo.blocked" in w.gateway.log(), 20 * SLOWER)
    calls = len(w.fake.calls)
    assert calls and "event=crm.refused" in until(w.gateway.log)
    time.sleep(3)  # what would be asked, would be asked now
    assert len(w.fake.calls) - calls <= 2 and not w.admin.get("/dead")["dead"]
    target.server.blocked = False
    w.gateway.restart()  # a person may know better
    until(lambda: len(target.history(card)) == 6, 30 * SLOWER)


def test_what_may_not_be_done_is_no_block(world, target):
    w, who = world(), own("ann")
    card = w.card(w.write(who, "one"))
    until(lambda: target.history(card), 20 * SLOWER)
    target.server.before = lambda r: (Answer(403, {"title": "Forbidden", "status": 403, "detail": "No rights for this"})
                                      if target.is_write(r) else None)
    w.write(who, "two")
    dead = until(lambda: w.admin.get("/dead")["dead"], 20 * SLOWER)
    assert "No rights for this" in dead[0]["error"]["text"] and "kommo.blocked" not in w.gateway.log()
    target.server.before = None
    w.write(who, "three")
    until(lambda: texts(target.history(card)) == ["one", "three"], 20 * SLOWER)


def test_the_responsible_follows_the_assignee(target, start_gateway):
    w = World(target, start_gateway(config=CONFIG + target.section('users = {{"bob=18"}}')))
    w.gateway.add_user("bob")
    thread = w.write(own("ann"), "hello")
    card = w.card(thread)
    w.admin.patch(f"/threads/{thread}", {"assignee": "bob"})
    until(lambda: w.fake.crm.contacts[int(card)]["responsible_user_id"] == 18, 20 * SLOWER)


@pytest.mark.parametrize("extra,words", [
    ('mode = "chat"', "channel_id, channel_secret and bot_id"), 
    ("channel", "channel_id is no id")])
def test_settings_that_cannot_be(target, start_gateway, extra, words):
    extra = target.chat(channel="a/b") if extra == "channel" else extra
    gateway = start_gateway(config=CONFIG + target.section(extra), wait=False)
    until(lambda: words in gateway.log(), 20 * SLOWER)


# --- OAuth2 ---


@pytest.fixture
def oauth(target, start_gateway):
    first = target.server.oauth.add("the-id", "the-secret", "https://chat.example.org/")
    target.server.tokens.clear()
    section = target.section('client_id = "the-id"\n  client_secret = "the-secret"\n  redirect_uri = '
                             f'"https://chat.example.org/"\n  refresh_token = "{first}"')
    section = section.replace(f'token = "{target.server.TOKEN}"\n', 'token = ""\n')
    return World(target, start_gateway(config=CONFIG + section))


def test_one_token_for_all_workers_that_is_renewed_once(oauth):
    people = [own("c") for _ in range(6)]
    threads = {p: oauth.write(p, "0") for p in people}
    cards = {p: oauth.card(t) for p, t in threads.items()}
    assert oauth.fake.oauth.asked == 1
    for n in range(1, 4):
        oauth.fake.do(oauth.fake.oauth.expire)
        for p in people:
            oauth.write(p, str(n))
        for p in people:
            until(lambda: texts(oauth.target.history(cards[p])) == [str(i) for i in range(n + 1)], 30 * SLOWER, 0.1,
                  oauth.gateway.log()[-1500:])
        assert oauth.fake.oauth.asked == n + 1
    oauth.gateway.restart()
    oauth.write(people[0], "4")
    until(lambda: len(oauth.target.history(cards[people[0]])) == 5, 20 * SLOWER)
    assert oauth.fake.oauth.asked == 4 and not oauth.admin.get("/dead")["dead"]
    for secret in ("the-secret", "def502-", "eyJ0-"):
        assert secret not in oauth.gateway.log()


def test_a_command_signs_in_with_what_the_workers_keep(oauth):
    card = oauth.card(oauth.write(own("ann"), "0"))
    until(lambda: oauth.target.history(card), 20 * SLOWER)
    until(lambda: oauth.gateway.cli("crm", "verify", "crm", check=False).returncode == 0, 30 * SLOWER, 0.2)
    assert oauth.fake.oauth.asked == 1
    oauth.fake.do(oauth.fake.oauth.expire)
    until(lambda: oauth.gateway.cli("crm", "verify", "crm", check=False).returncode == 0, 30 * SLOWER, 0.2)
    assert oauth.fake.oauth.asked == 2
    oauth.write(own("bob"), "1")
    until(lambda: len(oauth.target.cards()) == 2, 20 * SLOWER)
    assert oauth.fake.oauth.asked == 2


def test_an_integration_that_was_taken_away_makes_all_wait(oauth):
    who = own("ann")
    card = oauth.card(oauth.write(who, "0"))
    until(lambda: oauth.target.history(card), 20 * SLOWER)
    oauth.fake.do(oauth.fake.oauth.expire)
    oauth.fake.oauth.refresh.clear()
    oauth.write(who, "1")
    until(lambda: "event=crm.refused" in oauth.gateway.log() and "Token has been revoked" in oauth.gateway.log(),
          20 * SLOWER)
    assert not oauth.admin.get("/dead")["dead"]


# --- chats ---


def test_a_dialogue_is_a_chat_of_the_contact(chat):
    who = own("ann")
    thread = chat.write(who, "Где заказ?")
    card = chat.card(thread)
    for n in range(4):
        chat.write(who, str(n))
    chat.admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "Едет"})
    assert chat.said(thread, 6) == ["Где заказ?", "0", "1", "2", "3", "Едет"]
    messages = chat.fake.do(lambda: chat.chats.of(thread))
    first, last = messages[0], messages[5]
    assert first["sender"]["name"] == who.title() and "receiver" not in first and not first["silent"]
    assert last["sender"]["ref_id"] == amojo.OPERATOR and last["receiver"]["id"] == first["sender"]["id"] and last["silent"]
    assert chat.fake.crm.links == {chat.chats.by_ours[thread]: int(card)}
    assert not chat.chats.unsorted  # the chat was linked before its first message
    assert not chat.target.history(card)
    chat.no_complaints()


def test_a_note_stays_among_the_staff(chat):
    """In a chat it would go to the client."""
    thread = chat.write(own("ann"), "hello")
    chat.said(thread, 1)
    chat.admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "between us", "note": True})
    chat.write(own("bob"), "x")
    chat.admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "to you"})
    assert chat.said(thread, 2) == ["hello", "to you"]


def test_an_edit_changes_the_message(chat):
    thread = chat.write(own("ann"), "hello")
    sent = chat.admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "anser"})["message"]
    chat.said(thread, 2)
    until(lambda: chat.admin.messages(thread)[-1]["status"] in ("sent", "delivered"), 10 * SLOWER)
    chat.admin.patch(f"/messages/{sent['id']}", {"text": "answer"})
    until(lambda: chat.said(thread, 2) == ["hello", "answer"], 20 * SLOWER)
    chat.no_complaints()


def test_what_became_of_an_agent_s_message_is_told(chat):
    thread = chat.write(own("ann"), "hello?")
    for text in ("going", "!reject"):
        chat.admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": text})
    assert chat.said(thread, 3)[1:] == ["going", "!reject"]
    going, refused = chat.fake.do(lambda: chat.chats.of(thread))[1:]
    assert chat.wait_status(refused["id"], -1)[2] == 905
    seq = next(m["seq"] for m in chat.admin.messages(thread) if m["text"] == "going")
    chat.gateway.hook({"thread": thread, "seq": seq, "status": "read"}, channel="test/receipt")
    chat.wait_status(going["id"], 2)
    assert not chat.fake.refused


def test_a_message_taken_back_says_so(chat):
    thread = chat.write(own("ann"), "hello?")
    sent = chat.admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "a secret"})["message"]
    chat.said(thread, 2)
    until(lambda: chat.admin.messages(thread)[-1]["status"] in ("sent", "delivered"), 10 * SLOWER)
    chat.admin.ask("DELETE", f"/messages/{sent['id']}")
    until(lambda: chat.said(thread, 2)[1] == "(taken back)\na secret", 20 * SLOWER, why=str(chat.said(thread, 2)))


def test_long_texts_are_several_messages(chat):
    text = " ".join(f"слово{n}" for n in range(2500))
    thread = chat.write(own("ann"), text)
    pieces = chat.said(thread, 4)
    whole = " ".join(pieces)
    assert all(len(p.encode()) <= 10000 for p in pieces) and all(f"слово{n}" in whole for n in range(2500))


def test_a_message_is_there_once_though_answers_are_lost(chat):
    lost, who = [], own("ann")

    def lose(request, answer):
        if request.path.startswith("/v2/") and len(lost) < 4:
            lost.append(1)
            return Answer(200, b"", spoil=("lose", "reset", "lose", "reset")[len(lost) - 1])

    chat.fake.after = lose
    thread = chat.write(who, "one")
    for t in ("two", "three"):
        chat.write(who, t)
    assert chat.said(thread, 3, 60) == ["one", "two", "three"] and len(lost) == 4


def test_a_connection_that_is_gone_is_made_anew(chat):
    who = own("ann")
    thread = chat.write(who, "one")
    chat.said(thread, 1)
    chat.fake.do(chat.chats.uninstall)
    chat.write(who, "two")
    assert chat.said(thread, 2) == ["one", "two"] and chat.chats.connects >= 2
    assert not chat.admin.get("/dead")["dead"]


def test_a_wrong_secret_makes_all_wait(target, start_gateway):
    section = target.section(target.chat()).replace(amojo.SECRET, "wrong")
    w = World(target, start_gateway(config=CONFIG + section))
    thread = w.write(own("ann"), "one")
    until(lambda: "refuses channel_secret" in w.gateway.log(), 20 * SLOWER)
    assert "event=crm.refused" in w.gateway.log() and not w.chats.of(thread) and not w.admin.get("/dead")["dead"]


def test_a_card_that_is_gone_gets_the_chat_anew(chat):
    who = own("ann")
    thread = chat.write(who, "one")
    card = chat.card(thread)
    chat.said(thread, 1)
    chat.target.delete_card(card)
    chat.gateway.restart()  # the workers forget which chats are linked
    chat.write(who, "two")
    assert chat.said(thread, 2) == ["one", "two"]
    other = chat.card(thread)
    assert other != card and chat.fake.crm.links[chat.chats.by_ours[thread]] == int(other)


# --- and back ---


def test_an_operator_s_answer_reaches_the_client(chat):
    thread = chat.write(own("ann"), "hello?")
    chat.said(thread, 1)
    status, id = chat.fake.say(thread, "Здравствуйте!", sender="somebody-else")
    assert status == 200
    [m] = chat.out(thread, 1)
    assert m["text"] == "Здравствуйте!" and m["from"] == {"kind": "crm", "name": "Olga"} and chat.sent() == ["Здравствуйте!"]
    receipt = {"thread": thread, "seq": m["seq"], "status": "delivered"}
    chat.gateway.hook(receipt, channel="test/receipt")
    chat.wait_status(id, 1)
    chat.gateway.hook({**receipt, "status": "read"}, channel="test/receipt")
    chat.wait_status(id, 2)
    chat.write(own("bob"), "x")
    assert len(chat.said(thread, 2)) == 2  # his own message, told by him, is no second one
    chat.no_complaints()


def test_an_operator_who_is_an_agent_of_ours(chat):
    thread = chat.write(own("ann"), "hello?")
    chat.said(thread, 1)
    chat.fake.say(thread, "one")
    [m] = chat.out(thread, 1)
    assert m["from"]["agent"] == "admin"


def test_a_file_comes_along(chat):
    visitor = chat.gateway.visitor()
    thread = visitor.say_and_wait("hello?") and chat.admin.threads()[0]["id"]
    chat.said(thread, 1)
    chat.fake.before = lambda r: Answer(200, b"a file of theirs", type="text/plain") if r.path == "/a.txt" else None
    chat.fake.say(thread, "see", kind="file", media=f"{chat.fake.url}/a.txt", file_name="счёт.txt", file_size=16)
    [m] = chat.out(thread, 1)
    [file] = m["attachments"]
    assert file["name"] == "счёт.txt" and m["text"] == "see"
    assert chat.admin.ask("GET", f"/media/{file['id']}").content == b"a file of theirs"
    _, id = chat.fake.say(thread, "", kind="file", media=f"{chat.fake.url}/gone", file_name="x", file_size=1)
    assert "the file could not be had" in chat.wait_status(id, -1)[3]


def test_what_cannot_be_sent_is_told_to_whoever_wrote_it(chat):
    thread = chat.write(own("ann"), "hello?")
    chat.said(thread, 1)
    _, refused = chat.fake.say(thread, "!reject")
    assert chat.wait_status(refused, -1)[2] == 905
    for conversation in ("", "01JDFX3T5KABCDEFGHJKMNPQRS", "nonsense"):
        _, id = chat.fake.say(conversation, "anybody?")
        assert chat.wait_status(id, -1)[2] == 904
    assert len(chat.admin.get("/dead")["dead"]) == 1  # the channel's, of what it refused


def test_the_same_hook_twice_is_one_message(chat):
    thread = chat.write(own("ann"), "hello?")
    chat.said(thread, 1)
    id, body = amojo.hook_body(chat.fake, thread, "once")
    raw = json.dumps(body).encode()
    assert [amojo.post(chat.fake, raw) for _ in range(3)] == [200] * 3
    chat.fake.say(thread, "the last")
    assert [m["text"] for m in chat.out(thread, 2)] == ["once", "the last"] and chat.sent() == ["once", "the last"]


def test_hooks_of_strangers_and_nonsense(chat):
    thread = chat.write(own("ann"), "hello?")
    chat.said(thread, 1)
    _, body = amojo.hook_body(chat.fake, thread, "not theirs")
    raw = json.dumps(body).encode()
    for signature in ("", "0" * 40, "A" * 40, amojo.sign("POST", "", "", "", "")):
        assert amojo.post(chat.fake, raw, signature) == 401
    for bad, status in ((b"", 400), (b"[]", 400), (b"{", 400), (b"\xff", 400), (b"a=b&c=d", 400),
                        (b'{"message":{"message":{}}}', 400), (b'{"account_id":"x","action":{"typing":{}}}', 200),
                        (json.dumps({"x": "x" * (1 << 20)}).encode(), 413)):
        assert amojo.post(chat.fake, bad) == status, bad[:40]
    other = {**body, "account_id": "another"}
    assert amojo.post(chat.fake, json.dumps(other).encode()) == 200
    chat.fake.say(thread, "the last")
    assert [m["text"] for m in chat.out(thread, 1)] == ["the last"]


def test_no_hook_is_lost_with_the_workers(chat):
    """F02: it comes once; what was answered with 200 is sent, whoever dies."""
    thread = chat.write(own("ann"), "hello?")
    chat.said(thread, 1)
    told = []
    for n in range(20):
        status, _ = chat.fake.say(thread, str(n))
        told += [str(n)] if status == 200 else []
        if n in (6, 13):
            chat.gateway.kill_worker(index=n % 2)
            until(lambda: len(chat.gateway.worker_pids()) == 2, 10 * SLOWER)
    assert len(told) >= 15
    chat.admin = chat.gateway.login()

    def texts_of_ours():
        return [m["text"] for m in chat.admin.messages(thread) if m["direction"] == "out"
                and m["status"] in ("sent", "unknown")]
    until(lambda: [t for t in texts_of_ours() if t in told] == told, 60 * SLOWER, 0.1, chat.gateway.log()[-1500:])
    assert len(chat.sent()) == len(set(chat.sent()))


def test_what_was_written_while_the_gateway_was_away(chat):
    """Their hook comes once: with the next message of the dialogue what nobody took is taken, and what was taken is not."""
    who = own("ann")
    thread = chat.write(who, "hello?")
    chat.said(thread, 1)
    chat.fake.say(thread, "before")
    chat.out(thread, 1)
    chat.gateway.stop()
    lost, _ = chat.fake.say(thread, "while you slept")
    assert lost != 200
    old = chat.fake.say(thread, "long ago")[1]
    chat.chats.messages[old]["timestamp"] -= 3 * 86400
    chat.gateway.start()
    chat.admin = chat.gateway.login()
    chat.write(who, "anybody?")
    assert [m["text"] for m in chat.out(thread, 2)] == ["before", "while you slept"]
    assert chat.sent() == ["before", "while you slept"]


def test_in_the_mode_of_notes_nobody_answers(world):
    w = world()
    assert w.fake.say("01JDFX3T5KABCDEFGHJKMNPQRS", "hello")[0] == 404
