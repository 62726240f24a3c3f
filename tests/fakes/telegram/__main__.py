"""python3 -m fakes.telegram [--port 8081] [--token ...] [--scenario FILE]: the fake by hand."""

import argparse
import time

from . import FakeTelegram
from .control import Control, play_file

p = argparse.ArgumentParser(prog="fakes.telegram", description="A stand-in for Telegram's Bot API server, with a page "
                                                               "to type in as a Telegram user.")
p.add_argument("--port", type=int, default=8081)
p.add_argument("--token", default="123456789:" + "A" * 35)
p.add_argument("--username", default="shop_bot")
p.add_argument("--limits", action="store_true", help="30 a second a bot, 1 a chat, 20 a minute a group")
p.add_argument("--scenario", help="a file of steps to play once the gateway asks for updates")
o = p.parse_args()

fake = FakeTelegram(port=o.port)
bot = fake.bot(o.token, username=o.username, first_name="Shop")
fake.limits.on = o.limits
fake.page = Control(fake, bot)
print(f"""
  Type as a Telegram user:   {fake.url}/

  Put this into the configuration of the gateway, and reload it:

    telegram "sales" {{ token = "{o.token}" api_url = "{fake.url}" }}
""", flush=True)
try:
    while o.scenario and not (bot.bot.webhook["url"] or fake.calls.get("getUpdates")):
        time.sleep(0.2)
    if o.scenario:
        print(f"  played: {play_file(fake, bot, o.scenario)} messages", flush=True)
    while True:
        time.sleep(1)
except KeyboardInterrupt:
    fake.close()
