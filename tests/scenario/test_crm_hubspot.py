"""HubSpot: what is its own. What all adapters must do is in test_crm_contract.py."""
import time

import pytest

from crm_target_hubspot import HubSpotTarget, plain
from crm_world import CrmWorld
from fakes.hubspot import HubSpot
from fakes.wire import Answer
from harness import CONFIG, SLOWER, until


class World(CrmWorld):
    def __init__(self, start_gateway, hub, extra=""):
        self.hub = hub
        config = (f'hubspot "crm" {{{{\n  url = "{hub.url}"\n  token = "{hub.token}"\n  allow_private = true\n'
                  f'  language = "en"\n  messenger_property = "gw_ids"\n  {extra}\n}}}}\n')
        super().__init__(hub, start_gateway(config=CONFIG + config))

    def contact(self, card):
        return self.hub.do(lambda: dict(self.hub.objects["contacts"][card]["properties"]))

    def entries(self, card, n, kind="notes"):
        def linked():
            return self.hub.do(lambda: [dict(self.hub.objects[k][i]["properties"]) for c, k, i in self.hub.links
                                        if c == card and k == kind])

        until(lambda: len(linked()) >= n, 30 * SLOWER, 0.05, f"for {n}; {self.hub.refused[:3]}; {self.gateway.log()[-1500:]}")
        return linked()


@pytest.fixture
def hub():
    with HubSpot() as h:
        yield h


def test_a_contact_is_upserted_by_our_property(hub, start_gateway):
    w = World(start_gateway, hub, 'card_url = "https://app.hubspot.com/contacts/1/record/0-1/{{id}}"\n'
              '  contact_properties = {{"hs_lead_status=NEW"}}')
    thread = w.write("+79001234567", "hello", kind="phone", verified=True)
    card = w.card(thread)
    contact = w.contact(card)
    assert contact["gw_id"].startswith("switchboard:") and contact["phone"] == "+79001234567"
    assert contact["firstname"] == "+79001234567" and contact["hs_lead_status"] == "NEW"
    note = w.entries(card, 1)[0]
    said = w.admin.messages(thread)[0]
    assert note["hs_timestamp"] == said["received_at"] and plain(note["hs_note_body"]).split("\n")[1] == "hello"
    assert w.client(thread)["cards"]["crm"]["url"] == f"https://app.hubspot.com/contacts/1/record/0-1/{card}"
    assert all("Object not found" in r for r in hub.refused)


def test_version_3_has_other_paths(start_gateway):
    with HubSpot(version="v3") as hub:
        w = World(start_gateway, hub, 'version = "v3"')
        w.entries(w.card(w.write("ann", "hello")), 1)


def test_what_was_made_just_now_is_found_though_no_search_knows_it(hub, start_gateway):
    """The answer is lost; the index lags: the contact is read by its unique property."""
    hub.lag, lost = 3600, []

    def lose(request, answer):
        if request.path.endswith("/upsert") and not lost:
            lost.append(1)
            return Answer(200, b"", spoil="lose")

    hub.after = lose
    w = World(start_gateway, hub)
    card = w.card(w.write("ann", "hello"))
    w.entries(card, 1)
    assert lost and len(hub.objects["contacts"]) == 1


def test_an_address_that_somebody_has_already(hub, start_gateway):
    """Proven, it is he, also when the search does not know him yet; only claimed, he gets a contact without it."""
    there = hub.do(lambda: hub.make("contacts", {"firstname": "Ann", "email": "ann@example.org"}, lag=3600)["id"])
    w = World(start_gateway, hub)
    claimed = w.card(w.write("ann@example.org", "it is me", kind="email"))
    assert claimed != there and "email" not in w.contact(claimed) and "ann@example.org" in w.contact(claimed)["gw_ids"]
    hub.do(lambda: hub.objects["contacts"][claimed].update(archived=True))
    other = hub.do(lambda: hub.make("contacts", {"firstname": "Bob", "email": "bob@example.org"}, lag=3600)["id"])
    proven = w.card(w.write("bob@example.org", "hello", kind="email", verified=True))
    assert proven == other
    w.entries(proven, 1)
    w.write("bob@example.org", "more", kind="email", verified=True)
    w.entries(proven, 2)


def test_an_address_that_hubspot_takes_for_none(hub, start_gateway):
    w = World(start_gateway, hub)
    card = w.card(w.write("ann@localhost", "hello", kind="email", verified=True))
    assert "email" not in w.contact(card) and "ann@localhost" in w.contact(card)["gw_ids"]


def test_searches_are_few_a_second(hub, start_gateway):
    w = World(start_gateway, hub)
    for n in range(8):
        w.write(f"+7900000000{n}", "hello", kind="phone", verified=True)
    until(lambda: len(hub.objects["contacts"]) == 8, 60 * SLOWER)
    asked = [t for t, r in hub.calls if r.path.endswith("/search")]
    assert len(asked) >= 8 and max(sum(1 for t in asked if at <= t < at + 0.95) for at in asked) <= 6


@pytest.mark.parametrize("policy,least", [("SECONDLY", 0.9), ("TEN_SECONDLY_ROLLING", 9)])
def test_a_limit_is_waited_for(hub, start_gateway, policy, least):
    w = World(start_gateway, hub)
    card = w.card(w.write("ann", "one"))
    w.entries(card, 1)
    limited = []

    def limit(request):
        if not limited:
            limited.append(time.monotonic())
            return Answer(429, {"status": "error", "category": "RATE_LIMITS", "policyName": policy,
                                "message": f"You have reached your {policy} limit.", "correlationId": "x"})

    hub.before = limit
    w.write("ann", "two")
    w.entries(card, 2)
    assert [t for t, _ in hub.calls if t > limited[0] + 0.05][0] - limited[0] >= least


def test_a_missing_scope_makes_all_wait(hub, start_gateway):
    hub.before = lambda r: Answer(403, {"status": "error", "category": "MISSING_SCOPES", "correlationId": "x",
                                        "message": "This app hasn't been granted all required scopes."})
    w = World(start_gateway, hub)
    thread = w.write("ann", "hello")
    w.logged("event=crm.refused", "required scopes")
    hub.before = None
    w.entries(w.card(thread), 1)
    assert not w.admin.get("/dead")["dead"] and hub.token not in w.gateway.log()


def test_a_property_that_is_missing_is_said(hub, start_gateway):
    w = World(start_gateway, hub, 'contact_properties = {{"no_such=1"}}')
    w.write("ann", "hello")
    assert '"no_such" does not exist' in w.dead()[0]["error"]["text"]


def test_communications(hub, start_gateway):
    w = World(start_gateway, hub, 'history = "communications"')
    thread = w.write("ann", "one")
    card = w.card(thread)
    said = w.entries(card, 1, "communications")[0]
    assert said["hs_communication_channel_type"] == "SMS" and said["hs_communication_logged_from"] == "CRM"
    sent = w.admin.post(f"/threads/{thread}/messages", {"id": "k1", "text": "anser"})["message"]
    w.entries(card, 2, "communications")
    until(lambda: w.admin.messages(thread)[-1]["status"] in ("sent", "delivered"), 10 * SLOWER)
    w.admin.patch(f"/messages/{sent['id']}", {"text": "answer"})
    until(lambda: "answer" in plain(w.entries(card, 2, "communications")[1]["hs_communication_body"]), 20 * SLOWER)
    assert not hub.objects["notes"]


def test_what_people_wrote_on_a_contact_stays(hub, start_gateway):
    there = hub.do(lambda: hub.make("contacts", {"firstname": "Anna", "lastname": "Ivanova", "phone": "8 900 123-45-67"}, lag=0)["id"])
    w = World(start_gateway, hub)
    assert w.card(w.write("+79001234567", "hello", kind="phone", verified=True)) == there
    w.entries(there, 1)
    contact = w.contact(there)
    assert contact["firstname"] == "Anna" and contact["phone"] == "8 900 123-45-67" and contact["gw_id"]
    assert "mobilephone" not in contact


def test_the_responsible_follows(hub, start_gateway):
    w = World(start_gateway, hub, 'users = {{"admin=4711"}}')
    thread = w.write("ann", "hello")
    card = w.card(thread)
    w.admin.patch(f"/threads/{thread}", {"assignee": "admin"})
    until(lambda: w.contact(card).get("hubspot_owner_id") == "4711", 20 * SLOWER)


def test_one_message_of_a_long_history_is_found(hub, start_gateway):
    """Its answer is lost; hundreds of notes are there: some pages are read, no second note is made."""
    w = World(start_gateway, hub)
    card = w.card(w.write("ann", "one"))
    w.entries(card, 1)

    def fill():
        for n in range(700):
            o = hub.make("notes", {"hs_note_body": f"somebody's note {n}", "hs_timestamp": "2026-01-01T00:00:00Z"})
            hub.links.append((card, "notes", o["id"]))

    hub.do(fill)
    lost = []

    def lose(request, answer):
        if HubSpotTarget.is_write(None, request) and not lost:
            lost.append(1)
            return Answer(200, b"", spoil="lose")

    hub.after = lose
    w.write("ann", "two")
    w.write("ann", "three")
    ours = until(lambda: [n for n in w.entries(card, 703) if "#" in n["hs_note_body"]], 30 * SLOWER)
    assert lost and [plain(n["hs_note_body"]).split("\n")[1] for n in ours] == ["one", "two", "three"]


def deals(w):
    """(contact, properties) of each."""
    return w.hub.do(lambda: [(c, dict(w.hub.objects[k][i]["properties"])) for c, k, i in w.hub.links if k == "deals"])


DEALS = ('deals = true\n  deal_pipeline = "4711"\n  deal_stage = "4712"\n'
         '  deal_properties = {{"dealname=Chat: {{name}}", "hubspot_owner_id=17", "utm_source={{profile.nothing}}", "amount=5"}}')


def test_a_client_without_a_deal_gets_one(hub, start_gateway):
    """With what an admin wants of it; once; a contact that was there and has one gets none."""
    w = World(start_gateway, hub, DEALS)
    old = hub.do(lambda: hub.make("contacts", {"firstname": "Bob", "phone": "+79001234567"}, lag=0)["id"])
    hub.do(lambda: hub.links.append((old, "deals", hub.make("deals", {"dealname": "His", "dealstage": "closedwon"})["id"])))
    card = w.card(w.write("ann", "hello"))
    w.entries(card, 1)
    w.write("ann", "again")
    w.entries(card, 2)
    assert [d for d in deals(w) if d[0] == card] == [(card, {"dealname": "Chat: Ann", "dealstage": "4712", "pipeline": "4711",
                                                            "hubspot_owner_id": "17", "amount": "5"})]
    assert w.card(w.write("+79001234567", "it is me", kind="phone", verified=True)) == old
    w.entries(old, 1)
    assert len(deals(w)) == 2
    hub.do(lambda: hub.links.__setitem__(slice(None), [x for x in hub.links if x[1] != "deals"]))  # people take it from him
    w.client(w.write("ann", "what is it?"))
    w.entries(card, 3)
    assert not deals(w)


@pytest.mark.parametrize("spoil,mark", [("lose", ""), ("reset", 'deal_mark_property = "gw_id"')])
def test_a_lost_answer_makes_no_second_deal(hub, start_gateway, spoil, mark):
    lost = []

    def lose(request, answer):
        if request.method == "POST" and request.path.endswith("/deals") and len(lost) < 2:
            lost.append(1)
            return Answer(200, b"", spoil=spoil)

    hub.after = lose
    w = World(start_gateway, hub, "deals = true\n  " + mark)
    card = w.card(w.write("ann", "hello"))
    w.entries(card, 1)
    found = deals(w)
    assert lost and len(found) == 1 and found[0][1]["dealname"] == "Ann" and found[0][1]["dealstage"] == "appointmentscheduled"
    assert ("gw_id" in found[0][1]) == bool(mark)


def test_hubspot_itself_takes_no_second_deal_by_our_mark(hub, start_gateway):
    """Its list of what is linked may be late: then the mark's rule answers."""
    lost = []

    def lose(request, answer):
        if request.method == "POST" and request.path.endswith("/deals") and not lost:
            lost.append(1)
            return Answer(200, b"", spoil="lose")
        if request.path.endswith("/associations/deals"):
            return Answer(200, {"results": []})

    hub.after = lose
    w = World(start_gateway, hub, 'deals = true\n  deal_mark_property = "gw_id"')
    w.entries(w.card(w.write("ann", "hello")), 1)
    assert lost and len(deals(w)) == 1


def test_a_deal_that_is_refused_holds_no_message_back(hub, start_gateway):
    w = World(start_gateway, hub, 'deals = true\n  deal_stage = "nowhere"')
    w.entries(w.card(w.write("ann", "hello")), 1)
    assert not deals(w) and not w.admin.get("/dead")["dead"]
    w.logged("event=hubspot.no_deal", "nowhere was not one of the allowed options")
