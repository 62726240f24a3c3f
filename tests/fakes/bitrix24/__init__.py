"""A portal of Bitrix24 and its token server, from crm.md 2 and the vendor's documentation: strict about what it knows,
and it says what it does not."""
import json
import time
import urllib.parse

from ..crm import CrmFake
from ..wire import Answer
from . import params
from .crm import Crm
from .errors import Refused
from .lines import Lines

APPLICATION_TOKEN = "831c76b092f9f135d9b6b36c3a720757"
CLIENT_ID, CLIENT_SECRET = "local.573ad8a0346747.09223434", "LJSl0lNB76B5YY6u0YVQ3AW0DrVADcRTwVr4y99PXU1BWQybWK"
WEBHOOK_SECRET = "s3cr3tw3bh00k"


class Bitrix24(CrmFake):
    """See CrmFake. methods: the names of calls, those of a batch in brackets."""

    def __init__(self, port=0):
        self.crm, self.lines = Crm(), Lines()
        self.methods = []
        self.bucket = None  # (requests a second, burst): 503 beyond
        self.level, self.leaked_at = 0.0, time.monotonic()
        self.over_time = {}  # method -> when it may be called again
        self.access, self.refresh, self.tokens = "access-0", "refresh-0", 0
        self.expired = {"access-0"}
        self.refreshes, self.needless = 0, 0
        self.unpaid = False
        super().__init__(port)
        self.crm.changed = lambda card: self.news.append(card)

    # --- signing in ---

    def expire(self):
        self.do(lambda: self.expired.add(self.access))

    def _token(self, q):
        if q.get("grant_type") != "refresh_token":
            raise Refused(400, "invalid_request", "grant_type")
        if q.get("client_id") != CLIENT_ID or q.get("client_secret") != CLIENT_SECRET:
            raise Refused(400, "invalid_client", "wrong client")
        if self.unpaid:
            raise Refused(400, "PAYMENT_REQUIRED", "Payment required")
        if q.get("refresh_token") != self.refresh:
            raise Refused(400, "invalid_grant", "wrong refresh token")
        self.needless += self.access not in self.expired
        self.refreshes += 1
        self.tokens += 1
        self.expired.add(self.access)
        self.access, self.refresh = f"access-{self.tokens}", f"refresh-{self.tokens}"
        return {"access_token": self.access, "refresh_token": self.refresh, "expires_in": 3600, "scope": "app",
                "client_endpoint": f"{self.url}/rest/", "member_id": "a223c6b3710f85df22e9377d6c4f7553",
                "domain": "oauth.bitrix24.tech", "status": "L", "user_id": 1}

    def _who(self, parts, p):
        """True: an application. False: an incoming webhook."""
        if len(parts) == 4:
            if parts[1:3] != ["1", WEBHOOK_SECRET]:
                raise Refused(401, "INVALID_CREDENTIALS", "Invalid request credentials")
            return False
        token = p.pop("auth", None)
        if token in self.expired:
            raise Refused(401, "expired_token", "The access token provided has expired.")
        if token != self.access:
            raise Refused(401, "NO_AUTH_FOUND", "Wrong authorization data")
        return True

    # --- requests ---

    def _limit(self):
        if not self.bucket:
            return
        now = time.monotonic()
        per_second, burst = self.bucket
        self.level = max(0, self.level - (now - self.leaked_at) * per_second)
        self.leaked_at = now
        if self.level >= burst:
            raise Refused(503, "QUERY_LIMIT_EXCEEDED", "Too many requests")
        self.level += 1

    def _call(self, method, p, is_app):
        """(result, more)"""
        until = self.over_time.get(method, 0)
        if until > time.time():
            raise Refused(429, "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit.",
                          time={"operating": 481.2, "operating_reset_at": int(until) + 1})
        for world, is_line in ((self.crm, False), (self.lines, True)):
            if method in world.METHODS:
                if is_line and not is_app:
                    raise Refused(403, "WRONG_AUTH_TYPE",
                                  "Current authorization type is denied for this method Application context required")
                out = world.METHODS[method](world, p)
                return out if isinstance(out, tuple) else (out, {})
        raise Refused(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")

    def _batch(self, p, is_app):
        cmd = p.get("cmd")
        if not isinstance(cmd, dict) or len(cmd) > 50:
            raise Refused(400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded")
        out = {"result": {}, "result_error": {}, "result_total": {}, "result_next": {}, "result_time": {}}
        for key, text in cmd.items():
            method, _, query = text.partition("?")
            self.methods.append(f"[{method}]")
            try:
                if method == "batch":
                    raise Refused(405, "ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage")
                for name, value in out["result"].items():
                    if isinstance(value, dict) and "item" in value:
                        query = query.replace(f"$result[{name}][item][id]", str(value["item"]["id"]))
                result, more = self._call(method, params.parse(query), is_app)
                out["result"][key] = result
                for name, number in more.items():
                    out[f"result_{name}"][key] = number
            except Refused as e:
                out["result_error"][key] = e.body
                if int(p.get("halt", 0)):
                    break
        return {k: v or [] for k, v in out.items()}  # as PHP writes empty arrays

    def _answer(self, request):
        parts = [urllib.parse.unquote(s) for s in request.path.strip("/").split("/")]
        if parts[:2] == ["oauth", "token"]:
            return Answer(200, self._token(dict(urllib.parse.parse_qsl(request.query))))
        if parts[0] != "rest" or len(parts) not in (2, 4):
            return Answer(404, b"<html><h1>404 Not Found</h1>", type="text/html")
        self._limit()
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise Refused(400, "INVALID_REQUEST", "the fake takes JSON")
        p = json.loads(request.body or b"{}")
        is_app = self._who(parts, p)
        method = parts[-1].removesuffix(".json")
        self.methods.append(method)
        result, more = (self._batch(p, is_app), {}) if method == "batch" else self._call(method, p, is_app)
        now = time.time()
        return Answer(200, {"result": result, **more, "time": {
            "start": now, "finish": now, "duration": 0.1, "processing": 0.1, "date_start": "2026-11-29T12:00:00+03:00",
            "date_finish": "2026-11-29T12:00:00+03:00", "operating_reset_at": int(now) + 600, "operating": 0.1}})

    def answer(self, request):
        try:
            return self._answer(request)
        except Refused as e:
            return Answer(e.status, e.body)
        except (ValueError, KeyError, TypeError, AttributeError) as e:
            return Answer(400, {"error": "ERROR_ARGUMENT", "error_description": f"the fake: {e!r}"})

    # --- events ---

    def event(self, name, message, token=APPLICATION_TOKEN, line=1, connector=None):
        """The body of the POST that tells of an operator's message."""
        return self.events(name, [message], token, line, connector)

    def events(self, name, messages, token=APPLICATION_TOKEN, line=1, connector=None):
        connector = connector or next(iter(self.lines.connectors), "switchboard")
        return self._posted(name, {"CONNECTOR": connector, "LINE": line, "MESSAGES": messages}, token, "imconnector")

    def contact_event(self, card, token=APPLICATION_TOKEN, name="ONCRMCONTACTUPDATE"):
        """The body of the POST that tells that a contact has changed: nothing but its number comes."""
        return self._posted(name, {"FIELDS": {"ID": card}}, token, "crm")

    @staticmethod
    def _posted(name, data, token, scope):
        return params.build({
            "event": name, "event_handler_id": 555, "data": data, "ts": int(time.time()),
            "auth": {"access_token": "c978b990071b0008440001b0895f697a", "expires_in": 3600, "scope": scope,
                     "domain": "portal.bitrix24.ru", "application_token": token}})
