"""Signing in by an OpenID Connect provider: each attack that RFC 9700 and OpenID Connect Core name is refused, in words of
the sign-in page that tell nothing of why. Rows T10, T24 of the peers' advisories; ASVS 6.3.1, 7.2.4, 11.2.4, 15.3.2."""
import asyncio
import hashlib
import hmac
import json
import re
import threading
import time
import urllib.parse

import pytest
import requests
from clients import Api
from cryptography.hazmat.primitives import serialization
from fakes.oidc import Key, Oidc, b64, jwt
from fakes.wire import Answer
from harness import CONFIG, SLOWER, Gateway, patience, until
from test_advisories import Listener
from test_api_auth import closed, socket_of

PEOPLE = {
    "ann": {"sub": "f:1:ann", "preferred_username": "Ann", "name": "Ann Lee", "email": "ann@corp.example", "email_verified": True,
            "groups": ["staff", "leads"]},
    "bob": {"sub": "f:1:bob", "preferred_username": "bob", "name": "Bob", "email": "bob@corp.example", "email_verified": False,
            "groups": ["staff"]},
    "eve": {"sub": "f:1:eve", "preferred_username": "ann", "name": "Ann Lee", "email": "ann@elsewhere.example", "email_verified": True},
    "new": {"sub": "f:1:new", "preferred_username": "newcomer", "name": "New Comer", "email": "new@corp.example", "email_verified": True,
            "groups": ["nobody's"]},
}


def section(name, fake, more=""):
    secret = fake.secret.replace('"', '\\"')
    return (f'oidc "{name}" {{{{ issuer = "{fake.issuer}" client_id = "{fake.client}" client_secret = "{secret}" '
            f'allow_private = true {more} }}}}\n')


def config(*sections):
    return CONFIG.replace("agents {{", 'public_url = "http://127.0.0.1:{port}"\nagents {{') + "".join(sections)


class World:
    """A gateway with providers, each with the words of its section."""

    def __init__(self, **more):
        self.fakes = {name: Oidc(json.loads(json.dumps(PEOPLE))) for name in more}
        self.fake = next(iter(self.fakes.values()))
        self.g = Gateway(workers=1, config=config(*(section(n, self.fakes[n], more[n]) for n in more)))
        for name, fake in self.fakes.items():
            fake.redirect = f"{self.g.url}/sign-in/{name}/callback"
        self.g.start()
        for name in ("ann", "bob"):
            self.g.add_user(name)

    def browser(self):
        s = requests.Session()
        s.trust_env = False
        s.headers["User-Agent"] = "Mozilla/5.0 Chrome/142"
        return s

    def get(self, browser, url, **kw):
        return browser.get(url, allow_redirects=False, timeout=patience(), **kw)

    def leave(self, browser, name=None, **params):
        """Begins it: the provider's page, as bytes of its form."""
        name = name or next(iter(self.fakes))
        r = self.get(browser, f"{self.g.url}/sign-in/{name}", params=params)
        assert r.status_code == 303, r.text
        return r.headers["Location"]

    def decide(self, address, who):
        """What a person does there, in a browser of the same kind: the address that he is sent back to."""
        page = requests.get(address, timeout=patience(), stream=True)  # stream: no page of ours, nothing to hold it against
        form = {"request": re.search(r'name="request" value="([^"]+)"', page.text)[1], "as": who}
        r = requests.post(urllib.parse.urljoin(address, "/decide"), data=form, allow_redirects=False, timeout=patience(), stream=True)
        return r.headers["Location"]

    def come_back(self, browser, address, **kw):
        """How it ends: the word that the page is told, and where."""
        r = self.get(browser, address, **kw)
        assert r.status_code == 303 and not r.content, r.text
        to = urllib.parse.urlsplit(r.headers["Location"])
        assert not to.scheme and not to.netloc and to.path in ("/", "/admin"), r.headers["Location"]
        return urllib.parse.parse_qs(to.query)["sign_in"][0], r

    def sign_in(self, who, browser=None, name=None, **params):
        browser = browser or self.browser()
        return self.come_back(browser, self.decide(self.leave(browser, name, **params), who))[0]

    def signed_in(self, browser):
        r = browser.get(self.g.url + "/api/v1/session", timeout=patience())
        return r.json()["agent"]["name"] if r.status_code == 200 else None

    def close(self):
        self.g.destroy()
        for fake in self.fakes.values():
            fake.close()


@pytest.fixture(scope="module")
def w():
    world = World(corp='name = "Corp"', other="")
    yield world
    world.close()


@pytest.fixture(autouse=True)
def honest(request):
    if "w" in request.fixturenames:
        for fake in request.getfixturevalue("w").fakes.values():
            fake.do(fake.honest)


# --- as it should be -------------------------------------------------------------------------------------


def test_who_the_provider_names_is_signed_in(w):
    """The same session as by a password: new at each sign-in, listed, noted, ended; the cookie of the way there is gone."""
    ways = requests.get(w.g.url + "/api/v1/sign-in", timeout=patience()).json()["providers"]
    assert ways[0] == {"id": "corp", "name": "Corp", "url": "/sign-in/corp"} and ways[1]["name"] == "other"
    browser = w.browser()
    browser.cookies.set("sb_session", "chosen-by-somebody-else", domain="127.0.0.1", path="/")
    address = w.leave(browser, next="/admin#/t/1?x=%d0")
    asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
    assert asked["code_challenge_method"] == "S256" and asked["tenant"] == "1" and asked["scope"] == "openid profile email"
    held = next(c for c in browser.cookies if c.name == "sb_sign_in")
    assert held.has_nonstandard_attr("HttpOnly") and held.get_nonstandard_attr("SameSite") == "Lax" and held.path == "/sign-in"
    assert not any(asked[k] in held.value for k in ("state", "nonce", "code_challenge"))
    word, r = w.come_back(browser, w.decide(address, "ann"))
    assert word == "ok" and r.headers["Location"] == "/admin?sign_in=ok#/t/1?x=%d0"
    assert not any(c.name == "sb_sign_in" for c in browser.cookies)
    made = re.search(r"sb_session=([\w-]{43}); HttpOnly; SameSite=Strict; Path=/;", r.headers["Set-Cookie"])
    assert made and w.signed_in(browser) == "ann"
    (one,) = browser.get(w.g.url + "/api/v1/sessions", timeout=patience()).json()["sessions"]
    assert one["current"] and one["browser"] == "Mozilla/5.0 Chrome/142"
    noted = w.g.login().get("/audit", what="session.opened", by="ann")["entries"][0]
    assert noted["detail"] == {"provider": "corp"} and noted["session"] == one["id"]
    browser.delete(w.g.url + "/api/v1/session", headers={"Origin": w.g.url}, timeout=patience())
    assert w.signed_in(browser) is None
    log = w.g.log()
    for secret in (made[1], w.fake.secret, *w.fake.codes, *w.fake.tokens):
        assert secret not in log


def test_other_ways_of_a_provider(w):
    """ES256; the client's secret in the body; claims that only userinfo tells; keys that have changed, fetched anew once."""
    fake = w.fakes["other"]
    fake.keys, fake.auth, fake.thin = [Key("ES256"), Key()], ["client_secret_post"], True
    assert w.sign_in("bob", name="other") == "ok" and fake.count("/userinfo") == 1
    assert w.sign_in("bob", name="other") == "ok" and fake.count("/keys") == 1 and fake.count("/realm/.well-known/openid-configuration") == 1
    fake.thin, fake.keys = False, [Key(), Key("ES256")]
    assert w.sign_in("bob", name="other") == "ok" and fake.count("/keys") == 2
    fake.before = lambda request: Answer(503, {}) if request.path == "/userinfo" else None
    fake.claims = lambda c: {k: v for k, v in c.items() if k != "name"}
    asked = fake.count("/userinfo")
    assert w.sign_in("bob", name="other") == "ok" and fake.count("/userinfo") == asked + 1, "what he is called keeps nobody out"
    fake.claims = lambda c: {k: v for k, v in c.items() if k != "preferred_username"}
    assert w.sign_in("bob", name="other") == "away"
    fake.before, fake.claims = None, lambda c: c
    fake.keys = [Key()]
    assert [w.sign_in("bob", name="other") for _ in range(2)] == ["failed"] * 2 and fake.count("/keys") == 2, "not for each unknown key"


# --- tokens that nobody must believe ------------------------------------------------------------------------


def hs256_by_the_public_key(fake):
    public = fake.keys[0].key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return {"header": {"alg": "HS256"}, "sign": lambda data: hmac.new(public, data, hashlib.sha256).digest()}


def changed(**claims):
    """The claims with some others; None: without it."""
    return lambda fake: {"claims": lambda c: {k: v for k, v in {**c, **claims}.items() if v is not None}}


def own_token(**header):
    """By a key of the attacker's."""
    key = Key()
    return lambda fake: {"token": lambda c: jwt(key, c, {"kid": fake.keys[0].kid, **header})}


def payload_changed(fake):
    def token(claims):
        head, _, signature = jwt(fake.keys[0], {**claims, "preferred_username": "bob"}).split(".")
        return ".".join((head, b64(json.dumps(claims).encode()), signature))
    return {"token": token}


SOON = {
    "forged signature": own_token(), "payload changed": payload_changed, "key in the header": own_token(jwk=Key().jwk),
    "unknown kid": own_token(kid="nobody's"), "no kid": own_token(kid=None), "long kid": own_token(kid="k" * 300),
    "alg none": lambda fake: {"token": lambda c: jwt(fake.keys[0], c, {"alg": "none"}, lambda _: b"")},
    "alg none, signed": lambda fake: {"header": {"alg": "none"}}, "alg nOnE": lambda fake: {"header": {"alg": "nOnE"}},
    "HS256 by the public key": hs256_by_the_public_key, "ES256 said of an RSA key": lambda fake: {"header": {"alg": "ES256"}},
    "crit": lambda fake: {"header": {"crit": ["exp"]}}, "not a token": lambda fake: {"token": lambda c: "a.b"},
    "signature cut": lambda fake: {"sign": lambda data: fake.keys[0].sign(data)[:-1]},
    "wrong aud": changed(aud="somebody else", azp=None), "aud of several": changed(aud=["switchboard", "x"], azp=None),
    "no aud": changed(aud=None), "wrong azp": changed(azp="somebody else"), "wrong nonce": changed(nonce="n" * 43), "no nonce": changed(nonce=None),
    "empty nonce": changed(nonce=""), "expired": changed(exp=int(time.time()) - 3600), "no exp": changed(exp=None), "exp as text": changed(exp="9999999999"),
    "of the future": changed(iat=int(time.time()) + 3600), "of long ago": changed(iat=int(time.time()) - 9999), "not yet": changed(nbf=int(time.time()) + 3600),
    "other issuer": changed(iss="https://elsewhere.example"), "issuer with a slash more": lambda fake: changed(iss=fake.issuer + "/")(fake),
    "no sub": changed(sub=None), "at_hash of another token": changed(at_hash="x" * 22),
    "userinfo of somebody else": lambda fake: {"thin": True, "userinfo": lambda c: {**c, "sub": "f:1:bob"}},
    "mix-up: another issuer answers": lambda fake: {"answer_iss": "https://elsewhere.example"},
    "mix-up: nobody answers": lambda fake: {"answer_iss": False},
}


@pytest.mark.parametrize("attack", SOON)
def test_what_is_not_right_in_all_opens_nothing(w, attack):
    for key, value in SOON[attack](w.fake).items():
        setattr(w.fake, key, value)
    browser = w.browser()
    assert w.sign_in("ann", browser) == "failed"
    assert w.signed_in(browser) is None and not any(c.name == "sb_session" for c in browser.cookies)
    assert "sign_in.failed" in w.g.log()


def test_no_address_in_a_token_is_asked(w):
    """T24: keys are taken from where discovery says, whatever the token's header names."""
    listener = Listener()
    w.fake.header = {"jku": listener.url + "/keys", "x5u": listener.url + "/cert"}
    w.fake.claims = lambda c: {**c, "_claim_sources": {"src": {"endpoint": listener.url + "/claims"}}}
    assert w.sign_in("ann") == "ok"
    kept = w.fake.keys
    w.fake.keys = [Key(), *kept]  # kept: where keys are fetched anew for it, the others are not lost
    w.sign_in("ann")
    w.fake.keys = kept
    listener.socket.close()
    assert not listener.came


# --- browsers that are made to -----------------------------------------------------------------------------------


def test_a_way_is_gone_once_and_by_the_browser_that_began_it(w):
    """Replayed state, login CSRF (somebody else's code in my browser), a changed cookie, another provider's: nothing opens."""
    mine, eves = w.browser(), w.browser()
    theirs = w.decide(w.leave(eves), "bob")
    assert w.come_back(mine, theirs)[0] == "expired", "a browser that has begun nothing"
    address = w.decide(w.leave(mine), "ann")
    assert w.come_back(mine, theirs)[0] == "expired", "one that has begun its own"
    assert w.signed_in(mine) is None
    held = mine.cookies.get_dict()["sb_sign_in"]
    for cookie in (held[:-2] + "AA", held[:20], "", "x", eves.cookies.get_dict()["sb_sign_in"]):
        r = w.get(requests, address, headers={"Cookie": "sb_sign_in=" + cookie})
        assert "sign_in=expired" in r.headers["Location"] and "Set-Cookie" not in r.headers
    r = w.get(requests, address.replace("/corp/", "/other/"), headers={"Cookie": "sb_sign_in=" + held})
    assert "sign_in=expired" in r.headers["Location"]
    for state in ("", "x", None):
        query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))
        query.pop("state")
        r = w.get(mine, address.partition("?")[0], params={**query, **({"state": state} if state is not None else {})})
        assert "sign_in=expired" in r.headers["Location"]
    assert w.come_back(mine, address)[0] == "ok", "none of it has spoilt his own"
    asked = w.fake.count("/token")
    r = w.get(requests, address, headers={"Cookie": "sb_sign_in=" + held})
    assert "sign_in=expired" in r.headers["Location"] and "sb_session" not in str(r.headers), "replayed, with the cookie"
    assert w.fake.count("/token") == asked


@pytest.mark.parametrize("next", ["//evil.example", "https://evil.example", "/\\evil.example", "/%09/evil.example", "/admin.evil.example", "javascript:alert(1)",
                                  "/?x=1", "/api/v1/session", "/@evil.example", "/#" + "a" * 300, "", "\u202e/"])
def test_nobody_is_led_elsewhere(w, next):
    """Open redirect: after it he is on the inbox's page, or on one of its own that he named."""
    browser = w.browser()
    word, r = w.come_back(browser, w.decide(w.leave(browser, next=next), "ann"))
    assert word == "ok" and r.headers["Location"] == "/?sign_in=ok"


def test_no_other_site_begins_it(w):
    r = requests.get(w.g.url + "/sign-in/corp", headers={"Sec-Fetch-Site": "cross-site"}, allow_redirects=False, timeout=patience())
    assert r.status_code == 303 and r.headers["Location"] == "/" and "Set-Cookie" not in r.headers
    assert requests.get(w.g.url + "/sign-in/nobody", timeout=patience()).status_code == 404


def test_the_provider_says_no(w):
    assert w.sign_in("") == "denied"
    browser = w.browser()
    address = w.decide(w.leave(browser), "")
    assert w.come_back(browser, address.replace("access_denied", "server_error"))[0] == "failed"
    browser = w.browser()
    address = re.sub(r"code=[^&]+", "code=made-up", w.decide(w.leave(browser), "ann"))
    assert w.come_back(browser, address)[0] == "failed"
    w.fake.secret, kept = "another", w.fake.secret
    assert w.sign_in("ann") == "failed"
    w.fake.secret = kept


# --- who may ---------------------------------------------------------------------------------------------------------


def test_only_agents_come_in_and_each_as_himself(w):
    """T10: a stranger, a disabled agent and another person of the same name do not; the second factor is the provider's affair."""
    assert w.sign_in("new") == "unknown"
    assert w.sign_in("ann") == "ok"
    assert w.sign_in("eve") == "unknown", "ann's name, given to somebody else there"
    boss = w.g.login()
    refused = [e["detail"]["reason"] for e in boss.get("/audit", what="session.refused")["entries"][:2]]
    assert refused == ["another", "unknown"]
    w.fake.claims = lambda c: {**c, "preferred_username": "ann.married"}
    browser = w.browser()
    assert w.sign_in("ann", browser) == "ok" and w.signed_in(browser) == "ann", "known by the provider's id, whatever she is called"
    w.fake.do(w.fake.honest)
    w.g.login("ann", w.g.PASSWORD).second_factor(w.g.PASSWORD)
    assert w.sign_in("ann", browser) == "ok" and w.signed_in(browser) == "ann"
    w.g.cli("user", "disable", "ann")
    until(lambda: w.signed_in(browser) is None)
    assert w.sign_in("ann", browser) == "unknown" and w.signed_in(browser) is None
    w.g.cli("user", "enable", "ann")
    w.g.cli("user", "forget-provider", "ann")
    assert w.sign_in("eve", browser) == "ok" and w.sign_in("ann") == "unknown", "the next of the name"
    assert w.g.cli("user", "forget-provider", "bob2", check=False).returncode == 1
    assert w.signed_in(browser) == "ann"
    w.g.cli("user", "forget-provider", "ann")
    until(lambda: w.signed_in(browser) is None)


def test_rules_of_a_section(making_world):
    """Agents that are made, roles by a claim at each sign-in, the last admin stays; mail addresses of our domains, verified."""
    roles = 'create = true role_claim = "groups" admins = {{"bosses"}} supervisors = {{"leads"}} agents = {{"staff"}}'
    w = making_world(roles=roles, mails='claim = "email" domains = {{"corp.example"}}')
    browser = w.browser()
    assert w.sign_in("ann", browser) == "ok"
    assert browser.get(w.g.url + "/api/v1/session", timeout=patience()).json()["agent"]["role"] == "supervisor"
    assert w.sign_in("new") == "unknown", "none of the groups"
    new = w.fake.people["new"]
    new["groups"] = "bosses"
    other = w.browser()
    assert w.sign_in("new", other) == "ok"
    made = other.get(w.g.url + "/api/v1/session", timeout=patience()).json()["agent"]
    assert (made["name"], made["display_name"], made["role"]) == ("newcomer", "New Comer", "admin")
    assert Api(w.g.url).ask("POST", "/session", json={"name": "newcomer", "password": ""}).status_code in (400, 401)
    new["groups"] = ["staff"]
    assert w.sign_in("new", other) == "ok"
    assert other.get(w.g.url + "/api/v1/session", timeout=patience()).json()["agent"]["role"] == "agent"
    noted = w.g.login().get("/audit", what="agent", subject="newcomer")["entries"]
    assert [(e["what"], e["by"], e["detail"]) for e in noted] == [
        ("agent.changed", "newcomer", {"provider": "roles", "role": "agent"}), ("agent.added", "newcomer", {"provider": "roles", "role": "admin"})]
    new["groups"] = ["bosses"]
    assert w.sign_in("new") == "ok"
    w.g.cli("user", "disable", "admin")
    new["groups"] = ["staff"]
    assert w.sign_in("new") == "unknown", "nobody would be left who may help"
    mails = w.fakes["mails"].people
    assert w.sign_in("ann", name="mails") == "ok"
    assert w.sign_in("bob", name="mails") == "unknown", "not verified"
    mails["bob"].update(email_verified=True, email="bob@corp.example.evil.example")
    assert w.sign_in("bob", name="mails") == "unknown", "another domain"
    mails["bob"].update(email="Bob@Corp.Example", email_verified="true")
    assert w.sign_in("bob", name="mails") == "unknown", "a word is no truth"
    mails["bob"].update(email_verified=True)
    assert w.sign_in("bob", name="mails") == "ok"
    w.fakes["mails"].keys = [Key(kid=w.fakes["mails"].keys[0].kid)]
    assert w.sign_in("bob", name="mails") == "ok", "another key by the same name"


def test_roles_that_lie_in_objects_and_passwords_switched_off(making_world):
    """Keycloak's way to tell roles. And a gateway without passwords: the same refusal whoever it is, until the setting is changed."""
    roles = 'create = true role_claim = "{0}" supervisors = {{{{"leads"}}}} agents = {{{{"staff"}}}}'
    w = making_world(realm=roles.format("realm_access.roles"), client=roles.format("resource_access.desk.v2.roles"),
                     url=roles.format("https://example.com/roles"))
    told = {"realm_access": {"roles": ["offline_access", "leads"]}, "resource_access": {"account": {"roles": ["leads"]}, "desk.v2": {"roles": ["staff"]}},
            "https://example.com/roles": "staff"}
    for name, role in (("realm", "supervisor"), ("client", "agent"), ("url", "agent")):
        browser = w.browser()
        w.fakes[name].people["new"].update(told, preferred_username="new." + name)
        w.fakes[name].thin = name == "client"  # by userinfo only
        assert w.sign_in("new", browser, name) == "ok"
        assert browser.get(w.g.url + "/api/v1/session", timeout=patience()).json()["agent"]["role"] == role
        assert w.sign_in("ann", name=name) == "unknown", "nothing there gives her a role"
    boss, typed = w.g.login(), {"name": "ann", "password": w.g.PASSWORD}
    with_passwords = w.g.config_text
    w.g.config_text = with_passwords.replace("agents {{", "agents {{ password_sign_in = false")
    w.g.write_config()
    w.g.reload()
    assert requests.get(w.g.url + "/api/v1/sign-in", timeout=patience()).json()["password"] is False
    refused = [Api(w.g.url).ask("POST", "/session", json={**typed, **how}) for how in ({}, {"password": "wrong"}, {"name": "nobody"})]
    assert {r.status_code for r in refused} == {403} and len({r.text for r in refused}) == 1 and "by the provider" in refused[0].json()["detail"]
    r = boss.ask("POST", "/session/password", json={"old": w.g.password, "new": "a new set of words"})
    assert r.status_code == 403 and "switched off" in r.json()["detail"], "nor is one's own a way to a session without an end"
    assert w.sign_in("new", name="realm") == "ok" and boss.get("/threads") is not None, "who is signed in stays"
    assert "nobody can sign in" not in w.g.cli("doctor", check=False).stdout
    for fake in w.fakes.values():
        fake.metadata = {"jwks_uri": None}
    assert re.search("fail +nobody can sign in: passwords are switched off, and no provider works", w.g.cli("doctor", check=False).stdout)
    w.g.config_text = re.sub(r"(?m)^oidc .*$", "", w.g.config_text)
    w.g.write_config()
    assert "needs a provider" in w.g.cli("check-config", check=False).stderr
    w.g.config_text = with_passwords
    w.g.write_config()
    w.g.reload()
    assert Api(w.g.url).ask("POST", "/session", json=typed).status_code == 200, "the way for emergencies"


def test_signing_out_there_too(making_world):
    """OpenID Connect RP-Initiated Logout 1.0, after our own session is over; only if it is wanted, and nothing secret is in the address."""
    w = making_world(corp="sign_out = true", nowhere="sign_out = true", off="")
    w.fakes["nowhere"].metadata = {"end_session_endpoint": "javascript:alert(1)"}

    def leave(browser):
        r = browser.delete(w.g.url + "/api/v1/session", headers={"Origin": w.g.url}, timeout=patience())
        assert w.signed_in(browser) is None and not browser.cookies.get_dict()
        return r
    browser = w.browser()
    assert w.sign_in("ann", browser) == "ok"
    held = next(c for c in browser.cookies if c.name == "sb_provider")
    assert held.value == "corp" and held.path == "/api/v1/session" and held.has_nonstandard_attr("HttpOnly")
    go = leave(browser).json()["go"]
    asked = urllib.parse.urlsplit(go)
    assert go.startswith(w.fake.url + "/logout?")
    assert dict(urllib.parse.parse_qsl(asked.query)) == {"client_id": w.fake.client, "post_logout_redirect_uri": w.g.url + "/"}
    r = requests.get(go, allow_redirects=False, timeout=patience(), stream=True)
    assert r.status_code == 302 and r.headers["Location"] == w.g.url + "/"
    w.fake.close()
    assert w.sign_in("ann", browser, "nowhere") == "ok" and leave(browser).status_code == 204
    assert w.sign_in("ann", browser, "off") == "ok" and leave(browser).status_code == 204
    assert "warn  oidc \"nowhere\": it names no page" in w.g.cli("doctor", check=False).stdout
    for cookie in ("off", "nobody", "../x"):  # whatever a browser says: it is led to a provider of ours, or nowhere
        api = w.g.login()
        assert api.http.delete(w.g.url + "/api/v1/session", headers={"Origin": w.g.url, "Cookie": f"{api.cookie}; sb_provider={cookie}"}).status_code == 204


def test_a_session_ends_though_it_is_used(making_world):
    """ASVS 7.4.1, T26: after its time the provider is asked again; its socket is told at once."""
    w = making_world(corp='session = "1s"')
    browser = w.browser()
    assert w.sign_in("ann", browser) == "ok"
    began = time.monotonic()
    cookie = f"sb_session={browser.cookies.get_dict()['sb_session']}"
    ws = socket_of(w.g, None, {"type": "hello"}, {"Cookie": cookie})
    by_password = w.g.login("ann", w.g.PASSWORD)
    until(lambda: w.signed_in(browser) is None)
    assert time.monotonic() - began >= 1 and closed(ws)[0] == 4401
    assert [s["current"] for s in by_password.get("/sessions")["sessions"]] == [True]


def test_a_first_password_that_was_not_used_is_gone(making_world):
    """And ASVS 6.3.1: an address that comes back too often is told to wait, before anything of it is looked at."""
    w = making_world(corp="")
    boss = w.g.login()
    boss.post("/agents", {"name": "newcomer", "display_name": "New", "role": "agent", "password": "one two three"})
    browser = w.browser()
    assert w.sign_in("new", browser) == "ok"
    me = browser.get(w.g.url + "/api/v1/session", timeout=patience()).json()["agent"]
    assert me["must_change_password"] is False and browser.get(w.g.url + "/api/v1/threads", timeout=patience()).status_code == 200
    assert Api(w.g.url).ask("POST", "/session", json={"name": "newcomer", "password": "one two three"}).status_code == 401
    browser = w.browser()
    address = w.decide(w.leave(browser), "new")
    cookie = {"Cookie": "sb_sign_in=" + browser.cookies.get_dict()["sb_sign_in"]}
    words, began = [], time.monotonic()
    until(lambda: words.append(w.come_back(requests.Session(), address, headers=cookie)[0]) or words[-1] == "busy", step=0)
    minutes = 2 + int((time.monotonic() - began) / 60)
    assert words[:2] == ["ok", "expired"] and set(words[2:-1]) == {"expired"} and len(words) > 250 and w.fake.count("/token") == 2
    assert 100 <= w.g.log().count("sign_in.failed ") <= 100 * minutes, "and fills no disk: 100 lines a minute"


def test_who_is_refused_keeps_his_first_password(making_world):
    """The only admin, whom the provider would make an agent, stays out by it: his password is the one way left."""
    w = making_world(corp='role_claim = "groups" admins = {{"bosses"}} agents = {{"staff"}}')
    w.g.redis.hset("sb:user:admin", "must_change_password", "1")
    w.fake.claims = lambda c: {**c, "preferred_username": "admin", "groups": ["staff"]}
    assert w.sign_in("ann") == "unknown"
    body = {"name": "admin", "password": w.g.password}
    assert Api(w.g.url).ask("POST", "/session", json=body).status_code == 200


@pytest.fixture
def making_world():
    made = []

    def make(**sections):
        made.append(World(**sections))
        return made[-1]

    yield make
    for world in made:
        world.close()


# --- providers that are away, or lie ---------------------------------------------------------------------------------------


def test_what_the_doctor_and_the_page_say_of_a_bad_provider(making_world):
    w = making_world(corp="")
    out = w.g.cli("doctor", check=False).stdout
    assert re.search(r'ok +oidc "corp": http\S+/realm is found .keys: 1.; the redirect URI to register there is http://127\S+/sign-in/corp/callback', out), out
    for metadata, words in (({"issuer": w.fake.issuer + "/"}, "to the last slash"), ({"jwks_uri": "ftp://x/y"}, "jwks_uri"),
                            ({"token_endpoint": None}, "token_endpoint"), ({"id_token_signing_alg_values_supported": ["HS256"]}, "RS256"),
                            ({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, "client_secret")):
        w.fake.metadata = metadata
        out = w.g.cli("doctor", check=False).stdout
        assert re.search(rf'fail +oidc "corp": .*{words}', out), out
    r = w.get(w.browser(), w.g.url + "/sign-in/corp")
    assert r.status_code == 303 and r.headers["Location"] == "/?sign_in=failed" and "Set-Cookie" not in r.headers
    w.fake.honest()
    w.fake.close()
    out = w.g.cli("doctor", check=False).stdout
    assert re.search(r'fail +oidc "corp": discovery: ', out), out
    until(lambda: "sign_in=away" in w.get(w.browser(), w.g.url + "/sign-in/corp").headers["Location"])


def hangs(_):
    return asyncio.sleep(3600)


BAD = {"hang": hangs, "trickle": lambda _: Answer(200, {"issuer": "x"}, spoil="trickle"), "huge": lambda _: Answer(200, b"[" * (100 << 20)),
       "elsewhere": lambda _: Answer(302, b"", headers=["Location: /realm/.well-known/openid-configuration"])}
STEPS = ("/realm/.well-known/openid-configuration", "/token", "/keys")


@pytest.mark.long
def test_a_provider_that_does_not_come_to_an_end_holds_nobody(making_world):
    """At each step it says nothing, a byte a second, 100 MB, or to ask elsewhere: the sign-in is over in time, and agents feel nothing."""
    w = making_world(**{name: f'timeout = "{20 if name == "huge" else 2}s"' for name in BAD})  # it is to be too large before its time is over
    api, took, words = w.g.login(), {}, {}

    def sign_in(name):
        began = time.monotonic()
        browser = w.browser()
        address = w.leave(browser, name)
        words[name] = (urllib.parse.parse_qs(urllib.parse.urlsplit(address).query).get("sign_in")
                       or [w.come_back(browser, w.decide(address, "ann"))[0]])[0]
        took[name] = time.monotonic() - began

    def spoil(name, step):
        fake = w.fakes[name]
        fake.before = lambda request: BAD[name](request) if request.path == step else None

    for step in STEPS:
        for name in BAD:
            spoil(name, step)
            if step != STEPS[0]:  # what failed is asked anew after a moment
                until(lambda: "/authorize" in w.leave(w.browser(), name))
        words.clear()
        threads = [threading.Thread(target=sign_in, args=(name,)) for name in BAD]
        for t in threads:
            t.start()
        slowest = 0
        while any(t.is_alive() for t in threads):
            began = time.monotonic()
            api.get("/session")
            slowest = max(slowest, time.monotonic() - began)
        assert words.keys() == BAD.keys() and set(words.values()) <= {"away", "failed"}, (step, words)
        assert max(took.values()) < 2 + 2 * SLOWER and slowest < 1 * SLOWER, (step, took, slowest)
        assert words["hang"] == words["trickle"] == "away"
    for name in BAD:
        w.fakes[name].before = None
        until(lambda: w.sign_in("ann", name=name) == "ok")
    said = set(re.findall(r'event=sign_in.failed provider=(\w+) .*error="([^"]*)"', w.g.log()))
    for name, why in (("hang", "timed out after 2"), ("trickle", "timed out"), ("huge", "answer is too large"), ("elsewhere", "answers 302")):
        steps = {text.partition(":")[0] for who, text in said if who == name and why in text}
        assert len(steps) == 3 and {"discovery", "jwks_uri"} < steps, said
