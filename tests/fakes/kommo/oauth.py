"""Access tokens of a day, and refresh tokens that can be used once."""

import json
import secrets

from ..wire import Answer
from .errors import Refused, problem

KEYS = {"client_id", "client_secret", "grant_type", "refresh_token", "redirect_uri"}


class Clients:
    def __init__(self, fake):
        self.fake, self.known, self.refresh, self.asked = fake, {}, set(), 0

    def add(self, id, secret, uri):
        """An integration that was installed: its first refresh token."""
        self.known[id] = (secret, uri)
        return self._give()

    def _give(self):
        token = "def502-" + secrets.token_hex(16)
        self.refresh.add(token)
        return token

    def expire(self):
        """A day has gone by."""
        self.fake.tokens.clear()


def renew(fake, request):
    fake.oauth.asked += 1
    body = json.loads(request.body)
    if set(body) != KEYS or body["grant_type"] != "refresh_token":
        raise Refused(problem(400, "Check the request"))
    if fake.oauth.known.get(body["client_id"]) != (body["client_secret"], body["redirect_uri"]):
        raise Refused(problem(401, "Client authentication failed", title="Unauthorized"))
    if body["refresh_token"] not in fake.oauth.refresh:
        raise Refused(problem(400, "Token has been revoked", hint="Token has been revoked"))
    fake.oauth.refresh.discard(body["refresh_token"])
    access = "eyJ0-" + secrets.token_hex(16)
    fake.tokens.add(access)
    return Answer(200, {"token_type": "Bearer", "expires_in": 86400, "access_token": access,
                        "refresh_token": fake.oauth._give()})


ROUTES = [("POST", "/oauth2/access_token", renew)]
