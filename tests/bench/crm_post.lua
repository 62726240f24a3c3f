-- crm_post.lua (wrk): 200-byte messages of 2,000 clients; each connection waits between its requests (argument: ms).
math.randomseed(os.time() * 1000 + math.floor(os.clock() * 1000))
local run, n, pause = os.time() .. "-" .. math.random(1, 1000000), 0, 0
local text = string.rep("x", 200)
init = function(args)
  pause = tonumber(args[1] or 0)
end
request = function()
  n = n + 1
  local body = string.format('{"from":{"address":"u%012d","name":"Ann"},"id":"%s-%d","text":"%s"}',
    n % 2000, run, n, text)
  return wrk.format("POST", "/hooks/loopback/bench", {["Content-Type"] = "application/json"}, body)
end
delay = function()
  return math.random(0, 2 * pause)
end
done = function(summary, latency)
  io.write(string.format("RESULT %d %d %d %.0f %.0f\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
