"""Contacts, leads, deals and comments: crm.item.*, crm.duplicate.findbycomm, crm.contact.list,
crm.timeline.comment.*, as far as crm.md 2.2 tells."""
import base64
import re
from datetime import datetime, timedelta, timezone

from .errors import Refused, argument, invented, not_found

FIELDS = {"name", "lastName", "secondName", "fm", "originatorId", "originId", "sourceId", "sourceDescription",
          "assignedById", "utmSource", "utmMedium", "utmCampaign", "utmContent", "utmTerm"}
TYPES = {1: FIELDS | {"title", "contactIds", "stageId"},
         2: FIELDS - {"name", "lastName", "secondName", "fm"} | {"title", "contactIds", "categoryId", "stageId"},
         3: FIELDS}
FM_TYPES = {"PHONE", "EMAIL", "WEB", "IM", "LINK"}
PAGE = 50
COMMENT_MAX = 65536
MOSCOW = timezone(timedelta(hours=3))


def digits(phone):
    return re.sub(r"\D", "", re.split(r"[,;]|доб|ext", phone)[0])


class Crm:
    def __init__(self):
        self.items = {1: {}, 2: {}, 3: {}}
        self.comments = {}
        self.last = 100
        self.changed = lambda card: None  # what is done when a contact is another
        self.required = set()  # fields that the portal's admin has made mandatory

    def _next(self):
        self.last += 1
        return self.last

    # --- items ---

    @staticmethod
    def _type(p):
        try:
            number = int(p["entityTypeId"])
        except (KeyError, ValueError, TypeError):
            raise Refused(400, "100", "Could not find value for parameter {entityTypeId}") from None
        if number not in TYPES:
            raise not_found("Смарт-процесс не найден")
        return number

    def _item(self, p):
        kind = self._type(p)
        try:
            item = self.items[kind].get(int(p["id"]))
        except (KeyError, ValueError, TypeError):
            raise Refused(400, "100", "Could not find value for parameter {id}") from None
        if item is None:
            raise not_found("Элемент не найден")
        return kind, item

    def _fields(self, kind, p):
        fields = p.get("fields")
        if not isinstance(fields, dict):
            raise Refused(400, "100", "Could not find value for parameter {fields}")
        for name in fields:
            if name not in TYPES[kind]:
                raise invented(f"the field {name} of the type {kind}")
        out = dict(fields)
        for one in out.get("fm", []):
            if not isinstance(one, dict) or set(one) != {"typeId", "valueType", "value"}:
                raise Refused(400, "100", "Expected iterable value for multiple field")
            if one["typeId"] not in FM_TYPES or not one["value"]:
                raise Refused(400, "CRM_FIELD_ERROR_VALUE_NOT_VALID", 'Неверное значение поля "fm"')
        if "assignedById" in out and not str(out["assignedById"]).isdigit():
            raise Refused(400, "CRM_FIELD_ERROR_VALUE_NOT_VALID", 'Неверное значение поля "assignedById"')
        return out

    def item_add(self, p):
        kind = self._type(p)
        fields = self._fields(kind, p)
        for name in self.required - set(fields):
            raise Refused(400, "CRM_FIELD_ERROR_REQUIRED", f'Поле "{name}" обязательно для заполнения')
        item = {"id": self._next(), "assignedById": 1, "originatorId": None, "originId": None, "name": None,
                "lastName": None, "stageId": "NEW" if kind != 3 else None, **fields}
        item["fm"] = [dict(one, id=self._next()) for one in fields.get("fm", [])]
        self.items[kind][item["id"]] = item
        return {"item": dict(item, entityTypeId=kind)}

    def item_get(self, p):
        kind, item = self._item(p)
        return {"item": dict(item, entityTypeId=kind)}

    def item_update(self, p):
        kind, item = self._item(p)
        fields = self._fields(kind, p)
        item["fm"] += [dict(one, id=self._next()) for one in fields.pop("fm", [])]  # only ever added
        item.update(fields)
        if kind == 3:
            self.changed(item["id"])
        return {"item": dict(item, entityTypeId=kind)}

    def item_list(self, p):
        kind = self._type(p)
        select = p.get("select", ["*"])
        found = list(self.items[kind].values())
        for key, value in (p.get("filter") or {}).items():
            prefix, name = re.match(r"([@=]?)(\w+)$", key).groups()
            if name == "fm":
                raise Refused(400, "100", "fm")
            if name not in TYPES[kind] | {"id"}:
                raise invented(f"a filter by {key}")
            wanted = [str(v) for v in value] if prefix == "@" else [str(value)]
            found = [i for i in found if str(i.get(name)) in wanted]
        whole = select == ["*"]
        start = int(p.get("start", 0))
        page = [dict(i, entityTypeId=kind) if whole else {k: i.get(k) for k in select}
                for i in found[start:start + PAGE]]
        more = {"total": len(found)}
        if start + PAGE < len(found):
            more["next"] = start + PAGE
        return {"items": page}, more

    # --- who is who ---

    def find_by_comm(self, p):
        if "type" not in p:
            raise Refused(400, "Communication type is not defined", "Parameter 'type' is required.")
        if p["type"] not in ("PHONE", "EMAIL"):
            raise Refused(400, f"Communication type '{p['type']}' is not supported in current context")
        values = p.get("values")
        if not isinstance(values, list) or not values:
            raise Refused(400, "Communication values is not defined")
        if len(values) > 20:
            raise argument("more than 20 values")
        same = digits if p["type"] == "PHONE" else str.lower
        wanted = {same(v) for v in values}
        out = {}
        for name, kind in (("LEAD", 1), ("CONTACT", 3)):
            ids = [i["id"] for i in self.items[kind].values()
                   if any(f["typeId"] == p["type"] and same(f["value"]) in wanted for f in i["fm"])]
            if ids and p.get("entity_type", name) == name:
                out[name] = ids[:20]
        return out or []  # as PHP writes an empty array

    def contact_list(self, p):
        found = list(self.items[3].values())
        for key, value in (p.get("filter") or {}).items():
            if key not in ("PHONE", "EMAIL", "IM"):
                raise invented(f"a filter of contacts by {key}")
            found = [i for i in found if any(f["typeId"] == key and f["value"] == value for f in i["fm"])]
        if p.get("select") != ["ID"]:
            raise invented(f"contacts' {p.get('select')}")
        return [{"ID": str(i["id"])} for i in found[:PAGE]], {"total": len(found)}

    # --- the timeline ---

    @staticmethod
    def _comment_fields(p):
        fields = p.get("fields")  # in lower case
        if not isinstance(fields, dict):
            raise Refused(400, "100", "Could not find value for parameter {fields}")
        for name in fields:
            if name not in ("ENTITY_ID", "ENTITY_TYPE", "COMMENT", "FILES"):
                raise invented(f"a comment's {name}")
        if not fields.get("COMMENT"):
            raise Refused(400, "INVALID_ARG_VALUE", "Empty comment message")
        if len(fields["COMMENT"].encode()) > COMMENT_MAX:
            raise Refused(400, "INVALID_ARG_VALUE", "Comment is too long")
        files = fields.get("FILES", [])
        if not isinstance(files, list):
            raise argument("FILES is a list")
        for one in files:
            name, content = one
            if not name or not isinstance(name, str):
                raise argument("a file without a name")
            base64.b64decode(content, validate=True)
        return fields, [(n, base64.b64decode(c)) for n, c in files]

    def comment_add(self, p):
        fields, files = self._comment_fields(p)
        kind = {"lead": 1, "deal": 2, "contact": 3}.get(fields.get("ENTITY_TYPE"))
        if kind is None or int(fields.get("ENTITY_ID", 0)) not in self.items[kind]:
            raise Refused(400, "OWNER_NOT_FOUND", "Owner was not found")
        number = self._next()
        self.comments[number] = {"ID": str(number), "ENTITY_ID": str(fields["ENTITY_ID"]),
                                 "ENTITY_TYPE": fields["ENTITY_TYPE"], "COMMENT": fields["COMMENT"],
                                 "AUTHOR_ID": "1", "CREATED": datetime.now(MOSCOW).isoformat(timespec="seconds"), "files": files}
        return number

    def comment_update(self, p):
        fields, files = self._comment_fields(p)
        one = self.comments.get(int(p.get("id", 0)))
        if one is None:
            raise not_found()
        one["COMMENT"] = fields["COMMENT"]
        if files:
            one["files"] = files
        return int(one["ID"])

    def comment_list(self, p):
        where = p.get("filter")
        if not isinstance(where, dict) or set(where) != {"ENTITY_ID", "ENTITY_TYPE"}:
            raise argument("filter wants ENTITY_ID and ENTITY_TYPE")
        found = [c for c in self.comments.values()
                 if c["ENTITY_ID"] == str(where["ENTITY_ID"]) and c["ENTITY_TYPE"] == where["ENTITY_TYPE"]]
        order = p.get("order") or {}
        if set(order) - {"ID", "CREATED", "AUTHOR_ID"}:
            raise invented(f"an order by {order}")
        found.sort(key=lambda c: int(c["ID"]), reverse=order.get("ID") == "DESC")
        select = p.get("select") or ["ID", "ENTITY_ID", "ENTITY_TYPE", "CREATED", "COMMENT", "AUTHOR_ID"]
        start = int(p.get("start", 0))
        more = {"total": len(found)}
        if start + PAGE < len(found):
            more["next"] = start + PAGE
        return [{k: c[k] for k in select} for c in found[start:start + PAGE]], more

    # --- what people do there ---

    def delete(self, number):
        del self.items[3][number]
        for one in [c for c in self.comments.values() if c["ENTITY_ID"] == str(number)]:
            del self.comments[int(one["ID"])]

    def merge(self, number, into):
        """What the card holds goes to the other one, and it is gone."""
        self.items[3][into]["fm"] += self.items[3][number]["fm"]
        for one in self.comments.values():
            if one["ENTITY_ID"] == str(number):
                one["ENTITY_ID"] = str(into)
        self.delete(number)

    METHODS = {"crm.item.add": item_add, "crm.item.get": item_get, "crm.item.update": item_update,
               "crm.item.list": item_list, "crm.duplicate.findbycomm": find_by_comm,
               "crm.contact.list": contact_list, "crm.timeline.comment.add": comment_add,
               "crm.timeline.comment.update": comment_update, "crm.timeline.comment.list": comment_list}
