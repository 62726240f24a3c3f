-- whatsapp_post.lua (wrk): signed webhooks as Meta posts them, texts of 500 bytes from 2,000 people.
-- Arguments: the webhook's path, the app secret, messages in a body, how many bodies to make before
-- the clock starts: to make and sign them takes longer than to serve them.
local ffi = require("ffi")
ffi.cdef [[
const void *EVP_sha256(void);
unsigned char *HMAC(const void *md, const void *key, int key_len, const unsigned char *d, size_t n,
  unsigned char *out, unsigned int *out_len);
]]
local crypto = ffi.load("libcrypto.so.3")
local sha256, mac = crypto.EVP_sha256(), ffi.new("unsigned char[32]")
local size = ffi.new("unsigned int[1]")
local hex = {}
for i = 0, 255 do hex[i] = string.format("%02x", i) end
local path, secret, batch, n
local ready, given = {}, 0
local text = string.rep("x", 500)
local contact = '{"profile":{"name":"Ann"},"wa_id":"49176%07d","user_id":"DE.%012d"}'
local message = '{"from":"49176%07d","from_user_id":"DE.%012d","id":"wamid.HBgLNDkxNzY%014dAA==",' ..
  '"timestamp":"%d","type":"text","text":{"body":"%s"}}'

local function sign(body)
  crypto.HMAC(sha256, secret, #secret, body, #body, mac, size)
  local out = {}
  for i = 0, 31 do out[i + 1] = hex[mac[i]] end
  return "sha256=" .. table.concat(out)
end

local function make()
  local contacts, messages, now = {}, {}, os.time()
  for i = 1, batch do
    n = n + 1
    local user = n % 2000
    contacts[i] = string.format(contact, user, user)
    messages[i] = string.format(message, user, user, n, now, text)
  end
  local body = '{"object":"whatsapp_business_account","entry":[{"id":"77","changes":[{"field":"messages",' ..
    '"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"4915100000",' ..
    '"phone_number_id":"1055"},"contacts":[' .. table.concat(contacts, ",") .. '],"messages":[' ..
    table.concat(messages, ",") .. "]}}]}]}"
  return wrk.format("POST", path, {["Content-Type"] = "application/json",
    ["X-Hub-Signature-256"] = sign(body)}, body)
end

init = function(args)
  math.randomseed(os.time() * 1000 + math.floor(os.clock() * 1000))
  path, secret, batch, n = args[1], args[2], tonumber(args[3]), math.random(1, 100000) * 1000000
  for i = 1, tonumber(args[4]) do ready[i] = make() end
end

request = function()
  given = given + 1
  local one = ready[given]
  ready[given] = nil
  return one or make()
end

done = function(summary, latency)
  io.write(string.format("RESULT %d %d %d %.0f %.0f\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
