"""E-mails in a thread, without a mail server: a message comes in by loopback and gets what the e-mail connector would
have stored with it."""
import json

MAIL_CONFIG = """
listen = "127.0.0.1:{port}"
data_dir = "{data}"
workers = {workers}
{redis}
agents {{ login_tries = 1000 }}
media {{ deny = {{"application/x-dosexec"}} }}
loopback "mail" {{ outbox = "{data}/outbox" }}
cards "main" {{}}
"""


class Mails:
    def __init__(self, gateway):
        self.g, self.api, self.redis, self.n = gateway, gateway.login(), gateway.redis, 0

    def upload(self, data, name):
        data = data.encode() if isinstance(data, str) else data
        return self.api.post(f"/media?name={name}", None, data=data)["media"]

    def put(self, sender="ann@example.org", name="Ann Lee", text="text", html=None, source=None, files=(),
            attachments=(), subject=None, **mail):
        """files: (bytes, name, cid or None). Answers {"thread", "seq", ...}."""
        self.n += 1
        r = self.g.hook({"from": {"address": sender, "name": name}, "id": f"m{self.n}", "text": text or "-"}, channel="mail")
        assert r.status_code == 200, r.text
        said = r.json()
        mail = {"from": [{"name": name, "address": sender}], "to": [{"address": "shop@example.com"}],
                "message_id": f"m{self.n}@example.org", **mail}
        fields = {"text": text, "email": mail}
        if subject:
            fields["subject"] = subject
        if html is not None:
            mail["html"] = self.upload(html, "mail.html")["id"]
        if source is not None:
            mail["source"] = self.upload(source, "mail.eml")["id"]
        fields["attachments"] = [dict(self.upload(data, file), **({"cid": cid} if cid else {})) for data, file, cid in files]
        fields["attachments"] += attachments
        if not fields["attachments"]:
            del fields["attachments"]
        self.change(said["thread"], said["seq"], fields)
        return said

    def change(self, thread, seq, fields):
        """What the store keeps of a message: id, body as JSON, trail (gateway/store/scripts/_common.lua)."""
        shard = next(k for k in self.redis.scan_iter(f"*:log:{thread}", count=10000))
        record = self.redis.hget(shard, seq).decode()
        head, trail = record.split("\n", 1)
        body = dict(json.loads(head[27:]), **fields)
        self.redis.hset(shard, seq, f"{head[:26]} {json.dumps(body, ensure_ascii=False, separators=(',', ':'))}\n{trail}")

    def sent(self):
        """What went out, as the loopback wrote it down."""
        path = self.g.data / "outbox"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
