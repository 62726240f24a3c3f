"""python3 -m fakes.whatsapp [--port 8082] [--webhook URL] [--scenario FILE]: the fake by hand."""

import argparse
import time

from . import FakeWhatsApp
from .control import Control, play_file

p = argparse.ArgumentParser(prog="fakes.whatsapp", description="A stand-in for WhatsApp's Cloud API, with a page to type "
                                                               "in as a WhatsApp user.")
p.add_argument("--port", type=int, default=8082)
p.add_argument("--token", default="EAA" + "x" * 40)
p.add_argument("--webhook", default="http://127.0.0.1:8080/hooks/whatsapp/main", help="where webhooks go until the "
                                                                                      "gateway sets another URL")
p.add_argument("--limits", action="store_true", help="one message in six seconds a client, 80 a second")
p.add_argument("--scenario", help="a file of steps to play once the gateway has asked for the number")
o = p.parse_args()

fake = FakeWhatsApp(port=o.port)
app = fake.app()
app.callback, app.verify_token = o.webhook, "a-word-of-ours"
number = fake.number()
fake.token(o.token)
number.waba.subscribed[app.id] = {}
fake.template(number.waba, "order_ready", components=[
    {"type": "BODY", "text": "Hello {{1}}, your order is ready.", "example": {"body_text": [["Ann"]]}},
    {"type": "FOOTER", "text": "The shop"}, {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Thanks"}]}])
fake.limits.on = o.limits
fake.page = Control(fake, number)
print(f"""
  Type as a WhatsApp user:   {fake.url}/

  Put this into the configuration of the gateway, and reload it:

    whatsapp "main" {{
      token = "{o.token}" phone_number_id = "{number.id}" waba_id = "{number.waba.id}"
      app_secret = "{app.secret}" verify_token = "{app.verify_token}" api_url = "{fake.url}"
    }}
""", flush=True)
try:
    while o.scenario and not fake.calls["GET number"]:
        time.sleep(0.2)
    if o.scenario:
        print(f"  played: {play_file(fake, number, o.scenario)} steps", flush=True)
    while True:
        time.sleep(1)
except KeyboardInterrupt:
    fake.close()
