"""How the tests of single CRMs begin: a gateway with the CRM's stand-in, and what is asked of both again and again."""
import random

from harness import SLOWER, until


class CrmWorld:
    def __init__(self, fake, gateway):
        self.fake, self.gateway = fake, gateway
        self.admin = gateway.login()

    def write(self, who, text, **kw):
        """A client writes; his thread."""
        body = {"from": {"address": who, "name": who.title(), **kw}, "id": f"{who}-{random.random()}", "text": text}
        r = self.gateway.hook(body)
        assert r.status_code == 200, r.text
        return r.json()["thread"]

    def client(self, thread):
        client = self.admin.get(f"/threads/{thread}")["thread"]["client"]["id"]
        return self.admin.get(f"/clients/{client}")["client"]

    def card(self, thread):
        """What the gateway calls his card, once it has one."""
        return until(lambda: self.client(thread)["cards"].get("crm", {}).get("id"), 30 * SLOWER,
                     why=f"for a card; {self.fake.refused[:3]}\n{self.gateway.log()[-2000:]}")

    def dead(self):
        return until(lambda: self.admin.get("/dead")["dead"], 20 * SLOWER)

    def logged(self, *words):
        return until(lambda: all(w in self.gateway.log() for w in words), 20 * SLOWER, why=f"for {words} in the log")
