"""The fake as a whole: what it answers, and what tests and people do with it."""

import asyncio
import collections
import inspect
import random
import re

from .. import wire
from ..server import FakeServer
from . import graph, messages, users
from .deliver import Deliverer, encode, signature
from .errors import ApiError, in_webhook, no_object
from .faults import Fault, Faults, Limits
from .world import App, Number, Token, Waba, World

HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
SPOILS = {"lose": "lose", "cut": "cut"}
SCOPES = ("whatsapp_business_messaging", "whatsapp_business_management")
VERSION = re.compile(r"^v\d+\.\d+$")
FREE = ("template", "reaction")  # reactions go with a message of his


class FakeWhatsApp(FakeServer):
    """speed: how much faster than Meta webhooks are retried. problems: what the real one would pass over in silence,
    or what a good client does not do; tests want it empty. sent: the ledger of accepted messages.
    Switches: batch (several events in a body), ordered (webhooks one after the other), repeat (how often a webhook
    comes once more), sign ("good" "none" "wrong" "truncated"), early_status (before the HTTP answer), drop_sent,
    skip_delivered, reads (people read at once), shuffle, window_async, statuses (False: none at all)."""

    def __init__(self, port=0, host="127.0.0.1", speed=20.0, allow_plain=True):
        self.speed, self.allow_plain = speed, allow_plain
        self.world, self.faults, self.limits = World(), Faults(), Limits()
        self.problems = self.world.problems
        self.sent, self.webhooks, self.calls = [], [], collections.Counter()
        self.batch, self.ordered, self.repeat, self.sign, self.statuses = True, True, 0.0, "good", True
        self.early_status = self.drop_sent = self.skip_delivered = self.reads = self.shuffle = False
        self.window_async = self.unavailable = False
        self._deliverers = {}
        super().__init__(port, host)

    def stopping(self):
        for d in self._deliverers.values():
            d.stop()

    # --- parts ---

    def app(self, app_id="4711", secret="0123456789abcdef0123456789abcdef"):
        return self.world.apps.setdefault(app_id, App(app_id, secret))

    def waba(self, waba_id="77"):
        return self.world.wabas.setdefault(waba_id, Waba(waba_id))

    def number(self, number_id="1055", waba=None, display="+49 151 00000", name="Shop", quality="GREEN",
               throughput="STANDARD", coexistence=False, status="CONNECTED", tier="TIER_1K"):
        n = Number(number_id, waba or self.waba(), display, name, quality, throughput, coexistence, status, tier)
        self.world.numbers[number_id] = n
        return users.NumberHandle(self, n)

    def token(self, text, app=None, scopes=SCOPES, expires_at=0, wabas=None):
        token = Token(text, app or self.app(), scopes, expires_at, wabas)
        self.world.tokens[text] = token
        return token

    def user(self, phone="4917600000", name="Ann", **kw):
        return users.User(self, phone, name, **kw)

    def template(self, waba, name, language="en", category="UTILITY", status="APPROVED", components=(), **more):
        t = {"id": str(self.world.next()), "name": name, "language": language, "category": category, "status": status,
             "components": list(components), **more}
        waba.templates.append(t)
        return t

    def fault(self, kind, edge="POST messages", **where):
        self.do(self.faults.rules.append, Fault(kind, edge, **where))

    def chaos(self, seed, rates):
        """rates: {(kind, edge): probability}."""

        def begin():
            self.faults.rng = random.Random(seed)
            for (kind, edge), p in rates.items():
                self.faults.rules.append(Fault(kind, edge, probability=p))

        self.do(begin)

    def calm(self):
        self.do(self.faults.rules.clear)

    def advance(self, seconds):
        """So much later, at Meta."""
        def move():
            self.world.offset += seconds

        self.do(move)

    def close_windows(self):
        self.do(self.world.windows.clear)

    @staticmethod
    def quick_replies(number, one):
        t = next(t for t in number.waba.templates if t["name"] == one["body"]["template"]["name"])
        return [b["text"] for c in t["components"] if c["type"] == "BUTTONS" for b in c["buttons"]
                if b["type"] == "QUICK_REPLY"]

    def twice(self):
        """Messages that were accepted twice under the same callback data."""
        counts = collections.Counter(m["callback"] for m in self.sent if m["callback"] and m["type"] != "reaction")
        return [k for k, n in counts.items() if n > 1]

    # --- webhooks ---

    def target(self, number, waba, app):
        if number is not None and number.override:
            return number.override
        return waba.subscribed[app.id].get("override_callback_uri") or app.callback

    def emit(self, waba, field, value, number=None):
        """Something happened: every app that is subscribed hears of it."""
        for app_id in waba.subscribed:
            app = self.world.apps[app_id]
            url = self.target(number, waba, app)
            if url:
                d = self._deliverers.get((url, app_id))
                if d is None:
                    d = self._deliverers[(url, app_id)] = Deliverer(self, url, app)
                d.add((waba.id, field, value))

    def metadata(self, number):
        return {"display_phone_number": number.digits, "phone_number_id": number.id}

    def post_raw(self, number, body, sign="good", headers=None):
        """Posts these bytes to where the number's webhooks go; the status."""
        app = next(self.world.apps[a] for a in number.waba.subscribed)
        url = self.target(number, number.waba, app)
        body = body if isinstance(body, bytes) else encode(body)
        given = signature(app.secret, body, sign) if headers is None else headers

        async def post():
            return (await wire.Poster(url).post(body, given, 30))[0]

        return asyncio.run_coroutine_threadsafe(post(), self._loop).result(60)

    # --- requests ---

    async def _handle(self, request):
        if self.unavailable:
            return wire.Answer(503, HTML, "text/html")
        parts = request.path.strip("/").split("/")
        if parts[0] == "lookaside":
            return await self._lookaside(request)
        if not request.headers.get("authorization") and not VERSION.match(parts[0]):
            page = getattr(self, "page", None)
            return await page(request) if page else wire.Answer(404, {"error": {"code": 2500}})
        edge = "?"
        try:
            if not VERSION.match(parts[0]):
                self.problems.append(f"{request.path} has no version")
                raise no_object(request.method, parts[0])
            token = self._token(request)
            edge, f, args = self._route(request.method, parts[1:])
            self.calls[edge] += 1
            return await self._carry_out(edge, f, token, request, args)
        except ApiError as e:
            return wire.Answer(e.status, e.body())

    def _token(self, request):
        kind, _, text = request.headers.get("authorization", "").partition(" ")
        token = self.world.tokens.get(text) if kind == "Bearer" else None
        if token is None or token.revoked:
            raise ApiError(190, words="Invalid OAuth access token - Cannot parse access token")
        if token.expires_at and token.expires_at < self.world.now():
            raise ApiError(190, words="Error validating access token: Session has expired", subcode=463)
        return token

    def _route(self, method, parts):
        if parts == ["debug_token"] and method == "GET":
            return "GET debug_token", graph.debug_token, ()
        if len(parts) == 2:
            name = parts[1]
            if (method, name) == ("POST", "messages"):
                return "POST messages", None, parts[:1]
        elif len(parts) == 1:
            name = "number" if parts[0] in self.world.numbers else "media id"
        else:
            name = None
        f = graph.EDGES.get((method, name))
        if f is None:
            raise no_object(method, "/".join(parts))
        return f"{method} {name}", f, parts[:1]

    async def _carry_out(self, edge, f, token, request, args):
        spoil, rq = None, graph.Request(request)
        body = rq.json() if f is None else None
        to = str(body.get("to", body.get("recipient", ""))) if body else None
        fault = self.faults.pick(edge, to) if self.faults.rules else None
        if fault:
            answer = await self._before(fault)
            if answer:
                return answer
            spoil = SPOILS.get(fault.kind)
        if f is None:
            result = self._send(token, args[0], body)
        else:
            result = f(self, token, rq, *args)
            if inspect.isawaitable(result):
                result = await result
        if self.early_status and f is None:
            await asyncio.sleep(0.05)
        return wire.Answer(200, result, spoil=spoil)

    @staticmethod
    async def _before(fault):
        """The answer of a fault that comes instead of the work; None: the work is done."""
        if fault.kind == "slow":
            await asyncio.sleep(fault.ms / 1000)
        elif fault.kind in ("500", "502", "503"):
            return wire.Answer(int(fault.kind), HTML, "text/html")
        elif fault.kind == "html200":
            return wire.Answer(200, HTML, "text/html")
        elif fault.kind == "error200":
            return wire.Answer(200, ApiError(131000).body())
        elif fault.kind == "reset":
            return wire.Answer(200, b"", spoil="lose")
        elif fault.kind.isdigit():
            e = ApiError(int(fault.kind))
            return wire.Answer(e.status, e.body())
        return None

    async def _lookaside(self, request):
        key = dict(p.split("=") for p in request.query.split("&") if "=" in p).get("mid")
        media_id, until = self.world.urls.get(key, (None, 0))
        self.calls["GET lookaside"] += 1
        if not request.headers.get("user-agent"):
            self.problems.append("a download without a User-Agent")
        try:
            self._token(request)
        except ApiError:
            return wire.Answer(401, b"", "text/plain")
        media = self.world.media.get(media_id)
        fault = self.faults.pick("GET lookaside")
        if media is None or until < self.world.now() or media.get("vanished"):
            return wire.Answer(404, b"", "text/plain")
        if fault:
            answer = await self._before(fault)
            if answer:
                return answer
        return wire.Answer(200, media["data"], media["mime"], spoil=SPOILS.get(fault.kind) if fault else None)

    # --- sending ---

    def _send(self, token, number_id, body):
        number = graph.seen_number(self, token, number_id, "POST")
        if body.get("status") == "read":
            return self._read_mark(number, body)
        to, user = messages.check(self, number, body)
        self.limits.check(number, to)
        is_group = body.get("recipient_type") == "group"
        closed = not is_group and body["type"] not in FREE and (
            user is None or not self.world.window_is_open(number, user))
        if closed and not self.window_async:
            raise ApiError(131047)
        wamid = self.world.wamid()
        callback = body.get("biz_opaque_callback_data")
        one = {"id": wamid, "number": number.id, "to": to, "type": body["type"], "body": body, "callback": callback,
               "at": self.world.now(), "status": "accepted", "user": user, "number_object": number}
        self.sent.append(one)
        number.sent.append(one)
        if user is not None:
            user.inbox.append(one)
        failed = ApiError(131047) if closed else ApiError(131026) if user is None and not is_group else None
        state = self._accepted_as(number, one)
        if self.statuses and state == "accepted":
            self._tell(number, one, failed)
        contact = {"input": to}
        if user is not None and user.phone and not user.hidden:
            contact["wa_id"] = user.phone
        if user is not None:
            contact["user_id"] = user.bsuid
        return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [
            {"id": wamid, **({"message_status": state} if body["type"] == "template" else {})}]}

    @staticmethod
    def _accepted_as(number, one):
        """A template's "message_status": accepted, held_for_quality_assessment or paused; what is kept back has no
        status before the test says so."""
        if one["type"] != "template":
            return "accepted"
        t = next(t for t in number.waba.templates if t["name"] == one["body"]["template"]["name"])
        return t.get("message_status", "accepted")

    def _read_mark(self, number, body):
        messages.known(body, {"messaging_product", "status", "message_id", "typing_indicator"}, "message")
        if body.get("message_id") not in number.received:
            raise ApiError(100, words="(#100) Invalid parameter: message_id")
        number.read_marks.append((body["message_id"], "typing_indicator" in body))
        return {"success": True}

    def _tell(self, number, one, failed):
        """The statuses of a message of ours, as they come about."""
        words = ["failed"] if failed else ["sent"]
        if not failed and one["user"] is not None and not one["user"].offline:
            words += ([] if self.skip_delivered and self.reads else ["delivered"]) + (["read"] if self.reads else [])
        if self.drop_sent and len(words) > 1:
            words = words[1:]
        if self.shuffle:
            self.faults.rng.shuffle(words)
        for i, word in enumerate(words):
            tell = lambda w=word: self.status(number, one, w, failed)  # noqa: E731
            if self.early_status:
                tell()
            else:
                self._loop.call_later(0.002 * (i + 1), tell)

    def status(self, number, one, word, error=None):
        """One status webhook; also for tests."""
        def go():
            user = one["user"]
            s = {"id": one["id"], "status": word, "timestamp": str(int(self.world.now()))}
            if one["callback"]:
                s["biz_opaque_callback_data"] = one["callback"]
            if one["body"].get("recipient_type") == "group":
                s.update(recipient_id=one["to"], recipient_type="group",
                         **({"recipient_participant_id": user.phone} if user else {}))
            elif user is None or (user.phone and not user.hidden):
                s["recipient_id"] = user.phone if user else one["to"]
            if user is not None and not (error and one["to"].isdigit()):
                s["recipient_user_id"] = user.bsuid
            if error:
                s["errors"] = [in_webhook(error.code, error.details)]
            else:
                s["pricing"] = {"billable": True, "pricing_model": "PMP", "category": "service", "type": "regular"}
            one["status"] = word
            value = {"messaging_product": "whatsapp", "metadata": self.metadata(number), "statuses": [s]}
            if user is not None and not error:
                value["contacts"] = [user.contact(word in ("delivered", "read"))]
            self.emit(number.waba, "messages", value, number)

        self.do(go)

    def wait_calm(self):
        """Are all webhooks through?"""
        return self.do(lambda: not any(d.busy or d.waiting for d in self._deliverers.values()))
