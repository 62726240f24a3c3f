"""python3 -m fakes.odoo [--port 8085]: the fake by hand; what is written on partners is printed."""

import argparse
import time

from . import LOGIN, Odoo

p = argparse.ArgumentParser(prog="fakes.odoo", description="A stand-in for Odoo.")
p.add_argument("--port", type=int, default=8085)
o = p.parse_args()
fake = Odoo(port=o.port)
print(f"""
  Put this into the configuration of the gateway, and reload it:

    odoo "crm" {{ url = "{fake.url}" database = "{fake.database}" user = "{LOGIN}" api_key = "{fake.key}" allow_private = true }}
""", flush=True)
seen = 0
try:
    while True:
        notes = fake.do(lambda: list(fake.world.records["mail.message"].values()))
        for n in notes[seen:]:
            print(f"--- {n['model']} {n['res_id']}\n{n['body']}", flush=True)
        seen = len(notes)
        time.sleep(0.5)
except KeyboardInterrupt:
    fake.close()
