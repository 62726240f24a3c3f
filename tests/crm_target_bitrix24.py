"""Bitrix24 for the contract's tests: a fake portal, signed in to as an application."""
from fakes.bitrix24 import CLIENT_ID, CLIENT_SECRET, WEBHOOK_SECRET, Bitrix24
from fakes.wire import Answer

KINDS = {"phone": "PHONE", "mobile": "PHONE", "email": "EMAIL", "other": "IM"}
WAYS = {"PHONE": "phone", "EMAIL": "email", "IM": "other"}


class Bitrix24Target:
    name = "bitrix24"
    text_max = 10000
    file_max = 20 << 20  # larger ones become a link
    file_requests = 1  # that can be lost: files come with their comment
    failure = Answer(400, {"error": "INVALID_ARG_VALUE", "error_description": "The name must not be empty."})

    def __init__(self):
        self.server = self.proxy = Bitrix24()

    def close(self):
        self.server.close()

    def section(self, extra="", webhook=False):
        who = (f'webhook_url = "{self.server.url}/rest/1/{WEBHOOK_SECRET}/"' if webhook else
               f'portal = "{self.server.url}"\n  token_url = "{self.server.url}/oauth/token/"\n'
               f'  client_id = "{CLIENT_ID}"\n  client_secret = "{CLIENT_SECRET}"\n'
               f'  refresh_token = "{self.server.refresh}"')
        return (f'bitrix24 "crm" {{{{\n  {who}\n  per_minute = 60000\n  burst = 1000\n'
                f'  allow_private = true\n  language = "en"\n  {extra}\n}}}}\n')

    def is_write(self, request):
        """Does it put a message on a card?"""
        return "crm.timeline.comment.add" in request.path or b"crm.timeline.comment.add" in request.body

    def is_upload(self, request):
        return False

    def is_create(self, request):
        return "crm.item.add" in request.path

    # --- what is in it ---

    def add_card(self, name, *ways):
        fm = [{"typeId": KINDS[kind], "valueType": "WORK", "value": value} for kind, value in ways]
        return str(self.server.do(self.server.crm.item_add, {
            "entityTypeId": 3, "fields": {"name": name, "fm": fm}})["item"]["id"])

    def add_old_card(self, name, number):
        return self.add_card(name, ("phone", number))

    def cards(self):
        return self.server.do(lambda: {str(i): c["name"] for i, c in self.server.crm.items[3].items()})

    def ways(self, card):
        return self.server.do(lambda: {(WAYS[f["typeId"]], f["value"])
                                       for f in self.server.crm.items[3][int(card)]["fm"]})

    def history(self, card):
        """The texts on the card, in the order in which they were written, as they are read there."""
        return self.server.do(lambda: [plain(c["COMMENT"]) for c in self.server.crm.comments.values()
                                       if c["ENTITY_ID"] == card])

    def files(self, card):
        """{name: bytes} of those that were brought to the card."""
        return self.server.do(lambda: {n: d for c in self.server.crm.comments.values() if c["ENTITY_ID"] == card
                                       for n, d in c["files"]})

    def _entry(self, card, text):
        return next(c for c in self.server.crm.comments.values() if c["ENTITY_ID"] == card and text in plain(c["COMMENT"]))

    def delete_entry(self, card, text):
        """The entry that has this text in it."""
        self.server.do(lambda: self.server.crm.comments.pop(int(self._entry(card, text)["ID"])))

    def double_entry(self, card, text):
        self.server.do(lambda: self.server.crm.comment_add({"fields": {
            "ENTITY_ID": int(card), "ENTITY_TYPE": "contact", "COMMENT": self._entry(card, text)["COMMENT"]}}))

    def delete_card(self, card):
        self.server.do(self.server.crm.delete, int(card))

    def merge_cards(self, card, into):
        self.server.do(self.server.crm.merge, int(card), int(into))

    def end_sessions(self):
        self.server.expire()


def plain(text):
    return text.replace("[b]", "").replace("[/b]", "").replace("[\u200b", "[")
