"""python3 -m fakes.espocrm [--port 8084]: the fake by hand; what is written on cards is printed."""

import argparse
import time

from . import EspoCrm

p = argparse.ArgumentParser(prog="fakes.espocrm", description="A stand-in for EspoCRM.")
p.add_argument("--port", type=int, default=8084)
p.add_argument("--key", default="k" * 32)
o = p.parse_args()
fake = EspoCrm(key=o.key, port=o.port)
print(f"""
  Put this into the configuration of the gateway, and reload it:

    espocrm "crm" {{ url = "{fake.url}" api_key = "{fake.key}" allow_private = true }}
""", flush=True)
seen = 0
try:
    while True:
        notes = fake.do(lambda: list(fake.world.records["Note"].values()))
        for n in notes[seen:]:
            print(f"--- {n['parentType']} {n['parentId']}\n{n['post']}", flush=True)
        seen = len(notes)
        time.sleep(0.5)
except KeyboardInterrupt:
    fake.close()
