"""What people do in Telegram: write, send, edit, react, block, press; in private, in groups, to
business accounts. Each gives the message (a dict) as Telegram has it."""

import struct
import time
import zlib

from .world import now


def png(width=4, height=4, colour=(200, 60, 60)):
    rows = b"".join(b"\0" + bytes(colour) * width for _ in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


OGG = b"OggS\0\x02" + bytes(20) + b"\x01\x13OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0" + bytes(64)
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(200)
WEBP = b"RIFF\x24\0\0\0WEBPVP8 \x18\0\0\0\x30\x01\0\x9d\x01\x2a\x01\0\x01\0\x02\0\x34\x25\xa4\0\x03\x70\0\xfe\xfb\x94\0\0"


class Chat:
    """One chat with one bot, seen from outside. Everything here runs in the server's thread."""

    def __init__(self, fake, bot, chat, author, business=""):
        self.fake, self.bot, self.raw_chat, self.author, self.business = fake, bot, chat, author, business

    @property
    def conversation(self):
        return self.fake.world.conversation(self.bot, self.raw_chat, self.business)

    def _put(self, content, kind=None, author=None, **extra):
        c = self.conversation
        author = author if author is not None else self.author
        message = {"date": now(), "chat": self.raw_chat, **({"from": author} if author else {}), **extra, **content}
        if self.business:
            message["business_connection_id"] = self.business
        c.put(message)
        c.last_in = time.time()
        c.started = True
        if kind is None:
            kind = ("business_message" if self.business else
                    "channel_post" if self.raw_chat["type"] == "channel" else "message")
        self.fake.world.push(self.bot, kind, message, self.raw_chat["id"])
        return message

    def send(self, content, **extra):
        """Any content: {"text": ...}, {"location": ...}; what else there is of a Message by name."""
        return self.fake.do(self._put, content, **extra)

    def text(self, text, entities=None, reply_to=None, **extra):
        content = {"text": text}
        if entities:
            content["entities"] = entities
        if reply_to:
            content["reply_to_message"] = {k: v for k, v in reply_to.items() if k != "reply_to_message"}
        return self.send(content, **extra)

    def start(self, payload=""):
        text = f"/start {payload}".strip()
        return self.text(text, entities=[{"type": "bot_command", "offset": 0, "length": 6}])

    def _file(self, data, name, kind, size=None, **more):
        return {**self.fake.world.add_file(self.bot, data, name, kind, size), **more}

    def file(self, data, name, kind, size=None, **more):
        return self.fake.do(self._file, data, name, kind, size, **more)

    def photo(self, data=None, caption=None, **extra):
        small = self.file(png(2, 2), "s.png", "photo", width=2, height=2)
        large = self.file(data or png(40, 30), "l.png", "photo", width=40, height=30)
        return self.send({"photo": [small, large], **({"caption": caption} if caption else {})}, **extra)

    def document(self, data=b"%PDF-1.4 hello", name="offer.pdf", mime="application/pdf", size=None, caption=None, **extra):
        f = self.file(data, name, "document", size, file_name=name, mime_type=mime)
        return self.send({"document": f, **({"caption": caption} if caption else {})}, **extra)

    def voice(self, data=OGG, duration=3, **extra):
        return self.send({"voice": self.file(data, "v.ogg", "voice", duration=duration, mime_type="audio/ogg")}, **extra)

    def audio(self, data=b"ID3\x03" + bytes(200), **extra):
        return self.send({"audio": self.file(data, "song.mp3", "audio", duration=61, performer="Bach", title="Air",
                                             file_name="song.mp3", mime_type="audio/mpeg")}, **extra)

    def video(self, data=MP4, **extra):
        return self.send({"video": self.file(data, "clip.mp4", "video", width=320, height=240, duration=9,
                                             file_name="clip.mp4", mime_type="video/mp4")}, **extra)

    def video_note(self, data=MP4):
        return self.send({"video_note": self.file(data, "n.mp4", "video_note", length=240, duration=5)})

    def animation(self, data=MP4):
        f = self.file(data, "cat.mp4", "animation", width=100, height=80, duration=2, file_name="cat.mp4",
                      mime_type="video/mp4")
        return self.send({"animation": f, "document": f})

    def sticker(self, emoji="👍", animated=False, video=False):
        data, name = (b"\x1f\x8b\x08" + bytes(60), "s.tgs") if animated else (MP4, "s.webm") if video else (WEBP, "s.webp")
        return self.send({"sticker": self.file(data, name, "sticker", type="regular", width=512, height=512,
                                               is_animated=animated, is_video=video, emoji=emoji, set_name="Set")})

    def location(self, lat=59.9386, lon=30.3141, **more):
        return self.send({"location": {"latitude": lat, "longitude": lon, **more}})

    def venue(self, title="Hermitage", address="Palace Square 2"):
        place = {"latitude": 59.9398, "longitude": 30.3146}
        return self.send({"location": place, "venue": {"location": place, "title": title, "address": address}})

    def contact(self, own=True, phone="79991234567"):
        c = {"phone_number": phone, "first_name": "Ann"}
        if own:
            c["user_id"] = self.author["id"]
        return self.send({"contact": c})

    def poll(self, question="Tea or coffee?"):
        options = [{"persistent_id": str(i), "text": t, "voter_count": i} for i, t in enumerate(("Tea", "Coffee"))]
        return self.send({"poll": {"id": "5", "question": question, "options": options, "type": "regular",
                                   "is_closed": False, "is_anonymous": True, "total_voter_count": 1}})

    def dice(self, value=4):
        return self.send({"dice": {"emoji": "🎲", "value": value}})

    def album(self, n=3, caption="Three views", order=None, group=None):
        """Photos as Telegram sends an album: messages of their own, in any order."""
        group = group or str(self.fake.next_group())
        out = []
        for i in order or range(n):
            f = self.file(png(40, 30, (40 * i + 20, 90, 160)), f"a{i}.png", "photo", width=40, height=30)
            out.append(self.send({"photo": [f], **({"caption": caption} if i == 0 and caption else {})},
                                 media_group_id=group))
        return out

    def edit(self, message, **content):
        def run():
            message.update(content, edit_date=now() + 1)
            kind = ("edited_business_message" if self.business else
                    "edited_channel_post" if self.raw_chat["type"] == "channel" else "edited_message")
            self.fake.world.push(self.bot, kind, message, self.raw_chat["id"])
            return message

        return self.fake.do(run)

    def react(self, message, *many, emoji=None):
        emoji = many or ((emoji,) if emoji else ())
        old = message.get("their_reactions", [])
        new = [{"type": "emoji", "emoji": e} for e in emoji]
        message["their_reactions"] = new
        update = {"chat": self.raw_chat, "message_id": message["message_id"], "user": self.author, "date": now(),
                  "old_reaction": old, "new_reaction": new}
        self.fake.do(self.fake.world.push, self.bot, "message_reaction", update, self.raw_chat["id"])

    def press(self, message, data):
        def run():
            query = str(len(self.bot.callbacks) + 4382)
            self.bot.callbacks[query] = data
            self.fake.world.push(self.bot, "callback_query", {"id": query, "from": self.author, "message": message,
                                                              "chat_instance": "77", "data": data}, self.raw_chat["id"])
            return query

        return self.fake.do(run)

    def _member(self, status):
        c = self.conversation
        old = "kicked" if c.blocked or c.kicked else "member"
        gone = status in ("kicked", "left")
        if self.raw_chat["type"] == "private":
            c.blocked = gone
        else:
            c.kicked = gone
        bot = self.bot.user
        self.fake.world.push(self.bot, "my_chat_member", {
            "chat": self.raw_chat, "from": self.author, "date": now(), "old_chat_member": {"status": old, "user": bot},
            "new_chat_member": {"status": status, "user": bot, **({"until_date": 0} if status == "kicked" else {})}},
            self.raw_chat["id"])

    def block(self):
        self.fake.do(self._member, "kicked")

    def unblock(self):
        self.fake.do(self._member, "member")

    def delete(self, *messages):
        """Business chats only: elsewhere bots are not told."""
        def run():
            for m in messages:
                m["deleted"] = True
            self.fake.world.push(self.bot, "deleted_business_messages", {
                "business_connection_id": self.business, "chat": self.raw_chat,
                "message_ids": [m["message_id"] for m in messages]}, self.raw_chat["id"])

        self.fake.do(run)

    def seen(self):
        """The chat as a person sees it: messages that are not deleted, in order."""
        return self.fake.do(lambda: [dict(m) for m in self.conversation.messages.values() if not m.get("deleted")])


class User:
    def __init__(self, fake, user_id, first_name, last_name, username, language_code):
        self.fake = fake
        self.raw = {"id": user_id, "is_bot": False, "first_name": first_name, "language_code": language_code}
        if last_name:
            self.raw["last_name"] = last_name
        if username:
            self.raw["username"] = username

    def chat(self, bot):
        """The private chat with a bot."""
        chat = {"id": self.raw["id"], "type": "private",
                **{k: self.raw[k] for k in ("first_name", "last_name", "username") if k in self.raw}}
        return Chat(self.fake, bot.bot, chat, self.raw)

    def in_group(self, group):
        return Chat(self.fake, group.bot, group.raw_chat, self.raw)


class BotHandle:
    def __init__(self, fake, bot):
        self.fake, self.bot, self.token, self.id = fake, bot, bot.token, bot.id

    def group(self, chat_id, title="Sales talk", type="supergroup", forum=False):
        chat = {"id": chat_id, "type": type, "title": title, **({"is_forum": True} if forum else {})}
        g = Chat(self.fake, self.bot, chat, None)
        self.fake.do(lambda: g.conversation)
        return g

    def topic(self, group, topic_id, closed=False):
        def run():
            group.conversation.topics.add(topic_id)
            if closed:
                group.conversation.closed_topics.add(topic_id)

        self.fake.do(run)

    def migrate(self, group, new_id):
        """A group becomes a supergroup: two service messages, and another id."""
        def run():
            new = {**group.raw_chat, "id": new_id, "type": "supergroup"}
            group._put({"migrate_to_chat_id": new_id})
            group.conversation.migrated_to = new_id
            other = Chat(self.fake, self.bot, new, None)
            other._put({"migrate_from_chat_id": group.raw_chat["id"]})
            return other

        return self.fake.do(run)

    def business(self, owner, connection_id="bizConn_1", can_reply=True, enabled=True):
        def run():
            connection = {"id": connection_id, "user": owner.raw, "user_chat_id": owner.raw["id"], "date": now(),
                          "rights": {"can_reply": True} if can_reply else {}, "is_enabled": enabled}
            self.bot.business[connection_id] = connection
            self.fake.world.push(self.bot, "business_connection", connection)
            return connection

        return self.fake.do(run)

    def business_chat(self, connection, customer):
        """The customer's chat with the owner of a business account."""
        chat = {"id": customer.raw["id"], "type": "private", "first_name": customer.raw["first_name"]}
        return Chat(self.fake, self.bot, chat, customer.raw, connection["id"])

    def sent(self):
        return self.fake.do(lambda: list(self.bot.sent))

    def pending(self):
        return self.fake.do(lambda: len(self.bot.updates))

    def revoke(self):
        """The owner asked for another token."""
        def run():
            del self.fake.world.bots[self.token]
            self.bot.revoked = True
            self.bot.arrived.set()

        self.fake.do(run)

    def vanish(self, file_id):
        self.fake.do(lambda: self.bot.files[file_id].update(vanished=True))

    def push(self, kind, payload, chat=0, update_id=None):
        return self.fake.do(self.fake.world.push, self.bot, kind, payload, chat, update_id)

    def backlog(self, n=100000, chats=2000, first=10_000_000):
        """n text messages that wait, spread over chats."""
        def run():
            at = now()
            for i in range(n):
                user = first + i % chats
                self.bot.updates.append((self.bot.next_update, "message", user, (
                    '{"update_id":%d,"message":{"message_id":%d,"date":%d,"chat":{"id":%d,"type":"private",'
                    '"first_name":"U%d"},"from":{"id":%d,"is_bot":false,"first_name":"U%d","language_code":"en"},'
                    '"text":"Message %d of a long night"}}' % (self.bot.next_update, i // chats + 1, at, user,
                                                                i % chats, user, i % chats, i)).encode()))
                self.bot.next_update += 1
            self.bot.arrived.set()

        self.fake.do(run)
