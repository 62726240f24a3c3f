"""People with WhatsApp, and the business on its own phone: what they do becomes webhooks."""

import json

from . import samples


class User:
    """A person. hidden: he has a username, and the phone number is in no webhook."""

    def __init__(self, fake, phone="4917600000", name="Ann", bsuid=None, parent=None, username=None, hidden=False):
        self.fake, self.phone, self.name, self.username, self.parent = fake, phone, name, username, parent
        self.bsuid = bsuid or f"DE.{abs(hash((phone, name))) % 10**18}"
        self.hidden, self.offline, self.old_style = hidden, False, False
        self.inbox = []  # what was sent to him
        fake.do(self.register)

    def register(self):
        for key in (self.phone, self.bsuid, self.parent):
            if key:
                self.fake.world.people[key] = self

    def contact(self, with_name=True):
        c = {"profile": {"name": self.name, **({"username": self.username} if self.username else {})}} if with_name else {}
        if self.phone and not self.hidden:
            c["wa_id"] = self.phone
        if not self.old_style:
            c["user_id"] = self.bsuid
            if self.parent:
                c["parent_user_id"] = self.parent
        return c

    def sender(self):
        m = {}
        if self.phone and not self.hidden:
            m["from"] = self.phone
        if not self.old_style:
            m["from_user_id"] = self.bsuid
            if self.parent:
                m["from_parent_user_id"] = self.parent
        return m

    def chat(self, number):
        return Chat(self.fake, self, number)


class Chat:
    """What one person does towards one number. Each gives the wamid; extra fields of the message by keyword."""

    def __init__(self, fake, user, number, group=None):
        self.fake, self.user, self.number, self.group = fake, user, getattr(number, "number", number), group

    def say(self, kind, part=None, opens=True, **extra):
        def go():
            world, number = self.fake.world, self.number
            m = {**self.user.sender(), "id": world.wamid(), "timestamp": str(int(world.now())), "type": kind}
            if part is not None:
                m[kind] = part
            if self.group:
                m["group_id"] = self.group
            m.update(extra)
            m = {k: v for k, v in m.items() if v is not None}
            if opens:
                world.open_window(number, self.user)
            number.received.add(m.get("id"))
            value = {"messaging_product": "whatsapp", "metadata": self.fake.metadata(number),
                     "contacts": [self.user.contact()], "messages": [m]}
            self.fake.emit(number.waba, "messages", value, number)
            return m.get("id")

        return self.fake.do(go)

    def text(self, text, **extra):
        return self.say("text", {"body": text}, **extra)

    def media(self, kind, data, mime, url=True, told=None, **more):
        media_id = self.fake.do(self.fake.world.store, data, mime, self.number)
        part = {"id": media_id, "mime_type": mime, "sha256": told or self.fake.world.sha(media_id), **more}
        if url:
            part["url"] = f"{self.fake.url}/lookaside/early"
        extra = {k: part.pop(k) for k in ("context", "referral", "id_") if k in part}
        return self.say(kind, part, **extra)

    def image(self, data=samples.JPEG, mime="image/jpeg", **more):
        return self.media("image", data, mime, **more)

    def video(self, data=samples.MP4, mime="video/mp4", **more):
        return self.media("video", data, mime, **more)

    def audio(self, data=samples.MP3, mime="audio/mpeg", voice=False, **more):
        return self.media("audio", data, mime, voice=voice, **more)

    def voice(self, data=samples.OGG, mime="audio/ogg; codecs=opus", **more):
        return self.media("audio", data, mime, voice=True, **more)

    def document(self, data=samples.PDF, mime="application/pdf", filename="plan.pdf", **more):
        return self.media("document", data, mime, filename=filename, **more)

    def sticker(self, data=samples.WEBP, mime="image/webp", animated=False, **more):
        return self.media("sticker", data, mime, animated=animated, **more)

    def location(self, lat=52.52, lon=13.405, **more):
        return self.say("location", {"latitude": lat, "longitude": lon, **more})

    def contacts(self, *people, origin=None):
        """people: (name or None, phone)."""
        entries = [{**({"name": {"formatted_name": n, "first_name": n}} if n else {}),
                    "phones": [{"phone": p, "wa_id": p.lstrip("+"), "type": "CELL"}],
                    **({"origin": origin} if origin else {})} for n, p in people]
        return self.say("contacts", entries)

    def share_phone(self):
        """Answers the question for the phone number."""
        return self.contacts((None, "+" + self.user.phone), origin="contact_request")

    def press(self, title):
        """A button or a row of the newest message that has it."""
        for one in reversed(self.user.inbox):
            action = one["body"].get("interactive", {}).get("action", {})
            for b in action.get("buttons", []):
                if b["reply"]["title"] == title:
                    return self.say("interactive", {"type": "button_reply", "button_reply": b["reply"]},
                                    context={"from": self.number.digits, "id": one["id"]})
            for row in (r for s in action.get("sections", []) for r in s["rows"]):
                if row["title"] == title:
                    return self.say("interactive", {"type": "list_reply", "list_reply": row},
                                    context={"from": self.number.digits, "id": one["id"]})
            if one["type"] == "template" and title in self.fake.quick_replies(self.number, one):
                return self.say("button", {"text": title, "payload": title},
                                context={"from": self.number.digits, "id": one["id"]})
        raise ValueError(f"nobody sent a button {title}")

    def flow(self, values, name="flow"):
        return self.say("interactive", {"type": "nfm_reply", "nfm_reply": {
            "name": name, "body": "Sent", "response_json": json.dumps(values)}})

    def call_permission(self, response="accept"):
        return self.say("interactive", {"type": "call_permission_reply", "call_permission_reply": {
            "response": response, "response_source": "user_action"}})

    def react(self, wamid, emoji="👍"):
        return self.say("reaction", {"message_id": wamid, **({"emoji": emoji} if emoji else {})}, opens=False)

    def order(self, *items, text=None):
        """items: (id, quantity, price, currency)."""
        return self.say("order", {"catalog_id": "99", **({"text": text} if text else {}), "product_items": [
            {"product_retailer_id": i, "quantity": q, "item_price": p, "currency": c} for i, q, p, c in items]})

    def quote(self, wamid, text):
        return self.text(text, context={"from": self.number.digits, "id": wamid})

    def forward(self, text, often=False):
        return self.text(text, context={"frequently_forwarded" if often else "forwarded": True})

    def ask_product(self, text, product="sku-1"):
        return self.text(text, context={"from": self.number.digits, "id": self.fake.world.wamid(), "referred_product": {
            "catalog_id": "99", "product_retailer_id": product}})

    def from_ad(self, text="Hi, I saw your ad", **more):
        return self.text(text, referral={
            "source_url": "https://fb.me/abc", "source_type": "ad", "source_id": "1200", "headline": "Summer sale",
            "body": "All tiles half price", "media_type": "image", "image_url": "https://scontent.example/a.jpg",
            "ctwa_clid": "clid-1", "welcome_message": {"text": "Hello"}, **more})

    def unsupported(self, kind="poll_creation", code=131051):
        return self.say("unsupported", None, opens=True, unsupported={"type": kind}, errors=[
            {"code": code, "title": "Message type unknown", "message": "Message type unknown",
             "error_data": {"details": "Message type is currently not supported."}}])

    def edit(self, wamid, text):
        return self.say("edit", {"original_message_id": wamid, "message": {"type": "text", "text": {"body": text}}},
                        opens=False)

    def revoke(self, wamid):
        return self.say("revoke", {"original_message_id": wamid}, opens=False)

    def welcome(self):
        return self.say("request_welcome", None, opens=False)

    # --- who he is ---

    def change_number(self, phone, bsuid=None):
        """A new SIM: number and id are others now. Meta tells of it twice."""
        def go():
            user, world, number = self.user, self.fake.world, self.number
            old, old_id = user.sender(), user.bsuid
            m = {**old, "id": world.wamid(), "timestamp": str(int(world.now())), "type": "system", "system": {
                "body": f"{user.name} changed from {user.phone} to {phone}", "wa_id": phone,
                "type": "user_changed_number"}}
            user.phone, user.bsuid = phone, bsuid or f"DE.{abs(hash((phone, old_id))) % 10**18}"
            user.register()
            value = {"messaging_product": "whatsapp", "metadata": self.fake.metadata(number), "messages": [m]}
            self.fake.emit(number.waba, "messages", value, number)
            self.fake.emit(number.waba, "user_id_update", {
                "messaging_product": "whatsapp", "metadata": self.fake.metadata(number), "user_id_update": [{
                    "wa_id": phone, "timestamp": str(int(world.now())),
                    "user_id": {"previous": old_id, "current": user.bsuid}}]}, number)

        self.fake.do(go)

    def preference(self, value="stop"):
        def go():
            who = {"user_id": self.user.bsuid}
            if self.user.phone and not self.user.hidden:
                who["wa_id"] = self.user.phone
            self.fake.emit(self.number.waba, "user_preferences", {
                "messaging_product": "whatsapp", "metadata": self.fake.metadata(self.number),
                "contacts": [self.user.contact()], "user_preferences": [{
                    **who, "detail": "User requested to " + value + " marketing messages",
                    "category": "marketing_messages", "value": value,
                    "timestamp": str(int(self.fake.world.now()))}]}, self.number)

        self.fake.do(go)

    # --- calls ---

    def call(self, seconds=0):
        """Calls; seconds 0: nobody takes it."""
        def go():
            world, number = self.fake.world, self.number
            call_id = f"wacid.{world.next()}"
            common = {"id": call_id, **self.user.sender(), "to": number.digits, "direction": "USER_INITIATED"}
            world.open_window(number, self.user)
            start = {**common, "event": "connect", "timestamp": str(int(world.now())),
                     "session": {"sdp_type": "offer", "sdp": "v=0"}}
            end = {**common, "event": "terminate", "timestamp": str(int(world.now()) + seconds),
                   "status": "COMPLETED" if seconds else "FAILED", **({"duration": seconds} if seconds else {})}
            for one in (start, end):
                self.fake.emit(number.waba, "calls", {
                    "messaging_product": "whatsapp", "metadata": self.fake.metadata(number),
                    "contacts": [self.user.contact()], "calls": [one]}, number)
            return call_id

        return self.fake.do(go)

    # --- what he sees ---

    def seen(self):
        return self.fake.do(list, self.user.inbox)

    def read(self):
        """Opens the dialogue: everything is read now."""
        for one in self.seen():
            if one["number"] == self.number.id and one["status"] in ("sent", "delivered", "accepted"):
                self.fake.status(self.number, one, "read")

    def played(self, one):
        self.fake.status(self.number, one, "played")


class NumberHandle:
    """A number of the business, and the phone that it may be used on as well."""

    def __init__(self, fake, number):
        self.fake, self.number = fake, number
        self.id, self.waba = number.id, number.waba

    def emit(self, field, value):
        self.fake.do(self.fake.emit, self.waba, field, {
            "messaging_product": "whatsapp", "metadata": self.fake.metadata(self.number), **value}, self.number)

    def account(self, field, value):
        """News of the account, without a number."""
        self.fake.do(self.fake.emit, self.waba, field, value)

    def in_group(self, user, group="grp-1"):
        return Chat(self.fake, user, self.number, group)

    def echo(self, user, text=None, **extra):
        """Somebody of the business writes on the phone."""
        def go():
            m = {"from": self.number.digits, "id": self.fake.world.wamid(),
                 "timestamp": str(int(self.fake.world.now())), "type": "text", **extra}
            if user.phone and not user.hidden:
                m["to"] = user.phone
            else:
                m["to_user_id"] = user.bsuid
            if text is not None:
                m["text"] = {"body": text}
            self.fake.emit(self.waba, "smb_message_echoes", {
                "messaging_product": "whatsapp", "metadata": self.fake.metadata(self.number),
                "message_echoes": [m]}, self.number)
            return m["id"]

        return self.fake.do(go)

    def history(self, user, lines, phase=0, chunk=1):
        """lines: [(True when the client wrote, text, seconds ago)]. The wamids."""
        def go():
            now, ms = int(self.fake.world.now()), []
            for mine, text, ago in lines:
                m = {"from": user.phone if mine else self.number.digits, "id": self.fake.world.wamid(),
                     "timestamp": str(now - ago), "history_context": {"status": "READ"}}
                if not mine:
                    m["to"] = user.phone
                if text is None:
                    m["type"] = "media_placeholder"
                else:
                    m.update(type="text", text={"body": text})
                ms.append(m)
            self.fake.emit(self.waba, "history", {
                "messaging_product": "whatsapp", "metadata": self.fake.metadata(self.number), "history": [{
                    "metadata": {"phase": phase, "chunk_order": chunk, "progress": 100},
                    "threads": [{"id": user.phone, "messages": ms}]}]}, self.number)
            return [m["id"] for m in ms]

        return self.fake.do(go)

    def history_media(self, user, wamid, data=samples.JPEG, mime="image/jpeg", ago=86400):
        """The file of a placeholder, which follows."""
        def go():
            media_id = self.fake.world.store(data, mime, self.number)
            m = {"from": user.phone, "id": wamid, "timestamp": str(int(self.fake.world.now()) - ago), "type": "image",
                 "image": {"id": media_id, "mime_type": mime, "sha256": self.fake.world.sha(media_id)}}
            self.fake.emit(self.waba, "history", {
                "messaging_product": "whatsapp", "metadata": self.fake.metadata(self.number),
                "contacts": [user.contact()], "messages": [m]}, self.number)

        self.fake.do(go)

    def state_sync(self, name, phone, action="add"):
        self.emit("smb_app_state_sync", {"state_sync": [{
            "type": "contact", "contact": {"full_name": name, "first_name": name, "phone_number": phone},
            "action": action, "metadata": {"timestamp": "1790000000"}}]})
