#!/usr/bin/env python3
"""Receives Switchboard's events: WEBHOOK_SECRET=whsec_... ./receiver.py PORT FOLDER; a file for each event."""
import base64, hashlib, hmac, http.server, os, pathlib, sys, time  # noqa: E401

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
FOLDER = pathlib.Path(sys.argv[2])
PLACE = os.open(FOLDER, os.O_RDONLY)


def keep(id, body):
    """On disk for good before anybody hears "yes"; the name of the file is what remembers the event."""
    if (FOLDER / f"{id}.json").exists():
        return
    with open(FOLDER / f"{id}.new", "wb") as f:
        f.write(body)
        f.flush()
        os.fsync(f.fileno())
    os.rename(f.name, FOLDER / f"{id}.json")
    os.fsync(PLACE)


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(min(int(self.headers["content-length"]), 1 << 20))
        id, at = self.headers.get("webhook-id", ""), self.headers.get("webhook-timestamp", "")
        mac = hmac.new(KEY, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
        ours, given = b"v1," + base64.b64encode(mac), self.headers.get("webhook-signature", "").encode().split()
        good = any([hmac.compare_digest(ours, s) for s in given]) and abs(time.time() - int(at)) <= 300
        if good:
            keep(id, body)
        self.send_response(200 if good else 401)
        self.end_headers()


http.server.HTTPServer(("", int(sys.argv[1])), Receiver).serve_forever()
