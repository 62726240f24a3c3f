"""Open lines with a channel of one's own: imconnector.*, as far as crm.md 2.3 tells. What that does not say is as in the
portal's own code (modules imconnector and imopenlines): a message with an id that was there before is one more message; an
update, or a deletion, is done to all that have the id, and its element has SUCCESS, too, when none has. That an update neither
adds files nor takes them off is unconfirmed."""
import re

from ..crm import fetch
from .errors import Refused, argument, invented

NAME = re.compile(r"^[^\W\d_](?:[^\W\d_]|[ '\u2019-]){0,24}$")
USER = {"id", "name", "last_name", "picture", "url", "gender", "email", "phone", "skip_phone_validate"}
MESSAGE = {"id", "date", "text", "files", "disable_crm"}
CHAT = {"id", "name", "url"}


class Lines:
    def __init__(self):
        self.connectors, self.active, self.data = {}, set(), {}
        self.handlers = set()
        self.messages = []  # {"chat", "id", "text", "user", "files", "deleted"}
        self.delivered = []  # (im chat, im message, [ours])
        self.lines = {1}
        self.setups = 0

    @staticmethod
    def _need(p, *names):
        for name in names:
            if not p.get(name):
                raise argument(f"Argument '{name}' is null or empty")

    def register(self, p):
        if not p.get("ID") or "." in p["ID"]:
            return {"result": False, "error": "CONNECTOR_ID_REQUIRED", "error_description": "Не указан ID коннектора"}
        if not re.fullmatch(r"[a-z0-9_]+", p["ID"]):
            raise argument("ID")
        if not (p.get("ICON") or {}).get("DATA_IMAGE", "").startswith("data:image/svg+xml,"):
            return {"result": False, "error": "ICON_REQUIRED", "error_description": "Не указана иконка коннектора"}
        for name, code in (("NAME", "NAME_REQUIRED"), ("PLACEMENT_HANDLER", "NO_PLACEMENT_HANDLER")):
            if not p.get(name):
                return {"result": False, "error": code, "error_description": code}
        self.connectors[p["ID"]] = p
        self.setups += 1
        return {"result": True}

    def activate(self, p):
        self._need(p, "CONNECTOR", "LINE", "ACTIVE")
        if p["CONNECTOR"] not in self.connectors:
            return False
        self.active.add((p["CONNECTOR"], int(p["LINE"])))
        return True

    def data_set(self, p):
        self._need(p, "CONNECTOR", "LINE", "DATA")
        if set(p["DATA"]) - {"ID", "URL", "URL_IM", "NAME"}:
            raise invented(f"a channel's {set(p['DATA'])}")
        self.data[p["CONNECTOR"]] = p["DATA"]
        return True

    def _line(self, p):
        self._need(p, "CONNECTOR", "LINE", "MESSAGES")
        if not isinstance(p["MESSAGES"], list):
            raise argument("The value of an argument 'MESSAGES' must be of type array")
        if int(p["LINE"]) not in self.lines or (p["CONNECTOR"], int(p["LINE"])) not in self.active:
            raise Refused(400, "NOT_ACTIVE_LINE", "Линия c таким ID неактивна или не существует")
        for one in p["MESSAGES"]:
            if not isinstance(one, dict) or set(one) != {"user", "message", "chat"}:
                raise argument("The incorrect structure of a message inside MESSAGES parameter")
            for part, names in (("user", USER), ("message", MESSAGE), ("chat", CHAT)):
                if set(one[part]) - names:
                    raise invented(f"{part}'s {set(one[part]) - names}")
                if not isinstance(one[part].get("id"), str) or not one[part]["id"]:
                    raise argument(f"{part}.id")
            for file in one["message"].get("files", []):
                if set(file) - {"url", "name"} or not str(file.get("url", "")).startswith("http"):
                    raise invented(f"a file's {file}")
        return p["MESSAGES"]

    @staticmethod
    def _element(one, error=None):
        out = {"user": "585", "message": {"id": one["message"]["id"]}, "chat": {"id": one["chat"]["id"]},
               "SUCCESS": not error}
        if error:
            out["ERRORS"] = [error]
        else:
            out["session"] = {"ID": "323", "CHAT_ID": "1767"}
        return out

    def _called(self, one):
        return [m for m in self.messages if m["chat"] == one["chat"]["id"] and m["id"] == one["message"]["id"] and not m["deleted"]]

    def _wrong(self, one):
        for name in ("name", "last_name"):
            if name in one["user"] and not NAME.match(one["user"][name]):
                return f"user.{name}: {one['user'][name]!r}"
        if not one["message"].get("text") and not one["message"].get("files"):
            return "neither text nor files"
        if not isinstance(one["message"].get("date", 0), int):
            return "message.date"
        return None

    def send(self, p):
        out = []
        for one in self._line(p):
            error = self._wrong(one)
            if not error:
                self.messages.append({"chat": one["chat"]["id"], "id": one["message"]["id"], "deleted": False,
                                      "text": one["message"].get("text", ""), "user": one["user"],
                                      "files": one["message"].get("files", []), "date": one["message"].get("date"),
                                      "fetched": [fetch(f["url"]) for f in one["message"].get("files", [])]})
            out.append(self._element(one, error))
        return {"SUCCESS": True, "DATA": {"RESULT": out}}  # though an element may have failed

    def update(self, p):
        out = []
        for one in self._line(p):
            for there in self._called(one):
                there["text"] = one["message"].get("text", "")
            out.append(self._element(one))
        return {"SUCCESS": True, "DATA": {"RESULT": out}}

    def delete(self, p):
        out = []
        for one in self._line(p):
            for there in self._called(one):
                there["deleted"] = True
            out.append(self._element(one))
        return {"SUCCESS": True, "DATA": {"RESULT": out}}

    def delivery(self, p):
        self._need(p, "CONNECTOR", "LINE", "MESSAGES")
        for one in p["MESSAGES"]:
            if not isinstance(one["message"]["id"], list):
                raise argument("message.id is an array")
            self.delivered.append((one["im"]["chat_id"], one["im"]["message_id"], one["message"]["id"]))
        return {"SUCCESS": True, "DATA": []}

    def bind(self, p):
        self._need(p, "event", "handler")
        if not p["event"].startswith("ONIMCONNECTOR") and p["event"] != "ONCRMCONTACTUPDATE":
            raise Refused(400, "ERROR_EVENT_NOT_FOUND", "Event not found")
        if (p["event"], p["handler"]) in self.handlers:
            raise Refused(400, "ERROR_EVENT_BINDING_EXISTS", "Handler already binded")
        self.handlers.add((p["event"], p["handler"]))
        return True

    METHODS = {"imconnector.register": register, "imconnector.activate": activate,
               "imconnector.connector.data.set": data_set, "imconnector.send.messages": send,
               "imconnector.update.messages": update, "imconnector.delete.messages": delete,
               "imconnector.send.status.delivery": delivery, "event.bind": bind}
