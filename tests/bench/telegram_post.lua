-- telegram_post.lua (wrk): updates as Telegram posts them, texts of 500 bytes from 2,000 chats.
-- Arguments: the webhook's path, its secret token.
local path, headers, n, now
local text = string.rep("x", 500)
init = function(args)
  math.randomseed(os.time() * 1000 + math.floor(os.clock() * 1000))
  path, n, now = args[1], math.random(1, 100000) * 10000, os.time()
  headers = {["Content-Type"] = "application/json", ["X-Telegram-Bot-Api-Secret-Token"] = args[2]}
end
-- As little as can be: what it costs here is taken from the gateway, on the same two cores.
request = function()
  n = n + 1
  local user = 700000000 + n % 2000
  local body = string.format('{"update_id":%d,"message":{"message_id":%d,"from":{"id":%d,' ..
    '"is_bot":false,"first_name":"Ann","language_code":"en"},"chat":{"id":%d,"first_name":"Ann",' ..
    '"type":"private"},"date":%d,"text":"%s"}}', n, n, user, user, now, text)
  return wrk.format("POST", path, headers, body)
end
done = function(summary, latency)
  io.write(string.format("RESULT %d %d %d %.0f %.0f\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
