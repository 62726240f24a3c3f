"""Bitrix24's own: two ways to sign in, its limits, its contacts, comments and files (crm.md 2). What every CRM must do is
in test_crm_contract.py."""
import time

import pytest
import requests

from clients import Visitor
from crm_target_bitrix24 import Bitrix24Target, plain
from fakes.bitrix24 import APPLICATION_TOKEN, CLIENT_SECRET, WEBHOOK_SECRET
from fakes.bitrix24.errors import Refused
from fakes.wire import Answer
from harness import CONFIG, SLOWER, until
from test_crm_contract import World, number, own, texts

GONE = Answer(200, b"", spoil="lose")


@pytest.fixture
def target():
    t = Bitrix24Target()
    yield t
    t.close()


@pytest.fixture
def start(target, start_gateway):
    def start(extra="", webhook=False, **kw):
        w = World.__new__(World)
        w.target = target
        w.gateway = start_gateway(config=CONFIG + target.section(extra, webhook), **kw)
        w.admin = w.gateway.login()
        w.fake = target.server
        return w
    return start


def errors(fake, code, times=1, status=400, method="", **more):
    """The next requests for the method are refused so."""
    left = [times]

    def before(request):
        if left[0] and method in request.path:
            left[0] -= 1
            return Answer(status, {"error": code, "error_description": f"said {code}", **more})
        return None

    fake.before = before
    return left


# --- signing in ---


def test_by_an_incoming_webhook(start):
    """The address is the secret: it stands nowhere."""
    w = start(webhook=True)
    card = w.wait_card(w.write(own("ann"), "hello")["thread"])
    assert texts(w.wait_history(card, 1)) == ["hello"]
    tried = []
    w.fake.before = lambda r: tried.append(1) or Answer(200, b"", spoil="reset")
    thread = w.write(own("bob"), "are you there?")["thread"]
    until(lambda: len(tried) > 1, 30 * SLOWER)
    errors(w.fake, "INVALID_CREDENTIALS", 1000, 403)
    until(lambda: "event=crm.refused" in w.gateway.log(), 60 * SLOWER)
    said = w.gateway.log() + w.gateway.cli("check-config").stdout + w.gateway.cli("doctor", check=False).stdout
    said += w.gateway.cli("trace", w.admin.messages(thread)[0]["id"]).stdout + str(w.admin.get("/targets"))
    assert WEBHOOK_SECRET not in said and "said INVALID_CREDENTIALS" in said
    assert all("/rest/1/" in r.path for _, r in w.fake.calls)


def test_a_token_is_asked_for_when_the_old_one_is_over_and_only_then(start):
    """Many dialogues on two workers meet the same end of a token: one request for another, nothing lost, in order."""
    w = start()
    people = [own("c") for _ in range(6)]
    threads = {p: w.write(p, "0")["thread"] for p in people}
    cards = {p: w.wait_card(t) for p, t in threads.items()}
    assert w.fake.refreshes == 1
    for n in range(1, 4):
        w.fake.expire()
        for p in people:
            w.write(p, str(n))
        for p in people:
            assert texts(w.wait_history(cards[p], n + 1)) == [str(i) for i in range(n + 1)]
        assert w.fake.refreshes == n + 1
    assert w.fake.needless == 0 and not w.dead()
    log = w.gateway.log()
    assert "access-" not in log and "refresh-" not in log and CLIENT_SECRET not in log


def test_tokens_outlive_the_gateway(start):
    """F02: the refresh token of the configuration is used up by the first request; what followed is kept."""
    w = start()
    who = own("ann")
    thread = w.write(who, "one")["thread"]
    card = w.wait_card(thread)
    w.wait_history(card, 1)
    w.fake.expire()
    w.gateway.kill_worker()
    w.write(who, "two")
    w.wait_history(card, 2)
    w.gateway.restart()
    w.write(who, "three")
    w.wait_history(card, 3)
    assert w.fake.refreshes == 2
    w.fake.expire()
    w.write(who, "four")
    assert texts(w.wait_history(card, 4)) == ["one", "two", "three", "four"] and w.fake.refreshes == 3


@pytest.mark.parametrize("answer", [Answer(502, b"<html>"), GONE, Answer(200, {}), Answer(200, b"x" * (1 << 20))],
                         ids=["502", "lost", "nothing", "1MB"])
def test_a_token_server_that_stumbles(start, answer):
    w = start()
    spoilt = []
    w.fake.before = lambda r: spoilt.append(1) or answer if "oauth" in r.path and len(spoilt) < 2 else None
    card = w.wait_card(w.write(own("ann"), "hello")["thread"])
    assert texts(w.wait_history(card, 1, 60)) == ["hello"] and len(spoilt) == 2 and not w.dead()


def test_an_application_that_is_not_paid_for(start):
    w = start()
    w.fake.unpaid = True
    thread = w.write(own("ann"), "hello")["thread"]
    until(lambda: "PAYMENT_REQUIRED" in w.gateway.log(), 20 * SLOWER)
    assert "event=crm.refused" in w.gateway.log()
    w.fake.unpaid = False
    assert texts(w.wait_history(w.wait_card(thread), 1, 60)) == ["hello"] and not w.dead()


@pytest.mark.parametrize("wrong, said", [
    ({"webhook_url": ""}, "give webhook_url, or portal"), ({"portal": "ftp://x"}, "begins with https"),
    ({"webhook_url": "https://x.bitrix24.ru/"}, "looks like"), ({"responsible": "ann"}, "is a number"),
    ({"application_token": "short"}, "8 letters")])
def test_settings_that_make_no_sense(start_gateway, wrong, said):
    lines = "\n".join(f'  {k} = "{v}"' for k, v in wrong.items())
    g = start_gateway(config=CONFIG + f'bitrix24 "crm" {{{{\n{lines}\n}}}}\n', wait=False)
    assert g.process.wait(20 * SLOWER) and said in g.log()


# --- its limits ---


def test_the_bucket_is_never_full(start):
    """F11: what Bitrix24 takes of one address is 2 a second, 50 at once. Those of both workers stay below."""
    w = start("per_minute = 1200\n  burst = 20")
    w.fake.bucket = (20, 24)
    people = [own("c") for _ in range(5)]
    threads = {p: [w.write(p, str(n)) for n in range(8)][0]["thread"] for p in people}
    for p in people:
        assert texts(w.wait_history(w.wait_card(threads[p]), 8, 90)) == [str(n) for n in range(8)]
    assert "QUERY_LIMIT_EXCEEDED" not in w.gateway.log()


def test_others_have_filled_the_bucket(start):
    """F14: refused with 503, and that is no outage."""
    w = start()
    w.fake.bucket = (5, 3)
    who = own("ann")
    thread = w.write(who, "0")["thread"]
    for n in range(1, 5):
        w.write(who, str(n))
    assert texts(w.wait_history(w.wait_card(thread), 5, 120)) == [str(n) for n in range(5)]
    assert not w.dead() and "event=crm.down" not in w.gateway.log()


def test_a_method_whose_time_is_used_up_rests(start):
    w = start()
    card = w.wait_card(w.write("ann", "one")["thread"])
    w.wait_history(card, 1)
    method = "crm.timeline.comment.add"
    w.fake.over_time[method] = until_then = time.time() + 3
    w.write("ann", "two")
    w.wait_history(card, 2, 60)
    assert time.time() > until_then
    asked = [m for m in w.fake.methods if m == method]
    assert len(asked) <= 4 and not w.dead()


@pytest.mark.parametrize("code, status", [("INTERNAL_SERVER_ERROR", 500), ("NO_AUTH_FOUND", 401), ("ACCESS_DENIED", 403),
                                          ("insufficient_scope", 403), ("ERROR_METHOD_NOT_FOUND", 404)])
def test_what_is_no_fault_of_the_message_waits(start, code, status):
    w = start()
    who = own("ann")
    thread = w.write(who, "one")["thread"]
    card = w.wait_card(thread)
    w.wait_history(card, 1)
    left = errors(w.fake, code, 1000, status)
    w.write(who, "two")
    w.write(who, "three")
    until(lambda: left[0] < 999, 30 * SLOWER)  # it was tried again
    w.fake.before = None
    assert texts(w.wait_history(card, 3, 90)) == ["one", "two", "three"] and not w.dead()


@pytest.mark.parametrize("code, status", [("ERROR_ARGUMENT", 400), ("ACCESS_DENIED", 400), ("CRM_FIELD_ERROR_VALUE_NOT_VALID", 200)])
def test_what_is_a_fault_of_the_message_is_a_dead_letter(start, code, status):
    w = start()
    who = own("ann")
    card = w.wait_card(w.write(who, "one")["thread"])
    w.wait_history(card, 1)
    errors(w.fake, code, 1, status, "crm.timeline.comment.add")
    w.write(who, "two")
    dead = until(w.dead, 20 * SLOWER)
    assert f"said {code}" in dead[0]["error"]["text"]
    w.write(who, "three")
    w.wait_history(card, 2)
    w.gateway.cli("dead", "retry", dead[0]["id"])
    assert texts(w.wait_history(card, 3)) == ["one", "three", "two"]


# --- contacts ---


def contact(fake, card):
    return fake.do(lambda: dict(fake.crm.items[3][int(card)]))


def test_a_new_contact(start):
    w = start('source = "WEB"\n  responsible = "7"\n  contact_fields = {{"sourceDescription=for {{name}}"}}')
    mine = number()
    card = w.wait_card(w.write(mine, "hello", kind="phone", verified=True)["thread"])
    made = contact(w.fake, card)
    assert made["originatorId"] == "switchboard" and made["sourceId"] == "WEB" and made["assignedById"] == 7
    assert made["sourceDescription"] == f"for {mine.title()}"
    assert [(f["typeId"], f["value"]) for f in made["fm"]] == [("PHONE", mine)]
    assert w.admin.get(f"/clients/{made['originId']}")["client"]["cards"]["crm"]["id"] == card


def test_found_by_address_and_what_others_wrote_is_left_alone(start):
    w = start()
    mine = own("ann") + "@example.org"
    there = w.target.add_card(own("Ann "), ("email", mine.upper()), ("phone", "+7 495 000-00-00"))
    w.fake.do(lambda: w.fake.crm.items[3][int(there)].update(originatorId="1C", originId="42"))
    name = contact(w.fake, there)["name"]
    card = w.wait_card(w.write(mine, "hello", kind="email", verified=True)["thread"])
    w.wait_history(there, 1)
    now = contact(w.fake, there)
    assert card == there and (now["originatorId"], now["originId"], now["name"]) == ("1C", "42", name)
    assert {f["value"] for f in now["fm"] if f["typeId"] != "IM"} == {mine.upper(), "+7 495 000-00-00"}
    assert any(f["value"].startswith("switchboard:") for f in now["fm"])


@pytest.mark.parametrize("also, kind", [("lead", 1), ("deal", 2)])
def test_a_lead_or_deal_with_it_once(start, also, kind):
    w = start(f'also = "{also}"\n  stage = "C9:NEW"\n  category = 9\n  source = "WEB"')
    lost = []

    def lose(request, answer):
        if b"crm.item.add" in request.body and not lost:
            return lost.append(1) or GONE
        return None

    w.fake.after = lose
    who = own("ann")
    card = w.wait_card(w.write(who, "hello $result[contact][item][id] & more")["thread"])
    w.wait_history(card, 1)
    items = w.fake.do(lambda: list(w.fake.crm.items[kind].values()))
    assert lost and len(items) == 1 and len(w.target.cards()) == 1
    assert [str(i) for i in items[0]["contactIds"]] == [card] and items[0]["stageId"] == "C9:NEW"
    assert items[0]["title"] == who.title() and items[0]["sourceId"] == "WEB"
    assert str(items[0].get("categoryId", 9)) == "9"


def test_a_name_is_nothing_but_a_name_in_a_batch(start):
    w = start('also = "lead"')
    r = w.gateway.hook({"from": {"address": own("x"), "name": "A&fields[name]=B + $result[contact] 100% Ы"}, "id": own("k"),
                        "text": "hello"})
    card = w.wait_card(r.json()["thread"])
    name = contact(w.fake, card)["name"]
    assert name.replace("\u200b", "").replace("$result [", "$result[") == "A&fields[name]=B + $result[contact] 100% Ы"


def test_a_lead_that_cannot_be_made_delivers_all_the_same(start):
    w = start('also = "deal"')
    real = w.fake.crm.METHODS["crm.item.add"]

    def add(crm, p):
        if int(p["entityTypeId"]) == 2:
            raise Refused(400, "CRM_FIELD_ERROR_REQUIRED", "Budget is required")
        return real(crm, p)

    w.fake.crm.METHODS = {**w.fake.crm.METHODS, "crm.item.add": add}
    card = w.wait_card(w.write(own("ann"), "hello")["thread"])
    assert texts(w.wait_history(card, 1)) == ["hello"]
    assert "bitrix24.no_lead" in w.gateway.log() and "Budget is required" in w.gateway.log()


def test_a_field_that_the_portal_wants_and_we_have_not(start):
    w = start()
    w.fake.crm.required = {"lastName"}
    thread = w.write(own("ann"), "hello")["thread"]
    dead = until(w.dead, 20 * SLOWER)
    assert "lastName" in dead[0]["error"]["text"]
    w.fake.crm.required = set()
    w.gateway.cli("dead", "retry", dead[0]["id"])
    w.wait_history(w.wait_card(thread), 1)


# --- comments ---


def test_a_comment_is_found_again_among_many(start):
    """The answer is lost and people write on: it is looked for page by page, many of them in one request."""
    w = start()
    who = own("ann")
    thread = w.write(who, "one")["thread"]
    card = w.wait_card(thread)
    w.wait_history(card, 1)
    lost = []

    def chatter():
        for n in range(700):
            w.fake.crm.comment_add({"fields": {"ENTITY_ID": int(card), "ENTITY_TYPE": "contact", "COMMENT": f"note {n}"}})

    def lose(request, answer):
        if "comment.add" in request.path and not lost:
            lost.append(1)
            chatter()
            return GONE
        return None

    w.fake.after = lose
    before = len(w.fake.methods)  # of a shard just taken over the first message is looked for, too
    w.write(who, "two")
    until(lambda: len(w.target.history(card)) > 701, 60 * SLOWER)
    w.write(who, "three")
    w.wait_history(card, 703, 60)
    assert [t for t in texts(w.target.history(card)) if not t.startswith("note")] == ["one", "two", "three"]
    asked = w.fake.methods[before:]
    assert len([m for m in asked if "comment.list" in m]) == 1 + 20 and len([m for m in asked if m == "batch"]) <= 4


def test_bb_code_of_a_client_is_text(start):
    w = start()
    card = w.wait_card(w.write(own("ann"), "[url=https://evil.example]click[/url] [b]x[/b] [USER=1]boss[/USER]")["thread"])
    w.wait_history(card, 1)
    raw = w.fake.do(lambda: list(w.fake.crm.comments.values())[0]["COMMENT"])
    assert "[url" not in raw and "[USER" not in raw and "[url=https://evil.example]click" in plain(raw)


def comments(fake):
    return fake.do(lambda: [dict(c) for c in fake.crm.comments.values()])


@pytest.mark.parametrize("name, size", [("Договор №5.pdf", 5), ('a "b"\'c.txt', 40), ("big.bin", 3 << 20)],
                         ids=["cyrillic", "quotes", "3MB"])
def test_files_are_brought(start, name, size):
    w = start("notes = true")
    who = own("ann")
    thread = w.write(who, "one")["thread"]
    card = w.wait_card(thread)
    data = bytes(i % 251 for i in range(size))
    r = w.admin.ask("POST", "/media", params={"name": name}, data=data)
    media = r.json()["media"]["id"]
    w.admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "here", "note": True, "attachments": [media]})
    w.wait_history(card, 2)
    last = comments(w.fake)[-1]
    assert [(n.replace("_", '"') if '"' in name else n, len(c)) for n, c in last["files"]] == [(name, size)]
    assert last["files"][0][1] == data


# --- an open line ---


LINE = 'history = "openline"\n  line = 1\n  connector = "gw"\n  application_token = "{}"'.format(APPLICATION_TOKEN)


@pytest.fixture
def line(start):
    return lambda extra="", **kw: start(LINE + "\n  " + extra, sets=["public_url=https://chat.example.org"], **kw)


def said(w, n, timeout=30):
    """What is in the line, once there are so many."""
    def there():
        return w.fake.do(lambda: [dict(m) for m in w.fake.lines.messages if not m["deleted"]])
    until(lambda: len(there()) >= n, timeout * SLOWER, 0.05, f"for {n} messages;\n{w.gateway.log()[-2000:]}")
    return there()


def operator(w, chat, number, text, token=APPLICATION_TOKEN, event="ONIMCONNECTORMESSAGEADD", user=27, **more):
    """An operator writes: what the portal posts, and our answer."""
    body = w.fake.event(event, {"im": {"chat_id": 1807, "message_id": number},
                                "message": {"user_id": user, "text": text, **more}, "chat": {"id": chat}}, token)
    return requests.post(w.gateway.url + "/hooks/bitrix24/crm", body, timeout=30, headers={
        "Content-Type": "application/x-www-form-urlencoded"})


def client_of(w, thread):
    return w.admin.get(f"/threads/{thread}")["thread"]["client"]["id"]


def test_a_line_is_set_up_once(line):
    w = line(workers=1)
    until(lambda: w.fake.lines.handlers, 20 * SLOWER)
    lines = w.fake.lines
    assert lines.connectors["gw"]["CHAT_GROUP"] is False and ("gw", 1) in lines.active
    assert lines.handlers == {("ONIMCONNECTORMESSAGEADD", "https://chat.example.org/hooks/bitrix24/crm")}
    assert lines.data["gw"]["ID"] == "gw"
    who = own("ann")
    for n in range(3):
        w.write(who, str(n))
    said(w, 3)
    assert lines.setups == 1
    w.gateway.restart()  # the handler is there already
    w.write(who, "3")
    assert [m["text"] for m in said(w, 4)] == ["0", "1", "2", "3"] and "bitrix24.no_line" not in w.gateway.log()


def test_an_application_asks_to_be_told_of_contacts(start):
    extra = f'application_token = "{APPLICATION_TOKEN}"'
    w = start(extra, sets=["public_url=https://chat.example.org"], workers=1)
    until(lambda: w.fake.lines.handlers, 20 * SLOWER)
    w.gateway.restart()  # the handler is there already
    w.wait_history(w.wait_card(w.write(own("ann"), "hello")["thread"]), 1)
    assert w.fake.lines.handlers == {("ONCRMCONTACTUPDATE", "https://chat.example.org/hooks/bitrix24/crm")}
    assert not w.fake.lines.connectors and "bitrix24.no_events" not in w.gateway.log()


def test_a_webhook_asks_for_nothing(start):
    """event.bind is an application's: an outgoing webhook is made by an admin."""
    w = start(f'application_token = "{APPLICATION_TOKEN}"', webhook=True, sets=["public_url=https://chat.example.org"])
    w.wait_history(w.wait_card(w.write(own("ann"), "hello")["thread"]), 1)
    assert "event.bind" not in w.fake.methods and "bitrix24.no_events" not in w.gateway.log()


def test_a_dialogue_is_a_chat(line):
    w = line("notes = true")
    mine = number()
    thread = w.write(mine, "hello [b]you[/b] \N{GRINNING FACE}", kind="phone", verified=True)["thread"]
    chat = client_of(w, thread)
    w.admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "our answer"})
    w.admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "between us", "note": True})
    messages = said(w, 3)
    assert [plain(m["text"]) for m in messages] == ["hello [b]you[/b] \N{GRINNING FACE}", "agent Admin:\nour answer",
                                                    "note Admin:\nbetween us"]
    assert {m["chat"] for m in messages} == {chat} and messages[0]["id"] == w.admin.messages(thread)[0]["id"]
    assert messages[0]["user"] == {"id": chat, "phone": mine} and abs(messages[0]["date"] - time.time()) < 100 * SLOWER
    assert not w.fake.crm.items[3]  # Bitrix24 makes the card


def test_a_name_that_a_line_does_not_take_is_mended(line):
    w = line()
    w.gateway.hook({"from": {"address": own("x"), "name": "\N{GRINNING FACE} Иван-007 О'Нил (склад) очень длинное имя"},
                    "id": own("k"), "text": "hello"})
    assert said(w, 1)[0]["user"]["name"] == "Иван- О'Нил склад очень д" and not w.dead()


def test_a_lost_answer_of_a_line_is_no_second_message(line):
    """F13."""
    w = line()
    lost = []

    def lose(request, answer):
        if "send.messages" in request.path and len(lost) < 3:
            lost.append(1)
            return Answer(200, b"", spoil=("lose", "reset", "cut")[len(lost) - 1])
        return None

    w.fake.after = lose
    who = own("ann")
    for text in ("one", "two", "three", "four"):
        w.write(who, text)
    assert [m["text"] for m in said(w, 4, 90)] == ["one", "two", "three", "four"] and len(lost) == 3


def test_what_has_not_reached_a_line_is_not_taken_for_said(line):
    """A line says yes to the change of what is not there."""
    w = line()
    lost = []
    w.fake.before = lambda r: lost.append(1) or GONE if "send.messages" in r.path and not lost else None
    who = own("ann")
    w.write(who, "one")
    w.write(who, "two")
    assert [m["text"] for m in said(w, 2, 60)] == ["one", "two"] and lost


def test_an_element_that_fails_is_no_success(line):
    w = line()
    who = own("ann")
    w.write(who, "one")
    said(w, 1)
    failed = {"result": {"SUCCESS": True, "DATA": {"RESULT": [{"SUCCESS": False, "ERRORS": ["the user is blocked"]}]}}}
    left = [1]

    def before(request):
        if "send.messages" in request.path and left:
            left.pop()
            return Answer(200, failed)
        return None

    w.fake.before = before
    w.write(who, "two")
    dead = until(w.dead, 20 * SLOWER)
    assert "the user is blocked" in dead[0]["error"]["text"]
    w.write(who, "three")
    said(w, 2)
    w.gateway.cli("dead", "retry", dead[0]["id"])
    assert [m["text"] for m in said(w, 3)] == ["one", "three", "two"]


def test_of_what_a_line_refuses_in_part_nothing_stays(line):
    """Of a long text it takes the first piece: what is retried comes once, and whole."""
    w = line()
    who, refused = own("ann"), []

    def before(p):
        if len(p["MESSAGES"]) > 1 and not refused:
            out = [w.fake.lines._element(one, "the text is strange" if i else None) for i, one in enumerate(p["MESSAGES"])]
            sent(w.fake.lines, {**p, "MESSAGES": p["MESSAGES"][:1]})
            return refused.append(1) or {"SUCCESS": True, "DATA": {"RESULT": out}}
        return sent(w.fake.lines, p)

    sent = w.fake.lines.METHODS["imconnector.send.messages"]
    w.fake.lines.METHODS = {**w.fake.lines.METHODS, "imconnector.send.messages": lambda lines, p: before(p)}
    w.write(who, "word " * 1500)
    dead = until(w.dead, 20 * SLOWER)
    assert "the text is strange" in dead[0]["error"]["text"]
    w.write(who, "next")
    assert [m["text"] for m in said(w, 1)] == ["next"]
    w.gateway.cli("dead", "retry", dead[0]["id"])
    pieces = [m["text"] for m in said(w, 3)][1:]
    assert "".join(pieces).count("word") == 1500 and len({m["id"] for m in said(w, 3)}) == 3


def test_a_set_up_that_is_not_allowed_is_no_message_s_fault(line):
    w = line()
    refused = []

    def before(request):
        if "imconnector.activate" in request.path:
            refused.append(1)
            return Answer(400, {"error": "ACCESS_DENIED", "error_description": "Access denied!"})
        return None

    w.fake.before = before
    w.gateway.restart()
    who = own("ann")
    w.write(who, "hello")
    until(lambda: len(refused) > 1, 30 * SLOWER)
    w.fake.before = None
    assert [m["text"] for m in said(w, 1, 60)] == ["hello"] and not w.dead()


def test_edits_and_what_is_taken_back(line):
    w = line()
    thread = w.write(own("ann"), "question")["thread"]
    sent = w.admin.post(f"/threads/{thread}/messages", {"id": own("k"), "text": "anser"})["message"]
    said(w, 2)
    until(lambda: w.admin.messages(thread)[-1]["status"] in ("sent", "delivered"), 10 * SLOWER)
    w.admin.patch(f"/messages/{sent['id']}", {"text": "answer " + "long " * 2000})
    texts_now = "".join(m["text"] for m in said(w, 4))
    assert "answer long" in texts_now and texts_now.count("long") == 2000 and "anser" not in texts_now
    r = w.admin.ask("DELETE", f"/messages/{sent['id']}")
    assert r.status_code < 300, r.text
    until(lambda: len(said(w, 1)) == 1, 20 * SLOWER)


def test_a_line_that_is_not_active_yet(line):
    w = line()
    w.fake.do(lambda: w.fake.lines.lines.clear())
    who = own("ann")
    w.write(who, "hello")
    # missed while it is set up, or by the first of the message, or (of a shard just taken over) while one looks for it
    until(lambda: any(m.startswith("imconnector.") and m.endswith(".messages") for m in w.fake.methods) or
          "event=bitrix24.no_line" in w.gateway.log(), 20 * SLOWER)
    w.write(who, "still there?")
    w.fake.do(lambda: w.fake.lines.lines.add(1))
    assert [m["text"] for m in said(w, 2, 60)] == ["hello", "still there?"] and not w.dead()


# --- operators answer ---


def chat_of(w, who):
    thread = w.write(who, "question")["thread"]
    said(w, 1)
    return thread, client_of(w, thread)


def outgoing(w, thread):
    return [m for m in w.admin.messages(thread) if m["direction"] == "out"]


def test_an_operator_s_answer_reaches_the_client(line):
    """8.2, 8: form-urlencoded, once, in order; its delivery is told, and it is not written there again."""
    w = line('users = {{"admin=31"}}')
    thread, chat = chat_of(w, own("ann"))
    assert operator(w, chat, 86497, "[b]Светлана Иванова:[/b] [br]Добрый день![br][url=https://x.ru]сюда[/url] & 100%").status_code == 200
    assert operator(w, chat, 86498, "[b]Админ:[/b] [br]второе", user=31).status_code == 200
    assert operator(w, chat, 86497, "[b]Светлана Иванова:[/b] [br]Добрый день!").status_code == 200  # again
    until(lambda: len(outgoing(w, thread)) == 2, 20 * SLOWER, why=w.gateway.log()[-2000:])
    first, second = outgoing(w, thread)
    assert first["text"] == "Добрый день!\nсюда (https://x.ru) & 100%" and second["text"] == "второе"
    assert first["from"]["name"] == "Светлана Иванова" and second["from"]["agent"] == "admin"
    until(lambda: {d[:2] for d in w.fake.lines.delivered} == {(1807, 86497), (1807, 86498)}, 20 * SLOWER,
          why=f"{w.fake.lines.delivered} {w.gateway.log()[-1500:]}")
    assert w.fake.lines.delivered[0][2] == [first["id"]]
    w.write(w.admin.get(f"/threads/{thread}")["thread"]["client"]["name"].lower(), "bye")
    assert [m["text"] for m in said(w, 2)] == ["question", "bye"] and not w.dead()


def test_messages_of_one_post_keep_their_order(line):
    w = line()
    thread, chat = chat_of(w, own("ann"))
    many = [{"im": {"chat_id": 1807, "message_id": n}, "message": {"user_id": 27, "text": f"no {n}"}, "chat": {"id": chat}}
            for n in range(1, 21)]
    body = w.fake.events("ONIMCONNECTORMESSAGEADD", many)
    r = requests.post(w.gateway.url + "/hooks/bitrix24/crm", body, timeout=30, headers={
        "Content-Type": "application/x-www-form-urlencoded"})
    assert r.status_code == 200
    until(lambda: [m["text"] for m in outgoing(w, thread)] == [f"no {n}" for n in range(1, 21)], 20 * SLOWER,
          why=w.gateway.log()[-1500:])


def test_what_is_not_the_portal_s_is_refused(line):
    """T11: a wrong token, a part of it, none; what is no form; then what is good."""
    w = line()
    thread, chat = chat_of(w, own("ann"))
    assert operator(w, chat, 1, "x", token="another").status_code == 401
    assert operator(w, chat, 2, "x", token="").status_code == 401
    assert operator(w, chat, 2, "x", token=APPLICATION_TOKEN[:-1]).status_code == 401
    assert requests.post(w.gateway.url + "/hooks/bitrix24/crm", "event=ONIMCONNECTORMESSAGEADD", timeout=30).status_code == 401
    url = w.gateway.url + "/hooks/bitrix24/crm"
    assert requests.post(url, b"", timeout=30).status_code == 400
    assert requests.post(url, b"x" * (4 << 20), timeout=30).status_code == 413
    assert requests.post(url, b"&".join(b"a[b][c]=1" for _ in range(5000)), timeout=30).status_code == 400
    assert requests.get(url, timeout=30).status_code == 404
    assert requests.post(url, "PLACEMENT=SETTING_CONNECTOR&AUTH_ID=x", timeout=30).status_code == 200
    assert operator(w, chat, 3, "a delete", event="ONIMCONNECTORMESSAGEDELETE").status_code == 200
    assert operator(w, chat, 4, "[b]A:[/b] [br]good").status_code == 200
    until(lambda: len(outgoing(w, thread)) == 1, 20 * SLOWER)
    assert outgoing(w, thread)[0]["text"] == "good"


def test_who_is_not_a_client_of_ours(line):
    """The operator sees why, once, and nothing is stuck."""
    w = line()
    thread, chat = chat_of(w, own("ann"))
    assert operator(w, "01ARZ3NDEKTSV4RRFFQ69G5FAV", 5, "hello?").status_code == 200
    until(lambda: any("Not delivered" in m["text"] for m in said(w, 1)), 30 * SLOWER, why=w.gateway.log()[-2000:])
    assert operator(w, chat, 6, "[b]A:[/b] [br]").status_code == 200
    until(lambda: sum("Not delivered" in m["text"] for m in said(w, 1)) == 2, 30 * SLOWER)
    assert operator(w, chat, 7, "[b]A:[/b] [br]good").status_code == 200
    until(lambda: len(outgoing(w, thread)) == 1, 20 * SLOWER)


def test_a_text_with_a_file_goes_without_it_and_the_operator_sees_so(line):
    """The client gets the text, once, and the chat says once that he has not the file, even when an answer is lost."""
    w = line()
    thread, chat = chat_of(w, own("ann"))
    lost = []
    w.fake.after = lambda r, answer: (
        lost.append(1) or Answer(200, b"", spoil="lose") if "send.messages" in r.path and not lost else None)
    files = [{"name": "price.pdf", "link": "https://portal.bitrix24.ru/pub/price.pdf"}]
    for _ in range(2):
        assert operator(w, chat, 9, "[b]A:[/b] [br]here it is", files=files).status_code == 200
    assert operator(w, chat, 10, "[b]A:[/b] [br]no file").status_code == 200
    until(lambda: {d[1] for d in w.fake.lines.delivered} == {9, 10}, 20 * SLOWER, why=w.gateway.log()[-2000:])
    until(lambda: w.fake.methods.count("imconnector.send.messages") == 3, 20 * SLOWER)  # the question; lost; again
    assert [m["text"] for m in outgoing(w, thread)] == ["here it is", "no file"]
    assert [(plain(m["text"]), m["chat"]) for m in said(w, 2)[1:]] == [
        ("Not delivered to the client: files are not taken from here, only the text is sent", chat)] and not w.dead()


def test_a_text_that_fails_with_its_file_is_told_of_both(line):
    w = line()
    thread, chat = chat_of(w, own("ann"))
    assert operator(w, chat, 11, "[b]A:[/b] [br]!reject it", files=[{"link": "https://x.ru/a"}]).status_code == 200
    texts_now = [m["text"] for m in said(w, 3)[1:]]
    assert len(texts_now) == 2 and sum("files are not taken" in t for t in texts_now) == 1
    assert outgoing(w, thread)[0]["status"] == "failed"


def test_an_answer_that_fails_is_told_to_the_operator(line):
    """8.2, 9: the channel refuses it."""
    w = line()
    thread, chat = chat_of(w, own("ann"))
    assert operator(w, chat, 8, "[b]A:[/b] [br]!reject please").status_code == 200
    until(lambda: outgoing(w, thread) and outgoing(w, thread)[0]["status"] == "failed", 20 * SLOWER)
    until(lambda: any("Not delivered" in m["text"] and m["chat"] == chat for m in said(w, 1)), 30 * SLOWER)
    assert not [d for d in w.fake.lines.delivered if d[1] == 8]


def test_an_event_is_on_disk_before_it_is_answered(line):
    """F01: the portal never tells twice."""
    w = line()
    thread, chat = chat_of(w, own("ann"))
    for n in range(5):
        assert operator(w, chat, 100 + n, f"[b]A:[/b] [br]text {n}").status_code == 200
        if n == 2:
            w.gateway.kill_master()
            w.gateway.start()
    until(lambda: len(outgoing(w, thread)) == 5, 40 * SLOWER, why=w.gateway.log()[-1500:])
    assert [m["text"] for m in outgoing(w, thread)] == [f"text {n}" for n in range(5)]


def test_an_assignment_makes_the_user_responsible(start):
    w = start('users = {{"anna=17"}}')
    w.gateway.add_user("anna")
    thread = w.write(own("ann"), "hello")["thread"]
    card = w.wait_card(thread)
    w.admin.patch(f"/threads/{thread}", {"assignee": "anna"})
    until(lambda: contact(w.fake, card)["assignedById"] == 17, 20 * SLOWER)


class Shopper(Visitor):
    def hello(self):
        f = super().hello()
        f["page"]["utm"] = {"source": "yandex", "campaign": "autumn"}
        return f


def test_what_the_page_told_is_on_the_contact(start):
    w = start()
    w.gateway._begin(Shopper(w.gateway), True).say_and_wait("hello")
    made = until(lambda: w.fake.do(lambda: list(w.fake.crm.items[3].values())), 20 * SLOWER)[0]
    assert (made["utmSource"], made["utmCampaign"]) == ("yandex", "autumn")


# --- together ---


NASTY = "кириллица & 100% +7 $result[c0][x] [b]x[/b] \N{GRINNING FACE}\n=#?"


def crowd(w, n):
    """{who: card} of people who have said something."""
    people = [own("c") for _ in range(n)]
    threads = {p: w.write(p, "0")["thread"] for p in people}
    cards = {p: w.wait_card(t) for p, t in threads.items()}
    for p in people:
        w.wait_history(cards[p], 1)
    return cards


def test_a_backlog_goes_together(start):
    """F13: many dialogues wait, their messages are commands of few requests, each once, in order, as they were written."""
    w = start()
    cards = crowd(w, 12)
    w.fake.delay = 0.3
    before, lost = len(w.fake.calls), []

    def lose(request, answer):
        if request.path.endswith("/batch") and len(lost) < 2:
            return lost.append(1) or GONE
        return None

    w.fake.after = lose
    for n in range(1, 5):
        for p in cards:
            w.write(p, f"{n} {NASTY}" if n == 2 else str(n))
    for p, card in cards.items():
        history = [t.replace("\u200b", "") for t in texts(w.wait_history(card, 5, 120))]
        assert [t.split(" ")[0] for t in history] == ["0", "1", "2", "3", "4"]
        assert history[2].replace("$result [", "$result[") == "2 " + NASTY.split("\n")[0]
    assert len(lost) == 2 and not w.dead()
    asked = len(w.fake.calls) - before
    assert "[crm.timeline.comment.add]" in w.fake.methods
    w.fake.delay = 0
    assert asked < 4 * 12 + 30, asked  # with the looking for what was lost


def test_one_of_a_batch_that_fails_fails_alone(start):
    w = start()
    cards = crowd(w, 6)
    people = list(cards)
    w.target.delete_card(cards[people[0]])
    w.fake.delay = 0.3
    for n in range(1, 4):
        for p in people:
            w.write(p, str(n))
    for p in people[1:]:
        assert texts(w.wait_history(cards[p], 4, 60)) == ["0", "1", "2", "3"]
    until(lambda: any(texts(w.target.history(c)) == ["1", "2", "3"] for c in w.target.cards() if c not in cards.values()),
          60 * SLOWER, 0.1)
    assert not w.dead() and len(w.target.cards()) == 6


def test_a_batch_that_is_refused_goes_one_by_one(start):
    w = start()
    cards = crowd(w, 6)
    w.fake.delay = 0.3
    w.fake.before = lambda r: Answer(400, {"error": "ERROR_BATCH_LENGTH_EXCEEDED"}) if (
        r.path.endswith("/batch") and b"comment.add" in r.body) else None
    for n in range(1, 3):
        for p in cards:
            w.write(p, str(n))
    for p, card in cards.items():
        assert texts(w.wait_history(card, 3, 60)) == ["0", "1", "2"]
    assert not w.dead()
