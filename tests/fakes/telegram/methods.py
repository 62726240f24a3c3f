"""The methods of the Bot API: what each refuses, and what it does to the world. A method takes
(fake, bot, params, files) and gives the result, or raises ApiError."""

import asyncio
import hashlib
import json
import time
import urllib.parse

from .text import Bad, read_text, units
from .world import ApiError, now

METHODS = {}
REACTIONS = set("👍 👎 ❤ 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔".split())
MB = 1 << 20


def method(f):
    METHODS[f.__name__.lower()] = f
    return f


def bad(text, **parameters):
    return ApiError(400, "Bad Request: " + text, **parameters)


# --- who and how -------------------------------------------------------------------------------------


@method
def getMe(fake, bot, params, files):
    return {**bot.user, "can_join_groups": True, "can_read_all_group_messages": False,
            "supports_inline_queries": False, "can_connect_to_business": True, "has_main_web_app": False}


@method
async def getUpdates(fake, bot, params, files):
    if bot.webhook["url"]:
        raise ApiError(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook "
                            "to delete the webhook first")
    bot.poller += 1
    me = bot.poller
    if "allowed_updates" in params:
        bot.allowed = params["allowed_updates"]
    offset = int(params.get("offset") or 0)
    if offset < 0:
        while len(bot.updates) > -offset:
            bot.updates.popleft()
    while offset > 0 and bot.updates and bot.updates[0][0] < offset:
        bot.updates.popleft()
        bot.confirmed += 1
    bot.arrived.set()
    limit = max(1, min(100, int(params.get("limit") or 100)))
    end = time.monotonic() + min(fake.hold, int(params.get("timeout") or 0))
    while not bot.updates:
        left = end - time.monotonic()
        if left <= 0:
            break
        bot.arrived.clear()
        try:
            await asyncio.wait_for(bot.arrived.wait(), left)
        except asyncio.TimeoutError:
            break
        if bot.revoked:
            raise ApiError(401, "Unauthorized")
        if bot.poller != me:
            raise ApiError(409, "Conflict: terminated by other getUpdates request; make sure that only one bot "
                                "instance is running")
        if bot.webhook["url"]:
            raise ApiError(409, "Conflict: terminated by setWebhook request")
    texts = []
    for i, update in enumerate(bot.updates):
        if i == limit:
            break
        texts.append(update[3])
    return b"[" + b",".join(texts) + b"]"


@method
def setWebhook(fake, bot, params, files):
    url = params.get("url") or ""
    if not url:
        return deleteWebhook(fake, bot, params, files)
    u = urllib.parse.urlsplit(url)
    if not (fake.allow_plain and u.scheme == "http"):
        if u.scheme != "https":
            raise bad("bad webhook: An HTTPS URL must be provided for webhook")
        if (u.port or 443) not in (80, 88, 443, 8443):
            raise bad("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
        if u.hostname in ("localhost",) or (u.hostname or "").startswith(("127.", "10.", "192.168.")):
            raise bad(f"bad webhook: IP address {u.hostname} is reserved")
    secret = params.get("secret_token") or ""
    if len(secret) > 256 or secret.strip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"):
        raise bad("secret token contains unallowed characters")
    if "allowed_updates" in params:
        bot.allowed = params["allowed_updates"]
    if params.get("drop_pending_updates"):
        bot.updates.clear()
    bot.webhook = {"url": url, "secret": secret, "max_connections": int(params.get("max_connections") or 40)}
    bot.arrived.set()
    fake.deliverer(bot).start()
    return True


@method
def deleteWebhook(fake, bot, params, files):
    bot.webhook = {"url": "", "max_connections": 40}
    fake.deliverer(bot).stop()
    if params.get("drop_pending_updates"):
        bot.updates.clear()
    return True


@method
def getWebhookInfo(fake, bot, params, files):
    info = {"url": bot.webhook["url"], "has_custom_certificate": False,
            "pending_update_count": len(bot.updates), "max_connections": bot.webhook["max_connections"]}
    if bot.allowed is not None:
        info["allowed_updates"] = bot.allowed
    if bot.last_error:
        info["last_error_date"], info["last_error_message"] = bot.last_error
    return info


@method
def getFile(fake, bot, params, files):
    f = bot.files.get(params.get("file_id"))
    if f is None:
        raise bad("invalid file_id")
    if f.get("vanished"):
        raise bad("wrong file_id or the file is temporarily unavailable")
    if f["size"] > 20 * MB and not fake.local:
        raise bad("file is too big")
    path = fake.on_disk(f) if fake.local else f["path"]
    return {"file_id": params["file_id"], "file_unique_id": "u", "file_size": f["size"], "file_path": path}


@method
def getBusinessConnection(fake, bot, params, files):
    c = bot.business.get(params.get("business_connection_id"))
    if c is None:
        raise bad("business connection not found")
    return c


# --- sending -----------------------------------------------------------------------------------------


def target(fake, bot, params):
    """The conversation that a message goes to; refuses as the server does."""
    business = params.get("business_connection_id") or ""
    if business:
        connection = bot.business.get(business)
        if connection is None or not connection["is_enabled"]:
            raise bad("business connection not found")
        if not connection["rights"].get("can_reply"):
            raise bad("BUSINESS_PEER_USAGE_MISSING")
    c = fake.world.find(bot, params.get("chat_id"), business)
    if c.migrated_to:
        raise bad("group chat was upgraded to a supergroup chat", migrate_to_chat_id=c.migrated_to)
    if c.blocked:
        raise ApiError(403, "Forbidden: bot was blocked by the user")
    if c.kicked:
        raise ApiError(403, "Forbidden: bot was kicked from the group chat")
    if not c.started:
        raise ApiError(403, "Forbidden: bot can't initiate conversation with a user")
    if business and time.time() - c.last_in > 24 * 3600:
        raise bad("BUSINESS_PEER_INVALID")
    topic = params.get("message_thread_id")
    if topic is not None:
        if int(topic) not in c.topics:
            raise bad("message thread not found")
        if int(topic) in c.closed_topics:
            raise bad("TOPIC_CLOSED")
    return c


def check_markup(markup, c):
    if not markup:
        return
    if "keyboard" in markup and (c.business or c.chat["type"] == "channel"):
        raise bad("reply keyboards are not allowed here")
    for row in markup.get("inline_keyboard", []):
        for button in row:
            kinds = set(button) - {"text", "style"}
            if not button.get("text") or len(kinds) != 1:
                raise bad("can't parse inline keyboard button: text and one action are needed")
            data = button.get("callback_data")
            if data is not None and not 1 <= len(data.encode()) <= 64:
                raise bad("BUTTON_DATA_INVALID")
            if "url" in button and not button["url"].startswith(("http://", "https://", "tg://")):
                raise bad("BUTTON_URL_INVALID")


def add_reply(message, params, c):
    reply = params.get("reply_parameters")
    if not reply:
        return
    to = c.messages.get(reply.get("message_id"))
    if to is None or to.get("deleted"):
        if reply.get("allow_sending_without_reply"):
            return
        raise bad("message to be replied not found")
    quote = reply.get("quote")
    if quote and quote not in (to.get("text") or to.get("caption") or ""):
        raise bad("message can't be sent because QUOTE_TEXT_INVALID")
    message["reply_to_message"] = {k: v for k, v in to.items() if k != "reply_to_message"}


def accept(fake, bot, c, params, method_name, **content):
    """The message is in the chat: for the bot's answer, the users' eyes and the tests."""
    message = {"message_id": 0, "date": now(), "chat": c.chat, "from": bot.user, **content}
    add_reply(message, params, c)
    check_markup(params.get("reply_markup"), c)
    if params.get("reply_markup"):
        message["reply_markup"] = params["reply_markup"]
    if params.get("message_thread_id"):
        message["message_thread_id"], message["is_topic_message"] = int(params["message_thread_id"]), True
    if c.business:
        message["business_connection_id"] = c.business
        message["sender_business_bot"] = bot.user
        message["from"] = bot.business[c.business]["user"]
    c.put(message)
    bot.sent.append({"method": method_name, "chat_id": c.chat["id"], "message_id": message["message_id"],
                     "params": params, "at": time.time(), "text": content.get("text") or content.get("caption"),
                     "message": message})
    return message


def text_of(params, key="text", entities="entities", limit=4096, empty="message text is empty"):
    try:
        return read_text(params, key, entities, limit, empty,
                         "message is too long" if key == "text" else "message caption is too long")
    except Bad as e:
        raise bad(str(e)) from None


def caption_of(params):
    text, entities = text_of(params, "caption", "caption_entities", 1024, None)
    out = {}
    if text:
        out["caption"] = text
        if entities:
            out["caption_entities"] = entities
    return out


@method
def sendMessage(fake, bot, params, files):
    c = target(fake, bot, params)
    text, entities = text_of(params)
    content = {"text": text}
    if entities:
        content["entities"] = entities
    return accept(fake, bot, c, params, "sendMessage", **content)


def stored(fake, bot, params, files, key, kind, limit):
    """The file of a sending method: an upload, or a file_id of this bot."""
    given = files.get(key)
    if given is None:
        value = params.get(key)
        if isinstance(value, str) and value.startswith("attach://"):
            given = files.get(value[len("attach://"):])
        elif isinstance(value, str) and value in bot.files:
            f = bot.files[value]
            if f["kind"] != kind:
                raise bad("wrong file identifier/HTTP URL specified")
            return {"file_id": value, "file_unique_id": "u", "file_size": f["size"], "file_name": f["name"]}
    if given is None:
        raise bad(f"there is no {key} in the request")
    name, data = given
    if not data:
        raise bad("file must be non-empty")
    if len(data) > limit and not fake.local:
        raise ApiError(413, "Request Entity Too Large")
    if kind == "photo" and not data.startswith((b"\x89PNG", b"\xff\xd8", b"RIFF")):
        raise bad("IMAGE_PROCESS_FAILED")
    if kind == "photo" and data.startswith(b"\x89PNG"):
        w, h = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
        if w + h > 10000 or max(w, h) > 20 * min(w, h):
            raise bad("PHOTO_INVALID_DIMENSIONS")
    out = fake.world.add_file(bot, data, name, kind)
    out["file_name"] = name
    out["sha256"] = hashlib.sha256(data).hexdigest()
    return out


def media_method(name, key, limit=50 * MB, has_caption=True):
    def send(fake, bot, params, files):
        c = target(fake, bot, params)
        content = caption_of(params) if has_caption else {}
        one = stored(fake, bot, params, files, key, key, limit)
        content[key] = [{**one, "width": 90, "height": 90}] if key == "photo" else one
        return accept(fake, bot, c, params, name, **content)

    send.__name__ = name
    method(send)


for _name, _key, _limit, _caption in (
        ("sendPhoto", "photo", 10 * MB, True), ("sendDocument", "document", 50 * MB, True),
        ("sendVideo", "video", 50 * MB, True), ("sendAnimation", "animation", 50 * MB, True),
        ("sendAudio", "audio", 50 * MB, True), ("sendVoice", "voice", 50 * MB, True),
        ("sendVideoNote", "video_note", 50 * MB, False), ("sendSticker", "sticker", 50 * MB, False)):
    media_method(_name, _key, _limit, _caption)


@method
def sendMediaGroup(fake, bot, params, files):
    c = target(fake, bot, params)
    media = params.get("media")
    if not isinstance(media, list) or not 2 <= len(media) <= 10:
        raise bad("wrong number of items: a group has 2 to 10")
    kinds = {m.get("type") for m in media}
    if kinds - {"photo", "video", "document", "audio"} or (kinds & {"document", "audio"} and len(kinds) > 1):
        raise bad("documents and audio can't be mixed with other types of media")
    if params.get("reply_markup"):
        raise bad("reply_markup is not allowed in a media group")
    content = []
    for m in media:
        kind = m["type"]
        item = caption_of(m)
        one = stored(fake, bot, {kind: m.get("media")}, files, kind, kind, (10 if kind == "photo" else 50) * MB)
        item[kind] = [{**one, "width": 90, "height": 90}] if kind == "photo" else one
        content.append(item)
    group = str(fake.next_group())
    out = []
    for i, item in enumerate(content):
        rest = params if i == 0 else {k: v for k, v in params.items() if k != "reply_parameters"}
        out.append(accept(fake, bot, c, rest, "sendMediaGroup", media_group_id=group, **item))
    return out


@method
def sendLocation(fake, bot, params, files):
    c = target(fake, bot, params)
    return accept(fake, bot, c, params, "sendLocation",
                  location={"latitude": float(params["latitude"]), "longitude": float(params["longitude"])})


@method
def sendContact(fake, bot, params, files):
    c = target(fake, bot, params)
    return accept(fake, bot, c, params, "sendContact",
                  contact={"phone_number": params["phone_number"], "first_name": params["first_name"]})


@method
def sendChatAction(fake, bot, params, files):
    c = target(fake, bot, params)
    if params.get("action") not in ("typing", "upload_photo", "record_video", "upload_video", "record_voice",
                                    "upload_voice", "upload_document", "choose_sticker", "find_location",
                                    "record_video_note", "upload_video_note"):
        raise bad("wrong parameter action in request")
    fake.actions.append((bot.id, c.chat["id"], params["action"]))
    return True


# --- changing ----------------------------------------------------------------------------------------


def own_message(fake, bot, params, what):
    c = target(fake, bot, params)
    m = c.messages.get(int(params.get("message_id") or 0))
    if m is None or m.get("deleted"):
        raise bad(f"message to {what} not found")
    if m["from"].get("id") != bot.id and not m.get("sender_business_bot"):
        raise bad(f"message can't be {'edited' if what == 'edit' else 'deleted'}")
    return c, m


@method
def editMessageText(fake, bot, params, files):
    c, m = own_message(fake, bot, params, "edit")
    text, entities = text_of(params)
    if "text" not in m:
        raise bad("there is no text in the message to edit")
    markup = params.get("reply_markup")
    check_markup(markup, c)
    if m["text"] == text and m.get("entities", []) == entities and m.get("reply_markup") == markup:
        raise bad("message is not modified: specified new message content and reply markup are exactly the same "
                  "as a current content and reply markup of the message")
    m.update(text=text, entities=entities, edit_date=now())
    bot.sent.append({"method": "editMessageText", "chat_id": c.chat["id"], "message_id": m["message_id"],
                     "params": params, "at": time.time(), "text": text})
    return m


@method
def editMessageCaption(fake, bot, params, files):
    c, m = own_message(fake, bot, params, "edit")
    content = caption_of(params)
    if "text" in m:
        raise bad("there is no caption in the message to edit")
    if m.get("caption") == content.get("caption"):
        raise bad("message is not modified: specified new message content and reply markup are exactly the same "
                  "as a current content and reply markup of the message")
    m.pop("caption", None)
    m.update(content, edit_date=now())
    bot.sent.append({"method": "editMessageCaption", "chat_id": c.chat["id"], "message_id": m["message_id"],
                     "params": params, "at": time.time(), "text": content.get("caption")})
    return m


@method
def deleteMessage(fake, bot, params, files):
    return deleteMessages(fake, bot, {**params, "message_ids": [params.get("message_id")]}, files)


@method
def deleteMessages(fake, bot, params, files):
    ids = params.get("message_ids")
    if not isinstance(ids, list) or not 1 <= len(ids) <= 100:
        raise bad("message_ids must have 1 to 100 ids")
    c = target(fake, bot, params)
    if len(ids) == 1 and (ids[0] not in c.messages or c.messages[ids[0]].get("deleted")):
        raise bad("message to delete not found")
    for i in ids:
        if i in c.messages:
            c.messages[i]["deleted"] = True
    bot.sent.append({"method": "deleteMessages", "chat_id": c.chat["id"], "message_id": ids[0], "params": params,
                     "at": time.time(), "text": None})
    return True


@method
def deleteBusinessMessages(fake, bot, params, files):
    connection = bot.business.get(params.get("business_connection_id"))
    if connection is None:
        raise bad("business connection not found")
    for (business, _), c in bot.conversations.items():
        if business == params["business_connection_id"]:
            for i in params.get("message_ids", []):
                if i in c.messages:
                    c.messages[i]["deleted"] = True
    return True


@method
def setMessageReaction(fake, bot, params, files):
    c = target(fake, bot, params)
    m = c.messages.get(int(params.get("message_id") or 0))
    if m is None or m.get("deleted"):
        raise bad("message to react not found")
    reactions = params.get("reaction") or []
    if len(reactions) > 1 or any(r.get("type") != "emoji" or r.get("emoji") not in REACTIONS for r in reactions):
        raise bad("REACTION_INVALID")
    m["bot_reactions"] = [r["emoji"] for r in reactions]
    bot.sent.append({"method": "setMessageReaction", "chat_id": c.chat["id"], "message_id": m["message_id"],
                     "params": params, "at": time.time(), "text": None})
    return True


@method
def answerCallbackQuery(fake, bot, params, files):
    query = params.get("callback_query_id")
    if query not in bot.callbacks:
        raise bad("query is too old and response timeout expired or query ID is invalid")
    bot.answered.append(query)
    return True


@method
def getChat(fake, bot, params, files):
    return fake.world.find(bot, params.get("chat_id")).chat


@method
def getUserProfilePhotos(fake, bot, params, files):
    if bot.picture is None or int(params["user_id"]) != bot.id:
        return {"total_count": 0, "photos": []}
    sizes = [{**fake.world.add_file(bot, bot.picture, "p.png", "photo"), "width": w, "height": w} for w in (160, 320, 640)]
    return {"total_count": 1, "photos": [sizes]}


@method
def setMyCommands(fake, bot, params, files):
    return True


def decode(params, name):
    """Nested values come as JSON text in forms and queries, as values in JSON."""
    value = params.get(name)
    if isinstance(value, str):
        try:
            params[name] = json.loads(value)
        except ValueError:
            raise bad(f"can't parse {name} JSON object") from None


NESTED = ("reply_markup", "entities", "caption_entities", "media", "reply_parameters", "allowed_updates",
          "reaction", "message_ids", "link_preview_options")
NUMBERS = ("message_id", "message_thread_id", "limit", "timeout", "offset", "max_connections")
assert units("a") == 1
