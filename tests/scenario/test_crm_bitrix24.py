"""Bitrix24's own: two ways to sign in, its limits, its contacts, comments and files (crm.md 2). What every CRM must do is
in test_crm_contract.py."""
import time

import pytest

from crm_target_bitrix24 import Bitrix24Target, plain
from fakes.bitrix24 import CLIENT_SECRET, WEBHOOK_SECRET
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
    errors(w.fake, "INVALID_CREDENTIALS", 1000, 403)
    w.write(own("bob"), "are you there?")
    until(lambda: "event=crm.refused" in w.gateway.log(), 20 * SLOWER)
    said = w.gateway.log() + w.gateway.cli("check-config").stdout + w.gateway.cli("doctor", check=False).stdout
    assert WEBHOOK_SECRET not in said and "said INVALID_CREDENTIALS" in said
    assert all("/rest/1/" in r.path for _, r in w.fake.calls)


def test_a_token_is_asked_for_when_the_old_one_is_over_and_only_then(start):
    """T-rows of 2.2: many dialogues on two workers meet the same end of a token: one request, nothing lost."""
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
    ({"webhook_url": "https://x.bitrix24.ru/"}, "looks like"), ({"responsible": "ann"}, "is a number")])
def test_settings_that_make_no_sense(start_gateway, wrong, said):
    lines = "\n".join(f'  {k} = "{v}"' for k, v in wrong.items())
    g = start_gateway(config=CONFIG + f'bitrix24 "crm" {{{{\n{lines}\n}}}}\n', wait=False)
    assert g.process.wait(20 * SLOWER) and said in g.log()


# --- its limits ---


def test_the_bucket_is_never_full(start):
    """What Bitrix24 takes of one address: 2 a second, 50 at once. Ours of both workers stay below."""
    w = start("per_minute = 1200\n  burst = 20")
    w.fake.bucket = (20, 24)
    people = [own("c") for _ in range(5)]
    threads = {p: [w.write(p, str(n)) for n in range(8)][0]["thread"] for p in people}
    for p in people:
        assert texts(w.wait_history(w.wait_card(threads[p]), 8, 90)) == [str(n) for n in range(8)]
    assert "QUERY_LIMIT_EXCEEDED" not in w.gateway.log()


def test_others_have_filled_the_bucket(start):
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


@pytest.mark.parametrize("code, status", [("OVERLOAD_LIMIT", 503), ("INTERNAL_SERVER_ERROR", 500), ("NO_AUTH_FOUND", 401),
                                          ("ACCESS_DENIED", 403), ("insufficient_scope", 403),
                                          ("ERROR_METHOD_NOT_FOUND", 404)])
def test_what_is_no_fault_of_the_message_waits(start, code, status):
    w = start("timeout = 5s")
    who = own("ann")
    thread = w.write(who, "one")["thread"]
    card = w.wait_card(thread)
    w.wait_history(card, 1)
    left = errors(w.fake, code, 1000, status)
    w.write(who, "two")
    until(lambda: left[0] < 1000, 20 * SLOWER)
    w.write(who, "three")
    time.sleep(0.5)
    w.fake.before = None
    assert not w.dead()
    if code != "OVERLOAD_LIMIT":  # that one is not asked again for a minute
        assert texts(w.wait_history(card, 3, 90)) == ["one", "two", "three"]


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
    w = start('source = "WEB"\n  responsible = "7"')
    mine = number()
    card = w.wait_card(w.write(mine, "hello", kind="phone", verified=True)["thread"])
    made = contact(w.fake, card)
    assert made["originatorId"] == "switchboard" and made["sourceId"] == "WEB" and made["assignedById"] == 7
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
    w.write(who, "two")
    until(lambda: lost, 20 * SLOWER)
    w.write(who, "three")
    w.wait_history(card, 703, 60)
    assert [t for t in texts(w.target.history(card)) if not t.startswith("note")] == ["one", "two", "three"]
    pages = [m for m in w.fake.methods if "comment.list" in m]
    assert len(pages) <= 1 + 20 and len([m for m in w.fake.methods if m == "batch"]) <= 4


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
