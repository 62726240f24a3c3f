"""ELMA365 as the contract's tests see it."""
import json

from fakes.elma365 import Elma
from fakes.wire import Answer

CONTACTS = ("_clients", "_contacts")


class Elma365Target:
    name = "elma365"
    text_max = 10000
    file_max = 20 << 20
    failure = Answer(200, {"success": False, "error": "The name must not be empty."})
    rewrites = False
    feed = "messages"

    def __init__(self):
        self.server = self.proxy = Elma()

    def close(self):
        self.server.close()

    def section(self, extra=""):
        return (f'elma365 "crm" {{{{\n  url = "{self.server.url}"\n  token = "{self.server.token}"\n'
                f'  allow_private = true\n  language = "en"\n  messenger_field = "gw_ids"\n  feed = "{self.feed}"\n  file_max = "20M"\n'
                f'  {extra}\n}}}}\n')

    def is_write(self, request):
        return request.path.startswith("/pub/v1/feed/") and request.path.endswith(("/message", "/comment"))

    def is_create(self, request):
        return request.path.endswith("/create") or request.path.endswith("/batch")

    def is_upload(self, request):
        return request.path.startswith("/pub/v1/disk/")

    # --- what is in it ---

    def items(self):
        return self.server.apps[CONTACTS].items

    def add_card(self, name, *ways):
        """Phones are kept as their significant digits."""
        context = {"_fullname": {"lastname": name}}
        for kind, value in ways:
            if kind in ("phone", "mobile"):
                tel = ("+" if value.lstrip().startswith("+") else "") + "".join(c for c in value if c.isdigit())
                context.setdefault("_phone", []).append({"type": "work" if kind == "phone" else "mobile", "tel": tel})
            elif kind == "email":
                context.setdefault("_email", []).append({"type": "work", "email": value})
            else:
                context["gw_ids"] = f"{context.get('gw_ids', '')} {value}".strip()
        return self.server.do(lambda: self.server.create(*CONTACTS, context)["__id"])

    def add_old_card(self, name, number):
        return self.add_card(name, ("phone", number))

    def cards(self):
        return self.server.do(lambda: {id: i["__name"] for id, i in self.items().items() if not i["__deletedAt"]})

    def ways(self, card):
        item = self.server.do(lambda: json.loads(json.dumps(self.items()[card])))
        return {("mobile", p["tel"]) for p in item["_phone"] or []} | \
            {("email", e["email"]) for e in item["_email"] or []} | \
            {("other", w) for w in (item["gw_ids"] or "").split()}

    def history(self, card):
        return self.server.do(lambda: [m["body"] for m in self.server.feeds.get(card, [])])

    def files(self, card):
        def named():
            kept = [self.server.files[f] for m in self.server.feeds.get(card, []) for f in m["files"]]
            return {f["name"]: f["data"] for f in kept}

        return self.server.do(named)

    def delete_entry(self, card, text):
        """The entry that has this text in it."""
        self.server.do(lambda: self.server.feeds.update(
            {card: [m for m in self.server.feeds[card] if text not in m["body"]]}))

    def double_entry(self, card, text):
        def double():
            feed = self.server.feeds[card]
            one = next(m for m in feed if text in m["body"])
            feed.append(self.server.entry({"title": one["title"], "body": one["body"]}, "title", "body"))

        self.server.do(double)

    def delete_card(self, card):
        self.server.do(lambda: self.items()[card].update(__deletedAt="2026-11-29T12:00:00Z", __externalId=None))

    def merge_cards(self, card, into):
        """ELMA365 knows no merging: people move what one had to the other and delete it."""
        def merge():
            old, new = self.items()[card], self.items()[into]
            for key in ("__externalId", "_phone", "_email", "gw_ids"):
                new[key] = new[key] or old[key]
            old.update(__deletedAt="2026-11-29T12:00:00Z")

        self.server.do(merge)

    def end_sessions(self):
        """There are none: a token is valid until an admin takes it back."""
