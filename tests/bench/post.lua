-- post.lua (wrk): 600-byte messages of 2,000 clients, each with an id of its own.
math.randomseed(os.time() * 1000 + math.floor(os.clock() * 1000))
local run, n = os.time() .. "-" .. math.random(1, 1000000), 0
local text = string.rep("x", 500)
request = function()
  n = n + 1
  local body = string.format('{"from":{"address":"u%012d","name":"Ann"},"id":"%s-%d","text":"%s"}',
    n % 2000, run, n, text)
  return wrk.format("POST", "/hooks/loopback/bench", {["Content-Type"] = "application/json"}, body)
end
done = function(summary, latency)
  io.write(string.format("RESULT %d %d %d %.0f %.0f\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
