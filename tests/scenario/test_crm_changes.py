"""A card has another name or responsible in the CRM: so it is here, once, and nothing of ours comes back as news (crm.md
8.3). CRMs whose events are told of contacts; EspoCRM's and Odoo's are in their own files."""
import copy

import pytest
import requests

from crm_target_bitrix24 import Bitrix24Target
from crm_target_hubspot import HubSpotTarget
from crm_target_kommo import KommoTarget
from fakes.bitrix24 import APPLICATION_TOKEN
from fakes.kommo import crm as kommo
from fakes.wire import Answer
from harness import CONFIG, SLOWER, until
from test_crm_contract import World, own, number

PUBLIC = "https://chat.example.org"
SECRET = "Zm9vYmFyYmF6cXV4MTIzNDU2"
USERS = 'users = {{"anna=17", "bob=18"}}'


class Bitrix:
    name, is_webhook = "bitrix24", False
    extra = f'application_token = "{APPLICATION_TOKEN}"'
    secret = APPLICATION_TOKEN

    def __init__(self):
        self.target, self.gateway = Bitrix24Target(), None
        self.fake = self.target.server

    def section(self):
        return self.target.section(f"{self.extra}\n  {USERS}", self.is_webhook)

    def record(self, card):
        return self.fake.crm.items[3][int(card)]

    def user(self, card):
        return self.fake.do(lambda: int(self.record(card)["assignedById"]))

    def change(self, card, user=None, name=None):
        """A person does so; what the CRM then posts."""
        changed = ({"assignedById": user} if user else {}) | ({"name": name, "lastName": ""} if name else {})
        self.fake.do(lambda: self.record(card).update(changed))
        return self.fake.contact_event(card)

    def touch(self, card):
        """Something else of the card has changed."""
        return self.change(card)

    def post(self, body, path="", **kw):
        return requests.post(f"{self.gateway.url}/hooks/bitrix24/crm{path}", body, timeout=30, **{
            "headers": {"Content-Type": "application/x-www-form-urlencoded"}, **kw})

    def echo(self, news):
        self.post(self.fake.contact_event(news))

    def is_look(self, request):
        return "crm.item.get" in request.path or b"crm.item.get" in request.body

    def forged(self, card):
        body = self.fake.contact_event
        return [self.post(body(card, token)) for token in ("", "x", APPLICATION_TOKEN[:-1])] + [self.post(b""), self.post(b"a[b]=1&a=2")]

    def others(self, card):
        return [self.fake.contact_event(999999), self.fake.contact_event(card, name="ONCRMLEADUPDATE"), self.fake.contact_event("x")]


class BitrixWebhook(Bitrix):
    name, is_webhook = "bitrix24-webhook", True


class Kommo(Bitrix):
    name = "kommo"
    extra = f'hook_secret = "{SECRET}"\n  responsible = 19'
    secret = SECRET

    def __init__(self):
        self.target, self.gateway = KommoTarget(), None
        self.fake = self.target.server
        self.fake.crm.users |= {19}

    def section(self):
        return self.target.section(f"{self.extra}\n  {USERS}")

    def record(self, card):
        return self.fake.crm.contacts[int(card)]

    def user(self, card):
        return self.fake.do(lambda: self.record(card)["responsible_user_id"])

    def change(self, card, user=None, name=None):
        def change():
            r = self.record(card)
            old = r["responsible_user_id"]
            r.update(({"responsible_user_id": user} if user else {}) | ({"name": name} if name else {}))
            return kommo.told(self.fake, card, old if user and user != old else None)
        return self.fake.do(change)

    def post(self, body, path=f"/{SECRET}", **kw):
        return requests.post(f"{self.gateway.url}/hooks/kommo/crm{path}", body, timeout=30, **{
            "headers": {"Content-Type": "application/x-www-form-urlencoded"}, **kw})

    def echo(self, news):
        self.post(kommo.told(self.fake, *news))

    def is_look(self, request):
        return request.method == "GET" and "/api/v4/contacts/" in request.path

    def forged(self, card):
        body = kommo.told(self.fake, card)
        return [self.post(body, path) for path in ("", "/x", f"/{SECRET}x", f"/{SECRET[:-1]}", f"/{SECRET}/y")] + [self.post(b"")]

    def others(self, card):
        return [kommo.told(self.fake, 999999), kommo.told(self.fake, card, kind="company"), kommo.told(self.fake, card, action="add"),
                b"contacts[update][0][id]=x", b"leads[update][0][id]=17", b"contacts=1"]


class Hub(Bitrix):
    name = "hubspot"
    extra = f'client_secret = "{SECRET}"'
    secret = SECRET

    def __init__(self):
        self.target, self.gateway = HubSpotTarget(), None
        self.fake = self.target.server

    def section(self):
        return self.target.section(f"{self.extra}\n  {USERS}")

    def record(self, card):
        return self.fake.objects["contacts"][card]["properties"]

    def user(self, card):
        return int(self.fake.do(lambda: self.record(card).get("hubspot_owner_id") or 0))

    def change(self, card, user=None, name=None):
        def change():
            changed = {"hubspot_owner_id": str(user)} if user else {}
            if name:
                first, _, last = name.partition(" ")
                changed |= {"firstname": first, "lastname": last}
            self.record(card).update(changed)
            return self.fake.changes(card, changed)
        return self.fake.do(change)

    def touch(self, card):
        return self.fake.changes(card, {"phone": "+1", "firstname": self.record(card)["firstname"]})

    def post(self, body, path="/events", secret=SECRET, uri=None, **kw):
        self.fake.hook = f"{self.gateway.url}/hooks/hubspot/crm{path}"
        return self.fake.post(body, secret, uri or f"{PUBLIC}/hooks/hubspot/crm{path}", **kw)

    def echo(self, news):
        self.post(self.fake.changes(*news, changeSource="INTEGRATION"))

    def is_look(self, request):
        return request.method == "GET" and "/contacts/" in request.path and "idProperty" not in request.query

    def forged(self, card):
        body = self.fake.changes(card, {"firstname": "Evil"})
        return [self.post(body, secret=None), self.post(body, secret="another"), self.post(body, uri="https://elsewhere/events"),
                self.post(body, at=0), self.post(body, path=""), self.post(b"7"), self.post(b"[7]")]

    def others(self, card):
        return [self.fake.changes(999999, {"firstname": "x"}), self.fake.changes(card, {"firstname": "x"}, of="company"),
                self.fake.changes(card, {"city": "x"}), []]


class Back(World):
    def __init__(self, crm, start_gateway):
        self.crm, self.target = crm, crm.target
        self.gateway = crm.gateway = start_gateway(config=CONFIG + crm.section(), sets=[f"public_url={PUBLIC}"])
        crm.fake.tell = crm.echo
        self.admin = self.gateway.login()
        for name in ("anna", "bob"):
            self.gateway.add_user(name)

    def begin(self, who=None, **kw):
        self.thread = self.write(who or own("ann"), "hello?", **kw)["thread"]
        self.card = self.wait_card(self.thread)
        self.wait_history(self.card, 1)

    def client(self):
        return self.admin.get(f"/threads/{self.thread}")["thread"]["client"]["id"]

    def name(self):
        return self.admin.get(f"/clients/{self.client()}")["client"]["name"]

    def assignee(self):
        return self.admin.get(f"/threads/{self.thread}")["thread"]["assignee"]

    def tell(self, body, times=1):
        for _ in range(times):
            r = self.crm.post(body)
            assert r.status_code == 200, r.text

    def turns(self):
        return [m["event"]["to"] for m in self.admin.messages(self.thread) if m.get("event", {}).get("type") == "assigned"]

    def rest(self):
        """All that was told so far is acted on: nothing waits in the gateway."""
        def waits():
            return sum(self.gateway.redis.xlen(k) for k in self.gateway.redis.keys("sb:*:from:crm")
                       if self.gateway.redis.type(k) == b"stream")
        until(lambda: waits() == 0, 20 * SLOWER, why=self.gateway.log()[-1500:])


@pytest.fixture(params=[Bitrix, BitrixWebhook, Kommo, Hub], ids=lambda c: c.name)
def crm(request):
    c = request.param()
    yield c
    c.target.close()


@pytest.fixture
def back(crm, start_gateway):
    return Back(crm, start_gateway)


def test_a_responsible_goes_both_ways_and_not_in_circles(back, crm):
    back.begin()
    back.tell(crm.change(back.card, user=17), 3)  # told again it is no other change
    until(lambda: back.assignee() == "anna", 20 * SLOWER, why=back.gateway.log()[-1500:])
    back.tell(crm.change(back.card, user=18))
    until(lambda: back.assignee() == "bob", 20 * SLOWER)
    back.admin.patch(f"/threads/{back.thread}", {"assignee": "anna"})
    until(lambda: crm.user(back.card) == 17, 20 * SLOWER)  # and the CRM tells us so
    back.tell(crm.change(back.card, user=19), 3)  # nobody of ours: ours stays
    until(lambda: "crm.unknown_user" in back.gateway.log(), 20 * SLOWER)
    back.rest()
    assert back.assignee() == "anna" and crm.user(back.card) == 19
    assert back.gateway.log().count("crm.unknown_user") == 1
    back.tell(crm.change(back.card, user=17))
    back.tell(crm.change(back.card, user=18))
    until(lambda: back.assignee() == "bob", 20 * SLOWER, why=back.gateway.log()[-1500:])
    back.rest()
    assert back.turns() == ["anna", "bob", "anna", "bob"] and not back.dead() and crm.user(back.card) == 18


def test_a_name_goes_both_ways_and_not_in_circles(back, crm):
    back.begin()
    ours = back.name()
    back.tell(crm.touch(back.card), 2)
    back.rest()
    assert back.name() == ours
    back.tell(crm.change(back.card, name="Ann Smith"), 3)
    until(lambda: back.name() == "Ann Smith", 20 * SLOWER, why=back.gateway.log()[-1500:])
    back.admin.patch(f"/clients/{back.client()}", {"name": "Ann S."})
    until(lambda: back.target.cards()[back.card] == "Ann S.", 20 * SLOWER)
    back.tell(crm.touch(back.card))
    back.tell(crm.change(back.card, name="Ann Smith"))  # and this is a person again
    until(lambda: back.name() == "Ann Smith", 20 * SLOWER, why=back.gateway.log()[-1500:])
    back.rest()
    assert back.name() == "Ann Smith" and not back.dead()


def test_what_people_called_him_before_is_no_news(back, crm):
    """His card was there under another name: nobody has renamed him."""
    mine = number()
    card = back.target.add_card("Ivan Petrov", ("mobile", mine))
    back.begin(mine, kind="phone", verified=True)
    assert back.card == card
    ours = back.name()
    back.tell(crm.touch(card))
    back.rest()
    assert back.name() == ours and back.target.cards()[card] == "Ivan Petrov"
    back.tell(crm.change(card, name="Ivan Sidorov"))
    until(lambda: back.name() == "Ivan Sidorov", 20 * SLOWER, why=back.gateway.log()[-1500:])


def test_strangers_are_not_heard_and_others_cards_ask_nothing(back, crm):
    back.begin()
    ours = back.name()
    before = crm.fake.do(lambda: copy.deepcopy(crm.record(back.card)))
    body = crm.change(back.card, user=18, name="Evil")
    for r in crm.forged(back.card):
        assert r.status_code in (400, 401, 404), (r.status_code, r.text)
    crm.fake.do(lambda: crm.record(back.card).update(before))
    looks = sum(crm.is_look(r) for _, r in crm.fake.calls)
    for other in crm.others(back.card):
        back.tell(other)
    back.rest()
    assert sum(crm.is_look(r) for _, r in list(crm.fake.calls)) == looks
    assert back.assignee() is None and back.name() == ours and not back.dead()
    assert crm.secret not in back.gateway.log()
    crm.fake.do(lambda: crm.record(back.card).update(before))
    body = crm.change(back.card, user=18)
    back.tell(body)
    until(lambda: back.assignee() == "bob", 20 * SLOWER, why=back.gateway.log()[-1500:])


def test_what_is_told_while_the_crm_stumbles_waits(back, crm):
    """F02: it is on disk before it is answered, and looked at when that can be."""
    back.begin()
    left = [2]

    def stumble(request):
        if crm.is_look(request) and left[0]:
            left[0] -= 1
            return Answer(503, b"busy", type="text/plain")
        return None

    crm.fake.before = stumble
    back.tell(crm.change(back.card, user=18, name="Ann Smith"))
    back.gateway.kill_worker()
    until(lambda: back.assignee() == "bob" and back.name() == "Ann Smith", 60 * SLOWER, why=back.gateway.log()[-1500:])
    assert not back.dead() and left == [0]
