"""The service of chats: signed requests, chats, messages, statuses; and the hook for what operators write."""

import email.utils
import hashlib
import hmac
import http.client
import json
import time
import urllib.parse
import uuid

from ..crm import fetch
from ..wire import Answer
from .errors import Refused, chat_error

CHANNEL, SECRET = "f90ba33d-c9d9-44da-b76c-c349b0ecbe41", "5a44c5dff55f3c15a4cce8d7c4cc27e207c7e189"
BOT, OPERATOR = "f1910c7f-b1e0-4184-bd09-c7def2a9109a", "76fc2bea-902f-425c-9a3d-dcdac4766090"
TYPES = {"text", "contact", "file", "video", "picture", "voice", "audio", "sticker", "location"}
PAYLOAD_KEYS = {"timestamp", "msec_timestamp", "msgid", "conversation_id", "sender", "receiver", "message", "silent",
                "source"}
PERSON_KEYS = {"id", "ref_id", "name", "avatar", "profile", "profile_link"}
MESSAGE_KEYS = {"type", "text", "media", "file_name", "file_size", "location", "contact"}
STATUS_KEYS = {"msgid", "delivery_status", "status_code", "error_code", "error"}
SKEW_S = 15 * 60


class World:
    def __init__(self):
        self.account = "af9945ff-1490-4cad-807d-945c15d88bec"
        self.scopes, self.chats, self.by_ours, self.messages = set(), {}, {}, {}
        self.hook, self.statuses, self.connects, self.unsorted, self.typing = None, [], 0, [], []

    def uninstall(self):
        """The integration was installed anew: every connection is gone."""
        self.scopes.clear()

    def of(self, conversation):
        """The messages of one chat of ours, in the order in which they came."""
        return [m for m in self.messages.values() if m["conversation_id"] == conversation]


# --- signatures ---


def sign(method, md5, kind, date, path):
    return hmac.new(SECRET.encode(), "\n".join([method, md5, kind, date, path]).encode(), hashlib.sha1).hexdigest()


def _admit(fake, request):
    h = request.headers
    md5 = hashlib.md5(request.body).hexdigest()
    kind, date = h.get("content-type", ""), h.get("date", "")
    if kind != "application/json" or h.get("content-md5") != md5:
        raise Refused(chat_error(403, "Invalid Content-MD5 or Content-Type"))
    try:
        at = email.utils.parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError):
        raise Refused(chat_error(403, "Invalid Date")) from None
    if abs(at - time.time()) > SKEW_S:
        raise Refused(chat_error(403, "Date is too old"))
    if h.get("x-signature") != sign(request.method, md5, kind, date, request.path):
        raise Refused(chat_error(403, "Invalid signature"))
    return json.loads(request.body) if request.body else {}


def _scoped(fake, request, scope):
    body = _admit(fake, request)
    if scope not in fake.amojo.scopes:
        raise Refused(chat_error(404, "Scope not found"))
    return body


def _need(condition, text):
    if not condition:
        raise Refused(chat_error(400, text))


# --- requests ---


def connect(fake, request, channel):
    body, w = _admit(fake, request), fake.amojo
    if channel != CHANNEL:
        raise Refused(chat_error(404, "Channel not found"))
    _need(body.get("account_id") == w.account and body.get("hook_api_version") == "v2", "Invalid account_id")
    w.connects += 1
    scope = f"{channel}_{w.account}"
    w.scopes.add(scope)
    return Answer(200, {**body, "scope_id": scope, "is_time_window_disabled": False})


def _check_person(p, what):
    _need(isinstance(p, dict) and set(p) <= PERSON_KEYS, f"{what} has what is not known")
    _need(isinstance(p.get("id"), str) and p["id"] and isinstance(p.get("name"), str) and p["name"],
          f"{what}: id and name are required")
    _need(set(p.get("profile", {})) <= {"phone", "email"}, f"{what}: profile")


def _chat(fake, conversation):
    w = fake.amojo
    if conversation not in w.by_ours:
        w.by_ours[conversation] = str(uuid.uuid4())
        w.chats[w.by_ours[conversation]] = conversation
    return w.by_ours[conversation]


def create_chat(fake, request, scope):
    body = _scoped(fake, request, scope)
    _need(set(body) <= {"conversation_id", "user", "source"} and isinstance(body.get("conversation_id"), str),
          "conversation_id is required")
    _check_person(body.get("user"), "user")
    user = {"id": str(uuid.uuid4()), "client_id": body["user"]["id"], "name": body["user"]["name"]}
    return Answer(200, {"id": _chat(fake, body["conversation_id"]), "user": user})


def _check_message(m, is_edit):
    _need(isinstance(m, dict) and set(m) <= MESSAGE_KEYS and m.get("type") in TYPES, "message is not valid")
    if m["type"] == "text":
        _need(isinstance(m.get("text"), str) and m["text"].strip(), "text must not be empty")
    if m["type"] in ("file", "video", "picture") and not is_edit:
        _need(m.get("media") and m.get("file_name") and isinstance(m.get("file_size"), int), "media, file_name, file_size")
    if m["type"] == "location":
        _need(set(m.get("location", {})) == {"lon", "lat"}, "location")
    if m["type"] == "contact":
        _need(set(m.get("contact", {})) == {"name", "phone"}, "contact")


def message(fake, request, scope):
    body, w = _scoped(fake, request, scope), fake.amojo
    p, kind = body.get("payload"), body.get("event_type")
    _need(set(body) == {"event_type", "payload"} and kind in ("new_message", "edit_message"), "event_type")
    _need(isinstance(p, dict) and set(p) <= PAYLOAD_KEYS, "payload has what is not known")
    _need(isinstance(p.get("msgid"), str) and isinstance(p.get("conversation_id"), str), "msgid, conversation_id")
    _need(isinstance(p.get("timestamp"), int) and isinstance(p.get("msec_timestamp"), int) and
          p["msec_timestamp"] // 1000 == p["timestamp"], "timestamp, msec_timestamp")
    _check_message(p.get("message"), kind == "edit_message")
    known = w.messages.get(p["msgid"])
    if kind == "edit_message":
        _need(known and known["conversation_id"] == p["conversation_id"], "no such message")
        known["message"], known["edited"] = p["message"], True
    elif not known:
        _check_person(p.get("sender"), "sender")
        if "receiver" in p:
            _check_person(p["receiver"], "receiver")
            _need(p["sender"].get("ref_id") in (BOT, OPERATOR), "sender.ref_id is nobody")
        chat = _chat(fake, p["conversation_id"])
        known = w.messages[p["msgid"]] = {**p, "id": str(uuid.uuid4()), "status": None}
        if p["message"].get("media"):
            known["fetched"] = fetch(p["message"]["media"])
        if chat not in fake.crm.links and not p.get("silent") and "receiver" not in p:
            w.unsorted.append(chat)
    return Answer(200, {"new_message": {"conversation_id": w.by_ours[p["conversation_id"]], "sender_id": str(uuid.uuid4()),
                                        "msgid": known["id"], "ref_id": p["msgid"]}})


def status(fake, request, scope, msgid):
    body, w = _scoped(fake, request, scope), fake.amojo
    _need(set(body) <= STATUS_KEYS and body.get("msgid", msgid) == msgid, "not known")
    code = body.get("delivery_status", body.get("status_code"))
    _need(code in (1, 2, -1) and body.get("status_code", code) == code, "status_code")
    if code == -1:
        _need(body.get("error_code") in range(901, 906) and body.get("error"), "error_code and error are required")
    known = next((m for m in w.messages.values() if m["id"] == msgid), None)
    if not known:
        raise Refused(chat_error(404, "Message not found"))
    known["status"] = code
    w.statuses.append((msgid, code, body.get("error_code"), body.get("error")))
    return Answer(200, b"")


def history(fake, request, scope, chat):
    """Newest first, 50 at most."""
    _scoped(fake, request, scope)
    params = dict(urllib.parse.parse_qsl(request.query))
    _need(set(params) <= {"limit", "offset"} and 1 <= int(params.get("limit", 50)) <= 50, "limit is 50 at most")
    found = fake.amojo.of(fake.amojo.chats.get(chat))[::-1]
    at, n = int(params.get("offset", 0)), int(params.get("limit", 50))
    if not found[at:at + n]:
        return Answer(204, b"")
    return Answer(200, {"messages": [
        {"timestamp": m["timestamp"], "sender": {"id": m.get("by", str(uuid.uuid4())), "name": "Olga", **(
            {"client_id": m["sender"]["id"]} if "sender" in m else {})},
         "message": {"id": m["id"], "client_id": m.get("msgid", ""), "type": m["message"]["type"],
                     "text": m["message"].get("text", ""), "media": "", "file_name": "", "file_size": 0}}
        for m in found[at:at + n]]})


ROUTES = [
    ("GET", "/v2/origin/custom/([^/]+)/chats/([^/]+)/history", history),
    ("POST", "/v2/origin/custom/([^/]+)/connect", connect),
    ("POST", "/v2/origin/custom/([^/]+)/chats", create_chat),
    ("POST", "/v2/origin/custom/([^/]+)", message),
    ("POST", "/v2/origin/custom/([^/]+)/([^/]+)/delivery_status", status),
]


# --- the hook ---


def hook_body(fake, conversation, text, id=None, kind="text", media="", file_name="", file_size=0, sender=OPERATOR):
    w, id = fake.amojo, id or str(uuid.uuid4())
    now = time.time()
    chat = w.by_ours.get(conversation) or str(uuid.uuid4())
    w.messages.setdefault(id, {"id": id, "conversation_id": conversation, "status": None, "by": sender,
                               "timestamp": int(now), "message": {"type": kind, "text": text}})
    return id, {"account_id": w.account, "time": int(now), "message": {
        "receiver": {"id": str(uuid.uuid4()), "name": "Client", "client_id": "c", "phone": "", "email": ""},
        "sender": {"id": sender, "name": "Olga"}, "source": {"external_id": ""},
        "conversation": {"id": chat, "client_id": conversation}, "timestamp": int(now), "msec_timestamp": int(now * 1000),
        "message": {"id": id, "type": kind, "text": text, "markup": None, "tag": "", "media": media, "thumbnail": "",
                    "file_name": file_name, "file_size": file_size}}}


def post(fake, raw, signature=None, timeout=10):
    """As amojo does: once, with the signature of the raw body. The status."""
    url = urllib.parse.urlsplit(fake.amojo.hook)
    mac = hmac.new(SECRET.encode(), raw, hashlib.sha1).hexdigest()
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=timeout)
    try:
        connection.request("POST", url.path, raw, {"Content-Type": "application/json",
                                                   "X-Signature": mac if signature is None else signature})
        return connection.getresponse().status
    except OSError as e:
        return str(e)
    finally:
        connection.close()


def say(fake, conversation, text, **kw):
    id, body = hook_body(fake, conversation, text, **kw)
    return post(fake, json.dumps(body, ensure_ascii=False).encode()), id
