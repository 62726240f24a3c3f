-- user_unvouch.lua: what providers know a user by counts no more: the next whom they call so is he.
-- KEYS: 1 "sb:user:<name>"
-- Returns how many providers there were
local n = 0
local user = redis.call('HGETALL', KEYS[1])
for i = 1, #user, 2 do
  if string.sub(user[i], 1, 8) == 'vouched:' then
    redis.call('DEL', 'sb:vouched:' .. user[i + 1])
    n = n + redis.call('HDEL', KEYS[1], user[i])
  end
end
return n
