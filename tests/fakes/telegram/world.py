"""What there is: bots, conversations with their messages, files, business connections; and the updates
that wait for each bot."""

import asyncio
import collections
import hashlib
import json
import time

# Left out unless asked for by name (Bot API, getUpdates, allowed_updates).
EXPLICIT = {"chat_member", "message_reaction", "message_reaction_count"}


class ApiError(Exception):
    def __init__(self, code, description, **parameters):
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


class Conversation:
    """One chat as one bot sees it (with a business connection: as that account does)."""

    def __init__(self, chat, business=""):
        self.chat = chat
        self.business = business
        self.next_id = 1
        self.messages = {}
        self.started = chat["type"] != "private" or bool(business)
        self.blocked = self.kicked = False
        self.last_in = 0
        self.closed_topics, self.topics = set(), set()
        self.migrated_to = None
        self.albums = {}

    def put(self, message):
        message["message_id"] = self.next_id
        self.next_id += 1
        self.messages[message["message_id"]] = message
        return message


class Bot:
    def __init__(self, token, username, first_name):
        self.token, self.username, self.first_name = token, username, first_name
        self.id = int(token.split(":")[0])
        self.conversations = {}
        self.business = {}
        self.files = {}
        self.callbacks = {}
        self.allowed = None
        self.webhook = {"url": "", "max_connections": 40}
        self.last_error = None
        self.next_update = 1000
        self.updates = collections.deque()  # (id, kind, chat, encoded)
        self.arrived = asyncio.Event()
        self.revoked = False
        self.picture = None  # bytes
        self.poller = 0  # the latest getUpdates: an older one ends with 409
        self.sent = []
        self.answered = []
        self.confirmed = 0

    @property
    def user(self):
        return {"id": self.id, "is_bot": True, "first_name": self.first_name, "username": self.username}

    def wants(self, kind):
        return kind not in EXPLICIT if self.allowed in (None, []) else kind in self.allowed


class World:
    def __init__(self):
        self.bots = {}
        self.users = {}
        self.problems = []
        self.next_file = 1

    def bot_of(self, token):
        return self.bots.get(token)

    def conversation(self, bot, chat, business=""):
        key = (business, chat["id"])
        if key not in bot.conversations:
            bot.conversations[key] = Conversation(chat, business)
        return bot.conversations[key]

    def find(self, bot, chat_id, business=""):
        try:
            key = (business, int(chat_id))
        except (TypeError, ValueError):
            raise ApiError(400, "Bad Request: chat not found") from None
        if key not in bot.conversations:
            raise ApiError(400, "Bad Request: chat not found")
        return bot.conversations[key]

    # --- files ---

    def add_file(self, bot, data, name, kind, size=None):
        """Keeps the bytes; gives {"file_id","file_unique_id","file_size"}. size: as told, if other."""
        n = self.next_file
        self.next_file += 1
        file_id = f"F{bot.id}-{n}"
        suffix = name.rpartition(".")[2] if "." in name else "bin"
        bot.files[file_id] = {"data": data, "kind": kind, "path": f"{kind}s/file_{n}.{suffix}",
                              "size": len(data) if size is None else size, "name": name}
        unique = hashlib.sha1(data + name.encode()).hexdigest()[:14]
        return {"file_id": file_id, "file_unique_id": unique, "file_size": bot.files[file_id]["size"]}

    # --- updates ---

    def push(self, bot, kind, payload, chat=0, update_id=None):
        """Queues an update; gives its id, or None when the bot did not ask for such."""
        if not bot.wants(kind):
            return None
        if update_id is None:
            update_id = bot.next_update
        bot.next_update = update_id + 1
        text = json.dumps({"update_id": update_id, kind: payload}, ensure_ascii=False)
        bot.updates.append((update_id, kind, chat, text.encode()))
        bot.arrived.set()
        return update_id


def now():
    return int(time.time())
