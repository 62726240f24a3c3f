// Receives Switchboard's events: WEBHOOK_SECRET=whsec_... node receiver.mjs PORT FOLDER; a file for each event.
import { createHmac, timingSafeEqual } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { createServer } from "node:http";

const [port, folder] = process.argv.slice(2);
const key = Buffer.from(process.env.WEBHOOK_SECRET.replace("whsec_", ""), "base64");

// On disk for good before anybody hears "yes"; the name of the file is what remembers the event.
function keep(id, body) {
  if (existsSync(`${folder}/${id}.json`)) return;
  const file = openSync(`${folder}/${id}.new`, "w"), place = openSync(folder, "r");
  writeSync(file, body);
  fsyncSync(file);
  renameSync(`${folder}/${id}.new`, `${folder}/${id}.json`);
  fsyncSync(place);
  [file, place].forEach(closeSync);
}

async function receive(request, response) {
  const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": given = "" } = request.headers;
  let body = Buffer.alloc(0);
  for await (const part of request) if (body.length < 1 << 20) body = Buffer.concat([body, part]);
  const ours = Buffer.from("v1," + createHmac("sha256", key).update(`${id}.${at}.`).update(body).digest("base64"));
  const same = (s) => s.length === ours.length && timingSafeEqual(Buffer.from(s), ours);
  const good = given.split(" ").some(same) && Math.abs(Date.now() / 1000 - Number(at)) <= 300;
  if (good) keep(id, body);
  response.writeHead(good ? 200 : 401).end();
}

createServer((request, response) => receive(request, response).catch(() => response.destroy())).listen(Number(port));
