-- guard.lua: who has guessed wrong too often in a row waits: half a minute, then twice as long each time.
-- KEYS: 1 whose guesses they are
-- ARGV: 1 "ask", "wrong" or "right", 2 guesses before the first wait, 3 ms of the longest wait
-- Returns ms to wait, 0 none
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
if ARGV[1] == 'right' then
  redis.call('DEL', KEYS[1])
  return 0
elseif ARGV[1] == 'wrong' then
  local n = redis.call('HINCRBY', KEYS[1], 'wrong', 1) - tonumber(ARGV[2])
  if n >= 0 then
    redis.call('HSET', KEYS[1], 'until', now + math.min(tonumber(ARGV[3]), 30000 * 2 ^ math.min(n, 20)))
  end
  redis.call('PEXPIRE', KEYS[1], 86400000)
end
return math.max(0, tonumber(redis.call('HGET', KEYS[1], 'until') or '0') - now)
