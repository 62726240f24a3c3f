-- rate.lua: a token bucket: holds `burst`, refills `per_minute` evenly, by Redis's clock.
-- KEYS: 1 the bucket   ARGV: 1 burst, 2 per minute, 3 cost
-- Returns 0 when granted, else ms until it would be
local burst, per_minute, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
local b = redis.call('HMGET', KEYS[1], 'level', 'at')
local level, at = tonumber(b[1] or burst), tonumber(b[2] or now)
level = math.min(burst, level + math.max(0, now - at) * per_minute / 60000)
local wait = 0
if level >= cost then
  level = level - cost
else
  wait = math.ceil((cost - level) * 60000 / per_minute)
end
redis.call('HSET', KEYS[1], 'level', string.format('%.3f', level), 'at', now)
redis.call('PEXPIRE', KEYS[1], math.ceil(burst * 60000 / per_minute) + 1000)
return wait
