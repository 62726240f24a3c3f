"""The documents' examples are true: each fits its schema, and each example of a request, sent to a running gateway as it
stands there (but for the ids of what there is), is answered as the document says."""
import copy
import json

import pytest
from contract import Contract
from clients import Api, Authenticator
from harness import CONFIG, Gateway, until

CONTRACT = Contract()
OPENAPI = CONTRACT.strict["openapi.json"]
# What the test channel cannot do is told so.
CANNOT = {"buttons": 422, "request": 422, "template": 422, "location": 422}


def resolve(schema):
    while "$ref" in schema:
        schema = OPENAPI["components"]["schemas"][schema["$ref"].split("/")[-1]]
    return schema


def examples_of(holder, schema=None):
    """Of a media type object, or of a schema."""
    out = list(schema.get("examples", [])) if schema else []
    named = holder.get("examples", [])
    out += [e["value"] for e in named.values()] if isinstance(named, dict) else named
    return out + ([holder["example"]] if "example" in holder else [])


def everywhere(node, path=()):
    """(path, schema, example) of all examples of the document."""
    if isinstance(node, list):
        for i, one in enumerate(node):
            yield from everywhere(one, (*path, str(i)))
    if not isinstance(node, dict):
        return
    schema = node.get("schema") if "schema" in node else node if "type" in node or "oneOf" in node else None
    if isinstance(schema, dict):
        for e in examples_of(node):
            yield "/".join(path), schema, e
    for k, v in node.items():
        if k not in ("example", "examples", "enum", "const"):
            yield from everywhere(v, (*path, k))


def test_each_example_fits_its_schema():
    all = list(everywhere(OPENAPI))
    for path, schema, example in all:
        CONTRACT.validate(schema, example, where=path)
    assert len(all) > 20


def requests_of():
    for op, (method, _, documented) in sorted(CONTRACT.operations.items()):
        content = documented.get("requestBody", {}).get("content", {}).get("application/json")
        if content:
            yield op, examples_of(content, resolve(content["schema"]))


REQUESTS = dict(requests_of())


def test_each_operation_with_a_body_has_an_example():
    assert not [op for op, examples in REQUESTS.items() if not examples] and len(REQUESTS) > 8


class World:
    def __init__(self, gateway):
        self.gateway, self.admin, self.n = gateway, gateway.login(), 0

    def write(self, who="ann"):
        """(thread, message, client) of one who wrote."""
        self.n += 1
        r = self.gateway.hook({"from": {"address": who, "name": who}, "id": f"m{self.n}", "text": "hello"}).json()
        return r["thread"], r["message"], self.admin.get("/threads/" + r["thread"])["client"]["id"]

    def answer(self, thread):
        m = self.admin.post(f"/threads/{thread}/messages", {"text": "hello yourself"})["message"]["id"]
        until(lambda: self.admin.messages(thread)[-1]["status"] in ("sent", "delivered", "read"), 20)
        return m

    # --- what each operation needs: the path, the body, who asks ---

    def ann(self):
        self.gateway.add_user("ann")
        return self.gateway.login("ann", self.gateway.PASSWORD)

    def signIn(self, body):
        if "code" in body:
            body["code"] = self.gateway.login("ann", self.gateway.PASSWORD).second_factor(self.gateway.PASSWORD)[0].code()
        else:
            self.gateway.add_user("ann")
        return {}, body, Api(self.gateway.url)

    def changePassword(self, body):
        return {}, body, self.ann()

    beginSecondFactor = changePassword

    def confirmSecondFactor(self, body):
        api = self.ann()
        secret = api.post("/session/second-factor", {"password": self.gateway.PASSWORD})["secret"]
        body["code"] = Authenticator(secret).code()
        return {}, body, api

    def newRecoveryCodes(self, body):
        api = self.ann()
        body["code"] = api.second_factor(self.gateway.PASSWORD)[0].code()
        return {}, body, api

    endSecondFactor = newRecoveryCodes

    def changeThread(self, body):
        if body.get("assignee") == "ann":
            self.gateway.add_user("ann")
        return {"id": self.write()[0]}, body, None

    readThread = saveDraft = changeThread

    def changeView(self, body):
        one = CONTRACT.call(self.admin, "addView", status=201, json=REQUESTS["addView"][0])["view"]
        return {"id": one["id"]}, body, None

    def changeCanned(self, body):
        one = CONTRACT.call(self.admin, "addCanned", status=201, json=REQUESTS["addCanned"][0])["canned"]
        return {"id": one["id"]}, body, None

    def changeSchedule(self, body):
        one = CONTRACT.call(self.admin, "addSchedule", status=201, json=REQUESTS["addSchedule"][0])["schedule"]
        return {"id": one["id"]}, body, None

    def changePolicy(self, body):
        one = CONTRACT.call(self.admin, "addPolicy", status=201, json=REQUESTS["addPolicy"][0])["policy"]
        return {"id": one["id"]}, body, None

    def changeRule(self, body):
        one = CONTRACT.call(self.admin, "addRule", status=201, json=REQUESTS["addRule"][0])["rule"]
        return {"id": one["id"]}, body, None

    def sendMessage(self, body):
        thread, message, _ = self.write()
        if "reply_to" in body:
            body["reply_to"] = message
        return {"id": thread}, body, None

    def editMessage(self, body):
        return {"id": self.answer(self.write()[0])}, body, None

    def reactToMessage(self, body):
        return {"id": self.write()[1]}, body, None

    def changeClient(self, body):
        return {"id": self.write()[2]}, body, None

    def mergeClients(self, body):
        body["from"] = self.write("bob")[2]
        return {"id": self.write("ann")[2]}, body, None

    def unmergeClients(self, body):
        path, body, _ = self.mergeClients(body)
        self.admin.post(f"/clients/{path['id']}/merge", body)
        return path, body, None

    def eraseClient(self, body):
        body["confirm"] = "zoe"
        return {"id": self.write("zoe")[2]}, body, None

    def changeAgent(self, body):
        self.gateway.add_user("ann")
        return {"name": "ann"}, body, None

    def renameLabel(self, body):
        self.admin.patch("/threads/" + self.write()[0], {"labels": [body["label"]]})
        return {}, body, None

    removeLabel = renameLabel

    def changeTeam(self, body):
        one = CONTRACT.call(self.admin, "addTeam", status=201, json=REQUESTS["addTeam"][0])["team"]
        return {"id": one["id"]}, body, None

    def changeChannel(self, body):
        CONTRACT.call(self.admin, "addChannel", status=201, json=REQUESTS["addChannel"][0])
        return {"name": REQUESTS["addChannel"][0]["name"]}, body, None


@pytest.mark.parametrize("op", sorted(REQUESTS))
def test_each_example_of_a_request_is_answered_as_it_says(op):
    g = Gateway(config=CONFIG).start()
    try:
        world = World(g)
        for example in copy.deepcopy(REQUESTS[op]):
            path, body, api = getattr(world, op, lambda b: ({}, b, None))(example)
            before = json.dumps(body)
            method, template, _ = CONTRACT.operations[op]
            answer = (api or world.admin).http.request(method.upper(), g.url + template.format(**path), json=body, timeout=30)
            CONTRACT.check(op, answer)
            wanted = next((status for key, status in CANNOT.items() if key in body), None)
            assert answer.status_code == wanted if wanted else answer.ok, (before, answer.status_code, answer.text)
    finally:
        g.destroy()
