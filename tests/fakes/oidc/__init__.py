"""An OpenID Connect provider that refuses what a real one refuses, with its error bodies (RFC 6749 4.1.2.1, 5.2; OpenID
Connect Core 3.1; RFC 7636; RFC 9207). Its pages are for people: one button each for those whom it knows."""

import base64
import hashlib
import html
import inspect
import json
import secrets
import time
import urllib.parse

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from ..server import FakeServer
from ..wire import Answer

CODE_LIFE = 60
PAGE = """<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Corp</title>
<h1>Corp</h1><form method="post" action="/decide"><input type="hidden" name="request" value="{request}">
{buttons}<button name="as" value="">Cancel</button></form>"""


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(n, size=None):
    return b64(n.to_bytes(size or (n.bit_length() + 7) // 8, "big"))


class Key:
    """One that it signs with: RS256, or ES256."""

    def __init__(self, alg="RS256", kid=None):
        self.alg, self.kid = alg, kid or secrets.token_hex(4)
        self.key = rsa.generate_private_key(65537, 2048) if alg == "RS256" else ec.generate_private_key(ec.SECP256R1())

    @property
    def jwk(self):
        n = self.key.public_key().public_numbers()
        if self.alg == "RS256":
            return {"kty": "RSA", "kid": self.kid, "use": "sig", "alg": "RS256", "n": number(n.n), "e": number(n.e)}
        return {"kty": "EC", "crv": "P-256", "kid": self.kid, "use": "sig", "x": number(n.x, 32), "y": number(n.y, 32)}

    def sign(self, data):
        if self.alg == "RS256":
            return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        r, s = decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def jwt(key, claims, header=None, sign=None):
    head = {"typ": "JWT", "alg": key.alg, "kid": key.kid, **(header or {})}
    text = ".".join(b64(json.dumps(part).encode()) for part in ({k: v for k, v in head.items() if v is not None}, claims))
    return text + "." + b64((sign or key.sign)(text.encode()))


class Oidc(FakeServer):
    """people: name -> claims. Set for a trial: claims(claims), header, sign(data) or token(claims) of what it signs, answer_iss,
    thin (claims are told by userinfo only), userinfo(claims), metadata (what is changed in it), auth (how clients say
    who they are), before(request) -> an Answer instead, or what gives one when it is awaited."""

    def __init__(self, people=None, client="switchboard", secret="s3cret/+ of ours", redirect="", port=0):
        self.people, self.client, self.secret, self.redirect = people or {}, client, secret, redirect
        self.keys, self.auth = [Key()], ["client_secret_basic"]
        self.requests, self.codes, self.tokens, self.asked = {}, {}, {}, []
        self.honest()
        super().__init__(port)

    def honest(self):
        self.claims = self.userinfo = lambda claims: claims
        self.header = self.sign = self.token = self.before = None
        self.answer_iss, self.thin, self.metadata = True, False, {}

    @property
    def issuer(self):
        return self.url + "/realm"

    def count(self, path):
        return sum(p == path for p in self.do(lambda: list(self.asked)))

    async def _handle(self, request):
        self.asked.append(request.path)
        spoilt = self.before(request) if self.before else None
        if inspect.isawaitable(spoilt):
            spoilt = await spoilt
        if spoilt:
            return spoilt
        route = {("GET", "/realm/.well-known/openid-configuration"): self.discovery, ("GET", "/keys"): self.jwks,
                 ("GET", "/authorize"): self.authorize, ("POST", "/decide"): self.decide, ("POST", "/token"): self.give,
                 ("GET", "/userinfo"): self.tell, ("GET", "/logout"): self.leave}.get((request.method, request.path))
        return route(request) if route else Answer(404, b"not here", type="text/plain")

    def discovery(self, _):
        return Answer(200, {"issuer": self.issuer, "authorization_endpoint": self.url + "/authorize?tenant=1",
                            "token_endpoint": self.url + "/token", "jwks_uri": self.url + "/keys",
                            "userinfo_endpoint": self.url + "/userinfo", "end_session_endpoint": self.url + "/logout", "response_types_supported": ["code"],
                            "subject_types_supported": ["public"], "scopes_supported": ["openid", "profile", "email"],
                            "id_token_signing_alg_values_supported": sorted({k.alg for k in self.keys}),
                            "token_endpoint_auth_methods_supported": self.auth, "code_challenge_methods_supported": ["S256"],
                            "authorization_response_iss_parameter_supported": True, **self.metadata})

    def jwks(self, _):
        strange = [{"kty": "OKP", "crv": "Ed25519", "kid": "other", "x": "AAAA"}, {"kty": "oct", "k": "AAAA", "kid": self.keys[0].kid}]
        return Answer(200, {"keys": strange + [k.jwk for k in self.keys]})

    # --- the browser ---

    def authorize(self, request):
        q = dict(urllib.parse.parse_qsl(request.query))
        if q.get("client_id") != self.client or q.get("redirect_uri") != self.redirect or q.get("tenant") != "1":
            return Answer(400, b"<h1>Invalid parameter: redirect_uri or client_id</h1>", type="text/html")  # nobody is sent there
        wrong = ("unsupported_response_type" if q.get("response_type") != "code"
                 else "invalid_scope" if "openid" not in q.get("scope", "").split()
                 else "invalid_request" if q.get("code_challenge_method") != "S256" or len(q.get("code_challenge", "")) != 43
                 or len(q.get("state", "")) < 22 or len(q.get("nonce", "")) < 22 else None)
        if wrong:
            return self.back(q, error=wrong)
        id = secrets.token_urlsafe(16)
        self.requests[id] = q
        buttons = "".join(f'<button name="as" value="{html.escape(n)}">{html.escape(n)}</button> ' for n in self.people)
        return Answer(200, PAGE.format(request=id, buttons=buttons).encode(), type="text/html; charset=utf-8")

    def decide(self, request):
        form = dict(urllib.parse.parse_qsl(request.body.decode(), keep_blank_values=True))
        q = self.requests.pop(form["request"], None)
        if not q:
            return Answer(400, b"<h1>This page is over</h1>", type="text/html")
        if not form["as"]:
            return self.back(q, error="access_denied", error_description="The person has cancelled it")
        code = secrets.token_urlsafe(24)
        self.codes[code] = {**q, "who": form["as"], "until": time.time() + CODE_LIFE}
        return self.back(q, code=code)

    def back(self, q, **fields):
        if self.answer_iss:
            fields["iss"] = self.issuer if self.answer_iss is True else self.answer_iss
        to = q["redirect_uri"] + "?" + urllib.parse.urlencode({**fields, "state": q.get("state", "")})
        return Answer(302, b"", type="text/html", headers=[f"Location: {to}", "Cache-Control: no-store"])

    def leave(self, request):
        """By the client's word alone it asks first; here nobody is there to say no."""
        q = dict(urllib.parse.parse_qsl(request.query))
        home = urllib.parse.urljoin(self.redirect, "/")
        if set(q) != {"client_id", "post_logout_redirect_uri"} or q["client_id"] != self.client or q["post_logout_redirect_uri"] != home:
            return Answer(400, b"<h1>Invalid redirect uri</h1>", type="text/html")
        return Answer(302, b"", type="text/html", headers=[f"Location: {home}", "Cache-Control: no-store"])

    # --- the gateway ---

    def is_client(self, request, form):
        kind, _, coded = request.headers.get("authorization", "").partition(" ")
        if kind == "Basic" and "client_secret" not in form and "client_secret_basic" in self.auth:
            id, _, secret = base64.b64decode(coded).decode().partition(":")
            return (urllib.parse.unquote_plus(id), urllib.parse.unquote_plus(secret)) == (self.client, self.secret)
        return (not kind and "client_secret_post" in self.auth
                and (form.get("client_id"), form.get("client_secret")) == (self.client, self.secret))

    def give(self, request):
        form = dict(urllib.parse.parse_qsl(request.body.decode()))
        if request.headers.get("content-type") != "application/x-www-form-urlencoded" or "?" in request.path:
            return self.refused("invalid_request", "Content-Type")
        if not self.is_client(request, form):
            return Answer(401, {"error": "invalid_client", "error_description": "Invalid client or Invalid client credentials"},
                          headers=["WWW-Authenticate: Basic realm=\"corp\""])
        if form.get("grant_type") != "authorization_code":
            return self.refused("unsupported_grant_type", "Unsupported grant_type")
        code = self.codes.get(form.get("code"))
        if not code or code["until"] < time.time():
            return self.refused("invalid_grant", "Code not valid")
        if code.get("used"):  # whoever has it a second time has stolen it: what it gave counts no more
            self.tokens.pop(code["used"], None)
            return self.refused("invalid_grant", "Code already used")
        if form.get("redirect_uri") != code["redirect_uri"]:
            return self.refused("invalid_grant", "Incorrect redirect_uri")
        if b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest()) != code["code_challenge"]:
            return self.refused("invalid_grant", "PKCE verification failed: Code mismatch")
        access = code["used"] = secrets.token_urlsafe(32)
        self.tokens[access] = code["who"]
        return Answer(200, {"access_token": access, "token_type": "bearer", "expires_in": 300, "scope": code["scope"],
                            "id_token": self.id_token(code, access)}, headers=["Cache-Control: no-store"])

    def refused(self, error, text):
        return Answer(400, {"error": error, "error_description": text})

    def id_token(self, code, access):
        now = int(time.time())
        person = self.people[code["who"]]
        claims = self.claims({"iss": self.issuer, "aud": self.client, "azp": self.client, "iat": now, "exp": now + 300,
                              "nonce": code["nonce"], "at_hash": b64(hashlib.sha256(access.encode()).digest()[:16]),
                              **({"sub": person["sub"]} if self.thin else person)})
        if self.token:
            return self.token(claims)
        return jwt(self.keys[0], claims, self.header, self.sign)

    def tell(self, request):
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or token not in self.tokens:
            return Answer(401, {"error": "invalid_token"}, headers=["WWW-Authenticate: Bearer error=\"invalid_token\""])
        return Answer(200, self.userinfo(dict(self.people[self.tokens[token]])))
