"""python3 -m fakes.smtp [--port 2525] [--user support:secret]: the fake by hand; prints what it accepted."""

import argparse
import time

from . import FakeSmtp

p = argparse.ArgumentParser(prog="fakes.smtp", description="A mail server that keeps what it is sent.")
p.add_argument("--port", type=int, default=2525)
p.add_argument("--user", default="support:secret")
o = p.parse_args()

name, _, password = o.user.partition(":")
fake = FakeSmtp(port=o.port, users={name: password})
print(f"  {fake.url}  user {name}", flush=True)
shown = 0
try:
    while True:
        time.sleep(0.2)
        for mail in fake.accepted[shown:]:
            print(f"{mail.sender} -> {', '.join(mail.recipients)}: {mail.message['Subject']}", flush=True)
            shown += 1
except KeyboardInterrupt:
    fake.close()
