"""A stand-in for Odoo's external API, both of them: JSON-RPC and JSON-2 (crm.md 5; its documentation and source, 17 to 19).
Strict where the real one is: fields that a model has not, records that are gone, rights, arguments by name.

The world (records) is apart from the server, so that a server may be killed and another one started on the same."""

import base64
import collections
import html
import itertools
import json
import re
import traceback

from ..crm import CrmFake
from ..wire import Answer

FIELDS = {
    "res.partner": {"name": "char", "phone": "char", "mobile": "char", "email": "char", "comment": "html", "company_type": "selection",
                    "user_id": "many2one", "write_uid": "many2one", "active": "boolean", "opportunity_ids": "one2many", "phone_mobile_search": "char"},
    "crm.lead": {"name": "char", "type": "selection", "partner_id": "many2one", "contact_name": "char", "phone": "char",
                 "email_from": "char", "description": "html", "source_id": "many2one", "medium_id": "many2one",
                 "campaign_id": "many2one", "user_id": "many2one"},
    "mail.message": {"model": "char", "res_id": "many2one_reference", "body": "html", "message_id": "char", "message_type": "selection",
                     "author_id": "many2one", "create_uid": "many2one", "attachment_ids": "many2many", "date": "datetime"},
    "ir.attachment": {"name": "char", "datas": "binary", "res_model": "char", "res_id": "many2one_reference", "description": "text",
                      "mimetype": "char", "file_size": "integer", "type": "selection"},
    "utm.source": {"name": "char"}, "utm.medium": {"name": "char"}, "utm.campaign": {"name": "char"},
    "res.users": {"login": "char", "name": "char"},
}
OWN_FIELDS = {"x_switchboard": "char", "x_messengers": "char"}  # what an admin makes (README of the adapter)
POST_KEYS = {"body", "message_type", "subtype_xmlid", "author_id", "email_from", "attachment_ids", "body_is_html", "message_id"}
CONTEXT_KEYS = {"lang", "active_test", "allowed_company_ids", "mail_create_nosubscribe"}
NAMED = {"search_read": {"domain", "fields", "offset", "limit", "order"}, "create": {"vals_list"}, "write": {"vals"},
         "read": {"fields"}, "fields_get": {"allfields", "attributes"}, "message_post": POST_KEYS}
ON_MODEL = {"search_read", "create", "fields_get"}  # need no ids
UID, LOGIN = 7, "gateway"
STATUS = {"odoo.exceptions.AccessError": 403, "odoo.exceptions.MissingError": 404, "odoo.exceptions.UserError": 422,
          "odoo.exceptions.ValidationError": 422, "werkzeug.exceptions.Unauthorized": 401}


class OdooError(Exception):
    def __init__(self, name, message):
        super().__init__(message)
        self.name, self.message = name, message

    def described(self):
        return {"name": self.name, "message": self.message, "arguments": [self.message], "context": {},
                "debug": f"Traceback (most recent call last):\n  ...\n{self.name}: {self.message}\n"}


def invalid(message):
    return OdooError("odoo.exceptions.ValidationError", message)


class World:
    def __init__(self, own=None, without=()):
        """without: fields that this Odoo has not, ("res.partner", "phone_mobile_search") and so on."""
        self.fields = {m: {f: t for f, t in fields.items() if (m, f) not in set(without)} for m, fields in FIELDS.items()}
        self.fields["res.partner"].update(OWN_FIELDS if own is None else own)
        self.records = {m: {} for m in FIELDS}
        self.records["res.users"] = {UID: {"id": UID, "login": LOGIN, "name": "Gateway"}}
        self.ids = itertools.count(40)
        self.notes_of = collections.defaultdict(list)  # (model, id) -> messages

    def add(self, kind, /, **values):
        """As a person does: no rules for what was there before them."""
        id = next(self.ids)
        self.records[kind][id] = {"id": id, **({"active": True} if kind == "res.partner" else {}), **values}
        if kind == "mail.message":
            self.notes_of[values["model"], values["res_id"]].append(self.records[kind][id])
        return self.records[kind][id]

    def delete(self, model, id):
        self.records[model].pop(id, None)

    def merge(self, id, into):
        """As Odoo's wizard: what refers to the one refers to the other, whose empty fields are filled."""
        old, new = self.records["res.partner"].pop(id), self.records["res.partner"][into]
        for k, v in old.items():
            if v and not new.get(k):
                new[k] = v
        for m in self.notes_of.pop(("res.partner", id), []):
            m["res_id"] = into
            self.notes_of["res.partner", into].append(m)
        for a in self.records["ir.attachment"].values():
            if (a.get("res_model"), a.get("res_id")) == ("res.partner", id):
                a["res_id"] = into
        for lead in self.records["crm.lead"].values():
            if lead.get("partner_id") == id:
                lead["partner_id"] = into

    def notes(self, model, id):
        return sorted(self.notes_of.get((model, id), []), key=lambda m: m["id"])


def like(pattern, value, ignore_case):
    parts = [".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern]
    return re.fullmatch("".join(parts), value, re.DOTALL | (re.IGNORECASE if ignore_case else 0)) is not None


class Domain:
    def __init__(self, world, model):
        self.world, self.model = world, model

    def check(self, domain):
        if not isinstance(domain, list):
            raise OdooError("builtins.ValueError", f"Invalid domain: {domain}")
        for leaf in domain:
            if leaf in ("&", "|", "!"):
                continue
            if not isinstance(leaf, list) or len(leaf) != 3:
                raise OdooError("builtins.ValueError", f"Invalid leaf {leaf}")
            if leaf[0] != "id" and leaf[0] not in self.world.fields[self.model]:
                raise OdooError("builtins.ValueError", f"Invalid field {self.model}.{leaf[0]} in leaf {tuple(leaf)!r}")
        return self.parse(list(domain), True)

    def parse(self, rest, top):
        """Prefix notation: a function of a record."""
        terms = []
        while rest:
            one = rest.pop(0)
            if one in ("&", "|"):
                if len(rest) < 2:
                    raise OdooError("builtins.ValueError", "Domain ends too early")
                a, b = self.parse(rest, False), self.parse(rest, False)
                term = (lambda r, a=a, b=b: a(r) and b(r)) if one == "&" else (lambda r, a=a, b=b: a(r) or b(r))
            else:
                term = lambda r, leaf=one: self.leaf(r, *leaf)  # noqa: E731
            if not top:
                return term
            terms.append(term)
        return lambda r: all(t(r) for t in terms)

    def leaf(self, record, field, op, value):
        if field == "phone_mobile_search":
            if not isinstance(value, str) or len(value) < 3:
                raise OdooError("odoo.exceptions.UserError", "Please enter at least 3 characters when searching a Phone/Mobile number.")
            held = [re.sub(r"[\s\\./()\-]", "", record.get(f) or "") for f in ("phone", "mobile") if record.get(f)]
            term = re.sub(r"[\s\\./()\-]", "", value)
            return any(term == h if op == "=" else term in h for h in held)
        held = record.get(field) or False
        if op == "in":
            return held in value
        if op in ("=", "!="):
            return (held == (value or False)) == (op == "=")
        if op in ("ilike", "like", "=ilike", "=like"):
            pattern = value if op[0] == "=" else f"%{value}%"
            return bool(held) and like(pattern, str(held), "ilike" in op)
        if op in (">", "<", ">=", "<="):
            return {">": held > value, "<": held < value, ">=": held >= value, "<=": held <= value}[op]
        raise OdooError("builtins.ValueError", f"Invalid operator {op!r}")


class Odoo(CrmFake):
    """See CrmFake. emailed: posts that would have gone to followers."""

    def __init__(self, key="0123456789abcdef" * 2, world=None, port=0, database="company", plain=False):
        self.key, self.world, self.database = key, world or World(), database
        self.emailed, self.ignored = [], set()
        self.json2_only = plain
        super().__init__(port)

    def answer(self, request):
        try:
            return self.judge(request)
        except Exception:  # as the real one: a page and a traceback in its log
            traceback.print_exc()
            return Answer(500, b"<html>500 Internal Server Error", type="text/html")

    def judge(self, request):
        if request.method != "POST" or request.headers.get("content-type") != "application/json":
            return Answer(404, b"<html>404 Not Found", type="text/html")
        if request.path == "/jsonrpc" and not self.json2_only:
            return self.rpc(request)
        m = re.fullmatch(r"/json/2/([a-z.]+)/([a-z_]+)", request.path)
        return self.json2(request, *m.groups()) if m else Answer(404, b"<html>404 Not Found", type="text/html")

    # --- the two ways in ---

    def rpc(self, request):
        body = json.loads(request.body)
        try:
            if body.get("jsonrpc") != "2.0" or body.get("method") != "call" or "id" not in body:
                raise OdooError("builtins.ValueError", "no JSON-RPC")
            result = self.service(**body["params"])
        except OdooError as e:
            return Answer(200, {"jsonrpc": "2.0", "id": body.get("id"), "error": {
                "code": 200, "message": "Odoo Server Error", "data": e.described()}})
        return Answer(200, {"jsonrpc": "2.0", "id": body["id"], "result": result})

    def service(self, service, method, args):
        if args[0] != self.database:
            raise OdooError("psycopg2.OperationalError", f'FATAL:  database "{args[0]}" does not exist\n')
        if (service, method) == ("common", "authenticate"):
            return UID if args[1:] == [LOGIN, self.key, {}] else False
        if (service, method) != ("object", "execute_kw"):
            raise OdooError("builtins.Exception", f"No such method {service}.{method}")
        _, uid, key, model, name, positional, named = args
        if uid != UID or key != self.key:
            raise OdooError("odoo.exceptions.AccessDenied", "Access Denied")
        named = dict(named)
        context = named.pop("context", {})
        if name == "create":
            if len(positional) != 1:
                raise OdooError("builtins.IndexError", "list index out of range")
            named["vals_list"] = positional[0]
            return self.call(model, name, None, context, named)
        if len(positional) != (0 if name in ON_MODEL else 1):
            raise OdooError("builtins.TypeError", f"{name}() got multiple values")
        return self.call(model, name, positional[0] if positional else None, context, named)

    def json2(self, request, model, method):
        try:
            if request.headers.get("authorization") != f"bearer {self.key}":
                raise OdooError("werkzeug.exceptions.Unauthorized", "Invalid apikey")
            if request.headers.get("x-odoo-database", self.database) != self.database:
                return Answer(404, b"<html>404 Not Found", type="text/html")
            named = json.loads(request.body)
            ids, context = named.pop("ids", None), named.pop("context", {})
            if method in ON_MODEL and ids:
                raise OdooError("builtins.TypeError", f"{method} takes no ids")
            return Answer(200, self.call(model, method, ids, context, named))
        except OdooError as e:
            return Answer(STATUS.get(e.name, 500), e.described())

    # --- models ---

    def call(self, model, method, ids, context, named):
        if model not in self.world.records:
            raise OdooError("builtins.KeyError", model)
        if method not in NAMED or method == "message_post" and model not in ("res.partner", "crm.lead"):
            raise OdooError("builtins.AttributeError", f"The method '{model}.{method}' does not exist")
        unknown = set(named) - NAMED[method]
        if unknown:
            raise OdooError("builtins.TypeError" if method != "message_post" else "builtins.ValueError",
                            f"{method}() got an unexpected keyword argument {sorted(unknown)}")
        self.ignored |= {f"context.{k}" for k in set(context) - CONTEXT_KEYS}
        if method in ON_MODEL:
            return getattr(self, method)(model, context, **named)
        if not isinstance(ids, list) or not all(type(i) is int for i in ids):
            raise OdooError("builtins.TypeError", f"ids must be integers: {ids}")
        for id in ids:
            if id not in self.world.records[model]:
                raise OdooError("odoo.exceptions.MissingError", "Record does not exist or has been deleted.\n"
                                                                f"(Record: {model}({id},), User: {UID})")
        return getattr(self, method)(model, ids, **named)

    def shown(self, model, record, fields):
        out = {"id": record["id"]}
        for f in fields:
            if f == "id":
                continue
            if f not in self.world.fields[model]:
                raise OdooError("builtins.ValueError", f"Invalid field {f!r} on model {model!r}")
            out[f] = record.get(f) or False
            if f in ("user_id", "create_uid", "write_uid") and out[f]:
                out[f] = [out[f], self.world.records["res.users"][out[f]]["name"]]
            if f == "attachment_ids":
                out[f] = record.get(f) or []
            if model == "ir.attachment" and f in ("datas", "file_size", "type"):  # the first two are computed there, too
                out[f] = {"datas": base64.b64encode(record.get("bytes", b"")).decode() or False,
                          "file_size": record.get("file_size", len(record.get("bytes", b""))),
                          "type": record.get("type", "binary")}[f]
        return out

    def search_read(self, model, context, domain=(), fields=(), offset=0, limit=None, order="id"):
        matches = Domain(self.world, model).check(domain)
        flat = {leaf[0]: leaf[2] for leaf in domain if isinstance(leaf, list) and leaf[1] == "="} if "|" not in domain else {}
        if model == "mail.message" and {"model", "res_id"} <= set(flat):
            records = self.world.notes(flat["model"], flat["res_id"])
        elif "id" in flat:
            records = [r for r in [self.world.records[model].get(flat["id"])] if r]
        else:
            records = list(self.world.records[model].values())
        found = [r for r in records if matches(r) and (r.get("active", True) or not context.get("active_test", True))]
        m = re.fullmatch(r"id( asc| desc)?", order)
        if not m:
            raise OdooError("odoo.exceptions.UserError", f"Invalid \"order\" specified ({order}).")
        found.sort(key=lambda r: r["id"], reverse=m[1] == " desc")
        return [self.shown(model, r, fields) for r in found[offset:offset + limit if limit else None]]

    def read(self, model, ids, fields):
        return [self.shown(model, self.world.records[model][i], fields) for i in ids]

    def fields_get(self, model, context, allfields=None, attributes=None):
        return {f: {"type": t} for f, t in self.world.fields[model].items() if not allfields or f in allfields}

    def check(self, model, values):
        for f, v in values.items():
            kind = self.world.fields[model].get(f)
            if not kind or f == "phone_mobile_search":
                raise OdooError("builtins.ValueError", f"Invalid field {f!r} on model {model!r}")
            if kind == "char" and v is not False and not isinstance(v, str) or kind == "many2one" and type(v) not in (int, bool):
                raise OdooError("builtins.ValueError", f"Wrong value for {model}.{f}: {v!r}")
            if f == "user_id" and v and v not in self.world.records["res.users"]:
                raise OdooError("odoo.exceptions.MissingError", f"Record does not exist or has been deleted.\n(Record: res.users({v},))")
        if values.get("phone", "").startswith("+7") and len(values["phone"]) != 12:  # as a rule of one's own may say
            raise invalid(f"The number {values['phone']} is not valid")

    def create(self, model, context, vals_list):
        return [self.create_one(model, dict(v)) for v in vals_list]

    def create_one(self, model, values):
        self.check(model, values)
        if model in ("res.partner", "crm.lead") and not values.get("name"):
            raise invalid("Contacts require a name" if model == "res.partner" else "Missing required value for the field 'Opportunity'")
        if model == "ir.attachment":
            values["bytes"] = base64.b64decode(values.pop("datas", ""), validate=True)
        leads = values.pop("opportunity_ids", [])
        for command in leads:
            self.check("crm.lead", command[2])
        record = self.world.add(model, **values)
        for code, zero, lead in leads:
            if (code, zero) != (0, 0):
                raise OdooError("builtins.ValueError", "Wrong command")
            self.create_one("crm.lead", {**lead, "partner_id": record["id"]})
        return record["id"]

    def write(self, model, ids, vals):
        self.check(model, vals)
        for id in ids:
            values = dict(vals)
            if model == "mail.message" and "attachment_ids" in values:
                (code, zero, files), = values["attachment_ids"]
                if (code, zero) != (6, 0) or not set(files) <= set(self.world.records["ir.attachment"]):
                    raise OdooError("builtins.ValueError", "Wrong command")
                values["attachment_ids"] = files
            if model == "mail.message" and {"model", "res_id"} & set(values):
                raise OdooError("odoo.exceptions.AccessError", "Only administrators can modify 'model' and 'res_id' fields.")
            self.world.records[model][id].update(values, write_uid=UID)
        return True

    def message_post(self, model, ids, body="", message_type="notification", subtype_xmlid=None, attachment_ids=(),
                     body_is_html=False, message_id=None, author_id=None, email_from=None):
        if len(ids) != 1:
            raise OdooError("builtins.ValueError", f"Expected singleton: {model}{tuple(ids)}")
        for a in attachment_ids:
            if a not in self.world.records["ir.attachment"]:
                raise OdooError("odoo.exceptions.MissingError", "Record does not exist or has been deleted.")
        if not body and not attachment_ids:
            raise OdooError("odoo.exceptions.UserError", "The body is empty")
        message = self.world.add("mail.message", model=model, res_id=ids[0], message_type=message_type,
                                 body=body if body_is_html else html.escape(body), attachment_ids=list(attachment_ids),
                                 message_id=message_id or f"<{next(self.world.ids)}@odoo>", author_id=UID, create_uid=UID,
                                 subtype=subtype_xmlid)
        if subtype_xmlid != "mail.mt_note":
            self.emailed.append(message)
        return message["id"]
