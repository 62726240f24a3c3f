"""Everything of the Graph API but sending: numbers, accounts, templates, media, tokens."""

import asyncio
import json
import urllib.parse

from .. import wire
from .errors import ApiError, bad, missing, no_object
from .world import KINDS, MEDIA_DAYS

LINK_SECONDS = 300


async def verify(fake, url, token):
    """The handshake with a webhook's URL, as whenever one is set."""
    if not url.startswith("https://") and not fake.allow_plain:
        raise bad("callback URL must use https")
    challenge = str(10**9 + fake.world.next())
    query = urllib.parse.urlencode({"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": token})
    u = urllib.parse.urlsplit(url)
    try:
        reader, writer = await asyncio.open_connection(u.hostname, u.port or 80)
        writer.write(f"GET {u.path}?{query} HTTP/1.1\r\nHost: {u.netloc}\r\nConnection: close\r\n\r\n".encode())
        line, headers = await asyncio.wait_for(wire.read_head(reader), 10)
        body = await asyncio.wait_for(wire.read_body(reader, headers), 10)
        writer.close()
    except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError) as e:
        raise ApiError(2200, words=f"(#2200) Callback verification failed: {e}") from e
    if line.split(" ")[1] != "200" or body.decode() != challenge:
        raise ApiError(2200, words="(#2200) Callback verification failed with the following errors: HTTP Status Code = "
                                   f"{line.split(' ')[1]}")


def seen_account(fake, token, waba_id, method):
    waba = fake.world.wabas.get(waba_id)
    if waba is None or (token.wabas is not None and waba not in token.wabas):
        raise no_object(method, waba_id)
    if "whatsapp_business_management" not in token.scopes:
        raise ApiError(200)
    return waba


def seen_number(fake, token, number_id, method, scope="whatsapp_business_messaging"):
    number = fake.world.numbers.get(number_id)
    if number is None or (token.wabas is not None and number.waba not in token.wabas):
        raise no_object(method, number_id)
    if scope not in token.scopes:
        raise ApiError(10)
    return number


# --- numbers ---


def get_number(fake, token, request, number_id):
    number = seen_number(fake, token, number_id, "GET", "whatsapp_business_management")
    wanted = request.args.get("fields")
    fields = number.fields()
    return {k: v for k, v in fields.items() if not wanted or k == "id" or k in wanted.split(",")}


async def post_number(fake, token, request, number_id):
    number = seen_number(fake, token, number_id, "POST", "whatsapp_business_management")
    config = request.json().get("webhook_configuration")
    if not isinstance(config, dict):
        raise missing("webhook_configuration")
    url = config.get("override_callback_uri")
    if url:
        await verify(fake, url, config.get("verify_token", ""))
    number.override = url or None
    return {"success": True}


def register(fake, token, request, number_id):
    number = seen_number(fake, token, number_id, "POST", "whatsapp_business_management")
    if number.coexistence:
        fake.problems.append("a coexistence number must not be registered")
    if len(str(request.json().get("pin", ""))) != 6:
        raise ApiError(133005)
    number.status = "CONNECTED"
    return {"success": True}


def app_data(fake, token, request, number_id):
    """The history of the phone is handed over once, and only to those who ask."""
    number = seen_number(fake, token, number_id, "POST", "whatsapp_business_management")
    body = request.json()
    if body.get("messaging_product") != "whatsapp" or body.get("sync_type") not in ("history", "smb_app_state_sync"):
        raise missing("sync_type")
    if not number.coexistence:
        fake.problems.append("only a coexistence number has a history to ask for")
    if body["sync_type"] in number.asked:
        raise ApiError(2593107)
    number.asked.append(body["sync_type"])
    return {"messaging_product": "whatsapp", "request_id": str(fake.world.next())}


def block(fake, token, request, number_id):
    number = seen_number(fake, token, number_id, request.method)
    if request.method == "GET":
        return {"data": [{"wa_id": w} for w in sorted(number.blocked)]}
    people = {p["user"] for p in request.json().get("block_users", [])}
    number.blocked = number.blocked | people if request.method == "POST" else number.blocked - people
    return {"success": True}


# --- accounts ---


def get_apps(fake, token, request, waba_id):
    waba = seen_account(fake, token, waba_id, "GET")
    data = []
    for app_id, more in waba.subscribed.items():
        data.append({"whatsapp_business_api_data": {"id": app_id, "name": "Gateway", "link": "https://www.facebook.com/"},
                     **{k: v for k, v in more.items() if k == "override_callback_uri"}})
    return {"data": data}


async def post_apps(fake, token, request, waba_id):
    waba = seen_account(fake, token, waba_id, "POST")
    body = request.json() if request.body else {}
    url = body.get("override_callback_uri")
    if url:
        await verify(fake, url, body.get("verify_token", ""))
    waba.subscribed[token.app.id] = {"override_callback_uri": url} if url else {}
    return {"success": True}


def delete_apps(fake, token, request, waba_id):
    seen_account(fake, token, waba_id, "DELETE").subscribed.pop(token.app.id, None)
    return {"success": True}


def phone_numbers(fake, token, request, waba_id):
    waba = seen_account(fake, token, waba_id, "GET")
    return {"data": [n.fields() for n in fake.world.numbers.values() if n.waba is waba]}


def templates(fake, token, request, waba_id):
    waba = seen_account(fake, token, waba_id, "GET")
    fields = request.args.get("fields", "name,language,status,category").split(",")
    limit, after = int(request.args.get("limit", 25)), int(request.args.get("after", 0) or 0)
    page = waba.templates[after:after + limit]
    answer = {"data": [{k: t[k] for k in ("id", *fields) if k in t} for t in page]}
    if page:
        answer["paging"] = {"cursors": {"before": str(after), "after": str(after + len(page))}}
        if after + limit < len(waba.templates):
            answer["paging"]["next"] = f"{fake.url}/next"
    return answer


# --- media ---


def upload(fake, token, request, number_id):
    number = seen_number(fake, token, number_id, "POST")
    try:
        params, files = wire.parse_form(request)
    except (ValueError, UnicodeDecodeError) as e:
        raise bad(str(e)) from e
    if params.get("messaging_product") != "whatsapp":
        raise bad("The parameter messaging_product is required.")
    if "file" not in files:
        raise bad("The parameter file is required.")
    data, mime = files["file"][1], wire.part_type(request, "file")
    if mime != params.get("type"):
        fake.problems.append(f"type {params.get('type')} and the part's Content-Type {mime} differ")
    base = mime.split(";")[0]
    known = {m for mimes, _ in KINDS.values() if mimes for m in mimes}
    if base in ("", "application/octet-stream") or "/" not in base:
        raise bad(f"Param file must be a file with one of the following types: {', '.join(sorted(known))}. "
                  f"Received file of type '{base}'.")
    if len(data) > KINDS["document"][1] or not data:
        raise ApiError(131053, "The file is empty or larger than 100 MB")
    return {"id": fake.world.store(data, mime, number, MEDIA_DAYS)}


def get_media(fake, token, request, media_id):
    media = fake.world.media.get(media_id)
    if media is None or media["until"] < fake.world.now():
        raise no_object("GET", media_id)
    number = media["number"]
    if number and request.args.get("phone_number_id", number.id) != number.id:
        raise no_object("GET", media_id)
    key = str(fake.world.next())
    fake.world.urls[key] = (media_id, fake.world.now() + LINK_SECONDS)
    sha = media.get("told_sha") or media["sha"].hex()
    return {"messaging_product": "whatsapp", "url": f"{fake.url}/lookaside/whatsapp_business/attachments/?mid={key}",
            "mime_type": media["mime"], "sha256": sha, "file_size": media.get("told_size", len(media["data"])),
            "id": media_id}


def delete_media(fake, token, request, media_id):
    if fake.world.media.pop(media_id, None) is None:
        raise no_object("DELETE", media_id)
    return {"success": True}


# --- tokens ---


def debug_token(fake, token, request):
    asked = fake.world.tokens.get(request.args.get("input_token", ""))
    if asked is None:
        return {"data": {"is_valid": False, "scopes": [], "error": {"code": 190, "message": "Malformed access token"}}}
    valid = not asked.revoked and not (asked.expires_at and asked.expires_at < fake.world.now())
    return {"data": {"app_id": asked.app.id, "type": "SYSTEM_USER", "application": "Gateway", "is_valid": valid,
                     "expires_at": asked.expires_at, "data_access_expires_at": 0, "scopes": sorted(asked.scopes)}}


EDGES = {("GET", "number"): get_number, ("POST", "number"): post_number, ("POST", "register"): register,
         ("POST", "smb_app_data"): app_data,
         ("POST", "block_users"): block, ("GET", "block_users"): block, ("DELETE", "block_users"): block,
         ("GET", "subscribed_apps"): get_apps, ("POST", "subscribed_apps"): post_apps,
         ("DELETE", "subscribed_apps"): delete_apps, ("GET", "phone_numbers"): phone_numbers,
         ("GET", "message_templates"): templates, ("POST", "media"): upload, ("GET", "media id"): get_media,
         ("DELETE", "media id"): delete_media}


class Request:
    """What the edges see of an HTTP request."""

    def __init__(self, request):
        self.method, self.body, self.headers, self.query = request.method, request.body, request.headers, request.query
        self.args = dict(urllib.parse.parse_qsl(request.query))

    def json(self):
        try:
            value = json.loads(self.body)
        except ValueError as e:
            raise bad("Invalid JSON") from e
        if not isinstance(value, dict):
            raise bad("Invalid JSON")
        return value
