-- rules_post.lua (wrk): messages of some 500 bytes of words by 2,000 clients; each hundredth asks for a refund.
math.randomseed(os.time() * 1000 + math.floor(os.clock() * 1000))
local run, n = os.time() .. "-" .. math.random(1, 1000000), 0
local words = {"where", "order", "delivery", "please", "добрый", "день", "заказ", "когда", "money", "back", "phone", "number"}
local texts = {}
for i = 1, 100 do
  local text = {}
  for k = 1, 70 do text[k] = words[math.random(#words)] end
  if i == 1 then text[35] = "refund" end
  texts[i] = table.concat(text, " ")
end
request = function()
  n = n + 1
  local body = string.format('{"from":{"address":"u%012d","name":"Ann"},"id":"%s-%d","text":"%s"}',
    n % 2000, run, n, texts[n % 100 + 1])
  return wrk.format("POST", "/hooks/loopback/bench", {["Content-Type"] = "application/json"}, body)
end
done = function(summary, latency)
  io.write(string.format("RESULT %d %d %d %.0f %.0f\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
