"""HubSpot as the contract's tests see it."""
import html
import re

from fakes.hubspot import HubSpot
from fakes.wire import Answer


def plain(body):
    """What a person reads of a rich text."""
    body = re.sub(r"<br ?/?>", "\n", re.sub(r'<a href="([^"]*)">(.*?)</a>', r"\2 \1", body))
    return html.unescape(re.sub(r"<[^>]*>", "", body))


class HubSpotTarget:
    name = "hubspot"
    text_max = 10000
    sorts_by_time = True
    file_max = 20 << 20
    failure = Answer(400, {"status": "error", "category": "VALIDATION_ERROR", "message": "The name must not be empty.",
                           "correlationId": "x"})

    def __init__(self):
        self.server = self.proxy = HubSpot()

    def close(self):
        self.server.close()

    def section(self, extra=""):
        return (f'hubspot "crm" {{{{\n  url = "{self.server.url}"\n  token = "{self.server.token}"\n  allow_private = true\n'
                f'  language = "en"\n  messenger_property = "gw_ids"\n  file_max = "20M"\n  {extra}\n}}}}\n')

    def is_write(self, request):
        return request.method == "POST" and request.path.endswith("/notes")

    def is_create(self, request):
        return request.path.endswith("/contacts/batch/upsert")

    def is_upload(self, request):
        return request.path.startswith("/files/")

    # --- what is in it ---

    def add_card(self, name, *ways):
        properties = {"firstname": name}
        for kind, value in ways:
            key = {"phone": "phone", "mobile": "mobilephone", "email": "email"}.get(kind, "gw_ids")
            properties[key] = value
        return self.server.do(lambda: self.server.make("contacts", properties, lag=0)["id"])

    def add_old_card(self, name, number):
        return self.add_card(name, ("phone", number))

    def cards(self):
        return self.server.do(lambda: {o["id"]: o["properties"].get("firstname")
                                       for o in self.server.objects["contacts"].values() if not o["archived"]})

    def ways(self, card):
        p = self.server.do(lambda: dict(self.server.objects["contacts"][card]["properties"]))
        return {("mobile", p.get("phone")), ("email", p.get("email"))} | {("other", w) for w in (p.get("gw_ids") or "").split()}

    def notes(self, card):
        """In the order in which the card shows them."""
        found = [self.server.objects[k][n] for c, k, n in self.server.links if c == card]
        return sorted((o for o in found if not o["archived"]),
                      key=lambda o: (o["properties"]["hs_timestamp"], int(o["id"])))

    def history(self, card):
        return self.server.do(lambda: [plain(o["properties"].get("hs_note_body") or o["properties"]["hs_communication_body"])
                                       for o in self.notes(card)])

    def files(self, card):
        def named():
            ids = [i for o in self.notes(card) for i in o["properties"].get("hs_attachment_ids", "").split(";") if i]
            return {self.server.files[i]["name"]: self.server.files[i]["data"] for i in ids}

        return self.server.do(named)

    def files_of_entries(self, card):
        ids = [[i for i in o["properties"].get("hs_attachment_ids", "").split(";") if i] for o in self.notes(card)]
        return self.server.do(lambda: [[self.server.files[i]["name"] for i in one] for one in ids])

    def with_text(self, card, text):
        return next(o for o in self.notes(card) if text in plain(o["properties"]["hs_note_body"]))

    def delete_entry(self, card, text):
        self.server.do(lambda: self.with_text(card, text).update(archived=True))

    def double_entry(self, card, text):
        def double():
            o = self.server.make("notes", self.with_text(card, text)["properties"])
            self.server.links.append((card, "notes", o["id"]))

        self.server.do(double)

    def delete_card(self, card):
        self.server.do(lambda: self.server.objects["contacts"][card].update(archived=True))

    def merge_cards(self, card, into):
        """The one that is left answers to both ids."""
        def merge():
            self.server.objects["contacts"][card]["archived"] = True
            self.server.merged[card] = into
            self.server.links = [(into if c == card else c, k, n) for c, k, n in self.server.links]

        self.server.do(merge)

    def end_sessions(self):
        """There are none: a token is valid until an admin takes it back."""
