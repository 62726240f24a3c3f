"""The account's drive: a session for each file, its parts one after the other, then the file has a name."""

import json
import uuid

from ..wire import Answer
from .errors import Refused, invalid, problem

PART_MAX = 1 << 20


class Drive:
    def __init__(self):
        self.sessions, self.files, self.on = {}, {}, {}  # on: {contact: [uuid]}


def begin(fake, request):
    body = fake.admit(request)
    if set(body) != {"file_name", "file_size", "content_type"} or not isinstance(body["file_size"], int):
        raise Refused(problem(400, "file_name, file_size, content_type"))
    id = str(uuid.uuid4())
    fake.drive.sessions[id] = (body, [])
    return Answer(200, {"session_id": id, "upload_url": f"{fake.url}/v1.0/uploads/{id}/0", "max_part_size": PART_MAX,
                        "max_file_size": 300 << 20})


def part(fake, request, id, n):
    fake.admit_raw(request)
    body, parts = fake.drive.sessions[id]
    if int(n) != len(parts) or len(request.body) > PART_MAX or request.headers.get("content-type") != body["content_type"]:
        raise Refused(problem(400, "not the next part"))
    parts.append(request.body)
    if sum(map(len, parts)) < body["file_size"]:
        return Answer(200, {"next_url": f"{fake.url}/v1.0/uploads/{id}/{len(parts)}"})
    file = str(uuid.uuid4())
    fake.drive.files[file] = (body["file_name"], b"".join(parts))
    return Answer(200, {"uuid": file, "version_uuid": str(uuid.uuid4()), "name": body["file_name"],
                        "size": body["file_size"]})


def put_on_contact(fake, request, contact):
    body = fake.admit(request)
    if int(contact) not in fake.crm.contacts:
        raise Refused(problem(404, "Not found", title="Not found"))
    held = fake.drive.on.setdefault(int(contact), [])
    for i, item in enumerate(body):
        if set(item) != {"file_uuid"} or item["file_uuid"] not in fake.drive.files:
            raise Refused(invalid((i, "file_uuid", "This file does not exist")))
        if item["file_uuid"] not in held:
            held.append(item["file_uuid"])
    return Answer(200, {"_embedded": {"files": [json.loads(json.dumps(b)) for b in body]}}, type="application/hal+json")


ROUTES = [
    ("POST", "/v1.0/sessions", begin),
    ("POST", r"/v1.0/uploads/([^/]+)/(\d+)", part),
    ("PUT", r"/api/v4/contacts/(\d+)/files", put_on_contact),
]
