"""The fake as a whole: one server for the account's address and for the service of chats."""

import collections
import json
import re
import time
import urllib.parse

from ..crm import CrmFake
from ..wire import Answer
from . import amojo, crm, drive, oauth
from .errors import Refused, problem

ROUTES = [(method, re.compile(f"^{path}$"), fn) for method, path, fn in [*oauth.ROUTES, *drive.ROUTES, *crm.ROUTES, *amojo.ROUTES]]


class FakeKommo(CrmFake):
    """See CrmFake. rate: requests a second of the CRM's API, more are 429; None: any number.
    blocked: the address is blocked, everything is 403. missing_note: the status for a note on a contact that is gone
    (nobody has written which it is). strict_search: a query finds substrings only, as the vendor says."""

    TOKEN = "a-long-lived-token"

    def __init__(self, port=0, rate=None):
        self.rate, self.recent, self.blocked, self.missing_note = rate, collections.deque(), False, 404
        self.tokens, self.refused = {self.TOKEN}, []
        self.oauth = oauth.Clients(self)
        self.crm, self.amojo, self.drive = crm.World(), amojo.World(), drive.Drive()
        super().__init__(port)

    def answer(self, request):
        try:
            for method, path, fn in ROUTES:
                found = path.match(request.path)
                if found and method == request.method:
                    return fn(self, request, *found.groups())
            raise Refused(problem(404, "Not found"))
        except Refused as e:
            self.refused.append((request.method, request.path, e.answer.status, e.answer.body.decode(errors="replace")))
            return e.answer

    # --- what every request of the CRM's API must have ---

    def admit_raw(self, request):
        if self.blocked:
            raise Refused(Answer(403, b"<html><h1>403 Forbidden</h1></html>", type="text/html"))
        now = time.monotonic()
        while self.recent and self.recent[0] < now - 1:
            self.recent.popleft()
        self.recent.append(now)
        if self.rate and len(self.recent) > self.rate:
            raise Refused(Answer(429, b""))
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or token not in self.tokens:
            raise Refused(problem(401, "Неверный логин или пароль", title="Unauthorized"))

    def admit(self, request):
        """The body as JSON, or the parameters of a GET."""
        self.admit_raw(request)
        if request.method in ("GET", "DELETE"):
            if request.body:
                raise Refused(problem(400, "a body with a GET"))
            return urllib.parse.parse_qs(request.query, keep_blank_values=True, strict_parsing=bool(request.query))
        if request.headers.get("content-type") != "application/json":
            raise Refused(problem(415, "Unsupported media type"))
        try:
            return json.loads(request.body)
        except ValueError:
            raise Refused(problem(400, "Request body is not JSON")) from None

    # --- what people do in it ---

    def say(self, conversation, text, **kw):
        """An operator writes to a client: one hook, never repeated. (status or the error, the message's id)"""
        return amojo.say(self, conversation, text, **kw)
