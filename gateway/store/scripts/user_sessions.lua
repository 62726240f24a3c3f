-- user_sessions.lua: a user's sessions, the newest first; those that ran out are taken off the list.
-- KEYS: 1 "sb:sessions:<name>"
-- Returns {sha256, what it says of itself, ms until it ends, ...}
local out = {}
for _, sha in ipairs(redis.call('ZREVRANGE', KEYS[1], 0, -1)) do
  local value = redis.call('GET', 'sb:session:' .. sha)
  if value then
    out[#out + 1] = sha
    out[#out + 1] = value
    out[#out + 1] = redis.call('PTTL', 'sb:session:' .. sha)
  else
    redis.call('ZREM', KEYS[1], sha)
  end
end
return out
