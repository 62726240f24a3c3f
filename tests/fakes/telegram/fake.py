"""The fake as a whole: what it answers, and what tests and people do with it."""

import asyncio
import inspect
import json
import pathlib
import random
import tempfile

from .. import wire
from ..server import FakeServer
from . import methods, schema, users
from .deliver import Deliverer
from .faults import Fault, Faults, Limits
from .world import ApiError, Bot, World

PACED = {"sendmessage", "sendphoto", "senddocument", "sendvideo", "sendanimation", "sendaudio", "sendvoice",
         "sendvideonote", "sendsticker", "sendmediagroup", "sendlocation", "sendcontact"}
SPOILS = {"lose": "lose", "cut": "cut"}
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


class FakeTelegram(FakeServer):
    """speed: how much faster than Telegram webhooks are retried. problems: what the real one would have
    passed over in silence, or what a good client does not do; tests want it empty."""

    def __init__(self, port=0, host="127.0.0.1", local=False, allow_plain=True, speed=20.0):
        self.local, self.allow_plain, self.speed = local, allow_plain, speed
        self.world = World()
        self.problems = self.world.problems
        self.faults = Faults()
        self.limits = Limits(self.problems)
        self.actions, self.deliveries, self.calls = [], [], {}
        self.repeat = 0.0  # how often a webhook is posted once more though it was taken
        self.unavailable = False
        self.hold = 50  # seconds for which an empty answer to getUpdates is held back, at most
        self._deliverers = {}
        self._folder = None
        self._group = random.Random(7).randrange(10**16, 10**17)
        super().__init__(port, host)

    def stopping(self):
        for d in self._deliverers.values():
            d.stop()

    def close(self):
        super().close()
        if self._folder:
            self._folder.cleanup()

    # --- parts ---

    def deliverer(self, bot):
        return self._deliverers.setdefault(bot.id, Deliverer(self, bot))

    def on_disk(self, file):
        """Where a server with --local keeps it: an absolute path."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="telegram-files-")
        path = pathlib.Path(self._folder.name) / file["path"].replace("/", "_")
        path.write_bytes(file["data"])
        return str(path)

    def next_group(self):
        self._group += 1
        return self._group

    def bot(self, token, username="test_bot", first_name="Test bot"):
        """Makes a bot; what follows is done with what this gives."""

        def make():
            bot = Bot(token, username, first_name)
            self.world.bots[token] = bot
            return bot

        return users.BotHandle(self, self.do(make))

    def user(self, user_id, first_name="Ann", last_name=None, username=None, language_code="en"):
        return users.User(self, user_id, first_name, last_name, username, language_code)

    def fault(self, kind, **where):
        self.do(self.faults.rules.append, Fault(kind, **where))

    def chaos(self, seed, rates):
        """rates: {(kind, method or None): probability}."""

        def begin():
            self.faults.rng = random.Random(seed)
            for (kind, name), p in rates.items():
                self.faults.rules.append(Fault(kind, method=name, probability=p))

        self.do(begin)

    def calm(self):
        self.do(self.faults.rules.clear)

    # --- requests ---

    async def _handle(self, request):
        parts = request.path.strip("/").split("/")
        if self.unavailable:
            return wire.Answer(503, b"<h1>503</h1>", "text/html")
        if len(parts) >= 3 and parts[0] == "file" and parts[1].startswith("bot"):
            return await self._file(parts[1][3:], "/".join(parts[2:]))
        if len(parts) == 2 and parts[0].startswith("bot"):
            return await self._method(parts[0][3:], parts[1], request)
        page = getattr(self, "page", None)
        return await page(request) if page else wire.Answer(404, {"ok": False, "error_code": 404,
                                                                  "description": "Not Found"})

    async def _file(self, token, path):
        bot = self.world.bot_of(token)
        found = [f for f in bot.files.values() if f["path"] == path] if bot else []
        fault = self.faults.pick("file", None)
        if not found or found[0].get("vanished"):
            return wire.Answer(404, {"ok": False, "error_code": 404, "description": "Not Found"})
        if fault and fault.kind == "slow":
            await asyncio.sleep(fault.ms / 1000)
        if fault and fault.kind in ("500", "502", "503"):
            return wire.Answer(int(fault.kind), HTML, "text/html")
        return wire.Answer(200, found[0]["data"], "application/octet-stream",
                           spoil=SPOILS.get(fault.kind) if fault else None)

    async def _method(self, token, name, request):
        bot = self.world.bot_of(token)
        if bot is None:
            return self._error(ApiError(401, "Unauthorized"))
        f = methods.METHODS.get(name.lower())
        if f is None:
            return self._error(ApiError(404, "Not Found: method not found"))
        try:
            params, files = wire.parse_form(request)
            for key in methods.NESTED:
                methods.decode(params, key)
            for key in methods.NUMBERS:
                if isinstance(params.get(key), str):
                    params[key] = int(params[key])
        except ApiError as e:
            return self._error(e)
        except (ValueError, UnicodeDecodeError) as e:
            return self._error(ApiError(400, f"Bad Request: {e}"))
        self.calls[f.__name__] = self.calls.get(f.__name__, 0) + 1
        self.problems.extend(schema.validate(f.__name__, params, files))
        return await self._carry_out(bot, f, params, files)

    async def _carry_out(self, bot, f, params, files):
        name, chat = f.__name__.lower(), params.get("chat_id")
        fault = self.faults.pick(name, chat)
        spoil = None
        try:
            if fault:
                answer = await self._before(bot, fault, chat)
                if answer:
                    return answer
                spoil = SPOILS.get(fault.kind)
            if name in PACED:
                self.limits.check(bot, chat, len(params["media"]) if name == "sendmediagroup" else 1)
            if fault and fault.kind == "part_of_album":
                methods.METHODS["sendphoto"](self, bot, {"chat_id": chat}, {"photo": next(iter(files.values()))})
                raise methods.bad('failed to send message #2 with the error message "PHOTO_INVALID_DIMENSIONS"')
            result = f(self, bot, params, files)
            if inspect.isawaitable(result):
                result = await result
        except ApiError as e:
            return self._error(e)
        if isinstance(result, bytes):
            return wire.Answer(200, b'{"ok":true,"result":' + result + b"}", spoil=spoil)
        return wire.Answer(200, {"ok": True, "result": result}, spoil=spoil)

    async def _before(self, bot, fault, chat):
        """The answer of a fault that comes instead of the work; None: the work is done."""
        if fault.kind == "slow":
            await asyncio.sleep(fault.ms / 1000)
        elif fault.kind in ("429", "420"):
            self.limits.wait(bot.id, chat, fault.retry_after)
            return self._error(ApiError(int(fault.kind), f"Too Many Requests: retry after {fault.retry_after}",
                                        retry_after=fault.retry_after))
        elif fault.kind == "500":
            return self._error(ApiError(500, "Internal Server Error: restart"))
        elif fault.kind in ("502", "503", "504"):
            return wire.Answer(int(fault.kind), HTML, "text/html")
        elif fault.kind == "html200":
            return wire.Answer(200, HTML, "text/html")
        elif fault.kind == "conflict":
            return self._error(ApiError(409, "Conflict: terminated by other getUpdates request; make sure that only "
                                             "one bot instance is running"))
        elif fault.kind == "401":
            return self._error(ApiError(401, "Unauthorized"))
        elif fault.kind == "reset":
            return wire.Answer(200, b"", spoil="reset")
        return None

    @staticmethod
    def _error(e):
        body = {"ok": False, "error_code": e.code, "description": e.description}
        headers = []
        if e.parameters:
            body["parameters"] = e.parameters
        if e.code == 413:
            return wire.Answer(413, b"<html><h1>413 Request Entity Too Large</h1></html>", "text/html")
        if "retry_after" in e.parameters:
            headers.append(f"Retry-After: {e.parameters['retry_after']}")
        return wire.Answer(e.code, json.dumps(body).encode(), headers=headers)
