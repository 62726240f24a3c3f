"""Who and what there is at Meta: apps, accounts, numbers, tokens, people, files, templates."""

import base64
import hashlib
import itertools
import time

MEDIA_DAYS = 30
RECEIVED_DAYS = 7
WINDOW = 24 * 3600
KINDS = {"image": ({"image/jpeg", "image/png"}, 5 << 20), "video": ({"video/mp4", "video/3gpp"}, 16 << 20),
         "audio": ({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}, 16 << 20),
         "sticker": ({"image/webp"}, 500 << 10), "document": (None, 100 << 20)}


class App:
    def __init__(self, app_id, secret):
        self.id, self.secret = app_id, secret
        self.callback, self.verify_token = None, None
        self.live = True


class Waba:
    def __init__(self, waba_id):
        self.id = waba_id
        self.subscribed = {}  # app id -> {"override_callback_uri"?}
        self.templates = []


class Number:
    def __init__(self, number_id, waba, display, name, quality, throughput, coexistence, status, tier):
        self.id, self.waba, self.display, self.name = number_id, waba, display, name
        self.quality, self.throughput, self.coexistence = quality, throughput, coexistence
        self.status, self.tier = status, tier
        self.override = None
        self.sent, self.read_marks, self.blocked, self.received = [], [], set(), set()
        self.asked = []  # for what was said on the phone before

    @property
    def digits(self):
        return "".join(c for c in self.display if c.isdigit())

    def fields(self):
        return {"id": self.id, "display_phone_number": self.display, "verified_name": self.name,
                "quality_rating": self.quality, "code_verification_status": "VERIFIED", "platform_type": "CLOUD_API",
                "throughput": {"level": self.throughput}, "status": self.status, "is_on_biz_app": self.coexistence,
                "whatsapp_business_manager_messaging_limit": self.tier,
                "webhook_configuration": {"phone_number": self.override} if self.override else {}}


class Token:
    def __init__(self, text, app, scopes, expires_at, wabas):
        self.text, self.app, self.scopes, self.expires_at, self.wabas = text, app, set(scopes), expires_at, wabas
        self.revoked = False


class World:
    def __init__(self):
        self.apps, self.wabas, self.numbers, self.tokens = {}, {}, {}, {}
        self.people = {}  # every id that a person is known by -> User
        self.media = {}
        self.urls = {}
        self.windows = {}  # (number id, user) -> when he wrote or called last
        self.aliases = {}  # a number as it is dialled -> as WhatsApp writes it
        self.offset = 0.0
        self.problems = []
        self._ids = itertools.count(1)

    def now(self):
        return time.time() + self.offset

    def next(self):
        return next(self._ids)

    def wamid(self):
        raw = hashlib.sha256(f"message {self.next()}".encode()).digest()[:24]
        return "wamid." + base64.b64encode(raw).decode()

    def store(self, data, mime, number=None, days=RECEIVED_DAYS):
        """A file at Meta; its id."""
        media_id = str(10**15 + self.next())
        self.media[media_id] = {"id": media_id, "data": data, "mime": mime, "number": number,
                                "sha": hashlib.sha256(data).digest(), "until": self.now() + days * 86400}
        return media_id

    def sha(self, media_id):
        return base64.b64encode(self.media[media_id]["sha"]).decode()

    def open_window(self, number, user):
        self.windows[(number.id, user)] = self.now()

    def window_is_open(self, number, user):
        return self.now() - self.windows.get((number.id, user), -1e12) < WINDOW
